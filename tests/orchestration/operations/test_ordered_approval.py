"""What is dear is released by a person before it is promised: an order, one that a partner serves, and a change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from satcom.core.database import Database, find
from satcom.core.security import WORKER, Role
from satcom.core.values import Json
from satcom.market.inventory import product_of_order
from satcom.market.order_approval import NewApprovalRule, OrderApproval, add_rule, approval_of, decide
from satcom.market.ordering import OrderState, ProductOrder
from satcom.orchestration.plan import FlowState, TaskFlow, TaskState
from satcom.service.inventory import Service
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import Leasing, leasing

__all__ = ["leasing"]  # the fixture
MBPS = 1_000_000


@pytest.fixture
def operation(database: Database, tmp_path: Path) -> Iterator[Operation]:
    with an_operation(database, tmp_path) as running:
        yield running


def ask_above(database: Database, per_month: int) -> None:
    with database.as_worker() as session:
        rule = {"abovePerMonth": per_month, "role": Role.SALES}
        add_rule(session, NewApprovalRule.model_validate(rule), WORKER)


def answer(database: Database, order_id: str, state: str) -> None:
    body: dict[str, Json] = {"state": state, "reason": "the customer owes for last year"}
    with database.as_worker() as session:
        asked = approval_of(session, order_id)
        assert asked is not None
        decide(session, asked, body, WORKER)


def monthly(session: Session, order_id: str) -> float:
    product = product_of_order(session, order_id)
    assert product is not None
    return float(sum(one.price.duty_free_amount.value for one in product.product_price if one.recurring_charge_period))


def waits(tasks: dict[str, TaskFlow]) -> bool:
    return tasks["order_is_approved"].state is TaskState.ACTIVE


def test_a_change_that_makes_a_product_dear_waits_for_its_approval_and_one_that_makes_it_cheaper_does_not(
    operation: Operation,
) -> None:
    database, sold = operation.database, operation.order()
    operation.advance(sold)
    ask_above(database, 1)
    refused = change(operation, sold, downlinkRateBps=12 * MBPS)
    _, tasks = operation.advance(refused)
    assert waits(tasks)
    assert tasks["begin_the_change"].state is TaskState.NEW
    with database.as_worker() as session:
        assert find(session, ProductOrder, refused).state is OrderState.HELD
        before = monthly(session, sold)
    answer(database, refused, "refused")
    assert operation.advance(refused)[0].state is FlowState.CANCELLED
    with database.as_worker() as session:
        assert find(session, ProductOrder, refused).state is OrderState.REJECTED
        assert monthly(session, sold) == before
    less = change(operation, sold, downlinkRateBps=2 * MBPS, uplinkRateBps=1 * MBPS)
    flow, tasks = operation.advance(less)
    assert (flow.state, tasks["ask_for_approval"].result) == (FlowState.COMPLETED, None)
    more = change(operation, sold, downlinkRateBps=12 * MBPS)
    operation.advance(more)
    answer(database, more, "approved")
    assert operation.advance(more)[0].state is FlowState.COMPLETED


def test_what_a_partner_serves_is_held_there_and_ordered_when_it_is_approved(leasing: Leasing) -> None:
    database = leasing.operation.database
    ask_above(database, 5000)  # 14 Mbit/s are sold for 6,050
    order_id, unwanted = leasing.order(), leasing.order()
    for one in (order_id, unwanted):
        _, tasks = leasing.operation.advance(one)
        assert waits(tasks)
        with database.as_worker() as session:
            capacity = session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == one)).one()
            assert capacity.state is PartnerCapacityState.HELD
            deadline, until = tasks["order_is_approved"].deadline, capacity.hold_until
            assert deadline is not None
            assert until is None or deadline <= until
    assert "order" not in leasing.partner.journal()
    answer(database, unwanted, "refused")
    leasing.followed(unwanted, FlowState.CANCELLED)
    answer(database, order_id, "approved")
    leasing.followed(order_id, FlowState.COMPLETED)
    assert sorted(leasing.partner.journal()) == ["hold", "hold", "order", "qualify", "qualify", "release"]
    more = change(leasing.operation, order_id, downlinkRateBps=16 * MBPS)
    _, tasks = leasing.operation.advance(more)
    assert waits(tasks)
    answer(database, more, "approved")
    leasing.followed(more, FlowState.COMPLETED)


def test_who_ordered_before_there_was_a_rule_is_not_asked_for_when_a_partner_serves_it(leasing: Leasing) -> None:
    order_id = leasing.order()
    ask_above(leasing.operation.database, 1)
    leasing.followed(order_id, FlowState.COMPLETED)
    with leasing.operation.database.as_worker() as session:
        assert session.exec(select(OrderApproval)).all() == []
        assert session.exec(select(Service).where(Service.order_id == order_id)).one()
