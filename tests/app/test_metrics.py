"""What Prometheus reads: how many orders stand where, what waits for whom, and how the program itself fares."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from sqlalchemy import event, make_url, text

from satcom.app.business_metrics import OPEN_TASKS
from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.wave import Phase
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation
from tests.postgres_server import run_sql

MANUAL = Path(__file__).parents[2] / "docs" / "operation.md"
Series = dict[tuple[str, ...], float]


def scraped(http: TestClient, headers: dict[str, str]) -> Series:
    """Every sample by its name and the values of its labels."""
    answer = http.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Nobody can reach the database within the block."""
    name = make_url(database.url).database or ""
    maintenance = make_url(database.url).set(database="postgres")

    def let_in(allowed: bool) -> None:
        change = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.Literal(allowed))
        run_sql(maintenance, change)

    let_in(False)
    kill = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
    run_sql(maintenance, kill.format(sql.Literal(name)))
    try:
        yield
    finally:
        let_in(True)


def test_orders_waits_holds_and_the_queue_are_counted(database: Database, tmp_path: Path) -> None:
    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("prepare_activation", "call"):
            raise ZeroDivisionError("a bug")

    def break_before(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("price_the_order", "call"):
            raise ZeroDivisionError("a bug")

    with an_operation(database, tmp_path, in_stock=1) as operation, TestClient(create_app(database)) as http:
        noc = a_token(database, "noc")
        at_first = scraped(http, noc)
        assert at_first["satcom_orders", "acknowledged"] == 0
        assert (at_first["satcom_database_up",], at_first["satcom_queue_oldest_job_seconds",]) == (1, 0)
        held, waiting, early = operation.order(), operation.order(), operation.order()
        operation.order(latitudeDeg=8.517, longitudeDeg=-8.9)
        operation.advance(held, break_down)
        operation.advance(waiting)
        operation.advance(early, break_before)
        found = scraped(http, noc)
        assert found["satcom_orders", "held"] == 2
        assert found["satcom_orders", "acknowledged"] == 2
        assert found["satcom_waits", "supply"] == 1
        assert found["satcom_tasks_open", "wait", "active"] == 1
        assert found["satcom_tasks_open", "database", "hold"] == 2
        assert found["satcom_tasks_held", "noc"] == 2
        assert found["satcom_reservations_held",] == 1, "only the one that is not priced is not assigned"
        assert found["satcom_queue_jobs", "waiting"] == 4, "no worker has fetched them"
        assert found["satcom_queue_jobs", "running"] == 0
        assert 0 < found["satcom_queue_oldest_job_seconds",] < 600
        assert found["satcom_task_seconds_count", "bug", "prepare_activation"] >= 1


def test_a_scrape_asks_a_few_counts_however_many_orders_there_are(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, TestClient(create_app(database)) as http:
        noc = a_token(database, "noc")
        asked: list[str] = []
        event.listen(database.worker, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement))
        scraped(http, noc)
        few = len(asked)
        for _ in range(5):
            operation.order()
        asked.clear()
        scraped(http, noc)
        assert len(asked) == few <= 6
        with database.as_worker() as session:
            session.connection().execute(text("SET LOCAL enable_seqscan = off"))
            plan = session.connection().execute(text(f"EXPLAIN {OPEN_TASKS.text}")).scalars().all()
        assert "task_flow_open" in "".join(plan), "counted from an index that holds open tasks only"


def test_a_scrape_survives_that_the_database_is_away(database: Database) -> None:
    with TestClient(create_app(database), raise_server_exceptions=False) as http:
        noc, sales = a_token(database, "noc"), a_token(database, "sales")
        assert scraped(http, noc)["satcom_database_up",] == 1
        with away(database):
            found = scraped(http, noc)
            assert found["satcom_database_up",] == 0
            assert not any(name[0] == "satcom_orders" for name in found)
            assert found["satcom_http_requests_total", "GET", "/metrics", "200"] >= 1
            for headers in (sales, {}, {"Authorization": "Bearer another"}):
                assert http.get("/metrics", headers=headers).status_code == 503
            assert http.get("/health").status_code == 503
        assert scraped(http, noc)["satcom_orders", "held"] == 0


@pytest.mark.parametrize(("role", "status"), [("noc", 200), ("administrator", 200), ("customer", 403), (None, 401)])
def test_the_numbers_of_the_operator_are_not_for_everybody(database: Database, role: str | None, status: int) -> None:
    with TestClient(create_app(database)) as http:
        party = "01a20dde-50a5-7470-b9fb-9e1c7f046cd7" if role == "customer" else None
        headers = a_token(database, role, party) if role else {}
        assert http.get("/metrics", headers=headers).status_code == status


def test_the_manual_lists_every_metric_and_no_other(database: Database) -> None:
    with TestClient(create_app(database)) as http:
        told = http.get("/metrics", headers=a_token(database, "noc")).text
    served = {one for one in re.findall(r"^# TYPE (\w+) ", told, re.MULTILINE) if not one.endswith("_created")}
    listed = set(re.findall(r"^\| `(satcom_\w+)`", MANUAL.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == served
