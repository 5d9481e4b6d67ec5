"""Product specifications: what can be sold, described for the customer, and the services that realise it.

A product's characteristics are what a customer may choose; those its service needs must be among them, else an order
for it could not be delivered. Words: TMF620.
"""

from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.characteristics import (
    AllowedValue,
    CharacteristicSpecification,
    check_characteristics,
    rule_of,
    specification_faults,
)
from satcom.core.database import find
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, RuleRefused
from satcom.core.security import Capability
from satcom.core.values import Characteristic, Reference
from satcom.enterprise.catalog_entry import IN_USE, CatalogEntry, Naming, catalog_routes, kept_entry
from satcom.service.catalog import DURATION, ServiceSpecification, is_booked


class ProductSpecificationCharacteristic(CharacteristicSpecification):
    """A characteristic in the words of TMF620."""

    allowed: list[AllowedValue] = Field(default_factory=list, alias="productSpecCharacteristicValue")


class ProductSpecification(CatalogEntry, table=True):
    """Something that can be sold, independent of price and market."""

    __tablename__ = "product_specification"

    api: ClassVar = tmf("TMF620", "ProductSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"productSpecCharacteristic", "serviceSpecification", "isBundle"})

    is_bundle: bool = False
    product_spec_characteristic: list[ProductSpecificationCharacteristic] = Field(
        default_factory=list, sa_type=JsonOf(list[ProductSpecificationCharacteristic])
    )
    service_specification: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return (Naming("service_specification", ServiceSpecification),)

    def faults(self, session: Session) -> list[Fault]:
        faults = specification_faults(self.product_spec_characteristic, "/productSpecCharacteristic")
        if self.lifecycle_status in IN_USE:
            offered = {one.name for one in self.product_spec_characteristic}
            for one in self.service_specification:
                service = kept_entry(session, ServiceSpecification, one.id)
                faults += _unlike(service, offered) if service is not None else []
        return faults


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


def _unlike(service: ServiceSpecification, offered: set[str]) -> list[Fault]:
    """What the service cannot be delivered without, and the product does not offer; or a time that it does not end."""
    faults = _lacking(service, offered)
    if DURATION in offered and not is_booked(service.spec_characteristic):
        why = f"{service.name} goes on until notice is given, so nothing would end what is booked"
        faults.append(Fault("/productSpecCharacteristic", why, "notBookable", f"a service that asks for {DURATION}"))
    return faults


def _lacking(service: ServiceSpecification, offered: set[str]) -> list[Fault]:
    needed = [rule for rule in map(rule_of, service.spec_characteristic) if rule.least and rule.default is None]
    lacking = ", ".join(rule.name for rule in needed if rule.name not in offered)
    why = f"{service.name} cannot be delivered without {lacking}"
    return [Fault("/productSpecCharacteristic", why, "missing", lacking)] if lacking else []


product_specification_routes = catalog_routes(ProductSpecification)
