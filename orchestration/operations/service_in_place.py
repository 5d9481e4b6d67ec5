"""What an order of change finds in place, and what is to take its place: product, service, and what carries it.

A service is as its latest order delivered it: that order's solution, reservation, terminal and configuration hold.
"""

from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.values import Json
from satcom.market.inventory import Product
from satcom.market.order_of_change import PRODUCT
from satcom.market.ordering import ProductOrder
from satcom.orchestration.operations.ordered_activation import (
    begin_orders,
    configuration_for,
    prepare_activation,
)
from satcom.orchestration.operations.ordered_network import held_for, site_solution_in
from satcom.orchestration.operations.ordered_site import UNDONE, terminal_installed
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskState
from satcom.resource.drivers.port import HubConfiguration
from satcom.resource.ground import terminal_at_site
from satcom.resource.ordering import cancel_resource_order, resource_order_of
from satcom.resource.reservation import Reservation, reservation_of
from satcom.service.activation import from_json, to_json
from satcom.service.inventory import Service
from satcom.service.ordering import cancel_service_order, service_order_of
from satcom.service.solution import PartnerSolution, Solution
from satcom.supplychain.partner_capacity import PartnerCapacity, capacity_of_order


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
    solution = placed.solution if placed is not None else None
    if isinstance(solution, PartnerSolution):
        why = f"a partner serves {service.name}"
        raise RuleRefused(PRODUCT, why, "byPartner", "a product that our own network serves")
    if solution is None or reservation is None:
        why = f"what carries {service.name} is not on record"
        raise RuleRefused(PRODUCT, why, "notOnRecord", "a product that was delivered by an order")
    return InPlace(product, service, delivered_by, solution, reservation)


@dataclass(frozen=True)
class AtPartner:
    """What a partner serves. `order_id` is of the order that delivered it."""

    product: Product
    service: Service
    order_id: str
    solution: PartnerSolution


def at_partner(session: Session, order: ProductOrder) -> AtPartner | None:
    """What the order is to change or end, where a partner serves it; else `None`."""
    product = find(session, Product, order.changed_product_id or "")
    service = find(session, Service, product.realizing_service[0].id)
    placed = service_order_of(session, service.order_id or "")
    if placed is None or not isinstance(placed.solution, PartnerSolution):
        return None
    return AtPartner(product, service, service.order_id or "", placed.solution)


def served_by_partner(session: Session, order: ProductOrder) -> AtPartner:
    """As `at_partner`. Raises `RuleRefused` where no partner serves the product."""
    served = at_partner(session, order)
    if served is None:
        raise RuleRefused(PRODUCT, "no partner serves the product", "notByPartner", "a product that a partner serves")
    return served


def delivered_by_partner(session: Session, served: AtPartner) -> tuple[PartnerCapacity, str]:
    """What the partner delivers, and for which of its orders. Raises `RuleRefused` where that is not on record."""
    capacity = capacity_of_order(session, served.order_id)
    if capacity is None or capacity.partner_order_id is None:
        why = f"what the partner delivers for {served.service.name} is not on record"
        raise RuleRefused(PRODUCT, why, "notOnRecord", "a product that was delivered by an order")
    return capacity, capacity.partner_order_id


def cancel_the_orders_below(session: Session, order_id: str, reserved: Json = None) -> Json:
    """Undo of whatever places the service order and the resource order of an order of change."""
    to_service, to_network = service_order_of(session, order_id), resource_order_of(session, order_id)
    if to_service is not None:
        cancel_service_order(session, to_service.id, UNDONE)
    if to_network is not None:
        cancel_resource_order(session, to_network.id, UNDONE)
    return None


def prepare_change(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """What the hub holds, and is to hold. Another terminal, where there is one, leaves for the site."""
    begin_orders(session, order_id)
    place = in_place(session, find(session, ProductOrder, order_id))
    stays = terminal_at_site(session, place.order_id) if terminal_at_site(session, order_id) is None else None
    site = stays or terminal_installed(session, order_id)
    held = held_for(session, order_id)
    wanted = configuration_for(session, site_solution_in(reserved), held, site, place.service.id)
    return {"old": to_json(told_to_hub(session, place.service)), "new": to_json(wanted)}


def told_to_hub(session: Session, service: Service) -> HubConfiguration:
    """What the hub was told of a service. Raises `RuleRefused` when no order of ours configured it."""
    prepared = (
        select(TaskFlow)
        .join(ProcessFlow, col(ProcessFlow.id) == col(TaskFlow.process_flow_id))
        .where(col(ProcessFlow.subject_id) == service.order_id)
        .where(col(TaskFlow.handler).in_([prepare_activation.__name__, prepare_change.__name__]))
        .where(col(TaskFlow.state) == TaskState.COMPLETED)
    )
    task = session.exec(prepared).first()
    if task is None:
        raise RuleRefused("serviceId", "no hub is configured for this service", "notConfigured", "a service in use")
    told = from_json(task.result["new"] if task.handler == prepare_change.__name__ else task.result)
    site = terminal_at_site(session, service.order_id or "")
    if site is None or site.serial_number is None:
        return told
    standing = tuple(replace(one, serial_number=site.serial_number) for one in told.terminals)  # since a swap, another
    return replace(told, terminals=standing)
