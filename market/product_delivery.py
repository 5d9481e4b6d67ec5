"""From an order to the product: what was sold, under which terms, and what a later order made of it.

Only the flow that delivers calls these. Each may be repeated.
"""

from sqlmodel import Session

from satcom.core.database import find, find_for_update
from satcom.core.errors import RuleRefused
from satcom.core.life_cycle import move
from satcom.core.values import reference
from satcom.market.catalog.offering_term import agreed_terms
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.inventory import OrderedBy, Product, ProductStatus, product_of_order
from satcom.market.ordering import ProductOrder
from satcom.market.pricing import PriceType


def create_product(session: Session, order: ProductOrder, service_id: str) -> Product:
    """The product of a priced order, realised by a service and not yet active. Made once for each order.

    Raises `RuleRefused` while the order has no price.
    """
    made = product_of_order(session, order.id)
    if made is not None:
        return made
    item = order.item
    if not item.item_price or order.billing_account is None:
        raise RuleRefused("/orderTotalPrice", f"order {order.reference} has no price yet", "notPriced")
    offering = find(session, ProductOffering, item.offering_id)
    product = Product(
        party_id=order.party_id,
        name=offering.name,
        order_date=order.order_date,
        billing_account=order.billing_account,
        product_offering=reference(offering.id, "ProductOffering", offering.href, offering.name),
        product_characteristic=item.characteristics,
        product_price=item.item_price,
        product_term=agreed_terms(offering.product_offering_term, item.term_months),
        related_party=order.related_party,
        product_order_item=[ordered_by(order)],
        realizing_service=[reference(service_id, "Service")],
        order_id=order.id,
    )
    move(product, ProductStatus.PENDING_ACTIVE)
    session.add(product)
    session.flush()
    return product


def change_product(session: Session, product_id: str, order: ProductOrder) -> Product:
    """The product is as the order has it, at its prices; what was charged once stays on record. Done once."""
    product = find_for_update(session, Product, product_id)
    if all(one.product_order_id != order.id for one in product.product_order_item):
        charged_once = [one for one in product.product_price if one.price_type is PriceType.ONE_TIME]
        product.product_characteristic = order.item.characteristics
        product.product_price = [*charged_once, *order.item.item_price]
        product.product_order_item = [*product.product_order_item, ordered_by(order)]
        session.flush()
    return product


def ordered_by(order: ProductOrder) -> OrderedBy:
    """The order's item, as the product names it."""
    return OrderedBy(
        product_order_id=order.id,
        product_order_href=order.href,
        order_item_id=order.item.id,
        order_item_action=order.item.action,
    )
