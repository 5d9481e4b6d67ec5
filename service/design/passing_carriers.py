"""Carriers over passing satellites: one MODCOD, bandwidth and power that close at every instant of a plan.

Of all MODCODs that close at the worst instant with the power there is, and keep the limits on power density at every
instant, the one that takes least of the beam. What the rain leaves is weighted by the time at each elevation.
Source: ITU-R P.618-14, section 8.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.carrier_sizing import carrier_power_for_margin
from satcom.resource.physics.link_budget import BentPipeBudget, Carrier, at_full_power, bent_pipe_budget
from satcom.resource.physics.modcod import occupied_bandwidth_hz, symbol_rate_baud
from satcom.service.demand import Direction
from satcom.service.design.carriers import modcods
from satcom.service.design.passing_limits import Bounds, Reached, bounds_of
from satcom.service.design.passing_links import Instants, PassingLinks
from satcom.service.design.passing_weather import SHARES, outage_percent

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TooMuch:
    """Why no carrier will do, at the instant that decides: a missing margin, a limit on power density that even the
    least dense carrier exceeds, or bandwidth that a beam has not.
    """

    row: int
    short_by_db: float | None = None
    too_dense: Reached | None = None
    needed_hz: float | None = None


@dataclass(frozen=True)
class Passing:
    """One carrier with its share of the beam's power, and the instant at which it has least left."""

    links: PassingLinks
    every: Instants
    direction: Direction
    bit_rate_bps: int
    modcod: int
    power_share: float
    share_percent: float
    worst_row: int
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def carrier(self) -> Carrier:
        table, assumed = modcods(), self.links.assumed
        return Carrier(
            bit_rate_bps=float(self.bit_rate_bps),
            spectral_efficiency=float(table.spectral_efficiency[self.modcod]),
            required_es_n0_db=float(table.es_n0_threshold_db[self.modcod]) + assumed.implementation_margin_db,
            rolloff=assumed.roll_off,
            required_margin_db=assumed.required_margin_db,
            modcod=str(table.name[self.modcod]),
        )

    def budget(self, at: Instants, share_percent: Array) -> BentPipeBudget:
        """At some instants, faded as for each share of the year; arrays (shares, instants)."""
        payload = self.links.facts.payload(self.direction)
        backoff_db = payload.output_backoff_db - 10 * np.log10(self.power_share)
        return bent_pipe_budget.or_nan(self.links.link(self.direction, at, share_percent), self.carrier, backoff_db)

    @cached_property
    def over_the_year(self) -> BentPipeBudget:
        """At every instant and share."""
        return self.budget(self.every, SHARES)

    @property
    def share_per_baud(self) -> float:
        """How dense it is."""
        return self.power_share / float(symbol_rate_baud.or_nan(self.bit_rate_bps, self.carrier.spectral_efficiency))

    @property
    def clear_margin_db(self) -> Array:
        """Under clear sky, at every instant."""
        shape = len(SHARES), len(self.every)
        margin_db: Array = np.broadcast_to(self.over_the_year.margin_clear_db, shape)[0]
        return margin_db

    @property
    def faded_margin_db(self) -> Array:
        """In the rain that it is sized for, on the uplink or the downlink, at every instant."""
        faded = self.budget(self.every, np.array([self.share_percent])).margin_db
        margin_db: Array = np.broadcast_to(faded, (1, len(self.every)))[0]
        return margin_db

    def outages_percent(self) -> tuple[Array, Array]:
        """How often rain on the uplink and on the downlink puts it out, at every instant."""
        required_db = self.links.assumed.required_margin_db
        year, shape = self.over_the_year, (len(SHARES), len(self.every))
        up, down = (np.broadcast_to(one, shape) for one in (year.margin_uplink_rain_db, year.margin_downlink_rain_db))
        return outage_percent(up, required_db), outage_percent(down, required_db)


def sized(
    links: PassingLinks,
    every: Instants,
    direction: Direction,
    bit_rate_bps: int,
    share_percent: float,
    room_hz: int,
) -> Passing | TooMuch:
    """The carrier that takes least of a beam and closes at every instant at this share of the year.

    `room_hz` is what others have left of the beam; of its power as much is left.
    """
    table, assumed = modcods(), links.assumed
    payload = links.facts.payload(direction)
    link = links.link(direction, every, np.array([share_percent]))
    efficiency = table.spectral_efficiency[:, None]
    carriers = Carrier(
        bit_rate_bps=float(bit_rate_bps),
        spectral_efficiency=efficiency,
        required_es_n0_db=table.es_n0_threshold_db[:, None] + assumed.implementation_margin_db,
        rolloff=assumed.roll_off,
        required_margin_db=assumed.required_margin_db,
    )
    needed = carrier_power_for_margin.or_nan(
        link, carriers
    ).power_share  # (modcods, instants), nan where no power would do
    needed = np.where(np.isfinite(needed), needed, np.inf)
    full = at_full_power.or_nan(link)
    station = np.broadcast_to(10 ** (full.hpa_margin_db / 10), (1, len(every)))
    limit = min(float(station.min()), 1.0)
    share = needed.max(axis=1)
    occupied_hz = np.asarray(occupied_bandwidth_hz.or_nan(bit_rate_bps, efficiency, assumed.roll_off)).reshape(-1)
    closes = share <= limit
    if not closes.any():
        return _too_weak(links, every, direction, bit_rate_bps, share_percent, limit)
    charged_hz = np.maximum(occupied_hz, share * payload.bandwidth_hz)
    bounds = bounds_of(links, every, direction, link, full)
    density = share / np.asarray(symbol_rate_baud.or_nan(bit_rate_bps, efficiency)).reshape(-1)
    keeps = closes & (density <= bounds.share_per_baud)
    in_an_empty_beam = closes & (np.ceil(charged_hz) <= payload.bandwidth_hz)
    if in_an_empty_beam.any() and not (keeps & in_an_empty_beam).any():
        worst = bounds.worst(float(density[in_an_empty_beam].min()))
        return TooMuch(worst.row, too_dense=worst)
    fits = keeps & (np.ceil(charged_hz) <= room_hz)
    if not fits.any():
        would_do = keeps if keeps.any() else closes
        best = int(np.flatnonzero(would_do)[np.argmin(charged_hz[would_do])])
        return TooMuch(int(np.argmax(needed[best])), needed_hz=float(charged_hz[best]))
    best = int(np.argmin(np.where(fits, charged_hz, np.inf)))
    worst_row = int(np.argmax(needed[best]))
    return Passing(links, every, direction, bit_rate_bps, best, float(share[best]), share_percent, worst_row, bounds)


def _too_weak(
    links: PassingLinks, every: Instants, direction: Direction, bit_rate_bps: int, share_percent: float, limit: float
) -> TooMuch:
    """The MODCOD that asks least, with all the power there is, at its worst instant."""
    weakest = Passing(links, every, direction, bit_rate_bps, 0, limit, share_percent, 0)
    margin_db = np.broadcast_to(weakest.budget(every, np.array([share_percent])).margin_db, (1, len(every)))[0]
    left_db = margin_db - links.assumed.required_margin_db
    row = int(np.argmin(left_db))
    return TooMuch(row, short_by_db=float(-left_db[row]))


def worst_budget(one: Passing) -> BentPipeBudget:
    """At the instant that decides, at the share of the year that it was sized for; arrays (1,)."""
    at = one.budget(one.every.only(one.worst_row), np.array([one.share_percent]))
    return BentPipeBudget(**{line.name: np.ravel(getattr(at, line.name)) for line in fields(at)})
