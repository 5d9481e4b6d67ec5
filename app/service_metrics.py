"""Every service with its customer, as metrics: what carries it, whether it is on, and how strong its carriers came in.

One series set for each service, so it is a page of its own that is scraped more rarely than the others, whose labels
stay few. The ids are those of TMF638 and TMF632: what else is measured of a service can be joined by them.
The page is written as it is read: objects for a hundred thousand samples cost ten times the statement.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Row, text

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
INFO, ACTIVE = "satcom_service_info", "satcom_service_active"
TESTED = "satcom_service_tested_timestamp_seconds"
RATIOS: Final = {
    "measured": "Es/N0 that the last test of a service read",
    "planned": "Es/N0 that the link budget promised in clear sky",
    "required": "Es/N0 that the MODCOD of a carrier needs",
}
FAMILIES: Final = {
    INFO: "What a service is, whose, and what carries it now",
    ACTIVE: "1: the service is on; 0: it is configured only",
    TESTED: "When the service was tested last",
    **{f"satcom_service_{kind}_es_n0_decibels": meaning for kind, meaning in RATIOS.items()},
}
ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
"""As Prometheus's text format wants values of labels."""
Sample: TypeAlias = tuple[str, str, float]  # family, labels, value


def services_told(database: Database) -> bytes:
    """The page, in Prometheus's text format 0.0.4. Raises what the driver raises while the database is away."""
    with database.as_worker("metrics") as session:
        session.connection().execute(text(f"SET LOCAL statement_timeout = '{LONGEST_S}s'"))
        return _page(session.connection().execute(SERVICES, {"now": now()}).all())


def _page(rows: Sequence[Row[Any]]) -> bytes:
    lines = {name: [f"# HELP {name} {meaning}\n# TYPE {name} gauge\n"] for name, meaning in FAMILIES.items()}
    for row in rows:
        for name, labels, value in _samples(row):
            lines[name].append(f"{name}{{{labels}}} {value}\n")
    return "".join(line for family in lines.values() for line in family).encode()


def _samples(row: Row[Any]) -> Iterator[Sample]:
    parties: list[dict[str, Any]] = row.related_party or []
    customer = next((one for one in parties if (one.get("role") or "").lower() == CUSTOMER_ROLE), {})
    of_one = _labels(service=row.id, customer=customer.get("id"))
    told = _labels(
        service_name=row.name,
        customer_name=customer.get("name"),
        specification=row.specification,
        satellite=row.satellite,
        constellation=row.constellation,
        hub=row.hub,
    )
    yield INFO, f"{of_one},{told}", 1
    yield ACTIVE, of_one, int(row.active)
    if row.tested_at is not None:
        yield TESTED, of_one, row.tested_at.timestamp()
    yield from _carriers(row, of_one)


def _carriers(row: Row[Any], of_one: str) -> Iterator[Sample]:
    # a reading that failed has no value
    read = {one["metricName"]: one["value"].get("value") for one in row.measured or []}
    plan = {one["name"]: one.get("value") for one in row.planned or []}
    for direction in ("forward", "return"):
        planned = f"planned{direction.capitalize()}"
        of_carrier = {
            "measured": read.get(f"{direction}EsN0"),
            "planned": plan.get(f"{planned}EsN0"),
            "required": plan.get(f"{planned}RequiredEsN0"),
        }
        for kind, value in of_carrier.items():
            if value is not None:
                yield f"satcom_service_{kind}_es_n0_decibels", f'{of_one},direction="{direction}"', float(value)


def _labels(**values: str | None) -> str:
    return ",".join(f'{name}="{(value or "").translate(ESCAPED)}"' for name, value in values.items())
