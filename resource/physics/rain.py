"""Rain: how hard it rains at a place, how high the rain reaches, and what a slant path loses in it.

Words and symbols of ITU-R P.837-7 (rain rate), P.838-3 (specific attenuation), P.839-4 (rain height) and
P.618-14, section 2.2.1.1 (attenuation exceeded for a share of the average year).

What rain adds to the noise, and what other losses come with it: `attenuation`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import (
    ABOVE_HORIZON,
    FINITE,
    LATITUDES,
    LONGITUDES,
    NOT_NEGATIVE,
    Accepted,
    checked,
)
from satcom.resource.physics.maps import digital_map

Array = NDArray[np.float64]

EFFECTIVE_EARTH_RADIUS_KM = 8500.0
DAYS_OF_MONTH = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

# P.838-3, tables 1 to 4: one row (a, b, c) per term, then the slope m and the constant c.
_K_H = (
    ((-5.33980, -0.10008, 1.13098), (-0.35351, 1.26970, 0.45400), (-0.23789, 0.86036, 0.15354),
     (-0.94158, 0.64552, 0.16817)), -0.18961, 0.71147,
)  # fmt: skip
_K_V = (
    ((-3.80595, 0.56934, 0.81061), (-3.44965, -0.22911, 0.51059), (-0.39902, 0.73042, 0.11899),
     (0.50167, 1.07319, 0.27195)), -0.16398, 0.63297,
)  # fmt: skip
_ALPHA_H = (
    ((-0.14318, 1.82442, -0.55187), (0.29591, 0.77564, 0.19822), (0.32177, 0.63773, 0.13164),
     (-5.37610, -0.96230, 1.47828), (16.1721, -3.29980, 3.43990)), 0.67849, -1.95537,
)  # fmt: skip
_ALPHA_V = (
    ((-0.07771, 2.33840, -0.76284), (0.56727, 0.95545, 0.54039), (-0.20238, 1.14520, 0.26809),
     (-48.2991, 0.791669, 0.116226), (48.5833, 0.791459, 0.116479)), -0.053739, 0.83433,
)  # fmt: skip


POWER_LAW_HZ, RAIN_HZ = Accepted(1e9, 1000e9), Accepted(1e9, 55e9)


class PowerLaw(NamedTuple):
    """Coefficients of the power law of rain for horizontal and vertical polarization."""

    k_h: Array
    alpha_h: Array
    k_v: Array
    alpha_v: Array


@checked(freq_hz=POWER_LAW_HZ)
def power_law_coefficients(freq_hz: ArrayLike) -> PowerLaw:
    """Coefficients k and alpha of both polarizations; nan outside 1 to 1000 GHz.

    Source: ITU-R P.838-3, equations 2 and 3.
    """
    freq_ghz = np.asarray(freq_hz, float) / 1e9
    with np.errstate(divide="ignore", invalid="ignore"):
        log_f = np.where((freq_ghz >= 1) & (freq_ghz <= 1000), np.log10(freq_ghz), np.nan)
    return PowerLaw(
        10.0 ** _curve(log_f, *_K_H), _curve(log_f, *_ALPHA_H), 10.0 ** _curve(log_f, *_K_V), _curve(log_f, *_ALPHA_V)
    )


def _curve(log_f: Array, terms: tuple[tuple[float, float, float], ...], slope: float, constant: float) -> Array:
    a, b, c = np.array(terms).T
    curve: Array = np.exp(-(((log_f[..., None] - b) / c) ** 2)) @ a + slope * log_f + constant
    return curve


@checked(freq_hz=POWER_LAW_HZ, rain_rate_mm_per_h=NOT_NEGATIVE, elevation_deg=Accepted(0.0, 90.0), tilt_deg=FINITE)
def rain_specific_attenuation_db_per_km(
    freq_hz: ArrayLike, rain_rate_mm_per_h: ArrayLike, elevation_deg: ArrayLike, tilt_deg: ArrayLike
) -> Array:
    """Attenuation in one kilometre of rain. Arguments broadcast; nan outside 1 to 1000 GHz or for a rate below 0.

    `tilt_deg` is the polarization's angle to the horizontal: 0 horizontal, 90 vertical, 45 circular.

    Source: ITU-R P.838-3, equations 1, 4 and 5.
    """
    k_h, alpha_h, k_v, alpha_v = power_law_coefficients.or_nan(freq_hz)
    elevation_rad, tilt_rad = np.radians(elevation_deg), np.radians(tilt_deg)
    slant = np.cos(elevation_rad) ** 2 * np.cos(2 * tilt_rad)
    k = (k_h + k_v + (k_h - k_v) * slant) / 2
    alpha = (k_h * alpha_h + k_v * alpha_v + (k_h * alpha_h - k_v * alpha_v) * slant) / (2 * k)
    with np.errstate(invalid="ignore"):
        attenuation_db_per_km: Array = k * np.asarray(rain_rate_mm_per_h, float) ** alpha
    return attenuation_db_per_km


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def rain_height_km(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Mean annual height of the rain above mean sea level. Arguments broadcast; nan off the globe.

    Source: ITU-R P.839-4, equation 1 and its map of the 0 degree isotherm.
    """
    return digital_map("zero_isotherm").at(latitude_deg, longitude_deg) + 0.36


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def rain_rate_mm_per_h(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Rain rate exceeded for 0.01 % of the average year (R0.01, one minute). Arguments broadcast; nan off the globe.

    Source: ITU-R P.837-7, map of R0.01.
    """
    return digital_map("rain_rate").at(latitude_deg, longitude_deg)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def rain_probability_percent(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Share of the average year in which it rains (P0). Arguments broadcast; nan off the globe.

    Source: ITU-R P.837-7, Annex 1, steps 2 to 7.
    """
    _, monthly_percent = _monthly_rain(latitude_deg, longitude_deg)
    share: Array = monthly_percent @ DAYS_OF_MONTH / 365.25
    return share


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, unavailability_percent=Accepted(0.001, 100.0))
def rain_rate_exceeded_mm_per_h(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, unavailability_percent: ArrayLike
) -> Array:
    """Rain rate exceeded for any share of the average year (Rp, one minute). Arguments broadcast.

    0 where it does not rain for so long, nan off the globe or outside 0.001 to 100 %. Solved to 1e-9 of the rate.
    For 0.01 % the Recommendation has a map, `rain_rate_mm_per_h`; between grid points the two differ by up to 0.1 %.

    Source: ITU-R P.837-7, Annex 1, equations 1 to 5.
    """
    lat, lon, percent = np.broadcast_arrays(*(np.asarray(a, float) for a in (latitude_deg, longitude_deg,
                                                                             unavailability_percent)))  # fmt: skip
    rate, monthly_percent = _monthly_rain(lat, lon)
    log_rate = np.log(rate)
    weights = monthly_percent * DAYS_OF_MONTH / 365.25
    low, high = np.full(lat.shape, np.log(1e-4)), np.full(lat.shape, np.log(2000.0))
    for _ in range(36):
        middle = (low + high) / 2
        exceeded = (weights * _normal_tail((middle[..., None] + 0.7938 - log_rate) / 1.26)).sum(axis=-1)
        low, high = np.where(exceeded > percent, middle, low), np.where(exceeded > percent, high, middle)
    rains = weights.sum(axis=-1)
    known = (percent >= 0.001) & (percent <= 100) & np.isfinite(rains)
    rain_rate: Array = np.where(known, np.where(percent < rains, np.exp((low + high) / 2), 0.0), np.nan)
    return rain_rate


def _monthly_rain(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> tuple[Array, Array]:
    """Rain rate of each month while it rains (mm/h) and share of the month in which it rains (%), on the last axis.

    Source: ITU-R P.837-7, Annex 1, steps 2 to 6.
    """
    celsius = digital_map("monthly_temperature").every_level_at(latitude_deg, longitude_deg) - 273.15
    hourly_mm = digital_map("monthly_rainfall").every_level_at(latitude_deg, longitude_deg) / (24 * DAYS_OF_MONTH)
    rate = 0.5874 * np.exp(0.0883 * np.maximum(celsius, 0.0))
    percent = 100 * hourly_mm / rate
    return np.where(percent > 70, hourly_mm / 0.7, rate), np.minimum(percent, 70.0)


def _normal_tail(x: Array) -> Array:
    """Probability that a standard normal variable exceeds x, to 14 digits (Hart, Computer Approximations, 5666).

    Importing SciPy's would add a tenth to the start of every command.
    """
    z = np.abs(x)
    top = np.polyval((3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871,
                      221.213596169931, 220.206867912376), z)  # fmt: skip
    bottom = np.polyval((8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674,
                         637.333633378831, 793.826512519948, 440.413735824752), z)  # fmt: skip
    far = z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))))
    tail = np.exp(-(z**2) / 2) * np.where(z < 7.07106781186547, top / bottom, 1 / (far * np.sqrt(2 * np.pi)))
    return np.where(x > 0, tail, 1 - tail)


class RainPath(NamedTuple):
    """Intermediate results of P.618-14, section 2.2.1.1, in its order."""

    slant_length_km: Array
    ground_length_km: Array
    specific_db_per_km: Array
    horizontal_reduction: Array
    vertical_adjustment: Array
    effective_length_km: Array
    attenuation_001_db: Array


@checked(
    latitude_deg=LATITUDES,
    freq_hz=RAIN_HZ,
    elevation_deg=ABOVE_HORIZON,
    polarization_tilt_deg=FINITE,
    station_height_km=FINITE,
    rain_height_km=FINITE,
    rain_rate_001_mm_per_h=NOT_NEGATIVE,
)
def rain_path(
    latitude_deg: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    polarization_tilt_deg: ArrayLike,
    station_height_km: ArrayLike,
    rain_height_km: ArrayLike,
    rain_rate_001_mm_per_h: ArrayLike,
) -> RainPath:
    """The way of the signal through the rain exceeded for 0.01 % of the year. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.2.1.1, steps 2 to 9.
    """
    freq_ghz = np.asarray(freq_hz, float) / 1e9
    elevation = np.asarray(elevation_deg, float)
    sine, cosine = np.sin(np.radians(elevation)), np.cos(np.radians(elevation))
    height = np.maximum(np.asarray(rain_height_km, float) - np.asarray(station_height_km, float), 0.0)
    specific = rain_specific_attenuation_db_per_km.or_nan(
        freq_hz, rain_rate_001_mm_per_h, elevation, polarization_tilt_deg
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        low = 2 * height / (np.sqrt(sine**2 + 2 * height / EFFECTIVE_EARTH_RADIUS_KM) + sine)
        slant = np.where(elevation >= 5, height / sine, low)
        ground = slant * cosine
        reduction = 1 / (1 + 0.78 * np.sqrt(ground * specific / freq_ghz) - 0.38 * (1 - np.exp(-2 * ground)))
        steeper = np.degrees(np.arctan2(height, ground * reduction)) > elevation
        # Towards the zenith ground / cosine is the slant path itself.
        rain_length = np.where(steeper, slant * reduction, height / sine)
        chi = np.maximum(36 - np.abs(np.asarray(latitude_deg, float)), 0.0)
        growth = 31 * (1 - np.exp(-elevation / (1 + chi))) * np.sqrt(rain_length * specific) / freq_ghz**2
        adjustment = 1 / (1 + np.sqrt(sine) * (growth - 0.45))
        length = rain_length * adjustment
    return RainPath(slant, ground, specific, reduction, adjustment, length, specific * length)


@checked(
    latitude_deg=LATITUDES,
    freq_hz=RAIN_HZ,
    unavailability_percent=Accepted(0.001, 5.0),
    elevation_deg=ABOVE_HORIZON,
    polarization_tilt_deg=FINITE,
    station_height_km=FINITE,
    rain_height_km=FINITE,
    rain_rate_001_mm_per_h=NOT_NEGATIVE,
)
def rain_attenuation_db(
    latitude_deg: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    unavailability_percent: ArrayLike,
    polarization_tilt_deg: ArrayLike,
    station_height_km: ArrayLike,
    rain_height_km: ArrayLike,
    rain_rate_001_mm_per_h: ArrayLike,
) -> Array:
    """Rain attenuation exceeded for a share of the average year. Arguments broadcast.

    0 where it never rains or the station stands above the rain. nan outside 1 to 55 GHz, 0.001 to 5 % and elevations
    above 0 to 90 degrees.

    Source: ITU-R P.618-14, section 2.2.1.1, step 10.
    """
    percent, elevation = np.asarray(unavailability_percent, float), np.asarray(elevation_deg, float)
    at_001_db = rain_path.or_nan(
        latitude_deg, freq_hz, elevation, polarization_tilt_deg, station_height_km, rain_height_km,
        rain_rate_001_mm_per_h,
    ).attenuation_001_db  # fmt: skip
    beyond = np.minimum(np.abs(np.asarray(latitude_deg, float)) - 36, 0.0)
    sine = np.sin(np.radians(elevation))
    beta = -0.005 * beyond + np.where(elevation < 25, 1.8 - 4.25 * sine, 0.0)
    beta = np.where((percent >= 1) | (beyond == 0), 0.0, beta)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = 0.655 + 0.033 * np.log(percent) - 0.045 * np.log(at_001_db) - beta * (1 - percent) * sine
        scaled_db = at_001_db * (percent / 0.01) ** -exponent
    freq = np.asarray(freq_hz, float)
    known = (percent >= 0.001) & (percent <= 5) & (elevation > 0) & (elevation <= 90) & (freq >= 1e9) & (freq <= 55e9)
    attenuation_db: Array = np.where(known, np.where(at_001_db == 0, 0.0, scaled_db), np.nan)
    return attenuation_db
