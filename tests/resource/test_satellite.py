"""Satellites: their life, and the history of their elements."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import Refused, WrongState
from satcom.core.life_cycle import move
from satcom.resource.physics.orbit import read_tle
from satcom.resource.satellite import Satellite, SatelliteState, elements_at, record_elements
from tests.resource.a_network import YEAR_2027, a_satellite

ELEMENTS = (Path(__file__).parents[2] / "examples" / "operator" / "elements.tle").read_text()
AMOS_17 = 44479


def of_another_epoch(text: str, day: str) -> str:
    """The first element set of `text` with another day of the year in its epoch, checksum put right."""
    _, first, second = text.splitlines()[:3]
    changed = first[:20] + day + first[23:68]
    digits = sum(int(sign) if sign.isdigit() else sign == "-" for sign in changed) % 10
    return f"{changed}{digits}\n{second}\n"


def test_the_latest_element_set_that_was_known_is_used_else_the_earliest(database: Database) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session, AMOS_17)
        for text in (ELEMENTS, of_another_epoch(ELEMENTS, "200"), of_another_epoch(ELEMENTS, "260")):
            record_elements(session, text, "test")
        days = [
            elements_at(session, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day))[satellite.id].epoch
            for day in (10, 205, 240, 300)
        ]
    assert [day.timetuple().tm_yday for day in days] == [200, 200, 234, 260]


def test_elements_recorded_again_are_not_doubled_and_come_back_as_published(database: Database) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session, AMOS_17)
        first = record_elements(session, ELEMENTS, "CelesTrak")
        again = record_elements(session, ELEMENTS, "CelesTrak")
        kept = elements_at(session, datetime(2026, 11, 1, tzinfo=UTC))[satellite.id]
    published = next(one for one in read_tle(ELEMENTS).elements if one.norad_id == AMOS_17)
    assert (len(first.added), len(again.added), again.already_there) == (1, 0, 1)
    assert len(first.of_unknown_satellites) == 11
    assert (kept.line1, kept.line2, kept.epoch) == (published.line1, published.line2, published.epoch)


def test_a_text_without_one_good_element_set_is_refused_line_by_line(database: Database) -> None:
    with database.as_worker() as session, pytest.raises(Refused, match="line 2"):
        record_elements(session, "NONSENSE\n1 44479U\n2 44479\n", "test")


def test_a_satellite_goes_through_its_life_in_order(database: Database) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session, state="planned")
        with pytest.raises(WrongState, match="cannot go from planned to inService"):
            move(satellite, SatelliteState.IN_SERVICE)
        for state in (
            "underConstruction",
            "launched",
            "inOrbitTest",
            "inService",
            "inclined",
            "endOfLife",
            "deorbited",
        ):
            move(satellite, SatelliteState(state))
        assert Satellite.life_cycle.allowed(satellite.state) == []


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({}, True),
        ({"in_service_date": date(2027, 1, 1)}, True),
        ({"in_service_date": date(2027, 1, 2)}, False),
        ({"end_of_life_date": date(2028, 1, 1)}, True),
        ({"end_of_life_date": date(2027, 12, 31)}, False),
        ({"end_of_life_date": None}, True),
        ({"in_service_date": None}, False),
        ({"state": "planned"}, True),
        ({"state": "endOfLife"}, False),
    ],
)
def test_a_satellite_serves_a_period_that_lies_in_its_service_life(change: dict[str, object], serves: bool) -> None:
    values = {
        "name": "Testsat",
        "orbital_longitude_deg": 17.0,
        "state": "inService",
        "in_service_date": date(2020, 1, 1),
        "end_of_life_date": date(2039, 1, 1),
    }
    satellite = checked(Satellite, values | change)
    assert satellite.in_service_throughout(YEAR_2027.start_at, YEAR_2027.stop_at) is serves


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("orbital_longitude_deg", 181, "orbitalLongitudeDeg"),
        ("orbital_longitude_deg", float("nan"), "orbitalLongitudeDeg"),
        ("norad_id", 0, "noradId"),
        ("end_of_life_date", "2019-12-31", "endOfLifeDate"),
        ("state", "lost", "state"),
    ],
)
def test_a_satellite_without_physical_sense_is_refused_by_its_column(column: str, value: object, field: str) -> None:
    values = {"name": "S", "orbital_longitude_deg": 0, "in_service_date": "2020-01-01"}
    with pytest.raises(Refused) as refused:
        checked(Satellite, values | {column: value})
    assert refused.value.faults[0].field == f"/resourceCharacteristic/{field}"


OTHER = {"name": "Other", "orbital_longitude_deg": 19.2, "bands": ["Ku"]}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"neighbours": [OTHER | {"orbital_longitude_deg": 17.2}]}, "shares its slot"),
        ({"neighbours": [OTHER | {"bands": []}]}, "neighbours/0/bands"),
        ({"neighbours": [OTHER | {"orbital_longitude_deg": 190}]}, "190 is too large"),
        (
            {"orbital_longitude_deg": None, "constellation": "O3b", "neighbours": [OTHER]},
            "a satellite that moves has no neighbours on the arc",
        ),
    ],
)
def test_neighbours_that_cannot_be_are_refused(values: dict[str, object], why: str) -> None:
    standing = {"name": "Testsat", "orbital_longitude_deg": 17.0}
    with pytest.raises(Refused, match=why) as refused:
        checked(Satellite, standing | values)
    assert refused.value.faults[0].field.startswith("/resourceCharacteristic/neighbours")
