"""Which satellite, beam and gateway carry a service at an instant: of the past, of now, or of the future.

Over a satellite that stands still the path of the inventory says so. Over a constellation it is planned for the day
(UTC) of the instant, from midnight on, with the element sets that are nearest before it, so that any two who ask are
told the same; the ages of the sets say how far that can be trusted.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlmodel import Session

from satcom.core.database import network_view
from satcom.core.values import Json, instant_text, reference
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_share import cell_of
from satcom.resource.ground import EarthStation
from satcom.resource.hub import Hub
from satcom.resource.naming import NotThere
from satcom.resource.passes import AskedPlace, Fleet, PassPlan, fleet_called, gateways_called, plan_of
from satcom.resource.payload import Beam
from satcom.resource.physics.orbit import element_age_days, look_angles
from satcom.resource.resource import Resource
from satcom.resource.satellite import Satellite
from satcom.service.design.passing_weather import LOWEST_ELEVATION_DEG
from satcom.service.inventory import Service, ServicePath, path_at
from satcom.service.service_place import ServicePlace, place_of

DAY_HOURS: Final = 24


def carried_at(session: Session, service: Service, at: datetime) -> dict[str, Json]:
    """Who carries a service at `at`, as it goes out; where nobody does, why.

    Raises `RuleRefused` where the inventory does not say where the site is, and on elements that the operator takes no
    more.
    """
    told: dict[str, Json] = {
        "service": reference(service.id, "Service", service.href, service.name).wire(),
        "at": instant_text(at),
    }
    path = path_at(session, service.id, at)
    if path is None:
        return told | {"carried": False, "reason": "noPath"}
    with network_view(session) as network:
        if path.constellation_id is None:
            return told | {"carried": True} | _standing(network, path)
        constellation = network.get_one(Constellation, path.constellation_id)
        return told | _passing(network, constellation, path.gateway_ids, place_of(service), at)


def _standing(network: Session, path: ServicePath) -> dict[str, Json]:
    """What the path says."""
    told: dict[str, Json] = {"beam": [_named(network.get_one(Beam, one)) for one in path.beam_ids]}
    if path.satellite_id is not None:
        told["satellite"] = _named(network.get_one(Satellite, path.satellite_id))
    if path.earth_station_id is not None:
        told["earthStation"] = _named(network.get_one(EarthStation, path.earth_station_id))
    if path.hub_id is not None:
        told["hub"] = _named(network.get_one(Hub, path.hub_id))
    return told


def _passing(
    network: Session, one: Constellation, station_ids: Sequence[str], place: ServicePlace, at: datetime
) -> dict[str, Json]:
    """The leg of the day's plan that the instant lies in, or the gap."""
    told: dict[str, Json] = {"constellation": _named(one)}
    found = _day_plan(network, one, station_ids, place, at)
    if found is None:
        return told | {"carried": False, "reason": "noElements"}
    after_s, legs, gaps = (at - found.start_at).total_seconds(), found.plan.legs, found.plan.gaps
    serving = np.flatnonzero((legs.begin_s <= after_s) & (after_s < legs.end_s))
    if not len(serving):
        within = np.flatnonzero((gaps.begin_s <= after_s) & (after_s < gaps.end_s))
        reason = found.plan.reasons[int(within[0])].value if len(within) else "handover"
        until = found.at(float(gaps.end_s[within[0]])) if len(within) else at
        return told | {"carried": False, "reason": reason, "until": instant_text(until)}
    leg = int(serving[0])
    flown, gateway = found.fleet.flown[int(legs.satellite[leg])], found.gateway(int(legs.gateway[leg]))
    seen = look_angles(
        [flown.elements],
        np.array([place.latitude_deg]),
        np.array([place.longitude_deg]),
        np.array([place.altitude_m]),
        at,
    )
    leg_told: dict[str, Json] = {
        "carried": True,
        "satellite": flown.satellite.reference,
        **({"earthStation": gateway.reference} if gateway is not None else {}),
        "beam": [{"cell": cell_of(place.latitude_deg, place.longitude_deg, one.beam_diameter_km)}],
        "startAt": instant_text(found.at(float(legs.begin_s[leg]))),
        "until": instant_text(found.at(float(legs.end_s[leg]))),
        "azimuthDeg": round(float(seen.azimuth_deg[0, 0]), 2),
        "elevationDeg": round(float(seen.elevation_deg[0, 0]), 2),
        "rangeKm": round(float(seen.range_km[0, 0]), 1),
        "elementsAgeDays": round(element_age_days(flown.elements, at), 2),
    }
    return told | leg_told


def _day_plan(
    network: Session, one: Constellation, station_ids: Sequence[str], place: ServicePlace, at: datetime
) -> PassPlan | None:
    """From midnight to midnight; `None` where of no satellite that carries traffic elements are kept."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        fleet = fleet_called(network, (), one.name, (), midnight + timedelta(hours=DAY_HOURS))
    except NotThere:
        return None
    if not fleet.flown:
        return None
    gateways = tuple(
        replace(each, mask_deg=max(each.mask_deg, LOWEST_ELEVATION_DEG))
        for each in gateways_called(network, station_ids)
    )
    site = AskedPlace(place.latitude_deg, place.longitude_deg, place.altitude_m, one.lowest_elevation_deg)
    seen = Fleet(fleet.flown, gateways, elements_limit_days=fleet.elements_limit_days)
    return plan_of(seen, site, midnight, DAY_HOURS, one.handover_rule)


def _named(one: Resource) -> Json:
    return reference(one.id, type(one).__name__, one.href, one.name).wire()
