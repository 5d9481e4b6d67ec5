"""Interference from each neighbour: geometry of real slots, side lobes, roll-off, and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.antenna_pattern import s465_gain_dbi, s580_gain_dbi
from satcom.resource.physics.depolarization import discrimination_db
from satcom.resource.physics.interference import (
    adjacent_carrier_ci_db,
    adjacent_satellite_downlink_ci_db,
    adjacent_satellite_uplink_ci_db,
    co_channel_ci_db,
    cross_polar_ci_db,
    rain_cross_polar_ci_db,
    side_lobe_gain_dbi,
    topocentric_separation_deg,
)

HOTBIRD_DEG, EUTELSAT_10B_DEG, EUTELSAT_7_DEG = 13.0, 10.0, 7.0  # slots as catalogued in 2026-08


def test_a_station_sees_slots_further_apart_than_the_earths_centre_does() -> None:
    below = topocentric_separation_deg.or_nan(0.0, 10.0, EUTELSAT_10B_DEG, HOTBIRD_DEG)
    assert below == pytest.approx(3.0 * 42_164 / 35_786, abs=0.01)
    far_north = topocentric_separation_deg.or_nan(60.0, 10.0, EUTELSAT_10B_DEG, HOTBIRD_DEG)
    assert 3.0 < far_north < below
    assert np.isnan(topocentric_separation_deg.or_nan(0.0, 120.0, EUTELSAT_10B_DEG, HOTBIRD_DEG))
    assert np.isnan(topocentric_separation_deg.or_nan(91.0, 10.0, EUTELSAT_10B_DEG, HOTBIRD_DEG))


def test_a_large_dish_keeps_to_s580_and_a_small_one_to_s465() -> None:
    assert side_lobe_gain_dbi.or_nan(3.0, 3.7, 0.65, 12e9) == s580_gain_dbi(3.0, 3.7, 12e9)
    assert side_lobe_gain_dbi.or_nan(5.0, 0.6, 0.65, 12e9) == s465_gain_dbi(5.0, 0.6, 12e9)
    peak_dbi = parabola_gain_dbi(0.6, 0.65, 12e9)
    assert side_lobe_gain_dbi.or_nan(0.0, 0.6, 0.65, 12e9) == peak_dbi
    assert peak_dbi - 3 < side_lobe_gain_dbi.or_nan(1.0, 0.6, 0.65, 12e9) < peak_dbi
    assert side_lobe_gain_dbi.or_nan(3.3, 0.6, 0.65, 12e9) == pytest.approx(2 + 15 * np.log10(0.6 * 12e9 / 299_792_458))
    assert np.isnan(side_lobe_gain_dbi.or_nan(np.nan, 0.6, 0.65, 12e9))


def test_neighbours_on_both_sides_of_a_real_slot_add_up() -> None:
    separations = topocentric_separation_deg(46.0, 9.0, EUTELSAT_10B_DEG, np.array([HOTBIRD_DEG, EUTELSAT_7_DEG]))
    lobes = side_lobe_gain_dbi(separations, 1.8, 0.65, 11.7e9)
    gain_dbi = parabola_gain_dbi(1.8, 0.65, 11.7e9)
    both = adjacent_satellite_downlink_ci_db(-25.0, np.array([-23.0, -25.0]), gain_dbi, lobes)
    each = [adjacent_satellite_downlink_ci_db(-25.0, np.array([one]), gain_dbi, lobes[[row]]) for row, one in
            enumerate((-23.0, -25.0))]  # fmt: skip
    assert both == pytest.approx(cross_polar_ci_db(*each))
    assert each[0] == pytest.approx(gain_dbi - 2 - 29 + 25 * np.log10(separations[0]))


def test_uplink_interference_is_the_others_power_through_their_side_lobes() -> None:
    found = adjacent_satellite_uplink_ci_db(-10.0, np.array([-50.0, -50.0]), np.array([14.0, 14.0]), 3.0)
    assert found == pytest.approx(-10 + 3 + 36 - 10 * np.log10(2))


@given(diameter_m=st.floats(0.5, 5), more=st.floats(0.1, 5), separation=st.floats(2.6, 40))
def test_a_larger_dish_hears_less_of_the_neighbour(diameter_m: float, more: float, separation: float) -> None:
    def ci_db(dish_m: float) -> float:
        lobe = side_lobe_gain_dbi(np.array([separation]), dish_m, 0.65, 11.7e9)
        return float(
            adjacent_satellite_downlink_ci_db(-25.0, np.array([-25.0]), parabola_gain_dbi(dish_m, 0.65, 11.7e9), lobe)
        )

    assert ci_db(diameter_m + more) >= ci_db(diameter_m) - 1e-9


def test_beams_on_the_same_frequency_add_up_by_what_they_carry() -> None:
    gains = np.array([20.0, 17.0, 10.0])
    assert co_channel_ci_db(45.0, gains) == pytest.approx(45 - 10 * np.log10(100 + 10**1.7 + 10))
    assert co_channel_ci_db(45.0, gains, 0.5) == pytest.approx(co_channel_ci_db(45.0, gains) + 10 * np.log10(2))
    assert np.isinf(co_channel_ci_db(45.0, np.array([-np.inf])))


def test_rain_turns_what_p618_says_and_none_turns_nothing() -> None:
    known = discrimination_db(12e9, 40.0, 45.0, 0.1, 5.0)
    assert rain_cross_polar_ci_db(12e9, 40.0, 45.0, 0.1, np.array([0.0, 5.0])) == pytest.approx([np.inf, float(known)])
    assert cross_polar_ci_db(30.0, 30.0) == pytest.approx(30 - 10 * np.log10(2))


def test_a_neighbour_beyond_the_roll_off_does_not_disturb() -> None:
    assert np.isinf(adjacent_carrier_ci_db(1e6, 0.2, 1e6, 0.2, 1.2e6))
    assert np.isinf(adjacent_carrier_ci_db(1e6, 0.2, 2e6, 0.1, 0.6e6 + 1.1e6))
    assert np.isfinite(adjacent_carrier_ci_db(1e6, 0.2, 1e6, 0.2, 1.19e6))


def test_on_the_same_frequency_the_overlap_has_its_closed_form() -> None:
    # a raised cosine squared holds 1 - alpha / 4 of its symbol rate
    for alpha in (0.05, 0.2, 0.35):
        assert adjacent_carrier_ci_db(1e6, alpha, 1e6, alpha, 0.0) == pytest.approx(
            -10 * np.log10(1 - alpha / 4), abs=1e-4
        )


@given(spacing=st.floats(0, 2e6), more=st.floats(0, 1e6), excess_db=st.floats(-10, 10))
def test_a_neighbour_further_away_disturbs_less(spacing: float, more: float, excess_db: float) -> None:
    near, far = adjacent_carrier_ci_db(1e6, 0.25, 1.5e6, 0.2, np.array([spacing, spacing + more]), excess_db)
    assert far >= near - 1e-6
    assert adjacent_carrier_ci_db(1e6, 0.25, 1.5e6, 0.2, spacing) == pytest.approx(near + excess_db)


@pytest.mark.parametrize("narrow_baud", [2e3, 64e3, 1e6])
def test_a_narrow_carrier_within_ours_disturbs_by_its_share_of_our_width(narrow_baud: float) -> None:
    for spacing_hz in (0.0, 1.234e6, -7.7e6):
        found = adjacent_carrier_ci_db(30e6, 0.2, narrow_baud, 0.35, spacing_hz)
        assert found == pytest.approx(10 * np.log10(30e6 / narrow_baud), abs=1e-4)


def test_an_impossible_carrier_is_nan() -> None:
    broken = adjacent_carrier_ci_db.or_nan(np.array([0.0, 1e6, 1e6]), np.array([0.2, 0.0, 1.1]), 1e6, 0.2, 1e6)
    assert np.isnan(broken).all()
