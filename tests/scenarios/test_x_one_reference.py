"""X: one reference finds all that happened to an order, in history, logs and traces of every process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.orchestration.operations.test_traces import a_collector, attributes
from tests.scenarios.a_running_operator import (
    FLOWS,
    ORDERS,
    TMF,
    Body,
    LoadedOperator,
    RunningOperator,
    a_running_operator,
    satcom,
)

CANCELS = f"{TMF}/productOrderingManagement/v4/cancelProductOrder"
CHANGES = "/satcom-api/audit/v1/change"
POSTED, CANCELLED = f"POST {ORDERS}", f"POST {CANCELS}"


@dataclass(frozen=True)
class Traced:
    """An operator whose server delivers nothing and whose worker answers nobody, and what both told the collector."""

    operator: RunningOperator
    came: list[Any]

    def spans(self, reference: str) -> dict[str, list[Any]]:
        """Those that carry the reference, by the process that sent them."""
        found: dict[str, list[Any]] = {}
        for request in list(self.came):
            for one in request.resource_spans:
                names = {told.key: told.value.string_value for told in one.resource.attributes}
                spans = [span for scope in one.scope_spans for span in scope.spans]
                about = [span for span in spans if attributes(span).get("satcom.order") == reference]
                found.setdefault(names["service.name"], []).extend(about)
        return found


@pytest.fixture(scope="module")
def traced(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with a_collector() as (address, came), pytest.MonkeyPatch.context() as patched:
        patched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        patched.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        patched.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        with a_running_operator(loaded, tmp_path_factory.mktemp("traced")) as operator:
            operator.kill_server()
            operator.start_server(workers=0)
            with operator.a_worker():
                yield Traced(operator, came)


@pytest.fixture
def operator(traced: Traced) -> RunningOperator:
    return traced.operator


def lines(file: Path, reference: str) -> list[Body]:
    """What the log of a process says of the order, at the level of every installation."""
    written = [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines() if one.startswith("{")]
    return [one for one in written if one.get("order") == reference]


def test_server_and_worker_tell_of_a_delivered_order_under_its_reference(
    operator: RunningOperator, traced: Traced
) -> None:
    order_id = operator.delivered()
    reference = operator.get(f"{ORDERS}/{order_id}")["reference"]
    flow_id = operator.flow(order_id)["id"]
    tasks = set(operator.tasks(order_id))

    history = json.loads(satcom_of(operator, "order", "history", reference, "--json"))
    assert {one["orderReference"] for one in history} == {reference}
    assert {"provisioning desk", f"flow {reference}"} <= {one["by"] for one in history}
    happened = {"ProductOrder", "ServiceOrder", "ResourceOrder", "Service", "Product", "CustomerBill"}
    assert happened <= {one["entityType"] for one in history}

    served, worked = (lines(operator.folder / name, reference) for name in ("server.log", "worker.log"))
    assert [(one["event"], one["request"], one["by"]) for one in served] == [
        ("order changed", POSTED, "provisioning desk")
    ]
    assert {one["task"] for one in worked if one["event"] == "task"} == tasks
    assert not {one["task"] for one in served if "task" in one}, "the server delivers nothing"
    assert not [one for one in worked if "request" in one], "the worker answers nobody"

    operator.wait_for(lambda: len(traced.spans(reference)) == 2, "the spans of both processes")
    operator.wait_for(
        lambda: tasks <= {one.name.removeprefix("task ") for one in traced.spans(reference)["satcom-worker"]},
        "the spans of all tasks",
    )
    spans = traced.spans(reference)
    assert {one.name for one in spans["satcom-serve"]} == {POSTED}
    assert {one.trace_id for one in spans["satcom-worker"]} == {UUID(flow_id).bytes}
    assert {one["trace"] for one in worked if one["event"] == "task"} == {UUID(flow_id).hex}


def test_what_a_customer_cancels_and_the_noc_repairs_is_found_in_both(operator: RunningOperator) -> None:
    operator.hub.set_faults({"kind": "error500", "method": "PUT", "path": "/v1/plans/*"})
    order_id = operator.order()
    operator.wait_for_task(order_id, "configure_hub", "active")
    reference = operator.get(f"{ORDERS}/{order_id}")["reference"]
    task = operator.tasks(order_id)["configure_hub"]["id"]
    path = f"{FLOWS}/{operator.flow(order_id)['id']}/taskFlow/{task}"
    assert operator.api("noc").patch(path, json={"state": "completed"}).status_code == 409, "it is not held"
    noted = operator.api("customer").patch(f"{ORDERS}/{order_id}", json={"note": [{"text": "We close the mine."}]})
    assert noted.status_code == 200, noted.text
    cancelled = operator.api("customer").post(CANCELS, json={"productOrder": {"id": order_id}})
    assert cancelled.status_code == 201, cancelled.text
    operator.hub.set_faults()
    assert operator.follow(order_id)["state"] == "cancelled"
    served, worked = (lines(operator.folder / name, reference) for name in ("server.log", "worker.log"))
    assert [(one["request"], one["by"]) for one in served] == [
        (POSTED, "provisioning desk"),
        (f"PATCH {ORDERS}/{order_id}", "customer desk"),
        (CANCELLED, "customer desk"),
    ]
    assert "undone" in {one.get("outcome") for one in worked}
    assert {"customer desk", f"flow {reference}"} <= {
        one["by"] for one in operator.get(CHANGES, orderReference=reference, limit="1000")
    }


def test_who_asks_for_no_order_is_told_what_to_ask_for(operator: RunningOperator) -> None:
    refused = operator.api("noc").get(CHANGES)
    assert refused.status_code in (400, 422)
    assert refused.json()["field"] == "orderReference"
    assert operator.get(CHANGES, orderReference="PO-1999-000001") == []


def satcom_of(operator: RunningOperator, *command: str) -> str:
    """What the command line says that asks the API."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SATCOM_URL", operator.base_url)
        patched.setenv("SATCOM_TOKEN", operator.tokens["noc"])
        return satcom(operator.url, operator.folder, *command)
