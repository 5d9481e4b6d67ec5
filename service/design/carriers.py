"""Carriers: for every lane and direction the cheapest carrier that closes, and for every way the pair of both.

What is charged is bandwidth or power, whichever is larger, of both directions together. The two carriers of a link may
share a transponder when both find room beside each other; where they do not, the second is fitted to what the first
leaves, in either order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from satcom.resource.free_spectrum import FreeCapacity
from satcom.resource.physics.carrier_sizing import AskedCarrier, CarrierSizing, size_carrier
from satcom.resource.physics.link_budget import BentPipeBudget, Link, Values
from satcom.resource.physics.modcod import ModcodTable, dvb_table
from satcom.service.demand import Direction, SiteDemand
from satcom.service.design.budget_table import budget_table
from satcom.service.design.facts import Assumptions, TransponderFacts
from satcom.service.design.lanes import Block, Layout
from satcom.service.design.limits import ROUNDING
from satcom.service.design.links import Lanes, link_of, required_margin_db
from satcom.service.design.payloads import transponder_arrays
from satcom.service.way import CarrierPlan

Array = NDArray[np.float64]
Hertz = NDArray[np.int64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

LANES_AT_ONCE = 16_384  # what the processor's cache holds of a lane's arrays
NOT_FEASIBLE_HZ = np.iinfo(np.int64).max // 4


@dataclass(frozen=True)
class Limits:
    """What a carrier may take: bandwidth in one piece, and power as bandwidth. Arrays of shape (lanes,)."""

    bandwidth_hz: Hertz
    power_hz: Hertz

    def take(self, rows: Indices | slice) -> "Limits":
        return Limits(self.bandwidth_hz[rows], self.power_hz[rows])


@dataclass(frozen=True, eq=False)
class Sized:
    """The cheapest carrier of every lane in one direction; where none closes the bandwidths are `NOT_FEASIBLE_HZ`.

    `margin_db` is below zero by what is missing where it does not close, nan where the lane is not covered. `too_dense`
    are those that would close, were their power density not limited.
    """

    closes: Flags
    occupied_hz: Hertz
    power_hz: Hertz
    margin_db: Array
    too_dense: Flags

    @property
    def charged_hz(self) -> Hertz:
        return np.maximum(self.occupied_hz, self.power_hz)

    def take(self, rows: Indices | slice) -> "Sized":
        return Sized(*(getattr(self, one.name)[rows] for one in fields(self)))


@dataclass(frozen=True)
class Pair:
    """One feasible way: a lane for each direction, of one gateway and one terminal type, and the limits they met."""

    block: int
    gateway: int
    terminal: int
    forward_lane: int
    return_lane: int
    forward_limits: tuple[int, int]
    return_limits: tuple[int, int]
    charged_hz: int


@dataclass(frozen=True, eq=False)
class Sizer:
    """Sizes carriers for one demand on one layout."""

    plan: Layout
    demand: SiteDemand
    assumed: Assumptions

    def link(self, direction: Direction, lanes: Lanes) -> Link:
        return link_of(direction, lanes, self.plan.ground, transponder_arrays(self.plan.fleet), self.assumed)

    def exact(self, direction: Direction, lanes: Lanes, limits: Limits) -> tuple[Link, CarrierSizing]:
        """With the whole budget of every lane."""
        link = self.link(direction, lanes)
        sizing = self._sized(direction, lanes, link, limits)
        limit = self._share_per_baud_limit(direction, lanes, sizing)
        return link, sizing if limit is None else self._sized(direction, lanes, link, limits, limit)

    def required_margin_db(self, direction: Direction, lanes: Lanes) -> Values:
        return required_margin_db(direction, lanes, self.plan.ground, self.assumed)

    def _sized(
        self,
        direction: Direction,
        lanes: Lanes,
        link: Link,
        limits: Limits,
        share_per_baud_limit: float | Array = np.inf,
    ) -> CarrierSizing:
        rate_bps = self.demand.rate_bps(direction)
        asked = AskedCarrier(
            float(rate_bps),
            self.assumed.roll_off,
            self.assumed.implementation_margin_db,
            self.required_margin_db(direction, lanes),
        )
        return size_carrier(
            link,
            asked,
            modcods(),
            limits.bandwidth_hz.astype(np.float64),
            limits.power_hz.astype(np.float64),
            share_per_baud_limit,
        )

    def _share_per_baud_limit(self, direction: Direction, lanes: Lanes, sizing: CarrierSizing) -> Array | None:
        """What the carriers that were found too dense may have, `inf` for all others; `None` where none is."""
        if self.plan.limits is None:
            return None
        budget = sizing.budget
        excess_db = self.plan.limits.excess_db(direction, lanes, self.plan.ground.gateways.station, budget)
        dense = sizing.closes & (excess_db > 0)
        if not dense.any():
            return None
        allowed = budget.power_share / budget.symbol_rate_baud * 10 ** (-excess_db / 10) * (1 - ROUNDING)
        return np.where(dense, allowed, np.inf)

    def _some_sized(self, direction: Direction, lanes: Lanes, limits: Limits) -> Sized:
        """Few enough lanes at once. Only carriers that turn out too dense are sought again, within their limit."""
        sizing = self._sized(direction, lanes, self.link(direction, lanes), limits)
        found = _sized_of(sizing)
        limit = self._share_per_baud_limit(direction, lanes, sizing)
        if limit is None:
            return found
        dense = np.flatnonzero(np.isfinite(limit))
        some = lanes.take(dense)
        again = _sized_of(self._sized(direction, some, self.link(direction, some), limits.take(dense), limit[dense]))
        for name in ("closes", "occupied_hz", "power_hz", "margin_db"):
            getattr(found, name)[dense] = getattr(again, name)
        found.too_dense[dense] = ~again.closes
        return found

    def size(self, direction: Direction, lanes: Lanes, limits: Limits) -> Sized:
        """All lanes, some thousand at a time."""
        none, none_hz = np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.int64)
        parts = [Sized(none, none_hz, none_hz, np.empty(0), none)]
        for start in range(0, len(lanes), LANES_AT_ONCE):
            rows = slice(start, start + LANES_AT_ONCE)
            parts.append(self._some_sized(direction, lanes.take(rows), limits.take(rows)))
        closes, occupied, power, margin, too_dense = (
            np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Sized)
        )
        if direction == "forward" and self.demand.polarisation is not None:
            polarisation = transponder_arrays(self.plan.fleet).down_polarisation[lanes.transponder]
            wanted = polarisation == self.demand.polarisation
            closes, too_dense = closes & wanted, too_dense & wanted
        return Sized(
            closes,
            np.where(closes, occupied, NOT_FEASIBLE_HZ),
            np.where(closes, power, NOT_FEASIBLE_HZ),
            margin,
            too_dense,
        )

    def free_limits(self, lanes: Lanes) -> Limits:
        """What is free on each lane's transponder now."""
        return Limits(self.plan.free.widest_hz[lanes.transponder], self.plan.free.power_hz[lanes.transponder])


@lru_cache(maxsize=1)
def modcods() -> ModcodTable:
    """What the modems of the hubs know, DVB-S2 and DVB-S2X, without what another MODCOD does better with less."""
    table = dvb_table()
    before = np.concatenate([[0.0], np.maximum.accumulate(table.spectral_efficiency)[:-1]])
    rows = np.flatnonzero(table.spectral_efficiency > before)
    return ModcodTable(
        table.standard[rows],
        table.name[rows],
        table.spectral_efficiency[rows],
        table.es_n0_threshold_db[rows],
        table.nonlinear_threshold_db[rows],
    )


def _sized_of(sizing: CarrierSizing) -> Sized:
    occupied_hz, power_hz = whole_hz(sizing.occupied_bandwidth_hz), whole_hz(sizing.power_equivalent_bandwidth_hz)
    return Sized(sizing.closes, occupied_hz, power_hz, sizing.margin_db, np.zeros_like(sizing.closes))


def whole_hz(bandwidth_hz: Array) -> Hertz:
    """Upwards to whole hertz."""
    upwards: Hertz = np.ceil(np.where(np.isfinite(bandwidth_hz), bandwidth_hz, NOT_FEASIBLE_HZ)).astype(np.int64)
    return upwards


def carrier_plan(
    direction: Direction,
    transponder: TransponderFacts,
    link: Link,
    budget: BentPipeBudget,
    index: int,
    rate_bps: int,
    modcod: str,
    roll_off: float,
    confidence_percent: float,
    sources: Mapping[str, str] | None,
) -> CarrierPlan:
    """The carrier of one lane with its whole budget; `rate_bps` is what the customer gets through it.

    `sources` as for `budget_table`.
    """
    # under clear sky, into the antenna: what power control adds in rain is not counted
    power_dbw = float(budget.uplink_eirp_dbw[index]) - float(np.asarray(link.transmit.antenna_gain_dbi)[index])
    return CarrierPlan(
        direction=direction,
        transponder_id=transponder.id,
        transponder_name=transponder.name,
        uplink_polarisation=transponder.uplink_polarisation,
        downlink_polarisation=transponder.downlink_polarisation,
        bit_rate_bps=rate_bps,
        modcod=modcod,
        symbol_rate_baud=int(np.ceil(round(float(budget.symbol_rate_baud[index]), 3))),
        roll_off=roll_off,
        occupied_bandwidth_hz=int(whole_hz(budget.occupied_bandwidth_hz)[index]),
        power_equivalent_bandwidth_hz=int(whole_hz(budget.power_equivalent_bandwidth_hz)[index]),
        transmit_power_dbw=power_dbw,
        required_es_n0_db=float(budget.required_es_n0_db[index]),
        clear_sky_es_n0_db=float(budget.es_n0_clear_db[index]),
        margin_db=float(budget.margin_db[index]),
        budget=budget_table(budget, index, confidence_percent, sources),
    )


def fit_together(
    free: FreeCapacity, transponder: Indices, one: tuple[Hertz, Hertz], other: tuple[Hertz, Hertz]
) -> Flags:
    """Whether carriers (occupied, power) both find room on the same transponder."""
    here = FreeCapacity(
        free.widest_hz[transponder],
        free.second_widest_hz[transponder],
        free.power_hz[transponder],
        free.guard_band_hz[transponder],
    )
    fits: Flags = here.both_slots_fit(one[0], other[0]) & here.power_fits(one[1] + other[1])
    return fits


def pairs_of_block(
    sizer: Sizer, number: int, block: Block, forward: Sized, back: Sized, has_port: Flags
) -> tuple[list[Pair], Indices]:
    """The cheapest feasible pairs, and the groups (gateway and terminal type) that have none.

    There is one for each terminal type, of a gateway with a free port where one has, and one for each gateway.
    `forward` and `back` are the block's own lanes, `has_port` is by its gateways.
    """
    free, lanes = sizer.plan.free, sizer.plan.lanes
    count, groups = block.shape[0], block.shape[1] * block.shape[2]
    columns = np.arange(groups)
    cost = [one.charged_hz.reshape(count, groups) for one in (forward, back)]
    order = [np.argsort(one, axis=0, kind="stable")[:2] for one in cost]
    transponder = lanes.transponder[block.rows].reshape(count, groups)
    options: list[tuple[Hertz, Indices, Indices]] = []
    for first, second in ((0, 0), (0, 1), (1, 0)):
        if max(first, second) >= count:
            continue
        up_row, down_row = order[0][first], order[1][second]
        total = cost[0][up_row, columns] + cost[1][down_row, columns]
        same = up_row == down_row
        at_up, at_down = up_row * groups + columns, down_row * groups + columns
        together = fit_together(
            free,
            transponder[up_row, columns],
            (forward.occupied_hz[at_up], forward.power_hz[at_up]),
            (back.occupied_hz[at_down], back.power_hz[at_down]),
        )
        options.append((np.where(same & ~together, NOT_FEASIBLE_HZ, total), up_row, down_row))
    totals = np.array([one[0] for one in options])
    best, least = np.argmin(totals, axis=0), np.min(totals, axis=0)
    feasible = np.flatnonzero(least < NOT_FEASIBLE_HZ)
    gateway, terminal = np.divmod(feasible, block.shape[2])
    pairs = []
    for group in feasible[_best_of_each(gateway, terminal, least[feasible], has_port)].tolist():
        total, up_row, down_row = options[int(best[group])]
        rows = int(up_row[group]), int(down_row[group])
        up_limits, down_limits = (
            (int(free.widest_hz[tp]), int(free.power_hz[tp])) for tp in (transponder[row, group] for row in rows)
        )
        up_lane, down_lane = (block.start + row * groups + group for row in rows)
        place, kind = divmod(group, block.shape[2])
        pairs.append(Pair(number, place, kind, up_lane, down_lane, up_limits, down_limits, int(total[group])))
    return pairs, np.flatnonzero(least >= NOT_FEASIBLE_HZ)


def best_pairs(pairs: Sequence[Pair], has_port: Flags) -> list[Pair]:
    """Of each terminal type, and of each gateway, the best; in the order of the block."""
    ordered = sorted(pairs, key=lambda one: (one.gateway, one.terminal))
    columns = [(one.gateway, one.terminal, one.charged_hz) for one in ordered]
    gateway, terminal, charged_hz = np.array(columns, dtype=np.int64).reshape(-1, 3).T
    return [ordered[row] for row in _best_of_each(gateway, terminal, charged_hz, has_port)]


def _best_of_each(gateway: Indices, terminal: Indices, charged_hz: Hertz, has_port: Flags) -> list[int]:
    """Rows: of each terminal type the cheapest, one with a free port before all without, and of each gateway."""
    chosen: set[int] = set()
    for part in (terminal, gateway):
        ranked = np.lexsort((charged_hz, ~has_port[gateway], part))
        chosen.update(ranked[np.unique(part[ranked], return_index=True)[1]].tolist())
    return sorted(chosen)


def squeezed_pairs(
    sizer: Sizer, number: int, block: Block, forward: Sized, back: Sized, without: Indices
) -> list[Pair]:
    """Pairs on one transponder where the cheapest two have no room: the second takes what the first leaves.

    Only for the groups (gateway and terminal type) `without` a pair; one call of the sizing for each order.
    """
    groups = block.shape[1] * block.shape[2]
    rows = np.flatnonzero(forward.closes & back.closes)
    rows = rows[np.isin(rows % groups, without)]
    if not len(rows):
        return []
    lanes = sizer.plan.lanes.take(rows + block.start)
    whole = sizer.free_limits(lanes)
    found: dict[tuple[int, int], Pair] = {}
    for first, direction in ((forward, "return"), (back, "forward")):
        rest = _rest(sizer.plan.free, lanes, first, rows)
        second = sizer.size("return" if direction == "return" else "forward", lanes, rest)
        charged = first.charged_hz[rows] + second.charged_hz
        fits = second.closes & fit_together(
            sizer.plan.free,
            lanes.transponder,
            (first.occupied_hz[rows], first.power_hz[rows]),
            (second.occupied_hz, second.power_hz),
        )
        for index in np.flatnonzero(fits):
            _, gateway, terminal = np.unravel_index(int(rows[index]), block.shape)
            own = int(whole.bandwidth_hz[index]), int(whole.power_hz[index])
            left = int(rest.bandwidth_hz[index]), int(rest.power_hz[index])
            lane = block.start + int(rows[index])
            limits = (own, left) if direction == "return" else (left, own)
            pair = Pair(number, int(gateway), int(terminal), lane, lane, *limits, int(charged[index]))
            key = pair.gateway, pair.terminal
            if key not in found or pair.charged_hz < found[key].charged_hz:
                found[key] = pair
    return [found[key] for key in sorted(found)]


def _rest(free: FreeCapacity, lanes: Lanes, first: Sized, rows: Indices) -> Limits:
    """What the first carrier leaves: beside it in its piece, or another piece."""
    transponder = lanes.transponder
    beside = free.widest_hz[transponder] - first.occupied_hz[rows] - free.guard_band_hz[transponder]
    bandwidth_hz = np.maximum(np.maximum(beside, free.second_widest_hz[transponder]), 0)
    return Limits(bandwidth_hz, np.maximum(free.power_hz[transponder] - first.power_hz[rows], 0))
