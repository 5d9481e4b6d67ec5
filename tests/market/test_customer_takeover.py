"""A customer base is taken over at once, each customer new with party and account; what cannot be new is refused."""

import pytest

from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import NotAllowed, Refused
from satcom.core.security import WORKER, Principal, Role
from satcom.core.values import Json
from satcom.enterprise.party import Organization
from satcom.market.account.billing_account import BillingAccount
from satcom.market.customer import Customer, CustomerStatus, customer_of
from satcom.market.customer_takeover import NewCustomer, take_over_customers
from tests.enterprise.an_operator import an_operator

SALES = Principal("Sam", frozenset({Role.SALES}), None, frozenset(), all_parties=True)


def a_new_customer(name: str, holder: str | None = None) -> NewCustomer:
    organization = from_body(Organization, {"tradingName": name})
    party: Json = {"id": organization.id, "@referredType": "Organization"}
    customer = from_body(Customer, {"name": name, "engagedParty": party})
    related: list[Json] = [
        {"id": holder or organization.id, "name": name, "role": "customer", "@referredType": "Organization"}
    ]
    return NewCustomer(organization, customer, from_body(BillingAccount, {"name": name, "relatedParty": related}))


def test_all_are_entered_as_if_one_by_one(database: Database) -> None:
    many = [a_new_customer("One"), a_new_customer("Two")]
    with database.as_worker() as session:
        operator = an_operator(session)
        take_over_customers(session, many, WORKER)
        for one in many:
            customer = customer_of(session, one.organization.id)
            assert customer is not None
            assert customer.engaged_party.name == one.organization.trading_name
            assert one.account is not None
            assert (one.account.party_id, one.account.currency) == (one.organization.id, operator.currency)


def test_only_who_may_bring_data_takes_customers_over(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(NotAllowed):
            take_over_customers(session, [a_new_customer("One")], SALES)


def test_what_cannot_be_new_is_refused_by_its_field(database: Database) -> None:
    closed, foreign = (
        a_new_customer("Closed"),
        a_new_customer("Foreign", holder=a_new_customer("Other").organization.id),
    )
    closed.customer.status = CustomerStatus.CLOSED
    below = a_new_customer("Below")
    below.organization.further = {"organizationChildRelationship": [{"relationshipType": "child"}]}
    with database.as_worker() as session:
        an_operator(session)
        for one, field in ((closed, "/status"), (foreign, "/relatedParty"), (below, "/organization")):
            with pytest.raises(Refused) as refused:
                take_over_customers(session, [one], WORKER)
            assert refused.value.faults[0].field == field
