"""Qualification: whether and how a link can be delivered at a place, and why a satellite cannot deliver it.

It reads the network in a view of its own, since who asks may not read it, and writes nothing. What it knows, it gathers
as facts; what it answers, follows from the facts alone (`service.design`), so that it can be computed again.
Prices are the market's: solutions carry quantities.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from satcom.core.clock import months_later, now
from satcom.core.database import network_view
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.wrong_value import out_of_range
from satcom.resource.constellation import Constellation
from satcom.resource.country import countries
from satcom.resource.hold import Period
from satcom.resource.naming import NotThere, resources_called
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.physics.coverage import relative_gain_db
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.satellite import Satellite
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.demand import AccessDemand, ConstellationDemand, Demand, LeaseDemand, SiteDemand
from satcom.service.design.facts import Fleet, Occupancy
from satcom.service.design.inputs import Inputs
from satcom.service.design.leasing import candidates
from satcom.service.design.partnering import with_partners
from satcom.service.design.passing_reading import read_passing
from satcom.service.design.payloads import payloads, transponder_arrays
from satcom.service.design.reading import read_fleet, read_network, read_occupancy, read_pool_occupancy
from satcom.service.design.sky import LOWEST_ELEVATION_DEG, beam_shapes, look
from satcom.service.design.solving import decide, decide_access, decide_constellations, decide_lease
from satcom.service.design.survey import survey
from satcom.service.solution import LeaseSolution, Qualification, Solution
from satcom.service.way import Reason, SatelliteWay, TerminalWay
from satcom.supplychain.drivers.port import CapacityAsked
from satcom.supplychain.partner_search import PartnerAnswer, connected
from satcom.supplychain.partnership import CapacityPartner, capacity_partners
from satcom.supplychain.procurement import Supply, supply_of

Array = NDArray[np.float64]

PLANNED_HOURS = 24  # of a path under satellites that pass
OPEN_ENDED_MONTHS = 12  # what is asked for without end is to last so long at least; prices are compared over it, too
LARGEST_RATE_BPS = 2_000_000_000
LEAST_AVAILABILITY_PERCENT, MOST_AVAILABILITY_PERCENT = 90.0, 99.99
LOWEST_SITE_M, HIGHEST_SITE_M = -500.0, 9000.0
NEAR_BORDER_DEG = 0.3  # about 30 km: borders are drawn for the whole Earth, and coasts have small islands


@dataclass(frozen=True)
class Design:
    """An answer with the facts that it was computed from."""

    inputs: Inputs
    qualification: Qualification


def qualify(
    session: Session, demand: Demand, every_way: bool = False, partners: Sequence[PartnerAnswer] = ()
) -> Qualification:
    """All satellites for this demand: feasible solutions, best first, and every loser with its reason.

    Ways that cannot cost less than another are left out, and counted, but with `every_way`. `partners` are answers of
    partners that were asked.

    Raises `Refused` with every fault of the demand, `RuleRefused` on a place in no country.
    """
    return design(session, demand, every_way, partners=partners).qualification


def design(
    session: Session,
    demand: Demand,
    every_way: bool = False,
    without: Sequence[str] = (),
    partners: Sequence[PartnerAnswer] = (),
    in_place: bool = False,
) -> Design:
    """As `qualify`, with the facts. What is held `without` it counts as free: by the service that is to change.

    What is `in_place` already goes on without end for as long as its satellite does.
    """
    check_demand(demand)
    if demand.stop_at is None and not in_place:
        demand = demand.model_copy(update={"least_until": months_later(demand.start_at, OPEN_ENDED_MONTHS)})
    at = _this_hour()
    if isinstance(demand, LeaseDemand):
        return _design_lease(session, demand, at, without)
    country = licensing_country(demand)
    if isinstance(demand, ConstellationDemand):
        return _design_passing(session, demand, country, at, without, partners)
    with network_view(session) as network:
        fleet, assumed = read_network(network, at)
        found = survey(fleet, demand, country, at)
        if isinstance(demand, AccessDemand):
            occupancy = read_pool_occupancy(network, fleet, found.transponder_ids, found.period, without)
        else:
            occupancy = read_occupancy(network, found.transponder_ids, found.hub_ids, found.period, without)
    inputs = Inputs(at, country, fleet, occupancy, assumed, tuple(partners))
    if isinstance(demand, AccessDemand):
        own = decide_access(found, demand, occupancy, inputs.assumed)
    else:
        own = decide(found, demand, occupancy, inputs.assumed, every_way)
    return Design(inputs, with_partners(own, partners))


def partners_to_ask(session: Session, demand: SiteDemand | LeaseDemand) -> tuple[CapacityPartner, ...]:
    """The partners that may be asked for this site: active, bound by an agreement, and connected.

    Nobody is asked for bare spectrum. Who asks may not read partnerships.
    """
    return () if isinstance(demand, LeaseDemand) else _partners(session)


def partners_not_asked(session: Session, demand: Demand) -> bool:
    """Whether there are partners, and none is asked: bare spectrum is bought of none."""
    return isinstance(demand, LeaseDemand) and bool(_partners(session))


def _partners(session: Session) -> tuple[CapacityPartner, ...]:
    with network_view(session) as network:
        return connected(capacity_partners(network, now()))


def asked_of_partners(demand: SiteDemand) -> CapacityAsked:
    """What a partner is told of a demand; of an access also what is committed, if only nothing."""
    access = demand if isinstance(demand, AccessDemand) else None
    return CapacityAsked(
        downlink_rate_bps=demand.downlink_rate_bps,
        uplink_rate_bps=demand.uplink_rate_bps,
        availability_percent=demand.availability_percent,
        latitude_deg=demand.latitude_deg,
        longitude_deg=demand.longitude_deg,
        start_at=demand.start_at,
        stop_at=demand.stop_at,
        downlink_committed_rate_bps=access.downlink_committed_rate_bps if access is not None else None,
        uplink_committed_rate_bps=access.uplink_committed_rate_bps if access is not None else None,
    )


def terminal_supply(session: Session, solutions: Iterable[Solution]) -> dict[str, Supply]:
    """When the terminals of the solutions can be had, by terminal type: who asks may not read the depots."""
    with network_view(session) as network:
        return supply_of(network, {one.terminal_type_id for one in solutions if isinstance(one, TerminalWay)})


def ends_of_life(session: Session, demand: Demand, solutions: Iterable[Solution]) -> dict[str, date]:
    """By satellite, how long what is asked for without end can last at most: until its life ends, where that is known.

    Empty for a demand with an end: its satellite lives longer. A constellation goes on with other satellites. Who asks
    may not read the satellites.
    """
    over = {one.satellite_id for one in solutions if isinstance(one, SatelliteWay)}
    ids = over if demand.stop_at is None else set()
    if not ids:
        return {}
    with network_view(session) as network:
        carrying = network.exec(select(Satellite).where(col(Satellite.id).in_(ids)))
        return {one.id: one.end_of_life_date for one in carrying if one.end_of_life_date is not None}


def _design_lease(session: Session, demand: LeaseDemand, at: datetime, without: Sequence[str]) -> Design:
    with network_view(session) as network:
        fleet, assumed = read_network(network, at)
        wanted = tuple(fleet.transponders[row].id for row in candidates(fleet, demand))
        occupancy = read_occupancy(network, wanted, (), Period(demand.start_at, demand.stop_at), without)
    inputs = Inputs(at, None, fleet, occupancy, assumed)
    return Design(inputs, decide_lease(inputs, demand))


def _design_passing(
    session: Session,
    demand: ConstellationDemand,
    country: str,
    at: datetime,
    without: Sequence[str],
    partners: Sequence[PartnerAnswer],
) -> Design:
    """Over each constellation that is asked for; the evidence keeps the satellites that ever serve."""
    with network_view(session) as network:
        read = read_network(network, at)
        constellations = tuple(
            read_passing(network, read, one, demand, country, PLANNED_HOURS, at, without)
            for one in _constellations_asked(network, demand)
        )
    inputs = Inputs(
        at, country, Fleet.none(), Occupancy.none(), read[1], partners=tuple(partners), constellations=constellations
    )
    answer, kept = decide_constellations(inputs, demand)
    return Design(replace(inputs, constellations=kept), with_partners(answer, partners))


def _constellations_asked(network: Session, demand: ConstellationDemand) -> Sequence[Constellation]:
    """By name. Raises `Refused` on one that is not there."""
    if demand.constellations is None:
        return network.exec(select(Constellation).order_by(col(Constellation.name))).all()
    try:
        return resources_called(network, Constellation, demand.constellations, "/constellation")
    except NotThere as refused:
        raise Refused.all(list(refused.faults)) from refused


def qualify_solution(session: Session, demand: Demand, preferred: Solution | None = None) -> Solution:
    """The best solution of today, or today's form of the one that was preferred as long as it is feasible.

    Raises `RuleRefused` with the reason of the loser that came furthest, naming what each satellite lacks.
    """
    return choose(qualify(session, demand), preferred)


def choose(answer: Qualification, preferred: Solution | None) -> Solution:
    """The preferred way when it is among the solutions, else the best. Raises `RuleRefused` when there is none."""
    if not answer.solutions:
        raise nothing_feasible(answer)
    same = (one for one in answer.solutions if preferred is not None and _way(one) == _way(preferred))
    return next(same, answer.solutions[0])


def nothing_feasible(answer: Qualification, pointer: str = "/place") -> RuleRefused:
    """The refusal that names the reason of every satellite."""
    reasons = "; ".join(f"{one.space_segment_name}: {one.text}" for one in answer.losers)
    code = answer.losers[0].reason.value if answer.losers else "satelliteNotInService"
    return RuleRefused(pointer, reasons or "there is no satellite", code)


def refuse_hopeless_place(session: Session, demand: Demand) -> None:
    """Only what follows from the place itself: whoever has a licence, is in service or has room is not asked.

    Raises `Refused` with every fault of the demand and on a constellation that is not there, `RuleRefused` on a place
    in no country, below the horizon of every satellite, or under no beam. Where no payload is known yet, any place on
    land will do.
    """
    check_demand(demand)
    if isinstance(demand, LeaseDemand):
        return
    licensing_country(demand)
    if isinstance(demand, ConstellationDemand):  # satellites that pass come to every place that they pass over
        with network_view(session) as network:
            _constellations_asked(network, demand)
        return
    if partners_to_ask(session, demand):
        return
    at = _this_hour()
    with network_view(session) as network:
        fleet = read_fleet(network, at)
    if payloads(fleet):
        _must_be_covered(fleet, demand, at)


def _must_be_covered(fleet: Fleet, demand: SiteDemand, at: datetime) -> None:
    """One payload at least stands above the site and reaches it both ways."""
    latitude, longitude = np.array([demand.latitude_deg]), np.array([demand.longitude_deg])
    elevation_deg = _highest_elevation_deg(fleet, latitude, longitude, at)
    above = elevation_deg >= LOWEST_ELEVATION_DEG
    if not above.any():
        highest = int(np.argmax(elevation_deg))
        why = f"{_place(demand)}: no satellite stands high enough, the highest is {fleet.satellites[highest].name}"
        why += f" with {elevation_deg[highest]:.1f} deg, at least {LOWEST_ELEVATION_DEG:.1f} is needed"
        raise RuleRefused("/latitudeDeg", why, Reason.BELOW_MASK.value, "a place in sight of a satellite")
    covered = np.isfinite(relative_gain_db.or_nan(beam_shapes(fleet), latitude, longitude)[:, 0])
    arrays = transponder_arrays(fleet)
    down, up = covered[arrays.down_beam], covered[arrays.up_beam]
    if not any(
        above[one.satellite] and down[one.transponders].any() and up[one.transponders].any() for one in payloads(fleet)
    ):
        why = f"{_place(demand)} lies under no beam of any satellite"
        raise RuleRefused("/latitudeDeg", why, Reason.OUTSIDE_CONTOUR.value, "a place that a beam reaches both ways")


def _highest_elevation_deg(fleet: Fleet, latitude_deg: Array, longitude_deg: Array, at: datetime) -> Array:
    """Of every satellite from one place: from its slot, or from where its elements see it now, if that is higher.

    The slot is where it will stand, also before it has elements; from an inclined orbit it may be seen higher.
    """
    slots = np.array([one.orbital_longitude_deg for one in fleet.satellites])
    from_slot = slot_angles.or_nan(slots, latitude_deg, longitude_deg, np.zeros(1))
    seen = look(fleet, latitude_deg, longitude_deg, np.zeros(1), at)
    elevation_deg: Array = np.fmax(from_slot.elevation_deg, seen.elevation_deg)[:, 0]
    return elevation_deg


def _place(demand: SiteDemand) -> str:
    return f"latitude {demand.latitude_deg:g}, longitude {demand.longitude_deg:g}"


def _this_hour() -> datetime:
    """An hour is nothing to a geostationary orbit, and whoever asks again within it finds the sky worked out."""
    return now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _way(solution: Solution) -> tuple[str, ...]:
    """What makes two solutions the same way; MODCOD and power may have moved."""
    if isinstance(solution, LeaseSolution):
        return (solution.transponder_id,)
    if isinstance(solution, ConstellationSolution):
        return (solution.constellation_id, solution.terminal_type_id)
    return (
        solution.satellite_id,
        solution.band,
        solution.hub_id,
        solution.antenna_id,
        solution.terminal_type_id,
    )


def check_demand(demand: Demand) -> None:
    """Raises `Refused` with every fault: numbers that are none or absurd, a period that ends before it begins."""
    asked = _lease_faults(demand) if isinstance(demand, LeaseDemand) else _site_faults(demand)
    faults = [fault for fault in asked if fault is not None]
    if demand.stop_at is not None and demand.stop_at <= demand.start_at:
        why = f"{demand.stop_at.isoformat()} is not after the start {demand.start_at.isoformat()}"
        faults.append(Fault("/stopAt", why, "invalid"))
    if not datetime(1990, 1, 1, tzinfo=UTC) < demand.start_at < datetime(2200, 1, 1, tzinfo=UTC):
        faults.append(Fault("/startAt", "lies outside of what can be planned", "invalid", "1990 to 2200"))
    if faults:
        raise Refused.all(faults)


def _site_faults(demand: SiteDemand) -> list[Fault | None]:
    faults = [
        out_of_range("/downlinkRateBps", demand.downlink_rate_bps, 1, LARGEST_RATE_BPS),
        out_of_range("/uplinkRateBps", demand.uplink_rate_bps, 1, LARGEST_RATE_BPS),
        out_of_range(
            "/availabilityPercent", demand.availability_percent, LEAST_AVAILABILITY_PERCENT, MOST_AVAILABILITY_PERCENT
        ),
        out_of_range("/latitudeDeg", demand.latitude_deg, -90, 90),
        out_of_range("/longitudeDeg", demand.longitude_deg, -180, 180),
    ]
    if demand.altitude_m is not None:
        faults.append(out_of_range("/altitudeM", demand.altitude_m, LOWEST_SITE_M, HIGHEST_SITE_M))
    if isinstance(demand, AccessDemand):
        faults += [
            out_of_range("/downlinkCommittedRateBps", demand.downlink_committed_rate_bps, 0, demand.downlink_rate_bps),
            out_of_range("/uplinkCommittedRateBps", demand.uplink_committed_rate_bps, 0, demand.uplink_rate_bps),
        ]
    return faults


def _lease_faults(demand: LeaseDemand) -> list[Fault | None]:
    faults = [out_of_range("/bandwidthHz", demand.bandwidth_hz, 1, MAX_BANDWIDTH_HZ)]
    if demand.power_share_percent is not None:
        faults.append(out_of_range("/powerSharePercent", demand.power_share_percent, 0.001, 100))
    for end, latitude_deg, longitude_deg in (
        ("uplink", demand.uplink_latitude_deg, demand.uplink_longitude_deg),
        ("downlink", demand.downlink_latitude_deg, demand.downlink_longitude_deg),
    ):
        if (latitude_deg is None) != (longitude_deg is None):
            lacking = f"{end}LongitudeDeg" if longitude_deg is None else f"{end}LatitudeDeg"
            faults.append(Fault(f"/{lacking}", "a place has latitude and longitude", "missing"))
        elif latitude_deg is not None and longitude_deg is not None:
            faults.append(out_of_range(f"/{end}LatitudeDeg", latitude_deg, -90, 90))
            faults.append(out_of_range(f"/{end}LongitudeDeg", longitude_deg, -180, 180))
    return faults


def country_of(demand: SiteDemand) -> str | None:
    """The country of the site: what the customer says, where that can be true, else from the map; `None` at sea.

    Raises `Refused` on `/country` when the place does not lie there.
    """
    ring = np.radians(np.arange(0, 360, 45))
    stretch = max(math.cos(math.radians(demand.latitude_deg)), 0.05)
    latitude = demand.latitude_deg + NEAR_BORDER_DEG * np.concatenate([[0.0], np.sin(ring)])
    longitude = demand.longitude_deg + NEAR_BORDER_DEG / stretch * np.concatenate([[0.0], np.cos(ring)])
    around = countries(np.clip(latitude, -90, 90), longitude)
    if demand.country is None:
        return around[0]
    if demand.country not in around:
        where = around[0] or "no country: it is sea"
        raise Refused("/country", f"the place does not lie in {demand.country[:20]}", "invalid", where)
    return demand.country


def licensing_country(demand: SiteDemand) -> str:
    """Who licenses the terminal. Raises `RuleRefused` at sea, where nobody can, or `Refused` on `/country`."""
    country = country_of(demand)
    if country is None:
        why = f"{_place(demand)} lies in no country: nobody can license a terminal there"
        accepted = "a place on land; off a coast, together with its country"
        raise RuleRefused("/latitudeDeg", why, "noCountry", accepted)
    return country
