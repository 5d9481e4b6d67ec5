"""The other kinds of service through the whole flow: spectrum that is leased, and access over shared carriers."""

from pathlib import Path

from sqlmodel import select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.billing import CustomerBill
from satcom.market.ordering import (
    CancelProductOrder,
    OrderState,
    ProductOrder,
    cancel_order,
)
from satcom.orchestration.plan import FlowState, TaskState
from satcom.resource.carrier_pool import PoolShare
from satcom.resource.hold import HoldState
from satcom.resource.reservation import held_by_reservation, reservation_of
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.inventory import ServiceState, path_at, service_of_order
from satcom.service.service_test import ServiceTest, ServiceTestState
from tests.orchestration.operations.an_order_to_service import an_operation
from tests.orchestration.operations.the_other_kinds import MHZ, a_lease_ordered, an_access_ordered, record_the_test


def test_a_lease_goes_on_the_air_after_its_access_test_and_is_billed(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        order_id = a_lease_ordered(operation)
        flow, tasks = operation.advance(order_id)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert "configure_hub" not in tasks
        assert (flow.state, tasks["access_is_tested"].state) == (FlowState.ACTIVE, TaskState.ACTIVE)
        record_the_test(operation, order_id, too_high_hz=MHZ)
        assert operation.advance(order_id)[0].state is FlowState.ACTIVE  # a test that fails is done again
        record_the_test(operation, order_id)
        assert operation.advance(order_id)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            assert session.get_one(ProductOrder, order_id).state is OrderState.COMPLETED
            service = service_of_order(session, order_id)
            assert service is not None
            path = path_at(session, service.id, now())
            assert path is not None
            assert (service.state, path.hub_id, len(path.transponder_ids)) == (ServiceState.ACTIVE, None, 1)
            assert len(session.exec(select(CustomerBill)).all()) == 1


def test_a_lease_that_is_cancelled_before_its_test_leaves_nothing_taken(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        order_id = a_lease_ordered(operation)
        operation.advance(order_id)
        with database.as_worker() as session:
            body: dict[str, Json] = {"productOrder": {"id": order_id}}
            cancel_order(session, from_body(CancelProductOrder, body), WORKER)
        flow, _ = operation.advance(order_id)
        assert flow.state is FlowState.CANCELLED
        with database.as_worker() as session:
            assert session.get_one(ProductOrder, order_id).state is OrderState.CANCELLED
            assert service_of_order(session, order_id) is None
            held = select(SpectrumAssignment).where(SpectrumAssignment.order_id == order_id)
            assert {one.state for one in session.exec(held)} == {HoldState.RELEASED}


def test_an_access_over_shared_carriers_is_configured_tested_and_billed(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, pools=True) as operation:
        order_id = an_access_ordered(operation)
        flow, tasks = operation.advance(order_id)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        with database.as_worker() as session, operation.hub.client() as hub:
            service, reservation = service_of_order(session, order_id), reservation_of(session, order_id)
            assert service is not None
            assert reservation is not None
            shares = sorted(held_by_reservation(session, reservation).shares, key=lambda one: -one.mir_bps)
            assert [(one.state, one.mir_bps) for one in shares] == [
                (HoldState.ASSIGNED, 5_000_000),
                (HoldState.ASSIGNED, 1_000_000),
            ]
            terminal = hub.get(f"/v1/terminals/{service.id}-terminal").json()
            assert [terminal["carrier_id"], terminal["return_carrier_id"]] == [one.carrier_pool_id for one in shares]
            plan = hub.get(f"/v1/plans/{service.id}-plan").json()
            assert [plan["forward_cir_bps"], plan["forward_mir_bps"]] == [1_000_000, 5_000_000]
            [test] = session.exec(select(ServiceTest)).all()
            assert (test.state, test.deviations) == (ServiceTestState.COMPLETED, [])
            assert len(session.exec(select(CustomerBill)).all()) == 1


def test_an_access_that_is_cancelled_leaves_the_shared_carriers_to_the_others(
    database: Database, tmp_path: Path
) -> None:
    with an_operation(database, tmp_path, in_stock=0, pools=True) as operation:
        first, second = an_access_ordered(operation), an_access_ordered(operation)
        for one in (first, second):
            assert operation.advance(one)[1]["terminal_is_here"].state is TaskState.ACTIVE
        with database.as_worker() as session:
            body: dict[str, Json] = {"productOrder": {"id": first}}
            cancel_order(session, from_body(CancelProductOrder, body), WORKER)
        assert operation.advance(first)[0].state is FlowState.CANCELLED
        with database.as_worker() as session:
            held = {
                one: [share.state for share in session.exec(select(PoolShare).where(PoolShare.order_id == one))]
                for one in (first, second)
            }
        assert held == {first: [HoldState.RELEASED] * 2, second: [HoldState.ASSIGNED] * 2}
        with operation.hub.client() as hub:
            assert len(hub.get("/v1/carriers").json()["items"]) == 2
