"""The program `satcom`, which kills itself at chosen points of a flow: `python -m tests.crash.killable serve`.

What it runs is the program itself; only the observer of its engine, the times after which a dead worker is taken over,
and for the mutant the keys that its driver sends, are put in from here.
"""

import os
import select
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, partialmethod
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import httpx

from satcom.app import cli, worker
from satcom.core.clock import BusinessClock, clock
from satcom.orchestration.engine import Engine
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.wave import Phase
from satcom.resource.drivers.hub_nms import HubNmsDriver
from tests.crash.points import Points, point_of

FOLDER, FRESH_KEYS, TODAY = "CRASH_POINTS", "CRASH_FRESH_KEYS", "CRASH_TODAY"
LEASE = timedelta(seconds=4)
DEAD_AFTER_S, HEARTBEAT_S = 3.0, 0.5


class Wire(httpx.HTTPTransport):
    """The way to the hub. A blow may fall between two requests of one call.

    The mutant sends every attempt under a key of its own, so that it is a new request to the hub.
    """

    def __init__(self, points: Points, fresh_keys: bool) -> None:
        super().__init__()
        self.points, self.fresh_keys = points, fresh_keys

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.fresh_keys and "Idempotency-Key" in request.headers:
            request.headers["Idempotency-Key"] = uuid4().hex
        answer = super().handle_request(request)
        if answer.is_success:
            strike(self.points, f"hub {request.method} {request.url.path.split('/')[2]} result")
        return answer


def strike(points: Points, point: str) -> None:
    if points.claim(point):
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    points = Points(Path(os.environ[FOLDER]))

    def observe(task: TaskFlow, phase: Phase) -> None:
        strike(points, point_of(task, phase))

    of_settings = clock
    if TODAY in os.environ:  # when business is done, whatever the settings say
        clock.advance(datetime.fromisoformat(os.environ[TODAY]) - clock.now())
        of_settings = BusinessClock()
    # libfaketime takes the absolute times of Python's own sleep for those of the clock that was set
    pause: Callable[[float], object] = (
        partial(select.select, [], [], []) if "FAKETIME_TIMESTAMP_FILE" in os.environ else time.sleep
    )
    transport = Wire(points, fresh_keys=bool(os.environ.get(FRESH_KEYS)))
    with (
        patch.object(Engine, "__init__", partialmethod(Engine.__init__, observe=observe, lease=LEASE)),
        patch.object(HubNmsDriver, "__init__", partialmethod(HubNmsDriver.__init__, transport=transport)),
        patch.object(time, "sleep", pause),
        patch.object(cli, "clock", of_settings),
        patch.object(worker, "DEAD_AFTER_S", DEAD_AFTER_S),
        patch.object(worker, "HEARTBEAT_S", HEARTBEAT_S),
    ):
        cli.main()


if __name__ == "__main__":
    main()
