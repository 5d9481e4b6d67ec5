"""Serving: the API with the workers that deliver what it takes, until it is told to stop or either of them breaks."""

import asyncio
from typing import Final

import httpx
import structlog
import uvicorn

from satcom.app.http import create_app
from satcom.app.worker import Worker, events_told
from satcom.core.database import Database
from satcom.core.errors import Unable
from satcom.core.settings import settings
from satcom.orchestration.engine import Engine
from satcom.resource.drivers.hub_nms import HubNmsDriver

ASK_LIMIT_S: Final = 30.0
log = structlog.get_logger()


class WorkersBroke(Unable):
    """Nobody delivers any more, so nothing is served either."""

    def __init__(self, cause: BaseException) -> None:
        first = cause
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        super().__init__(f"The workers broke and the server has stopped: {type(first).__name__}: {first}")


def server_of(opened: Database, hub: HubNmsDriver | None, port: int) -> uvicorn.Server:
    """The API on the configured host, not yet started."""
    config = uvicorn.Config(create_app(opened, hub), settings().host, port, log_config=None, access_log=False)
    return uvicorn.Server(config)


async def serve(server: uvicorn.Server, opened: Database, hub: HubNmsDriver | None, workers: int) -> None:
    """Serve until stopped, tell listeners of events, and deliver where there is a hub. Raises `WorkersBroke`."""
    async with events_told(opened):
        await _serve(server, opened, hub, workers)


async def _serve(server: uvicorn.Server, opened: Database, hub: HubNmsDriver | None, workers: int) -> None:
    if hub is None or workers == 0:
        await server.serve()
        return
    delivery = asyncio.create_task(Worker(opened, Engine(opened, hub), workers).run())

    def stop(_: asyncio.Task[None]) -> None:
        server.should_exit = True  # orders that nobody delivers had better not be taken

    delivery.add_done_callback(stop)
    await server.serve()
    delivery.remove_done_callback(stop)
    delivery.cancel()
    (broken,) = await asyncio.gather(delivery, return_exceptions=True)
    if isinstance(broken, Exception):
        log.error("the workers broke", exc_info=broken)
        raise WorkersBroke(broken) from broken


async def ask_whether_it_serves(server: uvicorn.Server) -> None:
    """Ask over HTTP as a client would, then stop the server. Raises what shows that it does not serve."""
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.05)
    try:
        port = server.servers[0].sockets[0].getsockname()[1] if server.started else server.config.port
        address = f"http://{server.config.host}:{port}"
        async with httpx.AsyncClient(base_url=address, timeout=ASK_LIMIT_S, trust_env=False) as client:
            for path in ("/health", "/openapi.json"):
                (await client.get(path)).raise_for_status()
    finally:
        server.should_exit = True
        await serving
