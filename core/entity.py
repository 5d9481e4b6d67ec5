"""Entities: one declaration from which table, JSON body, reading routes, filters, event names and life cycle follow.

A column whose name the TM Forum document knows goes out under that name in camelCase. A column that it does not know
goes out as a characteristic where the resource has them, else as an attribute of our own. Attributes that the document
knows and that no column holds are kept in `further` and returned as they came.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from typing import Any, ClassVar, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from sqlalchemy import BigInteger, Dialect, Numeric, Uuid
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TIMESTAMP, TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel
from uuid_utils import uuid7

from satcom.core.clock import now
from satcom.core.errors import Fault, Refused, WrongState
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability
from satcom.core.tmf_document import TmfDocument, body_faults, tmf_document
from satcom.core.values import Json, instant_text
from satcom.core.wrong_value import wrong_value

OWN_PREFIX = "/satcom-api"
META = {"@type", "@baseType", "@schemaLocation"}
E = TypeVar("E", bound="Entity")


def new_id() -> str:
    """A UUIDv7: unique without asking anybody, and in order of creation."""
    return str(uuid7())


class JsonOf(TypeDecorator[Any]):
    """A JSONB column that holds a typed value, written in its wire form."""

    impl = JSONB
    cache_ok = True

    def __init__(self, of: Any) -> None:
        super().__init__()
        self.of = of
        self.adapter: TypeAdapter[Any] = TypeAdapter(of)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.wire(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.adapter.validate_python(value)

    def wire(self, value: Any) -> Json:
        dumped: Json = self.adapter.dump_python(value, mode="json", by_alias=True, exclude_none=True)
        return dumped


def state_type(states: type[StrEnum]) -> SqlEnum:
    """States and enumerations are text with a CHECK: readable in the database, and changed without a lock."""
    return SqlEnum(
        states,
        values_callable=lambda kind: [member.value for member in kind],
        native_enum=False,
        create_constraint=True,
        length=40,
        name=f"{states.__name__.lower()}_known",
    )


def id_type() -> TypeEngine[str]:
    return Uuid(as_uuid=False)


INSTANT = TIMESTAMP(timezone=True)
HERTZ = BigInteger()
AMOUNT = Numeric(18, 6)


@dataclass(frozen=True)
class Api:
    """Where a resource stands in the API, and who may read it."""

    base_path: str
    collection: str
    reads: Capability
    document: TmfDocument | None = None
    definition: str | None = None
    subtype: str | None = None

    @property
    def event_definition(self) -> str | None:
        """What events call it, where the document tells kinds of one family apart."""
        return self.subtype or self.definition

    @property
    def path(self) -> str:
        return f"{self.base_path}/{self.collection}"


def tmf(document: str, definition: str, reads: Capability, subtype: str | None = None) -> Api:
    """A resource of an official document, at the path the document gives it."""
    official = tmf_document(document)
    collection = definition[0].lower() + definition[1:]
    return Api(official.base_path, collection, reads, official, definition, subtype)


def own(base_path: str, collection: str, reads: Capability) -> Api:
    """A resource that no TM Forum document describes."""
    return Api(f"{OWN_PREFIX}/{base_path}", collection, reads)


class Entity(SQLModel):
    """What every entity has. `party_id` is the party it belongs to; `None` only for what belongs to nobody.

    `extensions` are attributes of our own that a client may send; `computed` are those that he may only read.
    """

    id: str = Field(default_factory=new_id, primary_key=True, sa_type=Uuid(as_uuid=False))
    party_id: str | None = Field(default=None, index=True, sa_type=Uuid(as_uuid=False))
    version: int = Field(default=1)
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    further: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)

    api: ClassVar[Api]
    life_cycle: ClassVar[LifeCycle[Any] | None] = None
    state_field: ClassVar[str] = "state"
    private: ClassVar[frozenset[str]] = frozenset()
    characteristic_field: ClassVar[str | None] = None
    readable_by_all: ClassVar[bool] = False
    extensions: ClassVar[frozenset[str]] = frozenset()
    computed: ClassVar[frozenset[str]] = frozenset()

    @property
    def href(self) -> str:
        return self.href_of(partial(getattr, self))

    @classmethod
    def href_of(cls, value: Callable[[str], Any]) -> str:
        """Where the row lies, its values by column: overridden by what lies below another."""
        return f"{cls.api.path}/{value('id')}"


NEVER_SHOWN = frozenset({"party_id", "version", "created_at", "updated_at", "further"})


@dataclass(frozen=True)
class Attribute:
    """One column as it appears outside."""

    column: str
    wire: str
    characteristic: bool
    json: JsonOf | None
    writable: bool


@dataclass(frozen=True)
class Shape:
    """How an entity's columns and its JSON body correspond."""

    kind: type[Entity]
    attributes: tuple[Attribute, ...]
    by_wire: dict[str, Attribute]

    def wire(self, values: dict[str, Any]) -> dict[str, Json]:
        """The body of one row, `values` by column, JSON columns in wire form."""
        kind = self.kind
        body: dict[str, Json] = {"id": values["id"], "href": kind.href_of(values.__getitem__), "@type": kind.__name__}
        characteristics: list[Json] = []
        for attribute in self.attributes:
            value = values[attribute.column]
            if value is None:
                continue
            plain = plain_value(value)
            if attribute.characteristic:
                characteristics.append({"name": attribute.wire, "value": plain, "valueType": _value_type(plain)})
            else:
                body[attribute.wire] = plain
        body.update(values["further"])
        if kind.characteristic_field and characteristics:
            given = body.get(kind.characteristic_field, [])
            body[kind.characteristic_field] = characteristics + (given if isinstance(given, list) else [])
        return body

    def of(self, entity: Entity) -> dict[str, Json]:
        """The body of an entity in memory."""
        values: dict[str, Any] = {"id": entity.id, "further": entity.further}
        for attribute in self.attributes:
            value = getattr(entity, attribute.column)
            values[attribute.column] = attribute.json.wire(value) if attribute.json and value is not None else value
        return self.wire(values)


def plain_value(value: Any) -> Json:
    """A column's value as JSON: instants and days as ISO 8601, amounts as numbers, enumerations as their text."""
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, StrEnum):
        return value.value
    plain: Json = value
    return plain


def _value_type(value: Json) -> str:
    kinds: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")


@cache
def shape(kind: type[Entity]) -> Shape:
    """The correspondence for `kind`, worked out once."""
    api = kind.api
    official = api.document.attributes(api.definition) if api.document and api.definition else frozenset()
    attributes = []
    for name in kind.model_fields:
        if name == "id" or name in NEVER_SHOWN or name in kind.private:
            continue
        wire = to_camel(name)
        known = wire in official
        column_type = kind.__table__.c[name].type  # type: ignore[attr-defined]
        as_json = column_type if isinstance(column_type, JsonOf) else None
        as_characteristic = not known and kind.characteristic_field is not None
        writable = known or as_characteristic or wire in kind.extensions
        attributes.append(Attribute(name, wire, as_characteristic, as_json, writable))
    return Shape(kind, tuple(attributes), {attribute.wire: attribute for attribute in attributes})


def wire(entity: Entity) -> dict[str, Json]:
    """The JSON body of an entity."""
    return shape(type(entity)).of(entity)


def from_body(kind: type[E], body: Json, at: Api | None = None) -> E:
    """A new entity from a POST body, checked against the official document and the column types.

    `at` is where it was sent to, when that is not the kind's own collection. Raises `Refused` with every fault, each
    under its JSON pointer.
    """
    api = at or kind.api
    if api.document is None or api.definition is None:
        raise TypeError(f"{kind.__name__} has no document to check a body against")
    faults = body_faults(api.document, api.document.create_definition(api.definition), body, kind.extensions)
    faults += computed_faults(kind, body) if isinstance(body, dict) else []
    if faults or not isinstance(body, dict):
        raise Refused.all(faults)
    return from_wire(kind, body)


def computed_faults(kind: type[Entity], body: dict[str, Json]) -> list[Fault]:
    """What of a body follows from other things, and is written by nobody."""
    return [Fault(f"/{name}", "it is computed", "readOnly") for name in sorted(kind.computed & body.keys())]


def from_wire(kind: type[E], body: dict[str, Json]) -> E:
    """A new entity from attributes in wire form that are known to fit the document."""
    entity: E = checked(kind, columns_of(kind, body))
    return entity


def checked(kind: type[E], values: dict[str, Any]) -> E:
    """Construct with validation: a table model does not validate by itself."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise Refused.all(_column_faults(kind, error)) from error


def columns_of(kind: type[Entity], body: dict[str, Json]) -> dict[str, Any]:
    """Sort the attributes of a body into columns and `further`."""
    form = shape(kind)
    values: dict[str, Any] = {}
    further: dict[str, Json] = {}
    for name, value in body.items():
        attribute = form.by_wire.get(name)
        if name in ("id", "href") or (name == "@type" and value == kind.__name__):
            continue
        if attribute is not None:  # a column that only the subtype's document names is a characteristic elsewhere
            values[attribute.column] = value
        elif name == kind.characteristic_field and isinstance(value, list):
            rest: list[Json] = []
            for one in value:
                known = form.by_wire.get(str(one.get("name"))) if isinstance(one, dict) else None
                if isinstance(one, dict) and known is not None and known.characteristic:
                    values[known.column] = one.get("value")
                else:
                    rest.append(one)
            if rest:
                further[name] = rest
        else:
            further[name] = value
    return values | {"further": further}


def change(entity: Entity, patch: dict[str, Json]) -> None:
    """Apply a merge patch (RFC 7386) in wire form to the entity; the whole is validated again.

    Raises `Refused` with every fault; the entity is then unchanged.
    """
    kind = type(entity)
    state_name = to_camel(kind.state_field)
    if kind.life_cycle is not None and state_name in patch and patch[state_name] != wire(entity)[state_name]:
        raise WrongState(f"/{state_name}", "it is moved by what happens to the object, not by a change", "illegalMove")
    if kind.computed & patch.keys():
        raise Refused.all(computed_faults(kind, patch))
    merged = merge_patch(wire(entity), patch)
    if not isinstance(merged, dict):
        raise Refused("/", "the patch is not a JSON object", "wrongType", "object")
    values = columns_of(kind, merged)
    inside = {name: getattr(entity, name) for name in kind.private}
    fresh = checked(kind, inside | values | {"id": entity.id})
    form = shape(kind)
    touched = {form.by_wire[name].column for name in patch if name in form.by_wire}
    if kind.characteristic_field in patch:
        touched |= {attribute.column for attribute in form.attributes if attribute.characteristic}
    for column in touched:
        if getattr(entity, column) != getattr(fresh, column):
            setattr(entity, column, getattr(fresh, column))
    if entity.further != fresh.further:
        entity.further = fresh.further


def merge_patch(target: Json, patch: Json) -> Json:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _column_faults(kind: type[Entity], error: ValidationError) -> list[Fault]:
    faults = []
    for one in error.errors(include_url=False):
        steps = [to_camel(str(step)) if index == 0 else str(step) for index, step in enumerate(one["loc"])]
        if kind.characteristic_field and steps and shape(kind).by_wire.get(steps[0], None) is not None:
            attribute = shape(kind).by_wire[steps[0]]
            steps = [kind.characteristic_field, *steps] if attribute.characteristic else steps
        faults.append(wrong_value(one, "/" + "/".join(steps)))
    return faults
