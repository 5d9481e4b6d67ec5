"""What was delivered for an order, as the inventories tell it: satellite, slots, service, terminal, test and bill."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from satcom.app.commands.api import TMF, Api, ApiRefused, Body
from satcom.app.instants import shown_instant

RESOURCES: Final = f"{TMF}/resourceInventoryManagement/v4/resource"
SERVICES: Final = f"{TMF}/serviceInventory/v4/service"
SERVICE_ORDERS: Final = f"{TMF}/serviceOrdering/v4/serviceOrder"
TESTS: Final = f"{TMF}/serviceTestManagement/v4/serviceTest"
BILLING: Final = f"{TMF}/customerBillManagement/v4"
SLOT, SHARE, PORT, TERMINAL = "SpectrumAssignment", "PoolShare", "HubPortAssignment", "Terminal"
PASSAGE: Final = "ConstellationShare"
TOLD_AS: Final = {
    "slot": "spectrumAssignment",
    "share": "poolShare",
    "passage": "constellationShare",
    "port": "hubPortAssignment",
    "test": "serviceTest",
    "bill": "customerBill",
}
GONE: Final = frozenset({"released", "removed"})
LARGE: Final = {"bit/s": "Mbit/s", "Hz": "MHz"}
NOT_FOUND, NOT_ALLOWED = 404, 403


@dataclass(frozen=True)
class Delivery:
    """What there is so far. What this token may not see is not there."""

    satellite: list[Body] = field(default_factory=list)
    transponder: list[Body] = field(default_factory=list)
    slot: list[Body] = field(default_factory=list)
    share: list[Body] = field(default_factory=list)
    passage: list[Body] = field(default_factory=list)
    port: list[Body] = field(default_factory=list)
    terminal: list[Body] = field(default_factory=list)
    service: list[Body] = field(default_factory=list)
    test: list[Body] = field(default_factory=list)
    bill: list[Body] = field(default_factory=list)

    def bodies(self) -> dict[str, list[Body]]:
        """By the names of the TMF resources."""
        return {TOLD_AS.get(name, name): those for name, those in asdict(self).items()}


def delivery_of(api: Api, order: Body) -> Delivery:
    """Ask each inventory for what belongs to the order. Raises `ApiRefused`, `ApiAway`."""
    services = _seen(lambda: delivered_services(api, order))
    taken = _seen(lambda: _resources(api, order))
    by_kind = {kind: [one for one in taken if one["@type"] == kind] for kind in (SLOT, SHARE, PASSAGE, PORT, TERMINAL)}
    pools = _pointed_at(api, by_kind[SHARE], "carrierPoolId")
    slots = by_kind[SLOT] + _pointed_at(api, pools, "spectrumAssignmentId")
    transponders = _pointed_at(api, slots, "transponderId")
    return Delivery(
        satellite=_pointed_at(api, transponders, "satelliteId"),
        transponder=transponders,
        slot=by_kind[SLOT],
        share=by_kind[SHARE],
        passage=by_kind[PASSAGE],
        port=by_kind[PORT],
        terminal=by_kind[TERMINAL],
        service=services,
        test=[test for one in services for test in api.get(TESTS, **{"relatedService.id": one["id"]})],
        bill=_seen(lambda: _bills(api, order)),
    )


def _seen(asked: Callable[[], list[Body]]) -> list[Body]:
    """What was asked for; nothing where the caller may not ask."""
    try:
        return asked()
    except ApiRefused as refused:
        if refused.status != NOT_ALLOWED:
            raise
        return []


def delivered_services(api: Api, order: Body) -> list[Body]:
    """What was or is being delivered for the order, the latest last."""
    placed: list[Body] = api.get(SERVICE_ORDERS, externalId=order["id"])
    ids = [item["service"]["id"] for one in placed for item in one.get("serviceOrderItem", [])]
    return [one for identifier in dict.fromkeys(ids) for one in api.get(SERVICES, id=identifier)]


def _resources(api: Api, order: Body) -> list[Body]:
    """What is held for the order; what was given back no longer belongs to it."""
    found: list[Body] = api.get(RESOURCES, orderId=order["id"])
    return [one for one in found if about(one).get("state") not in GONE]


def _pointed_at(api: Api, resources: list[Body], key: str) -> list[Body]:
    """Each resource once that these name under `key`."""
    return [api.get(f"{RESOURCES}/{one}") for one in dict.fromkeys(about(each)[key] for each in resources)]


def _bills(api: Api, order: Body) -> list[Body]:
    products = [item.get("product", {}).get("id") for item in order.get("productOrderItem", [])]
    lines = [
        line
        for one in products
        if one is not None
        for line in api.get(f"{BILLING}/appliedCustomerBillingRate", limit="1000", **{"product.id": one})
    ]
    return [api.get(f"{BILLING}/customerBill/{one}") for one in dict.fromkeys(line["bill"]["id"] for line in lines)]


def about(resource: Body) -> dict[str, Any]:
    """Its characteristics by name."""
    return {one["name"]: one.get("value") for one in resource.get("resourceCharacteristic", [])}


def lines_of(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """A line for each thing, with what it is, for a person."""
    names = {one["id"]: one["name"] for one in delivery.transponder}
    for one in delivery.satellite:
        yield "satellite", _joined(one["name"], _degrees_east(about(one).get("longitudeDeg")))
    for one in delivery.slot:
        yield f"{about(one).get('direction') or ''} slot".strip(), _slot(about(one), names)
    for one in delivery.share:
        yield "pool share", _joined(one["name"], about(one)["state"])
    for one in delivery.passage:
        yield "constellation share", _joined(one["name"], about(one)["state"])
    for one in delivery.port:
        yield "hub port", _joined(one["name"], about(one)["state"])
    for one in delivery.service:
        yield "service", _joined(one["id"], one["state"])
        yield from (("", term) for term in _terms(one))
    for one in delivery.terminal:
        yield "terminal", _terminal(one["name"], about(one))
    for one in delivery.test:
        yield "test", _joined(one["state"], shown_instant(one.get("endDateTime")))
        yield from (("", line) for line in readings_of(one))
    for one in delivery.bill:
        due = one.get("amountDue") or {}
        amount = f"{due.get('value', 0):,.2f} {due.get('unit', '')} by {str(one.get('paymentDueDate', ''))[:10]}"
        yield "bill", _joined(one.get("billNo"), one["state"], amount)


def _joined(*parts: object) -> str:
    return ", ".join(str(one) for one in parts if one)


def _degrees_east(longitude_deg: float | None) -> str:
    if longitude_deg is None:
        return ""
    return f"{abs(longitude_deg):g}° {'E' if longitude_deg >= 0 else 'W'}"


def _slot(slot: dict[str, Any], transponders: dict[str, str]) -> str:
    start_hz, stop_hz, power_hz = int(slot["startHz"]), int(slot["stopHz"]), int(slot["powerShareHz"])
    return _joined(
        f"{start_hz / 1e6:.3f} to {stop_hz / 1e6:.3f} MHz",
        f"{(stop_hz - start_hz) / 1e6:.3f} MHz wide",
        f"power of {power_hz / 1e6:.3f} MHz",
        f"transponder {transponders[slot['transponderId']]}",
        slot["state"],
    )


def _terms(service: Body) -> Iterator[str]:
    """Where the customer of a lease may send, and how strongly."""
    told = {one["name"]: one.get("value") for one in service.get("serviceCharacteristic", [])}
    for way in ("uplink", "downlink"):
        if f"{way}LowEdgeHz" in told:
            low_hz, high_hz = told[f"{way}LowEdgeHz"], told[f"{way}HighEdgeHz"]
            yield f"{way} {low_hz / 1e6:.3f} to {high_hz / 1e6:.3f} MHz, {told.get(f'{way}Polarisation')}"
    if "satelliteEirpLimitDbw" in told:
        flux = told.get("fluxDensityLimitDbwPerM2")
        yield f"at most {told['satelliteEirpLimitDbw']} dBW of the satellite's EIRP, {flux} dBW/m2 at the satellite"


def _terminal(name: str, terminal: dict[str, Any]) -> str:
    pointing = [
        f"{what} {terminal[key]:.1f}°"
        for what, key in (("azimuth", "azimuthDeg"), ("elevation", "elevationDeg"))
        if terminal.get(key) is not None
    ]
    serial = terminal.get("serialNumber")
    return _joined(name, f"serial number {serial}" if serial else "", *pointing, terminal["state"])


def readings_of(test: Body) -> Iterator[str]:
    """What was measured, each reading beside its plan, and what is wrong with it."""
    planned = {one["name"]: one.get("value") for one in test.get("characteristic", [])}
    for one in test.get("testMeasure", []):
        name, value = one["metricName"], one["value"].get("value")
        plan = planned.get(f"planned{name[0].upper()}{name[1:]}")
        wrong = "".join(f" ({each['name']})" for each in one.get("ruleViolation", []))
        beside = f" of {reading(plan, one['unitOfMeasure'])}" if isinstance(plan, int | float) else ""
        yield f"{name} {reading(value, one['unitOfMeasure'])}{beside}{wrong}"


def reading(value: object, unit: str) -> str:
    """As a person writes it: rates in Mbit/s, frequencies in MHz, yes or no for a lock."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return "unread"
    if unit in LARGE:
        return f"{value / 1e6:.9g} {LARGE[unit]}"
    return f"{value:.2f} {unit}"
