"""Planned events over satellites that pass: as the plan of an instant has it, and as Skyfield and JPL do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from icalendar import Calendar
from skyfield.api import EarthSatellite, wgs84
from sqlmodel import select

from satcom.app.loading.load import load
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.constellation import Constellation
from satcom.resource.event_calendar import event_calendar
from satcom.resource.ground import EarthStation
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.sun_noise import offset_of_degradation_deg
from satcom.resource.physics.sun_outage import Receiver
from satcom.service.planned_event import End
from satcom.service.planned_handover import PassingEvents, PassingLink, _days, _midnights, passing_events_of
from satcom.service.service_place import ServicePlace
from satcom.service.serving_satellite import Passing, carried, passing_at
from tests.postgres_server import drop_database, new_database
from tests.resource.physics.the_jpl_ephemeris import TIMESCALE, ephemeris

MEO = Path(__file__).parents[2] / "examples" / "meo_operator"
LOADED = datetime(2026, 8, 22, 18, tzinfo=UTC)
START = datetime(2027, 4, 29, 6, tzinfo=UTC)  # the Sun stands where the satellites pass, there and over Hortolandia
DAYS = 2
GABORONE = ServicePlace(-24.65, 25.91, 1000.0)
DISH = Receiver(diameter_m=1.2, efficiency=0.65, freq_hz=18.6e9, system_temperature_k=200.0)
BEARS_DB = 0.5
LIMIT_DEG = float(offset_of_degradation_deg(BEARS_DB, 200.0, 1.2, 0.65, 18.6e9))
FIVE_SECONDS = timedelta(seconds=5)
STEP_S = 15.0


@pytest.fixture(scope="module")
def asked(template: str) -> Iterator[PassingLink]:
    """The link in the period, with the skies of three days."""
    url = new_database(template)
    database, stop = Database(url, connections=2), START + timedelta(days=DAYS)
    with clock.at(LOADED):
        load(database, MEO, dry_run=False, by="ada at the command line")
        with database.as_worker() as session:
            one = session.exec(select(Constellation)).one()
            ids = [each.earth_station_id for each in one.gateways]
            skies = tuple(passing_at(session, one, ids, GABORONE, at, {}) for at in (START, *_midnights(START, stop)))
            gateways = {
                each.id: End(each.name, each.latitude_deg, each.longitude_deg, each.altitude_m, 5.0, DISH, BEARS_DB)
                for each in session.exec(select(EarthStation))
                if each.id in ids
            }
        site = End("Gaborone", GABORONE.latitude_deg, GABORONE.longitude_deg, GABORONE.altitude_m, 20.0, DISH, BEARS_DB)
        yield PassingLink(site, gateways, START, stop, skies)
    database.close()
    drop_database(url)


@pytest.fixture(scope="module")
def found(asked: PassingLink) -> PassingEvents:
    return passing_events_of(asked)


@pytest.fixture(scope="module")
def through_one(asked: PassingLink) -> PassingLink:
    """As if the satellites were worked through Hortolandia alone."""
    name = "Hortolandia"
    number = next(at for at, one in enumerate(asked.days[0].stations) if isinstance(one, dict) and one["name"] == name)

    def only(day: Passing) -> Passing:
        sky = replace(day.sky, stations=day.sky.stations[number : number + 1])
        return replace(day, sky=sky, stations=day.stations[number : number + 1])

    gateways = {key: one for key, one in asked.gateways.items() if one.name == name}
    return replace(asked, gateways=gateways, days=tuple(only(one) for one in asked.days))


def sky_of(link: PassingLink, at: datetime) -> Passing:
    """As `servicePathAt` asks it of an instant."""
    return replace(next(one for one in reversed(link.days) if one.at <= at), at=at)


def flown(elements: Elements) -> EarthSatellite:
    return EarthSatellite(elements.line1, elements.line2, ts=TIMESCALE)


def test_before_and_after_a_handover_they_carry_who_are_told(asked: PassingLink, found: PassingEvents) -> None:
    assert len(found.handovers) > 20 * DAYS
    assert all(asked.start <= one.at < asked.stop for one in found.handovers)
    for one in found.handovers:
        for at, told in ((one.at - timedelta(seconds=1), one.before), (one.at + timedelta(seconds=1), one.after)):
            answer = carried(sky_of(asked, at))
            assert {"satellite": answer["satellite"], "earthStation": answer["earthStation"]} == told.body()


def test_a_handover_is_where_an_independent_plan_by_skyfield_has_it(asked: PassingLink, found: PassingEvents) -> None:
    """The rule of O3b: every step, the highest of those that the site and a gateway see all of the step."""
    hours = 12
    edges = TIMESCALE.from_datetimes([START + timedelta(seconds=STEP_S * one) for one in range(hours * 240 + 1)])
    middles = TIMESCALE.from_datetimes([START + timedelta(seconds=STEP_S * (one + 0.5)) for one in range(hours * 240)])
    sky, site = asked.days[0].sky, asked.site
    at_site = wgs84.latlon(site.latitude_deg, site.longitude_deg, site.altitude_m)
    height = []
    for one in map(flown, sky.elements):
        seen = (one - at_site).at(edges).altaz()[0].degrees >= 20
        through = np.zeros(len(seen) - 1, bool)
        for each in sky.stations:
            gateway = wgs84.latlon(each.latitude_deg, each.longitude_deg, each.altitude_m)
            there = seen & ((one - gateway).at(edges).altaz()[0].degrees >= each.mask_deg)
            through |= there[1:] & there[:-1]
        height.append(np.where(through, (one - at_site).at(middles).altaz()[0].degrees, -90.0))
    best = np.argmax(height, axis=0)
    changes = np.flatnonzero(best[1:] != best[:-1]) + 1
    theirs = [(START + timedelta(seconds=STEP_S * int(one)), sky.elements[best[one]].name) for one in changes]
    until = START + timedelta(hours=hours)
    ours = [
        (one.at, one.after.satellite.name)
        for one in found.handovers
        if one.at < until and one.before.satellite != one.after.satellite
    ]
    assert [name for _, name in ours] == [name for _, name in theirs]
    assert len(ours) > 8
    assert all(abs(one - other) < FIVE_SECONDS for (one, _), (other, _) in zip(ours, theirs, strict=True))


def apart_by_jpl_deg(end: End, elements: Elements, at: datetime) -> float:
    """Between Sun and satellite, by Skyfield alone."""
    place = wgs84.latlon(end.latitude_deg, end.longitude_deg, end.altitude_m)
    time = TIMESCALE.from_datetime(at)
    sun = (ephemeris()["earth"] + place).at(time).observe(ephemeris()["sun"]).apparent()
    return float((flown(elements) - place).at(time).separation_from(sun).degrees)


def test_the_sun_enters_and_leaves_the_beam_within_five_seconds_of_jpl(
    asked: PassingLink, found: PassingEvents, through_one: PassingLink
) -> None:
    edges = 0
    for events in (found, passing_events_of(through_one)):
        turns = {at for one in events.handovers for at in (one.at, one.before.start, one.after.end)}
        turns |= {at for one in events.gaps for at in (one.start, one.end)} | {START, asked.stop}
        for end, satellite, one in events.outages:
            assert one.degradation_db > BEARS_DB
            elements = next(each for each in asked.days[0].sky.elements if each.name == satellite.name)
            for edge, outwards in ((one.start, -1), (one.end, 1)):
                if any(abs(edge - turn) < FIVE_SECONDS for turn in turns):
                    continue  # cut where another takes over
                outside = apart_by_jpl_deg(end, elements, edge + outwards * FIVE_SECONDS)
                inside = apart_by_jpl_deg(end, elements, edge - outwards * FIVE_SECONDS)
                assert outside > LIMIT_DEG > inside
                edges += 1
    assert edges > 10
    assert {end.name for end, _, _ in found.outages} >= {"Gaborone"}
    assert {end.name for end, _, _ in passing_events_of(through_one).outages} >= {"Hortolandia"}


def test_no_meeting_with_the_sun_is_missed(asked: PassingLink, found: PassingEvents) -> None:
    """Every twenty seconds, whoever carries: near the Sun by JPL or not, as is told."""
    outages = [(one.start, one.end) for end, _, one in found.outages if end is asked.site]
    place = wgs84.latlon(GABORONE.latitude_deg, GABORONE.longitude_deg, GABORONE.altitude_m)
    followed = [(one.before, one.before.start, one.at) for one in found.handovers]
    by_name, near = {one.name: one for one in asked.days[0].sky.elements}, 0
    for stay, begin, end in followed:
        moments = [begin + timedelta(seconds=20 * one) for one in range(int((end - begin).total_seconds() // 20) + 1)]
        times = TIMESCALE.from_datetimes(moments)
        sun = (ephemeris()["earth"] + place).at(times).observe(ephemeris()["sun"]).apparent()
        seen = (flown(by_name[stay.satellite.name]) - place).at(times)
        for moment, apart_deg in zip(moments, seen.separation_from(sun).degrees, strict=True):
            if apart_deg < LIMIT_DEG:
                near += 1
                assert any(start - FIVE_SECONDS <= moment <= stop + FIVE_SECONDS for start, stop in outages)
    assert near >= 5


def test_events_are_told_by_time_and_each_has_an_identity_of_its_own(found: PassingEvents) -> None:
    body = found.body()
    begins = [one["start"] for one in body if isinstance(one, dict)]
    assert begins == sorted(begins, key=str)
    assert {one["kind"] for one in body if isinstance(one, dict)} == {"handover", "sunOutage"}
    entries = list(Calendar.from_ical(event_calendar("Gaborone", found.entries(), LOADED)).walk("VEVENT"))
    assert len(entries) == len(body)
    assert len({str(one["UID"]) for one in entries}) == len(entries)


def test_gaps_are_when_nobody_is_told_to_carry(through_one: PassingLink) -> None:
    found = passing_events_of(through_one)
    assert {one.reason for one in found.gaps} >= {"noGateway"}
    assert found.handovers
    for minute in range(0, DAYS * 24 * 60, 7):
        moment = START + timedelta(minutes=minute, seconds=3)
        answer = carried(sky_of(through_one, moment))
        within = [one.reason for one in found.gaps if one.start <= moment < one.end]
        assert within == ([] if answer["carried"] else [answer["reason"]])


def test_without_elements_all_of_the_period_is_one_gap(asked: PassingLink) -> None:
    bare = tuple(replace(one, sky=replace(one.sky, elements=()), satellites=()) for one in asked.days)
    found = passing_events_of(replace(asked, days=bare))
    (gap,) = found.gaps
    assert (gap.start, gap.end, gap.reason) == (START, asked.stop, "noElements")
    assert not found.handovers
    assert not found.outages


def test_the_span_is_bounded_by_how_many_satellites_are_planned_with() -> None:
    assert (_days(None, 10), _days(31, 10), _days(None, 651), _days(1, 20_000)) == (7, 31, 1, 1)
    for days, satellites, most in ((32, 10, 31), (2, 651, 1)):
        with pytest.raises(Refused) as refused:
            _days(days, satellites)
        assert (refused.value.faults[0].field, refused.value.faults[0].accepted) == ("days", f"up to {most}")
