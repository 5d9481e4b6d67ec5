"""Levels on a regular grid of latitude and longitude: reading them from a table, and drawing contours through them.

Payload makers hand over EIRP or G/T as a table `lat,lon,level`; maps of one's own (`coverage_map`) have the same form.
A contour encloses the places that have at least its level: what it promises holds everywhere inside. Where there is no
level (nan, or `-inf` outside a beam) there is no contour either.

Words: RFC 7946 (rings of [longitude, latitude]).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import contourpy
import numpy as np
import shapely
from numpy.typing import NDArray

from satcom.resource.physics.coverage import Contour, ContourBeam, Ring
from satcom.resource.physics.orbit import BadLine

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

COLUMNS = {
    "latitude": ("lat", "latitude", "latitude_deg", "lat_deg"),
    "longitude": ("lon", "longitude", "longitude_deg", "lon_deg", "long"),
    "level": ("level", "level_db", "level_dbw", "eirp_dbw", "g_over_t_db_per_k", "gain_db", "gain_dbi", "value"),
}
PRECISION_DEG = 1e-4  # 11 m
NOWHERE = -1e9  # below every level, and a number, so that a contour closes where the levels end


@dataclass(frozen=True, eq=False)
class LevelGrid:
    """A level for each latitude (rows) and longitude (columns), both rising; nan where there is none.

    Longitudes run on, so a grid may lie across the date line as 170 to 190.
    """

    latitude_deg: Array
    longitude_deg: Array
    level: Array

    @property
    def peak(self) -> float:
        """The highest level; nan when there is none."""
        known = self.level[np.isfinite(self.level)]
        return float(known.max()) if known.size else float("nan")

    def area(self, at_least: float) -> tuple[tuple[Ring, ...], ...]:
        """Where the level is at least this: polygons, each a border and its holes, of (longitude, latitude)."""
        level = np.pad(np.where(np.isfinite(self.level), self.level, NOWHERE), 1, constant_values=NOWHERE)
        rows, columns = _framed(self.latitude_deg), _framed(self.longitude_deg)
        drawn = contourpy.contour_generator(columns, rows, level, fill_type="OuterOffset", name="serial")
        points, offsets = cast("tuple[list[Array], list[Indices]]", drawn.filled(at_least, np.inf))  # by fill_type
        return tuple(
            tuple(tuple((float(x), float(y)) for x, y in one[begin:end]) for begin, end in pairwise(cut))
            for one, cut in zip(points, offsets, strict=True)
        )


@dataclass(frozen=True, eq=False)
class GridFile:
    """What a table held: the grid, or `None` when there are bad lines."""

    grid: LevelGrid | None
    bad_lines: tuple[BadLine, ...]


def read_level_grid(text: str) -> GridFile:
    """A table with the columns latitude, longitude and level (degrees; dBW, dB/K or dB), in any order of rows.

    An empty level is a place without one. Every fault is told with its line: what is no number, no place, twice
    there, and, under line 1, a grid that is not regular.
    """
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    names = [name.strip().lower() for name in next(reader, [])]
    columns = {what: [names.index(one) for one in known if one in names] for what, known in COLUMNS.items()}
    faults = [
        BadLine(1, f"there is no column for the {what}: {', '.join(COLUMNS[what])}")
        for what, found in columns.items()
        if len(found) != 1
    ]
    if faults:
        return GridFile(None, tuple(faults))
    places = [found[0] for found in columns.values()]
    cells: dict[tuple[float, float], float] = {}
    for row in reader:
        if any(cell.strip() for cell in row):
            why = _keep(cells, [row[place].strip() if place < len(row) else "" for place in places])
            if why:
                faults.append(BadLine(reader.line_num, why))
    if faults:
        return GridFile(None, tuple(faults))
    return _grid(cells)


def grid_contours(grid: LevelGrid, steps_db: Sequence[float], tolerance_deg: float = 0.02) -> ContourBeam:
    """The beam of a grid: contours at these levels below its peak, such as (-1, -2, -3, -6).

    Lines are thinned by `tolerance_deg`; areas with a hole are cut in two, so that a ring tells all.
    Raises `ValueError` when the grid has no level, or a step is above 0.
    """
    peak = grid.peak
    if not np.isfinite(peak):
        raise ValueError("the grid has no level at all")
    if any(not step <= 0 for step in steps_db):
        raise ValueError(f"a contour lies below the peak, at 0 dB or less: {steps_db}")
    contours = []
    for step_db in sorted(set(steps_db), reverse=True):
        areas = [shapely.Polygon(border, holes) for border, *holes in grid.area(peak + step_db)]
        thinned = shapely.set_precision(shapely.simplify(shapely.union_all(areas), tolerance_deg), PRECISION_DEG)
        rings = tuple(
            (tuple((float(x), float(y)) for x, y in shapely.get_coordinates(part)),)
            for area in shapely.get_parts(thinned)
            for part in without_holes(area)
        )
        if rings:
            contours.append(Contour(float(step_db), rings))
    return ContourBeam(0.0, tuple(contours))


def without_holes(area: shapely.Geometry) -> list[shapely.Polygon]:
    """The same area as polygons without holes: cut from North to South through each. What is no area is left out."""
    if not isinstance(area, shapely.Polygon) or area.is_empty:
        return []
    if not area.interiors:
        return [area]
    middle = area.interiors[0].centroid.x
    west, south, east, north = area.bounds
    halves = (
        shapely.intersection(area, shapely.box(west, south, middle, north)),
        shapely.intersection(area, shapely.box(middle, south, east, north)),
    )
    return [one for half in halves for part in shapely.get_parts(half) for one in without_holes(part)]


def _keep(cells: dict[tuple[float, float], float], texts: list[str]) -> str | None:
    """Keep one row; else what is wrong with it."""
    try:
        latitude, longitude = float(texts[0]), float(texts[1])
        level = float(texts[2]) if texts[2] else float("nan")
    except ValueError:
        return f"it holds no three numbers: {', '.join(texts)}"
    if not abs(latitude) <= 90 or not abs(longitude) <= 360:
        return f"latitude -90 to 90 deg and longitude -360 to 360 deg are on Earth, not {latitude:g}, {longitude:g}"
    if abs(level) > 1000:
        return f"the level is no dB: {level:g}"
    if (latitude, longitude) in cells:
        return f"the place {latitude:g}, {longitude:g} is there twice"
    cells[latitude, longitude] = level
    return None


def _grid(cells: dict[tuple[float, float], float]) -> GridFile:
    latitudes = np.unique([latitude for latitude, _ in cells])
    written = np.unique([longitude for _, longitude in cells])
    if len(latitudes) < 2 or len(written) < 2:
        return GridFile(None, (BadLine(1, "a grid has two latitudes and two longitudes at least"),))
    if len(cells) != len(latitudes) * len(written):
        missing = next((a, o) for a in latitudes for o in written if (a, o) not in cells)
        why = f"{len(latitudes)} latitudes by {len(written)} longitudes are no regular grid: {missing} is missing"
        return GridFile(None, (BadLine(1, why.replace("np.float64", "")),))
    level = np.array([[cells[latitude, longitude] for longitude in written] for latitude in latitudes])
    gaps = np.append(np.diff(written), written[0] + 360 - written[-1])
    first = (int(np.argmax(gaps)) + 1) % len(written)  # begin after the widest gap: the grid may cross the date line
    longitudes = np.roll(np.where(np.arange(len(written)) < first, written + 360, written), -first)
    longitudes -= 360 * np.round((longitudes[0] + longitudes[-1]) / 720)
    return GridFile(LevelGrid(latitudes, longitudes, np.roll(level, -first, axis=1)), ())


def _framed(values: Array) -> Array:
    """With one more on either side, a hundredth of a step away: what reaches the rim of the grid is closed there."""
    return np.concatenate(
        [
            [values[0] - (values[1] - values[0]) / 100],
            values,
            [values[-1] + (values[-1] - values[-2]) / 100],
        ]
    )
