"""Cease of service: how a product that the customer has given notice of comes to its end.

The recipe is `cease_of_service`. Until the service is taken out of the hub and ended, the notice can be withdrawn: the
order is cancelled, the hub gets back what it held, and the customer keeps what he has. What the service held of the
network is free from its end on; its terminal is to come back.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.security import WORKER, Role
from satcom.core.values import Json, instant_text
from satcom.enterprise.party import operator_of
from satcom.market.adjusting_bill import adjusting_bill
from satcom.market.inventory import Product, end_product, note_notice, withdraw_notice
from satcom.market.order_delivery import begin
from satcom.market.order_item import DELETE
from satcom.market.ordering import ProductOrder
from satcom.orchestration.engine import Call
from satcom.orchestration.operations.order_to_service import EVERYTHING, NO_TIME, complete_orders
from satcom.orchestration.operations.ordered_activation import begin_orders
from satcom.orchestration.operations.ordered_network import owner_of
from satcom.orchestration.operations.service_in_place import (
    InPlace,
    at_partner,
    cancel_the_orders_below,
    in_place,
    told_to_hub,
)
from satcom.orchestration.plan import Later, Plan, TaskHandle, flow_of, plan
from satcom.orchestration.schedule import change_over
from satcom.resource.catalog import NetworkNeed
from satcom.resource.ground import TerminalState, move_terminal, terminal_at_site
from satcom.resource.ordering import ordered, place_resource_order
from satcom.resource.reservation import held_by_reservation, release
from satcom.service import activation
from satcom.service.inventory import terminate_service
from satcom.service.ordering import place_service_order

CEASE_OF_SERVICE: Final = "ceaseOfService"
CEASE_AT_PARTNER: Final = "ceaseAtPartner"
ONE_DAY: Final = timedelta(days=1)


@plan(CEASE_OF_SERVICE)
def cease_of_service(
    plan: Plan, order: str, needs: Collection[NetworkNeed] = EVERYTHING, ends_at: str | None = None
) -> None:
    """The recipe."""
    noticed = plan.task(give_notice, order, ends_at, undo=take_notice_back)
    wanted = plan.task(order_the_cease, order, after=[noticed], undo=cancel_the_orders_below)
    day = plan.wait(last_day_is_here, ends_at, after=[wanted], owner=Role.PLANNING, expected=NO_TIME)
    over: list[TaskHandle] = [day]
    if NetworkNeed.TERMINAL in needs:
        prepared = plan.task(prepare_clearing, order, after=[day])
        over = [plan.task(take_out_of_hub, prepared, outside=True, undo=put_back_in_hub)]
    if NetworkNeed.LEASED_SPECTRUM in needs:
        over = [plan.wait(carriers_are_off, order, after=[day], owner=Role.NOC)]
    ended = plan.task(end_the_service, order, after=over, no_return=True)
    billed = plan.task(bill_the_end, order, ended)
    plan.task(complete_orders, order, ended, after=[billed])


def give_notice(session: Session, order_id: str, ends_at: str) -> Json:
    """The customer's notice counts: from now on the product has an end. What a partner serves ends there."""
    order = find(session, ProductOrder, order_id)
    begin(session, order_id)
    served, flow = at_partner(session, order), flow_of(session, order_id)
    if served is not None and flow is not None:
        ours = operator_of(session).organization_id
        change_over(session, flow, CEASE_AT_PARTNER, give_notice.__name__, ours, ends_at)
        return note_notice(session, served.product.id, datetime.fromisoformat(ends_at)).id
    return note_notice(session, in_place(session, order).product.id, datetime.fromisoformat(ends_at)).id


def take_notice_back(session: Session, order_id: str, ends_at: str) -> Json:
    order = find(session, ProductOrder, order_id)
    return withdraw_notice(session, order.changed_product_id or "").id


def order_the_cease(session: Session, order_id: str) -> Json:
    """The service and everything that it takes of the network are to be deleted."""
    order = find(session, ProductOrder, order_id)
    place = in_place(session, order)
    last_day = place.product.termination_date
    placed = place_service_order(
        session, order.id, order.party_id or "", place.service.id, place.solution, None, last_day, DELETE
    )
    held = held_by_reservation(session, place.reservation).holds
    site = terminal_at_site(session, place.order_id)
    items = [ordered(one, DELETE) for one in [*held, *([site] if site is not None else [])]]
    place_resource_order(session, owner_of(order), items, None, last_day)
    return placed.id


def last_day_is_here(session: Session, ends_at: str) -> Json | Later:
    """The customer has the service until the day that notice was given for."""
    end = datetime.fromisoformat(ends_at)
    return instant_text(end) if end <= now() else Later(end)


def carriers_are_off(session: Session, order_id: str) -> Json | Later:
    """The customer's own carriers leave a lease; the NOC looks, and lets the order go on."""
    return Later(None)


def prepare_clearing(session: Session, order_id: str) -> Json:
    """What the hub holds of the service, and is to hold again should the end be taken back."""
    begin_orders(session, order_id)
    place = in_place(session, find(session, ProductOrder, order_id))
    return activation.to_json(told_to_hub(session, place.service))


def take_out_of_hub(call: Call, prepared: Json) -> Json:
    activation.deactivate(call.hub, activation.from_json(prepared), call.key)
    return None


def put_back_in_hub(call: Call, prepared: Json) -> Json:
    activation.activate(call.hub, activation.from_json(prepared), call.key, call.cancels)
    return None


def end_the_service(session: Session, order_id: str) -> Json:
    """From this instant the customer has the service no more, and what it took of the network is free."""
    begin_orders(session, order_id)
    at, order = now(), find(session, ProductOrder, order_id)
    place = in_place(session, order)
    _clear_the_way(session, place, f"ended by {order.reference}")
    terminate_service(session, place.service.id, at)
    return end_product(session, place.product.id, last_moment(place.product, at)).id


def last_moment(product: Product, at: datetime) -> datetime:
    """Until when the customer pays: the end that he gave notice for, however much later the service was ended."""
    return min(product.termination_date or at, at)


def _clear_the_way(session: Session, place: InPlace, because: str) -> None:
    """The terminal is taken down and on its way back; slots, port and shares are free."""
    site = terminal_at_site(session, place.order_id)
    if site is not None:
        move_terminal(session, site, TerminalState.REMOVED, WORKER)
    release(session, place.reservation, because)


def bill_the_end(session: Session, order_id: str, product_id: str) -> Json:
    """What is billed beyond the last day is credited; early termination is charged as the order tells it."""
    order, product = find(session, ProductOrder, order_id), find(session, Product, product_id)
    after_last_day = (product.termination_date or now()) + ONE_DAY
    once = order.item.item_price
    bill = adjusting_bill(session, order.id, product, after_last_day, product.product_price, [], once)
    return bill.id if bill is not None else None
