"""Links over passing satellites: what a carrier meets at each instant of a plan, through the gateway of that instant.

The transmitting station follows the distance, so that the satellite always has the same share of its power for the
carrier. The payload is counted at the edge of its beam towards the site, at the peak towards the gateway.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import ReceiveAntenna, parabola_gain_dbi
from satcom.resource.physics.attenuation import TotalAttenuation
from satcom.resource.physics.leg_geometry import LegGeometry
from satcom.resource.physics.link_budget import (
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
)
from satcom.service.demand import Direction
from satcom.service.design.constellation_facts import ConstellationFacts, GatewayFacts
from satcom.service.design.facts import Assumptions, TerminalTypeFacts
from satcom.service.design.passing_weather import AtPlace, PlaceWeather
from satcom.service.design.payloads import CIRCULAR_TILT_DEG, TILT_DEG

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Instants:
    """The instants of a plan that links are worked out at; `gateway` is a row of the constellation's gateways."""

    geometry: LegGeometry
    gateway: IntArray

    def __len__(self) -> int:
        return len(self.geometry)

    def only(self, row: int) -> "Instants":
        """One of them."""
        columns = {one.name: getattr(self.geometry, one.name)[row : row + 1] for one in fields(LegGeometry)}
        return Instants(LegGeometry(**columns), self.gateway[row : row + 1])


@dataclass(frozen=True)
class SitePlace:
    """Where the site is."""

    latitude_deg: float
    longitude_deg: float
    height_m: float


class PassingLinks:
    """The links of one site with one type of terminal, in both directions."""

    def __init__(
        self,
        facts: ConstellationFacts,
        gateways: tuple[GatewayFacts, ...],
        site: SitePlace,
        terminal: TerminalTypeFacts,
        every: Instants,
        assumed: Assumptions,
        licensed_density_dbw_per_hz: float | None = None,
        licensed_eirp_dbw: float | None = None,
    ) -> None:
        self.facts, self.gateways, self.terminal, self.assumed = facts, gateways, terminal, assumed
        self.licensed_density_dbw_per_hz, self.licensed_eirp_dbw = licensed_density_dbw_per_hz, licensed_eirp_dbw
        dish = AtPlace(
            site.latitude_deg,
            site.longitude_deg,
            site.height_m / 1000,
            terminal.antenna_diameter_m,
            terminal.antenna_efficiency,
        )
        met_deg, sure_percent = every.geometry.site_elevation_deg, assumed.confidence_percent
        up, down = facts.return_link, facts.forward
        self._site_up = _weather(dish, up.uplink_center_hz, up.uplink_polarisation, met_deg, sure_percent)
        self._site_down = _weather(dish, down.downlink_center_hz, down.downlink_polarisation, met_deg, sure_percent)
        self._gateway_up: dict[int, PlaceWeather] = {}
        self._gateway_down: dict[int, PlaceWeather] = {}
        up, down = facts.forward, facts.return_link
        for row in np.unique(every.gateway).tolist():
            one, met_deg = gateways[row], every.geometry.gateway_elevation_deg[every.gateway == row]
            height_km, antenna = one.altitude_m / 1000, one.antenna
            place = AtPlace(one.latitude_deg, one.longitude_deg, height_km, antenna.diameter_m, antenna.efficiency)
            self._gateway_up[row] = _weather(place, up.uplink_center_hz, up.uplink_polarisation, met_deg, sure_percent)
            self._gateway_down[row] = _weather(
                place, down.downlink_center_hz, down.downlink_polarisation, met_deg, sure_percent
            )

    def link(self, direction: Direction, at: Instants, share_percent: Array) -> Link:
        """The link faded as for each share of the year; arrays (shares, instants)."""
        geometry, edge_db = at.geometry, self.facts.edge_gain_db
        if direction == "forward":
            payload = self.facts.forward
            up = self._gateway_path(self._gateway_up, at, share_percent)
            air = self._site_down.attenuation(geometry.site_elevation_deg, share_percent)
            down = Path.through(air, geometry.site_range_km, edge_db)
            transmit = self._gateway_transmits(at, payload.uplink_center_hz)
            receive = self._terminal_receives(payload.downlink_center_hz)
        else:
            payload = self.facts.return_link
            air = self._site_up.attenuation(geometry.site_elevation_deg, share_percent)
            up = Path.through(air, geometry.site_range_km, edge_db)
            down = self._gateway_path(self._gateway_down, at, share_percent)
            transmit = self._terminal_transmits(payload.uplink_center_hz)
            receive = self._gateway_receives(at, payload.downlink_center_hz, down.clear_attenuation_db)
        assumed = self.assumed
        transponder = Transponder(
            up_freq_hz=payload.uplink_center_hz,
            down_freq_hz=payload.downlink_center_hz,
            bandwidth_hz=payload.bandwidth_hz,
            saturation_eirp_dbw=payload.eirp_saturation_dbw,
            figure_of_merit_db_per_k=payload.g_over_t_db_per_k,
            saturation_flux_density_dbw_per_m2=payload.sfd_dbw_per_m2,
            input_backoff_db=payload.input_backoff_db,
            output_backoff_db=payload.output_backoff_db,
            intermodulation_ci_db=assumed.intermodulation_ci_db,
        )
        interference = Interference(
            uplink_adjacent_satellite_ci_db=assumed.uplink_adjacent_satellite_ci_db,
            uplink_cross_polar_ci_db=assumed.uplink_cross_polar_ci_db,
            downlink_adjacent_satellite_ci_db=assumed.downlink_adjacent_satellite_ci_db,
            downlink_cross_polar_ci_db=assumed.downlink_cross_polar_ci_db,
        )
        return Link(transmit, up, transponder, down, receive, interference)

    def _gateway_path(self, weather: dict[int, PlaceWeather], at: Instants, share_percent: Array) -> Path:
        """Each instant through the weather of its gateway."""
        names = [one.name for one in fields(TotalAttenuation)]
        whole = {name: np.empty((len(share_percent), len(at))) for name in names}
        for row in np.unique(at.gateway).tolist():
            mine = at.gateway == row
            air = weather[row].attenuation(at.geometry.gateway_elevation_deg[mine], share_percent)
            for name in names:
                whole[name][:, mine] = getattr(air, name)
        return Path.through(TotalAttenuation(**whole), at.geometry.gateway_range_km, 0.0)

    def _gateway_values(self, at: Instants, name: str) -> Array:
        return np.array([float(getattr(one.antenna, name)) for one in self.gateways])[at.gateway]

    def _gateway_gain_dbi(self, at: Instants, freq_hz: float) -> Array:
        diameter_m, efficiency = self._gateway_values(at, "diameter_m"), self._gateway_values(at, "efficiency")
        return parabola_gain_dbi.or_nan(diameter_m, efficiency, freq_hz)

    def _gateway_transmits(self, at: Instants, freq_hz: float) -> TransmitStation:
        return TransmitStation(
            antenna_gain_dbi=self._gateway_gain_dbi(at, freq_hz),
            hpa_power_dbw=self._gateway_values(at, "hpa_power_dbw"),
            pointing_loss_db=self.assumed.gateway_pointing_loss_db,
            uplink_power_control_db=self.facts.gateway_power_control_db,
        )

    def _gateway_receives(self, at: Instants, freq_hz: float, clear_attenuation_db: float | Array) -> ReceiveStation:
        noise_k = self._gateway_values(at, "noise_temperature_k")
        merit_db_per_k = self._gateway_gain_dbi(at, freq_hz) - 10 * np.log10(noise_k)
        return ReceiveStation(
            ReceiveAntenna.of_figure_of_merit(merit_db_per_k, noise_k, clear_attenuation_db),
            self.assumed.gateway_pointing_loss_db,
        )

    def _terminal_transmits(self, freq_hz: float) -> TransmitStation:
        kind, feed_loss_db = self.terminal, self.assumed.terminal_feed_loss_db
        gain_dbi = parabola_gain_dbi.or_nan(kind.antenna_diameter_m, kind.antenna_efficiency, freq_hz)
        power_dbw = 10 * np.log10(kind.buc_power_w)
        if self.licensed_eirp_dbw is not None:
            power_dbw = np.minimum(power_dbw, self.licensed_eirp_dbw - gain_dbi + feed_loss_db)
        return TransmitStation(
            antenna_gain_dbi=gain_dbi,
            hpa_power_dbw=power_dbw,
            feed_loss_db=feed_loss_db,
            pointing_loss_db=self.assumed.terminal_pointing_loss_db,
            uplink_power_control_db=self.facts.terminal_power_control_db,
        )

    def _terminal_receives(self, freq_hz: float) -> ReceiveStation:
        kind = self.terminal
        return ReceiveStation(
            ReceiveAntenna.of_dish(
                kind.antenna_diameter_m,
                kind.antenna_efficiency,
                freq_hz,
                kind.lnb_noise_figure_db,
                self.assumed.terminal_ground_temperature_k,
                self.assumed.terminal_feed_loss_db,
            ),
            self.assumed.terminal_pointing_loss_db,
        )


def _weather(
    place: AtPlace, freq_hz: float, polarisation: str, elevation_deg: Array, confidence_percent: float
) -> PlaceWeather:
    tilt_deg = TILT_DEG.get(polarisation, CIRCULAR_TILT_DEG)
    return PlaceWeather.of(
        place, freq_hz, tilt_deg, float(elevation_deg.min()), float(elevation_deg.max()), confidence_percent
    )
