"""The resource catalogue as it is exported and imported: `enterprise.catalog_job`. Words: TMF634."""

from typing import ClassVar

from satcom.core.entity import tmf
from satcom.core.security import Capability
from satcom.core.tmf_document import tmf_document
from satcom.enterprise.catalog_exchange import Exchange, Part
from satcom.enterprise.catalog_job import ExportJob, ImportJob, export_routes, import_routes
from satcom.resource.catalog import ResourceSpecification
from satcom.resource.category import ResourceCandidate, ResourceCatalog, ResourceCategory

EXCHANGE = Exchange(
    tmf_document("TMF634"),
    (Part(ResourceCategory), Part(ResourceSpecification), Part(ResourceCandidate), Part(ResourceCatalog)),
)


class ResourceExportJob(ExportJob, table=True):
    """An export of the resource catalogue."""

    __tablename__ = "resource_export_job"

    api: ClassVar = tmf("TMF634", "ExportJob", Capability.DESIGN_OFFERS)
    exchange: ClassVar[Exchange] = EXCHANGE


class ResourceImportJob(ImportJob, table=True):
    """An import into the resource catalogue."""

    __tablename__ = "resource_import_job"

    api: ClassVar = tmf("TMF634", "ImportJob", Capability.DESIGN_OFFERS)
    exchange: ClassVar[Exchange] = EXCHANGE


routes = import_routes(ResourceImportJob), export_routes(ResourceExportJob)
