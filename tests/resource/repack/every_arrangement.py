"""The same question answered by looking at every arrangement on a raster: slow, and too simple to be wrong."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

from satcom.resource.repack.plan import Band, OnTheAir

Arrangement = tuple[tuple[int, int, int], ...]  # start, width and guard band of each carrier


def fewest_moves(
    band: Band, carriers: Sequence[OnTheAir], bandwidth_hz: int, most_moves: int
) -> tuple[int, int] | None:
    """How many moves, and how many hertz they move; `None` when no so many moves do. All numbers are small integers.

    By Dijkstra's algorithm over all arrangements: each edge is one move.
    """
    begin = tuple((one.start_hz, one.bandwidth_hz, one.guard_band_hz) for one in carriers)
    fixed = {at for at, one in enumerate(carriers) if one.pinned_because is not None}
    fixed |= {at for at, one in enumerate(carriers) if one.power_share_hz > band.free_power_hz}
    queue: list[tuple[int, int, Arrangement]] = [(0, 0, begin)]
    seen: set[Arrangement] = set()
    while queue:
        moves, moved_hz, there = heappop(queue)
        if there in seen:
            continue
        seen.add(there)
        if any(fits(band, there, (start_hz, bandwidth_hz, band.guard_band_hz)) for start_hz in starts(band)):
            return moves, moved_hz
        if moves < most_moves:
            for mover, after in moved(band, there, fixed):
                heappush(queue, (moves + 1, moved_hz + there[mover][1], after))
    return None


def moved(band: Band, there: Arrangement, fixed: set[int]) -> Iterator[tuple[int, Arrangement]]:
    for mover, (_, width_hz, _) in enumerate(there):
        for start_hz in starts(band):
            new = (start_hz, width_hz, band.guard_band_hz)
            if mover not in fixed and fits(band, there, new):
                yield mover, (*there[:mover], new, *there[mover + 1 :])


def starts(band: Band) -> range:
    return range(band.low_edge_hz, band.high_edge_hz)


def fits(band: Band, there: Arrangement, new: tuple[int, int, int]) -> bool:
    """Whether it keeps its guard band to both edges and half of either guard band to each that is there."""
    start_hz, width_hz, guard_hz = new
    if start_hz - guard_hz < band.low_edge_hz or start_hz + width_hz + guard_hz > band.high_edge_hz:
        return False
    return all(
        start_hz + width_hz + (guard_hz + 1) // 2 <= one_hz - one_guard_hz // 2
        or one_hz + one_width_hz + (one_guard_hz + 1) // 2 <= start_hz - guard_hz // 2
        for one_hz, one_width_hz, one_guard_hz in there
    )
