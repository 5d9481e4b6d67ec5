"""The sweep: wakes what is due, and takes up what a dead worker held.

Retries and leases by the wall clock, deadlines by the business clock. Each is one index scan, however many orders wait.
What was written before the wall clock was set back is due at once: `core.clock.has_come`.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, TypeVar

import structlog
from sqlalchemy import or_, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session, col, select

from satcom.core import metrics
from satcom.core.clock import now, wall_now
from satcom.core.entity import Entity
from satcom.orchestration.plan import LONGEST_REST, FlowState, ProcessFlow, TaskFlow, TaskState, UndoState, tasks_of
from satcom.orchestration.queue import enqueue_all, in_work, take_over
from satcom.resource.reservation import expire_due

AT_ONCE = 500
DATABASE_AWAY: Final = (OperationalError, InterfaceError)
E = TypeVar("E", bound=Entity)
log = structlog.get_logger()


def each_alone(
    session: Session, found: Iterable[E], do: Callable[[Session, E], None], put_off: Callable[[Session, E], None]
) -> None:
    """`do` each in a savepoint of its own. What fails is told, counted and `put_off`, and holds up no other."""
    failures = metrics.sweep_failures.labels(do.__name__)  # named before the first, so that its rise is seen
    for one in found:
        try:
            with session.begin_nested():
                do(session, one)
                session.flush()
        except DATABASE_AWAY:
            raise  # nothing is wrong with what was looked at
        except Exception:
            log.exception("the sweep could not do it", task=do.__name__, about=one.id)
            failures.inc()
            put_off(session, one)


def wake_due(session: Session) -> int:
    """Enqueue every open flow with a task that is due; how many. Ends the reservations that ran out.

    One host sweeps at a time, others find nothing.
    """
    alone = session.connection().execute(text("SELECT pg_try_advisory_xact_lock(hashtextextended('sweep', 0))"))
    if not alone.scalar_one():
        return 0
    expire_due(session)
    set_back = col(TaskFlow.wake_at) > wall_now() + LONGEST_REST
    late = col(TaskFlow.state).in_([TaskState.ACTIVE, TaskState.NEW]) & (col(TaskFlow.deadline) <= now())
    expected = (col(TaskFlow.state) == TaskState.ACTIVE) & (col(TaskFlow.expected_at) <= now())
    flows = (
        select(TaskFlow.process_flow_id)
        .join(ProcessFlow, col(ProcessFlow.id) == col(TaskFlow.process_flow_id))
        .where(col(ProcessFlow.state).in_([FlowState.ACTIVE, FlowState.HOLD]))
        .where(or_(col(TaskFlow.wake_at) <= wall_now(), set_back, late, expected))
        .distinct()
        .order_by(col(TaskFlow.process_flow_id))
        .limit(AT_ONCE)
    )
    found = list(session.exec(flows))
    enqueue_all(session, found)
    return len(found)


def take_up_lost(session: Session, dead_after: timedelta) -> list[str]:
    """Ask again for the flows of workers that died, and for their outside calls at once; the ids of the flows."""
    flows = take_over(session, dead_after)
    for flow_id in flows:
        flow = session.get(ProcessFlow, flow_id, with_for_update=True)
        if flow is not None and not in_work(session, flow_id):
            session.info |= {"order_reference": flow.reference}
            _end_leases(session, flow)
    return flows


def _end_leases(session: Session, flow: ProcessFlow) -> None:
    """Let the calls of a dead worker be repeated, under their keys: what it may still do then counts for nothing.

    A call of a flow that is being undone keeps its lease, in case the worker was only slow: its undo comes after it.
    """
    for task in tasks_of(session, flow):
        repeatable = flow.state is FlowState.ACTIVE or task.undo_state is UndoState.ACTIVE
        if repeatable and task.lease_until is not None and task.lease_until > wall_now():
            task.lease_until = task.wake_at = wall_now()
