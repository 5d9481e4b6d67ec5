"""The service inventory: services move forward with their order, back with its undo, and their path is cut in time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from satcom.core.access import create_token
from satcom.core.change_log import Change
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import MIGRATION
from satcom.core.tmf_api import json_response
from satcom.core.values import Json, Reference
from satcom.service import inventory
from satcom.service.inventory import (
    Design,
    Service,
    ServicePath,
    ServiceState,
    activate_service,
    begin_path,
    configure_service,
    deactivate_service,
    deconfigure_service,
    design_service,
    discard_design,
    end_path,
    path_at,
    release_service,
    reserve_service,
    service_of_order,
    terminate_service,
)
from satcom.service.solution import Solution
from tests.enterprise.an_operator import an_organization
from tests.postgres_server import drop_database, new_database
from tests.service.a_service import a_delivered_solution, a_design, a_service, a_specification

HOUR = timedelta(hours=1)
HELD = [Reference(id="slot"), Reference(id="port"), Reference(id="terminal")]


def an_active_service(session: Session, at: datetime) -> tuple[Service, Solution]:
    service, solution = a_service(session), a_delivered_solution(session)
    reserve_service(session, service.id, HELD)
    configure_service(session, service.id)
    return activate_service(session, service.id, at, solution), solution


def test_a_service_goes_from_design_to_use_and_every_step_can_be_repeated(database: Database) -> None:
    with database.as_worker() as session:
        design, solution, at = a_design(session), a_delivered_solution(session), now()
        for _ in range(2):
            service = design_service(session, design)
        assert (service.state, service.party_id) == (ServiceState.DESIGNED, design.party_id)
        for _ in range(2):
            assert reserve_service(session, service.id, HELD).supporting_resource == HELD
        for _ in range(2):
            assert configure_service(session, service.id).state is ServiceState.INACTIVE
        for later in (timedelta(0), HOUR):
            assert activate_service(session, service.id, at + later, solution).start_date == at
        assert len(session.exec(select(ServicePath)).all()) == 1
        for later in (HOUR, 2 * HOUR):
            assert terminate_service(session, service.id, at + later).end_date == at + HOUR
        assert path_at(session, service.id, at + HOUR) is None


def test_an_undo_in_reverse_leaves_a_terminated_service_and_can_be_repeated(database: Database) -> None:
    with database.as_worker() as session:
        at = now()
        service, _ = an_active_service(session, at)
        order_id = service.order_id
        for _ in range(2):
            deactivate_service(session, service.id, at + HOUR)
            assert path_at(session, service.id, at + HOUR) is None
        for undo, state in (
            (deconfigure_service, ServiceState.RESERVED),
            (release_service, ServiceState.DESIGNED),
            (discard_design, ServiceState.TERMINATED),
        ):
            for _ in range(2):
                undo(session, service.id)
                assert service.state is state
        assert service.supporting_resource == []
        assert order_id is not None
        assert service_of_order(session, order_id) is None


def test_every_undo_of_what_was_never_done_does_nothing(database: Database) -> None:
    with database.as_worker() as session:
        service = a_service(session)
        deactivate_service(session, service.id, now())
        deconfigure_service(session, service.id)
        release_service(session, service.id)
        assert service.state is ServiceState.DESIGNED


def test_an_active_service_is_neither_discarded_released_nor_taken_out_of_the_hub(database: Database) -> None:
    with database.as_worker() as session:
        service, _ = an_active_service(session, now())
        for undo in (discard_design, release_service, deconfigure_service):
            with pytest.raises(WrongState):
                undo(session, service.id)
        assert service.state is ServiceState.ACTIVE


def test_no_step_is_skipped(database: Database) -> None:
    with database.as_worker() as session:
        service, solution = a_service(session), a_delivered_solution(session)
        with pytest.raises(WrongState, match="cannot go from designed"):
            configure_service(session, service.id)
        with pytest.raises(WrongState, match="cannot go from designed"):
            activate_service(session, service.id, now(), solution)
        terminate_service(session, service.id, now())
        with pytest.raises(WrongState, match="cannot go from terminated"):
            reserve_service(session, service.id, HELD)


def test_a_design_that_was_discarded_can_be_made_again(database: Database) -> None:
    with database.as_worker() as session:
        design = a_design(session)
        first = design_service(session, design)
        discard_design(session, first.id)
        assert design_service(session, design).id != first.id


def test_a_design_names_a_party_and_a_specification_and_fits_it(database: Database) -> None:
    with database.as_worker() as session:
        good = a_design(session)
        for design, field in (
            (Design(new_id(), good.party_id, "L", new_id(), good.characteristics), "/serviceSpecification/id"),
            (Design(new_id(), new_id(), "L", good.specification_id, good.characteristics), "/relatedParty/0/id"),
            (Design(new_id(), good.party_id, "L", good.specification_id, ()), "/serviceCharacteristic"),
        ):
            with pytest.raises(Refused) as refused:
                design_service(session, design)
            assert refused.value.faults[0].field == field


def test_the_path_of_last_month_stays_known(database: Database) -> None:
    with database.as_worker() as session:
        at = now()
        service, first = an_active_service(session, at)
        second = a_delivered_solution(session)
        begin_path(session, service, at + HOUR, second)
        for instant, satellite_id in (
            (at - HOUR, None),
            (at, first.space_segment_id),
            (at + HOUR - timedelta(microseconds=1), first.space_segment_id),
            (at + HOUR, second.space_segment_id),
            (at + 1000 * HOUR, second.space_segment_id),
        ):
            path = path_at(session, service.id, instant)
            assert (path.satellite_id if path else None) == satellite_id
        path = path_at(session, service.id, at)
        assert path is not None
        assert (path.transponder_ids, len(path.beam_ids)) == (list(first.transponder_ids), 1)


def test_a_path_does_not_begin_before_one_that_is_planned(database: Database) -> None:
    with database.as_worker() as session:
        at = now()
        service, solution = an_active_service(session, at)
        with pytest.raises(RuleRefused) as refused:
            begin_path(session, service, at - HOUR, solution)
        assert (refused.value.faults[0].field, refused.value.faults[0].code) == ("startAt", "pathOverlaps")


def test_the_database_itself_keeps_paths_apart(database: Database) -> None:
    with database.as_worker() as session:
        at = now()
        service, _ = an_active_service(session, at)
        path = path_at(session, service.id, at)
        assert path is not None
        second = ServicePath(**path.model_dump(exclude={"id", "start_at"}), start_at=at + HOUR)
        session.add(second)
        with pytest.raises(IntegrityError, match="one_path_at_a_time"), session.begin_nested():
            session.flush()


def test_a_path_that_began_just_now_never_was(database: Database) -> None:
    with database.as_worker() as session:
        at = now()
        service, _ = an_active_service(session, at)
        end_path(session, service.id, at)
        assert session.exec(select(ServicePath)).all() == []


@given(st.lists(st.sampled_from(["begin", "end"]), max_size=8))
def test_at_no_instant_do_two_paths_carry_a_service(shared_database: Database, steps: list[str]) -> None:
    with shared_database.as_worker() as session:
        service, solution = a_service(session), a_delivered_solution(session)
        start, instants = now(), []
        for hour, step in enumerate(steps):
            at = start + hour * HOUR
            if step == "begin":
                begin_path(session, service, at, solution)
            else:
                end_path(session, service.id, at)
            instants.append((at + HOUR / 2, step == "begin"))
        for instant, carried in instants:
            assert (path_at(session, service.id, instant) is not None) == carried


@pytest.fixture(scope="module")
def shared_database(template: str) -> Iterator[Database]:
    """One database for all cases of a property: each makes a service of its own."""
    url = new_database(template)
    shared = Database(url, connections=2)
    yield shared
    shared.close()
    drop_database(url)


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.database = database
    app.include_router(inventory.routes.router)
    app.include_router(inventory.path_routes.router)

    @app.exception_handler(Refused)
    def refused(_: Request, error: Refused) -> Response:
        faults: list[Json] = [{"field": fault.field, "code": fault.code} for fault in error.faults]
        return json_response(faults, error.status)

    with TestClient(app) as ready:
        yield ready


def token(session: Session, role: str, party_id: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(session, role, [role], party_id, timedelta(days=1))[1]}"}


def an_import(session: Session) -> dict[str, Json]:
    customer: Json = {"id": an_organization(session).id, "role": "customer", "@referredType": "Organization"}
    return {
        "name": "Old link",
        "state": "active",
        "startDate": "2024-01-01T00:00:00Z",
        "serviceSpecification": {"id": a_specification(session).id},
        "serviceCharacteristic": [{"name": "downlinkRateBps", "value": 1000}],
        "relatedParty": [customer],
    }


def test_the_migration_role_brings_in_services_and_the_log_says_so(database: Database, client: TestClient) -> None:
    with database.as_worker() as session:
        body, headers = an_import(session), token(session, "migration")
        customer = token(session, "customer", body["relatedParty"][0]["id"])  # type: ignore[index, call-overload, arg-type]
        stranger, noc = token(session, "customer", new_id()), token(session, "noc")
    answer = client.post(Service.api.path, json=body, headers=headers)
    assert answer.status_code == 201
    shown = client.get(answer.headers["Location"], headers=customer).json()
    assert {"state", "serviceSpecification", "serviceDate"} <= shown.keys()
    assert client.get(answer.headers["Location"], headers=stranger).status_code == 404
    assert client.post(Service.api.path, json=body, headers=noc).status_code == 403
    patched = client.patch(answer.headers["Location"], json={"name": "Older"}, headers=headers)
    assert (patched.status_code, patched.json()["name"]) == (200, "Older")
    assert client.patch(answer.headers["Location"], json={"state": "terminated"}, headers=headers).status_code == 409
    with database.as_worker() as session:
        of_it = select(Change.mark).where(col(Change.entity_type) == "Service")
        assert session.exec(of_it).all() == [MIGRATION, MIGRATION]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"serviceSpecification": {"id": "none"}}, "/serviceSpecification/id"),
        ({"serviceCharacteristic": []}, "/serviceCharacteristic"),
        ({"serviceCharacteristic": [{"name": "downlinkRateBps", "value": "x"}]}, "/serviceCharacteristic/0/value"),
        ({"relatedParty": []}, "/relatedParty"),
        (
            {"relatedParty": [{"id": "nobody", "role": "customer", "@referredType": "Organization"}]},
            "/relatedParty/0/id",
        ),
        ({"startDate": None}, "/startDate"),
        ({"endDate": "2023-01-01T00:00:00Z"}, "/endDate"),
        ({"state": "terminated"}, "/endDate"),
        ({"state": "asleep"}, "/state"),
    ],
)
def test_an_import_that_cannot_be_is_refused_by_its_field(
    database: Database, client: TestClient, changed: dict[str, Json], field: str
) -> None:
    with database.as_worker() as session:
        body, headers = an_import(session), token(session, "migration")
    wanted = {name: value for name, value in (body | changed).items() if value is not None}
    answer = client.post(Service.api.path, json=wanted, headers=headers)
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()] == [field]


def test_a_service_that_an_order_made_is_not_corrected_by_hand(database: Database, client: TestClient) -> None:
    with database.as_worker() as session:
        service, headers = a_service(session), token(session, "migration")
    answer = client.patch(service.href, json={"name": "Mine"}, headers=headers)
    assert (answer.status_code, answer.json()[0]["code"]) == (422, "madeByOrder")


def test_the_path_at_an_instant_is_found_over_http(database: Database, client: TestClient) -> None:
    with database.as_worker() as session:
        at = now()
        service, first = an_active_service(session, at)
        begin_path(session, service, at + HOUR, a_delivered_solution(session))
        headers = token(session, "customer", service.party_id)
    asked = {"serviceId": service.id, "startAt.lte": (at + HOUR / 2).isoformat(), "sort": "-startAt", "limit": "1"}
    rows = client.get(ServicePath.api.path, params=asked, headers=headers).json()
    assert [row["satelliteId"] for row in rows] == [first.space_segment_id]
