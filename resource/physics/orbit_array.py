"""Many satellites from many sites at many instants in one call: where to point, how far, and how fast it changes.

SGP4 runs over arrays and the Earth turns by `earth_rotation`; Skyfield, satellite by satellite, is the reference.
Angles are geometric: refraction and the travel time of light are left out, as in `orbit`.

Results are whole arrays of satellites x sites x times. Whoever asks for more than fits into memory asks in pieces;
`visibility` does so by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sgp4.api import SatrecArray

from satcom.resource.physics.checked import FINITE, LATITUDES, LONGITUDES, POSITIVE, Accepted, checked
from satcom.resource.physics.earth_rotation import (
    DAY_S,
    earth_fixed_from_teme,
    in_utc,
    julian_days,
    sidereal_angle_rad,
)
from satcom.resource.physics.orbit import SITES_M, Elements, earth_fixed_km, horizon_axes, sgp4_record

Array = NDArray[np.float64]

SPEED_OF_LIGHT_KM_PER_S = 299_792.458


@dataclass(frozen=True)
class Ephemeris:
    """Earth-fixed (ITRS) positions and velocities over the ground, each of shape (satellites, times, 3).

    `element_age_days` (satellites,): from the epoch of the elements to the instant farthest from it, negative when
    that lies before the epoch. SGP4 of a low satellite is off by a kilometre after a day or some: callers warn.
    """

    position_km: Array
    velocity_km_per_s: Array
    element_age_days: Array


@dataclass(frozen=True)
class LookAngleSeries:
    """From each site to each satellite at each instant; arrays of shape (satellites, sites, times).

    Azimuth runs from true North over East. A negative elevation is below the horizon. The range rate is positive
    while the satellite moves away. `element_age_days` is that of the `Ephemeris`, shape (satellites,).
    """

    azimuth_deg: Array
    elevation_deg: Array
    range_km: Array
    range_rate_km_per_s: Array
    element_age_days: Array


def ephemeris(elements: Sequence[Elements], start: datetime, offset_s: ArrayLike) -> Ephemeris:
    """Propagate every satellite to every instant `start` + `offset_s`, an array of shape (times,).

    nan where SGP4 reports an error, as after a decay. Raises `ValueError` when `start` has no time zone.
    """
    offsets = np.atleast_1d(np.asarray(offset_s, float))
    if not elements:
        nothing = np.empty((0, offsets.size, 3))
        return Ephemeris(nothing, nothing, np.empty(0))
    errors, position, velocity = SatrecArray([sgp4_record(one) for one in elements]).sgp4(*julian_days(start, offsets))
    position[errors != 0] = np.nan
    velocity[errors != 0] = np.nan
    fixed, over_ground = earth_fixed_from_teme(position, velocity, sidereal_angle_rad(start, offsets))
    return Ephemeris(fixed, over_ground, element_ages_days(elements, start, offsets))


def element_ages_days(elements: Sequence[Elements], start: datetime, offset_s: ArrayLike) -> Array:
    """Days from each epoch to the instant farthest from it, negative when that is before; shape (satellites,)."""
    at = in_utc(start)
    at_start_days = np.array([(at - one.epoch).total_seconds() / DAY_S for one in elements])
    offsets_days = np.atleast_1d(np.asarray(offset_s, float)) / DAY_S
    if offsets_days.size == 0:
        return at_start_days
    first, last = at_start_days + offsets_days.min(), at_start_days + offsets_days.max()
    farthest: Array = np.where(np.abs(last) >= np.abs(first), last, first)
    return farthest


@checked(apart=["offset_s"], latitude_deg=LATITUDES, longitude_deg=LONGITUDES, altitude_m=SITES_M, offset_s=FINITE)
def look_angle_series(
    elements: Sequence[Elements],
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    altitude_m: ArrayLike,
    start: datetime,
    offset_s: ArrayLike,
) -> LookAngleSeries:
    """Point every site at every satellite at every instant `start` + `offset_s`. The site arrays broadcast to (sites,).

    Latitude is geodetic (WGS 84), longitude positive to the East. A satellite that SGP4 cannot propagate, and a site
    with |latitude| above 90, give nan. Raises `ValueError` when `start` has no time zone.
    """
    latitude, longitude, altitude = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, float)) for value in (latitude_deg, longitude_deg, altitude_m))
    )
    path = ephemeris(elements, start, offset_s)
    sites_km = earth_fixed_km(latitude, longitude, altitude / 1000)
    sight_km = path.position_km[:, None, :, :] - sites_km[None, :, None, :]
    range_km: Array = np.sqrt(np.einsum("abti,abti->abt", sight_km, sight_km))
    east, north, up = np.einsum("bki,abti->kabt", horizon_axes(latitude, longitude), sight_km)
    return LookAngleSeries(
        azimuth_deg=np.degrees(np.arctan2(east, north)) % 360,
        elevation_deg=np.degrees(np.arctan2(up, np.hypot(east, north))),
        range_km=range_km,
        range_rate_km_per_s=np.einsum("abti,ati->abt", sight_km, path.velocity_km_per_s) / range_km,
        element_age_days=path.element_age_days,
    )


@checked(freq_hz=POSITIVE, range_rate_km_per_s=Accepted(-SPEED_OF_LIGHT_KM_PER_S, SPEED_OF_LIGHT_KM_PER_S))
def doppler_shift_hz(freq_hz: ArrayLike, range_rate_km_per_s: ArrayLike) -> Array:
    """What is received minus what was sent, one way. Arguments broadcast.

    First order in v/c; the next term is below 0.4 ppb at 8 km/s, 6 Hz at 20 GHz.
    """
    shift_hz: Array = -np.asarray(freq_hz, float) * np.asarray(range_rate_km_per_s, float) / SPEED_OF_LIGHT_KM_PER_S
    return shift_hz
