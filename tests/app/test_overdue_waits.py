"""Every wait that a recipe has: overdue it goes to the next owner, once and for all to see; what comes late counts.

The waits are read from the recipes: one that nobody here brings about is a failure.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from typing import Final

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import col, select

from satcom.app import declarations
from satcom.app.http import create_app
from satcom.core.clock import clock, now, wall_now
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.security import OUTSIDE, WORKER, Role
from satcom.core.settings import settings
from satcom.core.values import Json, Reference, instant_text
from satcom.market.inventory import product_of_order
from satcom.market.ordering import ProductOrder, place_order
from satcom.orchestration.engine import Engine, unobserved
from satcom.orchestration.escalation import NewEscalation, add_rule, escalate_due
from satcom.orchestration.operations.partner_hold import extend_holds
from satcom.orchestration.operations.partner_renewal import renew_terms
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskFlow, TaskState, _plans, declared
from satcom.orchestration.wave import Observer, Phase
from satcom.resource.catalog import NetworkNeed
from satcom.resource.payload import Transponder
from satcom.resource.satellite import Satellite, SatelliteState
from satcom.resource.satellite_life import ReachedMilestone, reach_milestone
from satcom.supplychain.goods_receipt import ReceivedGoods, record_receipt
from satcom.supplychain.partner_capacity import PartnerCapacity
from satcom.supplychain.procurement import purchase_for
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.app.the_command_line import CommandLine, ask_in_process, token_of
from tests.market.a_market import CHARACTERISTICS, a_token, as_customer
from tests.orchestration.operations.stopped_orders import SOMEBODY_DOES, Sold, Stop, everything_sold
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import DAKOTA
from tests.orchestration.operations.the_other_kinds import ACCESS, MHZ, a_booking_offered, an_offer, order_body
from tests.postgres_server import drop_database, new_database
from tests.service.shared_carriers import TRANSPONDER
from tests.service.the_demonstration import identifier

WAITS, AUDIT = "/satcom-api/orchestration/v1/wait", "/satcom-api/audit/v1/change"
NEXT: Final = Role.ADMINISTRATOR  # after whom nobody comes
AFTER, LATE = timedelta(hours=2), timedelta(hours=3)
PATIENCE_S: Final = 300.0  # a busy machine is slow, and no test is about time
DAY: Final = timedelta(days=1)
WORLD: Final[dict[str, float | None]] = {
    "delivery_s": 0, "term_days": None, "hold_s": 3600, "price_factor_at_renewal": 1
}  # fmt: skip
assert declarations.ROUTES  # importing it declared every recipe
# one of each owner; the others at length
SOME: Final = {
    "appointment_is_made",
    "order_is_approved",
    "partner_delivers",
    "satellite_is_in_service",
    "access_is_tested",
}
OF_RECIPES: Final = sorted({one.handler for name in _plans for one in declared(name, "") if one.owner is not None})


@dataclass(frozen=True)
class Awaited:
    """A wait of a plan that is under way, and how what it waits for comes."""

    flow_id: str
    name: str
    comes: Callable[[], None]


@dataclass(frozen=True)
class Desk:
    """Who looks after orders that wait: over the API, on the command line, and by the metrics."""

    sold: Sold
    http: TestClient
    satcom: CommandLine

    @property
    def database(self) -> Database:
        return self.sold.database

    def place(self, offering: str, start: datetime | None = None, /, **values: Json) -> str:
        """An order for which everybody has done his part as far as that goes without the day."""
        body = order_body(self.sold.operation.market, offering, **values)
        if start is not None:
            body["requestedStartDate"] = instant_text(start)
        with self.database.as_worker() as session:
            return place_order(session, from_body(ProductOrder, body), WORKER).id

    def brought(self, order_id: str, name: str, comes: Callable[[], None] = lambda: None) -> Awaited:
        """The order on its way, stopped at the wait."""
        self.sold.bring(order_id, Stop(name, "waiting") if name in SOMEBODY_DOES else None)
        return Awaited(self.sold.operation.flow(order_id)[0].id, name, comes)

    def done_by_somebody(self, order_id: str, name: str) -> Awaited:
        return self.brought(order_id, name, lambda: self.sold._does(order_id, name))

    def delivered(self, offering: str, **values: Json) -> str:
        order_id = self.place(offering, **values)
        self.sold.bring(order_id)
        assert self.sold.operation.flow(order_id)[0].state is FlowState.COMPLETED
        return order_id

    def advance(self, flow_id: str, until: Callable[[], bool] = lambda: True, observe: Observer = unobserved) -> None:
        """As workers do: what is asked of the outside is asked again, until it is so."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            Engine(self.database, self.sold.operation.driver, observe).advance(flow_id)
            if until():
                return
            assert time.monotonic() < give_up, self.told(flow_id)
            time.sleep(0.2)

    def told(self, flow_id: str) -> dict[str, tuple[str, object]]:
        """How far a plan is."""
        with self.database.as_worker() as session:
            tasks = session.exec(select(TaskFlow).where(TaskFlow.process_flow_id == flow_id)).all()
            return {one.task_flow_specification: (one.state.value, one.fault) for one in tasks}

    def task(self, awaited: Awaited) -> TaskFlow:
        with self.database.as_worker() as session:
            of_plan = TaskFlow.process_flow_id == awaited.flow_id, TaskFlow.task_flow_specification == awaited.name
            return session.exec(select(TaskFlow).where(*of_plan)).one()

    def is_open(self, awaited: Awaited) -> bool:
        return self.task(awaited).state is TaskState.ACTIVE

    def flow(self, flow_id: str) -> ProcessFlow:
        with self.database.as_worker() as session:
            return find(session, ProcessFlow, flow_id)

    def flow_about(self, subject_id: str) -> str:
        """The newest plan about what is no order."""
        with self.database.as_worker() as session:
            plans = select(ProcessFlow.id).where(ProcessFlow.subject_id == subject_id)
            return session.exec(plans.order_by(col(ProcessFlow.id).desc())).first() or ""

    def escalate(self) -> None:
        with self.database.as_worker() as session:
            escalate_due(session)

    def listed(self) -> list[str]:
        """The ids of all overdue waits that came to the next owner, as the API tells them."""
        asked = {"owner": NEXT.value, "dueAt.lt": "now", "limit": "1000"}
        answer = self.http.get(WAITS, params=asked, headers=a_token(self.database, "noc"))
        assert answer.status_code in (200, 206), answer.text
        return [str(one["id"]) for one in answer.json()]

    def typed(self) -> list[str]:
        """The same on the command line, whose clock is that of its settings."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(settings(), "clock_ahead_hours", clock.offset / timedelta(hours=1))
            said = self.satcom("order", "waits", "--owner", NEXT.value, "--overdue", "--limit", "1000", "--json")
        assert said.status == 0, said.err
        return [str(one["id"]) for one in json.loads(said.out)]

    def counted(self, family: str) -> int:
        scraped = self.http.get("/metrics", headers=a_token(self.database, "noc"))
        samples = (one for found in text_string_to_metric_families(scraped.text) for one in found.samples)
        return sum(int(one.value) for one in samples if one.name == family and one.labels == {"owner": NEXT.value})

    def handed_on(self, task: TaskFlow) -> list[str]:
        """The events of the task that tell who has it now."""
        told = self.http.get(AUDIT, params={"entityId": task.id}, headers=a_token(self.database, "noc")).json()
        return [one["eventType"] for one in told if one.get("after", {}).get("owner") == NEXT.value]


# How each wait is brought about


def approval(desk: Desk) -> Awaited:
    return desk.done_by_somebody(desk.place(desk.sold.offers["lease"], bandwidthHz=MHZ), "order_is_approved")


def start_date(desk: Desk) -> Awaited:
    order_id = desk.place(desk.sold.offers["lease"], now() + 10 * DAY, bandwidthHz=MHZ)
    return desk.brought(order_id, "start_date_is_here")


def satellite(desk: Desk) -> Awaited:
    """On a satellite that carries nothing else that is sold here."""
    planned = (now() + 20 * DAY).date()
    with desk.database.as_worker() as session:
        pools = session.get_one(Transponder, identifier("Transponder", TRANSPONDER)).satellite_id
        other = session.exec(select(Transponder).where(col(Transponder.satellite_id) != pools)).all()[0].satellite_id
        coming = session.get_one(Satellite, other)
        coming.state, coming.in_service_date = SatelliteState.IN_ORBIT_TEST, planned
        offering = an_offer(session, ["bandwidthHz", "satellite"], NetworkNeed.LEASED_SPECTRUM)
    start = datetime.combine(planned, day_time(), UTC)

    def enters_service() -> None:
        with desk.database.as_worker() as session:
            reached = ReachedMilestone(satellite=Reference(id=other), state=SatelliteState.IN_SERVICE)
            reach_milestone(session, reached, WORKER)

    order_id = desk.place(offering, start, bandwidthHz=MHZ, satellite=other)
    return desk.brought(order_id, "satellite_is_in_service", enters_service)


def delivery(desk: Desk) -> Awaited:
    with desk.database.as_worker() as session:
        for one in session.exec(select(StockedTerminal).where(StockedTerminal.state == StockState.IN_STOCK)):
            if one.terminal_type_name == desk.sold.other_terminal:
                session.delete(one)
    values = CHARACTERISTICS | {"terminalType": desk.sold.other_terminal}
    order_id = desk.place(desk.sold.offers["link"], **values)

    def is_received() -> None:
        with desk.database.as_worker() as session:
            purchase = purchase_for(session, order_id)
            assert purchase is not None
            goods = ReceivedGoods(purchase_order=Reference(id=purchase.id), serial_number=["LATE-1"])
            record_receipt(session, goods, WORKER)

    return desk.brought(order_id, "terminal_is_here", is_received)


def appointment(desk: Desk) -> Awaited:
    return desk.done_by_somebody(_installed(desk), "appointment_is_made")


def visit(desk: Desk) -> Awaited:
    return desk.done_by_somebody(_installed(desk), "site_is_installed")


def _installed(desk: Desk) -> str:
    return desk.place(desk.sold.offers["link"], **CHARACTERISTICS | {"installation": "onSite"})


def access_test(desk: Desk) -> Awaited:
    return desk.done_by_somebody(desk.place(desk.sold.offers["lease"], bandwidthHz=MHZ), "access_is_tested")


def carriers_moved(desk: Desk) -> Awaited:
    lease = desk.delivered(desk.sold.offers["lease"], bandwidthHz=MHZ)
    return desk.done_by_somebody(change(desk.sold.operation, lease, bandwidthHz=2 * MHZ), "carriers_are_moved")


def carriers_off(desk: Desk) -> Awaited:
    lease = desk.delivered(desk.sold.offers["lease"], bandwidthHz=MHZ)
    return desk.done_by_somebody(change(desk.sold.operation, lease, "delete"), "carriers_are_off")


def last_day(desk: Desk) -> Awaited:
    link = desk.delivered(desk.sold.offers["access"], **ACCESS)
    with desk.database.as_worker() as session:
        product = product_of_order(session, link)
        assert product is not None
        body: dict[str, Json] = {
            "relatedParty": [as_customer(desk.sold.operation.market.party)],
            "requestedCompletionDate": instant_text(now() + 10 * DAY),
            "productOrderItem": [{"id": "1", "action": "delete", "product": {"id": product.id}}],
        }
        end = place_order(session, from_body(ProductOrder, body), WORKER).id
    return desk.brought(end, "last_day_is_here")


def booked_time(desk: Desk) -> Awaited:
    with desk.database.as_worker() as session:
        offering = a_booking_offered(session)
    order_id = desk.delivered(offering, bandwidthHz=MHZ, durationMinutes=600)
    with desk.database.as_worker() as session:
        product = product_of_order(session, order_id)
        assert product is not None
    flow_id = desk.flow_about(product.id)
    desk.advance(flow_id)
    return Awaited(flow_id, "booked_time_is_over", lambda: None)


def partners_delivery(desk: Desk) -> Awaited:
    desk.sold.partner.set_world(delivery_s=DAY.total_seconds())
    order_id = desk.sold.operation.order(**DAKOTA)
    awaited = desk.brought(order_id, "partner_delivers", lambda: desk.sold.partner.set_world(delivery_s=0))
    desk.advance(awaited.flow_id, lambda: desk.is_open(awaited))
    return awaited


def renewals_terms(desk: Desk) -> Awaited:
    desk.sold.partner.set_world(price_factor_at_renewal=1.3)  # above the ceiling
    return _renewal(desk, "renewal_is_agreed", lambda: desk.sold.partner.set_world(price_factor_at_renewal=1))


def renewal_at_partner(desk: Desk) -> Awaited:
    def is_slow(task: TaskFlow, phase: Phase) -> None:
        """Once it has the order."""
        if (task.task_flow_specification, phase) == ("renew_at_partner", "intent"):
            desk.sold.partner.set_world(delivery_s=(90 * DAY).total_seconds())

    return _renewal(desk, "partner_renews", lambda: desk.sold.partner.set_world(delivery_s=0), is_slow)


def _renewal(desk: Desk, name: str, comes: Callable[[], None], observe: Observer = unobserved) -> Awaited:
    """What a partner delivers for a hundred days, when the time to renew it has come."""
    desk.sold.partner.set_world(term_days=100)
    capacity_id = _at_partner(desk, FlowState.COMPLETED)
    with clock.at(now() + 60 * DAY):
        with desk.database.as_worker() as session:
            renew_terms(session)
        awaited = Awaited(desk.flow_about(capacity_id), name, comes)
        desk.advance(awaited.flow_id, lambda: desk.is_open(awaited), observe)
    return awaited


def hold_at_partner(desk: Desk) -> Awaited:
    """The partner cannot be given the order, and does not hold longer what is held for it."""
    away: dict[str, object] = {"action": "order", "kind": "down"}
    desk.sold.partner.set_world(hold_s=(30 * DAY).total_seconds())
    desk.sold.partner.set_faults(away, {"action": "extend", "kind": "refused", "reason": "others want it"})
    capacity_id = _at_partner(desk, FlowState.ACTIVE)
    with desk.database.as_worker() as session:
        capacity = find(session, PartnerCapacity, capacity_id)
        capacity.hold_extend_at, order_id = wall_now(), capacity.order_id
    with desk.database.as_worker() as session:
        assert extend_holds(session) == 1

    def takes_the_order() -> None:
        desk.sold.partner.set_faults()
        flow_id = desk.sold.operation.flow(order_id)[0].id
        desk.advance(flow_id, lambda: desk.flow(flow_id).state is FlowState.COMPLETED)

    awaited = Awaited(desk.flow_about(capacity_id), "hold_is_extended", takes_the_order)
    desk.advance(awaited.flow_id, lambda: desk.is_open(awaited))
    return awaited


def _at_partner(desk: Desk, state: FlowState) -> str:
    """The id of what a partner has for an order, whose plan is in that state."""
    order_id = desk.sold.operation.order(**DAKOTA)
    desk.sold.bring(order_id)

    def capacity_id() -> str | None:
        with desk.database.as_worker() as session:
            held = col(PartnerCapacity.hold_id).is_not(None) & (PartnerCapacity.order_id == order_id)
            return session.exec(select(PartnerCapacity.id).where(held)).first()

    flow_id = desk.sold.operation.flow(order_id)[0].id
    desk.advance(flow_id, lambda: capacity_id() is not None and desk.flow(flow_id).state is state)
    return capacity_id() or ""


BROUGHT: Final[dict[str, Callable[[Desk], Awaited]]] = {
    "order_is_approved": approval,
    "start_date_is_here": start_date,
    "satellite_is_in_service": satellite,
    "terminal_is_here": delivery,
    "appointment_is_made": appointment,
    "site_is_installed": visit,
    "access_is_tested": access_test,
    "carriers_are_moved": carriers_moved,
    "carriers_are_off": carriers_off,
    "last_day_is_here": last_day,
    "booked_time_is_over": booked_time,
    "partner_delivers": partners_delivery,
    "renewal_is_agreed": renewals_terms,
    "partner_renews": renewal_at_partner,
    "hold_is_extended": hold_at_partner,
}


@contextmanager
def _a_database(template: str) -> Iterator[Database]:
    url = new_database(template)
    database = Database(url, connections=16)
    yield database
    database.close()
    drop_database(url)


@pytest.fixture(scope="module")
def sold(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sold]:
    """What is sold is sold once for all waits; whoever owns one has somebody after him."""
    with _a_database(template) as database, everything_sold(database, tmp_path_factory.mktemp("sold")) as sold:
        with database.as_worker() as session:
            for owner in set(Role) - OUTSIDE - {NEXT}:
                rule = NewEscalation(owner=owner, next_owner=NEXT, after_hours=AFTER / timedelta(hours=1))
                add_rule(session, rule, WORKER)
        yield sold


@pytest.fixture
def desk(sold: Sold, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    app = create_app(sold.database)
    ask_in_process(monkeypatch, app)
    monkeypatch.setattr(settings(), "partner_limit_s", PATIENCE_S)
    satcom = CommandLine(monkeypatch, capsys)
    satcom.set(SATCOM_TOKEN=token_of(sold.database, "noc"))
    sold.partner.set_world(**WORLD)
    sold.partner.set_faults()
    yield Desk(sold, TestClient(app), satcom)
    clock.offset = timedelta(0)


def test_there_is_no_wait_but_those_that_are_brought_about_here() -> None:
    assert set(OF_RECIPES) == set(BROUGHT)


@pytest.mark.parametrize(
    "wait", [one if one in SOME else pytest.param(one, marks=pytest.mark.at_length) for one in OF_RECIPES]
)
def test_an_overdue_wait_goes_to_the_next_owner_once_and_goes_on_when_it_comes_late(desk: Desk, wait: str) -> None:
    awaited = BROUGHT[wait](desk)
    begun = desk.task(awaited)
    assert (begun.state, begun.escalated_at) == (TaskState.ACTIVE, None)
    assert begun.owner in set(Role) - OUTSIDE - {NEXT}
    assert begun.due_at is not None
    assert begun.deadline is None or begun.deadline > begun.due_at + LATE, "there is time to see to it"
    with clock.at(begun.due_at + AFTER / 2):
        desk.escalate()
        assert desk.task(awaited).owner == begun.owner, "he has his time"
        assert begun.id not in desk.listed()
    with clock.at(begun.due_at + LATE):
        desk.escalate()
        late = desk.task(awaited)
        assert (late.owner, late.escalated_from, late.deadline) == (NEXT, begun.owner, begun.deadline)
        desk.escalate()
        assert desk.task(awaited).escalated_at == late.escalated_at, "not twice"
        assert desk.handed_on(late) == ["taskFlowAttributeValueChangeEvent"]
        listed = desk.listed()
        assert begun.id in listed
        assert desk.counted("satcom_waits_overdue") == len(listed)
        assert desk.counted("satcom_waits_escalated") >= len(listed)
        assert sorted(desk.typed()) == sorted(listed)
    with clock.at(begun.due_at + LATE):
        awaited.comes()
        desk.advance(awaited.flow_id, lambda: not desk.is_open(awaited))
        assert desk.task(awaited).state is TaskState.COMPLETED, desk.task(awaited).fault
        assert desk.flow(awaited.flow_id).state in (FlowState.ACTIVE, FlowState.COMPLETED)
        assert begun.id not in desk.listed()
