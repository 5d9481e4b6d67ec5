"""Countries: in which country a place lies, so that a licence can be asked for. At sea there is none.

Borders are Natural Earth's at 1:50 million (public domain), about a kilometre true; next to a border and on the coast
give the country yourself. Words: ISO 3166-1 alpha-2. Places Natural Earth keeps apart and ISO does not are counted to
the country of their ISO code; the Siachen glacier, claimed by two, to none.
"""

import json
import lzma
from functools import cache
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

FILE = Path(__file__).parent / "data" / "countries.json.xz"


def countries(latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64]) -> list[str | None]:
    """The country of each place, `None` at sea and where the place is no place on Earth. Arrays of shape (places,)."""
    latitude_deg, longitude_deg = np.atleast_1d(latitude_deg), np.atleast_1d(longitude_deg)
    found: list[str | None] = [None] * latitude_deg.size
    on_earth = (np.abs(latitude_deg) <= 90) & np.isfinite(longitude_deg)
    east_deg = (np.where(on_earth, longitude_deg, 0) + 180) % 360 - 180
    points = shapely.points(east_deg, np.where(on_earth, latitude_deg, 0))
    codes, tree = _borders()
    for place, area in tree.query(points, predicate="intersects").T:
        if on_earth[place] and found[place] is None:
            found[place] = codes[area]
    return found


def outlines() -> list[tuple[str, shapely.Polygon]]:
    """The code and each piece of every country, in (longitude, latitude): for drawing."""
    codes, tree = _borders()
    return list(zip(codes, tree.geometries.tolist(), strict=True))


@cache
def _borders() -> tuple[list[str], shapely.STRtree]:
    shapes: dict[str, list[list[list[list[float]]]]] = json.loads(lzma.decompress(FILE.read_bytes()))
    codes, areas = [], []
    for code, polygons in shapes.items():
        for border, *holes in polygons:
            codes.append(code)
            areas.append(shapely.Polygon(border, holes))
    return codes, shapely.STRtree(areas)
