"""A slow partner: what is changed and ended there is done once and nothing is left, whatever becomes of the answers."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlmodel import Session, select

from satcom.core.database import find
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.inventory import Product, ProductStatus, product_of_order
from satcom.market.ordering import CancelProductOrder, OrderState, ProductOrder, cancel_order
from satcom.orchestration.operations import ordered_at_partner
from satcom.orchestration.plan import FlowState, TaskState
from satcom.orchestration.repair import retry
from satcom.supplychain.drivers.tmf_partner import partner_at
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from tests.crash.at_the_partner import PartnersBooks
from tests.orchestration.operations.test_change_at_partner import DELIVERED, MBPS, delivered, rates
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import Leasing, leasing

__all__ = ["delivered", "leasing"]  # the fixtures
TIMEOUT_S, LATE_S = 2.0, 3.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """We wait for an answer for a moment, and the partner does what it was asked for long after."""
    monkeypatch.setattr(ordered_at_partner, "partner_at", partial(partner_at, timeout_s=TIMEOUT_S, attempts=2))


def slow(*actions: str) -> list[dict[str, object]]:
    return [{"action": one, "kind": "slow", "delay_s": LATE_S, "count": 1} for one in actions]


def lost(*actions: str) -> list[dict[str, object]]:
    return [{"action": one, "kind": "answerLost", "count": 3} for one in actions]


def disagreements(leasing: Leasing) -> list[str]:
    """Between the partner's books and ours."""
    with leasing.operation.database.as_worker() as session, leasing.partner.client() as client:
        ours = [
            {
                "state": one.state.value,
                "partnerOrderId": one.partner_order_id,
                "monthlyCost": one.monthly_cost.wire(),
                "holdId": one.hold_id,
            }
            for one in session.exec(select(PartnerCapacity))
        ]
        return list(PartnersBooks.read(client).against(ours))


def the_product(session: Session, order_id: str) -> Product:
    product = product_of_order(session, order_id)
    assert product is not None
    return product


@pytest.mark.parametrize("trouble", [slow, lost], ids=["slow", "lost"])
def test_a_change_and_an_end_that_the_partner_answers_late_or_not_at_all_are_done_once(
    leasing: Leasing, delivered: str, trouble: Callable[..., list[dict[str, object]]]
) -> None:
    leasing.partner.set_faults(*trouble("hold", "order", "read"))
    leasing.followed(change(leasing.operation, delivered, downlinkRateBps=16 * MBPS), FlowState.COMPLETED)
    assert leasing.partner.journal() == DELIVERED * 2
    assert disagreements(leasing) == []
    leasing.partner.set_faults(*trouble("order", "read"))
    leasing.followed(change(leasing.operation, delivered, action="delete"), FlowState.COMPLETED)
    assert leasing.partner.journal() == [*DELIVERED * 2, "end"]
    assert disagreements(leasing) == []


def test_a_change_that_is_cancelled_while_its_order_is_on_its_way_leaves_nothing_at_the_partner(
    leasing: Leasing, delivered: str
) -> None:
    leasing.partner.set_faults({"action": "order", "kind": "slow", "delay_s": LATE_S})
    more = change(leasing.operation, delivered, downlinkRateBps=16 * MBPS)
    _, tasks = leasing.operation.advance(more)
    assert tasks["order_at_partner"].state is TaskState.NEW, "it was not answered in time"
    with leasing.operation.database.as_worker() as session:
        cancel_order(session, from_body(CancelProductOrder, {"productOrder": {"id": more}}), WORKER)
    leasing.followed(more, FlowState.CANCELLED)
    leasing.partner.set_faults()
    with leasing.operation.database.as_worker() as session:
        assert rates(the_product(session, delivered)) == [10 * MBPS, 4 * MBPS]
        assert find(session, ProductOrder, more).state is OrderState.CANCELLED
    assert disagreements(leasing) == []


def test_an_end_that_the_partner_refuses_waits_for_a_person_and_the_customers_notice_counts(
    leasing: Leasing, delivered: str
) -> None:
    operation = leasing.operation
    leasing.partner.set_faults({"action": "order", "kind": "refused", "reason": "a year at least"})
    end_id = change(operation, delivered, action="delete")
    flow, tasks = operation.advance(end_id)
    held = tasks["end_at_partner"]
    assert (flow.state, held.state) == (FlowState.ACTIVE, TaskState.HOLD)
    assert "a year at least" in (held.fault or {})["why"]
    with operation.database.as_worker() as session:
        product = the_product(session, delivered)
        assert product.status is not ProductStatus.TERMINATED
        assert product.termination_date is not None
        capacity = session.exec(select(PartnerCapacity)).one()
        assert capacity.state is PartnerCapacityState.DELIVERED
        retry_by(session, flow.id)
    leasing.partner.set_faults()
    leasing.followed(end_id, FlowState.COMPLETED)
    with operation.database.as_worker() as session:
        assert the_product(session, delivered).status is ProductStatus.TERMINATED
    assert leasing.partner.journal() == [*DELIVERED, "end"]
    assert disagreements(leasing) == []


def retry_by(session: Session, flow_id: str) -> Json:
    """A person has talked to the partner."""
    return retry(session, flow_id, "end_at_partner", WORKER).id
