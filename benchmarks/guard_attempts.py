"""Ten million booking attempts at the database's guards: none overlaps another, and none is lost.

200 connections send what `reserve` writes in the end (`benchmarks.guard_clients`); what the way through `reserve` adds
is tried by `benchmarks.booking_attempts`, more slowly. It goes in rounds. After each the books are compared with what
the clients were told (`benchmarks.guard_books`), and all of them once more at the end; the first fault ends it. With
`--kept` the server's data and the answers stay in that folder, and a run that was stopped goes on where it was.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer
from benchmarks.booking_clients import FIRST_DAY, PORTS, Network, a_network
from benchmarks.guard_books import differences, overlaps, settle
from benchmarks.guard_clients import BY_A_GUARD, Place, Ring, Told, attempt_all, recorded, stop_when_told
from benchmarks.measured import Row, Table, load, postgres_version, publish
from sqlmodel import Session

from satcom.core import embedded_postgres, migration
from satcom.core.database import Database, find
from satcom.resource.hub import Hub
from satcom.resource.payload import Transponder
from tests.resource.test_constellation import a_constellation

NAME = "guard_attempts"
ROUND = 250_000
TIMES = 25
FEEDER_HZ = 500_000_000
SETTINGS = "max_connections = 250\nshared_buffers = 1GB\nmax_wal_size = 4GB\n"
SAID = {
    Told.BOOKED: "of these held or run out",
    Told.GIVEN_BACK: "of these given back",
    Told.DEADLOCK: "of these by the deadlock detector",
    Told.NOT_BOOKED: "of these unanswered at a stop, and not in the books",
    Told.NO_SPECTRUM: "of these by a guard, for spectrum",
    Told.NO_POWER: "of these by a guard, for a transponder's power",
    Told.NO_PORT: "of these by a guard, for a hub's ports",
    Told.NO_RATE: "of these by a guard, for a pool's rates",
    Told.NO_BEAM: "of these by a guard, for the beam of a cell",
    Told.NO_FEEDER: "of these by a guard, for a gateway's feeder links at a time of day",
    Told.NO_SATELLITE: "of these by a guard, for a satellite's beams at a time of day",
}


@dataclass
class Run:
    """How far a run has come: what is kept beside the answers. `paces`: attempts a second in each round."""

    place: Place
    attempts: int = 0
    seconds: float = 0.0
    paces: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, url: str, times: int) -> "Run":
        """A new network with nothing booked."""
        database = Database(url, 4)
        network = a_network(database, times=times)
        with database.as_worker() as session:
            one = find(session, Transponder, network.transponders[0])
            rings = tuple(a_ring(session, network.hubs, number) for number in range(times))
            place = Place(network, rings, one.low_edge_hz, one.high_edge_hz, one.guard_band_hz, PORTS)
        database.close()
        return cls(place)

    @classmethod
    def recalled(cls, state: Path) -> "Run":
        told = json.loads(state.read_text(encoding="utf-8"))
        network = Network(**{kind: tuple(ids) for kind, ids in told["place"]["network"].items()})
        rings = tuple(Ring(one["constellation"], tuple(one["stations"])) for one in told["place"]["rings"])
        return cls(**told | {"place": Place(**told["place"] | {"network": network, "rings": rings})})

    def keep(self, state: Path) -> None:
        draft = state.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(state)

    def round(self, url: str, file: Path, attempts: int, clients: int) -> range:
        """So many attempts more."""
        numbers, began = range(self.attempts, self.attempts + attempts), time.perf_counter()
        made = attempt_all(url, self.place, file, numbers, clients)
        taken_s = time.perf_counter() - began
        self.seconds += taken_s
        self.paces.append(made / taken_s)
        return numbers


def a_ring(session: Session, hubs: Sequence[str], number: int) -> Ring:
    """A constellation with gateways at two of the hubs, in each direction beams of 250 MHz and feeder links of 500."""
    at = [find(session, Hub, hubs[(2 * number + place) % len(hubs)]) for place in (0, 1)]
    gateways = [
        {
            "earth_station_id": one.earth_station_id,
            "antenna_id": "d",
            "hub_id": one.id,
            "feeder_bandwidth_hz": FEEDER_HZ,
        }
        for one in at
    ]
    changed = {"name": f"Ring {number}", "capacity_day": FIRST_DAY.date(), "beams_per_satellite": 3}
    ring = a_constellation(gateways=gateways, **changed)
    session.add(ring)
    session.flush()
    return Ring(ring.id, tuple(one.earth_station_id for one in at))


def run(url: str, folder: Path, state: Path, wanted: int, clients: int, minutes: float) -> tuple[Run, list[str]]:
    """Rounds until `wanted` are reached, the time is over, or something differs; then all once more.

    A round in which it is stopped does not count yet; when it goes on, only what is left of it is tried.
    """
    made, file, until = _begun(url, folder, state, wanted), folder / "answers", time.monotonic() + 60 * minutes
    over, found = stop_when_told(), list[str]()
    while made.attempts < wanted and time.monotonic() < until and not found and not over.is_set():
        numbers = made.round(url, file, min(ROUND, wanted - made.attempts), clients)
        if not over.is_set():
            found = overlaps(url) + differences(url, recorded(file), numbers)
            made.attempts = numbers.stop
            typer.echo(f"{made.attempts:,} attempts, {made.paces[-1]:.0f} a second", err=True)
        if not found:
            made.keep(state)
    return made, found or differences(url, recorded(file), range(made.attempts))


def _begun(url: str, folder: Path, state: Path, wanted: int) -> Run:
    file = folder / "answers"
    if not state.exists():
        made = Run.of(url, TIMES)
        file.write_bytes(b"")
        made.keep(state)
    with file.open("r+b") as answers:
        answers.truncate(max(wanted, file.stat().st_size))  # longer: what is added is zero, nothing asked
    settle(url, recorded(file))
    return Run.recalled(state)


def shown(made: Run, folder: Path, clients: int) -> Table:
    told = recorded(folder / "answers")[: made.attempts]
    counts = Counter({Told(code): int(number) for code, number in enumerate(np.bincount(told, minlength=len(Told)))})
    granted = (Told.BOOKED, Told.GIVEN_BACK)
    refused = (*BY_A_GUARD, Told.DEADLOCK, Told.NOT_BOOKED)
    rows: list[Row] = [("attempts, each answered", made.attempts)]
    for what, codes in (("granted", granted), ("refused", refused)):
        rows += [(what, sum(counts[code] for code in codes)), *((SAID[code], counts[code]) for code in codes)]
    rows += [("overlaps", 0), ("lost", 0), ("attempts a second", made.attempts / made.seconds)]
    tenth = max(len(made.paces) // 10, 1)
    paces = [
        f"{sum(made.paces[one : one + tenth]) / tenth:.0f}" for one in range(0, len(made.paces) - tenth + 1, tenth)
    ]
    note = f"{clients} connections, {len(made.paces)} rounds. Attempts a second, tenth by tenth: {', '.join(paces)}."
    return Table("Booking attempts at the database's guards", ("what", "number"), rows, note)


@contextmanager
def a_kept_server(folder: Path) -> Iterator[str]:
    """An embedded server for many connections; its data stay."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)  # the server's account has to pass through
    settings = embedded_postgres.status(folder).cluster.parent / "local.conf"
    settings.write_text(SETTINGS, encoding="utf-8")
    settings.chmod(0o644)
    with embedded_postgres.running(folder, fsync=True) as server:
        migration.upgrade(server.url)
        yield server.url


def main(
    attempts: int = 1_000_000,
    clients: int = 200,
    minutes: float = 600,
    kept: Path | None = None,
    state: Path | None = None,
    write: bool = False,
) -> None:
    """`kept` holds the server's data and the answers, `state` how far the run has come."""
    began = load()
    with TemporaryDirectory(prefix="satcom-benchmark-") as temporary:
        folder = kept or Path(temporary)
        with a_kept_server(folder) as url:
            made, found = run(url, folder, state or folder / "state.json", attempts, clients, minutes)
            server = postgres_version(url)
        if found:
            typer.echo("\n".join(found), err=True)
            raise typer.Exit(1)
        command = f"python -m benchmarks.{NAME} --attempts {attempts} --clients {clients}"
        whole = made.attempts >= attempts
        if not whole:
            typer.echo(f"stopped after {made.attempts:,} of {attempts:,} attempts: nothing is published", err=True)
        publish(NAME, command, f"{server}; {began}", [shown(made, folder, clients)], write and whole)


if __name__ == "__main__":
    typer.run(main)
