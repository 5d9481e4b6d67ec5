"""Who carries a service over satellites that pass: whole over midnight, by dates and ages, and true of the past."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import col, select

from satcom.app.loading.load import load
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.values import Json
from satcom.enterprise.party import Operator
from satcom.resource.constellation import Constellation
from satcom.resource.satellite import Satellite, SatelliteState
from satcom.service.service_place import ServicePlace
from satcom.service.serving_satellite import carried, passing_at

MEO = Path(__file__).parents[2] / "examples" / "meo_operator"
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
KOLWEZI = ServicePlace(-10.71, 25.39, 1400.0)
MIDNIGHT = datetime(2026, 8, 24, tzinfo=UTC)


@pytest.fixture
def network(database: Database) -> Iterator[Database]:
    with clock.at(START):
        load(database, MEO, dry_run=False, by="ada at the command line")
        yield database


def told(network: Database, at: datetime) -> dict[str, Json]:
    with network.as_worker() as session:
        one = session.exec(select(Constellation)).one()
        found = passing_at(session, one, [each.earth_station_id for each in one.gateways], KOLWEZI, at, {})
    return carried(found)


def satellite(answer: dict[str, Json]) -> str:
    named = answer["satellite"]
    assert isinstance(named, dict)
    return str(named["name"])


def test_gateways_are_taken_in_the_order_in_which_they_are_declared_as_a_qualification_takes_them(
    network: Database,
) -> None:
    with network.as_worker() as session:
        one = session.exec(select(Constellation)).one()
        declared = list(one.gateways)
        for gateways in (declared, declared[::-1]):
            one.gateways = gateways
            wanted = [each.earth_station_id for each in gateways]
            assert len(wanted) > 1
            found = passing_at(session, one, sorted(wanted), KOLWEZI, START, {})
            assert [each["id"] for each in found.stations if isinstance(each, dict)] == wanted


def test_midnight_cuts_no_leg(network: Database) -> None:
    before, after = (told(network, MIDNIGHT + timedelta(seconds=each)) for each in (-1, 1))
    assert before["carried"]
    assert satellite(before) == satellite(after)
    assert before["until"] == after["until"]
    assert str(before["startAt"]) < "2026-08-24T00:00:00" < str(before["until"])


def test_legs_of_a_day_follow_each_other(network: Database) -> None:
    found = [told(network, MIDNIGHT + timedelta(minutes=each)) for each in range(0, 24 * 60, 10)]
    assert all(one["carried"] for one in found)
    for one, after in pairwise(found):
        assert one["until"] == after["until"] or str(one["until"]) <= str(after["startAt"])


def test_the_instant_of_a_handover_has_its_satellite(network: Database) -> None:
    one = told(network, MIDNIGHT + timedelta(hours=12))
    for _ in range(5):
        moment = datetime.fromisoformat(str(one["until"]))
        for each in (-100, 0, 100):
            assert told(network, moment + timedelta(milliseconds=each))["carried"]
        one = told(network, moment + timedelta(seconds=1))


def test_no_set_is_younger_than_the_instant_where_an_older_one_is_kept(network: Database) -> None:
    age = told(network, MIDNIGHT + timedelta(days=2))["elementsAgeDays"]
    assert isinstance(age, float)
    assert age > 0


def test_of_the_past_who_carried_traffic_then_counts(network: Database) -> None:
    moment = START + timedelta(hours=1)
    with clock.at(moment + timedelta(hours=1)):
        before = told(network, moment)
    with clock.at(moment + timedelta(days=1)), network.as_worker() as session:
        served = session.exec(select(Satellite).where(col(Satellite.name) == satellite(before))).one()
        served.state = SatelliteState.DEORBITED
    with clock.at(moment + timedelta(days=2)):
        assert told(network, moment) == before
        assert told(network, moment + timedelta(days=2)).get("satellite") != before["satellite"]


def test_a_satellite_carries_to_its_last_day_and_not_before_its_first(network: Database) -> None:
    moment = MIDNIGHT - timedelta(seconds=1)
    before = told(network, moment)
    name = satellite(before)
    with network.as_worker() as session:
        served = session.exec(select(Satellite).where(col(Satellite.name) == name)).one()
        served.in_service_date, served.end_of_life_date = date(2026, 8, 23), date(2026, 8, 24)
    assert satellite(told(network, moment)) == name
    assert told(network, MIDNIGHT + timedelta(seconds=1)).get("satellite") != before["satellite"]


def test_old_elements_carry_nobody_where_the_operator_takes_none(network: Database) -> None:
    with network.as_worker() as session:
        session.exec(select(Operator)).one().elements_limit_days = 14
    assert told(network, START + timedelta(days=1))["carried"]
    assert told(network, START + timedelta(days=60)) == {"carried": False, "reason": "noElements"}
