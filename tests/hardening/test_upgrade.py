"""An upgrade meets orders in flight, laid out by the release before: all of them finish.

What is upgraded is kept under tests/data, made by that release itself: `tests.hardening.orders_in_flight`. The first
one sold links alone, 200 of them (`make soak`); in `revision_0019` every kind of service is ordered, changed, ended and
cancelled.
"""

import json
import lzma
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import col, select

from satcom.app.simulated_hub import fleet_of
from satcom.core import migration
from satcom.core.backup import restore
from satcom.core.database import Database
from satcom.market.ordering import ENDED, ProductOrder
from satcom.orchestration.plan import handler_called, know_handlers
from satcom.resource.drivers.hub_nms import HubNmsDriver
from tests.crash.agreement import disagreements, read_books, undone
from tests.crash.agreement_of_change import action_of, disagreements_of_change
from tests.crash.an_installation import Installation, a_database_server
from tests.crash.killable import TODAY
from tests.crash.office import FLOWS, ORDERS, WAITS, Kind, Office, Story
from tests.crash.sold import Offers, Sold
from tests.hardening.orders_in_flight import BEGINS_LATER, DATABASE, HUB, PARTNER, by_kind, kinds_of
from tests.house.checkout import ROOT
from tests.market.a_market import Market
from tests.orchestration.operations.an_order_to_service import Operation
from tests.simulators.hub_nms_process import hub_nms_process
from tests.simulators.partner_process import PartnerProcess, partner_process

BEFORE = (pytest.param("release_0_1_0", marks=pytest.mark.at_length), "revision_0019")
CALLED = text("SELECT handler FROM task_flow UNION SELECT undo_handler FROM task_flow WHERE undo_handler IS NOT NULL")
TEST, CARRIERS = "accept_test", ("carriers_are_moved", "carriers_are_off")
FIRST_OFFICE_DAY = BEGINS_LATER + timedelta(hours=1)  # the orders that begin on a date begin


@dataclass(frozen=True)
class Kept:
    """What a release before has left under tests/data."""

    folder: Path

    @cached_property
    def about(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
        return told

    @property
    def tests_failed(self) -> int:
        """How many wait for a person to judge them."""
        return sum(int(number) for name, _, state, _, number in self.about["tasks"] if name == TEST and state == "hold")

    def unpack(self, name: str, into: Path) -> Path:
        into.mkdir(exist_ok=True)
        (into / name).write_bytes(lzma.decompress((self.folder / f"{name}.xz").read_bytes()))
        return into / name

    @property
    def offers(self) -> Offers:
        """What could be ordered of it."""
        of_kind = {Sold[name]: offering for name, offering in self.about["offers"].items()}
        return Offers(Market(**self.about["market"]), of_kind)


@contextmanager
def upgraded(kept: Kept, folder: Path) -> Iterator[Installation]:
    """The installation of the release before, on this release; not started. Business goes on some hours later."""
    about = kept.about
    kept.unpack(HUB, folder / "hub_nms")
    with a_database_server() as (data_dir, url), its_partner(kept, folder) as partner:
        dump = kept.unpack(DATABASE, folder)
        if partner is not None:  # he answers at another port now, of as many digits
            dump.write_bytes(dump.read_bytes().replace(about["partner"].encode(), partner.url.encode()))
        migration.prepare(url)
        restore(url, dump)
        assert migration.current(url) == about["revision"]
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
            yield Installation(operation, folder, data_dir, further={TODAY: today.isoformat()}, partner=partner)
        database.close()


@contextmanager
def its_partner(kept: Kept, folder: Path) -> Iterator[PartnerProcess | None]:
    """He has delivered meanwhile what was ordered; and hears and is heard again."""
    if "partner" not in kept.about:
        yield None
        return
    kept.unpack(PARTNER, folder / "partner")
    with partner_process(folder) as partner:
        partner.set_world(delivery_s=0)
        partner.set_faults()
        yield partner


@pytest.mark.parametrize("before", BEFORE)
def test_orders_of_the_release_before_finish_on_this_one(before: str, tmp_path: Path) -> None:
    kept = Kept(ROOT / "tests/data" / before)
    cancelled = kept.about["cancelled"]
    with upgraded(kept, tmp_path) as installation:
        in_flight = not_ended(installation)
        with installation.watched_over():
            installation.wait_until_served()
            office = Office(installation, Random(1), kept.offers)
            office.stories = stories_of(office, in_flight)
            assert by_kind(office.listed(ORDERS), in_flight) == kept.about["orders"]
            assert judge_failed_tests(office) == kept.tests_failed
            assert office.until(lambda: finished(office), within_s=600), installation.stuck()
            states = Counter(story.state for story in office.stories)
            expected = {"completed": len(in_flight) - cancelled, "cancelled": cancelled}
            assert states == expected, f"{causes(office)}\n{installation.last_words()}"
            assert books_differ(kept, installation) == []
            # and new ones, as this release lays them out
            office.place_each((sold, Kind.PATIENT) for sold in kept.offers.of_kind)
            assert office.until(lambda: not office.open(), within_s=600), installation.last_words()
            assert {story.state for story in office.stories[len(in_flight) :]} == {"completed"}
        assert installation.ended == [], installation.last_words()


def not_ended(installation: Installation) -> set[str]:
    """The orders that the upgrade meets in flight."""
    with installation.operation.database.as_worker() as session:
        return set(session.exec(select(ProductOrder.id).where(col(ProductOrder.state).not_in(ENDED))))


def stories_of(office: Office, order_ids: set[str]) -> list[Story]:
    """They are patient all."""
    orders = office.listed(ORDERS)
    kinds, flows = kinds_of(orders), {one["relatedEntity"][0]["id"]: one["id"] for one in office.listed(FLOWS)}
    return [
        Story(number, Kind.PATIENT, 0, 0, kinds[one["id"]], one["id"], one["reference"], flow=flows[one["id"]])
        for number, one in enumerate(orders)
        if one["id"] in order_ids
    ]


def finished(office: Office) -> bool:
    """Whether all have ended. The NOC sees meanwhile that the carriers of leases are moved, or off."""
    for wait in office.listed(WAITS, owner="noc"):
        if wait["taskFlowSpecification"] in CARRIERS:
            answer = office.ask("PATCH", wait["href"], {"state": "completed"})
            assert answer.status_code in (200, 409), answer.text  # 409: it has ended just now
    return not office.open()


def books_differ(kept: Kept, installation: Installation) -> list[str]:
    with (
        httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
        installation.operation.hub.client() as hub,
    ):
        if "partner" not in kept.about:  # each order has delivered a product of its own
            return disagreements(api, hub)
        books = read_books(api, hub)
        left = [
            f"{one['reference']}: {what}"
            for one in books.orders.values()
            if one["state"] != "completed" and action_of(one) == "add"
            for what in undone(books, one)
        ]
        with installation.partner.client() as partner:
            return left + disagreements_of_change(api, hub, partner)


def causes(office: Office) -> Counter[str]:
    """Why flows were undone."""
    told = (one.get("characteristic", []) for one in office.listed(FLOWS))
    return Counter(str(one["value"]) for named in told for one in named if one["name"] == "cause")


def judge_failed_tests(office: Office) -> int:
    """The NOC accepts what failed its test in the rain; how many."""
    judged = 0
    for story in office.stories:
        tests = office.listed(f"{FLOWS}/{story.flow}/taskFlow", taskFlowSpecification=TEST, state="hold")
        for test in tests:
            answer = office.ask("PATCH", f"{FLOWS}/{story.flow}/taskFlow/{test['id']}", {"state": "completed"})
            assert answer.status_code == 200, answer.text
            judged += 1
    return judged
