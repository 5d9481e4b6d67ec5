"""Look angles against Skyfield's own single-satellite path, and what a file of elements may contain."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, load, wgs84

from satcom.resource.physics.orbit import (
    Elements,
    element_age_days,
    look_angles,
    read_tle,
    sub_satellite_point,
)
from tests.resource.physics.published import Published, Section

SAMPLE = (Path(__file__).parents[2] / "data" / "geo_sample.tle").read_text()  # CelesTrak, 2026-08-22
FLEET = read_tle(SAMPLE).elements
AT = datetime(2026, 8, 23, 7, 30, 15, 250_000, tzinfo=UTC)
ONE_METRE_KM = 0.001
TIMESCALE = load.timescale(builtin=True)


def test_one_call_for_a_fleet_and_many_sites_equals_skyfield_satellite_by_satellite(published: Published) -> None:
    sites = [(-11.7, 27.5, 1300.0), (0.0, 0.0, 0.0), (64.1, -21.9, 50.0), (-89.9, 179.9, 2800.0), (3.1, 101.7, -20.0)]
    latitude, longitude, altitude = np.array(sites).T

    angles = look_angles(FLEET, latitude, longitude, altitude, AT)

    assert angles.elevation_deg.shape == (len(FLEET), len(sites))
    time = TIMESCALE.from_datetime(AT)
    theirs = np.zeros((3, len(FLEET), len(sites)))
    for row, elements in enumerate(FLEET):
        satellite = EarthSatellite(elements.line1, elements.line2, elements.name, TIMESCALE)
        for column, (lat, lon, height_m) in enumerate(sites):
            alt, az, distance = (satellite - wgs84.latlon(lat, lon, height_m)).at(time).altaz()
            theirs[:, row, column] = distance.km, alt.degrees, az.degrees
    ours, what, section = np.stack((angles.elevation_deg, angles.azimuth_deg)), "look angles", Section.ORBITS
    # of each satellite: all sites
    ours, told = np.moveaxis(ours, 1, 0), np.moveaxis(theirs[1:], 1, 0)
    published("Skyfield, GEO", what, ours, told, abs=1e-4, unit="deg", least=1e-6, section=section)
    metre, range_km = ONE_METRE_KM, angles.range_km
    published("Skyfield, GEO", "range", range_km, theirs[0], abs=metre, unit="km", least=1e-6, section=section)


def test_the_sub_satellite_point_equals_skyfield(published: Published) -> None:
    points = sub_satellite_point(FLEET, AT)
    time = TIMESCALE.from_datetime(AT)
    above, high = [], []
    for elements in FLEET:
        place = wgs84.geographic_position_of(EarthSatellite(elements.line1, elements.line2, ts=TIMESCALE).at(time))
        above.append([place.latitude.degrees, place.longitude.degrees])
        high.append(place.elevation.km)
    ours, section = np.stack((points.latitude_deg, points.longitude_deg), axis=1), Section.ORBITS
    published("Skyfield, GEO", "point below", ours, above, abs=1e-6, unit="deg", least=1e-8, section=section)
    altitude_km = points.altitude_km
    published("Skyfield, GEO", "altitude", altitude_km, high, abs=ONE_METRE_KM, unit="km", least=1e-6, section=section)


def test_satellites_stand_at_the_orbital_position_their_operators_publish(published: Published) -> None:
    published_deg_east = {
        "INTELSAT 20 (IS-20)": 68.5,
        "EUTELSAT 3B": 3.1,
        "AZERSPACE 1": 46.0,
        "SES-5": 5.0,
        "AMOS-17": 17.0,
        "EUTELSAT 8 WEST B": -8.0,
        "MEASAT-3B": 91.5,
    }
    longitude = dict(zip((one.name for one in FLEET), sub_satellite_point(FLEET, AT).longitude_deg, strict=True))
    ours, told = [longitude[name] for name in published_deg_east], list(published_deg_east.values())
    left, section = "station keeping box, rounded slot", Section.ORBITS
    published("operators' slots", "longitude", ours, told, abs=0.15, unit="deg", left=left, section=section)


@given(latitude=st.floats(-89, 89), longitude=st.floats(-180, 180), minutes=st.integers(0, 1440))
def test_the_range_of_a_geostationary_satellite_is_longest_at_the_horizon(
    latitude: float, longitude: float, minutes: int
) -> None:
    angles = look_angles(
        FLEET, np.array([latitude]), np.array([longitude]), np.array([0.0]), AT + timedelta(0, 60 * minutes)
    )
    visible = angles.elevation_deg > 0
    assert np.all(angles.range_km[visible] < 42_000)
    assert np.all(angles.range_km[~visible] > 41_300)


def test_a_broken_set_is_reported_by_line_and_the_others_are_kept() -> None:
    lines = SAMPLE.splitlines()
    lines[1] = lines[1][:-1] + str((int(lines[1][-1]) + 1) % 10)  # checksum
    lines[5] = lines[5][:-3]  # length

    reading = read_tle("\n".join(lines))

    assert [one.name for one in reading.elements] == [one.name for one in FLEET[2:]]
    reasons = {bad.line_number: bad.reason for bad in reading.bad_lines}
    assert reasons[2].startswith("checksum")
    assert reasons[3] == "line 2 without a good line 1"
    assert reasons[6].startswith("66 characters")
    assert reasons[5] == "line 1 without a good line 2"


def test_lines_of_two_satellites_are_never_married() -> None:
    one, other = FLEET[0], FLEET[1]
    reading = read_tle(f"{one.line1}\n{other.line2}\n{other.line1}\n{other.line2}\n{one.line1}\n")
    assert [elements.norad_id for elements in reading.elements] == [other.norad_id]
    assert [(bad.line_number, bad.reason.split(",")[0]) for bad in reading.bad_lines] == [
        (2, f"line 2 is of satellite {other.norad_id}"),
        (1, "line 1 without a good line 2"),
        (5, "line 1 without a line 2"),
    ]


def test_right_checksums_do_not_make_an_element_set() -> None:
    scrambled = _with_checksum("2 38740 " + "x" * 60)
    reading = read_tle(f"{FLEET[1].line1}\n{scrambled}\n")
    assert reading.elements == ()
    assert reading.bad_lines[0].reason.startswith("the columns")


def test_a_set_without_a_name_is_called_by_its_number() -> None:
    (elements,) = read_tle(f"{FLEET[1].line1}\r\n{FLEET[1].line2}\r\n").elements
    assert (elements.name, elements.norad_id) == ("38740", 38740)


@given(text=st.text(max_size=400) | st.lists(st.sampled_from(SAMPLE.splitlines())).map("\n".join))
def test_whatever_text_is_read_only_whole_sets_come_out(text: str) -> None:
    reading = read_tle(text)
    assert all(one.line1[2:7] == one.line2[2:7] for one in reading.elements)
    used = 2 * len(reading.elements) + len(reading.bad_lines)
    assert used >= sum(line.rstrip().startswith(("1 ", "2 ")) for line in text.splitlines())


def test_the_age_of_elements_is_counted_from_their_epoch() -> None:
    elements = FLEET[1]
    assert elements.epoch.replace(microsecond=0) == datetime(2026, 8, 22, 13, 33, 35, tzinfo=UTC)  # day 234.56499990
    assert element_age_days(elements, elements.epoch + timedelta(days=2, hours=12)) == pytest.approx(2.5)


def test_a_satellite_that_has_decayed_is_nan_and_spoils_no_other() -> None:
    low = "1 25544U 98067A   26001.50000000  .50000000  00000+0  99999-1 0  999"
    plane = "2 25544  51.6400 100.0000 0005000 100.0000 260.0000 16.40000000 1000"
    decayed = Elements(25544, "low", AT, _with_checksum(low), _with_checksum(plane))
    angles = look_angles([decayed, *FLEET], np.array([0.0]), np.array([10.0]), np.array([0.0]), AT)
    assert np.isnan(angles.range_km[0, 0])
    assert np.all(np.isfinite(angles.range_km[1:]))


def test_a_place_beyond_the_pole_is_nan_and_a_time_without_zone_is_refused() -> None:
    angles = look_angles.or_nan(FLEET, np.array([91.0, 0.0]), np.array([0.0]), np.array([0.0]), AT)
    assert np.isnan(angles.elevation_deg[:, 0]).all()
    assert np.isfinite(angles.elevation_deg[:, 1]).all()
    with pytest.raises(ValueError, match="time zone"):
        look_angles(FLEET, np.array([0.0]), np.array([0.0]), np.array([0.0]), AT.replace(tzinfo=None))


def _with_checksum(line: str) -> str:
    return line + str(sum(int(sign) if sign.isdigit() else sign == "-" for sign in line) % 10)
