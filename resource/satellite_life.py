"""The life of a satellite from its plan to the day when it carries traffic.

Capacity is sold before the satellite is there, so its in-service date is a promise that others build on. Moving it and
reaching a milestone are announced; whoever sold what the satellite is to carry follows in the same transaction, or
refuses. The day on which it enters service becomes its in-service date.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.entity import Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import NotFound, Refused, RuleRefused, WrongState
from satcom.core.events import announce
from satcom.core.life_cycle import move
from satcom.core.own_body import OwnBody
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Reference, reference
from satcom.resource.satellite import BEFORE_SERVICE, CARRIES_TRAFFIC, Satellite, SatelliteState


class SatelliteMilestone(Entity, table=True):
    """A satellite reached another part of its life. Written once, never changed."""

    __tablename__ = "satellite_milestone"

    satellite: Reference = Field(sa_type=JsonOf(Reference))
    satellite_id: str = Field(foreign_key="satellite.id", index=True, sa_type=id_type())
    state: SatelliteState = Field(sa_type=state_type(SatelliteState))
    reached_on: date
    reason: str | None = Field(default=None, max_length=1000)
    recorded_by: str

    api: ClassVar = own("resource/v1", "satelliteMilestone", Capability.READ_NETWORK)
    private: ClassVar[frozenset[str]] = frozenset({"satellite_id"})


class ReachedMilestone(OwnBody):
    """What a planner sends."""

    satellite: Reference
    state: SatelliteState
    reason: str | None = Field(default=None, max_length=1000)


@dataclass(frozen=True)
class InServiceDateMoved:
    """Whoever sold what the satellite is to carry follows, or raises `Refused`."""

    satellite: Satellite
    before: date


@dataclass(frozen=True)
class SatelliteEnteredService:
    """What waited for the satellite goes on."""

    satellite: Satellite


@dataclass(frozen=True)
class SatelliteLost:
    """It ended before it carried anything: what waited for it waits no longer."""

    satellite: Satellite


def satellite_named(session: Session, identifier: str) -> Satellite:
    """The satellite, locked. Raises `Refused` on `/satellite/id`."""
    try:
        return find_for_update(session, Satellite, identifier)
    except NotFound as error:
        why = f"there is no satellite {identifier[:80]!r}"
        raise Refused("/satellite/id", why, "notFound", "the id of a satellite of the network") from error


def check_new_date(satellite: Satellite, to: date) -> date:
    """The day that it is planned for until now.

    Raises `WrongState` once it carries traffic, `RuleRefused` on a day that is over, or its own, or too late.
    """
    if satellite.state not in BEFORE_SERVICE or satellite.in_service_date is None:
        why = f"{satellite.name} is {satellite.state}, in service {satellite.in_service_date or 'on no known date'}"
        raise WrongState("/satellite/id", why, "notAwaited", "a satellite with a date that is not in service yet")
    end, where = satellite.end_of_life_date, "/inServiceDate"
    if to == satellite.in_service_date:
        raise RuleRefused(where, f"{satellite.name} is planned for {to} already", "unchanged", "another day")
    if to < now().date():
        raise RuleRefused(where, f"{to} is over", "inPast", f"{now().date()} or later")
    if end is not None and to >= end:
        raise RuleRefused(where, f"{satellite.name} ends its life on {end}", "tooLate", f"before {end}")
    return satellite.in_service_date


def move_in_service_date(session: Session, satellite: Satellite, to: date) -> None:
    """Plan a satellite for another day. Raises as `check_new_date`, and what those raise who follow."""
    check_new_date(satellite, to)
    _redate(session, satellite, to)


def _redate(session: Session, satellite: Satellite, to: date) -> None:
    before, satellite.in_service_date = satellite.in_service_date, to
    session.flush()
    announce(session, InServiceDateMoved(satellite, before or to))


def reach_milestone(session: Session, reached: ReachedMilestone, by: Principal) -> SatelliteMilestone:
    """Move a satellite along its life. Entering service releases what waited for it.

    Raises `Refused` when there is no such satellite, `WrongState` when its life has no such move.
    """
    satellite = satellite_named(session, reached.satellite.id)
    awaited, today = satellite.state in BEFORE_SERVICE, now().date()
    if satellite.state is reached.state:
        raise WrongState("/state", f"{satellite.name} is {satellite.state} already", "unchanged", "another state")
    move(satellite, reached.state)
    milestone = SatelliteMilestone(
        party_id=satellite.party_id,
        satellite=reference(satellite.id, "Satellite", satellite.href, satellite.name),
        satellite_id=satellite.id,
        state=reached.state,
        reached_on=today,
        reason=reached.reason,
        recorded_by=by.name,
    )
    session.add(milestone)
    session.flush()
    if awaited and satellite.state in CARRIES_TRAFFIC and satellite.in_service_date != today:
        _redate(session, satellite, today)
    if awaited:
        _tell_the_end(session, satellite)
    return milestone


def follow_correction(session: Session, satellite: Satellite, day: date | None, state: SatelliteState) -> None:
    """The inventory was corrected; `day` and `state` are what it said before. Others follow as they do a decision."""
    if state not in BEFORE_SERVICE:
        return
    if day is not None and satellite.in_service_date not in (day, None):
        announce(session, InServiceDateMoved(satellite, day))
    _tell_the_end(session, satellite)


def _tell_the_end(session: Session, satellite: Satellite) -> None:
    """Of the wait for it, once it is over."""
    if satellite.state in CARRIES_TRAFFIC:
        announce(session, SatelliteEnteredService(satellite))
    elif satellite.state not in BEFORE_SERVICE:
        announce(session, SatelliteLost(satellite))


milestone_routes = TmfRoutes(SatelliteMilestone)
milestone_routes.post(reach_milestone, may=Capability.PLAN_FLEET, reads=ReachedMilestone)
