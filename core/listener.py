"""Listeners: who is told of the changes of one API, where, and how far.

A listener belongs to the party whose rows it is told of; one of the operator's own belongs to none. What it may be
told is what whoever registered it may read. Its position in the change log is a row of its own: it moves with every
event and is no business of the change log. Its secret is shown once; requests cannot read it, only delivery can.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ColumnElement, Connection, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel, col

from satcom.core.callback import callback_faults
from satcom.core.clock import wall_now
from satcom.core.commit_order import settled_at_once
from satcom.core.database import network_view
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import Fault, NotAllowed, Refused, RuleRefused, WrongState
from satcom.core.event_api import EventApi, event_api_of
from satcom.core.held_object import at_once, held_in, written
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.schema import entities
from satcom.core.security import OUTSIDE, Capability, Principal, Role, new_signing_secret
from satcom.core.settings import settings
from satcom.core.tenancy import parties_below
from satcom.core.values import Json
from satcom.core.watch import Watch, read_watch

MOST_OF_A_PARTY = 100
SETTLED_WITHIN_S = 5.0
GIVEN = frozenset({"callback", "query"})


class ListenerState(StrEnum):
    ACTIVE = "active"
    PARKED = "parked"


class Listener(Entity, table=True):
    """An address that is told of the changes of one API."""

    document: str = Field(max_length=40)
    callback: str
    query: str | None = None
    registered_by: str
    roles: list[str] = Field(sa_type=JsonOf(list[str]))
    state: ListenerState = Field(default=ListenerState.ACTIVE, sa_type=state_type(ListenerState))

    api: ClassVar = own("event/v1", "listener", Capability.LISTEN)
    life_cycle: ClassVar = LifeCycle(
        ListenerState,
        ("active", "parked", "nothing arrived for too long, it said that it is gone, or somebody parked it"),
        ("parked", "active", "somebody resumed it: it gets all that it missed"),
    )


class ListenerPosition(SQLModel, table=True):
    """How far a listener has been told. `ahead` are the changes after it that have been told already.

    `held` are the objects of which it refused a change, as `held_object` writes them; `retry_at` is when the first of
    them is tried again.
    """

    __tablename__ = "listener_position"

    listener_id: str = Field(primary_key=True, foreign_key="listener.id", ondelete="CASCADE", sa_type=id_type())
    sequence: int = Field(sa_type=BigInteger)
    ahead: list[int] = Field(default_factory=list, sa_type=JSONB)
    held: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    retry_at: datetime | None = Field(default=None, sa_type=INSTANT)
    delivered: int = Field(default=0, sa_type=BigInteger)
    delivered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    attempts: int = 0
    failing_since: datetime | None = Field(default=None, sa_type=INSTANT)
    wake_at: datetime | None = Field(default=None, sa_type=INSTANT)
    last_error: str | None = None


class ListenerSecret(SQLModel, table=True):
    """What a listener's events are signed with. Requests may write it, and never read it."""

    __tablename__ = "listener_secret"

    listener_id: str = Field(primary_key=True, foreign_key="listener.id", ondelete="CASCADE", sa_type=id_type())
    secret: bytes


def kinds_of(api: EventApi, by: Principal) -> list[type[Entity]]:
    """The kinds of an API that `by` may read."""
    return [kind for kind in entities() if event_api_of(kind) == api and by.may(kind.api.reads)]


def resource_of(kind: type[Entity]) -> str:
    """The name under which an event carries it."""
    name = kind.api.event_definition or kind.__name__
    return name[0].lower() + name[1:]


def watch_of(api: EventApi, query: str | None, kinds: Sequence[type[Entity]]) -> Watch:
    """Raises `Refused` with what is wrong in the query."""
    attributes: dict[str, frozenset[str]] = {}
    for kind in kinds:
        attributes[resource_of(kind)] = attributes.get(resource_of(kind), frozenset()) | api.attributes(kind)
    ways = ("CreateEvent", "AttributeValueChangeEvent", "StateChangeEvent", "DeleteEvent")
    own_names = {f"{resource}{way}" for resource in attributes for way in ways}
    return read_watch(query, frozenset(one[0].upper() + one[1:] for one in api.official_events | own_names), attributes)


def register(session: Session, api: EventApi, body: dict[str, Json], by: Principal) -> tuple[Listener, bytes]:
    """A new listener, told of whatever commits from now on; and its secret. Raises `Refused` with every fault."""
    kinds = kinds_of(api, by)
    callback, query = _read_registration(body)
    watch_of(api, query, kinds)
    if not kinds:
        raise NotAllowed(f"{by.name} may read nothing of {api.name} {api.title}")
    _check_room(session, api, callback, query, by)
    begin_after = settled_at_once(session.connection(), SETTLED_WITHIN_S)
    listener = Listener(
        document=api.name,
        callback=callback,
        query=query,
        registered_by=by.identity,
        roles=sorted(by.roles),
        party_id=None if by.all_parties else by.party_id,
    )
    secret = new_signing_secret()
    session.add(listener)
    session.flush()
    session.add(ListenerPosition(listener_id=listener.id, sequence=begin_after))
    session.add(ListenerSecret(listener_id=listener.id, secret=secret))
    session.flush()
    return listener, secret


def _read_registration(body: dict[str, Json]) -> tuple[str, str | None]:
    faults = [
        Fault(f"/{name}", f"there is no attribute {name!r} here", "unknownAttribute", ", ".join(sorted(GIVEN)))
        for name in body.keys() - GIVEN
    ]
    callback, query = body.get("callback"), body.get("query")
    if not isinstance(callback, str):
        code, why = ("missing", "'callback' is mandatory") if callback is None else ("wrongType", "is no text")
        faults.append(Fault("/callback", why, code, "https://..."))
    else:
        faults += callback_faults(callback, settings().event_networks)
    if query is not None and not isinstance(query, str):
        faults.append(Fault("/query", "is no text", "wrongType", "eventType=..."))
    if faults:
        raise Refused.all(faults)
    return str(callback), str(query) if query else None


def _check_room(session: Session, api: EventApi, callback: str, query: str | None, by: Principal) -> None:
    """Refuse what would only double events, and more listeners than anybody needs."""
    mine = list(session.connection().execute(select(Listener.__table__).where(_same_owner(by))))  # type: ignore[attr-defined]
    wanted = (api.name, callback, query)
    same = next((one for one in mine if (one.document, one.callback, one.query) == wanted), None)
    if same is not None:
        why = f"is registered already, with this query, as {same.id}"
        raise WrongState("/callback", why, "exists", "another callback or query, or DELETE it first")
    if len(mine) >= MOST_OF_A_PARTY:
        raise RuleRefused("/callback", f"there are {len(mine)} listeners already", "tooMany", f"{MOST_OF_A_PARTY}")


def _same_owner(by: Principal) -> ColumnElement[bool]:
    return col(Listener.party_id).is_(None) if by.all_parties else col(Listener.party_id) == by.party_id


def check_may_keep(listener: Listener, by: Principal) -> None:
    """Of the operator's people, whoever registered it or keeps everybody's. Raises `NotAllowed`."""
    if by.all_parties and listener.registered_by != by.identity:
        by.need(Capability.KEEP_LISTENERS)


def resume(session: Session, listener: Listener) -> None:
    """Deliver again, from where it stopped, and at once."""
    move(listener, ListenerState.ACTIVE)
    session.flush()
    position = session.get(ListenerPosition, listener.id, populate_existing=True, with_for_update=True)
    if position is not None:
        position.held = written(at_once(held_in(position.held)))
        position.retry_at = wall_now() if position.held else None
        session.flush()
    _place(session.connection(), listener.id)


def park(session: Session, listener: Listener) -> None:
    """Deliver nothing until it is resumed; nothing is lost."""
    move(listener, ListenerState.PARKED)
    session.flush()


def replay(session: Session, listener: Listener, since: datetime) -> None:
    """Tell again of what changed since a moment. Raises `Refused` when that lies ahead."""
    if since > wall_now() + timedelta(minutes=1):
        raise Refused("/deliverFrom", "lies ahead", "invalid", "a moment that has been")
    with network_view(session) as everything:
        before = before_first_since(everything.connection(), since)
    _place(session.connection(), listener.id, before)


FIRST_SINCE = text(
    "SELECT min(sequence) FROM (SELECT sequence FROM change_log WHERE id >= CAST(:first AS uuid)"
    " ORDER BY id LIMIT 1000) first"
)


def before_first_since(connection: Connection, since: datetime) -> int | None:
    """The position just before the changes since a moment; `None` when there was none. Ids begin with their time."""
    digits = f"{max(int(since.timestamp() * 1000), 0):012x}"
    first = connection.execute(FIRST_SINCE, {"first": f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"}).scalar_one()
    return None if first is None else int(first) - 1


def _place(connection: Connection, listener_id: str, sequence: int | None = None) -> None:
    fresh = {"attempts": 0, "failing_since": None, "wake_at": None, "last_error": None}
    moved = {} if sequence is None else {"sequence": sequence, "ahead": [], "held": {}, "retry_at": None}
    connection.execute(
        update(ListenerPosition).where(col(ListenerPosition.listener_id) == listener_id).values(**fresh, **moved)
    )


def principal_of(connection: Connection, listener: Listener) -> Principal:
    """For whom it listens: the roles it was registered with, and its party's place in the hierarchy today."""
    roles = frozenset(Role(one) for one in listener.roles if one in set(Role))
    parties = parties_below(connection, listener.party_id) if listener.party_id else frozenset()
    everybody = listener.party_id is None and not roles & OUTSIDE
    return Principal(listener.registered_by, roles, listener.party_id, parties, everybody)
