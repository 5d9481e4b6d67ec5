"""Which carriers move at all: every set of so many that could open a slot, the ones that move least megahertz first.

The slot needs a run of neighbouring carriers whose room is wide enough for it. Whoever is moved beside these makes room
for another one that moves, else it would be moved for nothing. Sets that fail this, or a look at the widths, are left
out; what is left goes to `resource.repack.sequence`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

from satcom.resource.repack.compaction import Standing, compacted
from satcom.resource.repack.mover_sets import Movable, MoverSets, Neighbours, Run, Runs
from satcom.resource.repack.sequence import Mover, Opened, PartDone, Work, WorkDone, can_lie, opened_by
from satcom.resource.spectrum_pieces import Piece

LOOKED_OVER = 100  # pairs of carriers in the time of an arrangement
AT_ONCE = 300  # arrangements looked at of one set of movers before others are tried
AT_FIRST = 12_000  # arrangements looked at before those that move little are looked for
LITTLE = (5, 6, 8, 10, 12, 15)  # quarters of the width that is wanted
Times = tuple[int, ...]


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
    """Who moves, by the numbers in the steps of `opened`; how wide all moves are, with guards; if none moves less."""

    movers: tuple[int, ...]
    opened: Opened
    moved_hz: int
    is_least: bool = True


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
        """A sequence of exactly so many moves, of these one that moves the least bandwidth.

        Where the work is done before that is certain, it is one that moves the least of those that were found by then.
        Raises `WorkDone` where none was.
        """
        self.work.spend(len(self.lying) ** 2 // LOOKED_OVER)  # what each number of moves begins with
        search = _OfMoves(self, moves)
        try:
            search.run()
        except WorkDone:
            if search.best is None:
                raise
            return replace(search.best, is_least=False)
        return search.best

    def compacted(self, most: int) -> Packed | None:
        """A sequence of at most so many moves that widens a gap, if one is found; a shorter one may exist."""
        standing = [
            Standing(gap.stop_hz, behind.start_hz, one.width_hz, at if one.may_move else None)
            for at, (one, gap, behind) in enumerate(zip(self.lying, self.gaps, self.gaps[1:], strict=False))
        ]
        found = compacted(standing, self.low_hz, self.high_hz, self.wanted_hz, most)
        return Packed(found.movers, found.opened, found.moved_hz, is_least=False) if found is not None else None

    def ways(self, runs: Runs, moves: int) -> list[tuple[int, Times]]:
        """How often each moves, those first that move least; none where they have no room in the end."""
        number = len(_all(runs))
        if not self._have_room(runs, number):
            return []
        found = []
        for again, times in enumerate(_times(number, moves)):
            self.work.spend(min(again, 1))  # there are millions where many move many times
            found.append((self._moved_hz(runs, times), times))
        return sorted(found)

    def opened(self, runs: Runs, times: Times, moved_hz: int, work: Work) -> Packed | None:
        """How these carriers, each moving so often, open the slot, if they do. Raises `WorkDone`."""
        rooms, movers = self._arranged(runs, times)
        opened = opened_by(rooms, movers, self.wanted_hz, work)
        return Packed(tuple(_all(runs)), opened, moved_hz) if opened is not None else None

    def _moved_hz(self, runs: Runs, times: Times) -> int:
        return sum(self._widths[one] * often for one, often in zip(_all(runs), times, strict=True))

    def room_hz(self, run: Run) -> int:
        """What neighbouring carriers leave when all of them are away."""
        return self.gaps[run[1] + 1].stop_hz - self.gaps[run[0]].start_hz

    def _have_room(self, runs: Runs, number: int) -> bool:
        """Whether one of them can move first, and all of them lie beside the slot; also where that is long to tell."""
        widths = [self._widths[one] for one in _all(runs)]
        if min(widths) > self.widest_gap_hz:
            return False
        rooms_hz = [room.width_hz for room in self._rooms(runs, number)]
        try:
            return can_lie(rooms_hz, widths, self.wanted_hz, self.work.part(AT_ONCE))
        except PartDone:
            return True

    def _rooms(self, runs: Runs, moves: int) -> list[Piece]:
        """The rooms of the runs, and of the gaps that they do not touch the widest: one for each move is enough."""
        rooms = [Piece(self.gaps[run[0]].start_hz, self.gaps[run[1] + 1].stop_hz) for run in runs]
        beside = {gap for run in runs for gap in range(run[0], run[1] + 2)}
        apart = [gap for gap in self._widest_gaps[: moves + len(beside)] if gap not in beside][:moves]
        return rooms + [self.gaps[gap] for gap in apart]

    def _arranged(self, runs: Runs, times: Times) -> tuple[list[Piece], list[Mover]]:
        room_of = [room for room, run in enumerate(runs) for _ in range(_length(run))]
        movers = []
        for one, room, often in zip(_all(runs), room_of, times, strict=True):
            lying = self.lying[one]
            movers.append(Mover(lying.start_hz, lying.stop_hz, lying.width_hz, room, often))
        return self._rooms(runs, sum(times)), movers


class _OfMoves:
    """The search for a sequence of so many moves, and the best that is known.

    The fewer megahertz may move, the sooner all sets are ruled out. So where no plan is found soon, those that move
    little are looked for first, and then those that move more.
    """

    def __init__(self, there: Rearranging, moves: int) -> None:
        self.there, self.moves, self.movable = there, moves, Movable(there.neighbours, moves)
        self.best: Packed | None = None
        self._hard: set[tuple[int, Runs, Times]] = set()  # whose order is not found at once
        self._known: set[tuple[Runs, Times]] = set()

    def run(self) -> None:
        """Finds the best, if there is one. Raises `WorkDone`."""
        wanted_hz = self.there.wanted_hz
        try:
            self._below(None, AT_FIRST)
        except PartDone:
            for quarters in LITTLE:
                self._below(wanted_hz * quarters // 4, None)
                if self.best is not None:
                    return
            self._below(None, None)

    def _below(self, below_hz: int | None, at_first: int | None) -> None:
        """Looks at all sets that move less than this. Raises `PartDone` when nothing is found at first."""
        work = self.there.work if at_first is None else self.there.work.part(at_first)

        def opens(runs: Runs, below_hz: int | None) -> int | None:
            if not self._opens(runs, below_hz):
                return None
            work.whole()
            return self.best.moved_hz if self.best is not None else None

        for number in range(1, min(self.moves, len(self.there.may)) + 1):
            most_hz = below_hz if self.best is None else self.best.moved_hz
            MoverSets(self.movable, number, work, opens).search(self.there.wanted_hz, most_hz)
        for moved_hz, runs, times in sorted(self._hard):
            if not self._is_below(moved_hz, below_hz):
                break
            self.best = self.there.opened(runs, times, moved_hz, work) or self.best
            self._hard.discard((moved_hz, runs, times))

    def _is_below(self, moved_hz: int, below_hz: int | None) -> bool:
        most_hz = below_hz if self.best is None else self.best.moved_hz
        return most_hz is None or moved_hz < most_hz

    def _opens(self, runs: Runs, below_hz: int | None) -> bool:
        for moved_hz, times in self.there.ways(runs, self.moves):
            if below_hz is not None and moved_hz >= below_hz:
                break
            if (runs, times) in self._known:
                continue
            self._known.add((runs, times))
            try:
                found = self.there.opened(runs, times, moved_hz, self.there.work.part(AT_ONCE))
            except PartDone:
                self._hard.add((moved_hz, runs, times))
                continue
            if found is not None:
                self.best = found
                return True
        return False


def _all(runs: Runs) -> list[int]:
    return [one for run in runs for one in range(run[0], run[1] + 1)]


def _length(run: Run) -> int:
    return run[1] - run[0] + 1


def _times(number: int, moves: int) -> Iterator[Times]:
    """How often each of so many carriers moves, at least once, so that it is so many moves together."""
    again = combinations_with_replacement(range(number), moves - number)
    return (tuple(1 + more.count(one) for one in range(number)) for more in again)
