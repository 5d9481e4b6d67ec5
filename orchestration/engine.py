"""The engine: carries a plan forward, or back.

One wave at a time: all ready tasks that only touch the database run in one transaction and are marked done in it. When
one of them is refused, the wave is repeated with each in a savepoint, so that only the refused one is rolled back. A
task with an outside effect commits its intent, calls, and commits the result; after a crash the call is repeated with
the same idempotency key. A refusal, a missed deadline or a cancellation turns the flow round: what was begun is undone,
last first. Anything else that is raised is a bug: the task is held for a person.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy.exc import OperationalError, StatementError
from sqlmodel import Session
from structlog.contextvars import bound_contextvars

from satcom.core import metrics
from satcom.core.clock import now, wall_now
from satcom.core.database import Database, find_for_update
from satcom.core.errors import Refused
from satcom.core.events import announce
from satcom.core.life_cycle import move
from satcom.core.traces import failed, of_flow, span
from satcom.orchestration.flow_event import FlowAdvanced
from satcom.orchestration.outcome import fault_of, timed
from satcom.orchestration.plan import (
    FlowState,
    Later,
    ProcessFlow,
    TaskFlow,
    TaskState,
    UndoState,
    handler_called,
    lock_unchanged,
    tasks_of,
)
from satcom.orchestration.schedule import expected_finish
from satcom.orchestration.standing import Outcome, give_up, hold, hold_undo, settle
from satcom.orchestration.wave import Errand, Observer, Phase, TaskRaised, Wave
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, HubDriver, PortTaken

LEASE: Final = timedelta(seconds=60)
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 60.0
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
            more, errands = self._waves(flow_id)
            if len(errands) == 1:
                self._run(flow_id, errands[0])
            elif errands:
                with ThreadPoolExecutor(len(errands)) as pool:
                    list(pool.map(lambda errand: self._run(flow_id, errand), errands))
            if not more and not errands:
                return

    def _waves(self, flow_id: str) -> tuple[bool, list[Errand]]:
        """Whether another wave may find something to do, and the outside calls that are now intended.

        One wave after the other until there are such calls. Savepoints cost two statements and a flush for each task
        and are seldom needed, so the first attempt at a wave makes none.
        """
        try:
            return self._in_turn(flow_id)
        except OperationalError:
            raise  # the database is lost or in the way
        except (TaskRaised, StatementError):
            with self.database.as_worker() as session:
                return self._carried(self._read(session, flow_id, apart=True))

    def _in_turn(self, flow_id: str) -> tuple[bool, list[Errand]]:
        """Each wave its transaction, on one connection; the plan is read again only where somebody else changed it."""
        with self.database.as_worker_in_turn() as turn:
            with turn() as session:
                wave = self._read(session, flow_id, apart=False)
                more, errands = self._carried(wave)
            while more and not errands:
                with turn(wave.flow, *wave.tasks) as session:
                    if lock_unchanged(session, wave.flow, wave.tasks):
                        wave = Wave(session, wave.flow, wave.tasks, self.observe, self.lease, apart=False)
                    else:
                        wave = self._read(session, flow_id, apart=False)
                    more, errands = self._carried(wave)
            return more, errands

    def _read(self, session: Session, flow_id: str, apart: bool) -> Wave:
        flow = find_for_update(session, ProcessFlow, flow_id)
        return Wave(session, flow, tasks_of(session, flow), self.observe, self.lease, apart)

    def _carried(self, wave: Wave) -> tuple[bool, list[Errand]]:
        """Forward or back."""
        flow = wave.flow
        wave.session.info |= {"by": f"flow {flow.reference}", "order_reference": flow.reference}
        with bound_contextvars(order=flow.reference), span("advance", parent=of_flow(flow.id)):
            if flow.state is FlowState.ACTIVE:
                wave.forward()
            elif flow.state is FlowState.HOLD:
                wave.backward()
        return wave.moved and not wave.exhausted, wave.errands

    def _run(self, flow_id: str, errand: Errand) -> None:
        """Make one outside call and commit what came of it."""
        with bound_contextvars(order=errand.order):
            with span(_name_of(errand), SpanKind.CLIENT, of_flow(flow_id), attempt=errand.task.attempts) as call:
                outcome, error = self._call(errand)
                if error is not None:
                    failed(call, f"{type(error).__name__}: {error}")
            self._keep(flow_id, errand, outcome, error)

    def _call(self, errand: Errand) -> tuple[Outcome, Exception | None]:
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
        if not isinstance(outcome, Later):  # a wait that goes on is no news
            timed(task, began, error, errand.undo)
        self.observe(task, "result")
        return outcome, error

    def _keep(self, flow_id: str, errand: Errand, outcome: Outcome, error: Exception | None) -> None:
        """Commit what came of an outside call."""
        task = errand.task
        with self.database.as_worker() as session:
            flow = find_for_update(session, ProcessFlow, flow_id)
            session.info |= {"by": f"flow {flow.reference}", "order_reference": flow.reference}
            current = find_for_update(session, TaskFlow, task.id)
            if (current.attempts, current.round) != (task.attempts, task.round):
                return  # another attempt has taken over; its result counts
            current.lease_until = current.wake_at = None
            if errand.undo:
                self._undone(session, flow, current, error)
            elif isinstance(outcome, Later):
                self._wait(session, flow, current, outcome)
            elif error is None:
                settle(session, flow, current, outcome)
            else:
                self._failed(session, flow, current, error)

    def _wait(self, session: Session, flow: ProcessFlow, task: TaskFlow, answer: Later) -> None:
        """What the outside was asked for has not come: it is asked again, less and less often."""
        expected = answer.at if answer.at is not None and answer.at > now() else None
        task.wake_at = wall_now() + back_off(task.attempts)
        task.due_at = answer.at or task.due_at or (task.started_at or now()) + timedelta(seconds=task.expected_s)
        task.deadline = task.deadline or answer.deadline
        if task.expected_at != expected:
            task.expected_at = expected
            flow.expected_finish = expected_finish(tasks_of(session, flow))
            announce(session, FlowAdvanced(flow))

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
            case PortTaken():  # before the refusals that undo an order
                hold(session, flow, task, task.fault)
            case DriverRefused() | Refused():
                give_up(session, flow, tasks_of(session, flow), task, task.fault)
            case _:
                hold(session, flow, task, task.fault)


def _name_of(errand: Errand) -> str:
    return f"{'undo' if errand.undo else 'task'} {errand.task.task_flow_specification}"


def back_off(attempts: int) -> timedelta:
    return timedelta(seconds=min(FIRST_RETRY_S * 2.0 ** min(attempts - 1, 10), LONGEST_RETRY_S))
