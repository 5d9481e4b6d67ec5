"""Billing cycles: how often an account is billed, on which day, and payable by when (TMF666).

Bills are monthly. The bill day is `billingDateShift` days after the first of the month; the 28th is the last day that
every month has. Charges and credits are dated by that day, and a bill is sent once it is validated: there is no offset
of their own. What an account says of its cycle is kept with the account, so that its bills can be made again.
"""

from typing import ClassVar, Literal

from pydantic import Field as ValueField
from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, RuleRefused
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, TimePeriod, instant_text
from satcom.market.account.bill_presentation import (
    BillTerm,
    TermReference,
    drop_term,
    enter_term,
    in_full,
    revise_term,
    term_named,
)

DUE_DAYS = 30
LAST_SHIFT = 27
NOT_OFFERED = ("chargeDateOffset", "creditDateOffset", "mailingDateOffset")
FREE = frozenset({"description", "validFor"})


class BillingCycleSpecification(BillTerm, table=True):
    """A cycle that accounts are billed by."""

    __tablename__ = "billing_cycle_specification"

    api: ClassVar = tmf("TMF666", "BillingCycleSpecification", Capability.READ_PARTIES)

    frequency: str = Field(default="monthly", max_length=20)
    billing_period: str = Field(default="month", max_length=20)
    billing_date_shift: int = Field(default=0, ge=0, le=LAST_SHIFT)
    payment_due_date_offset: int = Field(default=DUE_DAYS, ge=0, le=365)
    valid_for: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))


class BillingCycle(TermReference):
    """TMF666 `BillingCycleSpecificationRefOrValue`: the cycle of one account, of its own or as specified."""

    is_ref: bool = False
    frequency: Literal["monthly"] | None = None
    billing_period: Literal["month"] | None = None
    billing_date_shift: int = ValueField(default=0, ge=0, le=LAST_SHIFT)
    payment_due_date_offset: int = ValueField(default=DUE_DAYS, ge=0, le=365)


def specify_billing_cycle(
    session: Session, cycle: BillingCycleSpecification, by: Principal
) -> BillingCycleSpecification:
    """Offer a further cycle. Raises `RuleRefused` on what no bill is made by."""
    _check(cycle)
    return enter_term(session, cycle)


def patch_billing_cycle(
    session: Session, cycle: BillingCycleSpecification, patch: dict[str, Json], by: Principal
) -> BillingCycleSpecification:
    """Change a cycle. Its days are fixed while an account is billed by it."""
    revise_term(session, cycle, patch, FREE)
    _check(cycle)
    return cycle


def drop_billing_cycle(session: Session, cycle: BillingCycleSpecification, by: Principal) -> None:
    """Offer it no longer."""
    drop_term(session, cycle)


def cycle_named(session: Session, given: BillingCycle, where: str) -> BillingCycle:
    """The cycle with its days. Raises `Refused` or `RuleRefused` when it names one that is not there or not valid."""
    if not given.is_ref:
        return given
    cycle = term_named(session, BillingCycleSpecification, given, where)
    if cycle.valid_for is not None and not cycle.valid_for.holds(now()):
        why = f"{cycle.name} is not valid on {instant_text(now())}"
        raise RuleRefused(f"{where}/id", why, "notValid", "a cycle that is valid today")
    days = {"billing_date_shift": cycle.billing_date_shift, "payment_due_date_offset": cycle.payment_due_date_offset}
    return BillingCycle.model_validate(in_full(cycle, given).model_dump() | days)


def _check(cycle: BillingCycleSpecification) -> None:
    faults = [
        Fault(f"/{name}", "charges and bills have no date but the bill day", "notOffered", "0")
        for name in NOT_OFFERED
        if cycle.further.get(name)
    ]
    for field, value, only in (
        ("/frequency", cycle.frequency, "monthly"),
        ("/billingPeriod", cycle.billing_period, "month"),
    ):
        if value != only:
            faults.append(Fault(field, f"bills are made every month, not {value!r}", "notOffered", only))
    if faults:
        raise RuleRefused.all(faults)


routes = TmfRoutes(BillingCycleSpecification)
routes.post(specify_billing_cycle, may=Capability.KEEP_ACCOUNTS)
routes.patch(patch_billing_cycle, may=Capability.KEEP_ACCOUNTS)
routes.delete(drop_billing_cycle, may=Capability.KEEP_ACCOUNTS)
