"""Build the Grafana dashboards.

For maintainers, when a panel changes:

    python deploy/build_dashboards.py deploy/grafana/dashboards

Each panel stands below: what it is called, how it is drawn, its unit, its queries with their legends. A test compares
the files with what is built here, and asks a real Prometheus every query.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grafana_foundation_sdk.builders.bargauge import Panel as Bars
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Lines
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
Kind = Literal["stat", "lines", "bars"]
KINDS: dict[Kind, type[Stat] | type[Lines] | type[Bars]] = {"stat": Stat, "lines": Lines, "bars": Bars}
SIZES = {"stat": (4, 4), "lines": (8, 12), "bars": (12, 12)}


@dataclass(frozen=True)
class Drawn:
    """One panel. Queries are pairs of an expression and its legend."""

    title: str
    kind: Kind
    unit: str
    queries: tuple[tuple[str, str], ...]
    meaning: str


def one(title: str, kind: Kind, unit: str, expression: str, legend: str, meaning: str) -> Drawn:
    return Drawn(title, kind, unit, ((expression, legend),), meaning)


ORDER_DELIVERY: dict[str, tuple[Drawn, ...]] = {
    "Now": (
        one("Open orders", "stat", "none", "sum(satcom:orders_open:count)", "", "Orders that are not ended."),
        one(
            "Held orders",
            "stat",
            "none",
            'satcom:orders:count{state="held"}',
            "",
            "They wait for a date, goods or a person.",
        ),
        one(
            "For a person",
            "stat",
            "none",
            "sum(max without (instance) (satcom_tasks_held)) or vector(0)",
            "",
            "Tasks that a person has to judge.",
        ),
        one(
            "Overdue waits",
            "stat",
            "none",
            "sum(max without (instance) (satcom_waits_overdue)) or vector(0)",
            "",
            "What should have come by now.",
        ),
        one(
            "Oldest job",
            "stat",
            "s",
            "max(satcom_queue_oldest_job_seconds)",
            "",
            "How long an order waits for a worker.",
        ),
        one("Database", "stat", "none", "min(satcom_database_up)", "", "1: it answers every server."),
    ),
    "Orders": (
        one("Orders by state", "lines", "none", "satcom:orders:count > 0", "{{state}}", "All orders ever placed."),
        one(
            "Open orders by age", "lines", "none", "sum by (age) (satcom:orders_open:count)", "{{age}}", "Since placed."
        ),
        one(
            "Waits by owner",
            "lines",
            "none",
            "max without (instance) (satcom_waits)",
            "{{owner}}",
            "And nothing to judge.",
        ),
        one(
            "Bills",
            "lines",
            "none",
            "max without (instance) (satcom_bills) > 0",
            "{{state}}",
            "Customer bills by state.",
        ),
    ),
    "Tasks": (
        one(
            "Slowest tasks", "lines", "s", "satcom:task_seconds:p95_rate5m", "{{task}}", "95 % were done in this time."
        ),
        one(
            "Tasks by outcome",
            "lines",
            "ops",
            "sum by (outcome) (rate(satcom_task_seconds_count[5m]))",
            "{{outcome}}",
            "All but done and undone are reasons why not.",
        ),
        one(
            "Calls to the hub repeated", "lines", "ops", "satcom:task_retries:rate5m", "{{task}}", "None in good times."
        ),
        Drawn(
            "Queue",
            "lines",
            "none",
            (("max without (instance) (satcom_queue_jobs)", "{{state}}"),),
            "Wake-ups of orders.",
        ),
    ),
    "Events": (
        one(
            "Listeners",
            "lines",
            "none",
            "max without (instance) (satcom_listeners)",
            "{{state}}",
            "Parked ones are told nothing.",
        ),
        one(
            "Changes that wait for listeners",
            "lines",
            "none",
            "max without (instance) (satcom_listener_backlog)",
            "{{state}}",
            "Of what they may read.",
        ),
        one(
            "Longest that one waits",
            "lines",
            "s",
            "max without (instance) (satcom_listener_backlog_seconds)",
            "{{state}}",
            "None in good times, but for those that are parked.",
        ),
        Drawn(
            "Events told",
            "lines",
            "ops",
            (
                ("sum by (document) (rate(satcom_events_delivered_total[5m]))", "{{document}} taken"),
                ("sum by (why) (rate(satcom_event_failures_total[5m]))", "not taken: {{why}}"),
            ),
            "By API, and why not.",
        ),
    ),
    "API": (
        one("Requests", "lines", "reqps", "sum by (route) (satcom:http_requests:rate5m)", "{{route}}", "By route."),
        Drawn(
            "Errors and time",
            "lines",
            "none",
            (
                ("satcom:http_errors:ratio_rate5m", "share of errors"),
                ("satcom:http_request_seconds:p95_rate5m", "95 % answered in (s)"),
            ),
            "Of all requests.",
        ),
    ),
}
FLEET_FILL: dict[str, tuple[Drawn, ...]] = {
    "Now": (
        one(
            "Spectrum sold",
            "stat",
            "percentunit",
            'sum(max without (instance) (satcom_transponder_bandwidth_hertz{state="assigned"}))'
            " / sum(max without (instance) (satcom_transponder_bandwidth_hertz))",
            "",
            "Assigned, of the whole fleet.",
        ),
        one(
            "Transponders over 90 %",
            "stat",
            "none",
            "count(satcom:transponder_bandwidth_used:ratio > 0.9) or vector(0)",
            "",
            "By bandwidth.",
        ),
        one(
            "Without power",
            "stat",
            "none",
            "count(satcom:transponder_power_used:ratio > 0.9) or vector(0)",
            "",
            "Over 90 %.",
        ),
        one("Holds", "stat", "none", 'max(satcom_reservations{state="held"})', "", "Reservations not assigned yet."),
        one(
            "Next hold runs out in",
            "stat",
            "s",
            "min(satcom_reservation_next_expiry_timestamp_seconds) - time()",
            "",
            "Empty when nothing is held.",
        ),
        one(
            "Models out of stock",
            "stat",
            "none",
            "count(satcom:stock_terminals_in_stock:sum == 0) or vector(0)",
            "",
            "In all depots.",
        ),
    ),
    "Spectrum and power": (
        one(
            "Fullest transponders, bandwidth",
            "bars",
            "percentunit",
            "topk(20, satcom:transponder_bandwidth_used:ratio)",
            "{{satellite}} {{transponder}}",
            "Held and assigned, with guard bands.",
        ),
        one(
            "Fullest transponders, power",
            "bars",
            "percentunit",
            "topk(20, satcom:transponder_power_used:ratio)",
            "{{satellite}} {{transponder}}",
            "As power-equivalent bandwidth.",
        ),
        one(
            "Free bandwidth by satellite",
            "lines",
            "hertz",
            'sum by (satellite) (max without (instance) (satcom_transponder_bandwidth_hertz{state="free"}))',
            "{{satellite}}",
            "Not necessarily in one piece.",
        ),
        one(
            "Reservations",
            "lines",
            "none",
            "max without (instance) (satcom_reservations)",
            "{{state}}",
            "Held, assigned, given back, run out.",
        ),
    ),
    "Holds": (
        one(
            "Holds by kind",
            "lines",
            "none",
            "sum by (kind) (max without (instance) (satcom_holds))",
            "{{kind}}",
            "By what is held; one reservation holds several.",
        ),
        one(
            "Holds by when they run out",
            "lines",
            "none",
            "sum by (runs_out) (max without (instance) (satcom_holds))",
            "{{runs_out}}",
            "What ran out is let go by the next sweep, or by who wants it.",
        ),
        one(
            "Next hold of each kind runs out in",
            "bars",
            "s",
            "min by (kind) (satcom_hold_next_expiry_timestamp_seconds) - time()",
            "{{kind}}",
            "Kinds of which nothing is held are left out.",
        ),
    ),
    "Shared carriers": (
        one(
            "Fullest pools, committed",
            "bars",
            "percentunit",
            "topk(20, satcom:carrier_pool_committed:ratio)",
            "{{hub}} {{pool}} {{direction}}",
            "Committed rates (CIR), of what may be committed.",
        ),
        one(
            "Fullest pools, sold",
            "bars",
            "percentunit",
            "topk(20, satcom:carrier_pool_sold:ratio)",
            "{{hub}} {{pool}} {{direction}}",
            "Maximum rates (MIR), of what the contention ratio allows.",
        ),
    ),
    "Constellations": (
        one(
            "Fullest feeder links",
            "bars",
            "percentunit",
            "topk(20, satcom:constellation_feeder_used:ratio)",
            "{{constellation}} {{gateway}} {{direction}}",
            "Gateways without a limit are left out.",
        ),
        one(
            "Fullest cells",
            "bars",
            "percentunit",
            "satcom:constellation_fullest_cell:ratio",
            "{{constellation}} {{direction}}",
            "The fullest of each constellation.",
        ),
        one(
            "Cells sold",
            "lines",
            "none",
            "max without (instance) (satcom_constellation_cells)",
            "{{constellation}} {{direction}}",
            "Of which something is held or assigned.",
        ),
    ),
    "Ground": (
        one(
            "Hub ports used",
            "bars",
            "percentunit",
            "satcom:hub_ports_used:ratio",
            "{{hub}}",
            "Hubs without ports are left out.",
        ),
        one(
            "Terminals in stock",
            "bars",
            "none",
            "satcom:stock_terminals_in_stock:sum",
            "{{model}}",
            "Free, in all depots.",
        ),
    ),
}
NAMED = " * on (service) group_left (service_name, customer_name) satcom_service_info"
CARRIER = "{{customer_name}}: {{service_name}} {{direction}}"
SERVICES: dict[str, tuple[Drawn, ...]] = {
    "Now": (
        one("On", "stat", "none", "sum(satcom_service_active)", "", "Services that are active."),
        one("Configured only", "stat", "none", "count(satcom_service_active == 0) or vector(0)", "", "Not yet on."),
        one(
            "Below plan",
            "stat",
            "none",
            "count(satcom_service_measured_es_n0_decibels < satcom_service_planned_es_n0_decibels - 1) or vector(0)",
            "",
            "Carriers that came in more than 1 dB below their link budget.",
        ),
    ),
    "Carriers": (
        one(
            "Least margin",
            "bars",
            "dB",
            "bottomk(20, satcom_service_measured_es_n0_decibels - satcom_service_required_es_n0_decibels)" + NAMED,
            CARRIER,
            "Es/N0 as measured last, above what the MODCOD needs.",
        ),
        one(
            "Farthest below plan",
            "bars",
            "dB",
            "bottomk(20, satcom_service_measured_es_n0_decibels - satcom_service_planned_es_n0_decibels)" + NAMED,
            CARRIER,
            "Es/N0 as measured last, beside the link budget in clear sky.",
        ),
    ),
    "Customers": (
        one(
            "Services by customer",
            "bars",
            "none",
            "topk(20, sum by (customer_name) (satcom_service_info))",
            "{{customer_name}}",
            "Active and configured.",
        ),
        one(
            "Services by what carries them",
            "bars",
            "none",
            "topk(20, sum by (satellite, constellation) (satcom_service_info))",
            "{{satellite}}{{constellation}}",
            "Nothing: a partner carries it.",
        ),
    ),
}


def panel(drawn: Drawn) -> Stat | Lines | Bars:
    height, width = SIZES[drawn.kind]
    built = KINDS[drawn.kind]().title(drawn.title).description(drawn.meaning).unit(drawn.unit)
    built = built.datasource(PROMETHEUS).height(height).span(width)
    for ref, (expression, legend) in zip("ABCDEF", drawn.queries, strict=False):
        query = Dataquery().expr(expression).ref_id(ref).legend_format(legend)
        built = built.with_target(query.range() if drawn.kind == "lines" else query.instant())
    return built


def dashboard(title: str, uid: str, rows: dict[str, tuple[Drawn, ...]]) -> str:
    """The dashboard as Grafana reads it."""
    board = Dashboard(title).uid(uid).tags(["satcom"]).refresh("30s").time("now-6h", "now").timezone("utc").readonly()
    for name, panels in rows.items():
        board = board.with_row(Row(name))
        for drawn in panels:
            board = board.with_panel(panel(drawn))
    return str(JSONEncoder(sort_keys=True, indent=2).encode(board.build())) + "\n"


def built() -> dict[str, str]:
    """Every dashboard by the name of its file."""
    return {
        "order_delivery.json": dashboard("satcom: order delivery", "satcom-orders", ORDER_DELIVERY),
        "fleet_fill.json": dashboard("satcom: fleet fill", "satcom-fleet", FLEET_FILL),
        "services.json": dashboard("satcom: services", "satcom-services", SERVICES),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, text in built().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
