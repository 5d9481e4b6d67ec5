"""What is shared is counted by the database for everybody: whoever writes, whatever he sees, however many at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TypeAlias

import pytest
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, col, select

from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.tenancy import APP
from satcom.resource.carrier_pool import PoolShare
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import Hold, HoldState, release
from tests.resource.a_network import MHZ, YEAR_2027
from tests.resource.test_carrier_pool import a_pool
from tests.resource.test_constellation import a_constellation
from tests.resource.test_constellation_share import a_ring

# One after the other, each a share of the same whole.
Shares: TypeAlias = Callable[[int], Hold]


def of(kind: type[Hold], number: int, **values: object) -> Hold:
    """Written past the command; each begins a day later, and all meet in the end."""
    common = {"name": f"share {number}", "state": "assigned", "start_at": YEAR_2027.start_at + timedelta(number)}
    return checked(kind, common | values)


def of_a_pool(session: Session) -> Shares:
    """8 Mbaud of it may be promised."""
    values: dict[str, object] = {"carrier_pool_id": a_pool(session).id, "cir_baud": 1_500_000, "mir_baud": 1_500_000}
    return lambda number: of(PoolShare, number, cir_bps=1, mir_bps=1, **values)


def of_a_cell(session: Session) -> Shares:
    """Its beam has 250 MHz."""
    values: dict[str, object] = {"constellation_id": a_ring(session).id, "cell": "12/34", "return_hz": 0}
    return lambda number: of(ConstellationShare, number, forward_hz=45 * MHZ, **values)


def of_a_gateway(session: Session) -> Shares:
    """Its feeder links carry 300 MHz, at any time of the capacity day."""
    ring = a_ring(session)
    ring.capacity_day = date(2027, 6, 1)
    station = ring.gateways[0].earth_station_id
    values: dict[str, object] = {"constellation_id": ring.id, "earth_station_id": station, "forward_hz": 0}
    return lambda number: of(ConstellationShare, number, return_hz=60 * MHZ, day_slots=[7, 8 + number], **values)


def of_a_satellite(session: Session) -> Shares:
    """It has 5 beams, one for each cell."""
    ring = a_constellation(capacity_day=date(2027, 6, 1), beams_per_satellite=5)
    session.add(ring)
    session.flush()
    values: dict[str, object] = {"constellation_id": ring.id, "forward_hz": 1, "return_hz": 1}
    lit_by = [{"satelliteId": new_id(), "slots": [7]}]
    return lambda number: of(ConstellationShare, number, cell=f"{number}/0", lit_by=lit_by, **values)


FIT = 5
KINDS = {
    of_a_pool: "pool_is_never_oversold",
    of_a_cell: "constellation_is_never_oversold",
    of_a_gateway: "constellation_is_never_oversold",
    of_a_satellite: "constellation_is_never_oversold",
}
each_kind = pytest.mark.parametrize(("kind", "guard"), KINDS.items(), ids=[one.__name__ for one in KINDS])


def written(session: Session, shares: Sequence[Hold], guard: str) -> bool:
    """Whether the database takes them, all or none. What it refuses it refuses as sold already."""
    try:
        with session.begin_nested():
            session.add_all(shares)
            session.flush()
    except IntegrityError as error:
        if guard not in str(error.orig):
            raise
        return False
    return True


def sold(session: Session, share: Hold) -> int:
    kind = type(share)
    query = select(func.count()).select_from(kind).where(col(kind.state) != HoldState.RELEASED)
    return session.exec(query).one()


@each_kind
def test_who_sees_only_his_own_shares_is_counted_with_those_of_all(
    database: Database, kind: Callable[[Session], Shares], guard: str
) -> None:
    """Requests are under row-level security; what they do not see is sold all the same."""
    with database.as_worker() as session:
        share = kind(session)
        assert written(session, [share(number) for number in range(FIT - 1)], guard)
    party_id = new_id()
    with database.as_worker() as session:
        session.connection().execute(text(f"SET LOCAL ROLE {APP}"))
        session.connection().execute(text("SELECT set_config('satcom.all_parties', 'off', true)"))
        session.connection().execute(text("SELECT set_config('satcom.parties', :party, true)"), {"party": party_id})
        mine = [share(number) for number in range(FIT - 1, FIT + 2)]
        for one in mine:
            one.party_id = party_id
        assert [written(session, [one], guard) for one in mine] == [True, False, False]
        assert sold(session, mine[0]) == 1, "he sees no more than before"
        session.rollback()


@each_kind
@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_two_who_would_not_see_what_the_other_commits_oversell_nothing(
    database: Database, kind: Callable[[Session], Shares], guard: str, isolation: str
) -> None:
    with database.as_worker() as session:
        share = kind(session)
    as_isolated = database.worker.execution_options(isolation_level=isolation)
    with Session(as_isolated) as one, Session(as_isolated) as other:
        for session in (one, other):
            assert sold(session, share(0)) == 0
        for first, session in enumerate((one, other)):
            session.add_all([share(number) for number in range(first, first + FIT)])
            with pytest.raises(DBAPIError, match="READ COMMITTED"):
                session.commit()
    with database.as_worker() as session:
        assert sold(session, share(0)) == 0


@each_kind
def test_of_many_who_forgot_the_lock_exactly_those_that_fit_are_served(
    database: Database, kind: Callable[[Session], Shares], guard: str
) -> None:
    """None of them falls to the deadlock detector either: then one less would be sold than there is room for."""
    with database.as_worker() as session:
        share = kind(session)

    def write(number: int) -> bool:
        with database.as_worker() as session:
            return written(session, [share(number)], guard)

    with ThreadPoolExecutor(8) as writers:
        assert sum(writers.map(write, range(8 * FIT))) == FIT
    with database.as_worker() as session:
        assert sold(session, share(0)) == FIT


@each_kind
def test_rows_of_one_statement_are_counted_together_and_what_is_given_back_is_free(
    database: Database, kind: Callable[[Session], Shares], guard: str
) -> None:
    with database.as_worker() as session:
        share = kind(session)
        assert not written(session, [share(number) for number in range(FIT + 1)], guard)
        kept = [share(number) for number in range(FIT)]
        assert written(session, kept, guard)
        assert not written(session, [share(FIT)], guard)
        release(session, kept[:1], "over")
        assert written(session, [share(FIT)], guard)
