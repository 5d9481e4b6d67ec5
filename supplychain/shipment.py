"""Shipments: what a supplier has sent for a purchase order, by which carrier, with which serial numbers, until when.

A purchase order may come in several shipments, and a shipment be received in several parts. From the day it is shipped
a terminal is in the books, so that what is unpacked can be held against what was announced. A shipment is late when its
day is over and not all of it is here: `expectedDate.lt=<today>` with `state=shipped,partlyReceived`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import Sequence as NumberSequence
from sqlmodel import Field, Session, SQLModel, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, own, state_type
from satcom.core.errors import Fault, Refused, RuleRefused, WrongState
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference, reference
from satcom.enterprise.numbering import next_reference
from satcom.supplychain.procurement import (
    AWAITED,
    PurchaseOrder,
    check_number,
    check_open,
    count_received,
    named,
    redate_purchase,
)
from satcom.supplychain.stock import (
    MAX_SERIAL_NUMBERS,
    StockedTerminal,
    StockItem,
    StockState,
    check_serial_numbers,
    check_written,
    new_terminal,
    note_terminal,
)

SHIPMENT_NUMBERS = NumberSequence("shipment_number", metadata=SQLModel.metadata)
BY_HAND: Final = frozenset({"carrier", "trackingNumber", "expectedDate", "state", "@type"})


class ShipmentState(StrEnum):
    SHIPPED = "shipped"
    PARTLY_RECEIVED = "partlyReceived"
    RECEIVED = "received"
    LOST = "lost"


UNDER_WAY: Final = frozenset({ShipmentState.SHIPPED, ShipmentState.PARTLY_RECEIVED})


class Shipment(Entity, table=True):
    """What left the supplier's dock together. `received` is what of it was unpacked in the depot."""

    __tablename__ = "shipment"

    reference: str = Field(unique=True, max_length=40)
    state: ShipmentState = Field(default=ShipmentState.SHIPPED, sa_type=state_type(ShipmentState))
    purchase_order_id: str = Field(foreign_key="purchase_order.id", index=True, sa_type=id_type())
    supplier_id: str = Field(foreign_key="supplier.id", sa_type=id_type())
    depot_id: str = Field(foreign_key="depot.id", sa_type=id_type())
    carrier: str = Field(min_length=1, max_length=200)
    tracking_number: str = Field(min_length=1, max_length=100)
    serial_number: list[str] = Field(sa_type=JsonOf(list[str]))
    received: list[str] = Field(default_factory=list, sa_type=JsonOf(list[str]))
    ship_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    expected_date: date

    api: ClassVar = own("supplyChain/v1", "shipment", Capability.READ_SUPPLY)
    life_cycle: ClassVar = LifeCycle[ShipmentState](
        ShipmentState,
        ("shipped", "partlyReceived", "some of it is in the depot"),
        ("shipped", "received", "all of it is in the depot"),
        ("shipped", "lost", "it never came"),
        ("partlyReceived", "received", "the rest is in the depot"),
        ("partlyReceived", "lost", "the rest never came"),
    )

    @property
    def missing(self) -> list[str]:
        return [one for one in self.serial_number if one not in self.received]


class NewShipment(OwnBody):
    """What a client sends when the supplier has shipped."""

    purchase_order: Reference
    serial_number: list[str] = Field(min_length=1, max_length=MAX_SERIAL_NUMBERS)
    carrier: str = Field(min_length=1, max_length=200)
    tracking_number: str = Field(min_length=1, max_length=100)
    expected_date: date


def ship(session: Session, sent: NewShipment, by: Principal) -> Shipment:
    """Note what the supplier has shipped. The order that waits for it is told the day.

    Raises `Refused` on the purchase order or a serial number that is known or twice there, `RuleRefused` on more than
    was bought or a day that is over, `WrongState` when nothing is to come any more.
    """
    purchase = named(session, PurchaseOrder, sent.purchase_order, "/purchaseOrder/id")
    check_open(purchase)
    check_number(purchase, len(sent.serial_number), still_to_ship(session, purchase))
    check_serial_numbers(session, sent.serial_number)
    _check_day(sent.expected_date)
    shipment = Shipment(
        reference=next_reference(session, SHIPMENT_NUMBERS, "SH"),
        purchase_order_id=purchase.id,
        supplier_id=purchase.supplier_id,
        depot_id=purchase.depot_id,
        carrier=sent.carrier,
        tracking_number=sent.tracking_number,
        serial_number=list(sent.serial_number),
        expected_date=sent.expected_date,
        party_id=purchase.party_id,
    )
    session.add(shipment)
    session.flush()
    item = find(session, StockItem, purchase.stock_item_id)
    document = named_shipment(shipment)
    session.add_all([new_terminal(item, one, document, StockState.SHIPPED) for one in sent.serial_number])
    session.flush()
    redate_purchase(session, purchase, _midnight(sent.expected_date))
    return shipment


def still_to_ship(session: Session, purchase: PurchaseOrder) -> int:
    """How many of what was bought are neither here nor on their way. The purchase order is locked."""
    of_it = col(Shipment.purchase_order_id) == purchase.id
    under_way = session.exec(select(Shipment).where(of_it, col(Shipment.state).in_(UNDER_WAY))).all()
    return purchase.quantity - purchase.received_quantity - sum(len(one.missing) for one in under_way)


def follow_shipment(session: Session, shipment: Shipment, patch: dict[str, Json], by: Principal) -> Shipment:
    """Note another day or carrier, or that it was lost: what is missing is then to be shipped again.

    Raises `RuleRefused` on what is not noted by hand, `WrongState` once it has ended.
    """
    for name in sorted(patch.keys() - BY_HAND):
        raise RuleRefused(f"/{name}", "it is not changed by hand", "fixed", ", ".join(sorted(BY_HAND - {"@type"})))
    if shipment.state not in UNDER_WAY:
        raise WrongState("/state", f"{shipment.reference} is {shipment.state}", shipment.state, "one under way")
    if patch.get("state", shipment.state) not in (shipment.state, ShipmentState.LOST):
        why = "what comes has a goods receipt"
        raise WrongState("/state", why, "byHand", ShipmentState.LOST)
    before = shipment.expected_date
    change(shipment, {name: value for name, value in patch.items() if name != "state"})
    purchase = find_for_update(session, PurchaseOrder, shipment.purchase_order_id)
    if shipment.expected_date != before:
        _check_day(shipment.expected_date)
        if purchase.state in AWAITED:
            redate_purchase(session, purchase, _midnight(shipment.expected_date))
    if patch.get("state") == ShipmentState.LOST:
        for terminal in _terminals(session, shipment.missing):
            note_terminal(session, terminal, StockState.LOST, named_shipment(shipment))
        move(shipment, ShipmentState.LOST)
    session.flush()
    return shipment


def receive_shipment(session: Session, shipment: Shipment, serial_numbers: Sequence[str], receipt: Reference) -> None:
    """What was unpacked is in stock; what was bought for a customer order is held for it, and the order goes on.

    Raises `Refused` with each serial number that is not awaited, `WrongState` once the shipment has ended.
    """
    if shipment.state not in UNDER_WAY:
        why = f"{shipment.reference} is {shipment.state}"
        raise WrongState("/shipment/id", why, shipment.state, "a shipment under way")
    check_written(serial_numbers)
    missing = set(shipment.missing)
    faults = [
        _unexpected(shipment, index, number) for index, number in enumerate(serial_numbers) if number not in missing
    ]
    if faults:
        raise Refused.all(faults)
    purchase = find_for_update(session, PurchaseOrder, shipment.purchase_order_id)
    terminals = _terminals(session, serial_numbers)
    for terminal in terminals:
        note_terminal(session, terminal, StockState.IN_STOCK, receipt)
    shipment.received = [*shipment.received, *serial_numbers]
    move(shipment, ShipmentState.PARTLY_RECEIVED if shipment.missing else ShipmentState.RECEIVED)
    session.add(shipment)
    session.flush()
    if purchase.state in AWAITED:  # what comes for a cancelled order is ordinary stock
        count_received(session, purchase, terminals)


def _unexpected(shipment: Shipment, index: int, number: str) -> Fault:
    where, accepted = f"/serialNumber/{index}", ", ".join(shipment.missing[:10])
    if number in shipment.received:
        return Fault(where, f"{number!r} of {shipment.reference} was received before", "receivedBefore", accepted)
    return Fault(where, f"{number!r} is not in {shipment.reference}", "notInShipment", accepted)


def _terminals(session: Session, serial_numbers: Sequence[str]) -> list[StockedTerminal]:
    """In the order of their serial numbers, locked."""
    those = col(StockedTerminal.serial_number).in_(serial_numbers)
    query = select(StockedTerminal).where(those).order_by(col(StockedTerminal.serial_number))
    return list(session.exec(query.with_for_update().execution_options(populate_existing=True)).all())


def _check_day(expected: date) -> None:
    today = now().date()
    if expected < today:
        raise RuleRefused("/expectedDate", f"{expected} is over", "inPast", f"{today} or later")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def named_shipment(shipment: Shipment) -> Reference:
    return reference(shipment.id, "Shipment", shipment.href, shipment.reference)


routes = TmfRoutes(Shipment)
routes.patch(follow_shipment, may=Capability.SUPPLY)
routes.post(ship, may=Capability.SUPPLY, reads=NewShipment)
