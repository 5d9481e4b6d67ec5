"""Orders for a satellite that is not there yet: sold, waited for, moved with its date, and released."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from satcom.app.http import create_app
from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.errors import RuleRefused
from satcom.core.events import _handlers
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.party import operator_of
from satcom.market.billing import CustomerBill, lines_of
from satcom.market.inventory import product_of_order
from satcom.orchestration.plan import FlowState, TaskFlow
from satcom.orchestration.sweep import wake_due
from satcom.resource.hold import HoldState
from satcom.resource.inventory import amend
from satcom.resource.payload import Transponder
from satcom.resource.reservation import Reservation, held_by_reservation, reservation_of
from satcom.resource.satellite import Satellite, SatelliteState
from satcom.resource.satellite_life import InServiceDateMoved
from satcom.resource.spectrum import SpectrumAssignment
from tests.crash.test_queue import jobs, taken_by_a_worker
from tests.market.a_market import a_token, an_order_body
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.the_other_kinds import a_booking_offered, order_body

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CHANGES = "/satcom-api/planning/v1/inServiceDateChange"
RESERVATIONS = "/tmf-api/resourcePoolManagement/v4/reservation"
MILESTONES = "/satcom-api/resource/v1/satelliteMilestone"
Body = dict[str, Any]


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


@dataclass
class Programme:
    """A fleet that is still to come, and who plans it."""

    operation: Operation
    http: TestClient
    planner: dict[str, str]
    customer: dict[str, str]
    planned: date

    def place(self, start: datetime, completion: datetime | None = None) -> str:
        body = an_order_body(self.operation.market) | {"requestedStartDate": instant_text(start)}
        if completion is not None:
            body["requestedCompletionDate"] = instant_text(completion)
        answer = self.http.post(ORDERS, json=body, headers=self.customer)
        assert answer.status_code == 201, answer.text
        self.operation.advance(str(answer.json()["id"]))
        return str(answer.json()["id"])

    def order(self, order_id: str) -> Body:
        body: Body = self.http.get(f"{ORDERS}/{order_id}", headers=self.customer).json()
        return body

    def task(self, order_id: str) -> TaskFlow:
        return self.operation.flow(order_id)[1]["satellite_is_in_service"]

    def satellite_of(self, order_id: str) -> str:
        solution: Body = self.operation.flow(order_id)[1]["reserve_all_or_none"].result["solution"]
        return str(solution["satelliteId"])

    def propose(self, satellite: str, day: date, headers: dict[str, str] | None = None) -> httpx.Response:
        body: Json = {"satellite": {"id": satellite}, "inServiceDate": day.isoformat(), "reason": "the launcher slips"}
        answer: httpx.Response = self.http.post(CHANGES, json=body, headers=headers or self.planner)
        return answer

    def confirm(self, change: Body) -> httpx.Response:
        confirmed: Json = {"state": "confirmed"}
        answer: httpx.Response = self.http.patch(f"{CHANGES}/{change['id']}", json=confirmed, headers=self.planner)
        return answer

    def reach(self, satellite: str, state: str) -> httpx.Response:
        body: Json = {"satellite": {"id": satellite}, "state": state}
        answer: httpx.Response = self.http.post(MILESTONES, json=body, headers=self.planner)
        return answer


@contextmanager
def a_programme(database: Database, tmp_path: Path, days: int = 100, pools: bool = False) -> Iterator[Programme]:
    planned = (now() + timedelta(days=days)).date()
    with an_operation(database, tmp_path, pools=pools) as operation, TestClient(create_app(database)) as http:
        with database.as_worker() as session:
            for one in session.exec(select(Satellite)):
                one.state, one.in_service_date = SatelliteState.IN_ORBIT_TEST, planned
                one.end_of_life_date = planned + timedelta(days=15 * 365)
        customer = a_token(database, "customer", operation.market.party)
        yield Programme(operation, http, a_token(database, "planning"), customer, planned)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def test_a_satellite_is_sold_before_it_is_there_and_the_order_waits_for_it(database: Database, tmp_path: Path) -> None:
    with a_programme(database, tmp_path) as at:
        start = midnight(at.planned) + timedelta(days=5)
        order_id = at.place(start)
        task, order = at.task(order_id), at.order(order_id)
        assert (task.state, task.owner, task.expected_at) == ("active", "planning", midnight(at.planned))
        assert task.deadline == midnight(at.planned) + timedelta(days=180)
        assert order["state"] == "held"
        assert "to enter service" in order["note"][-1]["text"]
        clock.advance(timedelta(days=110))  # the customer's day is here, the satellite is not
        with database.as_worker() as session:
            wake_due(session)
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "held"
        answer = at.reach(at.satellite_of(order_id), "inService")
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "inService"
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "completed"
        with database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            assert product.start_date is not None
            assert product.start_date > start
            assert len(session.exec(select(CustomerBill)).all()) == 1


def test_nobody_can_begin_before_the_satellite_is_there(database: Database, tmp_path: Path) -> None:
    with a_programme(database, tmp_path) as at:
        order_id = at.place(midnight(at.planned) - timedelta(days=5))
        assert at.order(order_id)["state"] == "rejected"
        assert "satelliteNotInService" in at.order(order_id)["note"][-1]["text"]


def test_a_slip_shows_whom_it_touches_and_then_moves_all_of_them_at_once(database: Database, tmp_path: Path) -> None:
    with a_programme(database, tmp_path) as at:
        start, slipped = midnight(at.planned) + timedelta(days=5), at.planned + timedelta(days=60)
        patient, pressed = at.place(start), at.place(start, start + timedelta(days=20))
        relaxed = at.place(start + timedelta(days=90))
        before, satellite = at.order(patient), at.satellite_of(patient)
        shown = at.propose(satellite, slipped)
        assert shown.status_code == 201, shown.text
        touched = {one["order"]["id"]: one for one in shown.json()["touched"]}
        assert set(touched) == {patient, pressed}
        assert at.order(patient) == before
        one = touched[patient]
        assert one["startsBefore"] == one["billedFromBefore"][:10] + "T00:00:00Z" == instant_text(start)
        assert one["startsAfter"] == instant_text(midnight(slipped))
        assert one["billedFromAfter"][:10] == one["promisedAfter"][:10] == slipped.isoformat()
        assert one["promisedBefore"] == before["expectedCompletionDate"]
        assert (one["customer"]["name"], one.get("cannotBear")) == ("Mine", [])
        assert [why["code"] for why in touched[pressed]["cannotBear"]] == ["lateForCustomer"]
        done = at.confirm(shown.json())
        assert done.status_code == 200, done.text
        assert (done.json()["state"], done.json()["decidedBy"]) == ("confirmed", "planning of a test")
        for order_id in (patient, pressed):
            order = at.order(order_id)
            assert order["expectedCompletionDate"][:10] == slipped.isoformat()
            assert f"enters service on {slipped}, not on {at.planned}" in order["note"][-1]["text"]
            assert at.task(order_id).expected_at == midnight(slipped)
            with database.as_worker() as session:
                reservation = reservation_of(session, order_id)
                assert reservation is not None
                assert reservation.reservation_period is not None
                assert reservation.reservation_period.start_date_time == midnight(slipped)
                held = held_by_reservation(session, reservation).holds
                assert {hold.start_at for hold in held} == {midnight(slipped)}
        assert "Please note: the customer wants it by" in at.order(pressed)["note"][-1]["text"]
        assert at.task(relaxed).expected_at == midnight(slipped)
        assert "not on" not in str(at.order(relaxed)["note"])
        again = at.confirm(shown.json())
        assert (again.status_code, again.json()["code"]) == (409, "decided")


def test_a_booking_does_not_move_with_its_satellite_and_is_given_up_when_that_comes_too_late(
    database: Database, tmp_path: Path
) -> None:
    with a_programme(database, tmp_path) as at:
        with database.as_worker() as session:
            offering = a_booking_offered(session)
        start, slipped = midnight(at.planned) + timedelta(days=5), at.planned + timedelta(days=60)
        body = order_body(at.operation.market, offering, durationMinutes=90, bandwidthHz=5_000_000)
        answer = at.http.post(ORDERS, json=body | {"requestedStartDate": instant_text(start)}, headers=at.customer)
        assert answer.status_code == 201, answer.text
        order_id = str(answer.json()["id"])
        at.operation.advance(order_id)
        shown = at.propose(at.satellite_of(order_id), slipped).json()
        [one] = shown["touched"]
        assert {why["code"] for why in one["cannotBear"]} == {"periodOver", "booked"}
        assert one["startsAfter"] == instant_text(start)
        assert at.confirm(shown).status_code == 200
        assert "no booking moves" in at.order(order_id)["note"][-1]["text"]
        at.operation.advance(order_id)
        order = at.order(order_id)
        assert order["state"] == "failed"
        assert "when what is booked is over" in order["note"][-1]["text"]
        with database.as_worker() as session:
            held = session.exec(select(SpectrumAssignment).where(SpectrumAssignment.order_id == order_id)).all()
            assert {one.state for one in held} == {HoldState.RELEASED}


def a_hold(at: Programme, transponder: Transponder, start: datetime, stop: datetime, until: datetime) -> str:
    """Sales hold 1 MHz for the customer while they talk to him; no order stands behind it."""
    amount: Json = {"capacityAmount": {"capacityAmount": "1000000"}, "capacitySpec": {"id": "bandwidthHz"}}
    of: Json = [{"id": transponder.id, "role": "of", "@referredType": "Transponder"}]
    body: Json = {
        "relatedParty": [{"id": at.operation.market.party, "role": "customer"}],
        "reservationItem": [{"relatedEntity": of, "capacityDemand": amount}],
        "reservationPeriod": {"startDateTime": instant_text(start), "endDateTime": instant_text(stop)},
        "validFor": {"endDateTime": instant_text(until)},
    }
    answer = at.http.post(RESERVATIONS, json=body, headers=a_token(at.operation.database, "sales"))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_what_sales_hold_without_an_order_follows_the_satellite_and_keeps_its_end(
    database: Database, tmp_path: Path
) -> None:
    with a_programme(database, tmp_path, days=30) as at:
        with database.as_worker() as session:
            one, *others = session.exec(select(Transponder).order_by(col(Transponder.name))).all()
            elsewhere = next(other for other in others if other.satellite_id != one.satellite_id)
        first, slipped = midnight(at.planned), at.planned + timedelta(days=20)
        start, stop, long = first + timedelta(days=5), first + timedelta(days=365), now() + timedelta(days=80)
        follows = a_hold(at, one, start, stop, long)
        runs_out = a_hold(at, one, start, stop, now() + timedelta(days=40))
        is_over = a_hold(at, one, start, first + timedelta(days=15), long)
        later = a_hold(at, one, start + timedelta(days=60), stop, long)
        other = a_hold(at, elsewhere, start, stop, long)
        shown = at.propose(one.satellite_id, slipped).json()
        touched = {one["reservation"]["id"]: one for one in shown["touched"]}
        assert {name: [why["code"] for why in one["cannotBear"]] for name, one in touched.items()} == {
            follows: [],
            runs_out: ["holdRunsOut"],
            is_over: ["periodOver"],
        }
        told = touched[follows]
        assert "order" not in told
        assert told["customer"]["name"] == "Mine"
        assert (told["startsBefore"], told["startsAfter"]) == (instant_text(start), instant_text(midnight(slipped)))
        assert told["termEndsBefore"] == told["termEndsAfter"] == instant_text(stop)
        assert at.confirm(shown).status_code == 200
        with database.as_worker() as session:
            for name, begins in (
                (follows, midnight(slipped)),
                (runs_out, midnight(slipped)),
                (is_over, start),
                (later, start + timedelta(days=60)),
                (other, start),
            ):
                reservation = session.get_one(Reservation, name)
                period, [slot] = reservation.reservation_period, held_by_reservation(session, reservation).slots
                assert period is not None
                assert (period.start_date_time, slot.start_at) == (begins, begins)
                assert (period.end_date_time, slot.state) == (slot.stop_at, HoldState.HELD)
                assert slot.stop_at == (first + timedelta(days=15) if name == is_over else stop)


def test_the_first_bill_after_a_slip_begins_on_the_new_day(database: Database, tmp_path: Path) -> None:
    with a_programme(database, tmp_path) as at:
        start, slipped = midnight(at.planned) + timedelta(days=5), at.planned + timedelta(days=60)
        order_id = at.place(start)
        satellite = at.satellite_of(order_id)
        shown = at.propose(satellite, slipped).json()
        assert at.confirm(shown).status_code == 200
        clock.advance(start + timedelta(days=1) - now())  # the day on which it would have begun
        with database.as_worker() as session:
            wake_due(session)
        at.operation.advance(order_id)
        with database.as_worker() as session:
            assert session.exec(select(CustomerBill)).all() == []
        clock.advance(midnight(slipped) + timedelta(hours=2) - now())
        assert at.reach(satellite, "inService").status_code == 201
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "completed"
        with database.as_worker() as session:
            product, [bill] = product_of_order(session, order_id), session.exec(select(CustomerBill)).all()
            assert product is not None
            assert product.start_date is not None
            begins, zone = bill.billing_period.start_date_time, ZoneInfo(operator_of(session).time_zone)
            assert begins is not None
            assert begins.astimezone(zone).date() == product.start_date.astimezone(zone).date() == slipped
            assert shown["touched"][0]["billedFromAfter"][:10] == slipped.isoformat()
            periods = [one.period_coverage for one in lines_of(session, bill) if one.type == "recurringCharge"]
            assert {one.start_date_time for one in periods if one is not None} == {begins}


def test_a_satellite_that_comes_earlier_moves_nobody_before_the_day_he_asked_for(
    database: Database, tmp_path: Path
) -> None:
    with a_programme(database, tmp_path) as at:
        start = midnight(at.planned) + timedelta(days=5)
        order_id = at.place(start)
        satellite = at.satellite_of(order_id)
        at.confirm(at.propose(satellite, at.planned + timedelta(days=60)).json())
        earlier = at.propose(satellite, at.planned - timedelta(days=30)).json()
        assert [one["startsAfter"] for one in earlier["touched"]] == [instant_text(start)]
        assert at.confirm(earlier).status_code == 200
        with database.as_worker() as session:
            reservation = reservation_of(session, order_id)
            assert reservation is not None
            assert {one.start_at for one in held_by_reservation(session, reservation).holds} == {start}
        assert at.task(order_id).expected_at == midnight(at.planned - timedelta(days=30))


def test_who_cannot_be_moved_because_others_have_his_place_before_is_shown_and_stays(
    database: Database, tmp_path: Path
) -> None:
    with a_programme(database, tmp_path) as at:
        start, slipped = midnight(at.planned) + timedelta(days=5), at.planned + timedelta(days=60)
        order_id = at.place(start)
        satellite = at.satellite_of(order_id)
        at.confirm(at.propose(satellite, slipped).json())
        with database.as_worker() as session:
            reservation = reservation_of(session, order_id)
            assert reservation is not None
            slot = held_by_reservation(session, reservation).slots[0]
            values = slot.model_dump(exclude={"id", "reservation_id", "order_id", "order_reference", "party_id"})
            session.add(
                SpectrumAssignment(
                    **values | {"start_at": start, "stop_at": midnight(slipped), "state": HoldState.ASSIGNED}
                )
            )
        earlier = at.propose(satellite, at.planned).json()
        assert [one["cannotBear"][0]["code"] for one in earlier["touched"]] == ["slotTaken"]
        assert at.confirm(earlier).status_code == 200
        with database.as_worker() as session:
            kept = reservation_of(session, order_id)
            assert kept is not None
            assert {one.start_at for one in held_by_reservation(session, kept).holds} == {midnight(slipped)}


def test_what_was_ordered_since_it_was_shown_has_to_be_looked_at_first(database: Database, tmp_path: Path) -> None:
    with a_programme(database, tmp_path) as at:
        start = midnight(at.planned) + timedelta(days=5)
        first = at.place(start)
        shown = at.propose(at.satellite_of(first), at.planned + timedelta(days=60)).json()
        second = at.place(start)
        assert at.satellite_of(second) == at.satellite_of(first)
        refused = at.confirm(shown)
        assert (refused.status_code, refused.json()["code"]) == (409, "outdated")
        assert at.task(first).expected_at == midnight(at.planned)


def test_a_slip_that_breaks_in_the_middle_leaves_nothing_half(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_programme(database, tmp_path) as at:
        start = midnight(at.planned) + timedelta(days=5)
        orders = [at.place(start), at.place(start)]
        shown = at.propose(at.satellite_of(orders[0]), at.planned + timedelta(days=60)).json()
        before = [(at.order(one), at.task(one).model_dump()) for one in orders]

        def refuse(_: object, __: object) -> None:
            raise RuleRefused("satellite", "somebody who follows last refuses", "late")

        monkeypatch.setitem(_handlers, InServiceDateMoved, [*_handlers[InServiceDateMoved], refuse])
        assert at.confirm(shown).status_code == 422
        assert [(at.order(one), at.task(one).model_dump()) for one in orders] == before
        with database.as_worker() as session:
            assert {one.in_service_date for one in session.exec(select(Satellite))} == {at.planned}
            starts = {one.start_at for one in session.exec(select(SpectrumAssignment)) if one.order_id in orders}
            assert starts == {start}


@pytest.mark.parametrize("told", ["as a milestone", "as a correction"])
def test_a_satellite_that_is_lost_ends_the_orders_that_waited_for_it(
    database: Database, tmp_path: Path, told: str
) -> None:
    with a_programme(database, tmp_path) as at:
        order_id = at.place(midnight(at.planned) + timedelta(days=5))
        lost, waiting = at.satellite_of(order_id), at.operation.flow(order_id)[0]
        with database.as_worker() as session:
            taken_by_a_worker(session, heartbeat_age_s=0)
            assert ("todo", waiting.id) not in jobs(session)
        if told == "as a milestone":
            assert at.reach(lost, "endOfLife").status_code == 201
        else:
            with database.as_worker() as session:
                now_lost: Json = [{"name": "state", "value": "endOfLife"}]
                amend(session, find(session, Satellite, lost), {"resourceCharacteristic": now_lost}, WORKER)
        with database.as_worker() as session:
            assert ("todo", waiting.id) in jobs(session), "the next worker ends it, not the day that was planned"
        flow, _ = at.operation.advance(order_id)
        assert flow.state is FlowState.CANCELLED
        assert at.order(order_id)["state"] == "failed"
        assert "will carry no traffic" in at.order(order_id)["note"][-1]["text"]
        with database.as_worker() as session:
            assert {one.state.value for one in session.exec(select(Reservation))} == {"cancelled"}


@pytest.mark.parametrize(
    ("day", "status", "field"),
    [
        (date(2020, 1, 1), 422, "/inServiceDate"),
        (date(2090, 1, 1), 422, "/inServiceDate"),
        (None, 422, "/inServiceDate"),
    ],
)
def test_a_day_that_cannot_be_is_refused(
    database: Database, tmp_path: Path, day: date | None, status: int, field: str
) -> None:
    with a_programme(database, tmp_path) as at:
        with database.as_worker() as session:
            satellite = session.exec(select(Satellite)).all()[0].id
        refused = at.propose(satellite, day or at.planned)
        assert (refused.status_code, refused.json()["field"]) == (status, field)
        unknown = at.propose(at.operation.market.party, at.planned + timedelta(days=1))
        assert (unknown.status_code, unknown.json()["field"]) == (400, "/satellite/id")
        assert at.propose(satellite, at.planned, at.customer).status_code == 403
        at.reach(satellite, "inService")
        late = at.propose(satellite, at.planned + timedelta(days=1))
        assert (late.status_code, late.json()["code"]) == (409, "notAwaited")
        assert at.reach(satellite, "launched").status_code == 409
