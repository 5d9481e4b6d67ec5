"""What is wrong with a value is said in words, with what would be accepted and the unit of its name."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from satcom.core.errors import Refused
from satcom.core.wrong_value import check_ranges, unit_of, wrong_value


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")
    bandwidth_hz: Annotated[int, Field(gt=0)] = 1
    latitude_deg: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] = 0
    amount: Decimal = Decimal(1)
    eirp_density_limit_dbw_per_hz: Annotated[float, Field(le=60)] = 0
    eirpDbw: Annotated[float, Field(le=90)] = 0  # noqa: N815  # as bodies write it
    name: Annotated[str, Field(min_length=1, max_length=5)] = "a"
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "DE"
    side: Side = Side.LEFT
    unit: Literal["site", "link"] = "site"
    since: date = date(2026, 1, 1)
    approved: bool = False
    ring: Annotated[list[int], Field(min_length=2)] = [1, 2]


@pytest.mark.parametrize(
    ("field", "value", "why", "accepted"),
    [
        ("bandwidth_hz", "wide", "'wide' is no whole number", "a whole number in Hz"),
        ("bandwidth_hz", 1.5, "1.5 is no whole number", "a whole number in Hz"),
        ("bandwidth_hz", 0, "0 is too small", "more than 0 Hz"),
        ("latitude_deg", 91, "91 is too large", "at most 90 degrees"),
        ("latitude_deg", -91, "-91 is too small", "at least -90 degrees"),
        ("latitude_deg", float("nan"), "nan is no number", "a number in degrees"),
        ("latitude_deg", "5,5", "'5,5' is no number", "a number in degrees"),
        ("eirp_density_limit_dbw_per_hz", 61, "61 is too large", "at most 60 dBW/Hz"),
        ("eirpDbw", 100, "100 is too large", "at most 90 dBW"),
        ("amount", "x", "'x' is no number", "a number"),
        ("name", "", "'' is too short", "at least 1 character"),
        ("name", "longer", "'longer' is too long", "at most 5 characters"),
        ("name", False, "false is no text", "text; in YAML in quotes"),
        ("name", None, "null is no text", "text; in YAML in quotes"),
        ("country", "de", "'de' is not written as it should be", "two capital letters, a code of ISO 3166-1"),
        ("side", "up", "'up' is not known", "left, right"),
        ("unit", "m", "'m' is not known", "site, link"),
        ("since", "2026-02-30", "'2026-02-30' is no day", "a day, as 2026-12-31"),
        ("approved", "maybe", "'maybe' is neither true nor false", "true, false"),
        ("ring", [1], "a list has 1 of them", "at least 2"),
        ("ring", "1", "'1' is no list", "a list"),
        ("colour", "red", "there is no such key", None),
    ],
)
def test_a_wrong_value_is_told_in_words(field: str, value: Any, why: str, accepted: str | None) -> None:
    with pytest.raises(ValidationError) as wrong:
        Form.model_validate({field: value})
    (error,) = wrong.value.errors()
    fault = wrong_value(error, field)
    assert (fault.field, fault.why, fault.accepted) == (field, why, accepted)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("latitudeDeg", "degrees"),
        ("downlink_rate_bps", "bit/s"),
        ("--freq-ghz", "GHz"),
        ("--noise-temperature-k", "K"),
        ("eirpDensityDbwPerHz", "dBW/Hz"),
        ("figure_of_merit_db_per_k", "dB/K"),
        ("rainRateMmPerH", "mm/h"),
        ("elementsLimitDays", "days"),
        ("hours", "hours"),
        ("availabilityPercent", "%"),
        ("altitudeM", "m"),
        ("range_km", "km"),
        ("name", ""),
        ("efficiency", ""),
    ],
)
def test_the_unit_of_a_name_is_its_suffix_however_it_is_written(name: str, unit: str) -> None:
    assert unit_of(name) == unit


def test_every_number_out_of_range_is_told_with_its_unit_and_all_its_digits() -> None:
    limits = [
        ("rateBps", -1, 1, 2_000_000_000),
        ("latitudeDeg", float("nan"), -90, 90),
        ("powerHz", -0.5, 0, None),
        ("altitudeM", 9000, -500, 9000),
        ("efficiency", float("inf"), 0.01, 1),
    ]
    with pytest.raises(Refused) as refused:
        check_ranges(limits)
    assert [one.line for one in refused.value.faults] == [
        "rateBps: -1 bit/s is out of range (accepted: 1 to 2000000000 bit/s)",
        "latitudeDeg: nan degrees is out of range (accepted: -90 to 90 degrees)",
        "powerHz: -0.5 Hz is out of range (accepted: at least 0 Hz)",
        "efficiency: inf is out of range (accepted: 0.01 to 1)",
    ]
    check_ranges(limits[3:4])
