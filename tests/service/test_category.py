"""Candidates: which services and resources may be chosen, and from which category."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.access import create_token
from satcom.core.database import Database
from tests.enterprise.an_operator import an_operator
from tests.market.a_catalogue import a_service_specification

SERVICES, RESOURCES = "/tmf-api/serviceCatalogManagement/v4", "/tmf-api/resourceCatalog/v4"


@pytest.mark.parametrize(("base", "layer"), [(SERVICES, "service"), (RESOURCES, "resource")])
def test_a_candidate_in_use_makes_a_specification_available_that_stays_in_use(
    database: Database, base: str, layer: str
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        service = a_service_specification(session)
        chosen = service.id if layer == "service" else service.resource_specification[0].id
        token = create_token(session, "designer", ["productManager"], None, timedelta(days=1))[1]
    client = TestClient(create_app(database), headers={"Authorization": f"Bearer {token}"})
    category = client.post(f"{base}/{layer}Category", json={"name": "Links", "lifecycleStatus": "Active"}).json()
    body = {
        "name": "Link",
        "lifecycleStatus": "Active",
        f"{layer}Specification": {"id": chosen},
        "category": [{"id": category["id"]}],
    }
    nowhere = client.post(f"{base}/{layer}Candidate", json=body | {f"{layer}Specification": {"id": "none"}})
    assert (nowhere.status_code, nowhere.json()["field"]) == (422, f"/{layer}Specification/id")
    made = client.post(f"{base}/{layer}Candidate", json=body)
    assert made.status_code == 201, made.text
    found = client.get(f"{base}/{layer}Candidate?category.id={category['id']}").json()
    assert [one["id"] for one in found] == [made.json()["id"]]
    shown = client.get(f"{base}/{layer}Category/{category['id']}").json()
    assert [one["id"] for one in shown[f"{layer}Candidate"]] == [made.json()["id"]]
    one = f"{base}/{layer}Candidate/{made.json()['id']}"
    for path in (f"{base}/{layer}Category/{category['id']}", f"{base}/{layer}Specification/{chosen}"):
        refused = client.patch(path, json={"lifecycleStatus": "Retired"})
        assert (refused.status_code, refused.json()["code"]) == (422, "inUse")
    other = client.patch(one, json={f"{layer}Specification": {"id": chosen, "name": "another"}})
    assert (other.status_code, other.json()["code"]) == (422, "fixed")
    if layer == "resource":  # a draft may be thin where the document lets it
        draft = client.post(f"{base}/resourceCandidate", json={"name": "An idea"}).json()
        moved = [
            client.patch(f"{base}/resourceCandidate/{draft['id']}", json={"lifecycleStatus": status})
            for status in ("In design", "In test", "Active")
        ]
        assert [step.status_code for step in moved] == [200, 200, 422]
        assert moved[-1].json()["field"] == "/resourceSpecification"
