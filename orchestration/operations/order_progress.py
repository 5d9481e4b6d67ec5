"""An order and its flow: the flow begins with the order, turns round with it, and tells how it ends."""

from typing import Final

from sqlmodel import Session, col, select

from satcom.core.events import on
from satcom.core.values import instant_text
from satcom.market.booking import booked_for
from satcom.market.order_approval import approval_is_ruled
from satcom.market.order_delivery import Cause, expect_finish, fail_order, finish_cancellation, go_on, hold_for
from satcom.market.order_item import DELETE, MODIFY
from satcom.market.ordering import (
    CancellationAsked,
    CancellationRequested,
    OrderState,
    ProductOrder,
    ProductOrderCreated,
    too_late,
)
from satcom.orchestration.flow_event import FlowAdvanced, FlowNeedsPerson, FlowUndone
from satcom.orchestration.operations.awaited_satellite import satellite_is_in_service
from satcom.orchestration.operations.cease_of_service import CEASE_OF_SERVICE, give_notice
from satcom.orchestration.operations.change_at_partner import check_change_at_partner
from satcom.orchestration.operations.change_of_service import (
    CHANGE_OF_SERVICE,
    begin_the_change,
    needs_another_terminal,
)
from satcom.orchestration.operations.order_to_service import ORDER_TO_SERVICE, begin_delivery
from satcom.orchestration.operations.ordered_approval import order_is_approved
from satcom.orchestration.operations.ordered_installation import appointment_is_made, site_is_installed
from satcom.orchestration.operations.ordered_network import resources_for
from satcom.orchestration.operations.ordered_site import terminal_is_here
from satcom.orchestration.operations.service_in_place import at_partner
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskState, UndoState, flow_of, tasks_of
from satcom.orchestration.queue import enqueue
from satcom.orchestration.repair import FlowRepaired
from satcom.orchestration.schedule import lay_out
from satcom.orchestration.standing import outward, past_no_return, turn_round
from satcom.resource.catalog import NetworkNeed
from satcom.service.access_test import AccessTested
from satcom.service.installation import installed_on_site
from satcom.supplychain.procurement import TerminalDelivered, TerminalRedated

BEGINNING = frozenset({begin_delivery.__name__, begin_the_change.__name__, give_notice.__name__})
AWAITED: Final = frozenset(
    one.__name__
    for one in (
        terminal_is_here,
        satellite_is_in_service,
        order_is_approved,
        appointment_is_made,
        site_is_installed,
    )
)


@on(ProductOrderCreated)
def begin_flow(session: Session, event: ProductOrderCreated) -> None:
    """The plan is written with the order, or there is no order."""
    order, needs = event.order, resources_for(session, event.order)
    approved = approval_is_ruled(session)
    installed = NetworkNeed.TERMINAL in needs and installed_on_site(order.item.characteristics)
    if order.item.action == DELETE:
        last_day = order.expected_completion_date
        ends_at = instant_text(last_day) if last_day is not None else None
        flow = lay_out(session, CEASE_OF_SERVICE, order, order.reference, needs, ends_at)
    elif order.item.action == MODIFY:
        if at_partner(session, order) is not None:
            check_change_at_partner(session, order)
        another = needs_another_terminal(session, order)
        flow = lay_out(session, CHANGE_OF_SERVICE, order, order.reference, needs, another, installed, approved)
        order.expected_completion_date = flow.expected_finish
    else:
        booked = booked_for(order.item.characteristics) is not None
        flow = lay_out(session, ORDER_TO_SERVICE, order, order.reference, needs, approved, installed, booked)
        order.expected_completion_date = flow.expected_finish
    enqueue(session, flow.id)


@on(CancellationAsked)
def tell_whether_it_can_be_stopped(session: Session, event: CancellationAsked) -> None:
    """Raises `WrongState` once the customer has what was ordered."""
    _stoppable(session, event.order)


@on(CancellationRequested)
def turn_flow_round(session: Session, event: CancellationRequested) -> None:
    """Undo what was done. Raises `WrongState` once the customer has what was ordered."""
    flow = _stoppable(session, event.order)
    if flow is not None:
        turn_round(flow, None, {"field": "order", "why": "the customer cancelled it", "code": "cancelled"})
        enqueue(session, flow.id)


def _stoppable(session: Session, order: ProductOrder) -> ProcessFlow | None:
    """The flow of the order, locked; `None` where it has none yet."""
    flow = flow_of(session, order.id)
    if flow is not None and (flow.state is FlowState.COMPLETED or past_no_return(tasks_of(session, flow))):
        raise too_late(session, order)
    return flow


@on(TerminalDelivered)
def go_on_with_terminal(session: Session, event: TerminalDelivered) -> None:
    """Whoever receives goods does not wait for the flow: a job of its own looks again."""
    _wake_for_terminal(session, event.order_id, event.purchase_order_id)


@on(TerminalRedated)
def wait_until_the_new_day(session: Session, event: TerminalRedated) -> None:
    """The order waits until the day that the shipment is expected, and its customer is told."""
    _wake_for_terminal(session, event.order_id, event.purchase_order_id)


def _wake_for_terminal(session: Session, order_id: str, purchase_order_id: str) -> None:
    flow_id = session.exec(select(ProcessFlow.id).where(col(ProcessFlow.subject_id) == order_id)).first()
    if flow_id is not None:
        enqueue(session, flow_id, because=purchase_order_id)


@on(AccessTested)
def wake_lease(session: Session, event: AccessTested) -> None:
    """The flow of the lease looks at its access test."""
    flow = flow_of(session, event.order_id)
    if flow is not None:
        enqueue(session, flow.id)


@on(FlowAdvanced)
def tell_finish(session: Session, event: FlowAdvanced) -> None:
    """The customer is told the date that the flow expects now."""
    order, finish = _order(session, event.flow), event.flow.expected_finish
    if order is not None and finish is not None:
        expect_finish(session, order.id, finish)


@on(FlowNeedsPerson)
def tell_hold(session: Session, event: FlowNeedsPerson) -> None:
    order = _order(session, event.flow)
    if order is not None and order.state in (OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS):
        why = outward(event.task.fault or {}).get("why", "")
        hold_for(session, order.id, f"{event.task.owner}: {event.task.task_flow_specification}: {why}"[:1000])


@on(FlowRepaired)
def tell_repair(session: Session, event: FlowRepaired) -> None:
    order, finish = _order(session, event.flow), event.flow.expected_finish
    if order is not None and finish is not None:
        expect_finish(session, order.id, finish)
    tasks = tasks_of(session, event.flow)
    if order is not None and order.state is OrderState.HELD and not any(_holds(one) for one in tasks):
        go_on(session, order.id, _begun(tasks))


@on(FlowUndone)
def end_order(session: Session, event: FlowUndone) -> None:
    """Everything is given back: the order ends, for the reason that turned its flow round."""
    order = _order(session, event.flow)
    if order is None:
        return
    if order.state is OrderState.PENDING_CANCELLATION:
        finish_cancellation(session, order.id)
        return
    if order.state is OrderState.HELD and not _begun(tasks_of(session, event.flow)):
        go_on(session, order.id, begun=False)  # what was never promised is rejected, not failed
    cause = event.flow.cause or {}
    fail_order(
        session, order.id, Cause(str(cause.get("code", "failed")), str(cause.get("why", "it could not be done")))
    )


def _begun(tasks: list[TaskFlow]) -> bool:
    """Whether the customer was promised delivery."""
    return any(one.handler in BEGINNING and one.state is TaskState.COMPLETED for one in tasks)


def _holds(task: TaskFlow) -> bool:
    """Whether the order is held for it: for a person, an approval, a terminal, its installation, or a satellite."""
    for_a_person = task.state is TaskState.HOLD or task.undo_state is UndoState.HOLD
    awaited = task.handler in AWAITED and task.state is TaskState.ACTIVE
    return for_a_person or awaited


def _order(session: Session, flow: ProcessFlow) -> ProductOrder | None:
    return session.get(ProductOrder, flow.subject_id)
