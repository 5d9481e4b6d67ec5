"""Watching an order: its tasks below its flow, in TMF701's words, for those whose order it is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from satcom.app.http import create_app
from satcom.core.access import create_token
from satcom.core.change_log import Change
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import RuleRefused
from satcom.core.tmf_document import body_faults, tmf_document
from satcom.core.values import Json
from satcom.orchestration.engine import Engine
from satcom.orchestration.plan import Plan, ProcessFlow, plan, tasks_of
from satcom.orchestration.schedule import lay_out
from satcom.resource.drivers.port import HubDriver
from tests.enterprise.an_operator import an_organization

FLOWS = "/tmf-api/processFlowManagement/v4/processFlow"
SEEN_BY_ALL = {"kind", "undoState", "needs", "expectedS", "attempts", "position"}


def watched_eirp(session: Session, order: str) -> Json:
    return {"eirpDbw": 51.5}


def watched_refusal(session: Session, seen: Json) -> Json:
    raise RuleRefused("serviceTest", "3 dB below plan", "belowPlan")


def watched_arrival(session: Session, seen: Json) -> Json:
    return True


@plan("watchedTest")
def watched(draft: Plan, order_id: str) -> None:
    seen = draft.task(watched_eirp, order_id)
    draft.wait(watched_arrival, seen, owner="field service", within=timedelta(days=30))
    draft.task(watched_refusal, seen)


@dataclass(frozen=True)
class Watched:
    http: TestClient
    flow: str
    other_flow: str
    customer: dict[str, str]
    other: dict[str, str]
    noc: dict[str, str]
    finance: dict[str, str]


@pytest.fixture
def orders(database: Database) -> Iterator[Watched]:
    """Two customers' flows: of one a task was refused."""
    with database.as_worker() as session:
        mine, theirs = an_organization(session, "Mine"), an_organization(session, "Depot")
        flow, other = (lay_out(session, "watchedTest", one, "PO-2026-000001").id for one in (mine, theirs))
        roles = (("customer", mine.id), ("customer", theirs.id), ("noc", None), ("finance", None))
        tokens = [create_token(session, "t", [role], party, timedelta(days=1))[1] for role, party in roles]
    Engine(database, cast(HubDriver, None)).advance(flow)  # these tasks do not ask the hub
    headers = [{"Authorization": f"Bearer {secret}"} for secret in tokens]
    with TestClient(create_app(database)) as http:
        yield Watched(http, flow, other, *headers)


def told(task: dict[str, Json]) -> dict[str, Json]:
    """The characteristics by name."""
    return {one["name"]: one["value"] for one in cast("list[dict[str, Json]]", task["characteristic"])}  # type: ignore[misc]


def test_the_tasks_of_an_order_are_read_below_its_flow_in_the_order_of_the_plan(orders: Watched) -> None:
    answer = orders.http.get(f"{FLOWS}/{orders.flow}/taskFlow", headers=orders.noc)
    assert (answer.status_code, answer.headers["X-Total-Count"]) == (200, "3")
    tasks = answer.json()
    assert [task["taskFlowSpecification"] for task in tasks] == ["watched_eirp", "watched_arrival", "watched_refusal"]
    document = tmf_document("TMF701")
    for task in tasks:
        assert body_faults(document, "TaskFlow", task, frozenset()) == []
        assert told(task).keys() >= SEEN_BY_ALL
        one = orders.http.get(task["href"], headers=orders.noc)
        assert (one.json(), bool(one.headers["ETag"])) == (task, True)
    done, arrived, refused = (told(task) for task in tasks)
    assert done["result"] == {"eirpDbw": 51.5}
    assert {"startedAt", "finishedAt"} <= done.keys()
    assert (arrived["owner"], "deadline" in arrived) == ("field service", True)
    assert refused["needs"] == ["watched_eirp"]
    assert cast("dict[str, Json]", refused["fault"])["why"] == "3 dB below plan"


def test_a_flow_says_whose_order_it_is_and_is_found_by_the_order(orders: Watched) -> None:
    (flow,) = orders.http.get(FLOWS, params={"id": orders.flow}, headers=orders.noc).json()
    assert body_faults(tmf_document("TMF701"), "ProcessFlow", flow, frozenset()) == []
    assert told(flow)["reference"] == "PO-2026-000001"
    assert cast("dict[str, Json]", told(flow)["cause"])["code"] == "belowPlan"
    same = orders.http.get(FLOWS, params={"reference": "PO-2026-000001"}, headers=orders.customer).json()
    assert [one["id"] for one in same] == [orders.flow]


def test_the_critical_path_of_a_flow_follows_a_date_that_moves(orders: Watched, database: Database) -> None:
    def path() -> Json:
        (flow,) = orders.http.get(FLOWS, params={"id": orders.other_flow}, headers=orders.noc).json()
        assert orders.http.get(flow["href"], headers=orders.noc).json() == flow
        return told(flow)["criticalPath"]

    assert path() == ["watched_eirp", "watched_arrival"]
    with database.as_worker() as session:
        tasks = tasks_of(session, session.get_one(ProcessFlow, orders.other_flow))
        tasks[2].expected_at = now() + timedelta(days=10)
    assert path() == ["watched_eirp", "watched_refusal"]
    ids = orders.http.get(FLOWS, params={"fields": "state", "id": orders.other_flow}, headers=orders.noc).json()
    assert ids[0].keys() == {"id", "href", "state"}


def test_the_change_log_names_a_task_where_it_is_read(orders: Watched, database: Database) -> None:
    with database.as_worker() as session:
        entered = select(Change).where(Change.entity_type == "TaskFlow", Change.event_type == "taskFlowCreateEvent")
        logged = [cast("dict[str, Json]", one.after)["href"] for one in session.exec(entered)]
        read = orders.http.get(f"{FLOWS}/{orders.flow}/taskFlow", headers=orders.noc).json()
    assert {task["href"] for task in read} <= set(logged)
    assert all(orders.http.get(str(href), headers=orders.noc).status_code == 200 for href in logged)


def test_tasks_are_filtered_sorted_and_paged_within_their_flow(orders: Watched) -> None:
    def ask(**query: str) -> list[str]:
        answer = orders.http.get(f"{FLOWS}/{orders.flow}/taskFlow", params=query, headers=orders.noc)
        return [task["taskFlowSpecification"] for task in answer.json()]

    assert ask(kind="wait") == ["watched_arrival"]
    assert ask(sort="-position", limit="1") == ["watched_refusal"]
    assert ask(processFlowId=orders.other_flow) == []
    (named, *_) = orders.http.get(
        f"{FLOWS}/{orders.flow}/taskFlow", params={"fields": "state"}, headers=orders.noc
    ).json()
    assert named.keys() == {"id", "href", "state"}
    wrong = orders.http.get(f"{FLOWS}/{orders.flow}/taskFlow", params={"fields": "colour"}, headers=orders.noc)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "unknownAttribute")


def test_a_customer_watches_its_own_order_only(orders: Watched) -> None:
    mine = f"{FLOWS}/{orders.flow}/taskFlow"
    task = orders.http.get(mine, headers=orders.customer).json()[0]
    assert orders.http.get(task["href"], headers=orders.customer).status_code == 200
    for headers, status in ((orders.other, 404), (orders.finance, 403), ({}, 401)):
        assert orders.http.get(mine, headers=headers).status_code == status
        assert orders.http.get(task["href"], headers=headers).status_code == status
    elsewhere = f"{FLOWS}/{orders.other_flow}/taskFlow/{task['id']}"
    assert orders.http.get(elsewhere, headers=orders.noc).status_code == 404
    assert orders.http.get(elsewhere, headers=orders.other).status_code == 404
    assert orders.http.get(f"{FLOWS}/nonsense/taskFlow", headers=orders.noc).status_code == 404


def test_values_of_the_payload_are_not_told_to_a_customer_nor_found_by_asking(orders: Watched) -> None:
    mine = f"{FLOWS}/{orders.flow}/taskFlow"
    tasks = orders.http.get(mine, headers=orders.customer).json()
    tasks += [orders.http.get(task["href"], headers=orders.customer).json() for task in tasks]
    assert all(told(task).keys() >= SEEN_BY_ALL for task in tasks)
    assert "eirpDbw" not in json.dumps(tasks)
    for query in ({"result.regex": ".*51.*"}, {"result": "51.5"}, {"sort": "result"}):
        assert orders.http.get(mine, params=query, headers=orders.customer).status_code == 403
