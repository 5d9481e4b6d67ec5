"""An upgrade meets 200 orders in flight, laid out by the release before: all of them finish.

What is upgraded is kept under tests/data, made by that release itself: `tests.hardening.orders_in_flight`.
"""

import json
import lzma
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
from sqlalchemy import text

from satcom.app.simulated_hub import fleet_of
from satcom.core import migration
from satcom.core.backup import restore
from satcom.core.database import Database
from satcom.orchestration.plan import handler_called, know_handlers
from satcom.resource.drivers.hub_nms import HubNmsDriver
from tests.crash.agreement import disagreements
from tests.crash.an_installation import Installation, a_database_server
from tests.crash.killable import TODAY
from tests.crash.office import FLOWS, Kind, Office, Story
from tests.hardening.orders_in_flight import BEGINS_LATER, CANCELLED, DATABASE, HUB, IN_RAIN
from tests.house.checkout import ROOT
from tests.market.a_market import Market
from tests.orchestration.operations.an_order_to_service import Operation
from tests.simulators.hub_nms_process import hub_nms_process

BEFORE = ROOT / "tests/data/release_0_1_0"
ORDERS_IN_FLIGHT = 200
CALLED = text("SELECT handler FROM task_flow UNION SELECT undo_handler FROM task_flow WHERE undo_handler IS NOT NULL")
FIRST_OFFICE_DAY = BEGINS_LATER + timedelta(hours=1)  # the orders that begin on a date begin


@contextmanager
def upgraded(folder: Path) -> Iterator[Installation]:
    """The installation of the release before, on this release; not started. Business goes on some hours later."""
    about: dict[str, Any] = json.loads((BEFORE / "about.json").read_text(encoding="utf-8"))
    for name, where in ((DATABASE, folder), (HUB, folder / "hub_nms")):
        where.mkdir(exist_ok=True)
        (where / name).write_bytes(lzma.decompress((BEFORE / f"{name}.xz").read_bytes()))
    with a_database_server() as (data_dir, url):
        migration.prepare(url)
        restore(url, folder / DATABASE)
        assert migration.current(url) == "0001"
        migration.upgrade(url)
        database = Database(url, connections=4)
        with database.as_worker() as session:
            called = session.connection().execute(CALLED).scalars().all()
            fleet = fleet_of(session)
        know_handlers()
        assert [name for name in called if handler_called(name).__name__ != name] == []
        with hub_nms_process(folder, fleet) as hub, HubNmsDriver(hub.url, hub.token) as driver:
            hub.set_faults()
            operation = Operation(database, Market(**about["market"]), hub, driver)
            today = datetime.fromisoformat(about["at"]) + FIRST_OFFICE_DAY
            yield Installation(operation, folder, data_dir, further={TODAY: today.isoformat()})
        database.close()


def test_200_orders_of_the_release_before_finish_on_this_one(tmp_path: Path) -> None:
    with upgraded(tmp_path) as installation, installation.watched_over():
        installation.wait_until_served()
        office = Office(installation, Random(1))
        with httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api:
            flows = office.listed(FLOWS)
            assert len(flows) == ORDERS_IN_FLIGHT
            office.stories = [
                Story(number, Kind.PATIENT, 0, 0, order=flow["relatedEntity"][0]["id"], flow=flow["id"])
                for number, flow in enumerate(flows)
            ]
            judged = judge_failed_tests(office, api)
            assert office.until(lambda: not office.open(), within_s=600), installation.stuck()
            assert judged == IN_RAIN
            states = Counter(story.state for story in office.stories)
            assert states == {"completed": ORDERS_IN_FLIGHT - CANCELLED, "cancelled": CANCELLED}, causes(office)
            with installation.operation.hub.client() as hub:
                assert disagreements(api, hub) == []
            # and a new one, as this release lays it out
            office.place([Kind.PATIENT] * 2)
            assert office.until(lambda: not office.open(), within_s=600), installation.last_words()
            assert [story.state for story in office.stories[-2:]] == ["completed"] * 2
        assert installation.ended == [], installation.last_words()


def causes(office: Office) -> Counter[str]:
    """Why flows were undone."""
    told = (one.get("characteristic", []) for one in office.listed(FLOWS))
    return Counter(str(one["value"]) for named in told for one in named if one["name"] == "cause")


def judge_failed_tests(office: Office, api: httpx.Client) -> int:
    """The NOC accepts the links whose test failed in the rain; how many."""
    judged = 0
    for story in office.stories:
        tests = office.listed(f"{FLOWS}/{story.flow}/taskFlow", taskFlowSpecification="accept_test", state="hold")
        for test in tests:
            api.patch(f"{FLOWS}/{story.flow}/taskFlow/{test['id']}", json={"state": "completed"}).raise_for_status()
            judged += 1
    return judged
