"""Qualification: whether and how a link can be delivered at a place, and why a satellite cannot deliver it.

It reads the network in a view of its own, since who asks may not read it, and writes nothing. What it knows, it gathers
as facts; what it answers, follows from the facts alone (`service.design`), so that it can be computed again.
Prices are the market's: solutions carry quantities.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import network_view
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.resource.country import countries
from satcom.service.design.facts import Assumptions, Inputs
from satcom.service.design.reading import read_fleet, read_occupancy
from satcom.service.design.solving import decide
from satcom.service.design.survey import survey
from satcom.service.solution import Demand, Qualification, Solution

LARGEST_RATE_BPS = 2_000_000_000
LEAST_AVAILABILITY_PERCENT, MOST_AVAILABILITY_PERCENT = 90.0, 99.99
LOWEST_SITE_M, HIGHEST_SITE_M = -500.0, 9000.0
NEAR_BORDER_DEG = 0.3  # about 30 km: borders are drawn for the whole Earth, and coasts have small islands


@dataclass(frozen=True)
class Design:
    """An answer with the facts that it was computed from."""

    inputs: Inputs
    qualification: Qualification


def qualify(session: Session, demand: Demand) -> Qualification:
    """All satellites for this demand: feasible solutions, best first, and every loser with its reason.

    Raises `Refused` with every fault of the demand.
    """
    return design(session, demand).qualification


def design(session: Session, demand: Demand) -> Design:
    """As `qualify`, with the facts."""
    check_demand(demand)
    country = country_of(demand)
    # an hour is nothing to a geostationary orbit, and whoever asks again within it finds the sky worked out
    at = now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with network_view(session) as network:
        fleet = read_fleet(network, at)
        found = survey(fleet, demand, country, at)
        occupancy = read_occupancy(network, found.transponder_ids, found.hub_ids, found.period)
    inputs = Inputs(at, country, fleet, occupancy, Assumptions())
    return Design(inputs, decide(found, demand, occupancy, inputs.assumed))


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
    reasons = "; ".join(f"{one.satellite_name}: {one.text}" for one in answer.losers)
    code = answer.losers[0].reason.value if answer.losers else "satelliteNotInService"
    return RuleRefused(pointer, reasons or "there is no satellite", code)


def _way(solution: Solution) -> tuple[str, ...]:
    """What makes two solutions the same way; MODCOD and power may have moved."""
    return (
        solution.satellite_id,
        solution.band,
        solution.hub_id,
        solution.antenna_id,
        solution.terminal_type_id,
    )


def check_demand(demand: Demand) -> None:
    """Raises `Refused` with every fault: numbers that are none or absurd, a period that ends before it begins."""
    faults = [
        fault
        for fault in (
            _within("downlinkRateBps", demand.downlink_rate_bps, 1, LARGEST_RATE_BPS),
            _within("uplinkRateBps", demand.uplink_rate_bps, 1, LARGEST_RATE_BPS),
            _within(
                "availabilityPercent",
                demand.availability_percent,
                LEAST_AVAILABILITY_PERCENT,
                MOST_AVAILABILITY_PERCENT,
            ),
            _within("latitudeDeg", demand.latitude_deg, -90, 90),
            _within("longitudeDeg", demand.longitude_deg, -180, 180),
            None
            if demand.altitude_m is None
            else _within("altitudeM", demand.altitude_m, LOWEST_SITE_M, HIGHEST_SITE_M),
        )
        if fault is not None
    ]
    if demand.stop_at is not None and demand.stop_at <= demand.start_at:
        why = f"{demand.stop_at.isoformat()} is not after the start {demand.start_at.isoformat()}"
        faults.append(Fault("/stopAt", why, "invalid"))
    if not datetime(1990, 1, 1, tzinfo=UTC) < demand.start_at < datetime(2200, 1, 1, tzinfo=UTC):
        faults.append(Fault("/startAt", "lies outside of what can be planned", "invalid", "1990 to 2200"))
    if faults:
        raise Refused.all(faults)


def country_of(demand: Demand) -> str | None:
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


def _within(name: str, value: float, low: float, high: float) -> Fault | None:
    if low <= value <= high:  # false for nan
        return None
    return Fault(f"/{name}", f"{value} is out of range", "outOfRange", f"{low:g} to {high:g}")
