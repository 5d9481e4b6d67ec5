"""Passes: when satellites stand above a site, who serves it through which earth station, and when nobody does.

A question to the inventory, whose answer is kept nowhere: satellites by name or constellation, with the element sets
that are kept, and earth stations that must see the same satellite (a bent pipe). Geometry alone decides, by
`resource.physics.passes`; whether a beam, a carrier or a port is free is not asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import numpy as np
from fastapi import Query, Request, Response
from sqlmodel import Session, col, func, select

from satcom.core.clock import now
from satcom.core.errors import Fault, Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json, instant_text, reference
from satcom.core.wrong_value import check_ranges
from satcom.resource.element_age import check_ages, limit_days
from satcom.resource.ground import EarthStation
from satcom.resource.naming import NotThere, resources_called, visible_to_caller
from satcom.resource.physics.horizon_mask import Sites, sites_on
from satcom.resource.physics.orbit import Elements, element_age_days
from satcom.resource.physics.passes import HandoverRule, ServicePlan, service_plan
from satcom.resource.resource import Finite
from satcom.resource.satellite import Satellite, carries_nothing_because, elements_at

PATH: Final = "/satcom-api/resource/v1/passPlan"
LONGEST_HOURS: Final = 168
MOST_SATELLITE_HOURS: Final = 32_000  # OneWeb for two days
LOWEST_ELEVATION_DEG: Final = 10.0
FIRST_YEAR, LAST_YEAR = 1960, 2099
routes = Routes("passes")


@dataclass(frozen=True)
class AskedPlace:
    """A site, and how low it sees. Fields are checked by `plan_of`."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0
    lowest_elevation_deg: float = LOWEST_ELEVATION_DEG


@dataclass(frozen=True)
class Named:
    """A satellite or an earth station as the answer names it."""

    name: str
    reference: dict[str, Json]


@dataclass(frozen=True)
class Flown:
    """A satellite with the element set that is used."""

    satellite: Named
    elements: Elements


@dataclass(frozen=True)
class Gateway:
    """An earth station that must see the satellite, too."""

    station: Named
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    mask_deg: float


@dataclass(frozen=True)
class LeftOut:
    """A satellite of the constellation that is not looked at, and why."""

    satellite: Named
    reason: str


@dataclass(frozen=True)
class Fleet:
    """Whom a plan is made with. Without gateways a satellite that is seen serves."""

    flown: tuple[Flown, ...]
    gateways: tuple[Gateway, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    elements_limit_days: int | None = None


@dataclass(frozen=True)
class PassPlan:
    """The answer: what physics found, and for whom."""

    place: AskedPlace
    start_at: datetime
    rule: HandoverRule
    fleet: Fleet
    plan: ServicePlan

    def at(self, after_s: float) -> datetime:
        return self.start_at + timedelta(seconds=round(after_s, 1))

    @property
    def stop_at(self) -> datetime:
        return self.at(self.plan.span_s)

    @property
    def oldest_elements_days(self) -> float:
        """The age of the oldest set at the end of the span."""
        return max(element_age_days(one.elements, self.stop_at) for one in self.fleet.flown)

    def satellite(self, number: int) -> Named:
        return self.fleet.flown[number].satellite

    def gateway(self, number: int) -> Named | None:
        return self.fleet.gateways[number].station if number >= 0 else None


def plan_of(fleet: Fleet, place: AskedPlace, start_at: datetime, hours: int, rule: HandoverRule) -> PassPlan:
    """Plan a site from `start_at` (`instant_of`) on.

    Raises `Refused` on every field that makes no sense, and when it is too much.
    """
    _check(place, hours)
    if not fleet.flown:
        why = "of none of these satellites elements are kept"
        raise Refused("satelliteId", why, "noElements", "satcom elements load FILE")
    if len(fleet.flown) * hours > MOST_SATELLITE_HOURS:
        why = f"{len(fleet.flown)} satellites for {hours} hours are too much at once"
        raise Refused("hours", why, "tooMuch", f"up to {MOST_SATELLITE_HOURS // len(fleet.flown)} hours")
    site = sites_on(place.latitude_deg, place.longitude_deg, place.altitude_m, place.lowest_elevation_deg)
    elements = [one.elements for one in fleet.flown]
    check_ages("startAt", elements, start_at + timedelta(hours=hours), fleet.elements_limit_days)
    plan = service_plan.or_nan(elements, site, gateway_sites(fleet.gateways), start_at, hours * 3600.0, rule)
    return PassPlan(place, start_at, rule, fleet, plan)


def instant_of(start_at: datetime | None) -> datetime:
    """In UTC, by default now. Raises `Refused`."""
    if start_at is None:
        return now()
    faults = wrong_instants({"startAt": start_at})
    if faults:
        raise Refused.all(faults)
    return start_at.astimezone(UTC)


def wrong_instants(given: Mapping[str, datetime | None]) -> list[Fault]:
    """Those without a time zone, and those so far off that satellites are not followed there."""
    faults = []
    for name, moment in given.items():
        if moment is not None and moment.tzinfo is None:
            faults.append(Fault(name, "it has no time zone", "invalid", "for example 2027-01-31T00:00:00Z"))
        elif moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            faults.append(Fault(name, f"{moment.year} is not computed", "outOfRange", f"{FIRST_YEAR} to {LAST_YEAR}"))
    return faults


def _check(place: AskedPlace, hours: int) -> None:
    check_ranges(
        [
            ("latitudeDeg", place.latitude_deg, -90, 90),
            ("longitudeDeg", place.longitude_deg, -180, 180),
            ("altitudeM", place.altitude_m, -500, 20_000),
            ("elevationDeg", place.lowest_elevation_deg, 0, 89),
            ("hours", hours, 1, LONGEST_HOURS),
        ]
    )


def gateway_sites(gateways: Sequence[Gateway]) -> Sites | None:
    if not gateways:
        return None
    return sites_on(
        [one.latitude_deg for one in gateways],
        [one.longitude_deg for one in gateways],
        [one.altitude_m for one in gateways],
        np.array([[one.mask_deg] for one in gateways]),
    )


def fleet_called(
    session: Session, satellites: Sequence[str], constellation: str | None, stations: Sequence[str], at: datetime
) -> Fleet:
    """Satellites by id or name, all of a constellation that carry traffic, and earth stations by id or name.

    Raises `Refused` when no satellite is asked for, `NotThere` on each that is not there.
    """
    if not satellites and constellation is None:
        raise Refused("satelliteId", "which satellites is mandatory", "missing", "satelliteId or constellation")
    meant = resources_called(session, Satellite, satellites, "satelliteId")
    left_out = []
    if constellation is not None:
        known = {one.id for one in meant}
        for one in _members(session, constellation):
            reason = carries_nothing_because(one, at.date())
            if reason is not None:
                left_out.append(LeftOut(_named(one), reason))
            elif one.id not in known:
                meant.append(one)
    elements = elements_at(session, at, [one.id for one in meant])
    left_out += [LeftOut(_named(one), "no elements of it are kept") for one in meant if one.id not in elements]
    flown = [Flown(_named(one), elements[one.id]) for one in meant if one.id in elements]
    return Fleet(tuple(flown), gateways_called(session, stations), tuple(left_out), limit_days(session))


def gateways_called(session: Session, stations: Sequence[str]) -> tuple[Gateway, ...]:
    """Earth stations by id or name. Raises `NotThere` on each that is not there."""
    return tuple(
        Gateway(
            _named(one),
            latitude_deg=one.latitude_deg,
            longitude_deg=one.longitude_deg,
            altitude_m=one.altitude_m,
            mask_deg=one.horizon_mask_deg,
        )
        for one in resources_called(session, EarthStation, stations, "earthStationId")
    )


def _members(session: Session, constellation: str) -> Sequence[Satellite]:
    there = visible_to_caller(session, Satellite)
    query = select(Satellite).where(there, func.lower(Satellite.constellation) == constellation.lower())
    members = session.exec(query.order_by(col(Satellite.name))).all() if constellation.isprintable() else []
    if not members:
        moving = select(Satellite.constellation).where(there, col(Satellite.constellation).is_not(None))
        names = ", ".join(sorted(name for name in session.exec(moving.distinct()) if name)) or "there is none"
        raise NotThere("constellation", f"there is no constellation {constellation[:80]!r}", "notFound", names)
    return members


def _named(one: Satellite | EarthStation) -> Named:
    return Named(one.name, reference(one.id, type(one).__name__, one.href, one.name).wire())


def plan_body(found: PassPlan) -> dict[str, Json]:
    """The answer as it goes out. Angles are rounded to a hundredth of a degree, instants to a tenth of a second."""
    place, plan = found.place, found.plan
    return {
        "site": {
            "latitudeDeg": place.latitude_deg,
            "longitudeDeg": place.longitude_deg,
            "altitudeM": place.altitude_m,
            "elevationDeg": place.lowest_elevation_deg,
        },
        "startAt": instant_text(found.start_at),
        "stopAt": instant_text(found.stop_at),
        "rule": found.rule.value,
        "satelliteCount": len(found.fleet.flown),
        "oldestElementsDays": round(found.oldest_elements_days, 2),
        "servedPercent": round(plan.served_percent, 4),
        "longestGapS": round(plan.longest_gap_s, 1),
        "handovers": plan.handovers,
        "earthStation": [one.station.reference for one in found.fleet.gateways],
        "leg": [_leg(found, number) for number in range(len(plan.legs))],
        "gap": [_gap(found, number) for number in range(len(plan.reasons))],
        "pass": [_pass(found, number) for number in range(len(plan.passes))],
        "leftOut": [{"satellite": one.satellite.reference, "reason": one.reason} for one in found.fleet.left_out],
    }


def _leg(found: PassPlan, number: int) -> Json:
    legs = found.plan.legs
    gateway = found.gateway(int(legs.gateway[number]))
    return {
        "satellite": found.satellite(int(legs.satellite[number])).reference,
        **({"earthStation": gateway.reference} if gateway is not None else {}),
        "startAt": instant_text(found.at(float(legs.begin_s[number]))),
        "stopAt": instant_text(found.at(float(legs.end_s[number]))),
        "lowestElevationDeg": round(float(legs.lowest_elevation_deg[number]), 2),
        "highestElevationDeg": round(float(legs.highest_elevation_deg[number]), 2),
    }


def _gap(found: PassPlan, number: int) -> Json:
    without = found.plan.gaps
    return {
        "startAt": instant_text(found.at(float(without.begin_s[number]))),
        "stopAt": instant_text(found.at(float(without.end_s[number]))),
        "reason": found.plan.reasons[number].value,
    }


def _pass(found: PassPlan, number: int) -> Json:
    seen = found.plan.passes
    return {
        "satellite": found.satellite(int(seen.satellite[number])).reference,
        "riseAt": instant_text(found.at(float(seen.rise_s[number]))),
        "riseAzimuthDeg": round(float(seen.rise_azimuth_deg[number]), 2),
        "peakAt": instant_text(found.at(float(seen.peak_s[number]))),
        "peakElevationDeg": round(float(seen.peak_elevation_deg[number]), 2),
        "peakAzimuthDeg": round(float(seen.peak_azimuth_deg[number]), 2),
        "peakRangeKm": round(float(seen.peak_range_km[number]), 1),
        "setAt": instant_text(found.at(float(seen.set_s[number]))),
        "setAzimuthDeg": round(float(seen.set_azimuth_deg[number]), 2),
    }


@routes.on(
    "GET",
    PATH,
    name="read passPlan",
    openapi_extra={"responses": refusals("404")},
    first=who_may(Capability.READ_NETWORK),
)
def read_pass_plan(
    request: Request,
    latitudeDeg: Finite | None = None,  # noqa: N803 (the names on the wire)
    longitudeDeg: Finite | None = None,  # noqa: N803
    satelliteId: Annotated[list[str] | None, Query(max_length=1000)] = None,  # noqa: N803
    constellation: str | None = None,
    earthStationId: Annotated[list[str] | None, Query(max_length=100)] = None,  # noqa: N803
    altitudeM: Finite = 0.0,  # noqa: N803
    elevationDeg: Finite = LOWEST_ELEVATION_DEG,  # noqa: N803
    startAt: datetime | None = None,  # noqa: N803
    hours: int = 24,
    rule: HandoverRule = HandoverRule.LONGEST_STAY,
) -> Response:
    """When satellites stand above `elevationDeg` at a site, who serves it from when to when, and the gaps.

    Satellites and earth stations are ids or names; a constellation is all of its satellites that carry traffic. With
    earth stations a satellite serves while one of them sees it, too. From now on unless a start is said.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        if latitudeDeg is None or longitudeDeg is None:
            missing = [("latitudeDeg", latitudeDeg), ("longitudeDeg", longitudeDeg)]
            raise Refused.all([Fault(name, "it is mandatory", "missing") for name, value in missing if value is None])
        start_at = instant_of(startAt)
        fleet = fleet_called(session, satelliteId or [], constellation, earthStationId or [], start_at)
    place = AskedPlace(latitudeDeg, longitudeDeg, altitudeM, elevationDeg)
    return json_response(plan_body(plan_of(fleet, place, start_at, hours, rule)))
