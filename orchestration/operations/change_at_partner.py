"""Change at partner: how what a partner serves becomes what the customer asks for.

An order comes here from `change_of_service`. The partner that serves the product is asked for it as it is to be, holds
what that takes beside what it has, and changes it; its price stays under the ceiling, ours above the margin. Until it
has delivered, a refusal or a cancellation leaves the product as it was, there and here.
"""

from typing import Final

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import InHouse, RuleRefused
from satcom.core.security import Role
from satcom.core.values import Json
from satcom.market.order_delivery import price_order_of_change
from satcom.market.order_item import CHARACTERISTICS, MODIFY
from satcom.market.order_of_change import differing
from satcom.market.ordering import ProductOrder
from satcom.market.partner_offers import NOT_TOLD
from satcom.market.product_delivery import change_product
from satcom.orchestration.operations.change_of_service import CHANGE_AT_PARTNER, bill_the_change
from satcom.orchestration.operations.order_to_service import (
    NO_TIME,
    begin_delivery,
    complete_orders,
    start_date_is_here,
)
from satcom.orchestration.operations.ordered_activation import begin_orders
from satcom.orchestration.operations.ordered_approval import wait_for_approval
from satcom.orchestration.operations.ordered_at_partner import (
    ASKED_FOR_AT_MOST,
    PARTNERS,
    accept_partners_price,
    ask_again,
    cancel_at_partner,
    choose_partner,
    delivered_part,
    forget_partner,
    hold_at_partner,
    note_partners_hold,
    order_at_partner,
    partner_delivers,
    release_at_partner,
)
from satcom.orchestration.operations.ordered_network import demand_of_site, solution_in
from satcom.orchestration.operations.service_in_place import (
    cancel_the_orders_below,
    delivered_by_partner,
    served_by_partner,
)
from satcom.orchestration.plan import Plan, plan
from satcom.service.change import change_service, changed_characteristics
from satcom.service.ordering import place_service_order
from satcom.service.qualification import asked_of_partners, partners_to_ask
from satcom.service.solution import PartnerReason
from satcom.supplychain.partner_capacity import note_released

ASKED: Final = (  # what a partner can be asked for
    "downlinkRateBps",
    "uplinkRateBps",
    "downlinkCommittedRateBps",
    "uplinkCommittedRateBps",
    "availabilityPercent",
)


@plan(CHANGE_AT_PARTNER)
def change_at_partner(plan: Plan, order: str, approved: bool = True) -> None:
    """The recipe. What stands in the brackets is needed first; what is not connected runs side by side."""
    question = plan.task(prepare_question_of_change, order)
    answers = plan.task(ask_again, question, outside=True, within=ASKED_FOR_AT_MOST)
    chosen = plan.task(choose_partner, order, answers, undo=forget_partner)
    held = plan.task(hold_at_partner, chosen, outside=True, undo=release_at_partner)
    noted = plan.task(note_partners_hold, order, held, again_from=chosen)
    priced = plan.task(price_the_change_at_partner, order, chosen, after=[noted])
    released = wait_for_approval(plan, order, priced) if approved else priced
    begun = plan.task(begin_delivery, order, after=[released])

    service = plan.task(order_the_change_at_partner, order, chosen, after=[begun], undo=cancel_the_orders_below)
    ordered = plan.task(order_at_partner, chosen, held, after=[service], outside=True, undo=cancel_at_partner)
    accepted = plan.task(accept_partners_price, order, chosen, ordered)
    delivered = plan.wait(
        partner_delivers, chosen, accepted, owner=Role.SUPPLY, expected=NO_TIME, skippable=False, outside=True
    )
    day = plan.wait(start_date_is_here, order, after=[begun], owner=Role.PLANNING, expected=NO_TIME)

    changed = plan.task(switch_over_at_partner, order, chosen, delivered, after=[day], no_return=True)
    billed = plan.task(bill_the_change, order, changed, priced)
    plan.task(complete_orders, order, changed, after=[billed])


def check_change_at_partner(session: Session, order: ProductOrder) -> None:
    """Raises `RuleRefused` when more is to change than a partner can be asked for."""
    product = served_by_partner(session, order).product
    different = differing(product.product_characteristic, order.item.characteristics)
    others = [name for name in different if name not in ASKED]
    if others:
        why = f"a partner serves {product.name!r}, and is not asked for another {others[0]}"
        raise RuleRefused(CHARACTERISTICS, why, "byPartner", ", ".join(ASKED))


def prepare_question_of_change(session: Session, order_id: str) -> Json:
    """What the partner that serves the product is to be asked. Raises `InHouse` when it may not be asked any more."""
    order = find(session, ProductOrder, order_id)
    served, demand = served_by_partner(session, order), demand_of_site(session, order)
    capacity, partner_order_id = delivered_by_partner(session, served)
    asked = [one for one in partners_to_ask(session, demand) if one.partnership_id == capacity.partnership_id]
    if not asked:
        why = f"{capacity.partner_name} is not asked for anything new: no agreement with it is in force"
        raise InHouse("/place", why, PartnerReason.UNREACHABLE.value, NOT_TOLD)
    partners: Json = PARTNERS.dump_python(asked, mode="json")
    return {"partners": partners, "asked": asked_of_partners(demand).wire(), "changes": partner_order_id}


def price_the_change_at_partner(session: Session, order_id: str, chosen: dict[str, Json]) -> Json:
    served = served_by_partner(session, find(session, ProductOrder, order_id))
    priced = price_order_of_change(session, order_id, served.solution, solution_in(chosen))
    before = [one.wire() for one in served.product.product_price]
    return {"oneTime": priced.one_time.wire(), "perMonth": priced.per_month.wire(), "before": list(before)}


def order_the_change_at_partner(session: Session, order_id: str, chosen: dict[str, Json]) -> Json:
    """The service is to be modified; of our own network it takes nothing."""
    order = find(session, ProductOrder, order_id)
    service = served_by_partner(session, order).service
    return place_service_order(
        session,
        order.id,
        order.party_id or "",
        service.id,
        solution_in(chosen),
        order.requested_start_date,
        order.requested_completion_date,
        action=MODIFY,
        characteristics=changed_characteristics(session, service, order.item.characteristics),
    ).id


def switch_over_at_partner(
    session: Session, order_id: str, chosen: dict[str, Json], delivered: dict[str, Json] | None = None
) -> Json:
    """From this instant the customer has what he asked for, and pays for it."""
    begin_orders(session, order_id)
    order = find(session, ProductOrder, order_id)
    served = served_by_partner(session, order)
    note_released(session, served.order_id, f"changed by {order.reference}")
    parts, solution = [delivered_part(session, order_id, delivered)], solution_in(chosen)
    change_service(session, served.service.id, order_id, now(), solution, order.item.characteristics, parts)
    return change_product(session, served.product.id, order).id
