"""The tables of DVB-S2 and DVB-S2X, and the choice from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.modcod import (
    NONE_CLOSES,
    PILOT_EFFICIENCY,
    best_modcod,
    bit_rate_bps,
    dvb_table,
    eb_n0_db,
    occupied_bandwidth_hz,
    symbol_rate_baud,
)
from tests.resource.physics.published import Published, Section

TABLE = dvb_table()
EN_302_307_1_TABLE_13 = {
    "QPSK 1/4": (0.490243, -2.35),
    "QPSK 1/2": (0.988858, 1.00),
    "QPSK 9/10": (1.788612, 6.42),
    "8PSK 3/5": (1.779991, 5.50),
    "8PSK 9/10": (2.679207, 10.98),
    "16APSK 2/3": (2.637201, 8.97),
    "16APSK 9/10": (3.567342, 13.13),
    "32APSK 3/4": (3.703295, 12.73),
    "32APSK 9/10": (4.453027, 16.05),
}


@pytest.mark.parametrize("name", EN_302_307_1_TABLE_13)
def test_the_thresholds_are_those_of_en_302_307_1_table_13(published: Published, name: str) -> None:
    dvb_s2 = TABLE.of_standard("DVB-S2")
    (row,) = np.flatnonzero(dvb_s2.name == name)
    found = dvb_s2.spectral_efficiency[row], dvb_s2.es_n0_threshold_db[row]
    told = EN_302_307_1_TABLE_13[name]
    published(name, "efficiency, threshold", [found], [told], abs=1e-9, section=Section.WAVEFORMS)


def test_the_efficiency_of_qpsk_1_2_follows_from_the_frame() -> None:
    # EN 302 307-1: K_bch 32208, 80 bits of header, 360 slots of 90 symbols and one of PLHEADER
    assert TABLE.spectral_efficiency[TABLE.name == "QPSK 1/2"] == pytest.approx([(32208 - 80) / (361 * 90)], abs=1e-6)


def test_both_standards_are_whole() -> None:
    assert len(TABLE.of_standard("DVB-S2")) == 28
    assert len(TABLE.of_standard("DVB-S2X")) == 39
    with pytest.raises(ValueError, match="DVB-S2X"):
        TABLE.of_standard("DVB-RCS2")


def test_nobody_can_change_the_table() -> None:
    with pytest.raises(ValueError, match="read-only"):
        TABLE.es_n0_threshold_db[0] = 0.0


@given(es_n0_db=st.floats(-10, 30), margin_db=st.floats(0, 3))
def test_the_best_modcod_is_the_most_efficient_that_closes(es_n0_db: float, margin_db: float) -> None:
    chosen = int(best_modcod(es_n0_db, margin_db))
    closing = np.flatnonzero(TABLE.es_n0_threshold_db <= es_n0_db - margin_db)
    if chosen == NONE_CLOSES:
        assert closing.size == 0
    else:
        assert TABLE.es_n0_threshold_db[chosen] <= es_n0_db - margin_db
        assert TABLE.spectral_efficiency[chosen] == TABLE.spectral_efficiency[closing].max()


def test_an_array_of_links_is_one_call_and_nan_closes_nothing() -> None:
    chosen = best_modcod.or_nan(np.array([[-5.0, 1.6, np.nan], [np.inf, 6.7, 1.49]]), 0.5)
    assert chosen[0].tolist()[0] == NONE_CLOSES
    assert chosen[0, 2] == NONE_CLOSES
    assert TABLE.name[chosen[0, 1]] == "QPSK 1/2"
    assert TABLE.name[chosen[1, 0]] == "256APSK 3/4"
    assert TABLE.name[chosen[1, 2]] != "QPSK 1/2"


@given(rate=st.floats(1e3, 1e9), efficiency=st.floats(0.4, 6), rolloff=st.floats(0.05, 0.35))
def test_bandwidth_and_bit_rate_are_each_others_inverse(rate: float, efficiency: float, rolloff: float) -> None:
    bandwidth_hz = occupied_bandwidth_hz(rate, efficiency, rolloff)
    assert bit_rate_bps(bandwidth_hz, efficiency, rolloff) == pytest.approx(rate)


def test_a_carrier_of_10_mbit_s_in_qpsk_3_4() -> None:
    efficiency = float(TABLE.spectral_efficiency[TABLE.name == "QPSK 3/4"][0])
    assert symbol_rate_baud(10e6, efficiency) == pytest.approx(6.7228e6, rel=1e-4)
    assert occupied_bandwidth_hz(10e6, efficiency, 0.2) == pytest.approx(8.0674e6, rel=1e-4)
    assert symbol_rate_baud(10e6, efficiency * PILOT_EFFICIENCY) == pytest.approx(6.8909e6, rel=1e-4)
    assert eb_n0_db(4.03, efficiency) == pytest.approx(2.31, abs=0.01)
