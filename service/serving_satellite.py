"""Which satellite, beam and gateway carry a service at an instant: of the past, of now, or of the future.

Over a satellite that stands still the path of the inventory says so. Over a constellation it is planned for the day
(UTC) of the instant, with some hours before and after it, so that midnight cuts no leg: by the satellites that carry
traffic then, each with its newest set of before the instant, or else its first. What the operator takes no more for its
age is left out. Earth stations and rules are those of today.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from sqlmodel import Session, col, func, select

from satcom.core.change_log import Change
from satcom.core.clock import now
from satcom.core.database import network_view
from satcom.core.values import Json, instant_text, reference
from satcom.resource.capacity_day import BEYOND
from satcom.resource.constellation import Constellation
from satcom.resource.element_age import limit_days, why_too_old
from satcom.resource.ground import EarthStation
from satcom.resource.ground_cell import cell_of
from satcom.resource.hub import Hub
from satcom.resource.payload import Beam
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.orbit import Elements, element_age_days, look_angles
from satcom.resource.physics.passes import HandoverRule, ServicePlan, service_plan
from satcom.resource.resource import Resource
from satcom.resource.satellite import CARRIES_TRAFFIC, Satellite, elements_at
from satcom.service.design.passing_weather import LOWEST_ELEVATION_DEG
from satcom.service.inventory import Service, ServicePath, path_at
from satcom.service.service_place import ServicePlace, place_of

KEPT_PLANS: Final = 64


@dataclass(frozen=True)
class Station:
    """A gateway with what it sees from."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    mask_deg: float


@dataclass(frozen=True)
class Sky:
    """All that a day's plan follows from."""

    place: ServicePlace
    lowest_elevation_deg: float
    rule: HandoverRule
    start_at: datetime
    elements: tuple[Elements, ...]
    stations: tuple[Station, ...]


@dataclass(frozen=True)
class Passing:
    """A service over satellites that pass, at an instant: what is told of it without a plan, and what a plan needs."""

    told: dict[str, Json]
    at: datetime
    sky: Sky
    satellites: tuple[Json, ...]
    stations: tuple[Json, ...]


def path_told(session: Session, service: Service, at: datetime) -> dict[str, Json] | Passing:
    """Who carries a service at `at`, as it goes out; where nobody does, why. `carried` ends it over those that pass.

    Raises `RuleRefused` where the inventory does not say where the site is.
    """
    told: dict[str, Json] = {
        "service": reference(service.id, "Service", service.href, service.name).wire(),
        "at": instant_text(at),
    }
    path = path_at(session, service.id, at)
    if path is None:
        later = select(func.min(ServicePath.start_at)).where(
            ServicePath.service_id == service.id, col(ServicePath.start_at) > at
        )
        begins_at = session.exec(later).one()
        until: dict[str, Json] = {} if begins_at is None else {"until": instant_text(begins_at)}
        return told | {"carried": False, "reason": "noPath"} | until
    with network_view(session) as network:
        if path.constellation_id is None:
            return told | {"carried": True} | _standing(network, path)
        one = network.get_one(Constellation, path.constellation_id)
        place = place_of(service)
        cell: Json = {"cell": cell_of(place.latitude_deg, place.longitude_deg, one.beam_diameter_km)}
        return passing_at(
            network, one, path.gateway_ids, place, at, told | {"constellation": _named(one), "beam": [cell]}
        )


def _standing(network: Session, path: ServicePath) -> dict[str, Json]:
    """What the path says."""
    beams = network.exec(select(Beam).where(col(Beam.id).in_(path.beam_ids)).order_by(col(Beam.name)))
    told: dict[str, Json] = {"beam": [_named(one) for one in beams]}
    if path.satellite_id is not None:
        told["satellite"] = _named(network.get_one(Satellite, path.satellite_id))
    if path.earth_station_id is not None:
        told["earthStation"] = _named(network.get_one(EarthStation, path.earth_station_id))
    if path.hub_id is not None:
        told["hub"] = _named(network.get_one(Hub, path.hub_id))
    return told


def passing_at(
    network: Session,
    one: Constellation,
    gateway_ids: Sequence[str],
    place: ServicePlace,
    at: datetime,
    told: dict[str, Json],
) -> Passing:
    """What a plan of the day needs, and what is told without it."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    members = _carrying(network, one, at)
    elements = elements_at(network, at, [each.id for each in members])
    limit = limit_days(network)
    flown = [each for each in members if each.id in elements and why_too_old(elements[each.id], at, limit) is None]
    stations = _in_order_of_declaration(
        one, network.exec(select(EarthStation).where(col(EarthStation.id).in_(gateway_ids))).all()
    )
    seen_from = (_station(each) for each in stations)
    sky = Sky(
        place,
        one.lowest_elevation_deg,
        one.handover_rule,
        midnight - BEYOND,
        tuple(elements[each.id] for each in flown),
        tuple(seen_from),
    )
    return Passing(told, at, sky, tuple(_named(each) for each in flown), tuple(_named(each) for each in stations))


def _in_order_of_declaration(one: Constellation, stations: Sequence[EarthStation]) -> list[EarthStation]:
    """As a qualification takes them, so that of gateways that are equally good both choose the same.

    Those that the constellation declares no more come last.
    """
    place = {gateway.earth_station_id: number for number, gateway in reversed(list(enumerate(one.gateways)))}
    return sorted(stations, key=lambda each: (place.get(each.id, len(place)), each.id))


def _station(one: EarthStation) -> Station:
    mask_deg = max(one.horizon_mask_deg, LOWEST_ELEVATION_DEG)
    return Station(one.latitude_deg, one.longitude_deg, one.altitude_m, mask_deg)


def _carrying(network: Session, one: Constellation, at: datetime) -> list[Satellite]:
    """The satellites that carry traffic at `at`: by their dates, and of the past by the state that they had then."""
    of_it = func.lower(Satellite.constellation) == one.name.lower()
    members = network.exec(select(Satellite).where(of_it).order_by(col(Satellite.name))).all()
    states = {each.id: str(each.state) for each in members}
    if at < now():
        since = (
            select(Change.entity_id, Change.before)
            .where(col(Change.entity_id).in_(list(states)), Change.business_at > at)
            .order_by(col(Change.sequence).desc())
        )
        for identifier, before in network.exec(since):
            if before is not None and "state" in before:
                states[identifier] = str(before["state"])
    carries, day = {str(state) for state in CARRIES_TRAFFIC}, at.astimezone(UTC).date()
    return [
        each
        for each in members
        if states[each.id] in carries
        and (each.in_service_date is None or each.in_service_date <= day)
        and (each.end_of_life_date is None or day < each.end_of_life_date)
    ]


def carried(found: Passing) -> dict[str, Json]:
    """The leg of the day's plan that the instant lies in, or the gap. It asks no database."""
    sky, told = found.sky, found.told
    if not sky.elements or not sky.stations:
        return told | {"carried": False, "reason": "noElements" if not sky.elements else "noGateway"}
    plan, after_s = plan_of_day(sky), (found.at - sky.start_at).total_seconds()

    def moment(seconds: float) -> str:
        return instant_text(sky.start_at + timedelta(seconds=round(float(seconds), 1)))

    legs, gaps = plan.legs, plan.gaps
    serving = np.flatnonzero((legs.begin_s <= after_s) & (after_s < legs.end_s))
    within = np.flatnonzero((gaps.begin_s <= after_s) & (after_s < gaps.end_s))
    if len(within) and not len(serving):
        gap = int(within[0])
        return told | {"carried": False, "reason": plan.reasons[gap].value, "until": moment(gaps.end_s[gap])}
    # where a leg meets what follows, the digits of both may leave an instant to neither: the next leg has it
    leg = int(serving[0]) if len(serving) else int(np.argmin(np.abs(legs.begin_s - after_s)))
    row, place = int(legs.satellite[leg]), sky.place
    seen = look_angles.or_nan([sky.elements[row]], place.latitude_deg, place.longitude_deg, place.altitude_m, found.at)
    by: dict[str, Json] = {
        "carried": True,
        "satellite": found.satellites[row],
        "earthStation": found.stations[int(legs.gateway[leg])],
        "startAt": moment(legs.begin_s[leg]),
        "until": moment(legs.end_s[leg]),
        "azimuthDeg": round(float(seen.azimuth_deg[0, 0]), 2),
        "elevationDeg": round(float(seen.elevation_deg[0, 0]), 2),
        "rangeKm": round(float(seen.range_km[0, 0]), 1),
        "elementsAgeDays": round(element_age_days(sky.elements[row], found.at), 2),
    }
    return told | by


@lru_cache(maxsize=KEPT_PLANS)
def plan_of_day(sky: Sky) -> ServicePlan:
    """Whoever asks for another instant of the day finds it made."""
    place, stations = sky.place, sky.stations
    site = sites_on(place.latitude_deg, place.longitude_deg, place.altitude_m, sky.lowest_elevation_deg)
    gateways = sites_on(
        [one.latitude_deg for one in stations],
        [one.longitude_deg for one in stations],
        [one.altitude_m for one in stations],
        np.array([[one.mask_deg] for one in stations]),
    )
    span_s = (2 * BEYOND + timedelta(days=1)).total_seconds()
    return service_plan.or_nan(sky.elements, site, gateways, sky.start_at, span_s, sky.rule)


def _named(one: Resource) -> Json:
    return reference(one.id, type(one).__name__, one.href, one.name).wire()
