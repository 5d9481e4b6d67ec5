"""What a satellite sees: held against Skyfield's geometry, against the way back, and against the known disc."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from satcom.resource.physics.orbit import slot_angles
from satcom.resource.physics.satellite_view import SatelliteView

SLOT = SatelliteView(17.0)
places = st.tuples(st.floats(-80, 80), st.floats(-180, 180))


@given(place=places, slot=st.floats(-180, 180))
def test_the_place_of_a_direction_is_the_place_it_was_taken_to(place: tuple[float, float], slot: float) -> None:
    view = SatelliteView(slot)
    azimuth_deg, elevation_deg = view.direction_deg(*place)
    seen = slot_angles(slot, *place, 0.0).elevation_deg[0, 0]
    assert np.isfinite(azimuth_deg) == (seen > 0)
    assume(seen > 0.5)
    latitude_deg, longitude_deg = view.place_deg(azimuth_deg, elevation_deg)
    assert latitude_deg == pytest.approx(place[0], abs=1e-6)
    assert (longitude_deg - place[1] + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_the_earth_is_a_disc_of_8_7_degrees_a_little_flat_at_the_poles() -> None:
    edge = SLOT.edge_deg()
    assert np.abs(edge[:, 0]).max() == pytest.approx(np.degrees(np.arcsin(6378.137 / 42164.137)), abs=0.002)
    assert np.abs(edge[:, 1]).max() == pytest.approx(8.67, abs=0.01)


def test_the_edge_is_where_the_satellite_stands_on_the_horizon() -> None:
    azimuth_deg, elevation_deg = SLOT.edge_deg(36).T
    latitude_deg, longitude_deg = SLOT.place_deg(azimuth_deg, elevation_deg)
    elevation = slot_angles(17.0, latitude_deg, longitude_deg, 0.0).elevation_deg[0]
    assert (elevation > 0).all()
    assert elevation.max() < 1.3  # 0.9999 of the angle
    outside = SLOT.place_deg(azimuth_deg * 1.001, elevation_deg * 1.001)
    assert np.isnan(outside).all()


@given(latitude=st.floats(-60, 60), altitude_km=st.floats(400, 20_000), azimuth=st.floats(-10, 10))
def test_a_low_satellite_sees_the_place_below_it_straight_down(
    latitude: float, altitude_km: float, azimuth: float
) -> None:
    view = SatelliteView(-170.0, latitude, altitude_km)
    assert view.direction_deg(latitude, -170.0) == pytest.approx((0.0, 0.0), abs=0.2)  # down is to the centre
    there = view.place_deg(azimuth, 0.0)
    assert view.direction_deg(*there) == pytest.approx((azimuth, 0.0), abs=1e-6)


def test_a_beam_half_off_the_earth_is_cut_at_its_edge() -> None:
    beam = shapely.Point(8.7, 0.0).buffer(1.0)
    (ring,) = SLOT.ground_rings(beam)
    longitude_deg, latitude_deg = np.array(ring).T
    assert ring[0] == ring[-1]
    assert np.isfinite(longitude_deg).all()
    assert longitude_deg.max() < 17 + 81.5
    assert shapely.Polygon(ring).is_valid
    assert slot_angles(17.0, latitude_deg, longitude_deg, 0.0).elevation_deg.min() > 0


def test_a_beam_beside_the_earth_has_no_ground() -> None:
    assert SLOT.ground_rings(shapely.Point(12.0, 0.0).buffer(1.0)) == ()


def test_a_ring_over_the_date_line_runs_on() -> None:
    (ring,) = SatelliteView(180.0).ground_rings(shapely.Point(0.0, 0.0).buffer(2.0))
    assert np.abs(np.diff(np.array(ring)[:, 0])).max() < 10


@pytest.mark.parametrize("around", [[(8.4, 0.0)], []])
def test_an_open_line_is_closed_along_the_edge(around: list[tuple[float, float]]) -> None:
    edge = shapely.Polygon(SLOT.edge_deg())
    whole = shapely.intersection(shapely.Point(8.7, 0.0).buffer(1.0, quad_segs=256), edge)
    turn = np.radians(np.arange(60, 301, 0.25))
    circle = np.column_stack([8.7 + np.cos(turn), np.sin(turn)])
    line = circle[shapely.intersects_xy(edge, *circle.T)].tolist()  # from the North, along the inner side
    closed = SLOT.closed_along_edge(line, around)
    assert closed.area == pytest.approx(whole.area, rel=0.02)
    assert shapely.symmetric_difference(closed, whole).area < 0.03 * whole.area


def test_an_open_line_takes_the_side_of_its_boresight() -> None:
    line = [(-3.0, 8.1), (-3.0, 0.0), (-3.0, -8.1)]
    small, large = SLOT.closed_along_edge(line), SLOT.closed_along_edge(line, [(2.0, 0.0)])
    assert small.area + large.area == pytest.approx(shapely.Polygon(SLOT.edge_deg()).area, rel=0.01)
    assert large.area > 2 * small.area
