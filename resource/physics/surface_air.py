"""The air at the ground over the average year: pressure, temperature and water vapour, mean and exceeded.

Words, maps and rule of ITU-R P.2145-0: the values of the four grid points around a place, each brought from the grid
point's own altitude to the height of the station, bilinear; between two shares of the year linear in their logarithm.

What this air attenuates is `gas`; the maps before these, of P.836-6 and P.1510-1, are in `climate`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import FINITE, LATITUDES, LONGITUDES, Accepted, checked
from satcom.resource.physics.gas import Air
from satcom.resource.physics.maps import DigitalMap, digital_map

Array = NDArray[np.float64]

TROPOPAUSE_KM = 11.0  # above the ground
SHIPPED_PERCENT = Accepted(0.1, 50.0)
COMMON_PERCENT = 5.0  # what P.618-14 asks for; who asks for no less has less to unpack


class SurfaceAir(NamedTuple):
    """Air at the ground, and the water vapour of the whole column above it."""

    air: Air
    vapour_content_kg_per_m2: Array


class AirOfTheYear(NamedTuple):
    """Annual means, and the values that are exceeded for a share of the year, each quantity for itself."""

    mean: SurfaceAir
    exceeded: SurfaceAir


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, height_km=FINITE, unavailability_percent=SHIPPED_PERCENT)
def air_of_the_year(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_km: ArrayLike, unavailability_percent: ArrayLike
) -> AirOfTheYear:
    """Pressure, temperature, vapour density and content at stations of a known height. Arguments broadcast.

    nan off the globe; the values that are exceeded are nan outside 0.1 to 50 %, for which maps are shipped.

    Source: ITU-R P.2145-0, annual statistics. It speaks of stations on the ground: more than 11 km above it the
    temperature is held, and the vapour thins out as the air does (so P.835-7).
    """
    lat, lon, height, percent = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (latitude_deg, longitude_deg, height_km, unavailability_percent))
    )
    rarer = (percent >= SHIPPED_PERCENT.least) & (percent < COMMON_PERCENT)
    least = None if rarer.any() else COMMON_PERCENT
    shares = digital_map("surface_vapour_density", least)  # every map of P.2145-0 has its grid
    cells = shares.cells(lat, lon)
    at = cells.points
    above_km = height - digital_map("surface_altitude").read(at)
    below_km = np.minimum(above_km, TROPOPAUSE_KM)
    pressure_scale_km = digital_map("surface_pressure_scale_height").read(at)
    thinned = np.exp(-above_km / pressure_scale_km)
    dried = np.exp(
        -below_km / digital_map("surface_vapour_scale_height").read(at) - (above_km - below_km) / pressure_scale_km
    )
    warmer_k = digital_map("surface_temperature_gradient").read(at) * below_km
    lower, share = shares.between_levels(percent)
    first = at * len(shares.levels) + lower

    def exceeded(values: DigitalMap) -> Array:
        below = values.read(first)
        between: Array = below + (values.read(first + 1) - below) * share
        return between

    def surface_air(p: Array, t: Array, rho: Array, v: Array) -> SurfaceAir:
        air = Air(cells.weigh(p * thinned), cells.weigh(t + warmer_k), cells.weigh(rho * dried))
        return SurfaceAir(air, cells.weigh(v * dried))

    quantities = "pressure", "temperature", "vapour_density", "vapour_content"
    return AirOfTheYear(
        surface_air(*(digital_map(f"surface_{name}_mean").read(at) for name in quantities)),
        surface_air(*(exceeded(digital_map(f"surface_{name}", least)) for name in quantities)),
    )
