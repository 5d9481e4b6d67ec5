"""Boxes and figures of eight of real geosynchronous satellites, against Skyfield and the geometry of the orbit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from skyfield.api import EarthSatellite, wgs84

from satcom.resource.physics.earth_rotation import timescale
from satcom.resource.physics.geosynchronous_motion import SIDEREAL_DAY_S, daily_motion, pointing_swing
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.orbit_array import look_angle_series

DATA = Path(__file__).parents[2] / "data"
KEPT = read_tle((DATA / "geo_sample.tle").read_text()).elements  # CelesTrak, 2026-08-22
GEO = read_tle((DATA / "orbit_sample.tle").read_text()).elements[-6:]
INCLINED = GEO[2:]  # by 4 to 14 degrees
START = datetime(2026, 8, 22, 18, tzinfo=UTC)


def inclination_deg(line2: str) -> float:
    return float(line2[8:16])


def test_the_path_below_is_that_of_skyfield() -> None:
    motion = daily_motion(GEO, START)
    for row, elements in enumerate(GEO):
        for sample in (0, 100, 288):
            at = timescale().from_datetime(START + timedelta(seconds=sample * SIDEREAL_DAY_S / 288))
            place = wgs84.geographic_position_of(EarthSatellite(elements.line1, elements.line2, ts=timescale()).at(at))
            assert motion.latitude_deg[row, sample] == pytest.approx(place.latitude.degrees, abs=1e-5)
            apart = (motion.longitude_deg[row, sample] - place.longitude.degrees + 180) % 360 - 180
            assert apart == pytest.approx(0, abs=1e-5)


def test_a_satellite_swings_by_its_inclination_and_by_its_eccentricity() -> None:
    """North and South by the inclination; East and West by four eccentricities, and half the inclination squared."""
    motion = daily_motion(INCLINED, START)
    for row, elements in enumerate(INCLINED):
        inclination, eccentricity = inclination_deg(elements.line2), float(f"0.{elements.line2[26:33]}")
        assert motion.latitude_swing_deg[row] == pytest.approx(2 * inclination, rel=0.02, abs=0.01)
        by_shape, by_tilt = np.degrees(4 * eccentricity), np.degrees(np.radians(inclination) ** 2 / 2)
        assert motion.longitude_swing_deg[row] <= (by_shape + by_tilt) * 1.05 + 0.01
        assert motion.longitude_swing_deg[row] >= max(by_shape, by_tilt) * 0.9 - 0.01


def test_the_drift_is_that_of_the_mean_motion() -> None:
    """What is left of the mean motion when the Earth's turning is taken off, less the precession of the node."""
    for elements, drift in zip(GEO, daily_motion(GEO, START).drift_deg_per_day, strict=True):
        turns_per_day = float(elements.line2[52:63])
        assert drift == pytest.approx(360 * (turns_per_day - 86_400 / SIDEREAL_DAY_S), abs=0.03)


def test_a_kept_satellite_stays_in_its_box_on_its_slot() -> None:
    named = {one.name: row for row, one in enumerate(KEPT)}
    motion = daily_motion(KEPT, START)
    for name, slot_deg in (("INTELSAT 20 (IS-20)", 68.5), ("SES-5", 5.0), ("AMOS-17", 17.0), ("AZERSPACE 1", 46.0)):
        row = named[name]
        assert motion.mean_longitude_deg[row] == pytest.approx(slot_deg, abs=0.12)
        assert motion.latitude_swing_deg[row] < 0.2
        assert motion.longitude_swing_deg[row] < 0.1
        assert abs(motion.drift_deg_per_day[row]) < 0.03


def test_the_swing_seen_from_a_site_holds_every_elevation_of_the_day() -> None:
    latitude, longitude = [0.0, 40.0, -60.0], [30.0, -100.0, 150.0]
    swing = pointing_swing(GEO, latitude, longitude, 0.0, START)
    random = np.random.default_rng(5)
    seen = look_angle_series(GEO, latitude, longitude, 0.0, START, random.uniform(0, SIDEREAL_DAY_S, 500))
    assert np.all(seen.elevation_deg >= swing.lowest_elevation_deg[:, :, None] - 0.02)
    assert np.all(seen.elevation_deg <= swing.highest_elevation_deg[:, :, None] + 0.02)
    # at least half of the elevation's swing, and from the surface no more than 1.2 times what it is from the centre
    assert np.all(swing.off_mean_deg >= (swing.highest_elevation_deg - swing.lowest_elevation_deg) / 2 - 0.05)
    largest = [max(inclination_deg(one.line2), 0.2) for one in GEO]
    assert np.all(swing.off_mean_deg <= np.array(largest)[:, None] * 1.25 + 0.3)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        daily_motion(GEO, START.replace(tzinfo=None))
