"""The path of a service at an instant over HTTP: which satellite, beam and gateway carry it."""

from datetime import datetime
from typing import Final

from fastapi import Request, Response

from satcom.core.errors import Refused, RuleRefused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.orchestration.operations.hub_state import service_meant
from satcom.resource.passes import instant_of
from satcom.service.ordering import service_order_of
from satcom.service.solution import PartnerSolution

PATH: Final = "/satcom-api/service/v1/servicePathAt"
routes = Routes("servicePathAt")


@routes.on(
    "GET",
    PATH,
    name="read servicePathAt",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_SERVICES),
)
def read_service_path_at(
    request: Request,
    serviceId: str | None = None,  # noqa: N803 (the names on the wire)
    at: datetime | None = None,
) -> Response:
    """Who carries a service at an instant of the past or the future; `at` is now unless it is said.

    `serviceId` is its id or name, or the reference of its order. Over satellites that pass the answer tells since when
    and until when the satellite serves, and how old its elements are then.
    """
    # the search for passes is loaded by who asks, not by every server and worker
    from satcom.service.serving_satellite import Passing, carried, path_told  # noqa: PLC0415

    if serviceId is None:
        raise Refused("serviceId", "which service is mandatory", "missing", "an id, or a name")
    try:
        moment = instant_of(at)
    except Refused as refused:
        raise Refused("at", refused.faults[0].why, refused.faults[0].code, refused.faults[0].accepted) from refused
    with database_of(request).request(token_of(request)) as (session, _):
        service = service_meant(session, serviceId)
        placed = service_order_of(session, service.order_id or "")
        if placed is not None and isinstance(placed.solution, PartnerSolution):
            raise RuleRefused("serviceId", f"a partner serves {service.name}", "byPartner", "a service of our own")
        found = path_told(session, service, moment)
    return json_response(carried(found) if isinstance(found, Passing) else found)
