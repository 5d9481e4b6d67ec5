"""Financial accounts: what is owed to the operator, and by it, over several accounts at once (TMF666).

Billing accounts and settlement accounts name the financial account that carries them; its balance is theirs. It belongs
to the operator, across all parties, or to one party, and then carries that party's accounts only.
"""

from typing import ClassVar

from sqlmodel import Session

from satcom.core.database import find
from satcom.core.entity import tmf
from satcom.core.errors import NotFound, Refused, RuleRefused
from satcom.core.security import Capability, Principal
from satcom.core.values import Json, Reference, reference
from satcom.enterprise.party import operator_of
from satcom.market.account.account import (
    Account,
    AccountState,
    amend_account,
    drop_account,
    known_parties,
    must_open,
)

CARRIED_BY = "/financialAccount/id"


class FinancialAccount(Account, table=True):
    """An account of the books that carries others."""

    __tablename__ = "financial_account"

    api: ClassVar = tmf("TMF666", "FinancialAccount", Capability.READ_BILLS)


def open_financial_account(session: Session, account: FinancialAccount, by: Principal) -> FinancialAccount:
    """Open an account of the books, across all parties or for the first party that is named."""
    must_open(account)
    account.related_party = known_parties(session, account.related_party)
    account.party_id = account.related_party[0].id if account.related_party else operator_of(session).party_id
    session.add(account)
    session.flush()
    return account


def patch_financial_account(
    session: Session, account: FinancialAccount, patch: dict[str, Json], by: Principal
) -> FinancialAccount:
    """Change an account or move its state. Whose it is stays: others count on it."""
    if "relatedParty" in patch:
        raise RuleRefused("/relatedParty", "an account keeps its party", "fixed", "an account for the other party")
    amend_account(session, account, patch)
    return account


def drop_financial_account(session: Session, account: FinancialAccount, by: Principal) -> None:
    """Forget an account that carries none."""
    drop_account(session, account)


def carrying_account(session: Session, named: Reference, party_id: str | None) -> Reference:
    """The financial account that an account of `party_id` names, in full. Raises `Refused`, `RuleRefused`."""
    try:
        account = find(session, FinancialAccount, named.id)
    except NotFound as error:
        why = f"there is no financial account {named.id[:80]!r}"
        raise Refused(CARRIED_BY, why, "notFound", "the id of a financial account") from error
    if account.related_party and account.party_id != party_id:
        why = f"{account.name} carries accounts of {account.related_party[0].name or account.party_id} only"
        raise RuleRefused(CARRIED_BY, why, "foreignAccount", "an account across parties, or of this one")
    if account.state is not AccountState.ACTIVE:
        raise RuleRefused(CARRIED_BY, f"{account.name} is {account.state}", "accountNotActive", AccountState.ACTIVE)
    return reference(account.id, "FinancialAccount", account.href, account.name)
