"""The sky: where the satellites stand over gateways and site, and what the air takes on the way.

A geostationary satellite is kept in its box, and published elements know nothing of the manoeuvres that keep it there:
they are propagated for a week at most, then the satellite is taken to stand where it stood.
The unavailability that is allowed is halved: rain at the site, which hits both directions at once, may take one half,
rain at the gateway the other. Neither needs the other's absence, so the service keeps its availability.
Where availability is sold with a confidence, fades are those that a worse year and a wrong prediction bring.
Words: ITU-R P.618-14 section 2.5, P.678-3 (`resource.physics.uncertainty`).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics import coverage
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.link_budget import Values
from satcom.resource.physics.orbit import Elements, look_angles, slot_angles
from satcom.service.design.facts import Fleet
from satcom.service.design.neighbours import Antennas, Arc, Beside, Side, beside
from satcom.service.design.payloads import Gateway, Payload, Rays, payloads
from satcom.service.way import AVERAGE_YEAR_PERCENT

Array = NDArray[np.float64]

LONGEST_PROPAGATION = timedelta(days=7)
LOWEST_ELEVATION_DEG = 5.0  # P.618-14 holds from here up


@dataclass(frozen=True)
class Look:
    """From each place to each satellite; shape (satellites, places), nan where nothing tells where it stands."""

    azimuth_deg: Array
    elevation_deg: Array
    range_km: Array


@dataclass(frozen=True)
class Dish:
    """An antenna at a place, as the air sees it, and how well it points.

    `element_age_days` is of the elements that it is pointed by, `None` where it tracks the satellite itself.
    """

    latitude_deg: float
    longitude_deg: float
    height_km: float
    elevation_deg: float
    diameter_m: float
    efficiency: float
    range_km: float
    pointing_rms_deg: float | None = None
    element_age_days: float | None = None

    def columns(self) -> tuple[float, ...]:
        """As numbers; nan where a pointing is not known."""
        return tuple(math.nan if one is None else one for one in vars(self).values())


@dataclass(frozen=True, eq=False)
class RayTable:
    """Attenuation of the rays of many payloads, one after the other; a payload's begin at `start[payload]`.

    Within a payload: row of the kind times the number of its dishes, plus the row of the dish. `beside` is what their
    side lobes hear of neighbours, `None` where there are none. `mispointing_db` is what random pointing takes with the
    confidence that is sold, beyond the loss that is known; `None` where it is not counted.
    """

    start: dict[int, int]
    attenuation: TotalAttenuation
    beside: Beside | None = None
    mispointing_db: Array | None = None


def half_unavailability_percent(availability_percent: float) -> float:
    """What each end of the link may be down, in percent of the average year."""
    return (100.0 - availability_percent) / 2


@dataclass(frozen=True)
class Promised:
    """An availability, and the confidence that a year keeps it; what was sold before did not count pointing in it."""

    availability_percent: float
    confidence_percent: float = AVERAGE_YEAR_PERCENT
    pointing_counted: bool = True

    @property
    def unavailability_percent(self) -> float:
        """Of each end of the link."""
        return half_unavailability_percent(self.availability_percent)


def look(fleet: Fleet, latitude_deg: Array, longitude_deg: Array, altitude_m: Array, at: datetime) -> Look:
    """Point every place at every satellite of the fleet: before it is in service, at the slot where it will stand."""
    shape = (len(fleet.satellites), len(latitude_deg))
    azimuth, elevation, distance = (np.full(shape, np.nan) for _ in range(3))
    for instant, rows in _instants(fleet, at).items():
        elements: list[Elements] = [one for row in rows if (one := fleet.satellites[row].elements) is not None]
        seen = look_angles.or_nan(elements, latitude_deg, longitude_deg, altitude_m, instant)
        azimuth[rows], elevation[rows], distance[rows] = seen.azimuth_deg, seen.elevation_deg, seen.range_km
    planned = [row for row, one in enumerate(fleet.satellites) if one.before_service]
    if planned:
        slots = np.array([fleet.satellites[row].orbital_longitude_deg for row in planned])
        seen = slot_angles.or_nan(slots, latitude_deg, longitude_deg, altitude_m)
        azimuth[planned], elevation[planned], distance[planned] = seen.azimuth_deg, seen.elevation_deg, seen.range_km
    return Look(azimuth, elevation, distance)


@lru_cache(maxsize=8)
def gateway_look(fleet: Fleet, at: datetime) -> Look:
    """From every earth station of the fleet."""
    stations = fleet.stations
    return look(
        fleet,
        np.array([one.latitude_deg for one in stations]),
        np.array([one.longitude_deg for one in stations]),
        np.array([one.altitude_m for one in stations]),
        at,
    )


@lru_cache(maxsize=4)
def beam_shapes(fleet: Fleet) -> tuple[coverage.Beam, ...]:
    """The beams as physics wants them."""
    longitude = {one.id: one.orbital_longitude_deg for one in fleet.satellites}
    return tuple(one.shape(longitude[one.satellite_id]) for one in fleet.beams)


@lru_cache(maxsize=4)
def gateway_beam_gain_db(fleet: Fleet) -> Array:
    """Level of every beam at every earth station; shape (beams, stations)."""
    return coverage.relative_gain_db.or_nan(
        beam_shapes(fleet),
        np.array([one.latitude_deg for one in fleet.stations]),
        np.array([one.longitude_deg for one in fleet.stations]),
    )


@lru_cache(maxsize=4)
def gateway_rays(fleet: Fleet, at: datetime, promised: Promised) -> tuple[RayTable, RayTable]:
    """Up and down attenuation of every gateway of every payload, at its share of the unavailability."""
    seen = gateway_look(fleet, at)

    def dish(satellite: int, one: Gateway) -> Dish:
        station = fleet.stations[one.station]
        return Dish(
            station.latitude_deg,
            station.longitude_deg,
            station.altitude_m / 1000,
            float(seen.elevation_deg[satellite, one.station]),
            one.antenna.diameter_m,
            one.antenna.efficiency,
            float(seen.range_km[satellite, one.station]),
            one.antenna.pointing_rms_deg,
        )

    dishes = [(payload, [dish(payload.satellite, one) for one in payload.gateways]) for payload in payloads(fleet)]
    return _both_sides(fleet, dishes, promised)


def site_rays(
    fleet: Fleet,
    reached: Sequence[Payload],
    seen: Look,
    latitude_deg: float,
    longitude_deg: float,
    height_km: float,
    promised: Promised,
    at: datetime,
) -> tuple[RayTable, RayTable]:
    """Up and down attenuation of every terminal type of the reached payloads at the site."""
    ages = {payload.satellite: _pointing_age_days(fleet, payload.satellite, at) for payload in reached}
    dishes = [
        (
            payload,
            [
                Dish(
                    latitude_deg,
                    longitude_deg,
                    height_km,
                    float(seen.elevation_deg[payload.satellite, 0]),
                    fleet.terminal_types[row].antenna_diameter_m,
                    fleet.terminal_types[row].antenna_efficiency,
                    float(seen.range_km[payload.satellite, 0]),
                    fleet.terminal_types[row].pointing_rms_deg,
                    ages[payload.satellite],
                )
                for row in payload.terminals
            ],
        )
        for payload in reached
    ]
    return _both_sides(fleet, dishes, promised)


def _both_sides(
    fleet: Fleet, dishes: Sequence[tuple[Payload, Sequence[Dish]]], promised: Promised
) -> tuple[RayTable, RayTable]:
    def arcs(side: Side) -> list[Arc]:
        return [Arc.of(fleet.satellites[payload.satellite], payload.band, side) for payload, _ in dishes]

    return (
        ray_table([(payload.up, of) for payload, of in dishes], promised, arcs("up")),
        ray_table([(payload.down, of) for payload, of in dishes], promised, arcs("down")),
    )


def ray_table(bundles: Sequence[tuple[Rays, Sequence[Dish]]], promised: Promised, arcs: Sequence[Arc] = ()) -> RayTable:
    """One call of P.618 for all rays of all payloads; a second one for how steeply fades grow, with a confidence.

    `arcs` are the neighbours of each bundle's satellite.
    """
    start, size = {}, 0
    columns: list[Array] = []
    for row, (rays, dishes) in enumerate(bundles):
        start[row] = size
        size += len(rays.freq_hz) * len(dishes)
        if dishes:
            block = np.array([one.columns() for one in dishes])
            kinds = np.column_stack([rays.freq_hz, rays.tilt_deg])
            columns.append(np.hstack([np.repeat(kinds, len(dishes), axis=0), np.tile(block, (len(kinds), 1))]))
    freq, tilt, lat, lon, height, elevation, diameter, efficiency, range_km, rms_deg, age_days = (
        np.concatenate(columns).T if columns else np.empty((11, 0))
    )

    def exceeded(percent: Values) -> TotalAttenuation:
        return total_attenuation.or_nan(lat, lon, freq, elevation, percent, tilt, diameter, efficiency, height)

    each = [len(rays.freq_hz) * len(dishes) for rays, dishes in bundles]
    heard = beside(arcs, each, Antennas(lat, lon, diameter, efficiency, freq)) if arcs else None
    if promised.confidence_percent == AVERAGE_YEAR_PERCENT:
        return RayTable(start, exceeded(promised.unavailability_percent), heard)
    # SciPy, which the average year needs not
    from satcom.service.design.confidence import confident, mispointing_db  # noqa: PLC0415

    confidence = promised.confidence_percent
    sure = confident(exceeded, promised.unavailability_percent, confidence, lat, lon)
    if not promised.pointing_counted:
        return RayTable(start, sure, heard)
    return RayTable(start, sure, heard, mispointing_db(confidence, freq, diameter, rms_deg, age_days, range_km))


def _pointing_age_days(fleet: Fleet, row: int, at: datetime) -> float | None:
    """Of the elements that a terminal is pointed by; after `LONGEST_PROPAGATION` it stands where it stood."""
    satellite = fleet.satellites[row]
    if satellite.elements is None or satellite.before_service:
        return None
    return min(abs(at - satellite.elements.epoch), LONGEST_PROPAGATION) / timedelta(days=1)


def _instants(fleet: Fleet, at: datetime) -> dict[datetime, list[int]]:
    """At which instant each satellite is looked at: days, so that most share one."""
    rows: dict[datetime, list[int]] = defaultdict(list)
    for row, satellite in enumerate(fleet.satellites):
        if satellite.elements is not None and not satellite.before_service:
            instant = min(at, satellite.elements.epoch + LONGEST_PROPAGATION)
            rows[instant.replace(hour=0, minute=0, second=0, microsecond=0)].append(row)
    return dict(rows)
