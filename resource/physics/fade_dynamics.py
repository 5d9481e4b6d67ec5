"""Fade dynamics: how long fades last, how many there are, and how fast they come and go.

Words and symbols of ITU-R P.1623-1. A fade is what rain and clouds bring; scintillation is filtered out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from satcom.resource.physics.checked import FINITE, NOT_NEGATIVE, POSITIVE, Accepted, checked

Array = NDArray[np.float64]

SHORTEST_FADE_S = 1.0


class FadeDurations(NamedTuple):
    """Fades below one threshold: how their durations are distributed. Times in seconds.

    Up to `boundary_s` they follow a power law with `exponent`, beyond it log-normals of `deviation` around
    `long_mean_s` (their number) and `mean_s` (their time). `short_share` of the faded time belongs to the power law.
    """

    mean_s: Array
    deviation: Array
    exponent: Array
    boundary_s: Array
    long_mean_s: Array
    short_share: Array


@checked(freq_hz=Accepted(10e9, 50e9), elevation_deg=Accepted(5.0, 60.0), threshold_db=POSITIVE)
def fade_durations(freq_hz: ArrayLike, elevation_deg: ArrayLike, threshold_db: ArrayLike) -> FadeDurations:
    """The distribution's parameters. Arguments broadcast; nan outside 10 to 50 GHz, 5 to 60 degrees, 0 dB and less.

    Source: ITU-R P.1623-1, section 2.2, equations 6 to 13.
    """
    freq_ghz, elevation = np.asarray(freq_hz, float) / 1e9, np.asarray(elevation_deg, float)
    threshold = np.asarray(threshold_db, float)
    known = (freq_ghz >= 10) & (freq_ghz <= 50) & (elevation >= 5) & (elevation <= 60) & (threshold > 0)
    f, phi, a = (np.where(known, one, np.nan) for one in (freq_ghz, elevation, threshold))
    mean_s = 80 * phi**-0.4 * f**1.4 * a**-0.39
    deviation = 1.85 * f**-0.05 * a**-0.027
    exponent = 0.055 * f**0.65 * a**-0.003
    p1, p2 = 0.885 * exponent - 0.814, -1.05 * exponent**2 + 2.23 * exponent - 1.61
    boundary_s = mean_s * np.exp(p1 * deviation**2 + p2 * deviation - 0.39)
    long_mean_s = mean_s * np.exp(-(deviation**2))
    longer, more = (_beyond(boundary_s, middle_s, deviation) for middle_s in (mean_s, long_mean_s))
    ratio = np.sqrt(mean_s * long_mean_s) * (1 - exponent) * longer / (boundary_s * exponent * more)
    return FadeDurations(mean_s, deviation, exponent, boundary_s, long_mean_s, 1 / (1 + ratio))


def _beyond(duration_s: Array, middle_s: Array, deviation: Array) -> Array:
    tail: Array = ndtr(-np.log(duration_s / middle_s) / deviation)
    return tail


@checked(duration_s=NOT_NEGATIVE)
def longer_fades(fades: FadeDurations, duration_s: ArrayLike) -> Array:
    """Which part of the fades lasts longer; of those of a second and more. Arguments broadcast.

    Source: ITU-R P.1623-1, equation 14.
    """
    duration = np.maximum(np.asarray(duration_s, float), SHORTEST_FADE_S)
    tail = _beyond(duration, fades.long_mean_s, fades.deviation)
    at_boundary = _beyond(fades.boundary_s, fades.long_mean_s, fades.deviation)
    part: Array = np.where(
        duration <= fades.boundary_s,
        duration**-fades.exponent,
        fades.boundary_s**-fades.exponent * tail / at_boundary,
    )
    return part


@checked(duration_s=NOT_NEGATIVE)
def time_in_longer_fades(fades: FadeDurations, duration_s: ArrayLike) -> Array:
    """Which part of the faded time belongs to fades that last longer. Arguments broadcast.

    Source: ITU-R P.1623-1, equation 15.
    """
    duration = np.maximum(np.asarray(duration_s, float), SHORTEST_FADE_S)
    tail = _beyond(duration, fades.mean_s, fades.deviation) / _beyond(fades.boundary_s, fades.mean_s, fades.deviation)
    short = 1 - fades.short_share * (duration / fades.boundary_s) ** (1 - fades.exponent)
    part: Array = np.where(duration <= fades.boundary_s, short, (1 - fades.short_share) * tail)
    return part


@checked(faded_s=NOT_NEGATIVE)
def number_of_fades(fades: FadeDurations, faded_s: ArrayLike) -> Array:
    """How many fades of a second and more make up the faded time. Arguments broadcast.

    Source: ITU-R P.1623-1, equation 16.
    """
    number: Array = (
        np.asarray(faded_s, float)
        * (fades.short_share / fades.exponent)
        * (1 - fades.exponent)
        / fades.boundary_s ** (1 - fades.exponent)
    )
    return number


@checked(attenuation_db=Accepted(0.0, 20.0), cutoff_hz=Accepted(0.001, 1.0), interval_s=Accepted(1.0, 200.0))
def slope_deviation_db_per_s(attenuation_db: ArrayLike, cutoff_hz: ArrayLike, interval_s: ArrayLike) -> Array:
    """Standard deviation of the fade slope at an attenuation, in dB/s. Arguments broadcast.

    `cutoff_hz` is of the low-pass filter that takes scintillation out (0.02 Hz in temperate climates), `interval_s` the
    time over which the slope is taken. nan outside 0 to 20 dB, 0.001 to 1 Hz, 1 to 200 s.

    Source: ITU-R P.1623-1, section 3.2, equations 18 and 19; slope parameter 0.01 as for Europe and the United States.
    """
    level, cutoff, interval = (np.asarray(one, float) for one in (attenuation_db, cutoff_hz, interval_s))
    known = (level >= 0) & (level <= 20) & (cutoff >= 0.001) & (cutoff <= 1) & (interval >= 1) & (interval <= 200)
    with np.errstate(invalid="ignore"):
        smoothed = ((1 / cutoff) ** 2.3 + (2 * interval) ** 2.3) ** (1 / 2.3)
        deviation: Array = np.where(known, 0.01 * np.sqrt(4 * np.pi**2 / smoothed) * level, np.nan)
    return deviation


@checked(slope_db_per_s=FINITE, deviation_db_per_s=POSITIVE)
def slope_exceeded(slope_db_per_s: ArrayLike, deviation_db_per_s: ArrayLike) -> Array:
    """Probability that the slope is greater, given the attenuation that the deviation is of. Arguments broadcast.

    Source: ITU-R P.1623-1, equation 21.
    """
    x = np.asarray(slope_db_per_s, float) / np.asarray(deviation_db_per_s, float)
    exceeded: Array = 0.5 - x / (np.pi * (1 + x**2)) - np.arctan(x) / np.pi
    return exceeded


@checked(slope_db_per_s=FINITE, deviation_db_per_s=POSITIVE)
def slope_density(slope_db_per_s: ArrayLike, deviation_db_per_s: ArrayLike) -> Array:
    """Probability density of the slope, in s/dB. Arguments broadcast.

    Source: ITU-R P.1623-1, equation 20.
    """
    deviation = np.asarray(deviation_db_per_s, float)
    density: Array = 2 / (np.pi * deviation * (1 + (np.asarray(slope_db_per_s, float) / deviation) ** 2) ** 2)
    return density
