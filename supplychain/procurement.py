"""Procurement: what is ordered from suppliers when nothing is in stock, and what happens when it comes.

A purchase order is made for one customer order and one terminal, at the depot with the shortest lead time; or by hand,
for a number of terminals that fill up a stock item. What comes for a customer order is held for it, without end.
Cancelling does not stop a lorry: what comes after all is entered as ordinary stock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, TypeVar

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy import Sequence as NumberSequence
from sqlmodel import Field, Session, SQLModel, col, func, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import NotFound, Refused, RuleRefused, WrongState
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Money, Reference
from satcom.enterprise.numbering import next_reference
from satcom.enterprise.party import operator_of
from satcom.supplychain.equipment_return import release_terminal
from satcom.supplychain.partner import Supplier
from satcom.supplychain.stock import (
    MAX_SERIAL_NUMBERS,
    Depot,
    StockedTerminal,
    StockItem,
    free_terminals,
    hold_received,
    receive_stock,
)

PURCHASE_NUMBERS = NumberSequence("purchase_order_number", metadata=SQLModel.metadata)
Named = TypeVar("Named", bound=Entity)


class PurchaseOrderState(StrEnum):
    ORDERED = "ordered"
    PARTLY_DELIVERED = "partlyDelivered"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


AWAITED: Final = frozenset({PurchaseOrderState.ORDERED, PurchaseOrderState.PARTLY_DELIVERED})


class PurchaseOrder(Entity, table=True):
    """Terminals of one type: one for a customer order, or some for the shelf, when `order_id` is empty.

    `order_id` and `for_party_id` belong to the layer of the market.
    """

    __tablename__ = "purchase_order"
    __table_args__ = (
        Index(
            "bought_once_for_an_order",
            "order_id",
            "terminal_type_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
        CheckConstraint("order_id IS NULL OR quantity = 1", name="one_terminal_for_a_customer_order"),
        CheckConstraint("received_quantity BETWEEN 0 AND quantity", name="no_more_than_was_bought"),
    )

    reference: str = Field(unique=True, max_length=40)
    state: PurchaseOrderState = Field(default=PurchaseOrderState.ORDERED, sa_type=state_type(PurchaseOrderState))
    supplier_id: str = Field(foreign_key="supplier.id", index=True, sa_type=id_type())
    depot_id: str = Field(foreign_key="depot.id", sa_type=id_type())
    stock_item_id: str = Field(foreign_key="stock_item.id", sa_type=id_type())
    terminal_type_id: str = Field(sa_type=id_type())
    terminal_type_name: str = Field(max_length=200)
    quantity: int = Field(default=1, ge=1, le=MAX_SERIAL_NUMBERS)
    received_quantity: int = Field(default=0, ge=0)
    price: Money | None = Field(default=None, sa_type=JsonOf(Money))
    order_id: str | None = Field(default=None, index=True, sa_type=id_type())
    for_party_id: str | None = Field(default=None, sa_type=id_type())
    order_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    expected_delivery_date: datetime = Field(sa_type=INSTANT)
    delivery_date: datetime | None = Field(default=None, sa_type=INSTANT)
    serial_number: str | None = Field(default=None, max_length=100)
    cancellation_reason: str | None = Field(default=None, max_length=1000)

    api: ClassVar = own("supplyChain/v1", "purchaseOrder", Capability.READ_SUPPLY)
    life_cycle: ClassVar = LifeCycle[PurchaseOrderState](
        PurchaseOrderState,
        ("ordered", "partlyDelivered", "some of the goods came"),
        ("ordered", "delivered", "the goods came"),
        ("partlyDelivered", "delivered", "the rest came"),
        ("ordered", "cancelled", "the customer's order was undone"),
    )


class BoughtForStock(OwnBody):
    """What a client sends to fill up a stock item."""

    stock_item: Reference
    quantity: int = Field(ge=1, le=MAX_SERIAL_NUMBERS)
    price: Money | None = None


@dataclass(frozen=True)
class TerminalDelivered:
    """The terminal that a customer order waited for is in stock and held for it."""

    order_id: str
    purchase_order_id: str
    stocked_terminal_id: str
    serial_number: str


@dataclass(frozen=True)
class TerminalRedated:
    """The terminal that a customer order waits for is expected on another day."""

    order_id: str
    purchase_order_id: str


@dataclass(frozen=True)
class Supply:
    """How soon a terminal of a type can be had: how many are free, and how long the soonest supplier takes for another.

    `lead_time_days` is `None` when nobody sells the type.
    """

    free: int
    lead_time_days: int | None

    def expected(self, at: datetime) -> datetime | None:
        """When a terminal that is wanted at `at` lies in a depot; `None` when nobody can say."""
        if self.free:
            return at
        return None if self.lead_time_days is None else at + timedelta(days=self.lead_time_days)

    def in_words(self, at: datetime) -> str:
        """For a customer, whom the number in stock does not concern."""
        there = self.expected(at)
        if self.free or there is None:
            return "the terminal is in stock" if self.free else "no supplier lists the terminal"
        return f"the terminal takes {self.lead_time_days} days, until {there:%Y-%m-%d}"


def supply_of(session: Session, terminal_type_ids: Iterable[str]) -> dict[str, Supply]:
    """The supply of each of the terminal types, also of those that nobody lists."""
    wanted = sorted(set(terminal_type_ids))
    query = (
        select(StockItem.terminal_type_id, func.min(StockItem.lead_time_days))
        .join(Depot)
        .join(Supplier)
        .where(col(StockItem.terminal_type_id).in_(wanted))
        .group_by(col(StockItem.terminal_type_id))
    )
    soonest: dict[str, int] = dict(session.exec(query).all())
    return {one: Supply(free, soonest.get(one)) for one, free in free_terminals(session, wanted).items()}


def order_terminal(
    session: Session,
    order_id: str,
    terminal_type_id: str,
    party_id: str | None = None,
    supplier_id: str | None = None,
    price: Money | None = None,
) -> PurchaseOrder:
    """Buy a terminal for a customer order where it comes soonest. Asked again, it gives the same purchase order.

    `supplier_id` names the only supplier to ask. Raises `RuleRefused` on `terminalType` when nobody sells the type.
    """
    made = purchase_for(session, order_id, terminal_type_id)
    if made is not None:
        return made
    found = _soonest(session, terminal_type_id, supplier_id)
    if found is None:
        whom = "no supplier" if supplier_id is None else "this supplier does not have it, or it"
        raise RuleRefused("terminalType", f"{whom} lists the terminal type", "noSupplier", "a type that is listed")
    item, depot = found
    purchase = _purchase(session, item, depot, price)
    purchase.order_id, purchase.for_party_id = order_id, party_id
    session.add(purchase)
    session.flush()
    return purchase


def buy_for_stock(session: Session, wanted: BoughtForStock, by: Principal) -> PurchaseOrder:
    """Order terminals to fill up a depot. Raises `Refused` on a stock item that does not exist."""
    item = named(session, StockItem, wanted.stock_item, "/stockItem/id")
    purchase = _purchase(session, item, find(session, Depot, item.depot_id), wanted.price)
    purchase.quantity = wanted.quantity
    session.add(purchase)
    session.flush()
    return purchase


def _purchase(session: Session, item: StockItem, depot: Depot, price: Money | None) -> PurchaseOrder:
    return PurchaseOrder(
        reference=next_reference(session, PURCHASE_NUMBERS, "PU"),
        supplier_id=depot.supplier_id,
        depot_id=depot.id,
        stock_item_id=item.id,
        terminal_type_id=item.terminal_type_id,
        terminal_type_name=item.terminal_type_name,
        price=price,
        expected_delivery_date=now() + timedelta(days=item.lead_time_days),
        party_id=operator_of(session).organization_id,
    )


def purchase_for(session: Session, order_id: str, terminal_type_id: str | None = None) -> PurchaseOrder | None:
    """The purchase order that was made for a customer order and not cancelled, locked."""
    in_force = col(PurchaseOrder.state) != PurchaseOrderState.CANCELLED
    query = select(PurchaseOrder).where(PurchaseOrder.order_id == order_id, in_force)
    if terminal_type_id is not None:
        query = query.where(PurchaseOrder.terminal_type_id == terminal_type_id)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()


def receive(
    session: Session, purchase: PurchaseOrder, serial_numbers: Sequence[str], document: Reference | None = None
) -> list[StockedTerminal]:
    """The goods came: they are in stock, and held for the order they were bought for, which is told.

    Raises `Refused` on the serial numbers, `WrongState` when the order was delivered or cancelled before.
    """
    check_open(purchase)
    check_number(purchase, len(serial_numbers), purchase.quantity - purchase.received_quantity)
    item = find(session, StockItem, purchase.stock_item_id)
    received = receive_stock(session, item, serial_numbers, document)
    count_received(session, purchase, received)
    return received


def check_open(purchase: PurchaseOrder) -> None:
    """Raises `WrongState` when nothing is to come for it any more."""
    if purchase.state not in AWAITED:
        accepted = "a receipt for the stock item" if purchase.state is PurchaseOrderState.CANCELLED else None
        raise WrongState("/purchaseOrder/id", f"{purchase.reference} is {purchase.state}", purchase.state, accepted)


def check_number(purchase: PurchaseOrder, number: int, still_to_come: int) -> None:
    """Raises `RuleRefused` on more than was bought and is not here or on its way."""
    if number > still_to_come:
        why = f"{still_to_come} of {purchase.quantity} of {purchase.reference} are still to come, not {number}"
        accepted = f"at most {still_to_come} serial numbers" if still_to_come else "nothing more"
        raise RuleRefused("/serialNumber", why, "wrongQuantity", accepted)


def count_received(session: Session, purchase: PurchaseOrder, received: Sequence[StockedTerminal]) -> None:
    """What came is counted; what was bought for a customer order is held for it, and the order is told."""
    purchase.received_quantity += len(received)
    whole = purchase.received_quantity == purchase.quantity
    move(purchase, PurchaseOrderState.DELIVERED if whole else PurchaseOrderState.PARTLY_DELIVERED)
    purchase.delivery_date = now()
    session.add(purchase)
    if purchase.order_id is None:
        session.flush()
        return
    [terminal] = received
    hold_received(session, terminal, purchase.order_id, purchase.for_party_id)
    purchase.serial_number = terminal.serial_number
    session.flush()
    announce(session, TerminalDelivered(purchase.order_id, purchase.id, terminal.id, terminal.serial_number))


def redate_purchase(session: Session, purchase: PurchaseOrder, expected: datetime) -> None:
    """It is expected on another day; the customer order that waits for it is told."""
    purchase.expected_delivery_date = expected
    session.add(purchase)
    session.flush()
    if purchase.order_id is not None:
        announce(session, TerminalRedated(purchase.order_id, purchase.id))


def cancel_purchase(session: Session, order_id: str, because: str) -> None:
    """Undo what was bought for a customer order: what came stays in stock for others. Again, it does nothing."""
    purchase = purchase_for(session, order_id)
    if purchase is None:
        return
    if purchase.state is PurchaseOrderState.DELIVERED:
        release_terminal(session, order_id, because)
        return
    move(purchase, PurchaseOrderState.CANCELLED)
    purchase.cancellation_reason = because
    session.add(purchase)
    session.flush()


def named(session: Session, kind: type[Named], given: Reference, pointer: str) -> Named:
    """What a body points to, locked. Raises `Refused` at the pointer."""
    try:
        return find_for_update(session, kind, given.id)
    except NotFound as error:
        raise Refused(pointer, f"there is no such {kind.__name__} {given.id[:80]!r}", "notFound") from error


def _soonest(session: Session, terminal_type_id: str, supplier_id: str | None) -> tuple[StockItem, Depot] | None:
    query = (
        select(StockItem, Depot)
        .join(Depot)
        .join(Supplier)
        .where(StockItem.terminal_type_id == terminal_type_id)
        .order_by(col(StockItem.lead_time_days), col(Depot.name), col(StockItem.id))
    )
    if supplier_id is not None:
        query = query.where(Depot.supplier_id == supplier_id)
    return session.exec(query).first()


routes = TmfRoutes(PurchaseOrder)
routes.post(buy_for_stock, may=Capability.SUPPLY, reads=BoughtForStock)
