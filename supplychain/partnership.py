"""Partnerships: with whom we work under which agreement, and where a partner's own API answers.

A partner whose `apiUrl` is given leases us capacity: it is asked where the own fleet cannot serve, within the price
ceiling and the margin floor of the agreement. The token of its API is a setting of the installation, bound to that
address; it stands in no body, row or log. What is asked, held and ordered there is `supplychain.partner_capacity`.
Words: TMF668. A partnership has one partner; the partners of a programme are as many partnerships.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Final
from urllib.parse import urlsplit

from pydantic import Field as ValueField
from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import Entity, JsonOf, change, id_type, state_type, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.events import announce, on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Money, Reference, RelatedParty, Value, reference
from satcom.enterprise.agreement import Agreement, AgreementToBeDeleted, agreement_named
from satcom.enterprise.party import (
    Organization,
    OrganizationStatus,
    PartyToBeClosed,
    PartyToBeDeleted,
    operator_of,
    party_reference,
)

PARTNER, AGREEMENTS = "/partner/0", "/partner/0/agreement"
API_URL = "apiUrl"
CEILING, FLOOR = "monthlyPriceCeilingPerMbps", "minimumMarginPercent"
NOTICE, RENEWAL = "renewalNoticeDays", "renewalMonths"
USUAL_NOTICE_DAYS: Final = 60
LONGEST_NOTICE_DAYS, LONGEST_RENEWAL_MONTHS = 366, 120


class PartnerStatus(StrEnum):
    """TMF668 `Partner.status`."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class RoleSpecification(Value):
    """TMF668 `PartnershipRoleSpecification`: a part that partners play."""

    name: str = ValueField(min_length=1, max_length=100)


class PartnershipSpecification(Entity, table=True):
    """A kind of partnership, with the roles in it."""

    __tablename__ = "partnership_specification"

    name: str = Field(min_length=1, max_length=300, unique=True)
    description: str | None = Field(default=None, max_length=2000)
    role_specification: list[RoleSpecification] = Field(default_factory=list, sa_type=JsonOf(list[RoleSpecification]))

    api: ClassVar = tmf("TMF668", "PartnershipSpecification", Capability.READ_AGREEMENTS)


class Partner(Value):
    """TMF668 `Partner`."""

    name: str = ValueField(min_length=1, max_length=300)
    engaged_party: RelatedParty
    status: str | None = None
    agreement: list[Reference] = ValueField(default_factory=list)
    characteristic: list[Characteristic] = ValueField(default_factory=list)

    @property
    def api_url(self) -> str | None:
        """Where its API answers, when it leases us capacity."""
        given = next((one.value for one in self.characteristic if one.name == API_URL), None)
        return None if given is None else str(given)


class Partnership(Entity, table=True):
    """An organization as partner of the operator, to whom the row belongs."""

    __tablename__ = "partnership"

    name: str = Field(min_length=1, max_length=300)
    description: str | None = Field(default=None, max_length=2000)
    specification: Reference = Field(sa_type=JsonOf(Reference))
    partner: list[Partner] = Field(default_factory=list, sa_type=JsonOf(list[Partner]))
    organization_id: str = Field(default="", foreign_key="organization.id", unique=True, sa_type=id_type())
    standing: PartnerStatus = Field(default=PartnerStatus.ACTIVE, sa_type=state_type(PartnerStatus))

    api: ClassVar = tmf("TMF668", "Partnership", Capability.READ_AGREEMENTS)
    private: ClassVar[frozenset[str]] = frozenset({"organization_id", "standing"})
    state_field: ClassVar[str] = "standing"
    life_cycle: ClassVar = LifeCycle[PartnerStatus](
        PartnerStatus,
        ("active", "suspended", "for the time being nothing new is asked of it"),
        ("suspended", "active", "it is asked again"),
        ("active", "ended", "the partnership is over"),
        ("suspended", "ended", "the partnership is over"),
    )


@dataclass(frozen=True)
class CapacityTerms:
    """Under which terms a partner's capacity is taken: what a Mbit/s a month may cost, and what we must earn.

    How long before the end of a term it is renewed, and for how many months.
    """

    agreement_id: str
    ceiling_per_mbps: Money
    minimum_margin_percent: Decimal
    renewal_notice_days: int = USUAL_NOTICE_DAYS
    renewal_months: int = 12


@dataclass(frozen=True)
class CapacityPartner:
    """A partner that can be asked for capacity."""

    partnership_id: str
    name: str
    api_url: str
    terms: CapacityTerms


# Rules


def terms_of(agreement: Agreement) -> CapacityTerms:
    """The terms for capacity. Raises `RuleRefused` naming the characteristic that is missing or none such."""
    faults = _terms_faults(agreement)
    if faults:
        raise RuleRefused.all(faults)
    given = {one.name: one.value for one in agreement.characteristic}
    ceiling, floor = Money.model_validate(given[CEILING]), Decimal(str(given[FLOOR]))
    usual = CapacityTerms(agreement.id, ceiling, floor)
    notice, months = (given.get(name) for name in (NOTICE, RENEWAL))
    return replace(
        usual,
        renewal_notice_days=notice if isinstance(notice, int) else usual.renewal_notice_days,
        renewal_months=months if isinstance(months, int) else usual.renewal_months,
    )


def _terms_faults(agreement: Agreement) -> list[Fault]:
    given = {one.name: one.value for one in agreement.characteristic}
    faults = []
    try:
        is_ceiling = Money.model_validate(given.get(CEILING)).value > 0
    except ValueError:
        is_ceiling = False
    if not is_ceiling:
        why = f"the agreement {agreement.name!r} has no characteristic {CEILING} that is an amount above zero"
        faults.append(Fault(AGREEMENTS, why, "noPriceCeiling", '{"unit": "USD", "value": 300}'))
    floor = given.get(FLOOR)
    if isinstance(floor, bool) or not isinstance(floor, int | float) or not 0 <= floor < 100:
        why = f"the agreement {agreement.name!r} has no characteristic {FLOOR} that is a share"
        faults.append(Fault(AGREEMENTS, why, "noMarginFloor", "0 to less than 100"))
    for name, longest in ((NOTICE, LONGEST_NOTICE_DAYS), (RENEWAL, LONGEST_RENEWAL_MONTHS)):
        told = given.get(name)
        if told is not None and (isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= longest):
            why = f"{name} of the agreement {agreement.name!r} is {str(told)[:20]!r}"
            faults.append(Fault(AGREEMENTS, why, "invalid", f"a whole number, 1 to {longest}"))
    return faults


def url_faults(url: str, pointer: str) -> list[Fault]:
    """What is wrong with the address of an API: nothing secret may stand in it."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        plain = None
    if not plain or parts.username is not None or parts.query or parts.fragment:
        return [Fault(pointer, "it is no plain address of an API", "invalid", "https://api.partner.example")]
    return []


# Commands


def specify_partnership(
    session: Session, specification: PartnershipSpecification, by: Principal
) -> PartnershipSpecification:
    """Describe a kind of partnership. Raises `Refused` on roles that are none or named twice."""
    roles = [one.name for one in specification.role_specification]
    if not roles or len(set(roles)) < len(roles):
        why = "a partnership has roles, each named once"
        raise Refused("/roleSpecification", why, "invalid", "one role or more, for example capacityProvider")
    known = select(PartnershipSpecification).where(PartnershipSpecification.name == specification.name)
    if session.exec(known).first() is not None:
        raise RuleRefused("/name", f"there is a kind {specification.name!r} already", "onlyOne", "another name")
    specification.party_id = operator_of(session).organization_id
    session.add(specification)
    session.flush()
    return specification


def correct_specification(
    session: Session, specification: PartnershipSpecification, patch: dict[str, Json], by: Principal
) -> PartnershipSpecification:
    """Describe it in other words. Raises `RuleRefused` on its name and roles: partners were engaged in them."""
    fixed = sorted(set(patch) - {"description"})
    if fixed:
        raise RuleRefused(f"/{fixed[0]}", "partners may be engaged in it", "fixed", "description")
    change(specification, patch)
    session.flush()
    return specification


def drop_specification(session: Session, specification: PartnershipSpecification, by: Principal) -> None:
    """Forget a kind of partnership. Raises `RuleRefused` when somebody was engaged in it."""
    named = type_coerce(col(Partnership.specification), JSONB).contains({"id": specification.id})
    engaged = session.exec(select(Partnership).where(named)).first()
    if engaged is not None:
        raise RuleRefused("id", f"{engaged.name} is one", "inUse", "a kind that nobody was engaged in")
    session.delete(specification)


def engage_partner(session: Session, partnership: Partnership, by: Principal) -> Partnership:
    """Begin to work with a partner.

    Raises `Refused` or `RuleRefused` with every fault: specification, organization, agreement, address.
    """
    operator = operator_of(session)
    partner, organization = _checked(session, partnership, operator.organization_id)
    known = session.exec(select(Partnership).where(Partnership.organization_id == organization.id)).first()
    if known is not None:
        why = f"{organization.trading_name} is a partner already"
        raise RuleRefused(f"{PARTNER}/engagedParty/id", why, "onlyOne", known.id)
    if partner.status not in (None, PartnerStatus.ACTIVE):
        raise Refused(f"{PARTNER}/status", f"nothing begins as {partner.status!r}", "notInEnumeration", "active")
    partnership.organization_id, partnership.party_id = organization.id, operator.organization_id
    _keep(partnership, partner)
    session.add(partnership)
    session.flush()
    return partnership


def patch_partnership(session: Session, partnership: Partnership, patch: dict[str, Json], by: Principal) -> Partnership:
    """Change agreement or address, or move the partner along its life by its `status`.

    Raises as `engage_partner`, and `WrongState` when there is no such move.
    """
    if partnership.standing is PartnerStatus.ENDED:
        raise RuleRefused(f"{PARTNER}/status", f"{partnership.name} has ended", "ended", "a new partnership")
    change(partnership, patch)
    partner, organization = _checked(session, partnership, operator_of(session).organization_id)
    if organization.id != partnership.organization_id:
        why = "a partnership stays with its partner; engage another"
        raise RuleRefused(f"{PARTNER}/engagedParty/id", why, "fixed", partnership.organization_id)
    wanted = partner.status or partnership.standing
    if wanted not in set(PartnerStatus):
        accepted = ", ".join(PartnerStatus)
        raise Refused(f"{PARTNER}/status", f"there is no state {wanted[:80]!r}", "notInEnumeration", accepted)
    move(partnership, PartnerStatus(wanted))
    _keep(partnership, partner)
    session.flush()
    announce(session, PartnershipChanged(partnership.id))
    return partnership


@dataclass(frozen=True)
class PartnershipChanged:
    """Its agreements, its address or its standing may be others."""

    partnership_id: str


@dataclass(frozen=True)
class PartnershipToBeDeleted:
    """A partnership is about to be forgotten. Whoever has business under it refuses."""

    partnership_id: str


def drop_partnership(session: Session, partnership: Partnership, by: Principal) -> None:
    """Forget a partnership under which nothing was done; one that was lived under ends by its status."""
    announce(session, PartnershipToBeDeleted(partnership.id))
    session.delete(partnership)


def _keep(partnership: Partnership, partner: Partner) -> None:
    partnership.partner = [partner.model_copy(update={"status": partnership.standing.value})]


def _checked(session: Session, partnership: Partnership, operator_id: str) -> tuple[Partner, Organization]:
    """The partner as it is kept, and its organization. Raises with every fault."""
    if len(partnership.partner) != 1:
        why = f"the partnership has {len(partnership.partner)} partners"
        raise Refused("/partner", why, "cardinality", "one; each partner has a partnership of its own")
    partner, faults = partnership.partner[0], list[Fault]()
    try:
        kind = find(session, PartnershipSpecification, partnership.specification.id)
        partnership.specification = reference(kind.id, "PartnershipSpecification", kind.href, kind.name)
        roles = [one.name for one in kind.role_specification]
        if partner.engaged_party.role not in (None, *roles):
            why = f"{kind.name} knows no role {str(partner.engaged_party.role)[:80]!r}"
            faults.append(Fault(f"{PARTNER}/engagedParty/role", why, "unknown", ", ".join(roles)))
    except NotFound:
        why = f"there is no partnership specification {partnership.specification.id[:80]!r}"
        faults.append(Fault("/specification/id", why, "notFound", "the id of a partnership specification"))
    organization, wrong = _organization(session, partner, operator_id)
    agreements, unfit = _agreements(session, partner)
    faults += wrong + unfit
    if faults or organization is None:
        raise Refused.all(faults)
    party = party_reference(organization, partner.engaged_party)
    return partner.model_copy(update={"engaged_party": party, "agreement": agreements}), organization


def _organization(session: Session, partner: Partner, operator_id: str) -> tuple[Organization | None, list[Fault]]:
    at, wanted = f"{PARTNER}/engagedParty/id", partner.engaged_party.id
    try:
        organization = find(session, Organization, wanted)
    except NotFound:
        return None, [Fault(at, f"there is no organization {wanted[:80]!r}", "notFound", "the id of an organization")]
    if organization.status is OrganizationStatus.CLOSED:
        return None, [Fault(at, f"{organization.trading_name} is closed", "closed", "an organization in business")]
    if organization.id == operator_id:
        return None, [Fault(at, "it is the operator", "operator", "another organization")]
    return organization, []


def _agreements(session: Session, partner: Partner) -> tuple[list[Reference], list[Fault]]:
    """The agreements with name and link; who leases capacity has one in force, with its terms."""
    kept, faults, bound = list[Reference](), list[Fault](), False
    for index, one in enumerate(partner.agreement):
        at = f"{AGREEMENTS}/{index}/id"
        try:
            agreement = agreement_named(session, one.id, at)
            if not agreement.engages(partner.engaged_party.id):
                why = f"{partner.name} is no party to the agreement {agreement.name!r}"
                raise RuleRefused(at, why, "otherParty", "an agreement with the partner")
            if partner.api_url is not None and agreement.in_force(now()):
                terms_of(agreement)
                bound = True
        except Refused as refused:
            faults += refused.faults
        else:
            kept.append(reference(agreement.id, "Agreement", agreement.href, agreement.name))
    if partner.api_url is not None:
        place = next(index for index, one in enumerate(partner.characteristic) if one.name == API_URL)
        faults += url_faults(partner.api_url, f"{PARTNER}/characteristic/{place}/value")
        if not bound and not faults:
            why = f"{partner.name} leases capacity under no agreement that is in force"
            faults.append(Fault(AGREEMENTS, why, "noAgreement", "an approved agreement with the partner"))
    return kept, faults


# What others ask


def terms_in_force(session: Session, partnership_id: str, at: datetime) -> CapacityTerms | None:
    """Under which terms capacity of a partner goes on at that instant; `None` where no agreement is in force."""
    partner = session.get_one(Partnership, partnership_id).partner[0]
    return _terms_at(session, partner, at)


def capacity_partners(session: Session, at: datetime) -> list[CapacityPartner]:
    """The active partners whose capacity may be taken at that instant, by name."""
    active = select(Partnership).where(Partnership.standing == PartnerStatus.ACTIVE).order_by(col(Partnership.name))
    found = ((one, partner) for one in session.exec(active) for partner in one.partner)
    return [
        CapacityPartner(one.id, partner.name, partner.api_url, terms)
        for one, partner in found
        if partner.api_url is not None and (terms := _terms_at(session, partner, at)) is not None
    ]


def _terms_at(session: Session, partner: Partner, at: datetime) -> CapacityTerms | None:
    """Of the first agreement in force that is on capacity."""
    for one in partner.agreement:
        agreement = session.get(Agreement, one.id)
        if agreement is not None and agreement.in_force(at) and not _terms_faults(agreement):
            return terms_of(agreement)
    return None


def _with_organization(session: Session, party_id: str) -> Partnership | None:
    return session.exec(select(Partnership).where(Partnership.organization_id == party_id)).first()


@on(AgreementToBeDeleted)
def keep_agreements_of_partners(session: Session, event: AgreementToBeDeleted) -> None:
    """An agreement that a partnership names stays."""
    named = type_coerce(col(Partnership.partner), JSONB).contains([{"agreement": [{"id": event.agreement_id}]}])
    partnership = session.exec(select(Partnership).where(named)).first()
    if partnership is not None:
        raise RuleRefused("id", f"{partnership.name} names it", "inUse", "an agreement that no partnership names")


@on(PartyToBeDeleted)
def keep_partners(session: Session, event: PartyToBeDeleted) -> None:
    """Who is or was a partner is not forgotten."""
    if _with_organization(session, event.party_id) is not None:
        raise RuleRefused("id", "it is a partner of ours", "isPartner", "an organization without business")


@on(PartyToBeClosed)
def keep_partners_in_business(session: Session, event: PartyToBeClosed) -> None:
    """A partner is not closed before the partnership has ended."""
    partnership = _with_organization(session, event.party_id)
    if partnership is not None and partnership.standing is not PartnerStatus.ENDED:
        raise RuleRefused("/status", f"the partnership is {partnership.standing}", "isPartner", "end it first")


specification_routes = TmfRoutes(PartnershipSpecification)
specification_routes.post(specify_partnership, may=Capability.KEEP_AGREEMENTS)
specification_routes.patch(correct_specification, may=Capability.KEEP_AGREEMENTS)
specification_routes.delete(drop_specification, may=Capability.KEEP_AGREEMENTS)
routes = TmfRoutes(Partnership)
routes.post(engage_partner, may=Capability.KEEP_AGREEMENTS)
routes.patch(patch_partnership, may=Capability.KEEP_AGREEMENTS)
routes.delete(drop_partnership, may=Capability.KEEP_AGREEMENTS)
