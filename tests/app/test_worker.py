"""The worker's sweep: a fault in it is told and outlived, a database that is away is not."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session
from structlog.testing import capture_logs

from satcom.app import worker
from satcom.app.worker import Worker
from satcom.core import metrics
from satcom.core.database import Database
from satcom.orchestration.engine import Engine
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
