"""The application over HTTP: pages, versions, one form of error, health, metrics, and what a list costs."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from starlette.requests import Request

from satcom.app.http import broken, create_app
from satcom.core.database import Database
from satcom.core.values import Json
from tests.app.conftest import Filled, House, Http
from tests.app.served import guarded, kinds_of, methods_of
from tests.market.a_market import an_order
from tests.postgres_server import drop_database, new_database, run_sql

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
ACCOUNTS = "/tmf-api/accountManagement/v4/billingAccount"
PARTIES = "/tmf-api/party/v4/organization"


# -- Reading ------------------------------------------------------------------------------------------------------


def test_a_page_says_how_many_it_shows_of_how_many(house: House) -> None:
    headers, ids = house.token("noc"), []
    total = int(house.http.get(PARTIES, headers).headers["X-Total-Count"])
    assert total > 4
    for offset in range(0, total, 3):
        answer = house.http.get(f"{PARTIES}?limit=3&offset={offset}", headers)
        shown = answer.json()
        assert answer.status_code == 206
        assert answer.headers["X-Total-Count"] == str(total)
        assert answer.headers["X-Result-Count"] == str(len(shown))
        ids += [row["id"] for row in shown]
    assert len(set(ids)) == len(ids) == total
    assert ids == sorted(ids)
    whole = house.http.get(f"{PARTIES}?limit={total}", headers)
    assert (whole.status_code, whole.headers["X-Result-Count"]) == (200, str(total))
    beyond = house.http.get(f"{PARTIES}?offset={total}", headers)
    assert (beyond.json(), beyond.headers["X-Result-Count"], beyond.headers["X-Total-Count"]) == ([], "0", str(total))


def test_every_collection_is_listed_and_each_of_its_rows_read_with_its_version(house: House) -> None:
    headers = house.token("administrator")
    for route in guarded(house.app):
        if "{" in route.path or "GET" not in methods_of(route) or not kinds_of(route):
            continue
        if route.path.rsplit("/", 1)[1] != kinds_of(route)[0].api.collection:
            continue
        rows = house.http.get(f"{route.path}?limit=1000", headers).json()
        assert rows or kinds_of(route)[0].readable_by_all, route.path
        for row in rows:
            answer = house.http.get(row["href"], headers)
            assert answer.status_code == 200, row["href"]
            assert answer.json() == row
            assert answer.headers["ETag"].strip('"').isdigit()
            assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
            assert {"id", "href", "@type"} <= row.keys()


def test_fields_narrow_a_list_and_a_single_object_alike(house: House) -> None:
    headers, url = house.token("noc"), f"{ACCOUNTS}/{house.filled.mine.rows['BillingAccount']}"
    assert house.http.get(f"{url}?fields=state", headers).json().keys() == {"id", "href", "state"}
    assert house.http.get(f"{ACCOUNTS}?fields=state,name", headers).json()[0].keys() == {"id", "href", "state", "name"}


# -- Errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/tmf-api/party/v4/nobody", 404, "notFound"),
        ("GET", f"{PARTIES}/x/y", 404, "notFound"),
        ("PUT", PARTIES, 405, "notOffered"),
        ("DELETE", PARTIES, 405, "notOffered"),
        ("POST", f"{PARTIES}/x", 405, "notOffered"),
        ("OPTIONS", PARTIES, 405, "notOffered"),
        ("GET", f"{PARTIES}/x", 404, "notFound"),
        ("GET", f"{PARTIES}?nothing=1", 400, "unknownAttribute"),
        ("POST", PARTIES, 400, "missing"),
    ],
)
def test_every_refusal_has_the_form_of_tmf630(house: House, method: str, path: str, status: int, code: str) -> None:
    body: Json = {} if method == "POST" else None
    answer = house.http.request(method, path, json=body, headers=house.token("administrator"))
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"], told["@type"]) == (status, str(status), code, "Error")
    assert told["reason"]
    assert told["field"] == told["fault"][0]["field"]
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"


def test_what_is_offered_instead_is_named(house: House) -> None:
    answer = house.http.request("PUT", PARTIES, headers=house.token("administrator"))
    assert "GET" in answer.headers["Allow"] or "POST" in answer.headers["Allow"]


def test_all_faults_are_told_at_once(house: House) -> None:
    wrong = {"tradingName": 1, "existsDuring": {"startDateTime": "x"}, "colour": "green"}
    faults = house.http.post(PARTIES, wrong, house.token("administrator")).json()["fault"]  # type: ignore[arg-type]
    assert {fault["field"] for fault in faults} == {"/tradingName", "/existsDuring/startDateTime", "/colour"}


def test_a_bug_of_ours_is_logged_whole_and_told_without_detail(house: House) -> None:
    request = Request({"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""})
    answer = broken(request, ZeroDivisionError("secret figure"))
    assert answer.status_code == 500
    assert b"secret figure" not in bytes(answer.body)
    assert "secret figure" in repr(house.logged[-1]["exc_info"])


# -- The page for a browser ---------------------------------------------------------------------------------------


def test_who_comes_with_a_browser_is_led_to_the_description(house: House) -> None:
    answer = house.http.get("/", {})
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")


def test_the_description_loads_nothing_from_another_host(house: House) -> None:
    page = house.http.get("/docs", {}).text
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(loaded) >= 3
    for url in loaded:
        answer = house.http.get(url, {})
        assert (url[0], answer.status_code, len(answer.content) > 1000) == ("/", 200, True), url
    assert re.findall(r"(?:https?:)?//\S+", page) == []


# -- Health, description, metrics ---------------------------------------------------------------------------------


def test_while_the_database_is_away_every_answer_is_503_and_says_when_to_come_back(filled: Filled) -> None:
    url = new_database(filled.url)
    database = Database(url, connections=2)
    app = create_app(database)
    http = Http(app)
    assert http.get("/health", {}).status_code == 200
    drop_database(url)
    for path in ("/health", PARTIES, f"{ORDERS}/x"):
        answer = http.get(path, {"Authorization": "Bearer satcom_x"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), path
        assert answer.json()["field"] == "database"
    answer = http.post(ORDERS, {}, {"Authorization": "Bearer satcom_x"})
    assert answer.status_code == 503
    assert http.get("/openapi.json", {}).status_code == 200
    http.close()
    database.close()


def test_a_connection_that_was_cut_is_replaced(house: House) -> None:
    headers = house.token("noc")
    assert house.http.get(PARTIES, headers).status_code == 200
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    run_sql(house.database.url, sql.SQL(f"{cut} AND pid <> pg_backend_pid()"))
    assert house.http.get(PARTIES, headers).status_code == 200


def test_metrics_count_and_time_requests_by_route_and_status(house: House) -> None:
    headers = house.token("noc")
    before = counted(house, headers)
    house.http.get(PARTIES, headers)
    house.http.get(f"{PARTIES}/x", headers)
    house.http.get(f"{PARTIES}/y", headers)
    house.http.get("/a/path/of/nobody", headers)
    grown = {labels: count - before.get(labels, 0) for labels, count in counted(house, headers).items()}
    assert grown["GET", PARTIES, "200"] == 1
    assert grown["GET", f"{PARTIES}/{{id}}", "404"] == 2
    assert grown["GET", "unrouted", "404"] == 1
    assert not any("/x" in route for _, route, _ in grown)


def counted(house: House, headers: dict[str, str]) -> dict[tuple[str, str, str], float]:
    answer = house.http.get("/metrics", headers)
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    assert families["satcom_http_request_seconds"].samples
    samples = [one for one in families["satcom_http_requests"].samples if one.name.endswith("_total")]
    return {(one.labels["method"], one.labels["route"], one.labels["status"]): one.value for one in samples}


def test_what_breaks_is_counted_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = house.token("noc")
    before = counted(house, headers).get(("GET", PARTIES, "500"), 0)

    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("satcom.core.tmf_api.list_rows", breaks)
    assert house.http.get(PARTIES, headers).status_code == 500
    monkeypatch.undo()
    assert counted(house, headers)["GET", PARTIES, "500"] == before + 1


# -- Cost ---------------------------------------------------------------------------------------------------------


def test_a_list_of_a_hundred_orders_costs_as_many_statements_as_one_of_ten(house: House) -> None:
    with house.database.as_worker() as session:
        for _ in range(100):
            an_order(session, house.filled.markets["Mine"])
    for headers in (house.token("noc"), house.token("customer", party=house.filled.mine)):
        spent = []
        for limit in (1, 10, 100):
            with house.statements() as sent:
                assert len(house.http.get(f"{ORDERS}?limit={limit}", headers).json()) == limit
            spent.append(len(sent))
        assert spent[0] == spent[1] == spent[2] <= 5, sent


@pytest.mark.parametrize("query", ["limit=100", "limit=1000&fields=id", "sort=name", "name.regex=x"])
def test_no_list_costs_a_statement_a_row(house: House, query: str) -> None:
    headers = house.token("administrator")
    for route in guarded(house.app):
        kinds = kinds_of(route)
        if "{" not in route.path and route.path.endswith(f"/{kinds[0].api.collection}" if kinds else "none"):
            with house.statements() as sent:
                house.http.get(f"{route.path}?{query}", headers)
            assert len(sent) <= 5 + 2 * len(kinds), f"{route.path}: {sent}"
