"""Catalogues of products and the categories in them: retail or wholesale, broadband or dedicated links.

A product manager sorts offerings into categories, each offering naming its own (`ProductOffering.category`), and puts
categories into catalogues. The rules are those of `enterprise.category`. Words: TMF620.
"""

from typing import ClassVar

from sqlmodel import Field

from satcom.core.entity import tmf
from satcom.core.security import Capability
from satcom.enterprise.catalog_entry import catalog_routes
from satcom.enterprise.category import CatalogOfCategories, CategoryEntry, category_routes


class Category(CategoryEntry, table=True):
    """What offerings have in common for who looks for one."""

    __tablename__ = "category"

    api: ClassVar = tmf("TMF620", "Category", Capability.READ_CATALOG)
    below: ClassVar[str] = "subCategory"
    computed: ClassVar[frozenset[str]] = frozenset({"subCategory", "productOffering"})


class Catalog(CatalogOfCategories, table=True):
    """The categories that are offered together."""

    __tablename__ = "catalog"

    api: ClassVar = tmf("TMF620", "Catalog", Capability.READ_CATALOG)
    sorted_by: ClassVar = Category

    catalog_type: str | None = Field(default=None, max_length=300)


routes = category_routes(Category)
catalogue_routes = catalog_routes(Catalog)
