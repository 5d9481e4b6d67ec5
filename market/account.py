"""Billing accounts: where a customer's charges go, in which currency, on which day, payable by when.

An account belongs to one customer and has one currency for life. It is closed, never deleted: its bills stay.
Words: TMF666. The bill day is the billing cycle's `billingDateShift`: days after the first of the month.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field as ValueField
from sqlmodel import Field, Session, select

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type, tmf
from satcom.core.errors import Refused, RuleRefused
from satcom.core.events import announce, on
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import CUSTOMER_ROLE, Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Currency, Json, Money, RelatedParty, Value
from satcom.enterprise.amendment import amend
from satcom.enterprise.party import find_party, operator_of, party_reference
from satcom.market.customer import Customer, CustomerStatus, CustomerToBeClosed, CustomerToBeDeleted, customer_of

DUE_DAYS = 30


class AccountState(StrEnum):
    """TMF666 names these as examples of its free `state`."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    CLOSED = "Closed"


class BillingCycle(Value):
    """TMF666 `BillingCycleSpecification`. Bills are monthly; the 28th is the last day that every month has."""

    name: str | None = None
    billing_period: str | None = ValueField(default=None, pattern="^month$")
    billing_date_shift: int = ValueField(default=0, ge=0, le=27)
    payment_due_date_offset: int = ValueField(default=DUE_DAYS, ge=0, le=365)


class BillStructure(Value):
    """TMF666 `BillStructure`: how and when bills are made."""

    cycle_specification: BillingCycle | None = None


class BillingAccount(Entity, table=True):
    """An account that bills are made for."""

    __tablename__ = "billing_account"

    api: ClassVar = tmf("TMF666", "BillingAccount", Capability.READ_PARTIES)
    life_cycle: ClassVar = LifeCycle[AccountState](
        AccountState,
        ("Active", "Suspended", "new charges are held back"),
        ("Suspended", "Active", "charges go on"),
        ("Active", "Closed", "everything is billed and paid"),
        ("Suspended", "Closed", "everything is billed and paid"),
    )

    name: str = Field(min_length=1, max_length=300)
    state: AccountState = Field(default=AccountState.ACTIVE, sa_type=state_type(AccountState))
    related_party: list[RelatedParty] = Field(sa_type=JsonOf(list[RelatedParty]))
    currency: Currency = Field(default="", max_length=3)
    credit_limit: Money | None = Field(default=None, sa_type=JsonOf(Money))
    bill_structure: BillStructure | None = Field(default=None, sa_type=JsonOf(BillStructure))
    last_modified: datetime = Field(default_factory=now, sa_type=INSTANT)

    @property
    def cycle(self) -> BillingCycle:
        given = self.bill_structure.cycle_specification if self.bill_structure else None
        return given or BillingCycle()

    @property
    def bill_day(self) -> int:
        """Day of the month, 1 to 28."""
        return 1 + self.cycle.billing_date_shift

    @property
    def due_days(self) -> int:
        return self.cycle.payment_due_date_offset


@dataclass(frozen=True)
class AccountToBeClosed:
    """Whoever still charges the account, or waits for its payment, refuses."""

    account_id: str


def charged_account(session: Session, account: BillingAccount, party_id: str, field: str) -> BillingAccount:
    """`account` when an order of `party_id` may be charged to it. Raises `RuleRefused` on `field`."""
    if account.party_id != party_id:
        why = f"billing account {account.name!r} is another party's"
        raise RuleRefused(field, why, "foreignAccount", "an account of the ordering customer")
    if account.state is not AccountState.ACTIVE:
        raise RuleRefused(field, f"billing account {account.name!r} is {account.state}", "accountNotActive", "Active")
    return account


def create_billing_account(session: Session, account: BillingAccount, by: Principal) -> BillingAccount:
    """Open an account for a customer, in its currency or, when none is said, the operator's."""
    if account.state is not AccountState.ACTIVE:
        raise Refused("/state", f"nothing begins as {account.state}", "notInEnumeration", AccountState.ACTIVE)
    customer = _holder(session, account)
    account.party_id = customer.party_id
    if not account.currency:
        limit = account.credit_limit
        account.currency = limit.unit if limit is not None else operator_of(session).currency
    _check_limit(account)
    session.add(account)
    session.flush()
    return account


def patch_billing_account(
    session: Session, account: BillingAccount, patch: dict[str, Json], by: Principal
) -> BillingAccount:
    """Change an account or move its state. Holder and currency stay: bills were made by them."""
    currency = account.currency
    moved_to = amend(account, patch)
    if account.currency != currency:
        raise RuleRefused("/currency", "an account keeps its currency", "fixed", currency)
    if "relatedParty" in patch and _holder(session, account).party_id != account.party_id:
        raise RuleRefused("/relatedParty", "an account keeps its customer", "fixed", account.party_id)
    _check_limit(account)
    account.last_modified = now()
    if moved_to is AccountState.CLOSED:
        announce(session, AccountToBeClosed(account.id))
    return account


def _holder(session: Session, account: BillingAccount) -> Customer:
    """The customer among the related parties, whose references are completed. Raises `Refused`, `RuleRefused`."""
    parties = [
        find_party(session, one.id, f"/relatedParty/{index}/id") for index, one in enumerate(account.related_party)
    ]
    kept = [party_reference(party, one) for party, one in zip(parties, account.related_party, strict=True)]
    if kept != account.related_party:
        account.related_party = kept
    named = [one for one in kept if (one.role or "").lower() == CUSTOMER_ROLE] or kept
    customers = [found for one in named if (found := customer_of(session, one.id)) is not None]
    if len(customers) != 1:
        why = "none of them is a customer" if not customers else f"{len(customers)} of them are customers"
        accepted = "one party that is a customer, or one with the role 'customer'"
        raise RuleRefused("/relatedParty", why, "noCustomer" if not customers else "severalCustomers", accepted)
    if customers[0].status is CustomerStatus.CLOSED:
        raise RuleRefused("/relatedParty", f"customer {customers[0].name!r} is closed", "customerClosed")
    return customers[0]


def _check_limit(account: BillingAccount) -> None:
    limit = account.credit_limit
    if limit is not None and limit.unit != account.currency:
        why = f"the account is in {account.currency}"
        raise RuleRefused("/creditLimit/unit", why, "currency", account.currency)


def _accounts_of(session: Session, party_id: str) -> list[BillingAccount]:
    found = session.exec(select(BillingAccount).where(BillingAccount.party_id == party_id))
    return list(found)


@on(CustomerToBeDeleted)
def keep_customer_with_accounts(session: Session, event: CustomerToBeDeleted) -> None:
    """A customer with accounts stays, even when they are closed: bills name it."""
    accounts = _accounts_of(session, event.party_id)
    if accounts:
        raise RuleRefused("id", f"it has {len(accounts)} billing accounts", "inUse", "close the customer instead")


@on(CustomerToBeClosed)
def keep_customer_with_open_accounts(session: Session, event: CustomerToBeClosed) -> None:
    """A customer is closed after its accounts."""
    still = [one.name for one in _accounts_of(session, event.party_id) if one.state is not AccountState.CLOSED]
    if still:
        raise RuleRefused("/status", f"accounts are open: {', '.join(still)[:200]}", "inUse", "close them first")


routes = TmfRoutes(BillingAccount)
routes.post(create_billing_account, may=Capability.KEEP_CUSTOMERS)
routes.patch(patch_billing_account, may=Capability.KEEP_CUSTOMERS)
