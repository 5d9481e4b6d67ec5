"""What a worker tells Prometheus: its own counts, at a port of its own, to whom the server would tell its metrics."""

import httpx
import pytest

from satcom.app.worker_metrics import metrics_served
from satcom.core import metrics
from satcom.core.database import Database
from satcom.core.errors import Refused
from tests.app.test_metrics import away, described
from tests.market.a_market import a_token

HERE = "127.0.0.1"


def asked(port: int, headers: dict[str, str], path: str = "/metrics") -> httpx.Response:
    return httpx.get(f"http://{HERE}:{port}{path}", headers=headers, timeout=30, trust_env=False)


def test_a_worker_tells_what_it_counts_to_whom_the_server_would(database: Database) -> None:
    metrics.task_seconds.labels("configure_hub", "done").observe(0.2)
    party = "01a20dde-50a5-7470-b9fb-9e1c7f046cd7"
    noc, sales, customer = a_token(database, "noc"), a_token(database, "sales"), a_token(database, "customer", party)
    with metrics_served(database, HERE, 0) as port:
        told = asked(port, noc)
        assert (told.status_code, told.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
        assert 'satcom_task_seconds_count{outcome="done",task="configure_hub"}' in told.text
        assert {"satcom_task_retries_total", "satcom_events_delivered_total"} <= described(told.text).keys()
        assert "satcom_orders" not in described(told.text), "every server tells what the database knows"
        assert asked(port, noc, "/tmf-api/party/v4/organization").status_code == 404
        for headers, status in (({}, 401), ({"Authorization": "Bearer another"}, 401), (customer, 403)):
            assert asked(port, headers).status_code == status
        with away(database):
            assert asked(port, noc).status_code == 200, "whoever was let in last"
            assert asked(port, sales).status_code == 503


def test_two_workers_of_a_host_do_not_take_one_port(database: Database) -> None:
    with metrics_served(database, HERE, 0) as port, metrics_served(database, HERE, 0) as another:
        assert port != another
        with pytest.raises(Refused) as refused, metrics_served(database, HERE, port):
            pass
        [fault] = refused.value.faults
        assert (fault.field, fault.code) == ("SATCOM_WORKER_METRICS_PORT", "taken")
        assert f"port {port} of {HERE}" in fault.why
        with pytest.raises(Refused), metrics_served(database, "192.0.2.1", 0):
            pass
    with metrics_served(database, HERE, port) as again:
        assert again == port, "a worker that is started again"
