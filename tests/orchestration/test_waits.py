"""The list of what orders wait for: its first page costs the same however many wait."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, text

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.tmf_query import read_query
from satcom.core.values import instant_text
from satcom.orchestration import waits
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskKind, TaskState
from satcom.orchestration.waits import open_waits
from tests.market.a_market import a_token

WAITING, PAGE, COUNTED = 4_000, 20, 50
COPIES = (
    "INSERT INTO task_flow ({names}) SELECT {values} FROM task_flow one, generate_series(1, :copies) number"
    " WHERE one.task_flow_specification = :like"
)


def copy(connection: Connection, like: str, copies: int, **other: str) -> None:
    """Tasks as the one called `like`, `other` columns apart."""
    names = [column.name for column in TaskFlow.__table__.columns]  # type: ignore[attr-defined]
    other |= {"id": "gen_random_uuid()", "task_flow_specification": "one.task_flow_specification || number"}
    values = ", ".join(other.get(name, f"one.{name}") for name in names)
    statement = text(COPIES.format(names=", ".join(names), values=values))
    connection.execute(statement, {"copies": copies, "like": like})


@pytest.fixture
def waiting(database: Database) -> Database:
    """Waits of supply and planning, in a table in which most is done."""
    with database.as_worker() as session:
        flow = ProcessFlow(process_flow_specification="x", subject_id=new_id(), reference="PO-2026-000001")
        session.add(flow)
        session.flush()
        for name, kind, state, owner in (
            ("wait", TaskKind.WAIT, TaskState.ACTIVE, "supply"),
            ("outside wait", TaskKind.OUTSIDE, TaskState.ACTIVE, "planning"),
            ("call", TaskKind.OUTSIDE, TaskState.ACTIVE, None),
            ("done", TaskKind.DATABASE, TaskState.COMPLETED, None),
        ):
            task = TaskFlow(
                process_flow_id=flow.id,
                task_flow_specification=name,
                position=0,
                kind=kind,
                handler="h",
                state=state,
                owner=owner,
                due_at=now(),
            )
            session.add(task)
    engine = create_engine(database.url)
    with engine.begin() as connection:
        copy(connection, "wait", WAITING, due_at="one.due_at + number * interval '1 minute'")
        copy(connection, "done", 10 * WAITING)
        connection.execute(text("ANALYZE task_flow"))
    engine.dispose()
    return database


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What reads a table, and what sorts."""
    if "Relation Name" in plan or plan["Node Type"] == "Sort":
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


def rows_read(database: Database, query: str) -> int:
    """How many rows of tasks the database looks at for a page of waits, with what it threw away."""
    asked: list[tuple[str, Any]] = []
    secret = a_token(database, "noc")["Authorization"].removeprefix("Bearer ")
    parameters = [(name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one)]
    with database.request(secret) as (session, by):
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda _, __, sql, given, *___: asked.append((sql, given)))
        page = open_waits(session, read_query([*parameters, ("limit", str(PAGE))]), by)
        assert page.total is None
        assert len(page.rows) == PAGE
        read = 0
        for sql, given in [one for one in asked if "FROM task_flow" in one[0]]:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", given).scalar_one()
            for one in scans(explained[0]["Plan"]):
                if one.get("Relation Name", "task_flow") == "task_flow":
                    read += int(one["Actual Rows"]) + int(one.get("Rows Removed by Filter", 0))
    return read


@pytest.mark.parametrize("query", ["", "owner=supply", "owner=supply&dueAt.gt=NOW"])
def test_the_first_page_of_thousands_of_waits_reads_a_page_and_what_is_counted(
    waiting: Database, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    query = query.replace("NOW", instant_text(now()))  # each worker of the tests collects the same names
    monkeypatch.setattr(waits, "OPEN", replace(waits.OPEN, counted=COUNTED))
    assert rows_read(waiting, query) <= COUNTED + 1 + PAGE


def test_waits_are_counted_up_to_a_limit_and_calls_are_none(waiting: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = a_token(waiting, "noc")["Authorization"].removeprefix("Bearer ")
    with waiting.request(secret) as (session, by):
        page = open_waits(session, read_query([("limit", "3")]), by)
        assert (page.total, len(page.rows)) == (WAITING + 2, 3)
        due = [one for row in page.rows for one in row["characteristic"] if one["name"] == "dueAt"]  # type: ignore[union-attr, index, call-overload]
        assert due == sorted(due, key=lambda one: str(one["value"]))  # type: ignore[index, call-overload]
        beyond = open_waits(session, read_query([("offset", str(WAITING + 2))]), by)
        assert (beyond.total, beyond.rows) == (WAITING + 2, [])
        monkeypatch.setattr(waits, "OPEN", replace(waits.OPEN, counted=WAITING + 1))
        more = open_waits(session, read_query([("offset", str(WAITING + 1))]), by)
        assert (more.total, len(more.rows)) == (None, 1)
        assert open_waits(session, read_query([("offset", str(WAITING + 9))]), by).rows == []
