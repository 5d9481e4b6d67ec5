"""Product orders: what a customer asked for, how far it has come, and whether it can still be stopped.

An order is checked whole against the catalogue and answered at once; delivery goes on in a flow, which alone moves the
order (`order_delivery`): rejected when it cannot be delivered, failed when delivery broke after it had begun. One item
is taken in this release: it adds a product, or changes or ends one (`order_of_change`), which one order at a time may
do; the database promises that. Cancelling is asked by a task of its own; whoever delivers says whether it still can.
Words: TMF622. The chosen solution is kept with the service order; the order keeps its price.
An order may take up a `reservation` that was made by hand for its customer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime
from sqlalchemy import Index, Sequence, String, or_, text, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, state_type, tmf
from satcom.core.errors import Fault, Refused, RuleRefused, WrongState
from satcom.core.events import announce, on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Note, Reference, RelatedParty, instant_text, reference
from satcom.enterprise.note import signed
from satcom.enterprise.numbering import next_reference
from satcom.market.account.account import AccountToBeClosed, AccountToBeDeleted
from satcom.market.booking import check_booking
from satcom.market.inventory import Product
from satcom.market.late_cancellation import late_cancellation
from satcom.market.order_item import (
    DELETE,
    ITEM,
    MODIFY,
    FaultsFound,
    OrderItem,
    check_completion,
    check_dates,
    check_item,
    customer_among,
    only_item,
)
from satcom.market.order_of_change import PRODUCT, check_change
from satcom.market.order_reservation import check_reservation
from satcom.market.solution_price import ChargePrice


class OrderState(StrEnum):
    """TMF622 `ProductOrderStateType`."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"
    ASSESSING_CANCELLATION = "assessingCancellation"
    PENDING_CANCELLATION = "pendingCancellation"


ENDED = frozenset(
    {OrderState.REJECTED, OrderState.CANCELLED, OrderState.COMPLETED, OrderState.FAILED, OrderState.PARTIAL}
)
CANCELLABLE = frozenset({OrderState.ACKNOWLEDGED, OrderState.PENDING, OrderState.HELD, OrderState.IN_PROGRESS})
NOT_BEGUN = frozenset({OrderState.ACKNOWLEDGED, OrderState.PENDING})
TOO_LATE = "tooLate"
AMENDABLE = ("description", "externalId", "note", "notificationContact", "requestedCompletionDate")
_OPEN = "state NOT IN (" + ", ".join(f"'{one}'" for one in sorted(ENDED)) + ")"
ORDER_NUMBERS = Sequence("product_order_number", metadata=SQLModel.metadata)


class ProductOrder(Entity, table=True):
    """What a customer asked for. `reference` is the number that people use."""

    __tablename__ = "product_order"
    __table_args__ = (Index("one_change_at_a_time", "changed_product_id", unique=True, postgresql_where=text(_OPEN)),)

    api: ClassVar = tmf("TMF622", "ProductOrder", Capability.READ_ORDERS)
    private: ClassVar[frozenset[str]] = frozenset({"changed_product_id"})
    extensions: ClassVar[frozenset[str]] = frozenset({"reservation"})
    life_cycle: ClassVar = LifeCycle[OrderState](
        OrderState,
        ("acknowledged", "inProgress", "it can be delivered, and everything it needs is held"),
        ("acknowledged", "pending", "something is missing that the customer brings"),
        ("acknowledged", "held", "a person has to judge before it can be promised"),
        ("acknowledged", "rejected", "it cannot be delivered"),
        ("acknowledged", "assessingCancellation", "the customer no longer wants it"),
        ("pending", "acknowledged", "what was missing is there"),
        ("pending", "inProgress", "what was missing is there"),
        ("pending", "rejected", "what was missing did not come"),
        ("pending", "assessingCancellation", "the customer no longer wants it"),
        ("inProgress", "held", "delivery waits for a date, a shipment or a person"),
        ("inProgress", "completed", "the product is handed over"),
        ("inProgress", "partial", "some items are delivered, the others cannot be"),
        ("inProgress", "failed", "delivery broke and was undone"),
        ("inProgress", "assessingCancellation", "the customer no longer wants it"),
        ("held", "inProgress", "the wait is over"),
        ("held", "acknowledged", "a person has judged, and it is not promised yet"),
        ("held", "failed", "what was waited for did not come; what was done is undone"),
        ("held", "assessingCancellation", "the customer no longer wants it"),
        ("assessingCancellation", "pendingCancellation", "it can still be stopped"),
        ("pendingCancellation", "cancelled", "what was done is undone"),
        ("pendingCancellation", "failed", "what was done could not all be undone"),
    )

    reference: str = Field(default="", max_length=40, unique=True, sa_type=String(40))
    external_id: str | None = Field(default=None, max_length=200, index=True, sa_type=String(200))
    state: OrderState = Field(default=OrderState.ACKNOWLEDGED, sa_type=state_type(OrderState), index=True)
    order_date: AwareDatetime = Field(default_factory=now, sa_type=INSTANT, index=True)
    requested_start_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    requested_completion_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    expected_completion_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    completion_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    cancellation_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    cancellation_reason: str | None = Field(default=None, max_length=1000)
    billing_account: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    product_order_item: list[OrderItem] = Field(min_length=1, sa_type=JsonOf(list[OrderItem]))
    order_total_price: list[ChargePrice] = Field(default_factory=list, sa_type=JsonOf(list[ChargePrice]))
    note: list[Note] = Field(default_factory=list, sa_type=JsonOf(list[Note]))
    changed_product_id: str | None = Field(default=None, sa_type=id_type())
    reservation: Reference | None = Field(default=None, sa_type=JsonOf(Reference))

    @property
    def item(self) -> OrderItem:
        """The one item."""
        return self.product_order_item[0]


class CancellationState(StrEnum):
    """TMF622 `TaskStateType`."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    DONE = "done"
    TERMINATED_WITH_ERROR = "terminatedWithError"


class CancelProductOrder(Entity, table=True):
    """The wish to stop an order, and what came of it. One that comes too late is refused and not kept."""

    __tablename__ = "cancel_product_order"

    api: ClassVar = tmf("TMF622", "CancelProductOrder", Capability.READ_ORDERS)
    private: ClassVar[frozenset[str]] = frozenset({"order_id"})
    life_cycle: ClassVar = LifeCycle[CancellationState](
        CancellationState,
        ("acknowledged", "inProgress", "what was done is being undone"),
        ("inProgress", "done", "the order is cancelled"),
        ("inProgress", "terminatedWithError", "something could not be undone; a person has it"),
    )

    state: CancellationState = Field(default=CancellationState.ACKNOWLEDGED, sa_type=state_type(CancellationState))
    product_order: Reference = Field(sa_type=JsonOf(Reference))
    order_id: str | None = Field(default=None, foreign_key="product_order.id", unique=True, sa_type=id_type())
    cancellation_reason: str | None = Field(default=None, max_length=1000)
    requested_cancellation_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    effective_cancellation_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)


@dataclass(frozen=True)
class ProductOrderCreated:
    """An order was accepted; whoever delivers begins, in the same transaction."""

    order: ProductOrder


@dataclass(frozen=True)
class CancellationRequested:
    """Whoever delivers begins to undo, or raises `Refused` when it is too late."""

    order: ProductOrder


@dataclass(frozen=True)
class CancellationAsked:
    """Whoever delivers raises `Refused` when it is too late to cancel the order; nothing is done."""

    order: ProductOrder


# Commands of those who order


def place_order(session: Session, order: ProductOrder, by: Principal) -> ProductOrder:
    """Accept an order and have it delivered. It belongs to its customer.

    Raises `Refused` or `RuleRefused` with every fault, each under the pointer of its field.
    """
    found = FaultsFound()
    found.faults += _derived_faults(order)
    with found.gathering():
        check_dates(session, order.requested_start_date, order.requested_completion_date)
    with found.gathering():
        order.related_party, customer = customer_among(session, order.related_party, by)
        order.party_id = customer.engaged_party.id
        _accept_item(session, order, order.party_id)
        if order.reservation is not None:
            order.reservation = check_reservation(session, order.reservation, order.item.action, order.party_id)
        _check_booking(order)
    with found.gathering():
        order.note = signed(order.note, [], by)
    found.refuse()
    order.reference = next_reference(session, ORDER_NUMBERS, "PO")
    order.order_date = now()
    session.info["order_reference"] = order.reference
    with _alone(order):
        session.add(order)
        session.flush()
    announce(session, ProductOrderCreated(order))
    return order


def _check_booking(order: ProductOrder) -> None:
    item, start = order.item, order.requested_start_date
    check_booking(item.characteristics, start, item.term_months, "/requestedStartDate", f"{ITEM}/itemTerm")


def _accept_item(session: Session, order: ProductOrder, party_id: str) -> None:
    """The order's item, checked and complete. Raises `Refused` or `RuleRefused` with every fault."""
    item = only_item(order.product_order_item)
    if item.action not in (MODIFY, DELETE):
        item, order.billing_account = check_item(session, item, order.billing_account, party_id)
        order.product_order_item = [item]
        return
    if item.action == DELETE and order.requested_start_date is not None:
        why = "what ends has no start; its last day is requestedCompletionDate"
        raise RuleRefused("/requestedStartDate", why, "notOffered", "nothing")
    changed = check_change(session, item, order.billing_account, party_id, order.requested_completion_date)
    check_alone(session, changed.product)
    order.product_order_item, order.billing_account = [changed.item], changed.account
    order.order_total_price, order.changed_product_id = changed.item.item_total_price, changed.product.id
    order.expected_completion_date = changed.ends_at


def check_alone(session: Session, product: Product) -> None:
    """Raises `RuleRefused` while another order adds, changes or ends the product."""
    about = or_(col(ProductOrder.changed_product_id) == product.id, col(ProductOrder.id) == product.order_id)
    other = session.exec(select(ProductOrder).where(about, col(ProductOrder.state).not_in(ENDED))).first()
    if other is not None:
        why = f"order {other.reference} ({other.item.action}) is {other.state}: one change of a product at a time"
        raise RuleRefused(PRODUCT, why, "underChange", "a product that no open order is about")


@contextmanager
def _alone(order: ProductOrder) -> Iterator[None]:
    """Two that change a product at the same time: the database lets one of them."""
    try:
        yield
    except IntegrityError as error:
        if "one_change_at_a_time" not in str(error.orig):
            raise
        why = "another order that changes the product was placed just now"
        raise RuleRefused(PRODUCT, why, "underChange", "a product that no open order is about") from error


def _derived_faults(order: ProductOrder) -> list[Fault]:
    """What only the delivery of an order can say of it."""
    derived = {
        "cancellationDate": order.cancellation_date,
        "cancellationReason": order.cancellation_reason,
        "completionDate": order.completion_date,
        "expectedCompletionDate": order.expected_completion_date,
        "orderTotalPrice": order.order_total_price or None,
    }
    why = "it follows from what happens to the order"
    return [Fault(f"/{name}", why, "derived", "nothing") for name, value in derived.items() if value is not None]


def amend_order(session: Session, order: ProductOrder, patch: dict[str, Json], by: Principal) -> ProductOrder:
    """Change what does not touch delivery. Notes are added, never taken away.

    Raises `RuleRefused` on anything else, `WrongState` on a date that comes too late or an order that ended.
    """
    for name in patch:
        if name not in AMENDABLE and name != "state":
            why = "the order is being delivered as it was placed; cancel it and place another"
            raise RuleRefused(f"/{name}", why, "fixed", ", ".join(AMENDABLE))
    if order.state in ENDED and set(patch) - {"note"}:
        raise WrongState("/state", f"order {order.reference} is {order.state}", "ended", "note")
    if "requestedCompletionDate" in patch and order.item.action == DELETE:
        why = "the last day follows from the notice that was given; cancel the order and place another"
        raise RuleRefused("/requestedCompletionDate", why, "fixed", "nothing")
    if "requestedCompletionDate" in patch and order.state not in NOT_BEGUN:
        why = f"order {order.reference} is {order.state}: its dates are planned"
        raise WrongState("/requestedCompletionDate", why, "begun", ", ".join(sorted(NOT_BEGUN)))
    session.info["order_reference"] = order.reference
    before = order.note
    change(order, patch)
    lost = [one for one in before if one not in order.note]
    if lost:
        order.note = before
        raise RuleRefused("/note", f"{len(lost)} notes would be lost", "notesLost", "all earlier notes and new ones")
    order.note = signed(order.note, before, by)
    if "requestedCompletionDate" in patch:  # what was asked for when the order was placed may be over by now
        check_completion(session, order.requested_start_date, order.requested_completion_date)
    session.flush()
    return order


def cancel_order(session: Session, cancel: CancelProductOrder, by: Principal) -> CancelProductOrder:
    """Stop an order. What was done for it is undone by whoever delivers, which may take a while.

    Raises `Refused` when there is no such order, `WrongState` when it has ended or is being cancelled; whoever
    delivers raises `Refused` past the point of no return. Then nothing is kept.
    """
    order = _cancellable(session, cancel.product_order.id)
    asked_for = cancel.requested_cancellation_date
    if asked_for is not None and asked_for > now() + timedelta(days=1):
        why = f"a cancellation takes effect at once, not on {instant_text(asked_for)}"
        raise RuleRefused("/requestedCancellationDate", why, "tooLate", "now, or nothing")
    session.info["order_reference"] = order.reference
    # whoever delivers locks its plan, then the order; so here, too: the row that names the order comes after both
    announce(session, CancellationRequested(order))
    _check_cancellable(session, find_for_update(session, ProductOrder, order.id))
    cancel.party_id, cancel.order_id = order.party_id, order.id
    cancel.product_order = reference(order.id, "ProductOrder", order.href, order.reference)
    session.add(cancel)
    session.flush()
    move_order(order, OrderState.ASSESSING_CANCELLATION)
    order.cancellation_reason = cancel.cancellation_reason
    move(cancel, CancellationState.IN_PROGRESS)
    move_order(order, OrderState.PENDING_CANCELLATION)
    session.flush()
    return cancel


def _cancellable(session: Session, order_id: str) -> ProductOrder:
    try:
        order = find(session, ProductOrder, order_id)
    except Refused as error:
        why = f"there is no product order {order_id[:80]!r}"
        raise Refused("/productOrder/id", why, "notFound", "the id of an order of yours") from error
    _check_cancellable(session, order)
    return order


def too_late(session: Session, order: ProductOrder) -> WrongState:
    """What the order did is not cancelled any more: how that is ended instead, and what it costs."""
    late = late_cancellation(session, order.id, order.reference, order.item)
    return WrongState("/productOrder/id", late.why, TOO_LATE, late.instead)


def check_stoppable(session: Session, order: ProductOrder) -> None:
    """Raises `WrongState` where a cancellation would be refused now: as `TOO_LATE`, or because the order has ended."""
    _check_cancellable(session, order)
    announce(session, CancellationAsked(order))


def _check_cancellable(session: Session, order: ProductOrder) -> None:
    if order.state is OrderState.COMPLETED:
        raise too_late(session, order)
    if order.state not in CANCELLABLE:
        why = f"order {order.reference} is {order.state}"
        raise WrongState("/productOrder/id", why, "notCancellable", ", ".join(sorted(CANCELLABLE)))


def move_order(order: ProductOrder, state: OrderState) -> None:
    """Move the order, and its item with it."""
    move(order, state)
    if order.item.state != state.value:
        order.product_order_item = [order.item.model_copy(update={"state": state.value})]


@on(AccountToBeClosed)
def keep_accounts_of_open_orders(session: Session, event: AccountToBeClosed) -> None:
    """An account that an open order will be charged to stays open."""
    account = type_coerce(col(ProductOrder.billing_account), JSONB)
    query = select(ProductOrder).where(
        account.contains({"id": event.account_id}), col(ProductOrder.state).not_in(ENDED)
    )
    order = session.exec(query).first()
    if order is not None:
        raise RuleRefused("/state", f"order {order.reference} is {order.state} and will be charged to it", "inUse")


@on(AccountToBeDeleted)
def keep_ordered_accounts(session: Session, event: AccountToBeDeleted) -> None:
    """An account that anything was ever ordered on stays."""
    account = type_coerce(col(ProductOrder.billing_account), JSONB)
    order = session.exec(select(ProductOrder).where(account.contains({"id": event.account_id}))).first()
    if order is not None:
        raise RuleRefused("id", f"order {order.reference} names it", "inUse", "close the account instead")


routes = TmfRoutes(ProductOrder)
routes.post(place_order, may=Capability.ORDER)
routes.patch(amend_order, may=Capability.ORDER)

cancel_routes = TmfRoutes(CancelProductOrder)
cancel_routes.post(cancel_order, may=Capability.ORDER)
