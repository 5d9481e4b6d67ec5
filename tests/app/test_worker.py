"""The worker: a fault in its sweep is told and outlived, a database that is away is not; no job of it stays behind."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from structlog.testing import capture_logs

from satcom.app import worker
from satcom.app.worker import Worker
from satcom.core import metrics
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.orchestration.engine import Engine
from satcom.orchestration.queue import enqueue, take_over
from satcom.resource.drivers.port import HubDriver


class Troubled(Worker):
    """Its first sweep breaks; those after it are real, and the third is the last."""

    def __init__(self, database: Database, trouble: Exception) -> None:
        super().__init__(database, Engine(database, cast(HubDriver, None)), 1)
        self.trouble, self.begun, self.ended = trouble, 0, 0

    def _take_up_lost(self) -> None:
        self.begun += 1
        if self.begun == 1:
            raise self.trouble
        super()._take_up_lost()
        self.ended += 1


async def swept(troubled: Troubled) -> None:
    sweeping = asyncio.create_task(troubled._sweep())
    while troubled.ended < 2 and not sweeping.done():
        await asyncio.sleep(0.01)
    sweeping.cancel()
    await sweeping


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SWEEP_EVERY_S", 0.01)


def test_a_sweep_that_breaks_is_logged_with_its_cause_and_the_next_one_is_done(database: Database) -> None:
    troubled = Troubled(database, ZeroDivisionError("a bug"))
    with capture_logs() as told, pytest.raises(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(swept(troubled), 30))
    broke = [one for one in told if one["event"] == "the sweep broke; it goes on"]
    assert [(one["log_level"], bool(one["exc_info"])) for one in broke] == [("error", True)]
    assert (troubled.begun >= 3, troubled.ended >= 2) == (True, True)


def test_a_sweep_without_its_database_ends_so_that_the_worker_begins_again(database: Database) -> None:
    troubled = Troubled(database, OperationalError("SELECT 1", {}, ConnectionResetError()))
    with pytest.raises(OperationalError):
        asyncio.run(asyncio.wait_for(swept(troubled), 30))
    assert troubled.begun == 1


def test_a_step_of_the_sweep_that_breaks_is_counted_and_holds_up_none_of_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def renewed(session: Session) -> int:
        done.append("renewed")
        return 0

    def billed(session: Session) -> bool:
        done.append("billed")
        raise ZeroDivisionError("another bug")

    def broken(session: Session) -> int:
        raise ZeroDivisionError("a bug")

    def taken_up(session: Session, dead_after: timedelta) -> list[str]:
        done.append("taken up")
        return []

    steps = {"extend_holds": broken, "renew_terms": renewed, "bill_next": billed, "take_up_lost": taken_up}
    for name, step in steps.items():
        monkeypatch.setattr(worker, name, step)
    before = metrics.sweep_failures.labels("broken")._value.get()
    with capture_logs() as told:
        Worker(database, Engine(database, cast(HubDriver, None)), 1)._wake()
    assert done == ["renewed", "billed", "taken up"]
    broke = [one["task"] for one in told if one["event"] == "the sweep broke; it goes on"]
    assert broke == ["broken", "billed"]
    assert metrics.sweep_failures.labels("broken")._value.get() == before + 1


class Scripted(Engine):
    """Does this the first time that it is to advance the flow, and nothing after that."""

    def __init__(self, database: Database, first: Callable[[], None]) -> None:
        super().__init__(database, cast(HubDriver, None))
        self.first, self.advanced = first, 0

    def advance(self, flow_id: str) -> None:
        self.advanced += 1
        if self.advanced == 1:
            self.first()


async def worked(database: Database, engine: Scripted) -> list[dict[str, Any]]:
    """A worker works until the flow was advanced twice and no job is left; what no task of it could handle."""
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    working = asyncio.create_task(Worker(database, engine, 1).run())
    while engine.advanced < 2 or jobs_in(database):
        await asyncio.sleep(0.02)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    gc.collect()
    return unhandled


def jobs_in(database: Database) -> int:
    with database.as_worker() as session:
        return int(session.connection().execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one())


def asked_for(database: Database, flow_id: str) -> None:
    with database.as_worker() as session:
        enqueue(session, flow_id)


def test_a_worker_that_was_slow_ends_a_job_that_another_was_given_without_a_fault(database: Database) -> None:
    flow_id = new_id()

    def missed_meanwhile() -> None:
        with database.as_worker() as session:
            assert take_over(session, timedelta(0)) == [flow_id]

    asked_for(database, flow_id)
    engine = Scripted(database, missed_meanwhile)
    with capture_logs() as told:
        unhandled = asyncio.run(asyncio.wait_for(worked(database, engine), 60))
    assert (unhandled, engine.advanced) == ([], 2)
    assert [one["event"] for one in told] == ["a worker was slow: its job was given to another"]


@pytest.mark.parametrize("missed", [False, True])
def test_a_job_that_breaks_leaves_its_flow_to_the_one_that_waits_already(database: Database, missed: bool) -> None:
    flow_id = new_id()

    def asked_again_and_broken() -> None:
        asked_for(database, flow_id)
        if missed:
            with database.as_worker() as session:
                take_over(session, timedelta(0))
        raise ZeroDivisionError("a bug")

    asked_for(database, flow_id)
    engine = Scripted(database, asked_again_and_broken)
    unhandled = asyncio.run(asyncio.wait_for(worked(database, engine), 60))
    assert (unhandled, engine.advanced) == ([], 2)
