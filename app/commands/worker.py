"""`satcom worker`: the delivery alone, on as many hosts as it takes."""

import asyncio
from contextlib import ExitStack

from satcom.app.opened_database import database
from satcom.app.worker import hub_driver, work
from satcom.app.worker_metrics import metrics_served
from satcom.core.logs import set_up_logs
from satcom.core.settings import settings
from satcom.core.traces import set_up_traces


def worker() -> None:
    """Deliver orders and events on this host, until Ctrl-C."""
    set_up_logs(settings().log_json, settings().log_level)
    set_up_traces("satcom-worker")
    with ExitStack() as open_until_the_end:
        opened, hub = open_until_the_end.enter_context(database()), open_until_the_end.enter_context(hub_driver())
        port = settings().worker_metrics_port
        if port is not None:
            open_until_the_end.enter_context(metrics_served(opened, settings().worker_metrics_host, port))
        asyncio.run(work(opened, hub, max(settings().workers, 1)))
