"""A whole installation in processes of its own: PostgreSQL, hub simulator, server and workers, all of which may die.

Somebody watches over it, as an init system would: whatever has died is started again at its old address.
"""

import math
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlmodel import select

from satcom.app import declarations
from satcom.app.simulated_hub import fleet_of
from satcom.core import embedded_postgres, migration
from satcom.core.database import Database
from satcom.resource.hub import Hub
from tests.crash import killable
from tests.crash.killable import FOLDER
from tests.crash.points import Points
from tests.house.checkout import ROOT
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.prepared_process import PreparedProcess, Running, started_from_nothing
from tests.simulators.hub_nms_process import HubNmsProcess
from tests.simulators.partner_process import PartnerProcess, partner_process

STUCK = (
    "SELECT now()",
    "SELECT status, worker_id, scheduled_at, args FROM procrastinate_jobs",
    "SELECT id, last_heartbeat FROM procrastinate_workers",
    "SELECT f.reference, f.state, t.task_flow_specification, t.state, t.undo_state, t.attempts, t.lease_until,"
    " t.wake_at, t.fault FROM task_flow t JOIN process_flow f ON f.id = t.process_flow_id"
    " WHERE f.state IN ('active', 'hold') AND (t.state IN ('active', 'hold') OR t.attempts > 0 OR t.fault IS NOT NULL)"
    " ORDER BY f.reference, t.position",
)
POSTGRES, HUB, PARTNER, SERVER = "PostgreSQL", "hub simulator", "partner simulator", "server"
PORTS = 400
START_S = 60.0  # a process that is started while there is no database ends, and is started again


@dataclass
class Program:
    """One `satcom` process and its log."""

    command: str
    log: Path
    surroundings: Mapping[str, str]
    process: Running = field(init=False)
    started_at: float = 0.0

    def start(self) -> None:
        self.started_at = time.monotonic()
        surroundings = dict(os.environ) | dict(self.surroundings)
        if "LD_PRELOAD" in surroundings:
            command = ["-m", "tests.crash.killable", self.command]
            self.process = started_from_nothing(command, surroundings, self.log, ROOT)
        else:
            self.process = PreparedProcess(killable.main, ["satcom", self.command], surroundings, self.log, ROOT)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Installation:
    """What runs, and how often each of it was killed. `ended` holds what ended without being killed."""

    def __init__(
        self,
        operation: Operation,
        folder: Path,
        data_dir: Path,
        workers: int = 2,
        server_works: bool = True,
        further: Mapping[str, str] | None = None,
        partner: PartnerProcess | None = None,
    ) -> None:
        self.operation, self.data_dir, self._partner = operation, data_dir, partner
        self.points = Points(folder / "points")
        self.points.want({}, 0)
        self.port = _free_port()
        self.headers = a_token(operation.database, "administrator")
        self.killed: Counter[str] = Counter()
        self.back_at = 0.0
        self.ended: list[str] = []
        surroundings = {
            "SATCOM_DATABASE_URL": operation.database.url,
            "SATCOM_PORT": str(self.port),
            "SATCOM_HUB_NMS_URL": operation.hub.url,
            "SATCOM_HUB_NMS_TOKEN": operation.hub.token,
            "SATCOM_WORKERS": "2" if server_works else "0",
            "SATCOM_DATABASE_CONNECTIONS": "8",
            "SATCOM_LOG_JSON": "false",
            FOLDER: str(self.points.folder),
            **({"SATCOM_PARTNER_TOKENS": partner.tokens} if partner is not None else {}),
            **(further or {}),
        }
        self.programs = {SERVER: Program("serve", folder / "server.log", surroundings)}
        surroundings = surroundings | {"SATCOM_WORKERS": "2"}
        for number in range(1, workers + 1):
            self.programs[f"worker {number}"] = Program("worker", folder / f"worker-{number}.log", surroundings)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def partner(self) -> PartnerProcess:
        assert self._partner is not None, "no partner was asked for"
        return self._partner

    def kill(self, victim: str, away_s: float = 0) -> None:
        """SIGKILL from outside: no farewell, no flush. The database and the hub come back after a while."""
        self.points.note_blow()
        if victim == POSTGRES:
            pid = embedded_postgres.status(self.data_dir).pid
            if pid is None:
                return  # it is down already
            os.kill(pid, signal.SIGKILL)
            self.killed[victim] += 1
            with self.database_away():
                time.sleep(away_s)
        elif victim in (HUB, PARTNER):
            simulator: HubNmsProcess | PartnerProcess = self.operation.hub if victim == HUB else self.partner
            simulator.kill()
            self.killed[victim] += 1
            time.sleep(away_s)
            simulator.restart()
        else:
            self.programs[victim].process.kill()

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """The database may be away in this block; at its end it is there again. A program may end meanwhile."""
        self.back_at = math.inf
        yield
        embedded_postgres.ensure_alive(self.data_dir, fsync=False)
        self.back_at = time.monotonic()

    @contextmanager
    def watched_over(self) -> Iterator[None]:
        """Start everything; start again what dies, until the end of the block."""
        over = threading.Event()
        for program in self.programs.values():
            program.start()
        watch = threading.Thread(target=self._watch, args=(over,), name="watch")
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            for program in self.programs.values():
                program.stop()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            for name, program in self.programs.items():
                code = program.process.poll()
                if code is None:
                    continue
                if code == -signal.SIGKILL:
                    self.killed[name] += 1
                elif self.back_at < program.started_at or time.monotonic() > program.started_at + START_S:
                    self.ended.append(f"{name} ended with code {code}")
                program.start()

    def wait_until_served(self, within_s: float = 600) -> None:
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            try:
                if httpx.get(f"{self.url}/health", timeout=5, trust_env=False, verify=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not served after {within_s} s:\n{self.last_words()}")

    def wait_until_worked(self, within_s: float = 600) -> None:
        """Until every worker has come up: what is done to the database by hand must not meet its start."""
        here = text("SELECT count(*) FROM procrastinate_workers")
        give_up = time.monotonic() + within_s
        while True:
            with self.operation.database.as_worker() as session:
                if session.connection().execute(here).scalar_one() >= len(self.programs) - 1:
                    return
            assert time.monotonic() < give_up, f"no workers after {within_s} s:\n{self.last_words()}"
            time.sleep(0.1)

    def stuck(self) -> str:
        """What is queued, what the orders under way wait for, and the last words."""
        with self.operation.database.as_worker() as session:
            rows = [str(row) for query in STUCK for row in session.connection().execute(text(query))]
        return "\n".join([*rows, self.last_words()])

    def last_words(self) -> str:
        """The ends of the logs, for whoever has to find out."""
        return "\n".join(
            f"--- {program.log}\n{program.log.read_text(errors='replace')[-3000:]}"
            for program in self.programs.values()
            if program.log.exists()
        )


@contextmanager
def an_installation(
    folder: Path,
    *,
    in_stock: int,
    workers: int = 2,
    server_works: bool = True,
    further: Mapping[str, str] | None = None,
    data_dir: Path | None = None,
    every_kind: bool = False,
) -> Iterator[Installation]:
    """The demonstration network with room at every hub, a market, `in_stock` terminals of each kind; not started.

    For `every_kind` of service there are carriers that many share, too, and a partner.
    """
    assert declarations.ROUTES  # importing it declared every table
    with a_database_server(data_dir) as (data_dir, url):
        migration.upgrade(url)
        database = Database(url, connections=4)
        with an_operation(database, folder, in_stock, pools=every_kind) as operation:
            give_every_hub_ports(operation, PORTS)
            with partner_process(folder) if every_kind else nullcontext() as partner:
                yield Installation(operation, folder, data_dir, workers, server_works, further, partner)
        database.close()


@contextmanager
def a_database_server(data_dir: Path | None = None) -> Iterator[tuple[Path, str]]:
    """The data directory of a server with an empty database, and the URL of that."""
    data_dir = data_dir or Path(tempfile.mkdtemp(prefix="satcom-crash-", dir="/tmp"))
    data_dir.chmod(0o711)  # the server of root runs as another user
    try:
        yield data_dir, embedded_postgres.start(data_dir, fsync=False).url
    finally:
        embedded_postgres.erase(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


def give_every_hub_ports(operation: Operation, ports: int) -> None:
    """At every hub that has any, and tell the simulator."""
    with operation.database.as_worker() as session:
        for hub in session.exec(select(Hub)):
            hub.ports = ports if hub.ports else 0
        session.flush()
        fleet = fleet_of(session)
    with operation.hub.client() as client:
        client.put("/v1/fleet", json=fleet).raise_for_status()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
