"""Every published link budget and worked example, by its id: each printed result within the tolerance it states.

What the sources do not print, or print inconsistently, is in `docs/link-budget.md`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from satcom.resource.physics.antenna import effective_aperture_db_m2, parabola_gain_dbi
from satcom.resource.physics.hop import Hop, HopBudget, eirp_dbw, hop_budget, isotropic_level_dbw
from satcom.resource.physics.link_budget import combine_db, free_space_loss_db, spreading_loss_db_m2
from satcom.resource.physics.moving_path import slant_range_km
from satcom.resource.physics.orbit import earth_fixed_km
from satcom.resource.physics.receive_chain import Stage, chain_temperature_k, noise_figure_db
from tests.resource.physics.published import Published, Section

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((Path(__file__).parents[2] / "data" / "link_budgets.json").read_text())["cases"]
}
Results = dict[str, Any]
LOSSES = (  # between the transmitting and the receiving antenna, beside free space
    "atmospheric_loss_db",
    "rain_loss_db",
    "adjacent_channel_interference_loss_db",
    "random_loss_db",
    "other_losses_db",
    "ground_pointing_loss_db",
    "polarisation_loss_db",
    "ionospheric_loss_db",
)
BEFORE_THE_ANTENNA = ("transmit_losses_db", "feed_loss_db", "line_losses_db")


def total_db(inputs: Results, names: tuple[str, ...]) -> float:
    return sum(float(inputs.get(name, 0.0)) for name in names)


def freq_hz(inputs: Results) -> float:
    return float(inputs["frequency_mhz"]) * 1e6 if "frequency_mhz" in inputs else inputs.get("frequency_ghz", 6.0) * 1e9


def printed_eirp_dbw(inputs: Results) -> float:
    if "eirp_dbw" in inputs:
        return float(inputs["eirp_dbw"])
    power = inputs.get("transmit_power_dbw", inputs.get("hpa_power_dbw", inputs.get("power_dbw")))
    power = 10 * np.log10(inputs["power_w"]) if power is None else power
    return float(eirp_dbw(power, inputs["antenna_gain_dbi"], total_db(inputs, BEFORE_THE_ANTENNA)))


def printed_range_km(inputs: Results) -> float:
    """As printed; else the distance at which the printed free-space loss is met."""
    if "range_km" in inputs:
        return float(inputs["range_km"])
    loss_db = float(inputs["free_space_loss_db" if "free_space_loss_db" in inputs else "path_loss_db"])
    return float(10 ** ((loss_db - free_space_loss_db(1.0, freq_hz(inputs))) / 20))


def printed_figure_db_per_k(inputs: Results) -> float:
    if "gt_db_k" in inputs:
        return float(inputs["gt_db_k"])
    return float(inputs["antenna_gain_dbi"] - 10 * np.log10(inputs["system_temperature_k"]))


def budget_of(inputs: Results) -> HopBudget:
    return hop_budget(
        Hop(
            printed_eirp_dbw(inputs),
            printed_range_km(inputs),
            freq_hz(inputs),
            printed_figure_db_per_k(inputs),
            total_db(inputs, LOSSES),
        )
    )


def in_bandwidth(inputs: Results) -> Results:
    """C/N, C/(N+I), Eb/N0, Eb/(N0+I0) and margin, as far as the source gives bandwidth, rate and interference."""
    budget = budget_of(inputs)
    found: Results = {"cn0_dbhz": budget.cn0_db_hz, "eirp_dbw": budget.eirp_dbw}
    found |= {"free_space_loss_db": budget.free_space_loss_db, "gt_db_k": budget.figure_of_merit_db_per_k}
    if "noise_bandwidth_dbhz" in inputs or "noise_bandwidth_hz" in inputs:
        width_db = inputs.get("noise_bandwidth_dbhz", 10 * np.log10(inputs.get("noise_bandwidth_hz", 1.0)))
        found["cn_db"] = budget.cn0_db_hz - width_db
        found["cni_db"] = combine_db(found["cn_db"], inputs.get("ci_db", np.inf))
        found["margin_db"] = found["cni_db"] - inputs.get("required_cn_db", np.nan)
    if "bit_rate_bps" in inputs:
        found["ebn0_db"] = budget.es_n0_db(inputs["bit_rate_bps"])
        found["eb_n0_i0_db"] = combine_db(found["ebn0_db"], inputs.get("eb_i0_db", np.inf))
        found["margin_db"] = found["eb_n0_i0_db"] - inputs.get("required_ebn0_db", np.nan)
    return found


def only_free_space(inputs: Results) -> Results:
    found: Results = {"free_space_loss_db": free_space_loss_db(inputs["range_km"], freq_hz(inputs))}
    return found | ({"eirp_dbw": printed_eirp_dbw(inputs)} if "power_dbw" in inputs else {})


def amateur_uplink(inputs: Results) -> Results:
    """Its spacecraft: pointing and line losses before a receiver of a stated system temperature."""
    figure = inputs["spacecraft_gain_dbi"] - inputs["spacecraft_line_loss_db"]
    whole = inputs | {"antenna_gain_dbi": inputs["antenna_gain_dbi"]}
    whole["gt_db_k"] = figure - 10 * np.log10(inputs["system_temperature_k"]) - inputs["spacecraft_pointing_loss_db"]
    found = in_bandwidth(whole)
    found["range_km"] = slant_range_km(inputs["altitude_km"], inputs["elevation_deg"])
    found["isotropic_power_dbw"] = budget_of(whole).isotropic_level_dbw
    return found


def television_receiver(inputs: Results) -> Results:
    satellite_km = earth_fixed_km(0.0, inputs["satellite_longitude_deg_east"], 35_786.0)
    site_km = earth_fixed_km(inputs["rx_latitude_deg"], inputs["rx_longitude_deg_east"], 0.0)
    gain_dbi = parabola_gain_dbi(inputs["antenna_diameter_m"], inputs["aperture_efficiency"], freq_hz(inputs))
    chain_k = chain_temperature_k(
        [
            Stage.of_noise_figure(inputs["lnb_noise_figure_db"], inputs["lnb_gain_db"]),
            Stage.of_loss(inputs["coax_loss_db"]),
            Stage.of_noise_figure(inputs["receiver_noise_figure_db"], 0.0),
        ]
    )
    figure = gain_dbi - 10 * np.log10(inputs["antenna_temperature_k"] + chain_k)
    found = in_bandwidth(inputs | {"range_km": float(np.linalg.norm(satellite_km - site_km)), "gt_db_k": float(figure)})
    return found | {"antenna_gain_dbi": gain_dbi, "cascade_noise_figure_db": noise_figure_db(chain_k)}


def command_uplink(inputs: Results) -> Results:
    """From the flux density at the satellite on."""
    level_dbw = isotropic_level_dbw(inputs["pfd_at_satellite_dbw_m2"], freq_hz(inputs))
    received_dbw = level_dbw + inputs["antenna_gain_dbi"] - inputs["receive_losses_db"]
    return {
        "isotropic_aperture_dbm2": effective_aperture_db_m2(freq_hz(inputs)),
        "isotropic_power_dbw": level_dbw,
        "gt_db_k": inputs["antenna_gain_dbi"] - inputs["system_temperature_dbk"],
        "receive_power_dbw": received_dbw,
        "margin_db": received_dbw - inputs["receiver_threshold_dbw"],
    }


def flux_density(inputs: Results) -> Results:
    level = eirp_dbw(inputs["transmit_power_dbw"], inputs["transmit_gain_dbi"])
    level = level - spreading_loss_db_m2(inputs["range_km"])
    return {"pfd_dbw_m2": level, "received_power_dbw": level + 10 * np.log10(inputs["effective_aperture_m2"])}


def receive_chain(inputs: Results) -> Results:
    stages = [Stage(one["temperature_k"], one.get("gain_db", 0.0)) for one in inputs["stages"]]
    better = [Stage(stages[0].temperature_k, 50.0), *stages[1:]]
    return {
        "system_temperature_k": inputs["antenna_temperature_k"] + chain_temperature_k(stages),
        "system_temperature_k_with_lna_gain_50_db": inputs["antenna_temperature_k"] + chain_temperature_k(better),
    }


OF_ITS_OWN: dict[str, Callable[[Results], Results]] = {
    "AMSAT-IARU": amateur_uplink,
    "COUCH-SA8-1": television_receiver,
    "FCC-E": only_free_space,
    "FCC-F": command_uplink,
    "PA-4.1": flux_density,
    "PA-4.2": only_free_space,
    "PA-4.3": receive_chain,
}


def inmarsat_total(case: Results) -> Results:
    """Noise of both links, intermodulation and co-channel interference; the allowance is taken off at the end."""
    given = case["total"]["inputs"]
    links = [budget_of(link["inputs"]).cn0_db_hz for link in case["links"]]
    whole = combine_db(*links, given["c_im0_dbhz"], given["cochannel_ci0_dbhz"])
    return {"cn0_dbhz": whole - given["adjacent_satellite_allowance_db"]}


def c_band_total(case: Results) -> Results:
    links = [in_bandwidth(link["inputs"])["cni_db"] for link in case["links"]]
    whole = combine_db(*links)
    return {"cni_db": whole, "margin_db": whole - case["total"]["inputs"]["required_cn_db"]}


TOTALS = {"FCC-I": inmarsat_total, "FCC-K": c_band_total}
NOT_REPRODUCED = {("FCC-I", "cn_db"), ("FCC-I", "margin_db")}  # its noise bandwidth is not printed


@pytest.mark.parametrize("case_id", sorted(CASES))
def test_every_printed_result_is_met(published: Published, case_id: str) -> None:
    case = CASES[case_id]
    near = case["tolerance_db"] or 0.3  # the one in kelvin
    told: list[float] = []
    ours: list[float] = []
    steps = [(link["expected"], OF_ITS_OWN.get(case_id, in_bandwidth)(link["inputs"])) for link in case["links"]]
    if "total" in case:
        steps.append((case["total"]["expected"], TOTALS[case_id](case)))
    for expected, found in steps:
        for name, value in expected.items():
            if (case_id, name) not in NOT_REPRODUCED:
                told.append(value)
                ours.append(float(found[name]))
    without = [name for one, name in sorted(NOT_REPRODUCED) if one == case_id]
    left = f"{', '.join(without)}: the noise bandwidth is not printed" if without else ""
    unit = "dB" if case["tolerance_db"] else "K"
    printed = "printed results"
    published(case_id, printed, ours, told, abs=near, unit=unit, left=left, section=Section.BUDGETS)


def test_none_of_the_published_budgets_is_left_out() -> None:
    assert len(CASES) == 15
    assert {case_id for case_id, _ in NOT_REPRODUCED} | set(OF_ITS_OWN) <= set(CASES)
