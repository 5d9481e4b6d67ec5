"""X27: a year of orders, changes, outages and invoices goes by in seconds, and its books agree at the end."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from satcom.core.values import Json
from tests.scenarios.a_running_operator import ORDERS, TMF, Body, RunningOperator

BILLING = f"{TMF}/customerBillManagement/v4"
PRODUCTS = f"{TMF}/productInventory/v4/product"
EVENTS = "/satcom-api/service/v1/plannedEvent"
MBIT = 1_000_000
FASTER, ANOTHER, ENDED_IN, MONTHS = 4, 7, 10, 12  # months from the first


@dataclass
class Sold:
    """A product, and what it costs a month from the month on that a number says."""

    product: Body
    order_id: str
    monthly: dict[int, float] = field(default_factory=dict)

    def price_in(self, month: int) -> float:
        return self.monthly[max(each for each in self.monthly if each <= month)]


@dataclass
class Year:
    """What was done in it, and when."""

    begun: datetime
    zone: ZoneInfo
    link: Sold
    access: Sold | None = None
    outages: list[Body] = field(default_factory=list)

    def first_of(self, month: int) -> datetime:
        """When a month of the year begins, where the operator is."""
        local = self.begun.astimezone(self.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        years, of_year = divmod(local.month - 1 + month, 12)
        return local.replace(year=local.year + years, month=of_year + 1)


def product_of(operator: RunningOperator, order_id: str) -> Body:
    product_id = operator.get(f"{ORDERS}/{order_id}")["productOrderItem"][0]["product"]["id"]
    found: Body = operator.get(f"{PRODUCTS}/{product_id}")
    return found


def monthly(product: Body) -> float:
    prices = (
        one["price"]["dutyFreeAmount"]["value"] for one in product["productPrice"] if one["priceType"] == "recurring"
    )
    return sum(map(float, prices))


def ordered(operator: RunningOperator, product: Body, action: str, **values: Json) -> None:
    wanted = [{"name": name, "value": value} for name, value in values.items()]
    item = {"id": "1", "action": action, "product": {"id": product["id"], "productCharacteristic": wanted}}
    body = {"relatedParty": product["relatedParty"], "productOrderItem": [item]}
    answer = operator.api("provisioning").post(ORDERS, json=body)
    assert answer.status_code == 201, answer.text
    done = operator.follow(answer.json()["id"])
    assert done["state"] == "completed", done.get("note")


def rates(operator: RunningOperator, product: Body) -> list[Body]:
    found: list[Body] = operator.get(
        f"{BILLING}/appliedCustomerBillingRate", limit="1000", **{"product.id": product["id"]}
    )
    return found


def months_billed(operator: RunningOperator, sold: Sold, year: Year) -> dict[int, float]:
    """By whole month of the year, what all recurring charges within it come to."""
    told: dict[int, float] = defaultdict(float)
    for one in rates(operator, sold.product):
        if one["type"] == "recurringCharge":
            start = datetime.fromisoformat(one["periodCoverage"]["startDateTime"])
            month = max(each for each in range(MONTHS + 2) if year.first_of(each) <= start)
            told[month] += float(one["taxExcludedAmount"]["value"])
    return told


@pytest.fixture(scope="module")
def year(operator: RunningOperator) -> Year:
    """A link all the time, faster from the fourth month on, and an access from the seventh month to the tenth."""
    order_id = operator.delivered(band=["Ku"], downlinkRateBps=8 * MBIT, terminalType=["term-ku-180"])
    link = Sold(product_of(operator, order_id), order_id)
    link.monthly[0] = monthly(link.product)
    zone = ZoneInfo(operator.get("/satcom-api/enterprise/v1/operator", fields="timeZone")[0]["timeZone"])
    whole = Year(datetime.now(UTC), zone, link)
    for month in range(1, MONTHS + 1):
        noon = whole.first_of(month) + timedelta(hours=12)
        operator.move_clock(noon - datetime.now(UTC) - operator.clock_ahead)
        for sold in filter(None, (link, whole.access)):
            expected = month if sold is link or month <= ENDED_IN else ENDED_IN
            operator.wait_for(lambda: expected in months_billed(operator, sold, whole), f"month {month} to be billed")  # noqa: B023
        asked = {"startAt": noon.astimezone(UTC).isoformat().replace("+00:00", "Z"), "days": "28"}
        whole.outages += operator.get(EVENTS, "noc", serviceId=order_id, **asked)
        if month == FASTER:
            ordered(operator, link.product, "modify", downlinkRateBps=16 * MBIT)
            link.monthly[month] = monthly(product_of(operator, order_id))
        if month == ANOTHER:
            second = operator.delivered("shared_vsat_order.yaml")
            whole.access = Sold(product_of(operator, second), second)
            whole.access.monthly[month] = monthly(whole.access.product)
        if month == ENDED_IN and whole.access is not None:
            ordered(operator, whole.access.product, "delete")
    return whole


def test_every_month_is_billed_once_at_the_price_of_that_month(operator: RunningOperator, year: Year) -> None:
    billed = months_billed(operator, year.link, year)
    assert sorted(billed) == list(range(MONTHS + 1))
    for month in range(1, MONTHS + 1):
        assert billed[month] == pytest.approx(year.link.price_in(month), abs=0.02), month
    assert year.link.price_in(MONTHS) > year.link.price_in(1)


def test_what_was_ordered_and_ended_within_the_year_is_billed_for_its_months_only(
    operator: RunningOperator, year: Year
) -> None:
    assert year.access is not None
    billed = months_billed(operator, year.access, year)
    assert set(billed) <= set(range(ANOTHER, ENDED_IN + 1))
    for month in range(ANOTHER, ENDED_IN):
        assert billed[month] == pytest.approx(year.access.price_in(month), abs=0.02), month
    assert operator.get(f"{PRODUCTS}/{year.access.product['id']}")["status"] == "terminated"


def test_the_bills_of_the_account_come_to_what_was_charged(operator: RunningOperator, year: Year) -> None:
    assert year.access is not None
    account = year.link.product["billingAccount"]["id"]
    assert year.access.product["billingAccount"]["id"] == account, "both are of one customer"
    bills = operator.get(f"{BILLING}/customerBill", limit="1000", **{"billingAccount.id": account})
    lines = [*rates(operator, year.link.product), *rates(operator, year.access.product)]
    assert {one["bill"]["id"] for one in lines} == {one["id"] for one in bills}
    on_bills = sum(float(one["taxExcludedAmount"]["value"]) for one in bills)
    assert on_bills == pytest.approx(sum(float(one["taxExcludedAmount"]["value"]) for one in lines), abs=0.05)
    runs = sorted(datetime.fromisoformat(one["billDate"]) for one in bills if one["runType"] == "onCycle")
    assert len(runs) == MONTHS
    assert all(timedelta(days=27) < later - one < timedelta(days=32) for one, later in pairwise(runs))


def test_the_outages_of_the_year_lie_about_the_equinoxes(year: Year) -> None:
    suns = [one for one in year.outages if one["kind"] == "sunOutage"]
    assert {datetime.fromisoformat(one["peak"]).month for one in suns} <= {2, 3, 4, 9, 10}
    assert len({datetime.fromisoformat(one["peak"]).month // 6 for one in suns}) == 2, "in spring and in autumn"


def test_the_service_still_tells_one_story_at_the_end(operator: RunningOperator, year: Year) -> None:
    assert operator.service_of(year.link.order_id)["state"] == "active"
    assert operator.get(f"{ORDERS}/{year.link.order_id}")["orderDate"] < year.first_of(1).astimezone(UTC).isoformat()


def test_what_is_over_by_the_business_clock_is_refused_though_the_machine_has_not_come_to_it(
    operator: RunningOperator, year: Year
) -> None:
    over = year.first_of(6).astimezone(UTC).isoformat()
    assert datetime.fromisoformat(over) > datetime.now(UTC)
    answer = operator.api("provisioning").post(ORDERS, json=operator.order_body() | {"requestedCompletionDate": over})
    assert 400 <= answer.status_code < 500
    assert [one["field"] for one in answer.json()["fault"]] == ["/requestedCompletionDate"]
