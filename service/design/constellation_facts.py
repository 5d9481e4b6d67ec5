"""Facts of a constellation: what a qualification over passing satellites knows, as values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from satcom.resource.capacity_day import CapacityDay
from satcom.resource.constellation import BeamPayload
from satcom.resource.ground import Antenna
from satcom.resource.licence import LicenceFact
from satcom.resource.physics.horizon_mask import Sites, sites_on
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.passes import HandoverRule
from satcom.service.constellation_solution import ConstellationSolution, PathPlan
from satcom.service.demand import Direction
from satcom.service.design.facts import Assumptions, TerminalTypeFacts
from satcom.service.design.passing_weather import LOWEST_ELEVATION_DEG


@dataclass(frozen=True)
class FlownFacts:
    """A satellite that carries traffic, and its element set."""

    id: str
    name: str
    elements: Elements


@dataclass(frozen=True)
class GatewayFacts:
    """An earth station with the antenna that follows the satellites, how many ports of its hub are free, and what is
    left of its feeder each way when it is fullest, `None` where that is not limited; and by slot of the capacity day.
    """

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
    forward_room_hz: int | None = None
    return_room_hz: int | None = None
    forward_by_slot_hz: tuple[int, ...] = ()
    return_by_slot_hz: tuple[int, ...] = ()

    @property
    def mask_deg(self) -> float:
        return max(self.horizon_mask_deg, LOWEST_ELEVATION_DEG)


@dataclass(frozen=True)
class ConstellationFacts:
    """One constellation as it does not depend on the site.

    `satellite_count` is how many carry traffic, whether they ever serve the site or not, for limits depend on it;
    `None` in evidence from before carriers over constellations were held to limits: then none is. `beam_diameter_km`,
    what a beam lights on the ground, is `None` in evidence from before all of it was: then only the site is.
    """

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
    licences: tuple[LicenceFact, ...]
    illustrative: bool
    satellite_count: int | None = None
    beam_diameter_km: float | None = None

    def payload(self, direction: Direction) -> BeamPayload:
        """The beam in this direction."""
        return self.forward if direction == "forward" else self.return_link


@dataclass(frozen=True)
class CellsLit:
    """How many cells, but that of the site, a satellite lights in each slot of the capacity day."""

    satellite_id: str
    cells: tuple[int, ...]


@dataclass(frozen=True)
class PassingInputs:
    """All that an answer is computed from. The plan begins at `start_at`; `country` is that of the site.

    The rooms are what others have left of the beam that lights the site's cell; `None`: all of it. Element sets that
    are older, `hours` after `at`, than `elements_limit_days` the operator does not take. With a capacity `day` gateways
    and satellites are looked at by its times (`service.design.day_capacity`).
    """

    at: datetime
    start_at: datetime
    hours: int
    country: str
    height_m: float
    constellation: ConstellationFacts
    assumed: Assumptions
    forward_room_hz: int | None = None
    return_room_hz: int | None = None
    elements_limit_days: int | None = None
    cell: str = ""
    day: CapacityDay | None = None
    beams_per_satellite: int | None = None
    cells_lit: tuple[CellsLit, ...] = ()

    def room_hz(self, direction: Direction) -> int:
        """What is left of the beam."""
        forward = direction == "forward"
        payload = self.constellation.forward if forward else self.constellation.return_link
        room_hz = self.forward_room_hz if forward else self.return_room_hz
        return payload.bandwidth_hz if room_hz is None else min(room_hz, payload.bandwidth_hz)

    def used_by(self, ways: Sequence[ConstellationSolution], path: PathPlan) -> "PassingInputs":
        """Restricted to what the ways rest on: computed again, they come out the same."""
        serving = {one.satellite_id for one in path.legs}
        through = {one.earth_station_id for way in ways for one in way.gateways}
        terminals = {one.terminal_type_id for one in ways}
        facts = self.constellation
        kept = replace(
            facts,
            satellites=tuple(one for one in facts.satellites if one.id in serving),
            gateways=tuple(one for one in facts.gateways if one.station_id in through),
            terminal_types=tuple(one for one in facts.terminal_types if one.id in terminals),
            licences=tuple(one for one in facts.licences if one.country == self.country),
        )
        return replace(self, constellation=kept)


def gateway_sites(gateways: tuple[GatewayFacts, ...]) -> Sites:
    """The gateways as the search for passes wants them."""
    return sites_on(
        [one.latitude_deg for one in gateways],
        [one.longitude_deg for one in gateways],
        [one.altitude_m for one in gateways],
        np.array([[one.mask_deg] for one in gateways]),
    )
