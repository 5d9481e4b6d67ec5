"""Limits on power density over passing satellites: what each instant of a plan allows a carrier, and what it reaches.

Distance, angle of arrival and gateway change while satellites pass, the carrier does not: it keeps every limit at every
instant. The satellite's power for it is always the same, so the flux density on the ground follows distance and angle;
whoever transmits follows the distance, so the densities up are greatest where the satellite is farthest.
On the ground all of the beam that lights a site counts, the site anywhere in it; at the gateway, whose beam's size is
not known, the gateway at the peak. A carrier may lie anywhere in the beam's band, so the strictest part of it counts.
All densities are under clear sky.
Protecting the geostationary arc (Article 22, EPFD) takes the whole constellation, and is not here; S.524 is written for
stations of geostationary networks, so it holds only where the operator says that his are bound to it.
Words: `resource.physics.regulatory_limits`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.beam_footprint import PassingFootprint, passing_footprint
from satcom.resource.physics.link_budget import FullPower, Link, spreading_loss_db_m2
from satcom.resource.physics.power_flux_density import (
    FLUX_DENSITY,
    TABLE_21_4,
    passing_flux_density_limit_dbw_per_m2_hz,
)
from satcom.resource.physics.regulatory_limits import (
    AGREEMENT,
    DENSITY,
    LICENCE,
    OVER_THE_LIMIT,
    S_524_9,
    Gate,
    flange_density_limit_dbw_per_hz,
)
from satcom.service.demand import Direction
from satcom.service.design.limits import ROUNDING
from satcom.service.design.passing_links import Instants, PassingLinks
from satcom.service.way import BudgetLine

Array = NDArray[np.float64]
_LABELS = {
    Gate.OFF_AXIS_EIRP_DENSITY: "Side lobes over S.524-9",
    Gate.POWER_FLUX_DENSITY: "Power flux-density on the ground",
    Gate.COORDINATED_UPLINK: "Uplink EIRP density",
    Gate.COORDINATED_DOWNLINK: "Downlink EIRP density, at the peak",
    Gate.LICENSED_DENSITY: "Uplink EIRP density, by the licence",
}


@dataclass(frozen=True)
class Reached:
    """What a carrier reaches of one limit, and at which instant; on the ground also where, as `PassingFootprint`."""

    gate: Gate
    value: float
    limit: float
    unit: str
    source: str
    row: int
    arrival_deg: float | None = None
    away_km: float | None = None

    @property
    def over_db(self) -> float:
        """Negative where it is kept."""
        return self.value - self.limit


@dataclass(frozen=True, eq=False)
class Bound:
    """One limit at every instant, nan where none is set; arrays (instants,).

    `at_full_power` is what one baud with all the power of the beam would reach, in the unit of the limit.
    """

    gate: Gate
    unit: str
    source: str
    at_full_power: Array
    limit: Array
    lit: PassingFootprint | None = None

    def reached(self, share_per_baud: float, row: int | None = None) -> Reached:
        """At an instant, or at the one where least is left."""
        value = self.at_full_power + 10 * np.log10(share_per_baud)
        row = int(np.nanargmax(value - self.limit)) if row is None else row
        told = Reached(self.gate, float(value[row]), float(self.limit[row]), self.unit, self.source, row)
        if self.lit is None:
            return told
        return replace(told, arrival_deg=float(self.lit.arrival_deg[row]), away_km=float(self.lit.away_km[row]))


@dataclass(frozen=True, eq=False)
class Bounds:
    """The limits that a carrier in one direction is held to."""

    every: tuple[Bound, ...] = ()

    @property
    def share_per_baud(self) -> float:
        """Most of the beam's power that each symbol a second may have; `inf` where nothing is limited."""
        left_db = [float(np.nanmin(one.limit - one.at_full_power)) for one in self.every]
        return float(10 ** (min(left_db) / 10) * (1 - ROUNDING)) if left_db else np.inf

    def worst(self, share_per_baud: float) -> Reached:
        """The limit that such a carrier exceeds most, or has least left of; there must be one."""
        return max((one.reached(share_per_baud) for one in self.every), key=lambda one: one.over_db)

    def kept(self, share_per_baud: float) -> tuple[Reached, ...]:
        """Each limit where least of it is left."""
        return tuple(one.reached(share_per_baud) for one in self.every)

    def lines(self, share_per_baud: float, row: int) -> tuple[BudgetLine, ...]:
        """The lines of a budget at an instant: what is reached, and what is allowed there."""
        lines: list[BudgetLine] = []
        for bound in self.every:
            one = bound.reached(share_per_baud, row)
            if np.isnan(one.limit):
                continue
            label, beside = _LABELS[one.gate], one.gate is Gate.OFF_AXIS_EIRP_DENSITY
            lines.append(BudgetLine(label=label, clear_sky=one.value, unit="dB" if beside else one.unit))
            if not beside:
                lines.append(BudgetLine(label="of it allowed", clear_sky=one.limit, unit=one.unit))
        return tuple(lines)


def bounds_of(links: PassingLinks, every: Instants, direction: Direction, link: Link, full: FullPower) -> Bounds:
    """The limits of a site's carrier in one direction; `link` and `full` are those of the instants."""
    facts = links.facts
    if facts.satellite_count is None or not links.assumed.within_limits:
        return Bounds()
    payload = facts.payload(direction)
    uplink_dbw = np.broadcast_to(full.uplink_eirp_dbw, (1, len(every)))[0]
    at_peak_dbw = np.full(len(every), payload.eirp_saturation_dbw - payload.output_backoff_db)
    there = every.geometry
    range_km, arrival_deg = (
        (there.site_range_km, there.site_elevation_deg)
        if direction == "forward"
        else (there.gateway_range_km, there.gateway_elevation_deg)
    )
    half_hz = payload.bandwidth_hz / 2
    band_hz = payload.downlink_center_hz - half_hz, payload.downlink_center_hz + half_hz
    worst: PassingFootprint | None = None
    if facts.beam_diameter_km is None or direction == "return":
        on_the_ground = passing_flux_density_limit_dbw_per_m2_hz.or_nan(arrival_deg, *band_hz, facts.satellite_count)
        arrives = at_peak_dbw - spreading_loss_db_m2.or_nan(range_km)
    else:
        worst = passing_footprint(
            range_km, arrival_deg, facts.beam_diameter_km, facts.edge_gain_db, band_hz, facts.satellite_count
        )
        on_the_ground, arrives = worst.limit_dbw_per_m2_hz, at_peak_dbw + worst.at_one_dbw_per_m2_hz
    up, down = payload.uplink_eirp_density_limit_dbw_per_hz, payload.downlink_eirp_density_limit_dbw_per_hz
    found = [
        Bound(
            Gate.POWER_FLUX_DENSITY,
            FLUX_DENSITY,
            TABLE_21_4,
            arrives,
            on_the_ground,
            worst,
        ),
        Bound(Gate.COORDINATED_UPLINK, DENSITY, AGREEMENT, uplink_dbw, _everywhere(up, every)),
        Bound(Gate.COORDINATED_DOWNLINK, DENSITY, AGREEMENT, at_peak_dbw, _everywhere(down, every)),
    ]
    if direction == "return" and links.licensed_density_dbw_per_hz is not None:
        licensed = _everywhere(links.licensed_density_dbw_per_hz, every)
        found.append(Bound(Gate.LICENSED_DENSITY, DENSITY, LICENCE, uplink_dbw, licensed))
    if payload.uplink_off_axis_limit is not None:
        at_the_flange_dbw = uplink_dbw - np.asarray(link.transmit.antenna_gain_dbi)
        over_db = at_the_flange_dbw - _flange_limit(links, every, direction, payload.uplink_center_hz)
        zero = np.zeros(len(every))
        found.insert(0, Bound(Gate.OFF_AXIS_EIRP_DENSITY, OVER_THE_LIMIT, S_524_9, over_db, zero))
    return Bounds(tuple(one for one in found if np.isfinite(one.limit - one.at_full_power).any()))


def _everywhere(limit: float | None, every: Instants) -> Array:
    return np.full(len(every), np.nan if limit is None else limit)


def _flange_limit(links: PassingLinks, every: Instants, direction: Direction, freq_hz: float) -> Array:
    """Most density at the flange of whoever transmits, at every instant."""
    if direction == "return":
        kind = links.terminal
        alone = flange_density_limit_dbw_per_hz.or_nan(kind.antenna_diameter_m, kind.antenna_efficiency, freq_hz)
        return np.full(len(every), float(alone))
    dishes = [one.antenna for one in links.gateways]
    diameter_m, efficiency = (np.array([getattr(one, name) for one in dishes]) for name in ("diameter_m", "efficiency"))
    of_gateways: Array = flange_density_limit_dbw_per_hz.or_nan(diameter_m, efficiency, freq_hz)[every.gateway]
    return of_gateways
