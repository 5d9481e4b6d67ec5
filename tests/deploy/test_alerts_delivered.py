"""Each alert as it comes about: real metrics of a running application and worker, scraped, judged, and delivered.

The shipped rules are judged by Prometheus and told by Alertmanager to a webhook as the shipped routes have it, with
their `for` shortened to nothing (`configured`): that they wait is tested with promtool, in `test_monitoring`. What they
read comes about by what people and programs do. Where that takes hours of the wall clock, or nobody does it in this
release, the rows are dated back instead, and the cause says so.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import create_engine, text
from sqlmodel import col, select

from satcom.app.http import create_app
from satcom.app.worker import Worker
from satcom.app.worker_metrics import metrics_served
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.listener import park
from satcom.core.security import WORKER, Role
from satcom.market.bill_run import bill_next
from satcom.orchestration import waits
from satcom.orchestration.engine import Engine
from satcom.orchestration.escalation import NewEscalation, add_rule, escalate_due
from satcom.orchestration.operations.ordered_network import HOLD_FOR
from satcom.orchestration.plan import FlowState, TaskFlow, TaskState
from satcom.orchestration.wave import Phase
from satcom.resource.carrier_pool import CarrierPool, PoolShare
from satcom.resource.constellation import Constellation
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.hold import HoldState, Period, assign
from satcom.resource.hub import Hub, HubPortAssignment
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment
from tests.app.test_metrics import away
from tests.core.a_listener import a_listener, networks
from tests.deploy.prometheus_process import (
    Prometheus,
    Told,
    Webhook,
    a_prometheus,
    a_webhook,
    an_alertmanager,
    configured,
    free_port,
    until,
)
from tests.deploy.test_monitoring import ALERTS, receiver_of
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.postgres_server import drop_database, new_database
from tests.resource.a_network import MHZ, an_owner, tomorrow
from tests.resource.held_alone import hold_passage
from tests.resource.test_constellation_share import a_passage, a_ring

LATER = timedelta(days=40)  # of the business clock: then waits are late, orders old, and accounts to be billed
CALM_S, PATIENCE_S = 3.0, 60.0  # on a busy machine a scrape and a judgement take longer than on a host that watches
STUCK = "configure_hub"
SLOW = {"SatcomApiSlow", "SatcomCountingSlow"}  # as a busy machine is, without being made to
FULL = {"SatcomTransponderFull", "SatcomTransponderPowerFull"}  # the carriers of the pools fill their transponders
AGREEMENTS = "/tmf-api/agreementManagement/v4/agreement"


@dataclass
class Scene:
    """An operation whose server and worker are watched."""

    operation: Operation
    prometheus: Prometheus
    webhook: Webhook
    base_url: str
    configuration: Path
    server: uvicorn.Server
    worker: ExitStack
    retried: str  # an order whose hub does not answer
    together: bool = False
    about: dict[str, str] = field(default_factory=dict)  # the transponder that an alert is to name

    @property
    def database(self) -> Database:
        return self.operation.database

    def sql(self, statement: str) -> None:
        """As the owner of the database."""
        engine = create_engine(self.database.url)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def lock(self, table: str, hold_s: float) -> None:
        """Somebody has locked a table; he lets it go so long after the first one waits for it."""
        engine = create_engine(self.database.url)
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:name AS regclass)")
        with engine.begin() as connection:
            connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            until(lambda: bool(connection.execute(waiting, {"name": table}).scalar_one()), "a wait", PATIENCE_S)
            time.sleep(hold_s)
        engine.dispose()

    def get(self, path: str) -> int:
        token = a_token(self.database, "administrator")
        return httpx.get(f"{self.base_url}{path}", headers=token, timeout=30, trust_env=False).status_code

    def firing(self) -> set[str]:
        return {one["metric"]["alertname"] for one in self.prometheus.ask('ALERTS{alertstate="firing"}')}


@contextmanager
def served(database: Database) -> Iterator[tuple[str, int, uvicorn.Server]]:
    """The application at a port of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(database), "127.0.0.1", port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the server to start", PATIENCE_S)
    try:
        yield f"http://127.0.0.1:{port}", port, server
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="module")
def scene(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, url = tmp_path_factory.mktemp("alerts"), new_database(template)
    database = Database(url, connections=24)
    with ExitStack() as stack, ExitStack() as worker:
        stack.callback(drop_database, url)
        stack.callback(database.close)
        stack.callback(setattr, clock, "offset", timedelta(0))
        operation = stack.enter_context(an_operation(database, folder, in_stock=4, pools=True))
        with database.as_worker() as session:
            a_ring(session)
        retried = operation.order()
        without_hub(operation, retried)
        base_url, port, server = stack.enter_context(served(database))
        worker_port = worker.enter_context(metrics_served(database, "127.0.0.1", 0))
        webhook = stack.enter_context(a_webhook())
        alertmanager = stack.enter_context(an_alertmanager(folder, webhook))
        token = a_token(database, "noc")["Authorization"].removeprefix("Bearer ")
        configuration = configured(folder, (port, worker_port), int(alertmanager.rsplit(":", 1)[1]), token)
        prometheus = stack.enter_context(a_prometheus(folder, configuration))
        found = Scene(operation, prometheus, webhook, base_url, configuration, server, worker, retried)
        assert found.get("/satcom-api/orchestration/v1/wait") == found.get(AGREEMENTS) == 200
        until(lambda: bool(prometheus.ask("satcom:hub_ports_used:ratio")), "the application to be read", PATIENCE_S)
        time.sleep(CALM_S)
        assert found.firing() <= FULL | SLOW, "nothing has happened yet"
        yield found


# What comes about, each by what makes it true


def without_hub(operation: Operation, order_id: str) -> None:
    """The hub does not answer the order's call, once more."""
    with operation.database.as_worker() as session:
        flow = operation.flow(order_id)[0]
        for task in session.exec(select(TaskFlow).where(TaskFlow.process_flow_id == flow.id)):
            task.wake_at = None
    with HubNmsDriver("http://127.0.0.1:9", "nobody", attempts=1) as nobody:
        Engine(operation.database, nobody).advance(flow.id)


def hub_is_away(scene: Scene) -> None:
    for _ in range(8):
        without_hub(scene.operation, scene.retried)
    assert scene.operation.flow(scene.retried)[1][STUCK].state is TaskState.NEW


def a_task_breaks(scene: Scene) -> None:
    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("prepare_activation", "call"):
            raise ZeroDivisionError("a bug")

    scene.operation.advance(scene.operation.order(), break_down)


def a_hold_is_about_to_run_out(scene: Scene) -> None:
    """The order was held for almost as long as holds last."""

    def break_down(task: TaskFlow, phase: Phase) -> None:
        if (task.task_flow_specification, phase) == ("price_the_order", "call"):
            raise ZeroDivisionError("a bug")

    with clock.at(now() - HOLD_FOR + timedelta(minutes=30)):
        scene.operation.advance(scene.operation.order(), break_down)


def the_last_terminal_goes(scene: Scene) -> None:
    """One order is delivered with it, the next one waits."""
    states = [scene.operation.advance(scene.operation.order())[0].state for _ in range(2)]
    assert states == [FlowState.COMPLETED, FlowState.ACTIVE]


def the_ports_are_taken(scene: Scene) -> None:
    """A line card fails: no port is left that no service has."""
    with scene.database.as_worker() as session:
        for hub in session.exec(select(Hub).where(Hub.ports > 0)):
            taken = select(HubPortAssignment).where(HubPortAssignment.hub_id == hub.id)
            hub.ports = len(session.exec(taken).all()) or hub.ports


def a_lease_takes_a_transponder(scene: Scene) -> None:
    scene.about["SatcomTransponderFull"] = _leased(scene, 0, whole=True)


def a_carrier_takes_the_power(scene: Scene) -> None:
    scene.about["SatcomTransponderPowerFull"] = _leased(scene, 1, whole=False)


def _leased(scene: Scene, index: int, whole: bool) -> str:
    """One of the transponders that carry nothing yet is taken, as a whole or in power alone; its name."""
    with scene.database.as_worker() as session:
        used = select(SpectrumAssignment.transponder_id)
        free = select(Transponder).where(col(Transponder.id).not_in(used)).order_by(col(Transponder.name).desc())
        transponder = session.exec(free).all()[index]
        stop_hz = transponder.high_edge_hz if whole else transponder.low_edge_hz + MHZ
        lease = SpectrumAssignment(
            name="An old lease",
            transponder_id=transponder.id,
            start_hz=transponder.low_edge_hz,
            stop_hz=stop_hz,
            power_share_hz=0 if whole else transponder.bandwidth_hz,
            guard_band_hz=0,
            state=HoldState.ASSIGNED,
            start_at=now() - timedelta(days=1),
        )
        session.add(lease)
        return transponder.name


def a_pool_is_promised(scene: Scene) -> None:
    with scene.database.as_worker() as session:
        pool = session.exec(select(CarrierPool)).first()
        assert pool is not None
        session.add(
            PoolShare(
                name="An old access",
                carrier_pool_id=pool.id,
                cir_bps=1,
                mir_bps=1,
                cir_baud=pool.committable_baud,
                mir_baud=pool.committable_baud,
                state=HoldState.ASSIGNED,
                start_at=now() - timedelta(days=1),
            )
        )


def a_cell_and_a_gateway_are_full(scene: Scene) -> None:
    """Of the ring's beam of 250 MHz, and of the feeder link of 300 MHz of its gateway."""
    with scene.database.as_worker() as session:
        ring = session.exec(select(Constellation)).one()
        for forward_mhz, return_mhz, at in ((240, 10, (-10.71, 25.39)), (45, 1, (5.6, -0.19))):
            taken = hold_passage(
                session, a_passage(ring, forward_mhz, return_mhz, at), Period(now()), an_owner(), tomorrow()
            )
            assign(session, taken)


def listeners_fall_behind(scene: Scene) -> None:
    """One program does not come for its events since two hours (their rows are dated back), one was parked."""
    with networks("127.0.0.0/8"):
        a_listener(scene.database, "http://127.0.0.1:9/behind", document="TMF622")
        parked, _ = a_listener(scene.database, "http://127.0.0.1:9/parked", document="TMF622")
    with scene.database.as_worker() as session:
        park(session, session.get_one(type(parked), parked.id))
    scene.operation.order()
    scene.sql("UPDATE change_log SET at = at - interval '2 hours'")


def requests_fail(scene: Scene) -> None:
    """A bug in one route."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(waits, "open_waits", broken)
        for _ in range(3):
            assert {scene.get(waits.PATH) for _ in range(4)} == {500}
            time.sleep(1)


def requests_take_long(scene: Scene) -> None:
    """Somebody has locked a table that they read."""
    with ThreadPoolExecutor(12) as pool:
        lock = pool.submit(scene.lock, "agreement", 4)
        time.sleep(0.5)
        assert set(pool.map(scene.get, [AGREEMENTS] * 10)) == {200}
        lock.result()


def the_sweep_breaks(scene: Scene) -> None:
    """A bug in what extends holds, after sweeps that went well."""

    def nothing_to_do() -> None:
        pass

    def broken() -> None:
        raise ZeroDivisionError("a bug")

    sweeper = Worker(scene.database, Engine(scene.database, scene.operation.driver), 1)
    sweeper._alone("extend_holds", nothing_to_do)
    counted = 'satcom_sweep_failures_total{task="extend_holds"}'
    until(lambda: bool(scene.prometheus.ask(counted)), "the sweep to be read", PATIENCE_S)
    sweeper._alone("extend_holds", broken)


def weeks_go_by(scene: Scene) -> None:
    """By the business clock: waits are late and go to the next owner, orders are old, accounts cannot be billed."""
    scene.sql("UPDATE billing_account SET currency = 'XAF'")
    clock.offset = LATER
    with scene.database.as_worker() as session:
        add_rule(session, NewEscalation(owner=Role.SUPPLY, next_owner=Role.NOC, after_hours=1), WORKER)
    with scene.database.as_worker() as session:
        assert escalate_due(session) > 0
    for _ in range(20):
        with scene.database.as_worker("bill run") as session:
            if not bill_next(session):
                break


def a_worker_ends(scene: Scene) -> None:
    scene.worker.close()


Cause = Callable[[Scene], None]
TOGETHER: dict[str, Cause] = {
    "SatcomHubCallsRetried": hub_is_away,
    "SatcomTaskHeld": a_task_breaks,
    "SatcomHoldRunsOut": a_hold_is_about_to_run_out,
    "SatcomStockOut": the_last_terminal_goes,
    "SatcomHubPortsLow": the_ports_are_taken,
    "SatcomTransponderFull": a_lease_takes_a_transponder,
    "SatcomTransponderPowerFull": a_carrier_takes_the_power,
    "SatcomPoolFull": a_pool_is_promised,
    "SatcomCellFull": a_cell_and_a_gateway_are_full,
    "SatcomFeederFull": a_cell_and_a_gateway_are_full,
    "SatcomSweepFails": the_sweep_breaks,
    "SatcomListenerBehind": listeners_fall_behind,
    "SatcomListenerParked": listeners_fall_behind,
    "SatcomApiErrors": requests_fail,
    "SatcomApiSlow": requests_take_long,
    "SatcomWaitOverdue": weeks_go_by,
    "SatcomWaitEscalated": weeks_go_by,
    "SatcomOrderStuck": weeks_go_by,
    "SatcomAccountsPutOff": weeks_go_by,
    "SatcomWorkerDown": a_worker_ends,
}


@contextmanager
def the_queue_stands(scene: Scene) -> Iterator[None]:
    """No worker has run for five minutes (the rows are dated back)."""
    scene.sql("UPDATE procrastinate_events SET at = at - interval '5 minutes' WHERE type = 'deferred'")
    yield


@contextmanager
def counting_takes_long(scene: Scene) -> Iterator[None]:
    """Somebody has locked a table that is counted, but for less than the 5 s after which a count is given up."""
    scene.lock("customer_bill", 3)
    yield


@contextmanager
def the_database_is_away(scene: Scene) -> Iterator[None]:
    with away(scene.database):
        yield
    until(lambda: "SatcomDatabaseDown" not in scene.firing(), "the database to be back", PATIENCE_S)


@contextmanager
def the_server_ends(scene: Scene) -> Iterator[None]:
    scene.server.should_exit = True
    yield


@contextmanager
def nobody_is_watched(scene: Scene) -> Iterator[None]:
    """The job has no target any more."""
    told, port = scene.configuration.read_text(encoding="utf-8"), scene.base_url.rsplit(":", 1)[1]
    assert f"targets: [127.0.0.1:{port}]" in told
    told = told.replace(f"targets: [127.0.0.1:{port}]", "targets: []")
    scene.configuration.write_text(told, encoding="utf-8")
    httpx.post(f"{scene.prometheus.url}/-/reload", timeout=10, trust_env=False).raise_for_status()
    yield


LAST = {  # in this order, as each hides others or ends what is watched
    "SatcomQueueStalled": the_queue_stands,
    "SatcomCountingSlow": counting_takes_long,
    "SatcomDatabaseDown": the_database_is_away,
    "SatcomDown": the_server_ends,
    "SatcomAbsent": nobody_is_watched,
}


def told_of(scene: Scene, alert: str) -> list[Told]:
    """What the receiver that it is for was told of the alert, about what it was made true of."""
    said = [one for one in scene.webhook.told.get(receiver_of(alert), []) if one["labels"]["alertname"] == alert]
    wanted = scene.about.get(alert)
    return [one for one in said if one["status"] == "firing" and wanted in (None, one["labels"].get("transponder"))]


def test_every_alert_has_its_cause() -> None:
    assert set(TOGETHER) | set(LAST) == set(ALERTS)


@pytest.mark.parametrize("alert", [*TOGETHER, *LAST])
def test_what_comes_about_is_told_to_whom_it_is_for(scene: Scene, alert: str) -> None:
    if alert in TOGETHER and not scene.together:
        scene.together = True
        for cause in dict.fromkeys(TOGETHER.values()):
            cause(scene)
    with LAST[alert](scene) if alert in LAST else ExitStack():
        until(lambda: bool(told_of(scene, alert)), f"{receiver_of(alert)} to be told of {alert}", PATIENCE_S)
    told = told_of(scene, alert)[0]
    assert told["labels"].items() >= ALERTS[alert]["labels"].items()
    assert told["annotations"]["runbook_url"] == f"https://docs.example.net/satcom/runbooks.md#{alert.lower()}"
    assert "{{" not in told["annotations"]["summary"] + told["annotations"]["description"]
