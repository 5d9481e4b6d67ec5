"""Customers: parties that buy, or may come to buy.

A party is a customer at most once; the customer belongs to that party. A customer is prospective until it buys, and is
closed, never deleted, once it has accounts. Words: TMF629.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sqlmodel import Field, Session, UniqueConstraint, select

from satcom.core.entity import Entity, JsonOf, state_type, tmf
from satcom.core.errors import Refused, RuleRefused
from satcom.core.events import announce, on
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, RelatedParty
from satcom.enterprise.amendment import amend
from satcom.enterprise.party import PartyToBeClosed, PartyToBeDeleted, lock_party, party_reference

PARTY_FIELD = "/engagedParty/id"


class CustomerStatus(StrEnum):
    """How far the business with the customer has come."""

    PROSPECTIVE = "prospective"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Customer(Entity, table=True):
    """A party in its role as buyer."""

    __tablename__ = "customer"
    __table_args__ = (UniqueConstraint("party_id", name="customer_once_per_party"),)

    api: ClassVar = tmf("TMF629", "Customer", Capability.READ_PARTIES)
    state_field: ClassVar[str] = "status"
    life_cycle: ClassVar = LifeCycle[CustomerStatus](
        CustomerStatus,
        ("prospective", "active", "it buys"),
        ("prospective", "closed", "it will not buy"),
        ("active", "suspended", "no new orders until a question is settled"),
        ("suspended", "active", "the question is settled"),
        ("active", "closed", "the business ended"),
        ("suspended", "closed", "the business ended"),
        ("closed", "active", "it came back"),
    )

    name: str = Field(min_length=1, max_length=300)
    status: CustomerStatus = Field(default=CustomerStatus.PROSPECTIVE, sa_type=state_type(CustomerStatus))
    engaged_party: RelatedParty = Field(sa_type=JsonOf(RelatedParty))


@dataclass(frozen=True)
class CustomerToBeClosed:
    """Whoever has open business with the customer refuses."""

    customer_id: str
    party_id: str


@dataclass(frozen=True)
class CustomerToBeDeleted:
    """Whoever ever had business with the customer refuses."""

    customer_id: str
    party_id: str


def customer_of(session: Session, party_id: str) -> Customer | None:
    """The customer that `party_id` is."""
    return session.exec(select(Customer).where(Customer.party_id == party_id)).first()


def ordering_customer(session: Session, party_id: str, field: str) -> Customer:
    """The customer that `party_id` is, when it may order. Raises `RuleRefused` on `field`."""
    customer = customer_of(session, party_id)
    if customer is None:
        raise RuleRefused(field, f"{party_id[:80]!r} is no customer", "noCustomer", "the id of a customer's party")
    if customer.status in (CustomerStatus.SUSPENDED, CustomerStatus.CLOSED):
        why = f"customer {customer.name!r} is {customer.status}"
        raise RuleRefused(field, why, "customerMayNotOrder", "an active or prospective customer")
    return customer


def create_customer(session: Session, customer: Customer, by: Principal) -> Customer:
    """Make a party a customer. Raises `Refused` when there is no such party, `RuleRefused` when it is one already."""
    if customer.status not in (CustomerStatus.PROSPECTIVE, CustomerStatus.ACTIVE):
        raise Refused("/status", f"nothing begins as {customer.status}", "notInEnumeration", "prospective, active")
    party = lock_party(session, customer.engaged_party.id, PARTY_FIELD)
    already = customer_of(session, party.id)
    if already is not None:
        raise RuleRefused(PARTY_FIELD, f"it is customer {already.name!r} already", "customerTwice", already.id)
    customer.party_id = party.id
    customer.engaged_party = party_reference(party, customer.engaged_party)
    session.add(customer)
    session.flush()
    return customer


def patch_customer(session: Session, customer: Customer, patch: dict[str, Json], by: Principal) -> Customer:
    """Change a customer or move its status. It stays the customer of its party."""
    moved_to = amend(customer, patch)
    if customer.engaged_party.id != customer.party_id:
        why = "a customer stays with its party; make a new customer for another"
        raise RuleRefused(PARTY_FIELD, why, "fixed", customer.party_id)
    if moved_to is CustomerStatus.CLOSED and customer.party_id is not None:
        announce(session, CustomerToBeClosed(customer.id, customer.party_id))
    return customer


def delete_customer(session: Session, customer: Customer, by: Principal) -> None:
    """Forget a customer that never had any business with us."""
    if customer.party_id is not None:
        announce(session, CustomerToBeDeleted(customer.id, customer.party_id))
    session.delete(customer)


@on(PartyToBeDeleted)
def keep_party_of_customer(session: Session, event: PartyToBeDeleted) -> None:
    """A customer's party stays."""
    customer = customer_of(session, event.party_id)
    if customer is not None:
        raise RuleRefused("id", f"it is customer {customer.name!r} ({customer.id})", "inUse")


@on(PartyToBeClosed)
def keep_party_of_open_customer(session: Session, event: PartyToBeClosed) -> None:
    """A party is closed after the customer that it is."""
    customer = customer_of(session, event.party_id)
    if customer is not None and customer.status is not CustomerStatus.CLOSED:
        why = f"it is customer {customer.name!r} ({customer.id}), which is {customer.status}"
        raise RuleRefused("/status", why, "inUse", "close the customer first")


routes = TmfRoutes(Customer)
routes.post(create_customer, may=Capability.KEEP_CUSTOMERS)
routes.patch(patch_customer, may=Capability.KEEP_CUSTOMERS)
routes.delete(delete_customer, may=Capability.KEEP_CUSTOMERS)
