"""Categories and catalogues: how what is offered is sorted, and what of it stands in which catalogue.

Categories are a tree: each names the one above it. What belongs to a category says so itself; a category and a
catalogue list on reading what follows from that, and keep none of it. A candidate makes a specification available to
those who choose from a category. One mechanism for products, services and resources; each layer declares its kinds.
Words: TMF620, TMF633, TMF634.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import ClassVar

from sqlmodel import Field, Session, col, select

from satcom.core.entity import JsonOf
from satcom.core.errors import Fault, Refused
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference, RelatedParty
from satcom.enterprise.catalog_entry import (
    CatalogEntry,
    Naming,
    catalog_routes,
    kept_entry,
    names_any,
    namings_of,
)
from satcom.enterprise.party import find_party


class CategoryEntry(CatalogEntry):
    """A category. `below` is the attribute that lists those directly below it; it is one of those `computed`."""

    below: ClassVar[str] = "category"

    parent_id: str | None = None
    is_root: bool | None = None

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return (Naming("parent_id", cls, listed_as=cls.below),)

    def complete(self, said: Collection[str]) -> None:
        if "isRoot" not in said:
            self.is_root = self.parent_id is None

    def faults(self, session: Session) -> list[Fault]:
        faults = []
        if self.is_root != (self.parent_id is None):
            why = "a root has nothing above it, and every other category has a parentId"
            faults.append(Fault("/isRoot", why, "contradiction", str(self.parent_id is None).lower()))
        return faults + self._ring_faults(session)

    def _ring_faults(self, session: Session) -> list[Fault]:
        """Who stands above stays there until the transaction ends: two moves at once close no ring."""
        above = self.parent_id
        while above is not None:
            if above == self.id:
                why = f"{self.name!r} would stand below itself"
                return [Fault("/parentId", why, "ring", "a category that does not stand below this one")]
            parent = kept_entry(session, type(self), above)
            above = parent.parent_id if parent is not None else None
        return []


class CatalogOfCategories(CatalogEntry):
    """What of the offer is shown to whom, by its categories. Its parties are the people and companies it is for."""

    sorted_by: ClassVar[type[CategoryEntry]]

    category: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return (Naming("category", cls.sorted_by),)

    def faults(self, session: Session) -> list[Fault]:
        return party_faults(session, self.related_party)


class Candidate(CatalogEntry):
    """A specification that is made available. `of` names the column and the kind of it."""

    of: ClassVar[tuple[str, type[CatalogEntry]]]
    sorted_by: ClassVar[type[CategoryEntry]]
    listed_as: ClassVar[str]

    category: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return Naming(*cls.of), Naming("category", cls.sorted_by, listed_as=cls.listed_as)

    def faults(self, session: Session) -> list[Fault]:
        column, _ = self.of
        naming = next(one for one in self.names() if one.column == column)
        usable = self.lifecycle_status in naming.when
        if usable and getattr(self, column) is None:
            return [Fault(f"/{naming.wire}", "a candidate in use makes a specification available", "missing")]
        return []


def party_faults(session: Session, named: Sequence[RelatedParty]) -> list[Fault]:
    """Those of the parties that there are not."""
    faults: list[Fault] = []
    for index, one in enumerate(named):
        try:
            find_party(session, one.id, f"/relatedParty/{index}/id")
        except Refused as unknown:
            faults += unknown.faults
    return faults


def list_members(kind: type[CatalogEntry], session: Session, rows: Sequence[dict[str, Json]]) -> None:
    """Complete bodies of `kind` with what names them, in the order in which it was entered."""
    by_id = {str(row["id"]): row for row in rows}
    for other, naming in namings_of(kind):
        if naming.listed_as is None or not by_id:
            continue
        members: dict[str, list[Json]] = {}
        query = select(other).where(names_any(other, naming, list(by_id))).order_by(col(other.id))
        for member in session.exec(query):
            told: Json = {"id": member.id, "href": member.href, "name": member.name, "@referredType": other.__name__}
            for _, identifier in member.named(naming):
                members.setdefault(identifier, []).append(told)
        for identifier, row in by_id.items():
            if identifier in members:
                row[naming.listed_as] = members[identifier]


def category_routes(kind: type[CategoryEntry]) -> TmfRoutes:
    return catalog_routes(kind, derived=partial(list_members, kind))
