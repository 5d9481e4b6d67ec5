"""Links: what a carrier meets on its way, for many lanes at once.

A lane is one transponder with one gateway and one kind of terminal at the site; it is looked at in both directions,
`forward` from the gateway up and down to the site, `return` from the site up and down to the gateway.
What no data sheet of the fleet tells comes from `Assumptions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import ReceiveAntenna, parabola_gain_dbi
from satcom.resource.physics.link_budget import (
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    Values,
)
from satcom.service.demand import Direction
from satcom.service.design.facts import Assumptions
from satcom.service.design.neighbours import with_neighbours
from satcom.service.design.payloads import TransponderArrays
from satcom.service.design.sky import RayTable

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Lanes:
    """Lanes side by side. Whole numbers are rows: of the fleet, of `Ground.gateways`, of the ray tables."""

    transponder: Indices
    gateway: Indices
    terminal: Indices
    site_up_ray: Indices
    site_down_ray: Indices
    gateway_up_ray: Indices
    gateway_down_ray: Indices

    def __len__(self) -> int:
        return len(self.transponder)

    def take(self, rows: Indices | slice) -> "Lanes":
        return Lanes(*(getattr(self, one.name)[rows] for one in fields(self)))

    @classmethod
    def together(cls, parts: Sequence["Lanes"]) -> "Lanes":
        """One after the other."""
        none = np.empty(0, dtype=np.intp)
        return cls(*(np.concatenate([none, *(getattr(part, one.name) for part in parts)]) for one in fields(cls)))


@dataclass(frozen=True, eq=False)
class GatewayArrays:
    """Gateways of the lanes: antenna values, and the station's row in the fleet."""

    station: Indices
    diameter_m: Array
    efficiency: Array
    hpa_power_dbw: Array
    noise_temperature_k: Array


@dataclass(frozen=True, eq=False)
class TerminalArrays:
    """All terminal types of the fleet; `eirp_limit_dbw` is what the licence of each lets it send, `inf` where any."""

    diameter_m: Array
    efficiency: Array
    power_dbw: Array
    noise_figure_db: Array
    eirp_limit_dbw: Array


@dataclass(frozen=True, eq=False)
class Ground:
    """Everything outside the satellite that the lanes refer to.

    Ranges, elevations and beam gains: site per satellite and per beam, gateways per (satellite, station) and per
    (beam, station).
    """

    gateways: GatewayArrays
    terminals: TerminalArrays
    site_range_km: Array
    gateway_range_km: Array
    site_elevation_deg: Array
    gateway_elevation_deg: Array
    site_beam_gain_db: Array
    gateway_beam_gain_db: Array
    site_up: RayTable
    site_down: RayTable
    gateway_up: RayTable
    gateway_down: RayTable

    def rays(self, direction: Direction, lanes: Lanes) -> tuple[tuple[RayTable, Indices], tuple[RayTable, Indices]]:
        """Up and down, with the rays that the lanes take."""
        if direction == "forward":
            return (self.gateway_up, lanes.gateway_up_ray), (self.site_down, lanes.site_down_ray)
        return (self.site_up, lanes.site_up_ray), (self.gateway_down, lanes.gateway_down_ray)


def link_of(
    direction: Direction, lanes: Lanes, ground: Ground, transponders: TransponderArrays, assumed: Assumptions
) -> Link:
    """The link of every lane in one direction; arrays of shape (lanes,)."""
    satellite, station = transponders.satellite[lanes.transponder], ground.gateways.station[lanes.gateway]
    site_km, gateway_km = ground.site_range_km[satellite], ground.gateway_range_km[satellite, station]
    up_beam, down_beam = transponders.up_beam[lanes.transponder], transponders.down_beam[lanes.transponder]
    up_freq_hz, down_freq_hz = transponders.up_freq_hz[lanes.transponder], transponders.down_freq_hz[lanes.transponder]
    rays_up, rays_down = ground.rays(direction, lanes)
    if direction == "forward":
        up = _path(*rays_up, gateway_km, ground.gateway_beam_gain_db[up_beam, station])
        down = _path(*rays_down, site_km, ground.site_beam_gain_db[down_beam])
        transmit = _gateway_up(lanes, ground, up_freq_hz, assumed)
        receive = _terminal_down(lanes, ground, down_freq_hz, assumed)
    else:
        up = _path(*rays_up, site_km, ground.site_beam_gain_db[up_beam])
        down = _path(*rays_down, gateway_km, ground.gateway_beam_gain_db[down_beam, station])
        transmit = _terminal_up(lanes, ground, up_freq_hz, assumed)
        receive = _gateway_down(lanes, ground, down_freq_hz, down.clear_attenuation_db, assumed)
    payload = Transponder(
        up_freq_hz=up_freq_hz,
        down_freq_hz=down_freq_hz,
        bandwidth_hz=transponders.bandwidth_hz[lanes.transponder],
        saturation_eirp_dbw=transponders.eirp_dbw[lanes.transponder],
        figure_of_merit_db_per_k=transponders.figure_of_merit_db_per_k[lanes.transponder],
        saturation_flux_density_dbw_per_m2=transponders.sfd_dbw_per_m2[lanes.transponder],
        input_backoff_db=transponders.input_backoff_db[lanes.transponder],
        output_backoff_db=transponders.output_backoff_db[lanes.transponder],
        intermodulation_ci_db=_intermodulation_ci_db(lanes, transponders, assumed),
    )
    receive = replace(receive, pointing_loss_db=receive.pointing_loss_db + _mispointing_db(*rays_down))
    link = Link(transmit, up, payload, down, receive, Interference())
    beside_up, beside_down = ((table.beside, ray) for table, ray in (rays_up, rays_down))
    return replace(link, interference=with_neighbours(link, beside_up, beside_down, assumed))


def required_margin_db(direction: Direction, lanes: Lanes, ground: Ground, assumed: Assumptions) -> Values:
    """What is asked for, and what the sender's random pointing may take of it, which no power control makes good."""
    rays_up, _ = ground.rays(direction, lanes)
    return assumed.required_margin_db + _mispointing_db(*rays_up)


def _mispointing_db(rays: RayTable, ray: Indices) -> Values:
    return 0.0 if rays.mispointing_db is None else rays.mispointing_db[ray]


def _intermodulation_ci_db(lanes: Lanes, transponders: TransponderArrays, assumed: Assumptions) -> Array:
    """By the amplifier at the output back-off, as assumed where no amplifier is declared."""
    declared_db = transponders.intermodulation_ci_db[lanes.transponder]
    return np.where(np.isnan(declared_db), assumed.intermodulation_ci_db, declared_db)


def _path(rays: RayTable, ray: Indices, range_km: Array, beam_gain_db: Array) -> Path:
    air = rays.attenuation
    gas_db = air.gas_db[ray]
    return Path(
        range_km=range_km,
        clear_attenuation_db=gas_db,
        faded_attenuation_db=air.total_db[ray],
        beam_gain_db=beam_gain_db,
        gas_attenuation_db=gas_db,
        cloud_attenuation_db=air.cloud_db[ray],
        rain_attenuation_db=air.rain_db[ray],
        scintillation_db=air.scintillation_db[ray],
    )


def _gateway_gain_dbi(lanes: Lanes, ground: Ground, freq_hz: Array) -> Array:
    antennas, row = ground.gateways, lanes.gateway
    return parabola_gain_dbi.or_nan(antennas.diameter_m[row], antennas.efficiency[row], freq_hz)


def _gateway_up(lanes: Lanes, ground: Ground, freq_hz: Array, assumed: Assumptions) -> TransmitStation:
    return TransmitStation(
        antenna_gain_dbi=_gateway_gain_dbi(lanes, ground, freq_hz),
        hpa_power_dbw=ground.gateways.hpa_power_dbw[lanes.gateway],
        pointing_loss_db=assumed.gateway_pointing_loss_db,
        uplink_power_control_db=assumed.gateway_power_control_db,
    )


def _gateway_down(
    lanes: Lanes, ground: Ground, freq_hz: Array, clear_attenuation_db: float | Array, assumed: Assumptions
) -> ReceiveStation:
    noise_k = ground.gateways.noise_temperature_k[lanes.gateway]
    figure_of_merit = _gateway_gain_dbi(lanes, ground, freq_hz) - 10 * np.log10(noise_k)
    return ReceiveStation(
        ReceiveAntenna.of_figure_of_merit(figure_of_merit, noise_k, clear_attenuation_db),
        assumed.gateway_pointing_loss_db,
    )


def _terminal_up(lanes: Lanes, ground: Ground, freq_hz: Array, assumed: Assumptions) -> TransmitStation:
    kinds, row = ground.terminals, lanes.terminal
    gain_dbi = parabola_gain_dbi.or_nan(kinds.diameter_m[row], kinds.efficiency[row], freq_hz)
    licensed_dbw = kinds.eirp_limit_dbw[row] - gain_dbi + assumed.terminal_feed_loss_db
    return TransmitStation(
        antenna_gain_dbi=gain_dbi,
        hpa_power_dbw=np.minimum(kinds.power_dbw[row], licensed_dbw),
        feed_loss_db=assumed.terminal_feed_loss_db,
        pointing_loss_db=assumed.terminal_pointing_loss_db,
    )


def _terminal_down(lanes: Lanes, ground: Ground, freq_hz: Array, assumed: Assumptions) -> ReceiveStation:
    kinds, row = ground.terminals, lanes.terminal
    return ReceiveStation(
        ReceiveAntenna.of_dish(
            kinds.diameter_m[row],
            kinds.efficiency[row],
            freq_hz,
            kinds.noise_figure_db[row],
            assumed.terminal_ground_temperature_k,
            assumed.terminal_feed_loss_db,
        ),
        assumed.terminal_pointing_loss_db,
    )
