"""The cancellation of an order before it is asked for: whether it still can be, and what it would cost.

A question only: nothing is cancelled. It is answered for an order that is delivered, too, by what can be done instead
(`market.late_cancellation`); it is refused where the order has ended without a product, or is being cancelled already.
Words: TMF622 `cancelProductOrder`.
"""

from typing import Final

from fastapi import Request, Response
from sqlmodel import Session

from satcom.core.database import find
from satcom.core.errors import NotFound, Refused, WrongState
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json, instant_text, reference
from satcom.market.late_cancellation import late_cancellation
from satcom.market.order_of_change import Ending
from satcom.market.ordering import TOO_LATE, ProductOrder, check_stoppable
from satcom.market.product_ending import billed_body

PATH: Final = "/satcom-api/market/v1/orderCancellation"
routes = Routes("orderCancellation")


class NoSuchOrder(Refused):
    status = 404


def cancellation_body(session: Session, order: ProductOrder) -> dict[str, Json]:
    """Raises `WrongState` where the order has ended without a product, or is being cancelled."""
    body: dict[str, Json] = {
        "productOrder": reference(order.id, "ProductOrder", order.href, order.reference).wire(),
        "state": order.state,
    }
    try:
        check_stoppable(session, order)
    except WrongState as refused:
        if refused.faults[0].code != TOO_LATE:
            raise
        return body | _too_late_body(session, order)
    return body | {"possible": True, "itemPrice": []}


def _too_late_body(session: Session, order: ProductOrder) -> dict[str, Json]:
    late = late_cancellation(session, order.id, order.reference, order.item)
    body: dict[str, Json] = {
        "possible": False,
        "reason": late.why,
        "accepted": late.instead,
        "itemPrice": [one.wire() for one in late.charges],
    }
    if late.product is not None and late.end is not None:
        body["product"] = reference(late.product.id, "Product", late.product.href, late.product.name).wire()
        body["terminationDate"] = instant_text(late.end)
        if late.product.termination_date is None:  # what ends by itself is billed whole already
            charge = late.charges[0] if late.charges else None
            body |= billed_body(session, late.product, Ending(late.end, charge))
    return body


@routes.on(
    "GET",
    PATH,
    name="read orderCancellation",
    openapi_extra={"responses": refusals("404", "409")},
    first=who_may(Capability.READ_ORDERS),
)
def read_order_cancellation(
    request: Request,
    productOrderId: str,  # noqa: N803 (the name on the wire)
) -> Response:
    """Whether an order can still be cancelled, which then costs nothing; else what can be done instead, at which price.

    `itemPrice` are the charges of that; of what is ended by notice, `terminationDate` is the day on which it would end,
    and `taxExcludedAmount` what would still be billed until then, as in `productEnding`.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        try:
            order = find(session, ProductOrder, productOrderId)
        except NotFound as error:
            why = f"there is no product order {productOrderId[:80]!r}"
            raise NoSuchOrder("productOrderId", why, "notFound", "the id of an order of yours") from error
        body = cancellation_body(session, order)
    return json_response(body)
