"""How the operator sorts what it offers: categories, the catalogues made of them, and what may be chosen from each.

The same three lists for products, services and resources. A category comes after the one above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from satcom.app.loading.catalogue import DESCRIBED, STATED, CatalogueKeys, given, period
from satcom.app.loading.entries import parsed, several
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import Kind, Load
from satcom.core.entity import from_body
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import CatalogEntry, enter, revise
from satcom.enterprise.category import Candidate, CatalogOfCategories, CategoryEntry
from satcom.market.catalog.category import Catalog, Category
from satcom.market.order_item import FaultsFound
from satcom.resource.catalog import ResourceSpecification
from satcom.resource.category import ResourceCandidate, ResourceCatalog, ResourceCategory
from satcom.service.catalog import ServiceSpecification
from satcom.service.category import ServiceCandidate, ServiceCatalog, ServiceCategory

SORTED = STATED | {"category", "valid_for"}
WORDS = {"category": "categories", "valid_for": "valid_until"}


@dataclass(frozen=True)
class Sorting:
    """The kinds by which one catalogue is sorted; `of` begins the names of its lists."""

    of: str
    category: type[CategoryEntry]
    catalogue: type[CatalogOfCategories]


@dataclass(frozen=True)
class Choice:
    """What may be chosen: a kind of candidate and the specification that it makes available."""

    candidate: type[Candidate]
    specification: type[CatalogEntry]
    category: type[CategoryEntry]
    attribute: str


SORTINGS = (
    Sorting("product", Category, Catalog),
    Sorting("service", ServiceCategory, ServiceCatalog),
    Sorting("resource", ResourceCategory, ResourceCatalog),
)
CHOICES = {
    "service_candidates": Choice(ServiceCandidate, ServiceSpecification, ServiceCategory, "serviceSpecification"),
    "resource_candidates": Choice(ResourceCandidate, ResourceSpecification, ResourceCategory, "resourceSpecification"),
}


class ValidKeys(CatalogueKeys):
    valid_from: date | None = None
    valid_until: date | None = None


class CategoryKeys(ValidKeys):
    parent: str | None = None


class CatalogKeys(ValidKeys):
    categories: Annotated[tuple[str, ...], BeforeValidator(several)]
    catalog_type: str | None = None


class CandidateKeys(ValidKeys):
    specification: str
    categories: Annotated[tuple[str, ...], BeforeValidator(several)] = ()


def load_categories(load: Load) -> None:
    """The categories of each catalogue and then the catalogues."""
    for one in SORTINGS:
        kind: Kind[CategoryEntry] = Kind(
            one.category,
            enter,
            revise,
            {"parent_id": "parent", "valid_for": "valid_until"},
            STATED | {"parent_id", "valid_for"},
            DESCRIBED,
        )
        for entry in load.each(f"{one.of}_categories", one.category):
            with load.checking(kind, entry):
                _load_category(load, entry, kind)
        listing: Kind[CatalogOfCategories] = Kind(
            one.catalogue, enter, revise, WORDS, SORTED | {"catalog_type"}, DESCRIBED
        )
        for entry in load.each(f"{one.of}_catalogues", one.catalogue):
            with load.checking(listing, entry):
                _load_catalogue(load, entry, listing, one.category)


def load_candidates(load: Load) -> None:
    """What may be chosen, after the specifications that it makes available."""
    for name, choice in CHOICES.items():
        column = f"{name.partition('_')[0]}_specification"
        kind: Kind[Candidate] = Kind(
            choice.candidate, enter, revise, WORDS | {column: "specification"}, SORTED | {column}, DESCRIBED
        )
        for entry in load.each(name, choice.candidate):
            with load.checking(kind, entry):
                _load_candidate(load, entry, kind, choice)


def _load_category(load: Load, entry: Entry, kind: Kind[CategoryEntry]) -> None:
    keys, found = parsed(CategoryKeys, entry), FaultsFound()
    parent = load.named(kind.entity, keys.parent, "parent", found) if keys.parent is not None else None
    found.refuse()
    body = keys.stated | given(parentId=parent, validFor=period(load, keys.valid_from, keys.valid_until))
    load.keep(kind, entry, from_body(kind.entity, body), keys.name)


def _load_catalogue(load: Load, entry: Entry, kind: Kind[CatalogOfCategories], category: type[CategoryEntry]) -> None:
    keys, found = parsed(CatalogKeys, entry), FaultsFound()
    listed = _categories(load, keys.categories, category, found)
    found.refuse()
    valid = period(load, keys.valid_from, keys.valid_until)
    body = keys.stated | given(category=listed, catalogType=keys.catalog_type, validFor=valid)
    load.keep(kind, entry, from_body(kind.entity, body), keys.name)


def _load_candidate(load: Load, entry: Entry, kind: Kind[Candidate], choice: Choice) -> None:
    keys, found = parsed(CandidateKeys, entry), FaultsFound()
    specification = load.named(choice.specification, keys.specification, "specification", found)
    listed = _categories(load, keys.categories, choice.category, found)
    found.refuse()
    valid = period(load, keys.valid_from, keys.valid_until)
    body = keys.stated | given(category=listed, validFor=valid) | {choice.attribute: {"id": specification}}
    load.keep(kind, entry, from_body(kind.entity, body), keys.name)


def _categories(load: Load, slugs: Sequence[str], kind: type[CategoryEntry], found: FaultsFound) -> Json:
    return [{"id": load.named(kind, one, "categories", found)} for one in slugs]
