"""The first bill: what is in it, that it sums exactly, that it is made once and undone before anybody sees it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from satcom.app.http import create_app
from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import new_id
from satcom.core.errors import RuleRefused, WrongState
from satcom.core.life_cycle import move
from satcom.core.security import WORKER
from satcom.core.tmf_document import body_faults, tmf_document
from satcom.core.values import Json, Money
from satcom.enterprise.party import operator_of
from satcom.market.account.billing_account import BillingAccount, patch_billing_account
from satcom.market.billing import (
    AppliedCustomerBillingRate,
    BillState,
    CustomerBill,
    billing_month,
    first_bill,
    lines_of,
    rate_routes,
    reckon_bill,
    recomputed,
    routes,
    void_first_bill,
)
from satcom.market.inventory import take_back
from satcom.market.order_delivery import Cause, fail_order
from satcom.market.pricing import PriceType
from satcom.market.product_delivery import create_product
from satcom.market.solution_price import ChargePrice, Price
from tests.enterprise.an_operator import an_organization
from tests.market.a_market import Market, a_buyer, a_market, a_token
from tests.market.a_product import a_priced_order, a_product

BILLS = "/tmf-api/customerBillManagement/v4/customerBill"
RATES = "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate"
NAIROBI = ZoneInfo("Africa/Nairobi")
CENT = Decimal("0.01")

zones = st.sampled_from(["Africa/Nairobi", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Kiritimati", "UTC"])
starts = st.datetimes(datetime(2020, 1, 1), datetime(2045, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
amounts = st.decimals(0, 10**8, places=2)
rates = st.decimals(0, 100, places=4)


def a_charge(amount: Decimal | str, monthly: bool = True, currency: str = "USD") -> ChargePrice:
    price = Price(duty_free_amount=Money(unit=currency, value=Decimal(amount)))
    return ChargePrice(name="x", price_type=PriceType.RECURRING if monthly else PriceType.ONE_TIME, price=price)


@given(starts, zones, st.integers(1, 28))
def test_a_billing_month_holds_its_start_and_ends_on_the_next_bill_day(start: datetime, zone: str, day: int) -> None:
    month = billing_month(start, ZoneInfo(zone), day)
    assert month.start < month.end
    local_end = month.end.astimezone(ZoneInfo(zone))
    assert (local_end.day, local_end.hour, local_end.minute) == (day, 0, 0)
    assert 28 <= month.of_days <= 31
    assert 1 <= month.days <= month.of_days
    assert month.last_day == local_end.date() - timedelta(days=1)
    assert (month.days == month.of_days) == (month.first_day.day == day)


def test_the_day_of_the_start_is_the_operators_day() -> None:
    late = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)  # already December in Nairobi
    month = billing_month(late, NAIROBI, 1)
    assert (month.first_day, month.days, month.of_days) == (date(2026, 12, 1), 31, 31)


@given(
    start=starts,
    charges=st.lists(st.tuples(amounts, st.booleans()), min_size=1, max_size=12),
    rate=rates,
    day=st.integers(1, 28),
)
def test_lines_and_taxes_sum_exactly_to_the_bill(
    start: datetime, charges: list[tuple[Decimal, bool]], rate: Decimal, day: int
) -> None:
    prices = [a_charge(amount, monthly) for amount, monthly in charges]
    bill = reckon_bill(prices, billing_month(start, NAIROBI, day), rate)
    assert sum(line.amount.value for line in bill.lines) == bill.tax_excluded.value
    assert sum(line.tax.value for line in bill.lines) == bill.tax.value
    assert bill.tax_excluded.value + bill.tax.value == bill.tax_included.value
    assert abs(bill.tax.value - bill.tax_excluded.value * rate / 100) <= CENT / 2
    assert all(line.tax.value >= 0 for line in bill.lines)
    for line in bill.lines:
        assert line.amount.value == line.amount.value.quantize(CENT)
        assert abs(line.tax.value - line.amount.value * rate / 100) <= CENT


@given(start=starts, amount=amounts, currency=st.sampled_from(["USD", "XAF", "KWD"]))
def test_a_monthly_price_is_charged_by_the_day(start: datetime, amount: Decimal, currency: str) -> None:
    month = billing_month(start, NAIROBI, 1)
    (line,) = reckon_bill([a_charge(amount, currency=currency)], month, Decimal(0)).lines
    step = {"USD": CENT, "XAF": Decimal(1), "KWD": Decimal("0.001")}[currency]
    assert abs(line.amount.value - amount * month.days / month.of_days) <= step / 2
    assert line.amount.value == line.amount.value.quantize(step)
    assert line.period is not None
    assert (line.period.start_date_time, line.period.end_date_time) == (month.start, month.end)


def test_twelve_of_thirty_days_are_explained_as_such() -> None:
    month = billing_month(datetime(2026, 11, 19, 9, 0, tzinfo=UTC), NAIROBI, 1)
    bill = reckon_bill([a_charge("2800.00", monthly=False), a_charge("2900.00")], month, Decimal(16))
    assert [line.amount.value for line in bill.lines] == [Decimal("2800.00"), Decimal("1160.00")]
    assert [line.tax.value for line in bill.lines] == [Decimal("448.00"), Decimal("185.60")]
    assert bill.tax_included.value == Decimal("4593.60")
    assert bill.lines[0].explanation == "charged once: 2,800.00 USD"
    assert bill.lines[1].explanation == (
        "12 of 30 days (2026-11-19 to 2026-11-30) of 2,900.00 USD a month = 1,160.00 USD"
    )


def test_the_first_bill_is_what_follows_from_its_inputs(database: Database) -> None:
    with database.as_worker() as session:
        product = a_product(session, a_market(session), now() - timedelta(days=3))
        bill = first_bill(session, product.id)
        assert bill.state is BillState.VALIDATED
        assert bill.bill_no.startswith(f"B-{now().astimezone(NAIROBI).year}-")
        assert bill.party_id == product.party_id
        session.expire_all()
        reckoned, lines = recomputed(session, bill), lines_of(session, bill)
        assert [one.tax_excluded_amount for one in lines] == [line.amount for line in reckoned.lines]
        assert [one.applied_tax[0].tax_amount for one in lines] == [line.tax for line in reckoned.lines]
        assert [one.description for one in lines] == [line.explanation for line in reckoned.lines]
        assert (bill.tax_excluded_amount, bill.tax_included_amount) == (reckoned.tax_excluded, reckoned.tax_included)
        assert bill.tax_item[0].tax_amount == reckoned.tax
        assert bill.amount_due == bill.remaining_amount == bill.tax_included_amount
        assert sum(one.tax_included_amount.value for one in lines) == bill.tax_included_amount.value
        assert bill.payment_due_date - bill.bill_date == pytest.approx(timedelta(days=30), abs=timedelta(minutes=1))
        assert bill.next_bill_date == bill.billing_period.end_date_time
        assert [one.name for one in lines] == ["Installation", "Terminal", "Capacity", "Platform"]
        assert all(one.is_billed and one.product.id == product.id for one in lines)


def test_the_accounts_bill_day_ends_the_first_period(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        third = an_organization(session, "Third")
        account = a_buyer(session, third, bill_day_shift=14)
        market = Market(market.offering, third.id, account.id, market.other_party, market.other_account)
        bill = first_bill(session, a_product(session, market).id)
        assert bill.next_bill_date.astimezone(NAIROBI).day == 15


def test_a_product_has_one_first_bill(database: Database) -> None:
    with database.as_worker() as session:
        product = a_product(session, a_market(session))
        bill = first_bill(session, product.id)
        assert first_bill(session, product.id).id == bill.id
        assert len(session.exec(select(AppliedCustomerBillingRate)).all()) == 4
        copy = CustomerBill.model_validate(bill.model_dump() | {"id": new_id(), "bill_no": "B-2"})
        with pytest.raises(IntegrityError), session.begin_nested():
            session.add(copy)


def test_what_was_not_handed_over_is_not_billed(database: Database) -> None:
    with database.as_worker() as session:
        product = create_product(session, a_priced_order(session, a_market(session)), new_id())
        with pytest.raises(RuleRefused) as refused:
            first_bill(session, product.id)
        assert refused.value.faults[0].code == "notStarted"


def test_an_account_is_billed_in_its_own_currency_only(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_product(session, market)
        find(session, BillingAccount, market.account).currency = "EUR"
        session.flush()
        with pytest.raises(RuleRefused) as refused:
            first_bill(session, product.id)
        assert refused.value.faults[0].code == "currency"


def test_an_undone_bill_asks_for_nothing_and_is_never_sent(database: Database) -> None:
    with database.as_worker() as session:
        product = a_product(session, a_market(session))
        assert void_first_bill(session, product.id) is None
        bill = first_bill(session, product.id)
        for _ in range(2):
            voided = void_first_bill(session, product.id)
            assert voided is bill
            assert (bill.state, bill.category) == (BillState.ON_HOLD, "void")
            assert bill.amount_due.value == bill.remaining_amount.value == 0
            assert not any(one.is_billed for one in lines_of(session, bill))
        with pytest.raises(WrongState):
            move(bill, BillState.SENT)


def test_a_bill_that_the_customer_has_is_not_undone(database: Database) -> None:
    with database.as_worker() as session:
        product = a_product(session, a_market(session))
        move(first_bill(session, product.id), BillState.SENT)
        with pytest.raises(WrongState):
            void_first_bill(session, product.id)


def test_an_account_is_closed_when_its_bills_are_settled(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_product(session, market)
        bill = first_bill(session, product.id)
        assert product.order_id is not None
        fail_order(session, product.order_id, Cause("undone", "in this test"))
        take_back(session, product.order_id)
        account = find(session, BillingAccount, market.account)
        with pytest.raises(RuleRefused) as refused, session.begin_nested():
            patch_billing_account(session, account, {"state": "Closed"}, WORKER)
        assert bill.bill_no in refused.value.faults[0].why
        void_first_bill(session, product.id)
        patch_billing_account(session, account, {"state": "Closed"}, WORKER)


def test_a_later_tax_rate_does_not_change_an_earlier_bill(database: Database) -> None:
    with database.as_worker() as session:
        bill = first_bill(session, a_product(session, a_market(session)).id)
        operator_of(session).tax_rate_percent = Decimal(20)
        session.flush()
        assert recomputed(session, bill).tax == bill.tax_item[0].tax_amount


def test_a_later_bill_day_does_not_change_an_earlier_bill(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        bill = first_bill(session, a_product(session, market).id)
        amounts = [line.amount for line in recomputed(session, bill).lines]
        structure: dict[str, Json] = {"cycleSpecification": {"name": "monthly", "billingDateShift": 27}}
        account = find(session, BillingAccount, market.account)
        patch_billing_account(session, account, {"billStructure": structure}, WORKER)
        assert account.bill_day == 28
        assert [line.amount for line in recomputed(session, bill).lines] == amounts


def test_customers_see_their_bills_and_nobody_writes_them(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        bill = first_bill(session, a_product(session, market).id)
    app = create_app(database)
    for one in (routes, rate_routes):
        app.include_router(one.router)
    http = TestClient(app)
    mine, other = (a_token(database, "customer", party) for party in (market.party, market.other_party))
    shown = http.get(BILLS, params={"billNo": bill.bill_no}, headers=mine).json()
    assert [one["id"] for one in shown] == [bill.id]
    assert shown[0]["billDocument"] == []
    assert shown[0]["state"] == "validated"
    rates = http.get(RATES, params={"bill.id": bill.id}, headers=mine).json()
    assert [one["isBilled"] for one in rates] == [True] * 4
    document = tmf_document("TMF678")
    assert [body_faults(document, "AppliedCustomerBillingRate", one, frozenset()) for one in rates] == [[]] * 4
    assert http.get(BILLS, headers=other).json() == http.get(RATES, headers=other).json() == []
    assert http.get(f"{BILLS}/{bill.id}", headers=other).status_code == 404
    assert http.get(BILLS, headers=a_token(database, "noc")).status_code == 403
    assert http.post(BILLS, json={}, headers=a_token(database, "finance")).status_code == 405
    assert http.patch(f"{BILLS}/{bill.id}", json={}, headers=a_token(database, "finance")).status_code == 405
