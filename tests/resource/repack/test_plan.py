"""Re-packing plans: as short as any, each move into a place that is free, and refused with the reason."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from benchmarks.repack import a_band
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from satcom.core.errors import Refused, RuleRefused
from satcom.resource.repack.plan import MOST_MOVES, Band, OnTheAir, RepackPlan, plan_repack
from satcom.resource.spectrum_pieces import Piece, free_pieces
from tests.resource.repack.every_arrangement import fewest_moves

MHZ = 1_000_000
CASES = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def a_carrier(name: str, start_mhz: float, stop_mhz: float, guard_hz: int = 0, power_mhz: float = 0) -> OnTheAir:
    return OnTheAir(name, round(start_mhz * MHZ), round(stop_mhz * MHZ), guard_hz, round(power_mhz * MHZ))


@st.composite
def bands(draw: st.DrawFn, most_carriers: int, width: int) -> tuple[Band, list[OnTheAir]]:
    """A band of a few units, carriers anywhere in it; some are pinned, some have a guard band of their own."""
    guard = draw(st.sampled_from([0, 0, 1, 2]))
    band = Band(0, width, guard, draw(st.integers(0, 3)))
    at, carriers = 0, []
    for number in range(draw(st.integers(0, most_carriers))):
        own = draw(st.sampled_from([guard, guard, 0, guard + 2]))
        start = at + own // 2 + draw(st.integers(0, 3))
        stop = start + draw(st.integers(1, 3))
        at = stop + (own + 1) // 2
        if at > width:
            break
        pinned = "it is received by everyone" if draw(st.integers(0, 7)) == 0 else None
        carriers.append(OnTheAir(f"c{number}", start, stop, own, draw(st.integers(0, 3)), pinned))
    return band, carriers


@CASES
@given(problem=bands(most_carriers=4, width=11), wanted=st.integers(1, 8))
def test_a_plan_has_as_few_moves_and_moves_as_little_as_any_sequence_at_all(
    problem: tuple[Band, list[OnTheAir]], wanted: int
) -> None:
    band, carriers = problem
    best = fewest_moves(band, carriers, wanted, most_moves=5)
    try:
        plan = plan_repack(band, carriers, wanted, 0, most_moves=5)
    except RuleRefused as refused:
        event(refused.faults[0].code)
        assert best is None
    else:
        event(f"{len(plan.moves)} moves, {len({one.carrier_id for one in plan.moves})} carriers")
        assert (len(plan.moves), plan.moved_hz) == best
        assert plan.is_shortest
        assert plan.is_least


@CASES
@given(problem=bands(most_carriers=4, width=10), wanted=st.integers(1, 8))
def test_what_is_refused_as_impossible_no_number_of_moves_opens_and_what_is_possible_is_planned(
    problem: tuple[Band, list[OnTheAir]], wanted: int
) -> None:
    """Against every arrangement that any number of moves leads to."""
    band, carriers = problem
    best = fewest_moves(band, carriers, wanted, most_moves=MOST_MOVES)
    try:
        plan = plan_repack(band, carriers, wanted, 0)
    except RuleRefused as refused:
        event(refused.faults[0].code)
        assert best is None
    else:
        assert best is not None
        assert plan.at_least <= best[0] <= len(plan.moves)
        event(f"{len(plan.moves)} moves, {'shortest' if plan.is_shortest else 'found'}")


@CASES
@given(problem=bands(most_carriers=12, width=40), wanted=st.integers(1, 20))
def test_what_is_found_without_a_search_is_a_plan_too(problem: tuple[Band, list[OnTheAir]], wanted: int) -> None:
    band, carriers = problem
    try:
        plan = plan_repack(band, carriers, wanted, 0, most_work=0)
    except RuleRefused as refused:
        event(refused.faults[0].code)
    else:
        event(f"{len(plan.moves)} moves")
        after = carried_out(band, carriers, plan)
        free = free_pieces(band.low_edge_hz, band.high_edge_hz, band.guard_band_hz, [one.taken for one in after])
        assert max((piece.width_hz for piece in free), default=0) >= wanted
        assert plan.at_least <= len(plan.moves)


@CASES
@given(problem=bands(most_carriers=12, width=40), wanted=st.integers(1, 20))
def test_every_move_goes_where_it_is_free_and_the_slot_is_there_in_the_end(
    problem: tuple[Band, list[OnTheAir]], wanted: int
) -> None:
    band, carriers = problem
    with suppress(RuleRefused):
        after = carried_out(band, carriers, plan_repack(band, carriers, wanted, 0, most_moves=4))
        free = free_pieces(band.low_edge_hz, band.high_edge_hz, band.guard_band_hz, [one.taken for one in after])
        assert max((piece.width_hz for piece in free), default=0) >= wanted


def carried_out(band: Band, carriers: Sequence[OnTheAir], plan: RepackPlan) -> list[OnTheAir]:
    """The carriers after the plan. Each move is checked against everything that is on the air while it is made."""
    there = {one.id: one for one in carriers}
    for move in plan.moves:
        mover = there[move.carrier_id]
        assert mover.pinned_because is None
        assert mover.power_share_hz <= band.free_power_hz  # it takes its power twice meanwhile
        assert move.old == Piece(mover.start_hz, mover.stop_hz)
        assert move.new.width_hz == move.old.width_hz
        taken = [one.taken for one in there.values()]
        free = free_pieces(band.low_edge_hz, band.high_edge_hz, band.guard_band_hz, taken)
        assert any(one.start_hz <= move.new.start_hz and move.new.stop_hz <= one.stop_hz for one in free)
        there[mover.id] = OnTheAir(
            mover.id, move.new.start_hz, move.new.stop_hz, band.guard_band_hz, mover.power_share_hz
        )
    return list(there.values())


BAND = Band(0, 10 * MHZ, 0, 5 * MHZ)


def refusal(band: Band, carriers: Sequence[OnTheAir], wanted_mhz: float, power_mhz: float = 0) -> RuleRefused:
    with pytest.raises(RuleRefused) as refused:
        plan_repack(band, carriers, round(wanted_mhz * MHZ), round(power_mhz * MHZ))
    return refused.value


def test_a_carrier_that_is_in_the_way_goes_to_the_other_gap() -> None:
    plan = plan_repack(BAND, [a_carrier("a", 1, 2), a_carrier("b", 4, 5), a_carrier("c", 8, 9)], 6 * MHZ, 0)
    assert [one.carrier_id for one in plan.moves] == ["b"]
    assert plan.opened == Piece(2 * MHZ, 8 * MHZ)


def test_of_two_that_could_move_the_narrower_one_does() -> None:
    wide, narrow = a_carrier("wide", 1, 3), a_carrier("narrow", 7, 8)
    plan = plan_repack(BAND, [wide, narrow], 7 * MHZ, 0)
    assert [one.carrier_id for one in plan.moves] == ["narrow"]


def test_a_carrier_steps_aside_and_back_where_it_cannot_move_by_less_than_its_width() -> None:
    """Wide must make room for narrow by 1 MHz, and cannot be on the air twice in overlapping places."""
    stays = OnTheAir("stays", 5 * MHZ, 6 * MHZ, 0, 0, "it stays")
    carriers = [a_carrier("wide", 1, 4), stays, a_carrier("narrow", 8, 10)]
    plan = plan_repack(Band(0, 14 * MHZ, 0, 5 * MHZ), carriers, 8 * MHZ, 0)
    assert [one.carrier_id for one in plan.moves] == ["wide", "wide", "narrow"]
    assert plan.opened == Piece(6 * MHZ, 14 * MHZ)


def test_guard_bands_are_kept_to_neighbours_and_edges() -> None:
    band = Band(0, 10 * MHZ, 200_000, 5 * MHZ)
    plan = plan_repack(band, [a_carrier("a", 4, 5, 200_000)], 8 * MHZ, 0)
    assert plan.moves[0].new == Piece(200_000, 1_200_000)
    assert plan.opened == Piece(1_400_000, 9_400_000)
    assert refusal(band, [a_carrier("a", 4, 5, 200_000)], 8.41).faults[0].code == "tooLittleFree"


def test_what_is_not_free_in_sum_is_refused_with_what_is() -> None:
    fault = refusal(BAND, [a_carrier("a", 1, 5)], 6.5).faults[0]
    assert (fault.field, fault.code, fault.accepted) == ("bandwidthHz", "tooLittleFree", "at most 6000000 Hz")


def test_power_that_is_not_free_is_refused_before_anybody_is_moved() -> None:
    fault = refusal(BAND, [a_carrier("a", 1, 5)], 6, 5.5).faults[0]
    assert (fault.field, fault.code, fault.accepted) == ("powerShareHz", "noPower", "at most 5000000 Hz")


def test_a_carrier_with_more_power_than_is_free_cannot_be_on_the_air_twice() -> None:
    fault = refusal(BAND, [a_carrier("a", 4, 5, power_mhz=6)], 6).faults[0]
    assert fault.code == "pinnedCarriers"
    assert "a: it needs 6 MHz of power twice while it moves, and 5 MHz is free" in fault.why


def test_pinned_carriers_are_named_with_their_reason() -> None:
    pinned = OnTheAir("news", 4 * MHZ, 5 * MHZ, 0, 0, "it is received by everyone")
    fault = refusal(BAND, [pinned], 6).faults[0]
    assert (fault.code, fault.accepted) == ("pinnedCarriers", "at most 5000000 Hz")
    assert "news: it is received by everyone" in fault.why


def test_carriers_that_follow_each_other_in_one_place_are_not_moved_alone() -> None:
    fault = refusal(BAND, [a_carrier("until May", 4, 5), a_carrier("from June", 4, 6)], 6).faults[0]
    assert fault.code == "pinnedCarriers"
    assert "another one has its place" in fault.why


def test_where_nobody_fits_into_any_gap_nothing_can_move() -> None:
    fault = refusal(BAND, [a_carrier("a", 1, 5), a_carrier("b", 6, 10)], 2).faults[0]
    assert fault.code == "noRoomToMove"


def test_where_those_that_fit_into_gaps_leave_too_little_no_number_of_moves_helps() -> None:
    carriers = [a_carrier("a", 0.5, 1), a_carrier("wide", 1.2, 5), a_carrier("wider", 5.5, 9.5)]
    fault = refusal(BAND, carriers, 1.5).faults[0]
    assert (fault.code, fault.accepted) == ("noRoomToMove", "at most 1200000 Hz")
    assert "no number of moves" in fault.why


def test_a_search_that_is_cut_short_says_how_many_moves_it_has_ruled_out() -> None:
    """The shortest plan has 8 moves; one of 20 is found without a search."""
    band, carriers = a_band(60, 0.9, seed=2)
    wanted_hz = round(0.5 * 0.1 * band.bandwidth_hz)
    ruled_out = []
    for work in (0, 200, 1000, 5000):
        with pytest.raises(RuleRefused) as refused:
            plan_repack(band, carriers, wanted_hz, 0, most_moves=8, most_work=work)
        fault = refused.value.faults[0]
        assert (fault.field, fault.code, fault.accepted) == (
            "mostMoves",
            "searchTooLong",
            "a narrower slot, or 20 moves",
        )
        ruled_out.append(int(fault.why.removeprefix("no plan of fewer than ").split()[0]))
    assert 0 < ruled_out[0] < ruled_out[-1] <= 8
    assert ruled_out == sorted(ruled_out)
    longer = plan_repack(band, carriers, wanted_hz, 0, most_moves=20, most_work=5000)
    carried_out(band, carriers, longer)
    assert (len(longer.moves), longer.at_least, longer.is_shortest) == (20, ruled_out[-1], False)


def test_where_no_plan_has_so_few_moves_a_number_is_told_of_which_there_is_one() -> None:
    carriers = [a_carrier(f"c{at}", at, at + 0.4) for at in range(10)]
    whole = plan_repack(BAND, carriers, 3 * MHZ, 0)
    with pytest.raises(RuleRefused) as refused:
        plan_repack(BAND, carriers, 3 * MHZ, 0, most_moves=len(whole.moves) - 1)
    fault = refused.value.faults[0]
    assert (fault.field, fault.code) == ("mostMoves", "noPlan")
    assert fault.accepted == f"a narrower slot, or {len(whole.moves)} moves"


def test_where_not_all_have_room_beside_the_slot_in_whatever_order_it_is_refused_as_no_arrangement() -> None:
    """The slot takes the only room of 4 MHz; what is left, 3 and 3, has no place for a third one of 2 MHz."""
    band = Band(0, 12 * MHZ, 0, 5 * MHZ)
    stay = [OnTheAir(f"stays {at}", at * MHZ, (at + 1) * MHZ, 0, 0, "it stays") for at in (4, 8)]
    carriers = [a_carrier("a", 0, 2), stay[0], a_carrier("b", 5, 7), stay[1], a_carrier("c", 9, 11)]
    fault = refusal(band, carriers, 4).faults[0]
    assert (fault.field, fault.code, fault.accepted) == ("bandwidthHz", "noArrangement", "a narrower slot")
    assert "in whatever order" in fault.why


@pytest.mark.parametrize(("filled", "seed"), [(0.6, 0), (0.9, 1), (0.95, 3)])
def test_what_takes_too_many_moves_to_find_the_shortest_is_planned_all_the_same(filled: float, seed: int) -> None:
    """Nine tenths of what is free, of 60 carriers. Little is searched; what is ruled out is told."""
    band, carriers = a_band(60, filled, seed)
    plan = plan_repack(band, carriers, round(0.9 * (1 - filled) * band.bandwidth_hz), 0, most_work=1000)
    carried_out(band, carriers, plan)
    assert 1 < plan.at_least < len(plan.moves) <= MOST_MOVES
    assert not plan.is_least


def test_a_thousand_narrow_carriers_are_answered_as_any() -> None:
    """A recursion over them would not end well."""
    band = Band(0, 1100 * MHZ, 0, 5 * MHZ)
    carriers = [a_carrier(f"c{at}", at, at + 0.5) for at in range(1100)]
    fault = refusal(band, carriers, 400).faults[0]
    assert (fault.code, fault.field) == ("searchTooLong", "mostMoves")
    assert "no plan of fewer than" in fault.why


def test_a_search_that_is_cut_short_answers_what_it_found_and_what_is_certain() -> None:
    carriers = [a_carrier(f"c{at}", at, at + 0.3 + at % 3 / 10) for at in range(10)]
    whole = plan_repack(BAND, carriers, 3 * MHZ, 0)
    assert whole.is_shortest
    assert whole.is_least
    certain = set()
    for work in range(1, 1000, 9):
        plan = plan_repack(BAND, carriers, 3 * MHZ, 0, most_work=work)
        carried_out(BAND, carriers, plan)
        assert plan.opened.width_hz == 3 * MHZ
        assert plan.at_least <= len(whole.moves) <= len(plan.moves)
        assert not plan.is_shortest or len(plan.moves) == len(whole.moves)
        if plan.is_shortest and plan.is_least:
            assert plan.moved_hz == whole.moved_hz
        certain.add((plan.is_shortest, plan.is_least))
    assert {(True, False), (True, True)} <= certain


@pytest.mark.parametrize(
    ("filled", "asked", "seed", "moves"), [(0.85, 0.5, 4, 8), (0.9, 0.5, 3, 7), (0.95, 0.5, 1, 7), (0.95, 0.3, 3, 5)]
)
def test_the_shortest_plan_of_a_tight_band_of_60_carriers_is_certain(
    filled: float, asked: float, seed: int, moves: int
) -> None:
    band, carriers = a_band(60, filled, seed)
    plan = plan_repack(band, carriers, round(asked * (1 - filled) * band.bandwidth_hz), 0)
    carried_out(band, carriers, plan)
    assert (len(plan.moves), plan.is_shortest, plan.is_least) == (moves, True, True)


@pytest.mark.parametrize(("width_hz", "power_hz", "moves"), [(0, 0, 1), (1, -1, 1), (1, 0, 0), (1, 0, MOST_MOVES + 1)])
def test_what_is_no_width_no_power_or_no_number_of_moves_is_refused(width_hz: int, power_hz: int, moves: int) -> None:
    with pytest.raises(Refused, match="out of range"):
        plan_repack(BAND, [], width_hz, power_hz, moves)
