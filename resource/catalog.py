"""The resource catalogue: what the network is made of, as far as services are built from it.

A resource specification names one thing that a service can need of the network. The `category` says which; the flow of
an order knows what each of them takes to hold, to activate and to test. A service specification lists those that it
needs (`service.catalog`), so that a new kind of service is a new list. Words: TMF634.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.characteristics import CharacteristicSpecification, specification_faults
from satcom.core.entity import JsonOf, state_type, tmf
from satcom.core.errors import Fault
from satcom.core.events import announce
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import CatalogEntry, LifecycleStatus, enter, must_be_draft, revise


class ResourceCategory(StrEnum):
    """What of the network a service can need."""

    CARRIERS = "carriers"
    POOL_SHARE = "poolShare"
    LEASED_SPECTRUM = "leasedSpectrum"
    HUB_PORT = "hubPort"
    TERMINAL = "terminal"


# the ways to take capacity; a service takes it in one of them
CAPACITIES = (ResourceCategory.CARRIERS, ResourceCategory.POOL_SHARE, ResourceCategory.LEASED_SPECTRUM)


class ResourceSpecification(CatalogEntry, table=True):
    """One kind of resource that services are built from."""

    __tablename__ = "resource_specification"

    api: ClassVar = tmf("TMF634", "ResourceSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"resourceSpecCharacteristic", "category", "isBundle"})

    category: ResourceCategory | None = Field(default=None, sa_type=state_type(ResourceCategory))
    resource_spec_characteristic: list[CharacteristicSpecification] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicSpecification])
    )


@dataclass(frozen=True)
class ResourceSpecificationToBeWithdrawn:
    """It is about to be retired or, with `deleted`, to vanish. Whoever relies on it refuses."""

    specification_id: str
    deleted: bool


def create_resource_specification(
    session: Session, specification: ResourceSpecification, by: Principal
) -> ResourceSpecification:
    """Describe a kind of resource."""
    return enter(session, specification, _faults)


def patch_resource_specification(
    session: Session, specification: ResourceSpecification, patch: dict[str, Json], by: Principal
) -> ResourceSpecification:
    """Change it while it is designed, or move it along its life."""
    if revise(session, specification, patch, _faults) is LifecycleStatus.RETIRED:
        announce(session, ResourceSpecificationToBeWithdrawn(specification.id, deleted=False))
    return specification


def delete_resource_specification(session: Session, specification: ResourceSpecification, by: Principal) -> None:
    """Drop a draft that nothing refers to."""
    must_be_draft(specification)
    announce(session, ResourceSpecificationToBeWithdrawn(specification.id, deleted=True))
    session.delete(specification)


def _faults(session: Session, specification: ResourceSpecification) -> list[Fault]:
    return specification_faults(specification.resource_spec_characteristic, "/resourceSpecCharacteristic")


routes = TmfRoutes(ResourceSpecification)
routes.post(create_resource_specification, may=Capability.DESIGN_OFFERS)
routes.patch(patch_resource_specification, may=Capability.DESIGN_OFFERS)
routes.delete(delete_resource_specification, may=Capability.DESIGN_OFFERS)
