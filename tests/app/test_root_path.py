"""The API below a path of its host: every reference that goes out can be followed there, and what is kept has none."""

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.core.settings import Settings, settings
from satcom.core.values import Json
from tests.app.conftest import House, Http
from tests.core.a_listener import a_listener, networks
from tests.core.an_inbox import an_inbox, delivering
from tests.enterprise.an_operator import an_organization

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
ROOT = "/satcom"


@pytest.fixture
def below_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SATCOM_ROOT_PATH", ROOT)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def below(house: House, below_the_path: None) -> Iterator[Http]:
    http = Http(create_app(house.database))
    yield http
    http.close()


def hrefs(body: Json) -> list[str]:
    if isinstance(body, list):
        return [one for each in body for one in hrefs(each)]
    if not isinstance(body, dict):
        return []
    own = [value for name, value in body.items() if name.lower().endswith("href") and isinstance(value, str)]
    return own + [one for value in body.values() for one in hrefs(value)]


def test_what_is_ordered_below_a_path_is_found_by_its_location_and_by_every_href(house: House, below: Http) -> None:
    headers, body = house.token("administrator"), house.an_order(house.filled.mine)
    placed = below.post(f"{ROOT}{ORDERS}", body, headers)
    assert placed.status_code == 201, placed.text
    found = below.get(placed.headers["Location"], headers)
    assert (found.status_code, found.json()["href"]) == (200, placed.headers["Location"])
    followed = {one: below.get(one, headers).status_code for one in hrefs(found.json())}
    assert len(followed) >= 3
    assert set(followed.values()) == {200}
    assert all(one.startswith(f"{ROOT}/tmf-api/") for one in followed)


def test_the_path_is_kept_nowhere_so_that_another_proxy_may_have_another(house: House, below: Http) -> None:
    headers = house.token("administrator") | {"Idempotency-Key": "once"}
    body = house.an_order(house.filled.mine)
    first, again = (below.post(f"{ROOT}{ORDERS}", body, headers) for _ in range(2))
    assert (first.json(), first.headers["Location"]) == (again.json(), again.headers["Location"])
    with house.database.as_worker() as session:
        for table in ("product_order", "idempotency_key", "change_log"):
            rows = session.connection().execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert rows, table
            assert not any(ROOT + "/" in row for row in rows), table


def test_an_event_names_its_resource_below_the_path(database: Database, below_the_path: None) -> None:
    with networks("127.0.0.0/8"), an_inbox() as inbox:
        a_listener(database, inbox.url)
        with database.as_worker() as session:
            mine = an_organization(session, "Mine").id
        with delivering(database):
            inbox.wait_for(1)
    (told,) = inbox.about(mine)
    assert told["event"]["organization"]["href"] == f"{ROOT}/tmf-api/party/v4/organization/{mine}"


def test_the_short_paths_go_on_working_on_the_host_itself(house: House, below: Http) -> None:
    assert below.get("/health", {}).status_code == 200
    assert below.get(f"{ORDERS}?limit=1", house.token("noc")).status_code in (200, 206)


def test_a_browser_is_led_to_a_description_that_loads_and_asks_below_the_path(below: Http) -> None:
    page = below.get(below.get(f"{ROOT}/", {}).headers["Location"], {}).text
    loaded = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", page)
    assert len(loaded) >= 4
    for url in loaded:
        assert url.startswith(f"{ROOT}/")
        assert below.get(url, {}).status_code == 200, url
    assert below.get(f"{ROOT}/openapi.json", {}).json()["servers"] == [{"url": ROOT}]


@pytest.mark.parametrize("path", ["satcom", "/satcom/", "https://oss.example.net/satcom", "/sat com"])
def test_a_path_that_would_break_references_is_no_setting(path: str) -> None:
    with pytest.raises(ValidationError, match="root_path"):
        Settings(root_path=path)
