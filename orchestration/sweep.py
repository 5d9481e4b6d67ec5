"""The sweep: wakes what is due.

Retries and leases by the wall clock, deadlines by the business clock. Each is one index scan, however many orders wait.
"""

from sqlalchemy import or_, text
from sqlmodel import Session, col, select

from satcom.core.clock import now, wall_now
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskState
from satcom.orchestration.queue import enqueue
from satcom.resource.reservation import expire_due

AT_ONCE = 500


def wake_due(session: Session) -> int:
    """Enqueue every open flow with a task that is due; how many. Ends the reservations that ran out.

    One host sweeps at a time, others find nothing.
    """
    alone = session.connection().execute(text("SELECT pg_try_advisory_xact_lock(hashtextextended('sweep', 0))"))
    if not alone.scalar_one():
        return 0
    expire_due(session)
    late = col(TaskFlow.state).in_([TaskState.ACTIVE, TaskState.NEW]) & (col(TaskFlow.deadline) <= now())
    expected = (col(TaskFlow.state) == TaskState.ACTIVE) & (col(TaskFlow.expected_at) <= now())
    flows = (
        select(TaskFlow.process_flow_id)
        .join(ProcessFlow, col(ProcessFlow.id) == col(TaskFlow.process_flow_id))
        .where(col(ProcessFlow.state).in_([FlowState.ACTIVE, FlowState.HOLD]))
        .where(or_(col(TaskFlow.wake_at) <= wall_now(), late, expected))
        .distinct()
        .order_by(col(TaskFlow.process_flow_id))
        .limit(AT_ONCE)
    )
    found = list(session.exec(flows))
    for flow_id in found:
        enqueue(session, flow_id)
    return len(found)
