"""The installation of an order: planned before it is promised, appointed when its terminal is there, and attended.

No visit is agreed before its satellite carries traffic, so none slips with it. The customer or sales books the visit;
until somebody was there the order waits. A visit that is cancelled or missed is booked again, by the day until which
the terminal waits for it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, select

from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.security import Role
from satcom.core.values import Json, Note, instant_text, reference
from satcom.market.order_delivery import hold_for, tell_customer
from satcom.market.ordering import ProductOrder
from satcom.orchestration.operations.ordered_network import demand_of_site, starts_at
from satcom.orchestration.operations.ordered_site import UNDONE
from satcom.orchestration.plan import Later, Plan, ProcessFlow, TaskFlow, TaskHandle, TaskState
from satcom.orchestration.queue import enqueue
from satcom.resource.reservation import reservation_of
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
    await_longer,
    installation_of,
    plan_installation,
)
from satcom.service.qualification import country_of

BOOKED_IN: Final = timedelta(days=3)
COMES_IN: Final = timedelta(days=7)
APPOINTMENT = "the appointment of its installation"


def wait_for_installation(
    plan: Plan, order: str, installation: TaskHandle, terminal: TaskHandle, after: Sequence[TaskHandle] = ()
) -> TaskHandle:
    """The two waits: for the appointment, then for somebody at the site."""
    agreed = plan.wait(
        appointment_is_made,
        order,
        installation,
        terminal,
        after=after,
        owner=Role.SALES,
        expected=BOOKED_IN,
        skippable=False,
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
    await_appointment(session, installation, _begins_at(session, order_id))
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


def _begins_at(session: Session, order_id: str) -> datetime:
    """The day that it is reserved for, which its satellite may move; else the one that was asked for."""
    reservation, asked = reservation_of(session, order_id), starts_at(find(session, ProductOrder, order_id))
    period = reservation.reservation_period if reservation is not None else None
    return max(asked, (period.start_date_time if period is not None else None) or asked)


def wait_longer_for_installation(session: Session, order_id: str, tasks: Sequence[TaskFlow]) -> None:
    """The satellite of an order slips whose plan, of an earlier release, does not wait for it with the appointment."""
    visits = {one.__name__ for one in (appointment_is_made, site_is_installed)}
    installation = installation_of(session, order_id)
    for task in tasks:
        if installation is not None and task.handler in visits and task.state is TaskState.ACTIVE:
            latest = await_longer(session, installation, _begins_at(session, order_id))
            task.deadline = max(latest, task.deadline or latest)


@on(InstallationMoved)
def wake_for_installation(session: Session, event: InstallationMoved) -> None:
    """Whoever books or attends does not wait for the flow: a job of its own looks again."""
    flow_id = session.exec(select(ProcessFlow.id).where(ProcessFlow.subject_id == event.order_id)).first()
    if flow_id is not None:
        enqueue(session, flow_id, because=f"{event.installation_id}:{instant_text(event.at)}")
