"""The service catalogue: which services the network can deliver, and which values each of them takes.

Specifications are the operator's; products name the one that realises them (`market.catalog`), service orders and
qualifications are checked against them. Which resources it lists decides how it is qualified, held, activated and
tested: a new kind of service is a new list. Words: TMF633.
"""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.characteristics import (
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
from satcom.resource.catalog import (
    CAPACITIES,
    ResourceCategory,
    ResourceSpecification,
    ResourceSpecificationToBeWithdrawn,
)

# What each way to take capacity needs beside it. A lease goes to no site: the customer brings his own carriers.
BESIDE = {
    ResourceCategory.CARRIERS: {ResourceCategory.HUB_PORT, ResourceCategory.TERMINAL},
    ResourceCategory.POOL_SHARE: {ResourceCategory.TERMINAL},
    ResourceCategory.LEASED_SPECTRUM: set[ResourceCategory](),
}


class ServiceSpecification(CatalogEntry, table=True):
    """A kind of service, with the characteristics that make one service of it differ from another."""

    __tablename__ = "service_specification"

    api: ClassVar = tmf("TMF633", "ServiceSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"specCharacteristic", "resourceSpecification", "isBundle"})

    spec_characteristic: list[CharacteristicSpecification] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicSpecification])
    )
    resource_specification: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))


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


def resources_of(session: Session, specification: ServiceSpecification) -> frozenset[ResourceCategory]:
    """What of the network the service needs."""
    needed = (find(session, ResourceSpecification, one.id).category for one in specification.resource_specification)
    return frozenset(one for one in needed if one is not None)


def capacity_of(session: Session, specification: ServiceSpecification) -> ResourceCategory:
    """In which way the service takes capacity. Raises `RuleRefused` when it takes none."""
    taken = [one for one in CAPACITIES if one in resources_of(session, specification)]
    if not taken:
        why = f"{specification.name} takes no capacity of the network"
        raise RuleRefused("/serviceSpecification", why, "noCapacity", "a service that needs " + ", ".join(CAPACITIES))
    return taken[0]


@on(ResourceSpecificationToBeWithdrawn)
def _keep_what_is_needed(session: Session, event: ResourceSpecificationToBeWithdrawn) -> None:
    named = type_coerce(ServiceSpecification.resource_specification, JSONB).contains([{"id": event.specification_id}])
    alive = col(ServiceSpecification.lifecycle_status).not_in(ENDED)
    needing = session.exec(select(ServiceSpecification).where(named, alive)).first()
    if needing is not None:
        why = f"the service specification {needing.name!r} needs it"
        raise RuleRefused("/lifecycleStatus", why, "inUse", "a specification that no service needs")


def _faults(session: Session, specification: ServiceSpecification) -> list[Fault]:
    faults = specification_faults(specification.spec_characteristic, "/specCharacteristic")
    categories = []
    for index, one in enumerate(specification.resource_specification):
        at = f"/resourceSpecification/{index}/id"
        try:
            resource = find(session, ResourceSpecification, one.id)
        except NotFound:
            faults.append(Fault(at, f"there is no resource specification {one.id[:80]!r}", "notFound"))
            continue
        categories.append(resource.category)
        if specification.lifecycle_status in IN_USE and resource.lifecycle_status not in IN_USE:
            why = f"{resource.name} is {resource.lifecycle_status}"
            faults.append(Fault(at, why, "notActive", ", ".join(sorted(IN_USE))))
    ways = [one for one in CAPACITIES if one in categories]
    if len(ways) == 1 and BESIDE[ways[0]] != {one for one in categories if one is not None and one is not ways[0]}:
        accepted = ", ".join([ways[0], *sorted(BESIDE[ways[0]])])
        why = f"with {ways[0]} a service can only be delivered and tested with what belongs to it"
        faults.append(Fault("/resourceSpecification", why, "wrongResources", accepted))
    if len(ways) > 1:
        why = f"a service takes capacity in one way, not by {' and '.join(ways)}"
        faults.append(Fault("/resourceSpecification", why, "severalCapacities", "one of " + ", ".join(CAPACITIES)))
    return faults


service_specification_routes = TmfRoutes(ServiceSpecification)
service_specification_routes.post(create_service_specification, may=Capability.DESIGN_OFFERS)
service_specification_routes.patch(patch_service_specification, may=Capability.DESIGN_OFFERS)
service_specification_routes.delete(delete_service_specification, may=Capability.DESIGN_OFFERS)
