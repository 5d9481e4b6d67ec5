"""Losers among the payloads that see the site: why none of their ways is feasible, and by how much.

A link is first judged on an empty transponder (does it close at all, and within the limits on power density?), then
with the free bandwidth and all power (is there a slot?), then with the free power; last come the hub's ports.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.carrier_sizing import carrier_power_for_margin
from satcom.resource.physics.link_budget import Carrier
from satcom.resource.physics.modcod import symbol_rate_baud
from satcom.service.demand import Direction
from satcom.service.design.carriers import Limits, Sized, Sizer, modcods
from satcom.service.design.lanes import Block
from satcom.service.design.limits import Carried, breach_told, worst_breach
from satcom.service.design.links import Lanes
from satcom.service.design.payloads import transponder_arrays
from satcom.service.design.survey import Setback
from satcom.service.way import Reason

_LINK, _DENSITY, _SLOT, _POWER, _OPEN = range(5)
_UNCOVERED_DB = -999.0


@dataclass(frozen=True, eq=False)
class _Judged:
    """One direction of a block, (transponders, ways): how far each lane comes, with the numbers."""

    direction: Direction
    stage: NDArray[np.int64]
    margin_db: NDArray[np.float64]
    empty: Sized
    slotted: Sized


def setback_of_block(sizer: Sizer, block: Block, forward: Sized, back: Sized, has_port: NDArray[np.bool_]) -> Setback:
    """Of all ways of a block without a solution the one that came furthest. `has_port` is by gateway of the block."""
    judged = _judge(sizer, block, "forward", forward), _judge(sizer, block, "return", back)
    furthest = [one.stage.max(axis=0) for one in judged]
    stage = np.minimum(furthest[0], furthest[1])
    best = int(stage.max())
    groups = np.flatnonzero(stage == best)
    if best == _OPEN:
        ported = has_port[groups // block.shape[2]]
        if not ported.all():
            return _no_port(sizer, block, int(groups[~ported][0]) // block.shape[2])
        return _not_together(sizer, block, int(groups[0]), forward, back)
    misses = np.array([[_miss(sizer, block, one, best, int(group)) for one in judged] for group in groups])
    # of a way the worse direction decides, of all ways the best one
    group = int(np.argmin(misses.max(axis=1)))
    direction = judged[int(np.argmax(misses[group]))]
    return _told(sizer, block, direction, best, int(groups[group]))


def _judge(sizer: Sizer, block: Block, direction: Direction, actual: Sized) -> _Judged:
    lanes = sizer.plan.lanes.take(block.rows)
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
    shape = block.shape[0], -1
    margin_db = np.where(np.isnan(empty.margin_db), _UNCOVERED_DB, empty.margin_db)
    return _Judged(direction, stage.reshape(shape), margin_db.reshape(shape), empty, slotted)


def _lane(sizer: Sizer, block: Block, one: _Judged, stage: int, group: int) -> int:
    """The block's lane of this way that misses least, among the transponders that come furthest."""
    rows = np.flatnonzero(one.stage[:, group] == one.stage[:, group].max())
    missing = [_missing(sizer, block, one, stage, int(row) * one.stage.shape[1] + group) for row in rows]
    row = int(rows[int(np.argmin(missing))])
    return row * int(one.stage.shape[1]) + group


def _miss(sizer: Sizer, block: Block, one: _Judged, stage: int, group: int) -> float:
    """By how much this direction of a way misses; -1 where it comes further."""
    if int(one.stage[:, group].max()) > stage:
        return -1.0
    return _missing(sizer, block, one, stage, _lane(sizer, block, one, stage, group))


def _missing(sizer: Sizer, block: Block, one: _Judged, stage: int, lane: int) -> float:
    if stage in (_LINK, _DENSITY):
        return -float(one.margin_db.reshape(-1)[lane])
    value, limit = _numbers(sizer, block, one, stage, lane)
    return float(limit - value)


def _numbers(sizer: Sizer, block: Block, one: _Judged, stage: int, lane: int) -> tuple[int, int]:
    """What is free, and what would be needed, in hertz."""
    transponder = int(sizer.plan.lanes.transponder[block.start + lane])
    if stage == _SLOT:
        return int(sizer.plan.free.widest_hz[transponder]), int(one.empty.occupied_hz[lane])
    return int(sizer.plan.free.power_hz[transponder]), int(one.slotted.power_hz[lane])


def _subject(sizer: Sizer, block: Block, lane: int) -> str:
    plan = sizer.plan
    row = block.start + lane
    transponder = plan.fleet.transponders[int(plan.lanes.transponder[row])]
    station = plan.fleet.stations[plan.gateways[int(plan.lanes.gateway[row])].station]
    terminal = plan.fleet.terminal_types[int(plan.lanes.terminal[row])]
    return f"{_satellite(sizer, block)} {transponder.name}, {station.name}, {terminal.name}"


def _satellite(sizer: Sizer, block: Block) -> str:
    return sizer.plan.fleet.satellites[block.reached.payload.satellite].name


def _told(sizer: Sizer, block: Block, one: _Judged, stage: int, group: int) -> Setback:
    lane = _lane(sizer, block, one, stage, group)
    subject, way = _subject(sizer, block, lane), one.direction
    if stage == _LINK:
        margin_db = float(one.margin_db.reshape(-1)[lane])
        if margin_db == _UNCOVERED_DB:
            return Setback(
                Reason.OUTSIDE_CONTOUR, subject, f"{way}: no beam joins site and gateway", 0, 1, "transponders"
            )
        text = f"{way} link short by {-margin_db:.1f} dB on an empty transponder"
        return Setback(Reason.LINK_DOES_NOT_CLOSE, subject, text, round(margin_db, 3), 0, "dB", missed_by=-margin_db)
    if stage == _DENSITY:
        return _too_dense(sizer, block, one, lane, subject)
    value, limit = _numbers(sizer, block, one, stage, lane)
    if stage == _SLOT:
        text = f"{way}: widest free piece {value / 1e6:.3f} MHz, {limit / 1e6:.3f} MHz needed"
        return Setback(Reason.NO_CONTIGUOUS_SLOT, subject, text, value, limit, "Hz", missed_by=float(limit - value))
    text = f"{way}: {value / 1e6:.3f} MHz of power left, {limit / 1e6:.3f} MHz needed"
    return Setback(Reason.NO_POWER, subject, text, value, limit, "Hz", missed_by=float(limit - value))


def _too_dense(sizer: Sizer, block: Block, one: _Judged, lane: int, subject: str) -> Setback:
    """The limit that the least dense carrier which closes exceeds most."""
    plan = sizer.plan
    lanes = plan.lanes.take(np.array([block.start + lane]))
    assert plan.limits is not None  # else nothing is too dense
    breach = worst_breach(plan.fleet, plan.ground, lanes, _least_dense(sizer, one.direction, lanes), plan.limits)
    return breach_told(breach, one.direction, subject)


def _least_dense(sizer: Sizer, direction: Direction, lanes: Lanes) -> Carried:
    """Of the carriers that would close on one lane of an empty transponder the least dense in power."""
    table, assumed, link = modcods(), sizer.assumed, sizer.link(direction, lanes)
    rate_bps = float(sizer.demand.rate_bps(direction))
    required_db = table.es_n0_threshold_db + assumed.implementation_margin_db
    margin_db = sizer.required_margin_db(direction, lanes)
    carrier = Carrier(rate_bps, table.spectral_efficiency, required_db, assumed.roll_off, margin_db, table.name)
    power = carrier_power_for_margin(link, carrier)
    rate_baud = symbol_rate_baud(rate_bps, table.spectral_efficiency)
    arrays = transponder_arrays(sizer.plan.fleet)
    wide_hz = arrays.bandwidth_hz[lanes.transponder] - 2 * arrays.guard_band_hz[lanes.transponder]
    closes = power.closes & (rate_baud * (1 + assumed.roll_off) <= wide_hz)
    width_db = 10 * np.log10(rate_baud)
    row = int(np.argmin(np.where(closes, power.uplink_eirp_dbw - width_db, np.inf)))
    up_dbw, down_dbw = float(power.uplink_eirp_dbw[row]), float(power.satellite_eirp_dbw[row])
    return Carried(direction, up_dbw - float(width_db[row]), down_dbw - float(width_db[row]))


def _not_together(sizer: Sizer, block: Block, group: int, forward: Sized, back: Sized) -> Setback:
    """Each direction alone finds room, both together do not."""
    groups = block.shape[1] * block.shape[2]
    lane = int(np.argmin(forward.charged_hz.reshape(-1, groups)[:, group])) * groups + group
    free, transponder = sizer.plan.free, int(sizer.plan.lanes.transponder[block.start + lane])
    subject = _subject(sizer, block, lane)
    occupied = int(forward.occupied_hz[lane]), int(back.occupied_hz[lane])
    if not bool(free.both_slots_fit(*occupied)[transponder]):
        needed = sum(occupied) + int(free.guard_band_hz[transponder])
        value = int(free.widest_hz[transponder])
        text = f"both carriers together need {needed / 1e6:.3f} MHz, the widest free piece is {value / 1e6:.3f} MHz"
        return Setback(Reason.NO_CONTIGUOUS_SLOT, subject, text, value, needed, "Hz", missed_by=float(needed - value))
    needed, value = int(forward.power_hz[lane] + back.power_hz[lane]), int(free.power_hz[transponder])
    text = f"both carriers together need {needed / 1e6:.3f} MHz of power, {value / 1e6:.3f} MHz is left"
    return Setback(Reason.NO_POWER, subject, text, value, needed, "Hz", missed_by=float(needed - value))


def _no_port(sizer: Sizer, block: Block, gateway: int) -> Setback:
    way = block.reached.payload.gateways[block.reached.gateways[gateway]]
    hub = sizer.plan.fleet.hubs[way.hub]
    subject = f"{_satellite(sizer, block)} {block.reached.payload.band}, {hub.name}"
    return Setback(Reason.NO_HUB_PORT, subject, f"none of the {hub.ports} ports of {hub.name} is free", 0, 1, "ports")
