"""Makes what an upgrade meets: orders in flight, stopped in the middle, as a backup and what hub and partner have.

It is run by the release that is to be upgraded from, in a checkout of it, and kept under tests/data:
`python -m tests.hardening.orders_in_flight FOLDER`. That of 0.1.0 was made at the last commit with revision 0001 alone,
which sold links: 200 of them; `revision_0019` at one with revisions to that, which sold, changed and ended every kind.
"""

import json
import lzma
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url, text
from sqlmodel import select

from satcom.core import migration
from satcom.core.postgres_home import programs
from satcom.market.inventory import product_of_order
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.crash.agreement_of_change import action_of
from tests.crash.an_installation import Installation, an_installation
from tests.crash.office import CANCELLATIONS, ENDED, FLOWS, HEAVY_RAIN_DB, ORDERS, SERVICE_ORDERS
from tests.crash.sold import Offers, Sold, deliver, offer_every_kind, sold_as
from tests.market.a_market import as_customer
from tests.simulators.partner_process import PartnerProcess, connected_to

RATE_BPS, ANOTHER_RATE_BPS = 512_000, 768_000
AT_A_SITE, OURS, EACH = (Sold.LINK, Sold.ACCESS), (Sold.LINK, Sold.ACCESS, Sold.LEASE), tuple(Sold)
IN_RAIN, DATED, AT_HUB, CANCELLED, SUPPLIED, ON_THE_AIR, AT_PARTNER, FRESH = 2, 3, 4, 1, 3, 4, 4, 3  # of each kind
DELIVERED = 5  # of each kind, to be changed and ended
BEGINS_LATER = timedelta(hours=5)
RAIN_STARTS = timedelta(minutes=2)
DATABASE, HUB, PARTNER = "database.dump", "hub_nms.sqlite", "partner.sqlite"
UNHEARD = {"action": "order", "kind": "answerLost"}
BEING_CANCELLED = ("assessingCancellation", "pendingCancellation")
Body = dict[str, Any]  # JSON gives any


@dataclass(frozen=True)
class InService:
    """A product that is delivered, and its service."""

    sold: Sold
    product: str
    service: str


class Customers:
    """They order over HTTP, and look how far it is."""

    def __init__(self, installation: Installation, offers: Offers) -> None:
        self.offers = offers
        self.api = httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False)

    def order(self, number: int, kinds: Collection[Sold], starts: timedelta | None = None) -> list[str]:
        """Place so many of each kind at once; their ids."""
        bodies = [self.offers.order_body(sold, RATE_BPS) for sold in kinds for _ in range(number)]
        return self.place([body | in_a_while("requestedStartDate", starts) for body in bodies])

    def change(self, products: Iterable[InService], starts: timedelta | None = None) -> list[str]:
        """Each at another rate; the ids of the orders."""
        bodies = []
        for one in products:
            name = "bandwidthHz" if one.sold is Sold.LEASE else "downlinkRateBps"
            wanted = {"productCharacteristic": [{"name": name, "value": ANOTHER_RATE_BPS}]}
            bodies.append(self.body_for(one, "modify", wanted) | in_a_while("requestedStartDate", starts))
        return self.place(bodies)

    def end(self, products: Iterable[InService], ends: timedelta) -> list[str]:
        """Notice is given for each; the ids of the orders."""
        last_day = in_a_while("requestedCompletionDate", ends)
        return self.place([self.body_for(one, "delete", {}) | last_day for one in products])

    def body_for(self, one: InService, action: str, wanted: Body) -> Body:
        item = {"id": "1", "action": action, "product": {"id": one.product, **wanted}}
        return {"relatedParty": [as_customer(self.offers.market.party)], "productOrderItem": [item]}

    def place(self, bodies: list[Body]) -> list[str]:
        def placed(body: Body) -> str:
            answer = self.api.post(ORDERS, json=body)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(placed, bodies))

    def cancel(self, orders: Iterable[str]) -> None:
        for order_id in orders:
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
        return str(found[0]["state"]) if found else ""

    def listed(self, path: str, **filters: str) -> list[Body]:
        rows: list[Body] = self.api.get(path, params={"limit": "1000", **filters}).raise_for_status().json()
        return rows

    def services_of(self, orders: Iterable[str]) -> list[str]:
        placed = [self.listed(SERVICE_ORDERS, externalId=order)[0] for order in orders]
        return [str(one["serviceOrderItem"][0]["service"]["id"]) for one in placed]


def in_a_while(name: str, then: timedelta | None) -> Body:
    return {} if then is None else {name: (datetime.now(UTC) + then).isoformat()}


def by_kind(orders: list[Body], ids: Collection[str]) -> Counter[str]:
    """How many of these do what to which kind of service."""
    kinds = kinds_of(orders)
    return Counter(f"{action_of(one)} {kinds[one['id']].name}" for one in orders if one["id"] in ids)


def kinds_of(orders: list[Body]) -> dict[str, Sold]:
    """The kind of each order. One that ends a product asks for nothing: it is of the kind of that product."""
    asked = {one["id"]: sold_as(one) for one in orders if action_of(one) == "add"}
    of_product = {product_of(one): asked[one["id"]] for one in orders if one["id"] in asked}
    return {one["id"]: asked.get(one["id"]) or of_product[product_of(one)] for one in orders}


def product_of(order: Body) -> str | None:
    found: str | None = order["productOrderItem"][0]["product"].get("id")
    return found


def in_service(installation: Installation, offers: Offers) -> dict[Sold, list[InService]]:
    """Products of each kind, delivered."""
    operation, found = installation.operation, {}
    with connected_to(installation.partner):
        for sold in EACH:
            ids = [deliver(operation, offers, sold, RATE_BPS) for _ in range(DELIVERED)]
            with operation.database.as_worker() as session:
                products = [one for order in ids if (one := product_of_order(session, order)) is not None]
                found[sold] = [InService(sold, one.id, one.realizing_service[0].id) for one in products]
    return found


def bring_into_flight(installation: Installation, customers: Customers, delivered: dict[Sold, list[InService]]) -> None:
    """Some wait, for a person, a day, a terminal, the hub or a partner; some are undone; some have hardly begun."""
    hub, partner = installation.operation.hub, installation.partner
    changed = [delivered[sold].pop() for sold in OURS]
    with hub.client() as sky:
        wait_for_a_person(customers, changed, sky)
    dated = customers.order(DATED, EACH, BEGINS_LATER)
    to_come = customers.change([delivered[sold].pop() for sold in EACH], BEGINS_LATER)
    customers.wait_for(dated + to_come, "start_date_is_here", "active")
    customers.wait_for(dated[: DATED * len(AT_A_SITE)], "terminal_is_here", "completed")
    ending = customers.end([delivered[sold].pop() for sold in EACH], BEGINS_LATER)
    customers.wait_for(ending, "last_day_is_here", "active")
    on_the_air = customers.order(ON_THE_AIR, [Sold.LEASE])
    customers.wait_for(on_the_air, "access_is_tested", "active")
    wait_for_the_partner(customers, delivered[Sold.PARTNER], partner)
    # what it was told it has done, but nobody heard it; soon it will be away altogether
    hub.set_faults({"kind": "effect_done_answer_lost", "method": "PUT", "path": "/v1/terminals/*"})
    at_hub = customers.order(AT_HUB, AT_A_SITE)
    changing = customers.change([delivered[sold].pop() for sold in AT_A_SITE for _ in range(2)])
    customers.wait_for(at_hub, "configure_hub", "active")
    customers.wait_for(changing, "reconfigure_hub", "active")
    hub.kill()
    customers.cancel([*at_hub[:CANCELLED], *at_hub[-CANCELLED:], changing[0], changing[-1]])
    empty_the_shelves(installation)
    supplied = customers.order(SUPPLIED, AT_A_SITE)
    customers.wait_for(supplied, "terminal_is_here", "active")
    customers.order(FRESH, EACH)


def wait_for_a_person(customers: Customers, changed: list[InService], sky: httpx.Client) -> None:
    """Links fail their tests in the rain; the NOC is to see that the carriers of a lease are moved."""
    rained_on = customers.order(IN_RAIN, AT_A_SITE, RAIN_STARTS)
    customers.wait_for(rained_on, "order_the_network", "completed")
    for service in [*customers.services_of(rained_on), *(one.service for one in changed if one.sold in AT_A_SITE)]:
        sky.put(f"/v1/sky/terminals/{service}-terminal/weather", json={"fade_db": HEAVY_RAIN_DB}).raise_for_status()
    link, access, lease = customers.change(changed)
    customers.wait_for([*rained_on, link, access], "accept_test", "hold")
    customers.wait_for([lease], "carriers_are_moved", "active")


def wait_for_the_partner(customers: Customers, delivered: list[InService], partner: PartnerProcess) -> None:
    """He takes his time; does not hear that an order is cancelled; and is not heard when he has taken one."""
    partner.set_faults(UNHEARD)
    changing = customers.change([delivered.pop(), delivered.pop()])
    customers.wait_for(changing, "order_at_partner", "active")
    partner.set_world(delivery_s=1e7)  # from now on, that is: what he had delivered he would not change
    partner.set_faults()
    awaited = customers.order(AT_PARTNER, [Sold.PARTNER])
    customers.wait_for(awaited + changing, "partner_delivers", "active")
    partner.set_faults({"action": "cancel", "kind": "down"}, UNHEARD)
    customers.cancel([*awaited[:CANCELLED], changing[0]])
    unheard = customers.order(AT_PARTNER, [Sold.PARTNER])
    customers.wait_for(unheard, "order_at_partner", "active")


def empty_the_shelves(installation: Installation) -> None:
    """Whoever orders now waits for a terminal that is bought."""
    with installation.operation.database.as_worker() as session:
        for one in session.exec(select(StockedTerminal).where(StockedTerminal.state == StockState.IN_STOCK)):
            session.delete(one)


def keep(installation: Installation, offers: Offers, orders: list[Body], folder: Path) -> None:
    """A backup of the database, what the hub and the partner remember, and when that was."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as private:
        dump = Path(private, DATABASE)
        # not compressed row by row: what many rows have in common is then kept once
        url = make_url(installation.operation.database.url)
        known = url.translate_connect_args(username="user", database="dbname") | dict(url.query)
        command: list[str | Path] = [programs() / "pg_dump", "--format=custom", "--compress=0", "--file", dump]
        subprocess.run([*command, "--dbname", make_conninfo("", **known)], check=True)
        remembered = (installation.operation.hub.state_dir / HUB, installation.partner.state_dir / PARTNER)
        for one in remembered:
            with closing(sqlite3.connect(one)) as store:
                store.execute("VACUUM INTO ?", [str(Path(private, one.name))])
        for one in (dump, *(Path(private, each.name) for each in remembered)):
            (folder / f"{one.name}.xz").write_bytes(lzma.compress(one.read_bytes(), preset=9))
    with installation.operation.database.as_worker() as session:
        rows = session.connection().execute(
            text("SELECT task_flow_specification, kind, state, undo_state, count(*) FROM task_flow GROUP BY 1, 2, 3, 4")
        )
        tasks = [[str(one) for one in row] for row in rows]
    about = {
        "at": datetime.now(UTC).isoformat(),
        "revision": migration.current(installation.operation.database.url),
        "orders": by_kind(orders, {one["id"] for one in orders if one["state"] not in ENDED}),
        "cancelled": sum(one["state"] in BEING_CANCELLED for one in orders),
        "partner": installation.partner.url,
        "market": vars(installation.operation.market),
        "offers": {sold.name: offers.of_kind[sold] for sold in EACH},
        "tasks": sorted(tasks),
    }
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    in_stock = len(AT_A_SITE) * (DELIVERED + IN_RAIN + DATED + AT_HUB)
    with (
        tempfile.TemporaryDirectory(prefix="satcom-in-flight-") as logs,
        an_installation(Path(logs), in_stock=in_stock, server_works=False, every_kind=True) as installation,
    ):
        offers = offer_every_kind(installation.operation, installation.partner)
        delivered = in_service(installation, offers)
        with installation.watched_over():
            installation.wait_until_served()
            customers = Customers(installation, offers)
            bring_into_flight(installation, customers, delivered)
            orders = customers.listed(ORDERS)
        keep(installation, offers, orders, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
