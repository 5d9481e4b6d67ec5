"""What is ordered in a run: each kind of service, and links that only a partner can deliver."""

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from satcom.core.values import Json
from satcom.orchestration.plan import FlowState
from satcom.resource.catalog import NetworkNeed
from tests.market.a_market import CHARACTERISTICS, Market, as_customer
from tests.orchestration.operations.an_order_to_service import Operation
from tests.orchestration.operations.test_partner_to_service import DAKOTA, price_what_partners_serve
from tests.orchestration.operations.the_other_kinds import ACCESS, an_offer, ordered, record_the_test
from tests.simulators.partner_process import PartnerProcess
from tests.supplychain.a_partnership import a_partnership

Body = dict[str, Any]  # JSON gives any
PARTNERS_WORLD: dict[str, float] = {
    "price_per_mbps": 250,
    "one_time_price": 1000,
    "delivery_s": 4,
    "south_deg": 30,
    "north_deg": 60,
    "west_deg": -130,
    "east_deg": -60,
}
CHAD: dict[str, Json] = {"latitudeDeg": 15, "longitudeDeg": 18}  # no licence there, and no partner


class Sold(StrEnum):
    """The kinds. Their orders differ in what they take of the network, and in who has to do something."""

    LINK = "link"
    ACCESS = "access over shared carriers"
    LEASE = "lease of spectrum"
    PARTNER = "link by a partner"


@dataclass(frozen=True)
class Offers:
    """What can be ordered, by kind: the ids of the offerings. Leases may be of one `satellite`, from `start` on."""

    market: Market
    of_kind: dict[Sold, str]
    satellite: str | None = None
    start: str | None = None

    def values(self, sold: Sold, rate_bps: int) -> dict[str, Json]:
        """What is asked for at this rate."""
        both: dict[str, Json] = {"downlinkRateBps": rate_bps, "uplinkRateBps": rate_bps // 2}
        match sold:
            case Sold.LINK:
                return CHARACTERISTICS | both
            case Sold.ACCESS:
                committed: dict[str, Json] = {
                    "downlinkCommittedRateBps": rate_bps // 8,
                    "uplinkCommittedRateBps": rate_bps // 16,
                }
                return ACCESS | both | committed
            case Sold.LEASE:
                of_it: dict[str, Json] = {"satellite": self.satellite} if self.satellite is not None else {}
                return {"bandwidthHz": rate_bps} | of_it
            case Sold.PARTNER:
                return CHARACTERISTICS | both | DAKOTA

    def order_body(self, sold: Sold, rate_bps: int, place: dict[str, Json] | None = None) -> Body:
        values = self.values(sold, rate_bps) | (place or {})
        chosen = [{"name": name, "value": value} for name, value in values.items()]
        item = {"id": "1", "action": "add", "productOffering": {"id": self.of_kind[sold]}}
        return {
            "billingAccount": {"id": self.market.account},
            "relatedParty": [as_customer(self.market.party)],
            "productOrderItem": [item | {"product": {"productCharacteristic": chosen}}],
            **({} if self.start is None else {"requestedStartDate": self.start}),
        }


def links_only(operation: Operation) -> Offers:
    """The offering that every operation has."""
    return Offers(operation.market, {Sold.LINK: operation.market.offering})


def offer_every_kind(operation: Operation, partner: PartnerProcess) -> Offers:
    """An offering of each kind of service, and a partner who serves where nobody else does."""
    partner.set_world(**PARTNERS_WORLD)
    shared, leased = NetworkNeed.POOL_SHARE, NetworkNeed.LEASED_SPECTRUM
    with operation.database.as_worker() as session:
        a_partnership(session, partner.url)
        price_what_partners_serve(session, operation)
        access = an_offer(session, list(ACCESS), shared, NetworkNeed.TERMINAL)
        lease = an_offer(session, ["bandwidthHz"], leased)
    link = operation.market.offering
    return Offers(operation.market, {Sold.LINK: link, Sold.ACCESS: access, Sold.LEASE: lease, Sold.PARTNER: link})


def with_terminals_to_choose(offers: Offers, operation: Operation, *further: str) -> Offers:
    """The same, where the customer of a site says which terminal he wants, and `further` characteristics."""
    at_a_site = (NetworkNeed.CARRIERS, NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL)
    over_pools = (NetworkNeed.POOL_SHARE, NetworkNeed.TERMINAL)
    with operation.database.as_worker() as session:
        link = an_offer(session, [*CHARACTERISTICS, "terminalType", *further], *at_a_site)
        access = an_offer(session, [*ACCESS, "terminalType", *further], *over_pools)
    return replace(offers, of_kind=offers.of_kind | {Sold.LINK: link, Sold.ACCESS: access})


def deliver(operation: Operation, offers: Offers, sold: Sold, rate_bps: int) -> str:
    """Order one, and have it delivered by all concerned; its id. Of a partner, while connected to him."""
    order_id = ordered(operation, offers.of_kind[sold], **offers.values(sold, rate_bps))
    operation.advance(order_id)
    if sold is Sold.LEASE:
        record_the_test(operation, order_id)
    while (flow := operation.advance(order_id)[0]).state is not FlowState.COMPLETED:
        assert (flow.state, sold) == (FlowState.ACTIVE, Sold.PARTNER), flow.cause
        time.sleep(0.1)  # the partner takes a while
    return order_id


def sold_as(order: Body) -> Sold:
    """What an order is for, by what it asks."""
    product = order["productOrderItem"][0]["product"]
    values = {one["name"]: one["value"] for one in product["productCharacteristic"]}
    if "bandwidthHz" in values:
        return Sold.LEASE
    if "downlinkCommittedRateBps" in values:
        return Sold.ACCESS
    return Sold.PARTNER if values["longitudeDeg"] == DAKOTA["longitudeDeg"] else Sold.LINK
