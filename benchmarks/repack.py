"""How long a plan to re-pack a transponder of 60 carriers takes, by how full it is and how much is asked for.

Bands are made up: widths between 2 and 30 parts, gaps scattered unevenly. Processor time of one process, the median
and the worst of several bands; where there is no plan it is the time until that is told. `8 (7 at least)` is a plan
that may not be the shortest, `8 (not least)` one of which another as short may move less.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
import typer
from benchmarks.measured import Row, Table, load, median_ms, processor_seconds, publish

from satcom.core.errors import RuleRefused
from satcom.resource.repack.plan import Band, OnTheAir, RepackPlan, plan_repack

NAME = "repack"
BANDWIDTH_HZ, GUARD_HZ = 72_000_000, 50_000
FILLS, SHARES = (
    (0.6, 0.7, 0.8, 0.85, 0.9, 0.95),
    (0.3, 0.5, 0.7, 0.9),
)  # of the band that is taken; of what is free that is asked for

REFUSED = {
    "tooLittleFree": "less is free in sum, proven",
    "pinnedCarriers": "carriers that stay leave less in one piece, proven",
    "noRoomToMove": "those narrow enough to move leave less, proven",
    "noArrangement": "not all have room beside it, proven",
    "noPlan": "none of so many moves, proven",
    "searchTooLong": "none was found, and none has fewer moves than told",
}


def a_band(carriers: int, fill: float, seed: int) -> tuple[Band, list[OnTheAir]]:
    random = np.random.default_rng(seed)
    parts = random.integers(2, 30, carriers)
    widths_hz = (parts / parts.sum() * fill * BANDWIDTH_HZ).astype(int) - GUARD_HZ
    gaps_hz = (random.dirichlet(np.full(carriers + 1, 0.5)) * (1 - fill) * BANDWIDTH_HZ).astype(int)
    lying, at_hz = [], 0
    for number in range(carriers):
        start_hz = at_hz + int(gaps_hz[number]) + GUARD_HZ // 2
        stop_hz = start_hz + max(int(widths_hz[number]), 1000)
        lying.append(OnTheAir(f"c{number}", start_hz, stop_hz, GUARD_HZ, 0))
        at_hz = stop_hz + GUARD_HZ // 2
    return Band(0, BANDWIDTH_HZ, GUARD_HZ, BANDWIDTH_HZ), lying


class Answer(NamedTuple):
    """What came of it, as told and of which kind, and how long it took."""

    told: str
    kind: str
    took_s: float


def planned(carriers: int, fill: float, share: float, seed: int) -> Answer:
    band, lying = a_band(carriers, fill, seed)
    told: list[tuple[str, str]] = []

    def plan() -> None:
        try:
            told.append(what_came(plan_repack(band, lying, round(share * (1 - fill) * BANDWIDTH_HZ), 0)))
        except RuleRefused as refused:
            code = refused.faults[0].code
            told.append((code, f"refused, {code}: {REFUSED[code]}"))

    took_s = processor_seconds(plan)
    return Answer(*told[0], took_s)


def what_came(plan: RepackPlan) -> tuple[str, str]:
    """In few words, and the kind of the answer."""
    moves = len(plan.moves)
    if not plan.is_shortest:
        return f"{moves} ({plan.at_least} at least)", "a plan, and the number of moves that it has at least"
    told = str(moves) if plan.is_least else f"{moves} (not least)"
    return told, "a plan, proven to be the shortest"


def measure(carriers: int, bands: int) -> list[Table]:
    rows: list[Row] = []
    every: list[Answer] = []
    for fill in FILLS:
        for share in SHARES:
            found = [planned(carriers, fill, share, seed) for seed in range(bands)]
            took_s = [one.took_s for one in found]
            told = ", ".join(one.told for one in found)
            rows.append([fill, share, told, median_ms(took_s) / 1000, max(took_s)])
            every += found
    columns = ["filled", "asked of what is free", "moves, or why not", "median, s", "slowest, s"]
    return [shares(every), Table(f"{carriers} carriers", columns, rows)]


def shares(every: Sequence[Answer]) -> Table:
    """How many of the answers are of which kind."""
    rows: list[Row] = []
    for kind, number in Counter(one.kind for one in every).most_common():
        slowest_s = max(one.took_s for one in every if one.kind == kind)
        rows.append([kind, number, 100 * number / len(every), slowest_s])
    return Table(f"{len(every)} answers", ["answer", "bands", "share, %", "slowest, s"], rows)


def main(
    carriers: Annotated[int, typer.Option(min=1)] = 60,
    bands: Annotated[int, typer.Option(min=1)] = 5,
    write: bool = False,
) -> None:
    began = load()
    command = f"python -m benchmarks.repack --carriers {carriers} --bands {bands}"
    publish(NAME, command, began, measure(carriers, bands), write)


if __name__ == "__main__":
    typer.run(main)
