"""All windows of a fleet of Starlink's and OneWeb's size at 100 sites in a day, against Skyfield's `find_events`.

Without `--elements` the fleet is made of the low satellites of the tests' sample, each spread over nodes and anomalies.
Skyfield looks at one satellite and one site at a time: some pairs are drawn, their answers compared, and then timed in
the same run. A satellite-site-day is one satellite looked for at one site through one day.
"""

import resource
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any

import numpy as np
import typer
from benchmarks.measured import Row, Table, load, publish
from skyfield.api import EarthSatellite, wgs84
from skyfield.toposlib import GeographicPosition

from satcom.resource.physics.earth_rotation import timescale
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.horizon_mask import Sites, sites_on
from satcom.resource.physics.orbit import Elements, read_tle, sgp4_record
from satcom.resource.physics.visibility import fleet_windows
from satcom.resource.physics.windows import Windows

NAME = "fleet_visibility"
SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "orbit_sample.tle"
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
DAY_S = 86_400.0
LEVEL_DEG = 10.0
SKYFIELD_STOPS_S = 0.5  # its own search halves no further
TOLERANCE_S = SKYFIELD_STOPS_S + 0.1
SHORTEST_COMPARED_S = 5.0


class Here(Executor):
    """Runs at once, in this thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def a_fleet(satellites: int, files: list[Path]) -> list[Elements]:
    """The sets of the files, at most so many; or as many made of the sample."""
    if files:
        read = [one for file in files for one in read_elements(file.read_text(encoding="utf-8")).elements]
        return read[:: max(1, round(len(read) / satellites))]
    sets = read_tle(SAMPLE.read_text(encoding="utf-8")).elements
    low = [one for one in sets if float(one.line2[52:63]) > 10]  # revolutions a day
    return [_shifted(low[number % len(low)], number) for number in range(satellites)]


def _shifted(elements: Elements, number: int) -> Elements:
    golden_deg = 137.50776405
    node = (float(elements.line2[17:25]) + number * golden_deg) % 360
    anomaly = (float(elements.line2[43:51]) + number * golden_deg * golden_deg) % 360
    line = f"{elements.line2[:17]}{node:8.4f}{elements.line2[25:43]}{anomaly:8.4f}{elements.line2[51:68]}"
    checksum = sum(int(sign) if sign.isdigit() else sign == "-" for sign in line) % 10
    return Elements(elements.norad_id, elements.name, elements.epoch, elements.line1, f"{line}{checksum}")


def places(count: int) -> tuple[Sites, Sites]:
    """Sites spread over the Earth: with a level horizon, and with one between 5 and 12 degrees by azimuth."""
    random = np.random.default_rng(1)
    latitude = np.degrees(np.arcsin(random.uniform(-0.94, 0.94, count)))
    longitude, altitude_m = random.uniform(-180, 180, count), random.uniform(0, 2000, count)
    azimuth = np.radians(np.arange(0, 360, 5))
    phase = random.uniform(0, 2 * np.pi, (count, 1))
    hills = np.maximum(5, 8 + 4 * np.sin(azimuth * random.integers(1, 4, (count, 1)) + phase))
    return sites_on(latitude, longitude, altitude_m, LEVEL_DEG), sites_on(latitude, longitude, altitude_m, hills)


def by_skyfield(elements: Elements, place: GeographicPosition) -> tuple[list[float], list[float]]:
    """Rises and sets in seconds after the start."""
    first = timescale().from_datetime(START)
    last = timescale().from_datetime(START + timedelta(seconds=DAY_S))
    satellite = EarthSatellite.from_satrec(sgp4_record(elements), timescale())
    times, kinds = satellite.find_events(place, first, last, LEVEL_DEG)
    after_s = (times.tt - first.tt) * DAY_S
    return after_s[kinds == 0].tolist(), after_s[kinds == 2].tolist()


def compare(found: Windows, satellite: int, site: int, rises: list[float], sets: list[float]) -> float:
    """The greatest difference of an edge. Raises when one side has a window that the other has not."""
    mine = found.where((found.satellite == satellite) & (found.site == site))
    cut = 2 * TOLERANCE_S
    inner = mine.where(mine.duration_s > SHORTEST_COMPARED_S)
    worst = 0.0
    for ours, all_ours, theirs in ((inner.rise_s, mine.rise_s, rises), (inner.set_s, mine.set_s, sets)):
        ours = ours[(ours > cut) & (ours < DAY_S - cut)]
        theirs_within = [one for one in theirs if cut < one < DAY_S - cut]
        for one, others in [(one, theirs) for one in ours] + [(one, all_ours.tolist()) for one in theirs_within]:
            apart = min((abs(one - other) for other in others), default=np.inf)
            if apart > TOLERANCE_S:
                raise AssertionError(f"satellite {satellite}, site {site}: an edge at {one:.1f} s, nearest {apart:g} s")
            worst = max(worst, apart)
    return worst


def measured(satellites: int, sites: int, pairs: int, files: list[Path]) -> tuple[list[Row], str]:
    fleet = a_fleet(satellites, files)
    level, hills = places(sites)
    random = np.random.default_rng(2)
    drawn = [(int(one), int(two)) for one, two in random.integers(0, (len(fleet), sites), (pairs, 2))]
    where = [
        wgs84.latlon(*each) for each in zip(level.latitude_deg, level.longitude_deg, level.altitude_m, strict=True)
    ]

    began, computed = perf_counter(), process_time()
    answers = [by_skyfield(fleet[satellite], where[site]) for satellite, site in drawn]
    reference = pairs / (perf_counter() - began), pairs / (process_time() - computed)

    some = sorted({satellite for satellite, _ in drawn})
    found = fleet_windows([fleet[one] for one in some], level, START, DAY_S)
    worst = max(
        compare(found, some.index(satellite), site, *answer)
        for (satellite, site), answer in zip(drawn, answers, strict=True)
    )

    rows: list[Row] = [("Skyfield, find_events, one after the other", pairs, *reference, 1.0, 1.0, "")]
    for title, asked, executor in (
        ("level horizon, one thread", level, Here()),
        ("level horizon, a thread for each processor", level, None),
        ("horizon by azimuth, a thread for each processor", hills, None),
    ):
        days = len(fleet) * sites
        began, computed = perf_counter(), process_time()
        windows = len(fleet_windows(fleet, asked, START, DAY_S, executor))
        wall, processor = days / (perf_counter() - began), days / (process_time() - computed)
        rows.append((title, days, wall, processor, wall / reference[0], processor / reference[1], windows))
    most_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return rows, (
        f"{pairs} pairs compared before: edges differ by {worst:.2f} s at most, where Skyfield's search stops at"
        f" {SKYFIELD_STOPS_S} s. Most memory of the process: {most_mib:.0f} MiB, with all windows kept."
    )


def main(
    satellites: Annotated[int, typer.Option(help="Fleet to look for, at most.")] = 11_626,
    sites: int = 100,
    pairs: Annotated[int, typer.Option(help="Pairs of satellite and site that Skyfield looks at.")] = 200,
    elements: Annotated[list[Path], typer.Option(help="Files of element sets: two lines, or messages (OMM).")] = [],  # noqa: B006 (typer's way)
    write: bool = False,
) -> None:
    began = load()
    rows, note = measured(satellites, sites, pairs, elements)
    columns = (
        "search",
        "satellite-site-days",
        "per second",
        "per processor second",
        "times Skyfield",
        "times, by processor",
        "windows",
    )
    table = Table(f"Windows of {int(rows[1][1]) // sites:,} satellites at {sites} sites in a day", columns, rows, note)
    files = "".join(f" --elements {one.name}" for one in elements)
    command = f"python -m benchmarks.fleet_visibility --satellites {satellites} --sites {sites} --pairs {pairs}{files}"
    publish(NAME, command, began, [table], write)


if __name__ == "__main__":
    typer.run(main)
