"""The service catalogue: which services the network can deliver, and which values each of them takes.

Specifications are the operator's; products name the one that realises them (`market.catalog`), service orders and
qualifications are checked against them. Words: TMF633.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.characteristics import (
    CharacteristicSpecification,
    check_characteristics,
    rule_of,
    specification_faults,
)
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault
from satcom.core.events import announce
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json
from satcom.enterprise.catalog_entry import CatalogEntry, LifecycleStatus, enter, must_be_draft, revise


class ServiceSpecification(CatalogEntry, table=True):
    """A kind of service, with the characteristics that make one service of it differ from another."""

    __tablename__ = "service_specification"

    api: ClassVar = tmf("TMF633", "ServiceSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"specCharacteristic", "isBundle"})

    spec_characteristic: list[CharacteristicSpecification] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicSpecification])
    )


@dataclass(frozen=True)
class ServiceSpecificationToBeWithdrawn:
    """It is about to be retired or, with `deleted`, to vanish. Whoever relies on it refuses."""

    specification_id: str
    deleted: bool


def validate_characteristics(
    specification: ServiceSpecification, given: list[Characteristic], prefix: str = "/serviceCharacteristic"
) -> list[Characteristic]:
    """The complete list with defaults. Raises `Refused` with every fault, each below `prefix`."""
    return check_characteristics([rule_of(one) for one in specification.spec_characteristic], given, prefix)


def create_service_specification(
    session: Session, specification: ServiceSpecification, by: Principal
) -> ServiceSpecification:
    """Design a kind of service."""
    return enter(session, specification, _faults)


def patch_service_specification(
    session: Session, specification: ServiceSpecification, patch: dict[str, Json], by: Principal
) -> ServiceSpecification:
    """Change it while it is designed, or move it along its life."""
    if revise(session, specification, patch, _faults) is LifecycleStatus.RETIRED:
        announce(session, ServiceSpecificationToBeWithdrawn(specification.id, deleted=False))
    return specification


def delete_service_specification(session: Session, specification: ServiceSpecification, by: Principal) -> None:
    """Drop a draft that nothing refers to."""
    must_be_draft(specification)
    announce(session, ServiceSpecificationToBeWithdrawn(specification.id, deleted=True))
    session.delete(specification)


def _faults(session: Session, specification: ServiceSpecification) -> list[Fault]:
    return specification_faults(specification.spec_characteristic, "/specCharacteristic")


service_specification_routes = TmfRoutes(ServiceSpecification)
service_specification_routes.post(create_service_specification, may=Capability.DESIGN_OFFERS)
service_specification_routes.patch(patch_service_specification, may=Capability.DESIGN_OFFERS)
service_specification_routes.delete(delete_service_specification, may=Capability.DESIGN_OFFERS)
