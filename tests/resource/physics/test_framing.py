"""Frames of DVB-S2 counted bit by bit, and the return waveforms of DVB-RCS2."""

import numpy as np
import pytest

from satcom.resource.physics.framing import (
    BITS_PER_SYMBOL,
    NORMAL_BITS,
    NORMAL_FRAME_BITS,
    SHORT_BITS,
    SHORT_FRAME_BITS,
    frame_efficiency,
    framed_table,
)
from satcom.resource.physics.modcod import PILOT_EFFICIENCY, dvb_table
from satcom.resource.physics.return_waveform import rcs2_table
from tests.resource.physics.published import Published, Section


def test_efficiencies_of_the_standard_are_counted_from_its_frames(published: Published) -> None:
    table = dvb_table().of_standard("DVB-S2")
    counted = []
    for name in table.name:
        modulation, rate = str(name).split(" ")
        counted.append(
            frame_efficiency(NORMAL_BITS[rate], NORMAL_FRAME_BITS, BITS_PER_SYMBOL[modulation], pilots=False)
        )
    printed, left = table.spectral_efficiency, "printed with six decimals"
    unit, section = "bit/symbol", Section.WAVEFORMS
    published("all MODCODs", "efficiency by frames", counted, printed, abs=6e-7, unit=unit, left=left, section=section)


def test_pilots_take_their_symbols() -> None:
    plain, piloted = framed_table(), framed_table(pilots=True)
    assert list(plain.name) == list(piloted.name)
    taken = piloted.spectral_efficiency / plain.spectral_efficiency
    assert (taken > PILOT_EFFICIENCY - 1e-9).all()  # after the last 16 slots there are none
    assert (taken < 0.98).all()
    # QPSK 1/2 with pilots: 32128 bits in 361 slots of 90 and 22 blocks of pilots
    row = list(piloted.name).index("QPSK 1/2")
    assert piloted.spectral_efficiency[row] == pytest.approx(32128 / (361 * 90 + 22 * 36))


def test_short_frames_carry_less_and_ask_for_more() -> None:
    short, normal = framed_table(short_frames=True), dvb_table().of_standard("DVB-S2")
    assert len(short) == len(normal) - 4  # short frames have no 9/10, in none of the four modulations
    for name, efficiency, threshold in zip(
        short.name, short.spectral_efficiency, short.es_n0_threshold_db, strict=True
    ):
        row = list(normal.name).index(name)
        assert efficiency < normal.spectral_efficiency[row]
        assert threshold == pytest.approx(normal.es_n0_threshold_db[row] + 0.3)
    assert frame_efficiency(SHORT_BITS["1/2"], SHORT_FRAME_BITS, 2, pilots=False) == pytest.approx(6952 / 8190)


@pytest.mark.parametrize("burst_symbols", [536, 1616])
def test_return_waveforms_ask_for_more_the_more_they_carry(burst_symbols: int) -> None:
    table = rcs2_table(burst_symbols)
    assert len(table) == 10
    assert (np.diff(table.spectral_efficiency) > 0).all()
    assert (np.diff(table.es_n0_threshold_db) > 0).all()
    # none above what Shannon allows
    assert (table.spectral_efficiency < np.log2(1 + 10 ** (table.es_n0_threshold_db / 10))).all()


def test_long_bursts_are_better_than_short_ones() -> None:
    short, long = rcs2_table(536), rcs2_table(1616)
    assert list(short.name) == list(long.name)
    assert (long.spectral_efficiency > short.spectral_efficiency).all()
    assert (long.es_n0_threshold_db < short.es_n0_threshold_db).all()
    # 188 bytes in the long burst of QPSK 1/2
    assert long.spectral_efficiency[list(long.name).index("QPSK 1/2")] == pytest.approx(188 * 8 / 1616, abs=0.005)


def test_a_burst_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="burst_symbols: 100 symbols"):
        rcs2_table(100)
