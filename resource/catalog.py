"""The resource catalogue: what the network is made of, as far as services are built from it.

A resource specification names one thing that a service can need of the network. The `category` says which; the flow of
an order knows what each of them takes to hold, to activate and to test. A service specification lists those that it
needs (`service.catalog`), so that a new kind of service is a new list. Words: TMF634.
"""

from enum import StrEnum
from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.characteristics import CharacteristicSpecification, specification_faults
from satcom.core.entity import JsonOf, state_type, tmf
from satcom.core.errors import Fault
from satcom.core.security import Capability
from satcom.enterprise.catalog_entry import CatalogEntry, catalog_routes


class NetworkNeed(StrEnum):
    """What of the network a service can need."""

    CARRIERS = "carriers"
    POOL_SHARE = "poolShare"
    LEASED_SPECTRUM = "leasedSpectrum"
    HUB_PORT = "hubPort"
    TERMINAL = "terminal"
    CONSTELLATION_SHARE = "constellationShare"


# the ways to take capacity; a service takes it in one of them
CAPACITIES = (
    NetworkNeed.CARRIERS,
    NetworkNeed.POOL_SHARE,
    NetworkNeed.LEASED_SPECTRUM,
    NetworkNeed.CONSTELLATION_SHARE,
)


class ResourceSpecification(CatalogEntry, table=True):
    """One kind of resource that services are built from."""

    __tablename__ = "resource_specification"

    api: ClassVar = tmf("TMF634", "ResourceSpecification", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset({"resourceSpecCharacteristic", "category", "isBundle"})

    is_bundle: bool = False
    category: NetworkNeed | None = Field(default=None, sa_type=state_type(NetworkNeed))
    resource_spec_characteristic: list[CharacteristicSpecification] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicSpecification])
    )

    def faults(self, session: Session) -> list[Fault]:
        return specification_faults(self.resource_spec_characteristic, "/resourceSpecCharacteristic")


routes = catalog_routes(ResourceSpecification)
