"""A satellite slips that carries every kind of service: links, shared access and leases move together, or none does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import Session, col, select

from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import WrongState
from satcom.core.events import _handlers
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.party import operator_of
from satcom.market.inventory import product_of_order
from satcom.orchestration.plan import FlowState, flow_of, tasks_of
from satcom.resource.carrier_pool import CarrierPool, PoolShare
from satcom.resource.catalog import NetworkNeed
from satcom.resource.hold import Hold, HoldState
from satcom.resource.payload import Transponder
from satcom.resource.reservation import held_by_reservation, reservation_of
from satcom.resource.satellite import Satellite, SatelliteState
from satcom.resource.satellite_life import InServiceDateMoved
from satcom.service.appointment import book_appointment, follow_appointment
from satcom.service.installation import Installation, installation_of
from tests.market.a_market import a_token, an_order_body
from tests.orchestration.operations.test_awaited_satellite import ORDERS, Body, Programme, a_programme, midnight
from tests.orchestration.operations.the_other_kinds import (
    ACCESS,
    MHZ,
    an_access_offered,
    an_offer,
    order_body,
    record_the_test,
)
from tests.service.an_installation import an_appointment_for, an_installer, periods_free
from tests.service.shared_carriers import TRANSPONDER
from tests.service.the_demonstration import identifier

AUDIT: Final = "/satcom-api/audit/v1/change"
CONFIRMED: Final[Json] = {"state": "confirmed"}
MOVED: Final = (
    "satellite reservation spectrum_assignment hub_port_assignment pool_share task_flow process_flow product_order"
    " service_order resource_order in_service_date_change change_log"
)
HELD_BY: Final = {
    "link": {"SpectrumAssignment", "HubPortAssignment"},
    "access": {"PoolShare"},
    "lease": {"SpectrumAssignment"},
}
POOL_IS_FULL = (
    "CREATE FUNCTION full_by_then() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION 'pool_is_never_oversold: somebody else was there' USING ERRCODE = 'exclusion_violation'; END $$",
    "CREATE TRIGGER full_by_then BEFORE UPDATE ON pool_share FOR EACH ROW EXECUTE FUNCTION full_by_then()",
)


@dataclass(frozen=True)
class Fleet:
    """One satellite that is to come, and an order of each kind that waits for it."""

    programme: Programme
    satellite: str
    start: datetime
    access_offer: str
    orders: dict[str, str]

    @property
    def slipped(self) -> date:
        return self.programme.planned + timedelta(days=60)

    def place(self, body: Body) -> str:
        at = self.programme
        answer = at.http.post(ORDERS, json=body | {"requestedStartDate": instant_text(self.start)}, headers=at.customer)
        assert answer.status_code == 201, answer.text
        order_id = str(answer.json()["id"])
        at.operation.advance(order_id)
        assert at.task(order_id).state == "active", at.order(order_id)["note"]
        return order_id

    def access(self) -> str:
        return self.place(order_body(self.programme.operation.market, self.access_offer, **ACCESS))

    def holds(self, session: Session, order_id: str) -> list[Hold]:
        reservation = reservation_of(session, order_id)
        assert reservation is not None
        return held_by_reservation(session, reservation).holds

    def starts(self, order_id: str) -> set[datetime]:
        with self.programme.operation.database.as_worker() as session:
            return {one.start_at for one in self.holds(session, order_id)}

    def known(self) -> dict[str, list[dict[str, Any]]]:  # JSON of any row
        """All that a slip moves, and all that is told of it."""
        with self.programme.operation.database.as_worker() as session:
            asked = {one: text(f"SELECT to_jsonb(t) FROM {one} t ORDER BY id") for one in MOVED.split()}
            return {one: list(session.connection().execute(query).scalars()) for one, query in asked.items()}

    def changed_for(self, order_id: str, since: datetime) -> set[str]:
        """What the audit trail of the order says that changed since then."""
        reference = self.programme.order(order_id)["reference"]
        staff = a_token(self.programme.operation.database, "noc")
        told = self.programme.http.get(AUDIT, params={"orderReference": reference, "limit": "1000"}, headers=staff)
        assert told.status_code == 200, told.text
        return {str(one["entityType"]) for one in told.json() if datetime.fromisoformat(one["at"]) >= since}


@contextmanager
def a_fleet(
    database: Database, tmp_path: Path, kinds: tuple[str, ...] = ("link", "access", "lease")
) -> Iterator[Fleet]:
    with a_programme(database, tmp_path, pools=True) as at:
        with database.as_worker() as session:
            satellite = session.get_one(Transponder, identifier("Transponder", TRANSPONDER)).satellite_id
            for one in session.exec(select(Satellite).where(col(Satellite.id) != satellite)):
                one.state = SatelliteState.END_OF_LIFE
            leases = an_offer(session, ["bandwidthHz", "satellite"], NetworkNeed.LEASED_SPECTRUM)
            accesses = an_access_offered(session)
        bodies = {
            "link": an_order_body(at.operation.market),
            "access": order_body(at.operation.market, accesses, **ACCESS),
            "lease": order_body(at.operation.market, leases, bandwidthHz=5 * MHZ, satellite=satellite),
        }
        fleet = Fleet(at, satellite, midnight(at.planned) + timedelta(days=5), accesses, {})
        for kind in kinds:
            fleet.orders[kind] = fleet.place(bodies[kind])
            assert at.satellite_of(fleet.orders[kind]) == satellite
        yield fleet


def on_the_server(database: Database, *statements: str) -> None:
    """As who owns the server, past the program."""
    engine = create_engine(database.url)
    with engine.begin() as connection:
        for one in statements:
            connection.execute(text(one))
    engine.dispose()


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


def test_a_link_an_access_and_a_lease_slip_together_and_are_delivered_and_charged_from_the_new_day(
    database: Database, tmp_path: Path
) -> None:
    with a_fleet(database, tmp_path) as fleet:
        at, slipped = fleet.programme, midnight(fleet.slipped)
        before = {kind: at.order(one) for kind, one in fleet.orders.items()}
        shown = at.propose(fleet.satellite, fleet.slipped).json()
        touched = {one["order"]["id"]: one for one in shown["touched"]}
        assert set(touched) == set(fleet.orders.values())
        for kind, order_id in fleet.orders.items():
            one = touched[order_id]
            assert one["customer"]["name"] == "Mine"
            assert one["product"] == before[kind]["productOrderItem"][0]["productOffering"]["name"]
            assert before[kind]["reference"] in one["service"]["name"]
            assert (one["startsBefore"], one["startsAfter"]) == (instant_text(fleet.start), instant_text(slipped))
            assert one["promisedBefore"] == before[kind]["expectedCompletionDate"]
            assert one["billedFromBefore"] < one["startsAfter"] <= one["billedFromAfter"] <= one["promisedAfter"]
            assert at.order(order_id) == before[kind], "nothing moves before it is confirmed"
        asked_at = datetime.now(slipped.tzinfo)
        assert at.confirm(shown).status_code == 200
        for kind, order_id in fleet.orders.items():
            with database.as_worker() as session:
                holds = fleet.holds(session, order_id)
                assert {type(hold).__name__ for hold in holds} == HELD_BY[kind]
                assert {hold.start_at for hold in holds} == {slipped}
            order = at.order(order_id)
            assert order["expectedCompletionDate"] == touched[order_id]["promisedAfter"]
            assert f"starts, and is charged, on {fleet.slipped} at the earliest" in order["note"][-1]["text"]
            assert (at.task(order_id).expected_at, at.task(order_id).due_at) == (slipped, slipped)
            further = {"ProductOrder", "Reservation", "ServiceOrder", "ResourceOrder", "TaskFlow", "ProcessFlow"}
            assert fleet.changed_for(order_id, asked_at) >= further | HELD_BY[kind]
        clock.advance(slipped + timedelta(hours=2) - now())
        assert at.reach(fleet.satellite, "inService").status_code == 201
        for kind, order_id in fleet.orders.items():
            at.operation.advance(order_id)
            if kind == "lease":
                record_the_test(at.operation, order_id)
                at.operation.advance(order_id)
            assert at.order(order_id)["state"] == "completed", at.order(order_id)["note"]
            with database.as_worker() as session:
                product = product_of_order(session, order_id)
                assert product is not None
                assert product.start_date is not None
                assert product.start_date.date() == fleet.slipped


def test_of_a_slip_that_is_refused_half_way_nothing_stays_and_who_cannot_move_is_named(
    database: Database, tmp_path: Path
) -> None:
    with a_fleet(database, tmp_path) as fleet:
        at = fleet.programme
        shown = at.propose(fleet.satellite, fleet.slipped).json()
        on_the_server(database, *POOL_IS_FULL)
        before = fleet.known()
        refused = at.confirm(shown)
        assert (refused.status_code, refused.json()["code"]) == (422, "noCommittedRate"), refused.text
        reference = at.order(fleet.orders["access"])["reference"]
        assert refused.json()["field"] == "/reservationPeriod"
        assert (
            f"{reference} cannot begin on {fleet.slipped}: the pool has no room for East Africa"
            in refused.json()["reason"]
        )
        assert fleet.known() == before, "the link, which is moved first, neither"
        on_the_server(database, "DROP TRIGGER full_by_then ON pool_share")
        assert at.confirm(shown).status_code == 200
        assert all(fleet.starts(one) == {midnight(fleet.slipped)} for one in fleet.orders.values())


def test_a_server_that_dies_before_it_commits_a_slip_leaves_everything_as_it_was(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_fleet(database, tmp_path) as fleet:
        at = fleet.programme
        shown = at.propose(fleet.satellite, fleet.slipped).json()
        before, moved = fleet.known(), list[date]()

        def dies(session: Session, event: InServiceDateMoved) -> None:
            """All have followed; the server ends the connection that was to commit it."""
            moved.append(event.satellite.in_service_date or event.before)
            mine = session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
            on_the_server(database, f"SELECT pg_terminate_backend({mine})")

        monkeypatch.setitem(_handlers, InServiceDateMoved, [*_handlers[InServiceDateMoved], dies])
        lost = at.confirm(shown)
        assert lost.status_code == 503, lost.text
        assert moved
        assert set(moved) == {fleet.slipped}
        assert fleet.known() == before
        monkeypatch.undo()
        assert at.confirm(shown).status_code == 200
        assert all(fleet.starts(one) == {midnight(fleet.slipped)} for one in fleet.orders.values())


def test_when_it_comes_earlier_again_only_those_move_for_whom_together_their_pool_has_room(
    database: Database, tmp_path: Path
) -> None:
    with a_fleet(database, tmp_path, kinds=("access",)) as fleet:
        at, first, second = fleet.programme, fleet.orders["access"], fleet.access()
        at.confirm(at.propose(fleet.satellite, fleet.slipped).json())
        with database.as_worker() as session:
            share, *_ = [one for one in fleet.holds(session, first) if isinstance(one, PoolShare)]
            pool = session.get_one(CarrierPool, share.carrier_pool_id)
            others = share.model_dump(
                exclude={"id", "reservation_id", "order_id", "order_reference", "party_id", "name"}
            )
            others |= {"name": "somebody else", "stop_at": midnight(fleet.slipped), "start_at": fleet.start}
            left = pool.committable_baud - 2 * share.cir_baud + 1  # for one of the two there is room, not for both
            others |= {"cir_baud": left, "mir_baud": left, "state": HoldState.ASSIGNED, "hold_until": None}
            session.add(checked(PoolShare, others))
        shown = at.propose(fleet.satellite, at.planned).json()
        cannot = {one["order"]["id"]: one["cannotBear"] for one in shown["touched"]}
        assert cannot[first] == []
        [why] = cannot[second]
        assert why["code"] == "noCommittedRate"
        assert f"{at.order(second)['reference']} cannot begin on" in why["reason"]
        assert at.confirm(shown).status_code == 200
        assert (fleet.starts(first), fleet.starts(second)) == ({fleet.start}, {midnight(fleet.slipped)})
        assert "Please note" in at.order(second)["note"][-1]["text"]


def test_who_was_sold_since_it_was_shown_is_named(database: Database, tmp_path: Path) -> None:
    with a_fleet(database, tmp_path, kinds=("access",)) as fleet:
        at = fleet.programme
        shown = at.propose(fleet.satellite, fleet.slipped).json()
        second = fleet.access()
        refused = at.confirm(shown)
        assert (refused.status_code, refused.json()["code"]) == (409, "outdated")
        assert refused.json()["reason"].endswith(f"another list: {at.order(second)['reference']}")
        assert fleet.starts(fleet.orders["access"]) == {fleet.start}
        with database.as_worker() as session:
            known = session.exec(select(PoolShare.start_at).where(col(PoolShare.order_id).is_not(None))).all()
            assert set(known) == {fleet.start}


def an_installed_access(fleet: Fleet) -> str:
    """An access whose terminal somebody puts up."""
    with fleet.programme.operation.database.as_worker() as session:
        needs = (NetworkNeed.POOL_SHARE, NetworkNeed.TERMINAL)
        offering = an_offer(session, [*ACCESS, "installation"], *needs)
    return fleet.place(order_body(fleet.programme.operation.market, offering, **ACCESS, installation="onSite"))


def laid_out_before(database: Database, order_id: str) -> None:
    """As an earlier release laid it out: the appointment waits for the terminal alone."""
    with database.as_worker() as session:
        flow = flow_of(session, order_id)
        assert flow is not None
        visit = {one.task_flow_specification: one for one in tasks_of(session, flow)}["appointment_is_made"]
        visit.needs = [one for one in visit.needs if one != "satellite_is_in_service"]


def visit_of(session: Session, order_id: str) -> Installation:
    installation = installation_of(session, order_id)
    assert installation is not None
    return installation


def test_the_installer_comes_when_the_satellite_is_there_however_late_that_is(
    database: Database, tmp_path: Path
) -> None:
    with a_fleet(database, tmp_path, kinds=()) as fleet:
        at = fleet.programme
        with database.as_worker() as session:
            an_installer(session)
            patience = timedelta(days=operator_of(session).installation_patience_days)
        order_id, earlier = an_installed_access(fleet), an_installed_access(fleet)
        laid_out_before(database, earlier)
        at.operation.advance(earlier)
        with database.as_worker() as session:
            too_soon = an_appointment_for(visit_of(session, order_id), (now(), now() + timedelta(hours=4)))
            with pytest.raises(WrongState, match="or its satellite, is not there yet"):
                book_appointment(session, too_soon, WORKER)
            assert visit_of(session, earlier).latest_at == fleet.start + patience
        late = midnight(at.planned) + patience * 2
        assert at.confirm(at.propose(fleet.satellite, late.date()).json()).status_code == 200
        clock.advance(late + timedelta(hours=2) - now())
        for one in (order_id, earlier):
            flow, tasks = at.operation.advance(one)
            assert (flow.state, at.order(one)["state"]) == (FlowState.ACTIVE, "held"), flow.cause
        assert tasks["appointment_is_made"].deadline == late + patience
        assert at.reach(fleet.satellite, "inService").status_code == 201
        waits = at.operation.advance(order_id)[1]["appointment_is_made"]
        with database.as_worker() as session:
            installation = visit_of(session, order_id)
            assert waits.deadline is not None
            assert waits.deadline == installation.latest_at
            assert timedelta(0) <= now() + patience - waits.deadline < timedelta(hours=1)
            visit = periods_free(session, installation)[0]
            agreed = book_appointment(session, an_appointment_for(installation, visit), WORKER)
            clock.advance(agreed.stop_at - now())
            follow_appointment(session, agreed, {"status": "completed"}, WORKER)
        at.operation.advance(order_id)
        assert at.order(order_id)["state"] == "completed", at.order(order_id)["note"]
