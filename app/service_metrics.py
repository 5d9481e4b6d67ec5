"""Every service with its customer, as metrics: what carries it, whether it is on, and how strong its carriers came in.

One series set for each service, so it is a page of its own that is scraped more rarely than the others, whose labels
stay few. The ids are those of TMF638 and TMF632: what else is measured of a service can be joined by them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Row, text
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.security import CUSTOMER_ROLE

LONGEST_S: Final = 20
"""A service costs some microseconds here; what takes longer is stuck."""
SERVICES = text(
    "SELECT CAST(service.id AS text) AS id, service.state = 'active' AS active, service.name,"
    " service.service_specification ->> 'name' AS specification, service.related_party,"
    " satellite.name AS satellite, constellation.name AS constellation, hub.name AS hub,"
    " test.start_date_time AS tested_at, test.characteristic AS planned, test.test_measure AS measured"
    " FROM service"
    " LEFT JOIN service_path path ON path.service_id = service.id AND path.start_at <= :now"
    " AND (path.stop_at IS NULL OR path.stop_at > :now)"
    " LEFT JOIN satellite ON satellite.id = path.satellite_id"
    " LEFT JOIN constellation ON constellation.id = path.constellation_id"
    " LEFT JOIN hub ON hub.id = path.hub_id"
    " LEFT JOIN LATERAL (SELECT start_date_time, characteristic, test_measure FROM service_test"
    " WHERE service_test.service_id = service.id ORDER BY service_test.id DESC LIMIT 1) test ON true"
    " WHERE service.state IN ('active', 'inactive') ORDER BY service.id"
)
OF_ONE = ["service", "customer"]
RATIOS: Final = {
    "measured": "Es/N0 that the last test of a service read",
    "planned": "Es/N0 that the link budget promised in clear sky",
    "required": "Es/N0 that the MODCOD of a carrier needs",
}


class _Told(Collector):
    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        return self._families


def services_told(database: Database) -> bytes:
    """The page. Raises what the driver raises while the database is away."""
    with database.as_worker("metrics") as session:
        session.connection().execute(text(f"SET LOCAL statement_timeout = '{LONGEST_S}s'"))
        registry = CollectorRegistry()
        registry.register(_Told(list(service_metrics(session))))
    return generate_latest(registry)


def service_metrics(session: Session) -> Iterator[GaugeMetricFamily]:
    rows = session.connection().execute(SERVICES, {"now": now()}).all()
    yield from _standing(rows)
    yield from _carriers(rows)


def _standing(rows: Sequence[Row[Any]]) -> Iterator[GaugeMetricFamily]:
    labels = [*OF_ONE, "service_name", "customer_name", "specification", "satellite", "constellation", "hub"]
    info = GaugeMetricFamily("satcom_service_info", "What a service is, whose, and what carries it now", labels=labels)
    active = GaugeMetricFamily("satcom_service_active", "1: the service is on; 0: it is configured only", labels=OF_ONE)
    tested = GaugeMetricFamily(
        "satcom_service_tested_timestamp_seconds", "When the service was tested last", labels=OF_ONE
    )
    for row in rows:
        customer = _customer(row)
        carried = (row.satellite, row.constellation, row.hub)
        told = (row.name, customer.get("name"), row.specification, *carried)
        info.add_metric([*_of(row), *(one or "" for one in told)], 1)
        active.add_metric(_of(row), row.active)
        if row.tested_at is not None:
            tested.add_metric(_of(row), row.tested_at.timestamp())
    yield from (info, active, tested)


def _carriers(rows: Sequence[Row[Any]]) -> Iterator[GaugeMetricFamily]:
    families = {
        kind: GaugeMetricFamily(f"satcom_service_{kind}_es_n0_decibels", meaning, labels=[*OF_ONE, "direction"])
        for kind, meaning in RATIOS.items()
    }
    for row in rows:
        # a reading that failed has no value
        read = {one["metricName"]: one["value"].get("value") for one in row.measured or []}
        plan = {one["name"]: one.get("value") for one in row.planned or []}
        for direction in ("forward", "return"):
            of_carrier = {
                "measured": read.get(f"{direction}EsN0"),
                "planned": plan.get(f"planned{direction.capitalize()}EsN0"),
                "required": plan.get(f"planned{direction.capitalize()}RequiredEsN0"),
            }
            for kind, value in of_carrier.items():
                if value is not None:
                    families[kind].add_metric([*_of(row), direction], value)
    yield from families.values()


def _customer(row: Row[Any]) -> dict[str, Any]:
    parties: list[dict[str, Any]] = row.related_party or []
    return next((one for one in parties if (one.get("role") or "").lower() == CUSTOMER_ROLE), {})


def _of(row: Row[Any]) -> list[str]:
    return [row.id, _customer(row).get("id") or ""]
