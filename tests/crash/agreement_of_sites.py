"""Whether all books tell the same of terminals that were changed, and of leases that waited for their satellite.

It adds to `agreement_of_change`: what was asked, bought, shipped, agreed and attended for each order, what came back,
and what listeners were told.
"""

import time
from collections import Counter
from collections.abc import Iterator

import httpx

from tests.core.an_inbox import Inbox
from tests.crash.agreement import Body, flat, listed, read_books, state_of, undone
from tests.crash.agreement_of_change import ORDERS, PRODUCTS, RESOURCES, SERVICES, STOCKED, action_of

OWN, TMF = "/satcom-api", "/tmf-api"
BOOKS = {
    "orders": ORDERS,
    "products": PRODUCTS,
    "stock": STOCKED,
    "service orders": f"{TMF}/serviceOrdering/v4/serviceOrder",
    "resource orders": f"{TMF}/resourceOrderingManagement/v4/resourceOrder",
    "reservations": f"{TMF}/resourcePoolManagement/v4/reservation",
    "approvals": f"{OWN}/market/v1/orderApproval",
    "purchases": f"{OWN}/supplyChain/v1/purchaseOrder",
    "shipments": f"{OWN}/supplyChain/v1/shipment",
    "returns": f"{OWN}/supplyChain/v1/equipmentReturn",
    "installations": f"{OWN}/service/v1/installation",
    "swaps": f"{OWN}/service/v1/terminalSwap",
    "appointments": f"{TMF}/appointment/v4/appointment",
}
AFTER = {  # of an order that was delivered, and of one that was not
    "approvals": ({"approved"}, {"approved", "refused", "withdrawn"}),
    "installations": ({"done"}, {"calledOff", "done"}),
    "purchases": ({"delivered"}, {"delivered", "cancelled"}),
    "service orders": ({"completed"}, {"cancelled"}),
    "resource orders": ({"completed"}, {"cancelled"}),
}


def disagreements_of_sites(api: httpx.Client, hub: httpx.Client) -> list[str]:
    """Every place where two books differ."""
    books = {name: listed(api, path) for name, path in BOOKS.items()}
    books["satellites"] = [flat(one) for one in listed(api, RESOURCES, {"@type": "Satellite"})]
    books["slots"] = [flat(one) for one in listed(api, RESOURCES, {"@type": "SpectrumAssignment"})]
    found = []
    whole = read_books(api, hub)
    for order in books["orders"]:
        wrong = list(_of_order(order, books))
        if action_of(order) == "add" and order["state"] != "completed":
            wrong += undone(whole, order)
        found += [f"{order['reference']} ({action_of(order)}, {order['state']}): {what}" for what in wrong]
    return found + list(_of_terminals(books)) + list(_of_visits(books)) + list(_of_satellites(books))


def order_of(one: Body) -> str:
    """The order that an entry of a book is about."""
    return str(one["productOrder"]["id"] if "productOrder" in one else one.get("orderId") or one.get("externalId"))


def _of_order(order: Body, books: dict[str, list[Body]]) -> Iterator[str]:
    delivered = order["state"] == "completed"
    mine = {name: [state_of(one) for one in books[name] if order_of(one) == order["id"]] for name in AFTER}
    for name, (of_delivered, of_undone) in AFTER.items():
        if not set(mine[name]) <= (of_delivered if delivered else of_undone):
            yield f"{name}: {mine[name]}"
    for name in ("approvals", "installations"):
        if len(mine[name]) > 1:
            yield f"{len(mine[name])} {name}"
    asked = {one["name"]: one["value"] for one in order["productOrderItem"][0]["product"]["productCharacteristic"]}
    if delivered and asked.get("installation") == "onSite" and mine["installations"] != ["done"]:
        yield f"it was put up by somebody, and its installation is {mine['installations']}"
    if (order["state"] == "rejected") != ("refused" in mine["approvals"]):
        yield f"its approval is {mine['approvals']}"


def _of_terminals(books: dict[str, list[Body]]) -> Iterator[str]:
    """What is out is at the site of a product, and what came back from one is to come to the depot."""
    last = {one["productOrderItem"][-1]["productOrderId"] for one in books["products"]}
    out = [one for one in books["stock"] if state_of(one) == "issued"]
    strays = [one["serialNumber"] for one in out if one.get("orderId") not in last]
    strays += [one["serialNumber"] for one in books["stock"] if state_of(one) not in ("issued", "inStock", "inReturn")]
    if strays:
        yield f"terminals {strays} are neither with a customer nor at home"
    coming = sorted(one["serialNumber"] for one in books["stock"] if state_of(one) == "inReturn")
    awaited = sorted(one["serialNumber"] for one in books["returns"] if state_of(one) == "expected")
    if coming != awaited:
        yield f"{coming} are to come back, {awaited} are awaited"
    yield from (f"{one['reference']} is {one['state']}" for one in books["swaps"] if one["state"] == "inProgress")
    numbers = {one["serialNumber"] for one in books["stock"]}
    shipped = Counter(number for one in books["shipments"] for number in one["serialNumber"])
    if set(shipped) - numbers or set(shipped.values()) - {1}:
        yield f"shipped were {dict(shipped)}"
    yield from (f"{one['reference']} is {state_of(one)}" for one in books["shipments"] if state_of(one) != "received")


def _of_visits(books: dict[str, list[Body]]) -> Iterator[str]:
    """Who was visited was visited once, and nobody is awaited."""
    attended = Counter(one["relatedEntity"][0]["id"] for one in books["appointments"] if state_of(one) == "completed")
    done = Counter(order_of(one) for one in books["installations"] if state_of(one) == "done")
    if any(times > 1 for times in attended.values()) or set(done) - set(attended):
        yield f"put up: {dict(done)}, visited: {dict(attended)}"
    going_on = [one["id"] for one in books["appointments"] if state_of(one) in ("initialized", "confirmed")]
    if going_on:
        yield f"visits {going_on} are to come"


def _of_satellites(books: dict[str, list[Body]]) -> Iterator[str]:
    """What waited for a satellite begins when it was there, in every book."""
    days = {one["id"]: one.get("inServiceDate") for one in books["satellites"]}
    states = {one["id"]: one["state"] for one in books["satellites"]}
    reserved = {
        order_of(one): one["reservationPeriod"] for one in books["reservations"] if state_of(one) == "completed"
    }
    starts = {order_of(one): one.get("requestedStartDate") for one in books["service orders"]}
    of_network = {order_of(one): one.get("requestedStartDate") for one in books["resource orders"]}
    slots = {one.get("orderId"): one["startAt"] for one in books["slots"] if state_of(one) == "assigned"}
    for order in books["orders"]:
        asked = {one["name"]: one["value"] for one in order["productOrderItem"][0]["product"]["productCharacteristic"]}
        satellite, mine = asked.get("satellite"), order["id"]
        if satellite is None or order["state"] != "completed":
            continue
        begins = max(order["requestedStartDate"], f"{days[satellite]}T00:00:00Z")
        told = [reserved[mine]["startDateTime"], starts[mine], of_network[mine], slots[mine]]
        if states[satellite] != "inService" or told != [begins] * len(told):
            yield f"{order['reference']} begins at {begins} on one that is {states[satellite]}, on the books: {told}"


TOLD_OF = {  # by the document whose listener is told
    "TMF622": ORDERS,
    "TMF637": PRODUCTS,
    "TMF638": SERVICES,
    "TMF646": BOOKS["appointments"],
    "TMF685": BOOKS["reservations"],
}


def differently_told(api: httpx.Client, inbox: Inbox, within_s: float = 60) -> list[str]:
    """Of what a listener was not told how it ended, once all that is on its way has come."""
    give_up = time.monotonic() + within_s
    while True:
        wrong = [what for path in TOLD_OF.values() for one in listed(api, path) for what in _told(one, inbox)]
        if not wrong or time.monotonic() > give_up:
            return wrong
        time.sleep(0.5)


def _told(one: Body, inbox: Inbox) -> Iterator[str]:
    first = {event["eventId"]: next(iter(event["event"].values())) for event in reversed(inbox.about(one["id"]))}
    states = [state_of(body) for body in reversed(first.values())]
    if not states or states[-1] != state_of(one):
        yield f"{one['href']} is {state_of(one)}, told was {states}"
