"""Orders completed in a second by two workers, each a process of its own, and where the time goes.

Twelve small database tasks by the engine; the same rows in the same transactions by hand-written SQL; and the real flow
from order to service with the simulated hub, for a link, an access over shared carriers, and a lease, whose access test
is recorded as soon as it is waited for. All orders wait in the queue before the clock starts, and
the workers have already done a few. Processor time counts workers and PostgreSQL: other than orders per second it
hardly depends on what else the machine does.
"""

import asyncio
import cProfile
import os
import pstats
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import cast

import psutil
import typer
from benchmarks.measured import Table, a_server, load, postgres_version, publish
from benchmarks.twelve_tasks import ask_for, by_hand, finished, lay_out_flows
from sqlmodel import col, select

from satcom.app import declarations
from satcom.app.worker import Worker
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.ordering import ProductOrder, place_order
from satcom.orchestration.engine import Engine
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskState
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.drivers.port import HubDriver
from tests.market.a_market import an_order_body
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.the_other_kinds import (
    ACCESS,
    a_lease_offered,
    an_access_offered,
    order_body,
    record_the_test,
)

NAME, WORKERS, AT_ONCE, WARM_UP = "orders_per_second", 2, 4, 8
PATIENCE_S, MOST_WAITS = 120.0, 5
SPAWN = get_context("spawn")  # as a worker on another host: nothing of this process is in it
PORTS = 1_000  # of each hub: the network is not what is measured
AIM_PER_SECOND = 50
SMALL_LINK = {"downlinkRateBps": 256_000, "uplinkRateBps": 128_000}
SMALL_ACCESS: dict[str, Json] = ACCESS | {
    "downlinkRateBps": 256_000,
    "uplinkRateBps": 128_000,
    "downlinkCommittedRateBps": 16_000,
    "uplinkCommittedRateBps": 8_000,
}
LEASED_HZ = 200_000
LINK = "order to service, link"


@dataclass(frozen=True)
class Measured:
    """One run: orders, seconds, and processor seconds of the workers and of PostgreSQL."""

    orders: int
    taken_s: float
    workers_s: float
    postgres_s: float

    @property
    def per_second(self) -> float:
        return self.orders / self.taken_s

    @property
    def processor_ms(self) -> float:
        """Of both together, for one order."""
        return (self.workers_s + self.postgres_s) / self.orders * 1000


def work(url: str, hub: tuple[str, str] | None) -> None:
    """A worker process: until it is terminated."""
    assert declarations.ROUTES  # importing it declared every plan and every listener
    database = Database(url, AT_ONCE + 2)
    driver = HubNmsDriver(*hub) if hub else cast(HubDriver, None)
    asyncio.run(Worker(database, Engine(database, driver), AT_ONCE).run())


def work_by_hand(url: str, together: Barrier) -> None:
    together.wait(PATIENCE_S)
    by_hand(url)


@contextmanager
def processes(target: Callable[..., None], *arguments: object) -> Iterator[list[int]]:
    """`WORKERS` of them, their ids; ended with the block."""
    started = [SPAWN.Process(target=target, args=arguments) for _ in range(WORKERS)]
    for one in started:
        one.start()
    try:
        yield [one.pid for one in started if one.pid is not None]
    finally:
        for one in started:
            one.terminate()
            one.join()


def processor_s(pids: Sequence[int]) -> float:
    """What these processes have computed until now, with the children that have ended."""
    times = [psutil.Process(pid).cpu_times() for pid in pids if psutil.pid_exists(pid)]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def postgres_pids() -> list[int]:
    """The server of this benchmark with all that serves its connections."""
    mine = psutil.Process(os.getpid())
    servers = [one for one in psutil.process_iter(["name", "cmdline"]) if _is_server_of(one, mine)]
    return [one.pid for server in servers for one in (server, *server.children())]


def _is_server_of(process: psutil.Process, mine: psutil.Process) -> bool:
    line = " ".join(process.info["cmdline"] or ())
    return "satcom-benchmark-" in line and process.create_time() >= mine.create_time() - 5


def nobody() -> None:
    """Nobody has to do anything for the orders."""


def run(
    database: Database,
    pids: Sequence[int],
    count: int,
    begin: Callable[[], object],
    meanwhile: Callable[[], object] = nobody,
) -> Measured:
    """From the moment at which all orders can be taken, when `begin` ends, until the last has ended."""
    wanted = finished(database) + count
    begin()
    before = processor_s(pids), processor_s(postgres_pids())
    began = time.perf_counter()
    while finished(database) < wanted:
        meanwhile()
        time.sleep(0.02)
        if time.perf_counter() - began > 30 + 5 * count:
            raise TimeoutError(f"{wanted - finished(database)} orders have not ended")
    taken_s = time.perf_counter() - began
    return Measured(count, taken_s, processor_s(pids) - before[0], processor_s(postgres_pids()) - before[1])


def by_engine(database: Database, count: int, repeats: int) -> list[Measured]:
    """Twelve small tasks each."""
    with processes(work, database.url, None) as pids:
        warm = lay_out_flows(database, WARM_UP)
        run(database, pids, WARM_UP, partial(ask_for, database, warm))
        found = []
        for _ in range(repeats):
            flows = lay_out_flows(database, count)
            found.append(run(database, pids, count, partial(ask_for, database, flows)))
    return found


def in_sql(database: Database, count: int, repeats: int) -> list[Measured]:
    """The same rows by hand. The processes begin together, when all are awake."""
    found = []
    for _ in range(repeats):
        ask_for(database, lay_out_flows(database, count))
        together = SPAWN.Barrier(WORKERS + 1)
        with processes(work_by_hand, database.url, together) as pids:
            found.append(run(database, pids, count, partial(together.wait, PATIENCE_S)))
    return found


def real_orders(
    database: Database, folder: Path, count: int, repeats: int
) -> tuple[dict[str, list[Measured]], dict[str, pstats.Stats]]:
    """The flow from order to service by kind, all orders placed in one transaction; and the profile of each."""
    stock = 2 * (count * (repeats + 1) + WARM_UP)
    with an_operation(database, folder, in_stock=stock, ports=PORTS, pools=True) as operation:
        kinds = bodies(operation)
        found, stats = {}, {}
        with processes(work, database.url, (operation.hub.url, operation.hub.token)) as pids:
            for name, body in kinds.items():
                tests = AccessTests(operation)
                run(database, pids, WARM_UP, partial(_place, operation, body, WARM_UP), tests.record)
                place = partial(_place, operation, body, count)
                found[name] = [run(database, pids, count, place, tests.record) for _ in range(repeats)]
        for name, body in kinds.items():
            _place(operation, body, count)
            stats[name] = profile_of(database, operation.driver, AccessTests(operation).record)
    _all_completed(database)
    return found, stats


def bodies(operation: Operation) -> dict[str, dict[str, Json]]:
    """An order of each kind of service, so small that there is room for all."""
    with operation.database.as_worker() as session:
        access, lease = an_access_offered(session), a_lease_offered(session)
    market = operation.market
    return {
        LINK: an_order_body(market, **SMALL_LINK),
        "order to service, shared access": order_body(market, access, **SMALL_ACCESS),
        "order to service, lease": order_body(market, lease, bandwidthHz=LEASED_HZ),
    }


class AccessTests:
    """The NOC, who records each access test as soon as an order waits for it."""

    def __init__(self, operation: Operation) -> None:
        self.operation, self.recorded = operation, set[str]()

    def record(self) -> None:
        waiting = select(ProcessFlow.subject_id).join(TaskFlow, col(TaskFlow.process_flow_id) == col(ProcessFlow.id))
        waiting = waiting.where(
            TaskFlow.task_flow_specification == "access_is_tested", TaskFlow.state == TaskState.ACTIVE
        )
        with self.operation.database.as_worker() as session:
            orders = set(session.exec(waiting)) - self.recorded
        for order_id in orders:
            record_the_test(self.operation, order_id)
        self.recorded |= orders


def _open_flows(database: Database) -> list[str]:
    with database.as_worker() as session:
        return list(session.exec(select(ProcessFlow.id).where(ProcessFlow.state == FlowState.ACTIVE)))


def _place(operation: Operation, body: dict[str, Json], count: int) -> None:
    with operation.database.as_worker() as session:
        for _ in range(count):
            place_order(session, from_body(ProductOrder, body), WORKER)


def _all_completed(database: Database) -> None:
    """An order that was undone would have been quicker. Raises `RuntimeError` naming the cause."""
    with database.as_worker() as session:
        undone = session.exec(select(ProcessFlow).where(ProcessFlow.state != FlowState.COMPLETED)).first()
        if undone is not None:
            raise RuntimeError(f"{undone.reference}: {undone.state}, {undone.cause}")


def profile_of(database: Database, hub: HubDriver, meanwhile: Callable[[], object] = nobody) -> pstats.Stats:
    """The engine alone on all open flows, in this process: what it computes, not what it waits for."""
    engine, profile = Engine(database, hub), cProfile.Profile(time.thread_time)
    for _ in range(MOST_WAITS):
        for flow_id in (open_flows := _open_flows(database)):
            profile.runcall(engine.advance, flow_id)
        if not open_flows:
            return pstats.Stats(profile)
        meanwhile()
    raise RuntimeError(f"{len(open_flows)} orders wait for something that nobody brings")


def costs(title: str, stats: pstats.Stats, orders: int) -> list[Table]:
    """Own time by the package that spent it, and the costliest functions of ours with all that they call."""
    entries = stats.stats  # type: ignore[attr-defined]
    own: dict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, own_s, _, _) in entries.items():
        own[_part(file, name)] += own_s
    whole_s = sum(own.values())
    parts = [
        (part, spent_s / orders * 1000, spent_s / whole_s * 100)
        for part, spent_s in sorted(own.items(), key=lambda one: -one[1])[:12]
    ]
    ours = [one for one in entries.items() if "/satcom/" in one[0][0]]
    functions = [
        (f"`{_module(file)}.{name}`", calls / orders, with_all_s / orders * 1000)
        for (file, _, name), (_, calls, _, with_all_s, _) in sorted(ours, key=lambda one: -one[1][3])[:16]
    ]
    return [
        Table(f"{title}: own time by part", ("part", "ms an order", "%"), parts, "With the profiler's own cost."),
        Table(
            f"{title}: our functions with all that they call", ("function", "calls an order", "ms an order"), functions
        ),
    ]


def _part(file: str, name: str) -> str:
    if "site-packages/" in file:
        return file.split("site-packages/")[1].split("/")[0]
    if "/satcom/" in file:
        return _module(file)
    return f"`{name}`" if "psycopg" in name or "wait" in name else "Python itself"


def _module(file: str) -> str:
    return file.split("/satcom/")[1].removesuffix(".py").replace("/", ".")


def middle(found: list[Measured]) -> Measured:
    return sorted(found, key=lambda one: one.per_second)[len(found) // 2]


def compared(cases: dict[str, list[Measured]]) -> Table:
    """One row for each case; what it computes in relation to the hand-written one."""
    reference_ms = median(one.processor_ms for one in cases["hand-written SQL"])
    rows = []
    for name, found in cases.items():
        one, processor_ms = middle(found), median(one.processor_ms for one in found)
        share = median(one.workers_s / (one.workers_s + one.postgres_s) for one in found) * 100
        rows.append((name, one.orders, one.per_second, processor_ms, share, processor_ms / reference_ms))
    columns = ("case", "orders", "orders/s", "processor, ms an order", "of it in the workers, %", "times by hand")
    note = f"Medians. Aim: {AIM_PER_SECOND} orders/s of twelve tasks, with two workers."
    return Table("Orders completed by two workers", columns, rows, note)


def main(orders: int = 100, real: int = 12, repeats: int = 3, write: bool = False) -> None:
    began = load()
    with a_server() as url, TemporaryDirectory(prefix="satcom-hub-") as folder:
        database = Database(url, 6)
        cases = {"twelve tasks, engine": by_engine(database, orders, repeats)}
        cases["hand-written SQL"] = in_sql(database, orders, repeats)
        flows = lay_out_flows(database, max(orders // 5, 1))
        tables = costs("Engine, twelve tasks", profile_of(database, cast(HubDriver, None)), len(flows))
        real_cases, stats = real_orders(database, Path(folder), real, repeats)
        cases |= real_cases
        tables = [compared(cases), *tables]
        for name, profile in stats.items():
            tables += costs(name.capitalize(), profile, real)
        command = f"python -m benchmarks.orders_per_second --orders {orders} --real {real}"
        server = postgres_version(url)
        database.close()
    publish(NAME, command, f"{server}; {began}", tables, write)


if __name__ == "__main__":
    typer.run(main)
