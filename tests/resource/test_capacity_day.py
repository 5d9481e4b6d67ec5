"""The capacity day: a service is counted when it goes through a gateway, and every day is like it on a ring."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, load, wgs84

from satcom.resource.capacity_day import (
    SLOT_MINUTES,
    SLOTS,
    CapacityDay,
    FlownThen,
    GatewayPlace,
    slot_shown,
    times_of,
)
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.passes import HandoverRule

MEO = Path(__file__).parents[2] / "examples" / "meo_operator"
SUNDAY = datetime(2026, 8, 23, tzinfo=UTC)
KOLWEZI, ACCRA, SAMOA, COCOS = (-10.71, 25.39), (5.6, -0.19), (-10.0, -170.0), (-10.0, 100.0)


@lru_cache
def gateways() -> tuple[GatewayPlace, ...]:
    stations = yaml.safe_load((MEO / "earth_stations.yaml").read_text())
    return tuple(
        GatewayPlace(one["id"], one["latitude_deg"], one["longitude_deg"], one["altitude_m"], one["horizon_mask_deg"])
        for one in stations
    )


def a_day(start_at: datetime = SUNDAY) -> CapacityDay:
    fleet = read_tle((MEO / "elements.tle").read_text()).elements
    flown = tuple(FlownThen(str(one.norad_id), one.name, one) for one in fleet)
    return CapacityDay(start_at, 20.0, HandoverRule.HIGHEST, flown)


def test_whoever_carries_it_is_seen_then_by_the_site_and_by_the_gateway() -> None:
    """Skyfield looks at both ends in the middle of every slot that has one satellite and one gateway."""
    times, scale = times_of(a_day(), *KOLWEZI, gateways()), load.timescale(builtin=True)
    lines = (MEO / "elements.tle").read_text().splitlines()
    flown = {
        str(int(lines[row + 1][2:7])): EarthSatellite(*lines[row + 1 : row + 3]) for row in range(0, len(lines), 3)
    }
    looked = 0
    for slot in range(SLOTS):
        by = [one for one, slots in times.carried_by.items() if slot in slots]
        through = [one for one in gateways() if slot in times.through.get(one.id, ())]
        if len(by) == len(through) == 1:
            middle = scale.from_datetime(SUNDAY + timedelta(minutes=(slot + 0.5) * SLOT_MINUTES))
            places = (*KOLWEZI, 20.0), (through[0].latitude_deg, through[0].longitude_deg, through[0].mask_deg)
            for latitude_deg, longitude_deg, mask_deg in places:
                seen = (flown[by[0]] - wgs84.latlon(latitude_deg, longitude_deg)).at(middle)
                assert seen.altaz()[0].degrees > mask_deg - 0.1
            looked += 1
    assert looked > SLOTS / 3


@settings(max_examples=8, deadline=None)
@given(st.floats(-40, 40), st.floats(-180, 180))
def test_in_every_slot_somebody_carries_it_through_some_gateway_or_nobody_does(
    latitude_deg: float, longitude_deg: float
) -> None:
    times = times_of(a_day(), latitude_deg, longitude_deg, gateways())
    by = {slot for slots in times.carried_by.values() for slot in slots}
    through = {slot for slots in times.through.values() for slot in slots}
    assert by == through <= set(range(SLOTS))


def test_on_a_ring_the_same_services_meet_at_a_gateway_on_every_day() -> None:
    """Four times round a day, and ten seconds earlier from day to day."""
    for shift_days in (0.25, 1, 3.5, 6):
        day = a_day(SUNDAY + timedelta(days=shift_days))
        kolwezi, accra = (set(times_of(day, *one, gateways()).through["es-nemea"]) for one in (KOLWEZI, ACCRA))
        here, there = (set(times_of(a_day(), *one, gateways()).through["es-nemea"]) for one in (KOLWEZI, ACCRA))
        assert len(kolwezi & accra) == pytest.approx(len(here & there), abs=4)
        samoa, cocos = (set(times_of(day, *one, gateways()).through["es-perth"]) for one in (SAMOA, COCOS))
        assert not samoa & cocos, "these two never"


def test_the_order_in_which_gateways_are_named_does_not_count() -> None:
    assert times_of(a_day(), *ACCRA, gateways()) == times_of(a_day(), *ACCRA, gateways()[::-1])


def test_slots_are_told_as_times_of_day() -> None:
    assert (slot_shown(0), slot_shown(SLOTS - 1)) == ("00:00 UTC", "23:50 UTC")
    assert np.isclose(SLOTS * SLOT_MINUTES, 24 * 60)
