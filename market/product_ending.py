"""The end of a product before notice is given: when it would be, and what would still be billed until all is over.

That is the charge of early termination, as the order will tell it, the days until the end that no bill has covered yet,
and what is credited of those that one has. A question only: nothing is ordered. It is refused where the order that
gives notice would be. Words: TMF637, TMF678 `appliedCustomerBillingRate`.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
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
from satcom.market.account.billing_account import BillingAccount
from satcom.market.adjusting_bill import adjustment_of, reckon_adjustment
from satcom.market.billing import BillLine
from satcom.market.due_charges import charged_among, charges_due, reckon_due
from satcom.market.inventory import Product
from satcom.market.order_item import check_completion
from satcom.market.order_of_change import Ending, check_changeable, ending_of
from satcom.market.ordering import check_alone
from satcom.market.pricing import round_money

PATH: Final = "/satcom-api/market/v1/productEnding"
ONE_DAY: Final = timedelta(days=1)
routes = Routes("productEnding")


class NoSuchProduct(Refused):
    status = 404


def still_billed(session: Session, product: Product, ending: Ending) -> list[BillLine]:
    """The lines that bills to come will have of a product that ends so, whether or not notice was given."""
    operator, account = operator_of(session), find(session, BillingAccount, product.billing_account.id)
    day_after, tax_rate = ending.end + ONE_DAY, operator.tax_rate_percent
    lines: list[BillLine] = []
    for charged in charged_among(session, [product], operator.zone, account.bill_day):
        until_then = replace(charged, end=day_after.astimezone(operator.zone).date())
        due = charges_due(until_then, ending.end, operator.zone, account.bill_day)
        lines += reckon_due(due, tax_rate).lines if due else ()
    once = [ending.charge] if ending.charge is not None else []
    adjustment = adjustment_of(session, product, day_after, product.product_price, [], once)
    credited = reckon_adjustment(adjustment, tax_rate)
    return lines + list(credited.lines if credited is not None else ())


def billed_body(session: Session, product: Product, ending: Ending) -> dict[str, Json]:
    """Those lines, and what they come to before tax."""
    account, lines = find(session, BillingAccount, product.billing_account.id), still_billed(session, product, ending)
    total = sum((one.amount.value for one in lines), Decimal(0))
    told: list[Json] = [
        {
            "name": one.name,
            "type": one.type,
            "description": one.explanation,
            "taxExcludedAmount": one.amount.wire(),
            **({"periodCoverage": one.period.wire()} if one.period is not None else {}),
        }
        for one in lines
    ]
    return {"appliedCustomerBillingRate": told, "taxExcludedAmount": round_money(total, account.currency).wire()}


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
        **billed_body(session, product, ending),
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
    agreed it ends at once. `itemPrice` is empty where early termination costs nothing. All that is still billed or
    credited is in `appliedCustomerBillingRate`, and what that comes to before tax in `taxExcludedAmount`.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        try:
            product = find(session, Product, productId)
        except NotFound as error:
            why = f"there is no product {productId[:80]!r}"
            raise NoSuchProduct("productId", why, "notFound", "the id of a product of yours") from error
        body = ending_body(session, product, on)
    return json_response(body)
