"""Process flows over HTTP: how far an order is, task by task, for whoever watches it.

Flows and tasks are read only: what changes them are the engine and the commands of repair. What a task came to holds
values of the payload, so only those who may read the network see it. Paths and words: TMF701.
"""

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Request, Response
from sqlmodel import Session

from satcom.core.database import find
from satcom.core.errors import NotAllowed, NotFound
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes, database_of, json_response, page_response, token_of
from satcom.core.tmf_openapi import list_operation, one_operation
from satcom.core.tmf_query import Filter, Page, Query, get_row, list_rows, read_query
from satcom.core.values import Json
from satcom.orchestration.plan import ProcessFlow, TaskFlow

FLOW = "processFlowId"
INSIDE = frozenset({"result", "handler", "undoHandler"})
TASKS = f"{ProcessFlow.api.path}/{{{FLOW}}}/{TaskFlow.api.collection}"
FlowId = Annotated[str, Path(alias=FLOW)]


def task_flows(session: Session, flow_id: str, query: Query, by: Principal) -> Page:
    """The tasks of a flow, by default in the order of the plan.

    Raises `NotFound`, and `NotAllowed` when they are to be told by what is inside.
    """
    flow = find(session, ProcessFlow, flow_id)
    asked = {one.path[0] for one in query.filters} | {name for name, _ in query.sort}
    if asked & INSIDE and not by.may(Capability.READ_NETWORK):
        raise NotAllowed(f"{by.name} may not ask for {', '.join(sorted(asked & INSIDE))}")
    filters = (*query.filters, Filter(FLOW, (FLOW,), "eq", (flow.id,)))
    below = replace(query, filters=filters, sort=query.sort or (("position", False),))
    page = list_rows(session, (TaskFlow,), below, by)
    return Page([_shown(row, flow, by) for row in page.rows], page.total)


def task_flow(
    session: Session, flow_id: str, task_id: str, fields: frozenset[str], by: Principal
) -> tuple[dict[str, Json], int]:
    """One task of a flow, and its version. Raises `NotFound`, also for a task of another flow."""
    flow = find(session, ProcessFlow, flow_id)
    if find(session, TaskFlow, task_id).process_flow_id != flow.id:
        raise NotFound(TaskFlow.__name__, task_id)
    body, version = get_row(session, (TaskFlow,), task_id, fields, by)
    return _shown(body, flow, by), version


def _shown(body: dict[str, Json], flow: ProcessFlow, by: Principal) -> dict[str, Json]:
    """A task at its path below the flow, as `by` may see it."""
    shown = body | {"href": f"{flow.href}/{TaskFlow.api.collection}/{body['id']}"}
    told = shown.get("characteristic")
    if isinstance(told, list) and not by.may(Capability.READ_NETWORK):
        shown["characteristic"] = [one for one in told if isinstance(one, dict) and one.get("name") not in INSIDE]
    return shown


routes = TmfRoutes(ProcessFlow)


@routes.router.get(TASKS, name="list taskFlow", openapi_extra=list_operation(TaskFlow.api))
def list_task_flows(request: Request, flow_id: FlowId) -> Response:
    query = read_query(request.query_params.multi_items())
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(TaskFlow.api.reads)
        page = task_flows(session, flow_id, query, principal)
    return page_response(page)


@routes.router.get(f"{TASKS}/{{id}}", name="get taskFlow", openapi_extra=one_operation(TaskFlow.api))
def get_task_flow(request: Request, flow_id: FlowId, id: str) -> Response:
    fields = read_query(request.query_params.multi_items()).fields
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(TaskFlow.api.reads)
        body, version = task_flow(session, flow_id, id, fields, principal)
    return json_response(body, headers={"ETag": f'"{version}"'})
