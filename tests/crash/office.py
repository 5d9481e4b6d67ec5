"""The people of one run: customers who order, change their mind and lose patience, and who receives the goods.

They work over HTTP alone, and ask again with the same key while the server is away; so what they want happens once.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

import httpx

from satcom.core.values import Json
from tests.crash.an_installation import Installation
from tests.market.a_market import an_order_body

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
FLOWS = "/tmf-api/processFlowManagement/v4/processFlow"
PURCHASES = "/satcom-api/supplyChain/v1/purchaseOrder"
RECEIPTS = "/satcom-api/supplyChain/v1/goodsReceipt"
ENDED = frozenset({"completed", "cancelled", "rejected", "failed"})
HEAVY_RAIN_DB = 40.0
PATIENCE_S = 600.0  # a server that is killed again and again on a busy machine is away for long
Body = dict[str, Any]  # JSON gives any


class Kind(StrEnum):
    PATIENT = "waits for whatever it takes"
    IMPOSSIBLE = "orders where the operator has no licence"
    FICKLE = "cancels after a moment"
    IMPATIENT = "cancels while the terminal is on its way"
    RAINED_ON = "cancels when the test of the link fails"


@dataclass
class Story:
    """One order from its placing to its end. `at_s` is when its customer acts, after it could."""

    number: int
    kind: Kind
    at_s: float
    rate_bps: int
    order: str = ""
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

    def __init__(self, installation: Installation, random: Random) -> None:
        self.installation, self.random = installation, random
        self.stories: list[Story] = []
        self._client = httpx.Client(
            base_url=installation.url, headers=installation.headers, timeout=30, trust_env=False
        )

    def close(self) -> None:
        self._client.close()

    def place(self, kinds: Iterable[Kind]) -> None:
        """Orders, placed all at the same time."""
        first = len(self.stories)
        new = [
            Story(first + index, kind, self.random.uniform(0, 3), self.random.choice((512_000, 768_000, 1_000_000)))
            for index, kind in enumerate(kinds)
        ]
        self.stories += new
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(self._order, new))

    def step(self) -> None:
        """See how far all are, and do what is due."""
        states = {one["id"]: one["state"] for one in self.listed(ORDERS, fields="id,state")}
        purchases = {one["orderId"]: one for one in self.listed(PURCHASES, state="ordered")}
        for story in self.stories:
            story.state = states[story.order]
            if not story.ended:
                self._act(story, purchases.get(story.order))

    def until(self, done: Callable[[], bool], within_s: float) -> bool:
        """Go on until `done`; false when that takes longer."""
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            self.step()
            if done():
                return True
            time.sleep(0.3)
        return False

    def open(self) -> list[Story]:
        return [story for story in self.stories if not story.ended]

    def listed(self, path: str, **filters: str) -> list[Body]:
        answer = self.ask("GET", path, params={"limit": "1000", **filters})
        assert answer.status_code in (200, 206), answer.text  # 206: one more came while they were counted
        rows: list[Body] = answer.json()
        return rows

    def _act(self, story: Story, purchase: Body | None) -> None:
        match story.kind:
            case Kind.FICKLE:
                if story.due():
                    self._cancel(story)
            case Kind.IMPATIENT if purchase is not None:
                if story.due():
                    self._cancel(story)
            case Kind.RAINED_ON if purchase is None and story.could_act_at is not None:
                if not story.acted and self._test_failed(story):
                    self._cancel(story)
            case _ if purchase is not None and story.due():
                if story.kind is Kind.RAINED_ON:
                    self._let_it_rain(story)
                    self._receive(purchase)
                else:
                    self._receive(purchase)

    def _order(self, story: Story) -> None:
        wanted: dict[str, Json] = {"downlinkRateBps": story.rate_bps, "uplinkRateBps": story.rate_bps // 2}
        if story.kind is Kind.IMPOSSIBLE:
            wanted |= {"latitudeDeg": 15, "longitudeDeg": 18}
        body = an_order_body(self.installation.operation.market, **wanted)
        answer = self.ask("POST", ORDERS, body, key=f"order {story.number}")
        assert answer.status_code == 201, answer.text
        story.order = answer.json()["id"]

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

    def _let_it_rain(self, story: Story) -> None:
        """The test of this order's link will fail."""
        ordered = self.listed(SERVICE_ORDERS, externalId=story.order)
        if not ordered:
            return
        service = ordered[0]["serviceOrderItem"][0]["service"]["id"]
        weather = f"{self.installation.operation.hub.url}/v1/sky/terminals/{service}-terminal/weather"
        token = {"Authorization": f"Bearer {self.installation.operation.hub.token}"}
        self.ask("PUT", weather, {"fade_db": HEAVY_RAIN_DB}, headers=token)

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
