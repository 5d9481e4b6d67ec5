"""Each service and its customer as Prometheus reads them: what carries it, how strong it came in beside the plan."""

import re
import subprocess
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event
from sqlmodel import select

from satcom.app.service_metrics import RATIOS
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.values import Characteristic
from satcom.orchestration.plan import FlowState
from satcom.service.inventory import Service, ServicePath, terminate_service
from satcom.service.service_test import ServiceTest, latest_test
from tests.app.test_metrics import MANUAL, an_application, away
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation

PAGE = "/metrics/services"
Told = dict[tuple[str, ...], tuple[float, dict[str, str]]]


def told(http: TestClient, headers: dict[str, str]) -> Told:
    """Every sample by its name, its service and its direction, if any: its value and labels."""
    answer = http.get(PAGE, headers=headers)
    assert answer.status_code == 200, answer.text
    found: Told = {}
    for family in text_string_to_metric_families(answer.text):
        for one in family.samples:
            direction = [one.labels["direction"]] if "direction" in one.labels else []
            found[one.name, one.labels["service"], *direction] = one.value, one.labels
    return found


def labels_in_the_manual() -> dict[str, set[str]]:
    row = re.compile(r"^\| `(satcom_service_\w+)` \| \w+ \| ([^|]*)\|", re.MULTILINE)
    return {name: set(labels.replace(",", " ").split()) for name, labels in row.findall(MANUAL.read_text())}


def test_a_service_tells_its_customer_what_carries_it_and_how_strong_it_came_in(
    database: Database, tmp_path: Path
) -> None:
    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        assert told(http, noc) == {}, "nothing is in service yet"
        assert operation.advance(operation.order())[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            service = session.exec(select(Service).where(Service.state == "active")).one()
            path = session.exec(select(ServicePath).where(ServicePath.service_id == service.id)).one()
            test = latest_test(session, service.id)
            assert test is not None
            measured = {one.metric_name: one.value.value for one in test.test_measure}
            planned = {one.name: one.value for one in test.characteristic}
        with clock.at(path.start_at + timedelta(hours=1)):
            found = told(http, noc)
        info = found["satcom_service_info", service.id][1]
        assert info["customer"] == service.party_id
        assert info["customer_name"] == service.related_party[0].name
        assert (info["service_name"], info["constellation"]) == (service.name, "")
        assert info["satellite"]
        assert info["hub"]
        assert found["satcom_service_active", service.id][0] == 1
        assert found["satcom_service_tested_timestamp_seconds", service.id][0] == test.start_date_time.timestamp()
        for direction in ("forward", "return"):
            of_carrier = [found[f"satcom_service_{kind}_es_n0_decibels", service.id, direction][0] for kind in RATIOS]
            plan = f"planned{direction.capitalize()}"
            assert of_carrier == [
                measured[f"{direction}EsN0"],
                planned[f"{plan}EsN0"],
                planned[f"{plan}RequiredEsN0"],
            ]
        assert {name: set(labels) for (name, *_), (_, labels) in found.items()} == labels_in_the_manual()
        with clock.at(path.start_at - timedelta(hours=1)):
            assert told(http, noc)["satcom_service_info", service.id][1]["satellite"] == "", "nothing carries it yet"


def test_a_name_is_told_as_it_is_written_whatever_is_in_it(database: Database, tmp_path: Path) -> None:
    name = 'The "old" mine\nC:\\new, {north} Lualaba é'
    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        operation.advance(operation.order())
        with database.as_worker() as session:
            session.exec(select(Service)).one().name = name
        found = told(http, a_token(database, "noc"))
        assert [one["service_name"] for _, one in found.values() if "service_name" in one] == [name]


def test_a_reading_that_failed_is_left_out_and_the_rest_is_told(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        operation.advance(operation.order())
        with database.as_worker() as session:
            test = session.exec(select(ServiceTest)).one()
            test.test_measure = [
                one.model_copy(update={"value": Characteristic(name=one.metric_name)})
                if one.metric_name == "returnEsN0"
                else one
                for one in test.test_measure
            ]
            session.add(test)
        found = {key[0]: key[2] for key in told(http, a_token(database, "noc")) if "measured" in key[0]}
        assert found == {"satcom_service_measured_es_n0_decibels": "forward"}


def test_what_has_ended_is_told_no_more(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        operation.advance(operation.order())
        assert told(http, noc)
        with database.as_worker() as session:
            for service in session.exec(select(Service)).all():
                terminate_service(session, service.id, now())
        assert told(http, noc) == {}


def test_a_page_is_one_statement_however_many_services_there_are(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, in_stock=3) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        asked: list[str] = []
        event.listen(database.worker, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement))
        told(http, noc)
        few = len(asked)
        for _ in range(3):
            operation.advance(operation.order())
        asked.clear()
        assert len({key[1] for key in told(http, noc)}) == 3
        assert len(asked) == few <= 3


def test_names_and_units_are_those_that_prometheus_asks_for(database: Database) -> None:
    with an_application(database) as http:
        page = http.get(PAGE, headers=a_token(database, "noc")).text
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_customers_and_strangers_are_told_nothing_and_without_the_database_nobody_is(database: Database) -> None:
    with an_application(database) as http:
        noc = a_token(database, "noc")
        customer = a_token(database, "customer", "01a20dde-50a5-7470-b9fb-9e1c7f046cd7")
        assert http.get(PAGE, headers=customer).status_code == 403
        assert http.get(PAGE).status_code == 401
        assert told(http, noc) == {}
        with away(database):
            assert http.get(PAGE, headers=noc).status_code == 503
