"""OS3: a product order becomes a service order, resource orders and tasks: a graph, parallel where it allows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx
import pytest

from tests.scenarios.a_running_operator import FLOWS, ORDERS, Body, RunningOperator, characteristics, satcom

SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
RESOURCE_ORDERS = "/tmf-api/resourceOrderingManagement/v4/resourceOrder"
SVG = "{http://www.w3.org/2000/svg}"
SUPPLY = "/satcom-api/supplyChain/v1"
WAITS = {"terminal_is_here": "supply", "start_date_is_here": "planning"}


@pytest.fixture(scope="module")
def order_id(operator: RunningOperator) -> str:
    """A delivered order."""
    return operator.delivered(terminalType=["term-c-240"])


@pytest.fixture(scope="module")
def tasks(operator: RunningOperator, order_id: str) -> dict[str, Body]:
    return operator.tasks(order_id)


def graph_of(tasks: dict[str, Body]) -> "networkx.DiGraph[str]":
    """The plan from what stands on the wire: an edge from what is needed to what needs it."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(tasks)
    for name, task in tasks.items():
        graph.add_edges_from((need, name) for need in task["needs"])
    return graph


def expected_ends(tasks: dict[str, Body]) -> dict[str, datetime]:
    """When each task is done, or expected to be, reckoned from the wire alone."""
    ends: dict[str, datetime] = {}
    for name in networkx.topological_sort(graph_of(tasks)):
        task = tasks[name]
        if task["state"] == "completed":
            ends[name] = datetime.fromisoformat(task["finishedAt"])
        elif "expectedAt" in task:
            ends[name] = datetime.fromisoformat(task["expectedAt"])
        else:
            ends[name] = max(ends[need] for need in task["needs"]) + timedelta(seconds=task["expectedS"])
    return ends


def critical_path(tasks: dict[str, Body], ends: dict[str, datetime]) -> list[str]:
    """The chain of tasks, each the last to be done of what the next one needs, that decides when the plan ends."""
    path = [max(ends, key=lambda name: ends[name])]
    while needs := tasks[path[0]]["needs"]:
        path.insert(0, max(needs, key=lambda name: ends[name]))
    return path


def test_one_order_becomes_a_service_order_and_a_resource_order_that_name_it(
    operator: RunningOperator, order_id: str
) -> None:
    [to_service] = operator.get(SERVICE_ORDERS, externalId=order_id)
    [to_network] = operator.get(RESOURCE_ORDERS, externalId=order_id)
    [item] = to_service["serviceOrderItem"]
    kinds = sorted(one["resource"]["category"] for one in to_network["orderItem"])
    assert to_service["state"] == to_network["state"] == "completed"
    assert item["service"]["id"] == operator.service_of(order_id)["id"]
    assert kinds == ["HubPortAssignment", "SpectrumAssignment", "SpectrumAssignment", "Terminal"]


def test_the_items_of_the_resource_order_are_what_carries_the_service(operator: RunningOperator, order_id: str) -> None:
    [to_network] = operator.get(RESOURCE_ORDERS, externalId=order_id)
    ordered = {one["resource"]["id"] for one in to_network["orderItem"]}
    carrying = {one["id"] for one in operator.service_of(order_id)["supportingResource"]}
    assert ordered == carrying
    assert all(operator.get(one["resource"]["href"])["id"] in ordered for one in to_network["orderItem"])


def test_the_tasks_form_a_graph_without_circles_from_one_beginning_to_one_end(tasks: dict[str, Body]) -> None:
    graph = graph_of(tasks)
    assert set(graph) == set(tasks)  # nothing is needed that is not in the plan
    assert networkx.is_directed_acyclic_graph(graph)
    assert networkx.is_weakly_connected(graph)
    assert [name for name in graph if not graph.in_degree(name)] == ["qualify_again"]
    assert [name for name in graph if not graph.out_degree(name)] == ["complete_orders"]


def test_no_task_began_before_what_it_needs_was_done(tasks: dict[str, Body]) -> None:
    for needed, needing in graph_of(tasks).edges:
        done, began = tasks[needed]["finishedAt"], tasks[needing]["startedAt"]
        assert datetime.fromisoformat(done) <= datetime.fromisoformat(began), (needed, needing)


def test_nothing_transmits_before_everything_is_held_ordered_and_there(tasks: dict[str, Body]) -> None:
    before = networkx.ancestors(graph_of(tasks), "configure_hub")
    assert before >= {"reserve_all_or_none", "order_the_service", "order_the_network", *WAITS}
    assert "hand_over" not in before


@pytest.fixture(scope="module")
def waiting(operator: RunningOperator) -> str:
    """An order that waits for two things at once: its day, and a terminal that is not in stock any more."""
    for _ in range(2):
        operator.delivered(terminalType=["term-c-380"])
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=90)
    body = operator.order_body(terminalType=["term-c-380"]) | {"requestedStartDate": start.isoformat()}
    answer = operator.api("provisioning").post(ORDERS, json=body)
    assert answer.status_code == 201, answer.text
    order_id = str(answer.json()["id"])
    operator.wait_for_task(order_id, "start_date_is_here", "active")
    operator.wait_for_task(order_id, "terminal_is_here", "active")
    return order_id


def test_what_is_independent_goes_side_by_side(operator: RunningOperator, waiting: str) -> None:
    tasks = operator.tasks(waiting)
    graph = graph_of(tasks)
    open_waits = {name for name, one in tasks.items() if one["state"] == "active"}
    assert open_waits == set(WAITS)
    independent = {name for name in graph if not open_waits & (networkx.ancestors(graph, name) | {name})}
    assert {"order_the_service", "order_the_network", "obtain_terminal"} <= independent
    assert {tasks[name]["state"] for name in independent} == {"completed"}
    assert {tasks[name]["state"] for name in set(graph) - independent - open_waits} == {"new"}
    [to_service] = operator.get(SERVICE_ORDERS, externalId=waiting)
    assert to_service["state"] == "acknowledged"


def test_a_wait_is_a_task_with_an_owner_and_the_day_it_is_expected_to_end(
    operator: RunningOperator, waiting: str
) -> None:
    tasks, order = operator.tasks(waiting), operator.get(f"{ORDERS}/{waiting}")
    [purchase] = operator.get(f"{SUPPLY}/purchaseOrder", orderId=waiting)
    assert {name: tasks[name]["owner"] for name in WAITS} == WAITS
    assert tasks["terminal_is_here"]["expectedAt"] == purchase["expectedDeliveryDate"]
    assert tasks["terminal_is_here"]["deadline"] > purchase["expectedDeliveryDate"]
    assert order["state"] == "held"
    last_wait = max(datetime.fromisoformat(tasks[name]["expectedAt"]) for name in WAITS)
    assert datetime.fromisoformat(order["expectedCompletionDate"]) >= last_wait


def test_the_critical_path_runs_through_the_later_wait_and_says_when_the_order_is_done(
    operator: RunningOperator, waiting: str
) -> None:
    tasks = operator.tasks(waiting)
    ends = expected_ends(tasks)
    path = critical_path(tasks, ends)
    assert (path[0], path[-1]) == ("qualify_again", "complete_orders")
    assert "start_date_is_here" in path  # in 90 days; the terminal comes in 70
    assert "terminal_is_here" not in path
    told = {one["name"]: one["value"] for one in operator.flow(waiting)["characteristic"]}
    assert abs(datetime.fromisoformat(told["expectedFinish"]) - ends[path[-1]]) < timedelta(seconds=5)


def test_one_wait_ends_without_the_other_when_the_goods_come(operator: RunningOperator, waiting: str) -> None:
    [purchase] = operator.get(f"{SUPPLY}/purchaseOrder", orderId=waiting)
    goods = {"purchaseOrder": {"id": purchase["id"]}, "serialNumber": ["C380-2027-0001"]}
    answer = operator.api("supply").post(f"{SUPPLY}/goodsReceipt", json=goods)
    assert answer.status_code == 201, answer.text
    arrived = operator.wait_for_task(waiting, "terminal_is_here", "completed")
    assert arrived["result"] == "C380-2027-0001"
    tasks = operator.tasks(waiting)
    assert tasks["start_date_is_here"]["state"] == "active"
    assert tasks["prepare_activation"]["state"] == "new"


@pytest.mark.parametrize("which", ["order_id", "waiting"])
def test_the_graph_is_drawn_with_its_critical_path(
    operator: RunningOperator, which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    order = request.getfixturevalue(which)
    who = ("--url", operator.base_url, "--token", operator.tokens["noc"])
    satcom(operator.url, operator.folder, "order", "graph", order, "--out", str(tmp_path / "order.svg"), *who)
    drawn = ElementTree.parse(tmp_path / "order.svg").getroot()
    said = [one.text for one in drawn.iter(f"{SVG}text")]
    tasks = operator.tasks(order)
    assert {name.replace("_", " ") for name in tasks} <= set(said)
    lines = [one for one in drawn.iter(f"{SVG}path") if one.get("fill") == "none"]
    assert len(lines) >= len(tasks) - 1
    path = characteristics(operator.flow(order))["criticalPath"]
    bold = {one.text for one in drawn.iter(f"{SVG}text") if one.get("font-weight") == "bold"}
    assert {name.replace("_", " ") for name in path} <= bold
    assert len([one for one in lines if one.get("stroke-width") == "2.5"]) == len(path) - 1


@pytest.mark.parametrize("path", [SERVICE_ORDERS, RESOURCE_ORDERS, FLOWS])
def test_what_an_order_is_decomposed_into_is_not_written_by_hand(operator: RunningOperator, path: str) -> None:
    body: Any = {"externalId": "by hand", "state": "completed"}
    assert operator.api().post(path, json=body).status_code == 405
    one = operator.get(path, limit="1")[0]
    assert operator.api().patch(one["href"], json={"state": "completed"}).status_code in (404, 405)
    assert operator.api().delete(one["href"]).status_code == 405


def test_a_task_of_another_order_is_not_found_in_this_plan(
    operator: RunningOperator, order_id: str, waiting: str
) -> None:
    foreign = operator.tasks(waiting)["qualify_again"]["id"]
    answer = operator.api().get(f"{FLOWS}/{operator.flow(order_id)['id']}/taskFlow/{foreign}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"productOrderItem": []}, "/productOrderItem"),
        ({"billingAccount": {"id": "nobody"}}, "/billingAccount/id"),
        (
            {"relatedParty": [{"id": "nobody", "role": "customer", "@referredType": "Organization"}]},
            "/relatedParty/0/id",
        ),
        ({"requestedStartDate": "yesterday"}, "/requestedStartDate"),
        ({"requestedCompletionDate": "1999-01-01T00:00:00Z"}, "/requestedCompletionDate"),
        ({"colour": "red"}, "/colour"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_order_that_cannot_be_understood_is_refused_and_no_plan_is_made(
    operator: RunningOperator, changed: Body, field: str
) -> None:
    before = operator.api().get(FLOWS, params={"limit": "1"}).headers["X-Total-Count"]
    answer = operator.api("provisioning").post(ORDERS, json=operator.order_body() | changed)
    assert 400 <= answer.status_code < 500, answer.text
    assert field in [one["field"] for one in answer.json()["fault"]], answer.text
    assert operator.api().get(FLOWS, params={"limit": "1"}).headers["X-Total-Count"] == before
