"""Planned events of a service over satellites that pass: handovers, gaps, and the Sun behind the one that carries.

Who carries when is the plan of each day (UTC) in `service.serving_satellite`, so that an event agrees with what is told
of an instant: where the plans of two days meet at midnight with different satellites, that is a handover, too.

The Sun is looked for at the site behind the satellite that carries, and at each gateway while the service goes through
it. What it may cost is by the budget that was sold, that of the worst instant: no outage is told too short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from satcom.core.database import network_view
from satcom.core.errors import Refused, RuleRefused
from satcom.core.values import Json
from satcom.resource.capacity_day import BEYOND
from satcom.resource.constellation import Constellation
from satcom.resource.event_calendar import CalendarEntry
from satcom.resource.ground import EarthStation, TerminalType
from satcom.resource.passes import MOST_SATELLITE_HOURS, Named
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.sun import track_of_elements, track_of_place
from satcom.resource.physics.sun_outage import SunOutage, Turn, sun_outages_in_turn
from satcom.resource.planned_event import outage_body, outage_entry
from satcom.resource.planned_handover import (
    Gap,
    Handover,
    Stay,
    gap_body,
    gap_entry,
    handover_body,
    handover_entry,
    handovers,
    joined,
    joined_gaps,
)
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.inventory import Service
from satcom.service.planned_event import LEAST_DB, End, bears_db, in_the_sun, receiver_of
from satcom.service.service_place import place_of
from satcom.service.serving_satellite import Passing, passing_at, plan_of_day

LONGEST_DAYS: Final = 31  # beyond, elements tell little of who stands where
USUAL_DAYS: Final = 7
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Followed:
    """A stay with the elements that its satellite is followed by."""

    stay: Stay
    elements: Elements


@dataclass(frozen=True)
class PassingLink:
    """A service over a constellation in a period: its ends, and what the plan of each day follows from."""

    site: End
    gateways: dict[str, End]  # by the id of the earth station
    start: datetime
    stop: datetime
    days: tuple[Passing, ...]


@dataclass(frozen=True)
class PassingEvents:
    """The events of a service in a period, each list by time; an outage with its end and the satellite behind it."""

    link: PassingLink
    handovers: Sequence[Handover]
    gaps: Sequence[Gap]
    outages: Sequence[tuple[End, Named, SunOutage]]

    def body(self) -> list[Json]:
        """By time; each says its kind and where."""
        site = self.link.site.name
        over: dict[str, Json] = {"kind": "handover", "at": site}
        found = [(one.at, over | handover_body(one)) for one in self.handovers]
        without: dict[str, Json] = {"kind": "gap", "at": site}
        found += [(one.start, without | gap_body(one)) for one in self.gaps]
        for end, satellite, one in self.outages:
            told: dict[str, Json] = {"kind": "sunOutage", "at": end.name, "satellite": satellite.reference}
            told["bearsDb"] = round(end.bears_db, 2)
            found.append((one.start, told | outage_body(one, end.zone)))
        return [one for _, one in sorted(found, key=lambda one: one[0])]

    def entries(self) -> list[CalendarEntry]:
        site = self.link.site.name
        entries = [handover_entry(one, site) for one in self.handovers]
        entries += [gap_entry(one, site) for one in self.gaps]
        return entries + [outage_entry(one, satellite.name, end.name) for end, satellite, one in self.outages]


def passing_events_of(link: PassingLink) -> PassingEvents:
    """All of the period. It asks no database."""
    followed = [one for day, start, stop in _days_of(link) for one in _followed(day, start, stop)]
    gaps = [one for day, start, stop in _days_of(link) for one in _gaps(day, start, stop)]
    outages = _outages(link.site, _of_one_satellite(followed))
    for station_id, gateway in link.gateways.items():
        through = [one for one in followed if one.stay.station and one.stay.station.reference["id"] == station_id]
        outages += _outages(gateway, through)
    outages.sort(key=lambda one: one[2].start)
    return PassingEvents(link, handovers(joined([one.stay for one in followed])), joined_gaps(gaps), outages)


def passing_link_of(
    session: Session, service: Service, solution: ConstellationSolution, start: datetime, days: int | None
) -> PassingLink:
    """What receives at the ends of a service, and who may carry it on each day; `days` `None`: a usual number.

    Raises `Refused` on `days` when they are too many, and `RuleRefused` where an end is not on record any more.
    """
    with network_view(session) as network:
        one = network.get_one(Constellation, solution.constellation_id)
        terminal = network.get_one(TerminalType, solution.terminal_type_id)
        gateway_ids = [each.earth_station_id for each in solution.gateways]
        stations = network.exec(select(EarthStation).where(col(EarthStation.id).in_(gateway_ids))).all()
        place = place_of(service)
        first = passing_at(network, one, gateway_ids, place, start, {})
        stop = start + timedelta(days=_days(days, len(first.sky.elements)))
        others = [passing_at(network, one, gateway_ids, place, at, {}) for at in _midnights(start, stop)]
    dishes = {each.earth_station_id: each.antenna_id for each in solution.gateways}
    gateways = {each.id: _gateway(each, dishes[each.id], solution) for each in stations}
    down_hz = float(solution.forward.downlink_center_hz)
    receiver = receiver_of(terminal.antenna_diameter_m, terminal.antenna_efficiency, down_hz, solution.forward)
    at = (place.latitude_deg, place.longitude_deg, place.altitude_m, one.lowest_elevation_deg)
    site = End(service.name or service.id, *at, receiver, bears_db(solution.forward))
    return PassingLink(site, gateways, start, stop, (first, *others))


def _gateway(station: EarthStation, antenna_id: str, solution: ConstellationSolution) -> End:
    """With the antenna that the satellites are worked through. Raises `RuleRefused` where it is not there any more."""
    dish = next((one for one in station.antennas if one.id == antenna_id), None)
    if dish is None:
        raise RuleRefused("serviceId", f"{station.name} has no antenna {antenna_id} any more", "notOnRecord", "")
    down_hz = float(solution.return_link.downlink_center_hz)
    receiver = in_the_sun(dish.diameter_m, dish.efficiency, down_hz, dish.noise_temperature_k)
    at = (station.latitude_deg, station.longitude_deg, station.altitude_m, station.horizon_mask_deg)
    return End(station.name, *at, receiver, bears_db(solution.return_link))


def _days(asked: int | None, satellites: int) -> int:
    """As many as are asked for, or usual. Raises `Refused`: a plan of a day looks at hours before and after it."""
    hours = (DAY + 2 * BEYOND).total_seconds() / 3600 * max(satellites, 1)
    most = min(LONGEST_DAYS, max(int(MOST_SATELLITE_HOURS // hours), 1))
    if asked is not None and asked > most:
        why = f"{asked} days are too many over {satellites} satellites that pass"
        raise Refused("days", why, "tooMuch", f"up to {most}")
    return min(USUAL_DAYS, most) if asked is None else asked


def _midnights(start: datetime, stop: datetime) -> Iterator[datetime]:
    """Of the days that begin within the period, without its start."""
    at = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    while at < stop:
        yield at
        at += DAY


def _days_of(link: PassingLink) -> Iterator[tuple[Passing, datetime, datetime]]:
    """Each day with what of it lies in the period."""
    begins = [one.at for one in link.days]
    yield from zip(link.days, begins, [*begins[1:], link.stop], strict=True)


def _followed(day: Passing, start: datetime, stop: datetime) -> list[Followed]:
    """Who carries between two instants of a day."""
    sky = day.sky
    if not sky.elements or not sky.stations:
        return []
    legs = plan_of_day(sky).legs
    found = []
    for number in range(len(legs)):
        begin, end = _within(sky.start_at, float(legs.begin_s[number]), float(legs.end_s[number]), start, stop)
        if begin < end:
            row = int(legs.satellite[number])
            satellite, station = _named(day.satellites[row]), _named(day.stations[int(legs.gateway[number])])
            found.append(Followed(Stay(satellite, station, begin, end), sky.elements[row]))
    return found


def _gaps(day: Passing, start: datetime, stop: datetime) -> list[Gap]:
    """When nobody carries between two instants of a day."""
    sky = day.sky
    if not sky.elements or not sky.stations:
        return [Gap(start, stop, "noElements" if not sky.elements else "noGateway")]
    plan = plan_of_day(sky)
    found = []
    for begin_s, end_s, reason in zip(plan.gaps.begin_s, plan.gaps.end_s, plan.reasons, strict=True):
        begin, end = _within(sky.start_at, float(begin_s), float(end_s), start, stop)
        if begin < end:
            found.append(Gap(begin, end, reason.value))
    return found


def _within(
    origin: datetime, begin_s: float, end_s: float, start: datetime, stop: datetime
) -> tuple[datetime, datetime]:
    """Between two instants, to a tenth of a second, as instants are told."""
    begin, end = (origin + timedelta(seconds=round(one, 1)) for one in (begin_s, end_s))
    return max(begin, start), min(end, stop)


def _of_one_satellite(followed: Sequence[Followed]) -> list[Followed]:
    """As the site sees them, which cares for no gateway: an outage is not cut where that changes."""
    found: list[Followed] = []
    for one in followed:
        last = found[-1] if found else None
        if last is not None and last.stay.end == one.stay.start and last.elements == one.elements:
            found[-1] = replace(last, stay=replace(last.stay, end=one.stay.end))
        else:
            found.append(one)
    return found


def _outages(end: End, followed: Sequence[Followed]) -> list[tuple[End, Named, SunOutage]]:
    ground = track_of_place(end.latitude_deg, end.longitude_deg, end.altitude_m / 1000)
    turns = [Turn(track_of_elements(one.elements), one.stay.start, one.stay.end) for one in followed]
    found = sun_outages_in_turn(turns, ground, end.receiver, max(end.bears_db, LEAST_DB))
    return [(end, followed[number].stay.satellite, one) for number, one in found]


def _named(one: Json) -> Named:
    """As a plan names it."""
    if not isinstance(one, dict):
        raise TypeError(f"a reference is an object, this is {one!r}")
    return Named(str(one["name"]), one)
