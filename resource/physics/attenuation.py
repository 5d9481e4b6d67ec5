"""Total attenuation of a slant path, and the noise it brings: gas, cloud, rain and scintillation taken together.

Words and symbols of ITU-R P.618-14, sections 2.5 and 3. One call answers for a single link or a whole fleet.
Each cause has its own file: `gas` (its air from `surface_air`), `cloud`, `rain`, `scintillation`.

What the attenuation means for a carrier is `link_budget`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import (
    FINITE,
    LATITUDES,
    LONGITUDES,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Accepted,
    checked,
)
from satcom.resource.physics.climate import altitude_km
from satcom.resource.physics.cloud import cloud_attenuation_db, cloud_liquid_water_kg_per_m2
from satcom.resource.physics.gas import gas_attenuation_db
from satcom.resource.physics.rain import rain_attenuation_db, rain_height_km, rain_rate_mm_per_h
from satcom.resource.physics.scintillation import (
    scintillation_deviation_db,
    scintillation_fade_db,
    wet_refractivity,
)
from satcom.resource.physics.surface_air import air_of_the_year

Array = NDArray[np.float64]

COSMIC_BACKGROUND_K = 2.7
MEAN_RADIATING_TEMPERATURE_K = 275.0
# Above this share of the year there is no rain attenuation; below it gas and cloud keep their value of this share.
RAIN_PERCENT = 5.0
HEIGHTS_KM = (-1.0, 100.0)  # of stations: from below the lowest ground to the end of the reference atmosphere


SKY_HZ, SEEN = Accepted(1e9, 55e9), Accepted(5.0, 90.0)


@dataclass(frozen=True)
class TotalAttenuation:
    """Attenuation exceeded for the share of the average year that was asked for, by cause and together."""

    gas_db: Array
    cloud_db: Array
    rain_db: Array
    scintillation_db: Array
    total_db: Array


@checked(
    latitude_deg=LATITUDES,
    longitude_deg=LONGITUDES,
    freq_hz=Accepted(1e9, 55e9),
    elevation_deg=Accepted(5.0, 90.0),
    unavailability_percent=Accepted(0.001, 50.0),
    polarization_tilt_deg=FINITE,
    antenna_diameter_m=POSITIVE,
    antenna_efficiency=SHARE,
    station_height_km=Accepted(*HEIGHTS_KM),
)
def total_attenuation(
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    unavailability_percent: ArrayLike,
    polarization_tilt_deg: ArrayLike = 45.0,
    antenna_diameter_m: ArrayLike = 1.0,
    antenna_efficiency: ArrayLike = 0.65,
    station_height_km: ArrayLike | None = None,
) -> TotalAttenuation:
    """Attenuation exceeded for a share of the average year at earth stations anywhere. Arguments broadcast.

    `polarization_tilt_deg` is 0 horizontal, 90 vertical, 45 circular; of the antenna hangs how much scintillation
    averages out; without `station_height_km` the ground's own altitude is taken. From 1 to 55 GHz, elevations of 5 to
    90 degrees, 0.001 to 50 %, antennas larger than 0 m of an efficiency above 0 to 1, and heights of -1 to 100 km.
    Raises `OutOfRange` outside, where `or_nan` gives nan.

    Source: ITU-R P.618-14, section 2.5; gas and cloud below 5 % as at 5 %, rain above 5 % none.
    """
    lat, lon, freq, elevation = _path(latitude_deg, longitude_deg, freq_hz, elevation_deg)
    height = altitude_km.or_nan(lat, lon) if station_height_km is None else _within(station_height_km, *HEIGHTS_KM)
    percent, tilt = _within(unavailability_percent, 0.001, 50), _within(polarization_tilt_deg)
    diameter, efficiency = np.asarray(antenna_diameter_m, float), np.asarray(antenna_efficiency, float)
    steady_percent = np.maximum(percent, RAIN_PERCENT)
    gas_db = _gas_db(lat, lon, freq, elevation, height, steady_percent)
    cloud_db = cloud_attenuation_db.or_nan(
        freq, elevation, cloud_liquid_water_kg_per_m2.or_nan(lat, lon, steady_percent)
    )
    deviation_db = scintillation_deviation_db.or_nan(
        freq, elevation, diameter, efficiency, wet_refractivity.or_nan(lat, lon)
    )
    scintillation_db = scintillation_fade_db.or_nan(deviation_db, percent)
    rain_db = rain_attenuation_db.or_nan(lat, freq, elevation, np.minimum(percent, RAIN_PERCENT), tilt, height,
                                  rain_height_km.or_nan(lat, lon), rain_rate_mm_per_h.or_nan(lat, lon))  # fmt: skip
    rain_db = np.where(percent > RAIN_PERCENT, 0.0, rain_db)
    return together.or_nan(gas_db, cloud_db, rain_db, scintillation_db)


@checked(gas_db=NOT_NEGATIVE, cloud_db=NOT_NEGATIVE, rain_db=NOT_NEGATIVE, scintillation_db=NOT_NEGATIVE)
def together(
    gas_db: ArrayLike, cloud_db: ArrayLike, rain_db: ArrayLike, scintillation_db: ArrayLike
) -> TotalAttenuation:
    """Total of the four causes, each exceeded for the same share of the year. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.5: gas adds up with the root of the squares of rain with cloud, and scintillation.
    """
    gas, cloud, rain, scintillation = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (gas_db, cloud_db, rain_db, scintillation_db))
    )
    return TotalAttenuation(gas, cloud, rain, scintillation, gas + np.hypot(rain + cloud, scintillation))


@checked(
    latitude_deg=LATITUDES,
    longitude_deg=LONGITUDES,
    freq_hz=SKY_HZ,
    elevation_deg=SEEN,
    station_height_km=Accepted(*HEIGHTS_KM),
)
def clear_sky_noise_temperature_k(
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    station_height_km: ArrayLike | None = None,
) -> Array:
    """Noise temperature of the sky without cloud and rain, with the vapour exceeded for 5 % of the average year.

    Arguments broadcast; without `station_height_km` the ground's own altitude is taken. nan off the globe and outside
    1 to 55 GHz, elevations of 5 to 90 degrees and heights of -1 to 100 km.

    Source: ITU-R P.618-14, section 3, with the gas of `total_attenuation`.
    """
    lat, lon, freq, elevation = _path(latitude_deg, longitude_deg, freq_hz, elevation_deg)
    height = altitude_km.or_nan(lat, lon) if station_height_km is None else _within(station_height_km, *HEIGHTS_KM)
    return sky_noise_temperature_k.or_nan(_gas_db(lat, lon, freq, elevation, height, np.asarray(RAIN_PERCENT)))


def _path(latitude_deg: ArrayLike, longitude_deg: ArrayLike, freq_hz: ArrayLike,
          elevation_deg: ArrayLike) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """The arguments as arrays, nan where total attenuation has no answer."""
    return (
        _within(latitude_deg, -90, 90),
        _within(longitude_deg),
        _within(freq_hz, 1e9, 55e9),
        _within(elevation_deg, 5, 90),
    )


def _within(value: ArrayLike, lowest: float = -np.finfo(float).max, highest: float = np.finfo(float).max) -> Array:
    """The value, nan outside the range: so nothing is computed, and warned of, that has no answer."""
    values = np.asarray(value, float)
    return np.where((values >= lowest) & (values <= highest), values, np.nan)


def _gas_db(lat: Array, lon: Array, freq_hz: Array, elevation_deg: Array, height_km: Array, percent: Array) -> Array:
    mean, exceeded = air_of_the_year.or_nan(lat, lon, height_km, percent)
    return gas_attenuation_db.or_nan(freq_hz, elevation_deg, mean.air, exceeded.air, exceeded.vapour_content_kg_per_m2)


@checked(attenuation_db=NOT_NEGATIVE, mean_radiating_temperature_k=POSITIVE)
def sky_noise_temperature_k(
    attenuation_db: ArrayLike, mean_radiating_temperature_k: ArrayLike = MEAN_RADIATING_TEMPERATURE_K
) -> Array:
    """Noise temperature of the sky as a ground antenna sees it through an attenuating path. Arguments broadcast.

    `attenuation_db` is the total without scintillation, which absorbs nothing; nan where it is negative.

    Source: ITU-R P.618-14, section 3.
    """
    attenuation = np.asarray(attenuation_db, float)
    passed = 10 ** (-np.where(attenuation >= 0, attenuation, np.nan) / 10)
    temperature_k: Array = np.asarray(mean_radiating_temperature_k) * (1 - passed) + COSMIC_BACKGROUND_K * passed
    return temperature_k


@checked(surface_temperature_k=POSITIVE)
def mean_radiating_temperature_k(surface_temperature_k: ArrayLike) -> Array:
    """Mean radiating temperature of the air above ground of a known temperature. Source: ITU-R P.618-14, section 3."""
    temperature_k: Array = 37.34 + 0.81 * np.asarray(surface_temperature_k, float)
    return temperature_k
