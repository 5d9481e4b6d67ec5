"""The partner simulator as a separate process, to be started, killed and restarted by tests."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from satcom.core.settings import settings
from satcom.simulators.partner.__main__ import run
from satcom.simulators.partner.server import token_in
from tests.prepared_process import PreparedProcess, said_first


class PartnerProcess:
    """A running simulator. `url` stays the same over `kill` and `restart`."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.token = token_in(state_dir)
        self._process, self.url = self._start(port=0)

    def _start(self, port: int) -> tuple[PreparedProcess, str]:
        log = self.state_dir.with_suffix(".log")
        said_before = log.stat().st_size if log.exists() else 0
        words = ["partner", "--port", str(port), "--state", str(self.state_dir)]
        process = PreparedProcess(run, words, os.environ, log)
        return process, said_first(process, log, "http://", said_before)

    @property
    def tokens(self) -> str:
        """The setting that connects an installation to this partner."""
        return json.dumps({self.url: self.token})

    def kill(self) -> None:
        """SIGKILL: no farewell, no flush."""
        self._process.kill()
        self._process.wait(timeout=30)

    def restart(self) -> None:
        """Start again on the same port and state."""
        self._process, self.url = self._start(port=int(self.url.rsplit(":", 1)[1]))

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(timeout=30)

    def client(self) -> httpx.Client:
        """A bare client, for talking to the simulator past the driver."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=False)

    def journal(self) -> list[str]:
        """Every effect in order."""
        with self.client() as client:
            return [str(line["action"]) for line in client.get("/v1/journal").json()]

    def set_world(self, **changes: float | None) -> None:
        with self.client() as client:
            world = client.get("/v1/world").json() | changes
            client.put("/v1/world", json=world).raise_for_status()

    def set_faults(self, *rules: Mapping[str, object]) -> None:
        """Put these fault rules in force, instead of those before."""
        with self.client() as client:
            client.put("/v1/faults", json={"rules": list(rules)}).raise_for_status()


@contextmanager
def partner_process(tmp_path: Path) -> Iterator[PartnerProcess]:
    """A simulator with its state under `tmp_path`, stopped at the end."""
    process = PartnerProcess(tmp_path / "partner")
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def connected_to(*partners: PartnerProcess) -> Iterator[None]:
    """This process has the tokens of the partners among its settings."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SATCOM_PARTNER_TOKENS", json.dumps({one.url: one.token for one in partners}))
        settings.cache_clear()
        yield
    settings.cache_clear()
