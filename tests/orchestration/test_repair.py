"""Repair of an order by the NOC, over HTTP: tried again, skipped, re-dated; by nobody else, and signed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from satcom.app.http import create_app
from satcom.core.change_log import Change
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.security import Role
from satcom.core.values import Json, instant_text
from satcom.market.ordering import ProductOrder
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.wave import Phase
from satcom.resource.drivers.port import DriverRefused
from satcom.service.service_test import latest_test
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation

FLOWS = "/tmf-api/processFlowManagement/v4/processFlow"
ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"


@dataclass
class Repairs:
    """One order, and those who look at it over HTTP."""

    operation: Operation
    http: TestClient
    order_id: str
    headers: dict[str, str]

    def advance(self, mispointed: bool = False) -> None:
        def point_away(task: TaskFlow, phase: Phase) -> None:
            if (task.task_flow_specification, phase) == ("measure_link", "call"):
                self.point(off_by_deg=4)

        if mispointed:
            self.operation.advance(self.order_id, point_away)
        else:
            self.operation.advance(self.order_id)

    def point(self, off_by_deg: float) -> None:
        """Turn the antenna at the site, as an installer would: by hand, past all software."""
        with self.operation.hub.client() as hub:
            (terminal,) = hub.get("/v1/terminals").json()["items"]
            configured = self.prepared()["terminals"][0]
            kept = {name: value for name, value in terminal.items() if name in configured and name != "terminal_id"}
            kept["azimuth_deg"] = configured["azimuth_deg"] + off_by_deg
            hub.put(f"/v1/terminals/{terminal['id']}", json=kept).raise_for_status()

    def prepared(self) -> dict[str, list[dict[str, float]]]:
        return cast(
            "dict[str, list[dict[str, float]]]", self.operation.flow(self.order_id)[1]["prepare_activation"].result
        )

    def url(self, task: str) -> str:
        flow, tasks = self.operation.flow(self.order_id)
        return f"{FLOWS}/{flow.id}/taskFlow/{tasks[task].id}"

    def patch(self, task: str, body: Json, **headers: str) -> httpx.Response:
        answer: httpx.Response = self.http.patch(self.url(task), json=body, headers=self.headers | headers)
        return answer

    def state(self, task: str) -> str:
        return self.operation.flow(self.order_id)[1][task].state

    def order(self) -> dict[str, Json]:
        body: dict[str, Json] = self.http.get(f"{ORDERS}/{self.order_id}", headers=self.headers).json()
        return body

    def notes(self) -> list[str]:
        return [str(note["text"]) for note in cast("list[dict[str, Json]]", self.order().get("note", []))]


@contextmanager
def repairs(database: Database, tmp_path: Path, in_stock: int = 3) -> Iterator[Repairs]:
    with an_operation(database, tmp_path, in_stock) as operation, TestClient(create_app(database)) as http:
        yield Repairs(operation, http, operation.order(), a_token(database, "noc"))


def test_a_failed_test_holds_the_order_for_a_person_who_has_it_measured_again(
    database: Database, tmp_path: Path
) -> None:
    with repairs(database, tmp_path) as at:
        at.advance(mispointed=True)
        assert (at.order()["state"], at.state("accept_test")) == ("held", "hold")
        assert "noc: accept_test: forwardLocked" in at.notes()[-1]
        first_key = at.operation.flow(at.order_id)[1]["measure_link"].key
        assert at.patch("accept_test", {"state": "active"}).status_code == 200
        assert (at.order()["state"], at.state("measure_link")) == ("inProgress", "new")
        at.advance(mispointed=True)  # nobody has gone there yet
        assert (at.order()["state"], at.state("accept_test")) == ("held", "hold")
        at.point(off_by_deg=0)
        answer = at.patch("accept_test", {"state": "active"})
        assert (answer.json()["state"], answer.json()["href"]) == ("new", at.url("accept_test"))
        at.advance()
        assert at.order()["state"] == "completed"
        third_key = at.operation.flow(at.order_id)[1]["measure_link"].key
        assert (first_key[-2:], third_key[-2:]) == (":1", ":3")


def test_a_test_that_is_skipped_lets_the_order_go_on_and_stays_on_record(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path) as at:
        at.advance(mispointed=True)
        answer = at.patch("accept_test", {"state": "completed"})
        assert (answer.status_code, answer.json()["state"]) == (200, "completed")
        at.advance()
        assert at.order()["state"] == "completed"
        with database.as_worker() as session:
            service_id = at.operation.flow(at.order_id)[1]["design_the_service"].result
            test = latest_test(session, str(service_id))
            assert test is not None
            assert test.state == "failed"
        accepted = at.operation.flow(at.order_id)[1]["accept_test"]
        assert accepted.result == {"skippedBy": "noc of a test"}
        assert accepted.fault is not None


def test_what_a_person_did_is_in_the_change_log_under_its_name(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path) as at:
        at.advance(mispointed=True)
        at.patch("accept_test", {"state": "completed"})
        task = at.operation.flow(at.order_id)[1]["accept_test"]
        with database.as_worker() as session:
            query = select(Change).where(Change.entity_id == task.id).order_by(col(Change.sequence).desc())
            last = session.exec(query).first()
            reference = session.get_one(ProductOrder, at.order_id).reference
        assert last is not None
        assert (last.by, last.order_reference) == ("noc of a test", reference)
        assert last.after is not None
        assert (last.before or {})["state"], last.after["state"] == ("hold", "completed")


def test_another_deadline_is_given_to_a_wait_that_goes_on(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path, in_stock=0) as at:
        at.advance()
        wait = at.operation.flow(at.order_id)[1]["terminal_is_here"]
        assert (at.order()["state"], wait.state) == ("held", "active")
        assert wait.deadline is not None
        later = wait.deadline + timedelta(days=60)
        body: Json = {"characteristic": [{"name": "deadline", "value": instant_text(later)}]}
        answer = at.patch("terminal_is_here", body)
        assert {"name": "deadline", "value": instant_text(later), "valueType": "string"} in answer.json()[
            "characteristic"
        ]
        assert at.order()["state"] == "held", "the terminal is still on its way"
        at.advance()
        assert at.operation.flow(at.order_id)[1]["terminal_is_here"].deadline == later


NO_REPAIRS: list[tuple[dict[str, Json], int, str, str | None]] = [
    ({"state": "cancelled"}, 422, "/state", "active, completed"),
    ({"state": None}, 422, "/state", "active, completed"),
    ({"state": "asleep"}, 400, "/state", "new, active, hold, cancelled, completed"),
    ({"colour": "red"}, 400, "/colour", None),
    ({"colour": None}, 400, "/colour", None),
    ({"priority": 1}, 422, "/priority", "state, characteristic"),
    ({"characteristic": [{"name": "owner", "value": "me"}]}, 422, "/characteristic/0/name", "deadline"),
    ({"characteristic": [{"name": "deadline", "value": "soon"}]}, 422, "/characteristic/0/value", "offset"),
    ({"characteristic": [{"name": "deadline", "value": "2097-01-01T00:00"}]}, 422, "/characteristic/0/value", "Z"),
    ({"characteristic": [{"name": "deadline", "value": "2020-01-01T00:00:00Z"}]}, 422, "/deadline", "after"),
    ({"state": "active"}, 409, "/state", "hold"),
    ({"state": "completed"}, 409, "/state", "hold"),
    ({}, 400, "/", "deadline"),
]


def test_what_is_no_repair_is_refused_by_name_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path) as at:
        before, tasks = at.operation.flow(at.order_id)
        for body, status, field, accepted in NO_REPAIRS:
            answer = at.patch("hand_over", body)
            fault = answer.json()["fault"][0]
            assert (body, answer.status_code, fault["field"]) == (body, status, field)
            assert accepted is None or accepted in fault["accepted"]
        after, same = at.operation.flow(at.order_id)
        assert (after.version, same["hand_over"].version) == (before.version, tasks["hand_over"].version)


def test_a_task_whose_result_others_need_is_not_skipped(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path) as at:

        def bug(task: TaskFlow, phase: Phase) -> None:
            if (task.task_flow_specification, phase) == ("prepare_activation", "call"):
                raise ZeroDivisionError("a bug")

        at.operation.advance(at.order_id, bug)
        assert (at.order()["state"], at.state("prepare_activation")) == ("held", "hold")
        answer = at.patch("prepare_activation", {"state": "completed"})
        assert (answer.status_code, answer.json()["code"]) == (422, "notSkippable")
        assert "accept_test" in answer.json()["message"]
        assert at.patch("prepare_activation", {"state": "active"}).status_code == 200
        at.advance()
        assert at.order()["state"] == "completed"
        over = at.patch("accept_test", {"state": "active"})
        assert (over.status_code, over.json()["code"]) == (409, "ended")


def test_a_repair_of_what_has_changed_since_it_was_read_is_refused(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path) as at:
        etag = at.http.get(at.url("accept_test"), headers=at.headers).headers["ETag"]
        at.advance(mispointed=True)
        body: Json = {"state": "completed"}
        assert at.patch("accept_test", body, **{"If-Match": etag}).status_code == 412
        etag = at.http.get(at.url("accept_test"), headers=at.headers).headers["ETag"]
        answer = at.patch("accept_test", body, **{"If-Match": etag, "Idempotency-Key": "once"})
        assert (answer.status_code, answer.headers["ETag"] != etag) == (200, True)
        again = at.patch("accept_test", body, **{"If-Match": etag, "Idempotency-Key": "once"})
        assert (again.status_code, again.json()) == (200, answer.json())


def test_an_undo_that_the_hub_refused_is_tried_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with repairs(database, tmp_path) as at:
        at.advance(mispointed=True)

        def locked(*_: object, **__: object) -> None:
            raise DriverRefused(423, "locked", "the configuration is locked by an operator")

        cancel = at.http.post(
            "/tmf-api/productOrderingManagement/v4/cancelProductOrder",
            json={"productOrder": {"id": at.order_id}},
            headers=a_token(database, "sales"),
        )
        assert cancel.status_code == 201, cancel.text
        with monkeypatch.context() as while_locked:
            while_locked.setattr(at.operation.driver, "remove_plan", locked)
            at.advance()
        task = at.operation.flow(at.order_id)[1]["configure_hub"]
        assert (task.undo_state, task.owner) == ("hold", "noc")
        assert at.order()["state"] == "pendingCancellation"
        assert at.patch("configure_hub", {"state": "active"}).status_code == 200
        at.advance()
        assert at.order()["state"] == "cancelled"
        with at.operation.hub.client() as hub:
            assert [hub.get(f"/v1/{kind}").json()["items"] for kind in ("carriers", "terminals", "plans")] == [[]] * 3


def test_only_the_noc_repairs(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path, in_stock=0) as at:
        at.advance()
        body: Json = {"characteristic": [{"name": "deadline", "value": instant_text(now() + timedelta(days=200))}]}
        for role in set(Role) - {Role.NOC, Role.ADMINISTRATOR}:
            party = at.operation.market.party if role in (Role.CUSTOMER, Role.PARTNER) else None
            answer = at.http.patch(at.url("terminal_is_here"), json=body, headers=a_token(database, role, party))
            assert (role, answer.status_code) == (role, 403)
            assert "noc" in answer.json()["reason"]
        assert at.http.patch(at.url("terminal_is_here"), json=body).status_code == 401
        assert at.patch("terminal_is_here", body).status_code == 200


def test_a_task_is_repaired_below_its_own_flow_only(database: Database, tmp_path: Path) -> None:
    with repairs(database, tmp_path) as at:
        other = at.operation.flow(at.operation.order())[0].id
        _, flow, _, task = at.url("accept_test").rsplit("/", 3)
        elsewhere = at.url("accept_test").replace(flow, other)
        for url in (elsewhere, f"{FLOWS}/{flow}/taskFlow/{flow}", f"{FLOWS}/nonsense/taskFlow/{task}"):
            answer = at.http.patch(url, json={"state": "active"}, headers=at.headers)
            assert (url, answer.status_code) == (url, 404)
