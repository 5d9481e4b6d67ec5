"""The hub NMS simulator as a separate process, to be started, killed and restarted by tests."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from satcom.simulators.hub_nms.__main__ import run
from satcom.simulators.hub_nms.server import token_in
from tests.prepared_process import PreparedProcess, said_first

FLEET: Mapping[str, object] = {
    "hubs": [
        {
            "id": "HUB-NAIROBI",
            "latitude_deg": -1.29,
            "longitude_deg": 36.82,
            "altitude_m": 1795,
            "antenna_diameter_m": 7.3,
            "ports": 8,
            "hpa_power_dbw": 20,
        }
    ],
    "satellites": [
        {
            "id": "SAT-33E",
            "longitude_deg": 33.0,
            "transponders": [
                {
                    "id": "TP1",
                    "uplink_center_hz": 14_250_000_000,
                    "downlink_center_hz": 11_200_000_000,
                    "bandwidth_hz": 36_000_000,
                    "uplink_polarisation": "H",
                    "downlink_polarisation": "V",
                    "eirp_saturation_dbw": 52,
                    "g_over_t_db_per_k": 4,
                    "sfd_dbw_per_m2": -85,
                    "input_backoff_db": 6,
                    "output_backoff_db": 3,
                }
            ],
        }
    ],
}
"""Illustrative: one hub and one Ku-band transponder over East Africa."""


class HubNmsProcess:
    """A running simulator. `url` stays the same over `kill` and `restart`."""

    def __init__(self, state_dir: Path, fleet: Mapping[str, object], seed: int) -> None:
        self.state_dir, self._seed = state_dir, seed
        state_dir.mkdir(parents=True, exist_ok=True)
        self._fleet = state_dir / "fleet.json"
        self._fleet.write_text(json.dumps(fleet), encoding="utf-8")
        self.token = token_in(state_dir)
        self._process, self.url = self._start(port=0)

    def _start(self, port: int) -> tuple[PreparedProcess, str]:
        log = self.state_dir.with_suffix(".log")
        said_before = log.stat().st_size if log.exists() else 0
        words = ["hub_nms", "--port", str(port), "--state", str(self.state_dir)]
        words += ["--seed", str(self._seed), "--fleet", str(self._fleet)]
        process = PreparedProcess(run, words, os.environ, log)
        return process, said_first(process, log, "http://", said_before)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: no farewell, no flush."""
        self._process.kill()
        self._process.wait(timeout=120)

    def restart(self) -> None:
        """Start again on the same port and state."""
        if self._process.poll() is None:
            self.stop()
        self._process, self.url = self._start(port=int(self.url.rsplit(":", 1)[1]))

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(timeout=120)

    def client(self) -> httpx.Client:
        """A bare client without retries, for talking to the simulator past the driver."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
            trust_env=False,
            verify=False,
        )

    def journal(self, **filters: str) -> list[dict[str, object]]:
        """Effects in order; filter by `idempotency_key` or `id`."""
        with self.client() as client:
            lines: list[dict[str, object]] = client.get("/v1/journal", params=filters).json()["items"]
        return lines

    def set_faults(self, *rules: Mapping[str, object]) -> None:
        """Put these fault rules in force, instead of those before."""
        with self.client() as client:
            client.put("/v1/faults", json={"rules": list(rules)}).raise_for_status()


@contextmanager
def hub_nms_process(tmp_path: Path, fleet: Mapping[str, object] = FLEET, seed: int = 1) -> Iterator[HubNmsProcess]:
    """A simulator with its state under `tmp_path`, stopped at the end."""
    process = HubNmsProcess(tmp_path / "hub_nms", fleet, seed)
    try:
        yield process
    finally:
        process.stop()
