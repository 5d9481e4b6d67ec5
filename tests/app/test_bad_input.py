"""Whatever a client sends: a clear refusal that names the field, and no trace left."""

import json
import string
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import pytest
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.tmf_filter import attributes_of
from satcom.core.values import Json
from tests.app.accepted import accepted_body
from tests.app.conftest import House, Http
from tests.app.served import guarded, kinds_at, kinds_called, kinds_of, methods_of
from tests.enterprise.an_operator import an_organization

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
ACCOUNTS = "/tmf-api/accountManagement/v4/billingAccount"
PARTIES = "/tmf-api/party/v4/organization"
PRICES = "/tmf-api/productCatalogManagement/v4/productOfferingPrice"
ITEM = "/productOrderItem/0"
T = TypeVar("T")
NOBODY = "01a20dd7-0d06-734a-9ea2-0efc711f60d2"
ROUTES = guarded(create_app(Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")))
LISTS = [
    route
    for route in ROUTES
    if "GET" in methods_of(route) and "{" not in route.path and kinds_called(route.path.rsplit("/", 1)[1])
]


@contextmanager
def no_trace(house: House) -> Iterator[None]:
    """Nothing is written within."""
    before = house.counted()
    yield
    after = house.counted()
    assert {table: after[table] - before[table] for table in after if after[table] != before[table]} == {}


def check_refusal(answer: Response, what: str) -> list[str]:
    """The fields that are refused, in an error body of TMF's form."""
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    told = answer.json()
    assert told["@type"] == "Error", what
    assert told["status"] == str(answer.status_code), what
    assert all(one["field"] and one["reason"] and one["code"] for one in told["fault"]), what
    return [one["field"] for one in told["fault"]]


def by_turns(places: Iterable[T], values: Sequence[object], value: object, times: int = 3) -> Iterator[T]:
    """The places that meet `value`, when each meets some of the values, and each value many of the places."""
    turn = next(number for number, one in enumerate(values) if one is value)
    for number, place in enumerate(places):
        if (number - turn) % len(values) < times:
            yield place


def writes(house: House) -> Iterator[tuple[str, str]]:
    """Every method and URL that takes a body; what stands in a path is there."""
    for route in ROUTES:
        for method in methods_of(route):
            kinds = kinds_at(route.path)
            if method in ("POST", "PATCH") and not route.path.endswith("/recomputation"):
                ids = iter(house.filled.mine.rows.get(kind[0].__name__, new_id()) for kind in kinds)
                yield method, "/".join(next(ids) if step.startswith("{") else step for step in route.path.split("/"))


# -- What no reader of JSON should swallow ------------------------------------------------------------------------

DEEP = 100_000
UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"name": "x"',
    "two objects": b"{}{}",
    "single quotes": b"{'name': 'x'}",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"name"',
    "a number": b"1",
    "not a number": b'{"name": NaN}',
    "infinity": b'{"name": Infinity}',
    "a number beyond all": b'{"name": 1e999}',
    "a number of 10000 digits": b'{"name": ' + b"9" * 10_000 + b"}",
    "lists without end": b'{"note": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "objects without end": b'{"note": ' * DEEP + b"1" + b"}" * DEEP,
    "deeper than anybody needs": b'{"note": ' + b"[" * 40 + b"]" * 40 + b"}",
    "NUL in a text": b'{"name": "a\\u0000b"}',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "half a surrogate": b'{"name": "\\ud800"}',
    "bytes of no text": b'{"name": "\xff\xfe"}',
    "another encoding": '{"name": "x"}'.encode("utf-16"),
    "a name twice": b'{"name": "a", "name": "b"}',
    "a name twice below": b'{"note": [{"text": "a", "text": "b"}]}',
    "an attribute nobody knows": b'{"n\'; DROP TABLE organization; --": 1}',
    "ten megabytes": b'{"name": "' + b"x" * 10_000_000 + b'"}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_sound_json_is_refused_by_every_route_that_writes(house: House, body: bytes) -> None:
    headers = house.token("administrator") | {"Content-Type": "application/json"}
    with no_trace(house):
        for method, url in by_turns(writes(house), list(UNREADABLE.values()), body):
            answer = house.http.request(method, url, content=body, headers=headers)
            assert check_refusal(answer, f"{method} {url}") != []
            assert (answer.status_code == 413) is (len(body) > 1_000_000)
            assert len(answer.content) < 20_000


NO_JSON = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json", ""]


@pytest.mark.parametrize("kind", NO_JSON)
def test_what_is_said_to_be_no_json_is_not_read(house: House, kind: str) -> None:
    headers = house.token("administrator") | {"Content-Type": kind}
    with no_trace(house):
        for method, url in by_turns(writes(house), NO_JSON, kind, times=1):
            answer = house.http.request(method, url, content=b"{}", headers=headers)
            assert check_refusal(answer, url) == ["Content-Type"]
            assert answer.status_code == 415


def test_a_name_that_stands_twice_is_named(house: House) -> None:
    body, headers = b'{"tradingName": "a", "existsDuring": {"x": 1, "x": 2}}', house.token("administrator")
    answer = house.http.request("POST", PARTIES, content=body, headers=headers)
    assert (answer.json()["code"], answer.json()["field"]) == ("duplicate", "/x")


# -- What an order may not ask for --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "characteristics",
    [
        {"downlinkRateBps": 10**12},
        {"downlinkRateBps": 0},
        {"downlinkRateBps": -1},
        {"downlinkRateBps": 1e308},
        {"downlinkRateBps": "1e3"},
        {"downlinkRateBps": True},
        {"downlinkRateBps": {"amount": 1}},
        {"downlinkRateBps": [1]},
        {"downlinkRateBps": None},
        {"availabilityPercent": 100.01},
        {"availabilityPercent": 97},
        {"latitudeDeg": 90.01},
        {"longitudeDeg": -181},
        {"colour": "green"},
        {"latitudeDeg": "'; DROP TABLE product_order; --"},
        {"latitudeDeg": -15, "longitudeDeg": 5},  # the South Atlantic
        {"latitudeDeg": 0, "longitudeDeg": 0, "availabilityPercent": 100},
    ],
)
def test_a_characteristic_out_of_its_range_is_refused_by_its_place(
    house: House, characteristics: dict[str, Json]
) -> None:
    headers, body = house.token("sales"), house.an_order(house.filled.mine, **characteristics)
    with no_trace(house):
        for path in (ORDERS, "/tmf-api/productOfferingQualification/v4/productOfferingQualification"):
            items = body["productOrderItem"]
            sent = body if path == ORDERS else {"productOfferingQualificationItem": items}
            fields = check_refusal(house.http.post(path, sent, headers), path)
            assert all("/product/productCharacteristic" in field for field in fields), fields


def test_an_order_for_a_place_under_no_beam_is_refused_by_its_place(house: House) -> None:
    headers = house.token("customer", party=house.filled.mine)
    with no_trace(house):
        for latitude, longitude, why in ((-43.5, 172.6, "no satellite stands high enough"), (59.9, 10.7, "no beam")):
            asked = house.an_order(house.filled.mine, latitudeDeg=latitude, longitudeDeg=longitude)
            answer = house.http.post(ORDERS, asked, headers)
            assert check_refusal(answer, why) == [f"{ITEM}/product/productCharacteristic/2"]
            assert answer.status_code == 422
            assert why in answer.json()["fault"][0]["reason"]
    assert house.http.post(ORDERS, house.an_order(house.filled.mine), headers).status_code == 201


def test_an_order_that_names_what_is_not_there_or_another_s_is_refused_by_that_name(house: House) -> None:
    filled, headers = house.filled, house.token("customer", party=house.filled.mine)
    whole = house.an_order(filled.mine)
    item: Any = whole["productOrderItem"]
    foreign_account = {"billingAccount": {"id": filled.neighbour.rows["BillingAccount"]}}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"productOrderItem": [item[0] | {"productOffering": {"id": new_id()}}]}, f"{ITEM}/productOffering/id"),
        ({"productOrderItem": [item[0] | {"productOffering": {"id": "../1"}}]}, f"{ITEM}/productOffering/id"),
        ({"billingAccount": {"id": new_id()}}, "/billingAccount/id"),
        (foreign_account, "/billingAccount/id"),
        ({"relatedParty": house.an_order(filled.neighbour)["relatedParty"]}, "/relatedParty/0/id"),
        ({"requestedStartDate": "2027-02-01T00:00:00Z", "requestedCompletionDate": "2027-01-01T00:00:00Z"}, "Date"),
        ({"requestedStartDate": "2027-02-30T00:00:00Z"}, "/requestedStartDate"),
        ({"requestedStartDate": "tomorrow"}, "/requestedStartDate"),
        ({"requestedStartDate": "1990-01-01T00:00:00Z"}, "/requestedStartDate"),
        ({"requestedStartDate": "0001-01-01T00:00:00+14:00"}, "/requestedStartDate"),
        ({"productOrderItem": []}, "/productOrderItem"),
        ({"productOrderItem": item * 500}, "/productOrderItem"),
        ({"state": "completed"}, "/state"),
        ({"id": new_id()}, "/id"),
        ({"externalId": "x" * 100_000}, "/externalId"),
    ]
    with no_trace(house):
        for changed, field in cases:
            fields = check_refusal(house.http.post(ORDERS, whole | changed, headers), str(changed)[:200])
            assert any(field in one for one in fields), f"{changed}: {fields}"


@pytest.mark.parametrize("unit", ["XXQ", "usd", "", "US DOLLAR", "EURO", "€", 840, None])
def test_a_currency_that_nobody_issues_is_refused(house: House, unit: Json) -> None:
    headers = house.token("administrator")
    account = accepted_body(house, ACCOUNTS) | {"creditLimit": {"unit": unit, "value": 1}}
    price = accepted_body(house, PRICES) | {"price": {"unit": unit, "value": 1}}
    with no_trace(house):
        for path, body, field in ((ACCOUNTS, account, "/creditLimit"), (PRICES, price, "/price")):
            fields = check_refusal(house.http.post(path, body, headers), path)
            assert any(one.startswith(field) for one in fields), fields


@pytest.mark.parametrize("value", [1e300, 10**30, "12", {"x": 1}, 1.000000000000001e15])
def test_an_amount_that_no_ledger_holds_is_refused(house: House, value: Json) -> None:
    headers = house.token("administrator")
    price = accepted_body(house, PRICES) | {"price": {"unit": "USD", "value": value}}
    with no_trace(house):
        assert any(one.startswith("/price") for one in check_refusal(house.http.post(PRICES, price, headers), "price"))


# -- Ids, filters, pages ------------------------------------------------------------------------------------------

IDS = [
    "x",
    "0",
    "-1",
    "' OR '1'='1",
    "1; DROP TABLE organization; --",
    "..%2F..%2F..%2Fetc%2Fpasswd",
    "%2e%2e",
    "%00",
    "%ED%A0%80",
    "%FF%FE",
    "{01a20dd7-0d06-734a-9ea2-0efc711f60d}",
    "01a20dd70d06734a9ea20efc711f60d2",
    "01a20dd7-0d06-734a-9ea2-0efc711f60d2%0A",
    "01a2-0dd70d06734a-9ea20efc-711f60d2aaa",
    quote("０１a20dd7-0d06-734a-9ea2-0efc711f60d2"),
    "x" * 5000,
    "$(id)",
    "*",
]


@pytest.mark.parametrize("identifier", IDS)
def test_an_id_that_is_none_is_not_found(house: House, identifier: str) -> None:
    headers = house.token("administrator")
    with no_trace(house):
        calls = ((route, method) for route in ROUTES if "{" in route.path for method in methods_of(route))
        for route, method in by_turns(calls, IDS, identifier):
            url = "/".join(identifier if step.startswith("{") else step for step in route.path.split("/"))
            body: Json = None if method in ("GET", "DELETE") else {}
            answer = house.http.request(method, url, json=body, headers=headers)
            check_refusal(answer, f"{method} {url}")
            assert answer.status_code in (404, 405), f"{method} {url}: {answer.text}"


REFUSED_QUERIES = [
    ("nothing=1", "nothing"),
    ("nothing.regex=a", "nothing.regex"),
    (urlencode({"name'; DROP TABLE x; --": "1"}), "name'; DROP TABLE x; --"),
    ("limit=1001", "limit"),
    ("limit=99999999999999999999", "limit"),
    ("limit=-1", "limit"),
    ("limit=1e3", "limit"),
    ("limit=", "limit"),
    ("offset=10000000000", "offset"),
    ("offset=-1", "offset"),
    ("offset=1%00", "offset"),
    ("sort=nothing", "sort"),
    (urlencode({"sort": "id; DROP TABLE x"}), "sort"),
    ("fields=nothing", "fields"),
    (urlencode({"fields": "id,' OR 1=1"}), "fields"),
    ("id=" + "x" * 1001, "id"),
]


@pytest.mark.parametrize("wrong", REFUSED_QUERIES, ids=[query[:40] for query, _ in REFUSED_QUERIES])
def test_a_wrong_query_is_refused_by_its_parameter_everywhere(house: House, wrong: tuple[str, str]) -> None:
    (query, field), headers = wrong, house.token("administrator")
    with no_trace(house):
        for route in by_turns(LISTS, REFUSED_QUERIES, wrong):
            fields = check_refusal(house.http.get(f"{route.path}?{query}", headers), f"{route.path}?{query}")
            assert fields == [field], f"{route.path}?{query}"


VALUES = [
    "' OR '1'='1",
    "007",
    "-0",
    "١٢٣",
    "1e-400",
    "9" * 400,
    '"',
    "\\",
    "\\u0000",
    "$",
    "@ || true",
    '" || @ == "',
    "%",
    "true",
    "null",
    "NaN",
    "Infinity",
    "2026-02-30",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "😀",
    ",,,,",
    NOBODY,
]
OPERATORS = ["", ".gt", ".gte", ".lt", ".lte", ".regex"]


def test_no_value_of_any_filter_breaks_a_list(house: House) -> None:
    """Every attribute of every collection: what is compared with nonsense finds nothing or is refused by its name."""
    headers, pairs = house.token("administrator"), cycle(product(VALUES, OPERATORS))
    for route in LISTS:
        for name in attributes_at(route.path):
            value, operator = next(pairs)
            url = f"{route.path}?{urlencode({name + operator: value})}&limit=1"
            answer = house.http.get(url, headers)
            assert answer.status_code < 500, f"{url}: {answer.text[:300]}"
            if answer.status_code >= 400:
                assert check_refusal(answer, url) == [name + operator], url


def test_a_path_through_a_body_may_hold_anything(house: House) -> None:
    headers = house.token("administrator")
    for path in ('relatedParty.id"', "relatedParty.\\", "relatedParty.$", "relatedParty..id", ".", "a" + ".b" * 3000):
        answer = house.http.get(f"{ORDERS}?{urlencode({path: 'x'})}", headers)
        assert answer.status_code in (200, 400), f"{path[:80]}: {answer.status_code} {answer.text[:300]}"


def test_two_thousand_filters_are_answered_or_refused(house: House) -> None:
    query = "&".join(f"name=x{number}" for number in range(2000))
    assert house.http.get(f"{ACCOUNTS}?{query}", house.token("administrator")).status_code in (200, 400, 414)


@pytest.mark.parametrize(
    "pattern",
    [r"^(a+)+$", r"(a*)*\1b", "(((a{1,99}){1,99}){1,99})", "(", "[", "*", "(?<x>a)", "a{99999}", "\\", "(?=a)b"],
)
def test_no_regular_expression_holds_the_database(house: House, pattern: str) -> None:
    with house.database.as_worker() as session:
        for _ in range(5):
            an_organization(session, "a" * 250 + "!")
    headers = house.token("administrator")
    for path, name in ((PARTIES, "tradingName"), (PARTIES, "contactMedium.characteristic.city")):
        with house.statements() as sent:
            answer = house.http.get(f"{path}?{urlencode({name + '.regex': pattern})}", headers)
        compared = next((number for number, sql in enumerate(sent) if "FROM organization" in sql), len(sent))
        assert any(sql.startswith("SET LOCAL statement_timeout = ") for sql in sent[:compared]), sent
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert check_refusal(answer, pattern) == [f"{name}.regex"]


# -- Fuzz ---------------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(string.printable, max_size=20),
    st.sampled_from(["", "x" * 2000, "2027-01-01T00:00:00Z", "2027-01-01", "add", "USD", NOBODY, "NaN"]),
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
NAMES = st.sampled_from(["id", "name", "value", "role", "@type", "@referredType", "href", "state", "unit"]) | TEXTS
ANYTHING: st.SearchStrategy[Json] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12
)
FUZZ = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@dataclass(frozen=True)
class Fuzzed:
    """What the fuzz aims at: an administrator's token, the routes that write, and bodies that they accept."""

    http: Http
    token: dict[str, str]
    targets: list[tuple[str, str]]
    accepted: dict[str, dict[str, Json]]


@pytest.fixture
def fuzzed(house: House) -> Fuzzed:
    targets = list(writes(house))
    accepted = {url: accepted_body(house, url) for method, url in targets if method == "POST"}
    return Fuzzed(house.http, house.token("administrator"), targets, accepted)


def attributes_at(url: str) -> list[str]:
    """What the documents and our declarations name at the collection of `url`."""
    kinds = [kind for route in LISTS if url.startswith(route.path) for kind in kinds_of(route)]
    return sorted({name for kind in kinds for name in attributes_of(kind)}) or ["name"]


def bent(data: st.DataObject, value: Json) -> Json:
    """The value with something in it replaced."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        return value | {name: bent(data, value[name])}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], bent(data, value[place]), *value[place + 1 :]]
    return data.draw(ANYTHING)


@FUZZ
@given(data=st.data())
def test_no_body_breaks_a_route(fuzzed: Fuzzed, data: st.DataObject) -> None:
    """An accepted body with something replaced or added, so that it gets past the first check."""
    method, url = data.draw(st.sampled_from(fuzzed.targets))
    body: dict[str, Json] = dict(fuzzed.accepted.get(url, {})) if data.draw(st.integers(0, 3)) else {}
    if body:
        name = data.draw(st.sampled_from(sorted(body)))
        body[name] = bent(data, body[name])
    else:
        names = st.sampled_from(attributes_at(url)) | NAMES
        body = data.draw(st.dictionaries(names, ANYTHING, max_size=4))
    answer = fuzzed.http.request(method, url, content=json.dumps(body).encode(), headers=fuzzed.token)
    assert answer.status_code < 500, f"{method} {url} {json.dumps(body)[:600]}: {answer.text[:300]}"
    if answer.status_code >= 400:
        check_refusal(answer, url)


@FUZZ
@given(data=st.data())
def test_no_query_breaks_a_route(fuzzed: Fuzzed, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([route.path for route in LISTS]))
    names = st.sampled_from(["limit", "offset", "sort", "fields", *attributes_at(path)]) | TEXTS
    named = st.tuples(names, st.sampled_from(["", ".id", ".value", *OPERATORS])).map("".join)
    query = data.draw(st.lists(st.tuples(named, TEXTS | LEAVES.map(str)), max_size=4))
    url = f"{path}?{urlencode(query, errors='replace')}"
    answer = fuzzed.http.get(url, fuzzed.token)
    assert answer.status_code < 500, f"{url}: {answer.text[:300]}"
    if answer.status_code >= 400:
        check_refusal(answer, url)
