"""Confidence: the air of a year that is worse than the average, and predicted too well.

Imported by who sells with a confidence: the average year needs no SciPy.
Words and models: `resource.physics.uncertainty`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.attenuation import TotalAttenuation, together
from satcom.resource.physics.link_budget import Values
from satcom.resource.physics.uncertainty import RARER, fade_factor_at_confidence
from satcom.resource.physics.year_to_year import climatic_ratio

Array = NDArray[np.float64]


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
    factor = fade_factor_at_confidence(
        air.total_db - air.gas_db,
        rarer.total_db - rarer.gas_db,
        unavailability_percent,
        climatic_ratio(latitude_deg, longitude_deg),
        confidence_percent / 100,
    )
    return together(air.gas_db, air.cloud_db * factor, air.rain_db * factor, air.scintillation_db * factor)
