"""What a partner holds and delivers is kept for longer while it is needed, within the terms; else it lapses."""

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from satcom.core.clock import clock, now, wall_now
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.tmf_query import read_query
from satcom.core.values import Json
from satcom.enterprise.agreement import Agreement, conclude_agreement
from satcom.enterprise.party import Organization
from satcom.market.account.settlement_account import cost_of
from satcom.market.inventory import Product
from satcom.market.ordering import ProductOrder, place_order
from satcom.orchestration.engine import Engine
from satcom.orchestration.operations.partner_hold import PARTNER_HOLD, extend_holds
from satcom.orchestration.operations.partner_renewal import PARTNER_RENEWAL, renew_terms
from satcom.orchestration.operations.partner_told_term import PARTNER_TOLD_TERM
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskState, tasks_of
from satcom.orchestration.sweep import wake_due
from satcom.orchestration.waits import open_waits
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from satcom.supplychain.partnership import Partnership, patch_partnership
from tests.market.a_market import as_customer
from tests.orchestration.operations.test_partner_to_service import PATIENCE_S, Leasing, leasing
from tests.supplychain.a_partnership import agreement_body

__all__ = ["leasing"]  # the fixture
TERM_DAYS = 100
LATE = timedelta(days=60)  # of a term of 100 days, whose renewal begins half way: by the notice of 60, or half of it
DELIVERED = ["qualify", "hold", "order"]


@pytest.fixture(autouse=True)
def business_clock() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


@pytest.fixture
def delivered(leasing: Leasing) -> str:
    """The order of a link that a partner delivers for a term."""
    leasing.partner.set_world(term_days=TERM_DAYS)
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    return order_id


def capacity_of(session: Session, order_id: str) -> PartnerCapacity:
    return session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == order_id)).one()


def swept(leasing: Leasing) -> None:
    """What the worker's sweep does, and what comes of it."""
    database = leasing.operation.database
    with database.as_worker() as session:
        extend_holds(session)
        renew_terms(session)
        wake_due(session)
    _advanced(database, leasing)


def _advanced(database: Database, leasing: Leasing) -> None:
    with database.as_worker() as session:
        about = col(ProcessFlow.process_flow_specification).in_((PARTNER_HOLD, PARTNER_RENEWAL, PARTNER_TOLD_TERM))
        found = session.exec(select(ProcessFlow.id).where(about, col(ProcessFlow.finished_at).is_(None))).all()
    for flow_id in found:
        Engine(database, leasing.operation.driver).advance(flow_id)


def ended(leasing: Leasing, order_id: str) -> None:
    """The plan about what the partner has for the order has come to its end."""
    before = time.monotonic() + PATIENCE_S
    states: set[FlowState] = {FlowState.ACTIVE}
    while not states <= {FlowState.COMPLETED, FlowState.CANCELLED}:
        assert time.monotonic() < before, states
        time.sleep(0.2)
        swept(leasing)
        with leasing.operation.database.as_worker() as session:
            states = {flow.state for flow, _ in flows_of(session, order_id)}


def flows_of(session: Session, order_id: str) -> list[tuple[ProcessFlow, dict[str, TaskFlow]]]:
    """The plans about what the partner has for the order."""
    query = select(ProcessFlow).where(ProcessFlow.subject_id == capacity_of(session, order_id).id)
    found = session.exec(query.order_by(ProcessFlow.id)).all()
    return [(one, {task.task_flow_specification: task for task in tasks_of(session, one)}) for one in found]


def in_queue(session: Session, flow_id: str) -> bool:
    query = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND args ->> 'flow_id' = :flow")
    return bool(session.connection().execute(query, {"flow": flow_id}).scalar_one())


def another_agreement(leasing: Leasing, ceiling: int) -> None:
    """The supply manager agrees on another ceiling with the partner."""
    with leasing.operation.database.as_worker() as session:
        partnership = session.exec(select(Partnership)).one()
        partner = find(session, Organization, partnership.organization_id)
        body = agreement_body(session, partner, {"unit": "USD", "value": ceiling})
        concluded = conclude_agreement(session, from_body(Agreement, body), WORKER)
        told = partnership.partner[0].wire() | {"agreement": [{"id": concluded.id}]}
        patch_partnership(session, partnership, {"partner": [told]}, WORKER)


def test_a_term_is_renewed_before_it_ends_and_costs_what_the_partner_asks_from_then_on(
    leasing: Leasing, delivered: str
) -> None:
    database = leasing.operation.database
    with database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        first_end = capacity.term_ends_at
        assert first_end is not None
        assert abs(first_end - now() - timedelta(days=TERM_DAYS)) < timedelta(minutes=5)
    swept(leasing)
    assert leasing.partner.journal() == DELIVERED, "it is not time yet"
    leasing.partner.set_world(price_factor_at_renewal=1.1)
    leasing.partner.set_faults({"action": "renew", "kind": "answerLost", "count": 5})  # more than one call's attempts
    clock.advance(LATE)
    ended(leasing, delivered)
    assert leasing.partner.journal() == [*DELIVERED, "qualify", "renew"]
    with database.as_worker() as session:
        [(flow, _)] = flows_of(session, delivered)
        order = find(session, ProductOrder, delivered)
        assert (flow.state, flow.reference) == (FlowState.COMPLETED, order.reference)
        capacity = capacity_of(session, delivered)
        [term] = capacity.renewal
        assert (term.start_at, capacity.term_ends_at) == (first_end, term.end_at)
        assert term.end_at - term.start_at > timedelta(days=364)
        assert (str(capacity.monthly_cost), str(term.monthly_cost)) == ("3,500.00 USD", "3,850.00 USD")
        assert capacity.renew_at is not None
        assert capacity.renew_at == term.end_at - LATE, "the next one, by the notice"
        since = capacity.delivered_at
        assert since is not None
        until_then = cost_of(capacity, since, term.start_at).value
        a_day_each = [cost_of(capacity, since, term.start_at + timedelta(days=days)).value for days in (30, 60)]
        assert (a_day_each[1] - a_day_each[0]) > 0
        assert Decimal(3850) * Decimal("0.9") < a_day_each[0] - until_then < Decimal(3850) * Decimal("1.1")


def test_what_is_beyond_the_terms_waits_for_supply_until_another_agreement_or_lapses_at_the_end(
    leasing: Leasing, delivered: str
) -> None:
    database = leasing.operation.database
    leasing.partner.set_world(price_factor_at_renewal=1.3)
    clock.advance(LATE)
    swept(leasing)
    with database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        [(_, tasks)] = flows_of(session, delivered)
        waiting = tasks["renewal_is_agreed"]
        assert (waiting.state, waiting.owner, waiting.deadline) == (TaskState.ACTIVE, "supply", capacity.term_ends_at)
        assert waiting.due_at is not None
        assert waiting.deadline is not None
        assert now() < waiting.due_at < waiting.deadline
        assert "325 USD a Mbit/s; the agreement allows 300" in (capacity.renewal_setback or "")
        assert "renewal_is_agreed" in {
            one["taskFlowSpecification"] for one in open_waits(session, read_query([]), WORKER).rows
        }
        due = waiting.due_at
    clock.advance(timedelta(days=1, minutes=1))
    swept(leasing)
    assert leasing.partner.journal() == [*DELIVERED, "qualify", "qualify"], "asked again each day"
    with database.as_worker() as session:
        assert flows_of(session, delivered)[0][1]["renewal_is_agreed"].due_at == due, "and still due on the same day"
    another_agreement(leasing, 350)
    with database.as_worker() as session:
        assert in_queue(session, flows_of(session, delivered)[0][0].id), "the wait is looked at at once"
    ended(leasing, delivered)
    assert leasing.partner.journal()[-1] == "renew"
    with database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        assert [str(one.monthly_cost) for one in capacity.renewal] == ["4,550.00 USD"]
        assert capacity.renewal_setback is None


def test_a_renewal_that_is_refused_until_the_end_lapses_and_the_customer_can_still_end_the_product(
    leasing: Leasing, delivered: str
) -> None:
    operation, database = leasing.operation, leasing.operation.database
    leasing.partner.set_world(renews=False)
    clock.advance(LATE)
    swept(leasing)
    with database.as_worker() as session:
        assert "promised to somebody else" in (capacity_of(session, delivered).renewal_setback or "")
    clock.advance(timedelta(days=TERM_DAYS))
    swept(leasing)
    with database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        [(flow, _)] = flows_of(session, delivered)
        assert (flow.state, capacity.state) == (FlowState.CANCELLED, PartnerCapacityState.LAPSED)
        assert flow.cause is not None
        assert flow.cause["code"] == "deadlineMissed"
        product = session.exec(select(Product).where(Product.order_id == delivered)).one()
        body: dict[str, Json] = {
            "relatedParty": [as_customer(operation.market.party)],
            "productOrderItem": [{"id": "1", "action": "delete", "product": {"id": product.id}}],
        }
        end_id = place_order(session, from_body(ProductOrder, body), WORKER).id
    leasing.followed(end_id, FlowState.COMPLETED)
    with database.as_worker() as session:
        assert capacity_of(session, delivered).state is PartnerCapacityState.RELEASED
    assert leasing.partner.journal()[-1] == "end", "by its own clock the partner still delivers, and would charge"


def test_a_price_that_is_another_when_it_is_ordered_is_taken_back_and_tried_again_the_next_day(
    leasing: Leasing, delivered: str
) -> None:
    leasing.partner.set_world(price_factor_at_order=1.3)
    leasing.partner.set_faults({"action": "cancel", "kind": "answerLost", "count": 5})
    clock.advance(LATE)
    ended(leasing, delivered)
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        assert (capacity.state, capacity.renewal) == (PartnerCapacityState.DELIVERED, [])
        assert "as it was ordered, Oceanis" in (capacity.renewal_setback or "")
        assert capacity.renew_at is not None
        assert timedelta(hours=20) < capacity.renew_at - now() <= timedelta(days=1)
    assert leasing.partner.journal() == [*DELIVERED, "qualify", "renew", "cancel"]
    leasing.partner.set_world(price_factor_at_order=1)
    clock.advance(timedelta(days=1, minutes=1))
    swept(leasing)
    ended(leasing, delivered)
    with leasing.operation.database.as_worker() as session:
        assert len(capacity_of(session, delivered).renewal) == 1


def test_what_the_customer_has_given_notice_of_is_renewed_until_his_last_day_or_not_at_all(
    leasing: Leasing, delivered: str
) -> None:
    database = leasing.operation.database
    with database.as_worker() as session:
        product = session.exec(select(Product).where(Product.order_id == delivered)).one()
        product.termination_date = now() + timedelta(days=TERM_DAYS - 1)
    clock.advance(LATE)
    swept(leasing)
    assert leasing.partner.journal() == DELIVERED
    with database.as_worker() as session:
        product = session.exec(select(Product).where(Product.order_id == delivered)).one()
        last_day = product.termination_date = now() + timedelta(days=TERM_DAYS)
    clock.advance(timedelta(days=1, minutes=1))
    swept(leasing)
    with database.as_worker() as session:
        assert capacity_of(session, delivered).term_ends_at == last_day


def test_what_an_order_waits_behind_is_held_for_longer_and_its_end_is_waited_for_where_the_partner_will_not(
    leasing: Leasing,
) -> None:
    database = leasing.operation.database
    leasing.partner.set_world(hold_s=600)
    leasing.partner.set_faults({"action": "order", "kind": "down"})  # the order waits, with what is held for it
    order_id = leasing.order()
    leasing.operation.advance(order_id)
    swept(leasing)
    assert leasing.partner.journal() == ["qualify", "hold"]
    leasing.partner.set_faults(
        {"action": "order", "kind": "down"},
        {"action": "extend", "kind": "answerLost", "count": 2},
    )
    with database.as_worker() as session:
        capacity = capacity_of(session, order_id)
        before = capacity.hold_until
        assert before is not None
        assert capacity.hold_extend_at is not None
        assert wall_now() < capacity.hold_extend_at < before
        capacity.hold_extend_at = wall_now()  # half of it later
    swept(leasing)
    assert leasing.partner.journal() == ["qualify", "hold", "extend"]
    with database.as_worker() as session:
        capacity = capacity_of(session, order_id)
        assert capacity.hold_until is not None
        assert capacity.hold_until > before
        assert capacity.hold_extend_at is not None
        capacity.hold_extend_at = wall_now()
    leasing.partner.set_faults(
        {"action": "order", "kind": "down"}, {"action": "extend", "kind": "refused", "reason": "others want it"}
    )
    swept(leasing)
    with database.as_worker() as session:
        _, (flow, tasks) = flows_of(session, order_id)
        waiting = tasks["hold_is_extended"]
        capacity = capacity_of(session, order_id)
        assert (flow.state, waiting.state, waiting.owner) == (FlowState.ACTIVE, TaskState.ACTIVE, "supply")
        assert waiting.due_at is not None
        assert waiting.deadline is not None
        assert flow.process_flow_date < waiting.due_at < waiting.deadline, "whoever comes next has the other half"
        assert capacity.hold_until is not None
        assert abs(waiting.deadline - capacity.hold_until) < timedelta(seconds=5)
    leasing.partner.set_faults()
    leasing.followed(order_id, FlowState.COMPLETED)
    clock.advance(timedelta(minutes=6))
    swept(leasing)
    with database.as_worker() as session:
        states = {flow.state for flow, _ in flows_of(session, order_id)}
    assert states == {FlowState.COMPLETED}, "nothing is held any more"


@pytest.mark.parametrize(("name", "value"), [("renewalNoticeDays", 0), ("renewalMonths", "a year")])
def test_terms_of_renewal_that_are_none_are_refused_when_a_partner_is_engaged_under_them(
    leasing: Leasing, name: str, value: Json
) -> None:
    with leasing.operation.database.as_worker() as session:
        partnership = session.exec(select(Partnership)).one()
        body = agreement_body(session, find(session, Organization, partnership.organization_id))
        body["characteristic"] = [*body["characteristic"], {"name": name, "value": value}]  # type: ignore[misc]
        concluded = conclude_agreement(session, from_body(Agreement, body), WORKER)
        told = partnership.partner[0].wire() | {"agreement": [{"id": concluded.id}]}
        with pytest.raises(Exception, match=f"{name} of the agreement"):
            patch_partnership(session, partnership, {"partner": [told]}, WORKER)
