"""What is not in stock is bought once, and what comes is kept for the order that waited."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from satcom.core.access import create_token
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.events import on
from satcom.core.security import WORKER
from satcom.core.tmf_api import json_response
from satcom.core.values import Json, Reference
from satcom.supplychain import goods_receipt, procurement
from satcom.supplychain.goods_receipt import GoodsReceipt, ReceivedGoods, record_receipt
from satcom.supplychain.procurement import (
    PurchaseOrder,
    PurchaseOrderState,
    Supply,
    TerminalDelivered,
    cancel_purchase,
    order_terminal,
    receive,
    supply_of,
)
from satcom.supplychain.stock import StockItem, StockState, free_terminals, hold_terminal, receive_stock
from tests.enterprise.an_operator import an_operator
from tests.supplychain.a_stock import a_depot, a_stock_item, a_supplier

delivered: list[TerminalDelivered] = []


@on(TerminalDelivered)
def note_delivery(session: Session, event: TerminalDelivered) -> None:
    delivered.append(event)


def a_purchase(session: Session, order_id: str = "") -> tuple[PurchaseOrder, StockItem]:
    an_operator(session)
    item = a_stock_item(session, lead_time_days=28)
    return order_terminal(session, order_id or new_id(), item.terminal_type_id), item


def test_a_terminal_is_bought_where_it_comes_soonest(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        slow = a_stock_item(session, lead_time_days=45)
        supplier = a_supplier(session, "Rift Valley")
        fast = a_stock_item(
            session, lead_time_days=21, depot=a_depot(session, supplier, "Tema"), type_id=slow.terminal_type_id
        )
        purchase = order_terminal(session, new_id(), slow.terminal_type_id)
        assert (purchase.stock_item_id, purchase.supplier_id) == (fast.id, supplier.id)
        assert purchase.expected_delivery_date - purchase.order_date == pytest.approx(
            timedelta(days=21), abs=timedelta(seconds=5)
        )


def test_a_named_supplier_is_the_only_one_asked(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        supplier = a_supplier(session, "Slow")
        slow = a_stock_item(session, lead_time_days=45, depot=a_depot(session, supplier))
        a_stock_item(session, lead_time_days=1, type_id=slow.terminal_type_id, depot=a_depot(session, None, "Tema"))
        assert (
            order_terminal(session, new_id(), slow.terminal_type_id, supplier_id=supplier.id).stock_item_id == slow.id
        )


def test_a_terminal_can_be_had_at_once_from_stock_else_after_the_shortest_lead_time(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        slow = a_stock_item(session, lead_time_days=45)
        depot = a_depot(session, a_supplier(session, "Rift Valley"), "Tema")
        a_stock_item(session, lead_time_days=21, depot=depot, type_id=slow.terminal_type_id)
        type_id, unknown, at = slow.terminal_type_id, new_id(), now()
        assert supply_of(session, [type_id, unknown]) == {type_id: Supply(0, 21), unknown: Supply(0, None)}
        assert supply_of(session, [type_id])[type_id].expected(at) == at + timedelta(days=21)
        assert supply_of(session, [unknown])[unknown].expected(at) is None
        receive_stock(session, slow, ["A-1", "A-2"])
        assert supply_of(session, [type_id])[type_id] == Supply(2, 21)
        assert supply_of(session, [type_id])[type_id].expected(at) == at
        hold_terminal(session, type_id, new_id(), None, now() + timedelta(hours=1))
        assert supply_of(session, [type_id])[type_id].free == 1


def test_an_order_is_bought_for_once(database: Database) -> None:
    with database.as_worker() as session:
        order_id = new_id()
        purchase, item = a_purchase(session, order_id)
        assert order_terminal(session, order_id, item.terminal_type_id).id == purchase.id
        assert purchase.reference.startswith(f"PU-{now().year}-00000")
        other = order_terminal(session, new_id(), item.terminal_type_id)
        assert other.reference != purchase.reference


def test_what_nobody_sells_is_not_bought(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(RuleRefused) as refused:
            order_terminal(session, new_id(), new_id())
        assert (refused.value.faults[0].field, refused.value.faults[0].code) == ("terminalType", "noSupplier")


def test_what_comes_is_held_for_its_order_without_end_and_the_order_is_told(database: Database) -> None:
    with database.as_worker() as session:
        order_id = new_id()
        purchase, item = a_purchase(session, order_id)
        [terminal] = receive(session, purchase, ["SN-1"])
        assert (terminal.state, terminal.order_id, terminal.held_until) == (StockState.HELD, order_id, None)
        assert (purchase.state, purchase.serial_number) == (PurchaseOrderState.DELIVERED, "SN-1")
        assert delivered[-1] == TerminalDelivered(order_id, purchase.id, terminal.id, "SN-1")
        assert hold_terminal(session, item.terminal_type_id, order_id, None, now() + timedelta(hours=1)) is terminal
        assert terminal.held_until is None
        assert hold_terminal(session, item.terminal_type_id, new_id(), None, now() + timedelta(hours=1)) is None


def test_goods_come_once_in_the_number_that_was_bought(database: Database) -> None:
    with database.as_worker() as session:
        purchase, _ = a_purchase(session)
        with pytest.raises(RuleRefused) as refused:
            receive(session, purchase, ["SN-1", "SN-2"])
        assert refused.value.faults[0].code == "wrongQuantity"
        receive(session, purchase, ["SN-1"])
        with pytest.raises(WrongState, match="delivered"):
            receive(session, purchase, ["SN-3"])


def test_a_cancelled_purchase_takes_no_goods_and_the_order_may_buy_again(database: Database) -> None:
    with database.as_worker() as session:
        order_id = new_id()
        purchase, item = a_purchase(session, order_id)
        for _ in range(2):
            cancel_purchase(session, order_id, "the customer withdrew")
            assert purchase.state is PurchaseOrderState.CANCELLED
        with pytest.raises(WrongState, match="cancelled"):
            receive(session, purchase, ["SN-1"])
        assert order_terminal(session, order_id, item.terminal_type_id).id != purchase.id


def test_what_came_for_an_order_that_is_undone_is_there_for_others(database: Database) -> None:
    with database.as_worker() as session:
        order_id = new_id()
        purchase, item = a_purchase(session, order_id)
        receive(session, purchase, ["SN-1"])
        for _ in range(2):
            cancel_purchase(session, order_id, "the customer withdrew")
            assert free_terminals(session, [item.terminal_type_id]) == {item.terminal_type_id: 1}
        assert purchase.state is PurchaseOrderState.DELIVERED


def test_a_receipt_names_one_thing_that_exists(database: Database) -> None:
    with database.as_worker() as session:
        purchase, item = a_purchase(session)
        ours, shelf, nobody = Reference(id=purchase.id), Reference(id=item.id), Reference(id=new_id())
        for order, stock, field in (
            (None, None, "/purchaseOrder"),
            (ours, shelf, "/purchaseOrder"),
            (nobody, None, "/purchaseOrder/id"),
            (None, nobody, "/stockItem/id"),
        ):
            goods = ReceivedGoods(purchase_order=order, stock_item=stock, serial_number=["SN-1"])
            with pytest.raises(Refused) as refused:
                record_receipt(session, goods, WORKER)
            assert refused.value.faults[0].field == field


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.database = database
    app.include_router(procurement.routes.router)
    app.include_router(goods_receipt.routes.router)

    @app.exception_handler(Refused)
    def refused(_: Request, error: Refused) -> Response:
        faults: list[Json] = [{"field": fault.field, "code": fault.code} for fault in error.faults]
        return json_response(faults, error.status)

    with TestClient(app) as ready:
        yield ready


def token(database: Database, role: str, party_id: str | None = None) -> dict[str, str]:
    with database.as_worker() as session:
        return {"Authorization": f"Bearer {create_token(session, role, [role], party_id, timedelta(days=1))[1]}"}


def test_the_supply_role_records_a_receipt_once_for_each_key(database: Database, client: TestClient) -> None:
    with database.as_worker() as session:
        purchase, _ = a_purchase(session)
    path, headers = GoodsReceipt.api.path, token(database, "supply") | {"Idempotency-Key": "k"}
    body = {"purchaseOrder": {"id": purchase.id}, "serialNumber": ["SN-1"]}
    first = client.post(path, json=body, headers=headers)
    assert first.status_code == 201
    assert first.json()["purchaseOrder"]["name"] == purchase.reference
    assert client.post(path, json=body, headers=headers).json() == first.json()
    assert client.post(path, json=body | {"serialNumber": ["SN-2"]}, headers=headers).status_code == 422
    assert client.post(path, json=body, headers=token(database, "supply")).status_code == 409
    shown = client.get(f"{purchase.api.path}/{purchase.id}", headers=headers).json()
    assert (shown["state"], shown["serialNumber"]) == ("delivered", "SN-1")
    assert client.get(first.headers["Location"], headers=headers).json() == first.json()


def test_nobody_else_records_receipts_and_customers_see_no_purchases(database: Database, client: TestClient) -> None:
    with database.as_worker() as session:
        purchase, _ = a_purchase(session)
    body = {"purchaseOrder": {"id": purchase.id}, "serialNumber": ["SN-1"]}
    for role, party in (("noc", None), ("customer", new_id())):
        headers = token(database, role, party)
        assert client.post(GoodsReceipt.api.path, json=body, headers=headers).status_code == 403
    assert client.get(purchase.api.path, headers=headers).status_code == 403
    with database.as_worker() as session:
        assert session.exec(select(GoodsReceipt)).all() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/serialNumber"),
        ({"serialNumber": []}, "/serialNumber"),
        ({"serialNumber": [1]}, "/serialNumber/0"),
        ({"serialNumber": ["A"], "colour": "red"}, "/colour"),
        ({"serialNumber": ["A"], "purchaseOrder": {"id": "'; DROP TABLE x"}}, "/purchaseOrder/id"),
    ],
)
def test_a_receipt_that_makes_no_sense_is_refused_by_its_field(
    database: Database, client: TestClient, body: dict[str, Json], field: str
) -> None:
    with database.as_worker() as session:
        an_operator(session)
    answer = client.post(GoodsReceipt.api.path, json=body, headers=token(database, "supply"))
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()] == [field]
