"""Catalogue entries: what specifications, offerings and prices have in common, in whichever layer's catalogue.

Everybody may read the catalogue; it belongs to the operator. An entry is designed, tested, used, retired. Once it is
active, others rely on it: then its substance is fixed, and a new version is a new entry.
Words: TMF620 and TMF633 `lifecycleStatus`.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeVar

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.life_cycle import LifeCycle
from satcom.core.values import Json, TimePeriod
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
    is_bundle: bool = False
    last_update: datetime = Field(default_factory=now, sa_type=INSTANT)
    lifecycle_status: LifecycleStatus = Field(default=LifecycleStatus.IN_STUDY, sa_type=state_type(LifecycleStatus))
    valid_for: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))

    def valid_at(self, moment: datetime) -> bool:
        return self.valid_for is None or self.valid_for.holds(moment)


C = TypeVar("C", bound=CatalogEntry)
# What stands against the entry as it is now; asked at every creation and change.
Faults = Callable[[Session, C], list[Fault]]


def enter(session: Session, entry: C, faults: Faults[C]) -> C:
    """Put a new entry into the catalogue. It may begin further on in life when it meets what is asked there.

    Raises `Refused` with everything that stands against it.
    """
    if entry.lifecycle_status in ENDED:
        accepted = ", ".join(status for status in LifecycleStatus if status not in ENDED)
        raise Refused("/lifecycleStatus", f"nothing begins as {entry.lifecycle_status}", "notInEnumeration", accepted)
    entry.party_id = operator_of(session).party_id
    entry.last_update = now()
    _refuse(faults(session, entry))
    session.add(entry)
    session.flush()
    return entry


def revise(session: Session, entry: C, patch: dict[str, Json], faults: Faults[C]) -> LifecycleStatus | None:
    """Change an entry or move it along its life; returns the status it was moved to.

    Raises `RuleRefused` on what is fixed, `WrongState` on a move that does not exist, `Refused` on faults.
    """
    status = entry.lifecycle_status
    if status not in IN_DRAFT and status is not LifecycleStatus.IN_TEST:
        touched = sorted(entry.fixed & patch.keys())
        if touched:
            why = f"it is {status}, and others rely on it; make a new entry, and retire this one"
            raise RuleRefused(f"/{touched[0]}", why, "fixed", "a change while it is in study, design or test")
    moved_to = amend(entry, patch)
    entry.last_update = now()
    _refuse(faults(session, entry))
    session.flush()
    return None if moved_to is None else entry.lifecycle_status


def must_be_draft(entry: CatalogEntry) -> None:
    """Only a draft can be deleted. Raises `RuleRefused`."""
    if entry.lifecycle_status not in IN_DRAFT:
        why = f"it is {entry.lifecycle_status}: only a draft can be deleted"
        raise RuleRefused("/lifecycleStatus", why, "notDraft", ", ".join(sorted(IN_DRAFT)))


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise RuleRefused.all(faults)
