"""Where a task and its flow stand after a run: done, held for a person, or turned round."""

from typing import Any, TypeAlias

import networkx
import structlog
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.events import announce
from satcom.core.life_cycle import move
from satcom.core.security import Role
from satcom.core.values import Json
from satcom.orchestration.flow_event import FlowNeedsPerson
from satcom.orchestration.outcome import fault_of
from satcom.orchestration.plan import (
    Again,
    FlowState,
    ForAPerson,
    Later,
    ProcessFlow,
    TaskFlow,
    TaskKind,
    TaskState,
    UndoState,
    tasks_of,
)
from satcom.orchestration.schedule import graph_of

Outcome: TypeAlias = Json | Later | ForAPerson | Again
log = structlog.get_logger()


def settle(session: Session, flow: ProcessFlow, task: TaskFlow, outcome: Outcome) -> None:
    """The task is done, unless it says that a person has to judge, or that what came before it is to be done anew."""
    if isinstance(outcome, ForAPerson):
        hold(session, flow, task, {"field": outcome.field, "why": outcome.why, "code": outcome.code})
    elif isinstance(outcome, Again):
        begin_again(tasks_of(session, flow), task)
    elif isinstance(outcome, Later):
        hold(session, flow, task, fault_of(TypeError(f"{task.handler} is no wait and answers later")))
    else:
        complete(task, outcome)


def complete(task: TaskFlow, outcome: Json) -> None:
    move(task, TaskState.COMPLETED)
    task.result, task.fault = outcome, None
    task.finished_at = now()
    task.wake_at = task.lease_until = task.expected_at = None


def begin_again(tasks: list[TaskFlow], task: TaskFlow) -> None:
    """The task, and those before it that hang on its `again_from`, are to be done anew."""
    names = {task.task_flow_specification}
    if task.again_from is not None:
        graph = graph_of(tasks)
        before = networkx.ancestors(graph, task.task_flow_specification)
        names |= ({task.again_from} | networkx.descendants(graph, task.again_from)) & before
    for one in tasks:
        if one.task_flow_specification in names:
            move(one, TaskState.NEW)
            # another key: a hub answers a key that it knows as it did before; what was attempted may still be to undo
            one.round, one.result, one.finished_at = one.round + 1, None, None
    task.fault = None


def hold(session: Session, flow: ProcessFlow, task: TaskFlow, fault: dict[str, Any]) -> None:
    """The task waits for a person; the rest of the plan goes on as far as it can without it."""
    task.fault = fault
    task.owner = task.owner or Role.NOC
    task.wake_at = task.lease_until = None
    log.warning("held for a person", task=task.task_flow_specification, owner=task.owner, why=fault["why"])
    move(task, TaskState.HOLD)
    announce(session, FlowNeedsPerson(flow, task))


def hold_undo(session: Session, flow: ProcessFlow, task: TaskFlow) -> None:
    """The undo waits for a person; what comes before it in the plan stays until it is done."""
    task.undo_state = UndoState.HOLD
    task.owner = task.owner or Role.NOC
    announce(session, FlowNeedsPerson(flow, task))


def give_up(session: Session, flow: ProcessFlow, tasks: list[TaskFlow], task: TaskFlow, fault: dict[str, Any]) -> None:
    """A task was refused or is too late: the flow turns round; past the point of no return, a person has to judge."""
    if past_no_return([one for one in tasks if one.id != task.id]):
        hold(session, flow, task, fault)
    else:
        turn_round(flow, task, fault)


def past_no_return(tasks: list[TaskFlow]) -> bool:
    """Whether the customer has what the order was for: from then on it is not undone.

    What the outside was told may have arrived, also when nobody noted its answer: that cannot be taken back.
    """
    return any(task.no_return and (task.state is TaskState.COMPLETED or _may_be_told(task)) for task in tasks)


def _may_be_told(task: TaskFlow) -> bool:
    return task.kind is TaskKind.OUTSIDE and task.attempts > 0 and task.state is not TaskState.CANCELLED


def turn_round(flow: ProcessFlow, task: TaskFlow | None, cause: dict[str, Any]) -> None:
    """From here on the flow is undone. The first cause stays the cause; what is in-house stays with the task."""
    if task is not None:
        task.fault = cause
        cause = cause | {"task": task.task_flow_specification}
        if task.kind is not TaskKind.OUTSIDE or task.attempts == 0:
            move(task, TaskState.CANCELLED)
    if flow.state is FlowState.ACTIVE:
        move(flow, FlowState.HOLD)
        flow.cause = outward(cause)


def outward(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault as the customer may read it."""
    rest = {name: value for name, value in fault.items() if name != "told"}
    return rest | {"why": fault["told"]} if "told" in fault else rest
