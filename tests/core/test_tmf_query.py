"""Reading the TM Forum way: what a filter finds, and what it refuses."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.access import create_token
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.tmf_query import MAX_LIMIT
from satcom.core.values import instant_text
from tests.enterprise.an_operator import an_organization

PARTIES = "/tmf-api/party/v4/organization"


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    with database.as_worker() as session:
        for name in ("Alpha, Beta", "Gamma", "Delta"):
            an_organization(session, name)
        from_whom = create_token(session, "ann", ["administrator"], None, timedelta(days=1))[1]
    with TestClient(create_app(database), raise_server_exceptions=False) as opened:
        opened.headers["Authorization"] = f"Bearer {from_whom}"
        yield opened


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tradingName=Gamma", ["Gamma"]),
        ("tradingName=Gamma,Delta", ["Gamma", "Delta"]),
        ("tradingName=Alpha, Beta", ["Alpha, Beta"]),
        ("tradingName=Nobody", []),
        ("tradingName.regex=^[AD]", ["Alpha, Beta", "Delta"]),
        ("tradingName.gt=Delta", ["Gamma"]),
        ("sort=-tradingName", ["Gamma", "Delta", "Alpha, Beta"]),
        ("sort=tradingName&offset=1&limit=1", ["Delta"]),
        ("name=x", []),
        ("id=not-an-id", []),
        ("@type=Organization&tradingName=Delta", ["Delta"]),
    ],
)
def test_a_filter_finds_what_it_says(client: TestClient, query: str, names: list[str]) -> None:
    answer = client.get(f"{PARTIES}?{query}")
    assert answer.status_code in (200, 206)
    assert [row["tradingName"] for row in answer.json()] == names
    assert answer.headers["X-Result-Count"] == str(len(names))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nothing=1", "nothing"),
        (f"limit={MAX_LIMIT + 1}", "limit"),
        ("limit=many", "limit"),
        ("offset=-1", "offset"),
        ("sort=relatedParty", "sort"),
        ("fields=nothing", "fields"),
        ("tradingName.regex=(", "tradingName.regex"),
        ("tradingName=a%00b", "tradingName"),
        ("tradingName=' OR 1=1 --", None),
        ("tradingName=" + "x" * 1001, "tradingName"),
    ],
)
def test_a_wrong_query_is_refused_by_its_field(client: TestClient, query: str, field: str | None) -> None:
    answer = client.get(f"{PARTIES}?{query}")
    if field is None:
        assert (answer.status_code, answer.json()) == (200, [])
    else:
        assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_only_the_attributes_asked_for_come_back(client: TestClient) -> None:
    rows = client.get(f"{PARTIES}?fields=tradingName").json()
    assert {name for row in rows for name in row} == {"id", "href", "tradingName"}


def test_nobody_reads_without_a_token(client: TestClient) -> None:
    assert client.get(PARTIES, headers={"Authorization": ""}).status_code == 401
    assert client.get("/health", headers={"Authorization": ""}).status_code == 200


def test_an_instant_that_is_none_in_utc_is_refused_and_not_a_crash(client: TestClient) -> None:
    body = {"tradingName": "Old", "existsDuring": {"startDateTime": "0001-01-01T00:00:00+14:00"}}
    assert client.post(PARTIES, json=body).status_code < 500


ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
BILLS = "/tmf-api/customerBillManagement/v4"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
OFFERS = "/tmf-api/productCatalogManagement/v4/productOffering"


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        (f"{ORDERS}?state=foo", "held"),
        (f"{ORDERS}?state=held,foo", "held"),
        (f"{ORDERS}?state.gt=foo", "held"),
        (f"{ORDERS}?productOrderItem.state=foo", "held"),
        (f"{ORDERS}?productOrderItem.action=foo", "add"),
        (f"{ORDERS}?orderDate.gte=yesterday", "2026-12-31T00:00:00Z"),
        (f"{ORDERS}?orderDate.gte=2026-11-24T10:00:00", "2026-12-31T00:00:00Z"),
        (f"{ORDERS}?orderDate=2026-11-24", "orderDate.gte=2026-11-24&orderDate.lt=2026-11-25"),
        (f"{ORDERS}?note.date.gte=yesterday", "2026-12-31T00:00:00Z"),
        (f"{OFFERS}?isSellable=perhaps", "true, false"),
        (f"{OFFERS}?isSellable.gt=true", "true or false"),
        (f"{BILLS}/customerBill?amountDue.value.gt=much", "a number, as 12.5"),
        (f"{RESOURCES}?orbitalLongitudeDeg.gt=east", "a number, as 12.5"),
        (f"{RESOURCES}?noradId=x", "a whole number, as 12"),
        (f"{RESOURCES}?state=foo", "inOrbitTest"),
        (f"{RESOURCES}?@type=Balloon", "Satellite"),
    ],
)
def test_a_value_that_the_attribute_never_has_is_refused_with_those_it_has(
    client: TestClient, query: str, accepted: str
) -> None:
    told = client.get(query).json()
    assert isinstance(told, dict), told
    assert (told["status"], told["field"]) == ("400", query.partition("?")[2].partition("=")[0])
    assert accepted in told["message"]


@pytest.mark.parametrize(
    "query",
    [
        f"{ORDERS}?state=held,acknowledged&productOrderItem.state=held",
        f"{ORDERS}?orderDate.gte=2026-11-24&orderDate.lt=2026-11-24T12:00:00%2B02:00",
        f"{ORDERS}?productOrderItem.product.productCharacteristic.value=anything",
        f"{OFFERS}?isSellable=true&validFor.endDateTime.gt=2026-11-24",
        f"{BILLS}/customerBill?amountDue.value.gt=-0.5",
        f"{RESOURCES}?orbitalLongitudeDeg.gt=1e1&state=inOrbitTest",
    ],
)
def test_a_value_in_its_attributes_form_is_an_answer_even_where_nothing_has_it(client: TestClient, query: str) -> None:
    answer = client.get(query)
    assert (answer.status_code, answer.json()) == (200, []), answer.text


def test_a_day_stands_for_its_midnight_in_utc(client: TestClient) -> None:
    born = {"existsDuring": {"startDateTime": "2026-11-23T23:00:00Z"}}
    assert client.post(PARTIES, json={"tradingName": "Newborn"} | born).status_code == 201
    found = {
        day: [row["tradingName"] for row in client.get(f"{PARTIES}?existsDuring.startDateTime.gte={day}").json()]
        for day in ("2026-11-23", "2026-11-24", "2026-11-23T23:00:00Z", "2026-11-24T01:00:00%2B02:00")
    }
    assert found == {
        "2026-11-23": ["Newborn"],
        "2026-11-24": [],
        "2026-11-23T23:00:00Z": ["Newborn"],
        "2026-11-24T01:00:00%2B02:00": ["Newborn"],
    }


def test_now_and_today_are_those_of_the_business_clock(client: TestClient) -> None:
    begins = {"existsDuring": {"startDateTime": instant_text(now() + timedelta(days=30))}}
    assert client.post(PARTIES, json={"tradingName": "Newborn"} | begins).status_code == 201
    asked = f"{PARTIES}?existsDuring.startDateTime.lt=now"
    assert client.get(asked).json() == []
    with clock.at(now() + timedelta(days=31)):
        assert [row["tradingName"] for row in client.get(asked).json()] == ["Newborn"]
        late = client.get("/satcom-api/supplyChain/v1/shipment?expectedDate.lt=today")
        assert (late.status_code, late.json()) == (200, [])
