"""Partner told term: what was delivered before terms were kept is asked for its end, once.

The sweep begins it for capacity that is to be renewed but whose end nobody knows. What the partner tells counts, else
the agreement; from then on it is renewed as any other (`partner_renewal`).
"""

from datetime import datetime
from typing import Final

from pydantic import TypeAdapter
from sqlmodel import Session

from satcom.core.database import find
from satcom.core.values import Instant, Json, instant_text
from satcom.orchestration.engine import Call
from satcom.orchestration.plan import Plan, plan
from satcom.resource.drivers.port import DriverUnavailable
from satcom.supplychain.drivers.port import PartnerRefused, PartnerUnavailable
from satcom.supplychain.drivers.tmf_partner import partner_at
from satcom.supplychain.partner_capacity import PartnerCapacity
from satcom.supplychain.partner_term import note_told_term
from satcom.supplychain.partnership import Partnership

PARTNER_TOLD_TERM: Final = "partnerToldTerm"
END: TypeAdapter[datetime | None] = TypeAdapter(Instant | None)


@plan(PARTNER_TOLD_TERM)
def partner_told_term(plan: Plan, capacity: str) -> None:
    """The recipe."""
    question = plan.task(prepare_question_of_term, capacity)
    told = plan.task(ask_for_term, question, outside=True)
    plan.task(note_the_told_term, capacity, told)


def prepare_question_of_term(session: Session, capacity_id: str) -> Json:
    """Whom to ask, and about which of its orders."""
    capacity = find(session, PartnerCapacity, capacity_id)
    partnership = find(session, Partnership, capacity.partnership_id)
    return {"apiUrl": partnership.partner[0].api_url, "partnerOrderId": capacity.partner_order_id}


def ask_for_term(call: Call, question: dict[str, Json]) -> Json:
    """The end that the partner tells; nothing, where it tells none or does not know the order any more."""
    try:
        with partner_at(str(question["apiUrl"])) as partner:
            ends_at = partner.standing(str(question["partnerOrderId"])).term_ends_at
    except PartnerRefused:
        return None
    except PartnerUnavailable as away:
        raise DriverUnavailable(f"the partner cannot be asked: {away}") from away
    return instant_text(ends_at) if ends_at is not None else None


def note_the_told_term(session: Session, capacity_id: str, told: Json) -> Json:
    note_told_term(session, capacity_id, END.validate_python(told))
    return None
