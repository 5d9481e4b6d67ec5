"""A coverage map for people: PNG or SVG on coast lines and borders, as one puts it into a proposal.

The Earth is drawn around the middle of the coverage, areas kept. Only this file knows matplotlib, which is the extra
`maps`; it is imported when a picture is asked for. Coast lines and borders: Natural Earth (public domain).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import pycountry
import shapely
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from satcom.app.coverage_areas import level_areas
from satcom.app.coverage_in_time import TimeQuantity
from satcom.app.coverage_levels import is_below_all, is_stepped, levels_of
from satcom.app.coverage_query import CoverageMap, Quantity
from satcom.resource.country import outlines
from satcom.resource.physics.map_projection import MapProjection, WorldProjection

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north on paper
Projection = MapProjection | WorldProjection
WORLD_DEG, WORLD_BOX = 300.0, (-180.0, -85.0, 180.0, 85.0)  # what is wider is drawn as the whole world

SEA, LAND, COAST, BORDER, GRID, INK, PALE = "#e9f0f5", "#f6f3ec", "#5f6b76", "#a9adb0", "#c3ced6", "#1d2b3a", "#6b7783"
COLOURS: Final[dict[StrEnum, str]] = {
    Quantity.ELEVATION: "YlGnBu",
    Quantity.RATE: "YlGn",
    Quantity.AVAILABILITY: "YlGn",
    TimeQuantity.SERVED: "YlGn",
    TimeQuantity.IN_VIEW: "YlGnBu",
}
USUAL_COLOURS, LEAST_SHADE, MOST_SHADE, OPACITY = "YlOrRd", 0.12, 0.85, 0.62
WIDTH_IN, DOTS_PER_INCH, LEFT, MAP_SHARE = 9.0, 180, 0.065, 0.80
LETTER_SHARE, LINE_SHARE = 0.0105, 0.028  # of a country's name, to the width of the map
NAME_SHARE = 0.045  # between the names of two levels
HALO: Final[list[AbstractPathEffect]] = [withStroke(linewidth=2.2, foreground="white")]
NAMES: Final = {"CD": "DR Congo", "CG": "Congo", "KR": "South Korea", "KP": "North Korea", "LA": "Laos", "RU": "Russia",
                "SY": "Syria", "US": "United States", "GB": "United Kingdom", "CI": "Côte d'Ivoire"}  # fmt: skip


def draw(answer: CoverageMap, file: Path, made_at: datetime) -> None:
    """Write the picture; its kind is that of the file's name (.png, .svg, .pdf)."""
    levels = levels_of(answer)
    if not levels:
        raise ValueError(f"{answer.title}: there is nothing to draw")
    latitude_deg, longitude_deg = answer.grid.places()
    turned = _turned(answer)
    covered = (turned * answer.values >= min(turned * one for one in levels) - 1e-6).ravel()
    projection, box = _paper(latitude_deg[covered], longitude_deg[covered])
    height_in = MAP_SHARE * WIDTH_IN * (box[3] - box[1]) / (box[2] - box[0])
    total_in = height_in + 1.45
    figure = Figure(figsize=(WIDTH_IN, total_in), dpi=DOTS_PER_INCH, facecolor="white")
    axes = figure.add_axes((LEFT, 0.62 / total_in, MAP_SHARE, height_in / total_in))
    axes.set(xlim=(box[0], box[2]), ylim=(box[1], box[3]), xticks=[], yticks=[], facecolor=SEA)
    for side in axes.spines.values():
        side.set(edgecolor=PALE, linewidth=0.8)
    land = _land(projection, box)
    axes.add_collection(_filled([area for _, area in land], LAND, zorder=1))
    _graticule(axes, projection, box)
    shades, norm = _shades(answer, levels)
    _levels(axes, answer, projection, levels, shades)
    borders = [line for _, area in land for line in _lines(area.boundary)]
    axes.add_collection(LineCollection(borders, colors=BORDER, linewidths=0.45, zorder=4))
    coast = _lines(shapely.union_all([area for _, area in land]).boundary) if land else []
    axes.add_collection(LineCollection(coast, colors=COAST, linewidths=0.8, zorder=5))
    _names(axes, land, box, _marks(axes, answer, projection, box))
    scale = figure.add_axes((0.885, 0.62 / total_in, 0.022, height_in / total_in))
    bar = figure.colorbar(ScalarMappable(norm, shades), cax=scale, ticks=levels, spacing="uniform", drawedges=True)
    bar.ax.set_yticklabels([_number(one) for one in levels])
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=8.5, length=0, labelcolor=INK)
    bar.set_label(f"{answer.title}, {answer.unit}" if answer.unit else answer.title, fontsize=9, color=INK)
    bar.outline.set(edgecolor=PALE, linewidth=0.8)
    bar.dividers.set(color="white", linewidth=0.8)
    _words(figure, answer, made_at, projection, total_in)
    with rc_context({"svg.fonttype": "none"}):  # text stays text
        figure.savefig(file, format=file.suffix.removeprefix(".").lower())


def _paper(latitude_deg: Array, longitude_deg: Array) -> tuple[Projection, Box]:
    """How and where the coverage is drawn."""
    if np.ptp(longitude_deg) > WORLD_DEG:
        return WorldProjection(), WORLD_BOX
    projection = _around(latitude_deg, longitude_deg)
    return projection, _box(*projection.to_paper(latitude_deg, longitude_deg))


def _around(latitude_deg: Array, longitude_deg: Array) -> MapProjection:
    """Centred on the middle of what is covered."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    weight = np.cos(latitude)  # a cell is smaller near the poles
    x = np.sum(weight * np.cos(latitude) * np.cos(longitude))
    y = np.sum(weight * np.cos(latitude) * np.sin(longitude))
    z = np.sum(weight * np.sin(latitude))
    return MapProjection(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x))))


def _box(x: Array, y: Array) -> Box:
    """The paper that holds the coverage with some room, not too narrow and not too flat."""
    west, south, east, north = (float(one) for one in (np.nanmin(x), np.nanmin(y), np.nanmax(x), np.nanmax(y)))
    width, height = max((east - west) * 1.12, 2.0), max((north - south) * 1.12, 2.0)
    width, height = max(width, height * 0.8), max(height, width * 0.62)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    return middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2


def _land(projection: Projection, box: Box) -> list[tuple[str, shapely.Polygon]]:
    """The countries on the paper, with their codes."""
    opposite = shapely.Point((projection.longitude_deg + 360) % 360 - 180, -projection.latitude_deg)
    paper = shapely.box(*box)
    found = []
    for code, area in outlines():
        if isinstance(projection, MapProjection) and area.intersects(opposite):
            continue  # it would be drawn inside out, around the map
        rings = [np.column_stack(projection.to_paper(*ring[:, ::-1].T)) for ring in _rings(area)]
        if not (np.nanmin(rings[0], axis=0) < box[2:]).all() or not (np.nanmax(rings[0], axis=0) > box[:2]).all():
            continue
        drawn = shapely.make_valid(shapely.Polygon(rings[0], rings[1:]))
        seen = shapely.intersection(drawn, paper)
        found += [(code, one) for one in shapely.get_parts(seen) if isinstance(one, shapely.Polygon)]
    return found


def _rings(area: shapely.Polygon) -> list[Array]:
    dense = shapely.segmentize(area, 1.0)
    return [shapely.get_coordinates(ring) for ring in (dense.exterior, *dense.interiors)]


def _filled(areas: Sequence[BaseGeometry], colour: str | Array, zorder: float, opacity: float = 1.0) -> PathCollection:
    paths = [
        Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in _borders(area)))
        for area in areas
    ]
    return PathCollection(paths, facecolors=[colour], edgecolors="none", zorder=zorder, alpha=opacity)


def _borders(area: BaseGeometry) -> Iterator[BaseGeometry]:
    if isinstance(area, shapely.Polygon):
        yield area.exterior
        yield from area.interiors


def _lines(boundary: BaseGeometry | None) -> list[Array]:
    return [shapely.get_coordinates(one) for one in shapely.get_parts(boundary)] if boundary is not None else []


def _graticule(axes: Axes, projection: Projection, box: Box) -> None:
    span = max(box[2] - box[0], box[3] - box[1])
    step = next((one for one in (1, 2, 5, 10, 15, 20) if span / one <= 9), 30)
    named: list[float] = []
    for longitude in range(-180, 180, step):
        latitude = np.linspace(-89.9 if longitude % 90 == 0 else -85, 89.9 if longitude % 90 == 0 else 85, 700)
        line = np.column_stack(projection.to_paper(latitude, np.full_like(latitude, longitude)))
        _grid_line(axes, line, box, 1, _east(longitude), named)
    named = []
    for parallel in range(-90 + step, 90, step):
        turn = projection.longitude_deg + np.linspace(-180, 180, 1400)
        line = np.column_stack(projection.to_paper(np.full_like(turn, parallel), turn))
        _grid_line(axes, line, box, 0, _north(parallel), named)


def _grid_line(axes: Axes, line: Array, box: Box, edge: int, text: str, named: list[float]) -> None:
    """A line of the graticule, named where it meets the left (0) or lower (1) edge of the paper, if there is room."""
    axes.plot(line[:, 0], line[:, 1], color=GRID, linewidth=0.6, zorder=2)
    before, after = line[:-1], line[1:]
    crosses = (before[:, edge] - box[edge]) * (after[:, edge] - box[edge]) <= 0
    near = np.hypot(*(after - before).T) < 20
    along = 1 - edge
    inside = (before[:, along] > box[along]) & (before[:, along] < box[along + 2])
    for row in np.flatnonzero(crosses & near & inside)[:1]:
        at = before[row, along]
        if any(abs(at - one) < 0.05 * (box[2] - box[0]) for one in named):
            continue
        named.append(at)
        if edge == 0:
            axes.annotate(text, (box[0], at), (-4, 0), textcoords="offset points", ha="right", va="center",
                          fontsize=7.5, color=PALE)  # fmt: skip
        else:
            axes.annotate(text, (at, box[1]), (0, -4), textcoords="offset points", ha="center", va="top",
                          fontsize=7.5, color=PALE)  # fmt: skip


def _shades(answer: CoverageMap, levels: list[float]) -> tuple[ListedColormap, BoundaryNorm]:
    """A shade for each level and what is above it; of a flux to saturate the lowest is the strongest."""
    from_map = COLOURS.get(answer.quantity, USUAL_COLOURS)
    shade = ScalarMappable(cmap=from_map).to_rgba(np.linspace(LEAST_SHADE, MOST_SHADE, len(levels)))
    if answer.quantity is Quantity.SFD:
        shade = shade[::-1]
    last = levels[-1] - levels[-2] if len(levels) > 1 else 1.0
    pale = OPACITY * np.asarray(shade)[:, :3] + (1 - OPACITY)  # as on white paper
    if answer.quantity is Quantity.SFD:  # what is below a level counts
        return ListedColormap(pale), BoundaryNorm([levels[0] - last, *levels], len(levels))
    return ListedColormap(pale), BoundaryNorm([*levels, levels[-1] + last], len(levels))


def _levels(
    axes: Axes,
    answer: CoverageMap,
    projection: Projection,
    levels: list[float],
    shades: ListedColormap,
) -> None:
    """The areas of the levels, the better over the others, each named at its lower end where there is room."""
    turned = _turned(answer)
    rising = sorted(turned * one for one in levels)
    colours = np.array([shades(one) for one in range(len(levels))])[:, :3][:: int(turned)]
    named: list[tuple[float, float]] = []
    for level, colour, whole in zip(
        rising, colours, level_areas(answer, [turned * one for one in rising]), strict=True
    ):
        drawn = [
            shapely.Polygon(rings[0], rings[1:])
            for area in shapely.get_parts(whole)
            if isinstance(area, shapely.Polygon)
            if (rings := [np.column_stack(projection.to_paper(*ring[:, ::-1].T)) for ring in _rings(area)])
        ]
        axes.add_collection(_filled(drawn, colour, zorder=3, opacity=0.8))
        lines = [line for area in drawn for line in _lines(area.boundary)]
        axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.7, alpha=0.75, zorder=6))
        if lines and not is_below_all(answer, turned * level):
            _name_level(axes, max(lines, key=len), _number(turned * level), named)


def _name_level(axes: Axes, line: Array, text: str, named: list[tuple[float, float]]) -> None:
    """At the lowest of the places of a line at which no other name stands; nowhere where there is none."""
    near = NAME_SHARE * float(np.diff(axes.get_xlim())[0])
    for x, y in line[np.argsort(line[:, 1])][:: max(len(line) // 200, 1)]:
        if all(np.hypot(x - one, y - other) > near for one, other in named):
            named.append((float(x), float(y)))
            axes.text(x, y, text, fontsize=8, color=INK, ha="center", va="center", zorder=7, path_effects=HALO,
                      clip_on=True)  # fmt: skip
            return


def _turned(answer: CoverageMap) -> float:
    """Of a flux to saturate the lowest is the best."""
    return -1.0 if answer.quantity is Quantity.SFD else 1.0


def _names(axes: Axes, land: list[tuple[str, shapely.Polygon]], box: Box, taken: list[Box]) -> None:
    """The countries that are large enough on the paper to be named, the largest first, where nothing else stands."""
    width, height = box[2] - box[0], box[3] - box[1]
    for code, area in sorted(land, key=lambda one: -one[1].area):
        if area.area < 0.008 * width * height:
            break
        known = pycountry.countries.get(alpha_2=code)
        name = NAMES.get(code) or (getattr(known, "common_name", known.name).split(",")[0] if known else code)
        x, y = shapely.maximum_inscribed_circle(area).coords[0]
        half_x, half_y = len(name) * LETTER_SHARE * width / 2, LINE_SHARE * width / 2
        here = (x - half_x, y - half_y, x + half_x, y + half_y)
        if here[0] < box[0] or here[2] > box[2] or any(_overlap(here, one) for one in taken):
            continue
        taken.append(here)
        axes.text(x, y, name, fontsize=6.8, color="#4d5861", ha="center", va="center", style="italic", zorder=6,
                  path_effects=[withStroke(linewidth=1.6, foreground="#ffffffaa")], clip_on=True)  # fmt: skip


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _marks(axes: Axes, answer: CoverageMap, projection: Projection, box: Box) -> list[Box]:
    """Where the satellites stand, and the strongest place of a beam that has one; the paper that this takes."""
    taken: list[Box] = []
    letter, line = LETTER_SHARE * 1.15 * (box[2] - box[0]), LINE_SHARE * (box[2] - box[0])
    for name, longitude in answer.satellites if len(answer.satellites) <= 6 else ():
        x, y = projection.to_paper(0.0, longitude)
        if box[0] < x < box[2] and box[1] < y < box[3]:
            axes.plot(x, y, marker="^", markersize=6, color=INK, markeredgecolor="white", markeredgewidth=0.8, zorder=8)
            axes.annotate(name, (float(x), float(y)), (6, -8), textcoords="offset points", fontsize=7, color=INK,
                          path_effects=HALO, zorder=8)  # fmt: skip
            taken.append(
                (float(x) - letter, float(y) - 1.5 * line, float(x) + letter * (len(name) + 2), float(y) + line)
            )
    if answer.quantity in (Quantity.EIRP, Quantity.G_OVER_T) and not is_stepped(answer):
        row, column = np.unravel_index(int(np.nanargmax(answer.values)), answer.grid.shape)
        x, y = projection.to_paper(answer.grid.latitude_deg[row], answer.grid.longitude_deg[column])
        axes.plot(x, y, marker="+", markersize=8, color=INK, zorder=8)
        peak = f"{np.nanmax(answer.values):.1f} {answer.unit}"
        axes.annotate(peak, (float(x), float(y)), (6, 5), textcoords="offset points", fontsize=8, weight="bold",
                      color=INK, path_effects=HALO, zorder=8)  # fmt: skip
        taken.append((float(x) - letter, float(y) - line, float(x) + letter * (len(peak) + 3), float(y) + 1.5 * line))
    return taken


def _words(figure: Figure, answer: CoverageMap, made_at: datetime, projection: Projection, total_in: float) -> None:
    stand = [f"{name} ({_east(round(longitude, 1))})" for name, longitude in answer.satellites]
    who = (", ".join(stand) if len(stand) <= 3 else f"{len(stand)} satellites") or answer.who
    beams = ", ".join(answer.beams) if len(answer.beams) <= 3 else f"{len(answer.beams)} beams"
    figure.text(LEFT, 1 - 0.30 / total_in, f"{answer.title}", fontsize=15, weight="bold", color=INK, va="center")
    second = " · ".join(one for one in (who, beams, answer.conditions) if one)
    figure.text(LEFT, 1 - 0.60 / total_in, second, fontsize=9.5, color=PALE, va="center")
    epoch = f"Elements of {answer.elements_of:%Y-%m-%d}. " if answer.elements_of is not None else ""
    values = "Illustrative values: not the operator's own. " if answer.illustrative else ""
    drawn = f"Drawn on {made_at:%Y-%m-%d} by satcom. {projection.name}."
    foot = f"{values}{epoch}{drawn} Borders: Natural Earth."
    figure.text(LEFT, 0.17 / total_in, foot, fontsize=7, color=PALE, va="center")


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _east(longitude: float) -> str:
    wrapped = (longitude + 180) % 360 - 180
    return f"{abs(wrapped):g}°{'' if wrapped in (0, -180) else 'E' if wrapped > 0 else 'W'}"


def _north(latitude: float) -> str:
    return f"{abs(latitude):g}°{'' if latitude == 0 else 'N' if latitude > 0 else 'S'}"
