"""The air at a place: altitude, temperature, pressure and water vapour over the average year.

Words and maps of ITU-R P.1511-3 (topography), P.1510-1 (temperature) and P.836-6 (water vapour). They stand in for
the surface statistics of P.2145-0, whose maps were not to be had: `docs/propagation.md` says what that costs.

Attenuation by this air is `gas`.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import FINITE, LATITUDES, LONGITUDES, POSITIVE, Accepted, checked
from satcom.resource.physics.gas import Air
from satcom.resource.physics.maps import digital_map
from satcom.resource.physics.pieces import in_pieces

Array = NDArray[np.float64]

PIECE = 512  # places whose distributions of vapour are summed at once
SEA_LEVEL_PRESSURE_HPA = 1013.25
LAPSE_K_PER_KM = 6.5
HYDROSTATIC_K_PER_KM = 34.163  # weight of dry air over the gas constant


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


@checked(temperature_k=POSITIVE, height_km=FINITE)
def mean_pressure_hpa(temperature_k: ArrayLike, height_km: ArrayLike) -> Array:
    """Mean pressure at a height where the mean temperature is given. Arguments broadcast.

    Source: the hydrostatic column of ITU-R P.835-7, Annex 1, from its 1013.25 hPa at sea level with its 6.5 K per km.
    """
    temperature = np.asarray(temperature_k, float)
    at_sea_level_k = temperature + LAPSE_K_PER_KM * np.asarray(height_km, float)
    pressure_hpa: Array = SEA_LEVEL_PRESSURE_HPA * (temperature / at_sea_level_k) ** (
        HYDROSTATIC_K_PER_KM / LAPSE_K_PER_KM
    )
    return pressure_hpa


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


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, height_km=FINITE)
def mean_air(latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_km: ArrayLike) -> Air:
    """Annual means of pressure, temperature and vapour density. Arguments broadcast.

    The mean density is the integral over its distribution in P.836-6.
    """
    temperature_k = mean_temperature_k.or_nan(latitude_deg, longitude_deg)
    lat, lon, height = np.broadcast_arrays(*(np.asarray(a, float) for a in (latitude_deg, longitude_deg, height_km)))
    vapour = in_pieces(_mean_vapour, PIECE, lat, lon, height)
    return Air(mean_pressure_hpa.or_nan(temperature_k, height), temperature_k, vapour)


def _mean_vapour(lat: Array, lon: Array, height_km: Array) -> Array:
    """Each grid point's distribution brought to the wanted height and summed, then bilinear."""
    density, scale_km = digital_map("vapour_density"), digital_map("vapour_scale_height")
    cells = density.cells(lat, lon)
    above_km = height_km - _ground_km()[cells.points]
    thinned = np.exp(-above_km[..., None] / scale_km.read_every_level(cells.points))
    thinned *= density.read_every_level(cells.points)
    return cells.weigh(thinned @ _shares(density.levels))


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


def _shares(levels: Array) -> Array:
    """Part of the year that each level stands for (trapezoidal; the ends are held)."""
    bounds = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [100.0]])
    shares: Array = np.diff(bounds) / 100
    return shares
