"""Service orders: what a product order wants of the network, and the solution that it gets.

A service order is made by the flow of a product order and read by API; no client makes one in this release, so there is
no route to write it. It keeps the solution that it was placed with, on record; the flow has its own.
Words: TMF641.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime
from sqlalchemy import Index, text
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, state_type, tmf
from satcom.core.errors import NotFound, RuleRefused
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Instant, Reference, RelatedParty, Value
from satcom.service.inventory import Service
from satcom.service.solution import Chosen

ADD, MODIFY, DELETE = "add", "modify", "delete"


class ServiceOrderState(StrEnum):
    """TMF641 `ServiceOrderStateType`."""

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


class OrderedService(Value):
    """TMF641 `ServiceRefOrValue`: the service as it is ordered."""

    id: str
    href: str | None = None
    name: str | None = None
    service_specification: Reference | None = None
    service_characteristic: list[Characteristic] = Field(default_factory=list)


class ServiceOrderItem(Value):
    """TMF641 `ServiceOrderItem`."""

    id: str
    action: str
    state: ServiceOrderState
    service: OrderedService


class OrderError(Value):
    """TMF641 `ServiceOrderErrorMessage`: why the order failed."""

    code: str
    reason: str
    timestamp: Instant


class ServiceOrder(Entity, table=True):
    """One service for one product order, whose id is the `externalId`."""

    __tablename__ = "service_order"
    __table_args__ = (
        Index(
            "one_service_order_per_product_order",
            "external_id",
            unique=True,
            postgresql_where=text("state NOT IN ('cancelled', 'failed', 'rejected')"),
        ),
    )

    external_id: str = Field(index=True, sa_type=id_type())
    state: ServiceOrderState = Field(default=ServiceOrderState.ACKNOWLEDGED, sa_type=state_type(ServiceOrderState))
    order_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    requested_start_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    requested_completion_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    start_date: datetime | None = Field(default=None, sa_type=INSTANT)
    completion_date: datetime | None = Field(default=None, sa_type=INSTANT)
    cancellation_date: datetime | None = Field(default=None, sa_type=INSTANT)
    cancellation_reason: str | None = Field(default=None, max_length=1000)
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    service_order_item: list[ServiceOrderItem] = Field(default_factory=list, sa_type=JsonOf(list[ServiceOrderItem]))
    error_message: list[OrderError] | None = Field(default=None, sa_type=JsonOf(list[OrderError]))
    service_id: str = Field(foreign_key="service.id", index=True, sa_type=id_type())
    solution: Chosen = Field(sa_type=JsonOf(Chosen))

    api: ClassVar = tmf("TMF641", "ServiceOrder", Capability.READ_SERVICES)
    private: ClassVar[frozenset[str]] = frozenset({"service_id", "solution"})
    life_cycle: ClassVar = LifeCycle[ServiceOrderState](
        ServiceOrderState,
        ("acknowledged", "rejected", "it cannot be delivered as it stands"),
        ("acknowledged", "pending", "it waits for its date"),
        ("acknowledged", "inProgress", "delivery began"),
        ("acknowledged", "assessingCancellation", "a cancellation was asked for"),
        ("pending", "inProgress", "what it waited for came"),
        ("pending", "assessingCancellation", "a cancellation was asked for"),
        ("inProgress", "pending", "it waits for something outside"),
        ("inProgress", "held", "a person has to decide"),
        ("inProgress", "completed", "the service was handed over"),
        ("inProgress", "failed", "no part of it could be delivered"),
        ("inProgress", "partial", "a part of it was delivered"),
        ("inProgress", "assessingCancellation", "a cancellation was asked for"),
        ("held", "inProgress", "the person decided to go on"),
        ("held", "failed", "the person gave it up"),
        ("held", "assessingCancellation", "a cancellation was asked for"),
        ("assessingCancellation", "pendingCancellation", "it can still be cancelled"),
        ("assessingCancellation", "inProgress", "it is too late to cancel"),
        ("pendingCancellation", "cancelled", "everything was taken back"),
    )


ENDED = frozenset(
    {
        ServiceOrderState.REJECTED,
        ServiceOrderState.CANCELLED,
        ServiceOrderState.COMPLETED,
        ServiceOrderState.FAILED,
        ServiceOrderState.PARTIAL,
    }
)


def place_service_order(
    session: Session,
    product_order_id: str,
    party_id: str,
    service_id: str,
    solution: Chosen,
    requested_start_date: datetime | None = None,
    requested_completion_date: datetime | None = None,
    action: str = ADD,
    characteristics: Sequence[Characteristic] | None = None,
) -> ServiceOrder:
    """Order of the network that a service is added, modified (to these `characteristics`) or deleted.

    Asked again for the same product order, it gives the same order.

    Raises `RuleRefused` on `/serviceOrderItem/0/service/id` when there is no such service of this party.
    """
    placed = service_order_of(session, product_order_id)
    if placed is not None:
        return placed
    service = _ordered(session, service_id, party_id)
    item = ServiceOrderItem(
        id="1",
        action=action,
        state=ServiceOrderState.ACKNOWLEDGED,
        service=OrderedService(
            id=service.id,
            href=service.href,
            name=service.name,
            service_specification=service.service_specification,
            service_characteristic=list(service.service_characteristic if characteristics is None else characteristics),
        ),
    )
    order = ServiceOrder(
        external_id=product_order_id,
        requested_start_date=requested_start_date,
        requested_completion_date=requested_completion_date,
        related_party=[one.model_copy(update={"type": "RelatedParty"}) for one in service.related_party],
        service_order_item=[item],
        service_id=service.id,
        solution=solution,
        party_id=party_id,
    )
    session.add(order)
    session.flush()
    return order


def service_order_of(session: Session, product_order_id: str) -> ServiceOrder | None:
    """The service order of a product order that was not cancelled and did not fail."""
    gone = col(ServiceOrder.state).in_(
        [ServiceOrderState.CANCELLED, ServiceOrderState.FAILED, ServiceOrderState.REJECTED]
    )
    return session.exec(select(ServiceOrder).where(ServiceOrder.external_id == product_order_id, ~gone)).first()


def begin_service_order(session: Session, service_order_id: str) -> ServiceOrder:
    """Delivery begins, or goes on. Doing it again does nothing."""
    order = find_for_update(session, ServiceOrder, service_order_id)
    order.start_date = order.start_date or now()
    return _move(session, order, ServiceOrderState.IN_PROGRESS)


def redate_service_order(session: Session, product_order_id: str, start_at: datetime) -> None:
    """It is to begin on another day, where it is placed already."""
    placed = service_order_of(session, product_order_id)
    if placed is not None:
        placed.requested_start_date = start_at
        session.flush()


def wait_with_service_order(session: Session, service_order_id: str) -> ServiceOrder:
    """It waits for something outside: a terminal, an appointment."""
    return _move(session, find_for_update(session, ServiceOrder, service_order_id), ServiceOrderState.PENDING)


def complete_service_order(session: Session, service_order_id: str) -> ServiceOrder:
    """The service was handed over. Doing it again does nothing."""
    order = find_for_update(session, ServiceOrder, service_order_id)
    order.completion_date = order.completion_date or now()
    return _move(session, order, ServiceOrderState.COMPLETED)


def fail_service_order(session: Session, service_order_id: str, code: str, reason: str) -> ServiceOrder:
    """It could not be delivered. Doing it again does nothing."""
    order = find_for_update(session, ServiceOrder, service_order_id)
    if order.state is not ServiceOrderState.FAILED:
        order.error_message = [OrderError(code=code, reason=reason, timestamp=now())]
        _move(session, order, ServiceOrderState.FAILED)
    return order


def cancel_service_order(session: Session, service_order_id: str, because: str) -> None:
    """Undo of `place_service_order`. An order that failed or was rejected or cancelled stays what it is.

    Raises `WrongState` when the service was handed over.
    """
    order = find_for_update(session, ServiceOrder, service_order_id)
    if order.state in ENDED - {ServiceOrderState.COMPLETED, ServiceOrderState.PARTIAL}:
        return
    if order.state is not ServiceOrderState.PENDING_CANCELLATION:
        move(order, ServiceOrderState.ASSESSING_CANCELLATION)
        move(order, ServiceOrderState.PENDING_CANCELLATION)
    order.cancellation_date, order.cancellation_reason = now(), because
    _move(session, order, ServiceOrderState.CANCELLED)


def _move(session: Session, order: ServiceOrder, state: ServiceOrderState) -> ServiceOrder:
    """Its one item goes with it."""
    move(order, state)
    order.service_order_item = [item.model_copy(update={"state": state}) for item in order.service_order_item]
    session.add(order)
    session.flush()
    return order


def _ordered(session: Session, service_id: str, party_id: str) -> Service:
    try:
        service = find(session, Service, service_id)
    except NotFound:
        service = None
    if service is None or service.party_id != party_id:
        why = f"the party has no service {service_id[:80]!r}"
        raise RuleRefused("/serviceOrderItem/0/service/id", why, "notFound", "a service designed for the party")
    return service


routes = TmfRoutes(ServiceOrder)
