"""The change log: one row per change, in the transaction that makes it.

Who, when, on which business day, before and after. Audit, history and the event outbox are read from it, so nothing
else has to be kept in step. It is written by the session itself: a command cannot forget it.
"""

from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Identity, bindparam, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import PassiveFlag
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.attributes import History
from sqlmodel import Field, SQLModel

from satcom.core.clock import now, wall_now
from satcom.core.entity import INSTANT, NEVER_SHOWN, Entity, id_type, new_id, plain_value, shape
from satcom.core.logs import tell
from satcom.core.values import Json


class Change(SQLModel, table=True):
    """One change of one entity. `event_type` is the official TM Forum name of what happened."""

    __tablename__ = "change_log"
    visible_to_staff_only: ClassVar[bool] = True

    sequence: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    id: str = Field(default_factory=new_id, unique=True, sa_type=id_type())
    at: datetime = Field(default_factory=wall_now, sa_type=INSTANT)
    business_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    by: str
    mark: str | None = None
    party_id: str | None = Field(default=None, sa_type=id_type())
    entity_type: str
    entity_id: str = Field(index=True, sa_type=id_type())
    version: int
    event_type: str
    order_reference: str | None = Field(default=None, index=True)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    after: dict[str, Any] | None = Field(default=None, sa_type=JSONB)


def log_changes(session: OrmSession, *_: object) -> None:
    """Write the log rows of everything about to be flushed (called by the session before each flush)."""
    rows = []
    for entity in session.new:
        if isinstance(entity, Entity):
            rows.append(_row(session, entity, "CreateEvent", None, shape(type(entity)).of(entity)))
    for entity in session.dirty:
        if isinstance(entity, Entity) and (changed := _changed_columns(entity)):
            rows.append(_changed(session, entity, changed))
    for entity in session.deleted:
        if isinstance(entity, Entity):
            rows.append(_row(session, entity, "DeleteEvent", shape(type(entity)).of(entity), None))
    if rows:
        # past the ORM, which would look at every value of a row that it does not keep; one parameter, however many rows
        session.connection().execute(_INSERT, {"rows": rows})


_COLUMNS = ", ".join(name for name in Change.model_fields if name != "sequence")
_INSERT = text(
    f"INSERT INTO change_log ({_COLUMNS}) SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::change_log, :rows)"
).bindparams(bindparam("rows", type_=JSONB))


def _changed_columns(entity: Entity) -> dict[str, History]:
    """What a flush will write: the columns that hold another value than the row. Only those set are looked at."""
    state = inspect(entity)
    touched = _columns_of(type(entity)) - state.unmodified
    histories = ((name, state.get_history(name, PassiveFlag.PASSIVE_NO_INITIALIZE)) for name in touched)
    return {name: history for name, history in histories if history.has_changes()}


@cache
def _columns_of(kind: type[Entity]) -> frozenset[str]:
    return frozenset(inspect(kind).column_attrs.keys())


def _changed(session: OrmSession, entity: Entity, changed: dict[str, History]) -> dict[str, Any]:
    """The row of a changed entity, holding only what changed; its version goes up by one."""
    form = shape(type(entity))
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    for attribute in form.attributes:
        if attribute.column in changed:
            history = changed[attribute.column]
            old = history.deleted[0] if history.deleted else None
            for side, value in ((before, old), (after, getattr(entity, attribute.column))):
                is_json = attribute.json is not None and value is not None
                side[attribute.wire] = attribute.json.wire(value) if is_json and attribute.json else plain_value(value)
    if "further" in changed:
        further = changed["further"]
        old_further = further.deleted[0] if further.deleted else {}
        names = {name for name in old_further | entity.further if old_further.get(name) != entity.further.get(name)}
        before |= {name: old_further[name] for name in names & set(old_further)}
        after |= {name: entity.further[name] for name in names & set(entity.further)}
    for column in (type(entity).private - NEVER_SHOWN) & changed.keys():
        after.setdefault("@private", []).append(column)  # type: ignore[union-attr]
    entity.version += 1
    entity.updated_at = now()
    moved = entity.life_cycle is not None and entity.state_field in changed
    return _row(session, entity, "StateChangeEvent" if moved else "AttributeValueChangeEvent", before, after)


def _row(
    session: OrmSession, entity: Entity, kind: str, before: dict[str, Json] | None, after: dict[str, Json] | None
) -> dict[str, Any]:
    order, event_type = session.info.get("order_reference"), event_name(type(entity), kind)
    if order is not None and kind != "AttributeValueChangeEvent":
        tell(type(entity).__module__, event_type, order=order, id=entity.id, version=entity.version)
    return {
        "id": new_id(),
        "at": wall_now(),
        "business_at": now(),
        "by": session.info.get("by", "unknown"),
        "mark": session.info.get("mark"),
        "order_reference": order,
        "party_id": entity.party_id,
        "entity_type": type(entity).__name__,
        "entity_id": entity.id,
        "version": entity.version,
        "event_type": event_type,
        "before": before,
        "after": after,
    }


# Documents do not agree on the words.
OTHER_WORDS = {
    "CreateEvent": "CreationEvent",
    "AttributeValueChangeEvent": "ChangeEvent",
    "StateChangeEvent": "ChangeEvent",
    "DeleteEvent": "RemoveEvent",
}


@cache
def event_name(of: type[Entity], kind: str) -> str:
    """The official event name, in the words of the resource's own document where it has the event at all."""
    api = of.api
    subject = api.event_definition or of.__name__
    subject = subject[0].lower() + subject[1:]
    if api.document is not None:
        listeners = api.document.listeners
        if f"{subject}{kind}".lower() not in listeners and f"{subject}{OTHER_WORDS[kind]}".lower() in listeners:
            return f"{subject}{OTHER_WORDS[kind]}"
    return f"{subject}{kind}"
