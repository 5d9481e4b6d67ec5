"""Digital maps of the ITU-R propagation Recommendations, and how to read a value at a place.

Between grid points the value is found by the rule of ITU-R P.1144: bilinear, and bicubic for topography.
The maps ship packed. The first use of one unpacks it once into `maps/` below the data directory
(`SATCOM_DATA_DIR`, else `~/.local/share/satcom`), from where it is mapped into memory and shared by all processes.

Which map is whose: `docs/propagation.md`. What the values mean is up to `rain`, `cloud`, `gas`, `scintillation`.
"""

import json
import lzma
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

PACKED = Path(__file__).resolve().parent / "digital_maps"


class MapEntry(TypedDict):
    """What `digital_maps/index.json` says of one map."""

    recommendation: str
    sha256: str
    dtype: str
    decimals: int | None
    shape: list[int]
    first_latitude_deg: float
    first_longitude_deg: float
    rows_per_degree: float
    columns_per_degree: float
    levels: list[float]
    from_the_last: bool  # the levels are written backwards, each as its difference from the one before


@dataclass(frozen=True)
class Cells:
    """The four grid points around each place, and the weight of each. Shape of both: (4, ...)."""

    points: Indices
    weights: Array

    def weigh(self, values: Array) -> Array:
        """Bilinear value from those at the four points."""
        value: Array = np.einsum("k...,k...->...", values, self.weights)
        return value


@dataclass(frozen=True)
class DigitalMap:
    """A regular grid over the whole globe, one value or one per level (probability, month) at each grid point.

    `values` is flat, levels of a grid point side by side, in units of `unit`.
    """

    values: NDArray[np.float64] | NDArray[np.int16] | NDArray[np.int32]
    unit: float
    rows: int
    columns: int
    first_latitude_deg: float
    first_longitude_deg: float
    rows_per_degree: float
    columns_per_degree: float
    levels: Array

    def at(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
        """Value at the places, bilinear (ITU-R P.1144, Annex 1, 1b). Arguments broadcast; nan off the globe."""
        cells = self.cells(latitude_deg, longitude_deg)
        return cells.weigh(self.read(cells.points))

    def every_level_at(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
        """As `at`, for all levels: they form the last axis."""
        cells = self.cells(latitude_deg, longitude_deg)
        value: Array = np.einsum("k...l,k...->...l", self.read_every_level(cells.points), cells.weights)
        return value

    def at_level(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike, level: ArrayLike) -> Array:
        """As `at`, at any level, linear in its logarithm between two. Arguments broadcast; nan beyond the levels."""
        lat, lon, wanted = np.broadcast_arrays(*(np.asarray(a, float) for a in (latitude_deg, longitude_deg, level)))
        lower, share = self.between_levels(wanted)
        cells = self.cells(lat, lon)
        first = cells.points * len(self.levels) + lower
        return cells.weigh(self.read(first)) * (1 - share) + cells.weigh(self.read(first + 1)) * share

    def read(self, positions: Indices) -> Array:
        """Values at positions in the flat map."""
        return self._in_its_unit(self.values.take(positions))

    def read_every_level(self, points: Indices) -> Array:
        """Values of all levels, on the last axis, at grid points."""
        return self._in_its_unit(self.values.reshape(-1, len(self.levels)).take(points, axis=0))

    def _in_its_unit(self, values: NDArray[np.float64] | NDArray[np.int16] | NDArray[np.int32]) -> Array:
        if self.unit == 1:
            return np.asarray(values, np.float64)
        value: Array = np.multiply(values, self.unit, dtype=np.float64)
        return value

    def between_levels(self, wanted: Array) -> tuple[Indices, Array]:
        """The level below each wanted one, and how far it lies, in logarithms, towards the next; nan when beyond."""
        lower = np.clip(np.searchsorted(self.levels, wanted, side="right") - 1, 0, len(self.levels) - 2)
        logs = np.log(self.levels)
        known = (wanted >= self.levels[0]) & (wanted <= self.levels[-1])
        share = (np.log(np.where(known, wanted, np.nan)) - logs[lower]) / (logs[lower + 1] - logs[lower])
        return lower.astype(np.intp), share

    def cells(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Cells:
        """The grid points around the places and their bilinear weights; nan weights off the globe."""
        row, column = self._position(latitude_deg, longitude_deg)
        # fmin takes the number where the position is nan, which the weights remember.
        upper = np.fmin(np.floor(row), self.rows - 2).astype(np.intp)
        left = np.fmin(np.floor(column), self.columns - 2).astype(np.intp)
        down, right = row - upper, column - left
        first = upper * self.columns + left
        points = np.array((first, first + 1, first + self.columns, first + self.columns + 1))
        weights = np.array(((1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right))
        return Cells(points, weights)

    def coordinates_deg(self, points: Indices) -> tuple[Array, Array]:
        """Latitude and longitude of grid points."""
        row, column = np.divmod(points, self.columns)
        return (
            self.first_latitude_deg + row / self.rows_per_degree,
            self.first_longitude_deg + column / self.columns_per_degree,
        )

    def bicubic_at(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
        """Value at the places, bicubic (ITU-R P.1144, Annex 1, 2b). The grid reaches one row beyond the poles."""
        row, column = self._position(latitude_deg, longitude_deg)
        upper = np.fmin(np.fmax(np.floor(row), 1), self.rows - 3).astype(np.intp)
        left = np.fmin(np.fmax(np.floor(column), 1), self.columns - 3).astype(np.intp)
        first = (upper - 1) * self.columns + left - 1
        points = np.array([[first + row * self.columns + column for column in range(4)] for row in range(4)])
        weights = _cubic_weights(row - upper), _cubic_weights(column - left)
        value: Array = np.einsum("rc...,r...,c...->...", self.read(points), *weights)
        return value

    def _position(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> tuple[Array, Array]:
        """Row and column, with fractions. Columns start one step inside a grid that reaches beyond 360 degrees."""
        lat, lon = np.broadcast_arrays(np.asarray(latitude_deg, float), np.asarray(longitude_deg, float))
        known = (np.abs(lat) <= 90) & np.isfinite(lon)
        turn = 360 * self.columns_per_degree
        spare = int(self.columns - 1 > round(turn))
        row = (np.where(known, lat, np.nan) - self.first_latitude_deg) * self.rows_per_degree
        column = ((np.where(known, lon, np.nan) - self.first_longitude_deg) * self.columns_per_degree - spare) % turn
        return row, column + spare


def _cubic_weights(fraction: Array) -> Array:
    """Weights of the four points at -1, 0, 1, 2, on the first axis (ITU-R P.1144, Annex 1, 2b: K of the distance)."""
    d = np.array((1 + fraction, fraction, 1 - fraction, 2 - fraction))
    near, far = d[1:3], d[::3]
    d[1:3] = (1.5 * near - 2.5) * near**2 + 1
    d[::3] = ((-0.5 * far + 2.5) * far - 4) * far + 2
    return d


_unpacking = Lock()  # of many threads that ask first, one does the work


@cache
def digital_map(name: str, least_level: float | None = None) -> DigitalMap:
    """The map of that name in the index; unpacked first if this installation has not used it yet.

    With `least_level` only its levels from there on, for a map that is written from the last: less is unpacked.

    Raises KeyError for a name that is not in the index, OSError when the data directory cannot be written.
    """
    entry = map_index()[name] if least_level is None else _levels_from(map_index()[name], least_level)
    rows, columns, _ = entry["shape"]
    unpacked = _unpacked(name if least_level is None else f"{name}-from-{least_level:g}", name, entry)
    return DigitalMap(
        values=np.asarray(np.load(unpacked, mmap_mode="r")),  # a memmap would be slow to index
        unit=1.0 if entry["decimals"] is None else 10.0 ** -entry["decimals"],
        rows=rows,
        columns=columns,
        first_latitude_deg=entry["first_latitude_deg"],
        first_longitude_deg=entry["first_longitude_deg"],
        rows_per_degree=entry["rows_per_degree"],
        columns_per_degree=entry["columns_per_degree"],
        levels=np.array(entry["levels"], dtype=np.float64),
    )


@cache
def map_index() -> Mapping[str, MapEntry]:
    """Every shipped map with its source and layout. The SHA-256 names the edition (for evidence kept with orders)."""
    index: dict[str, MapEntry] = json.loads((PACKED / "index.json").read_text())
    return index


def map_folder() -> Path:
    """Where unpacked maps live."""
    configured = os.environ.get("SATCOM_DATA_DIR")
    return (Path(configured) if configured else Path.home() / ".local/share/satcom") / "maps"


def _levels_from(entry: MapEntry, least_level: float) -> MapEntry:
    """What the index would say of the map if it had no level below."""
    levels = [level for level in entry["levels"] if level >= least_level]
    return {**entry, "levels": levels, "shape": [*entry["shape"][:2], len(levels)]}


def _unpacked(file: str, name: str, entry: MapEntry) -> Path:
    """The unpacked file. Written beside its place and renamed, so that no process ever sees half a map."""
    bridged = "" if entry["decimals"] is not None else "-bridged"  # else a file of before, with its gap, would stay
    target = map_folder() / f"{file}-{entry['sha256'][:16]}{bridged}.npy"
    with _unpacking:
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=name, suffix=".part", delete=False) as part:
            np.save(part, without_gaps(unpack((PACKED / f"{name}.xz").read_bytes(), entry)).reshape(-1))
            part.flush()
            os.fsync(part.fileno())
        Path(part.name).chmod(0o644)
        Path(part.name).replace(target)
    return target


def without_gaps(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The values (rows, columns, levels), each that is not a number replaced by the mean of its two on the meridian.

    P.836-6 has such a gap, one row high, at 88.875 degrees North from 37 to 359 degrees East.
    """
    if not np.issubdtype(values.dtype, np.floating):
        return values
    whole = values.astype(np.float64)
    inner = whole[1:-1]
    whole[1:-1] = np.where(np.isnan(inner), (whole[:-2] + whole[2:]) / 2, inner)
    return whole


def unpack(packed: bytes, entry: MapEntry) -> NDArray[np.generic]:
    """The values of a packed map, shape (rows, columns, levels): integers, or floats of eight significant digits.

    Of a map that is written from the last level, `entry` may name the last few alone: the others are not unpacked.
    """
    rows, columns, levels = entry["shape"]
    dtype = np.dtype(entry["dtype"])
    wanted = lzma.LZMADecompressor().decompress(packed, rows * columns * levels * dtype.itemsize)
    planes = np.frombuffer(wanted, np.uint8).reshape(levels, dtype.itemsize, -1)
    folded = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f"<u{dtype.itemsize}")[..., 0]
    differences = ((folded >> 1) ^ -(folded & 1)).view(dtype).reshape(levels, rows, columns)
    # Sums may wrap on the way; the integers they end in do not.
    integers = differences.cumsum(axis=1, dtype=dtype).cumsum(axis=2, dtype=dtype)
    if entry["from_the_last"]:
        integers = integers.cumsum(axis=0, dtype=dtype)[::-1]
    values = np.ascontiguousarray(np.moveaxis(integers, 0, -1))
    return values if entry["decimals"] is not None else _from_eight_digits(values)


def _from_eight_digits(coded: NDArray[np.generic]) -> Array:
    """Decode k * 10**8 + d, which stands for d * 10**(k - 8); 0 stands for not a number."""
    integers = coded.astype(np.int64)
    exponent, mantissa = integers // 10**8, integers % 10**8
    decimals = 8 - exponent
    values: Array = np.where(integers == 0, np.nan, mantissa / 10.0**decimals)
    return values
