"""The capacity day of a constellation: at which time of a day a service goes through which gateway, by which satellite.

Satellites come round again and again. One day is declared, by which all that is sold of a constellation is planned
alike; so what two services take at different times of it is not added up. The day is cut into slots of ten minutes,
and a service takes a slot of a gateway when it goes through it at any instant of the slot. On a ring that repeats
itself over the ground the same services meet at a gateway on every day, whenever on it; where orbits do not repeat,
a day is a sample, and an operator who declares none has everything counted all the time.
Pure but for reading the day; how much is taken is `resource.constellation_share`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from sqlmodel import Session, col, select

from satcom.core.errors import RuleRefused
from satcom.resource.constellation import Constellation
from satcom.resource.ground import EarthStation
from satcom.resource.naming import NotThere
from satcom.resource.passes import fleet_called
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.orbit import Elements, element_age_days
from satcom.resource.physics.passes import HandoverRule, service_plan
from satcom.resource.resource import pointer
from satcom.resource.sky_noise import LOWEST_ELEVATION_DEG

SLOT_MINUTES: Final = 10
SLOTS: Final = 24 * 60 // SLOT_MINUTES
DAY_S: Final = 86_400.0
BEYOND: Final = timedelta(hours=6)  # longer than any satellite that passes is seen: midnight cuts no leg
FARTHEST_DAYS: Final = 7.0  # elements know of no manoeuvre: farther from their epoch a fleet is out of step
KEPT_TIMES: Final = 4096


@dataclass(frozen=True)
class GatewayPlace:
    """An earth station, and from what elevation on it sees."""

    id: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    mask_deg: float


@dataclass(frozen=True)
class FlownThen:
    """A satellite that carries traffic on the day, and its element set of then."""

    id: str
    name: str
    elements: Elements


@dataclass(frozen=True)
class CapacityDay:
    """What the times of every service follow from, but for its place and its gateways."""

    start_at: datetime
    lowest_elevation_deg: float
    rule: HandoverRule
    satellites: tuple[FlownThen, ...]


@dataclass(frozen=True)
class DayTimes:
    """The slots in which a service goes through each gateway, and in which each satellite carries it, by id."""

    through: Mapping[str, tuple[int, ...]]
    carried_by: Mapping[str, tuple[int, ...]]


def slot_shown(slot: int) -> str:
    """When a slot begins, as people say it."""
    minutes = slot * SLOT_MINUTES
    return f"{minutes // 60:02}:{minutes % 60:02} UTC"


@lru_cache(maxsize=KEPT_TIMES)
def times_of(
    day: CapacityDay, latitude_deg: float, longitude_deg: float, gateways: tuple[GatewayPlace, ...]
) -> DayTimes:
    """When a site is served through which of the gateways, and by whom. How high it lies shifts that by less than a
    second, and is left out.
    """
    ordered = sorted(gateways, key=lambda one: one.id)
    site = sites_on(latitude_deg, longitude_deg, 0.0, day.lowest_elevation_deg)
    seen_from = sites_on(
        [one.latitude_deg for one in ordered],
        [one.longitude_deg for one in ordered],
        [one.altitude_m for one in ordered],
        np.array([[one.mask_deg] for one in ordered]),
    )
    elements, beyond_s = [one.elements for one in day.satellites], BEYOND.total_seconds()
    legs = service_plan.or_nan(elements, site, seen_from, day.start_at - BEYOND, DAY_S + 2 * beyond_s, day.rule).legs
    through: dict[str, set[int]] = {}
    carried_by: dict[str, set[int]] = {}
    for row in range(len(legs)):
        slots = _slots_between(float(legs.begin_s[row]) - beyond_s, float(legs.end_s[row]) - beyond_s)
        if not slots:
            continue
        through.setdefault(ordered[int(legs.gateway[row])].id, set()).update(slots)
        carried_by.setdefault(day.satellites[int(legs.satellite[row])].id, set()).update(slots)
    return DayTimes(_sorted(through), _sorted(carried_by))


def _slots_between(begin_s: float, end_s: float) -> range:
    """Every slot of the day of which an instant lies between the two."""
    slot_s = SLOT_MINUTES * 60
    return range(max(int(begin_s // slot_s), 0), min(int(np.ceil(end_s / slot_s)), SLOTS))


def _sorted(found: Mapping[str, set[int]]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(sorted(slots)) for key, slots in found.items()}


def read_day(session: Session, one: Constellation) -> CapacityDay | None:
    """The declared day with who flies on it; `None` where none is declared, or of somebody who flies then no set is
    near: then everything is counted all the time.
    """
    if one.capacity_day is None:
        return None
    start_at = begin_of(one.capacity_day)
    try:
        fleet = fleet_called(session, (), one.name, (), start_at)
    except NotThere:
        return None
    flown = tuple(
        FlownThen(str(each.satellite.reference["id"]), each.satellite.name, each.elements) for each in fleet.flown
    )
    if not flown or any(_far(each, start_at) for each in flown):
        return None
    return CapacityDay(start_at, one.lowest_elevation_deg, one.handover_rule, flown)


def begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _far(one: FlownThen, start_at: datetime) -> bool:
    noon = start_at + timedelta(hours=12)
    return abs(element_age_days(one.elements, noon)) > FARTHEST_DAYS


def check_day(session: Session, one: Constellation) -> None:
    """A day that is declared can be planned. Raises `RuleRefused`."""
    where = pointer(Constellation, "capacity_day")
    if one.capacity_day is None:
        if one.beams_per_satellite is not None:
            where = pointer(Constellation, "beams_per_satellite")
            why = "how many beams are lit at once is counted by the time of a capacity day, and none is declared"
            raise RuleRefused(where, why, "noCapacityDay", "a capacityDay")
        return
    if read_day(session, one) is None:
        why = f"on {one.capacity_day} nobody of {one.name} is known to fly, or of somebody no elements are kept"
        accepted = f"a day within {FARTHEST_DAYS:g} days of element sets of all that carry traffic on it"
        raise RuleRefused(where, f"{why} that are near", "noElements", accepted)


def gateway_places(session: Session, station_ids: Iterable[str]) -> tuple[GatewayPlace, ...]:
    """The earth stations of these ids, by id."""
    found = session.exec(select(EarthStation).where(col(EarthStation.id).in_(list(station_ids))))
    return tuple(sorted((place_of_gateway(one) for one in found), key=lambda one: one.id))


def place_of_gateway(one: EarthStation) -> GatewayPlace:
    mask_deg = max(one.horizon_mask_deg, LOWEST_ELEVATION_DEG)
    return GatewayPlace(one.id, one.latitude_deg, one.longitude_deg, one.altitude_m, mask_deg)


def slots_through(times: DayTimes | None, station_id: str) -> list[int] | None:
    """When a service goes through a gateway; `None`: all the time, also where the day does not lead through it."""
    slots = () if times is None else times.through.get(station_id, ())
    return list(slots) or None


def least_of(amounts: Sequence[int], slots: Sequence[int] | None) -> tuple[int, int | None]:
    """The least of the amounts, which are by slot or one for all the time, in these slots, and its slot."""
    if len(amounts) == 1:
        return amounts[0], None
    slot = min(range(SLOTS) if slots is None else slots, key=lambda one: amounts[one])
    return amounts[slot], slot
