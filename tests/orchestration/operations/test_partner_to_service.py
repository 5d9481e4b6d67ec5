"""An order that no way of our own can serve is delivered by a partner, within the terms of the agreement, or undone."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from satcom.core.clock import clock
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER, Role
from satcom.core.tmf_query import read_query
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter, revise
from satcom.enterprise.party import operator_of
from satcom.market.billing import CustomerBill
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.inventory import Product, ProductStatus
from satcom.market.ordering import CancelProductOrder, OrderState, ProductOrder, cancel_order, place_order
from satcom.orchestration.escalation import NewEscalation, add_rule, escalate_due
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskState
from satcom.orchestration.waits import open_waits
from satcom.resource.hub import Hub
from satcom.service.inventory import Service, ServiceState
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from satcom.supplychain.partnership import Partnership, drop_partnership
from satcom.supplychain.stock import StockedTerminal
from tests.market.a_market import a_price, as_customer
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.simulators.partner_process import PartnerProcess, connected_to, partner_process
from tests.supplychain.a_partnership import a_partnership

DAKOTA: dict[str, Json] = {"latitudeDeg": 48.0, "longitudeDeg": -100.0}  # under the horizon of every satellite of ours
OUR_PRICE, PATIENCE_S = 400, 20.0


@dataclass(frozen=True)
class Leasing:
    """An operation with a partner who serves what it cannot."""

    operation: Operation
    partner: PartnerProcess

    def order(self) -> str:
        return self.operation.order(**DAKOTA)

    def followed(self, order_id: str, *until: FlowState) -> tuple[ProcessFlow, dict[str, TaskFlow]]:
        """The flow when it has ended so."""
        before = time.monotonic() + PATIENCE_S
        flow, tasks = self.operation.advance(order_id)
        while flow.state not in until:
            assert time.monotonic() < before, {name: (one.state, one.fault) for name, one in tasks.items()}
            time.sleep(0.2)
            flow, tasks = self.operation.advance(order_id)
        return flow, tasks


@pytest.fixture
def leasing(database: Database, tmp_path: Path) -> Iterator[Leasing]:
    with (
        partner_process(tmp_path) as partner,
        an_operation(database, tmp_path) as operation,
        connected_to(partner),
    ):
        partner.set_world(delivery_s=0, price_per_mbps=250, one_time_price=1000)
        with database.as_worker() as session:
            a_partnership(session, partner.url)
            price_what_partners_serve(session, operation)
        yield Leasing(operation, partner)


def price_what_partners_serve(session: Session, operation: Operation, offering_id: str | None = None) -> None:
    """The offering, by default that of the operation, has a monthly price for what a partner serves."""
    body = a_price("Capacity of a partner", OUR_PRICE, monthly=True, unit="Mbit/s", capacity="partnerCapacity")
    price = enter(session, from_body(ProductOfferingPrice, body), WORKER)
    offering = session.get_one(ProductOffering, offering_id or operation.market.offering)
    listed: list[Json] = [{"id": one.id} for one in offering.product_offering_price]
    revise(session, offering, {"productOfferingPrice": [*listed, {"id": price.id}]}, WORKER)


def test_what_no_satellite_of_ours_sees_is_delivered_by_the_partner_and_billed(leasing: Leasing) -> None:
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    with leasing.operation.database.as_worker() as session:
        order = find(session, ProductOrder, order_id)
        service = session.exec(select(Service).where(Service.order_id == order_id)).one()
        product = session.exec(select(Product).where(Product.order_id == order_id)).one()
        bill = session.exec(select(CustomerBill).where(CustomerBill.first_bill_of == product.id)).one()
        capacity = session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == order_id)).one()
        assert (order.state, service.state) == (OrderState.COMPLETED, ServiceState.ACTIVE)
        assert product.status is ProductStatus.ACTIVE
        assert bill.amount_due.value > 0
        assert [one.name for one in service.supporting_resource] == ["capacity of a partner"]
        monthly = next(one for one in order.order_total_price if one.price_type == "recurring")
        assert str(monthly.price.duty_free_amount) == "6,050.00 USD"  # 14 Mbit/s at 400, and the platform
        assert (capacity.state, str(capacity.monthly_cost)) == (PartnerCapacityState.DELIVERED, "3,500.00 USD")
        assert capacity.party_id == operator_of(session).organization_id
        with pytest.raises(RuleRefused, match="was leased under it"):
            drop_partnership(session, session.get_one(Partnership, capacity.partnership_id), WORKER)
    assert leasing.partner.journal() == ["qualify", "hold", "order"]


def test_the_tasks_that_tell_what_a_partner_charges_are_not_the_customers(leasing: Leasing) -> None:
    order_id = leasing.order()
    flow, tasks = leasing.followed(order_id, FlowState.COMPLETED)
    with leasing.operation.database.as_worker() as session:
        ours = operator_of(session).organization_id
    assert flow.party_id == leasing.operation.market.party
    assert {name for name, one in tasks.items() if one.party_id != ours} == {"qualify_again"}


def test_what_the_partner_has_not_delivered_is_waited_for_by_somebody_until_a_day(
    leasing: Leasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    leasing.partner.set_world(delivery_s=3600)
    order_id = leasing.order()
    _, tasks = leasing.operation.advance(order_id)
    waiting = tasks["partner_delivers"]
    assert (waiting.state, waiting.owner) == (TaskState.ACTIVE, "supply")
    assert waiting.deadline is not None
    assert waiting.expected_at is not None
    assert waiting.expected_at > datetime.now(UTC)
    assert waiting.due_at == waiting.expected_at
    with leasing.operation.database.as_worker() as session:
        for one in session.exec(select(StockedTerminal)):
            session.delete(one)
    leasing.operation.advance(leasing.operation.order())
    with leasing.operation.database.as_worker() as session:
        told = {one["taskFlowSpecification"] for one in open_waits(session, read_query([]), WORKER).rows}
        assert told == {"partner_delivers", "terminal_is_here"}
        add_rule(session, NewEscalation(owner=Role.SUPPLY, next_owner=Role.NOC, after_hours=48), WORKER)
    monkeypatch.setattr(clock, "offset", timedelta(days=5))
    with leasing.operation.database.as_worker() as session:
        assert escalate_due(session) == 1
    assert leasing.operation.flow(order_id)[1]["partner_delivers"].owner == "noc"
    leasing.partner.set_world(delivery_s=0)
    leasing.followed(order_id, FlowState.COMPLETED)


@pytest.mark.parametrize("action", ["hold", "order", "read"])
def test_an_answer_that_is_lost_again_and_again_changes_nothing_of_the_order(leasing: Leasing, action: str) -> None:
    leasing.partner.set_faults({"action": action, "kind": "answerLost", "count": 5})  # more than one call's attempts
    leasing.followed(leasing.order(), FlowState.COMPLETED)
    assert leasing.partner.journal() == ["qualify", "hold", "order"]


def test_a_partner_that_is_away_is_asked_again(leasing: Leasing) -> None:
    leasing.partner.set_faults({"action": "search", "kind": "down", "count": 2})
    order_id = leasing.order()
    _, tasks = leasing.operation.advance(order_id)
    assert tasks["ask_again"].state is TaskState.NEW
    assert "partners cannot be asked" in (tasks["ask_again"].fault or {})["why"]
    leasing.followed(order_id, FlowState.COMPLETED)


@pytest.mark.parametrize(
    ("changes", "task", "code", "number"),
    [
        ({"price_per_mbps": 301}, "choose_partner", "abovePriceCeiling", "301 USD a Mbit/s; the agreement allows 300"),
        ({"one_time_price": 36_000}, "choose_partner", "belowMargin", "leave a margin of 4.1 %, 10 % is the least"),
        ({"largest_mbps": 10}, "choose_partner", "partnerRefused", "10 Mbit/s are free"),
        ({"hold_s": 0.001}, "order_at_partner", "partnerRefused", "the hold ended on"),
        (
            {"price_factor_at_order": 1.3},
            "accept_partners_price",
            "abovePriceCeiling",
            "325 USD a Mbit/s; the agreement allows 300",
        ),
    ],
)
def test_an_order_beyond_the_terms_is_undone_for_a_reason_with_its_number(
    leasing: Leasing, changes: dict[str, float], task: str, code: str, number: str
) -> None:
    leasing.partner.set_world(**changes)
    order_id = leasing.order()
    flow, tasks = leasing.followed(order_id, FlowState.CANCELLED)
    fault = tasks[task].fault or {}
    assert fault["code"] == code
    assert number in fault["why"]
    assert flow.cause is not None
    assert flow.cause["why"] == "no partner of ours can serve the site within our terms"  # a customer may read it
    with leasing.operation.database.as_worker() as session:
        order = find(session, ProductOrder, order_id)
        assert order.state in (OrderState.REJECTED, OrderState.FAILED)
        assert not any("USD" in (one.text or "") for one in order.note)
        for one in session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == order_id)):
            assert one.state is PartnerCapacityState.RELEASED
    assert _balanced(leasing.partner.journal())


def test_a_refused_hold_ends_the_order_when_no_other_partner_offers(leasing: Leasing) -> None:
    leasing.partner.set_faults({"action": "hold", "kind": "refused", "reason": "sold an hour ago"})
    _, tasks = leasing.followed(leasing.order(), FlowState.CANCELLED)
    assert "sold an hour ago" in (tasks["choose_partner"].fault or {})["why"]
    assert leasing.partner.journal() == ["qualify"]


def test_where_one_partner_refuses_to_hold_the_next_one_delivers(leasing: Leasing, tmp_path: Path) -> None:
    leasing.partner.set_faults({"action": "hold", "kind": "refused", "reason": "sold an hour ago"})
    with partner_process(tmp_path / "dearer") as dearer, connected_to(leasing.partner, dearer):
        dearer.set_world(delivery_s=0, price_per_mbps=280, one_time_price=1000)
        with leasing.operation.database.as_worker() as session:
            a_partnership(session, dearer.url, name="Dearer")
        order_id = leasing.order()
        leasing.followed(order_id, FlowState.COMPLETED)
        assert leasing.partner.journal() == ["qualify"]
        assert dearer.journal() == ["qualify", "hold", "order"]
    with leasing.operation.database.as_worker() as session:
        tried = session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == order_id)).all()
        assert {(one.partner_name, one.state) for one in tried} == {
            ("Oceanis", PartnerCapacityState.RELEASED),
            ("Dearer", PartnerCapacityState.DELIVERED),
        }
        assert "sold an hour ago" in next(one.released_because or "" for one in tried if one.partner_name == "Oceanis")


@pytest.mark.parametrize("priced", [True, False])
def test_when_others_take_the_last_port_before_it_is_held_a_partner_serves_if_the_offer_has_a_price_for_that(
    leasing: Leasing, priced: bool
) -> None:
    operation = leasing.operation
    if not priced:
        with operation.database.as_worker() as session:
            offering = session.get_one(ProductOffering, operation.market.offering)
            own: list[Json] = [{"id": one.id} for one in offering.product_offering_price[:-1]]
            revise(session, offering, {"productOfferingPrice": own}, WORKER)

    def others_are_quicker(task: TaskFlow, phase: str) -> None:
        if (task.task_flow_specification, phase) == ("qualify_again", "result"):
            with operation.database.as_worker() as session:
                for hub in session.exec(select(Hub)):
                    hub.ports = 0

    order_id = operation.order()
    operation.advance(order_id, others_are_quicker)
    ended = FlowState.COMPLETED if priced else FlowState.CANCELLED
    _, tasks = leasing.followed(order_id, ended)
    if priced:
        assert tasks["qualify_again"].result["solution"]["capacity"] == "carriers"
        assert leasing.partner.journal() == ["qualify", "hold", "order"]
    else:
        assert (tasks["reserve_all_or_none"].fault or {})["code"] == "noHubPort"


def test_a_cancelled_order_is_cancelled_and_released_at_the_partner_however_often_its_answers_are_lost(
    leasing: Leasing,
) -> None:
    leasing.partner.set_world(delivery_s=3600)
    order_id = leasing.order()
    leasing.operation.advance(order_id)
    leasing.partner.set_faults(
        {"action": "cancel", "kind": "answerLost", "count": 5}, {"action": "release", "kind": "answerLost", "count": 5}
    )
    with leasing.operation.database.as_worker() as session:
        cancel_order(session, from_body(CancelProductOrder, {"productOrder": {"id": order_id}}), WORKER)
    leasing.followed(order_id, FlowState.CANCELLED)
    assert leasing.partner.journal() == ["qualify", "hold", "order", "cancel", "release"]
    with leasing.operation.database.as_worker() as session:
        assert find(session, ProductOrder, order_id).state is OrderState.CANCELLED


def test_what_the_customer_ends_is_ended_at_the_partner_once_and_billed(leasing: Leasing) -> None:
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    leasing.partner.set_faults({"action": "order", "kind": "answerLost", "count": 5})
    with leasing.operation.database.as_worker() as session:
        product = session.exec(select(Product).where(Product.order_id == order_id)).one()
        body: dict[str, Json] = {
            "relatedParty": [as_customer(leasing.operation.market.party)],
            "productOrderItem": [{"id": "1", "action": "delete", "product": {"id": product.id}}],
        }
        end_id = place_order(session, from_body(ProductOrder, body), WORKER).id
    leasing.followed(end_id, FlowState.COMPLETED)
    assert leasing.partner.journal() == ["qualify", "hold", "order", "end"]
    with leasing.operation.database.as_worker() as session:
        assert find(session, ProductOrder, end_id).state is OrderState.COMPLETED
        assert find(session, Product, product.id).status is ProductStatus.TERMINATED
        service = session.exec(select(Service).where(Service.order_id == order_id)).one()
        capacity = session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == order_id)).one()
        assert (service.state, capacity.state) == (ServiceState.TERMINATED, PartnerCapacityState.RELEASED)


def test_what_our_own_fleet_can_serve_is_asked_of_no_partner(leasing: Leasing) -> None:
    order_id = leasing.operation.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    assert leasing.partner.journal() == []


def _balanced(journal: list[str]) -> bool:
    """Everything held was released, everything ordered cancelled."""
    return journal.count("hold") == journal.count("release") and journal.count("order") == journal.count("cancel")
