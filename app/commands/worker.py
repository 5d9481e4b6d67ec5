"""`satcom worker`: the delivery alone, on as many hosts as it takes."""

import asyncio

from satcom.app.opened_database import database
from satcom.app.worker import hub_driver, work
from satcom.core.logs import set_up_logs
from satcom.core.settings import settings
from satcom.core.traces import set_up_traces


def worker() -> None:
    """Deliver orders and events on this host, until Ctrl-C."""
    set_up_logs(settings().log_json, settings().log_level)
    set_up_traces("satcom-worker")
    with database() as opened, hub_driver() as hub:
        asyncio.run(work(opened, hub, max(settings().workers, 1)))
