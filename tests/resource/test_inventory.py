"""The network inventory over HTTP: one collection, written by the migration role only, and checked."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from sqlmodel import select

from satcom.core.access import create_token
from satcom.core.change_log import Change
from satcom.core.database import Database
from satcom.core.entity import new_id, wire
from satcom.core.errors import Refused
from satcom.core.security import Role
from satcom.core.tmf_api import json_response
from satcom.core.values import Json
from satcom.resource.hold import Owner
from satcom.resource.inventory import logical_routes, physical_routes, routes
from satcom.resource.payload import Transponder
from satcom.resource.satellite import Satellite
from tests.enterprise.an_operator import an_operator, an_organization
from tests.resource.a_network import (
    MHZ,
    YEAR_2027,
    a_hub,
    a_satellite,
    a_slot,
    a_terminal_type,
    a_transponder,
    an_owner,
    tomorrow,
)
from tests.resource.held_alone import hold_port, hold_slot

PATH = "/tmf-api/resourceInventoryManagement/v4/resource"
Headers = dict[str, str]


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.database = database
    for collection in (routes, physical_routes, logical_routes):
        app.include_router(collection.router)

    @app.exception_handler(Refused)
    def refuse(_: Request, error: Refused) -> Response:
        faults: Json = [{"field": one.field, "code": one.code, "why": one.why} for one in error.faults]
        return json_response({"faults": faults}, error.status)

    with TestClient(app) as client:
        yield client


def token(database: Database, role: Role) -> Headers:
    with database.as_worker() as session:
        _, secret = create_token(session, f"{role}-{new_id()}", [role], None, timedelta(days=1))
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def migration(database: Database) -> Headers:
    with database.as_worker() as session:
        an_operator(session)
    return token(database, Role.MIGRATION)


def body(kind: str, name: str, **characteristics: Json) -> dict[str, Json]:
    listed: list[Json] = [{"name": key, "value": value} for key, value in characteristics.items()]
    return {"@type": kind, "name": name, "resourceCharacteristic": listed}


def a_body() -> dict[str, Json]:
    return body("Satellite", "Amos-17", noradId=44479, orbitalLongitudeDeg=17.0, state="planned")


def characteristics(answer: Json) -> dict[str, Json]:
    assert isinstance(answer, dict)
    listed = answer["resourceCharacteristic"]
    assert isinstance(listed, list)
    return {str(one["name"]): one["value"] for one in listed if isinstance(one, dict)}


def test_an_existing_satellite_is_entered_read_back_and_marked(
    client: TestClient, database: Database, migration: Headers
) -> None:
    made = client.post(PATH, json=a_body(), headers=migration | {"Idempotency-Key": "1"})
    assert made.status_code == 201, made.text
    assert client.post(PATH, json=a_body(), headers=migration | {"Idempotency-Key": "1"}).json() == made.json()
    read = client.get(made.headers["location"], headers=token(database, Role.NOC))
    assert read.json() == made.json()
    assert characteristics(read.json())["noradId"] == 44479
    with database.as_worker() as session:
        change = session.exec(select(Change).where(Change.entity_id == made.json()["id"])).one()
        assert (change.mark, change.event_type) == ("migration", "physicalResourceCreateEvent")
        assert session.exec(select(Satellite)).one().party_id is not None


def test_all_kinds_are_one_collection_told_apart_by_type(client: TestClient, database: Database) -> None:
    with database.as_worker() as session:
        transponder, hub = a_transponder(session), a_hub(session)
        hold_slot(session, a_slot(transponder, MHZ), YEAR_2027, an_owner(), tomorrow())
        hold_port(session, hub.id, YEAR_2027, an_owner(), tomorrow())
    noc = token(database, Role.NOC)
    listed = client.get(PATH, headers=noc).json()
    kinds = {one["@type"] for one in listed}
    assert kinds == {
        "Satellite",
        "Beam",
        "Transponder",
        "EarthStation",
        "Hub",
        "HubPortAssignment",
        "SpectrumAssignment",
    }
    assert all(one["name"] for one in listed)
    only = client.get(PATH, params={"@type": "Transponder", "bandwidthHz.gt": "1000"}, headers=noc).json()
    assert [one["id"] for one in only] == [transponder.id]


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.MIGRATION, Role.ADMINISTRATOR)])
def test_nobody_else_writes_the_inventory(client: TestClient, database: Database, role: Role) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session)
        party = new_id() if role in (Role.CUSTOMER, Role.PARTNER) else None
        _, secret = create_token(session, f"{role}", [role], party, timedelta(days=1))
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.post(PATH, json=a_body(), headers=headers).status_code == 403
    assert client.patch(f"{PATH}/{satellite.id}", json={"name": "Mine"}, headers=headers).status_code in (403, 404)
    with database.as_worker() as session:
        assert [one.name for one in session.exec(select(Satellite))] == ["Testsat"]


@pytest.mark.parametrize(
    ("given", "field", "status"),
    [
        (body("Spaceship", "x"), "/@type", 400),
        ({"name": "x"}, "/@type", 400),
        (body("Satellite", "x"), "/resourceCharacteristic/orbitalLongitudeDeg", 400),
        (
            body("Satellite", "x", orbitalLongitudeDeg=1, constellation="O3b"),
            "/resourceCharacteristic/orbitalLongitudeDeg",
            400,
        ),
        (body("Satellite", "x", orbitalLongitudeDeg=999), "/resourceCharacteristic/orbitalLongitudeDeg", 400),
        (
            body("Satellite", "x", orbitalLongitudeDeg=1, state="inService"),
            "/resourceCharacteristic/inServiceDate",
            400,
        ),
        (
            body(
                "Beam",
                "x",
                satelliteId=new_id(),
                band="Ku",
                boresight={"latitudeDeg": 0, "longitudeDeg": 0, "halfPowerWidthDeg": 1},
            ),
            "/resourceCharacteristic/satelliteId",
            400,
        ),
        (
            body("EarthStation", "x", latitudeDeg=95, longitudeDeg=0, country="za"),
            "/resourceCharacteristic/latitudeDeg",
            400,
        ),
        ({"@type": "Satellite", "name": "x", "colour": "red"}, "/colour", 400),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_leaves_no_trace(
    client: TestClient, database: Database, migration: Headers, given: dict[str, Json], field: str, status: int
) -> None:
    answer = client.post(PATH, json=given, headers=migration)
    assert answer.status_code == status, answer.text
    assert field in [fault["field"] for fault in answer.json()["faults"]]
    assert client.get(PATH, headers=migration).json() == []


def test_a_catalogue_number_is_there_once(client: TestClient, migration: Headers) -> None:
    client.post(PATH, json=a_body(), headers=migration)
    answer = client.post(PATH, json=a_body() | {"name": "Twin"}, headers=migration)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "/resourceCharacteristic/noradId"


def test_one_characteristic_is_corrected_and_the_others_stay(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
    patch: dict[str, Json] = {"resourceCharacteristic": [{"name": "eirpSaturationDbw", "value": 52.25}]}
    answer = client.patch(f"{PATH}/{transponder.id}", json=patch, headers=migration)
    assert answer.status_code == 200, answer.text
    expected = characteristics(wire(transponder)) | {"eirpSaturationDbw": 52.25}
    assert characteristics(answer.json()) == expected


def test_a_state_is_moved_along_the_life_cycle_only(client: TestClient, database: Database, migration: Headers) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session)

    def to(state: str) -> int:
        patch: dict[str, Json] = {"resourceCharacteristic": [{"name": "state", "value": state}]}
        answer: int = client.patch(f"{PATH}/{satellite.id}", json=patch, headers=migration).status_code
        return answer

    assert [to("planned"), to("lost"), to("inclined")] == [409, 400, 200]
    with database.as_worker() as session:
        assert session.get_one(Satellite, satellite.id).state == "inclined"


def test_a_transponder_is_not_cut_away_under_what_is_sold_on_it(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        hold_slot(session, a_slot(transponder, MHZ), YEAR_2027, an_owner(), tomorrow())
    patch: dict[str, Json] = {"resourceCharacteristic": [{"name": "bandwidthHz", "value": 36 * MHZ}]}
    answer = client.patch(f"{PATH}/{transponder.id}", json=patch, headers=migration)
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "soldOutside")
    with database.as_worker() as session:
        assert session.get_one(Transponder, transponder.id).bandwidth_hz == 54 * MHZ


def test_a_hub_does_not_lose_a_port_in_use(client: TestClient, database: Database, migration: Headers) -> None:
    with database.as_worker() as session:
        hub = a_hub(session, ports=2)
        for _ in range(2):
            hold_port(session, hub.id, YEAR_2027, an_owner(), tomorrow())
    patch: dict[str, Json] = {"resourceCharacteristic": [{"name": "ports", "value": 1}]}
    answer = client.patch(f"{PATH}/{hub.id}", json=patch, headers=migration)
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "portInUse")


def test_carriers_and_ports_that_exist_are_entered_once(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        transponder, hub = a_transponder(session), a_hub(session)
        party = an_organization(session, "Broadcaster")
    begin = "2026-01-01T00:00:00Z"
    low_hz = transponder.low_edge_hz
    carrier = body(
        "SpectrumAssignment",
        "12552 V",
        transponderId=transponder.id,
        startHz=low_hz + MHZ,
        stopHz=low_hz + 2 * MHZ,
        powerShareHz=MHZ,
        state="assigned",
        startAt=begin,
        customerNote="Broadcaster",
    ) | {"relatedParty": [{"id": party.id, "role": "customer", "@referredType": "Organization"}]}
    port = body("HubPortAssignment", "Port 1", hubId=hub.id, portNumber=1, state="assigned", startAt=begin)
    for given, field in ((carrier, "startHz"), (port, "portNumber")):
        assert client.post(PATH, json=given, headers=migration).status_code == 201
        again = client.post(PATH, json=given, headers=migration)
        assert (again.status_code, again.json()["faults"][0]["field"].rsplit("/")[-1]) == (422, field)
    beyond = body("HubPortAssignment", "Port 9", hubId=hub.id, portNumber=9, state="assigned", startAt=begin)
    assert client.post(PATH, json=beyond, headers=migration).json()["faults"][0]["code"] == "noHubPort"
    endless = body("HubPortAssignment", "Port 2", hubId=hub.id, portNumber=2, startAt=begin)
    assert client.post(PATH, json=endless, headers=migration).json()["faults"][0]["code"] == "missing"


def test_what_an_order_holds_is_not_set_free_by_a_correction(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        slot = hold_slot(session, a_slot(a_transponder(session), MHZ), YEAR_2027, an_owner(), tomorrow())
    for name, value in (("state", "released"), ("stopHz", slot.stop_hz - 1), ("orderReference", "PO-2026-009999")):
        patch: dict[str, Json] = {"resourceCharacteristic": [{"name": name, "value": value}]}
        answer = client.patch(f"{PATH}/{slot.id}", json=patch, headers=migration)
        assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "madeByOrder")


def test_a_carrier_moved_onto_its_neighbour_is_refused(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        nobody = Owner(None, None, None)
        first, _ = (hold_slot(session, a_slot(transponder, MHZ), YEAR_2027, nobody, tomorrow()) for _ in range(2))
    patch: dict[str, Json] = {"resourceCharacteristic": [{"name": "stopHz", "value": first.stop_hz + MHZ}]}
    answer = client.patch(f"{PATH}/{first.id}", json=patch, headers=migration)
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "slotTaken")


BASE = PATH.rsplit("/", 1)[0]


def test_what_can_be_touched_and_what_cannot_are_collections_of_the_same_objects(
    client: TestClient, database: Database, migration: Headers
) -> None:
    made = client.post(f"{BASE}/physicalResource", json=a_body(), headers=migration)
    assert made.status_code == 201, made.text
    satellite = made.json()
    assert satellite["href"] == made.headers["location"] == f"{BASE}/physicalResource/{satellite['id']}"
    boresight: Json = {"latitudeDeg": 0, "longitudeDeg": 20, "halfPowerWidthDeg": 8}
    a_beam = body("Beam", "Africa", satelliteId=satellite["id"], band="Ku", boresight=boresight)
    refused = client.post(f"{BASE}/physicalResource", json=a_beam, headers=migration)
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (400, "/@type")
    beam = client.post(f"{BASE}/logicalResource", json=a_beam, headers=migration).json()
    for collection, kinds in (("physicalResource", {"Satellite"}), ("logicalResource", {"Beam"})):
        listed = client.get(f"{BASE}/{collection}", headers=migration).json()
        assert {one["@type"] for one in listed} == kinds
        assert all(one["href"] == f"{BASE}/{collection}/{one['id']}" for one in listed)
    assert client.get(f"{BASE}/physicalResource/{beam['id']}", headers=migration).status_code == 404
    both = {one["@type"]: one["href"] for one in client.get(PATH, headers=migration).json()}
    assert both == {"Satellite": f"{PATH}/{satellite['id']}", "Beam": f"{PATH}/{beam['id']}"}


def test_a_serial_number_stands_where_the_document_has_it(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        kind = a_terminal_type(session)
    place: dict[str, Json] = {"latitudeDeg": -10.7, "longitudeDeg": 25.4, "terminalTypeId": kind.id}
    sent = body("Terminal", "Pit north", **place) | {"serialNumber": "SN-1"}
    made = client.post(f"{BASE}/physicalResource", json=sent, headers=migration)
    assert made.status_code == 201, made.text
    assert made.json()["serialNumber"] == characteristics(made.json())["serialNumber"] == "SN-1"
    only = client.get(f"{BASE}/physicalResource?serialNumber=SN-1&fields=serialNumber", headers=migration).json()
    assert only == [{"id": made.json()["id"], "href": made.json()["href"], "serialNumber": "SN-1"}]


def test_only_what_was_entered_by_mistake_is_taken_out_again(
    client: TestClient, database: Database, migration: Headers
) -> None:
    with database.as_worker() as session:
        transponder, hub, lonely = a_transponder(session), a_hub(session), a_satellite(session)
        port = hold_port(session, hub.id, YEAR_2027, an_owner(), tomorrow())
        hub.satellite_ids = [transponder.satellite_id]
    for resource, who in (
        (f"{BASE}/physicalResource/{transponder.satellite_id}", hub.name),
        (f"{BASE}/physicalResource/{hub.id}", "hub port assignment"),
        (f"{BASE}/logicalResource/{transponder.uplink_beam_id}", "transponder"),
        (f"{BASE}/logicalResource/{port.id}", "held or built for"),
    ):
        refused = client.delete(resource, headers=migration)
        assert (refused.status_code, refused.json()["faults"][0]["code"]) == (422, "inUse"), resource
        assert who in refused.json()["faults"][0]["why"]
    assert client.delete(f"{BASE}/logicalResource/{lonely.id}", headers=migration).status_code == 404
    assert client.delete(f"{PATH}/{lonely.id}", headers=migration).status_code == 204
    assert client.get(f"{PATH}/{lonely.id}", headers=migration).status_code == 404
