"""Events outlive the processes that deliver them: none is lost or told out of order, however often these die."""

import asyncio
import os
import time
from pathlib import Path

from satcom.app import declarations
from satcom.core.database import Database
from satcom.core.event_delivery import EventDelivery
from tests.core.a_listener import a_listener, networks, renamed
from tests.core.an_inbox import Inbox, an_inbox
from tests.enterprise.an_operator import an_organization
from tests.prepared_process import PreparedProcess

OBJECTS, CHANGES, KILLS, WORKERS = 8, 40, 6, 2


def deliver() -> None:
    """What a worker does, of all of it the delivery of events alone."""
    assert declarations.ROUTES
    asyncio.run(EventDelivery(Database(os.environ["SATCOM_DATABASE_URL"], 4), 2).run())


def answered_slowly(_: object) -> int:
    time.sleep(0.01)
    return 204


def a_worker(database: Database, log: Path) -> PreparedProcess:
    chosen = {"SATCOM_DATABASE_URL": database.url, "SATCOM_EVENT_NETWORKS": "127.0.0.0/8"}
    return PreparedProcess(deliver, ["deliver"], os.environ | chosen, log)


def test_killed_workers_lose_no_event_and_leave_none_out_of_order(database: Database, tmp_path: Path) -> None:
    log, slowly = tmp_path / "workers.log", Inbox(answers=answered_slowly)
    with networks("127.0.0.0/8"), an_inbox(slowly) as inbox:
        a_listener(database, inbox.url)
        with database.as_worker() as session:
            ids = [an_organization(session, "0").id for _ in range(OBJECTS)]
        for number in range(1, CHANGES + 1):
            with database.as_worker() as session:
                for identifier in ids:
                    renamed(session, identifier, f"{number}")
        workers = [a_worker(database, log) for _ in range(WORKERS)]
        try:
            for kill in range(KILLS):
                inbox.wait_for((kill + 1) * OBJECTS * CHANGES // (KILLS + 2), within_s=60)
                workers[kill % WORKERS].kill()
                workers[kill % WORKERS].wait()
                workers[kill % WORKERS] = a_worker(database, log)
            whole = OBJECTS * (CHANGES + 1)
            until = time.monotonic() + 60
            while len({one["eventId"] for one in inbox.events}) < whole:
                assert time.monotonic() < until, f"{len(inbox.events)} of {whole}"
                time.sleep(0.05)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    for identifier in ids:
        first_told: dict[str, int] = {}
        for event in inbox.about(identifier):
            first_told.setdefault(event["eventId"], int(event["event"]["organization"]["tradingName"]))
        assert list(first_told.values()) == list(range(CHANGES + 1))
    again = len(inbox.events) - whole
    assert again <= KILLS * 500, "at most a batch for each kill"
