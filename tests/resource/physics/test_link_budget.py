"""Link budgets against published filings and worked examples."""

import json
from pathlib import Path
from typing import TypedDict

import numpy as np
import pytest

from satcom.resource.physics.antenna import ReceiveAntenna, effective_aperture_db_m2, parabola_gain_dbi
from satcom.resource.physics.link_budget import (
    BentPipeBudget,
    Carrier,
    Interference,
    Link,
    ReceiveStation,
    TransmitStation,
    Transponder,
    bent_pipe_budget,
    carrier_to_noise_density_db_hz,
    combine_db,
    free_space_loss_db,
    spreading_loss_db_m2,
)
from satcom.resource.physics.link_budget import (
    Path as RadioPath,
)
from satcom.resource.physics.orbit import earth_fixed_km


class Hop(TypedDict):
    """Inputs and printed results of one link of a published budget."""

    direction: str
    inputs: dict[str, float]
    expected: dict[str, float]


CASES = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[2] / "data" / "link_budgets.json").read_text())["cases"]
}


def hops(case_id: str) -> list[Hop]:
    return list(CASES[case_id]["links"])


def tolerance(case_id: str) -> float:
    return float(CASES[case_id]["tolerance_db"])


def range_km(free_space_loss: float, freq_hz: float) -> float:
    """The distance at which the printed free-space loss is met."""
    return float(10 ** ((free_space_loss - free_space_loss_db(1.0, freq_hz)) / 20))


def published(
    up: dict[str, float],
    down: dict[str, float],
    rate_baud: float,
    interference: Interference | None = None,
    required_db: float = 0.0,
    intermodulation_ci_db: float = np.inf,
    frequencies_hz: tuple[float, float] | None = None,
) -> BentPipeBudget:
    """The whole budget from printed EIRPs, losses and G/Ts: SFD and saturation are chosen so that both EIRPs come out.

    The printed attenuations are those under clear sky; efficiency 1 makes bit, symbol and noise bandwidth equal.
    """
    up_freq_hz, down_freq_hz = frequencies_hz or (up["frequency_ghz"] * 1e9, down["frequency_ghz"] * 1e9)
    up_km = range_km(up.get("free_space_loss_db", up.get("path_loss_db", 0)), up_freq_hz)
    down_km = range_km(down.get("free_space_loss_db", down.get("path_loss_db", 0)), down_freq_hz)
    up_loss_db = sum(up.get(name, 0.0) for name in LOSSES)
    down_loss_db = sum(down.get(name, 0.0) for name in LOSSES)
    flux_density = up["eirp_dbw"] - up_loss_db - float(spreading_loss_db_m2(up_km))
    backoff_db = 7.0  # any value: it cancels
    system_k = down.get("system_temperature_k", 150.0)
    link = Link(
        transmit=TransmitStation(
            antenna_gain_dbi=up.get("antenna_gain_dbi", 40.0),
            hpa_power_dbw=30.0,
            feed_loss_db=up.get("feed_loss_db", 0),
        ),
        up=RadioPath(up_km, clear_attenuation_db=up_loss_db, faded_attenuation_db=up_loss_db),
        transponder=Transponder(
            up_freq_hz=up_freq_hz,
            down_freq_hz=down_freq_hz,
            bandwidth_hz=rate_baud,
            saturation_eirp_dbw=down["eirp_dbw"] + backoff_db,
            figure_of_merit_db_per_k=up["gt_db_k"],
            saturation_flux_density_dbw_per_m2=flux_density + backoff_db,
            input_backoff_db=backoff_db,
            output_backoff_db=backoff_db,
            intermodulation_ci_db=intermodulation_ci_db,
        ),
        down=RadioPath(down_km, clear_attenuation_db=down_loss_db, faded_attenuation_db=down_loss_db),
        receive=ReceiveStation(ReceiveAntenna.of_figure_of_merit(down["gt_db_k"], system_k, down_loss_db)),
        interference=interference or Interference(),
    )
    return bent_pipe_budget(link, Carrier(rate_baud, 1.0, required_db, rolloff=0.0), backoff_db)


LOSSES = (
    "atmospheric_loss_db",
    "rain_loss_db",
    "adjacent_channel_interference_loss_db",
    "random_loss_db",
    "other_losses_db",
)


def test_fcc_k_c_band_8_25_mhz_carrier() -> None:
    up, down = hops("FCC-K")
    total = CASES["FCC-K"]["total"]
    width_hz = up["inputs"]["noise_bandwidth_hz"]
    ci = Interference(
        uplink_adjacent_satellite_ci_db=up["inputs"]["ci_db"],
        downlink_adjacent_satellite_ci_db=down["inputs"]["ci_db"],
    )
    budget = published(up["inputs"], down["inputs"], width_hz, ci, total["inputs"]["required_cn_db"])

    near = tolerance("FCC-K")
    up_cn_db = budget.uplink_cn0_clear_db_hz - 10 * np.log10(width_hz)
    down_cn_db = budget.downlink_cn0_clear_db_hz - 10 * np.log10(width_hz)
    assert budget.hpa_power_dbw == pytest.approx(up["inputs"]["hpa_power_dbw"], abs=near)
    assert up_cn_db == pytest.approx(up["expected"]["cn_db"], abs=near)
    assert down_cn_db == pytest.approx(down["expected"]["cn_db"], abs=near)
    assert combine_db(up_cn_db, up["inputs"]["ci_db"]) == pytest.approx(up["expected"]["cni_db"], abs=near)
    assert combine_db(down_cn_db, down["inputs"]["ci_db"]) == pytest.approx(down["expected"]["cni_db"], abs=near)
    assert budget.es_n0_clear_db == pytest.approx(total["expected"]["cni_db"], abs=near)
    assert budget.margin_db == pytest.approx(total["expected"]["margin_db"], abs=near)


def test_fcc_i_inmarsat_m_return_with_intermodulation() -> None:
    up, down = hops("FCC-I")
    total, near = CASES["FCC-I"]["total"], tolerance("FCC-I")
    rate_baud = 1000.0
    ci = Interference(uplink_adjacent_carrier_ci_db=total["inputs"]["cochannel_ci0_dbhz"] - 10 * np.log10(rate_baud))
    budget = published(
        up["inputs"],
        down["inputs"],
        rate_baud,
        ci,
        # the carrier takes all the power and all the bandwidth here, so its C/I is the transponder's
        intermodulation_ci_db=total["inputs"]["c_im0_dbhz"] - 10 * np.log10(rate_baud),
    )

    assert budget.uplink_cn0_clear_db_hz == pytest.approx(up["expected"]["cn0_dbhz"], abs=near)
    assert budget.downlink_cn0_clear_db_hz == pytest.approx(down["expected"]["cn0_dbhz"], abs=near)
    cn0 = budget.es_n0_clear_db + 10 * np.log10(rate_baud) - total["inputs"]["adjacent_satellite_allowance_db"]
    assert cn0 == pytest.approx(total["expected"]["cn0_dbhz"], abs=near)


def test_fcc_m_ku_6_33_mhz_carrier() -> None:
    up, down = hops("FCC-M")
    near, width_hz = tolerance("FCC-M"), up["inputs"]["noise_bandwidth_hz"]
    figure = down["inputs"]["antenna_gain_dbi"] - 10 * np.log10(down["inputs"]["system_temperature_k"])
    eirp_dbw = up["inputs"]["hpa_power_dbw"] + up["inputs"]["antenna_gain_dbi"]
    assert figure == pytest.approx(down["expected"]["gt_db_k"], abs=near)
    assert eirp_dbw == pytest.approx(up["expected"]["eirp_dbw"], abs=near)

    budget = published(up["inputs"] | {"eirp_dbw": eirp_dbw}, down["inputs"] | {"gt_db_k": figure}, width_hz)

    up_cn_db = budget.uplink_cn0_clear_db_hz - 10 * np.log10(width_hz)
    assert budget.uplink_eirp_dbw == pytest.approx(eirp_dbw)
    assert budget.hpa_power_dbw == pytest.approx(up["inputs"]["hpa_power_dbw"])
    assert up_cn_db == pytest.approx(up["expected"]["cn_db"], abs=near)
    assert combine_db(up_cn_db, up["inputs"]["ci_db"]) == pytest.approx(up["expected"]["cni_db"], abs=near)
    down_cn_db = budget.downlink_cn0_clear_db_hz - 10 * np.log10(width_hz)
    assert down_cn_db == pytest.approx(down["expected"]["cn_db"], abs=near)


def test_fcc_s_hc_c_band_carrier_of_40_mbit_s() -> None:
    up, down = hops("FCC-S-HC")
    near, rate_bps = tolerance("FCC-S-HC"), up["inputs"]["bit_rate_bps"]
    eirp_dbw = up["inputs"]["hpa_power_dbw"] + up["inputs"]["antenna_gain_dbi"] - up["inputs"]["feed_loss_db"]
    assert eirp_dbw == pytest.approx(up["expected"]["eirp_dbw"], abs=near)

    budget = published(up["inputs"] | {"eirp_dbw": eirp_dbw}, down["inputs"], rate_bps, frequencies_hz=(6e9, 4e9))

    up_ebn0_db = budget.uplink_cn0_clear_db_hz - 10 * np.log10(rate_bps)
    assert budget.hpa_power_dbw == pytest.approx(up["inputs"]["hpa_power_dbw"])
    assert up_ebn0_db == pytest.approx(up["expected"]["ebn0_db"], abs=near)
    assert combine_db(up_ebn0_db, up["inputs"]["eb_i0_db"]) == pytest.approx(up["expected"]["eb_n0_i0_db"], abs=near)
    down_ebn0_db = budget.downlink_cn0_clear_db_hz - 10 * np.log10(rate_bps)
    assert down_ebn0_db == pytest.approx(down["expected"]["ebn0_db"], abs=near)


@pytest.mark.parametrize("weather", [0, 1], ids=["clear", "rain"])
def test_fcc_r_ka_return_uplink(weather: int) -> None:
    hop = hops("FCC-R")[weather]
    inputs, expected, near = hop["inputs"], hop["expected"], tolerance("FCC-R")
    eirp_dbw = 10 * np.log10(inputs["power_w"]) + inputs["antenna_gain_dbi"]
    loss_db = free_space_loss_db(inputs["range_km"], inputs["frequency_ghz"] * 1e9)
    cn0 = carrier_to_noise_density_db_hz(eirp_dbw, loss_db + inputs["atmospheric_loss_db"], inputs["gt_db_k"])
    ebn0_db = cn0 - 10 * np.log10(inputs["bit_rate_bps"])
    combined_db = combine_db(ebn0_db, inputs["eb_i0_db"])
    assert eirp_dbw == pytest.approx(expected["eirp_dbw"], abs=near)
    assert loss_db == pytest.approx(expected["free_space_loss_db"], abs=near)
    assert ebn0_db == pytest.approx(expected["ebn0_db"], abs=near)
    assert combined_db == pytest.approx(expected["eb_n0_i0_db"], abs=near)
    assert combined_db - inputs["required_ebn0_db"] == pytest.approx(expected["margin_db"], abs=near)


@pytest.mark.parametrize("case_id", ["FCC-A", "FCC-C"])
def test_fcc_a_and_c_telemetry_downlinks(case_id: str) -> None:
    (hop,) = hops(case_id)
    inputs, expected, near = hop["inputs"], hop["expected"], tolerance(case_id)
    eirp_dbw = inputs["transmit_power_dbw"] - inputs["transmit_losses_db"] + inputs["antenna_gain_dbi"]
    cn0 = carrier_to_noise_density_db_hz(
        eirp_dbw, inputs["free_space_loss_db"] + inputs["other_losses_db"], inputs["gt_db_k"]
    )
    cn_db = cn0 - inputs["noise_bandwidth_dbhz"]
    assert eirp_dbw == pytest.approx(expected["eirp_dbw"], abs=near)
    assert cn_db == pytest.approx(expected["cn_db"], abs=near)
    assert cn_db - inputs["required_cn_db"] == pytest.approx(expected["margin_db"], abs=near)


def test_fcc_q_inmarsat_return_uplink() -> None:
    (hop,) = hops("FCC-Q")
    inputs = hop["inputs"]
    losses_db = inputs["path_loss_db"] + sum(inputs.get(name, 0.0) for name in LOSSES)
    cn0 = carrier_to_noise_density_db_hz(inputs["eirp_dbw"], losses_db, inputs["gt_db_k"])
    assert cn0 == pytest.approx(hop["expected"]["cn0_dbhz"], abs=tolerance("FCC-Q"))


def test_fcc_f_ku_command_uplink_from_its_flux_density() -> None:
    (hop,) = hops("FCC-F")
    inputs, expected, near = hop["inputs"], hop["expected"], tolerance("FCC-F")
    isotropic_dbw = inputs["pfd_at_satellite_dbw_m2"] + effective_aperture_db_m2(inputs["frequency_mhz"] * 1e6)
    figure = inputs["antenna_gain_dbi"] - inputs["system_temperature_dbk"]
    assert figure == pytest.approx(expected["gt_db_k"], abs=near)
    received_dbw = isotropic_dbw + inputs["antenna_gain_dbi"] - inputs["receive_losses_db"]
    assert isotropic_dbw == pytest.approx(expected["isotropic_power_dbw"], abs=near)
    assert received_dbw - inputs["receiver_threshold_dbw"] == pytest.approx(expected["margin_db"], abs=near)


@pytest.mark.parametrize(("case_id", "hop"), [("FCC-E", 0), ("FCC-E", 1), ("PA-4.2", 0)])
def test_fcc_e_and_pratt_allnutt_4_2_free_space_loss(case_id: str, hop: int) -> None:
    inputs, expected = hops(case_id)[hop]["inputs"], hops(case_id)[hop]["expected"]
    loss_db = free_space_loss_db(inputs["range_km"], inputs["frequency_ghz"] * 1e9)
    assert loss_db == pytest.approx(expected["free_space_loss_db"], abs=tolerance(case_id))


def test_pratt_allnutt_4_1_flux_density_and_received_power() -> None:
    inputs, expected = hops("PA-4.1")[0]["inputs"], hops("PA-4.1")[0]["expected"]
    eirp_dbw = inputs["transmit_power_dbw"] + inputs["transmit_gain_dbi"]
    flux_density = eirp_dbw - spreading_loss_db_m2(inputs["range_km"])
    assert flux_density == pytest.approx(expected["pfd_dbw_m2"], abs=tolerance("PA-4.1"))
    assert flux_density + 10 * np.log10(inputs["effective_aperture_m2"]) == pytest.approx(
        expected["received_power_dbw"], abs=tolerance("PA-4.1")
    )


def test_amsat_iaru_command_uplink() -> None:
    inputs, expected = hops("AMSAT-IARU")[0]["inputs"], hops("AMSAT-IARU")[0]["expected"]
    near = tolerance("AMSAT-IARU")
    eirp_dbw = 10 * np.log10(inputs["power_w"]) - inputs["line_losses_db"] + inputs["antenna_gain_dbi"]
    losses_db = sum(
        inputs[name]
        for name in (
            "ground_pointing_loss_db",
            "polarisation_loss_db",
            "path_loss_db",
            "atmospheric_loss_db",
            "ionospheric_loss_db",
        )
    )
    assert eirp_dbw - losses_db == pytest.approx(expected["isotropic_power_dbw"], abs=near)
    figure = (
        inputs["spacecraft_gain_dbi"]
        - inputs["spacecraft_line_loss_db"]
        - 10 * np.log10(inputs["system_temperature_k"])
    )
    cn0 = carrier_to_noise_density_db_hz(eirp_dbw, losses_db + inputs["spacecraft_pointing_loss_db"], figure)
    assert cn0 == pytest.approx(expected["cn0_dbhz"], abs=near)
    assert cn0 - 10 * np.log10(inputs["bit_rate_bps"]) - inputs["required_ebn0_db"] == pytest.approx(
        expected["margin_db"], abs=near
    )


def test_couch_sa8_1_receive_system() -> None:
    inputs, expected = hops("COUCH-SA8-1")[0]["inputs"], hops("COUCH-SA8-1")[0]["expected"]
    freq_hz = inputs["frequency_ghz"] * 1e9
    satellite_km = earth_fixed_km(0.0, inputs["satellite_longitude_deg_east"], 35_786.0)
    site_km = earth_fixed_km(inputs["rx_latitude_deg"], inputs["rx_longitude_deg_east"], 0.0)
    loss_db = free_space_loss_db(float(np.linalg.norm(satellite_km - site_km)), freq_hz)
    assert loss_db == pytest.approx(expected["free_space_loss_db"], abs=tolerance("COUCH-SA8-1"))
    gain_dbi = parabola_gain_dbi(inputs["antenna_diameter_m"], inputs["aperture_efficiency"], freq_hz)
    receiver_k = 290 * (10 ** (expected["cascade_noise_figure_db"] / 10) - 1)
    figure = gain_dbi - 10 * np.log10(inputs["antenna_temperature_k"] + receiver_k)
    cn_db = carrier_to_noise_density_db_hz(inputs["eirp_dbw"], loss_db, figure) - 10 * np.log10(
        inputs["noise_bandwidth_hz"]
    )
    assert cn_db == pytest.approx(expected["cn_db"], abs=tolerance("COUCH-SA8-1"))
