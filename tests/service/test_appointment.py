"""A visit is agreed with one customer, moved or cancelled until it begins, and then attended or missed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from satcom.core.access import create_token
from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.entity import checked, from_body
from satcom.core.errors import NotAllowed, Refused, RuleRefused, WrongState
from satcom.core.security import WORKER, Principal
from satcom.core.values import Json, instant_text
from satcom.service.appointment import (
    Appointment,
    AppointmentStatus,
    book_appointment,
    cancel_of_order,
    follow_appointment,
    take_back,
)
from satcom.service.installation import Installation, InstallationState
from satcom.service.time_slot import SearchTimeSlot, search_time_slots
from tests.enterprise.an_operator import an_operator, an_organization
from tests.service.an_installation import (
    an_appointment_for,
    an_installation,
    an_installer,
    body_for,
    periods_free,
)

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Customer:
    """Who waits for an installer."""

    token: str
    order_id: str
    installation_id: str


@contextmanager
def asking(database: Database, customer: Customer) -> Iterator[tuple[Session, Principal, Installation]]:
    with database.request(customer.token) as (session, principal):
        yield session, principal, find(session, Installation, customer.installation_id)


def customers(database: Database, number: int, teams: int = 1) -> list[Customer]:
    """So many customers in a country with one installer."""
    found = []
    with database.as_worker() as session:
        an_operator(session)
        an_installer(session, teams=teams)
        for index in range(number):
            party = an_organization(session, f"Mine {index}")
            token = create_token(session, party.trading_name, ["customer"], party.id, timedelta(days=1))[1]
            planned = an_installation(session, party.id)
            found.append(Customer(token, planned.order_id, planned.id))
    return found


def first_free(database: Database, customer: Customer) -> tuple[datetime, datetime]:
    with asking(database, customer) as (session, _, installation):
        return periods_free(session, installation)[0]


def book(database: Database, customer: Customer, period: tuple[datetime, datetime]) -> str:
    with asking(database, customer) as (session, principal, installation):
        return book_appointment(session, an_appointment_for(installation, period), principal).id


def test_a_visit_is_never_sold_twice(database: Database) -> None:
    """Eight ask at the same instant for the same visit of two teams."""
    asked = customers(database, 8, teams=2)
    period = first_free(database, asked[0])

    def attempt(customer: Customer) -> bool:
        with suppress(RuleRefused):
            return bool(book(database, customer, period))
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, asked)) == 2
    with database.as_worker() as session:
        assert sorted(one.team for one in session.exec(select(Appointment))) == [1, 2]


def test_the_database_itself_keeps_a_team_from_two_sites(database: Database) -> None:
    [one, other] = customers(database, 2)
    booked = book(database, one, first_free(database, one))
    with database.as_worker() as session:
        copied = find(session, Appointment, booked).model_dump(exclude={"id"})
        session.add(checked(Appointment, copied | {"installation_id": other.installation_id}))
        with pytest.raises(IntegrityError, match="a_team_is_at_one_site"):
            session.flush()
        session.rollback()


def test_a_customer_is_offered_what_others_have_not_and_sees_none_of_theirs(database: Database) -> None:
    [one, other] = customers(database, 2)
    period = first_free(database, one)
    book(database, one, period)
    with asking(database, other) as (session, principal, installation):
        assert session.exec(select(Appointment)).all() == []
        search = from_body(SearchTimeSlot, {"relatedEntity": body_for(other.order_id, *period)["relatedEntity"]})
        told = search_time_slots(session, search, principal)
        starts = [slot.valid_for.start_date_time for slot in told.available_time_slot]
        assert starts == sorted(start for start, _ in periods_free(session, installation))
        assert period[0] not in starts
        with pytest.raises(Refused, match="no order"):
            book_appointment(session, from_body(Appointment, body_for(one.order_id, *period)), principal)


def test_nobody_is_appointed_before_the_terminal_can_be_there(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        an_installer(session, lead_time_days=5)
        planned = an_installation(session, an_organization(session).id, terminal_is_there=False)
        with pytest.raises(WrongState, match="not there yet"), session.begin_nested():
            book_appointment(session, an_appointment_for(planned, (now(), now() + timedelta(hours=4))), WORKER)
        awaited = an_installation(session, an_organization(session).id)
        assert periods_free(session, awaited)[0][0] >= now() + timedelta(days=5)


def test_a_visit_is_moved_or_cancelled_until_it_begins_and_is_then_free_for_others(database: Database) -> None:
    [one, other] = customers(database, 2)
    with asking(database, one) as (session, principal, installation):
        first, second = periods_free(session, installation)[:2]
        booked = book_appointment(session, an_appointment_for(installation, first), principal)
        with pytest.raises(WrongState, match="has an appointment"), session.begin_nested():
            book_appointment(session, an_appointment_for(installation, second), principal)
        follow_appointment(session, booked, moved_to(second), principal)
        assert booked.start_at == second[0]
        booked_id = booked.id
    book(database, other, first)
    with asking(database, one) as (session, principal, _):
        booked = find(session, Appointment, booked_id)
        with pytest.raises(RuleRefused, match="no installer has"), session.begin_nested():
            follow_appointment(session, booked, moved_to(first), principal)
    with asking(database, one) as (session, principal, installation):
        follow_appointment(session, find(session, Appointment, booked_id), {"status": "cancelled"}, principal)
        assert installation.state is InstallationState.AWAITED
    assert first_free(database, one) == second


def moved_to(period: tuple[datetime, datetime]) -> dict[str, Json]:
    return {"validFor": {"startDateTime": instant_text(period[0]), "endDateTime": instant_text(period[1])}}


def test_a_missed_visit_is_told_with_its_reason_and_may_be_booked_again(database: Database) -> None:
    [one] = customers(database, 1)
    period = first_free(database, one)
    booked_id = book(database, one, period)
    with asking(database, one) as (session, principal, _), pytest.raises(NotAllowed):
        follow_appointment(session, find(session, Appointment, booked_id), {"status": "completed"}, principal)
    with database.as_worker() as session:
        booked = find(session, Appointment, booked_id)
        missed: dict[str, Json] = {"status": "failed", "note": [{"text": "the road was flooded"}]}
        with pytest.raises(WrongState, match="the visit begins"), session.begin_nested():
            follow_appointment(session, booked, missed, WORKER)
    with database.as_worker() as session, clock.at(period[0] + timedelta(hours=1)):
        booked = find(session, Appointment, booked_id)
        with pytest.raises(RuleRefused, match="says why"), session.begin_nested():
            follow_appointment(session, booked, {"status": "failed"}, WORKER)
        session.expire_all()
        with pytest.raises(WrongState, match="the visit began"), session.begin_nested():
            follow_appointment(session, booked, {"status": "cancelled"}, WORKER)
        session.expire_all()
        follow_appointment(session, booked, missed, WORKER)
        installation = find(session, Installation, one.installation_id)
        assert installation.state is InstallationState.AWAITED
        with pytest.raises(WrongState, match="is failed"):
            follow_appointment(session, booked, {"status": "completed"}, WORKER)
        again = book_appointment(
            session, an_appointment_for(installation, periods_free(session, installation)[0]), WORKER
        )
    with database.as_worker() as session, clock.at(again.stop_at):
        follow_appointment(session, find(session, Appointment, again.id), {"status": "completed"}, WORKER)
        assert find(session, Installation, one.installation_id).state is InstallationState.DONE


def test_a_visit_is_taken_back_until_it_begins(database: Database) -> None:
    [one] = customers(database, 1)
    period = first_free(database, one)
    for _ in range(2):
        booked = book(database, one, period)
        with asking(database, one) as (session, principal, installation):
            take_back(session, find(session, Appointment, booked), principal)
            assert installation.state is InstallationState.AWAITED
    booked = book(database, one, period)
    with database.as_worker() as session, clock.at(period[0]), pytest.raises(WrongState, match="the visit began"):
        take_back(session, find(session, Appointment, booked), WORKER)
    with database.as_worker() as session, clock.at(period[0]):
        done = follow_appointment(session, find(session, Appointment, booked), {"status": "completed"}, WORKER)
        with pytest.raises(WrongState, match="stays known"):
            take_back(session, done, WORKER)


def test_an_order_that_is_undone_gives_its_visit_back(database: Database) -> None:
    [one] = customers(database, 1)
    booked = book(database, one, first_free(database, one))
    for _ in range(2):
        with database.as_worker() as session:
            cancel_of_order(session, one.order_id, "the order was undone")
            assert find(session, Installation, one.installation_id).state is InstallationState.CALLED_OFF
            cancelled = find(session, Appointment, booked)
            assert (cancelled.status, len(cancelled.note)) == (AppointmentStatus.CANCELLED, 1)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"relatedEntity": []}, "/relatedEntity"),
        ({"category": "survey"}, "/category"),
        ({"status": "initialized"}, "/status"),
        ({"status": "cancelled", "validFor": {"endDateTime": "2030-01-01T00:00:00Z"}}, "/validFor"),
        ({"validFor": {"startDateTime": "2030-01-01T00:00:00Z", "endDateTime": "2029-01-01T00:00:00Z"}}, "/validFor"),
    ],
)
def test_what_was_agreed_stays_as_it_was(database: Database, patch: dict[str, Json], field: str) -> None:
    [one] = customers(database, 1)
    booked = book(database, one, first_free(database, one))
    with database.as_worker() as session, pytest.raises(Refused) as refused, session.begin_nested():
        follow_appointment(session, find(session, Appointment, booked), patch, WORKER)
    assert refused.value.faults[0].field == field
