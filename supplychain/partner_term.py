"""Terms of partner capacity: which hold is to be extended, which term renewed, and what came of it.

A hold that an order waits behind is extended at the partner before it ends. What was delivered for a term goes on at
the partner for a further one, at its price of then, for as long as a service rests on it; else it lapses. Each command
may be repeated. Holds end by the partner's clock, which is the wall's; terms by the business clock.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from satcom.core.clock import now, wall_now
from satcom.core.database import find_for_update
from satcom.core.errors import RuleRefused
from satcom.core.life_cycle import move
from satcom.supplychain.partner_capacity import (
    CapacityTerm,
    PartnerCapacity,
    PartnerCapacityState,
    extension_due,
    note_term,
    renewal_due,
)

AT_ONCE: Final = 100
LOOKED_AT_EACH, SOONEST = timedelta(days=1), timedelta(minutes=1)
SHORTEST_TERM: Final = timedelta(days=1)  # a renewal for less is none: it would be renewed again and again
log = structlog.get_logger()


def take_holds_to_extend(session: Session) -> list[PartnerCapacity]:
    """The capacity whose hold is to be extended now. Whoever takes it sees to it: nobody else is given it."""
    due = (col(PartnerCapacity.hold_extend_at) <= wall_now(), col(PartnerCapacity.state) == PartnerCapacityState.HELD)
    taken = _locked(session, *due)
    for one in taken:
        one.hold_extend_at = None
    session.flush()
    return taken


def take_terms_to_renew(session: Session) -> list[PartnerCapacity]:
    """The capacity whose term is to be renewed now, taken as a hold is."""
    due = (col(PartnerCapacity.renew_at) <= now(), col(PartnerCapacity.state) == PartnerCapacityState.DELIVERED)
    taken = _locked(session, *due)
    for one in taken:
        one.renew_at = None
    session.flush()
    return taken


def _locked(session: Session, *due: ColumnElement[bool]) -> list[PartnerCapacity]:
    query = select(PartnerCapacity).where(*due).limit(AT_ONCE).with_for_update(skip_locked=True)
    return list(session.exec(query))


def note_extended(session: Session, capacity_id: str, until: datetime | None) -> PartnerCapacity:
    """The partner holds it until then."""
    capacity = find_for_update(session, PartnerCapacity, capacity_id)
    if capacity.state is PartnerCapacityState.HELD:
        capacity.hold_until, capacity.hold_extend_at = until, extension_due(until)
        session.flush()
    return capacity


def extend_again(session: Session, capacity_id: str, at: datetime) -> PartnerCapacity:
    """At that instant of the wall clock the extension of the hold is looked at again."""
    capacity = find_for_update(session, PartnerCapacity, capacity_id)
    if capacity.state is PartnerCapacityState.HELD:
        capacity.hold_extend_at = at
        session.flush()
    return capacity


def note_told_term(session: Session, capacity_id: str, ends_at: datetime | None) -> PartnerCapacity:
    """What was delivered before terms were kept ends when the partner says, or with the agreement.

    Where the agreement is over and the partner tells of no end, it goes on, and why it is not renewed stands with it.
    """
    capacity = find_for_update(session, PartnerCapacity, capacity_id)
    if capacity.state is PartnerCapacityState.DELIVERED and capacity.term_ends_at is None:
        capacity.term_ends_at = ends_at
        note_term(session, capacity, capacity.delivered_at or now())
        if ends_at is None and capacity.term_ends_at is not None and capacity.term_ends_at <= now():
            over = f"the agreement with {capacity.partner_name} ended on {capacity.term_ends_at:%Y-%m-%d}"
            capacity.renewal_setback = f"{over}, and it names no end of what it delivers"
            capacity.term_ends_at = capacity.renew_at = None
            log.warning("not renewed", partner=capacity.partner_name, why=capacity.renewal_setback)
        session.flush()
    return capacity


def note_renewed(session: Session, capacity_id: str, agreement_id: str, term: CapacityTerm) -> PartnerCapacity:
    """The partner delivers for a further term, under this agreement. From its start on its price is the cost.

    Raises `RuleRefused` when it is not delivered any more.
    """
    capacity = find_for_update(session, PartnerCapacity, capacity_id)
    if capacity.state is not PartnerCapacityState.DELIVERED:
        why = f"{capacity.name} is {capacity.state.value}: it does not go on"
        raise RuleRefused("capacity", why, "ended", "capacity that is delivered")
    if term.partner_order_id not in {one.partner_order_id for one in capacity.renewal}:
        capacity.renewal = [*capacity.renewal, term]
        capacity.agreement_id, capacity.term_ends_at, capacity.renewal_setback = agreement_id, term.end_at, None
        note_term(session, capacity, term.start_at)
        session.flush()
    return capacity


def note_setback(session: Session, capacity_id: str, why: str) -> PartnerCapacity:
    """It cannot be renewed yet, and why."""
    capacity = find_for_update(session, PartnerCapacity, capacity_id)
    capacity.renewal_setback = why[:500]
    session.flush()
    return capacity


def agreed_by(capacity: PartnerCapacity, notice_days: int) -> datetime | None:
    """When a renewal should be agreed on: half way from its beginning to the end of the term."""
    begins_at, ends_at = capacity.term_began_at, capacity.term_ends_at
    if begins_at is None or ends_at is None:
        return None
    return ends_at - (ends_at - renewal_due(begins_at, ends_at, notice_days)) / 2


def look_again(session: Session, capacity: PartnerCapacity) -> None:
    """Tomorrow, half way to the end of the term, or at its end it is looked at again whether it is to be renewed."""
    if capacity.state is not PartnerCapacityState.DELIVERED:
        return
    at, ends_at = now(), capacity.term_ends_at
    if ends_at is None or ends_at - at > SOONEST:
        capacity.renew_at = at + min(LOOKED_AT_EACH, (ends_at - at) / 2 if ends_at is not None else LOOKED_AT_EACH)
    else:
        capacity.renew_at = ends_at if ends_at > at else at + SOONEST
    session.flush()


def note_lapsed(session: Session, capacity: PartnerCapacity) -> None:
    """The term is over, and the partner does not deliver any more."""
    move(capacity, PartnerCapacityState.LAPSED)
    capacity.renew_at = None
    session.flush()
