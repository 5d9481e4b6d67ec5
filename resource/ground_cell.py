"""Cells of the ground: what one beam of a constellation lights at once, whichever satellite is overhead."""

import math
import re
from typing import Final

from satcom.core.errors import Refused

MERIDIAN_KM: Final = math.pi * 6371.0088  # from pole to pole, on the sphere of the Earth's mean radius (IUGG)


def cell_of(latitude_deg: float, longitude_deg: float, beam_diameter_km: float) -> str:
    """The cell of the ground that a place lies in, as "row/column", counted from the south pole and the date line.

    As many equal rows of latitude as fit from pole to pole with the height of a beam, and in each as many equal columns
    as fit round the parallel in its middle, at least one. Raises `Refused` on what is no place or no diameter.
    """
    if not -90 <= latitude_deg <= 90:
        raise Refused("latitudeDeg", f"{latitude_deg} is no latitude", "invalid", "-90 to 90 degrees")
    if not -180 <= longitude_deg <= 180:
        raise Refused("longitudeDeg", f"{longitude_deg} is no longitude", "invalid", "-180 to 180 degrees")
    if not 0 < beam_diameter_km < math.inf:
        raise Refused("beamDiameterKm", f"{beam_diameter_km} is no diameter", "invalid", "more than 0 km")
    rows = _rows(beam_diameter_km)
    row = min(int((latitude_deg + 90) / 180 * rows), rows - 1)
    if abs(latitude_deg) == 90:  # all longitudes are one place
        return f"{row}/0"
    columns = _columns(row, rows, beam_diameter_km)
    column = min(int((longitude_deg + 180) % 360 / 360 * columns), columns - 1)
    return f"{row}/{column}"


def _rows(beam_diameter_km: float) -> int:
    return max(int(MERIDIAN_KM / beam_diameter_km), 1)


def _columns(row: int, rows: int, beam_diameter_km: float) -> int:
    parallel_km = 2 * MERIDIAN_KM * math.sin(math.pi * (row + 0.5) / rows)
    return max(int(parallel_km / beam_diameter_km), 1)


def check_cell(field: str, cell: str, beam_diameter_km: float, of: str) -> None:
    """It is a cell of the ground, as beams of this diameter divide it. Raises `Refused` on `field`."""
    rows = _rows(beam_diameter_km)
    known = re.fullmatch(r"(0|[1-9]\d{0,5})/(0|[1-9]\d{0,5})", cell, re.ASCII)
    row, column = (int(one) for one in known.groups()) if known is not None else (rows, 0)
    if row >= rows or column >= _columns(row, rows, beam_diameter_km):
        raise Refused(field, f"{cell!r} is no cell of {of}", "notFound", f"row 0 to {rows - 1}, and column")


def middle_of(cell: str, beam_diameter_km: float) -> tuple[float, float]:
    """Latitude and longitude of the middle of a cell that there is, degrees."""
    row, column = map(int, cell.split("/"))
    rows = _rows(beam_diameter_km)
    columns = _columns(row, rows, beam_diameter_km)
    return 180 * (row + 0.5) / rows - 90, 360 * (column + 0.5) / columns - 180
