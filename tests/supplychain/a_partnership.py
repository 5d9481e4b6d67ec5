"""An agreement with a partner and a partnership under it, as tests of partner capacity need them."""

from sqlmodel import Session, select

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.agreement import Agreement, conclude_agreement
from satcom.enterprise.party import Organization, operator_of
from satcom.supplychain.partnership import (
    Partnership,
    PartnershipSpecification,
    engage_partner,
    specify_partnership,
)
from tests.enterprise.an_operator import an_organization

SPECIFICATION_BODY: dict[str, Json] = {
    "name": "Capacity partners",
    "roleSpecification": [{"name": "capacityProvider"}],
}
CEILING: Json = {"unit": "USD", "value": 300}


def agreement_body(
    session: Session, partner: Organization, ceiling: Json = CEILING, floor_percent: Json = 10, status: str = "approved"
) -> dict[str, Json]:
    """An agreement on capacity."""
    ours: Json = {"id": operator_of(session).organization_id, "name": "Us", "@referredType": "Organization"}
    theirs: Json = {"id": partner.id, "name": partner.trading_name, "@referredType": "Organization"}
    return {
        "name": f"Capacity of {partner.trading_name}",
        "agreementType": "partnerCapacity",
        "status": status,
        "engagedParty": [ours, theirs],
        "agreementItem": [{"termOrCondition": [{"description": "Managed capacity by site"}]}],
        "characteristic": [
            {"name": "monthlyPriceCeilingPerMbps", "value": ceiling},
            {"name": "minimumMarginPercent", "value": floor_percent},
        ],
    }


def an_agreement(
    session: Session, partner: Organization, ceiling: Json = CEILING, floor_percent: Json = 10, status: str = "approved"
) -> Agreement:
    body = agreement_body(session, partner, ceiling, floor_percent, status)
    return conclude_agreement(session, from_body(Agreement, body), WORKER)


def a_specification(session: Session) -> PartnershipSpecification:
    known = session.exec(select(PartnershipSpecification)).first()
    return known or specify_partnership(session, from_body(PartnershipSpecification, SPECIFICATION_BODY), WORKER)


def partnership_body(
    session: Session, partner: Organization, url: str, agreement: Agreement | None = None
) -> dict[str, Json]:
    """A partnership for capacity, under an agreement that is made for it where none is given."""
    under = agreement or an_agreement(session, partner)
    engaged: Json = {"id": partner.id, "name": partner.trading_name, "@referredType": "Organization"}
    return {
        "name": f"Capacity of {partner.trading_name}",
        "specification": {"id": a_specification(session).id},
        "partner": [
            {
                "name": partner.trading_name,
                "engagedParty": engaged,
                "agreement": [{"id": under.id}],
                "characteristic": [{"name": "apiUrl", "value": url}],
            }
        ],
    }


def a_partnership(
    session: Session, url: str, name: str = "Oceanis", ceiling: Json = CEILING, floor_percent: Json = 10
) -> Partnership:
    """A new organization as partner that leases us capacity."""
    partner = an_organization(session, name)
    under = an_agreement(session, partner, ceiling, floor_percent)
    return engage_partner(session, from_body(Partnership, partnership_body(session, partner, url, under)), WORKER)
