"""A key is claimed in the transaction of its command: kept with it, or forgotten with it."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.core.errors import Refused, RuleRefused
from satcom.core.idempotency import MAX_KEY_LENGTH, Answer, IdempotencyKey, claim, remember

ANSWER = Answer(201, {"Location": "/x/1"}, {"id": "1", "amount": 12.5})


def keys(session: Session) -> list[str]:
    return list(session.exec(select(IdempotencyKey.key)))


def test_the_answer_is_kept_as_it_was_given(database: Database) -> None:
    with database.as_worker() as session:
        assert claim(session, "ann", "k", b"order") is None
        remember(session, "ann", "k", ANSWER)
    with database.as_worker() as session:
        assert claim(session, "ann", "k", b"order") == ANSWER


def test_the_same_key_is_free_for_another_caller_and_closed_to_another_request(database: Database) -> None:
    with database.as_worker() as session:
        claim(session, "ann", "k", b"order")
        remember(session, "ann", "k", ANSWER)
        assert claim(session, "bob", "k", b"order") is None
        with pytest.raises(RuleRefused) as refused:
            claim(session, "ann", "k", b"another order")
    assert (refused.value.status, refused.value.faults[0].field) == (422, "Idempotency-Key")


def break_after_claiming(database: Database, meanwhile: Callable[[], object]) -> None:
    with database.as_worker() as session:
        claim(session, "ann", "k", b"order")
        meanwhile()
        raise ZeroDivisionError


def test_a_command_that_breaks_forgets_its_key(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        break_after_claiming(database, lambda: None)
    with database.as_worker() as session:
        assert keys(session) == []
        assert claim(session, "ann", "k", b"order") is None


def test_whoever_comes_second_waits_for_the_first_and_gets_its_answer(database: Database) -> None:
    told: list[Answer | None] = []

    def second() -> None:
        with database.as_worker() as other:
            told.append(claim(other, "ann", "k", b"order"))

    with database.as_worker() as session:
        assert claim(session, "ann", "k", b"order") is None
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        remember(session, "ann", "k", ANSWER)
    waiting.join(10)
    assert told == [ANSWER]


def test_whoever_waited_for_one_that_broke_takes_the_key(database: Database) -> None:
    told: list[Answer | None] = []

    def second() -> None:
        with database.as_worker() as other:
            told.append(claim(other, "ann", "k", b"order"))

    waiting = threading.Thread(target=second)

    def meanwhile() -> None:
        waiting.start()
        waiting.join(0.3)

    with pytest.raises(ZeroDivisionError):
        break_after_claiming(database, meanwhile)
    waiting.join(10)
    assert told == [None]


@pytest.mark.parametrize("key", ["", "k" * (MAX_KEY_LENGTH + 1), "new\nline", "\x7f"])
def test_a_key_nobody_could_print_is_refused(database: Database, key: str) -> None:
    with pytest.raises(Refused), database.as_worker() as session:
        claim(session, "ann", key, b"order")


def test_a_request_may_keep_and_read_keys(database: Database) -> None:
    """The role of requests has no more rights than it needs, but these it needs."""
    with database.as_worker() as session:
        _, secret = create_token(session, "ann", ["sales"], None, timedelta(days=1))
    with database.request(secret) as (session, principal):
        assert claim(session, principal.identity, "k", b"order") is None
        remember(session, principal.identity, "k", ANSWER)
    with database.as_worker() as session:
        assert session.connection().execute(text("SELECT caller FROM idempotency_key")).scalars().all() == ["ann"]
