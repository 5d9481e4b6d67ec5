"""Every benchmark still runs; what it measures is looked at by people, on a machine that they know."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from benchmarks import (
    events_delivered,
    fleet_visibility,
    holds_per_second,
    list_orders,
    measured,
    noc_page,
    orders_per_second,
    qualification,
    repack,
    start_of_flow,
    waiting_orders,
)
from benchmarks.twelve_tasks import TASKS, ask_for, by_hand, finished, lay_out_flows
from sqlmodel import Session, col, select

from satcom.core import migration
from satcom.core.change_log import Change
from satcom.core.database import Database
from satcom.enterprise.party import Organization
from satcom.orchestration.engine import Engine
from satcom.orchestration.plan import ProcessFlow, tasks_of
from satcom.resource.drivers.port import HubDriver
from satcom.resource.physics.visibility import fleet_windows
from tests.core.a_listener import networks
from tests.postgres_server import drop_database, new_database


@pytest.fixture
def migrated(postgres: str) -> Iterator[Database]:
    """A database as a server finds it: brought to this release by migration."""
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, connections=4)
    yield database
    database.close()
    drop_database(url)


def test_a_transponder_is_repacked() -> None:
    shares, table = repack.measure(carriers=6, bands=1)
    assert len(table.rows) == len(repack.FILLS) * len(repack.SHARES)
    assert sum(int(row[1]) for row in shares.rows) == len(table.rows)
    assert all(row[2] for row in table.rows)


def test_a_site_is_qualified_against_a_fleet_of_which_every_satellite_serves_it() -> None:
    rows, costs = qualification.measured(satellites=3, repeats=1)
    assert [row[:3] for row in rows] == [
        ["link", 3, 3 * 24 * 20 * 3],
        ["shared access", 3, 3 * 20 * 3],
        ["lease", 3, 3 * 24],
    ]
    assert costs.rows
    fleet, occupancy = qualification.a_fleet(3)
    answer = qualification.answer(fleet, occupancy, qualification.a_demand(-10.0))
    assert {one.space_segment_id for one in answer.solutions} == {one.id for one in fleet.satellites}


def test_windows_of_a_fleet_are_compared_with_skyfield_before_they_are_timed() -> None:
    rows, note = fleet_visibility.measured(satellites=20, sites=3, pairs=6, files=[])
    assert [row[1] for row in rows] == [6, 60, 60, 60]
    assert note.startswith("6 pairs compared")
    level, _ = fleet_visibility.places(1)
    fleet = fleet_visibility.a_fleet(1, [])
    windows = fleet_windows(fleet, level, fleet_visibility.START, fleet_visibility.DAY_S)
    with pytest.raises(AssertionError, match="an edge at 40000"):
        fleet_visibility.compare(windows, 0, 0, [*windows.rise_s, 40_000.0], list(windows.set_s))


def left_behind(session: Session, flow_id: str) -> dict[str, object]:
    """What a flow of twelve tasks has written, apart from ids and instants."""
    flow = session.get_one(ProcessFlow, flow_id)
    tasks = tasks_of(session, flow)
    subject = session.get_one(Organization, flow.subject_id)
    written = [flow.id, subject.id, *(task.id for task in tasks)]
    changes = session.exec(
        select(Change.entity_type, Change.version, Change.event_type).where(
            col(Change.entity_id).in_(written), col(Change.version) > 1
        )
    )
    return {
        "flow": (flow.state, flow.version, flow.finished_at is not None),
        "tasks": [(one.handler, one.state, one.result, one.version, one.fault) for one in tasks],
        "begun and ended": [one.started_at is not None and one.finished_at is not None for one in tasks],
        "subject": subject.version,
        "changes": sorted(tuple(change) for change in changes),
    }


def test_hand_written_sql_leaves_the_same_rows_as_the_engine(database: Database) -> None:
    one, other = lay_out_flows(database, 2)
    Engine(database, cast(HubDriver, None)).advance(one)
    ask_for(database, [other])
    assert by_hand(database.url) == 1
    with database.as_worker() as session:
        engine, hand = left_behind(session, one), left_behind(session, other)
        assert engine == hand
        assert len(cast(list[object], engine["changes"])) == 2 * TASKS + 1


@pytest.mark.at_length
def test_two_workers_complete_orders_of_each_kind(database: Database, tmp_path: Path) -> None:
    cases = {
        "twelve tasks, engine": orders_per_second.by_engine(database, 2, 1),
        "hand-written SQL": orders_per_second.in_sql(database, 2, 1),
    }
    assert finished(database) == orders_per_second.WARM_UP + 4
    real, stats = orders_per_second.real_orders(database, tmp_path, 1, 1)
    assert len(real) == 3
    cases |= real
    assert [row[:2] for row in orders_per_second.compared(cases).rows] == [
        (name, one[0].orders) for name, one in cases.items()
    ]
    assert list(stats) == list(real)
    assert all(table.rows for name, profile in stats.items() for table in orders_per_second.costs(name, profile, 1))


@pytest.mark.at_length
def test_holds_are_counted_at_the_database_and_by_api(migrated: Database) -> None:
    rows = holds_per_second.measured(migrated, 4)
    assert [row[:3] for row in rows] == [("in the database", 2, 4), ("in the database", 32, 4), ("by API", 32, 4)]


@pytest.mark.at_length
def test_orders_that_wait_are_copied_with_their_plans(migrated: Database, tmp_path: Path) -> None:
    rows, _ = waiting_orders.measured(migrated, tmp_path, 200)
    assert [row[0] for row in rows] == [2, 200]


@pytest.mark.at_length
def test_every_board_of_the_noc_is_opened(migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noc_page, "HISTORY_S", 2)
    monkeypatch.setattr(noc_page, "REPEATS", 1)
    monkeypatch.setattr(noc_page, "SERVICES_EACH_S", 2)
    opened, scrapes = noc_page.measured(migrated, tmp_path, 20, 10)
    assert len(opened.rows) == 3
    assert [row[0] for row in scrapes.rows] == ["/metrics", "/metrics/services"]


@pytest.mark.at_length
def test_a_flow_starts_after_its_order_is_answered(migrated: Database, tmp_path: Path) -> None:
    found = start_of_flow.measured(migrated, tmp_path, 1)
    assert len(found) == 3
    timed = found[orders_per_second.LINK][0]
    assert timed.start_s < timed.whole_s


@pytest.mark.at_length
def test_a_page_of_orders_is_listed_with_a_known_number_of_statements(migrated: Database) -> None:
    rows = list_orders.measured(migrated, 300, 4)
    assert len(rows) == 2 * len(list_orders.ASKED)
    assert {row[-1] for row in rows} == {4}  # who asks, for whom, how many there are, the page


def test_every_listener_gets_every_event(migrated: Database) -> None:
    with networks("127.0.0.0/8"):
        rows = events_delivered.measured(migrated, 100)
    assert [row[:2] for row in rows] == [(1, 100), (8, 800)]


def test_results_take_the_place_of_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text("Before.\n<!-- one -->\nold\n<!-- end of one -->\nAfter.\n", encoding="utf-8")
    monkeypatch.setattr(measured, "PAGE", page)
    table = measured.Table("Title", ("a", "b"), [("x", 1234), ("y", 0.12345)], "A note.")
    measured.publish("one", "python -m benchmarks.one", measured.load(), [table], write=True)
    told = page.read_text(encoding="utf-8")
    assert told.startswith("Before.\n<!-- one -->\n`python -m benchmarks.one`")
    assert (
        "**Title**\n\n| a | b |\n| --- | --- |\n| x | 1,234 |\n| y | 0.123 |\n\nA note.\n<!-- end of one -->\nAfter."
        in told
    )
    assert "old" not in told
    with pytest.raises(ValueError, match="has no place for two"):
        measured.publish("two", "python -m benchmarks.two", measured.load(), [table], write=True)
