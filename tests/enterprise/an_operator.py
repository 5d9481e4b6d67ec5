"""An operator and its parties, as tests need them."""

from decimal import Decimal

from sqlmodel import Session

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.party import (
    Individual,
    Operator,
    Organization,
    create_individual,
    create_organization,
    set_up_operator,
)

ZONE = "Africa/Nairobi"


def an_organization(session: Session, name: str = "Mine", below: Organization | None = None) -> Organization:
    body: dict[str, Json] = {"tradingName": name}
    if below is not None:
        body["organizationParentRelationship"] = {"organization": {"id": below.id}}
    return create_organization(session, from_body(Organization, body), WORKER)


def an_individual(session: Session) -> Individual:
    return create_individual(session, from_body(Individual, {"givenName": "Ada", "familyName": "Obi"}), WORKER)


def an_operator(session: Session, currency: str = "USD") -> Operator:
    ours = an_organization(session, "Meridian")
    return set_up_operator(session, ours, currency, ZONE, Decimal(16), WORKER)
