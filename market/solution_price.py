"""What a solution costs: the offering's price list applied to the quantities of a solution, in TM Forum's form.

The list of the day of the order holds. A solution decides the choices that prices depend on: the terminal and the band.
Prices name a terminal by its id, its name, or the name it was loaded under. Words: TMF622 `OrderPrice`, which TMF637
calls `ProductPrice`.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from satcom.core.errors import RuleRefused
from satcom.core.loading import loaded_id
from satcom.core.values import Amount, Json, Money, Reference, Value
from satcom.market.catalog.offering_term import MONTH
from satcom.market.catalog.product_offering import ProductOffering, list_prices
from satcom.market.pricing import (
    MILLION,
    ListPrice,
    PricedOffer,
    PriceLine,
    PriceType,
    PriceUnit,
    Quantities,
    offer_of,
    price,
    round_money,
)
from satcom.service.solution import Chosen, LeaseSolution, PartnerSolution, Solution, TerminalSolution
from satcom.service.way import TerminalWay

BAND, TERMINAL_TYPE, CAPACITY = "band", "terminalType", "capacity"
PARTNER_CAPACITY = "partnerCapacity"  # the value of `CAPACITY` that a price for what partners serve names


class Price(Value):
    """TMF622 `Price`: `duty_free_amount` is before tax."""

    duty_free_amount: Money
    tax_rate: Amount | None = None
    tax_included_amount: Money | None = None


class ChargePrice(Value):
    """TMF622 `OrderPrice`: one charge, or the sum of all of a type."""

    name: str
    description: str | None = None
    price_type: PriceType
    recurring_charge_period: str | None = None
    unit_of_measure: str | None = None
    price: Price
    product_offering_price: Reference | None = None


def price_solution(session: Session, offering: ProductOffering, solution: Chosen, at: datetime) -> PricedOffer:
    """What `solution` costs by the list of `at`. Raises `RuleRefused` where the list has a gap."""
    return price_by_list(list_prices(session, offering), solution, at)


def price_by_list(prices: Sequence[ListPrice], solution: Chosen, at: datetime) -> PricedOffer:
    """As `price_solution`, with the list at hand."""
    if isinstance(solution, PartnerSolution):
        return price(_for_partners(prices), _partners_quantities(solution), at)
    own = [one for one in prices if solution.capacity in one.only_for.get(CAPACITY, (solution.capacity,))]
    return price(own, quantities_of(solution, own), at)


def priced_for_partners(session: Session, offering: ProductOffering) -> bool:
    """Whether the offering may be delivered by a partner: it has a monthly price for that."""
    return any(_for_partner(one) for one in list_prices(session, offering))


def _for_partner(one: ListPrice) -> bool:
    return PARTNER_CAPACITY in one.only_for.get(CAPACITY, ()) and one.price_type is PriceType.RECURRING


def _for_partners(prices: Sequence[ListPrice]) -> list[ListPrice]:
    """The prices of what a partner serves: those that name it, and those that hold for every site.

    What goes by band, terminal or MHz is priced for our own network, as is a committed rate that does not name them.
    Raises `RuleRefused` when none
    names it.
    """
    if not any(_for_partner(one) for one in prices):
        why = "no monthly price is listed for what a partner serves"
        raise RuleRefused("/productOfferingPrice", why, "noPrice", f"a price for {CAPACITY} {PARTNER_CAPACITY}")
    named = [one for one in prices if PARTNER_CAPACITY in one.only_for.get(CAPACITY, ())]
    everywhere = (PriceUnit.EACH, PriceUnit.MEGABIT_PER_SECOND)
    return named + [one for one in prices if not one.only_for and one.unit in everywhere]


def _partners_quantities(solution: PartnerSolution) -> Quantities:
    asked = solution.asked
    amounts = {
        PriceUnit.MEGABIT_PER_SECOND: Decimal(asked.downlink_rate_bps + asked.uplink_rate_bps) / MILLION,
        PriceUnit.COMMITTED_MEGABIT_PER_SECOND: Decimal(asked.committed_rate_bps) / MILLION,
    }
    return Quantities(amounts, {CAPACITY: PARTNER_CAPACITY})


def price_change(
    session: Session, offering: ProductOffering, before: Chosen, after: Chosen, at: datetime
) -> PricedOffer:
    """What a service costs that changes: every month all of it, once what it did not have before.

    Charges that fall due once for every service are not charged again. Raises `RuleRefused` where the list has a gap.
    """
    prices = list_prices(session, offering)
    priced = price_by_list(prices, after, at)
    quantities = _partners_quantities(before) if isinstance(before, PartnerSolution) else quantities_of(before, prices)
    had = quantities.chosen
    for_choice_of_now = {one.id for one in prices if one.only_for and not one.fits(had)}
    lines = tuple(
        one for one in priced.lines if one.price_type is PriceType.RECURRING or one.price_id in for_choice_of_now
    )
    return offer_of(lines, priced.per_month.unit)


def quantities_of(solution: Solution, prices: Sequence[ListPrice]) -> Quantities:
    """The quantities that `prices` multiply: MHz are the charged bandwidth of both directions together."""
    amounts = {PriceUnit.MEGAHERTZ: Decimal(solution.charged_bandwidth_hz) / MILLION}
    chosen: dict[str, Json] = {BAND: solution.band, CAPACITY: solution.capacity}
    if isinstance(solution, LeaseSolution) and solution.duration_minutes is not None:
        amounts[PriceUnit.MINUTE] = Decimal(solution.duration_minutes)
        amounts[PriceUnit.MEGAHERTZ_MINUTE] = amounts[PriceUnit.MEGAHERTZ] * solution.duration_minutes
    if isinstance(solution, TerminalSolution):
        rate_bps = solution.forward.bit_rate_bps + solution.return_link.bit_rate_bps
        amounts[PriceUnit.MEGABIT_PER_SECOND] = Decimal(rate_bps) / MILLION
        amounts[PriceUnit.COMMITTED_MEGABIT_PER_SECOND] = Decimal(solution.committed_rate_bps) / MILLION
        chosen[TERMINAL_TYPE] = terminal_name(solution, prices)
    return Quantities(amounts, chosen)


def terminal_name(solution: TerminalWay, prices: Sequence[ListPrice]) -> str:
    """The terminal as the price list calls it; its own name when the list does not know it."""
    for one in prices:
        for name in one.only_for.get(TERMINAL_TYPE, ()):
            if isinstance(name, str) and is_terminal(solution, name):
                return name
    return solution.terminal_type_name


def is_terminal(solution: TerminalWay, name: str) -> bool:
    """Whether a price list, or a customer, means the terminal of the solution by this name."""
    known_as = (solution.terminal_type_id, solution.terminal_type_name)
    return name in known_as or loaded_id("TerminalType", name) == solution.terminal_type_id


def charge_prices(priced: PricedOffer, tax_rate_percent: Decimal) -> list[ChargePrice]:
    """Every line, with how it was reckoned."""
    return [_charge_price(line, tax_rate_percent) for line in priced.lines]


def total_prices(priced: PricedOffer, tax_rate_percent: Decimal) -> list[ChargePrice]:
    """The sum of what is charged once, and of what is charged each month; tax is reckoned on the sum."""
    return [
        one_time_total(priced.one_time, tax_rate_percent),
        _total_price("Monthly charges", PriceType.RECURRING, MONTH, priced.per_month, tax_rate_percent),
    ]


def one_time_total(amount: Money, tax_rate_percent: Decimal) -> ChargePrice:
    return _total_price("One-time charges", PriceType.ONE_TIME, None, amount, tax_rate_percent)


def _charge_price(line: PriceLine, tax_rate_percent: Decimal) -> ChargePrice:
    listed: dict[str, Json] = {"id": line.price_id, "name": line.name, "@referredType": "ProductOfferingPrice"}
    return ChargePrice(
        name=line.name,
        description=line.explanation,
        price_type=line.price_type,
        recurring_charge_period=MONTH if line.price_type is PriceType.RECURRING else None,
        unit_of_measure=line.unit.value,
        price=Price(duty_free_amount=line.amount, tax_rate=tax_rate_percent),
        product_offering_price=Reference.model_validate(listed),
    )


def _total_price(
    name: str, price_type: PriceType, period: str | None, amount: Money, tax_rate_percent: Decimal
) -> ChargePrice:
    with_tax = round_money(amount.value * (100 + tax_rate_percent) / 100, amount.unit)
    return ChargePrice(
        name=name,
        price_type=price_type,
        recurring_charge_period=period,
        price=Price(duty_free_amount=amount, tax_rate=tax_rate_percent, tax_included_amount=with_tax),
    )
