"""Total attenuation for many different points, beside `itur` in the same run; answers compared before timing.

A point is a place, a frequency, an elevation and a share of the year, each its own. `itur` takes one frequency and one
share a call (with arrays of frequencies its answer is a matrix), so it is given the points of each pair in one array;
and one by one. It follows the editions before the current ones (P.618-13, P.676-12, P.840-7): there gas and cloud of a
wet hour are those of 1 % of the year, here of 5 %, so that what is compared is the rain. It is not among our
dependencies: `uv` brings it for the run.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from benchmarks.measured import Row, Table, load, median_ms, publish, seconds
from numpy.typing import NDArray

from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation

NAME = "total_attenuation"
PEER = "itur==0.4.0"
PEERS_PAIRS = [(freq_ghz, percent) for freq_ghz in (6.0, 12.0, 20.0, 30.0, 45.0) for percent in (0.01, 0.1, 1.0)]
DIAMETER_M, EFFICIENCY = 1.2, 0.65
ASK_PEER = """
import json, sys, time, warnings
import numpy as np
import itur
warnings.simplefilter("ignore")
points = np.load(sys.argv[1])["points"]
singles = int(sys.argv[2])
def ask(rows, percent, **more):
    lat, lon, ghz, elevation = rows
    return itur.atmospheric_attenuation_slant_path(lat, lon, ghz, elevation, percent, 1.2, eta=0.65, tau=45, **more)
def ask_array(rows, percent, **more):
    return ask((rows[0], rows[1], float(rows[2, 0]), rows[3]), percent, **more)
ask_array(points[:4, :2], 0.1)
ask(points[:4, 0], 0.1)
groups = [((points[2] == ghz) & (points[4] == percent), float(percent))
          for ghz, percent in np.unique(points[[2, 4]], axis=1).T]
rain = np.empty(points.shape[1])
for chosen, percent in groups:
    rain[chosen] = ask_array(points[:4, chosen], percent, return_contributions=True)[2].value
began = time.perf_counter()
for chosen, percent in groups:
    ask_array(points[:4, chosen], percent)
array_s = time.perf_counter() - began
began = time.perf_counter()
for column in points.T[:singles]:
    ask(column[:4], float(column[4]))
scalar_s = time.perf_counter() - began
np.save(sys.argv[3], rain)
print(json.dumps({"array_s": array_s, "scalar_s": scalar_s}))
"""
ASK_FIRST = """
import json, time
began = time.perf_counter()
from satcom.resource.physics.attenuation import total_attenuation
imported = time.perf_counter()
link = (45.0, 0.1, 45.0, 1.2, 0.65)
total_attenuation(1.35, 103.8, 12e9, *link)
first = time.perf_counter()
total_attenuation(51.5, -0.1, 12e9, *link)
print(json.dumps([imported - began, first - imported, time.perf_counter() - first]))
"""
FIRST = ("import", "the first answer after it", "the next")
PROCESSES, AIM_MS = 7, 300
Array = NDArray[np.float64]


def points(count: int) -> Array:
    """Latitude, longitude, GHz, elevation and share of the year, all different; shape (5, count)."""
    lots = np.random.default_rng(1)
    freq_ghz, percent = lots.uniform(4, 50, count), 10 ** lots.uniform(-2, np.log10(5), count)
    return np.array([*_places(lots, count), freq_ghz, lots.uniform(10, 85, count), percent])


def peers_points(count: int) -> Array:
    """The same, of some pairs of frequency and share."""
    lots = np.random.default_rng(2)
    freq_ghz, percent = lots.choice(PEERS_PAIRS, count).T
    return np.array([*_places(lots, count), freq_ghz, lots.uniform(10, 85, count), percent])


def _places(lots: np.random.Generator, count: int) -> tuple[Array, Array]:
    return np.degrees(np.arcsin(lots.uniform(-0.9, 0.9, count))), lots.uniform(-180, 180, count)


def ours(asked: Array) -> TotalAttenuation:
    latitude_deg, longitude_deg, freq_ghz, elevation_deg, percent = asked
    antenna = (45.0, DIAMETER_M, EFFICIENCY)
    return total_attenuation(latitude_deg, longitude_deg, freq_ghz * 1e9, elevation_deg, percent, *antenna)


def peers(asked: Array, singles: int) -> tuple[Array, float, float]:
    """The rain by `itur`, and how long its totals took in arrays, and for the first `singles` of them one by one."""
    with TemporaryDirectory(prefix="satcom-benchmark-") as folder:
        told, answered = Path(folder) / "points.npz", Path(folder) / "answers.npy"
        np.savez(told, points=asked)
        uv = Path(sys.executable).with_name("uv")
        command: list[str | Path] = [uv, "run", "--no-project", "--quiet", "--python", sys.executable]
        command += ["--with", PEER, "--with", "setuptools", "python", "-c", ASK_PEER, told, str(singles), answered]
        taken = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return np.load(answered), taken["array_s"], taken["scalar_s"]


def compared(mine: Array, theirs: Array) -> str:
    """By how much the rain differs; nothing is timed that does not answer alike."""
    known = np.isfinite(mine) & np.isfinite(theirs)
    apart = np.abs(mine - theirs)[known] / np.maximum(theirs[known], 1.0)
    middle, nearly_all = np.percentile(apart, [50, 95])
    if known.mean() < 0.9 or middle > 0.03:
        raise ValueError(f"the answers differ: {middle:.1%} in the middle, {known.mean():.0%} answered by both")
    return (
        f"Rain: {known.mean():.0%} answered by both; apart by {middle:.2%} in the middle, {nearly_all:.1%} at the 95th"
    )


def first_answers() -> Table:
    """What a process waits for its first answer, the maps being in the data directory already."""
    command = [sys.executable, "-c", ASK_FIRST]
    subprocess.run(command, check=True, capture_output=True)  # unpacks the maps where that was not done yet
    told = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(PROCESSES)
    ]
    rows = [(what, median_ms(taken_s)) for what, taken_s in zip(FIRST, zip(*told, strict=True), strict=True)]
    return Table("A new process", ("what", "median, ms"), rows, f"{PROCESSES} processes. Aim: {AIM_MS} ms.")


def measured(count: int, for_peer: int, singles: int) -> tuple[list[Row], str]:
    """The rows of the table, and how the answers compare."""
    asked, few = points(count), peers_points(for_peer)
    theirs, array_s, scalar_s = peers(few, singles)
    alike = compared(ours(few).rain_db, theirs)
    a_second = count / min(seconds(lambda: ours(asked)) for _ in range(3))
    rows: list[Row] = [("satcom, one call", count, a_second, 1.0)]
    for name, asked_of, taken_s in ((f"{PEER}, arrays", for_peer, array_s), (f"{PEER}, one by one", singles, scalar_s)):
        rows.append((name, asked_of, asked_of / taken_s, a_second * taken_s / asked_of))
    return rows, alike


def main(count: int = 100_000, for_peer: int = 3_000, singles: int = 100, write: bool = False) -> None:
    began = load()
    rows, alike = measured(count, for_peer, singles)
    table = Table("Total attenuation", ("what", "points", "points a second", "satcom is faster by"), rows, alike)
    publish(NAME, f"python -m benchmarks.{NAME}", began, [table, first_answers()], write)


if __name__ == "__main__":
    typer.run(main)
