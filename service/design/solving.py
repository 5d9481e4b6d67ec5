"""Solving: from facts and a demand to the ranked solutions and the losers. Pure: the same facts, the same answer.

Ways are ranked by what they are charged, then by the price of the terminal; among equals by the order of the
declarations: satellites, gateways, pools and terminals by name, the antennas of a station as they are listed. Up to
`MOST_SOLUTIONS` are told: the best way of each satellite, then alternatives over other gateways, pools and terminals.
Of links an alternative has a smaller antenna, or another gateway, than what is charged less; whatever their number, the
one with the least to be charged is told for each terminal type, and so for each band: price lists go by band, terminal
and capacity, so nothing that is left out costs less than what is told. How many are left out is told, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from satcom.resource.physics.carrier_sizing import CarrierSizing
from satcom.resource.physics.link_budget import Link
from satcom.service.constellation_solution import ConstellationLoser, ConstellationSolution
from satcom.service.demand import (
    DIRECTIONS,
    AccessDemand,
    ConstellationDemand,
    Demand,
    Direction,
    LeaseDemand,
    LinkDemand,
)
from satcom.service.design.carriers import (
    Flags,
    Limits,
    Pair,
    Sized,
    Sizer,
    best_pairs,
    carrier_plan,
    modcods,
    pairs_of_block,
    squeezed_pairs,
)
from satcom.service.design.constellation import decide_constellation
from satcom.service.design.constellation_facts import PassingInputs
from satcom.service.design.facts import Assumptions, Fleet, Occupancy
from satcom.service.design.inputs import Inputs
from satcom.service.design.lanes import Block, Layout, layout
from satcom.service.design.leasing import lease
from satcom.service.design.losers import lost_parts, setback_of_block
from satcom.service.design.lost_ways import LostWays, bands_lost, illustrative_satellites, lost_ways
from satcom.service.design.neighbours import sources_of
from satcom.service.design.partnering import with_partners
from satcom.service.design.pooling import AccessWay, access
from satcom.service.design.site import site_values
from satcom.service.design.survey import LostPart, Setback, Survey, keep_furthest, survey
from satcom.service.solution import LeaseSolution, LinkSolution, Qualification, Solution
from satcom.service.way import CarrierPlan, Loser

MOST_SOLUTIONS = 10
W = TypeVar("W", LeaseSolution, AccessWay)


@dataclass(frozen=True)
class _Way:
    """A feasible pair with what ranks it."""

    satellite: int
    charged_hz: int
    price: float
    diameter_m: float
    terminal: int
    pair: Pair

    @property
    def rank(self) -> tuple[int, float]:
        return self.charged_hz, self.price

    @property
    def gateway(self) -> tuple[int, int]:
        return self.pair.block, self.pair.gateway


def solve(inputs: Inputs, demand: Demand) -> Qualification:
    """The answer to a demand, from nothing but the inputs."""
    return with_partners(_own(inputs, demand), inputs.partners)


def _own(inputs: Inputs, demand: Demand) -> Qualification:
    if isinstance(demand, LeaseDemand):
        return decide_lease(inputs, demand)
    if isinstance(demand, ConstellationDemand):
        return decide_constellations(inputs, demand)[0]
    found = survey(inputs.fleet, demand, inputs.country, inputs.at)
    if isinstance(demand, AccessDemand):
        return decide_access(found, demand, inputs.occupancy, inputs.assumed)
    return decide(found, demand, inputs.occupancy, inputs.assumed)


def decide_lease(inputs: Inputs, demand: LeaseDemand) -> Qualification:
    """The answer to who asks for spectrum as it is."""
    ways, setbacks, lost = lease(inputs.fleet, demand, inputs.occupancy, inputs.assumed)
    told, cannot = _best_of_each(ways), lost_ways(inputs.fleet, lost)
    return Qualification(
        at=inputs.at,
        demand=demand,
        country=None,
        solutions=told,
        left_out=len(ways) - len(told),
        losers=_losers(inputs.fleet, setbacks),
        lost_ways=cannot.told,
        lost_left_out=cannot.left_out,
    )


def decide_constellations(
    inputs: Inputs, demand: ConstellationDemand
) -> tuple[Qualification, tuple[PassingInputs, ...]]:
    """The answer to who asks for satellites that pass, and what of the constellations it rests on."""
    ways: list[ConstellationSolution] = []
    losers: list[ConstellationLoser] = []
    kept: list[PassingInputs] = []
    for one in inputs.constellations:
        answer = decide_constellation(one, demand)
        ways += answer.solutions
        if answer.loser is not None:
            losers.append(answer.loser)
        elif answer.path is not None:
            kept.append(one.used_by(answer.solutions, answer.path))
    return Qualification(
        at=inputs.at,
        demand=demand,
        country=inputs.country,
        solutions=tuple(sorted(ways, key=lambda one: one.charged_bandwidth_hz)),
        losers=tuple(losers),
    ), tuple(kept)


def decide_access(found: Survey, demand: AccessDemand, occupancy: Occupancy, assumed: Assumptions) -> Qualification:
    """The answer to who asks for a share of carriers that are there."""
    ways, setbacks, lost = access(found, demand, occupancy, assumed)
    chosen = _with_every_part(ways) if assumed.parts_apart else _best_of_each(ways)
    told, cannot = tuple(one.solution() for one in chosen), lost_ways(found.fleet, lost)
    return Qualification(
        at=found.at,
        demand=demand,
        country=found.country,
        solutions=told,
        left_out=len(ways) - len(told),
        losers=_losers(found.fleet, setbacks),
        lost_ways=cannot.told,
        lost_left_out=cannot.left_out,
    )


def _best_of_each(ways: Sequence[W]) -> tuple[W, ...]:
    """The best of every satellite and band before the others, as many as are told."""
    first = {(one.satellite_id, one.band): one for one in reversed(ways)}
    return tuple(sorted(ways, key=lambda one: first[one.satellite_id, one.band] is not one)[:MOST_SOLUTIONS])


def _with_every_part(ways: Sequence[AccessWay]) -> list[AccessWay]:
    """The best of every satellite and band, then of every gateway, pool and terminal, then the others; by rank."""
    first = {(one.satellite_id, one.band): one for one in reversed(ways)}
    best = [one for one in ways if first[one.satellite_id, one.band] is one]
    seen, another = {part for one in best for part in one.parts}, []
    for way in ways:
        if not way.parts <= seen:
            another.append(way)
            seen |= way.parts
    told = dict.fromkeys([*best, *another, *ways])
    return sorted(list(told)[:MOST_SOLUTIONS], key=lambda one: one.rank)


def decide(
    found: Survey, demand: LinkDemand, occupancy: Occupancy, assumed: Assumptions, every_way: bool = False
) -> Qualification:
    """The answer for the payloads that a survey left; with `every_way` no feasible way is left out."""
    setbacks = dict(found.setbacks)
    solutions: tuple[Solution, ...] = ()
    left_out, cannot = 0, LostWays()
    if found.reached:
        sizer = Sizer(layout(found, demand, occupancy, assumed), demand, assumed)
        ways, lost = _ways(sizer, occupancy, setbacks)
        solutions = _solutions(
            sizer, found, sorted(ways, key=lambda one: one.rank) if every_way else _chosen(ways, assumed.parts_apart)
        )
        left_out = len(ways) - len(solutions)
        feasible = {one.satellite for one in ways}
        cannot = lost_ways(found.fleet, bands_lost(setbacks, feasible) + lost)
        setbacks = {row: setback for row, setback in setbacks.items() if row not in feasible}
    return Qualification(
        at=found.at,
        demand=demand,
        country=found.country,
        solutions=solutions,
        left_out=left_out,
        losers=_losers(found.fleet, setbacks),
        lost_ways=cannot.told,
        lost_left_out=cannot.left_out,
    )


def _ways(sizer: Sizer, occupancy: Occupancy, setbacks: dict[int, Setback]) -> tuple[list[_Way], list[LostPart]]:
    """The feasible pairs, and the parts that none of them has; a payload without a pair leaves its setback."""
    plan = sizer.plan
    limits = sizer.free_limits(plan.lanes)
    forward, back = (sizer.size(direction, plan.lanes, limits) for direction in DIRECTIONS)
    ways: list[_Way] = []
    lost: list[LostPart] = []
    for number, block in enumerate(plan.blocks):
        own = forward.take(block.rows), back.take(block.rows)
        has_port = np.array([occupancy.free_ports.get(hub, 0) > 0 for hub in _hubs(plan, block)])
        pairs = _pairs(sizer, number, block, *own, has_port)
        ported = [pair for pair in pairs if has_port[pair.gateway]]
        ways += [_way(plan, block, pair) for pair in ported]
        if ported:
            lost += lost_parts(sizer, block, *own, has_port, ported) if sizer.assumed.parts_apart else ()
            continue
        if pairs:  # ways there are, but no port on any of their hubs
            has_port = np.zeros_like(has_port)
        keep_furthest(setbacks, block.reached.payload.satellite, setback_of_block(sizer, block, *own, has_port))
    return ways, lost


def _pairs(sizer: Sizer, number: int, block: Block, forward: Sized, back: Sized, has_port: Flags) -> list[Pair]:
    """Of a block those that are ways of their own."""
    pairs, without = pairs_of_block(sizer, number, block, forward, back, has_port)
    if sizer.assumed.parts_apart:
        return best_pairs(pairs + squeezed_pairs(sizer, number, block, forward, back, without), has_port)
    if not pairs:
        return squeezed_pairs(sizer, number, block, forward, back, without)
    best: dict[int, Pair] = {}
    for one in sorted(pairs, key=lambda one: (not has_port[one.gateway], one.charged_hz)):
        best.setdefault(one.terminal, one)
    return [one for one in pairs if best[one.terminal] is one]


def _hubs(plan: Layout, block: Block) -> list[str]:
    payload = block.reached.payload
    return [plan.fleet.hubs[payload.gateways[row].hub].id for row in block.reached.gateways]


def _way(plan: Layout, block: Block, pair: Pair) -> _Way:
    terminal = int(plan.lanes.terminal[pair.forward_lane])
    kind = plan.fleet.terminal_types[terminal]
    price = float("inf") if kind.price is None else kind.price
    return _Way(block.reached.payload.satellite, pair.charged_hz, price, kind.antenna_diameter_m, terminal, pair)


def _chosen(ways: list[_Way], parts_apart: bool) -> list[_Way]:
    """The best of each satellite, the alternatives worth telling, and the best of each terminal type; by rank."""
    by_satellite: dict[int, list[_Way]] = {}
    least: dict[int, _Way] = {}
    for way in sorted(ways, key=lambda one: one.rank):
        by_satellite.setdefault(way.satellite, []).append(way)
        least.setdefault(way.terminal, way)
    best, others = [], []
    for mine in by_satellite.values():
        best.append(mine[0])
        smallest_m, gateways = mine[0].diameter_m, {mine[0].gateway}
        for way in mine[1:]:
            if way.diameter_m < smallest_m or (parts_apart and way.gateway not in gateways):
                smallest_m = min(way.diameter_m, smallest_m)
                gateways.add(way.gateway)
                others.append(way)
    room = max(MOST_SOLUTIONS - len(best), 0)
    told = best[:MOST_SOLUTIONS] + sorted(others, key=lambda one: one.rank)[:room]
    told += [way for way in least.values() if way not in told]
    return sorted(told, key=lambda one: one.rank)


def _solutions(sizer: Sizer, found: Survey, ways: list[_Way]) -> tuple[Solution, ...]:
    """The chosen ways with their whole budgets: both directions once more, now for these lanes only."""
    if not ways:
        return ()
    carriers: dict[Direction, list[CarrierPlan]] = {}
    for direction in DIRECTIONS:
        forward = direction == "forward"
        rows = np.array([one.pair.forward_lane if forward else one.pair.return_lane for one in ways], dtype=np.intp)
        limits = np.array([one.pair.forward_limits if forward else one.pair.return_limits for one in ways])
        link, sizing = sizer.exact(direction, sizer.plan.lanes.take(rows), Limits(limits[:, 0], limits[:, 1]))
        carriers[direction] = [
            _carrier(sizer, direction, int(row), link, sizing, index) for index, row in enumerate(rows)
        ]
    pairs = zip(ways, carriers["forward"], carriers["return"], strict=True)
    return tuple(_solution(sizer, found, way, forward, back) for way, forward, back in pairs)


def _carrier(
    sizer: Sizer, direction: Direction, row: int, link: Link, sizing: CarrierSizing, index: int
) -> CarrierPlan:
    transponder = sizer.plan.fleet.transponders[int(sizer.plan.lanes.transponder[row])]
    return carrier_plan(
        direction,
        transponder,
        link,
        sizing.budget,
        index,
        sizer.demand.rate_bps(direction),
        str(modcods().name[sizing.modcod[index]]),
        sizer.assumed.roll_off,
        sizer.assumed.confidence_percent,
        sources_of(sizer.plan.fleet, transponder, sizer.assumed),
    )


def _solution(sizer: Sizer, found: Survey, way: _Way, forward: CarrierPlan, back: CarrierPlan) -> LinkSolution:
    plan, pair = sizer.plan, way.pair
    gateway = plan.gateways[int(plan.lanes.gateway[pair.forward_lane])]
    kind = plan.fleet.terminal_types[int(plan.lanes.terminal[pair.forward_lane])]
    rows = sorted({int(plan.lanes.transponder[row]) for row in (pair.forward_lane, pair.return_lane)})
    values = site_values(found, way.satellite, gateway, kind, rows, plan.promised)
    return LinkSolution.model_validate(
        values
        | {
            "forward": forward,
            "return_link": back,
            "margin_db": min(forward.margin_db, back.margin_db),
            "charged_bandwidth_hz": forward.charged_bandwidth_hz + back.charged_bandwidth_hz,
        }
    )


def _losers(fleet: Fleet, setbacks: dict[int, Setback]) -> tuple[Loser, ...]:
    """One line per satellite, those first that came furthest."""
    order = sorted(setbacks, key=lambda row: (-setbacks[row].progress[0], -setbacks[row].progress[1], row))
    made_up = illustrative_satellites(fleet)
    return tuple(
        Loser.model_validate(
            {
                "satellite_id": fleet.satellites[row].id,
                "satellite_name": fleet.satellites[row].name,
                "illustrative": fleet.satellites[row].id in made_up,
            }
            | setbacks[row].told()
        )
        for row in order
    )
