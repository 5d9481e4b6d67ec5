"""The program `satcom`, which kills itself at chosen points of a flow: `python -m tests.crash.killable serve`.

What it runs is the program itself; only the observer of its engine, who is told of what people do, the times after
which a dead worker is taken over, the time of day, and for the mutant the keys that its driver sends, are put in from
here.
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
from sqlalchemy import event
from sqlmodel import Session

from satcom.app import cli, declarations, worker
from satcom.core.clock import BusinessClock, clock
from satcom.core.events import on
from satcom.market.order_approval import OrderApprovalDecided
from satcom.orchestration.engine import Engine
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.wave import Phase
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.satellite_life import InServiceDateMoved, SatelliteEnteredService
from satcom.service.installation import InstallationMoved
from satcom.supplychain.drivers.tmf_partner import TmfPartnerDriver
from satcom.supplychain.procurement import TerminalDelivered
from tests.crash.kind_of_flow import kinds_of_flows
from tests.crash.points import Points, point_of
from tests.crash.shared_time import VARIABLE, SharedTime

FOLDER, FRESH_KEYS, TODAY = "CRASH_POINTS", "CRASH_FRESH_KEYS", "CRASH_TODAY"
LEASE = timedelta(seconds=4)
DEAD_AFTER_S, HEARTBEAT_S = 3.0, 0.5
# what people do that orders wait for, with all that follows from it in one transaction
DEEDS: tuple[type, ...] = (
    OrderApprovalDecided,
    TerminalDelivered,
    InstallationMoved,
    InServiceDateMoved,
    SatelliteEnteredService,
)


class Wire(httpx.HTTPTransport):
    """The way to the hub, or to a partner. A blow may fall between two requests of one call.

    The mutant sends every attempt under a key of its own, so that it is a new request to whoever gets it. `called` is
    the place in the path of what a request is about.
    """

    def __init__(self, points: Points, fresh_keys: bool, to: str = "hub", called: int = 2) -> None:
        super().__init__()
        self.points, self.fresh_keys, self.to, self.called = points, fresh_keys, to, called

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.fresh_keys and "Idempotency-Key" in request.headers:
            request.headers["Idempotency-Key"] = uuid4().hex
        answer = super().handle_request(request)
        if answer.is_success:
            about = request.url.path.split("/")[self.called]
            strike(self.points, f"{self.to} {request.method} {about} result")
        return answer


def strike(points: Points, point: str) -> None:
    if points.claim(point):
        os.kill(os.getpid(), signal.SIGKILL)


def watch_deeds(points: Points) -> None:
    """A blow may fall once all has followed from a deed and nothing is committed, and before its doer is answered."""
    assert declarations.ROUTES  # whoever follows has registered before

    def done(session: Session, deed: object) -> None:
        name = type(deed).__name__
        session.info.setdefault("deeds", set()).add(name)
        strike(points, f"{name} call")

    def committed(session: Session) -> None:
        if not session.in_nested_transaction():
            for name in session.info.pop("deeds", ()):
                strike(points, f"{name} result")

    for kind in DEEDS:
        on(kind)(done)
    event.listen(Session, "after_commit", committed)


def main() -> None:
    points = Points(Path(os.environ[FOLDER]))
    watch_deeds(points)

    kind_of = kinds_of_flows(os.environ["SATCOM_DATABASE_URL"])

    def observe(task: TaskFlow, phase: Phase) -> None:
        point = point_of(task, phase)
        if any(one.endswith(f": {point}") for one in points.open()):
            strike(points, f"{kind_of(task.process_flow_id)}: {point}")

    of_settings = clock
    if TODAY in os.environ:  # when business is done, whatever the settings say
        clock.advance(datetime.fromisoformat(os.environ[TODAY]) - clock.now())
        of_settings = BusinessClock()
    # libfaketime takes the absolute times of Python's own sleep for those of the clock that was set
    pause: Callable[[float], object] = (
        partial(select.select, [], [], []) if "FAKETIME_TIMESTAMP_FILE" in os.environ else time.sleep
    )
    time_of_day: Callable[..., datetime] = BusinessClock.now
    if VARIABLE in os.environ:
        time_of_day = SharedTime(Path(os.environ[VARIABLE])).now
    fresh_keys = bool(os.environ.get(FRESH_KEYS))
    transport = Wire(points, fresh_keys)
    partner_driver = TmfPartnerDriver.__init__

    def to_partner(driver: TmfPartnerDriver, url: str, token: str, *, timeout_s: float, attempts: int) -> None:
        wire = Wire(points, fresh_keys, to="partner", called=4)  # each of these drivers closes its own
        partner_driver(driver, url, token, timeout_s=timeout_s, attempts=attempts, transport=wire)

    with (
        patch.object(Engine, "__init__", partialmethod(Engine.__init__, observe=observe, lease=LEASE)),
        patch.object(HubNmsDriver, "__init__", partialmethod(HubNmsDriver.__init__, transport=transport)),
        patch.object(TmfPartnerDriver, "__init__", to_partner),
        patch.object(BusinessClock, "now", time_of_day),
        patch.object(time, "sleep", pause),
        patch.object(cli, "clock", of_settings),
        patch.object(worker, "DEAD_AFTER_S", DEAD_AFTER_S),
        patch.object(worker, "HEARTBEAT_S", HEARTBEAT_S),
    ):
        cli.main()


if __name__ == "__main__":
    main()
