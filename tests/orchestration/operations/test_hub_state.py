"""Drift: what the hub holds of a service beside what it was told."""

from pathlib import Path

from fastapi.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.market.ordering import ProductOrder
from satcom.service.inventory import Service, service_of_order
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation

PATH = "/satcom-api/service/v1/hubState"


def delivered(operation: Operation) -> str:
    order_id = operation.order()
    operation.advance(order_id)
    with operation.database.as_worker() as session:
        service = service_of_order(session, order_id)
        assert service is not None
        return service.id


def test_what_somebody_changed_at_the_hub_is_told_field_by_field(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        service_id = delivered(operation)
        api = TestClient(create_app(database, operation.driver), headers=a_token(database, "noc"))
        before = api.get(PATH, params={"serviceId": service_id}).json()
        assert (before["differences"], before["wouldSend"]) == ([], [])
        with operation.hub.client() as hub:
            plan = hub.get(f"/v1/plans/{service_id}-plan").json()
            changed = {key: value for key, value in plan.items() if key not in ("id", "revision")}
            headers = {"Idempotency-Key": "by hand"}
            body = changed | {"forward_cir_bps": 0}
            hub.put(f"/v1/plans/{service_id}-plan", json=body, headers=headers).raise_for_status()
        after = api.get(PATH, params={"serviceId": service_id}).json()
        assert [(one["kind"], one["field"]) for one in after["differences"]] == [("plan", "forward_cir_bps")]
        assert [one["method"] for one in after["wouldSend"]] == ["PUT"]


def test_a_service_is_meant_by_its_id_its_name_or_its_order(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        service_id = delivered(operation)
        with database.as_worker() as session:
            service = session.get_one(Service, service_id)
            order = session.get_one(ProductOrder, service.order_id)
        api = TestClient(create_app(database, operation.driver), headers=a_token(database, "noc"))
        for name in (service_id, service.name, order.id, order.reference):
            assert api.get(PATH, params={"serviceId": name}).json()["serviceId"] == service_id, name
        undelivered = operation.order()
        unknown = api.get(PATH, params={"serviceId": undelivered})
        assert (unknown.status_code, unknown.json()["field"]) == (404, "serviceId")
        assert "the reference or id of its order" in unknown.json()["fault"][0]["accepted"]
        operation.advance(undelivered)
        with database.as_worker() as session:
            twin = service_of_order(session, undelivered)
            assert twin is not None
            twin.name = service.name
        both = api.get(PATH, params={"serviceId": service.name})
        assert (both.status_code, both.json()["code"]) == (422, "severalServices")
        assert {service_id, twin.id} == set(both.json()["fault"][0]["accepted"].split(", "))


def test_who_may_not_read_the_network_is_not_told_and_a_hub_that_is_away_is_said(
    database: Database, tmp_path: Path
) -> None:
    with an_operation(database, tmp_path) as operation:
        service_id = delivered(operation)
        app = create_app(database, operation.driver)
        asked = {"serviceId": service_id}
        assert TestClient(app, headers=a_token(database, "finance")).get(PATH, params=asked).status_code == 403
        noc = TestClient(app, headers=a_token(database, "noc"))
        assert noc.get(PATH, params={"serviceId": "none"}).status_code == 404
        alone = TestClient(create_app(database), headers=a_token(database, "noc"))
        assert alone.get(PATH, params=asked).status_code == 503
