"""Clouds in three numbers: what a log-normal distribution says of their liquid water.

Words and symbols of ITU-R P.840-9, Annex 1, log-normal approximation, with its digital maps. It draws a smooth curve,
as simulations of fading in time ask for; `cloud` has the maps of each share of the year, on which `attenuation` rests.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, Accepted, checked
from satcom.resource.physics.maps import digital_map

Array = NDArray[np.float64]

CLOUDLESS_PERCENT = 0.02  # where clouds are there for no more of the year, there are none


class LogNormalCloud(NamedTuple):
    """Mean and standard deviation of the logarithm of the liquid water (m_L, s_L), and how often there is any (P_L)."""

    log_mean: Array
    log_deviation: Array
    probability_percent: Array


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def log_normal_cloud(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> LogNormalCloud:
    """Parameters of the average year at places. Arguments broadcast.

    nan off the globe; mean and deviation also where clouds are there for no more than 0.02 % of the year.

    Source: ITU-R P.840-9, Annex 1 and its maps, each bilinear. Grid points that have no cloud have no mean and no
    deviation: the others around the place count alone.
    """
    probability = digital_map("cloud_probability")
    cells = probability.cells(latitude_deg, longitude_deg)
    percent = probability.read(cells.points)
    cloudy = np.where(percent > CLOUDLESS_PERCENT, cells.weights, 0.0)
    share = np.where(cloudy.sum(axis=0) > 0, cloudy.sum(axis=0), np.nan)
    log_mean, log_deviation = (
        (digital_map(name).read(cells.points) * cloudy).sum(axis=0) / share
        for name in ("cloud_log_mean", "cloud_log_deviation")
    )
    return LogNormalCloud(log_mean, log_deviation, cells.weigh(percent))


@checked(unavailability_percent=Accepted(0.01, 100.0))
def log_normal_liquid_water_kg_per_m2(cloud: LogNormalCloud, unavailability_percent: ArrayLike) -> Array:
    """Integrated cloud liquid water exceeded for a share of the average year. Arguments broadcast.

    0 where there are no clouds for so long; nan outside 0.01 to 100 %. `cloud_attenuation_db` makes an attenuation of
    it.

    Source: ITU-R P.840-9, Annex 1, log-normal approximation.
    """
    percent, often = np.asarray(unavailability_percent, float), np.asarray(cloud.probability_percent, float)
    known = (percent >= 0.01) & (percent <= 100) & np.isfinite(often)
    there = known & (often > CLOUDLESS_PERCENT) & (percent < often)
    quantile = -ndtri(np.where(there, percent, 1.0) / np.where(there, often, 2.0))
    log_mean, log_deviation = (np.where(there, one, 0.0) for one in (cloud.log_mean, cloud.log_deviation))
    water: Array = np.where(known, np.where(there, np.exp(log_mean + log_deviation * quantile), 0.0), np.nan)
    return water
