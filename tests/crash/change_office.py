"""Customers who change what they have, one part after the other, think again, give notice, and withdraw it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final, TypeAlias

from satcom.core.values import Json, instant_text
from satcom.market.inventory import product_of_order
from tests.crash.an_installation import Installation
from tests.crash.kind_of_flow import PARTS, Part, another, end
from tests.crash.office import CANCELLATIONS, ENDED, FLOWS, HEAVY_RAIN_DB, ORDERS, WAITS, Body, Office
from tests.crash.sold import Offers, Sold, deliver
from tests.market.a_market import as_customer
from tests.orchestration.operations.test_kinds_of_change import its_terminal_and_another

RATES: Final = (512_000, 768_000, 1_000_000)
AVAILABILITIES: Final = (99.0, 99.5)
NOTICE: Final = timedelta(seconds=4)  # the order waits for its last moment, as for a last day


class Wish(StrEnum):
    CHANGE = "changes what it has"
    THINK_AGAIN = "changes what it has, and cancels when the test fails, or while somebody else is awaited"
    END = "gives notice for a moment ahead"
    STAY = "gives notice, and withdraws it while the hub is being cleared"


Wishes: TypeAlias = tuple[tuple[Wish, Part | None], ...]
STAYS: Final[Wishes] = ((Wish.STAY, None), (Wish.STAY, None), (Wish.CHANGE, Part.RATE))
WAITED_FOR: Final = {  # a task and its state; without one, that it was tried
    Sold.LINK: ("accept_test", "hold"),
    Sold.ACCESS: ("accept_test", "hold"),
    Sold.LEASE: ("carriers_are_moved", "active"),
    Sold.PARTNER: ("partner_delivers", None),
}


@dataclass
class Customer:
    """One product, with what of it changes; its wishes, again and again; and the order that changes it now.

    Of one that is `kept` the hub does not let the carrier go.
    """

    sold: Sold
    product: str
    service: str
    wishes: Wishes
    has: dict[str, Json]
    kept: bool
    terminals: tuple[str, ...] = ()
    wanted: dict[str, Json] = field(default_factory=dict)
    order: str = ""
    wish: Wish | None = None
    acted: bool = False
    over: bool = False
    number: int = 0


def changing(sold: Sold, first: int = 0) -> Wishes:
    """Each part of it, beginning with this one: first thinking again, then not."""
    parts = [*PARTS[sold][first:], *PARTS[sold][:first]]
    return tuple((wish, part) for part in parts for wish in (Wish.THINK_AGAIN, Wish.CHANGE))


def leaving(sold: Sold) -> Wishes:
    """The last of its parts, as in `changing`, and then it goes."""
    return *changing(sold)[-2:], (Wish.END, None)


class ChangeOffice:
    """All customers of a run, each with one order after the other. They work over HTTP alone."""

    def __init__(self, installation: Installation, random: Random, offers: Offers) -> None:
        self.installation, self.random, self.offers = installation, random, offers
        self.office = Office(installation, random, offers)
        self.customers: list[Customer] = []
        self.ends: Counter[str] = Counter()

    def deliver(self, sold: Sold, wishes: Wishes, kept: bool = False) -> None:
        """One more product, delivered before anything is killed by it."""
        operation, rate_bps = self.installation.operation, self.random.choice(RATES)
        order_id = deliver(operation, self.offers, sold, rate_bps)
        with operation.database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            has = {one.name: one.value for one in product.product_characteristic}
            customer = Customer(sold, product.id, product.realizing_service[0].id, wishes, has, kept)
        if Part.TERMINAL in PARTS[sold]:
            alike = [one.terminals for one in self.customers if one.sold is sold]  # at the same place
            customer.terminals = alike[0] if alike else its_terminal_and_another(operation, order_id)
            customer.has |= {Part.TERMINAL: customer.terminals[0]}
        self.customers.append(customer)

    def faults(self) -> list[dict[str, Json]]:
        """The carriers of those who are kept are not let go."""
        return [
            {"kind": "error500", "method": "DELETE", "path": f"/v1/carriers/{one.service}-forward"}
            for one in self.customers
            if one.kept
        ]

    def step(self, more: bool) -> None:
        """See how far all are, and do what is due; with `more` those who have no order place the next."""
        states = {one["id"]: one["state"] for one in self.office.listed(ORDERS, fields="id,state")}
        self._look_at_carriers()
        for one in self.customers:
            if one.order and states.get(one.order) in ENDED:
                self.ends[f"{one.sold} {one.wish}: {states[one.order]}"] += 1
                one.over = one.wish is Wish.END and states[one.order] == "completed"
                one.has |= one.wanted if states[one.order] == "completed" else {}
                one.order = ""
            elif one.order and not one.acted:
                self._think(one)
            if more and not one.order and not one.over:
                self._order(one)

    def ended(self) -> set[Sold]:
        """The kinds of which a product came to its end."""
        return {one.sold for one in self.customers if one.over}

    def open(self) -> list[Customer]:
        return [one for one in self.customers if one.order]

    def _look_at_carriers(self) -> None:
        """The NOC lets an order of a lease go on, unless its customer is about to think again. It may be over: 409."""
        thinking = {one.order for one in self.customers if one.wish is Wish.THINK_AGAIN and not one.acted}
        for wait in self.office.listed(WAITS, owner="noc"):
            told = {each["name"]: each.get("value") for each in wait["characteristic"]}
            flow = self.office.ask("GET", f"{FLOWS}/{told['processFlowId']}").json()
            if flow["relatedEntity"][0]["id"] not in thinking:
                answer = self.office.ask("PATCH", wait["href"], {"state": "completed"})
                assert answer.status_code in (200, 409), answer.text

    def _order(self, one: Customer) -> None:
        (one.wish, part), one.acted = one.wishes[one.number % len(one.wishes)], False
        one.wanted, one.number = {} if part is None else self._something_else(one, part), one.number + 1
        wanted: list[Json] = [{"name": name, "value": value} for name, value in one.wanted.items()]
        if one.sold in (Sold.LINK, Sold.ACCESS):
            self.office.weather(one.service, HEAVY_RAIN_DB if one.wish is Wish.THINK_AGAIN else 0.0)
        action, kind = ("delete", end(one.sold)) if part is None else ("modify", another(part, one.sold))
        item: Json = {"id": "1", "action": action, "product": {"id": one.product, "productCharacteristic": wanted}}
        party = as_customer(self.installation.operation.market.party)
        body: Body = {"relatedParty": [party], "productOrderItem": [item], "externalId": kind}
        if one.wish is Wish.END:
            body["requestedCompletionDate"] = instant_text(datetime.now(UTC) + NOTICE)
        answer = self.office.ask("POST", ORDERS, body, key=f"{one.product} {one.number}")
        assert answer.status_code == 201, answer.text
        one.order = answer.json()["id"]

    def _something_else(self, one: Customer, part: Part) -> dict[str, Json]:
        """This part of it, as it is not now. What is committed of an access goes with its rate."""
        some: dict[Part, Sequence[Json]] = {Part.TERMINAL: one.terminals, Part.AVAILABILITY: AVAILABILITIES}
        choices = some.get(part, RATES)
        value = self.random.choice([each for each in choices if each != one.has.get(part)])
        if one.sold is Sold.ACCESS and part is Part.RATE:
            return {part: value, "downlinkCommittedRateBps": int(str(value)) // 8}
        return {part: value}

    def _think(self, one: Customer) -> None:
        """Cancel once what is done has to be undone. It may be too late: 409."""
        if one.wish not in (Wish.THINK_AGAIN, Wish.STAY):
            return
        name, state = WAITED_FOR[one.sold] if one.wish is Wish.THINK_AGAIN else ("take_out_of_hub", None)
        flows = self.office.listed(FLOWS, **{"relatedEntity.id": one.order})
        tasks = self.office.listed(f"{FLOWS}/{flows[0]['id']}/taskFlow", taskFlowSpecification=name)
        told = {each["name"]: each.get("value") for each in tasks[0].get("characteristic", [])} if tasks else {}
        tried = int(str(told.get("attempts") or 0)) > 0
        if tasks and (tasks[0]["state"] == state if state else tried):
            body: Body = {"productOrder": {"id": one.order}, "cancellationReason": "we think again"}
            answer = self.office.ask("POST", CANCELLATIONS, body, key=f"cancel {one.order}")
            assert answer.status_code in (201, 409), answer.text
            one.acted = True
