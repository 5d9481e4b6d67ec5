"""History: everything that happened to one order or one object, read from the change log.

Every change carries the reference of the order that caused it, whoever made it and in whichever process: a person over
the API, a worker, the sweep. So one question tells the whole story. For staff: an order touches what others have, too.
"""

from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from satcom.core.change_log import Change
from satcom.core.errors import Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Json, instant_text

PATH: Final = "/satcom-api/audit/v1/change"
MOST: Final = 1000
STATES: Final = ("state", "status", "lifecycleStatus")
routes = Routes("change")


def changes_of(order_reference: str | None, entity_id: str | None) -> ColumnElement[bool]:
    """What concerns the order, the object, or both. Raises `Refused` when neither is named, or the id is none."""
    if order_reference is None and entity_id is None:
        raise Refused("orderReference", "an order or an object is named", "missing", "orderReference or entityId")
    if entity_id is not None and not is_uuid(entity_id):
        raise Refused("entityId", f"{entity_id[:80]!r} is no id", "invalid", "a UUID")
    asked = {Change.order_reference: order_reference, Change.entity_id: entity_id}
    conditions = [col(column) == value for column, value in asked.items() if value is not None]
    return conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]


def read_changes(session: Session, wanted: ColumnElement[bool], offset: int, limit: int) -> tuple[list[Json], int]:
    """A page of them, the oldest first, and how many there are in all."""
    total = session.exec(select(func.count()).select_from(Change).where(wanted)).one()
    query = select(Change).where(wanted).order_by(col(Change.sequence)).offset(offset).limit(limit)
    return [told(one) for one in session.exec(query)], total


def told(change: Change) -> Json:
    """One change as it is shown: who, when, of what, and what was there before and after."""
    body: dict[str, Json] = {
        "id": change.id,
        "at": instant_text(change.at),
        "businessAt": instant_text(change.business_at),
        "by": change.by,
        "entityType": change.entity_type,
        "entityId": change.entity_id,
        "version": change.version,
        "eventType": change.event_type,
    }
    further: dict[str, Json] = {
        "mark": change.mark,
        "orderReference": change.order_reference,
        "state": _state(change.after),
        "stateBefore": _state(change.before),
        "before": change.before,
        "after": change.after,
    }
    return body | {name: value for name, value in further.items() if value is not None}


def _state(values: dict[str, Json] | None) -> Json:
    return next((values[name] for name in STATES if name in values), None) if values is not None else None


@routes.on("GET", PATH, name="list change", first=who_may(Capability.SEE_CHANGES))
def list_changes(
    request: Request,
    orderReference: str | None = None,  # noqa: N803 (the name on the wire)
    entityId: str | None = None,  # noqa: N803
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """Everything that happened to an order (`orderReference`, as PO-2026-000001) or to one object (`entityId`).

    The oldest first. An order that nobody knows has no history: an empty list.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        shown, total = read_changes(session, changes_of(orderReference, entityId), offset, limit)
    return json_response(shown, headers={"X-Total-Count": str(total), "X-Result-Count": str(len(shown))})
