"""The people of one run: customers who order, change their mind and lose patience, who receives the goods, and the NOC.

They work over HTTP alone, and ask again with the same key while the server is away; so what they want happens once.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

import httpx

from tests.crash.an_installation import Installation
from tests.crash.kind_of_flow import new
from tests.crash.sold import CHAD, Offers, Sold, links_only

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
FLOWS = "/tmf-api/processFlowManagement/v4/processFlow"
PURCHASES = "/satcom-api/supplyChain/v1/purchaseOrder"
RECEIPTS = "/satcom-api/supplyChain/v1/goodsReceipt"
ENDED = frozenset({"completed", "cancelled", "rejected", "failed"})
CAPACITY = "/satcom-api/supplyChain/v1/partnerCapacity"
WAITS = "/satcom-api/orchestration/v1/wait"
SERVICES = "/tmf-api/serviceInventory/v4/service"
TESTS = "/tmf-api/serviceTestManagement/v4/serviceTest"
HEAVY_RAIN_DB = 40.0
RATES_BPS = (512_000, 768_000, 1_000_000)
STEP_S = 1.0  # looking oftener costs the server more than all orders
PATIENCE_S = 600.0  # a server that is killed again and again on a busy machine is away for long
Body = dict[str, Any]  # JSON gives any


class Kind(StrEnum):
    PATIENT = "waits for whatever it takes"
    IMPOSSIBLE = "orders where the operator has no licence"
    FICKLE = "cancels after a moment"
    IMPATIENT = "cancels while somebody else is awaited: a terminal, the NOC, a partner, a satellite"
    RAINED_ON = "cancels when the test of the service fails"


@dataclass
class Story:
    """One order from its placing to its end. `at_s` is when its customer acts, after it could."""

    number: int
    kind: Kind
    at_s: float
    rate_bps: int
    sold: Sold = Sold.LINK
    order: str = ""
    reference: str = ""
    state: str = ""
    could_act_at: float | None = None
    acted: bool = False
    flow: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def due(self) -> bool:
        """Whether the moment to act has come, counted from the first time that it was possible."""
        self.could_act_at = self.could_act_at or time.monotonic()
        return not self.acted and time.monotonic() >= self.could_act_at + self.at_s


class Office:
    """All stories of a run."""

    def __init__(
        self, installation: Installation, random: Random, offers: Offers | None = None, first: int = 0
    ) -> None:
        self.installation, self.random, self.first = installation, random, first
        self.offers = offers or links_only(installation.operation)
        self.stories: list[Story] = []
        self._client = httpx.Client(
            base_url=installation.url, headers=installation.headers, timeout=30, trust_env=False, verify=False
        )

    def close(self) -> None:
        self._client.close()

    def place(self, kinds: Iterable[Kind]) -> None:
        """Orders of links, placed all at the same time."""
        self.place_each((Sold.LINK, kind) for kind in kinds)

    def place_each(self, kinds: Iterable[tuple[Sold, Kind]], rates: Sequence[int] = RATES_BPS) -> None:
        """Orders, placed all at the same time."""
        first = self.first + len(self.stories)
        new = [
            Story(first + index, kind, self.random.uniform(0, 3), self.random.choice(rates), sold)
            for index, (sold, kind) in enumerate(kinds)
        ]
        self.stories += new
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(self._order, new))

    def order_anew(self) -> list[Story]:
        """Whoever's order is not there any more places it again, under the same key; whose they are."""
        there = {one["id"] for one in self.listed(ORDERS, fields="id")}
        lost = [one for one in self.stories if one.order not in there]
        for story in lost:
            story.state, story.flow, story.could_act_at, story.acted = "", "", None, False
            self._order(story)
        return lost

    def step(self) -> None:
        """See how far all are, and do what is due."""
        states = {one["id"]: one["state"] for one in self.listed(ORDERS, fields="id,state")}
        purchases = {one["orderId"]: one for one in self.listed(PURCHASES, state="ordered")}
        at_partner = {one["orderId"] for one in self.listed(CAPACITY, state="ordered")}
        waits = self.waits()
        on_the_air = waits["access_is_tested"]
        for story in self.stories:
            story.state = states[story.order]
            if story.ended:
                continue
            purchase = purchases.get(story.order)
            awaited = purchase is not None or story.order in at_partner
            awaited |= story.reference in on_the_air | waits["satellite_is_in_service"]
            if story.sold is Sold.LEASE and story.reference in on_the_air:
                self._watch_the_air(story)
            else:
                self._act(story, awaited, purchase)

    def until(self, done: Callable[[], bool], within_s: float) -> bool:
        """Go on until `done`; false when that takes longer."""
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            self.step()
            if done():
                return True
            time.sleep(STEP_S)
        return False

    def waits(self) -> dict[str, set[str]]:
        """Which orders wait for somebody, by the task."""
        found: dict[str, set[str]] = defaultdict(set)
        for wait in self.listed(WAITS):
            found[wait["taskFlowSpecification"]].add(wait["orderReference"])
        return found

    def open(self) -> list[Story]:
        return [story for story in self.stories if not story.ended]

    def listed(self, path: str, **filters: str) -> list[Body]:
        answer = self.ask("GET", path, params={"limit": "1000", **filters})
        assert answer.status_code in (200, 206), answer.text  # 206: one more came while they were counted
        rows: list[Body] = answer.json()
        return rows

    def _act(self, story: Story, awaited: bool, purchase: Body | None) -> None:
        """`awaited`: the order waits for somebody; a terminal on its way for its receipt."""
        if story.kind is Kind.FICKLE or (story.kind is Kind.IMPATIENT and awaited):
            if story.due():
                self._cancel(story)
        elif purchase is not None:
            if story.due():
                if story.kind is Kind.RAINED_ON:
                    self._let_it_rain(story)
                self._receive(purchase)
        elif story.kind is Kind.RAINED_ON and story.could_act_at is not None:
            self._give_up_in_the_rain(story)

    def _give_up_in_the_rain(self, story: Story) -> None:
        if not story.acted and self._test_failed(story):
            self._cancel(story)

    def _watch_the_air(self, story: Story) -> None:
        """The NOC records the access test; who is rained on sends too high, and does not wait for another."""
        if story.kind in (Kind.FICKLE, Kind.IMPATIENT):
            self._act(story, True, None)
        elif story.due():
            too_high = story.kind is Kind.RAINED_ON
            self._record_access_test(story, beyond_hz=1_000_000 if too_high else 0)
            if too_high:
                self._cancel(story)

    def _order(self, story: Story) -> None:
        place = CHAD if story.kind is Kind.IMPOSSIBLE else None
        body = self.offers.order_body(story.sold, story.rate_bps, place) | {"externalId": new(story.sold)}
        answer = self.ask("POST", ORDERS, body, key=f"order {story.number}")
        assert answer.status_code == 201, answer.text
        story.order, story.reference = answer.json()["id"], answer.json()["reference"]

    def _cancel(self, story: Story) -> None:
        """It may be too late: 409."""
        body: Body = {"productOrder": {"id": story.order}, "cancellationReason": "no longer wanted"}
        answer = self.ask("POST", CANCELLATIONS, body, key=f"cancel {story.number}")
        assert answer.status_code in (201, 409), answer.text
        story.acted = True

    def _receive(self, purchase: Body) -> None:
        """It may have been cancelled just now: 409."""
        body: Body = {"purchaseOrder": {"id": purchase["id"]}, "serialNumber": [f"B-{purchase['reference']}"]}
        answer = self.ask("POST", RECEIPTS, body, key=f"receipt {purchase['id']}")
        assert answer.status_code in (201, 409), answer.text

    def _record_access_test(self, story: Story, beyond_hz: int) -> None:
        """It may have been cancelled just now: 422."""
        service = self._service_of(story)
        terms = {one["name"]: one.get("value") for one in service["serviceCharacteristic"]}
        if "downlinkLowEdgeHz" not in terms:
            return
        readings = {
            "lowEdge": (terms["downlinkLowEdgeHz"], "Hz"),
            "highEdge": (terms["downlinkHighEdgeHz"] + beyond_hz, "Hz"),
            "satelliteEirp": (terms["satelliteEirpLimitDbw"], "dBW"),
            "crossPolarIsolation": (32.0, "dB"),
        }
        body: Body = {
            "name": "Access test",
            "relatedService": {"id": service["id"]},
            "testSpecification": {"id": "access-test"},
            "testMeasure": [
                {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}
                for name, (value, unit) in readings.items()
            ],
        }
        answer = self.ask("POST", TESTS, body, key=f"access test {story.number}")
        assert answer.status_code in (201, 422), answer.text

    def _service_of(self, story: Story) -> Body:
        ordered = self.listed(SERVICE_ORDERS, externalId=story.order)
        found: Body = self.ask("GET", f"{SERVICES}/{ordered[0]['serviceOrderItem'][0]['service']['id']}").json()
        return found

    def _let_it_rain(self, story: Story) -> None:
        """The test of this order's link will fail."""
        ordered = self.listed(SERVICE_ORDERS, externalId=story.order)
        if not ordered:
            return
        self.weather(ordered[0]["serviceOrderItem"][0]["service"]["id"], HEAVY_RAIN_DB)

    def weather(self, service: str, fade_db: float) -> None:
        """Over the terminal of a service."""
        hub = self.installation.operation.hub
        where = f"{hub.url}/v1/sky/terminals/{service}-terminal/weather"
        self.ask("PUT", where, {"fade_db": fade_db}, headers={"Authorization": f"Bearer {hub.token}"})

    def _test_failed(self, story: Story) -> bool:
        if not story.flow:
            flows = self.listed(FLOWS, fields="id,relatedEntity")
            story.flow = next(one["id"] for one in flows if one["relatedEntity"][0]["id"] == story.order)
        tests = self.listed(f"{FLOWS}/{story.flow}/taskFlow", taskFlowSpecification="accept_test")
        return [one["state"] for one in tests] == ["hold"]

    def ask(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        key: str | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Until there is an answer; what is away comes back."""
        given = dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = self._client.request(method, path, json=body, params=params, headers=given)
                if answer.status_code != 503 or time.monotonic() > give_up:
                    return answer
            except httpx.TransportError:
                if time.monotonic() > give_up:
                    raise
            time.sleep(0.3)
