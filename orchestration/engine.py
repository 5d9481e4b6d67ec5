"""The engine: carries a plan forward, or back.

One wave at a time: all ready tasks that only touch the database run in one transaction, each in its own savepoint, and
are marked done in it. A task with an outside effect commits its intent, calls, and commits the result; after a crash
the call is repeated with the same idempotency key. A refusal, a missed deadline or a cancellation turns the flow
round: what was begun is undone, last first. Anything else that is raised is a bug: the task is held for a person.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import networkx
import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from structlog.contextvars import bound_contextvars

from satcom.core import metrics
from satcom.core.clock import now, wall_now
from satcom.core.database import Database, find_for_update
from satcom.core.errors import Refused
from satcom.core.events import announce
from satcom.core.life_cycle import move
from satcom.core.values import Json
from satcom.orchestration.flow_event import FlowAdvanced, FlowCompleted, FlowNeedsPerson, FlowUndone
from satcom.orchestration.outcome import fault_of, timed
from satcom.orchestration.plan import (
    FlowState,
    ForAPerson,
    Later,
    ProcessFlow,
    TaskFlow,
    TaskKind,
    TaskState,
    UndoState,
    expected_finish,
    graph_of,
    handler_called,
    tasks_of,
)
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, HubDriver

LEASE = timedelta(seconds=60)
WORTH_TELLING = timedelta(minutes=1)  # by how much the expected finish may be wrong
NOC = "noc"
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 60.0
Phase: TypeAlias = Literal["intent", "call", "result"]
Outcome: TypeAlias = "Json | Later | ForAPerson"
Observer: TypeAlias = Callable[[TaskFlow, Phase], None]
log = structlog.get_logger()


@dataclass(frozen=True)
class Call:
    """What an outside task is given beside its arguments. `key` is the same over all attempts.

    An undo is also told the key that it `cancels`, in case that call is still on its way.
    """

    key: str
    cancels: str | None
    attempt: int
    hub: HubDriver


@dataclass(frozen=True)
class _Errand:
    """One outside call whose intent is committed."""

    task: TaskFlow
    handler: str
    arguments: list[Json]
    key: str
    undo: bool
    order: str


def unobserved(task: TaskFlow, phase: Phase) -> None:
    """Nobody watches."""


class Engine:
    """Advances flows. Has no state of its own: any number of them may run on any number of hosts."""

    def __init__(
        self, database: Database, hub: HubDriver, observe: Observer = unobserved, lease: timedelta = LEASE
    ) -> None:
        self.database = database
        self.hub = hub
        self.observe = observe
        self.lease = lease

    def advance(self, flow_id: str) -> None:
        """Do all that can be done for this flow now."""
        while True:
            more, errands = self._wave(flow_id)
            if len(errands) == 1:
                self._run(flow_id, errands[0])
            elif errands:
                with ThreadPoolExecutor(len(errands)) as pool:
                    list(pool.map(lambda errand: self._run(flow_id, errand), errands))
            if not more and not errands:
                return

    def _wave(self, flow_id: str) -> tuple[bool, list[_Errand]]:
        """One transaction: whether another may find something to do, and the outside calls that are now intended."""
        with self.database.as_worker() as session:
            flow = find_for_update(session, ProcessFlow, flow_id)
            session.info |= {"by": f"flow {flow.reference}", "order_reference": flow.reference}
            wave = _Wave(session, flow, tasks_of(session, flow), self)
            with bound_contextvars(order=flow.reference):
                if flow.state is FlowState.ACTIVE:
                    wave.forward()
                elif flow.state is FlowState.HOLD:
                    wave.backward()
            return wave.moved and not wave.exhausted, wave.errands

    def _run(self, flow_id: str, errand: _Errand) -> None:
        """Make one outside call and commit what came of it."""
        with bound_contextvars(order=errand.order):
            self._keep(flow_id, errand, *self._call(errand))

    def _call(self, errand: _Errand) -> tuple[Outcome, Exception | None]:
        task = errand.task
        self.observe(task, "call")
        outcome: Outcome = None
        error: Exception | None = None
        began = time.perf_counter()
        try:
            call = Call(errand.key, task.key if errand.undo else None, task.attempts, self.hub)
            outcome = handler_called(errand.handler)(call, *errand.arguments)
        except (DriverRefused, DriverUnavailable, Refused) as refusal:
            error = refusal
        except Exception as bug:
            log.exception("task broke", task=task.task_flow_specification)
            error = bug
        timed(task, began, error, errand.undo)
        self.observe(task, "result")
        return outcome, error

    def _keep(self, flow_id: str, errand: _Errand, outcome: Outcome, error: Exception | None) -> None:
        """Commit what came of an outside call."""
        task = errand.task
        with self.database.as_worker() as session:
            flow = find_for_update(session, ProcessFlow, flow_id)
            session.info |= {"by": f"flow {flow.reference}", "order_reference": flow.reference}
            current = find_for_update(session, TaskFlow, task.id)
            if current.attempts != task.attempts:
                return  # another attempt has taken over; its result counts
            current.lease_until = current.wake_at = None
            if errand.undo:
                self._undone(session, flow, current, error)
            elif error is None:
                settle(session, flow, current, outcome)
            else:
                self._failed(session, flow, current, error)

    def _undone(self, session: Session, flow: ProcessFlow, task: TaskFlow, error: Exception | None) -> None:
        """An undo is tried again for as long as the outside cannot be reached; a refused one needs a person."""
        if error is None:
            task.undo_state = UndoState.DONE
            move(task, TaskState.CANCELLED)
            return
        task.fault = fault_of(error)
        if isinstance(error, DriverUnavailable):
            task.undo_state = UndoState.DUE
            task.wake_at = wall_now() + back_off(task.attempts)
        else:
            hold_undo(session, flow, task)

    def _failed(self, session: Session, flow: ProcessFlow, task: TaskFlow, error: Exception) -> None:
        task.fault = fault_of(error)
        match error:
            case DriverUnavailable():
                move(task, TaskState.NEW)
                task.wake_at = wall_now() + back_off(task.attempts)
                metrics.task_retries.labels(task.task_flow_specification).inc()
            case DriverRefused() | Refused() if not past_no_return(tasks_of(session, flow)):
                turn_round(flow, task, task.fault)
            case _:
                hold(session, flow, task, task.fault)


class _Wave:
    """The work of one transaction on one flow."""

    def __init__(self, session: Session, flow: ProcessFlow, tasks: list[TaskFlow], engine: Engine) -> None:
        self.session, self.flow, self.tasks, self.engine = session, flow, tasks, engine
        self.by_name = {task.task_flow_specification: task for task in tasks}
        self.moved = False
        self.errands: list[_Errand] = []

    def forward(self) -> None:
        for task in self.tasks:
            if self._overdue(task):
                fault = {"field": "deadline", "why": f"{task.task_flow_specification} was not done in time"}
                turn_round(self.flow, task, fault | {"code": "deadlineMissed"})
                self.moved = True
                return
        for task in [task for task in self.tasks if self._ready(task)]:
            if task.kind is TaskKind.OUTSIDE:
                self._intend(task, undo=False)
            elif task.kind is TaskKind.WAIT:
                self._check(task)
            elif not self._do(task):
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
            return task.lease_until is None or task.lease_until <= wall_now()
        return (
            task.state is TaskState.NEW
            and (task.wake_at is None or task.wake_at <= wall_now())
            and all(self.by_name[need].state is TaskState.COMPLETED for need in task.needs)
        )

    def _overdue(self, task: TaskFlow) -> bool:
        begun = task.state in (TaskState.ACTIVE, TaskState.NEW)
        return begun and task.deadline is not None and task.deadline <= now()

    def _arguments(self, task: TaskFlow) -> list[Json]:
        return [self.by_name[one["task"]].result if "task" in one else one["value"] for one in task.arguments]

    def _begin(self, task: TaskFlow, at: datetime | None = None) -> None:
        task.started_at = task.started_at or at or now()
        if task.deadline_s is not None and task.deadline is None:
            task.deadline = (at or now()) + timedelta(seconds=task.deadline_s)

    def _do(self, task: TaskFlow) -> bool:
        """Run a database task in its savepoint. False when the flow has turned round.

        Its row is written once, when it is done: nobody sees what is in between.
        """
        self.moved = True
        outcome: Outcome = None
        began_at, began = now(), time.perf_counter()
        try:
            with self.session.begin_nested():
                self.engine.observe(task, "call")
                outcome = handler_called(task.handler)(self.session, *self._arguments(task))
                self.session.flush()
        except Refused as refusal:
            self._begin(task, began_at)
            timed(task, began, refusal)
            if past_no_return(self.tasks):
                hold(self.session, self.flow, task, fault_of(refusal))
                return True
            turn_round(self.flow, task, fault_of(refusal))
            return False
        except OperationalError:
            raise  # the database is lost or in the way: the wave is tried again
        except Exception as bug:
            self._begin(task, began_at)
            log.exception("task broke", task=task.task_flow_specification)
            timed(task, began, bug)
            hold(self.session, self.flow, task, fault_of(bug))
            return True
        self._begin(task, began_at)
        timed(task, began, None)
        settle(self.session, self.flow, task, outcome)
        self.session.flush()
        self.engine.observe(task, "result")
        return True

    def _check(self, task: TaskFlow) -> None:
        """Has what the task waits for come?"""
        self._begin(task)
        self.engine.observe(task, "call")
        began = time.perf_counter()
        value = handler_called(task.handler)(self.session, *self._arguments(task))
        self.engine.observe(task, "result")
        if not isinstance(value, Later):
            timed(task, began, None)
            settle(self.session, self.flow, task, value)
            self.moved = True
            return
        expected = value.at if value.at is not None and value.at > now() else None
        if task.state is TaskState.NEW or task.expected_at != expected:
            move(task, TaskState.ACTIVE)
            task.expected_at = expected
            self.moved = True

    def _intend(self, task: TaskFlow, undo: bool) -> None:
        """Write down that the outside is about to be called."""
        self._begin(task)
        task.attempts += 1
        task.lease_until = task.wake_at = wall_now() + self.engine.lease
        if undo:
            task.undo_state = UndoState.ACTIVE
        else:
            move(task, TaskState.ACTIVE)
        handler = task.undo_handler if undo else task.handler
        key = f"{task.key}:undo" if undo else task.key
        self.errands.append(_Errand(task, handler or "", self._arguments(task), key, undo, self.flow.reference))
        self.engine.observe(task, "intent")

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
                if task.wake_at is None or task.wake_at <= wall_now():
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
        leased = task.lease_until is not None and task.lease_until > wall_now()
        return task.kind is TaskKind.OUTSIDE and active and leased

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
            with self.session.begin_nested():
                self.engine.observe(task, "call")
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
        self.engine.observe(task, "result")
        task.undo_state = UndoState.DONE
        move(task, TaskState.CANCELLED)
        self.session.flush()


def settle(session: Session, flow: ProcessFlow, task: TaskFlow, outcome: "Outcome") -> None:
    """The task is done, unless its answer says that a person has to judge."""
    if isinstance(outcome, ForAPerson):
        hold(session, flow, task, {"field": outcome.field, "why": outcome.why, "code": outcome.code})
    elif isinstance(outcome, Later):
        hold(session, flow, task, fault_of(TypeError(f"{task.handler} is no wait and answers later")))
    else:
        complete(task, outcome)


def complete(task: TaskFlow, outcome: Json) -> None:
    move(task, TaskState.COMPLETED)
    task.result, task.fault = outcome, None
    task.finished_at = now()
    task.wake_at = task.lease_until = task.expected_at = None


def hold(session: Session, flow: ProcessFlow, task: TaskFlow, fault: dict[str, Any]) -> None:
    """The task waits for a person; the rest of the plan goes on as far as it can without it."""
    task.fault = fault
    task.owner = task.owner or NOC
    task.wake_at = task.lease_until = None
    log.warning("held for a person", task=task.task_flow_specification, owner=task.owner, why=fault["why"])
    move(task, TaskState.HOLD)
    announce(session, FlowNeedsPerson(flow, task))


def hold_undo(session: Session, flow: ProcessFlow, task: TaskFlow) -> None:
    """The undo waits for a person; what comes before it in the plan stays until it is done."""
    task.undo_state = UndoState.HOLD
    task.owner = task.owner or NOC
    announce(session, FlowNeedsPerson(flow, task))


def past_no_return(tasks: list[TaskFlow]) -> bool:
    """Whether the customer has what the order was for: from then on it is not undone."""
    return any(task.no_return and task.state is TaskState.COMPLETED for task in tasks)


def turn_round(flow: ProcessFlow, task: TaskFlow | None, cause: dict[str, Any]) -> None:
    """From here on the flow is undone. The first cause stays the cause."""
    if task is not None:
        task.fault = cause
        cause = cause | {"task": task.task_flow_specification}
        if task.kind is not TaskKind.OUTSIDE or task.attempts == 0:
            move(task, TaskState.CANCELLED)
    if flow.state is FlowState.ACTIVE:
        move(flow, FlowState.HOLD)
        flow.cause = cause


def back_off(attempts: int) -> timedelta:
    return timedelta(seconds=min(FIRST_RETRY_S * 2.0 ** min(attempts - 1, 10), LONGEST_RETRY_S))
