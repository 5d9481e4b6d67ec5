"""Every set of carriers of which each has a place to go to in the end, the slot beside them: by widths alone.

It is built from the slot outwards. Neighbours that leave the slot's window are homeless; the widest of them goes into
what is left of a room, into a gap, or where further neighbours move away for it, who are then homeless themselves. A
choice is given up as soon as the homeless are wider than what can still be won for them. What is in one room of
carriers and gaps is told by the gaps in it, as bits.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations
from typing import NamedTuple

from satcom.resource.repack.sequence import Work

Run = tuple[int, int]  # the first and the last of neighbouring carriers
Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Away:
    """Neighbours that may move: what is there when all are away, what of it was free before; narrowest width first."""

    run: Run
    room_hz: int
    gaps_hz: int
    widths_hz: tuple[int, ...]
    gaps: int

    def within(self, reach_hz: Sequence[int], last: int) -> bool:
        """Whether each can be on the air twice, the widest not after the move of this number, the others before it."""
        return all(width_hz <= reach_hz[last - at] for at, width_hz in enumerate(reversed(self.widths_hz)))


class Neighbours:
    """The carriers of a band by frequency, and the gaps before, between and behind them."""

    def __init__(self, gaps_hz: Sequence[int], rooms_hz: Callable[[Run], int], widths_hz: Sequence[int], may: set[int]):
        self.gaps_hz, self.rooms_hz, self.widths_hz, self.may = gaps_hz, rooms_hz, widths_hz, may
        self.widest_gap_hz = max(gaps_hz)
        self._away: dict[int, list[Away]] = {}

    def away(self, number: int) -> list[Away]:
        """All runs of so many that may move, those that win most first."""
        if number not in self._away:
            found = []
            for first in sorted(self.may):
                run = (first, first + number - 1)
                if self.may.issuperset(range(first, first + number)):
                    widths_hz = tuple(sorted(self.widths_hz[first : first + number]))
                    gaps_hz, gaps = sum(self.gaps_hz[first : first + number + 1]), ((2 << number) - 1) << first
                    found.append(Away(run, self.rooms_hz(run), gaps_hz, widths_hz, gaps))
            self._away[number] = sorted(found, key=lambda one: -one.gaps_hz)
        return self._away[number]

    def reach_hz(self, moves: int) -> list[int]:
        """How wide a free piece can be at most after 0, 1, 2 ... moves: who is wider cannot move then."""
        reach_hz = [self.widest_gap_hz]
        for done in range(1, moves + 1):
            runs = [one for number in range(1, done + 1) for one in self.away(number) if one.within(reach_hz, done - 1)]
            reach_hz.append(max([reach_hz[-1], *(one.room_hz for one in runs)]))
        return reach_hz

    @cached_property
    def widest_ever_hz(self) -> int:
        """How wide a free piece can be at most after any number of moves."""
        reach_hz, before_hz = self.widest_gap_hz, -1
        while reach_hz > before_hz:
            before_hz, first = reach_hz, 0
            for at in range(len(self.widths_hz) + 1):
                if at == len(self.widths_hz) or at not in self.may or self.widths_hz[at] > before_hz:
                    reach_hz = max(reach_hz, self.rooms_hz((first, at - 1)) if at > first else 0)
                    first = at + 1
        return reach_hz


class _Choice(NamedTuple):
    """Who moves so far; who of them has no place yet, narrowest first; what is left of rooms; the gaps in the rooms;
    how many carriers more are to move, and how many runs of them may be there to step into and out again only."""

    runs: Runs
    homeless_hz: tuple[int, ...]
    left_hz: tuple[int, ...]
    gaps: int
    more: int
    loose: int


class _Bound(NamedTuple):
    """The most that homeless carriers, and those that are yet to move, can fill: sums of the widest 0, 1, 2 ...

    Each goes into a room. Of a run that moves away for them the room has one gap more than it has carriers: two that
    are neighbours, and one for each further carrier. What else takes one, what is left of a room or a gap, is no
    fuller than carriers can fill it. Runs that are loose take nobody in the end.
    """

    rooms_hz: list[int]
    gaps_hz: list[int]
    two_hz: list[int]
    any_hz: list[int]
    usable: int
    loose: int

    def most_hz(self, homeless: int, more: int) -> int:
        rooms, gaps, two = len(self.rooms_hz) - 1, len(self.gaps_hz) - 1, len(self.two_hz) - 1
        apart_hz = max(
            self.two_hz[min(runs, two)]
            + self.gaps_hz[min(more - runs, gaps)]
            + self.rooms_hz[min(homeless + more - runs + min(self.loose, runs), rooms)]
            for runs in range(min(more, 1), more + 1)
        )
        together = 2 * more + min(homeless, self.usable)
        return min(apart_hz, self.any_hz[min(together, len(self.any_hz) - 1)])

    def room_hz(self, number: int) -> int:
        """What the room of this number, from the fullest, can hold."""
        return self.rooms_hz[number] - self.rooms_hz[number - 1] if 0 < number < len(self.rooms_hz) else 0


def _sums(widths_hz: list[int]) -> list[int]:
    return list(accumulate(widths_hz, initial=0))


class MoverSets:
    """The sets of so many carriers that may open a slot by so many moves."""

    def __init__(
        self, there: Neighbours, number: int, moves: int, work: Work, have_room: Callable[[Runs], bool]
    ) -> None:
        self.there, self.number, self.moves, self.work, self.have_room = there, number, moves, work, have_room
        self.reach_hz = there.reach_hz(moves)
        self.away = [
            [one for one in there.away(length) if one.within(self.reach_hz, moves - 1)] if length else []
            for length in range(number + 1)
        ]
        self.widths_hz = sorted(one.widths_hz[0] for one in self.away[1]) if number else []
        self.narrowest_hz = min(self.widths_hz, default=0)
        pairs = (one + other for one, other in combinations(self.widths_hz, 2) if one + other < 3 * self.narrowest_hz)
        self.pairs_hz = sorted(pairs)
        self._filled: dict[int, int] = {}
        gaps = sorted(((width_hz, 1 << at) for at, width_hz in enumerate(there.gaps_hz)), reverse=True)
        self.gaps = [(width_hz, gap, self.filled_hz(width_hz)) for width_hz, gap in gaps]
        self.found: dict[Runs, bool] = {}
        self._chains: dict[tuple[int, int], int] = {}

    def for_slot(self, wanted_hz: int) -> list[Runs]:
        """Raises `WorkDone`."""
        if self.reach_hz[-1] >= wanted_hz:
            for length in range(1, self.number + 1):
                for one in self.away[length]:
                    if one.room_hz >= wanted_hz:
                        left_hz = self._left((), one.room_hz - wanted_hz)
                        more, loose = self.number - length, self.moves - self.number
                        self._choose(_Choice((one.run,), one.widths_hz, left_hz, one.gaps, more, loose))
        return sorted(runs for runs, have_room in self.found.items() if have_room)

    def _left(self, left_hz: tuple[int, ...], more_hz: int) -> tuple[int, ...]:
        return (*left_hz, more_hz) if more_hz >= self.narrowest_hz else left_hz

    def filled_hz(self, room_hz: int) -> int:
        """How much of a room carriers can fill at most: one, or two, or else all of it."""
        filled_hz = self._filled.get(room_hz)
        if filled_hz is None:
            filled_hz = self._filled[room_hz] = self._fill_hz(room_hz)
        return filled_hz

    def _fill_hz(self, room_hz: int) -> int:
        if room_hz < self.narrowest_hz or not self.widths_hz:
            return 0
        if room_hz >= 3 * self.narrowest_hz:
            return room_hz
        by_one_hz = self.widths_hz[bisect_right(self.widths_hz, room_hz) - 1]
        two = bisect_right(self.pairs_hz, room_hz)
        return max(by_one_hz, self.pairs_hz[two - 1]) if two else by_one_hz

    def _choose(self, so_far: _Choice) -> None:
        self.work.spend()
        if so_far.more == 0:
            runs = tuple(sorted(so_far.runs))
            if runs not in self.found and self._may_fill(so_far):
                self.found[runs] = self._can_all_move(runs) and self.have_room(runs)
        elif so_far.homeless_hz:
            self._house_the_widest(so_far)
        elif so_far.loose:
            self._step_aside(so_far)

    def _may_fill(self, so_far: _Choice) -> bool:
        """Whether as many rooms as there are homeless carriers are wide enough, when nobody else is to move."""
        if not so_far.homeless_hz:
            return True
        if so_far.homeless_hz[-1] > self._free_hz(so_far):
            return False
        number = len(so_far.homeless_hz)
        filled, free = [self.filled_hz(one_hz) for one_hz in so_far.left_hz], 0
        for _, gap, filled_hz in self.gaps:
            if free == number or not filled_hz:
                break
            if not gap & so_far.gaps:
                free += 1
                filled.append(filled_hz)
        return sum(sorted(filled)[-number:]) >= sum(so_far.homeless_hz)

    def _step_aside(self, so_far: _Choice) -> None:
        """A run whose room somebody uses who moves twice."""
        movers = (self.there.widths_hz[one] for first, last in so_far.runs for one in range(first, last + 1))
        least_hz = min(movers)
        for length in range(1, so_far.more + 1):
            for one in self.away[length]:
                if one.room_hz >= least_hz and not one.gaps & so_far.gaps:
                    runs, left_hz = (*so_far.runs, one.run), self._left(so_far.left_hz, one.room_hz)
                    gaps, more = so_far.gaps | one.gaps, so_far.more - length
                    self._choose(_Choice(runs, one.widths_hz, left_hz, gaps, more, so_far.loose - 1))

    def _house_the_widest(self, so_far: _Choice) -> None:
        homeless_hz, left_hz, more = so_far.homeless_hz, so_far.left_hz, so_far.more
        number, needed_hz, width_hz, rest = len(homeless_hz), sum(homeless_hz), homeless_hz[-1], homeless_hz[:-1]
        bound, free_hz = self._bound(so_far), self._free_hz(so_far)
        chain_hz = self._after(free_hz, more) if self.number == self.moves else self.reach_hz[-1]
        if needed_hz > bound.most_hz(number, more) or width_hz > chain_hz:
            return
        for at, one_hz in enumerate(left_hz):
            if one_hz >= width_hz and one_hz not in left_hz[:at]:
                others = self._left((*left_hz[:at], *left_hz[at + 1 :]), one_hz - width_hz)
                self._choose(_Choice(so_far.runs, rest, others, so_far.gaps, more, so_far.loose))
        for gap_hz, gap, _ in self.gaps:
            if gap_hz < width_hz:
                break
            if not gap & so_far.gaps:
                others, gaps = self._left(left_hz, gap_hz - width_hz), so_far.gaps | gap
                self._choose(_Choice(so_far.runs, rest, others, gaps, more, so_far.loose))
        for length in range(1, more + 1):
            won_hz = bound.most_hz(number - 1 + length, more - length)
            least_hz = bound.room_hz(number - 1 + length) if more == length else 0
            for one in self.away[length]:
                if needed_hz - one.gaps_hz > won_hz:
                    break
                beside_hz = one.room_hz - width_hz
                if beside_hz < 0 or one.gaps & so_far.gaps:
                    continue
                beside_filled_hz = max(self.filled_hz(beside_hz) - least_hz, 0)
                if needed_hz - width_hz + one.room_hz - one.gaps_hz - beside_filled_hz > won_hz:
                    continue
                if more == length and max((one.widths_hz[-1], *rest[-1:])) > max(free_hz, beside_hz):
                    continue
                homeless, others = tuple(sorted(rest + one.widths_hz)), self._left(left_hz, beside_hz)
                runs, gaps = (*so_far.runs, one.run), so_far.gaps | one.gaps
                self._choose(_Choice(runs, homeless, others, gaps, more - length, so_far.loose))

    def _bound(self, so_far: _Choice) -> "_Bound":
        most = len(so_far.homeless_hz) + 2 * so_far.more
        free: list[int] = []
        filled = [self.filled_hz(one_hz) for one_hz in so_far.left_hz]
        for gap_hz, gap, filled_hz in self.gaps:
            if not gap & so_far.gaps:
                free.append(gap_hz)
                if filled_hz:
                    filled.append(filled_hz)
                if len(free) == most:
                    break
        two: list[int] = []
        for one in self.away[1]:
            if len(two) == so_far.more:
                break
            if not one.gaps & so_far.gaps:
                two.append(one.gaps_hz)
        any_of = sorted((*so_far.left_hz, *free), reverse=True)
        usable = sum(one_hz >= self.narrowest_hz for one_hz in any_of)
        return _Bound(_sums(sorted(filled, reverse=True)), _sums(free), _sums(two), _sums(any_of), usable, so_far.loose)

    def _free_hz(self, so_far: _Choice) -> int:
        """The widest of what is left of a room and of the gaps beside them."""
        untouched = next((gap_hz for gap_hz, gap, _ in self.gaps if not gap & so_far.gaps), 0)
        return max((untouched, *so_far.left_hz))

    def _after(self, free_hz: int, more: int) -> int:
        """How wide a carrier can be that is yet housed when so many move away for each other, each of them once.

        The first has what is free now, the next the room of the first, and so on.
        """
        if more == 0:
            return free_hz
        key = bisect_right(self.widths_hz, free_hz), more
        if key not in self._chains:
            before_hz = self._after(free_hz, more - 1)
            rooms = [
                one.room_hz
                for length in range(1, more + 1)
                for one in self.away[length]
                if one.widths_hz[-1] <= before_hz
            ]
            self._chains[key] = max([*rooms, before_hz if before_hz > free_hz else 0])
        return max(free_hz, self._chains[key])

    def _can_all_move(self, runs: Runs) -> bool:
        """Whether all find a free piece as wide as they are once, when nothing but those that stay is in the way."""
        widths_hz, reach_hz = self.there.widths_hz, self.there.widest_gap_hz
        waiting = {one for first, last in runs for one in range(first, last + 1)}
        while waiting:
            moved = {one for one in waiting if widths_hz[one] <= reach_hz}
            if not moved:
                return False
            waiting -= moved
            for first, last in runs:
                begin = first
                for at in range(first, last + 2):
                    if at > last or at in waiting:
                        reach_hz = max(reach_hz, self.there.rooms_hz((begin, at - 1)) if at > begin else 0)
                        begin = at + 1
        return True
