"""Customers and their billing accounts."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session

from satcom.core.access import create_token
from satcom.core.database import Database, find
from satcom.core.entity import new_id
from satcom.core.errors import NotFound, Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.party import (
    Organization,
    delete_individual,
    delete_organization,
    find_party,
    patch_organization,
)
from satcom.market.account.billing_account import BillingAccount, charged_account, patch_billing_account
from satcom.market.customer import Customer, delete_customer, ordering_customer, patch_customer
from tests.enterprise.an_operator import an_individual, an_operator, an_organization
from tests.market.a_customer import a_customer, an_account, named

CLOSED: dict[str, Json] = {"status": "closed"}


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A transaction of an operator that has just begun."""
    with database.as_worker() as opened:
        an_operator(opened)
        yield opened


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        act()
    fault = refused.value.faults[0]
    return fault.field, fault.code


def test_a_customer_is_a_party_once(session: Session) -> None:
    party = an_organization(session)
    customer = a_customer(session, party)
    assert customer.party_id == party.id
    assert refusal(lambda: a_customer(session, party)) == ("/engagedParty/id", "customerTwice")
    ghost = {"engagedParty": {"id": new_id()}}
    assert refusal(lambda: patch_customer(session, customer, ghost, WORKER)) == ("/engagedParty/id", "fixed")  # type: ignore[arg-type]


def test_nobody_is_a_customer_without_a_party(session: Session) -> None:
    party = an_individual(session)
    delete_individual(session, party, WORKER)
    session.flush()
    assert refusal(lambda: a_customer(session, party)) == ("/engagedParty/id", "notFound")


def test_a_party_stays_while_it_is_a_customer(session: Session) -> None:
    company, person = an_organization(session), an_individual(session)
    customer = a_customer(session, company)
    a_customer(session, person)
    assert refusal(lambda: delete_organization(session, company, WORKER)) == ("id", "inUse")
    assert refusal(lambda: delete_individual(session, person, WORKER)) == ("id", "inUse")
    assert refusal(lambda: patch_organization(session, company, CLOSED, WORKER)) == ("/status", "inUse")
    session.refresh(company)
    patch_customer(session, customer, CLOSED, WORKER)
    patch_organization(session, company, CLOSED, WORKER)


def test_a_suspended_or_closed_customer_does_not_order(session: Session) -> None:
    customer = a_customer(session)
    party_id = customer.engaged_party.id
    assert ordering_customer(session, party_id, "/party") is customer
    patch_customer(session, customer, {"status": "active"}, WORKER)
    for status in ("suspended", "closed"):
        patch_customer(session, customer, {"status": status}, WORKER)
        session.flush()
        assert refusal(lambda: ordering_customer(session, party_id, "/party")) == ("/party", "customerMayNotOrder")
    stranger = an_organization(session)
    assert refusal(lambda: ordering_customer(session, stranger.id, "/party")) == ("/party", "noCustomer")


def test_a_customer_with_accounts_ends_after_them(session: Session) -> None:
    customer = a_customer(session)
    account = an_account(session, named(find_party(session, customer.engaged_party.id)))
    assert refusal(lambda: patch_customer(session, customer, CLOSED, WORKER)) == ("/status", "inUse")
    session.refresh(customer)
    patch_billing_account(session, account, {"state": "Closed"}, WORKER)
    session.flush()
    assert refusal(lambda: delete_customer(session, customer, WORKER)) == ("id", "inUse")
    patch_customer(session, customer, CLOSED, WORKER)
    with pytest.raises(WrongState):
        patch_billing_account(session, account, {"state": "Active"}, WORKER)


def test_a_customer_without_business_can_be_forgotten(session: Session) -> None:
    customer = a_customer(session)
    identifier = customer.id
    delete_customer(session, customer, WORKER)
    session.flush()
    with pytest.raises(NotFound):
        find(session, Customer, identifier)


def test_an_account_belongs_to_a_customer(session: Session) -> None:
    party, stranger = an_organization(session), an_organization(session)
    a_customer(session, party)
    account = an_account(session, named(stranger), named(party))
    assert account.party_id == party.id
    assert refusal(lambda: an_account(session, named(stranger))) == ("/relatedParty", "noCustomer")
    ghost = named(stranger) | {"id": new_id()}
    assert refusal(lambda: an_account(session, ghost)) == ("/relatedParty/0/id", "notFound")
    moved: dict[str, Json] = {"relatedParty": [named(a_party_that_buys(session))]}
    assert refusal(lambda: patch_billing_account(session, account, moved, WORKER)) == ("/relatedParty", "fixed")


def a_party_that_buys(session: Session) -> Organization:
    party = an_organization(session)
    a_customer(session, party)
    return party


def test_of_several_customers_the_account_says_which(session: Session) -> None:
    reseller, mine = a_party_that_buys(session), a_party_that_buys(session)
    assert refusal(lambda: an_account(session, named(reseller), named(mine))) == ("/relatedParty", "severalCustomers")
    assert an_account(session, named(reseller, "reseller"), named(mine, "customer")).party_id == mine.id


def test_an_account_has_one_currency(session: Session) -> None:
    party = a_party_that_buys(session)
    assert an_account(session, named(party)).currency == "USD"
    euros = an_account(session, named(party), creditLimit={"unit": "EUR", "value": 5000})
    assert euros.currency == "EUR"
    dollars: dict[str, Json] = {"creditLimit": {"unit": "USD", "value": 1}}
    assert refusal(lambda: patch_billing_account(session, euros, dollars, WORKER)) == ("/creditLimit/unit", "currency")
    unknown: Json = {"unit": "XYZ", "value": 1}
    with pytest.raises(Refused, match="ISO 4217"):
        an_account(session, named(party), creditLimit=unknown)


def test_bills_are_made_on_a_day_that_every_month_has(session: Session) -> None:
    party = a_party_that_buys(session)

    def account_on(shift: int) -> BillingAccount:
        cycle: Json = {"isRef": False, "name": "monthly", "billingDateShift": shift}
        return an_account(session, named(party), billStructure={"cycleSpecification": cycle})

    assert an_account(session, named(party)).bill_day == 1
    assert account_on(27).bill_day == 28
    for shift in (-1, 28):
        with pytest.raises(Refused) as refused:
            account_on(shift)
        assert refused.value.faults[0].field == "/billStructure/cycleSpecification/billingDateShift"


def test_an_order_is_charged_to_an_active_account_of_its_own_party(session: Session) -> None:
    party = a_party_that_buys(session)
    account = an_account(session, named(party))
    assert charged_account(session, account, party.id, "/account") is account
    other = a_party_that_buys(session)
    with pytest.raises(RuleRefused, match="another party"):
        charged_account(session, account, other.id, "/account")
    patch_billing_account(session, account, {"state": "Suspended"}, WORKER)
    assert refusal(lambda: charged_account(session, account, party.id, "/account")) == ("/account", "accountNotActive")


def test_a_customer_sees_its_own_account_and_nobody_elses(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        ours, theirs = a_party_that_buys(session), a_party_that_buys(session)
        mine, foreign = an_account(session, named(ours)), an_account(session, named(theirs))
        _, token = create_token(session, "customer", ["customer"], ours.id, timedelta(days=1))
    with database.request(token) as (session, _):
        assert find(session, BillingAccount, mine.id).name == "Sites"
        with pytest.raises(NotFound):
            find(session, BillingAccount, foreign.id)
