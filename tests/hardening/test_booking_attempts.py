"""200 clients book at the same time: no slot, power, port or share is sold twice, and every answer holds.

They do so through `reserve`, and at the database's guards. `make soak` has them try longer; the long runs are
`python -m benchmarks.booking_attempts` and `python -m benchmarks.guard_attempts`, each with `--attempts 10000000`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psycopg
import pytest
from benchmarks import guard_books
from benchmarks.booking_attempts import GRANTED, Tally, one_round
from benchmarks.booking_clients import FAULTS, Answer, Kind, a_network, book, differences
from benchmarks.guard_attempts import Run
from benchmarks.guard_clients import BY_A_GUARD, SLOT, Share, Told, identifier, parts_of, recorded, work
from sqlalchemy import text

from satcom.app.worker import conninfo
from satcom.core import migration
from satcom.core.database import Database
from satcom.core.entity import new_id
from tests.postgres_server import drop_database, new_database

ATTEMPTS = int(os.environ.get("SATCOM_BOOKING_ATTEMPTS", "400"))
CLIENTS = 200
RUNS_SHORT = {"noContiguousSlot", "noPower", "noCommittedRate"}
TWICE = (
    "INSERT INTO {0} SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*"
    " FROM {0} one WHERE id = (SELECT id FROM {0} WHERE {1} LIMIT 1)"
)
# one satellite lights one cell more than it has beams, in one slot of the capacity day
FOUR_CELLS = """
    UPDATE constellation_share s SET cell = 'far/' || number, start_at = '2050-01-01', stop_at = NULL, forward_hz = 1,
    return_hz = 1, lit_by = '[{"satelliteId": "far", "slots": [5]}]'
    FROM (
        SELECT id, row_number() OVER (ORDER BY id) AS number FROM constellation_share
        WHERE state = 'held' AND cell IS NOT NULL AND return_hz < 260000000 LIMIT 4
    ) one WHERE one.id = s.id"""
SPOILT = (
    "ALTER TABLE spectrum_assignment DROP CONSTRAINT slot_is_sold_once",
    "ALTER TABLE spectrum_assignment DISABLE TRIGGER USER",
    "UPDATE spectrum_assignment SET power_share_hz = 60000000 WHERE reservation_id = :granted",
    TWICE.format("spectrum_assignment", "reservation_id = :granted"),
    "ALTER TABLE hub_port_assignment DROP CONSTRAINT port_is_given_once",
    TWICE.format("hub_port_assignment", "reservation_id = :granted"),
    "ALTER TABLE pool_share DISABLE TRIGGER USER",
    "UPDATE pool_share SET cir_baud = 9000000, mir_baud = 9000000 WHERE reservation_id = :granted",
)


def test_of_many_attempts_at_once_none_overlaps_and_none_is_lost(postgres: str) -> None:
    url, tally = new_database(postgres), Tally()
    migration.upgrade(url)
    while tally.attempts < ATTEMPTS:
        assert one_round(url, tally, min(ATTEMPTS - tally.attempts, 2_000), CLIENTS) == []
    assert tally.outcomes.total() == tally.attempts == ATTEMPTS
    assert set(GRANTED) <= set(tally.outcomes)
    assert set(tally.outcomes) >= RUNS_SHORT, "what nobody was refused was not contested"
    drop_database(url)


def test_what_is_sold_twice_or_lost_is_found(postgres: str) -> None:
    """The comparison sees what it is there to see."""
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, 4)
    answers = book(url, a_network(database), 0, 40, 8)
    assert differences(database, answers, 40) == []
    granted = next(one for one in answers if one.outcome == "assigned" and one.kind is Kind.ALL)
    lost = [one for one in answers if one is not granted]
    assert any("was told nothing" in line for line in differences(database, lost, 39))
    invented = [*answers, Answer(new_id(), Kind.ALL, "held", 4, new_id())]
    assert any("in the books is None" in line for line in differences(database, invented, 41))
    with database.as_worker() as session:
        for spoil in ("SET LOCAL ROLE NONE", *SPOILT):
            session.connection().execute(
                text(spoil), {"granted": granted.reservation_id} if ":granted" in spoil else {}
            )
    told = {line.split(":")[0] for line in differences(database, answers, 40)}
    assert set(FAULTS) <= told
    database.close()
    drop_database(url)


@dataclass(frozen=True)
class AtTheGuards:
    """3,000 attempts that were made at the database, some of them given back."""

    url: str
    file: Path

    def first(self, told: Told) -> int:
        """The first attempt for a slot alone that was told this."""
        answers = recorded(self.file)
        return next(number for number, code in enumerate(answers) if code == told and parts_of(number) == (SLOT,))

    def differences(self) -> list[str]:
        return guard_books.differences(self.url, recorded(self.file), range(3_000))

    def spoil(self, *statements: str) -> None:
        """Past the rules and the guards."""
        with psycopg.connect(conninfo(self.url)) as connection:
            for statement in ("SET LOCAL ROLE NONE", *statements):
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def guards(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AtTheGuards]:
    url, folder = new_database(postgres), tmp_path_factory.mktemp("guards")
    migration.upgrade(url)
    made, file, state = Run.of(url, 1), folder / "answers", folder / "state.json"
    made.keep(state)
    assert Run.recalled(state) == made
    file.write_bytes(bytes(3_000))
    work(Share(url, made.place, file, range(2_000), (), 20), Event())
    booked = [number for number, code in enumerate(recorded(file)) if code == Told.BOOKED]
    work(Share(url, made.place, file, range(2_000, 3_000), booked, 20), Event())
    yield AtTheGuards(url, file)
    drop_database(url)


def test_at_the_guards_none_overlaps_and_none_is_lost(guards: AtTheGuards) -> None:
    assert guard_books.overlaps(guards.url) == []
    assert guards.differences() == []
    assert set(recorded(guards.file)) >= {Told.BOOKED, Told.GIVEN_BACK, *BY_A_GUARD}, "not every guard had to refuse"


def test_who_was_not_answered_looks_at_what_became_of_it(guards: AtTheGuards) -> None:
    answers = recorded(guards.file)
    asked = {guards.first(told): told for told in (Told.BOOKED, Told.GIVEN_BACK, Told.NO_SPECTRUM)}
    for number, told in asked.items():
        answers[number] = Told.ASKED_BACK if told is Told.GIVEN_BACK else Told.ASKED
    assert any("not answered" in line for line in guards.differences())
    assert guard_books.settle(guards.url, answers) == len(asked)
    assert [answers[number] for number in asked] == [Told.BOOKED, Told.GIVEN_BACK, Told.NOT_BOOKED]
    assert guards.differences() == []


def test_what_the_guards_let_through_is_found(guards: AtTheGuards) -> None:
    """Last, for it leaves the database without guards."""
    guards.spoil(
        "ALTER TABLE spectrum_assignment DROP CONSTRAINT slot_is_sold_once",
        "ALTER TABLE spectrum_assignment DISABLE TRIGGER USER",
        TWICE.format("spectrum_assignment", "state = 'held'"),
        "UPDATE spectrum_assignment SET power_share_hz = 60000000"
        " WHERE id = (SELECT id FROM spectrum_assignment WHERE state = 'held' LIMIT 1)",
        "ALTER TABLE hub_port_assignment DROP CONSTRAINT port_is_given_once",
        TWICE.format("hub_port_assignment", "state = 'held'"),
        "ALTER TABLE pool_share DISABLE TRIGGER USER",
        "UPDATE pool_share SET mir_baud = 60000000 WHERE id = (SELECT id FROM pool_share WHERE state = 'held' LIMIT 1)",
        "ALTER TABLE constellation_share DISABLE TRIGGER USER",
        "UPDATE constellation_share SET return_hz = 260000000"
        " WHERE id = (SELECT id FROM constellation_share WHERE state = 'held' AND cell IS NOT NULL LIMIT 1)",
        "UPDATE constellation_share SET forward_hz = 510000000, day_slots = '{3}'"
        " WHERE id = (SELECT id FROM constellation_share WHERE state = 'held' AND cell IS NULL LIMIT 1)",
        FOUR_CELLS,
    )
    assert guard_books.overlaps(guards.url) == [
        "1 pairs of slots meet",
        "1 pairs of holders share a port",
        "1 transponders have less power",
        "1 pools are oversold",
        "1 cells are oversold",
        "1 times of gateways are oversold",
        "1 times of satellites have fewer beams",
    ]
    booked, back, refused = (identifier(guards.first(one)) for one in (Told.BOOKED, Told.GIVEN_BACK, Told.NOT_BOOKED))
    guards.spoil(
        f"UPDATE spectrum_assignment SET id = '{refused}' WHERE id = '{booked}'",
        f"UPDATE spectrum_assignment SET state = 'held' WHERE id = '{back}'",
    )
    found = " ".join(guards.differences())
    assert all(what in found for what in ("1 of spectrum_assignment lost", "nobody was told so", "held still"))
