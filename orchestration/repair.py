"""Repair of a plan by a person: have a task tried again, skip one, give one another deadline.

Each is an edit of the plan's rows, signed in the change log by who did it, and the flow goes on at once.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.errors import NotFound, RuleRefused, WrongState
from satcom.core.events import announce
from satcom.core.security import Capability, Principal
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskKind, TaskState, UndoState, tasks_of
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import expected_finish
from satcom.orchestration.standing import begin_again, complete

OPEN = frozenset({FlowState.ACTIVE, FlowState.HOLD})


@dataclass(frozen=True)
class FlowRepaired:
    """A person edited the plan; it goes on."""

    flow: ProcessFlow


def retry(session: Session, flow_id: str, task_name: str, by: Principal) -> TaskFlow:
    """Have a held task, or its held undo, tried again. Raises `WrongState` when nothing of it is held."""
    flow, tasks, task = _opened(session, flow_id, task_name, by)
    if task.undo_state is UndoState.HOLD:
        task.undo_state = UndoState.DUE
        return _kept(session, flow, tasks, task)
    if task.state is not TaskState.HOLD:
        raise WrongState(
            "/state",
            f"{task.task_flow_specification} is {task.state}; only what is held is tried again",
            "notHeld",
            "hold",
        )
    begin_again(tasks, task)
    return _kept(session, flow, tasks, task)


def skip(session: Session, flow_id: str, task_name: str, by: Principal) -> TaskFlow:
    """Let the plan go on without a held task or a wait. Raises `RuleRefused` where others need its result."""
    flow, tasks, task = _opened(session, flow_id, task_name, by)
    waiting = task.kind is TaskKind.WAIT and task.state is TaskState.ACTIVE
    if task.state is not TaskState.HOLD and not waiting:
        raise WrongState(
            "/state", f"{task.task_flow_specification} is {task.state}; there is nothing to skip", "notHeld", "hold"
        )
    if not task.skippable:
        can = ", ".join(one.task_flow_specification for one in tasks if one.skippable)
        raise RuleRefused(
            "/state", f"what comes after {task.task_flow_specification} needs its result", "notSkippable", can
        )
    fault = task.fault
    complete(task, {"skippedBy": by.name})
    task.fault = fault
    return _kept(session, flow, tasks, task)


def redate(session: Session, flow_id: str, task_name: str, deadline: datetime, by: Principal) -> TaskFlow:
    """Give a task that is not done another deadline. Raises `RuleRefused` on one that is over."""
    flow, tasks, task = _opened(session, flow_id, task_name, by)
    if task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
        raise WrongState("/state", f"{task.task_flow_specification} is {task.state}", "ended", "new, active, hold")
    if deadline <= now():
        raise RuleRefused("/deadline", f"{deadline.isoformat()} is over", "inPast", f"after {now().isoformat()}")
    task.deadline = deadline
    return _kept(session, flow, tasks, task)


def _opened(
    session: Session, flow_id: str, task_name: str, by: Principal
) -> tuple[ProcessFlow, list[TaskFlow], TaskFlow]:
    by.need(Capability.REPAIR_FLOWS)
    flow = find_for_update(session, ProcessFlow, flow_id)
    session.info["order_reference"] = flow.reference
    if flow.state not in OPEN:
        raise WrongState("/state", f"the plan of {flow.reference} is {flow.state}", "ended", ", ".join(sorted(OPEN)))
    tasks = tasks_of(session, flow)
    task = next((one for one in tasks if task_name in (one.id, one.task_flow_specification)), None)
    if task is None:
        raise NotFound("task", task_name)
    return flow, tasks, task


def _kept(session: Session, flow: ProcessFlow, tasks: list[TaskFlow], task: TaskFlow) -> TaskFlow:
    task.wake_at = task.lease_until = None
    if flow.state is FlowState.ACTIVE:
        flow.expected_finish = expected_finish(tasks)
    session.flush()
    announce(session, FlowRepaired(flow))
    enqueue(session, flow.id)
    return task
