"""Fleets in one call, held against Skyfield (one satellite, one site), SGP4's published vectors and AIAA 2006-6753."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, wgs84

from satcom.resource.physics.earth_rotation import (
    earth_fixed_from_teme,
    julian_days,
    sidereal_angle_rad,
    timescale,
    ut1_minus_utc_s,
)
from satcom.resource.physics.orbit import Elements, look_angles, read_tle
from satcom.resource.physics.orbit_array import doppler_shift_hz, ephemeris, look_angle_series
from tests.resource.physics.published import Published, Section

# CelesTrak, 2026-08-22: Starlink in four shells, OneWeb, O3b, mPOWER, GEO kept and inclined up to 13 degrees
FLEET = read_tle((Path(__file__).parents[2] / "data" / "orbit_sample.tle").read_text()).elements
START = datetime(2026, 8, 22, 18, 0, 0, 250_000, tzinfo=UTC)
ONE_METRE_KM = 0.001
VERIFICATION = files("sgp4")


def by_skyfield(
    elements: Elements, latitude_deg: float, longitude_deg: float, altitude_m: float, at: datetime
) -> tuple[float, float, float, float]:
    """Azimuth, elevation, range and range rate by Skyfield's own path."""
    time = timescale().from_datetime(at)
    site = wgs84.latlon(latitude_deg, longitude_deg, altitude_m)
    seen = (EarthSatellite(elements.line1, elements.line2, ts=timescale()) - site).at(time)
    elevation, azimuth, distance, _, _, rate = seen.frame_latlon_and_rates(site)
    return float(azimuth.degrees), float(elevation.degrees), float(distance.km), float(rate.km_per_s)


@settings(max_examples=40, deadline=None)
@given(
    latitude=st.floats(-89.9, 89.9),
    longitude=st.floats(-180, 180),
    altitude_m=st.floats(-400, 6000),
    offsets_s=st.lists(st.floats(-86_400, 3 * 86_400), min_size=1, max_size=3),
    start_s=st.integers(-2 * 86_400, 2 * 86_400),
)
def test_every_look_angle_of_the_array_is_that_of_skyfield(
    latitude: float, longitude: float, altitude_m: float, offsets_s: list[float], start_s: int
) -> None:
    start = START + timedelta(seconds=start_s)
    seen = look_angle_series(FLEET, [latitude, 0.0], [longitude, 10.0], [altitude_m, 0.0], start, offsets_s)
    assert seen.range_km.shape == (len(FLEET), 2, len(offsets_s))
    for row, elements in enumerate(FLEET):
        at = start + timedelta(seconds=offsets_s[-1])
        azimuth, elevation, distance, rate = by_skyfield(elements, latitude, longitude, altitude_m, at)
        if np.isnan(distance):
            assert np.isnan(seen.range_km[row, 0, -1])
            continue
        assert seen.range_km[row, 0, -1] == pytest.approx(distance, abs=ONE_METRE_KM)
        assert seen.elevation_deg[row, 0, -1] == pytest.approx(elevation, abs=1e-4)
        apart_deg = (seen.azimuth_deg[row, 0, -1] - azimuth + 180) % 360 - 180
        assert apart_deg * np.cos(np.radians(elevation)) == pytest.approx(0, abs=1e-4)  # on the sky: none at the zenith
        assert seen.range_rate_km_per_s[row, 0, -1] == pytest.approx(rate, abs=1e-5)


def test_the_array_agrees_with_the_call_for_one_instant() -> None:
    latitudes = [-11.7, 64.1, 0.0]
    series = look_angle_series(FLEET, latitudes, 27.5, 1300.0, START, [0.0, 60.0])
    for column, offset_s in enumerate((0.0, 60.0)):
        once = look_angles(FLEET, np.array(latitudes), 27.5, 1300.0, START + timedelta(seconds=offset_s))
        np.testing.assert_allclose(series.range_km[:, :, column], once.range_km, rtol=0, atol=ONE_METRE_KM)
        np.testing.assert_allclose(series.elevation_deg[:, :, column], once.elevation_deg, rtol=0, atol=1e-6)


def published_vectors() -> dict[int, list[list[float]]]:
    """Minutes since the epoch, position and velocity in TEME, by catalogue number."""
    vectors: dict[int, list[list[float]]] = {}
    for line in VERIFICATION.joinpath("tcppver.out").read_text().splitlines():
        if line.endswith("xx"):
            number = int(line.split()[0])
            vectors[number] = []
        elif line.strip():
            vectors[number].append([float(field) for field in line.split()[:7]])
    return vectors


def published_elements() -> list[Elements]:
    """Read by columns and not by `read_tle`: some sets are faulty on purpose, with three numbers behind line 2."""
    lines = [one for one in VERIFICATION.joinpath("SGP4-VER.TLE").read_text().splitlines() if one[:2] in ("1 ", "2 ")]
    return [
        Elements(int(one[2:7]), one[2:7], START, one[:69], two[:69])
        for one, two in zip(lines[::2], lines[1::2], strict=True)
    ]


def test_the_published_vectors_of_sgp4_come_out_turned_to_the_earth(published: Published) -> None:
    """All 33 sets of AIAA 2006-6753: near and deep space, resonant, decaying. Turned here by the published angle."""
    ours, told = [], []
    vectors = published_vectors()
    for elements in published_elements():
        good = np.array([row for row in vectors[elements.norad_id] if row[1:] != [0.0] * 6])
        epoch = ephemeris_epoch(elements)
        expected, _ = earth_fixed_from_teme(good[:, 1:4], good[:, 4:7], sidereal_angle_rad(epoch, good[:, 0] * 60))
        path = ephemeris([elements], epoch, good[:, 0] * 60)
        known = np.isfinite(path.position_km[0, :, 0])
        ours.append(path.position_km[0, known])
        told.append(expected[known])
    rows, printed, section = np.concatenate(ours), np.concatenate(told), Section.ORBITS
    assert len(rows) > 600
    left = "an instant is told to a microsecond: 8 mm on the fastest"
    published("SGP4-VER", "position", rows, printed, abs=2e-5, unit="km", left=left, least=1e-6, section=section)


def ephemeris_epoch(elements: Elements) -> datetime:
    year, day = int(elements.line1[18:20]), float(elements.line1[20:32])
    return datetime(1900 + year if year > 56 else 2000 + year, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)


def test_the_example_of_aiaa_2006_6753_turns_from_teme_to_the_earth(published: Published) -> None:
    """Its appendix C: TEME, and the pseudo Earth-fixed frame before polar motion; UT1 there from another bulletin."""
    at = datetime(2004, 4, 6, 7, 51, 28, 386_009, tzinfo=UTC)
    position = np.array([[5094.18016210, 6127.64465950, 6380.34453270]])
    velocity = np.array([[-4.746131487, 0.785818041, 5.531931288]])
    fixed, over_ground = earth_fixed_from_teme(position, velocity, sidereal_angle_rad(at, np.array([0.0])))
    section, left = Section.ORBITS, "UT1 there from another bulletin"
    fixed_km, metre = [[-1033.47503120, 7901.30558560, 6380.34453270]], ONE_METRE_KM
    moving = [[-3.225632747, -2.872442511, 5.531931288]]
    published("AIAA 2006-6753", "position", fixed, fixed_km, abs=metre, unit="km", left=left, section=section)
    published("AIAA 2006-6753", "velocity", over_ground, moving, abs=1e-6, unit="km/s", left=left, section=section)


@given(st.integers(0, 25 * 365 * 86_400), st.floats(-1e5, 1e6))
def test_time_scales_are_those_of_skyfield(start_s: int, offset_s: float) -> None:
    start = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s)
    at = start + timedelta(seconds=offset_s)
    time = timescale().from_datetime(at)
    whole, fraction = julian_days(at, np.array([0.0]))
    assert 0 <= fraction[0] < 1
    expected = time.whole + time.tai_fraction - time._leap_seconds() / 86400
    assert (whole[0] - expected) + fraction[0] == pytest.approx(0, abs=1e-8)
    assert ut1_minus_utc_s(start, np.array([offset_s]))[0] == pytest.approx(float(time.dut1), abs=2e-4) or (
        timescale().from_datetime(start)._leap_seconds() != time._leap_seconds()  # a leap second inside the span
    )


def test_the_range_rate_is_the_change_of_range_and_gives_the_doppler_shift() -> None:
    seen = look_angle_series(FLEET, 1.35, 103.8, 15.0, START, [599.5, 600.0, 600.5])
    change = seen.range_km[:, :, 2] - seen.range_km[:, :, 0]
    np.testing.assert_allclose(seen.range_rate_km_per_s[:, :, 1], change, rtol=0, atol=1e-4)
    assert doppler_shift_hz(11.7e9, -7.5)[()] == pytest.approx(292_702, abs=1)  # approaching: higher
    assert doppler_shift_hz([10e9, 20e9], 0.0).tolist() == [0, 0]


def test_the_age_of_every_element_set_is_that_of_the_farthest_instant() -> None:
    path = ephemeris(FLEET, START, [0.0, 2 * 86_400.0])
    for age_days, elements in zip(path.element_age_days, FLEET, strict=True):
        assert age_days == pytest.approx((START + timedelta(days=2) - elements.epoch) / timedelta(days=1))
    earlier = ephemeris(FLEET[:1], FLEET[0].epoch, [-5 * 86_400.0, 3600.0])
    assert earlier.element_age_days[0] == pytest.approx(-5)


def test_what_cannot_be_computed_is_nan_and_an_instant_without_zone_is_refused() -> None:
    decays = next(one for one in published_elements() if one.norad_id == 28872)
    path = ephemeris([decays, *FLEET], ephemeris_epoch(decays), [0.0, 1440.0 * 60])
    assert np.isfinite(path.position_km[0, 0]).all()
    assert np.isnan(path.position_km[0, 1]).all()
    assert np.isfinite(look_angle_series.or_nan(FLEET, [91.0, 0.0], 0.0, 0.0, START, [0.0]).range_km[:, 1]).all()
    assert np.isnan(look_angle_series.or_nan(FLEET, [91.0, 0.0], 0.0, 0.0, START, [0.0]).range_km[:, 0]).all()
    assert look_angle_series.or_nan([], 0.0, 0.0, 0.0, START, [0.0]).range_km.shape == (0, 1, 1)
    with pytest.raises(ValueError, match="time zone"):
        ephemeris(FLEET, START.replace(tzinfo=None), [0.0])
