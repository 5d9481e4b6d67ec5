"""The clock of a machine is set while orders run, the database server's with it: they go on, and nothing is done twice.

That an hour passes, or a day, is said by setting the clock; the programs are the real ones.
"""

import time
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from satcom.core.access import create_token
from tests.crash.agreement import disagreements
from tests.crash.an_installation import Installation, an_installation
from tests.crash.office import FLOWS, Kind, Office
from tests.hardening.a_set_clock import SetClock, a_set_clock

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
READ_S = 3.0  # until every program has seen what the clock was set to


def let_in_for_long(installation: Installation) -> None:
    """A token that outlives the days that are let pass."""
    with installation.operation.database.as_worker() as session:
        _, secret = create_token(session, "of a long test", ["administrator"], None, timedelta(days=30))
    installation.headers = {"Authorization": f"Bearer {secret}"}


def all_in_service(installation: Installation, office: Office, orders: int) -> None:
    assert office.until(lambda: not office.open(), within_s=600), installation.stuck()
    assert [story.state for story in office.stories] == ["completed"] * orders
    with (
        httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
        installation.operation.hub.client() as hub,
    ):
        assert disagreements(api, hub) == []
    assert installation.ended == [], installation.last_words()


def calls(office: Office) -> list[dict[str, Any]]:
    """The tasks that call the hub, as the NOC sees them."""
    flows = office.listed(FLOWS, fields="id")
    tasks = [office.listed(f"{FLOWS}/{one['id']}/taskFlow", taskFlowSpecification="configure_hub")[0] for one in flows]
    return [one | {said["name"]: said["value"] for said in one["characteristic"]} for one in tasks]


def waits_visibly(call: dict[str, Any]) -> bool:
    """It was tried again and again, and says why it did not succeed."""
    why = call.get("fault") or {}
    return call["state"] in ("new", "active") and call["attempts"] >= 3 and why.get("code") == "driverUnavailable"


def set_to(clock: SetClock, ahead: timedelta) -> None:
    clock.set_ahead(ahead)
    time.sleep(READ_S)


def test_orders_go_on_when_the_clock_jumps_a_day_ahead_and_an_hour_back(tmp_path: Path) -> None:
    with a_set_clock() as clock, an_installation(tmp_path, in_stock=12, further=clock.surroundings) as installation:
        let_in_for_long(installation)
        office = Office(installation, Random(1))
        with installation.watched_over():
            installation.wait_until_served()
            office.place([Kind.PATIENT] * 4)
            set_to(clock, DAY)
            office.place([Kind.PATIENT] * 4)
            installation.operation.hub.kill()  # calls are under way, and will be tried again
            time.sleep(2)
            set_to(clock, DAY - HOUR)
            installation.kill("worker 1")  # its heartbeat, its lease: an hour ahead of now
            installation.operation.hub.restart()
            office.place([Kind.PATIENT] * 4)
            all_in_service(installation, office, orders=12)


def test_an_order_waits_visibly_while_the_hub_is_away_for_an_hour_and_then_goes_on(tmp_path: Path) -> None:
    with a_set_clock() as clock, an_installation(tmp_path, in_stock=6, further=clock.surroundings) as installation:
        let_in_for_long(installation)
        office = Office(installation, Random(1))
        with installation.watched_over():
            installation.wait_until_served()
            installation.operation.hub.kill()
            office.place([Kind.PATIENT] * 4)
            for minutes in range(
                0, 600, 20
            ):  # a call ends long before its lease does: by leaps, with a rest after each
                set_to(clock, minutes * MINUTE)
                if minutes >= 60 and all(waits_visibly(call) for call in calls(office)):
                    break
            office.step()
            assert len(office.open()) == 4
            assert [call for call in calls(office) if not waits_visibly(call)] == []
            installation.operation.hub.restart()
            set_to(clock, (minutes + 20) * MINUTE)
            all_in_service(installation, office, orders=4)
