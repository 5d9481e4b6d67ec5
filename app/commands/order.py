"""`satcom order`: place an order, see it, watch it being delivered, cancel it, repair it. All over the HTTP API."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import typer
import yaml
from rich.live import Live
from rich.text import Text

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import (
    CANCELLATIONS,
    FLOWS,
    HERE,
    ORDERS,
    Api,
    ApiAway,
    ApiRefused,
    Body,
    Token,
    Url,
    flow_of,
    operator_zone,
    order_called,
    tasks_of,
)
from satcom.app.commands.delivery import delivery_of, lines_of
from satcom.app.commands.order_view import Progress, changes, described, listed, progress, shown
from satcom.app.instants import shown_instant
from satcom.app.listing import screen
from satcom.app.parameter_names import offered
from satcom.core.values import Json, Money, instant_text

order = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Name = Annotated[str, typer.Argument(metavar="ORDER", help="Its reference, as PO-2026-000001, or its id.")]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="The task, as order show calls it.")]
Every = Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks.")]
OF_A_FOLDER = "product_offering"  # names it as the files do that an operator is loaded from
CANCELLATION: Final = "/satcom-api/market/v1/orderCancellation"
DATES = "2027-03-31, 2027-03-31T12:00, or with its offset 2027-03-31T12:00Z or 2027-03-31T12:00+03:00"
STATES: Final = (
    "acknowledged",
    "rejected",
    "pending",
    "held",
    "inProgress",
    "cancelled",
    "completed",
    "failed",
    "partial",
    "assessingCancellation",
    "pendingCancellation",
)
console = screen()


class _AsWritten(yaml.SafeLoader):
    """YAML with the types of JSON: a date stays the text that it is."""


_AsWritten.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@order.command()
def place(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(
            metavar="FILE", help="A TMF622 body, JSON or YAML, or an order beside loaded files; - is a pipe."
        ),
    ],
    key: Annotated[
        str | None, typer.Option(help="Of an earlier try: the order is then not placed twice.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Place an order and print its reference. Delivery goes on by itself."""
    body = read_order(file.read(), file.name)
    key = key or str(uuid4())
    with Api(url, token) as api:
        try:
            placed = api.post(ORDERS, body, key)
        except ApiAway as away:
            raise ApiAway(f"{away}\nIt may have been placed all the same; ask again with --key {key}") from away
    if as_json:
        typer.echo(json.dumps(placed))
        return
    typer.echo(placed["reference"])
    if sys.stdout.isatty():
        console.print(f"[dim]{placed['state']}; see it delivered: satcom order watch {placed['reference']}[/dim]")


def read_order(written: bytes, name: str) -> Json:
    """The body in a file, as JSON has it. Raises `ApiRefused` when it is neither JSON nor YAML."""
    try:
        read = _read(written)
        json.dumps(read, allow_nan=False)  # YAML can say more than JSON: a set, infinity, a list within itself
    except RecursionError as error:
        raise ApiRefused(400, [f"{name}: neither JSON nor YAML: it is nested too deeply"]) from error
    except (ValueError, TypeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:200]
        raise ApiRefused(400, [f"{name}: neither JSON nor YAML: {why}"]) from error
    if not isinstance(read, dict):
        raise ApiRefused(400, [f"{name}: it holds no product order (accepted: a TMF622 body as JSON or YAML)"])
    if OF_A_FOLDER in read and Path(name).is_file():
        named: Json = import_module("satcom.app.demo_order").order_in(Path(name))
        return named
    body: Json = read
    return body


def _read(written: bytes) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return yaml.load(written, _AsWritten)


@order.command("list")
def list_orders(
    state: Annotated[
        str | None,
        typer.Option(help="Only these: held or inProgress,held.", show_default=False, autocompletion=offered(STATES)),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, newest first.")] = 20,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """The newest orders, and how far they are."""
    asked = {"sort": "-orderDate", "limit": str(limit)} | ({"state": state} if state else {})
    with Api(url, token) as api:
        found: list[Body] = api.get(ORDERS, **asked)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        listed(found).print_on(console, f"no order is {state}" if state else "there is no order yet")


@order.command()
def show(name: Name, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Show an order: price, notes, what it took of the network, its service, test, bill and tasks.

    What the token may not see is left out.
    """
    with Api(url, token) as api:
        found = order_called(api, name)
        flow, tasks = _plan(api, found)
        delivery = delivery_of(api, found)
    if as_json:
        typer.echo(json.dumps({"productOrder": found, "processFlow": flow, "taskFlow": tasks} | delivery.bodies()))
        return
    described(found, lines_of(delivery)).print_on(console)
    console.print()
    console.print(shown(progress(found, flow, tasks)), soft_wrap=True)


@order.command()
def watch(name: Name, every: Every = 0.5, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Watch an order until it has ended.

    The exit status is 0 when it is completed, 1 when it is not. In a pipe, and with --json, one line is printed for
    each change.
    """
    with Api(url, token) as api:
        found = order_called(api, name)
        last = _follow_lines(api, found, every, as_json) if as_json or not console.is_terminal else None
        last = last or _follow_live(api, found, every)
    raise typer.Exit(0 if last.state == "completed" else 1)


def _follow_live(api: Api, found: Body, every_s: float) -> Progress:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            try:
                now = _look(api, found["id"])
            except ApiAway as away:
                live.console.print(Text(f"{away}; trying again", "yellow"))
            else:
                live.update(shown(now), refresh=True)
                if now.ended:
                    return now
            time.sleep(every_s)


def _follow_lines(api: Api, found: Body, every_s: float, as_json: bool) -> Progress:
    before: Progress | None = None
    while True:
        try:
            now = _look(api, found["id"])
        except ApiAway as away:
            typer.echo(f"{away}; trying again", err=True)
        else:
            for one in changes(before, now):
                typer.echo(json.dumps(one) if as_json else "  ".join(one.values()))
            before = now
            if now.ended:
                return now
        time.sleep(every_s)


def _look(api: Api, order_id: str) -> Progress:
    """The order first: once it has ended its tasks do not change any more."""
    found: Body = api.get(f"{ORDERS}/{order_id}")
    flow, tasks = _plan(api, found)
    return progress(found, flow, tasks)


def _plan(api: Api, found: Body) -> tuple[Body | None, list[Body]]:
    """The plan of an order. Whoever may see orders only, sees the order only."""
    try:
        flow = flow_of(api, found)
        return flow, tasks_of(api, flow) if flow is not None else []
    except ApiRefused as refused:
        if refused.status != 403:
            raise
        return None, []


@order.command()
def cancel(
    name: Name,
    reason: Annotated[
        str | None, typer.Option(help="Why; it is kept with the order. Needed to cancel it.", show_default=False)
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only tell whether it still can be, and the cost.")
    ] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Cancel an order that is not handed over, which costs nothing; what was done is undone."""
    if reason is None and not preview:
        accepted = "why it is cancelled, or --preview, which only tells whether it still can be and the cost"
        raise ApiRefused(400, [f"--reason: it is missing (accepted: {accepted})"])
    with Api(url, token) as api:
        found = order_called(api, name)
        if preview:
            with as_typed({"/productOrder": "ORDER"}), _pointing_on(found):
                asked: Body = api.get(CANCELLATION, productOrderId=found["id"])
            if as_json:
                typer.echo(json.dumps(asked))
            else:
                say_cancellation(asked)
            return
        body: Json = {"productOrder": {"id": found["id"]}, "cancellationReason": reason}
        with as_typed({"/productOrder": "ORDER", "/cancellationReason": "--reason"}), _pointing_on(found):
            cancelled = api.post(CANCELLATIONS, body, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(cancelled))
    else:
        reference = found["reference"]
        console.print(f"{reference} is being cancelled; see it undone: satcom order watch {reference}")


def say_cancellation(asked: Body) -> None:
    """Whether an order can still be cancelled; else what can be done instead, and each charge of that."""
    reference = asked["productOrder"]["name"]
    if asked["possible"]:
        console.print(f"{reference} is {asked['state']}: it can be cancelled, and that costs nothing")
        return
    charges = [f"{one['name']}: {_amount(one['price']['dutyFreeAmount'])}" for one in asked["itemPrice"]]
    for line in (asked["reason"], f"instead: {asked['accepted']}", *charges, *told_billing(asked)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def told_billing(asked: Body) -> list[str]:
    """What is still to be billed until a product has ended, line by line and in all."""
    if "taxExcludedAmount" not in asked:
        return []
    lines = [f"to be billed: {one['name']}, {one['description']}" for one in asked["appliedCustomerBillingRate"]]
    return [*lines, f"to be billed in all, before tax: {_amount(asked['taxExcludedAmount'])}"]


def _amount(money: Body) -> str:
    return str(Money.model_validate(money))


@contextmanager
def _pointing_on(found: Body) -> Iterator[None]:
    """What an order has delivered is not cancelled any more: names the command that ends it."""
    try:
        yield
    except ApiRefused as refused:
        if found["productOrderItem"][0]["action"] == "add":
            instead = f"satcom order terminate {found['reference']}"
            refused.faults = tuple(
                replace(one, accepted=f"{instead}; {one.accepted}") if one.code == "tooLate" else one
                for one in refused.faults
            )
        raise


@order.command()
def retry(name: Name, task: TaskName, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Have a held task, or its held undo, tried again."""
    with Api(url, token) as api:
        _told(name, task, "is tried again", as_json, _repaired(api, name, task, {"state": "active"}))


@order.command()
def skip(name: Name, task: TaskName, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Let the order go on without a held task or a wait."""
    with Api(url, token) as api:
        _told(name, task, "is skipped", as_json, _repaired(api, name, task, {"state": "completed"}))


@order.command()
def redate(
    name: Name,
    task: TaskName,
    deadline: Annotated[
        str,
        typer.Argument(
            metavar="WHEN",
            help=f"{DATES}. Without an offset it is the time of the operator's time zone; a day is its first moment.",
        ),
    ],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Give a task that is not done another deadline.

    For example: satcom order redate PO-2026-000001 terminal_is_here 2027-03-31
    """
    with Api(url, token) as api:
        when = instant_meant(deadline, lambda: operator_zone(api))
        body: Json = {"characteristic": [{"name": "deadline", "value": instant_text(when)}]}
        in_utc, there = shown_instant(when), shown_instant(when, when.tzinfo or UTC)
        told = f"has its deadline at {there}" + (f" ({in_utc})" if there != in_utc else "")
        _told(name, task, told, as_json, _repaired(api, name, task, body))


def instant_meant(text: str, zone: Callable[[], tzinfo], typed: str = "WHEN") -> datetime:
    """The instant that a person wrote; `zone` is asked only where no offset is given.

    Raises `ApiRefused` on the option or argument it was `typed` as.
    """
    try:
        when = datetime.fromisoformat(text)
        when = when if when.tzinfo is not None else when.replace(tzinfo=zone())
        when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ApiRefused(400, [f"{typed}: {text[:80]!r} is no date (accepted: {DATES})"]) from error
    return when


def _repaired(api: Api, name: str, task_name: str, body: Json) -> Body:
    """The task after its repair. Raises `ApiRefused` naming the tasks there are."""
    found = order_called(api, name)
    flow = flow_of(api, found)
    tasks = tasks_of(api, flow) if flow is not None else []
    task = next((one for one in tasks if task_name in (one["id"], one["taskFlowSpecification"])), None)
    if task is None or flow is None:
        names = ", ".join(str(one["taskFlowSpecification"]) for one in tasks)
        raise ApiRefused(404, [f"TASK: {name} has no task {task_name!r} (accepted: {names or 'it has none'})"])
    with as_typed({"/characteristic": "WHEN", "/deadline": "WHEN", "/state": "TASK"}):
        return api.patch(f"{FLOWS}/{flow['id']}/taskFlow/{task['id']}", body, str(uuid4()))


def _told(name: str, task: str, what: str, as_json: bool, body: Body) -> None:
    if as_json:
        typer.echo(json.dumps(body))
    else:
        console.print(f"{name}: {task} {what}", markup=False, highlight=False)
