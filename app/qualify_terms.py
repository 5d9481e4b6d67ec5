"""The terms of the ways to deliver a service: what each costs by a list, and when its terminal is there.

Where a way has no price, it is said why: a list with a fault in it must not look like one without prices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Fault, RuleRefused
from satcom.core.values import Json
from satcom.market.catalog.product_offering import ProductOffering, list_prices, sellable, service_sold
from satcom.market.pricing import PricedOffer
from satcom.market.solution_price import price_by_list
from satcom.service.catalog import capacity_of
from satcom.service.qualification import ends_of_life, terminal_supply
from satcom.service.solution import Qualification, Solution
from satcom.service.way import TerminalWay
from satcom.supplychain.procurement import Supply


@dataclass(frozen=True)
class Terms:
    """Of the ways in their order: prices by the list of `offering`, `None` where it has none; and why there is none.

    `supplies` is by terminal type. `ends` is by satellite: when its life ends, of what was asked for without end.
    """

    offering: str | None
    offers: tuple[PricedOffer | None, ...]
    without_price: tuple[str, ...]
    supplies: Mapping[str, Supply]
    ends: Mapping[str, date]

    @property
    def currency(self) -> str | None:
        """`None` when no way has a price."""
        return next((one.one_time.unit for one in self.offers if one), None)

    def wire(self, ways: Sequence[Solution]) -> dict[str, Json]:
        """For a program, in the order of the ways."""
        body: dict[str, Json] = {"withoutPrice": list(self.without_price)}
        if self.currency is not None:
            body["priceList"] = self.offering
            body["prices"] = [
                {"oneTime": one.one_time.wire(), "perMonth": one.per_month.wire()} if one else None
                for one in self.offers
            ]
        supplies = [self.supplies[one.terminal_type_id] for one in ways if isinstance(one, TerminalWay)]
        if supplies:
            body["terminalSupply"] = [_wire(one) for one in supplies]
        if self.ends:
            ends = [self.ends.get(one.space_segment_id) for one in ways]
            body["satelliteEndOfLifeDate"] = [one.isoformat() if one is not None else None for one in ends]
        return body


@dataclass(frozen=True)
class _Listed:
    """What the list of one offering says of the ways: a price, or what is wrong."""

    offering: str
    offers: tuple[PricedOffer | tuple[Fault, ...], ...]

    @property
    def prices(self) -> tuple[PricedOffer | None, ...]:
        return tuple(one if isinstance(one, PricedOffer) else None for one in self.offers)

    @property
    def known(self) -> int:
        return sum(one is not None for one in self.prices)

    def gaps(self) -> Iterable[str]:
        """Each fault once, with the ways that it keeps from a price."""
        ways: dict[Fault, list[int]] = {}
        for rank, one in enumerate(self.offers, 1):
            for fault in () if isinstance(one, PricedOffer) else one:
                ways.setdefault(fault, []).append(rank)
        for fault, ranks in ways.items():
            which = "" if len(ranks) == len(self.offers) else f" (way {', '.join(map(str, ranks))})"
            accepted = f"; it has prices for {fault.accepted}" if fault.code == "noPrice" and fault.accepted else ""
            yield f"{self.offering!r}{which}: {fault.why}{accepted}"


def terms_at(database: Database, answer: Qualification, offering_id: str | None = None) -> Terms:
    """Prices by the named offering, else by that on sale which has most of them; and the supply of the terminals."""
    ways = answer.solutions
    with database.as_worker() as session:
        supplies, ends = terminal_supply(session, ways), ends_of_life(session, answer.demand, ways)
        listed, unsold = _lists(session, answer, offering_id)
    best = max(listed, key=lambda one: one.known, default=None)
    if best is None:
        why = ("no offering is on sale" + "".join(f"; {one}" for one in unsold),) if ways else ()
        return Terms(None, (None,) * len(ways), why, supplies, ends)
    told = [best] if best.known else listed
    return Terms(best.offering, best.prices, tuple(line for one in told for line in one.gaps()), supplies, ends)


def _lists(session: Session, answer: Qualification, offering_id: str | None) -> tuple[list[_Listed], list[str]]:
    """The lists of the offerings on sale that take capacity in the asked way, and why the others are not on sale."""
    unsold: list[str] = []
    on_sale = offerings_on_sale(session, answer, unsold, offering_id)
    return [_Listed(one.name, tuple(_offers(session, one, answer.solutions))) for one in on_sale], unsold


def offerings_on_sale(
    session: Session, answer: Qualification, unsold: list[str], offering_id: str | None = None
) -> list[ProductOffering]:
    """By name, those that take capacity in the asked way; why others are not on sale is added to `unsold`."""
    query = select(ProductOffering).order_by(col(ProductOffering.name))
    found = []
    for offering in session.exec(query if offering_id is None else query.where(ProductOffering.id == offering_id)):
        try:
            sellable(offering, now())
            if capacity_of(session, service_sold(session, offering)) == answer.demand.capacity:
                found.append(offering)
        except RuleRefused as refused:
            unsold += [one.why for one in refused.faults]
    return found


def _offers(
    session: Session, offering: ProductOffering, ways: Sequence[Solution]
) -> Iterable[PricedOffer | tuple[Fault, ...]]:
    prices = list_prices(session, offering)
    for way in ways:
        try:
            yield price_by_list(prices, way, now())
        except RuleRefused as refused:
            yield tuple(refused.faults)


def _wire(supply: Supply) -> dict[str, Json]:
    there = supply.expected(now())
    return {
        "free": supply.free,
        "leadTimeDays": supply.lead_time_days,
        "expectedDate": None if there is None else there.date().isoformat(),
    }
