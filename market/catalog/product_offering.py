"""Product offerings: a product at a price, for a time. What the market can order.

An offering is launched when its product is ready and has a price today; it is sold while it is launched and within its
validity. Words: TMF620.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ColumnElement, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.characteristics import check_characteristics, narrowed, rule_of
from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, NotFound, RuleRefused
from satcom.core.events import on
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Reference, instant_text
from satcom.enterprise.catalog_entry import IN_USE, CatalogEntry, LifecycleStatus, enter, must_be_draft, revise
from satcom.market.catalog.offering_term import Term, offering_term_faults
from satcom.market.catalog.product_offering_price import (
    CharacteristicValueUse,
    PriceRevised,
    PriceToBeWithdrawn,
    ProductOfferingPrice,
    list_price,
)
from satcom.market.catalog.product_specification import (
    ProductSpecification,
    ProductSpecificationToBeWithdrawn,
    service_specification_of,
)
from satcom.market.pricing import ListPrice, list_faults
from satcom.service.catalog import ServiceSpecification


class ProductOffering(CatalogEntry, table=True):
    """A product as it is offered. `prodSpecCharValueUse` narrows what the product's characteristics may be."""

    __tablename__ = "product_offering"

    api: ClassVar = tmf("TMF620", "ProductOffering", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"productSpecification", "prodSpecCharValueUse", "isBundle"})

    is_sellable: bool = True
    product_specification: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    product_offering_price: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    prod_spec_char_value_use: list[CharacteristicValueUse] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicValueUse])
    )
    product_offering_term: list[Term] = Field(default_factory=list, sa_type=JsonOf(list[Term]))


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


def create_product_offering(session: Session, offering: ProductOffering, by: Principal) -> ProductOffering:
    """Design an offering."""
    return enter(session, offering, _faults)


def patch_product_offering(
    session: Session, offering: ProductOffering, patch: dict[str, Json], by: Principal
) -> ProductOffering:
    """Change it, or move it along its life. Prices may be added while it is sold; the list must stay sound."""
    revise(session, offering, patch, _faults)
    return offering


def delete_product_offering(session: Session, offering: ProductOffering, by: Principal) -> None:
    """Drop a draft. Nobody can have ordered it."""
    must_be_draft(offering)
    session.delete(offering)


def _faults(session: Session, offering: ProductOffering) -> list[Fault]:
    """What stands against the offering; launched, it needs a ready product and a price today."""
    faults = _product_faults(session, offering) + offering_term_faults(offering.product_offering_term)
    prices = []
    for index, one in enumerate(offering.product_offering_price):
        try:
            prices.append(find(session, ProductOfferingPrice, one.id))
        except NotFound:
            at = f"/productOfferingPrice/{index}/id"
            faults.append(Fault(at, f"there is no price {one.id[:80]!r}", "notFound"))
    faults += list_faults([listed for entry in prices if (listed := list_price(entry))])
    if offering.lifecycle_status is not LifecycleStatus.LAUNCHED:
        return faults
    moment = now()
    valid = [one for one in prices if one.lifecycle_status in IN_USE and one.valid_at(moment)]
    if not valid:
        why = f"no price of {offering.name!r} is in use and valid now"
        faults.append(Fault("/productOfferingPrice", why, "noPrice", "a price that is Active or Launched"))
    return faults


def _product_faults(session: Session, offering: ProductOffering) -> list[Fault]:
    at = "/productSpecification"
    launched = offering.lifecycle_status is LifecycleStatus.LAUNCHED
    if offering.product_specification is None:
        return [Fault(at, "what is launched offers a product", "missing")] if launched else []
    wanted = offering.product_specification.id
    try:
        specification = find(session, ProductSpecification, wanted)
    except NotFound:
        return [Fault(f"{at}/id", f"there is no product specification {wanted[:80]!r}", "notFound")]
    if launched and specification.lifecycle_status not in IN_USE:
        why = f"{specification.name!r} is {specification.lifecycle_status}"
        return [Fault(f"{at}/id", why, "notActive", ", ".join(sorted(IN_USE)))]
    known = {one.name for one in specification.product_spec_characteristic}
    return [
        Fault(
            f"/prodSpecCharValueUse/{index}/name", f"no characteristic {use.name[:80]!r}", "unknown", ", ".join(known)
        )
        for index, use in enumerate(offering.prod_spec_char_value_use)
        if use.name not in known
    ]


@on(ProductSpecificationToBeWithdrawn)
def keep_offered_products(session: Session, event: ProductSpecificationToBeWithdrawn) -> None:
    """A product that is on sale stays; a draft that an offering names is not deleted."""
    reference = type_coerce(col(ProductOffering.product_specification), JSONB)
    _refuse_while_named(session, reference.contains({"id": event.specification_id}), event.deleted)


@on(PriceToBeWithdrawn)
def keep_offered_prices(session: Session, event: PriceToBeWithdrawn) -> None:
    """A price of a launched offering is ended by its period, not withdrawn."""
    references = type_coerce(col(ProductOffering.product_offering_price), JSONB)
    _refuse_while_named(session, references.contains([{"id": event.price_id}]), event.deleted)


@on(PriceRevised)
def keep_lists_sound(session: Session, event: PriceRevised) -> None:
    """No revision of a price may give a charge of an offering two prices at the same time."""
    references = type_coerce(col(ProductOffering.product_offering_price), JSONB)
    for offering in session.exec(select(ProductOffering).where(references.contains([{"id": event.price_id}]))):
        faults = list_faults(list_prices(session, offering))
        if faults:
            raise RuleRefused("/validFor", f"in offering {offering.name!r} {faults[0].why}", faults[0].code)


def _refuse_while_named(session: Session, named: ColumnElement[bool], deleted: bool) -> None:
    query = select(ProductOffering).where(named)
    if not deleted:
        query = query.where(col(ProductOffering.lifecycle_status) == LifecycleStatus.LAUNCHED)
    offering = session.exec(query).first()
    if offering is not None:
        why = f"offering {offering.name!r} ({offering.id}) is {offering.lifecycle_status} and names it"
        raise RuleRefused("/id", why, "inUse")


product_offering_routes = TmfRoutes(ProductOffering)
product_offering_routes.post(create_product_offering, may=Capability.DESIGN_OFFERS)
product_offering_routes.patch(patch_product_offering, may=Capability.DESIGN_OFFERS)
product_offering_routes.delete(delete_product_offering, may=Capability.DESIGN_OFFERS)
