"""Events reach those who asked for them: every one, in order for each object, whoever dies meanwhile."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from satcom.core.change_log import Change
from satcom.core.clock import wall_now
from satcom.core.commit_order import SettledChanges, settled_at_once
from satcom.core.database import Database
from satcom.core.errors import Unavailable
from satcom.core.event_delivery import LONGEST_RETRY_S, back_off
from satcom.core.listener import Listener, ListenerPosition, ListenerState, replay, resume
from satcom.enterprise.party import Organization
from tests.core.a_listener import a_listener, networks, renamed
from tests.core.an_inbox import Inbox, an_inbox, delivering
from tests.enterprise.an_operator import an_organization


@pytest.fixture(autouse=True)
def at_home() -> Iterator[None]:
    with networks("127.0.0.0/8"):
        yield


def an_organization_named(database: Database, name: str) -> str:
    with database.as_worker() as session:
        return an_organization(session, name).id


def rename(database: Database, identifier: str, name: str) -> None:
    with database.as_worker() as session:
        renamed(session, identifier, name)


def position(database: Database, listener: Listener) -> ListenerPosition:
    with database.as_worker() as session:
        return session.get_one(ListenerPosition, listener.id)


def until(come: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not come():
        assert time.monotonic() < end
        time.sleep(0.02)


# -- What arrives -------------------------------------------------------------------------------------------------


def test_a_listener_is_told_the_whole_resource_as_it_was_after_each_change(database: Database) -> None:
    with an_inbox() as inbox:
        a_listener(database, inbox.url)
        mine = an_organization_named(database, "One")
        rename(database, mine, "Two")
        rename(database, mine, "Three")
        with database.as_worker() as session:
            session.delete(session.get_one(Organization, mine))
        with delivering(database):
            inbox.wait_for(4)
    told = inbox.about(mine)
    change = "OrganizationAttributeValueChangeEvent"
    assert [one["eventType"] for one in told] == ["OrganizationCreateEvent", change, change, "OrganizationDeleteEvent"]
    bodies = [one["event"]["organization"] for one in told]
    assert [one["tradingName"] for one in bodies] == ["One", "Two", "Three", "Three"]
    assert all(one["href"] == f"/tmf-api/party/v4/organization/{mine}" for one in bodies)
    assert {one["domain"] for one in told} == {"party"}
    assert len({one["eventId"] for one in told}) == 4


def test_an_event_comes_well_under_a_second_after_its_commit(database: Database) -> None:
    with an_inbox() as inbox, delivering(database):
        a_listener(database, inbox.url)
        taken = []
        for number in range(5):
            began = time.monotonic()
            an_organization_named(database, f"{number}")
            inbox.wait_for(number + 1)
            taken.append(time.monotonic() - began)
    assert sorted(taken)[2] < 0.5, taken


def test_what_was_before_the_registration_is_not_told(database: Database) -> None:
    an_organization_named(database, "Before")
    with an_inbox() as inbox:
        a_listener(database, inbox.url)
        an_organization_named(database, "After")
        with delivering(database):
            inbox.wait_for(1)
    assert [one["event"]["organization"]["tradingName"] for one in inbox.events] == ["After"]


def test_only_the_types_and_values_asked_for_are_sent(database: Database) -> None:
    asked = "eventType=OrganizationAttributeValueChangeEvent&organization.tradingName=Three,Four&fields=tradingName"
    with an_inbox() as inbox:
        listener, _ = a_listener(database, inbox.url, asked)
        mine = an_organization_named(database, "Three")
        for name in ("Two", "Three", "Four"):
            rename(database, mine, name)
        with delivering(database):
            inbox.wait_for(2)
            until(lambda: position(database, listener).delivered == 2)
    bodies = [one["event"]["organization"] for one in inbox.events]
    assert [one["tradingName"] for one in bodies] == ["Three", "Four"]
    assert all(one.keys() == {"id", "href", "@type", "tradingName"} for one in bodies)


def test_a_signature_is_verified_by_the_library_and_only_with_the_own_secret(database: Database) -> None:
    with an_inbox() as inbox:
        _, secret = a_listener(database, inbox.url)
        _, other = a_listener(database, inbox.url, "eventType=OrganizationDeleteEvent")
        an_organization_named(database, "One")
        with delivering(database):
            inbox.wait_for(1)
    headers, raw = inbox.letters[0]
    assert Webhook(secret).verify(raw, headers) == json.loads(raw)
    assert headers["webhook-id"] == json.loads(raw)["eventId"]
    for wrong, body in ((other, raw), (secret, raw.replace(b"One", b"Two"))):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(body, headers)


# -- Order --------------------------------------------------------------------------------------------------------


def test_changes_of_concurrent_transactions_come_whole_and_in_order_for_each_object(database: Database) -> None:
    objects, writers, changes = 6, 4, 15
    ids = [an_organization_named(database, "0") for _ in range(objects)]

    def work(writer: int) -> None:
        for number in range(changes):
            with database.as_worker() as session:
                for identifier in sorted({ids[(writer + number) % objects], ids[(writer * number) % objects]}):
                    found = session.get_one(Organization, identifier, with_for_update=True, populate_existing=True)
                    renamed(session, identifier, f"{int(found.trading_name or 0) + 1}")

    with an_inbox() as inbox, delivering(database), delivering(database):
        a_listener(database, inbox.url)
        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(work, range(writers)))
        with database.as_worker() as session:
            versions = {one: session.get_one(Organization, one).version for one in ids}
        inbox.wait_for(sum(versions.values()) - objects)
    for identifier in ids:
        names = [int(one["event"]["organization"]["tradingName"]) for one in inbox.about(identifier)]
        assert names == list(range(1, versions[identifier])), "each once, and one after the other"


def test_a_change_that_commits_after_a_later_one_is_not_lost(database: Database) -> None:
    slow_one, quick_one = an_organization_named(database, "0"), an_organization_named(database, "0")
    with an_inbox() as inbox, delivering(database):
        a_listener(database, inbox.url)
        with database.as_worker() as slow:
            renamed(slow, slow_one, "first, and late")
            rename(database, quick_one, "second, and at once")
            time.sleep(0.5)
            assert inbox.events == [], "what is not settled is not told"
        inbox.wait_for(2)
    told = [one["event"]["organization"]["tradingName"] for one in inbox.events]
    assert sorted(told) == ["first, and late", "second, and at once"]


def test_of_two_transactions_the_one_that_began_first_may_change_an_object_last(database: Database) -> None:
    """The order of transaction ids would tell these two changes the wrong way round."""
    mine = an_organization_named(database, "0")
    with an_inbox() as inbox, delivering(database):
        a_listener(database, inbox.url)
        with database.as_worker() as between, database.as_worker() as first:
            older = first.connection().execute(text("SELECT CAST(pg_current_xact_id() AS text)")).scalar_one()
            middle = between.connection().execute(text("SELECT CAST(pg_current_xact_id() AS text)")).scalar_one()
            with database.as_worker() as second:
                renamed(second, mine, "1")
                newer = second.connection().execute(text("SELECT CAST(pg_current_xact_id() AS text)")).scalar_one()
            renamed(first, mine, "2")
            first.commit()
            assert int(older) < int(middle) < int(newer)
            inbox.wait_for(2)  # though one in between has not ended: it holds nothing up
    assert [one["event"]["organization"]["tradingName"] for one in inbox.events] == ["1", "2"]


@dataclass
class Looked:
    """A connection that tells what is drawn, and who writes."""

    drawn: int
    writers: list[str]

    def execute(self, _: object) -> "Looked":
        return self

    def scalar_one(self) -> int:
        return self.drawn

    def scalars(self) -> list[str]:
        return self.writers


@given(steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["begin", "end", "look"])), max_size=40))
def test_whatever_is_called_settled_is_never_added_to(steps: list[tuple[int, str]]) -> None:
    """The rule itself, on every interleaving: writers draw numbers when they begin, and show them when they end."""
    drawn, open_writers, shown, settled = 0, dict[int, tuple[str, list[int]]](), set[int](), SettledChanges()

    def connection() -> Any:
        return Looked(drawn, [name for name, _ in open_writers.values()])

    seen: dict[int, set[int]] = {}
    for number, (writer, what) in enumerate(steps):
        if what == "begin":
            numbers = open_writers.setdefault(writer, (f"{writer}/{number}", []))[1]
            drawn += 1
            numbers.append(drawn)
        elif what == "end" and writer in open_writers:
            shown |= set(open_writers.pop(writer)[1])
        elif what == "look":
            upto = settled.look(connection())
            seen[upto] = {one for one in shown if one <= upto}
        for upto, before in seen.items():
            assert {one for one in shown if one <= upto} == before


def test_where_a_backup_took_the_place_of_the_database_what_was_settled_before_it_counts_for_nothing() -> None:
    settled = SettledChanges()

    def look(drawn: int, *writers: str) -> int:
        there: Any = Looked(drawn, list(writers))
        return settled.look(there)

    assert look(1000) == 1000
    assert look(1001, "4/7") == 1000
    assert look(901, "5/1") == 0, "902 to 1000 are drawn anew"
    assert look(903, "5/2") == 901
    assert look(903) == 903


def test_a_listener_registered_while_others_write_misses_nothing_that_commits_afterwards(database: Database) -> None:
    with database.as_worker() as slow, database.as_worker() as session:
        an_organization(slow, "long")
        with pytest.raises(Unavailable):
            settled_at_once(session.connection(), 0.05)
        ending = threading.Timer(0.2, slow.commit)
        ending.start()
        after = settled_at_once(session.connection(), 10)
        ending.join()
        last = session.connection().execute(text("SELECT max(sequence) FROM change_log")).scalar_one()
        assert after == last


# -- Trouble ------------------------------------------------------------------------------------------------------


def test_a_listener_that_was_down_gets_all_that_it_missed(database: Database) -> None:
    with an_inbox() as inbox:
        listener, _ = a_listener(database, inbox.url)
    mine = an_organization_named(database, "0")
    with delivering(database):
        until(lambda: position(database, listener).attempts >= 2)
        assert "cannot be reached" in (position(database, listener).last_error or "")
        rename(database, mine, "1")
        with an_inbox(inbox):
            inbox.wait_for(2)
            until(lambda: position(database, listener).last_error is None)
    assert [one["event"]["organization"]["tradingName"] for one in inbox.events] == ["0", "1"]


def test_a_refused_event_holds_up_its_object_and_is_not_sent_twice_to_whom_it_has_reached(database: Database) -> None:
    with an_inbox() as inbox:
        a_listener(database, inbox.url)
        bad, good = an_organization_named(database, "bad"), an_organization_named(database, "good")
        rename(database, bad, "bad again")
        left = [3]

        def answers(event: dict[str, object]) -> int:
            if "bad" in json.dumps(event) and left[0] > 0:
                left[0] -= 1
                return 500
            return 204

        inbox.answers = answers
        with delivering(database):
            inbox.wait_for(3)
    assert [one["event"]["organization"]["tradingName"] for one in inbox.about(bad)] == ["bad", "bad again"]
    assert len(inbox.about(good)) == 1
    assert {one["event"]["organization"]["tradingName"] for one in inbox.refused} == {"bad"}


@pytest.mark.parametrize(
    ("status", "said"), [(302, "redirects are not followed"), (404, "answered 404"), (None, "reach")]
)
def test_only_a_2xx_counts_as_taken(database: Database, status: int | None, said: str) -> None:
    with an_inbox(Inbox(answers=lambda _: status)) as inbox:
        listener, _ = a_listener(database, inbox.url)
        an_organization_named(database, "One")
        with delivering(database):
            until(lambda: position(database, listener).last_error is not None)
    assert said in (position(database, listener).last_error or "")
    assert all(headers["webhook-id"] for headers, _ in inbox.letters), "nobody followed it elsewhere"
    assert position(database, listener).delivered == 0


def test_one_that_says_it_is_gone_is_parked_and_gets_everything_when_resumed(database: Database) -> None:
    with an_inbox(Inbox(answers=lambda _: 410)) as inbox:
        listener, _ = a_listener(database, inbox.url)
        an_organization_named(database, "One")
        with delivering(database):
            until(lambda: state(database, listener) == ListenerState.PARKED)
            an_organization_named(database, "Two")
            inbox.answers = lambda _: 204
            time.sleep(0.3)
            assert inbox.events == []
            with database.as_worker() as session:
                resume(session, session.get_one(Listener, listener.id))
            inbox.wait_for(2)
    assert {one["event"]["organization"]["tradingName"] for one in inbox.events} == {"One", "Two"}


def state(database: Database, listener: Listener) -> ListenerState:
    with database.as_worker() as session:
        return session.get_one(Listener, listener.id).state


def test_one_that_is_dead_for_days_is_parked(database: Database) -> None:
    listener, _ = a_listener(database, "http://127.0.0.1:9/nobody")
    an_organization_named(database, "One")
    with delivering(database):
        until(lambda: position(database, listener).attempts >= 1)
        assert state(database, listener) == ListenerState.ACTIVE
        with database.as_worker() as session:
            kept = session.get_one(ListenerPosition, listener.id)
            kept.failing_since, kept.wake_at = wall_now() - timedelta(hours=73), None
        until(lambda: state(database, listener) == ListenerState.PARKED)
    with database.as_worker() as session:
        parked = session.connection().execute(
            text("SELECT event_type FROM change_log WHERE entity_id = :id ORDER BY sequence DESC LIMIT 1"),
            {"id": listener.id},
        )
        assert parked.scalar_one() == "listenerStateChangeEvent"


def test_a_replay_tells_again_from_a_moment_under_the_same_ids(database: Database) -> None:
    with an_inbox() as inbox, delivering(database):
        listener, _ = a_listener(database, inbox.url)
        an_organization_named(database, "Before")
        inbox.wait_for(1)
        time.sleep(0.01)
        moment = wall_now()
        mine = an_organization_named(database, "One")
        rename(database, mine, "Two")
        inbox.wait_for(3)
        until(lambda: position(database, listener).delivered == 3)
        with database.as_worker() as session:
            replay(session, session.get_one(Listener, listener.id), moment)
        inbox.wait_for(5)
    told = inbox.about(mine)
    assert [one["event"]["organization"]["tradingName"] for one in told] == ["One", "Two", "One", "Two"]
    assert told[0] == told[2]
    assert told[1] == told[3]


def test_a_removed_listener_is_told_nothing_more(database: Database) -> None:
    with an_inbox() as inbox, delivering(database):
        listener, _ = a_listener(database, inbox.url)
        an_organization_named(database, "One")
        inbox.wait_for(1)
        with database.as_worker() as session:
            session.delete(session.get_one(Listener, listener.id))
        an_organization_named(database, "Two")
        time.sleep(0.5)
    assert len(inbox.events) == 1


def test_the_secret_stands_in_no_log_and_no_request_can_read_it(database: Database) -> None:
    _, secret = a_listener(database, "http://127.0.0.1:9/nobody")
    with database.as_worker() as session:
        changes = session.connection().execute(text("SELECT string_agg(c::text, '') FROM change_log c")).scalar_one()
        assert secret.hex() not in changes
        may = text("SELECT has_table_privilege('satcom_app', 'listener_secret', :what)")
        assert session.connection().execute(may, {"what": "SELECT"}).scalar_one() is False
        assert session.connection().execute(may, {"what": "INSERT"}).scalar_one() is True
        assert session.connection().execute(text("SELECT count(*) FROM listener_secret")).scalar_one() == 1


def test_tries_become_rare_but_never_stop_and_two_listeners_do_not_try_together() -> None:
    waits = [back_off(attempts).total_seconds() for attempts in range(1, 60)]
    assert waits[0] <= 1
    assert all(LONGEST_RETRY_S / 2 <= one <= LONGEST_RETRY_S for one in waits[12:])
    assert len({back_off(5) for _ in range(10)}) > 5


def test_the_number_of_a_change_is_drawn_from_the_sequence_that_is_looked_at(database: Database) -> None:
    an_organization_named(database, "One")
    with database.as_worker() as session:
        newest = session.connection().execute(text("SELECT max(sequence) FROM change_log")).scalar_one()
        assert SettledChanges().look(session.connection()) == newest
        assert Change.__tablename__ == "change_log"
