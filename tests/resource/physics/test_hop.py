"""Hops and receive chains: regenerative payloads, links between satellites, stages of a receiver."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.hop import (
    Hop,
    hop_budget,
    inter_satellite_range_km,
    isotropic_level_dbw,
    regenerative_frame_error_ratio,
    regenerative_margin_db,
)
from satcom.resource.physics.link_budget import combine_db
from satcom.resource.physics.receive_chain import Stage, chain_temperature_k, noise_figure_db, receive_antenna

MARGIN = st.floats(-20, 40)
RATIO = st.floats(0, 0.99)


def test_flux_density_times_aperture_is_the_level_after_free_space_loss() -> None:
    budget = hop_budget(Hop(50.0, np.array([600.0, 36_000.0]), 20e9, 10.0, losses_db=1.5))
    assert isotropic_level_dbw(budget.flux_density_dbw_per_m2, 20e9) == pytest.approx(budget.isotropic_level_dbw)
    assert budget.es_n0_db(1e6) == pytest.approx(budget.cn0_db_hz - 60)


def test_interference_takes_from_the_hop_and_every_line_tells_its_source() -> None:
    clean = hop_budget(Hop(50.0, 1000.0, 20e9, 10.0))
    disturbed = hop_budget(Hop(50.0, 1000.0, 20e9, 10.0, interference_ci0_db_hz=clean.cn0_db_hz))
    assert disturbed.cn0i0_db_hz == pytest.approx(clean.cn0_db_hz - 10 * np.log10(2))
    assert len(disturbed.as_table()) == len(clean.as_table()) + 1
    assert all(line.source for line in disturbed.as_table())


@given(up_db=MARGIN, down_db=MARGIN)
def test_a_regenerative_payload_is_never_worse_than_a_transparent_one(up_db: float, down_db: float) -> None:
    assert regenerative_margin_db(up_db, down_db) >= combine_db(up_db, down_db)
    assert regenerative_margin_db(up_db, down_db) == min(up_db, down_db)


@given(first=RATIO, second=RATIO)
def test_frames_lost_on_independent_hops_add_up(first: float, second: float) -> None:
    lost = float(regenerative_frame_error_ratio(first, second))
    assert lost == pytest.approx(1 - (1 - first) * (1 - second))
    assert max(first, second) - 1e-12 <= lost <= first + second + 1e-12


def test_small_error_ratios_are_not_lost_to_rounding() -> None:
    assert regenerative_frame_error_ratio(1e-18, 2e-18) == pytest.approx(3e-18, rel=1e-9)
    assert np.isnan(regenerative_frame_error_ratio(1.0, 0.1))


def test_two_satellites_see_each_other_until_the_earth_is_between() -> None:
    assert inter_satellite_range_km(550.0, 550.0, 10.0) == pytest.approx(2 * 6928.137 * np.sin(np.radians(5)))
    assert inter_satellite_range_km(35_786.0, 35_786.0, 120.0) == pytest.approx(2 * 42_164.137 * np.sin(np.radians(60)))
    assert np.isnan(inter_satellite_range_km(550.0, 550.0, 60.0))
    assert inter_satellite_range_km(550.0, 35_786.0, 0.0) == pytest.approx(35_236.0)


def test_what_is_out_of_range_is_nan() -> None:
    broken = hop_budget.or_nan(Hop(50.0, np.array([0.0, -1.0, np.nan, 1000.0]), 20e9, 10.0))
    assert np.isnan(broken.cn0_db_hz).tolist() == [True, True, True, False]
    assert np.isnan(hop_budget.or_nan(Hop(50.0, 1000.0, -20e9, 10.0)).cn0_db_hz)
    assert np.isnan(Stage.of_loss(-1.0).temperature_k)
    assert np.isnan(Stage.of_noise_figure(-1.0, 20.0).temperature_k)


def test_a_chain_needs_a_stage() -> None:
    with pytest.raises(ValueError, match="stages"):
        chain_temperature_k([])


@given(loss_db=st.floats(0, 20), figure_db=st.floats(0, 15))
def test_a_loss_at_290_k_adds_its_decibels_to_the_noise_figure_behind_it(loss_db: float, figure_db: float) -> None:
    chain_k = chain_temperature_k([Stage.of_loss(loss_db), Stage.of_noise_figure(figure_db, 10.0)])
    assert noise_figure_db(chain_k) == pytest.approx(loss_db + figure_db, abs=1e-9)


def test_the_feed_before_the_lnb_costs_more_than_the_cable_behind_it() -> None:
    lnb, cable, modem = Stage.of_noise_figure(0.7, 60.0), Stage.of_loss(20.0), Stage.of_noise_figure(10.0, 0.0)
    long_cable = receive_antenna(41.0, 20.0, 0.0, [lnb, cable, modem])
    long_feed = receive_antenna(41.0, 20.0, 0.5, [lnb, modem])
    assert long_cable.figure_of_merit_db_per_k(0.2) > long_feed.figure_of_merit_db_per_k(0.2)
    assert long_cable.figure_of_merit_db_per_k(10.0) < long_cable.figure_of_merit_db_per_k(0.2)
