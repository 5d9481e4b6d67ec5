"""`satcom manoeuvres`: of the satellite that a plan names, whom it carries meanwhile, as JSON and as a calendar."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from icalendar import Calendar
from sqlmodel import select
from typer.testing import CliRunner

from satcom.app.commands.manoeuvres import manoeuvres_command
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.satellite import Satellite, record_elements
from satcom.service.inventory import Service, ServicePath, end_path
from tests.resource.a_network import a_satellite
from tests.resource.test_constellation import a_constellation
from tests.service.test_inventory import an_active_service

TLE = (Path(__file__).parents[1] / "data" / "elements" / "sample.tle").read_text()
AMOS_17 = 44_479
BURN = datetime(2027, 3, 2, 6, tzinfo=UTC)


def a_plan(folder: Path, name: str, object_id: str, *burns: str, frame: str = "RTN") -> Path:
    """A burn an hour long for each velocity increment, a day apart."""
    head = (
        f"CCSDS_OPM_VERS = 2.0\nOBJECT_NAME = {name}\nOBJECT_ID = {object_id}\nCENTER_NAME = EARTH\nTIME_SYSTEM = UTC\n"
    )
    text = head
    for number, burn in enumerate(burns):
        text += f"COMMENT East-West\nMAN_EPOCH_IGNITION = {BURN + timedelta(days=number):%Y-%m-%dT%H:%M:%S}\n"
        text += f"MAN_DURATION = 3600 [s]\nMAN_DELTA_MASS = -0.5 [kg]\nMAN_REF_FRAME = {frame}\n"
        text += "".join(f"MAN_DV_{at} = {each} [km/s]\n" for at, each in enumerate(burn.split(), start=1))
    file = folder / f"{object_id}.opm"
    file.write_text(text, encoding="utf-8")
    return file


def run(database: Database, *words: str | Path) -> str:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    app = typer.Typer()
    app.command("manoeuvres")(manoeuvres_command(opened))
    done = CliRunner().invoke(app, [str(one) for one in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def told(database: Database, *words: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(database, *words, "--json"))
    return found


@pytest.fixture
def fleet(database: Database) -> Database:
    with database.as_worker() as session:
        a_satellite(session, AMOS_17)
        record_elements(session, TLE, "CelesTrak")
        an_active_service(session, BURN - timedelta(days=9))
    return database


@pytest.fixture
def served(fleet: Database) -> Service:
    """Over Sat 33E."""
    with fleet.as_worker() as session:
        return session.exec(select(Service)).one()


@pytest.mark.parametrize(
    ("name", "object_id"),
    [("testsat", "unknown"), ("AMOS 17", "44479"), ("AMOS 17", "2019-050A"), ("TESTSAT", "2019-050a")],
)
def test_a_plan_is_of_the_satellite_of_its_name_or_its_number(
    fleet: Database, tmp_path: Path, name: str, object_id: str
) -> None:
    (one,) = told(fleet, a_plan(tmp_path, name, object_id, "0 0.0001 0"))
    assert (one["kind"], one["at"], one["start"], one["end"]) == (
        "manoeuvre",
        "Testsat",
        "2027-03-02T06:00:00Z",
        "2027-03-02T07:00:00Z",
    )
    assert (one["deltaVMPerS"], one["inPlaneMPerS"], one["outOfPlaneMPerS"]) == (0.1, 0.1, 0.0)
    assert one["driftChangeDegPerDay"] == pytest.approx(-0.0352, abs=1e-4)
    assert (one["massChangeKg"], one["comment"], one["services"]) == (-0.5, "East-West", [])


def test_whom_a_burn_concerns_is_who_is_carried_while_it_lasts(
    fleet: Database, served: Service, tmp_path: Path
) -> None:
    plan = a_plan(tmp_path, "Sat 33E", "-", "0 0 0.001", "0 0 0.002")
    for one in told(fleet, plan):
        assert [each["id"] for each in one["services"]] == [served.id]
        assert one["services"][0]["name"] == "Link to the mine"
        assert one["services"][0]["customer"]
    assert "Link to the mine (" in run(fleet, plan)
    other = a_plan(tmp_path, "Testsat", "44479", "0 0 0.001")
    assert [one["at"] for one in told(fleet, plan, other)] == ["Sat 33E", "Testsat", "Sat 33E"]
    assert [one["at"] for one in told(fleet, plan, other, "--service", served.id)] == ["Sat 33E", "Sat 33E"]
    assert "no manoeuvre is planned that concerns" in run(fleet, other, "--service", served.id)
    with fleet.as_worker() as session:
        end_path(session, served.id, BURN + timedelta(minutes=30))
    assert [len(one["services"]) for one in told(fleet, plan)] == [1, 0]


def test_the_services_of_a_constellation_are_carried_in_turn_and_no_drift_is_told(
    fleet: Database, served: Service, tmp_path: Path
) -> None:
    with fleet.as_worker() as session:
        constellation = a_constellation(name="Ring")
        moving = session.exec(select(Satellite).where(Satellite.name == "Testsat")).one()
        moving.orbital_longitude_deg, moving.constellation = None, "ring"
        path = session.exec(select(ServicePath)).one()
        session.add(constellation)
        session.flush()
        path.satellite_id, path.constellation_id = None, constellation.id
    plan = a_plan(tmp_path, "Testsat", "-", "0 0.001 0")
    (one,) = told(fleet, plan, "--service", served.id)
    assert (one["constellation"], one["servicesInTurn"], one["services"]) == ("ring", 1, [])
    assert "driftChangeDegPerDay" not in one
    assert "1 service of ring in turn" in run(fleet, plan)
    assert told(fleet, a_plan(tmp_path, "Sat 33E", "-", "0 0.001 0"))[0]["services"] == []


def test_in_another_frame_than_the_orbits_only_the_size_is_told(fleet: Database, tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "Testsat", "-", "0.003 0.004 0.012", frame="EME2000")
    (one,) = told(fleet, plan)
    assert (one["deltaVMPerS"], one["componentsMPerS"]) == (13.0, [3.0, 4.0, 12.0])
    assert not {"inPlaneMPerS", "outOfPlaneMPerS", "alongTrackMPerS", "driftChangeDegPerDay"} & set(one)
    assert "13.000" in run(fleet, plan)


def test_the_calendar_keeps_the_identity_of_a_burn_that_moves_by_minutes(fleet: Database, tmp_path: Path) -> None:
    def entries(*plans: Path) -> list[Any]:
        run(fleet, *plans, "--ics", tmp_path / "burns.ics")
        calendar: Any = Calendar.from_ical((tmp_path / "burns.ics").read_bytes())
        return list(calendar.walk("VEVENT"))

    plan = a_plan(tmp_path, "Sat 33E", "-", "0 0.0001 0", "0 0 0.002")
    copy = tmp_path / "copy.opm"
    copy.write_text(plan.read_text())
    planned = entries(plan, copy)
    assert [str(one["summary"]) for one in planned] == [
        "Manoeuvre: Sat 33E, 0.100 m/s",
        "Manoeuvre: Sat 33E, 2.000 m/s",
    ]
    assert "concerns Link to the mine" in str(planned[0]["description"])
    assert "0.000 in and +2.000 out of the plane" in str(planned[1]["description"])
    assert planned[0]["dtstart"].dt == BURN
    plan.write_text(plan.read_text().replace("T06:00:00", "T06:20:00"))
    moved = entries(plan)
    assert [one["uid"] for one in moved] == [one["uid"] for one in planned]
    assert moved[0]["dtstart"].dt == BURN + timedelta(minutes=20)


def test_whose_plan_it_is_may_be_said(fleet: Database, tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "FLIGHT 7", "2030-001A", "0 0.0001 0")
    with pytest.raises(Refused, match="'FLIGHT 7' and OBJECT_ID '2030-001A' are of no satellite") as refused:
        run(fleet, plan)
    assert refused.value.faults[0].field == "FILE"
    assert [one["at"] for one in told(fleet, plan, "--satellite", "testsat")] == ["Testsat"]
    two = a_plan(tmp_path, "Sat 33E", "-", "0 0.0001 0")
    for words, field, why in (
        ((plan, two, "--satellite", "Testsat"), "--satellite", "several satellites: FLIGHT 7, Sat 33E"),
        ((plan, "--satellite", "Nosuch"), "--satellite", "there is no satellite 'Nosuch'"),
        ((two, "--service", "nobody's"), "--service", "there is no service"),
        ((a_plan(tmp_path, "Sat 33E", "44479", "0 0 0"),), "FILE", "several satellites: Sat 33E, Testsat"),
    ):
        with pytest.raises(Refused, match=why) as wrong:
            run(fleet, *words)
        assert [one.field for one in wrong.value.faults] == [field]


def test_a_file_that_is_wrong_is_refused_whole_by_its_lines(fleet: Database, tmp_path: Path) -> None:
    good, bad = (a_plan(tmp_path, name, "-", "0 0 0.001") for name in ("Sat 33E", "Testsat"))
    bad = tmp_path / "bad.opm"
    bad.write_text(good.read_text().replace("= 3600 [s]", "= 1 [h]").replace("= RTN", "="))
    with pytest.raises(Refused) as refused:
        run(fleet, good, bad)
    assert {(one.field, one.why) for one in refused.value.faults} == {
        ("FILE", f"{bad}, line 7: MAN_REF_FRAME missing in the manoeuvre"),
        ("FILE", f"{bad}, line 8: MAN_DURATION is in h, it should be in s"),
    }
    with pytest.raises(Refused, match="cannot be read"):
        run(fleet, tmp_path / "none.opm")
    with pytest.raises(Refused, match="cannot be written"):
        run(fleet, good, "--ics", tmp_path / "no" / "folder.ics")
