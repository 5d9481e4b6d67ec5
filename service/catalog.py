"""The service catalogue: which services the network can deliver, and which values each of them takes.

Specifications are the operator's; products name the one that realises them (`market.catalog`), service orders and
qualifications are checked against them. Which resources it lists decides how it is qualified, held, activated and
tested: a new kind of service is a new list. One that asks for `durationMinutes` is booked: it ends by itself.
Words: TMF633.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from sqlmodel import Field, Session, col, select

from satcom.core.characteristics import (
    CharacteristicSpecification,
    check_characteristics,
    rule_of,
    specification_faults,
)
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, RuleRefused
from satcom.core.security import Capability
from satcom.core.values import Characteristic, Reference
from satcom.enterprise.catalog_entry import CatalogEntry, Naming, catalog_routes, kept_entry
from satcom.resource.catalog import CAPACITIES, NetworkNeed, ResourceSpecification

DURATION: Final = "durationMinutes"  # what asks for it is booked for so long
# What each way to take capacity needs beside it. A lease goes to no site: the customer brings his own carriers.
BESIDE = {
    NetworkNeed.CARRIERS: {NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL},
    NetworkNeed.POOL_SHARE: {NetworkNeed.TERMINAL},
    NetworkNeed.LEASED_SPECTRUM: set[NetworkNeed](),
    NetworkNeed.CONSTELLATION_SHARE: {NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL},
}


class ServiceSpecification(CatalogEntry, table=True):
    """A kind of service, with the characteristics that make one service of it differ from another."""

    __tablename__ = "service_specification"

    api: ClassVar = tmf("TMF633", "ServiceSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"specCharacteristic", "resourceSpecification", "isBundle"})

    is_bundle: bool = False
    spec_characteristic: list[CharacteristicSpecification] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicSpecification])
    )
    resource_specification: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return (Naming("resource_specification", ResourceSpecification),)

    def faults(self, session: Session) -> list[Fault]:
        needed = (kept_entry(session, ResourceSpecification, one.id) for one in self.resource_specification)
        categories = [one.category for one in needed if one is not None]
        return [
            *specification_faults(self.spec_characteristic, "/specCharacteristic"),
            *_resource_faults(categories),
            *_booking_faults(self.spec_characteristic, categories),
        ]


def validate_characteristics(
    specification: ServiceSpecification, given: list[Characteristic], prefix: str = "/serviceCharacteristic"
) -> list[Characteristic]:
    """The complete list with defaults. Raises `Refused` with every fault, each below `prefix`."""
    return check_characteristics([rule_of(one) for one in specification.spec_characteristic], given, prefix)


def resources_of(session: Session, specification: ServiceSpecification) -> frozenset[NetworkNeed]:
    """What of the network the service needs."""
    listed = col(ResourceSpecification.id).in_([one.id for one in specification.resource_specification])
    needed = session.exec(select(ResourceSpecification.category).where(listed))
    return frozenset(NetworkNeed(one) for one in needed if one is not None)


def capacity_of(session: Session, specification: ServiceSpecification) -> NetworkNeed:
    """In which way the service takes capacity. Raises `RuleRefused` when it takes none."""
    needed = resources_of(session, specification)
    taken = [one for one in CAPACITIES if one in needed]
    if not taken:
        why = f"{specification.name} takes no capacity of the network"
        raise RuleRefused("/serviceSpecification", why, "noCapacity", "a service that needs " + ", ".join(CAPACITIES))
    return taken[0]


def _resource_faults(categories: list[NetworkNeed | None]) -> list[Fault]:
    """A service takes capacity in one way, with what belongs to it."""
    faults = []
    ways = [one for one in CAPACITIES if one in categories]
    if len(ways) == 1 and BESIDE[ways[0]] != {one for one in categories if one is not None and one is not ways[0]}:
        accepted = ", ".join([ways[0], *sorted(BESIDE[ways[0]])])
        why = f"with {ways[0]} a service can only be delivered and tested with what belongs to it"
        faults.append(Fault("/resourceSpecification", why, "wrongResources", accepted))
    if len(ways) > 1:
        why = f"a service takes capacity in one way, not by {' and '.join(ways)}"
        faults.append(Fault("/resourceSpecification", why, "severalCapacities", "one of " + ", ".join(CAPACITIES)))
    return faults


def is_booked(characteristics: Sequence[CharacteristicSpecification]) -> bool:
    """Whether what has these characteristics is booked for a time, and ends by itself."""
    return any(one.name == DURATION for one in characteristics)


def _booking_faults(
    characteristics: Sequence[CharacteristicSpecification], categories: Sequence[NetworkNeed | None]
) -> list[Fault]:
    """What is booked always says for how long, and leaves nothing at a site or in a hub when it ends."""
    faults = []
    others = [one for one in CAPACITIES if one in categories and one is not NetworkNeed.LEASED_SPECTRUM]
    for index, one in enumerate(characteristics):
        if one.name != DURATION:
            continue
        where, rule = f"/specCharacteristic/{index}", rule_of(one)
        if others:
            why = f"only spectrum is booked by the minute, a service with {others[0]} goes on until notice is given"
            faults.append(Fault(f"{where}/name", why, "notBookable", NetworkNeed.LEASED_SPECTRUM))
        if not rule.least and rule.default is None:
            why = "what is booked has an end, so it is asked for always"
            faults.append(Fault(f"{where}/minCardinality", why, "optional", "1, or a default"))
    return faults


service_specification_routes = catalog_routes(ServiceSpecification)
