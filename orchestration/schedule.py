"""The schedule: a plan is laid out as rows, and read for when it ends and which tasks decide that.

Both follow the rows as they are now, by the business clock: a task that came early, or whose date moved, moves them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import networkx
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.entity import Entity
from satcom.core.values import Reference
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskState, declared, tasks_of


def lay_out(session: Session, specification: str, subject: Entity, reference: str, *given: object) -> ProcessFlow:
    """Write the plan of `specification` for `subject` as rows.

    Raises `ValueError` when the plan is no directed acyclic graph: a fault of the flow file.
    """
    tasks = declared(specification, subject.id, *given)
    if not networkx.is_directed_acyclic_graph(graph_of(tasks)):
        raise ValueError(f"the plan of {specification} goes round in circles")
    subject_ref = Reference.model_validate(
        {"id": subject.id, "href": subject.href, "role": "subject", "@referredType": type(subject).__name__}
    )
    flow = ProcessFlow(
        party_id=subject.party_id,
        process_flow_specification=specification,
        subject_id=subject.id,
        reference=reference,
        related_entity=[subject_ref],
        expected_finish=expected_finish(tasks),
    )
    session.add(flow)
    session.flush()
    for task in tasks:
        task.process_flow_id, task.party_id = flow.id, flow.party_id
        session.add(task)
    session.flush()
    return flow


def change_over(
    session: Session, flow: ProcessFlow, specification: str, begun: str, owner_id: str, *given: object
) -> None:
    """Go on after the task `begun` by another recipe: its tasks replace all that is not begun.

    The new tasks belong to `owner_id`; `given` is what else they are laid out by. Both plans stay in the change log.
    """
    kept = []
    for task in tasks_of(session, flow):
        if task.task_flow_specification == begun or task.state is not TaskState.NEW or task.attempts:
            kept.append(task)
        else:
            session.delete(task)
    session.flush()
    for task in declared(specification, flow.subject_id, *given):
        task.process_flow_id, task.party_id = flow.id, owner_id
        task.position += len(kept)
        task.needs = task.needs or [begun]
        session.add(task)
    flow.process_flow_specification = specification
    session.flush()


def graph_of(tasks: list[TaskFlow]) -> "networkx.DiGraph[str]":
    """Tasks as nodes, an edge from what is needed to what needs it."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for task in tasks:
        graph.add_node(task.task_flow_specification, task=task)
        graph.add_edges_from((need, task.task_flow_specification) for need in task.needs)
    return graph


def expected_finish(tasks: list[TaskFlow]) -> datetime:
    """When the last task is expected to end: the longest way through what is left, by the business clock."""
    return max(expected_ends(tasks).values())


def expected_ends(tasks: list[TaskFlow], moved: Mapping[str, datetime] | None = None) -> dict[str, datetime]:
    """When each task is expected to end, or ended; were those in `moved` to end at another time."""
    present, ends = now(), dict[str, datetime]()
    by_name, moved = {task.task_flow_specification: task for task in tasks}, moved or {}

    def end(name: str) -> datetime:
        if name not in ends:
            task = by_name[name]
            if task.finished_at is not None:
                ends[name] = task.finished_at
            else:
                start = max([end(need) for need in task.needs] + [task.started_at or present])
                expected = moved.get(name) or task.expected_at or start + timedelta(seconds=task.expected_s)
                ends[name] = max(expected, present)
        return ends[name]

    for name in by_name:
        end(name)
    return ends


def critical_path(tasks: list[TaskFlow]) -> list[str]:
    """The names of the tasks that decide when the plan ends: back from the last, each time to what it waits for."""
    ends, needs = expected_ends(tasks), {task.task_flow_specification: task.needs for task in tasks}
    path = [max(ends, key=ends.__getitem__)]
    while needs[path[0]]:
        path.insert(0, max(needs[path[0]], key=ends.__getitem__))
    return path
