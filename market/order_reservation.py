"""The reservation that an order takes up: capacity that was held for its customer before he ordered."""

from sqlmodel import Session

from satcom.core.database import find
from satcom.core.errors import NotFound, Refused, RuleRefused
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Reference, reference
from satcom.market.order_item import ADD
from satcom.resource.reservation import Reservation
from satcom.resource.reservation_takeover import is_held

RESERVATION = "/reservation/id"


def check_reservation(session: Session, named: Reference, action: str, party_id: str) -> Reference:
    """The reservation as an order keeps it: held still, for the customer who orders, and for no other order.

    Raises `Refused` when there is none, `RuleRefused` when it cannot be taken up.
    """
    if action != ADD:
        why = "what a product has is held already; a change holds the difference"
        raise RuleRefused(RESERVATION, why, "notOffered", "an order that adds a product")
    try:
        found = find(session, Reservation, named.id) if is_uuid(named.id) else None
    except NotFound:
        found = None
    if found is None:
        raise Refused(RESERVATION, f"there is no reservation {named.id[:80]!r}", "notFound", "the id of a reservation")
    if found.party_id != party_id:
        raise RuleRefused(RESERVATION, "it is held for somebody else", "otherParty", "one for the customer who orders")
    if found.order_id is not None:
        raise RuleRefused(RESERVATION, f"{found.order_reference} holds it", "heldByOrder", "one that was made by hand")
    if not is_held(found):
        raise RuleRefused(RESERVATION, "it has ended", "reservationEnded", "one that is held, or none")
    return reference(found.id, Reservation.__name__, found.href)
