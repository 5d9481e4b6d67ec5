"""Bills on demand: a customer, or finance, asks for the bill of an account now (TMF678).

Everything that is due on the account (`market.due_charges`) and was not billed yet goes on one bill. Where nothing is
due the request is kept as rejected, and says until when everything is billed. A bill whose recomputation does not agree
stays on hold, and the request ends with an error.
"""

from enum import StrEnum
from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.database import find_for_update
from satcom.core.entity import Entity, JsonOf, state_type, tmf
from satcom.core.errors import NotFound, Refused, RuleRefused
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Reference, RelatedParty, instant_text, reference
from satcom.enterprise.party import find_party, party_reference
from satcom.market.account.account import AccountState
from satcom.market.account.billing_account import BillingAccount
from satcom.market.account_bill import ACCOUNT, DueOnAccount, bill_of_account, due_on
from satcom.market.billing import BillState


class OnDemandState(StrEnum):
    """TMF678 `StateValues`."""

    IN_PROGRESS = "inProgress"
    REJECTED = "rejected"
    DONE = "done"
    TERMINATED_WITH_ERROR = "terminatedWithError"


class CustomerBillOnDemand(Entity, table=True):
    """One request for a bill, and what came of it."""

    __tablename__ = "customer_bill_on_demand"

    name: str | None = Field(default=None, max_length=300)
    description: str | None = Field(default=None, max_length=2000)
    billing_account: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    related_party: RelatedParty | None = Field(default=None, sa_type=JsonOf(RelatedParty))
    state: OnDemandState = Field(default=OnDemandState.IN_PROGRESS, sa_type=state_type(OnDemandState))
    customer_bill: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    last_update: str = Field(default="", max_length=40)
    reason: str | None = Field(default=None, max_length=500)

    api: ClassVar = tmf("TMF678", "CustomerBillOnDemand", Capability.READ_BILLS)
    computed: ClassVar[frozenset[str]] = frozenset({"state", "customerBill", "lastUpdate"})
    life_cycle: ClassVar = LifeCycle[OnDemandState](
        OnDemandState,
        ("inProgress", "done", "the bill was made"),
        ("inProgress", "rejected", "nothing is due"),
        ("inProgress", "terminatedWithError", "the bill is on hold: its recomputation does not agree"),
    )


def bill_now(session: Session, request: CustomerBillOnDemand, by: Principal) -> CustomerBillOnDemand:
    """Make the bill of what is due on the account, or say that nothing is.

    Raises `Refused` when there is no such account, `RuleRefused` when it is charged no more, or in another currency.
    """
    account = _account(session, request)
    request.party_id = account.party_id
    request.billing_account = reference(account.id, "BillingAccount", account.href, account.name)
    if request.related_party is not None:
        party = find_party(session, request.related_party.id, "/relatedParty/id")
        request.related_party = party_reference(party, request.related_party)
    due = due_on(session, account)
    if due.charges:
        bill = bill_of_account(session, account, due)
        request.customer_bill = reference(bill.id, "CustomerBill", bill.href)
        held = bill.state is BillState.ON_HOLD
        move(request, OnDemandState.TERMINATED_WITH_ERROR if held else OnDemandState.DONE)
        request.reason = f"bill {bill.bill_no} is {bill.state}: {bill.amount_due}"
    else:
        move(request, OnDemandState.REJECTED)
        request.reason = f"nothing is due on {account.name}: {_why_nothing(due)}"
    request.last_update = instant_text(due.at)
    session.add(request)
    session.flush()
    return request


def _account(session: Session, request: CustomerBillOnDemand) -> BillingAccount:
    """The account, locked: two who ask at once get one bill."""
    if request.billing_account is None:
        raise Refused(ACCOUNT, "of which account is mandatory", "missing", "the id of a billing account")
    try:
        account = find_for_update(session, BillingAccount, request.billing_account.id)
    except NotFound as error:
        why = f"there is no billing account {request.billing_account.id[:80]!r}"
        raise Refused(ACCOUNT, why, "notFound", "the id of a billing account") from error
    if account.state is not AccountState.ACTIVE:
        why = f"billing account {account.name!r} is {account.state}"
        raise RuleRefused(ACCOUNT, why, "accountNotActive", AccountState.ACTIVE)
    return account


def _why_nothing(due: DueOnAccount) -> str:
    if not due.charged:
        return "no product is charged to it"
    running = [one.billed_to for one in due.charged if one.billed_to > due.at]
    return f"everything is billed until {instant_text(min(running))}" if running else "all that ended is billed"


routes = TmfRoutes(CustomerBillOnDemand)
routes.post(bill_now, may=Capability.ASK_FOR_BILLS)
