"""OR13, X26: Prometheus reads the whole business, and whoever has to act is told; by the real programs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import yaml

from satcom.core.values import Json
from tests.deploy.prometheus_process import (
    DEPLOY,
    Prometheus,
    Webhook,
    a_prometheus,
    a_webhook,
    an_alertmanager,
    configured,
    until,
)
from tests.scenarios.a_running_operator import FLOWS, ORDERS, SERVICES, Body, RunningOperator

KU_180: dict[str, Json] = {"band": ["Ku"], "terminalType": ["term-ku-180"]}
NO_PLAN: Body = {"kind": "error500", "method": "PUT", "path": "/v1/plans/*"}
CLOCK_S = 20.0  # a scrape, a judgement, a group's wait, and what the program keeps for some seconds
EMPTY_IN_GOOD_TIMES = re.compile(
    r"task_retries|events_delivered|event_failures"
    r"|absent\(|[<>]=? ?[0-9.]+$|== 0$|next_expiry|max without \(instance\) \(satcom_waits\)"
    r"|satcom[_:]constellation"  # this operator's satellites stand still
)


@dataclass(frozen=True)
class Watched:
    prometheus: Prometheus
    webhook: Webhook


@pytest.fixture(scope="module")
def watched(operator: RunningOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """An operator that has delivered an order, and Prometheus and Alertmanager that have looked at it for a while.

    Server and worker are processes of their own, as the units of `deploy/systemd` have it.
    """
    folder = tmp_path_factory.mktemp("watch")
    operator.kill_server()
    operator.start_server(workers=0)
    with (
        operator.a_worker() as worker,
        a_webhook() as webhook,
        an_alertmanager(folder, webhook) as alertmanager,
    ):
        operator.delivered(**KU_180)
        port = int(alertmanager.rsplit(":", 1)[1])
        configuration = configured(folder, (operator.port, worker), port, operator.tokens["noc"])
        with a_prometheus(folder, configuration) as prometheus:
            until(lambda: bool(prometheus.ask("satcom:http_requests:rate5m > 0")), "rates over two scrapes")
            until(lambda: bool(prometheus.ask("satcom:task_seconds:p95_rate5m")), "tasks over two scrapes")
            yield Watched(prometheus, webhook)


def expressions() -> dict[str, str]:
    """Every query of every rule and panel, by where it stands."""
    found: dict[str, str] = {}
    for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            found |= {rule.get("alert") or rule["record"]: rule["expr"] for rule in group["rules"]}
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                found[f"{file.stem}: {panel['title']} {target['refId']}"] = target["expr"]
    return found


def test_every_query_of_rules_and_boards_is_answered_and_shows_something(
    operator: RunningOperator, watched: Watched
) -> None:
    asked = expressions()
    assert len(asked) > 45
    answered = {where: watched.prometheus.ask(expression) for where, expression in asked.items()}
    quiet = {where for where, samples in answered.items() if not samples}
    assert {where for where in quiet if not EMPTY_IN_GOOD_TIMES.search(asked[where])} == set()
    healthy = {
        "SatcomDown",
        "SatcomWorkerDown",
        "SatcomListenerBehind",
        "SatcomListenerParked",
        "SatcomAbsent",
        "SatcomDatabaseDown",
        "SatcomQueueStalled",
        "SatcomTaskHeld",
        "SatcomApiErrors",
    }
    assert healthy <= quiet


def test_what_prometheus_reads_is_what_the_api_says(operator: RunningOperator, watched: Watched) -> None:
    delivered = len(operator.get(ORDERS, state="completed", limit="100"))
    [count] = watched.prometheus.ask('satcom:orders:count{state="completed"}')
    assert float(count["value"][1]) == delivered >= 1
    [ports] = watched.prometheus.ask('sum(satcom_hub_ports{state=~"held|assigned"})')
    assert float(ports["value"][1]) >= delivered
    taken = watched.prometheus.ask("satcom:transponder_bandwidth_used:ratio > 0")
    assert taken
    assert all(0 < float(one["value"][1]) <= 1 for one in taken)


def test_a_service_is_found_by_its_customer_with_what_was_measured_of_it(
    operator: RunningOperator, watched: Watched
) -> None:
    [service, *_] = operator.get(SERVICES, state="active", limit="1")
    whose = service["relatedParty"][0]
    until(lambda: bool(watched.prometheus.ask(f'satcom_service_info{{service="{service["id"]}"}}')), "the service")
    [told] = watched.prometheus.ask(f'satcom_service_info{{service="{service["id"]}"}}')
    labels = told["metric"]
    assert (labels["service_name"], labels["customer"]) == (service["name"], whose["id"])
    assert (labels["customer_name"], labels["specification"]) == (
        whose["name"],
        service["serviceSpecification"]["name"],
    )
    assert labels["satellite"]
    assert labels["hub"]
    margins = watched.prometheus.ask(
        f'(satcom_service_measured_es_n0_decibels{{customer="{whose["id"]}"}} - satcom_service_required_es_n0_decibels)'
        " * on (service) group_left (customer_name) satcom_service_info"
    )
    assert {one["metric"]["direction"] for one in margins} == {"forward", "return"}
    assert all(float(one["value"][1]) > 0 for one in margins)
    assert operator.api("customer").get("/metrics/services").status_code == 403


def test_tasks_are_seen_at_the_worker_that_carried_them_out(watched: Watched) -> None:
    """The server, which works at none, tells nothing of them."""
    counted = watched.prometheus.ask('sum by (job) (satcom_task_seconds_count{task="configure_hub", outcome="done"})')
    assert [one["metric"]["job"] for one in counted] == ["satcom-worker"]
    assert float(counted[0]["value"][1]) >= 1


def test_an_order_that_waits_for_a_person_calls_the_noc_until_it_is_repaired(
    operator: RunningOperator, watched: Watched
) -> None:
    operator.hub.set_faults(NO_PLAN)
    order_id = operator.order(**KU_180)
    operator.wait_for_task(order_id, "configure_hub", "active")
    service_id = operator.tasks(order_id)["design_the_service"]["result"]
    path = f"/v1/terminals/{service_id}-terminal"
    with operator.hub.client() as hub:
        operator.wait_for(lambda: hub.get(path).status_code == 200, "the terminal to be at the hub")
        told = {key: value for key, value in hub.get(path).json().items() if key not in ("id", "revision")}
        hub.put(path, json=told | {"elevation_deg": told["elevation_deg"] + 0.8}).raise_for_status()
        operator.hub.set_faults()
        operator.wait_for_task(order_id, "accept_test", "hold")
        until(lambda: watched.webhook.heard("noc", "SatcomTaskHeld") is not None, "the NOC to be called", CLOCK_S)
        call = watched.webhook.heard("noc", "SatcomTaskHeld")
        assert call is not None
        assert call["annotations"]["summary"] == "1 tasks wait for a person of noc"
        assert call["annotations"]["runbook_url"].endswith("/runbooks.md#satcomtaskheld")
        hub.put(path, json=told).raise_for_status()
    task = f"{FLOWS}/{operator.flow(order_id)['id']}/taskFlow/{operator.tasks(order_id)['accept_test']['id']}"
    assert operator.api("noc").patch(task, json={"state": "active"}).status_code == 200
    assert operator.follow(order_id)["state"] == "completed"
    until(
        lambda: watched.webhook.heard("noc", "SatcomTaskHeld", "resolved") is not None,
        "the NOC to hear the end",
        CLOCK_S,
    )


def test_nobody_reads_the_numbers_who_may_not(operator: RunningOperator, watched: Watched) -> None:
    targets = watched.prometheus.targets()
    assert sorted(one["labels"]["job"] for one in targets) == ["satcom", "satcom-services", "satcom-worker"]
    assert {(one["health"], one["lastError"]) for one in targets} == {("up", "")}
    assert operator.api("customer").get("/metrics").status_code == 403
    assert httpx.get(f"{operator.base_url}/metrics", timeout=10, trust_env=False).status_code == 401


def test_a_server_that_is_gone_calls_who_is_on_call(operator: RunningOperator, watched: Watched) -> None:
    operator.kill_server()
    try:
        until(lambda: watched.webhook.heard("noc-on-call", "SatcomDown") is not None, "a call", CLOCK_S)
    finally:
        operator.start_server(workers=0)
    until(lambda: watched.webhook.heard("noc-on-call", "SatcomDown", "resolved") is not None, "the end of it", CLOCK_S)
