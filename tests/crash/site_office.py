"""Customers who want another terminal at their sites, and who else has a part in it: sales, supply and who installs.

All work over HTTP alone. A customer may think again while he waits for each of them, and once the terminal is there.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from satcom.core.values import Json, instant_text
from satcom.market.inventory import product_of_order
from tests.crash.an_installation import Installation
from tests.crash.kind_of_flow import Part, another, swap
from tests.crash.office import (
    CANCELLATIONS,
    ENDED,
    FLOWS,
    HEAVY_RAIN_DB,
    ORDERS,
    PURCHASES,
    RECEIPTS,
    Body,
    Office,
)
from tests.crash.shared_time import SharedTime
from tests.crash.sold import Offers, Sold, deliver
from tests.market.a_market import as_customer
from tests.orchestration.operations.test_kinds_of_change import its_terminal_and_another

APPROVALS: Final = "/satcom-api/market/v1/orderApproval"
STOCK_ITEMS: Final = "/satcom-api/supplyChain/v1/stockItem"
SWAPS: Final = "/satcom-api/service/v1/terminalSwap"
SHIPMENTS: Final = "/satcom-api/supplyChain/v1/shipment"
APPOINTMENTS: Final = "/tmf-api/appointment/v4/appointment"
RATES: Final = (512_000, 768_000, 1_000_000)
ON_THE_WAY: Final = timedelta(days=2)


class Wish(StrEnum):
    CHANGE = "another terminal"
    REFUSED = "another terminal, which sales does not approve"
    NOT_APPROVED = "another terminal, and cancels before it is approved"
    NOT_SHIPPED = "another terminal, and cancels before it comes"
    NOT_APPOINTED = "another terminal, and cancels before a visit is agreed"
    NOT_VISITED = "another terminal, and cancels before the visit"
    RAINED_ON = "another terminal, and cancels when the test fails"
    SWAP = "one of its kind for a faulty terminal"
    NOT_SWAPPED = "one of its kind for a faulty terminal, called off when the test fails"


CYCLE: Final = (
    Wish.CHANGE,
    Wish.RAINED_ON,
    Wish.NOT_VISITED,
    Wish.SWAP,
    Wish.NOT_SHIPPED,
    Wish.NOT_APPROVED,
    Wish.CHANGE,
    Wish.RAINED_ON,
    Wish.NOT_APPOINTED,
    Wish.NOT_SWAPPED,
    Wish.REFUSED,
)
RAINED_ON: Final = (Wish.RAINED_ON, Wish.NOT_SWAPPED)
SWAPPED: Final = (Wish.SWAP, Wish.NOT_SWAPPED)
THINKS_AT: Final = {
    Wish.NOT_APPROVED: "order_is_approved",
    Wish.NOT_SHIPPED: "terminal_is_here",
    Wish.NOT_APPOINTED: "appointment_is_made",
    Wish.NOT_VISITED: "site_is_installed",
}


@dataclass
class Customer:
    """One site, its terminal and the other one that he could have, and the order that changes it now."""

    sold: Sold
    product: str
    service: str
    terminals: tuple[str, str]
    rate: int
    number: int
    order: str = ""
    reference: str = ""
    wish: Wish = Wish.CHANGE
    acted: bool = False


class SiteOffice:
    """All customers of a run, each with one order after the other, and whoever serves them."""

    def __init__(self, installation: Installation, random: Random, offers: Offers, time: SharedTime) -> None:
        self.installation, self.random, self.offers, self.time = installation, random, offers, time
        self.office = Office(installation, random, offers)
        self.customers: list[Customer] = []
        self.ends: Counter[str] = Counter()
        self.visits = 0
        self.shipped: set[str] = set()

    def deliver(self, sold: Sold, first: int) -> None:
        """One more at the same place, delivered before anything is killed by it; `first` in the cycle is its wish."""
        operation, rate = self.installation.operation, len(self.customers) % len(RATES)
        order_id = deliver(operation, self.offers, sold, RATES[rate])
        alike = [one.terminals for one in self.customers if one.sold is sold]
        terminals = alike[0] if alike else its_terminal_and_another(operation, order_id)
        with operation.database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            service = product.realizing_service[0].id
            self.customers.append(Customer(sold, product.id, service, terminals, rate, first))

    @property
    def others(self) -> set[str]:
        """The terminal types that customers will want."""
        return {one.terminals[1] for one in self.customers}

    def open(self) -> list[Customer]:
        return [one for one in self.customers if one.order]

    def step(self, more: bool) -> None:
        """See how far all are, and do what is due; with `more` those who have no order place the next."""
        states = {one["id"]: one["state"] for one in self.office.listed(ORDERS, fields="id,state")}
        states |= {one["id"]: one["state"] for one in self.office.listed(SWAPS)}
        waits = self.office.waits()
        for one in self.customers:
            if one.order and states.get(one.order) in ENDED | {"done", "undone"}:
                self._note_end(one, states[one.order])
            elif one.order and not one.acted and self._thinks_again(one, waits):
                self._cancel(one)
            if more and not one.order:
                self._ask(one)
        self._decide()
        self._ship()
        self._visit(waits)

    # What a customer does

    def _note_end(self, one: Customer, state: str) -> None:
        self.ends[f"{one.sold} {one.wish}: {state}"] += 1
        if state == "completed":
            one.terminals, one.rate = one.terminals[::-1], (one.rate + 1) % len(RATES)
        one.order = ""

    def _ask(self, one: Customer) -> None:
        one.wish, one.acted, one.number = CYCLE[one.number % len(CYCLE)], False, one.number + 1
        self.office.weather(one.service, HEAVY_RAIN_DB if one.wish in RAINED_ON else 0.0)
        if one.wish in SWAPPED:
            self._swap(one)
        else:
            self._order(one)

    def _swap(self, one: Customer) -> None:
        """A field engineer takes one from the shelf; an order may have been quicker: 409."""
        [shelf] = self.office.listed(STOCK_ITEMS, terminalTypeName=one.terminals[0])
        serial_number = f"S-{one.service}-{one.number}"
        body: Body = {"stockItem": {"id": shelf["id"]}, "serialNumber": [serial_number]}
        self._post(RECEIPTS, body, key=f"to swap {serial_number}")
        body = {"serviceId": one.service, "serialNumber": serial_number, "reason": swap(one.sold)}
        answer = self.office.ask("POST", SWAPS, body, key=f"swap {serial_number}")
        assert answer.status_code in (201, 409), answer.text
        if answer.status_code == 201:
            one.order, one.reference = answer.json()["id"], answer.json()["reference"]

    def _order(self, one: Customer) -> None:
        """The other terminal, and the next rate: two of three times that is dearer, and to be approved."""
        values: dict[str, Json] = {
            "terminalType": one.terminals[1],
            "installation": "onSite",
            "downlinkRateBps": RATES[(one.rate + 1) % len(RATES)],
        }
        wanted: list[Json] = [{"name": name, "value": value} for name, value in values.items()]
        item: Json = {"id": "1", "action": "modify", "product": {"id": one.product, "productCharacteristic": wanted}}
        party = as_customer(self.installation.operation.market.party)
        body: Body = {"relatedParty": [party], "productOrderItem": [item]}
        body["externalId"] = another(Part.TERMINAL, one.sold)
        answer = self.office.ask("POST", ORDERS, body, key=f"{one.product} {one.number}")
        assert answer.status_code == 201, answer.text
        one.order, one.reference = answer.json()["id"], answer.json()["reference"]

    def _thinks_again(self, one: Customer, waits: dict[str, set[str]]) -> bool:
        if one.wish in THINKS_AT:
            return one.reference in waits[THINKS_AT[one.wish]]
        if one.wish not in RAINED_ON:
            return False
        [flow] = self.office.listed(FLOWS, **{"relatedEntity.id": one.order})
        tasks = self.office.listed(f"{FLOWS}/{flow['id']}/taskFlow", taskFlowSpecification="accept_test")
        return [task["state"] for task in tasks] == ["hold"]

    def _cancel(self, one: Customer) -> None:
        """It may be over, or cancelled unheard: 409."""
        one.acted = True
        if one.wish in SWAPPED:
            self._patch(f"{SWAPS}/{one.order}", {"state": "undone"})
            return
        body: Body = {"productOrder": {"id": one.order}, "cancellationReason": "we think again"}
        answer = self.office.ask("POST", CANCELLATIONS, body, key=f"cancel {one.order}")
        assert answer.status_code in (201, 409), answer.text

    def _thinking(self, order_id: str, wish: Wish) -> bool:
        """Whether an order is of a customer who is about to think again, or who is refused."""
        return any(one.order == order_id and one.wish is wish and not one.acted for one in self.customers)

    # What the others do. Whatever it is about may have been cancelled, or done unheard, just now: 409

    def _decide(self) -> None:
        """Sales approves all but what it refuses."""
        for asked in self.office.listed(APPROVALS, state="asked"):
            order_id = asked["productOrder"]["id"]
            if not self._thinking(order_id, Wish.NOT_APPROVED):
                refused = self._thinking(order_id, Wish.REFUSED)
                self._patch(asked["href"], {"state": "refused" if refused else "approved", "reason": "our rule"})

    def _ship(self) -> None:
        """What was bought is shipped, and what was shipped comes, whether somebody waits for it or not."""
        bought = {one["id"]: one for one in self.office.listed(PURCHASES)}
        for one in self.office.listed(SHIPMENTS, state="shipped"):
            if not self._thinking(bought[one["purchaseOrderId"]]["orderId"], Wish.NOT_SHIPPED):
                body: Body = {"shipment": {"id": one["id"]}, "serialNumber": one["serialNumber"]}
                self._post(RECEIPTS, body, key=f"receipt {one['id']}")
        for one in bought.values():
            if one["state"] == "ordered" and one["id"] not in self.shipped:
                body = {
                    "purchaseOrder": {"id": one["id"]},
                    "serialNumber": [f"B-{one['reference']}"],
                    "carrier": "By road",
                    "trackingNumber": one["reference"],
                    "expectedDate": str((self.time.now() + ON_THE_WAY).date()),
                }
                self._post(SHIPMENTS, body, key=f"shipment {one['id']}")
                self.shipped.add(one["id"])

    def _visit(self, waits: dict[str, set[str]]) -> None:
        """The installer says that he was there, every third time that nobody opened; who has no visit agrees on one."""
        agreed = self.office.listed(APPOINTMENTS, status="confirmed")
        waiting = waits["appointment_is_made"] | waits["site_is_installed"]
        for one in agreed:
            if not self._thinking(named_in(one), Wish.NOT_VISITED):
                self.time.set_forward(datetime.fromisoformat(one["validFor"]["startDateTime"]))
                self.visits += 1
                missed: Body = {"status": "failed", "note": [{"text": "nobody opened"}]}
                self._patch(one["href"], missed if self.visits % 3 == 0 else {"status": "completed"})
        for order_id in [one.order for one in self.customers if one.order and one.reference in waiting]:
            if order_id not in map(named_in, agreed) and not self._thinking(order_id, Wish.NOT_APPOINTED):
                self._agree_on_a_visit(order_id)

    def _agree_on_a_visit(self, order_id: str) -> None:
        """The next hour: the installer works day and night."""
        start_at = self.time.next_hour()
        stop_at = start_at + timedelta(hours=1)
        installed: Json = {"id": order_id, "role": "installed order", "@referredType": "ProductOrder"}
        period: Json = {"startDateTime": instant_text(start_at), "endDateTime": instant_text(stop_at)}
        body: Body = {"relatedEntity": [installed], "validFor": period}
        self._post(APPOINTMENTS, body, key=f"visit {order_id} {instant_text(start_at)}")

    def _post(self, path: str, body: Body, key: str) -> None:
        answer = self.office.ask("POST", path, body, key=key)
        assert answer.status_code in (201, 409), answer.text

    def _patch(self, path: str, body: Body) -> None:
        answer = self.office.ask("PATCH", path, body)
        assert answer.status_code in (200, 409), answer.text


def named_in(appointment: Body) -> str:
    """The order that is installed."""
    return str(appointment["relatedEntity"][0]["id"])
