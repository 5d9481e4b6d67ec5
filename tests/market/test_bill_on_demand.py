"""A bill on demand holds what is due and was not billed, once, at the prices of each day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body, new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, Money
from satcom.enterprise.party import operator_of
from satcom.market.account.billing_account import BillingAccount, patch_billing_account
from satcom.market.adjusting_bill import adjusting_bill
from satcom.market.bill_on_demand import CustomerBillOnDemand, OnDemandState, bill_now
from satcom.market.billing import BillState, CustomerBill, RateType, billing_month, first_bill, lines_of
from satcom.market.due_charges import Charged, Priced, charged_among, charges_due
from satcom.market.pricing import PriceType
from satcom.market.solution_price import ChargePrice, Price
from tests.market.a_market import Market, a_market
from tests.market.a_product import a_product

ZONE = ZoneInfo("Africa/Nairobi")


def asked(session: Session, market: Market, **more: Json) -> CustomerBillOnDemand:
    body: dict[str, Json] = {"billingAccount": {"id": market.account}}
    return bill_now(session, from_body(CustomerBillOnDemand, body | more), WORKER)


def bill_of(session: Session, request: CustomerBillOnDemand) -> CustomerBill:
    assert request.customer_bill is not None
    return session.get_one(CustomerBill, request.customer_bill.id)


def test_what_is_due_on_an_account_is_billed_once_and_together(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        old, new = (a_product(session, market, now() - timedelta(days=days)) for days in (100, 40))
        covered = [first_bill(session, one.id).next_bill_date for one in (old, new)]
        request = asked(session, market)
        assert request.state is OnDemandState.DONE
        bill = bill_of(session, request)
        assert bill.state is BillState.VALIDATED
        assert bill.billing_period.start_date_time == min(covered)
        assert bill.billing_period.end_date_time == bill.next_bill_date > now()
        lines = lines_of(session, bill)
        assert {one.product.id for one in lines} == {old.id, new.id}
        assert {one.type for one in lines} == {RateType.RECURRING}
        for product, since in zip((old, new), covered, strict=True):
            mine = [one for one in lines if one.product.id == product.id]
            monthly = [one for one in product.product_price if one.price_type is PriceType.RECURRING]
            months = len(mine) // len(monthly)
            assert months == months_begun(session, since)
            per_month = sum(one.price.duty_free_amount.value for one in monthly)
            assert sum(one.tax_excluded_amount.value for one in mine) == months * per_month

        again = asked(session, market)
        assert (again.state, again.customer_bill) == (OnDemandState.REJECTED, None)
        assert again.reason is not None
        assert "everything is billed until" in again.reason


def test_what_is_known_of_many_products_takes_no_more_statements_than_of_one(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        products = [a_product(session, market, now() - timedelta(days=days)) for days in (100, 70, 40)]
        for one in products:
            first_bill(session, one.id)
        session.flush()
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda _, __, sql, *___: asked.append(sql))
        one_only = charged_among(session, products[:1], ZONE, 1)
        assert len(asked) == 3
        every = charged_among(session, products, ZONE, 1)
        assert len(asked) == 2 * 3
        assert every[0] == one_only[0]
        assert [one.product_id for one in every] == [one.id for one in products]


def months_begun(session: Session, since: datetime) -> int:
    months = 0
    while since <= now():
        since, months = billing_month(since, operator_of(session).zone, 1).end, months + 1
    return months


def test_what_was_billed_on_demand_is_credited_when_the_product_ends(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_product(session, market, now() - timedelta(days=70))
        first_bill(session, product.id)
        bill = bill_of(session, asked(session, market))
        credit = adjusting_bill(session, product.order_id or "", product, now(), product.product_price, [], [])
        assert credit is not None
        month = billing_month(now(), operator_of(session).zone, 1)
        assert credit.billing_period.end_date_time == bill.next_bill_date == month.end
        per_month = sum(
            one.price.duty_free_amount.value for one in product.product_price if one.price_type is PriceType.RECURRING
        )
        whole = -per_month * month.days / month.of_days
        assert credit.tax_excluded_amount.value == pytest.approx(whole, abs=Decimal("0.02"))  # each line is rounded


def test_a_product_that_its_order_has_not_billed_yet_is_left_to_it(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        a_product(session, market, now() - timedelta(days=70))
        assert asked(session, market).state is OnDemandState.REJECTED


def test_an_account_that_is_not_there_or_not_charged_is_refused_by_its_place(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        cases: list[Json] = [{"name": "no account"}, {"billingAccount": {"id": new_id()}}]
        for body in cases:
            with pytest.raises(Refused) as refused:
                bill_now(session, from_body(CustomerBillOnDemand, body), WORKER)
            assert refused.value.faults[0].field == "/billingAccount/id"
        with pytest.raises(Refused) as written:
            from_body(CustomerBillOnDemand, {"billingAccount": {"id": market.account}, "state": "done"})
        assert written.value.faults[0].field == "/state"
        account = session.get_one(BillingAccount, market.account)
        patch_billing_account(session, account, {"state": "Suspended"}, WORKER)
        with pytest.raises(RuleRefused, match="Suspended"):
            asked(session, market)


def a_price(amount: int) -> ChargePrice:
    price = Price(duty_free_amount=Money(unit="USD", value=Decimal(amount)))
    return ChargePrice(name="x", price_type=PriceType.RECURRING, price=price)


@given(
    begun=st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    changed_after=st.integers(0, 200),
    lasts=st.integers(1, 400) | st.none(),
    days=st.integers(0, 300),
    bill_day=st.integers(1, 28),
)
def test_no_day_is_due_twice_or_left_out_or_at_the_price_of_another_day(
    begun: date, changed_after: int, lasts: int | None, days: int, bill_day: int
) -> None:
    start = datetime(begun.year, begun.month, begun.day, tzinfo=ZONE)
    change = begun + timedelta(days=changed_after)
    end = None if lasts is None else begun + timedelta(days=lasts)
    prices = (Priced(begun, (a_price(1),)), Priced(change, (a_price(2),)))
    at = start + timedelta(days=days)
    due = charges_due(Charged("p", prices, start, end), at, ZONE, bill_day)
    covered = [(one.start.astimezone(ZONE).date(), one.end.astimezone(ZONE).date(), one) for one in due]
    assert covered[0][0] == begun
    assert all(before[1] == after[0] for before, after in pairwise(covered))
    assert covered[-1][1] == end or covered[-1][1] > at.date()
    assert end is None or covered[-1][1] <= end
    for first, stop, one in covered:
        assert one.days == (stop - first).days > 0
        old = one.price.price.duty_free_amount.value == 1
        assert stop <= change if old else first >= change
    assert due[0].start.astimezone(UTC) == start.astimezone(UTC)
