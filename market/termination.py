"""Termination: when a product can end at the earliest, and what it costs to end it before its term is over.

Both follow from the terms that the product was sold under. Early termination is charged the months that are left of
the minimum term, at most as many as the term "Early termination" names; of a month that has begun its days. Pure.
Words: TMF637 `productTerm`; the charge stands on the order as a TMF622 `itemPrice`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from satcom.core.clock import months_later
from satcom.core.values import instant_text
from satcom.market.catalog.offering_term import (
    EARLY_TERMINATION,
    MINIMUM_TERM,
    NOTICE_PERIOD,
    Term,
    months_of,
    term_called,
)
from satcom.market.pricing import PriceType, round_money
from satcom.market.solution_price import ChargePrice, Price


def earliest_end(terms: Sequence[Term], asked_at: datetime) -> datetime:
    """When notice that is given at `asked_at` takes effect."""
    notice = term_called(terms, NOTICE_PERIOD)
    return notice.duration.after(asked_at) if notice is not None and notice.duration is not None else asked_at


def bound_until(terms: Sequence[Term]) -> datetime | None:
    """Until when the customer is bound; `None` when it is not."""
    least = term_called(terms, MINIMUM_TERM)
    return least.valid_for.end_date_time if least is not None and least.valid_for is not None else None


def months_left(end: datetime, bound_to: datetime) -> Decimal:
    """The months from `end` to `bound_to`; of the last one its days, rounded up to whole days."""
    months = 0
    while months_later(end, months + 1) <= bound_to:
        months += 1
    begun_at = months_later(end, months)
    days, of_days = bound_to - begun_at, months_later(end, months + 1) - begun_at
    return months + Decimal(-(-days // timedelta(days=1))) / Decimal(of_days // timedelta(days=1))


def early_termination(
    terms: Sequence[Term], prices: Sequence[ChargePrice], end: datetime, tax_rate_percent: Decimal
) -> ChargePrice | None:
    """The charge for ending at `end`; `None` when the customer is bound no more, or nothing is due."""
    bound_to, most = bound_until(terms), term_called(terms, EARLY_TERMINATION)
    monthly = [one.price.duty_free_amount for one in prices if one.price_type is PriceType.RECURRING]
    if bound_to is None or bound_to <= end or not monthly:
        return None
    per_month = sum((one.value for one in monthly), Decimal(0))
    left = months_left(end, bound_to)
    due = min(left, Decimal(months_of(most))) if most is not None else left
    amount = round_money(per_month * due, monthly[0].unit)
    if not amount.value:
        return None
    why = (
        f"{due.quantize(Decimal('0.01'))} of the {left.quantize(Decimal('0.01'))} months that are left until"
        f" {instant_text(bound_to)}, at {round_money(per_month, monthly[0].unit)} a month = {amount}"
    )
    price = Price(duty_free_amount=amount, tax_rate=tax_rate_percent)
    return ChargePrice(name=EARLY_TERMINATION, description=why, price_type=PriceType.ONE_TIME, price=price)
