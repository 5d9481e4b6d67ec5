"""A listener of events as an integrator would write it: an HTTP server that keeps what it is sent."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from satcom.core.database import Database
from satcom.core.event_delivery import EventDelivery

Body: TypeAlias = dict[str, Any]
PATIENCE_S = 20.0


@dataclass
class Inbox:
    """What arrived, in the order of arrival. `answers` decides on the status; `None` hangs up without one.

    What is not `genuine`, by its headers and its bytes, is refused.
    """

    answers: Callable[[Body], int | None] = lambda _: 204
    genuine: Callable[[dict[str, str], bytes], bool] = lambda _, __: True
    port: int = 0
    events: list[Body] = field(default_factory=list)
    refused: list[Body] = field(default_factory=list)
    letters: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/listener"

    def about(self, identifier: str) -> list[Body]:
        """The events of one object."""
        return [one for one in self.events if next(iter(one["event"].values()))["id"] == identifier]

    def wait_for(self, count: int, within_s: float = PATIENCE_S) -> list[Body]:
        until = time.monotonic() + within_s
        while len(self.events) < count:
            assert time.monotonic() < until, f"{len(self.events)} of {count} events came"
            time.sleep(0.01)
        return self.events


@contextmanager
def an_inbox(inbox: Inbox | None = None) -> Iterator[Inbox]:
    """The inbox, listening until the end of the block; one that was down before comes back at its port."""
    kept = inbox or Inbox()

    class Receive(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            raw = self.rfile.read(length)
            if len(raw) < length:  # the sender was killed
                self.close_connection = True
                return
            event = json.loads(raw)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = kept.answers(event) if kept.genuine(headers, raw) else 401
            kept.letters.append((headers, raw))
            (kept.events if status is not None and 200 <= status < 300 else kept.refused).append(event)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{kept.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", kept.port), Receive)
    server.daemon_threads = True
    kept.port = server.server_port
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def delivering(database: Database, at_once: int = 4) -> Iterator[EventDelivery]:
    """Events are delivered within the block."""
    delivery, loop = EventDelivery(database, at_once), asyncio.new_event_loop()
    task = loop.create_task(delivery.run())

    def work() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            return

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield delivery
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(30)
        assert not thread.is_alive()
        loop.close()
