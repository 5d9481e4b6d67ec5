"""Order to service: an order becomes a working, tested, billed service, or nothing of it is left."""

from pathlib import Path

from satcom.core.database import Database
from satcom.market.inventory import ProductStatus, product_of_order
from satcom.market.ordering import OrderState, ProductOrder
from satcom.orchestration.plan import FlowState
from tests.orchestration.operations.an_order_to_service import an_operation


def test_an_order_becomes_a_working_tested_billed_service(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        order_id = operation.order()
        flow, tasks = operation.advance(order_id)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED, {name: task.state for name, task in tasks.items()}
        with database.as_worker() as session:
            order = session.get_one(ProductOrder, order_id)
            assert order.state is OrderState.COMPLETED
            told = [one.text or "" for one in order.note if "ordered without end; the life of" in (one.text or "")]
            assert len(told) == (order.item.term_months is None)
            product = product_of_order(session, order_id)
            assert product is not None
            assert product.status is ProductStatus.ACTIVE
