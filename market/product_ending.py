"""The end of a product before notice is given: when it would be, and what early termination would cost.

A question only: nothing is ordered. It is refused where the order that gives notice would be.
"""

from typing import Final

from fastapi import Request, Response
from pydantic import AwareDatetime
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import NotFound, Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json, instant_text, reference
from satcom.enterprise.party import operator_of
from satcom.market.inventory import Product
from satcom.market.order_item import check_completion
from satcom.market.order_of_change import check_changeable, ending_of
from satcom.market.ordering import check_alone

PATH: Final = "/satcom-api/market/v1/productEnding"
routes = Routes("productEnding")


class NoSuchProduct(Refused):
    status = 404


def ending_body(session: Session, product: Product, on: AwareDatetime | None) -> dict[str, Json]:
    """Raises `RuleRefused` where notice could not be given, or not for that day."""
    check_completion(session, None, on)
    check_changeable(session, product)
    check_alone(session, product)
    ending = ending_of(session, product, on)
    return {
        "product": reference(product.id, "Product", product.href, product.name).wire(),
        "terminationDate": instant_text(ending.end),
        "timeZone": operator_of(session).time_zone,
        "atOnce": ending.end <= now(),
        "itemPrice": [ending.charge.wire()] if ending.charge is not None else [],
    }


@routes.on(
    "GET",
    PATH,
    name="read productEnding",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_ORDERS),
)
def read_product_ending(
    request: Request,
    productId: str,  # noqa: N803 (the name on the wire)
    on: AwareDatetime | None = None,
) -> Response:
    """When notice of a product that is given now would end it, and what that would cost. Nothing is ordered.

    With `on` its last day is asked for; without it is the first that the notice period allows, and where none was
    agreed it ends at once. `itemPrice` is empty where early termination costs nothing.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        try:
            product = find(session, Product, productId)
        except NotFound as error:
            why = f"there is no product {productId[:80]!r}"
            raise NoSuchProduct("productId", why, "notFound", "the id of a product of yours") from error
        body = ending_body(session, product, on)
    return json_response(body)
