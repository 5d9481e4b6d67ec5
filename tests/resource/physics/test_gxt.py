"""GXT files: what is filed comes in, and every line that is not used is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.coverage import relative_gain_db
from satcom.resource.physics.gxt import contour_beam, read_gxt, read_gxt_of_directions
from satcom.resource.physics.satellite_view import SatelliteView

HEAD = """[FormatInfo]
format_ver=1

[GeoMain]
ntc_id=1
adm=XAA
sat_name=BAOBAB-17E
long_nom=17.00
n_diag=1

[COHeader]
beam_id=KUS
emi_rcp=E
polar_disc=C
reason=C
n_bore=1
n_cont=2

[B1]
gain=38.50
p=24.0000;-12.0000
"""
CONTOURS = """[C1]
gain=-2.00
n_point=5
P1=20.0;-8.0
P2=28.0;-8.0
P3=28.0;-16.0
P4=20.0;-16.0
P5=20.0;-8.0
[C2]
gain=-4.00
n_point=5
p1=16.0;-4.0
p2=32.0;-4.0
p3=32.0;-20.0
p4=16.0;-20.0
p5=16.0;-4.0
"""


def level_db(text: str, latitude_deg: float, longitude_deg: float) -> float:
    file = read_gxt(text)
    assert file.bad_lines == ()
    beam = contour_beam(file, file.diagram())
    return float(relative_gain_db([beam], np.array([latitude_deg]), np.array([longitude_deg]))[0, 0])


def a_contour(points: list[tuple[float, float]], gain_db: float = -2.0, number: int = 1) -> str:
    lines = [f"[C{number}]", f"gain={gain_db:.2f}", f"n_point={len(points)}"]
    return "\n".join([*lines, *(f"p{row}={x:.4f};{y:.4f}" for row, (x, y) in enumerate(points, start=1)), ""])


def of_one(text: str) -> str:
    return HEAD.replace("n_cont=2", "n_cont=1") + text


def test_the_beam_of_a_file_has_its_peak_boresight_and_contours() -> None:
    file = read_gxt(HEAD + CONTOURS)
    assert (file.satellite_name, file.satellite_longitude_deg, file.bad_lines) == ("BAOBAB-17E", 17.0, ())
    diagram = file.diagram("kus")
    assert (diagram.receives, diagram.co_polar, diagram.peak_gain_dbi) == (False, True, 38.5)
    assert diagram.boresights == ((24.0, -12.0),)
    assert [one.gain_db for one in diagram.contours] == [-2.0, -4.0]
    assert all(one.closed for one in diagram.contours)
    assert level_db(HEAD + CONTOURS, -12, 24) == -2.0
    assert level_db(HEAD + CONTOURS, -18, 30) == -4.0
    assert level_db(HEAD + CONTOURS, 10, 30) == -np.inf


def test_a_file_with_several_beams_is_asked_which() -> None:
    two = (HEAD + CONTOURS).replace("n_diag=1", "n_diag=2") + HEAD[HEAD.index("[COHeader]") :].replace("KUS", "KUN")
    file = read_gxt(two.replace("n_cont=2", "n_cont=0", 0) + CONTOURS)
    assert [one.beam_id for one in file.diagrams] == ["KUS", "KUN"]
    with pytest.raises(ValueError, match="several beams; the file has KUS, KUN"):
        file.diagram()
    with pytest.raises(ValueError, match="no beam 'KUX'; the file has KUS, KUN"):
        file.diagram("KUX")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("long_nom=17.00", "", "[GeoMain] has no long_nom"),
        ("long_nom=17.00", "long_nom=197", "long_nom is not -180 to 180 deg: 197"),
        ("long_nom=17.00", "long_nom=nan", "long_nom is no number"),
        ("beam_id=KUS", "", "[COHeader] has no beam_id"),
        ("emi_rcp=E", "emi_rcp=Q", "emi_rcp is 'Q', not E or R"),
        ("n_cont=2", "n_cont=3", "n_cont is 3, and there are 2"),
        ("gain=-2.00", "gain=2.00", "gain is 2 dB: a contour lies below the greatest gain"),
        ("gain=-2.00", "", "[C1] has no gain"),
        ("gain=-2.00", "gain=low", "gain is no number: 'low'"),
        ("P3=28.0;-16.0", "P3=28.0,-16.0", "P3 is no point".lower()),
        ("P3=28.0;-16.0", "P3=28.0;-96.0", "p3: the latitude is not -90 to 90 deg: -96"),
        ("P3=28.0;-16.0", "P7=28.0;-16.0", "p7 where p3 was due"),
        ("P3=28.0;-16.0", "", "p4 where p3 was due"),
        ("n_point=5", "n_point=4", "n_point is 4, and there are 5 points"),
        ("reason=C", "reason C", "it is no [section] and no key=value"),
        ("sat_name=BAOBAB-17E", "sat_name=A\nsat_name=B", "sat_name is there twice"),
    ],
)
def test_a_line_that_is_wrong_is_told_with_its_number(old: str, new: str, why: str) -> None:
    good = HEAD + CONTOURS
    text = good.replace(old, new, 1)
    bad = read_gxt(text).bad_lines
    assert any(why in one.reason for one in bad), bad
    where = next(one.line_number for one in bad if why in one.reason)
    near = good[: good.index(old)].count("\n") + 1
    assert abs(where - near) <= 9  # a missing key is told at its section


def test_one_bad_contour_does_not_lose_the_other() -> None:
    file = read_gxt(HEAD + CONTOURS.replace("n_point=5", "n_point=9", 1))
    assert [one.gain_db for one in file.diagram().contours] == [-4.0]
    assert len(file.bad_lines) == 1


@pytest.mark.parametrize("text", ["", "hello", "<xml/>", "[COHeader]\nbeam_id=A", "\0\x01", "[C1]\np1=1;2"])
def test_what_is_no_gxt_is_said_and_never_a_crash(text: str) -> None:
    file = read_gxt(text)
    assert file.diagrams == ()
    assert any("GeoMain" in one.reason for one in file.bad_lines)


@given(text=st.text(alphabet="[]=;.-0123456789pPcCbBgainCOHeaderGMn_oitl\n", max_size=300))
def test_no_text_makes_the_reader_crash(text: str) -> None:
    read_gxt(HEAD + text)


def test_a_service_area_in_the_same_file_is_told_and_left_out() -> None:
    file = read_gxt(HEAD + CONTOURS + "[SAHeader]\nsa_id=1\n[SR1]\nn_point=1\np1=1;2\n")
    assert [one.reason for one in file.bad_lines] == ["a service area is not read"]
    assert len(file.diagram().contours) == 2


def test_a_contour_that_crosses_itself_is_refused_by_its_line() -> None:
    file = read_gxt(of_one(a_contour([(20, -8), (28, -16), (28, -8), (20, -16), (20, -8)])))
    with pytest.raises(ValueError, match=r"^line 22: the contour of -2 dB: .*Self-intersection"):
        contour_beam(file, file.diagram())


def test_an_open_contour_is_closed_along_the_edge_on_the_side_of_its_boresight() -> None:
    view = SatelliteView(17.0)
    latitude, longitude = view.place_deg(np.full(41, 5.0), np.linspace(-7.1, 7.1, 41))
    line = list(zip(longitude.tolist(), latitude.tolist(), strict=True))
    east = of_one(a_contour(line)).replace("p=24.0000;-12.0000", "p=70.0;0.0")
    assert level_db(east, 0, 80) == -2.0
    assert level_db(east, 0, 20) == -np.inf
    west = of_one(a_contour(line)).replace("p=24.0000;-12.0000", "p=0.0;0.0")
    assert level_db(west, 0, 20) == -2.0
    assert level_db(west, 0, 80) == -np.inf


def test_directions_from_the_satellite_are_taken_to_the_ground() -> None:
    view = SatelliteView(17.0)
    turn = np.radians(np.arange(0, 361, 5))
    circle = list(zip((1 + 0.5 * np.cos(turn)).tolist(), (-2 + 0.5 * np.sin(turn)).tolist(), strict=True))
    file = read_gxt_of_directions(of_one(a_contour(circle)).replace("p=24.0000;-12.0000", "p=1.0;-2.0"))
    beam = contour_beam(file, file.diagram())
    middle = view.place_deg(1.0, -2.0)
    assert file.diagram().boresights[0] == pytest.approx((float(middle[1]), float(middle[0])))
    for off_deg, level in ((0.48, -2.0), (0.52, -np.inf)):
        latitude, longitude = view.place_deg(1 + off_deg * np.cos(turn), -2 + off_deg * np.sin(turn))
        assert (relative_gain_db([beam], latitude, longitude) == level).all()


def test_directions_beyond_the_edge_are_cut_off() -> None:
    turn = np.radians(np.arange(0, 361, 5))
    circle = list(zip((8.5 + np.cos(turn)).tolist(), np.sin(turn).tolist(), strict=True))
    file = read_gxt_of_directions(of_one(a_contour(circle)).replace("p=24.0000;-12.0000", "p=9.5;0.0"))
    assert file.diagram().boresights == ()
    beam = contour_beam(file, file.diagram())
    assert relative_gain_db([beam], np.array([0.0]), np.array([85.0]))[0, 0] == -2.0
    beside = read_gxt_of_directions(of_one(a_contour([(x + 5, y) for x, y in circle])))
    with pytest.raises(ValueError, match="no contour on the Earth"):
        contour_beam(beside, beside.diagram())
