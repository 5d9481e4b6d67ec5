"""Order to service: how one product order becomes a working, tested, billed service.

The recipe is `order_to_service`; each line of it is a function below, or in `ordered_site` and `ordered_activation`.
What the service needs of the network decides which lines an order has. Everything is held before anything is promised,
the slot is assigned before anything transmits, and what the customer has is not taken back: from the hand-over on a
refusal waits for a person. The plan of an order is read from its rows: a handler is never renamed.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.security import WORKER, Role
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.market.billing import first_bill
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.inventory import hand_over as hand_product_over
from satcom.market.order_delivery import begin, complete_order, price_order, tell_customer
from satcom.market.ordering import ProductOrder
from satcom.market.product_delivery import create_product
from satcom.market.solution_price import priced_for_partners
from satcom.orchestration.operations.awaited_satellite import satellite_is_in_service
from satcom.orchestration.operations.end_of_booking import let_it_end
from satcom.orchestration.operations.ordered_activation import (
    accept_test,
    access_is_tested,
    clear_hub,
    configure_hub,
    measure_link,
    note_cleared,
    note_configured,
    prepare_access,
    prepare_activation,
    withdraw_access,
    withdraw_activation,
)
from satcom.orchestration.operations.ordered_approval import is_to_be_approved, wait_for_approval
from satcom.orchestration.operations.ordered_installation import (
    call_the_installation_off,
    plan_the_installation,
    wait_for_installation,
)
from satcom.orchestration.operations.ordered_network import (
    HOLD_FOR,
    booked_until,
    demand_of_order,
    free_for,
    held_first,
    held_for,
    own_solution_in,
    owner_of,
    reservation_for,
    reserved_way,
    service_specification_for,
    solution_in,
    starts_at,
    taken_up,
    wanted,
)
from satcom.orchestration.operations.ordered_site import (
    UNDONE,
    clear_the_site,
    obtain_terminal,
    plan_the_site,
    return_the_terminal,
    terminal_is_here,
)
from satcom.orchestration.plan import Later, Plan, TaskHandle, flow_of, plan, tasks_of
from satcom.orchestration.schedule import change_over
from satcom.resource.catalog import NetworkNeed
from satcom.resource.ground import TerminalState, move_terminal, terminal_at_site
from satcom.resource.ordering import (
    cancel_resource_order,
    complete_resource_order,
    items_of,
    place_resource_order,
    resource_order_of,
)
from satcom.resource.reservation import assign, release, reservation_of, reserve
from satcom.service.evidence import qualify_on_record
from satcom.service.inventory import Design, activate_service, design_service, discard_design, service_of_order
from satcom.service.ordering import (
    cancel_service_order,
    complete_service_order,
    place_service_order,
    service_order_of,
)
from satcom.service.qualification import ends_of_life, nothing_feasible, partners_to_ask
from satcom.service.solution import PartnerSolution
from satcom.supplychain.partner_capacity import capacity_of_order

ORDER_TO_SERVICE: Final = "orderToService"
PARTNER_TO_SERVICE: Final = "partnerToService"
NO_TIME: Final = timedelta(0)  # a wait says itself when its end is expected
ACCESS_TEST: Final = timedelta(days=1)
LINE_UP: Final = timedelta(minutes=15)  # of what is booked by the hour; later the NOC is late
EVERYTHING: Final = frozenset(NetworkNeed)


@plan(ORDER_TO_SERVICE)
def order_to_service(
    plan: Plan,
    order: str,
    needs: Collection[NetworkNeed] = EVERYTHING,
    approved: bool = True,
    installed: bool = True,
    booked: bool = False,
) -> None:
    """The recipe. What stands in the brackets is needed first; what is not connected runs side by side."""
    qualified = plan.task(qualify_again, order)
    reserved = plan.task(reserve_all_or_none, order, qualified, undo=give_back)
    priced = plan.task(price_the_order, order, reserved)
    released = [wait_for_approval(plan, order, priced)] if approved else [priced]
    visit = plan.task(plan_the_installation, order, priced, undo=call_the_installation_off) if installed else None
    begun = plan.task(begin_delivery, order, after=released if visit is None else [*released, visit])

    service = plan.task(design_the_service, order, after=[begun], undo=discard_the_design)
    site = []
    if NetworkNeed.TERMINAL in needs:
        site = [plan.task(plan_the_site, order, reserved, after=[begun], undo=clear_the_site)]
    to_service = plan.task(order_the_service, order, reserved, service, undo=cancel_the_service_order)
    to_network = plan.task(order_the_network, order, reserved, after=[*site, service], undo=cancel_the_network_order)
    day = plan.wait(start_date_is_here, order, after=[begun], owner=Role.PLANNING, expected=NO_TIME)
    sky = plan.wait(satellite_is_in_service, order, reserved, after=[begun], owner=Role.PLANNING, expected=NO_TIME)

    ready, tested = [to_service, to_network, day, sky], []
    if NetworkNeed.TERMINAL in needs:
        tested.append(_at_the_site(plan, order, reserved, service, begun, ready, visit, sky))
    if NetworkNeed.LEASED_SPECTRUM in needs:
        tested.append(_on_the_air(plan, order, service, ready, LINE_UP if booked else ACCESS_TEST))
    product = plan.task(hand_over, order, service, reserved, after=tested, no_return=True)
    billed = plan.task(make_first_bill, product)
    plan.task(complete_orders, order, product, after=[billed])


def _at_the_site(
    plan: Plan,
    order: str,
    reserved: TaskHandle,
    service: TaskHandle,
    begun: TaskHandle,
    ready: list[TaskHandle],
    visit: TaskHandle | None,
    sky: TaskHandle,
) -> TaskHandle:
    """A terminal is brought to the site, installed, configured in the hub, and measured.

    Nobody is sent to point it at a satellite that does not carry traffic yet.
    """
    terminal = plan.task(obtain_terminal, order, reserved, after=[begun], undo=return_the_terminal)
    here = plan.wait(terminal_is_here, order, terminal, owner=Role.SUPPLY, expected=NO_TIME, skippable=False)
    if visit is not None:
        here = wait_for_installation(plan, order, visit, here, after=[sky])
    prepared = plan.task(prepare_activation, order, reserved, service, after=[*ready, here], undo=withdraw_activation)
    configured = plan.task(configure_hub, prepared, outside=True, undo=clear_hub)
    noted = plan.task(note_configured, service, after=[configured], undo=note_cleared)
    measured = plan.task(measure_link, prepared, after=[noted], outside=True)
    return plan.task(accept_test, service, reserved, measured, skippable=True, again_from=measured)


def _on_the_air(
    plan: Plan, order: str, service: TaskHandle, ready: list[TaskHandle], expected: timedelta
) -> TaskHandle:
    """The customer brings his own carriers; the NOC lets them on the air and records the access test."""
    open_for_access = plan.task(prepare_access, order, service, after=ready, undo=withdraw_access)
    return plan.wait(access_is_tested, service, after=[open_for_access], owner=Role.NOC, expected=expected)


# Qualify, reserve, price


def qualify_again(session: Session, order_id: str) -> Json:
    """The network may have changed since the quote: the best way of today, with its evidence.

    Where no way of our own is feasible, partners can be asked and the offer has a price for what they serve, the order
    goes on by `partner_to_service`.
    """
    order = find(session, ProductOrder, order_id)
    demand = demand_of_order(session, order)
    answer = qualify_on_record(session, demand, order.party_id, free_for(session, order))
    if answer.solutions:
        best = held_first(session, order, answer.solutions)[0]
        return {"solution": best.wire(), "evidenceId": answer.evidence_id}
    if not _left_to_partners(session, order, qualify_again.__name__):
        raise nothing_feasible(answer)
    return {"evidenceId": answer.evidence_id}


def _left_to_partners(session: Session, order: ProductOrder, after: str) -> bool:
    """Whether partners may serve the order; then it goes on so, after the task `after`."""
    flow, demand = flow_of(session, order.id), demand_of_order(session, order)
    if flow is None or not partners_to_ask(session, demand):
        return False
    if not priced_for_partners(session, find(session, ProductOffering, order.item.offering_id)):
        return False
    approved = is_to_be_approved(tasks_of(session, flow))
    change_over(session, flow, PARTNER_TO_SERVICE, after, operator_of(session).organization_id, approved)
    return True


def reserve_all_or_none(session: Session, order_id: str, qualified: dict[str, Json]) -> Json:
    """Hold slots, power, port and terminal of the chosen way; of the next best where others were quicker.

    Where they took the last room, partners may serve the order, as in `qualify_again`.
    """
    order = find(session, ProductOrder, order_id)
    chosen, evidence_id = own_solution_in(qualified), qualified["evidenceId"]
    if order.reservation is not None and taken_up(session, order) is None:
        tell_customer(session, order_id, f"reservation {order.reservation.id} had ended before it could be taken up")
    taken = reserved_way(session, order, chosen)
    if taken is None:
        demand = demand_of_order(session, order)
        answer = qualify_on_record(session, demand, order.party_id, free_for(session, order))
        evidence_id = answer.evidence_id
        ways = (way for way in held_first(session, order, answer.solutions) if reserved_way(session, order, way))
        taken = next(ways, None)
        if taken is None and _left_to_partners(session, order, reserve_all_or_none.__name__):
            return {"evidenceId": evidence_id}
        if taken is None and answer.solutions:
            reserve(
                session, wanted(session, order, answer.solutions[0]), now() + HOLD_FOR, WORKER
            )  # says what is short
        if taken is None:
            raise nothing_feasible(answer)
    return {"solution": taken.wire(), "evidenceId": evidence_id}


def give_back(session: Session, order_id: str, qualified: Json) -> Json:
    reservation = reservation_of(session, order_id)
    if reservation is not None:
        release(session, reservation, UNDONE)
    return None


def price_the_order(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """And of what has no end the customer is told how long its satellite lives."""
    solution = solution_in(reserved)
    priced = price_order(session, order_id, solution)
    if not isinstance(solution, PartnerSolution):
        demand = demand_of_order(session, find(session, ProductOrder, order_id))
        for end in ends_of_life(session, demand, [solution]).values():
            text = f"ordered without end; the life of {solution.space_segment_name}, which carries it, ends on {end}"
            tell_customer(session, order_id, text)
    return {"oneTime": priced.one_time.wire(), "perMonth": priced.per_month.wire()}


def begin_delivery(session: Session, order_id: str) -> Json:
    """Everything is held and has its price: the holds become assignments, and the order goes ahead."""
    if capacity_of_order(session, order_id) is None:  # else a partner holds it
        assign(session, reservation_for(session, order_id))
    begin(session, order_id)
    return None


# Decompose


def design_the_service(session: Session, order_id: str) -> Json:
    order = find(session, ProductOrder, order_id)
    realised_by = service_specification_for(session, order)
    known = {one.name for one in realised_by.spec_characteristic}
    asked = tuple(one for one in order.item.characteristics if one.name in known)
    name = f"{realised_by.name} of {order.reference}"
    return design_service(session, Design(order.id, order.party_id or "", name, realised_by.id, asked)).id


def discard_the_design(session: Session, order_id: str) -> Json:
    service = service_of_order(session, order_id)
    if service is not None:
        discard_design(session, service.id)
    return None


def order_the_service(session: Session, order_id: str, reserved: dict[str, Json], service_id: str) -> Json:
    order = find(session, ProductOrder, order_id)
    return place_service_order(
        session,
        order.id,
        order.party_id or "",
        service_id,
        solution_in(reserved),
        order.requested_start_date,
        order.requested_completion_date,
    ).id


def cancel_the_service_order(session: Session, order_id: str, reserved: Json, service_id: str) -> Json:
    placed = service_order_of(session, order_id)
    if placed is not None:
        cancel_service_order(session, placed.id, UNDONE)
    return None


def order_the_network(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """One item for each slot, share, hub port and the terminal."""
    order = find(session, ProductOrder, order_id)
    site = terminal_at_site(session, order_id)
    items = items_of(held_for(session, order_id), *([site] if site is not None else []))
    dates = order.requested_start_date, order.requested_completion_date
    return place_resource_order(session, owner_of(order), items, *dates).id


def cancel_the_network_order(session: Session, order_id: str, reserved: Json) -> Json:
    placed = resource_order_of(session, order_id)
    if placed is not None:
        cancel_resource_order(session, placed.id, UNDONE)
    return None


# Wait, hand over, bill


def start_date_is_here(session: Session, order_id: str) -> Json | Later:
    """Nothing is put into service, and charged, before the day that the customer asked for.

    Who asked for none does not wait, also when the clock was set back since he ordered.
    """
    order = find(session, ProductOrder, order_id)
    start_at = starts_at(order)
    return Later(start_at) if order.requested_start_date is not None and start_at > now() else start_at.isoformat()


def hand_over(session: Session, order_id: str, service_id: str, reserved: dict[str, Json]) -> Json:
    """From this instant the customer has the service, and pays for it. What is booked ends by a plan of its own."""
    at, order = now(), find(session, ProductOrder, order_id)
    site = terminal_at_site(session, order_id)
    if site is not None:
        move_terminal(session, site, TerminalState.IN_SERVICE, WORKER)
    activate_service(session, service_id, at, solution_in(reserved))
    until = booked_until(order)
    product = hand_product_over(session, create_product(session, order, service_id).id, at, until)
    if until is not None:
        let_it_end(session, product, order)
    return product.id


def make_first_bill(session: Session, product_id: str) -> Json:
    return first_bill(session, product_id).id


def complete_orders(session: Session, order_id: str, product_id: str) -> Json:
    to_network, to_service = resource_order_of(session, order_id), service_order_of(session, order_id)
    if to_network is not None:
        complete_resource_order(session, to_network.id)
    if to_service is not None:
        complete_service_order(session, to_service.id)
    complete_order(session, order_id, product_id)
    return None
