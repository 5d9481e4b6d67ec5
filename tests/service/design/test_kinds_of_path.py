"""Ways over one satellite that differ in gateway, hub, pool, transponder or terminal: ranked, with the lost ones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta

import numpy as np
import pytest

from satcom.service.design.facts import HubFacts, StationFacts
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import solve
from satcom.service.solution import AccessSolution, LeaseSolution, Qualification
from satcom.service.way import LostWay, PathPart, Reason
from tests.service.demonstration_facts import the_demonstration_facts
from tests.service.shared_carriers import the_access
from tests.service.the_demonstration import START, identifier, the_demand, the_lease

HUB, STATION = identifier("Hub", "hub-hartebeesthoek-1"), identifier("EarthStation", "es-hartebeesthoek")
AMOS = identifier("Satellite", "sat-amos-17")
MHZ = 1_000_000


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template) as whole:
        yield whole


@pytest.fixture(scope="module")
def pools(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template, with_pools=True) as whole:
        yield whole


def with_second_gateway(facts: Inputs, ports: int = 4, mask_deg: float = 5.0) -> Inputs:
    """A teleport in Lubumbashi with a hub of its own, like the one at Hartebeesthoek."""
    fleet = facts.fleet
    station: StationFacts = next(one for one in fleet.stations if one.id == STATION)
    hub: HubFacts = next(one for one in fleet.hubs if one.id == HUB)
    there = replace(station, id="lubumbashi", name="Lubumbashi", latitude_deg=-11.7, longitude_deg=27.5)
    there = replace(there, horizon_mask_deg=mask_deg)
    other = replace(hub, id="hub-lubumbashi", name="Lubumbashi 1", earth_station_id=there.id, ports=4)
    return replace(
        facts,
        fleet=replace(fleet, stations=(*fleet.stations, there), hubs=(*fleet.hubs, other)),
        occupancy=replace(facts.occupancy, free_ports=facts.occupancy.free_ports | {other.id: ports}),
    )


def with_second_pools(pools: Inputs, hub: str = HUB, sold: int = 0) -> Inputs:
    """Another pool each way on the same transponder, half as wide, with so much of it sold and promised."""
    more = tuple(
        replace(one, id=f"{one.id}-2", name=f"{one.name} 2", hub_id=hub, power_share_hz=one.power_share_hz // 2)
        for one in pools.fleet.pools
    )
    taken: dict[str, tuple[int, int]] = {one.id: (sold, sold) for one in more}
    return replace(
        pools,
        fleet=replace(pools.fleet, pools=(*pools.fleet.pools, *more)),
        occupancy=replace(pools.occupancy, pool_fill=pools.occupancy.pool_fill | taken),
    )


def lost(answer: Qualification, part: PathPart, name: str = "") -> list[LostWay]:
    found = [one for one in answer.lost_ways if one.part is part and name in one.part_name]
    assert all(one.unit and one.value is not None and one.value != one.limit for one in found)
    assert all(one.text for one in found)
    return found


def test_every_loser_has_a_number_beside_its_limit(facts: Inputs, pools: Inputs) -> None:
    for whole, demand in (
        (facts, the_demand()),
        (pools, the_access()),
        (facts, the_lease()),
        (facts, the_demand(bands=("Ka",))),
    ):
        answer = solve(whole, demand)
        assert answer.losers
        for one in (*answer.losers, *answer.lost_ways):
            assert one.value is not None, one
            assert one.unit, one
            assert one.value != one.limit, one


def test_a_link_is_offered_over_each_gateway_the_one_that_takes_less_first(facts: Inputs) -> None:
    answer = solve(with_second_gateway(facts), the_demand(bands=("Ku",)))
    charged = [one.charged_bandwidth_hz for one in answer.to_sites]
    assert charged == sorted(charged)
    for satellite in {one.satellite_name for one in answer.to_sites}:
        assert {one.hub_name for one in answer.to_sites if one.satellite_name == satellite} == {
            "Hartebeesthoek 1",
            "Lubumbashi 1",
        }
    assert lost(answer, PathPart.GATEWAY) == []


def test_a_gateway_without_a_port_is_lost_and_the_other_serves(facts: Inputs) -> None:
    answer = solve(with_second_gateway(facts, ports=0), the_demand(bands=("Ku",)))
    assert {one.hub_name for one in answer.to_sites} == {"Hartebeesthoek 1"}
    told = lost(answer, PathPart.GATEWAY, "Lubumbashi 1 at Lubumbashi")
    assert {one.satellite_name for one in told} == {one.satellite_name for one in answer.to_sites}
    assert {(one.reason, one.value, one.limit, one.unit) for one in told} == {(Reason.NO_HUB_PORT, 0, 1, "ports")}


def test_a_gateway_that_sees_the_satellite_below_its_mask_is_lost_with_both_angles(facts: Inputs) -> None:
    answer = solve(with_second_gateway(facts, mask_deg=80), the_demand(bands=("Ku",)))
    told = lost(answer, PathPart.GATEWAY, "Lubumbashi")
    assert told
    assert {(one.reason, one.limit, one.unit) for one in told} == {(Reason.BELOW_MASK, 80, "deg")}


def test_a_gateway_whose_amplifier_is_too_weak_is_lost_by_so_many_decibels(facts: Inputs) -> None:
    two = with_second_gateway(facts)
    *others, weak = two.fleet.stations
    dishes = tuple(one.model_copy(update={"hpa_power_dbw": -20.0}) for one in weak.antennas)
    faint = replace(two, fleet=replace(two.fleet, stations=(*others, replace(weak, antennas=dishes))))
    told = lost(solve(faint, the_demand(bands=("Ku",))), PathPart.GATEWAY, "Lubumbashi")
    assert told
    for one in told:
        assert (one.reason, one.unit) == (Reason.LINK_DOES_NOT_CLOSE, "dB")
        assert one.value is not None
        assert one.value < 0


def test_a_terminal_type_that_no_way_has_is_lost_with_what_it_lacks(facts: Inputs) -> None:
    answer = solve(facts, the_demand(bands=("Ku",)))
    (unapproved,) = lost(answer, PathPart.TERMINAL_TYPE, "Ku 0.75 m")[:1]
    assert (unapproved.reason, unapproved.value, unapproved.unit) == (Reason.NO_APPROVED_TERMINAL, 0, "terminal types")
    small = lost(answer, PathPart.TERMINAL_TYPE, "Ku 1.20 m")
    assert small
    assert {one.reason for one in small} == {Reason.LINK_DOES_NOT_CLOSE}
    offered = {(one.satellite_name, one.terminal_type_name) for one in answer.to_sites}
    assert not offered & {(one.satellite_name, one.part_name) for one in small}


def test_of_gateways_that_are_equally_good_the_first_in_the_declarations_serves(facts: Inputs) -> None:
    fleet = facts.fleet
    hub = next(one for one in fleet.hubs if one.id == HUB)
    twin = replace(hub, id="twin", name="Hartebeesthoek 1 b")
    ports = facts.occupancy.free_ports | {twin.id: 4}
    for hubs in ((*fleet.hubs, twin), (twin, *fleet.hubs)):
        both = replace(facts, fleet=replace(fleet, hubs=hubs), occupancy=replace(facts.occupancy, free_ports=ports))
        answer = solve(both, the_demand(bands=("Ku",)))
        first = next(one for one in hubs if one.id in (HUB, twin.id))
        assert answer.to_sites[0].hub_id == first.id


def test_an_access_is_offered_over_each_pair_of_pools_the_one_that_takes_less_first(pools: Inputs) -> None:
    answer = solve(with_second_pools(pools), the_access())
    ways = [one for one in answer.solutions if isinstance(one, AccessSolution)]
    charged = [one.charged_bandwidth_hz for one in ways]
    assert charged == sorted(charged)
    for each in ("forward_pool", "return_pool"):
        assert len({getattr(one, each).pool_name for one in ways}) == 2
    assert len({(one.forward_pool.pool_id, one.return_pool.pool_id, one.terminal_type_id) for one in ways}) == len(ways)


def test_a_pool_that_is_promised_away_is_lost_with_what_is_left_and_the_other_serves(pools: Inputs) -> None:
    answer = solve(with_second_pools(pools, sold=4_800_000), the_access())
    told = lost(answer, PathPart.CARRIER_POOL, "forward 2")
    assert [(one.reason, one.value, one.unit) for one in told] == [(Reason.NO_COMMITTED_RATE, 0, "baud")]
    assert answer.solutions


def test_an_access_is_offered_over_the_pools_of_another_hub_too(pools: Inputs) -> None:
    two = with_second_pools(with_second_gateway(pools), "hub-lubumbashi")
    answer = solve(two, the_access())
    assert {one.hub_name for one in answer.to_sites} == {"Hartebeesthoek 1", "Lubumbashi 1"}
    assert len({one.terminal_type_name for one in answer.to_sites}) > 1
    full = solve(with_second_pools(with_second_gateway(pools), "hub-lubumbashi", sold=200_000_000), the_access())
    (gateway,) = lost(full, PathPart.GATEWAY, "Lubumbashi")
    assert gateway.reason is Reason.POOL_CONTENDED
    none = solve(with_second_gateway(pools), the_access())
    (without,) = lost(none, PathPart.GATEWAY, "Lubumbashi")
    assert (without.reason, without.value, without.limit, without.unit) == (Reason.NO_POOL, 0, 1, "pools")


def test_a_hub_with_a_pool_one_way_only_leaves_no_satellite_unmentioned(pools: Inputs) -> None:
    forward, back = pools.fleet.pools
    apart = with_second_gateway(pools)
    split = replace(apart, fleet=replace(apart.fleet, pools=(forward, replace(back, hub_id="hub-lubumbashi"))))
    (loser,) = [one for one in solve(split, the_access()).losers if one.space_segment_name == "Eutelsat 10B"]
    assert (loser.reason, loser.value, loser.limit) == (Reason.NO_POOL, 0, 1)


def test_a_transponder_that_is_full_is_lost_with_what_is_free_and_from_when_on_there_is_room(facts: Inputs) -> None:
    def of_amos(answer: Qualification) -> list[LeaseSolution]:
        return [one for one in answer.solutions if isinstance(one, LeaseSolution) and one.satellite_id == AMOS]

    free = solve(facts, the_lease(bandwidth_hz=9 * MHZ, satellites=("sat-amos-17",)))
    first = of_amos(free)[0]
    until = START + timedelta(days=40)
    taken = fully_taken(facts, first.transponder_id, until.timestamp())
    answer = solve(taken, the_lease(bandwidth_hz=9 * MHZ, satellites=("sat-amos-17",)))
    assert first.transponder_id not in {one.transponder_id for one in of_amos(answer)}
    (told,) = lost(answer, PathPart.TRANSPONDER, first.transponder_name)
    assert told.reason is Reason.NO_CONTIGUOUS_SLOT
    assert (told.value, told.limit, told.free_at) == (0, 9 * MHZ, until.astimezone(UTC))
    assert f"free from {until:%Y-%m-%d}" in told.text
    for ever in (fully_taken(facts, first.transponder_id, np.inf), taken):
        stop = START + timedelta(days=39)
        (still,) = lost(
            solve(ever, the_lease(bandwidth_hz=9 * MHZ, satellites=("sat-amos-17",), stop_at=stop)),
            PathPart.TRANSPONDER,
            first.transponder_name,
        )
        assert still.free_at is None


def fully_taken(facts: Inputs, transponder_id: str, until_s: float) -> Inputs:
    """All of a transponder is held, until then."""
    occupancy, fleet = facts.occupancy, facts.fleet
    row = occupancy.transponder_ids.index(transponder_id)
    one = next(each for each in fleet.transponders if each.id == transponder_id)
    kept = occupancy.taken
    others = kept.row != row
    more = {
        "row": row,
        "start_hz": one.low_edge_hz,
        "stop_hz": one.low_edge_hz + one.bandwidth_hz,
        "power_share_hz": one.bandwidth_hz,
        "start_s": 0.0,
        "stop_s": until_s,
    }
    columns = {name: np.append(getattr(kept, name)[others], value) for name, value in more.items()}
    return replace(facts, occupancy=replace(occupancy, taken=replace(kept, **columns)))


def test_what_was_kept_before_parts_were_told_apart_is_computed_as_it_was(facts: Inputs) -> None:
    two = with_second_gateway(facts)
    stored = two.wire()
    assert isinstance(stored, dict)
    assumed = stored["assumed"]
    assert isinstance(assumed, dict)
    del assumed["parts_apart"]
    before = solve(Inputs.of(stored), the_demand(bands=("Ku",)))
    assert before.lost_ways == ()
    assert len(before.to_sites) < len(solve(two, the_demand(bands=("Ku",))).to_sites)
