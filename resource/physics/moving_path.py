"""Rain on the path to a satellite that moves: how often a link fails over all the elevations that it is seen at.

Words and symbols of ITU-R P.618-14, section 8 (non-GSO paths). One satellite after the other: where several can be
chosen from, and what clouds and gas add, is not here.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import ABOVE_HORIZON, FINITE, LATITUDES, NOT_NEGATIVE, POSITIVE, Accepted, checked
from satcom.resource.physics.rain import RAIN_HZ, rain_attenuation_db

Array = NDArray[np.float64]

EARTH_RADIUS_KM = 6378.137
RAREST_PERCENT, OFTENEST_PERCENT = 0.001, 5.0
HALVINGS = 50


@checked(orbit_altitude_km=POSITIVE, elevation_deg=Accepted(0.0, 90.0))
def slant_range_km(orbit_altitude_km: ArrayLike, elevation_deg: ArrayLike) -> Array:
    """Distance of a satellite on a circular orbit about a spherical Earth. Arguments broadcast."""
    radius = EARTH_RADIUS_KM + np.asarray(orbit_altitude_km, float)
    elevation = np.radians(elevation_deg)
    distance: Array = np.sqrt(radius**2 - (EARTH_RADIUS_KM * np.cos(elevation)) ** 2) - EARTH_RADIUS_KM * np.sin(
        elevation
    )
    return distance


@checked(zenith_margin_db=FINITE, orbit_altitude_km=POSITIVE, elevation_deg=Accepted(0.0, 90.0))
def margin_at_db(zenith_margin_db: ArrayLike, orbit_altitude_km: ArrayLike, elevation_deg: ArrayLike) -> Array:
    """What a margin at the zenith is worth at an elevation, where the path is longer. Arguments broadcast."""
    ratio = slant_range_km.or_nan(orbit_altitude_km, elevation_deg) / np.asarray(orbit_altitude_km, float)
    margin: Array = np.asarray(zenith_margin_db, float) - 20 * np.log10(ratio)
    return margin


@checked(
    margin_db=FINITE,
    latitude_deg=LATITUDES,
    freq_hz=RAIN_HZ,
    elevation_deg=ABOVE_HORIZON,
    polarization_tilt_deg=FINITE,
    station_height_km=FINITE,
    rain_height_km=FINITE,
    rain_rate_001_mm_per_h=NOT_NEGATIVE,
)
def rain_exceedance_percent(
    margin_db: ArrayLike,
    latitude_deg: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    polarization_tilt_deg: ArrayLike,
    station_height_km: ArrayLike,
    rain_height_km: ArrayLike,
    rain_rate_001_mm_per_h: ArrayLike,
) -> Array:
    """Share of the average year in which rain attenuates by more than a margin. Arguments broadcast.

    From 0.001 to 5 %, the range of the attenuation: what is rarer counts as 0.001, what is more frequent as 5; 0 where
    it never rains. To the last digit.

    Source: ITU-R P.618-14, sections 2.2.1.1 and 8, step 4.
    """
    margin, *rest = np.broadcast_arrays(
        *(
            np.asarray(one, float)
            for one in (
                margin_db,
                latitude_deg,
                freq_hz,
                elevation_deg,
                polarization_tilt_deg,
                station_height_km,
                rain_height_km,
                rain_rate_001_mm_per_h,
            )
        )
    )
    latitude, freq, elevation, tilt, height, rain_height, rate = rest

    def exceeded_db(log_percent: Array) -> Array:
        return rain_attenuation_db.or_nan(
            latitude, freq, elevation, np.exp(log_percent), tilt, height, rain_height, rate
        )

    low = np.full(margin.shape, np.log(RAREST_PERCENT))
    high = np.full(margin.shape, np.log(OFTENEST_PERCENT))
    heaviest_db = exceeded_db(low)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        more = exceeded_db(middle) > margin
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    percent: Array = np.where(np.isnan(heaviest_db), np.nan, np.where(heaviest_db == 0, 0.0, np.exp(high)))
    return percent


@checked(time_at_elevation=NOT_NEGATIVE, exceedance_percent=Accepted(0.0, 100.0))
def orbit_average_percent(time_at_elevation: ArrayLike, exceedance_percent: ArrayLike) -> Array:
    """Share of the time in which the path is out, over the elevations on the last axis.

    `time_at_elevation` is the time spent at each in any unit; only elevations at which the link is used are given.

    Source: ITU-R P.618-14, section 8, step 5.
    """
    time = np.asarray(time_at_elevation, float)
    average: Array = (time * np.asarray(exceedance_percent, float)).sum(axis=-1) / time.sum(axis=-1)
    return average
