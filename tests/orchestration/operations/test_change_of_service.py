"""A service that changes: more or less of it, on what is free and on what it has; and back, as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import Session, select

from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.errors import Refused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.adjusting_bill import bill_of_order
from satcom.market.billing import BillState, lines_of
from satcom.market.inventory import Product, product_of_order
from satcom.market.ordering import OrderState, ProductOrder, place_order
from satcom.orchestration.plan import FlowState
from satcom.resource.hold import HoldState
from satcom.resource.reservation import Held, held_by_reservation, reservation_of
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.inventory import Service, ServicePath, ServiceState, path_at
from satcom.service.ordering import service_order_of
from satcom.service.way import Way
from tests.market.a_market import as_customer
from tests.orchestration.operations.an_order_to_service import Operation, an_operation

MBIT = 1_000_000


@dataclass(frozen=True)
class InService:
    """An operation with one delivered link of 10 and 4 Mbit/s."""

    operation: Operation
    order_id: str
    product_id: str
    service_id: str

    def body(self, **values: Json) -> dict[str, Json]:
        wanted: list[Json] = [{"name": name, "value": value} for name, value in values.items()]
        return {
            "relatedParty": [as_customer(self.operation.market.party)],
            "productOrderItem": [
                {
                    "id": "1",
                    "action": "modify",
                    "product": {"id": self.product_id, "productCharacteristic": wanted},
                }
            ],
        }

    def change(self, **values: Json) -> str:
        """Order it changed; the order's id."""
        with self.operation.database.as_worker() as session:
            return place_order(session, from_body(ProductOrder, self.body(**values)), WORKER).id

    def changed(self, **values: Json) -> str:
        """Order it changed, and have that done; the order's id."""
        order_id = self.change(**values)
        flow, tasks = self.operation.advance(order_id)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        return order_id

    def held(self, session: Session, order_id: str) -> Held:
        reservation = reservation_of(session, order_id)
        assert reservation is not None
        return held_by_reservation(session, reservation)

    def at_hub(self) -> dict[str, dict[str, Json]]:
        with self.operation.hub.client() as hub:
            return {
                one["id"]: {name: value for name, value in one.items() if name != "revision"}
                for kind in ("carriers", "terminals", "plans")
                for one in hub.get(f"/v1/{kind}").json()["items"]
            }


@contextmanager
def in_service(database: Database, tmp_path: Path) -> Iterator[InService]:
    with an_operation(database, tmp_path) as operation:
        order_id = operation.order()
        assert operation.advance(order_id)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            product = product_of_order(session, order_id)
            assert product is not None
            service_id = product.realizing_service[0].id
        yield InService(operation, order_id, product.id, service_id)


def monthly(product: Product) -> Decimal:
    prices = (one.price.duty_free_amount.value for one in product.product_price if one.price_type == "recurring")
    return sum(prices, Decimal(0))


def width_hz(held: Held) -> int:
    return sum(one.bandwidth_hz for one in held.slots)


def test_a_link_becomes_faster_and_slower_where_it_lies_and_is_charged_for_what_it_takes(
    database: Database, tmp_path: Path
) -> None:
    with in_service(database, tmp_path) as served:
        with database.as_worker() as session:
            before, cost = served.held(session, served.order_id), monthly(find(session, Product, served.product_id))
            narrow_hz, port = width_hz(before), before.ports[0].port_number
        faster = served.changed(downlinkRateBps=20 * MBIT)
        with database.as_worker() as session:
            order, product = find(session, ProductOrder, faster), find(session, Product, served.product_id)
            service, after = find(session, Service, served.service_id), served.held(session, faster)
            assert order.state is OrderState.COMPLETED
            assert (width_hz(after) > narrow_hz, after.ports[0].port_number) == (True, port)
            assert {one.state for one in after.holds} == {HoldState.ASSIGNED}
            assert reservation_of(session, served.order_id) is None
            assert monthly(product) > cost
            assert {one.name: one.value for one in product.product_characteristic}["downlinkRateBps"] == 20 * MBIT
            assert {one.name: one.value for one in service.service_characteristic}["downlinkRateBps"] == 20 * MBIT
            assert (service.state, service.order_id) == (ServiceState.ACTIVE, faster)
            assert len(session.exec(select(ServicePath).where(ServicePath.service_id == service.id)).all()) == 2
            assert path_at(session, service.id, now()) is not None
            bill = bill_of_order(session, faster)
            assert bill is not None
            assert bill.state is BillState.VALIDATED
            assert {line.type.value for line in lines_of(session, bill)} == {"recurringCharge"}
            assert bill.tax_excluded_amount.value > 0
        assert served.at_hub()[f"{served.service_id}-plan"]["forward_cir_bps"] == 20 * MBIT
        slower = served.changed(downlinkRateBps=5 * MBIT)
        with database.as_worker() as session:
            assert width_hz(served.held(session, slower)) < narrow_hz
            assert monthly(find(session, Product, served.product_id)) < cost
            bill = bill_of_order(session, slower)
            assert bill is not None
            assert bill.tax_excluded_amount.value < 0
            of_all = session.exec(
                select(SpectrumAssignment).where(SpectrumAssignment.state == HoldState.ASSIGNED)
            ).all()
            assert sorted(one.id for one in of_all if one.order_id) == sorted(
                one.id for one in served.held(session, slower).slots
            )


def test_a_change_that_nothing_can_carry_is_rejected_with_the_reason_of_its_satellite(
    database: Database, tmp_path: Path
) -> None:
    with in_service(database, tmp_path) as served:
        with database.as_worker() as session:
            placed = service_order_of(session, served.order_id)
            assert placed is not None
            assert isinstance(placed.solution, Way)
            find(session, Satellite, placed.solution.space_segment_id).end_of_life_date = now().date()
        order_id = served.change(downlinkRateBps=20 * MBIT)
        flow, _ = served.operation.advance(order_id)
        assert flow.state is FlowState.CANCELLED
        with database.as_worker() as session:
            order = find(session, ProductOrder, order_id)
            assert order.state is OrderState.REJECTED
            assert "which carries the service, cannot" in str(order.note[-1].text)
            assert {one.state for one in served.held(session, served.order_id).holds} == {HoldState.ASSIGNED}


def test_what_is_no_change_or_not_theirs_to_change_is_refused(database: Database, tmp_path: Path) -> None:
    with in_service(database, tmp_path) as served, database.as_worker() as session:

        def codes(body: dict[str, Json]) -> set[tuple[str, str]]:
            with pytest.raises(Refused) as refused, session.begin_nested():
                place_order(session, from_body(ProductOrder, body), WORKER)
            return {(one.field, one.code) for one in refused.value.faults}

        at = "/productOrderItem/0/product"
        assert codes(served.body(downlinkRateBps=10 * MBIT)) == {(f"{at}/productCharacteristic", "nothingChanges")}
        assert codes(served.body()) == {(f"{at}/productCharacteristic", "missing")}
        assert {field for field, _ in codes(served.body(downlinkRateBps=1))} == {f"{at}/productCharacteristic/0/value"}
        theirs = served.body(downlinkRateBps=20 * MBIT) | {
            "relatedParty": [as_customer(served.operation.market.other_party)]
        }
        assert codes(theirs) == {(f"{at}/id", "notFound")}
        first = place_order(session, from_body(ProductOrder, served.body(downlinkRateBps=20 * MBIT)), WORKER)
        assert codes(served.body(downlinkRateBps=5 * MBIT)) == {(f"{at}/id", "underChange")}
        assert first.state is OrderState.ACKNOWLEDGED
