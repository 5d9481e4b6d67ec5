"""Whether all books tell the same of products that were changed and ended: over HTTP, each book by itself."""

from collections import Counter
from collections.abc import Collection, Iterator

import httpx

from tests.crash.agreement import Body, flat, held, listed, state_of
from tests.crash.at_the_partner import PartnersBooks
from tests.crash.sold import Sold, sold_as

TMF, OWN = "/tmf-api", "/satcom-api"
ORDERS = f"{TMF}/productOrderingManagement/v4/productOrder"
PRODUCTS = f"{TMF}/productInventory/v4/product"
SERVICES = f"{TMF}/serviceInventory/v4/service"
RATES = f"{TMF}/customerBillManagement/v4/appliedCustomerBillingRate"
BILLS = f"{TMF}/customerBillManagement/v4/customerBill"
RESERVATIONS = f"{TMF}/resourcePoolManagement/v4/reservation"
RESOURCES = f"{TMF}/resourceInventoryManagement/v4/resource"
PATHS = f"{OWN}/service/v1/servicePath"
STOCKED = f"{OWN}/supplyChain/v1/stockedTerminal"
CAPACITIES = f"{OWN}/supplyChain/v1/partnerCapacity"
KINDS = {
    "slots": "SpectrumAssignment",
    "ports": "HubPortAssignment",
    "shares": "PoolShare",
    "passages": "ConstellationShare",
    "sites": "Terminal",
    "pools": "CarrierPool",
}
HUB_STATE = f"{OWN}/service/v1/hubState"
SHAPE = ("symbol_rate_baud", "roll_off")
ENDS = ("completed", "cancelled")
GONE = ("terminated", "cancelled")  # products
TAKEN = {
    Sold.LINK: {"slots": 2, "ports": 1},
    Sold.ACCESS: {"shares": 2},
    Sold.LEASE: {"slots": 1},
    Sold.PARTNER: {"capacities": 1},
}
AT_THE_HUB = {Sold.LINK: ["forward", "plan", "return", "terminal"], Sold.ACCESS: ["plan", "terminal"]}


def disagreements_of_change(
    api: httpx.Client, hub: httpx.Client, partner: httpx.Client | None = None, ends: Collection[str] = ENDS
) -> list[str]:
    """Every place where two books differ. `ends` are the states that an order may end in."""
    books = {name: listed(api, path) for name, path in (("orders", ORDERS), ("services", SERVICES), ("rates", RATES))}
    books["paths"], books["stock"] = listed(api, PATHS), listed(api, STOCKED)
    books["capacities"], books["bills"] = listed(api, CAPACITIES), listed(api, BILLS)
    for name, kind in KINDS.items():
        books[name] = [flat(one) for one in listed(api, RESOURCES, {"@type": kind})]
    books["hub"] = [one for kind in ("carriers", "terminals", "plans") for one in held(hub, kind)]
    found = [f"{one['reference']} is {one['state']}" for one in books["orders"] if one["state"] not in ends]
    products = listed(api, PRODUCTS)
    for product in products:
        found += [f"product {product['id']} ({product['status']}): {what}" for what in _wrong(product, books)]
    found += [*_strays(products, books), *_otherwise_than_told(api, products, books)]
    if partner is not None:
        found += PartnersBooks.read(partner).against(books["capacities"])
    keys = Counter(one["idempotency_key"] for one in _journal(hub) if one["idempotency_key"] is not None)
    return found + [f"key {key} had {times} effects" for key, times in keys.items() if times > 1]


def _strays(products: list[Body], books: dict[str, list[Body]]) -> Iterator[str]:
    """What a hub has under a name that no product and no pool has, or with a terminal that was issued to nobody."""
    known = {one["realizingService"][0]["id"] for one in products if one["status"] not in GONE}
    pools = {one["id"] for one in books["pools"]}
    issued = {one["serialNumber"] for one in books["stock"] if one["state"] == "issued"}
    for one in books["hub"]:
        if one["id"] not in pools and one["id"].rsplit("-", 1)[0] not in known:
            yield f"the hub has {one['id']}, which belongs to no service"
        if "serial_number" in one and one["serial_number"] not in issued:
            yield f"the hub has terminal {one['serial_number']}, which nobody was given"


def _otherwise_than_told(api: httpx.Client, products: list[Body], books: dict[str, list[Body]]) -> Iterator[str]:
    """Where the hub differs, in whatever it was told, from what the order told it that delivered a service as it is."""
    sold = {one["realizingService"][0]["id"] for one in products if one["status"] not in GONE}
    for service in sorted({one["id"][:36] for one in books["hub"]} & sold):
        state = api.get(HUB_STATE, params={"serviceId": service}).raise_for_status().json()
        yield from (f"service {service}: the hub has {one}" for one in state["differences"])


def action_of(order: Body) -> str:
    return str(order["productOrderItem"][0]["action"])


def _wrong(product: Body, books: dict[str, list[Body]]) -> Iterator[str]:
    mine = [one for one in books["orders"] if one["productOrderItem"][0]["product"].get("id") == product["id"]]
    done = [one for one in mine if one["state"] == "completed"]
    if not done:  # it was never delivered: of such orders tells `agreement.undone`
        return
    ids, ended = {one["id"] for one in mine}, product["status"] == "terminated"
    actions = Counter(action_of(one) for one in done)
    if actions["delete"] != int(ended):
        yield f"{actions['delete']} orders have ended it"
    last = max((one for one in done if action_of(one) != "delete"), key=lambda one: str(one["id"]))
    changed_by = [one["productOrderId"] for one in product["productOrderItem"]]
    if len(changed_by) != actions["add"] + actions["modify"] or changed_by[-1] != last["id"]:
        yield f"it names the orders {changed_by}, the last that changed it is {last['id']}"
    sold = sold_as(last)
    for kind in ("slots", "ports", "shares", "passages", "capacities"):
        number, in_use = TAKEN[sold].get(kind, 0), ("assigned", "delivered")
        taken = [one["orderId"] for one in books[kind] if one.get("orderId") in ids and state_of(one) in in_use]
        if taken != ([] if ended else [last["id"]] * number):
            yield f"{kind} are assigned to {taken}, the last order is {last['id']}"
        if any(state_of(one) == "held" for one in books[kind] if one.get("orderId") in ids):
            yield f"{kind} are held still"
    if named(product) != named(last["productOrderItem"][0]["product"]):
        yield f"it is {named(product)}, {named(last['productOrderItem'][0]['product'])} was ordered"
    charged = monthly(last["productOrderItem"][0]["itemPrice"])
    if monthly(product["productPrice"]) != charged:
        yield f"it costs {monthly(product['productPrice'])}, the last order {charged}"
    yield from _of_service(product, books, last, sold)
    yield from _billed(product, books, done)


def _billed(product: Body, books: dict[str, list[Body]], done: list[Body]) -> Iterator[str]:
    """Whether each order made its bill: a change only where it falls into time that was billed before."""
    rates = [one for one in books["rates"] if one["product"]["id"] == product["id"]]
    covered = [(one["date"], one["periodCoverage"]["endDateTime"]) for one in rates if "periodCoverage" in one]
    actions = Counter(action_of(one) for one in done)
    changed = [one["completionDate"] for one in done if action_of(one) == "modify"]
    least = 1 + sum(any(date < moment < end for date, end in covered) for moment in changed)
    of_orders = {one["id"] for one in books["bills"] if one["runType"] == "offCycle"}  # no month's, should one begin
    bills = of_orders & {one["bill"]["id"] for one in rates}
    if not least <= len(bills) <= sum(actions.values()):
        yield f"{len(bills)} bills for {dict(actions)}"


def named(product: Body) -> dict[str, object]:
    """Its characteristics, by name."""
    return {one["name"]: one["value"] for one in product["productCharacteristic"]}


def monthly(charges: list[Body]) -> dict[str, object]:
    """What is charged each month, by name."""
    return {one["name"]: one["price"]["dutyFreeAmount"] for one in charges if one["priceType"] == "recurring"}


def _of_service(product: Body, books: dict[str, list[Body]], last: Body, sold: Sold) -> Iterator[str]:
    service_id, ended = product["realizingService"][0]["id"], product["status"] == "terminated"
    [service] = [one for one in books["services"] if one["id"] == service_id]
    if service["state"] != ("terminated" if ended else "active"):
        yield f"its service is {service['state']}"
    others = [
        one for one in service["serviceCharacteristic"] if named(product).get(one["name"]) not in (None, one["value"])
    ]
    if others and not ended:
        yield f"its service has {others}, {named(product)} are sold"
    open_paths = [one for one in books["paths"] if one["serviceId"] == service_id and "stopAt" not in one]
    if len(open_paths) != int(not ended and sold is not Sold.PARTNER):
        yield f"{len(open_paths)} open paths"
    at_hub = {one["id"].rsplit("-", 1)[1]: one for one in books["hub"] if one["id"].startswith(service_id)}
    if sorted(at_hub) != ([] if ended else AT_THE_HUB.get(sold, [])):
        yield f"the hub has {sorted(at_hub)}"
    elif sold in AT_THE_HUB:
        yield from _at_the_site(product, books, last, at_hub, sold)


def _at_the_site(
    product: Body, books: dict[str, list[Body]], last: Body, at_hub: dict[str, Body], sold: Sold
) -> Iterator[str]:
    ended = product["status"] == "terminated"
    stock = {one["serialNumber"]: one for one in books["stock"]}
    # the last that came for the order: one that was swapped was removed before
    site = max((one for one in books["sites"] if one["orderId"] == last["id"]), key=lambda one: str(one["id"]))
    states = state_of(site), stock[site["serialNumber"]]["state"]
    if states != (("removed", "inReturn") if ended else ("inService", "issued")):
        yield f"terminal and site are {states}"
    if ended:
        return
    yield from _as_sold(named(product), at_hub, stock[site["serialNumber"]])
    on = {at_hub["terminal"]["carrier_id"], at_hub["terminal"]["return_carrier_id"]}
    shares = [one for one in books["shares"] if one.get("orderId") == last["id"] and state_of(one) == "assigned"]
    if shares and {one["carrierPoolId"] for one in shares} != on:
        yield f"the terminal is on {on}, its shares are of {[one['carrierPoolId'] for one in shares]}"
    for slot in books["slots"]:
        if slot.get("orderId") == last["id"] and state_of(slot) == "assigned":
            carrier = at_hub[slot["direction"]]
            center_hz = (slot["startHz"] + slot["stopHz"]) // 2
            ours = slot["transponderId"], center_hz, slot["symbolRateBaud"], slot["rolloff"]
            theirs = tuple(carrier[name] for name in ("transponder_id", "downlink_center_hz", *SHAPE))
            if ours != theirs:
                yield f"the {slot['direction']} carrier is {theirs}, {ours} is assigned"


def _as_sold(asked: dict[str, object], at_hub: dict[str, Body], device: Body) -> Iterator[str]:
    """The rates and the terminal that a site has, and that the hub knows of."""
    rates = at_hub["plan"]["forward_cir_bps"], at_hub["plan"]["forward_mir_bps"]
    committed = asked.get("downlinkCommittedRateBps", asked["downlinkRateBps"])
    if rates != (committed, asked["downlinkRateBps"]):
        yield f"the hub has {rates} bit/s, {committed} and {asked['downlinkRateBps']} are sold"
    if at_hub["terminal"]["serial_number"] != device["serialNumber"]:
        yield f"the hub knows {at_hub['terminal']['serial_number']}, {device['serialNumber']} is there"
    if asked.get("terminalType", device["terminalTypeName"]) != device["terminalTypeName"]:
        yield f"a terminal {device['terminalTypeName']} is there, {asked['terminalType']} is sold"


def _journal(hub: httpx.Client) -> Iterator[Body]:
    after = "0"
    while True:
        page = hub.get("/v1/journal", params={"after": after}).raise_for_status().json()
        yield from page["items"]
        if page["next"] is None:
            return
        after = str(page["next"])
