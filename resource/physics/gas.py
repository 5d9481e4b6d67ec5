"""Gases: what a slant path loses in the oxygen and the water vapour of the air.

Words and symbols of ITU-R P.676-13: Annex 1 for one kilometre of air; Annex 2 for a slant path, sections 1.1 and 2.1 at
a moment whose air at the ground is known, sections 1.2 and 2.3 for a share of the average year.

The state of the air at a place is `surface_air`; which share of the year counts together with rain is `attenuation`.
Where its coefficient files are from: `docs/propagation.md`.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import NOT_NEGATIVE, POSITIVE, Accepted, checked
from satcom.resource.physics.maps import PACKED
from satcom.resource.physics.pieces import in_pieces

Array = NDArray[np.float64]

PIECE = 512  # points summed over the lines at once

# P.676-13, table 4: line (GHz), a and b of the water vapour's equivalent height.
_VAPOUR_HEIGHT = np.array(((22.235080, 2.6846, 2.7649), (183.310087, 5.8905, 4.9219), (325.152888, 2.9810, 3.0748)))


LINE_HZ, ANNEX2_HZ = Accepted(1e9, 1000e9), Accepted(1e9, 350e9)
FLAT_AIR_DEG = Accepted(5.0, 90.0)


@dataclass(frozen=True)
class Air:
    """Air at one place and moment, or its mean: total pressure, temperature, density of the water vapour."""

    pressure_hpa: Array
    temperature_k: Array
    vapour_g_per_m3: Array


@checked(freq_hz=LINE_HZ, pressure_hpa=POSITIVE, temperature_k=POSITIVE, vapour_g_per_m3=NOT_NEGATIVE)
def gas_specific_attenuation_db_per_km(freq_hz: ArrayLike, air: Air) -> tuple[Array, Array]:
    """Attenuation in one kilometre by oxygen and by water vapour. Arguments broadcast; nan outside 1 to 1000 GHz.

    Source: ITU-R P.676-13, Annex 1, equations 1 to 9.
    """
    return oxygen_specific_attenuation_db_per_km.or_nan(freq_hz, air), vapour_specific_attenuation_db_per_km.or_nan(
        freq_hz, air
    )


@checked(freq_hz=LINE_HZ, pressure_hpa=POSITIVE, temperature_k=POSITIVE, vapour_g_per_m3=NOT_NEGATIVE)
def oxygen_specific_attenuation_db_per_km(freq_hz: ArrayLike, air: Air) -> Array:
    """Attenuation in one kilometre by oxygen and the dry continuum. Arguments broadcast; nan outside 1 to 1000 GHz.

    Source: ITU-R P.676-13, Annex 1, equations 1 to 9.
    """
    f, theta, vapour_hpa, dry_hpa = _conditions(freq_hz, air)
    lines = in_pieces(_oxygen_lines, PIECE, f, theta, vapour_hpa, dry_hpa)
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
    strength = np.exp((1 - theta_l) * a2) * a1
    slopes, slope_of = _oxygen_slopes()
    widened = dry_l * theta_l**slopes + 1.1 * vapour_l * theta_l
    squared_width = (widened[..., slope_of] * (a3 * 1e-4)) ** 2 + 2.25e-6
    mixed = np.asarray((dry_hpa + vapour_hpa) * theta**0.8)
    interference = np.stack((mixed, mixed * theta), axis=-1) @ (1e-4 * np.array((a5, a6)))
    return 1e-7 * dry_hpa * theta**3 * _over_the_lines(f, line, strength, squared_width, interference)


@cache
def _oxygen_slopes() -> tuple[Array, NDArray[np.intp]]:
    """Exponents of the lines' widths, each once, and which line has which: powers are slow."""
    return np.unique(0.8 - _spectral_lines("oxygen")[4], return_inverse=True)


@checked(freq_hz=LINE_HZ, pressure_hpa=POSITIVE, temperature_k=POSITIVE, vapour_g_per_m3=NOT_NEGATIVE)
def vapour_specific_attenuation_db_per_km(freq_hz: ArrayLike, air: Air) -> Array:
    """Attenuation in one kilometre by water vapour. Arguments broadcast; nan outside 1 to 1000 GHz.

    Source: ITU-R P.676-13, Annex 1, equations 1 to 7.
    """
    f, theta, vapour_hpa, dry_hpa = _conditions(freq_hz, air)
    attenuation_db_per_km: Array = 0.1820 * f * in_pieces(_vapour_lines, PIECE, f, theta, vapour_hpa, dry_hpa)
    return attenuation_db_per_km


def _vapour_lines(f: Array, theta: Array, vapour_hpa: Array, dry_hpa: Array) -> Array:
    """Sum over the lines of water vapour (equations 2, 3, 5, 6)."""
    line, b1, b2, b3, b4, b5, b6 = _spectral_lines("vapour")
    theta_l, vapour_l, dry_l = theta[..., None], vapour_hpa[..., None], dry_hpa[..., None]
    strength = np.exp((1 - theta_l) * b2) * b1
    width = b3 * 1e-4 * (dry_l * theta_l**b4 + b5 * vapour_l * theta_l**b6)
    width = 0.535 * width + np.sqrt(0.217 * width**2 + 2.1316e-12 * line**2 / theta_l)
    return 1e-1 * vapour_hpa * theta**3.5 * _over_the_lines(f, line, strength, width**2, None)


def _conditions(freq_hz: ArrayLike, air: Air) -> tuple[Array, Array, Array, Array]:
    """Frequency (GHz), 300 K / temperature, partial pressures of vapour and dry air (hPa; equation 4)."""
    freq_ghz = np.asarray(freq_hz, float) / 1e9
    freq_ghz = np.where((freq_ghz >= 1) & (freq_ghz <= 1000), freq_ghz, np.nan)
    vapour_hpa = air.vapour_g_per_m3 * air.temperature_k / 216.7
    dry_hpa = air.pressure_hpa - vapour_hpa
    return freq_ghz, np.asarray(300 / air.temperature_k), np.asarray(vapour_hpa), np.asarray(dry_hpa)


def _over_the_lines(f: Array, line: Array, strength: Array, squared_width: Array, interference: Array | None) -> Array:
    """Sum of the lines' strengths times their shapes (equation 5), the lines on the last axis.

    The two quotients of a shape stand over one denominator: most of a network's attenuation is spent in here.
    """
    f_l = f[..., None]
    below = (f_l - line) ** 2 + squared_width
    apart = f_l * (4 * line)  # by how much the denominator above the line is larger
    above = below + apart
    both = below + above
    top = both * np.sqrt(squared_width)
    if interference is not None:
        top -= interference * (both * line - apart * f_l)
    top /= below * above
    summed: Array = f * np.einsum("...l,...l->...", top, strength / line)
    return summed


@cache
def _spectral_lines(gas: str) -> Array:
    """Tables 1 and 2 of Annex 1: one row per column of the table."""
    table: Array = np.loadtxt(PACKED / f"p676_{gas}_lines.csv", delimiter=",", skiprows=1, unpack=True)
    return table


class Annex2(NamedTuple):
    """Coefficients a, b, c, d of Annex 2: of the oxygen's equivalent height, of the vapour's mass absorption."""

    oxygen: tuple[Array, Array, Array, Array]
    vapour: tuple[Array, Array, Array, Array]


@checked(freq_hz=ANNEX2_HZ)
def annex2_coefficients(freq_hz: ArrayLike) -> Annex2:
    """Coefficients at the frequency, linear between those of the table; nan outside 1 to 350 GHz.

    Source: ITU-R P.676-13, Annex 2, its files part 1 (oxygen) and part 2 (vapour): every half gigahertz.
    """
    freq_ghz = np.asarray(freq_hz, float) / 1e9
    return Annex2(_between_the_rows("oxygen", freq_ghz), _between_the_rows("vapour", freq_ghz))


def _between_the_rows(gas: str, freq_ghz: Array) -> tuple[Array, Array, Array, Array]:
    """The four coefficients of one gas, linear between two rows of its file."""
    table_ghz, at_table, slopes = _annex2_table(gas)
    lower = np.clip(np.searchsorted(table_ghz, freq_ghz, side="right") - 1, 0, len(table_ghz) - 2)
    known = (freq_ghz >= table_ghz[0]) & (freq_ghz <= table_ghz[-1])
    beyond_ghz = np.where(known, freq_ghz - table_ghz[lower], np.nan)
    a, b, c, d = np.moveaxis(at_table[lower], -1, 0) + np.moveaxis(slopes[lower], -1, 0) * beyond_ghz
    return a, b, c, d


@cache
def _annex2_table(gas: str) -> tuple[Array, Array, Array]:
    """Frequencies (GHz) of a file of Annex 2, the four coefficients at each, and their slopes to the next."""
    table: Array = np.loadtxt(PACKED / f"p676_annex2_{gas}.csv", delimiter=",", skiprows=1)
    return table[:, 0], table[:, 1:], np.diff(table[:, 1:], axis=0) / np.diff(table[:, :1], axis=0)


@checked(freq_hz=LINE_HZ, pressure_hpa=POSITIVE, temperature_k=POSITIVE, vapour_g_per_m3=NOT_NEGATIVE)
def oxygen_zenith_attenuation_db(
    freq_hz: ArrayLike, mean: Air, exceeded: Air, coefficients: tuple[Array, Array, Array, Array]
) -> Array:
    """Oxygen attenuation towards the zenith, exceeded as often as the values of `exceeded`. Arguments broadcast.

    Source: ITU-R P.676-13, Annex 2, section 1.2: `mean` sets the specific attenuation, `exceeded` the height (eq. 34).
    """
    a, b, c, d = coefficients
    height_km = a + b * exceeded.temperature_k + c * exceeded.pressure_hpa + d * exceeded.vapour_g_per_m3
    attenuation_db: Array = oxygen_specific_attenuation_db_per_km.or_nan(freq_hz, mean) * height_km
    return attenuation_db


@checked(freq_hz=ANNEX2_HZ)
def vapour_equivalent_height_km(freq_hz: ArrayLike) -> Array:
    """Height of air as it is at the ground that would hold the vapour's attenuation; nan outside 1 to 350 GHz.

    Source: ITU-R P.676-13, Annex 2, equation 37.
    """
    f = np.asarray(freq_hz, float) / 1e9
    f = np.where((f >= 1) & (f <= 350), f, np.nan)
    line, a, b = _VAPOUR_HEIGHT.T
    height_km: Array = 5.6585e-5 * f + 1.8348 + (a / ((f[..., None] - line) ** 2 + b)).sum(axis=-1)
    return height_km


@checked(
    freq_hz=ANNEX2_HZ,
    elevation_deg=FLAT_AIR_DEG,
    pressure_hpa=POSITIVE,
    temperature_k=POSITIVE,
    vapour_g_per_m3=NOT_NEGATIVE,
)
def instantaneous_gas_attenuation_db(freq_hz: ArrayLike, elevation_deg: ArrayLike, now: Air) -> Array:
    """Attenuation of a slant path by oxygen and water vapour while the air at the ground is `now`.

    Arguments broadcast; nan outside 1 to 350 GHz and outside elevations of 5 to 90 degrees.

    Source: ITU-R P.676-13, Annex 2, sections 1.1 and 2.1.
    """
    oxygen_db = oxygen_zenith_attenuation_db.or_nan(freq_hz, now, now, annex2_coefficients.or_nan(freq_hz).oxygen)
    vapour_db = vapour_specific_attenuation_db_per_km.or_nan(freq_hz, now) * vapour_equivalent_height_km.or_nan(freq_hz)
    attenuation_db: Array = (oxygen_db + vapour_db) / _sine(elevation_deg)
    return attenuation_db


@checked(
    vapour_content_kg_per_m2=NOT_NEGATIVE, pressure_hpa=POSITIVE, temperature_k=POSITIVE, vapour_g_per_m3=NOT_NEGATIVE
)
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


@checked(
    freq_hz=ANNEX2_HZ,
    elevation_deg=FLAT_AIR_DEG,
    vapour_content_kg_per_m2=NOT_NEGATIVE,
    pressure_hpa=POSITIVE,
    temperature_k=POSITIVE,
    vapour_g_per_m3=NOT_NEGATIVE,
)
def gas_attenuation_db(
    freq_hz: ArrayLike, elevation_deg: ArrayLike, mean: Air, exceeded: Air, vapour_content_kg_per_m2: ArrayLike
) -> Array:
    """Attenuation of a slant path by oxygen and water vapour, exceeded as often as `exceeded` and the content are.

    Arguments broadcast; nan outside 1 to 350 GHz and outside elevations of 5 to 90 degrees.

    Source: ITU-R P.676-13, Annex 2, sections 1.2 and 2.3.
    """
    oxygen, vapour = annex2_coefficients.or_nan(freq_hz)
    zenith_db = oxygen_zenith_attenuation_db.or_nan(
        freq_hz, mean, exceeded, oxygen
    ) + vapour_zenith_attenuation_db.or_nan(mean, vapour_content_kg_per_m2, vapour)
    attenuation_db: Array = zenith_db / _sine(elevation_deg)
    return attenuation_db


def _sine(elevation_deg: ArrayLike) -> Array:
    """Sine of the elevation; nan outside 5 to 90 degrees, where the air is not as if it were flat."""
    elevation = np.asarray(elevation_deg, float)
    sine: Array = np.sin(np.radians(np.where((elevation >= 5) & (elevation <= 90), elevation, np.nan)))
    return sine
