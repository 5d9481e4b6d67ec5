"""A service that the customer has given notice of: on its last day everything ends, and until then nothing does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.catalog_entry import revise
from satcom.market.adjusting_bill import bill_of_order, readjusted
from satcom.market.billing import BillState, lines_of
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.inventory import Product, ProductStatus, product_of_order
from satcom.market.ordering import OrderState, ProductOrder, place_order
from satcom.orchestration.plan import FlowState, TaskState
from satcom.resource.ground import Terminal, TerminalState
from satcom.resource.hold import HoldState
from satcom.resource.hub import HubPortAssignment
from satcom.resource.ordering import ResourceOrderState, resource_order_of
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.inventory import Service, ServiceState, path_at
from satcom.service.ordering import ServiceOrderState, service_order_of
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.market.a_market import as_customer
from tests.orchestration.operations.an_order_to_service import Operation, an_operation

MONTH, DAY = timedelta(days=31), timedelta(days=1)
TERMS: list[Json] = [
    {"name": "Minimum term", "duration": {"amount": 12, "units": "month"}},
    {"name": "Early termination", "duration": {"amount": 6, "units": "month"}},
    {"name": "Notice period", "duration": {"amount": 30, "units": "day"}},
]


@dataclass(frozen=True)
class InService:
    """An operation with one delivered product."""

    operation: Operation
    order_id: str
    product_id: str
    service_id: str

    def end(self, at: datetime | None = None) -> str:
        """Order its end; the order's id."""
        body: dict[str, Json] = {
            "relatedParty": [as_customer(self.operation.market.party)],
            "productOrderItem": [{"id": "1", "action": "delete", "product": {"id": self.product_id}}],
        }
        if at is not None:
            body["requestedCompletionDate"] = instant_text(at)
        with self.operation.database.as_worker() as session:
            return place_order(session, from_body(ProductOrder, body), WORKER).id

    def held(self, session: Session) -> list[str]:
        """The states of all that the delivering order held of the network."""
        slots = session.exec(select(SpectrumAssignment).where(SpectrumAssignment.order_id == self.order_id)).all()
        ports = session.exec(select(HubPortAssignment).where(HubPortAssignment.order_id == self.order_id)).all()
        return sorted({one.state.value for one in [*slots, *ports]})

    def at_hub(self) -> list[str]:
        with self.operation.hub.client() as hub:
            return [
                one["id"]
                for kind in ("carriers", "terminals", "plans")
                for one in hub.get(f"/v1/{kind}").json()["items"]
            ]


@contextmanager
def in_service(database: Database, tmp_path: Path, terms: list[Json] | None = None) -> Iterator[InService]:
    with an_operation(database, tmp_path) as operation:
        with database.as_worker() as session:
            offering = find(session, ProductOffering, operation.market.offering)
            revise(session, offering, {"productOfferingTerm": list(terms or [])}, WORKER)
        order_id = operation.order()
        assert operation.advance(order_id)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            service_id = product.realizing_service[0].id
        yield InService(operation, order_id, product.id, service_id)


def test_a_service_ends_at_once_where_no_notice_was_agreed_and_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    with in_service(database, tmp_path) as served:
        end_id = served.end()
        flow, tasks = served.operation.advance(end_id)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        assert served.at_hub() == []
        with database.as_worker() as session:
            order, product = find(session, ProductOrder, end_id), find(session, Product, served.product_id)
            assert (order.state, product.status) == (OrderState.COMPLETED, ProductStatus.TERMINATED)
            assert find(session, Service, served.service_id).state is ServiceState.TERMINATED
            assert path_at(session, served.service_id, now()) is None
            assert served.held(session) == [HoldState.RELEASED]
            site = session.exec(select(Terminal).where(Terminal.order_id == served.order_id)).one()
            device = session.exec(
                select(StockedTerminal).where(StockedTerminal.serial_number == site.serial_number)
            ).one()
            assert (site.state, device.state) == (TerminalState.REMOVED, StockState.IN_RETURN)
            to_service, to_network = service_order_of(session, end_id), resource_order_of(session, end_id)
            assert to_service is not None
            assert to_network is not None
            assert (to_service.state, to_network.state) == (ServiceOrderState.COMPLETED, ResourceOrderState.COMPLETED)
            assert {item.action for item in to_network.order_item} == {"delete"}
            bill = bill_of_order(session, end_id)  # none where the last day is the last of the billing month
            assert bill is None or all(line.tax_excluded_amount.value < 0 for line in lines_of(session, bill))


def test_the_order_tells_the_last_day_and_the_charge_and_the_service_runs_until_then(
    database: Database, tmp_path: Path
) -> None:
    with in_service(database, tmp_path, TERMS) as served:
        with pytest.raises(RuleRefused) as refused:
            served.end(now() + 5 * DAY)
        assert [(one.field, one.code) for one in refused.value.faults] == [("/requestedCompletionDate", "noticePeriod")]
        end_id = served.end()
        with database.as_worker() as session:
            order = find(session, ProductOrder, end_id)
            product = find(session, Product, served.product_id)
            [charge] = order.item.item_price
            monthly = sum(
                one.price.duty_free_amount.value for one in product.product_price if one.price_type == "recurring"
            )
            due = charge.price.duty_free_amount.value
            assert due == monthly * 6  # of the eleven that are left
            assert order.expected_completion_date is not None
            assert abs(order.expected_completion_date - now() - 30 * DAY) < timedelta(minutes=5)
        flow, tasks = served.operation.advance(end_id)
        assert (flow.state, tasks["last_day_is_here"].state) == (FlowState.ACTIVE, TaskState.ACTIVE)
        assert len(served.at_hub()) == 4
        with database.as_worker() as session:
            product = find(session, Product, served.product_id)
            assert product.status is ProductStatus.PENDING_TERMINATE
            assert find(session, ProductOrder, end_id).state is OrderState.IN_PROGRESS
        with clock.at(now() + 30 * DAY + timedelta(hours=1)):
            assert served.operation.advance(end_id)[0].state is FlowState.COMPLETED
            with database.as_worker() as session:
                bill = bill_of_order(session, end_id)
                assert bill is not None
                assert bill.state is BillState.VALIDATED
                assert [line.tax_excluded_amount.value for line in lines_of(session, bill)] == [due]
                assert readjusted(session, bill).tax_included == bill.amount_due
        assert served.at_hub() == []


def test_a_product_is_changed_by_one_order_at_a_time(database: Database, tmp_path: Path) -> None:
    with in_service(database, tmp_path) as served:
        first = served.end(now() + 10 * DAY)
        with pytest.raises(RuleRefused) as refused:
            served.end()
        assert [one.code for one in refused.value.faults] == ["underChange"]
        with database.as_worker() as session:
            open_orders = session.exec(
                select(ProductOrder).where(col(ProductOrder.changed_product_id) == served.product_id)
            ).all()
            assert [one.id for one in open_orders] == [first]
