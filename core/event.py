"""Events: what a listener is told of a change, in the form of TM Forum's notifications.

The change log knows what changed; the event carries the whole resource as it was right after that, worked out from the
resource of today by taking later changes back. It is read as whoever registered the listener would read it: the same
filter, the same row-level security, the same attributes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, text, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from satcom.core import tenancy
from satcom.core.callback import Letter
from satcom.core.change_log import Change
from satcom.core.entity import Entity, JsonOf, columns_of, shape
from satcom.core.event_api import EventApi
from satcom.core.listener import resource_of
from satcom.core.root_path import rooted
from satcom.core.security import Principal
from satcom.core.settings import settings
from satcom.core.values import Json, instant_text
from satcom.core.watch import Watch

Body: TypeAlias = dict[str, Json]
Told: TypeAlias = Row[*tuple[Any, ...]]  # a row of the change log
Telling: TypeAlias = Callable[[Body, Principal], Body]
_tellings: dict[str, Telling] = {}
META = frozenset({"id", "href", "@type"})


def told_as(kind: type[Entity]) -> Callable[[Telling], Telling]:
    """Register what has to be done to a body of `kind` before somebody is shown it, as its routes do it."""

    def register(telling: Telling) -> Telling:
        _tellings[kind.__name__] = telling
        return telling

    return register


@dataclass(frozen=True)
class Occurrence:
    """One change that a listener is told of."""

    sequence: int
    entity_id: str
    letter: Letter


@dataclass(frozen=True)
class Batch:
    """What a listener is told next; `through` is the last change looked at, wanted or not."""

    occurrences: list[Occurrence]
    through: int
    full: bool


@dataclass(frozen=True)
class Readership:
    """Who reads which kinds of an API, and what of them is wanted."""

    api: EventApi
    kinds: Sequence[type[Entity]]
    principal: Principal
    watch: Watch

    def condition(self) -> ColumnElement[bool]:
        """The changes that may be told."""
        open_kinds = [kind.__name__ for kind in self.kinds if kind.readable_by_all]
        names = col(Change.entity_type).in_([kind.__name__ for kind in self.kinds])
        mine = tenancy.of_parties(col(Change.party_id), col(Change.entity_id), self.principal)
        return names & or_(mine, col(Change.entity_type).in_(open_kinds))


@contextmanager
def reading_as(connection: Connection, principal: Principal) -> Iterator[None]:
    """Within the block the worker's connection sees what a request of `principal` would."""
    connection.execute(text(f"SET LOCAL ROLE {tenancy.APP}"))
    tenancy.set_tenant(connection, principal)
    yield
    connection.execute(text(f"SET LOCAL ROLE {tenancy.WORKER_ROLE}"))


def read_batch(connection: Connection, readers: Readership, after: int, upto: int, most: int) -> Batch:
    """The next events after a position, none of them after `upto`."""
    return _read(connection, readers, col(Change.sequence) > after, upto, most)


def read_batch_of(
    connection: Connection, readers: Readership, firsts: Mapping[str, int], upto: int, most: int
) -> Batch:
    """The next events of these objects, of each from its own change on, none of them after `upto`."""
    each = [(col(Change.entity_id) == one) & (col(Change.sequence) >= first) for one, first in firsts.items()]
    return _read(connection, readers, or_(*each), upto, most)


def _read(connection: Connection, readers: Readership, which: ColumnElement[bool], upto: int, most: int) -> Batch:
    wanted = readers.condition() & which & (col(Change.sequence) <= upto)
    if readers.watch.event_types:
        wanted &= func.lower(col(Change.event_type)).in_(sorted(readers.watch.event_types))
    found = select(
        col(Change.sequence),
        col(Change.id),
        col(Change.at),
        col(Change.business_at),
        col(Change.entity_type),
        col(Change.entity_id),
        col(Change.event_type),
        col(Change.party_id),
        col(Change.order_reference),
    )
    with reading_as(connection, readers.principal):
        changes = connection.execute(found.where(wanted).order_by(col(Change.sequence)).limit(most)).all()
        bodies = _bodies(connection, readers, changes) if changes else {}
    occurrences = [
        Occurrence(change.sequence, change.entity_id, letter)
        for change in changes
        if (body := bodies.get(change.sequence)) is not None
        if (letter := _letter(readers, change, body)) is not None
    ]
    full = len(changes) == most
    return Batch(occurrences, changes[-1].sequence if full else upto, full)


def _letter(readers: Readership, change: Told, body: Body) -> Letter | None:
    """The event as it goes out; `None` when it is not wanted."""
    kind = next(one for one in readers.kinds if one.__name__ == change.entity_type)
    telling = _tellings.get(kind.__name__)
    told = telling(body, readers.principal) if telling else body
    if not readers.watch.fits({resource_of(kind): told}):
        return None
    if readers.watch.fields:
        told = {name: value for name, value in told.items() if name in readers.watch.fields | META}
    event: Body = {
        "@type": f"{change.event_type[0].upper()}{change.event_type[1:]}",
        "eventId": change.id,
        "eventTime": instant_text(change.at),
        "eventType": f"{change.event_type[0].upper()}{change.event_type[1:]}",
        "timeOcurred": instant_text(change.business_at),  # as the official documents spell it
        "domain": readers.api.domain,
    }
    event |= {name: {resource_of(kind): rooted(told, settings().root_path)} for name in readers.api.content}
    # The order may be another party's where an object is shared.
    if change.order_reference and (readers.principal.all_parties or change.party_id in readers.principal.parties):
        event["correlationId"] = change.order_reference
    return Letter(change.id, orjson.dumps(event))


def _bodies(connection: Connection, readers: Readership, changes: Sequence[Told]) -> dict[int, Body]:
    """By change, its resource as it was right after it; of what is not to be seen today nothing.

    Today's rows are read first: a change that comes between the two reads is then taken back to what was read.
    """
    kinds = {kind.__name__: kind for kind in readers.kinds}
    today: dict[str, dict[str, Any]] = {}
    for name in {change.entity_type for change in changes}:
        ids = {change.entity_id for change in changes if change.entity_type == name}
        rows = connection.execute(
            _raw(kinds[name]).where(col(kinds[name].id).in_(ids), tenancy.visible(kinds[name], readers.principal))
        )
        today |= {row["id"]: dict(row) for row in rows.mappings()}
    columns = (Change.sequence, Change.entity_type, Change.entity_id, Change.event_type, Change.before, Change.after)
    since = (
        select(*(col(one) for one in columns))
        .where(readers.condition(), col(Change.entity_id).in_({change.entity_id for change in changes}))
        .where(col(Change.sequence) >= changes[0].sequence)
        .order_by(col(Change.sequence).desc())
    )
    found: dict[int, Body] = {}
    for change in connection.execute(since):
        kind, values = kinds[change.entity_type], today.get(change.entity_id)
        if change.after is None:
            today[change.entity_id] = _columns_of(kind, change.before, change.entity_id)
            found[change.sequence] = change.before
        elif values is not None:
            found[change.sequence] = shape(kind).wire(values)
            if change.before is not None:
                _take_back(kind, values, change.before, change.after)
    return found


def _raw(kind: type[Entity]) -> Any:
    """The columns that a body is made of, JSON in its wire form."""
    table, names = kind.__table__, [one.column for one in shape(kind).attributes]  # type: ignore[attr-defined]
    columns = [table.c.id, table.c.further, *(table.c[name] for name in names)]
    return select(
        *(type_coerce(one, JSONB).label(one.name) if isinstance(one.type, JsonOf) else one for one in columns)
    )


def _columns_of(kind: type[Entity], body: Body, identifier: str) -> dict[str, Any]:
    nothing = dict.fromkeys(one.column for one in shape(kind).attributes)
    return nothing | columns_of(kind, body) | {"id": identifier}


def _take_back(kind: type[Entity], values: dict[str, Any], before: Body, after: Body) -> None:
    """Undo one change in the columns of a row."""
    known, further = shape(kind).by_wire, dict(values["further"])
    for name in before.keys() | after.keys():
        if name in known:
            values[known[name].column] = before.get(name)
        elif name in before:
            further[name] = before[name]
        else:
            further.pop(name, None)
    values["further"] = further
