"""What the program declares is what it serves: every route described once, every description whole."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Match

from satcom.app.declarations import QUESTIONS, ROUTES
from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.schema import entities

# Prometheus reads the first two, in its own format; the others show the description
NOT_DESCRIBED = {"/metrics", "/metrics/services", "/", "/docs", "/docs/oauth2-redirect"}


@dataclass(frozen=True)
class Served:
    method: str
    path: str
    route: APIRoute


def served() -> list[Served]:
    """Every route: those of the declarations, and the application's own."""
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    declared = [route for routes in (*(one.own for one in ROUTES), *QUESTIONS) for route in routes.router.routes]
    routes = [route for route in (*declared, *create_app(nowhere).routes) if isinstance(route, APIRoute)]
    return [Served(method, route.path, route) for route in routes for method in sorted(route.methods or ())]


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    answer = TestClient(create_app(nowhere)).get("/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json()
    return described


def test_the_description_is_openapi_and_points_nowhere_outside_of_itself(description: dict[str, Any]) -> None:
    OpenAPI.model_validate(description)
    assert description["openapi"].startswith("3.")
    pointers = set(references(description))
    assert pointers
    for pointer in pointers:
        found: Any = description
        for step in pointer.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]


def test_every_operation_says_how_it_may_refuse(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            told = operation["responses"].keys()
            everywhere = {"503"} if path == "/health" else {"400", "401", "403", "503"}
            one, write = ({"404"} if "{id}" in path else set()), ({"409", "412", "422"} if method != "get" else set())
            assert (everywhere | one | write) <= told, f"{method} {path}"


def test_what_is_answered_is_described_with_our_own_attributes_and_what_fields_may_leave_out(
    description: dict[str, Any],
) -> None:
    order = description["components"]["schemas"]["TMF622.ProductOrder"]
    assert "reference" in order["properties"], "no attribute of the document, but ours"
    assert order["required"] == ["id", "href"]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for one in node.values():
            yield from references(one)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def test_every_route_is_in_the_description(description: dict[str, Any]) -> None:
    offered = {(path, method.upper()) for path, item in description["paths"].items() for method in item}
    assert offered == {(one.path, one.method) for one in served() if one.path not in NOT_DESCRIBED}
    for routes in ROUTES:
        assert {(routes.api.path, "GET"), (f"{routes.api.path}/{{id}}", "GET")} <= offered


def test_an_operation_is_described_once_and_names_every_part_of_its_path(description: dict[str, Any]) -> None:
    operations = [one for item in description["paths"].values() for one in item.values()]
    twice = [name for name, times in Counter(one["operationId"] for one in operations).items() if times > 1]
    assert twice == []
    for path, item in description["paths"].items():
        for operation in item.values():
            listed = Counter((one["in"], one["name"]) for one in operation.get("parameters", []))
            assert max(listed.values(), default=1) == 1, path
            assert {name for where, name in listed if where == "path"} == set(parts(path)), path


def parts(path: str) -> list[str]:
    return [step[1:-1] for step in path.split("/") if step.startswith("{")]


def test_no_route_hides_another() -> None:
    routes = served()
    for one in routes:
        asked = "/".join(new_id() if step.startswith("{") else step for step in one.path.split("/"))
        scope: dict[str, object] = {"type": "http", "method": one.method, "path": asked, "root_path": "", "headers": []}
        answering = [other.route.name for other in routes if other.method == one.method and answers(other, scope)]
        assert answering == [one.route.name], f"{one.method} {one.path}"


def answers(one: Served, scope: dict[str, object]) -> bool:
    return one.route.matches(scope)[0] is Match.FULL


def test_every_entity_can_be_read_somewhere() -> None:
    paths = {one.path for one in served() if one.method == "GET"}
    silent = [kind for kind in entities() if not any(path.endswith(f"/{kind.api.collection}") for path in paths)]
    assert [kind.__name__ for kind in silent if kind.__module__.startswith("satcom.")] == []
