"""What Prometheus reads: how many orders stand where, what waits for whom, and how the program itself fares."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from sqlalchemy import event, make_url, text

from satcom.app.business_metrics import Scrapes
from satcom.app.capacity_metrics import PARTS
from satcom.app.http import METHODS, create_app
from satcom.app.order_metrics import AGES, OPEN_STATES, OPEN_TASKS
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.wave import Phase
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation
from tests.postgres_server import run_sql
from tests.resource.test_constellation_share import a_ring

MANUAL = Path(__file__).parents[2] / "docs" / "monitoring.md"
CAPACITY = frozenset(
    {"satcom_transponder_bandwidth_hertz", "satcom_transponder_power_equivalent_hertz", "satcom_hub_ports"}
    | {"satcom_stock_terminals"}
)
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
def an_application(database: Database, keep_s: float = 0) -> Iterator[TestClient]:
    """One that counts anew at each scrape, unless told to keep what it counted."""
    app = create_app(database)
    app.state.scrapes = Scrapes(database, keep_s)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield http


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

    with an_operation(database, tmp_path, in_stock=1) as operation, an_application(database) as http:
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
        assert found["satcom_orders", "held"] >= 2, "one broke, one waits for its terminal"
        assert found["satcom_orders", "held"] + found["satcom_orders", "acknowledged"] == 4
        assert found["satcom_waits", "supply"] == 1
        assert found["satcom_tasks_open", "wait", "active"] == 1
        assert found["satcom_tasks_open", "database", "hold"] == 2
        assert found["satcom_tasks_held", "noc"] == 2
        assert found["satcom_reservations", "held"] == 1, "only the one that is not priced is not assigned"
        assert found["satcom_reservations", "completed"] == 2
        assert found["satcom_reservation_next_expiry_timestamp_seconds",] > now().timestamp()
        assert found["satcom_queue_jobs", "waiting"] == 4, "no worker has fetched them"
        assert found["satcom_queue_jobs", "running"] == 0
        assert 0 < found["satcom_queue_oldest_job_seconds",] < 600
        assert found["satcom_task_seconds_count", "bug", "prepare_activation"] >= 1


def test_a_scrape_asks_a_few_counts_however_many_orders_there_are(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        asked: list[str] = []
        event.listen(database.worker, "before_cursor_execute", lambda _, __, statement, *___: asked.append(statement))
        scraped(http, noc)
        few = len(asked)
        for _ in range(5):
            operation.order()
        asked.clear()
        scraped(http, noc)
        assert len(asked) == few <= 15, "a limit, and one for each family"
        with database.as_worker() as session:
            session.connection().execute(text("SET LOCAL enable_seqscan = off"))
            plan = session.connection().execute(text(f"EXPLAIN {OPEN_TASKS.text}"), {"now": now()}).scalars().all()
        assert "task_flow_open" in "".join(plan), "counted from an index that holds open tasks only"


def test_an_old_order_and_a_wait_that_is_late_show_by_the_business_clock(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, in_stock=0) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        operation.advance(operation.order())
        assert scraped(http, noc)["satcom_orders_open", AGES[0], "held"] == 1
        assert scraped(http, noc)["satcom_waits_overdue", "supply"] == 0
        with clock.at(now() + timedelta(days=40)):
            late = scraped(http, noc)
        assert (late["satcom_orders_open", AGES[0], "held"], late["satcom_orders_open", AGES[-1], "held"]) == (0, 1)
        assert (late["satcom_waits", "supply"], late["satcom_waits_overdue", "supply"]) == (1, 1)


def test_what_an_order_takes_of_the_fleet_is_missing_from_what_is_free(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, in_stock=2) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        before = scraped(http, noc)
        operation.advance(operation.order())
        start = now() + timedelta(days=120)
        with clock.at(start):
            after = scraped(http, noc)
        for family in ("satcom_transponder_bandwidth_hertz", "satcom_transponder_power_equivalent_hertz"):
            moved = {key: after[key] - before[key] for key in before if key[0] == family}
            taken = {key: hertz for key, hertz in moved.items() if key[2] == "assigned" and hertz}
            assert 1 <= len(taken) <= 2, "both carriers, on one transponder or two"
            assert sum(taken.values()) > 0
            for (_, satellite, _, transponder), hertz in taken.items():
                assert moved[family, satellite, "free", transponder] == -hertz
            assert sum(moved.values()) == 0
        ports = {
            key[2]: after[key] - before[key]
            for key in before
            if key[0] == "satcom_hub_ports" and after[key] != before[key]
        }
        assert ports == {"assigned": 1, "free": -1}
        shelf = {
            key[3]: after[key] - before[key]
            for key in before
            if key[0] == "satcom_stock_terminals" and after[key] != before[key]
        }
        assert shelf == {"inStock": -1}, "it has left for the site"


def test_a_hold_that_ran_out_takes_nothing_though_nobody_has_swept(database: Database, tmp_path: Path) -> None:
    def break_before(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("price_the_order", "call"):
            raise ZeroDivisionError("a bug")

    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        operation.advance(operation.order(), break_before)
        held = {key: value for key, value in scraped(http, noc).items() if "held" in key and value}
        assert {key[0] for key in held} >= {"satcom_reservations", "satcom_stock_terminals"}
        with clock.at(now() + timedelta(days=200)):
            later = scraped(http, noc)
        assert not [key for key, value in later.items() if key[0] in CAPACITY and "held" in key and value]


def test_what_was_counted_is_told_again_for_some_seconds(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, an_application(database, keep_s=60) as http:
        noc = a_token(database, "noc")
        first = scraped(http, noc)
        operation.order()
        again = scraped(http, noc)
        assert again["satcom_orders", "acknowledged"] == first["satcom_orders", "acknowledged"] == 0
        assert again["satcom_http_requests_total", "GET", "/metrics", "200"] > 0, (
            "what this process counts is never old"
        )


def test_the_label_sets_are_bounded(database: Database, tmp_path: Path) -> None:
    """By states, owners, routes and the fleet; never by orders, customers or what a caller sends."""
    with an_operation(database, tmp_path) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        first = {key for key in scraped(http, noc) if not key[0].startswith(("satcom_http", "satcom_task_"))}
        for _ in range(3):
            operation.advance(operation.order())
        for path in ("/nowhere", "/nowhere/else", "/tmf-api/x"):
            http.request("BREW", path, headers=noc)
            http.get(path, headers=noc)
        found = scraped(http, noc)
        new = {key for key in found if not key[0].startswith(("satcom_http", "satcom_task_"))} - first
        assert {key[0] for key in new} <= {
            "satcom_waits",
            "satcom_waits_overdue",
            "satcom_waits_escalated",
            "satcom_tasks_open",
            "satcom_tasks_held",
        }
        assert {key[1] for key in new} <= {"supply", "planning", "noc", "wait", "outside", "database"}
        assert {key[2] for key in found if key[0] == "satcom_orders_open"} == {one.value for one in OPEN_STATES}
        assert {key[2] for key in found if key[0] == "satcom_hub_ports"} == set(PARTS)
        requests = [key for key in found if key[0] == "satcom_http_requests_total"]
        assert {key[1] for key in requests} <= METHODS | {"other"}
        assert not [key for key in requests if "nowhere" in key[2] or key[2].startswith("/tmf-api/x")]


def test_names_and_units_are_those_that_prometheus_asks_for(database: Database) -> None:
    with an_application(database) as http:
        text_of = http.get("/metrics", headers=a_token(database, "noc")).text
    done = subprocess.run(["promtool", "check", "metrics"], input=text_of, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_scrape_survives_that_the_database_is_away(database: Database) -> None:
    with an_application(database) as http:
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


def described(told: str) -> dict[str, tuple[str, str]]:
    """Type and help of every metric by its name."""
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", told, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\w+) (.+)$", told, re.MULTILINE))
    return {name: (kind, helps[name]) for name, kind in types.items() if not name.endswith("_created")}


def test_the_manual_lists_every_metric_with_its_type_and_meaning_and_no_other(database: Database) -> None:
    with an_application(database) as http:
        noc = a_token(database, "noc")
        served = described("".join(http.get(page, headers=noc).text for page in ("/metrics", "/metrics/services")))
    row = re.compile(r"^\| `(satcom_\w+)` \| (\w+) \| [^|]*\| (.+) \|$", re.MULTILINE)
    listed = {name: (kind, help_text) for name, kind, help_text in row.findall(MANUAL.read_text(encoding="utf-8"))}
    assert listed == served


def test_the_manual_lists_the_labels(database: Database, tmp_path: Path) -> None:
    row = re.compile(r"^\| `(satcom_\w+)` \| \w+ \| ([^|]*)\|", re.MULTILINE)
    listed = {name: set(labels.replace(",", " ").split()) for name, labels in row.findall(MANUAL.read_text())}
    with an_operation(database, tmp_path, in_stock=0, pools=True) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        http.get("/health")
        operation.advance(operation.order())
        with database.as_worker() as session:
            a_ring(session)
        families = list(text_string_to_metric_families(http.get("/metrics", headers=noc).text))
    found = {
        family.name + ("_total" if family.type == "counter" else ""): set(sample.labels) - {"le"}
        for family in families
        for sample in family.samples
        if not family.name.endswith("_created")
    }
    assert len(found) > 20
    assert {name: listed[name] for name in found} == found
