"""The worker: advances flows and carries out catalogue jobs, in the server process or alone on many hosts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from satcom.core import metrics
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.event_delivery import EventDelivery
from satcom.core.settings import settings
from satcom.core.tenancy import WORKER_ROLE
from satcom.enterprise.catalog_job import carry_out
from satcom.market.bill_run import bill_next
from satcom.orchestration.engine import Engine
from satcom.orchestration.escalation import escalate_due
from satcom.orchestration.operations.partner_hold import extend_holds
from satcom.orchestration.operations.partner_renewal import renew_terms
from satcom.orchestration.plan import know_handlers
from satcom.orchestration.queue import EXCHANGE, QUEUE, TASK
from satcom.orchestration.sweep import DATABASE_AWAY, take_up_lost, wake_due
from satcom.resource.drivers.hub_nms import HubNmsDriver

GONE = "Job was not found"  # as the queue's functions in the database say it
HEARTBEAT_S, DEAD_AFTER_S, SWEEP_EVERY_S, BILLING_S, POLL_S = 1.0, 5.0, 1.0, 0.5, 1.0
log = structlog.get_logger()


class QueueLost(Exception):
    """The library gave up working; it does so when it loses its connection for listening."""


class Jobs(JobManager):
    """The library's, where a job may be gone when its worker comes to its end: the worker was slow, and was missed.

    Who is not heard of for `DEAD_AFTER_S`, on a machine that is too busy or while the database is away, has its jobs
    dropped, and their flows are asked for anew in the same transaction (`orchestration.queue.take_over`). So nothing is
    lost with such a job. Nor is anything done twice: the other worker waits for the flow's row lock, finds in the plan
    what is done, and repeats an outside call under its key; of the two answers the later attempt's counts. An import or
    export of a catalogue is the exception: both may be at it, and enter the same under the same names.
    """

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        with unless_missed(job_id):
            await super().finish_job_by_id_async(job_id, status, delete_job)

    async def retry_job_by_id_async(
        self,
        job_id: int,
        retry_at: datetime,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        try:
            with unless_missed(job_id):
                await super().retry_job_by_id_async(job_id, retry_at, priority, queue, lock)
        except UniqueViolation:  # the flow was asked for again meanwhile: that job does it, and two may not wait
            await self.finish_job_by_id_async(job_id, Status.FAILED, delete_job=True)


@contextmanager
def unless_missed(job_id: int) -> Iterator[None]:
    """What ends a job, unless it is gone."""
    try:
        yield
    except ConnectorException as error:
        if not str(error.__cause__).startswith(GONE):
            raise
        log.warning("a worker was slow: its job was given to another", job=job_id)


def conninfo(url: str) -> str:
    """The libpq form of an SQLAlchemy URL, taking the worker's role."""
    asked = make_url(url)
    known = {**asked.translate_connect_args(username="user", database="dbname"), **asked.query}
    parts = {name: str(value) for name, value in known.items()}
    return make_conninfo("", **parts, options=f"-c role={WORKER_ROLE}")


class Worker:
    """Runs until stopped; survives the database going away and coming back."""

    def __init__(self, database: Database, engine: Engine, concurrency: int) -> None:
        self.database, self.engine, self.concurrency = database, engine, concurrency
        self.pool = ThreadPoolExecutor(concurrency + 1, thread_name_prefix="flow")
        know_handlers()

    def _queue(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
            conninfo=conninfo(self.database.url), min_size=1, max_size=self.concurrency + 3
        )
        queue = procrastinate.App(connector=connector)
        queue.job_manager = Jobs(connector)
        retry = procrastinate.RetryStrategy(max_attempts=None, wait=1)

        @queue.task(name=TASK, queue=QUEUE, retry=retry)
        async def advance(flow_id: str) -> None:
            try:
                await asyncio.get_running_loop().run_in_executor(self.pool, self.engine.advance, flow_id)
            except Exception as error:
                lost = isinstance(error, OperationalError)  # or a deadlock: the next attempt is expected to succeed
                log.warning("advance again", flow=flow_id, error=str(error)[:200], exc_info=None if lost else error)
                raise

        @queue.task(name=EXCHANGE, queue=QUEUE, retry=retry)
        async def exchange(kind: str, job_id: str) -> None:
            await asyncio.get_running_loop().run_in_executor(self.pool, carry_out, self.database, kind, job_id)

        return queue

    async def run(self) -> None:
        """Work until cancelled; what is under way in a thread is ended then."""
        try:
            await self._work_on()
        finally:
            await asyncio.to_thread(self.pool.shutdown)

    async def _work_on(self) -> None:
        while True:
            try:
                async with self._queue().open_async() as queue, asyncio.TaskGroup() as group:
                    group.create_task(self._sweep())
                    group.create_task(self._work(queue))
            except* (ConnectorException, *DATABASE_AWAY, psycopg.Error, OSError, QueueLost) as lost:
                log.warning("queue lost, trying again", error=str(lost.exceptions[0])[:200])
            await asyncio.sleep(1)

    async def _work(self, queue: procrastinate.App) -> None:
        await queue.run_worker_async(
            queues=[QUEUE],
            concurrency=self.concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=POLL_S,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=DEAD_AFTER_S,
            delete_jobs=procrastinate.jobs.DeleteJobCondition.SUCCESSFUL,
        )
        raise QueueLost("the connection to the queue broke")

    async def _sweep(self) -> None:
        """Wake what is due, and take over the jobs of workers that died."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self.pool, self._wake)
            await asyncio.sleep(SWEEP_EVERY_S)

    def _wake(self) -> None:
        """One thing after the other; what breaks holds up no other, and is tried again by the next sweep."""
        steps = (wake_due, escalate_due, extend_holds, renew_terms)
        for step in steps:
            self._alone(step.__name__, partial(self._in_a_transaction, step))
        self._alone(bill_next.__name__, self._bill)
        self._alone(take_up_lost.__name__, self._take_up_lost)

    def _alone(self, name: str, step: Callable[[], None]) -> None:
        failures = metrics.sweep_failures.labels(name)  # named before the first, so that its rise is seen
        try:
            step()
        except (*DATABASE_AWAY, psycopg.Error, OSError):
            raise  # begin again
        except Exception:
            log.exception("the sweep broke; it goes on", task=name)
            failures.inc()

    def _in_a_transaction(self, step: Callable[[Session], int]) -> None:
        with self.database.as_worker("sweep") as session:
            step(session)

    def _take_up_lost(self) -> None:
        with self.database.as_worker("sweep") as session:
            for flow_id in take_up_lost(session, timedelta(seconds=DEAD_AFTER_S)):
                log.info("taking over from a dead worker", flow=flow_id)

    def _bill(self) -> None:
        """Bill accounts that are due, one in a transaction, for as long as orders can wait for the sweep."""
        until, waits = monotonic() + BILLING_S, True
        while waits and monotonic() < until:
            with self.database.as_worker("bill run") as session:
                waits = bill_next(session)


async def work(opened: Database, hub: HubNmsDriver, workers: int) -> None:
    """Deliver orders and events until cancelled."""
    async with events_told(opened):
        await Worker(opened, Engine(opened, hub), workers).run()


@asynccontextmanager
async def events_told(opened: Database) -> AsyncIterator[None]:
    """Listeners are told of events within the block, with at most half of the connections."""
    at_once = min(settings().event_deliveries, settings().database_connections // 2)
    if at_once == 0:
        yield
        return
    telling = asyncio.create_task(EventDelivery(opened, at_once).run())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def hub_driver() -> HubNmsDriver:
    """The driver of the configured hub. Raises `Refused` on what is not configured."""
    url, secret = settings().hub_nms_url, settings().hub_nms_token
    if url is None or secret is None:
        raise Refused("SATCOM_HUB_NMS_URL", "set it and SATCOM_HUB_NMS_TOKEN to reach the hub", "missing")
    return HubNmsDriver(url, secret)
