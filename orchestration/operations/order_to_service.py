"""Order to service: how one product order becomes a working, tested, billed service.

The recipe is `order_to_service`; each line of it is a function below. Everything is held before anything is promised,
the slot is assigned before anything transmits, and what the customer has is not taken back: from the hand-over on a
refusal waits for a person. The plan of an order is read from its rows: a handler here is never renamed.
"""

from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, reference
from satcom.market.billing import first_bill
from satcom.market.inventory import create_product
from satcom.market.inventory import hand_over as hand_product_over
from satcom.market.order_delivery import begin, complete_order, go_on, hold_for, price_order
from satcom.market.ordering import OrderState, ProductOrder
from satcom.orchestration.engine import Call
from satcom.orchestration.operations.ordered_link import (
    HOLD_FOR,
    demand_of_order,
    held_for,
    link_slots,
    owner_of,
    reservation_for,
    reserved_way,
    service_specification_for,
    solution_in,
    wanted,
)
from satcom.orchestration.plan import ForAPerson, Later, Plan, plan
from satcom.resource.drivers.port import Measurement
from satcom.resource.ground import (
    Terminal,
    TerminalState,
    install_terminal,
    move_terminal,
    plan_terminal,
    terminal_at_site,
)
from satcom.resource.ordering import (
    begin_resource_order,
    cancel_resource_order,
    complete_resource_order,
    items_of,
    place_resource_order,
    resource_order_of,
)
from satcom.resource.reservation import (
    assign,
    release,
    reservation_of,
    reserve,
)
from satcom.service import activation
from satcom.service.activation import SiteTerminal
from satcom.service.evidence import qualify_on_record, qualify_solution_on_record
from satcom.service.inventory import (
    Design,
    activate_service,
    configure_service,
    deconfigure_service,
    design_service,
    discard_design,
    release_service,
    reserve_service,
    service_of_order,
)
from satcom.service.ordering import (
    begin_service_order,
    cancel_service_order,
    complete_service_order,
    place_service_order,
    service_order_of,
)
from satcom.service.qualification import nothing_feasible
from satcom.service.service_test import accept, record_test
from satcom.service.solution import Solution
from satcom.supplychain.procurement import cancel_purchase, order_terminal
from satcom.supplychain.stock import hold_terminal, issue_terminal, release_terminal, terminal_of

ORDER_TO_SERVICE: Final = "orderToService"
LATEST_AFTER_EXPECTED: Final = timedelta(days=60)  # then a terminal that was ordered does not come
NO_TIME: Final = timedelta(0)  # a wait says itself when its end is expected
SUPPLY, PLANNING = "supply", "planning"
UNDONE = "the order was undone"
MEASUREMENT: TypeAdapter[Measurement] = TypeAdapter(Measurement)


@plan(ORDER_TO_SERVICE)
def order_to_service(plan: Plan, order: str) -> None:
    """The recipe. What stands in the brackets is needed first; what is not connected runs side by side."""
    qualified = plan.task(qualify_again, order)
    reserved = plan.task(reserve_all_or_none, order, qualified, undo=give_back)
    priced = plan.task(price_the_order, order, reserved)
    begun = plan.task(begin_delivery, order, after=[priced])

    service = plan.task(design_the_service, order, after=[begun], undo=discard_the_design)
    site = plan.task(plan_the_site, order, reserved, after=[begun], undo=clear_the_site)
    to_service = plan.task(order_the_service, order, reserved, service, undo=cancel_the_service_order)
    to_network = plan.task(order_the_network, order, reserved, after=[site, service], undo=cancel_the_network_order)
    terminal = plan.task(obtain_terminal, order, reserved, after=[begun], undo=return_the_terminal)

    here = plan.wait(terminal_is_here, order, terminal, owner=SUPPLY, expected=NO_TIME, skippable=False)
    day = plan.wait(start_date_is_here, order, after=[begun], owner=PLANNING, expected=NO_TIME)
    both = [to_service, to_network, here, day]
    prepared = plan.task(prepare_activation, order, reserved, service, after=both, undo=withdraw_activation)
    configured = plan.task(configure_hub, prepared, outside=True, undo=clear_hub)
    noted = plan.task(note_configured, service, after=[configured], undo=note_cleared)

    measured = plan.task(measure_link, prepared, after=[noted], outside=True)
    tested = plan.task(accept_test, service, reserved, measured, skippable=True, again_from=measured)
    product = plan.task(hand_over, order, service, reserved, after=[tested], no_return=True)
    billed = plan.task(make_first_bill, product)
    plan.task(complete_orders, order, product, after=[billed])


# Qualify, reserve, price


def qualify_again(session: Session, order_id: str) -> Json:
    """The network may have changed since the quote: the best way of today, with its evidence."""
    order = find(session, ProductOrder, order_id)
    solution, evidence_id = qualify_solution_on_record(session, demand_of_order(order), party_id=order.party_id)
    return {"solution": solution.wire(), "evidenceId": evidence_id}


def reserve_all_or_none(session: Session, order_id: str, qualified: dict[str, Json]) -> Json:
    """Hold slots, power, port and terminal of the chosen way; of the next best where others were quicker."""
    order = find(session, ProductOrder, order_id)
    chosen, evidence_id = Solution.model_validate(qualified["solution"]), qualified["evidenceId"]
    taken = reserved_way(session, order, chosen)
    if taken is None:
        answer = qualify_on_record(session, demand_of_order(order), order.party_id)
        evidence_id = answer.evidence_id
        ways = (way for way in answer.solutions if reserved_way(session, order, way))
        taken = next(ways, None)
        if taken is None and answer.solutions:
            reserve(session, wanted(order, answer.solutions[0]), now() + HOLD_FOR, WORKER)  # says what is short
        if taken is None:
            raise nothing_feasible(answer)
    return {"solution": taken.wire(), "evidenceId": evidence_id}


def give_back(session: Session, order_id: str, qualified: Json) -> Json:
    reservation = reservation_of(session, order_id)
    if reservation is not None:
        release(session, reservation, UNDONE)
    return None


def price_the_order(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    priced = price_order(session, order_id, solution_in(reserved))
    return {"oneTime": priced.one_time.wire(), "perMonth": priced.per_month.wire()}


def begin_delivery(session: Session, order_id: str) -> Json:
    """Everything is held and has its price: the holds become assignments, and the order goes ahead."""
    assign(session, reservation_for(session, order_id))
    begin(session, order_id)
    return None


# Decompose


def design_the_service(session: Session, order_id: str) -> Json:
    order = find(session, ProductOrder, order_id)
    realised_by = service_specification_for(session, order)
    known = {one.name for one in realised_by.spec_characteristic}
    asked = tuple(one for one in order.item.characteristics if one.name in known)
    name = f"{realised_by.name} of {order.reference}"
    return design_service(session, Design(order.id, order.party_id or "", name, realised_by.id, asked)).id


def discard_the_design(session: Session, order_id: str) -> Json:
    service = service_of_order(session, order_id)
    if service is not None:
        discard_design(session, service.id)
    return None


def plan_the_site(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """Plan the terminal at its place, pointed at its satellite."""
    order, solution = find(session, ProductOrder, order_id), solution_in(reserved)
    planned, demand = terminal_at_site(session, order_id), demand_of_order(order)
    if planned is None:
        planned = Terminal(
            name=f"{solution.terminal_type_name} of {order.reference}",
            terminal_type_id=solution.terminal_type_id,
            order_id=order.id,
            party_id=order.party_id,
            latitude_deg=demand.latitude_deg,
            longitude_deg=demand.longitude_deg,
            altitude_m=demand.altitude_m or 0.0,
            azimuth_deg=solution.azimuth_deg,
            elevation_deg=solution.elevation_deg,
        )
        planned = plan_terminal(session, planned, WORKER)
    return planned.id


def clear_the_site(session: Session, order_id: str, reserved: Json) -> Json:
    terminal = terminal_at_site(session, order_id)
    if terminal is not None:
        move_terminal(session, terminal, TerminalState.REMOVED, WORKER)
    return None


def order_the_service(session: Session, order_id: str, reserved: dict[str, Json], service_id: str) -> Json:
    order = find(session, ProductOrder, order_id)
    return place_service_order(
        session,
        order.id,
        order.party_id or "",
        service_id,
        solution_in(reserved),
        order.requested_start_date,
        order.requested_completion_date,
    ).id


def cancel_the_service_order(session: Session, order_id: str, reserved: Json, service_id: str) -> Json:
    placed = service_order_of(session, order_id)
    if placed is not None:
        cancel_service_order(session, placed.id, UNDONE)
    return None


def order_the_network(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """One item for each slot, the hub port and the terminal."""
    order = find(session, ProductOrder, order_id)
    site = terminal_at_site(session, order_id)
    items = items_of(held_for(session, order_id), *([site] if site is not None else []))
    dates = order.requested_start_date, order.requested_completion_date
    return place_resource_order(session, owner_of(order), items, *dates).id


def cancel_the_network_order(session: Session, order_id: str, reserved: Json) -> Json:
    placed = resource_order_of(session, order_id)
    if placed is not None:
        cancel_resource_order(session, placed.id, UNDONE)
    return None


# Wait


def obtain_terminal(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """The terminal in stock, without end of hold; where there is none, a purchase order, and the order waits."""
    order, solution = find(session, ProductOrder, order_id), solution_in(reserved)
    if hold_terminal(session, solution.terminal_type_id, order.id, order.party_id, None) is not None:
        return None
    purchase = order_terminal(session, order.id, solution.terminal_type_id, order.party_id)
    what = f"terminal {purchase.terminal_type_name}, ordered with {purchase.reference}"
    hold_for(session, order.id, what, purchase.expected_delivery_date)
    return purchase.expected_delivery_date.isoformat()


def return_the_terminal(session: Session, order_id: str, reserved: Json) -> Json:
    cancel_purchase(session, order_id, UNDONE)
    release_terminal(session, order_id)
    return None


def terminal_is_here(session: Session, order_id: str, expected: str | None) -> Json | Later:
    terminal = terminal_of(session, order_id)
    if terminal is None:
        due = datetime.fromisoformat(expected) if expected else now()
        return Later(due, deadline=due + LATEST_AFTER_EXPECTED)
    return terminal.serial_number


def start_date_is_here(session: Session, order_id: str) -> Json | Later:
    """Nothing is put into service, and charged, before the day that the customer asked for."""
    start_at = demand_of_order(find(session, ProductOrder, order_id)).start_at
    return start_at.isoformat() if start_at <= now() else Later(start_at)


# Activate, test


def prepare_activation(session: Session, order_id: str, reserved: dict[str, Json], service_id: str) -> Json:
    """All waits are over: the terminal leaves for its site, and what the hub is to be told is settled."""
    if find_for_update(session, ProductOrder, order_id).state is OrderState.HELD:
        go_on(session, order_id)
    solution, held, site = solution_in(reserved), held_for(session, order_id), terminal_at_site(session, order_id)
    if site is None or not held.ports:
        raise RuleRefused("terminal", f"no terminal or no port is planned for order {order_id}", "notPlanned")
    device = issue_terminal(session, order_id)
    install_terminal(session, site, device.serial_number, WORKER)
    to_service, to_network = service_order_of(session, order_id), resource_order_of(session, order_id)
    if to_service is not None:
        begin_service_order(session, to_service.id)
    if to_network is not None:
        begin_resource_order(session, to_network.id)
    parts = [reference(one.id, type(one).__name__, one.href, one.name) for one in [*held.slots, *held.ports, site]]
    reserve_service(session, service_id, parts)
    slots = link_slots(session, held, solution)
    at_site = SiteTerminal(device.serial_number, site.latitude_deg, site.longitude_deg, site.altitude_m)
    return activation.to_json(activation.configuration(solution, slots, held.ports[0].port_number, at_site, service_id))


def withdraw_activation(session: Session, order_id: str, reserved: Json, service_id: str) -> Json:
    release_service(session, service_id)
    return None


def configure_hub(call: Call, prepared: Json) -> Json:
    activation.activate(call.hub, activation.from_json(prepared), call.key)
    return None


def clear_hub(call: Call, prepared: Json) -> Json:
    activation.deactivate(call.hub, activation.from_json(prepared), call.key, call.cancels)
    return None


def note_configured(session: Session, service_id: str) -> Json:
    configure_service(session, service_id)
    return None


def note_cleared(session: Session, service_id: str) -> Json:
    deconfigure_service(session, service_id)
    return None


def measure_link(call: Call, prepared: Json) -> Json:
    terminal = activation.from_json(prepared).terminals[0]
    read: Json = MEASUREMENT.dump_python(call.hub.measure(terminal.terminal_id, call.key), mode="json")
    return read


def accept_test(session: Session, service_id: str, reserved: dict[str, Json], measured: Json) -> Json | ForAPerson:
    """What was measured against the link budget. A test that fails is kept, and a person looks at it."""
    test = record_test(session, service_id, MEASUREMENT.validate_python(measured), solution_in(reserved))
    try:
        accept(test)
    except RuleRefused as refused:
        first = refused.faults[0]
        return ForAPerson(first.field, "; ".join(one.why for one in refused.faults), first.code)
    return test.id


# Hand over, bill


def hand_over(session: Session, order_id: str, service_id: str, reserved: dict[str, Json]) -> Json:
    """From this instant the customer has the service, and pays for it."""
    at, order = now(), find(session, ProductOrder, order_id)
    site = terminal_at_site(session, order_id)
    if site is not None:
        move_terminal(session, site, TerminalState.IN_SERVICE, WORKER)
    activate_service(session, service_id, at, solution_in(reserved))
    product = create_product(session, order, service_id)
    return hand_product_over(session, product.id, at).id


def make_first_bill(session: Session, product_id: str) -> Json:
    return first_bill(session, product_id).id


def complete_orders(session: Session, order_id: str, product_id: str) -> Json:
    to_network, to_service = resource_order_of(session, order_id), service_order_of(session, order_id)
    if to_network is not None:
        complete_resource_order(session, to_network.id)
    if to_service is not None:
        complete_service_order(session, to_service.id)
    complete_order(session, order_id, product_id)
    return None
