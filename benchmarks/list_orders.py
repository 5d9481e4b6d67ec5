"""A page of 100 orders out of 100,000 over HTTP: requests in a second, the 99th percentile, and SQL statements.

A third of them is for links, a third for accesses over shared carriers, a third for leases. Asked for by the operator's
staff and by a customer, who is behind the one filter in the code and row-level security; by one client, and by several
at once. Statements are counted on the way to the database, in the same program.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import typer
from benchmarks.measured import Row, Table, a_server, load, median_ms, percentile_ms, postgres_version, publish
from benchmarks.served import client, served
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, text
from sqlmodel import Session

from satcom.app.http import create_app
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.ordering import ProductOrder, place_order
from tests.market.a_market import Market, a_market, a_token, an_order
from tests.orchestration.operations.the_other_kinds import ACCESS, a_lease_offered, an_access_offered, order_body

NAME, PAGE, CLIENTS = "list_orders", 100, 4
ASKED = {
    "the first page": "",
    "the last page": "&offset={last}",
    "newest first": "&sort=-orderDate",
    "in one state": "&state=held",
    "one attribute": "&fields=state",
}
# Kinds take turns; a third of each is the customer's. Ids in the order of creation, as they are made.
_COPIES = """
INSERT INTO product_order ({columns})
SELECT {values} FROM product_order one, generate_series(1, {count}) number
WHERE one.id = (CAST(:templates AS uuid[]))[number % {kinds} + 1]
"""


def fill(database: Database, count: int) -> dict[str, dict[str, str]]:
    """So many orders; the headers of who may ask."""
    with database.as_worker() as session:
        market = a_market(session)
        templates = [an_order(session, market).id, *(_placed(session, market, *one) for one in _others(session))]
    names = [column.name for column in ProductOrder.__table__.columns]  # type: ignore[attr-defined]
    other = {
        "id": "('01900000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid",
        "reference": "'PO-2025-' || lpad(number::text, 6, '0')",
        "party_id": f"CASE WHEN number / {len(templates)} % 3 = 0"
        f" THEN '{market.party}'::uuid ELSE '{market.other_party}'::uuid END",
        "state": "CASE WHEN number % 10 = 0 THEN 'held' ELSE 'completed' END",
        "order_date": "one.order_date - number * interval '1 minute'",
    }
    values = ", ".join(other.get(name, f"one.{name}") for name in names)
    with create_engine(database.url).begin() as connection:
        filled = _COPIES.format(columns=", ".join(names), values=values, count=count, kinds=len(templates))
        connection.execute(text(filled), {"templates": templates})
        connection.execute(text("ANALYZE product_order"))
    return {"staff": a_token(database, "sales"), "customer": a_token(database, "customer", market.party)}


def _others(session: Session) -> list[tuple[str, dict[str, Json]]]:
    return [(an_access_offered(session), ACCESS), (a_lease_offered(session), {"bandwidthHz": 5_000_000})]


def _placed(session: Session, market: Market, offering: str, values: dict[str, Json]) -> str:
    return place_order(session, from_body(ProductOrder, order_body(market, offering, **values)), WORKER).id


def taken_s(address: str, headers: dict[str, str], query: str, requests: int) -> list[float]:
    """One client, one request after the other."""
    found = []
    with client(address, headers) as http:
        for _ in range(requests):
            began = time.perf_counter()
            response = http.get(f"{ProductOrder.api.path}?limit={PAGE}{query}")
            found.append(time.perf_counter() - began)
            response.raise_for_status()
    return found


def together(address: str, headers: dict[str, str], query: str, requests: int) -> tuple[float, list[float]]:
    """Several clients at once: requests in a second, and what each took."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        one = partial(taken_s, address, headers, query)
        parts = list(pool.map(one, [max(requests // CLIENTS, 1)] * CLIENTS))
    found = [one for part in parts for one in part]
    return len(found) / (time.perf_counter() - began), found


def statements(database: Database, headers: dict[str, str], query: str) -> int:
    """How many SQL statements one request makes, transaction control apart."""
    seen: list[str] = []

    def count(*told: object) -> None:
        seen.append(str(told[2]))

    event.listen(database.app, "before_cursor_execute", count)
    with TestClient(create_app(database)) as http:
        http.get(f"{ProductOrder.api.path}?limit={PAGE}{query}", headers=headers).raise_for_status()
    event.remove(database.app, "before_cursor_execute", count)
    return len(seen)


def measured(database: Database, orders: int, requests: int) -> list[Row]:
    headers = fill(database, orders)
    rows: list[Row] = []
    with served(database.url) as address:
        for who, mine in headers.items():
            for what, form in ASKED.items():
                most = orders if who == "staff" else orders // 3
                query = form.format(last=max(most - PAGE, 0))
                taken_s(address, mine, query, 5)
                alone = taken_s(address, mine, query, requests)
                per_second, crowded = together(address, mine, query, requests)
                in_sql = statements(database, mine, query)
                rows.append(
                    (
                        f"{who}, {what}",
                        median_ms(alone),
                        percentile_ms(alone, 99),
                        per_second,
                        percentile_ms(crowded, 99),
                        in_sql,
                    )
                )
    return rows


def main(orders: int = 100_000, requests: int = 200, write: bool = False) -> None:
    began = load()
    with a_server() as url:
        database = Database(url, 4)
        rows = measured(database, orders, requests)
        server = postgres_version(url)
        database.close()
    columns = (
        "asked",
        "one client, median, ms",
        "99th percentile, ms",
        f"{CLIENTS} clients, requests/s",
        "99th percentile, ms",
        "SQL statements",
    )
    table = Table(
        f"{PAGE} of {orders:,} orders",
        columns,
        rows,
        f"{requests} requests each; a third of the orders of each kind of service.",
    )
    command = f"python -m benchmarks.list_orders --orders {orders} --requests {requests}"
    publish(NAME, command, f"{server}; {began}", [table], write)


if __name__ == "__main__":
    typer.run(main)
