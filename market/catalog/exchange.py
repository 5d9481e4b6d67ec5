"""The product catalogue as it is exported and imported: `enterprise.catalog_job`. Words: TMF620.

Its specifications name services: import the service catalogue first.
"""

from typing import ClassVar

from satcom.core.entity import tmf
from satcom.core.security import Capability
from satcom.core.tmf_document import tmf_document
from satcom.enterprise.catalog_exchange import Exchange, Part
from satcom.enterprise.catalog_job import ExportJob, ImportJob, export_routes, import_routes
from satcom.market.catalog.category import Catalog, Category
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice, patch_price
from satcom.market.catalog.product_specification import ProductSpecification

EXCHANGE = Exchange(
    tmf_document("TMF620"),
    (
        Part(Category),
        Part(ProductSpecification),
        Part(ProductOfferingPrice, patch_price),
        Part(ProductOffering),
        Part(Catalog),
    ),
)


class ProductExportJob(ExportJob, table=True):
    """An export of the product catalogue."""

    __tablename__ = "product_export_job"

    api: ClassVar = tmf("TMF620", "ExportJob", Capability.DESIGN_OFFERS)
    exchange: ClassVar[Exchange] = EXCHANGE


class ProductImportJob(ImportJob, table=True):
    """An import into the product catalogue."""

    __tablename__ = "product_import_job"

    api: ClassVar = tmf("TMF620", "ImportJob", Capability.DESIGN_OFFERS)
    exchange: ClassVar[Exchange] = EXCHANGE


routes = import_routes(ProductImportJob), export_routes(ProductExportJob)
