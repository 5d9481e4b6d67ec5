"""The bill of an account: everything that is due on it and was not billed, on one bill.

What is due, `market.due_charges` says; whoever makes the bill holds the account locked, so that nothing goes on two. A
bill whose recomputation does not agree stays on hold.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.errors import RuleRefused
from satcom.core.values import TimePeriod
from satcom.enterprise.party import operator_of
from satcom.market.account.billing_account import BillingAccount
from satcom.market.billing import CustomerBill, DueCharge, new_bill, validate, write_bill
from satcom.market.due_charges import Charged, charged_among, charges_due, reckon_due
from satcom.market.inventory import Product

ACCOUNT = "/billingAccount/id"
OFF_CYCLE, ON_CYCLE = "offCycle", "onCycle"  # TMF678 `runType`


@dataclass(frozen=True)
class DueOnAccount:
    """What an account is charged for at an instant, and which charges are due."""

    at: datetime
    products: dict[str, Product]
    charged: list[Charged]
    charges: list[DueCharge]


def due_on(session: Session, account: BillingAccount) -> DueOnAccount:
    """What is due by now. The products are locked; so is the account, by whoever asks."""
    carried = type_coerce(col(Product.billing_account), JSONB).contains({"id": account.id})
    query = select(Product).where(col(Product.party_id) == account.party_id, carried).order_by(col(Product.id))
    products = list(session.exec(query.with_for_update()))
    at = now()
    if not products:
        return DueOnAccount(at, {}, [], [])
    zone = operator_of(session).zone
    charged = charged_among(session, products, zone, account.bill_day)
    charges = [charge for one in charged for charge in charges_due(one, at, zone, account.bill_day)]
    return DueOnAccount(at, {one.id: one for one in products}, charged, charges)


def bill_of_account(
    session: Session, account: BillingAccount, due: DueOnAccount, run_type: str = OFF_CYCLE
) -> CustomerBill:
    """The bill of the charges, at least one. Raises `RuleRefused` in another currency than the account's."""
    currencies = {one.price.price.duty_free_amount.unit for one in due.charges}
    if currencies != {account.currency}:
        why = f"the account is in {account.currency}, the prices are in {', '.join(sorted(currencies))}"
        raise RuleRefused(ACCOUNT, why, "currency", "an account in the currency of the prices")
    tax_rate_percent = operator_of(session).tax_rate_percent
    reckoned = reckon_due(due.charges, tax_rate_percent)
    begin, end = min(one.start for one in due.charges), max(one.end for one in due.charges)
    period = TimePeriod(start_date_time=begin, end_date_time=end)
    products = [due.products[one.product_id] for one in due.charges]
    bill = new_bill(session, products[0], account, reckoned, period, tax_rate_percent)
    bill.due, bill.run_type = due.charges, run_type
    write_bill(session, bill, products, reckoned)
    session.refresh(bill)
    validate(session, bill, reckon_due(bill.due or [], tax_rate_percent))
    return bill
