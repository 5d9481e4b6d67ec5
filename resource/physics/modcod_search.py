"""Search of the MODCOD: for every lane the cheapest that closes, or the one that comes nearest.

Up the ladder of MODCODs the occupied bandwidth falls, and the power rises, though not at every step: a step may bring
more efficiency than it costs. So from where bandwidth and power cross, a lane is looked at step by step downwards until
bandwidth alone costs more than what was found, and upwards until no later step can need less power. It is the result
of trying every MODCOD, for a few of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.link_budget import FullPower, Link, Values
from satcom.resource.physics.modcod import Indices, ModcodTable, symbol_rate_baud

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROUNDING = 1e-9  # bounds give this much, so that rounding drops nobody


@dataclass(frozen=True)
class Noise:
    """Noise over carrier per baud at power share 1 (`clear`, `rain`), interference over carrier, and uplink fade.

    All linear; the needed share follows without another logarithm, which is what makes a fleet cheap.
    """

    clear: Array
    rain: Array
    interference: Array
    fade: Array

    @classmethod
    def of(cls, link: Link, full: FullPower, rolloff: Values) -> "Noise":
        spread = 10 ** (-np.asarray(link.transponder.intermodulation_ci_db) / 10)
        for even_db in link.interference.even_db():
            spread = spread + 10 ** (-np.asarray(even_db) / 10)
        # up link and what is spread over the band (per occupied hertz) reach the receiver whatever the weather there
        common = (
            10 ** (-full.uplink_cn0_db_hz / 10) + spread * (1 + np.asarray(rolloff)) / link.transponder.bandwidth_hz
        )
        return cls(
            clear=common + 10 ** (-full.downlink_cn0_clear_db_hz / 10),
            rain=common + 10 ** (-full.downlink_cn0_rain_db_hz / 10),
            interference=np.asarray(10 ** (-link.interference.combined_db() / 10)),
            fade=10 ** (full.uplink_fade_db / 10),
        )

    def share_for(self, demand: Values, rate_baud: Values) -> Array:
        """Power share at which Es/N0 is `demand` (a ratio) in every weather; `inf` when no share is enough."""
        room_uplink_rain = 1 / (demand * self.fade) - self.interference
        room_downlink_rain = 1 / np.asarray(demand) - self.interference
        closed = (room_uplink_rain <= 0) | (room_downlink_rain <= 0)
        with np.errstate(divide="ignore"):  # exactly no room: infinite
            share = np.maximum(self.clear / room_uplink_rain, self.rain / room_downlink_rain) * rate_baud
        return np.where(closed & ~np.isnan(share), np.inf, share)

    def excess(self, demand: Values, rate_baud: Values, share: Array) -> Array:
        """Worst Es/N0 over `demand`, as a ratio, at this share; zero without power."""
        with np.errstate(divide="ignore"):
            per_share = np.asarray(rate_baud) / share
        disturbance = np.maximum(
            (per_share * self.clear + self.interference) * self.fade, per_share * self.rain + self.interference
        )
        excess: Array = 1 / (disturbance * demand)
        return excess


@dataclass(frozen=True, eq=False)
class Sought:
    """The lanes. All broadcast; `margin` is a ratio, `share_limit` the power there is for the carrier.

    `share_per_baud_limit` is the power share that a carrier may have for each of its symbols a second.
    """

    noise: Noise
    bit_rate_bps: Values
    rolloff: Values
    margin: Values
    share_limit: Values
    free_bandwidth_hz: Values
    transponder_bandwidth_hz: Values
    share_per_baud_limit: Values = np.inf


@dataclass(frozen=True, eq=False)
class Found:
    """Rows of the table: the cheapest that closes, else the nearest of those that fit; and whether any does."""

    closes: Flags
    fits: Flags
    chosen: Indices


def best_modcods(sought: Sought, table: ModcodTable) -> Found:
    """All lanes at once. Of two that cost the same the one of weaker demand counts."""
    ladder, lanes = _Ladder.of(table), _Lanes.of(sought)
    least_hz = np.full(lanes.count, np.inf)
    step = np.zeros(lanes.count, dtype=np.intp)
    # power over symbol rate rises with the demand: beyond the last step that keeps its limit none is looked at
    crossing = np.minimum(lanes.crossing(ladder), lanes.too_dense(ladder))
    _search_down(lanes, ladder, crossing - 1, least_hz, step)
    _search_up(lanes, ladder, crossing, least_hz, step)
    closes = np.isfinite(least_hz)
    lost = np.flatnonzero(~closes)
    step[lost], nearness = _nearest(lanes.take(lost), ladder)
    fits = closes.copy()
    fits[lost] = np.isfinite(nearness)
    return Found(closes.reshape(lanes.shape), fits.reshape(lanes.shape), ladder.row[step].reshape(lanes.shape))


@dataclass(frozen=True, eq=False)
class _Ladder:
    """The MODCODs that no other beats in both demand and efficiency, weakest first.

    `power_ahead` and `demand_ahead`: at least this times as much power, or Es/N0, do all later steps need, interference
    apart, which only makes it more.
    """

    row: Indices
    demand: Array
    efficiency: Array
    power_ahead: Array
    demand_ahead: Array

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def of(cls, table: ModcodTable) -> "_Ladder":
        before = np.concatenate([[-np.inf], np.maximum.accumulate(table.spectral_efficiency)[:-1]])
        row = np.flatnonzero(table.spectral_efficiency > before)
        efficiency = table.spectral_efficiency[row]
        demand = np.array([10 ** (threshold_db / 10) for threshold_db in table.es_n0_threshold_db[row]])
        power = demand / efficiency
        later = np.append(np.minimum.accumulate(power[::-1])[::-1][1:], np.inf)
        return cls(row, demand, efficiency, later / power, np.append(demand[1:], np.inf) / demand)


@dataclass(frozen=True, eq=False)
class _Lanes:
    """Lanes side by side: flat arrays, without a dimension where all lanes have the same."""

    shape: tuple[int, ...]
    count: int
    clear: Array
    rain: Array
    interference: Array
    fade: Array
    bit_rate_bps: Array
    widening: Array
    margin: Array
    share_limit: Array
    free_bandwidth_hz: Array
    transponder_bandwidth_hz: Array
    share_per_baud_limit: Array

    @classmethod
    def of(cls, sought: Sought) -> "_Lanes":
        noise = sought.noise
        given = [
            np.asarray(one, dtype=np.float64)
            for one in (
                noise.clear,
                noise.rain,
                noise.interference,
                noise.fade,
                sought.bit_rate_bps,
                1 + np.asarray(sought.rolloff),
                sought.margin,
                sought.share_limit,
                sought.free_bandwidth_hz,
                sought.transponder_bandwidth_hz,
                sought.share_per_baud_limit,
            )
        ]
        shape = np.broadcast_shapes(*(one.shape for one in given))
        flat = (one.reshape(()) if one.size == 1 else np.broadcast_to(one, shape).reshape(-1) for one in given)
        return cls(shape, int(np.prod(shape)), *flat)

    def take(self, kept: Indices | Flags) -> "_Lanes":
        columns = [getattr(self, one.name) for one in fields(self)[2:]]
        count = int(np.count_nonzero(kept)) if kept.dtype == np.bool_ else len(kept)
        return _Lanes((count,), count, *(one if one.ndim == 0 else one[kept] for one in columns))

    @property
    def noise(self) -> Noise:
        return Noise(self.clear, self.rain, self.interference, self.fade)

    def crossing(self, ladder: _Ladder) -> Indices:
        """The first step at which power outweighs bandwidth."""
        with np.errstate(divide="ignore"):
            per_hertz = self.transponder_bandwidth_hz / self.widening
        return self._first_above(ladder, per_hertz)

    def too_dense(self, ladder: _Ladder) -> Indices | int:
        """The first step that takes a larger share for each symbol than it may."""
        if np.isinf(self.share_per_baud_limit).all():
            return len(ladder)
        with np.errstate(divide="ignore"):
            return self._first_above(ladder, 1 / self.share_per_baud_limit)

    def _first_above(self, ladder: _Ladder, baud_per_share: Array) -> Indices:
        """The first step that takes more than one share of power for so many symbols a second."""
        with np.errstate(divide="ignore"):
            in_rain_above = 1 / (self.fade * (self.interference + self.clear * baud_per_share))
            balance = np.minimum(in_rain_above, 1 / (self.interference + self.rain * baud_per_share)) / self.margin
        found = np.searchsorted(ladder.demand, np.where(np.isnan(balance), 0, balance), side="right")
        return np.broadcast_to(found, (self.count,)).astype(np.intp)

    def power_limit(self, rate_baud: Array) -> Array:
        """The share that a carrier of this symbol rate may have."""
        if self.share_per_baud_limit.ndim == 0 and np.isinf(self.share_per_baud_limit):
            return self.share_limit
        return np.minimum(self.share_limit, self.share_per_baud_limit * rate_baud)

    def first_that_fits(self, ladder: _Ladder) -> Indices:
        """A step at or just before the first whose bandwidth is free."""
        with np.errstate(divide="ignore", invalid="ignore"):
            least_efficiency = self.bit_rate_bps * self.widening / self.free_bandwidth_hz
        found = np.searchsorted(ladder.efficiency, least_efficiency) - 1
        return np.broadcast_to(np.maximum(found, 0), (self.count,)).astype(np.intp)

    def rate_baud(self, ladder: _Ladder, step: Indices) -> Array:
        return symbol_rate_baud.or_nan(self.bit_rate_bps, ladder.efficiency[step])


def _walk(lanes: _Lanes, ladder: _Ladder, start: Indices, direction: int) -> "Iterator[_Stand]":
    """Stand on one step after the other with the lanes that the caller keeps, until none is left."""
    on = (start >= 0) & (start < len(ladder))
    stand = _Stand(np.flatnonzero(on), lanes.take(on), start[on])
    while len(stand.lane):
        yield stand
        on = stand.keep & (stand.step + direction >= 0) & (stand.step + direction < len(ladder))
        stand = _Stand(stand.lane[on], stand.lanes.take(on), stand.step[on] + direction)


@dataclass(eq=False)
class _Stand:
    """Lanes that stand each on a step of its own; `lane` is their place among all, `keep` who goes on."""

    lane: Indices
    lanes: _Lanes
    step: Indices

    def __post_init__(self) -> None:
        self.keep: Flags = np.zeros(len(self.lane), dtype=np.bool_)


def _search_down(lanes: _Lanes, ladder: _Ladder, start: Indices, least_hz: Array, best: Indices) -> None:
    """From `start` down, while the bandwidth alone is free and costs no more than what was found."""
    for stand in _walk(lanes, ladder, start, -1):
        here = stand.lanes
        rate_baud = here.rate_baud(ladder, stand.step)
        occupied_hz = rate_baud * here.widening
        stand.keep = occupied_hz <= np.minimum(least_hz[stand.lane], here.free_bandwidth_hz)
        share = here.noise.share_for(here.margin * ladder.demand[stand.step], rate_baud)
        leased_hz = np.maximum(occupied_hz, share * here.transponder_bandwidth_hz)
        better = stand.keep & (share <= here.power_limit(rate_baud)) & (leased_hz <= least_hz[stand.lane])
        least_hz[stand.lane[better]] = leased_hz[better]
        best[stand.lane[better]] = stand.step[better]
        # below, the bandwidth is wider
        stand.keep &= occupied_hz < least_hz[stand.lane]


def _search_up(lanes: _Lanes, ladder: _Ladder, start: Indices, least_hz: Array, best: Indices) -> None:
    """From `start` up, while a later step may need less power than there is, and than what was found."""
    for stand in _walk(lanes, ladder, np.maximum(start, lanes.first_that_fits(ladder)), 1):
        here = stand.lanes
        rate_baud = here.rate_baud(ladder, stand.step)
        occupied_hz = rate_baud * here.widening
        share = here.noise.share_for(here.margin * ladder.demand[stand.step], rate_baud)
        leased_hz = np.maximum(occupied_hz, share * here.transponder_bandwidth_hz)
        limit = here.power_limit(rate_baud)
        better = (occupied_hz <= here.free_bandwidth_hz) & (share <= limit) & (leased_hz < least_hz[stand.lane])
        least_hz[stand.lane[better]] = leased_hz[better]
        best[stand.lane[better]] = stand.step[better]
        ahead = share * ladder.power_ahead[stand.step] * (1 - ROUNDING)
        stand.keep = (ahead <= here.share_limit) & (ahead * here.transponder_bandwidth_hz < least_hz[stand.lane])
        if here.share_per_baud_limit.ndim:  # above, the density is higher
            stand.keep &= share * (1 - ROUNDING) <= here.share_per_baud_limit * rate_baud


def _nearest(lanes: _Lanes, ladder: _Ladder) -> tuple[Indices, Array]:
    """With all the power there is: the step that comes nearest of those that fit, and its Es/N0 over the demanded.

    Where nothing fits it is the most efficient, at `-inf`.
    """
    nearest = np.full(lanes.count, len(ladder) - 1, dtype=np.intp)
    most = np.full(lanes.count, -np.inf)
    for stand in _walk(lanes, ladder, lanes.first_that_fits(ladder), 1):
        here = stand.lanes
        rate_baud = here.rate_baud(ladder, stand.step)
        fits = rate_baud * here.widening <= here.free_bandwidth_hz
        excess = here.noise.excess(here.margin * ladder.demand[stand.step], rate_baud, here.power_limit(rate_baud))
        nearer = fits & (excess > most[stand.lane])
        most[stand.lane[nearer]] = excess[nearer]
        nearest[stand.lane[nearer]] = stand.step[nearer]
        at_least = np.minimum(ladder.power_ahead, ladder.demand_ahead)[stand.step]
        stand.keep = excess / at_least * (1 + ROUNDING) > most[stand.lane]
    return nearest, most
