"""Contours of beams that lie in a file of their own: GXT as filed with the ITU, or a grid of levels.

An entry of `beams.yaml` names the file instead of writing rings: `gxt` (points on the Earth), `gxt_directions` (points
as the satellite sees them) or `grid`. What is kept are the beam's contours, so that a qualification, its evidence and a
map need no file. A fault names the file and its line.
"""

from collections.abc import Sequence

from satcom.app.loading.entries import several
from satcom.app.loading.files import Values
from satcom.app.loading.loading import Load
from satcom.core.errors import Fault, Refused
from satcom.market.order_item import FaultsFound
from satcom.resource.physics.coverage import ContourBeam
from satcom.resource.physics.gxt import GxtFile, contour_beam, read_gxt, read_gxt_of_directions
from satcom.resource.physics.level_grid import grid_contours, read_level_grid
from satcom.resource.physics.orbit import BadLine

GXT, DIRECTIONS, GRID = "gxt", "gxt_directions", "grid"
GXT_BEAM, STEPS = "gxt_beam", "steps_db"
CONTOUR_KEYS = frozenset({GXT, DIRECTIONS, GRID, GXT_BEAM, STEPS})
USUAL_STEPS_DB = (-1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -10.0)
LOWEST_DB = -40.0  # below it a contour sells nothing, and is left out
TOLD = 20  # bad lines of a file


def contours_of_file(load: Load, values: Values, found: FaultsFound) -> None:
    """Turn a file that the entry names into its contours."""
    named = {key: values.pop(key) for key in (GXT, DIRECTIONS, GRID) if key in values}
    beam_id, steps = values.pop(GXT_BEAM, None), several(values.pop(STEPS, None))
    before = len(found.faults)
    with found.gathering():
        if not named:
            _refuse_without(GXT_BEAM if beam_id is not None else STEPS if steps is not None else None)
            return
        if len(named) > 1 or "contours" in values or "boresight" in values:
            why = "a beam has one of contours, boresight, gxt, gxt_directions and grid"
            raise Refused(next(iter(named)), why, "impossible")
        ((key, name),) = named.items()
        if not isinstance(name, str):
            raise Refused(key, "it is the name of a file", "wrongType")
        text = _text(load, key, name)
        beam = _of_grid(text, name, steps) if key == GRID else _of_gxt(key, text, name, beam_id)
        values["contours"] = [
            {"level_db": contour.level_db, "polygon": [list(point) for point in border]}
            for contour in beam.contours
            if contour.level_db >= LOWEST_DB
            for border, *_ in contour.polygons
        ]
    if len(found.faults) > before:
        found.refuse()  # that the beam then has no contours, follows


def _refuse_without(key: str | None) -> None:
    if key is not None:
        raise Refused(key, "it goes with a file of contours", "impossible", f"{GXT}, {DIRECTIONS} or {GRID} beside it")


def _text(load: Load, key: str, name: str) -> str:
    try:
        return load.files.beside(name)
    except Refused as refused:
        raise Refused(key, f"{name}: {refused.faults[0].why}", "unreadable") from refused


def _of_gxt(key: str, text: str, name: str, beam_id: object) -> ContourBeam:
    file: GxtFile = read_gxt(text) if key == GXT else read_gxt_of_directions(text)
    if file.bad_lines:
        raise _of_lines(key, name, file.bad_lines)
    try:
        return contour_beam(file, file.diagram(None if beam_id is None else str(beam_id)))
    except ValueError as none:
        field = GXT_BEAM if "beam" in str(none) else key
        raise Refused(field, f"{name}: {none}", "notFound" if field == GXT_BEAM else "invalid") from none


def _of_grid(text: str, name: str, steps: object) -> ContourBeam:
    read = read_level_grid(text)
    if read.grid is None:
        raise _of_lines(GRID, name, read.bad_lines)
    steps_db = USUAL_STEPS_DB if steps is None else _steps(steps)
    try:
        return grid_contours(read.grid, steps_db)
    except ValueError as none:
        raise Refused(GRID, f"{name}: {none}", "invalid") from none


def _steps(steps: object) -> Sequence[float]:
    accepted = "levels in dB below the peak, -40 to 0, as [-1, -3, -6]"
    try:
        found = [float(one) for one in steps] if isinstance(steps, list) else []
    except (TypeError, ValueError):
        found = []
    if not found or not all(LOWEST_DB <= one <= 0 for one in found):
        raise Refused(STEPS, f"{steps!r} are no levels of contours", "invalid", accepted)
    return found


def _of_lines(key: str, name: str, lines: Sequence[BadLine]) -> Refused:
    return Refused.all([Fault(key, f"{name}: line {one.line_number}: {one.reason}", "invalid") for one in lines[:TOLD]])
