"""What is listed as refused or not built, against the facts of the documents and the routes."""

import json
import re
from collections.abc import Iterator

import pytest

from satcom.app.declarations import ROUTES
from satcom.core import tmf_document
from tests.contract.bodies import CHECKED_ELSEWHERE, NOT_BUILT, REFUSED

NAMES = {"post": "POST", "patch": "PATCH", "delete": "DELETE", "put": "PUT"}


def official() -> Iterator[tuple[str, str]]:
    for file in sorted(tmf_document.FOLDER.glob("TMF*.json")):
        for path, methods in json.loads(file.read_text())["operations"].items():
            resource = re.sub(r"/\{[^}]+\}", "", path).strip("/")
            for method in methods:
                yield f"{file.stem}/{resource}", NAMES.get(method, "GET" if path.endswith("}") else "LIST")


def offered() -> set[str]:
    return {f"{one.api.document.name}/{one.name}" for one in ROUTES if one.api.document is not None}


def test_every_resource_of_a_document_is_offered_or_refused_or_listed_as_not_built() -> None:
    known = offered() | NOT_BUILT | CHECKED_ELSEWHERE | {name for name, rules in REFUSED.items() if "LIST" in rules}
    assert {name for name, _ in official() if not name.endswith("/hub")} - known == set()


def test_what_is_listed_as_not_built_is_not_offered() -> None:
    assert NOT_BUILT & offered() == set()


def test_what_is_refused_is_in_a_document_and_says_why() -> None:
    listed = {(resource, name) for resource, rules in REFUSED.items() for name in rules}
    assert listed - set(official()) == set()
    assert all(len(why.split()) > 3 for rules in REFUSED.values() for why in rules.values())


def test_at_most_one_operation_in_ten_is_refused() -> None:
    refused = sum(len(rules) for rules in REFUSED.values())
    assert refused <= len(list(official())) / 10


@pytest.mark.parametrize("resource", sorted(REFUSED))
def test_a_refused_operation_has_no_route_unless_a_rule_of_the_object_refuses_it(resource: str) -> None:
    found = [one for one in ROUTES if one.api.document and f"{one.api.document.name}/{one.name}" == resource]
    methods = {method for one in found for route in one.router.routes for method in getattr(route, "methods", ())}
    by_rule = {name for name, why in REFUSED[resource].items() if why.startswith("noAccessTest")}
    assert methods & (REFUSED[resource].keys() - by_rule) == set()
