"""An order on the terminal: what it is, how far its tasks are, what they wait for, and when it will be done."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from satcom.app.commands.api import Body, told
from satcom.app.instants import shown_day, shown_instant
from satcom.app.listing import Listing

ENDED: Final = frozenset({"completed", "failed", "rejected", "cancelled", "partial"})
STYLES: Final = {
    "completed": "green",
    "active": "cyan",
    "inProgress": "cyan",
    "hold": "bold red",
    "undo held": "bold red",
    "failed": "bold red",
    "rejected": "bold red",
    "held": "yellow",
    "undoing": "yellow",
    "pendingCancellation": "yellow",
}
NOTICEABLE_S: Final = 60.0


@dataclass(frozen=True)
class Step:
    """One task as it is shown."""

    name: str
    state: str
    took: str = ""
    owner: str = ""
    deadline: str = ""
    expected: str = ""
    fault: str = ""

    @property
    def waits(self) -> str:
        """Whom it waits for, and until when; empty when it does not wait."""
        if self.state not in ("active", "hold", "undo held") or not self.owner:
            return ""
        when = [f"{what} {day}" for what, day in (("expected", self.expected), ("deadline", self.deadline)) if day]
        return ", ".join([f"waits for {self.owner}", *when])


@dataclass(frozen=True)
class Progress:
    """An order and its tasks at one moment."""

    reference: str
    state: str
    finish: str
    steps: tuple[Step, ...]
    why: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def progress(order: Body, flow: Body | None, tasks: Sequence[Body]) -> Progress:
    """What the API said, as it is shown."""
    finish = told(flow).get("expectedFinish") if flow is not None else order.get("expectedCompletionDate")
    return Progress(
        order["reference"],
        order["state"],
        "" if order["state"] in ENDED else str(finish or ""),
        tuple(_step(task) for task in tasks),
        _why(order),
    )


def _why(order: Body) -> str:
    """Why it is held, or has ended without a product; empty for others."""
    if order["state"] == "cancelled":
        return str(order.get("cancellationReason", ""))
    notes = order.get("note", []) if order["state"] in ("held", "rejected", "failed") else []
    return str(notes[-1].get("text", "")) if notes else ""


def _step(task: Body) -> Step:
    known = told(task)
    fault = known.get("fault") or {}
    why = f"{fault.get('why', '')} ({fault.get('code', '')})" if fault else ""
    return Step(
        task["taskFlowSpecification"],
        _state(task["state"], str(known.get("undoState", "none"))),
        _took(known.get("startedAt"), known.get("finishedAt")),
        str(known.get("owner") or ""),
        shown_instant(known.get("deadline")),
        shown_instant(known.get("expectedAt")),
        why,
    )


def _state(state: str, undo: str) -> str:
    return {"due": "undoing", "active": "undoing", "hold": "undo held", "done": "undone"}.get(undo, state)


def _took(started: str | None, finished: str | None) -> str:
    """Between the two by the business clock."""
    if not started or not finished:
        return ""
    seconds = (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
    if seconds < 120:
        return f"{seconds:.2f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 86400:.1f} d"


def shown(now: Progress) -> RenderableType:
    """The order with its tasks, as `order watch` shows it again and again."""
    head = Text.assemble(
        (now.reference, "bold"), " ", (now.state, STYLES.get(now.state, "")), f"  {_finish(now)}" if now.finish else ""
    )
    listing = Listing("task", "state", "took", "waits for, fault", whole={"state", "took"}, right={"took"})
    for step in now.steps:
        rest = Text("\n").join(
            Text(line, style) for line, style in ((step.waits, "yellow"), (step.fault, "red")) if line
        )
        listing.add(step.name, Text(step.state, STYLES.get(step.state, "dim")), step.took, rest)
    last = [Text(now.why, STYLES.get(now.state, ""))] if now.ended and now.why else []
    return Group(head, listing, *last) if now.steps else Group(head, *last)


def _finish(now: Progress) -> str:
    return f"predicted finish {shown_instant(now.finish)}"


def described(order: Body, further: Iterable[tuple[str, str]] = ()) -> Listing:
    """What was ordered, by whom, for how much, and what was noted; then what came of it."""
    listing = Listing("what", "value", whole={"what"}, headed=False)
    for name, value in (*_ordered(order), *further):
        listing.add(Text(name, "dim"), value)
    return listing


def _ordered(order: Body) -> Iterator[tuple[str, str]]:
    yield "order", f"{order['reference']}  {order['id']}"
    customers = [one.get("name") or one["id"] for one in order.get("relatedParty", [])]
    yield "customer", ", ".join(customers)
    for item in order.get("productOrderItem", []):
        offering = item.get("productOffering", {})
        yield "offering", str(offering.get("name") or offering.get("id", ""))
        for one in item.get("product", {}).get("productCharacteristic", []):
            yield "", f"{one['name']} {one.get('value')}"
    prices = order.get("orderTotalPrice", [])
    for price in [one for one in prices if _net(one).get("value")] or prices[:1]:
        yield "price", _price(price)
    for name, key in (("ordered", "orderDate"), ("start", "requestedStartDate"), ("done", "completionDate")):
        if order.get(key):
            yield name, shown_instant(order[key])
    for note in order.get("note", []):
        yield "note", f"{shown_instant(note.get('date'))} {note.get('author', '')}: {note.get('text', '')}"


def listed(orders: Sequence[Body]) -> Listing:
    """One line an order."""
    listing = Listing("order", "state", "placed", "done, or expected", "customer")
    for one in orders:
        done = one.get("completionDate") or one.get("expectedCompletionDate")
        customer = next((each.get("name") or each["id"] for each in one.get("relatedParty", [])), "")
        listing.add(one["reference"], one["state"], shown_day(one.get("orderDate")), shown_instant(done), customer)
    return listing


def _net(price: Body) -> Body:
    """Its amount, before tax where that is told."""
    amount = price.get("price", {})
    net: Body = amount.get("dutyFreeAmount") or amount.get("taxIncludedAmount") or {}
    return net


def _price(price: Body) -> str:
    net = _net(price)
    per = f" per {price['recurringChargePeriod']}" if price.get("recurringChargePeriod") else ""
    before = " before tax" if price.get("price", {}).get("dutyFreeAmount") else ""
    return f"{net.get('value', 0):,.2f} {net.get('unit', '')}{per}{before}"


def changes(before: Progress | None, now: Progress) -> Iterator[dict[str, str]]:
    """What is different: the order itself, its predicted finish, each task."""
    if before is None or before.state != now.state:
        yield _line(now, "order", state=now.state, why=now.why)
    if now.finish and (before is None or not before.finish or _apart_s(before.finish, now.finish) >= NOTICEABLE_S):
        yield _line(now, "predicted finish", at=shown_instant(now.finish))
    known = {step.name: step for step in before.steps} if before is not None else {}
    for step in now.steps:
        if known.get(step.name, Step(step.name, "new")) != step:
            yield _line(now, step.name, state=step.state, took=step.took, waits=step.waits, fault=step.fault)


def _line(now: Progress, what: str, **details: str) -> dict[str, str]:
    return {"reference": now.reference, "what": what} | {name: one for name, one in details.items() if one}


def _apart_s(one: str, other: str) -> float:
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())
