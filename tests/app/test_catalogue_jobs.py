"""Exports and imports of catalogues, asked for over HTTP and carried out by a worker."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from satcom.app.http import create_app
from satcom.app.loading.load import load
from satcom.app.worker import Worker
from satcom.core.access import create_token
from satcom.core.change_log import Change
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.loading import loaded_id
from satcom.enterprise.catalog_job import carry_out
from satcom.orchestration.engine import Engine
from satcom.orchestration.queue import EXCHANGE
from satcom.resource.drivers.port import HubDriver
from tests.core.a_document_server import Documents, a_document_server
from tests.core.a_listener import networks
from tests.enterprise.an_operator import an_operator
from tests.postgres_server import drop_database, new_database

Body: TypeAlias = dict[str, Any]  # JSON of the API
EXAMPLE = Path(__file__).parents[2] / "examples" / "operator"
PRODUCTS = "/tmf-api/productCatalogManagement/v4"
# each after those that its specifications rest on
APIS = ("/tmf-api/resourceCatalog/v4", "/tmf-api/serviceCatalogManagement/v4", PRODUCTS)
ASKED = text("SELECT args ->> 'kind', args ->> 'job_id' FROM procrastinate_jobs WHERE task_name = :task")
LEASE = {"offering": "offering-transponder-lease", "price": "price-lease-ku"}


@dataclass
class House:
    """An operator, and its product manager at the API."""

    database: Database
    client: TestClient

    def job(self, at: str, /, **body: str) -> Body:
        """A job when it is carried out."""
        made = self.client.post(at, json=body)
        assert made.status_code == 201, made.text
        assert (made.json()["status"], made.json()["progressPercent"]) == ("Not Started", 0)
        for kind, job_id in self.asked():
            carry_out(self.database, kind, job_id)
        ended: Body = self.client.get(f"{at}/{made.json()['id']}").json()
        return ended

    def asked(self) -> list[tuple[str, str]]:
        with self.database.as_worker() as session:
            return [(row[0], row[1]) for row in session.connection().execute(ASKED, {"task": EXCHANGE})]

    def export(self, api: str, **chosen: str) -> Body:
        ended = self.job(f"{api}/exportJob", url="", **chosen)
        assert ended["status"] == "Succeeded", ended
        content: Body = self.client.get(f"{ended['href']}/content").json()
        return content

    def changes(self) -> int:
        """How often the catalogue was changed."""
        with self.database.as_worker() as session:
            listed = session.exec(select(Change).where(col(Change.entity_type).not_like("%Job"))).all()
            return len(listed)


def a_house(database: Database) -> House:
    with database.as_worker() as session:
        token = create_token(session, "designer", ["productManager"], None, timedelta(days=1))[1]
    return House(database, TestClient(create_app(database), headers={"Authorization": f"Bearer {token}"}))


@pytest.fixture
def house(database: Database) -> House:
    with database.as_worker() as session:
        an_operator(session)
    return a_house(database)


@pytest.fixture
def documents() -> Iterator[Documents]:
    """A web server of a partner, in a network that the operator has opened."""
    with networks("127.0.0.0/8"), a_document_server() as served:
        yield served


def told(content: Body) -> dict[str, dict[str, Body]]:
    """By collection and id, but for when it was changed last."""
    return {
        name: {one["id"]: {key: value for key, value in one.items() if key != "lastUpdate"} for one in listed}
        for name, listed in content.items()
    }


def test_an_exported_catalogue_is_imported_into_a_fresh_operator_once_and_again(
    house: House, documents: Documents, template: str
) -> None:
    example = Database(new_database(template), connections=4)
    try:
        load(example, EXAMPLE, dry_run=False, by="test")
        theirs = a_house(example)
        for api in APIS:
            ended = theirs.job(f"{api}/exportJob", url=documents.url(api))
            assert (ended["status"], ended["progressPercent"]) == ("Succeeded", 100)
            assert json.loads(documents.kept[api]) == theirs.client.get(f"{ended['href']}/content").json()
            ended = house.job(f"{api}/importJob", url=documents.url(api))
            assert (ended["status"], ended.get("errorLog")) == ("Succeeded", None)
            assert told(house.export(api)) == told(json.loads(documents.kept[api]))
        changes = house.changes()
        assert house.job(f"{PRODUCTS}/importJob", url=documents.url(PRODUCTS))["status"] == "Succeeded"
        assert house.changes() == changes

        retired = {"lifecycleStatus": "Retired", "description": "no longer"}
        lease = f"{PRODUCTS}/productOffering/{loaded_id('ProductOffering', LEASE['offering'])}"
        assert theirs.client.patch(lease, json=retired).status_code == 200
        price = f"{PRODUCTS}/productOfferingPrice/{loaded_id('ProductOfferingPrice', LEASE['price'])}"
        assert theirs.client.patch(price, json={"lifecycleStatus": "Retired"}).status_code == 200
        documents.kept["/retired"] = json.dumps(theirs.export(PRODUCTS)).encode()
        ended = house.job(f"{PRODUCTS}/importJob", url=documents.url("/retired"))
        assert ended["status"] == "Succeeded", ended.get("errorLog")
        assert told(house.export(PRODUCTS)) == told(json.loads(documents.kept["/retired"]))
    finally:
        example.close()
        drop_database(example.url)


def test_an_import_with_faults_tells_them_all_and_writes_nothing(house: House, documents: Documents) -> None:
    stays = {"id": "bb", "name": "Broadband", "lifecycleStatus": "Active"}
    wrong: Body = {
        "category": [stays, {"id": "ring", "name": "A", "parentId": "ring"}, stays, {"name": "without an id"}, 7],
        "productOffering": [
            {"id": "one", "name": "Sea", "category": [{"id": "ring"}]},  # its cause is told
            {"id": "two", "name": "Air", "colour": "red", "category": [{"id": new_id()}]},
            {"id": "six", "name": "Air", "productSpecification": {"id": new_id()}},
        ],
        "price": [],
    }
    documents.kept["/wrong"] = json.dumps(wrong).encode()
    ended = house.job(f"{PRODUCTS}/importJob", url=documents.url("/wrong"))
    assert ended["status"] == "Failed"
    assert [line.partition(":")[0] for line in ended["errorLog"].splitlines()] == [
        "/price",
        "/category/2/id",
        "/category/3/id",
        "/category/4",
        "/category/1/parentId",
        "/productOffering/1/colour",
        "/productOffering/2/productSpecification/id",
    ]
    assert house.export(PRODUCTS)["category"] == []
    documents.kept["/text"] = b"<html>a secret</html>"
    for path, said in (("/text", "/: not JSON"), ("/nothing", "/url: answered 404")):
        ended = house.job(f"{PRODUCTS}/importJob", url=documents.url(path))
        assert (ended["status"], "secret" in ended["errorLog"]) == ("Failed", False)
        assert ended["errorLog"].startswith(said)


def test_the_catalogue_of_another_system_keeps_its_links_and_is_doubled_by_no_second_import(
    house: House, documents: Documents
) -> None:
    below, above = ({"id": "sea", "name": "Sea", "parentId": "all"}, {"id": "all", "name": "All", "isRoot": True})
    listed = {"id": "retail", "name": "Retail", "category": [{"id": "all", "href": "https://theirs.example/all"}]}
    documents.kept["/all"] = json.dumps({"category": [below, above], "catalog": [listed]}).encode()
    for _ in range(2):
        assert house.job(f"{PRODUCTS}/importJob", url=documents.url("/all"))["status"] == "Succeeded"
    sea, top = (loaded_id("Category", one) for one in ("sea", "all"))
    content = told(house.export(PRODUCTS))
    assert content["category"].keys() == {sea, top}
    assert content["category"][sea]["parentId"] == top
    assert [one["category"] for one in content["catalog"].values()] == [[{"id": top}]]
    documents.kept["/list"] = json.dumps([above | {"name": "Everything"}]).encode()
    assert house.job(f"{PRODUCTS}/importJob", url=documents.url("/list"), path="/category")["status"] == "Succeeded"
    assert house.client.get(f"{PRODUCTS}/category/{top}").json()["name"] == "Everything"


def test_an_export_takes_what_its_path_and_query_choose(house: House, database: Database) -> None:
    made: dict[str, str] = {}
    for name, above in (("Links", None), ("Maritime", "Links"), ("Capacity", None)):
        parent = {"parentId": made[above]} if above else {}
        answer = house.client.post(f"{PRODUCTS}/category", json={"name": name, **parent})
        made[name] = answer.json()["id"]
    offering = {"name": "At sea", "category": [{"id": made["Maritime"]}]}
    assert house.client.post(f"{PRODUCTS}/productOffering", json=offering).status_code == 201
    retail = {"name": "Retail", "category": [{"id": made["Links"]}]}
    catalogue = house.client.post(f"{PRODUCTS}/catalog", json=retail).json()
    chosen = told(house.export(PRODUCTS, path=catalogue["href"]))
    assert {name: sorted(one["name"] for one in found.values()) for name, found in chosen.items()} == {
        "category": ["Links", "Maritime"],
        "productOffering": ["At sea"],
        "catalog": ["Retail"],
    }
    roots = house.export(PRODUCTS, path=f"{PRODUCTS}/category", query="isRoot=true&name=Links,Capacity")
    assert [one["name"] for one in roots["category"]] == ["Links", "Capacity"]
    refused = (
        ({"url": "", "path": "/nothing"}, "/path"),
        ({"url": "", "path": f"/catalog/{new_id()}"}, "/path"),
        ({"url": "", "query": "name=Links"}, "/query"),
        ({"url": "", "path": "/category", "query": "colour=red"}, "/query"),
        ({"url": "", "path": "/category", "query": "limit=1"}, "/query"),
        ({"url": "", "status": "Succeeded"}, "/status"),
        ({"url": "", "contentType": "text/csv"}, "/contentType"),
        ({"url": "file:///etc/passwd"}, "/url"),
    )
    for body, field in refused:
        answer = house.client.post(f"{PRODUCTS}/exportJob", json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field), body


def test_no_job_reaches_into_a_network_that_the_operator_has_not_opened(house: House) -> None:
    for url in (
        "http://127.0.0.1/x",
        "http://localhost:8000/",
        "http://169.254.169.254/",
        "http://[::1]/",
        "http://10.0.0.1/",
    ):
        for kind in ("importJob", "exportJob"):
            answer = house.client.post(f"{PRODUCTS}/{kind}", json={"url": url})
            assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
                400,
                "forbiddenAddress",
                "/url",
            )
    assert house.client.post(f"{PRODUCTS}/importJob", json={"url": ""}).json()["field"] == "/url"


def test_a_job_waits_for_a_worker_ends_with_it_and_is_then_forgotten(house: House) -> None:
    path = f"{PRODUCTS}/exportJob"
    dropped, kept = (house.client.post(path, json={"url": ""}).json()["href"] for _ in range(2))
    assert house.client.get(f"{kept}/content").status_code == 404
    assert house.client.delete(dropped).status_code == 204

    async def worked() -> None:
        working = asyncio.create_task(Worker(house.database, Engine(house.database, cast(HubDriver, None)), 1).run())
        while house.client.get(kept).json()["status"] != "Succeeded":
            await asyncio.sleep(0.05)
        working.cancel()

    asyncio.run(asyncio.wait_for(worked(), 120))
    assert house.client.get(f"{kept}/content").json().keys() >= {"category", "catalog", "productOffering"}
    assert house.client.delete(kept).status_code == 204
    assert house.client.get(f"{kept}/content").status_code == 404
