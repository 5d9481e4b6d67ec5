"""A plan that opens a slot though it may not be the shortest: a gap is widened, one neighbour after the other.

A neighbour of the gap leaves it for a gap elsewhere which it fills best, if there is one that the slot does not need;
else it goes to the far end of the widened gap itself. Each gap is tried, to either side and to both. Where none becomes
wide enough, the widest that was reached is kept, and all are tried again: then more carriers have room to move.
"""

from bisect import insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from satcom.resource.repack.sequence import Opened, Step

Sides = tuple[bool, bool]  # whether the gap is widened downwards, upwards
MOST_LOOKED_AT = 3_000_000  # carriers, one for each that a move looks past: of a hundred on a band it is never reached
SIDES: tuple[Sides, ...] = ((True, False), (False, True), (True, True))


class Standing(NamedTuple):
    """A carrier where it stands, guards included; how wide it is elsewhere; its number, unless it stays."""

    start_hz: int
    stop_hz: int
    width_hz: int
    number: int | None


class Moved(NamedTuple):
    """Where all stand after some moves: of whom, by number, and where to; how wide the moves, and the gap, are."""

    standing: tuple[Standing, ...]
    movers: tuple[int, ...]
    starts_hz: tuple[int, ...]
    moved_hz: int
    gap_start_hz: int
    gap_hz: int

    @property
    def opened(self) -> Opened:
        steps = (Step(at, start_hz) for at, start_hz in enumerate(self.starts_hz))
        return Opened(tuple(steps), self.gap_start_hz)


def compacted(standing: Sequence[Standing], low_hz: int, high_hz: int, wanted_hz: int, most: int) -> Moved | None:
    """The shortest plan of at most so many moves that was found; `None` where none was."""
    edges = [Standing(low_hz, low_hz, 0, None), Standing(high_hz, high_hz, 0, None)]
    so_far = Moved((edges[0], *standing, edges[1]), (), (), 0, 0, 0)
    looked_at = 0
    while True:
        shortest: Moved | None = None
        widest = so_far
        for gap in range(len(standing) + 1):
            for sides in SIDES:
                if looked_at > MOST_LOOKED_AT:
                    return shortest
                longest = most if shortest is None else len(shortest.movers)
                reached = _Widening(so_far, gap, sides).until(wanted_hz, longest)
                looked_at += (1 + len(reached.movers) - len(so_far.movers)) * len(standing)
                if reached.gap_hz < wanted_hz:
                    widest = max(widest, reached, key=lambda one: (one.gap_hz, -len(one.movers)))
                elif shortest is None or (len(reached.movers), reached.moved_hz) < (
                    len(shortest.movers),
                    shortest.moved_hz,
                ):
                    shortest = reached
        if shortest is not None:
            return shortest
        if widest is so_far:
            return None
        so_far = widest


class _Widening:
    """One gap on its way to be the slot; `at` is the number of those below it. All stand by frequency."""

    def __init__(self, begun: Moved, gap: int, sides: Sides) -> None:
        self.standing, self.at, self.sides = list(begun.standing), gap + 1, sides
        self.movers, self.starts_hz, self.moved_hz = list(begun.movers), list(begun.starts_hz), begun.moved_hz

    @property
    def _start_hz(self) -> int:
        return self.standing[self.at - 1].stop_hz

    @property
    def _width_hz(self) -> int:
        return self.standing[self.at].start_hz - self._start_hz

    def until(self, wanted_hz: int, most: int) -> Moved:
        """Where all stand when it is so wide, or cannot be any wider, or that needs more moves."""
        while self._width_hz < wanted_hz and len(self.movers) < most:
            if not self._widen(wanted_hz - self._width_hz):
                break
        return Moved(
            tuple(self.standing),
            tuple(self.movers),
            tuple(self.starts_hz),
            self.moved_hz,
            self._start_hz,
            self._width_hz,
        )

    def _widen(self, missing_hz: int) -> bool:
        """One move that makes the gap wider, by as much as possible; whether there is one."""
        start_hz, width_hz = self._start_hz, self._width_hz
        leave: list[tuple[bool, int, int, int]] = []  # whether for elsewhere, what that widens, who, and where to
        for at, beyond, is_asked in zip((self.at - 1, self.at), (self.at - 2, self.at + 1), self.sides, strict=True):
            one = self.standing[at]
            if not is_asked or one.number is None:
                continue
            behind = self.standing[beyond]
            wider_hz = one.stop_hz - behind.stop_hz if beyond < at else behind.start_hz - one.start_hz
            elsewhere_hz = self._elsewhere_hz(one.width_hz, missing_hz)
            if elsewhere_hz is not None:
                leave.append((True, wider_hz, at, elsewhere_hz))
            elif one.width_hz <= width_hz and one.width_hz < wider_hz:
                far_hz = start_hz if at == self.at else start_hz + width_hz - one.width_hz
                leave.append((False, wider_hz - one.width_hz, at, far_hz))
        if leave:
            _, _, at, to_hz = max(leave)
            self._move(at, to_hz)
        return bool(leave)

    def _elsewhere_hz(self, width_hz: int, missing_hz: int) -> int | None:
        """Where the gap begins that this width fills best, of those that the slot does not reach."""
        downwards, upwards = self.sides
        lowest_hz = self._start_hz - (missing_hz if downwards else 0)
        highest_hz = self.standing[self.at].start_hz + (missing_hz if upwards else 0)
        free = [
            (other.start_hz - one.stop_hz, one.stop_hz)
            for one, other in pairwise(self.standing)
            if other.start_hz - one.stop_hz >= width_hz
            and (one.stop_hz + width_hz <= lowest_hz or one.stop_hz >= highest_hz)
        ]
        return min(free)[1] if free else None

    def _move(self, at: int, to_hz: int) -> None:
        gap_hz = self._start_hz
        mover = self.standing.pop(at)
        assert mover.number is not None
        was_below = at < self.at
        is_below = to_hz < gap_hz or (not was_below and to_hz == gap_hz)
        insort(
            self.standing,
            Standing(to_hz, to_hz + mover.width_hz, mover.width_hz, mover.number),
            key=lambda one: one.start_hz,
        )
        self.at += int(is_below) - int(was_below)
        self.movers.append(mover.number)
        self.starts_hz.append(to_hz)
        self.moved_hz += mover.width_hz
