"""Process flows over HTTP: how far an order is, task by task, for whoever watches it, and its repair by the NOC.

A patch of a task says what is to become of it: `active` has it tried again, `completed` skips it, another `deadline`
re-dates it. All else is moved by the engine alone. What a task came to holds values of the payload, so only those who
may read the network see it. Paths and words: TMF701.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import Path, Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import load_only
from sqlmodel import Session, col, select

from satcom.core.database import find, find_for_update
from satcom.core.errors import Fault, NotAllowed, NotFound, Refused, RuleRefused
from satcom.core.event import told_as
from satcom.core.idempotency import Answer
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import (
    Body,
    TmfRoutes,
    check_patch,
    database_of,
    json_response,
    match_version,
    once,
    page_response,
    read_json,
    token_of,
)
from satcom.core.tmf_filter import Filter
from satcom.core.tmf_openapi import list_operation, one_operation, write_operation
from satcom.core.tmf_query import EVERYTHING, Page, Part, Query, chosen, get_row, list_rows, read_query
from satcom.core.values import Instant, Json
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskState
from satcom.orchestration.repair import redate, retry, skip
from satcom.orchestration.schedule import critical_path

FLOW = "processFlowId"
INSIDE = frozenset({"result", "handler", "undoHandler"})
TASKS = f"{ProcessFlow.api.path}/{{{FLOW}}}/{TaskFlow.api.collection}"
FlowId = Annotated[str, Path(alias=FLOW)]
CHARACTERISTIC, DEADLINE = "characteristic", "deadline"
MOVES = {TaskState.ACTIVE: retry, TaskState.COMPLETED: skip}
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
SCHEDULE = (
    "process_flow_id",
    "task_flow_specification",
    "needs",
    "expected_s",
    "expected_at",
    "started_at",
    "finished_at",
)


def task_flows(session: Session, flow_id: str, query: Query, by: Principal) -> Page:
    """The tasks of a flow, by default in the order of the plan.

    Raises `NotFound`, and `NotAllowed` when they are to be told by what is inside.
    """
    flow = find(session, ProcessFlow, flow_id)
    filters = (*query.filters, Filter(FLOW, (FLOW,), "eq", (flow.id,)))
    return tasks_listed(session, replace(query, filters=filters, sort=query.sort or (("position", False),)), by)


def tasks_listed(session: Session, query: Query, by: Principal, part: Part = EVERYTHING) -> Page:
    """Tasks of any flow, or a part of them. Raises `NotAllowed` when they are to be told by what is inside."""
    asked = {one.path[0] for one in query.filters} | {name for name, _ in query.sort}
    if asked & INSIDE and not by.may(Capability.READ_NETWORK):
        raise NotAllowed(f"{by.name} may not ask for {', '.join(sorted(asked & INSIDE))}")
    page = list_rows(session, (TaskFlow,), query, by, part)
    return Page([chosen(_shown(row, by), query.fields) for row in page.rows], page.total)


def task_flow(
    session: Session, flow_id: str, task_id: str, fields: frozenset[str], by: Principal
) -> tuple[dict[str, Json], int]:
    """One task of a flow, and its version. Raises `NotFound`, also for a task of another flow."""
    flow = find(session, ProcessFlow, flow_id)
    if find(session, TaskFlow, task_id).process_flow_id != flow.id:
        raise NotFound(TaskFlow.__name__, task_id)
    body, version = get_row(session, (TaskFlow,), task_id, by)
    return chosen(_shown(body, by), fields), version


@dataclass(frozen=True)
class Repair:
    """What a patch asks for: another deadline, another state, or both."""

    state: TaskState | None
    deadline: datetime | None


def repair_task(session: Session, flow_id: str, task_id: str, asked: Repair, by: Principal) -> TaskFlow:
    """Carry out what a patch asks for. Raises what `retry`, `skip` and `redate` raise."""
    task: TaskFlow | None = None
    if asked.deadline is not None:
        task = redate(session, flow_id, task_id, asked.deadline, by)
    if asked.state is not None:
        task = MOVES[asked.state](session, flow_id, task_id, by)
    if task is None:
        raise Refused("/", "it asks for nothing", "empty", f"state, or {CHARACTERISTIC} {DEADLINE}")
    session.flush()
    return task


def read_repair(patch: dict[str, Json]) -> Repair:
    """What a patch of a task asks for. Raises `Refused` with every attribute that the engine alone moves."""
    check_patch(TaskFlow.api, patch, TaskFlow.extensions)
    fixed = sorted(patch.keys() - {"state", CHARACTERISTIC, "@type"})
    faults = [Fault(f"/{name}", "it is not changed by hand", "fixed", f"state, {CHARACTERISTIC}") for name in fixed]
    state = patch.get("state")
    if "state" in patch and state not in set(MOVES):
        why = f"nobody moves a task to {state}; active has it tried again, completed skips it"
        faults.append(Fault("/state", why, "fixed", ", ".join(MOVES)))
    deadline = _deadline(patch.get(CHARACTERISTIC, []), faults)
    if faults:
        raise RuleRefused.all(faults)
    return Repair(TaskState(str(state)) if state is not None else None, deadline)


def _deadline(given: Json, faults: list[Fault]) -> datetime | None:
    """The deadline among the characteristics. What is wrong with them goes to `faults`."""
    deadline = None
    for index, one in enumerate(given if isinstance(given, list) else []):
        if not isinstance(one, dict) or one.get("name") != DEADLINE:
            why = "of a task only its deadline is changed by hand"
            faults.append(Fault(f"/{CHARACTERISTIC}/{index}/name", why, "fixed", DEADLINE))
            continue
        try:
            deadline = INSTANT.validate_python(one.get("value"))
        except ValidationError:
            accepted = "a date and time with its offset, as in 2027-03-31T12:00:00Z"
            faults.append(Fault(f"/{CHARACTERISTIC}/{index}/value", "is no instant", "wrongFormat", accepted))
    return deadline


@told_as(TaskFlow)
def _shown(body: dict[str, Json], by: Principal) -> dict[str, Json]:
    """A task as `by` may see it."""
    told = body.get(CHARACTERISTIC)
    if not isinstance(told, list) or by.may(Capability.READ_NETWORK):
        return body
    return body | {CHARACTERISTIC: [one for one in told if isinstance(one, dict) and one.get("name") not in INSIDE]}


def tell_critical_paths(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """Add to each flow the tasks that decide now when it ends."""
    told = {str(body["id"]): body[CHARACTERISTIC] for body in bodies if CHARACTERISTIC in body}
    tasks: dict[str, list[TaskFlow]] = {}
    query = select(TaskFlow).where(col(TaskFlow.process_flow_id).in_(told)).order_by(col(TaskFlow.position))
    for task in session.exec(query.options(load_only(*(getattr(TaskFlow, name) for name in SCHEDULE)))):
        tasks.setdefault(task.process_flow_id, []).append(task)
    for flow_id, characteristics in told.items():
        if flow_id in tasks and isinstance(characteristics, list):
            path: list[Json] = list(critical_path(tasks[flow_id]))
            characteristics.append({"name": "criticalPath", "value": path, "valueType": "array"})


routes = TmfRoutes(ProcessFlow, derived=tell_critical_paths)


@routes.own.on("GET", TASKS, name="list taskFlow", openapi_extra=list_operation(TaskFlow.api))
def list_task_flows(request: Request, flow_id: FlowId) -> Response:
    query = read_query(request.query_params.multi_items())
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(TaskFlow.api.reads)
        page = task_flows(session, flow_id, query, principal)
    return page_response(page)


@routes.own.on("GET", f"{TASKS}/{{id}}", name="get taskFlow", openapi_extra=one_operation(TaskFlow.api))
def get_task_flow(request: Request, flow_id: FlowId, id: str) -> Response:
    fields = read_query(request.query_params.multi_items()).fields
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(TaskFlow.api.reads)
        body, version = task_flow(session, flow_id, id, fields, principal)
    return json_response(body, headers={"ETag": f'"{version}"'})


@routes.own.on(
    "PATCH", f"{TASKS}/{{id}}", name="repair taskFlow", openapi_extra=write_operation(TaskFlow.api, "update")
)
def patch_task_flow(request: Request, flow_id: FlowId, id: str, body: Body) -> Response:
    """Have a held task tried again, skip it, or give it another deadline."""

    def act(session: Session, principal: Principal) -> Answer:
        flow = find_for_update(session, ProcessFlow, flow_id)
        task = find_for_update(session, TaskFlow, id)
        if task.process_flow_id != flow.id:
            raise NotFound(TaskFlow.__name__, id)
        asked = read_repair(read_json(body))
        match_version(request, task)
        repair_task(session, flow.id, task.id, asked, principal)
        shown, version = task_flow(session, flow.id, task.id, frozenset(), principal)
        return Answer(200, {"ETag": f'"{version}"'}, shown)

    return once(request, body, Capability.REPAIR_FLOWS, act)
