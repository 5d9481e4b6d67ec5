"""The solution: one way to deliver a service, computed once and carried through the whole order.

There are as many kinds as there are ways to take capacity: carriers of one's own, a share of carriers that many use,
or spectrum as it is.

Reservation, activation, test and bill read it; nobody further down computes it again. What cannot deliver is a loser,
with the one reason that decided and its number. Powers are into the antenna of whoever transmits.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Tag, TypeAdapter

from satcom.core.values import Amount, Instant, Money, Value
from satcom.supplychain.drivers.port import CapacityAsked, CapacityOffer

Direction = Literal["forward", "return"]
DIRECTIONS: tuple[Direction, Direction] = ("forward", "return")
AVERAGE_YEAR_PERCENT = 50.0  # the confidence of what is predicted for the average year


class DemandPeriod(Value):
    """From when, and for how long; what has no end is to be there until `least_until` at least."""

    start_at: Instant
    stop_at: Instant | None = None
    least_until: Instant | None = None

    @property
    def served_until(self) -> datetime | None:
        """For how long its satellite is to carry traffic; `None` asks for the start only."""
        return self.stop_at or self.least_until


class SiteDemand(DemandPeriod):
    """What a site is to get, from when, for how long. `downlink` runs to the site, `uplink` from it."""

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

    def rate_bps(self, direction: Direction) -> int:
        return self.downlink_rate_bps if direction == "forward" else self.uplink_rate_bps


class LinkDemand(SiteDemand):
    """A link of its own carriers: the rates are there all the time."""

    capacity: Literal["carriers"] = "carriers"


class AccessDemand(SiteDemand):
    """Access to carriers that many share: the rates at most, and what of them is committed."""

    capacity: Literal["poolShare"]
    downlink_committed_rate_bps: int = 0
    uplink_committed_rate_bps: int = 0

    def committed_rate_bps(self, direction: Direction) -> int:
        return self.downlink_committed_rate_bps if direction == "forward" else self.uplink_committed_rate_bps


class LeaseDemand(DemandPeriod):
    """Spectrum of a transponder with its share of power; the customer brings his own carriers.

    Without `power_share_percent` power goes with bandwidth. Where places are given, the beams must reach them: the
    customer sends from one and receives at the other.
    """

    capacity: Literal["leasedSpectrum"]
    bandwidth_hz: int
    power_share_percent: float | None = None
    satellites: tuple[str, ...] | None = None
    bands: tuple[str, ...] | None = None
    polarisation: str | None = None
    uplink_latitude_deg: float | None = None
    uplink_longitude_deg: float | None = None
    downlink_latitude_deg: float | None = None
    downlink_longitude_deg: float | None = None


def _capacity(value: object) -> str:
    """Which kind it is; what was kept before there were several is a link."""
    named = value.get("capacity") if isinstance(value, dict) else getattr(value, "capacity", None)
    return str(named or "carriers")


Demand: TypeAlias = Annotated[
    Annotated[LinkDemand, Tag("carriers")]
    | Annotated[AccessDemand, Tag("poolShare")]
    | Annotated[LeaseDemand, Tag("leasedSpectrum")],
    Discriminator(_capacity),
]


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


class Way(Value):
    """What every way has: the satellite that it goes over, and what it is charged by."""

    satellite_id: str
    satellite_name: str
    band: str
    charged_bandwidth_hz: int
    illustrative: bool = False


class SiteWay(Way):
    """A way to a site: the terminal there, the teleport, and what both promise.

    With `confidence_percent` a year keeps the availability; at 50 it is that of the average year.
    """

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
    confidence_percent: float = AVERAGE_YEAR_PERCENT
    margin_db: float

    @property
    def transponder_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.forward.transponder_id, self.return_link.transponder_id)))


class LinkSolution(SiteWay):
    """A link of its own: satellite, transponders, gateway, hub, terminal and both carriers."""

    capacity: Literal["carriers"] = "carriers"

    @property
    def committed_rate_bps(self) -> int:
        """Both directions together: its carriers are there all the time."""
        return self.forward.bit_rate_bps + self.return_link.bit_rate_bps


class PoolPlan(Value):
    """A share of a pool: what the rates of the site take of it at the MODCOD that holds, in symbols a second."""

    pool_id: str
    pool_name: str
    cir_bps: int
    mir_bps: int
    cir_baud: int
    mir_baud: int


class AccessSolution(SiteWay):
    """Access over shared carriers. `forward` and `return_link` are the pool's carriers as the site gets them."""

    capacity: Literal["poolShare"]
    forward_pool: PoolPlan
    return_pool: PoolPlan

    @property
    def committed_rate_bps(self) -> int:
        """Both directions together."""
        return self.forward_pool.cir_bps + self.return_pool.cir_bps


class LeaseSolution(Way):
    """Spectrum of one transponder, before its slot is chosen."""

    capacity: Literal["leasedSpectrum"]
    transponder_id: str
    transponder_name: str
    uplink_polarisation: str
    downlink_polarisation: str
    bandwidth_hz: int
    power_share_hz: int
    eirp_limit_dbw: float
    flux_density_limit_dbw_per_m2: float

    @property
    def transponder_ids(self) -> tuple[str, ...]:
        return (self.transponder_id,)


SiteSolution: TypeAlias = LinkSolution | AccessSolution
Solution: TypeAlias = Annotated[
    Annotated[LinkSolution, Tag("carriers")]
    | Annotated[AccessSolution, Tag("poolShare")]
    | Annotated[LeaseSolution, Tag("leasedSpectrum")],
    Discriminator(_capacity),
]


class PartnerSolution(Value):
    """A site served by a partner, who brings satellite, teleport and terminal: his offer, and what it is judged by."""

    capacity: Literal["partnerCapacity"] = "partnerCapacity"
    partnership_id: str
    partner_name: str
    agreement_id: str
    minimum_margin_percent: Amount
    ceiling_per_mbps: Money
    asked: CapacityAsked
    offer: CapacityOffer


# what an order is delivered by: a way of our own, or a partner's
Chosen: TypeAlias = Annotated[
    Annotated[LinkSolution, Tag("carriers")]
    | Annotated[AccessSolution, Tag("poolShare")]
    | Annotated[LeaseSolution, Tag("leasedSpectrum")]
    | Annotated[PartnerSolution, Tag("partnerCapacity")],
    Discriminator(_capacity),
]
SOLUTION: TypeAdapter[Chosen] = TypeAdapter(Chosen)


class Reason(StrEnum):
    """Why a way cannot deliver. In the order in which they are looked at."""

    NOT_IN_SERVICE = "satelliteNotInService"
    NO_LICENCE = "noLicence"
    BELOW_MASK = "belowMask"
    OUTSIDE_CONTOUR = "outsideContour"
    NO_APPROVED_TERMINAL = "noApprovedTerminal"
    LINK_DOES_NOT_CLOSE = "linkDoesNotClose"
    OFF_AXIS_EIRP_DENSITY = "offAxisEirpDensity"
    POWER_FLUX_DENSITY = "powerFluxDensity"
    COORDINATED_UPLINK = "coordinatedUplinkDensity"
    COORDINATED_DOWNLINK = "coordinatedDownlinkDensity"
    NO_CONTIGUOUS_SLOT = "noContiguousSlot"
    NO_POWER = "noPower"
    NO_HUB_PORT = "noHubPort"
    NO_POOL = "noCarrierPool"
    POOL_CONTENDED = "poolContended"
    NO_COMMITTED_RATE = "noCommittedRate"


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


class PartnerReason(StrEnum):
    """Why a partner's capacity cannot be taken."""

    REFUSED = "partnerRefused"
    UNREACHABLE = "partnerUnreachable"
    OTHER_CURRENCY = "otherCurrency"
    ABOVE_CEILING = "abovePriceCeiling"


class PartnerLoser(Value):
    """A partner whose capacity cannot be taken, and the number that decided."""

    partnership_id: str
    partner_name: str
    reason: PartnerReason
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    text: str


class Qualification(Value):
    """The answer: feasible solutions, best first by the resources they take, and every loser with its reason.

    Each of the `left_out` takes at least as much capacity as a solution with the same terminal type, in the same band.
    `country` is that of the site, from the map where the demand names none. Partners are asked where no solution of
    our own is feasible.
    """

    at: Instant
    demand: Demand
    country: str | None = None
    solutions: tuple[Solution, ...]
    left_out: int = 0
    losers: tuple[Loser, ...]
    partner_solutions: tuple[PartnerSolution, ...] = ()
    partner_losers: tuple[PartnerLoser, ...] = ()
    evidence_id: str | None = None

    @property
    def to_sites(self) -> tuple[SiteSolution, ...]:
        """The solutions that lead to a site."""
        return tuple(one for one in self.solutions if not isinstance(one, LeaseSolution))
