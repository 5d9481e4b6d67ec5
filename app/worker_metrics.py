"""What a worker counts, for Prometheus: the tasks that it runs are counted in its own process and nowhere else.

A worker builds no HTTP application; one page needs none. What the database knows every server tells already.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from satcom.app.scrape_access import AWAY, ScrapeAccess
from satcom.core import metrics
from satcom.core.database import Database
from satcom.core.errors import Refused

PATH: Final = "/metrics"
PORT_SETTING: Final = "SATCOM_WORKER_METRICS_PORT"
PATIENCE_S: Final = 10.0
TEXT: Final = "text/plain; charset=utf-8"
log = structlog.get_logger()


class _Handler(BaseHTTPRequestHandler):
    """One request, of which only the path and the token count."""

    server_version, sys_version = "satcom", ""
    timeout = PATIENCE_S
    server: "_Server"

    def do_GET(self) -> None:
        status, media_type, body = self._answer()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> tuple[int, str, bytes]:
        if self.path.partition("?")[0] != PATH:
            return 404, TEXT, f"a worker serves {PATH} alone\n".encode()
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            self.server.access.check(token.strip() if scheme.lower() == "bearer" else None)
        except Refused as refused:
            return refused.status, TEXT, f"{refused}\n".encode()
        except AWAY as away:
            log.warning("metrics without the database", error=str(away)[:200])
            return 503, TEXT, b"database: it cannot be reached just now; try again\n"
        return 200, CONTENT_TYPE_LATEST, generate_latest(metrics.REGISTRY)

    def log_message(self, format: str, *args: object) -> None:
        log.debug("metrics asked for", said=format % args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True  # a worker that is started again takes its port at once

    def __init__(self, host: str, port: int, access: ScrapeAccess) -> None:
        self.access = access
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        log.warning("metrics could not be told", exc_info=True)


@contextmanager
def metrics_served(database: Database, host: str, port: int) -> Iterator[int]:
    """Within the block, what this process counts is told on `port`, or on any that is free for 0; which one it is.

    Raises `Refused` when nobody can listen there.
    """
    try:
        server = _Server(host, port, ScrapeAccess(database))
    except OSError as taken:
        why = f"port {port} of {host} cannot be listened on: {taken.strerror}"
        raise Refused(PORT_SETTING, why, "taken", "another port for each worker of a host, or 0 for any") from taken
    serving = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    serving.start()
    log.info("metrics are served", host=host, port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
