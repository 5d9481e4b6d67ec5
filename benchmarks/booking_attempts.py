"""Booking attempts by many clients at once: none overlaps another, and none is lost.

Each attempt asks, all or none, for a link (two slots with their power and a hub port), an access (shares of two carrier
pools), a lease (a slot), or two slots, a port and a share in one, in a period of its own. What was granted is assigned,
given back, left held, or left to run out. It goes in rounds: after each the books are compared with what the clients
were told, and the database is emptied. So ten million need no more room than one round, and with `--state` a run that
was stopped goes on where it was. The first fault ends it.
"""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer
from benchmarks.booking_clients import Network, a_network, book, differences, forget
from benchmarks.measured import Table, a_server, load, postgres_version, publish

from satcom.core.database import Database

NAME = "booking_attempts"
ROUND = 2_000


@dataclass
class Tally:
    """What came of the attempts so far; kept from run to run."""

    attempts: int = 0
    rounds: int = 0
    seconds: float = 0.0
    outcomes: "Counter[str]" = field(default_factory=Counter)

    @property
    def a_second(self) -> float:
        return self.attempts / self.seconds


def one_round(url: str, tally: Tally, attempts: int, clients: int) -> list[str]:
    """Book, compare, forget; what differs."""
    database = Database(url, 4)
    network: Network = a_network(database)
    began = time.perf_counter()
    answers = book(url, network, tally.attempts, attempts, clients)
    tally.seconds += time.perf_counter() - began
    found = differences(database, answers, attempts)
    tally.attempts += attempts
    tally.rounds += 1
    tally.outcomes.update(one.outcome for one in answers)
    if not found:
        forget(database)
    database.close()
    return found


def recalled(state: Path | None) -> Tally:
    if state is None or not state.exists():
        return Tally()
    told = json.loads(state.read_text(encoding="utf-8"))
    return Tally(**told | {"outcomes": Counter(told["outcomes"])})


def run(url: str, wanted: int, clients: int, minutes: float, state: Path | None) -> tuple[Tally, list[str]]:
    """Rounds until `wanted` are reached, the time is over, or something differs."""
    tally, until = recalled(state), time.monotonic() + 60 * minutes
    found: list[str] = []
    while tally.attempts < wanted and time.monotonic() < until and not found:
        found = one_round(url, tally, min(ROUND, wanted - tally.attempts), clients)
        if state is not None and not found:
            draft = state.with_suffix(".new")
            draft.write_text(json.dumps(asdict(tally)), encoding="utf-8")
            draft.replace(state)
    return tally, found


def shown(tally: Tally, clients: int) -> Table:
    ten_million_h = 10_000_000 / tally.a_second / 3600
    refused = sum(number for outcome, number in tally.outcomes.items() if outcome not in GRANTED)
    rows = [
        ("attempts, each answered", tally.attempts),
        ("granted", tally.attempts - refused),
        *((f"of these {outcome}", tally.outcomes[outcome]) for outcome in GRANTED),
        ("refused", refused),
        *((f"of these {code}", number) for code, number in sorted(tally.outcomes.items()) if code not in GRANTED),
        ("overlaps", 0),
        ("lost", 0),
        ("attempts a second", tally.a_second),
    ]
    note = f"{clients} clients, {tally.rounds} rounds. At this pace ten million take {ten_million_h:.0f} hours."
    return Table("Booking attempts", ("what", "number"), rows, note)


GRANTED = ("assigned", "given back", "held", "ran out")


def main(
    attempts: int = 200_000,
    clients: int = 200,
    minutes: float = 600,
    state: Path | None = None,
    write: bool = False,
) -> None:
    began = load()
    with a_server() as url:
        tally, found = run(url, attempts, clients, minutes, state)
        server = postgres_version(url)
    if found:
        typer.echo("\n".join(found), err=True)
        raise typer.Exit(1)
    command = f"python -m benchmarks.{NAME} --attempts {attempts} --clients {clients}"
    publish(NAME, command, f"{server}; {began}", [shown(tally, clients)], write)


if __name__ == "__main__":
    typer.run(main)
