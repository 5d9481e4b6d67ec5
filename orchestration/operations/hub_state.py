"""What the hub holds of a service, beside what it was told: drift, and what would be sent to mend it.

Reads only. The NOC decides what is right; to send it again is to have the task of the order tried again.
"""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from sqlmodel import Session, col, select

from satcom.core.database import find
from satcom.core.errors import RuleRefused, Unavailable
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of
from satcom.core.values import Json
from satcom.orchestration.operations.order_to_service import prepare_activation
from satcom.orchestration.plan import ProcessFlow, TaskFlow, TaskState
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, HubConfiguration, HubDriver
from satcom.service.activation import drift, dry_run, from_json, to_json
from satcom.service.inventory import Service

PATH = "/satcom-api/service/v1/hubState"
router = APIRouter(tags=["hubState"])


def told_to_hub(session: Session, service_id: str) -> HubConfiguration:
    """What the hub was told of a service. Raises `NotFound`; `RuleRefused` when no order of ours configured it."""
    service = find(session, Service, service_id)
    prepared = (
        select(TaskFlow)
        .join(ProcessFlow, col(ProcessFlow.id) == col(TaskFlow.process_flow_id))
        .where(col(ProcessFlow.subject_id) == service.order_id)
        .where(col(TaskFlow.handler) == prepare_activation.__name__)
        .where(col(TaskFlow.state) == TaskState.COMPLETED)
    )
    task = session.exec(prepared).first()
    if task is None:
        raise RuleRefused("/serviceId", "no hub is configured for this service", "notConfigured", "a service in use")
    return from_json(task.result)


def compared(hub: HubDriver, told: HubConfiguration) -> dict[str, Json]:
    """The hub's state field by field. Raises `Unavailable` when it cannot be asked."""
    try:
        differences, planned = drift(hub, told), dry_run(hub, told)
    except (DriverRefused, DriverUnavailable) as error:
        raise Unavailable("hub", f"it cannot be asked: {error}") from error
    return {
        "told": to_json(told),
        "differences": [dict(asdict(one)) for one in differences],
        "wouldSend": [{"method": one.method, "path": one.path, "body": dict(one.body)} for one in planned],
    }


@router.get(PATH, name="read hubState")
def read_hub_state(request: Request, serviceId: str) -> Response:  # noqa: N803 (the name on the wire)
    """Drift of one service (empty `differences`: none) and the requests of a dry run."""
    hub: HubDriver | None = request.app.state.hub
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(Capability.READ_NETWORK)
        told = told_to_hub(session, serviceId)
    if hub is None:
        raise Unavailable("hub", "no hub is configured here")
    return json_response({"serviceId": serviceId, **compared(hub, told)})
