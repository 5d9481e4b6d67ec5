"""Partner renewal: what a partner delivers for a term goes on for the next, at its price of then, while it is needed.

The sweep begins it, by the notice of the agreement before the term ends. The partner is asked what another term costs;
within ceiling and margin it is ordered. Else supply has until the end of the term: a partner that changes its mind, an
agreement with other terms, or another price of the product, lets it go on. What is not renewed in time lapses.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from satcom.core.clock import months_later, now
from satcom.core.database import find, find_for_update
from satcom.core.errors import InHouse, Refused, RuleRefused
from satcom.core.events import on
from satcom.core.security import Role
from satcom.core.values import Instant, Json, Money, instant_text
from satcom.market.inventory import GONE, Product, product_of_order
from satcom.market.ordering import ProductOrder
from satcom.market.partner_margin import margin_left
from satcom.market.partner_offers import NOT_TOLD
from satcom.orchestration.engine import Call
from satcom.orchestration.flow_event import FlowUndone
from satcom.orchestration.operations.ordered_at_partner import NO_NEWS, REFUSAL, partner_called
from satcom.orchestration.operations.ordered_network import demand_of_order
from satcom.orchestration.operations.partner_told_term import PARTNER_TOLD_TERM
from satcom.orchestration.plan import Again, FlowState, Later, Plan, ProcessFlow, plan, tasks_of
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import lay_out
from satcom.orchestration.sweep import each_alone
from satcom.service.design.partnering import above_ceiling, ceiling_text
from satcom.service.qualification import qualify
from satcom.supplychain.drivers.port import (
    CapacityOffer,
    CapacityOrdered,
    OrderStanding,
    PartnerRefused,
    PartnerUnavailable,
)
from satcom.supplychain.drivers.tmf_partner import partner_at
from satcom.supplychain.partner_capacity import CapacityTerm, PartnerCapacity, PartnerCapacityState
from satcom.supplychain.partner_term import (
    SHORTEST_TERM,
    SOONEST,
    agreed_by,
    look_again,
    note_lapsed,
    note_renewed,
    note_setback,
    take_terms_to_renew,
)
from satcom.supplychain.partnership import (
    USUAL_NOTICE_DAYS,
    CapacityTerms,
    Partnership,
    PartnershipChanged,
    terms_in_force,
)

PARTNER_RENEWAL: Final = "partnerRenewal"
ASKED_EACH: Final = timedelta(days=1)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
log = structlog.get_logger()


@plan(PARTNER_RENEWAL)
def partner_renewal(plan: Plan, capacity: str) -> None:
    """The recipe. What stands in the brackets is needed first."""
    question = plan.task(prepare_renewal, capacity)
    offered = plan.task(ask_for_renewal, question, outside=True)
    agreed = plan.wait(
        renewal_is_agreed, capacity, question, offered, owner=Role.SUPPLY, skippable=False, again_from=question
    )
    ordered = plan.task(renew_at_partner, question, agreed, outside=True, undo=take_renewal_back, within=NO_NEWS)
    accepted = plan.task(accept_renewal_price, capacity, question, ordered)
    confirmed = plan.wait(
        partner_renews, question, ordered, after=[accepted], owner=Role.SUPPLY, skippable=False, outside=True
    )
    plan.task(note_renewal, capacity, question, agreed, ordered, confirmed)


def renew_terms(session: Session) -> int:
    """Begin to renew the terms that end soon while something rests on them; how many were looked at."""
    taken = take_terms_to_renew(session)
    each_alone(session, taken, renew_the_term, put_off=look_again)
    return len(taken)


def renew_the_term(session: Session, capacity: PartnerCapacity) -> None:
    """Or let it lapse when it is over; and what is needed no longer is looked at again: a notice may be withdrawn."""
    order = find(session, ProductOrder, capacity.order_id)
    session.info["order_reference"] = order.reference
    if capacity.term_ends_at is None:
        enqueue(session, lay_out(session, PARTNER_TOLD_TERM, capacity, order.reference).id)
    elif capacity.term_ends_at <= now():
        let_lapse(session, capacity)
    elif _wanted_until(session, capacity, months=1) is None:
        look_again(session, capacity)
    else:
        enqueue(session, lay_out(session, PARTNER_RENEWAL, capacity, order.reference).id)


def let_lapse(session: Session, capacity: PartnerCapacity) -> None:
    """The term is over. What still rests on it is without capacity."""
    needed = _wanted_until(session, capacity, months=1) is not None
    note_lapsed(session, capacity)
    if needed:
        log.error("partner capacity lapsed", capacity=capacity.name, ended=str(capacity.term_ends_at))


def product_on(session: Session, capacity: PartnerCapacity) -> Product | None:
    """The customer's product that rests on a partner's capacity."""
    order = find(session, ProductOrder, capacity.order_id)
    if order.changed_product_id is not None:
        return find(session, Product, order.changed_product_id)
    return product_of_order(session, order.id)


def _wanted_until(session: Session, capacity: PartnerCapacity, months: int) -> datetime | None:
    """Until when it is needed beyond its term, at most for so many months; `None`: it is not."""
    product, ends_at = product_on(session, capacity), capacity.term_ends_at
    if capacity.state is not PartnerCapacityState.DELIVERED or ends_at is None or product is None:
        return None
    last_day = product.termination_date
    if product.status in GONE or (last_day is not None and last_day <= ends_at):
        return None
    another = months_later(ends_at, months)
    return another if last_day is None else min(another, last_day)


def _next_end(session: Session, capacity: PartnerCapacity) -> datetime | None:
    """When the next term is to end, by the terms in force when it begins; `None`: there is none to be."""
    if capacity.term_ends_at is None:
        return None
    terms = terms_in_force(session, capacity.partnership_id, capacity.term_ends_at)
    return _wanted_until(session, capacity, terms.renewal_months if terms is not None else 1)


# Ask and agree


def prepare_renewal(session: Session, capacity_id: str) -> Json:
    """Whom to ask, for which order, and until when; nothing where the capacity is needed no longer."""
    capacity = find(session, PartnerCapacity, capacity_id)
    ends_at, until = capacity.term_ends_at, _next_end(session, capacity)
    if until is None or ends_at is None:
        return None
    return {
        "apiUrl": find(session, Partnership, capacity.partnership_id).partner[0].api_url,
        "partnerOrderId": capacity.partner_order_id,
        "endsAt": instant_text(ends_at),
        "until": instant_text(until),
        "askedAt": instant_text(now()),
    }


def ask_for_renewal(call: Call, question: dict[str, Json] | None) -> Json:
    """What another term costs, or why there is none."""
    if question is None:
        return None
    try:
        with partner_at(str(question["apiUrl"])) as partner:
            return partner.offer_renewal(str(question["partnerOrderId"]), _instant(question, "until")).wire()
    except (PartnerRefused, PartnerUnavailable) as setback:
        return {REFUSAL: f"the partner does not offer it: {setback}"}


def renewal_is_agreed(
    session: Session, capacity_id: str, question: dict[str, Json] | None, offered: dict[str, Json] | None
) -> Json | Later | Again:
    """The offer, when it keeps to what is agreed. Until then supply sees to it, and the partner is asked each day."""
    capacity = find(session, PartnerCapacity, capacity_id)
    until = _next_end(session, capacity)
    if question is None or offered is None or until is None:
        return None
    if until != _instant(question, "until") and now() < _instant(question, "endsAt"):
        return Again()  # another agreement, or another last day of the customer
    ends_at, asked_at = _instant(question, "endsAt"), _instant(question, "askedAt")
    terms = terms_in_force(session, capacity.partnership_id, ends_at)
    if REFUSAL in offered:
        setback: str | None = str(offered[REFUSAL])
    else:
        offer = CapacityOffer.model_validate(offered)
        setback = _against(session, capacity, terms, offer.one_time, offer.monthly)
        if setback is None and terms is not None:
            return {
                "offer": offered,
                "agreementId": terms.agreement_id,
                "ownWay": _own_way(session, capacity, ends_at),
            }
    again_at = asked_at + max(min(ASKED_EACH, (ends_at - asked_at) / 2), SOONEST)
    if again_at <= now() < ends_at:
        return Again()
    if capacity.renewal_setback != setback:
        note_setback(session, capacity_id, setback or "")
        log.warning("not renewed yet", partner=capacity.partner_name, ends=str(ends_at), why=setback)
    notice_days = terms.renewal_notice_days if terms is not None else USUAL_NOTICE_DAYS
    return Later(again_at, deadline=ends_at, due=agreed_by(capacity, notice_days))


def _own_way(session: Session, capacity: PartnerCapacity, at: datetime) -> str | None:
    """Over which satellite our own fleet could serve it from then on: told, since no plan moves a service to it."""
    demand = demand_of_order(session, find(session, ProductOrder, capacity.order_id))
    try:
        found = qualify(session, demand.model_copy(update={"start_at": at, "stop_at": None})).solutions
    except Refused:
        return None
    if not found:
        return None
    log.warning("our own fleet could serve it", partner=capacity.partner_name, over=found[0].space_segment_name)
    return found[0].space_segment_name


def _against(
    session: Session, capacity: PartnerCapacity, terms: CapacityTerms | None, one_time: Money, monthly: Money
) -> str | None:
    """What is against another term at this price; `None`: nothing."""
    name, ends_at, product = capacity.partner_name, capacity.term_ends_at, product_on(session, capacity)
    if terms is None or ends_at is None or product is None:
        return f"no agreement with {name} is in force on {capacity.term_ends_at:%Y-%m-%d}"
    if monthly.unit != terms.ceiling_per_mbps.unit:
        return f"{name}: its price is in {monthly.unit}, the agreement is in {terms.ceiling_per_mbps.unit}"
    above = above_ceiling(monthly, capacity.asked, terms.ceiling_per_mbps)
    if above is not None:
        return f"{name}: {ceiling_text(capacity.asked, monthly, above)}"
    recurring = [one.price.duty_free_amount for one in product.product_price if one.price_type == "recurring"]
    income = Money(unit=monthly.unit, value=sum((one.value for one in recurring), start=monthly.value * 0))
    if any(one.unit != monthly.unit for one in recurring):
        return f"{name}: the product is priced in {recurring[0].unit}, the partner's price in {monthly.unit}"
    try:
        margin_left(name, terms.minimum_margin_percent, income, one_time, monthly, terms.renewal_months)
    except RuleRefused as refused:
        return refused.faults[0].why
    return None


# Order and wait


def renew_at_partner(call: Call, question: dict[str, Json] | None, agreed: dict[str, Json] | None) -> Json:
    if question is None or agreed is None:
        return None
    if _instant(question, "endsAt") <= now():
        why = f"the partner did not take the renewal before the term ended on {question['endsAt']}"
        raise RuleRefused("partner", why, "termEnded", "an answer before the end")
    offer = CapacityOffer.model_validate(agreed["offer"])
    with partner_called(str(question["apiUrl"])) as partner:
        return partner.renew(str(question["partnerOrderId"]), offer, _instant(question, "until"), call.key).wire()


def take_renewal_back(call: Call, question: dict[str, Json] | None, agreed: dict[str, Json] | None) -> Json:
    if question is not None and agreed is not None:
        with partner_called(str(question["apiUrl"])) as partner:
            partner.cancel(call.cancels or "", call.key)
    return None


def accept_renewal_price(
    session: Session, capacity_id: str, question: dict[str, Json] | None, ordered: dict[str, Json] | None
) -> Json:
    """The partner charges what it says now. Raises `InHouse` when that is beyond the terms, or nothing rests on it."""
    if question is None or ordered is None:
        return None
    capacity, placed = find(session, PartnerCapacity, capacity_id), CapacityOrdered.model_validate(ordered)
    if _wanted_until(session, capacity, months=1) is None:
        raise RuleRefused("capacity", f"nothing rests on {capacity.name} any more", "ended", "a service that goes on")
    terms = terms_in_force(session, capacity.partnership_id, _instant(question, "endsAt"))
    setback = _against(session, capacity, terms, placed.one_time, placed.monthly)
    if setback is not None:
        raise RuleRefused("partner", f"as it was ordered, {setback}", "beyondTerms", "a price within the agreement")
    return None


def partner_renews(call: Call, question: dict[str, Json] | None, ordered: dict[str, Json] | None) -> Json | Later:
    """Whether the partner has confirmed the term. Raises `InHouse` when the order ended there without a further one."""
    if question is None or ordered is None:
        return None
    with partner_called(str(question["apiUrl"])) as partner:
        told = partner.standing(CapacityOrdered.model_validate(ordered).order_id)
    if told.standing is OrderStanding.ENDED:
        raise InHouse("partner", f"the renewal is {told.state} at the partner", "partnerFailed", NOT_TOLD)
    if told.standing is OrderStanding.OPEN:
        return Later(told.expected_at, deadline=_instant(question, "endsAt"))
    least = min(_instant(question, "until"), _instant(question, "endsAt") + SHORTEST_TERM)
    if told.term_ends_at is not None and told.term_ends_at < least:
        why = f"the renewal is done, and the partner still tells {instant_text(told.term_ends_at)} as its end"
        raise InHouse("partner", why, "notProlonged", NOT_TOLD)
    return told.wire()


def note_renewal(
    session: Session,
    capacity_id: str,
    question: dict[str, Json] | None,
    agreed: dict[str, Json] | None,
    ordered: dict[str, Json] | None,
    confirmed: dict[str, Json] | None = None,
) -> Json:
    """The next term is on our books until the end that was confirmed, with what it costs from its start on."""
    if question is None or agreed is None or ordered is None:
        look_again(session, find_for_update(session, PartnerCapacity, capacity_id))
        return None
    placed = CapacityOrdered.model_validate(ordered)
    done = CapacityOrdered.model_validate(confirmed) if confirmed is not None else placed
    start_at, told = _instant(question, "endsAt"), done.term_ends_at or placed.term_ends_at
    term = CapacityTerm(
        start_at=start_at,
        end_at=told if told is not None and told > start_at else _instant(question, "until"),
        monthly_cost=placed.monthly,
        one_time_cost=placed.one_time,
        partner_order_id=placed.order_id,
    )
    note_renewed(session, capacity_id, str(agreed["agreementId"]), term)
    return term.wire()


@on(FlowUndone)
def renewal_failed(session: Session, event: FlowUndone) -> None:
    """What was not renewed is looked at again while its term lasts, and has lapsed when that is over."""
    if event.flow.process_flow_specification != PARTNER_RENEWAL:
        return
    capacity = find_for_update(session, PartnerCapacity, event.flow.subject_id)
    if capacity.state is not PartnerCapacityState.DELIVERED or capacity.term_ends_at is None:
        return
    if capacity.term_ends_at <= now():
        let_lapse(session, capacity)
    else:
        cause = event.flow.cause or {}
        tasks = {one.task_flow_specification: one for one in tasks_of(session, event.flow)}
        fault = tasks[cause["task"]].fault if cause.get("task") in tasks else None  # in our own words
        note_setback(session, capacity.id, str((fault or cause).get("why", "it was not renewed")))
        log.warning("not renewed", partner=capacity.partner_name, why=capacity.renewal_setback)
        look_again(session, capacity)


@on(PartnershipChanged)
def look_at_the_terms(session: Session, event: PartnershipChanged) -> None:
    """A renewal that waits for other terms is looked at again. No lock is held: a job of its own sees the change."""
    waiting = (
        select(ProcessFlow.id)
        .join(PartnerCapacity, col(PartnerCapacity.id) == col(ProcessFlow.subject_id))
        .where(PartnerCapacity.partnership_id == event.partnership_id)
        .where(ProcessFlow.process_flow_specification == PARTNER_RENEWAL, ProcessFlow.state == FlowState.ACTIVE)
    )
    for flow_id in session.exec(waiting):
        enqueue(session, flow_id, because=event.partnership_id)


def _instant(question: dict[str, Json], name: str) -> datetime:
    return INSTANT.validate_python(question[name])
