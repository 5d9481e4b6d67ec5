"""`satcom serve`: the API, and the delivery of what it takes."""

import asyncio
from contextlib import nullcontext
from typing import Annotated

import typer

from satcom.app.demonstration import is_free
from satcom.app.opened_database import database
from satcom.app.serving import ask_whether_it_serves, server_of
from satcom.app.serving import serve as serve_and_deliver
from satcom.app.worker import hub_driver
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.logs import set_up_logs
from satcom.core.settings import settings
from satcom.core.traces import set_up_traces


def serve(
    leave: Annotated[bool, typer.Option("--exit", help="Ask it whether it serves, and end.")] = False,
) -> None:
    """Serve the API, and deliver orders when a hub is configured."""
    set_up_logs(settings().log_json, settings().log_level)
    set_up_traces("satcom-serve")
    check_port(settings().host, settings().port)
    with database() as opened:
        asyncio.run(_serve(opened, leave))


def check_port(host: str, port: int) -> None:
    """Raises `Refused` when somebody serves there already; port 0 is whichever is free."""
    if port and not is_free(host, port):
        raise Refused("SATCOM_PORT", f"port {port} of {host} is taken", "taken", "another port, or 0 for any")


async def _serve(opened: Database, leave: bool) -> None:
    with hub_driver() if settings().hub_nms_url is not None else nullcontext() as hub:
        server = server_of(opened, hub, settings().port)
        if leave:
            await ask_whether_it_serves(server)
        else:
            await serve_and_deliver(server, opened, hub, settings().workers)
