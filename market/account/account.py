"""Accounts: what all kinds of account with a party have in common (TMF666).

An account is opened, may be suspended, and is closed when nothing is open on it. What is on it follows from bills and
deliveries (`market.account.balance`) and is written by nobody. One that was never used may be deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type
from satcom.core.errors import Refused
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle
from satcom.core.values import Json, RelatedParty
from satcom.enterprise.amendment import amend
from satcom.enterprise.party import find_party, party_reference


class AccountState(StrEnum):
    """TMF666 names these as examples of its free `state`."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    CLOSED = "Closed"


MOVES: Final = (
    ("Active", "Suspended", "new charges are held back"),
    ("Suspended", "Active", "charges go on"),
    ("Active", "Closed", "everything is billed and paid"),
    ("Suspended", "Closed", "everything is billed and paid"),
)
# of which a party has one only
REOPENED: Final = LifeCycle[AccountState](AccountState, *MOVES, ("Closed", "Active", "business with the party goes on"))


class Account(Entity):
    """Common part."""

    life_cycle: ClassVar = LifeCycle[AccountState](AccountState, *MOVES)
    computed: ClassVar[frozenset[str]] = frozenset({"accountBalance"})

    name: str = Field(min_length=1, max_length=300)
    state: AccountState = Field(default=AccountState.ACTIVE, sa_type=state_type(AccountState))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    last_modified: datetime = Field(default_factory=now, sa_type=INSTANT)


@dataclass(frozen=True)
class AccountToBeClosed:
    """Whoever still charges the account, or waits for its payment, refuses."""

    account_id: str


@dataclass(frozen=True)
class AccountToBeDeleted:
    """Whoever ever charged the account, or names it, refuses."""

    account_id: str


def must_open(account: Account) -> None:
    """Raises `Refused` when it is to begin otherwise than active."""
    if account.state is not AccountState.ACTIVE:
        raise Refused("/state", f"nothing begins as {account.state}", "notInEnumeration", AccountState.ACTIVE)


def amend_account(session: Session, account: Account, patch: dict[str, Json]) -> None:
    """Change an account or move its state. Whoever needs it open refuses that it is closed."""
    moved_to = amend(account, patch)
    account.last_modified = now()
    if moved_to is AccountState.CLOSED:
        announce(session, AccountToBeClosed(account.id))


def drop_account(session: Session, account: Account) -> None:
    """Forget an account that was never used."""
    announce(session, AccountToBeDeleted(account.id))
    session.delete(account)


def known_parties(session: Session, named: Sequence[RelatedParty]) -> list[RelatedParty]:
    """The parties with name and link. Raises `Refused` on one that is not there."""
    parties = [find_party(session, one.id, f"/relatedParty/{index}/id") for index, one in enumerate(named)]
    return [party_reference(party, one) for party, one in zip(parties, named, strict=True)]
