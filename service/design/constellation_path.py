"""The path of a site under passing satellites: who serves it when, through which gateway, and whether that is enough.

Satellite and gateway must be in view together. What unavailability the path leaves is for rain, one half for the site
and one for the gateways. Pure: the same facts, the same answer.
"""

from datetime import datetime, timedelta

import numpy as np

from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.leg_geometry import leg_geometry
from satcom.resource.physics.orbit import element_age_days
from satcom.resource.physics.passes import GapReason, ServicePlan, service_plan
from satcom.service.constellation_solution import GatewayUse, PathGap, PathLeg, PathPlan, PathReason
from satcom.service.demand import ConstellationDemand
from satcom.service.design.constellation_facts import GatewayFacts, PassingInputs, gateway_sites
from satcom.service.design.passing_links import Instants
from satcom.service.design.passing_weather import RAREST_PERCENT

EVERY_S = 60.0  # links are worked out this often; a satellite turns by a few degrees at most


class Lost(Exception):
    """A reason was found; it ends the search for a way."""

    def __init__(
        self,
        reason: PathReason,
        text: str,
        value: float | None = None,
        limit: float | None = None,
        unit: str | None = None,
        at: datetime | None = None,
        subject: str | None = None,
    ) -> None:
        super().__init__(text)
        self.reason, self.text, self.subject = reason, text, subject
        self.value, self.limit, self.unit, self.at = value, limit, unit, at


def plan_of(inputs: PassingInputs, demand: ConstellationDemand, gateways: tuple[GatewayFacts, ...]) -> ServicePlan:
    """Who serves the site over the coming hours."""
    one = inputs.constellation
    site = sites_on(demand.latitude_deg, demand.longitude_deg, inputs.height_m, one.lowest_elevation_deg)
    elements = [satellite.elements for satellite in one.satellites]
    return service_plan.or_nan(
        elements, site, gateway_sites(gateways), inputs.start_at, inputs.hours * 3600.0, one.rule
    )


def path_of(inputs: PassingInputs, plan: ServicePlan, gateways: tuple[GatewayFacts, ...]) -> PathPlan:
    """The plan as it is told."""

    def at(after_s: float) -> datetime:
        return inputs.start_at + timedelta(seconds=round(after_s, 1))

    legs, without, satellites = plan.legs, plan.gaps, inputs.constellation.satellites
    serving = np.unique(legs.satellite).tolist() or range(len(satellites))
    unserved = plan.unserved
    longest = int(np.argmax(unserved.duration_s)) if len(unserved.site) else None
    return PathPlan(
        start_at=inputs.start_at,
        stop_at=at(plan.span_s),
        availability_percent=plan.served_percent,
        longest_gap_s=0.0 if longest is None else float(unserved.duration_s[longest]),
        longest_gap_at=None if longest is None else at(float(unserved.begin_s[longest])),
        handovers_per_day=plan.handovers / (plan.span_s / 86_400),
        lowest_elevation_deg=float(legs.lowest_elevation_deg.min()) if len(legs) else None,
        highest_elevation_deg=float(legs.highest_elevation_deg.max()) if len(legs) else None,
        satellite_count=len(np.unique(legs.satellite)),
        oldest_elements_days=max(element_age_days(satellites[row].elements, at(plan.span_s)) for row in serving),
        legs=tuple(
            PathLeg(
                satellite_id=satellites[int(legs.satellite[row])].id,
                satellite_name=satellites[int(legs.satellite[row])].name,
                earth_station_id=gateways[int(legs.gateway[row])].station_id,
                earth_station_name=gateways[int(legs.gateway[row])].name,
                start_at=at(float(legs.begin_s[row])),
                stop_at=at(float(legs.end_s[row])),
                lowest_elevation_deg=float(legs.lowest_elevation_deg[row]),
                highest_elevation_deg=float(legs.highest_elevation_deg[row]),
            )
            for row in range(len(legs))
        ),
        gaps=tuple(
            PathGap(start_at=at(float(begin)), stop_at=at(float(end)), reason=reason.value)
            for begin, end, reason in zip(without.begin_s, without.end_s, plan.reasons, strict=True)
        ),
    )


def rain_percent(demand: ConstellationDemand, plan: ServicePlan) -> float:
    """What rain may take of the time in which there is a path, at each end of the link."""
    if plan.served_percent <= demand.availability_percent:
        return 0.0
    return 100 * (1 - demand.availability_percent / plan.served_percent) / 2


def check_path(inputs: PassingInputs, demand: ConstellationDemand, plan: ServicePlan, path: PathPlan) -> None:
    """The path alone must be there more often than is asked, so that something is left for rain. Raises `Lost`."""
    if rain_percent(demand, plan) >= RAREST_PERCENT:
        return
    lost_s = dict.fromkeys(GapReason, 0.0)
    for duration_s, cause in zip(plan.gaps.duration_s, plan.reasons, strict=True):
        lost_s[cause] += float(duration_s)
    of_gateway = lost_s[GapReason.NO_GATEWAY] > lost_s[GapReason.NO_SATELLITE]
    reason = PathReason.NO_GATEWAY_IN_VIEW if of_gateway else PathReason.NO_PATH
    one = inputs.constellation
    what = (
        "a satellite and a gateway are in view together"
        if of_gateway
        else f"a satellite stands {one.lowest_elevation_deg:g} deg high"
    )
    text = (
        f"{what} for {plan.served_percent:.3f} % of {inputs.hours} hours, {demand.availability_percent:g} % are asked"
    )
    if path.longest_gap_at is not None:
        text += f"; the longest gap is {path.longest_gap_s:.0f} s from {path.longest_gap_at:%Y-%m-%d %H:%M:%S}Z on"
    value = round(plan.served_percent, 4)
    raise Lost(reason, text, value, demand.availability_percent, "%", path.longest_gap_at)


def instants_of(
    inputs: PassingInputs, demand: ConstellationDemand, plan: ServicePlan, gateways: tuple[GatewayFacts, ...]
) -> Instants:
    """What links are worked out at."""
    one = inputs.constellation
    site = sites_on(demand.latitude_deg, demand.longitude_deg, inputs.height_m, one.lowest_elevation_deg)
    elements = [satellite.elements for satellite in one.satellites]
    geometry = leg_geometry(elements, plan.legs, site, gateway_sites(gateways), inputs.start_at, EVERY_S)
    return Instants(geometry, plan.legs.gateway[geometry.leg])


def gateways_used(plan: ServicePlan, gateways: tuple[GatewayFacts, ...]) -> tuple[GatewayUse, ...]:
    """Those that the plan goes through, by their share of the time."""
    served_s = np.bincount(plan.legs.gateway, plan.legs.end_s - plan.legs.begin_s, len(gateways))
    order = sorted(range(len(gateways)), key=lambda row: -served_s[row])
    return tuple(
        GatewayUse(
            earth_station_id=gateways[row].station_id,
            earth_station_name=gateways[row].name,
            antenna_id=gateways[row].antenna.id,
            hub_id=gateways[row].hub_id,
            hub_name=gateways[row].hub_name,
            share_percent=float(100 * served_s[row] / served_s.sum()),
        )
        for row in order
        if served_s[row] > 0
    )
