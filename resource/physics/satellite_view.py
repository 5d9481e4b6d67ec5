"""The Earth as a satellite sees it: directions from it, the place that a direction meets, and the edge of the Earth.

A direction is an azimuth towards the East and an elevation towards the North, both from the line to the centre of the
Earth: the axes in which payload makers draw beams. From a geostationary satellite the Earth is a disc of 8.7 degrees.
What is drawn on this disc and reaches over its edge is cut there. Places are on the WGS 84 ellipsoid.

Words: ITU Radio Regulations, Appendix 4, B.3.b.1 (contours in a radial projection from the satellite).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from satcom.resource.physics.orbit import (
    EARTH_FLATTENING,
    EARTH_RADIUS_KM,
    GEOSTATIONARY_ALTITUDE_KM,
    Values,
    earth_fixed_km,
)

Array = NDArray[np.float64]
View = Sequence[tuple[float, float]]  # (azimuth, elevation) in degrees

_SEMI_AXES_KM = EARTH_RADIUS_KM * np.array([1.0, 1.0, 1 - EARTH_FLATTENING])
_INSIDE = 0.9999  # of the angle of the edge: a line along it stays on the Earth
_PRECISION_DEG = 1e-4  # 11 m
_STEP_DEG = 0.1  # a straight line on the disc bends on the ground


@dataclass(frozen=True)
class SatelliteView:
    """Where the satellite stands."""

    satellite_longitude_deg: float
    satellite_latitude_deg: float = 0.0
    satellite_altitude_km: float = GEOSTATIONARY_ALTITUDE_KM

    @property
    def position_km(self) -> Array:
        return earth_fixed_km(self.satellite_latitude_deg, self.satellite_longitude_deg, self.satellite_altitude_km)

    def direction_deg(self, latitude_deg: Values, longitude_deg: Values) -> tuple[Array, Array]:
        """Azimuth and elevation of places on the ground; nan where the place is below the horizon or none."""
        places_km = earth_fixed_km(latitude_deg, longitude_deg, 0.0)
        to_place = places_km - self.position_km
        up = places_km / _SEMI_AXES_KM**2
        east, north, down = np.moveaxis(to_place @ self._axes().T, -1, 0)
        seen = np.sum(up * to_place, axis=-1) < 0
        azimuth_deg = np.degrees(np.arctan2(east, down))
        elevation_deg = np.degrees(np.arctan2(north, np.hypot(east, down)))
        return np.where(seen, azimuth_deg, np.nan), np.where(seen, elevation_deg, np.nan)

    def place_deg(self, azimuth_deg: Values, elevation_deg: Values) -> tuple[Array, Array]:
        """Latitude and longitude of the place that a direction meets; nan where it passes the Earth."""
        azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
        towards = np.stack(
            np.broadcast_arrays(
                np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)
            ),
            axis=-1,
        )
        ray, start = towards @ self._axes() / _SEMI_AXES_KM, self.position_km / _SEMI_AXES_KM  # the Earth is a sphere
        along, square = np.sum(ray * start, axis=-1), np.sum(ray * ray, axis=-1)
        inside = along**2 - square * (start @ start - 1)
        with np.errstate(invalid="ignore"):
            way = (-along - np.sqrt(np.where(inside >= 0, inside, np.nan))) / square
        x, y, z = np.moveaxis((start + way[..., None] * ray) * _SEMI_AXES_KM, -1, 0)
        latitude_deg = np.degrees(np.arctan2(z, (1 - EARTH_FLATTENING) ** 2 * np.hypot(x, y)))
        return latitude_deg, np.degrees(np.arctan2(y, x))

    def edge_deg(self, points: int = 720) -> Array:
        """The edge of the Earth: a closed line of (azimuth, elevation), from East over North; shape (points + 1, 2)."""
        start = self.position_km / _SEMI_AXES_KM
        distance = np.linalg.norm(start)
        half_angle = np.arcsin(1 / distance)
        axes = self._axes() / _SEMI_AXES_KM
        down = -start / distance
        east = axes[0] - (axes[0] @ down) * down
        north = np.cross(east / np.linalg.norm(east), down)
        around = np.linspace(0, 2 * np.pi, points + 1)[:, None]
        side = np.cos(around) * east / np.linalg.norm(east) + np.sin(around) * north
        ray = (np.cos(half_angle) * down + np.sin(half_angle) * side) * _SEMI_AXES_KM
        to_east, to_north, to_earth = (ray @ self._axes().T).T
        edge = np.degrees([np.arctan2(to_east, to_earth), np.arctan2(to_north, np.hypot(to_east, to_earth))]).T
        edge[-1] = edge[0]
        return edge * _INSIDE

    def ground_rings(self, area: shapely.Geometry) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Rings of (longitude, latitude) on the ground of what is drawn on the disc, cut at the edge of the Earth.

        Longitudes run on without a jump. Holes are left out.
        """
        seen = shapely.intersection(area, shapely.Polygon(self.edge_deg()))
        rings: list[tuple[tuple[float, float], ...]] = []
        for part in shapely.get_parts(seen):
            if part.geom_type != "Polygon" or part.area == 0:
                continue
            line = shapely.get_coordinates(shapely.segmentize(part.exterior, _STEP_DEG))
            latitude_deg, longitude_deg = self.place_deg(line[:, 0], line[:, 1])
            longitude_deg = np.unwrap(longitude_deg, period=360)
            longitude_deg -= 360 * np.round(longitude_deg.mean() / 360)
            ring = shapely.set_precision(
                shapely.Polygon(np.column_stack([longitude_deg, latitude_deg])), _PRECISION_DEG
            )
            rings += [
                tuple((float(x), float(y)) for x, y in shapely.get_coordinates(one.exterior))
                for one in shapely.get_parts(ring)
                if one.geom_type == "Polygon"
            ]
        return tuple(rings)

    def closed_along_edge(self, line: View, around: View = ()) -> BaseGeometry:
        """The area of a line on the disc that begins and ends at the edge of the Earth, closed along it.

        Of the two areas it is the one that holds the directions `around`, else the smaller one.
        """
        points = np.asarray(line, dtype=np.float64)
        bearing = np.arctan2(points[[-1, 0], 1], points[[-1, 0], 0])
        areas = []
        for turn in (1, -1):
            span = (turn * (bearing[1] - bearing[0])) % (2 * np.pi)
            bearings = bearing[0] + turn * np.linspace(0, span, 2 + int(span / np.radians(1)))
            edge = self.edge_deg()
            at = bearings % (2 * np.pi) * 360 / np.pi
            along = [[np.interp(one, np.arange(721), edge[:, axis]) for axis in (0, 1)] for one in at]
            areas.append(shapely.make_valid(shapely.Polygon([*points, *along])))
        hits = [sum(bool(shapely.intersects_xy(area, *one)) for one in around) for area in areas]
        best = min(range(2), key=lambda one: (-hits[one], areas[one].area))
        return areas[best]

    def _axes(self) -> Array:
        """Unit vectors East, North and down to the centre of the Earth, as rows."""
        down = -self.position_km / np.linalg.norm(self.position_km)
        longitude = np.radians(self.satellite_longitude_deg)
        east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
        return np.stack([east, np.cross(east, down), down])
