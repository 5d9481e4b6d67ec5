"""Everything the program declares, in one place: importing this module makes all entities, routes and flows known."""

from importlib.metadata import version as installed

from satcom.core.tmf_api import TmfRoutes
from satcom.enterprise import party
from satcom.market import account, customer
from satcom.market.catalog import product_offering, product_offering_price, product_specification
from satcom.service import catalog as service_catalog

ROUTES: tuple[TmfRoutes, ...] = (
    party.organization_routes,
    party.individual_routes,
    customer.routes,
    account.routes,
    product_specification.routes,
    product_offering.routes,
    product_offering_price.routes,
    service_catalog.routes,
)


def version() -> str:
    """The installed version of the program."""
    return installed("satcom")
