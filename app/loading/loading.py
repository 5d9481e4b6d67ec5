"""One load: every object is entered, corrected or left by the command that there is for it, and each fault is kept.

An object keeps the id that follows from its kind and its slug. Only what the file decides is compared; what happened to
the object since, and what others wrote on it, stays. What is only wrong because something it names is wrong is not
told: the cause is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Generic

from sqlalchemy.exc import DataError, IntegrityError
from sqlmodel import Session, col, select

from satcom.app.loading.entries import keys_within, snake, unknown_key, unknown_name
from satcom.app.loading.files import Entry, Files
from satcom.app.loading.told import Told
from satcom.core.entity import Attribute, E, Entity, plain_value, shape
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER, Principal
from satcom.core.values import Json
from satcom.market.order_item import FaultsFound

AT_ONCE = 1000  # entries of a list
Progress = Callable[[str, int, int], None]  # list, entries done, entries in all


def untold(name: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class FieldChange:
    """A key of the file whose value becomes another; references are told as the files call them."""

    key: str
    old: Json
    new: Json


@dataclass(frozen=True)
class Change:
    """What a load does to one object. `fields` are those that change, in the words of the file."""

    kind: str
    slug: str
    name: str
    outcome: Outcome
    fields: tuple[FieldChange, ...] = ()

    @property
    def what(self) -> str:
        """ "created", "unchanged", "changed: eirp_saturation_dbw"."""
        keys = dict.fromkeys(one.key for one in self.fields)
        return f"{self.outcome}: {', '.join(keys)}" if self.fields else self.outcome.value


@dataclass(frozen=True)
class Kind(Generic[E]):
    """How objects of one kind are loaded.

    `decides` are the columns and `further` the other attributes that the file has the say on; `None`: every column.
    `words` are the keys of the file for columns that it calls otherwise, `shown` what it says instead of their values.
    """

    entity: type[E]
    enter: Callable[[Session, E, Principal], E]
    correct: Callable[[Session, E, dict[str, Json], Principal], E]
    words: Mapping[str, str] = field(default_factory=dict)
    decides: frozenset[str] | None = None
    further: tuple[str, ...] = ("note",)
    shown: Mapping[str, Callable[[E], Json]] = field(default_factory=dict)

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
    progress: Progress
    changes: list[Change] = field(default_factory=list)
    has_operator: bool = False
    claimed: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)
    names_broken: bool = False  # the entry at hand names a broken one
    _told: Told = field(default_factory=Told)
    _present: dict[str, Entity] = field(default_factory=dict)
    _absent: set[str] = field(default_factory=set)
    _slugs: dict[str, str] = field(default_factory=dict)  # by id

    @contextmanager
    def checking(self, kind: Kind[Any], entry: Entry) -> Iterator[None]:
        """Within, a refusal is kept as a fault of the entry."""
        self.names_broken = False
        try:
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
            if one.code == "unknown" and one.accepted is None:
                one = unknown_key(word, keys_within(kind.entity, word.split(".")[:-1]))
            self._told.add(entry, word, one)

    def fault(self, where: str, why: str, code: str = "invalid", accepted: str | None = None) -> None:
        """A fault of a file that is none of an entry."""
        self._told.faults.append(Fault(where, why, code, accepted))

    def each(self, name: str, *kinds: type[Entity]) -> Iterator[Entry]:
        """The entries of a list. What is there already of these kinds is read many at a time."""
        for some in self.portions(name, *kinds):
            yield from some

    def portions(self, name: str, *kinds: type[Entity]) -> Iterator[list[Entry]]:
        """As `each`, many at a time."""
        entries = self.files.entries(name)
        for begin in range(0, len(entries), AT_ONCE):
            some = entries[begin : begin + AT_ONCE]
            for kind in kinds:
                self.read(kind, [one.slug for one in some])
            yield some
            self.progress(name, begin + len(some), len(entries))

    def read(self, kind: type[Entity], slugs: Sequence[str]) -> None:
        """Read the objects that files call `slugs`; they are at hand until the load ends."""
        ids = [loaded_id(kind.__name__, slug) for slug in slugs]
        self._present |= {one.id: one for one in self.session.exec(select(kind).where(col(kind.id).in_(ids)))}
        self._absent |= set(ids) - self._present.keys()

    def is_there(self, identifier: str) -> bool:
        """Whether an object that was read is there."""
        return identifier in self._present

    def present(self, kind: type[E], identifier: str) -> E | None:
        """The object as it is, `None` when it is not there yet."""
        if identifier in self._absent:
            return None
        found = self.session.get(kind, identifier)
        if found is not None:
            self._present[identifier] = found  # the session forgets what nobody holds
        return found

    def keep(self, kind: Kind[E], entry: Entry, wanted: E, name: str, leave: frozenset[str] = frozenset()) -> E | None:
        """Enter the object, correct it, or leave it as it is; `leave` are columns that this entry does not decide.

        `None` while there is no operator to keep it for.
        """
        if not self.may_keep(kind, entry, wanted):
            return None
        present = self.present(kind.entity, wanted.id)
        if present is None:
            with self.session.begin_nested():
                kept = kind.enter(self.session, wanted, WORKER)
            self.entered(kind, entry.slug, kept, name)
            return kept
        columns, further = _differences(kind, present, wanted, leave)
        if columns or further:
            fields = _fields(kind, columns, further, present, wanted)
            patch = _patch(kind, wanted, columns) | {key: wanted.further.get(key) for key in further}
            with self.session.begin_nested():
                kind.correct(self.session, present, patch, WORKER)
                self.session.flush()
            fields = [FieldChange(one.key, self._slugged(one.old), self._slugged(one.new)) for one in fields]
            self.tell(kind.name, entry.slug, name, Outcome.CHANGED, *fields)
        else:
            self.tell(kind.name, entry.slug, name, Outcome.UNCHANGED)
        return present

    def entered(self, kind: Kind[E], slug: str, kept: E, name: str) -> None:
        """The object is there from now on."""
        self._absent.discard(kept.id)
        self._present[kept.id] = kept
        self.tell(kind.name, slug, name, Outcome.CREATED)

    def _slugged(self, value: Json) -> Json:
        """The value with the names of the files for ids."""
        if isinstance(value, list):
            return [self._slugged(one) for one in value]
        if isinstance(value, dict):
            return {key: self._slugged(one) for key, one in value.items()}
        return self._slugs.get(value, value) if isinstance(value, str) else value

    def tell(self, kind: str, slug: str, name: str, outcome: Outcome, *fields: FieldChange) -> None:
        self.changes.append(Change(kind, slug, name, outcome, fields))

    def may_keep(self, kind: Kind[E], entry: Entry, wanted: E) -> bool:
        """The object gets its id, and stands in this place of the files only. Whether it can be kept."""
        self._claim(kind.name, entry)
        if self.names_broken:
            raise Consequence
        wanted.id = loaded_id(kind.name, entry.slug)
        self._slugs[wanted.id] = entry.slug
        return self.has_operator

    def _claim(self, kind: str, entry: Entry) -> None:
        """One object stands in one place of the files."""
        other = self.claimed.setdefault((kind, entry.slug), entry.file)
        if other != entry.file:
            raise Refused("id", f"{other} calls another {snake(kind).replace('_', ' ')} so", "duplicate")

    def named(self, kind: type[Entity], slug: object, key: str, found: FaultsFound) -> str:
        """The id of the object that an entry names under `key`; one that is not there is a fault."""
        name = kind.__name__
        identifier = loaded_id(name, str(slug))
        known = (name, str(slug)) in self.claimed or self.present(kind, identifier) is not None
        if (name, str(slug)) in self.broken or (not known and self.files.unread):
            self.names_broken = True
        elif not known:
            slugs = sorted(one for other, one in self.claimed if other == name)
            found.faults.append(unknown_name(key, snake(name).replace("_", " "), str(slug), slugs))
        return identifier

    def also_changed(self, change: FieldChange) -> None:
        """The object that was kept last changed in this, too."""
        last = self.changes[-1]
        if last.outcome is not Outcome.CREATED:
            self.changes[-1] = replace(last, outcome=Outcome.CHANGED, fields=(*last.fields, change))

    def refuse(self) -> None:
        """Raises `Refused` with every fault that was found, those of the files first."""
        faults = self.files.faults + self._told.all()
        if faults:
            raise Refused.all(faults)


def _differences(kind: Kind[E], present: E, wanted: E, leave: frozenset[str]) -> tuple[list[Attribute], list[str]]:
    form = shape(kind.entity)
    decided = [one for one in form.attributes if kind.decides is None or one.column in kind.decides]
    columns = [one for one in decided if one.column not in leave if _value(one, present) != _value(one, wanted)]
    return columns, [key for key in kind.further if present.further.get(key) != wanted.further.get(key)]


def _fields(kind: Kind[E], columns: list[Attribute], further: list[str], present: E, wanted: E) -> list[FieldChange]:
    """What changes, in the words of the file. Two columns that make one key of it are told once."""
    told: dict[str, FieldChange] = {}
    for one in columns:
        key, shown = kind.words.get(one.column, one.column), kind.shown.get(one.column, partial(_value, one))
        change = FieldChange(key, shown(present), shown(wanted))
        if change.old != change.new:
            told.setdefault(key, change)
    parts = [part for key in further for part in _parts(kind, key, present.further.get(key), wanted.further.get(key))]
    return [*told.values(), *parts]


def _parts(kind: Kind[E], key: str, old: Json, new: Json) -> list[FieldChange]:
    """The key of the file for an attribute that changed; of a list of named values each that did."""
    sides = [{str(one["name"]): one.get("value") for one in _named(side)} for side in (old, new)]
    names = [name for name in sides[0] | sides[1] if sides[0].get(name) != sides[1].get(name)]
    parts = [FieldChange(name, sides[0].get(name), sides[1].get(name)) for name in names]
    return parts or [FieldChange(kind.words.get(key, snake(key)), _text(old), _text(new))]


def _text(value: Json) -> Json:
    """Notes as the file writes them: the text alone."""
    texts = [one["text"] for one in value if isinstance(one, dict) and "text" in one] if isinstance(value, list) else []
    return texts[0] if len(texts) == 1 else value


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
