"""Scintillation: fading by turbulence of the troposphere, in clear weather too.

Words and symbols of ITU-R P.618-14, section 2.4.1 (elevations of 5 degrees and more), with the wet term of the
refractivity of P.453-14. Below 5 degrees multipath rules and section 2.4.2 would apply: here the answer is nan.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, NOT_NEGATIVE, POSITIVE, SHARE, Accepted, checked
from satcom.resource.physics.maps import digital_map

Array = NDArray[np.float64]

TURBULENT_LAYER_M = 1000.0
LAYER_CURVE = 2.35e-4  # of the path through it, by the curvature of the Earth


SCINTILLATION_HZ = Accepted(1e9, 55e9)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def wet_refractivity(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Wet term of the surface refractivity (N units), median of the year. Arguments broadcast; nan off the globe.

    Source: ITU-R P.453-14, section 2.2 and its map (unchanged since P.453-13).
    """
    return digital_map("wet_term").at(latitude_deg, longitude_deg)


@checked(
    freq_hz=SCINTILLATION_HZ, elevation_deg=Accepted(0.0, 90.0), antenna_diameter_m=POSITIVE, antenna_efficiency=SHARE
)
def aperture_averaging_x(
    freq_hz: ArrayLike, elevation_deg: ArrayLike, antenna_diameter_m: ArrayLike, antenna_efficiency: ArrayLike
) -> Array:
    """x: the argument of the factor by which an aperture averages. Arguments broadcast.

    Source: ITU-R P.618-14, section 2.4.1, steps 4 to 6: the effective path length and diameter in it.
    """
    freq_ghz, sine = np.asarray(freq_hz, float) / 1e9, np.sin(np.radians(np.asarray(elevation_deg, float)))
    path_m = 2 * TURBULENT_LAYER_M / (np.sqrt(sine**2 + LAYER_CURVE) + sine)
    effective_m2 = np.asarray(antenna_efficiency, float) * np.asarray(antenna_diameter_m, float) ** 2
    x: Array = 1.22 * effective_m2 * freq_ghz / path_m
    return x


@checked(
    freq_hz=SCINTILLATION_HZ,
    elevation_deg=Accepted(5.0, 90.0),
    antenna_diameter_m=POSITIVE,
    antenna_efficiency=SHARE,
    wet_refractivity_n=NOT_NEGATIVE,
)
def scintillation_deviation_db(
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    antenna_diameter_m: ArrayLike,
    antenna_efficiency: ArrayLike,
    wet_refractivity_n: ArrayLike,
) -> Array:
    """Standard deviation of the amplitude in dB, long term. Arguments broadcast.

    nan outside 1 to 55 GHz and 5 to 90 degrees, for a diameter that is not above 0 m, and for an efficiency that is not
    above 0 to 1.

    Source: ITU-R P.618-14, section 2.4.1, steps 3 to 7.
    """
    freq, elevation = np.asarray(freq_hz, float), np.asarray(elevation_deg, float)
    diameter, efficiency = np.asarray(antenna_diameter_m, float), np.asarray(antenna_efficiency, float)
    known = (freq >= 1e9) & (freq <= 55e9) & (elevation >= 5) & (elevation <= 90)
    known = known & (diameter > 0) & np.isfinite(diameter) & (efficiency > 0) & (efficiency <= 1)
    freq_ghz, elevation, diameter = (np.where(known, one, np.nan) for one in (freq / 1e9, elevation, diameter))
    reference_db = 3.6e-3 + 1e-4 * np.asarray(wet_refractivity_n, float)
    sine = np.sin(np.radians(elevation))
    x = aperture_averaging_x.or_nan(freq_ghz * 1e9, elevation, diameter, efficiency)
    # The averaging over the aperture turns negative where it has become complete (x above about 7).
    averaged = 3.86 * (x**2 + 1) ** (11 / 12) * np.sin(11 / 6 * np.arctan2(1.0, x)) - 7.08 * x ** (5 / 6)
    deviation_db: Array = reference_db * freq_ghz ** (7 / 12) * np.sqrt(np.maximum(averaged, 0.0)) / sine**1.2
    return deviation_db


@checked(deviation_db=NOT_NEGATIVE, unavailability_percent=Accepted(0.001, 50.0))
def scintillation_fade_db(deviation_db: ArrayLike, unavailability_percent: ArrayLike) -> Array:
    """Scintillation fade exceeded for a share of the average year. Arguments broadcast.

    nan outside 0.001 to 50 %. The Recommendation gives the time factor for 0.01 % and more; below, the same curve
    is drawn on, as the validation examples of the total attenuation do.

    Source: ITU-R P.618-14, section 2.4.1, steps 8 and 9.
    """
    percent = np.asarray(unavailability_percent, float)
    log_p = np.log10(np.where((percent >= 0.001) & (percent <= 50), percent, np.nan))
    factor = ((-0.061 * log_p + 0.072) * log_p - 1.71) * log_p + 3.0
    fade_db: Array = factor * np.asarray(deviation_db, float)
    return fade_db
