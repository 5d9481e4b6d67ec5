"""Qualification over a constellation: whether and how a site can be served by satellites that pass, and why not.

A question to the network, whose answer is kept nowhere. The path is looked at over the coming hours, from the begun one
on, with the element sets that are known; sets that are older than a week are taken a week after the newest of them,
since they know nothing of the manoeuvres that keep the satellites apart. What follows from the facts is
`service.design.constellation`.
It is for engineers: payload data stand in the budget.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fastapi import Request, Response
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import network_view
from satcom.core.errors import Fault, Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.wrong_value import check_ranges
from satcom.resource.constellation import Constellation
from satcom.resource.naming import resources_called
from satcom.resource.passes import LONGEST_HOURS, MOST_SATELLITE_HOURS, wrong_instants
from satcom.resource.resource import Finite
from satcom.service.constellation_solution import ConstellationQualification
from satcom.service.demand import ConstellationDemand
from satcom.service.design.constellation import decide_constellation
from satcom.service.design.constellation_facts import PassingInputs
from satcom.service.design.passing_reading import read_passing
from satcom.service.design.reading import read_network
from satcom.service.qualification import check_demand, licensing_country

PATH = "/satcom-api/service/v1/constellationQualification"
HOURS = 24
routes = Routes("constellation_qualification")


def qualify_constellation(
    session: Session, called: str, demand: ConstellationDemand, hours: int = HOURS
) -> ConstellationQualification:
    """The answer of one constellation, by id or name. Raises as `constellation_inputs` does."""
    return decide_constellation(constellation_inputs(session, called, demand, hours), demand)


def constellation_inputs(
    session: Session, called: str, demand: ConstellationDemand, hours: int = HOURS
) -> PassingInputs:
    """What an answer is computed from, with the path over the coming hours.

    Raises `Refused` with every fault of the demand, `NotThere` on `constellation`, `RuleRefused` on a place in no
    country.
    """
    check_demand(demand)
    check_ranges([("/hours", hours, 1, LONGEST_HOURS)])
    country, at = licensing_country(demand), now().replace(minute=0, second=0, microsecond=0)
    with network_view(session) as network:
        (meant,) = resources_called(network, Constellation, [called], "/constellation")
        inputs = read_passing(network, read_network(network, at), meant, demand, country, hours, at)
    flown = len(inputs.constellation.satellites)
    if flown * hours > MOST_SATELLITE_HOURS:
        why = f"{flown} satellites for {hours} hours are too much at once"
        raise Refused("/hours", why, "tooMuch", f"up to {MOST_SATELLITE_HOURS // flown} hours")
    return inputs


def told_by_query(faults: Sequence[Fault]) -> list[Fault]:
    """With the names of a query's parameters."""
    return [replace(one, field=one.field.removeprefix("/")) for one in faults]


@routes.on(
    "GET",
    PATH,
    name="read constellationQualification",
    openapi_extra={"responses": refusals("404")},
    first=who_may(Capability.READ_NETWORK),
)
def read_constellation_qualification(
    request: Request,
    constellation: str | None = None,
    latitudeDeg: Finite | None = None,  # noqa: N803 (the names on the wire)
    longitudeDeg: Finite | None = None,  # noqa: N803
    downlinkRateBps: int | None = None,  # noqa: N803
    uplinkRateBps: int | None = None,  # noqa: N803
    availabilityPercent: Finite | None = None,  # noqa: N803
    altitudeM: Finite | None = None,  # noqa: N803
    country: str | None = None,
    startAt: datetime | None = None,  # noqa: N803
    stopAt: datetime | None = None,  # noqa: N803
    hours: int = HOURS,
) -> Response:
    """Whether a link can be delivered over a constellation at a place: path, carriers, promise; or why not, and when.

    Nothing is reserved and nothing kept. From now on and without end unless a period is said.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        needed = {
            "constellation": constellation,
            "latitudeDeg": latitudeDeg,
            "longitudeDeg": longitudeDeg,
            "downlinkRateBps": downlinkRateBps,
            "uplinkRateBps": uplinkRateBps,
            "availabilityPercent": availabilityPercent,
        }
        missing = [Fault(name, "it is mandatory", "missing") for name, value in needed.items() if value is None]
        missing += wrong_instants({"startAt": startAt, "stopAt": stopAt})
        if missing:
            raise Refused.all(missing)
        demand = ConstellationDemand.model_validate(
            {
                "downlink_rate_bps": downlinkRateBps,
                "uplink_rate_bps": uplinkRateBps,
                "availability_percent": availabilityPercent,
                "latitude_deg": latitudeDeg,
                "longitude_deg": longitudeDeg,
                "altitude_m": altitudeM,
                "country": country,
                "start_at": startAt or now(),
                "stop_at": stopAt,
            }
        )
        try:
            inputs = constellation_inputs(session, constellation or "", demand, hours)
        except Refused as refused:
            refused.faults = tuple(told_by_query(refused.faults))
            raise
    return json_response(decide_constellation(inputs, demand).wire())
