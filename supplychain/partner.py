"""Suppliers: the organizations that terminals are bought from, with what buying needs to know of them.

Who an organization is stands in `enterprise.party`; here is that we buy from it, in which currency, and whom we call.
Where suppliers keep what they sell is `supplychain.stock`; what is on order is `supplychain.procurement`.
"""

from typing import ClassVar

import pycountry
from sqlmodel import Field, Session, select

from satcom.core.database import find
from satcom.core.entity import Entity, JsonOf, change, id_type, own
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.events import on
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Value
from satcom.enterprise.party import Organization, OrganizationStatus, PartyToBeClosed, PartyToBeDeleted, operator_of


class Contact(Value):
    """Whom to call."""

    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=320)
    phone: str | None = Field(default=None, max_length=50)


class Supplier(Entity, table=True):
    """An organization that sells to the operator. The row is the operator's: suppliers do not see each other."""

    __tablename__ = "supplier"

    organization_id: str = Field(foreign_key="organization.id", unique=True, sa_type=id_type())
    name: str = Field(default="", max_length=300)
    country: str = Field(max_length=2)
    currency: str = Field(max_length=3)
    contact: Contact | None = Field(default=None, sa_type=JsonOf(Contact))
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = own("supplyChain/v1", "supplier", Capability.READ_SUPPLY)


def engage_supplier(session: Session, supplier: Supplier, by: Principal) -> Supplier:
    """Begin to buy from an organization. Its name is the organization's trading name.

    Raises `Refused` on an organization, country or currency that does not exist, `RuleRefused` on an organization that
    is closed or a supplier already.
    """
    _check_terms(supplier)
    try:
        organization = find(session, Organization, supplier.organization_id)
    except NotFound as error:
        why = f"there is no organization {supplier.organization_id[:80]!r}"
        raise Refused("/organizationId", why, "notFound", "the id of an organization") from error
    if organization.status is OrganizationStatus.CLOSED:
        why = f"{organization.trading_name} is closed"
        raise RuleRefused("/organizationId", why, "closed", "an organization in business")
    known = supplier_of(session, organization.id)
    if known is not None:
        raise RuleRefused("/organizationId", f"{organization.trading_name} is a supplier already", "onlyOne", known.id)
    supplier.name = organization.trading_name
    supplier.party_id = operator_of(session).organization_id
    session.add(supplier)
    session.flush()
    return supplier


def correct_supplier(session: Session, supplier: Supplier, patch: dict[str, Json], by: Principal) -> Supplier:
    """Correct what buying needs to know. It stays the supplier of its organization, and is called as that is.

    Raises as `engage_supplier` does.
    """
    organization_id = supplier.organization_id
    change(supplier, patch)
    if supplier.organization_id != organization_id:
        why = "a supplier stays with its organization; engage another"
        raise RuleRefused("/organizationId", why, "fixed", organization_id)
    _check_terms(supplier)
    supplier.name = find(session, Organization, organization_id).trading_name
    session.flush()
    return supplier


def _check_terms(supplier: Supplier) -> None:
    faults = country_faults(supplier.country)
    if pycountry.currencies.get(alpha_3=supplier.currency) is None:
        faults.append(Fault("/currency", f"{supplier.currency[:20]!r} is no currency", "invalid", "a code of ISO 4217"))
    if faults:
        raise Refused.all(faults)


def country_faults(country: str) -> list[Fault]:
    """What is wrong with a country code."""
    if len(country) == 2 and pycountry.countries.get(alpha_2=country) is not None:
        return []
    return [Fault("/country", f"{country[:20]!r} is no country", "invalid", "a code of ISO 3166-1, two letters")]


def supplier_of(session: Session, organization_id: str) -> Supplier | None:
    """The organization as a supplier; `None` when we do not buy from it."""
    return session.exec(select(Supplier).where(Supplier.organization_id == organization_id)).first()


@on(PartyToBeDeleted)
def keep_suppliers_organization(session: Session, event: PartyToBeDeleted) -> None:
    """An organization that we buy from is not forgotten."""
    if supplier_of(session, event.party_id) is not None:
        raise RuleRefused("id", "we buy from it", "isSupplier", "an organization without business")


@on(PartyToBeClosed)
def keep_supplier_in_business(session: Session, event: PartyToBeClosed) -> None:
    """An organization that we buy from is not closed."""
    if supplier_of(session, event.party_id) is not None:
        raise RuleRefused("/status", "we buy from it", "isSupplier", "an organization that is no supplier")


routes = TmfRoutes(Supplier)
