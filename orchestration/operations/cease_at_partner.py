"""Cease at partner: how a product that a partner serves comes to its end.

An order comes here from `cease_of_service`. On the last day the service is ended at the partner; from then on the
notice cannot be withdrawn.
"""

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import InHouse
from satcom.core.security import Role
from satcom.core.values import Json
from satcom.market.inventory import end_product
from satcom.market.order_item import DELETE
from satcom.market.ordering import ProductOrder
from satcom.orchestration.engine import Call
from satcom.orchestration.operations.cease_of_service import (
    CEASE_AT_PARTNER,
    bill_the_end,
    last_day_is_here,
    last_moment,
)
from satcom.orchestration.operations.order_to_service import NO_TIME, complete_orders
from satcom.orchestration.operations.ordered_activation import begin_orders
from satcom.orchestration.operations.ordered_at_partner import partner_called
from satcom.orchestration.operations.service_in_place import (
    cancel_the_orders_below,
    delivered_by_partner,
    served_by_partner,
)
from satcom.orchestration.plan import ForAPerson, Plan, plan
from satcom.service.inventory import terminate_service
from satcom.service.ordering import place_service_order
from satcom.supplychain.partner_capacity import PartnerCapacityState, note_released
from satcom.supplychain.partnership import Partnership


@plan(CEASE_AT_PARTNER)
def cease_at_partner(plan: Plan, order: str, ends_at: str | None = None) -> None:
    """The recipe."""
    wanted = plan.task(order_the_partners_cease, order, undo=cancel_the_orders_below)
    day = plan.wait(last_day_is_here, ends_at, after=[wanted], owner=Role.PLANNING, expected=NO_TIME)
    prepared = plan.task(prepare_end_at_partner, order, after=[day])
    over = plan.task(end_at_partner, prepared, outside=True, no_return=True, skippable=True)
    ended = plan.task(end_partners_service, order, after=[over], no_return=True)
    billed = plan.task(bill_the_end, order, ended)
    plan.task(complete_orders, order, ended, after=[billed])


def order_the_partners_cease(session: Session, order_id: str) -> Json:
    """The service is to be deleted; of our own network it takes nothing."""
    order = find(session, ProductOrder, order_id)
    served = served_by_partner(session, order)
    last_day = served.product.termination_date
    return place_service_order(
        session, order.id, order.party_id or "", served.service.id, served.solution, None, last_day, DELETE
    ).id


def prepare_end_at_partner(session: Session, order_id: str) -> Json:
    """Where the partner answers, and which order it delivered."""
    begin_orders(session, order_id)
    served = served_by_partner(session, find(session, ProductOrder, order_id))
    capacity, partner_order_id = delivered_by_partner(session, served)
    partnership = find(session, Partnership, capacity.partnership_id)
    lapsed = capacity.state is PartnerCapacityState.LAPSED
    return {"apiUrl": partnership.partner[0].api_url, "partnerOrderId": partner_order_id, "lapsed": lapsed}


def end_at_partner(call: Call, prepared: dict[str, Json]) -> Json | ForAPerson:
    """What lapsed has mostly ended there already, and is ended all the same: an agreement may be over before it.

    Where the partner refuses, the customer's notice counts all the same: a person talks to it, or goes on without.
    """
    try:
        with partner_called(str(prepared["apiUrl"])) as partner:
            partner.end(str(prepared["partnerOrderId"]), call.key)
    except InHouse as refused:
        first = refused.faults[0]
        return None if prepared.get("lapsed") else ForAPerson(first.field, first.why, first.code)
    return None


def end_partners_service(session: Session, order_id: str) -> Json:
    """From this instant the customer has the service no more."""
    at, order = now(), find(session, ProductOrder, order_id)
    served = served_by_partner(session, order)
    note_released(session, served.order_id, f"ended by {order.reference}")
    terminate_service(session, served.service.id, at)
    return end_product(session, served.product.id, last_moment(served.product, at)).id
