"""Map projections: the Earth on paper around a place, areas kept, or the whole of it on a rectangle.

Lambert's azimuthal equal-area projection on the sphere: the centre is undistorted, so a map centred on its coverage
looks right anywhere, at the poles and across the date line too. Lengths are in degrees at the centre. What covers the
whole world goes on the equidistant cylindrical projection: degrees as they are.

Source: Snyder, Map Projections: A Working Manual (USGS Professional Paper 1395), chapter 24, sphere, oblique aspect,
and chapter 12.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MapProjection:
    """Around this place."""

    name: ClassVar = "Lambert azimuthal equal-area"
    latitude_deg: float
    longitude_deg: float

    def to_paper(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> tuple[Array, Array]:
        """x to the East and y to the North; the point opposite of the centre is far away in no direction: nan."""
        latitude = np.radians(np.asarray(latitude_deg, dtype=np.float64))
        turn = np.radians(np.asarray(longitude_deg, dtype=np.float64) - self.longitude_deg)
        centre = np.radians(self.latitude_deg)
        towards = np.sin(centre) * np.sin(latitude) + np.cos(centre) * np.cos(latitude) * np.cos(turn)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.degrees(np.sqrt(2 / np.where(towards > -1 + 1e-12, 1 + towards, np.nan)))
        x = scale * np.cos(latitude) * np.sin(turn)
        y = scale * (np.cos(centre) * np.sin(latitude) - np.sin(centre) * np.cos(latitude) * np.cos(turn))
        return x, y

    def to_earth(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Latitude and longitude of a point of the paper; nan beyond the edge of the world."""
        right, up = np.radians(np.asarray(x, dtype=np.float64)), np.radians(np.asarray(y, dtype=np.float64))
        radius = np.hypot(right, up)
        centre = np.radians(self.latitude_deg)
        with np.errstate(invalid="ignore", divide="ignore"):
            angle = 2 * np.arcsin(np.where(radius <= 2, radius / 2, np.nan))
            share = np.where(radius > 0, up / radius, 0.0)
        latitude = np.arcsin(np.clip(np.cos(angle) * np.sin(centre) + share * np.sin(angle) * np.cos(centre), -1, 1))
        along = radius * np.cos(centre) * np.cos(angle) - up * np.sin(centre) * np.sin(angle)
        turn = np.where(radius > 0, np.arctan2(right * np.sin(angle), along), 0.0)
        longitude_deg = (self.longitude_deg + np.degrees(turn) + 180) % 360 - 180
        return np.degrees(latitude), longitude_deg


@dataclass(frozen=True)
class WorldProjection:
    """The whole Earth, cut along the date line."""

    name: ClassVar = "Equidistant cylindrical"
    latitude_deg: ClassVar = 0.0
    longitude_deg: ClassVar = 0.0

    def to_paper(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> tuple[Array, Array]:
        """x to the East and y to the North."""
        latitude, longitude = np.broadcast_arrays(
            np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
        )
        return longitude.copy(), latitude.copy()

    def to_earth(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Latitude and longitude of a point of the paper; nan beyond the edge of the world."""
        right, up = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        inside = (np.abs(right) <= 180) & (np.abs(up) <= 90)
        return np.where(inside, up, np.nan), np.where(inside, right, np.nan)
