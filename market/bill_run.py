"""The bill run: every account is billed when its billing month begins, by the operator's time zone, unasked.

An account says when it is looked at next, at the latest on its next bill day. Whoever is free takes the one that waits
longest and locks it; any number of workers take others meanwhile. What came due while nobody worked goes on one bill,
and nothing on two: what is due follows from the lines of the bills that stand (`market.due_charges`).
An account that cannot be billed is put off by a day with the reason, and holds up no other. Words: TMF678 `runType`.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.enterprise.party import operator_of
from satcom.market.account.account import AccountState
from satcom.market.account.billing_account import BillingAccount
from satcom.market.account_bill import ON_CYCLE, DueOnAccount, bill_of_account, due_on
from satcom.market.billing import billing_month
from satcom.market.due_charges import CHARGED
from satcom.market.inventory import ProductStatus

PUT_OFF: Final = timedelta(days=1)
log = structlog.get_logger()


def bill_next(session: Session) -> bool:
    """Look at the account that waits longest, and bill what is due on it; `False` when none waits."""
    waits = (col(BillingAccount.state) == AccountState.ACTIVE) & (col(BillingAccount.next_bill_at) <= now())
    longest = select(BillingAccount).where(waits).order_by(col(BillingAccount.next_bill_at)).limit(1)
    account = session.exec(longest.with_for_update(skip_locked=True)).first()
    if account is None:
        return False
    try:
        with session.begin_nested():
            due = due_on(session, account)
            bill = bill_of_account(session, account, due, ON_CYCLE) if due.charges else None
            next_at, why = _next_look(session, account, due), None
    except (OperationalError, InterfaceError):
        raise  # the database is away: nothing is wrong with the account
    except Exception as error:  # kept with the account, counted and told
        log.exception("an account is not billed", account=account.id)
        next_at, why = now() + PUT_OFF, str(error)[:500]
    else:
        if bill is not None:
            log.info(
                "billed", account=account.id, bill=bill.bill_no, state=bill.state.value, amount=str(bill.amount_due)
            )
    # past the change log and without another version: when it is looked at is nobody's change of the account
    known = update(BillingAccount).where(col(BillingAccount.id) == account.id)
    session.connection().execute(known.values(next_bill_at=next_at, not_billed_because=why))
    return True


def _next_look(session: Session, account: BillingAccount, due: DueOnAccount) -> datetime:
    """The next bill day, or sooner: where something is billed until a day before it, or not billed by its order yet."""
    zone = operator_of(session).zone
    covered = {one.product_id: one.billed_to for one in due.charged}
    for charge in due.charges:
        covered[charge.product_id] = max(covered[charge.product_id], charge.end)
    known = {one.product_id for one in due.charged}
    awaited = [
        due.at + PUT_OFF
        for one in due.products.values()
        if one.status in CHARGED - {ProductStatus.TERMINATED} and one.start_date is not None and one.id not in known
    ]
    ends = {one.product_id: one.end for one in due.charged}
    going_on = [
        until
        for product_id, until in covered.items()
        if until > due.at and ((end := ends[product_id]) is None or until.astimezone(zone).date() < end)
    ]
    return min([billing_month(due.at, zone, account.bill_day).end, *awaited, *going_on])
