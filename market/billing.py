"""The first bill of a product: what is charged once, and the rest of the running billing month.

Billing months begin on the account's bill day at midnight in the operator's time zone; the day on which service starts
counts whole. A monthly price is charged for days / days of the billing month, each line rounded half to even to the
minor unit. Tax is reckoned and rounded on the sum of the lines; a line shows the tax that it adds to the running sum,
so that the lines' taxes sum to the bill's. A bill never leaves unless its recomputation agrees. Words: TMF678.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime
from sqlalchemy import Sequence as NumberSequence
from sqlalchemy import String, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, state_type, tmf
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Amount, Instant, Money, Reference, RelatedParty, TimePeriod, Value, reference
from satcom.enterprise.numbering import next_reference
from satcom.enterprise.party import Operator, operator_of
from satcom.market.account.account import AccountToBeClosed, AccountToBeDeleted
from satcom.market.account.billing_account import BillingAccount
from satcom.market.inventory import Product
from satcom.market.pricing import PriceType, round_money
from satcom.market.solution_price import ChargePrice

TAX_CATEGORY = "VAT"
VOID = "void"
BILL_NUMBERS = NumberSequence("customer_bill_number", metadata=SQLModel.metadata)


class BillState(StrEnum):
    """TMF678 `stateValue`, whole, as the document has it.

    Bills are made and held here. Nothing sends them yet or books what is paid, so none is SENT or beyond.
    """

    NEW = "new"
    ON_HOLD = "onHold"
    VALIDATED = "validated"
    SENT = "sent"
    PARTIALLY_PAID = "partiallyPaid"
    SETTLED = "settled"


class RateType(StrEnum):
    """What kind of charge a line is, as TMF678 leaves it to the biller."""

    ONE_TIME = "oneTimeCharge"
    RECURRING = "recurringCharge"


class TaxItem(Value):
    """TMF678 `TaxItem` and `AppliedBillingTaxRate`."""

    tax_category: str
    tax_rate: Amount
    tax_amount: Money


class Adjustment(Value):
    """What a change makes of what was billed: the day of the change, old prices, new prices, and what is due once.

    `days` of the `of_days` of a billing month are billed already, by the old prices, and left over after the change.
    """

    start: Instant
    end: Instant
    days: int
    of_days: int
    old: list[ChargePrice]
    new: list[ChargePrice]
    once: list[ChargePrice]


class DueCharge(Value):
    """A monthly price for a part of a billing month, of a product that is billed further on."""

    product_id: str
    price: ChargePrice
    start: Instant
    end: Instant
    days: int
    of_days: int


class CustomerBill(Entity, table=True):
    """A bill. One that was undone before it was sent stays on hold, `category` void, and asks for nothing."""

    __tablename__ = "customer_bill"

    api: ClassVar = tmf("TMF678", "CustomerBill", Capability.READ_BILLS)
    private: ClassVar[frozenset[str]] = frozenset({"first_bill_of", "bill_of_order", "adjustment", "due"})
    life_cycle: ClassVar = LifeCycle[BillState](
        BillState,
        ("new", "validated", "its recomputation agrees with it"),
        ("new", "onHold", "it is looked at before it may go out"),
        ("validated", "onHold", "a question, or the delivery was undone"),
        ("validated", "sent", "the customer has it"),
        ("sent", "partiallyPaid", "a part of it is paid"),
        ("sent", "settled", "it is paid"),
        ("partiallyPaid", "settled", "the rest is paid"),
    )

    bill_no: str = Field(max_length=40, unique=True, sa_type=String(40))
    state: BillState = Field(default=BillState.NEW, sa_type=state_type(BillState), index=True)
    category: str = Field(default="normal", max_length=40, sa_type=String(40))
    run_type: str = Field(default="offCycle", max_length=40)
    bill_date: AwareDatetime = Field(default_factory=now, sa_type=INSTANT, index=True)
    last_update: AwareDatetime = Field(default_factory=now, sa_type=INSTANT)
    billing_period: TimePeriod = Field(sa_type=JsonOf(TimePeriod))
    next_bill_date: AwareDatetime = Field(sa_type=INSTANT)
    payment_due_date: AwareDatetime = Field(sa_type=INSTANT)
    billing_account: Reference = Field(sa_type=JsonOf(Reference))
    related_party: list[RelatedParty] = Field(sa_type=JsonOf(list[RelatedParty]))
    tax_excluded_amount: Money = Field(sa_type=JsonOf(Money))
    tax_included_amount: Money = Field(sa_type=JsonOf(Money))
    amount_due: Money = Field(sa_type=JsonOf(Money))
    remaining_amount: Money = Field(sa_type=JsonOf(Money))
    tax_item: list[TaxItem] = Field(sa_type=JsonOf(list[TaxItem]))
    bill_document: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    first_bill_of: str | None = Field(default=None, foreign_key="product.id", unique=True, sa_type=id_type())
    bill_of_order: str | None = Field(default=None, foreign_key="product_order.id", unique=True, sa_type=id_type())
    adjustment: Adjustment | None = Field(default=None, sa_type=JsonOf(Adjustment))
    due: list[DueCharge] | None = Field(default=None, sa_type=JsonOf(list[DueCharge]))


class AppliedCustomerBillingRate(Entity, table=True):
    """One line of a bill; `description` tells how it was reckoned, `period_coverage` which time it is for."""

    __tablename__ = "applied_customer_billing_rate"

    api: ClassVar = tmf("TMF678", "AppliedCustomerBillingRate", Capability.READ_BILLS)
    private: ClassVar[frozenset[str]] = frozenset({"bill_id", "line"})

    name: str = Field(max_length=300)
    description: str
    type: RateType = Field(sa_type=state_type(RateType))
    date: AwareDatetime = Field(default_factory=now, sa_type=INSTANT)
    is_billed: bool = True
    bill: Reference = Field(sa_type=JsonOf(Reference))
    product: Reference = Field(sa_type=JsonOf(Reference))
    billing_account: Reference = Field(sa_type=JsonOf(Reference))
    period_coverage: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))
    tax_excluded_amount: Money = Field(sa_type=JsonOf(Money))
    tax_included_amount: Money = Field(sa_type=JsonOf(Money))
    applied_tax: list[TaxItem] = Field(sa_type=JsonOf(list[TaxItem]))
    bill_id: str = Field(foreign_key="customer_bill.id", index=True, sa_type=id_type())
    line: int


# Rules. Nothing is looked up here.


@dataclass(frozen=True)
class BillingMonth:
    """The rest of the billing month in which service starts. `end` is the first moment of the next one."""

    start: datetime
    end: datetime
    first_day: date
    last_day: date
    days: int
    of_days: int

    @property
    def share(self) -> str:
        """In words, for the explanation of a line."""
        return f"{self.days} of {self.of_days} days ({self.first_day.isoformat()} to {self.last_day.isoformat()})"


@dataclass(frozen=True)
class BillLine:
    """One line, reckoned."""

    name: str
    type: RateType
    amount: Money
    tax: Money
    period: TimePeriod | None
    explanation: str


@dataclass(frozen=True)
class ReckonedBill:
    """A bill as it follows from its inputs: `tax_excluded` is the sum of the lines, `tax` that of their taxes."""

    lines: tuple[BillLine, ...]
    tax_excluded: Money
    tax: Money
    tax_included: Money


def billing_month(start: datetime, zone: ZoneInfo, bill_day: int) -> BillingMonth:
    """The rest of the billing month around `start`. `bill_day` is 1 to 28."""
    first_day = start.astimezone(zone).date()
    begun = first_day.replace(day=bill_day)
    if begun > first_day:
        begun = (begun.replace(day=1) - timedelta(days=1)).replace(day=bill_day)
    following = (begun.replace(day=28) + timedelta(days=4)).replace(day=bill_day)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    days, of_days = (following - first_day).days, (following - begun).days
    return BillingMonth(start, end, first_day, following - timedelta(days=1), days, of_days)


def reckon_bill(prices: Sequence[ChargePrice], month: BillingMonth, tax_rate_percent: Decimal) -> ReckonedBill:
    """The first bill of what is sold at `prices`, which are all in one currency and at least one."""
    return summed([(price, *_charged(price, month)) for price in prices], tax_rate_percent)


def summed(
    charged: Sequence[tuple[ChargePrice, Money, TimePeriod | None, str]], tax_rate_percent: Decimal
) -> ReckonedBill:
    """The bill of these charges, at least one: each with its amount, its time, and how it was reckoned."""
    currency = charged[0][1].unit
    lines: list[BillLine] = []
    total, tax = Decimal(0), Decimal(0)
    for price, amount, period, explanation in charged:
        total += amount.value
        tax_so_far = round_money(total * tax_rate_percent / 100, currency).value
        line_tax = round_money(tax_so_far - tax, currency)
        tax = tax_so_far
        kind = RateType.RECURRING if price.price_type is PriceType.RECURRING else RateType.ONE_TIME
        lines.append(BillLine(price.name, kind, amount, line_tax, period, explanation))
    return ReckonedBill(
        tuple(lines), round_money(total, currency), round_money(tax, currency), round_money(total + tax, currency)
    )


def _charged(price: ChargePrice, month: BillingMonth) -> tuple[Money, TimePeriod | None, str]:
    full = price.price.duty_free_amount
    how = f" [{price.description}]" if price.description else ""
    if price.price_type is not PriceType.RECURRING:
        return full, None, f"charged once: {full}{how}"
    amount = round_money(full.value * month.days / month.of_days, full.unit)
    period = TimePeriod(start_date_time=month.start, end_date_time=month.end)
    return amount, period, f"{month.share} of {full} a month = {amount}{how}"


# Commands of the flow


def first_bill_of(session: Session, product_id: str) -> CustomerBill | None:
    """The first bill of a product, if it was made."""
    return session.exec(select(CustomerBill).where(CustomerBill.first_bill_of == product_id)).first()


def lines_of(session: Session, bill: CustomerBill) -> list[AppliedCustomerBillingRate]:
    """The lines of a bill, in order."""
    query = select(AppliedCustomerBillingRate).where(AppliedCustomerBillingRate.bill_id == bill.id)
    fresh = query.order_by(col(AppliedCustomerBillingRate.line)).execution_options(populate_existing=True)
    return list(session.exec(fresh))


def first_bill(session: Session, product_id: str) -> CustomerBill:
    """Make the first bill of a product that was handed over; made once, whatever is repeated.

    Raises `RuleRefused` while the product has no start, no price, or prices in another currency than its account.
    """
    product = find_for_update(session, Product, product_id)
    made = first_bill_of(session, product.id)
    if made is not None:
        return made
    operator = operator_of(session)
    account = find(session, BillingAccount, product.billing_account.id)
    reckoned, month = _reckoned(product, account, operator)
    period = TimePeriod(start_date_time=month.start, end_date_time=month.end)
    bill = new_bill(session, product, account, reckoned, period, operator.tax_rate_percent)
    bill.first_bill_of = product.id
    write_bill(session, bill, [product] * len(reckoned.lines), reckoned)
    validate(session, bill, recomputed(session, bill))
    return bill


def new_bill(
    session: Session,
    product: Product,
    account: BillingAccount,
    reckoned: ReckonedBill,
    period: TimePeriod,
    tax_rate_percent: Decimal,
) -> CustomerBill:
    """A bill of the product with the next number. The caller says what it is of, and writes it."""
    return CustomerBill(
        party_id=product.party_id,
        bill_no=next_reference(session, BILL_NUMBERS, "B"),
        billing_period=period,
        next_bill_date=period.end_date_time or now(),
        payment_due_date=now() + timedelta(days=account.due_days),
        billing_account=product.billing_account,
        related_party=product.related_party,
        tax_excluded_amount=reckoned.tax_excluded,
        tax_included_amount=reckoned.tax_included,
        amount_due=reckoned.tax_included,
        remaining_amount=reckoned.tax_included,
        tax_item=[_tax(tax_rate_percent, reckoned.tax)],
    )


def write_bill(session: Session, bill: CustomerBill, products: Sequence[Product], reckoned: ReckonedBill) -> None:
    """The bill with its lines, each of one of the products."""
    session.add(bill)
    session.flush()
    for number, (product, line) in enumerate(zip(products, reckoned.lines, strict=True)):
        session.add(_rate(bill, product, line, number, bill.tax_item[0].tax_rate))
    session.flush()


def void_first_bill(session: Session, product_id: str) -> CustomerBill | None:
    """Undo: the product's first bill, if there is one, asks for nothing and is never sent. Its number stays used.

    Raises `WrongState` when the customer has it: then a person makes a credit note.
    """
    bill = first_bill_of(session, product_id)
    if bill is None or bill.category == VOID:
        return bill
    move(bill, BillState.ON_HOLD)
    nothing = Money(unit=bill.amount_due.unit, value=Decimal(0))
    bill.category, bill.amount_due, bill.remaining_amount, bill.last_update = VOID, nothing, nothing, now()
    for line in lines_of(session, bill):
        line.is_billed = False
    session.flush()
    return bill


def recomputed(session: Session, bill: CustomerBill) -> ReckonedBill:
    """A first bill as it follows from its product, for audit; bill day and tax rate are the bill's own."""
    product, zone = find(session, Product, bill.first_bill_of or ""), operator_of(session).zone
    month = billing_month(_start(product), zone, bill.next_bill_date.astimezone(zone).day)
    return reckon_bill(product.product_price, month, bill.tax_item[0].tax_rate)


def _start(product: Product) -> datetime:
    if product.start_date is None:
        raise RuleRefused("/product/id", f"product {product.id} was not handed over", "notStarted")
    return product.start_date


def _reckoned(product: Product, account: BillingAccount, operator: Operator) -> tuple[ReckonedBill, BillingMonth]:
    month = billing_month(_start(product), operator.zone, account.bill_day)
    currencies = {one.price.duty_free_amount.unit for one in product.product_price}
    if currencies != {account.currency}:
        why = f"the account is in {account.currency}, the prices are in {', '.join(sorted(currencies)) or 'nothing'}"
        raise RuleRefused("/billingAccount/id", why, "currency", "an account in the currency of the prices")
    return reckon_bill(product.product_price, month, operator.tax_rate_percent), month


def _tax(rate_percent: Decimal, amount: Money) -> TaxItem:
    return TaxItem(tax_category=TAX_CATEGORY, tax_rate=rate_percent, tax_amount=amount)


def _rate(
    bill: CustomerBill, product: Product, line: BillLine, number: int, rate_percent: Decimal
) -> AppliedCustomerBillingRate:
    return AppliedCustomerBillingRate(
        party_id=bill.party_id,
        name=line.name,
        description=line.explanation,
        type=line.type,
        bill=reference(bill.id, "CustomerBill", bill.href),
        product=reference(product.id, "Product", product.href, product.name),
        billing_account=bill.billing_account,
        period_coverage=line.period,
        tax_excluded_amount=line.amount,
        tax_included_amount=line.amount + line.tax,
        applied_tax=[_tax(rate_percent, line.tax)],
        bill_id=bill.id,
        line=number,
    )


def validate(session: Session, bill: CustomerBill, again: ReckonedBill) -> None:
    """What the database holds, read back, is what is reckoned `again` from what it follows from: then it may go out."""
    kept = [(line.tax_excluded_amount, line.applied_tax[0].tax_amount) for line in lines_of(session, bill)]
    agreed = kept == [(line.amount, line.tax) for line in again.lines] and bill.amount_due == again.tax_included
    move(bill, BillState.VALIDATED if agreed else BillState.ON_HOLD)
    session.flush()


@on(AccountToBeClosed)
def keep_accounts_with_open_bills(session: Session, event: AccountToBeClosed) -> None:
    """An account is closed when everything on it is paid."""
    account = type_coerce(col(CustomerBill.billing_account), JSONB)
    query = select(CustomerBill).where(
        account.contains({"id": event.account_id}),
        col(CustomerBill.state) != BillState.SETTLED,
        col(CustomerBill.category) != VOID,
    )
    bill = session.exec(query).first()
    if bill is not None:
        raise RuleRefused("/state", f"bill {bill.bill_no} is {bill.state}", "inUse", "settle it first")


@on(AccountToBeDeleted)
def keep_billed_accounts(session: Session, event: AccountToBeDeleted) -> None:
    """An account that was ever billed stays, also when the bill was void: its number is used."""
    account = type_coerce(col(CustomerBill.billing_account), JSONB)
    bill = session.exec(select(CustomerBill).where(account.contains({"id": event.account_id}))).first()
    if bill is not None:
        raise RuleRefused("id", f"bill {bill.bill_no} is of it", "inUse", "close the account instead")


routes = TmfRoutes(CustomerBill)
rate_routes = TmfRoutes(AppliedCustomerBillingRate)
