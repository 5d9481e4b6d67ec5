"""What is done at a partner for an order: asked, held, ordered and, when the order is undone, given back.

The calls carry keys that stay the same over all attempts. What a partner answers may hold what it charges us: these
tasks are the operator's own, and customers are told a reason without the numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import InHouse, RuleRefused
from satcom.core.values import Json, Reference, Value, reference
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.order_item import MODIFY
from satcom.market.ordering import ProductOrder
from satcom.market.partner_margin import COMPARED_MONTHS, margin_of
from satcom.market.partner_offers import NOT_TOLD, PartnerSetback, partner_proposals, priced_by_partner
from satcom.orchestration.engine import Call
from satcom.orchestration.operations.ordered_activation import begin_orders
from satcom.orchestration.operations.ordered_network import demand_of_order, demand_of_site, solution_in
from satcom.orchestration.operations.ordered_site import UNDONE
from satcom.orchestration.operations.service_in_place import AtPartner, delivered_by_partner, served_by_partner
from satcom.orchestration.plan import Again, Later
from satcom.resource.drivers.port import DriverUnavailable
from satcom.service.design.partnering import above_ceiling, ceiling_text
from satcom.service.evidence import qualify_on_record
from satcom.service.inventory import configure_service, deconfigure_service, release_service, reserve_service
from satcom.service.qualification import asked_of_partners, partners_to_ask
from satcom.service.solution import PartnerReason, PartnerSolution, Qualification
from satcom.supplychain.drivers.port import (
    CapacityAsked,
    CapacityHeld,
    CapacityOffer,
    CapacityOrdered,
    OrderStanding,
    PartnerDriver,
    PartnerRefused,
    PartnerUnavailable,
)
from satcom.supplychain.drivers.tmf_partner import partner_at
from satcom.supplychain.partner_capacity import (
    PartnerCapacity,
    note_delivered,
    note_held,
    note_ordered,
    note_released,
    refusals,
    take_offer,
)
from satcom.supplychain.partner_search import PartnerAnswer, ask_partners
from satcom.supplychain.partnership import CapacityPartner, Partnership

ASKED_FOR_AT_MOST: Final = timedelta(days=1)
LATEST_AFTER_EXPECTED: Final = timedelta(days=60)  # then what was ordered of a partner does not come
NO_NEWS: Final = timedelta(days=30)  # for who does not say when he will have delivered
REFUSAL: Final = "refusal"
PARTNERS: TypeAdapter[list[CapacityPartner]] = TypeAdapter(list[CapacityPartner])
ANSWERS: TypeAdapter[list[PartnerAnswer]] = TypeAdapter(list[PartnerAnswer])
HELD: TypeAdapter[CapacityHeld] = TypeAdapter(CapacityHeld)


class Errand(Value):
    """What the calls of one order are made with: where the partner answers, what is asked, what it offered.

    `changes` is the partner's order that delivered what is to change.
    """

    api_url: str
    asked: CapacityAsked
    offer: CapacityOffer
    changes: str | None = None


@contextmanager
def partner_called(api_url: str) -> Iterator[PartnerDriver]:
    """The partner, whose refusal is one of the order; who is away is called again. Raises `InHouse` on a refusal."""
    try:
        with partner_at(api_url) as driver:
            yield driver
    except PartnerRefused as refused:
        raise InHouse("partner", f"the partner refused: {refused}", PartnerReason.REFUSED, NOT_TOLD) from refused
    except PartnerUnavailable as away:
        raise DriverUnavailable(f"the partner cannot be asked: {away}") from away


# Ask and choose


def prepare_question(session: Session, order_id: str) -> Json:
    """Whom to ask, and for what."""
    demand = demand_of_site(session, find(session, ProductOrder, order_id))
    partners: Json = PARTNERS.dump_python(list(partners_to_ask(session, demand)), mode="json")
    return {"partners": partners, "asked": asked_of_partners(demand).wire()}


def ask_again(call: Call, question: dict[str, Json]) -> Json:
    """Partners may offer something else than at the time of the quote. While one is away and none offers, again."""
    asked = CapacityAsked.model_validate(question["asked"])
    changes = question.get("changes")
    answers = ask_partners(PARTNERS.validate_python(question["partners"]), asked, str(changes) if changes else None)
    if answers and not any(one.offer for one in answers) and any(one.unreachable for one in answers):
        away = "; ".join(f"{one.partner_name}: {one.unreachable}" for one in answers if one.unreachable)
        raise DriverUnavailable(f"partners cannot be asked: {away}")
    told: Json = ANSWERS.dump_python(list(answers), mode="json", by_alias=True, exclude_none=True)
    return told


def choose_partner(session: Session, order_id: str, answers: list[Json]) -> Json:
    """The offer that costs the customer least, with the evidence; who refused to hold his is not chosen again.

    Raises `InHouse` with what is against each.
    """
    order = find(session, ProductOrder, order_id)
    told = ANSWERS.validate_python(answers)
    found = qualify_on_record(session, demand_of_order(session, order), order.party_id, partners=told)
    served = _served_before(session, order)
    changes = delivered_by_partner(session, served)[1] if served is not None else None
    solution = _chosen(session, order, found, served)
    take_offer(session, order.id, solution)
    partnership = find(session, Partnership, solution.partnership_id)
    url = partnership.partner[0].api_url or ""
    errand = Errand(api_url=url, asked=solution.asked, offer=solution.offer, changes=changes)
    return {"solution": solution.wire(), "evidenceId": found.evidence_id, "errand": errand.wire()}


def _chosen(session: Session, order: ProductOrder, found: Qualification, served: AtPartner | None) -> PartnerSolution:
    offering = find(session, ProductOffering, order.item.offering_id)
    months = order.item.term_months or COMPARED_MONTHS
    before, refused = served.solution if served is not None else None, refusals(session, order.id)
    proposals, setbacks = partner_proposals(session, offering, found, months, order.order_date, before)
    left = [one.solution for one in proposals if one.solution.partnership_id not in refused]
    if left:
        return left[0]
    for one in found.partner_solutions:
        if one.partnership_id in refused:
            setbacks.append(PartnerSetback(PartnerReason.REFUSED, one.partner_name, refused[one.partnership_id]))
    why = "; ".join(f"{one.partner_name}: {one.why}" for one in setbacks) or "no partner can be asked any more"
    code = setbacks[0].code if setbacks else PartnerReason.UNREACHABLE.value
    raise InHouse("/place", why, code, NOT_TOLD)


def _served_before(session: Session, order: ProductOrder) -> AtPartner | None:
    """What a partner serves, and the order changes."""
    return served_by_partner(session, order) if order.item.action == MODIFY else None


def forget_partner(session: Session, order_id: str, answers: Json) -> Json:
    note_released(session, order_id, UNDONE)
    return None


# Hold


def hold_at_partner(call: Call, chosen: dict[str, Json]) -> Json:
    """What the partner holds, or why it does not: then another may."""
    errand = Errand.model_validate(chosen["errand"])
    try:
        with partner_called(errand.api_url) as partner:
            held: Json = HELD.dump_python(partner.hold(errand.offer, call.key), mode="json")
    except InHouse as refused:
        return {REFUSAL: refused.faults[0].why}
    return held


def release_at_partner(call: Call, chosen: dict[str, Json] | None) -> Json:
    if chosen is None:  # whoever was asked refused, and nobody else could be chosen
        return None
    errand = Errand.model_validate(chosen["errand"])
    with partner_called(errand.api_url) as partner:
        partner.release(errand.offer, call.cancels or "", call.key)
    return None


def note_partners_hold(session: Session, order_id: str, held: dict[str, Json]) -> Json | Again:
    """The hold is on our books. Where it was refused, a partner is chosen anew."""
    if REFUSAL in held:
        note_released(session, order_id, str(held[REFUSAL])[:500])
        return Again()
    kept = HELD.validate_python(held)
    note_held(session, order_id, kept.hold_id, kept.until)
    return None


# Order and wait


def order_at_partner(call: Call, chosen: dict[str, Json], held: Json) -> Json:
    errand = Errand.model_validate(chosen["errand"])
    with partner_called(errand.api_url) as partner:
        hold_id = HELD.validate_python(held).hold_id
        return partner.order(errand.asked, errand.offer, hold_id, call.key, errand.changes).wire()


def cancel_at_partner(call: Call, chosen: dict[str, Json], held: Json) -> Json:
    errand = Errand.model_validate(chosen["errand"])
    with partner_called(errand.api_url) as partner:
        partner.cancel(call.cancels or "", call.key, HELD.validate_python(held).hold_id)
    return None


def accept_partners_price(session: Session, order_id: str, chosen: dict[str, Json], ordered: Json) -> Json:
    """The partner charges what it says now. Raises `InHouse` when that is above the ceiling or leaves too little."""
    solution, placed = solution_in(chosen), CapacityOrdered.model_validate(ordered)
    if not isinstance(solution, PartnerSolution):
        raise RuleRefused("/place", "no partner serves it", "notByPartner")
    note_ordered(session, order_id, placed)
    above = above_ceiling(placed.monthly, solution.asked, solution.ceiling_per_mbps)
    if above is not None:
        why = f"{solution.partner_name}: {ceiling_text(solution.asked, placed.monthly, above)}"
        raise InHouse("partner", why, PartnerReason.ABOVE_CEILING, NOT_TOLD)
    order = find(session, ProductOrder, order_id)
    offering = find(session, ProductOffering, order.item.offering_id)
    served = _served_before(session, order)
    before = served.solution if served is not None else None
    priced = priced_by_partner(session, offering, before, solution, order.order_date)
    try:
        margin = margin_of(solution, priced, placed.one_time, placed.monthly, order.item.term_months or COMPARED_MONTHS)
    except RuleRefused as refused:
        first = refused.faults[0]
        raise InHouse("partner", first.why, first.code, NOT_TOLD) from refused
    return {"marginPercent": float(margin), "orderId": placed.order_id}


def partner_delivers(call: Call, chosen: dict[str, Json], accepted: dict[str, Json]) -> Json | Later:
    """How far the partner has come. Raises `InHouse` when the order ended there without a service."""
    errand = Errand.model_validate(chosen["errand"])
    with partner_called(errand.api_url) as partner:
        told = partner.standing(str(accepted["orderId"]))
    if told.standing is OrderStanding.ENDED:
        raise InHouse("partner", f"the order is {told.state} at the partner", "partnerFailed", NOT_TOLD)
    if told.standing is OrderStanding.OPEN:
        expected = told.expected_at or errand.offer.activation_at
        return Later(expected, deadline=(expected or now() + NO_NEWS) + LATEST_AFTER_EXPECTED)
    return told.wire()


def take_delivery(session: Session, order_id: str, service_id: str, delivered: dict[str, Json] | None = None) -> Json:
    """The partner serves the site: our service stands on it."""
    begin_orders(session, order_id)
    reserve_service(session, service_id, [delivered_part(session, order_id, delivered)])
    configure_service(session, service_id)
    return None


def delivered_part(session: Session, order_id: str, delivered: dict[str, Json] | None) -> Reference:
    """What the partner says that it has delivered for the order, as the service names it."""
    ends_at = CapacityOrdered.model_validate(delivered).term_ends_at if delivered is not None else None
    capacity = note_delivered(session, order_id, ends_at)
    return reference(capacity.id, PartnerCapacity.__name__, capacity.href, "capacity of a partner")


def refuse_delivery(session: Session, order_id: str, service_id: str, delivered: Json = None) -> Json:
    deconfigure_service(session, service_id)
    release_service(session, service_id)
    return None
