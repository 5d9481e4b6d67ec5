"""Passes of moving satellites: over the inventory on the command line and over HTTP, or of a file of elements."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import typer
from icalendar import Calendar
from sqlmodel import Session, select
from typer.testing import CliRunner

from satcom.app.commands.passes import passes_command
from satcom.app.loading.load import load
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import Refused, RuleRefused
from satcom.core.loading import loaded_id
from satcom.enterprise.party import operator_of
from satcom.resource.ground import EarthStation
from satcom.resource.physics.orbit import read_tle
from satcom.resource.satellite import ElementSet, Satellite, record_elements
from satcom.service.design.reading import read_fleet
from tests.app.conftest import House
from tests.enterprise.an_operator import an_operator
from tests.resource.a_network import a_satellite, a_transponder

SAMPLE = Path(__file__).parents[1] / "data" / "orbit_sample.tle"  # CelesTrak, 2026-08-22
O3B = [one for one in read_tle(SAMPLE.read_text()).elements if one.name.startswith("O3B")]
PATH = "/satcom-api/resource/v1/passPlan"
AT_KOLWEZI = ("--latitude", "-10.71", "--longitude", "25.39", "--start", "2026-08-22T18:00Z")
ASKED = {"latitudeDeg": "-10.71", "longitudeDeg": "25.39", "startAt": "2026-08-22T18:00:00Z"}


def fill(session: Session) -> None:
    """O3B satellites with their elements, one that is not in service, one without elements, and a gateway."""
    values = {"constellation": "O3b", "state": "inService"}
    for one in O3B:
        session.add(checked(Satellite, values | {"name": one.name, "norad_id": one.norad_id}))
    session.add(checked(Satellite, values | {"name": "O3B NEXT", "state": "launched"}))
    session.add(checked(Satellite, values | {"name": "O3B OLD", "end_of_life_date": "2026-08-22"}))
    session.add(checked(Satellite, values | {"name": "O3B LOST"}))
    place = {"latitude_deg": -25.89, "longitude_deg": 27.71, "country": "ZA", "horizon_mask_deg": 5}
    session.add(checked(EarthStation, place | {"name": "Hartebeesthoek"}))
    session.flush()
    record_elements(session, SAMPLE.read_text(), "CelesTrak")


@pytest.fixture
def network(database: Database) -> Database:
    with database.as_worker() as session:
        fill(session)
    return database


def run(database: Database | None, *options: str) -> str:
    @contextmanager
    def opened() -> Iterator[Database]:
        assert database is not None
        yield database

    app = typer.Typer()
    app.command("passes")(passes_command(opened))
    done = CliRunner().invoke(app, [*AT_KOLWEZI, *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def body(database: Database | None, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(database, *options, "--json"))
    return found


def test_a_constellation_serves_a_site_through_a_gateway(network: Database) -> None:
    told = body(network, "--constellation", "o3b", "--gateway", "Hartebeesthoek", "--hours", "12")
    assert told["satelliteCount"] == len(O3B)
    assert {one["reason"] for one in told["leftOut"]} == {
        "it is launched",
        "its life ends on 2026-08-22",
        "no elements of it are kept",
    }
    assert {one["earthStation"]["name"] for one in told["leg"]} == {"Hartebeesthoek"}
    alone = body(network, "--constellation", "O3b", "--hours", "12")
    assert alone["servedPercent"] >= told["servedPercent"] > 0
    assert len(alone["pass"]) == len(told["pass"]) > 0
    by_start = sorted(told["leg"] + told["gap"], key=lambda one: one["startAt"])
    assert all(one["stopAt"] == after["startAt"] for one, after in pairwise(by_start))
    assert (by_start[0]["startAt"], by_start[-1]["stopAt"]) == (told["startAt"], told["stopAt"])

    shown = run(network, "--constellation", "O3b", "--gateway", "Hartebeesthoek", "--hours", "12")
    assert "Hartebeesthoek" in shown
    assert "left out: O3B NEXT, it is launched" in shown
    assert f"{told['handovers']} handovers" in shown


def test_the_same_elements_from_a_file_and_of_the_inventory_give_the_same_passes(
    network: Database, tmp_path: Path
) -> None:
    file = tmp_path / "o3b.tle"
    file.write_text("".join(f"{one.name}\n{one.line1}\n{one.line2}\n" for one in O3B))
    of_file = body(None, "--elements", str(file))
    kept = body(network, *(word for one in O3B for word in ("--satellite", one.name)))

    def without_ids(told: dict[str, Any]) -> list[dict[str, Any]]:
        return [one | {"satellite": one["satellite"]["name"]} for one in told["pass"]]

    assert without_ids(of_file) == without_ids(kept)
    assert of_file["servedPercent"] == kept["servedPercent"]


def test_old_elements_of_a_file_are_warned_of_and_those_of_fallen_satellites_left_out() -> None:
    years_later = ("--elements", str(SAMPLE), "--start", "2030-01-01", "--hours", "1")
    shown = " ".join(run(None, *years_later).split())
    assert "warning: the elements of 27 of 27 satellites are more than 30 days from their epoch" in shown
    assert "left out: STARLINK-3718, its elements lead below the ground, or nowhere, at that time" in shown
    with pytest.raises(Refused, match=r"those of .* are 1230 days old then, --max-age-days takes 400") as refused:
        run(None, *years_later, "--max-age-days", "400")
    assert refused.value.faults[0].field == "--elements"
    assert "warning" not in run(None, "--elements", str(SAMPLE), "--hours", "1")


def test_a_satellite_that_moves_has_no_slot_and_is_not_designed_over(network: Database) -> None:
    with network.as_worker() as session:
        standing = a_transponder(session, satellite=a_satellite(session))
        fleet = read_fleet(session, now())
    assert [one.id for one in fleet.satellites] == [standing.satellite_id]
    for values in ({}, {"constellation": "O3b", "orbital_longitude_deg": 1.0}):
        with pytest.raises(Refused, match="moves in a constellation"):
            checked(Satellite, {"name": "X", "state": "planned"} | values)


def test_moving_satellites_are_loaded_from_files_and_asked_at_once(database: Database, tmp_path: Path) -> None:
    operator = Path(__file__).parents[2] / "examples" / "operator" / "operator.yaml"
    (tmp_path / "operator.yaml").write_text(operator.read_text())
    (tmp_path / "elements.tle").write_text(SAMPLE.read_text())
    rows = [f"sat-{one.norad_id},{one.name},{one.norad_id},O3b,inService,2019-05-01" for one in O3B]
    (tmp_path / "satellites.csv").write_text(
        "\n".join(["id,name,norad_id,constellation,state,in_service_date", *rows, ""])
    )
    load(database, tmp_path, dry_run=False, by="ada at the command line")
    told = body(database, "--constellation", "O3b")
    assert {one["satellite"]["name"] for one in told["pass"]} == {one.name for one in O3B}
    assert {one["satellite"]["id"] for one in told["leg"]} <= {
        loaded_id("Satellite", f"sat-{one.norad_id}") for one in O3B
    }


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ((), "--satellite"),
        (("--constellation", "Teledesic"), "--constellation"),
        (("--satellite", "O3B LOST"), "--satellite"),
        (("--satellite", "Sputnik"), "--satellite"),
        (("--constellation", "O3b", "--gateway", "Atlantis"), "--gateway"),
        (("--constellation", "O3b", "--hours", "0"), "--hours"),
        (("--constellation", "O3b", "--hours", "169"), "--hours"),
        (("--constellation", "O3b", "--latitude", "nan"), "--latitude"),
        (("--constellation", "O3b", "--elevation", "-1"), "--elevation"),
        (("--constellation", "O3b", "--elements", str(SAMPLE)), "--elements"),
        (("--elements", "nowhere.tle"), "--elements"),
    ],
)
def test_what_is_typed_wrong_is_named(network: Database, options: tuple[str, ...], field: str) -> None:
    with pytest.raises(Refused) as refused:
        run(network, *options)
    assert [one.field for one in refused.value.faults] == [field]


def test_over_http_it_is_the_same_answer_for_who_may_read_the_network(house: House) -> None:
    with house.database.as_worker() as session:
        fill(session)
    asked = ASKED | {"constellation": "O3b", "earthStationId": "Hartebeesthoek", "hours": "6"}
    answer = house.http.get(f"{PATH}?{urlencode(asked)}", house.token("noc"))
    assert answer.status_code == 200, answer.text
    command = ("--constellation", "O3b", "--gateway", "Hartebeesthoek", "--hours", "6")
    assert answer.json() == body(house.database, *command)
    customer = house.token("customer", party=house.filled.mine)
    for question in (asked, {"latitudeDeg": "north"}):  # what is wrong with his question is not told to who may not ask
        assert house.http.get(f"{PATH}?{urlencode(question)}", customer).status_code == 403
        assert house.http.get(f"{PATH}?{urlencode(question)}", {}).status_code == 401


def test_a_bad_question_is_refused_by_field(house: House) -> None:
    with house.database.as_worker() as session:
        fill(session)
    headers = house.token("noc")
    for wrong, status, field in (
        ({"latitudeDeg": "91"}, 400, "latitudeDeg"),
        ({"latitudeDeg": "nan"}, 400, "latitudeDeg"),
        ({"longitudeDeg": "far"}, 400, "longitudeDeg"),
        ({"altitudeM": "1e9"}, 400, "altitudeM"),
        ({"startAt": "2026-08-22T18:00:00"}, 400, "startAt"),
        ({"startAt": "9999-08-22T18:00:00Z"}, 400, "startAt"),
        ({"hours": "1.5"}, 400, "hours"),
        ({"rule": "nearest"}, 400, "rule"),
        ({"constellation": "a\0b"}, 404, "constellation"),
        ({"satelliteId": "Sputnik"}, 404, "satelliteId"),
    ):
        answer = house.http.get(f"{PATH}?{urlencode(ASKED | {'constellation': 'O3b'} | wrong)}", headers)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text


def test_satellites_and_stations_of_others_are_not_there(house: House) -> None:
    with house.database.as_worker() as session:
        fill(session)
        for one in session.exec(select(Satellite).where(Satellite.constellation == "O3b")):
            one.party_id = house.filled.neighbour.id
            session.add(one)
            for kept in session.exec(select(ElementSet).where(ElementSet.satellite_id == one.id)):
                kept.party_id = one.party_id
                session.add(kept)
        station = session.exec(select(EarthStation).where(EarthStation.name == "Hartebeesthoek")).one()
        station.party_id = house.filled.mine.id
        session.add(station)
    member = house.token("administrator", "customer", party=house.filled.mine)
    neighbour = house.token("administrator", "customer", party=house.filled.neighbour)
    for asked, headers, field in (
        ({"constellation": "O3b"}, member, "constellation"),
        ({"satelliteId": O3B[0].name}, member, "satelliteId"),
        ({"constellation": "O3b", "earthStationId": "Hartebeesthoek"}, neighbour, "earthStationId"),
    ):
        answer = house.http.get(f"{PATH}?{urlencode(ASKED | asked)}", headers)
        assert (answer.status_code, answer.json()["field"]) == (404, field), answer.text
        assert "O3B FM" not in answer.text.replace(f"'{O3B[0].name}'", "")
    seen = house.http.get(f"{PATH}?{urlencode(ASKED | {'constellation': 'O3b'})}", neighbour)
    assert seen.status_code == 200, seen.text


def test_elements_older_than_the_operator_takes_plan_nothing(network: Database) -> None:
    with network.as_worker() as session:
        an_operator(session).elements_limit_days = 5
        session.flush()
    assert "% of the time is served" in run(network, *AT_KOLWEZI, "--constellation", "O3b")
    later = ("--latitude", "-10.71", "--longitude", "25.39", "--start", "2026-08-27T18:00Z", "--constellation", "O3b")
    with pytest.raises(RuleRefused, match="days old, the operator takes up to 5"):
        run(network, *later)
    with network.as_worker() as session:
        operator_of(session).elements_limit_days = 0
    assert "the oldest elements are" in run(network, *later)


def test_legs_handovers_and_gaps_are_written_as_a_calendar(network: Database, tmp_path: Path) -> None:
    file = tmp_path / "passes.ics"
    asked = ("--constellation", "o3b", "--gateway", "Hartebeesthoek", "--hours", "24", "--ics", str(file))
    told = body(network, *asked)
    first, second = (
        (run(network, *asked), list(Calendar.from_ical(file.read_bytes()).walk("VEVENT")))[1] for _ in range(2)
    )
    assert [one["UID"] for one in first] == [one["UID"] for one in second]
    assert len({str(one["UID"]) for one in first}) == len(first)
    kinds = [str(one["SUMMARY"]).split(":")[0] for one in first]
    assert kinds.count("Served") == len(told["leg"]) > 0
    assert kinds.count("Nobody carries") == len(told["gap"]) > 0
    assert kinds.count("Handover") == told["handovers"]
    starts = sorted(datetime.fromisoformat(one["startAt"]).replace(microsecond=0) for one in told["leg"])
    assert starts == [one.decoded("DTSTART") for one in first if str(one["SUMMARY"]).startswith("Served")]
    with pytest.raises(Refused) as refused:
        run(network, *asked[:-1], str(tmp_path / "nowhere" / "passes.ics"))
    assert refused.value.faults[0].field == "--ics"
