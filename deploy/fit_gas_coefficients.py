"""Make the coefficients of ITU-R P.676-13, Annex 2, that the gas attenuation reads.

    python deploy/fit_gas_coefficients.py tests/data/itu_valex resource/physics/digital_maps

For maintainers. ITU publishes the coefficients in two files beside the Recommendation (part 1 and part 2), which
were not to be had. Its validation examples print them at some forty frequencies: there they stand as printed.
Between those frequencies they are fitted, as ITU did, to the line-by-line sums of Annex 1, here over 180 modelled
atmospheres from polar winter to the wet tropics; and the fit is shifted to pass through the printed ones.
"""

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.gas import (
    Air,
    oxygen_specific_attenuation_db_per_km,
    vapour_specific_attenuation_db_per_km,
)

Array = NDArray[np.float64]
Printed = dict[float, tuple[float, ...]]

# Inside the oxygen lines the coefficients change too fast for the printed ones to guide a fit.
GRID_GHZ = np.concatenate([np.arange(1, 53, 0.5), np.arange(67, 100.5, 0.5)])
STATISTICAL_SHEET = "P.676_13_A_Gas_A2_STAT.csv"
WEIBULL_SHEET = "P.676_13_A_Gas_A2_Weib.csv"
STANDARD = np.array([1.0, 7.5, 288.15, 1013.25])  # the vapour's regressors at mean sea level
HEADER = "freq_ghz,oxygen_a,oxygen_b,oxygen_c,oxygen_d,vapour_a,vapour_b,vapour_c,vapour_d"


@dataclass(frozen=True)
class Atmospheres:
    """Profiles over height above ground. Shape of `air`: (heights, atmospheres)."""

    height_km: Array
    air: Air


def main() -> None:
    """Read the sheets, fit, write the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("sheets", type=Path)
    arguments.add_argument("target", type=Path)
    chosen = arguments.parse_args()
    oxygen, vapour = printed_coefficients(chosen.sheets)
    freq_ghz = np.unique(np.concatenate([GRID_GHZ, within_grid(oxygen), within_grid(vapour)]))
    atmospheres = modelled_atmospheres()
    table = np.column_stack(
        [freq_ghz, fitted_oxygen(freq_ghz, oxygen, atmospheres), fitted_vapour(freq_ghz, vapour, atmospheres)]
    )
    gap = np.array([[53.0, *[np.nan] * 8], [66.5, *[np.nan] * 8]])
    table = np.vstack([table, gap])
    table = table[np.argsort(table[:, 0])]
    lines = [",".join(f"{value:.10g}" for value in row) for row in table]
    (chosen.target / "p676_annex2_coefficients.csv").write_text("\n".join([HEADER, *lines]) + "\n")


def printed_coefficients(sheets: Path) -> tuple[Printed, Printed]:
    """Coefficients of oxygen and of vapour by frequency (GHz), as the examples print them."""
    oxygen: Printed = {}
    vapour: Printed = {}
    for row in csv.reader((sheets / STATISTICAL_SHEET).open(encoding="utf-8")):
        monthly = len(row) > 5 and row[5].isdigit()
        cells = row[:5] + row[6:] if monthly else row
        if len(cells) > 34 and is_number(cells[4]) and is_number(cells[16]) and is_number(cells[34]):
            oxygen[float(cells[4])] = tuple(float(cell) for cell in cells[16:20])
            vapour[float(cells[24])] = tuple(float(cell) for cell in cells[31:35])
    for row in csv.reader((sheets / WEIBULL_SHEET).open(encoding="utf-8")):
        if len(row) > 14 and is_number(row[5]) and is_number(row[11]):
            vapour[float(row[5])] = tuple(float(cell) for cell in row[11:15])
    return oxygen, vapour


def is_number(cell: str) -> bool:
    """Whether the cell holds a plain number."""
    return cell.replace(".", "", 1).replace("-", "").replace("e", "", 1).isdigit()


def within_grid(printed: Printed) -> Array:
    """The printed frequencies that the table covers."""
    frequencies = np.array(sorted(printed))
    return frequencies[((frequencies >= 1) & (frequencies <= 52.5)) | ((frequencies >= 67) & (frequencies <= 100))]


def fitted_oxygen(freq_ghz: Array, printed: Printed, atmospheres: Atmospheres) -> Array:
    """Coefficients of the equivalent height (km) over temperature, pressure and vapour density at the ground."""
    ground = ground_of(atmospheres.air)
    regressors = np.column_stack(
        [np.ones_like(ground.temperature_k), ground.temperature_k, ground.pressure_hpa, ground.vapour_g_per_m3]
    )

    def fit(f: float) -> Array:
        specific = oxygen_specific_attenuation_db_per_km.or_nan(f * 1e9, atmospheres.air)
        height_km = integral(specific, atmospheres.height_km) / specific[0]
        solution: Array = np.linalg.lstsq(regressors, height_km, rcond=None)[0]
        return solution

    known_ghz = within_grid(printed)
    shift = np.array([printed[f] - chord(fit, f) for f in known_ghz])
    fits = np.array([chord(fit, f) for f in freq_ghz])
    coefficients: Array = fits + np.column_stack([np.interp(freq_ghz, known_ghz, column) for column in shift.T])
    return coefficients


def fitted_vapour(freq_ghz: Array, printed: Printed, atmospheres: Atmospheres) -> Array:
    """Coefficients of the mass absorption (dB per kg/m2) over density, temperature, pressure at the ground."""
    ground = ground_of(atmospheres.air)
    regressors = np.column_stack(
        [np.ones_like(ground.temperature_k), ground.vapour_g_per_m3, ground.temperature_k, ground.pressure_hpa]
    )
    content_kg_per_m2 = integral(atmospheres.air.vapour_g_per_m3, atmospheres.height_km)

    def fit(f: float) -> Array:
        specific = vapour_specific_attenuation_db_per_km.or_nan(f * 1e9, atmospheres.air)
        absorption = integral(specific, atmospheres.height_km) / content_kg_per_m2
        solution: Array = np.asarray(np.linalg.lstsq(regressors, absorption, rcond=None)[0], np.float64)
        return solution

    # The absorption grows a hundredfold over the table, so the shift is carried over in proportion to it.
    known_ghz = within_grid(printed)
    shift: Array = np.array([(printed[f] - chord(fit, f)) / (chord(fit, f) @ STANDARD) for f in known_ghz])
    fits = np.array([chord(fit, f) for f in freq_ghz])
    shifts = np.column_stack([np.interp(freq_ghz, known_ghz, column) for column in shift.T])
    coefficients: Array = fits + shifts * (fits @ STANDARD)[:, None]
    return coefficients


def chord(fit: Callable[[float], Array], freq_ghz: float) -> Array:
    """The fit on ITU's grid of half gigahertz: between, the examples print what is linear between two points."""
    below = np.floor(2 * freq_ghz) / 2
    share = 2 * (freq_ghz - below)
    coefficients: Array = fit(below) * (1 - share) + fit(below + 0.5) * share if share else fit(freq_ghz)
    return coefficients


def integral(profile: Array, height_km: Array) -> Array:
    """Over height, trapezoidal."""
    total: Array = ((profile[1:] + profile[:-1]) / 2 * np.diff(height_km)[:, None]).sum(axis=0)
    return total


def ground_of(air: Air) -> Air:
    """The lowest level of every atmosphere."""
    return Air(air.pressure_hpa[0], air.temperature_k[0], air.vapour_g_per_m3[0])


def modelled_atmospheres() -> Atmospheres:
    """Hydrostatic atmospheres over grounds of 235 to 305 K and 0 to 4 km, the vapour exponential."""
    random = np.random.default_rng(3)
    ground_k = np.repeat(np.linspace(235, 305, 15), 12)
    count = len(ground_k)
    altitude_km = np.where(random.uniform(size=count) < 0.6, 0, random.uniform(0, 4, count))
    sea_hpa = 1013 + random.normal(0, 8, count)
    saturation_hpa = 6.1121 * np.exp((18.678 - (ground_k - 273.15) / 234.5) * (ground_k - 273.15) / (ground_k - 16.01))
    ground_vapour = 216.7 * random.uniform(0.35, 0.95, count) * saturation_hpa / ground_k
    scale_km = random.uniform(1.6, 2.6, count)

    height_km = np.concatenate([np.arange(0, 3, 0.1), np.arange(3, 20, 0.25), np.arange(20, 61, 1)])
    warmth = np.clip((ground_k - 250) / 50, 0, 1)
    tropopause_km = 8.5 + 8 * warmth**1.5
    tropopause_k = 218 - 22 * np.clip((ground_k - 285) / 15, 0, 1)
    level_km = height_km[:, None] + altitude_km
    rising = np.clip(height_km[:, None] / (tropopause_km - altitude_km), 0, 1)
    above_km = np.maximum(level_km - np.maximum(tropopause_km, 14 + 6 * warmth), 0)
    temperature_k = np.where(
        level_km > tropopause_km,
        np.minimum(tropopause_k + 2.2 * above_km, 270),
        ground_k + (tropopause_k - ground_k) * rising,
    )
    layer_k = (temperature_k[1:] + temperature_k[:-1]) / 2
    thickness = np.cumsum(34.163 * np.diff(height_km)[:, None] / layer_k, axis=0)
    ground_hpa = sea_hpa * np.exp(-34.163 * altitude_km / (ground_k + 3.25 * altitude_km))
    pressure_hpa = ground_hpa * np.exp(-np.vstack([np.zeros(count), thickness]))
    vapour = ground_vapour * np.exp(-height_km[:, None] / scale_km)
    return Atmospheres(height_km, Air(pressure_hpa, temperature_k, vapour))


if __name__ == "__main__":
    main()
