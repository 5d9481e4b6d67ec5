"""Eclipses against JPL's ephemeris, Skyfield's own shadow, and what is known of the geostationary orbit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from skyfield.api import EarthSatellite

from satcom.resource.physics.eclipse import Body, Eclipse, eclipse_seasons, eclipses, hidden_share
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.event_search import crossing_s, intervals_below
from satcom.resource.physics.orbit import Array
from satcom.resource.physics.sun import (
    MOON_RADIUS_KM,
    SUN_RADIUS_KM,
    Track,
    instant_s,
    track_of_elements,
    track_of_slot,
)
from tests.resource.physics.published import Published, Section
from tests.resource.physics.the_jpl_ephemeris import apparent_sun_km, ephemeris, moon_km, times

FLEET = read_elements((Path(__file__).parents[2] / "data" / "elements" / "sample.tle").read_text()).elements
BY_NAME = {one.name: one for one in FLEET}
YEAR = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
GEO = track_of_slot(17.0)
FIVE_SECONDS = 5.0
IN_ECLIPSE_AFTER = timedelta(days=60)  # at their epoch the OneWebs of the sample fly along the terminator
A, B = 6378.137, 6356.752314245  # WGS 84


@pytest.fixture(scope="module")
def year() -> list[Eclipse]:
    return eclipses(GEO, *YEAR)


def by_jpl_deg(body: Body, satellite: Track, sign: int, at_s: Array) -> Array:
    """Angle between limbs by JPL's ephemeris; of the ellipsoid, the limb where the Sun is."""
    place = satellite(at_s)
    to_sun = apparent_sun_km(at_s) - place
    to_body = moon_km(at_s) - place if body is Body.MOON else -place
    far, near = np.linalg.norm(to_sun, axis=1), np.linalg.norm(to_body, axis=1)
    apart = np.degrees(np.arccos(np.clip(np.sum(to_sun * to_body, axis=1) / far / near, -1, 1)))
    radius = np.full(len(at_s), MOON_RADIUS_KM)
    if body is Body.EARTH:  # radius of the limb in the direction of the Sun, by its tilt to the equator
        across = to_sun / far[:, None] - to_body / near[:, None] * (np.cos(np.radians(apart)))[:, None]
        tilt = across[:, 2] / np.linalg.norm(across, axis=1)
        radius = A * B / np.sqrt((A * tilt) ** 2 + B**2 * (1 - tilt**2))
    limb = np.degrees(np.arcsin(radius / near))
    return np.asarray(apart - limb - sign * np.degrees(np.arcsin(SUN_RADIUS_KM / far)))


def edges_apart_s(found: list[Eclipse], satellite: Track) -> list[float]:
    """Seconds between every edge and the one by JPL's ephemeris."""
    apart = []
    for one in found:
        edges = [(one.start, 1, -1), (one.end, 1, 1), (one.umbra_start, -1, -1), (one.umbra_end, -1, 1)]
        for edge, sign, side in edges:
            if edge is None:
                continue
            at_s, inside_s = instant_s(edge), instant_s(one.deepest)
            reach_s = min(120.0, abs(inside_s - at_s))
            theirs = crossing_s(
                lambda at, body=one.body, sign=sign: by_jpl_deg(body, satellite, sign, at),  # type: ignore[misc]
                np.array([at_s + side * 120.0]),
                np.array([at_s - side * reach_s]),
            )
            apart.append(abs(float(theirs[0]) - at_s))
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
        as_jpl(published, f"eclipse {name}, GEO", edges_apart_s(found, GEO))


@pytest.mark.parametrize("name", ["ONEWEB-0010", "O3B FM4"])
def test_edges_of_moving_satellites_lie_within_five_seconds_of_jpl(published: Published, name: str) -> None:
    satellite = track_of_elements(BY_NAME[name])
    start = BY_NAME[name].epoch + IN_ECLIPSE_AFTER
    found = eclipses(satellite, start, start + timedelta(days=1), [Body.EARTH])
    whole = [one for one in found[1:-1] if one.umbra]
    assert len(whole) >= 2
    as_jpl(published, f"eclipse by the Earth, {name}", edges_apart_s(whole[:4], satellite))


def test_a_low_orbit_is_dark_when_skyfield_says_so() -> None:
    elements = BY_NAME["ONEWEB-0010"]
    start = elements.epoch + IN_ECLIPSE_AFTER
    found = eclipses(track_of_elements(elements), start, start + timedelta(days=1), [Body.EARTH])
    at_s = instant_s(start) + np.arange(0, 86400, 30.0)
    sunlit = EarthSatellite(elements.line1, elements.line2).at(times(at_s)).is_sunlit(ephemeris())
    edges = [(instant_s(one.start), instant_s(one.end)) for one in found]
    dark = np.array([any(begin <= at <= end for begin, end in edges) for at in at_s])
    assert 5 < len(found) < 16
    # Skyfield's Earth is a sphere and its Sun a point
    assert np.mean(dark == ~sunlit) > 0.985


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
