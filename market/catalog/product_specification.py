"""Product specifications: what can be sold, described for the customer, and the services that realise it.

A product's characteristics are what a customer may choose; those its service needs must be among them, else an order
for it could not be delivered. Words: TMF620.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.characteristics import (
    AllowedValue,
    CharacteristicSpecification,
    check_characteristics,
    rule_of,
    specification_faults,
)
from satcom.core.database import find
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, NotFound, RuleRefused
from satcom.core.events import announce, on
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Reference
from satcom.enterprise.catalog_entry import (
    ENDED,
    IN_USE,
    CatalogEntry,
    LifecycleStatus,
    enter,
    must_be_draft,
    revise,
)
from satcom.service.catalog import ServiceSpecification, ServiceSpecificationToBeWithdrawn


class ProductSpecificationCharacteristic(CharacteristicSpecification):
    """A characteristic in the words of TMF620."""

    allowed: list[AllowedValue] = Field(default_factory=list, alias="productSpecCharacteristicValue")


class ProductSpecification(CatalogEntry, table=True):
    """Something that can be sold, independent of price and market."""

    __tablename__ = "product_specification"

    api: ClassVar = tmf("TMF620", "ProductSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"productSpecCharacteristic", "serviceSpecification", "isBundle"})

    product_spec_characteristic: list[ProductSpecificationCharacteristic] = Field(
        default_factory=list, sa_type=JsonOf(list[ProductSpecificationCharacteristic])
    )
    service_specification: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))


@dataclass(frozen=True)
class ProductSpecificationToBeWithdrawn:
    """It is about to be retired or, with `deleted`, to vanish. Whoever relies on it refuses."""

    specification_id: str
    deleted: bool


def validate_characteristics(
    specification: ProductSpecification, given: list[Characteristic], prefix: str = "/productCharacteristic"
) -> list[Characteristic]:
    """The complete list with defaults. Raises `Refused` with every fault, each below `prefix`."""
    return check_characteristics([rule_of(one) for one in specification.product_spec_characteristic], given, prefix)


def service_specification_of(session: Session, specification: ProductSpecification) -> ServiceSpecification:
    """The service that realises the product. Raises `RuleRefused` when there is none."""
    for one in specification.service_specification:
        return find(session, ServiceSpecification, one.id)
    raise RuleRefused("/productOffering", f"no service realises {specification.name!r}", "noServiceSpecification")


def create_product_specification(
    session: Session, specification: ProductSpecification, by: Principal
) -> ProductSpecification:
    """Design a product."""
    return enter(session, specification, _faults)


def patch_product_specification(
    session: Session, specification: ProductSpecification, patch: dict[str, Json], by: Principal
) -> ProductSpecification:
    """Change it while it is designed, or move it along its life."""
    if revise(session, specification, patch, _faults) is LifecycleStatus.RETIRED:
        announce(session, ProductSpecificationToBeWithdrawn(specification.id, deleted=False))
    return specification


def delete_product_specification(session: Session, specification: ProductSpecification, by: Principal) -> None:
    """Drop a draft that no offering refers to."""
    must_be_draft(specification)
    announce(session, ProductSpecificationToBeWithdrawn(specification.id, deleted=True))
    session.delete(specification)


def _faults(session: Session, specification: ProductSpecification) -> list[Fault]:
    faults = specification_faults(specification.product_spec_characteristic, "/productSpecCharacteristic")
    offered = {one.name for one in specification.product_spec_characteristic}
    for index, one in enumerate(specification.service_specification):
        at = f"/serviceSpecification/{index}/id"
        try:
            service = find(session, ServiceSpecification, one.id)
        except NotFound:
            faults.append(Fault(at, f"there is no service specification {one.id[:80]!r}", "notFound"))
            continue
        if specification.lifecycle_status not in IN_USE:
            continue
        if service.lifecycle_status not in IN_USE:
            why = f"{service.name} is {service.lifecycle_status}"
            faults.append(Fault(at, why, "notActive", ", ".join(sorted(IN_USE))))
        needed = [rule for rule in map(rule_of, service.spec_characteristic) if rule.least and rule.default is None]
        lacking = [rule.name for rule in needed if rule.name not in offered]
        if lacking:
            why = f"{service.name} cannot be delivered without {', '.join(lacking)}"
            faults.append(Fault("/productSpecCharacteristic", why, "missing", ", ".join(lacking)))
    return faults


@on(ServiceSpecificationToBeWithdrawn)
def keep_services_of_products(session: Session, event: ServiceSpecificationToBeWithdrawn) -> None:
    """A service specification that products rest on stays."""
    references = type_coerce(col(ProductSpecification.service_specification), JSONB)
    refers = references.contains([{"id": event.specification_id}])
    query = select(ProductSpecification).where(refers)
    if not event.deleted:
        query = query.where(col(ProductSpecification.lifecycle_status).not_in(ENDED))
    product = session.exec(query).first()
    if product is not None:
        raise RuleRefused("/id", f"product specification {product.name!r} ({product.id}) rests on it", "inUse")


product_specification_routes = TmfRoutes(ProductSpecification)
product_specification_routes.post(create_product_specification, may=Capability.DESIGN_OFFERS)
product_specification_routes.patch(patch_product_specification, may=Capability.DESIGN_OFFERS)
product_specification_routes.delete(delete_product_specification, may=Capability.DESIGN_OFFERS)
