"""One filter of a query (TMF630): read from its text, held against the attribute's type, and turned into SQL.

Filters reach into nested attributes and lists. A value that the attribute can never have is refused with what it can
have; else a misspelt state would look like an empty inventory.
"""

import json
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    String,
    Uuid,
    cast,
    false,
    func,
    literal,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.json import JSONPATH
from sqlalchemy.types import TypeEngine

from satcom.core.clock import now
from satcom.core.entity import Entity, JsonOf, shape
from satcom.core.errors import Fault
from satcom.core.tmf_document import TmfDocument
from satcom.core.values import instant_text

OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "regex": "like_regex"}
COMPARISONS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
UUID_FORM = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# As JSON and the JSON path language write numbers: no leading zeros, no digits of other scripts.
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
NOW, TODAY = "now", "today"  # what is late is asked for by the business clock, which a caller does not know
TRUTHS: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class Filter:
    """One condition: `path` into the body, an operator, and the values of which one must fit."""

    name: str
    path: tuple[str, ...]
    operator: str
    values: tuple[str, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """The values of an attribute that is no free text: there a comma is always an "or"."""
        return self.values[1:] or self.values


def read_filter(name: str, value: str) -> Filter:
    steps = tuple(name.split("."))
    operator = steps[-1] if len(steps) > 1 and steps[-1] in OPERATORS else "eq"
    path = steps[:-1] if len(steps) > 1 and steps[-1] in OPERATORS else steps
    # A comma means "or", but a name may hold one: the whole text counts too.
    parts = tuple(dict.fromkeys([value, *value.split(",")])) if operator == "eq" else (value,)
    return Filter(name, path, operator, parts)


@dataclass(frozen=True)
class Form:
    """How the values of an attribute are written. `read` gives `None` for what is none."""

    why: str
    accepted: tuple[str, ...]
    read: Callable[[str], Any]


def _whole(text: str) -> int | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return number if abs(number) < 2**63 else None


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    fits = amount.is_finite() and (not amount or -300 < amount.adjusted() < 18)  # what a double can hold, too
    return amount if fits else None


def _day(text: str) -> date | None:
    if text == TODAY:
        return now().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    """An instant; a day alone is its midnight in UTC."""
    if text == NOW:
        return now()
    day = _day(text)
    if day is not None:
        return datetime.combine(day, time.min, UTC)
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # an unescaped + arrives as a blank
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


WHOLE = Form("is no whole number", ("a whole number, as 12",), _whole)
AMOUNT = Form("is no number", ("a number, as 12.5",), _amount)
NUMBER_IN_JSON = Form(AMOUNT.why, AMOUNT.accepted, lambda text: JSON_NUMBER.fullmatch(text) and text)
DAY = Form("is no day", ("a day, as 2026-12-31", f"{TODAY}, in UTC by the business clock"), _day)
TRUTH = Form("is neither true nor false", ("true", "false"), TRUTHS.get)
INSTANT = Form(
    "is no instant",
    (
        "an instant, as 2026-12-31T00:00:00Z",
        "a day, as 2026-12-31, for its midnight in UTC",
        f"{NOW}, by the business clock",
    ),
    _instant,
)
INSTANT_IN_JSON = Form(INSTANT.why, INSTANT.accepted, lambda text: (at := _instant(text)) and instant_text(at))
ID = Form("is no id", ("an id, as it was given out",), lambda text: text if is_uuid(text) else None)


def _one_of(values: Sequence[str], read: Callable[[str], Any] | None = None) -> Form:
    known = read or (lambda text: text)
    return Form("is not known", tuple(values), lambda text: known(text) if text in values else None)


def _form_in_column(column: TypeEngine[Any]) -> Form | None:
    """`None` for free text."""
    if isinstance(column, Enum):
        return _one_of(column.enums, column.enum_class)
    if isinstance(column, Uuid):
        return ID
    if isinstance(column, DateTime):
        return INSTANT
    if isinstance(column, Date):
        return DAY
    kinds: dict[type, Form] = {bool: TRUTH, int: WHOLE, float: AMOUNT, Decimal: AMOUNT}
    return kinds.get(column.python_type)


def _form_in_json(document: TmfDocument, definition: str, path: Sequence[str]) -> Form | None:
    """What the official document says of a nested attribute; `None` where it leaves the value open."""
    schema: Any = document.definitions[definition]
    for step in path:
        schema = _resolved(document, schema).get("properties", {}).get(step)
        if schema is None:
            return None
    schema = _resolved(document, schema)
    if "enum" in schema:
        return _one_of([str(one) for one in schema["enum"]])
    if schema.get("format") == "date-time":
        return INSTANT_IN_JSON
    named: dict[str, Form] = {"boolean": TRUTH, "integer": NUMBER_IN_JSON, "number": NUMBER_IN_JSON}
    return named.get(str(schema.get("type")))


def _resolved(document: TmfDocument, schema: Any) -> Any:
    """The schema itself, behind references and lists: a filter looks into lists."""
    while "$ref" in schema or "items" in schema:
        schema = document.definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema["items"]
    return schema


def _form_of(kind: type[Entity], path: tuple[str, ...]) -> Form | None:
    if path == ("@type",):
        return _one_of([kind.__name__])
    if path[0] in ("id", "href"):
        return None  # what is no id of ours is nobody's, which is an answer
    attribute = shape(kind).by_wire.get(path[0])
    if attribute is not None:
        column = kind.__table__.c[attribute.column]  # type: ignore[attr-defined]
        if not is_json(column):
            return _form_in_column(column.type) if len(path) == 1 else None
    api = kind.api
    definition = api.event_definition
    return _form_in_json(api.document, definition, path) if api.document and definition else None


def value_faults(kinds: Sequence[type[Entity]], wanted: Filter) -> list[Fault]:
    """Why no attribute of these kinds, which all have it, can have what is asked for."""
    if wanted.operator == "regex":
        return []
    found = [_form_of(kind, wanted.path) for kind in kinds]
    forms = [form for form in found if form is not None]
    if not forms or None in found:
        return []
    accepted = ", ".join(dict.fromkeys(one for form in forms for one in form.accepted))
    if TRUTH in forms and wanted.operator != "eq":
        return [Fault(wanted.name, "true and false are not compared by size", "invalid", "true or false, without .gt")]
    wrong = [part for part in wanted.parts if all(form.read(part) is None for form in forms)]
    faults = [Fault(wanted.name, f"{part[:60]!r} {forms[0].why}", "invalid", accepted) for part in wrong]
    if not faults and wanted.operator == "eq" and forms[0] in (INSTANT, INSTANT_IN_JSON):
        return [_whole_day(wanted, day) for part in wanted.parts if (day := _day(part)) is not None]
    return faults


def _whole_day(wanted: Filter, day: date) -> Fault:
    """Who asks for a day means all of it, and would find nothing at its midnight."""
    name = wanted.name.removesuffix(".eq")
    after = f"&{name}.lt={day + timedelta(days=1)}" if day < date.max else ""
    return Fault(wanted.name, f"{day} is a day, and this an instant", "invalid", f"{name}.gte={day}{after}")


def is_uuid(text: str) -> bool:
    """Whether it is written as ids are; Python and PostgreSQL each read further forms, and not the same."""
    return UUID_FORM.fullmatch(text) is not None


def is_json(column: ColumnElement[Any]) -> bool:
    return isinstance(column.type, JsonOf | JSONB)


def attributes_of(kind: type[Entity]) -> frozenset[str]:
    """Every attribute that may be asked for, sorted or filtered by."""
    api = kind.api
    definitions = [one for one in (api.definition, api.subtype) if one is not None]
    official = frozenset[str]().union(*(api.document.attributes(one) for one in definitions if api.document))
    return official | frozenset(shape(kind).by_wire) | {"id", "href", "@type"}


def condition(kind: type[Entity], wanted: Filter) -> ColumnElement[bool] | None:
    """The SQL condition of one filter on `kind`; `None` when `kind` has no such attribute."""
    head, rest = wanted.path[0], wanted.path[1:]
    table = kind.__table__  # type: ignore[attr-defined]
    if head == "@type" and wanted.operator == "eq":
        return true() if kind.__name__ in wanted.values else false()
    if head in ("id", "href") and not rest:
        ids = [value.rsplit("/", 1)[-1] for value in wanted.values]
        found: ColumnElement[bool] = table.c.id.in_([identifier for identifier in ids if is_uuid(identifier)])
        return found
    attribute = shape(kind).by_wire.get(head)
    form = _form_of(kind, wanted.path)
    if attribute is None:
        return _in_json(table.c.further, wanted, wanted.path, form) if head in attributes_of(kind) else None
    column = table.c[attribute.column]
    if is_json(column):
        return _in_json(type_coerce(column, JSONB), wanted, rest, form)
    if isinstance(column.type, ARRAY):  # its members are asked for, as those of a list within JSON
        return _in_json(func.to_jsonb(column), wanted, rest, form)
    return None if rest else _in_column(column, wanted, form)


def _in_json(
    column: ColumnElement[Any], wanted: Filter, path: tuple[str, ...], form: Form | None
) -> ColumnElement[bool]:
    """`column @? path`: lists are looked into at every level, and a GIN index can serve it."""
    steps = "".join(f".{json.dumps(step)}" for step in path)
    instants = form is INSTANT_IN_JSON and wanted.operator != "regex"
    tests = []
    for value in [INSTANT_IN_JSON.read(part) for part in wanted.parts] if instants else wanted.values:
        tests.append(f"@ {OPERATORS[wanted.operator]} {json.dumps(value)}")
        if wanted.operator != "regex" and (JSON_NUMBER.fullmatch(value) or value in TRUTHS):
            tests.append(f"@ {OPERATORS[wanted.operator]} {value}")
    expression = f"${steps} ? ({' || '.join(tests)})"
    return column.op("@?", is_comparison=True)(cast(literal(expression), JSONPATH))


def _in_column(column: ColumnElement[Any], wanted: Filter, form: Form | None) -> ColumnElement[bool]:
    """What another kind of a family reads as a value may be none here: then nothing fits."""
    if wanted.operator == "regex":
        return cast(column, String).regexp_match(wanted.values[0])
    if form is None:
        values: list[Any] = list(wanted.values)
    else:
        values = [value for part in wanted.parts if (value := form.read(part)) is not None]
    if not values or (wanted.operator != "eq" and isinstance(column.type, Boolean)):
        return false()
    if wanted.operator == "eq":
        return column.in_(values)
    compared: ColumnElement[bool] = COMPARISONS[wanted.operator](column, values[0])
    return compared
