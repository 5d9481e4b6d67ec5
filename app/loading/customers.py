"""Customers: each an organization that buys, with its sites and the account that it is charged on."""

from typing import Annotated

from pydantic import Field, FiniteFloat

from satcom.app.loading.entries import Keys, parsed
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import Kind, Load
from satcom.app.loading.operator import ORGANIZATION, PartyKeys, organization_of, remarks
from satcom.core.entity import from_body
from satcom.core.loading import loaded_id
from satcom.core.security import CUSTOMER_ROLE
from satcom.core.values import Currency, Json
from satcom.enterprise.party import operator_of
from satcom.market.account import (
    DUE_DAYS,
    BillingAccount,
    create_billing_account,
    patch_billing_account,
)
from satcom.market.customer import Customer, create_customer, patch_customer
from satcom.resource.ground import Country

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
)


class SiteKeys(Keys):
    """A place of the customer, kept with its organization."""

    id: str
    name: str
    latitude_deg: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    longitude_deg: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    altitude_m: FiniteFloat | None = None
    country: Country | None = None

    @property
    def place(self) -> dict[str, Json]:
        """The place in the words of an order's characteristics."""
        given: dict[str, Json] = {
            "latitudeDeg": self.latitude_deg,
            "longitudeDeg": self.longitude_deg,
            "altitudeM": self.altitude_m,
            "country": self.country,
        }
        return {name: value for name, value in given.items() if value is not None}


class AccountKeys(Keys):
    """`bill_day` is the day of the month on which the bill is made."""

    id: str
    name: str
    currency: Currency | None = None
    payment_term_days: Annotated[int, Field(ge=0, le=365)] = DUE_DAYS
    bill_day: Annotated[int, Field(ge=1, le=28)] = 1


class CustomerKeys(PartyKeys):
    billing_account: AccountKeys | None = None
    sites: tuple[SiteKeys, ...] = ()


def load_customers(load: Load) -> None:
    for entry in load.files.entries("customers"):
        with load.checking(CUSTOMER, entry):
            _load_customer(load, entry)


def _load_customer(load: Load, entry: Entry) -> None:
    keys = parsed(CustomerKeys, entry)
    sites: list[Json] = [{"name": one.id, "value": {"name": one.name, **one.place}} for one in keys.sites]
    load.keep(ORGANIZATION, entry, organization_of(keys, [*sites, *remarks(keys)]), keys.name)
    party: Json = {"id": loaded_id("Organization", entry.slug), "@referredType": "Organization"}
    customer = from_body(Customer, {"name": keys.name, "engagedParty": party})
    load.keep(CUSTOMER, entry, customer, keys.name)
    account = keys.billing_account
    if account is not None:
        named = Entry(entry.file, account.id, {})
        with load.checking(ACCOUNT, Entry(entry.file, entry.slug, {})):
            load.keep(ACCOUNT, named, _account(load, account, keys), account.name)


def _account(load: Load, keys: AccountKeys, customer: CustomerKeys) -> BillingAccount:
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
    body: Json = {"name": keys.name, "relatedParty": [party], "billStructure": {"cycleSpecification": cycle}}
    account = from_body(BillingAccount, body)
    if keys.currency is not None or load.has_operator:
        account.currency = keys.currency or operator_of(load.session).currency
    return account
