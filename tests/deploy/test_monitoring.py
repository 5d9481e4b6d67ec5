"""Rules, routes and dashboards as shipped: checked by Prometheus' own tools, each alert told to whom it is for."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from deploy.build_dashboards import built

from tests.deploy.prometheus_process import DEPLOY, a_webhook, an_alertmanager, configured, until

RULES = DEPLOY / "prometheus" / "rules"
RUNBOOKS = DEPLOY.parent / "docs" / "runbooks.md"
WHERE = 'instance="a:8000", job="satcom"'
HTTP = "satcom_http_request"
POOL, FEEDER = "satcom_carrier_pool", "satcom_constellation_feeder_hertz"
Series = dict[str, str]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((RULES / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
CALM: Series = {
    f"up{{{WHERE}}}": "1x200",
    'up{instance="a:8001", job="satcom-worker"}': "1x200",
    f"satcom_database_up{{{WHERE}}}": "1x200",
    f"satcom_database_scrape_seconds{{{WHERE}}}": "0.01x200",
    f"satcom_queue_oldest_job_seconds{{{WHERE}}}": "0x200",
    f'satcom_tasks_held{{owner="noc", {WHERE}}}': "0x200",
    f'satcom_waits{{owner="supply", {WHERE}}}': "2x200",
    f'satcom_waits_overdue{{owner="supply", {WHERE}}}': "0x200",
    f'satcom_waits_escalated{{owner="noc", {WHERE}}}': "0x200",
    f'satcom_orders_open{{state="inProgress", age="under 1 hour", {WHERE}}}': "9x200",
    f'satcom_orders_open{{state="inProgress", age="over 30 days", {WHERE}}}': "0x200",
    f'satcom_orders_open{{state="held", age="over 30 days", {WHERE}}}': "5x200",
    f'satcom_task_retries_total{{task="configure_hub", {WHERE}}}': "3x200",
    f'satcom_sweep_failures_total{{task="renew_terms", {WHERE}}}': "2x200",
    f'satcom_listeners{{state="active", {WHERE}}}': "3x200",
    f'satcom_listeners{{state="parked", {WHERE}}}': "0x200",
    f'satcom_listener_backlog_seconds{{state="active", {WHERE}}}': "60x200",
    f'satcom_listener_backlog_seconds{{state="parked", {WHERE}}}': "900000x200",
    f"satcom_reservation_next_expiry_timestamp_seconds{{{WHERE}}}": "100000x200",
    f'satcom_transponder_bandwidth_hertz{{satellite="S", transponder="T", state="free", {WHERE}}}': "36e6x200",
    f'satcom_transponder_bandwidth_hertz{{satellite="S", transponder="T", state="assigned", {WHERE}}}': "4e6x200",
    f'satcom_transponder_power_equivalent_hertz{{satellite="S", transponder="T", state="free", {WHERE}}}': "36e6x200",
    f'satcom_transponder_power_equivalent_hertz{{satellite="S", transponder="T", state="held", {WHERE}}}': "4e6x200",
    f'satcom_hub_ports{{hub="H", state="free", {WHERE}}}': "8x200",
    f'satcom_hub_ports{{hub="H", state="assigned", {WHERE}}}': "2x200",
    f'satcom_hub_ports{{hub="without ports", state="free", {WHERE}}}': "0x200",
    f'{POOL}_committable_baud{{hub="H", pool="P", direction="forward", state="free", {WHERE}}}': "3e6x200",
    f'{POOL}_committable_baud{{hub="H", pool="P", direction="forward", state="assigned", {WHERE}}}': "1e6x200",
    f'{POOL}_committable_baud{{hub="H", pool="best effort", direction="forward", state="free", {WHERE}}}': "0x200",
    f'{POOL}_saleable_baud{{hub="H", pool="P", direction="forward", state="free", {WHERE}}}': "25e6x200",
    f'{POOL}_saleable_baud{{hub="H", pool="P", direction="forward", state="held", {WHERE}}}': "75e6x200",
    f'{FEEDER}{{constellation="C", gateway="G", direction="return", state="free", {WHERE}}}': "2e8x200",
    f'{FEEDER}{{constellation="C", gateway="G", direction="return", state="held", {WHERE}}}': "2e8x200",
    f'{FEEDER}{{constellation="C", gateway="without a limit", direction="return", state="held", {WHERE}}}': "9e9x200",
    f'satcom_constellation_cells{{constellation="C", direction="forward", {WHERE}}}': "3x200",
    f'satcom_constellation_fullest_cell_ratio{{constellation="C", direction="forward", {WHERE}}}': "0.9x200",
    f'satcom_stock_terminals{{depot="D", model="M", state="inStock", {WHERE}}}': "1x200",
    f'satcom_stock_terminals{{depot="E", model="M", state="inStock", {WHERE}}}': "0x200",
    f'{HTTP}s_total{{method="GET", route="/x", status="200", {WHERE}}}': "0+100x200",
    f'{HTTP}s_total{{method="GET", route="/x", status="503", {WHERE}}}': "0+1x200",
    f'{HTTP}_seconds_bucket{{le="0.1", {WHERE}}}': "0+99x200",
    f'{HTTP}_seconds_bucket{{le="10", {WHERE}}}': "0+101x200",
    f'{HTTP}_seconds_bucket{{le="+Inf", {WHERE}}}': "0+101x200",
    f'satcom_accounts_to_bill{{state="putOff", {WHERE}}}': "0x200",
}
UNREST: dict[str, Series] = {
    "SatcomDown": {'up{instance="a:8000"': "0x200"},
    "SatcomAbsent": {'up{instance="a:8000"': "_x200"},
    "SatcomWorkerDown": {'up{instance="a:8001"': "0x200"},
    "SatcomDatabaseDown": {"satcom_database_up{": "0x200"},
    "SatcomCountingSlow": {"satcom_database_scrape_seconds{": "3x200"},
    "SatcomQueueStalled": {"satcom_queue_oldest_job_seconds{": "0+60x200"},
    "SatcomTaskHeld": {"satcom_tasks_held{": "1x200"},
    "SatcomWaitOverdue": {"satcom_waits_overdue{": "1x200"},
    "SatcomWaitEscalated": {"satcom_waits_escalated{": "1x200"},
    "SatcomOrderStuck": {'satcom_orders_open{state="inProgress", age="over 30 days"': "1x200"},
    "SatcomHubCallsRetried": {"satcom_task_retries_total{": "0+2x200"},
    "SatcomSweepFails": {"satcom_sweep_failures_total{": "0+1x200"},
    "SatcomListenerBehind": {'satcom_listener_backlog_seconds{state="active"': "0+60x200"},
    "SatcomListenerParked": {'satcom_listeners{state="parked"': "1x200"},
    "SatcomHoldRunsOut": {"satcom_reservation_next_expiry_timestamp_seconds{": "9000x200"},
    "SatcomTransponderFull": {
        'satcom_transponder_bandwidth_hertz{satellite="S", transponder="T", state="free"': "4e5x200"
    },
    "SatcomTransponderPowerFull": {
        'satcom_transponder_power_equivalent_hertz{satellite="S", transponder="T", state="free"': "4e5x200"
    },
    "SatcomHubPortsLow": {'satcom_hub_ports{hub="H", state="free"': "0x200"},
    "SatcomPoolFull": {f'{POOL}_committable_baud{{hub="H", pool="P", direction="forward", state="free"': "1e5x200"},
    "SatcomFeederFull": {f'{FEEDER}{{constellation="C", gateway="G", direction="return", state="free"': "1e7x200"},
    "SatcomCellFull": {"satcom_constellation_fullest_cell_ratio{": "0.91x200"},
    "SatcomStockOut": {'satcom_stock_terminals{depot="D"': "0x200"},
    "SatcomApiErrors": {f'{HTTP}s_total{{method="GET", route="/x", status="503"': "0+10x200"},
    "SatcomApiSlow": {f'{HTTP}_seconds_bucket{{le="0.1"': "0+50x200"},
    "SatcomAccountsPutOff": {"satcom_accounts_to_bill{": "1x200"},
}
RECEIVERS = {"capacity": "capacity", "supply": "supply", "finance": "finance", "noc": "noc"}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receiver_of(alert: str) -> str:
    labels = ALERTS[alert]["labels"]
    return "noc-on-call" if labels["severity"] == "critical" else RECEIVERS[labels["team"]]


def with_changes(changes: Series) -> Series:
    changed = dict(CALM)
    for start, values in changes.items():
        [name] = [name for name in CALM if name.startswith(start)]
        changed[name] = values
    return changed


def a_case(series: Series, expected: set[str]) -> dict[str, Any]:
    """After two hours exactly these alerts are firing."""
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(expected)]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": firing, "eval_time": "130m", "exp_samples": samples}],
    }


def test_each_alert_fires_when_it_should_and_none_when_all_is_well(tmp_path: Path) -> None:
    assert set(UNREST) == set(ALERTS)
    cases = [a_case(CALM, set())]
    cases += [a_case(with_changes(changes), {alert}) for alert, changes in UNREST.items()]
    rules = [str(one) for one in RULES.glob("*.yml")]
    file = tmp_path / "cases.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": rules, "evaluation_interval": "1m", "tests": cases}), encoding="utf-8"
    )
    run("promtool", "test", "rules", str(file))


def test_what_is_shared_is_recorded_as_its_part_that_is_taken(tmp_path: Path) -> None:
    case = a_case(CALM, set())
    recorded = {
        'satcom:carrier_pool_committed:ratio{hub="H", pool="P", direction="forward"}': 0.25,
        'satcom:carrier_pool_sold:ratio{hub="H", pool="P", direction="forward"}': 0.75,
        'satcom:constellation_feeder_used:ratio{constellation="C", gateway="G", direction="return"}': 0.5,
        'satcom:constellation_fullest_cell:ratio{constellation="C", direction="forward"}': 0.9,
    }
    case["promql_expr_test"] = [
        # no pool that promises nothing, and no gateway that does not limit
        {"expr": name.split("{")[0], "eval_time": "130m", "exp_samples": [{"labels": name, "value": value}]}
        for name, value in recorded.items()
    ]
    rules = [str(one) for one in RULES.glob("*.yml")]
    file = tmp_path / "cases.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": rules, "evaluation_interval": "1m", "tests": [case]}), encoding="utf-8"
    )
    run("promtool", "test", "rules", str(file))


def test_an_alert_does_not_fire_before_its_time(tmp_path: Path) -> None:
    calls = a_case(with_changes({"satcom_tasks_held{": "0x9 1x200"}), {"SatcomTaskHeld"})
    calls["promql_expr_test"][0] |= {"eval_time": "12m", "exp_samples": []}
    file = tmp_path / "cases.yml"
    cases = {"rule_files": [str(one) for one in RULES.glob("*.yml")], "evaluation_interval": "1m", "tests": [calls]}
    file.write_text(yaml.safe_dump(cases), encoding="utf-8")
    run("promtool", "test", "rules", str(file))


def test_configurations_are_what_prometheus_and_alertmanager_take(tmp_path: Path) -> None:
    run("promtool", "check", "rules", *(str(one) for one in RULES.glob("*.yml")))
    run("promtool", "check", "config", str(configured(tmp_path, (8000, 8001), 9093, "a token")))
    run("amtool", "check-config", str(DEPLOY / "alertmanager" / "alertmanager.yml"))


def test_each_alert_is_told_to_whom_it_is_for(tmp_path: Path) -> None:
    with a_webhook() as webhook, an_alertmanager(tmp_path, webhook) as url:
        # what is told while its cause lasts, nobody hears; so causes are not sent together with what follows
        for sent in (sorted(set(ALERTS) - {"SatcomDatabaseDown", "SatcomQueueStalled"}), ["SatcomDatabaseDown"]):
            told = [
                {"labels": {"alertname": one, **ALERTS[one]["labels"]}, "startsAt": datetime.now(UTC).isoformat()}
                for one in sent
            ]
            httpx.post(f"{url}/api/v2/alerts", json=told, timeout=10, trust_env=False).raise_for_status()
            for one in sent:
                until(lambda one=one: webhook.heard(receiver_of(one), one) is not None, f"{one} to be told")  # type: ignore[misc]
        stalled = [{"labels": {"alertname": "SatcomQueueStalled", **ALERTS["SatcomQueueStalled"]["labels"]}}]
        httpx.post(f"{url}/api/v2/alerts", json=stalled, timeout=10, trust_env=False).raise_for_status()
        held_back = {"alertname": "SatcomQueueStalled"}
        silent = httpx.get(f"{url}/api/v2/alerts", params={"inhibited": "true"}, timeout=10, trust_env=False).json()
        states = [one["status"]["state"] for one in silent if one["labels"].items() >= held_back.items()]
        assert states
        assert webhook.heard("noc-on-call", "SatcomQueueStalled") is None, "the database is down, and that was told"


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_each_alert_leads_to_its_runbook(alert: str) -> None:
    link = ALERTS[alert]["annotations"]["runbook_url"]
    assert link == "{{ $externalLabels.satcom_docs }}/runbooks.md#" + alert.lower()
    sections = re.split(r"^## ", RUNBOOKS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [section] = [one for one in sections if one.startswith(f"{alert}\n")]
    for part in ("**Meaning**", "**Whom it hurts**", "**What to do**"):
        assert len(section.split(part)[1].split("**")[0].strip()) > 20, f"{alert}: {part}"


def test_there_is_no_runbook_without_an_alert() -> None:
    assert set(re.findall(r"^## (Satcom\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize("name", sorted(built()))
def test_a_dashboard_is_what_is_built(name: str) -> None:
    file = DEPLOY / "grafana" / "dashboards" / name
    assert file.read_text(encoding="utf-8") == built()[name], (
        "python deploy/build_dashboards.py deploy/grafana/dashboards"
    )


@pytest.mark.parametrize("name", sorted(built()))
def test_every_panel_asks_the_provisioned_prometheus(name: str) -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))["datasources"]
    board = json.loads(built()[name])
    panels = [one for one in board["panels"] if one["type"] != "row"]
    assert {one["datasource"]["uid"] for one in panels} == {one["uid"] for one in sources}
    assert len({one["title"] for one in panels}) == len(panels) > 5
    assert all(one["targets"] and one["description"] for one in panels)
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels]
    assert len(set(places)) == len(places), "no panel lies on another"
