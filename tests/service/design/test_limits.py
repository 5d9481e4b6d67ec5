"""Limits on power density: what is offered keeps them, what cannot says by which number, and nothing else changes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any  # what a transponder may be changed by

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.beam_footprint import WorstPlace, footprint
from satcom.resource.physics.regulatory_limits import Breach, CoordinationLimits, breaches
from satcom.service.demand import LeaseDemand
from satcom.service.design import limits
from satcom.service.design.facts import TransponderFacts
from satcom.service.design.inputs import Inputs
from satcom.service.design.sky import beam_shapes, gateway_look
from satcom.service.design.solving import solve
from satcom.service.solution import AnyLoser, Qualification, SiteSolution
from satcom.service.way import CarrierPlan, Reason
from tests.service.demonstration_facts import the_demonstration_facts
from tests.service.shared_carriers import the_access
from tests.service.the_demonstration import the_demand

DENSITIES = {
    Reason.OFF_AXIS_EIRP_DENSITY,
    Reason.POWER_FLUX_DENSITY,
    Reason.COORDINATED_UPLINK,
    Reason.COORDINATED_DOWNLINK,
}


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template) as whole:
        yield whole


def with_transponders(facts: Inputs, **changes: Any) -> Inputs:
    """Every transponder changed alike; numbers named `..._by` are added."""

    def changed(one: TransponderFacts) -> TransponderFacts:
        added = {name[:-3]: getattr(one, name[:-3]) + by for name, by in changes.items() if name.endswith("_by")}
        return replace(one, **added, **{name: value for name, value in changes.items() if not name.endswith("_by")})

    return replace(facts, fleet=replace(facts.fleet, transponders=tuple(map(changed, facts.fleet.transponders))))


def with_terminals(facts: Inputs, **changes: Any) -> Inputs:
    kinds = tuple(replace(one, **changes) for one in facts.fleet.terminal_types)
    return replace(facts, fleet=replace(facts.fleet, terminal_types=kinds))


def told(carrier: CarrierPlan, label: str) -> float:
    value = next(one.clear_sky for one in carrier.budget if one.label == label)
    assert value is not None
    return value


def densities(carrier: CarrierPlan) -> tuple[float, float]:
    """EIRP density up and down, in dBW/Hz, from what the solution tells."""
    width_db = 10 * np.log10(carrier.symbol_rate_baud)
    return told(carrier, "Uplink EIRP") - width_db, told(carrier, "Satellite EIRP of the carrier") - width_db


def broken(facts: Inputs, way: SiteSolution) -> list[str]:
    """The limits that a solution breaks, computed afresh as `satcom link-budget` does."""
    fleet = facts.fleet
    (station,) = [row for row, one in enumerate(fleet.stations) if one.id == way.earth_station_id]
    (satellite,) = [row for row, one in enumerate(fleet.satellites) if one.id == way.satellite_id]
    antenna = next(one for one in fleet.stations[station].antennas if one.id == way.antenna_id)
    kind = next(one for one in fleet.terminal_types if one.id == way.terminal_type_id)
    gateway_dish, site_dish = (
        (antenna.diameter_m, antenna.efficiency),
        (kind.antenna_diameter_m, kind.antenna_efficiency),
    )
    from_gateway_deg = float(gateway_look(fleet, facts.at).elevation_deg[satellite, station])
    found: list[Breach] = []
    for carrier, dish, arrival_deg in (
        (way.forward, gateway_dish, way.elevation_deg),
        (way.return_link, site_dish, from_gateway_deg),
    ):
        transponder = next(one for one in fleet.transponders if one.id == carrier.transponder_id)
        up, down = densities(carrier)
        agreed = (transponder.uplink_eirp_density_limit_dbw_per_hz, transponder.downlink_eirp_density_limit_dbw_per_hz)
        found += breaches(
            uplink_power_density_dbw_per_hz=carrier.transmit_power_dbw - 10 * np.log10(carrier.symbol_rate_baud),
            uplink_eirp_density_dbw_per_hz=up,
            diameter_m=dish[0],
            efficiency=dish[1],
            uplink_freq_hz=transponder.uplink_center_hz,
            downlink_eirp_density_dbw_per_hz=down,
            downlink_range_km=told(carrier, "Downlink range"),
            arrival_deg=arrival_deg,
            downlink_freq_hz=transponder.downlink_center_hz,
            agreed=CoordinationLimits(*(np.inf if one is None else one for one in agreed)),
            lit=footprint(
                beam_shapes(fleet)[fleet.beam_index[transponder.downlink_beam_id]],
                fleet.satellites[satellite].orbital_longitude_deg,
            ),
            below_peak_db=abs(told(carrier, "Downlink beam, below peak")),
        )
    return [one.gate.value for one in found]


@given(
    weaker_db=st.floats(-25, 0),
    diameter_m=st.floats(0.3, 2.4),
    buc_power_w=st.floats(4, 1000),
    agreed_up=st.none() | st.floats(-25, 10),
    agreed_down=st.none() | st.floats(-45, -20),
    rate_bps=st.integers(256_000, 10_000_000),
)
@settings(max_examples=25, deadline=None)
def test_nothing_that_is_offered_breaks_a_limit(
    facts: Inputs,
    weaker_db: float,
    diameter_m: float,
    buc_power_w: float,
    agreed_up: float | None,
    agreed_down: float | None,
    rate_bps: int,
) -> None:
    """Deaf satellites and small dishes with strong amplifiers, which would be too dense."""
    fleet = with_transponders(
        with_terminals(facts, antenna_diameter_m=diameter_m, buc_power_w=buc_power_w, approved=True),
        g_over_t_db_per_k_by=weaker_db,
        sfd_dbw_per_m2_by=-weaker_db / 2,
        eirp_saturation_dbw_by=-weaker_db / 2,
        uplink_eirp_density_limit_dbw_per_hz=agreed_up,
        downlink_eirp_density_limit_dbw_per_hz=agreed_down,
    )
    demand = the_demand(downlink_rate_bps=rate_bps, uplink_rate_bps=rate_bps // 2)
    for way in solve(fleet, demand).to_sites:
        assert broken(fleet, way) == []


def loser(answer: Qualification, name: str) -> AnyLoser:
    return next(one for one in answer.losers if one.space_segment_name == name)


@pytest.mark.parametrize(
    ("limit", "allowed", "reason"),
    [
        ("uplink_eirp_density_limit_dbw_per_hz", -60.0, Reason.COORDINATED_UPLINK),
        ("downlink_eirp_density_limit_dbw_per_hz", -80.0, Reason.COORDINATED_DOWNLINK),
    ],
)
def test_a_loser_of_an_agreement_tells_the_least_density_that_would_do(
    facts: Inputs, limit: str, allowed: float, reason: Reason
) -> None:
    strict = solve(with_transponders(facts, **{limit: allowed}), the_demand(bands=("Ku",)))
    assert strict.to_sites == ()
    lost = loser(strict, "Eutelsat 10B")
    assert (lost.reason, lost.limit, lost.unit) == (reason, allowed, "dBW/Hz")
    assert lost.value is not None
    assert f"{lost.value - allowed:.1f} dB denser than allowed (coordination agreement)" in lost.text
    # what it says would do, does for the way and the direction that decided
    enough = solve(with_transponders(facts, **{limit: lost.value + 0.001}), the_demand(bands=("Ku",)))
    short = solve(with_transponders(facts, **{limit: lost.value - 0.001}), the_demand(bands=("Ku",)))
    assert loser(short, "Eutelsat 10B").reason is reason
    better = [one for one in enough.losers if one.space_segment_name == "Eutelsat 10B" and one.reason is reason]
    assert not better or better[0].subject != lost.subject or better[0].text[:6] != lost.text[:6]


def test_side_lobes_of_a_strong_small_dish_are_told_with_the_recommendation(facts: Inputs) -> None:
    shrill = with_transponders(
        with_terminals(facts, antenna_diameter_m=0.6, buc_power_w=2000.0, approved=True),
        g_over_t_db_per_k_by=-20.0,
        eirp_saturation_dbw_by=20.0,
        sfd_dbw_per_m2_by=18.0,
    )
    demand = the_demand(bands=("Ku",), uplink_rate_bps=512_000)
    answer = solve(shrill, demand)
    lost = [one for one in answer.losers if one.reason is Reason.OFF_AXIS_EIRP_DENSITY]
    assert lost
    for one in lost:
        assert one.value is not None
        assert (one.value > 0, one.limit, one.unit) == (True, 0.0, "dB over the limit")
        assert one.text.startswith("return: ")
        assert "S.524-9" in one.text
    lawless = replace(shrill, assumed=replace(shrill.assumed, within_limits=False))
    assert {one.satellite_name for one in lost} <= {one.satellite_name for one in solve(lawless, demand).to_sites}


def test_a_receiver_so_small_that_the_satellite_would_be_too_bright_is_refused(facts: Inputs) -> None:
    bright = with_transponders(
        with_terminals(facts, antenna_diameter_m=0.12, buc_power_w=500.0, approved=True),
        eirp_saturation_dbw_by=40.0,
        g_over_t_db_per_k_by=30.0,
        sfd_dbw_per_m2_by=-30.0,
    )
    answer = solve(bright, the_demand(bands=("Ku",), downlink_rate_bps=1_000_000, uplink_rate_bps=64_000))
    lost = [one for one in answer.losers if one.reason is Reason.POWER_FLUX_DENSITY]
    assert lost
    for one in lost:
        assert one.value is not None
        assert one.limit is not None
        assert -190 < one.limit < one.value
        assert one.unit == "dBW/m2/Hz"
        assert "Table 21-4" in one.text


def test_where_the_cheapest_carrier_is_too_dense_a_less_dense_one_is_offered(facts: Inputs) -> None:
    demand = the_demand(bands=("Ku",))
    best = solve(facts, demand).to_sites[0]
    up, _ = densities(best.return_link)
    held = with_transponders(facts, uplink_eirp_density_limit_dbw_per_hz=up - 0.5)
    ways = [one for one in solve(held, demand).to_sites if one.satellite_id == best.satellite_id]
    assert ways
    assert all(densities(one.return_link)[0] <= up - 0.5 for one in ways)
    same = [one for one in ways if one.terminal_type_id == best.terminal_type_id]
    assert all(one.charged_bandwidth_hz >= best.charged_bandwidth_hz for one in same)


def test_limits_that_nobody_reaches_change_nothing(facts: Inputs) -> None:
    loose = with_transponders(
        facts, uplink_eirp_density_limit_dbw_per_hz=60.0, downlink_eirp_density_limit_dbw_per_hz=60.0
    )
    unasked = replace(facts, assumed=replace(facts.assumed, within_limits=False))
    answer = solve(facts, the_demand())
    assert solve(loose, the_demand()) == answer == solve(unasked, the_demand())
    assert not DENSITIES & {one.reason for one in answer.losers}


def test_evidence_from_before_limits_were_asked_recomputes_without_them(facts: Inputs) -> None:
    held = with_transponders(facts, uplink_eirp_density_limit_dbw_per_hz=-60.0)
    stored = held.wire()
    assert isinstance(stored, dict)
    assert solve(Inputs.of(stored), the_demand()).to_sites == ()
    assumed = stored["assumed"]
    assert isinstance(assumed, dict)
    del assumed["within_limits"]
    assert solve(Inputs.of(stored), the_demand()).to_sites == solve(facts, the_demand()).to_sites


@pytest.fixture(scope="module")
def pools(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template, with_pools=True) as whole:
        yield whole


def test_on_shared_carriers_a_terminal_sends_with_less_where_its_side_lobes_would_be_too_loud(pools: Inputs) -> None:
    deaf = with_transponders(
        with_terminals(pools, antenna_diameter_m=0.75, buc_power_w=2000.0, approved=True), sfd_dbw_per_m2_by=10.0
    )
    lawless = replace(deaf, assumed=replace(deaf.assumed, within_limits=False))
    access = the_access(bands=("Ku",))
    loud, quiet = solve(lawless, access).to_sites[0], solve(deaf, access).to_sites[0]
    assert broken(deaf, loud) == ["offAxisEirpDensity"]
    assert broken(deaf, quiet) == []
    assert quiet.return_link.transmit_power_dbw < loud.return_link.transmit_power_dbw
    assert quiet.forward == loud.forward


def test_a_carrier_of_the_hub_that_is_too_dense_is_not_offered(pools: Inputs) -> None:
    access = the_access(bands=("Ku",))
    way = solve(pools, access).to_sites[0]
    _, down = densities(way.forward)
    dark = with_transponders(pools, downlink_eirp_density_limit_dbw_per_hz=down - 3.0)
    lost = loser(solve(dark, access), way.satellite_name)
    assert (lost.reason, lost.limit) == (Reason.COORDINATED_DOWNLINK, round(down - 3.0, 3))
    assert lost.text.startswith("forward: ")


def a_lease(**changes: object) -> LeaseDemand:
    values = the_demand().model_dump(include={"start_at", "stop_at"}) | {
        "capacity": "leasedSpectrum",
        "bandwidth_hz": 2_000_000,
        "bands": ("Ku",),
        "downlink_latitude_deg": -4.32,
        "downlink_longitude_deg": 15.31,
    }
    return LeaseDemand.model_validate(values | changes)


def test_a_lease_is_given_no_more_power_than_its_limits_down_allow(facts: Inputs) -> None:
    given = solve(facts, a_lease()).solutions[0]
    tp = next(one for one in facts.fleet.transponders if one.id in given.transponder_ids)
    density = lease_density(tp)
    strict = with_transponders(facts, downlink_eirp_density_limit_dbw_per_hz=density - 1.0)
    lost = loser(solve(strict, a_lease()), given.space_segment_name)
    assert lost.reason is Reason.COORDINATED_DOWNLINK
    allowed = with_transponders(facts, downlink_eirp_density_limit_dbw_per_hz=density + 1e-6)
    assert given in solve(allowed, a_lease()).solutions
    bright = solve(with_transponders(facts, eirp_saturation_dbw_by=30.0), a_lease())
    lost_there = [one for one in bright.losers if one.reason is Reason.POWER_FLUX_DENSITY]
    assert lost_there
    # at the place that is named: so much in 4 kHz, from the lowest angles of arrival to the highest
    levels = [one.limit + 10 * np.log10(4e3) for one in lost_there if one.limit is not None]
    assert all(-150.001 <= one <= -137.999 for one in levels)


def test_a_lease_that_names_no_place_is_held_to_the_worst_place_of_its_beam(facts: Inputs) -> None:
    nowhere = a_lease(downlink_latitude_deg=None, downlink_longitude_deg=None)
    bright = with_transponders(facts, eirp_saturation_dbw_by=30.0)
    lost = [one for one in solve(bright, nowhere).losers if one.reason is Reason.POWER_FLUX_DENSITY]
    assert lost
    assert all(" deg over the horizon (Radio Regulations, Table 21-4)" in one.text for one in lost)
    before = replace(bright, assumed=replace(bright.assumed, over_footprint=False))
    assert not [one for one in solve(before, nowhere).losers if one.reason is Reason.POWER_FLUX_DENSITY]


def test_the_worst_place_of_the_beam_bounds_every_carrier_and_is_told(
    facts: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if at one place of each beam next to nothing might arrive."""
    strict = WorstPlace(55.5, -10.25, 40_000.0, 4.9, 3.0, -220.0, -60.0)
    fresh, unbound = with_transponders(facts), solve(facts, the_demand()).to_sites
    monkeypatch.setattr(limits, "worst_places", lambda fleet: (strict,) * len(fleet.transponders))
    answer = solve(fresh, the_demand(bands=("Ku",)))
    assert answer.to_sites == ()
    lost = [one for one in answer.losers if one.reason is Reason.POWER_FLUX_DENSITY]
    assert lost
    for one in lost:
        assert (one.limit, one.unit) == (-220.0, "dBW/m2/Hz")
        assert "dB denser than allowed at 55.50 N 10.25 W, 4.9 deg over the horizon" in one.text
    stored = fresh.wire()
    assert isinstance(stored, dict)
    assumed = stored["assumed"]
    assert isinstance(assumed, dict)
    del assumed["over_footprint"]
    assert solve(Inputs.of(stored), the_demand()).to_sites == unbound


def lease_density(transponder: TransponderFacts) -> float:
    at_peak = transponder.eirp_saturation_dbw - transponder.output_backoff_db
    return at_peak - 10 * float(np.log10(transponder.bandwidth_hz))
