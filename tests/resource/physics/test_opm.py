"""Plans of manoeuvres: the printed example of the standard, in both notations, and what is refused by its line."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import degrees, log, pi, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.manoeuvre import GEOSTATIONARY_RADIUS_M, Manoeuvre, in_the_orbit
from satcom.resource.physics.opm import read_opm

MU_M3_PER_S2 = 3.986004415e14  # the message's own
G0_M_PER_S2 = 9.80665
HEAD = """CCSDS_OPM_VERS = 3.0
CREATION_DATE = 2000-06-03T05:33:00.000
ORIGINATOR = GSOC
OBJECT_NAME = EUTELSAT W4
OBJECT_ID = 2000-028A
CENTER_NAME = EARTH
REF_FRAME = TOD
TIME_SYSTEM = UTC
EPOCH = 2000-06-03T00:00:00.000
X = 6655.9942 [km]
Y = -40218.5751 [km]
Z = -82.9177 [km]
X_DOT = 3.11548208 [km/s]
Y_DOT = 0.47042605 [km/s]
Z_DOT = -0.00101495 [km/s]
MASS = 1913.000 [kg]
"""
FIRST = """COMMENT First maneuver: AMF-3
COMMENT Non-impulsive
MAN_EPOCH_IGNITION = 2000-06-03T09:00:34.1
MAN_DURATION = 132.60 [s]
MAN_DELTA_MASS = -18.418 [kg]
MAN_REF_FRAME = EME2000
MAN_DV_1 = -0.02325700 [km/s]
MAN_DV_2 = 0.01683160 [km/s]
MAN_DV_3 = -0.00893444 [km/s]
"""
SECOND = """COMMENT Second maneuver: first station acquisition maneuver
MAN_EPOCH_IGNITION = 2000-06-05T18:59:21.0
MAN_DURATION = 0.00 [s]
MAN_DELTA_MASS = -1.469 [kg]
MAN_REF_FRAME = RTN
MAN_DV_1 = 0.00101500 [km/s]
MAN_DV_2 = -0.00187300 [km/s]
MAN_DV_3 = 0.00000000 [km/s]
"""
PRINTED = HEAD + FIRST + SECOND  # CCSDS 502.0-B-2, figure 3-2, without the Keplerian elements


def manoeuvres_of(text: str) -> tuple[Manoeuvre, ...]:
    file = read_opm(text)
    assert file.bad_lines == ()
    return file.manoeuvres


def in_xml(text: str) -> str:
    """The same in XML, a line a tag."""
    rows = ["<opm><body><segment><metadata>"]
    for line in text.splitlines():
        keyword, _, value = line.partition(" = ")
        said, _, unit = value.partition(" [")
        if keyword == "MAN_EPOCH_IGNITION":
            rows[-1] += "</metadata><data>" if "</maneuverParameters>" not in "".join(rows) else ""
            rows += ["<maneuverParameters>", "</maneuverParameters>"]
        tag = f"<{keyword} units='{unit[:-1]}'>" if unit else f"<{keyword}>"
        if keyword.startswith("MAN_"):
            rows.insert(-1, f"{tag}{said}</{keyword}>")
        elif keyword.startswith(("OBJECT_", "CENTER_", "TIME_")):
            rows.append(f"{tag}{said}</{keyword}>")
    return "\n".join(['<?xml version="1.0"?>', *rows, "</data></segment></body></opm>"])


def test_the_manoeuvres_of_the_printed_example_are_those_of_the_standard() -> None:
    apogee, station = manoeuvres_of(PRINTED)
    assert (apogee.object_name, apogee.object_id, apogee.frame) == ("EUTELSAT W4", "2000-028A", "EME2000")
    assert apogee.ignition == datetime(2000, 6, 3, 9, 0, 34, 100_000, UTC)
    assert apogee.end - apogee.ignition == timedelta(seconds=132.6)
    assert apogee.delta_v_m_per_s == pytest.approx((-23.257, 16.8316, -8.93444))
    assert apogee.comment == "First maneuver: AMF-3; Non-impulsive"
    assert in_the_orbit(apogee) is None
    assert (station.ignition, station.end) == (datetime(2000, 6, 5, 18, 59, 21, tzinfo=UTC),) * 2
    assert (station.mass_change_kg, station.comment) == (-1.469, "Second maneuver: first station acquisition maneuver")


def test_the_size_of_the_printed_apogee_burn_is_what_its_propellant_gives() -> None:
    """By the rocket equation: an engine for apogee burns has a specific impulse of some 310 to 325 s."""
    apogee = manoeuvres_of(PRINTED)[0]
    assert apogee.mass_change_kg is not None
    specific_impulse_s = apogee.size_m_per_s / (G0_M_PER_S2 * log(1913.0 / (1913.0 + apogee.mass_change_kg)))
    assert 310 < specific_impulse_s < 325


def test_xml_says_the_same_as_keywords() -> None:
    told, meant = manoeuvres_of(in_xml(PRINTED)), manoeuvres_of(PRINTED)
    assert [(one.ignition, one.end, one.frame, one.delta_v_m_per_s, one.mass_change_kg) for one in told] == [
        (one.ignition, one.end, one.frame, one.delta_v_m_per_s, one.mass_change_kg) for one in meant
    ]
    assert told[0].object_id == "2000-028A"


@pytest.mark.parametrize(
    ("frame", "along", "in_plane", "out"),
    [("RTN", 4.0, 5.0, 12.0), ("RSW", 4.0, 5.0, 12.0), ("TNW", 3.0, 5.0, 12.0), ("RSW_INERTIAL", 4.0, 5.0, 12.0)],
)
def test_a_frame_of_the_orbit_tells_what_turns_its_plane(frame: str, along: float, in_plane: float, out: float) -> None:
    one = Manoeuvre("", "", datetime(2027, 1, 1, tzinfo=UTC), 0.0, frame, (3.0, 4.0, 12.0))
    parts = in_the_orbit(one)
    assert parts is not None
    assert (parts.along_track_m_per_s, parts.in_plane_m_per_s, parts.out_of_plane_m_per_s) == (along, in_plane, out)
    assert one.size_m_per_s == 13.0


@given(st.floats(-2, 2))
def test_the_drift_after_a_burn_is_that_of_the_two_body_orbit(along_m_per_s: float) -> None:
    """Vis-viva and Kepler's third law, exactly; to the first order of a burn of 2 m/s they agree to 2 in 1000."""
    parts = in_the_orbit(Manoeuvre("", "", datetime(2027, 1, 1, tzinfo=UTC), 0, "RTN", (0.0, along_m_per_s, 0.0)))
    assert parts is not None
    speed_m_per_s = sqrt(MU_M3_PER_S2 / GEOSTATIONARY_RADIUS_M)
    axis_m = 1 / (2 / GEOSTATIONARY_RADIUS_M - (speed_m_per_s + along_m_per_s) ** 2 / MU_M3_PER_S2)
    motions = [sqrt(MU_M3_PER_S2 / one**3) for one in (axis_m, GEOSTATIONARY_RADIUS_M)]
    assert 2 * pi / motions[1] == pytest.approx(86_164.1, abs=1)
    exact_deg_per_day = degrees(motions[0] - motions[1]) * 86_400
    assert parts.geostationary_drift_change_deg_per_day == pytest.approx(exact_deg_per_day, rel=2e-3, abs=1e-9)


@pytest.mark.parametrize(("system", "ahead_s"), [("TAI", 32), ("GPS", 13), ("TT", 64.184)])
def test_an_ignition_counts_in_the_time_system_of_its_message(system: str, ahead_s: float) -> None:
    (one,) = manoeuvres_of(HEAD.replace("= UTC", f"= {system}") + SECOND)
    assert one.ignition == datetime(2000, 6, 5, 18, 59, 21, tzinfo=UTC) - timedelta(seconds=ahead_s)


def test_in_the_first_seconds_after_a_leap_second_that_of_the_day_before_counts() -> None:
    (one,) = manoeuvres_of(
        HEAD.replace("= UTC", "= TAI") + SECOND.replace("2000-06-05T18:59:21.0", "2017-01-01T00:00:20")
    )
    assert one.ignition == datetime(2016, 12, 31, 23, 59, 44, tzinfo=UTC)


def test_a_control_character_is_told_with_its_line() -> None:
    file = read_opm(PRINTED.replace("OBJECT_NAME = ", "OBJECT_NAME = A\x00"))
    assert [one.reason for one in file.bad_lines if "control character" in one.reason] != []
    assert file.manoeuvres == ()


def test_messages_follow_one_another_and_manoeuvres_come_by_ignition() -> None:
    other = HEAD.replace("EUTELSAT W4", "AMOS-17") + FIRST.replace("2000-06-03", "2000-06-01")
    assert [one.object_name for one in manoeuvres_of(PRINTED + other)] == ["AMOS-17", "EUTELSAT W4", "EUTELSAT W4"]
    both = f"<ndm>{in_xml(PRINTED).partition('?>')[2]}<omm><segment><metadata></metadata></segment></omm></ndm>"
    assert len(manoeuvres_of(both)) == 2


def test_a_message_without_a_manoeuvre_and_a_burn_without_its_mass_are_read() -> None:
    assert manoeuvres_of(HEAD) == ()
    (one,) = manoeuvres_of(HEAD + SECOND.replace("MAN_DELTA_MASS = -1.469 [kg]\n", ""))
    assert one.mass_change_kg is None


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("MAN_DURATION = 0.00 [s]", "MAN_DURATION = -1 [s]", "MAN_DURATION is '-1'; a number of s, 0 to 31622400"),
        ("MAN_DURATION = 0.00 [s]", "MAN_DURATION = 1 [min]", "MAN_DURATION is in min, it should be in s"),
        ("MAN_DELTA_MASS = -1.469", "MAN_DELTA_MASS = 1.469", "MAN_DELTA_MASS is '1.469'; a number of kg"),
        ("MAN_DV_2 = -0.00187300 [km/s]", "MAN_DV_2 = -1.873 [m/s]", "MAN_DV_2 is in m/s, it should be in km/s"),
        ("MAN_DV_2 = -0.00187300", "MAN_DV_2 = nan", "MAN_DV_2 is 'nan'; a number of km/s, -10 to 10"),
        ("MAN_DV_3 = 0.00000000", "MAN_DV_3 = none", "MAN_DV_3 is 'none'"),
        ("MAN_DURATION = 0.00 [s]", "MAN_DURATION = 1_0 [s]", "MAN_DURATION is '1_0'"),
        ("2000-06-05T18:59:21.0", "9999-12-31T23:59:59", "is not within the years 1957 to 2199"),
        ("2000-06-05T18:59:21.0", "2001-366T18:59:21.0", "day 366 is not in 2001"),
        ("2000-06-05T18:59:21.0", "2000-06-05T18:59:60", "is no time of day"),
        ("2000-06-05T18:59:21.0", "2000-06-05 18:59", "MAN_EPOCH_IGNITION: '2000-06-05 18:59' is no instant"),
        ("MAN_REF_FRAME = RTN", "MAN_DURATION = 3", "MAN_DURATION stands in line 28, too"),
        ("MAN_REF_FRAME = RTN", "RTN", "'RTN' is no keyword = value"),
    ],
)
def test_a_manoeuvre_is_refused_by_the_line_that_is_wrong_and_the_other_kept(was: str, becomes: str, why: str) -> None:
    spoilt = HEAD + FIRST + SECOND.replace(was, becomes)
    assert spoilt != PRINTED
    file = read_opm(spoilt)
    line = 1 + next(number for number, said in enumerate(spoilt.splitlines()) if becomes in said)
    assert (line, True) in [(one.line_number, why in one.reason) for one in file.bad_lines]
    assert [one.frame for one in file.manoeuvres] == ["EME2000"]
    if was in in_xml(PRINTED):
        assert why in read_opm(in_xml(spoilt)).bad_lines[0].reason


@pytest.mark.parametrize("missing", ["MAN_DURATION", "MAN_REF_FRAME", "MAN_DV_1", "MAN_DV_3"])
def test_what_a_manoeuvre_lacks_is_named_at_its_beginning(missing: str) -> None:
    spoilt = HEAD + "\n".join(line for line in SECOND.splitlines() if not line.startswith(missing))
    for text in (spoilt, in_xml(spoilt)):
        (bad,) = read_opm(text).bad_lines
        assert bad.reason == f"{missing} missing in the manoeuvre"
        assert text.splitlines()[bad.line_number - 1].startswith(("MAN_EPOCH_IGNITION", "<maneuverParameters>"))


@pytest.mark.parametrize(
    ("spoil", "line", "why"),
    [
        (lambda text: text.replace("OBJECT_ID = 2000-028A\n", ""), 1, "OBJECT_ID missing in the metadata"),
        (lambda text: text.replace("= EARTH", "= MARS"), 6, "CENTER_NAME is 'MARS'; only orbits about the EARTH"),
        (lambda text: text.replace("= UTC", "= TDB"), 8, "TIME_SYSTEM is 'TDB'; known are UTC, TAI, TT and GPS"),
        (lambda text: text.partition("\n")[2], 1, "CREATION_DATE stands before CCSDS_OPM_VERS"),
        (lambda text: text.replace("_OPM_", "_OEM_"), 1, "it is an ephemeris (OEM), which tells of no manoeuvre"),
        (lambda _: "", 1, "there is no orbit parameter message (OPM) in it"),
        (lambda _: "<ndm></ndm>", 1, "there is no orbit parameter message (OPM) in it"),
        (lambda text: in_xml(text).replace("</data>", ""), 25, "no XML: mismatched tag"),
    ],
)
def test_a_message_that_cannot_be_followed_tells_of_no_manoeuvre(
    spoil: Callable[[str], str], line: int, why: str
) -> None:
    file = read_opm(spoil(PRINTED))
    assert file.manoeuvres == ()
    assert file.bad_lines[0].line_number == line
    assert why in file.bad_lines[0].reason


def test_what_belongs_to_a_manoeuvre_does_not_stand_before_it() -> None:
    (bad,) = read_opm(HEAD + "MAN_DURATION = 3\n" + SECOND).bad_lines
    assert (bad.line_number, bad.reason) == (17, "MAN_DURATION stands before the first MAN_EPOCH_IGNITION")


@given(st.lists(st.sampled_from([*PRINTED.splitlines(), "CCSDS_OPM_VERS = 3.0", "X = ", "<segment>", ""]), max_size=40))
@settings(max_examples=60)
def test_no_order_of_lines_breaks_the_reader(lines: list[str]) -> None:
    file = read_opm("\n".join(["CCSDS_OPM_VERS = 3.0", *lines]))
    assert all(one.object_name == "EUTELSAT W4" for one in file.manoeuvres)
