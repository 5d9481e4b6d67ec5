"""What the database knows, as metrics: orders, waits, holds, the queue. Asked anew at each scrape, by a few counts.

While the database is away nothing of it is told but that it is away; what this process counted itself is told all the
same, to whoever was let in last, since nobody can be asked then.
"""

from collections import defaultdict
from collections.abc import Iterator
from hmac import compare_digest

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlmodel import Session

from satcom.core import metrics
from satcom.core.database import Database
from satcom.core.security import Capability, token_hash
from satcom.market.ordering import OrderState
from satcom.orchestration.queue import QUEUE

AWAY = (OperationalError, NoConnectionFree)
LONGEST_S = 5
OPEN_TASKS = text(
    "SELECT kind, state, undo_state, coalesce(owner, '') AS owner, count(*) AS tasks FROM task_flow"
    " WHERE state = 'active' OR state = 'hold' OR undo_state = 'hold' GROUP BY 1, 2, 3, 4"
)
ORDERS = text("SELECT state, count(*) AS orders FROM product_order GROUP BY 1")
RESERVATIONS = text("SELECT count(*) FROM reservation WHERE state = 'held'")
QUEUED = text(
    "SELECT count(*) FILTER (WHERE job.status = 'todo') AS waiting, count(*) FILTER (WHERE job.status = 'doing')"
    " AS running, coalesce(extract(epoch FROM now() - min(event.at) FILTER (WHERE job.status = 'todo')), 0) AS oldest_s"
    " FROM procrastinate_jobs job LEFT JOIN procrastinate_events event ON event.job_id = job.id"
    " AND event.type = 'deferred' WHERE job.queue_name = :queue AND job.status IN ('todo', 'doing')"
)
log = structlog.get_logger()


class BusinessMetrics(Collector):
    """The metrics of one database. Each scrape is one transaction of the worker's role, with a time limit."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: a registry would otherwise ask the database when this is registered."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("satcom_database_up", "Whether the database answered this scrape")
        try:
            with self.database.as_worker("metrics") as session:
                session.connection().execute(text(f"SET LOCAL statement_timeout = '{LONGEST_S}s'"))
                found = [*_orders(session), *_tasks(session), _reservations(session), *_queue(session)]
        except AWAY as error:
            log.warning("metrics without the database", error=str(error)[:200])
            found = []
        up.add_metric([], float(bool(found)))
        yield from [up, *found]


def _orders(session: Session) -> Iterator[GaugeMetricFamily]:
    orders = GaugeMetricFamily("satcom_orders", "Product orders by state", labels=["state"])
    counted = {row.state: row.orders for row in session.connection().execute(ORDERS)}
    for state in OrderState:
        orders.add_metric([state.value], counted.get(state.value, 0))
    yield orders


def _tasks(session: Session) -> Iterator[GaugeMetricFamily]:
    tasks = GaugeMetricFamily("satcom_tasks_open", "Tasks that are under way or held", labels=["kind", "state"])
    waits = GaugeMetricFamily("satcom_waits", "Waits for something from outside, by owner", labels=["owner"])
    held = GaugeMetricFamily("satcom_tasks_held", "Tasks and undos that a person has to judge", labels=["owner"])
    counted: dict[tuple[str, ...], int] = defaultdict(int)
    for row in session.connection().execute(OPEN_TASKS):
        for_a_person = row.state == "hold" or row.undo_state == "hold"
        counted["open", row.kind, "hold" if for_a_person else row.state] += row.tasks
        if for_a_person:
            counted["held", row.owner] += row.tasks
        elif row.kind == "wait":
            counted["wait", row.owner] += row.tasks
    families = {"open": tasks, "wait": waits, "held": held}
    for (family, *labels), number in sorted(counted.items()):
        families[family].add_metric(labels, number)
    yield from families.values()


def _reservations(session: Session) -> GaugeMetricFamily:
    held = session.connection().execute(RESERVATIONS).scalar_one()
    return GaugeMetricFamily("satcom_reservations_held", "Reservations held and not yet assigned", value=held)


def _queue(session: Session) -> Iterator[GaugeMetricFamily]:
    row = session.connection().execute(QUEUED, {"queue": QUEUE}).one()
    jobs = GaugeMetricFamily("satcom_queue_jobs", "Wake-ups of orders", labels=["state"])
    jobs.add_metric(["waiting"], row.waiting)
    jobs.add_metric(["running"], row.running)
    yield jobs
    yield GaugeMetricFamily(
        "satcom_queue_oldest_job_seconds", "Age of the oldest wake-up that waits", value=float(row.oldest_s)
    )


class Scrapes:
    """Answers the scrapes of one application."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.registry = CollectorRegistry()
        self.registry.register(BusinessMetrics(database))
        self._let_in_last = b""

    def exposition(self, token: str | None) -> bytes:
        """All metrics: they tell the business of the whole operator, so a token is wanted.

        Raises `Unauthenticated`, `NotAllowed`; and what the driver raises when the database is away and the caller is
        not the one that was let in last.
        """
        try:
            with self.database.request(token) as (_, principal):
                principal.need(Capability.READ_NETWORK)
        except AWAY:
            if token is None or not compare_digest(self._let_in_last, token_hash(token)):
                raise
        else:
            self._let_in_last = token_hash(token or "")
        return generate_latest(metrics.REGISTRY) + generate_latest(self.registry)
