"""Joint windows, handovers and coverage by latitude: against elevations of the whole array, and counted by minutes."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from satcom.resource.physics.handover import HandoverSchedule, highest_satellite, longest_stay
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.joint_visibility import gaps, joint_windows, served_windows, united
from satcom.resource.physics.latitude_coverage import coverage_by_latitude, in_view
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.orbit_array import look_angle_series
from satcom.resource.physics.visibility import fleet_windows
from satcom.resource.physics.windows import Windows

# CelesTrak, 2026-08-22
FLEET = read_tle((Path(__file__).parents[2] / "data" / "orbit_sample.tle").read_text()).elements
O3B = [one for one in FLEET if one.name.startswith("O3B")]
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
HOUR_S = 3600.0

INTERVALS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 90), st.integers(1, 40)), max_size=25
)


def windows_of(intervals: list[tuple[int, int, int, int]]) -> Windows:
    satellite, site, rise, lasts = np.array(intervals, np.int64).reshape(-1, 4).T
    return Windows(satellite, site, rise.astype(float), (rise + lasts).astype(float))


def seen_by_minute(windows: Windows, satellites: int, sites: int, minutes: int = 140) -> NDArray[np.bool_]:
    """Whether in the middle of each whole minute, (satellites, sites, minutes): the slow and sure way."""
    seen = np.zeros((satellites, sites, minutes), np.bool_)
    for one in range(len(windows)):
        seen[windows.satellite[one], windows.site[one], int(windows.rise_s[one]) : int(windows.set_s[one])] = True
    return seen


@given(INTERVALS, INTERVALS)
def test_a_joint_window_is_when_both_see_the_satellite(
    users: list[tuple[int, int, int, int]], hosts: list[tuple[int, int, int, int]]
) -> None:
    at_terminals, at_gateways = united(windows_of(users)), united(windows_of(hosts))
    joint = joint_windows(at_terminals, at_gateways)
    both = seen_by_minute(at_terminals, 4, 3)[:, :, None] & seen_by_minute(at_gateways, 4, 3)[:, None]
    counted = np.zeros(both.shape, np.int64)
    for one in range(len(joint)):
        place = joint.satellite[one], joint.terminal[one], joint.gateway[one]
        counted[(*place, slice(int(joint.rise_s[one]), int(joint.set_s[one])))] += 1
    assert np.array_equal(counted, both.astype(np.int64))
    assert np.array_equal(seen_by_minute(served_windows(joint), 4, 3), both.any(axis=2))


@given(INTERVALS)
def test_united_windows_and_gaps_share_the_time_out(intervals: list[tuple[int, int, int, int]]) -> None:
    windows = windows_of(intervals)
    one = united(windows)
    assert np.array_equal(seen_by_minute(one, 4, 3), seen_by_minute(windows, 4, 3))
    assert len(united(one)) == len(one)
    without = gaps(windows, 3, 140.0)
    anyone = np.asarray(seen_by_minute(windows, 4, 3).any(axis=0))
    for site in range(3):
        mine = np.zeros(140, np.bool_)
        for gap in np.flatnonzero(without.site == site):
            mine[int(without.begin_s[gap]) : int(without.end_s[gap])] = True
        assert np.array_equal(mine, ~anyone[site])
    assert np.all(without.duration_s > 0)


@given(INTERVALS)
def test_the_number_in_view_is_counted(intervals: list[tuple[int, int, int, int]]) -> None:
    windows = united(windows_of(intervals))
    number = seen_by_minute(windows, 4, 3).sum(axis=0)
    counted = in_view(windows, 3, 140.0)
    assert counted.least_in_view.tolist() == number.min(axis=1).tolist()
    assert counted.most_in_view.tolist() == number.max(axis=1).tolist()
    np.testing.assert_allclose(counted.mean_in_view, number.mean(axis=1))
    np.testing.assert_allclose(counted.covered_percent, 100 * (number > 0).mean(axis=1))


@given(st.lists(st.tuples(st.integers(0, 5), st.just(0), st.integers(0, 60), st.integers(1, 30)), max_size=9))
def test_staying_longest_serves_whenever_it_is_possible_with_the_fewest_stays(
    intervals: list[tuple[int, int, int, int]],
) -> None:
    windows = united(windows_of(intervals))
    schedule = longest_stay(windows, 0)
    anyone = np.asarray(seen_by_minute(windows, 6, 1).any(axis=0))[0]
    served = np.zeros(140, np.int64)
    for one in range(len(schedule.satellite)):
        begin, end = int(schedule.begin_s[one]), int(schedule.end_s[one])
        assert seen_by_minute(windows, 6, 1)[schedule.satellite[one], 0, begin:end].all()
        served[begin:end] += 1
    assert np.array_equal(served, anyone.astype(np.int64))
    assert len(schedule.satellite) == fewest_stays(windows)


def fewest_stays(windows: Windows) -> int:
    """By dynamic programming over minutes: the least number of stays that serve every minute that can be."""
    seen = seen_by_minute(windows, 6, 1)[:, 0]
    cost = np.zeros(6)
    total = 0.0
    for minute in range(seen.shape[1]):
        if not seen[:, minute].any():
            total, cost = total + (cost.min() if minute and seen[:, minute - 1].any() else 0), np.zeros(6)
            continue
        fresh = minute == 0 or not seen[:, minute - 1].any()
        stay = np.full(6, np.inf) if fresh else np.where(seen[:, minute - 1], cost, np.inf)
        change = 1.0 if fresh else cost.min() + 1
        cost = np.where(seen[:, minute], np.minimum(stay, change), np.inf)
    return int(total + (cost.min() if seen[:, -1].any() else 0))


def test_the_highest_satellite_is_that_of_the_whole_array_in_every_step() -> None:
    sites = sites_on([10.0, 51.0], [20.0, 5.0], 100.0, 5.0)
    span_s, step_s = 6 * HOUR_S, 30.0
    windows = fleet_windows(FLEET, sites, START, span_s)
    middles = (np.arange(int(span_s / step_s)) + 0.5) * step_s
    seen = look_angle_series(FLEET, sites.latitude_deg, sites.longitude_deg, sites.altitude_m, START, middles)
    for site in range(2):
        schedule = highest_satellite(FLEET, sites, site, windows, START, span_s, step_s)
        chosen = np.full(len(middles), -1)
        for one in range(len(schedule.satellite)):
            at = (middles > schedule.begin_s[one]) & (middles < schedule.end_s[one])
            chosen[at] = schedule.satellite[one]
        elevation = seen.elevation_deg[:, site]
        best = elevation.argmax(axis=0)
        differs = np.flatnonzero(chosen != best)
        # another one only where the best rises or sets within the step, or nobody is above the horizon
        for step in differs:
            edges = windows.where((windows.satellite == best[step]) & (windows.site == site))
            near = np.abs(np.concatenate([edges.rise_s, edges.set_s]) - middles[step]) <= step_s / 2
            assert near.any() or elevation[best[step], step] < 5.0
        assert len(differs) < len(middles) / 4
    with pytest.raises(ValueError, match="step_s"):
        highest_satellite(FLEET, sites, 0, windows, START, span_s, 0.0)


def test_a_terminal_far_from_every_gateway_is_not_served() -> None:
    """O3b in mid Pacific: seen all day, but of the two gateways one is on the other side of the Earth."""
    terminal, gateways = sites_on(-14.3, -170.7, 0.0, 10.0), sites_on([21.3, 38.0], [-158.0, 23.7], 0.0, 10.0)
    at_terminal = fleet_windows(O3B, terminal, START, 86_400.0)
    joint = joint_windows(at_terminal, fleet_windows(O3B, gateways, START, 86_400.0))
    assert set(joint.gateway.tolist()) == {0}
    assert 0 < served_windows(joint).duration_s.sum() < at_terminal.duration_s.sum()


def test_an_equatorial_constellation_covers_up_to_the_latitude_that_geometry_gives() -> None:
    """arccos(R / r) from the equator for a level horizon: 63 degrees for 8,062 km."""
    covered = coverage_by_latitude(O3B, [-70.0, -45.0, 0.0, 45.0, 60.0, 66.0], 0.0, START, 86_400.0, longitudes=6)
    assert covered.covered_percent[[0, 5]].tolist() == [0, 0]
    assert covered.longest_gap_s[[0, 5]].tolist() == [86_400, 86_400]
    assert np.all(covered.mean_in_view[1:5] > 0.3)
    assert covered.mean_in_view[2] == covered.mean_in_view.max()
    assert np.all(covered.worst_covered_percent <= covered.covered_percent)
    with pytest.raises(ValueError, match="longitudes"):
        coverage_by_latitude(O3B, 0.0, 0.0, START, 86_400.0, longitudes=0)


def test_nobody_to_choose_from_is_an_empty_schedule() -> None:
    nobody = Windows.joined([])
    schedule = longest_stay(nobody, 0)
    assert (schedule.handovers, schedule.served_s) == (0, 0)
    assert len(joint_windows(nobody, nobody)) == 0
    assert HandoverSchedule(np.array([1, 2]), np.array([0.0, 5.0]), np.array([5.0, 9.0])).handovers == 1
