"""Clouds: what a slant path loses in the liquid water of clouds.

Words and symbols of ITU-R P.840-9, statistical method with its digital maps of integrated cloud liquid water.
Its log-normal approximation is `log_normal_cloud`. Fog is not here, nor are the statistics of a month.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, NOT_NEGATIVE, Accepted, checked
from satcom.resource.physics.maps import digital_map

Array = NDArray[np.float64]

REFERENCE_TEMPERATURE_K = 273.75


CLOUD_HZ = Accepted(1e9, 200e9)


@checked(freq_hz=CLOUD_HZ)
def cloud_mass_absorption_db_per_kg_m2(freq_hz: ArrayLike) -> Array:
    """Attenuation at the zenith per kg/m2 of integrated liquid water (K_L); nan outside 1 to 200 GHz.

    Source: ITU-R P.840-9, Annex 1: double Debye model of water at 273.75 K, and equation 12 (correction to K_L).
    """
    f = np.asarray(freq_hz, float) / 1e9
    f = np.where((f >= 1) & (f <= 200), f, np.nan)
    inverse = 300 / REFERENCE_TEMPERATURE_K
    static = 77.66 + 103.3 * (inverse - 1)
    middle, optical = 0.0671 * static, 3.52
    principal = 20.20 - 146 * (inverse - 1) + 316 * (inverse - 1) ** 2
    secondary = 39.8 * principal
    first, second = (static - middle) / (1 + (f / principal) ** 2), (middle - optical) / (1 + (f / secondary) ** 2)
    imaginary = f / principal * first + f / secondary * second
    eta = (2 + first + second + optical) / imaginary
    correction = (
        0.1522 * np.exp(-((f + 23.9589) ** 2) / 3.2991e3) + 11.51 * np.exp(-((f - 219.2096) ** 2) / 2.7595e6) - 10.4912
    )
    absorption: Array = 0.819 * f / (imaginary * (1 + eta**2)) * correction
    return absorption


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, unavailability_percent=Accepted(0.01, 100.0))
def cloud_liquid_water_kg_per_m2(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, unavailability_percent: ArrayLike
) -> Array:
    """Integrated cloud liquid water exceeded for a share of the average year. Arguments broadcast.

    nan off the globe and outside 0.01 to 100 %.

    Source: ITU-R P.840-9, Annex 1, section 3 and its maps: bilinear in place, linear in the logarithm of the share.
    """
    return digital_map("cloud_liquid").at_level(latitude_deg, longitude_deg, unavailability_percent)


@checked(freq_hz=CLOUD_HZ, elevation_deg=Accepted(5.0, 90.0), liquid_water_kg_per_m2=NOT_NEGATIVE)
def cloud_attenuation_db(freq_hz: ArrayLike, elevation_deg: ArrayLike, liquid_water_kg_per_m2: ArrayLike) -> Array:
    """Cloud attenuation of a slant path. Arguments broadcast; nan outside 1 to 200 GHz and 5 to 90 degrees.

    Source: ITU-R P.840-9, Annex 1, section 3.
    """
    elevation = np.asarray(elevation_deg, float)
    sine = np.sin(np.radians(np.where((elevation >= 5) & (elevation <= 90), elevation, np.nan)))
    attenuation_db: Array = (
        cloud_mass_absorption_db_per_kg_m2.or_nan(freq_hz) * np.asarray(liquid_water_kg_per_m2, float) / sine
    )
    return attenuation_db
