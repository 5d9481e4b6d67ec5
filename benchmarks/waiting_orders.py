"""Many orders that wait: what they cost the sweep, the start of the server, and who looks at them.

One order of each kind is placed and carried to its wait: a link and an access wait for a terminal, a lease for its
access test. The others are copies of their rows, each with an id, a reference and a plan of its own. A sweep runs every
few seconds on every host, so it must not cost more when more orders wait.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import typer
from benchmarks.measured import Row, Table, a_server, load, median_ms, postgres_version, publish, seconds
from benchmarks.served import client, served
from sqlalchemy import Connection, create_engine, text
from sqlmodel import Session

from satcom.app import declarations
from satcom.app.worker import DEAD_AFTER_S
from satcom.core.database import Database
from satcom.core.entity import Entity
from satcom.market.ordering import ProductOrder
from satcom.orchestration.escalation import escalate_due
from satcom.orchestration.plan import ProcessFlow, TaskFlow
from satcom.orchestration.sweep import AT_ONCE, take_up_lost, wake_due
from satcom.orchestration.waits import PATH
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.the_other_kinds import a_lease_ordered, an_access_ordered

NAME, REPEATS, WORKERS = "waiting_orders", 5, 2
METRICS = "/metrics"
_ID = "md5({whose} || number)::uuid"
_REFERENCE = "'PO-2025-' || lpad(number::text, 6, '0')"


def one_of_each_that_waits(database: Database, folder: Path) -> list[ProcessFlow]:
    """The plans of orders of which nobody has the terminal in stock, and of a lease."""
    with an_operation(database, folder, in_stock=0, pools=True) as operation:
        return waiting(operation, operation.order(), an_access_ordered(operation), a_lease_ordered(operation))


def waiting(operation: Operation, *order_ids: str) -> list[ProcessFlow]:
    """The plans of these orders, carried to their waits."""
    advanced = [operation.advance(one) for one in order_ids]
    for flow, tasks in advanced:
        if flow.state != "active" or not any(task.state == "active" for task in tasks.values()):
            raise RuntimeError(f"the order does not wait: {flow.state}, {flow.cause}")
    return [flow for flow, _ in advanced]


def copied(connection: Connection, flows: list[ProcessFlow], first: int, last: int) -> None:
    """Orders `first` to `last`, the kinds in turns, each with its plan."""
    for turn, flow in enumerate(flows):
        _copy_order(connection, flow, {"first": first + turn, "last": last, "step": len(flows)})
    connection.execute(text("ANALYZE product_order, process_flow, task_flow"))


def _copy_order(connection: Connection, flow: ProcessFlow, numbers: dict[str, Any]) -> None:
    order_id, flow_id = _ID.format(whose="'order'"), _ID.format(whose="'flow'")
    copy_rows(connection, ProductOrder, {"id": order_id, "reference": _REFERENCE}, numbers | {"id": flow.subject_id})
    plan = {"id": flow_id, "subject_id": order_id, "reference": _REFERENCE}
    copy_rows(connection, ProcessFlow, plan, numbers | {"id": flow.id})
    task = {"id": _ID.format(whose="one.id::text"), "process_flow_id": flow_id}
    copy_rows(connection, TaskFlow, task, numbers | {"process_flow_id": flow.id})


def copy_rows(connection: Connection, kind: type[Entity], other: dict[str, str], of: dict[str, Any]) -> None:
    table = kind.__table__  # type: ignore[attr-defined]
    names = [column.name for column in table.columns]
    values = ", ".join(other.get(name, f"one.{name}") for name in names)
    which = next(name for name in of if name.endswith("id"))
    numbers = "generate_series(CAST(:first AS int), CAST(:last AS int), CAST(:step AS int)) number"
    rows = f"FROM {table.name} one, {numbers} WHERE one.{which} = CAST(:{which} AS uuid)"
    connection.execute(text(f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} {rows}"), of)


def taken_ms(database: Database, what: Callable[[Session], object]) -> float:
    def once() -> None:
        with database.as_worker("sweep") as session:
            what(session)

    return median_ms([seconds(once) for _ in range(REPEATS)])


def due(connection: Connection, count: int) -> None:
    """What `count` of them wait for should be there by now."""
    some = "SELECT id FROM task_flow WHERE state = 'active' AND kind = 'wait' AND expected_at IS NOT NULL LIMIT :count"
    connection.execute(
        text(f"UPDATE task_flow SET expected_at = now() - interval '1 hour' WHERE id IN ({some})"), {"count": count}
    )


def costs(database: Database, headers: dict[str, str], waiting: int) -> Row:
    sweep = [
        taken_ms(database, wake_due),
        taken_ms(database, escalate_due),
        taken_ms(database, partial(take_up_lost, dead_after=timedelta(seconds=DEAD_AFTER_S))),
    ]
    began = time.perf_counter()
    with served(database.url, workers=WORKERS) as address, client(address, headers) as http:
        start_s = time.perf_counter() - began
        pages = [http.get(one) for one in (METRICS, f"{PATH}?limit=100") for _ in range(REPEATS)]
    for page in pages:
        page.raise_for_status()
    metrics, listed = (
        median(page.elapsed.total_seconds() * 1000 for page in part) for part in (pages[:REPEATS], pages[REPEATS:])
    )
    return (waiting, *sweep, start_s, metrics, listed)


def measured(database: Database, folder: Path, orders: int) -> tuple[list[Row], float]:
    """What they cost a hundredth of them and all of them, and the seconds that it takes to wake many."""
    engine, flows = create_engine(database.url), one_of_each_that_waits(database, folder)
    headers = a_token(database, "administrator")
    rows, there = [], 0
    for wanted in (orders // 100, orders):
        with engine.begin() as connection:
            copied(connection, flows, there + 1, wanted)
        there = wanted
        rows.append(costs(database, headers, wanted))
    with engine.begin() as connection:
        due(connection, AT_ONCE)
    engine.dispose()
    with database.as_worker("sweep") as session:
        return rows, seconds(partial(wake_due, session))


def main(waiting: int = 100_000, write: bool = False) -> None:
    assert declarations.ROUTES
    began = load()
    with a_server() as url, TemporaryDirectory(prefix="satcom-hub-") as folder:
        database = Database(url, 4)
        rows, wake_s = measured(database, Path(folder), waiting)
        server = postgres_version(url)
        database.close()
    columns = (
        "orders that wait",
        "sweep: wake, ms",
        "escalate, ms",
        "take over, ms",
        "start of server and workers, s",
        "/metrics, ms",
        "100 waits, ms",
    )
    woken = f"To wake {AT_ONCE} of {waiting:,} takes {wake_s * 1000:.0f} ms."
    note = f"A third of each kind of service. Nothing is due in these. {woken}"
    command = f"python -m benchmarks.{NAME} --waiting {waiting}"
    publish(NAME, command, f"{server}; {began}", [Table("Orders that wait", columns, rows, note)], write)


if __name__ == "__main__":
    typer.run(main)
