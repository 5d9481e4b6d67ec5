"""The comparison of the books: each book that lies is noticed."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from satcom.app.http import create_app
from satcom.core.database import Database
from tests.crash.agreement import disagreements
from tests.crash.at_the_partner import RESERVATIONS
from tests.crash.sold import Sold, deliver, offer_every_kind
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation
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
OTHER: dict[str, dict[str, object]] = {"plans": {}, "terminals": {"serial_number": "other"}, "carriers": {"port": 9}}


@dataclass(frozen=True)
class Delivered:
    """A database in which one order of each kind is delivered, the token to read it, the hub and the partner."""

    url: str
    headers: dict[str, str]
    hub: HubNmsProcess
    partner: PartnerProcess

    def disagreements(self, lie: str | None = None) -> list[str]:
        """What is noticed in a copy of the database in which a book lies."""
        url = new_database(self.url)
        if lie is not None:
            engine = create_engine(url)
            with engine.begin() as connection:
                assert connection.execute(text(lie)).rowcount > 0
            engine.dispose()
        database = Database(url, connections=2)
        app = TestClient(create_app(database), headers=self.headers)
        with app as api, self.hub.client() as hub, self.partner.client() as partner:
            found = disagreements(api, hub, partner)
        database.close()
        drop_database(url)
        return found


@pytest.fixture(scope="module")
def delivered(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    url = new_database(template)
    database = Database(url, connections=4)
    folder = tmp_path_factory.mktemp("outside")
    with an_operation(database, folder, pools=True) as operation, partner_process(folder) as partner:
        offers = offer_every_kind(operation, partner)
        with connected_to(partner):
            for sold in Sold:
                deliver(operation, offers, sold, 1_000_000)
        headers = a_token(database, "administrator")
        database.close()
        yield Delivered(url, headers, operation.hub, partner)
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
