"""What the demonstration tells: the question, its answer with the link budget, the steps, the test, the bill."""

import re
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
from rich.console import Console

from satcom.app.commands.delivery import reading
from satcom.app.commands.service import access_test_body
from satcom.app.demo_order import order_files, order_in
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, rule
from satcom.app.loading.loading import Change
from satcom.app.qualify import qualify_at
from satcom.app.qualify_terms import terms_at
from satcom.app.qualify_view import show_qualification
from satcom.core.clock import months_later, now
from satcom.core.database import Database, find
from satcom.core.values import instant_text
from satcom.market.catalog.product_offering import ProductOffering, service_sold
from satcom.market.order_item import OrderItem
from satcom.orchestration.operations.ordered_activation import access_is_tested
from satcom.service.demand import demand_of

Body: TypeAlias = dict[str, Any]  # JSON of the API
TMF: Final = "/tmf-api"
ORDERS: Final = f"{TMF}/productOrderingManagement/v4/productOrder"
PATH_AT: Final = "/satcom-api/service/v1/servicePathAt"
FLOWS: Final = f"{TMF}/processFlowManagement/v4/processFlow"
ENDED: Final = frozenset({"completed", "failed", "rejected", "cancelled", "partial"})
GONE: Final = frozenset({"failed", "rejected", "cancelled"})
TAKEN: Final = {
    "SpectrumAssignment": "slot",
    "PoolShare": "pool share",
    "ConstellationShare": "constellation share",
    "HubPortAssignment": "hub port",
    "Terminal": "terminal",
}
POLL_S, PATIENCE_S = 0.1, 300.0


class Story:
    """Tells one order, all of it asked over HTTP but the qualification at the beginning, which needs no order."""

    def __init__(self, opened: Database, url: str, token: str, console: Console) -> None:
        self.opened, self.url, self.token, self.console = opened, url, token, console
        headers = {"Authorization": f"Bearer {token}"}
        self.api = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def tell(self, folder: Path, changes: Sequence[Change]) -> list[str]:
        """Tell everything; the ids of the orders. The first is told in full."""
        self._loaded(changes)
        return [self._told(order_in(file), brief=rank > 0) for rank, file in enumerate(order_files(folder))]

    def _told(self, body: Body, brief: bool) -> str:
        rule(self.console, body.get("description") or body["externalId"])
        order = self._placed_before(body)
        if order is None:
            self._qualified(body, brief)
            order = self._place(body)
        else:
            self._head(f"The order is there already: {order['reference']}, placed {shown_instant(order['orderDate'])}")
        self._follow(order)
        order = self._get(f"{ORDERS}/{order['id']}")
        if order["state"] == "completed":
            self._delivered(order)
        else:
            notes = "; ".join(one["text"] for one in order.get("note", []))
            self.console.print(f"The order is {order['state']}: {notes}", style="bold red")
        return str(order["id"])

    def where_to_look(self, hub_url: str, hub_token: str) -> None:
        self._head("Where to look further")
        listing = Listing("what", "where", whole={"what"}, headed=False)
        listing.add("API, described", f"{self.url}/docs")
        listing.add("metrics", f"{self.url}/metrics")
        listing.add("hub simulator", f"{hub_url}/docs")
        listing.add("token of the API", self.token)
        listing.add("token of the hub", hub_token)
        listing.print_on(self.console)
        self.console.print(
            f"curl -H 'Authorization: Bearer {self.token}' {self.url}{ORDERS}", style="dim", soft_wrap=True
        )

    def _loaded(self, changes: Sequence[Change]) -> None:
        outcomes = [str(one.outcome) for one in changes]
        counts = ", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(outcomes))
        self._head(f"The operator is loaded: {len(changes)} objects, {counts}")

    def _placed_before(self, body: Body) -> Body | None:
        found: list[Body] = self._get(ORDERS, externalId=body["externalId"], sort="-orderDate")
        standing = [one for one in found if one["state"] not in GONE]
        return next((one for one in standing if one["state"] == "completed"), next(iter(standing), None))

    def _qualified(self, body: Body, brief: bool) -> None:
        """Ask the network first, as a sales engineer would."""
        item = OrderItem.model_validate(body["productOrderItem"][0])
        start_at = datetime.fromisoformat(body["requestedStartDate"]) if "requestedStartDate" in body else now()
        stop_at = months_later(start_at, item.term_months) if item.term_months else None
        began = time.perf_counter()
        with self.opened.as_worker() as session:
            offering = find(session, ProductOffering, item.offering_id)
            demand = demand_of(session, service_sold(session, offering), item.characteristics, start_at, stop_at, "/")
        answer = qualify_at(self.opened, demand)
        took_s = time.perf_counter() - began
        first = "" if brief else "; the first question reads the maps"
        self._head(f"Can it be delivered? Every satellite was asked in {took_s:.1f} s{first}")
        show_qualification(self.console, answer, terms_at(self.opened, answer, item.offering_id), brief)

    def _place(self, body: Body) -> Body:
        answer = self.api.post(
            ORDERS, json=body, headers={"Idempotency-Key": f"{body['externalId']}-{now():%Y%m%d%H%M%S}"}
        )
        answer.raise_for_status()
        order: Body = answer.json()
        self._head(f"The order is placed: {order['reference']}. Its steps:")
        return order

    def _follow(self, order: Body) -> None:
        """Each step when it is done, until the order has ended. The access test of a lease is done on the way."""
        seen: set[str] = set()
        order_id = order["id"]
        flow: Body = self._get(FLOWS, **{"relatedEntity.id": order_id})[0]
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            state = self._get(f"{ORDERS}/{order_id}", fields="state")["state"]
            for task in self._get(f"{FLOWS}/{flow['id']}/taskFlow", limit="100"):
                if task["id"] not in seen and task["state"] in ("completed", "hold", "cancelled"):
                    seen.add(task["id"])
                    self._step(task)
                if task["state"] == "active" and task["taskFlowSpecification"] == access_is_tested.__name__:
                    self._test_access(order, task, seen)
            if state in ENDED:
                return
            time.sleep(POLL_S)
        self.console.print(
            "It is not done yet; it goes on, and can be watched with: satcom order watch", style="yellow"
        )

    def _step(self, task: Body) -> None:
        about = {one["name"]: one["value"] for one in task.get("characteristic", [])}
        mark = {"completed": "[green]done[/green]", "hold": "[red]held[/red]"}.get(task["state"], task["state"])
        name = task["taskFlowSpecification"].replace("_", " ")
        took = ""
        if about.get("startedAt") and about.get("finishedAt"):
            took_s = datetime.fromisoformat(about["finishedAt"]) - datetime.fromisoformat(about["startedAt"])
            took = f"{took_s.total_seconds() * 1000:6.0f} ms"
        kind = {"outside": "at the hub", "wait": "a wait"}.get(str(about.get("kind")), "")
        self.console.print(f"  {mark}  {name:<26} {took:>10}  [dim]{kind}[/dim]", highlight=False)
        why = (about.get("fault") or {}).get("why")
        if why:
            self.console.print(f"        {why}", style="red", markup=False, highlight=False)

    def _test_access(self, order: Body, task: Body, seen: set[str]) -> None:
        """Be the NOC that watches the customer's carriers come on the air, just within what was leased."""
        if task["state"] in seen:
            return
        seen.add(task["state"])
        placed = self._get(f"{TMF}/serviceOrdering/v4/serviceOrder", externalId=order["id"])[-1]
        service = self._get(f"{TMF}/serviceInventory/v4/service/{placed['serviceOrderItem'][0]['service']['id']}")
        terms = {one["name"]: one["value"] for one in service["serviceCharacteristic"]}
        readings = {
            "lowEdge": (terms["downlinkLowEdgeHz"] + 10_000, "Hz"),
            "highEdge": (terms["downlinkHighEdgeHz"] - 10_000, "Hz"),
            "satelliteEirp": (terms["satelliteEirpLimitDbw"] - 0.3, "dBW"),
            "crossPolarIsolation": (33.0, "dB"),
        }
        self.console.print("  The NOC watches the customer's carriers; the demonstration makes its readings up.")
        body = access_test_body(service["id"], readings)
        path = f"{TMF}/serviceTestManagement/v4/serviceTest"
        self.api.post(path, json=body, headers={"Idempotency-Key": f"access-{service['id']}"}).raise_for_status()

    def _delivered(self, order: Body) -> None:
        product = self._get(f"{TMF}/productInventory/v4/product/{order['productOrderItem'][0]['product']['id']}")
        service = self._get(f"{TMF}/serviceInventory/v4/service/{product['realizingService'][0]['id']}")
        self._head("Taken of the network, so that nobody else can have it")
        listing = Listing("kind", "name", "extent", whole={"kind", "name"}, headed=False)
        for one in service["supportingResource"]:
            held = self._get(one["href"])
            about = {each["name"]: each["value"] for each in held.get("resourceCharacteristic", [])}
            listing.add(TAKEN.get(one["@referredType"], one["@referredType"]), one["name"], _extent(about))
        listing.print_on(self.console)
        self._carried(service["id"])
        self._tested(service["id"])
        self._billed(product["id"])

    def _carried(self, service_id: str) -> None:
        """Who carries a service over satellites that pass: now, soon, and on another day."""
        moments = [now() + timedelta(minutes=one) for one in (0, 20, 40, 7 * 24 * 60)]
        found = [self._get(PATH_AT, serviceId=service_id, at=instant_text(one)) for one in moments]
        if "constellation" not in found[0]:
            return
        self._head("Who carries it, now and later; satcom service path tells of any instant")
        listing = Listing("at", "satellite", "gateway", "until", whole={"at", "satellite"})
        for one in found:
            satellite = one["satellite"]["name"] if one["carried"] else f"nobody: {one['reason']}"
            gateway = one.get("earthStation", {}).get("name", "")
            until = shown_instant(one["until"]) if "until" in one else ""
            listing.add(shown_instant(one["at"]), satellite, gateway, until)
        listing.print_on(self.console)

    def _tested(self, service_id: str) -> None:
        tests = self._get(f"{TMF}/serviceTestManagement/v4/serviceTest", **{"relatedService.id": service_id})
        test: Body = tests[-1]
        planned = {one["name"]: one["value"] for one in test["characteristic"]}
        self._head(f"The service was tested against what was planned: {test['state']}")
        listing = Listing("measured", "read", "planned", "remark", whole={"measured", "read", "planned"})
        for measure in test["testMeasure"]:
            name = measure["metricName"]
            plan = planned.get(f"planned{name[0].upper()}{name[1:]}")
            remark = ", ".join(one["name"] for one in measure["ruleViolation"])
            read, unit = measure["value"]["value"], measure["unitOfMeasure"]
            beside = "" if plan is None else reading(plan, unit)
            listing.add(_words(name), reading(read, unit), beside, _words(remark))
        listing.print_on(self.console)

    def _billed(self, product_id: str) -> None:
        path = f"{TMF}/customerBillManagement/v4"
        lines = self._get(f"{path}/appliedCustomerBillingRate", **{"product.id": product_id})
        bill = self._get(f"{path}/customerBill/{lines[0]['bill']['id']}")
        self._head(f"The first bill: {bill['billNo']}, {bill['state']}")
        listing = Listing("charge", "how it was reckoned", "amount", whole={"charge", "amount"}, right={"amount"})
        for line in lines:
            listing.add(line["name"], line["description"], _money(line["taxExcludedAmount"]))
        for tax in bill["taxItem"]:
            listing.add(tax["taxCategory"], f"{tax['taxRate']:g} %", _money(tax["taxAmount"]))
        listing.add("due", f"by {bill['paymentDueDate'][:10]}", _money(bill["amountDue"]), style="bold")
        listing.print_on(self.console)

    def _get(self, path: str, **filters: str) -> Any:
        answer = self.api.get(path, params=filters)
        answer.raise_for_status()
        return answer.json()

    def _head(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/bold]", highlight=False)


def _words(name: str) -> str:
    """A name of the API as words: `forwardEsN0` is forward Es/N0."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("Es N0", "Es/N0").lower().replace("es/n0", "Es/N0")


def _extent(about: Body) -> str:
    if "powerShareHz" not in about:
        return ""
    width_hz = about["stopHz"] - about["startHz"]
    way = f"{about['direction']}, " if "direction" in about else ""
    return f"{way}{width_hz / 1e6:.3f} MHz, {about['powerShareHz'] / 1e6:.3f} MHz of power"


def _money(amount: Body) -> str:
    return f"{amount['value']:,.2f} {amount['unit']}"
