"""Confidence: the air of a year that is worse than the average, and predicted too well; antennas that point badly.

Imported by who sells with a confidence: the average year needs no SciPy.
Words and models: `resource.physics.uncertainty`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import half_power_beamwidth_deg
from satcom.resource.physics.attenuation import TotalAttenuation, together
from satcom.resource.physics.link_budget import Values
from satcom.resource.physics.uncertainty import (
    RARER,
    element_error_deg,
    fade_factor_at_confidence,
    mean_pointing_loss_db,
)
from satcom.resource.physics.year_to_year import climatic_ratio

Array = NDArray[np.float64]

# rms error over half-power beamwidth where none is declared: a tenth is what tracking in steps and mounts reach
POINTING_BEAMWIDTHS = 0.1


def confident(
    exceeded: Callable[[Values], TotalAttenuation],
    unavailability_percent: Values,
    confidence_percent: float,
    latitude_deg: Values,
    longitude_deg: Values,
) -> TotalAttenuation:
    """What is not exceeded with this confidence; `exceeded` is for a share of the average year, rays at these places.

    All that comes and goes (cloud, rain, scintillation) grows by one factor; gas is there all the time.
    """
    air, rarer = exceeded(unavailability_percent), exceeded(unavailability_percent / RARER)
    factor = fade_factor_at_confidence.or_nan(
        air.total_db - air.gas_db,
        rarer.total_db - rarer.gas_db,
        unavailability_percent,
        climatic_ratio.or_nan(latitude_deg, longitude_deg),
        confidence_percent / 100,
    )
    return together.or_nan(air.gas_db, air.cloud_db * factor, air.rain_db * factor, air.scintillation_db * factor)


def mispointing_db(
    confidence_percent: float, freq_hz: Array, diameter_m: Array, rms_deg: Array, age_days: Array, range_km: Array
) -> Array:
    """What random pointing takes at most with this confidence, beyond the loss that is known.

    An error that is nan is `POINTING_BEAMWIDTHS`; elements whose age is nan are not pointed by. As
    `link_confidence.unknowns_of` and `uncertainty.margin_at_confidence_db`: the loss is distributed exponentially.
    """
    width_deg = half_power_beamwidth_deg.or_nan(diameter_m, freq_hz)
    error_deg = np.where(np.isnan(rms_deg), POINTING_BEAMWIDTHS * width_deg, rms_deg)
    aged_deg = np.where(np.isnan(age_days), 0.0, element_error_deg.or_nan(age_days, range_km))
    lost_db: Array = -mean_pointing_loss_db.or_nan(np.hypot(error_deg, aged_deg), width_deg) * np.log1p(
        -confidence_percent / 100
    )
    return lost_db
