"""Which carriers move at all: every set of so many that could open a slot, the ones that move least megahertz first.

The slot needs a run of neighbouring carriers whose room is wide enough for it. Whoever is moved beside these makes room
for another one that moves, else it would be moved for nothing. Sets that fail this, or a look at the widths, are left
out; what is left goes to `resource.repack.sequence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

from satcom.resource.repack.mover_sets import MoverSets, Neighbours, Run, Runs
from satcom.resource.repack.sequence import Mover, Opened, Work, can_lie, opened_by
from satcom.resource.spectrum_pieces import Piece


@dataclass(frozen=True)
class Lying:
    """A carrier as it lies: what it takes there and what elsewhere, guards included; its own width; whether it may."""

    start_hz: int
    stop_hz: int
    width_hz: int
    bandwidth_hz: int
    may_move: bool


@dataclass(frozen=True)
class Packed:
    """The fewest moves: who moves, in the order of the steps of `opened`."""

    movers: tuple[int, ...]
    opened: Opened


class Rearranging:
    """One transponder's carriers, by frequency and none across another, between two edges; and the slot wanted."""

    def __init__(self, low_hz: int, high_hz: int, lying: Sequence[Lying], wanted_hz: int, work: Work) -> None:
        self.low_hz, self.high_hz, self.lying, self.wanted_hz, self.work = low_hz, high_hz, lying, wanted_hz, work
        # before each carrier, and behind the last
        starts = [min(one.start_hz, high_hz) for one in lying] + [high_hz]
        stops = [low_hz] + [max(one.stop_hz, low_hz) for one in lying]
        self.gaps = [Piece(stop, max(start, stop)) for stop, start in zip(stops, starts, strict=True)]
        self.may = [at for at, one in enumerate(lying) if one.may_move]
        self._widths = [one.width_hz for one in lying]
        self._widest_gaps = sorted(range(len(self.gaps)), key=lambda gap: -self.gaps[gap].width_hz)
        self.neighbours = Neighbours([gap.width_hz for gap in self.gaps], self.room_hz, self._widths, set(self.may))

    @property
    def widest_gap_hz(self) -> int:
        return self.gaps[self._widest_gaps[0]].width_hz

    def is_stuck(self) -> bool:
        """Whether no carrier that may move fits into any gap, so that nothing can ever move."""
        return all(self._widths[one] > self.widest_gap_hz for one in self.may)

    def of_moves(self, moves: int) -> Packed | None:
        """A sequence of exactly so many moves, of these one that moves the least bandwidth. Raises `WorkDone`."""
        tries = []
        for number in range(1, min(moves, len(self.may)) + 1):
            for runs, times in product(self._sets_of(number, moves), _times(number, moves)):
                self.work.spend()
                tries.append((self._moved_hz(runs, times), runs, times))
        for _, runs, times in sorted(tries):
            rooms, movers = self._arranged(runs, times)
            opened = opened_by(rooms, movers, self.wanted_hz, self.work)
            if opened is not None:
                return Packed(tuple(_all(runs)), opened)
        return None

    def _moved_hz(self, runs: Runs, times: tuple[int, ...]) -> int:
        return sum(self.lying[one].bandwidth_hz * often for one, often in zip(_all(runs), times, strict=True))

    def _sets_of(self, number: int, moves: int) -> list[Runs]:
        """Every set of so many carriers for which there is room in the end, by widths alone."""
        return MoverSets(
            self.neighbours, number, moves, self.work, lambda runs: self._have_room(runs, number)
        ).for_slot(self.wanted_hz)

    def room_hz(self, run: Run) -> int:
        """What neighbouring carriers leave when all of them are away."""
        return self.gaps[run[1] + 1].stop_hz - self.gaps[run[0]].start_hz

    def _have_room(self, runs: Runs, number: int) -> bool:
        """Whether one of them can move first, and all of them lie somewhere beside the slot."""
        widths = [self._widths[one] for one in _all(runs)]
        if min(widths) > self.widest_gap_hz:
            return False
        return can_lie([room.width_hz for room in self._rooms(runs, number)], widths, self.wanted_hz)

    def _rooms(self, runs: Runs, moves: int) -> list[Piece]:
        """The rooms of the runs, and of the gaps that they do not touch the widest: one for each move is enough."""
        rooms = [Piece(self.gaps[run[0]].start_hz, self.gaps[run[1] + 1].stop_hz) for run in runs]
        beside = {gap for run in runs for gap in range(run[0], run[1] + 2)}
        apart = [gap for gap in self._widest_gaps[: moves + len(beside)] if gap not in beside][:moves]
        return rooms + [self.gaps[gap] for gap in apart]

    def _arranged(self, runs: Runs, times: tuple[int, ...]) -> tuple[list[Piece], list[Mover]]:
        room_of = [room for room, run in enumerate(runs) for _ in range(_length(run))]
        movers = []
        for one, room, often in zip(_all(runs), room_of, times, strict=True):
            lying = self.lying[one]
            movers.append(Mover(lying.start_hz, lying.stop_hz, lying.width_hz, room, often))
        return self._rooms(runs, sum(times)), movers


def _all(runs: Runs) -> list[int]:
    return [one for run in runs for one in range(run[0], run[1] + 1)]


def _length(run: Run) -> int:
    return run[1] - run[0] + 1


def _times(number: int, moves: int) -> list[tuple[int, ...]]:
    """How often each of so many carriers moves, at least once, so that it is so many moves together."""
    again = combinations_with_replacement(range(number), moves - number)
    return [tuple(1 + more.count(one) for one in range(number)) for more in again]
