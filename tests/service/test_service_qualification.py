"""Service qualification over HTTP: what is asked in the words of TMF645 is answered in them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from sqlmodel import Session

from satcom.core.access import create_token
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER
from satcom.core.tmf_api import json_response
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.service.catalog import ServiceSpecification
from satcom.service.evidence import evidence_routes
from satcom.service.service_qualification import check_routes, query_routes
from tests.enterprise.an_operator import an_operator, an_organization
from tests.resource.a_resource_catalogue import built_from
from tests.service.the_demonstration import ORDERED_AT, load_the_network
from tests.supplychain.a_stock import a_depot, a_stock_item

CHECK = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
QUERY = "/tmf-api/serviceQualificationManagement/v4/queryServiceQualification"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
NUMBERS = ("downlinkRateBps", "uplinkRateBps", "availabilityPercent", "latitudeDeg", "longitudeDeg")
TEXTS = ("country", "polarisation")


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.database = database
    for routes in (check_routes, query_routes, evidence_routes):
        app.include_router(routes.router)

    @app.exception_handler(Refused)
    def refused(_: Request, error: Refused) -> Response:
        faults: list[Json] = [{"field": one.field, "code": one.code, "why": one.why} for one in error.faults]
        return json_response(faults, error.status)

    with clock.at(ORDERED_AT), TestClient(app) as client:
        yield client


def a_specification(session: Session) -> str:
    characteristics: list[Json] = [{"name": name, "valueType": "number", "minCardinality": 1} for name in NUMBERS]
    characteristics += [{"name": name, "valueType": "string"} for name in TEXTS]
    characteristics += [{"name": name, "valueType": "string", "maxCardinality": 5} for name in ("band", "terminalType")]
    body: Json = {
        "name": "Dedicated SCPC link",
        "specCharacteristic": characteristics,
        "resourceSpecification": built_from(session),
    }
    return enter(session, from_body(ServiceSpecification, body), WORKER).id


@pytest.fixture
def asked(database: Database) -> tuple[str, dict[str, str], dict[str, str]]:
    """A specification, and the tokens of a customer and of an engineer."""
    with clock.at(ORDERED_AT), database.as_worker() as session:
        an_operator(session)
        load_the_network(session)
        specification = a_specification(session)
        customer = an_organization(session).id
        _, of_customer = create_token(session, "customer", ["customer"], customer, timedelta(days=1))
        _, of_engineer = create_token(session, "engineer", ["noc"], None, timedelta(days=1))
    return specification, bearer(of_customer), bearer(of_engineer)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def the_service(specification: str, **changes: Json) -> dict[str, Json]:
    values: dict[str, Json] = {
        "downlinkRateBps": 10_000_000,
        "uplinkRateBps": 4_000_000,
        "availabilityPercent": 99.7,
        "latitudeDeg": -10.7148,
        "longitudeDeg": 25.3855,
    }
    return {
        "serviceSpecification": {"id": specification},
        "serviceCharacteristic": [{"name": name, "value": value} for name, value in (values | changes).items()],
        "startDate": "2026-12-24T00:00:00Z",
        "endDate": "2028-12-24T00:00:00Z",
    }


def named(service: dict[str, Json]) -> dict[str, Json]:
    return {one["name"]: one["value"] for one in service["serviceCharacteristic"]}  # type: ignore[union-attr,index,call-overload,misc]


def test_a_customer_who_may_not_read_the_network_is_told_what_it_can_deliver(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, _ = asked
    body = {"serviceQualificationItem": [{"id": "mine", "service": the_service(specification)}]}
    answer = client.post(CHECK, json=body, headers=customer)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["state"], told["qualificationResult"]) == ("done", "qualified")
    (item,) = told["serviceQualificationItem"]
    assert item["qualificationResult"] == "qualified"
    assert named(item["service"])["satellite"] == "Amos-17"
    assert len(item["alternateServiceProposal"]) > 3
    again = client.get(f"{CHECK}/{told['id']}", headers=customer)
    assert again.json() == told


def test_a_service_is_promised_for_when_its_terminal_is_there(
    client: TestClient, database: Database, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, _ = asked
    with database.as_worker() as session:
        depot = a_depot(session)
        a_stock_item(session, 2, depot, 40, loaded_id("TerminalType", "term-ku-180"))
        a_stock_item(session, 0, depot, 40, loaded_id("TerminalType", "term-ku-240"))
    wanted = {"service": the_service(specification, band=["Ku"])}
    (item,) = client.post(CHECK, json={"serviceQualificationItem": [wanted]}, headers=customer).json()[
        "serviceQualificationItem"
    ]
    found = client.post(QUERY, json={"searchCriteria": wanted}, headers=customer).json()["serviceQualificationItem"]
    checked = [(item["service"], item["expectedActivationDate"])]
    checked += [
        (one["alternateService"], one["alternateServiceAvailabilityDate"]) for one in item["alternateServiceProposal"]
    ]
    assert [one["expectedActivationDate"][:10] for one in found] == [date[:10] for _, date in checked]
    told = {
        (named(one)["terminalType"], named(one)["terminalInStock"], named(one).get("terminalLeadTimeDays"), date[:10])
        for one, date in checked
    }
    bought = ORDERED_AT + timedelta(days=40)
    assert told == {
        ("Ku 1.80 m, 8 W", True, None, "2026-12-24"),
        ("Ku 2.40 m, 8 W", False, 40, f"{bought:%Y-%m-%d}"),
    }


def test_a_band_that_nobody_can_deliver_has_alternatives_and_the_reasons(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, _ = asked
    item = {"service": the_service(specification, band=["Ka"])}
    told = client.post(CHECK, json={"serviceQualificationItem": [item]}, headers=customer).json()
    (answered,) = told["serviceQualificationItem"]
    assert answered["qualificationResult"] == told["qualificationResult"] == "alternate"
    assert {named(one["alternateService"])["band"] for one in answered["alternateServiceProposal"]} == {"C", "Ku"}
    reasons = {one["label"].split(":")[0]: one["code"] for one in answered["eligibilityUnavailabilityReason"]}
    assert reasons["Eutelsat Konnect"] == "noLicence"
    without = {"serviceQualificationItem": [item], "provideAlternative": False, "provideUnavailabilityReason": False}
    told = client.post(CHECK, json=without, headers=customer).json()
    (answered,) = told["serviceQualificationItem"]
    assert answered["qualificationResult"] == "unqualified"
    assert not answered.get("alternateServiceProposal")
    assert not answered.get("eligibilityUnavailabilityReason")


def test_a_place_at_sea_is_refused_because_it_lies_in_no_country(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, _ = asked
    item = {"service": the_service(specification, latitudeDeg=-15.0, longitudeDeg=5.0)}
    answer = client.post(CHECK, json={"serviceQualificationItem": [item]}, headers=customer)
    (fault,) = answer.json()
    at = "/serviceQualificationItem/0/service/serviceCharacteristic/latitudeDeg"
    assert (answer.status_code, fault["field"], fault["code"]) == (400, at, "noCountry")


def test_a_query_lists_every_way_best_first(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, _ = asked
    body = {"searchCriteria": {"service": the_service(specification)}}
    answer = client.post(QUERY, json=body, headers=customer)
    assert answer.status_code == 201, answer.text
    charged = [named(one["service"])["chargedBandwidthHz"] for one in answer.json()["serviceQualificationItem"]]
    assert len(charged) > 3
    assert charged == sorted(charged)  # type: ignore[type-var]
    service = the_service(specification)
    del service["endDate"]
    answer = client.post(QUERY, json={"searchCriteria": {"service": service}}, headers=customer)
    told = [named(one["service"])["satelliteEndOfLifeDate"] for one in answer.json()["serviceQualificationItem"]]
    assert all(str(one) >= "2027-12-24" for one in told)


def test_an_engineer_computes_the_evidence_again_and_a_customer_does_not_see_it(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, engineer = asked
    body = {"searchCriteria": {"service": the_service(specification)}}
    items = client.post(QUERY, json=body, headers=customer).json()["serviceQualificationItem"]
    evidence = named(items[0]["service"])["qualificationEvidence"]
    assert client.get(f"{EVIDENCE}/{evidence}", headers=customer).status_code == 403
    assert client.post(f"{EVIDENCE}/{evidence}/recomputation", headers=customer).status_code == 403
    again = client.post(f"{EVIDENCE}/{evidence}/recomputation", headers=engineer)
    assert again.status_code == 200, again.text
    assert again.json()["sameNumbers"] is True
    assert again.json()["changedStandards"] == []
    assert len(again.json()["recomputed"]["solutions"]) == len(items)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"downlinkRateBps": "much"}, "/serviceQualificationItem/0/service/serviceCharacteristic/0/value"),
        ({"latitudeDeg": 95}, "/serviceQualificationItem/0/service/serviceCharacteristic/latitudeDeg"),
        ({"country": "NO"}, "/serviceQualificationItem/0/service/serviceCharacteristic/country"),
    ],
)
def test_what_cannot_be_is_refused_where_it_was_written(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]], wrong: dict[str, Json], field: str
) -> None:
    specification, customer, _ = asked
    body = {"serviceQualificationItem": [{"service": the_service(specification, **wrong)}]}
    answer = client.post(CHECK, json=body, headers=customer)
    assert 400 <= answer.status_code < 500
    assert answer.json()[0]["field"] == field


def test_a_check_names_a_service_and_a_specification_and_asks_instead_of_answering(
    client: TestClient, asked: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    specification, customer, _ = asked
    service = the_service(specification)
    ends_first = service | {"endDate": "2020-01-01T00:00:00Z"}
    at = "/serviceQualificationItem/0"
    for item, field in (
        ({}, f"{at}/service"),
        ({"service": {}}, f"{at}/service/serviceSpecification"),
        ({"service": service | {"serviceSpecification": {"id": "nix"}}}, f"{at}/service/serviceSpecification/id"),
        ({"service": ends_first}, f"{at}/service/endDate"),
        ({"service": service, "qualificationResult": "qualified"}, f"{at}/qualificationResult"),
    ):
        answer = client.post(CHECK, json={"serviceQualificationItem": [item]}, headers=customer)
        assert 400 <= answer.status_code < 500
        assert answer.json()[0]["field"] == field
    empty = client.post(CHECK, json={"serviceQualificationItem": []}, headers=customer)
    assert empty.status_code == 400
    assert empty.json()[0]["field"] == "/serviceQualificationItem"
