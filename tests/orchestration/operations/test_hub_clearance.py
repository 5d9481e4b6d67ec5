"""Orphans: what a hub holds for services that no book has. They undo no order, are shown, and cleared when asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from sqlmodel import select

from satcom.app.http import create_app
from satcom.core.access import create_token
from satcom.core.change_log import Change
from satcom.core.database import Database
from satcom.core.entity import from_body, new_id, wire
from satcom.core.security import WORKER
from satcom.market.ordering import CancelProductOrder, OrderState, ProductOrder, cancel_order
from satcom.orchestration.engine import Engine
from satcom.orchestration.operations.hub_clearance import ClearanceState, HubClearance
from satcom.orchestration.operations.service_in_place import told_to_hub
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskState, UndoState
from satcom.resource.drivers.port import HubConfiguration
from satcom.service.activation import activate, from_json, to_json
from satcom.service.inventory import Service
from tests.core.an_inbox import Body
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.test_hub_state import delivered
from tests.orchestration.operations.test_kinds_of_change import change
from tests.resource.drivers.test_hub_nms import wait_until

ORPHANS = "/satcom-api/service/v1/hubOrphan"
CLEARANCES = "/satcom-api/service/v1/hubClearance"
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Restored:
    """An operation with one service in the books, and another that only the hub holds, on the next port."""

    operation: Operation
    known: str
    lost: str
    noc: TestClient

    def at_the_hub(self) -> set[str]:
        """The services of which the hub has carriers."""
        return {one.carrier_id[:36] for one in self.operation.driver.holds(lambda _: True).carriers}

    def holds_of(self, service: str) -> HubConfiguration:
        return self.operation.driver.holds(lambda name: name.startswith(service))

    def orphans(self, **asked: str) -> list[str]:
        found: list[Body] = self.noc.get(ORPHANS, params=asked).raise_for_status().json()
        return [one["serviceId"] for one in found]

    def clear(self, *services: str) -> HubClearance:
        """Ask for it, and have it done."""
        answer = self.noc.post(CLEARANCES, json={"serviceIds": list(services)})
        assert answer.status_code == 201, answer.text
        asked, database = answer.json()["id"], self.operation.database
        with database.as_worker() as session:
            flow_id = session.exec(select(ProcessFlow.id).where(ProcessFlow.subject_id == asked)).one()
        Engine(database, self.operation.driver).advance(flow_id)
        with database.as_worker() as session:
            return session.get_one(HubClearance, asked)


@contextmanager
def restored(database: Database, tmp_path: Path) -> Iterator[Restored]:
    with an_operation(database, tmp_path) as operation:
        known, lost = delivered(operation), new_id()
        with database.as_worker() as session:
            told = json.dumps(to_json(told_to_hub(session, session.get_one(Service, known))))
        assert '"port": 1,' in told
        on_port_2 = told.replace(known, lost).replace('"port": 1,', '"port": 2,')
        activate(operation.driver, from_json(json.loads(on_port_2)), "before it was lost")
        noc = TestClient(create_app(database, operation.driver), headers=a_token(database, "noc"))
        yield Restored(operation, known, lost, noc)


def put(told: Body) -> Body:
    """What a hub is sent to have what it has told."""
    return {name: value for name, value in told.items() if name not in ("id", "revision")}


def test_an_order_waits_for_the_noc_while_an_orphan_has_its_port_and_goes_on_once_the_hub_is_cleared(
    database: Database, tmp_path: Path
) -> None:
    with restored(database, tmp_path) as here:
        order_id = here.operation.order()
        flow, tasks = here.operation.advance(order_id)
        held = tasks["configure_hub"]
        assert (flow.state, held.state, held.owner) == (FlowState.ACTIVE, TaskState.HOLD, "noc")
        assert f"belongs to carrier {here.lost}-forward" in (held.fault or {})["why"]
        with database.as_worker() as session:
            order = session.get_one(ProductOrder, order_id)
            assert (order.state, here.lost in str(wire(order))) == (OrderState.HELD, False)
        clearance = here.clear(here.lost)
        assert (clearance.state, clearance.asked_by) == (ClearanceState.DONE, "noc of a test")
        assert here.operation.advance(order_id)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            assert here.at_the_hub() == set(session.exec(select(Service.id)))
        assert here.orphans() == []


def test_what_is_undone_waits_for_its_port_too_and_is_as_before_once_the_hub_is_cleared(
    database: Database, tmp_path: Path
) -> None:
    with restored(database, tmp_path) as here:
        before, stray = here.holds_of(here.known), f"{new_id()}-return"
        stays = {"kind": "error500", "method": "DELETE", "path": f"/v1/carriers/{here.known}-forward"}
        here.operation.hub.set_faults(stays)
        with database.as_worker() as session:
            service = session.get_one(Service, here.known)
        end = change(here.operation, str(service.order_id), action="delete")
        assert here.operation.advance(end)[1]["take_out_of_hub"].attempts == 1
        with here.operation.hub.client() as hub:
            lost = hub.get(f"/v1/carriers/{here.lost}-return").json()
            hub.put(f"/v1/carriers/{stray}", json=put(lost) | {"port": 1}).raise_for_status()
        here.operation.hub.set_faults()
        with database.as_worker() as session:
            cancel_order(session, from_body(CancelProductOrder, {"productOrder": {"id": end}}), WORKER)
        wait_until(lambda: here.operation.advance(end)[1]["take_out_of_hub"].undo_state is not UndoState.NONE)
        flow, tasks = here.operation.flow(end)
        undone = tasks["take_out_of_hub"]
        assert (flow.state, undone.undo_state, undone.owner) == (FlowState.HOLD, UndoState.HOLD, "noc")
        assert stray in (undone.fault or {})["why"]
        assert here.clear(stray[:36]).state is ClearanceState.DONE
        assert here.operation.advance(end)[0].state is FlowState.CANCELLED
        assert (here.holds_of(here.known), here.orphans()) == (before, [here.lost])


def test_what_a_hub_will_not_let_go_is_refused_and_can_be_asked_for_again(database: Database, tmp_path: Path) -> None:
    with restored(database, tmp_path) as here, here.operation.hub.client() as hub:
        terminal = hub.get(f"/v1/terminals/{here.lost}-terminal").json()
        hub.put("/v1/terminals/of-before", json=put(terminal) | {"serial_number": "of before"}).raise_for_status()
        refused = here.clear(here.lost)
        assert (refused.state, refused.removed, refused.ended_at is None) == (ClearanceState.REFUSED, None, False)
        assert here.orphans() == [here.lost]
        hub.delete("/v1/terminals/of-before").raise_for_status()
        assert here.clear(here.lost).state is ClearanceState.DONE
        assert here.at_the_hub() == {here.known}


def test_orphans_are_shown_with_where_they_are_and_what_they_take(database: Database, tmp_path: Path) -> None:
    with restored(database, tmp_path) as here:
        [found] = here.noc.get(ORPHANS).json()
        assert found["serviceId"] == here.lost
        [hub] = found["hub"]
        assert [one["port"] for one in found["holds"]["carriers"]] == [2, 2]
        assert found["holds"]["terminals"][0]["serial_number"] != ""
        assert here.orphans(hubId=hub["id"]) == here.orphans(hubId=hub["name"]) == [here.lost]
        resources = here.noc.get("/tmf-api/resourceInventoryManagement/v4/resource", params={"@type": "Hub"}).json()
        [other, *_] = [one["id"] for one in resources if one["id"] != hub["id"]]
        assert here.orphans(hubId=other) == []
        unknown = here.noc.get(ORPHANS, params={"hubId": "Nowhere"})
        assert (unknown.status_code, unknown.json()["field"]) == (404, "hubId")


def test_what_a_service_of_the_books_has_is_never_cleared(database: Database, tmp_path: Path) -> None:
    with restored(database, tmp_path) as here:
        for asked in ([here.known], [here.lost, here.known.upper()]):
            refused = here.noc.post(CLEARANCES, json={"serviceIds": asked})
            assert (refused.status_code, refused.json()["code"]) == (422, "inBooks"), asked
            assert refused.json()["field"] == f"/serviceIds/{len(asked) - 1}"
        assert here.at_the_hub() == {here.known, here.lost}
        for wrong in ([], ["all"], [f"{here.lost}-forward"]):
            assert here.noc.post(CLEARANCES, json={"serviceIds": wrong}).status_code == 400, wrong


def test_what_others_configured_at_the_hub_is_no_orphan(database: Database, tmp_path: Path) -> None:
    with restored(database, tmp_path) as here, here.operation.hub.client() as hub:
        body = put(hub.get(f"/v1/carriers/{here.lost}-return").json())
        for port, name in enumerate((new_id(), "of-before"), start=3):  # as we call shared carriers, and as nobody does
            hub.put(f"/v1/carriers/{name}", json=body | {"port": port}).raise_for_status()
        assert here.orphans() == [here.lost]


def test_the_change_log_keeps_who_cleared_a_hub_and_what_it_held(database: Database, tmp_path: Path) -> None:
    with restored(database, tmp_path) as here:
        clearance = here.clear(here.lost)
        with database.as_worker() as session:
            asked, done = session.exec(
                select(Change).where(Change.entity_id == clearance.id).order_by(Change.sequence)  # type: ignore[arg-type]
            ).all()
        assert (asked.by, done.by) == ("noc of a test", f"flow {clearance.reference}")
        assert (done.after or {})["removed"]["carriers"][0]["carrier_id"] == f"{here.lost}-forward"
        again = here.clear(here.lost)
        assert (again.state, (again.removed or {})["carriers"]) == (ClearanceState.DONE, [])


def test_who_may_not_repair_flows_clears_nothing_and_a_hub_that_is_away_is_said(
    database: Database, tmp_path: Path
) -> None:
    with restored(database, tmp_path) as here:
        planning = a_token(database, "planning")
        assert here.noc.get(ORPHANS, headers=planning).status_code == 200
        assert here.noc.post(CLEARANCES, json={"serviceIds": [here.lost]}, headers=planning).status_code == 403
        assert here.noc.get(ORPHANS, headers=a_token(database, "finance")).status_code == 403
        with database.as_worker() as session:  # who sees no service but those of a party
            secret = create_token(session, "x", ["noc", "customer"], here.operation.market.other_party, A_DAY)[1]
        of_a_party = {"Authorization": f"Bearer {secret}"}
        assert here.noc.get(ORPHANS, headers=of_a_party).status_code == 403
        assert here.noc.post(CLEARANCES, json={"serviceIds": [here.known]}, headers=of_a_party).status_code == 403
        alone = TestClient(create_app(database), headers=a_token(database, "noc"))
        assert alone.get(ORPHANS).status_code == 503
