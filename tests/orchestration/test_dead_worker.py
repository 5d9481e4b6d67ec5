"""A worker that died in an outside call: the call is repeated as soon as the worker is missed, not after its lease."""

from typing import cast

import pytest
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.values import Json
from satcom.orchestration.engine import Call, Engine
from satcom.orchestration.plan import FlowState, Plan, ProcessFlow, TaskFlow, TaskState, plan, tasks_of
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import lay_out
from satcom.orchestration.standing import turn_round
from satcom.orchestration.sweep import take_up_lost, wake_due
from satcom.orchestration.wave import Phase
from satcom.resource.drivers.port import HubDriver
from tests.crash.test_queue import DEAD_AFTER, taken_by_a_worker
from tests.enterprise.an_operator import an_organization

HUB = cast(HubDriver, None)  # these tasks do not ask the hub
said: list[str] = []


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def switch_on(call: Call, order: str) -> Json:
    said.append(f"on {call.key} {call.attempt}")
    return call.attempt


def switch_off(call: Call, order: str) -> Json:
    said.append(f"off {call.key} {call.attempt}")
    return None


@plan("deadWorkerTest")
def dead_worker_test(draft: Plan, order_id: str) -> None:
    draft.task(switch_on, order_id, outside=True, undo=switch_off)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    said.clear()


def lost_in_a_call(database: Database) -> str:
    """A flow whose worker was killed when it had told the hub, and has not been heard of for a minute."""
    with database.as_worker() as session:
        flow_id = lay_out(session, "deadWorkerTest", an_organization(session), "PO-2026-000003").id
        enqueue(session, flow_id)
        taken_by_a_worker(session, heartbeat_age_s=60)
    killed_at_the_result(database, flow_id)
    return flow_id


def killed_at_the_result(database: Database, flow_id: str) -> None:
    def kill(task: TaskFlow, phase: Phase) -> None:
        if phase == "result":
            raise Killed

    with pytest.raises(Killed):
        Engine(database, HUB, kill).advance(flow_id)


def missed(database: Database) -> list[str]:
    with database.as_worker("sweep") as session:
        return take_up_lost(session, DEAD_AFTER)


def seen(session: Session, flow_id: str) -> tuple[ProcessFlow, TaskFlow]:
    flow = session.get_one(ProcessFlow, flow_id)
    return flow, tasks_of(session, flow)[0]


def test_the_call_of_a_dead_worker_is_repeated_at_once_under_its_key(database: Database) -> None:
    flow_id = lost_in_a_call(database)
    Engine(database, HUB).advance(flow_id)
    assert len(said) == 1  # the lease holds until somebody misses the worker
    assert missed(database) == [flow_id]
    Engine(database, HUB).advance(flow_id)
    assert [one.rsplit(" ", 1)[1] for one in said] == ["1", "2"]
    assert len({one.rsplit(" ", 1)[0] for one in said}) == 1
    with database.as_worker() as session:
        flow, task = seen(session, flow_id)
        assert (flow.state, task.result) == (FlowState.COMPLETED, 2)


def test_the_answer_of_a_worker_that_was_only_slow_counts_for_nothing(database: Database) -> None:
    flow_id = ""

    def taken_over_meanwhile(task: TaskFlow, phase: Phase) -> None:
        if phase == "result" and task.attempts == 1:
            assert missed(database) == [flow_id]
            Engine(database, HUB).advance(flow_id)

    with database.as_worker() as session:
        flow_id = lay_out(session, "deadWorkerTest", an_organization(session), "PO-2026-000004").id
        enqueue(session, flow_id)
        taken_by_a_worker(session, heartbeat_age_s=60)
    Engine(database, HUB, taken_over_meanwhile).advance(flow_id)
    with database.as_worker() as session:
        flow, task = seen(session, flow_id)
        assert (flow.state, task.result, task.attempts) == (FlowState.COMPLETED, 2, 2)


def test_an_undo_does_not_overtake_the_call_of_a_worker_that_may_be_only_slow(database: Database) -> None:
    flow_id = lost_in_a_call(database)
    with database.as_worker() as session:
        turn_round(session.get_one(ProcessFlow, flow_id), None, {"code": "cancelled", "why": "", "field": "order"})
    assert missed(database) == [flow_id]
    Engine(database, HUB).advance(flow_id)
    with database.as_worker() as session:
        assert seen(session, flow_id)[1].state is TaskState.ACTIVE
    assert len(said) == 1


def test_an_undo_that_was_lost_with_its_worker_is_repeated_at_once(database: Database) -> None:
    flow_id = lost_in_a_call(database)
    with database.as_worker() as session:
        flow, task = seen(session, flow_id)
        turn_round(flow, None, {"code": "cancelled", "why": "", "field": "order"})
        task.lease_until = task.wake_at = None
    killed_at_the_result(database, flow_id)
    assert missed(database) == [flow_id]
    Engine(database, HUB).advance(flow_id)
    assert [one.split()[0] for one in said] == ["on", "off", "off"]
    with database.as_worker() as session:
        assert seen(session, flow_id)[0].state is FlowState.CANCELLED


def test_a_call_is_left_to_its_lease_while_another_worker_has_a_job_of_the_flow(database: Database) -> None:
    flow_id = lost_in_a_call(database)
    with database.as_worker() as session:
        enqueue(session, flow_id)
        taken_by_a_worker(session, heartbeat_age_s=1)
    assert missed(database) == [flow_id]
    with database.as_worker() as session:
        assert wake_due(session) == 0  # whose call it is cannot be told
