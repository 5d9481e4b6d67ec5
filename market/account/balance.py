"""What is on an account: what its bills leave open, and what partners' deliveries have us owe.

A billing account is owed what its bills leave open; a settlement account owes what its partner has delivered, until
that is settled; party accounts and financial accounts sum up those that they stand for, by currency. Nothing of it is
written down: it is reckoned when the account is read, for who may read the bills, or what partners cost. Words: TMF666
`accountBalance`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Numeric, cast, func, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import principal_in
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.tmf_filter import is_uuid
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
Listed = list[tuple[Money, datetime]]  # each amount, and since when it is so
Amounts = dict[str, Listed]
Parts = dict[tuple[str, str], list["Part"]]  # by kind of balance and currency


@dataclass(frozen=True)
class Part:
    """What one account or delivery adds to a balance, and since when it is so."""

    amount: Decimal
    since: datetime


def open_amounts(session: Session, account_ids: Iterable[str]) -> Amounts:
    """By billing account, what its bills leave open in each currency, and when the last of them changed."""
    ids = list(account_ids)
    holders = select(BillingAccount.party_id).where(col(BillingAccount.id).in_(ids))
    account: Any = type_coerce(col(CustomerBill.billing_account), JSONB)["id"].astext
    return _open(session, account, col(CustomerBill.party_id).in_(holders) & account.in_(ids))


def open_amounts_of_parties(session: Session, party_ids: Iterable[str]) -> Amounts:
    """The same by party, over all its billing accounts."""
    party: Any = col(CustomerBill.party_id)
    return _open(session, party, party.in_(list(party_ids)))


def _open(session: Session, of: Any, where: ColumnElement[bool]) -> Amounts:
    remaining = type_coerce(col(CustomerBill.remaining_amount), JSONB)
    unit, value = remaining["unit"].astext, cast(remaining["value"].astext, Numeric)
    query: Any = (
        select(of, unit, func.sum(value), func.max(col(CustomerBill.last_update)))
        .where(where, col(CustomerBill.category) != VOID)
        .group_by(of, unit)
        .order_by(of, unit)
    )
    found: Amounts = {}
    for identifier, currency, amount, since in session.connection().execute(query):
        found.setdefault(str(identifier), []).append((Money(unit=currency, value=amount), since))
    return found


def _balance(parts: Parts) -> list[Json]:
    """The balance by kind and currency, as TMF666 has it."""
    told: list[Json] = []
    for (kind, currency), listed in sorted(parts.items()):
        total = Money(unit=currency, value=sum((one.amount for one in listed), Decimal(0)))
        since = TimePeriod(start_date_time=max(one.since for one in listed))
        told.append({"balanceType": kind, "amount": total.wire(), "validFor": since.wire()})
    return told


def _tell(body: dict[str, Json], receivable: Listed, payable: Listed) -> None:
    parts: Parts = defaultdict(list)
    for kind, listed in ((RECEIVABLE, receivable), (PAYABLE, payable)):
        for amount, since in listed:
            parts[kind, amount.unit].append(Part(amount.value, since))
    body["accountBalance"] = _balance(parts)


def _sees_bills(session: Session) -> bool:
    return principal_in(session).may(Capability.READ_BILLS)


def _accrued(session: Session, party_ids: Collection[str]) -> Amounts:
    """What partners' deliveries come to, for who may know what they cost."""
    seen = bool(party_ids) and principal_in(session).may(Capability.READ_PARTNER_CAPACITY)
    return accrued(session, party_ids, now()) if seen else {}


def _holder(body: dict[str, Json]) -> str:
    """Whose account it is: the first party that it names."""
    parties = body.get("relatedParty")
    first = parties[0] if isinstance(parties, list) and parties else None
    return str(first["id"]) if isinstance(first, dict) else ""


def _holders(bodies: Sequence[dict[str, Json]]) -> set[str]:
    return {party for body in bodies if is_uuid(party := _holder(body))}


def tell_billing_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What the bills of each account leave open."""
    opened = open_amounts(session, [str(body["id"]) for body in bodies]) if bodies and _sees_bills(session) else {}
    for body in bodies:
        _tell(body, opened.get(str(body["id"]), []), [])


def tell_settlement_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What each partner has delivered, in money."""
    owed = _accrued(session, _holders(bodies))
    for body in bodies:
        _tell(body, [], owed.get(_holder(body), []))


def tell_party_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What each party owes us on all its billing accounts, and what we owe it."""
    parties = _holders(bodies)
    opened = open_amounts_of_parties(session, parties) if parties and _sees_bills(session) else {}
    owed = _accrued(session, parties)
    for body in bodies:
        _tell(body, opened.get(_holder(body), []), owed.get(_holder(body), []))


def tell_financial_balances(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What the accounts that each carries come to."""
    ids = [str(body["id"]) for body in bodies]
    billing: Any = type_coerce(col(BillingAccount.financial_account), JSONB)["id"].astext
    settling: Any = type_coerce(col(SettlementAccount.financial_account), JSONB)["id"].astext
    accounts = session.exec(select(BillingAccount.id, billing).where(billing.in_(ids))).all()
    partners = session.exec(select(SettlementAccount.party_id, settling).where(settling.in_(ids))).all()
    opened = open_amounts(session, [one for one, _ in accounts]) if accounts and _sees_bills(session) else {}
    owed = _accrued(session, {str(party) for party, _ in partners})
    receivable, payable = defaultdict[str, Listed](list), defaultdict[str, Listed](list)
    for account, of in accounts:
        receivable[of] += opened.get(account, [])
    for party, of in partners:
        payable[of] += owed.get(str(party), [])
    for body in bodies:
        _tell(body, receivable[str(body["id"])], payable[str(body["id"])])


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
