"""What is booked for a time."""

from datetime import UTC, datetime, timedelta

import pytest

from satcom.core.clock import now
from satcom.core.errors import RuleRefused
from satcom.core.values import Characteristic, Json
from satcom.market.booking import booked_for, check_booking

STARTS, BOUND = "/requestedStartDate", "/productOrderItem/0/itemTerm"


def lasting(minutes: Json) -> list[Characteristic]:
    return [Characteristic(name="bandwidthHz", value=9_000_000), Characteristic(name="durationMinutes", value=minutes)]


@pytest.mark.parametrize("value", [None, 0, -15, True, "90", 90.5, 10**12])
def test_only_a_number_of_minutes_is_a_duration(value: Json) -> None:
    assert booked_for(lasting(value)) is None
    assert booked_for(lasting(90)) == booked_for(lasting(90.0)) == timedelta(minutes=90)


def test_what_has_begun_is_booked_while_a_minute_of_it_is_left() -> None:
    check_booking(lasting(90), now() - timedelta(minutes=89), None, STARTS, BOUND)
    check_booking(lasting(90), None, None, STARTS, BOUND)
    with pytest.raises(RuleRefused) as refused:
        check_booking(lasting(90), now() - timedelta(minutes=90), 12, STARTS, BOUND)
    assert [(one.field, one.code) for one in refused.value.faults] == [(STARTS, "outOfRange"), (BOUND, "booked")]


def test_the_last_day_of_the_calendar_is_no_time_that_is_over() -> None:
    check_booking(lasting(90), datetime.max.replace(tzinfo=UTC), None, STARTS, BOUND)


def test_nothing_is_said_of_what_goes_on() -> None:
    check_booking([], now() - timedelta(days=1), 12, STARTS, BOUND)
