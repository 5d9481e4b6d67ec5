"""Whether all books tell the same: orders, flows, products, bills, services, spectrum, ports, stock and the hub.

Everything is read over HTTP. One order in service has exactly one of each; one that was undone has left nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

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
}
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
KINDS = {"slots": "SpectrumAssignment", "ports": "HubPortAssignment", "sites": "Terminal"}
HUB_KINDS = ("carriers", "terminals", "plans")
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


def disagreements(api: httpx.Client, hub: httpx.Client) -> list[str]:
    """Every place where two books differ, an order that did not end, and every effect that the hub had twice."""
    books = read_books(api, hub)
    found = [
        f"{order['reference']} ({order['state']}): {what}"
        for order in books.orders.values()
        for what in (in_service(books, order) if order["state"] == DELIVERED else undone(books, order))
    ]
    return [*found, *nobodys(books), *effects_twice(hub)]


def read_books(api: httpx.Client, hub: httpx.Client) -> Books:
    rows = {name: listed(api, path) for name, path in PATHS.items()}
    for name, kind in KINDS.items():
        rows[name] = [flat(one) for one in listed(api, RESOURCES, {"@type": kind})]
    books = Books({one["id"]: one for one in rows["orders"]}, rows=rows)
    order_of_product = {one["id"]: one["productOrderItem"][0]["productOrderId"] for one in rows["products"]}
    order_of_service = {
        one["serviceOrderItem"][0]["service"]["id"]: one["externalId"] for one in rows["service_orders"]
    }
    order_of_reservation = {one["reservationId"]: one["orderId"] for one in rows["slots"] if "reservationId" in one}
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
    me = order["id"]
    expected = {
        ("flows", "completed"): 1,
        ("products", "active"): 1,
        ("services", "active"): 1,
        ("service_orders", "completed"): 1,
        ("resource_orders", "completed"): 1,
        ("reservations", "completed"): 1,
        ("slots", "assigned"): 2,
        ("ports", "assigned"): 1,
        ("sites", "inService"): 1,
        ("terminals", "issued"): 1,
    }
    wrong = []
    for (kind, state), number in expected.items():
        if len(books.of(me, kind, state)) != number or len(books.by_order[me][kind]) != number:
            wrong.append(f"{kind}: {[state_of(one) for one in books.by_order[me][kind]]}, not {number} {state}")
    if wrong:
        yield from wrong
        return
    bills = {one["bill"]["id"] for one in books.by_order[me]["rates"]}
    if len(bills) != 1:
        yield f"{len(bills)} bills"
    terminal, site = books.of(me, "terminals", "issued")[0], books.of(me, "sites", "inService")[0]
    if terminal["serialNumber"] != site["serialNumber"]:
        yield f"terminal {terminal['serialNumber']} was issued, {site['serialNumber']} stands at the site"
    bought = books.by_order[me]["purchases"]
    if [state_of(one) for one in bought] not in ([], ["delivered"]):
        yield f"purchases: {[state_of(one) for one in bought]}"
    if bought and bought[0]["serialNumber"] != terminal["serialNumber"]:
        yield f"{bought[0]['serialNumber']} was bought, {terminal['serialNumber']} was issued"
    yield from at_the_hub(books, me, site["serialNumber"])


def at_the_hub(books: Books, order_id: str, serial_number: str) -> Iterator[str]:
    """What the hub was told against what is assigned."""
    service = books.of(order_id, "services", "active")[0]["id"]
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
    terminal = books.hub["terminals"].get(f"{service}-terminal")
    if terminal is None or terminal["serial_number"] != serial_number:
        yield f"the hub has terminal {terminal and terminal['serial_number']}, not {serial_number}"
    if f"{service}-plan" not in books.hub["plans"]:
        yield "the hub has no plan"


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
    for kind in HUB_KINDS:
        for name in books.hub[kind]:
            if name.rsplit("-", 1)[0] not in services:
                yield f"the hub has {kind} {name}, which belongs to no service"
    for one in books.rows["terminals"]:
        if (state_of(one) in ("held", "issued")) != (one.get("orderId") in {order["id"] for order in delivered}):
            yield f"terminal {one['serialNumber']} is {state_of(one)} for order {one.get('orderId')}"
    for one in books.rows["services"]:
        if state_of(one) != "terminated" and one["id"] not in services:
            yield f"service {one['id']} is {state_of(one)} for nobody"
    if len(books.rows["bills"]) != len(delivered):
        yield f"{len(books.rows['bills'])} bills for {len(delivered)} products in service"
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
    keys = Counter(str(one["idempotency_key"]) for one in lines)
    twice = [f"the hub did {times} times: {what}" for what, times in done.items() if times > 1]
    return twice + [f"key {key} had {times} effects" for key, times in keys.items() if times > 1]
