"""The service catalogue as it is exported and imported: `enterprise.catalog_job`. Words: TMF633."""

from typing import ClassVar

from satcom.core.entity import tmf
from satcom.core.security import Capability
from satcom.core.tmf_document import tmf_document
from satcom.enterprise.catalog_exchange import Exchange, Part
from satcom.enterprise.catalog_job import ExportJob, ImportJob, export_routes, import_routes
from satcom.service.catalog import ServiceSpecification
from satcom.service.category import ServiceCandidate, ServiceCatalog, ServiceCategory

EXCHANGE = Exchange(
    tmf_document("TMF633"),
    (Part(ServiceCategory), Part(ServiceSpecification), Part(ServiceCandidate), Part(ServiceCatalog)),
)


class ServiceExportJob(ExportJob, table=True):
    """An export of the service catalogue."""

    __tablename__ = "service_export_job"

    api: ClassVar = tmf("TMF633", "ExportJob", Capability.DESIGN_OFFERS)
    exchange: ClassVar[Exchange] = EXCHANGE


class ServiceImportJob(ImportJob, table=True):
    """An import into the service catalogue."""

    __tablename__ = "service_import_job"

    api: ClassVar = tmf("TMF633", "ImportJob", Capability.DESIGN_OFFERS)
    exchange: ClassVar[Exchange] = EXCHANGE


routes = import_routes(ServiceImportJob), export_routes(ServiceExportJob)
