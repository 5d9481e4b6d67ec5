"""Licences and countries: where a terminal may stand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.entity import checked
from satcom.core.errors import Refused
from satcom.resource.country import countries
from satcom.resource.hold import Period
from satcom.resource.licence import Licence, LicenceFact, LicenceGate, Sends, Unlicensed, licence_for, licensed
from tests.resource.a_network import YEAR_2027

KU_IN_CONGO = LicenceFact("CD", "Ku", "vsat", date(2024, 1, 1), date(2027, 12, 31))
A_MBIT = Sends(50.0, np.array([1e6, 5e5]), np.array([1.0, 7.0]))


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


@pytest.mark.parametrize(
    ("start", "stop", "diameter_m", "gate", "value", "limit", "unit"),
    [
        (datetime(2028, 1, 1, tzinfo=UTC), None, 1.2, LicenceGate.NONE_HELD, 0, 1, "licences"),
        (datetime(2023, 12, 31, tzinfo=UTC), None, 1.2, LicenceGate.NONE_HELD, 0, 1, "licences"),
        (datetime(2027, 12, 1, tzinfo=UTC), datetime(2028, 1, 11, tzinfo=UTC), 1.2, LicenceGate.EXPIRES, 10, 0, "days"),
        (datetime(2027, 1, 1, tzinfo=UTC), None, 0.75, LicenceGate.ANTENNA, 0.75, 0.9, "m"),
    ],
)
def test_what_a_licence_does_not_let_pass_has_its_reason_code_and_number(
    start: datetime, stop: datetime | None, diameter_m: float, gate: LicenceGate, value: float, limit: float, unit: str
) -> None:
    strict = replace(KU_IN_CONGO, least_antenna_diameter_m=0.9)
    told = licence_for([strict], "CD", "Ku", "vsat", Period(start, stop), diameter_m, A_MBIT)
    assert isinstance(told, Unlicensed)
    assert (told.gate, told.value, told.limit, told.unit) == (gate, value, limit, unit)
    assert "Ku-band licence in CD" in told.text


def test_of_several_licences_the_one_that_lets_a_terminal_send_most_counts() -> None:
    open_end = Period(datetime(2027, 1, 1, tzinfo=UTC), None)
    quiet = replace(KU_IN_CONGO, reference="quiet", eirp_density_limit_dbw_per_hz=-30.0)
    loud = replace(KU_IN_CONGO, reference="loud", eirp_density_limit_dbw_per_hz=-10.0, least_antenna_diameter_m=2.4)
    free = replace(KU_IN_CONGO, reference="free", valid_until=date(2026, 12, 31))
    held = [quiet, loud, free]
    assert licence_for(held, "CD", "Ku", "vsat", open_end, 3.8, A_MBIT) == loud
    assert licence_for(held, "CD", "Ku", "vsat", open_end, 1.2, A_MBIT) == quiet
    in_2026 = Period(datetime(2026, 5, 1, tzinfo=UTC), None)
    assert licence_for(held, "CD", "Ku", "vsat", in_2026, 3.8, A_MBIT) == free
    assert isinstance(licence_for(held, None, "Ku", "vsat", in_2026, 3.8, A_MBIT), Unlicensed)


def test_of_a_licence_that_sets_density_and_one_that_sets_eirp_the_one_that_allows_more_of_the_carrier_counts() -> None:
    period = Period(datetime(2027, 1, 1, tzinfo=UTC), None)
    dense = replace(KU_IN_CONGO, reference="by density", eirp_density_limit_dbw_per_hz=-20.0)
    whole = replace(KU_IN_CONGO, reference="in all", eirp_limit_dbw=42.0)
    for rate_baud, counts in ((200e3, whole), (4e6, dense)):
        # -20 dBW/Hz over 200 kBd are 33 dBW in all, over 4 MBd 46 dBW
        sent = Sends(60.0, np.array([rate_baud]), np.array([5.0]))
        for held in ([dense, whole], [whole, dense]):
            assert licence_for(held, "CD", "Ku", "vsat", period, 1.2, sent) == counts
    weak = Sends(30.0, np.array([200e3, 4e6]), np.array([9.0, 5.0]))  # neither keeps it from anything
    assert licence_for([whole, dense], "CD", "Ku", "vsat", period, 1.2, weak) == dense


@given(
    begin=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    days=st.integers(0, 1000),
    first=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    term=st.none() | st.integers(1, 1000),
)
def test_who_is_licensed_has_a_licence_and_who_is_not_a_reason(
    begin: date, days: int, first: date, term: int | None
) -> None:
    licence = replace(KU_IN_CONGO, valid_from=begin, valid_until=begin + timedelta(days=days))
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    period = Period(start, None if term is None else start + timedelta(days=term))
    told = licence_for([licence], "CD", "Ku", "vsat", period, 1.2, A_MBIT)
    assert isinstance(told, LicenceFact) is licensed([licence], "CD", "Ku", "vsat", period)
    if isinstance(told, Unlicensed) and told.gate is LicenceGate.EXPIRES:
        longer = replace(licence, valid_until=licence.valid_until + timedelta(days=told.value))
        assert licensed([longer], "CD", "Ku", "vsat", period)


@pytest.mark.parametrize(
    ("column", "value", "field", "said"),
    [
        ("eirp_density_limit_dbw_per_hz", "loud", "/eirpDensityLimitDbwPerHz", "dBW/Hz"),
        ("eirp_limit_dbw", 1000, "/eirpLimitDbw", "dBW"),
        ("least_antenna_diameter_m", -1, "/leastAntennaDiameterM", "m"),
        ("call_sign", "", "/callSign", ""),
    ],
)
def test_what_a_licence_sets_is_refused_by_field_and_unit(column: str, value: object, field: str, said: str) -> None:
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
    (fault,) = refused.value.faults
    assert fault.field == field
    assert said in f"{fault.why} {fault.accepted}"
