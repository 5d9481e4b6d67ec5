"""A site under passing satellites: from facts to the ways with their promise, or to the one reason why there is none.

First who may stand there (licence, terminal, a gateway with a free port), then the path: satellite and gateway in view
together over the coming hours. What unavailability the path leaves is for rain, one half for the site and one for the
gateways; carriers are sized so that they close at every instant of the plan, and what they promise is then worked out
by the time at each elevation. Pure: the same facts, the same answer.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from satcom.resource.hold import Period
from satcom.resource.licence import LicenceFact, LicenceGate, Unlicensed, licence_for
from satcom.resource.physics.orbit import element_age_days
from satcom.resource.physics.passes import ServicePlan
from satcom.service.constellation_solution import (
    ConstellationLoser,
    ConstellationQualification,
    ConstellationSolution,
    GatewayUse,
    MarginOverPasses,
    PassingCarrier,
    Path,
    PathPlan,
    PathReason,
)
from satcom.service.demand import DIRECTIONS, ConstellationDemand, Direction
from satcom.service.design.budget_table import budget_table
from satcom.service.design.constellation_facts import GatewayFacts, PassingInputs
from satcom.service.design.constellation_path import (
    Lost,
    check_path,
    gateways_used,
    instants_of,
    path_of,
    plan_of,
    rain_percent,
)
from satcom.service.design.day_capacity import GatewayLeft, begin, check_beams, left_of, times_on_day, too_full
from satcom.service.design.facts import TerminalTypeFacts
from satcom.service.design.licensing import sends
from satcom.service.design.neighbours import sources_assumed
from satcom.service.design.passing_carriers import Passing, TooMuch, sized, worst_budget
from satcom.service.design.passing_limits import Reached
from satcom.service.design.passing_links import Instants, PassingLinks, SitePlace
from satcom.service.design.passing_weather import RAREST_PERCENT
from satcom.service.way import LimitKept

Array = NDArray[np.float64]


def decide_constellation(inputs: PassingInputs, demand: ConstellationDemand) -> ConstellationQualification:
    """The answer to a demand, from nothing but the inputs.

    A gateway whose feeder is too full for the ways that go through it is left out, and the path is planned again.
    """
    path: PathPlan | None = None
    solutions: tuple[ConstellationSolution, ...] = ()
    loser: ConstellationLoser | None = None
    lost_for_room: Lost | None = None
    full: list[GatewayLeft] = []
    try:
        inputs = _with_fresh_elements(inputs)
        terminals = _terminals(inputs, demand)
        gateways = _gateways(inputs)
        while not solutions:
            if not gateways and lost_for_room is not None:
                raise lost_for_room
            plan = plan_of(inputs, demand, gateways)
            path = path_of(inputs, plan, gateways)
            check_path(inputs, demand, plan, path)
            found = _solutions(inputs, demand, plan, gateways, terminals)
            through = _left_then(inputs, demand, gateways, found[0])
            solutions = tuple(
                _with_what_is_left(inputs, one, through)
                for one in found
                if not any(left.lacks(one) for left in through)
            )
            if not solutions:
                full += [one for one in through if one.lacks(found[0])]
                lost_for_room = too_full(inputs, full, found[0])
                left_out = {one.gateway.station_id for one in full}
                gateways = tuple(one for one in gateways if one.station_id not in left_out)
    except Lost as lost:
        if lost.reason in (PathReason.NO_PATH, PathReason.NO_GATEWAY_IN_VIEW):
            lost = lost_for_room or _without_ports(inputs, demand) or lost
        loser = _loser(inputs, lost)
    return ConstellationQualification(
        at=inputs.at, demand=demand, country=inputs.country, path=path, solutions=solutions, loser=loser
    )


def _with_fresh_elements(inputs: PassingInputs) -> PassingInputs:
    """Without the satellites whose sets are older, at the end of the hours looked at, than the operator takes.

    Raises `Lost` where none is left.
    """
    end, limit, one = inputs.at + timedelta(hours=inputs.hours), inputs.elements_limit_days, inputs.constellation
    if limit is None or not one.satellites:
        return inputs
    age_days = {each.id: element_age_days(each.elements, end) for each in one.satellites}
    kept = tuple(each for each in one.satellites if age_days[each.id] <= limit)
    if not kept:
        newest_days = min(age_days.values())
        text = f"the newest elements are {newest_days:.1f} days old, the operator takes up to {limit}"
        raise Lost(PathReason.ELEMENTS_TOO_OLD, text, round(newest_days, 2), limit, "days")
    return replace(inputs, constellation=replace(one, satellites=kept))


def _left_then(
    inputs: PassingInputs, demand: ConstellationDemand, gateways: tuple[GatewayFacts, ...], way: ConstellationSolution
) -> list[GatewayLeft]:
    """What is left of the gateways that the ways go through. Raises `Lost` when a satellite has no beam left."""
    used = {one.earth_station_id for one in way.gateways}
    through = [one for one in gateways if one.station_id in used]
    times = times_on_day(inputs, demand, through)
    check_beams(inputs, times)
    return [left_of(one, times) for one in through]


def _with_what_is_left(
    inputs: PassingInputs, way: ConstellationSolution, through: Sequence[GatewayLeft]
) -> ConstellationSolution:
    """A way that tells how full its gateways are."""
    of = {one.gateway.station_id: one for one in through}
    told = []
    for one in way.gateways:
        left = of[one.earth_station_id]
        at = None if left.slot is None or inputs.day is None else begin(inputs.day, left.slot)
        rooms = {"forward_left_hz": left.forward_hz, "return_left_hz": left.return_hz, "fullest_at": at}
        told.append(one.model_copy(update=rooms))
    return way.model_copy(update={"gateways": tuple(told)})


def _without_ports(inputs: PassingInputs, demand: ConstellationDemand) -> Lost | None:
    """That it is for want of a free port, where all gateways together would serve it often enough."""
    gateways = inputs.constellation.gateways
    busy = [one for one in gateways if one.free_ports <= 0]
    if not busy:
        return None
    plan = plan_of(inputs, demand, gateways)
    if rain_percent(demand, plan) < RAREST_PERCENT:
        return None
    names = ", ".join(f"{one.hub_name} at {one.name}" for one in busy)
    text = f"without the gateways whose hubs have no free port ({names}) it is not served often enough"
    return Lost(PathReason.NO_HUB_PORT, text, 0, 1, "ports")


def _terminals(inputs: PassingInputs, demand: ConstellationDemand) -> list[TerminalTypeFacts]:
    """The types that may stand there. Raises `Lost`."""
    one, period = inputs.constellation, Period(demand.start_at, demand.stop_at)
    if demand.bands is not None and one.user_band not in demand.bands:
        raise Lost(PathReason.OTHER_BAND, f"its users are served in {one.user_band} band, which was not asked for")
    has = {one.forward.downlink_polarisation.value, one.return_link.uplink_polarisation.value}
    if demand.polarisation is not None and demand.polarisation not in has:
        text = f"its beams are {' and '.join(sorted(has))}, {demand.polarisation} was asked for"
        raise Lost(PathReason.OTHER_POLARISATION, text)
    kinds = [kind for kind in one.terminal_types if kind.band == one.user_band]
    wanted = demand.terminal_types
    asked_for = [kind for kind in kinds if wanted is None or kind.is_among(wanted)] or kinds
    under = [_licence(inputs, demand, kind, period) for kind in asked_for]
    refused = [each for each in under if isinstance(each, Unlicensed)]
    if refused and len(refused) == len(under):
        raise _unlicensed(refused)
    allowed = [kind for kind in kinds if isinstance(_licence(inputs, demand, kind, period), LicenceFact)]
    accepted = [kind for kind in allowed if wanted is None or kind.is_among(wanted)]
    approved = [kind for kind in accepted if kind.approved]
    if not approved:
        what = "would do, none of them approved" if accepted else "would be accepted"
        text = f"{len(accepted)} terminal types of {one.user_band} band {what}"
        raise Lost(PathReason.NO_APPROVED_TERMINAL, text, 0, 1, "terminal types")
    return approved


def _licence(
    inputs: PassingInputs, demand: ConstellationDemand, kind: TerminalTypeFacts, period: Period
) -> LicenceFact | Unlicensed:
    """The rule is the licence's own."""
    one = inputs.constellation
    sent = sends(kind, float(one.return_link.uplink_center_hz), demand.rate_bps("return"))
    return licence_for(
        one.licences, inputs.country, kind.band, kind.terminal_class, period, kind.antenna_diameter_m, sent
    )


def _unlicensed(refused: list[Unlicensed]) -> Lost:
    """The one that comes furthest, and misses by less."""
    order = list(LicenceGate)
    best = max(refused, key=lambda one: (order.index(one.gate), -abs(one.value - one.limit)))
    return Lost(PathReason(best.gate.value), best.text, best.value, best.limit, best.unit)


def _gateways(inputs: PassingInputs) -> tuple[GatewayFacts, ...]:
    """Those whose hub has a free port: whoever may serve needs one. Raises `Lost`."""
    one = inputs.constellation
    if not one.satellites:
        raise Lost(PathReason.NO_ELEMENTS, "of no satellite that carries traffic elements are kept", 0, 1, "satellites")
    free = tuple(gateway for gateway in one.gateways if gateway.free_ports > 0)
    if not free:
        text = f"none of its {len(one.gateways)} gateways has a free port" if one.gateways else "it has no gateway"
        raise Lost(PathReason.NO_HUB_PORT, text, 0, 1, "ports")
    return free


def _solutions(
    inputs: PassingInputs,
    demand: ConstellationDemand,
    plan: ServicePlan,
    gateways: tuple[GatewayFacts, ...],
    terminals: list[TerminalTypeFacts],
) -> tuple[ConstellationSolution, ...]:
    """One for each terminal type that does it, by what is charged. Raises `Lost` with the one that misses least."""
    every = instants_of(inputs, demand, plan, gateways)
    path, used = _way_there(inputs, plan, gateways, every), gateways_used(plan, gateways)
    place = SitePlace(demand.latitude_deg, demand.longitude_deg, inputs.height_m)
    found: list[tuple[float, ConstellationSolution]] = []
    misses: list[tuple[float, Lost]] = []
    for kind in terminals:
        licence = _licence(inputs, demand, kind, Period(demand.start_at, demand.stop_at))
        licensed = (
            (licence.eirp_density_limit_dbw_per_hz, licence.eirp_limit_dbw) if isinstance(licence, LicenceFact) else ()
        )
        links = PassingLinks(inputs.constellation, gateways, place, kind, every, inputs.assumed, *licensed)
        half = rain_percent(demand, plan)
        both = {way: sized(links, every, way, demand.rate_bps(way), half, inputs.room_hz(way)) for way in DIRECTIONS}
        failed = [_too_much(inputs, kind, way, one, every) for way, one in both.items() if isinstance(one, TooMuch)]
        if failed:
            misses.append(max(failed, key=lambda one: one[0]))
            continue
        carriers = {way: one for way, one in both.items() if isinstance(one, Passing)}
        price = float("inf") if kind.price is None else kind.price
        found.append((price, _solution(inputs, demand, path, used, kind, carriers)))
    if not found:
        raise min(misses, key=lambda one: one[0])[1]
    return tuple(one for _, one in sorted(found, key=lambda one: (one[1].charged_bandwidth_hz, one[0])))


def _too_much(
    inputs: PassingInputs, kind: TerminalTypeFacts, way: Direction, one: TooMuch, every: Instants
) -> tuple[float, Lost]:
    """By how much it misses, and the reason: what no power mends weighs more than what no bandwidth does."""
    at = inputs.start_at + timedelta(seconds=round(float(every.geometry.after_s[one.row]), 1))
    elevation_deg = float(every.geometry.site_elevation_deg[one.row])
    subject = f"{inputs.constellation.name}, {kind.name}"
    when = f"at {elevation_deg:.1f} deg, {at:%Y-%m-%d %H:%M:%S}Z"
    if one.short_by_db is not None:
        text = f"{way} link short by {one.short_by_db:.1f} dB in an empty beam, {when}"
        value = round(-one.short_by_db, 3)
        return one.short_by_db, Lost(PathReason.LINK_DOES_NOT_CLOSE, text, value, 0, "dB", at, subject)
    if one.too_dense is not None:
        dense = one.too_dense
        text = f"{way}: {dense.over_db:.1f} dB denser than allowed ({dense.source}), {when}"
        numbers = round(dense.value, 3), round(dense.limit, 3), dense.unit
        return dense.over_db, Lost(PathReason(dense.gate.value), text, *numbers, at, subject)
    payload, needed_hz, room_hz = inputs.constellation.payload(way), one.needed_hz or 0.0, inputs.room_hz(way)
    left = "a beam has" if room_hz == payload.bandwidth_hz else f"the beam that lights cell {inputs.cell} has left"
    text = f"{way}: {needed_hz / 1e6:.3f} MHz needed {when}, {left} {room_hz / 1e6:.3f} MHz"
    lost = Lost(PathReason.NO_BANDWIDTH, text, room_hz, round(needed_hz), "Hz", at, subject)
    return 0.0, lost


def _way_there(inputs: PassingInputs, plan: ServicePlan, gateways: tuple[GatewayFacts, ...], every: Instants) -> Path:
    """The path in brief, and how long it is."""
    length_km = every.geometry.site_range_km + every.geometry.gateway_range_km
    told = path_of(inputs, plan, gateways).model_dump(include=set(Path.model_fields))
    told |= {"shortest_path_km": float(length_km.min()), "longest_path_km": float(length_km.max())}
    return Path.model_validate(told)


def _solution(
    inputs: PassingInputs,
    demand: ConstellationDemand,
    path: Path,
    used: tuple[GatewayUse, ...],
    kind: TerminalTypeFacts,
    carriers: dict[Direction, Passing],
) -> ConstellationSolution:
    one, period = inputs.constellation, Period(demand.start_at, demand.stop_at)
    licence = _licence(inputs, demand, kind, period)
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
        licence_reference=licence.reference if isinstance(licence, LicenceFact) else "",
        charged_bandwidth_hz=forward.charged_bandwidth_hz + back.charged_bandwidth_hz,
        path=path,
        gateways=used,
        availability_percent=path.availability_percent * (1 - out / 100),
        confidence_percent=inputs.assumed.confidence_percent,
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
    payload = inputs.constellation.payload(one.direction)
    over, carrier = one.over_the_year, one.carrier
    antenna_gain_dbi = np.asarray(one.links.link(one.direction, one.every, np.array([50.0])).transmit.antenna_gain_dbi)
    return PassingCarrier(
        direction=one.direction,
        uplink_center_hz=payload.uplink_center_hz,
        downlink_center_hz=payload.downlink_center_hz,
        uplink_polarisation=payload.uplink_polarisation.value,
        downlink_polarisation=payload.downlink_polarisation.value,
        bit_rate_bps=one.bit_rate_bps,
        modcod=str(carrier.modcod),
        symbol_rate_baud=int(np.ceil(round(float(budget.symbol_rate_baud[0]), 3))),
        roll_off=one.links.assumed.roll_off,
        occupied_bandwidth_hz=_upwards(budget.occupied_bandwidth_hz[0]),
        power_equivalent_bandwidth_hz=_upwards(budget.power_equivalent_bandwidth_hz[0]),
        power_share=one.power_share,
        most_transmit_power_dbw=float(np.max(over.uplink_eirp_dbw - antenna_gain_dbi)),
        required_es_n0_db=float(budget.required_es_n0_db[0]),
        margin_db=float(budget.margin_db[0]),
        worst_at=inputs.start_at + timedelta(seconds=round(float(geometry.after_s[one.worst_row]), 1)),
        clear_sky_margin=_distribution(one.clear_margin_db, geometry.weight_s),
        faded_margin=_distribution(one.faded_margin_db, geometry.weight_s),
        limits_kept=tuple(_kept(inputs, one, each) for each in one.bounds.kept(one.share_per_baud)),
        budget=budget_table(budget, 0, one.links.assumed.confidence_percent, sources_assumed(one.links.assumed))
        + one.bounds.lines(one.share_per_baud, one.worst_row),
    )


def _kept(inputs: PassingInputs, one: Passing, limit: Reached) -> LimitKept:
    after_s = float(one.every.geometry.after_s[limit.row])
    return LimitKept(
        reason=limit.gate.value,
        value=limit.value,
        limit=limit.limit,
        unit=limit.unit,
        source=limit.source,
        at=inputs.start_at + timedelta(seconds=round(after_s, 1)),
        arrival_deg=limit.arrival_deg,
        away_km=limit.away_km,
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


def _loser(inputs: PassingInputs, lost: Lost) -> ConstellationLoser:
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
