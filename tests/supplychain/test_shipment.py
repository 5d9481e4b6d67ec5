"""What is shipped is known by its serial numbers before it comes, and only what was shipped is received against it."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlmodel import Session, col, select

from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.events import on
from satcom.core.security import WORKER
from satcom.core.values import Json, Reference
from satcom.supplychain.goods_receipt import ReceivedGoods, record_receipt
from satcom.supplychain.procurement import (
    BoughtForStock,
    PurchaseOrder,
    PurchaseOrderState,
    TerminalRedated,
    buy_for_stock,
    cancel_purchase,
    order_terminal,
)
from satcom.supplychain.shipment import NewShipment, Shipment, ShipmentState, follow_shipment, ship
from satcom.supplychain.stock import StockedTerminal, StockState, free_terminals
from tests.enterprise.an_operator import an_operator
from tests.supplychain.a_stock import a_stock_item

redated: list[str] = []


@on(TerminalRedated)
def note_day(session: Session, event: TerminalRedated) -> None:
    redated.append(event.order_id)


def bought(session: Session, quantity: int = 3) -> PurchaseOrder:
    """Terminals for the shelf."""
    an_operator(session)
    item = a_stock_item(session)
    return buy_for_stock(session, BoughtForStock(stock_item=Reference(id=item.id), quantity=quantity), WORKER)


def sent(purchase_id: str, *serial_numbers: str, in_days: int = 21) -> NewShipment:
    return NewShipment(
        purchase_order=Reference(id=purchase_id),
        serial_number=list(serial_numbers),
        carrier="Sea freight",
        tracking_number="MSKU-1",
        expected_date=now().date() + timedelta(days=in_days),
    )


def shipped(session: Session, purchase: PurchaseOrder, *serial_numbers: str, in_days: int = 21) -> Shipment:
    return ship(session, sent(purchase.id, *serial_numbers, in_days=in_days), WORKER)


def unpacked(session: Session, shipment: Shipment, *serial_numbers: str) -> None:
    goods = ReceivedGoods(shipment=Reference(id=shipment.id), serial_number=list(serial_numbers))
    record_receipt(session, goods, WORKER)


def states(session: Session) -> dict[str, StockState]:
    return {one.serial_number: one.state for one in session.exec(select(StockedTerminal))}


def faults(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in refused.value.faults]


def test_a_purchase_comes_in_several_shipments_and_a_shipment_in_several_parts(database: Database) -> None:
    with database.as_worker() as session:
        purchase = bought(session)
        first, second = shipped(session, purchase, "A-1", "A-2"), shipped(session, purchase, "A-3")
        assert states(session) == dict.fromkeys(("A-1", "A-2", "A-3"), StockState.SHIPPED)
        assert free_terminals(session, [purchase.terminal_type_id]) == {purchase.terminal_type_id: 0}
        unpacked(session, first, "A-2")
        assert (first.state, first.missing) == (ShipmentState.PARTLY_RECEIVED, ["A-1"])
        assert (purchase.state, purchase.received_quantity) == (PurchaseOrderState.PARTLY_DELIVERED, 1)
        unpacked(session, second, "A-3")
        unpacked(session, first, "A-1")
        assert (first.state, second.state) == (ShipmentState.RECEIVED, ShipmentState.RECEIVED)
        assert (purchase.state, purchase.received_quantity) == (PurchaseOrderState.DELIVERED, 3)
        assert free_terminals(session, [purchase.terminal_type_id]) == {purchase.terminal_type_id: 3}


def test_no_more_is_shipped_or_received_than_was_bought(database: Database) -> None:
    with database.as_worker() as session:
        purchase = bought(session)
        shipped(session, purchase, "A-1", "A-2")
        with pytest.raises(RuleRefused) as refused:
            shipped(session, purchase, "A-3", "A-4")
        assert faults(refused) == [("/serialNumber", "wrongQuantity")]
        goods = ReceivedGoods(purchase_order=Reference(id=purchase.id), serial_number=["A-3", "A-4"])
        with pytest.raises(RuleRefused) as too_many:
            record_receipt(session, goods, WORKER)
        assert faults(too_many) == [("/serialNumber", "wrongQuantity")]
        assert set(states(session)) == {"A-1", "A-2"}


def test_a_serial_number_that_was_not_shipped_or_came_before_is_refused_and_nothing_counts(database: Database) -> None:
    with database.as_worker() as session:
        shipment = shipped(session, bought(session), "A-1", "A-2", "A-3")
        unpacked(session, shipment, "A-1")
        with pytest.raises(Refused) as refused:
            unpacked(session, shipment, "A-2", "A-1", "B-9")
        assert faults(refused) == [("/serialNumber/1", "receivedBefore"), ("/serialNumber/2", "notInShipment")]
        with pytest.raises(Refused) as twice:
            unpacked(session, shipment, "A-2", "A-2")
        assert faults(twice) == [("/serialNumber/1", "duplicate")]
        assert shipment.missing == ["A-2", "A-3"]
        with pytest.raises(Refused) as known:
            shipped(session, bought_again(session, shipment), "A-1")
        assert faults(known) == [("/serialNumber/0", "serialKnown")]


def bought_again(session: Session, shipment: Shipment) -> PurchaseOrder:
    item_id = session.get_one(PurchaseOrder, shipment.purchase_order_id).stock_item_id
    return buy_for_stock(session, BoughtForStock(stock_item=Reference(id=item_id), quantity=1), WORKER)


def test_what_an_order_waits_for_is_expected_on_the_day_of_its_shipment_and_held_when_it_comes(
    database: Database,
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        order_id, item = new_id(), a_stock_item(session, lead_time_days=28)
        purchase = order_terminal(session, order_id, item.terminal_type_id)
        shipment = shipped(session, purchase, "A-1", in_days=40)
        assert purchase.expected_delivery_date == datetime.combine(shipment.expected_date, time(), UTC)
        later = shipment.expected_date + timedelta(days=5)
        follow_shipment(session, shipment, {"expectedDate": str(later)}, WORKER)
        assert purchase.expected_delivery_date == datetime.combine(later, time(), UTC)
        assert redated[-2:] == [order_id, order_id]
        unpacked(session, shipment, "A-1")
        terminal = session.exec(select(StockedTerminal)).one()
        assert (terminal.state, terminal.order_id, terminal.held_until) == (StockState.HELD, order_id, None)
        assert (purchase.state, purchase.serial_number) == (PurchaseOrderState.DELIVERED, "A-1")


def test_what_comes_for_an_order_that_was_undone_lies_on_the_shelf(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        order_id, item = new_id(), a_stock_item(session)
        shipment = shipped(session, order_terminal(session, order_id, item.terminal_type_id), "A-1")
        cancel_purchase(session, order_id, "the customer withdrew")
        unpacked(session, shipment, "A-1")
        assert states(session) == {"A-1": StockState.IN_STOCK}
        with pytest.raises(WrongState):
            shipped(session, session.get_one(PurchaseOrder, shipment.purchase_order_id), "A-2")


def test_what_was_lost_on_the_way_is_shipped_again(database: Database) -> None:
    with database.as_worker() as session:
        purchase = bought(session)
        shipment = shipped(session, purchase, "A-1", "A-2", "A-3")
        unpacked(session, shipment, "A-1")
        follow_shipment(session, shipment, {"state": "lost"}, WORKER)
        assert states(session) == {"A-1": StockState.IN_STOCK, "A-2": StockState.LOST, "A-3": StockState.LOST}
        ends: tuple[dict[str, Json], ...] = ({"state": "lost"}, {"carrier": "Air"})
        for end in ends:
            with pytest.raises(WrongState, match="lost"):
                follow_shipment(session, shipment, end, WORKER)
        with pytest.raises(WrongState, match="lost"):
            unpacked(session, shipment, "A-2")
        unpacked(session, shipped(session, purchase, "A-4", "A-5"), "A-4", "A-5")
        assert purchase.state is PurchaseOrderState.DELIVERED


def test_a_shipment_that_is_late_is_seen(database: Database) -> None:
    with database.as_worker() as session:
        purchase = bought(session)
        late, _ = shipped(session, purchase, "A-1", in_days=10), shipped(session, purchase, "A-2", in_days=30)
        with clock.at(now() + timedelta(days=20)):
            overdue = select(Shipment.reference).where(col(Shipment.expected_date) < now().date())
            assert session.exec(overdue).all() == [late.reference]


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"serialNumber": ["B-1"]}, "/serialNumber"),
        ({"state": "received"}, "/state"),
        ({"state": []}, "/state"),
        ({"expectedDate": "2020-01-01"}, "/expectedDate"),
        ({"expectedDate": "soon"}, "/expectedDate"),
        ({"carrier": ""}, "/carrier"),
    ],
)
def test_of_a_shipment_only_its_way_is_noted_by_hand(database: Database, patch: dict[str, Json], field: str) -> None:
    with database.as_worker() as session:
        shipment = shipped(session, bought(session), "A-1")
        with pytest.raises(Refused) as refused, session.begin_nested():
            follow_shipment(session, shipment, patch, WORKER)
        assert refused.value.faults[0].field == field


def test_a_shipment_is_for_a_purchase_that_exists_and_comes_in_future(database: Database) -> None:
    with database.as_worker() as session:
        purchase = bought(session)
        with pytest.raises(RuleRefused) as refused:
            shipped(session, purchase, "A-1", in_days=-1)
        assert faults(refused) == [("/expectedDate", "inPast")]
        with pytest.raises(Refused) as unknown:
            ship(session, sent(new_id(), "A-1"), WORKER)
        assert faults(unknown) == [("/purchaseOrder/id", "notFound")]
