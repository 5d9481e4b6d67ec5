"""The bill run bills each account when its month begins, once, whoever and however many work."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from satcom.core.change_log import Change
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.market.account.billing_account import BillingAccount, patch_billing_account
from satcom.market.bill_run import PUT_OFF, bill_next
from satcom.market.billing import BillState, CustomerBill, billing_month, first_bill, lines_of
from satcom.market.inventory import Product
from tests.market.a_market import Market, a_market
from tests.market.a_product import a_product


@pytest.fixture(autouse=True)
def _the_clock_goes_back() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


def a_billed_product(session: Session, market: Market) -> Product:
    """With its first bill."""
    product = a_product(session, market)
    first_bill(session, product.id)
    return product


def run(database: Database) -> int:
    """Until nothing waits; how many accounts were looked at."""
    looked = 0
    while True:
        with database.as_worker("bill run") as session:
            if not bill_next(session):
                return looked
        looked += 1
        assert looked < 20, "an account is due again and again"


def bills(session: Session) -> list[CustomerBill]:
    """Of the run, oldest first."""
    return list(session.exec(select(CustomerBill).where(col(CustomerBill.run_type) == "onCycle").order_by("bill_no")))


def the_account(session: Session, market: Market) -> BillingAccount:
    return session.get_one(BillingAccount, market.account, populate_existing=True)


def test_an_account_is_billed_when_its_month_begins_and_not_again(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_billed_product(session, market)
        zone, version = operator_of(session).zone, the_account(session, market).version
    assert run(database) == 2  # both accounts were new; nothing was due
    assert run(database) == 0
    with database.as_worker() as session:
        assert bills(session) == []
        begins = the_account(session, market).next_bill_at
        assert begins == billing_month(now(), zone, 1).end
        assert (begins.astimezone(zone).hour, begins.astimezone(zone).day) == (0, 1)
    clock.offset = begins - now() - timedelta(seconds=30)
    assert run(database) == 0
    clock.offset += timedelta(seconds=31)
    assert run(database) == 2
    with database.as_worker() as session:
        [bill] = bills(session)
        assert (bill.state, bill.billing_period.start_date_time) == (BillState.VALIDATED, begins)
        assert bill.billing_period.end_date_time == the_account(session, market).next_bill_at
        assert {one.product.id for one in lines_of(session, bill)} == {product.id}
        assert the_account(session, market).version == version
        of_it = select(Change).where(Change.entity_id == market.account, col(Change.before).is_not(None))
        assert session.exec(of_it).all() == []
    assert run(database) == 0


def test_what_came_due_while_nobody_worked_goes_on_one_bill(database: Database) -> None:
    with database.as_worker() as session:
        a_billed_product(session, a_market(session))
    run(database)
    clock.offset = timedelta(days=100)
    run(database)
    with database.as_worker() as session:
        [bill] = bills(session)
        months = {one.period_coverage for one in lines_of(session, bill)}
        assert len(months) in (3, 4)
        assert bill.next_bill_date > now()


def test_workers_share_the_accounts_and_bill_each_once(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        a_billed_product(session, market)
    run(database)
    clock.offset = timedelta(days=40)
    with ThreadPoolExecutor(4) as workers:
        looked = list(workers.map(lambda _: run(database), range(4)))
    assert sum(looked) == 2
    with database.as_worker() as session:
        assert len(bills(session)) == 1


def test_an_account_that_cannot_be_billed_is_put_off_and_holds_up_no_other(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        a_billed_product(session, market)
    run(database)
    clock.offset = timedelta(days=40)
    with database.as_worker() as session:
        of_it = update(BillingAccount).where(col(BillingAccount.id) == market.account)
        session.connection().execute(of_it.values(currency="XAF"))
    assert run(database) == 2
    with database.as_worker() as session:
        account = the_account(session, market)
        assert account.not_billed_because is not None
        assert "the account is in XAF" in account.not_billed_because
        assert timedelta(0) < now() + PUT_OFF - account.next_bill_at < timedelta(minutes=5)
        assert bills(session) == []
        session.connection().execute(of_it.values(currency="USD"))
    clock.offset += PUT_OFF
    run(database)
    with database.as_worker() as session:
        assert the_account(session, market).not_billed_because is None
        assert len(bills(session)) == 1


def test_a_product_whose_order_has_not_billed_it_is_looked_at_every_day_until_it_has(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_product(session, market, now() - timedelta(days=40))
    run(database)
    with database.as_worker() as session:
        assert the_account(session, market).next_bill_at <= now() + PUT_OFF
        first_bill(session, product.id)
    clock.offset = PUT_OFF
    run(database)
    with database.as_worker() as session:
        assert len(bills(session)) == 1


def test_another_bill_day_is_looked_at_at_once_and_a_suspended_account_when_it_goes_on(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        a_billed_product(session, market)
    run(database)
    with database.as_worker() as session:
        cycle: Json = {"cycleSpecification": {"name": "monthly", "isRef": False, "billingDateShift": 14}}
        patch_billing_account(session, the_account(session, market), {"billStructure": cycle}, WORKER)
        zone = operator_of(session).zone
    assert run(database) == 1
    with database.as_worker() as session:
        account = the_account(session, market)
        first = session.exec(select(CustomerBill)).one().next_bill_date
        assert account.next_bill_at == min(first, billing_month(now(), zone, 15).end)
        patch_billing_account(session, account, {"state": "Suspended"}, WORKER)
    clock.offset = timedelta(days=40)
    run(database)
    with database.as_worker() as session:
        assert bills(session) == []
        patch_billing_account(session, the_account(session, market), {"state": "Active"}, WORKER)
    run(database)
    with database.as_worker() as session:
        assert len(bills(session)) == 1
