"""The approval of an order: who is asked, what the order waits for, and what a refusal means.

It is asked for what a partner serves, too, until the partner's hold runs out; for a change when that makes it dearer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, select

from satcom.core.database import find, find_for_update
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import Role
from satcom.core.values import Json, Money
from satcom.enterprise.party import operator_of
from satcom.market.order_approval import (
    ApprovalState,
    OrderApproval,
    OrderApprovalDecided,
    ask_approval,
    withdraw_approval,
)
from satcom.market.order_delivery import go_on, hold_for
from satcom.market.ordering import OrderState, ProductOrder
from satcom.market.solution_price import ChargePrice
from satcom.orchestration.plan import Later, Plan, ProcessFlow, TaskFlow, TaskHandle
from satcom.orchestration.queue import enqueue
from satcom.supplychain.partner_capacity import capacity_of_order

ANSWERED_IN: Final = timedelta(days=1)


def wait_for_approval(plan: Plan, order: str, priced: TaskHandle) -> TaskHandle:
    """Where the operator has rules for it, a person releases what is dear before it is promised."""
    asked = plan.task(ask_for_approval, order, priced, undo=take_question_back)
    return plan.wait(order_is_approved, order, asked, owner=Role.SALES, expected=ANSWERED_IN, skippable=False)


def is_to_be_approved(tasks: Sequence[TaskFlow]) -> bool:
    """Whether the plan was laid out while the operator had rules: it keeps that when it goes on by another recipe."""
    return any(one.task_flow_specification == ask_for_approval.__name__ for one in tasks)


def ask_for_approval(session: Session, order_id: str, priced: dict[str, Json]) -> Json:
    """The id of the question, where the price calls for one."""
    per_month = Money.model_validate(priced["perMonth"])
    if not _dearer(per_month, priced.get("before")):
        return None
    asked = ask_approval(session, order_id, per_month)
    return asked.id if asked is not None else None


def _dearer(per_month: Money, before: Json) -> bool:
    """Whether a change asks for more than the customer pays already; what is new always does."""
    if not isinstance(before, list):
        return True
    charges = [ChargePrice.model_validate(one) for one in before]
    monthly = [one.price.duty_free_amount.value for one in charges if one.recurring_charge_period is not None]
    return per_month.value > sum(monthly)


def take_question_back(session: Session, order_id: str, priced: Json) -> Json:
    withdraw_approval(session, order_id)
    return None


def order_is_approved(session: Session, order_id: str, approval_id: str | None) -> Json | Later:
    """Nothing is promised before it. Raises `RuleRefused` with the reason of whoever refused."""
    if approval_id is None:
        return None
    approval = find(session, OrderApproval, approval_id)
    if approval.state is ApprovalState.ASKED:
        hold_for(session, order_id, f"approval by {approval.role}")
        return Later(approval.asked_at + ANSWERED_IN, _latest(session, approval), approval.role)
    if approval.state is not ApprovalState.APPROVED:
        why = f"{approval.decided_by}: {approval.reason}"
        raise RuleRefused("/orderTotalPrice", why, "approvalRefused")
    if find_for_update(session, ProductOrder, order_id).state is OrderState.HELD:
        go_on(session, order_id, begun=False)
    return approval.decided_by


def _latest(session: Session, approval: OrderApproval) -> datetime:
    """Then nobody need answer any more: what a partner holds runs out, or our patience."""
    ours = approval.asked_at + timedelta(days=operator_of(session).approval_days)
    at_partner = capacity_of_order(session, approval.order_id)
    if at_partner is None or at_partner.hold_until is None:
        return ours
    return min(ours, at_partner.hold_until)


@on(OrderApprovalDecided)
def wake_order(session: Session, event: OrderApprovalDecided) -> None:
    """Whoever decides does not wait for the flow: a job of its own looks at the answer."""
    flow_id = session.exec(select(ProcessFlow.id).where(ProcessFlow.subject_id == event.order_id)).first()
    if flow_id is not None:
        enqueue(session, flow_id, because=event.approval_id)
