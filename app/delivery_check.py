"""The separate check of a delivered order: asks everybody who should know of it over HTTP, and compares the answers.

It shares no code with what delivered the order and reads no database. Hub, inventories, spectrum, stock and bill must
tell one story; whatever does not fit is a broken link, in words. Run as
`python -m satcom.app.delivery_check API TOKEN HUB HUB_TOKEN ORDER_ID`: the exit code is 0 when nothing is broken.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import httpx

Body: TypeAlias = dict[str, Any]  # JSON of other programs
TMF = "/tmf-api"
DEDICATED = {"carriers", "constellationShare"}  # what is taken in these ways is committed in full
CENT = Decimal("0.01")
NOTHING = str(UUID(int=0))  # the id of what is not there


@dataclass
class Delivery:
    """One order, as API and hub tell it."""

    api: httpx.Client
    hub: httpx.Client
    order_id: str
    order: Body = field(init=False)
    product: Body = field(init=False)
    service: Body = field(init=False)
    service_id: str = field(init=False)
    needs: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.order = self.get(f"{TMF}/productOrderingManagement/v4/productOrder/{self.order_id}")
        product_id = (self.item.get("product") or {}).get("id") or NOTHING
        self.product = self.get(f"{TMF}/productInventory/v4/product/{product_id}")
        self.service_id = next((one["id"] for one in self.product.get("realizingService", [])), NOTHING)
        self.service = self.get(f"{TMF}/serviceInventory/v4/service/{self.service_id}")
        self.needs = self._needs()

    @property
    def asked(self) -> Body:
        """What the customer asked for, by name."""
        chosen = (self.item.get("product") or {}).get("productCharacteristic", [])
        return {each["name"]: each["value"] for each in chosen}

    def _needs(self) -> set[str]:
        """What of the network such a service needs, by the catalogues."""
        named = (self.service.get("serviceSpecification") or {}).get("id", NOTHING)
        specification = self.get(f"{TMF}/serviceCatalogManagement/v4/serviceSpecification/{named}")
        listed = specification.get("resourceSpecification", [])
        path = f"{TMF}/resourceCatalog/v4/resourceSpecification"
        return {str(self.get(f"{path}/{one['id']}").get("category")) for one in listed}

    @property
    def item(self) -> Body:
        return next(iter(self.order.get("productOrderItem", [])), {})

    def get(self, path: str) -> Body:
        """One object; empty when it is not there."""
        found: Body = self._json(self.api, path, {})
        return found

    def listed(self, path: str, **filters: str) -> list[Body]:
        found: list[Body] = self._json(self.api, path, [], **filters)
        return found

    def at_hub(self, kind: str, part: str) -> Body:
        found: Body = self._json(self.hub, f"/v1/{kind}/{self.service_id}-{part}", {})
        return found

    def resources(self, kind: str) -> list[Body]:
        """What of this kind carries the service, with its characteristics by name."""
        named = [one for one in self.service.get("supportingResource", []) if one.get("@referredType") == kind]
        return [characteristics(self.get(one["href"])) for one in named]

    def direction_of(self, share: Body) -> str:
        pool = self.get(f"{TMF}/resourceInventoryManagement/v4/resource/{share.get('carrierPoolId', NOTHING)}")
        return str(characteristics(pool).get("direction"))

    def _json(self, client: httpx.Client, path: str, nothing: Any, **filters: str) -> Any:
        answer = client.get(path, params=filters)
        if answer.status_code == 404:
            return nothing
        answer.raise_for_status()
        return answer.json()


def characteristics(resource: Body) -> Body:
    return {one["name"]: one["value"] for one in resource.get("resourceCharacteristic", [])}


def compare(what: str, told: object, expected: object) -> Iterator[str]:
    if told != expected:
        yield f"{what} is {told!r}, expected {expected!r}"


def the_order(one: Delivery) -> Iterator[str]:
    yield from compare("the state of the order", one.order.get("state"), "completed")
    yield from compare("the state of its item", one.item.get("state"), "completed")


def the_product(one: Delivery) -> Iterator[str]:
    yield from compare("the status of the product", one.product.get("status"), "active")
    origins = [origin.get("productOrderId") for origin in one.product.get("productOrderItem", [])]
    yield from compare("the order that the product comes from", origins, [one.order_id])
    yield from compare("the price of the product", one.product.get("productPrice"), one.item.get("itemPrice"))


def the_service(one: Delivery) -> Iterator[str]:
    yield from compare("the state of the service", one.service.get("state"), "active")
    paths = one.listed("/satcom-api/service/v1/servicePath", serviceId=one.service_id)
    yield from compare("how many paths carry the service", len([path for path in paths if "stopAt" not in path]), 1)
    tests = one.listed(f"{TMF}/serviceTestManagement/v4/serviceTest", **{"relatedService.id": one.service_id})
    yield from compare("the last test of the service", [test.get("state") for test in tests][-1:], ["completed"])


def the_orders_below(one: Delivery) -> Iterator[str]:
    for path in ("serviceOrdering/v4/serviceOrder", "resourceOrderingManagement/v4/resourceOrder"):
        found = one.listed(f"{TMF}/{path}", externalId=one.order_id, state="completed")
        yield from compare(f"how many completed orders there are at {path}", len(found), 1)


def the_spectrum(one: Delivery) -> Iterator[str]:
    """What the service takes of the spectrum is assigned to this order, and the hub transmits in it."""
    if "carriers" in one.needs:
        yield from _own_carriers(one)
    elif "poolShare" in one.needs:
        yield from _shares(one)
    elif "constellationShare" in one.needs:
        yield from _passages(one)
    else:
        yield from _lease(one)


def _own_carriers(one: Delivery) -> Iterator[str]:
    """What the hub transmits lies in slots of this order, and fills them."""
    slots = {slot.get("direction"): slot for slot in one.resources("SpectrumAssignment")}
    yield from compare("the directions that have a slot", sorted(map(str, slots)), ["forward", "return"])
    for direction, slot in slots.items():
        carrier = one.at_hub("carriers", str(direction))
        yield from _assigned(one, f"the {direction} slot", slot)
        yield from compare(
            f"the transponder of the {direction} carrier", carrier.get("transponder_id"), slot.get("transponderId")
        )
        center_hz = (int(slot.get("startHz", 0)) + int(slot.get("stopHz", 0))) / 2
        if abs(float(carrier.get("downlink_center_hz", 0)) - center_hz) > 1:
            told = carrier.get("downlink_center_hz")
            yield f"the {direction} carrier lies at {told} Hz, its slot at {center_hz:.0f} Hz"
        width_hz = _width_hz(slot)
        occupied_hz = float(carrier.get("symbol_rate_baud", 0)) * (1 + float(carrier.get("roll_off", 0)))
        if not 0 < occupied_hz <= width_hz + 2:
            yield f"the {direction} carrier takes {occupied_hz:.0f} Hz of a slot of {width_hz} Hz"


def _shares(one: Delivery) -> Iterator[str]:
    """The terminal is on the carriers of the pools that it has a share of, which promise what was asked for."""
    terminal = one.at_hub("terminals", "terminal")
    shares = {one.direction_of(share): share for share in one.resources("PoolShare")}
    yield from compare("the directions that have a share", sorted(map(str, shares)), ["forward", "return"])
    for direction, way, on_air in (("forward", "downlink", "carrier_id"), ("return", "uplink", "return_carrier_id")):
        share = shares.get(direction, {})
        yield from _assigned(one, f"the {direction} share", share)
        yield from compare(f"the {direction} carrier of the terminal", terminal.get(on_air), share.get("carrierPoolId"))
        yield from compare(f"the {way} rate of the share", share.get("mirBps"), one.asked.get(f"{way}RateBps"))
        committed = one.asked.get(f"{way}CommittedRateBps", 0)
        yield from compare(f"the committed {way} rate of the share", share.get("cirBps"), committed)


def _passages(one: Delivery) -> Iterator[str]:
    """One cell, and as much of each gateway, is assigned to this order, and holds what the hubs transmit."""
    shares = one.resources("ConstellationShare")
    yield from compare("how many cells the service lies in", len([each for each in shares if "cell" in each]), 1)
    yield from compare("whether a gateway carries it", any("earthStationId" in each for each in shares), True)
    widths = {(each.get("forwardHz"), each.get("returnHz")) for each in shares}
    yield from compare("how many widths its shares have", len(widths), 1)
    for share in shares:
        yield from _assigned(one, f"the share of {share.get('cell') or share.get('earthStationId')}", share)
    for port in one.resources("HubPortAssignment"):
        for direction in ("forward", "return"):
            carrier = one.at_hub("carriers", f"{direction}-{port.get('hubId')}")
            occupied_hz = float(carrier.get("symbol_rate_baud", 0)) * (1 + float(carrier.get("roll_off", 0)))
            width_hz = min((int(share.get(f"{direction}Hz", 0)) for share in shares), default=0)
            if not 0 < occupied_hz <= width_hz + 2:
                yield f"the {direction} carrier of {port.get('name')} takes {occupied_hz:.0f} Hz of {width_hz} Hz"


def _lease(one: Delivery) -> Iterator[str]:
    """The customer's spectrum is as wide as he asked, and he was told where it lies."""
    slots = one.resources("SpectrumAssignment")
    yield from compare("how many slots are leased", len(slots), 1)
    terms = {each["name"]: each["value"] for each in one.service.get("serviceCharacteristic", [])}
    for slot in slots:
        yield from _assigned(one, "the slot", slot)
        if _width_hz(slot) < int(one.asked.get("bandwidthHz", 0)):
            yield f"the slot is {_width_hz(slot)} Hz wide, {one.asked.get('bandwidthHz')} Hz are leased"
        told = [terms.get("downlinkLowEdgeHz"), terms.get("downlinkHighEdgeHz")]
        yield from compare("where the customer may send", told, [slot.get("startHz"), slot.get("stopHz")])


def _assigned(one: Delivery, what: str, held: Body) -> Iterator[str]:
    yield from compare(what, held.get("state"), "assigned")
    yield from compare(f"the order of {what.removeprefix('the ')}", held.get("orderId"), one.order_id)


def _width_hz(slot: Body) -> int:
    return int(slot.get("stopHz", 0)) - int(slot.get("startHz", 0))


def the_hub(one: Delivery) -> Iterator[str]:
    """The hub has the port, and gives the terminal the rates of this order; a constellation has one at each gateway."""
    ports, plan = one.resources("HubPortAssignment"), one.at_hub("plans", "plan")
    if "hubPort" in one.needs:
        gateways = [each for each in one.resources("ConstellationShare") if "earthStationId" in each]
        states = [port.get("state") for port in ports]
        yield from compare("how many hub ports are assigned", states, ["assigned"] * (len(gateways) or 1))
        for port in ports:
            at = f"forward-{port.get('hubId')}" if gateways else "forward"
            carrier = one.at_hub("carriers", at)
            told, expected = (carrier.get("hub_id"), carrier.get("port")), (port.get("hubId"), port.get("portNumber"))
            yield from compare("hub and port of the carrier", told, expected)
    if "terminal" in one.needs:
        for way, direction in (("downlink", "forward"), ("uplink", "return")):
            most = one.asked.get(f"{way}RateBps")
            committed = most if one.needs & DEDICATED else one.asked.get(f"{way}CommittedRateBps", 0)
            yield from compare(f"the most {way} rate", plan.get(f"{direction}_mir_bps"), most)
            yield from compare(f"the committed {way} rate", plan.get(f"{direction}_cir_bps"), committed)


def the_terminal(one: Delivery) -> Iterator[str]:
    """One device: in the hub, at the site, and out of the depot. A lease has none."""
    if "terminal" not in one.needs:
        yield from compare("the terminals of the service", one.resources("Terminal"), [])
        return
    at_site, at_hub = one.resources("Terminal"), one.at_hub("terminals", "terminal")
    yield from compare("the state of the terminal", [each.get("state") for each in at_site], ["inService"])
    serial = at_hub.get("serial_number")
    yield from compare("the terminal at the site", [each.get("serialNumber") for each in at_site], [serial])
    issued = one.listed("/satcom-api/supplyChain/v1/stockedTerminal", orderId=one.order_id, state="issued")
    yield from compare("the terminal out of stock", [each.get("serialNumber") for each in issued], [serial])


def the_bill(one: Delivery) -> Iterator[str]:
    """The first bill is of this product, on the account of the order, and its lines add up."""
    path = f"{TMF}/customerBillManagement/v4"
    lines = one.listed(f"{path}/appliedCustomerBillingRate", **{"product.id": one.product.get("id", NOTHING)})
    bills = {line["bill"]["id"] for line in lines}
    yield from compare("how many bills the product has", len(bills), 1)
    for bill_id in bills:
        bill = one.get(f"{path}/customerBill/{bill_id}")
        yield from compare("the state of the bill", bill.get("state"), "validated")
        account = (one.order.get("billingAccount") or {}).get("id")
        yield from compare("the account of the bill", (bill.get("billingAccount") or {}).get("id"), account)
        yield from compare("the sum of the lines", _sum(lines, "taxExcludedAmount"), _amount(bill, "taxExcludedAmount"))
        with_tax = _amount(bill, "taxExcludedAmount") + sum(
            (_amount(tax, "taxAmount") for tax in bill.get("taxItem", [])), Decimal(0)
        )
        yield from compare("the amount due", _amount(bill, "amountDue"), with_tax)
    once = [price for price in one.item.get("itemPrice", []) if price.get("priceType") == "oneTime"]
    charged = [line for line in lines if line.get("type") == "oneTimeCharge"]
    agreed = sum((_amount(price["price"], "dutyFreeAmount") for price in once), Decimal(0))
    yield from compare("what is charged once", _sum(charged, "taxExcludedAmount"), agreed)
    yield from compare("how many lines the bill has", len(lines), len(one.item.get("itemPrice", [])))


LINKS: tuple[Callable[[Delivery], Iterator[str]], ...] = (
    the_order,
    the_product,
    the_service,
    the_orders_below,
    the_spectrum,
    the_hub,
    the_terminal,
    the_bill,
)


def broken_links(api: httpx.Client, hub: httpx.Client, order_id: str) -> list[str]:
    """Everything that does not fit. Raises `httpx.HTTPError` when somebody cannot be asked."""
    delivery = Delivery(api, hub, order_id)
    return [broken for link in LINKS for broken in link(delivery)]


def _sum(bodies: list[Body], name: str) -> Decimal:
    return sum((_amount(body, name) for body in bodies), Decimal(0))


def _amount(body: Body, name: str) -> Decimal:
    return Decimal(str((body.get(name) or {}).get("value", 0))).quantize(CENT)


def main() -> None:
    """Say what is broken; the exit code is how the caller knows."""
    if len(sys.argv) < 6:
        raise SystemExit("asked as: delivery_check API TOKEN HUB HUB_TOKEN ORDER_ID...")
    api_url, token, hub_url, hub_token, *order_ids = sys.argv[1:]
    broken = False
    with _client(api_url, token) as api, _client(hub_url, hub_token) as hub:
        for order_id in order_ids:
            for one in broken_links(api, hub, order_id):
                broken = True
                sys.stdout.write(f"broken: {one}\n")
    if broken:
        raise SystemExit(1)
    sys.stdout.write("order, product, service, spectrum, hub, terminal and bill tell one story\n")


def _client(url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False)


if __name__ == "__main__":
    main()
