"""Customers: each an organization that buys, with its sites and the account that it is charged on."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy.exc import DataError, IntegrityError

from satcom.app.loading.entries import Keys, parsed
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import Kind, Load
from satcom.app.loading.operator import ORGANIZATION, PartyKeys, organization_of, remarks
from satcom.app.loading.sites import SiteKeys, sites_of
from satcom.core.entity import from_body
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.security import CUSTOMER_ROLE, WORKER
from satcom.core.values import Currency, Json
from satcom.enterprise.party import Organization, operator_of
from satcom.market.account.billing_account import (
    BillingAccount,
    create_billing_account,
    patch_billing_account,
)
from satcom.market.account.billing_cycle import DUE_DAYS
from satcom.market.customer import Customer, create_customer, patch_customer
from satcom.market.customer_takeover import NewCustomer, take_over_customers

CUSTOMER = Kind(Customer, create_customer, patch_customer, decides=frozenset({"name"}), further=())
ACCOUNT = Kind(
    BillingAccount,
    create_billing_account,
    patch_billing_account,
    words={
        "name": "billing_account.name",
        "currency": "billing_account.currency",
        "bill_structure": "billing_account.payment_term_days",
    },
    decides=frozenset({"name", "currency", "bill_structure"}),
    further=(),
    shown={"bill_structure": lambda one: f"{one.due_days} days, bill on day {one.bill_day}"},
)


class AccountKeys(Keys):
    """`bill_day` is the day of the month on which the bill is made. Name and id follow from the customer's."""

    id: str | None = None
    name: str | None = None
    currency: Currency | None = None
    payment_term_days: Annotated[int, Field(ge=0, le=365)] = DUE_DAYS
    bill_day: Annotated[int, Field(ge=1, le=28)] = 1


class CustomerKeys(PartyKeys):
    """Without the key `sites` they stay as they are."""

    billing_account: AccountKeys | None = None
    sites: tuple[SiteKeys, ...] = ()


@dataclass(frozen=True)
class Row:
    """An entry with what it says: party, customer and account. Only the account may be called otherwise."""

    entry: Entry
    wanted: NewCustomer
    account: Entry

    @property
    def ids(self) -> list[str]:
        account = [loaded_id(ACCOUNT.name, self.account.slug)] if self.wanted.account is not None else []
        return [*(loaded_id(kind.name, self.entry.slug) for kind in (ORGANIZATION, CUSTOMER)), *account]


def load_customers(load: Load) -> None:
    """Those that are new are entered many at a time, the others compared one by one."""
    currency = operator_of(load.session).currency if load.has_operator else ""
    for entries in load.portions("customers", Organization, Customer):
        rows: list[Row] = []
        for entry in entries:
            with load.checking(CUSTOMER, entry):
                present = load.present(Organization, loaded_id(ORGANIZATION.name, entry.slug))
                rows.append(_row(entry, currency, present))
        load.read(BillingAccount, [row.account.slug for row in rows])
        new: list[Row] = []
        for row in rows:
            with load.checking(ACCOUNT, row.entry):
                _claim_account(load, row)
                if load.has_operator and not any(load.is_there(one) for one in row.ids):
                    new.append(row)
                else:
                    _keep(load, row)
        _enter(load, new)


def _claim_account(load: Load, row: Row) -> None:
    """An account has one customer."""
    key = (ACCOUNT.name, row.account.slug)
    if row.wanted.account is not None and key in load.claimed:
        raise Refused("billing_account.id", f"another customer has the account {row.account.slug!r}", "duplicate")
    if row.wanted.account is not None:
        load.claimed[key] = row.account.file


def _keep(load: Load, row: Row) -> None:
    wanted = row.wanted
    with load.checking(CUSTOMER, row.entry):
        load.keep(ORGANIZATION, row.entry, wanted.organization, wanted.organization.trading_name)
        load.keep(CUSTOMER, row.entry, wanted.customer, wanted.customer.name)
    if wanted.account is not None:
        with load.checking(ACCOUNT, row.entry):
            load.keep(ACCOUNT, row.account, wanted.account, wanted.account.name)


def _enter(load: Load, rows: list[Row]) -> None:
    """All in a few statements; when the database refuses one of them, one by one, so that it is known which."""
    entered: list[Row] = []
    for row in rows:
        with load.checking(CUSTOMER, row.entry):
            load.may_keep(ORGANIZATION, row.entry, row.wanted.organization)
            load.may_keep(CUSTOMER, row.entry, row.wanted.customer)
            if row.wanted.account is not None:
                load.may_keep(ACCOUNT, row.account, row.wanted.account)
            entered.append(row)
    if not entered:
        return
    try:
        with load.session.begin_nested():
            take_over_customers(load.session, [row.wanted for row in entered], WORKER)
    except (DataError, IntegrityError):
        for row in entered:
            _keep(load, row)
        return
    for row in entered:
        wanted = row.wanted
        load.entered(ORGANIZATION, row.entry.slug, wanted.organization, wanted.organization.trading_name)
        load.entered(CUSTOMER, row.entry.slug, wanted.customer, wanted.customer.name)
        if wanted.account is not None:
            load.entered(ACCOUNT, row.account.slug, wanted.account, wanted.account.name)


def _row(entry: Entry, currency: str, present: Organization | None) -> Row:
    keys = parsed(CustomerKeys, entry)
    sites: list[Json] = [one.characteristic for one in keys.sites]
    if "sites" not in keys.model_fields_set and present is not None:
        sites = list(sites_of(present).values())
    party: Json = {"id": loaded_id("Organization", entry.slug), "@referredType": "Organization"}
    customer = from_body(Customer, {"name": keys.name, "engagedParty": party})
    account = _account(keys.billing_account, keys, currency) if keys.billing_account is not None else None
    called = keys.billing_account.id if keys.billing_account is not None else None
    wanted = NewCustomer(organization_of(keys, [*sites, *remarks(keys)]), customer, account)
    return Row(entry, wanted, Entry(entry.file, called or f"account-{entry.slug}", entry.values))


def _account(keys: AccountKeys, customer: CustomerKeys, currency: str) -> BillingAccount:
    party: Json = {
        "id": loaded_id("Organization", customer.id),
        "name": customer.name,
        "role": CUSTOMER_ROLE,
        "@referredType": "Organization",
    }
    cycle: Json = {
        "name": "monthly",
        "isRef": False,
        "billingDateShift": keys.bill_day - 1,
        "paymentDueDateOffset": keys.payment_term_days,
    }
    name = keys.name or customer.name
    body: Json = {"name": name, "relatedParty": [party], "billStructure": {"cycleSpecification": cycle}}
    account = from_body(BillingAccount, body)
    account.currency = keys.currency or currency
    return account
