"""Qualification over a constellation: whether and how a site can be served by satellites that pass, and why not.

A question to the network, whose answer is kept nowhere. The path is looked at over the coming hours, from the begun one
on, with the element sets that are known; sets that are older than a week are taken a week after the newest of them,
since they know nothing of the manoeuvres that keep the satellites apart. What follows from the facts is
`service.design.constellation`.
It is for engineers: payload data stand in the budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fastapi import Request, Response
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import network_view
from satcom.core.errors import Fault, Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.resource.constellation import Constellation
from satcom.resource.element_age import check_ages, limit_days
from satcom.resource.ground import EarthStation
from satcom.resource.hold import Period
from satcom.resource.hub import Hub, free_ports
from satcom.resource.naming import NotThere, resources_called
from satcom.resource.passes import FIRST_YEAR, LAST_YEAR, LONGEST_HOURS, MOST_SATELLITE_HOURS, Fleet, fleet_called
from satcom.resource.physics.climate import altitude_km
from satcom.resource.resource import Finite
from satcom.service.constellation_solution import ConstellationQualification
from satcom.service.design.constellation import decide_constellation
from satcom.service.design.constellation_facts import ConstellationFacts, FlownFacts, GatewayFacts, PassingInputs
from satcom.service.design.facts import Assumptions
from satcom.service.design.reading import read_fleet
from satcom.service.design.sky import LONGEST_PROPAGATION
from satcom.service.qualification import check_demand, licensing_country
from satcom.service.solution import LinkDemand

PATH = "/satcom-api/service/v1/constellationQualification"
HOURS = 24
routes = Routes("constellation_qualification")


def qualify_constellation(
    session: Session, called: str, demand: LinkDemand, hours: int = HOURS
) -> ConstellationQualification:
    """The answer of one constellation, by id or name. Raises as `constellation_inputs` does."""
    return decide_constellation(constellation_inputs(session, called, demand, hours), demand)


def constellation_inputs(session: Session, called: str, demand: LinkDemand, hours: int = HOURS) -> PassingInputs:
    """What an answer is computed from, with the path over the coming hours.

    Raises `Refused` with every fault of the demand, `NotThere` on `constellation`, `RuleRefused` on a place in no
    country, and on elements that are older than the operator takes.
    """
    check_demand(demand)
    if not 1 <= hours <= LONGEST_HOURS:
        raise Refused("/hours", f"{hours} is out of range", "outOfRange", f"1 to {LONGEST_HOURS}")
    country, at = licensing_country(demand), now().replace(minute=0, second=0, microsecond=0)
    if demand.altitude_m is None:
        height_m = 1000 * max(float(altitude_km(demand.latitude_deg, demand.longitude_deg)), 0.0)
    else:
        height_m = demand.altitude_m
    with network_view(session) as network:
        (meant,) = resources_called(network, Constellation, [called], "/constellation")
        facts = _facts(network, meant, Period(demand.start_at, demand.stop_at), at)
        flown = [one.elements for one in facts.satellites]
        check_ages("/constellation", flown, at + timedelta(hours=hours), limit_days(network))
    if len(facts.satellites) * hours > MOST_SATELLITE_HOURS:
        why = f"{len(facts.satellites)} satellites for {hours} hours are too much at once"
        raise Refused("/hours", why, "tooMuch", f"up to {MOST_SATELLITE_HOURS // len(facts.satellites)} hours")
    return PassingInputs(at, _start(facts, at), hours, country, height_m, facts, Assumptions())


def _start(facts: ConstellationFacts, at: datetime) -> datetime:
    """From now on, but not longer after the newest set than sets can be trusted."""
    newest = max((one.elements.epoch for one in facts.satellites), default=at)
    return min(at, newest + LONGEST_PROPAGATION)


def _facts(network: Session, one: Constellation, period: Period, at: datetime) -> ConstellationFacts:
    ground = read_fleet(network, at)
    flown = _satellites(network, one, at)
    return ConstellationFacts(
        id=one.id,
        name=one.name,
        user_band=one.user_band.value,
        rule=one.handover_rule,
        lowest_elevation_deg=one.lowest_elevation_deg,
        edge_gain_db=one.edge_gain_db,
        gateway_power_control_db=one.gateway_power_control_db,
        terminal_power_control_db=one.terminal_power_control_db,
        forward=one.forward,
        return_link=one.return_link,
        satellites=tuple(FlownFacts(str(each.satellite.reference["id"]), each.satellite.name, each.elements)
                         for each in flown.flown),
        gateways=_gateways(network, one, period),
        terminal_types=ground.terminal_types,
        licences=ground.licences,
        illustrative=one.illustrative,
    )  # fmt: skip


def _satellites(network: Session, one: Constellation, at: datetime) -> Fleet:
    """Those that carry traffic; a constellation may have been declared before its first satellite."""
    try:
        return fleet_called(network, (), one.name, (), at)
    except NotThere:
        return Fleet(())


def _gateways(network: Session, one: Constellation, period: Period) -> tuple[GatewayFacts, ...]:
    """In the order of the declaration."""
    stations = {
        each.id: each
        for each in network.exec(
            select(EarthStation).where(col(EarthStation.id).in_([gateway.earth_station_id for gateway in one.gateways]))
        )
    }
    wanted = [gateway.hub_id for gateway in one.gateways]
    hubs = {each.id: each for each in network.exec(select(Hub).where(col(Hub.id).in_(wanted)))}
    free = dict(zip(wanted, free_ports(network, wanted, period).tolist(), strict=True))
    return tuple(
        GatewayFacts(
            station_id=station.id,
            name=station.name,
            latitude_deg=station.latitude_deg,
            longitude_deg=station.longitude_deg,
            altitude_m=station.altitude_m,
            horizon_mask_deg=station.horizon_mask_deg,
            antenna=antenna,
            hub_id=gateway.hub_id,
            hub_name=hubs[gateway.hub_id].name,
            free_ports=free[gateway.hub_id],
        )
        for gateway in one.gateways
        for station in (stations[gateway.earth_station_id],)
        for antenna in station.antennas
        if antenna.id == gateway.antenna_id
    )


def _wrong_moments(given: Mapping[str, datetime | None]) -> list[Fault]:
    """Those without a time zone, and those so far off that they are none in UTC."""
    faults = []
    for name, moment in given.items():
        if moment is not None and moment.tzinfo is None:
            faults.append(Fault(name, "it has no time zone", "invalid", "for example 2027-01-31T00:00:00Z"))
        elif moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            faults.append(Fault(name, f"{moment.year} is not planned", "outOfRange", f"{FIRST_YEAR} to {LAST_YEAR}"))
    return faults


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
        missing += _wrong_moments({"startAt": startAt, "stopAt": stopAt})
        if missing:
            raise Refused.all(missing)
        demand = LinkDemand.model_validate(
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
