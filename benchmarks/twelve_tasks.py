"""A plan of twelve small database tasks in nine waves, by the engine and, row for row, in hand-written SQL.

The shape is that of a delivery: a few steps alone, then some side by side, then steps alone again. Each task changes
one row of its order's subject and answers a small value. What the program adds by itself stands in both: the row
of the task, that of the flow at its end, and a row of the change log for each change.
"""

import json
from dataclasses import dataclass

import psycopg
from sqlmodel import Session, select

from satcom.app.worker import conninfo
from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import new_id
from satcom.core.values import Json
from satcom.enterprise.party import Organization
from satcom.orchestration.plan import FlowState, Handler, Plan, ProcessFlow, TaskHandle, plan
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import lay_out

SPECIFICATION, TASKS = "twelveTasks", 12


def _step(session: Session, subject_id: str, number: int) -> Json:
    subject = find(session, Organization, subject_id)
    subject.trading_name = f"step {number}"
    return {"step": number}


def _handlers() -> list[Handler]:
    """Twelve handlers of different names: a task is called after its handler."""
    made: list[Handler] = []
    for number in range(TASKS):

        def handler(session: Session, subject_id: str, *_: Json, number: int = number) -> Json:
            return _step(session, subject_id, number)

        handler.__name__ = f"benchmark_step_{number}"
        made.append(handler)
    return made


_STEPS = _handlers()


@plan(SPECIFICATION)
def twelve_tasks(draft: Plan, subject_id: str) -> None:
    """1, 2, 3, then 4 to 6 side by side, 7 and 8, then 9 to 12 one after the other."""

    def step(number: int, *after: TaskHandle) -> TaskHandle:
        return draft.task(_STEPS[number - 1], subject_id, after=after)

    third = step(3, step(2, step(1)))
    beside = [step(number, third) for number in (4, 5, 6)]
    both = [step(7, *beside), step(8, *beside)]
    step(12, step(11, step(10, step(9, *both))))


def lay_out_flows(database: Database, count: int) -> list[str]:
    """Flows that nobody has been asked to advance; their ids. One transaction."""
    with database.as_worker("benchmark") as session:
        subjects = [Organization(trading_name="subject") for _ in range(count)]
        session.add_all(subjects)
        session.flush()
        return [lay_out(session, SPECIFICATION, one, f"PO-2026-{number:06d}").id for number, one in enumerate(subjects)]


def ask_for(database: Database, flow_ids: list[str]) -> None:
    """Enqueue all of them at once: they are seen together."""
    with database.as_worker("benchmark") as session:
        for flow_id in flow_ids:
            enqueue(session, flow_id)


def finished(database: Database) -> int:
    """How many flows have come to their end."""
    with database.as_worker("benchmark") as session:
        ended = select(ProcessFlow.id).where(ProcessFlow.state != FlowState.ACTIVE)
        return len(session.exec(ended).all())


_TAKE = (
    "DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM procrastinate_jobs WHERE status = 'todo'"
    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING args ->> 'flow_id'"
)
_FLOW = (
    "SELECT id, party_id, subject_id, reference, version, expected_finish FROM process_flow WHERE id = %s FOR UPDATE"
)
_ALL_TASKS = (
    "SELECT id, task_flow_specification, needs, state, version FROM task_flow"
    " WHERE process_flow_id = %s ORDER BY position"
)
_SUBJECT = "SELECT trading_name, version FROM organization WHERE id = %s"
_CHANGE_SUBJECT = "UPDATE organization SET trading_name = %s, version = %s, updated_at = %s WHERE id = %s"
_END_TASK = (
    "UPDATE task_flow SET state = 'completed', result = %s, started_at = %s, finished_at = %s, version = %s,"
    " updated_at = %s WHERE id = %s"
)
_END_FLOW = "UPDATE process_flow SET state = 'completed', finished_at = %s, version = %s, updated_at = %s WHERE id = %s"
_LOG = (
    "INSERT INTO change_log (id, at, business_at, by, party_id, entity_type, entity_id, version, event_type,"
    " order_reference, before, after) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@dataclass
class _ByHand:
    """One flow in hand-written SQL."""

    connection: psycopg.Connection
    flow_id: str

    def run(self) -> None:
        while self._wave():
            pass

    def _wave(self) -> bool:
        """One transaction as the engine makes it. False when the flow has ended."""
        with self.connection.transaction():
            flow = self._one(_FLOW, self.flow_id)
            tasks = self.connection.execute(_ALL_TASKS, (self.flow_id,)).fetchall()
            done = {name for _, name, _, state, _ in tasks if state == "completed"}
            for task in tasks:
                if task[3] == "new" and set(task[2]) <= done:
                    self._task(flow, task)
            left: int = sum(task[3] == "new" and not set(task[2]) <= done for task in tasks)
            if not left:
                at, version = now(), int(str(flow[4])) + 1
                self.connection.execute(_END_FLOW, (at, version, at, self.flow_id))
                self._log(flow, "ProcessFlow", self.flow_id, version, {"state": "completed"})
            return left > 0

    def _task(self, flow: tuple[object, ...], task: tuple[object, ...]) -> None:
        task_id, name, version = task[0], str(task[1]), int(str(task[4])) + 1
        number = int(name.rsplit("_", 1)[1])
        began = now()
        with self.connection.transaction():
            subject_id, subject = flow[2], self._one(_SUBJECT, flow[2])
            changed = int(str(subject[1])) + 1
            self.connection.execute(_CHANGE_SUBJECT, (f"step {number}", changed, now(), subject_id))
            self._log(flow, "Organization", subject_id, changed, {"tradingName": f"step {number}"})
        result = json.dumps({"step": number})
        self.connection.execute(_END_TASK, (result, began, now(), version, now(), task_id))
        self._log(flow, "TaskFlow", task_id, version, {"state": "completed", "result": {"step": number}})

    def _log(
        self, flow: tuple[object, ...], kind: str, entity_id: object, version: int, after: dict[str, object]
    ) -> None:
        what = "StateChangeEvent" if "state" in after else "AttributeValueChangeEvent"
        event = f"{kind[0].lower()}{kind[1:]}{what}"
        by, reference = f"flow {flow[3]}", flow[3]
        told = json.dumps(dict.fromkeys(after)), json.dumps(after)
        row = (new_id(), now(), now(), by, flow[1], kind, entity_id, version, event, reference, *told)
        self.connection.execute(_LOG, row)

    def _one(self, statement: str, identifier: object) -> tuple[object, ...]:
        row: tuple[object, ...] | None = self.connection.execute(statement, (identifier,)).fetchone()
        assert row is not None
        return row


def by_hand(url: str) -> int:
    """Take flows from the queue and carry them to their end until there is none; how many."""
    count = 0
    with psycopg.connect(conninfo(url), autocommit=True) as connection:
        while (taken := connection.execute(_TAKE).fetchone()) is not None:
            _ByHand(connection, taken[0]).run()
            count += 1
    return count
