"""What happened to an order: one question tells it, whoever did it and in whichever process."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.core.history import PATH
from tests.app.the_command_line import CommandLine, a_served_operation, token_of
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation

Desk = tuple[CommandLine, Operation, str]


@pytest.fixture
def desk(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """A terminal before a running system, and an order that is delivered."""
    with a_served_operation(database, tmp_path, 3) as (operation, url):
        line = CommandLine(monkeypatch, capsys)
        line.set(SATCOM_URL=url, SATCOM_TOKEN=token_of(database, "noc", None), COLUMNS="120")
        order_id = operation.order()
        assert line("order", "watch", order_id).status == 0
        yield line, operation, order_id


def test_one_reference_finds_everything_that_happened_to_an_order(desk: Desk) -> None:
    satcom, _, order_id = desk
    told = satcom("order", "history", order_id)
    assert told.status == 0, told.err
    assert "smaller changes are left out" in told.out
    everything = json.loads(satcom("order", "history", order_id, "--json").out)
    assert len({one["orderReference"] for one in everything}) == 1
    happened = {"ServiceOrder", "ResourceOrder", "SpectrumAssignment", "Terminal", "Service", "CustomerBill", "Product"}
    assert happened < {one["entityType"] for one in everything}
    makers = {one["by"].split()[0] for one in everything}
    assert {"flow"} < makers  # the flow, and whoever placed the order
    assert "measure_link" in satcom("order", "history", order_id, "--all").out


def test_the_history_of_one_object_is_told_by_its_id(desk: Desk, database: Database) -> None:
    _, _, order_id = desk
    api = TestClient(create_app(database), headers=a_token(database, "noc"))
    changes = api.get(PATH, params={"entityId": order_id}).json()
    assert [one["state"] for one in changes if "state" in one] == ["acknowledged", "inProgress", "completed"]
    assert [one["version"] for one in changes] == list(range(1, len(changes) + 1))
    page = api.get(PATH, params={"entityId": order_id, "offset": 1, "limit": 1})
    assert page.json() == changes[1:2]
    assert page.headers["X-Total-Count"] == str(len(changes))


@pytest.mark.parametrize(
    ("query", "field"),
    [({}, "orderReference"), ({"entityId": "x"}, "entityId"), ({"orderReference": "x", "limit": 0}, "limit")],
)
def test_a_question_about_nothing_is_refused(database: Database, query: dict[str, str], field: str) -> None:
    api = TestClient(create_app(database), headers=a_token(database, "noc"))
    answer = api.get(PATH, params=query)
    assert answer.status_code in (400, 422)
    assert field in answer.text


def test_an_order_that_nobody_knows_has_no_history(database: Database) -> None:
    api = TestClient(create_app(database), headers=a_token(database, "noc"))
    assert api.get(PATH, params={"orderReference": "PO-1999-000001"}).json() == []


def test_who_may_not_see_changes_does_not_read_the_change_log(database: Database) -> None:
    api = TestClient(create_app(database), headers=a_token(database, "sales"))
    assert api.get(PATH, params={"orderReference": "PO-2026-000001"}).status_code == 403
