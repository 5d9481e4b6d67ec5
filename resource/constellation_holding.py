"""Holding shares of a constellation: of a cell and of each gateway together or of none, entered ones, and what is sold.

Everything is done under the lock of the constellation. What is left is `resource.constellation_share`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.resource.capacity_day import (
    DayTimes,
    gateway_places,
    least_of,
    read_day,
    slot_shown,
    slots_through,
    times_of,
)
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_share import (
    ConstellationShare,
    FeederRoom,
    LitBy,
    Room,
    cells_lit,
    room_in_cell,
    room_of_feeders,
)
from satcom.resource.ground import EarthStation
from satcom.resource.ground_cell import cell_of, check_cell
from satcom.resource.hold import HoldState, Owner, Period, check_until, keep, lock_for_holding, release_run_out
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.resource import pointer
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum_pieces import megahertz


@dataclass(frozen=True)
class WantedPassage:
    """What a service at a place takes of a constellation, and the gateways that may serve it."""

    constellation_id: str
    latitude_deg: float
    longitude_deg: float
    forward_hz: int
    return_hz: int
    earth_station_ids: tuple[str, ...]


def lock_constellations(session: Session, identifiers: Iterable[str]) -> dict[str, Constellation]:
    """As `lock_for_holding`, after transponders, hubs and carrier pools; what ran out there is released."""
    locked = lock_for_holding(session, Constellation, identifiers)
    release_run_out(session, ConstellationShare, "constellation_id", locked)
    return locked


def find_beams(
    session: Session,
    constellation: Constellation,
    wanted: WantedPassage,
    period: Period,
    owner: Owner,
    until: datetime,
    reservation_id: str | None = None,
    instead_of: Sequence[ConstellationShare] = (),
) -> list[ConstellationShare]:
    """Shares of the cell, and of each gateway, of a locked constellation, to be held until `until`; the cell's first.

    Nothing is written. What they are held `instead_of` is free to them, where that is of the same cell or gateway.

    Raises `RuleRefused` on `forwardHz` or `returnHz`: `noBeamBandwidth` when too little of the cell's
    beam is left at some instant of the period, `noGatewayBandwidth` of a gateway; on `latitudeDeg` `noSatelliteBeam`
    when a satellite that would light the cell has no beam left; `Refused` on what cannot be wanted.
    """
    check_until(until)
    gateways = _gateways(constellation, wanted)
    cell = cell_of(wanted.latitude_deg, wanted.longitude_deg, constellation.beam_diameter_km)
    times = _times(session, constellation, wanted, gateways)
    names = station_names(session, gateways)
    without = [one.id for one in instead_of]
    old = {one.cell or one.earth_station_id: one for one in instead_of if one.constellation_id == constellation.id}
    _check_cell_has_room(session, constellation, cell, wanted, period, without)
    _check_feeders_have_room(session, constellation, times, wanted, names, period, without)
    if times is not None:
        _check_beams(session, constellation, cell, times, period, without)
    return [
        ConstellationShare(
            name=f"{constellation.name} {f'cell {cell}' if station is None else names[station]},"
            f" {megahertz(wanted.forward_hz)} and {megahertz(wanted.return_hz)} MHz",
            constellation_id=constellation.id,
            cell=cell if station is None else None,
            earth_station_id=station,
            forward_hz=wanted.forward_hz,
            return_hz=wanted.return_hz,
            latitude_deg=wanted.latitude_deg if station is None else None,
            longitude_deg=wanted.longitude_deg if station is None else None,
            start_at=period.start_at,
            stop_at=period.stop_at,
            day_slots=slots_through(times, station) if station is not None else None,
            lit_by=lit_by(times) if station is None else [],
            illustrative=constellation.illustrative,
        ).held_for(owner, reservation_id, until, old.get(station or cell))
        for station in (None, *gateways)
    ]


def lit_by(times: DayTimes | None) -> list[LitBy]:
    """Who lights the cell of a service when, as its share of it tells."""
    if times is None:
        return []
    return [LitBy(satellite_id=one, slots=slots) for one, slots in sorted(times.carried_by.items())]


def plan_passage(session: Session, wanted: WantedPassage) -> None:
    """Plan the capacity day of what is wanted before it is locked: who then holds it finds the plan made."""
    constellation = session.get(Constellation, wanted.constellation_id)
    day = read_day(session, constellation) if constellation is not None else None
    if day is not None and wanted.earth_station_ids:
        places = gateway_places(session, wanted.earth_station_ids)
        times_of(day, wanted.latitude_deg, wanted.longitude_deg, places)


def _times(
    session: Session, constellation: Constellation, wanted: WantedPassage, gateways: Sequence[str]
) -> DayTimes | None:
    day = read_day(session, constellation)
    if day is not None:
        return times_of(day, wanted.latitude_deg, wanted.longitude_deg, gateway_places(session, gateways))
    if constellation.beams_per_satellite is not None:
        why = f"the capacity day of {constellation.name} cannot be planned: of somebody who flies no elements are near"
        raise RuleRefused("constellationId", why, "noElements", "elements of that day, or another capacity day")
    return None


def _check_cell_has_room(
    session: Session,
    constellation: Constellation,
    cell: str,
    wanted: WantedPassage,
    period: Period,
    without: Sequence[str],
) -> None:
    room = room_in_cell(session, constellation, cell, period, without)
    where = f"in cell {cell} of {constellation.name}, {period}"
    _check_room(wanted.forward_hz, wanted.return_hz, room, where, "noBeamBandwidth")


def _check_feeders_have_room(
    session: Session,
    constellation: Constellation,
    times: DayTimes | None,
    wanted: WantedPassage,
    names: dict[str, str],
    period: Period,
    without: Sequence[str],
) -> None:
    feeders = room_of_feeders(session, constellation, period, without)
    for station_id, name in names.items():
        if (room := feeders[station_id]) is not None:
            where = f"at {name}, a gateway of {constellation.name}, {period}"
            slots = slots_through(times, station_id)
            _check_feeder(wanted.forward_hz, wanted.return_hz, room, slots, where)


def _check_feeder(forward_hz: int, return_hz: int, room: FeederRoom, slots: Sequence[int] | None, where: str) -> None:
    """Raises `RuleRefused` with each direction that has too little, and when."""
    (left_forward_hz, forward_at), (left_return_hz, return_at) = (
        least_of(room.forward_hz, slots),
        least_of(room.return_hz, slots),
    )
    full_at = forward_at if forward_hz > left_forward_hz else return_at
    when = "" if full_at is None else f", at {slot_shown(full_at)} of the capacity day"
    _check_room(forward_hz, return_hz, Room(left_forward_hz, left_return_hz), where + when, "noGatewayBandwidth")


def _check_beams(
    session: Session,
    constellation: Constellation,
    cell: str,
    times: DayTimes,
    period: Period,
    without: Sequence[str],
) -> None:
    limit = constellation.beams_per_satellite
    if limit is None:
        return
    lit = cells_lit(session, constellation, cell, period, without)
    for satellite_id, slots in times.carried_by.items():
        full = [slot for slot in slots if satellite_id in lit and lit[satellite_id][slot] >= limit]
        if full:
            name = session.exec(select(Satellite.name).where(Satellite.id == satellite_id)).first()
            why = f"{name} lights {limit} other cells at {slot_shown(full[0])} of the capacity day, {period}"
            raise RuleRefused("latitudeDeg", f"{why}: all beams that it has", "noSatelliteBeam", "a cell that is lit")


def take_over_constellation_share(session: Session, share: ConstellationShare) -> ConstellationShare:
    """Enter a share that a service has already. Raises `RuleRefused` when cell or gateway have no room for it."""
    constellation = lock_constellations(session, [share.constellation_id])[share.constellation_id]
    if share.state is HoldState.HELD and share.hold_until is None:
        raise Refused(pointer(ConstellationShare, "hold_until"), "a hold says until when", "missing")
    if (share.cell is None) == (share.earth_station_id is None):
        why = "a share is of one cell or of one gateway"
        raise Refused(pointer(ConstellationShare, "cell"), why, "invalid", "a cell, or an earth station")
    _check_times(constellation, share)
    if share.cell is not None:
        where = f"in cell {share.cell} of {constellation.name}, {share.period}"
        check_cell(pointer(ConstellationShare, "cell"), share.cell, constellation.beam_diameter_km, constellation.name)
        room = room_in_cell(session, constellation, share.cell, share.period, [share.id])
        if share.state is not HoldState.RELEASED:  # what was given back takes nothing
            _check_room(share.forward_hz, share.return_hz, room, where, "noBeamBandwidth")
    else:
        where = f"at the gateway of {constellation.name}, {share.period}"
        feeders = room_of_feeders(session, constellation, share.period, [share.id])
        if share.earth_station_id not in feeders:
            field = pointer(ConstellationShare, "earth_station_id")
            raise Refused(field, f"it is no gateway of {constellation.name}", "notFound")
        left = feeders[share.earth_station_id]
        if left is not None and share.state is not HoldState.RELEASED:
            _check_feeder(share.forward_hz, share.return_hz, left, share.day_slots, where)
    keep(session, [share], pointer(ConstellationShare, "forward_hz"))
    return share


def _check_times(constellation: Constellation, share: ConstellationShare) -> None:
    """Slots are those of a capacity day and a gateway; who lights it, a cell's share tells. Raises `Refused`."""
    for column, wrong in (("day_slots", share.cell is not None), ("lit_by", share.cell is None)):
        if not getattr(share, column):
            continue
        where = pointer(ConstellationShare, column)
        if constellation.capacity_day is None:
            raise Refused(where, f"{constellation.name} has no capacity day", "invalid", "nothing")
        if wrong:
            raise Refused(where, "it is of the other kind of share", "invalid", "nothing")
    if share.day_slots is not None and sorted(set(share.day_slots)) != share.day_slots:
        raise Refused(pointer(ConstellationShare, "day_slots"), "slots are told once and in order", "invalid")
    if share.latitude_deg is None or share.longitude_deg is None:
        return
    if cell_of(share.latitude_deg, share.longitude_deg, constellation.beam_diameter_km) != share.cell:
        raise Refused(pointer(ConstellationShare, "latitude_deg"), "the place is not in the cell", "invalid")


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


def station_names(session: Session, identifiers: Sequence[str]) -> dict[str, str]:
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
