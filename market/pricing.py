"""Pricing: a price list applied to quantities. Pure; nothing is looked up and nothing is kept.

A price stands for one charge: once, or every month; for each piece, each MHz or each Mbit/s; in a period; and perhaps
only for some of the values the customer chooses (a terminal, a band). Periods are half open. What is listed must be
priced: when a charge has no price at that time, or none for what was chosen, the offer is refused rather than given
away. Amounts are rounded half to even to the currency's minor unit (ISO 4217), line by line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from satcom.core.errors import Fault, RuleRefused
from satcom.core.values import Json, Money, TimePeriod, instant_text

# ISO 4217: minor units other than two digits.
MINOR_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
MILLION = Decimal(1_000_000)


class PriceType(StrEnum):
    """When a charge falls due, in the words of TMF620."""

    ONE_TIME = "oneTime"
    RECURRING = "recurring"


class PriceUnit(StrEnum):
    """What is counted, both directions together. MHz is the larger of occupied and power-equivalent bandwidth.

    Mbit/s is the rate at most, and CIR of it what is committed. Minutes are those that are booked, whoever used them.
    """

    EACH = "each"
    MEGAHERTZ = "MHz"
    MEGABIT_PER_SECOND = "Mbit/s"
    COMMITTED_MEGABIT_PER_SECOND = "Mbit/s CIR"
    MINUTE = "min"
    MEGAHERTZ_MINUTE = "MHz min"


BOOKED = frozenset({PriceUnit.MINUTE, PriceUnit.MEGAHERTZ_MINUTE})  # there is time to count only where it is booked


@dataclass(frozen=True)
class ListPrice:
    """One price of the list: `price` for every `per` of `unit`. `only_for` names the choices it applies to."""

    id: str
    name: str
    price_type: PriceType
    price: Money
    unit: PriceUnit = PriceUnit.EACH
    per: Decimal = Decimal(1)
    valid_for: TimePeriod | None = None
    only_for: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)

    def valid_at(self, moment: datetime) -> bool:
        return self.valid_for is None or self.valid_for.holds(moment)

    def fits(self, chosen: Mapping[str, Json]) -> bool:
        return all(chosen.get(name) in values for name, values in self.only_for.items())


@dataclass(frozen=True)
class Quantities:
    """How much of each unit is sold, and the values chosen (`terminalType`, `band`) that prices may depend on."""

    amounts: Mapping[PriceUnit, Decimal]
    chosen: Mapping[str, Json] = field(default_factory=dict)

    def of(self, unit: PriceUnit) -> Decimal:
        return self.amounts.get(unit, Decimal(1) if unit is PriceUnit.EACH else Decimal(0))

    @property
    def is_booked(self) -> bool:
        return bool(BOOKED & self.amounts.keys())


def capacity(occupied_hz: float, power_equivalent_hz: float, rate_bps: float, chosen: Mapping[str, Json]) -> Quantities:
    """The quantities of one link: both directions together, bandwidths to the hertz and rates to the bit."""
    larger_hz = Decimal(round(max(occupied_hz, power_equivalent_hz)))
    rate_mbps = Decimal(round(rate_bps)) / MILLION
    return Quantities({PriceUnit.MEGAHERTZ: larger_hz / MILLION, PriceUnit.MEGABIT_PER_SECOND: rate_mbps}, chosen)


@dataclass(frozen=True)
class PriceLine:
    """One charge, with how it was reckoned."""

    price_id: str
    name: str
    price_type: PriceType
    unit_price: Money
    unit: PriceUnit
    quantity: Decimal
    amount: Money
    explanation: str


@dataclass(frozen=True)
class PricedOffer:
    """What it costs once and every month, before tax."""

    lines: tuple[PriceLine, ...]
    one_time: Money
    per_month: Money


def round_money(value: Decimal, currency: str) -> Money:
    """`value` as money: to the currency's minor unit, half to even. The only place where amounts are rounded."""
    digits = MINOR_DIGITS.get(currency, 2)
    return Money(unit=currency, value=value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))


def price(prices: Sequence[ListPrice], quantities: Quantities, at: datetime) -> PricedOffer:
    """What `quantities` cost at `at`.

    Raises `RuleRefused` on `/productOfferingPrice` when a charge has no price at that time or for what was chosen,
    and when the prices are in several currencies.
    """
    faults = list_faults(prices) + _gaps(prices, quantities.chosen, at) + booking_faults(prices, quantities.is_booked)
    if faults:
        raise RuleRefused.all(faults)
    lines = tuple(_line(one, quantities) for one in prices if one.fits(quantities.chosen) and one.valid_at(at))
    return offer_of(lines, prices[0].price.unit)


def offer_of(lines: tuple[PriceLine, ...], currency: str) -> PricedOffer:
    """These charges with their sums."""
    return PricedOffer(lines, _total(lines, PriceType.ONE_TIME, currency), _total(lines, PriceType.RECURRING, currency))


def list_faults(prices: Sequence[ListPrice]) -> list[Fault]:
    """What is wrong with a list by itself: several currencies, or one charge priced twice at the same time."""
    faults = []
    currencies = sorted({one.price.unit for one in prices})
    if len(currencies) > 1:
        why = f"prices are in {', '.join(currencies)}"
        faults.append(Fault("/productOfferingPrice", why, "severalCurrencies", "prices in one currency"))
    for index, one in enumerate(prices):
        for other in prices[:index]:
            if (one.name, one.price_type) == (other.name, other.price_type) and _meet(one, other):
                why = f"{one.name!r} has two prices at the same time: {other.price} and {one.price}"
                faults.append(Fault(f"/productOfferingPrice/{index}", why, "priceTwice", "periods that do not overlap"))
    return faults


def booking_faults(prices: Sequence[ListPrice], booked: bool) -> list[Fault]:
    """Prices that cannot be charged: by the minute for what goes on, by the month for what ends after minutes."""
    faults = []
    for index, one in enumerate(prices):
        if one.unit in BOOKED and not booked:
            why = f"{one.name!r} is by the minute, and it is not booked for a time"
            faults.append(Fault(f"/productOfferingPrice/{index}", why, "notBooked", "a price by another unit"))
        if one.price_type is PriceType.RECURRING and booked:
            why = f"{one.name!r} is by the month, and it is booked by the minute"
            faults.append(Fault(f"/productOfferingPrice/{index}", why, "booked", PriceType.ONE_TIME))
    return faults


def _meet(one: ListPrice, other: ListPrice) -> bool:
    """Whether two prices of a charge can apply to the same sale."""
    chosen_apart = any(
        not any(value in other.only_for[name] for value in values)
        for name, values in one.only_for.items()
        if name in other.only_for
    )
    return not chosen_apart and _overlap(one.valid_for, other.valid_for)


def _overlap(one: TimePeriod | None, other: TimePeriod | None) -> bool:
    if one is None or other is None:
        return True
    starts = [period.start_date_time for period in (one, other) if period.start_date_time is not None]
    ends = [period.end_date_time for period in (one, other) if period.end_date_time is not None]
    return not starts or not ends or max(starts) < min(ends)


def _gaps(prices: Sequence[ListPrice], chosen: Mapping[str, Json], at: datetime) -> list[Fault]:
    """Charges that would be given away: nothing listed, nothing for the choice, or nothing at that time."""
    if not prices:
        return [Fault("/productOfferingPrice", "no price is listed", "noPrice")]
    faults = []
    for name in dict.fromkeys(name for one in prices for name in one.only_for):
        depending = [one for one in prices if name in one.only_for]
        if not any(one.fits(chosen) for one in depending):
            known = sorted({str(value) for one in depending for value in one.only_for[name]})
            why = f"no price fits {name} {chosen.get(name)!r}"
            faults.append(Fault("/productOfferingPrice", why, "noPrice", ", ".join(known)))
    fitting = [one for one in prices if one.fits(chosen)]
    for name, price_type in dict.fromkeys((one.name, one.price_type) for one in fitting):
        listed = [one for one in fitting if (one.name, one.price_type) == (name, price_type)]
        if not any(one.valid_at(at) for one in listed):
            why = f"{name!r} has no price on {instant_text(at)}"
            periods = "; ".join(_period(one.valid_for) for one in listed)
            faults.append(Fault("/productOfferingPrice", why, "noPrice", periods))
    return faults


def _period(period: TimePeriod | None) -> str:
    start = period.start_date_time if period else None
    end = period.end_date_time if period else None
    return f"{instant_text(start) if start else 'always'} to {instant_text(end) if end else 'further notice'}"


def _line(listed: ListPrice, quantities: Quantities) -> PriceLine:
    quantity = quantities.of(listed.unit)
    amount = round_money(listed.price.value * quantity / listed.per, listed.price.unit)
    explanation = f"{_reckoned(listed, quantity)} = {amount}"
    return PriceLine(
        listed.id, listed.name, listed.price_type, listed.price, listed.unit, quantity, amount, explanation
    )


def _reckoned(listed: ListPrice, quantity: Decimal) -> str:
    """As a person would say it: "4 MHz at 2,600.00 USD per MHz and month", "1 at 450.00 USD per month"."""
    per = [] if listed.per == 1 else [f"{listed.per.normalize():f}"]
    counted = f"{quantity.normalize():f}"
    if listed.unit is not PriceUnit.EACH:
        counted += f" {listed.unit}"
        per.append(listed.unit.value)
    price = f"{listed.price} per {' '.join(per)}" if per else f"{listed.price}"
    if listed.price_type is PriceType.RECURRING:
        return f"{counted} at {price} {'and' if per else 'per'} month"
    return f"{counted} at {price}"


def _total(lines: Sequence[PriceLine], price_type: PriceType, currency: str) -> Money:
    amounts = (line.amount.value for line in lines if line.price_type is price_type)
    return round_money(sum(amounts, Decimal(0)), currency)
