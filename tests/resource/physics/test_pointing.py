"""Pointing that wanders: held against what is integrated and drawn by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from satcom.resource.physics.antenna import dish_diameter_m, parabola_gain_dbi, pointing_loss_db, surface_loss_db
from satcom.resource.physics.pointing import (
    pointing_error_exceeded_deg,
    pointing_loss_exceeded_db,
    rms_pointing_loss_db,
)


@pytest.mark.parametrize("rms_deg", [0.01, 0.05, 0.1, 0.2])
def test_the_loss_of_the_mean_power_is_that_of_the_beam_integrated_over_the_error(rms_deg: float) -> None:
    width_deg = 0.3

    def power(error_deg: float) -> float:
        probability = 2 * error_deg / rms_deg**2 * np.exp(-((error_deg / rms_deg) ** 2))
        return float(np.exp(-4 * np.log(2) * (error_deg / width_deg) ** 2) * probability)

    mean = quad(power, 0, 10 * rms_deg, epsabs=1e-12)[0]
    assert rms_pointing_loss_db(rms_deg, width_deg) == pytest.approx(-10 * np.log10(mean), abs=1e-6)


def test_the_error_is_exceeded_as_often_as_asked() -> None:
    drawn = np.random.default_rng(7).normal(0, 0.1 / np.sqrt(2), (2, 200_000))
    off_axis_deg = np.hypot(*drawn)
    for percent in (50.0, 10.0, 1.0):
        asked_deg = pointing_error_exceeded_deg(0.1, percent)
        assert np.mean(off_axis_deg > asked_deg) * 100 == pytest.approx(percent, rel=0.05)


def test_a_margin_holds_the_loss_of_that_error() -> None:
    assert pointing_loss_exceeded_db(0.05, 0.3, 1.0) == pytest.approx(
        pointing_loss_db(pointing_error_exceeded_deg(0.05, 1.0), 0.3)
    )


def test_no_error_costs_nothing_and_what_is_none_is_nan() -> None:
    assert rms_pointing_loss_db.or_nan(0.0, 0.3) == 0.0
    assert np.isnan(rms_pointing_loss_db.or_nan(np.array([-0.1, np.nan]), 0.3)).all()
    assert np.isnan(rms_pointing_loss_db.or_nan(0.1, np.array([0.0, -1.0]))).all()
    assert np.isnan(pointing_error_exceeded_deg.or_nan(0.1, np.array([0.0, 101.0]))).all()


def test_a_surface_of_a_sixteenth_of_a_wavelength_costs_2_7_db() -> None:
    wavelength_m = 0.024
    assert surface_loss_db(wavelength_m / 16, 299_792_458 / wavelength_m) == pytest.approx(2.68, abs=0.005)  # Ruze
    assert surface_loss_db(0.0, 12e9) == 0.0
    assert np.isnan(surface_loss_db.or_nan(-0.001, 12e9))
    assert np.isnan(surface_loss_db.or_nan(0.001, -12e9))


def test_of_a_rough_reflector_the_gain_peaks_where_its_surface_costs_4_3_db() -> None:
    freq_hz = np.linspace(1e9, 300e9, 30_000)
    gain_dbi = parabola_gain_dbi(3.0, 0.6, freq_hz) - surface_loss_db(0.3e-3, freq_hz)
    best_hz = freq_hz[np.argmax(gain_dbi)]
    assert surface_loss_db(0.3e-3, best_hz) == pytest.approx(4.34, abs=0.01)  # Ruze: lambda = 4 pi rms


@given(diameter_m=st.floats(0.1, 30), efficiency=st.floats(0.3, 1), freq_hz=st.floats(1e9, 50e9))
def test_the_diameter_of_a_gain_is_that_of_the_dish(diameter_m: float, efficiency: float, freq_hz: float) -> None:
    gain_dbi = parabola_gain_dbi(diameter_m, efficiency, freq_hz)
    assert dish_diameter_m(gain_dbi, efficiency, freq_hz) == pytest.approx(diameter_m)
