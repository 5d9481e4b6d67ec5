"""Planned events of a service over HTTP, as an answer and as a calendar that the customer or the NOC subscribes to."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Query, Request, Response

from satcom.core.clock import now
from satcom.core.errors import Refused, RuleRefused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.orchestration.operations.hub_state import service_meant
from satcom.resource.passes import instant_of
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.ordering import service_order_of
from satcom.service.solution import PartnerSolution
from satcom.service.way import SiteWay

PATH: Final = "/satcom-api/service/v1/plannedEvent"
LONGEST_DAYS: Final = 366
USUAL_DAYS: Final = 92
CALENDAR: Final = "text/calendar"
routes = Routes("plannedEvent")


@routes.on(
    "GET",
    PATH,
    name="list plannedEvent",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_SERVICES),
)
def list_planned_events(
    request: Request,
    serviceId: str | None = None,  # noqa: N803 (the names on the wire)
    startAt: datetime | None = None,  # noqa: N803
    days: Annotated[int | None, Query(ge=1, le=LONGEST_DAYS)] = None,
) -> Response:
    """Sun outages at the ends of a service, by what its carriers can bear, and eclipses of its satellite.

    Over satellites that pass: handovers with who carries before and after, gaps, and sun outages behind the satellite
    that carries; for 7 days unless more are asked for, up to 31, and for fewer over a large constellation. Else for 92,
    up to 366.

    `serviceId` is its id or name, or the reference of its order. From now on unless a start is said. Asked for
    `text/calendar` it answers a calendar (iCalendar) in which an event keeps its identity.
    """
    # the Sun's ephemeris and SciPy are loaded by who asks, not by every server and worker
    from satcom.resource.event_calendar import event_calendar  # noqa: PLC0415
    from satcom.service.planned_event import PlannedEvents, ServiceLink, events_of, link_of  # noqa: PLC0415
    from satcom.service.planned_handover import (  # noqa: PLC0415
        PassingEvents,
        PassingLink,
        passing_events_of,
        passing_link_of,
    )

    if serviceId is None:
        raise Refused("serviceId", "which service is mandatory", "missing", "an id, or a name")
    start = instant_of(startAt)
    with database_of(request).request(token_of(request)) as (session, _):
        service = service_meant(session, serviceId)
        placed = service_order_of(session, service.order_id or "")
        solution = placed.solution if placed is not None else None
        if isinstance(solution, PartnerSolution):
            raise RuleRefused("serviceId", f"a partner serves {service.name}", "byPartner", "a service of our own")
        link: ServiceLink | PassingLink
        if isinstance(solution, ConstellationSolution):
            link = passing_link_of(session, service, solution, start, days)
        elif isinstance(solution, SiteWay):
            link = link_of(session, service, solution)
        else:
            why = f"{service.name} leads to no site of ours"
            raise RuleRefused("serviceId", why, "noSite", "a service to a site, delivered by an order")
    if isinstance(link, PassingLink):
        told: PlannedEvents | PassingEvents = passing_events_of(link)
    else:
        told = events_of(link, start, start + timedelta(days=USUAL_DAYS if days is None else days))
    if CALENDAR in request.headers.get("accept", ""):
        calendar = event_calendar(f"Planned events of {link.site.name}", told.entries(), now())
        return Response(calendar, media_type=CALENDAR)
    return json_response(told.body())
