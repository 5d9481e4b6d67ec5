"""Carrier pools: what is promised of a pool is there for everybody at once, and nobody oversells it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import NotFound, Refused, RuleRefused
from satcom.resource.carrier_pool import CarrierPool, PoolFill, PoolShare, WantedShare, fill_of
from satcom.resource.hold import EXPIRED, HoldState, Period, assign, release
from tests.resource.a_network import MHZ, YEAR_2027, YEAR_2028, a_hub, a_slot, a_transponder, an_owner, tomorrow
from tests.resource.held_alone import hold_share, hold_slot

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
periods = st.tuples(st.integers(0, 20), st.integers(1, 20) | st.none()).map(
    lambda one: Period(BEGIN + timedelta(days=one[0]), BEGIN + timedelta(days=one[0] + one[1]) if one[1] else None)
)


def a_pool(session: Session, **changes: object) -> CarrierPool:
    """10 Mbaud, of which 8 may be promised, sold 5 times at most."""
    slot = hold_slot(session, a_slot(a_transponder(session), 12 * MHZ), Period(BEGIN), an_owner(), tomorrow())
    assign(session, [slot])
    values: dict[str, object] = {
        "name": "Forward pool",
        "hub_id": a_hub(session).id,
        "spectrum_assignment_id": slot.id,
        "direction": "forward",
        "symbol_rate_baud": 10_000_000,
        "carrier_symbol_rate_baud": 10_000_000,
        "rolloff": 0.2,
        "committable_percent": 80,
        "contention_ratio": 5,
    }
    pool = checked(CarrierPool, values | changes)
    session.add(pool)
    session.flush()
    return pool


def a_share(pool_id: str, cir_baud: int, mir_baud: int) -> WantedShare:
    return WantedShare(pool_id, 2 * cir_baud, 2 * mir_baud, cir_baud, mir_baud)


def test_what_is_promised_and_what_is_sold_both_have_their_limit(database: Database) -> None:
    with database.as_worker() as session:
        pool = a_pool(session)
        hold_share(session, a_share(pool.id, 6_000_000, 10_000_000), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused, match="2000000 are left") as refused:
            hold_share(session, a_share(pool.id, 3_000_000, 3_000_000), YEAR_2027, an_owner(), tomorrow())
        assert [(one.code, one.accepted) for one in refused.value.faults] == [
            ("noCommittedRate", "at most 4000000 bit/s")
        ]
        hold_share(session, a_share(pool.id, 2_000_000, 35_000_000), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused, match="sold more than 5 times") as refused:
            hold_share(session, a_share(pool.id, 0, 5_000_001), YEAR_2027, an_owner(), tomorrow())
        assert refused.value.faults[0].code == "poolContended"
        hold_share(session, a_share(pool.id, 8_000_000, 50_000_000), YEAR_2028, an_owner(), tomorrow())


def test_a_share_that_takes_the_place_of_another_needs_only_the_difference(database: Database) -> None:
    with database.as_worker() as session:
        pool = a_pool(session)
        old = hold_share(session, a_share(pool.id, 6_000_000, 10_000_000), YEAR_2027, an_owner(), tomorrow())
        more = a_share(pool.id, 8_000_000, 20_000_000)
        with pytest.raises(RuleRefused, match="2000000 are left"):
            hold_share(session, more, YEAR_2027, an_owner(), tomorrow())
        new = hold_share(session, more, YEAR_2027, an_owner(), tomorrow(), old)
        assign(session, [new])
        with pytest.raises(RuleRefused):  # to everybody else both are taken
            hold_share(session, a_share(pool.id, 1, 1), YEAR_2027, an_owner(), tomorrow())
        release(session, [old], "changed")
        assert fill_of(session, pool.id, YEAR_2027) == PoolFill(8_000_000, 20_000_000)


def test_a_rate_that_is_none_or_committed_beyond_its_maximum_is_refused(database: Database) -> None:
    with database.as_worker() as session:
        pool = a_pool(session)
        for wrong in (
            WantedShare(pool.id, 2, 1, 1, 1),
            WantedShare(pool.id, -1, 1, 0, 1),
            WantedShare(pool.id, 0, 0, 0, 0),
        ):
            with pytest.raises(Refused):
                hold_share(session, wrong, YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(NotFound):
            hold_share(session, a_share(an_owner().order_id or "", 1, 1), YEAR_2027, an_owner(), tomorrow())
        assert session.exec(select(PoolShare)).all() == []


def test_a_hold_that_ran_out_and_a_share_given_back_make_room(database: Database) -> None:
    with database.as_worker() as session:
        pool_id = a_pool(session).id
        first = hold_share(session, a_share(pool_id, 8_000_000, 8_000_000), YEAR_2027, an_owner(), tomorrow())
    with clock.at(tomorrow() + timedelta(minutes=1)), database.as_worker() as session:
        second = hold_share(session, a_share(pool_id, 8_000_000, 8_000_000), YEAR_2027, an_owner(), tomorrow())
        ended = session.get_one(PoolShare, first.id)
        assert (ended.state, ended.released_because) == (HoldState.RELEASED, EXPIRED)
        release(session, [second], "the service ended")
        hold_share(session, a_share(pool_id, 8_000_000, 8_000_000), YEAR_2027, an_owner(), tomorrow())


def test_many_at_once_never_oversell_a_pool(database: Database) -> None:
    with database.as_worker() as session:
        pool_id = a_pool(session).id

    def buy(_: int) -> bool:
        try:
            with database.as_worker() as session:
                hold_share(session, a_share(pool_id, 1_000_000, 2_000_000), YEAR_2027, an_owner(), tomorrow())
        except RuleRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as clients:
        assert sum(clients.map(buy, range(40))) == 8
    with database.as_worker() as session:
        assert fill_of(session, pool_id, YEAR_2027) == PoolFill(8_000_000, 16_000_000)


def test_the_database_refuses_what_a_careless_program_would_oversell(database: Database) -> None:
    with database.as_worker() as session:
        pool_id = a_pool(session).id
    for number in range(8):
        _written_carelessly(database, pool_id, number)
    with pytest.raises(IntegrityError, match="pool_is_never_oversold"):
        _written_carelessly(database, pool_id, 8)


def _written_carelessly(database: Database, pool_id: str, number: int) -> None:
    share = PoolShare(
        name=f"share {number}",
        carrier_pool_id=pool_id,
        cir_bps=1,
        mir_bps=1,
        cir_baud=1_000_000,
        mir_baud=1_000_000,
        start_at=BEGIN + timedelta(days=number),
    )
    with database.as_worker() as session:
        session.add(share.held_for(an_owner(), None, tomorrow()))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(periods, st.integers(1, 40)), min_size=1, max_size=12))
def test_at_no_instant_is_more_promised_than_may_be(database: Database, wanted: list[tuple[Period, int]]) -> None:
    with database.as_worker() as session:
        pool = a_pool(session)
        kept: list[tuple[Period, int]] = []
        for period, tenths in wanted:
            try:
                hold_share(
                    session, a_share(pool.id, tenths * 100_000, tenths * 100_000), period, an_owner(), tomorrow()
                )
            except RuleRefused:
                taken = [*kept, (period, tenths)]
                assert _peak(taken, period) > 80
            else:
                kept.append((period, tenths))
                assert _peak(kept, period) <= 80
        session.rollback()


def _peak(kept: list[tuple[Period, int]], within: Period) -> int:
    """The most that is taken on any day of the period, counted day by day."""
    days = [BEGIN + timedelta(days=number) for number in range(45)]
    return max(sum(tenths for period, tenths in kept if _holds(period, day)) for day in days if _holds(within, day))


def _holds(period: Period, day: datetime) -> bool:
    return period.start_at <= day and (period.stop_at is None or day < period.stop_at)


def test_a_slot_carries_one_pool(database: Database) -> None:
    with database.as_worker() as session:
        pool = a_pool(session)
        with pytest.raises(IntegrityError), session.begin_nested():
            a_pool(session, spectrum_assignment_id=pool.spectrum_assignment_id)
