"""Constellation shares: what of a constellation's beams and gateways is kept for whom, and what is left.

Satellites pass, so no transponder can be sold. What can is a place on the ground: it is divided into cells of the size
of a beam, and whichever satellite is overhead lights a cell with one beam. All sites of a cell share that beam,
and all sites of the constellation the feeder links of the gateways. A service takes a share of its cell, and of every
gateway that may serve it: at the times of the capacity day at which it goes through it, without such a day all the
time, since each of them will at some time carry all of it. A cell is lit by the satellites of these times.
That nothing is ever oversold the database promises (`resource.constellation_guard`). Holding is
`resource.constellation_holding`; which satellite serves when, `resource.passes`; the ports at the hubs, `resource.hub`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field as ValueField
from sqlalchemy import DDL, CheckConstraint, ColumnElement, Index, event
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, col, func

from satcom.core.clock import now
from satcom.core.entity import HERTZ, INSTANT, JsonOf, id_type
from satcom.core.errors import Fault
from satcom.core.values import Value
from satcom.resource.capacity_day import SLOTS
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_guard import GUARD, NEVER_OVERSOLD
from satcom.resource.hold import Hold, Period, fullest, to_run_out, when
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.resource import IdText

_SLOTS = ARRAY(sa.SmallInteger)
Slot = Annotated[int, ValueField(ge=0, lt=SLOTS)]


class LitBy(Value):
    """A satellite, and in which slots of the capacity day it lights the cell."""

    satellite_id: Annotated[str, IdText]
    slots: tuple[Slot, ...]


class ConstellationShare(Hold, table=True):
    """What one service takes of the beam of one cell, or of the feeder links of one gateway.

    Of a gateway in the `day_slots` of the capacity day, `None`: all the time. A cell's share tells where in it the site
    lies, and which satellites light it when.
    """

    __tablename__ = "constellation_share"
    __table_args__ = (
        CheckConstraint("(cell IS NULL) <> (earth_station_id IS NULL)", name="constellation_share_is_of_one"),
        CheckConstraint(
            "forward_hz >= 0 AND return_hz >= 0 AND forward_hz + return_hz > 0", name="constellation_share_takes"
        ),
        CheckConstraint("stop_at > start_at", name="constellation_share_has_time"),
        CheckConstraint("state <> 'held' OR hold_until IS NOT NULL", name="constellation_share_hold_ends"),
        CheckConstraint(
            "day_slots IS NULL OR (cell IS NULL AND cardinality(day_slots) > 0)", name="constellation_share_of_slots"
        ),
        CheckConstraint("cell IS NOT NULL OR lit_by = '[]'", name="constellation_share_lights_its_cell"),
        to_run_out("constellation_shares_to_run_out", "constellation_id"),
        Index(
            "constellation_shares_in_force",
            "constellation_id",
            sa.text("tstzrange(start_at, stop_at)"),
            postgresql_using="gist",
            postgresql_where=sa.text("state <> 'released'"),
        ),
    )

    constellation_id: Annotated[str, IdText] = Field(foreign_key="constellation.id", index=True, sa_type=id_type())
    cell: str | None = Field(default=None, max_length=20)
    earth_station_id: Annotated[str | None, IdText] = Field(
        default=None, foreign_key="earth_station.id", sa_type=id_type()
    )
    forward_hz: int = Field(ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    return_hz: int = Field(ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    latitude_deg: float | None = Field(default=None, ge=-90, le=90)
    longitude_deg: float | None = Field(default=None, ge=-180, le=180)
    day_slots: list[Slot] | None = Field(default=None, min_length=1, max_length=SLOTS, sa_type=_SLOTS)
    lit_by: list[LitBy] = Field(default_factory=list, sa_type=JsonOf(list[LitBy]))

    @property
    def clashes(self) -> dict[str, Fault]:
        return {GUARD: Fault("forwardHz", f"there is no room for {self.name}", "noBeamBandwidth")}


for statement in NEVER_OVERSOLD:
    event.listen(ConstellationShare.__table__, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[attr-defined, no-untyped-call]


@dataclass(frozen=True)
class Room:
    """What is left in each direction at the fullest instant of a period."""

    forward_hz: int
    return_hz: int


@dataclass(frozen=True)
class FeederRoom:
    """What is left of a gateway's feeder links: in each slot of the capacity day, or one number for all the time."""

    forward_hz: tuple[int, ...]
    return_hz: tuple[int, ...]


def room_in_cell(
    session: Session, constellation: Constellation, cell: str, period: Period, without: Sequence[str] = ()
) -> Room:
    """What is left of the beam of a cell. The holds `without` which it is asked take nothing. One statement."""
    of = col(ConstellationShare.cell)
    taken = most_taken(session, constellation, of, of == cell, period, without)
    limit_hz = (constellation.forward.bandwidth_hz, constellation.return_link.bandwidth_hz)
    left = (max(limit - used, 0) for limit, used in zip(limit_hz, taken.get(cell, (0, 0)), strict=True))
    return Room(*left)


def room_of_feeders(
    session: Session, constellation: Constellation, period: Period, without: Sequence[str] = ()
) -> dict[str, FeederRoom | None]:
    """What is left of each gateway's feeder links, by its earth station; `None`: they do not limit. One statement."""
    taken = taken_of_feeders(session, constellation, period, without)
    slots = slots_of(constellation)

    def left(station_id: str, limit_hz: int, direction: int) -> tuple[int, ...]:
        used = taken.get(station_id, {})
        return tuple(max(limit_hz - used.get(slot, (0, 0))[direction], 0) for slot in slots)

    return {
        one.earth_station_id: None
        if one.feeder_bandwidth_hz is None
        else FeederRoom(*(left(one.earth_station_id, one.feeder_bandwidth_hz, direction) for direction in (0, 1)))
        for one in constellation.gateways
    }


def slots_of(constellation: Constellation) -> range:
    """The slots by which its gateways are counted."""
    return range(1) if constellation.capacity_day is None else range(SLOTS)


def taken_of_feeders(
    session: Session, constellation: Constellation, period: Period, without: Sequence[str] = ()
) -> dict[str, dict[int, Sequence[int]]]:
    """What is taken of each gateway in each slot at the fullest instant of a period, both ways. One statement."""
    asked = {
        "constellation": constellation.id,
        "every": list(slots_of(constellation)),
        "by_time": constellation.capacity_day is not None,
        "start_at": period.start_at,
        "stop_at": period.stop_at,
        "now": now(),
        "without": list(without),
    }
    found: dict[str, dict[int, Sequence[int]]] = {}
    for station_id, slot, *taken in session.connection().execute(_TAKEN_OF_FEEDERS, asked):
        found.setdefault(str(station_id), {})[slot] = [int(one) for one in taken]
    return found


# as the guard counts: what is alike in time is added up first, and what ends after the last start does not matter
_TAKEN_OF_FEEDERS = sa.text(
    "WITH counted AS (SELECT earth_station_id, forward_hz, return_hz,"
    " greatest(start_at, :start_at) AS start_at, stop_at,"
    " CASE WHEN :by_time THEN COALESCE(day_slots, :every) ELSE :every END AS slots FROM constellation_share"
    " WHERE constellation_id = :constellation AND earth_station_id IS NOT NULL AND id <> ALL(:without)"
    " AND (state = 'assigned' OR state = 'held' AND hold_until > :now)"
    " AND (stop_at IS NULL OR stop_at > :start_at) AND (start_at < :stop_at) IS NOT FALSE),"
    " change AS (SELECT earth_station_id, slots, start_at AS at, sum(forward_hz) AS forward, sum(return_hz) AS back"
    " FROM counted GROUP BY 1, 2, 3 UNION ALL"
    " SELECT earth_station_id, slots, stop_at, -sum(forward_hz), -sum(return_hz) FROM counted"
    " WHERE stop_at <= (SELECT max(start_at) FROM counted) GROUP BY 1, 2, 3),"
    " step AS (SELECT earth_station_id, slot, at, sum(forward) AS forward, sum(back) AS back"
    " FROM change CROSS JOIN unnest(slots) slot GROUP BY 1, 2, 3),"
    " level AS (SELECT earth_station_id, slot, sum(forward) OVER steps AS forward, sum(back) OVER steps AS back"
    " FROM step WINDOW steps AS (PARTITION BY earth_station_id, slot ORDER BY at))"
    " SELECT earth_station_id, slot, max(forward), max(back) FROM level GROUP BY 1, 2"
).bindparams(
    sa.bindparam("constellation", type_=id_type()),
    sa.bindparam("every", type_=_SLOTS),
    sa.bindparam("without", type_=ARRAY(id_type())),
    sa.bindparam("start_at", type_=INSTANT),
    sa.bindparam("stop_at", type_=INSTANT),
)


def most_taken(
    session: Session,
    constellation: Constellation,
    of: ColumnElement[Any] | Mapped[Any],
    which: ColumnElement[bool],
    period: Period,
    without: Sequence[str],
) -> dict[str, Sequence[int]]:
    """What is taken `of` each at the fullest instant of a period, forward and return, by shares that are `which`."""
    counted = ConstellationShare.in_force_as_asked() & which
    counted &= col(ConstellationShare.constellation_id) == constellation.id
    counted &= col(ConstellationShare.id).not_in(without)
    widths = [col(ConstellationShare.forward_hz), col(ConstellationShare.return_hz)]
    rows = session.connection().execute(fullest(ConstellationShare, of, widths, counted), when(period))
    return {str(key): [int(one) for one in most] for key, *most in rows}


def cells_lit(
    session: Session, constellation: Constellation, cell: str, period: Period, without: Sequence[str] = ()
) -> dict[str, tuple[int, ...]]:
    """How many cells but this one each satellite lights, by slot of the capacity day, when most are sold in a period.

    Nothing where beams do not limit, or nobody lights anything. One statement.
    """
    if constellation.beams_per_satellite is None or constellation.capacity_day is None:
        return {}
    counted = ConstellationShare.in_force(period, now()) & (col(ConstellationShare.cell) != cell)
    counted &= col(ConstellationShare.constellation_id) == constellation.id
    counted &= col(ConstellationShare.id).not_in(without)
    begins_at = func.greatest(col(ConstellationShare.start_at), period.start_at).label("begins_at")
    columns = [col(one) for one in (ConstellationShare.stop_at, ConstellationShare.cell, ConstellationShare.lit_by)]
    shares = sa.select(begins_at, *columns).where(counted).cte("shares")
    step = sa.select(shares.c.begins_at.label("at")).distinct().subquery("step")
    then = (shares.c.begins_at <= step.c.at) & (shares.c.stop_at.is_(None) | (step.c.at < shares.c.stop_at))
    by = func.jsonb_array_elements(shares.c.lit_by).table_valued(sa.column("value", JSONB)).lateral("by")
    each = func.jsonb_array_elements_text(by.c.value["slots"]).table_valued("value").lateral("each")
    satellite, slot = by.c.value["satelliteId"].astext, sa.cast(each.c.value, sa.Integer)
    whole = shares.join(step, then).join(by, sa.true()).join(each, sa.true())
    cells = func.count(shares.c.cell.distinct()).label("cells")
    lit = (
        sa.select(satellite.label("satellite"), slot.label("slot"), cells)
        .select_from(whole)
        .group_by(step.c.at, satellite, slot)
        .subquery("lit")
    )
    most = sa.select(lit.c.satellite, lit.c.slot, func.max(lit.c.cells)).group_by(lit.c.satellite, lit.c.slot)
    found: dict[str, list[int]] = {}
    for satellite_id, at_slot, count in session.connection().execute(most):
        found.setdefault(satellite_id, [0] * SLOTS)[at_slot] = count
    return {key: tuple(counts) for key, counts in found.items()}
