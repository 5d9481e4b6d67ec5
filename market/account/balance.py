"""What is on an account: what its bills leave open, and what partners' deliveries have us owe.

A billing account is owed what its bills leave open; a settlement account owes what its partner has delivered, until
that is settled; party accounts and financial accounts sum up those that they stand for, by currency. Nothing of it is
written down: it is reckoned when the account is read, for who may read the bills, or what partners cost. Words: TMF666
`accountBalance`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Numeric, cast, func, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import principal_in
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Money, TimePeriod
from satcom.market.account.billing_account import (
    BillingAccount,
    create_billing_account,
    drop_billing_account,
    patch_billing_account,
)
from satcom.market.account.financial_account import (
    FinancialAccount,
    drop_financial_account,
    open_financial_account,
    patch_financial_account,
)
from satcom.market.account.party_account import (
    PartyAccount,
    drop_party_account,
    open_party_account,
    patch_party_account,
)
from satcom.market.account.settlement_account import (
    SettlementAccount,
    accrued,
    drop_settlement_account,
    open_settlement_account,
    patch_settlement_account,
)
from satcom.market.billing import VOID, CustomerBill

RECEIVABLE: Final = "receivable"
PAYABLE: Final = "payable"
Parts = dict[tuple[str, str], list["Part"]]  # by kind of balance and currency


@dataclass(frozen=True)
class Part:
    """What one account or delivery adds to a balance, and since when it is so."""

    amount: Decimal
    since: datetime


def open_amounts(session: Session, account_ids: Iterable[str]) -> dict[str, list[tuple[Money, datetime]]]:
    """By billing account, what its bills leave open in each currency, and when the last of them changed."""
    ids = list(account_ids)
    holders = select(BillingAccount.party_id).where(col(BillingAccount.id).in_(ids))
    account = type_coerce(col(CustomerBill.billing_account), JSONB)["id"].astext
    remaining = type_coerce(col(CustomerBill.remaining_amount), JSONB)
    unit, value = remaining["unit"].astext, cast(remaining["value"].astext, Numeric)
    query: Any = (
        select(account, unit, func.sum(value), func.max(col(CustomerBill.last_update)))
        .where(col(CustomerBill.party_id).in_(holders), account.in_(ids), col(CustomerBill.category) != VOID)
        .group_by(account, unit)
        .order_by(account, unit)
    )
    found: dict[str, list[tuple[Money, datetime]]] = defaultdict(list)
    for identifier, currency, amount, since in session.connection().execute(query):
        found[str(identifier)].append((Money(unit=currency, value=amount), since))
    return found


def _balance(parts: Parts) -> list[Json]:
    """The balance by kind and currency, as TMF666 has it."""
    told: list[Json] = []
    for (kind, currency), listed in sorted(parts.items()):
        total = Money(unit=currency, value=sum((one.amount for one in listed), Decimal(0)))
        since = TimePeriod(start_date_time=max(one.since for one in listed))
        told.append({"balanceType": kind, "amount": total.wire(), "validFor": since.wire()})
    return told


def _tell(session: Session, bodies: Sequence[dict[str, Json]], carried: dict[str, tuple[set[str], set[str]]]) -> None:
    """Add the balances: of each account those billing accounts, and those partners, that it stands for."""
    by = principal_in(session)
    billed = {one for accounts, _ in carried.values() for one in accounts}
    partners = {one for _, parties in carried.values() for one in parties}
    opened = open_amounts(session, billed) if billed and by.may(Capability.READ_BILLS) else {}
    owed = accrued(session, partners, now()) if partners and by.may(Capability.READ_PARTNER_CAPACITY) else {}
    for body in bodies:
        accounts, parties = carried.get(str(body["id"]), (set[str](), set[str]()))
        parts: Parts = defaultdict(list)
        for kind, amounts in ((RECEIVABLE, map(opened.get, accounts)), (PAYABLE, map(owed.get, parties))):
            for amount, since in (one for listed in amounts for one in listed or []):
                parts[kind, amount.unit].append(Part(amount.value, since))
        body["accountBalance"] = _balance(parts)


def tell_billing_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What the bills of each account leave open."""
    _tell(session, bodies, {str(body["id"]): ({str(body["id"])}, set()) for body in bodies})


def tell_settlement_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What each partner has delivered, in money."""
    ids = [str(body["id"]) for body in bodies]
    query = select(SettlementAccount.id, SettlementAccount.party_id).where(col(SettlementAccount.id).in_(ids))
    _tell(session, bodies, {one: (set(), {party}) for one, party in session.exec(query) if party is not None})


def tell_party_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What each party owes us on all its billing accounts, and what we owe it."""
    ids = [str(body["id"]) for body in bodies]
    of_party = select(PartyAccount.id, PartyAccount.party_id).where(col(PartyAccount.id).in_(ids))
    parties = {str(party): str(one) for one, party in session.exec(of_party)}
    carried: dict[str, tuple[set[str], set[str]]] = {one: (set(), {party}) for party, one in parties.items()}
    billed = select(BillingAccount.id, BillingAccount.party_id).where(col(BillingAccount.party_id).in_(parties))
    for account, party in session.exec(billed):
        carried[parties[str(party)]][0].add(account)
    _tell(session, bodies, carried)


def tell_financial_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What the accounts that each carries come to."""
    carried: dict[str, tuple[set[str], set[str]]] = {str(body["id"]): (set(), set()) for body in bodies}
    billing = type_coerce(col(BillingAccount.financial_account), JSONB)["id"].astext
    settling = type_coerce(col(SettlementAccount.financial_account), JSONB)["id"].astext
    for account, carrying in session.exec(select(BillingAccount.id, billing).where(billing.in_(carried))):
        carried[carrying][0].add(account)
    for party, carrying in session.exec(select(SettlementAccount.party_id, settling).where(settling.in_(carried))):
        carried[carrying][1].add(str(party))
    _tell(session, bodies, carried)


routes = TmfRoutes(BillingAccount, derived=tell_billing_balances)
routes.post(create_billing_account, may=Capability.KEEP_CUSTOMERS)
routes.patch(patch_billing_account, may=Capability.KEEP_CUSTOMERS)
routes.delete(drop_billing_account, may=Capability.KEEP_CUSTOMERS)

party_routes = TmfRoutes(PartyAccount, derived=tell_party_balances)
party_routes.post(open_party_account, may=Capability.KEEP_ACCOUNTS)
party_routes.patch(patch_party_account, may=Capability.KEEP_ACCOUNTS)
party_routes.delete(drop_party_account, may=Capability.KEEP_ACCOUNTS)

settlement_routes = TmfRoutes(SettlementAccount, derived=tell_settlement_balances)
settlement_routes.post(open_settlement_account, may=Capability.KEEP_ACCOUNTS)
settlement_routes.patch(patch_settlement_account, may=Capability.KEEP_ACCOUNTS)
settlement_routes.delete(drop_settlement_account, may=Capability.KEEP_ACCOUNTS)

financial_routes = TmfRoutes(FinancialAccount, derived=tell_financial_balances)
financial_routes.post(open_financial_account, may=Capability.KEEP_ACCOUNTS)
financial_routes.patch(patch_financial_account, may=Capability.KEEP_ACCOUNTS)
financial_routes.delete(drop_financial_account, may=Capability.KEEP_ACCOUNTS)
