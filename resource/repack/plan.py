"""Re-packing: the fewest moves of carriers on a transponder that open a slot of a wanted width.

A move is make before break: the new place is free, guard bands included, while the carrier is still on the air in the
old one, and the transponder has the power for both. No shorter sequence exists, and none of as many moves moves less
bandwidth: every smaller number was searched through before (`resource.repack.movers`, `resource.repack.sequence`).
Where that takes too long, a plan that is found without it is answered (`resource.repack.compaction`), with what is
certain.
A carrier may move twice, when only that helps. Where nothing helps, the reason is told with the number that decided.
What is given as lying there is taken to stay; whether it does is the caller's to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from satcom.core.errors import RuleRefused
from satcom.core.wrong_value import check_ranges
from satcom.resource.repack.movers import Lying, Packed, Rearranging
from satcom.resource.repack.sequence import Work, WorkDone, can_lie
from satcom.resource.spectrum_pieces import Piece, megahertz

MOST_MOVES = 60
NAMED = 5
MOST_WORK = 60_000  # arrangements looked at: two seconds or so
TO_LIE = 20_000  # arrangements looked at to tell that not all can lie beside the slot, in whatever order they come
MANY = 300  # carriers: of more it is not asked, since the question goes one call deeper for each


@dataclass(frozen=True)
class Band:
    """What a transponder has: its edges, the guard band it wants around a carrier, and its power as PEB."""

    low_edge_hz: int
    high_edge_hz: int
    guard_band_hz: int
    free_power_hz: int

    @property
    def bandwidth_hz(self) -> int:
        return self.high_edge_hz - self.low_edge_hz


@dataclass(frozen=True)
class OnTheAir:
    """A carrier: where it lies, with which guard band and power, and why it must stay (`None`: it may move)."""

    id: str
    start_hz: int
    stop_hz: int
    guard_band_hz: int
    power_share_hz: int
    pinned_because: str | None = None
    name: str | None = None

    @property
    def bandwidth_hz(self) -> int:
        return self.stop_hz - self.start_hz

    @property
    def taken(self) -> Piece:
        return Piece(self.start_hz - self.guard_band_hz // 2, self.stop_hz + (self.guard_band_hz + 1) // 2)


@dataclass(frozen=True)
class Move:
    """One carrier goes from one piece to another; both are taken while it does."""

    carrier_id: str
    old: Piece
    new: Piece


@dataclass(frozen=True)
class RepackPlan:
    """The moves in their order, and the piece in which the wanted slot lies after them.

    No plan has fewer moves than `at_least`; `is_least`: none of as many as this one moves less bandwidth.
    """

    moves: tuple[Move, ...]
    opened: Piece
    at_least: int = 0
    is_least: bool = True

    @property
    def is_shortest(self) -> bool:
        return len(self.moves) == self.at_least

    @property
    def moved_hz(self) -> int:
        return sum(one.new.width_hz for one in self.moves)


def plan_repack(
    band: Band,
    carriers: Sequence[OnTheAir],
    bandwidth_hz: int,
    power_share_hz: int,
    most_moves: int = MOST_MOVES,
    most_work: int = MOST_WORK,
) -> RepackPlan:
    """The shortest plan that opens a slot; no moves where one is open already. A moved carrier has the band's guard.

    Where the search is too long to tell the shortest, it is one that was found, and how many moves it has at least.

    Raises `Refused` on what is no width, no power or no number of moves; `RuleRefused` where no plan exists, on
    `bandwidthHz` or `powerShareHz`, and on `mostMoves` where none of so many moves does, or none was found in time.
    """
    check_ranges(
        [
            ("bandwidthHz", bandwidth_hz, 1, None),
            ("powerShareHz", power_share_hz, 0, None),
            ("mostMoves", most_moves, 1, MOST_MOVES),
        ]
    )
    if power_share_hz > band.free_power_hz:
        why = f"{megahertz(power_share_hz)} MHz of power is not free; {megahertz(max(band.free_power_hz, 0))} MHz is"
        raise RuleRefused("powerShareHz", why, "noPower", f"at most {max(band.free_power_hz, 0)} Hz")
    problem = _problem(band, carriers, bandwidth_hz, Work(most_work))
    if problem.open_hz is not None:
        return RepackPlan((), Piece(problem.open_hz, problem.open_hz + bandwidth_hz))
    problem.check_possible()
    for moves in range(1, most_moves + 1):
        try:
            packed = problem.rearranging.of_moves(moves)
        except WorkDone as done:
            known = problem.rearranging.compacted(MOST_MOVES)
            if known is not None and len(known.movers) <= most_moves:
                return problem.plan(known, moves)
            why = (
                f"no plan of fewer than {moves} moves exists; whether one of {_to(moves, most_moves)} does, the search"
            )
            raise RuleRefused("mostMoves", f"{why} did not tell", "searchTooLong", _accepted(known)) from done
        if packed is not None:
            return problem.plan(packed, moves)
    why = f"no plan of at most {most_moves} moves opens {megahertz(bandwidth_hz)} MHz"
    raise RuleRefused("mostMoves", why, "noPlan", _accepted(problem.rearranging.compacted(MOST_MOVES)))


def _to(least: int, most: int) -> str:
    return f"{least} to {most}" if most > least else f"{least}"


def _accepted(known: Packed | None) -> str:
    """A number of moves for which there is a plan, where one is known."""
    return "a narrower slot" if known is None else f"a narrower slot, or {len(known.movers)} moves"


def blocked_by_others(carriers: Sequence[OnTheAir]) -> set[str]:
    """Those that lie across another one, as two that are sold one after the other; none of them can be moved alone."""
    found: set[str] = set()
    ordered = sorted(carriers, key=lambda one: one.taken.start_hz)
    furthest: OnTheAir | None = None
    for one in ordered:
        if furthest is not None and one.taken.start_hz < furthest.taken.stop_hz:
            found |= {one.id, furthest.id}
        if furthest is None or one.taken.stop_hz > furthest.taken.stop_hz:
            furthest = one
    return found


def _pinned(band: Band, carriers: Sequence[OnTheAir]) -> list[OnTheAir]:
    """The carriers by frequency; those that cannot be moved for a reason of the band say so, too."""
    across, found = blocked_by_others(carriers), []
    for one in sorted(carriers, key=lambda one: (one.taken.start_hz, one.taken.stop_hz, one.id)):
        why = one.pinned_because
        if why is None and one.id in across:
            why = "another one has its place before or after it"
        if why is None and one.power_share_hz > band.free_power_hz:
            needed, free = megahertz(one.power_share_hz), megahertz(max(band.free_power_hz, 0))
            why = f"it needs {needed} MHz of power twice while it moves, and {free} MHz is free"
        found.append(replace(one, pinned_because=why))
    return found


def _problem(band: Band, carriers: Sequence[OnTheAir], bandwidth_hz: int, work: Work) -> "_Problem":
    guard_hz = band.guard_band_hz
    below_hz = guard_hz - guard_hz // 2
    low_hz, high_hz = band.low_edge_hz + below_hz, band.high_edge_hz - guard_hz // 2
    known = _pinned(band, carriers)
    each: list[OnTheAir] = []
    lying: list[Lying] = []
    for one in known:
        taken, may_move = one.taken, one.pinned_because is None
        if lying and taken.start_hz < lying[-1].stop_hz:  # across another one: both are pinned
            lying[-1] = replace(lying[-1], stop_hz=max(lying[-1].stop_hz, taken.stop_hz), may_move=False)
            continue
        width_hz = one.bandwidth_hz + guard_hz
        lying.append(Lying(taken.start_hz, taken.stop_hz, width_hz, one.bandwidth_hz, may_move))
        each.append(one)
    stay = [one for one in known if one.pinned_because is not None]
    return _Problem(band, bandwidth_hz, each, stay, Rearranging(low_hz, high_hz, lying, bandwidth_hz + guard_hz, work))


@dataclass(frozen=True)
class _Problem:
    """The question with guard bands taken into the widths, so that pieces may touch."""

    band: Band
    bandwidth_hz: int
    carriers: list[OnTheAir]  # one for each of `rearranging.lying`
    stay: list[OnTheAir]
    rearranging: Rearranging

    @property
    def open_hz(self) -> int | None:
        """Where the slot would begin if it were open already."""
        wide = [gap for gap in self.rearranging.gaps if gap.width_hz >= self.rearranging.wanted_hz]
        return wide[0].start_hz + self.band.guard_band_hz // 2 if wide else None

    def check_possible(self) -> None:
        """Raises `RuleRefused` where no number of moves helps."""
        asked, guard_hz = f"{megahertz(self.bandwidth_hz)} MHz", self.band.guard_band_hz
        left_hz = max(self._free_in_sum() - guard_hz, 0)
        if left_hz < self.bandwidth_hz:
            why = f"{asked} is not free even in sum; {megahertz(left_hz)} MHz is, without the guard bands"
            raise RuleRefused("bandwidthHz", why, "tooLittleFree", f"at most {left_hz} Hz")
        widest_hz = max(self._widest_between_pinned() - guard_hz, 0)
        if widest_hz < self.bandwidth_hz:
            told = [f"{one.name or one.id}: {one.pinned_because}" for one in self.stay[:NAMED]]
            told += [f"{len(self.stay) - NAMED} more"] if len(self.stay) > NAMED else []
            why = f"carriers that stay leave room for {megahertz(widest_hz)} MHz, not for {asked} ({'; '.join(told)})"
            raise RuleRefused("bandwidthHz", why, "pinnedCarriers", f"at most {widest_hz} Hz")
        if self.rearranging.is_stuck():
            narrow_hz = min(one.width_hz for one in self.rearranging.lying if one.may_move)
            needed = megahertz(narrow_hz)
            why = f"no carrier can move: the narrowest needs {needed} MHz with its guard band, and no gap has it"
            raise RuleRefused("bandwidthHz", why, "noRoomToMove", "a slot in a gap that is there")
        ever_hz = self.rearranging.neighbours.widest_ever_hz
        if ever_hz < self.rearranging.wanted_hz:
            widest_hz = max(ever_hz - guard_hz, 0)
            why = (
                f"no number of moves opens {asked}: those that find a place to move to leave"
                f" {megahertz(widest_hz)} MHz in one piece at most"
            )
            raise RuleRefused("bandwidthHz", why, "noRoomToMove", f"at most {widest_hz} Hz")
        if not self._can_all_lie(ever_hz):
            why = (
                f"no number of moves opens {asked}: beside it not all that can move lie in the rooms that those which"
                f" stay leave, in whatever order they come"
            )
            raise RuleRefused("bandwidthHz", why, "noArrangement", "a narrower slot")

    def _can_all_lie(self, ever_hz: int) -> bool:
        """Whether all have room in the end; also where that is long to tell. Who is too wide ever to move stays."""
        there = self.rearranging
        rooms_hz, widths_hz, start_hz = [], [], there.low_hz
        for one, gap, behind in zip(there.lying, there.gaps, there.gaps[1:], strict=False):
            if one.may_move and one.width_hz <= ever_hz:
                widths_hz.append(min(one.width_hz, behind.start_hz - gap.stop_hz))
            else:
                rooms_hz.append(gap.stop_hz - start_hz)
                start_hz = behind.start_hz
        rooms_hz.append(there.high_hz - start_hz)
        if len(widths_hz) > MANY:
            return True
        try:
            return can_lie(rooms_hz, widths_hz, there.wanted_hz, Work(TO_LIE))
        except WorkDone:
            return True

    def _free_in_sum(self) -> int:
        low_hz, high_hz = self.rearranging.low_hz, self.rearranging.high_hz
        taken_hz = 0
        for one in self.rearranging.lying:
            there_hz = max(min(one.stop_hz, high_hz) - max(one.start_hz, low_hz), 0)
            taken_hz += min(there_hz, one.width_hz) if one.may_move else there_hz
        return high_hz - low_hz - taken_hz

    def _widest_between_pinned(self) -> int:
        gaps = self.rearranging.gaps
        widest_hz, start_hz = 0, gaps[0].start_hz
        for before, one, behind in zip(gaps, self.rearranging.lying, gaps[1:], strict=False):
            if not one.may_move:
                widest_hz, start_hz = max(widest_hz, before.stop_hz - start_hz), behind.start_hz
        return max(widest_hz, gaps[-1].stop_hz - start_hz)

    def plan(self, packed: Packed, at_least: int) -> RepackPlan:
        half_hz = self.band.guard_band_hz // 2
        where = {one.id: Piece(one.start_hz, one.stop_hz) for one in self.carriers}
        moves = []
        for step in packed.opened.steps:
            carrier = self.carriers[packed.movers[step.mover]]
            start_hz = step.start_hz + half_hz
            new = Piece(start_hz, start_hz + carrier.bandwidth_hz)
            moves.append(Move(carrier.id, where[carrier.id], new))
            where[carrier.id] = new
        start_hz = packed.opened.start_hz + half_hz
        return RepackPlan(tuple(moves), Piece(start_hz, start_hz + self.bandwidth_hz), at_least, packed.is_least)
