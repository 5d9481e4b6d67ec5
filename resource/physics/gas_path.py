"""Gases along a path, layer by layer: the ray bends through air that thins out, and each layer takes its part.

Words and symbols of ITU-R P.676-13, Annex 1, section 2.2. It takes hundreds of line-by-line sums a path; what a network
is planned with is Annex 2, in `gas`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.atmosphere import HIGHEST_KM, reference_air
from satcom.resource.physics.checked import NOT_NEGATIVE, POSITIVE, Accepted, checked
from satcom.resource.physics.gas import LINE_HZ, Air, gas_specific_attenuation_db_per_km

Array = NDArray[np.float64]

EARTH_RADIUS_KM = 6371.0
LAYERS = 922  # 0.1 mm thick at the ground, 1 km at 100 km
THINNEST_KM = 1e-4


class GasPath(NamedTuple):
    """What a path through the air loses, and by how much its direction changes on the way."""

    oxygen_db: Array
    vapour_db: Array
    bending_rad: Array

    @property
    def total_db(self) -> Array:
        both: Array = self.oxygen_db + self.vapour_db
        return both


@checked(pressure_hpa=POSITIVE, temperature_k=POSITIVE, vapour_g_per_m3=NOT_NEGATIVE)
def refractive_index(air: Air) -> Array:
    """Radio refractive index of air. Source: ITU-R P.453-14, equations 1 to 5."""
    vapour_hpa = air.vapour_g_per_m3 * air.temperature_k / 216.7
    dry_hpa = air.pressure_hpa - vapour_hpa
    refractivity = (77.6 * dry_hpa + 72 * vapour_hpa + 3.75e5 * vapour_hpa / air.temperature_k) / air.temperature_k
    index: Array = 1 + refractivity * 1e-6
    return index


@checked(freq_hz=LINE_HZ, elevation_deg=Accepted(0.0, 90.0))
def path_to_space(freq_hz: ArrayLike, elevation_deg: ArrayLike) -> GasPath:
    """A path from sea level up through the reference atmosphere. Arguments broadcast; apparent elevation 0 to 90.

    Source: ITU-R P.676-13, Annex 1, equations 13 to 19.
    """
    layer = np.arange(LAYERS)
    return _path(freq_hz, elevation_deg, 0.0, THINNEST_KM * np.exp(layer / 100))


@checked(
    freq_hz=LINE_HZ,
    elevation_deg=Accepted(0.0, 90.0),
    lower_km=Accepted(0.0, HIGHEST_KM),
    upper_km=Accepted(0.0, HIGHEST_KM),
)
def path_between(freq_hz: ArrayLike, elevation_deg: ArrayLike, lower_km: float, upper_km: float) -> GasPath:
    """A path between two heights in the reference atmosphere, seen from the lower. Frequency and elevation broadcast.

    Raises `ValueError` unless 0 <= lower < upper <= 100.

    Source: ITU-R P.676-13, Annex 1, equations 13 and 16.
    """
    if not 0 <= lower_km < upper_km <= HIGHEST_KM:
        raise ValueError(f"from {lower_km} to {upper_km} km is no path upwards within 0 to {HIGHEST_KM} km")
    first, last = (100 * np.log(1e4 * height * (np.exp(0.01) - 1) + 1) + 1 for height in (lower_km, upper_km))
    first, last = np.floor(first), np.ceil(last)
    stretch = (upper_km - lower_km) * (np.exp(0.02) - np.exp(0.01)) / (np.exp(last / 100) - np.exp(first / 100))
    return _path(freq_hz, elevation_deg, lower_km, stretch * np.exp((np.arange(first, last) - 1) / 100))


def _path(freq_hz: ArrayLike, elevation_deg: ArrayLike, foot_km: float, thickness_km: Array) -> GasPath:
    """Through layers that follow upon one another, the last axis; the air of each is that of its middle."""
    freq, elevation = np.broadcast_arrays(np.asarray(freq_hz, float), np.asarray(elevation_deg, float))
    elevation = np.where((elevation >= 0) & (elevation <= 90), elevation, np.nan)
    top_km = foot_km + np.cumsum(thickness_km)
    bottom_km = top_km - thickness_km
    air = reference_air.or_nan(bottom_km + thickness_km / 2)
    index, radius, above = refractive_index.or_nan(air), EARTH_RADIUS_KM + bottom_km, EARTH_RADIUS_KM + top_km
    # Snell's law in spherical layers: index x radius x sine stays the same
    along = (index[0] * radius[0] * np.cos(np.radians(elevation)))[..., None]
    leaving, arriving = along / (index * radius), along / (index * above)
    cosine = np.sqrt(1 - leaving**2)
    length_km = -radius * cosine + np.sqrt((radius * cosine) ** 2 + 2 * radius * thickness_km + thickness_km**2)
    oxygen, vapour = gas_specific_attenuation_db_per_km.or_nan(freq[..., None], air)
    bending = (np.arcsin(leaving[..., 1:]) - np.arcsin(arriving[..., :-1])).sum(axis=-1)
    return GasPath((oxygen * length_km).sum(axis=-1), (vapour * length_km).sum(axis=-1), bending)
