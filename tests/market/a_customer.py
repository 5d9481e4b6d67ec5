"""A customer with an account, as tests need them."""

from sqlmodel import Session

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.party import Party, party_name
from satcom.market.account.billing_account import BillingAccount, create_billing_account
from satcom.market.customer import Customer, create_customer
from tests.enterprise.an_operator import an_organization


def named(party: Party, role: str | None = None) -> dict[str, Json]:
    body: dict[str, Json] = {"id": party.id, "name": party_name(party), "@referredType": type(party).__name__}
    return body if role is None else body | {"role": role}


def a_customer(session: Session, party: Party | None = None) -> Customer:
    party = party or an_organization(session)
    return create_customer(session, from_body(Customer, {"name": "Mine", "engagedParty": named(party)}), WORKER)


def an_account(session: Session, *parties: dict[str, Json], **more: Json) -> BillingAccount:
    body: dict[str, Json] = {"name": "Sites", "relatedParty": list(parties)}
    return create_billing_account(session, from_body(BillingAccount, body | more), WORKER)
