"""A whole link from what an engineer knows: both directions, put back into the budget, and what cannot be."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from satcom.resource.physics.carrier_sizing import Limit
from satcom.resource.physics.climate import altitude_km
from satcom.resource.physics.interference import (
    adjacent_carrier_ci_db,
    side_lobe_gain_dbi,
    topocentric_separation_deg,
)
from satcom.resource.physics.joint_availability import Fades, Room, availability_percent
from satcom.resource.physics.link_budget import Carrier, bent_pipe_budget, combine_db
from satcom.resource.physics.link_design import (
    DirectionDesign,
    ImpossibleLink,
    LinkDesign,
    LinkInput,
    design_link,
    distance_km,
)
from satcom.resource.physics.orbit import slot_angles

GIVEN: dict[str, Any] = {
    "satellite": {
        "longitude_deg": 10,
        "uplink_ghz": 14.25,
        "downlink_ghz": 11.7,
        "bandwidth_mhz": 36,
        "eirp_dbw": 52,
        "figure_of_merit_db_per_k": 5,
        "saturation_flux_density_dbw_per_m2": -88,
        "neighbours": [{"longitude_deg": 13}, {"longitude_deg": 7, "excess_db": 3}],
    },
    "gateway": {"latitude_deg": 48.8, "longitude_deg": 2.3, "diameter_m": 7.3, "amplifier_w": 200},
    "terminal": {"latitude_deg": 9.05, "longitude_deg": 38.7, "diameter_m": 1.8, "amplifier_w": 8},
    "forward": {"rate_mbps": 10},
    "return": {"rate_mbps": 2, "waveform": "dvb-rcs2"},
}


def given(**changed: Any) -> LinkInput:
    """With values of other names, such as `terminal__diameter_m`."""
    whole = {name: dict(part) for name, part in GIVEN.items()}
    for name, value in changed.items():
        part, _, field = name.partition("__")
        whole[part][field] = value
    return LinkInput.model_validate(whole)


@pytest.fixture(scope="module")
def designed() -> LinkDesign:
    return design_link(given())


def both(design: LinkDesign) -> list[DirectionDesign]:
    assert design.forward is not None
    assert design.return_link is not None
    return [design.forward, design.return_link]


def test_both_directions_close_with_exactly_the_required_margin(designed: LinkDesign) -> None:
    for one in both(designed):
        assert one.limit is Limit.NONE
        assert one.budget.margin_db == pytest.approx(one.asked.required_margin_db)
        assert one.joint_availability_percent >= one.asked.availability_percent
        assert all(line.source for line in [*one.budget.as_table(), *one.extra_lines()])


def test_the_waveform_and_the_mean_rate_are_those_asked_for(designed: LinkDesign) -> None:
    forward, back = both(designed)
    assert str(back.budget.modcod) in set(back.modcods.name)
    assert set(back.modcods.standard) == {"DVB-RCS2"}
    assert forward.modcod_availability.mean_bps > 10e6  # better MODCODs under clear sky


def test_both_neighbours_are_heard_through_the_terminals_side_lobes(designed: LinkDesign) -> None:
    forward = both(designed)[0]
    apart = topocentric_separation_deg(9.05, 38.7, 10.0, np.array([13.0, 7.0]))
    lobes = side_lobe_gain_dbi(apart, 1.8, 0.65, 11.7e9)
    each = forward.link.receive.antenna.gain_dbi - lobes - np.array([0.0, 3.0])
    assert forward.budget.downlink_adjacent_satellite_ci_db == pytest.approx(combine_db(*each))


def test_the_availability_told_is_that_of_the_budget(designed: LinkDesign) -> None:
    back = both(designed)[1]
    again = bent_pipe_budget(back.link, _carrier(back), back.budget.carrier_output_backoff_db)
    assert again.es_n0_clear_db == pytest.approx(back.budget.es_n0_clear_db)
    room = Room.of(back.link, back.asked.rolloff, back.budget.symbol_rate_baud, back.budget.power_share)
    assert room.es_n0_db(0.0, 0.0) == pytest.approx(back.budget.es_n0_clear_db)
    up, down = (
        Fades.at(lat, lon, ghz * 1e9, elevation_deg(lat, lon), 45.0, dish_m, 0.65, altitude_km(lat, lon))
        for lat, lon, ghz, dish_m in ((9.05, 38.7, 14.25, 1.8), (48.8, 2.3, 11.7, 7.3))
    )
    found = availability_percent(room, back.budget.required_es_n0_db, up, down, 5000.0)
    assert found == pytest.approx(back.joint_availability_percent, abs=0.01)  # seen from the ground, not from the sea


def elevation_deg(latitude_deg: float, longitude_deg: float) -> float:
    return float(np.ravel(slot_angles(10.0, latitude_deg, longitude_deg, 0.0).elevation_deg)[0])


def _carrier(one: DirectionDesign) -> Carrier:
    told = one.budget
    return Carrier(
        told.bit_rate_bps, told.bit_rate_bps / told.symbol_rate_baud, told.required_es_n0_db, one.asked.rolloff
    )


def test_beams_on_the_same_frequency_and_carriers_beside_lower_the_ratio(designed: LinkDesign) -> None:
    beams = [
        {"uplink_level_db": -20, "downlink_level_db": -17},
        {"downlink_level_db": -20, "activity": 0.5},
    ]
    beside: list[dict[str, float]] = [
        {"spacing_mhz": 3.2, "symbol_rate_mbaud": 3},
        {"spacing_mhz": 9, "symbol_rate_mbaud": 12, "excess_db": 2},
    ]
    crowded = design_link(given(forward__co_channel_beams=beams, forward__adjacent_carriers=beside))
    clear, found = both(designed)[0], both(crowded)[0]
    budget = found.budget
    assert budget.uplink_co_channel_ci_db == pytest.approx(20.0)
    assert budget.downlink_co_channel_ci_db == pytest.approx(-10 * np.log10(10**-1.7 + 0.5 * 10**-2))
    rate = budget.symbol_rate_baud
    each = [
        adjacent_carrier_ci_db(rate, 0.2, of["symbol_rate_mbaud"] * 1e6, 0.2, of["spacing_mhz"] * 1e6,
                               of.get("excess_db", 0.0)) for of in beside
    ]  # fmt: skip
    assert budget.uplink_adjacent_carrier_ci_db == pytest.approx(combine_db(*each))  # at the width it ends with
    disturbed = [10 ** (-one.budget.es_n0_clear_db / 10) for one in (clear, found)]
    assert disturbed[1] > disturbed[0] or found.budget.power_share > clear.budget.power_share
    named = {line.label for line in found.budget.as_table()}
    assert {"C/I uplink co-channel beams", "C/I downlink co-channel beams", "C/I uplink adjacent carrier"} <= named
    assert not {"C/I uplink co-channel beams", "C/I uplink adjacent carrier"} & {
        line.label for line in clear.budget.as_table()
    }
    assert both(crowded)[1].budget.margin_db == pytest.approx(both(designed)[1].budget.margin_db)


def test_the_budget_with_neighbours_adds_up_again(designed: LinkDesign) -> None:
    level = [{"uplink_level_db": -12, "downlink_level_db": -15}]
    crowded = both(design_link(given(forward__modcod="QPSK 1/2", forward__co_channel_beams=level)))[0]
    calm = both(design_link(given(forward__modcod="QPSK 1/2")))[0]
    at_calm_power = bent_pipe_budget(crowded.link, _carrier(crowded), calm.budget.carrier_output_backoff_db)
    both_beams = 10**-1.2 + 10**-1.5
    expected = -10 * np.log10(10 ** (-calm.budget.es_n0_clear_db / 10) + both_beams)
    assert at_calm_power.es_n0_clear_db == pytest.approx(expected)


def test_a_carrier_beside_too_near_leaves_no_room() -> None:
    beside = [{"spacing_mhz": 0.5, "symbol_rate_mbaud": 20, "excess_db": 20}]
    found = both(design_link(given(forward__adjacent_carriers=beside)))[0]
    assert found.limit is Limit.INTERFERENCE
    with pytest.raises(ImpossibleLink, match=r"forward\.rolloff: adjacent carriers need a roll-off"):
        design_link(given(forward__adjacent_carriers=beside, forward__rolloff=0))


def test_too_much_is_refused_with_what_decided() -> None:
    weak = design_link(given(terminal__amplifier_w=0.05)).return_link
    assert weak is not None
    assert weak.limit is Limit.STATION_POWER
    assert weak.budget.margin_db < 0.5
    wide = design_link(given(forward__rate_mbps=400)).forward
    assert wide is not None
    assert wide.limit in (Limit.BANDWIDTH, Limit.TRANSPONDER_POWER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("terminal__diameter_m", 0),
        ("satellite__uplink_ghz", -14),
        ("forward__availability_percent", 100),
        ("terminal__latitude_deg", float("nan")),
        ("terminal__diameter_m", [1, 2]),
        ("satellite__bandwidth_mhz", float("inf")),
        ("gateway__dish", 3),
        ("forward__co_channel_beams", 3),
    ],
)
def test_bad_input_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as wrong:
        given(**{name: value})
    assert ".".join(str(part) for part in wrong.value.errors()[0]["loc"]) == name.replace("__", ".")


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ImpossibleLink, match=r"terminal\.latitude_deg.*over the horizon"):
        design_link(given(terminal__longitude_deg=179))
    with pytest.raises(ImpossibleLink, match=r"return\.modcod: dvb-rcs2 has no '64QAM 1/2'"):
        design_link(given(return__modcod="64QAM 1/2"))
    with pytest.raises(ImpossibleLink, match="forward: ask for"):
        design_link(given().model_copy(update={"forward": None, "return_link": None}))
    rarest = design_link(given(return__availability_percent=99.998)).return_link
    assert rarest is not None
    assert np.isfinite(rarest.budget.uplink_faded_attenuation_db).all()


def test_stations_are_as_far_apart_as_the_globe_says() -> None:
    link = given(
        gateway__latitude_deg=0, gateway__longitude_deg=0, terminal__latitude_deg=0, terminal__longitude_deg=90
    )
    assert distance_km(link.gateway, link.terminal) == pytest.approx(6378.137 * np.pi / 2)
