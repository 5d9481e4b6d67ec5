"""A place and its climate: altitude, temperature of the year and of each month, water vapour.

Words and maps of ITU-R P.1511-3 (topography), P.1510-1 (temperature) and P.836-6 (water vapour). Gas attenuation
rests on `surface_air` (P.2145-0), which follows P.836-6; its vapour stays here for what refers to that, and for the
shares of the year beyond 50 %.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import FINITE, LATITUDES, LONGITUDES, Accepted, checked
from satcom.resource.physics.maps import digital_map

Array = NDArray[np.float64]

VAPOUR_PERCENT = Accepted(0.1, 99.0)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def altitude_km(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Height of the ground above mean sea level. Arguments broadcast; nan off the globe.

    Source: ITU-R P.1511-3, section 1.1 and its map, bicubic.
    """
    return digital_map("altitude").bicubic_at(latitude_deg, longitude_deg) / 1000


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def mean_temperature_k(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Mean annual temperature at the ground. Arguments broadcast; nan off the globe. Source: ITU-R P.1510-1."""
    return digital_map("temperature").at(latitude_deg, longitude_deg)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES)
def monthly_temperature_k(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
    """Mean temperature at the ground of each month, January to December on the last axis. Source: ITU-R P.1510-1."""
    return digital_map("monthly_temperature").every_level_at(latitude_deg, longitude_deg)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, height_km=FINITE, unavailability_percent=VAPOUR_PERCENT)
def vapour_density_g_per_m3(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_km: ArrayLike, unavailability_percent: ArrayLike
) -> Array:
    """Water vapour density at the ground exceeded for a share of the average year. Arguments broadcast.

    nan off the globe and outside 0.1 to 99 %. A gap of the maps near the North Pole is bridged: `maps.without_gaps`.

    Source: ITU-R P.836-6, Annex 1, section 1.
    """
    return _vapour("vapour_density", latitude_deg, longitude_deg, height_km, unavailability_percent)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, height_km=FINITE, unavailability_percent=VAPOUR_PERCENT)
def vapour_content_kg_per_m2(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_km: ArrayLike, unavailability_percent: ArrayLike
) -> Array:
    """Integrated water vapour above the ground exceeded for a share of the average year. As the density otherwise.

    Source: ITU-R P.836-6, Annex 1, section 2.
    """
    return _vapour("vapour_content", latitude_deg, longitude_deg, height_km, unavailability_percent)


def _vapour(name: str, latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_km: ArrayLike,
            unavailability_percent: ArrayLike) -> Array:  # fmt: skip
    """Each grid point brought to the wanted height, then bilinear, then linear in the logarithm of the share."""
    values, scale_km = digital_map(name), digital_map("vapour_scale_height")
    lat, lon, height, percent = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (latitude_deg, longitude_deg, height_km, unavailability_percent))
    )
    cells = values.cells(lat, lon)
    lower, share = values.between_levels(percent)
    above_km = height - _ground_km()[cells.points]
    first = cells.points * len(values.levels) + lower

    def of(level: NDArray[np.intp]) -> Array:
        return cells.weigh(values.read(level) * np.exp(-above_km / scale_km.read(level)))

    vapour: Array = of(first) * (1 - share) + of(first + 1) * share
    return vapour


@cache
def _ground_km() -> Array:
    """Altitude of every grid point of the water vapour, from the topography that P.836-6 brings along."""
    grid = digital_map("vapour_density")
    return digital_map("vapour_topography").bicubic_at(*grid.coordinates_deg(np.arange(grid.rows * grid.columns)))
