"""Lanes of a survey: all ways through all payloads that are left, with the ground they refer to.

A payload's lanes lie side by side, transponders by gateways by terminals, so that a payload is a block of an array.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.free_spectrum import FreeCapacity, free_capacity
from satcom.resource.hold import Period
from satcom.resource.licence import LicenceFact
from satcom.service.demand import SiteDemand
from satcom.service.design.facts import Assumptions, Fleet, Occupancy
from satcom.service.design.limits import DensityLimits, density_limits
from satcom.service.design.links import GatewayArrays, Ground, Lanes, TerminalArrays
from satcom.service.design.payloads import Gateway, payloads, transponder_arrays
from satcom.service.design.room import Room
from satcom.service.design.sky import (
    Promised,
    RayTable,
    gateway_beam_gain_db,
    gateway_look,
    gateway_rays,
    site_rays,
)
from satcom.service.design.survey import Reached, Survey

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Block:
    """The lanes of one payload: from `start` on, of `shape` (transponders, gateways, terminals)."""

    reached: Reached
    start: int
    shape: tuple[int, int, int]

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + int(np.prod(self.shape)))

    def lane(self, transponder: int, gateway: int, terminal: int) -> int:
        return self.start + int(np.ravel_multi_index((transponder, gateway, terminal), self.shape))


@dataclass(frozen=True, eq=False)
class Layout:
    """All lanes, their blocks, and what they refer to. `free` is by row of the fleet's transponders, as in `room`.

    `limits` are `None` where nothing limits the density of any carrier. `licences` are by id of terminal type.
    """

    fleet: Fleet
    lanes: Lanes
    blocks: tuple[Block, ...]
    gateways: tuple[Gateway, ...]
    ground: Ground
    free: FreeCapacity
    room: Room
    promised: Promised
    limits: DensityLimits | None
    licences: dict[str, LicenceFact]


def layout(found: Survey, demand: SiteDemand, occupancy: Occupancy, assumed: Assumptions) -> Layout:
    """Lay out the lanes of a survey, with one call of P.618 for the rays of the site."""
    fleet = found.fleet
    promised = Promised(demand.availability_percent, assumed.confidence_percent, assumed.pointing_counted)
    gateway_up, gateway_down = gateway_rays(fleet, found.at, promised)
    site_up, site_down = site_rays(
        fleet,
        [one.payload for one in found.reached],
        found.site,
        demand.latitude_deg,
        demand.longitude_deg,
        found.height_km,
        promised,
        found.at,
    )
    row_of = {(one.satellite, one.band): row for row, one in enumerate(payloads(fleet))}
    parts: list[Lanes] = []
    blocks: list[Block] = []
    gateways: list[Gateway] = []
    start = 0
    for row, one in enumerate(found.reached):
        gateway_row = row_of[one.payload.satellite, one.payload.band]
        lanes, shape = _lanes(one, len(gateways), (site_up, site_down, row), (gateway_up, gateway_down, gateway_row))
        blocks.append(Block(one, start, shape))
        gateways += [one.payload.gateways[index] for index in one.gateways]
        parts.append(lanes)
        start += len(lanes)
    from_gateways = gateway_look(fleet, found.at)
    ground = Ground(
        gateways=_gateway_arrays(gateways),
        terminals=_terminal_arrays(fleet, found.licences),
        site_range_km=found.site.range_km[:, 0],
        gateway_range_km=from_gateways.range_km,
        site_elevation_deg=found.site.elevation_deg[:, 0],
        gateway_elevation_deg=from_gateways.elevation_deg,
        site_beam_gain_db=found.site_beam_gain_db,
        gateway_beam_gain_db=gateway_beam_gain_db(fleet),
        site_up=site_up,
        site_down=site_down,
        gateway_up=gateway_up,
        gateway_down=gateway_down,
    )
    return Layout(
        fleet,
        Lanes.together(parts),
        tuple(blocks),
        tuple(gateways),
        ground,
        free_of_fleet(fleet, occupancy, found.period),
        Room(fleet, occupancy, found.period),
        promised,
        (
            density_limits(fleet, ground, found.at, assumed.over_footprint, found.licences)
            if assumed.within_limits
            else None
        ),
        found.licences,
    )


def _lanes(
    one: Reached, first_gateway: int, site: tuple[RayTable, RayTable, int], gateway: tuple[RayTable, RayTable, int]
) -> tuple[Lanes, tuple[int, int, int]]:
    payload = one.payload
    terminals, gateways = np.array(one.terminals, dtype=np.intp), np.array(one.gateways, dtype=np.intp)
    shape = len(one.transponders), len(gateways), len(terminals)
    kinds = payload.up.kind[one.transponders], payload.down.kind[one.transponders]

    def flat(values: Indices) -> Indices:
        return np.broadcast_to(values, shape).reshape(-1)

    def rays(table: RayTable, row: int, kind: Indices, dishes: int, dish: Indices) -> Indices:
        return flat(table.start[row] + kind[:, None, None] * dishes + dish)

    at_site = len(payload.terminals), terminals[None, None, :]
    at_gateway = len(payload.gateways), gateways[None, :, None]
    return Lanes(
        transponder=flat(payload.transponders[one.transponders][:, None, None]),
        gateway=flat((first_gateway + np.arange(len(gateways)))[None, :, None]),
        terminal=flat(np.array(payload.terminals, dtype=np.intp)[terminals][None, None, :]),
        site_up_ray=rays(site[0], site[2], kinds[0], *at_site),
        site_down_ray=rays(site[1], site[2], kinds[1], *at_site),
        gateway_up_ray=rays(gateway[0], gateway[2], kinds[0], *at_gateway),
        gateway_down_ray=rays(gateway[1], gateway[2], kinds[1], *at_gateway),
    ), shape


def _gateway_arrays(gateways: list[Gateway]) -> GatewayArrays:
    antennas = [one.antenna for one in gateways]
    return GatewayArrays(
        station=np.array([one.station for one in gateways], dtype=np.intp),
        diameter_m=np.array([one.diameter_m for one in antennas]),
        efficiency=np.array([one.efficiency for one in antennas]),
        hpa_power_dbw=np.array([one.hpa_power_dbw for one in antennas]),
        noise_temperature_k=np.array([one.noise_temperature_k for one in antennas]),
    )


def _terminal_arrays(fleet: Fleet, licences: dict[str, LicenceFact]) -> TerminalArrays:
    kinds = fleet.terminal_types
    allowed = [licences[one.id].eirp_limit_dbw if one.id in licences else None for one in kinds]
    return TerminalArrays(
        diameter_m=np.array([one.antenna_diameter_m for one in kinds]),
        efficiency=np.array([one.antenna_efficiency for one in kinds]),
        power_dbw=10 * np.log10(np.array([one.buc_power_w for one in kinds])),
        noise_figure_db=np.array([one.lnb_noise_figure_db for one in kinds]),
        eirp_limit_dbw=np.array([np.inf if one is None else one for one in allowed]),
    )


def free_of_fleet(fleet: Fleet, occupancy: Occupancy, period: Period) -> FreeCapacity:
    """What is free in the period, by row of the fleet; 0 where nobody asked."""
    arrays = transponder_arrays(fleet)
    row_of = {one.id: row for row, one in enumerate(fleet.transponders)}
    rows = np.array([row_of[one] for one in occupancy.transponder_ids], dtype=np.intp)
    guard_hz = arrays.guard_band_hz
    free = free_capacity(
        arrays.low_edge_hz[rows],
        arrays.high_edge_hz[rows] - arrays.low_edge_hz[rows],
        guard_hz[rows],
        occupancy.taken,
        period,
    )
    whole = [np.zeros(len(guard_hz), dtype=np.int64) for _ in range(3)]
    for column, values in zip(whole, (free.widest_hz, free.second_widest_hz, free.power_hz), strict=True):
        column[rows] = values
    widest_hz, second_widest_hz, power_hz = whole
    return FreeCapacity(widest_hz, second_widest_hz, power_hz, guard_hz)
