"""Goods receipts: what was unpacked in a depot, held against what was to come.

A receipt is for a shipment, for a purchase order whose supplier announced none, for the return of a terminal, or for
the shelf. It is written once; a serial number that was not to come is refused, and nothing of the receipt counts.
"""

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, own
from satcom.core.errors import Refused
from satcom.core.own_body import OwnBody
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Reference, reference
from satcom.enterprise.party import operator_of
from satcom.supplychain.equipment_return import EquipmentReturn, named_return, receive_return
from satcom.supplychain.procurement import PurchaseOrder, check_number, check_open, named, receive
from satcom.supplychain.shipment import Shipment, named_shipment, receive_shipment, still_to_ship
from satcom.supplychain.stock import MAX_SERIAL_NUMBERS, StockItem, receive_stock

ONE_OF = "one of shipment, purchaseOrder, equipmentReturn and stockItem"


class GoodsReceipt(Entity, table=True):
    """What came to a depot, and for what."""

    __tablename__ = "goods_receipt"

    purchase_order: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    stock_item: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    shipment: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    equipment_return: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    serial_number: list[str] = Field(sa_type=JsonOf(list[str]))
    receipt_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    received_by: str = Field(max_length=200)

    api: ClassVar = own("supplyChain/v1", "goodsReceipt", Capability.READ_SUPPLY)


class ReceivedGoods(OwnBody):
    """What a client sends to record a receipt: exactly one thing that it is for."""

    purchase_order: Reference | None = None
    stock_item: Reference | None = None
    shipment: Reference | None = None
    equipment_return: Reference | None = None
    serial_number: list[str] = Field(min_length=1, max_length=MAX_SERIAL_NUMBERS)


def record_receipt(session: Session, goods: ReceivedGoods, by: Principal) -> GoodsReceipt:
    """Goods came to a depot.

    Raises `Refused` when it is not said for what one thing, or that does not exist, and on the serial numbers.
    """
    wanted = (goods.purchase_order, goods.stock_item, goods.shipment, goods.equipment_return)
    if len([one for one in wanted if one is not None]) != 1:
        raise Refused(
            "/purchaseOrder", "the receipt does not name exactly one thing that it is for", "exactlyOne", ONE_OF
        )
    receipt = GoodsReceipt(
        serial_number=list(goods.serial_number), received_by=by.name, party_id=operator_of(session).organization_id
    )
    if goods.purchase_order is not None:
        _for_purchase(session, receipt, goods.purchase_order)
    elif goods.shipment is not None:
        shipment = named(session, Shipment, goods.shipment, "/shipment/id")
        receipt.shipment = named_shipment(shipment)
        receive_shipment(session, shipment, goods.serial_number, _kept(session, receipt, shipment.reference))
    elif goods.equipment_return is not None:
        returned = named(session, EquipmentReturn, goods.equipment_return, "/equipmentReturn/id")
        receipt.equipment_return = named_return(returned)
        receive_return(session, returned, goods.serial_number, _kept(session, receipt, returned.reference))
    elif goods.stock_item is not None:
        item = named(session, StockItem, goods.stock_item, "/stockItem/id")
        receipt.stock_item = reference(item.id, "StockItem", item.href, item.terminal_type_name)
        receive_stock(session, item, goods.serial_number, _kept(session, receipt, item.terminal_type_name))
    return receipt


def _for_purchase(session: Session, receipt: GoodsReceipt, given: Reference) -> None:
    purchase = named(session, PurchaseOrder, given, "/purchaseOrder/id")
    check_open(purchase)
    check_number(purchase, len(receipt.serial_number), still_to_ship(session, purchase))  # a shipment has its own
    receipt.purchase_order = reference(purchase.id, "PurchaseOrder", purchase.href, purchase.reference)
    receive(session, purchase, receipt.serial_number, _kept(session, receipt, purchase.reference))


def _kept(session: Session, receipt: GoodsReceipt, what: str) -> Reference:
    """The receipt as the document of what it moves."""
    session.add(receipt)
    session.flush()
    return reference(receipt.id, "GoodsReceipt", receipt.href, f"receipt of {what}")


routes = TmfRoutes(GoodsReceipt)
routes.post(record_receipt, may=Capability.SUPPLY, reads=ReceivedGoods)
