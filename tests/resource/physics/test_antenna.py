"""Gain, noise and G/T against published worked examples."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.antenna import (
    ReceiveAntenna,
    cascade_temperature_k,
    effective_aperture_db_m2,
    half_power_beamwidth_deg,
    noise_temperature_k,
    parabola_gain_dbi,
    pointing_loss_db,
)
from satcom.resource.physics.attenuation import sky_noise_temperature_k

CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[2] / "data" / "link_budgets.json").read_text())["cases"]
}


def test_couch_sa8_1_the_gain_of_a_46_centimetre_dish() -> None:
    given_, expected = CASES["COUCH-SA8-1"]["links"][0]["inputs"], CASES["COUCH-SA8-1"]["links"][0]["expected"]
    gain_dbi = parabola_gain_dbi(
        given_["antenna_diameter_m"], given_["aperture_efficiency"], given_["frequency_ghz"] * 1e9
    )
    assert gain_dbi == pytest.approx(expected["antenna_gain_dbi"], abs=CASES["COUCH-SA8-1"]["tolerance_db"])


def test_pratt_allnutt_4_3_the_noise_of_a_chain_of_stages() -> None:
    given_, expected = CASES["PA-4.3"]["links"][0]["inputs"], CASES["PA-4.3"]["links"][0]["expected"]
    temperature_k = np.array([stage["temperature_k"] for stage in given_["stages"]])
    gain_db = np.array([[23.0, -10.0, 0.0], [50.0, -10.0, 0.0]])

    system_k = given_["antenna_temperature_k"] + cascade_temperature_k(temperature_k, gain_db)

    assert system_k == pytest.approx(
        [expected["system_temperature_k"], expected["system_temperature_k_with_lna_gain_50_db"]], abs=0.3
    )


def test_couch_sa8_1_the_noise_figure_of_lnb_coax_and_receiver() -> None:
    given_, expected = CASES["COUCH-SA8-1"]["links"][0]["inputs"], CASES["COUCH-SA8-1"]["links"][0]["expected"]
    figures_db = np.array([given_["lnb_noise_figure_db"], given_["coax_loss_db"], given_["receiver_noise_figure_db"]])
    gains_db = np.array([given_["lnb_gain_db"], -given_["coax_loss_db"], 0.0])
    temperature_k = cascade_temperature_k(noise_temperature_k(figures_db), gains_db)
    assert temperature_k == pytest.approx(noise_temperature_k(expected["cascade_noise_figure_db"]), abs=1.0)


def test_fcc_f_the_aperture_of_an_isotropic_antenna_at_14_ghz() -> None:
    assert effective_aperture_db_m2(14e9) == pytest.approx(-44.4, abs=0.05)


def test_half_a_beamwidth_of_error_costs_three_decibels() -> None:
    width_deg = half_power_beamwidth_deg(1.2, 14e9)
    assert width_deg == pytest.approx(1.25, abs=0.01)  # 70 lambda / D
    assert pointing_loss_db(width_deg / 2, width_deg) == pytest.approx(3.0)


def test_a_dish_from_its_data_sheet_adds_sky_ground_feed_and_lnb() -> None:
    dish = ReceiveAntenna.of_dish(1.2, 0.65, 12e9, 0.7, ground_temperature_k=20.0, feed_loss_db=0.2)
    feed_loss = 10**0.02
    by_hand_k = sky_noise_temperature_k(0.1) + 20 + 290 * (feed_loss - 1) + 290 * (10**0.07 - 1) * feed_loss
    assert dish.system_temperature_k(0.1) == pytest.approx(by_hand_k)
    assert dish.figure_of_merit_db_per_k(0.1) == pytest.approx(
        parabola_gain_dbi(1.2, 0.65, 12e9) - 10 * np.log10(by_hand_k)
    )


@given(figure=st.floats(-10, 45), system_k=st.floats(60, 800), clear_db=st.floats(0, 0.8), rain_db=st.floats(0, 40))
def test_a_known_g_over_t_is_kept_under_clear_sky_and_falls_in_rain(
    figure: float, system_k: float, clear_db: float, rain_db: float
) -> None:
    antenna = ReceiveAntenna.of_figure_of_merit(figure, system_k, clear_db)
    assert antenna.figure_of_merit_db_per_k(clear_db) == pytest.approx(figure)
    assert antenna.figure_of_merit_db_per_k(clear_db + rain_db) <= figure + 1e-9


@given(attenuation_db=st.floats(0, 60), more_db=st.floats(0, 20))
def test_the_sky_gets_warmer_with_attenuation_up_to_the_medium(attenuation_db: float, more_db: float) -> None:
    assert 2.7 <= sky_noise_temperature_k(attenuation_db) <= sky_noise_temperature_k(attenuation_db + more_db) <= 275


def test_what_cannot_be_is_nan_element_by_element() -> None:
    gain_dbi = parabola_gain_dbi.or_nan(np.array([1.2, 0.0, -1.0, 1.2, 1.2]), np.array([0.6, 0.6, 0.6, 1.1, 0.0]), 12e9)
    assert np.isnan(gain_dbi).tolist() == [False, True, True, True, True]
    assert np.isnan(noise_temperature_k.or_nan(-0.1))
    assert np.isnan(sky_noise_temperature_k.or_nan(-1.0))
