"""The comparison of the books: each book that lies is noticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.core.entity import from_body, new_id
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.ordering import CancelProductOrder, cancel_order
from satcom.orchestration.plan import FlowState, TaskState
from tests.crash.agreement import HUB_KINDS, Body, disagreements, held
from tests.crash.agreement_of_change import disagreements_of_change
from tests.crash.at_the_partner import RESERVATIONS
from tests.crash.office import HEAVY_RAIN_DB
from tests.crash.sold import Sold, deliver, offer_every_kind
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_terminal_swap import a_swap
from tests.postgres_server import drop_database, new_database
from tests.simulators.hub_nms_process import HubNmsProcess
from tests.simulators.partner_process import PartnerProcess, connected_to, partner_process

LIES = {
    "slots": "UPDATE spectrum_assignment SET state = 'released' WHERE direction = 'forward'",
    "slots at another frequency": "UPDATE spectrum_assignment SET start_hz = start_hz + 1000, stop_hz = stop_hz + 1000"
    " WHERE direction = 'return'",
    "ports": "UPDATE hub_port_assignment SET state = 'released'",
    "another port": "UPDATE hub_port_assignment SET port_number = 7",
    "sites": "UPDATE terminal SET serial_number = serial_number || ' not'",
    "stock": "UPDATE stocked_terminal SET state = 'inStock', order_id = NULL WHERE state = 'issued'",
    "services": "UPDATE service SET state = 'terminated'",
    "service orders": "UPDATE service_order SET state = 'cancelled'",
    "resource orders": "UPDATE resource_order SET state = 'cancelled'",
    "reservations": "UPDATE reservation SET state = 'cancelled'",
    "products": "UPDATE product SET status = 'cancelled'",
    "flows": "UPDATE process_flow SET state = 'active'",
    "orders that did not end": "UPDATE product_order SET state = 'inProgress'",
    "orders undone with everything left": "UPDATE product_order SET state = 'failed'",
    "pool shares": "UPDATE pool_share SET state = 'released'",
    "a share of another rate": "UPDATE pool_share SET cir_bps = cir_bps - 1 WHERE cir_bps > 0",
    "a partner's capacity": "UPDATE partner_capacity SET state = 'released'",
    "another order at the partner": "UPDATE partner_capacity SET partner_order_id = 'another'",
    "another hold at the partner": "UPDATE partner_capacity SET hold_id = 'another'",
    "what the partner charges": "UPDATE partner_capacity SET monthly_cost = jsonb_set(monthly_cost, '{value}', '1')",
    "a day that is billed twice": "UPDATE applied_customer_billing_rate SET period_coverage ="
    " jsonb_set(period_coverage, '{startDateTime}', '\"2026-01-01T00:00:00Z\"') WHERE type = 'recurringCharge'",
    "another amount": "UPDATE applied_customer_billing_rate SET tax_excluded_amount ="
    " jsonb_set(tax_excluded_amount, '{value}', '\"0.99\"')",
    "a bill of nothing": "UPDATE applied_customer_billing_rate one SET bill = (SELECT bill FROM"
    " applied_customer_billing_rate other WHERE other.bill_id <> one.bill_id LIMIT 1)",
    "bills": "UPDATE applied_customer_billing_rate SET product = jsonb_set(product, '{id}', '\"nobody\"')",
}


OF_A_LINK = {"plans": "-plan", "terminals": "-terminal", "carriers": "-forward"}
STRAY: dict[str, dict[str, object]] = {"terminals": {"serial_number": "stray"}, "carriers": {"port": 9}}
OTHER: dict[str, dict[str, object]] = {"plans": {}, "terminals": {"serial_number": "other"}, "carriers": {"port": 9}}


@dataclass(frozen=True)
class Delivered:
    """A database in which one order of each kind is delivered, the token to read it, the hub and the partner."""

    url: str
    headers: dict[str, str]
    operation: Operation
    orders: dict[Sold, str]
    partner: PartnerProcess

    @property
    def hub(self) -> HubNmsProcess:
        return self.operation.hub

    @contextmanager
    def a_copy(self) -> Iterator[Operation]:
        """The same at the same hub, with a database of its own."""
        url = new_database(self.url)
        database = Database(url, connections=4)
        try:
            yield replace(self.operation, database=database)
        finally:
            database.close()
            drop_database(url)

    def disagreements(self, lie: str | None = None) -> list[str]:
        """What is noticed in a copy of the database in which a book lies."""
        with self.a_copy() as operation:
            if lie is not None:
                engine = create_engine(operation.database.url)
                with engine.begin() as connection:
                    assert connection.execute(text(lie)).rowcount > 0
                engine.dispose()
            app = TestClient(create_app(operation.database), headers=self.headers)
            with app as api, self.hub.client() as hub, self.partner.client() as partner:
                return disagreements(api, hub, partner)

    def disagreements_of_change(self, operation: Operation) -> list[str]:
        app = TestClient(create_app(operation.database, operation.driver), headers=self.headers)
        with app as api, self.hub.client() as hub, self.partner.client() as partner:
            return disagreements_of_change(api, hub, partner)


@pytest.fixture(scope="module")
def delivered(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    url = new_database(template)
    database = Database(url, connections=4)
    folder = tmp_path_factory.mktemp("outside")
    with an_operation(database, folder, pools=True) as operation, partner_process(folder) as partner:
        offers = offer_every_kind(operation, partner)
        with connected_to(partner):
            orders = {sold: deliver(operation, offers, sold, 1_000_000) for sold in Sold}
        headers = a_token(database, "administrator")
        database.close()
        yield Delivered(url, headers, operation, orders, partner)
    drop_database(url)


def test_where_all_is_right_nothing_is_found(delivered: Delivered) -> None:
    assert delivered.disagreements() == []


@pytest.mark.parametrize("lie", LIES)
def test_a_book_that_lies_is_noticed(delivered: Delivered, lie: str) -> None:
    assert delivered.disagreements(LIES[lie])


def test_a_hub_that_holds_something_else_is_noticed(delivered: Delivered) -> None:
    with delivered.hub.client() as hub:
        for kind in ("plans", "terminals", "carriers"):
            held = next(one for one in hub.get(f"/v1/{kind}").json()["items"] if one["id"].endswith(OF_A_LINK[kind]))
            body = {name: value for name, value in held.items() if name not in ("id", "revision")}
            other = body | OTHER[kind]
            path = f"/v1/{kind}/{held['id']}"
            (hub.delete(path) if kind == "plans" else hub.put(path, json=other)).raise_for_status()
            assert [one for one in delivered.disagreements() if "hub" in one], kind
            hub.put(path, json=body).raise_for_status()


def test_a_partner_that_holds_more_than_was_ordered_is_noticed(delivered: Delivered) -> None:
    with delivered.partner.client() as partner:
        [held] = partner.get(RESERVATIONS).json()
        again = {"reservationItem": held["reservationItem"]}
        other = partner.post(RESERVATIONS, json=again).raise_for_status().json()
        assert [one for one in delivered.disagreements() if "partner" in one]
        partner.patch(f"{RESERVATIONS}/{other['id']}", json={"state": "cancelled"}).raise_for_status()


def test_where_services_were_changed_and_swapped_and_ended_nothing_is_found(delivered: Delivered) -> None:
    link, access = delivered.orders[Sold.LINK], delivered.orders[Sold.ACCESS]
    with delivered.a_copy() as operation, operation.hub.client() as hub, as_it_was(hub):
        swap = a_swap(operation, link).id
        for done in (swap, change(operation, access, "delete")):
            assert operation.advance(done)[0].state is FlowState.COMPLETED
        faster = change(operation, link, downlinkRateBps=2_000_000)
        assert operation.advance(faster)[0].state is FlowState.COMPLETED
        assert delivered.disagreements_of_change(operation) == []


@contextmanager
def as_it_was(hub: httpx.Client) -> Iterator[None]:
    """At the end of the block the hub has again what it had."""
    before = {kind: held(hub, kind) for kind in HUB_KINDS}
    yield
    for kind, each in before.items():
        for one in each:
            hub.put(f"/v1/{kind}/{one['id']}", json=figures_of(one)).raise_for_status()


def test_a_hub_that_an_undo_left_as_it_was_changed_is_noticed(delivered: Delivered) -> None:
    """Another availability is told by the figures of the carriers alone: they stay where they are, as do the rates."""
    with delivered.a_copy() as operation, operation.hub.client() as hub:
        before = held(hub, "carriers")
        changed = undone_in_the_rain(operation, delivered.orders[Sold.LINK])
        assert delivered.disagreements_of_change(operation) == []
        assert [figures_of(one) for one in held(hub, "carriers")] == [figures_of(one) for one in before]
        for one in changed:  # as if the undo had told the hub nothing
            hub.put(f"/v1/carriers/{one['id']}", json=figures_of(one)).raise_for_status()
            assert [what for what in delivered.disagreements_of_change(operation) if "the hub has" in what]
            [as_it_was] = [figures_of(each) for each in before if each["id"] == one["id"]]
            hub.put(f"/v1/carriers/{one['id']}", json=as_it_was).raise_for_status()


def undone_in_the_rain(operation: Operation, order_id: str) -> list[Body]:
    """Another availability, cancelled when its test has failed; the carriers that the hub was told meanwhile."""
    changing = change(operation, order_id, availabilityPercent=98.0)
    with operation.hub.client() as hub:
        before = held(hub, "carriers")
        [terminal] = [one["id"] for one in held(hub, "terminals") if one["carrier_id"].endswith("-forward")]
        weather = f"/v1/sky/terminals/{terminal}/weather"
        hub.put(weather, json={"fade_db": HEAVY_RAIN_DB}).raise_for_status()
        tasks = operation.advance(changing)[1]
        hub.put(weather, json={"fade_db": 0.0}).raise_for_status()
        assert tasks["accept_test"].state is TaskState.HOLD
        changed = [one for one in held(hub, "carriers") if one not in before]
    assert len(changed) == 2
    with operation.database.as_worker() as session:
        cancel: dict[str, Json] = {"productOrder": {"id": changing}}
        cancel_order(session, from_body(CancelProductOrder, cancel), WORKER)
    assert operation.advance(changing)[0].state is FlowState.CANCELLED
    return changed


def figures_of(carrier: Body) -> Body:
    return {name: value for name, value in carrier.items() if name not in ("id", "revision")}


@pytest.mark.parametrize("kind", ["carriers", "terminals"])
def test_what_a_hub_has_that_no_book_knows_is_noticed(delivered: Delivered, kind: str) -> None:
    """As of an order or a swap whose names at the hub nobody gave it."""
    with delivered.a_copy() as operation, operation.hub.client() as hub:
        one = next(each for each in held(hub, kind) if each["id"].endswith(OF_A_LINK[kind]))
        another = figures_of(one) | STRAY[kind]
        stray = f"/v1/{kind}/{new_id()}{OF_A_LINK[kind]}"
        hub.put(stray, json=another).raise_for_status()
        assert [what for what in delivered.disagreements_of_change(operation) if "belongs to no service" in what]
        hub.delete(stray).raise_for_status()
        assert delivered.disagreements_of_change(operation) == []
