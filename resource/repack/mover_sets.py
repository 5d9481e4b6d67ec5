"""Every set of carriers of which each has a place to go to in the end, the slot beside them: by widths alone.

It is built from the slot outwards. Neighbours that leave the slot's window are homeless; the widest of them goes into
what is left of a room, into a gap, or where further neighbours move away for it, who are then homeless themselves. A
choice is given up as soon as the homeless cannot lie in what is there, whoever moves yet (`repack.fill_bound`),
or those who move are wider together than in a plan that is known. What is in one room of carriers and gaps is told by
the gaps in it, as bits.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from satcom.resource.repack.fill_bound import Away, Filling, Measures, Spare
from satcom.resource.repack.sequence import Work

Run = tuple[int, int]  # the first and the last of neighbouring carriers
Runs = tuple[Run, ...]
CHOICE, MANY = 4, 480  # a choice is so many arrangements at least; more where many are to move


def within(one: Away, reach_hz: Sequence[int], last: int) -> bool:
    """Whether each can be on the air twice, the widest not after the move of this number, the others before it."""
    return all(width_hz <= reach_hz[last - at] for at, width_hz in enumerate(reversed(one.widths_hz)))


class Neighbours:
    """The carriers of a band by frequency, and the gaps before, between and behind them."""

    def __init__(self, gaps_hz: Sequence[int], rooms_hz: Callable[[Run], int], widths_hz: Sequence[int], may: set[int]):
        self.gaps_hz, self.rooms_hz, self.widths_hz, self.may = gaps_hz, rooms_hz, widths_hz, may
        self.widest_gap_hz = max(gaps_hz)
        self._away: dict[int, list[Away]] = {}
        self._reach_hz = [self.widest_gap_hz]

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
        reach_hz = self._reach_hz
        for done in range(len(reach_hz), moves + 1):
            runs = [
                one for number in range(1, done + 1) for one in self.away(number) if within(one, reach_hz, done - 1)
            ]
            reach_hz.append(max([reach_hz[-1], *(one.room_hz for one in runs)]))
        return reach_hz[: moves + 1]

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


class Movable:
    """Who can move at all in a sequence of so many moves."""

    def __init__(self, there: Neighbours, moves: int) -> None:
        self.there, self.moves, self.reach_hz = there, moves, there.reach_hz(moves)
        self.away = [
            [one for one in there.away(length) if within(one, self.reach_hz, moves - 1)] if length else []
            for length in range(moves + 1)
        ]
        self.widths_hz = sorted(one.widths_hz[0] for one in self.away[1])
        self.narrowest_hz = min(self.widths_hz, default=0)
        self.filling = Filling(self.widths_hz)
        gaps = sorted(((width_hz, 1 << at) for at, width_hz in enumerate(there.gaps_hz)), reverse=True)
        self.gaps = [(width_hz, gap, self.filling.most_hz(width_hz)) for width_hz, gap in gaps]
        self.measures = Measures(self.widths_hz, there.gaps_hz, self.away)


class _Choice(NamedTuple):
    """Who moves so far; who of them has no place yet, narrowest first; what is left of rooms; the gaps in the rooms;
    how many carriers more are to move, and how many runs of them may be there to step into and out again only;
    how wide those are who move."""

    runs: Runs
    homeless_hz: tuple[int, ...]
    left_hz: tuple[int, ...]
    gaps: int
    more: int
    loose: int
    moved_hz: int


def _may_take(spare: list[Spare], room_hz: int, width_hz: int) -> bool:
    """Whether there is enough to spare that a carrier of this width takes this room."""
    rest_hz = room_hz - width_hz
    return all(
        one.room_hz(room_hz) - one.room_hz(rest_hz) - one.carrier_hz(width_hz) <= spare_hz for one, spare_hz, _ in spare
    )


class MoverSets:
    """The sets of so many carriers that may open a slot by so many moves, and move less than those before."""

    def __init__(
        self, movable: Movable, number: int, work: Work, opens: Callable[[Runs, int | None], int | None]
    ) -> None:
        """`opens` tells how wide all moves of a set are together if they open the slot and stay below this width."""
        self.there, self.away, self.widths_hz = movable.there, movable.away, movable.widths_hz
        self.movable, self.number, self.moves, self.work, self.opens = movable, number, movable.moves, work, opens
        self.reach_hz, self.gaps, self.narrowest_hz = movable.reach_hz, movable.gaps, movable.narrowest_hz
        self.seen: set[Runs] = set()
        self._chains: dict[tuple[int, int], int] = {}

    def search(self, wanted_hz: int, below_hz: int | None) -> None:
        """Asks `opens` of every set that could open such a slot by moves less wide together. Raises `WorkDone`."""
        self.below_hz = below_hz
        if self.reach_hz[-1] < wanted_hz:
            return
        for length in range(1, self.number + 1):
            for one in self.away[length]:
                if one.room_hz >= wanted_hz:
                    left_hz = self._left((), one.room_hz - wanted_hz)
                    more, loose = self.number - length, self.moves - self.number
                    moved_hz = sum(one.widths_hz)
                    self._choose(_Choice((one.run,), one.widths_hz, left_hz, one.gaps, more, loose, moved_hz))

    def _left(self, left_hz: tuple[int, ...], more_hz: int) -> tuple[int, ...]:
        return (*left_hz, more_hz) if more_hz >= self.narrowest_hz else left_hz

    def _choose(self, so_far: _Choice) -> None:
        self.work.spend(max(CHOICE, so_far.more**4 // MANY, self.moves**2 // 18))
        may_move_hz = self._may_move_hz(so_far)
        if may_move_hz is not None and may_move_hz < so_far.more * self.narrowest_hz:
            return
        if so_far.more == 0:
            runs = tuple(sorted(so_far.runs))
            if runs not in self.seen and self._may_fill(so_far):
                self.seen.add(runs)
                if self._can_all_move(runs):
                    self.below_hz = self.opens(runs, self.below_hz) or self.below_hz
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
        filled, free = [self.movable.filling.most_hz(one_hz) for one_hz in so_far.left_hz], 0
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
                    moved_hz = so_far.moved_hz + sum(one.widths_hz)
                    self._choose(_Choice(runs, one.widths_hz, left_hz, gaps, more, so_far.loose - 1, moved_hz))

    def _may_move_hz(self, so_far: _Choice) -> int | None:
        """How wide those that are yet to move may be together."""
        if self.below_hz is None:
            return None
        return self.below_hz - 1 - so_far.moved_hz - (self.moves - self.number) * self.narrowest_hz

    def _house_the_widest(self, so_far: _Choice) -> None:
        homeless_hz, left_hz, gaps, more = so_far.homeless_hz, so_far.left_hz, so_far.gaps, so_far.more
        free_hz, width_hz, rest = self._free_hz(so_far), homeless_hz[-1], homeless_hz[:-1]
        chain_hz = self._after(free_hz, more) if self.number == self.moves else self.reach_hz[-1]
        if width_hz > chain_hz:
            return
        spare = self.movable.measures.spare(homeless_hz, left_hz, gaps, more, self._may_move_hz(so_far))
        if spare is None:
            return
        for at, one_hz in enumerate(left_hz):
            if one_hz >= width_hz and one_hz not in left_hz[:at] and _may_take(spare, one_hz, width_hz):
                others = self._left((*left_hz[:at], *left_hz[at + 1 :]), one_hz - width_hz)
                self._choose(so_far._replace(homeless_hz=rest, left_hz=others))
        for gap_hz, gap, _ in self.gaps:
            if gap_hz < width_hz:
                break
            if not gap & gaps and _may_take(spare, gap_hz, width_hz):
                others = self._left(left_hz, gap_hz - width_hz)
                self._choose(so_far._replace(homeless_hz=rest, left_hz=others, gaps=gaps | gap))
        for length in range(1, more + 1):
            most_hz = [
                (one, most_hz + one.carrier_hz(width_hz) + won_hz[more - length] - won_hz[more])
                for one, most_hz, won_hz in spare
            ]
            for one in self.away[length]:
                beside_hz = one.room_hz - width_hz
                if beside_hz < 0 or one.gaps & gaps:
                    continue
                if more == length and max((one.widths_hz[-1], *rest[-1:])) > max(free_hz, beside_hz):
                    continue
                if any(by.lost_hz(one) > spare_hz + by.room_hz(beside_hz) for by, spare_hz in most_hz):
                    continue
                homeless, others = tuple(sorted(rest + one.widths_hz)), self._left(left_hz, beside_hz)
                moved_hz, runs = so_far.moved_hz + sum(one.widths_hz), (*so_far.runs, one.run)
                self._choose(_Choice(runs, homeless, others, gaps | one.gaps, more - length, so_far.loose, moved_hz))

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
