"""The real Prometheus and Alertmanager on loopback, with this project's configuration, and a webhook that is told.

Debian's packages `prometheus` and `prometheus-alertmanager`; a test that finds them missing fails.
"""

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE_S = 30.0
Told = dict[str, Any]  # JSON of Alertmanager


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(come: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + within_s
    while not come():
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}"
        time.sleep(0.1)


@dataclass
class Webhook:
    """Who is told. `told` holds the alerts by receiver."""

    port: int
    told: dict[str, list[Told]] = field(default_factory=dict)

    def heard(self, receiver: str, alert: str, status: str = "firing") -> Told | None:
        """The first time that the receiver was told of the alert."""
        for one in list(self.told.get(receiver, [])):
            if one["labels"]["alertname"] == alert and one["status"] == status:
                return one
        return None


@contextmanager
def a_webhook() -> Iterator[Webhook]:
    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            webhook.told.setdefault(self.path.strip("/"), []).extend(body["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    webhook = Webhook(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _running(command: list[str], url: str, log: Path) -> Iterator[str]:
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT, cwd=log.parent)
    try:

        def ready() -> bool:
            assert process.poll() is None, f"{command[0]} ended: {log.read_text(errors='replace')[-2000:]}"
            try:
                return httpx.get(f"{url}/-/ready", timeout=5, trust_env=False, verify=False).status_code == 200
            except httpx.TransportError:
                return False

        until(ready, f"{command[0]} to be ready")
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def an_alertmanager(folder: Path, webhook: Webhook) -> Iterator[str]:
    """With the shipped routes; it waits a moment before it tells, not half a minute. Its address."""
    port, text = free_port(), (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    text = re.sub(
        r"group_(wait|interval): \w+", r"group_\1: 1s", text.replace("127.0.0.1:9099", f"127.0.0.1:{webhook.port}")
    )
    configuration = folder / "alertmanager.yml"
    configuration.write_text(text, encoding="utf-8")
    command = ["prometheus-alertmanager", f"--config.file={configuration}", f"--storage.path={folder / 'alerts'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with _running(command, f"http://127.0.0.1:{port}", folder / "alertmanager.log") as url:
        yield url


def configured(folder: Path, satcom_ports: tuple[int, int], alertmanager_port: int, token: str) -> Path:
    """The shipped configuration for a server and one worker at these ports.

    It scrapes and judges each second, and no alert waits.
    """
    (folder / "rules").mkdir()
    for rules in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
        text = re.sub(r"\bfor: \w+", "for: 0s", rules.read_text(encoding="utf-8"))
        (folder / "rules" / rules.name).write_text(text, encoding="utf-8")
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    server_port, worker_port = satcom_ports
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{server_port}")
    text = text.replace("127.0.0.1:8001, 127.0.0.1:8002", f"127.0.0.1:{worker_port}")
    text = text.replace("127.0.0.1:9093", f"127.0.0.1:{alertmanager_port}")
    text = re.sub(r"_interval: \d+s", "_interval: 1s", re.sub(r" +scrape_timeout: \d+s\n", "", text))
    (folder / "satcom.token").write_text(token, encoding="utf-8")
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    return folder / "prometheus.yml"


@dataclass(frozen=True)
class Prometheus:
    url: str

    def ask(self, expression: str) -> list[Told]:
        """The samples that the expression has now. A query that Prometheus refuses is an assertion."""
        answer = httpx.get(
            f"{self.url}/api/v1/query", params={"query": expression}, timeout=10, trust_env=False, verify=False
        )
        body = answer.json()
        assert body["status"] == "success", f"{expression}: {body.get('error')}"
        found: list[Told] = body["data"]["result"]
        return found

    def targets(self) -> list[Told]:
        found: list[Told] = httpx.get(f"{self.url}/api/v1/targets", timeout=10, trust_env=False, verify=False).json()[
            "data"
        ]["activeTargets"]
        return found


@contextmanager
def a_prometheus(folder: Path, configuration: Path) -> Iterator[Prometheus]:
    port = free_port()
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'series'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle"]
    with _running(command, f"http://127.0.0.1:{port}", folder / "prometheus.log") as url:
        yield Prometheus(url)
