"""What a wave asks of the database, counted: it costs the same however the statements are timed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from sqlalchemy import event
from sqlmodel import Session

from satcom.core.database import Database, find, find_for_update
from satcom.core.values import Json
from satcom.enterprise.party import Organization
from satcom.orchestration.engine import Engine
from satcom.orchestration.plan import (
    FlowState,
    Plan,
    ProcessFlow,
    TaskFlow,
    TaskState,
    lock_unchanged,
    plan,
    tasks_of,
)
from satcom.orchestration.schedule import lay_out
from satcom.orchestration.standing import turn_round
from satcom.resource.drivers.port import HubDriver
from tests.enterprise.an_operator import an_organization

given: list[Json] = []


def first_row(session: Session, order: str) -> Json:
    find(session, Organization, order).trading_name = "first"
    return ["first"]


def second_row(session: Session, order: str, before: list[Json]) -> Json:
    find(session, Organization, order).trading_name = "second"
    before.append("spoilt")
    return "second"


def third_row(session: Session, order: str, first: Json, before: Json) -> Json:
    find(session, Organization, order).trading_name = "third"
    given.append(first)
    return "third"


def first_row_back(session: Session, order: str, *_: Json) -> Json:
    find(session, Organization, order).trading_name = "as before"
    return None


@plan("rowAfterRow")
def row_after_row(draft: Plan, order_id: str) -> None:
    first = draft.task(first_row, order_id, undo=first_row_back)
    second = draft.task(second_row, order_id, first)
    draft.task(third_row, order_id, first, second)


def laid_out(database: Database) -> str:
    given.clear()
    with database.as_worker() as session:
        return lay_out(session, "rowAfterRow", an_organization(session), "PO-2026-000009").id


def advance(database: Database, flow_id: str) -> ProcessFlow:
    Engine(database, cast(HubDriver, None)).advance(flow_id)  # these tasks do not ask the hub
    with database.as_worker() as session:
        return find(session, ProcessFlow, flow_id)


@contextmanager
def asked_of(database: Database) -> Iterator[tuple[list[str], list[str]]]:
    """The statements of the program itself, and the connections that it takes for them."""
    statements: list[str] = []
    taken: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    def take(*_: object) -> None:
        taken.append("taken")

    event.listen(database.worker, "before_cursor_execute", note)
    event.listen(database.worker, "checkout", take)
    yield statements, taken
    event.remove(database.worker, "before_cursor_execute", note)
    event.remove(database.worker, "checkout", take)


def test_a_plan_is_read_whole_once_and_a_task_costs_what_it_does_and_its_own_row(database: Database) -> None:
    flow_id = laid_out(database)
    with asked_of(database) as (statements, taken):
        Engine(database, cast(HubDriver, None)).advance(flow_id)
    whole, light, task, end = 2, 2, 4, 2  # a task: what it finds, two rows written, and both in the change log
    assert len(statements) == whole + 2 * light + 3 * task + end
    assert sum("FROM task_flow" in one and "handler" in one for one in statements) == 1
    assert len(taken) == 1


def meanwhile(monkeypatch: pytest.MonkeyPatch, database: Database, flow_id: str, change: str) -> None:
    """Somebody changes the plan once, between its first wave and its second."""
    todo = [change]

    def look(session: Session, flow: ProcessFlow, tasks: list[TaskFlow]) -> bool:
        if todo:
            todo.pop()
            with database.as_worker("somebody") as other:
                theirs = find_for_update(other, ProcessFlow, flow_id)
                if change == "flow":
                    turn_round(theirs, None, {"field": "order", "why": "called off", "code": "cancelled"})
                else:
                    task = next(one for one in tasks_of(other, theirs) if one.handler == "second_row")
                    task.state, task.owner = TaskState.HOLD, "noc"
        return lock_unchanged(session, flow, tasks)

    monkeypatch.setattr("satcom.orchestration.engine.lock_unchanged", look)


def test_what_somebody_changes_of_the_flow_between_two_waves_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_id = laid_out(database)
    meanwhile(monkeypatch, database, flow_id, "flow")
    flow = advance(database, flow_id)
    assert (flow.state, given) == (FlowState.CANCELLED, [])
    with database.as_worker() as session:
        assert find(session, Organization, flow.subject_id).trading_name == "as before"


def test_what_somebody_changes_of_a_task_alone_between_two_waves_is_seen(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_id = laid_out(database)
    meanwhile(monkeypatch, database, flow_id, "task")
    assert advance(database, flow_id).state is FlowState.ACTIVE
    with database.as_worker() as session:
        tasks = tasks_of(session, find(session, ProcessFlow, flow_id))
        assert [one.state for one in tasks] == [TaskState.COMPLETED, TaskState.HOLD, TaskState.NEW]
        assert (tasks[1].owner, tasks[1].attempts) == ("noc", 0)


def test_a_task_is_given_what_the_rows_hold_and_not_what_another_made_of_it(database: Database) -> None:
    assert advance(database, laid_out(database)).state is FlowState.COMPLETED
    assert given == [["first"]]
