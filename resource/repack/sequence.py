"""In which order, and where to, given carriers move so that a slot opens: make before break, one after the other.

Between the carriers that stay lie rooms: pieces without one that stays. A carrier moves into a room while it is still
at its old place, so both are taken then. Who stands left of whom is searched through, every order of it; where exactly
they stand follows: each place is the lowest that lies right of all that must be left of it (difference constraints have
a least solution). So the search is exact although frequencies are not on a raster.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from satcom.resource.spectrum_pieces import Piece


@dataclass(frozen=True)
class Mover:
    """A carrier that moves `times` times. It lies in `room`, and takes `width_hz` elsewhere, guard band included."""

    start_hz: int
    stop_hz: int
    width_hz: int
    room: int
    times: int = 1


@dataclass(frozen=True)
class Step:
    """The mover of this number goes to `start_hz`."""

    mover: int
    start_hz: int


@dataclass(frozen=True)
class Opened:
    """The steps, and where the slot that was wanted begins after them."""

    steps: tuple[Step, ...]
    start_hz: int


class WorkDone(Exception):
    """The search has looked at as many arrangements as it may."""


class PartDone(WorkDone):
    """The part of the work that this search may do is done; others may do more."""


class Work:
    """How many arrangements may still be looked at."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, arrangements: int = 1) -> None:
        self.left -= arrangements
        if self.left < 0:
            raise WorkDone

    def part(self, most: int) -> "Work":
        return _Part(self, most)

    def whole(self) -> None:
        """From now on all that is left may be done, if this was a part."""


class _Part(Work):
    """Some of the work of a whole."""

    def __init__(self, whole: Work, most: int) -> None:
        super().__init__(most)
        self._whole, self._is_part = whole, True

    def spend(self, arrangements: int = 1) -> None:
        self._whole.spend(arrangements)
        self.left -= arrangements
        if self.left < 0 and self._is_part:
            raise PartDone

    def whole(self) -> None:
        self._is_part = False


@dataclass(frozen=True)
class _Places:
    """Places that were chosen so far: bounds of where each begins, and pairs of which the first is left of the second.

    Who stands there first are the movers at their old places, which are fixed.
    """

    width_hz: tuple[int, ...]
    least_hz: tuple[int, ...]
    most_hz: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...] = ()

    def with_place(self, width_hz: int, room: Piece, left: int | None, right: int | None) -> "_Places | None":
        """One more place in a room between two others; `None` when there is none."""
        new = len(self.width_hz)
        pairs = list(self.pairs)
        if left is not None:
            pairs.append((left, new))
        if right is not None:
            pairs.append((new, right))
        widths, least = (*self.width_hz, width_hz), [*self.least_hz, room.start_hz]
        most = (*self.most_hz, room.stop_hz - width_hz)
        changed = True
        while changed:
            changed = False
            for one, other in pairs:
                behind_hz = least[one] + widths[one]
                if behind_hz > least[other]:
                    least[other], changed = behind_hz, True
                    if behind_hz > most[other]:
                        return None
        if least[new] > most[new]:
            return None
        return _Places(widths, tuple(least), most, tuple(pairs))


@dataclass(frozen=True)
class _State:
    """Who is in each room from left to right, as numbers of places; where each mover is; how often it still moves."""

    places: _Places
    rooms: tuple[tuple[int, ...], ...]
    place_of: tuple[int, ...]
    left: tuple[int, ...]
    steps: tuple[tuple[int, int], ...] = field(default=())  # mover, and the number of its place


def opened_by(rooms: Sequence[Piece], movers: Sequence[Mover], wanted_hz: int, work: Work) -> Opened | None:
    """How the movers, each moving its number of times, open `wanted_hz` in one piece; `None` when they cannot.

    Raises `WorkDone`.
    """
    begun = _begin(rooms, movers)
    widths_hz = [one.width_hz for one in movers]
    for window, final in _packings([room.width_hz for room in rooms], widths_hz, wanted_hz, work):
        found = _moved(begun, rooms, movers, final, window, wanted_hz, work)
        if found is not None:
            return found
    return None


def can_lie(rooms_hz: Sequence[int], widths_hz: Sequence[int], wanted_hz: int, work: Work) -> bool:
    """Whether the rooms have the width for all of them and the slot, in whatever order they come. Raises `WorkDone`.

    The widest goes first, into the room that it fills best; what was found to be impossible is not tried again.
    """
    order = sorted((*widths_hz, wanted_hz), reverse=True)
    still_hz = _still_hz(order)
    impossible: set[tuple[int, ...]] = set()

    def rest(at: int, free_hz: tuple[int, ...]) -> bool:
        """The rooms are sorted, and none is too narrow for all that are still to lie."""
        if at == len(order):
            return True
        if sum(free_hz) < still_hz[at] or (at, *free_hz) in impossible:
            return False
        work.spend()
        width_hz = order[at]
        for room in range(bisect_left(free_hz, width_hz), len(free_hz)):
            if room and free_hz[room] == free_hz[room - 1]:
                continue
            left_hz = free_hz[room] - width_hz
            others = (*free_hz[:room], *free_hz[room + 1 :])
            after = tuple(sorted((*others, left_hz))) if left_hz >= order[-1] else others
            if rest(at + 1, after):
                return True
            if not left_hz:
                break  # no place is better than one that it fills
        impossible.add((at, *free_hz))
        return False

    return rest(0, tuple(sorted(one for one in rooms_hz if one >= order[-1])))


def _still_hz(widths_hz: Sequence[int]) -> list[int]:
    """How wide those from each on are together."""
    return list(accumulate(reversed(widths_hz)))[::-1]


def _begin(rooms: Sequence[Piece], movers: Sequence[Mover]) -> _State:
    starts = tuple(one.start_hz for one in movers)
    inside = [
        tuple(sorted((i for i, one in enumerate(movers) if one.room == room), key=starts.__getitem__))
        for room in range(len(rooms))
    ]
    places = _Places(tuple(one.stop_hz - one.start_hz for one in movers), starts, starts)
    return _State(places, tuple(inside), tuple(range(len(movers))), tuple(one.times for one in movers))


def _packings(
    rooms_hz: Sequence[int], widths_hz: Sequence[int], wanted_hz: int, work: Work
) -> Iterator[tuple[int, list[int]]]:
    """Every way to share the rooms out so that all have width enough in the end: the slot's, and each mover's."""
    order = sorted(range(len(widths_hz)), key=lambda one: -widths_hz[one])
    still_hz = [*_still_hz([widths_hz[one] for one in order]), 0]
    narrowest_hz = min(widths_hz, default=0)
    final = [0] * len(widths_hz)
    free_hz = list(rooms_hz)
    tightest = sorted(range(len(rooms_hz)), key=lambda one: free_hz[one])

    def rest(at: int) -> Iterator[None]:
        if at == len(order):
            yield
            return
        if sum(one for one in free_hz if one >= narrowest_hz) < still_hz[at]:
            return
        work.spend()
        width_hz = widths_hz[order[at]]
        for room in tightest:
            if free_hz[room] >= width_hz:
                free_hz[room] -= width_hz
                final[order[at]] = room
                yield from rest(at + 1)
                free_hz[room] += width_hz

    for window in tightest:
        if free_hz[window] >= wanted_hz:
            free_hz[window] -= wanted_hz
            for _ in rest(0):
                yield window, final
            free_hz[window] += wanted_hz


def _moved(
    state: _State,
    rooms: Sequence[Piece],
    movers: Sequence[Mover],
    final: Sequence[int],
    window: int,
    wanted_hz: int,
    work: Work,
) -> Opened | None:
    work.spend()
    if not any(state.left):
        return _with_window(state, rooms, window, wanted_hz)
    for mover, left in enumerate(state.left):
        if not left:
            continue
        allowed = [final[mover]] if left == 1 else range(len(rooms))
        for room in allowed:
            for after in _placed(state, rooms, mover, movers[mover].width_hz, room):
                found = _moved(after, rooms, movers, final, window, wanted_hz, work)
                if found is not None:
                    return found
    return None


def _placed(state: _State, rooms: Sequence[Piece], mover: int, width_hz: int, room: int) -> Iterator[_State]:
    """Every place in a room, seen from who is there, its own old place among them; then the old one is free."""
    if rooms[room].width_hz < width_hz:
        return
    there = state.rooms[room]
    for at in range(len(there) + 1):
        left, right = (there[at - 1] if at else None), (there[at] if at < len(there) else None)
        places = state.places.with_place(width_hz, rooms[room], left, right)
        if places is None:
            continue
        new, old = len(places.width_hz) - 1, state.place_of[mover]
        inside = list(state.rooms)
        inside[room] = (*there[:at], new, *there[at:])
        yield replace(
            state,
            places=places,
            rooms=tuple(tuple(one for one in those if one != old) for those in inside),
            place_of=(*state.place_of[:mover], new, *state.place_of[mover + 1 :]),
            left=(*state.left[:mover], state.left[mover] - 1, *state.left[mover + 1 :]),
            steps=(*state.steps, (mover, new)),
        )


def _with_window(state: _State, rooms: Sequence[Piece], window: int, wanted_hz: int) -> Opened | None:
    there = state.rooms[window]
    for at in range(len(there) + 1):
        left, right = (there[at - 1] if at else None), (there[at] if at < len(there) else None)
        places = state.places.with_place(wanted_hz, rooms[window], left, right)
        if places is not None:
            steps = tuple(Step(mover, places.least_hz[place]) for mover, place in state.steps)
            return Opened(steps, places.least_hz[-1])
    return None
