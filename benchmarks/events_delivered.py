"""Events delivered in a second: signed, one request each, in order for each object, to one listener and to eight.

Changes of many orders wait in the change log; the listeners are a process of their own that answers at once.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import typer
from benchmarks.measured import Row, Table, a_server, load, postgres_version, publish
from sqlalchemy import text

from satcom.app import declarations
from satcom.core.database import Database
from satcom.core.event_api import event_api
from satcom.core.event_delivery import EventDelivery
from satcom.core.listener import register
from satcom.core.security import WORKER
from satcom.core.settings import settings
from satcom.enterprise.party import Organization

NAME, OBJECTS = "events_delivered", 100
PATIENCE_S = 600.0
# Reads a request, answers, and keeps the connection: what a listener costs at least.
LISTENER = """
import asyncio
async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            lines = head.lower().split(b"\\r\\n")
            await reader.readexactly(next(int(one[15:]) for one in lines if one.startswith(b"content-length:")))
            writer.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    except asyncio.IncompleteReadError:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
_CHANGES = text(
    "INSERT INTO change_log"
    " (id, at, business_at, by, party_id, entity_type, entity_id, version, event_type, before, after)"
    " SELECT gen_random_uuid(), now(), now(), 'benchmark', o.party_id, 'Organization', o.id, n,"
    " 'organizationAttributeValueChangeEvent', jsonb_build_object('tradingName', 'before'),"
    " jsonb_build_object('tradingName', 'after') FROM generate_series(1, :each) n, organization o"
)
_LEFT = text(
    "SELECT count(*) FROM listener_position WHERE sequence < (SELECT max(sequence) FROM change_log"
    " WHERE entity_type = 'Organization')"
)


@contextmanager
def a_listener() -> Iterator[str]:
    """The address of a listener in a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


async def delivered(database: Database) -> None:
    """Deliver until every listener has everything."""
    telling = asyncio.create_task(EventDelivery(database, 8).run())
    until = time.monotonic() + PATIENCE_S
    while await asyncio.to_thread(_left, database):
        if telling.done() or time.monotonic() > until:
            raise RuntimeError("events were not delivered")
        await asyncio.sleep(0.02)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


def _left(database: Database) -> int:
    with database.as_worker() as session:
        return int(session.connection().execute(_LEFT).scalar_one())


def measured(database: Database, events: int) -> list[Row]:
    """Rows of listeners, events delivered in all, and events in a second."""
    assert declarations.ROUTES
    with database.as_worker() as session:
        session.add_all(Organization(trading_name=f"Party {number}") for number in range(OBJECTS))
    rows: list[Row] = []
    for listeners in (1, 8):
        with a_listener() as address:
            with database.as_worker() as session:
                session.connection().execute(text("DELETE FROM listener"))
                for _ in range(listeners):
                    body = {"callback": f"{address}/{uuid4()}"}
                    register(session, event_api("TMF632"), body, WORKER)  # type: ignore[arg-type]
            with database.as_worker() as session:
                session.connection().execute(_CHANGES, {"each": max(events // OBJECTS, 1)})
            began = time.perf_counter()
            asyncio.run(delivered(database))
            taken_s = time.perf_counter() - began
        sent = max(events // OBJECTS, 1) * OBJECTS * listeners
        rows.append((listeners, sent, sent / taken_s))
    return rows


def main(events: int = 5_000, write: bool = False) -> None:
    began = load()
    os.environ["SATCOM_EVENT_NETWORKS"] = "127.0.0.0/8"
    settings.cache_clear()
    with a_server() as url:
        database = Database(url, 20)
        rows = measured(database, events)
        server = postgres_version(url)
        database.close()
    note = "One process delivers; the listeners share another. Each event is a signed request of its own."
    table = Table("Events delivered", ("listeners", "events sent", "events/s in all"), rows, note)
    publish(NAME, f"python -m benchmarks.{NAME} --events {events}", f"{server}; {began}", [table], write)


if __name__ == "__main__":
    typer.run(main)
