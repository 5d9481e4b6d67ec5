"""A site under passing satellites: from facts to the ways with their promise, or to the one reason why there is none.

First who may stand there (licence, terminal, a gateway with a free port), then the path: satellite and gateway in view
together over the coming hours. What unavailability the path leaves is for rain, one half for the site and one for the
gateways; carriers are sized so that they close at every instant of the plan, and what they promise is then worked out
by the time at each elevation. Pure: the same facts, the same answer.
"""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from satcom.resource.hold import Period
from satcom.resource.licence import LicenceFact, licensed
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.leg_geometry import leg_geometry
from satcom.resource.physics.orbit import element_age_days
from satcom.resource.physics.passes import GapReason, ServicePlan, service_plan
from satcom.service.constellation_solution import (
    ConstellationLoser,
    ConstellationQualification,
    ConstellationSolution,
    MarginOverPasses,
    PassingCarrier,
    PathGap,
    PathLeg,
    PathPlan,
    PathReason,
)
from satcom.service.design.budget_table import budget_table
from satcom.service.design.constellation_facts import GatewayFacts, PassingInputs, gateway_sites
from satcom.service.design.facts import LicenceFacts, TerminalTypeFacts
from satcom.service.design.passing_carriers import Passing, TooMuch, sized, worst_budget
from satcom.service.design.passing_links import Instants, PassingLinks, SitePlace
from satcom.service.design.passing_weather import RAREST_PERCENT
from satcom.service.solution import DIRECTIONS, Direction, LinkDemand

Array = NDArray[np.float64]
EVERY_S = 60.0  # links are worked out this often; a satellite turns by a few degrees at most


class _Lost(Exception):
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


def decide_constellation(inputs: PassingInputs, demand: LinkDemand) -> ConstellationQualification:
    """The answer to a demand, from nothing but the inputs."""
    path: PathPlan | None = None
    solutions: tuple[ConstellationSolution, ...] = ()
    loser: ConstellationLoser | None = None
    try:
        terminals = _terminals(inputs, demand)
        gateways = _gateways(inputs)
        plan = _plan(inputs, demand, gateways)
        path = _path(inputs, plan, gateways)
        _check_path(inputs, demand, plan, path)
        solutions = _solutions(inputs, demand, plan, gateways, terminals)
    except _Lost as lost:
        loser = _loser(inputs, lost)
    return ConstellationQualification(
        at=inputs.at, demand=demand, country=inputs.country, path=path, solutions=solutions, loser=loser
    )


def _terminals(inputs: PassingInputs, demand: LinkDemand) -> list[TerminalTypeFacts]:
    """The types that may stand there. Raises `_Lost`."""
    one, period = inputs.constellation, Period(demand.start_at, demand.stop_at)
    if demand.bands is not None and one.user_band not in demand.bands:
        raise _Lost(PathReason.NO_APPROVED_TERMINAL, f"{one.user_band} band was not asked for")
    kinds = [kind for kind in one.terminal_types if kind.band == one.user_band]
    allowed = [kind for kind in kinds if _licence(inputs, kind, period) is not None]
    if kinds and not allowed:
        text = f"no {one.user_band}-band licence in {inputs.country} for its terminals covers the period"
        raise _Lost(PathReason.NO_LICENCE, text, 0, 1, "licences")
    wanted = demand.terminal_types
    accepted = [kind for kind in allowed if wanted is None or kind.is_among(wanted)]
    approved = [kind for kind in accepted if kind.approved]
    if not approved:
        what = "would do, none of them approved" if accepted else "would be accepted"
        text = f"{len(accepted)} terminal types of {one.user_band} band {what}"
        raise _Lost(PathReason.NO_APPROVED_TERMINAL, text, 0, 1, "terminal types")
    return approved


def _licence(inputs: PassingInputs, kind: TerminalTypeFacts, period: Period) -> LicenceFacts | None:
    """The first that covers the period; the rule is the licence's own."""
    for one in inputs.constellation.licences:
        fact = LicenceFact(one.country, one.band, one.terminal_class, one.valid_from, one.valid_until)
        if licensed([fact], inputs.country, kind.band, kind.terminal_class, period):
            return one
    return None


def _gateways(inputs: PassingInputs) -> tuple[GatewayFacts, ...]:
    """Those whose hub has a free port: whoever may serve needs one. Raises `_Lost`."""
    one = inputs.constellation
    if not one.satellites:
        raise _Lost(
            PathReason.NO_ELEMENTS, "of no satellite that carries traffic elements are kept", 0, 1, "satellites"
        )
    free = tuple(gateway for gateway in one.gateways if gateway.free_ports > 0)
    if not free:
        text = f"none of its {len(one.gateways)} gateways has a free port" if one.gateways else "it has no gateway"
        raise _Lost(PathReason.NO_HUB_PORT, text, 0, 1, "ports")
    return free


def _plan(inputs: PassingInputs, demand: LinkDemand, gateways: tuple[GatewayFacts, ...]) -> ServicePlan:
    one = inputs.constellation
    site = sites_on(demand.latitude_deg, demand.longitude_deg, inputs.height_m, one.lowest_elevation_deg)
    elements = [satellite.elements for satellite in one.satellites]
    return service_plan(elements, site, gateway_sites(gateways), inputs.start_at, inputs.hours * 3600.0, one.rule)


def _path(inputs: PassingInputs, plan: ServicePlan, gateways: tuple[GatewayFacts, ...]) -> PathPlan:
    def at(after_s: float) -> datetime:
        return inputs.start_at + timedelta(seconds=round(after_s, 1))

    legs, without, satellites = plan.legs, plan.gaps, inputs.constellation.satellites
    longest = int(np.argmax(without.duration_s)) if len(without.site) else None
    return PathPlan(
        start_at=inputs.start_at,
        stop_at=at(plan.span_s),
        availability_percent=plan.served_percent,
        longest_gap_s=plan.longest_gap_s,
        longest_gap_at=None if longest is None else at(float(without.begin_s[longest])),
        handovers_per_day=plan.handovers / (plan.span_s / 86_400),
        lowest_elevation_deg=float(legs.lowest_elevation_deg.min()) if len(legs) else None,
        highest_elevation_deg=float(legs.highest_elevation_deg.max()) if len(legs) else None,
        satellite_count=len(np.unique(legs.satellite)),
        oldest_elements_days=max(element_age_days(one.elements, at(plan.span_s)) for one in satellites),
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


def _rain_percent(demand: LinkDemand, plan: ServicePlan) -> float:
    """What rain may take of the time in which there is a path, at each end of the link."""
    if plan.served_percent <= demand.availability_percent:
        return 0.0
    return 100 * (1 - demand.availability_percent / plan.served_percent) / 2


def _check_path(inputs: PassingInputs, demand: LinkDemand, plan: ServicePlan, path: PathPlan) -> None:
    """The path alone must be there more often than is asked, so that something is left for rain. Raises `_Lost`."""
    if _rain_percent(demand, plan) >= RAREST_PERCENT:
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
    raise _Lost(reason, text, value, demand.availability_percent, "%", path.longest_gap_at)


def _solutions(
    inputs: PassingInputs,
    demand: LinkDemand,
    plan: ServicePlan,
    gateways: tuple[GatewayFacts, ...],
    terminals: list[TerminalTypeFacts],
) -> tuple[ConstellationSolution, ...]:
    """One for each terminal type that does it, by what is charged. Raises `_Lost` with the one that misses least."""
    every = _instants(inputs, demand, plan, gateways)
    place = SitePlace(demand.latitude_deg, demand.longitude_deg, inputs.height_m)
    found: list[tuple[float, ConstellationSolution]] = []
    misses: list[tuple[float, _Lost]] = []
    for kind in terminals:
        links = PassingLinks(inputs.constellation, gateways, place, kind, every, inputs.assumed)
        half = _rain_percent(demand, plan)
        both = {way: sized(links, every, way, demand.rate_bps(way), half) for way in DIRECTIONS}
        failed = [_too_much(inputs, kind, way, one, every) for way, one in both.items() if isinstance(one, TooMuch)]
        if failed:
            misses.append(max(failed, key=lambda one: one[0]))
            continue
        carriers = {way: one for way, one in both.items() if isinstance(one, Passing)}
        price = float("inf") if kind.price is None else kind.price
        found.append((price, _solution(inputs, demand, plan, kind, carriers)))
    if not found:
        raise min(misses, key=lambda one: one[0])[1]
    return tuple(one for _, one in sorted(found, key=lambda one: (one[1].charged_bandwidth_hz, one[0])))


def _instants(
    inputs: PassingInputs, demand: LinkDemand, plan: ServicePlan, gateways: tuple[GatewayFacts, ...]
) -> Instants:
    one = inputs.constellation
    site = sites_on(demand.latitude_deg, demand.longitude_deg, inputs.height_m, one.lowest_elevation_deg)
    elements = [satellite.elements for satellite in one.satellites]
    geometry = leg_geometry(elements, plan.legs, site, gateway_sites(gateways), inputs.start_at, EVERY_S)
    return Instants(geometry, plan.legs.gateway[geometry.leg])


def _too_much(
    inputs: PassingInputs, kind: TerminalTypeFacts, way: Direction, one: TooMuch, every: Instants
) -> tuple[float, _Lost]:
    """By how much it misses, and the reason: what no power mends weighs more than what no bandwidth does."""
    at = inputs.start_at + timedelta(seconds=round(float(every.geometry.after_s[one.row]), 1))
    elevation_deg = float(every.geometry.site_elevation_deg[one.row])
    subject = f"{inputs.constellation.name}, {kind.name}"
    when = f"at {elevation_deg:.1f} deg, {at:%Y-%m-%d %H:%M:%S}Z"
    if one.short_by_db is not None:
        text = f"{way} link short by {one.short_by_db:.1f} dB in an empty beam, {when}"
        value = round(-one.short_by_db, 3)
        return one.short_by_db, _Lost(PathReason.LINK_DOES_NOT_CLOSE, text, value, 0, "dB", at, subject)
    payload = inputs.constellation.forward if way == "forward" else inputs.constellation.return_link
    needed_hz = one.needed_hz or 0.0
    text = f"{way}: {needed_hz / 1e6:.3f} MHz needed {when}, a beam has {payload.bandwidth_hz / 1e6:.3f} MHz"
    lost = _Lost(PathReason.NO_BANDWIDTH, text, payload.bandwidth_hz, round(needed_hz), "Hz", at, subject)
    return 0.0, lost


def _solution(
    inputs: PassingInputs,
    demand: LinkDemand,
    plan: ServicePlan,
    kind: TerminalTypeFacts,
    carriers: dict[Direction, Passing],
) -> ConstellationSolution:
    one, period = inputs.constellation, Period(demand.start_at, demand.stop_at)
    licence = _licence(inputs, kind, period)
    forward, back = (_carrier(inputs, carriers[way]) for way in DIRECTIONS)
    weight_s = carriers["forward"].every.geometry.weight_s
    out = float(np.average(_out_percent(carriers), weights=weight_s))
    return ConstellationSolution(
        constellation_id=one.id,
        constellation_name=one.name,
        band=one.user_band,
        terminal_type_id=kind.id,
        terminal_type_name=kind.name,
        antenna_diameter_m=kind.antenna_diameter_m,
        licence_reference="" if licence is None else licence.reference,
        charged_bandwidth_hz=forward.charged_bandwidth_hz + back.charged_bandwidth_hz,
        availability_percent=plan.served_percent * (1 - out / 100),
        margin_db=min(forward.margin_db, back.margin_db),
        forward=forward,
        return_link=back,
        illustrative=one.illustrative or kind.illustrative,
    )


def _out_percent(carriers: dict[Direction, Passing]) -> Array:
    """How often rain at either end puts the service out, at every instant: at an end it hits both directions."""
    gateway_up, site_down = carriers["forward"].outages_percent()
    site_up, gateway_down = carriers["return"].outages_percent()
    out: Array = np.minimum(np.maximum(site_up, site_down) + np.maximum(gateway_up, gateway_down), 100.0)
    return out


def _carrier(inputs: PassingInputs, one: Passing) -> PassingCarrier:
    budget, geometry = worst_budget(one), one.every.geometry
    payload = inputs.constellation.forward if one.direction == "forward" else inputs.constellation.return_link
    over, carrier = one.over_the_year, one.carrier
    antenna_gain_dbi = np.asarray(one.links.link(one.direction, one.every, np.array([50.0])).transmit.antenna_gain_dbi)
    return PassingCarrier(
        direction=one.direction,
        uplink_polarisation=payload.uplink_polarisation.value,
        downlink_polarisation=payload.downlink_polarisation.value,
        bit_rate_bps=one.bit_rate_bps,
        modcod=str(carrier.modcod),
        symbol_rate_baud=int(np.ceil(round(float(budget.symbol_rate_baud[0]), 3))),
        roll_off=one.links.assumed.roll_off,
        occupied_bandwidth_hz=_upwards(budget.occupied_bandwidth_hz[0]),
        power_equivalent_bandwidth_hz=_upwards(budget.power_equivalent_bandwidth_hz[0]),
        most_transmit_power_dbw=float(np.max(over.uplink_eirp_dbw - antenna_gain_dbi)),
        required_es_n0_db=float(budget.required_es_n0_db[0]),
        margin_db=float(budget.margin_db[0]),
        worst_at=inputs.start_at + timedelta(seconds=round(float(geometry.after_s[one.worst_row]), 1)),
        clear_sky_margin=_distribution(one.clear_margin_db, geometry.weight_s),
        faded_margin=_distribution(one.faded_margin_db, geometry.weight_s),
        budget=budget_table(budget, 0),
    )


def _upwards(hertz: float) -> int:
    return int(np.ceil(round(float(hertz), 3)))


def _distribution(margin_db: Array, weight_s: Array) -> MarginOverPasses:
    """Weighted by time."""
    order = np.argsort(margin_db)
    passed = np.cumsum(weight_s[order]) / weight_s.sum()
    one_percent, median = (float(margin_db[order][np.searchsorted(passed, share)]) for share in (0.01, 0.5))
    return MarginOverPasses(
        worst_db=float(margin_db.min()),
        one_percent_db=one_percent,
        median_db=median,
        best_db=float(margin_db.max()),
    )


def _loser(inputs: PassingInputs, lost: _Lost) -> ConstellationLoser:
    one = inputs.constellation
    return ConstellationLoser(
        constellation_id=one.id,
        constellation_name=one.name,
        subject=lost.subject or one.name,
        reason=lost.reason,
        value=lost.value,
        limit=lost.limit,
        unit=lost.unit,
        at=lost.at,
        text=lost.text,
        illustrative=one.illustrative,
    )
