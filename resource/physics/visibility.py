"""When satellites of a fleet stand above the horizon of sites: all windows, edges to a tenth of a second.

How it is fast: a satellite is propagated once for all sites, at few instants (`fleet_path`). At every node a product of
matrices tells for all sites whether the satellite can be near enough to be seen before the next (`reach`); only there
is the height above the horizon computed, and its crossings found on the cubic through values and slopes. Where three
nodes show a summit or a dip that may reach across between them, the summit itself is looked at: a window between two
nodes is found as well. Sites whose horizon changes with azimuth are looked for apart from the others (`mask_windows`).

Memory is bounded: work goes in blocks of satellites x sites x days, and the blocks' windows are given out one after
the other. Elevations are geometric, without refraction.
"""

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.earth_rotation import DAY_S, in_utc
from satcom.resource.physics.fleet_path import FleetPath, fleet_path, step_s
from satcom.resource.physics.horizon_mask import Sites
from satcom.resource.physics.mask_windows import windows_above_mask
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.reach import Reach
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

VALUES_PER_BLOCK = 2_000_000  # satellites x sites x nodes: 10 MB at the widest place, what a processor's cache likes
SITES_PER_BLOCK = 1000
BLOCKS_AHEAD = 32  # handed to workers and not yet given out
ROUNDS = 12  # of Newton's method, guarded: four do but for a crossing that hardly crosses
CONVERGED = 1e-7  # of a step: 10 microseconds


@dataclass(frozen=True)
class _Block:
    """Satellites of one step and sites of one kind by their places in the lists, and how their windows are found."""

    satellites: IntArray
    places: IntArray
    sites: Sites
    step_s: float
    search: Callable[[FleetPath, Sites], Windows]


@dataclass(frozen=True)
class _Heights:
    """Heights above the lowest horizon at nodes that matter, sorted by satellite, site and time.

    `above_km` is measured along the site's plumb line: zero on the horizon. `follows` tells where the next entry is
    the next node of the same satellite and site.
    """

    satellite: IntArray
    site: IntArray
    node: IntArray
    above_km: Array
    follows: NDArray[np.bool_]


def fleet_windows(
    elements: Sequence[Elements],
    sites: Sites,
    start: datetime,
    duration_s: float,
    executor: Executor | None = None,
    blocks_ahead: int = BLOCKS_AHEAD,
) -> Windows:
    """All windows of all satellites at all sites, sorted by satellite, site and time: see `windows_by_block`."""
    found = list(windows_by_block(elements, sites, start, duration_s, executor, blocks_ahead))
    return Windows.joined(found).sorted()


def windows_by_block(
    elements: Sequence[Elements],
    sites: Sites,
    start: datetime,
    duration_s: float,
    executor: Executor | None = None,
    blocks_ahead: int = BLOCKS_AHEAD,
) -> Iterator[Windows]:
    """The same in pieces that are each complete for the satellites and sites in it, so that no size needs much memory.

    `executor` runs the blocks: by default a thread for each processor; that of a Dask client (`client.get_executor()`)
    spreads them over its workers, of which each wants two or more `blocks_ahead`. A window that is open at either end
    of the span is cut there. A satellite is not seen where SGP4 cannot propagate it. Raises `ValueError` when `start`
    has no time zone or the span is not positive.
    """
    start = in_utc(start)
    if not 0 < duration_s < np.inf:
        raise ValueError(f"duration_s: a span of {duration_s:g} s is not one to look through")
    if executor is not None:
        yield from _in_order(executor, blocks_ahead, elements, sites, start, duration_s)
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from _in_order(threads, blocks_ahead, elements, sites, start, duration_s)


def _in_order(
    executor: Executor,
    blocks_ahead: int,
    elements: Sequence[Elements],
    sites: Sites,
    start: datetime,
    duration_s: float,
) -> Iterator[Windows]:
    under_way: deque[Future[Windows]] = deque()
    for block in _blocks(elements, sites, duration_s):
        chosen = [elements[one] for one in block.satellites]
        under_way.append(executor.submit(_block_windows, chosen, block, start, duration_s))
        if len(under_way) >= max(blocks_ahead, 1):
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _blocks(elements: Sequence[Elements], sites: Sites, duration_s: float) -> Iterator[_Block]:
    """Satellites of the same step, so many that with the sites and nodes of a day they stay below the limit."""
    alike: dict[float, list[int]] = defaultdict(list)
    for number, one in enumerate(elements):
        alike[step_s(one)].append(number)
    for search, alike_sites in ((_above_lowest, ~sites.rugged), (windows_above_mask, sites.rugged)):
        places = np.flatnonzero(alike_sites)
        for first_site in range(0, len(places), SITES_PER_BLOCK):
            some = places[first_site : first_site + SITES_PER_BLOCK]
            here = sites.where(some)
            for step, numbers in sorted(alike.items()):
                nodes = min(duration_s, DAY_S) / step + 6
                size = max(1, int(VALUES_PER_BLOCK / nodes / len(some)))
                for first in range(0, len(numbers), size):
                    yield _Block(np.asarray(numbers[first : first + size]), some, here, step, search)


def _block_windows(elements: Sequence[Elements], block: _Block, start: datetime, duration_s: float) -> Windows:
    """What one worker does: one block, day by day."""
    days = max(1, int(np.ceil(duration_s / DAY_S)))
    edges_s = np.minimum(np.arange(days + 1) * DAY_S, duration_s)
    found = []
    for first_s, last_s in pairwise(edges_s.tolist()):
        path = fleet_path(elements, start, first_s, last_s, block.step_s)
        found.append(block.search(path, block.sites).within(first_s, last_s))
    windows = found[0] if days == 1 else Windows.joined(found).mended()
    return windows.renumbered(block.satellites, block.places)


def _above_lowest(path: FleetPath, sites: Sites) -> Windows:
    """Windows above the lowest point of each site's horizon, over all nodes."""
    heights = _heights(path, sites, _nodes_within_reach(path, sites))
    visible = heights.above_km >= 0  # nan is not
    follows = heights.follows
    crossing = np.flatnonzero(follows & (visible[1:] != visible[:-1]))
    value = heights.above_km
    here, there = value[crossing], value[crossing + 1]
    at_0, at_1 = _slopes(path, sites, heights, crossing)
    # places are entries with their fractions; seen at the first or the last node, a window begins or ends there
    places: list[Array] = [crossing + _crossing(here, there, at_0, at_1)]
    for interval in _turning_intervals(value, follows):
        places.append(_crossings_of_a_turn(path, sites, heights, interval))
    last_node = path.position_km.shape[1] - 1
    places.append(np.flatnonzero(visible & ((heights.node == 0) | (heights.node == last_node))).astype(float))
    edges = np.sort(np.concatenate(places))
    opens, shuts = edges[0::2], edges[1::2]
    entry = opens.astype(np.int64)
    first_s = path.first_s + path.step_s * (heights.node[entry] - entry)
    satellite, site = heights.satellite[entry], heights.site[entry]
    return Windows(satellite, site, first_s + path.step_s * opens, first_s + path.step_s * shuts)


def _nodes_within_reach(path: FleetPath, sites: Sites) -> IntArray:
    """Flat indices (satellite, site, node) of nodes next to which the satellite can be seen, with their neighbours."""
    near = Reach(path, sites).within()
    taken = near.copy()
    taken[..., 1:] |= near[..., :-1]
    taken[..., :-1] |= near[..., 1:]
    return np.flatnonzero(taken)


def _heights(path: FleetPath, sites: Sites, index: IntArray) -> _Heights:
    nodes = path.position_km.shape[1]
    pair, node = np.divmod(index, nodes)
    satellite, site = np.divmod(pair, len(sites))
    above_km, _ = sites.above_lowest_km(site, path.position_km.reshape(-1, 3).take(satellite * nodes + node, axis=0))
    follows = (index[1:] == index[:-1] + 1) & (node[1:] != 0)
    return _Heights(satellite, site, node, above_km, follows)


def _slopes(path: FleetPath, sites: Sites, heights: _Heights, entry: IntArray) -> tuple[Array, Array]:
    """Change of the height per step at the entries, and at those that follow them."""
    satellite, site, node = heights.satellite[entry], heights.site[entry], heights.node[entry]
    here = satellite * path.position_km.shape[1] + node
    slopes = []
    for index in (here, here + 1):
        position = path.position_km.reshape(-1, 3).take(index, axis=0)
        velocity = path.velocity_km_per_s.reshape(-1, 3).take(index, axis=0)
        slopes.append(sites.climb_km_per_s(site, position, velocity) * path.step_s)
    return slopes[0], slopes[1]


def _crossing(value_0: Array, value_1: Array, slope_0: Array, slope_1: Array) -> Array:
    """Where the cubic through two values of unlike sign and two slopes is zero, in 0..1.

    Where one value is nan, the place of the other: a satellite that is lost is last seen at its last node.
    """
    a = slope_0 + slope_1 - 2 * (value_1 - value_0)
    b = value_1 - value_0 - slope_0 - a
    low, high = np.zeros_like(value_0), np.ones_like(value_0)
    rising = value_1 > value_0
    x = value_0 / (value_0 - value_1)
    for _ in range(ROUNDS):
        value = value_0 + x * (slope_0 + x * (b + x * a))
        before = (value < 0) == rising
        low, high = np.where(before, x, low), np.where(before, high, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            following = x - value / (slope_0 + x * (2 * b + 3 * x * a))
        inside = (following >= low) & (following <= high)
        following = np.where(inside, following, (low + high) / 2)
        moved = np.abs(following - x)
        x = following
        if not np.any(moved > CONVERGED):
            break
    lost = np.isnan(value_0) | np.isnan(value_1)
    return np.where(lost, np.where(np.isnan(value_0), 1.0, 0.0), x) if lost.any() else x


def _turning_intervals(value: Array, follows: NDArray[np.bool_]) -> list[IntArray]:
    """Intervals in which a summit below, or a dip above the horizon may reach across it: first those before the
    highest or lowest of three nodes, then those after it."""
    middle = np.flatnonzero(follows[1:] & follows[:-1]) + 1
    before, at, after = value[middle - 1], value[middle], value[middle + 1]
    up, down = at - before, after - at
    bend = down - up
    with np.errstate(divide="ignore", invalid="ignore"):
        extreme = at - (up + down) ** 2 / (8 * bend)
    visible = at >= 0
    summit = ~visible & (up >= 0) & (down <= 0) & (extreme > -0.2 * np.abs(bend))
    dip = visible & (up <= 0) & (down >= 0) & (extreme < 0.2 * np.abs(bend))
    turning = middle[summit | dip]
    return [turning - 1, turning]


def _crossings_of_a_turn(path: FleetPath, sites: Sites, heights: _Heights, interval: IntArray) -> Array:
    """Both crossings of every interval at whose ends the height has the same sign and between them the other one."""
    value_0, value_1 = heights.above_km[interval], heights.above_km[interval + 1]
    same = (value_0 >= 0) == (value_1 >= 0)
    interval, value_0, value_1 = interval[same], value_0[same], value_1[same]
    slope_0, slope_1 = _slopes(path, sites, heights, interval)
    a = slope_0 + slope_1 - 2 * (value_1 - value_0)
    b = value_1 - value_0 - slope_0 - a
    # the slope's zero inside, by the form that keeps its digits
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(b * b - 3 * a * slope_0)
        q = -(b + np.copysign(root, b))
        candidates = np.stack([q / (3 * a), slope_0 / q])
    inside = (candidates > 0) & (candidates < 1)
    turn = np.where(inside[0], candidates[0], candidates[1])
    extreme = value_0 + turn * (slope_0 + turn * (b + turn * a))
    across = inside.any(axis=0) & ((extreme >= 0) != (value_0 >= 0))
    interval, turn, extreme = interval[across], turn[across], extreme[across]
    value_0, value_1, slope_0, slope_1 = value_0[across], value_1[across], slope_0[across], slope_1[across]
    first = turn * _crossing(value_0, extreme, slope_0 * turn, np.zeros_like(turn))
    rest = 1 - turn
    second = turn + rest * _crossing(extreme, value_1, np.zeros_like(turn), slope_1 * rest)
    return np.concatenate([interval + first, interval + second])
