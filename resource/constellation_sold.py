"""What is sold of a constellation when its declaration changes: it must still fit, and is planned on the day anew."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.errors import RuleRefused
from satcom.core.values import Json
from satcom.resource.capacity_day import (
    CapacityDay,
    DayTimes,
    GatewayPlace,
    gateway_places,
    read_day,
    slot_shown,
    slots_through,
    times_of,
)
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_guard import GUARD
from satcom.resource.constellation_holding import lit_by, station_names
from satcom.resource.constellation_share import ConstellationShare, most_taken, taken_of_feeders
from satcom.resource.ground_cell import middle_of
from satcom.resource.hold import Period
from satcom.resource.resource import pointer
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum_pieces import megahertz

PLANNED_BY = ("capacity_day", "beams_per_satellite", "handover_rule", "lowest_elevation_deg")
# in one statement, since after each the database looks at all that is sold; it follows from what the log has
_AT_TIMES = text(
    "UPDATE constellation_share SET lit_by = told.lit_by, day_slots = (SELECT array_agg(slot::smallint ORDER BY"
    " slot::smallint) FROM jsonb_array_elements_text(told.day_slots) slot)"
    " FROM jsonb_to_recordset(:rows) AS told (id uuid, day_slots jsonb, lit_by jsonb)"
    " WHERE constellation_share.id = told.id"
).bindparams(bindparam("rows", type_=JSONB))


def check_sold(session: Session, constellation: Constellation) -> None:
    """What was sold of a locked constellation still fits it, as it is to be. Raises `RuleRefused`."""
    kept = (Constellation.beam_diameter_km, Constellation.name, Constellation.gateways)
    before = session.exec(select(*kept).where(Constellation.id == constellation.id)).one_or_none()
    if before is None:
        return
    before_km, name, gateways = before
    cells = col(ConstellationShare.cell)
    sold = most_taken(session, constellation, cells, cells.is_not(None), Period(now()), ())
    _check_cells(constellation, sold, before_km, name)
    _check_gateways(session, constellation, {one.earth_station_id: one.hub_id for one in gateways})


def _check_cells(constellation: Constellation, sold: dict[str, Sequence[int]], before_km: float, name: str) -> None:
    if sold and name != constellation.name:
        why = "its satellites go by its name, and it is sold"
        raise RuleRefused(pointer(Constellation, "name"), why, "soldAlready", name)
    if sold and before_km != constellation.beam_diameter_km:
        where = pointer(Constellation, "beam_diameter_km")
        why = f"cells of {before_km:g} km are sold, of which the ground would be divided anew"
        raise RuleRefused(where, why, "soldAlready", f"{before_km:g} km")
    for number, (column, payload) in enumerate(
        (("forward", constellation.forward), ("return_link", constellation.return_link))
    ):
        most_hz = max((taken[number] for taken in sold.values()), default=0)
        if most_hz > payload.bandwidth_hz:
            why = f"{megahertz(most_hz)} MHz of one beam are sold"
            raise RuleRefused(pointer(Constellation, column), why, "soldAlready", f"at least {most_hz} Hz")


def _check_gateways(session: Session, constellation: Constellation, had: dict[str, str]) -> None:
    where = pointer(Constellation, "gateways")
    feeders = {one.earth_station_id: one.feeder_bandwidth_hz for one in constellation.gateways}
    hubs = {one.earth_station_id: one.hub_id for one in constellation.gateways}
    for identifier, by_slot in taken_of_feeders(session, constellation, Period(now())).items():
        limit_hz, most_hz = feeders.get(identifier), max(max(taken) for taken in by_slot.values())
        if identifier in hubs and had.get(identifier, hubs[identifier]) != hubs[identifier]:
            name = station_names(session, [identifier])[identifier]
            raise RuleRefused(where, f"ports of the hub at {name} are sold with it", "soldAlready", had[identifier])
        if identifier not in feeders or (limit_hz is not None and most_hz > limit_hz):
            why = f"{megahertz(most_hz)} MHz are sold through {station_names(session, [identifier])[identifier]}"
            raise RuleRefused(where, why, "soldAlready", f"a gateway there with at least {most_hz} Hz")


def planned_by(constellation: Constellation) -> tuple[Any, ...]:
    """What the times of all that is sold follow from."""
    return tuple(getattr(constellation, one) for one in PLANNED_BY)


def plan_anew(session: Session, constellation: Constellation) -> None:
    """Count all that is sold of a locked constellation by the times of its capacity day, as that now is declared.

    Raises `RuleRefused` on `capacityDay` when it does not fit then.
    """
    day = read_day(session, constellation)
    places = gateway_places(session, [one.earth_station_id for one in constellation.gateways])
    mine = col(ConstellationShare.constellation_id) == constellation.id
    sold: dict[str, list[ConstellationShare]] = {}
    for share in session.exec(
        select(ConstellationShare).where(mine, ConstellationShare.in_force(Period(now()), now()))
    ):
        sold.setdefault(share.reservation_id or share.id, []).append(share)
    rows = [row for shares in sold.values() for row in _planned(day, places, constellation.beam_diameter_km, shares)]
    try:
        with session.begin_nested():
            session.connection().execute(_AT_TIMES, {"rows": rows})
    except IntegrityError as error:
        if GUARD not in str(error.orig):
            raise
        raise _does_not_fit(session, error) from error
    for shares in sold.values():
        for share in shares:
            session.expire(share)


def _planned(
    day: CapacityDay | None, gateways: Sequence[GatewayPlace], beam_km: float, shares: Sequence[ConstellationShare]
) -> list[dict[str, Json]]:
    """When the shares of one service are taken. Those that were entered know nothing of each other."""
    cell = next((one for one in shares if one.cell is not None), None)
    if cell is None or cell.cell is None:
        return []
    through = {one.earth_station_id for one in shares if one.earth_station_id is not None}
    places = tuple(one for one in gateways if not through or one.id in through)
    at_site = cell.latitude_deg, cell.longitude_deg
    latitude_deg, longitude_deg = middle_of(cell.cell, beam_km) if None in at_site else at_site
    times = None if day is None else times_of(day, latitude_deg, longitude_deg, places)
    lit = lit_by(times)
    return [
        {
            "id": one.id,
            "day_slots": [*slots] if (slots := _through(times, one)) else None,
            "lit_by": [each.wire() for each in lit] if one.cell is not None else [],
        }
        for one in shares
    ]


def _through(times: DayTimes | None, one: ConstellationShare) -> list[int] | None:
    return None if one.earth_station_id is None else slots_through(times, one.earth_station_id)


def _does_not_fit(session: Session, error: IntegrityError) -> RuleRefused:
    """Where, and when, as the database says it."""
    told = getattr(getattr(error.orig, "diag", None), "message_detail", None) or ""
    if told.isdecimal():
        what = f"a gateway would have to carry more than it can at {slot_shown(int(told))}"
    else:
        name = session.exec(select(Satellite.name).where(Satellite.id == told)).first() if told else None
        what = f"{name} would have to light more cells than it has beams" if name else "a gateway would be too full"
    return RuleRefused(
        pointer(Constellation, "capacity_day"), f"what is sold does not fit it: {what}", "soldAlready", "another day"
    )
