"""Procurement: what is ordered from suppliers when nothing is in stock, and what happens when it comes.

A purchase order is made for one customer order and one terminal, at the depot with the shortest lead time. Goods that
come for it are put in stock and held for that order, without end. Cancelling does not stop a lorry: what comes after
all is entered as ordinary stock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from sqlalchemy import Index, text
from sqlalchemy import Sequence as NumberSequence
from sqlmodel import Field, Session, SQLModel, col, func, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type, wire
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused, WrongState
from satcom.core.events import announce
from satcom.core.idempotency import Answer
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import Body, TmfRoutes, once, read_json
from satcom.core.tmf_openapi import write_operation
from satcom.core.values import Json, Money, Reference, reference
from satcom.enterprise.numbering import next_reference
from satcom.enterprise.party import operator_of
from satcom.supplychain.partner import Supplier
from satcom.supplychain.stock import (
    MAX_SERIAL_NUMBERS,
    Depot,
    StockedTerminal,
    StockItem,
    check_serial_numbers,
    free_terminals,
    hold_received,
    new_terminal,
    receive_stock,
    release_terminal,
)

PURCHASE_NUMBERS = NumberSequence("purchase_order_number", metadata=SQLModel.metadata)
Named = TypeVar("Named", bound=Entity)


class PurchaseOrderState(StrEnum):
    ORDERED = "ordered"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class PurchaseOrder(Entity, table=True):
    """One terminal, bought for one customer order. `order_id` and `for_party_id` belong to the layer of the market."""

    __tablename__ = "purchase_order"
    __table_args__ = (
        Index(
            "bought_once_for_an_order",
            "order_id",
            "terminal_type_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
    )

    reference: str = Field(unique=True, max_length=40)
    state: PurchaseOrderState = Field(default=PurchaseOrderState.ORDERED, sa_type=state_type(PurchaseOrderState))
    supplier_id: str = Field(foreign_key="supplier.id", index=True, sa_type=id_type())
    depot_id: str = Field(foreign_key="depot.id", sa_type=id_type())
    stock_item_id: str = Field(foreign_key="stock_item.id", sa_type=id_type())
    terminal_type_id: str = Field(sa_type=id_type())
    terminal_type_name: str = Field(max_length=200)
    quantity: int = Field(default=1, ge=1, le=1)
    price: Money | None = Field(default=None, sa_type=JsonOf(Money))
    order_id: str = Field(index=True, sa_type=id_type())
    for_party_id: str | None = Field(default=None, sa_type=id_type())
    order_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    expected_delivery_date: datetime = Field(sa_type=INSTANT)
    delivery_date: datetime | None = Field(default=None, sa_type=INSTANT)
    serial_number: str | None = Field(default=None, max_length=100)
    cancellation_reason: str | None = Field(default=None, max_length=1000)

    api: ClassVar = own("supplyChain/v1", "purchaseOrder", Capability.READ_SUPPLY)
    life_cycle: ClassVar = LifeCycle[PurchaseOrderState](
        PurchaseOrderState,
        ("ordered", "delivered", "the goods came"),
        ("ordered", "cancelled", "the customer's order was undone"),
    )


class GoodsReceipt(Entity, table=True):
    """What came to a depot: for a purchase order, or to fill up a stock item."""

    __tablename__ = "goods_receipt"

    purchase_order: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    stock_item: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    serial_number: list[str] = Field(sa_type=JsonOf(list[str]))
    receipt_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    received_by: str = Field(max_length=200)

    api: ClassVar = own("supplyChain/v1", "goodsReceipt", Capability.READ_SUPPLY)


class ReceivedGoods(BaseModel):
    """What a client sends to record a receipt: exactly one of purchase order and stock item."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    purchase_order: Reference | None = None
    stock_item: Reference | None = None
    serial_number: list[str] = Field(min_length=1, max_length=MAX_SERIAL_NUMBERS)


@dataclass(frozen=True)
class TerminalDelivered:
    """The terminal that a customer order waited for is in stock and held for it."""

    order_id: str
    purchase_order_id: str
    stocked_terminal_id: str
    serial_number: str


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
    purchase = PurchaseOrder(
        reference=next_reference(session, PURCHASE_NUMBERS, "PU"),
        supplier_id=depot.supplier_id,
        depot_id=depot.id,
        stock_item_id=item.id,
        terminal_type_id=item.terminal_type_id,
        terminal_type_name=item.terminal_type_name,
        price=price,
        order_id=order_id,
        for_party_id=party_id,
        expected_delivery_date=now() + timedelta(days=item.lead_time_days),
        party_id=operator_of(session).organization_id,
    )
    session.add(purchase)
    session.flush()
    return purchase


def purchase_for(session: Session, order_id: str, terminal_type_id: str | None = None) -> PurchaseOrder | None:
    """The purchase order that was made for a customer order and not cancelled, locked."""
    in_force = col(PurchaseOrder.state) != PurchaseOrderState.CANCELLED
    query = select(PurchaseOrder).where(PurchaseOrder.order_id == order_id, in_force)
    if terminal_type_id is not None:
        query = query.where(PurchaseOrder.terminal_type_id == terminal_type_id)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()


def receive(session: Session, purchase: PurchaseOrder, serial_numbers: Sequence[str], by: Principal) -> StockedTerminal:
    """The goods came: they are in stock and held for the order they were bought for, which is told.

    Raises `Refused` on the serial numbers, `WrongState` when the order was delivered or cancelled before.
    """
    if purchase.state is not PurchaseOrderState.ORDERED:
        accepted = "a receipt for the stock item" if purchase.state is PurchaseOrderState.CANCELLED else None
        raise WrongState("/purchaseOrder/id", f"{purchase.reference} is {purchase.state}", purchase.state, accepted)
    if len(serial_numbers) != purchase.quantity:
        why = f"{purchase.reference} is for {purchase.quantity}, and {len(serial_numbers)} came"
        raise RuleRefused("/serialNumber", why, "wrongQuantity", f"{purchase.quantity} serial number")
    check_serial_numbers(session, serial_numbers)
    terminal = new_terminal(find(session, StockItem, purchase.stock_item_id), serial_numbers[0])
    hold_received(session, terminal, purchase.order_id, purchase.for_party_id)
    move(purchase, PurchaseOrderState.DELIVERED)
    purchase.delivery_date, purchase.serial_number = now(), terminal.serial_number
    session.add(purchase)
    session.flush()
    announce(session, TerminalDelivered(purchase.order_id, purchase.id, terminal.id, terminal.serial_number))
    return terminal


def cancel_purchase(session: Session, order_id: str, because: str) -> None:
    """Undo what was bought for a customer order: what came stays in stock for others. Again, it does nothing."""
    purchase = purchase_for(session, order_id)
    if purchase is None:
        return
    if purchase.state is PurchaseOrderState.DELIVERED:
        release_terminal(session, order_id)
        return
    move(purchase, PurchaseOrderState.CANCELLED)
    purchase.cancellation_reason = because
    session.add(purchase)
    session.flush()


def record_receipt(session: Session, goods: ReceivedGoods, by: Principal) -> GoodsReceipt:
    """Goods came to a depot, for a purchase order or for the shelf.

    Raises `Refused` on an order or item that does not exist, when both or none is named, and on the serial numbers.
    """
    if (goods.purchase_order is None) == (goods.stock_item is None):
        why = "the receipt names both or neither"
        raise Refused("/purchaseOrder", why, "exactlyOne", "either purchaseOrder or stockItem")
    receipt = GoodsReceipt(
        serial_number=list(goods.serial_number), received_by=by.name, party_id=operator_of(session).organization_id
    )
    if goods.purchase_order is not None:
        purchase = _named(session, PurchaseOrder, goods.purchase_order, "/purchaseOrder/id")
        receive(session, purchase, goods.serial_number, by)
        receipt.purchase_order = reference(purchase.id, "PurchaseOrder", purchase.href, purchase.reference)
    elif goods.stock_item is not None:
        item = _named(session, StockItem, goods.stock_item, "/stockItem/id")
        receive_stock(session, item, goods.serial_number, by)
        receipt.stock_item = reference(item.id, "StockItem", item.href, item.terminal_type_name)
    session.add(receipt)
    session.flush()
    return receipt


def _named(session: Session, kind: type[Named], given: Reference, pointer: str) -> Named:
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


def _goods(body: dict[str, Json]) -> ReceivedGoods:
    try:
        return ReceivedGoods.model_validate(body)
    except ValidationError as error:
        faults = []
        for one in error.errors(include_url=False, include_context=False):
            code = {"missing": "missing", "extra_forbidden": "unknownAttribute"}.get(one["type"], "invalid")
            faults.append(Fault("/" + "/".join(str(step) for step in one["loc"]), one["msg"], code))
        raise Refused.all(faults) from error


routes = TmfRoutes(PurchaseOrder)
receipt_routes = TmfRoutes(GoodsReceipt)


@receipt_routes.router.post(
    GoodsReceipt.api.path,
    status_code=201,
    name="create goodsReceipt",
    openapi_extra=write_operation(GoodsReceipt.api, "create"),
)
def create_goods_receipt(request: Request, body: Body) -> Response:
    """Record that goods came. The same idempotency key gives the same answer."""

    def act(session: Session, principal: Principal) -> Answer:
        receipt = record_receipt(session, _goods(read_json(body)), principal)
        return Answer(201, {"Location": receipt.href, "ETag": f'"{receipt.version}"'}, wire(receipt))

    return once(request, body, Capability.SUPPLY, act)
