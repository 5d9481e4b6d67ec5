"""Losers among the payloads that see the site: why none of their ways is feasible, and by how much.

A link is first judged on an empty transponder (does it close at all, and within the limits on power density?), then
with the free bandwidth and all power (is there a slot?), then with the free power; last come the hub's ports.
Of a payload that serves, the gateways and terminal types that no way of it has are told as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.carrier_sizing import CarrierPower, carrier_power_for_margin
from satcom.resource.physics.link_budget import Carrier
from satcom.resource.physics.modcod import symbol_rate_baud
from satcom.service.demand import Direction
from satcom.service.design.carriers import Flags, Limits, Pair, Sized, Sizer, modcods
from satcom.service.design.lanes import Block
from satcom.service.design.licensed_eirp import licensed_eirp, without_licensed_eirp
from satcom.service.design.limits import Carried, breach_told, worst_breach
from satcom.service.design.links import Lanes
from satcom.service.design.payloads import gateway_called, transponder_arrays
from satcom.service.design.survey import LostPart, Setback
from satcom.service.way import PathPart, Reason

Indices = NDArray[np.intp]

_LINK, _DENSITY, _SLOT, _POWER, _OPEN = range(5)
_UNCOVERED_DB = -999.0


@dataclass(frozen=True, eq=False)
class _Judged:
    """One direction of some ways of a block, (transponders, ways): how far each lane comes, with the numbers.

    `lanes` are rows of the layout.
    """

    direction: Direction
    lanes: Indices
    stage: NDArray[np.int64]
    margin_db: NDArray[np.float64]
    empty: Sized
    slotted: Sized


@dataclass(frozen=True, eq=False)
class Judgement:
    """Ways of a block without a solution, by group (gateway and terminal type): how far each of them comes."""

    sizer: Sizer
    block: Block
    groups: Indices
    judged: tuple[_Judged, _Judged]
    sized: tuple[Sized, Sized]
    has_port: Flags

    @classmethod
    def of(
        cls, sizer: Sizer, block: Block, groups: Indices, forward: Sized, back: Sized, has_port: Flags
    ) -> "Judgement":
        """`forward` and `back` are the lanes of the whole block, `has_port` is by its gateways."""
        of_block = np.arange(block.rows.stop - block.rows.start).reshape(block.shape[0], -1)[:, groups]
        sized = forward.take(of_block.reshape(-1)), back.take(of_block.reshape(-1))
        lanes = of_block + block.start
        judged = _judge(sizer, lanes, "forward", sized[0]), _judge(sizer, lanes, "return", sized[1])
        return cls(sizer, block, groups, judged, sized, has_port)

    def furthest(self, of: Flags) -> Setback:
        """Among the ways `of` the groups the one that came furthest."""
        columns = np.flatnonzero(of)
        furthest = [one.stage[:, columns].max(axis=0) for one in self.judged]
        stage = np.minimum(furthest[0], furthest[1])
        best = int(stage.max())
        columns = columns[stage == best]
        if best == _OPEN:
            gateway = self.groups[columns] // self.block.shape[2]
            ported = self.has_port[gateway]
            if not ported.all():
                return _no_port(self.sizer, self.block, int(gateway[~ported][0]))
            return _not_together(self, int(columns[0]))
        misses = np.array([[_miss(self.sizer, one, best, int(column)) for one in self.judged] for column in columns])
        # of a way the worse direction decides, of all ways the best one
        row = int(np.argmin(misses.max(axis=1)))
        return _told(self.sizer, self.judged[int(np.argmax(misses[row]))], best, int(columns[row]))


def setback_of_block(sizer: Sizer, block: Block, forward: Sized, back: Sized, has_port: Flags) -> Setback:
    """Of all ways of a block without a solution the one that came furthest. `has_port` is by gateway of the block."""
    every = np.arange(block.shape[1] * block.shape[2])
    return Judgement.of(sizer, block, every, forward, back, has_port).furthest(np.ones(len(every), dtype=np.bool_))


def lost_parts(
    sizer: Sizer, block: Block, forward: Sized, back: Sized, has_port: Flags, pairs: Sequence[Pair]
) -> Iterator[LostPart]:
    """Of a block that has `pairs` the gateways, and the terminal types, that none of them has, with the reason."""
    yield from block.reached.lost
    served = {part: {getattr(one, part) for one in pairs} for part in ("gateway", "terminal")}
    payload, fleet = block.reached.payload, sizer.plan.fleet
    satellite = payload.satellite
    gateways = [row for row in range(block.shape[1]) if row not in served["gateway"]]
    terminals = [row for row in range(block.shape[2]) if row not in served["terminal"]]
    # what a terminal lacks is asked of the gateways that others have
    asked = [gateways, terminals, sorted(served["gateway"]), sorted(served["terminal"])]
    groups = _groups(block, asked[0], asked[3]) | _groups(block, asked[2], asked[1])
    if not groups:
        return
    rows = np.array(sorted(groups), dtype=np.intp)
    judgement = Judgement.of(sizer, block, rows, forward, back, has_port)
    at_gateway, of_terminal = np.divmod(rows, block.shape[2])
    for row in gateways:
        one = payload.gateways[block.reached.gateways[row]]
        told = judgement.furthest(at_gateway == row)
        yield LostPart(satellite, PathPart.GATEWAY, gateway_called(fleet, one), told)
    for row in terminals:
        kind = fleet.terminal_types[payload.terminals[block.reached.terminals[row]]]
        told = judgement.furthest((of_terminal == row) & np.isin(at_gateway, asked[2]))
        yield LostPart(satellite, PathPart.TERMINAL_TYPE, kind.name, told)


def _groups(block: Block, gateways: Sequence[int], terminals: Sequence[int]) -> set[int]:
    return {gateway * block.shape[2] + terminal for gateway in gateways for terminal in terminals}


def _judge(sizer: Sizer, rows: Indices, direction: Direction, actual: Sized) -> _Judged:
    lanes = sizer.plan.lanes.take(rows.reshape(-1))
    arrays, free = transponder_arrays(sizer.plan.fleet), sizer.plan.free
    whole_hz = arrays.bandwidth_hz[lanes.transponder].astype(np.int64)
    without_guard_hz = whole_hz - 2 * arrays.guard_band_hz[lanes.transponder]
    empty = sizer.size(direction, lanes, Limits(without_guard_hz, whole_hz))
    slotted = sizer.size(direction, lanes, Limits(free.widest_hz[lanes.transponder], whole_hz))
    stage = np.select(
        [~empty.closes & ~empty.too_dense, ~empty.closes, ~slotted.closes, ~actual.closes],
        [_LINK, _DENSITY, _SLOT, _POWER],
        default=_OPEN,
    )
    margin_db = np.where(np.isnan(empty.margin_db), _UNCOVERED_DB, empty.margin_db)
    return _Judged(direction, rows, stage.reshape(rows.shape), margin_db.reshape(rows.shape), empty, slotted)


def _lane(sizer: Sizer, one: _Judged, stage: int, way: int) -> int:
    """The lane of this way that misses least, among the transponders that come furthest; flat in what is judged."""
    rows = np.flatnonzero(one.stage[:, way] == one.stage[:, way].max())
    missing = [_missing(sizer, one, stage, int(row) * one.stage.shape[1] + way) for row in rows]
    row = int(rows[int(np.argmin(missing))])
    return row * int(one.stage.shape[1]) + way


def _miss(sizer: Sizer, one: _Judged, stage: int, way: int) -> float:
    """By how much this direction of a way misses; -1 where it comes further."""
    if int(one.stage[:, way].max()) > stage:
        return -1.0
    return _missing(sizer, one, stage, _lane(sizer, one, stage, way))


def _missing(sizer: Sizer, one: _Judged, stage: int, lane: int) -> float:
    if stage in (_LINK, _DENSITY):
        return -float(one.margin_db.reshape(-1)[lane])
    value, limit = _numbers(sizer, one, stage, lane)
    return float(limit - value)


def _numbers(sizer: Sizer, one: _Judged, stage: int, lane: int) -> tuple[int, int]:
    """What is free, and what would be needed, in hertz."""
    transponder = int(sizer.plan.lanes.transponder[one.lanes.reshape(-1)[lane]])
    if stage == _SLOT:
        return int(sizer.plan.free.widest_hz[transponder]), int(one.empty.occupied_hz[lane])
    return int(sizer.plan.free.power_hz[transponder]), int(one.slotted.power_hz[lane])


def _subject(sizer: Sizer, row: int) -> str:
    plan = sizer.plan
    transponder = plan.fleet.transponders[int(plan.lanes.transponder[row])]
    satellite = next(one for one in plan.fleet.satellites if one.id == transponder.satellite_id)
    station = plan.fleet.stations[plan.gateways[int(plan.lanes.gateway[row])].station]
    terminal = plan.fleet.terminal_types[int(plan.lanes.terminal[row])]
    return f"{satellite.name} {transponder.name}, {station.name}, {terminal.name}"


def _told(sizer: Sizer, one: _Judged, stage: int, way: int) -> Setback:
    lane = _lane(sizer, one, stage, way)
    row = int(one.lanes.reshape(-1)[lane])
    subject, direction = _subject(sizer, row), one.direction
    if stage == _LINK:
        margin_db = float(one.margin_db.reshape(-1)[lane])
        if margin_db == _UNCOVERED_DB:
            text = f"{direction}: no beam joins site and gateway"
            return Setback(Reason.OUTSIDE_CONTOUR, subject, text, 0, 1, "transponders")
        licensed = _over_licensed_eirp(sizer, direction, row, subject) if direction == "return" else None
        if licensed is not None:
            return licensed
        text = f"{direction} link short by {-margin_db:.1f} dB on an empty transponder"
        return Setback(Reason.LINK_DOES_NOT_CLOSE, subject, text, round(margin_db, 3), 0, "dB", missed_by=-margin_db)
    if stage == _DENSITY:
        return _too_dense(sizer, one, row, subject)
    value, limit = _numbers(sizer, one, stage, lane)
    power_hz = int((one.empty if stage == _SLOT else one.slotted).power_hz[lane])
    wide_hz = int((one.empty if stage == _SLOT else one.slotted).occupied_hz[lane])
    free_at = sizer.plan.room.free_at(int(sizer.plan.lanes.transponder[row]), (wide_hz,), power_hz)
    if stage == _SLOT:
        text = f"{direction}: widest free piece {value / 1e6:.3f} MHz, {limit / 1e6:.3f} MHz needed"
        return _no_room(Reason.NO_CONTIGUOUS_SLOT, subject, text, value, limit, free_at)
    text = f"{direction}: {value / 1e6:.3f} MHz of power left, {limit / 1e6:.3f} MHz needed"
    return _no_room(Reason.NO_POWER, subject, text, value, limit, free_at)


def _no_room(
    reason: Reason, subject: str, text: str, value_hz: int, needed_hz: int, free_at: datetime | None
) -> Setback:
    missed_by = float(needed_hz - value_hz)
    return Setback(reason, subject, text, value_hz, needed_hz, "Hz", missed_by=missed_by).free_from(free_at)


def _too_dense(sizer: Sizer, one: _Judged, row: int, subject: str) -> Setback:
    """The limit that the least dense carrier which closes exceeds most."""
    plan = sizer.plan
    lanes = plan.lanes.take(np.array([row]))
    assert plan.limits is not None  # else nothing is too dense
    breach = worst_breach(plan.fleet, plan.ground, lanes, _least_dense(sizer, one.direction, lanes), plan.limits)
    return breach_told(breach, one.direction, subject)


def _over_licensed_eirp(sizer: Sizer, direction: Direction, row: int, subject: str) -> Setback | None:
    """Where a carrier would close but for the EIRP that the terminal's licence sets: the least that it would send."""
    lanes = sizer.plan.lanes.take(np.array([row]))
    limit = licensed_eirp(sizer.plan, int(lanes.terminal[0]))
    if limit is None:
        return None
    freely = replace(sizer, plan=replace(sizer.plan, ground=without_licensed_eirp(sizer.plan.ground)))
    closes, power = _closing(freely, direction, lanes)
    return limit.exceeded(subject, float(np.min(power.uplink_eirp_dbw[closes]))) if closes.any() else None


def _least_dense(sizer: Sizer, direction: Direction, lanes: Lanes) -> Carried:
    """Of the carriers that would close on one lane of an empty transponder the least dense in power."""
    closes, power = _closing(sizer, direction, lanes)
    rate_baud = symbol_rate_baud.or_nan(float(sizer.demand.rate_bps(direction)), modcods().spectral_efficiency)
    width_db = 10 * np.log10(rate_baud)
    row = int(np.argmin(np.where(closes, power.uplink_eirp_dbw - width_db, np.inf)))
    up_dbw, down_dbw = float(power.uplink_eirp_dbw[row]), float(power.satellite_eirp_dbw[row])
    return Carried(direction, up_dbw - float(width_db[row]), down_dbw - float(width_db[row]))


def _closing(sizer: Sizer, direction: Direction, lanes: Lanes) -> tuple[Flags, CarrierPower]:
    """By MODCOD which carriers close on one lane of an empty transponder, and the power that each needs."""
    table, assumed, link = modcods(), sizer.assumed, sizer.link(direction, lanes)
    rate_bps = float(sizer.demand.rate_bps(direction))
    required_db = table.es_n0_threshold_db + assumed.implementation_margin_db
    margin_db = sizer.required_margin_db(direction, lanes)
    carrier = Carrier(rate_bps, table.spectral_efficiency, required_db, assumed.roll_off, margin_db, table.name)
    power = carrier_power_for_margin.or_nan(link, carrier)
    rate_baud = symbol_rate_baud.or_nan(rate_bps, table.spectral_efficiency)
    arrays = transponder_arrays(sizer.plan.fleet)
    wide_hz = arrays.bandwidth_hz[lanes.transponder] - 2 * arrays.guard_band_hz[lanes.transponder]
    return power.closes & (rate_baud * (1 + assumed.roll_off) <= wide_hz), power


def _not_together(one: Judgement, way: int) -> Setback:
    """Each direction alone finds room, both together do not."""
    sizer, (forward, back) = one.sizer, one.sized
    ways = len(one.groups)
    lane = int(np.argmin(forward.charged_hz.reshape(-1, ways)[:, way])) * ways + way
    row = int(one.judged[0].lanes.reshape(-1)[lane])
    free, transponder = sizer.plan.free, int(sizer.plan.lanes.transponder[row])
    subject = _subject(sizer, row)
    occupied = int(forward.occupied_hz[lane]), int(back.occupied_hz[lane])
    power_hz = int(forward.power_hz[lane] + back.power_hz[lane])
    free_at = sizer.plan.room.free_at(transponder, occupied, power_hz)
    if not bool(free.both_slots_fit(*occupied)[transponder]):
        needed = sum(occupied) + int(free.guard_band_hz[transponder])
        value = int(free.widest_hz[transponder])
        text = f"both carriers together need {needed / 1e6:.3f} MHz, the widest free piece is {value / 1e6:.3f} MHz"
        return _no_room(Reason.NO_CONTIGUOUS_SLOT, subject, text, value, needed, free_at)
    value = int(free.power_hz[transponder])
    text = f"both carriers together need {power_hz / 1e6:.3f} MHz of power, {value / 1e6:.3f} MHz is left"
    return _no_room(Reason.NO_POWER, subject, text, value, power_hz, free_at)


def _no_port(sizer: Sizer, block: Block, gateway: int) -> Setback:
    payload = block.reached.payload
    hub = sizer.plan.fleet.hubs[payload.gateways[block.reached.gateways[gateway]].hub]
    subject = f"{sizer.plan.fleet.satellites[payload.satellite].name} {payload.band}, {hub.name}"
    return Setback(Reason.NO_HUB_PORT, subject, f"none of the {hub.ports} ports of {hub.name} is free", 0, 1, "ports")
