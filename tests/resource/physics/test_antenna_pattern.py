"""Reference patterns: the values their Recommendations print, no jump where none is printed, nothing outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from satcom.resource.physics.antenna import half_power_beamwidth_deg, parabola_gain_dbi
from satcom.resource.physics.antenna_pattern import (
    LEO_MASK_DB,
    MEO_MASK_DB,
    s465_gain_dbi,
    s580_gain_dbi,
    s672_gain_dbi,
    s1528_constellation_gain_dbi,
    s1528_gain_dbi,
    s1855_gain_dbi,
)

Array = NDArray[np.float64]
KU_HZ, C_HZ = 12.5e9, 4e9
FINE_DEG = np.arange(0.001, 180, 0.001)


def largest_step_db(gain_dbi: Array) -> float:
    return float(np.nanmax(np.abs(np.diff(gain_dbi))))


def test_s465_prints_32_less_25_log_and_minus_10_beyond_48_degrees() -> None:
    assert s465_gain_dbi(np.array([1.0, 10.0, 47.9, 48.0, 180.0]), 9.0, KU_HZ) == pytest.approx(
        [32.0, 7.0, -10.0, -10.0, -10.0], abs=0.03
    )


def test_s465_begins_at_a_degree_for_large_antennas_and_farther_out_for_small_ones() -> None:
    assert np.isnan(s465_gain_dbi(0.99, 9.0, KU_HZ))
    wavelengths_30 = 30 * 299_792_458 / KU_HZ
    begins_deg = 114 * 30**-1.09  # 2.80
    assert np.isnan(s465_gain_dbi(begins_deg - 0.01, wavelengths_30, KU_HZ))
    assert s465_gain_dbi(begins_deg + 0.01, wavelengths_30, KU_HZ) == pytest.approx(
        32 - 25 * np.log10(begins_deg), abs=0.05
    )


def test_s580_is_3_db_below_s465_up_to_20_degrees_and_equal_from_26_3_on() -> None:
    near, far = np.array([1.0, 5.0, 19.9]), np.array([26.5, 40.0, 90.0])
    assert s465_gain_dbi(near, 9.0, KU_HZ) - s580_gain_dbi(near, 9.0, KU_HZ) == pytest.approx([3.0, 3.0, 3.0])
    assert s580_gain_dbi(far, 9.0, KU_HZ) == pytest.approx(s465_gain_dbi(far, 9.0, KU_HZ))
    assert s580_gain_dbi(23.0, 9.0, KU_HZ) == pytest.approx(-3.5, abs=0.05)


def test_s1855_is_3_db_higher_across_the_orbit_and_the_same_beyond_9_2_degrees() -> None:
    angle_deg = np.array([3.0, 7.0, 9.2, 20.0])
    along, across = (s1855_gain_dbi(angle_deg, plane_deg, 2.4, KU_HZ) for plane_deg in (0.0, 90.0))
    assert across - along == pytest.approx([3.0, 3.0, 0.0, 0.0], abs=0.01)
    assert along[0] == pytest.approx(29 - 25 * np.log10(3))


def test_s1855_of_a_small_antenna_has_minus_5_and_0_dbi_far_out() -> None:
    assert s1855_gain_dbi(np.array([50.0, 100.0]), 0.0, 0.6, KU_HZ) == pytest.approx([-5.0, 0.0])
    assert np.isnan(s1855_gain_dbi(50.0, 0.0, 0.3, KU_HZ))  # 12.5 wavelengths


@pytest.mark.parametrize(
    "pattern",
    [
        s465_gain_dbi(FINE_DEG, 9.0, KU_HZ),
        s580_gain_dbi(FINE_DEG, 9.0, KU_HZ),
        s1855_gain_dbi(FINE_DEG, 30.0, 2.4, KU_HZ),
        s672_gain_dbi(FINE_DEG[FINE_DEG <= 90], 35.0, 3.0, -20.0),
        s672_gain_dbi(FINE_DEG[FINE_DEG <= 90], 35.0, 3.0, -25.0),
        s672_gain_dbi(FINE_DEG[FINE_DEG <= 90], 35.0, 3.0, -30.0),
        s1528_constellation_gain_dbi(FINE_DEG, 34.0, 4.0),
        s1528_constellation_gain_dbi(FINE_DEG, 34.0, 4.0, MEO_MASK_DB, 3.0),
    ],
)
def test_a_pattern_does_not_jump(pattern: Array) -> None:
    assert largest_step_db(pattern) < 0.13  # a = 2.58, 2.88 and 3.16 are printed to three digits


def test_s1855_small_antennas_do_not_jump_up_to_70_degrees() -> None:
    assert largest_step_db(s1855_gain_dbi(FINE_DEG[FINE_DEG < 70], 0.0, 0.6, KU_HZ)) < 0.1


@pytest.mark.parametrize(("side_lobe_db", "lobe_end"), [(-20.0, 2.58), (-25.0, 2.88), (-30.0, 3.16)])
def test_s672_falls_3_db_at_half_the_width_and_to_its_side_lobes_where_printed(
    side_lobe_db: float, lobe_end: float
) -> None:
    half_widths = np.array([0.0, 1.0, lobe_end, 6.32, 63.2])
    gain_dbi = s672_gain_dbi(half_widths * 0.5, 44.0, 1.0, side_lobe_db)
    far_dbi = max(44 + side_lobe_db - 25, 0.0)  # a decade beyond b
    assert gain_dbi == pytest.approx([44, 41, 44 + side_lobe_db, 44 + side_lobe_db, far_dbi], abs=0.12)


def test_s672_back_lobes_follow_the_peak_gain() -> None:
    assert s672_gain_dbi(np.array([89.0, 91.0]), 44.0, 1.0, -20.0) == pytest.approx([0.0, 15 - 20 + 11])
    assert s672_gain_dbi(91.0, 20.0, 10.0, -30.0) == 0.0


def test_a_flatter_ellipse_has_higher_side_lobes() -> None:
    round_beam, ellipse = (s672_gain_dbi(2.9 * 0.5, 44.0, 1.0, -20.0, ratio) for ratio in (1.0, 2.0))
    assert ellipse - round_beam == pytest.approx(20 * np.log10(2))


def test_s1528_steps_from_its_main_lobe_to_the_side_lobes_asked_for() -> None:
    gain_dbi = s1528_gain_dbi(np.array([0.0, 1.0, 2.57, 2.59, 6.3]) * 2.0, 34.0, 4.0, -15.0)
    assert gain_dbi == pytest.approx([34.0, 31.0, 34 - 3 * 2.57**1.5, 19.0, 19.0], abs=0.01)


def test_the_mask_of_a_constellation_leaves_its_main_lobe_at_1_5_and_2_half_widths() -> None:
    for mask_db, half_widths in ((LEO_MASK_DB, 1.5), (MEO_MASK_DB, 2.0)):
        assert s1528_constellation_gain_dbi(half_widths * 2.0, 34.0, 4.0, mask_db) == pytest.approx(34 + mask_db)
        farther = s1528_constellation_gain_dbi(half_widths * 20.0, 34.0, 4.0, mask_db, -50.0)
        assert farther == pytest.approx(34 + mask_db - 25)


@given(
    off_axis_deg=st.floats(0, 180),
    farther_deg=st.floats(0, 90),
    peak_gain_dbi=st.floats(20, 55),
    width_deg=st.floats(0.2, 17),
    side_lobe_db=st.sampled_from([-20.0, -25.0, -30.0]),
    axial_ratio=st.floats(1, 4),
)
def test_a_satellite_never_radiates_more_than_at_its_peak_and_falls_up_to_its_back_lobes(
    off_axis_deg: float,
    farther_deg: float,
    peak_gain_dbi: float,
    width_deg: float,
    side_lobe_db: float,
    axial_ratio: float,
) -> None:
    there_dbi = float(s672_gain_dbi(off_axis_deg, peak_gain_dbi, width_deg, side_lobe_db, axial_ratio))
    assert there_dbi <= peak_gain_dbi
    if off_axis_deg + farther_deg <= 90 and axial_ratio == 1:
        beyond_dbi = s672_gain_dbi(off_axis_deg + farther_deg, peak_gain_dbi, width_deg, side_lobe_db, axial_ratio)
        assert beyond_dbi <= there_dbi + 0.11


@given(
    off_axis_deg=st.floats(1, 180),
    farther_deg=st.floats(0, 179),
    diameter_m=st.floats(0.5, 20),
    freq_hz=st.floats(2e9, 31e9),
)
def test_an_envelope_of_an_earth_station_only_falls_and_lies_below_its_peak(
    off_axis_deg: float, farther_deg: float, diameter_m: float, freq_hz: float
) -> None:
    peak_dbi = parabola_gain_dbi(diameter_m, 0.65, freq_hz)
    for pattern in (s465_gain_dbi, s580_gain_dbi):
        near_dbi, far_dbi = (
            pattern.or_nan(angle, diameter_m, freq_hz) for angle in (off_axis_deg, off_axis_deg + farther_deg)
        )
        assert not far_dbi > near_dbi + 0.04  # at 48 degrees both rise from 32 - 25 log 48 = -10.03 to -10 dBi
        assert not near_dbi > peak_dbi + 1


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_an_antenna_of_no_size_has_no_pattern(bad: float) -> None:
    for gain_dbi in (
        s465_gain_dbi.or_nan(10.0, bad, KU_HZ),
        s580_gain_dbi.or_nan(10.0, bad, KU_HZ),
        s1855_gain_dbi.or_nan(10.0, 0.0, bad, KU_HZ),
        s672_gain_dbi.or_nan(1.0, 40.0, bad),
        s1528_gain_dbi.or_nan(1.0, 40.0, bad),
        s1528_constellation_gain_dbi.or_nan(1.0, 40.0, bad),
    ):
        assert np.isnan(gain_dbi)


def test_outside_frequencies_angles_and_levels_there_is_no_pattern() -> None:
    assert np.isnan(s465_gain_dbi.or_nan(10.0, 9.0, np.array([1.9e9, 32e9, -4e9]))).all()
    assert np.isnan(s580_gain_dbi.or_nan(np.array([-1.0, 181.0, np.nan]), 9.0, C_HZ)).all()
    assert np.isnan(s672_gain_dbi.or_nan(1.0, 40.0, 2.0, np.array([-15.0, -22.0, np.nan]))).all()
    assert np.isnan(s672_gain_dbi.or_nan(1.0, np.nan, 2.0))
    assert np.isnan(s672_gain_dbi.or_nan(1.0, 40.0, 2.0, -20.0, np.array([0.5, 10.0]))).all()
    assert np.isnan(s1528_gain_dbi.or_nan(1.0, 40.0, 2.0, -16.0))
    assert np.isnan(s1528_constellation_gain_dbi.or_nan(1.0, 40.0, 2.0, 3.0))


def test_arrays_broadcast() -> None:
    angles_deg, sizes_m = np.linspace(3, 20, 5), np.array([[1.8], [2.4], [9.0]])
    assert s465_gain_dbi(angles_deg, sizes_m, KU_HZ).shape == (3, 5)
    widths_deg = half_power_beamwidth_deg(sizes_m, KU_HZ)
    assert s672_gain_dbi(angles_deg, parabola_gain_dbi(sizes_m, 0.6, KU_HZ), widths_deg, np.float64(-25)).shape == (
        3,
        5,
    )
