"""Year to year: how far the share of a single year in which rain attenuates by more than A strays from the average.

Predictions hold for an average year. The share of one year is normally distributed around it: some of it is chance
(a year holds a limited number of storms), some the climate of the place (wet years and dry ones).

Words: ITU-R P.678-3 (07/2015), annexes 2 (inter-annual variability) and 3 (risk).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gamma, gammaincc, ndtr, ndtri

from satcom.resource.physics.checked import CONFIDENCE, LATITUDES, LONGITUDES, NOT_NEGATIVE, Accepted, checked
from satcom.resource.physics.maps import digital_map

Array = NDArray[np.float64]

LEAST_PERCENT, MOST_PERCENT = 0.01, 2.0  # of the year: where the method holds
LAST_ROW_DEG = 89.75
MINUTES = 525_960  # of a year
STEP_S = 60.0
DECAY_PER_S = 0.0265
SHAPE_SLOPE, SHAPE_AT_1 = -0.0396, 0.286
ONE_BY_ONE = 1000  # terms of the sum; the smooth rest is an integral


YEAR_PERCENT = Accepted(LEAST_PERCENT, MOST_PERCENT)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def climatic_ratio(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Standard deviation of the climate's part of a yearly share, over the long-term share. nan off the globe.

    Source: ITU-R P.678-3, annex 2, and its digital map. Arguments broadcast. Beyond its last
    rows (89.75 degrees) these count.
    """
    lat = np.asarray(latitude_deg, dtype=np.float64)
    within = np.where(np.abs(lat) <= 90, np.clip(lat, -LAST_ROW_DEG, LAST_ROW_DEG), np.nan)
    return digital_map("climatic_ratio").at(within, longitude_deg)


@checked(percent=YEAR_PERCENT, ratio=NOT_NEGATIVE)
def year_deviation_percent(percent: ArrayLike, ratio: ArrayLike) -> Array:
    """Standard deviation, in percent of the year, of a yearly share whose long-term mean is `percent`.

    `ratio` is the `climatic_ratio` of the place. Arguments broadcast; nan outside 0.01 to 2 %.
    Source: ITU-R P.678-3, annex 2, equations 1 to 6.
    """
    asked = np.asarray(percent, dtype=np.float64)
    share = np.where((asked >= LEAST_PERCENT) & (asked <= MOST_PERCENT), asked / 100, np.nan)
    by_chance = share * (1 - share) * correlated_minutes.or_nan(share) / MINUTES
    by_climate = (np.asarray(ratio, dtype=np.float64) * share) ** 2
    deviation: Array = 100 * np.sqrt(by_chance + by_climate)
    return deviation


@checked(share=Accepted(0.0, 1.0, above=True))
def correlated_minutes(share: ArrayLike) -> Array:
    """Sum C of the correlation of attenuation exceeded for a share (0 to 1) of the time, over a year of minutes.

    Source: ITU-R P.678-3, annex 2, equations 2 to 4. Terms beyond the first thousand are integrated (midpoint rule),
    which changes the sum by less than 1e-6 of it.
    """
    p = np.asarray(share, dtype=np.float64)[..., None]
    b = SHAPE_SLOPE * np.log(p) + SHAPE_AT_1
    near = np.exp(-DECAY_PER_S * (STEP_S * np.arange(1, ONE_BY_ONE)) ** b).sum(axis=-1)
    b = b[..., 0]
    ends = (STEP_S * (ONE_BY_ONE - 0.5), STEP_S * (MINUTES - 0.5))
    first, last = (gammaincc(1 / b, DECAY_PER_S * end**b) for end in ends)
    rest = gamma(1 / b) / b * DECAY_PER_S ** (-1 / b) * (first - last) / STEP_S
    total: Array = 1 + 2 * (near + rest)
    return total


@checked(yearly_percent=Accepted(0.0, 100.0), percent=YEAR_PERCENT, ratio=NOT_NEGATIVE)
def risk(yearly_percent: ArrayLike, percent: ArrayLike, ratio: ArrayLike) -> Array:
    """Probability (0 to 1) that in a year an attenuation is exceeded for longer than `yearly_percent`.

    `percent` is its long-term share. Arguments broadcast; nan as `year_deviation_percent`.
    Source: ITU-R P.678-3, annex 3, equation 8.
    """
    far = np.asarray(yearly_percent, dtype=np.float64) - np.asarray(percent, dtype=np.float64)
    probability: Array = ndtr(-far / year_deviation_percent.or_nan(percent, ratio))
    return probability


@checked(percent=YEAR_PERCENT, ratio=NOT_NEGATIVE, confidence=CONFIDENCE)
def yearly_percent_not_exceeded(percent: ArrayLike, ratio: ArrayLike, confidence: ArrayLike) -> Array:
    """The share that a year stays below with this confidence (0 to 1, both left out): `risk` turned round.

    Never below 0. Arguments broadcast; nan as `year_deviation_percent`.
    """
    c = np.asarray(confidence, dtype=np.float64)
    quantile = ndtri(np.where((c > 0) & (c < 1), c, np.nan))
    return np.maximum(
        np.asarray(percent, dtype=np.float64) + quantile * year_deviation_percent.or_nan(percent, ratio), 0
    )
