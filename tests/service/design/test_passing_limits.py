"""Limits on power density over satellites that pass: a carrier keeps them at every instant, or the loser says which."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import load, wgs84

from satcom.core.values import Json
from satcom.resource.constellation import BeamPayload, OffAxisLimit
from satcom.resource.ground import Antenna
from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.passes import HandoverRule
from satcom.resource.physics.regulatory_limits import off_axis_excess_db
from satcom.service.constellation_solution import (
    ConstellationLoser,
    ConstellationQualification,
    ConstellationSolution,
    PassingCarrier,
    PathReason,
)
from satcom.service.demand import Direction
from satcom.service.design.constellation import decide_constellation
from satcom.service.design.constellation_facts import ConstellationFacts, FlownFacts, PassingInputs
from satcom.service.design.facts import Assumptions, Fleet, Occupancy, TerminalTypeFacts
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import decide_constellations, solve
from satcom.service.way import LimitKept
from tests.service.test_constellation_qualification import EXAMPLES, NEMEA, SITE, START, answer, asked, mpower

HEIGHT_M = 1400.0
HOURS = 4
AVAILABILITY_PERCENT = 98.0


def held(**changes: Any) -> ConstellationFacts:
    """Held to limits; changes are of both beams."""
    facts = replace(mpower(), satellite_count=10)
    return replace(
        facts,
        forward=facts.forward.model_copy(update=changes),
        return_link=facts.return_link.model_copy(update=changes),
    )


def answered(facts: ConstellationFacts) -> ConstellationQualification:
    return answer(facts, asked(AVAILABILITY_PERCENT), HOURS)


@lru_cache(maxsize=1)
def cheapest() -> ConstellationSolution:
    return answered(held()).solutions[0]


def lost(facts: ConstellationFacts) -> ConstellationLoser:
    loser = answered(facts).loser
    assert loser is not None
    return loser


def kept(carrier: PassingCarrier, reason: PathReason) -> LimitKept:
    return next(one for one in carrier.limits_kept if one.reason == reason)


def density(carrier: PassingCarrier, payload: BeamPayload) -> float:
    """Of the satellite at the peak of the beam, in dBW/Hz, from what the answer tells."""
    full = payload.eirp_saturation_dbw - payload.output_backoff_db
    return full + 10 * float(np.log10(carrier.power_share / carrier.symbol_rate_baud))


def test_what_is_told_of_an_instant_is_what_another_propagator_and_the_printed_table_give() -> None:
    """Skyfield's distance and angle, and Table 21-4 by hand: fewer than 50 satellites, so X is nothing."""
    facts, path = held(), answered(held()).path
    assert path is not None
    orbits = {one.name: one for one in load.tle_file(str(EXAMPLES / "meo_operator" / "elements.tle"))}
    at_site = wgs84.latlon(*SITE, elevation_m=HEIGHT_M)
    for carrier in (cheapest().forward, cheapest().return_link):
        told = kept(carrier, PathReason.POWER_FLUX_DENSITY)
        found = []
        for leg in path.legs:
            if leg.start_at <= told.at <= leg.stop_at:
                gateway = next(one for one in facts.gateways if one.name == leg.earth_station_name)
                place = at_site
                if carrier.direction == "return":
                    there = gateway.latitude_deg, gateway.longitude_deg
                    place = wgs84.latlon(*there, elevation_m=gateway.altitude_m)
                moment = load.timescale().from_datetime(told.at)
                altitude, _, distance = (orbits[leg.satellite_name] - place).at(moment).altaz()
                flux = density(carrier, facts.payload(carrier.direction)) - 10 * np.log10(4 * np.pi * distance.m**2)
                limit = -115 + min(max(altitude.degrees - 5, 0), 20) / 2 - 60
                found.append((flux, limit))
        assert any(one == pytest.approx((told.value, told.limit), abs=0.01) for one in found)


@settings(max_examples=6, deadline=None)
@given(
    eirp_by=st.floats(0, 22),
    agreed_down=st.none() | st.floats(-45, -25),
    agreed_up=st.none() | st.floats(-5, 25),
    satellites=st.integers(1, 900),
)
def test_a_carrier_that_is_offered_keeps_every_limit_at_every_instant(
    eirp_by: float, agreed_down: float | None, agreed_up: float | None, satellites: int
) -> None:
    bright = held(
        eirp_saturation_dbw=48 + eirp_by,
        downlink_eirp_density_limit_dbw_per_hz=agreed_down,
        uplink_eirp_density_limit_dbw_per_hz=agreed_up,
    )
    found = answered(replace(bright, satellite_count=satellites))
    assert found.solutions or found.loser is not None
    for way in found.solutions:
        for carrier in (way.forward, way.return_link):
            assert all(one.value <= one.limit for one in carrier.limits_kept)
            told = {one.reason: one.limit for one in carrier.limits_kept}
            assert told.get("coordinatedUplinkDensity") == agreed_up
            assert told.get("coordinatedDownlinkDensity") == agreed_down
            if agreed_down is not None:
                assert density(carrier, bright.payload(carrier.direction)) <= agreed_down


@pytest.mark.parametrize("direction", ["forward", "return"])
def test_three_decibels_less_are_never_kept_by_a_narrower_carrier(direction: Direction) -> None:
    at_first = density(_carrier(cheapest(), direction), held().payload(direction))
    width_hz, reasons = [], []
    for down_db in (0.0, 3.0, 6.0, 12.0):
        facts = _agreed_down(direction, at_first - down_db + 1e-6)
        found = answered(facts)
        if found.loser is not None:
            reasons.append(found.loser.reason)
            continue
        assert not reasons, "what is stricter does not open a way"
        carrier = _carrier(next(one for one in found.solutions if one.terminal_type_id == "large"), direction)
        assert density(carrier, facts.payload(direction)) <= at_first - down_db + 1e-6
        width_hz.append(carrier.occupied_bandwidth_hz)
    assert width_hz == sorted(width_hz)
    assert set(reasons) <= {PathReason.COORDINATED_DOWNLINK, PathReason.NO_BANDWIDTH}


def _carrier(way: ConstellationSolution, direction: Direction) -> PassingCarrier:
    return way.forward if direction == "forward" else way.return_link


def _agreed_down(direction: Direction, limit: float) -> ConstellationFacts:
    facts = held()
    agreed = facts.payload(direction).model_copy(update={"downlink_eirp_density_limit_dbw_per_hz": limit})
    return replace(facts, forward=agreed) if direction == "forward" else replace(facts, return_link=agreed)


@pytest.mark.parametrize(
    ("name", "limit", "reason"),
    [
        ("uplink_eirp_density_limit_dbw_per_hz", -60.0, PathReason.COORDINATED_UPLINK),
        ("downlink_eirp_density_limit_dbw_per_hz", -80.0, PathReason.COORDINATED_DOWNLINK),
    ],
)
def test_a_loser_tells_the_least_density_that_would_do_and_when(name: str, limit: float, reason: PathReason) -> None:
    loser = lost(held(**{name: limit}))
    assert (loser.reason, loser.limit, loser.unit) == (reason, limit, "dBW/Hz")
    assert loser.value is not None
    assert loser.at is not None
    assert f"{loser.value - limit:.1f} dB denser than allowed (coordination agreement)" in loser.text
    assert f"{loser.at:%Y-%m-%d %H:%M:%S}Z" in loser.text
    assert answered(held(**{name: loser.value + 0.001})).loser is None
    short = lost(held(**{name: loser.value - 0.001}))
    assert (short.reason, short.text.split(":")[0]) == (reason, loser.text.split(":")[0])


def test_a_satellite_so_bright_that_the_ground_gets_too_much_is_refused_by_table_21_4() -> None:
    """A terminal that hears little: what it needs is more than may arrive."""
    deaf = replace(
        held(eirp_saturation_dbw=90.0),
        terminal_types=(TerminalTypeFacts("deaf", "deaf", "Ka", "vsat", 0.05, 0.2, 20.0, 6.0, True, None, False),),
    )
    loser = lost(replace(deaf, return_link=mpower().return_link.model_copy(update={"g_over_t_db_per_k": 40})))
    assert (loser.reason, loser.unit) == (PathReason.POWER_FLUX_DENSITY, "dBW/m2/Hz")
    assert loser.value is not None
    assert loser.limit is not None
    assert -175 < loser.limit <= -165
    assert loser.value > loser.limit
    assert "forward: " in loser.text
    assert "Table 21-4" in loser.text


def test_side_lobes_are_held_only_where_the_operator_says_so_and_then_those_of_gateway_and_terminal() -> None:
    assert not [one for one in cheapest().forward.limits_kept if one.reason == PathReason.OFF_AXIS_EIRP_DENSITY]
    facts = held(uplink_off_axis_limit=OffAxisLimit.S_524_9)
    found = answered(facts)
    assert found.loser is None
    way = found.solutions[0]
    kind = next(one for one in facts.terminal_types if one.id == way.terminal_type_id)
    hz = facts.return_link.uplink_center_hz
    dish = kind.antenna_diameter_m, kind.antenna_efficiency
    told = kept(way.return_link, PathReason.OFF_AXIS_EIRP_DENSITY)
    # into the antenna at the greatest distance: nothing is ever denser
    flange = way.return_link.most_transmit_power_dbw - 10 * np.log10(way.return_link.symbol_rate_baud)
    assert told.value == pytest.approx(float(off_axis_excess_db(flange, *dish, hz)), abs=0.01)
    assert told.value <= told.limit == 0
    assert kept(way.forward, PathReason.OFF_AXIS_EIRP_DENSITY).value <= 0
    assert parabola_gain_dbi(*dish, hz) + flange == pytest.approx(_uplink_density(way.return_link), abs=0.01)


def _uplink_density(carrier: PassingCarrier) -> float:
    agreed = answered(held(uplink_eirp_density_limit_dbw_per_hz=60.0)).solutions[0]
    return kept(_carrier(agreed, carrier.direction), PathReason.COORDINATED_UPLINK).value


def test_a_terminal_that_is_too_loud_beside_its_satellite_is_refused() -> None:
    shrill = replace(
        held(uplink_off_axis_limit=OffAxisLimit.S_524_9, sfd_dbw_per_m2=-45.0),
        terminal_types=tuple(replace(one, buc_power_w=50_000.0) for one in mpower().terminal_types),
        gateways=tuple(
            replace(one, antenna=one.antenna.model_copy(update={"hpa_power_dbw": 60})) for one in mpower().gateways
        ),
    )
    loser = lost(shrill)
    assert (loser.reason, loser.limit, loser.unit) == (PathReason.OFF_AXIS_EIRP_DENSITY, 0.0, "dB over the limit")
    assert "S.524-9" in loser.text
    lawless = PassingInputs(START, START, HOURS, "CD", HEIGHT_M, shrill, Assumptions(within_limits=False))
    assert decide_constellation(lawless, asked(AVAILABILITY_PERCENT)).solutions


def test_all_of_a_beam_that_lights_a_site_is_held_to_the_limit_and_its_worst_place_told() -> None:
    at_site, over_beam = (
        kept(answered(one).solutions[0].forward, PathReason.POWER_FLUX_DENSITY)
        for one in (held(), replace(held(), beam_diameter_km=1500.0, edge_gain_db=-3.0))
    )
    assert (at_site.arrival_deg, at_site.away_km) == (None, None)
    assert over_beam.arrival_deg is not None
    assert over_beam.away_km is not None
    assert abs(over_beam.away_km) <= 1500
    assert over_beam.limit - over_beam.value <= at_site.limit - at_site.value + 1e-6


def test_a_large_constellation_may_lay_less_on_the_ground_near_the_horizon() -> None:
    """At gateways, whose satellites stand lower than 25 degrees at times."""
    few, many = (answered(replace(held(), satellite_count=count)).solutions[0] for count in (10, 651))
    small, large = (kept(one.return_link, PathReason.POWER_FLUX_DENSITY) for one in (few, many))
    assert large.limit < small.limit - 1
    assert large.limit - large.value < small.limit - small.value


def test_limits_that_nobody_reaches_change_nothing_but_what_is_told_of_them() -> None:
    free = answered(mpower()).solutions
    assert [one.model_copy(update=_untold(one)) for one in answered(held()).solutions] == list(free)
    lines = {one.label: one for one in cheapest().forward.budget}
    assert lines["Power flux-density on the ground"].unit == "dBW/m2/Hz"
    assert not [one for one in free[0].forward.budget if one.label == "Power flux-density on the ground"]


def _untold(way: ConstellationSolution) -> dict[str, PassingCarrier]:
    """Without the limits and their lines, which stand last."""

    def bare(one: PassingCarrier) -> PassingCarrier:
        of_limits = next(n for n, line in enumerate(one.budget) if line.label == "Power flux-density on the ground")
        return one.model_copy(update={"limits_kept": (), "budget": one.budget[:of_limits]})

    return {"forward": bare(way.forward), "return_link": bare(way.return_link)}


def test_evidence_gives_the_same_numbers_and_that_from_before_limits_was_held_to_none() -> None:
    strict = held(downlink_eirp_density_limit_dbw_per_hz=-36.0)
    passing = PassingInputs(START, START, HOURS, "CD", HEIGHT_M, strict, Assumptions())
    whole = Inputs(START, "CD", Fleet.none(), Occupancy.none(), constellations=(passing,))
    told, facts = decide_constellations(whole, asked(AVAILABILITY_PERCENT))
    assert told.solutions
    stored: Json = json.loads(json.dumps(replace(whole, constellations=facts).wire()))
    assert solve(Inputs.of(stored), asked(AVAILABILITY_PERCENT)).solutions == told.solutions
    assert isinstance(stored, dict)
    (one,) = _list(stored["constellations"])
    assert one["constellation"].pop("satellite_count") == 10
    before = solve(Inputs.of(stored), asked(AVAILABILITY_PERCENT)).solutions
    assert (
        before
        == decide_constellations(
            replace(whole, constellations=(replace(passing, constellation=replace(strict, satellite_count=None)),)),
            asked(AVAILABILITY_PERCENT),
        )[0].solutions
    )
    assert before[0].charged_bandwidth_hz <= told.solutions[0].charged_bandwidth_hz


def _list(value: Json) -> list[Any]:
    assert isinstance(value, list)
    return value


def an_example(folder: Path) -> ConstellationFacts:
    """The constellation of an example, read from its files."""

    def entries(name: str) -> list[dict[str, Any]]:
        return list(yaml.safe_load((folder / f"{name}.yaml").read_text()))

    (one,) = entries("constellations")
    stations = {each["id"]: each for each in entries("earth_stations")}
    fleet = read_tle((folder / "elements.tle").read_text()).elements
    gateways = tuple(
        replace(
            NEMEA,
            station_id=each["earth_station"],
            name=station["name"],
            latitude_deg=station["latitude_deg"],
            longitude_deg=station["longitude_deg"],
            antenna=Antenna.model_validate(station["antennas"][0]),
        )
        for each in one["gateways"]
        for station in (stations[each["earth_station"]],)
    )
    kinds = tuple(
        TerminalTypeFacts(
            each["id"], each["name"], each["band"], each["terminal_class"], each["antenna_diameter_m"],
            each["antenna_efficiency"], each["buc_power_w"], each["lnb_noise_figure_db"], True, None, True,
        )
        for each in entries("terminal_types")
    )  # fmt: skip
    return replace(
        mpower(),
        name=one["name"],
        user_band=one["user_band"],
        rule=HandoverRule(one["handover_rule"]),
        lowest_elevation_deg=one["lowest_elevation_deg"],
        edge_gain_db=one["edge_gain_db"],
        gateway_power_control_db=one["gateway_power_control_db"],
        terminal_power_control_db=one["terminal_power_control_db"],
        forward=BeamPayload.model_validate(one["forward"]),
        return_link=BeamPayload.model_validate(one["return_link"]),
        satellites=tuple(FlownFacts(str(each.norad_id), each.name, each) for each in fleet),
        gateways=gateways,
        terminal_types=kinds,
        licences=tuple(replace(each, band=one["user_band"]) for each in mpower().licences),
        satellite_count=len(fleet),
    )


@pytest.mark.parametrize(("name", "satellites"), [("meo_operator", 10), ("leo_operator", 651)])
def test_the_made_up_payloads_of_the_examples_keep_the_limits_with_decibels_to_spare(
    name: str, satellites: int
) -> None:
    facts = an_example(EXAMPLES / name)
    assert facts.satellite_count == satellites
    way = answer(facts, asked(AVAILABILITY_PERCENT), hours=1).solutions[0]
    for carrier in (way.forward, way.return_link):
        (told,) = carrier.limits_kept
        assert told.reason == PathReason.POWER_FLUX_DENSITY
        assert told.value < told.limit - 1
