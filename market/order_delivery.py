"""Delivery of an order as the market sees it: priced, begun, held, completed, failed or cancelled.

Only the flow that delivers calls these. Each may be repeated: an order that is there already stays as it is.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.life_cycle import move
from satcom.core.values import instant_text
from satcom.enterprise.note import operators_note
from satcom.enterprise.party import operator_of
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.customer import CustomerStatus, customer_of
from satcom.market.ordering import (
    ENDED,
    NOT_BEGUN,
    CancellationState,
    CancelProductOrder,
    OrderState,
    ProductOrder,
    move_order,
)
from satcom.market.partner_margin import COMPARED_MONTHS, margin_kept
from satcom.market.pricing import PricedOffer
from satcom.market.solution_price import charge_prices, price_change, price_solution, total_prices
from satcom.service.solution import Chosen, PartnerSolution


@dataclass(frozen=True)
class Cause:
    """Why an order ended badly: a reason code, words, and the number that decided against its limit."""

    code: str
    reason: str
    number: float | None = None
    limit: float | None = None
    unit: str | None = None

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        number = "" if self.number is None else f" ({self.number:g}{unit}"
        limit = "" if self.limit is None else f", limit {self.limit:g}{unit}"
        return f"{self.code}: {self.reason}{number}{limit if number else ''}{')' if number else ''}"


def price_order(session: Session, order_id: str, solution: Chosen) -> PricedOffer:
    """Price the order by the list of its day.

    Raises `RuleRefused` where the list has a gap, or too little would be earned on what a partner serves.
    """
    order = find_for_update(session, ProductOrder, order_id)
    offering = find(session, ProductOffering, order.item.offering_id)
    priced = price_solution(session, offering, solution, order.order_date)
    if isinstance(solution, PartnerSolution):
        margin_kept(solution, priced, order.item.term_months or COMPARED_MONTHS)
    return _priced(session, order, priced)


def price_order_of_change(session: Session, order_id: str, before: Chosen, after: Chosen) -> PricedOffer:
    """As `price_order`, of an order that changes a service: what is new of it is charged once."""
    order = find_for_update(session, ProductOrder, order_id)
    offering = find(session, ProductOffering, order.item.offering_id)
    priced = price_change(session, offering, before, after, order.order_date)
    if isinstance(after, PartnerSolution):
        margin_kept(after, priced, COMPARED_MONTHS)
    return _priced(session, order, priced)


def _priced(session: Session, order: ProductOrder, priced: PricedOffer) -> PricedOffer:
    rate = operator_of(session).tax_rate_percent
    totals = total_prices(priced, rate)
    order.order_total_price = totals
    items = {"item_price": charge_prices(priced, rate), "item_total_price": totals}
    order.product_order_item = [order.item.model_copy(update=items)]
    session.flush()
    return priced


def begin(session: Session, order_id: str) -> ProductOrder:
    """It can be delivered and everything it needs is held: delivery begins."""
    return _moved(session, order_id, OrderState.IN_PROGRESS)


def hold_for(session: Session, order_id: str, what: str, until: datetime | None = None) -> ProductOrder:
    """Delivery waits for `what`, as far as is known until `until`. The wait is noted once."""
    order = _moved(session, order_id, OrderState.HELD)
    _write(
        order,
        f"waits for {what}" + (f" until {instant_text(until.replace(microsecond=0))}" if until is not None else ""),
    )
    session.flush()
    return order


def go_on(session: Session, order_id: str, begun: bool = True) -> ProductOrder:
    """The wait is over: delivery goes on, or the order stands where it was before delivery had begun."""
    return _moved(session, order_id, OrderState.IN_PROGRESS if begun else OrderState.ACKNOWLEDGED)


def expect_finish(session: Session, order_id: str, when: datetime) -> ProductOrder:
    """Tell the customer by when the order will probably be done."""
    order = find_for_update(session, ProductOrder, order_id)
    if order.state not in ENDED:
        order.expected_completion_date = when
    session.flush()
    return order


def tell_customer(session: Session, order_id: str, text: str) -> ProductOrder:
    """Note for the customer what has become of his order."""
    order = find_for_update(session, ProductOrder, order_id)
    _write(order, text)
    session.flush()
    return order


def complete_order(session: Session, order_id: str, product_id: str) -> ProductOrder:
    """The product is handed over. A prospective customer has bought now."""
    order = _moved(session, order_id, OrderState.COMPLETED)
    if order.completion_date is None:
        order.completion_date = now()
        product = order.item.product.model_copy(update={"id": product_id}) if order.item.product else None
        order.product_order_item = [order.item.model_copy(update={"product": product})]
        customer = customer_of(session, order.party_id or "")
        if customer is not None and customer.status is CustomerStatus.PROSPECTIVE:
            move(customer, CustomerStatus.ACTIVE)
    session.flush()
    return order


def fail_order(session: Session, order_id: str, cause: Cause) -> ProductOrder:
    """The order ends without a product: rejected when delivery had not begun, failed when it had and was undone."""
    order = find_for_update(session, ProductOrder, order_id)
    if order.state in (OrderState.REJECTED, OrderState.FAILED):
        return order
    move_order(order, OrderState.REJECTED if order.state in NOT_BEGUN else OrderState.FAILED)
    _write(order, str(cause))
    order.expected_completion_date = None
    cancel = _cancellation_of(session, order.id)
    if cancel is not None and cancel.state is CancellationState.IN_PROGRESS:
        move(cancel, CancellationState.TERMINATED_WITH_ERROR)
    session.flush()
    return order


def finish_cancellation(session: Session, order_id: str) -> ProductOrder:
    """Everything done for the order is undone."""
    order = _moved(session, order_id, OrderState.CANCELLED)
    cancel = _cancellation_of(session, order.id)
    if cancel is not None and cancel.state is not CancellationState.DONE:
        move(cancel, CancellationState.DONE)
        cancel.effective_cancellation_date = order.cancellation_date = now()
        order.expected_completion_date = None
    session.flush()
    return order


def _cancellation_of(session: Session, order_id: str) -> CancelProductOrder | None:
    return session.exec(select(CancelProductOrder).where(CancelProductOrder.order_id == order_id)).first()


def _moved(session: Session, order_id: str, state: OrderState) -> ProductOrder:
    order = find_for_update(session, ProductOrder, order_id)
    move_order(order, state)
    session.flush()
    return order


def _write(order: ProductOrder, text: str) -> None:
    """Note what the operator has to say, once."""
    if all(one.text != text for one in order.note):
        order.note = [*order.note, operators_note(text)]
