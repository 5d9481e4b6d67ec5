"""`satcom sun-outages` and `satcom eclipses`: of the inventory or of a place, in a table, as JSON and as a calendar."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from icalendar import Calendar
from typer.testing import CliRunner

from satcom.app.commands.planned_events import eclipses_command, sun_outages_command
from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import Refused, RuleRefused
from satcom.resource.ground import EarthStation
from satcom.resource.physics.sun import track_of_place, track_of_slot
from satcom.resource.physics.sun_outage import Receiver, sun_outages
from satcom.resource.satellite import record_elements
from tests.enterprise.an_operator import an_operator
from tests.resource.a_network import a_satellite, a_transponder

TLE = (Path(__file__).parents[1] / "data" / "elements" / "sample.tle").read_text()
AMOS_17 = 44_479
AT_TELEPORT = ("--satellite", "Testsat", "--station", "Hartebeesthoek")
AT_A_PLACE = ("--satellite", "Testsat", "--latitude", "-25.89", "--longitude", "27.69", "--altitude-m", "1500")
DISH = ("--diameter-m", "1.8", "--freq-ghz", "11.2", "--noise-temperature-k", "120")


@pytest.fixture
def network(database: Database) -> Database:
    with database.as_worker() as session:
        transponder = a_transponder(session, satellite=a_satellite(session, AMOS_17))
        record_elements(session, TLE, "CelesTrak")
        antenna = {
            "id": "ant-1",
            "band": "Ku",
            "diameter_m": 9.0,
            "efficiency": 0.65,
            "hpa_power_dbw": 20,
            "noise_temperature_k": 140,
            "satellite_ids": [transponder.satellite_id],
        }
        values = {"latitude_deg": -25.89, "longitude_deg": 27.69, "altitude_m": 1500, "country": "ZA"}
        named = {"name": "Hartebeesthoek", "antennas": [antenna], "horizon_mask_deg": 5}
        session.add(checked(EarthStation, values | named))
        session.flush()
    return database


def run(database: Database, *options: str) -> str:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    app = typer.Typer()
    app.command("sun-outages")(sun_outages_command(opened))
    app.command("eclipses")(eclipses_command(opened))
    done = CliRunner().invoke(app, list(options))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def events_in(calendar: Path) -> list[Any]:
    read: Any = Calendar.from_ical(calendar.read_bytes())
    return list(read.walk("VEVENT"))


def body(database: Database, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(database, *options, "--json"))
    return found


def test_outages_at_a_station_are_those_of_its_antenna_and_the_middle_of_the_band(network: Database) -> None:
    told = body(network, "sun-outages", *AT_TELEPORT, "--year", "2027")
    assert (told["station"], told["timeZone"], told["elementAgeDays"]) == (
        "Hartebeesthoek",
        "Africa/Johannesburg",
        None,
    )
    year = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    expected = sun_outages(
        track_of_slot(17.0), track_of_place(-25.89, 27.69, 1.5), Receiver(9.0, 0.65, 12.56e9, 140), 3.0, *year, 5.0
    )
    assert len(told["outages"]) == len(expected) >= 4
    for one, other in zip(told["outages"], expected, strict=True):
        assert datetime.fromisoformat(one["start"]) == other.start
        assert datetime.fromisoformat(one["peakAtStation"]).utcoffset() == timedelta(hours=2)
        assert one["degradationDb"] > 3.0

    table = run(network, "sun-outages", *AT_TELEPORT, "--year", "2027")
    for one in told["outages"]:
        assert one["peak"][:10] in table


def test_outages_of_a_place_and_by_elements_differ_by_where_the_satellite_is(network: Database, tmp_path: Path) -> None:
    boxed = body(network, "sun-outages", *AT_A_PLACE, *DISH, "--year", "2026")["outages"]
    calendar = tmp_path / "sun.ics"
    by_elements = body(
        network, "sun-outages", *AT_A_PLACE, *DISH, "--year", "2026", "--by-elements", "--ics", str(calendar)
    )
    assert by_elements["elementAgeDays"] == pytest.approx(131.37, abs=0.01)
    assert "the elements are 131 days old" in run(
        network, "sun-outages", *AT_A_PLACE, *DISH, "--year", "2026", "--by-elements"
    )
    autumn = [[one for one in found if one["peak"][5:7] == "09"] for found in (boxed, by_elements["outages"])]
    assert autumn[0]
    assert autumn[1]
    events = events_in(calendar)
    assert len(events) == len(by_elements["outages"])
    assert len({str(event["uid"]) for event in events}) == len(events)
    run(network, "sun-outages", *AT_A_PLACE, *DISH, "--year", "2026", "--by-elements", "--ics", str(calendar))
    again = events_in(calendar)
    assert [str(event["uid"]) for event in again] == [str(event["uid"]) for event in events]
    for event, one in zip(events, by_elements["outages"], strict=True):
        assert event["dtstart"].dt == datetime.fromisoformat(one["start"]).replace(microsecond=0)
        assert event["dtend"].dt >= datetime.fromisoformat(one["end"])
        assert "Testsat" in event["summary"]


def test_a_link_that_bears_the_sun_is_said_to_have_no_outage(network: Database) -> None:
    small = ("--diameter-m", "0.6", "--freq-ghz", "11.2", "--noise-temperature-k", "300", "--threshold-db", "6")
    told = run(network, "sun-outages", *AT_A_PLACE, *small, "--year", "2027")
    assert "the Sun costs less than 6 dB all the time" in told
    assert body(network, "sun-outages", *AT_A_PLACE, *small, "--year", "2027")["outages"] == []


def test_eclipses_of_a_year_are_told_with_their_seasons_and_as_a_calendar(network: Database, tmp_path: Path) -> None:
    calendar = tmp_path / "eclipses.ics"
    told = body(network, "eclipses", "--satellite", "testsat", "--year", "2027", "--ics", str(calendar))
    assert [one["eclipses"] for one in told["seasons"]] == [47, 47]
    of_earth = [one for one in told["eclipses"] if one["body"] == "earth"]
    assert len(of_earth) == 94
    assert max(one["umbraS"] for one in of_earth) == pytest.approx(67.5 * 60, abs=30)
    assert all(one["umbraStart"] is None for one in told["eclipses"] if one["body"] == "moon")
    events = events_in(calendar)
    assert len(events) == len(told["eclipses"])
    only = run(network, "eclipses", "--satellite", "testsat", "--year", "2027", "--seasons")
    assert "2027-02-25" in only
    assert len(only.splitlines()) == 3
    whole = run(network, "eclipses", "--satellite", "testsat", "--year", "2027")
    assert len(whole.splitlines()) > 94


@pytest.mark.parametrize(
    ("options", "field", "why"),
    [
        (("--satellite", "Nosuch", "--year", "2027"), "--satellite", "there is no satellite 'Nosuch'"),
        ((*AT_TELEPORT[:2], "--station", "Nosuch", "--year", "2027"), "--station", "no earth station 'Nosuch'"),
        ((*AT_TELEPORT, "--year", "1066"), "--year", "1066 is not computed"),
        ((*AT_TELEPORT, "--antenna", "ant-9", "--year", "2027"), "--antenna", "say which one receives"),
        ((*AT_TELEPORT, "--threshold-db", "0", "--year", "2027"), "--threshold-db", "0 dB is out of range"),
        ((*AT_TELEPORT, "--freq-ghz", "50", "--year", "2027"), "--freq-ghz", "50 GHz is out of range"),
        ((*AT_TELEPORT, "--efficiency", "nan", "--year", "2027"), "--efficiency", "nan is out of range"),
        ((*AT_A_PLACE, "--year", "2027"), "--diameter-m", "as no --station is named"),
        (("--satellite", "Testsat", "--latitude", "95", *DISH, "--year", "2027"), "--latitude", "95 deg is no place"),
        (("--satellite", "Testsat", *DISH, "--year", "2027"), "--longitude", "as no --station is named"),
    ],
)
def test_what_is_typed_wrong_is_told_by_its_option(
    network: Database, options: tuple[str, ...], field: str, why: str
) -> None:
    with pytest.raises(Refused, match=why) as refused:
        run(network, "sun-outages", *options)
    assert field in {fault.field for fault in refused.value.faults}


def test_a_satellite_that_the_place_never_sees_is_named(network: Database) -> None:
    over_there = ("--satellite", "Testsat", "--latitude", "10", "--longitude", "-150", *DISH, "--year", "2027")
    with pytest.raises(Refused, match="Testsat is below the horizon of 10, -150: it stands -7") as refused:
        run(network, "sun-outages", *over_there)
    assert [(one.field, one.accepted) for one in refused.value.faults] == [
        ("--satellite", "a place that sees it above 5 degrees")
    ]


def test_all_that_is_typed_wrong_is_told_at_once_in_the_unit_it_was_typed_in(network: Database) -> None:
    wrong = ("--diameter-m", "0", "--freq-ghz", "-11", "--noise-temperature-k", "nan", "--latitude", "95")
    with pytest.raises(Refused) as refused:
        run(network, "sun-outages", "--satellite", "Testsat", *wrong, "--year", "2027", "--threshold-db", "0")
    assert {(one.field, one.why, one.accepted) for one in refused.value.faults} == {
        ("--diameter-m", "0 m is out of range", "0.1 to 70 m"),
        ("--freq-ghz", "-11 GHz is out of range", "1 to 30 GHz"),
        ("--noise-temperature-k", "nan K is out of range", "1 to 100000 K"),
        ("--threshold-db", "0 dB is out of range", "0.1 to 60 dB"),
        ("--latitude", "95 deg is no place", "-90 to 90 deg"),
        ("--longitude", "it is missing, as no --station is named", None),
    }


def test_elements_older_than_the_operator_takes_are_refused(network: Database) -> None:
    with network.as_worker() as session:
        an_operator(session).elements_limit_days = 100
        session.flush()
    for words in (("sun-outages", *AT_A_PLACE, *DISH), ("eclipses", "--satellite", "Testsat")):
        with pytest.raises(RuleRefused, match="the operator takes up to 100") as refused:
            run(network, *words, "--year", "2026", "--by-elements")
        assert [(one.field, one.code) for one in refused.value.faults] == [("--by-elements", "elementsTooOld")]
    assert "earth" in run(network, "eclipses", "--satellite", "Testsat", "--year", "2026"), "its box has no age"


def test_a_satellite_without_elements_has_no_place_by_elements(database: Database, tmp_path: Path) -> None:
    with database.as_worker() as session:
        a_satellite(session)
    by_elements = ("--satellite", "Testsat", "--year", "2027", "--by-elements")
    with pytest.raises(Refused, match="Testsat has no elements"):
        run(database, "eclipses", *by_elements)
    unwritable = str(tmp_path / "no" / "such" / "folder.ics")
    with pytest.raises(Refused, match="cannot be written"):
        run(database, "eclipses", *by_elements[:4], "--ics", unwritable)
    assert list(chain(tmp_path.iterdir())) == []


def ephemeris_of_a_slot(folder: Path, hours: int, start: datetime, name: str = "AMOS-17") -> Path:
    """Of a satellite in the middle of its box, a state an hour, as flight dynamics sends it."""
    x, y, z = track_of_slot(17.0)(np.zeros(1))[0]
    epochs = [start + timedelta(hours=number) for number in range(hours + 1)]
    head = f"META_START\nOBJECT_NAME = {name}\nOBJECT_ID = 2019-050A\nCENTER_NAME = EARTH\nREF_FRAME = ITRF2014\n"
    span = f"START_TIME = {epochs[0]:%Y-%m-%dT%H:%M:%S}\nSTOP_TIME = {epochs[-1]:%Y-%m-%dT%H:%M:%S}\n"
    rows = "".join(f"{one:%Y-%m-%dT%H:%M:%S} {x:.6f} {y:.6f} {z:.6f} 0 0 0\n" for one in epochs)
    file = folder / f"{name}.oem"
    file.write_text(f"CCSDS_OEM_VERS = 2.0\n{head}TIME_SYSTEM = UTC\n{span}META_STOP\n{rows}", encoding="utf-8")
    return file


def test_an_ephemeris_tells_the_events_of_its_days(network: Database, tmp_path: Path) -> None:
    file = ephemeris_of_a_slot(tmp_path, 72, datetime(2027, 3, 31, 12, tzinfo=UTC))
    planned = ("--year", "2027", "--ephemeris", str(file))
    told = body(network, "sun-outages", *AT_TELEPORT, *planned)["outages"]
    by_slot = body(network, "sun-outages", *AT_TELEPORT, "--year", "2027")["outages"]
    assert [one["start"] for one in told] == [by_slot[1]["start"]]
    dark = run(network, "eclipses", "--satellite", "Testsat", *planned)
    assert "from 2027-03-31T12:00Z to 2027-04-03T12:00Z" in dark
    assert dark.count("earth") == 3


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda text: text.replace("= ITRF2014", "= LVLH"), "line 6: REF_FRAME is 'LVLH'; known are"),
        (lambda text: text + text.partition("\n")[2].replace("AMOS-17", "SES-4"), "several satellites: AMOS-17, SES-4"),
        (lambda text: text.replace("2027-", "2026-"), "it runs from 2026-03-01 to 2026-03-04"),
        (lambda text: "no message", "no message' stands before the first META_START"),
    ],
)
def test_an_ephemeris_that_tells_nothing_is_refused_by_its_lines(
    network: Database, tmp_path: Path, spoil: Callable[[str], str], why: str
) -> None:
    file = ephemeris_of_a_slot(tmp_path, 72, datetime(2027, 3, 1, 12, tzinfo=UTC))
    file.write_text(spoil(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(Refused, match=re.escape(why)) as refused:
        run(network, "eclipses", "--satellite", "Testsat", "--year", "2027", "--ephemeris", str(file))
    assert {fault.field for fault in refused.value.faults} == {"--ephemeris"}
    with pytest.raises(Refused, match="cannot be read"):
        run(network, "eclipses", "--satellite", "Testsat", "--year", "2027", "--ephemeris", str(tmp_path / "none"))
