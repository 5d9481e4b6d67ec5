"""Rain at two places or frequencies at once: how likely it attenuates a path at all, and how much two paths share.

Words and symbols of ITU-R P.618-14, sections 2.2.1.2 (probability of rain attenuation), 2.2.1.3 (frequency scaling) and
2.2.4 (site diversity), and of P.1815-1 (differential attenuation). Rain attenuation is log-normal while it rains.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, owens_t

from satcom.resource.physics.checked import ABOVE_HORIZON, FINITE, NOT_NEGATIVE, POSITIVE, Accepted, checked

Array = NDArray[np.float64]

# The shares of the year, in %, at which the log-normal is fitted: section 2.2.1.3.2, as in the examples.
FITTED_PERCENT = (5.0, 3.0, 2.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01)


APART = Accepted(0.0, infinite=True)
CORRELATION = Accepted(1e-12 - 1, 1 - 1e-12)


class LogNormal(NamedTuple):
    """Rain attenuation of a path while it rains: ln A has this mean and deviation; it rains for `probability`."""

    mean: Array
    deviation: Array
    probability: Array


@checked(first=FINITE, second=FINITE, correlation=CORRELATION)
def both_exceeded(first: ArrayLike, second: ArrayLike, correlation: ArrayLike) -> Array:
    """Probability that two standard normal variables exceed `first` and `second`. Arguments broadcast.

    The correlation lies between -1 and 1, both excluded. Owen's form of the bivariate normal integral (Ann. Math.
    Stat. 27, 1956), to 14 digits.
    """
    h, k, r = np.broadcast_arrays(*(np.asarray(one, float) for one in (first, second, correlation)))
    # Owen's ratios have no value at exactly 0: the smallest number stands for it
    h, k = (np.where(one == 0, np.finfo(float).tiny, one) for one in (-h, -k))
    root = np.sqrt(1 - r**2)
    apart = np.where((h < 0) != (k < 0), 0.5, 0.0)
    with np.errstate(over="ignore"):  # a ratio beyond all numbers is as good as infinite
        shared = owens_t(h, (k / h - r) / root) + owens_t(k, (h / k - r) / root)
    below = (ndtr(h) + ndtr(k)) / 2 - shared - apart
    probability: Array = np.clip(below, 0.0, 1.0)
    return probability


@checked(
    rain_probability_percent=Accepted(0.0, 100.0),
    elevation_deg=ABOVE_HORIZON,
    station_height_km=FINITE,
    rain_height_km=FINITE,
)
def path_rain_probability_percent(
    rain_probability_percent: ArrayLike,
    elevation_deg: ArrayLike,
    station_height_km: ArrayLike,
    rain_height_km: ArrayLike,
) -> Array:
    """Share of the average year in which rain attenuates a slant path: more than it rains at its foot.

    Arguments broadcast; nan for a probability outside 0 to 100 %; 0 where it never rains or above the rain.

    Source: ITU-R P.618-14, section 2.2.1.2.
    """
    rains = np.asarray(rain_probability_percent, float) / 100
    height_km = np.asarray(rain_height_km, float) - np.asarray(station_height_km, float)
    distance_km = height_km / np.tan(np.radians(elevation_deg))
    correlation = 0.59 * np.exp(-distance_km / 31) + 0.41 * np.exp(-distance_km / 800)
    with np.errstate(divide="ignore", invalid="ignore"):
        threshold = -ndtri(rains)
        both = both_exceeded.or_nan(threshold, threshold, np.minimum(correlation, 1 - 1e-12))
        share = 1 - (1 - rains) * (np.maximum(both - rains**2, 0.0) / (rains * (1 - rains))) ** rains
    known = (rains >= 0) & (rains <= 1)
    share = np.where(rains == 1, 1.0, np.where((rains > 0) & (height_km > 0), share, 0.0))
    percent: Array = np.where(known, 100 * share, np.nan)
    return percent


def fitted(attenuation_db: ArrayLike, probability_percent: ArrayLike, percent: ArrayLike = FITTED_PERCENT) -> LogNormal:
    """The log-normal that fits a rain attenuation's distribution best; `attenuation_db` of shape (..., shares).

    Shares of the year beyond the rain's, or without attenuation, take no part. nan with fewer than two that do.

    Source: ITU-R P.618-14, section 2.2.1.3.2 (least squares of ln A over the normal quantile of p / P).
    """
    attenuation = np.asarray(attenuation_db, float)
    rains = np.asarray(probability_percent, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        quantile = -ndtri(np.asarray(percent) / rains[..., None])
        log_a = np.log(attenuation)
    used = np.isfinite(quantile) & np.isfinite(log_a)
    count = used.sum(axis=-1)
    quantile, log_a = np.where(used, quantile, 0.0), np.where(used, log_a, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_q, mean_a = quantile.sum(axis=-1) / count, log_a.sum(axis=-1) / count
        deviation = ((quantile * log_a).sum(axis=-1) - count * mean_q * mean_a) / (
            (quantile**2).sum(axis=-1) - count * mean_q**2
        )
    return LogNormal(mean_a - deviation * mean_q, np.where(count < 2, np.nan, deviation), rains / 100)


@checked(target_db=POSITIVE, seen_db=POSITIVE, target_freq_hz=POSITIVE, seen_freq_hz=POSITIVE)
def exceeded_given_other(
    target_db: ArrayLike,
    seen_db: ArrayLike,
    target: LogNormal,
    seen: LogNormal,
    target_freq_hz: ArrayLike,
    seen_freq_hz: ArrayLike,
) -> Array:
    """Probability that rain attenuates more than `target_db` at one frequency while it takes `seen_db` at a lower one.

    Arguments broadcast; nan unless the target's frequency is the higher.

    Source: ITU-R P.618-14, section 2.2.1.3.1.
    """
    expected, deviation = _given_other(seen_db, target, seen, target_freq_hz, seen_freq_hz)
    probability: Array = ndtr((expected - np.log(np.asarray(target_db, float))) / deviation)
    return probability


@checked(probability=Accepted(0.0, 1.0), seen_db=POSITIVE, target_freq_hz=POSITIVE, seen_freq_hz=POSITIVE)
def level_given_other_db(
    probability: ArrayLike,
    seen_db: ArrayLike,
    target: LogNormal,
    seen: LogNormal,
    target_freq_hz: ArrayLike,
    seen_freq_hz: ArrayLike,
) -> Array:
    """The attenuation that `exceeded_given_other` exceeds with this probability.

    Source: ITU-R P.618-14, section 2.2.1.3.1.
    """
    expected, deviation = _given_other(seen_db, target, seen, target_freq_hz, seen_freq_hz)
    level_db: Array = np.exp(expected - deviation * ndtri(np.asarray(probability, float)))
    return level_db


def _given_other(
    seen_db: ArrayLike, target: LogNormal, seen: LogNormal, target_freq_hz: ArrayLike, seen_freq_hz: ArrayLike
) -> tuple[Array, Array]:
    """Mean and deviation of ln A at the one frequency, given A at the other."""
    ratio = np.asarray(target_freq_hz, float) / np.asarray(seen_freq_hz, float)
    with np.errstate(invalid="ignore"):
        spread = np.where(ratio > 1, 0.19 * (ratio - 1) ** 0.57, np.nan)
    above = np.log(np.asarray(seen_db, float)) - seen.mean
    expected = target.mean + target.deviation / seen.deviation * np.sqrt(1 - spread**2) * above
    return expected, target.deviation * spread


@checked(first_db=POSITIVE, second_db=POSITIVE, distance_km=APART)
def joint_exceedance_percent(
    first_db: ArrayLike, second_db: ArrayLike, first: LogNormal, second: LogNormal, distance_km: ArrayLike
) -> Array:
    """Share of the year in which rain attenuates two sites' paths by more than their margins at once.

    Arguments broadcast.

    Source: ITU-R P.618-14, section 2.2.4.1, equations 32 to 40.
    """
    raining, correlation = raining_at_both.or_nan(first.probability, second.probability, distance_km)
    exceeded = both_exceeded.or_nan(
        (np.log(np.asarray(first_db, float)) - first.mean) / first.deviation,
        (np.log(np.asarray(second_db, float)) - second.mean) / second.deviation,
        correlation,
    )
    percent: Array = 100 * raining * exceeded
    return percent


@checked(first_probability=Accepted(0.0, 1.0), second_probability=Accepted(0.0, 1.0), distance_km=APART)
def raining_at_both(
    first_probability: ArrayLike, second_probability: ArrayLike, distance_km: ArrayLike
) -> tuple[Array, Array]:
    """Probability that it rains at both sites, and how ln A of the two goes together then. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.2.4.1, equations 33 to 36.
    """
    distance = np.asarray(distance_km, float)
    rain_correlation = 0.7 * np.exp(-distance / 60) + 0.3 * np.exp(-((distance / 700) ** 2))
    correlation: Array = 0.94 * np.exp(-distance / 30) + 0.06 * np.exp(-((distance / 500) ** 2))
    quantiles = -ndtri(np.asarray(first_probability, float)), -ndtri(np.asarray(second_probability, float))
    # one site is the limit: the integral has no value at a correlation of exactly 1
    return both_exceeded.or_nan(*quantiles, np.minimum(rain_correlation, 1 - 1e-12)), correlation


def attenuated_less_percent(
    between_db: tuple[ArrayLike, ArrayLike],
    exceeded_percent: tuple[ArrayLike, ArrayLike],
    less_by_db: ArrayLike,
    first: LogNormal,
    second: LogNormal,
    distance_km: ArrayLike,
) -> Array:
    """Share of the year in which rain attenuates the first site by `between_db`, and the second by so much less.

    `exceeded_percent` are the shares in which the first is attenuated by more than either bound. Arguments broadcast.
    With the bounds far apart it tells how often a second site is better by `less_by_db`.

    Source: ITU-R P.1815-1, Annex 1, with 64 points of Gauss and Legendre for the integral.
    """
    low, high, less = (np.asarray(one, float) for one in (*between_db, less_by_db))
    points, weights = np.polynomial.legendre.leggauss(64)
    half = (np.log(high) - np.log(low)) / 2
    log_a = np.log(low)[..., None] + half[..., None] * (points + 1)
    raining, correlation = raining_at_both.or_nan(first.probability, second.probability, distance_km)
    u = (log_a - first.mean[..., None]) / first.deviation[..., None]
    left_db = np.exp(log_a) - less[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_left = np.where(left_db > 0, np.log(left_db), -np.inf)
    r = correlation[..., None]
    above = (log_left - second.mean[..., None]) / second.deviation[..., None] - r * u
    density = np.exp(-(u**2) / 2) / (np.sqrt(2 * np.pi) * first.deviation[..., None])
    second_more = half * (density * ndtr(-above / np.sqrt(1 - r**2)) * weights).sum(axis=-1)
    inside = np.asarray(exceeded_percent[0], float) - np.asarray(exceeded_percent[1], float)
    percent: Array = inside - 100 * raining * second_more
    return percent


@checked(
    attenuation_db=NOT_NEGATIVE,
    distance_km=Accepted(0.0, 20.0),
    freq_hz=POSITIVE,
    elevation_deg=Accepted(0.0, 90.0),
    baseline_angle_deg=Accepted(0.0, 90.0),
)
def diversity_gain_db(
    attenuation_db: ArrayLike,
    distance_km: ArrayLike,
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    baseline_angle_deg: ArrayLike,
) -> Array:
    """How much less a pair of sites is attenuated than one of them, for separations up to 20 km. Arguments broadcast.

    `baseline_angle_deg` is between the azimuth of the path and the line of the sites, at most 90 degrees; nan outside.

    Source: ITU-R P.618-14, section 2.2.4.2.
    """
    single_db, distance = np.asarray(attenuation_db, float), np.asarray(distance_km, float)
    angle = np.asarray(baseline_angle_deg, float)
    a = 0.78 * single_db - 1.94 * (1 - np.exp(-0.11 * single_db))
    b = 0.59 * (1 - np.exp(-0.1 * single_db))
    by_distance = a * (1 - np.exp(-b * distance))
    by_frequency = np.exp(-0.025 * np.asarray(freq_hz, float) / 1e9)
    by_elevation, by_angle = 1 + 0.006 * np.asarray(elevation_deg, float), 1 + 0.002 * angle
    known = (distance >= 0) & (distance <= 20) & (angle >= 0) & (angle <= 90) & (single_db >= 0)
    gain_db: Array = np.where(known, by_distance * by_frequency * by_elevation * by_angle, np.nan)
    return gain_db
