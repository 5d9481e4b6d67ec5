"""Windows of a fleet against Skyfield: its elevations every few seconds, and its own search for events."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skyfield.api import EarthSatellite, wgs84
from skyfield.timelib import Time

from satcom.resource.physics import visibility
from satcom.resource.physics.earth_rotation import timescale
from satcom.resource.physics.fleet_path import fleet_path, step_s
from satcom.resource.physics.horizon_mask import Sites, bin_towards, horizon_from_points_deg, sites_on
from satcom.resource.physics.orbit import Elements, read_tle
from satcom.resource.physics.orbit_array import ephemeris
from satcom.resource.physics.visibility import fleet_windows, windows_by_block
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]

# CelesTrak, 2026-08-22: Starlink in four shells, OneWeb, O3b, mPOWER, GEO kept and inclined up to 13 degrees
FLEET = read_tle((Path(__file__).parents[2] / "data" / "orbit_sample.tle").read_text()).elements
MOLNIYA = read_tle(
    "1 08195U 75081A   06176.33215444  .00000099  00000-0  11873-3 0   813\n"
    "2 08195  64.1586 279.0717 6877146 264.7651  20.2257  2.00491383225656\n"
).elements[0]  # AIAA 2006-6753
RECORDS = [EarthSatellite(one.line1, one.line2, ts=timescale()) for one in FLEET]
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
LONGEST_MISSED_S, EDGE_S = 5.0, 0.1
FIVE_METRES_KM = 0.005  # by so much a path between nodes may differ; a satellite that hardly moves is late by more


@lru_cache(maxsize=8)
def instants(start: datetime, offset_s: bytes) -> Time:
    """Kept, since Skyfield works out the nutation of every instant once."""
    seconds = start.second + np.frombuffer(offset_s)
    return timescale().utc(start.year, start.month, start.day, start.hour, start.minute, seconds)


def clearances(
    satellite: EarthSatellite, sites: Sites, site: int, start: datetime, offset_s: Array
) -> tuple[Array, Array]:
    """Elevation less horizon by Skyfield, and range."""
    place = wgs84.latlon(sites.latitude_deg[site], sites.longitude_deg[site], sites.altitude_m[site])
    elevation, azimuth, distance = (satellite - place).at(instants(start, offset_s.tobytes())).altaz()
    columns = sites.horizon_deg.shape[1]
    around = np.arange(columns) * 360 / columns
    horizon = np.interp(azimuth.degrees, around, sites.horizon_deg[site], period=360)
    return elevation.degrees - horizon, distance.km


def assert_every_edge_is_a_crossing(
    windows: Windows, sites: Sites, start: datetime, span_s: float, satellite: EarthSatellite, number: int, site: int
) -> None:
    mine = windows.where((windows.satellite == number) & (windows.site == site))
    rises, sets = mine.rise_s[mine.rise_s > 0], mine.set_s[mine.set_s < span_s]
    edges, sign = np.concatenate([rises, sets]), np.repeat([1.0, -1.0], [len(rises), len(sets)])
    if not len(edges):
        return
    before, range_km = clearances(satellite, sites, site, start, edges - EDGE_S)
    after, _ = clearances(satellite, sites, site, start, edges + EDGE_S)
    tolerance_deg = np.degrees(FIVE_METRES_KM / range_km)
    assert np.all(before * sign < tolerance_deg)
    assert np.all(after * sign > -tolerance_deg)


def assert_seen_only_within_windows(
    windows: Windows, sites: Sites, start: datetime, span_s: float, satellite: EarthSatellite, number: int, site: int
) -> None:
    """At instants so near to each other that every longer window holds one, but for those at an edge."""
    at = np.arange(0, span_s, LONGEST_MISSED_S)
    clear, range_km = clearances(satellite, sites, site, start, at)
    mine = windows.where((windows.satellite == number) & (windows.site == site))
    inside = np.searchsorted(mine.rise_s, at, side="right") - np.searchsorted(mine.set_s, at, side="right") > 0
    edges = np.sort(np.concatenate([[-np.inf, np.inf], mine.rise_s, mine.set_s]))
    nearest = np.minimum(
        at - edges[np.searchsorted(edges, at, side="right") - 1], edges[np.searchsorted(edges, at)] - at
    )
    doubtful = (nearest < EDGE_S) | (np.abs(clear) < np.degrees(FIVE_METRES_KM / range_km))
    # a window or a gap that may be missed has its neighbours on both sides of the other kind
    alone = np.zeros(len(at), np.bool_)
    alone[1:-1] = ((clear[1:-1] > 0) != (clear[:-2] > 0)) & ((clear[1:-1] > 0) != (clear[2:] > 0))
    wrong = (inside != (clear > 0)) & ~doubtful
    if np.ptp(sites.horizon_deg[site]) > 0:
        wrong &= ~alone
    assert not wrong.any(), (number, site, at[wrong][:5], clear[wrong][:5])


def assert_as_skyfield(windows: Windows, sites: Sites, start: datetime, span_s: float, numbers: list[int]) -> None:
    for number in numbers:
        for site in range(len(sites)):
            assert_every_edge_is_a_crossing(windows, sites, start, span_s, RECORDS[number], number, site)
            assert_seen_only_within_windows(windows, sites, start, span_s, RECORDS[number], number, site)


@settings(max_examples=12, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    altitude_m=st.floats(-400, 5000),
    horizon_deg=st.floats(-3, 80),
    hours=st.sampled_from([-48, 0, 11]),
    numbers=st.sets(st.integers(0, len(FLEET) - 1), min_size=3, max_size=3),
)
def test_windows_above_a_level_horizon_are_those_of_skyfield_to_a_tenth_of_a_second(
    latitude: float, longitude: float, altitude_m: float, horizon_deg: float, hours: int, numbers: set[int]
) -> None:
    sites = sites_on(latitude, longitude, altitude_m, horizon_deg)
    start, span_s = START + timedelta(hours=hours), 5 * 3600.0
    assert_as_skyfield(fleet_windows(FLEET, sites, start, span_s), sites, start, span_s, sorted(numbers))


@settings(max_examples=12, deadline=None)
@given(
    latitude=st.floats(-75, 75),
    longitude=st.floats(-180, 180),
    horizon_deg=st.lists(st.floats(0, 40), min_size=2, max_size=72),
    numbers=st.sets(st.integers(0, len(FLEET) - 1), min_size=3, max_size=3),
)
def test_windows_above_any_horizon_by_azimuth_are_those_of_skyfield(
    latitude: float, longitude: float, horizon_deg: list[float], numbers: set[int]
) -> None:
    sites = sites_on(latitude, longitude, 100.0, horizon_deg)
    span_s = 5 * 3600.0
    assert_as_skyfield(fleet_windows(FLEET, sites, START, span_s), sites, START, span_s, sorted(numbers))


def test_no_window_or_gap_longer_than_five_seconds_is_missed_on_a_ragged_horizon() -> None:
    """Skyfield looks every second: where it sees the same for three seconds to both sides, that is told."""
    random = np.random.default_rng(72)
    sites, span_s = sites_on([51.5, -33.9], [-0.1, 18.4], 100.0, random.uniform(0, 40, (2, 72))), 5400.0
    windows, at = fleet_windows(FLEET, sites, START, span_s), np.arange(0, span_s)
    changes = 0
    for number, satellite in enumerate(RECORDS):
        for site in range(len(sites)):
            clear, range_km = clearances(satellite, sites, site, START, at)
            runs = np.lib.stride_tricks.sliding_window_view(clear > 0, 7)
            steady = np.pad(runs.all(axis=1) | ~runs.any(axis=1), 3) & (
                np.abs(clear) > np.degrees(FIVE_METRES_KM / range_km)
            )
            mine = windows.where((windows.satellite == number) & (windows.site == site))
            inside = np.searchsorted(mine.rise_s, at, side="right") > np.searchsorted(mine.set_s, at, side="right")
            wrong = steady & (inside != (clear > 0))
            assert not wrong.any(), (number, site, at[wrong][:5])
            changes += int(np.count_nonzero(np.diff(clear > 0)))
    assert changes > 100


@pytest.mark.parametrize("azimuths", [2, 72, 1000, 3600])
def test_a_horizon_lies_between_the_lowest_and_the_highest_that_its_bins_tell(azimuths: int) -> None:
    sites = sites_on([0.0, 10.0], 0.0, 0.0, np.random.default_rng(azimuths).uniform(-5, 90, (2, azimuths)))
    azimuth_deg = np.concatenate([np.arange(-180, 180, 0.007), np.arange(azimuths) * 360 / azimuths])
    lowest, highest = sites.tangents_by_bin.reshape(2, 2, -1)
    for part in (np.float32, np.float64):
        east, north = np.sin(np.radians(azimuth_deg)).astype(part), np.cos(np.radians(azimuth_deg)).astype(part)
        bins = bin_towards(east, north)
        for site in range(2):
            tangent = np.tan(np.radians(sites.horizon_at_deg(np.full(len(azimuth_deg), site), azimuth_deg)))
            assert np.all(lowest[site, bins] < tangent)
            assert np.all(tangent < highest[site, bins])


def test_whatever_skyfields_search_finds_is_found() -> None:
    """Skyfield halves until half a second is left, and may itself miss what rises only by the Earth's turning."""
    random = np.random.default_rng(7)
    sites = sites_on(random.uniform(-70, 70, 6), random.uniform(-180, 180, 6), 50.0, 10.0)
    windows = fleet_windows(FLEET, sites, START, 86_400.0)
    first, last = timescale().from_datetime(START), timescale().from_datetime(START + timedelta(days=1))
    compared = 0
    for number, satellite in enumerate(RECORDS):
        for site in range(len(sites)):
            place = wgs84.latlon(sites.latitude_deg[site], sites.longitude_deg[site], 50.0)
            times, kinds = satellite.find_events(place, first, last, 10.0)
            mine = windows.where((windows.satellite == number) & (windows.site == site))
            for kind, edges in ((0, mine.rise_s), (2, mine.set_s)):
                for event_s in (times.tt[kinds == kind] - first.tt) * 86_400:
                    assert np.min(np.abs(edges - event_s)) < 0.5 + EDGE_S
                    compared += 1
    assert compared > 500


def test_a_grazing_pass_between_two_nodes_is_found() -> None:
    """The horizon is raised to just below the summit of each pass, until the window is a few seconds long."""
    site = sites_on(48.1, 11.6, 500.0, 5.0)
    satellite = 13  # OneWeb
    passes = fleet_windows([FLEET[satellite]], site, START, 86_400.0)
    found = 0
    for rise_s, set_s in zip(passes.rise_s, passes.set_s, strict=True):
        at = np.arange(rise_s, set_s, 0.25)
        clear, range_km = clearances(RECORDS[satellite], site, 0, START, at)
        summit_deg = 5 + clear.max()
        low_s = 3.0
        near = clear[np.abs(at - at[clear.argmax()]) <= low_s]
        raised = sites_on(48.1, 11.6, 500.0, 5 + near.min())
        if summit_deg > 85 or near.min() == clear.max():
            continue
        seen = fleet_windows([FLEET[satellite]], raised, START, 86_400.0)
        short = seen.where((seen.rise_s > rise_s) & (seen.set_s < set_s))
        assert len(short) == 1
        assert 5.0 < short.duration_s[0] < 7.5
        assert range_km.min() > 0
        found += 1
    assert found > 3


def test_an_eccentric_orbit_is_followed_through_its_perigee() -> None:
    start = datetime(2006, 6, 25, 12, tzinfo=UTC)
    sites = sites_on([65.0, 20.0, -50.0], [40.0, -80.0, 100.0], 0.0, 12.0)
    windows = fleet_windows([MOLNIYA], sites, start, 86_400.0)
    record = EarthSatellite(MOLNIYA.line1, MOLNIYA.line2, ts=timescale())
    assert len(windows) > 3
    for site in range(3):
        assert_every_edge_is_a_crossing(windows, sites, start, 86_400.0, record, 0, site)
        assert_seen_only_within_windows(windows, sites, start, 86_400.0, record, 0, site)


def test_the_path_between_nodes_is_that_of_sgp4_to_metres() -> None:
    """Two for what is low; a velocity of SGP4 in deep space is not quite the change of its position."""
    random = np.random.default_rng(3)
    for elements in FLEET:
        at = np.sort(random.uniform(0, 86_400, 300))
        path = fleet_path([elements], START, 0.0, 86_400.0, step_s(elements))
        exact = ephemeris([elements], START, at).position_km[0]
        np.testing.assert_allclose(
            path.at(np.zeros(300, np.int64), at), exact, rtol=0, atol=2.5e-3 if step_s(elements) < 120 else 6e-3
        )


def test_blocks_of_any_size_on_any_workers_give_the_same_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    sites = sites_on(
        [1.35, 51.5, -33.9], [103.8, -0.1, 18.4], 0.0, np.stack([np.full(36, 5.0), np.arange(36.0), np.full(36, 10.0)])
    )
    span_s = 2.5 * 86_400
    whole = fleet_windows(FLEET, sites, START, span_s)
    with ProcessPoolExecutor(1) as processes:
        elsewhere = fleet_windows(FLEET[:6], sites, START, 3600.0, processes)
    here = fleet_windows(FLEET[:6], sites, START, 3600.0)
    monkeypatch.setattr(visibility, "VALUES_PER_BLOCK", 1)
    monkeypatch.setattr(visibility, "SITES_PER_BLOCK", 2)
    blocks = list(windows_by_block(FLEET, sites, START, span_s))
    assert len(blocks) == 2 * len(FLEET)
    pieces = Windows.joined(blocks).sorted()
    for one, other in ((whole, pieces), (here, elsewhere)):
        assert np.array_equal(one.satellite, other.satellite)
        assert np.array_equal(one.site, other.site)
        np.testing.assert_allclose(one.rise_s, other.rise_s, rtol=0, atol=1e-3)
        np.testing.assert_allclose(one.set_s, other.set_s, rtol=0, atol=1e-3)


def test_dask_workers_find_the_same_windows() -> None:
    sites = sites_on([1.35, 51.5], [103.8, -0.1], 0.0, 10.0)
    two_workers = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(**two_workers) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
        client.get_executor() as workers,
    ):
        spread = fleet_windows(FLEET, sites, START, 7200.0, workers, blocks_ahead=4)
    here = fleet_windows(FLEET, sites, START, 7200.0)
    assert len(here) > 10
    assert np.array_equal(here.rise_s, spread.rise_s)
    assert np.array_equal(here.satellite, spread.satellite)


def test_a_window_over_midnight_is_one_window() -> None:
    """The span is looked through day by day; a geostationary satellite is seen all the time."""
    sites = sites_on(0.0, 68.0, 0.0, 5.0)
    span_s = 3 * 86_400.0
    windows = fleet_windows(FLEET, sites, START, span_s)
    always = windows.where(windows.duration_s == span_s)
    assert {FLEET[one].name for one in always.satellite} >= {"ABS-6", "USA 134"} - {
        FLEET[one].name for one in range(len(FLEET)) if one not in windows.satellite
    }
    cut = np.isin(windows.rise_s, [86_400.0, 2 * 86_400.0]) | np.isin(windows.set_s, [86_400.0, 2 * 86_400.0])
    assert not cut.any()


def test_a_satellite_is_never_seen_where_sgp4_has_lost_it() -> None:
    low = FLEET[0]
    falls = Elements(  # AIAA 2006-6753: lost within the hour; `read_tle` would not take it
        28872,
        "falls",
        datetime(2005, 11, 29, 0, 28, 58, 939_104, tzinfo=UTC),
        "1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534",
        "2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708",
    )
    sites = sites_on(np.linspace(-85, 85, 40), np.linspace(-180, 170, 40), 0.0, 0.0)
    windows = fleet_windows([falls, low], sites, falls.epoch, 86_400.0)
    mine = windows.where(windows.satellite == 0)
    lost = np.isnan(ephemeris([falls], falls.epoch, np.arange(0, 86_400, 10.0)).position_km[0, :, 0])
    assert 0.1 < lost.mean() < 0.9
    for at in np.flatnonzero(lost) * 10.0:
        assert not np.any((mine.rise_s < at) & (at < mine.set_s))
    assert len(mine) > 10
    assert np.isfinite(windows.rise_s).all()


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: sites_on(91.0, 0.0), "latitude_deg"),
        (lambda: sites_on(0.0, np.nan), "longitude_deg"),
        (lambda: sites_on(0.0, 0.0, 1e6), "altitude_m"),
        (lambda: sites_on(0.0, 0.0, 0.0, [[np.nan, 3.0]]), "horizon_deg"),
        (lambda: fleet_windows(FLEET, sites_on(0.0, 0.0), START, 0.0), "duration_s"),
        (lambda: fleet_windows(FLEET, sites_on(0.0, 0.0), START.replace(tzinfo=None), 60.0), "time zone"),
        (lambda: horizon_from_points_deg([0.0, 90.0], [1.0]), "elevation_deg"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(ask: Callable[[], object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        ask()


def test_a_surveyed_horizon_is_straight_between_its_points_all_round() -> None:
    horizon = horizon_from_points_deg([350.0, 10.0, 180.0], [10.0, 20.0, 3.0], azimuths=36)
    assert horizon[0] == pytest.approx(15)
    assert horizon[1] == pytest.approx(20)
    assert horizon[18] == pytest.approx(3)
    assert len(fleet_windows([], sites_on(0.0, 0.0), START, 60.0)) == 0
