"""Carriers of a public list: each is placed in the fleet or left out with its line and the reason."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.errors import Refused
from satcom.resource.listed_carriers import OfFleet, place_carriers
from satcom.resource.resource import Polarisation
from satcom.resource.satellites_xml import SYSTEMS, ListedCarrier, read_satellites_xml

LIST = Path(__file__).parents[1] / "data" / "spectrum" / "satellites.xml"
MHZ = 1_000_000
KU_2V = OfFleet("2V", "Ku 2V", "Amos-17", 17.0, 12_533 * MHZ, 12_587 * MHZ, Polarisation.VERTICAL, 200_000)


def listed(center_mhz: float, symbol_rate_mbaud: float = 1, line: int = 1, place_deg: float = 17.0) -> ListedCarrier:
    rate_baud, center_hz = round(symbol_rate_mbaud * MHZ), round(center_mhz * MHZ)
    return ListedCarrier(line, "test", place_deg, center_hz, Polarisation.VERTICAL, rate_baud, SYSTEMS[1])


def test_a_carrier_is_read_with_its_line_and_units() -> None:
    read = read_satellites_xml(LIST.read_bytes(), LIST.name)
    first, of_dvb_s, west = read.carriers[0], read.carriers[4], read.carriers[-1]
    assert (first.line, first.position, first.place) == (5, "17.0E Test band & more", "17.0E")
    assert (first.downlink_center_hz, first.symbol_rate_baud) == (12_566_000_000, 2_500_000)
    assert (first.rolloff, of_dvb_s.rolloff) == (None, 0.35)
    assert (west.place, west.polarisation) == ("100.5W", Polarisation.LHCP)
    assert read.wrong == ((12, "symbol_rate is 'many', not a whole number from 1 to 2500000000"),)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is no XML"),
        (b"<satellites><sat", "it is no XML"),
        (b"<html></html>", "it is a list of 'html'"),
        (b"<satellites></satellites>", "there is no carrier"),
        (b"<!DOCTYPE satellites [<!ENTITY a 'b'>]><satellites></satellites>", "a document type is not read"),
        (b"\xff\xfe\x00", "it is no XML"),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(content: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_satellites_xml(content, "list.xml")


@given(text=st.text(max_size=30))
def test_whatever_stands_in_an_attribute_is_read_or_told(text: str) -> None:
    quoted = "".join(one if one.isalnum() and one.isascii() else f"&#{ord(one)};" for one in text)
    entry = f"<transponder frequency='{quoted}' symbol_rate='1000' polarization='1' system='1'/>"
    content = f"<satellites><sat position='170'>{entry}</sat></satellites>".encode(errors="replace")
    try:
        read = read_satellites_xml(content, "list.xml")
    except Refused as refused:
        assert "it is no XML" in refused.faults[0].why  # noqa: PT017 (a control character)
    else:
        assert len(read.carriers) + len(read.wrong) == 1


def test_each_carrier_of_the_list_is_placed_or_left_out_with_the_reason() -> None:
    read = read_satellites_xml(LIST.read_bytes(), LIST.name)
    placed, left = place_carriers(read.carriers, [KU_2V], dvb_s2_rolloff=0.2)
    assert [one.carrier.line for one in placed] == [5, 8, 9]
    assert [(one.carrier.line, one.code) for one in left] == [
        (6, "sameCarrier"),
        (7, "clash"),
        (10, "noTransponder"),
        (11, "outsideTransponder"),
        (15, "noSatellite"),
        (16, "noSatellite"),
    ]
    assert "in line 5" in left[0].why
    assert "2 MHz beyond Amos-17 Ku 2V" in left[3].why
    assert (placed[0].start_hz, placed[0].stop_hz) == (12_564_500_000, 12_567_500_000)  # 2.5 MBaud times 1.2


@given(
    carriers=st.lists(
        st.builds(
            listed, st.floats(12_460, 12_660), st.floats(0.01, 40), st.integers(1, 99), st.sampled_from([17, 40])
        ),
        max_size=20,
    )
)
def test_no_carrier_is_lost_and_those_placed_keep_apart_with_their_guard_bands(carriers: list[ListedCarrier]) -> None:
    placed, left = place_carriers(carriers, [KU_2V], dvb_s2_rolloff=0.2)
    assert len(placed) + len(left) == len(carriers)
    taken = sorted(
        (one.start_hz - one.guard_band_hz // 2, one.stop_hz + (one.guard_band_hz + 1) // 2) for one in placed
    )
    assert all(before[1] <= behind[0] for before, behind in pairwise(taken))
    assert all(KU_2V.low_edge_hz <= one.start_hz and one.stop_hz <= KU_2V.high_edge_hz for one in placed)
    assert all(0 <= one.guard_band_hz <= KU_2V.guard_band_hz for one in placed)


def test_neighbours_nearer_than_the_guard_band_keep_what_there_is() -> None:
    placed, left = place_carriers([listed(12_540), listed(12_541.25), listed(12_550)], [KU_2V], dvb_s2_rolloff=0.2)
    assert [one.guard_band_hz for one in placed] == [50_000, 50_000, 200_000]
    assert left == []


def test_a_carrier_that_may_lie_in_two_transponders_is_not_guessed() -> None:
    other = OfFleet("4V", "Ku 4V", "Amos-18", 17.1, 12_533 * MHZ, 12_587 * MHZ, Polarisation.VERTICAL, 0)
    placed, left = place_carriers([listed(12_540)], [KU_2V, other], dvb_s2_rolloff=0.2)
    assert (placed, left[0].code) == ([], "severalTransponders")
    assert "Amos-17 Ku 2V, Amos-18 Ku 4V" in left[0].why


def test_positions_are_compared_across_the_date_line() -> None:
    there = OfFleet("1V", "Ku 1V", "Far", -179.9, 12_533 * MHZ, 12_587 * MHZ, Polarisation.VERTICAL, 0)
    placed, _ = place_carriers([listed(12_540, place_deg=180.0)], [there], dvb_s2_rolloff=0.2)
    assert len(placed) == 1
