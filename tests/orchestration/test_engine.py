"""The engine: a plan goes forward as rows, back when it is refused, and on after a crash, with one key for one call."""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest
from sqlmodel import Session, col, select

from satcom.core.change_log import Change
from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.errors import RuleRefused
from satcom.core.security import Principal, Role
from satcom.core.values import Json
from satcom.enterprise.party import Organization
from satcom.orchestration.engine import LONGEST_RETRY_S, Call, Engine
from satcom.orchestration.plan import (
    FlowState,
    Later,
    Plan,
    ProcessFlow,
    TaskFlow,
    TaskState,
    UndoState,
    plan,
    tasks_of,
)
from satcom.orchestration.repair import retry, skip
from satcom.orchestration.schedule import critical_path, lay_out
from satcom.orchestration.standing import outward, turn_round
from satcom.orchestration.sweep import wake_due
from satcom.orchestration.wave import Phase
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, HubDriver, PortTaken
from tests.enterprise.an_operator import an_organization

said: list[str] = []
trouble: list[Exception] = []
arrived: list[bool] = []


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def take_slot(session: Session, order: str) -> Json:
    said.append("take")
    return 1


def give_slot_back(session: Session, order: str) -> Json:
    said.append("give back")
    return None


def tell_hub(call: Call, slot: int) -> Json:
    said.append(f"tell {call.key.split(':')[1]} {call.attempt}")
    if trouble:
        raise trouble.pop()
    return slot + 1


def untell_hub(call: Call, slot: int) -> Json:
    said.append(f"untell, cancels {str(call.cancels).split(':')[1]}")
    return None


def has_arrived(session: Session, told: int) -> Json | Later:
    return True if arrived else Later()


def hand_it_over(session: Session, told: int, there: bool) -> Json:
    said.append("hand over")
    if trouble:
        raise trouble[-1]  # each time that it is asked: a refused task is run again apart from the others
    return "done"


@plan("engineTest")
def engine_test(draft: Plan, order_id: str) -> None:
    slot = draft.task(take_slot, order_id, undo=give_slot_back)
    told = draft.task(tell_hub, slot, outside=True, undo=untell_hub)
    there = draft.wait(has_arrived, told, owner="field service", within=timedelta(days=30))
    draft.task(hand_it_over, told, there)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    for notes in (said, trouble, arrived):
        notes.clear()
    yield
    clock.offset = timedelta(0)


def laid_out(database: Database) -> str:
    with database.as_worker() as session:
        return lay_out(session, "engineTest", an_organization(session), "PO-2026-000001").id


def engine(database: Database) -> Engine:
    return Engine(database, cast(HubDriver, None))  # these tasks do not ask the hub


def seen(database: Database, flow_id: str) -> tuple[ProcessFlow, dict[str, TaskFlow]]:
    with database.as_worker() as session:
        flow = session.get_one(ProcessFlow, flow_id)
        return flow, {task.task_flow_specification: task for task in tasks_of(session, flow)}


def retry_now(database: Database, flow_id: str) -> None:
    """Let the back-off and the lease be over."""
    with database.as_worker() as session:
        for task in tasks_of(session, session.get_one(ProcessFlow, flow_id)):
            task.wake_at = task.lease_until = None


def test_a_plan_is_carried_to_its_end_and_waits_for_what_must_come(database: Database) -> None:
    flow_id = laid_out(database)
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert (flow.state, tasks["has_arrived"].state) == (FlowState.ACTIVE, TaskState.ACTIVE)
    assert tasks["has_arrived"].deadline is not None
    arrived.append(True)
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert flow.state is FlowState.COMPLETED
    assert [task.result for task in tasks.values()] == [1, 2, True, "done"]
    assert said == ["take", "tell tell_hub 1", "hand over"]


def test_a_refusal_undoes_what_was_done_last_first(database: Database) -> None:
    flow_id = laid_out(database)
    arrived.append(True)
    trouble.append(RuleRefused("serviceTest", "3 dB below plan", "belowPlan"))
    said.append("")
    with database.as_worker() as session:
        tell = next(t for t in tasks_of(session, session.get_one(ProcessFlow, flow_id)) if t.handler == "tell_hub")
        tell.state, tell.result, tell.attempts = TaskState.COMPLETED, 2, 1
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert flow.state is FlowState.CANCELLED
    assert flow.cause is not None
    assert (flow.cause["code"], flow.cause["task"]) == ("belowPlan", "hand_it_over")
    assert said[1:] == ["take", "hand over", "hand over", "untell, cancels tell_hub", "give back"]
    assert tasks["take_slot"].undo_state is tasks["tell_hub"].undo_state is UndoState.DONE


def test_a_hub_that_refuses_turns_the_order_round(database: Database) -> None:
    flow_id = laid_out(database)
    trouble.append(DriverRefused(422, "too_much_power", "the amplifier gives at most 12 dBW"))
    engine(database).advance(flow_id)
    assert seen(database, flow_id)[0].state is FlowState.CANCELLED
    assert said == ["take", "tell tell_hub 1", "untell, cancels tell_hub", "give back"]


def test_a_port_that_the_hub_gave_to_another_holds_the_order_and_undoes_nothing(database: Database) -> None:
    flow_id = laid_out(database)
    trouble.append(PortTaken(409, "port_taken", "port 3 (forward) of hub H belongs to carrier C"))
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert (flow.state, tasks["tell_hub"].state, tasks["tell_hub"].owner) == (FlowState.ACTIVE, TaskState.HOLD, "noc")
    assert said == ["take", "tell tell_hub 1"]
    fault = tasks["tell_hub"].fault or {}
    assert fault["code"] == "portTaken"
    assert "port 3 (forward) of hub H belongs to carrier C" in fault["why"]
    assert "carrier C" not in outward(fault)["why"], "the customer is told what another has at the hub"


def test_a_hub_that_is_away_is_asked_again_with_the_same_key(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # on a busy machine half a second is over before the engine looks for what else is ready, and it asks again
    monkeypatch.setattr("satcom.orchestration.engine.FIRST_RETRY_S", LONGEST_RETRY_S)
    flow_id = laid_out(database)
    trouble.append(DriverUnavailable("no answer"))
    engine(database).advance(flow_id)
    _, tasks = seen(database, flow_id)
    assert tasks["tell_hub"].state is TaskState.NEW
    assert tasks["tell_hub"].wake_at is not None
    retry_now(database, flow_id)
    engine(database).advance(flow_id)
    assert said == ["take", "tell tell_hub 1", "tell tell_hub 2"]
    assert seen(database, flow_id)[1]["tell_hub"].state is TaskState.COMPLETED


@pytest.mark.parametrize("phase", ["intent", "call", "result"])
@pytest.mark.parametrize("victim", ["take_slot", "tell_hub"])
def test_a_crash_anywhere_in_a_task_resumes(database: Database, victim: str, phase: Phase) -> None:
    if (victim, phase) == ("take_slot", "intent"):
        phase = "call"  # a task that only touches the database has no intent of its own

    def kill(task: TaskFlow, now_in: Phase) -> None:
        if (task.task_flow_specification, now_in) == (victim, phase):
            raise Killed

    flow_id = laid_out(database)
    arrived.append(True)
    with pytest.raises(Killed):
        Engine(database, cast(HubDriver, None), kill).advance(flow_id)
    retry_now(database, flow_id)
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert flow.state is FlowState.COMPLETED
    assert [task.result for task in tasks.values()] == [1, 2, True, "done"]
    assert {one for one in said if one.startswith("tell")} <= {"tell tell_hub 1", "tell tell_hub 2"}


def test_a_missed_deadline_undoes_the_order_once_the_sweep_finds_it(database: Database) -> None:
    flow_id = laid_out(database)
    engine(database).advance(flow_id)
    with database.as_worker() as session:
        assert wake_due(session) == 0
    clock.advance(timedelta(days=31))
    with database.as_worker() as session:
        assert wake_due(session) == 1
    engine(database).advance(flow_id)
    flow, _ = seen(database, flow_id)
    assert flow.state is FlowState.CANCELLED
    assert flow.cause is not None
    assert flow.cause["code"] == "deadlineMissed"
    assert said[-2:] == ["untell, cancels tell_hub", "give back"]


def test_a_bug_holds_the_task_for_a_person_and_undoes_nothing(database: Database) -> None:
    flow_id = laid_out(database)
    arrived.append(True)
    with database.as_worker() as session:
        tell = next(t for t in tasks_of(session, session.get_one(ProcessFlow, flow_id)) if t.handler == "tell_hub")
        tell.state, tell.result = TaskState.COMPLETED, 2
    trouble.append(ZeroDivisionError("a bug"))
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert (flow.state, tasks["hand_it_over"].state) == (FlowState.ACTIVE, TaskState.HOLD)
    assert "give back" not in said


def test_the_critical_path_is_the_longest_way_through_the_plan() -> None:
    draft = Plan()
    engine_test(draft, "order")
    assert critical_path(draft.tasks) == ["take_slot", "tell_hub", "has_arrived", "hand_it_over"]


def keep_it(session: Session, order: str) -> Json:
    said.append("keep")
    return "kept"


def never_take_it(session: Session, order: str) -> Json:
    said.append("taken away")
    return None


def settle_up(session: Session, kept: str) -> Json:
    raise RuleRefused("price", "there is none", "noPrice")


def is_it_there(session: Session, order: str) -> Json | Later:
    if trouble:
        raise trouble[-1]
    return Later()


@plan("afterHandOver")
def after_hand_over(draft: Plan, order_id: str) -> None:
    kept = draft.task(keep_it, order_id, undo=never_take_it, no_return=True)
    draft.task(settle_up, kept, within=timedelta(days=1))


@plan("onlyWaits")
def only_waits(draft: Plan, order_id: str) -> None:
    draft.wait(is_it_there, order_id, owner="field service", skippable=False)


def begun(database: Database, specification: str) -> str:
    with database.as_worker() as session:
        return lay_out(session, specification, an_organization(session), "PO-2026-000002").id


def test_what_the_customer_has_is_not_taken_back_by_a_refusal_or_a_missed_deadline(database: Database) -> None:
    flow_id = begun(database, "afterHandOver")
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert (flow.state, tasks["settle_up"].state) == (FlowState.ACTIVE, TaskState.HOLD)
    with database.as_worker() as session:
        task = next(one for one in tasks_of(session, flow) if one.handler == "settle_up")
        task.state, task.deadline = TaskState.NEW, now() - timedelta(days=1)
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert (flow.state, tasks["settle_up"].state) == (FlowState.ACTIVE, TaskState.HOLD)
    assert (tasks["settle_up"].fault or {})["code"] == "deadlineMissed"
    assert said == ["keep"]


def test_a_wait_that_breaks_is_held_for_a_person_and_may_not_be_skipped_when_its_result_is_needed(
    database: Database,
) -> None:
    flow_id = begun(database, "onlyWaits")
    trouble.append(ZeroDivisionError("a bug"))
    engine(database).advance(flow_id)
    _, tasks = seen(database, flow_id)
    assert tasks["is_it_there"].state is TaskState.HOLD
    noc = Principal("somebody", frozenset({Role.NOC}), None, frozenset(), all_parties=True)
    with database.as_worker() as session, pytest.raises(RuleRefused, match="needs its result"):
        skip(session, flow_id, "is_it_there", noc)
    trouble.clear()
    with database.as_worker() as session:
        retry(session, flow_id, "is_it_there", noc)
    engine(database).advance(flow_id)
    assert seen(database, flow_id)[1]["is_it_there"].state is TaskState.ACTIVE


def test_a_call_that_may_have_arrived_is_undone_even_after_it_was_to_be_tried_again(database: Database) -> None:
    flow_id = laid_out(database)
    trouble.append(ZeroDivisionError("a bug"))
    engine(database).advance(flow_id)
    assert seen(database, flow_id)[1]["tell_hub"].state is TaskState.HOLD
    noc = Principal("somebody", frozenset({Role.NOC}), None, frozenset(), all_parties=True)
    with database.as_worker() as session:
        retry(session, flow_id, "tell_hub", noc)
        turn_round(session.get_one(ProcessFlow, flow_id), None, {"code": "cancelled", "why": "", "field": "order"})
    engine(database).advance(flow_id)
    assert seen(database, flow_id)[0].state is FlowState.CANCELLED
    assert "untell, cancels tell_hub" in said


def rename(session: Session, order: str) -> Json:
    find(session, Organization, order).trading_name = "renamed"
    return True


def name_back(session: Session, order: str) -> Json:
    raise ZeroDivisionError("a bug, so that what was done is left to be seen")


def rename_and_be_refused(session: Session, order: str) -> Json:
    find(session, Organization, order).trading_name = "refused"
    session.flush()
    raise RuleRefused("name", "it is taken", "nameTaken")


@plan("sideBySide")
def side_by_side(draft: Plan, order_id: str) -> None:
    draft.task(rename, order_id, undo=name_back)
    draft.task(rename_and_be_refused, order_id)


def test_a_refused_task_takes_back_what_it_did_and_nothing_of_its_neighbour(database: Database) -> None:
    flow_id = begun(database, "sideBySide")
    engine(database).advance(flow_id)
    flow, tasks = seen(database, flow_id)
    assert tasks["rename"].state is TaskState.COMPLETED
    assert (tasks["rename_and_be_refused"].fault or {})["code"] == "nameTaken"
    with database.as_worker() as session:
        assert find(session, Organization, flow.subject_id).trading_name == "renamed"
        logged = select(Change).where(col(Change.entity_id) == flow.subject_id).order_by(col(Change.sequence))
        assert [one.after.get("tradingName") for one in session.exec(logged) if one.after][1:] == ["renamed"]
