"""The end of a booking: what is booked for a time ends by itself, to the minute, and nobody gives notice.

The recipe is `booking_to_end`; it is laid out for the product when it is handed over. Its slot is free from the booked
end on, whoever looks when: it is held no longer than that. So a worker that was away only writes down later what was so
already.
"""

from datetime import timedelta
from typing import Final

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.security import Role
from satcom.core.values import Json, instant_text
from satcom.market.inventory import Product, end_product
from satcom.market.ordering import ProductOrder
from satcom.orchestration.plan import Later, Plan, flow_of, plan
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import lay_out
from satcom.resource.reservation import release, reservation_of
from satcom.service.inventory import terminate_service

BOOKING_TO_END: Final = "bookingToEnd"


@plan(BOOKING_TO_END)
def booking_to_end(plan: Plan, product: str) -> None:
    """The recipe."""
    over = plan.wait(booked_time_is_over, product, owner=Role.PLANNING, expected=timedelta(0), skippable=False)
    plan.task(end_what_was_booked, product, after=[over], no_return=True)


def let_it_end(session: Session, product: Product, order: ProductOrder) -> None:
    """Have the product end when the time is over that its order booked. Doing it again does nothing."""
    if flow_of(session, product.id) is None:
        enqueue(session, lay_out(session, BOOKING_TO_END, product, order.reference).id)


def booked_time_is_over(session: Session, product_id: str) -> Json | Later:
    """The customer has the service until then."""
    end = find(session, Product, product_id).termination_date
    if end is None:
        raise RuleRefused("/terminationDate", f"product {product_id} is not booked for a time", "notBooked")
    return instant_text(end) if end <= now() else Later(end)


def end_what_was_booked(session: Session, product_id: str) -> Json:
    """It ended when it was booked to end, also where that is written down later."""
    product = find(session, Product, product_id)
    end = product.termination_date or now()
    if product.start_date is not None:
        end = max(end, product.start_date)
    reservation = reservation_of(session, product.order_id or "")
    if reservation is not None:
        release(session, reservation, "the booked time is over")
    for one in product.realizing_service:
        terminate_service(session, one.id, end)
    return instant_text(end_product(session, product.id, end).termination_date or end)
