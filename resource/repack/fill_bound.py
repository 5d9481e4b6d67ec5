"""Whether carriers that have no place, and some that are yet to move, can lie in the rooms there are: several bounds.

Each of them goes into a room: what is left of one, a gap, or what further carriers leave that move away for it. A
measure gives every carrier a value by its width. Then a room takes carriers of so much value at most, and every room
can be looked at alone: where all rooms take less than the carriers have, the carriers do not fit. That holds for any
values; those that tell most are widths less a price for each carrier (there are few rooms beside each other), widths of
the wide only (narrow gaps are no use to them), and widths dearer for those who move (who are to move the least).
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

PRICES = 3  # steps from none to the most that a gap can hold
TOLLS = 4  # a toll is so many parts of the width that moves
NONE_HZ = -(1 << 60)


class Away(NamedTuple):
    """Neighbours that may move: what is there when all are away, what of it was free before; narrowest width first."""

    run: tuple[int, int]
    room_hz: int
    gaps_hz: int
    widths_hz: tuple[int, ...]
    gaps: int  # as bits


class Filling:
    """What one, two, or more of these carriers, those wider than a width, fill of a room at most."""

    def __init__(self, widths_hz: Sequence[int], wider_hz: int = 0) -> None:
        self.wider_hz = wider_hz
        self.widths_hz = sorted(width_hz for width_hz in widths_hz if width_hz > wider_hz)
        self._known: dict[int, tuple[int, int, int]] = {}

    def of(self, room_hz: int) -> tuple[int, int, int]:
        found = self._known.get(room_hz)
        if found is None:
            found = self._known[room_hz] = (self._by_one(room_hz), self._by_two(room_hz), self._by_more(room_hz))
        return found

    def most_hz(self, room_hz: int) -> int:
        return max(self.of(room_hz))

    def _by_one(self, room_hz: int) -> int:
        at = bisect_right(self.widths_hz, room_hz)
        return self.widths_hz[at - 1] if at else 0

    def _by_two(self, room_hz: int) -> int:
        most_hz, low, high = 0, 0, len(self.widths_hz) - 1
        while low < high:
            both_hz = self.widths_hz[low] + self.widths_hz[high]
            if both_hz > room_hz:
                high -= 1
            else:
                most_hz, low = max(most_hz, both_hz), low + 1
        return most_hz

    def _by_more(self, room_hz: int) -> int:
        return room_hz if len(self.widths_hz) > 2 and room_hz >= sum(self.widths_hz[:3]) else 0


class Measure:
    """What carriers, rooms, and runs of carriers that would move away are worth, less a price and with a toll."""

    def __init__(
        self, filling: Filling, price_hz: int, toll: int, gaps_hz: Sequence[int], away: Sequence[Sequence[Away]]
    ) -> None:
        self.filling, self.price_hz, self.toll = filling, price_hz, toll
        self._away = away
        self._rooms_hz: dict[int, int] = {}
        self._gaps_hz = [self.room_hz(gap_hz) for gap_hz in gaps_hz]
        self._worth = [(worth_hz, 1 << at) for at, worth_hz in enumerate(self._gaps_hz) if worth_hz]
        self._lost_hz: dict[tuple[int, int], int] = {}
        self._won_hz: dict[int, list[tuple[int, int]]] = {}

    def carrier_hz(self, width_hz: int) -> int:
        return width_hz - self.price_hz if width_hz > self.filling.wider_hz else 0

    def room_hz(self, room_hz: int) -> int:
        """The most that carriers in it are worth; nothing where nobody is worth more than the price."""
        worth_hz = self._rooms_hz.get(room_hz)
        if worth_hz is None:
            (one_hz, two_hz, more_hz), price_hz = self.filling.of(room_hz), self.price_hz
            worth_hz = max(0, one_hz - price_hz, two_hz - 2 * price_hz, more_hz - 3 * price_hz)
            self._rooms_hz[room_hz] = worth_hz
        return worth_hz

    def lost_hz(self, one: Away) -> int:
        """What these take when they move away: they need a place, their gaps are gone, and the toll."""
        lost_hz = self._lost_hz.get(one.run)
        if lost_hz is None:
            lost_hz = self._lost_hz[one.run] = self._loses_hz(one)
        return lost_hz

    def _loses_hz(self, one: Away) -> int:
        first, last = one.run
        needed_hz = sum(map(self.carrier_hz, one.widths_hz))
        return needed_hz + sum(self._gaps_hz[first : last + 2]) + sum(one.widths_hz) * self.toll // TOLLS

    def spare_hz(self, homeless_hz: Sequence[int], left_hz: Sequence[int], gaps: int) -> int:
        """What is left of rooms, and all gaps but these, less what the homeless need."""
        room_hz = sum(map(self.room_hz, left_hz)) + sum(worth_hz for worth_hz, gap in self._worth if not gap & gaps)
        return room_hz - sum(map(self.carrier_hz, homeless_hz))

    def won_hz(self, more: int, gaps: int) -> list[int]:
        """The most that 0, 1, 2 ... carriers win that move away and do not touch these gaps, in runs of any length."""
        won_hz = [0] + [NONE_HZ] * more
        for length in range(1, more + 1):
            sums_hz = [0]
            for one_hz, those in self._won_hz.get(length) or self._wins_hz(length):
                if not those & gaps:
                    sums_hz.append(sums_hz[-1] + one_hz)
                    if len(sums_hz) > more // length:
                        break
            for number in range(more, length - 1, -1):
                for runs in range(1, min(number // length + 1, len(sums_hz))):
                    won_hz[number] = max(won_hz[number], won_hz[number - length * runs] + sums_hz[runs])
        return won_hz

    def _wins_hz(self, length: int) -> list[tuple[int, int]]:
        won_hz = ((self.room_hz(one.room_hz) - self.lost_hz(one), one.gaps) for one in self._away[length])
        self._won_hz[length] = sorted(won_hz, reverse=True)
        return self._won_hz[length]


class Spare(NamedTuple):
    """What a measure has to spare for the homeless when as many as may win the most, and what these win."""

    measure: Measure
    spare_hz: int
    won_hz: list[int]


class Measures:
    """Those that tell most for these gaps and carriers; the one that told last is asked first."""

    def __init__(self, widths_hz: Sequence[int], gaps_hz: Sequence[int], away: Sequence[Sequence[Away]]) -> None:
        widest_hz = sorted(gaps_hz, reverse=True)[:3]
        every, *wide = [Filling(widths_hz, wider_hz) for wider_hz in (0, *widest_hz)]
        prices_hz = sorted({0, *(every.most_hz(gap_hz) for gap_hz in gaps_hz)})
        most, mid_hz = len(prices_hz) - 1, prices_hz[len(prices_hz) // 2]
        told = [(one, 0, 0) for one in wide] + [(one, mid_hz, 0) for one in wide[1:2]]
        told += [(every, prices_hz[at], 0) for at in sorted({part * most // PRICES for part in range(PRICES + 1)})]
        told += [(every, mid_hz, 1), (every, mid_hz, 2), *((one, mid_hz, 1) for one in wide[1:2])]
        self._asked = [Measure(*one, gaps_hz, away) for one in told]

    def spare(
        self, homeless_hz: Sequence[int], left_hz: Sequence[int], gaps: int, more: int, may_move_hz: int | None
    ) -> list[Spare] | None:
        """What each has to spare; `None` where one has not enough. Those that move may be so wide together."""
        found = []
        for at, measure in enumerate(self._asked):
            if measure.toll and may_move_hz is None:
                continue
            won_hz = measure.won_hz(more, gaps)
            toll_hz = (may_move_hz or 0) * measure.toll // TOLLS
            spare_hz = measure.spare_hz(homeless_hz, left_hz, gaps) + won_hz[more] + toll_hz
            if spare_hz < 0:
                self._asked.insert(0, self._asked.pop(at))
                return None
            found.append(Spare(measure, spare_hz, won_hz))
        return found
