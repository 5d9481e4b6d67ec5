"""Partner hold: what a partner holds for an order that still waits is held for longer, before the hold ends.

The sweep begins it; the order's own plan knows nothing of it. Where the partner will not, supply has until the end of
the hold: the order is approved by then, or the partner talked to. Afterwards the partner refuses the order.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import TypeAdapter
from sqlmodel import Session

from satcom.core.clock import clock, now, wall_now
from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import Role
from satcom.core.values import Instant, Json, instant_text
from satcom.market.ordering import ProductOrder
from satcom.orchestration.engine import Call
from satcom.orchestration.flow_event import FlowUndone
from satcom.orchestration.operations.ordered_at_partner import HELD, REFUSAL
from satcom.orchestration.plan import Again, Later, Plan, open_flow, plan
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import lay_out
from satcom.orchestration.sweep import each_alone
from satcom.supplychain.drivers.port import PartnerRefused, PartnerUnavailable
from satcom.supplychain.drivers.tmf_partner import partner_at
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from satcom.supplychain.partner_term import extend_again, note_extended, take_holds_to_extend
from satcom.supplychain.partnership import Partnership

PARTNER_HOLD: Final = "partnerHold"
EXTENDED_BY: Final = timedelta(days=1)  # is asked for; the partner grants what it likes
TRIED_EACH: Final = timedelta(minutes=1)  # where we failed ourselves
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
log = structlog.get_logger()


@plan(PARTNER_HOLD)
def partner_hold(plan: Plan, capacity: str) -> None:
    """The recipe."""
    question = plan.task(prepare_extension, capacity)
    extended = plan.task(extend_at_partner, question, outside=True)
    plan.wait(hold_is_extended, capacity, question, extended, owner=Role.SUPPLY, again_from=question)


def extend_holds(session: Session) -> int:
    """Begin to extend the holds that are about to end, or to look again where it was refused; how many."""
    taken = take_holds_to_extend(session)
    each_alone(session, taken, extend_the_hold, put_off=look_at_the_hold_later)
    return len(taken)


def extend_the_hold(session: Session, capacity: PartnerCapacity) -> None:
    waiting = open_flow(session, capacity.id, PARTNER_HOLD)
    if waiting is not None:
        enqueue(session, waiting.id, because=capacity.id)
        return
    order = find(session, ProductOrder, capacity.order_id)
    session.info["order_reference"] = order.reference
    enqueue(session, lay_out(session, PARTNER_HOLD, capacity, order.reference).id)


def look_at_the_hold_later(session: Session, capacity: PartnerCapacity) -> None:
    extend_again(session, capacity.id, wall_now() + TRIED_EACH)


def prepare_extension(session: Session, capacity_id: str) -> Json:
    """What is held where, and until when; nothing where the order went on or was undone."""
    capacity = find(session, PartnerCapacity, capacity_id)
    if not _is_held(capacity) or capacity.hold_until is None:
        return None
    partnership = find(session, Partnership, capacity.partnership_id)
    return {
        "apiUrl": partnership.partner[0].api_url,
        "holdId": capacity.hold_id,
        "until": instant_text(capacity.hold_until),
        "askedAt": instant_text(wall_now()),
    }


def extend_at_partner(call: Call, question: dict[str, Json] | None) -> Json:
    """Until when the partner holds it now, or why it does not hold it for longer."""
    if question is None:
        return None
    until = INSTANT.validate_python(question["until"]) + EXTENDED_BY
    try:
        with partner_at(str(question["apiUrl"])) as partner:
            held: Json = HELD.dump_python(partner.extend(str(question["holdId"]), until, call.key), mode="json")
    except (PartnerRefused, PartnerUnavailable) as setback:
        return {REFUSAL: str(setback)}
    return held


def hold_is_extended(
    session: Session, capacity_id: str, question: dict[str, Json] | None, extended: dict[str, Json] | None
) -> Json | Later | Again:
    """Whether the hold lasts, or is not needed any more. The partner is asked again half way to its end.

    The partner's clock is the wall's, deadlines are the business's: the sweep looks again by the wall clock,
    too, so that a business clock that is set meanwhile puts nothing off. Raises `RuleRefused` when the hold is over.
    """
    capacity = find(session, PartnerCapacity, capacity_id)
    if question is None or extended is None or not _is_held(capacity):
        return None
    if REFUSAL not in extended:
        kept = HELD.validate_python(extended)
        note_extended(session, capacity_id, kept.until)
        return instant_text(kept.until) if kept.until is not None else None
    ends_at, asked_at = (INSTANT.validate_python(question[one]) for one in ("until", "askedAt"))
    again_at = asked_at + (ends_at - asked_at) / 2
    if again_at <= wall_now() < ends_at - timedelta(seconds=1):
        return Again()
    if wall_now() >= ends_at:
        why = f"{capacity.partner_name} held it until {ends_at:%Y-%m-%d %H:%M}: {str(extended[REFUSAL])[:200]}"
        raise RuleRefused("hold", why, "holdEnded", "a hold that lasts")
    ahead = clock.offset
    extend_again(session, capacity_id, again_at if again_at > wall_now() else ends_at)
    log.warning(
        "hold not extended", partner=capacity.partner_name, until=str(ends_at), why=str(extended[REFUSAL])[:200]
    )
    return Later(again_at + ahead, deadline=ends_at + ahead, due=_half_way(session, capacity_id, ends_at + ahead))


def _half_way(session: Session, capacity_id: str, ends_at: datetime) -> datetime:
    """Then supply is late, and others have half of the time that was left."""
    flow = open_flow(session, capacity_id, PARTNER_HOLD)
    begun = flow.process_flow_date if flow is not None else now()
    return begun + max(ends_at - begun, timedelta(0)) / 2


@on(FlowUndone)
def hold_not_extended(session: Session, event: FlowUndone) -> None:
    """The wait was over by the business clock: what the partner still holds, by its own clock, is extended anew."""
    if event.flow.process_flow_specification != PARTNER_HOLD:
        return
    capacity = find(session, PartnerCapacity, event.flow.subject_id)
    if capacity.hold_until is not None and wall_now() < capacity.hold_until:
        extend_again(session, capacity.id, wall_now())


def _is_held(capacity: PartnerCapacity) -> bool:
    return capacity.state is PartnerCapacityState.HELD
