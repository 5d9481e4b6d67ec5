"""Element sets in every notation, against each other and against the reader of `sgp4`; what a bad file is told."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sgp4 import omm as peer
from sgp4.api import Satrec

from satcom.resource.physics.element_files import notation_of, read_elements
from satcom.resource.physics.ndm_time import ndm_instant
from satcom.resource.physics.orbit import Elements, satellite_positions_km, sgp4_record

DATA = Path(__file__).parents[2] / "data" / "elements"  # CelesTrak, 2026-08-22
CSV, TLE = (DATA / "sample_omm.csv").read_text(), (DATA / "sample.tle").read_text()
ROWS = list(csv.DictReader(io.StringIO(CSV)))
METADATA = ("OBJECT_NAME", "OBJECT_ID")
OF_LINES = (
    "EPHEMERIS_TYPE",
    "CLASSIFICATION_TYPE",
    "NORAD_CAT_ID",
    "ELEMENT_SET_NO",
    "REV_AT_EPOCH",
    "BSTAR",
    "MEAN_MOTION_DOT",
    "MEAN_MOTION_DDOT",
)
TEN_METRES_KM = 0.01  # the last digits of two lines
ONE_MILLIMETRE_KM = 1e-6


def as_csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(rows: Sequence[Mapping[str, str]]) -> str:
    texts = (*METADATA, "EPOCH", "CLASSIFICATION_TYPE")
    return json.dumps(
        [{k: v if k in texts else float(v) if "." in v else int(v) for k, v in row.items()} for row in rows]
    )


def as_kvn(rows: Sequence[Mapping[str, str]]) -> str:
    units = {"MEAN_MOTION": " [rev/day]", "INCLINATION": " [deg]", "BSTAR": " [1/ER]"}
    head = "CCSDS_OMM_VERS = 2.0\nCREATION_DATE = 2026-08-22T20:39:00\nORIGINATOR = TEST\nCOMMENT one satellite\n"
    fixed = "CENTER_NAME = EARTH\nREF_FRAME = TEME\nTIME_SYSTEM = UTC\nMEAN_ELEMENT_THEORY = SGP4\n"
    return "\n".join(
        head + fixed + "".join(f"{key} = {value}{units.get(key, '')}\n" for key, value in row.items()) for row in rows
    )


def as_xml(rows: Sequence[Mapping[str, str]]) -> str:
    def leaves(row: Mapping[str, str], wanted: Callable[[str], bool]) -> str:
        return "\n".join(f"<{key}>{value.replace('&', '&amp;')}</{key}>" for key, value in row.items() if wanted(key))

    segments = "\n".join(
        f"<omm><body><segment>\n<metadata>{leaves(row, lambda key: key in METADATA)}</metadata>\n<data><meanElements>"
        f"{leaves(row, lambda key: key not in METADATA + OF_LINES)}</meanElements>\n<tleParameters>"
        f"{leaves(row, lambda key: key in OF_LINES)}</tleParameters></data></segment></body></omm>"
        for row in rows
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ndm>\n{segments}\n</ndm>\n'


NOTATIONS = {"OMM/CSV": as_csv, "OMM/JSON": as_json, "OMM/KVN": as_kvn, "OMM/XML": as_xml}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_holds_the_same_satellites_also_those_without_two_lines(notation: str) -> None:
    text = NOTATIONS[notation](ROWS)
    assert notation_of(text) == notation
    file = read_elements(text)
    assert file.bad_lines == ()
    assert file.elements == read_elements(CSV).elements
    assert {one.norad_id for one in file.elements if one.norad_id > 99_999} >= {100_140, 100_172, 100_270}


def test_a_message_and_two_lines_of_the_same_satellite_give_the_same_place() -> None:
    of_lines = {one.norad_id: one for one in read_elements(TLE).elements}
    pairs = [(of_lines[one.norad_id], one) for one in read_elements(CSV).elements if one.norad_id in of_lines]
    assert len(pairs) == 6
    for hours in (0, 24, 72):
        at = pairs[0][1].epoch + timedelta(hours=hours)
        ours, theirs = (satellite_positions_km([pair[side] for pair in pairs], at) for side in (0, 1))
        assert np.linalg.norm(ours - theirs, axis=1).max() < TEN_METRES_KM


def test_the_reader_of_sgp4_propagates_the_same_orbits() -> None:
    fields = [one for one in ROWS if int(one["NORAD_CAT_ID"]) < 340_000]
    for row, one in zip(fields, read_elements(as_csv(fields)).elements, strict=True):
        theirs = Satrec()
        peer.initialize(theirs, row)
        for minutes in (0.0, 90.0, 1440.0):
            assert np.allclose(
                sgp4_record(one).sgp4_tsince(minutes)[1], theirs.sgp4_tsince(minutes)[1], rtol=0, atol=ONE_MILLIMETRE_KM
            )


def test_a_number_that_sgp4_cannot_hold_is_propagated_all_the_same() -> None:
    (small,), (large,) = (
        read_elements(as_csv([ROWS[0] | {"NORAD_CAT_ID": number}])).elements for number in ("5", "799500000")
    )
    assert large.norad_id == 799_500_000
    at = small.epoch + timedelta(days=1)
    assert np.array_equal(satellite_positions_km([small], at), satellite_positions_km([large], at))


FAULTS = {
    "MEAN_MOTION": ("0", "MEAN_MOTION is 0, it lies between 0.05 and 18 rev/day"),
    "ECCENTRICITY": ("1.2", "ECCENTRICITY is 1.2, it lies between 0 and 0.999999"),
    "INCLINATION": ("nan", "INCLINATION is nan, it lies between 0 and 180 deg"),
    "RA_OF_ASC_NODE": ("east", "RA_OF_ASC_NODE is 'east', which is no number"),
    "MEAN_ANOMALY": ("", "MEAN_ANOMALY is missing"),
    "EPOCH": ("2026-13-01T00:00:00", "EPOCH: month must be in 1..12"),
    "NORAD_CAT_ID": ("-3", "NORAD_CAT_ID is '-3', it is a number up to 999999999"),
    "EPHEMERIS_TYPE": ("4", "EPHEMERIS_TYPE is 4, SGP4 needs 0 or 2"),
}


@pytest.mark.parametrize("notation", ["OMM/CSV", "OMM/KVN", "OMM/XML"])
@pytest.mark.parametrize("keyword", FAULTS)
def test_a_bad_message_is_told_by_line_and_reason_and_the_others_are_kept(notation: str, keyword: str) -> None:
    value, reason = FAULTS[keyword]
    text = NOTATIONS[notation]([*ROWS[:2], ROWS[2] | {keyword: value}, *ROWS[3:]])
    file = read_elements(text)
    assert [one.norad_id for one in file.elements] == [int(row["NORAD_CAT_ID"]) for row in (*ROWS[:2], *ROWS[3:])]
    (bad,) = file.bad_lines
    assert bad.reason.startswith(reason)
    line = text.splitlines()[bad.line_number - 1]
    assert line.startswith(ROWS[2]["OBJECT_NAME"]) if notation == "OMM/CSV" else keyword in line or value == ""


def test_faults_of_the_file_itself_are_told_by_line() -> None:
    def reasons(text: str) -> list[tuple[int, str]]:
        return [(bad.line_number, bad.reason) for bad in read_elements(text).bad_lines]

    lines = CSV.splitlines()
    assert reasons("\n".join([*lines[:3], lines[3] + ",more", *lines[4:]])) == [(4, "18 values, the header has 17")]
    assert reasons(as_json(ROWS)[:-30])[0][1].startswith("no JSON")
    assert reasons("[1, 2]") == [(1, "an entry is no object"), (1, "an entry is no object")]
    assert reasons(as_xml(ROWS)[:-30])[0][1].startswith("no XML")
    assert reasons('<!DOCTYPE x [<!ENTITY e "e">]><ndm/>')[0][1].startswith("no XML: a document type declaration")
    wrong_unit = as_kvn(ROWS[:1]).replace("[rev/day]", "[deg/s]")
    assert [reason for _, reason in reasons(wrong_unit)] == [
        "MEAN_MOTION is in deg/s, it should be in rev/day",
        "MEAN_MOTION is missing",
    ]
    assert reasons("once upon a time")[0][1].startswith("unknown format; known are two-line elements")
    assert reasons("CCSDS_OEM_VERS = 2.0\n")[0][1].startswith("it is an ephemeris")
    assert reasons("") == [(1, reasons("x")[0][1])]


def test_two_lines_of_absurd_values_are_refused_though_their_checksums_are_right() -> None:
    name, first, second = TLE.splitlines()[:3]
    absurd = _with_checksum(second[:8] + "200.0000" + second[16:68])
    file = read_elements(f"{name}\n{first}\n{absurd}\n")
    assert file.elements == ()
    assert [bad.line_number for bad in file.bad_lines] == [3, 2]
    assert file.bad_lines[0].reason == "INCLINATION is 200, it lies between 0 and 180 deg"


def test_an_orbit_through_the_ground_is_refused() -> None:
    row = ROWS[0] | {"MEAN_MOTION": "15.5", "ECCENTRICITY": ".3"}
    assert "below the ground" in read_elements(as_csv([row])).bad_lines[0].reason


def test_all_epochs_of_a_satellite_are_kept_doubles_once_and_contradictions_are_refused() -> None:
    older = ROWS[0] | {"EPOCH": "2026-08-20T00:00:00.000000"}
    other = ROWS[0] | {"INCLINATION": "9.9"}
    file = read_elements(as_csv([ROWS[0], older, ROWS[0], other]))
    assert [one.epoch.day for one in file.elements] == [int(ROWS[0]["EPOCH"][8:10]), 20]
    assert file.doubles == 1
    assert [(bad.line_number, bad.reason) for bad in file.bad_lines] == [
        (5, f"satellite {ROWS[0]['NORAD_CAT_ID']} has another set of the same epoch in line 2")
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-08-22T13:33:35.991360", datetime(2026, 8, 22, 13, 33, 35, 991360, UTC)),
        ("2026-234T13:33:35Z", datetime(2026, 8, 22, 13, 33, 35, 0, UTC)),
        ("2026-12-31T23:59:60", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_instants_are_read_by_calendar_and_by_day_of_the_year(text: str, instant: datetime) -> None:
    assert ndm_instant(text) == instant


@given(
    text=st.text(max_size=300)
    | st.sampled_from(sorted(NOTATIONS)).flatmap(lambda name: _cut(NOTATIONS[name](ROWS[:3])))
)
def test_whatever_is_read_nothing_is_raised_and_only_whole_sets_come_out(text: str) -> None:
    file = read_elements(text)
    assert all(isinstance(one, Elements) and one.norad_id > 0 for one in file.elements)
    assert all(bad.line_number >= 1 and bad.reason for bad in file.bad_lines)
    assert file.elements or file.bad_lines or text.count("\n") < 2 or not text.strip() or notation_of(text)


def _cut(text: str) -> st.SearchStrategy[str]:
    """The text with a piece of it replaced."""
    place = st.integers(0, len(text))
    return st.builds(lambda a, b, new: text[: min(a, b)] + new + text[max(a, b) :], place, place, st.text(max_size=5))


def _with_checksum(line: str) -> str:
    return line + str(sum(int(sign) if sign.isdigit() else sign == "-" for sign in line) % 10)
