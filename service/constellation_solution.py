"""Ways over a constellation: what serves a site while satellites pass, and what that promises.

A way is no satellite but all of them, one after the other, each through a gateway that sees it. Its carriers keep one
MODCOD, bandwidth and power, which close at every instant of the plan. What cannot deliver is a loser with its number.
"""

from enum import StrEnum

from satcom.core.values import Instant, Value
from satcom.service.solution import BudgetLine, Direction, LinkDemand


class PathReason(StrEnum):
    """Why a constellation cannot deliver. In the order in which they are looked at."""

    NO_ELEMENTS = "noElements"
    NO_LICENCE = "noLicence"
    NO_APPROVED_TERMINAL = "noApprovedTerminal"
    NO_HUB_PORT = "noHubPort"
    NO_PATH = "noPath"  # too often no satellite stands high enough
    NO_GATEWAY_IN_VIEW = "noGatewayInView"  # a satellite is seen, but too often by no gateway at the same time
    LINK_DOES_NOT_CLOSE = "linkDoesNotClose"
    NO_BANDWIDTH = "noBeamBandwidth"


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


class PathPlan(Value):
    """The site under the passing satellites in the span that was looked at.

    `availability_percent` is the share of the span in which a satellite stands above the masks of the site and of a
    gateway together.
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
    passes. `most_transmit_power_dbw` is into the antenna, under clear sky at the greatest distance.
    """

    direction: Direction
    uplink_polarisation: str
    downlink_polarisation: str
    bit_rate_bps: int
    modcod: str
    symbol_rate_baud: int
    roll_off: float
    occupied_bandwidth_hz: int
    power_equivalent_bandwidth_hz: int
    most_transmit_power_dbw: float
    required_es_n0_db: float
    margin_db: float
    worst_at: Instant
    clear_sky_margin: MarginOverPasses
    faded_margin: MarginOverPasses
    budget: tuple[BudgetLine, ...] = ()

    @property
    def charged_bandwidth_hz(self) -> int:
        """Bandwidth or power, whichever is larger, decides the cost."""
        return max(self.occupied_bandwidth_hz, self.power_equivalent_bandwidth_hz)


class ConstellationSolution(Value):
    """A way over one constellation with one type of terminal.

    `availability_percent` is what path and rain together leave, rain weighted by the time at each elevation.
    """

    constellation_id: str
    constellation_name: str
    band: str
    terminal_type_id: str
    terminal_type_name: str
    antenna_diameter_m: float
    licence_reference: str
    charged_bandwidth_hz: int
    availability_percent: float
    margin_db: float
    forward: PassingCarrier
    return_link: PassingCarrier
    illustrative: bool = False


class ConstellationLoser(Value):
    """A constellation that cannot deliver, the number that decided, and when it is."""

    constellation_id: str
    constellation_name: str
    subject: str
    reason: PathReason
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    at: Instant | None = None
    text: str
    illustrative: bool = False


class ConstellationQualification(Value):
    """The answer for one constellation: its path, the ways by what they are charged, or why there is none."""

    at: Instant
    demand: LinkDemand
    country: str | None = None
    path: PathPlan | None = None
    solutions: tuple[ConstellationSolution, ...] = ()
    loser: ConstellationLoser | None = None
