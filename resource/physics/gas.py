"""Gases: what a slant path loses in the oxygen and the water vapour of the air.

Words and symbols of ITU-R P.676-13: Annex 1 for one kilometre of air; Annex 2 for a slant path, sections 1.1 and 2.1 at
a moment whose air at the ground is known, sections 1.2 and 2.3 for a share of the average year.

The state of the air at a place is `climate`; which share of the year counts together with rain is `attenuation`.
What stands in for its coefficient files and for the maps of P.2145-0: `docs/propagation.md`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.maps import PACKED

Array = NDArray[np.float64]

PIECE = 512  # points summed over the lines at once

# P.676-13, table 4: line (GHz), a and b of the water vapour's equivalent height.
_VAPOUR_HEIGHT = np.array(((22.235080, 2.6846, 2.7649), (183.310087, 5.8905, 4.9219), (325.152888, 2.9810, 3.0748)))


@dataclass(frozen=True)
class Air:
    """Air at one place and moment, or its mean: total pressure, temperature, density of the water vapour."""

    pressure_hpa: Array
    temperature_k: Array
    vapour_g_per_m3: Array


def gas_specific_attenuation_db_per_km(freq_hz: ArrayLike, air: Air) -> tuple[Array, Array]:
    """Attenuation in one kilometre by oxygen and by water vapour. Arguments broadcast; nan outside 1 to 1000 GHz.

    Source: ITU-R P.676-13, Annex 1, equations 1 to 9.
    """
    return oxygen_specific_attenuation_db_per_km(freq_hz, air), vapour_specific_attenuation_db_per_km(freq_hz, air)


def oxygen_specific_attenuation_db_per_km(freq_hz: ArrayLike, air: Air) -> Array:
    """Attenuation in one kilometre by oxygen and the dry continuum. Arguments broadcast; nan outside 1 to 1000 GHz.

    Source: ITU-R P.676-13, Annex 1, equations 1 to 9.
    """
    f, theta, vapour_hpa, dry_hpa = _conditions(freq_hz, air)
    lines = _in_pieces(_oxygen_lines, f, theta, vapour_hpa, dry_hpa)
    debye_ghz = 5.6e-4 * (dry_hpa + vapour_hpa) * theta**0.8
    continuum = (f * dry_hpa * theta**2) * (
        6.14e-5 / (debye_ghz * (1 + (f / debye_ghz) ** 2)) + 1.4e-12 * dry_hpa * theta**1.5 / (1 + 1.9e-5 * f**1.5)
    )
    attenuation_db_per_km: Array = 0.1820 * f * (lines + continuum)
    return attenuation_db_per_km


def _oxygen_lines(f: Array, theta: Array, vapour_hpa: Array, dry_hpa: Array) -> Array:
    """Sum over the lines of oxygen (equations 2, 3, 5, 6, 7)."""
    line, a1, a2, a3, _, a5, a6 = _spectral_lines("oxygen")
    theta_l, vapour_l, dry_l = theta[..., None], vapour_hpa[..., None], dry_hpa[..., None]
    strength = a1 * 1e-7 * dry_l * theta_l**3 * np.exp(a2 * (1 - theta_l))
    slopes, slope_of = _oxygen_slopes()
    widened = (theta_l**slopes)[..., slope_of]
    width = np.sqrt((a3 * 1e-4 * (dry_l * widened + 1.1 * vapour_l * theta_l)) ** 2 + 2.25e-6)
    interference = (a5 + a6 * theta_l) * 1e-4 * (dry_l + vapour_l) * theta_l**0.8
    lines: Array = (strength * _line_shape(f[..., None], line, width, interference)).sum(axis=-1)
    return lines


@cache
def _oxygen_slopes() -> tuple[Array, NDArray[np.intp]]:
    """Exponents of the lines' widths, each once, and which line has which: powers are slow."""
    return np.unique(0.8 - _spectral_lines("oxygen")[4], return_inverse=True)


def vapour_specific_attenuation_db_per_km(freq_hz: ArrayLike, air: Air) -> Array:
    """Attenuation in one kilometre by water vapour. Arguments broadcast; nan outside 1 to 1000 GHz.

    Source: ITU-R P.676-13, Annex 1, equations 1 to 7.
    """
    f, theta, vapour_hpa, dry_hpa = _conditions(freq_hz, air)
    attenuation_db_per_km: Array = 0.1820 * f * _in_pieces(_vapour_lines, f, theta, vapour_hpa, dry_hpa)
    return attenuation_db_per_km


def _vapour_lines(f: Array, theta: Array, vapour_hpa: Array, dry_hpa: Array) -> Array:
    """Sum over the lines of water vapour (equations 2, 3, 5, 6)."""
    line, b1, b2, b3, b4, b5, b6 = _spectral_lines("vapour")
    theta_l, vapour_l, dry_l = theta[..., None], vapour_hpa[..., None], dry_hpa[..., None]
    strength = b1 * 1e-1 * vapour_l * theta_l**3.5 * np.exp(b2 * (1 - theta_l))
    width = b3 * 1e-4 * (dry_l * theta_l**b4 + b5 * vapour_l * theta_l**b6)
    width = 0.535 * width + np.sqrt(0.217 * width**2 + 2.1316e-12 * line**2 / theta_l)
    lines: Array = (strength * _line_shape(f[..., None], line, width, np.zeros(1))).sum(axis=-1)
    return lines


def _in_pieces(
    summed: Callable[[Array, Array, Array, Array], Array], f: Array, theta: Array, vapour_hpa: Array, dry_hpa: Array
) -> Array:
    """`summed` over pieces of the last axis, so that the tables of points and lines stay in the processor's cache."""
    given = (f, theta, vapour_hpa, dry_hpa)
    shape = np.broadcast_shapes(*(one.shape for one in given))
    step = max(1, PIECE * shape[-1] // max(1, math.prod(shape))) if shape else 1
    if not shape or shape[-1] <= step:
        return np.broadcast_to(summed(*given), shape)
    lines = np.empty(shape)
    for first in range(0, shape[-1], step):
        at = slice(first, first + step)
        lines[..., at] = summed(*(one[..., at] if one.ndim and one.shape[-1] > 1 else one for one in given))
    return lines


def _conditions(freq_hz: ArrayLike, air: Air) -> tuple[Array, Array, Array, Array]:
    """Frequency (GHz), 300 K / temperature, partial pressures of vapour and dry air (hPa; equation 4)."""
    freq_ghz = np.asarray(freq_hz, float) / 1e9
    freq_ghz = np.where((freq_ghz >= 1) & (freq_ghz <= 1000), freq_ghz, np.nan)
    vapour_hpa = air.vapour_g_per_m3 * air.temperature_k / 216.7
    dry_hpa = air.pressure_hpa - vapour_hpa
    return freq_ghz, np.asarray(300 / air.temperature_k), np.asarray(vapour_hpa), np.asarray(dry_hpa)


def _line_shape(f: Array, line: Array, width: Array, interference: Array) -> Array:
    """Equation 5."""
    below, above = line - f, line + f
    shape: Array = (f / line) * (
        (width - interference * below) / (below**2 + width**2) + (width - interference * above) / (above**2 + width**2)
    )
    return shape


@cache
def _spectral_lines(gas: str) -> Array:
    """Tables 1 and 2 of Annex 1: one row per column of the table."""
    table: Array = np.loadtxt(PACKED / f"p676_{gas}_lines.csv", delimiter=",", skiprows=1, unpack=True)
    return table


class Annex2(NamedTuple):
    """Coefficients a, b, c, d of Annex 2: of the oxygen's equivalent height, of the vapour's mass absorption."""

    oxygen: tuple[Array, Array, Array, Array]
    vapour: tuple[Array, Array, Array, Array]


def annex2_coefficients(freq_hz: ArrayLike) -> Annex2:
    """Coefficients at the frequency, linear between those of the table; nan outside it (1 to 52.5 and 67 to 100 GHz).

    Source: ITU-R P.676-13, Annex 2. The table's making: `deploy/fit_gas_coefficients.py`.
    """
    table = _annex2_table()
    f = np.asarray(freq_hz, float) / 1e9
    columns = [np.interp(f, table[0], column, left=np.nan, right=np.nan) for column in table[1:]]
    return Annex2((columns[0], columns[1], columns[2], columns[3]), (columns[4], columns[5], columns[6], columns[7]))


@cache
def _annex2_table() -> Array:
    table: Array = np.loadtxt(PACKED / "p676_annex2_coefficients.csv", delimiter=",", skiprows=1, unpack=True)
    return table


def oxygen_zenith_attenuation_db(
    freq_hz: ArrayLike, mean: Air, exceeded: Air, coefficients: tuple[Array, Array, Array, Array]
) -> Array:
    """Oxygen attenuation towards the zenith, exceeded as often as the values of `exceeded`. Arguments broadcast.

    Source: ITU-R P.676-13, Annex 2, section 1.2: `mean` sets the specific attenuation, `exceeded` the height (eq. 34).
    """
    a, b, c, d = coefficients
    height_km = a + b * exceeded.temperature_k + c * exceeded.pressure_hpa + d * exceeded.vapour_g_per_m3
    attenuation_db: Array = oxygen_specific_attenuation_db_per_km(freq_hz, mean) * height_km
    return attenuation_db


def vapour_equivalent_height_km(freq_hz: ArrayLike) -> Array:
    """Height of air as it is at the ground that would hold the vapour's attenuation; nan outside 1 to 350 GHz.

    Source: ITU-R P.676-13, Annex 2, equation 37.
    """
    f = np.asarray(freq_hz, float) / 1e9
    f = np.where((f >= 1) & (f <= 350), f, np.nan)
    line, a, b = _VAPOUR_HEIGHT.T
    height_km: Array = 5.6585e-5 * f + 1.8348 + (a / ((f[..., None] - line) ** 2 + b)).sum(axis=-1)
    return height_km


def instantaneous_gas_attenuation_db(freq_hz: ArrayLike, elevation_deg: ArrayLike, now: Air) -> Array:
    """Attenuation of a slant path by oxygen and water vapour while the air at the ground is `now`.

    Arguments broadcast; nan outside the coefficient table and outside elevations of 5 to 90 degrees.

    Source: ITU-R P.676-13, Annex 2, sections 1.1 and 2.1.
    """
    oxygen_db = oxygen_zenith_attenuation_db(freq_hz, now, now, annex2_coefficients(freq_hz).oxygen)
    vapour_db = vapour_specific_attenuation_db_per_km(freq_hz, now) * vapour_equivalent_height_km(freq_hz)
    attenuation_db: Array = (oxygen_db + vapour_db) / _sine(elevation_deg)
    return attenuation_db


def vapour_zenith_attenuation_db(
    mean: Air, vapour_content_kg_per_m2: ArrayLike, coefficients: tuple[Array, Array, Array, Array]
) -> Array:
    """Vapour attenuation towards the zenith, exceeded as often as the integrated content is. Arguments broadcast.

    Source: ITU-R P.676-13, Annex 2, section 2.3.
    """
    a, b, c, d = coefficients
    mass_absorption = a + b * mean.vapour_g_per_m3 + c * mean.temperature_k + d * mean.pressure_hpa
    attenuation_db: Array = mass_absorption * np.asarray(vapour_content_kg_per_m2, float)
    return attenuation_db


def gas_attenuation_db(
    freq_hz: ArrayLike, elevation_deg: ArrayLike, mean: Air, exceeded: Air, vapour_content_kg_per_m2: ArrayLike
) -> Array:
    """Attenuation of a slant path by oxygen and water vapour, exceeded as often as `exceeded` and the content are.

    Arguments broadcast; nan outside the coefficient table and outside elevations of 5 to 90 degrees.

    Source: ITU-R P.676-13, Annex 2, sections 1.2 and 2.3.
    """
    oxygen, vapour = annex2_coefficients(freq_hz)
    zenith_db = oxygen_zenith_attenuation_db(freq_hz, mean, exceeded, oxygen) + vapour_zenith_attenuation_db(
        mean, vapour_content_kg_per_m2, vapour
    )
    attenuation_db: Array = zenith_db / _sine(elevation_deg)
    return attenuation_db


def _sine(elevation_deg: ArrayLike) -> Array:
    """Sine of the elevation; nan outside 5 to 90 degrees, where the air is not as if it were flat."""
    elevation = np.asarray(elevation_deg, float)
    sine: Array = np.sin(np.radians(np.where((elevation >= 5) & (elevation <= 90), elevation, np.nan)))
    return sine
