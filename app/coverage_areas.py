"""The areas of a coverage map that have at least a level, with edges as they are and not as the stairs of the grid.

Values jump where a contour or a beam ends, and at the edge of the Earth as the satellite sees it; between the jumps
they are smooth, but for a rate, which has a step at each MODCOD. So each part of the map in which one beam counts, at
one of its levels, is taken by itself: its values go on beyond its border, contours are drawn through them, and the
border, straightened within a cell, cuts them.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from shapely.geometry.base import BaseGeometry

from satcom.app.coverage_query import NO_PART, CoverageMap, Quantity
from satcom.resource.physics.level_grid import LevelGrid

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
BEYOND = 3  # cells that a part is looked at beyond its border
SEAM = 0.6  # of a cell: half the widest slit between neighbouring parts that is closed
LEVEL_MARGIN = 1e-6


def level_areas(answer: CoverageMap, levels: Sequence[float]) -> list[BaseGeometry]:
    """For each level where the map has at least it (of a flux to saturate at most it), as longitude and latitude."""
    turned = -1.0 if answer.quantity is Quantity.SFD else 1.0
    cell_deg = float(np.diff(answer.grid.latitude_deg[:2])[0])
    known: Flags = np.isfinite(answer.values)
    whole = _border(known, answer.grid.latitude_deg, answer.grid.longitude_deg, cell_deg)
    pieces: list[list[BaseGeometry]] = [[] for _ in levels]
    for border, grid in _parts(answer, known, turned, cell_deg):
        for at, level in enumerate(levels):
            above = _united(grid, turned * level - LEVEL_MARGIN)
            pieces[at].append(shapely.intersection(border, above))
    return [shapely.intersection(_closed(shapely.union_all(those), SEAM * cell_deg), whole) for those in pieces]


def _closed(area: BaseGeometry, half_deg: float) -> BaseGeometry:
    """Without the slits between parts, each of which has its border straightened by itself."""
    wider = shapely.buffer(area, half_deg, join_style="mitre")
    return shapely.make_valid(shapely.buffer(wider, -half_deg, join_style="mitre"))


def _parts(
    answer: CoverageMap, known: Flags, turned: float, cell_deg: float
) -> Iterator[tuple[BaseGeometry, LevelGrid]]:
    """The border of each part, and its values, which go on beyond it."""
    latitude_deg, longitude_deg = answer.grid.latitude_deg, answer.grid.longitude_deg
    for number in np.unique(answer.part[known & (answer.part != NO_PART)]):
        inside: Flags = known & (answer.part == number)
        rows, columns = (_window(np.flatnonzero(inside.any(axis=side)), inside.shape[1 - side]) for side in (1, 0))
        here = inside[rows, columns]
        _, nearest = distance_transform_edt(~here, return_indices=True)
        values = turned * answer.values[rows, columns][tuple(nearest)]
        border = _border(here, latitude_deg[rows], longitude_deg[columns], cell_deg)
        yield border, LevelGrid(latitude_deg[rows], longitude_deg[columns], values)


def _window(there: NDArray[np.intp], length: int) -> slice:
    return slice(max(int(there[0]) - BEYOND, 0), min(int(there[-1]) + BEYOND + 1, length))


def _border(inside: Flags, latitude_deg: Array, longitude_deg: Array, cell_deg: float) -> BaseGeometry:
    """Of the places inside, straightened."""
    return shapely.make_valid(
        shapely.simplify(_united(LevelGrid(latitude_deg, longitude_deg, inside.astype(np.float64)), 0.5), cell_deg)
    )


def _united(grid: LevelGrid, level: float) -> BaseGeometry:
    return shapely.make_valid(
        shapely.union_all([shapely.Polygon(border, holes) for border, *holes in grid.area(level)])
    )
