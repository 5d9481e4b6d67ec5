"""What all benchmarks share: the machine they ran on, medians, and the table that goes into docs/performance.md.

Each is run from the root of the checkout as `python -m benchmarks.NAME`; with `--write` its results replace those
that stand in the page. A number without the machine and the load it was taken under says little: both stand with it.
"""

import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter, process_time

import psutil
from sqlalchemy import create_engine, text

from satcom.core import embedded_postgres, migration

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PACKAGES = ("sqlalchemy", "psycopg", "procrastinate", "fastapi", "pydantic", "uvicorn", "numpy")
Row = Sequence[str | float | int]


@dataclass(frozen=True)
class Table:
    """One table of results, `note` below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    note: str = ""

    def markdown(self) -> str:
        lines = [f"**{self.title}**", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([shown(one) for one in row]) for row in self.rows]
        return "\n".join([*lines, *(["", self.note] if self.note else [])])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def shown(value: str | float | int) -> str:
    """Three digits are all that such a measurement has."""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value


def machine() -> str:
    """Processor, memory, load and versions, in one line."""
    model = "unknown processor"
    if Path("/proc/cpuinfo").exists():
        told = [
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ]
        model = told[0] if told else model
    memory = psutil.virtual_memory().total / 2**30
    programs = ", ".join(f"{one} {version(one)}" for one in PACKAGES)
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()};"
        f" Python {platform.python_version()}, a million additions in {_additions_ms():.0f} ms; {programs}"
    )


def _additions_ms() -> float:
    """How fast the machine is just now: a virtual one may be three times slower on another day."""
    began, total = perf_counter(), 0
    for number in range(1_000_000):
        total += number
    return 1000 * (perf_counter() - began)


def load() -> str:
    """How busy the machine is just now: with what others run, one minute's average."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def publish(name: str, command: str, began: str, tables: Sequence[Table], write: bool) -> None:
    """Print the results; put them in the page between the marks of `name` when asked to."""
    head = f"`{command}`; {began} at the start, {load()} at the end.\n\n{machine()}."
    body = "\n\n".join([head, *(table.markdown() for table in tables)])
    sys.stdout.write(f"{body}\n")
    if write:
        page = PAGE.read_text(encoding="utf-8")
        first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = page.partition(first)
        _, found, after = rest.partition(last)
        if not found:
            raise ValueError(f"{PAGE.name} has no place for {name}: {first} and {last} are missing")
        PAGE.write_text(f"{before}{first}\n{body}\n{last}{after}", encoding="utf-8")


def seconds(what: Callable[[], object]) -> float:
    began = perf_counter()
    what()
    return perf_counter() - began


def processor_seconds(what: Callable[[], object]) -> float:
    """What this process computed for it: hardly more on a busy machine than on an idle one."""
    began = process_time()
    what()
    return process_time() - began


def median_ms(taken_s: Sequence[float]) -> float:
    return statistics.median(taken_s) * 1000


def percentile_ms(taken_s: Sequence[float], percent: float) -> float:
    """The value that `percent` of the measurements do not exceed."""
    ranked = sorted(taken_s)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))] * 1000


@contextmanager
def a_server() -> Iterator[str]:
    """The URL of a migrated database on an embedded server of its own, as durable as in operation."""
    folder = Path(mkdtemp(prefix="satcom-benchmark-"))
    folder.chmod(0o711)  # the server's account has to pass through
    server = embedded_postgres.start(folder, fsync=True)
    try:
        migration.upgrade(server.url)
        yield server.url
    finally:
        embedded_postgres.erase(folder)


def postgres_version(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        told = str(connection.execute(text("SHOW server_version")).scalar_one())
    engine.dispose()
    return f"PostgreSQL {told}, every commit on disk"
