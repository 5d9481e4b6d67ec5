"""Billing accounts: where a customer's charges go, in which currency, on which day, payable by when.

An account belongs to one customer and has one currency for life. Once anything was ordered or billed on it, it is
closed and never deleted. How and when its bills are made, and which financial account carries it, it names by what
finance keeps. Words: TMF666.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import Field as ValueField
from sqlalchemy import Index, or_, text, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.clock import now
from satcom.core.entity import INSTANT, JsonOf, tmf
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import CUSTOMER_ROLE, Capability, Principal
from satcom.core.values import Currency, Json, Money, Reference, RelatedParty, Value
from satcom.enterprise.party import CurrencyToBeChanged, currency_fixed, operator_of
from satcom.market.account.account import (
    Account,
    AccountState,
    AccountToBeClosed,
    AccountToBeDeleted,
    amend_account,
    drop_account,
    known_parties,
    must_open,
)
from satcom.market.account.bill_presentation import (
    BillFormat,
    BillPresentationMedia,
    BillTermToBeChanged,
    TermReference,
    in_full,
    term_named,
)
from satcom.market.account.billing_cycle import DUE_DAYS, BillingCycle, cycle_named
from satcom.market.account.financial_account import carrying_account
from satcom.market.customer import Customer, CustomerStatus, CustomerToBeClosed, CustomerToBeDeleted, customer_of

STRUCTURE = "/billStructure"


class BillStructure(Value):
    """TMF666 `BillStructure`: how and when bills are made."""

    cycle_specification: BillingCycle | None = None
    format: TermReference | None = None
    presentation_media: list[TermReference] = ValueField(default_factory=list)


class BillingAccount(Account, table=True):
    """An account that bills are made for. `market.bill_run` looks at it at `next_bill_at`."""

    __tablename__ = "billing_account"
    __table_args__ = (Index("accounts_to_bill", "next_bill_at", postgresql_where=text("state = 'Active'")),)

    api: ClassVar = tmf("TMF666", "BillingAccount", Capability.READ_PARTIES)
    private: ClassVar[frozenset[str]] = frozenset({"next_bill_at", "not_billed_because"})

    related_party: list[RelatedParty] = Field(sa_type=JsonOf(list[RelatedParty]))
    currency: Currency = Field(default="", max_length=3)
    credit_limit: Money | None = Field(default=None, sa_type=JsonOf(Money))
    bill_structure: BillStructure | None = Field(default=None, sa_type=JsonOf(BillStructure))
    financial_account: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    last_modified: datetime = Field(default_factory=now, sa_type=INSTANT)
    next_bill_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    not_billed_because: str | None = Field(default=None, max_length=500)

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
    must_open(account)
    customer = _holder(session, account)
    account.party_id = customer.party_id
    if not account.currency:
        limit = account.credit_limit
        account.currency = limit.unit if limit is not None else operator_of(session).currency
    days = operator_of(session).payment_term_days
    if account.bill_structure is None and days != DUE_DAYS:
        cycle = BillingCycle(name="monthly", payment_due_date_offset=days)
        account.bill_structure = BillStructure(cycle_specification=cycle)
    _check_terms(session, account)
    session.add(account)
    session.flush()
    return account


def patch_billing_account(
    session: Session, account: BillingAccount, patch: dict[str, Json], by: Principal
) -> BillingAccount:
    """Change an account or move its state. Holder and currency stay: bills were made by them."""
    currency, bill_day = account.currency, account.bill_day
    amend_account(session, account, patch)
    if account.currency != currency:
        raise RuleRefused("/currency", "an account keeps its currency", "fixed", currency)
    if "relatedParty" in patch and _holder(session, account).party_id != account.party_id:
        raise RuleRefused("/relatedParty", "an account keeps its customer", "fixed", account.party_id)
    _check_terms(session, account)
    if account.bill_day != bill_day:
        account.next_bill_at = now()  # the bill run looks at what that brings
    return account


def drop_billing_account(session: Session, account: BillingAccount, by: Principal) -> None:
    """Forget an account that nothing was ever ordered, sold or billed on."""
    drop_account(session, account)


@on(CurrencyToBeChanged)
def keep_accounts_currency(session: Session, event: CurrencyToBeChanged) -> None:
    """What is billed is billed in the currency of its account."""
    if session.exec(select(BillingAccount.id).limit(1)).first() is not None:
        raise currency_fixed("billing accounts, and their bills,", event.before)


def _holder(session: Session, account: BillingAccount) -> Customer:
    """The customer among the related parties, whose references are completed. Raises `Refused`, `RuleRefused`."""
    kept = known_parties(session, account.related_party)
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


def _check_terms(session: Session, account: BillingAccount) -> None:
    """Its limit is in its currency, and what it names is there. Raises `Refused`, `RuleRefused`."""
    _check_limit(account)
    if account.bill_structure is not None:
        completed = _completed(session, account.bill_structure)
        if completed != account.bill_structure:
            account.bill_structure = completed
    if account.financial_account is not None:
        carrying = carrying_account(session, account.financial_account, account.party_id)
        if carrying != account.financial_account:
            account.financial_account = carrying


def _completed(session: Session, given: BillStructure) -> BillStructure:
    """The structure with the days, names and links of what it names."""
    cycle, layout = given.cycle_specification, given.format
    if cycle is not None:
        cycle = cycle_named(session, cycle, f"{STRUCTURE}/cycleSpecification")
    if layout is not None:
        layout = in_full(term_named(session, BillFormat, layout, f"{STRUCTURE}/format"), layout)
    media = [
        in_full(term_named(session, BillPresentationMedia, one, f"{STRUCTURE}/presentationMedia/{index}"), one)
        for index, one in enumerate(given.presentation_media)
    ]
    return given.model_copy(update={"cycle_specification": cycle, "format": layout, "presentation_media": media})


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


@on(BillTermToBeChanged)
def keep_terms_of_accounts(session: Session, event: BillTermToBeChanged) -> None:
    """What an account names stays as its customer was promised it."""
    structure = type_coerce(col(BillingAccount.bill_structure), JSONB)
    one: Json = {"id": event.term_id, "isRef": True}
    places: list[Json] = [{"cycleSpecification": one}, {"format": one}, {"presentationMedia": [one]}]
    query = select(BillingAccount).where(or_(*(structure.contains(place) for place in places)))
    account = session.exec(query).first()
    if account is not None:
        why = f"billing account {account.name!r} ({account.id}) names it"
        raise RuleRefused(event.field, why, "inUse", "a new one, which accounts move to")


@on(AccountToBeClosed)
def keep_carrying_account_open(session: Session, event: AccountToBeClosed) -> None:
    """A financial account is closed after the accounts that it carries."""
    still = col(BillingAccount.state) != AccountState.CLOSED
    account = session.exec(_carried_by(event.account_id).where(still)).first()
    if account is not None:
        raise RuleRefused("/state", f"billing account {account.name!r} is {account.state}", "inUse", "close it first")


@on(AccountToBeDeleted)
def keep_carrying_account(session: Session, event: AccountToBeDeleted) -> None:
    """A financial account that carries a billing account stays."""
    account = session.exec(_carried_by(event.account_id)).first()
    if account is not None:
        raise RuleRefused("id", f"it carries billing account {account.name!r}", "inUse", "an account that carries none")


def _carried_by(financial_account_id: str) -> SelectOfScalar[BillingAccount]:
    named = type_coerce(col(BillingAccount.financial_account), JSONB).contains({"id": financial_account_id})
    return select(BillingAccount).where(named)
