"""A coverage map for programs: the grid as JSON, and its areas as GeoJSON.

Words: RFC 7946 (cut at the date line, borders anticlockwise, holes clockwise).
"""

import json

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from satcom.app.coverage_areas import level_areas
from satcom.app.coverage_levels import levels_of
from satcom.app.coverage_query import CoverageMap
from satcom.core.values import Json


def as_grid(answer: CoverageMap) -> str:
    """Latitudes, longitudes and rows of values; `null` where there is no coverage."""
    rows = [[None if np.isnan(one) else round(float(one), 4) for one in row] for row in answer.values]
    body = facts_of(answer) | {
        "latitudeDeg": [round(float(one), 6) for one in answer.grid.latitude_deg],
        "longitudeDeg": [round(float(one), 6) for one in answer.grid.longitude_deg],
        "values": rows,
    }
    return json.dumps(body, ensure_ascii=False)


def as_geojson(answer: CoverageMap) -> str:
    """An area for each level that the picture has: the places with at least it (of a flux to saturate, at most it)."""
    features: list[Json] = []
    levels = levels_of(answer)
    for level, whole in zip(levels, level_areas(answer, levels), strict=True):
        area = _cut(whole)
        if not area.is_empty:
            told: dict[str, Json] = {"level": level, "unit": answer.unit}
            features.append({"type": "Feature", "properties": told, "geometry": _geometry(area)})
    collection = {"type": "FeatureCollection", "properties": facts_of(answer), "features": features}
    return json.dumps(collection, ensure_ascii=False)


def facts_of(answer: CoverageMap) -> dict[str, Json]:
    """What the map is of."""
    epoch = answer.elements_of
    return {
        "quantity": answer.quantity.value,
        "title": answer.title,
        "unit": answer.unit,
        "who": answer.who,
        "satellites": [name for name, _ in answer.satellites],
        "beams": list(answer.beams),
        "elementsOf": epoch.isoformat() if epoch is not None else None,
        "conditions": answer.conditions or None,
        "illustrative": answer.illustrative,
    }


def _geometry(area: BaseGeometry) -> Json:
    """A MultiPolygon; what a cut left as a line or point is no area."""
    parts = [one for one in shapely.get_parts(area) if isinstance(one, shapely.Polygon)]
    turned = shapely.MultiPolygon([shapely.Polygon(one) for one in shapely.orient_polygons(parts).tolist()])
    return json.loads(json.dumps(mapping(shapely.set_precision(turned, 1e-4, mode="pointwise"))))  # type: ignore[no-any-return]


def _cut(area: BaseGeometry) -> BaseGeometry:
    """In -180 to 180: what lies beyond is moved by a turn."""
    pieces = [
        translate(
            shapely.intersection(area, shapely.box(180.0 * (2 * turn - 1), -90, 180.0 * (2 * turn + 1), 90)),
            -360 * turn,
        )
        for turn in (-1, 0, 1)
    ]
    return shapely.union_all([one for one in pieces if not one.is_empty])
