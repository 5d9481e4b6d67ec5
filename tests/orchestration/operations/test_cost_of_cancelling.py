"""What it costs to think again: nothing until the hand-over; then what the terms say, told before, ordered and billed.

Every amount that is expected here is reckoned from the price list and the terms of the offering, not asked of satcom.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select

from satcom.app.http import create_app
from satcom.core.clock import clock, months_later, now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter, revise
from satcom.market.account.billing_account import BillingAccount
from satcom.market.account.settlement_account import accrued
from satcom.market.account_bill import bill_of_account, due_on
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.inventory import product_of_order
from satcom.orchestration.plan import FlowState, TaskFlow, TaskState
from satcom.orchestration.repair import retry
from satcom.resource.carrier_pool import PoolShare
from satcom.resource.catalog import NetworkNeed
from satcom.resource.ground import Terminal, TerminalState
from satcom.resource.hold import HoldState
from satcom.resource.hub import HubPortAssignment
from satcom.resource.spectrum import SpectrumAssignment
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from satcom.supplychain.partnership import Partnership
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.market.a_market import CHARACTERISTICS, a_price, a_token, as_customer
from tests.orchestration.operations.stopped_orders import Sold, Stop, everything_sold
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import DAKOTA
from tests.orchestration.operations.the_other_kinds import (
    ACCESS,
    MHZ,
    a_booking_offered,
    an_offer,
    ordered,
    record_the_test,
)
from tests.postgres_server import drop_database, new_database

MARKET = "/satcom-api/market/v1"
ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
RATES = "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate"
ZONE = ZoneInfo("Africa/Nairobi")
BOUND_MONTHS, CHARGED_MONTHS, NOTICE, USED = 12, 2, timedelta(days=30), timedelta(days=40)
TERMS: list[Json] = [
    {"name": "Minimum term", "duration": {"amount": BOUND_MONTHS, "units": "month"}},
    {"name": "Early termination", "duration": {"amount": CHARGED_MONTHS, "units": "month"}},
    {"name": "Notice period", "duration": {"amount": NOTICE.days, "units": "day"}},
]
SEEN_LATE = timedelta(days=3)  # nobody pays for the days until the NOC, or a worker, gets round to it
HUNDREDTH = Decimal("0.01")
SETUP, PER_UNIT, TERMINAL = Decimal(500), Decimal(2500), Decimal(900)  # as `an_offer` lists them, and a terminal sold
HOLDS = (SpectrumAssignment, HubPortAssignment, PoolShare)
Body = dict[str, Any]  # JSON gives any


@dataclass(frozen=True)
class Offered:
    """One kind on sale: how it is ordered, what its list charges once and by the month, and what of it is taken."""

    name: str
    order: Callable[[Sold, str], str]
    once: Decimal
    monthly: Decimal
    holds: int
    site: bool = False


MBIT = Decimal(1_000_000)
COMMITTED = Decimal(str(ACCESS["downlinkCommittedRateBps"])) + Decimal(str(ACCESS["uplinkCommittedRateBps"]))
RATE = Decimal(str(CHARACTERISTICS["downlinkRateBps"])) + Decimal(str(CHARACTERISTICS["uplinkRateBps"]))
KINDS = [
    Offered(
        "link",
        lambda sold, offer: ordered(sold.operation, offer, **CHARACTERISTICS),
        SETUP + TERMINAL,
        PER_UNIT * RATE / MBIT,
        holds=3,
        site=True,
    ),
    Offered(
        "access",
        lambda sold, offer: ordered(sold.operation, offer, **ACCESS),
        SETUP + TERMINAL,
        PER_UNIT * COMMITTED / MBIT,
        holds=2,
        site=True,
    ),
    Offered(
        "lease",
        lambda sold, offer: ordered(sold.operation, offer, bandwidthHz=5 * MHZ),
        SETUP,
        PER_UNIT * 5,
        holds=1,
    ),
    Offered(
        "link by a partner",
        lambda sold, offer: sold.operation.order(**DAKOTA),
        Decimal(2800) + Decimal(5950),  # the installation and the terminal of every link of `an_operation`
        Decimal(400) * RATE / MBIT + Decimal(450),
        holds=0,
    ),
]


@dataclass(frozen=True)
class Counter:
    """Where a customer asks, orders and thinks again."""

    sold: Sold
    http: TestClient
    customer: dict[str, str]
    offers: dict[str, str]

    def get(self, path: str, **asked: str) -> Body:
        answer = self.http.get(path, params=asked, headers=self.customer)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found

    def cancellation(self, order_id: str) -> Body:
        return self.get(f"{MARKET}/orderCancellation", productOrderId=order_id)

    def refused_cancel(self, order_id: str) -> Body:
        answer = self.http.post(CANCELLATIONS, json={"productOrder": {"id": order_id}}, headers=self.customer)
        assert answer.status_code == 409, answer.text
        [fault] = answer.json()["fault"]
        assert (fault["field"], fault["code"]) == ("/productOrder/id", "tooLate")
        found: Body = fault
        return found

    def lines(self, product_id: str) -> list[Body]:
        answer = self.http.get(RATES, params={"product.id": product_id, "limit": "200"}, headers=self.customer)
        found: list[Body] = answer.json()
        return found

    def bill(self) -> None:
        """All that is due on the customer's account by now."""
        with self.sold.database.as_worker() as session:
            account = session.get_one(BillingAccount, self.sold.operation.market.account)
            due = due_on(session, account)
            if due.charges:
                bill_of_account(session, account, due)


@pytest.fixture(scope="module")
def counter(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    url = new_database(template)
    database = Database(url, connections=6)
    with (
        everything_sold(database, tmp_path_factory.mktemp("outside")) as sold,
        TestClient(create_app(database)) as http,
    ):
        with database.as_worker() as session:
            offers = offered_by_terms(session, sold)
        yield Counter(sold, http, a_token(database, "customer", sold.operation.market.party), offers)
    database.close()
    drop_database(url)


def offered_by_terms(session: Session, sold: Sold) -> dict[str, str]:
    """An offering of each kind; where there is a site its terminal is sold, too."""
    at_site = (NetworkNeed.CARRIERS, NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL)
    shared = (NetworkNeed.POOL_SHARE, NetworkNeed.TERMINAL)
    offers = {
        "link": an_offer(session, list(CHARACTERISTICS), *at_site, unit="Mbit/s"),
        "access": an_offer(session, list(ACCESS), *shared, unit="Mbit/s CIR"),
        "lease": an_offer(session, ["bandwidthHz"], NetworkNeed.LEASED_SPECTRUM),
        "link by a partner": sold.operation.market.offering,
    }
    terminal = enter(session, from_body(ProductOfferingPrice, a_price("Terminal", 900, monthly=False)), WORKER)
    for name, offer_id in offers.items():
        offering = session.get_one(ProductOffering, offer_id)
        listed: list[Json] = [{"id": one.id} for one in offering.product_offering_price]
        if name in ("link", "access"):
            listed.append({"id": terminal.id})
        revise(session, offering, {"productOfferingTerm": TERMS, "productOfferingPrice": listed}, WORKER)
    return offers | {"booking": a_booking_offered(session)}


def amount(money: Json) -> Decimal:
    assert isinstance(money, dict)
    return Decimal(str(money["value"]))


def charge(one: Body) -> Decimal:
    return amount(one["price"]["dutyFreeAmount"])


def billed(lines: list[Body]) -> Decimal:
    return sum((amount(one["taxExcludedAmount"]) for one in lines), Decimal(0))


def by_the_month(monthly: Decimal, start: datetime, end: datetime) -> Decimal:
    """Of each calendar month its days, the first day and the last one counting whole."""
    day, last, total = start.astimezone(ZONE).date(), end.astimezone(ZONE).date(), Decimal(0)
    while day <= last:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        of_days = (following - day.replace(day=1)).days
        days = (min(following, last + timedelta(days=1)) - day).days
        total += (monthly * days / of_days).quantize(HUNDREDTH, ROUND_HALF_EVEN)
        day = following
    return total


def waits_for_the_partner(tasks: dict[str, TaskFlow]) -> bool:
    """The partner is asked again after a moment."""
    return tasks["partner_delivers"].state is TaskState.ACTIVE


def same_but_for_the_time(one: str, other: str) -> bool:
    """Asked a moment later, notice takes effect a moment later."""
    instant = r"T[\d:.]+Z"
    return re.sub(instant, "", one) == re.sub(instant, "", other)


def handed_over(counter: Counter, kind: Offered) -> str:
    """An order that was delivered; while it was not, a cancellation would have cost nothing."""
    sold = counter.sold
    order_id = kind.order(sold, counter.offers[kind.name])
    assert counter.cancellation(order_id) | {"productOrder": None} == {
        "productOrder": None,
        "state": "acknowledged",
        "possible": True,
        "itemPrice": [],
    }
    while (tasks := sold.bring(order_id, Stop("hand_over", "held")))["hand_over"].state is not TaskState.HOLD:
        assert waits_for_the_partner(tasks), {name: one.fault for name, one in tasks.items() if one.fault}
        time.sleep(0.2)
    last = counter.cancellation(order_id)
    assert (last["possible"], last["itemPrice"], "taxExcludedAmount" in last) == (True, [], False)
    with sold.database.as_worker() as session:
        retry(session, tasks["hand_over"].process_flow_id, "hand_over", WORKER)
    sold.bring(order_id)
    sold.followed(order_id, FlowState.COMPLETED)
    return order_id


@pytest.mark.parametrize("kind", KINDS, ids=[one.name for one in KINDS])
def test_what_a_late_cancel_costs_is_told_ordered_and_billed_by_the_terms_and_everything_is_released(
    counter: Counter, kind: Offered
) -> None:
    sold = counter.sold
    order_id = handed_over(counter, kind)
    with sold.database.as_worker() as session:
        product = product_of_order(session, order_id)
        assert product is not None
        assert product.start_date is not None
        product_id, start = product.id, product.start_date
    early = kind.monthly * CHARGED_MONTHS  # of the more than nine that are left
    assert taken(sold, order_id) == ({HoldState.ASSIGNED: kind.holds} if kind.holds else {})
    with clock.at(start + USED):
        counter.bill()
        before = counter.lines(product_id)
        told, ending = counter.cancellation(order_id), counter.get(f"{MARKET}/productEnding", productId=product_id)
        assert [charge(one) for one in told["itemPrice"]] == [early]
        assert (told["possible"], told["itemPrice"], told["taxExcludedAmount"]) == (
            False,
            ending["itemPrice"],
            ending["taxExcludedAmount"],
        )
        assert same_but_for_the_time(counter.refused_cancel(order_id)["accepted"], told["accepted"])
        assert f"costs {early:,.2f} USD" in told["accepted"]
        end_id = change(sold.operation, order_id, action="delete")
        order = counter.get(f"{ORDERS}/{end_id}")
        assert order["productOrderItem"][0]["itemPrice"] == told["itemPrice"]
        end = datetime.fromisoformat(order["expectedCompletionDate"])
        assert abs(end - now() - NOTICE) < timedelta(minutes=5)
        assert datetime.fromisoformat(told["terminationDate"]) - end < timedelta(minutes=5)
        withdrawn = counter.cancellation(end_id)
        assert (withdrawn["possible"], withdrawn["itemPrice"]) == (True, []), "notice is withdrawn for nothing"
    with clock.at(end - timedelta(hours=1)):
        assert sold.bring(end_id)["last_day_is_here"].state is TaskState.ACTIVE
        assert taken(sold, order_id).get(HoldState.ASSIGNED, 0) == kind.holds, "it runs to the end of its notice"
        counter.bill()
    with clock.at(end + SEEN_LATE):
        sold.bring(end_id)
        sold.followed(end_id, FlowState.COMPLETED)
        counter.bill()
        lines = counter.lines(product_id)
        known = {one["id"] for one in before}
        after = [one for one in lines if one["id"] not in known]
        assert billed([one for one in after if one["name"] == "Early termination"]) == early
        assert billed(after) == amount(told["taxExcludedAmount"])
        # the month in which it ends may be billed whole and credited: that rounds twice
        expected = kind.once + by_the_month(kind.monthly, start, end) + early
        assert abs(billed(lines) - expected) <= 2 * HUNDREDTH
        late = counter.cancellation(end_id)
        assert (late["possible"], late["itemPrice"]) == (False, told["itemPrice"])
        assert f"costs {early:,.2f} USD once" in counter.refused_cancel(end_id)["accepted"]
    nothing_is_left(counter, kind, order_id)


def taken(sold: Sold, order_id: str) -> dict[HoldState, int]:
    """How much of the network an order took, by what has become of it."""
    found: dict[HoldState, int] = {}
    with sold.database.as_worker() as session:
        for kind in HOLDS:
            for one in session.exec(select(kind).where(col(kind.order_id) == order_id)):
                found[one.state] = found.get(one.state, 0) + 1
    return found


def nothing_is_left(counter: Counter, kind: Offered, order_id: str) -> None:
    sold = counter.sold
    assert taken(sold, order_id) == ({HoldState.RELEASED: kind.holds} if kind.holds else {})
    with sold.database.as_worker() as session, sold.operation.hub.client() as hub:
        product = product_of_order(session, order_id)
        assert product is not None
        service_id = product.realizing_service[0].id
        for what in ("carriers", "terminals", "plans"):
            assert [one for one in hub.get(f"/v1/{what}").json()["items"] if one["id"].startswith(service_id)] == []
        sites = session.exec(select(Terminal).where(Terminal.order_id == order_id)).all()
        numbers = col(StockedTerminal.serial_number).in_([one.serial_number for one in sites])
        devices = session.exec(select(StockedTerminal).where(numbers)).all()
        assert [one.state for one in sites] == [TerminalState.REMOVED] * kind.site
        assert [one.state for one in devices] == [StockState.IN_RETURN] * kind.site
        capacities = session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == order_id)).all()
        assert {one.state for one in capacities} <= {PartnerCapacityState.RELEASED}
        for one in capacities:
            assert one.delivered_at is not None
            partner = session.get_one(Partnership, one.partnership_id).organization_id
            costs = [cost.value for cost, _ in accrued(session, [partner], now() + timedelta(days=200))[partner]]
            assert partners_charge(one.delivered_at, one.updated_at) in costs, "after its end it charges nothing"
            assert sold.partner.journal().count("end") == len(capacities) == 1


def partners_charge(start: datetime, end: datetime) -> Decimal:
    """By `everything_sold`: 1000 once and 250 a Mbit/s for each month, of the last one its days."""
    months = next(number for number in range(99) if months_later(start, number + 1) > end)
    begun = months_later(start, months)
    days, of_days = -((begun - end) // timedelta(days=1)), (months_later(start, months + 1) - begun).days
    return (1000 + 250 * RATE / MBIT * (months + Decimal(days) / of_days)).quantize(HUNDREDTH, ROUND_HALF_EVEN)


def test_a_change_that_cannot_be_cancelled_any_more_costs_what_it_told_and_is_billed_so(counter: Counter) -> None:
    sold, link = counter.sold, KINDS[0]
    order_id = handed_over(counter, link)
    slower = change(sold.operation, order_id, downlinkRateBps=4 * MHZ)
    assert counter.cancellation(slower)["itemPrice"] == []
    sold.bring(slower)
    sold.followed(slower, FlowState.COMPLETED)
    uplink = Decimal(str(CHARACTERISTICS["uplinkRateBps"])) / MBIT
    monthly = PER_UNIT * (4 + uplink)
    late, order = counter.cancellation(slower), counter.get(f"{ORDERS}/{slower}")
    assert (late["possible"], [charge(one) for one in late["itemPrice"]]) == (False, [monthly])
    assert late["itemPrice"] == order["productOrderItem"][0]["itemPrice"]
    assert f"costs {monthly:,.2f} USD a month" in late["accepted"] == counter.refused_cancel(slower)["accepted"]
    with sold.database.as_worker() as session:
        product = product_of_order(session, order_id)
        assert product is not None
    today = now()
    month_ends = (today.astimezone(ZONE).replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    charged = [one for one in counter.lines(product.id) if one["description"].startswith("charged:")]
    assert billed(charged) == by_the_month(monthly, today, month_ends)


def test_a_booking_that_is_on_the_air_is_charged_whole_and_ends_by_itself(counter: Counter) -> None:
    sold, minutes = counter.sold, 60
    cost = SETUP + PER_UNIT * 5 * minutes
    order_id = ordered(sold.operation, counter.offers["booking"], durationMinutes=minutes, bandwidthHz=5 * MHZ)
    sold.bring(order_id, Stop("access_is_tested", "waiting"))
    assert counter.cancellation(order_id)["itemPrice"] == []
    record_the_test(sold.operation, order_id)
    sold.bring(order_id)
    sold.followed(order_id, FlowState.COMPLETED)
    told, order = counter.cancellation(order_id), counter.get(f"{ORDERS}/{order_id}")
    assert told["possible"] is False
    assert told["itemPrice"] == order["productOrderItem"][0]["itemPrice"]
    assert sum(charge(one) for one in told["itemPrice"]) == cost
    refused = counter.refused_cancel(order_id)["accepted"]
    assert refused == told["accepted"]
    assert refused.startswith("nothing: it ends by itself on ")
    assert f"costs {cost:,.2f} USD once" in refused
    assert billed(counter.lines(told["product"]["id"])) == cost
    item: Json = {"id": "1", "action": "delete", "product": {"id": told["product"]["id"]}}
    body: Json = {"relatedParty": [as_customer(sold.operation.market.party)], "productOrderItem": [item]}
    answer = counter.http.post(ORDERS, json=body, headers=counter.customer)
    assert (answer.status_code, answer.json()["code"]) == (422, "booked")
    assert datetime.fromisoformat(told["terminationDate"]) > now()


def test_who_asks_what_cancelling_costs_is_told_what_is_wrong_with_the_question(counter: Counter) -> None:
    at = f"{MARKET}/orderCancellation"
    for asked, status, field in (({}, 400, "productOrderId"), ({"productOrderId": "7"}, 404, "productOrderId")):
        answer = counter.http.get(at, params=asked, headers=counter.customer)
        assert (answer.status_code, answer.json()["fault"][0]["field"]) == (status, field), answer.text
    order_id = ordered(counter.sold.operation, counter.offers["lease"], bandwidthHz=5 * MHZ)
    stranger = a_token(counter.sold.database, "customer", counter.sold.operation.market.other_party)
    hidden = counter.http.get(at, params={"productOrderId": order_id}, headers=stranger)
    assert hidden.status_code == 404
    counter.sold.cancel(order_id)
    again = counter.http.get(at, params={"productOrderId": order_id}, headers=counter.customer)
    assert (again.status_code, again.json()["fault"][0]["code"]) == (409, "notCancellable"), again.text
    counter.sold.followed(order_id, FlowState.CANCELLED)
    again = counter.http.get(at, params={"productOrderId": order_id}, headers=counter.customer)
    assert (again.status_code, again.json()["fault"][0]["code"]) == (409, "notCancellable"), again.text
