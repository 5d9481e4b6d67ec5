"""A map around a place: the way back, the area of what is drawn, and no edge at date line and poles."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from satcom.resource.physics.map_projection import MapProjection

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(centre=places, place=places)
def test_a_point_of_the_paper_is_the_place_it_was_drawn_from(
    centre: tuple[float, float], place: tuple[float, float]
) -> None:
    projection = MapProjection(*centre)
    x, y = projection.to_paper(*place)
    assume(np.isfinite(x) and np.hypot(x, y) < 114)  # 2 radians are the whole world
    latitude, longitude = projection.to_earth(x, y)
    assert latitude == pytest.approx(place[0], abs=1e-5)
    apart = ((longitude - place[1] + 180) % 360 - 180) * np.cos(np.radians(place[0]))
    assert apart == pytest.approx(0, abs=1e-5)


@given(centre=places, west=st.floats(-180, 180), south=st.floats(-80, 70))
def test_areas_are_kept_wherever_the_centre_is(centre: tuple[float, float], west: float, south: float) -> None:
    projection = MapProjection(*centre)
    box = shapely.segmentize(shapely.box(west, south, west + 10, south + 10), 0.25)
    longitude, latitude = shapely.get_coordinates(box).T
    x, y = projection.to_paper(latitude, longitude)
    assume(np.isfinite(x).all() and np.hypot(x, y).max() < 100)
    height = np.sin(np.radians(south + 10)) - np.sin(np.radians(south))
    assert shapely.Polygon(np.column_stack([x, y])).area == pytest.approx(10 * np.degrees(height), rel=2e-4)


def test_snyders_example_of_the_sphere() -> None:
    x, y = MapProjection(40.0, -100.0).to_paper(-20.0, 100.0)  # page 332: R = 3, x = -4.2339303, y = 4.0257775
    assert np.radians([x, y]) * 3 == pytest.approx([-4.2339303, 4.0257775], abs=1e-6)


def test_beyond_the_edge_of_the_world_there_is_no_place() -> None:
    assert np.isnan(MapProjection(0.0, 0.0).to_earth(115.0, 0.0)).all()
    assert np.isnan(MapProjection(0.0, 0.0).to_paper(0.0, 180.0)).all()
