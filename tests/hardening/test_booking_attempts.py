"""200 clients book at the same time: no slot, power, port or share is sold twice, and every answer holds.

`make soak` has them try longer; `python -m benchmarks.booking_attempts --attempts 10000000` is the long run.
"""

import os

from benchmarks.booking_attempts import GRANTED, Tally, one_round
from benchmarks.booking_clients import FAULTS, Answer, a_network, book, differences
from sqlalchemy import text

from satcom.core import migration
from satcom.core.database import Database
from satcom.core.entity import new_id
from tests.postgres_server import drop_database, new_database

ATTEMPTS = int(os.environ.get("SATCOM_BOOKING_ATTEMPTS", "400"))
CLIENTS = 200
TWICE = (
    "INSERT INTO {0} SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*"
    " FROM {0} one WHERE reservation_id = :granted"
)
SPOILT = (
    "ALTER TABLE spectrum_assignment DROP CONSTRAINT slot_is_sold_once",
    "UPDATE spectrum_assignment SET power_share_hz = 60000000 WHERE reservation_id = :granted",
    TWICE.format("spectrum_assignment"),
    "ALTER TABLE hub_port_assignment DROP CONSTRAINT port_is_given_once",
    TWICE.format("hub_port_assignment"),
    "ALTER TABLE pool_share DISABLE TRIGGER USER",
    "UPDATE pool_share SET mir_baud = 60000000 WHERE reservation_id = :granted",
)


def test_of_many_attempts_at_once_none_overlaps_and_none_is_lost(postgres: str) -> None:
    url, tally = new_database(postgres), Tally()
    migration.upgrade(url)
    while tally.attempts < ATTEMPTS:
        assert one_round(url, tally, min(ATTEMPTS - tally.attempts, 2_000), CLIENTS) == []
    assert tally.outcomes.total() == tally.attempts == ATTEMPTS
    assert set(GRANTED) <= set(tally.outcomes)
    assert set(tally.outcomes) - set(GRANTED), "nobody was refused: there was no contest"
    drop_database(url)


def test_what_is_sold_twice_or_lost_is_found(postgres: str) -> None:
    """The comparison sees what it is there to see."""
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, 4)
    answers = book(url, a_network(database), 0, 40, 8)
    assert differences(database, answers, 40) == []
    granted = next(one for one in answers if one.outcome == "assigned")
    lost = [one for one in answers if one is not granted]
    assert any("was told nothing" in line for line in differences(database, lost, 39))
    invented = [*answers, Answer(new_id(), "held", new_id())]
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
