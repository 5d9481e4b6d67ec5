"""What an order of change finds in place: the product, its service, and what carries it now.

A service is as its latest order delivered it: that order's solution, reservation, terminal and configuration hold.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.market.inventory import Product
from satcom.market.order_of_change import PRODUCT
from satcom.market.ordering import ProductOrder
from satcom.orchestration.operations.ordered_activation import prepare_activation
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskState
from satcom.resource.drivers.port import HubConfiguration
from satcom.resource.reservation import Reservation, reservation_of
from satcom.service.activation import from_json
from satcom.service.inventory import Service
from satcom.service.ordering import service_order_of
from satcom.service.solution import Solution


@dataclass(frozen=True)
class InPlace:
    """`order_id` is of the order that delivered the service as it is."""

    product: Product
    service: Service
    order_id: str
    solution: Solution
    reservation: Reservation


def in_place(session: Session, order: ProductOrder) -> InPlace:
    """What the order is to change or end. Raises `RuleRefused` when it is not all on record."""
    product = find(session, Product, order.changed_product_id or "")
    service = find(session, Service, product.realizing_service[0].id)
    delivered_by = service.order_id or ""
    placed, reservation = service_order_of(session, delivered_by), reservation_of(session, delivered_by)
    if placed is None or reservation is None:
        why = f"what carries {service.name} is not on record"
        raise RuleRefused(PRODUCT, why, "notOnRecord", "a product that was delivered by an order")
    return InPlace(product, service, delivered_by, placed.solution, reservation)


def told_to_hub(session: Session, service: Service) -> HubConfiguration:
    """What the hub was told of a service. Raises `RuleRefused` when no order of ours configured it."""
    prepared = (
        select(TaskFlow)
        .join(ProcessFlow, col(ProcessFlow.id) == col(TaskFlow.process_flow_id))
        .where(col(ProcessFlow.subject_id) == service.order_id)
        .where(col(TaskFlow.handler) == prepare_activation.__name__)
        .where(col(TaskFlow.state) == TaskState.COMPLETED)
    )
    task = session.exec(prepared).first()
    if task is None:
        raise RuleRefused("serviceId", "no hub is configured for this service", "notConfigured", "a service in use")
    return from_json(task.result)
