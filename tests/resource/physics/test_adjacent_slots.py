"""Neighbours on the arc: slots of real satellites, and the ratio that each leaves at a station."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.adjacent_slots import (
    SAME_SLOT_DEG,
    GeoSatellite,
    adjacent_satellite_ci_db,
    adjacent_slots,
    geo_satellites,
    heard_beside_dbi,
)
from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.interference import topocentric_separation_deg
from satcom.resource.physics.link_budget import combine_db

DATA = Path(__file__).parents[2] / "data"
ARC = read_elements((DATA / "geo_arc_1_to_17_east.tle").read_text()).elements  # CelesTrak, 2026-08-22
STAND = geo_satellites(ARC, datetime(2026, 8, 22, 18, tzinfo=UTC))
OTHER_BANDS = ("METEOSAT", "ECHOSTAR", "TIANLIAN", "COSMOS", "INMARSAT", "COMSATBW")
TELEVISION = [one for one in STAND if not one.name.startswith(OTHER_BANDS)]


def test_satellites_stand_at_the_slots_they_are_known_by() -> None:
    named = {one.name: one.longitude_deg for one in STAND}
    for name, slot_deg in (("EUTELSAT 7B", 7.0), ("EUTELSAT 9B", 9.0), ("EUTELSAT 10B", 10.0), ("AMOS-17", 17.0)):
        assert named[name] == pytest.approx(slot_deg, abs=0.05)


def test_the_neighbours_of_ten_degrees_east_are_nine_and_thirteen() -> None:
    west, east = adjacent_slots(10.0, TELEVISION, each_side=2)
    assert [set(one.names) for one in west] == [
        {"EUTELSAT 9B", "EUTELSAT KA-SAT 9A"},
        {"EUTELSAT 7B", "EUTELSAT 7C", "EUTELSAT KONNECT"},
    ]
    assert [set(one.names) for one in east] == [{"EUTELSAT HOTBIRD 13F", "EUTELSAT HOTBIRD 13G"}, {"EUTELSAT 16A"}]
    assert [one.separation_deg for one in (*west, *east)] == pytest.approx([-1.0, -2.94, 3.0, 6.0], abs=0.05)


def test_a_satellite_that_drifts_holds_no_slot() -> None:
    inclined = read_elements((DATA / "orbit_sample.tle").read_text()).elements[:1]  # in a low orbit
    assert geo_satellites(inclined, datetime(2026, 8, 22, 18, tzinfo=UTC)) == ()
    assert geo_satellites([], datetime(2026, 8, 22, 18, tzinfo=UTC)) == ()


@given(ours=st.floats(-180, 180), others=st.lists(st.floats(-180, 180), max_size=12), each_side=st.integers(1, 3))
def test_nobody_else_stands_between_us_and_the_nearest_slots(ours: float, others: list[float], each_side: int) -> None:
    west, east = adjacent_slots(ours, [GeoSatellite(str(row), one) for row, one in enumerate(others)], each_side)
    offsets = np.array([(one - ours + 180) % 360 - 180 for one in others])
    for side, slots in ((-1, west), (1, east)):
        beyond = np.sort(side * offsets[side * offsets >= SAME_SLOT_DEG])
        assert bool(slots) == bool(len(beyond))
        assert len(slots) <= each_side
        names = [name for one in slots for name in one.names]
        assert sorted(side * offsets[[int(name) for name in names]]) == list(beyond[: len(names)])
        nearest = [abs(one.separation_deg) for one in slots]
        assert nearest == sorted(nearest)


def test_at_180_degrees_the_arc_goes_on() -> None:
    west, east = adjacent_slots(179.5, [GeoSatellite("a", -178.0), GeoSatellite("b", 172.0)])
    assert [(one.names, one.longitude_deg) for one in (*west, *east)] == [(("b",), 172.0), (("a",), -178.0)]


def test_the_ratio_is_the_gain_over_s465_at_the_angle_that_the_station_sees() -> None:
    apart_deg = topocentric_separation_deg(46.0, 9.0, 10.0, np.array([7.0, 13.0]))
    found = adjacent_satellite_ci_db(10.0, np.array([7.0, 13.0]), 46.0, 9.0, 0.9, 0.65, 11.7e9)
    assert found == pytest.approx(parabola_gain_dbi(0.9, 0.65, 11.7e9) - (32 - 25 * np.log10(apart_deg)))


def test_a_neighbour_below_the_horizon_does_not_disturb_and_where_we_are_not_seen_nothing_is_known() -> None:
    found = adjacent_satellite_ci_db(10.0, np.array([12.0, 100.0]), 0.0, -60.0, 1.2, 0.65, 12e9, 3.0)
    assert np.isfinite(found[0])
    assert np.isinf(found[1])
    assert np.isnan(adjacent_satellite_ci_db(10.0, 12.0, 0.0, 170.0, 1.2, 0.65, 12e9))


@given(
    offsets=st.lists(st.floats(0.5, 40).flatmap(lambda one: st.sampled_from([one, -one])), min_size=1, max_size=5),
    latitude_deg=st.floats(-60, 60),
    diameter_m=st.floats(0.6, 9),
)
def test_what_is_heard_beside_is_all_neighbours_together(
    offsets: list[float], latitude_deg: float, diameter_m: float
) -> None:
    dish, beside_deg = (diameter_m, 0.65, 12e9), 10.0 + np.array(offsets)
    each_db = adjacent_satellite_ci_db(10.0, beside_deg, latitude_deg, 12.0, *dish)
    heard_dbi = heard_beside_dbi(10.0, beside_deg, latitude_deg, 12.0, *dish)
    assert parabola_gain_dbi(*dish) - heard_dbi == pytest.approx(float(combine_db(*each_db)))


def test_who_is_below_the_horizon_is_not_heard() -> None:
    dish = (1.2, 0.65, 12e9)
    near = heard_beside_dbi(10.0, np.array([13.0]), 5.0, 12.0, *dish)
    assert heard_beside_dbi(10.0, np.array([13.0, 150.0, np.nan]), 5.0, 12.0, *dish) == pytest.approx(near)
    assert np.isneginf(heard_beside_dbi(10.0, np.array([150.0, np.nan]), 5.0, 12.0, *dish))
