"""Facts of a constellation: what a qualification over passing satellites knows, as values."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from satcom.resource.constellation import BeamPayload
from satcom.resource.ground import Antenna
from satcom.resource.physics.horizon_mask import Sites, sites_on
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.passes import HandoverRule
from satcom.service.design.facts import Assumptions, LicenceFacts, TerminalTypeFacts
from satcom.service.design.passing_weather import LOWEST_ELEVATION_DEG


@dataclass(frozen=True)
class FlownFacts:
    """A satellite that carries traffic, and its element set."""

    id: str
    name: str
    elements: Elements


@dataclass(frozen=True)
class GatewayFacts:
    """An earth station with the antenna that follows the satellites, and how many ports of its hub are free."""

    station_id: str
    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    horizon_mask_deg: float
    antenna: Antenna
    hub_id: str
    hub_name: str
    free_ports: int

    @property
    def mask_deg(self) -> float:
        return max(self.horizon_mask_deg, LOWEST_ELEVATION_DEG)


@dataclass(frozen=True)
class ConstellationFacts:
    """One constellation as it does not depend on the site."""

    id: str
    name: str
    user_band: str
    rule: HandoverRule
    lowest_elevation_deg: float
    edge_gain_db: float
    gateway_power_control_db: float
    terminal_power_control_db: float
    forward: BeamPayload
    return_link: BeamPayload
    satellites: tuple[FlownFacts, ...]
    gateways: tuple[GatewayFacts, ...]
    terminal_types: tuple[TerminalTypeFacts, ...]
    licences: tuple[LicenceFacts, ...]
    illustrative: bool


@dataclass(frozen=True)
class PassingInputs:
    """All that an answer is computed from. The plan begins at `start_at`; `country` is that of the site."""

    at: datetime
    start_at: datetime
    hours: int
    country: str
    height_m: float
    constellation: ConstellationFacts
    assumed: Assumptions


def gateway_sites(gateways: tuple[GatewayFacts, ...]) -> Sites:
    """The gateways as the search for passes wants them."""
    return sites_on(
        [one.latitude_deg for one in gateways],
        [one.longitude_deg for one in gateways],
        [one.altitude_m for one in gateways],
        np.array([[one.mask_deg] for one in gateways]),
    )
