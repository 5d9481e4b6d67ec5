"""Makes what an upgrade meets: 200 orders in flight, stopped in the middle, as a backup with the state of their hub.

It is run by the release that is to be upgraded from, in a checkout of it, and kept under tests/data:
`python -m tests.hardening.orders_in_flight FOLDER`. That of 0.1.0 was made at the last commit with revision 0001 alone.
"""

import json
import lzma
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url, text

from satcom.core.postgres_home import programs
from satcom.core.values import Json
from tests.crash.an_installation import Installation, an_installation
from tests.crash.office import CANCELLATIONS, FLOWS, HEAVY_RAIN_DB, ORDERS, SERVICE_ORDERS
from tests.market.a_market import an_order_body

RATES: dict[str, Json] = {"downlinkRateBps": 512_000, "uplinkRateBps": 256_000}
IN_RAIN, DATED, AT_HUB, CANCELLED, SUPPLIED, FRESH = 20, 40, 40, 15, 60, 40
BEGINS_LATER = timedelta(hours=5)
RAIN_STARTS = timedelta(seconds=20)
DATABASE, HUB = "database.dump", "hub_nms.sqlite"
Body = dict[str, Any]  # JSON gives any


class Customers:
    """They order over HTTP, and look how far it is."""

    def __init__(self, installation: Installation) -> None:
        self.market = installation.operation.market
        self.api = httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False)

    def order(self, number: int, starts: timedelta | None = None) -> list[str]:
        """Place so many at once; their ids."""
        body = an_order_body(self.market, **RATES)
        if starts is not None:
            body["requestedStartDate"] = (datetime.now(UTC) + starts).isoformat()

        def place(_: int) -> str:
            answer = self.api.post(ORDERS, json=body).raise_for_status()
            return str(answer.json()["id"])

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(place, range(number)))

    def cancel(self, order_id: str) -> None:
        body = {"productOrder": {"id": order_id}, "cancellationReason": "no longer wanted"}
        self.api.post(CANCELLATIONS, json=body).raise_for_status()

    def wait_for(self, orders: list[str], task: str, state: str, within_s: float = 600) -> None:
        """Until the task of all these orders is in this state."""
        give_up = time.monotonic() + within_s
        flows = {one["relatedEntity"][0]["id"]: one["id"] for one in self.listed(FLOWS)}
        left = [flows[one] for one in orders]
        while left:
            assert time.monotonic() < give_up, f"{len(left)} of {len(orders)} are not in {task} {state}"
            left = [one for one in left if self.state_of(one, task) != state]
            time.sleep(0.2)

    def state_of(self, flow: str, task: str) -> str:
        found = self.listed(f"{FLOWS}/{flow}/taskFlow", taskFlowSpecification=task)
        return str(found[0]["state"])

    def listed(self, path: str, **filters: str) -> list[Body]:
        rows: list[Body] = self.api.get(path, params={"limit": "1000", **filters}).raise_for_status().json()
        return rows

    def rain_on(self, orders: list[str], hub: httpx.Client) -> None:
        """The test of these orders' links will fail."""
        for order in orders:
            service = self.listed(SERVICE_ORDERS, externalId=order)[0]["serviceOrderItem"][0]["service"]["id"]
            where = f"/v1/sky/terminals/{service}-terminal/weather"
            hub.put(where, json={"fade_db": HEAVY_RAIN_DB}).raise_for_status()


def bring_into_flight(installation: Installation, customers: Customers) -> None:
    """Some wait for a person, a day, a terminal or the hub; some are being undone; some have hardly begun."""
    rained_on = customers.order(IN_RAIN, RAIN_STARTS)
    customers.wait_for(rained_on, "order_the_network", "completed")
    with installation.operation.hub.client() as hub:
        customers.rain_on(rained_on, hub)
    customers.wait_for(rained_on, "accept_test", "hold")
    dated = customers.order(DATED, BEGINS_LATER)
    customers.wait_for(dated, "start_date_is_here", "active")
    customers.wait_for(dated, "terminal_is_here", "completed")
    # what it was told it has done, but nobody heard it; soon it will be away altogether
    lost = {"kind": "effect_done_answer_lost", "method": "PUT", "path": "/v1/terminals/*"}
    installation.operation.hub.set_faults(lost)
    at_hub = customers.order(AT_HUB)
    customers.wait_for(at_hub, "configure_hub", "active")
    installation.operation.hub.kill()
    for order in at_hub[-CANCELLED:]:
        customers.cancel(order)
    supplied = customers.order(SUPPLIED)
    customers.wait_for(supplied, "terminal_is_here", "active")
    customers.order(FRESH)


def keep(installation: Installation, folder: Path) -> None:
    """A backup of the database, what the hub remembers, and when that was."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as private:
        dump, hub = Path(private, DATABASE), Path(private, HUB)
        # not compressed row by row: what many rows have in common is then kept once
        url = make_url(installation.operation.database.url)
        known = url.translate_connect_args(username="user", database="dbname") | dict(url.query)
        command: list[str | Path] = [programs() / "pg_dump", "--format=custom", "--compress=0", "--file", dump]
        subprocess.run([*command, "--dbname", make_conninfo("", **known)], check=True)
        with closing(sqlite3.connect(installation.operation.hub.state_dir / HUB)) as store:
            store.execute("VACUUM INTO ?", [str(hub)])
        for one in (dump, hub):
            (folder / f"{one.name}.xz").write_bytes(lzma.compress(one.read_bytes(), preset=9))
    with installation.operation.database.as_worker() as session:
        rows = session.connection().execute(
            text("SELECT task_flow_specification, kind, state, undo_state, count(*) FROM task_flow GROUP BY 1, 2, 3, 4")
        )
        tasks = [[str(one) for one in row] for row in rows]
    market = vars(installation.operation.market)
    about = {"at": datetime.now(UTC).isoformat(), "market": market, "tasks": sorted(tasks)}
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    in_stock = IN_RAIN + DATED + AT_HUB
    with (
        tempfile.TemporaryDirectory(prefix="satcom-in-flight-") as logs,
        an_installation(Path(logs), in_stock=in_stock, server_works=False) as installation,
    ):
        with installation.watched_over():
            installation.wait_until_served()
            bring_into_flight(installation, Customers(installation))
        keep(installation, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
