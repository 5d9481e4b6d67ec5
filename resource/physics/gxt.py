"""GXT: the files in which the ITU takes and gives the gain contours of satellite networks.

A file holds one satellite and diagrams of it; read are those of gain contours. A contour is a line of points
(longitude;latitude), its gain in dB below the beam's greatest. It closes, or it begins and ends at the edge of the
Earth. One bad line does not lose the others: every line that is not used is told with its number.

Words: ITU-R circular letter CR/58, attachment 2 (keywords of the format), Radio Regulations Appendix 4, B.3.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import shapely

from satcom.resource.physics.coverage import Contour, ContourBeam, relative_gain_db
from satcom.resource.physics.orbit import BadLine
from satcom.resource.physics.satellite_view import SatelliteView

Point = tuple[float, float]
_SECTION = re.compile(r"\[\s*([A-Za-z]+)\s*(\d*)\s*\]")
_POINT = re.compile(r"p(\d*)", re.IGNORECASE)
_NOWHERE = np.array([0.0])
_SKIPPED = {
    "saheader": "a service area",
    "gsoheader": "the gain towards the geostationary orbit",
    "epdheader": "an earth station's pattern",
}


@dataclass(frozen=True)
class GxtContour:
    """A line of equal gain, relative to the greatest; `line_number` is that of its section."""

    gain_db: float
    points: tuple[Point, ...]
    line_number: int

    @property
    def closed(self) -> bool:
        return len(self.points) > 3 and self.points[0] == self.points[-1]


@dataclass(frozen=True)
class GxtDiagram:
    """The gain contours of one beam. `peak_gain_dbi` is `None` where the file only says 0, its own reference."""

    beam_id: str
    receives: bool
    co_polar: bool
    peak_gain_dbi: float | None
    boresights: tuple[Point, ...]
    contours: tuple[GxtContour, ...]


@dataclass(frozen=True)
class GxtFile:
    """What a file held: the good diagrams, and the lines that were not used."""

    satellite_name: str
    satellite_longitude_deg: float
    diagrams: tuple[GxtDiagram, ...]
    bad_lines: tuple[BadLine, ...]

    def diagram(self, beam_id: str | None = None) -> GxtDiagram:
        """The beam of this name, or the only one. Raises `ValueError` naming those there are."""
        found = [one for one in self.diagrams if beam_id is None or one.beam_id.lower() == beam_id.lower()]
        names = ", ".join(one.beam_id for one in self.diagrams) or "none"
        if len(found) != 1:
            what = f"there is no beam {beam_id!r}" if beam_id is not None and not found else "there are several beams"
            raise ValueError(f"{what}; the file has {names}")
        return found[0]


@dataclass
class _Section:
    name: str
    line_number: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    faults: list[BadLine] = field(default_factory=list)

    def number(self, key: str, default: float | None = None) -> float | None:
        """The value of a key; a fault where it is missing, if there is no default, or no number."""
        text, line = self.values.get(key, (None, self.line_number))
        value = default if text is None else _number(text)
        if value is None:
            why = f"[{self.name}] has no {key}" if text is None else f"{key} is no number: {text!r}"
            self.faults.append(BadLine(line, why))
        return value

    def text(self, key: str) -> str:
        return self.values.get(key, ("", 0))[0]


def read_gxt(text: str) -> GxtFile:
    """A file whose points are longitude;latitude in degrees, as the ITU's software and filings have them."""
    return _read(text, _on_earth)


def read_gxt_of_directions(text: str) -> GxtFile:
    """A file whose points are azimuth;elevation in degrees from the satellite, as payload makers write it.

    East and North positive (`satellite_view`). What lies beyond the edge of the Earth is cut off; a contour may
    become several.
    """
    file = _read(text, _a_direction)
    view = SatelliteView(file.satellite_longitude_deg)

    def on_the_ground(one: GxtContour) -> list[GxtContour]:
        area = shapely.make_valid(shapely.Polygon(one.points)) if len(one.points) > 2 else shapely.Polygon()
        return [GxtContour(one.gain_db, ring, one.line_number) for ring in view.ground_rings(area)]

    def boresight(one: Point) -> list[Point]:
        latitude_deg, longitude_deg = view.place_deg(*one)
        return [(float(longitude_deg), float(latitude_deg))] if np.isfinite(latitude_deg) else []

    diagrams = tuple(
        GxtDiagram(
            one.beam_id,
            one.receives,
            one.co_polar,
            one.peak_gain_dbi,
            tuple(place for point in one.boresights for place in boresight(point)),
            tuple(ring for contour in one.contours for ring in on_the_ground(contour)),
        )
        for one in file.diagrams
    )
    return GxtFile(file.satellite_name, file.satellite_longitude_deg, diagrams, file.bad_lines)


def contour_beam(file: GxtFile, diagram: GxtDiagram) -> ContourBeam:
    """The beam as coverage wants it, levels relative to the peak; open lines are closed along the edge of the Earth.

    Raises `ValueError` naming the line of a contour that crosses itself, and when there is no contour.
    """
    view = SatelliteView(file.satellite_longitude_deg)
    around = [
        (float(azimuth), float(elevation))
        for azimuth, elevation in (
            view.direction_deg(latitude, longitude) for longitude, latitude in diagram.boresights
        )
        if np.isfinite(azimuth)
    ]
    areas: dict[float, list[tuple[tuple[Point, ...], ...]]] = {}
    for one in diagram.contours:
        rings = (one.points,) if one.closed else _closed(view, one, around)
        try:
            relative_gain_db.or_nan(
                [ContourBeam(0.0, (Contour(0.0, tuple((ring,) for ring in rings)),))], _NOWHERE, _NOWHERE
            )
        except ValueError as crossing:
            raise ValueError(f"line {one.line_number}: the contour of {one.gain_db:g} dB: {crossing}") from crossing
        areas.setdefault(one.gain_db, []).extend((ring,) for ring in rings)
    if not any(areas.values()):
        raise ValueError(f"the beam {diagram.beam_id} has no contour on the Earth")
    return ContourBeam(0.0, tuple(Contour(level, tuple(areas[level])) for level in sorted(areas, reverse=True)))


def _closed(view: SatelliteView, line: GxtContour, around: list[Point]) -> tuple[tuple[Point, ...], ...]:
    longitude_deg, latitude_deg = np.array(line.points).T
    directions = np.column_stack(view.direction_deg(latitude_deg, longitude_deg))
    seen = directions[np.isfinite(directions).all(axis=1)].tolist()
    return view.ground_rings(view.closed_along_edge(seen, around)) if len(seen) > 1 else ()


def _read(text: str, is_point: Callable[[Point], str | None]) -> GxtFile:
    faults: list[BadLine] = []
    sections = _sections(text, faults, is_point)
    main = next((one for one in sections if one.name.lower() == "geomain"), None)
    if main is None:
        faults.append(BadLine(1, "there is no [GeoMain]: it is no GXT file of a geostationary satellite"))
        return GxtFile("", float("nan"), (), tuple(faults))
    longitude_deg = main.number("long_nom")
    if longitude_deg is not None and not -180 <= longitude_deg <= 180:
        main.faults.append(BadLine(main.values["long_nom"][1], f"long_nom is not -180 to 180 deg: {longitude_deg:g}"))
    diagrams = []
    for place, section in enumerate(sections):
        kind = section.name.lower()
        if kind in _SKIPPED:
            faults.append(BadLine(section.line_number, f"{_SKIPPED[kind]} is not read"))
        elif kind == "coheader":
            rest = sections[place + 1 :]
            ends = next((row for row, one in enumerate(rest) if one.name.lower().endswith("header")), len(rest))
            diagrams.append(_diagram(section, rest[:ends]))
    faults += [fault for section in sections for fault in section.faults]
    faults.sort(key=lambda one: one.line_number)
    good = tuple(one for one in diagrams if one is not None)
    place_deg = float("nan") if longitude_deg is None else longitude_deg
    return GxtFile(main.text("sat_name"), place_deg, good, tuple(faults))


def _sections(text: str, faults: list[BadLine], is_point: Callable[[Point], str | None]) -> list[_Section]:
    sections: list[_Section] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith((";", "#")):
            continue
        head = _SECTION.fullmatch(line)
        if head:
            sections.append(_Section(head[1] + head[2], number))
        elif "=" not in line or not sections:
            faults.append(BadLine(number, f"it is no [section] and no key=value: {line[:40]!r}"))
        else:
            key, value = (part.strip() for part in line.split("=", 1))
            _keep(sections[-1], key.lower(), value, number, is_point)
    return sections


def _keep(section: _Section, key: str, value: str, number: int, is_point: Callable[[Point], str | None]) -> None:
    named = _POINT.fullmatch(key)
    if named is None:
        if key in section.values:
            section.faults.append(BadLine(number, f"{key} is there twice in [{section.name}]"))
        section.values.setdefault(key, (value, number))
        return
    parts = [_number(part) for part in value.split(";")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        section.faults.append(BadLine(number, f"{key} is no point of two numbers with a semicolon: {value!r}"))
        return
    point = (parts[0], parts[1])
    why = is_point(point)
    if why:
        section.faults.append(BadLine(number, f"{key}: {why}"))
    elif named[1] and int(named[1]) != len(section.points) + 1 and not section.faults:
        section.faults.append(BadLine(number, f"{key} where p{len(section.points) + 1} was due"))
    else:
        section.points.append(point)


def _diagram(header: _Section, parts: list[_Section]) -> GxtDiagram | None:
    """The beam of its header, with the contours that are good."""
    beam_id = header.text("beam_id") or header.text("beam")
    if not beam_id:
        header.faults.append(BadLine(header.line_number, "[COHeader] has no beam_id"))
        return None
    for key, accepted in (("emi_rcp", "ER"), ("polar_disc", "CX")):
        text, line = header.values.get(key, (accepted[0], header.line_number))
        if text.upper() not in tuple(accepted):
            header.faults.append(BadLine(line, f"{key} is {text!r}, not {accepted[0]} or {accepted[1]}"))
    boresights = [one for one in parts if re.fullmatch(r"b\d+", one.name.lower())]
    lines = [one for one in parts if re.fullmatch(r"c\d+", one.name.lower())]
    for key, found in (("n_bore", boresights), ("n_cont", lines)):
        said = header.number(key, float(len(found)))
        if said is not None and said != len(found):
            header.faults.append(BadLine(header.values[key][1], f"{key} is {said:g}, and there are {len(found)}"))
    gains = [gain for gain in (one.number("gain", 0.0) for one in boresights) if gain is not None]
    contours = tuple(one for one in map(_contour, lines) if one is not None)
    return GxtDiagram(
        beam_id,
        header.text("emi_rcp").upper() == "R",
        header.text("polar_disc").upper() != "X",
        max(gains) if gains and max(gains) > 0 else None,
        tuple(point for one in boresights for point in one.points),
        contours,
    )


def _contour(section: _Section) -> GxtContour | None:
    gain_db = section.number("gain")
    said = section.number("n_point", float(len(section.points)))
    if gain_db is not None and gain_db > 0:
        why = f"gain is {gain_db:g} dB: a contour lies below the greatest gain, at 0 dB or less"
        section.faults.append(BadLine(section.values["gain"][1], why))
    if not section.faults and said != len(section.points):
        why = f"n_point is {said:g}, and there are {len(section.points)} points"
        section.faults.append(BadLine(section.values["n_point"][1], why))
    if not section.faults and len(section.points) < 3:
        section.faults.append(BadLine(section.line_number, f"[{section.name}] has fewer than 3 points"))
    if section.faults or gain_db is None:
        return None
    return GxtContour(gain_db, tuple(section.points), section.line_number)


def _on_earth(point: Point) -> str | None:
    longitude_deg, latitude_deg = point
    if abs(latitude_deg) > 90:
        return f"the latitude is not -90 to 90 deg: {latitude_deg:g}"
    return None if abs(longitude_deg) <= 360 else f"the longitude is not -360 to 360 deg: {longitude_deg:g}"


def _a_direction(point: Point) -> str | None:
    return None if max(map(abs, point)) < 90 else f"a direction is below 90 deg: {point[0]:g};{point[1]:g}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
