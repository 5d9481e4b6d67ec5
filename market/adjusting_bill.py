"""The bill of a change: what an order that changes or ends a product makes of what is billed already.

The first bill covers the rest of its billing month. Where a change falls into that time, the days that are left of it
are credited at the old prices and charged at the new ones; nothing is billed twice. The day of a change counts at the
new price, the last day of a product at the old one. What falls due once, as early termination, is charged whole. From
the end of what is billed on, the product's own price holds. Made once for each order. Words: TMF678.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, select

from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.values import Money, TimePeriod
from satcom.enterprise.party import operator_of
from satcom.market.account.billing_account import BillingAccount
from satcom.market.billing import (
    Adjustment,
    CustomerBill,
    ReckonedBill,
    billing_month,
    new_bill,
    summed,
    validate,
    write_bill,
)
from satcom.market.due_charges import billed_until
from satcom.market.inventory import Product
from satcom.market.pricing import PriceType, round_money
from satcom.market.solution_price import ChargePrice


def bill_of_order(session: Session, order_id: str) -> CustomerBill | None:
    """The bill of an order that changed or ended a product, if it was made."""
    return session.exec(select(CustomerBill).where(CustomerBill.bill_of_order == order_id)).first()


def adjusting_bill(
    session: Session,
    order_id: str,
    product: Product,
    from_day: datetime,
    old: Sequence[ChargePrice],
    new: Sequence[ChargePrice],
    once: Sequence[ChargePrice],
) -> CustomerBill | None:
    """Bill what changes from `from_day` on; `None` when nothing does. Made once, whatever is repeated."""
    made = bill_of_order(session, order_id)
    if made is not None:
        return made
    account, operator = find(session, BillingAccount, product.billing_account.id), operator_of(session)
    adjustment = adjustment_of(session, product, from_day, old, new, once)
    reckoned = reckon_adjustment(adjustment, operator.tax_rate_percent)
    if reckoned is None:
        return None
    period = TimePeriod(start_date_time=adjustment.start, end_date_time=adjustment.end)
    bill = new_bill(session, product, account, reckoned, period, operator.tax_rate_percent)
    bill.bill_of_order, bill.adjustment = order_id, adjustment
    write_bill(session, bill, [product] * len(reckoned.lines), reckoned)
    again = readjusted(session, bill)
    validate(session, bill, again)
    return bill


def readjusted(session: Session, bill: CustomerBill) -> ReckonedBill:
    """The bill of an order as it follows from what it was made of, for audit."""
    session.refresh(bill)
    again = reckon_adjustment(bill.adjustment, bill.tax_item[0].tax_rate) if bill.adjustment is not None else None
    if again is None:
        raise RuleRefused("/id", f"bill {bill.bill_no} is of no order that changed a product", "notAdjusting")
    return again


def adjustment_of(
    session: Session,
    product: Product,
    from_day: datetime,
    old: Sequence[ChargePrice],
    new: Sequence[ChargePrice],
    once: Sequence[ChargePrice],
) -> Adjustment:
    """The days that are billed already and left from `from_day` on; none when that is later than what is billed."""
    zone = operator_of(session).zone
    covered_to = billed_until(session, [product]).get(product.id, from_day)
    account = find(session, BillingAccount, product.billing_account.id)
    month = billing_month(from_day, zone, account.bill_day)
    left = (covered_to.astimezone(zone).date() - month.first_day).days if from_day < covered_to else 0
    end = covered_to if left else from_day + timedelta(microseconds=1)
    return Adjustment(
        start=from_day,
        end=end,
        days=left,
        of_days=month.of_days,
        old=list(old) if left else [],
        new=list(new) if left else [],
        once=list(once),
    )


def reckon_adjustment(change: Adjustment, tax_rate_percent: Decimal) -> ReckonedBill | None:
    """The bill of a change; `None` when nothing is credited or charged. Pure."""
    period = TimePeriod(start_date_time=change.start, end_date_time=change.end)
    share = f"{change.days} of {change.of_days} days"
    charged: list[tuple[ChargePrice, Money, TimePeriod | None, str]] = []
    for prices, sign, what in ((change.old, -1, "credited"), (change.new, 1, "charged")):
        for price in prices:
            if price.price_type is PriceType.RECURRING:
                full = price.price.duty_free_amount
                amount = round_money(sign * full.value * change.days / change.of_days, full.unit)
                charged.append((price, amount, period, f"{what}: {share} of {full} a month = {amount}"))
    for price in change.once:
        amount = price.price.duty_free_amount
        charged.append((price, amount, None, f"charged once: {amount} [{price.description or price.name}]"))
    return summed(charged, tax_rate_percent) if charged else None
