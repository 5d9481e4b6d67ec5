"""A resource catalogue, as tests need it: what a service is built from."""

from sqlmodel import Session

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.resource.catalog import ResourceCategory, ResourceSpecification, create_resource_specification

A_LINK = (ResourceCategory.CARRIERS, ResourceCategory.HUB_PORT, ResourceCategory.TERMINAL)


def built_from(session: Session, *categories: ResourceCategory) -> list[Json]:
    """References for a service specification; by default to what a dedicated link needs."""
    return [{"id": a_resource_specification(session, one).id} for one in categories or A_LINK]


def a_resource_specification(session: Session, category: ResourceCategory, **more: Json) -> ResourceSpecification:
    body: dict[str, Json] = {"name": category.value, "category": category.value, "lifecycleStatus": "Active"}
    return create_resource_specification(session, from_body(ResourceSpecification, body | more), WORKER)
