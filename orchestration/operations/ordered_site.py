"""The site of an order: its terminal, from the plan over the depot to the wall."""

from datetime import datetime, timedelta

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.market.order_delivery import hold_for
from satcom.market.ordering import ProductOrder
from satcom.orchestration.operations.ordered_network import demand_of_site, site_solution_in
from satcom.orchestration.plan import Later
from satcom.resource.ground import (
    Terminal,
    TerminalState,
    install_terminal,
    move_terminal,
    plan_terminal,
    terminal_at_site,
)
from satcom.service.constellation_solution import ConstellationSolution
from satcom.supplychain.equipment_return import release_terminal
from satcom.supplychain.procurement import cancel_purchase, order_terminal, purchase_for
from satcom.supplychain.stock import hold_terminal, issue_terminal, terminal_of

UNDONE = "the order was undone"


def plan_the_site(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """Plan the terminal at its place, pointed at its satellite; one that follows satellites points nowhere."""
    order, solution = find(session, ProductOrder, order_id), site_solution_in(reserved)
    planned, demand = terminal_at_site(session, order_id), demand_of_site(session, order)
    fixed = None if isinstance(solution, ConstellationSolution) else solution
    if planned is None:
        planned = Terminal(
            name=f"{solution.terminal_type_name} of {order.reference}",
            terminal_type_id=solution.terminal_type_id,
            order_id=order.id,
            party_id=order.party_id,
            latitude_deg=demand.latitude_deg,
            longitude_deg=demand.longitude_deg,
            altitude_m=demand.altitude_m or 0.0,
            azimuth_deg=None if fixed is None else fixed.azimuth_deg,
            elevation_deg=None if fixed is None else fixed.elevation_deg,
        )
        planned = plan_terminal(session, planned, WORKER)
    return planned.id


def clear_the_site(session: Session, order_id: str, reserved: Json) -> Json:
    terminal = terminal_at_site(session, order_id)
    if terminal is not None:
        move_terminal(session, terminal, TerminalState.REMOVED, WORKER)
    return None


def obtain_terminal(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """The terminal in stock, without end of hold; where there is none, a purchase order, and the order waits."""
    order, solution = find(session, ProductOrder, order_id), site_solution_in(reserved)
    if hold_terminal(session, solution.terminal_type_id, order.id, order.party_id, None) is not None:
        return None
    purchase = order_terminal(session, order.id, solution.terminal_type_id, order.party_id)
    what = f"terminal {purchase.terminal_type_name}, ordered with {purchase.reference}"
    hold_for(session, order.id, what, purchase.expected_delivery_date)
    return purchase.expected_delivery_date.isoformat()


def return_the_terminal(session: Session, order_id: str, reserved: Json) -> Json:
    cancel_purchase(session, order_id, UNDONE)
    release_terminal(session, order_id, UNDONE)
    return None


def terminal_is_here(session: Session, order_id: str, expected: str | None) -> Json | Later:
    terminal = terminal_of(session, order_id)
    if terminal is None:
        purchase, bought = purchase_for(session, order_id), datetime.fromisoformat(expected) if expected else now()
        due = purchase.expected_delivery_date if purchase is not None else bought  # a shipment may move it
        patience = timedelta(days=operator_of(session).terminal_patience_days)
        return Later(due, deadline=due + patience)
    return terminal.serial_number


def terminal_installed(session: Session, order_id: str) -> Terminal:
    """The terminal leaves the depot for its site. Raises `RuleRefused` when none is planned there."""
    site = terminal_at_site(session, order_id)
    if site is None:
        raise RuleRefused("terminal", f"no terminal is planned for order {order_id}", "notPlanned")
    device = issue_terminal(session, order_id)
    install_terminal(session, site, device.serial_number, WORKER)
    return site
