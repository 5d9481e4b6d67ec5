"""Everything the program declares, in one place: importing this module makes all entities, routes and flows known."""

from importlib.metadata import version as installed

from satcom.core.tmf_api import TmfRoutes
from satcom.enterprise import party
from satcom.market import account, customer, inventory, ordering
from satcom.market.catalog import product_offering, product_offering_price, product_specification
from satcom.orchestration import plan
from satcom.resource import ground, hub, licence, payload, satellite, spectrum
from satcom.service import catalog as service_catalog
from satcom.service import inventory as service_inventory
from satcom.service import ordering as service_ordering
from satcom.service import service_test
from satcom.supplychain import partner, procurement, stock

ROUTES: tuple[TmfRoutes, ...] = (
    party.organization_routes,
    party.individual_routes,
    party.operator_routes,
    customer.routes,
    account.routes,
    product_specification.product_specification_routes,
    product_offering.product_offering_routes,
    product_offering_price.product_offering_price_routes,
    ordering.routes,
    ordering.cancel_routes,
    inventory.routes,
    service_catalog.service_specification_routes,
    service_ordering.routes,
    service_inventory.routes,
    service_inventory.path_routes,
    service_test.routes,
    licence.licence_routes,
    satellite.element_set_routes,
    ground.terminal_type_routes,
    partner.routes,
    procurement.routes,
    procurement.receipt_routes,
    stock.depot_routes,
    stock.stock_item_routes,
    stock.stocked_terminal_routes,
)
KINDS = (hub.Hub, payload.Transponder, spectrum.SpectrumAssignment, plan.ProcessFlow)


def version() -> str:
    """The installed version of the program."""
    return installed("satcom")
