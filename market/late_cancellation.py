"""Late cancellation: what an order has done is not cancelled any more; how it is ended instead, and what that costs.

Until the point of no return a cancellation costs nothing. After it, what was added is ended by notice and costs what
early termination costs; what was booked ends by itself and is charged for all the time that was booked; an order that
changed or ended a product stands, and costs what it told. What was charged once stays charged.
Words: TMF622 `cancelProductOrder`, `itemPrice`; what of it is billed, TMF678 tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from satcom.market.booking import booked_for
from satcom.market.inventory import Product, ProductStatus, product_of_order
from satcom.market.order_item import DELETE, MODIFY, OrderItem, told_here
from satcom.market.order_of_change import ending_of, told_ending
from satcom.market.solution_price import ChargePrice


@dataclass(frozen=True)
class LateCancellation:
    """`why` it is too late, what can be done `instead`, and the `charges` of that, none where it costs nothing.

    `product` is what ends on `end`; both `None` where nothing does.
    """

    why: str
    instead: str
    charges: Sequence[ChargePrice] = ()
    product: Product | None = None
    end: datetime | None = None


def late_cancellation(session: Session, order_id: str, reference: str, item: OrderItem) -> LateCancellation:
    """What an order of this item that is past its point of no return costs whoever wants it cancelled now."""
    if item.action == DELETE:
        instead = f"a new order; this one costs {_told(item.item_price)}"
        return LateCancellation(f"order {reference} has ended the product", instead, item.item_price)
    if item.action == MODIFY:
        instead = f"an order that changes it back; this one costs {_told(item.item_total_price)}"
        return LateCancellation(f"order {reference} has changed the product", instead, item.item_price)
    product = product_of_order(session, order_id)
    if product is not None and product.status is not ProductStatus.ACTIVE:
        return LateCancellation(f"the product of order {reference} is {product.status}", "nothing")
    why = f"order {reference} is handed over; what the customer has is terminated, not cancelled"
    if product is None:
        return LateCancellation(why, "an order that ends the product")
    end = product.termination_date
    if booked_for(product.product_characteristic) is not None and end is not None:
        why = f"order {reference} is handed over; what is booked is charged for all of its time"
        instead = f"nothing: it ends by itself on {told_here(session, end)} and costs {_told(item.item_total_price)}"
        return LateCancellation(why, instead, item.item_price, product, end)
    ending = ending_of(session, product)
    charges = (ending.charge,) if ending.charge is not None else ()
    return LateCancellation(why, told_ending(session, product), charges, product, ending.end)


def _told(charges: Sequence[ChargePrice]) -> str:
    due = [(one.price.duty_free_amount, one.recurring_charge_period) for one in charges]
    told = [f"{amount} a {period}" if period else f"{amount} once" for amount, period in due if amount.value]
    return " and ".join(told) if told else "nothing"
