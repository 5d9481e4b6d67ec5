"""Parties: the organizations and people the operator deals with, and the operator itself.

A party's row belongs to the party itself, so a customer sees its own; an organization with a parent stands below it in
the hierarchy, and the parent sees what belongs to its children. The operator is one of the organizations, with the
settings that money and days are reckoned by. Who buys is `market.customer`, who supplies `supplychain`.
Words: TMF632.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

import pycountry
from sqlalchemy import CheckConstraint, Numeric
from sqlmodel import Field, Session, select

from satcom.core.database import find, find_for_update, lock_key
from satcom.core.entity import Entity, JsonOf, id_type, own, state_type, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability, Principal
from satcom.core.tenancy import PartyHierarchy
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference, RelatedParty, Value
from satcom.enterprise.amendment import amend

PARENT_FIELD = "/organizationParentRelationship/organization/id"


class OrganizationStatus(StrEnum):
    """TMF632 `OrganizationStateType`."""

    INITIALIZED = "initialized"
    VALIDATED = "validated"
    CLOSED = "closed"


class IndividualStatus(StrEnum):
    """TMF632 `IndividualStateType`, with the spelling of the document."""

    INITIALIZED = "initialized"
    VALIDATED = "validated"
    DECEASED = "deceaded"


class ParentRelationship(Value):
    """The organization above, as TMF632 writes it."""

    organization: Reference
    relationship_type: str | None = None


class Organization(Entity, table=True):
    """A company, authority or department. TMF632 wants a trading name; the legal name is `name`."""

    __tablename__ = "organization"

    api: ClassVar = tmf("TMF632", "Organization", Capability.READ_PARTIES)
    state_field: ClassVar[str] = "status"
    life_cycle: ClassVar = LifeCycle[OrganizationStatus](
        OrganizationStatus,
        ("initialized", "validated", "its papers were checked"),
        ("initialized", "closed", "it never came to business"),
        ("validated", "closed", "it ended, or we ended with it"),
    )

    trading_name: str = Field(min_length=1, max_length=300)
    status: OrganizationStatus = Field(default=OrganizationStatus.INITIALIZED, sa_type=state_type(OrganizationStatus))
    organization_parent_relationship: ParentRelationship | None = Field(
        default=None, sa_type=JsonOf(ParentRelationship)
    )


class Individual(Entity, table=True):
    """A person."""

    __tablename__ = "individual"

    api: ClassVar = tmf("TMF632", "Individual", Capability.READ_PARTIES)
    state_field: ClassVar[str] = "status"
    life_cycle: ClassVar = LifeCycle[IndividualStatus](
        IndividualStatus,
        ("initialized", "validated", "identity was checked"),
        ("initialized", "deceaded", "the person died"),
        ("validated", "deceaded", "the person died"),
    )

    given_name: str = Field(min_length=1, max_length=300)
    family_name: str = Field(min_length=1, max_length=300)
    status: IndividualStatus = Field(default=IndividualStatus.INITIALIZED, sa_type=state_type(IndividualStatus))


Party = Organization | Individual


class Operator(Entity, table=True):
    """The operator's settings. There is one row; `party_id` is the operator's organization.

    `payment_term_days` are those of new accounts; after `approval_days` an order that nobody approves is rejected. The
    patiences say for how long a terminal, its installation and a satellite are waited for after their day. With
    `availability_confidence_percent` a year keeps the availability that is sold; at 50 the average year counts.
    """

    __tablename__ = "operator"
    __table_args__ = (
        CheckConstraint("the_only", name="operator_is_the_only"),
        CheckConstraint("tax_rate_percent BETWEEN 0 AND 100", name="operator_tax_rate_is_a_share"),
    )

    api: ClassVar = own("enterprise/v1", "operator", Capability.READ_CATALOG)
    readable_by_all: ClassVar[bool] = True
    private: ClassVar[frozenset[str]] = frozenset({"the_only", "organization_id"})

    the_only: bool = Field(default=True, unique=True)
    organization_id: str = Field(foreign_key="organization.id", sa_type=id_type())
    name: str
    currency: str = Field(max_length=3)
    time_zone: str = Field(max_length=64)
    tax_rate_percent: Decimal = Field(sa_type=Numeric(7, 4))
    payment_term_days: int = Field(default=30, ge=0, le=365)
    approval_days: int = Field(default=5, ge=1, le=6)  # what is asked for is held for seven
    terminal_patience_days: int = Field(default=60, ge=1, le=730)
    installation_patience_days: int = Field(default=120, ge=1, le=730)
    satellite_patience_days: int = Field(default=180, ge=1, le=1830)
    availability_confidence_percent: float = Field(default=50.0, ge=50, le=99.9)
    elements_limit_days: int = Field(default=0, ge=0, le=3650)  # 0: elements of any age are taken

    @property
    def zone(self) -> ZoneInfo:
        """For the first and last moment of a day or month."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True)
class PartyToBeDeleted:
    """Whoever has business with the party refuses."""

    party_id: str


@dataclass(frozen=True)
class CurrencyToBeChanged:
    """Whoever keeps amounts in the currency `before` refuses."""

    before: str


@dataclass(frozen=True)
class PartyToBeClosed:
    """Whoever has open business with the party refuses."""

    party_id: str


def party_name(party: Party) -> str:
    """What to call a party."""
    if isinstance(party, Organization):
        return party.trading_name
    return f"{party.given_name} {party.family_name}"


def find_party(session: Session, identifier: str, field: str = "id") -> Party:
    """The organization or person `identifier`. Raises `Refused` on `field`, also for what belongs to others."""
    try:
        return find(session, Organization, identifier)
    except NotFound:
        pass
    try:
        return find(session, Individual, identifier)
    except NotFound as error:
        why = f"there is no party {identifier[:80]!r}"
        raise Refused(field, why, "notFound", "the id of an organization or individual") from error


def lock_party(session: Session, identifier: str, field: str = "id") -> Party:
    """As `find_party`, and locked, so that it is neither deleted nor engaged twice meanwhile."""
    party = find_party(session, identifier, field)
    if isinstance(party, Organization):
        return find_for_update(session, Organization, identifier)
    return find_for_update(session, Individual, identifier)


def party_reference(party: Party, given: RelatedParty) -> RelatedParty:
    """The reference as it is kept: what was given, with name and link to the party."""
    kept = {"id": party.id, "name": party_name(party), "href": party.href, "@referredType": type(party).__name__}
    return RelatedParty.model_validate(given.wire() | kept)


def operator_of(session: Session) -> Operator:
    """The operator. Raises `RuleRefused` before one is loaded."""
    operator = session.exec(select(Operator)).first()
    if operator is None:
        raise RuleRefused("operator", "no operator is set up yet", "noOperator", "load the operator's data first")
    return operator


def set_up_operator(
    session: Session,
    organization: Organization,
    currency: str,
    time_zone: str,
    tax_rate_percent: Decimal,
    by: Principal,
    availability_confidence_percent: float | None = None,
) -> Operator:
    """Make `organization` the operator, or change its settings. The currency stays once anything is kept in it.

    Without `availability_confidence_percent` (50 to 99.9) what was set before stays.
    """
    faults = setting_faults(currency, time_zone, tax_rate_percent)
    if faults:
        raise Refused.all(faults)
    session.flush()
    lock_key(session.connection(), "the operator")
    operator = session.exec(select(Operator)).first()
    if operator is None:
        operator = Operator(
            party_id=organization.id,
            organization_id=organization.id,
            name=organization.trading_name,
            currency=currency,
            time_zone=time_zone,
            tax_rate_percent=tax_rate_percent,
        )
    elif operator.organization_id != organization.id:
        raise RuleRefused("/id", f"{operator.name} is the operator; there is only one", "onlyOne", operator.party_id)
    else:
        if operator.currency != currency:
            check_currency_change(session, operator.currency)
        operator.name, operator.currency = organization.trading_name, currency
        operator.time_zone, operator.tax_rate_percent = time_zone, tax_rate_percent
    if availability_confidence_percent is not None:
        operator.availability_confidence_percent = availability_confidence_percent
    session.add(operator)
    session.flush()
    return operator


def check_currency_change(session: Session, before: str) -> None:
    """Raises `RuleRefused` when amounts are kept in it."""
    announce(session, CurrencyToBeChanged(before))


def currency_fixed(what: str, before: str) -> RuleRefused:
    """The refusal of whoever keeps amounts in the operator's currency."""
    return RuleRefused("/currency", f"{what} are kept in {before}", "fixed", before)


def setting_faults(currency: str, time_zone: str, tax_rate_percent: Decimal) -> list[Fault]:
    """What is wrong with an operator's settings."""
    faults = []
    if pycountry.currencies.get(alpha_3=currency) is None:
        faults.append(Fault("/currency", f"{currency[:20]!r} is no currency", "invalid", "a code of ISO 4217"))
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        why = f"{time_zone[:80]!r} is no time zone"
        faults.append(Fault("/timeZone", why, "invalid", "a name of the IANA time zone database"))
    if not (tax_rate_percent.is_finite() and 0 <= tax_rate_percent <= 100):
        faults.append(Fault("/taxRatePercent", f"{tax_rate_percent} is no tax rate", "outOfRange", "0 to 100"))
    return faults


def create_organization(session: Session, organization: Organization, by: Principal) -> Organization:
    """Record an organization. Raises `Refused` on its parent, and on children: they name their parent."""
    _refuse_children(organization)
    organization.party_id = organization.id
    _must_start(organization.status, OrganizationStatus.CLOSED)
    session.add(organization)
    session.flush()
    _place_in_hierarchy(session, organization)
    return organization


def patch_organization(
    session: Session, organization: Organization, patch: dict[str, Json], by: Principal
) -> Organization:
    """Change an organization, its parent or its status."""
    moved_to = amend(organization, patch)
    _refuse_children(organization)
    if "organizationParentRelationship" in patch:
        _place_in_hierarchy(session, organization)
    operator = session.exec(select(Operator)).first()
    ours = operator is not None and operator.organization_id == organization.id
    if moved_to is OrganizationStatus.CLOSED:
        if ours:
            raise RuleRefused("/status", "it is the operator", "operator")
        announce(session, PartyToBeClosed(organization.id))
    if operator is not None and ours and operator.name != organization.trading_name:
        operator.name = organization.trading_name
        session.add(operator)
    return organization


def delete_organization(session: Session, organization: Organization, by: Principal) -> None:
    """Forget an organization that nobody has business with and that has no children."""
    operator = session.exec(select(Operator)).first()
    if operator is not None and operator.organization_id == organization.id:
        raise RuleRefused("id", "it is the operator", "operator")
    lock_key(session.connection(), "party hierarchy")
    children = session.exec(select(PartyHierarchy).where(PartyHierarchy.parent_id == organization.id)).all()
    if children:
        raise RuleRefused("id", f"{len(children)} organizations stand below it", "hasChildren")
    announce(session, PartyToBeDeleted(organization.id))
    for row in session.exec(select(PartyHierarchy).where(PartyHierarchy.child_id == organization.id)).all():
        session.delete(row)
    session.delete(organization)


def create_individual(session: Session, individual: Individual, by: Principal) -> Individual:
    """Record a person."""
    individual.party_id = individual.id
    _must_start(individual.status, IndividualStatus.DECEASED)
    session.add(individual)
    session.flush()
    return individual


def patch_individual(session: Session, individual: Individual, patch: dict[str, Json], by: Principal) -> Individual:
    """Change a person's data or status. A death ends nothing by itself: people decide about the contracts."""
    amend(individual, patch)
    return individual


def delete_individual(session: Session, individual: Individual, by: Principal) -> None:
    """Forget a person whom nobody has business with."""
    announce(session, PartyToBeDeleted(individual.id))
    session.delete(individual)


def parent_of(session: Session, party_id: str) -> str | None:
    """The id of the organization directly above."""
    return session.exec(select(PartyHierarchy.parent_id).where(PartyHierarchy.child_id == party_id)).first()


def _must_start(status: OrganizationStatus | IndividualStatus, end: OrganizationStatus | IndividualStatus) -> None:
    if status == end:
        raise Refused("/status", f"nothing begins as {end}", "notInEnumeration", "initialized, validated")


def _refuse_children(organization: Organization) -> None:
    if organization.further.get("organizationChildRelationship"):
        why = "it follows from the children, each of which names its organizationParentRelationship"
        raise Refused("/organizationChildRelationship", why, "derived")


def _place_in_hierarchy(session: Session, organization: Organization) -> None:
    """Put the organization below its parent. Raises `Refused` when there is none such, `RuleRefused` on a ring."""
    lock_key(session.connection(), "party hierarchy")  # else two moves at once could close a ring together
    for row in session.exec(select(PartyHierarchy).where(PartyHierarchy.child_id == organization.id)).all():
        session.delete(row)
    session.flush()
    relationship = organization.organization_parent_relationship
    if relationship is None:
        return
    try:
        parent = find(session, Organization, relationship.organization.id)
    except NotFound as error:
        wrong = relationship.organization.id[:80]
        raise Refused(PARENT_FIELD, f"there is no organization {wrong!r}", "notFound") from error
    above: str | None = parent.id
    while above is not None:
        if above == organization.id:
            why = f"{organization.trading_name} would stand above itself"
            raise RuleRefused(PARENT_FIELD, why, "ring", "an organization that does not stand below this one")
        above = parent_of(session, above)
    session.add(PartyHierarchy(parent_id=parent.id, child_id=organization.id))
    session.flush()


organization_routes = TmfRoutes(Organization)
organization_routes.post(create_organization, may=Capability.KEEP_CUSTOMERS)
organization_routes.patch(patch_organization, may=Capability.KEEP_CUSTOMERS)
organization_routes.delete(delete_organization, may=Capability.KEEP_CUSTOMERS)

individual_routes = TmfRoutes(Individual)
individual_routes.post(create_individual, may=Capability.KEEP_CUSTOMERS)
individual_routes.patch(patch_individual, may=Capability.KEEP_CUSTOMERS)
individual_routes.delete(delete_individual, may=Capability.KEEP_CUSTOMERS)
