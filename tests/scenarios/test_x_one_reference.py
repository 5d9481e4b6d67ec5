"""X: one reference finds all that happened to an order, in history, logs, traces and events of every process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.core.an_inbox import Inbox, an_inbox
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
from tests.scenarios.test_om6_change import ordered, product_of
from tests.scenarios.test_op1_partner_capacity import DAKOTA, capacity_of, engage
from tests.scenarios.test_op5_equipment import at_site
from tests.simulators.partner_process import PartnerProcess, partner_process

CANCELS = f"{TMF}/productOrderingManagement/v4/cancelProductOrder"
CHANGES = "/satcom-api/audit/v1/change"
SWAPS, STOCKED = "/satcom-api/service/v1/terminalSwap", "/satcom-api/supplyChain/v1/stockedTerminal"
APIS = ("productOrderingManagement", "serviceOrdering", "serviceInventory", "resourceInventoryManagement")
HEARD = (*(f"{TMF}/{name}/v4" for name in APIS), "/satcom-api/service/v1", "/satcom-api/supplyChain/v1")
POSTED, CANCELLED = f"POST {ORDERS}", f"POST {CANCELS}"


@dataclass(frozen=True)
class Traced:
    """An operator whose server delivers nothing and whose worker answers nobody, and what both told the collector."""

    operator: RunningOperator
    came: list[Any]
    partner: PartnerProcess
    inbox: Inbox

    def told(self, reference: str) -> set[str]:
        """Of which kinds of resource a listener heard with the reference as `correlationId`."""
        return {next(iter(one["event"])) for one in list(self.inbox.events) if one.get("correlationId") == reference}

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
    folder = tmp_path_factory.mktemp("traced")
    with (
        a_collector() as (address, came),
        partner_process(folder) as partner,
        pytest.MonkeyPatch.context() as patched,
        an_inbox() as inbox,
    ):
        patched.setenv("SATCOM_PARTNER_TOKENS", partner.tokens)
        patched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        patched.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        patched.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        with a_running_operator(loaded, folder) as operator:
            operator.kill_server()
            operator.start_server(workers=0)
            engage(operator, partner.url)
            for path in HEARD:
                operator.api().post(f"{path}/hub", json={"callback": inbox.url}).raise_for_status()
            with operator.a_worker():
                yield Traced(operator, came, partner, inbox)


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


def found_everywhere(traced: Traced, subject_id: str, reference: str, names: set[str]) -> None:
    """The spans of these names are in the trace of the flow, and history and the worker's log know the reference."""
    operator, flow_id = traced.operator, traced.operator.flow(subject_id)["id"]
    operator.wait_for(
        lambda: names <= {one.name for one in traced.spans(reference).get("satcom-worker", [])},
        f"the spans {', '.join(sorted(names))}",
    )
    assert {one.trace_id for one in traced.spans(reference)["satcom-worker"]} == {UUID(flow_id).bytes}
    worked = [one for one in lines(operator.folder / "worker.log", reference) if one["event"] == "task"]
    assert {one.partition(" ")[2] for one in names} <= {one["task"] for one in worked}
    assert {one["trace"] for one in worked} == {UUID(flow_id).hex}
    changes = operator.get(CHANGES, orderReference=reference, limit="1000")
    assert f"flow {reference}" in {one["by"] for one in changes}


def test_an_order_at_a_partner_is_found_there_too_by_the_number_of_its_trace(
    operator: RunningOperator, traced: Traced
) -> None:
    order_id = operator.delivered(**DAKOTA)
    reference, flow_id = operator.get(f"{ORDERS}/{order_id}")["reference"], operator.flow(order_id)["id"]
    asked = {"task ask_again", "task hold_at_partner", "task order_at_partner"}
    found_everywhere(traced, order_id, reference, asked)
    with traced.partner.client() as client:
        kept = client.get(ORDERS, params={"externalId": f"{flow_id}:order_at_partner:1"}).json()
    assert [one["id"] for one in kept] == [capacity_of(operator, order_id)["partnerOrderId"]]
    answered = [one for one in lines(operator.folder / "worker.log", reference) if one["event"] == "partner answered"]
    assert {one["trace"] for one in answered} == {UUID(flow_id).hex}
    operator.wait_for(lambda: {"partnerCapacity", "service"} <= traced.told(reference), "the events of the order")


def test_a_change_and_a_swap_of_what_was_delivered_are_found_by_their_own_references(
    operator: RunningOperator, traced: Traced
) -> None:
    first = operator.delivered(terminalType=["term-c-240"])
    service = operator.service_of(first)
    changed = ordered(operator, product_of(operator, first), "modify", uplinkRateBps=1_000_000)
    assert operator.follow(changed["id"])["state"] == "completed"
    found_everywhere(traced, changed["id"], changed["reference"], {"task reconfigure_hub", "task measure_the_change"})
    operator.wait_for(
        lambda: {"productOrder", "serviceOrder", "service", "resource"} <= traced.told(changed["reference"]),
        "the events of the change",
    )
    free = operator.get(STOCKED, terminalTypeId=at_site(operator, service)["terminalTypeId"], state="inStock")
    wanted = {"serviceId": service["id"], "serialNumber": free[0]["serialNumber"], "reason": "its BUC is weak"}
    swap = operator.api("noc").post(SWAPS, json=wanted).json()
    operator.wait_for(lambda: operator.get(swap["href"])["state"] == "done", "the terminal to be swapped")
    found_everywhere(traced, swap["id"], swap["reference"], {"task reconfigure_hub", "task measure_the_change"})
    served = lines(operator.folder / "server.log", swap["reference"])
    assert [(one["request"], one["by"]) for one in served] == [(f"POST {SWAPS}", "noc desk")]
    operator.wait_for(
        lambda: {"terminalSwap", "stockedTerminal", "physicalResource", "service"} <= traced.told(swap["reference"]),
        "the events of the swap",
    )


def test_what_a_customer_cancels_and_the_noc_repairs_is_found_in_both(
    operator: RunningOperator, traced: Traced
) -> None:
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
    undone = {one["task"] for one in worked if one.get("outcome") == "undone"}
    assert {"configure_hub", "reserve_all_or_none"} <= undone
    found_everywhere(traced, order_id, reference, {"task configure_hub", "undo configure_hub"})
    operator.wait_for(
        lambda: {"cancelProductOrder", "service", "serviceOrder"} <= traced.told(reference), "the events of the undo"
    )
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
