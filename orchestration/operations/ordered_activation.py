"""The activation of an order: the hub is told, the link measured, and the service tested against its budget.

What goes to a site is configured in a hub and measured there. A lease is not ours to configure: the NOC lets the
customer's carriers on the air, and records the access test.
"""

from pydantic import TypeAdapter
from sqlmodel import Session

from satcom.core.database import find, find_for_update
from satcom.core.errors import RuleRefused
from satcom.core.values import Characteristic, Json, reference
from satcom.market.order_delivery import go_on
from satcom.market.ordering import OrderState, ProductOrder
from satcom.orchestration.engine import Call
from satcom.orchestration.operations.ordered_network import (
    booked_until,
    held_for,
    held_parts,
    link_slots,
    site_solution_in,
)
from satcom.orchestration.operations.ordered_site import terminal_installed
from satcom.orchestration.plan import ForAPerson, Later
from satcom.resource.drivers.port import DriverUnavailable, HubConfiguration, Measurement, TerminalConfiguration
from satcom.resource.ground import Terminal
from satcom.resource.ordering import begin_resource_order, resource_order_of
from satcom.resource.payload import Transponder
from satcom.resource.reservation import Held
from satcom.service import activation
from satcom.service.access_test import access_terms
from satcom.service.activation import SiteTerminal
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.inventory import (
    Service,
    configure_service,
    deconfigure_service,
    release_service,
    reserve_service,
)
from satcom.service.ordering import begin_service_order, service_order_of
from satcom.service.service_test import accept, latest_test, record_test
from satcom.service.solution import LeaseSolution, LinkSolution, TerminalSolution

MEASUREMENT: TypeAdapter[Measurement] = TypeAdapter(Measurement)


def prepare_activation(session: Session, order_id: str, reserved: dict[str, Json], service_id: str) -> Json:
    """All waits are over: the terminal leaves for its site, and what the hub is to be told is settled."""
    begin_orders(session, order_id)
    solution, held, site = (
        site_solution_in(reserved),
        held_for(session, order_id),
        terminal_installed(session, order_id),
    )
    terminal = reference(site.id, type(site).__name__, site.href, site.name)
    reserve_service(session, service_id, [*held_parts(held), terminal])
    return activation.to_json(configuration_for(session, solution, held, site, service_id))


def withdraw_activation(session: Session, order_id: str, reserved: Json, service_id: str) -> Json:
    release_service(session, service_id)
    return None


def configuration_for(
    session: Session, solution: TerminalSolution, held: Held, site: Terminal, service_id: str
) -> HubConfiguration:
    """What the hub is to hold for the solution with what is held for it. Raises `RuleRefused` without a port."""
    at_site = SiteTerminal(site.serial_number or "", site.latitude_deg, site.longitude_deg, site.altitude_m)
    if isinstance(solution, ConstellationSolution):
        ports = {one.hub_id: one.port_number for one in held.ports}
        return activation.passing_configuration(solution, ports, at_site, service_id)
    if not isinstance(solution, LinkSolution):
        return activation.access_configuration(solution, at_site, service_id)
    if not held.ports:
        raise RuleRefused("port", "no hub port is held for the order", "notPlanned")
    slots = link_slots(session, held, solution)
    return activation.link_configuration(solution, slots, held.ports[0].port_number, at_site, service_id)


def begin_orders(session: Session, order_id: str) -> None:
    """The wait is over: product, service and resource order are being worked on."""
    if find_for_update(session, ProductOrder, order_id).state is OrderState.HELD:
        go_on(session, order_id)
    to_service, to_network = service_order_of(session, order_id), resource_order_of(session, order_id)
    if to_service is not None:
        begin_service_order(session, to_service.id)
    if to_network is not None:
        begin_resource_order(session, to_network.id)


def prepare_access(session: Session, order_id: str, service_id: str) -> Json:
    """The lease begins: the customer is told where he may send, and the NOC may let his carriers on the air."""
    begin_orders(session, order_id)
    held, placed = held_for(session, order_id), service_order_of(session, order_id)
    terms: list[Characteristic] = []
    if placed is not None and isinstance(placed.solution, LeaseSolution):
        [slot] = held.slots
        terms = access_terms(placed.solution, slot, find(session, Transponder, slot.transponder_id))
    reserve_service(session, service_id, held_parts(held), terms)
    configure_service(session, service_id)
    return None


def withdraw_access(session: Session, order_id: str, service_id: str) -> Json:
    deconfigure_service(session, service_id)
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
    return measured(call, activation.from_json(prepared).terminals[0])


def measured(call: Call, terminal: TerminalConfiguration) -> Json:
    """What the modems of a terminal read. Raises `DriverUnavailable` while no satellite that passes is in its view."""
    follows = terminal.azimuth_deg is None
    key = f"{call.key}:{call.attempt}" if follows else call.key  # each attempt sees another sky
    read = call.hub.measure(terminal.terminal_id, key)
    if follows and read.satellite_id is None:
        raise DriverUnavailable("no satellite is in view of terminal and gateway just now")
    told: Json = MEASUREMENT.dump_python(read, mode="json")
    return told


def accept_test(session: Session, service_id: str, reserved: dict[str, Json], measured: Json) -> Json | ForAPerson:
    """What was measured against the link budget. A test that fails is kept, and a person looks at it."""
    test = record_test(session, service_id, MEASUREMENT.validate_python(measured), site_solution_in(reserved))
    try:
        accept(test)
    except RuleRefused as refused:
        first = refused.faults[0]
        return ForAPerson(first.field, "; ".join(one.why for one in refused.faults), first.code)
    return test.id


def access_is_tested(session: Session, service_id: str) -> Json | Later:
    """The access test that the NOC records; one that fails is done again. What is booked waits for it to its end."""
    test = latest_test(session, service_id)
    if test is not None and not test.failures:
        return test.id
    service = find(session, Service, service_id)
    order = find(session, ProductOrder, service.order_id) if service.order_id is not None else None
    return Later(None, deadline=booked_until(order) if order is not None else None)
