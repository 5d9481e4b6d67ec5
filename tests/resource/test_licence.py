"""Licences and countries: where a terminal may stand."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from satcom.core.entity import checked
from satcom.core.errors import Refused
from satcom.resource.country import countries
from satcom.resource.hold import Period
from satcom.resource.licence import Licence, LicenceFact, licensed
from tests.resource.a_network import YEAR_2027

KU_IN_CONGO = LicenceFact("CD", "Ku", "vsat", date(2024, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("country", "band", "terminal_class", "may"),
    [
        ("CD", "Ku", "vsat", True),
        ("GN", "Ku", "vsat", False),
        ("CD", "Ka", "vsat", False),
        ("CD", "Ku", "esim", False),
        (None, "Ku", "vsat", False),
    ],
)
def test_a_licence_is_for_country_band_and_class(
    country: str | None, band: str, terminal_class: str, may: bool
) -> None:
    assert licensed([KU_IN_CONGO], country, band, terminal_class, YEAR_2027) is may


@pytest.mark.parametrize(
    ("start", "stop", "may"),
    [
        (datetime(2027, 12, 31, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC), True),
        (datetime(2027, 12, 31, tzinfo=UTC), datetime(2028, 1, 1, 0, 0, 1, tzinfo=UTC), False),
        (datetime(2023, 12, 31, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC), False),
        (datetime(2027, 12, 31, tzinfo=UTC), None, True),
        (datetime(2028, 1, 1, tzinfo=UTC), None, False),
    ],
)
def test_both_days_of_a_licence_count(start: datetime, stop: datetime | None, may: bool) -> None:
    assert licensed([KU_IN_CONGO], "CD", "Ku", "vsat", Period(start, stop)) is may


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [("country", "Congo", "/country"), ("valid_until", "2023-01-01", "/validUntil"), ("band", "Z", "/band")],
)
def test_a_licence_that_cannot_be_is_refused_by_its_field(column: str, value: object, field: str) -> None:
    values = {
        "country": "CD",
        "band": "Ku",
        "terminal_class": "vsat",
        "valid_from": "2024-01-01",
        "valid_until": "2036-12-31",
        "reference": "ARPTC",
    }
    with pytest.raises(Refused) as refused:
        checked(Licence, values | {column: value})
    assert refused.value.faults[0].field == field


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "country"),
    [
        (-10.7148, 25.3855, "CD"),  # the mine at Kolwezi
        (48.86, 2.35, "FR"),
        (59.91, 10.75, "NO"),
        (65.0, 185.0, "RU"),  # beyond the date line
        (65.0, -175.0, "RU"),
        (-29.6, 28.2, "LS"),  # Lesotho, a hole in South Africa
        (9.56, 44.06, "SO"),  # Hargeisa
        (0.0, 0.0, None),  # Gulf of Guinea
        (91.0, 0.0, None),
        (float("nan"), 0.0, None),
    ],
)
def test_a_place_lies_in_the_country_of_the_map(latitude_deg: float, longitude_deg: float, country: str | None) -> None:
    assert countries(np.array([latitude_deg]), np.array([longitude_deg])) == [country]


def test_many_places_are_asked_at_once() -> None:
    assert countries(np.array([-10.7, 0.0, 48.86]), np.array([25.4, 0.0, 2.35])) == ["CD", None, "FR"]
