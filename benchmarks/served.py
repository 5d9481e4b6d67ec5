"""The server as it is started in operation, in a process of its own, and a client with a token for it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Hub:
    """Where the server reaches its hub."""

    url: str
    token: str


@contextmanager
def served(database_url: str, hub: Hub | None = None, workers: int = 0) -> Iterator[str]:
    """The address of `satcom serve` on this database, advancing `workers` orders at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chosen = {"DATABASE_URL": database_url, "PORT": str(port), "WORKERS": str(workers)}
    chosen |= {"HUB_NMS_URL": hub.url, "HUB_NMS_TOKEN": hub.token} if hub is not None else {}
    environment = os.environ | {f"SATCOM_{name}": value for name, value in chosen.items()}
    with TemporaryDirectory(prefix="satcom-served-") as folder, (Path(folder) / "log").open("wb") as log:
        program = Path(sys.executable).with_name("satcom")
        process = subprocess.Popen([program, "serve"], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(process, address, Path(folder) / "log")
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Until it serves. Raises `RuntimeError` with its last words when it does not."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{address}/health", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)  # it does not listen yet
    raise RuntimeError(f"the server does not serve: {log.read_text(errors='replace')[-1000:]}")


def client(address: str, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=address, headers=headers, timeout=PATIENCE_S, trust_env=False)
