"""A resource catalogue, as tests need it: what a service is built from."""

from sqlmodel import Session

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.resource.catalog import NetworkNeed, ResourceSpecification

A_LINK = (NetworkNeed.CARRIERS, NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL)


def built_from(session: Session, *categories: NetworkNeed) -> list[Json]:
    """References for a service specification; by default to what a dedicated link needs."""
    return [{"id": a_resource_specification(session, one).id} for one in categories or A_LINK]


def a_resource_specification(session: Session, category: NetworkNeed, **more: Json) -> ResourceSpecification:
    body: dict[str, Json] = {"name": category.value, "category": category.value, "lifecycleStatus": "Active"}
    return enter(session, from_body(ResourceSpecification, body | more), WORKER)
