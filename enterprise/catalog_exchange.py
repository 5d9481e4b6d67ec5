"""What a catalogue is exchanged as: TMF JSON, each collection a list of its resources as GET gives them.

    {"category": [...], "productSpecification": [...], "productOfferingPrice": [...], "productOffering": [...]}

An exported catalogue can be imported into an operator that has none of it: ids are kept, references hold. An id that
is none of ours gets the one that follows from it, always the same, so that nothing is doubled. An import goes through
the commands of the catalogue, all or nothing; each fault is told where it stands.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import Session, col, select

from satcom.core.database import find_for_update, principal_in
from satcom.core.entity import from_body, wire
from satcom.core.errors import Fault, NotFound, Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER, Principal
from satcom.core.settings import settings
from satcom.core.tmf_document import TmfDocument
from satcom.core.tmf_filter import is_uuid
from satcom.core.tmf_query import MAX_LIMIT, Query, list_rows, read_query
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import ENDED, CatalogEntry, bring, names_any, namings_of, revise
from satcom.enterprise.category import CatalogOfCategories, CategoryEntry

Body = dict[str, Json]
Revise = Callable[[Session, Any, Body, Principal], CatalogEntry]
Progress = Callable[[int, int], None]  # entries done, entries in all
OURS = frozenset({"id", "href", "lastUpdate"})  # what an importing operator says itself
STATUS = "lifecycleStatus"


@dataclass(frozen=True)
class Part:
    """One collection, and the command by which an entry of it is changed."""

    kind: type[CatalogEntry]
    revise: Revise = revise

    @property
    def name(self) -> str:
        return self.kind.api.collection


@dataclass(frozen=True)
class Exchange:
    """The collections of one API, each after those that its entries name."""

    document: TmfDocument
    parts: tuple[Part, ...]

    @property
    def names(self) -> str:
        return ", ".join(one.name for one in self.parts)


@dataclass(frozen=True)
class Scope:
    """What of a catalogue is meant: all of it, a collection with a filter, or one resource with what belongs to it."""

    part: Part | None = None
    query: Query = field(default_factory=Query)
    identifier: str | None = None


# -- Export ----------------------------------------------------------------------------------------------------------


def read_scope(exchange: Exchange, path: str | None, query: str | None) -> Scope:
    """Raises `Refused` on `/path` and `/query`."""
    if path is None:
        if query:
            raise Refused("/query", "it narrows a collection, and there is no path to one", "missing", exchange.names)
        return Scope()
    below = urlsplit(path).path.removeprefix(settings().root_path).removeprefix(exchange.document.base_path)
    name, _, identifier = below.strip("/").partition("/")
    part = next((one for one in exchange.parts if one.name == name), None)
    if part is None:
        accepted = f"{exchange.document.base_path}/ and one of {exchange.names}, or nothing for all"
        raise Refused("/path", f"there is no collection {name[:80]!r} to exchange", "notFound", accepted)
    if identifier and query:
        raise Refused("/query", "a single resource is not narrowed", "invalid", "a path to a collection")
    wanted = read_query(parse_qsl(query or "", keep_blank_values=True))
    if wanted != Query(filters=wanted.filters):
        raise Refused("/query", "only filters choose what is exchanged", "invalid", "attribute=value")
    return Scope(part, wanted, identifier or None)


def check_scope(session: Session, scope: Scope) -> None:
    """Raises `Refused` when the resource is not there or nobody has what the filter asks for."""
    if scope.part is None:
        return
    if scope.identifier is not None:
        known = session.get(scope.part.kind, scope.identifier) if is_uuid(scope.identifier) else None
        if known is None:
            why = f"there is no {scope.part.name} {scope.identifier[:80]!r}"
            raise Refused("/path", why, "notFound", "the path of a resource or a collection")
        return
    try:
        list_rows(session, [scope.part.kind], Query(scope.query.filters, limit=0), principal_in(session))
    except Refused as refused:
        faults = [Fault("/query", f"{one.field}: {one.why}", one.code, one.accepted) for one in refused.faults]
        raise Refused.all(faults) from refused


def exported(session: Session, exchange: Exchange, scope: Scope) -> dict[str, list[Body]]:
    """The resources by collection, each after what it names."""
    if scope.identifier is not None and scope.part is not None:
        found = _with_what_belongs(session, exchange, session.get_one(scope.part.kind, scope.identifier))
        return {name: [wire(one) for one in entries] for name, entries in found.items() if entries}
    parts = exchange.parts if scope.part is None else (scope.part,)
    return {part.name: list(_rows(session, part, scope.query)) for part in parts}


def _rows(session: Session, part: Part, query: Query) -> Iterator[Body]:
    for offset in count(0, MAX_LIMIT):
        page = list_rows(session, [part.kind], Query(query.filters, offset=offset, limit=MAX_LIMIT), WORKER)
        yield from page.rows
        if len(page.rows) < MAX_LIMIT:
            return


def _with_what_belongs(session: Session, exchange: Exchange, root: CatalogEntry) -> dict[str, list[CatalogEntry]]:
    """The entry, what is sorted into it when it is a category or catalogue, and whatever any of these names."""
    found: dict[str, CatalogEntry] = {}
    opened = [root]
    while opened:
        entry = opened.pop()
        if entry.id in found:
            continue
        found[entry.id] = entry
        opened += _members(session, entry) if isinstance(entry, CategoryEntry) else []
        opened += _named(session, exchange, entry) if isinstance(entry, CatalogOfCategories) else []
    waiting = list(found.values())
    while waiting:
        for named in _named(session, exchange, waiting.pop()):
            if named.id not in found:
                found[named.id] = named
                waiting.append(named)
    ordered = sorted(found.values(), key=lambda one: one.id)
    return {part.name: [one for one in ordered if isinstance(one, part.kind)] for part in exchange.parts}


def _members(session: Session, category: CategoryEntry) -> Iterator[CatalogEntry]:
    for kind, naming in namings_of(type(category)):
        if naming.listed_as is not None:
            yield from session.exec(select(kind).where(names_any(kind, naming, [category.id])))


def _named(session: Session, exchange: Exchange, entry: CatalogEntry) -> Iterator[CatalogEntry]:
    ours = [part.kind for part in exchange.parts]
    for naming in entry.names():
        ids = [identifier for _, identifier in entry.named(naming)]
        if ids and naming.kind in ours:
            yield from session.exec(select(naming.kind).where(col(naming.kind.id).in_(ids)))


# -- Import ----------------------------------------------------------------------------------------------------------


@dataclass
class Incoming:
    """One import as far as it has come."""

    session: Session
    faults: list[Fault] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    endings: list[tuple[Part, CatalogEntry, Json, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def attempt(self, at: str, identifier: str, act: Callable[[], None]) -> None:
        """Carry out one step; what it is refused for is kept as a fault of the place."""
        try:
            with self.session.begin_nested():
                act()
                self.session.flush()
            return
        except Refused as refused:
            for one in refused.faults:
                below = one.field if one.field.startswith("/") else f"/{one.field}"
                self.faults.append(Fault(f"{at}{below}", one.why, one.code, one.accepted))
        except (IntegrityError, DataError):
            self.faults.append(Fault(at, "the database does not accept it", "impossible"))
        self.broken.add(identifier)


def import_catalogue(session: Session, exchange: Exchange, content: Body, progress: Progress) -> None:
    """Enter what is new and change what differs. Raises `Refused` with every fault; whoever calls then rolls back.

    What a catalogue leaves out stays as it is. What ends, ends last, after what named it has changed.
    """
    incoming = Incoming(session)
    known = {part.name for part in exchange.parts}
    for name in sorted(content.keys() - known):
        incoming.faults.append(Fault(f"/{name}", "there is no such collection", "unknown", exchange.names))
    listed = [(part, _in_order(part, _items(incoming, part, content.get(part.name, [])))) for part in exchange.parts]
    total, done = sum(len(items) for _, items in listed), 0
    for part, items in listed:
        for at, item in items:
            _take_in(incoming, part, at, item)
            done += 1
            progress(done, total)
    for part, entry, status, at in reversed(incoming.endings):
        incoming.attempt(at, entry.id, lambda part=part, entry=entry, status=status: _end(session, part, entry, status))  # type: ignore[misc]
    if incoming.faults:
        raise Refused.all(incoming.faults)


def _items(incoming: Incoming, part: Part, given: Json) -> list[tuple[str, Body]]:
    """The resources of a collection, each with its place."""
    if not isinstance(given, list):
        incoming.faults.append(Fault(f"/{part.name}", "it is no list", "wrongType", "array"))
        return []
    items: list[tuple[str, Body]] = []
    for index, one in enumerate(given):
        at = f"/{part.name}/{index}"
        identifier = one.get("id") if isinstance(one, dict) else None
        if not isinstance(one, dict):
            incoming.faults.append(Fault(at, "it is no object", "wrongType", "object"))
        elif not isinstance(identifier, str) or not identifier:
            incoming.faults.append(Fault(f"{at}/id", "without an id it would be entered again each time", "missing"))
        elif _local(part.kind, identifier) in incoming.seen:
            incoming.faults.append(Fault(f"{at}/id", f"{identifier[:80]!r} is there twice", "duplicate", "each once"))
        else:
            incoming.seen.add(_local(part.kind, identifier))
            items.append((at, one))
    return items


def _in_order(part: Part, items: list[tuple[str, Body]]) -> list[tuple[str, Body]]:
    """Those that name others of their own kind after these; a ring is left as it is, and refused."""
    above = [naming.wire for naming in part.kind.names() if naming.kind is part.kind]
    ordered: list[tuple[str, Body]] = []
    waiting = items
    while waiting and above:
        ids = {one["id"] for _, one in waiting}
        ready = [(at, one) for at, one in waiting if not any(one.get(name) in ids for name in above)]
        if not ready:
            break
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    return ordered + waiting


def _local(kind: type[CatalogEntry], identifier: str) -> str:
    """The id that an entry has here."""
    return identifier.lower() if is_uuid(identifier) else loaded_id(kind.__name__, identifier)


def _take_in(incoming: Incoming, part: Part, at: str, item: Body) -> None:
    identifier = _local(part.kind, str(item["id"]))
    body = {name: value for name, value in item.items() if name not in OURS | part.kind.computed}
    for naming in part.kind.names():
        if naming.wire in body:
            body[naming.wire] = _relinked(naming.kind, body[naming.wire])

    def enter_or_change() -> None:
        wanted = from_body(part.kind, body)
        wanted.id = identifier
        if any(one in incoming.broken for naming in wanted.names() for _, one in wanted.named(naming)):
            incoming.broken.add(identifier)  # its cause is told
            return
        try:
            present = find_for_update(incoming.session, part.kind, identifier)
        except NotFound:
            bring(incoming.session, wanted, WORKER)
            return
        given, before = wire(wanted), wire(present)
        differing = [name for name in body if given.get(name) != before.get(name)]
        patch = {name: _replacing(before.get(name), given.get(name)) for name in differing}
        status = patch.get(STATUS)
        if status in {one.value for one in ENDED}:
            incoming.endings.append((part, present, patch.pop(STATUS), at))
        if patch:
            part.revise(incoming.session, present, patch, WORKER)

    incoming.attempt(at, identifier, enter_or_change)


def _end(session: Session, part: Part, entry: CatalogEntry, status: Json) -> None:
    session.refresh(entry)
    part.revise(session, entry, {STATUS: status}, WORKER)


def _relinked(kind: type[CatalogEntry], value: Json) -> Json:
    """A reference, several, or the id alone, as it is here."""
    if isinstance(value, list):
        return [_relinked(kind, one) for one in value]
    if isinstance(value, dict):
        identifier = value.get("id")
        if not isinstance(identifier, str) or is_uuid(identifier):
            return value
        return {name: one for name, one in value.items() if name != "href"} | {"id": _local(kind, identifier)}
    return _local(kind, value) if isinstance(value, str) else value


def _replacing(old: Json, new: Json) -> Json:
    """The merge patch that makes `new` of `old`, whatever `old` had."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    gone: Body = dict.fromkeys(old.keys() - new.keys())
    return gone | {name: _replacing(old.get(name), value) for name, value in new.items()}


def fault_lines(faults: Sequence[Fault]) -> str:
    """The faults as they stand in the error log of a job, one a line."""
    return "\n".join(
        f"{one.field}: {one.why} ({one.code}" + (f"; accepted: {one.accepted})" if one.accepted else ")")
        for one in faults
    )
