"""Coverage: how strongly a beam falls on a place, below its peak.

A beam is known either by the contours its operator published, or by boresight and width. A contour promises its level
to every place inside it and nothing outside; between two contours the outer level counts, the true one is unknown.
A beam of boresight and width rolls off like the main lobe of ITU-R S.672-4; side lobes are no coverage.

Words: ITU-R S.672-4 (off-axis angle, half-power beamwidth), RFC 7946 (rings of [longitude, latitude]).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, POSITIVE, checked
from satcom.resource.physics.orbit import GEOSTATIONARY_ALTITUDE_KM, earth_fixed_km

Array = NDArray[np.float64]
Ring = tuple[tuple[float, float], ...]
Polygon = tuple[Ring, ...]

MAIN_LOBE_EDGE_DB = -20.0  # S.672-4: the lobe ends at the first side-lobe level
NO_COVERAGE_DB = -np.inf


@dataclass(frozen=True)
class Contour:
    """A closed line of equal level. `level_db` is absolute (dBW, dB/K) or relative: only differences are used.

    The first ring of a polygon is its border, the others are holes. Edges go the shorter way round the Earth, so a
    ring may cross the date line either by longitudes beyond 180 or by a jump of sign.
    """

    level_db: float
    polygons: tuple[Polygon, ...]

    @classmethod
    def of_coordinates(cls, level_db: float, multi_polygon: Sequence[Sequence[Sequence[Sequence[float]]]]) -> Self:
        """From the `coordinates` of a GeoJSON MultiPolygon: polygons of rings of [longitude, latitude]."""
        return cls(
            level_db,
            tuple(tuple(tuple((at[0], at[1]) for at in ring) for ring in polygon) for polygon in multi_polygon),
        )


@dataclass(frozen=True)
class ContourBeam:
    """A beam as published: contours, and the level at its peak in the same scale."""

    peak_level_db: float
    contours: tuple[Contour, ...]


@dataclass(frozen=True)
class SpotBeam:
    """A beam of one feed: where it is pointed, how wide it is between -3 dB points, and where its satellite stands.

    It is round, or with `minor_beamwidth_deg` an ellipse of which `half_power_beamwidth_deg` is the longer width;
    `rotation_deg` turns the longer axis from East towards North, as seen from the satellite.
    """

    boresight_latitude_deg: float
    boresight_longitude_deg: float
    half_power_beamwidth_deg: float
    satellite_longitude_deg: float
    satellite_latitude_deg: float = 0.0
    satellite_altitude_km: float = GEOSTATIONARY_ALTITUDE_KM
    minor_beamwidth_deg: float | None = None
    rotation_deg: float = 0.0


Beam = ContourBeam | SpotBeam


@checked(
    latitude_deg=LATITUDES,
    longitude_deg=LONGITUDES,
    boresight_latitude_deg=LATITUDES,
    boresight_longitude_deg=LONGITUDES,
    half_power_beamwidth_deg=POSITIVE,
    minor_beamwidth_deg=POSITIVE,
    satellite_latitude_deg=LATITUDES,
    satellite_longitude_deg=LONGITUDES,
    satellite_altitude_km=POSITIVE,
)
def relative_gain_db(beams: Sequence[Beam], latitude_deg: Array, longitude_deg: Array) -> Array:
    """Level of every beam at every place, in dB to the beam's peak; shape (beams, sites).

    `-inf` where the beam promises nothing: outside its outermost contour, beyond its main lobe, or where the satellite
    is below the horizon. nan where the place is no place on Earth (|latitude| above 90, or nan).
    """
    latitude_deg, longitude_deg = np.broadcast_arrays(
        np.atleast_1d(np.asarray(latitude_deg, dtype=np.float64)),
        np.atleast_1d(np.asarray(longitude_deg, dtype=np.float64)),
    )
    on_earth = (np.abs(latitude_deg) <= 90) & np.isfinite(longitude_deg)
    latitude_deg, longitude_deg = np.where(on_earth, latitude_deg, 0), np.where(on_earth, longitude_deg, 0)
    gain_db = np.full((len(beams), latitude_deg.size), NO_COVERAGE_DB)
    spots = [row for row, beam in enumerate(beams) if isinstance(beam, SpotBeam)]
    if spots:
        gain_db[spots] = _spot_gain_db(
            [beam for beam in beams if isinstance(beam, SpotBeam)], latitude_deg, longitude_deg
        )
    _add_contours(gain_db, beams, latitude_deg, longitude_deg)
    gain_db[:, ~on_earth] = np.nan
    return gain_db


def off_axis_angle_deg(satellites_km: Array, boresights_km: Array, places_km: Array) -> Array:
    """Angle seen from each satellite between its boresight and each place.

    Shapes (beams, 3), (beams, 3) and (places, 3), Earth-fixed, to (beams, places).
    """
    to_boresight = boresights_km - satellites_km
    to_place = places_km[None, :, :] - satellites_km[:, None, :]
    across = np.linalg.norm(np.cross(to_boresight[:, None, :], to_place), axis=-1)
    along = np.einsum("bi,bpi->bp", to_boresight, to_place)
    angle_deg: Array = np.degrees(np.arctan2(across, along))  # acos would lose small angles
    return angle_deg


def plane_angle_deg(satellites_km: Array, boresights_km: Array, places_km: Array) -> Array:
    """On which side of its boresight a satellite sees each place: 0 in the East, 90 in the North.

    Shapes as in `off_axis_angle_deg`. East is parallel to the equator and at right angles to the boresight.
    """
    to_boresight = boresights_km - satellites_km
    to_place = places_km[None, :, :] - satellites_km[:, None, :]
    east = np.cross(to_boresight, [0.0, 0.0, 1.0])
    north = np.cross(east, to_boresight)
    east_share = np.einsum("bi,bpi->bp", east / np.linalg.norm(east, axis=-1, keepdims=True), to_place)
    north_share = np.einsum("bi,bpi->bp", north / np.linalg.norm(north, axis=-1, keepdims=True), to_place)
    angle_deg: Array = np.degrees(np.arctan2(north_share, east_share))
    return angle_deg


def ellipse_width_deg(major_deg: Array, minor_deg: Array, from_major_deg: Array) -> Array:
    """Full width of an elliptical beam in a plane at this angle to its longer axis."""
    plane = np.radians(from_major_deg)
    width_deg: Array = major_deg * minor_deg / np.hypot(minor_deg * np.cos(plane), major_deg * np.sin(plane))
    return width_deg


def main_lobe_db(off_axis_deg: Array, half_power_beamwidth_deg: Array) -> Array:
    """Roll-off of the main lobe, 0 dB on axis and -3 dB at half the width; `-inf` below `MAIN_LOBE_EDGE_DB`.

    Source: ITU-R S.672-4, Annex 1, with its exponent 2.
    """
    rolloff_db = -3 * (off_axis_deg / (half_power_beamwidth_deg / 2)) ** 2
    lobe_db: Array = np.where(rolloff_db < MAIN_LOBE_EDGE_DB, NO_COVERAGE_DB, rolloff_db)
    return lobe_db


def _spot_gain_db(beams: Sequence[SpotBeam], latitude_deg: Array, longitude_deg: Array) -> Array:
    satellites_km = earth_fixed_km(
        np.array([beam.satellite_latitude_deg for beam in beams]),
        np.array([beam.satellite_longitude_deg for beam in beams]),
        np.array([beam.satellite_altitude_km for beam in beams]),
    )
    boresights_km = earth_fixed_km(
        np.array([beam.boresight_latitude_deg for beam in beams]),
        np.array([beam.boresight_longitude_deg for beam in beams]),
        np.zeros(len(beams)),
    )
    places_km = earth_fixed_km(latitude_deg, longitude_deg, np.zeros_like(latitude_deg))
    up = earth_fixed_km(latitude_deg, longitude_deg, np.ones_like(latitude_deg)) - places_km
    above_horizon = np.einsum("pi,bpi->bp", up, satellites_km[:, None, :] - places_km[None, :, :]) > 0
    width_deg = np.array([beam.half_power_beamwidth_deg for beam in beams], dtype=np.float64)[:, None]
    ellipses = [row for row, beam in enumerate(beams) if beam.minor_beamwidth_deg is not None]
    if ellipses:
        minor_deg = np.array([[beam.minor_beamwidth_deg or np.nan] for beam in beams])[ellipses]
        rotation_deg = np.array([[beam.rotation_deg] for beam in beams])[ellipses]
        plane_deg = plane_angle_deg(satellites_km[ellipses], boresights_km[ellipses], places_km)
        widths_deg = np.broadcast_to(width_deg, (len(beams), len(places_km))).copy()
        widths_deg[ellipses] = ellipse_width_deg(width_deg[ellipses], minor_deg, plane_deg - rotation_deg)
        width_deg = widths_deg
    lobe_db = main_lobe_db(off_axis_angle_deg(satellites_km, boresights_km, places_km), width_deg)
    return np.where(above_horizon, lobe_db, NO_COVERAGE_DB)


def _add_contours(gain_db: Array, beams: Sequence[Beam], latitude_deg: Array, longitude_deg: Array) -> None:
    """Raise each contour beam's row to the highest level whose contour holds the place."""
    pieces = [
        (row, contour.level_db - beam.peak_level_db, *_area(polygon))
        for row, beam in enumerate(beams)
        if isinstance(beam, ContourBeam)
        for contour in beam.contours
        for polygon in contour.polygons
    ]
    if not pieces:
        return
    rows, levels_db, areas, west_deg = (np.array(column) for column in zip(*pieces, strict=True))
    # each area lies in the 360 degrees East of its own western end
    turned_deg = west_deg[:, None] + (longitude_deg[None, :] - west_deg[:, None]) % 360
    inside = shapely.intersects_xy(areas[:, None], turned_deg, latitude_deg[None, :])
    np.maximum.at(gain_db, rows, np.where(inside, levels_db[:, None], NO_COVERAGE_DB))


@lru_cache(maxsize=16384)
def _area(polygon: Polygon) -> tuple[shapely.Polygon, float]:
    """The polygon on an unrolled map, and its western end. Raises `ValueError` when its border crosses itself."""
    border, *holes = (_unrolled(ring) for ring in polygon)
    # a hole is brought into the turn of the border
    for hole in holes:
        hole[:, 0] += 360 * np.round((border[:, 0].mean() - hole[:, 0].mean()) / 360)
    area = shapely.Polygon(border, holes)
    if not area.is_valid:
        raise ValueError(f"a contour is no simple polygon: {shapely.is_valid_reason(area)}")
    shapely.prepare(area)
    return area, area.bounds[0]


def _unrolled(ring: Ring) -> Array:
    """The ring with longitudes that run on without a jump; one that goes round a pole is closed over the pole."""
    points = np.array(ring, dtype=np.float64)
    jumps = np.round(np.diff(points[:, 0]) / 360)  # whole turns: closed rings stay closed to the last digit
    longitude = points[:, 0] - 360 * np.concatenate([[0], np.cumsum(jumps)])
    if ring[0] == ring[-1] and abs(longitude[-1] - longitude[0]) > 180:
        pole = np.copysign(90.0, points[:, 1].mean())
        longitude = np.concatenate([longitude, longitude[[-1, 0]]])
        return np.column_stack([longitude, np.concatenate([points[:, 1], [pole, pole]])])
    return np.column_stack([longitude, points[:, 1]])
