"""Every solver's answer, put back into the budget: it closes with nothing to spare, and one step beyond it does not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from satcom.resource.physics.antenna import (
    ReceiveAntenna,
    half_power_beamwidth_deg,
    parabola_gain_dbi,
    pointing_loss_db,
)
from satcom.resource.physics.budget_solvers import (
    highest_rate,
    least_amplifier_dbw,
    least_antenna_m,
    least_bandwidth,
    least_that_meets,
)
from satcom.resource.physics.link_budget import Carrier, Link, Path, ReceiveStation, bent_pipe_budget
from satcom.resource.physics.modcod import NONE_CLOSES, dvb_table
from tests.resource.physics.test_link_budget_laws import KU_LINK

TABLE = dvb_table()
FADE = st.floats(0, 12)
SPARE_DB = 1.3


def faded(up_db: float, down_db: float) -> Link:
    return replace(
        KU_LINK,
        up=replace(KU_LINK.up, faded_attenuation_db=0.2 + up_db),
        down=Path(37_000.0, 0.15, 0.15 + down_db, -1.5),
    )


def carrier(row: int, bit_rate_bps: float) -> Carrier:
    return Carrier(
        bit_rate_bps,
        TABLE.spectral_efficiency[row],
        TABLE.es_n0_threshold_db[row] + SPARE_DB,
        0.2,
        modcod=TABLE.name[row],
    )


def margin_db(link: Link, one: Carrier, power_share: float) -> float:
    return float(bent_pipe_budget(link, one, link.transponder.output_backoff_db - 10 * np.log10(power_share)).margin_db)


@settings(max_examples=40)
@given(up_db=FADE, down_db=FADE, width_mhz=st.floats(0.5, 36), share=st.floats(0.01, 1))
def test_the_highest_rate_closes_and_no_more_would(
    up_db: float, down_db: float, width_mhz: float, share: float
) -> None:
    link = faded(up_db, down_db)
    best = highest_rate(link, TABLE, 0.2, SPARE_DB, width_mhz * 1e6, share)
    row, rate_bps = int(best.modcod), float(best.bit_rate_bps)
    assert row != NONE_CLOSES
    assert margin_db(link, carrier(row, rate_bps), float(best.power_share)) == pytest.approx(0, abs=1e-9)
    by_power = best.power_share == pytest.approx(share)
    by_width = best.occupied_bandwidth_hz == pytest.approx(width_mhz * 1e6)
    assert by_power or by_width
    # every other MODCOD, with all the power and width there is, carries less
    for other in range(0, len(TABLE), 5):
        full = carrier(other, min(rate_bps * 1.001, width_mhz * 1e6 / 1.2 * TABLE.spectral_efficiency[other]))
        if np.asarray(full.bit_rate_bps) > rate_bps:
            assert margin_db(link, full, min(share, 1)) < 0


@settings(max_examples=40)
@given(up_db=FADE, down_db=FADE, rate_mbps=st.floats(0.1, 20), share=st.floats(0.01, 1))
def test_the_least_bandwidth_closes_and_the_next_modcod_does_not(
    up_db: float, down_db: float, rate_mbps: float, share: float
) -> None:
    link = faded(up_db, down_db)
    best = least_bandwidth(link, TABLE, rate_mbps * 1e6, 0.2, SPARE_DB, share)
    row = int(best.modcod)
    if row != NONE_CLOSES:
        assert margin_db(link, carrier(row, rate_mbps * 1e6), share) >= -1e-9
        assert margin_db(link, carrier(row, rate_mbps * 1e6), float(best.power_share)) == pytest.approx(0, abs=1e-9)
    efficiency = TABLE.spectral_efficiency[row] if row != NONE_CLOSES else 0.0
    for narrower in np.flatnonzero(TABLE.spectral_efficiency > efficiency):
        assert margin_db(link, carrier(int(narrower), rate_mbps * 1e6), share) < 0


@settings(max_examples=40)
@given(up_db=FADE, down_db=FADE, rate_mbps=st.floats(0.1, 8))
def test_the_least_amplifier_is_used_to_its_last_decibel(up_db: float, down_db: float, rate_mbps: float) -> None:
    link, wanted = faded(up_db, down_db), carrier(5, rate_mbps * 1e6)
    rated_dbw = float(least_amplifier_dbw(link, wanted))
    if np.isnan(rated_dbw):
        assert margin_db(link, wanted, 1.0) < 0
        return
    fitted = replace(link, transmit=replace(link.transmit, hpa_power_dbw=rated_dbw))
    found = least_bandwidth(fitted, TABLE.rows(np.array([5])), rate_mbps * 1e6, 0.2, SPARE_DB)
    budget = bent_pipe_budget(fitted, wanted, 3.5 - 10 * np.log10(found.power_share))
    assert budget.hpa_margin_db == pytest.approx(0, abs=1e-8)
    assert budget.margin_db == pytest.approx(0, abs=1e-8)
    weaker = replace(link, transmit=replace(link.transmit, hpa_power_dbw=rated_dbw - 0.01))
    assert least_bandwidth(weaker, TABLE.rows(np.array([5])), rate_mbps * 1e6, 0.2, SPARE_DB).modcod == NONE_CLOSES


def received_by(diameter_m: NDArray[np.float64]) -> Link:
    """A dish that points 0.1 degrees beside: larger is better until its beam becomes too narrow."""
    gain_dbi = parabola_gain_dbi(diameter_m, 0.65, 11.7e9)
    lost_db = pointing_loss_db(0.1, half_power_beamwidth_deg(diameter_m, 11.7e9))
    return replace(KU_LINK, receive=ReceiveStation(ReceiveAntenna(gain_dbi, 70.0, 25.0), lost_db))


@settings(max_examples=30)
@given(backoff_db=st.floats(8, 16))
def test_the_smallest_antenna_closes_and_a_smaller_one_does_not(backoff_db: float) -> None:
    wanted = replace(carrier(5, 4e6), required_margin_db=0.5)
    smallest_m = least_antenna_m(received_by, wanted, backoff_db, 0.2, 3.0)
    if np.isnan(smallest_m):
        assert bent_pipe_budget(received_by(np.array(3.0)), wanted, backoff_db).margin_db < 0.5
        return
    closed = bent_pipe_budget(received_by(smallest_m), wanted, backoff_db).margin_db
    assert closed >= 0.5
    if smallest_m > 0.2:
        assert closed == pytest.approx(0.5, abs=1e-6)
        assert bent_pipe_budget(received_by(smallest_m * 0.999), wanted, backoff_db).margin_db < 0.5


def test_a_fleet_is_solved_in_one_call() -> None:
    fleet = replace(KU_LINK, down=Path(37_000.0, 0.15, np.linspace(0.15, 15, 50), -1.5))
    rates = highest_rate(fleet, TABLE, 0.2, SPARE_DB, 4e6, 0.1).bit_rate_bps
    assert rates.shape == (50,)
    assert (np.diff(rates) <= 1e-6).all()


def test_bad_input_has_no_answer() -> None:
    assert np.isnan(highest_rate.or_nan(KU_LINK, TABLE, 0.2, SPARE_DB, np.nan).bit_rate_bps)
    assert np.isnan(highest_rate.or_nan(KU_LINK, TABLE, 0.2, SPARE_DB, -1e6).bit_rate_bps)
    assert np.isnan(least_bandwidth.or_nan(KU_LINK, TABLE, 0.0, 0.2, SPARE_DB).occupied_bandwidth_hz)
    assert np.isnan(least_that_meets.or_nan(lambda x: x - 2, 0.0, 5.0))
    assert np.isnan(least_that_meets.or_nan(lambda x: x - 9, 1.0, 5.0))
    assert least_that_meets.or_nan(lambda x: x - 2, 1.0, 5.0) == pytest.approx(2)
