"""An order keeps what it was sold: what became of the catalogue meanwhile does not refuse it at its hand-over."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from satcom.core.characteristics import CharacteristicSpecification
from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.catalog_entry import revise
from satcom.market.catalog.product_offering import ProductOffering, service_sold
from satcom.market.inventory import product_of_order
from satcom.market.ordering import ProductOrder, place_order
from satcom.orchestration.plan import FlowState, flow_of
from satcom.service.catalog import DURATION
from tests.market.a_market import CHARACTERISTICS
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.the_other_kinds import (
    ACCESS,
    MHZ,
    a_booking_offered,
    a_lease_offered,
    an_access_offered,
    order_body,
    record_the_test,
)

BEGINS_IN = timedelta(days=3)
MINUTES = 90
ASKED: dict[str, dict[str, Json]] = {
    "link": CHARACTERISTICS,
    "access": ACCESS,
    "lease": {"bandwidthHz": 5 * MHZ},
    "booking": {"bandwidthHz": 5 * MHZ, DURATION: MINUTES},
}


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


def an_order(operation: Operation, kind: str) -> tuple[str, str]:
    """The offering, and an order that waits for its day."""
    others = {"access": an_access_offered, "lease": a_lease_offered, "booking": a_booking_offered}
    with operation.database.as_worker() as session:
        offering = others[kind](session) if kind in others else operation.market.offering
        body = order_body(operation.market, offering, **ASKED[kind])
        body["requestedStartDate"] = instant_text(now() + BEGINS_IN)
        order_id = place_order(session, from_body(ProductOrder, body), WORKER).id
    assert operation.advance(order_id)[1]["start_date_is_here"].state == "active"
    return offering, order_id


def make_it_another_service(session: Session, offering: str) -> None:
    """As a release with other rules would find it; by the catalogue's own commands it cannot become so."""
    realised_by = service_sold(session, find(session, ProductOffering, offering))
    with pytest.raises(RuleRefused, match="others rely on it"):
        revise(session, realised_by, {"resourceSpecification": []}, WORKER)
    booked = any(one.name == DURATION for one in realised_by.spec_characteristic)
    duration: dict[str, Json] = {"name": DURATION, "valueType": "number", "minCardinality": 1}
    realised_by.spec_characteristic = [] if booked else [CharacteristicSpecification.model_validate(duration)]
    realised_by.resource_specification = []  # it takes no capacity at all
    session.flush()


@pytest.mark.parametrize("kind", ASKED)
def test_an_order_is_handed_over_as_it_was_sold_whatever_its_specification_says_by_then(
    database: Database, tmp_path: Path, kind: str
) -> None:
    with an_operation(database, tmp_path, pools=True) as operation:
        offering, order_id = an_order(operation, kind)
        with database.as_worker() as session:
            make_it_another_service(session, offering)
        clock.advance(BEGINS_IN + timedelta(minutes=1))
        operation.advance(order_id)
        if kind in ("lease", "booking"):
            record_the_test(operation, order_id)
            operation.advance(order_id)
        flow, tasks = operation.flow(order_id)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        with database.as_worker() as session:
            order, product = find(session, ProductOrder, order_id), product_of_order(session, order_id)
            assert product is not None
            assert order.requested_start_date is not None
            ends = order.requested_start_date + timedelta(minutes=MINUTES) if kind == "booking" else None
            assert product.termination_date == ends
            assert (flow_of(session, product.id) is not None) == (kind == "booking"), "what is booked ends by itself"
