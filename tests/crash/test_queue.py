"""The queue: what a dead worker held is asked for again, whatever else waits."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.orchestration.queue import enqueue, enqueue_all, take_over

DEAD_AFTER = timedelta(seconds=5)
A_WORKER = text(
    "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - CAST(:age AS interval)) RETURNING id"
)
TAKE = text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker WHERE status = 'todo'")
JOBS = text("SELECT status, args ->> 'flow_id' FROM procrastinate_jobs ORDER BY 1, 2")


def taken_by_a_worker(session: Session, heartbeat_age_s: float) -> None:
    """A worker that was last heard of so long ago has taken what was to be done."""
    connection = session.connection()
    worker = connection.execute(A_WORKER, {"age": timedelta(seconds=heartbeat_age_s)}).scalar_one()
    connection.execute(TAKE, {"worker": worker})


def jobs(session: Session) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in session.connection().execute(JOBS)]


def test_what_a_dead_worker_held_is_asked_for_again(database: Database) -> None:
    flow = new_id()
    with database.as_worker() as session:
        enqueue(session, flow)
        taken_by_a_worker(session, heartbeat_age_s=60)
        assert take_over(session, DEAD_AFTER) == [flow]
        assert jobs(session) == [("todo", flow)]


def test_a_lost_job_does_not_stand_in_the_way_of_one_that_waits(database: Database) -> None:
    flow = new_id()
    with database.as_worker() as session:
        enqueue(session, flow)
        taken_by_a_worker(session, heartbeat_age_s=60)
        enqueue(session, flow)
        assert take_over(session, DEAD_AFTER) == [flow]
        assert jobs(session) == [("todo", flow)]


def test_what_a_worker_does_that_lives_is_left_to_it(database: Database) -> None:
    flow = new_id()
    with database.as_worker() as session:
        enqueue(session, flow)
        taken_by_a_worker(session, heartbeat_age_s=1)
        assert take_over(session, DEAD_AFTER) == []
        assert jobs(session) == [("doing", flow)]


def test_asking_for_many_at_once_asks_for_each_once_whoever_asks_for_one_of_them_just_then(database: Database) -> None:
    flows = sorted(new_id() for _ in range(3))

    def ask_for_all() -> None:
        with database.as_worker() as session:
            enqueue_all(session, flows)

    with ThreadPoolExecutor(1) as another:
        with database.as_worker() as session:
            enqueue(session, flows[1])
            asked = another.submit(ask_for_all)
            time.sleep(0.5)  # it stands at the job that is not committed
            assert not asked.done()
        asked.result()
    ask_for_all()
    with database.as_worker() as session:
        assert jobs(session) == [("todo", flow) for flow in flows]
