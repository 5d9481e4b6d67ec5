"""A product manager sorts offerings: over HTTP, and those that named categories before there were any."""

from datetime import timedelta

from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from satcom.app.http import create_app
from satcom.core import migration
from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.market.catalog.category import Category
from satcom.market.catalog.product_offering import ProductOffering
from tests.enterprise.an_operator import an_operator
from tests.market.a_catalogue import an_offering
from tests.postgres_server import drop_database, new_database

CATALOG = "/tmf-api/productCatalogManagement/v4"
BEFORE_CATEGORIES = "0016"


def test_offerings_are_found_by_category_and_a_category_that_is_sold_from_stays(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        offering = an_offering(session)
        designer, seller = (
            {"Authorization": f"Bearer {create_token(session, role, [role], None, timedelta(days=1))[1]}"}
            for role in ("productManager", "sales")
        )
    client = TestClient(create_app(database), headers=designer)
    assert client.post(f"{CATALOG}/category", json={"name": "Connectivity"}, headers=seller).status_code == 403
    top = client.post(f"{CATALOG}/category", json={"name": "Connectivity", "lifecycleStatus": "Active"}).json()
    body = {"name": "Dedicated", "lifecycleStatus": "Active", "parentId": top["id"]}
    below = client.post(f"{CATALOG}/category", json=body).json()
    sold = f"{CATALOG}/productOffering/{offering.id}"
    assert client.patch(sold, json={"category": [{"id": new_id()}]}).json()["field"] == "/category/0/id"
    assert client.patch(sold, json={"category": [{"id": below["id"], "name": "Dedicated"}]}).status_code == 200
    listed = client.get(f"{CATALOG}/productOffering?category.id={below['id']}", headers=seller).json()
    assert [one["id"] for one in listed] == [offering.id]
    assert client.get(f"{CATALOG}/productOffering?category.id={top['id']}").json() == []

    shown = {one["name"]: one for one in client.get(f"{CATALOG}/category", headers=seller).json()}
    assert [one["id"] for one in shown["Dedicated"]["productOffering"]] == [offering.id]
    assert [one["id"] for one in shown["Connectivity"]["subCategory"]] == [below["id"]]
    one = f"{CATALOG}/category/{top['id']}"
    assert client.get(f"{one}?fields=subCategory").json().keys() == {"id", "href", "subCategory"}
    assert client.get(f"{one}?fields=name").json().keys() == {"id", "href", "name"}
    assert client.patch(one, json={"description": "all links"}).json() == client.get(one).json()
    refused = client.get(f"{CATALOG}/category?productOffering.id={offering.id}")
    assert (refused.status_code, refused.json()["code"]) == (400, "readOnly")
    retired = client.patch(f"{CATALOG}/category/{below['id']}", json={"lifecycleStatus": "Retired"})
    assert (retired.status_code, retired.json()["code"]) == (422, "inUse")


def test_categories_that_offerings_named_before_there_were_any_are_there_after_the_upgrade(postgres: str) -> None:
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, connections=2)
    with database.as_worker() as session:
        an_operator(session)
        offering = an_offering(session)
    database.close()
    migration.downgrade(url, BEFORE_CATEGORIES)
    engine = create_engine(url)
    with engine.begin() as connection:
        named = '{"category": [{"id": "bb", "name": "Broadband"}, {"id": "bb"}, {"id": "sea"}]}'
        connection.execute(text("UPDATE product_offering SET further = :named"), {"named": named})
    engine.dispose()
    migration.upgrade(url)
    database = Database(url, connections=2)
    with database.as_worker() as session:
        kept = session.get_one(ProductOffering, offering.id)
        names = [session.get_one(Category, one.id).name for one in kept.category]
        assert (names, kept.further) == (["Broadband", "sea"], {})
    database.close()
    drop_database(url)
