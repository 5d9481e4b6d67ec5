"""What the hub holds of a service, beside what it was told: drift, and what would be sent to mend it.

Reads only. The NOC decides what is right; to send it again is to have the task of the order tried again.
"""

from dataclasses import asdict

from fastapi import Request, Response
from sqlalchemy import or_
from sqlmodel import Session, col, select

from satcom.core.database import principal_in
from satcom.core.errors import Refused, RuleRefused, Unavailable
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tenancy import visible
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_filter import is_uuid
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json
from satcom.market.ordering import ProductOrder
from satcom.orchestration.operations.service_in_place import told_to_hub
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, HubConfiguration, HubDriver
from satcom.service.activation import drift, dry_run, to_json
from satcom.service.inventory import Service, ServiceState
from satcom.service.ordering import ServiceOrder

ACCEPTED = "the id or name of a service, or the reference or id of its order, as PO-2026-000001"
MOST_NAMED = 10
PATH = "/satcom-api/service/v1/hubState"
routes = Routes("hubState")


class NoSuchService(Refused):
    status = 404


def service_meant(session: Session, name: str) -> Service:
    """The service of this id or name, or of the order with this reference or id.

    Raises `NoSuchService`, and `RuleRefused` where several services have the name.
    """
    orders = select(ProductOrder.id).where(
        col(ProductOrder.id) == name if is_uuid(name) else col(ProductOrder.reference) == name
    )
    meant = col(Service.id) == name if is_uuid(name) else col(Service.name) == name
    principal = principal_in(session)
    mine = orders.where(visible(ProductOrder, principal))
    ordered = select(ServiceOrder.service_id).where(col(ServiceOrder.external_id).in_(mine))
    query = select(Service).where(
        visible(Service, principal),
        or_(meant, col(Service.id).in_(ordered)),
    )
    found = session.exec(query.order_by(col(Service.id).desc()).limit(MOST_NAMED)).all()
    standing = [one for one in found if one.state is not ServiceState.TERMINATED] or list(found[:1])
    if not found:
        raise NoSuchService("serviceId", f"there is no service {name[:80]!r}", "notFound", ACCEPTED)
    if len(standing) > 1:
        ids = ", ".join(one.id for one in standing)
        raise RuleRefused("serviceId", f"{len(standing)} services are called {name[:80]!r}", "severalServices", ids)
    return standing[0]


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


@routes.on(
    "GET",
    PATH,
    name="read hubState",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_NETWORK),
)
def read_hub_state(request: Request, serviceId: str) -> Response:  # noqa: N803 (the name on the wire)
    """Drift of one service (empty `differences`: none) and the requests of a dry run.

    `serviceId` is the id or name of the service, or the reference or id of the order that it was delivered for.
    """
    hub: HubDriver | None = request.app.state.hub
    with database_of(request).request(token_of(request)) as (session, _):
        service = service_meant(session, serviceId)
        told = told_to_hub(session, service)
    if hub is None:
        raise Unavailable("hub", "no hub is configured here")
    return json_response({"serviceId": service.id, **compared(hub, told)})
