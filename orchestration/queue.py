"""The queue: rows of the library procrastinate in our own database, one job for one wake-up of one flow.

A job says "advance this flow" and no more: the plan rows are the truth. A job lost with its worker costs a moment,
until the sweep finds that the worker's heartbeat has stopped; a job too many finds nothing to do. Exports and imports
of a catalogue are asked for in the same way.
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

QUEUE, TASK, EXCHANGE = "flows", "advance", "exchange"

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(array_agg(ROW(:queue, :task, 0, NULL, wanted.once, wanted.args, NULL)"
    "::procrastinate_job_to_defer_v1)) FROM unnest(CAST(:once AS text[]), CAST(:args AS jsonb[])) wanted (once, args)"
    " WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = wanted.once AND status = 'todo')"
    " HAVING count(*) > 0"
)

# A job of a worker that was pruned has no worker. A heartbeat from the future was before the clock was set back.
_DROP_LOST = text(
    "DELETE FROM procrastinate_jobs job WHERE job.queue_name = :queue AND job.status = 'doing' AND NOT EXISTS ("
    "SELECT 1 FROM procrastinate_workers worker WHERE worker.id = job.worker_id"
    " AND abs(extract(epoch FROM now() - worker.last_heartbeat)) < extract(epoch FROM CAST(:dead_after AS interval)))"
    " RETURNING job.task_name, job.args"
)

# A job that broke is tried again after a second; nor does that wait for a clock that was set back.
_DO_NOW = text(
    "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE queue_name = :queue AND status = 'todo'"
    " AND scheduled_at > now() + CAST(:dead_after AS interval)"
)

_IN_WORK = text(
    "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE queue_name = :queue AND status = 'doing'"
    " AND args ->> 'flow_id' = :flow)"
)


def enqueue(session: Session, flow_id: str, because: str | None = None) -> None:
    """Ask for the flow to be advanced, in the caller's transaction. Asking twice before it happens is asking once.

    The caller holds the flow's row lock or has just made the flow, so a job that runs later sees what the caller did.
    A caller that holds no lock names a cause of its own: its job is seen when the caller's work is.
    """
    _defer(session, TASK, {f"{TASK}:{flow_id}" + (f":{because}" if because else ""): {"flow_id": flow_id}})


def enqueue_all(session: Session, flow_ids: Sequence[str]) -> None:
    """As `enqueue` of each, in one statement."""
    if not _defer(session, TASK, {f"{TASK}:{flow_id}": {"flow_id": flow_id} for flow_id in flow_ids}):
        for flow_id in flow_ids:
            enqueue(session, flow_id)


def enqueue_exchange(session: Session, kind: str, job_id: str) -> None:
    """Ask for the job of a catalogue to be carried out, in the caller's transaction."""
    _defer(session, EXCHANGE, {f"{EXCHANGE}:{job_id}": {"kind": kind, "job_id": job_id}})


def _defer(session: Session, task: str, wanted: dict[str, dict[str, str]]) -> bool:
    """False when somebody asks for one of them at the same time: his job has not begun, and will see our change."""
    if not wanted:
        return True
    args = [json.dumps(one) for one in wanted.values()]
    given = {"queue": QUEUE, "task": task, "once": list(wanted), "args": args}
    try:
        with session.begin_nested():
            session.connection().execute(_DEFER, given)
    except IntegrityError:
        return False
    return True


def take_over(session: Session, dead_after: timedelta) -> list[str]:
    """Ask again for what was lost with its worker; the ids of the flows.

    The lost job is not put back: another one for its flow may wait already, and two may not wait at once.
    """
    session.connection().execute(_DO_NOW, {"queue": QUEUE, "dead_after": dead_after})
    lost = session.connection().execute(_DROP_LOST, {"queue": QUEUE, "dead_after": dead_after}).all()
    for task, args in lost:
        if task == EXCHANGE:
            enqueue_exchange(session, args["kind"], args["job_id"])
    flows = sorted({args["flow_id"] for task, args in lost if task == TASK})
    enqueue_all(session, flows)
    return flows


def in_work(session: Session, flow_id: str) -> bool:
    """Whether a worker has a job of the flow. Whoever holds the flow's row lock learns it for as long as that lasts."""
    return bool(session.connection().execute(_IN_WORK, {"queue": QUEUE, "flow": flow_id}).scalar_one())
