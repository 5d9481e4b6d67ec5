"""A job of a catalogue whose worker died is asked for again."""

from sqlalchemy import text

from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.orchestration.queue import EXCHANGE, enqueue_exchange, take_over
from tests.crash.test_queue import DEAD_AFTER, taken_by_a_worker

ASKED = text("SELECT status, args FROM procrastinate_jobs WHERE task_name = :task")


def test_a_catalogue_job_of_a_dead_worker_is_taken_over_with_all_that_it_says(database: Database) -> None:
    said = {"kind": "ProductExportJob", "job_id": new_id()}
    with database.as_worker() as session:
        enqueue_exchange(session, **said)
        enqueue_exchange(session, **said)
        taken_by_a_worker(session, heartbeat_age_s=60)
        assert take_over(session, DEAD_AFTER) == []
        assert session.connection().execute(ASKED, {"task": EXCHANGE}).all() == [("todo", said)]
