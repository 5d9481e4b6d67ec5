"""Catalogue entries: what specifications, candidates, categories and offerings have in common, in whichever catalogue.

Everybody may read the catalogue; it belongs to the operator. An entry is designed, tested, used, retired. Once it is
active, others rely on it: then its substance is fixed, and a new version is a new entry. What an entry names exists;
what is in use names only what is in use, and keeps it there. Each kind says what it names (`names`) and what else it
demands (`faults`); there is one way to enter, revise and withdraw them all.
Words: TMF620, TMF633 and TMF634 `lifecycleStatus`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from pydantic.alias_generators import to_camel
from sqlalchemy import ColumnElement, cast, literal, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.json import JSONPATH
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type, wire
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import Derived, TmfRoutes
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Json, Reference, TimePeriod
from satcom.enterprise.amendment import amend
from satcom.enterprise.party import operator_of


class LifecycleStatus(StrEnum):
    """The life of a catalogue entry, in the words of TMF620."""

    IN_STUDY = "In study"
    IN_DESIGN = "In design"
    IN_TEST = "In test"
    ACTIVE = "Active"
    LAUNCHED = "Launched"
    RETIRED = "Retired"
    OBSOLETE = "Obsolete"


IN_DRAFT = frozenset({LifecycleStatus.IN_STUDY, LifecycleStatus.IN_DESIGN})
IN_USE = frozenset({LifecycleStatus.ACTIVE, LifecycleStatus.LAUNCHED})
ENDED = frozenset({LifecycleStatus.RETIRED, LifecycleStatus.OBSOLETE})


@dataclass(frozen=True)
class Naming:
    """A column by which entries name entries of `kind`; in the states `when` they keep the named ones from retiring.

    With `all_ready` those are in use then. `listed_as` is the attribute of the named one that lists who names it.
    """

    column: str
    kind: "type[CatalogEntry]"
    when: frozenset[LifecycleStatus] = IN_USE
    all_ready: bool = True
    listed_as: str | None = None

    @property
    def wire(self) -> str:
        return to_camel(self.column)


class CatalogEntry(Entity):
    """One entry. `fixed` names the attributes that may not change once the entry is active."""

    state_field: ClassVar[str] = "lifecycle_status"
    readable_by_all: ClassVar[bool] = True
    fixed: ClassVar[frozenset[str]] = frozenset()
    life_cycle: ClassVar = LifeCycle[LifecycleStatus](
        LifecycleStatus,
        ("In study", "In design", "the idea is worth designing"),
        ("In design", "In study", "it is thought over again"),
        ("In study", "Obsolete", "the idea was dropped"),
        ("In design", "Obsolete", "the design was dropped"),
        ("In design", "In test", "the design is complete"),
        ("In test", "In design", "the test found faults"),
        ("In test", "Active", "the test passed"),
        ("Active", "Launched", "it is offered to the market"),
        ("Active", "Retired", "it was never launched, or is no longer needed"),
        ("Launched", "Retired", "no new sales; what was sold stays"),
        ("Retired", "Launched", "sales are taken up again"),
        ("Retired", "Obsolete", "nobody has it any more"),
    )

    name: str = Field(min_length=1, max_length=300)
    last_update: datetime = Field(default_factory=now, sa_type=INSTANT)
    lifecycle_status: LifecycleStatus = Field(default=LifecycleStatus.IN_STUDY, sa_type=state_type(LifecycleStatus))
    valid_for: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        """What entries of this kind name."""
        return ()

    def complete(self, said: Collection[str]) -> None:
        """Put right what follows from the rest, unless it was among what was said."""

    def faults(self, session: Session) -> list[Fault]:
        """What else stands against the entry as it is now; asked at every creation and change."""
        return []

    def valid_at(self, moment: datetime) -> bool:
        return self.valid_for is None or self.valid_for.holds(moment)

    def named(self, naming: Naming) -> list[tuple[str, str]]:
        """The ids that stand in the column, each with the pointer to it."""
        value: Reference | list[Reference] | str | None = getattr(self, naming.column)
        at = f"/{naming.wire}"
        if value is None or isinstance(value, str):
            return [] if value is None else [(at, value)]
        if isinstance(value, list):
            return [(f"{at}/{index}/id", one.id) for index, one in enumerate(value)]
        return [(f"{at}/id", value.id)]


C = TypeVar("C", bound=CatalogEntry)


def catalog_kinds(above: type[CatalogEntry] = CatalogEntry) -> Iterator[type[CatalogEntry]]:
    """Every kind of entry that there is, of every layer."""
    for kind in above.__subclasses__():
        if hasattr(kind, "__table__"):
            yield kind
        yield from catalog_kinds(kind)


def namings_of(kind: type[CatalogEntry]) -> Iterator[tuple[type[CatalogEntry], Naming]]:
    """Who names entries of `kind`, and where."""
    for other in catalog_kinds():
        for naming in other.names():
            if naming.kind is kind:
                yield other, naming


def names_any(kind: type[CatalogEntry], naming: Naming, ids: list[str]) -> ColumnElement[bool]:
    """The condition under which an entry of `kind` names one of `ids`, of which there is one at least."""
    column = kind.__table__.c[naming.column]  # type: ignore[attr-defined]
    if not isinstance(column.type, JsonOf):
        found: ColumnElement[bool] = column.in_(ids)
        return found
    tests = " || ".join(f"@ == {json.dumps(one)}" for one in ids)
    wanted = cast(literal(f"$.id ? ({tests})"), JSONPATH)  # looks into lists, too
    return type_coerce(column, JSONB).op("@?", is_comparison=True)(wanted)


def enter(session: Session, entry: C, by: Principal) -> C:
    """Put a new entry into the catalogue. It may begin further on in life when it meets what is asked there.

    Raises `Refused` with everything that stands against it.
    """
    if entry.lifecycle_status in ENDED:
        accepted = ", ".join(status for status in LifecycleStatus if status not in ENDED)
        raise Refused("/lifecycleStatus", f"nothing begins as {entry.lifecycle_status}", "notInEnumeration", accepted)
    return bring(session, entry, by)


def bring(session: Session, entry: C, by: Principal) -> C:
    """As `enter`, for what has a life behind it elsewhere and may be at its end."""
    entry.party_id = operator_of(session).party_id
    entry.last_update = now()
    entry.complete(wire(entry).keys())
    _refuse(session, entry)
    session.add(entry)
    session.flush()
    return entry


def revise(session: Session, entry: C, patch: dict[str, Json], by: Principal) -> C:
    """Change an entry or move it along its life.

    Raises `RuleRefused` on what is fixed, and while others in use rest on what is to be retired; `WrongState` on a move
    that does not exist, `Refused` on faults.
    """
    status = entry.lifecycle_status
    if status not in IN_DRAFT and status is not LifecycleStatus.IN_TEST:
        touched = sorted(entry.fixed & patch.keys())
        if touched:
            why = f"it is {status}, and others rely on it; make a new entry, and retire this one"
            raise RuleRefused(f"/{touched[0]}", why, "fixed", "a change while it is in study, design or test")
    moved_to = amend(entry, patch)
    entry.last_update = now()
    entry.complete(patch.keys())
    _refuse(session, entry)
    session.flush()
    if moved_to in ENDED:
        _keep_what_is_named(session, entry, lambda naming: sorted(naming.when))
    return entry


def withdraw(session: Session, entry: CatalogEntry, by: Principal) -> None:
    """Delete a draft that nobody names. Raises `RuleRefused`."""
    if entry.lifecycle_status not in IN_DRAFT:
        why = f"it is {entry.lifecycle_status}: only a draft can be deleted"
        raise RuleRefused("/lifecycleStatus", why, "notDraft", ", ".join(sorted(IN_DRAFT)))
    _keep_what_is_named(session, entry, lambda _: list(LifecycleStatus))
    session.delete(entry)


def catalog_routes(
    kind: type[CatalogEntry],
    revising: Callable[[Session, Any, dict[str, Json], Principal], Entity] = revise,
    derived: Derived | None = None,
    may: Capability = Capability.DESIGN_OFFERS,
) -> TmfRoutes:
    """Everybody who may read the catalogue reads; who designs offers writes, unless another capability is named."""
    routes = TmfRoutes(kind, derived=derived)
    routes.post(enter, may=may)
    routes.patch(revising, may=may)
    routes.delete(withdraw, may=may)
    return routes


def kept_entry(session: Session, kind: type[C], identifier: str) -> C | None:
    """The entry as it is now; it is neither changed nor deleted by others before the transaction ends."""
    if not is_uuid(identifier):
        return None
    query = select(kind).where(col(kind.id) == identifier)
    return session.exec(query.with_for_update(read=True, key_share=True)).first()


def noun(kind: type[Entity]) -> str:
    """ServiceSpecification: "service specification"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


def _refuse(session: Session, entry: CatalogEntry) -> None:
    faults = [
        *(fault for naming in entry.names() for fault in _naming_faults(session, entry, naming)),
        *entry.faults(session),
    ]
    if faults:
        raise RuleRefused.all(faults)


def _naming_faults(session: Session, entry: CatalogEntry, naming: Naming) -> Iterator[Fault]:
    seen: set[str] = set()
    for at, identifier in entry.named(naming):
        if identifier == entry.id:
            continue  # a ring, which its kind refuses
        named = kept_entry(session, naming.kind, identifier)
        if named is None:
            yield Fault(at, f"there is no {noun(naming.kind)} {identifier[:80]!r}", "notFound")
        elif identifier in seen:
            yield Fault(at, f"{named.name!r} is named twice", "duplicate", "each once")
        elif naming.all_ready and entry.lifecycle_status in naming.when and named.lifecycle_status not in IN_USE:
            why = f"{named.name!r} is {named.lifecycle_status}"
            yield Fault(at, why, "notActive", ", ".join(sorted(IN_USE)))
        seen.add(identifier)


def _keep_what_is_named(
    session: Session, entry: CatalogEntry, states: Callable[[Naming], list[LifecycleStatus]]
) -> None:
    """Raises `RuleRefused` while an entry in one of the states names this one."""
    for kind, naming in namings_of(type(entry)):
        naming_it = names_any(kind, naming, [entry.id])
        query = select(kind).where(naming_it, col(kind.lifecycle_status).in_(states(naming)))
        found = session.exec(query).first()
        if found is not None:
            why = f"{noun(kind)} {found.name!r} ({found.id}) is {found.lifecycle_status} and names it"
            raise RuleRefused("/id", why, "inUse", "an entry that nobody names")
