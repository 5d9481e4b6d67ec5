"""Party accounts: all business with one party, as buyer and as partner, in one place (TMF666).

A party has one. Its balance is what the party's billing accounts owe us, and what its deliveries have us owe it; each
of these accounts says itself which financial account carries it.
"""

from typing import ClassVar

from sqlmodel import Field, Session, UniqueConstraint, select

from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import Capability, Principal
from satcom.core.values import Json, RelatedParty
from satcom.enterprise.party import PartyToBeDeleted
from satcom.market.account.account import (
    REOPENED,
    Account,
    AccountState,
    AccountToBeClosed,
    amend_account,
    drop_account,
    known_parties,
    must_open,
)
from satcom.market.account.billing_account import BillingAccount

OF_WHOM = "/relatedParty"


class PartyAccount(Account, table=True):
    """The account of a party as a whole."""

    __tablename__ = "party_account"
    __table_args__ = (UniqueConstraint("party_id", name="party_account_once_per_party"),)

    api: ClassVar = tmf("TMF666", "PartyAccount", Capability.READ_PARTIES)
    life_cycle: ClassVar = REOPENED

    related_party: list[RelatedParty] = Field(sa_type=JsonOf(list[RelatedParty]))


def open_party_account(session: Session, account: PartyAccount, by: Principal) -> PartyAccount:
    """Open the account of the first party that is named. Raises `RuleRefused` when it has one."""
    must_open(account)
    _check_carried(account)
    if not account.related_party:
        raise RuleRefused(OF_WHOM, "it is nobody's", "missing", "the party whose account it is")
    account.related_party = known_parties(session, account.related_party)
    account.party_id = account.related_party[0].id
    known = session.exec(select(PartyAccount).where(PartyAccount.party_id == account.party_id)).first()
    if known is not None:
        raise RuleRefused(f"{OF_WHOM}/0/id", f"it has the account {known.name!r} ({known.id})", "exists", known.id)
    session.add(account)
    session.flush()
    return account


def patch_party_account(session: Session, account: PartyAccount, patch: dict[str, Json], by: Principal) -> PartyAccount:
    """Change an account or move its state. It stays its party's."""
    amend_account(session, account, patch)
    _check_carried(account)
    if "relatedParty" in patch:
        account.related_party = known_parties(session, account.related_party)
        if not account.related_party or account.related_party[0].id != account.party_id:
            raise RuleRefused(OF_WHOM, "an account keeps its party", "fixed", account.party_id)
    return account


def drop_party_account(session: Session, account: PartyAccount, by: Principal) -> None:
    """Forget the account of a party that never had business with us."""
    billed = session.exec(select(BillingAccount).where(BillingAccount.party_id == account.party_id)).first()
    if billed is not None:
        why = f"its party has the billing account {billed.name!r}"
        raise RuleRefused("id", why, "inUse", "the account of a party without billing accounts")
    drop_account(session, account)


def _check_carried(account: PartyAccount) -> None:
    if "financialAccount" in account.further:
        why = "the party's billing and settlement accounts say what carries them"
        raise RuleRefused("/financialAccount", why, "notOffered", "nothing")


@on(AccountToBeClosed)
def keep_account_of_buyer_open(session: Session, event: AccountToBeClosed) -> None:
    """A party's account is closed after its billing accounts."""
    account = session.get(PartyAccount, event.account_id)
    if account is None:
        return
    billed = session.exec(select(BillingAccount).where(BillingAccount.party_id == account.party_id)).all()
    still = [one.name for one in billed if one.state is not AccountState.CLOSED]
    if still:
        raise RuleRefused("/state", f"accounts are open: {', '.join(still)[:200]}", "inUse", "close them first")


@on(PartyToBeDeleted)
def keep_party_with_account(session: Session, event: PartyToBeDeleted) -> None:
    """A party with an account stays."""
    account = session.exec(select(PartyAccount).where(PartyAccount.party_id == event.party_id)).first()
    if account is not None:
        raise RuleRefused("id", f"it has the account {account.name!r} ({account.id})", "inUse")
