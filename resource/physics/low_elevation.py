"""Fading by scintillation and multipath below 5 degrees, where a path skims the layers of the lower air.

Words and symbols of ITU-R P.618-14, section 2.4.2, with the bending of P.834-9. Two curves meet at a fade of 25 dB:
what fades deeper follows a geoclimatic law, what fades less is drawn from there to the scintillation at 5 degrees.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import FINITE, LATITUDES, NOT_NEGATIVE, POSITIVE, SHARE, Accepted, checked
from satcom.resource.physics.scintillation import (
    LAYER_CURVE,
    aperture_averaging_x,
    scintillation_deviation_db,
    scintillation_fade_db,
)

Array = NDArray[np.float64]

TRANSITION_DB = 25.0  # where the deep fades end and the shallow ones begin
UPPER_DEG = 5.0
# of 1 + the apparent elevation in mrad, in the average year and in its worst month
YEAR_FALL_DB, MONTH_FALL_DB = 59.5, 55.0


FADING_HZ, FADING_PERCENT = Accepted(1e9, 45e9), Accepted(0.0, 100.0, above=True)


@checked(free_space_elevation_deg=Accepted(-1.0, 90.0), altitude_km=Accepted(0.0, 3.0))
def bending_deg(free_space_elevation_deg: ArrayLike, altitude_km: ArrayLike) -> Array:
    """By how much the air lifts the apparent elevation over the one of a straight ray. Arguments broadcast.

    nan outside -1 to 90 degrees and above 3 km, for which the approximation was made.

    Source: ITU-R P.834-9, Annex 1, equations 11 and 12.
    """
    e, h = np.asarray(free_space_elevation_deg, float), np.asarray(altitude_km, float)
    e = np.where((e >= -1) & (e <= 90) & (h >= 0) & (h <= 3), e, np.nan)
    at_sea = 1.728 + 0.5411 * e + 0.03723 * e**2
    lifted_deg: Array = 1 / (at_sea + h * (0.1815 + 0.06272 * e + 0.01380 * e**2) + h**2 * (0.01727 + 0.008288 * e))
    return lifted_deg


@checked(gradient_percent=Accepted(0.0, 100.0), latitude_deg=LATITUDES, path_coefficient_db=FINITE)
def geoclimatic_factor(
    gradient_percent: ArrayLike, latitude_deg: ArrayLike, path_coefficient_db: ArrayLike = 76.0
) -> Array:
    """K_w: how often layers that reflect lie over a place. Arguments broadcast.

    `gradient_percent` is p_L, the share of the worst month with a refractivity gradient below -100 N-units/km.
    `path_coefficient_db` is C0: 76 over land below 700 m; 70 over land from 700 m up; over water or its flat coast 6 dB
    more than over land.

    Source: ITU-R P.618-14, section 2.4.2.1, step 2.
    """
    latitude = np.abs(np.asarray(latitude_deg, float))
    by_latitude_db = np.clip(latitude - 53, 0, 7)
    factor: Array = np.asarray(gradient_percent, float) ** 1.5 * 10 ** (
        (np.asarray(path_coefficient_db, float) + by_latitude_db) / 10
    )
    return factor


@checked(latitude_deg=LATITUDES)
def annual_decrease_db(latitude_deg: ArrayLike) -> Array:
    """Nu: how much less fades in the average year than in the worst month. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.4.2.1, step 3.
    """
    latitude = np.asarray(latitude_deg, float)
    sign = np.where(np.abs(latitude) <= 45, 1.0, -1.0)
    swing = 1.1 + sign * np.abs(np.cos(np.radians(2 * latitude))) ** 0.7
    decrease_db: Array = -1.8 - 5.6 * np.log10(swing)
    return decrease_db


@checked(
    freq_hz=FADING_HZ,
    apparent_elevation_deg=Accepted(0.0, 90.0),
    percent=FADING_PERCENT,
    factor=NOT_NEGATIVE,
    latitude_deg=LATITUDES,
)
def deep_fade_db(
    freq_hz: ArrayLike,
    apparent_elevation_deg: ArrayLike,
    percent: ArrayLike,
    factor: ArrayLike,
    latitude_deg: ArrayLike,
    worst_month: bool = False,
) -> Array:
    """Fade of more than about 25 dB that is exceeded for a share of the average year, or of its worst month.

    Arguments broadcast. nan outside 1 to 45 GHz and 0 to 100 %, and below the horizon.

    Source: ITU-R P.618-14, section 2.4.2.1, step 3.
    """
    freq_ghz, share = np.asarray(freq_hz, float) / 1e9, np.asarray(percent, float)
    above_mrad = 1e3 * np.radians(np.asarray(apparent_elevation_deg, float))
    known = (freq_ghz >= 1) & (freq_ghz <= 45) & (share > 0) & (share <= 100) & (above_mrad >= 0)
    fall_db, decrease_db = _law(latitude_deg, worst_month)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_horizon_db = 10 * np.log10(np.asarray(factor, float) / share) - decrease_db + 9 * np.log10(freq_ghz)
        fade_db: Array = at_horizon_db - fall_db * np.log10(1 + above_mrad)
    return np.where(known, fade_db, np.nan)


def _law(latitude_deg: ArrayLike, worst_month: bool) -> tuple[float, Array]:
    """How a deep fade falls with the elevation, and how much less it is than in the worst month."""
    if worst_month:
        return MONTH_FALL_DB, np.zeros(np.shape(latitude_deg))
    return YEAR_FALL_DB, annual_decrease_db.or_nan(latitude_deg)


@checked(freq_hz=FADING_HZ, percent=FADING_PERCENT, factor=NOT_NEGATIVE, latitude_deg=LATITUDES)
def transition_elevation_mrad(
    freq_hz: ArrayLike,
    percent: ArrayLike,
    factor: ArrayLike,
    latitude_deg: ArrayLike,
    worst_month: bool = False,
) -> Array:
    """Theta 1: the apparent elevation at which the deep fade is 25 dB. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.4.2.2, step 1.
    """
    at_horizon_db = deep_fade_db.or_nan(freq_hz, 0.0, percent, factor, latitude_deg, worst_month)
    elevation_mrad: Array = 10 ** ((at_horizon_db - TRANSITION_DB) / _law(latitude_deg, worst_month)[0]) - 1
    return elevation_mrad


@checked(freq_hz=Accepted(1e9, 55e9), antenna_diameter_m=POSITIVE, antenna_efficiency=SHARE)
def scintillation_slope_per_mrad(
    freq_hz: ArrayLike, antenna_diameter_m: ArrayLike, antenna_efficiency: ArrayLike
) -> Array:
    """Relative change of the scintillation fade at 5 degrees by elevation. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.4.2.2, step 4: g'(x)/g(x) dx/dtheta - 1.2/tan(theta), by mrad.
    """
    sine, cosine = np.sin(np.radians(UPPER_DEG)), np.cos(np.radians(UPPER_DEG))
    x = aperture_averaging_x.or_nan(freq_hz, UPPER_DEG, antenna_diameter_m, antenna_efficiency)
    dx = x * cosine / np.sqrt(sine**2 + LAYER_CURVE)
    squared, zeta = x**2 + 1, 11 / 6 * np.arctan2(1.0, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        rises = 1770 * squared + 2123 * x ** (1 / 6) * squared ** (11 / 12) * (np.cos(zeta) - x * np.sin(zeta))
        stands = 12 * x ** (1 / 6) * squared * (354 * x ** (5 / 6) - 193 * squared ** (11 / 12) * np.sin(zeta))
        averaged = np.where(x > 0, rises / stands * dx, 0.0)
    slope: Array = (averaged - 1.2 * cosine / sine) / 1000
    return slope


@checked(
    latitude_deg=LATITUDES,
    altitude_km=Accepted(0.0, 3.0),
    freq_hz=FADING_HZ,
    elevation_deg=Accepted(-1.0, UPPER_DEG),
    percent=Accepted(0.001, 50.0),
    antenna_diameter_m=POSITIVE,
    antenna_efficiency=SHARE,
    wet_refractivity_n=NOT_NEGATIVE,
    gradient_percent=Accepted(0.0, 100.0),
    path_coefficient_db=FINITE,
)
def low_elevation_fade_db(
    latitude_deg: ArrayLike,
    altitude_km: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    percent: ArrayLike,
    antenna_diameter_m: ArrayLike,
    antenna_efficiency: ArrayLike,
    wet_refractivity_n: ArrayLike,
    gradient_percent: ArrayLike,
    path_coefficient_db: ArrayLike = 76.0,
    worst_month: bool = False,
) -> Array:
    """Fade by scintillation and multipath that is exceeded for a share of the time. Arguments broadcast.

    `elevation_deg` is the one of a straight ray, as the orbit gives it; `gradient_percent` and `path_coefficient_db`
    are those of `geoclimatic_factor`. nan outside 1 to 45 GHz, below the horizon and from 5 degrees up.

    Source: ITU-R P.618-14, section 2.4.2.
    """
    elevation = np.asarray(elevation_deg, float)
    elevation = np.where(elevation < UPPER_DEG, elevation, np.nan)
    apparent_deg = elevation + bending_deg.or_nan(elevation, altitude_km)
    factor = geoclimatic_factor.or_nan(gradient_percent, latitude_deg, path_coefficient_db)
    law = (factor, latitude_deg, worst_month)
    deep_db = deep_fade_db.or_nan(freq_hz, apparent_deg, percent, *law)
    deviation_db = scintillation_deviation_db.or_nan(
        freq_hz, UPPER_DEG, antenna_diameter_m, antenna_efficiency, wet_refractivity_n
    )
    upper_db = scintillation_fade_db.or_nan(deviation_db, percent)
    from_mrad = transition_elevation_mrad.or_nan(freq_hz, percent, *law)
    from_slope = -_law(latitude_deg, worst_month)[0] * np.log10(np.e) / (1 + from_mrad)
    to_mrad = 1e3 * np.radians(UPPER_DEG + bending_deg.or_nan(UPPER_DEG, altitude_km))
    slope = scintillation_slope_per_mrad.or_nan(freq_hz, antenna_diameter_m, antenna_efficiency)
    shallow_db = _shallow_fade_db(
        1e3 * np.radians(apparent_deg), (from_mrad, to_mrad), upper_db, (from_slope, upper_db * slope)
    )
    fade_db: Array = np.where(deep_db >= TRANSITION_DB, deep_db, shallow_db)
    return fade_db


def _shallow_fade_db(
    apparent_mrad: Array, ends_mrad: tuple[Array, Array], upper_db: Array, slopes_db_per_mrad: tuple[Array, Array]
) -> Array:
    """The curve from 25 dB at the lower end to `upper_db` at the upper one, with the slopes of its neighbours there.

    Source: ITU-R P.618-14, section 2.4.2.2, steps 5 to 7.
    """
    (low, high), (at_low, at_high) = ends_mrad, slopes_db_per_mrad
    span, above = high - low, apparent_mrad - low
    alpha = at_low / TRANSITION_DB
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = (np.log(upper_db / TRANSITION_DB) - alpha * span) / span**2
        gamma = (at_high - upper_db * (alpha + 2 * beta * span)) / (upper_db * span**2)
    curve_db: Array = TRANSITION_DB * np.exp(
        alpha * above + beta * above**2 + gamma * above**2 * (apparent_mrad - high)
    )
    return curve_db
