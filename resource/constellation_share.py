"""Constellation shares: what of a constellation's beams and gateways is kept for whom.

Satellites pass, so no transponder can be sold. What can is a place on the ground: it is divided into cells of the size
of a beam, and whichever satellite is overhead lights a cell with one beam. All sites of a cell share that beam,
and all sites of the constellation the feeder links of the gateways. A service takes a share of its cell, and of every
gateway that may serve it, since each of them will at some time carry all of it.
That no cell and no gateway is ever oversold is promised by the database, which checks it under the constellation's
lock, not by this module. Which satellite serves when is `resource.passes`; the ports at the hubs are `resource.hub`.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from sqlalchemy import DDL, CheckConstraint, ColumnElement, event
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import HERTZ, id_type
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.resource.constellation import Constellation
from satcom.resource.ground import EarthStation
from satcom.resource.hold import (
    Hold,
    HoldState,
    Owner,
    Period,
    check_until,
    fullest,
    keep,
    lock_for_holding,
    to_run_out,
)
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.resource import IdText, pointer
from satcom.resource.spectrum_pieces import megahertz

MERIDIAN_KM: Final = math.pi * 6371.0088  # from pole to pole, on the sphere of the Earth's mean radius (IUGG)
GUARD: Final = "constellation_is_never_oversold"

# Whoever writes a share has the constellation to himself until he commits; then the sum he sees is the sum there is.
NEVER_OVERSOLD = (
    """
CREATE FUNCTION constellation_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole constellation;
    forward_limit_hz bigint;
    return_limit_hz bigint;
    fullest record;
BEGIN
    SELECT * INTO STRICT whole FROM constellation WHERE id = NEW.constellation_id FOR UPDATE;
    IF NEW.cell IS NOT NULL THEN
        forward_limit_hz := (whole.forward ->> 'bandwidthHz')::bigint;
        return_limit_hz := (whole.return_link ->> 'bandwidthHz')::bigint;
    ELSE
        SELECT (gateway ->> 'feederBandwidthHz')::bigint INTO forward_limit_hz
        FROM jsonb_array_elements(whole.gateways) gateway
        WHERE (gateway ->> 'earthStationId')::uuid = NEW.earth_station_id;
        return_limit_hz := forward_limit_hz;
    END IF;
    IF forward_limit_hz IS NULL THEN
        RETURN NULL;
    END IF;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, forward_hz, return_hz FROM constellation_share
        WHERE constellation_id = NEW.constellation_id AND state <> 'released'
        AND (cell = NEW.cell OR earth_station_id = NEW.earth_station_id)
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
    ), step AS (
        SELECT at, sum(forward) AS forward, sum(back) AS back FROM (
            SELECT start_at AS at, forward_hz AS forward, return_hz AS back FROM counted
            UNION ALL SELECT stop_at, -forward_hz, -return_hz FROM counted WHERE stop_at IS NOT NULL
        ) change GROUP BY at
    ), level AS (
        SELECT sum(forward) OVER (ORDER BY at) AS forward, sum(back) OVER (ORDER BY at) AS back FROM step
    )
    SELECT max(forward) AS forward, max(back) AS back INTO fullest FROM level;
    IF fullest.forward > forward_limit_hz OR fullest.back > return_limit_hz THEN
        RAISE EXCEPTION 'constellation_is_never_oversold: %', whole.name USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE TRIGGER constellation_is_never_oversold AFTER INSERT OR UPDATE ON constellation_share
FOR EACH ROW WHEN (NEW.state <> 'released') EXECUTE FUNCTION constellation_is_never_oversold()
""",
)


class ConstellationShare(Hold, table=True):
    """What one service takes of the beam of one cell, or of the feeder links of one gateway."""

    __tablename__ = "constellation_share"
    __table_args__ = (
        CheckConstraint("(cell IS NULL) <> (earth_station_id IS NULL)", name="constellation_share_is_of_one"),
        CheckConstraint(
            "forward_hz >= 0 AND return_hz >= 0 AND forward_hz + return_hz > 0", name="constellation_share_takes"
        ),
        CheckConstraint("stop_at > start_at", name="constellation_share_has_time"),
        CheckConstraint("state <> 'held' OR hold_until IS NOT NULL", name="constellation_share_hold_ends"),
        to_run_out("constellation_shares_to_run_out", "constellation_id"),
    )

    constellation_id: Annotated[str, IdText] = Field(foreign_key="constellation.id", index=True, sa_type=id_type())
    cell: str | None = Field(default=None, max_length=20)
    earth_station_id: Annotated[str | None, IdText] = Field(
        default=None, foreign_key="earth_station.id", sa_type=id_type()
    )
    forward_hz: int = Field(ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    return_hz: int = Field(ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)


for statement in NEVER_OVERSOLD:
    event.listen(ConstellationShare.__table__, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[attr-defined, no-untyped-call]


@dataclass(frozen=True)
class WantedPassage:
    """What a service at a place takes of a constellation, and the gateways that may serve it."""

    constellation_id: str
    latitude_deg: float
    longitude_deg: float
    forward_hz: int
    return_hz: int
    earth_station_ids: tuple[str, ...]


@dataclass(frozen=True)
class Room:
    """What is left in each direction at the fullest instant of a period."""

    forward_hz: int
    return_hz: int


def cell_of(latitude_deg: float, longitude_deg: float, beam_diameter_km: float) -> str:
    """The cell of the ground that a place lies in, as "row/column", counted from the south pole and the date line.

    As many equal rows of latitude as fit from pole to pole with the height of a beam, and in each as many equal columns
    as fit round the parallel in its middle, at least one. Raises `Refused` on what is no place or no diameter.
    """
    if not -90 <= latitude_deg <= 90:
        raise Refused("latitudeDeg", f"{latitude_deg} is no latitude", "invalid", "-90 to 90 degrees")
    if not -180 <= longitude_deg <= 180:
        raise Refused("longitudeDeg", f"{longitude_deg} is no longitude", "invalid", "-180 to 180 degrees")
    if not 0 < beam_diameter_km < math.inf:
        raise Refused("beamDiameterKm", f"{beam_diameter_km} is no diameter", "invalid", "more than 0 km")
    rows = _rows(beam_diameter_km)
    row = min(int((latitude_deg + 90) / 180 * rows), rows - 1)
    if abs(latitude_deg) == 90:  # all longitudes are one place
        return f"{row}/0"
    columns = _columns(row, rows, beam_diameter_km)
    column = min(int((longitude_deg + 180) % 360 / 360 * columns), columns - 1)
    return f"{row}/{column}"


def _rows(beam_diameter_km: float) -> int:
    return max(int(MERIDIAN_KM / beam_diameter_km), 1)


def _columns(row: int, rows: int, beam_diameter_km: float) -> int:
    parallel_km = 2 * MERIDIAN_KM * math.sin(math.pi * (row + 0.5) / rows)
    return max(int(parallel_km / beam_diameter_km), 1)


def lock_constellations(session: Session, identifiers: Iterable[str]) -> dict[str, Constellation]:
    """As `lock_for_holding`; after transponders, hubs and carrier pools."""
    return lock_for_holding(session, Constellation, ConstellationShare, "constellation_id", identifiers)


def room_in_cell(
    session: Session, constellation: Constellation, cell: str, period: Period, without: Sequence[str] = ()
) -> Room:
    """What is left of the beam of a cell. The holds `without` which it is asked take nothing. One statement."""
    counted = col(ConstellationShare.cell) == cell
    taken = _taken(session, constellation, col(ConstellationShare.cell), counted, period, without)
    limit_hz = (constellation.forward.bandwidth_hz, constellation.return_link.bandwidth_hz)
    return _left(limit_hz, taken.get(cell, (0, 0)))


def room_of_feeders(
    session: Session, constellation: Constellation, period: Period, without: Sequence[str] = ()
) -> dict[str, Room | None]:
    """What is left of each gateway's feeder links, by its earth station; `None`: they do not limit. One statement."""
    station = col(ConstellationShare.earth_station_id)
    taken = _taken(session, constellation, station, station.is_not(None), period, without)
    return {
        one.earth_station_id: _left((one.feeder_bandwidth_hz,) * 2, taken.get(one.earth_station_id, (0, 0)))
        if one.feeder_bandwidth_hz is not None
        else None
        for one in constellation.gateways
    }


def _taken(
    session: Session,
    constellation: Constellation,
    of: Mapped[str | None],
    which: ColumnElement[bool],
    period: Period,
    without: Sequence[str],
) -> dict[str, Sequence[int]]:
    counted = ConstellationShare.in_force(period, now()) & which
    counted &= col(ConstellationShare.constellation_id) == constellation.id
    counted &= col(ConstellationShare.id).not_in(without)
    widths = [col(ConstellationShare.forward_hz), col(ConstellationShare.return_hz)]
    return dict(fullest(session, ConstellationShare, of, widths, counted, period))


def _left(limit_hz: Sequence[int], taken_hz: Sequence[int]) -> Room:
    return Room(*(max(limit - taken, 0) for limit, taken in zip(limit_hz, taken_hz, strict=True)))


def share_beams(
    session: Session,
    constellation: Constellation,
    wanted: WantedPassage,
    period: Period,
    owner: Owner,
    until: datetime,
    reservation_id: str | None = None,
    instead_of: Sequence[ConstellationShare] = (),
) -> list[ConstellationShare]:
    """Hold a share of the cell, and of each gateway, of a locked constellation until `until`; that of the cell first.

    What it is held `instead_of` is free to it, where that is of the same cell or gateway.

    Raises `RuleRefused`, holding nothing, on `forwardHz` or `returnHz`: `noBeamBandwidth` when too little of the cell's
    beam is left at some instant of the period, `noGatewayBandwidth` of a gateway; `Refused` on what cannot be wanted.
    """
    check_until(until)
    gateways = _gateways(constellation, wanted)
    cell = cell_of(wanted.latitude_deg, wanted.longitude_deg, constellation.beam_diameter_km)
    without, widths_hz = [one.id for one in instead_of], (wanted.forward_hz, wanted.return_hz)
    room = room_in_cell(session, constellation, cell, period, without)
    _check_room(*widths_hz, room, f"in cell {cell} of {constellation.name}, {period}", "noBeamBandwidth")
    feeders = room_of_feeders(session, constellation, period, without)
    names = _station_names(session, gateways)
    for gateway in gateways:
        if (left := feeders[gateway]) is not None:
            where = f"at {names[gateway]}, a gateway of {constellation.name}, {period}"
            _check_room(*widths_hz, left, where, "noGatewayBandwidth")
    old = {(one.constellation_id, one.cell or one.earth_station_id): one for one in instead_of}
    places: list[tuple[str | None, str | None]] = [(cell, None), *((None, one) for one in gateways)]
    shares = [
        ConstellationShare(
            name=f"{constellation.name} {f'cell {cell}' if station is None else names[station]},"
            f" {megahertz(wanted.forward_hz)} and {megahertz(wanted.return_hz)} MHz",
            constellation_id=constellation.id,
            cell=place,
            earth_station_id=station,
            forward_hz=wanted.forward_hz,
            return_hz=wanted.return_hz,
            start_at=period.start_at,
            stop_at=period.stop_at,
            illustrative=constellation.illustrative,
        )
        .held_for(owner, reservation_id, until)
        .after(old.get((constellation.id, place or station)))
        for place, station in places
    ]
    session.add_all(shares[1:])
    _keep(session, constellation, shares[0], "forwardHz")
    return shares


def take_over_constellation_share(session: Session, share: ConstellationShare) -> ConstellationShare:
    """Enter a share that a service has already. Raises `RuleRefused` when cell or gateway have no room for it."""
    constellation = lock_constellations(session, [share.constellation_id])[share.constellation_id]
    if share.state is HoldState.HELD and share.hold_until is None:
        raise Refused(pointer(ConstellationShare, "hold_until"), "a hold says until when", "missing")
    if (share.cell is None) == (share.earth_station_id is None):
        why = "a share is of one cell or of one gateway"
        raise Refused(pointer(ConstellationShare, "cell"), why, "invalid", "a cell, or an earth station")
    if share.cell is not None:
        _check_cell(constellation, share.cell)
        code = "noBeamBandwidth"
        left: Room | None = room_in_cell(session, constellation, share.cell, share.period, [share.id])
    else:
        feeders = room_of_feeders(session, constellation, share.period, [share.id])
        if share.earth_station_id not in feeders:
            where = pointer(ConstellationShare, "earth_station_id")
            raise Refused(where, f"it is no gateway of {constellation.name}", "notFound")
        left, code = feeders[share.earth_station_id], "noGatewayBandwidth"
    if left is not None and share.state is not HoldState.RELEASED:  # what was given back takes nothing
        where = f"in cell {share.cell}" if share.cell is not None else "at the gateway"
        _check_room(share.forward_hz, share.return_hz, left, f"{where} of {constellation.name}, {share.period}", code)
    return _keep(session, constellation, share, pointer(ConstellationShare, "forward_hz"))


def check_sold(session: Session, constellation: Constellation) -> None:
    """What was sold of a locked constellation still fits it, as it is to be. Raises `RuleRefused`."""
    period = Period(now())
    cell, station = col(ConstellationShare.cell), col(ConstellationShare.earth_station_id)
    cells = _taken(session, constellation, cell, cell.is_not(None), period, ())
    before = session.exec(
        select(Constellation.beam_diameter_km, Constellation.name, Constellation.gateways).where(
            Constellation.id == constellation.id
        )
    ).one_or_none()
    before_km = before[0] if before is not None else None
    if cells and before is not None and before[1] != constellation.name:
        why = "its satellites go by its name, and it is sold"
        raise RuleRefused(pointer(Constellation, "name"), why, "soldAlready", before[1])
    if cells and before_km is not None and before_km != constellation.beam_diameter_km:
        where = pointer(Constellation, "beam_diameter_km")
        why = f"cells of {before_km:g} km are sold, of which the ground would be divided anew"
        raise RuleRefused(where, why, "soldAlready", f"{before_km:g} km")
    for column, payload, number in (
        ("forward", constellation.forward, 0),
        ("return_link", constellation.return_link, 1),
    ):
        most_hz = max((taken[number] for taken in cells.values()), default=0)
        if most_hz > payload.bandwidth_hz:
            why = f"{megahertz(most_hz)} MHz of one beam are sold"
            raise RuleRefused(pointer(Constellation, column), why, "soldAlready", f"at least {most_hz} Hz")
    feeders = {one.earth_station_id: one.feeder_bandwidth_hz for one in constellation.gateways}
    hubs = {one.earth_station_id: one.hub_id for one in constellation.gateways}
    had = {one.earth_station_id: one.hub_id for one in (before[2] if before is not None else [])}
    for identifier, taken in _taken(session, constellation, station, station.is_not(None), period, ()).items():
        limit_hz, most_hz = feeders.get(identifier), max(taken)
        if identifier in hubs and had.get(identifier, hubs[identifier]) != hubs[identifier]:
            name = _station_names(session, [identifier])[identifier]
            why = f"ports of the hub at {name} are sold with it"
            raise RuleRefused(pointer(Constellation, "gateways"), why, "soldAlready", had[identifier])
        if identifier not in feeders or (limit_hz is not None and most_hz > limit_hz):
            why = f"{megahertz(most_hz)} MHz are sold through {_station_names(session, [identifier])[identifier]}"
            where = pointer(Constellation, "gateways")
            raise RuleRefused(where, why, "soldAlready", f"a gateway there with at least {most_hz} Hz")


def _gateways(constellation: Constellation, wanted: WantedPassage) -> list[str]:
    """The earth stations that are wanted, each once. Raises `Refused` on what a constellation cannot be asked for."""
    for field, width_hz in (("forwardHz", wanted.forward_hz), ("returnHz", wanted.return_hz)):
        if not 0 <= width_hz <= MAX_BANDWIDTH_HZ:
            raise Refused(field, f"{width_hz} Hz is no bandwidth", "invalid", f"0 to {MAX_BANDWIDTH_HZ} Hz")
    if wanted.forward_hz + wanted.return_hz == 0:
        raise Refused("forwardHz", "nothing is taken in either direction", "invalid", "more than 0 Hz")
    known = {one.earth_station_id for one in constellation.gateways}
    stations = list(dict.fromkeys(wanted.earth_station_ids))
    if not stations:
        raise Refused("earthStationIds", "no gateway is named", "missing", f"gateways of {constellation.name}")
    for one in stations:
        if one not in known:
            raise Refused("earthStationIds", f"{one!r} is no gateway of {constellation.name}", "notFound")
    return stations


def _station_names(session: Session, identifiers: Sequence[str]) -> dict[str, str]:
    query = select(EarthStation.id, EarthStation.name).where(col(EarthStation.id).in_(identifiers))
    return dict(session.exec(query).all())


def _check_room(forward_hz: int, return_hz: int, left: Room, where: str, code: str) -> None:
    """Raises `RuleRefused` with each direction that has too little."""
    directions = (
        ("forwardHz", forward_hz, left.forward_hz, "forward"),
        ("returnHz", return_hz, left.return_hz, "return"),
    )
    faults = [
        Fault(
            field,
            f"{megahertz(width_hz)} MHz {way} are not free {where}; {megahertz(left_hz)} MHz are left",
            code,
            f"at most {left_hz} Hz",
        )
        for field, width_hz, left_hz, way in directions
        if width_hz > left_hz
    ]
    if faults:
        raise RuleRefused.all(faults)


def _check_cell(constellation: Constellation, cell: str) -> None:
    """It is a cell of this constellation."""
    rows = _rows(constellation.beam_diameter_km)
    known = re.fullmatch(r"(0|[1-9]\d{0,5})/(0|[1-9]\d{0,5})", cell, re.ASCII)
    row, column = (int(one) for one in known.groups()) if known is not None else (rows, 0)
    if row >= rows or column >= _columns(row, rows, constellation.beam_diameter_km):
        why = f"{cell!r} is no cell of {constellation.name}"
        raise Refused(pointer(ConstellationShare, "cell"), why, "notFound", f"row 0 to {rows - 1}, and column")


def _keep(session: Session, constellation: Constellation, share: ConstellationShare, field: str) -> ConstellationShare:
    keep(session, share, GUARD, Fault(field, f"{constellation.name} has no room for it", "noBeamBandwidth"))
    return share
