"""Slots of spectrum: sold once, apart from their neighbours, and never with more power than there is."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.errors import NotFound, Refused, RuleRefused
from satcom.resource.free_spectrum import TakenSpectrum, free_capacity, taken_spectrum
from satcom.resource.hold import EXPIRED, HoldState, Owner, Period, assign, release
from satcom.resource.payload import Beam, Transponder
from satcom.resource.resource import Band
from satcom.resource.spectrum import (
    SpectrumAssignment,
    Taken,
    WantedSlot,
    peak_power_hz,
    take_over_carrier,
)
from satcom.resource.spectrum_pieces import Piece, free_pieces
from tests.resource.a_network import (
    MHZ,
    YEAR_2027,
    YEAR_2028,
    a_slot,
    a_transponder,
    an_owner,
    tomorrow,
    transponder_values,
)
from tests.resource.held_alone import hold_slot

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
ONE_DATABASE = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
periods = st.tuples(st.integers(0, 20), st.integers(1, 20) | st.none()).map(
    lambda one: Period(BEGIN + timedelta(days=one[0]), BEGIN + timedelta(days=one[0] + one[1]) if one[1] else None)
)


def carrier(transponder: Transponder, start_hz: int, stop_hz: int, power_hz: int | None = None) -> SpectrumAssignment:
    return checked(SpectrumAssignment, carrier_values(transponder, start_hz, stop_hz, power_hz))


def carrier_values(
    transponder: Transponder, start_hz: int, stop_hz: int, power_hz: int | None = None
) -> dict[str, object]:
    return {
        "name": "on the air",
        "transponder_id": transponder.id,
        "start_hz": start_hz,
        "stop_hz": stop_hz,
        "power_share_hz": stop_hz - start_hz if power_hz is None else power_hz,
        "guard_band_hz": transponder.guard_band_hz,
        "state": "assigned",
        "start_at": BEGIN,
        "customer_note": "Broadcaster",
    }


@ONE_DATABASE
@given(wishes=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30), periods), max_size=12))
def test_a_slot_is_never_sold_twice_and_power_never_exceeded(
    database: Database, wishes: list[tuple[int, int, Period]]
) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        sold = []
        for width_mhz, power_mhz, period in wishes:
            with suppress(Refused):
                wanted = a_slot(transponder, width_mhz * MHZ, power_mhz * MHZ)
                sold.append(hold_slot(session, wanted, period, an_owner(), tomorrow()))
        guard_hz = transponder.guard_band_hz
        for one, other in combinations(sold, 2):
            apart_hz = max(one.start_hz, other.start_hz) - min(one.stop_hz, other.stop_hz)
            begin = max(one.start_at, other.start_at)
            ends = [end for end in (one.stop_at, other.stop_at) if end is not None]
            assert apart_hz >= guard_hz or begin >= min(ends)
        for slot in sold:
            assert transponder.low_edge_hz + guard_hz <= slot.start_hz
            assert slot.stop_hz <= transponder.high_edge_hz - guard_hz
        for day in range(45):
            at = BEGIN + timedelta(days=day)
            on_air = [one for one in sold if one.start_at <= at and (one.stop_at is None or at < one.stop_at)]
            assert sum(one.power_share_hz for one in on_air) <= transponder.bandwidth_hz


def test_sixteen_sellers_at_once_sell_exactly_what_fits(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session, bandwidth_hz=36 * MHZ)

    def sell(_: int) -> str:
        try:
            with database.as_worker() as session:
                hold_slot(session, a_slot(transponder, 5 * MHZ), YEAR_2027, an_owner(), tomorrow())
        except RuleRefused as refused:
            return refused.faults[0].code
        return "sold"

    with ThreadPoolExecutor(16) as sellers:
        outcomes = list(sellers.map(sell, range(16)))
    # six carriers of 5 MHz with seven guard bands take 31.4 of 36 MHz, a seventh would need 5.2 more
    assert sorted(outcomes) == ["noContiguousSlot"] * 10 + ["sold"] * 6
    with database.as_worker() as session:
        starts = session.exec(select(SpectrumAssignment.start_hz).order_by(col(SpectrumAssignment.start_hz))).all()
    assert list(np.diff(starts)) == [5_200_000] * 5
    assert starts[0] == transponder.low_edge_hz + 200_000


def test_the_database_refuses_an_overlap_when_the_code_forgets_the_lock(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        low_hz = transponder.low_edge_hz + MHZ
        session.add(carrier(transponder, low_hz, low_hz + MHZ))
        session.flush()
    forgetful = carrier(transponder, low_hz + MHZ + 199_999, low_hz + 3 * MHZ)  # 1 Hz into the guard band
    with pytest.raises(IntegrityError, match="slot_is_sold_once"), database.as_worker() as session:
        session.add(forgetful)


def test_the_lowest_piece_that_is_wide_enough_is_given(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session, guard_band_hz=0)
        low_hz = transponder.low_edge_hz
        take_over_carrier(session, carrier(transponder, low_hz + 2 * MHZ, low_hz + 10 * MHZ))
        wide = hold_slot(session, a_slot(transponder, 3 * MHZ), YEAR_2027, an_owner(), tomorrow())
        narrow = hold_slot(session, a_slot(transponder, 2 * MHZ), YEAR_2027, an_owner(), tomorrow())
    assert (narrow.start_hz, wide.start_hz) == (low_hz, low_hz + 10 * MHZ)


def test_a_slot_that_takes_the_place_of_another_meets_it_and_nobody_else(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session, bandwidth_hz=20 * MHZ, guard_band_hz=0)
        neighbour = hold_slot(session, a_slot(transponder, 4 * MHZ), YEAR_2027, an_owner(), tomorrow())
        old = hold_slot(session, a_slot(transponder, 10 * MHZ), YEAR_2027, an_owner(), tomorrow())
        wanted = a_slot(transponder, 14 * MHZ)
        with pytest.raises(RuleRefused):
            hold_slot(session, wanted, YEAR_2027, an_owner(), tomorrow())
        new = hold_slot(session, wanted, YEAR_2027, an_owner(), tomorrow(), [old])
        assert (new.start_hz, new.bandwidth_hz, new.in_place_of) == (old.start_hz, 14 * MHZ, old.id)
        with pytest.raises(RuleRefused, match="overlaps"), session.begin_nested():
            take_over_carrier(session, carrier(transponder, old.start_hz, old.stop_hz, 0))
        release(session, [old], "changed")
        newest = hold_slot(session, a_slot(transponder, 16 * MHZ), YEAR_2027, an_owner(), tomorrow(), [new])
        assert (newest.line, newest.start_hz) == (old.id, neighbour.stop_hz)
        with pytest.raises(RuleRefused):  # to everybody else both are taken
            hold_slot(session, a_slot(transponder, 1 * MHZ), YEAR_2027, an_owner(), tomorrow())


def test_what_is_sold_in_one_year_can_be_sold_again_in_the_next(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        one, other = (
            hold_slot(session, a_slot(transponder, 50 * MHZ), period, an_owner(), tomorrow())
            for period in (YEAR_2027, YEAR_2028)
        )
    assert one.start_hz == other.start_hz


def test_a_refusal_names_the_widest_free_piece_and_the_power_that_is_left(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        hold_slot(session, a_slot(transponder, 10 * MHZ, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused, match=r"the widest free piece is 43\.4 MHz") as refused:
            hold_slot(session, a_slot(transponder, 44 * MHZ, 0), YEAR_2027, an_owner(), tomorrow())
        assert refused.value.faults[0].code == "noContiguousSlot"
        with pytest.raises(RuleRefused, match="4 of 54 MHz is left") as refused:
            hold_slot(session, a_slot(transponder, 10 * MHZ, 5 * MHZ), YEAR_2027, an_owner(), tomorrow())
        assert refused.value.faults[0].code == "noPower"


@pytest.mark.parametrize(("width_hz", "power_hz", "field"), [(0, 1, "bandwidthHz"), (1, -1, "powerShareHz")])
def test_a_slot_without_width_or_with_negative_power_is_refused(width_hz: int, power_hz: int, field: str) -> None:
    with pytest.raises(Refused) as refused:
        WantedSlot("x", width_hz, power_hz)
    assert refused.value.faults[0].field == field


def test_a_hold_that_is_over_and_a_transponder_that_is_not_there_are_refused(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        with pytest.raises(RuleRefused, match="is over"):
            hold_slot(session, a_slot(transponder, MHZ), YEAR_2027, an_owner(), now() - timedelta(seconds=1))
        missing = WantedSlot(new_id(), MHZ, MHZ)
        with pytest.raises(NotFound):
            hold_slot(session, missing, YEAR_2027, an_owner(), tomorrow())


def test_a_hold_that_ran_out_is_released_by_the_next_seller(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        first = hold_slot(session, a_slot(transponder, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
    with clock.at(tomorrow() + timedelta(minutes=1)), database.as_worker() as session:
        second = hold_slot(session, a_slot(transponder, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
        ended = session.get_one(SpectrumAssignment, first.id)
        assert (ended.state, ended.released_because) == (HoldState.RELEASED, EXPIRED)
        assert second.start_hz == first.start_hz


def test_an_assignment_has_no_end_of_hold_and_is_released_once(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        slot = hold_slot(session, a_slot(transponder, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
        assign(session, [slot])
    with clock.at(tomorrow() + timedelta(days=30)), database.as_worker() as session:
        with pytest.raises(RuleRefused):
            hold_slot(session, a_slot(transponder, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
        kept = session.get_one(SpectrumAssignment, slot.id)
        release(session, [kept], "the service ended")
        release(session, [kept], "again")
        assert kept.released_because == "the service ended"
        hold_slot(session, a_slot(transponder, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())


def test_a_slot_says_whose_it_is(database: Database) -> None:
    owner = an_owner()
    with database.as_worker() as session:
        slot = hold_slot(session, a_slot(a_transponder(session), MHZ), YEAR_2027, owner, tomorrow())
    assert Owner(slot.order_id, slot.order_reference, slot.party_id) == owner


def test_a_carrier_on_the_air_is_checked_like_a_new_one(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        low_hz = transponder.low_edge_hz
        with pytest.raises(RuleRefused, match="is not inside"):
            take_over_carrier(session, carrier(transponder, low_hz - 1, low_hz + MHZ))
        with pytest.raises(RuleRefused, match="of power is not free"):
            take_over_carrier(session, carrier(transponder, low_hz, low_hz + MHZ, 55 * MHZ))
        take_over_carrier(session, carrier(transponder, low_hz, low_hz + MHZ))
        with pytest.raises(RuleRefused, match="overlaps a carrier"):
            take_over_carrier(session, carrier(transponder, low_hz + MHZ - 1, low_hz + 2 * MHZ))


@pytest.mark.parametrize(
    ("column", "value"),
    [("stop_hz", 1), ("power_share_hz", -1), ("rolloff", 1.5), ("rolloff", float("nan")), ("stop_at", BEGIN)],
)
def test_a_carrier_without_physical_sense_is_refused_by_its_column(column: str, value: object) -> None:
    beam = Beam(id=new_id(), name="Africa", satellite_id=new_id(), band=Band.KU)
    transponder = checked(Transponder, transponder_values(beam))
    with pytest.raises(Refused) as refused:
        checked(SpectrumAssignment, carrier_values(transponder, 1000, 2000) | {column: value})
    wire = "".join(part.capitalize() if place else part for place, part in enumerate(column.split("_")))
    assert refused.value.faults[0].field == f"/resourceCharacteristic/{wire}"


taken_pieces = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 30), st.integers(0, 40), periods), max_size=8)


@example(bandwidth=20, guard=4, rows=[[(19, 1, 0, Period(BEGIN))]])  # a carrier in the guard band of the edge
@given(bandwidth=st.integers(20, 100), guard=st.integers(0, 9), rows=st.lists(taken_pieces, min_size=1, max_size=4))
def test_the_whole_fleet_is_told_what_each_transponder_alone_is_told(
    bandwidth: int, guard: int, rows: list[list[tuple[int, int, int, Period]]]
) -> None:
    low = np.arange(len(rows), dtype=np.int64) * 7 + 100
    taken = [
        [
            Taken(Piece(int(edge) + start, min(int(edge) + start + width, int(edge) + bandwidth)), power, period)
            for start, width, power, period in row
            if start < bandwidth
        ]
        for edge, row in zip(low, rows, strict=True)
    ]
    whole = Period(BEGIN, BEGIN + timedelta(days=50))
    flat = [(row, one) for row, ones in enumerate(taken) for one in ones]
    arrays = TakenSpectrum(
        np.array([row for row, _ in flat], dtype=np.int64),
        np.array([one.piece.start_hz for _, one in flat], dtype=np.int64),
        np.array([one.piece.stop_hz for _, one in flat], dtype=np.int64),
        np.array([one.power_share_hz for _, one in flat], dtype=np.int64),
        np.array([one.period.start_at.timestamp() for _, one in flat]),
        np.array([one.period.stop_at.timestamp() if one.period.stop_at else np.inf for _, one in flat]),
    )
    size = np.full(len(rows), bandwidth, dtype=np.int64)
    found = free_capacity(low, size, np.full(len(rows), guard, dtype=np.int64), arrays, whole)
    for row, ones in enumerate(taken):
        pieces = free_pieces(int(low[row]), int(low[row]) + bandwidth, guard, [one.piece for one in ones])
        widths = [*sorted((piece.width_hz for piece in pieces), reverse=True), 0, 0]
        assert [found.widest_hz[row], found.second_widest_hz[row]] == widths[:2]
        assert found.power_hz[row] == max(bandwidth - peak_power_hz(ones, whole), 0)


@ONE_DATABASE
@given(
    taken=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), max_size=6),
    one_mhz=st.integers(1, 40),
    other_mhz=st.integers(1, 40),
)
def test_two_carriers_fit_exactly_when_both_can_be_booked_wider_first(
    database: Database, taken: list[tuple[int, int]], one_mhz: int, other_mhz: int
) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        _scatter(session, transponder, taken)
        low, size, guard = (
            np.array([value], dtype=np.int64)
            for value in (transponder.low_edge_hz, transponder.bandwidth_hz, transponder.guard_band_hz)
        )
        arrays = taken_spectrum(session, [transponder.id], YEAR_2027)
        fits = free_capacity(low, size, guard, arrays, YEAR_2027).both_slots_fit(one_mhz * MHZ, other_mhz * MHZ)[0]
        booked = True
        try:
            for width_mhz in sorted((one_mhz, other_mhz), reverse=True):
                hold_slot(session, a_slot(transponder, width_mhz * MHZ, 0), YEAR_2027, an_owner(), tomorrow())
        except RuleRefused:
            booked = False
    assert fits == booked


def _scatter(session: Session, transponder: Transponder, taken: list[tuple[int, int]]) -> None:
    """Carriers of these widths, each with such a gap before it, as far as there is room."""
    start_hz = transponder.low_edge_hz
    for width_mhz, gap_mhz in taken:
        start_hz += gap_mhz * MHZ + 200_000
        if start_hz + width_mhz * MHZ <= transponder.high_edge_hz:
            take_over_carrier(session, carrier(transponder, start_hz, start_hz + width_mhz * MHZ, 0))
        start_hz += width_mhz * MHZ
