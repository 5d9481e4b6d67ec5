"""An installer with a calendar, and orders that wait for an appointment."""

from datetime import datetime, timedelta

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.entity import from_body, new_id
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text, reference
from satcom.service.appointment import Appointment, free_visits
from satcom.service.installation import Installation, Site, await_appointment, plan_installation
from satcom.supplychain.installer import Installer, engage_installer

KOLWEZI = Site("CD", -10.7148, 25.3855)  # where clocks are two hours ahead of UTC


def an_installer(session: Session, teams: int = 1, **further: object) -> Installer:
    values = {"name": "Highveld, DR Congo", "country": "CD", "teams": teams, **further}
    return engage_installer(session, Installer.model_validate(values), WORKER)


def an_installation(session: Session, party_id: str, terminal_is_there: bool = True) -> Installation:
    order_id = new_id()
    order = reference(order_id, "ProductOrder", None, f"PO-{order_id[-6:]}")
    planned = plan_installation(session, order, party_id, KOLWEZI)
    if terminal_is_there:
        await_appointment(session, planned, now())
    return planned


def body_for(order_id: str, start_at: datetime, stop_at: datetime) -> dict[str, Json]:
    return {
        "relatedEntity": [{"id": order_id, "role": "installed order", "@referredType": "ProductOrder"}],
        "validFor": {"startDateTime": instant_text(start_at), "endDateTime": instant_text(stop_at)},
    }


def an_appointment_for(installation: Installation, period: tuple[datetime, datetime]) -> Appointment:
    return from_body(Appointment, body_for(installation.order_id, *period))


def periods_free(session: Session, installation: Installation) -> list[tuple[datetime, datetime]]:
    """What may be agreed in the next fortnight."""
    since = installation.since
    found = free_visits(session, installation, since, since + timedelta(days=14))
    return sorted({(visit.start_at, visit.stop_at) for visit, _ in found})
