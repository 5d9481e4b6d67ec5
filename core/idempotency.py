"""Idempotency keys: a request sent twice with the same key is carried out once and answered twice the same.

The key is claimed in the transaction of the command, so a crash forgets both or keeps both; a second request with the
same key waits for the first to end.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlmodel import Field, Session, SQLModel, col

from satcom.core.clock import wall_now
from satcom.core.entity import INSTANT
from satcom.core.errors import Refused, RuleRefused

MAX_KEY_LENGTH = 200


class IdempotencyKey(SQLModel, table=True):
    """A key, what was asked with it, and the answer it got."""

    __tablename__ = "idempotency_key"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: bytes
    status: int = 0
    headers: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    body: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    created_at: datetime = Field(default_factory=wall_now, sa_type=INSTANT, index=True)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, Any] | None


def claim(session: Session, caller: str, key: str, request: bytes) -> Answer | None:
    """Take the key for this transaction, or give the answer that it already got.

    Raises `Refused` on a bad key, `RuleRefused` when the key was used for another request.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise Refused("Idempotency-Key", f"1 to {MAX_KEY_LENGTH} printable characters are wanted")
    digest = hashlib.sha256(request).digest()
    row = {"caller": caller, "key": key, "request_hash": digest, "status": 0, "headers": {}, "created_at": wall_now()}
    taken = pg_insert(IdempotencyKey).values(row).on_conflict_do_nothing().returning(col(IdempotencyKey.key))
    if session.connection().execute(taken).first() is not None:
        return None
    found = select(IdempotencyKey).where(col(IdempotencyKey.caller) == caller, col(IdempotencyKey.key) == key)
    earlier = session.execute(found).scalar_one()
    if earlier.request_hash != digest:
        raise RuleRefused("Idempotency-Key", "this key was used for another request", "keyReused", "a new key")
    return Answer(earlier.status, earlier.headers, earlier.body)


def remember(session: Session, caller: str, key: str, answer: Answer) -> None:
    """Keep the answer beside the key."""
    session.connection().execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.caller) == caller, col(IdempotencyKey.key) == key)
        .values(status=answer.status, headers=answer.headers, body=answer.body)
    )
