"""A product that was ordered, priced and handed over, as tests need it."""

from datetime import datetime

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.entity import new_id
from satcom.market.inventory import Product, hand_over
from satcom.market.order_delivery import begin, price_order
from satcom.market.ordering import ProductOrder
from satcom.market.product_delivery import create_product
from tests.market.a_market import Market, a_priced_solution, an_order


def a_priced_order(session: Session, market: Market, charged_bandwidth_hz: int = 6_000_000) -> ProductOrder:
    order = an_order(session, market)
    begin(session, order.id)
    price_order(session, order.id, a_priced_solution(charged_bandwidth_hz=charged_bandwidth_hz))
    return order


def a_product(session: Session, market: Market, start: datetime | None = None) -> Product:
    """Handed over at `start`, by default now."""
    product = create_product(session, a_priced_order(session, market), new_id())
    return hand_over(session, product.id, start or now())
