"""What a customer may choose."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.characteristics import (
    AllowedValue,
    CharacteristicSpecification,
    check_characteristics,
    narrowed,
    rule_of,
    specification_faults,
)
from satcom.core.errors import Fault, Refused
from satcom.core.values import Characteristic, Json


def specified(name: str, value_type: str, *allowed: dict[str, Any], **more: Any) -> CharacteristicSpecification:
    body = {"name": name, "valueType": value_type, "characteristicValueSpecification": list(allowed), **more}
    return CharacteristicSpecification.model_validate(body)


RATE = specified("rate", "integer", {"valueFrom": 128, "valueTo": 60000, "unitOfMeasure": "bit/s"}, minCardinality=1)
AVAILABILITY = specified(
    "availability",
    "number",
    {"valueFrom": 98, "valueTo": 100, "rangeInterval": "closedBottom"},
    {"value": 99.5, "isDefault": True},
)
BAND = specified("band", "string", {"value": "C"}, {"value": "Ku"}, maxCardinality=2)
COUNTRY = specified("country", "string", regex="[A-Z]{2}")
PLACE = specified("place", "object")
SPARE = specified("spare", "boolean", {"value": False, "isDefault": True})
ALL = [RATE, AVAILABILITY, BAND, COUNTRY, PLACE, SPARE]


def chosen(**values: Json) -> dict[str, Json]:
    given_values = [Characteristic(name=name, value=value) for name, value in values.items()]
    complete = check_characteristics([rule_of(one) for one in ALL], given_values, "/product")
    return {one.name: one.value for one in complete}


def faults(*given_values: tuple[str, Json]) -> list[Fault]:
    with pytest.raises(Refused) as refused:
        check_characteristics(
            [rule_of(one) for one in ALL], [Characteristic(name=n, value=v) for n, v in given_values], "/product"
        )
    return list(refused.value.faults)


@given(rate=st.integers(-(10**12), 10**12))
def test_a_range_lets_in_what_lies_in_it_and_nothing_else(rate: int) -> None:
    if 128 <= rate <= 60000:
        assert chosen(rate=rate)["rate"] == rate
    else:
        (fault,) = faults(("rate", rate))
        assert (fault.field, fault.code) == ("/product/0/value", "outOfRange")
        assert fault.accepted == "128 to 60000 bit/s"


@given(availability=st.floats(allow_nan=True, allow_infinity=True))
def test_an_open_end_keeps_its_limit_out(availability: float) -> None:
    if 98 <= availability < 100:
        assert chosen(rate=128, availability=availability)["availability"] == availability
    else:
        code = "outOfRange" if math.isfinite(availability) else "wrongType"
        assert [fault.code for fault in faults(("rate", 128), ("availability", availability))] == [code]


def test_every_fault_is_told_at_once() -> None:
    found = faults(("speed", 1), ("availability", "high"), ("band", ["C", "X"]), ("country", "cd"), ("spare", 1))
    assert [(fault.field, fault.code) for fault in found] == [
        ("/product/0/name", "unknown"),
        ("/product/1/value", "wrongType"),
        ("/product/2/value/1", "notAllowed"),
        ("/product/3/value", "pattern"),
        ("/product/4/value", "wrongType"),
        ("/product", "missing"),
    ]


def test_defaults_complete_the_list_and_an_explicit_null_is_no_value() -> None:
    assert chosen(rate=128, availability=None) == {"rate": 128, "availability": 99.5, "spare": False}
    assert [fault.code for fault in faults(("rate", None))] == ["missing"]


def test_a_default_alone_does_not_restrict_unless_it_cannot_be_configured() -> None:
    assert chosen(rate=128, spare=True)["spare"] is True
    fixed = specified("spare", "boolean", {"value": False, "isDefault": True}, configurable=False)
    with pytest.raises(Refused):
        check_characteristics([rule_of(fixed)], [Characteristic(name="spare", value=True)], "")


@pytest.mark.parametrize(("value", "kept"), [(1e4, 10_000), (128, 128)])
def test_an_integer_may_be_written_with_an_exponent(value: float, kept: int) -> None:
    rate = chosen(rate=value)["rate"]
    assert rate == kept
    assert type(rate) is int


@pytest.mark.parametrize("value", [True, 1.5, "128", [128], {"rate": 128}])
def test_an_integer_is_nothing_else(value: Json) -> None:
    assert [fault.code for fault in faults(("rate", value))] == ["wrongType"]


def test_several_values_are_a_list_within_its_cardinality() -> None:
    assert chosen(rate=128, band="Ku")["band"] == ["Ku"]
    assert chosen(rate=128, band=["C", "Ku"])["band"] == ["C", "Ku"]
    assert [one.code for one in faults(("rate", 128), ("band", ["C", "Ku", "C"]))] == ["cardinality"]
    assert [one.code for one in faults(("rate", 128), ("rate", 129))] == ["duplicate", "duplicate"]


def test_a_catastrophic_expression_costs_no_time() -> None:
    rule = rule_of(specified("text", "string", regex="(a+)+b"))
    with pytest.raises(Refused):
        check_characteristics([rule], [Characteristic(name="text", value="a" * 4000)], "")


def test_an_offering_narrows_and_never_widens() -> None:
    narrow = narrowed(rule_of(RATE), [AllowedValue.model_validate({"valueFrom": 1, "valueTo": 1000})])
    for rate, fits in ((127, False), (128, True), (1000, True), (1001, False)):
        if fits:
            assert check_characteristics([narrow], [Characteristic(name="rate", value=rate)], "")
        else:
            with pytest.raises(Refused):
                check_characteristics([narrow], [Characteristic(name="rate", value=rate)], "")


@pytest.mark.parametrize(
    ("broken", "pointer"),
    [
        ([RATE, RATE], "/c/0/name"),
        ([specified("a", "integer", {"valueFrom": 2, "valueTo": 1})], "/c/0"),
        ([specified("a", "integer", {"valueFrom": 1, "valueTo": 1, "rangeInterval": "open"})], "/c/0"),
        ([specified("a", "string", {"valueFrom": 1})], "/c/0/valueType"),
        ([specified("a", "string", regex="(")], "/c/0/regex"),
        ([specified("a", "string", regex="a)(b")], "/c/0/regex"),
        ([specified("a", "string", minCardinality=3, maxCardinality=2)], "/c/0/minCardinality"),
        ([specified("a", "integer", {"valueFrom": 1, "valueTo": 2}, {"value": "x", "isDefault": True})], "/c/0"),
    ],
)
def test_a_specification_that_nothing_can_meet_is_refused(
    broken: list[CharacteristicSpecification], pointer: str
) -> None:
    assert pointer in [fault.field for fault in specification_faults(broken, "/c")]


def test_a_sound_specification_has_no_fault() -> None:
    assert specification_faults(ALL, "/c") == []
