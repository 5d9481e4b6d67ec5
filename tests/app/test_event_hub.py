"""Registering over HTTP: who may, what is refused, whose events come, and what the NOC can do about a listener."""

import base64
import json
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from satcom.app.declarations import ROUTES
from satcom.core.entity import Entity, change
from satcom.core.listener import Listener
from satcom.core.schema import entities
from satcom.core.values import Json
from tests.app.conftest import House
from tests.app.every_table import Party, owned
from tests.core.a_listener import networks
from tests.core.an_inbox import Inbox, an_inbox, delivering

ORDERS = "/tmf-api/productOrderingManagement/v4/hub"
PARTIES = "/tmf-api/party/v4/hub"
CATALOGUE = "/tmf-api/productCatalogManagement/v4/hub"
FLOWS = "/tmf-api/processFlowManagement/v4/hub"
LISTENERS = "/satcom-api/event/v1/listener"


@pytest.fixture(autouse=True)
def at_home() -> Iterator[None]:
    with networks("127.0.0.0/8"):
        yield


def apis() -> list[str]:
    """The base path of every API, also of our own."""
    found = {one.api.base_path for one in ROUTES}
    assert len(found) > 25
    return sorted(found)


def touched(house: House, *parties: Party) -> None:
    """Every row of these parties changes."""
    with house.database.as_worker() as session:
        for party in parties:
            for kind in owned():
                row = session.get_one(kind, party.rows[kind.__name__])
                row.further = row.further | {"@baseType": "Touched"}
        session.flush()


def heard(inbox: Inbox) -> list[dict[str, Json]]:
    return [next(iter(one["event"].values())) for one in inbox.events]


def quiet(inbox: Inbox) -> None:
    """Until nothing more has come for a while."""
    before = -1
    while len(inbox.events) > before:
        before = len(inbox.events)
        time.sleep(0.7)


@pytest.mark.parametrize("base_path", apis())
def test_every_api_has_its_hub(house: House, base_path: str) -> None:
    headers = house.token("administrator")
    made = house.http.post(f"{base_path}/hub", {"callback": "https://example.org/x"}, headers)
    assert made.status_code == 201, made.text
    told = made.json()
    assert made.headers["Location"] == told["href"] == f"{base_path}/hub/{told['id']}"
    assert told["callback"] == "https://example.org/x"
    assert len(base64.b64decode(told["secret"].removeprefix("whsec_"))) == 32
    read = house.http.get(told["href"], headers)
    assert read.json() == {name: value for name, value in told.items() if name != "secret"}
    assert house.http.get(f"{base_path}/hub", headers).json()[-1] == read.json()
    assert house.http.request("DELETE", told["href"], headers=headers).status_code == 204
    assert house.http.get(told["href"], headers).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/callback"),
        ({"callback": 7}, "/callback"),
        ({"callback": "ftp://example.org"}, "/callback"),
        ({"callback": "http://10.0.0.1/"}, "/callback"),
        ({"callback": "https://a:b@example.org/"}, "/callback"),
        ({"callback": "https://example.org", "query": 7}, "/query"),
        ({"callback": "https://example.org", "query": "eventType=Nothing"}, "/query"),
        ({"callback": "https://example.org", "secret": "mine"}, "/secret"),
    ],
)
def test_a_registration_that_is_wrong_is_refused_by_its_field(house: House, body: Json, field: str) -> None:
    before = house.counted()
    answer = house.http.post(ORDERS, body, house.token("administrator"))
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert house.counted()["listener"] == before["listener"]


def test_the_same_again_is_refused_and_the_same_request_again_is_answered_without_the_secret(house: House) -> None:
    headers = house.token("administrator")
    body: Json = {"callback": "https://example.org/x"}
    first = house.http.post(ORDERS, body, headers | {"Idempotency-Key": "k"})
    again = house.http.post(ORDERS, body, headers | {"Idempotency-Key": "k"})
    assert again.json() == {name: value for name, value in first.json().items() if name != "secret"}
    assert house.http.post(ORDERS, body, headers).status_code == 409
    secret = first.json()["secret"]
    with house.database.as_worker() as session:
        kept = session.connection().execute(text("SELECT string_agg(k::text, '') FROM idempotency_key k")).scalar_one()
    assert secret not in kept
    assert secret not in json.dumps([str(one) for one in house.logged])


def test_who_may_read_nothing_of_an_api_is_told_nothing_of_it(house: House) -> None:
    headers = house.token("customer", party=house.filled.mine)
    answer = house.http.post("/tmf-api/resourceInventoryManagement/v4/hub", {"callback": "https://a.example"}, headers)
    assert answer.status_code == 403
    assert "TMF639" in answer.json()["reason"]


def test_a_party_hears_of_all_its_own_rows_and_of_nobody_elses(house: House) -> None:
    filled = house.filled
    headers = house.token("administrator", "customer", party=filled.mine)
    with an_inbox() as inbox:
        for base_path in set(apis()) - {Listener.api.base_path}:
            made = house.http.post(f"{base_path}/hub", {"callback": inbox.url}, headers)
            assert made.status_code == 201, made.text
        touched(house, filled.stranger, filled.neighbour, filled.mine)
        kinds = [kind for kind in owned() if kind is not Listener]
        with delivering(house.database):
            inbox.wait_for(len(kinds))
            quiet(inbox)
    assert {body["id"] for body in heard(inbox)} == {filled.mine.rows[kind.__name__] for kind in kinds}
    assert all("Touched" in json.dumps(body) for body in heard(inbox))
    for party in (filled.stranger, filled.neighbour):
        assert party.secret not in json.dumps(inbox.events)


def test_a_reseller_hears_of_its_customers_and_a_deleted_row_is_told_to_its_owner_only(house: House) -> None:
    filled = house.filled
    with an_inbox() as above, an_inbox() as beside:
        for inbox, party in ((above, filled.reseller), (beside, filled.stranger)):
            headers = house.token("administrator", "customer", party=party)
            assert house.http.post(PARTIES, {"callback": inbox.url}, headers).status_code == 201
        individual = next(kind for kind in entities() if kind.__name__ == "Individual")
        with house.database.as_worker() as session:
            session.delete(session.get_one(individual, filled.mine.rows["Individual"]))
        with delivering(house.database):
            above.wait_for(1)
            quiet(beside)
    assert above.events[0]["eventType"] == "IndividualDeleteEvent"
    assert heard(above)[0]["id"] == filled.mine.rows["Individual"]
    assert beside.events == []


def test_everybody_hears_of_the_catalogue_and_signatures_hold(house: House) -> None:
    headers = house.token("customer", party=house.filled.mine)
    offering = next(kind for kind in entities() if kind.__name__ == "ProductOffering")
    with an_inbox() as inbox:
        secret = house.http.post(CATALOGUE, {"callback": inbox.url}, headers).json()["secret"]
        with house.database.as_worker() as session:
            row = session.get_one(offering, house.filled.markets["Mine"].offering)
            change(row, {"description": "new words"})
        with delivering(house.database):
            inbox.wait_for(1)
    assert heard(inbox)[0]["description"] == "new words"
    assert inbox.events[0]["eventType"] == "ProductOfferingAttributeValueChangeEvent"
    received, raw = inbox.letters[0]
    Webhook(secret).verify(raw, received)


def test_what_is_inside_of_a_task_is_not_told_to_a_customer(house: House) -> None:
    filled = house.filled
    asked = "eventType=TaskFlowAttributeValueChangeEvent"
    with an_inbox() as theirs, an_inbox() as ours:
        customer = house.token("customer", party=filled.mine)
        assert house.http.post(FLOWS, {"callback": theirs.url, "query": asked}, customer).status_code == 201
        assert house.http.post(FLOWS, {"callback": ours.url, "query": asked}, house.token("noc")).status_code == 201
        touched(house, filled.mine)
        with delivering(house.database):
            theirs.wait_for(1)
            ours.wait_for(1)
    task = f"/tmf-api/processFlowManagement/v4/processFlow/{filled.mine.rows['ProcessFlow']}/taskFlow"
    told = house.http.get(task, customer).json()[0]
    assert heard(theirs)[0] == told, "exactly what may be read"
    assert "handler" in json.dumps(ours.events)
    assert "handler" not in json.dumps(theirs.events)


def test_a_correlation_id_is_the_reference_of_the_order(house: House) -> None:
    orders: type[Entity] = next(kind for kind in entities() if kind.__name__ == "ProductOrder")
    with an_inbox() as inbox:
        assert house.http.post(ORDERS, {"callback": inbox.url}, house.token("sales")).status_code == 201
        with house.database.as_worker("engine", "PO-2026-000001") as session:
            change(session.get_one(orders, house.filled.mine.rows["ProductOrder"]), {"description": "changed"})
        with delivering(house.database):
            inbox.wait_for(1)
    assert inbox.events[0]["correlationId"] == "PO-2026-000001"


def test_the_noc_sees_parks_resumes_replays_and_removes_what_others_only_keep_their_own(house: House) -> None:
    sales, noc = house.token("sales", name="crm"), house.token("noc")
    with an_inbox() as inbox:
        made = house.http.post(ORDERS, {"callback": inbox.url}, sales).json()
        url = f"{LISTENERS}/{made['id']}"
        assert house.http.patch(url, {"state": "parked"}, house.token("finance")).status_code == 403
        assert house.http.patch(url, {"state": "parked"}, noc).json()["state"] == "parked"
        touched(house, house.filled.mine)
        standing = house.http.get(f"{url}/standing", noc).json()
        assert standing["backlog"] == 2, "the order and its cancellation"
        assert standing["waitingSince"]
        with delivering(house.database):
            quiet(inbox)
            assert inbox.events == []
            assert house.http.patch(url, {"state": "active"}, sales).json()["state"] == "active"
            inbox.wait_for(2)
            quiet(inbox)
            moment = house.http.get(f"{url}/standing", noc).json()["deliveredAt"]
            assert house.http.patch(url, {"deliverFrom": "2020-01-01T00:00:00Z"}, noc).status_code == 200
            inbox.wait_for(3)
            quiet(inbox)
    assert moment
    assert house.http.get(f"{url}/standing", noc).json()["backlog"] == 0
    assert house.http.request("DELETE", url, headers=house.token("finance")).status_code == 403
    assert house.http.request("DELETE", url, headers=sales).status_code == 204


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({}, "/"),
        ({"callback": "https://elsewhere.example"}, "/callback"),
        ({"state": "gone"}, "/state"),
        ({"state": []}, "/state"),
        ({"deliverFrom": "yesterday"}, "/deliverFrom"),
        ({"deliverFrom": "2999-01-01T00:00:00Z"}, "/deliverFrom"),
    ],
)
def test_what_cannot_be_changed_of_a_listener_is_refused_by_its_field(house: House, patch: Json, field: str) -> None:
    noc = house.token("noc")
    made = house.http.post(ORDERS, {"callback": "https://example.org/x"}, noc).json()
    answer = house.http.patch(f"{LISTENERS}/{made['id']}", patch, noc)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
