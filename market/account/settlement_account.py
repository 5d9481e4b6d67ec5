"""Settlement accounts: what the operator owes a partner for what the partner has delivered (TMF666).

An account belongs to one partner. Its balance follows from the capacity that the partner delivers: what was agreed
once, and each month by its days. It is closed when nothing is held, ordered or delivered there any more.
"""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, UniqueConstraint, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import Capability, Principal
from satcom.core.values import Json, Money, Reference, RelatedParty
from satcom.market.account.account import (
    REOPENED,
    Account,
    AccountState,
    AccountToBeClosed,
    AccountToBeDeleted,
    amend_account,
    drop_account,
    known_parties,
    must_open,
)
from satcom.market.account.financial_account import carrying_account
from satcom.market.pricing import round_money
from satcom.market.termination import months_left
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from satcom.supplychain.partnership import Partnership


class SettlementAccount(Account, table=True):
    """An account that a partner is paid on."""

    __tablename__ = "settlement_account"
    __table_args__ = (UniqueConstraint("party_id", name="settlement_account_once_per_partner"),)

    api: ClassVar = tmf("TMF666", "SettlementAccount", Capability.READ_PARTNER_CAPACITY)
    life_cycle: ClassVar = REOPENED

    related_party: list[RelatedParty] = Field(sa_type=JsonOf(list[RelatedParty]))
    financial_account: Reference | None = Field(default=None, sa_type=JsonOf(Reference))


def open_settlement_account(session: Session, account: SettlementAccount, by: Principal) -> SettlementAccount:
    """Open the account of the first party that is named. Raises `RuleRefused` when it is no partner, or has one."""
    must_open(account)
    if not account.related_party:
        raise RuleRefused("/relatedParty", "it is nobody's", "missing", "the partner whose account it is")
    account.related_party = known_parties(session, account.related_party)
    account.party_id = account.related_party[0].id
    partner = session.exec(select(Partnership).where(Partnership.organization_id == account.party_id)).first()
    if partner is None:
        why = f"{account.related_party[0].name or account.party_id} is no partner"
        raise RuleRefused("/relatedParty/0/id", why, "noPartner", "a party that there is a partnership with")
    known = session.exec(select(SettlementAccount).where(SettlementAccount.party_id == account.party_id)).first()
    if known is not None:  # what it has delivered would stand on both
        raise RuleRefused("/relatedParty/0/id", f"it has the account {known.name!r} ({known.id})", "exists", known.id)
    _check_carried(session, account)
    session.add(account)
    session.flush()
    return account


def patch_settlement_account(
    session: Session, account: SettlementAccount, patch: dict[str, Json], by: Principal
) -> SettlementAccount:
    """Change an account or move its state. It stays its partner's."""
    amend_account(session, account, patch)
    if "relatedParty" in patch:
        account.related_party = known_parties(session, account.related_party)
        if not account.related_party or account.related_party[0].id != account.party_id:
            raise RuleRefused("/relatedParty", "an account keeps its partner", "fixed", account.party_id)
    _check_carried(session, account)
    return account


def drop_settlement_account(session: Session, account: SettlementAccount, by: Principal) -> None:
    """Forget the account of a partner that never delivered anything."""
    drop_account(session, account)


def accrued(session: Session, party_ids: Collection[str], at: datetime) -> dict[str, list[tuple[Money, datetime]]]:
    """By partner, what each delivery has cost until `at`, and since when it delivers."""
    query = (
        select(Partnership.organization_id, PartnerCapacity)
        .join(PartnerCapacity, col(PartnerCapacity.partnership_id) == col(Partnership.id))
        .where(col(Partnership.organization_id).in_(party_ids), col(PartnerCapacity.delivered_at).is_not(None))
        .order_by(col(PartnerCapacity.id))
    )
    found: dict[str, list[tuple[Money, datetime]]] = {}
    for party_id, capacity in session.exec(query):
        since = capacity.delivered_at or at
        until = min(at, capacity.updated_at) if capacity.state is PartnerCapacityState.RELEASED else at
        if capacity.term_ends_at is not None and capacity.state is not PartnerCapacityState.DELIVERED:
            until = min(until, capacity.term_ends_at)  # what lapsed cost nothing afterwards
        found.setdefault(party_id, []).append((cost_of(capacity, since, max(until, since)), since))
    return found


def cost_of(capacity: PartnerCapacity, since: datetime, until: datetime) -> Money:
    """What was agreed once, and by month; of the last month its days, rounded up to whole days.

    Each further term costs what it was renewed at, from its start on.
    """
    begun = [(since, capacity.monthly_cost, capacity.one_time_cost)]
    begun += [(one.start_at, one.monthly_cost, one.one_time_cost) for one in capacity.renewal if one.start_at < until]
    ends = [start for start, _, _ in begun[1:]] + [until]
    cost = Decimal(0)
    for (start, monthly, once), end in zip(begun, ends, strict=True):
        cost += once.value + monthly.value * (months_left(start, end) if end > start else Decimal(0))
    return round_money(cost, capacity.monthly_cost.unit)


def _check_carried(session: Session, account: SettlementAccount) -> None:
    if account.financial_account is not None:
        carrying = carrying_account(session, account.financial_account, account.party_id)
        if carrying != account.financial_account:
            account.financial_account = carrying


def _of_partner(session: Session, party_id: str | None, *states: PartnerCapacityState) -> PartnerCapacity | None:
    query = select(PartnerCapacity).join(Partnership).where(Partnership.organization_id == party_id)
    return session.exec(query.where(col(PartnerCapacity.state).in_(states)) if states else query).first()


@on(AccountToBeClosed)
def keep_account_of_what_is_delivered_open(session: Session, event: AccountToBeClosed) -> None:
    """As long as a partner delivers, we owe it; and what carries an open account stays open."""
    account = session.get(SettlementAccount, event.account_id)
    if account is not None:
        states = set(PartnerCapacityState) - {PartnerCapacityState.RELEASED}
        capacity = _of_partner(session, account.party_id, *states)
        if capacity is not None:
            raise RuleRefused("/state", f"{capacity.name} is {capacity.state}", "inUse", "end what it delivers first")
    still = col(SettlementAccount.state) != AccountState.CLOSED
    carried = session.exec(_carried_by(event.account_id).where(still)).first()
    if carried is not None:
        why = f"settlement account {carried.name!r} is {carried.state}"
        raise RuleRefused("/state", why, "inUse", "close it first")


@on(AccountToBeDeleted)
def keep_account_of_what_was_delivered(session: Session, event: AccountToBeDeleted) -> None:
    """What was ever leased from a partner stays on its account; what carries an account stays."""
    account = session.get(SettlementAccount, event.account_id)
    capacity = _of_partner(session, account.party_id) if account is not None else None
    if capacity is not None:
        raise RuleRefused("id", f"{capacity.name} was leased from it", "inUse", "close the account instead")
    carried = session.exec(_carried_by(event.account_id)).first()
    if carried is not None:
        raise RuleRefused("id", f"it carries settlement account {carried.name!r}", "inUse", "one that carries none")


def _carried_by(financial_account_id: str) -> SelectOfScalar[SettlementAccount]:
    named = type_coerce(col(SettlementAccount.financial_account), JSONB).contains({"id": financial_account_id})
    return select(SettlementAccount).where(named)
