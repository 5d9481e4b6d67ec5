"""The solution: one way to deliver a service, computed once and carried through the whole order.

Reservation, activation, test and bill read it; nobody further down computes it again. What cannot deliver is a loser,
with the one reason that decided and its number. Powers are into the antenna of whoever transmits.
"""

from enum import StrEnum
from typing import Literal

from satcom.core.values import Instant, Value

Direction = Literal["forward", "return"]


class Demand(Value):
    """What is to be delivered where, from when, for how long. `forward` runs to the site, `return` from it."""

    downlink_rate_bps: int
    uplink_rate_bps: int
    availability_percent: float
    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None = None
    country: str | None = None
    bands: tuple[str, ...] | None = None
    terminal_types: tuple[str, ...] | None = None
    polarisation: str | None = None
    start_at: Instant
    stop_at: Instant | None = None


class BudgetLine(Value):
    """One line of a link budget, as the table prints it."""

    label: str
    clear_sky: float | None = None
    faded_up: float | None = None
    faded_down: float | None = None
    unit: str


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


class Solution(Value):
    """One feasible way: satellite, transponders, gateway, hub, terminal and both carriers."""

    satellite_id: str
    satellite_name: str
    band: str
    earth_station_id: str
    earth_station_name: str
    antenna_id: str
    hub_id: str
    hub_name: str
    terminal_type_id: str
    terminal_type_name: str
    antenna_diameter_m: float
    azimuth_deg: float
    elevation_deg: float
    element_age_days: float
    licence_reference: str
    forward: CarrierPlan
    return_link: CarrierPlan
    availability_percent: float
    margin_db: float
    charged_bandwidth_hz: int
    illustrative: bool = False


class Reason(StrEnum):
    """Why a way cannot deliver. In the order in which they are looked at."""

    NOT_IN_SERVICE = "satelliteNotInService"
    NO_LICENCE = "noLicence"
    BELOW_MASK = "belowMask"
    OUTSIDE_CONTOUR = "outsideContour"
    NO_APPROVED_TERMINAL = "noApprovedTerminal"
    LINK_DOES_NOT_CLOSE = "linkDoesNotClose"
    NO_CONTIGUOUS_SLOT = "noContiguousSlot"
    NO_POWER = "noPower"
    NO_HUB_PORT = "noHubPort"


class Loser(Value):
    """A satellite (or a payload of it) that cannot deliver, and the number that decided."""

    satellite_id: str
    satellite_name: str
    subject: str
    reason: Reason
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    text: str
    illustrative: bool = False


class Qualification(Value):
    """The answer: feasible solutions, best first by the resources they take, and every loser with its reason.

    Each of the `left_out` takes at least as much capacity as a solution with the same terminal type, in the same band.
    `country` is that of the site, from the map where the demand names none.
    """

    at: Instant
    demand: Demand
    country: str | None = None
    solutions: tuple[Solution, ...]
    left_out: int = 0
    losers: tuple[Loser, ...]
    evidence_id: str | None = None
