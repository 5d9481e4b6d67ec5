"""What an order means to the network: what it demands, what a solution takes of it, and what is held for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from satcom.core.clock import months_later, now
from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, Reference, reference
from satcom.market.booking import booked_for
from satcom.market.catalog.product_offering import ProductOffering, service_sold
from satcom.market.ordering import ProductOrder
from satcom.resource.carrier_pool import WantedShare
from satcom.resource.catalog import NetworkNeed
from satcom.resource.constellation_holding import WantedPassage
from satcom.resource.hold import Owner, Period
from satcom.resource.payload import Transponder
from satcom.resource.reservation import Held, Reservation, Wanted, held_by_reservation, reservation_of, reserve
from satcom.resource.reservation_takeover import is_held, take_up, uses
from satcom.resource.spectrum import Direction, SpectrumAssignment, WantedSlot
from satcom.service.activation import CarrierSlot, LinkSlots, carrier_slot
from satcom.service.catalog import ServiceSpecification, resources_of
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.demand import Demand, SiteDemand, demand_of
from satcom.service.solution import (
    SOLUTION,
    AccessSolution,
    Chosen,
    LeaseSolution,
    LinkSolution,
    PartnerSolution,
    PoolPlan,
    Solution,
    TerminalSolution,
)
from satcom.service.way import CarrierPlan, TerminalWay

HOLD_FOR: Final = timedelta(days=7)  # from reserved to assigned it takes a moment; this outlives an outage
ADDRESS = "/productOrderItem/0/product/productCharacteristic"


def demand_of_order(session: Session, order: ProductOrder) -> Demand:
    """What the order asks of the network: from its start, or else at once, for as long as the customer is bound."""
    start_at, months = starts_at(order), order.item.term_months
    stop_at = months_later(start_at, months) if months is not None else None
    specification = service_specification_for(session, order)
    return demand_of(session, specification, order.item.characteristics, start_at, stop_at, ADDRESS)


def starts_at(order: ProductOrder) -> datetime:
    """On the day that the customer asked for, or else at once."""
    return order.requested_start_date or order.order_date


def booked_until(order: ProductOrder) -> datetime | None:
    """When what is ordered ends by itself; `None` for what goes on until notice is given.

    By the order alone: whatever became of the catalogue meanwhile, it keeps what it was sold.
    """
    booked = booked_for(order.item.characteristics)
    return starts_at(order) + booked if booked is not None else None


def demand_of_site(session: Session, order: ProductOrder) -> SiteDemand:
    """As `demand_of_order`, of an order for a site. Raises `RuleRefused` when it is for none."""
    demand = demand_of_order(session, order)
    if not isinstance(demand, SiteDemand):
        raise RuleRefused("/place", f"order {order.reference} is for no site", "noSite")
    return demand


def solution_in(reserved: dict[str, Json]) -> Chosen:
    return SOLUTION.validate_python(reserved["solution"])


def own_solution_in(reserved: dict[str, Json]) -> Solution:
    """The way over our own network. Raises `RuleRefused` when a partner serves it."""
    solution = solution_in(reserved)
    if isinstance(solution, PartnerSolution):
        raise RuleRefused("/place", f"{solution.partner_name} serves it", "byPartner")
    return solution


def site_solution_in(reserved: dict[str, Json]) -> TerminalSolution:
    """The way to the site. Raises `RuleRefused` when the solution leads to none."""
    solution = solution_in(reserved)
    if not isinstance(solution, TerminalWay):
        raise RuleRefused("/place", "no way of our own leads to a site", "noSite")
    return solution


def owner_of(order: ProductOrder) -> Owner:
    return Owner(order.id, order.reference, order.party_id)


def wanted(session: Session, order: ProductOrder, solution: Solution) -> Wanted:
    """What a solution takes of the network: for the term, and after it until the service is ended.

    What is booked is free again when its time is over.
    """
    demand = demand_of_order(session, order)
    owner, period = owner_of(order), Period(demand.start_at, demand.stop_at)
    match solution:
        case LinkSolution():
            slots = (_slot(solution.forward), _slot(solution.return_link))
            return Wanted(owner, period, slots, (solution.hub_id,), solution.terminal_type_id, until_ended=True)
        case AccessSolution():
            shares = (_share(solution.forward_pool), _share(solution.return_pool))
            return Wanted(owner, period, terminal_type_id=solution.terminal_type_id, until_ended=True, shares=shares)
        case ConstellationSolution():
            return Wanted(
                owner,
                period,
                hub_ids=tuple(one.hub_id for one in solution.gateways),
                terminal_type_id=solution.terminal_type_id,
                until_ended=True,
                passage=_passage(solution, demand_of_site(session, order)),
            )
        case LeaseSolution():
            slot = WantedSlot(solution.transponder_id, solution.bandwidth_hz, solution.power_share_hz)
            return Wanted(owner, period, (slot,), until_ended=demand.booked_until is None)


def _slot(carrier: CarrierPlan) -> WantedSlot:
    return WantedSlot(
        carrier.transponder_id,
        carrier.occupied_bandwidth_hz,
        carrier.power_equivalent_bandwidth_hz,
        Direction(carrier.direction),
        carrier.symbol_rate_baud,
        carrier.roll_off,
    )


def _passage(solution: ConstellationSolution, demand: SiteDemand) -> WantedPassage:
    return WantedPassage(
        solution.constellation_id,
        demand.latitude_deg,
        demand.longitude_deg,
        solution.forward.charged_bandwidth_hz,
        solution.return_link.charged_bandwidth_hz,
        tuple(one.earth_station_id for one in solution.gateways),
    )


def _share(pool: PoolPlan) -> WantedShare:
    return WantedShare(pool.pool_id, pool.cir_bps, pool.mir_bps, pool.cir_baud, pool.mir_baud)


def held_for(session: Session, order_id: str) -> Held:
    return held_by_reservation(session, reservation_for(session, order_id))


def reservation_for(session: Session, order_id: str) -> Reservation:
    reservation = reservation_of(session, order_id)
    if reservation is None:
        raise RuleRefused("/reservation", "what was held for the order ran out", "reservationEnded", "a new order")
    return reservation


def reserved_way(session: Session, order: ProductOrder, way: Solution) -> Solution | None:
    """The way when all that it takes could be held; else nothing is held, but what was held before."""
    asked, until, before = wanted(session, order, way), now() + HOLD_FOR, taken_up(session, order)
    try:
        if before is None:
            reserve(session, asked, until, WORKER)
        else:
            take_up(session, before, asked, until, WORKER, f"taken up by {order.reference}")
    except RuleRefused:
        return None
    return way


def taken_up(session: Session, order: ProductOrder) -> Reservation | None:
    """What was held by hand for the customer and his order takes up, while it is held."""
    found = session.get(Reservation, order.reservation.id) if order.reservation is not None else None
    return found if found is not None and is_held(found) else None


def free_for(session: Session, order: ProductOrder) -> list[str]:
    """The holds that count as free for the order."""
    before = taken_up(session, order)
    return [] if before is None else [one.id for one in held_by_reservation(session, before).holds]


def held_first(session: Session, order: ProductOrder, ways: Sequence[Solution]) -> list[Solution]:
    """The ways, those first that use what was held for the order; else by their rank."""
    before = taken_up(session, order)
    if before is None:
        return list(ways)
    held = held_by_reservation(session, before)
    return sorted(ways, key=lambda way: not uses(wanted(session, order, way), held))


def held_parts(held: Held) -> list[Reference]:
    """What is held, as the service names it."""
    return [reference(one.id, type(one).__name__, one.href, one.name) for one in held.holds]


def service_specification_for(session: Session, order: ProductOrder) -> ServiceSpecification:
    """The service that realises what was ordered."""
    return service_sold(session, find(session, ProductOffering, order.item.offering_id))


def resources_for(session: Session, order: ProductOrder) -> frozenset[NetworkNeed]:
    """What of the network the ordered service needs."""
    return resources_of(session, service_specification_for(session, order))


def link_slots(session: Session, held: Held, solution: LinkSolution) -> LinkSlots:
    """Where both carriers lie."""
    return LinkSlots(_slot_of(session, held, solution.forward), _slot_of(session, held, solution.return_link))


def _slot_of(session: Session, held: Held, carrier: CarrierPlan) -> CarrierSlot:
    slot: SpectrumAssignment = next(one for one in held.slots if one.direction == carrier.direction)
    return carrier_slot(find(session, Transponder, slot.transponder_id), slot)
