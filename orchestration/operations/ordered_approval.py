"""The approval of an order: who is asked, what the order waits for, and what a refusal means."""

from datetime import timedelta
from typing import Final

from sqlmodel import Session, select

from satcom.core.database import find, find_for_update
from satcom.core.errors import RuleRefused
from satcom.core.events import on
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
from satcom.orchestration.plan import Later, ProcessFlow
from satcom.orchestration.queue import enqueue

ANSWERED_IN: Final = timedelta(days=1)


def ask_for_approval(session: Session, order_id: str, priced: dict[str, Json]) -> Json:
    """The id of the question, where the price calls for one."""
    asked = ask_approval(session, order_id, Money.model_validate(priced["perMonth"]))
    return asked.id if asked is not None else None


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
        latest = approval.asked_at + timedelta(days=operator_of(session).approval_days)
        return Later(approval.asked_at + ANSWERED_IN, latest, approval.role)
    if approval.state is not ApprovalState.APPROVED:
        why = f"{approval.decided_by}: {approval.reason}"
        raise RuleRefused("/orderTotalPrice", why, "approvalRefused")
    if find_for_update(session, ProductOrder, order_id).state is OrderState.HELD:
        go_on(session, order_id, begun=False)
    return approval.decided_by


@on(OrderApprovalDecided)
def wake_order(session: Session, event: OrderApprovalDecided) -> None:
    """Whoever decides does not wait for the flow: a job of its own looks at the answer."""
    flow_id = session.exec(select(ProcessFlow.id).where(ProcessFlow.subject_id == event.order_id)).first()
    if flow_id is not None:
        enqueue(session, flow_id, because=event.approval_id)
