"""Reading collections the TM Forum way (TMF630): attribute filters, `fields`, `sort`, `offset` and `limit`.

`?relatedParty.id=42&orderDate.gt=2026-01-01T00:00:00Z&state=held,inProgress&sort=-orderDate&fields=state`
What a filter may ask is in `tmf_filter`. Rows go from the database to JSON without passing through entities.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.errors import QueryCanceled
from sqlalchemy import ColumnElement, and_, func, literal, select, true, type_coerce, union_all
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, OperationalError
from sqlmodel import Session, col

from satcom.core.entity import META, Entity, JsonOf, shape
from satcom.core.errors import Fault, NotFound, Refused
from satcom.core.security import Principal
from satcom.core.tenancy import visible
from satcom.core.tmf_filter import Filter, attributes_of, condition, is_json, is_uuid, read_filter, value_faults
from satcom.core.values import Json

DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET = 100, 1000, 10**9
REGEX_TIME_LIMIT_MS = 2000
MAX_VALUE_LENGTH = 1000


@dataclass(frozen=True)
class Query:
    """What was asked for."""

    filters: tuple[Filter, ...] = ()
    fields: frozenset[str] = frozenset()
    sort: tuple[tuple[str, bool], ...] = ()  # (attribute, descending)
    offset: int = 0
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True)
class Page:
    """`total` is `None` when there are more than are counted."""

    rows: list[dict[str, Json]]
    total: int | None


@dataclass(frozen=True)
class Part:
    """A part of a collection that is read as a list of its own: which rows, and how many are `counted` at most."""

    where: ColumnElement[bool]
    counted: int | None


EVERYTHING = Part(true(), None)


@dataclass
class _Reader:
    faults: list[Fault] = field(default_factory=list)

    def number(self, name: str, text: str, most: int) -> int:
        if not re.fullmatch(r"\d{1,10}", text) or int(text) > most:
            self.faults.append(Fault(name, f"{text[:40]!r} is no number from 0 to {most}", "invalid", f"0 to {most}"))
            return 0
        return int(text)


def read_query(parameters: Sequence[tuple[str, str]]) -> Query:
    """Read the query string. Raises `Refused` with every fault."""
    reader = _Reader()
    filters: list[Filter] = []
    fields: frozenset[str] = frozenset()
    sort: tuple[tuple[str, bool], ...] = ()
    offset, limit = 0, DEFAULT_LIMIT
    for name, value in parameters:
        if not name:
            reader.faults.append(Fault("query", f"{value[:80]!r} has no name before it", "invalid", "name=value"))
        elif "\x00" in name + value or len(value) > MAX_VALUE_LENGTH:
            reader.faults.append(Fault(name[:80].replace("\x00", ""), f"longer than {MAX_VALUE_LENGTH} or not text"))
        elif name == "fields":
            fields = frozenset(part.split(".")[0].strip() for part in value.split(",") if part.strip())
        elif name == "sort":
            sort = tuple((part.strip().lstrip("+-"), part.strip().startswith("-")) for part in value.split(",") if part)
        elif name == "offset":
            offset = reader.number("offset", value, MAX_OFFSET)
        elif name == "limit":
            limit = reader.number("limit", value, MAX_LIMIT)
        else:
            filters.append(read_filter(name, value))
    if reader.faults:
        raise Refused.all(reader.faults)
    return Query(tuple(filters), fields, sort, offset, limit)


def _conditions(
    kinds: Sequence[type[Entity]], query: Query, principal: Principal
) -> list[tuple[type[Entity], ColumnElement[bool]]]:
    """Per kind that can match at all, what its rows must meet. Raises `Refused` on an attribute or value nobody has."""
    known = frozenset().union(*(attributes_of(kind) for kind in kinds))
    heads = [(one.name, one.path[0]) for one in query.filters] + [("sort", name) for name, _ in query.sort]
    heads += [("fields", name) for name in query.fields if name not in META]
    faults = [
        Fault(name, f"there is no attribute {head[:80]!r}", "unknownAttribute", ", ".join(sorted(known)))
        for name, head in heads
        if head not in known
    ]
    asked = [(one.name, one.path[0]) for one in query.filters] + [("sort", name) for name, _ in query.sort]
    faults += [
        Fault(name, f"{head} is computed for who reads it; ask for what it follows from", "readOnly")
        for name, head in asked
        if any(head in kind.computed - shape(kind).by_wire.keys() for kind in kinds)
    ]
    for one in query.filters:
        having = [kind for kind in kinds if one.path[0] in attributes_of(kind)]
        faults += value_faults(having, one)
    if faults:
        raise Refused.all(faults)
    found = []
    for kind in kinds:
        parts = [condition(kind, one) for one in query.filters]
        present = [part for part in parts if part is not None]
        if len(present) == len(parts):
            found.append((kind, and_(visible(kind, principal), *present)))
    return found


def _order(kind: type[Entity], query: Query) -> list[ColumnElement[Any]]:
    table = kind.__table__  # type: ignore[attr-defined]
    order: list[ColumnElement[Any]] = []
    for name, descending in query.sort:
        attribute = shape(kind).by_wire.get(name)
        if name not in ("id", "href") and (attribute is None or is_json(table.c[attribute.column])):
            able = sorted(one.wire for one in shape(kind).attributes if not is_json(table.c[one.column]))
            raise Refused("sort", f"cannot sort by {name!r}", "unsortable", ", ".join(able))
        column = table.c.id if attribute is None else table.c[attribute.column]
        order.append(column.desc() if descending else column.asc())
    return [*order, table.c.id]


def list_rows(
    session: Session, kinds: Sequence[type[Entity]], query: Query, principal: Principal, part: Part = EVERYTHING
) -> Page:
    """One page of whole rows, and the total. Raises `Refused` when a pattern is wrong or takes too long."""
    patterns = [one for one in query.filters if one.operator == "regex"]
    if not patterns:
        return _list_rows(session, kinds, query, principal, part)
    session.connection().execute(sql_text(f"SET LOCAL statement_timeout = {REGEX_TIME_LIMIT_MS}"))
    try:
        return _list_rows(session, kinds, query, principal, part)
    except DataError as error:
        raise Refused(patterns[0].name, f"no regular expression: {error.orig}"[:200], "invalid") from error
    except OperationalError as error:
        if isinstance(error.orig, QueryCanceled):
            why = f"took longer than {REGEX_TIME_LIMIT_MS} ms; make the expression simpler"
            raise Refused(patterns[0].name, why, "tooSlow") from error
        raise


def _list_rows(session: Session, kinds: Sequence[type[Entity]], query: Query, principal: Principal, part: Part) -> Page:
    """One page and the total: two statements for one kind of entity, one more per kind in a family."""
    matching = [(kind, and_(part.where, where)) for kind, where in _conditions(kinds, query, principal)]
    counts = [_count(session, kind, where, part) for kind, where in matching]
    total = None if None in counts else sum(one for one in counts if one is not None)
    if not matching or query.limit == 0 or (total is not None and query.offset >= total):
        return Page([], total)
    if len(kinds) == 1:
        kind, where = matching[0]
        page = _columns(kind).where(where).order_by(*_order(kind, query)).offset(query.offset).limit(query.limit)
        found = [shape(kind).wire(dict(row)) for row in session.connection().execute(page).mappings()]
    else:
        found = _family_rows(session, matching, query)
    return Page(found, total)


def _count(session: Session, kind: type[Entity], where: ColumnElement[bool], part: Part) -> int | None:
    """How many there are; `None` when they are more than are counted."""
    counted = select(func.count()).select_from(kind).where(where)
    if part.counted is not None:
        first = select(literal(1)).select_from(kind).where(where).limit(part.counted + 1)
        counted = select(func.count()).select_from(first.subquery())
    found: int = session.connection().execute(counted).scalar_one()
    return found if part.counted is None or found <= part.counted else None


def _family_rows(
    session: Session, matching: list[tuple[type[Entity], ColumnElement[bool]]], query: Query
) -> list[dict[str, Json]]:
    """A page out of several tables: first the ids in order, then the rows of each table."""
    if any(name not in ("id", "href") for name, _ in query.sort):
        raise Refused("sort", "resources of several types are sorted by id only; ask for one @type", "unsortable", "id")
    descending = bool(query.sort) and query.sort[0][1]
    ids = union_all(
        *(
            select(col(kind.id).label("id"), literal(place).label("place")).where(where)
            for place, (kind, where) in enumerate(matching)
        )
    ).subquery()
    order = ids.c.id.desc() if descending else ids.c.id
    page = select(ids.c.id, ids.c.place).order_by(order).offset(query.offset).limit(query.limit)
    keys = [(str(row.id), int(row.place)) for row in session.connection().execute(page)]
    rows: dict[str, dict[str, Json]] = {}
    for place, (kind, _) in enumerate(matching):
        wanted = [identifier for identifier, where in keys if where == place]
        if wanted:
            statement = _columns(kind).where(kind.__table__.c.id.in_(wanted))  # type: ignore[attr-defined]
            for row in session.connection().execute(statement).mappings():
                rows[row["id"]] = shape(kind).wire(dict(row))
    return [rows[identifier] for identifier, _ in keys]


def _columns(kind: type[Entity]) -> Any:
    table = kind.__table__  # type: ignore[attr-defined]
    form = shape(kind)
    columns = [table.c.id, table.c.further, table.c.version]
    for attribute in form.attributes:
        column = table.c[attribute.column]
        raw = isinstance(column.type, JsonOf)
        columns.append(type_coerce(column, JSONB).label(attribute.column) if raw else column)
    return select(*columns)


def get_row(
    session: Session, kinds: Sequence[type[Entity]], identifier: str, principal: Principal
) -> tuple[dict[str, Json], int]:
    """One body and its version. Raises `NotFound`, also for what belongs to others."""
    if is_uuid(identifier):
        for kind in kinds:
            statement = _columns(kind).where(
                and_(kind.__table__.c.id == identifier, visible(kind, principal))  # type: ignore[attr-defined]
            )
            row = session.connection().execute(statement).mappings().first()
            if row is not None:
                return shape(kind).wire(dict(row)), row["version"]
    raise NotFound(kinds[0].api.collection, identifier)


def chosen(body: dict[str, Json], fields: frozenset[str]) -> dict[str, Json]:
    """The attributes asked for; `id` and `href` always."""
    if not fields:
        return body
    return {name: value for name, value in body.items() if name in fields or name in ("id", "href")}
