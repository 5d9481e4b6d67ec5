"""The order plan: what has to be done for an order, as rows that people can see, re-date and repair.

A flow file declares its plan once, as a recipe; here each line becomes a task with what it needs, who owns it, when it
is due, and how it is undone. The plan is read back from the rows, never from the file: an order outlives releases.
Handlers are looked up by name, so a handler is never renamed; a new meaning gets a new name.
Words: TMF701 (process flow, task flow).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeAlias

from sqlalchemy import DDL, Index, UniqueConstraint, bindparam, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, state_type, tmf
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability
from satcom.core.values import Json, Reference

LONGEST_REST: Final = timedelta(minutes=2)  # no lease, and no pause between two attempts, is longer
OPEN = "state = 'active' OR state = 'hold' OR undo_state = 'hold'"  # the few that are counted again and again
# a call to the outside is nobody's; a wait for it is somebody's
OPEN_WAIT = "state = 'active' AND kind IN ('wait', 'outside') AND owner IS NOT NULL"
COUNTED = "CREATE STATISTICS task_flow_waits_counted (mcv) ON state, kind, owner FROM task_flow"
Handler: TypeAlias = Callable[..., "Json | Later | ForAPerson | Again"]


class FlowState(StrEnum):
    """States of TMF701 `ProcessFlowStateType`. `hold`: it is being undone."""

    ACTIVE = "active"
    HOLD = "hold"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class TaskState(StrEnum):
    """States of TMF701 `TaskFlowStateType`. `hold`: a person has to look at it."""

    NEW = "new"
    ACTIVE = "active"
    HOLD = "hold"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class TaskKind(StrEnum):
    """What a task touches: only our database, the outside, or nothing (it waits)."""

    DATABASE = "database"
    OUTSIDE = "outside"
    WAIT = "wait"


class UndoState(StrEnum):
    NONE = "none"
    DUE = "due"
    ACTIVE = "active"
    HOLD = "hold"
    DONE = "done"


class ProcessFlow(Entity, table=True):
    """The plan of one order."""

    __tablename__ = "process_flow"
    __table_args__ = (Index("process_flow_subject", "subject_id"),)

    process_flow_specification: str
    process_flow_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    state: FlowState = Field(default=FlowState.ACTIVE, sa_type=state_type(FlowState))
    related_entity: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    subject_id: str = Field(sa_type=id_type())
    reference: str
    cause: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    expected_finish: datetime | None = Field(default=None, sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)

    api: ClassVar = tmf("TMF701", "ProcessFlow", Capability.READ_FLOWS)
    characteristic_field: ClassVar[str | None] = "characteristic"
    life_cycle: ClassVar = LifeCycle(
        FlowState,
        ("active", "completed", "every task is done"),
        ("active", "hold", "a refusal, a missed deadline or a cancellation: it is being undone"),
        ("hold", "cancelled", "everything that was done is undone"),
    )


class TaskFlow(Entity, table=True):
    """One task of a plan."""

    __tablename__ = "task_flow"
    __table_args__ = (
        UniqueConstraint("process_flow_id", "task_flow_specification"),
        Index("task_flow_open", "state", "undo_state", "kind", "owner", postgresql_where=OPEN),
        Index("task_flow_waits", "due_at", "id", postgresql_include=["party_id", "owner"], postgresql_where=OPEN_WAIT),
        Index(
            "task_flow_waits_of", "owner", "due_at", "id", postgresql_include=["party_id"], postgresql_where=OPEN_WAIT
        ),
        Index("task_flow_due", "wake_at", postgresql_where="wake_at IS NOT NULL"),
        Index("task_flow_expected", "expected_at", postgresql_where="expected_at IS NOT NULL AND state = 'active'"),
        Index("task_flow_deadline", "deadline", postgresql_where="deadline IS NOT NULL AND state IN ('active', 'new')"),
    )

    process_flow_id: str = Field(foreign_key="process_flow.id", sa_type=id_type(), index=True)
    task_flow_specification: str
    position: int
    kind: TaskKind = Field(sa_type=state_type(TaskKind))
    handler: str
    undo_handler: str | None = None
    needs: list[str] = Field(default_factory=list, sa_type=JSONB)
    arguments: list[Any] = Field(default_factory=list, sa_type=JSONB)
    state: TaskState = Field(default=TaskState.NEW, sa_type=state_type(TaskState))
    undo_state: UndoState = Field(default=UndoState.NONE, sa_type=state_type(UndoState))
    no_return: bool = False
    skippable: bool = False
    again_from: str | None = None
    round: int = 1
    owner: str | None = None
    expected_s: float = 1.0
    expected_at: datetime | None = Field(default=None, sa_type=INSTANT)
    due_at: datetime | None = Field(default=None, sa_type=INSTANT)
    escalated_at: datetime | None = Field(default=None, sa_type=INSTANT)
    escalated_from: str | None = None
    deadline_s: float | None = None
    deadline: datetime | None = Field(default=None, sa_type=INSTANT)
    attempts: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=INSTANT)
    wake_at: datetime | None = Field(default=None, sa_type=INSTANT)
    result: Any = Field(default=None, sa_type=JSONB)
    fault: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    started_at: datetime | None = Field(default=None, sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)

    api: ClassVar = tmf("TMF701", "TaskFlow", Capability.READ_FLOWS)
    characteristic_field: ClassVar[str | None] = "characteristic"
    private: ClassVar[frozenset[str]] = frozenset({"arguments", "lease_until", "deadline_s", "wake_at"})
    life_cycle: ClassVar = LifeCycle(
        TaskState,
        ("new", "active", "what it needs is there"),
        ("new", "completed", "done in the database"),
        ("active", "completed", "done"),
        ("active", "new", "to be tried again"),
        ("active", "hold", "it broke in a way that only a person can judge"),
        ("new", "hold", "it broke in a way that only a person can judge"),
        ("hold", "new", "a person wants it tried again"),
        ("hold", "completed", "a person skipped it"),
        ("completed", "new", "a person wants it done again"),
        ("active", "cancelled", "refused, too late, or the order is being undone"),
        ("new", "cancelled", "the order is being undone"),
        ("hold", "cancelled", "the order is being undone"),
        ("completed", "cancelled", "undone"),
    )

    @classmethod
    def href_of(cls, value: Callable[[str], Any]) -> str:
        return f"{ProcessFlow.api.path}/{value('process_flow_id')}/{cls.api.collection}/{value('id')}"

    @property
    def key(self) -> str:
        """The idempotency key of its outside call: the same over all attempts, another when a person wants it again."""
        return f"{self.process_flow_id}:{self.task_flow_specification}:{self.round}"


# what is active is mostly a wait, and of few owners: taken for independent, they seem too few to be read in their order
event.listen(TaskFlow.__table__, "after_create", DDL(COUNTED))  # type: ignore[attr-defined, no-untyped-call]


@dataclass(frozen=True)
class Later:
    """What a wait answers while what it waits for has not come: when that is expected, and looked at again.

    `deadline` is until when it is waited for, where the plan gives no time; `owner` is whose it is, where only the wait
    itself knows; `due` is when it should have come, where it is looked at more often.
    """

    at: datetime | None = None
    deadline: datetime | None = None
    owner: str | None = None
    due: datetime | None = None


@dataclass(frozen=True)
class ForAPerson:
    """What a task answers when its work is kept but a person has to judge it before the order goes on."""

    field: str
    why: str
    code: str


@dataclass(frozen=True)
class Again:
    """What a task answers when what came before it has to be done anew, from its `again_from` on."""


@dataclass(frozen=True)
class TaskHandle:
    """Stands for a task's result while a plan is declared."""

    name: str


@dataclass
class Plan:
    """Collects the tasks of one flow, in the order of declaration."""

    tasks: list[TaskFlow] = field(default_factory=list)

    def task(
        self,
        handler: Handler,
        *arguments: "TaskHandle | Json",
        after: "Sequence[TaskHandle]" = (),
        undo: Handler | None = None,
        outside: bool = False,
        no_return: bool = False,
        skippable: bool = False,
        again_from: TaskHandle | None = None,
        expected: timedelta = timedelta(seconds=1),
        within: timedelta | None = None,
    ) -> TaskHandle:
        """A task. It needs what it is given and what it comes `after`. `outside`: it touches more than our database.

        Once a task with `no_return` is done the order is not undone any more: what is refused then waits for a person.
        A person may skip a `skippable` task; having it tried again, or answering `Again`, begins with `again_from`.
        """
        kind = TaskKind.OUTSIDE if outside else TaskKind.DATABASE
        return self._add(
            handler,
            arguments,
            after,
            kind=kind,
            undo_handler=registered(undo) if undo else None,
            no_return=no_return,
            skippable=skippable,
            again_from=again_from.name if again_from else None,
            expected_s=expected.total_seconds(),
            deadline_s=within.total_seconds() if within else None,
        )

    def wait(
        self,
        check: Handler,
        *arguments: "TaskHandle | Json",
        after: "Sequence[TaskHandle]" = (),
        owner: str,
        within: timedelta | None = None,
        expected: timedelta = timedelta(days=1),
        skippable: bool = True,
        outside: bool = False,
        again_from: TaskHandle | None = None,
    ) -> TaskHandle:
        """A wait for something from outside, with an owner and, where it can be missed, a deadline.

        `check` says at once, and whenever the wait is woken, whether it has come: its value, or `Later`. `outside`: it
        asks more than our database, again and again until it has come. Answering `Again`, it begins with `again_from`.
        """
        return self._add(
            check,
            arguments,
            after,
            kind=TaskKind.OUTSIDE if outside else TaskKind.WAIT,
            owner=owner,
            skippable=skippable,
            again_from=again_from.name if again_from else None,
            expected_s=expected.total_seconds(),
            deadline_s=within.total_seconds() if within else None,
        )

    def _add(
        self,
        handler: Handler,
        arguments: "tuple[TaskHandle | Json, ...]",
        after: "Sequence[TaskHandle]",
        **columns: Any,
    ) -> TaskHandle:
        name = handler.__name__
        stored = [{"task": one.name} if isinstance(one, TaskHandle) else {"value": one} for one in arguments]
        given = [one for one in arguments if isinstance(one, TaskHandle)]
        needs = list(dict.fromkeys(one.name for one in [*given, *after]))
        self.tasks.append(
            TaskFlow(
                task_flow_specification=name,
                position=len(self.tasks),
                handler=registered(handler),
                needs=needs,
                arguments=stored,
                **columns,
            )
        )
        return TaskHandle(name)


Declaration: TypeAlias = Callable[..., None]  # the draft, the id of its subject, and what else it is laid out by
_plans: dict[str, Declaration] = {}
_handlers: dict[str, Handler] = {}


def plan(name: str) -> Callable[[Declaration], Declaration]:
    """Register the declaration of a flow under `name`."""

    def register(declare: Declaration) -> Declaration:
        _plans[name] = declare
        return declare

    return register


def registered(handler: Handler) -> str:
    """The name under which rows call `handler`. Raises `ValueError` when another one has it."""
    name = handler.__name__
    if _handlers.setdefault(name, handler) is not handler:
        raise ValueError(f"two handlers are called {name}")
    return name


def handler_called(name: str) -> Handler:
    return _handlers[name]


def know_handlers() -> None:
    """Declare every plan once, so that a fresh process knows the handlers that rows name."""
    for declare in _plans.values():
        declare(Plan(), "")


def declared(specification: str, subject_id: str, *given: object) -> list[TaskFlow]:
    """The tasks that the flow file declares, not yet in the database; `given` is what else it is laid out by."""
    draft = Plan()
    _plans[specification](draft, subject_id, *given)
    return draft.tasks


_TASKS: Final = (
    select(TaskFlow)
    .where(col(TaskFlow.process_flow_id) == bindparam("flow"))
    .order_by(col(TaskFlow.position))
    .execution_options(populate_existing=True)
)
# as the driver takes them: nothing is to be worked out, wave after wave
_LOCK: Final = "SELECT version FROM process_flow WHERE id = %(flow)s FOR UPDATE"
_VERSIONS: Final = "SELECT CAST(id AS text), version FROM task_flow WHERE process_flow_id = %(flow)s"


def tasks_of(session: Session, flow: ProcessFlow) -> list[TaskFlow]:
    return list(session.exec(_TASKS, params={"flow": flow.id}))


def lock_unchanged(session: Session, flow: ProcessFlow, tasks: Sequence[TaskFlow]) -> bool:
    """Lock the flow until the transaction ends; whether it and its tasks are still as they are known.

    Whoever changes a plan holds this lock, and each change counts up the version of its row.
    """
    at, known = {"flow": flow.id}, {(task.id, task.version) for task in tasks}
    connection = session.connection()
    if connection.exec_driver_sql(_LOCK, at).scalar() != flow.version:
        return False
    return {(identifier, version) for identifier, version in connection.exec_driver_sql(_VERSIONS, at)} == known


def flow_of(session: Session, subject_id: str) -> ProcessFlow | None:
    """The newest plan of an order, locked until the transaction ends."""
    query = (
        select(ProcessFlow)
        .where(col(ProcessFlow.subject_id) == subject_id)
        .order_by(col(ProcessFlow.id).desc())
        .limit(1)
        .with_for_update()
    )
    return session.exec(query).first()


def open_flow(session: Session, subject_id: str, specification: str) -> ProcessFlow | None:
    """The plan of that kind about a subject that is under way, or being undone."""
    query = select(ProcessFlow).where(ProcessFlow.subject_id == subject_id, col(ProcessFlow.finished_at).is_(None))
    return session.exec(query.where(ProcessFlow.process_flow_specification == specification).limit(1)).first()
