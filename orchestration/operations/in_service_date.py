"""Another in-service date for a satellite: first whom it touches is shown, then everything moves at once.

A change is proposed with a day and a reason; it holds the list of whom it touches. Confirmed, it is carried out in one
transaction (`awaited_satellite`), and stays with its list as the record of what was decided upon. It is refused when
the list would be another by now: nobody is moved whom nobody has seen.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Final

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import Fault, NotAllowed, Refused, RuleRefused, WrongState
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference, reference
from satcom.orchestration.operations.awaited_satellite import Touched, lock_sold, touched_by
from satcom.resource.satellite import Satellite
from satcom.resource.satellite_life import check_new_date, move_in_service_date, satellite_named

NAMED: Final = 5  # of those because of whom it is refused


class ChangeState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class InServiceDateChange(Entity, table=True):
    """A move of a satellite's in-service date, with everybody whom it touches."""

    __tablename__ = "in_service_date_change"

    satellite: Reference = Field(sa_type=JsonOf(Reference))
    satellite_id: str = Field(foreign_key="satellite.id", index=True, sa_type=id_type())
    in_service_date_before: date
    in_service_date: date
    reason: str = Field(min_length=1, max_length=1000)
    state: ChangeState = Field(default=ChangeState.PROPOSED, sa_type=state_type(ChangeState))
    touched: list[Touched] = Field(default_factory=list, sa_type=JsonOf(list[Touched]))
    proposed_by: str
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)

    api: ClassVar = own("planning/v1", "inServiceDateChange", Capability.READ_NETWORK)
    private: ClassVar[frozenset[str]] = frozenset({"satellite_id"})
    life_cycle: ClassVar = LifeCycle[ChangeState](
        ChangeState,
        ("proposed", "confirmed", "whom it touches was looked at, and everything is moved"),
        ("proposed", "withdrawn", "it is not done"),
    )


class NewInServiceDate(OwnBody):
    """What a planner proposes."""

    satellite: Reference
    in_service_date: date
    reason: str = Field(min_length=1, max_length=1000)


def propose(session: Session, wanted: NewInServiceDate, by: Principal) -> InServiceDateChange:
    """Work out whom another day would touch. Nothing is moved.

    Raises `Refused` when there is no such satellite, and what `check_new_date` raises.
    """
    satellite = _satellite(session, wanted.satellite.id, by)
    before = check_new_date(satellite, wanted.in_service_date)
    change = InServiceDateChange(
        party_id=satellite.party_id,
        satellite=reference(satellite.id, "Satellite", satellite.href, satellite.name),
        satellite_id=satellite.id,
        in_service_date_before=before,
        in_service_date=wanted.in_service_date,
        reason=wanted.reason,
        touched=touched_by(session, satellite, wanted.in_service_date),
        proposed_by=by.name,
    )
    session.add(change)
    session.flush()
    return change


def decide(session: Session, change: InServiceDateChange, patch: dict[str, Json], by: Principal) -> InServiceDateChange:
    """Confirm a proposal, which moves everything, or withdraw it.

    Raises `Refused` on any other patch, `WrongState` when it was decided, or when it touches others by now.
    """
    change_to = _asked(patch)
    if change_to is ChangeState.CONFIRMED:
        _carry_out(session, change, by)
    move(change, change_to)
    change.decided_by, change.decided_at = by.name, now()
    session.info["order_reference"] = None
    session.flush()
    return change


def _carry_out(session: Session, change: InServiceDateChange, by: Principal) -> None:
    if change.state is not ChangeState.PROPOSED:
        raise WrongState("/state", f"it is {change.state}", "decided", "a new proposal")
    satellite = _satellite(session, change.satellite_id, by)
    if satellite.in_service_date != change.in_service_date_before:
        why = f"{satellite.name} is planned for {satellite.in_service_date} by now"
        raise WrongState("/state", why, "outdated", "a new proposal")
    check_new_date(satellite, change.in_service_date)
    lock_sold(session, satellite)
    others = _others(change.touched, touched_by(session, satellite, change.in_service_date))
    if others:
        why = f"since it was shown, it is another list: {', '.join(others[:NAMED])}"
        why += f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        raise WrongState("/state", why, "outdated", "a new proposal")
    move_in_service_date(session, satellite, change.in_service_date)


def _others(shown: list[Touched], today: list[Touched]) -> list[str]:
    """Who is touched by now and was not shown so, or the other way."""
    decided = {one.decided_by for one in shown} ^ {one.decided_by for one in today}
    return sorted({one.called for one in (*shown, *today) if one.decided_by in decided})


def _satellite(session: Session, identifier: str, by: Principal) -> Satellite:
    """The satellite, for those who see all whom it concerns."""
    satellite = satellite_named(session, identifier)
    if not by.all_parties:
        raise NotAllowed(f"{by.name} does not see all customers of {satellite.name}")
    return satellite


def _asked(patch: dict[str, Json]) -> ChangeState:
    accepted = f"{ChangeState.CONFIRMED}, {ChangeState.WITHDRAWN}"
    fixed = sorted(patch.keys() - {"state", "@type"})
    if fixed:
        why = "what is proposed stays as it was shown"
        raise RuleRefused.all([Fault(f"/{name[:80]}", why, "fixed", "state") for name in fixed])
    wanted = patch.get("state")
    if wanted not in (ChangeState.CONFIRMED, ChangeState.WITHDRAWN):
        raise Refused("/state", f"nobody moves it to {str(wanted)[:80]!r}", "notInEnumeration", accepted)
    return ChangeState(str(wanted))


routes = TmfRoutes(InServiceDateChange)
routes.patch(decide, may=Capability.PLAN_FLEET)
routes.post(propose, may=Capability.PLAN_FLEET, reads=NewInServiceDate)
