"""Serving: when the workers break, nothing is served any more, and whoever started it is told in a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from rich.console import Console

from satcom.app.demonstration import free_port, served
from satcom.app.serving import WorkersBroke
from satcom.app.worker import Worker
from satcom.core.database import Database
from satcom.core.settings import settings
from satcom.resource.drivers.hub_nms import HubNmsDriver
from tests.app.the_command_line import CommandLine
from tests.orchestration.operations.an_order_to_service import an_operation
from tests.postgres_server import drop_database, new_database
from tests.simulators.hub_nms_process import hub_nms_process

LINE: Final = "The workers broke and the server has stopped: ZeroDivisionError: a bug in the worker"


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    made = new_database(postgres)
    yield made
    settings.cache_clear()
    drop_database(made)


async def _broken(_: Worker) -> None:
    raise ZeroDivisionError("a bug in the worker")


def test_a_server_whose_workers_break_ends_with_a_line_and_a_status(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    satcom = CommandLine(monkeypatch, capsys)
    monkeypatch.setattr(Worker, "_sweep", _broken)
    with hub_nms_process(tmp_path, {}) as hub:
        satcom.set(SATCOM_DATABASE_URL=url, SATCOM_PORT="0", SATCOM_HUB_NMS_URL=hub.url, SATCOM_HUB_NMS_TOKEN=hub.token)
        settings.cache_clear()
        said = satcom("serve")
    assert (said.status, said.err.strip().splitlines()[-1]) == (1, LINE), said.err


def test_a_demonstration_whose_workers_break_ends_whatever_else_goes_wrong(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "_sweep", _broken)
    port = free_port("127.0.0.1", 18000, Console(quiet=True))

    def look_while_it_breaks(driver: HubNmsDriver) -> None:
        with served(database, driver, port) as server:
            server.join(30)
            assert not server.is_alive(), "it serves on, and nobody delivers"
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)

    with an_operation(database, tmp_path) as operation, pytest.raises(WorkersBroke, match=LINE):
        look_while_it_breaks(operation.driver)


def test_a_server_on_any_free_port_is_asked_where_it_serves(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    satcom = CommandLine(monkeypatch, capsys)
    satcom.set(SATCOM_DATABASE_URL=url, SATCOM_PORT="0")
    settings.cache_clear()
    assert satcom("serve", "--exit").status == 0
