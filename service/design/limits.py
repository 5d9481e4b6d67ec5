"""Limits: how dense in power a carrier may be, whoever pays for it.

On the up link what a station radiates beside its satellite (S.524), what was agreed with the neighbours, and what the
licence lets a terminal send; on the down
link what arrives on the ground, at the receiving place and wherever the beam comes nearest to the limit (Radio
Regulations, Article 21), and what was agreed at the peak of the beam.
All of them bound the EIRP density under clear sky, so that of each lane the strictest is kept, one up and one down;
which of them decided is asked only of a loser.
Whether a country has licensed the service is `survey`. Words: `resource.physics.regulatory_limits`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from satcom.resource.licence import LicenceFact
from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.beam_footprint import WorstPlace, footprint, worst_place
from satcom.resource.physics.budget_lines import BentPipeBudget
from satcom.resource.physics.coverage import relative_gain_db
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.physics.power_flux_density import (
    TABLE_21_4,
    flux_density_excess_db,
    flux_density_limit_dbw_per_m2_hz,
    ground_eirp_density_limit_dbw_per_hz,
    rows_at,
)
from satcom.resource.physics.regulatory_limits import (
    AGREEMENT,
    Breach,
    CoordinationLimits,
    Gate,
    breaches,
    flange_density_limit_dbw_per_hz,
    flux_breach,
)
from satcom.service.demand import Direction, LeaseDemand
from satcom.service.design.facts import Fleet, TransponderFacts
from satcom.service.design.links import Ground, Lanes
from satcom.service.design.payloads import transponder_arrays
from satcom.service.design.sky import beam_shapes, gateway_beam_gain_db, gateway_look
from satcom.service.design.survey import Setback
from satcom.service.way import Reason

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Worst = tuple[WorstPlace | None, ...]
ROUNDING = 1e-9  # a carrier stays this much below, so that whoever computes it afresh finds it below, too


@dataclass(frozen=True, eq=False)
class DensityLimits:
    """Most EIRP density under clear sky in dBW/Hz, of the sender and towards the receiver; `inf` where nothing is set.

    Up by (kind of antenna, transponder), with the kind of each of the layout's gateways; terminals are kinds. Down
    `site_down` by transponder, `gateway_down` by (transponder, station). `worst` is by transponder the place of its
    beam where it comes nearest to the limit on the ground, empty where only the receiving place is asked. `licences`
    are by type of terminal.
    """

    gateway_kind: Indices
    gateway_up: Array
    terminal_up: Array
    site_down: Array
    gateway_down: Array
    worst: Worst
    licences: tuple[LicenceFact | None, ...]

    def up_and_down(self, direction: Direction, lanes: Lanes, station: Indices) -> tuple[Array, Array]:
        """Of each lane; `station` is that of each of the layout's gateways."""
        transponder = lanes.transponder
        if direction == "forward":
            return _at(self.gateway_up, self.gateway_kind[lanes.gateway], transponder), self.site_down[transponder]
        return (
            _at(self.terminal_up, lanes.terminal, transponder),
            _at(self.gateway_down, transponder, station[lanes.gateway]),
        )

    def excess_db(self, direction: Direction, lanes: Lanes, station: Indices, budget: BentPipeBudget) -> Array:
        """By how much each lane's carrier is denser than the strictest of its limits; negative where it keeps them."""
        up_db, down_db = self.up_and_down(direction, lanes, station)
        excess_db: Array = np.maximum(budget.uplink_eirp_dbw - up_db, budget.satellite_eirp_dbw - down_db)
        excess_db -= 10 * np.log10(budget.symbol_rate_baud)
        return excess_db


def density_limits(
    fleet: Fleet, ground: Ground, at: datetime, over_footprint: bool, licences: Mapping[str, LicenceFact]
) -> DensityLimits | None:
    """The limits of a layout, `None` where none binds any of its carriers."""
    arrays = transponder_arrays(fleet)
    agreed_up, at_peak = _agreed(fleet)[0], _at_peak(fleet, over_footprint)
    under = tuple(licences.get(one.id) for one in fleet.terminal_types)
    licensed = [None if one is None else one.eirp_density_limit_dbw_per_hz for one in under]
    terminal_up = np.fmin(agreed_up, np.array(licensed, dtype=np.float64)[:, None])
    antennas, terminals = ground.gateways, ground.terminals
    dishes, kind = np.unique(antennas.diameter_m + 1j * antennas.efficiency, return_inverse=True)
    at_site = ground_eirp_density_limit_dbw_per_hz.or_nan(
        ground.site_range_km[arrays.satellite], ground.site_elevation_deg[arrays.satellite], arrays.down_freq_hz
    )
    found = DensityLimits(
        gateway_kind=kind.reshape(-1),
        gateway_up=_strictest(_off_axis(dishes.real, dishes.imag, fleet), agreed_up),
        terminal_up=_strictest(_off_axis(terminals.diameter_m, terminals.efficiency, fleet), terminal_up),
        site_down=_strictest(at_site, at_peak + ground.site_beam_gain_db[arrays.down_beam]),
        gateway_down=_gateway_down(fleet, at, over_footprint),
        worst=worst_places(fleet) if over_footprint else (),
        licences=under,
    )
    every = (found.gateway_up, found.terminal_up, found.site_down, found.gateway_down)
    return found if any(np.isfinite(one).any() for one in every) else None


@dataclass(frozen=True)
class Carried:
    """EIRP densities of one carrier under clear sky: of the sender, and of the satellite towards the receiver."""

    direction: Direction
    uplink_dbw_per_hz: float
    downlink_dbw_per_hz: float


def worst_breach(fleet: Fleet, ground: Ground, lane: Lanes, carried: Carried, limits: DensityLimits) -> Breach:
    """The limit that the carrier of a single lane exceeds most; it must exceed one."""
    row = int(lane.transponder[0])
    transponder, satellite = fleet.transponders[row], int(transponder_arrays(fleet).satellite[row])
    gateway, beam = int(lane.gateway[0]), fleet.beam_index[transponder.downlink_beam_id]
    station = int(ground.gateways.station[gateway])
    dish: tuple[float, float]
    if carried.direction == "forward":
        dish = ground.gateways.diameter_m[gateway], ground.gateways.efficiency[gateway]
        range_km, arrival_deg = ground.site_range_km[satellite], ground.site_elevation_deg[satellite]
        below_peak_db = ground.site_beam_gain_db[beam]
    else:
        kind = fleet.terminal_types[int(lane.terminal[0])]
        dish = kind.antenna_diameter_m, kind.antenna_efficiency
        there = satellite, station
        range_km, arrival_deg = ground.gateway_range_km[there], ground.gateway_elevation_deg[there]
        below_peak_db = ground.gateway_beam_gain_db[beam, station]
    up_hz, agreed_up = float(transponder.uplink_center_hz), transponder.uplink_eirp_density_limit_dbw_per_hz
    held = _held(
        breaches(
            uplink_power_density_dbw_per_hz=carried.uplink_dbw_per_hz - float(parabola_gain_dbi.or_nan(*dish, up_hz)),
            uplink_eirp_density_dbw_per_hz=carried.uplink_dbw_per_hz,
            diameter_m=dish[0],
            efficiency=dish[1],
            uplink_freq_hz=up_hz,
            downlink_eirp_density_dbw_per_hz=carried.downlink_dbw_per_hz,
            downlink_range_km=float(range_km),
            arrival_deg=float(arrival_deg),
            downlink_freq_hz=float(transponder.downlink_center_hz),
            agreed=None if agreed_up is None else CoordinationLimits(agreed_up),
        ),
        transponder,
        carried.downlink_dbw_per_hz - float(below_peak_db),
        limits.worst[row] if limits.worst else None,
    )
    licence = limits.licences[int(lane.terminal[0])] if carried.direction == "return" else None
    return max((*held, *_over_licence(licence, carried.uplink_dbw_per_hz)), key=lambda one: one.over_db)


def _over_licence(licence: LicenceFact | None, uplink_dbw_per_hz: float) -> tuple[Breach, ...]:
    limit = None if licence is None else licence.eirp_density_limit_dbw_per_hz
    if licence is None or limit is None or uplink_dbw_per_hz <= limit:
        return ()
    return (Breach(Gate.LICENSED_DENSITY, uplink_dbw_per_hz, limit, "dBW/Hz", f"licence {licence.reference}"),)


def breach_told(breach: Breach, what: str, subject: str) -> Setback:
    """Why what would else do is not offered."""
    over_db, where = breach.over_db, f" {breach.where}" if breach.latitude_deg is not None else ""
    text = f"{what}: {over_db:.1f} dB denser than allowed{where} ({breach.source})"
    reason = Reason(breach.gate.value)
    return Setback(reason, subject, text, round(breach.value, 3), round(breach.limit, 3), breach.unit, over_db)


def _held(
    found: tuple[Breach, ...], transponder: TransponderFacts, at_peak_dbw_per_hz: float, worst: WorstPlace | None
) -> tuple[Breach, ...]:
    """With what was agreed at the peak of the beam, and what it lays on the worst place."""
    agreed = transponder.downlink_eirp_density_limit_dbw_per_hz
    if agreed is not None and at_peak_dbw_per_hz > agreed:
        found = *found, Breach(Gate.COORDINATED_DOWNLINK, at_peak_dbw_per_hz, agreed, "dBW/Hz", AGREEMENT)
    if worst is not None and at_peak_dbw_per_hz > worst.eirp_density_limit_dbw_per_hz:
        found = *found, flux_breach(worst, at_peak_dbw_per_hz)
    return found


def lease_breaches(fleet: Fleet, demand: LeaseDemand, power_hz: Array, over_footprint: bool) -> dict[int, Breach]:
    """By row of the fleet's transponders the limit down that a lease with this share of power exceeds most.

    Its power lies evenly over its bandwidth. Over the footprint it need not be known where it is received.
    """
    arrays = transponder_arrays(fleet)
    share_db = 10 * np.log10(power_hz / arrays.bandwidth_hz) - 10 * np.log10(demand.bandwidth_hz)
    at_peak = arrays.eirp_dbw - arrays.output_backoff_db + share_db
    found: dict[int, Breach] = {}
    agreed = _agreed(fleet)[1]
    for row in np.flatnonzero(at_peak > agreed):
        value, limit = float(at_peak[row]), float(agreed[row])
        _keep_worse(found, int(row), Breach(Gate.COORDINATED_DOWNLINK, value, limit, "dBW/Hz", AGREEMENT))
    for index, worst in enumerate(worst_places(fleet) if over_footprint else ()):
        if worst is not None and at_peak[index] > worst.eirp_density_limit_dbw_per_hz:
            _keep_worse(found, index, flux_breach(worst, float(at_peak[index])))
    if demand.downlink_latitude_deg is None or demand.downlink_longitude_deg is None:
        return found
    place = np.array([demand.downlink_latitude_deg]), np.array([demand.downlink_longitude_deg])
    gain_db = relative_gain_db.or_nan(beam_shapes(fleet), *place)[:, 0][arrays.down_beam]
    slots_deg = np.array([one.orbital_longitude_deg for one in fleet.satellites])
    seen = slot_angles.or_nan(slots_deg, *place, np.zeros(1))
    range_km, arrival_deg = seen.range_km[arrays.satellite, 0], seen.elevation_deg[arrays.satellite, 0]
    limit_there = flux_density_limit_dbw_per_m2_hz.or_nan(arrival_deg, arrays.down_freq_hz)
    there = limit_there + flux_density_excess_db.or_nan(at_peak + gain_db, range_km, arrival_deg, arrays.down_freq_hz)
    for row in np.flatnonzero(there > limit_there):
        breach = Breach(Gate.POWER_FLUX_DENSITY, float(there[row]), float(limit_there[row]), "dBW/m2/Hz", TABLE_21_4)
        _keep_worse(found, int(row), breach)
    return found


def _keep_worse(found: dict[int, Breach], row: int, breach: Breach) -> None:
    known = found.get(row)
    if known is None or breach.over_db > known.over_db:
        found[row] = breach


@lru_cache(maxsize=4)
def worst_places(fleet: Fleet) -> Worst:
    """Of each transponder the place of its beam where a carrier comes nearest to the limit on the ground.

    `None` where no limit is set. The satellite stands in its slot. Rows of the table that are the same share a place.
    """
    beams, slots = beam_shapes(fleet), {one.id: one.orbital_longitude_deg for one in fleet.satellites}
    known: dict[tuple[int, tuple[int, ...]], WorstPlace | None] = {}
    told = []
    for one in fleet.transponders:
        freq_hz, beam = float(one.downlink_center_hz), fleet.beam_index[one.downlink_beam_id]
        key = beam, rows_at(freq_hz)
        if key not in known:
            known[key] = worst_place(footprint(beams[beam], slots[one.satellite_id]), freq_hz) if key[1] else None
        told.append(known[key])
    return tuple(told)


def _at_peak(fleet: Fleet, over_footprint: bool) -> Array:
    """Most EIRP density at the peak of each transponder's beam; nan where nothing is limited."""
    agreed = _agreed(fleet)[1]
    if not over_footprint:
        return agreed
    worst = [np.nan if one is None else one.eirp_density_limit_dbw_per_hz for one in worst_places(fleet)]
    at_peak: Array = np.fmin(agreed, np.array(worst, dtype=np.float64))
    return at_peak


@lru_cache(maxsize=4)
def _agreed(fleet: Fleet) -> tuple[Array, Array]:
    """What was agreed of each transponder, up and at the peak of the beam down; nan where nothing was."""
    up = [one.uplink_eirp_density_limit_dbw_per_hz for one in fleet.transponders]
    down = [one.downlink_eirp_density_limit_dbw_per_hz for one in fleet.transponders]
    return np.array(up, dtype=np.float64), np.array(down, dtype=np.float64)


@lru_cache(maxsize=4)
def _gateway_down(fleet: Fleet, at: datetime, over_footprint: bool) -> Array:
    arrays, seen = transponder_arrays(fleet), gateway_look(fleet, at)
    on_the_ground = ground_eirp_density_limit_dbw_per_hz.or_nan(
        seen.range_km[arrays.satellite], seen.elevation_deg[arrays.satellite], arrays.down_freq_hz[:, None]
    )
    at_peak = _at_peak(fleet, over_footprint)[:, None]
    return _strictest(on_the_ground, at_peak + gateway_beam_gain_db(fleet)[arrays.down_beam])


def _off_axis(diameter_m: Array, efficiency: Array, fleet: Fleet) -> Array:
    """EIRP density on axis with which side lobes keep S.524, by (antenna, transponder)."""
    freqs_hz, freq = _uplink_freqs(fleet)
    return _off_axis_of_kinds(tuple(diameter_m.tolist()), tuple(efficiency.tolist()), freqs_hz)[:, freq]


@lru_cache(maxsize=4)
def _uplink_freqs(fleet: Fleet) -> tuple[tuple[float, ...], Indices]:
    freqs_hz, freq = np.unique(transponder_arrays(fleet).up_freq_hz, return_inverse=True)
    return tuple(freqs_hz.tolist()), freq.reshape(-1)


@lru_cache(maxsize=16)
def _off_axis_of_kinds(
    diameters_m: tuple[float, ...], efficiencies: tuple[float, ...], freqs_hz: tuple[float, ...]
) -> Array:
    """Each kind of antenna once for all sites, since every angle is looked at."""
    dish = np.array(diameters_m)[:, None], np.array(efficiencies)[:, None], np.array(freqs_hz)
    on_axis: Array = flange_density_limit_dbw_per_hz.or_nan(*dish) + parabola_gain_dbi.or_nan(*dish)
    return on_axis


def _at(table: Array, row: Indices, column: Indices) -> Array:
    values: Array = table.ravel().take(row * table.shape[1] + column)
    return values


def _strictest(one: Array, other: Array) -> Array:
    """The lower, where nan is no limit."""
    lower = np.fmin(one, other)
    return np.where(np.isnan(lower), np.inf, lower)
