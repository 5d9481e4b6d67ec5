"""Agreements: what the operator and others have promised each other, between whom, for how long.

An agreement is drawn up, then approved or rejected; what was approved stays as it was signed until it is terminated.
What its characteristics mean is read by the layer that works under it: a partner's price ceiling in `supplychain`.
Words: TMF651.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import Entity, JsonOf, state_type, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused, WrongState
from satcom.core.events import announce, on
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Reference, RelatedParty, TimePeriod, Value, instant_text
from satcom.enterprise.agreement_specification import agreed_terms
from satcom.enterprise.amendment import amend
from satcom.enterprise.party import (
    Organization,
    OrganizationStatus,
    PartyToBeClosed,
    PartyToBeDeleted,
    find_party,
    operator_of,
    party_reference,
)

STILL_CHANGED = frozenset({"description", "status"})  # of what was approved


class AgreementStatus(StrEnum):
    """TMF651 `status`, in its typical values."""

    IN_PROCESS = "inProcess"
    APPROVED = "approved"
    REJECTED = "rejected"
    TERMINATED = "terminated"


OPEN = (AgreementStatus.IN_PROCESS, AgreementStatus.APPROVED)


class AgreementItem(Value):
    """TMF651 `AgreementItem`: what it is about, in terms and conditions."""


class Agreement(Entity, table=True):
    """What two or more parties agreed on. The row is the operator's: parties do not see each other's agreements."""

    __tablename__ = "agreement"

    name: str = Field(min_length=1, max_length=300)
    agreement_type: str = Field(min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=2000)
    status: AgreementStatus = Field(default=AgreementStatus.IN_PROCESS, sa_type=state_type(AgreementStatus))
    agreement_period: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))
    engaged_party: list[RelatedParty] = Field(sa_type=JsonOf(list[RelatedParty]))
    agreement_item: list[AgreementItem] = Field(sa_type=JsonOf(list[AgreementItem]))
    characteristic: list[Characteristic] = Field(default_factory=list, sa_type=JsonOf(list[Characteristic]))
    agreement_specification: Reference | None = Field(default=None, sa_type=JsonOf(Reference))

    api: ClassVar = tmf("TMF651", "Agreement", Capability.READ_AGREEMENTS)
    state_field: ClassVar[str] = "status"
    life_cycle: ClassVar = LifeCycle[AgreementStatus](
        AgreementStatus,
        ("inProcess", "approved", "the parties signed it"),
        ("inProcess", "rejected", "a party did not sign it"),
        ("approved", "terminated", "a party gave notice, or it was replaced"),
        start=("inProcess", "approved"),
    )

    def in_force(self, at: datetime) -> bool:
        """Whether it binds at that instant."""
        period = self.agreement_period
        return self.status is AgreementStatus.APPROVED and (period is None or period.holds(at))

    def engages(self, party_id: str) -> bool:
        return any(one.id == party_id for one in self.engaged_party)


def conclude_agreement(session: Session, agreement: Agreement, by: Principal) -> Agreement:
    """Record an agreement of the operator, drawn up or signed already.

    Raises `Refused` with every fault: parties that do not exist, are closed or too few, a period that is over, terms
    that the specification which it names does not have.
    """
    operator = operator_of(session)
    _check(session, agreement, operator.organization_id)
    agreement.party_id = operator.organization_id
    session.add(agreement)
    session.flush()
    return agreement


def patch_agreement(session: Session, agreement: Agreement, patch: dict[str, Json], by: Principal) -> Agreement:
    """Work on a draft, or move an agreement along its life.

    Raises `RuleRefused` on the terms of what is signed: another agreement replaces it.
    """
    fixed = sorted(set(patch) - STILL_CHANGED)
    if agreement.status is not AgreementStatus.IN_PROCESS and fixed:
        why = f"{agreement.name} is {agreement.status}: what was signed stays"
        raise RuleRefused(f"/{fixed[0]}", why, "fixed", "a new agreement, and this one terminated")
    moved_to = amend(agreement, patch)
    if agreement.status is AgreementStatus.IN_PROCESS or moved_to is AgreementStatus.APPROVED:
        _check(session, agreement, operator_of(session).organization_id)
    session.flush()
    return agreement


@dataclass(frozen=True)
class AgreementToBeDeleted:
    """A draft is about to be dropped. Whoever works under it refuses."""

    agreement_id: str


def drop_agreement(session: Session, agreement: Agreement, by: Principal) -> None:
    """Forget a draft. Raises `WrongState` on what was signed or rejected: that stays on record."""
    if agreement.status is not AgreementStatus.IN_PROCESS:
        why = f"{agreement.name} is {agreement.status}: it stays on record"
        raise WrongState("/status", why, "signed", "a draft, or status terminated")
    announce(session, AgreementToBeDeleted(agreement.id))
    session.delete(agreement)


def _check(session: Session, agreement: Agreement, operator_id: str) -> None:
    faults = []
    if agreement.status not in OPEN:
        why = f"nothing begins as {agreement.status}"
        faults.append(Fault("/status", why, "notInEnumeration", ", ".join(OPEN)))
    parties, wrong = _parties(session, agreement.engaged_party)
    faults += wrong
    if not wrong and operator_id not in {one.id for one in parties}:
        faults.append(Fault("/engagedParty", "the operator is no party to it", "missing", operator_id))
    if not wrong and len({one.id for one in parties}) < 2:
        faults.append(Fault("/engagedParty", "an agreement has two parties at least", "missing", "another party"))
    if not agreement.agreement_item:
        faults.append(Fault("/agreementItem", "it is about nothing", "missing", "one item or more"))
    end = agreement.agreement_period.end_date_time if agreement.agreement_period else None
    if end is not None and end <= now():
        why = f"it ended on {instant_text(end)}"
        faults.append(Fault("/agreementPeriod/endDateTime", why, "inPast", f"after {instant_text(now())}"))
    if faults:
        raise Refused.all(faults)
    agreement.engaged_party = parties
    if agreement.agreement_specification is not None:
        agreement.agreement_specification, agreement.characteristic = agreed_terms(
            session, agreement.agreement_specification, agreement.characteristic
        )


def _parties(session: Session, named: list[RelatedParty]) -> tuple[list[RelatedParty], list[Fault]]:
    """The parties with name and link, and what is wrong with them."""
    kept: list[RelatedParty] = []
    faults: list[Fault] = []
    for index, one in enumerate(named):
        at = f"/engagedParty/{index}/id"
        try:
            party = find_party(session, one.id, at)
        except Refused as refused:
            faults += refused.faults
            continue
        if isinstance(party, Organization) and party.status is OrganizationStatus.CLOSED:
            faults.append(Fault(at, f"{party.trading_name} is closed", "closed", "a party in business"))
        kept.append(party_reference(party, one))
    return kept, faults


def agreement_named(session: Session, identifier: str, pointer: str) -> Agreement:
    """The agreement of this id. Raises `Refused` on `pointer`."""
    try:
        return find(session, Agreement, identifier)
    except NotFound as error:
        why = f"there is no agreement {identifier[:80]!r}"
        raise Refused(pointer, why, "notFound", "the id of an agreement") from error


def _of_party(session: Session, party_id: str, *statuses: AgreementStatus) -> Agreement | None:
    engaged = type_coerce(col(Agreement.engaged_party), JSONB).contains([{"id": party_id}])
    query = select(Agreement).where(engaged)
    if statuses:
        query = query.where(col(Agreement.status).in_(statuses))
    return session.exec(query).first()


@on(PartyToBeDeleted)
def keep_parties_to_agreements(session: Session, event: PartyToBeDeleted) -> None:
    """Who has ever agreed on something is not forgotten."""
    agreement = _of_party(session, event.party_id)
    if agreement is not None:
        raise RuleRefused("id", f"it is a party to the agreement {agreement.name!r}", "inAgreement")


@on(PartyToBeClosed)
def keep_parties_bound(session: Session, event: PartyToBeClosed) -> None:
    """A party that is bound is not closed."""
    agreement = _of_party(session, event.party_id, *OPEN)
    if agreement is not None:
        why = f"the agreement {agreement.name!r} is {agreement.status}"
        raise RuleRefused("/status", why, "inAgreement", "terminate the agreement first")


routes = TmfRoutes(Agreement)
routes.post(conclude_agreement, may=Capability.KEEP_AGREEMENTS)
routes.patch(patch_agreement, may=Capability.KEEP_AGREEMENTS)
routes.delete(drop_agreement, may=Capability.KEEP_AGREEMENTS)
