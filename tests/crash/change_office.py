"""Customers who change what they have, think again, give notice, and withdraw it."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random

from satcom.core.values import Json, instant_text
from satcom.market.inventory import product_of_order
from tests.crash.an_installation import Installation
from tests.crash.office import CANCELLATIONS, ENDED, FLOWS, HEAVY_RAIN_DB, ORDERS, WAITS, Body, Office
from tests.crash.sold import Offers, Sold, deliver
from tests.market.a_market import as_customer

RATES = (512_000, 768_000, 1_000_000)
NOTICE = timedelta(seconds=4)  # the order waits for its last moment, as for a last day


class Wish(StrEnum):
    CHANGE = "changes the rate"
    THINK_AGAIN = "changes the rate, and cancels when the test fails, or while somebody else is awaited"
    END = "gives notice for a moment ahead"
    STAY = "gives notice, and withdraws it while the hub is being cleared"


STAYERS = (Wish.STAY, Wish.STAY, Wish.CHANGE)
LEAVERS = (Wish.CHANGE, Wish.THINK_AGAIN, Wish.CHANGE, Wish.THINK_AGAIN, Wish.END)

WAITED_FOR = {  # a task and its state; without one, that it was tried
    Sold.LINK: ("accept_test", "hold"),
    Sold.ACCESS: ("accept_test", "hold"),
    Sold.LEASE: ("carriers_are_moved", "active"),
    Sold.PARTNER: ("partner_delivers", None),
}


@dataclass
class Customer:
    """One product, and the order that changes it now. `stays`: the hub does not let its carrier go."""

    sold: Sold
    product: str
    service: str
    rate_bps: int
    stays: bool
    order: str = ""
    wish: Wish | None = None
    acted: bool = False
    over: bool = False
    number: int = 0


class ChangeOffice:
    """All customers of a run, each with one order after the other. They work over HTTP alone."""

    def __init__(self, installation: Installation, random: Random, offers: Offers) -> None:
        self.installation, self.random, self.offers = installation, random, offers
        self.office = Office(installation, random, offers)
        self.customers: list[Customer] = []
        self.ends: Counter[str] = Counter()

    def deliver(self, sold: Sold = Sold.LINK, stays: bool = False) -> Customer:
        """One more product, delivered before anything is killed by it."""
        operation, rate_bps = self.installation.operation, self.random.choice(RATES)
        order_id = deliver(operation, self.offers, sold, rate_bps)
        with operation.database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            customer = Customer(sold, product.id, product.realizing_service[0].id, rate_bps, stays)
        self.customers.append(customer)
        return customer

    def faults(self) -> list[dict[str, Json]]:
        """The carriers of those who stay are not let go."""
        return [
            {"kind": "error500", "method": "DELETE", "path": f"/v1/carriers/{one.service}-forward"}
            for one in self.customers
            if one.stays
        ]

    def step(self, more: bool) -> None:
        """See how far all are, and do what is due; with `more` those who have no order place the next."""
        states = {one["id"]: one["state"] for one in self.office.listed(ORDERS, fields="id,state")}
        self._look_at_carriers()
        for one in self.customers:
            if one.order and states.get(one.order) in ENDED:
                self.ends[f"{one.wish}: {states[one.order]}"] += 1
                one.over = one.wish is Wish.END and states[one.order] == "completed"
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
        wishes = STAYERS if one.stays else LEAVERS
        one.wish, one.acted, one.number = wishes[one.number % len(wishes)], False, one.number + 1
        wanted: list[Json] = []
        if one.wish in (Wish.CHANGE, Wish.THINK_AGAIN):
            one.rate_bps = self.random.choice([rate for rate in RATES if rate != one.rate_bps])
            wanted = [{"name": "bandwidthHz" if one.sold is Sold.LEASE else "downlinkRateBps", "value": one.rate_bps}]
        if one.sold in (Sold.LINK, Sold.ACCESS):
            self.office.weather(one.service, HEAVY_RAIN_DB if one.wish is Wish.THINK_AGAIN else 0.0)
        action = "delete" if one.wish in (Wish.END, Wish.STAY) else "modify"
        item: Json = {"id": "1", "action": action, "product": {"id": one.product, "productCharacteristic": wanted}}
        party = as_customer(self.installation.operation.market.party)
        body: Body = {"relatedParty": [party], "productOrderItem": [item]}
        if one.wish is Wish.END:
            body["requestedCompletionDate"] = instant_text(datetime.now(UTC) + NOTICE)
        answer = self.office.ask("POST", ORDERS, body, key=f"{one.product} {one.number}")
        if answer.status_code == 422:  # as after a change that was cancelled: it is as asked already
            return
        assert answer.status_code == 201, answer.text
        one.order = answer.json()["id"]

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
