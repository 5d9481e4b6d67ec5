"""Ephemerides: interpolated as the message says, turned to the Earth as Skyfield does, and refused by their lines."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import EarthSatellite
from skyfield.framelib import itrs
from skyfield.sgp4lib import TEME

from satcom.resource.physics.eclipse import Body, eclipses
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.oem import (
    EphemerisSegment,
    ephemeris_position_km,
    holes_s,
    interpolated_km,
    read_oem,
    track_of_ephemeris,
)
from satcom.resource.physics.orbit import Array
from satcom.resource.physics.sun import instant, instant_s, track_of_elements
from tests.resource.physics.the_jpl_ephemeris import times

FLEET = read_elements((Path(__file__).parents[2] / "data" / "elements" / "sample.tle").read_text()).elements
BY_NAME = {one.name: one for one in FLEET}
METRE_KM: Final = 0.001
START: Final = datetime(2026, 8, 23, tzinfo=UTC)
MARGIN_S: Final = 600.0  # states before and after what is asked


def states(name: str, frame: str, at_s: Array) -> tuple[Array, Array]:
    """A satellite of the sample by Skyfield, (n, 3) each."""
    elements = BY_NAME[name]
    seen = EarthSatellite(elements.line1, elements.line2).at(times(at_s))
    if frame in ("GCRF", "ICRF"):
        return seen.position.km.T, seen.velocity.km_per_s.T
    position, velocity = seen.frame_xyz_and_velocity(TEME if frame == "TEME" else itrs)
    return position.km.T, velocity.km_per_s.T


def kvn(name: str, frame: str, at_s: Array, system: str = "UTC", ahead_s: float = 0.0, how: str = "HERMITE 7") -> str:
    """A message as an operator's flight dynamics sends it."""
    method, degree = how.split()
    epochs = [f"{instant(one + ahead_s):%Y-%m-%dT%H:%M:%S.%f}" for one in at_s]
    position, velocity = states(name, frame, at_s)
    rows = [
        f"{epoch} " + " ".join(f"{value:.9f}" for value in (*place, *speed))
        for epoch, place, speed in zip(epochs, position, velocity, strict=True)
    ]
    return "\n".join(
        [
            "CCSDS_OEM_VERS = 2.0\nCREATION_DATE = 2026-08-22T00:00:00\nORIGINATOR = FLIGHT DYNAMICS\n",
            f"META_START\nOBJECT_NAME = {name}\nOBJECT_ID = 2019-010A\nCENTER_NAME = EARTH\nREF_FRAME = {frame}",
            f"TIME_SYSTEM = {system}\nSTART_TIME = {epochs[0]}\nSTOP_TIME = {epochs[-1]}",
            f"INTERPOLATION = {method}\nINTERPOLATION_DEGREE = {degree}\nMETA_STOP\nCOMMENT after manoeuvre 12",
            *rows,
            "COVARIANCE_START\nEPOCH = 2026-08-23T00:00:00\n1.0\n2.0 1.0\nCOVARIANCE_STOP",
        ]
    )


def span_s(hours: float, step_s: float) -> Array:
    return instant_s(START) + np.arange(-MARGIN_S, hours * 3600 + MARGIN_S, step_s)


@pytest.mark.parametrize("frame", ["GCRF", "TEME", "ITRF2020"])
@pytest.mark.parametrize(("name", "step_s"), [("ONEWEB-0010", 60.0), ("O3B FM4", 240.0)])
def test_a_path_between_its_states_is_skyfields_to_a_metre(name: str, step_s: float, frame: str) -> None:
    file = read_oem(kvn(name, frame, span_s(6, step_s)))
    assert file.bad_lines == ()
    asked_s = instant_s(START) + np.linspace(0, 6 * 3600, 500)
    found_km = ephemeris_position_km(file.segments, asked_s)
    theirs_km, _ = states(name, "ITRF", asked_s)
    assert np.abs(found_km - theirs_km).max() < METRE_KM


def test_the_older_celestial_frame_is_turned_by_its_bias() -> None:
    """EME2000 and GCRF differ by 23 milliseconds of arc."""
    at_s = span_s(1, 60.0)
    taken_for = [read_oem(kvn("O3B FM4", "GCRF", at_s).replace("= GCRF", f"= {one}")) for one in ("GCRF", "EME2000")]
    asked_s = instant_s(START) + np.array([600.0])
    celestial, older = (ephemeris_position_km(one.segments, asked_s) for one in taken_for)
    apart_rad = np.linalg.norm(celestial - older) / np.linalg.norm(celestial)
    assert 0 < np.degrees(apart_rad) * 3.6e6 < 24


@pytest.mark.parametrize(("system", "ahead_s"), [("TAI", 37.0), ("GPS", 18.0), ("TT", 69.184)])
def test_every_time_system_tells_the_same_path(system: str, ahead_s: float) -> None:
    at_s = span_s(1, 60.0)
    asked_s = instant_s(START) + np.array([0.0, 1000.0, 3599.0])
    told, meant = (
        read_oem(kvn("ONEWEB-0010", "ITRF", at_s, system, ahead_s)),
        read_oem(kvn("ONEWEB-0010", "ITRF", at_s)),
    )
    apart_km = ephemeris_position_km(told.segments, asked_s) - ephemeris_position_km(meant.segments, asked_s)
    assert np.abs(apart_km).max() < METRE_KM / 100


@given(
    st.lists(st.floats(-1, 1), min_size=12, max_size=12),
    st.sampled_from([("LAGRANGE", 3), ("HERMITE", 3), ("LAGRANGE", 5), ("HERMITE", 7)]),
)
@settings(max_examples=30)
def test_a_polynomial_of_the_degree_comes_back_from_uneven_states(
    coefficients: list[float], how: tuple[str, int]
) -> None:
    at_s = np.array([0.0, 0.5, 1.7, 2.0, 3.1, 4.4, 5.0, 6.2, 7.0])
    lines = [np.polynomial.Polynomial(column) for column in np.reshape(coefficients, (4, 3)).T]
    position = np.stack([one(at_s) for one in lines], axis=1)
    velocity = np.stack([one.deriv()(at_s) for one in lines], axis=1)
    segment = EphemerisSegment("", "", "ITRF", *how, at_s[0], at_s[-1], at_s, position, velocity)
    asked_s = np.linspace(0, 7, 71)
    meant = np.stack([one(asked_s) for one in lines], axis=1)
    assert interpolated_km(segment, asked_s) == pytest.approx(meant, abs=1e-9)


def test_a_manoeuvre_begins_a_segment_and_a_hole_is_nowhere() -> None:
    before, after = span_s(1, 60.0), span_s(1, 60.0) + 2 * 3600
    file = read_oem(kvn("ONEWEB-0010", "ITRF", before) + "\n" + kvn("ONEWEB-0010", "ITRF", after).partition("\n\n")[2])
    assert len(file.segments) == 2
    assert holes_s(file.segments) == [(file.segments[0].until_s, file.segments[1].from_s)]
    middle_s = np.array([np.mean(holes_s(file.segments)), before[5], after[5]])
    assert np.isnan(ephemeris_position_km(file.segments, middle_s)).any(axis=1).tolist() == [True, False, False]


def test_xml_says_the_same_as_keywords() -> None:
    at_s = span_s(1, 60.0)
    plain = read_oem(kvn("ONEWEB-0010", "ITRF", at_s)).segments[0]
    names = ("X", "Y", "Z", "X_DOT", "Y_DOT", "Z_DOT")
    vectors = "".join(
        f"<stateVector><EPOCH>{instant(at):%Y-%m-%dT%H:%M:%S.%fZ}</EPOCH>"
        + "".join(f"<{name}>{value:.9f}</{name}>" for name, value in zip(names, (*place, *speed), strict=True))
        + "</stateVector>"
        for at, place, speed in zip(plain.at_s, plain.position_km, plain.velocity_km_per_s, strict=True)
    )
    metadata = "".join(
        f"<{name}>{value}</{name}>"
        for name, value in {
            "OBJECT_NAME": plain.object_name,
            "OBJECT_ID": plain.object_id,
            "CENTER_NAME": "EARTH",
            "REF_FRAME": "ITRF",
            "TIME_SYSTEM": "UTC",
            "START_TIME": f"{instant(plain.from_s):%Y-%m-%dT%H:%M:%S.%f}",
            "STOP_TIME": f"{instant(plain.until_s):%Y-%m-%dT%H:%M:%S.%f}",
            "INTERPOLATION": "HERMITE",
            "INTERPOLATION_DEGREE": "7",
        }.items()
    )
    body = f"<segment><metadata>{metadata}</metadata><data>{vectors}</data></segment>"
    file = read_oem(f'<?xml version="1.0"?>\n<oem id="CCSDS_OEM_VERS" version="2.0"><body>{body}</body></oem>')
    assert file.bad_lines == ()
    asked_s = plain.at_s[:-1] + 30
    ours, theirs = ephemeris_position_km(file.segments, asked_s), ephemeris_position_km([plain], asked_s)
    assert np.abs(ours - theirs).max() < METRE_KM / 1000


def test_eclipses_of_an_ephemeris_are_those_of_the_elements_it_was_made_from() -> None:
    elements = BY_NAME["ONEWEB-0010"]
    start = elements.epoch + timedelta(days=60)
    at_s = instant_s(start) + np.arange(-MARGIN_S, 6 * 3600 + MARGIN_S, 60.0)
    track = track_of_ephemeris(read_oem(kvn("ONEWEB-0010", "GCRF", at_s)).segments)
    period = (start, start + timedelta(hours=6))
    ours = eclipses(track, *period, [Body.EARTH])
    theirs = eclipses(track_of_elements(elements), *period, [Body.EARTH])
    assert len(ours) == len(theirs) >= 2
    for one, other in zip(ours, theirs, strict=True):
        assert abs(one.start - other.start) + abs(one.end - other.end) < timedelta(seconds=0.1)


def line_of(text: str, said: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if said in line)


GOOD: Final = kvn("ONEWEB-0010", "ITRF", span_s(0.2, 60.0))


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("CENTER_NAME = EARTH", "CENTER_NAME = MARS", "CENTER_NAME is 'MARS'; only orbits about the EARTH"),
        ("REF_FRAME = ITRF", "REF_FRAME = TDR", "REF_FRAME is 'TDR'; known are EME2000"),
        ("TIME_SYSTEM = UTC", "TIME_SYSTEM = MET", "TIME_SYSTEM is 'MET'; known are UTC, TAI"),
        ("INTERPOLATION = HERMITE", "INTERPOLATION = GUESS", "INTERPOLATION is 'GUESS'; known are HERMITE"),
        ("_DEGREE = 7", "_DEGREE = 99", "INTERPOLATION_DEGREE is '99'; a whole number, 1 to 25"),
        ("_DEGREE = 7", "_DEGREE =", "INTERPOLATION_DEGREE is ''; a whole number"),
        ("START_TIME = ", "START_TIME = x", "is no instant"),
    ],
)
def test_a_segment_that_cannot_be_followed_is_refused_at_its_line(was: str, becomes: str, why: str) -> None:
    text = GOOD.replace(was, becomes)
    (bad,) = read_oem(text).bad_lines
    assert why in bad.reason
    assert bad.line_number == line_of(text, becomes)


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (lambda row: " ".join(row.split()[:6]), "6 words"),
        (lambda row: row.replace(".", "x", 2), "is no instant"),
        (lambda row: row + "e", "no number"),
        (lambda row: " ".join([*row.split()[:6], "nan"]), "no number"),
        (lambda row: row.replace("2026", "2025", 1), "not later than the one before"),
    ],
)
def test_a_bad_state_is_refused_by_its_line_and_a_good_segment_kept(spoilt: Callable[[str], str], why: str) -> None:
    row = GOOD.splitlines()[-10]
    text = GOOD.replace(row, spoilt(row)) + "\n" + GOOD.partition("\n\n")[2]
    file = read_oem(text)
    assert len(file.segments) == 1
    (bad,) = file.bad_lines
    assert why in bad.reason
    assert bad.line_number == line_of(text, spoilt(row))


def test_what_has_too_few_states_or_none_is_refused() -> None:
    few = read_oem(kvn("ONEWEB-0010", "ITRF", span_s(0, 60.0)[:3]))
    assert few.segments == ()
    assert "3 states, HERMITE of degree 7 needs 4" in few.bad_lines[0].reason
    assert read_oem("CCSDS_OEM_VERS = 2.0").bad_lines[0].reason == "there is no segment in it"
    assert "no XML" in read_oem("<oem><body>").bad_lines[0].reason
    assert "document type" in read_oem("<!DOCTYPE oem [<!ENTITY a 'b'>]><oem/>").bad_lines[0].reason


@given(st.lists(st.sampled_from([*GOOD.splitlines(), "META_START", "X = ", "<segment>", ""]), max_size=40))
@settings(max_examples=60)
def test_no_order_of_lines_breaks_the_reader(lines: list[str]) -> None:
    file = read_oem("\n".join(lines))
    assert file.segments or file.bad_lines
