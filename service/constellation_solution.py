"""Ways over a constellation: what serves a site while satellites pass, and what that promises.

A way is no satellite but all of them, one after the other, each through a gateway that sees it. Its carriers keep one
MODCOD, bandwidth and power, which close at every instant of the plan. What cannot deliver is a loser with its number.
"""

from enum import StrEnum
from typing import Literal

from satcom.core.values import Instant, Value
from satcom.service.demand import ConstellationDemand, Direction
from satcom.service.way import BudgetLine, LimitKept, TerminalWay, Unable


class PathReason(StrEnum):
    """Why a constellation cannot deliver. In the order in which they are looked at."""

    OTHER_BAND = "otherBand"
    OTHER_POLARISATION = "otherPolarisation"
    NO_ELEMENTS = "noElements"
    ELEMENTS_TOO_OLD = "elementsTooOld"
    NO_LICENCE = "noLicence"
    LICENCE_EXPIRES = "licenceExpires"
    ANTENNA_BELOW_LICENCE = "antennaBelowLicence"
    NO_APPROVED_TERMINAL = "noApprovedTerminal"
    NO_HUB_PORT = "noHubPort"
    NO_PATH = "noPath"  # too often no satellite stands high enough
    NO_GATEWAY_IN_VIEW = "noGatewayInView"  # a satellite is seen, but too often by no gateway at the same time
    LINK_DOES_NOT_CLOSE = "linkDoesNotClose"
    OFF_AXIS_EIRP_DENSITY = "offAxisEirpDensity"
    POWER_FLUX_DENSITY = "powerFluxDensity"
    COORDINATED_UPLINK = "coordinatedUplinkDensity"
    COORDINATED_DOWNLINK = "coordinatedDownlinkDensity"
    LICENSED_DENSITY = "licensedEirpDensity"
    NO_BANDWIDTH = "noBeamBandwidth"
    NO_FEEDER = "noGatewayBandwidth"  # of every gateway that could serve, the feeder is too full
    NO_BEAM = "noSatelliteBeam"  # at a time of the capacity day a satellite lights as many other cells as it can


class PathGap(Value):
    """When nobody serves, and why: `noSatellite`, `noGateway` or `shortView`."""

    start_at: Instant
    stop_at: Instant
    reason: str


class PathLeg(Value):
    """Who carries the service from when to when."""

    satellite_id: str
    satellite_name: str
    earth_station_id: str
    earth_station_name: str
    start_at: Instant
    stop_at: Instant
    lowest_elevation_deg: float
    highest_elevation_deg: float


class Path(Value):
    """The site under the passing satellites in the span that was looked at.

    `availability_percent` is the share of the span in which a satellite stands above the masks of the site and of a
    gateway together; the shortest and the longest path run from gateway over satellite to site.
    """

    start_at: Instant
    stop_at: Instant
    availability_percent: float
    longest_gap_s: float
    longest_gap_at: Instant | None = None
    handovers_per_day: float
    lowest_elevation_deg: float | None = None
    highest_elevation_deg: float | None = None
    satellite_count: int
    oldest_elements_days: float
    shortest_path_km: float | None = None
    longest_path_km: float | None = None


class PathPlan(Path):
    """The path with who serves when, and when nobody does."""

    legs: tuple[PathLeg, ...] = ()
    gaps: tuple[PathGap, ...] = ()


class MarginOverPasses(Value):
    """The margin over the plan's time: the worst, what it is below for 1 % of the time, the median, the best."""

    worst_db: float
    one_percent_db: float
    median_db: float
    best_db: float


class PassingCarrier(Value):
    """One carrier that closes at every instant of the plan. The budget is that of the worst instant.

    `margin_db` is what is left there in the rain that it is sized for, `faded_margin` what is left in it over all
    passes. `most_transmit_power_dbw` is into the antenna, under clear sky at the greatest distance; nearer, whoever
    transmits keeps the carrier at `power_share` of the beam's power. The centres are those of the beam: where in it the
    carrier lies, the hub decides.
    """

    direction: Direction
    uplink_center_hz: int
    downlink_center_hz: int
    uplink_polarisation: str
    downlink_polarisation: str
    bit_rate_bps: int
    modcod: str
    symbol_rate_baud: int
    roll_off: float
    occupied_bandwidth_hz: int
    power_equivalent_bandwidth_hz: int
    power_share: float
    most_transmit_power_dbw: float
    required_es_n0_db: float
    margin_db: float
    worst_at: Instant
    clear_sky_margin: MarginOverPasses
    faded_margin: MarginOverPasses
    limits_kept: tuple[LimitKept, ...] = ()
    budget: tuple[BudgetLine, ...] = ()

    @property
    def charged_bandwidth_hz(self) -> int:
        """Bandwidth or power, whichever is larger, decides the cost."""
        return max(self.occupied_bandwidth_hz, self.power_equivalent_bandwidth_hz)

    @property
    def clear_sky_es_n0_db(self) -> float:
        """Under clear sky, never less."""
        return self.required_es_n0_db + self.clear_sky_margin.worst_db

    @property
    def best_es_n0_db(self) -> float:
        """Under clear sky, never more."""
        return self.required_es_n0_db + self.clear_sky_margin.best_db


class GatewayUse(Value):
    """A gateway that the service goes through, and in which share of the time that it is served.

    With it what others have left of its feeder at the fullest time that the service goes through it, where it limits:
    by the capacity day, from `fullest_at` on, where there is one.
    """

    earth_station_id: str
    earth_station_name: str
    antenna_id: str
    hub_id: str
    hub_name: str
    share_percent: float
    forward_left_hz: int | None = None
    return_left_hz: int | None = None
    fullest_at: Instant | None = None


class ConstellationSolution(TerminalWay):
    """A way over one constellation with one type of terminal.

    `availability_percent` is what path and rain together leave, rain weighted by the time at each elevation. The
    gateways stand by their share; a port is taken at each.
    """

    capacity: Literal["constellationShare"] = "constellationShare"
    constellation_id: str
    constellation_name: str
    path: Path
    gateways: tuple[GatewayUse, ...]
    forward: PassingCarrier
    return_link: PassingCarrier

    @property
    def space_segment_id(self) -> str:
        return self.constellation_id

    @property
    def space_segment_name(self) -> str:
        return self.constellation_name

    @property
    def committed_rate_bps(self) -> int:
        """Both directions together: its carriers are there whenever a satellite is."""
        return self.forward.bit_rate_bps + self.return_link.bit_rate_bps


class ConstellationLoser(Unable):
    """A constellation that cannot deliver, and when it is."""

    constellation_id: str
    constellation_name: str
    reason: PathReason
    at: Instant | None = None

    @property
    def space_segment_id(self) -> str:
        return self.constellation_id

    @property
    def space_segment_name(self) -> str:
        return self.constellation_name


class ConstellationQualification(Value):
    """The answer for one constellation: its path, the ways by what they are charged, or why there is none."""

    at: Instant
    demand: ConstellationDemand
    country: str | None = None
    path: PathPlan | None = None
    solutions: tuple[ConstellationSolution, ...] = ()
    loser: ConstellationLoser | None = None
