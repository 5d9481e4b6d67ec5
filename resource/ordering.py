"""Resource orders: what a product order does to the network, item by item.

A resource order is made by the flow of a product order and read by API; no client makes one, so there is no route to
write it. Each item is one thing: a slot, a hub port, the configuration of a terminal. The order's state follows from
those of its items.
Words: TMF652.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field as ValueField
from sqlalchemy import Index, text
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, state_type, tmf
from satcom.core.errors import NotFound, Refused, WrongState
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Note, RelatedParty, Value
from satcom.enterprise.note import operators_note
from satcom.resource.hold import Owner
from satcom.resource.reservation import Held
from satcom.resource.resource import Resource


class ResourceOrderState(StrEnum):
    """TMF652 gives no enumeration; these are its neighbours' (TMF641)."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({ResourceOrderState.COMPLETED, ResourceOrderState.FAILED, ResourceOrderState.CANCELLED})
ITEM_MOVES = LifeCycle[ResourceOrderState](
    ResourceOrderState,
    ("acknowledged", "inProgress", "work on it began"),
    ("acknowledged", "cancelled", "the order was cancelled before"),
    ("acknowledged", "failed", "it could not be begun"),
    ("inProgress", "completed", "done"),
    ("inProgress", "failed", "it could not be done"),
    ("inProgress", "cancelled", "taken back half way"),
    ("completed", "cancelled", "taken back"),
)


class OrderedResource(Value):
    """TMF652 `ResourceRefOrValue`: the resource that an item is about."""

    id: str
    href: str
    name: str | None = None
    category: str | None = None


class ResourceOrderItem(Value):
    """TMF652 `ResourceOrderItem`. `action` is add, modify or delete."""

    id: str
    action: str
    quantity: int = 1
    state: ResourceOrderState = ResourceOrderState.ACKNOWLEDGED
    resource: OrderedResource


class ResourceOrder(Entity, table=True):
    """What one product order does to the network. The product order's id is the `externalId`."""

    __tablename__ = "resource_order"
    __table_args__ = (
        Index(
            "one_resource_order_per_product_order",
            "external_id",
            unique=True,
            postgresql_where=text("state NOT IN ('cancelled', 'failed')"),
        ),
    )

    external_id: str = Field(index=True, sa_type=id_type())
    name: str = Field(max_length=200)
    state: ResourceOrderState = Field(default=ResourceOrderState.ACKNOWLEDGED, sa_type=state_type(ResourceOrderState))
    order_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    requested_start_date: datetime | None = Field(default=None, sa_type=INSTANT)
    requested_completion_date: datetime | None = Field(default=None, sa_type=INSTANT)
    start_date: datetime | None = Field(default=None, sa_type=INSTANT)
    completion_date: datetime | None = Field(default=None, sa_type=INSTANT)
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    order_item: list[ResourceOrderItem] = Field(default_factory=list, sa_type=JsonOf(list[ResourceOrderItem]))
    note: list[Note] = Field(default_factory=list, sa_type=JsonOf(list[Note]))

    api: ClassVar = tmf("TMF652", "ResourceOrder", Capability.READ_NETWORK)
    life_cycle: ClassVar = ITEM_MOVES


class Ordered(Value):
    """One thing to be done: which resource, and what (add, modify, delete)."""

    resource: OrderedResource
    action: str = ValueField(default="add", pattern="^(add|modify|delete)$")


def ordered(resource: Resource, action: str = "add") -> Ordered:
    """An item about `resource`."""
    about = OrderedResource(id=resource.id, href=resource.href, name=resource.name, category=type(resource).__name__)
    return Ordered(resource=about, action=action)


def items_of(held: Held, *others: Resource) -> list[Ordered]:
    """The items for what a reservation holds, and for other resources, as the terminal."""
    return [ordered(one) for one in [*held.holds, *others]]


def place_resource_order(
    session: Session,
    owner: Owner,
    items: Sequence[Ordered],
    requested_start_date: datetime | None = None,
    requested_completion_date: datetime | None = None,
) -> ResourceOrder:
    """Order these things of the network. Asked again for the same product order, it gives the same order.

    Raises `Refused` on `/orderItem` when there is none, on `/externalId` without a product order.
    """
    if owner.order_id is None:
        raise Refused("/externalId", "a resource order belongs to a product order", "missing")
    placed = resource_order_of(session, owner.order_id)
    if placed is not None:
        return placed
    if not items:
        raise Refused("/orderItem", "nothing is ordered", "missing", "at least one item")
    order = ResourceOrder(
        external_id=owner.order_id,
        name=f"Network of {owner.order_reference or owner.order_id}",
        party_id=owner.party_id,
        requested_start_date=requested_start_date,
        requested_completion_date=requested_completion_date,
        related_party=owner.related_party(),
        order_item=[
            ResourceOrderItem(id=str(number), action=one.action, resource=one.resource)
            for number, one in enumerate(items, start=1)
        ],
    )
    session.add(order)
    session.flush()
    return order


def resource_order_of(session: Session, product_order_id: str) -> ResourceOrder | None:
    """The resource order of a product order that was not cancelled and did not fail."""
    gone = col(ResourceOrder.state).in_([ResourceOrderState.CANCELLED, ResourceOrderState.FAILED])
    return session.exec(select(ResourceOrder).where(ResourceOrder.external_id == product_order_id, ~gone)).first()


def redate_resource_order(session: Session, product_order_id: str, start_at: datetime) -> None:
    """It is to begin on another day, where it is placed already."""
    placed = resource_order_of(session, product_order_id)
    if placed is not None:
        placed.requested_start_date = start_at
        session.flush()


def begin_resource_order(session: Session, order_id: str) -> ResourceOrder:
    """Work on every item begins. Doing it again does nothing. Raises `WrongState` when it ended."""
    order = find_for_update(session, ResourceOrder, order_id)
    for item in order.order_item:
        if item.state is ResourceOrderState.ACKNOWLEDGED:
            _set_item(order, item.id, ResourceOrderState.IN_PROGRESS)
    return _settle(session, order)


def move_item(session: Session, order_id: str, resource_id: str, state: ResourceOrderState) -> ResourceOrder:
    """Note what became of the item about a resource; doing it again does nothing.

    Raises `WrongState`, and `NotFound` when no item is about it.
    """
    order = find_for_update(session, ResourceOrder, order_id)
    item = next((one for one in order.order_item if one.resource.id == resource_id), None)
    if item is None:
        raise NotFound("item about", resource_id)
    _set_item(order, item.id, state)
    return _settle(session, order)


def complete_resource_order(session: Session, order_id: str) -> ResourceOrder:
    """Everything is done. Doing it again does nothing. Raises `WrongState` when an item failed or was cancelled."""
    begin_resource_order(session, order_id)
    order = find_for_update(session, ResourceOrder, order_id)
    for item in order.order_item:
        _set_item(order, item.id, ResourceOrderState.COMPLETED)
    return _settle(session, order)


def cancel_resource_order(session: Session, order_id: str, because: str) -> ResourceOrder:
    """Everything is taken back. Doing it again does nothing; what failed stays failed."""
    order = find_for_update(session, ResourceOrder, order_id)
    if order.state is ResourceOrderState.CANCELLED:
        return order
    for item in order.order_item:
        if item.state is not ResourceOrderState.FAILED:
            _set_item(order, item.id, ResourceOrderState.CANCELLED)
    order.note = [*order.note, operators_note(because)]
    return _settle(session, order)


def _set_item(order: ResourceOrder, item_id: str, state: ResourceOrderState) -> None:
    """Move one item along `ITEM_MOVES`."""
    items = []
    for index, item in enumerate(order.order_item):
        if item.id == item_id and item.state is not state:
            if state not in ITEM_MOVES.moves[item.state]:
                allowed = ", ".join(ITEM_MOVES.allowed(item.state)) or "none"
                why = f"an item cannot go from {item.state} to {state}"
                raise WrongState(f"/orderItem/{index}/state", why, "illegalMove", allowed)
            item = item.model_copy(update={"state": state})
        items.append(item)
    order.order_item = items


def _settle(session: Session, order: ResourceOrder) -> ResourceOrder:
    """The order's own state, from those of its items."""
    states = {item.state for item in order.order_item}
    open_items = states - ENDED
    if ResourceOrderState.FAILED in states and not open_items:
        target = ResourceOrderState.FAILED
    elif states == {ResourceOrderState.COMPLETED}:
        target = ResourceOrderState.COMPLETED
    elif states <= ENDED and ResourceOrderState.CANCELLED in states:
        target = ResourceOrderState.CANCELLED
    elif states == {ResourceOrderState.ACKNOWLEDGED}:
        target = ResourceOrderState.ACKNOWLEDGED
    else:
        target = ResourceOrderState.IN_PROGRESS
    if target is ResourceOrderState.COMPLETED and order.state is ResourceOrderState.ACKNOWLEDGED:
        move(order, ResourceOrderState.IN_PROGRESS)
    move(order, target)
    order.start_date = order.start_date or (now() if target is not ResourceOrderState.ACKNOWLEDGED else None)
    order.completion_date = (order.completion_date or now()) if target in ENDED else None
    session.add(order)
    session.flush()
    return order


routes = TmfRoutes(ResourceOrder)
