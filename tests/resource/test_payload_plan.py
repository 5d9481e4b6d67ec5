"""The payload plan: what shares beam and polarisation does not overlap, and reuse is counted at its worst place."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.payload_plan import (
    Channel,
    PlanFaultCode,
    Side,
    collisions,
    connections,
    disturbed,
    reuse,
)
from satcom.resource.physics.coverage import Contour, ContourBeam, SpotBeam

MHZ = 1_000_000
AT = 17.0


def a_channel(
    name: str, from_mhz: int, to_mhz: int, beam: str = "A", polarisation: str = "vertical", eirp_dbw: float = 50.0
) -> Channel:
    return Channel(name, name, beam, polarisation, from_mhz * MHZ, to_mhz * MHZ, eirp_dbw)


def a_spot(longitude_deg: float, width_deg: float = 1.0) -> SpotBeam:
    return SpotBeam(0.0, longitude_deg, width_deg, AT)


CHANNELS = st.builds(
    lambda name, low, width, beam, polarisation: a_channel(name, low, low + width, beam, polarisation),
    st.uuids().map(str),
    st.integers(11_000, 11_200),
    st.integers(1, 80),
    st.sampled_from("AB"),
    st.sampled_from(["horizontal", "vertical"]),
)


@given(st.lists(CHANNELS, max_size=8))
@settings(max_examples=60)
def test_every_two_channels_of_a_beam_and_polarisation_that_overlap_are_named(channels: list[Channel]) -> None:
    named = {
        frozenset((one.first.name, one.second.name)): one.value
        for one in collisions(Side.DOWNLINK, channels, 0)
        if one.code is PlanFaultCode.OVERLAP
    }
    meant = {
        frozenset((one.name, other.name)): one.overlap_hz(other) / 1e6
        for one, other in combinations(channels, 2)
        if (one.beam_id, one.polarisation) == (other.beam_id, other.polarisation) and one.overlap_hz(other) > 0
    }
    assert named == meant


def test_channels_keep_the_guard_band_that_is_asked_for() -> None:
    row = [a_channel("1", 11_000, 11_036), a_channel("2", 11_040, 11_076), a_channel("3", 11_078, 11_114)]
    assert collisions(Side.UPLINK, row, 0) == []
    (narrow,) = collisions(Side.UPLINK, row, 4 * MHZ)
    assert (narrow.code, narrow.value, narrow.limit) == (PlanFaultCode.GUARD_BAND, 2.0, 4.0)
    assert narrow.text == "2 MHz between 2 and 3, not 4 MHz"
    other = [row[0], a_channel("H", 11_000, 11_036, polarisation="horizontal"), a_channel("B", 11_000, 11_036, "B")]
    assert collisions(Side.UPLINK, other, 4 * MHZ) == []


def test_reuse_in_a_neighbouring_spot_disturbs_and_in_a_distant_one_does_not() -> None:
    one, other = a_channel("1", 11_000, 11_036), a_channel("2", 11_030, 11_066, "B")
    near, far = {"A": a_spot(17), "B": a_spot(23)}, {"A": a_spot(17), "B": a_spot(60)}
    for side in Side:
        assert {fault.first.name for fault in disturbed(side, [one, other], near, AT, 15.0)} == {"1", "2"}
        assert disturbed(side, [one, other], far, AT, 15.0) == []
    crossed = a_channel("2", 11_030, 11_066, "B", polarisation="horizontal")
    assert disturbed(Side.DOWNLINK, [one, crossed], near, AT, 15.0) == []
    beside = a_channel("2", 11_036, 11_072, "B")
    assert disturbed(Side.DOWNLINK, [one, beside], near, AT, 15.0) == []


def test_a_stronger_neighbour_disturbs_by_its_eirp_on_the_way_down_only() -> None:
    beams = {"A": a_spot(17), "B": a_spot(23)}

    def of_the_first(side: Side, eirp_dbw: float) -> float:
        pair = [a_channel("1", 11_000, 11_036), a_channel("2", 11_000, 11_036, "B", eirp_dbw=eirp_dbw)]
        return next(one.value for one in disturbed(side, pair, beams, AT, 60.0) if one.first.name == "1")

    assert of_the_first(Side.DOWNLINK, 50) - of_the_first(Side.DOWNLINK, 53) == pytest.approx(3)
    assert of_the_first(Side.UPLINK, 50) == of_the_first(Side.UPLINK, 53)


def test_beams_in_one_place_leave_nothing_of_each_other() -> None:
    ring = (((10.0, -5.0), (20.0, -5.0), (20.0, 5.0), (10.0, 5.0), (10.0, -5.0)),)
    beams = {name: ContourBeam(0.0, (Contour(-3.0, (ring,)),)) for name in "AB"}
    pair = [a_channel("1", 11_000, 11_036), a_channel("2", 11_000, 11_036, "B")]
    for side in Side:
        assert [one.value for one in disturbed(side, pair, beams, AT, 15.0)] == [0.0, 0.0]


def test_the_switch_matrix_holds_every_transponder_once() -> None:
    up = [a_channel("1", 14_000, 14_036), a_channel("2", 14_040, 14_076), a_channel("3", 14_080, 14_116, "B")]
    down = [a_channel("1", 11_000, 11_036, "B"), a_channel("2", 11_040, 11_076, "B"), a_channel("3", 11_080, 11_116)]
    assert connections(up, down) == {("A", "B"): ["1", "2"], ("B", "A"): ["3"]}


def test_reuse_counts_how_often_spectrum_is_used() -> None:
    assert reuse([]) == 0
    assert reuse([a_channel("1", 11_000, 11_036), a_channel("2", 11_040, 11_076)]) == 1
    assert reuse([a_channel(name, 11_000, 11_036, name) for name in "ABCD"]) == 4
