"""Appointments: when an installer comes to a site, agreed with the customer, and what came of it.

A visit is sold to one customer: each team of an installer is at one site at a time, and the database promises that.
Whoever books need not see the appointments of others: what is free is worked out for him. A visit is moved or cancelled
until it begins; then the installer says that he was there, or why it failed. Words: TMF646.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find_for_update, lock_key, network_view
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, state_type, tmf
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Json, Note, Reference, RelatedParty, TimePeriod, instant_text
from satcom.enterprise.note import operators_note, signed
from satcom.service.installation import (
    Installation,
    InstallationMoved,
    InstallationState,
    earliest_visit,
    installation_of,
    move_installation,
)
from satcom.supplychain.installer import Installer, Visit, installers_in, visits_of

ORDER: Final = "ProductOrder"
INSTALLER: Final = "installer"
SHOWN: Final = 10  # visits that a refusal proposes
BY_HAND: Final = frozenset({"validFor", "status", "note", "description", "externalId", "@type"})


class AppointmentStatus(StrEnum):
    """TMF646 `AppointmentStateType`."""

    INITIALIZED = "initialized"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"


class Appointment(Entity, table=True):
    """One visit, agreed. It belongs to the customer; `team` is which of the installer's comes."""

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint("stop_at > start_at", name="appointment_has_time"),
        ExcludeConstraint(
            (text("installer_id"), "="),
            (text("team"), "="),
            (text("tstzrange(start_at, stop_at)"), "&&"),
            using="gist",
            where=text("status IN ('initialized', 'confirmed')"),
            name="a_team_is_at_one_site",
        ),
    )

    category: str = Field(default="installation", max_length=100)
    description: str | None = Field(default=None, max_length=2000)
    external_id: str | None = Field(default=None, max_length=200, index=True)
    status: AppointmentStatus = Field(default=AppointmentStatus.INITIALIZED, sa_type=state_type(AppointmentStatus))
    creation_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    last_update: datetime = Field(default_factory=now, sa_type=INSTANT)
    valid_for: TimePeriod = Field(sa_type=JsonOf(TimePeriod))
    note: list[Note] = Field(default_factory=list, sa_type=JsonOf(list[Note]))
    related_entity: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    installation_id: str = Field(default="", foreign_key="installation.id", index=True, sa_type=id_type())
    installer_id: str = Field(default="", foreign_key="installer.id", index=True, sa_type=id_type())
    team: int = 1
    start_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    stop_at: datetime = Field(default_factory=now, sa_type=INSTANT)

    api: ClassVar = tmf("TMF646", "Appointment", Capability.READ_APPOINTMENTS)
    state_field: ClassVar[str] = "status"
    private: ClassVar[frozenset[str]] = frozenset({"installation_id", "installer_id", "team", "start_at", "stop_at"})
    life_cycle: ClassVar = LifeCycle[AppointmentStatus](
        AppointmentStatus,
        ("initialized", "confirmed", "an installer has the time"),
        ("confirmed", "cancelled", "it is not wanted any more"),
        ("confirmed", "completed", "the installer was there and installed"),
        ("confirmed", "failed", "nobody came, nobody opened, or it could not be done"),
    )


OPEN: Final = (AppointmentStatus.INITIALIZED, AppointmentStatus.CONFIRMED)


# What is free


def free_visits(
    session: Session, installation: Installation, since: datetime, until: datetime, besides: str = ""
) -> list[tuple[Visit, int]]:
    """The visits that may still be agreed, each with a team that is free, installer after installer.

    The appointment `besides` is about to be moved, and takes nothing.
    """
    free, last = [], min(until, installation.latest_at or until)
    with network_view(session) as network:  # what others have agreed, nobody is shown
        for installer in installers_in(network, installation.country):
            first = max(since, earliest_visit(installation, installer))
            if last <= first:
                continue
            taken = [one for one in _taken(network, installer, first, last) if one.id != besides]
            for visit in visits_of(installer, installation.zone, first, last):
                team = _free_team(installer, visit, taken)
                if team is not None:
                    free.append((visit, team))
    return free


def _taken(session: Session, installer: Installer, since: datetime, until: datetime) -> Sequence[Appointment]:
    of_it = (col(Appointment.installer_id) == installer.id) & col(Appointment.status).in_(OPEN)
    meets = (col(Appointment.stop_at) > since) & (col(Appointment.start_at) < until)
    return session.exec(select(Appointment).where(of_it, meets)).all()


def _free_team(installer: Installer, visit: Visit, taken: Sequence[Appointment]) -> int | None:
    busy = {one.team for one in taken if one.start_at < visit.stop_at and visit.start_at < one.stop_at}
    return next((team for team in range(1, installer.teams + 1) if team not in busy), None)


# Commands


def book_appointment(session: Session, appointment: Appointment, by: Principal) -> Appointment:
    """Agree when the installer of an order comes.

    Raises `Refused` without an order that is installed on site, `WrongState` while it waits for no appointment,
    `RuleRefused` on a time that nobody offers or has.
    """
    installation = installation_named(session, appointment.related_entity)
    if installation.state is not InstallationState.AWAITED:
        raise WrongState(
            "/relatedEntity/0/id", why_not_appointed(installation), installation.state, InstallationState.AWAITED
        )
    session.info["order_reference"] = installation.product_order.name
    appointment.party_id, appointment.installation_id = installation.party_id, installation.id
    appointment.note = signed(appointment.note, [], by)
    _agree(session, installation, appointment)
    move(appointment, AppointmentStatus.CONFIRMED)
    with _one_team_at_one_site():
        session.add(appointment)
        session.flush()
    _tell(session, installation, InstallationState.APPOINTED)
    return appointment


def follow_appointment(
    session: Session, appointment: Appointment, patch: dict[str, Json], by: Principal
) -> Appointment:
    """Move it, cancel it, or say what came of it: who was there says `completed`, and who was not says why.

    Raises `RuleRefused` on what stays as agreed, a time that nobody has, or a failure without its reason; `WrongState`
    on a visit that is over, or that has not begun and is said to be.
    """
    for name in sorted(patch.keys() - BY_HAND):
        why = "it stays as it was agreed"
        raise RuleRefused(f"/{name[:80]}", why, "fixed", ", ".join(sorted(BY_HAND - {"@type"})))
    installation = find_for_update(session, Installation, appointment.installation_id)
    session.info["order_reference"] = installation.product_order.name
    wanted, period = _wanted_status(patch, appointment), appointment.valid_for
    attended = wanted in (AppointmentStatus.COMPLETED, AppointmentStatus.FAILED)
    by.need(Capability.ATTEND_APPOINTMENTS if attended else Capability.BOOK_APPOINTMENTS)
    before = list(appointment.note)
    change(appointment, {name: value for name, value in patch.items() if name != "status"})
    if any(one not in appointment.note for one in before):
        raise RuleRefused("/note", "earlier notes would be lost", "notesLost", "all earlier notes and new ones")
    appointment.note, appointment.last_update = signed(appointment.note, before, by), now()
    if wanted is not appointment.status:
        _end(session, installation, appointment, wanted, [one for one in appointment.note if one not in before])
    elif appointment.valid_for != period:
        _move_visit(session, installation, appointment)
    session.flush()
    return appointment


def take_back(session: Session, appointment: Appointment, by: Principal) -> None:
    """As if it had never been agreed; the change log knows. Raises `WrongState` once it has begun."""
    if appointment.status in (AppointmentStatus.COMPLETED, AppointmentStatus.FAILED):
        why = f"the appointment is {appointment.status}: what came of it stays known"
        raise WrongState("/status", why, appointment.status, "one that has not begun")
    _must_be_to_come(appointment)
    if appointment.status in OPEN:
        installation = find_for_update(session, Installation, appointment.installation_id)
        session.info["order_reference"] = installation.product_order.name
        _tell(session, installation, InstallationState.AWAITED)
    session.delete(appointment)
    session.flush()


def cancel_of_order(session: Session, order_id: str, because: str) -> None:
    """The order is undone: nobody comes any more. Doing it again does nothing; what was attended stays."""
    planned = installation_of(session, order_id)
    if planned is None:
        return
    open_appointment(session, planned)  # locked before its installation, as whoever follows it does
    installation = find_for_update(session, Installation, planned.id)
    if installation.state in (InstallationState.DONE, InstallationState.CALLED_OFF):
        return
    agreed = open_appointment(session, installation)
    if agreed is not None:
        move(agreed, AppointmentStatus.CANCELLED)
        agreed.note, agreed.last_update = [*agreed.note, operators_note(because)], now()
    move_installation(session, installation, InstallationState.CALLED_OFF)


def open_appointment(session: Session, installation: Installation) -> Appointment | None:
    """The one that is agreed and not over, locked until the transaction ends."""
    of_it = (col(Appointment.installation_id) == installation.id) & col(Appointment.status).in_(OPEN)
    return session.exec(select(Appointment).where(of_it).with_for_update()).first()


def latest_appointment(session: Session, installation: Installation) -> Appointment | None:
    of_it = select(Appointment).where(col(Appointment.installation_id) == installation.id)
    return session.exec(of_it.order_by(col(Appointment.id).desc()).limit(1)).first()


def installation_named(session: Session, related: Sequence[Reference]) -> Installation:
    named = [index for index, one in enumerate(related) if one.referred_type == ORDER]
    if len(named) != 1:
        why = f"{len(named)} orders are named"
        raise Refused("/relatedEntity", why, "missing", f"one with @referredType {ORDER}")
    wanted, where = related[named[0]].id, f"/relatedEntity/{named[0]}/id"
    planned = installation_of(session, wanted) if is_uuid(wanted) else None
    if planned is None:
        why = f"no order {wanted[:80]!r} is installed on site"
        raise Refused(where, why, "notFound", "the id of an order whose offering is installed on site")
    return find_for_update(session, Installation, planned.id)


def why_not_appointed(installation: Installation) -> str:
    order = installation.product_order.name
    return {
        InstallationState.PLANNED: f"the terminal of {order}, or its satellite, is not there yet",
        InstallationState.APPOINTED: f"{order} has an appointment; move that one",
        InstallationState.DONE: f"{order} is installed",
    }.get(installation.state, f"{order} is not installed any more")


def _agree(session: Session, installation: Installation, appointment: Appointment) -> None:
    """Take the visit for it, and the team that comes. Raises `RuleRefused` with the next ones that are free."""
    start_at, stop_at = appointment.valid_for.start_date_time, appointment.valid_for.end_date_time
    if start_at is None or stop_at is None:
        raise Refused("/validFor", "a visit has a start and an end", "missing", "startDateTime and endDateTime")
    lock_key(session.connection(), f"installers in {installation.country}")  # one after the other: each sees the last
    free = free_visits(session, installation, now(), installation.latest_at or stop_at, appointment.id)
    found = next((one for one in free if (one[0].start_at, one[0].stop_at) == (start_at, stop_at)), None)
    if found is None:
        periods = sorted({(one.start_at, one.stop_at) for one, _ in free})[:SHOWN]
        accepted = ", ".join(f"{instant_text(start)}/{instant_text(stop)}" for start, stop in periods)
        why = f"no installer has {instant_text(start_at)} to {instant_text(stop_at)}"
        raise RuleRefused("/validFor", why, "notFree", accepted or "nothing is free any more")
    visit, team = found
    appointment.installer_id, appointment.team = visit.installer.id, team
    appointment.start_at, appointment.stop_at = visit.start_at, visit.stop_at
    others = [one for one in appointment.related_party if one.role != INSTALLER]
    comes = RelatedParty.model_validate(
        {"id": visit.installer.id, "name": visit.installer.name, "role": INSTALLER, "@referredType": "Installer"}
    )
    appointment.related_party = [*others, comes]


def _move_visit(session: Session, installation: Installation, appointment: Appointment) -> None:
    _must_be_to_come(appointment)
    with session.no_autoflush:
        _agree(session, installation, appointment)
    with _one_team_at_one_site():
        session.flush()
    _tell(session, installation, InstallationState.APPOINTED)


def _end(
    session: Session, installation: Installation, appointment: Appointment, to: AppointmentStatus, said: list[Note]
) -> None:
    if to is AppointmentStatus.CANCELLED:
        _must_be_to_come(appointment)
    elif now() < appointment.start_at:
        why = f"the visit begins at {instant_text(appointment.start_at)}"
        raise WrongState("/status", why, "notBegun", "another validFor, or cancelled")
    if to is AppointmentStatus.FAILED and not any((one.text or "").strip() for one in said):
        raise RuleRefused(
            "/note", "who was not there says why; the customer is told", "missing", "a note with the reason"
        )
    move(appointment, to)
    done = to is AppointmentStatus.COMPLETED
    _tell(session, installation, InstallationState.DONE if done else InstallationState.AWAITED)


def _must_be_to_come(appointment: Appointment) -> None:
    if appointment.status in OPEN and appointment.start_at <= now():
        why = f"the visit began at {instant_text(appointment.start_at)}"
        raise WrongState("/status", why, "begun", ", ".join((AppointmentStatus.COMPLETED, AppointmentStatus.FAILED)))


def _wanted_status(patch: dict[str, Json], appointment: Appointment) -> AppointmentStatus:
    wanted = AppointmentStatus(str(patch.get("status") or appointment.status))  # the document knows these
    if appointment.status not in OPEN:
        raise WrongState("/status", f"the appointment is {appointment.status}", appointment.status, "one that is open")
    if wanted is AppointmentStatus.INITIALIZED:
        raise WrongState("/status", "it is confirmed", "confirmed", ", ".join(list(AppointmentStatus)[2:]))
    if wanted is not appointment.status and "validFor" in patch:
        raise RuleRefused("/validFor", f"it is moved, or it is {wanted}", "both", "one of the two")
    return wanted


def _tell(session: Session, installation: Installation, state: InstallationState) -> None:
    move_installation(session, installation, state)
    announce(session, InstallationMoved(installation.order_id, installation.id, installation.since))


@contextmanager
def _one_team_at_one_site() -> Iterator[None]:
    """The guarantee behind the lock."""
    try:
        yield
    except IntegrityError as error:
        if "a_team_is_at_one_site" not in str(error.orig):
            raise
        raise RuleRefused("/validFor", "somebody else has just taken it", "notFree", "another time") from error


routes = TmfRoutes(Appointment)
routes.post(book_appointment, may=Capability.BOOK_APPOINTMENTS)
routes.patch(follow_appointment, may=Capability.READ_APPOINTMENTS)
routes.delete(take_back, may=Capability.BOOK_APPOINTMENTS)
