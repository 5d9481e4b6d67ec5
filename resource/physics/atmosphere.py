"""The reference atmosphere: pressure, temperature and water vapour by height, as the mean of globe and year.

Words and symbols of ITU-R P.835-7, Annex 1. The mean of a place is `climate`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import Accepted, checked
from satcom.resource.physics.gas import Air

Array = NDArray[np.float64]

HIGHEST_KM = 100.0
SURFACE_VAPOUR_G_PER_M3, VAPOUR_SCALE_KM = 7.5, 2.0
LEAST_MIXING_RATIO = 2e-6  # vapour pressure over total pressure: what stays of the vapour up high
# From each geopotential height (km') on: temperature (K) and its slope (K/km') there, pressure (hPa).
_LAYERS = np.array(
    [
        (0, 288.15, -6.5, 1013.25),
        (11, 216.65, 0.0, 226.3226),
        (20, 216.65, 1.0, 54.74980),
        (32, 228.65, 2.8, 8.680422),
        (47, 270.65, 0.0, 1.109106),
        (51, 270.65, -2.8, 0.6694167),
        (71, 214.65, -2.0, 0.03956649),
    ]
)
_THERMOSPHERE_KM = 86.0


@checked(height_km=Accepted(0.0, HIGHEST_KM))
def reference_air(height_km: ArrayLike) -> Air:
    """Air at geometric heights of 0 to 100 km above mean sea level; nan outside. Any shape.

    Source: ITU-R P.835-7, Annex 1, equations 1 to 8.
    """
    height = np.asarray(height_km, float)
    height = np.where((height >= 0) & (height <= HIGHEST_KM), height, np.nan)
    lower = height < _THERMOSPHERE_KM
    pressure_hpa = np.where(lower, _pressure_below_86_km(height), _pressure_from_86_km(height))
    temperature_k = np.where(lower, _temperature_below_86_km(height), _temperature_from_86_km(height))
    vapour_hpa = SURFACE_VAPOUR_G_PER_M3 * np.exp(-height / VAPOUR_SCALE_KM) * temperature_k / 216.7
    vapour_hpa = np.maximum(vapour_hpa, LEAST_MIXING_RATIO * pressure_hpa)
    return Air(pressure_hpa, temperature_k, vapour_hpa * 216.7 / temperature_k)


def _of_layer(height: Array) -> tuple[Array, Array, Array, Array]:
    """Height above the foot of the layer (km'), and temperature, slope and pressure there."""
    geopotential = 6356.766 * height / (6356.766 + height)
    layer = np.clip(np.searchsorted(_LAYERS[:, 0], geopotential, side="right") - 1, 0, len(_LAYERS) - 1)
    foot, temperature, slope, pressure = np.moveaxis(_LAYERS[layer], -1, 0)
    return geopotential - foot, temperature, slope, pressure


def _temperature_below_86_km(height: Array) -> Array:
    above, temperature, slope, _ = _of_layer(height)
    found: Array = temperature + slope * above
    return found


def _pressure_below_86_km(height: Array) -> Array:
    above, temperature, slope, pressure = _of_layer(height)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_slope = pressure * (temperature / (temperature + slope * above)) ** (34.1632 / slope)
    found: Array = np.where(slope == 0, pressure * np.exp(-34.1632 * above / temperature), by_slope)
    return found


def _temperature_from_86_km(height: Array) -> Array:
    with np.errstate(invalid="ignore"):
        warming = 263.1905 - 76.3232 * np.sqrt(1 - ((height - 91) / 19.9429) ** 2)
    return np.where(height <= 91, 186.8673, warming)


def _pressure_from_86_km(height: Array) -> Array:
    found: Array = np.exp(np.polyval((1.340543e-6, -4.789660e-4, 6.424731e-2, -4.011801, 95.571899), height))
    return found
