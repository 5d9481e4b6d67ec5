"""Levels on a grid: what a contour encloses is at least its level, and a table is read or refused by its lines."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.coverage import SpotBeam, relative_gain_db
from satcom.resource.physics.level_grid import LevelGrid, grid_contours, read_level_grid, without_holes

STEPS_DB = (-1.0, -3.0, -6.0)


def a_spot(boresight_longitude_deg: float, satellite_longitude_deg: float, latitude_deg: float = 5.0) -> LevelGrid:
    """EIRP of a spot of 52 dBW and 3 degrees."""
    beam = SpotBeam(latitude_deg, boresight_longitude_deg, 3.0, satellite_longitude_deg)
    latitude = np.arange(-30, 40.01, 0.5)
    longitude = boresight_longitude_deg + np.arange(-40, 40.01, 0.5)
    rows, columns = np.meshgrid(latitude, longitude, indexing="ij")
    level = 52 + relative_gain_db([beam], rows.ravel(), columns.ravel())[0].reshape(rows.shape)
    return LevelGrid(latitude, longitude, level)


def as_table(grid: LevelGrid, turn: bool = False) -> str:
    rows = ["lat,lon,eirp_dbw"]
    for latitude, levels in zip(grid.latitude_deg, grid.level, strict=True):
        for longitude, level in zip(grid.longitude_deg, levels, strict=True):
            east = (longitude + 180) % 360 - 180 if turn else longitude
            rows.append(f"{latitude:g},{east:g},{level:.4f}" if np.isfinite(level) else f"{latitude:g},{east:g},")
    return "\n".join(rows)


@given(places=st.lists(st.tuples(st.floats(-25, 35), st.floats(-15, 55)), min_size=1, max_size=30))
@settings(max_examples=30)
def test_a_contour_of_a_grid_promises_no_more_than_the_beam_has(places: list[tuple[float, float]]) -> None:
    grid = a_spot(20.0, 17.0)
    latitude, longitude = np.array(places).T
    promised = relative_gain_db([grid_contours(grid, STEPS_DB)], latitude, longitude)[0]
    there = relative_gain_db([SpotBeam(5.0, 20.0, 3.0, 17.0)], latitude, longitude)[0]
    assert (promised <= there + 0.1).all()  # half a degree of grid, thinned by 0.02 degrees
    kept = [next((step for step in STEPS_DB if step <= one - 0.2), -np.inf) for one in there]
    assert (promised >= kept).all()


def test_a_grid_across_the_date_line_is_one_area_however_its_longitudes_are_written() -> None:
    grid = a_spot(180.0, 170.0)
    for turn in (False, True):
        read = read_level_grid(as_table(grid, turn)).grid
        assert read is not None
        assert np.diff(read.longitude_deg) == pytest.approx(np.full(160, 0.5))
        beam = grid_contours(read, STEPS_DB)
        level_db = relative_gain_db([beam], np.array([5.0, 5.0]), np.array([178.0, -178.0]))[0]
        assert level_db == pytest.approx([-1.0, -1.0])
        assert len(beam.contours[0].polygons) == 1


def test_a_beam_half_off_the_earth_gives_a_closed_contour_at_the_horizon() -> None:
    beam = SpotBeam(0.0, 95.0, 3.0, 17.0)
    latitude, longitude = np.arange(-40, 40.1, 1.0), np.arange(40, 130.1, 1.0)
    rows, columns = np.meshgrid(latitude, longitude, indexing="ij")
    level = relative_gain_db([beam], rows.ravel(), columns.ravel())[0].reshape(rows.shape)
    contours = grid_contours(LevelGrid(latitude, longitude, level), (-3.0,)).contours
    (ring,) = contours[0].polygons[0]
    assert ring[0] == ring[-1]
    assert max(one[0] for one in ring) < 17 + 82.5


def test_a_hole_is_not_promised() -> None:
    latitude = longitude = np.arange(-10, 10.1, 0.5)
    rows, columns = np.meshgrid(latitude, longitude, indexing="ij")
    ring = -np.abs(np.hypot(rows, columns) - 5)  # highest on a circle, low in the middle
    beam = grid_contours(LevelGrid(latitude, longitude, ring), (-2.0,))
    level_db = relative_gain_db([beam], np.array([0.0, 5.0, 0.0]), np.array([0.0, 0.0, 4.0]))[0]
    assert level_db == pytest.approx([-np.inf, -2.0, -2.0])
    assert all(len(polygon) == 1 for contour in beam.contours for polygon in contour.polygons)


def test_cutting_holes_away_keeps_the_area() -> None:
    holed = shapely.Point(0, 0).buffer(10).difference(shapely.MultiPoint([(-4, 0), (4, 1), (0, 5)]).buffer(1.5))
    parts = without_holes(holed)
    assert sum(part.area for part in parts) == pytest.approx(holed.area)
    assert not any(part.interiors for part in parts)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("lat,lon\n1,2", 1, "no column for the level"),
        ("", 1, "no column"),
        ("lat,lon,level\n1,2,x", 2, "no three numbers"),
        ("lat,lon,level\n1,2,50\n91,2,50", 3, "latitude -90 to 90 deg"),
        ("lat,lon,level\nnan,2,50", 2, "latitude -90 to 90 deg"),
        ("lat,lon,level\n1,2,50\n1,2,51", 3, "twice"),
        ("lat,lon,level\n1,2,50\n1,3,51\n2,2,50", 1, "is missing"),
        ("lat,lon,level\n1,2,inf", 2, "no dB"),
        ("lat;lon;level\n1;2;50", 1, "two latitudes"),
    ],
)
def test_a_table_that_is_no_grid_is_refused_by_its_line(text: str, line: int, why: str) -> None:
    file = read_level_grid(text)
    assert file.grid is None
    assert file.bad_lines[0].line_number == line
    assert why in file.bad_lines[0].reason


def test_a_grid_without_a_level_has_no_contours() -> None:
    empty = LevelGrid(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="no level"):
        grid_contours(empty, STEPS_DB)
    with pytest.raises(ValueError, match="below the peak"):
        grid_contours(a_spot(20.0, 17.0), (3.0,))
