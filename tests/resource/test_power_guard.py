"""The power of a transponder in the database: counted there as the command counts it, whoever writes, and how."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, col, select

from satcom.core import migration
from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.tenancy import APP
from satcom.resource import spectrum
from satcom.resource.hold import HoldState, Period, assign, keep, release
from satcom.resource.payload import Transponder
from satcom.resource.power_guard import GUARD
from satcom.resource.reservation import Reservation, Wanted, held_by_reservation, reserve
from satcom.resource.reservation_period import move_start
from satcom.resource.spectrum import Direction, SpectrumAssignment, WantedSlot
from tests.postgres_server import drop_database, new_database
from tests.resource.a_network import MHZ, YEAR_2027, YEAR_2028, a_slot, a_transponder, an_owner, tomorrow
from tests.resource.held_alone import hold_slot

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = 45  # all that begins or ends here does so before
ONE_DATABASE = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
periods = st.tuples(st.integers(0, 20), st.integers(1, 20) | st.none()).map(
    lambda one: Period(BEGIN + timedelta(days=one[0]), BEGIN + timedelta(days=one[0] + one[1]) if one[1] else None)
)
powers_mhz = st.integers(0, 40)
which = st.integers(0, 9)


def a_carrier(transponder_id: str, place: int, power_hz: int, period: Period = YEAR_2027) -> SpectrumAssignment:
    """Written past the command; carriers of different places never meet."""
    start_hz = 12_000_000_000 + place * 2 * MHZ
    values: dict[str, object] = {"name": f"carrier {place}", "transponder_id": transponder_id, "state": "assigned"}
    values |= {"start_hz": start_hz, "stop_hz": start_hz + MHZ, "power_share_hz": power_hz}
    return checked(SpectrumAssignment, values | {"start_at": period.start_at, "stop_at": period.stop_at})


TWICE = text(
    "INSERT INTO spectrum_assignment SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(),"
    " 'state', 'assigned', 'start_hz', start_hz + 4000000 * n, 'stop_hz', stop_hz + 4000000 * n))).*"
    " FROM spectrum_assignment one, generate_series(1, 2) n"
)


# As the command


def a_link(transponder: Transponder, forward_mhz: int, return_mhz: int, period: Period) -> Wanted:
    slots = (
        WantedSlot(transponder.id, MHZ, forward_mhz * MHZ, Direction.FORWARD),
        WantedSlot(transponder.id, MHZ, return_mhz * MHZ, Direction.RETURN),
    )
    return Wanted(an_owner(), period, slots)


@ONE_DATABASE
@given(
    wishes=st.lists(
        st.tuples(powers_mhz, powers_mhz, periods, st.none() | which, st.booleans()), min_size=2, max_size=8
    )
)
def test_the_database_alone_refuses_what_the_command_refuses(
    database: Database, wishes: list[tuple[int, int, Period, int | None, bool]]
) -> None:
    """New links, and changes of those there: forward and return together, whose old slots count as free to them."""
    with database.as_worker() as session:
        transponder = a_transponder(session)
        there: list[Reservation] = []
        for forward_mhz, return_mhz, period, changed, switched in wishes:
            old = there[changed % len(there)] if changed is not None and there else None
            wanted = a_link(transponder, forward_mhz, return_mhz, period)
            if old is not None:
                wanted = replace(wanted, instead_of=held_by_reservation(session, old))
            attempt = session.begin_nested()
            refused = refusal(lambda: reserve(session, wanted, tomorrow(), WORKER))  # noqa: B023
            attempt.rollback()
            with pytest.MonkeyPatch.context() as unchecked:
                unchecked.setattr(spectrum, "check_power", lambda *_: None)
                assert refusal(lambda: there.append(reserve(session, wanted, tomorrow(), WORKER))) == refused  # noqa: B023
            if refused is None and old is not None and switched:
                release(session, held_by_reservation(session, old).holds, "changed")
                there.remove(old)
        session.rollback()


def refusal(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except RuleRefused as refused:
        return refused.faults[0].code
    return None


def test_a_change_may_move_power_from_one_direction_to_the_other(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        before = reserve(session, a_link(transponder, 40, 14, YEAR_2027), tomorrow(), WORKER)
        has = held_by_reservation(session, before)
        other_way = replace(a_link(transponder, 14, 40, YEAR_2027), instead_of=has)
        changed = held_by_reservation(session, reserve(session, other_way, tomorrow(), WORKER))
        assert not written(session, a_carrier(transponder.id, 0, 1))  # to everybody else both are taken
        assign(session, has.holds)  # takes no more than it did
        release(session, has.holds, "changed")
        further = replace(a_link(transponder, 54, 0, YEAR_2027), instead_of=changed)
        assert {
            one.line for one in held_by_reservation(session, reserve(session, further, tomorrow(), WORKER)).slots
        } == {one.line for one in has.slots}


def test_both_directions_of_a_change_that_begins_earlier_are_counted(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        beside = a_carrier(transponder.id, 0, 10 * MHZ)
        session.add(beside)
        has = reserve(session, a_link(transponder, 10, 10, YEAR_2028), tomorrow(), WORKER)
        other_way = replace(a_link(transponder, 30, 15, YEAR_2028), instead_of=held_by_reservation(session, has))
        changed = reserve(session, other_way, tomorrow(), WORKER)
        earlier = Period(YEAR_2027.start_at, YEAR_2028.stop_at)
        assert refusal(lambda: move_start(session, changed, earlier)) == "noPower"
        assert {one.start_at for one in held_by_reservation(session, changed).slots} == {YEAR_2028.start_at}
        release(session, [beside], "ended")
        move_start(session, changed, earlier)


def test_what_only_the_database_refused_is_told_as_what_the_command_refused(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        hold_slot(session, a_slot(transponder, MHZ, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused) as refused, session.begin_nested():
            keep(session, [a_carrier(transponder.id, 0, 5 * MHZ)])
        assert [(one.field, one.code) for one in refused.value.faults] == [("powerShareHz", "noPower")]
        later = reserve(session, a_link(transponder, 30, 20, YEAR_2028), tomorrow(), WORKER)
        hold_slot(session, a_slot(transponder, MHZ, 2 * MHZ), days(100, 200), an_owner(), tomorrow())
        with pytest.raises(RuleRefused) as refused:
            move_start(session, later, Period(YEAR_2027.start_at, YEAR_2028.stop_at))
        [fault] = refused.value.faults
        assert (fault.field, fault.code) == ("/reservationPeriod", "noPower")
        assert fault.why.startswith(f"{later.order_reference} cannot begin on 2027-01-01: too little power is left for")
        # 54 MHz, of which 50 are sold all the year and 2 from the hundredth day on; 30 are to begin then, too
        fullest = f"{BEGIN + timedelta(days=100):%Y-%m-%d} 00:00 UTC"
        assert f"at {fullest} 2 of 54 MHz of power is left, 28 MHz (11.8 dB) less than it takes" in fault.why


def test_what_lacks_all_power_is_told_no_ratio(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        hold_slot(session, a_slot(transponder, MHZ, 54 * MHZ), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused, match="at 2027-01-01 00:00 UTC 0 of 54 MHz of power is left, 5 MHz less"):
            keep(session, [a_carrier(transponder.id, 0, 5 * MHZ)])
        session.rollback()


# Whoever writes


@dataclass
class Row:
    """What is there of a carrier, as the test keeps it for itself."""

    period: Period
    power_mhz: int

    def on(self, day: int) -> bool:
        at = BEGIN + timedelta(days=day)
        return self.period.start_at <= at and (self.period.stop_at is None or at < self.period.stop_at)


def written(session: Session, row: SpectrumAssignment, changed: Row | None = None) -> bool:
    """Whether the database takes it. What it refuses it refuses for its power."""
    try:
        with session.begin_nested():
            if changed is not None:
                row.start_at, row.stop_at = changed.period.start_at, changed.period.stop_at
                row.power_share_hz = changed.power_mhz * MHZ
            session.add(row)
            session.flush()
    except IntegrityError as error:
        if GUARD not in str(error.orig):
            raise
        return False
    return True


def days(start: int, stop: int | None) -> Period:
    return Period(BEGIN + timedelta(days=start), BEGIN + timedelta(days=stop) if stop is not None else None)


@ONE_DATABASE
@example(writes=[(None, 30, days(2, 10)), (None, 20, days(5, None)), (0, None, days(0, 10))], shrunk=2)  # fits
@example(writes=[(None, 30, days(0, 10)), (None, 20, days(5, None)), (0, None, days(0, 15))], shrunk=2)  # does not
@given(
    writes=st.lists(st.tuples(st.none() | which, st.none() | powers_mhz, periods), min_size=3, max_size=14),
    shrunk=st.integers(2, 14),
)
def test_every_write_is_counted_day_by_day(
    database: Database, writes: list[tuple[int | None, int | None, Period]], shrunk: int
) -> None:
    """Rows that come, and rows that change. What a row has is its own, also where by now less is left than none."""
    with database.as_worker() as session:
        transponder, limit_mhz = a_transponder(session), 54
        there: dict[str, Row] = {}
        for place, (changed, asked_mhz, period) in enumerate(writes):
            if place == shrunk:
                transponder.bandwidth_hz, limit_mhz = 40 * MHZ, 40
            before = list(there)[changed % len(there)] if changed is not None and there else None
            had = there[before] if before is not None else None
            wanted = Row(period, asked_mhz if asked_mhz is not None else had.power_mhz if had is not None else 10)
            if before is not None:
                row = session.get_one(SpectrumAssignment, before)
            else:
                row = a_carrier(transponder.id, place, wanted.power_mhz * MHZ, period)
            identifier = row.id
            fits = all(
                sum(one.power_mhz for key, one in there.items() if key != identifier and one.on(day))
                <= limit_mhz - wanted.power_mhz
                for day in range(DAYS)
                if wanted.on(day) and not (had and had.on(day) and had.power_mhz >= wanted.power_mhz)
            )
            if written(session, row, wanted):
                assert fits or wanted.power_mhz == 0
                there[identifier] = wanted
            else:
                assert not fits
        session.rollback()


def test_power_is_never_sold_twice(database: Database) -> None:
    """Eight who write rows without a lock: exactly what there is of power is sold on every day."""
    with database.as_worker() as session:
        transponder_id = a_transponder(session).id

    def write(place: int) -> bool:
        first = YEAR_2027.start_at + timedelta(days=place % 3)
        with database.as_worker() as session:
            return written(session, a_carrier(transponder_id, place, 4 * MHZ, Period(first)))

    with ThreadPoolExecutor(8) as writers:
        assert sum(writers.map(write, range(48))) == 13
    with database.as_worker() as session:
        shares = session.exec(select(SpectrumAssignment.power_share_hz)).all()
        assert sum(shares) == 52 * MHZ


def test_rows_of_one_statement_are_counted_together(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session)
        one = a_carrier(transponder.id, 0, 30 * MHZ)
        session.add(one)
        session.flush()
        release(session, [one], "to be written twice")
        with pytest.raises(IntegrityError, match=f"{GUARD}: 24000000 Hz of Ku 1V are left, not 30000000"):
            session.connection().execute(TWICE)


def test_who_sees_only_his_own_slots_is_counted_with_those_of_all(database: Database) -> None:
    """Requests are under row-level security; what they do not see takes power all the same."""
    with database.as_worker() as session:
        transponder = a_transponder(session)
        hold_slot(session, a_slot(transponder, MHZ, 50 * MHZ), YEAR_2027, an_owner(), tomorrow())
        transponder_id = transponder.id
    mine = a_carrier(transponder_id, 0, 4 * MHZ), a_carrier(transponder_id, 1, MHZ)
    party_id = new_id()
    with database.as_worker() as session:
        session.connection().execute(text(f"SET LOCAL ROLE {APP}"))
        session.connection().execute(text("SELECT set_config('satcom.all_parties', 'off', true)"))
        session.connection().execute(text("SELECT set_config('satcom.parties', :party, true)"), {"party": party_id})
        for one in mine:
            one.party_id = party_id
        assert written(session, mine[0])
        seen = session.exec(select(SpectrumAssignment.party_id)).all()
        assert seen == [party_id]
        assert not written(session, mine[1])
        session.rollback()


def test_who_would_not_see_what_others_commit_does_not_write(database: Database) -> None:
    with database.as_worker() as session:
        transponder_id = a_transponder(session).id
    with Session(database.worker.execution_options(isolation_level="REPEATABLE READ")) as session:
        session.add(a_carrier(transponder_id, 0, MHZ))
        with pytest.raises(DBAPIError, match="READ COMMITTED"):
            session.flush()


# The revision


def test_what_was_oversold_before_is_told_by_the_upgrade_and_stays(
    postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, connections=2)
    with database.as_worker() as session:
        oversold, changing = a_transponder(session), a_transponder(session)
        has = reserve(session, a_link(changing, 40, 14, YEAR_2027), tomorrow(), WORKER)
        other_way = a_link(changing, 14, 40, YEAR_2027)
        reserve(session, replace(other_way, instead_of=held_by_reservation(session, has)), tomorrow(), WORKER)
    migration.downgrade(url, "0032")
    with database.as_worker() as session:
        session.add_all([a_carrier(oversold.id, 0, 54 * MHZ), a_carrier(oversold.id, 1, 6 * MHZ, Period(BEGIN))])
    caplog.clear()
    migration.upgrade(url)
    assert [one.getMessage() for one in caplog.records if one.name == "satcom.core.migration"] == [
        "Testsat Ku 1V: 60000000 Hz of power are sold of 54000000 on 2027-01-01; it stays so, and no more is sold there"
    ]
    with database.as_worker() as session:
        there = session.exec(
            select(SpectrumAssignment)
            .where(SpectrumAssignment.transponder_id == oversold.id)
            .order_by(col(SpectrumAssignment.start_hz))
        ).all()
        there[0].customer_note = "as it is"
        session.flush()
        assert not written(session, a_carrier(oversold.id, 2, 1))
        release(session, [there[1]], "given up")
        assert there[1].state is HoldState.RELEASED
    database.close()
    drop_database(url)
