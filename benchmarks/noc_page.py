"""How soon the boards of the NOC are there: every query of a board, asked of the real Prometheus as a browser asks.

The operator has 100,000 orders that wait and 10,000 services, each with a customer and a test; the server is scraped
and the rules are judged as shipped, but each second, so that a few minutes of history are there soon; the services,
whose page is megabytes, every half minute.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import typer
from benchmarks.measured import Row, Table, a_server, load, median_ms, percentile_ms, postgres_version, publish, seconds
from benchmarks.served import client, served
from benchmarks.waiting_orders import copied, copy_rows, waiting
from sqlalchemy import Connection, create_engine, text
from sqlmodel import select

from satcom.core.database import Database
from satcom.orchestration.plan import ProcessFlow
from satcom.service.inventory import Service, ServicePath
from satcom.service.service_test import ServiceTest
from tests.deploy.prometheus_process import DEPLOY, PATIENCE_S, Prometheus, a_prometheus, configured, free_port, until
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation
from tests.orchestration.operations.the_other_kinds import a_lease_ordered

NAME, REPEATS, HISTORY_S, BROWSER = "noc_page", 20, 180, 6
AIM_MS: Final = 2000
SERVICES_EACH_S: Final = 30
PAGES = ("/metrics", "/metrics/services")


def one_delivered_others_waiting(database: Database, folder: Path) -> tuple[str, list[ProcessFlow]]:
    """The id of a service that an order delivered, and the plans of orders that wait."""
    with an_operation(database, folder, in_stock=1) as operation:
        operation.advance(operation.order())
        flows = waiting(operation, operation.order(), a_lease_ordered(operation))
    with database.as_worker() as session:
        return session.exec(select(Service.id).where(Service.state == "active")).one(), flows


def serviced(connection: Connection, service_id: str, services: int) -> None:
    """So many services alike, each with its path and its test."""
    numbers = {"first": 1, "last": services, "step": 1}
    mine = "md5('service' || number)::uuid"
    own = {"id": mine, "order_id": "md5('of' || number)::uuid", "name": "'Link ' || number"}
    copy_rows(connection, Service, own, numbers | {"id": service_id})
    for kind in (ServicePath, ServiceTest):
        part = {"id": "md5(one.id::text || number)::uuid", "service_id": mine}
        copy_rows(connection, kind, part, numbers | {"service_id": service_id})
    connection.execute(text("ANALYZE service, service_path, service_test"))


@contextmanager
def watched(folder: Path, address: str, token: str) -> Iterator[Prometheus]:
    port = int(address.rsplit(":", 1)[1])
    configuration = configured(folder, (port, free_port()), free_port(), token)
    text_of = configuration.read_text(encoding="utf-8")
    often, seldom = (
        "scrape_interval: 1s",
        f"scrape_interval: {SERVICES_EACH_S}s\n    scrape_timeout: {SERVICES_EACH_S}s",
    )
    before, job, after = text_of.partition("job_name: satcom-services")  # a page of megabytes takes more than a second
    configuration.write_text(f"{before}{job}{after.replace(often, seldom, 1)}", encoding="utf-8")
    with a_prometheus(folder, configuration) as prometheus:
        until(lambda: bool(prometheus.ask("satcom_service_info")), "the services", 2 * SERVICES_EACH_S + PATIENCE_S)
        time.sleep(HISTORY_S)
        yield prometheus


def boards() -> dict[str, list[tuple[str, bool]]]:
    """Of each board every expression, and whether it is drawn over time."""
    found = {}
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        targets = [one for panel in board["panels"] for one in panel.get("targets", [])]
        found[board["title"]] = [(one["expr"], bool(one.get("range"))) for one in targets]
    return found


def open_board(prometheus: Prometheus, queries: list[tuple[str, bool]]) -> None:
    """Ask all of it, as many at once as a browser does."""
    now = time.time()

    def ask(query: tuple[str, bool]) -> None:
        expression, over_time = query
        asked = {"query": expression}
        if over_time:
            asked |= {"start": f"{now - HISTORY_S:.0f}", "end": f"{now:.0f}", "step": "1"}
        path = "/api/v1/query_range" if over_time else "/api/v1/query"
        http.get(path, params=asked).raise_for_status()

    with httpx.Client(base_url=prometheus.url, timeout=60, trust_env=False) as http, ThreadPoolExecutor(BROWSER) as at:
        list(at.map(ask, queries))


def measured(database: Database, folder: Path, orders: int, services: int) -> list[Table]:
    service_id, flows = one_delivered_others_waiting(database, folder)
    engine = create_engine(database.url)
    with engine.begin() as connection:
        copied(connection, flows, 1, orders)
        serviced(connection, service_id, services)
    engine.dispose()
    headers = a_token(database, "noc")
    scrapes: list[Row] = []
    with served(database.url) as address:
        with client(address, headers) as http:
            for page in PAGES:
                answers = [http.get(page).raise_for_status() for _ in range(REPEATS)]
                taken_s = [one.elapsed.total_seconds() for one in answers]
                scrapes.append((page, len(answers[-1].content) // 1024, median_ms(taken_s), max(taken_s) * 1000))
        with watched(folder, address, headers["Authorization"].removeprefix("Bearer ")) as prometheus:
            opened: list[Row] = []
            for board, queries in boards().items():
                shown_s = [seconds(lambda queries=queries: open_board(prometheus, queries)) for _ in range(REPEATS)]  # type: ignore[misc]
                opened.append((board, len(queries), median_ms(shown_s), percentile_ms(shown_s, 95)))
    note = f"Aim: {AIM_MS} ms. {HISTORY_S} seconds of history, a sample each second; {BROWSER} queries at once."
    return [
        Table("Boards", ("board", "queries", "median, ms", "95th percentile, ms"), opened, note),
        Table("Scrapes", ("page", "KiB", "median, ms", "longest, ms"), scrapes),
    ]


def main(orders: int = 100_000, services: int = 10_000, write: bool = False) -> None:
    began = load()
    with a_server() as url, TemporaryDirectory(prefix="satcom-noc-") as folder:
        database = Database(url, 4)
        tables = measured(database, Path(folder), orders, services)
        server = postgres_version(url)
        database.close()
    command = f"python -m benchmarks.{NAME} --orders {orders} --services {services}"
    publish(NAME, command, f"{server}; {began}", tables, write)


if __name__ == "__main__":
    typer.run(main)
