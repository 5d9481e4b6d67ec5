"""The worst month: what share of it is lost when a share of the average year is, and the other way round.

Words and symbols of ITU-R P.841, with which a yearly prediction is turned into the promise of each single month. The
parameters are the worldwide ones unless said otherwise; the Recommendation has others for some regions.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import POSITIVE, SHARE_PERCENT, Accepted, checked

Array = NDArray[np.float64]

WORLD_Q1, WORLD_BETA = 2.85, 0.13
MONTHS = 12.0


EXPONENT = Accepted(0.0, 0.9)


@checked(year_percent=SHARE_PERCENT, q1=POSITIVE, beta=EXPONENT)
def worst_month_factor(year_percent: ArrayLike, q1: ArrayLike = WORLD_Q1, beta: ArrayLike = WORLD_BETA) -> Array:
    """Q: how many times the average year's share the worst month's is, 1 to 12. Arguments broadcast.

    nan outside 0 to 100 %.

    Source: ITU-R P.841, Annex 1, equation 2.
    """
    share, q1, beta = np.asarray(year_percent, float), np.asarray(q1, float), np.asarray(beta, float)
    known = (share > 0) & (share <= 100)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_30 = q1 * 3.0**-beta
        towards_always = at_30 * (share / 30) ** (np.log10(at_30) / np.log10(0.3))
        factor = np.select([share < 3, share <= 30], [np.minimum(q1 * share**-beta, MONTHS), at_30], towards_always)
    return np.where(known, factor, np.nan)


@checked(year_percent=SHARE_PERCENT, q1=POSITIVE, beta=EXPONENT)
def worst_month_percent(year_percent: ArrayLike, q1: ArrayLike = WORLD_Q1, beta: ArrayLike = WORLD_BETA) -> Array:
    """The share of the worst month for a share of the average year, the whole month at most. Arguments broadcast.

    nan outside 0 to 100 %.

    Source: ITU-R P.841, Annex 1, equation 1.
    """
    share: Array = worst_month_factor.or_nan(year_percent, q1, beta) * np.asarray(year_percent, float)
    return np.minimum(share, 100.0)


@checked(worst_month_percent=SHARE_PERCENT, q1=POSITIVE, beta=EXPONENT)
def year_percent(worst_month_percent: ArrayLike, q1: ArrayLike = WORLD_Q1, beta: ArrayLike = WORLD_BETA) -> Array:
    """The share of the average year for a share of the worst month: what to predict for, when a month is promised.

    Arguments broadcast; nan outside 0 to 100 %. With the worldwide parameters 0.3 p**1.15 in the middle of the range.

    Source: ITU-R P.841, Annex 1, equations 1 and 2 turned round.
    """
    share, q1, beta = np.asarray(worst_month_percent, float), np.asarray(q1, float), np.asarray(beta, float)
    known = (share > 0) & (share <= 100)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_30 = q1 * 3.0**-beta
        power = np.log10(at_30) / np.log10(0.3)
        below_3 = np.maximum((share / q1) ** (1 / (1 - beta)), share / MONTHS)
        above_30 = 30 * (share / (30 * at_30)) ** (1 / (1 + power))
        year = np.select([share < 3 * at_30, share <= 30 * at_30], [below_3, share / at_30], above_30)
    return np.where(known, year, np.nan)
