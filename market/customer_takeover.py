"""Customers taken over: a whole customer base is entered at once, each as a new party with its customer and account.

What `create_organization`, `create_customer` and `create_billing_account` ask the database for one by one follows here
from all three being new: nobody stands above the party, it is nobody's customer yet, and holder and account are one's.
Words: TMF632, TMF629, TMF666.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from satcom.core.errors import Refused
from satcom.core.security import Capability, Principal
from satcom.enterprise.party import Organization, OrganizationStatus, operator_of, party_reference
from satcom.market.account.account import AccountState
from satcom.market.account.billing_account import BillingAccount
from satcom.market.customer import Customer, CustomerStatus


@dataclass(frozen=True)
class NewCustomer:
    """A party that is not there yet, as customer, with the account that it is charged on if it has one."""

    organization: Organization
    customer: Customer
    account: BillingAccount | None


def take_over_customers(session: Session, customers: Iterable[NewCustomer], by: Principal) -> None:
    """Enter them all, in few statements. Raises `Refused` on one that cannot be new."""
    by.need(Capability.MIGRATE)
    currency = operator_of(session).currency
    for one in customers:
        _check(one)
        party = one.organization
        party.party_id = one.customer.party_id = party.id
        one.customer.engaged_party = party_reference(party, one.customer.engaged_party)
        session.add_all([party, one.customer])
        if one.account is not None:
            one.account.party_id = party.id
            one.account.currency = one.account.currency or currency
            one.account.related_party = [party_reference(party, given) for given in one.account.related_party]
            session.add(one.account)
    session.flush()


def _check(new: NewCustomer) -> None:
    party, customer, account = new.organization, new.customer, new.account
    above_or_below = party.organization_parent_relationship or party.further.get("organizationChildRelationship")
    if above_or_below or party.status is OrganizationStatus.CLOSED:
        why = f"{party.trading_name} has others above or below it, or is closed"
        raise Refused("/organization", why, "invalid", "a party that stands alone, and open")
    if customer.status not in (CustomerStatus.PROSPECTIVE, CustomerStatus.ACTIVE):
        raise Refused("/status", f"nothing begins as {customer.status}", "notInEnumeration", "prospective, active")
    if account is None:
        return
    if account.state is not AccountState.ACTIVE or account.credit_limit is not None:
        raise Refused("/account", "a new account is active, and without a credit limit", "invalid", AccountState.ACTIVE)
    if [one.id for one in (customer.engaged_party, *account.related_party)] != [party.id, party.id]:
        raise Refused("/relatedParty", "the account is another party's than the customer", "invalid", party.id)
