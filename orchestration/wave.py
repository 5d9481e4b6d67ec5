"""A wave: everything that can be done for one flow in one transaction, forward or back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import networkx
import orjson
import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from satcom.core.clock import has_come, now, wall_now
from satcom.core.errors import Refused
from satcom.core.events import announce
from satcom.core.life_cycle import move
from satcom.core.traces import span
from satcom.core.values import Json
from satcom.orchestration.flow_event import FlowAdvanced, FlowCompleted, FlowUndone
from satcom.orchestration.outcome import fault_of, timed
from satcom.orchestration.plan import (
    LONGEST_REST,
    FlowState,
    Later,
    ProcessFlow,
    TaskFlow,
    TaskKind,
    TaskState,
    UndoState,
    handler_called,
)
from satcom.orchestration.schedule import expected_finish, graph_of
from satcom.orchestration.standing import Outcome, give_up, hold, hold_undo, settle

WORTH_TELLING: Final = timedelta(minutes=1)  # by how much the expected finish may be wrong
Phase: TypeAlias = Literal["intent", "call", "result"]
Observer: TypeAlias = Callable[[TaskFlow, Phase], None]
log = structlog.get_logger()


@dataclass(frozen=True)
class Errand:
    """One outside call whose intent is committed."""

    task: TaskFlow
    handler: str
    arguments: list[Json]
    key: str
    undo: bool
    order: str


class TaskRaised(Exception):
    """A task was refused or broke in a wave that cannot roll it back alone."""


class Wave:
    """The work of one transaction on one flow. `lease`: for how long an outside call has the task to itself.

    `apart`: each task in a savepoint of its own. Otherwise what one raises ends the wave, and all of it is to be
    rolled back.
    """

    def __init__(
        self,
        session: Session,
        flow: ProcessFlow,
        tasks: list[TaskFlow],
        observe: Observer,
        lease: timedelta,
        apart: bool,
    ) -> None:
        self.session, self.flow, self.tasks = session, flow, tasks
        self.observe, self.lease, self.apart = observe, lease, apart
        self.by_name = {task.task_flow_specification: task for task in tasks}
        self.moved = False
        self.errands: list[Errand] = []

    def forward(self) -> None:
        for task in self.tasks:
            if self._overdue(task):
                fault = {"field": "deadline", "why": f"{task.task_flow_specification} was not done in time"}
                give_up(self.session, self.flow, self.tasks, task, fault | {"code": "deadlineMissed"})
                self.moved = True
                if self.flow.state is not FlowState.ACTIVE:
                    return
        for task in [task for task in self.tasks if self._ready(task)]:
            if task.kind is TaskKind.OUTSIDE:
                self._intend(task, undo=False)
            else:
                self._do(task)
                if self.flow.state is not FlowState.ACTIVE:
                    return
        if all(task.state is TaskState.COMPLETED for task in self.tasks):
            move(self.flow, FlowState.COMPLETED)
            self.flow.finished_at = now()
            announce(self.session, FlowCompleted(self.flow))
        elif self.moved:
            self._predict()

    @property
    def exhausted(self) -> bool:
        """Whether another wave would find nothing: the flow has ended, or goes forward and nothing is ready."""
        if self.flow.state in (FlowState.COMPLETED, FlowState.CANCELLED):
            return True
        return self.flow.state is FlowState.ACTIVE and not any(self._ready(task) for task in self.tasks)

    def _predict(self) -> None:
        """Tell another finish when it has moved noticeably: each task takes a little less or more than expected."""
        told, finish = self.flow.expected_finish, expected_finish(self.tasks)
        if told is None or abs(finish - told) >= WORTH_TELLING:
            self.flow.expected_finish = finish
            announce(self.session, FlowAdvanced(self.flow))

    def _ready(self, task: TaskFlow) -> bool:
        if task.kind is TaskKind.WAIT and task.state is TaskState.ACTIVE:
            return True
        if task.kind is TaskKind.OUTSIDE and task.state is TaskState.ACTIVE:
            return all(has_come(at, LONGEST_REST) for at in (task.lease_until, task.wake_at))
        return (
            task.state is TaskState.NEW
            and has_come(task.wake_at, LONGEST_REST)
            and all(self.by_name[need].state is TaskState.COMPLETED for need in task.needs)
        )

    def _overdue(self, task: TaskFlow) -> bool:
        begun = task.state in (TaskState.ACTIVE, TaskState.NEW)
        return begun and task.deadline is not None and task.deadline <= now()

    def _arguments(self, task: TaskFlow) -> list[Json]:
        """As whoever resumes the flow would read them from the rows, and its own to change."""
        given = [self.by_name[one["task"]].result if "task" in one else one["value"] for one in task.arguments]
        read: list[Json] = orjson.loads(orjson.dumps(given))
        return read

    def _begin(self, task: TaskFlow, at: datetime | None = None) -> None:
        task.started_at = task.started_at or at or now()
        if task.deadline_s is not None and task.deadline is None:
            task.deadline = (at or now()) + timedelta(seconds=task.deadline_s)

    def _do(self, task: TaskFlow) -> None:
        """Run a database task, or look whether what a wait waits for has come.

        The row is written once, with what the task did: nobody sees what is in between.
        """
        began_at, began = now(), time.perf_counter()
        try:
            outcome = self._alone(task) if self.apart else self._called(task)
        except OperationalError:
            raise  # the database is lost or in the way: the wave is tried again
        except Exception as error:
            if not self.apart:
                raise TaskRaised from error
            self._failed(task, error, began_at, began)
            return
        self._begin(task, began_at)
        if task.kind is TaskKind.WAIT and isinstance(outcome, Later):
            self._wait(task, outcome)
            return
        self.moved = True
        timed(task, began, None)
        settle(self.session, self.flow, task, outcome)
        self.session.flush()
        self.observe(task, "result")

    def _called(self, task: TaskFlow) -> Outcome:
        self.observe(task, "call")
        with span(f"task {task.task_flow_specification}"):
            return handler_called(task.handler)(self.session, *self._arguments(task))

    def _alone(self, task: TaskFlow) -> Outcome:
        """In a savepoint, so that what it did can be taken back without what others did."""
        with self.session.begin_nested():
            outcome = self._called(task)
            self.session.flush()
        return outcome

    def _failed(self, task: TaskFlow, error: Exception, began_at: datetime, began: float) -> None:
        """Refused, the flow turns round; anything else is a bug, and the task is held for a person."""
        self.moved = True
        self._begin(task, began_at)
        timed(task, began, error)
        if isinstance(error, Refused):
            give_up(self.session, self.flow, self.tasks, task, fault_of(error))
        else:
            log.error("task broke", task=task.task_flow_specification, exc_info=error)
            hold(self.session, self.flow, task, fault_of(error))

    def _wait(self, task: TaskFlow, answer: Later) -> None:
        expected = answer.at if answer.at is not None and answer.at > now() else None
        due = answer.due or answer.at or (task.started_at or now()) + timedelta(seconds=task.expected_s)
        if answer.owner is not None and task.due_at != due:  # it waits for something else now
            task.owner, task.escalated_from, task.escalated_at = answer.owner, None, None
        if task.state is TaskState.NEW or task.expected_at != expected:
            move(task, TaskState.ACTIVE)
            task.expected_at, task.due_at = expected, due
            task.deadline = task.deadline or answer.deadline
            self.moved = True

    def _intend(self, task: TaskFlow, undo: bool) -> None:
        """Write down that the outside is about to be called."""
        self._begin(task)
        task.attempts += 1
        task.lease_until = task.wake_at = wall_now() + self.lease
        if undo:
            task.undo_state = UndoState.ACTIVE
        else:
            move(task, TaskState.ACTIVE)
        handler = task.undo_handler if undo else task.handler
        key = f"{task.key}:undo" if undo else task.key
        self.errands.append(Errand(task, handler or "", self._arguments(task), key, undo, self.flow.reference))
        self.observe(task, "intent")

    def backward(self) -> None:
        """Undo what can be undone now: a task after all that came of it."""
        graph = graph_of(self.tasks)
        for task in reversed(self.tasks):
            if task.kind is not TaskKind.OUTSIDE and task.state is TaskState.NEW:
                move(task, TaskState.CANCELLED)
                self.moved = True
            elif self._calling(task) or any(
                self._to_undo(self.by_name[name]) for name in networkx.descendants(graph, task.task_flow_specification)
            ):
                continue
            elif not self._to_undo(task):
                self.moved |= self._give_up(task)
            elif task.undo_state is UndoState.HOLD:
                continue
            elif task.kind is TaskKind.OUTSIDE:
                if has_come(task.wake_at, LONGEST_REST):
                    self._intend(task, undo=True)
            else:
                self._undo(task)
        if not any(self._to_undo(task) or self._calling(task) for task in self.tasks):
            move(self.flow, FlowState.CANCELLED)
            self.flow.finished_at = now()
            announce(self.session, FlowUndone(self.flow))
            self.moved = True

    def _calling(self, task: TaskFlow) -> bool:
        """A call may be under way somewhere; its end is waited for, so that the undo comes after it."""
        active = task.state is TaskState.ACTIVE or task.undo_state is UndoState.ACTIVE
        return task.kind is TaskKind.OUTSIDE and active and not has_come(task.lease_until, LONGEST_REST)

    def _to_undo(self, task: TaskFlow) -> bool:
        """A task that may have had an effect. An outside call that was ever tried may have arrived."""
        if task.undo_handler is None or task.undo_state is UndoState.DONE:
            return False
        return task.state is TaskState.COMPLETED or (task.kind is TaskKind.OUTSIDE and task.attempts > 0)

    def _give_up(self, task: TaskFlow) -> bool:
        """Nothing to undo: what has not been done will not be."""
        if task.state in (TaskState.COMPLETED, TaskState.CANCELLED):
            return False
        move(task, TaskState.CANCELLED)
        task.lease_until = task.wake_at = None
        return True

    def _undo(self, task: TaskFlow) -> None:
        self.moved = True
        task.undo_state = UndoState.ACTIVE
        began = time.perf_counter()
        try:
            with self.session.begin_nested(), span(f"undo {task.task_flow_specification}"):
                self.observe(task, "call")
                handler_called(task.undo_handler or "")(self.session, *self._arguments(task))
                self.session.flush()
        except OperationalError:
            raise
        except Exception as error:
            log.exception("undo broke", task=task.task_flow_specification)
            timed(task, began, error, undo=True)
            task.fault = fault_of(error)
            hold_undo(self.session, self.flow, task)
            return
        timed(task, began, None, undo=True)
        self.observe(task, "result")
        task.undo_state = UndoState.DONE
        move(task, TaskState.CANCELLED)
        self.session.flush()
