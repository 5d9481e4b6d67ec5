"""Pack the digital maps of the ITU-R Recommendations for shipping.

For maintainers, when a Recommendation gets new maps:

    python deploy/pack_digital_maps.py UNPACKED_ITUR_WHEEL P840_9_FOLDER P678_3_FOLDER P2145_0_FOLDER \
        resource/physics/digital_maps [--only NAME ...]

The first folder is the unpacked wheel of `itur` 0.4.0 (PyPI, MIT), the others hold the P.840-9, P.678-3 and P.2145-0
maps (ITU-Rpy and a copy of it, MIT). The maps themselves are ITU's. Nothing is lost: every file is unpacked again and
compared value by value. With `--only` the other maps, and what the index says of them, stay.
"""

import argparse
import hashlib
import json
import lzma
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.maps import MapEntry, unpack

Values = NDArray[np.float64]
Integers = NDArray[np.int64]

VAPOUR_PERCENT = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 30, 50, 60, 70, 80, 90, 95, 99)
AIR_PERCENT = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 30, 50)  # of P.2145-0's 0.01 to 99 %
QUARTER_DEGREE = (np.linspace(-90, 90, 721), np.linspace(-180, 180, 1441))  # P.2145-0: the axes have no files
CLOUD_PERCENT = (0.01, 0.02, 0.03, 0.05, *VAPOUR_PERCENT, 100)
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 26, "pb": 0}]


@dataclass(frozen=True)
class Source:
    """Where the levels of one packed map come from.

    `decimals` None: eight significant digits. `blank` is written where the map has no number and none is read.
    `from_the_last`: the levels are written backwards, each as its difference from the one before, which it resembles.
    """

    name: str
    recommendation: str
    latitudes_deg: Values
    longitudes_deg: Values
    levels: tuple[Path, ...]
    decimals: int | None
    level_values: tuple[float, ...] = ()
    blank: float | None = None
    from_the_last: bool = False


def main() -> None:
    """Pack every map and write the index beside them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("wheel", type=Path)
    arguments.add_argument("p840", type=Path)
    arguments.add_argument("p678", type=Path)
    arguments.add_argument("p2145", type=Path)
    arguments.add_argument("target", type=Path)
    arguments.add_argument("--only", nargs="+", metavar="NAME")
    chosen = arguments.parse_args()
    chosen.target.mkdir(parents=True, exist_ok=True)
    found = [*sources(chosen.wheel / "itur/data", chosen.p840, chosen.p678), *surface_air(chosen.p2145)]
    unknown = sorted(set(chosen.only or ()) - {source.name for source in found})
    if unknown:
        arguments.error(f"--only: no map is called {', '.join(unknown)}")
    index = json.loads((chosen.target / "index.json").read_text()) if chosen.only else {}
    wanted = [source for source in found if not chosen.only or source.name in chosen.only]
    index |= {source.name: pack(source, chosen.target) for source in wanted}
    (chosen.target / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def sources(wheel: Path, p840: Path, p678: Path) -> list[Source]:
    """The maps that the prediction methods read."""

    def one(name: str, recommendation: str, lat: str, lon: str, values: str, decimals: int) -> Source:
        return Source(name, recommendation, *axes(wheel / lat, wheel / lon), (wheel / values,), decimals)

    def monthly(name: str, recommendation: str, lat: str, lon: str, values: str) -> Source:
        months = tuple(wheel / values.format(month) for month in range(1, 13))
        return Source(name, recommendation, *axes(wheel / lat, wheel / lon), months, 3, tuple(range(1, 13)))

    def vapour(name: str, stem: str) -> Source:
        levels = tuple(wheel / f"836/v6_{stem}_{digits(percent)}.npz" for percent in VAPOUR_PERCENT)
        grid = axes(wheel / "836/v6_lat.npz", wheel / "836/v6_lon.npz")
        return Source(name, "ITU-R P.836-6", *grid, levels, None, VAPOUR_PERCENT)

    def log_normal(name: str, symbol: str) -> Source:
        # No mean and no deviation where the probability is 0.02 % or less: never read there.
        return Source(name, "ITU-R P.840-9", *cloud_grid, (p840 / f"v9_{symbol}.npz",), 3, blank=0.0)

    cloud_grid = axes(p840 / "v9_lat.npz", p840 / "v9_lon.npz")
    cloud_levels = tuple(p840 / f"v9_l_{digits(percent)}.npz" for percent in CLOUD_PERCENT)
    return [
        one("rain_rate", "ITU-R P.837-7", "837/v7_lat_r001.npz", "837/v7_lon_r001.npz", "837/v7_r001.npz", 3),
        monthly(
            "monthly_rainfall", "ITU-R P.837-7", "837/v7_lat_mt.npz", "837/v7_lon_mt.npz", "837/v7_mt_month{:02}.npz"
        ),
        one("zero_isotherm", "ITU-R P.839-4", "839/v4_esalat.npz", "839/v4_esalon.npz", "839/v4_esa0height.npz", 3),
        one("altitude", "ITU-R P.1511-2", "1511/v2_lat.npz", "1511/v2_lon.npz", "1511/v2_topo.npz", 0),
        one("temperature", "ITU-R P.1510-1", "1510/v1_lat.npz", "1510/v1_lon.npz", "1510/v1_t_annual.npz", 3),
        monthly(
            "monthly_temperature", "ITU-R P.1510-1", "1510/v1_lat.npz", "1510/v1_lon.npz", "1510/v1_t_month{:02}.npz"
        ),
        one("wet_term", "ITU-R P.453-13", "453/v13_lat_n.npz", "453/v13_lon_n.npz", "453/v13_nwet_annual_50.npz", 3),
        vapour("vapour_density", "rho"),
        vapour("vapour_content", "v"),
        vapour("vapour_scale_height", "vsch"),
        one(
            "vapour_topography", "ITU-R P.836-6", "836/v6_topolat.npz", "836/v6_topolon.npz", "836/v6_topo_0dot5.npz", 3
        ),
        Source("cloud_liquid", "ITU-R P.840-9", *cloud_grid, cloud_levels, 3, CLOUD_PERCENT),
        log_normal("cloud_log_mean", "ml"),
        log_normal("cloud_log_deviation", "sl"),
        log_normal("cloud_probability", "pl"),
        Source(
            "climatic_ratio",
            "ITU-R P.678-3",
            *axes(p678 / "v3_lat.npz", p678 / "v3_lon.npz"),
            (p678 / "v3_climatic_ratio.npz",),
            4,
        ),
    ]


def surface_air(p2145: Path) -> list[Source]:
    """The annual maps of P.2145-0: means, what is exceeded, and what brings both to another height."""

    def one(name: str, stem: str, decimals: int = 3) -> Source:
        return Source(name, "ITU-R P.2145-0", *QUARTER_DEGREE, (p2145 / f"v0_{stem}.npz",), decimals)

    def exceeded(name: str, symbol: str) -> Source:
        levels = tuple(p2145 / f"v0_{symbol}_{digits(percent)}.npz" for percent in AIR_PERCENT)
        return Source(name, "ITU-R P.2145-0", *QUARTER_DEGREE, levels, 3, AIR_PERCENT, from_the_last=True)

    symbols = {"pressure": "P", "temperature": "T", "vapour_density": "RHO", "vapour_content": "V"}
    return [
        *(one(f"surface_{name}_mean", f"{symbol}_mean") for name, symbol in symbols.items()),
        *(exceeded(f"surface_{name}", symbol) for name, symbol in symbols.items()),
        one("surface_pressure_scale_height", "PSCH"),
        one("surface_temperature_gradient", "TSCH"),
        one("surface_vapour_scale_height", "VSCH"),
        one("surface_altitude", "Z_ground", 6),
    ]


def axes(latitudes: Path, longitudes: Path) -> tuple[Values, Values]:
    """Latitude of each row and longitude of each column, from the files of a map's grid."""
    return read(latitudes)[:, 0], read(longitudes)[0]


def digits(percent: float) -> str:
    """The percentage as it stands in the file names: 0.01 is 001."""
    return f"{percent:g}".replace(".", "")


def read(path: Path) -> Values:
    """The one array of an .npz file."""
    with np.load(path) as archive:
        values: Values = archive[archive.files[0]].astype(np.float64)
    return values


def pack(source: Source, target: Path) -> MapEntry:
    """Write one packed map; returns its entry in the index."""
    levels = [filled(read(path), source.blank) for path in source.levels]
    integers = [eight_digits(level) if source.decimals is None else scaled(level, source.decimals) for level in levels]
    smallest = np.dtype(np.int16) if max(np.abs(i).max() for i in integers) < 2**14 else np.dtype(np.int32)
    if source.from_the_last:
        integers.reverse()
        integers = [integers[0], *(level - before for before, level in pairwise(integers))]
    packed = lzma.compress(b"".join(differences(i, smallest) for i in integers), lzma.FORMAT_XZ, filters=FILTERS)
    lat, lon = source.latitudes_deg, source.longitudes_deg
    entry: MapEntry = {
        "recommendation": source.recommendation,
        "sha256": hashlib.sha256(packed).hexdigest(),
        "dtype": smallest.name,
        "decimals": source.decimals,
        "shape": [len(lat), len(lon), len(levels)],
        "first_latitude_deg": float(lat[0]),
        "first_longitude_deg": float(lon[0]),
        "rows_per_degree": float((len(lat) - 1) / (lat[-1] - lat[0])),
        "columns_per_degree": float((len(lon) - 1) / (lon[-1] - lon[0])),
        "levels": list(source.level_values),
        "from_the_last": source.from_the_last,
    }
    check_grid(lat, lon, source.name)
    compare(unpack(packed, entry), np.stack(levels, axis=-1), source)
    (target / f"{source.name}.xz").write_bytes(packed)
    return entry


def filled(level: Values, blank: float | None) -> Values:
    """The level with `blank` for what is not a number."""
    return level if blank is None else np.where(np.isnan(level), blank, level)


def scaled(level: Values, decimals: int) -> Integers:
    """The printed decimals as integers."""
    integers: Integers = np.round(level * 10.0**decimals).astype(np.int64)
    return integers


def eight_digits(level: Values) -> Integers:
    """Eight significant digits d and the exponent k of d * 10**(k - 8) as k * 10**8 + d; not a number is 0."""
    known = np.isfinite(level)
    exponent = np.floor(np.log10(np.where(known, level, 1.0))).astype(np.int64) + 1
    mantissa = np.round(np.where(known, level, 0.0) * 10.0 ** (8 - exponent)).astype(np.int64)
    integers: Integers = np.where(known, exponent * 10**8 + mantissa, 0)
    return integers


def differences(integers: Integers, dtype: np.dtype[np.signedinteger]) -> bytes:
    """Two-dimensional differences, sign folded into the lowest bit, most similar bytes together."""
    rows = np.diff(integers, axis=0, prepend=0)
    both = np.diff(rows, axis=1, prepend=0).astype(dtype)
    folded = (both << 1) ^ (both >> (8 * dtype.itemsize - 1))
    return folded.astype(dtype.newbyteorder("<")).view(np.uint8).reshape(-1, dtype.itemsize).T.tobytes()


def check_grid(lat: Values, lon: Values, name: str) -> None:
    """Refuse a grid whose steps are not even."""
    for axis in (lat, lon):
        even = np.linspace(axis[0], axis[-1], len(axis))
        if not np.allclose(axis, even, atol=1e-6):
            raise SystemExit(f"{name}: the grid is not even")


def compare(unpacked: NDArray[np.generic], wanted: Values, source: Source) -> None:
    """Refuse a packing that lost anything."""
    values = unpacked.astype(np.float64)
    if source.decimals is not None:
        values = values / 10.0**source.decimals
    if not np.allclose(values, wanted, rtol=0, atol=1e-9, equal_nan=True):
        raise SystemExit(f"{source.name}: packing lost precision")


if __name__ == "__main__":
    main()
