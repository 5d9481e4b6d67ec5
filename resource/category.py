"""Catalogues of resources, the categories in them, and the candidates: the specifications that may be chosen from them.

The rules are those of `enterprise.category`. Words: TMF634.
"""

from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault
from satcom.core.security import Capability
from satcom.core.values import Reference, RelatedParty
from satcom.enterprise.catalog_entry import catalog_routes
from satcom.enterprise.category import (
    Candidate,
    CatalogOfCategories,
    CategoryEntry,
    category_routes,
    party_faults,
)
from satcom.resource.catalog import ResourceSpecification


class ResourceCategory(CategoryEntry, table=True):
    """What resources have in common for who looks for one."""

    __tablename__ = "resource_category"

    api: ClassVar = tmf("TMF634", "ResourceCategory", Capability.READ_CATALOG)
    computed: ClassVar[frozenset[str]] = frozenset({"category", "resourceCandidate"})

    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))

    def faults(self, session: Session) -> list[Fault]:
        return super().faults(session) + party_faults(session, self.related_party)


class ResourceCandidate(Candidate, table=True):
    """A resource specification that may be chosen."""

    __tablename__ = "resource_candidate"

    api: ClassVar = tmf("TMF634", "ResourceCandidate", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"resourceSpecification"})
    of: ClassVar = ("resource_specification", ResourceSpecification)
    sorted_by: ClassVar = ResourceCategory
    listed_as: ClassVar[str] = "resourceCandidate"

    resource_specification: Reference | None = Field(default=None, sa_type=JsonOf(Reference))


class ResourceCatalog(CatalogOfCategories, table=True):
    """The categories that are shown together."""

    __tablename__ = "resource_catalog"

    api: ClassVar = tmf("TMF634", "ResourceCatalog", Capability.READ_CATALOG)
    sorted_by: ClassVar = ResourceCategory


routes = category_routes(ResourceCategory)
candidate_routes = catalog_routes(ResourceCandidate)
catalogue_routes = catalog_routes(ResourceCatalog)
