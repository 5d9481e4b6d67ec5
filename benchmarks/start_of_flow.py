"""How soon a flow begins: from the answer to `POST productOrder` until its first task has begun, by kind of service.

The real server with its workers in the same process, the real flow and the simulated hub; one order after the other,
each after the one before has ended. The instant at which the task began is the one that stands in its row. The access
test of a lease is recorded as soon as the order waits for it.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import typer
from benchmarks.measured import Table, a_server, load, median_ms, percentile_ms, postgres_version, publish
from benchmarks.orders_per_second import AccessTests, bodies
from benchmarks.served import Hub, client, served
from sqlmodel import col, select

from satcom.core.database import Database
from satcom.core.values import Json
from satcom.market.ordering import ProductOrder
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation

NAME = "start_of_flow"
AIM_MS, WORKERS, WARM_UP, PORTS = 100, 4, 2, 1_000
LONGEST_S = 120.0


@dataclass(frozen=True)
class Timed:
    """One order, in seconds: its POST, from the answer to the first task, and to the end of the flow."""

    post_s: float
    start_s: float
    whole_s: float


def one_order(database: Database, http: httpx.Client, body: dict[str, Json], tests: AccessTests) -> Timed:
    sent = time.perf_counter()
    response = http.post(ProductOrder.api.path, json=body)
    answered, post_s = datetime.now(UTC), time.perf_counter() - sent
    response.raise_for_status()
    flow = _ended(database, response.json()["id"], tests)
    with database.as_worker() as session:
        begun = col(TaskFlow.started_at).is_not(None)
        first = session.exec(
            select(TaskFlow.started_at)
            .where(TaskFlow.process_flow_id == flow.id, begun)
            .order_by(col(TaskFlow.started_at))
        ).first()
    assert first is not None
    assert flow.finished_at is not None
    return Timed(post_s, (first - answered).total_seconds(), (flow.finished_at - answered).total_seconds())


def _ended(database: Database, order_id: str, tests: AccessTests) -> ProcessFlow:
    """Raises `RuntimeError` when the order is not delivered."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        with database.as_worker() as session:
            flow = session.exec(select(ProcessFlow).where(ProcessFlow.subject_id == order_id)).one()
        if flow.state is FlowState.COMPLETED:
            return flow
        if flow.state is FlowState.CANCELLED:
            raise RuntimeError(f"{flow.reference} was undone: {flow.cause}")
        tests.record()
        time.sleep(0.05)
    raise RuntimeError(f"{order_id} has not ended after {LONGEST_S:.0f} s")


def measured(database: Database, folder: Path, orders: int) -> dict[str, list[Timed]]:
    """By kind of service."""
    stock = 2 * (orders + WARM_UP)
    with an_operation(database, folder, in_stock=stock, ports=PORTS, pools=True) as operation:
        headers, hub = a_token(database, "administrator"), Hub(operation.hub.url, operation.hub.token)
        with served(database.url, hub, WORKERS) as address, client(address, headers) as http:
            tests = AccessTests(operation)
            return {
                kind: [one_order(database, http, body, tests) for _ in range(orders + WARM_UP)][WARM_UP:]
                for kind, body in bodies(operation).items()
            }


def main(orders: int = 30, write: bool = False) -> None:
    began = load()
    with a_server() as url, TemporaryDirectory(prefix="satcom-hub-") as folder:
        database = Database(url, 4)
        found = measured(database, Path(folder), orders)
        server = postgres_version(url)
        database.close()
    rows = [
        (kind, what, median_ms(taken_s), percentile_ms(taken_s, 95), max(taken_s) * 1000)
        for kind, timed in found.items()
        for what, taken_s in (
            ("POST, until it is answered", [one.post_s for one in timed]),
            ("from the answer to the first task", [one.start_s for one in timed]),
            ("from the answer to the service handed over and billed", [one.whole_s for one in timed]),
        )
    ]
    note = f"{orders} orders of each. Aim: {AIM_MS} ms median to the first task."
    table = Table("Start of the flow", ("kind", "what", "median, ms", "95th percentile, ms", "longest, ms"), rows, note)
    publish(NAME, f"python -m benchmarks.start_of_flow --orders {orders}", f"{server}; {began}", [table], write)


if __name__ == "__main__":
    typer.run(main)
