"""The log of one order: whoever searches for its reference finds what every layer did for it."""

import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.wave import Phase
from tests.market.a_market import a_token, an_order_body
from tests.orchestration.operations.an_order_to_service import an_operation

LAYERS = ("satcom.market", "satcom.service", "satcom.resource", "satcom.resource.drivers", "satcom.orchestration")


def lines_of(caplog: pytest.LogCaptureFixture, reference: str) -> list[dict[str, Any]]:
    """The lines that carry the reference."""
    ours = [dict(record.msg) for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in ours if line.get("order") == reference]


def test_the_reference_of_an_order_is_in_the_lines_of_every_layer(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "satcom")
    with an_operation(database, tmp_path) as operation, TestClient(create_app(database)) as http:
        body = an_order_body(operation.market)
        placed = http.post(
            "/tmf-api/productOrderingManagement/v4/productOrder", json=body, headers=a_token(database, "sales")
        ).json()
        operation.order()
        _, tasks = operation.advance(placed["id"])
    lines = lines_of(caplog, placed["reference"])
    for layer in LAYERS:
        assert [line for line in lines if line["logger"].startswith(layer)], f"no line from {layer}"
    created = next(line for line in lines if line["event"] == "productOrderCreateEvent")
    assert created["request"] == "POST /tmf-api/productOrderingManagement/v4/productOrder"
    done = [line for line in lines if line["event"] == "task"]
    assert sorted(line["task"] for line in done) == sorted(tasks), "one line for each task"
    assert {line["outcome"] for line in done} == {"done"}
    assert all(line["seconds"] >= 0 for line in done)
    asked = [line for line in lines if line["event"] == "hub answered"]
    assert [line["method"] for line in asked] == ["PUT", "PUT", "PUT", "PUT", "POST"]
    assert all(line["tries"] == 1 for line in asked)


def test_a_task_that_breaks_and_one_that_is_undone_say_so_under_the_reference(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("prepare_activation", "call"):
            raise ZeroDivisionError("a bug")

    caplog.set_level(logging.INFO, "satcom")
    with an_operation(database, tmp_path) as operation, TestClient(create_app(database)) as http:
        order_id = operation.order()
        flow, _ = operation.advance(order_id, break_down)
        cancel = {"productOrder": {"id": order_id}}
        cancellations = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
        assert http.post(cancellations, json=cancel, headers=a_token(database, "sales")).status_code == 201
        operation.advance(order_id)
    lines = lines_of(caplog, flow.reference)
    (broke,) = [line for line in lines if line.get("outcome") == "bug"]
    assert (broke["task"], broke["why"]) == ("prepare_activation", "ZeroDivisionError: a bug")
    assert [line["owner"] for line in lines if line["event"] == "held for a person"] == ["noc"]
    undone = [line["task"] for line in lines if line.get("outcome") == "undone"]
    assert undone[-1] == "reserve_all_or_none"
    assert "design_the_service" in undone
