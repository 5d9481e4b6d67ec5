"""What orders wait for now: each wait with its owner, when it is due, its deadline, and from whom it was escalated."""

from dataclasses import replace
from typing import Any, Final

from fastapi import Request, Response
from sqlalchemy import Boolean, literal_column
from sqlmodel import Session, col, select

from satcom.core.routes import Routes
from satcom.core.security import Principal
from satcom.core.tmf_api import database_of, page_response, token_of
from satcom.core.tmf_openapi import list_operation
from satcom.core.tmf_query import Page, Part, Query, read_query
from satcom.core.values import Json
from satcom.orchestration.plan import OPEN_WAIT, ProcessFlow, TaskFlow
from satcom.orchestration.process_flow import CHARACTERISTIC, FLOW, tasks_listed

PATH: Final = "/satcom-api/orchestration/v1/wait"
OPEN: Final = Part(literal_column(OPEN_WAIT, Boolean), counted=10_000)
routes = Routes("wait")


def open_waits(session: Session, query: Query, by: Principal) -> Page:
    """The waits that are open, the longest overdue first, each with the reference of its order.

    Many are counted up to a limit only: how many wait for whom, the metrics tell.
    """
    page = tasks_listed(session, replace(query, sort=query.sort or (("dueAt", False),)), by, OPEN)
    plans = [_plan_of(row) for row in page.rows]
    named = select(ProcessFlow.id, ProcessFlow.reference).where(col(ProcessFlow.id).in_([one for one in plans if one]))
    references = dict(session.exec(named).all())
    rows = [
        row | {"orderReference": references[plan]} if plan in references else row
        for row, plan in zip(page.rows, plans, strict=True)
    ]
    return Page(rows, page.total)


def _plan_of(row: dict[str, Json]) -> str | None:
    listed = row.get(CHARACTERISTIC)
    found = (
        [one for one in listed if isinstance(one, dict) and one.get("name") == FLOW] if isinstance(listed, list) else []
    )
    return str(found[0]["value"]) if found else None


def _described() -> dict[str, Any]:
    """As a list of tasks is, but that each also has the reference of its order."""
    operation = list_operation(TaskFlow.api)
    wait = {"type": "object", "properties": {"id": {"type": "string"}, "orderReference": {"type": "string"}}}
    schema = {"type": "array", "items": wait}
    found = {"description": "The waits", "content": {"application/json": {"schema": schema}}}
    return operation | {"responses": {"200": found, "206": found}}


@routes.on("GET", PATH, name="list wait", openapi_extra=_described())
def list_waits(request: Request) -> Response:
    """Filtered and sorted as tasks are: `owner=supply`, `dueAt.lt=2027-03-31T00:00:00Z`."""
    query = read_query(request.query_params.multi_items())
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(TaskFlow.api.reads)
        page = open_waits(session, query, principal)
    return page_response(page)
