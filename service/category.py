"""Catalogues of services, the categories in them, and the candidates: the specifications that may be chosen from them.

The rules are those of `enterprise.category`. Words: TMF633.
"""

from typing import ClassVar

from sqlmodel import Field

from satcom.core.entity import JsonOf, tmf
from satcom.core.security import Capability
from satcom.core.values import Reference
from satcom.enterprise.catalog_entry import catalog_routes
from satcom.enterprise.category import Candidate, CatalogOfCategories, CategoryEntry, category_routes
from satcom.service.catalog import ServiceSpecification


class ServiceCategory(CategoryEntry, table=True):
    """What services have in common for who looks for one."""

    __tablename__ = "service_category"

    api: ClassVar = tmf("TMF633", "ServiceCategory", Capability.READ_CATALOG)
    computed: ClassVar[frozenset[str]] = frozenset({"category", "serviceCandidate"})


class ServiceCandidate(Candidate, table=True):
    """A service specification that may be chosen."""

    __tablename__ = "service_candidate"

    api: ClassVar = tmf("TMF633", "ServiceCandidate", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"serviceSpecification"})
    of: ClassVar = ("service_specification", ServiceSpecification)
    sorted_by: ClassVar = ServiceCategory
    listed_as: ClassVar[str] = "serviceCandidate"

    service_specification: Reference | None = Field(default=None, sa_type=JsonOf(Reference))


class ServiceCatalog(CatalogOfCategories, table=True):
    """The categories that are shown together."""

    __tablename__ = "service_catalog"

    api: ClassVar = tmf("TMF633", "ServiceCatalog", Capability.READ_CATALOG)
    sorted_by: ClassVar = ServiceCategory


routes = category_routes(ServiceCategory)
candidate_routes = catalog_routes(ServiceCandidate)
catalogue_routes = catalog_routes(ServiceCatalog)
