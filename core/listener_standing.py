"""How listeners fare: how far each has come, what waits, and why."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlmodel import Session, col

from satcom.core.change_log import Change
from satcom.core.event import Readership
from satcom.core.event_api import event_api, event_api_of
from satcom.core.held_object import held_in
from satcom.core.listener import Listener, ListenerPosition, kinds_of, principal_of
from satcom.core.schema import entities
from satcom.core.values import Json, instant_text
from satcom.core.watch import Watch

WINDOW: Final = 20_000  # so many changes are looked at to count what waits

# One count for each listener, from where it stands: nothing for one that is up to date, and never more than the window.
BACKLOG = text(
    "SELECT l.state, count(*) AS listeners, coalesce(sum(waiting.changes), 0) AS changes,"
    " coalesce(extract(epoch FROM now() - min(waiting.oldest)), 0) AS oldest_s"
    " FROM listener l JOIN listener_position p ON p.listener_id = l.id CROSS JOIN LATERAL ("
    "SELECT count(*) AS changes, min(c.at) AS oldest FROM"
    " (SELECT c.at, c.entity_type, c.party_id FROM change_log c WHERE c.sequence > p.sequence"
    f" AND c.sequence <= p.sequence + {WINDOW}"
    " UNION ALL SELECT c.at, c.entity_type, c.party_id FROM jsonb_each(p.held) one"
    " JOIN change_log c ON c.entity_id = CAST(one.key AS uuid)"
    " WHERE c.sequence >= CAST(one.value ->> 'first' AS bigint) AND c.sequence <= p.sequence) c"
    " WHERE c.entity_type IN (SELECT jsonb_array_elements_text(CAST(:kinds AS jsonb) -> l.document))"
    " AND (l.party_id IS NULL OR c.party_id = l.party_id)) waiting GROUP BY l.state"
)


def standing(session: Session, listener: Listener) -> dict[str, Json]:
    """Position, backlog and the last failure of one listener."""
    position = session.get(ListenerPosition, listener.id)
    if position is None:
        return {}
    count, oldest = _waiting(session, listener, position)
    told: dict[str, Json] = {
        "position": position.sequence,
        "backlog": count,
        "delivered": position.delivered,
        "attempts": position.attempts,
    }
    moments = {
        "waitingSince": oldest,
        "deliveredAt": position.delivered_at,
        "failingSince": position.failing_since,
        "nextAttemptAt": position.wake_at or position.retry_at,
    }
    told |= {name: instant_text(moment) for name, moment in moments.items() if moment is not None}
    if position.held:
        told["heldObject"] = list[Json](sorted(position.held))
    return told | ({"lastError": position.last_error} if position.last_error else {})


def _waiting(session: Session, listener: Listener, position: ListenerPosition) -> tuple[int, datetime | None]:
    """How many changes of what it may read wait to be looked at, and since when the oldest does."""
    principal = principal_of(session.connection(), listener)
    api = event_api(listener.document)
    readers = Readership(api, kinds_of(api, principal), principal, Watch())
    waiting = select(func.count(), func.min(col(Change.at))).where(
        readers.condition(),
        col(Change.sequence) <= position.sequence + WINDOW,
        col(Change.sequence).not_in(position.ahead),
        or_(col(Change.sequence) > position.sequence, *_of_held(position)),
    )
    count, oldest = session.connection().execute(waiting).one()
    return int(count), oldest


def _of_held(position: ListenerPosition) -> list[ColumnElement[bool]]:
    held = held_in(position.held)
    return [(col(Change.entity_id) == one) & (col(Change.sequence) >= kept.first) for one, kept in held.items()]


def backlog(session: Session) -> Iterator[tuple[str, int, int, float]]:
    """By state: listeners, changes that wait for them, and the age of the oldest in seconds."""
    kinds: dict[str, list[str]] = {}
    for kind in entities():
        kinds.setdefault(event_api_of(kind).name, []).append(kind.__name__)
    for row in session.connection().execute(BACKLOG, {"kinds": json.dumps(kinds)}):
        yield row.state, row.listeners, int(row.changes), float(row.oldest_s)
