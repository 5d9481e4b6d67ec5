"""Eclipses against JPL's ephemeris with rays past the ellipsoid, and what is known of the geostationary orbit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from skyfield.api import EarthSatellite
from skyfield.framelib import itrs

from satcom.resource.physics.eclipse import Body, Eclipse, eclipse_seasons, eclipses, hidden_share
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.event_search import crossing_s, intervals_below
from satcom.resource.physics.orbit import Array, Elements
from satcom.resource.physics.sun import (
    MOON_RADIUS_KM,
    SUN_RADIUS_KM,
    Track,
    instant_s,
    track_of_elements,
    track_of_slot,
)
from tests.resource.physics.published import Published, Section
from tests.resource.physics.the_jpl_ephemeris import TIMESCALE, apparent_sun_km, ephemeris, moon_km, times

FLEET = read_elements((Path(__file__).parents[2] / "data" / "elements" / "sample.tle").read_text()).elements
LOW = read_elements((Path(__file__).parents[2] / "data" / "orbit_sample.tle").read_text()).elements
BY_NAME = {one.name: one for one in (*LOW, *FLEET)}
YEAR = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
GEO = track_of_slot(17.0)
FIVE_SECONDS = 5.0
IN_ECLIPSE_AFTER = timedelta(days=60)  # at their epoch the OneWebs of the sample fly along the terminator
POINTS = np.linspace(0, 2 * np.pi, 360, endpoint=False)  # of the Sun's limb
A, B = 6378.137, 6356.752314245  # WGS 84


@pytest.fixture(scope="module")
def year() -> list[Eclipse]:
    return eclipses(GEO, *YEAR)


Sight = Callable[[Array], tuple[Array, Array]]  # Earth-fixed: where the satellite is, and from there to the Sun


def of_track(satellite: Track) -> Sight:
    """By our place of the satellite."""
    return lambda at_s: (satellite(at_s), apparent_sun_km(at_s) - satellite(at_s))


def of_skyfield(elements: Elements) -> Sight:
    """By Skyfield's place of the satellite, and the Sun as it is seen from there, aberration of its speed included."""
    flown = EarthSatellite(elements.line1, elements.line2, ts=TIMESCALE)

    def sight(at_s: Array) -> tuple[Array, Array]:
        time = times(at_s)
        sun = (ephemeris()["earth"] + flown).at(time).observe(ephemeris()["sun"]).apparent()
        return flown.at(time).frame_xyz(itrs).km.T, sun.frame_xyz(itrs).km.T

    return sight


def by_jpl(body: Body, sight: Sight, sign: int, at_s: Array) -> Array:
    """Above zero while the Sun is free (`sign` 1), or while some of it is (-1).

    By the Earth: how far the rays from the Sun's limb pass it, in its radii. The ellipsoid is taken as it is.
    By the Moon: the angle between the limbs.
    """
    place, to_sun = sight(at_s)
    far = np.linalg.norm(to_sun, axis=1)
    if body is Body.MOON:
        to_moon = moon_km(at_s) - place
        near = np.linalg.norm(to_moon, axis=1)
        apart = np.arccos(np.clip(np.sum(to_sun * to_moon, axis=1) / far / near, -1, 1))
        return np.asarray(apart - np.arcsin(MOON_RADIUS_KM / near) - sign * np.arcsin(SUN_RADIUS_KM / far))
    middle = to_sun / far[:, None]
    across = np.cross(middle, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across, axis=1)[:, None]
    limb = np.cos(POINTS)[:, None] * across[:, None] + np.sin(POINTS)[:, None] * np.cross(middle, across)[:, None]
    radius = np.arcsin(SUN_RADIUS_KM / far)[:, None, None]
    rays = (np.cos(radius) * middle[:, None] + np.sin(radius) * limb) / [A, A, B]
    from_place = (place / [A, A, B])[:, None]
    ahead = np.maximum(-np.sum(from_place * rays, axis=2) / np.sum(rays * rays, axis=2), 0)
    passes = np.linalg.norm(from_place + ahead[..., None] * rays, axis=2) - 1
    return np.asarray(passes.min(axis=1) if sign > 0 else passes.max(axis=1))


def edges_apart_s(found: list[Eclipse], sight: Sight) -> list[float]:
    """Seconds between every edge and the one by JPL's ephemeris."""
    apart: list[float] = []
    for body, sign in product(Body, (1, -1)):
        of_body = [one for one in found if one.body is body]
        pairs = [((one.start, one.end) if sign > 0 else (one.umbra_start, one.umbra_end), one) for one in of_body]
        edges = [
            (instant_s(edge), instant_s(one.deepest), side)
            for both, one in pairs
            for edge, side in zip(both, (-1, 1), strict=True)
            if edge is not None
        ]
        if edges:
            at_s, deepest_s, side = np.array(edges).T
            inside_s = at_s - side * np.minimum(120.0, np.abs(deepest_s - at_s))
            theirs_s = crossing_s(partial(by_jpl, body, sight, sign), at_s + side * 120.0, inside_s)
            apart += np.abs(theirs_s - at_s).tolist()
    return apart


def as_jpl(published: Published, what: str, apart_s: list[float]) -> None:
    """Every edge within five seconds."""
    told = np.zeros(len(apart_s))
    published("JPL DE421", what, apart_s, told, abs=FIVE_SECONDS, unit="s", least=0.01, section=Section.ORBITS)


def test_geostationary_edges_lie_within_five_seconds_of_jpl(published: Published, year: list[Eclipse]) -> None:
    # grazing ones begin and end slowly: there seconds are no measure
    of_earth = [one for one in year if one.body is Body.EARTH and one.umbra > timedelta(minutes=15)][::8]
    of_moon = [one for one in year if one.body is Body.MOON]
    assert len(of_earth) >= 8
    assert len(of_moon) >= 2
    for name, found in (("by the Earth", of_earth), ("by the Moon", of_moon)):
        as_jpl(published, f"eclipse {name}, GEO", edges_apart_s(found, of_track(GEO)))


MOVING = {
    "OneWeb": ("ONEWEB-0010", "ONEWEB-0012", "ONEWEB-0181", "ONEWEB-0361", "ONEWEB-0607"),
    "Starlink": ("STARLINK-5382", "STARLINK-1184", "STARLINK-3718", "STARLINK-3051", "STARLINK-3005"),
    "O3b": ("O3B FM4", "O3B FM14", "O3B MPOWER F2"),
}


@pytest.mark.parametrize("fleet", MOVING)
def test_edges_of_moving_satellites_lie_within_five_seconds_of_jpl(published: Published, fleet: str) -> None:
    """Place of the satellite, Sun and shadow by others: SGP4 and DE421 of Skyfield, and rays past the ellipsoid."""
    apart_s: list[float] = []
    for name in MOVING[fleet]:
        start = BY_NAME[name].epoch + IN_ECLIPSE_AFTER
        found = eclipses(track_of_elements(BY_NAME[name]), start, start + timedelta(days=1), [Body.EARTH])
        whole = [one for one in found[1:-1] if one.umbra > timedelta(minutes=5)]
        apart_s += edges_apart_s(whole[:3], of_skyfield(BY_NAME[name]))
    assert len(apart_s) >= 30
    as_jpl(published, f"eclipse by the Earth, {fleet}", apart_s)


@pytest.mark.parametrize("name", ["ONEWEB-0010", "STARLINK-3718"])
def test_a_low_orbit_is_dark_when_the_rays_say_so(name: str) -> None:
    """Every 20 s of a day: none is missed, none made up."""
    start = BY_NAME[name].epoch + IN_ECLIPSE_AFTER
    found = eclipses(track_of_elements(BY_NAME[name]), start, start + timedelta(days=1), [Body.EARTH])
    assert 5 < len(found) < 17
    at_s = instant_s(start) + np.arange(0, 86400, 20.0)
    hidden = by_jpl(Body.EARTH, of_skyfield(BY_NAME[name]), 1, at_s) < 0
    edges = np.array([(instant_s(one.start), instant_s(one.end)) for one in found])
    dark = ((edges[:, :1] <= at_s) & (at_s <= edges[:, 1:])).any(axis=0)
    at_an_edge = (np.abs(edges.ravel()[:, None] - at_s) < 1).any(axis=0)
    assert 0.15 < dark.mean() < 0.5
    assert (dark == hidden)[~at_an_edge].all()


def test_the_geostationary_seasons_are_those_of_the_handbooks(year: list[Eclipse]) -> None:
    spring, autumn = eclipse_seasons(year)
    for season, equinox in ((spring, datetime(2027, 3, 20, tzinfo=UTC)), (autumn, datetime(2027, 9, 23, tzinfo=UTC))):
        middle = season.first + (season.last - season.first) / 2
        assert abs(middle - equinox) < timedelta(days=2)
        assert 44 <= season.eclipses <= 48
        assert season.longest.umbra == pytest.approx(timedelta(minutes=67.5), abs=timedelta(minutes=0.5))
        longest = season.longest.end - season.longest.start
        assert longest == pytest.approx(timedelta(minutes=71.7), abs=timedelta(minutes=0.5))
        assert season.longest.hidden == 1.0
    assert sum((one.umbra for one in year), timedelta(0)) == spring.umbra + autumn.umbra


def test_midnight_of_the_satellite_is_the_middle(year: list[Eclipse]) -> None:
    for one in year:
        if one.body is Body.EARTH:
            local = one.deepest + timedelta(hours=17 / 15)
            hours = (local.hour + local.minute / 60 + 12) % 24 - 12
            assert abs(hours) < 0.35  # the equation of time


def test_an_eclipse_over_the_end_of_the_period_is_cut_there(year: list[Eclipse]) -> None:
    one = next(one for one in year if one.umbra > timedelta(hours=1))
    (begun,) = eclipses(GEO, one.start - timedelta(hours=1), one.deepest, [Body.EARTH])
    assert abs(begun.start - one.start) < timedelta(milliseconds=10)
    assert begun.end == begun.umbra_end == one.deepest
    (ended,) = eclipses(GEO, one.deepest, one.end + timedelta(hours=1), [Body.EARTH])
    assert ended.start == ended.umbra_start == one.deepest
    assert abs(ended.end - one.end) < timedelta(milliseconds=10)


@given(apart=st.floats(0, 3), hiding=st.floats(0.05, 2), sun=st.floats(0.2, 0.3))
def test_the_hidden_share_is_a_share_and_falls_with_the_distance(apart: float, hiding: float, sun: float) -> None:
    share = hidden_share(apart, hiding, sun)
    assert 0 <= share <= 1
    assert hidden_share(apart + 0.01, hiding, sun) <= share + 1e-9
    assert (share == 0) == (apart >= hiding + sun) or share < 1e-6


def test_two_equal_discs_a_radius_apart_share_what_geometry_says() -> None:
    assert hidden_share(1.0, 1.0, 1.0) == pytest.approx(2 / 3 - np.sqrt(3) / (2 * np.pi))


@given(period=st.floats(50, 5000), phase=st.floats(0, 1), level=st.floats(-0.999, 0.999))
@example(period=50.0, phase=0.953125, level=0.96875)  # a short time above, between the last two samples
@example(period=50.0, phase=0.046875, level=0.96875)  # and between the first two
def test_every_interval_of_a_wave_is_found_also_between_samples(period: float, phase: float, level: float) -> None:
    found = intervals_below(
        lambda at: np.cos(2 * np.pi * (at / period - phase)) - level, 0.0, 20 * period, period / 10.3
    )
    expected = np.arccos(level) / np.pi  # share of the time above
    whole = [one for one in found if one.start_s > 0 and one.stop_s < 20 * period]
    assert len(whole) in (19, 20)
    for one in whole:
        assert (one.stop_s - one.start_s) / period == pytest.approx(1 - expected, abs=1e-6)
        assert one.lowest == pytest.approx(-1 - level, abs=1e-6)


def test_a_search_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        eclipses(GEO, YEAR[1], YEAR[0])
    with pytest.raises(ValueError, match="time zone"):
        eclipses(GEO, datetime(2027, 1, 1), YEAR[1])  # noqa: DTZ001
