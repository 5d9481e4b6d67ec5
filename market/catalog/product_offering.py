"""Product offerings: a product at a price, for a time. What the market can order.

An offering is launched when its product is ready and has a price today; it is sold while it is launched and within its
validity. Words: TMF620.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.characteristics import check_characteristics, narrowed, rule_of
from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, RuleRefused
from satcom.core.events import on
from satcom.core.security import Capability
from satcom.core.values import Characteristic, Reference, instant_text
from satcom.enterprise.catalog_entry import (
    IN_USE,
    CatalogEntry,
    LifecycleStatus,
    Naming,
    catalog_routes,
    kept_entry,
)
from satcom.market.catalog.category import Category
from satcom.market.catalog.offering_term import Term, offering_term_faults
from satcom.market.catalog.product_offering_price import (
    CharacteristicValueUse,
    PriceRevised,
    ProductOfferingPrice,
    list_price,
)
from satcom.market.catalog.product_specification import ProductSpecification, service_specification_of
from satcom.market.pricing import ListPrice, booking_faults, list_faults
from satcom.service.catalog import ServiceSpecification, is_booked

ON_SALE = frozenset({LifecycleStatus.LAUNCHED})


class ProductOffering(CatalogEntry, table=True):
    """A product as it is offered. `prodSpecCharValueUse` narrows what the product's characteristics may be."""

    __tablename__ = "product_offering"

    api: ClassVar = tmf("TMF620", "ProductOffering", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"productSpecification", "prodSpecCharValueUse", "isBundle"})

    is_bundle: bool = False
    is_sellable: bool = True
    category: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    product_specification: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    product_offering_price: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    prod_spec_char_value_use: list[CharacteristicValueUse] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicValueUse])
    )
    product_offering_term: list[Term] = Field(default_factory=list, sa_type=JsonOf(list[Term]))

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return (
            Naming("product_specification", ProductSpecification, ON_SALE),
            Naming("product_offering_price", ProductOfferingPrice, ON_SALE, all_ready=False),
            Naming("category", Category, ON_SALE, listed_as="productOffering"),
        )

    def faults(self, session: Session) -> list[Fault]:
        """What stands against it; launched, it needs a product and a price today."""
        found = (kept_entry(session, ProductOfferingPrice, one.id) for one in self.product_offering_price)
        prices = [one for one in found if one is not None]
        faults = offering_term_faults(self.product_offering_term) + _product_faults(session, self)
        listed = [one for entry in prices if (one := list_price(entry))]
        faults += list_faults(listed) + booking_faults(listed, _is_booked(session, self))
        if self.lifecycle_status is not LifecycleStatus.LAUNCHED:
            return faults
        moment = now()
        if not any(one.lifecycle_status in IN_USE and one.valid_at(moment) for one in prices):
            why = f"no price of {self.name!r} is in use and valid now"
            faults.append(Fault("/productOfferingPrice", why, "noPrice", "a price that is Active or Launched"))
        return faults


def _product_faults(session: Session, offering: ProductOffering) -> list[Fault]:
    if offering.product_specification is None:
        launched = offering.lifecycle_status is LifecycleStatus.LAUNCHED
        return [Fault("/productSpecification", "what is launched offers a product", "missing")] if launched else []
    specification = kept_entry(session, ProductSpecification, offering.product_specification.id)
    if specification is None:
        return []
    known = {one.name for one in specification.product_spec_characteristic}
    return [
        Fault(
            f"/prodSpecCharValueUse/{index}/name", f"no characteristic {use.name[:80]!r}", "unknown", ", ".join(known)
        )
        for index, use in enumerate(offering.prod_spec_char_value_use)
        if use.name not in known
    ]


def _is_booked(session: Session, offering: ProductOffering) -> bool:
    named = offering.product_specification
    specification = kept_entry(session, ProductSpecification, named.id) if named is not None else None
    return specification is not None and is_booked(specification.product_spec_characteristic)


def sellable(offering: ProductOffering, at: datetime, field: str = "/productOffering/id") -> None:
    """Raises `RuleRefused` on `field` unless the offering can be ordered at `at`."""
    if offering.lifecycle_status is not LifecycleStatus.LAUNCHED:
        why = f"{offering.name!r} is {offering.lifecycle_status}"
        raise RuleRefused(field, why, "notSellable", "an offering that is Launched")
    if not offering.is_sellable:
        raise RuleRefused(field, f"{offering.name!r} is not sold by itself", "notSellable")
    if not offering.valid_at(at):
        period = offering.valid_for
        start = instant_text(period.start_date_time) if period and period.start_date_time else "always"
        end = instant_text(period.end_date_time) if period and period.end_date_time else "further notice"
        why = f"{offering.name!r} is not sold on {instant_text(at)}"
        raise RuleRefused(field, why, "notSellable", f"{start} to {end}")


def specification_of(session: Session, offering: ProductOffering) -> ProductSpecification:
    """The product that is offered. Raises `RuleRefused` while a draft names none."""
    if offering.product_specification is None:
        raise RuleRefused("/productSpecification", f"{offering.name!r} names no product", "missing")
    return find(session, ProductSpecification, offering.product_specification.id)


def service_sold(session: Session, offering: ProductOffering) -> ServiceSpecification:
    """The service that is delivered. Raises `RuleRefused` when no service realises the product."""
    return service_specification_of(session, specification_of(session, offering))


def list_prices(session: Session, offering: ProductOffering) -> list[ListPrice]:
    """The price list for `market.pricing.price`: prices in use or sold under, in the offering's order."""
    found = [find(session, ProductOfferingPrice, one.id) for one in offering.product_offering_price]
    return [listed for entry in found if entry.lifecycle_status in IN_USE and (listed := list_price(entry))]


def offered_characteristics(
    session: Session,
    offering: ProductOffering,
    given: Sequence[Characteristic],
    prefix: str = "/productCharacteristic",
) -> list[Characteristic]:
    """The complete list with defaults, as the product allows and the offering narrows it.

    Raises `Refused` with every fault, each below `prefix`.
    """
    rules = [rule_of(one) for one in specification_of(session, offering).product_spec_characteristic]
    uses = {use.name: use.allowed for use in offering.prod_spec_char_value_use if use.allowed}
    offered = [narrowed(rule, uses[rule.name]) if rule.name in uses else rule for rule in rules]
    return check_characteristics(offered, given, prefix)


@on(PriceRevised)
def keep_lists_sound(session: Session, event: PriceRevised) -> None:
    """No revision of a price may give a charge of an offering two prices at the same time."""
    references = type_coerce(col(ProductOffering.product_offering_price), JSONB)
    for offering in session.exec(select(ProductOffering).where(references.contains([{"id": event.price_id}]))):
        faults = list_faults(list_prices(session, offering))
        if faults:
            raise RuleRefused("/validFor", f"in offering {offering.name!r} {faults[0].why}", faults[0].code)


product_offering_routes = catalog_routes(ProductOffering)
