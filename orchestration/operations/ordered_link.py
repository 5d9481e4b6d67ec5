"""What an order means to the network: what it demands, what a solution takes of it, and what is held for it."""

from datetime import timedelta
from typing import Final

from sqlmodel import Session

from satcom.core.clock import months_later, now
from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.catalog.product_offering import ProductOffering, specification_of
from satcom.market.catalog.product_specification import service_specifications_of
from satcom.market.ordering import ProductOrder
from satcom.resource.hold import Owner, Period
from satcom.resource.payload import Transponder
from satcom.resource.reservation import Held, Reservation, Wanted, held_by_reservation, reservation_of, reserve
from satcom.resource.spectrum import Direction, SpectrumAssignment, WantedSlot
from satcom.service.activation import CarrierSlot, LinkSlots, carrier_slot
from satcom.service.catalog import ServiceSpecification
from satcom.service.demand import demand_of
from satcom.service.solution import CarrierPlan, Demand, Solution

HOLD_FOR: Final = timedelta(days=7)  # from reserved to assigned it takes a moment; this outlives an outage
ADDRESS = "/productOrderItem/0/product/productCharacteristic"


def demand_of_order(order: ProductOrder) -> Demand:
    """What the order asks of the network: from its start, or else at once, for as long as the customer is bound."""
    start_at = order.requested_start_date or order.order_date
    months = order.item.term_months
    stop_at = months_later(start_at, months) if months is not None else None
    return demand_of(order.item.characteristics, start_at, stop_at, ADDRESS)


def solution_in(reserved: dict[str, Json]) -> Solution:
    return Solution.model_validate(reserved["solution"])


def owner_of(order: ProductOrder) -> Owner:
    return Owner(order.id, order.reference, order.party_id)


def wanted(order: ProductOrder, solution: Solution) -> Wanted:
    """What a solution takes of the network: for the term, and after it until the service is ended."""
    demand = demand_of_order(order)
    slots = tuple(
        WantedSlot(
            one.transponder_id,
            one.occupied_bandwidth_hz,
            one.power_equivalent_bandwidth_hz,
            Direction(one.direction),
            one.symbol_rate_baud,
            one.roll_off,
        )
        for one in (solution.forward, solution.return_link)
    )
    period = Period(demand.start_at, demand.stop_at)
    return Wanted(owner_of(order), period, slots, solution.hub_id, solution.terminal_type_id, until_ended=True)


def held_for(session: Session, order_id: str) -> Held:
    return held_by_reservation(session, reservation_for(session, order_id))


def reservation_for(session: Session, order_id: str) -> Reservation:
    reservation = reservation_of(session, order_id)
    if reservation is None:
        raise RuleRefused("/reservation", "what was held for the order ran out", "reservationEnded", "a new order")
    return reservation


def reserved_way(session: Session, order: ProductOrder, way: Solution) -> Solution | None:
    """The way when all that it takes could be held; else nothing is held."""
    try:
        reserve(session, wanted(order, way), now() + HOLD_FOR, WORKER)
    except RuleRefused:
        return None
    return way


def service_specification_for(session: Session, order: ProductOrder) -> ServiceSpecification:
    offering = find(session, ProductOffering, order.item.offering_id)
    realised_by = service_specifications_of(session, specification_of(session, offering))
    if not realised_by:
        raise RuleRefused("/productOffering", f"no service realises {offering.name!r}", "noServiceSpecification")
    return realised_by[0]


def link_slots(session: Session, held: Held, solution: Solution) -> LinkSlots:
    """Where both carriers lie."""
    return LinkSlots(_slot_of(session, held, solution.forward), _slot_of(session, held, solution.return_link))


def _slot_of(session: Session, held: Held, carrier: CarrierPlan) -> CarrierSlot:
    slot: SpectrumAssignment = next(one for one in held.slots if one.direction == carrier.direction)
    return carrier_slot(find(session, Transponder, slot.transponder_id), slot)
