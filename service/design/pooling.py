"""Pooling: which shared carriers a site can use, and what its rates take of them. Pure.

The carriers are there; the site only chooses how robustly it is spoken to. What is committed is counted at the MODCOD
that holds in the rain of the asked availability, what goes beyond at the one of clear sky (adaptive coding and
modulation). The power of a carrier is its share of the pool's; a terminal sends with less when its amplifier has less,
or its side lobes may have no more. A carrier of the hub is on the air as it is: one that is too dense is not offered.
Words: ETSI EN 302 307-1 annex D (adaptive coding and modulation), EN 301 545-2 (return carriers).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import ceil

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.link_budget import BentPipeBudget, Carrier, Link, at_full_power, bent_pipe_budget
from satcom.resource.physics.modcod import NONE_CLOSES
from satcom.service.demand import DIRECTIONS, AccessDemand, Direction
from satcom.service.design.carriers import carrier_plan, modcods
from satcom.service.design.facts import Assumptions, Occupancy, PoolFacts
from satcom.service.design.lanes import Block, Layout, layout
from satcom.service.design.licensed_eirp import licensed_eirp, without_licensed_eirp
from satcom.service.design.limits import ROUNDING, Carried, breach_told, worst_breach
from satcom.service.design.links import link_of, required_margin_db
from satcom.service.design.lost_ways import bands_lost
from satcom.service.design.neighbours import sources_of
from satcom.service.design.payloads import gateway_called, transponder_arrays
from satcom.service.design.site import site_values
from satcom.service.design.survey import LostPart, Setback, Survey, keep_furthest
from satcom.service.solution import AccessSolution, PoolPlan
from satcom.service.way import CarrierPlan, PathPart, Reason

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Lane:
    """One pool as one terminal type gets it through one gateway."""

    pool: PoolFacts
    row: int
    gateway: int
    terminal: int


@dataclass(frozen=True, eq=False)
class _Reading:
    """What the site gets of a pool: its carrier as it arrives, and what the demand takes of the pool."""

    lane: _Lane
    carrier: Callable[[], CarrierPlan]
    share: PoolPlan
    setback: Setback | None

    def charged_hz(self) -> int:
        """The committed part, or the part that its maximum is of a pool that is sold often, whichever is larger."""
        pool = self.lane.pool
        baud = max(self.share.cir_baud, self.share.mir_baud / pool.contention_ratio)
        return ceil(baud * (1 + pool.rolloff))


Readings = Mapping[Direction, Sequence[_Reading]]


@dataclass(frozen=True, eq=False)
class AccessWay:
    """A way over a pool each way. Its tables are made when it is told: of many ways only the best are.

    `parts` are the gateway, the pools and the terminal type that it has.
    """

    satellite_id: str
    band: str
    charged_hz: int
    price: float
    parts: frozenset[tuple[PathPart, str]]
    solution: Callable[[], AccessSolution]

    @property
    def rank(self) -> tuple[int, float]:
        return self.charged_hz, self.price


def access(
    found: Survey, demand: AccessDemand, occupancy: Occupancy, assumed: Assumptions
) -> tuple[tuple[AccessWay, ...], dict[int, Setback], list[LostPart]]:
    """The pools that can serve the site, best first; why the other satellites cannot, and which parts of these."""
    setbacks = dict(found.setbacks)
    ranked: list[AccessWay] = []
    lost: list[LostPart] = []
    feasible: set[int] = set()
    plan = layout(found, demand, occupancy, assumed) if found.reached else None
    for block in plan.blocks if plan is not None else ():
        assert plan is not None
        satellite = block.reached.payload.satellite
        read = _read_block(plan, block, demand, occupancy, assumed)
        ways = list(_ways(plan, block, found, read, assumed))
        if ways:
            feasible.add(satellite)
            ranked += ways
            lost += _lost_parts(plan, block, read, ways)
        else:
            keep_furthest(setbacks, satellite, _no_way(_subject(plan, block), read))
    lost = bands_lost(setbacks, feasible) + lost
    cannot = {row: one for row, one in setbacks.items() if row not in feasible}
    return tuple(sorted(ranked, key=lambda one: one.rank)), cannot, lost


def _subject(plan: Layout, block: Block) -> str:
    payload = block.reached.payload
    return f"{plan.fleet.satellites[payload.satellite].name} {payload.band}"


def _read_block(
    plan: Layout, block: Block, demand: AccessDemand, occupancy: Occupancy, assumed: Assumptions
) -> Readings:
    """What the site gets of the pools of a payload, by direction; nothing where one direction has none."""
    lanes = {direction: list(_lanes(plan, block, direction)) for direction in DIRECTIONS}
    if not all(lanes.values()):
        return {direction: [] for direction in DIRECTIONS if not lanes[direction]}
    subject = _subject(plan, block)
    return {
        direction: list(_read(plan, lanes[direction], direction, demand, occupancy, assumed, subject))
        for direction in DIRECTIONS
    }


def _ways(plan: Layout, block: Block, found: Survey, read: Readings, assumed: Assumptions) -> Iterator[AccessWay]:
    """For each hub and terminal type of a payload every pair of pools, or only the pools that take least."""
    usable: dict[Direction, dict[tuple[int, int], list[_Reading]]] = {}
    for direction in DIRECTIONS:
        usable[direction] = {}
        for one in read.get(direction, ()):
            if one.setback is None:
                usable[direction].setdefault((one.lane.gateway, one.lane.terminal), []).append(one)
    for at in sorted(usable["forward"].keys() & usable["return"].keys()):
        forward, back = usable["forward"][at], usable["return"][at]
        if not assumed.parts_apart:
            forward, back = [min(forward, key=_Reading.charged_hz)], [min(back, key=_Reading.charged_hz)]
        for one, other in product(forward, back):
            yield _way(plan, block, found, one, other)


def _no_way(subject: str, read: Readings) -> Setback:
    """Why a payload has none: the reading that came furthest."""
    told = [one.setback for each in read.values() for one in each if one.setback is not None]
    if told:
        return max(told, key=lambda one: one.progress)
    empty = next((direction for direction, each in read.items() if not each), None)
    text = f"no {empty} pool of its hubs reaches the site" if empty else "no hub of it has pools both ways to the site"
    return Setback(Reason.NO_POOL, subject, text, 0, 1, "pools")


def _lost_parts(plan: Layout, block: Block, read: Readings, ways: Sequence[AccessWay]) -> Iterator[LostPart]:
    """The gateways, pools and terminal types of a payload that none of its ways has."""
    yield from block.reached.lost
    satellite = block.reached.payload.satellite
    had = {part for one in ways for part in one.parts}
    lost: dict[tuple[PathPart, str], list[Setback]] = {}
    for place, gateway in enumerate(block.reached.gateways):
        named = PathPart.GATEWAY, gateway_called(plan.fleet, block.reached.payload.gateways[gateway])
        mine = {direction: [one for one in each if one.lane.gateway == place] for direction, each in read.items()}
        lost[named] = [_no_way(_subject(plan, block), mine)]
    for one in (one for each in read.values() for one in each if one.setback is not None):
        assert one.setback is not None
        kind = plan.fleet.terminal_types[int(plan.lanes.terminal[one.lane.row])]
        for named in ((PathPart.CARRIER_POOL, one.lane.pool.name), (PathPart.TERMINAL_TYPE, kind.name)):
            lost.setdefault(named, []).append(one.setback)
    for (part, name), setbacks in lost.items():
        if (part, name) not in had:
            yield LostPart(satellite, part, name, max(setbacks, key=lambda one: one.progress))


def _lanes(plan: Layout, block: Block, direction: Direction) -> Iterator[_Lane]:
    """Every pool of this direction on a transponder of the block, by gateway and terminal type."""
    fleet, reached = plan.fleet, block.reached
    places: dict[str, list[int]] = {}
    for place, gateway in enumerate(reached.gateways):
        places.setdefault(fleet.hubs[reached.payload.gateways[gateway].hub].id, []).append(place)
    for transponder, row in enumerate(_transponders(block)):
        for pool in fleet.pools_by_transponder.get(fleet.transponders[row].id, ()):
            for place in places.get(pool.hub_id, ()) if pool.direction == direction else ():
                for terminal in range(len(reached.terminals)):
                    yield _Lane(pool, block.lane(transponder, place, terminal), place, terminal)


def _transponders(block: Block) -> list[int]:
    return [int(row) for row in block.reached.payload.transponders[block.reached.transponders]]


def _read(
    plan: Layout,
    lanes: list[_Lane],
    direction: Direction,
    demand: AccessDemand,
    occupancy: Occupancy,
    assumed: Assumptions,
    subject: str,
) -> Iterator[_Reading]:
    """All lanes in one go: the carrier as it arrives under clear sky and in rain, and the MODCODs that hold."""
    rows = np.array([one.row for one in lanes], dtype=np.intp)
    taken = plan.lanes.take(rows)
    link = link_of(direction, taken, plan.ground, transponder_arrays(plan.fleet), assumed)
    margin_db = required_margin_db(direction, taken, plan.ground, assumed)
    rate_baud = np.array([float(one.pool.carrier_symbol_rate_baud) for one in lanes])
    rolloff = np.array([one.pool.rolloff for one in lanes])
    full_carrier = Carrier(rate_baud, 1.0, 0.0, rolloff)
    backoff_db = _output_backoff_db(link, lanes)
    arrives = bent_pipe_budget.or_nan(link, full_carrier, backoff_db)
    too_dense = _too_dense(plan, rows, direction, arrives, subject)
    if direction == "return":
        backoff_db = backoff_db + too_dense.excess_db
        arrives = bent_pipe_budget.or_nan(link, full_carrier, backoff_db)
    spare_db = np.broadcast_to(assumed.implementation_margin_db + margin_db, rate_baud.shape)
    faded_db = np.minimum(arrives.es_n0_uplink_rain_db, arrives.es_n0_downlink_rain_db)
    table = modcods()
    in_rain, in_clear_sky = table.best(faded_db, spare_db), table.best(arrives.es_n0_clear_db, spare_db)
    efficiency = table.spectral_efficiency[np.maximum(in_rain, 0)]
    required_db = table.es_n0_threshold_db[np.maximum(in_rain, 0)] + assumed.implementation_margin_db
    carrier = Carrier(rate_baud * efficiency, efficiency, required_db, rolloff, margin_db, table.name[in_rain])
    budget = bent_pipe_budget.or_nan(link, carrier, backoff_db)
    for index, lane in enumerate(lanes):
        clear = float(table.spectral_efficiency[max(int(in_clear_sky[index]), 0)])
        share = _share(lane.pool, direction, demand, float(efficiency[index]), clear)
        setback = _no_room(lane.pool, share, occupancy, subject)
        if in_rain[index] == NONE_CLOSES:
            needed_db = float(table.es_n0_threshold_db[0] + spare_db[index])
            setback = _does_not_close(lane, subject, float(faded_db[index]), needed_db)
            if direction == "return":
                setback = _over_licensed_eirp(plan, lane, assumed, subject, needed_db) or setback
        if index in too_dense.setbacks and (direction == "forward" or in_rain[index] == NONE_CLOSES):
            setback = too_dense.setbacks[index]
        transponder = plan.fleet.transponders[int(plan.lanes.transponder[lane.row])]
        rate_bps, modcod = demand.rate_bps(direction), str(budget.modcod[index])
        made = partial(
            carrier_plan,
            direction,
            transponder,
            link,
            budget,
            index,
            rate_bps,
            modcod,
            lane.pool.rolloff,
            plan.promised.confidence_percent,
            sources_of(plan.fleet, transponder, assumed),
        )
        yield _Reading(lane, made, share, setback)


@dataclass(frozen=True, eq=False)
class _TooDense:
    """By how much carriers exceed their limits, 0 where they keep them, and what is told of those that do not."""

    excess_db: Array
    setbacks: dict[int, Setback]


def _too_dense(plan: Layout, rows: Indices, direction: Direction, arrives: BentPipeBudget, subject: str) -> _TooDense:
    if plan.limits is None:
        return _TooDense(np.zeros(len(rows)), {})
    station = plan.ground.gateways.station
    excess_db = plan.limits.excess_db(direction, plan.lanes.take(rows), station, arrives)
    setbacks = {}
    for index in np.flatnonzero(excess_db > 0):
        width_db = 10 * np.log10(float(arrives.symbol_rate_baud[index]))
        carried = Carried(
            direction,
            float(arrives.uplink_eirp_dbw[index]) - width_db,
            float(arrives.satellite_eirp_dbw[index]) - width_db,
        )
        lane = plan.lanes.take(rows[index : index + 1])
        breach = worst_breach(plan.fleet, plan.ground, lane, carried, plan.limits)
        setbacks[int(index)] = breach_told(breach, direction, subject)
    return _TooDense(np.where(excess_db > 0, excess_db + ROUNDING, 0.0), setbacks)


def _output_backoff_db(link: Link, lanes: list[_Lane]) -> Array:
    """By its share of the pool's power, or by what the amplifier of who sends can give, whichever is less."""
    bandwidth_hz = np.asarray(link.transponder.bandwidth_hz)
    of_pool = np.array([one.pool.power_share_hz / one.pool.carriers for one in lanes])
    share_db = np.minimum(10 * np.log10(of_pool / bandwidth_hz), at_full_power.or_nan(link).hpa_margin_db)
    backoff_db: Array = np.asarray(link.transponder.output_backoff_db) - share_db
    return backoff_db


def _share(
    pool: PoolFacts, direction: Direction, demand: AccessDemand, in_rain: float, in_clear_sky: float
) -> PoolPlan:
    """The rates in symbols a second. The maximum is never less than what is committed."""
    committed_bps, most_bps = demand.committed_rate_bps(direction), demand.rate_bps(direction)
    cir_baud = ceil(committed_bps / in_rain)
    return PoolPlan(
        pool_id=pool.id,
        pool_name=pool.name,
        cir_bps=committed_bps,
        mir_bps=most_bps,
        cir_baud=cir_baud,
        mir_baud=max(cir_baud, ceil(most_bps / in_clear_sky)),
    )


def _does_not_close(lane: _Lane, subject: str, faded_db: float, needed_db: float) -> Setback:
    known = faded_db if np.isfinite(faded_db) else None
    text = (
        f"{lane.pool.name} arrives with {faded_db:.1f} dB Es/N0 in rain, the most robust MODCOD needs {needed_db:.1f}"
    )
    missed_by = needed_db - faded_db if known is not None else 100.0
    return Setback(Reason.LINK_DOES_NOT_CLOSE, subject, text, known, needed_db, "dB", missed_by=missed_by)


def _over_licensed_eirp(
    plan: Layout, lane: _Lane, assumed: Assumptions, subject: str, needed_db: float
) -> Setback | None:
    """Where the terminal's carrier would close with its share of the pool, were its EIRP not limited by the licence."""
    limit = licensed_eirp(plan, int(plan.lanes.terminal[lane.row]))
    if limit is None:
        return None
    taken, ground = plan.lanes.take(np.array([lane.row], dtype=np.intp)), without_licensed_eirp(plan.ground)
    link = link_of("return", taken, ground, transponder_arrays(plan.fleet), assumed)
    carrier = Carrier(np.array([float(lane.pool.carrier_symbol_rate_baud)]), 1.0, 0.0, np.array([lane.pool.rolloff]))
    arrives = bent_pipe_budget.or_nan(link, carrier, _output_backoff_db(link, [lane]))
    faded_db = np.minimum(arrives.es_n0_uplink_rain_db, arrives.es_n0_downlink_rain_db)
    asked_dbw = float(arrives.uplink_eirp_dbw[0])
    if not float(faded_db[0]) >= needed_db or asked_dbw <= limit.limit_dbw:
        return None
    return limit.exceeded(subject, asked_dbw)


def _no_room(pool: PoolFacts, share: PoolPlan, occupancy: Occupancy, subject: str) -> Setback | None:
    committed, sold = occupancy.pool_fill.get(pool.id, (0, 0))
    if share.mir_baud > pool.carrier_symbol_rate_baud:
        text = f"{share.mir_bps / 1e6:g} Mbit/s are more than one carrier of {pool.name} carries for the terminal"
        return _short(Reason.POOL_CONTENDED, subject, text, pool.carrier_symbol_rate_baud, share.mir_baud)
    left = max(pool.saleable_baud - sold, 0)
    if share.mir_baud > left:
        text = f"{pool.name} would be sold more than {pool.contention_ratio:g} times"
        return _short(Reason.POOL_CONTENDED, subject, text, left, share.mir_baud)
    left = max(pool.committable_baud - committed, 0)
    if share.cir_baud > left:
        text = f"{left / 1e6:.3f} Mbaud of {pool.name} can still be promised, {share.cir_baud / 1e6:.3f} are needed"
        return _short(Reason.NO_COMMITTED_RATE, subject, text, left, share.cir_baud)
    return None


def _short(reason: Reason, subject: str, text: str, left_baud: int, needed_baud: int) -> Setback:
    missed_by = (needed_baud - left_baud) / needed_baud
    return Setback(reason, subject, text, left_baud, needed_baud, "baud", missed_by=missed_by)


def _way(plan: Layout, block: Block, found: Survey, forward: _Reading, back: _Reading) -> AccessWay:
    """The way with what ranks it: what it is charged by, then the price of the terminal."""
    payload, kind = block.reached.payload, plan.fleet.terminal_types[int(plan.lanes.terminal[forward.lane.row])]
    gateway = payload.gateways[block.reached.gateways[forward.lane.gateway]]
    parts = [(PathPart.GATEWAY, gateway_called(plan.fleet, gateway)), (PathPart.TERMINAL_TYPE, kind.name)]
    parts += [(PathPart.CARRIER_POOL, one.lane.pool.name) for one in (forward, back)]
    return AccessWay(
        plan.fleet.satellites[payload.satellite].id,
        payload.band,
        forward.charged_hz() + back.charged_hz(),
        kind.price if kind.price is not None else float("inf"),
        frozenset(parts),
        partial(_solution, plan, block, found, forward, back),
    )


def _solution(plan: Layout, block: Block, found: Survey, forward: _Reading, back: _Reading) -> AccessSolution:
    fleet, carriers = plan.fleet, (forward.carrier(), back.carrier())
    rows = {int(plan.lanes.transponder[one.lane.row]) for one in (forward, back)}
    gateway = plan.gateways[int(plan.lanes.gateway[forward.lane.row])]
    kind = fleet.terminal_types[int(plan.lanes.terminal[forward.lane.row])]
    values = site_values(found, block.reached.payload.satellite, gateway, kind, sorted(rows), plan.promised)
    pools_made_up = forward.lane.pool.illustrative or back.lane.pool.illustrative
    return AccessSolution.model_validate(
        values
        | {
            "capacity": "poolShare",
            "forward": carriers[0],
            "return_link": carriers[1],
            "forward_pool": forward.share,
            "return_pool": back.share,
            "margin_db": min(one.margin_db for one in carriers),
            "charged_bandwidth_hz": forward.charged_hz() + back.charged_hz(),
            "illustrative": values["illustrative"] or pools_made_up,
        }
    )
