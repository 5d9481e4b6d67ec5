"""The solution: one way to deliver a service, computed once and carried through the whole order.

There are as many kinds as there are ways to take capacity: carriers of one's own, a share of carriers that many use,
spectrum as it is, or a part of the beams of a constellation.

Reservation, activation, test and bill read it; nobody further down computes it again. What cannot deliver is a loser,
with the one reason that decided and its number. Powers are into the antenna of whoever transmits.
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Tag, TypeAdapter

from satcom.core.values import Amount, Instant, Money, Value
from satcom.service.constellation_solution import ConstellationLoser, ConstellationSolution
from satcom.service.demand import Demand, capacity_named
from satcom.service.way import Loser, LostWay, SatelliteWay, SiteWay
from satcom.supplychain.drivers.port import CapacityAsked, CapacityOffer


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


class LeaseSolution(SatelliteWay):
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
    duration_minutes: int | None = None  # for how long it is booked

    @property
    def transponder_ids(self) -> tuple[str, ...]:
        return (self.transponder_id,)


SiteSolution: TypeAlias = LinkSolution | AccessSolution
TerminalSolution: TypeAlias = SiteSolution | ConstellationSolution
Solution: TypeAlias = Annotated[
    Annotated[LinkSolution, Tag("carriers")]
    | Annotated[AccessSolution, Tag("poolShare")]
    | Annotated[LeaseSolution, Tag("leasedSpectrum")]
    | Annotated[ConstellationSolution, Tag("constellationShare")],
    Discriminator(capacity_named),
]


AnyLoser: TypeAlias = Loser | ConstellationLoser


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
    | Annotated[ConstellationSolution, Tag("constellationShare")]
    | Annotated[PartnerSolution, Tag("partnerCapacity")],
    Discriminator(capacity_named),
]
SOLUTION: TypeAdapter[Chosen] = TypeAdapter(Chosen)


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
    `lost_ways` are over satellites that serve otherwise; `lost_left_out` more of them came less far.
    `country` is that of the site, from the map where the demand names none. Partners are asked where no solution of
    our own is feasible.
    """

    at: Instant
    demand: Demand
    country: str | None = None
    solutions: tuple[Solution, ...]
    left_out: int = 0
    losers: tuple[AnyLoser, ...]
    lost_ways: tuple[LostWay, ...] = ()
    lost_left_out: int = 0
    partner_solutions: tuple[PartnerSolution, ...] = ()
    partner_losers: tuple[PartnerLoser, ...] = ()
    evidence_id: str | None = None

    @property
    def to_sites(self) -> tuple[SiteSolution, ...]:
        """The solutions that lead to a site over a satellite that stands still."""
        return tuple(one for one in self.solutions if isinstance(one, LinkSolution | AccessSolution))
