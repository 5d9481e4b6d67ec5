"""The margin of what a partner serves: our price less the partner's, as a share of our price.

Reckoned over the months that the customer binds himself, or a year: what is charged once counts with what is charged
each month. The floor is that of the agreement with the partner.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from satcom.core.errors import RuleRefused
from satcom.core.values import Money
from satcom.market.pricing import PricedOffer, round_money
from satcom.service.solution import PartnerSolution

COMPARED_MONTHS: Final = 12
BELOW_MARGIN: Final = "belowMargin"


def over(one_time: Money, monthly: Money, months: int) -> Money:
    """What is paid in `months`, before tax."""
    return round_money(one_time.value + monthly.value * Decimal(months), one_time.unit)


def margin_percent(income: Money, cost: Money) -> Decimal:
    """Of the income; below zero where the cost is above it. Raises `RuleRefused` on amounts that cannot be compared."""
    if income.unit != cost.unit:
        why = f"our price is in {income.unit}, the partner's in {cost.unit}"
        raise RuleRefused("/productOfferingPrice", why, "otherCurrency", cost.unit)
    if income.value <= 0:
        raise RuleRefused("/productOfferingPrice", f"{income} is no price", BELOW_MARGIN, "a price above zero")
    share = (income.value - cost.value) / income.value * 100
    return share.quantize(Decimal("0.1"), ROUND_HALF_EVEN)


def margin_kept(solution: PartnerSolution, priced: PricedOffer, months: int) -> Decimal:
    """The margin in percent. Raises `RuleRefused` where it is below the floor of the agreement."""
    return margin_of(solution, priced, solution.offer.one_time, solution.offer.monthly, months)


def margin_of(
    solution: PartnerSolution, priced: PricedOffer, one_time_cost: Money, monthly_cost: Money, months: int
) -> Decimal:
    """As `margin_kept`, at the cost that the partner charges now."""
    income = over(priced.one_time, priced.per_month, months)
    floor = solution.minimum_margin_percent
    return _kept(solution.partner_name, floor, income, over(one_time_cost, monthly_cost, months), months)


def margin_left(
    partner_name: str, floor: Decimal, per_month: Money, one_time_cost: Money, monthly_cost: Money, months: int
) -> Decimal:
    """As `margin_kept`, of a product that goes on at its price for so many months."""
    nothing = Money(unit=per_month.unit, value=Decimal(0))
    income = over(nothing, per_month, months)
    return _kept(partner_name, floor, income, over(one_time_cost, monthly_cost, months), months)


def _kept(partner_name: str, floor: Decimal, income: Money, cost: Money, months: int) -> Decimal:
    margin = margin_percent(income, cost)
    if margin < floor:
        why = (
            f"{partner_name}: {cost} of our {income} in {months} months leave a margin of {margin} %,"
            f" {floor.normalize():f} % is the least"
        )
        raise RuleRefused("/productOfferingPrice", why, BELOW_MARGIN, f"{floor.normalize():f} % or more")
    return margin
