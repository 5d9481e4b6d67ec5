"""An operator of `examples`, running: its API and workers as one process, its hub simulator as another.

What a scenario sees of it is what a partner or the NOC sees: HTTP, the command line, and the hub. The database is
looked into by no scenario.
"""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx

from satcom.app import cli
from satcom.app.delivery_check import broken_links
from satcom.app.demo_order import DEMO_ORDER, order_in
from satcom.app.simulated_hub import fleet_of
from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.postgres_server import drop_database, new_database
from tests.prepared_process import PreparedProcess
from tests.simulators.hub_nms_process import HubNmsProcess, hub_nms_process

Body: TypeAlias = dict[str, Any]  # JSON of the API
FOLDER: Final = Path(__file__).parents[2] / "examples" / "operator"
TMF: Final = "/tmf-api"
ORDERS: Final = f"{TMF}/productOrderingManagement/v4/productOrder"
FLOWS: Final = f"{TMF}/processFlowManagement/v4/processFlow"
RESOURCES: Final = f"{TMF}/resourceInventoryManagement/v4/resource"
SERVICES: Final = f"{TMF}/serviceInventory/v4/service"
CUSTOMER: Final = "customer-lualaba-copper"
STAFF: Final = ("sales", "provisioning", "noc", "planning", "supply", "migration")
ENDED: Final = frozenset({"completed", "failed", "rejected", "cancelled", "partial"})
POLL_S, PATIENCE_S, STOP_LIMIT_S = 0.05, 300.0, 120.0  # a busy machine is slow, and no test is about time
_numbers = count(1)


@dataclass(frozen=True)
class LoadedOperator:
    """A database to be copied, made by the program's own commands, and a token for each role."""

    url: str
    tokens: Mapping[str, str]
    fleet: Mapping[str, object]
    files: Path


def a_loaded_operator(postgres: str, folder: Path, files: Path = FOLDER) -> LoadedOperator:
    """A database with the schema of this release and the operator of these files in it."""
    url = new_database(postgres)
    satcom(url, folder, "db", "upgrade")
    satcom(url, folder, "load", str(files))
    tokens = {role: _token(url, folder, role) for role in ("administrator", "customer")}
    database = Database(url, connections=2)
    try:
        with database.as_worker() as session:
            fleet = json.loads(json.dumps(fleet_of(session)))
            for role in STAFF:  # as the command does it; each start of the program costs two seconds
                tokens[role] = create_token(session, f"{role} desk", [role], None, timedelta(days=1))[1]
    finally:
        database.close()
    return LoadedOperator(url, tokens, fleet, files)


def _token(url: str, folder: Path, role: str) -> str:
    party = ("--party", loaded_id("Organization", CUSTOMER)) if role == "customer" else ()
    made = json.loads(satcom(url, folder, "token", "create", f"{role} desk", "--role", role, *party, "--json"))
    return str(made["token"])


def satcom(url: str, folder: Path, *command: str) -> str:
    """What the command line says to `command` on the database at `url`."""
    log = folder / f"command-{next(_numbers)}.log"
    done = PreparedProcess(cli.main, ["satcom", *command], _environment(url), log, folder)
    code, said = done.wait(STOP_LIMIT_S), log.read_text(encoding="utf-8")
    assert code == 0, f"satcom {' '.join(command)} failed: {said}"
    return said


def _environment(url: str, **further: str) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SATCOM_HUB")}
    return mine | {"SATCOM_DATABASE_URL": url} | further


class RunningOperator:
    """Server and hub; `base_url` stays the same over `kill_server` and `start_server`."""

    def __init__(self, url: str, loaded: LoadedOperator, hub: HubNmsProcess, folder: Path) -> None:
        self.url, self.tokens, self.hub, self.folder = url, loaded.tokens, hub, folder
        self.files = loaded.files
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._clients: dict[str, httpx.Client] = {}
        self.clock_ahead = timedelta(0)
        self._server = self.start_server()

    def start_server(self, workers: int = 4) -> PreparedProcess:
        """Start `satcom serve` and wait until it answers. Without workers nothing goes on meanwhile."""
        environment = self._surroundings(SATCOM_PORT=str(self.port), SATCOM_WORKERS=str(workers))
        log = self.folder / "server.log"
        self._server = PreparedProcess(cli.main, ["satcom", "serve"], environment, log, self.folder)
        self._wait_for(self._answers, "the server to answer")
        return self._server

    @contextmanager
    def a_worker(self) -> Iterator[int]:
        """`satcom worker` beside the server, as the units of `deploy/systemd` have it; the port of its metrics."""
        port, log = _free_port(), self.folder / "worker.log"
        environment = self._surroundings(SATCOM_WORKER_METRICS_PORT=str(port))
        worker = PreparedProcess(cli.main, ["satcom", "worker"], environment, log, self.folder)
        try:
            yield port
        finally:
            worker.terminate()
            worker.wait(STOP_LIMIT_S)

    def _surroundings(self, **further: str) -> dict[str, str]:
        """What all processes of this operator share."""
        return _environment(
            self.url,
            SATCOM_HUB_NMS_URL=self.hub.url,
            SATCOM_HUB_NMS_TOKEN=self.hub.token,
            SATCOM_EVENT_NETWORKS="127.0.0.0/8",
            SATCOM_CLOCK_AHEAD_HOURS=str(self.clock_ahead / timedelta(hours=1)),
            **further,
        )

    def kill_server(self) -> None:
        """SIGKILL, as when the host loses power."""
        self._server.kill()
        self._server.wait(STOP_LIMIT_S)

    def move_clock(self, by: timedelta) -> None:
        """Start again so much later, by the business clock."""
        self._server.terminate()
        self._server.wait(STOP_LIMIT_S)
        self.clock_ahead += by
        self.start_server()

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        if self._server.poll() is None:
            self._server.terminate()
        try:
            self._server.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill_server()
            raise

    def api(self, role: str = "administrator") -> httpx.Client:
        """A client with the token of a role."""
        if role not in self._clients:
            headers = {"Authorization": f"Bearer {self.tokens[role]}"}
            self._clients[role] = httpx.Client(
                base_url=self.base_url, headers=headers, timeout=30, trust_env=False, verify=False
            )
        return self._clients[role]

    def get(self, path: str, role: str = "administrator", **filters: str) -> Any:  # JSON of any shape
        """What the API answers to a GET that is allowed."""
        answer = self.api(role).get(path, params=filters)
        assert answer.status_code in (200, 206), answer.text
        return answer.json()

    def order_body(self, file: str = DEMO_ORDER, /, **characteristics: Json) -> Body:
        """The order in a file of the operator with these characteristics instead of its own; `None` leaves one out.

        Without a name it is that for the Kamoto mine.
        """
        body: Body = order_in(self.files / file)
        product = body["productOrderItem"][0]["product"]
        chosen = {one["name"]: one["value"] for one in product["productCharacteristic"]} | characteristics
        product["productCharacteristic"] = [
            {"name": name, "value": value} for name, value in chosen.items() if value is not None
        ]
        return body | {"externalId": f"scenario-{next(_numbers)}"}

    def order(self, file: str = DEMO_ORDER, /, **characteristics: Json) -> str:
        """Place an order as provisioning does; its id."""
        answer = self.api("provisioning").post(ORDERS, json=self.order_body(file, **characteristics))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def follow(self, order_id: str, until: frozenset[str] | set[str] = ENDED, within_s: float = PATIENCE_S) -> Body:
        """The order when it is in one of the states."""
        self._wait_for(
            lambda: self.get(f"{ORDERS}/{order_id}")["state"] in until,
            f"order {order_id} to be {' or '.join(sorted(until))}",
            within_s,
        )
        found: Body = self.get(f"{ORDERS}/{order_id}")
        return found

    def delivered(self, file: str = DEMO_ORDER, /, **characteristics: Json) -> str:
        """Place an order and wait until the customer has his service; the order's id."""
        order_id = self.order(file, **characteristics)
        order = self.follow(order_id)
        assert order["state"] == "completed", order.get("note")
        return order_id

    def flow(self, order_id: str) -> Body:
        """The process flow of an order."""
        found: list[Body] = self.get(FLOWS, **{"relatedEntity.id": order_id})
        assert len(found) == 1
        return found[0]

    def tasks(self, order_id: str) -> dict[str, Body]:
        """The tasks of an order's flow by name, their characteristics among their attributes."""
        listed = self.get(f"{FLOWS}/{self.flow(order_id)['id']}/taskFlow", limit="100")
        return {one["taskFlowSpecification"]: one | characteristics(one) for one in listed}

    def wait_for_task(self, order_id: str, name: str, state: str, within_s: float = PATIENCE_S) -> Body:
        """A task of the order's flow when it is in that state."""
        self._wait_for(
            lambda: self.tasks(order_id)[name]["state"] == state, f"{name} of {order_id} to be {state}", within_s
        )
        return self.tasks(order_id)[name]

    def service_of(self, order_id: str) -> Body:
        """The service of a completed order."""
        product_id = self.get(f"{ORDERS}/{order_id}")["productOrderItem"][0]["product"]["id"]
        product = self.get(f"{TMF}/productInventory/v4/product/{product_id}")
        found: Body = self.get(f"{SERVICES}/{product['realizingService'][0]['id']}")
        return found

    def broken_links(self, order_id: str) -> list[str]:
        """What the separate check of a delivered order finds."""
        with self.hub.client() as hub:
            return broken_links(self.api(), hub, order_id)

    def wait_for(self, come: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        self._wait_for(come, what, within_s)

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def _wait_for(self, come: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        until = time.monotonic() + within_s
        while not come():
            if time.monotonic() > until or self._server.poll() is not None:
                raise AssertionError(f"waited {within_s:g} s for {what}; the server said: {self.log()[-3000:]}")
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/health", timeout=5, trust_env=False, verify=False).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def a_running_operator(loaded: LoadedOperator, folder: Path) -> Iterator[RunningOperator]:
    """A copy of the loaded operator with its own server and hub; all is stopped at the end."""
    url = new_database(loaded.url)
    try:
        with hub_nms_process(folder, loaded.fleet) as hub:
            operator = RunningOperator(url, loaded, hub, folder)
            try:
                yield operator
            finally:
                operator.stop()
    finally:
        drop_database(url)


def characteristics(body: Body) -> Body:
    """The characteristics of any TMF body by name."""
    lists = [key for key in body if re.fullmatch(r"(\w+C|c)haracteristic", key)]
    return {one["name"]: one.get("value") for key in lists for one in body[key]}


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
