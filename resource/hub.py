"""Hubs: how many dedicated links a hub can carry, for which satellites and bands, and who has which port when.

A port is taken by one link for its period; the lowest free one is given. That no port is given twice is promised by the
database. Configuring the hub is `resource.drivers`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CheckConstraint, bindparam, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field, Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.clock import now
from satcom.core.entity import JsonOf, id_type
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.resource.hold import (
    LINE,
    Hold,
    HoldState,
    Owner,
    Period,
    check_until,
    keep,
    lock_for_holding,
    release_run_out,
    to_run_out,
    when,
)
from satcom.resource.resource import PHYSICAL, Band, IdText, Resource, pointer

MAX_PORTS = 10_000


class Hub(Resource, table=True):
    """A hub at an earth station."""

    __tablename__ = "hub"
    api: ClassVar = PHYSICAL
    __table_args__ = (CheckConstraint("ports >= 0", name="ports_not_negative"),)

    earth_station_id: Annotated[str, IdText] = Field(foreign_key="earth_station.id", index=True, sa_type=id_type())
    ports: int = Field(ge=0, le=MAX_PORTS)
    satellite_ids: list[Annotated[str, IdText]] = Field(default_factory=list, sa_type=JsonOf(list[str]))
    bands: list[Band] = Field(default_factory=list, sa_type=JsonOf(list[Band]))


class HubPortAssignment(Hold, table=True):
    """A port of a hub, for one owner in one period."""

    __tablename__ = "hub_port_assignment"
    __table_args__ = (
        CheckConstraint("port_number >= 1", name="ports_count_from_one"),
        CheckConstraint("stop_at > start_at", name="port_has_time"),
        CheckConstraint("state <> 'held' OR hold_until IS NOT NULL", name="port_hold_ends"),
        to_run_out("ports_to_run_out", "hub_id"),
        ExcludeConstraint(
            (text("hub_id"), "="),
            (text("port_number"), "="),
            (text("tstzrange(start_at, stop_at)"), "&&"),
            (text(LINE), "<>"),
            where=text("state <> 'released'"),
            using="gist",
            name="port_is_given_once",
        ),
    )

    hub_id: Annotated[str, IdText] = Field(foreign_key="hub.id", index=True, sa_type=id_type())
    port_number: int = Field(ge=1, le=MAX_PORTS)

    @property
    def clashes(self) -> dict[str, Fault]:
        return {"port_is_given_once": Fault("hub", f"{self.name} is taken, {self.period}", "noHubPort")}


def lock_hubs(session: Session, identifiers: Iterable[str]) -> dict[str, Hub]:
    """As `lock_for_holding`, after the transponders; what ran out there is released."""
    locked = lock_for_holding(session, Hub, identifiers)
    release_run_out(session, HubPortAssignment, "hub_id", locked)
    return locked


def lowest_free_port(ports: int, taken: Iterable[int]) -> int | None:
    """The lowest number from 1 to `ports` that is not taken."""
    used = set(taken)
    return next((number for number in range(1, ports + 1) if number not in used), None)


def find_port(
    session: Session,
    hub: Hub,
    period: Period,
    owner: Owner,
    until: datetime,
    reservation_id: str | None = None,
    instead_of: HubPortAssignment | None = None,
) -> HubPortAssignment:
    """The lowest port of a locked hub that is free for the whole period; on the same hub, that of `instead_of`.

    It is to be held until `until`; nothing is written. Raises `RuleRefused` on `hub` (`noHubPort`).
    """
    check_until(until)
    if instead_of is not None and instead_of.hub_id == hub.id:
        number: int | None = instead_of.port_number
    else:
        number = lowest_free_port(hub.ports, session.exec(_taken(), params={"hub": hub.id, **when(period)}))
    if number is None:
        raise RuleRefused("hub", f"none of the {hub.ports} ports of {hub.name} is free, {period}", "noHubPort")
    return HubPortAssignment(
        name=f"{hub.name} port {number}",
        hub_id=hub.id,
        port_number=number,
        start_at=period.start_at,
        stop_at=period.stop_at,
        illustrative=hub.illustrative,
    ).held_for(owner, reservation_id, until, instead_of)


@cache
def _taken() -> SelectOfScalar[int]:
    """The ports of a hub that are taken in a period."""
    there = col(HubPortAssignment.hub_id) == bindparam("hub")
    return select(HubPortAssignment.port_number).where(there, HubPortAssignment.in_force_as_asked())


def take_over_port(session: Session, port: HubPortAssignment) -> HubPortAssignment:
    """Enter a port that is in use already. Raises `RuleRefused` on `portNumber` when it is taken or not there."""
    hub = lock_hubs(session, [port.hub_id])[port.hub_id]
    where = pointer(HubPortAssignment, "port_number")
    if port.state is HoldState.HELD and port.hold_until is None:
        raise Refused(pointer(HubPortAssignment, "hold_until"), "a hold says until when", "missing")
    if port.port_number > hub.ports:
        raise RuleRefused(where, f"{hub.name} has no port {port.port_number}", "noHubPort", f"1 to {hub.ports}")
    keep(session, [port], where)
    return port


def free_ports(
    session: Session, hub_ids: Sequence[str], period: Period, without: Sequence[str] = ()
) -> NDArray[np.int64]:
    """How many ports of each hub are free for the whole period; shape (hubs,). One statement.

    The holds `without` which it is asked take nothing.
    """
    taken = (
        select(HubPortAssignment.hub_id, func.count(func.distinct(HubPortAssignment.port_number)).label("taken"))
        .where(HubPortAssignment.in_force(period, now()), col(HubPortAssignment.id).not_in(without))
        .group_by(col(HubPortAssignment.hub_id))
        .subquery()
    )
    query = (
        select(Hub.id, col(Hub.ports) - func.coalesce(taken.c.taken, 0))
        .outerjoin(taken, taken.c.hub_id == Hub.id)
        .where(col(Hub.id).in_(hub_ids))
    )
    free = dict(session.exec(query).all())
    return np.array([max(free.get(identifier, 0), 0) for identifier in hub_ids], dtype=np.int64)
