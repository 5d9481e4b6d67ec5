"""The separate check of a delivered order: it finds nothing broken, and each link that is broken."""

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from satcom.app.delivery_check import broken_links
from satcom.app.http import create_app
from satcom.core.database import Database
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.the_other_kinds import a_lease_ordered, an_access_ordered, record_the_test

IN_DATABASE = {
    "the order": ("product_order", "state", "'failed'"),
    "the product": ("product", "status", "'terminated'"),
    "the price of the product": ("product", "product_price", "'[]'"),
    "the order of the product": ("product", "product_order_item", "'[]'"),
    "the service of the product": ("product", "realizing_service", "'[]'"),
    "the service": ("service", "state", "'inactive'"),
    "the path": ("service_path", "stop_at", "start_at + interval '1 second'"),
    "the test": ("service_test", "state", "'failed'"),
    "the service order": ("service_order", "state", "'inProgress'"),
    "the resource order": ("resource_order", "state", "'inProgress'"),
    "the slot": ("spectrum_assignment WHERE direction = 'return'", "state", "'released'"),
    "where the slot lies": ("spectrum_assignment WHERE direction = 'return'", "stop_hz", "stop_hz + 5000"),
    "how wide the slot is": ("spectrum_assignment WHERE direction = 'forward'", "stop_hz", "start_hz + 10"),
    "whose the slot is": ("spectrum_assignment WHERE direction = 'forward'", "order_id", "gen_random_uuid()"),
    "the hub port": ("hub_port_assignment", "port_number", "7"),
    "the terminal at the site": ("terminal", "serial_number", "'another'"),
    "the state of the terminal": ("terminal", "state", "'installed'"),
    "the terminal in stock": ("stocked_terminal WHERE state = 'issued'", "state", "'inStock'"),
    "the bill": ("customer_bill", "state", "'onHold'"),
    "the amount due": ("customer_bill", "amount_due", """'{"unit": "USD", "value": "1.00"}'"""),
    "the account of the bill": ("customer_bill", "billing_account", """'{"id": "another"}'"""),
    "a line of the bill": (
        "applied_customer_billing_rate WHERE line = 0",
        "tax_excluded_amount",
        """'{"unit": "USD", "value": "1.00"}'""",
    ),
}


def test_a_broken_link_anywhere_is_found(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, operation.hub.client() as hub:
        order_id = operation.order()
        operation.advance(order_id)
        _every_break_is_found(operation, hub, order_id, IN_DATABASE)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("carriers", {"downlink_center_hz": 1_000}),
        pytest.param("carriers", {"symbol_rate_baud": 90_000}, marks=pytest.mark.at_length),
        ("plans", {"forward_cir_bps": -1_000_000}),
    ],
)
def test_a_hub_that_holds_something_else_is_found(
    database: Database, tmp_path: Path, kind: str, change: dict[str, int]
) -> None:
    with an_operation(database, tmp_path) as operation, operation.hub.client() as hub:
        order_id = operation.order()
        operation.advance(order_id)
        api = TestClient(create_app(database), headers=a_token(database, "administrator"))
        held = hub.get(f"/v1/{kind}").json()["items"][0]
        name = held.pop("id")
        del held["revision"]
        for field, by in change.items():
            held[field] += by
        headers = {"Idempotency-Key": "somebody at the hub"}
        hub.put(f"/v1/{kind}/{name}", json=held, headers=headers).raise_for_status()
        assert broken_links(api, hub, order_id) != []


OF_A_SHARE = {
    "whose the share is": ("pool_share", "order_id", "gen_random_uuid()"),
    "the share": ("pool_share", "state", "'released'"),
    "the rates of the share": ("pool_share", "mir_bps", "mir_bps + 1"),
    "the committed rate of the share": ("pool_share", "cir_bps", "cir_bps - 1"),
}
OF_A_LEASE = {
    "whose the slot is": ("spectrum_assignment WHERE order_id IS NOT NULL", "order_id", "gen_random_uuid()"),
    "the slot": ("spectrum_assignment WHERE order_id IS NOT NULL", "state", "'released'"),
    "how wide the slot is": ("spectrum_assignment WHERE order_id IS NOT NULL", "stop_hz", "start_hz + 10"),
    "where the slot lies": ("spectrum_assignment WHERE order_id IS NOT NULL", "stop_hz", "stop_hz + 5000"),
    "what the customer was told": ("service", "service_characteristic", "'[]'"),
}


def test_a_broken_link_of_an_access_over_shared_carriers_is_found(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, pools=True) as operation, operation.hub.client() as hub:
        order_id = an_access_ordered(operation)
        operation.advance(order_id)
        _every_break_is_found(operation, hub, order_id, OF_A_SHARE)


def test_a_broken_link_of_a_lease_is_found(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation, operation.hub.client() as hub:
        order_id = a_lease_ordered(operation)
        operation.advance(order_id)
        record_the_test(operation, order_id)
        operation.advance(order_id)
        _every_break_is_found(operation, hub, order_id, OF_A_LEASE)


def _every_break_is_found(
    operation: Operation, hub: httpx.Client, order_id: str, breaks: dict[str, tuple[str, str, str]]
) -> None:
    api = TestClient(create_app(operation.database), headers=a_token(operation.database, "administrator"))
    assert broken_links(api, hub, order_id) == []
    assert [name for name, one in breaks.items() if not _found(operation, api, hub, order_id, one)] == []
    assert broken_links(api, hub, order_id) == []


def _found(
    operation: Operation, api: httpx.Client, hub: httpx.Client, order_id: str, broken_so: tuple[str, str, str]
) -> bool:
    """Break one thing behind everybody's back, look, and mend it."""
    target, column, value = broken_so
    table, _, where = target.partition(" WHERE ")
    with operation.database.as_worker() as session:
        connection = session.connection()
        kept = connection.execute(text(f"SELECT id, {column}::text FROM {table} WHERE {where or 'true'}")).all()
        connection.execute(text(f"UPDATE {table} SET {column} = {value} WHERE {where or 'true'}"))
    broken = broken_links(api, hub, order_id)
    with operation.database.as_worker() as session:
        kinds = text(
            "SELECT udt_name FROM information_schema.columns WHERE table_name = :table AND column_name = :column"
        )
        kind = session.connection().execute(kinds, {"table": table, "column": column}).scalar_one()
        for identifier, old in kept:
            mend = text(f"UPDATE {table} SET {column} = CAST(:old AS {kind}) WHERE id = :id")
            session.connection().execute(mend, {"old": old, "id": identifier})
    return bool(broken)
