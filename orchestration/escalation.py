"""Escalation: whose turn it is when a wait is overdue.

The operator says for each owner who comes next, and after how long; a wait that is overdue for so long changes hands,
and again after the next one's time. Only who is to see to it changes: the deadline stays, and with it what happens when
it is missed. Owners are roles.
"""

from datetime import timedelta
from typing import ClassVar, Final

import structlog
from pydantic import Field as ValueField
from sqlalchemy import func
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import Entity, change, own
from satcom.core.errors import NotAllowed, RuleRefused
from satcom.core.own_body import OwnBody
from satcom.core.security import OUTSIDE, Capability, Principal, Role
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskKind, TaskState

LONGEST_H: Final = 8784.0  # a year
log = structlog.get_logger()


class EscalationRule(Entity, table=True):
    """An overdue wait of `owner` goes to `next_owner` after so many hours."""

    __tablename__ = "escalation_rule"

    owner: str = Field(max_length=40, unique=True)
    next_owner: str = Field(max_length=40)
    after_hours: float = Field(ge=0, le=LONGEST_H)

    api: ClassVar = own("orchestration/v1", "escalationRule", Capability.READ_FLOWS)


class NewEscalation(OwnBody):
    """What the NOC sends."""

    owner: Role
    next_owner: Role
    after_hours: float = ValueField(ge=0, le=LONGEST_H, allow_inf_nan=False)


def add_rule(session: Session, wanted: NewEscalation, by: Principal) -> EscalationRule:
    """Say who comes next. Raises as `enter_rule`."""
    if not by.all_parties:
        raise NotAllowed(f"{by.name} does not see all waits")
    owner, next_owner = wanted.owner.value, wanted.next_owner.value
    return enter_rule(session, EscalationRule(owner=owner, next_owner=next_owner, after_hours=wanted.after_hours), by)


def enter_rule(session: Session, rule: EscalationRule, by: Principal) -> EscalationRule:
    """Keep it. Raises `RuleRefused` on an owner who has a rule, is unknown or outside, or would come round again."""
    _check(session, rule)
    rule.party_id = operator_of(session).party_id
    session.add(rule)
    session.flush()
    return rule


def correct_rule(session: Session, rule: EscalationRule, patch: dict[str, Json], by: Principal) -> EscalationRule:
    """Have overdue waits go to another, or at another time. Raises as `enter_rule`."""
    with session.no_autoflush:
        change(rule, patch)
        _check(session, rule)
    session.flush()
    return rule


def _check(session: Session, rule: EscalationRule) -> None:
    inside = sorted(set(Role) - OUTSIDE)
    for field, owner in (("/owner", rule.owner), ("/nextOwner", rule.next_owner)):
        if owner not in inside:
            why = f"{owner[:80]!r} does not see to the operator's waits"
            raise RuleRefused(field, why, "outside", ", ".join(inside))
    others = session.exec(select(EscalationRule).where(EscalationRule.id != rule.id)).all()
    rules = {one.owner: one.next_owner for one in others}
    if rule.owner in rules:
        why = f"waits of {rule.owner} go to {rules[rule.owner]} already"
        raise RuleRefused("/owner", why, "exists", "remove that rule first")
    after: str | None = rule.next_owner
    while after is not None:
        if after == rule.owner:
            why = f"they would come back to {rule.owner}"
            raise RuleRefused("/nextOwner", why, "ring", "somebody from whom they do not come back")
        after = rules.get(after)


def remove_rule(session: Session, rule: EscalationRule, by: Principal) -> None:
    """From now on overdue waits stay with their owner."""
    session.delete(rule)
    session.flush()


def escalate_due(session: Session) -> int:
    """Hand on every wait that has been overdue for long enough; how many. One that is being worked on comes later."""
    since = func.greatest(col(TaskFlow.due_at), col(TaskFlow.escalated_at))
    found = session.exec(
        select(TaskFlow.id, TaskFlow.process_flow_id, EscalationRule)
        .join(EscalationRule, col(EscalationRule.owner) == col(TaskFlow.owner))
        .where(col(TaskFlow.kind).in_((TaskKind.WAIT, TaskKind.OUTSIDE)), TaskFlow.state == TaskState.ACTIVE)
        .where(since + func.make_interval(0, 0, 0, 0, 0, 0, col(EscalationRule.after_hours) * 3600) <= now())
        .order_by(col(TaskFlow.process_flow_id))
    ).all()
    return sum(_hand_on(session, task_id, flow_id, rule) for task_id, flow_id, rule in found)


def _hand_on(session: Session, task_id: str, flow_id: str, rule: EscalationRule) -> bool:
    plan = select(ProcessFlow).where(ProcessFlow.id == flow_id).with_for_update(skip_locked=True)
    flow = session.exec(plan).first()
    if flow is None:
        return False
    task = session.get_one(TaskFlow, task_id, populate_existing=True)
    if task.state is not TaskState.ACTIVE or task.owner != rule.owner:
        return False
    session.info["order_reference"] = flow.reference
    task.escalated_from, task.owner, task.escalated_at = task.owner, rule.next_owner, now()
    session.flush()
    overdue = now() - task.due_at if task.due_at is not None else timedelta(0)
    name, days = task.task_flow_specification, round(overdue / timedelta(days=1), 2)
    log.warning("escalated", order=flow.reference, task=name, owner=task.owner, before=rule.owner, days=days)
    return True


routes = TmfRoutes(EscalationRule)
routes.post(add_rule, may=Capability.REPAIR_FLOWS, reads=NewEscalation)
routes.delete(remove_rule, may=Capability.REPAIR_FLOWS)
