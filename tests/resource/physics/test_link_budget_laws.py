"""Laws that every link budget keeps, whatever its numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.antenna import ReceiveAntenna, effective_aperture_db_m2
from satcom.resource.physics.link_budget import (
    BOLTZMANN_DBW_PER_K_HZ,
    Carrier,
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    bent_pipe_budget,
    combine_db,
)

KU_LINK = Link(
    transmit=TransmitStation(
        antenna_gain_dbi=59.0, hpa_power_dbw=23.0, hpa_backoff_db=3.0, feed_loss_db=0.5, uplink_power_control_db=6.0
    ),
    up=Path(38_500.0, clear_attenuation_db=0.2, faded_attenuation_db=10.2, beam_gain_db=-2.0),
    transponder=Transponder(
        up_freq_hz=14.25e9,
        down_freq_hz=11.7e9,
        bandwidth_hz=36e6,
        saturation_eirp_dbw=52.0,
        figure_of_merit_db_per_k=4.0,
        saturation_flux_density_dbw_per_m2=-88.0,
        input_backoff_db=6.0,
        output_backoff_db=3.5,
        intermodulation_ci_db=19.0,
    ),
    down=Path(
        37_000.0,
        clear_attenuation_db=0.15,
        faded_attenuation_db=6.0,
        beam_gain_db=-1.5,
        gas_attenuation_db=0.2,
        cloud_attenuation_db=0.4,
        rain_attenuation_db=5.2,
        scintillation_db=0.3,
    ),
    receive=ReceiveStation(ReceiveAntenna(gain_dbi=41.5, receiver_temperature_k=70.0, ground_temperature_k=25.0), 0.3),
    interference=Interference(25.0, 30.0, 28.0, 22.0, 27.0),
)
KU_CARRIER = Carrier(10e6, 1.487473, 4.03 + 0.5, rolloff=0.2, required_margin_db=1.0, modcod="QPSK 3/4")
LOSS = st.floats(0, 25)


def test_a_worked_ku_budget_agrees_line_by_line_with_arithmetic_by_hand() -> None:
    budget = bent_pipe_budget(KU_LINK, KU_CARRIER, 12.5)  # 9 dB under the operating point
    assert budget.power_equivalent_bandwidth_hz == pytest.approx(36e6 * 10**-0.9)
    assert budget.carrier_input_backoff_db == pytest.approx(15.0)
    assert budget.satellite_eirp_dbw == pytest.approx(52 - 1.5 - 12.5)
    assert budget.saturation_flux_density_dbw_per_m2 == pytest.approx(-86.0)
    assert budget.flux_density_dbw_per_m2 == pytest.approx(-101.0)
    assert budget.uplink_eirp_dbw == pytest.approx(-101 + 162.70 + 0.2, abs=0.01)
    assert budget.uplink_power_control_db == pytest.approx(6.0)
    assert budget.hpa_power_dbw == pytest.approx(61.90 + 6 + 0.5 - 59, abs=0.01)
    assert budget.hpa_margin_db == pytest.approx(20 - budget.hpa_power_dbw)
    assert budget.uplink_cn0_clear_db_hz == pytest.approx(61.90 - 207.23 - 0.2 + 2.0 + 228.60, abs=0.02)
    assert budget.uplink_cn0_rain_db_hz == pytest.approx(budget.uplink_cn0_clear_db_hz - 4.0)
    assert budget.downlink_cn0_clear_db_hz == pytest.approx(
        38.0 - 205.17 - 0.15 - 0.3 + budget.figure_of_merit_clear_db_per_k + 228.60, abs=0.02
    )
    assert budget.es_n0_uplink_rain_db == pytest.approx(budget.es_n0_clear_db - 4.0)
    assert budget.leased_bandwidth_hz == pytest.approx(max(10e6 / 1.487473 * 1.2, 36e6 * 10**-0.9))
    assert not budget.is_power_limited


def test_scintillation_does_not_warm_the_sky_when_the_parts_are_known() -> None:
    by_parts = bent_pipe_budget(KU_LINK, KU_CARRIER, 12.5)
    total_only = replace(KU_LINK, down=replace(KU_LINK.down, rain_attenuation_db=np.nan))
    assert (
        by_parts.figure_of_merit_rain_db_per_k
        > bent_pipe_budget(total_only, KU_CARRIER, 12.5).figure_of_merit_rain_db_per_k
    )


@given(up_db=LOSS, down_db=LOSS, more_up_db=LOSS, more_down_db=LOSS, control_db=st.floats(0, 10))
def test_more_rain_never_raises_a_margin(
    up_db: float, down_db: float, more_up_db: float, more_down_db: float, control_db: float
) -> None:
    def margin_db(up_total_db: float, down_total_db: float) -> float:
        rainy = replace(
            KU_LINK,
            transmit=replace(KU_LINK.transmit, uplink_power_control_db=control_db),
            up=replace(KU_LINK.up, faded_attenuation_db=up_total_db),
            down=Path(37_000.0, 0.15, down_total_db, -1.5),
        )
        return float(bent_pipe_budget(rainy, KU_CARRIER, 12.5).margin_db)

    assert margin_db(up_db + more_up_db, down_db + more_down_db) <= margin_db(up_db, down_db) + 1e-9


@given(backoff_db=st.floats(4, 30), less_db=st.floats(0.01, 10))
def test_more_satellite_eirp_raises_every_margin_and_the_cost(backoff_db: float, less_db: float) -> None:
    strong, weak = (bent_pipe_budget(KU_LINK, KU_CARRIER, backoff_db + step_db) for step_db in (0.0, less_db))
    assert strong.margin_clear_db > weak.margin_clear_db
    assert strong.margin_uplink_rain_db > weak.margin_uplink_rain_db
    assert strong.margin_downlink_rain_db > weak.margin_downlink_rain_db
    assert strong.power_equivalent_bandwidth_hz > weak.power_equivalent_bandwidth_hz
    assert strong.hpa_power_dbw > weak.hpa_power_dbw


@given(ratios=st.lists(st.floats(-20, 60), min_size=1, max_size=6))
def test_together_disturbances_are_worse_than_the_worst_alone(ratios: list[float]) -> None:
    assert combine_db(*ratios) <= min(ratios) + 1e-9
    assert combine_db(*ratios, np.inf) == pytest.approx(combine_db(*ratios))


def test_the_flux_and_the_free_space_way_to_the_uplink_agree() -> None:
    budget = bent_pipe_budget(KU_LINK, KU_CARRIER, 12.5)
    by_flux = (
        budget.flux_density_dbw_per_m2
        + effective_aperture_db_m2(14.25e9)
        + budget.satellite_figure_of_merit_db_per_k
        - BOLTZMANN_DBW_PER_K_HZ
    )
    assert budget.uplink_cn0_clear_db_hz == pytest.approx(by_flux)


def test_a_fleet_is_one_call_and_each_lane_equals_its_own_budget() -> None:
    eirp_dbw = np.array([48.0, 50.0, 52.0])[:, None]
    rain_db = np.array([3.0, 6.0])
    fleet = replace(
        KU_LINK,
        transponder=replace(KU_LINK.transponder, saturation_eirp_dbw=eirp_dbw),
        up=replace(KU_LINK.up, faded_attenuation_db=rain_db),
    )
    together = bent_pipe_budget(fleet, KU_CARRIER, 12.5)
    assert together.shape == (3, 2)
    alone = replace(
        KU_LINK,
        transponder=replace(KU_LINK.transponder, saturation_eirp_dbw=50.0),
        up=replace(KU_LINK.up, faded_attenuation_db=6.0),
    )
    assert together.as_table((1, 1)) == bent_pipe_budget(alone, KU_CARRIER, 12.5).as_table()


def test_the_table_shows_what_is_known_and_nothing_that_is_not() -> None:
    table = {line.label: line for line in bent_pipe_budget(KU_LINK, KU_CARRIER, 12.5).as_table()}
    assert table["MODCOD"].value == "QPSK 3/4"
    assert table["Satellite EIRP of the carrier"].value == pytest.approx(38.0)
    assert table["Satellite EIRP of the carrier"].unit == "dBW"
    assert table["Downlink attenuation by rain"].value == pytest.approx(5.2)
    assert "Uplink attenuation by rain" not in table  # not given
    assert table["Cost is driven by"].value == "bandwidth"
    without = replace(KU_LINK, interference=Interference())
    assert not any(
        line.label.startswith("C/I uplink") for line in bent_pipe_budget(without, KU_CARRIER, 12.5).as_table()
    )


@pytest.mark.filterwarnings("error")
def test_a_place_outside_the_beam_is_nan_and_spoils_no_other() -> None:
    partly = replace(KU_LINK, down=replace(KU_LINK.down, beam_gain_db=np.array([-1.5, -np.inf, np.nan])))
    margin_db = bent_pipe_budget.or_nan(partly, KU_CARRIER, 12.5).margin_db
    assert np.isnan(margin_db).tolist() == [False, True, True]
