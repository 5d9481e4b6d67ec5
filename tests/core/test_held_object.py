"""An object of which a listener refuses a change waits alone: others go on, and what is kept of it has a bound."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from satcom.core import event_delivery
from satcom.core.clock import wall_now
from satcom.core.database import Database
from satcom.core.held_object import HeldObject, held_in, next_try, oldest, written
from satcom.core.listener import Listener, ListenerState, resume
from satcom.core.listener_standing import backlog, standing
from satcom.core.values import Json
from tests.core.a_listener import a_listener, networks
from tests.core.an_inbox import Body, Inbox, an_inbox, delivering
from tests.core.test_event_delivery import an_organization_named, position, rename, state, until


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A window of a few changes, so that a few are many."""
    monkeypatch.setattr(event_delivery, "WINDOW", 4)
    monkeypatch.setattr(event_delivery, "BATCH", 3)
    with networks("127.0.0.0/8"):
        yield


def name_of(event: Body) -> str:
    return str(event["event"]["organization"]["tradingName"])


class Choosy(Inbox):
    """Refuses what is called bad, with a status or by hanging up, until it is mended."""

    def __init__(self, status: int | None = 500) -> None:
        super().__init__()
        self.mended = False
        self.answers = lambda event: status if "bad" in name_of(event) and not self.mended else 204


def standing_of(database: Database, listener: Listener) -> dict[str, Json]:
    with database.as_worker() as session:
        return standing(session, session.get_one(Listener, listener.id))


@pytest.mark.parametrize("status", [500, None])
def test_however_much_comes_later_only_the_object_that_was_refused_waits(
    database: Database, status: int | None
) -> None:
    with an_inbox(Choosy(status)) as inbox, delivering(database):
        listener, _ = a_listener(database, inbox.url)
        bad = an_organization_named(database, "bad")
        others = []
        for number in range(12):
            others.append(an_organization_named(database, f"{number}"))
            rename(database, bad, f"bad {number}")
        inbox.wait_for(len(others))
        until(lambda: position(database, listener).delivered == len(others))
        until(lambda: standing_of(database, listener)["backlog"] == 13)
        told = standing_of(database, listener)
        assert told["heldObject"] == [bad]
        assert told.keys() >= {"failingSince", "nextAttemptAt", "lastError"}
        with database.as_worker() as session:
            [(_, _, waiting, _)] = [one for one in backlog(session) if one[0] == "active"]
        assert waiting == 13, "the metrics count them, too"
        assert isinstance(inbox, Choosy)
        inbox.mended = True
        inbox.wait_for(len(others) + 13)
        until(lambda: position(database, listener).held == {})
    assert [name_of(one) for one in inbox.about(bad)] == ["bad", *(f"bad {number}" for number in range(12))]
    assert all(len(inbox.about(one)) == 1 for one in others), "nobody is told twice"
    after = standing_of(database, listener)
    assert (after["backlog"], "heldObject" in after, "lastError" in after) == (0, False, False)


def test_with_more_than_may_be_held_the_listener_waits_and_misses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_delivery, "MOST", 2)
    with an_inbox(Choosy()) as inbox, delivering(database):
        listener, _ = a_listener(database, inbox.url)
        bad = [an_organization_named(database, f"bad {number}") for number in range(4)]
        until(lambda: position(database, listener).wake_at is not None)
        assert set(position(database, listener).held) <= set(bad)
        assert len(position(database, listener).held) <= 2
        assert isinstance(inbox, Choosy)
        inbox.mended = True
        inbox.wait_for(len(bad))
        until(lambda: position(database, listener).last_error is None)
    assert sorted(name_of(one) for one in inbox.events) == [f"bad {number}" for number in range(4)]


def test_one_that_has_refused_everything_for_days_is_parked_and_tried_at_once_when_resumed(database: Database) -> None:
    with an_inbox(Choosy(404)) as inbox, delivering(database):
        listener, _ = a_listener(database, inbox.url)
        bad = an_organization_named(database, "bad")
        until(lambda: bad in position(database, listener).held)
        assert state(database, listener) == ListenerState.ACTIVE
        with database.as_worker() as session:
            kept = session.get_one(type(position(database, listener)), listener.id, with_for_update=True)
            refused = HeldObject(held_in(kept.held)[bad].first, 9, wall_now() - timedelta(hours=73))
            kept.held, kept.retry_at = written({bad: refused}), wall_now()
        until(lambda: state(database, listener) == ListenerState.PARKED)
        assert isinstance(inbox, Choosy)
        inbox.mended = True
        with database.as_worker() as session:
            resume(session, session.get_one(Listener, listener.id))
        inbox.wait_for(1)
        until(lambda: position(database, listener).held == {})


def test_what_is_kept_of_it_is_read_as_it_was_written() -> None:
    moment = wall_now()
    held = {"a": HeldObject(7, 2, moment - timedelta(hours=1), moment), "b": HeldObject(9)}
    assert held_in(written(held)) == held
    assert next_try(held, moment) == moment
    assert (next_try({}, moment), oldest(held)) == (None, moment - timedelta(hours=1))
