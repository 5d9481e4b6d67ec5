"""Charges that are due: the monthly prices of a product for the time that no bill has covered yet.

The first bill covers the rest of the month in which service starts; from there on each billing month is due when it
begins, whole, and in parts where the price changed, the product ended, or the account got another bill day. The day of
a change counts at the new price, the last day of a product at the old one. What was sold before satcom was billed
elsewhere until the end of the month in which it was taken over. Words: TMF678.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, cast, func, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TIMESTAMP
from sqlmodel import Session, col, select

from satcom.core.values import Money, TimePeriod
from satcom.market.billing import (
    VOID,
    AppliedCustomerBillingRate,
    CustomerBill,
    DueCharge,
    ReckonedBill,
    billing_month,
    summed,
)
from satcom.market.inventory import Product, ProductStatus
from satcom.market.ordering import ProductOrder
from satcom.market.pricing import PriceType, round_money
from satcom.market.solution_price import ChargePrice

CHARGED = frozenset({ProductStatus.ACTIVE, ProductStatus.PENDING_TERMINATE, ProductStatus.TERMINATED})


@dataclass(frozen=True)
class Priced:
    """The monthly prices of a product from a day on."""

    from_day: date
    prices: tuple[ChargePrice, ...]


@dataclass(frozen=True)
class Charged:
    """What is known of a product: its prices by time, until when it is billed, and the day after its last."""

    product_id: str
    prices: tuple[Priced, ...]
    billed_to: datetime
    end: date | None


def charges_due(charged: Charged, at: datetime, zone: ZoneInfo, bill_day: int) -> list[DueCharge]:
    """Every charge of each billing month that has begun by `at`, oldest first. Pure."""
    found: list[DueCharge] = []
    start = charged.billed_to
    while start <= at and (charged.end is None or start.astimezone(zone).date() < charged.end):
        month = billing_month(start, zone, bill_day)
        day = month.first_day
        stops = [one.from_day for one in charged.prices if day < one.from_day <= month.last_day]
        stops += [charged.end] if charged.end is not None and charged.end <= month.last_day else []
        stop_day = min(stops, default=month.last_day + timedelta(days=1))
        stop = datetime(stop_day.year, stop_day.month, stop_day.day, tzinfo=zone)
        in_force = [one for one in charged.prices if one.from_day <= day] or list(charged.prices[:1])
        found += [
            DueCharge(
                product_id=charged.product_id,
                price=price,
                start=start,
                end=stop,
                days=(stop_day - day).days,
                of_days=month.of_days,
            )
            for price in (in_force[-1].prices if in_force else ())
        ]
        start = stop
    return found


def reckon_due(due: Sequence[DueCharge], tax_rate_percent: Decimal) -> ReckonedBill:
    """The bill of these charges, at least one. Pure."""
    lines: list[tuple[ChargePrice, Money, TimePeriod | None, str]] = []
    for one in due:
        full = one.price.price.duty_free_amount
        amount = round_money(full.value * one.days / one.of_days, full.unit)
        period = TimePeriod(start_date_time=one.start, end_date_time=one.end)
        lines.append((one.price, amount, period, f"{one.days} of {one.of_days} days of {full} a month = {amount}"))
    return summed(lines, tax_rate_percent)


def billed_until(session: Session, products: Sequence[Product]) -> dict[str, datetime]:
    """By product, the end of the time that its bills have covered; not there when none has, or all are void."""
    line = AppliedCustomerBillingRate
    of: ColumnElement[str] = type_coerce(col(line.product), JSONB)["id"].astext
    end = cast(type_coerce(col(line.period_coverage), JSONB)["endDateTime"].astext, TIMESTAMP(timezone=True))
    query = (
        select(of, func.max(end))
        .where(
            col(line.party_id).in_({one.party_id for one in products}),
            of.in_([one.id for one in products]),
            col(line.is_billed),
        )
        .group_by(of)
    )
    return {product_id: until for product_id, until in session.exec(query) if until is not None}


def charged_among(session: Session, products: Sequence[Product], zone: ZoneInfo, bill_day: int) -> list[Charged]:
    """What is known of those products that are charged for; not those whose order bills them, or was undone.

    Three statements, however many products there are.
    """
    running = [one for one in products if one.status in CHARGED and one.start_date is not None]
    until = billed_until(session, running)
    first_billed = _first_billed(session, running)
    orders = _orders_before(session, running)
    found: list[Charged] = []
    for one in running:
        known = until.get(one.id)
        if one.order_id is None:
            known = known or billing_month(one.created_at, zone, bill_day).end
        if known is None or (one.order_id is not None and one.id not in first_billed):
            continue
        ended = one.termination_date
        end = ended.astimezone(zone).date() + timedelta(days=1) if ended is not None else None
        found.append(Charged(one.id, tuple(_prices(one, orders, zone)), known, end))
    return found


def _first_billed(session: Session, products: Sequence[Product]) -> set[str | None]:
    """The products that have a first bill which stands."""
    bill = CustomerBill
    ids = [one.id for one in products]
    query = select(bill.first_bill_of).where(col(bill.first_bill_of).in_(ids), col(bill.category) != VOID)
    return set(session.exec(query))


def _orders_before(session: Session, products: Sequence[Product]) -> dict[str, ProductOrder]:
    """The orders that brought each product to where it is."""
    ids = {item.product_order_id for one in products for item in one.product_order_item}
    return {one.id: one for one in session.exec(select(ProductOrder).where(col(ProductOrder.id).in_(ids)))}


def _prices(product: Product, orders: Mapping[str, ProductOrder], zone: ZoneInfo) -> list[Priced]:
    """The monthly prices by the day from which they hold: each order that changed the product brought others."""
    assert product.start_date is not None
    day = product.start_date.astimezone(zone).date()
    changes = [one.product_order_id for one in product.product_order_item]
    found: list[Priced] = []
    for order in [orders[one] for one in changes[:-1] if one in orders]:
        found.append(Priced(_day_of(order, zone) if found else day, _monthly(order.item.item_price)))
    last = orders.get(changes[-1]) if found else None
    since = _day_of(last, zone) if last is not None else day
    return [*found, Priced(since, _monthly(product.product_price))]


def _day_of(order: ProductOrder, zone: ZoneInfo) -> date:
    """The day from which what was ordered holds; an order that is about to complete does so now."""
    return (order.completion_date or order.updated_at).astimezone(zone).date()


def _monthly(prices: Sequence[ChargePrice]) -> tuple[ChargePrice, ...]:
    return tuple(one for one in prices if one.price_type is PriceType.RECURRING)
