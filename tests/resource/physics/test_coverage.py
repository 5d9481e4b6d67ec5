"""Where a beam is promised to fall: contours with their levels, and the roll-off of a spot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.coverage import (
    MAIN_LOBE_EDGE_DB,
    Contour,
    ContourBeam,
    SpotBeam,
    main_lobe_db,
    relative_gain_db,
)
from satcom.resource.physics.satellite_view import SatelliteView


def box(west: float, south: float, east: float, north: float) -> tuple[tuple[float, float], ...]:
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


AFRICA = ContourBeam(
    peak_level_db=52.0,
    contours=(Contour(51.0, ((box(20, -15, 30, -5),),)), Contour(48.0, ((box(10, -25, 40, 5),),))),
)
SPOT = SpotBeam(
    boresight_latitude_deg=-11.0,
    boresight_longitude_deg=27.0,
    half_power_beamwidth_deg=1.5,
    satellite_longitude_deg=17.0,
)


def at(beam: ContourBeam | SpotBeam, latitude_deg: float, longitude_deg: float) -> float:
    return float(relative_gain_db([beam], np.array([latitude_deg]), np.array([longitude_deg]))[0, 0])


def test_a_place_has_the_level_of_the_innermost_contour_around_it() -> None:
    assert at(AFRICA, -10, 25) == pytest.approx(-1.0)
    assert at(AFRICA, -20, 12) == pytest.approx(-4.0)
    assert at(AFRICA, 50, 25) == -np.inf


def test_the_answer_has_one_row_per_beam_and_one_column_per_site() -> None:
    gain_db = relative_gain_db([SPOT, AFRICA, SPOT], np.array([-11.0, -20.0]), np.array([27.0, 12.0]))
    assert gain_db.shape == (3, 2)
    assert gain_db[:, 0] == pytest.approx([0.0, -1.0, 0.0], abs=1e-9)
    assert gain_db[1, 1] == pytest.approx(-4.0)


@pytest.mark.parametrize("ring", [box(170, -10, 190, 10), box(-190, -10, -170, 10), box(170, -10, -170, 10)])
@pytest.mark.parametrize("longitude_deg", [175.0, -175.0, 180.0, -180.0, 185.0])
def test_a_contour_across_the_date_line_covers_both_sides(
    ring: tuple[tuple[float, float], ...], longitude_deg: float
) -> None:
    pacific = ContourBeam(0.0, (Contour(-2.0, ((ring,),)),))
    assert at(pacific, 0, longitude_deg) == pytest.approx(-2.0)
    assert at(pacific, 0, 160) == -np.inf
    assert at(pacific, 0, 0) == -np.inf


def test_a_contour_cut_at_the_date_line_into_two_polygons_covers_both() -> None:
    pacific = ContourBeam(0.0, (Contour(-2.0, ((box(170, -10, 180, 10),), (box(-180, -10, -170, 10),))),))
    for longitude_deg in (175.0, 180.0, -180.0, -175.0):
        assert at(pacific, 0, longitude_deg) == pytest.approx(-2.0)


def test_coordinates_of_a_geojson_multi_polygon_are_a_contour() -> None:
    written = [[[[20, -15], [30, -15], [30, -5], [20, -5], [20, -15]]]]
    assert Contour.of_coordinates(51.0, written) == AFRICA.contours[0]


def test_a_hole_in_a_contour_is_not_covered() -> None:
    ring = ContourBeam(0.0, (Contour(-2.0, ((box(165, -20, -165, 20), box(-178, -5, -172, 5)),)),))
    assert at(ring, 0, -175) == -np.inf
    assert at(ring, 0, 175) == pytest.approx(-2.0)


def test_a_contour_around_the_pole_covers_the_pole() -> None:
    polar = ContourBeam(0.0, (Contour(-3.0, ((((0, 60), (90, 60), (180, 60), (-90, 60), (0, 60)),),)),))
    for longitude_deg in (-170.0, -1.0, 0.0, 45.0, 179.0):
        assert at(polar, 80, longitude_deg) == pytest.approx(-3.0)
        assert at(polar, 50, longitude_deg) == -np.inf


@given(
    west=st.floats(-180, 180),
    width=st.floats(1, 120),
    latitude=st.floats(-9, 9),
    inside=st.floats(0.01, 0.99),
    turns=st.integers(-2, 2),
)
def test_the_turn_in_which_longitudes_are_written_does_not_matter(
    west: float, width: float, latitude: float, inside: float, turns: int
) -> None:
    beam = ContourBeam(0.0, (Contour(-2.0, ((box(west, -10, west + width, 10),),)),))
    assert at(beam, latitude, west + width * inside + 360 * turns) == pytest.approx(-2.0)
    assert at(beam, latitude, west - 1 + 360 * turns) == -np.inf


def test_a_contour_that_crosses_itself_is_refused() -> None:
    bow = ContourBeam(0.0, (Contour(0.0, ((((0, 0), (10, 10), (10, 0), (0, 10), (0, 0)),),)),))
    with pytest.raises(ValueError, match="simple polygon"):
        at(bow, 1, 1)


def test_half_the_beamwidth_off_axis_costs_three_decibels() -> None:
    off_axis_deg = np.array([0.0, 0.75, 1.5])
    assert main_lobe_db(off_axis_deg, np.array(1.5)) == pytest.approx([0.0, -3.0, -12.0])


def test_the_main_lobe_ends_where_s672_puts_its_first_side_lobe() -> None:
    end = 2.58 / 2  # S.672-4: a = 2.58 half-widths for a side-lobe level of -20 dB
    assert main_lobe_db(np.array([end]), np.array(1.0)) == pytest.approx([MAIN_LOBE_EDGE_DB], abs=0.05)
    assert main_lobe_db(np.array([end + 0.01]), np.array(1.0)) == -np.inf


def test_a_degree_seen_from_the_satellite_is_625_km_below_it() -> None:
    below = SpotBeam(0.0, 17.0, 2.0, 17.0)
    degrees_of_longitude = np.degrees(35_786 * np.tan(np.radians(1.0)) / 6378.137)  # flat Earth below the satellite
    assert at(below, 0, 17 + degrees_of_longitude) == pytest.approx(-3.0, abs=0.02)


@given(latitude=st.floats(-80, 80), longitude=st.floats(-180, 180))
def test_a_spot_is_never_stronger_than_at_its_boresight(latitude: float, longitude: float) -> None:
    gain_db = at(SPOT, latitude, longitude)
    assert gain_db == -np.inf or MAIN_LOBE_EDGE_DB <= gain_db <= 0


def test_a_place_behind_the_horizon_of_the_satellite_is_not_covered() -> None:
    wide = SpotBeam(0.0, 17.0, 17.4, 17.0)
    assert np.isfinite(at(wide, 0, 17 + 80))
    assert at(wide, 0, 17 + 83) == -np.inf


def test_what_is_no_place_is_nan_in_every_beam() -> None:
    gain_db = relative_gain_db.or_nan([SPOT, AFRICA], np.array([91.0, np.nan, -11.0]), np.array([25.0, 25.0, np.inf]))
    assert np.isnan(gain_db).all()


def test_an_ellipse_falls_3_db_at_half_of_each_width_along_its_turned_axes() -> None:
    view = SatelliteView(17.0)
    boresight = view.place_deg(2.0, -1.0)
    beam = SpotBeam(float(boresight[0]), float(boresight[1]), 3.0, 17.0, minor_beamwidth_deg=1.0, rotation_deg=30.0)
    for half_width_deg, turned_deg in ((1.5, 30.0), (1.5, 210.0), (0.5, 120.0), (0.5, -60.0)):
        step = half_width_deg * np.array([np.cos(np.radians(turned_deg)), np.sin(np.radians(turned_deg))])
        latitude, longitude = view.place_deg(2.0 + step[0], -1.0 + step[1])
        assert at(beam, float(latitude), float(longitude)) == pytest.approx(-3.0, abs=0.03)  # flat to 0.5 %


@given(rotation=st.floats(-180, 180), latitude=st.floats(-60, 60), longitude=st.floats(-40, 70))
def test_an_ellipse_as_wide_as_long_is_round_however_it_is_turned(
    rotation: float, latitude: float, longitude: float
) -> None:
    turned = SpotBeam(-11.0, 27.0, 1.5, 17.0, minor_beamwidth_deg=1.5, rotation_deg=rotation)
    assert at(turned, latitude, longitude) == pytest.approx(at(SPOT, latitude, longitude))
