"""Whether all books tell the same: orders, flows, products, bills, services, spectrum, ports, pools, stock, the hub.

What a partner has of us is `at_the_partner`.

Everything is read over HTTP. One order in service has exactly one of each; one that was undone has left nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.crash.at_the_partner import PartnersBooks
from tests.crash.billed import billed_amiss
from tests.crash.sold import Sold, sold_as

Body = dict[str, Any]  # JSON gives any
PATHS = {
    "orders": "/tmf-api/productOrderingManagement/v4/productOrder",
    "flows": "/tmf-api/processFlowManagement/v4/processFlow",
    "products": "/tmf-api/productInventory/v4/product",
    "bills": "/tmf-api/customerBillManagement/v4/customerBill",
    "rates": "/tmf-api/customerBillManagement/v4/appliedCustomerBillingRate",
    "service_orders": "/tmf-api/serviceOrdering/v4/serviceOrder",
    "services": "/tmf-api/serviceInventory/v4/service",
    "resource_orders": "/tmf-api/resourceOrderingManagement/v4/resourceOrder",
    "reservations": "/tmf-api/resourcePoolManagement/v4/reservation",
    "terminals": "/satcom-api/supplyChain/v1/stockedTerminal",
    "purchases": "/satcom-api/supplyChain/v1/purchaseOrder",
    "capacities": "/satcom-api/supplyChain/v1/partnerCapacity",
}
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
KINDS = {
    "slots": "SpectrumAssignment",
    "ports": "HubPortAssignment",
    "shares": "PoolShare",
    "passages": "ConstellationShare",
    "sites": "Terminal",
    "pools": "CarrierPool",
}
HUB_KINDS = ("carriers", "terminals", "plans")
OF_EVERY_KIND = {
    ("flows", "completed"): 1,
    ("products", "active"): 1,
    ("services", "active"): 1,
    ("service_orders", "completed"): 1,
}
OF_OURS = OF_EVERY_KIND | {("resource_orders", "completed"): 1, ("reservations", "completed"): 1}
AT_A_SITE = OF_OURS | {("sites", "inService"): 1, ("terminals", "issued"): 1}
TAKEN = {
    Sold.LINK: AT_A_SITE | {("slots", "assigned"): 2, ("ports", "assigned"): 1},
    Sold.ACCESS: AT_A_SITE | {("shares", "assigned"): 2},
    Sold.LEASE: OF_OURS | {("slots", "assigned"): 1},
    Sold.PARTNER: OF_EVERY_KIND | {("capacities", "delivered"): 1},
}
ASSIGNED = ("slots", "ports", "shares", "passages", "sites", "terminals", "reservations", "resource_orders")
DELIVERED, UNDONE = "completed", ("cancelled", "rejected", "failed")


@dataclass
class Books:
    """What each inventory says, by the id of the product order."""

    orders: dict[str, Body]
    by_order: dict[str, dict[str, list[Body]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    rows: dict[str, list[Body]] = field(default_factory=dict)
    hub: dict[str, dict[str, Body]] = field(default_factory=dict)

    def of(self, order_id: str, kind: str, *states: str) -> list[Body]:
        """The entries of `kind` that belong to the order and are in one of `states`."""
        return [one for one in self.by_order[order_id][kind] if state_of(one) in states]


def state_of(one: Body) -> str:
    return str(one.get("state") or one.get("status"))


def flat(resource: Body) -> Body:
    """A resource with its characteristics as attributes."""
    return resource | {one["name"]: one["value"] for one in resource.get("resourceCharacteristic", [])}


def disagreements(api: httpx.Client, hub: httpx.Client, partner: httpx.Client | None = None) -> list[str]:
    """Every place where two books differ, an order that did not end, and every effect that the hub had twice."""
    books = read_books(api, hub)
    at_partner = PartnersBooks([], []) if partner is None else PartnersBooks.read(partner)
    found = [
        f"{order['reference']} ({order['state']}): {what}"
        for order in books.orders.values()
        for what in (in_service(books, order) if order["state"] == DELIVERED else undone(books, order))
    ]
    return [*found, *nobodys(books), *at_partner.against(books.rows["capacities"]), *effects_twice(hub)]


def read_books(api: httpx.Client, hub: httpx.Client) -> Books:
    rows = {name: listed(api, path) for name, path in PATHS.items()}
    for name, kind in KINDS.items():
        rows[name] = [flat(one) for one in listed(api, RESOURCES, {"@type": kind})]
    books = Books({one["id"]: one for one in rows["orders"]}, rows=rows)
    order_of_product = {one["id"]: one["productOrderItem"][0]["productOrderId"] for one in rows["products"]}
    order_of_service = {
        one["serviceOrderItem"][0]["service"]["id"]: one["externalId"] for one in rows["service_orders"]
    }
    parts = [*rows["slots"], *rows["shares"], *rows["passages"]]
    order_of_reservation = {one["reservationId"]: one["orderId"] for one in parts if "reservationId" in one}
    order_of: dict[str, Callable[[Body], str | None]] = {
        "flows": lambda one: one["relatedEntity"][0]["id"],
        "products": lambda one: order_of_product[one["id"]],
        "rates": lambda one: order_of_product.get(one["product"]["id"]),
        "service_orders": lambda one: one["externalId"],
        "resource_orders": lambda one: one["externalId"],
        "services": lambda one: order_of_service.get(one["id"]),
        "reservations": lambda one: order_of_reservation.get(one["id"]),
    }
    for name, entries in rows.items():
        for one in entries:
            owner = order_of[name](one) if name in order_of else one.get("orderId")
            books.by_order[owner or "nobody"][name].append(one)
    books.hub = {kind: {one["id"]: one for one in held(hub, kind)} for kind in HUB_KINDS}
    return books


def listed(api: httpx.Client, path: str, params: dict[str, str] | None = None) -> list[Body]:
    """All pages."""
    rows: list[Body] = []
    while True:
        answer = api.get(path, params={"limit": "1000", "offset": str(len(rows)), "sort": "id", **(params or {})})
        answer.raise_for_status()
        rows += answer.json()
        if len(rows) >= int(answer.headers["X-Total-Count"]):
            return rows


def held(hub: httpx.Client, kind: str) -> list[Body]:
    """All that the hub has of a kind."""
    rows: list[Body] = []
    while True:
        page = hub.get(f"/v1/{kind}", params={"after": rows[-1]["id"] if rows else ""}).raise_for_status().json()
        rows += page["items"]
        if page["next"] is None:
            return rows


def in_service(books: Books, order: Body) -> Iterator[str]:
    """What is wrong with an order that is said to be delivered."""
    me, sold = order["id"], sold_as(order)
    expected = TAKEN[sold] | {(kind, ""): 0 for kind in ASSIGNED if kind not in {named for named, _ in TAKEN[sold]}}
    wrong = []
    for (kind, state), number in expected.items():
        if len(books.of(me, kind, state)) != number or len(books.by_order[me][kind]) != number:
            wrong.append(
                f"{kind}: {[state_of(one) for one in books.by_order[me][kind]]}, not {number} {state}".rstrip()
            )
    if wrong:
        yield from wrong
        return
    yield from billed_amiss(books.of(me, "products", "active")[0], books.by_order[me]["rates"])
    if sold in (Sold.LINK, Sold.ACCESS):
        yield from at_the_site(books, me, sold)


def at_the_site(books: Books, me: str, sold: Sold) -> Iterator[str]:
    """The terminal in the stock, on the way, at the site and in the hub."""
    terminal, site = books.of(me, "terminals", "issued")[0], books.of(me, "sites", "inService")[0]
    if terminal["serialNumber"] != site["serialNumber"]:
        yield f"terminal {terminal['serialNumber']} was issued, {site['serialNumber']} stands at the site"
    bought = books.by_order[me]["purchases"]
    if [state_of(one) for one in bought] not in ([], ["delivered"]):
        yield f"purchases: {[state_of(one) for one in bought]}"
    if bought and bought[0]["serialNumber"] != terminal["serialNumber"]:
        yield f"{bought[0]['serialNumber']} was bought, {terminal['serialNumber']} was issued"
    service = books.of(me, "services", "active")[0]["id"]
    told = books.hub["terminals"].get(f"{service}-terminal")
    if told is None or told["serial_number"] != site["serialNumber"]:
        yield f"the hub has terminal {told and told['serial_number']}, not {site['serialNumber']}"
    if f"{service}-plan" not in books.hub["plans"]:
        yield "the hub has no plan"
    elif sold is Sold.ACCESS and told is not None:
        yield from in_the_pools(books, me, told, books.hub["plans"][f"{service}-plan"])
    elif sold is Sold.LINK:
        yield from on_its_carriers(books, me, service)


def on_its_carriers(books: Books, order_id: str, service: str) -> Iterator[str]:
    """What the hub was told against what is assigned."""
    port = books.of(order_id, "ports", "assigned")[0]
    for slot in books.of(order_id, "slots", "assigned"):
        carrier = books.hub["carriers"].get(f"{service}-{slot['direction']}")
        if carrier is None:
            yield f"the hub has no {slot['direction']} carrier"
            continue
        ours = (slot["transponderId"], (slot["startHz"] + slot["stopHz"]) // 2, port["hubId"], port["portNumber"])
        theirs = (carrier["transponder_id"], carrier["downlink_center_hz"], carrier["hub_id"], carrier["port"])
        if ours != theirs:
            yield f"{slot['direction']} carrier: {theirs} at the hub, {ours} is assigned"


def in_the_pools(books: Books, order_id: str, terminal: Body, plan: Body) -> Iterator[str]:
    """The shares that are assigned against the carriers that the terminal is on, and the rates that it is given."""
    direction = {one["id"]: one["direction"] for one in books.rows["pools"]}
    shares = {direction[one["carrierPoolId"]]: one for one in books.of(order_id, "shares", "assigned")}
    for way, carrier in (("forward", "carrier_id"), ("return", "return_carrier_id")):
        share = shares.get(way)
        if share is None:
            yield f"no {way} share is assigned"
            continue
        ours = share["carrierPoolId"], share["cirBps"], share["mirBps"]
        theirs = terminal[carrier], plan[f"{way}_cir_bps"], plan[f"{way}_mir_bps"]
        if ours != theirs:
            yield f"{way} share: {theirs} at the hub, {ours} is assigned"


def undone(books: Books, order: Body) -> Iterator[str]:
    """What was left behind by an order that did not come to anything."""
    me = order["id"]
    if order["state"] not in UNDONE:
        yield "it has not ended"
    allowed = {
        "flows": ("cancelled",),
        "products": ("cancelled",),
        "services": ("terminated",),
        "service_orders": ("cancelled",),
        "resource_orders": ("cancelled",),
        "reservations": ("cancelled", "failed"),
        "slots": ("released",),
        "ports": ("released",),
        "shares": ("released",),
        "passages": ("released",),
        "capacities": ("released",),
        "sites": ("removed",),
        "terminals": ("inReturn",),
        "purchases": ("cancelled", "delivered"),
        "rates": (),
    }
    for kind, states in allowed.items():
        for one in books.by_order[me][kind]:
            if state_of(one) not in states:
                yield f"{kind}: one is {state_of(one)}"


def nobodys(books: Books) -> Iterator[str]:
    """What belongs to no order in service: in the hub, on the shelf, in the bills."""
    delivered = [one for one in books.orders.values() if one["state"] == DELIVERED]
    services = {service["id"] for order in delivered for service in books.of(order["id"], "services", "active")}
    pools = {one["id"] for one in books.rows["pools"]}
    for kind in HUB_KINDS:
        for name in books.hub[kind]:
            if name.rsplit("-", 1)[0] not in services and name not in pools:
                yield f"the hub has {kind} {name}, which belongs to no service"
    for one in books.rows["terminals"]:
        if (state_of(one) in ("held", "issued")) != (one.get("orderId") in {order["id"] for order in delivered}):
            yield f"terminal {one['serialNumber']} is {state_of(one)} for order {one.get('orderId')}"
    for one in [*books.rows["shares"], *books.rows["passages"]]:
        if state_of(one) in ("held", "assigned") and one.get("orderId") not in books.orders:
            yield f"share {one['id']} is {state_of(one)} for nobody"
    for one in books.rows["services"]:
        if state_of(one) != "terminated" and one["id"] not in services:
            yield f"service {one['id']} is {state_of(one)} for nobody"
    lines = [line for order in delivered for line in books.by_order[order["id"]]["rates"]]
    if {one["id"] for one in books.rows["bills"]} != {line["bill"]["id"] for line in lines}:
        yield f"{len(books.rows['bills'])} bills, not all of products in service"
    if len(books.by_order["nobody"]["rates"]):
        yield f"{len(books.by_order['nobody']['rates'])} charges for no product"


def effects_twice(hub: httpx.Client) -> list[str]:
    """What the hub did more than once: the same thing configured, removed or measured again, or one key twice."""
    lines: list[Body] = []
    while True:
        after = str(lines[-1]["sequence"]) if lines else "0"
        page = hub.get("/v1/journal", params={"after": after}).raise_for_status().json()
        lines += page["items"]
        if page["next"] is None:
            break
    done = Counter(f"{one['action']} {one['kind']} {one['id']}" for one in lines)
    keys = Counter(
        one["idempotency_key"] for one in lines if one["idempotency_key"] is not None
    )  # else the fleet's own
    twice = [f"the hub did {times} times: {what}" for what, times in done.items() if times > 1]
    return twice + [f"key {key} had {times} effects" for key, times in keys.items() if times > 1]
