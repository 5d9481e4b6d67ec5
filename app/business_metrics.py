"""What the database knows, as metrics, counted when Prometheus asks and told again for some seconds.

While the database is away nothing of it is told but that it is away; what this process counted itself is told all the
same, to whoever was let in last, since nobody can be asked then.
"""

import threading
import time
from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text

from satcom.app.capacity_metrics import capacity_metrics
from satcom.app.hold_metrics import hold_metrics
from satcom.app.listener_metrics import listener_metrics
from satcom.app.order_metrics import order_metrics
from satcom.app.scrape_access import AWAY, ScrapeAccess
from satcom.app.service_metrics import services_told
from satcom.app.shared_capacity_metrics import shared_capacity_metrics
from satcom.core import metrics
from satcom.core.database import Database

LONGEST_S = 5
KEEP_S = 5.0
"""Two servers that scrape, or an impatient one, cost the database no more than one."""
log = structlog.get_logger()


class BusinessMetrics(Collector):
    """The metrics of one database. Each count is one transaction of the worker's role, with a time limit."""

    def __init__(self, database: Database, keep_s: float = KEEP_S) -> None:
        self.database, self._keep_s = database, keep_s
        self._counting = threading.Lock()
        self._kept: list[GaugeMetricFamily] = []
        self._counted_at = float("-inf")

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: a registry would otherwise ask the database when this is registered."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._counting:
            if time.monotonic() - self._counted_at >= self._keep_s:
                self._kept, self._counted_at = self._count(), time.monotonic()
            kept = self._kept
        yield from kept

    def _count(self) -> list[GaugeMetricFamily]:
        began = time.perf_counter()
        try:
            with self.database.as_worker("metrics") as session:
                session.connection().execute(text(f"SET LOCAL statement_timeout = '{LONGEST_S}s'"))
                capacity = [*capacity_metrics(session), *shared_capacity_metrics(session), *hold_metrics(session)]
                found = [*order_metrics(session), *capacity, *listener_metrics(session)]
        except AWAY as error:
            log.warning("metrics without the database", error=str(error)[:200])
            found = []
        up = GaugeMetricFamily(
            "satcom_database_up", "Whether the database answered this scrape", value=float(bool(found))
        )
        took = GaugeMetricFamily(
            "satcom_database_scrape_seconds", "Time to count in the database", value=time.perf_counter() - began
        )
        return [up, took, *found]


class Scrapes:
    """Answers the scrapes of one application."""

    def __init__(self, database: Database, keep_s: float = KEEP_S) -> None:
        self.database = database
        self.registry = CollectorRegistry()
        self.registry.register(BusinessMetrics(database, keep_s))
        self._access = ScrapeAccess(database)

    def exposition(self, token: str | None) -> bytes:
        """All metrics, for whom `ScrapeAccess` lets in. Raises what it raises."""
        self._access.check(token)
        return generate_latest(metrics.REGISTRY) + generate_latest(self.registry)

    def services(self, token: str | None) -> bytes:
        """Every service with its customer, for whom `ScrapeAccess` lets in. Raises what it raises."""
        self._access.check(token)
        return services_told(self.database)
