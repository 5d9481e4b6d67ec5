"""The other kinds of service through the whole flow: spectrum that is leased, and access over shared carriers."""

from pathlib import Path

from sqlmodel import Session, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.market.billing import CustomerBill
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.catalog.product_specification import ProductSpecification
from satcom.market.ordering import (
    CancelProductOrder,
    OrderState,
    ProductOrder,
    cancel_order,
    place_order,
)
from satcom.orchestration.plan import FlowState, TaskState
from satcom.resource.carrier_pool import PoolShare
from satcom.resource.catalog import NetworkNeed
from satcom.resource.hold import HoldState
from satcom.resource.reservation import held_by_reservation, reservation_of
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.access_test import record_access_test
from satcom.service.catalog import ServiceSpecification
from satcom.service.inventory import ServiceState, path_at, service_of_order
from satcom.service.service_test import ServiceTest, ServiceTestState
from tests.market.a_market import a_price
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.resource.a_resource_catalogue import built_from

MHZ = 1_000_000
TEXTS = ("terminalType",)


def an_offer(session: Session, names: list[str], *needs: NetworkNeed) -> str:
    """An offering of a service with these numbers, a price for each month and one for each MHz."""
    known: list[Json] = [{"name": name, "valueType": "string" if name in TEXTS else "number"} for name in names]
    built: dict[str, Json] = {
        "name": needs[0].value,
        "lifecycleStatus": "Active",
        "specCharacteristic": known,
        "resourceSpecification": built_from(session, *needs),
    }
    service = enter(session, from_body(ServiceSpecification, built), WORKER)
    described: dict[str, Json] = {
        "name": needs[0].value,
        "lifecycleStatus": "Active",
        "serviceSpecification": [{"id": service.id}],
        "productSpecCharacteristic": known,
    }
    product = enter(session, from_body(ProductSpecification, described), WORKER)
    prices = [
        enter(session, from_body(ProductOfferingPrice, one), WORKER)
        for one in (a_price("Setup", 500, monthly=False), a_price("Capacity", 2500, monthly=True, unit="MHz"))
    ]
    offered: dict[str, Json] = {
        "name": needs[0].value,
        "lifecycleStatus": "Launched",
        "productSpecification": {"id": product.id},
        "productOfferingPrice": [{"id": one.id} for one in prices],
    }
    return enter(session, from_body(ProductOffering, offered), WORKER).id


def ordered(operation: Operation, offering: str, **values: Json) -> str:
    market = operation.market
    chosen: list[Json] = [{"name": name, "value": value} for name, value in values.items()]
    body: dict[str, Json] = {
        "billingAccount": {"id": market.account},
        "relatedParty": [{"id": market.party, "role": "customer", "@referredType": "Organization"}],
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "productOffering": {"id": offering},
                "product": {"productCharacteristic": chosen},
            }
        ],
    }
    with operation.database.as_worker() as session:
        return place_order(session, from_body(ProductOrder, body), WORKER).id


def a_lease_ordered(operation: Operation) -> str:
    with operation.database.as_worker() as session:
        offering = an_offer(session, ["bandwidthHz"], NetworkNeed.LEASED_SPECTRUM)
    return ordered(operation, offering, bandwidthHz=5 * MHZ)


def record_the_test(operation: Operation, order_id: str, too_high_hz: int = 0) -> None:
    """The NOC reads the customer's carriers and records what it read."""
    with operation.database.as_worker() as session:
        service, reservation = service_of_order(session, order_id), reservation_of(session, order_id)
        assert service is not None
        assert reservation is not None
        [slot] = held_by_reservation(session, reservation).slots
        readings = {
            "lowEdge": (slot.start_hz, "Hz"),
            "highEdge": (slot.stop_hz + too_high_hz, "Hz"),
            "satelliteEirp": (10.0, "dBW"),
            "crossPolarIsolation": (35.0, "dB"),
        }
        measures: list[Json] = [
            {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}
            for name, (value, unit) in readings.items()
        ]
        body: dict[str, Json] = {
            "name": "Access test",
            "relatedService": {"id": service.id},
            "testSpecification": {"id": "access-test"},
            "testMeasure": measures,
        }
        record_access_test(session, from_body(ServiceTest, body), WORKER)


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


ACCESS: dict[str, Json] = {
    "downlinkRateBps": 5_000_000,
    "uplinkRateBps": 1_000_000,
    "downlinkCommittedRateBps": 1_000_000,
    "uplinkCommittedRateBps": 200_000,
    "availabilityPercent": 99.5,
    "latitudeDeg": -10.7148,
    "longitudeDeg": 25.3855,
}


def an_access_ordered(operation: Operation) -> str:
    with operation.database.as_worker() as session:
        offering = an_offer(session, list(ACCESS), NetworkNeed.POOL_SHARE, NetworkNeed.TERMINAL)
    return ordered(operation, offering, **ACCESS)


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
