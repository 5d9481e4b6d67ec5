"""The installation of an order: planned before it is promised, appointed when the terminal is there, and attended.

The customer or sales books the visit; until somebody was there the order waits. A visit that is cancelled or missed is
booked again, by the day until which the terminal waits for it.
"""

from datetime import timedelta
from typing import Final

from sqlmodel import Session, select

from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import Role
from satcom.core.values import Json, Note, instant_text, reference
from satcom.market.order_delivery import hold_for, tell_customer
from satcom.market.ordering import ProductOrder
from satcom.orchestration.operations.ordered_network import demand_of_site
from satcom.orchestration.operations.ordered_site import UNDONE
from satcom.orchestration.plan import Later, Plan, ProcessFlow, TaskHandle
from satcom.orchestration.queue import enqueue
from satcom.service.appointment import (
    AppointmentStatus,
    cancel_of_order,
    latest_appointment,
    open_appointment,
)
from satcom.service.installation import (
    Installation,
    InstallationMoved,
    InstallationState,
    Site,
    await_appointment,
    plan_installation,
)
from satcom.service.qualification import country_of

BOOKED_IN: Final = timedelta(days=3)
COMES_IN: Final = timedelta(days=7)
APPOINTMENT = "the appointment of its installation"


def wait_for_installation(plan: Plan, order: str, installation: TaskHandle, terminal: TaskHandle) -> TaskHandle:
    """The two waits: for the appointment, then for somebody at the site."""
    agreed = plan.wait(
        appointment_is_made, order, installation, terminal, owner=Role.SALES, expected=BOOKED_IN, skippable=False
    )
    return plan.wait(
        site_is_installed, order, installation, after=[agreed], owner=Role.SUPPLY, expected=COMES_IN, skippable=False
    )


def plan_the_installation(session: Session, order_id: str, priced: Json) -> Json:
    """Nothing is promised that nobody installs. The id of the installation."""
    order = find(session, ProductOrder, order_id)
    demand = demand_of_site(session, order)
    country = country_of(demand)
    if country is None:
        raise RuleRefused("/place", "nobody installs at sea", "noInstaller", "an offering without installation")
    named = reference(order.id, ProductOrder.__name__, order.href, order.reference)
    site = Site(country, demand.latitude_deg, demand.longitude_deg)
    return plan_installation(session, named, order.party_id, site).id


def call_the_installation_off(session: Session, order_id: str, priced: Json) -> Json:
    cancel_of_order(session, order_id, UNDONE)
    return None


def appointment_is_made(session: Session, order_id: str, installation_id: str, terminal: Json) -> Json | Later:
    """The terminal is here: the customer says when somebody may come."""
    installation = find(session, Installation, installation_id)
    await_appointment(session, installation)
    if installation.state is InstallationState.AWAITED:
        hold_for(session, order_id, APPOINTMENT)
        return Later(installation.since + BOOKED_IN, installation.latest_at)
    return instant_text(installation.since)


def site_is_installed(session: Session, order_id: str, installation_id: str) -> Json | Later:
    """Somebody comes, and says that it is done. A visit that came to nothing is booked again by whose turn it is."""
    installation = find(session, Installation, installation_id)
    if installation.state is InstallationState.DONE:
        return instant_text(installation.since)
    agreed = open_appointment(session, installation)
    if agreed is not None:
        visit = f"its installation at {instant_text(agreed.start_at)}"
        hold_for(session, order_id, visit)
        return Later(agreed.stop_at, installation.latest_at, Role.SUPPLY)
    last = latest_appointment(session, installation)
    if last is not None and last.status is AppointmentStatus.FAILED:
        why = next((one.text for one in reversed(last.note) if isinstance(one, Note) and one.text), "")
        tell_customer(session, order_id, f"the visit of {instant_text(last.start_at)} was missed: {why}"[:1000])
    hold_for(session, order_id, f"another appointment of its installation, since {instant_text(installation.since)}")
    return Later(installation.since + BOOKED_IN, installation.latest_at, Role.SALES)


@on(InstallationMoved)
def wake_for_installation(session: Session, event: InstallationMoved) -> None:
    """Whoever books or attends does not wait for the flow: a job of its own looks again."""
    flow_id = session.exec(select(ProcessFlow.id).where(ProcessFlow.subject_id == event.order_id)).first()
    if flow_id is not None:
        enqueue(session, flow_id, because=f"{event.installation_id}:{instant_text(event.at)}")
