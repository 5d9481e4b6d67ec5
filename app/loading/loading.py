"""One load: every object is entered, corrected or left by the command that there is for it, and each fault is kept.

An object keeps the id that follows from its kind and its slug. Only what the file decides is compared; what happened to
the object since, and what others wrote on it, stays. What is only wrong because something it names is wrong is not
told: the cause is.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic

from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import Session

from satcom.app.loading.entries import plain, snake
from satcom.app.loading.files import Entry, Files
from satcom.core.entity import Attribute, E, Entity, plain_value, shape
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER, Principal
from satcom.core.values import Json
from satcom.market.order_item import FaultsFound


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Change:
    """What a load does to one object. `fields` are those that change, in the words of the file."""

    kind: str
    slug: str
    name: str
    outcome: Outcome
    fields: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """ "created", "unchanged", "changed: eirp_saturation_dbw"."""
        return f"{self.outcome}: {', '.join(self.fields)}" if self.fields else self.outcome.value


@dataclass(frozen=True)
class Kind(Generic[E]):
    """How objects of one kind are loaded.

    `decides` are the columns and `further` the other attributes that the file has the say on; `None`: every column.
    `words` are the keys of the file for columns that it calls otherwise.
    """

    entity: type[E]
    enter: Callable[[Session, E, Principal], E]
    correct: Callable[[Session, E, dict[str, Json], Principal], E]
    words: Mapping[str, str] = field(default_factory=dict)
    decides: frozenset[str] | None = None
    further: tuple[str, ...] = ("note",)

    @property
    def name(self) -> str:
        return self.entity.__name__

    def word(self, pointer: str) -> str:
        """The key in the file for a JSON pointer or a name of ours."""
        steps = [step for step in pointer.split("/") if step and step != self.entity.characteristic_field]
        if not steps:
            return ""
        attribute = shape(self.entity).by_wire.get(steps[0])
        first = attribute.column if attribute is not None else snake(steps[0])
        return ".".join([self.words.get(first, first), *map(snake, steps[1:])])


class Consequence(Exception):
    """The entry names another one that is at fault."""


@dataclass
class Load:
    """What has been found and done so far. Without an operator nothing is written, but all is checked."""

    session: Session
    files: Files
    faults: list[Fault] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    has_operator: bool = False
    claimed: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)
    names_broken: bool = False  # the entry at hand names a broken one

    @contextmanager
    def checking(self, kind: Kind[Any], entry: Entry) -> Iterator[None]:
        """Within, a refusal is kept as a fault of the entry, and what was begun for it is undone."""
        self.names_broken = False
        try:
            with self.session.begin_nested():
                yield
        except Consequence:
            self.broken.add((kind.name, entry.slug))
        except Refused as refused:
            self._refused(kind, entry, refused.faults)
        except (IntegrityError, DataError) as error:
            rule = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "value"
            self._refused(kind, entry, (Fault("", f"the database does not accept it ({rule})", "impossible"),))

    def _refused(self, kind: Kind[Any], entry: Entry, faults: tuple[Fault, ...]) -> None:
        self.broken.add((kind.name, entry.slug))
        for one in faults:
            word = kind.word(one.field)
            why = "missing" if one.code == "missing" and one.why == "Field required" else plain(one.why)
            self.faults.append(Fault(f"{entry.where}: {word}" if word else entry.where, why, one.code, one.accepted))

    def keep(self, kind: Kind[E], entry: Entry, wanted: E, name: str, leave: frozenset[str] = frozenset()) -> E | None:
        """Enter the object, correct it, or leave it as it is; `leave` are columns that this entry does not decide.

        `None` while there is no operator to keep it for.
        """
        self._claim(kind.name, entry)
        if self.names_broken:
            raise Consequence
        if not self.has_operator:
            return None
        wanted.id = loaded_id(kind.name, entry.slug)
        present = self.session.get(kind.entity, wanted.id)
        if present is None:
            kept = kind.enter(self.session, wanted, WORKER)
            self.tell(kind.name, entry.slug, name, Outcome.CREATED)
            return kept
        columns, further = _differences(kind, present, wanted, leave)
        if columns or further:
            present_further = present.further
            patch = _patch(kind, wanted, columns) | {key: wanted.further.get(key) for key in further}
            kind.correct(self.session, present, patch, WORKER)
            self.session.flush()
            names = [kind.words.get(one.column, one.column) for one in columns]
            names += [word for key in further for word in _parts_changed(kind, key, present_further, wanted)]
            self.tell(kind.name, entry.slug, name, Outcome.CHANGED, *names)
        else:
            self.tell(kind.name, entry.slug, name, Outcome.UNCHANGED)
        return present

    def tell(self, kind: str, slug: str, name: str, outcome: Outcome, *fields: str) -> None:
        self.changes.append(Change(kind, slug, name, outcome, tuple(dict.fromkeys(fields))))

    def _claim(self, kind: str, entry: Entry) -> None:
        """One object stands in one place of the files."""
        other = self.claimed.setdefault((kind, entry.slug), entry.file)
        if other != entry.file:
            raise Refused("id", f"{other} calls another {snake(kind).replace('_', ' ')} so", "duplicate")

    def named(self, kind: type[Entity], slug: object, key: str, found: FaultsFound) -> str:
        """The id of the object that an entry names under `key`; one that is not there is a fault."""
        name = kind.__name__
        identifier = loaded_id(name, str(slug))
        known = (name, str(slug)) in self.claimed or self.session.get(kind, identifier) is not None
        if (name, str(slug)) in self.broken or (not known and self.files.unread):
            self.names_broken = True
        elif not known:
            what = snake(name).replace("_", " ")
            found.faults.append(Fault(key, f"there is no {what} {str(slug)[:80]!r}", "notFound"))
        return identifier

    def also_changed(self, field: str) -> None:
        """The object that was kept last changed in `field`, too."""
        last = self.changes[-1]
        if last.outcome is not Outcome.CREATED:
            fields = tuple(dict.fromkeys((*last.fields, field)))
            self.changes[-1] = replace(last, outcome=Outcome.CHANGED, fields=fields)

    def refuse(self) -> None:
        """Raises `Refused` with every fault that was found, those of the files first."""
        faults = self.files.faults + self.faults
        if faults:
            raise Refused.all(faults)


def _differences(kind: Kind[E], present: E, wanted: E, leave: frozenset[str]) -> tuple[list[Attribute], list[str]]:
    form = shape(kind.entity)
    decided = [one for one in form.attributes if kind.decides is None or one.column in kind.decides]
    columns = [one for one in decided if one.column not in leave if _value(one, present) != _value(one, wanted)]
    return columns, [key for key in kind.further if present.further.get(key) != wanted.further.get(key)]


def _parts_changed(kind: Kind[E], key: str, before: dict[str, Json], wanted: E) -> list[str]:
    """The key of the file for an attribute that changed; of a list of named values the names of those that did."""
    sides = [{str(one["name"]): one for one in _named(side.get(key))} for side in (before, wanted.further)]
    names = [name for name in sides[0] | sides[1] if sides[0].get(name) != sides[1].get(name)]
    return names or [kind.words.get(key, snake(key))]


def _named(values: Json) -> list[dict[str, Json]]:
    return [one for one in values if isinstance(one, dict) and "name" in one] if isinstance(values, list) else []


def _patch(kind: Kind[E], wanted: E, columns: list[Attribute]) -> dict[str, Json]:
    patch: dict[str, Json] = {one.wire: _value(one, wanted) for one in columns if not one.characteristic}
    inside: list[Json] = [{"name": one.wire, "value": _value(one, wanted)} for one in columns if one.characteristic]
    if kind.entity.characteristic_field and inside:
        patch[kind.entity.characteristic_field] = inside
    return patch


def _value(attribute: Attribute, entity: Entity) -> Json:
    """The column in wire form."""
    value = getattr(entity, attribute.column)
    return attribute.json.wire(value) if attribute.json is not None and value is not None else plain_value(value)
