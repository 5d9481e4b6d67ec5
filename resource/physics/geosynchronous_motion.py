"""How a geosynchronous satellite moves over a day: its box or figure of eight, its drift, what antennas must follow.

Inclination makes the figure of eight, eccentricity leans it and makes it wide, a wrong period lets it drift. A
satellite kept on its slot stays within its box of some hundredths of a degree; one that is no longer kept in latitude
swings by its inclination.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, checked
from satcom.resource.physics.orbit import SITES_M, Elements, geodetic
from satcom.resource.physics.orbit_array import ephemeris, look_angle_series

Array = NDArray[np.float64]

SIDEREAL_DAY_S = 86_164.0905
SAMPLES = 288  # of a sidereal day: five minutes, in which an inclination of 15 degrees moves by a third of a degree


@dataclass(frozen=True)
class DailyMotion:
    """The path below each satellite over one sidereal day.

    `latitude_deg` and `longitude_deg` have shape (satellites, samples), longitude without jumps at 180 degrees and
    drift left in; the others (satellites,). `longitude_swing_deg` and `latitude_swing_deg` are from end to end, the
    former without the drift. Drift is positive to the East. nan for a satellite that SGP4 cannot propagate.
    """

    latitude_deg: Array
    longitude_deg: Array
    mean_longitude_deg: Array
    latitude_swing_deg: Array
    longitude_swing_deg: Array
    drift_deg_per_day: Array
    element_age_days: Array


@dataclass(frozen=True)
class PointingSwing:
    """What an antenna sees of each satellite over one sidereal day; arrays of shape (satellites, sites).

    `off_mean_deg` is the greatest angle between the satellite and the middle of its path: an antenna that does not
    follow loses the gain at that angle.
    """

    lowest_elevation_deg: Array
    highest_elevation_deg: Array
    off_mean_deg: Array


def daily_motion(elements: Sequence[Elements], start: datetime) -> DailyMotion:
    """Follow satellites for a sidereal day from `start`, and for a second one to see the drift.

    Raises `ValueError` when `start` has no time zone. Meant for periods near a sidereal day: of another satellite
    longitude runs round the Earth, and so do the numbers.
    """
    offset_s = np.arange(2 * SAMPLES + 1) * SIDEREAL_DAY_S / SAMPLES
    path = ephemeris(elements, start, offset_s)
    below = geodetic(path.position_km)
    longitude = np.unwrap(below.longitude_deg, period=360, axis=-1)
    # the same place of the orbit a turn later: the wiggles of the day go out
    drift_deg_per_s = (longitude[:, SAMPLES:] - longitude[:, : SAMPLES + 1]).mean(axis=1) / SIDEREAL_DAY_S
    today = slice(0, SAMPLES + 1)
    steady = longitude[:, today] - drift_deg_per_s[:, None] * offset_s[today]
    latitude = below.latitude_deg[:, today]
    middle = longitude[:, :SAMPLES].mean(axis=1)
    return DailyMotion(
        latitude_deg=latitude,
        longitude_deg=longitude[:, today],
        mean_longitude_deg=(middle + 180) % 360 - 180,
        latitude_swing_deg=np.ptp(latitude, axis=1),
        longitude_swing_deg=np.ptp(steady, axis=1),
        drift_deg_per_day=drift_deg_per_s * 86_400,
        element_age_days=path.element_age_days,
    )


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, altitude_m=SITES_M)
def pointing_swing(
    elements: Sequence[Elements],
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    altitude_m: ArrayLike,
    start: datetime,
) -> PointingSwing:
    """Look at satellites from sites, arrays that broadcast to (sites,), over a sidereal day from `start`."""
    offset_s = np.arange(SAMPLES + 1) * SIDEREAL_DAY_S / SAMPLES
    seen = look_angle_series.or_nan(elements, latitude_deg, longitude_deg, altitude_m, start, offset_s)
    azimuth, elevation = np.radians(seen.azimuth_deg), np.radians(seen.elevation_deg)
    direction = np.stack(
        [np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)], axis=-1
    )
    middle = direction.mean(axis=2, keepdims=True)
    middle /= np.linalg.norm(middle, axis=-1, keepdims=True)
    # by the chord: the arc cosine of a small angle has no digits
    chord = np.linalg.norm(direction - middle, axis=-1)
    return PointingSwing(
        lowest_elevation_deg=seen.elevation_deg.min(axis=2),
        highest_elevation_deg=seen.elevation_deg.max(axis=2),
        off_mean_deg=np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1))).max(axis=2),
    )
