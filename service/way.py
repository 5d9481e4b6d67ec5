"""Ways to deliver: what every one of them has, and what those that cannot deliver tell.

Powers are into the antenna of whoever transmits.
"""

from enum import StrEnum

from satcom.core.values import Instant, Value
from satcom.service.demand import Direction

AVERAGE_YEAR_PERCENT = 50.0  # the confidence of what is predicted for the average year


class BudgetLine(Value):
    """One line of a link budget, as the table prints it. `source` tells of a disturbance what it was computed from."""

    label: str
    clear_sky: float | None = None
    faded_up: float | None = None
    faded_down: float | None = None
    unit: str
    source: str | None = None


class LimitKept(Value):
    """A limit on power density that a carrier over satellites that pass keeps, at the instant when least is left.

    On the ground also the angle of arrival at the worst place of the beam, and how far it lies from the site, negative
    towards the satellite; none where only the receiving station is asked.
    """

    reason: str
    value: float
    limit: float
    unit: str
    source: str
    at: Instant
    arrival_deg: float | None = None
    away_km: float | None = None


class CarrierPlan(Value):
    """One carrier of the link, before its slot is chosen."""

    direction: Direction
    transponder_id: str
    transponder_name: str
    uplink_polarisation: str
    downlink_polarisation: str
    bit_rate_bps: int
    modcod: str
    symbol_rate_baud: int
    roll_off: float
    occupied_bandwidth_hz: int
    power_equivalent_bandwidth_hz: int
    transmit_power_dbw: float
    required_es_n0_db: float
    clear_sky_es_n0_db: float
    margin_db: float
    budget: tuple[BudgetLine, ...] = ()

    @property
    def charged_bandwidth_hz(self) -> int:
        """Bandwidth or power, whichever is larger, decides the cost."""
        return max(self.occupied_bandwidth_hz, self.power_equivalent_bandwidth_hz)

    @property
    def best_es_n0_db(self) -> float:
        """Under clear sky; a satellite that stands still is always as far away."""
        return self.clear_sky_es_n0_db


class Way(Value):
    """What every way has, beside id and name of the space segment that it goes over: what it is charged by."""

    band: str
    charged_bandwidth_hz: int
    illustrative: bool = False

    @property
    def transponder_ids(self) -> tuple[str, ...]:
        """Those that carry it; a constellation has none that are its own."""
        return ()


class SatelliteWay(Way):
    """A way over one satellite."""

    satellite_id: str
    satellite_name: str

    @property
    def space_segment_id(self) -> str:
        return self.satellite_id

    @property
    def space_segment_name(self) -> str:
        return self.satellite_name


class TerminalWay(Way):
    """A way to a terminal at a site, and what is promised there.

    With `confidence_percent` a year keeps the availability; at 50 it is that of the average year.
    """

    terminal_type_id: str
    terminal_type_name: str
    antenna_diameter_m: float
    licence_reference: str
    availability_percent: float
    confidence_percent: float = AVERAGE_YEAR_PERCENT
    margin_db: float


class SiteWay(SatelliteWay, TerminalWay):
    """A way to a site over a satellite that stands still: where the terminal points, and the teleport."""

    earth_station_id: str
    earth_station_name: str
    antenna_id: str
    hub_id: str
    hub_name: str
    azimuth_deg: float
    elevation_deg: float
    element_age_days: float
    forward: CarrierPlan
    return_link: CarrierPlan

    @property
    def transponder_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.forward.transponder_id, self.return_link.transponder_id)))


class Unable(Value):
    """What cannot deliver, and the number that decided."""

    subject: str
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    text: str
    illustrative: bool = False


class Reason(StrEnum):
    """Why a way cannot deliver. In the order in which they are looked at."""

    NOT_IN_SERVICE = "satelliteNotInService"
    NO_LICENCE = "noLicence"
    LICENCE_EXPIRES = "licenceExpires"
    ANTENNA_BELOW_LICENCE = "antennaBelowLicence"
    BELOW_MASK = "belowMask"
    OUTSIDE_CONTOUR = "outsideContour"
    NO_APPROVED_TERMINAL = "noApprovedTerminal"
    LINK_DOES_NOT_CLOSE = "linkDoesNotClose"
    OFF_AXIS_EIRP_DENSITY = "offAxisEirpDensity"
    POWER_FLUX_DENSITY = "powerFluxDensity"
    COORDINATED_UPLINK = "coordinatedUplinkDensity"
    COORDINATED_DOWNLINK = "coordinatedDownlinkDensity"
    LICENSED_DENSITY = "licensedEirpDensity"
    LICENSED_EIRP = "licensedEirp"
    NO_CONTIGUOUS_SLOT = "noContiguousSlot"
    NO_POWER = "noPower"
    NO_HUB_PORT = "noHubPort"
    NO_POOL = "noCarrierPool"
    POOL_CONTENDED = "poolContended"
    NO_COMMITTED_RATE = "noCommittedRate"


class Loser(Unable):
    """A satellite (or a payload of it) that cannot deliver.

    `free_at`, where that is known, is from when on it could: what takes the room now has ended.
    """

    satellite_id: str
    satellite_name: str
    reason: Reason
    free_at: Instant | None = None

    @property
    def space_segment_id(self) -> str:
        return self.satellite_id

    @property
    def space_segment_name(self) -> str:
        return self.satellite_name


class PathPart(StrEnum):
    """What ways over one satellite may differ in."""

    BAND = "band"
    GATEWAY = "gateway"
    CARRIER_POOL = "carrierPool"
    TRANSPONDER = "transponder"
    TERMINAL_TYPE = "terminalType"


class LostWay(Loser):
    """A part of a path that no way has over a satellite which serves otherwise. A gateway is a hub with an antenna."""

    part: PathPart
    part_name: str
