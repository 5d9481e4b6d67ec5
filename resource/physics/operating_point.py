"""Operating point: how far below saturation a transponder works under its load, and what intermodulation that leaves.

One carrier follows the amplifier's curve itself. Many carriers together are Gaussian noise: the useful output is the
part of the output that follows the input, the rest is intermodulation (Bussgang). Of carriers that fill the band
evenly, two thirds of the third-order products fall on the carriers, the rest beside the band.
An operator who has measured curves gives them as a `BackoffCurve`.

Words: ITU Handbook on Satellite Communications, 3rd ed., chapter 2 (IBO, OBO, SFD); A. Saleh, IEEE Trans. Commun. 29,
1981 (AM/AM and AM/PM of tubes); C. Rapp, ESA SP-332, 1991 (solid state); J. Bussgang, MIT RLE report 216, 1952.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.checked import FINITE, checked
from satcom.resource.physics.link_budget import Transponder

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Values = float | Array  # anything that broadcasts

# Saleh's tube, scaled so that an amplitude of 1 saturates it: phase a r^2 / (1 + b r^2).
SALEH_PHASE = 4.0033 / 1.1517, 9.1040 / 1.1517
RAPP_SMOOTHNESS = 2.0
IN_BAND_SHARE = 2 / 3  # of third-order products of an evenly filled band; 3/4 in its middle, 1/2 at its edges
CLEANEST_DB = 60.0  # no better C/IM is told: the integral has no more digits, and no amplifier either
BACKOFFS_DB = np.linspace(-3.0, 30.0, 331)


class Amplifier(StrEnum):
    """What amplifies: a travelling-wave tube, one behind an ideal lineariser, or solid state."""

    TWTA = "twta"
    LINEARISED_TWTA = "linearised"
    SSPA = "sspa"


@dataclass(frozen=True, eq=False)
class BackoffCurve:
    """Output back-off and C/IM over input back-off; arrays of one shape (points,), input back-off rising.

    Input back-off counts to the single carrier that saturates; output back-off is that of the useful carriers.
    Between points linear in decibels, nan beyond them. `intermodulation_ci_db` is of a carrier with its even part
    of power and band; `inf` where there is none. Raises `ValueError` on other shapes or orders.
    """

    input_backoff_db: Array
    output_backoff_db: Array
    intermodulation_ci_db: Array

    def __post_init__(self) -> None:
        shapes = {one.shape for one in (self.input_backoff_db, self.output_backoff_db, self.intermodulation_ci_db)}
        if len(shapes) != 1 or self.input_backoff_db.ndim != 1 or len(self.input_backoff_db) < 2:
            raise ValueError(
                "input_backoff_db, output_backoff_db, intermodulation_ci_db: as many points each, 2 or more"
            )
        if not np.all(np.diff(self.input_backoff_db) > 0):
            raise ValueError("input_backoff_db: points in dB, each above the one before")

    def output_at_db(self, input_backoff_db: Values) -> Array:
        """Output back-off at an input back-off."""
        return self._at(input_backoff_db, self.output_backoff_db)

    def intermodulation_at_db(self, input_backoff_db: Values) -> Array:
        """C/IM in the carriers' band at an input back-off."""
        if np.isinf(self.intermodulation_ci_db).all():
            return np.where(np.isnan(self.output_at_db(input_backoff_db)), np.nan, np.inf)
        return self._at(input_backoff_db, self.intermodulation_ci_db)

    def input_for_output_db(self, output_backoff_db: Values) -> Array:
        """The least input back-off that gives an output back-off: the inverse on the branch below saturation."""
        driven = int(np.argmin(self.output_backoff_db))
        return np.asarray(
            np.interp(
                output_backoff_db, self.output_backoff_db[driven:], self.input_backoff_db[driven:], np.nan, np.nan
            )
        )

    def _at(self, input_backoff_db: Values, column: Array) -> Array:
        return np.asarray(np.interp(input_backoff_db, self.input_backoff_db, column, np.nan, np.nan))


@dataclass(frozen=True)
class OperatingPoint:
    """Where a transponder works: back-offs of all carriers together, and the C/IM of an average one."""

    input_backoff_db: Array
    output_backoff_db: Array
    intermodulation_ci_db: Array

    def of(self, transponder: Transponder) -> Transponder:
        """The transponder at this point."""
        return replace(
            transponder,
            input_backoff_db=self.input_backoff_db,
            output_backoff_db=self.output_backoff_db,
            intermodulation_ci_db=self.intermodulation_ci_db,
        )


@checked(
    apart=["carrier_flux_densities_dbw_per_m2"],
    saturation_flux_density_dbw_per_m2=FINITE,
    carrier_flux_densities_dbw_per_m2=FINITE,
)
def operating_point(
    saturation_flux_density_dbw_per_m2: Values, carrier_flux_densities_dbw_per_m2: Array, curve: BackoffCurve
) -> OperatingPoint:
    """The point of a transponder that carriers of these flux densities load; shape (..., carriers) to (...).

    `saturation_flux_density_dbw_per_m2` is that for where the carriers come from. nan when overdriven by more, or
    loaded by less, than the curve knows.
    """
    load = 10 * np.log10(np.sum(10 ** (np.asarray(carrier_flux_densities_dbw_per_m2) / 10), axis=-1))
    return operating_point_at.or_nan(np.asarray(saturation_flux_density_dbw_per_m2) - load, curve)


@checked(input_backoff_db=FINITE)
def operating_point_at(input_backoff_db: Values, curve: BackoffCurve) -> OperatingPoint:
    """The point at an input back-off of all carriers together."""
    return OperatingPoint(
        np.asarray(input_backoff_db, dtype=np.float64),
        curve.output_at_db(input_backoff_db),
        curve.intermodulation_at_db(input_backoff_db),
    )


@lru_cache(maxsize=8)
def single_carrier_curve(amplifier: Amplifier) -> BackoffCurve:
    """One carrier of constant envelope: the AM/AM curve, without intermodulation."""
    output = np.abs(_response(amplifier)(10 ** (-BACKOFFS_DB / 20)))
    return BackoffCurve(BACKOFFS_DB, -20 * np.log10(output), np.full_like(BACKOFFS_DB, np.inf))


@lru_cache(maxsize=8)
def multi_carrier_curve(amplifier: Amplifier) -> BackoffCurve:
    """Many carriers that fill the band: useful output, and intermodulation on the carriers.

    Source: Bussgang 1952; the carriers' power is that of the output's projection on the input.
    """
    points, weights = np.polynomial.legendre.leggauss(8)
    starts = np.linspace(0.0, 40.0, 401)[:-1, None]  # of the envelope's power over its mean; e^-40 is cut off
    power = (starts + 0.05 * (points + 1)).reshape(-1)
    density = np.exp(-power) * np.tile(0.05 * weights, len(starts))
    mean_power = 10 ** (-BACKOFFS_DB / 10)
    amplitude = np.sqrt(mean_power[:, None] * power)
    output = _response(amplifier)(amplitude)
    total = (np.abs(output) ** 2) @ density
    useful = np.abs((output * amplitude) @ density) ** 2 / mean_power
    intermodulation = np.maximum(IN_BAND_SHARE * (total - useful), useful * 10 ** (-CLEANEST_DB / 10))
    return BackoffCurve(BACKOFFS_DB, -10 * np.log10(useful), 10 * np.log10(useful / intermodulation))


def _response(amplifier: Amplifier) -> Callable[[Array], Complex]:
    """Output over input amplitude, both 1 at saturation, with its phase."""
    return {Amplifier.TWTA: _saleh, Amplifier.LINEARISED_TWTA: _clipped, Amplifier.SSPA: _rapp}[amplifier]


def _saleh(amplitude: Array) -> Complex:
    slope, bend = SALEH_PHASE
    phase = slope * amplitude**2 / (1 + bend * amplitude**2)
    output: Complex = 2 * amplitude / (1 + amplitude**2) * np.exp(1j * phase)
    return output


def _clipped(amplitude: Array) -> Complex:
    """Straight up to saturation, flat beyond, no phase: what a lineariser can reach at best."""
    return np.minimum(amplitude, 1.0).astype(np.complex128)


def _rapp(amplitude: Array) -> Complex:
    output = amplitude / (1 + amplitude ** (2 * RAPP_SMOOTHNESS)) ** (1 / (2 * RAPP_SMOOTHNESS))
    return np.asarray(output, dtype=np.complex128)
