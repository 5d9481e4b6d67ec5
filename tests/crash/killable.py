"""The program `satcom`, which kills itself at chosen points of a flow: `python -m tests.crash.killable serve`.

What it runs is the program itself; only the observer of its engine, the times after which a dead worker is taken over,
and for the mutant the keys that its driver sends, are put in from here.
"""

import os
import signal
from datetime import timedelta
from functools import partialmethod
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import httpx

from satcom.app import cli, worker
from satcom.orchestration.engine import Engine, Phase
from satcom.orchestration.plan import TaskFlow
from satcom.resource.drivers.hub_nms import HubNmsDriver
from tests.crash.points import Points, point_of

FOLDER, FRESH_KEYS = "CRASH_POINTS", "CRASH_FRESH_KEYS"
LEASE = timedelta(seconds=4)
DEAD_AFTER_S, HEARTBEAT_S = 3.0, 0.5


class FreshKeys(httpx.HTTPTransport):
    """The mutant: every attempt is a new request to the hub."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "Idempotency-Key" in request.headers:
            request.headers["Idempotency-Key"] = uuid4().hex
        return super().handle_request(request)


def main() -> None:
    points = Points(Path(os.environ[FOLDER]))

    def strike(task: TaskFlow, phase: Phase) -> None:
        if points.claim(point_of(task, phase)):
            os.kill(os.getpid(), signal.SIGKILL)

    transport = FreshKeys() if os.environ.get(FRESH_KEYS) else None
    with (
        patch.object(Engine, "__init__", partialmethod(Engine.__init__, observe=strike, lease=LEASE)),
        patch.object(HubNmsDriver, "__init__", partialmethod(HubNmsDriver.__init__, transport=transport)),
        patch.object(worker, "DEAD_AFTER_S", DEAD_AFTER_S),
        patch.object(worker, "HEARTBEAT_S", HEARTBEAT_S),
    ):
        cli.main()


if __name__ == "__main__":
    main()
