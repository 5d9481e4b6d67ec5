"""Pack the borders of all countries for shipping.

For maintainers, when borders change:

    python deploy/pack_countries.py ne_50m_admin_0_countries.geojson resource/data/countries.json.xz

The input is Natural Earth's admin 0 at 1:50 million (public domain). Kept are the ISO 3166 codes and the polygons,
rounded to three decimals (110 m, far below the map's own truth). Places are told apart by `ISO_A2_EH`.
"""

import argparse
import json
import lzma
from pathlib import Path

import shapely
from shapely.geometry import mapping, shape

# Natural Earth draws these apart and gives no code; ISO 3166 counts them to these
COUNTED_TO = {"N. Cyprus": "CY", "Somaliland": "SO"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("geojson", type=Path)
    parser.add_argument("packed", type=Path)
    given = parser.parse_args()
    shapes: dict[str, list[object]] = {}
    for feature in json.loads(given.geojson.read_text(encoding="utf-8"))["features"]:
        facts = feature["properties"]
        code = COUNTED_TO.get(facts["NAME"], facts["ISO_A2_EH"])
        if code == "-99":
            continue
        area = shapely.make_valid(shapely.set_precision(shape(feature["geometry"]), 0.001))
        polygons = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
        shapes.setdefault(code, []).extend(mapping(part)["coordinates"] for part in polygons)
    text = json.dumps(shapes, separators=(",", ":"), sort_keys=True)
    given.packed.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
