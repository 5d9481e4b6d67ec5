"""Writing over HTTP: once per idempotency key, on the version one has read, along the life cycle, or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from satcom.app.declarations import ROUTES
from satcom.core.values import Json
from tests.app.accepted import accepted_body
from tests.app.conftest import House

CREATES = sorted(
    route.path  # type: ignore[attr-defined]
    for routes in ROUTES
    for route in routes.router.routes
    if "POST" in route.methods and "{" not in route.path  # type: ignore[attr-defined]
)
ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
ACCOUNTS = "/tmf-api/accountManagement/v4/billingAccount"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {table: after[table] - before[table] for table in after if after[table] != before[table]}


# -- Idempotency --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CREATES)
def test_a_body_sent_twice_with_its_key_is_carried_out_once(house: House, path: str) -> None:
    body, headers = accepted_body(house, path), house.token("administrator") | {"Idempotency-Key": "k-1"}
    first = house.http.post(path, body, headers)
    assert first.status_code == 201, first.text
    assert first.headers["Location"] == first.json()["href"]
    before = house.counted()
    again = house.http.post(path, body, headers)
    assert (again.status_code, again.json(), again.headers["Location"]) == (
        201,
        first.json(),
        first.headers["Location"],
    )
    other = house.http.post(path, body | {"description": "another"}, headers)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert grown(before, house.counted()) == {}


@pytest.mark.parametrize("path", CREATES)
def test_a_refused_request_leaves_no_trace_and_its_key_free(house: House, path: str) -> None:
    headers = house.token("administrator") | {"Idempotency-Key": "k-1"}
    body = accepted_body(house, path)
    before = house.counted()
    assert house.http.post(path, {"nonsense": True}, headers).status_code == 400
    assert grown(before, house.counted()) == {}
    assert house.http.post(path, body, headers).status_code == 201


def test_without_a_key_the_same_body_is_another_order(house: House) -> None:
    body, headers = house.an_order(house.filled.mine), house.token("customer", party=house.filled.mine)
    one, two = (house.http.post(ORDERS, body, headers) for _ in range(2))
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]


def test_a_key_is_its_callers_own_even_when_tokens_share_a_name(house: House) -> None:
    body: dict[str, Json] = house.an_order(house.filled.mine)
    mine, theirs = (house.token("customer", party=one, name="portal") for one in house.filled.parties[1:3])
    first = house.http.post(ORDERS, body, mine | {"Idempotency-Key": "k"})
    assert first.status_code == 201
    stolen = house.http.post(ORDERS, body, theirs | {"Idempotency-Key": "k"})
    assert stolen.status_code in (400, 404, 422)
    assert first.json()["id"] not in stolen.text
    of_their_own = house.http.post(ORDERS, house.an_order(house.filled.neighbour), theirs | {"Idempotency-Key": "k"})
    assert of_their_own.status_code == 201


def test_a_role_that_may_not_order_gets_no_answer_by_key_either(house: House) -> None:
    body = house.an_order(house.filled.mine)
    assert house.http.post(ORDERS, body, house.token("sales") | {"Idempotency-Key": "k"}).status_code == 201
    assert house.http.post(ORDERS, body, house.token("noc") | {"Idempotency-Key": "k"}).status_code == 403


def test_a_dozen_at_once_with_one_key_place_one_order(house: House) -> None:
    body = house.an_order(house.filled.mine)
    headers = house.token("customer", party=house.filled.mine) | {"Idempotency-Key": "together"}
    before = house.counted()
    with TestClient(house.app) as client, ThreadPoolExecutor(12) as together:
        answers = list(together.map(lambda _: client.post(ORDERS, json=body, headers=headers), range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    new = grown(before, house.counted())
    assert (new["product_order"], new["process_flow"], new["idempotency_key"]) == (1, 1, 1)


@pytest.mark.parametrize("key", ["", "k" * 201, "tab\there"])
def test_a_key_that_is_none_is_refused_by_name(house: House, key: str) -> None:
    headers = house.token("administrator") | {"Idempotency-Key": key}
    answer = house.http.post(ORDERS, house.an_order(house.filled.mine), headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


# -- Versions -----------------------------------------------------------------------------------------------------


def test_who_changes_what_another_changed_meanwhile_is_told(house: House) -> None:
    url, headers = f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}", house.token("sales")
    read = house.http.get(url, headers).headers["ETag"]
    mended = house.http.patch(url, {"name": "North"}, headers | {"If-Match": read})
    assert (mended.status_code, mended.json()["name"]) == (200, "North")
    assert mended.headers["ETag"] != read
    late = house.http.patch(url, {"name": "South"}, headers | {"If-Match": read})
    assert (late.status_code, late.json()["field"]) == (412, "If-Match")
    assert mended.headers["ETag"] in late.json()["message"]
    assert house.http.get(url, headers).json()["name"] == "North"


@pytest.mark.parametrize("match", [None, "*", 'W/"{version}"', '"0", "{version}"'])
def test_a_change_without_a_version_or_with_the_right_one_is_carried_out(house: House, match: str | None) -> None:
    url, headers = f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}", house.token("sales")
    version = house.http.get(url, headers).headers["ETag"].strip('"')
    asked = {} if match is None else {"If-Match": match.format(version=version)}
    assert house.http.patch(url, {"name": "North"}, headers | asked).status_code == 200


def test_a_patch_sent_twice_with_its_key_changes_once(house: House) -> None:
    url, headers = f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}", house.token("sales")
    read = house.http.get(url, headers).headers["ETag"]
    keyed = headers | {"Idempotency-Key": "k", "If-Match": read}
    first, again = (house.http.patch(url, {"name": "North"}, keyed) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (200, first.json())


def test_of_twelve_who_read_the_same_version_one_changes_it(house: House) -> None:
    url, headers = f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}", house.token("sales")
    headers |= {"If-Match": house.http.get(url, headers).headers["ETag"]}
    with TestClient(house.app) as client, ThreadPoolExecutor(12) as together:
        answers = list(together.map(lambda n: client.patch(url, json={"name": f"{n}"}, headers=headers), range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 11


def test_a_merge_patch_takes_away_what_is_null_and_keeps_what_is_not_named(house: House) -> None:
    url, headers = f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}", house.token("sales")
    house.http.patch(url, {"description": "North pit"}, headers)
    before = house.http.get(url, headers).json()
    after = house.http.patch(url, {"description": None}, headers).json()
    assert set(before) - set(after) == {"description"}
    assert after["name"] == before["name"]


# -- Life cycles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "row", "role", "patch"),
    [
        (ORDERS, "ProductOrder", "sales", {"state": "completed"}),
        (ORDERS, "ProductOrder", "provisioning", {"state": "cancelled"}),
        ("/tmf-api/serviceInventory/v4/service", "Service", "migration", {"state": "active"}),
        ("/tmf-api/productInventory/v4/product", "Product", "migration", {"status": "active"}),
    ],
)
def test_what_only_a_flow_may_do_no_client_can(house: House, path: str, row: str, role: str, patch: Json) -> None:
    headers = house.token(role)
    before = house.counted()
    answer = house.http.patch(f"{path}/{house.filled.mine.rows[row]}", patch, headers)
    assert answer.status_code == 409, answer.text
    assert answer.json()["field"] in ("/state", "/status")
    assert grown(before, house.counted()) == {}


@pytest.mark.parametrize(
    "path", ["/tmf-api/serviceOrdering/v4/serviceOrder", "/tmf-api/customerBillManagement/v4/customerBill"]
)
def test_what_flows_write_has_no_route_to_write_it(house: House, path: str) -> None:
    kind = path.rsplit("/", 1)[1]
    url = f"{path}/{house.filled.mine.rows[kind[0].upper() + kind[1:]]}"
    for method, where in (("POST", path), ("PATCH", url), ("DELETE", url)):
        assert house.http.request(method, where, json={}, headers=house.token("administrator")).status_code == 405


def test_a_move_that_the_life_cycle_does_not_have_is_refused_with_those_it_has(house: House) -> None:
    url, headers = f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}", house.token("sales")
    assert house.http.patch(url, {"state": "Closed"}, headers).status_code in (200, 422)
    satellite: Json = {
        "@type": "Satellite",
        "name": "Amos-17",
        "resourceCharacteristic": [
            {"name": "orbitalLongitudeDeg", "value": 17},
            {"name": "state", "value": "planned"},
        ],
    }
    migration = house.token("migration")
    made = house.http.post(RESOURCES, satellite, migration)
    assert made.status_code == 201, made.text
    asked: Json = {"resourceCharacteristic": [{"name": "state", "value": "deorbited"}]}
    refused = house.http.patch(made.headers["Location"], asked, migration)
    assert refused.status_code == 409
    assert "underConstruction" in refused.json()["message"]


def test_an_order_that_is_cancelled_twice_is_told_so(house: House) -> None:
    headers = house.token("customer", party=house.filled.mine)
    placed = house.http.post(ORDERS, house.an_order(house.filled.mine), headers).json()
    wish: Json = {"productOrder": {"id": placed["id"]}}
    assert house.http.post(CANCELLATIONS, wish, headers).status_code == 201
    assert house.http.post(CANCELLATIONS, wish, headers).status_code == 409
