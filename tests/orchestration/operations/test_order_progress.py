"""An order that waits, is stopped or cannot be done: seen by its customer, and nothing of it is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import SQLModel, col, select

from satcom.app.http import create_app
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.values import Json, instant_text
from satcom.market.billing import CustomerBill
from satcom.market.inventory import product_of_order
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.standing import turn_round
from satcom.orchestration.sweep import wake_due
from satcom.orchestration.wave import Phase
from satcom.resource.ground import Terminal
from satcom.resource.hold import HoldState
from satcom.resource.hub import HubPortAssignment
from satcom.resource.ordering import resource_order_of
from satcom.resource.reservation import Reservation
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.inventory import service_of_order
from satcom.service.ordering import service_order_of
from satcom.supplychain.procurement import PurchaseOrder
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.market.a_market import a_token, an_order_body
from tests.orchestration.operations.an_order_to_service import Operation, an_operation

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
PURCHASES, RECEIPTS = "/satcom-api/supplyChain/v1/purchaseOrder", "/satcom-api/supplyChain/v1/goodsReceipt"
DELIVERY = timedelta(days=30)
NO_LICENCE = {"field": "country", "why": "it ran out", "code": "noLicence"}


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


@dataclass
class Counter:
    """Where customers order, supply receives, and both look."""

    operation: Operation
    http: TestClient
    customer: dict[str, str]
    supply: dict[str, str]

    def place(self, start: datetime | None = None, **characteristics: Json) -> str:
        body = an_order_body(self.operation.market, **characteristics)
        if start is not None:
            body["requestedStartDate"] = instant_text(start)
        answer = self.http.post(ORDERS, json=body, headers=self.customer)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def order(self, order_id: str) -> dict[str, Json]:
        body: dict[str, Json] = self.http.get(f"{ORDERS}/{order_id}", headers=self.customer).json()
        return body

    def notes(self, order_id: str) -> list[str]:
        return [str(note["text"]) for note in cast("list[dict[str, Json]]", self.order(order_id).get("note", []))]

    def cancel(self, order_id: str) -> httpx.Response:
        body: Json = {"productOrder": {"id": order_id}, "cancellationReason": "the mine closes"}
        answer: httpx.Response = self.http.post(CANCELLATIONS, json=body, headers=self.customer)
        return answer

    def purchases(self) -> list[dict[str, Json]]:
        found: list[dict[str, Json]] = self.http.get(PURCHASES, headers=self.supply).json()
        return found

    def sweep(self, order_id: str) -> None:
        """What the sweep finds due is advanced, as a worker would."""
        with self.operation.database.as_worker() as session:
            found = wake_due(session)
        if found:
            self.operation.advance(order_id)

    def left(self, order_id: str) -> dict[str, list[str]]:
        """Everything that still exists for an order, by where it was found."""
        found: dict[str, list[str]] = {}
        with self.operation.database.as_worker() as session:

            def note(where: str, kind: type[SQLModel], *ended: str) -> None:
                rows = session.exec(select(kind).where(kind.order_id == order_id)).all()  # type: ignore[attr-defined]
                states = [str(row.state) for row in rows]  # type: ignore[attr-defined]
                found[where] = [state for state in states if state not in ended]

            note("reservation", Reservation, "cancelled")
            note("slots", SpectrumAssignment, HoldState.RELEASED)
            note("ports", HubPortAssignment, HoldState.RELEASED)
            note("site", Terminal, "removed")
            note("purchase", PurchaseOrder, "cancelled", "delivered")
            taken = col(StockedTerminal.state).in_([StockState.HELD, StockState.ISSUED])
            mine = select(StockedTerminal).where(taken, col(StockedTerminal.order_id) == order_id)
            found["stock"] = [one.serial_number for one in session.exec(mine)]
            service = service_of_order(session, order_id)
            placed = [service_order_of(session, order_id), resource_order_of(session, order_id)]
            states = [service.state if service else "terminated", *(one.state for one in placed if one)]
            found["service and orders"] = [one for one in states if one not in ("terminated", "cancelled")]
            product = product_of_order(session, order_id)
            found["product"] = [product.id] if product else []
            found["bills"] = [one.id for one in session.exec(select(CustomerBill))]
        with self.operation.hub.client() as hub:
            found["hub"] = [
                one["id"]
                for kind in ("carriers", "terminals", "plans")
                for one in hub.get(f"/v1/{kind}").json()["items"]
            ]
        return {where: what for where, what in found.items() if what}


@contextmanager
def counter(database: Database, tmp_path: Path, in_stock: int = 3) -> Iterator[Counter]:
    with an_operation(database, tmp_path, in_stock) as operation, TestClient(create_app(database)) as http:
        customer = a_token(database, "customer", operation.market.party)
        yield Counter(operation, http, customer, a_token(database, "supply"))


def test_an_order_is_cancelled_before_anything_is_done_for_it(database: Database, tmp_path: Path) -> None:
    with counter(database, tmp_path) as at:
        order_id = at.place()
        assert at.cancel(order_id).json()["state"] == "inProgress"
        assert at.order(order_id)["state"] == "pendingCancellation"
        assert at.cancel(order_id).status_code == 409
        at.operation.advance(order_id)
        order = at.order(order_id)
        assert (order["state"], order["cancellationReason"]) == ("cancelled", "the mine closes")
        assert "cancellationDate" in order
        assert at.left(order_id) == {}


def test_an_order_that_waits_for_its_terminal_is_cancelled_and_so_is_the_purchase(
    database: Database, tmp_path: Path
) -> None:
    with counter(database, tmp_path, in_stock=0) as at:
        order_id = at.place()
        at.operation.advance(order_id)
        assert {"reservation", "slots", "ports", "site", "purchase", "service and orders"} <= at.left(order_id).keys()
        at.cancel(order_id)
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "cancelled"
        assert at.left(order_id) == {}
        (purchase,) = at.purchases()
        assert purchase["state"] == "cancelled"
        late: Json = {"purchaseOrder": {"id": purchase["id"]}, "serialNumber": ["S-1"]}
        assert at.http.post(RECEIPTS, json=late, headers=at.supply).status_code == 409


def test_an_order_is_cancelled_after_its_link_was_measured_and_the_hub_forgets_it(
    database: Database, tmp_path: Path
) -> None:
    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("hand_over", "call"):
            raise ZeroDivisionError("a bug")

    with counter(database, tmp_path) as at:
        order_id = at.place()
        at.operation.advance(order_id, break_down)
        assert at.order(order_id)["state"] == "held"
        assert {"hub", "stock", "slots"} <= at.left(order_id).keys()
        at.cancel(order_id)
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "cancelled"
        assert at.left(order_id) == {}


def test_what_is_handed_over_is_not_cancelled_any_more(database: Database, tmp_path: Path) -> None:
    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("make_first_bill", "call"):
            raise ZeroDivisionError("a bug")

    with counter(database, tmp_path) as at:
        order_id = at.place()
        at.operation.advance(order_id, break_down)
        assert at.order(order_id)["state"] == "held"
        answer = at.cancel(order_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "tooLate")
        assert "handed over" in answer.json()["reason"]
        flow, tasks = at.operation.flow(order_id)
        noc = a_token(database, "noc")
        url = f"/tmf-api/processFlowManagement/v4/processFlow/{flow.id}/taskFlow/{tasks['make_first_bill'].id}"
        assert at.http.patch(url, json={"state": "active"}, headers=noc).status_code == 200
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "completed"
        answer = at.cancel(order_id)
        assert (answer.status_code, answer.json()["code"]) == (409, "tooLate")
        assert at.http.get(CANCELLATIONS, headers=at.customer).json() == []


def test_a_terminal_that_is_not_in_stock_is_bought_and_the_order_goes_on_when_it_comes(
    database: Database, tmp_path: Path
) -> None:
    with counter(database, tmp_path, in_stock=0) as at:
        order_id = at.place()
        at.operation.advance(order_id)
        order, (purchase,) = at.order(order_id), at.purchases()
        assert (order["state"], purchase["state"], purchase["orderId"]) == ("held", "ordered", order_id)
        assert f"ordered with {purchase['reference']}" in at.notes(order_id)[-1]
        assert f"until {str(purchase['expectedDeliveryDate'])[:19]}Z" in at.notes(order_id)[-1]
        expected = datetime.fromisoformat(str(order["expectedCompletionDate"]))
        assert DELIVERY <= expected - now() + timedelta(minutes=1) < DELIVERY + timedelta(hours=1)
        waits = at.operation.flow(order_id)[1]["terminal_is_here"]
        assert (waits.owner, waits.state) == ("supply", "active")
        clock.advance(timedelta(days=12))
        goods: Json = {"purchaseOrder": {"id": purchase["id"]}, "serialNumber": ["S-1"]}
        assert at.http.post(RECEIPTS, json=goods, headers=at.supply).status_code == 201
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "completed"
        with database.as_worker() as session:
            site = session.exec(select(Terminal).where(Terminal.order_id == order_id)).one()
        assert (site.serial_number, site.state) == ("S-1", "inService")


def test_a_terminal_that_does_not_come_in_time_ends_the_order_and_nothing_is_left(
    database: Database, tmp_path: Path
) -> None:
    with counter(database, tmp_path, in_stock=0) as at:
        order_id = at.place()
        at.operation.advance(order_id)
        clock.advance(timedelta(days=89))  # it was expected after 30
        at.sweep(order_id)
        assert at.order(order_id)["state"] == "held"
        clock.advance(timedelta(days=2))
        at.sweep(order_id)
        assert at.order(order_id)["state"] == "failed"
        assert "deadlineMissed: terminal_is_here was not done in time" in at.notes(order_id)[-1]
        assert at.left(order_id) == {}


def test_an_order_for_later_is_prepared_and_put_into_service_on_its_day(database: Database, tmp_path: Path) -> None:
    with counter(database, tmp_path) as at:
        start = now() + timedelta(days=40)
        order_id = at.place(start)
        at.operation.advance(order_id)
        order = at.order(order_id)
        assert order["state"] == "inProgress"
        assert start <= datetime.fromisoformat(str(order["expectedCompletionDate"])) < start + timedelta(hours=1)
        assert "hub" not in at.left(order_id)
        clock.advance(timedelta(days=39))
        at.sweep(order_id)
        assert at.operation.flow(order_id)[1]["start_date_is_here"].state == "active"
        clock.advance(timedelta(days=2))
        at.sweep(order_id)
        assert at.order(order_id)["state"] == "completed"
        with database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            assert product.start_date is not None
            assert product.start_date >= start


def test_an_order_that_nobody_can_serve_is_rejected_with_the_reason(database: Database, tmp_path: Path) -> None:
    with counter(database, tmp_path) as at:
        order_id = at.place(latitudeDeg=8.517, longitudeDeg=-8.9)
        at.operation.advance(order_id)
        order = at.order(order_id)
        assert (order["state"], "expectedCompletionDate" in order) == ("rejected", False)
        assert at.notes(order_id)[-1].startswith("noLicence: ")
        assert "licence in GN" in at.notes(order_id)[-1]
        assert at.left(order_id) == {}


def test_an_order_held_before_it_was_promised_is_seen_held_and_goes_on_or_is_rejected(
    database: Database, tmp_path: Path
) -> None:
    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("price_the_order", "call"):
            raise ZeroDivisionError("a bug")

    with counter(database, tmp_path) as at:
        order_id = at.place()
        at.operation.advance(order_id, break_down)
        assert at.order(order_id)["state"] == "held"
        assert "noc: price_the_order: ZeroDivisionError: a bug" in at.notes(order_id)[-1]
        flow, tasks = at.operation.flow(order_id)
        url = f"/tmf-api/processFlowManagement/v4/processFlow/{flow.id}/taskFlow/{tasks['price_the_order'].id}"
        assert at.http.patch(url, json={"state": "active"}, headers=a_token(database, "noc")).status_code == 200
        assert at.order(order_id)["state"] == "acknowledged", "a person has judged; it is not promised yet"
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "completed"

        second = at.place()
        at.operation.advance(second, break_down)
        with database.as_worker() as session:
            turn_round(session.get_one(type(flow), at.operation.flow(second)[0].id), None, NO_LICENCE)
        at.operation.advance(second)
        assert (at.order(second)["state"], at.notes(second)[-1]) == ("rejected", "noLicence: it ran out")

        third = at.place()
        at.operation.advance(third, break_down)
        assert at.cancel(third).status_code == 201
        at.operation.advance(third)
        assert (at.order(third)["state"], at.left(third).get("slots")) == ("cancelled", None)


def test_a_customer_does_not_date_the_note_of_an_order(database: Database, tmp_path: Path) -> None:
    with counter(database, tmp_path) as at:
        body = an_order_body(at.operation.market) | {"note": [{"text": "as agreed", "date": "2019-01-01T00:00:00Z"}]}
        answer = at.http.post(ORDERS, json=body, headers=at.customer)
        assert (answer.status_code, answer.json()["fault"][0]["field"]) == (422, "/note/0/date")
        order_id = at.place()
        note = {"note": [{"text": "call first"}]}
        kept = at.http.patch(f"{ORDERS}/{order_id}", json=note, headers=at.customer).json()["note"]
        assert "." not in kept[0]["date"], "a note is dated to the second"
        again = {"note": [*kept, {"text": "and loudly", "date": kept[0]["date"]}]}
        answer = at.http.patch(f"{ORDERS}/{order_id}", json=again, headers=at.customer)
        assert (answer.status_code, answer.json()["fault"][0]["field"]) == (422, "/note/1/date")
