"""Interference that a quote is sized with: neighbours on the arc through side lobes, amplifiers at their back-off."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.neighbour import NeighbourSatellite
from satcom.resource.physics.adjacent_slots import adjacent_satellite_ci_db
from satcom.resource.physics.link_budget import Link, at_full_power, combine_db
from satcom.resource.physics.operating_point import Amplifier, multi_carrier_curve
from satcom.resource.resource import Band
from satcom.service.demand import DIRECTIONS, Direction
from satcom.service.design.carriers import Sizer
from satcom.service.design.facts import TransponderFacts
from satcom.service.design.inputs import Inputs
from satcom.service.design.lanes import layout
from satcom.service.design.links import Lanes
from satcom.service.design.neighbours import ASSUMED, ASSUMED_INTERMODULATION
from satcom.service.design.solving import solve
from satcom.service.design.survey import survey
from satcom.service.evidence import SAME_TO, largest_difference
from satcom.service.way import BudgetLine
from tests.service.demonstration_facts import the_demonstration_facts
from tests.service.the_demonstration import the_demand

DEMAND = the_demand(bands=("Ku",))
BESIDE = (-2.9, 3.1)  # degrees from each satellite


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template) as whole:
        yield undeclared(whole)


def undeclared(facts: Inputs) -> Inputs:
    """Nobody beside any satellite, no amplifier known."""
    fleet = facts.fleet
    satellites = tuple(replace(one, neighbours=()) for one in fleet.satellites)
    transponders = tuple(replace(one, amplifier=None, many_carriers=True) for one in fleet.transponders)
    return replace(facts, fleet=replace(fleet, satellites=satellites, transponders=transponders))


def among(facts: Inputs, band: Band = Band.KU, up: float | None = None, down: float | None = None) -> Inputs:
    """Every satellite with a neighbour on each side."""
    satellites = tuple(
        replace(
            one,
            neighbours=tuple(
                NeighbourSatellite(
                    name=f"{offset:+g}",
                    orbital_longitude_deg=one.orbital_longitude_deg + offset,
                    bands=(band,),
                    uplink_eirp_density_dbw_per_hz=up,
                    downlink_eirp_density_dbw_per_hz=down,
                )
                for offset in BESIDE
            ),
        )
        for one in facts.fleet.satellites
    )
    return replace(facts, fleet=replace(facts.fleet, satellites=satellites))


def amplified(facts: Inputs, amplifier: Amplifier, many_carriers: bool = True) -> Inputs:
    def with_it(one: TransponderFacts) -> TransponderFacts:
        return replace(one, amplifier=amplifier, many_carriers=many_carriers)

    return replace(facts, fleet=replace(facts.fleet, transponders=tuple(map(with_it, facts.fleet.transponders))))


def a_sizer(facts: Inputs) -> Sizer:
    found = survey(facts.fleet, DEMAND, "CD", facts.at)
    return Sizer(layout(found, DEMAND, facts.occupancy, facts.assumed), DEMAND, facts.assumed)


def links(facts: Inputs) -> dict[Direction, tuple[Link, Lanes, Sizer]]:
    sizer = a_sizer(facts)
    return {one: (sizer.link(one, sizer.plan.lanes), sizer.plan.lanes, sizer) for one in DIRECTIONS}


def told(lines: tuple[BudgetLine, ...], label: str) -> BudgetLine:
    (line,) = [one for one in lines if one.label == f"{label}, clear sky"]
    return line


def expected_db(facts: Inputs, lanes: Lanes, sizer: Sizer, at_gateway: bool, freq_hz: np.ndarray) -> np.ndarray:
    """Both neighbours of each lane, from the exact frequency, as `satcom link-budget` has them."""
    fleet, rows = facts.fleet, {one.id: one for one in facts.fleet.satellites}
    own = np.array([rows[fleet.transponders[row].satellite_id].orbital_longitude_deg for row in lanes.transponder])
    if at_gateway:
        stands = [fleet.stations[sizer.plan.gateways[row].station] for row in lanes.gateway]
        dishes = [sizer.plan.gateways[row].antenna for row in lanes.gateway]
        place = np.array([(one.latitude_deg, one.longitude_deg) for one in stands]).T
        diameter, efficiency = np.array([(one.diameter_m, one.efficiency) for one in dishes]).T
    else:
        kinds = [fleet.terminal_types[row] for row in lanes.terminal]
        place = np.full((2, len(lanes)), np.array([[DEMAND.latitude_deg], [DEMAND.longitude_deg]]))
        diameter, efficiency = np.array([(one.antenna_diameter_m, one.antenna_efficiency) for one in kinds]).T
    both = [
        adjacent_satellite_ci_db(own, own + one, place[0], place[1], diameter, efficiency, freq_hz) for one in BESIDE
    ]
    return combine_db(*both)


def test_neighbours_disturb_every_lane_both_ways_as_the_link_budget_of_an_engineer_has_it(facts: Inputs) -> None:
    with_them = among(facts)
    for direction, (link, lanes, sizer) in links(with_them).items():
        forward, found = direction == "forward", link.interference
        up_hz, down_hz = np.asarray(link.transponder.up_freq_hz), np.asarray(link.transponder.down_freq_hz)
        for even_db, at_gateway, freq_hz in (
            (found.even_uplink_adjacent_satellite_ci_db, forward, up_hz),
            (found.even_downlink_adjacent_satellite_ci_db, not forward, down_hz),
        ):
            want = expected_db(with_them, lanes, sizer, at_gateway, freq_hz)
            # patterns are taken at the upper end of steps of 250 MHz
            assert np.nanmax(np.abs(even_db - want)) < 0.2
        assert np.isinf(found.uplink_adjacent_satellite_ci_db).all()
        assert np.isinf(found.downlink_adjacent_satellite_ci_db).all()


def test_where_no_neighbour_is_declared_the_constants_hold_and_the_budget_says_so(facts: Inputs) -> None:
    way = solve(facts, DEMAND).to_sites[0]
    for plan in (way.forward, way.return_link):
        for label, value in (("C/I uplink adjacent satellite", 28.0), ("C/I downlink adjacent satellite", 22.0)):
            line = told(plan.budget, label)
            assert (line.clear_sky, line.source) == (value, "assumed: no neighbour in Ku band is declared")
        assert told(plan.budget, "C/I intermodulation").source == ASSUMED_INTERMODULATION
        assert told(plan.budget, "C/I uplink cross-polarization").source == ASSUMED


def test_the_budget_names_the_neighbours_and_the_amplifier_that_it_was_computed_from(facts: Inputs) -> None:
    way = solve(amplified(among(facts), Amplifier.LINEARISED_TWTA), DEMAND).to_sites[0]
    (satellite,) = [one for one in facts.fleet.satellites if one.id == way.satellite_id]
    source = told(way.forward.budget, "C/I downlink adjacent satellite").source
    assert source is not None
    for offset in BESIDE:
        assert f"{offset:+g} {satellite.orbital_longitude_deg + offset:.1f}E" in source
    amplifier = told(way.forward.budget, "C/I intermodulation").source
    assert amplifier is not None
    assert amplifier.startswith("linearised with many carriers at ")


def test_a_neighbour_in_another_band_changes_no_number(facts: Inputs) -> None:
    assert solve(among(facts, Band.S), DEMAND) == solve(facts, DEMAND)


@given(denser_db=st.floats(-10, 10))
@settings(max_examples=8, deadline=None)
def test_a_denser_neighbour_is_heard_by_as_much_more(facts: Inputs, denser_db: float) -> None:
    base, dense = links(among(facts, up=-20.0, down=-25.0)), links(
        among(facts, up=-20.0 + denser_db, down=-25.0 + denser_db)
    )  # fmt: skip
    for direction in DIRECTIONS:
        for name in ("even_uplink_adjacent_satellite_ci_db", "even_downlink_adjacent_satellite_ci_db"):
            less, more = (getattr(one[direction][0].interference, name) for one in (base, dense))
            covered = np.isfinite(less)
            assert covered.any()
            assert (less - more)[covered] == pytest.approx(denser_db)


def test_a_neighbour_as_dense_as_our_loaded_transponder_is_the_one_without_a_declared_density(facts: Inputs) -> None:
    link, _, _ = links(among(facts))["forward"]
    transponder = link.transponder
    width_db = 10 * np.log10(transponder.bandwidth_hz)
    ours = at_full_power(link).satellite_eirp_dbw - width_db
    for row in np.flatnonzero(np.isfinite(ours))[:3]:
        declared, _, _ = links(among(facts, down=float(ours[row])))["forward"]
        even = [np.asarray(one.interference.even_downlink_adjacent_satellite_ci_db) for one in (declared, link)]
        assert even[0][row] == pytest.approx(even[1][row])


def test_intermodulation_follows_from_the_amplifier_at_the_output_back_off(facts: Inputs) -> None:
    for amplifier in Amplifier:
        link, lanes, _ = links(amplified(facts, amplifier))["forward"]
        curve = multi_carrier_curve(amplifier)
        backoffs_db = np.asarray(link.transponder.output_backoff_db)
        want_db = curve.intermodulation_at_db(curve.input_for_output_db(backoffs_db))
        assert link.transponder.intermodulation_ci_db == pytest.approx(want_db)
        assert len(want_db) == len(lanes)
    alone, _, _ = links(amplified(facts, Amplifier.TWTA, many_carriers=False))["forward"]
    assert np.isposinf(alone.transponder.intermodulation_ci_db).all()


def test_a_linearised_amplifier_sells_no_dearer_than_a_bare_tube(facts: Inputs) -> None:
    bare, linear = (
        solve(amplified(facts, one), DEMAND).to_sites[0] for one in (Amplifier.TWTA, Amplifier.LINEARISED_TWTA)
    )
    assert linear.charged_bandwidth_hz <= bare.charged_bandwidth_hz


def test_what_was_quoted_among_neighbours_is_computed_again_to_the_same_numbers(facts: Inputs) -> None:
    inputs = amplified(among(facts, up=-30.0), Amplifier.SSPA)
    quoted = solve(inputs, DEMAND)
    kept = inputs.used_by(quoted.solutions)
    again = solve(Inputs.of(kept.wire()), DEMAND)
    assert largest_difference(quoted, again) <= SAME_TO


def test_evidence_from_before_gives_the_table_that_was_told_then(facts: Inputs) -> None:
    stored = facts.wire()
    assert isinstance(stored, dict)
    assumed = stored["assumed"]
    assert isinstance(assumed, dict)
    del assumed["sources_told"]
    before, now = (solve(one, DEMAND).to_sites[0] for one in (Inputs.of(stored), facts))
    assert all(line.source is None for line in before.forward.budget)
    for old, new in zip(before.forward.budget, now.forward.budget, strict=True):
        assert (old.label, old.clear_sky, old.faded_down) == (new.label, new.clear_sky, new.faded_down)
    (eirp,) = [line for line in before.forward.budget if line.label == "Uplink EIRP"]
    assert eirp.faded_up == eirp.clear_sky


def test_in_rain_the_columns_of_a_budget_add_up(facts: Inputs) -> None:
    for way in solve(facts, DEMAND).to_sites:
        for plan in (way.forward, way.return_link):
            lines = {line.label: line for line in plan.budget}
            for column in ("clear_sky", "faded_up", "faded_down"):
                at = {label: getattr(line, column) for label, line in lines.items()}
                up = at["Uplink EIRP"] - sum(
                    at[f"Uplink {one}"] for one in ("pointing loss", "free-space loss", "attenuation")
                )
                assert up + at["Satellite G/T"] + 228.6 == pytest.approx(at["Uplink C/N0"], abs=0.01)
                down = at["Satellite EIRP of the carrier"] - sum(
                    at[f"Downlink {one}"] for one in ("pointing loss", "free-space loss", "attenuation")
                )
                assert down + at["Station G/T"] + 228.6 == pytest.approx(at["Downlink C/N0"], abs=0.01)
                from_backoff = at["Saturation EIRP to the receiver"] - at["Carrier output back-off"]
                assert from_backoff == pytest.approx(at["Satellite EIRP of the carrier"])
                level = at["Saturation flux density"] - at["Carrier input back-off"]
                assert level == pytest.approx(at["Flux density at the satellite"])
