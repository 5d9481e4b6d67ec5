"""Partner to service: how an order that no way of our own can serve is delivered by a partner.

An order comes here from `order_to_service`, when its qualification finds nothing feasible, or others took the last room
before it was held, and partners can be asked. Capacity is held at the partner before anything is promised, at the next
one where it is refused; ordered once the service is designed, and billed when the partner delivers. Undone, the
partner's order is cancelled, then its hold released.
"""

from satcom.core.security import Role
from satcom.orchestration.operations.order_to_service import (
    NO_TIME,
    PARTNER_TO_SERVICE,
    begin_delivery,
    cancel_the_service_order,
    complete_orders,
    design_the_service,
    discard_the_design,
    hand_over,
    make_first_bill,
    order_the_service,
    price_the_order,
    start_date_is_here,
)
from satcom.orchestration.operations.ordered_approval import wait_for_approval
from satcom.orchestration.operations.ordered_at_partner import (
    ASKED_FOR_AT_MOST,
    accept_partners_price,
    ask_again,
    cancel_at_partner,
    choose_partner,
    forget_partner,
    hold_at_partner,
    note_partners_hold,
    order_at_partner,
    partner_delivers,
    prepare_question,
    refuse_delivery,
    release_at_partner,
    take_delivery,
)
from satcom.orchestration.plan import Plan, plan


@plan(PARTNER_TO_SERVICE)
def partner_to_service(plan: Plan, order: str, approved: bool = True) -> None:
    """The recipe. What stands in the brackets is needed first; what is not connected runs side by side."""
    question = plan.task(prepare_question, order)
    answers = plan.task(ask_again, question, outside=True, within=ASKED_FOR_AT_MOST)
    chosen = plan.task(choose_partner, order, answers, undo=forget_partner)
    held = plan.task(hold_at_partner, chosen, outside=True, undo=release_at_partner)
    noted = plan.task(note_partners_hold, order, held, again_from=chosen)
    priced = plan.task(price_the_order, order, chosen, after=[noted])
    released = wait_for_approval(plan, order, priced) if approved else priced
    begun = plan.task(begin_delivery, order, after=[released])

    service = plan.task(design_the_service, order, after=[begun], undo=discard_the_design)
    to_service = plan.task(order_the_service, order, chosen, service, undo=cancel_the_service_order)
    ordered = plan.task(order_at_partner, chosen, held, after=[to_service], outside=True, undo=cancel_at_partner)
    accepted = plan.task(accept_partners_price, order, chosen, ordered)
    delivered = plan.wait(
        partner_delivers, chosen, accepted, owner=Role.SUPPLY, expected=NO_TIME, skippable=False, outside=True
    )
    day = plan.wait(start_date_is_here, order, after=[begun], owner=Role.PLANNING, expected=NO_TIME)

    in_use = plan.task(take_delivery, order, service, delivered, after=[day], undo=refuse_delivery)
    product = plan.task(hand_over, order, service, chosen, after=[in_use], no_return=True)
    billed = plan.task(make_first_bill, product)
    plan.task(complete_orders, order, product, after=[billed])
