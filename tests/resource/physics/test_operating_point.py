"""Operating points against closed forms, against a simulated band of noise, and as properties."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from satcom.resource.physics.operating_point import (
    Amplifier,
    BackoffCurve,
    multi_carrier_curve,
    operating_point,
    operating_point_at,
    single_carrier_curve,
)
from tests.resource.physics.test_link_budget_laws import KU_LINK

EVERY = list(Amplifier)


def simulated_ci_db(amplitude_response: object, backoff_db: float) -> tuple[float, float]:
    """Useful output back-off and in-band C/IM of a sixteenth of the spectrum filled with noise, by brute force."""
    random = np.random.default_rng(7)
    samples, filled = 2**16, 2**12
    spectrum: NDArray[np.complex128] = np.zeros(samples, complex)
    band = np.arange(-filled // 2, filled // 2)
    spectrum[band] = random.normal(size=filled) + 1j * random.normal(size=filled)
    signal = np.fft.ifft(spectrum)
    signal *= np.sqrt(10 ** (-backoff_db / 10) / np.mean(np.abs(signal) ** 2))
    amplitude = np.abs(signal)
    output = amplitude_response(amplitude) * signal / amplitude  # type: ignore[operator]
    gain = np.vdot(signal, output) / np.vdot(signal, signal)
    rest = np.fft.fft(output - gain * signal)[band]
    useful = np.fft.fft(gain * signal)[band]
    ratio = np.sum(np.abs(useful) ** 2) / np.sum(np.abs(rest) ** 2)
    return float(-10 * np.log10(np.mean(np.abs(gain * signal) ** 2))), float(10 * np.log10(ratio))


def saleh(amplitude: NDArray[np.float64]) -> NDArray[np.complex128]:
    scaled = amplitude / np.sqrt(1.1517)
    gain = 2.1587 * scaled / (1 + 1.1517 * scaled**2) / (2.1587 / (2 * np.sqrt(1.1517)))
    return np.asarray(gain * np.exp(1j * 4.0033 * scaled**2 / (1 + 9.1040 * scaled**2)))


def clipped(amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(amplitude, 1.0)


@pytest.mark.parametrize("backoff_db", [2.0, 6.0, 10.0])
def test_a_tube_full_of_carriers_agrees_with_a_simulated_band_of_noise(backoff_db: float) -> None:
    output_db, ci_db = simulated_ci_db(saleh, backoff_db)
    curve = multi_carrier_curve(Amplifier.TWTA)
    assert curve.output_at_db(backoff_db) == pytest.approx(output_db, abs=0.03)
    # two thirds in the band is the share of third-order products; near saturation higher orders spread wider
    assert curve.intermodulation_at_db(backoff_db) == pytest.approx(ci_db, abs=0.35)


def test_a_linearised_tube_agrees_with_a_simulated_band_of_noise() -> None:
    output_db, ci_db = simulated_ci_db(clipped, 3.0)
    curve = multi_carrier_curve(Amplifier.LINEARISED_TWTA)
    assert curve.output_at_db(3.0) == pytest.approx(output_db, abs=0.03)
    assert 0 <= ci_db - curve.intermodulation_at_db(3.0) < 1.5  # the model errs on the safe side


def test_clipped_noise_has_its_closed_form() -> None:
    # E[min(r, 1) r] of an envelope with mean power s: gain 1 - exp(-1/s) + sqrt(pi / 4 s) erfc(sqrt(1/s))
    curve = multi_carrier_curve(Amplifier.LINEARISED_TWTA)
    gain = 1 - np.exp(-1.0) + np.sqrt(np.pi) / 2 * 0.15729920705028513
    assert curve.output_at_db(0.0) == pytest.approx(-20 * np.log10(gain), abs=1e-4)


@pytest.mark.parametrize("amplifier", EVERY)
def test_less_drive_is_more_linear(amplifier: Amplifier) -> None:
    curve = multi_carrier_curve(amplifier)
    driven = curve.input_backoff_db >= 0
    assert (np.diff(curve.intermodulation_ci_db[driven]) > -1e-6).all()
    assert np.isinf(single_carrier_curve(amplifier).intermodulation_at_db(3.0))


@pytest.mark.parametrize("amplifier", [Amplifier.TWTA, Amplifier.LINEARISED_TWTA])
def test_a_single_carrier_saturates_at_no_back_off(amplifier: Amplifier) -> None:
    assert single_carrier_curve(amplifier).output_at_db(0.0) == pytest.approx(0.0, abs=1e-9)


@given(amplifier=st.sampled_from(EVERY), backoff_db=st.floats(3, 29))
def test_the_input_for_an_output_is_the_inverse(amplifier: Amplifier, backoff_db: float) -> None:
    for curve in (single_carrier_curve(amplifier), multi_carrier_curve(amplifier)):
        output_db = curve.output_at_db(backoff_db)
        assert curve.input_for_output_db(output_db) == pytest.approx(backoff_db, abs=1e-6)


@given(flux=st.lists(st.floats(-110, -95), min_size=2, max_size=8))
def test_the_load_is_the_sum_of_the_carriers(flux: list[float]) -> None:
    curve = multi_carrier_curve(Amplifier.TWTA)
    point = operating_point(-85.0, np.array(flux), curve)
    twice = operating_point(-85.0, np.array(flux + flux), curve)
    assert point.input_backoff_db - twice.input_backoff_db == pytest.approx(10 * np.log10(2))
    assert twice.output_backoff_db < point.output_backoff_db
    assert twice.intermodulation_ci_db < point.intermodulation_ci_db


def test_a_transponder_takes_its_operating_point_over() -> None:
    point = operating_point_at(6.0, multi_carrier_curve(Amplifier.TWTA))
    at_it = point.of(KU_LINK.transponder)
    assert (at_it.input_backoff_db, at_it.bandwidth_hz) == (6.0, KU_LINK.transponder.bandwidth_hz)
    assert replace(KU_LINK, transponder=at_it).transponder.intermodulation_ci_db == pytest.approx(15.13, abs=0.01)


def test_beyond_the_curve_nothing_is_known() -> None:
    curve = multi_carrier_curve(Amplifier.SSPA)
    assert np.isnan(curve.output_at_db(np.array([-3.1, 30.1, np.nan]))).all()
    assert np.isnan(single_carrier_curve(Amplifier.SSPA).intermodulation_at_db(99.0))


def test_an_operators_own_table_is_checked() -> None:
    rising, two = np.array([0.0, 3.0, 6.0]), np.array([0.0, 1.0])
    own = BackoffCurve(rising, np.array([1.0, 2.0, 4.0]), np.array([10.0, 14.0, 19.0]))
    assert operating_point_at(4.5, own).output_backoff_db == pytest.approx(3.0)
    with pytest.raises(ValueError, match="as many points"):
        BackoffCurve(rising, two, rising)
    with pytest.raises(ValueError, match="above the one before"):
        BackoffCurve(rising[::-1], rising, rising)
