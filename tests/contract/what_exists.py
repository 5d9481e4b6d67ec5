"""What exists of a running operator, said to whoever makes requests from the API description.

From the description alone nobody knows an id, and a request that names nothing gets no further than that. Here every
POST is sent once as its example says, with what its words stand for, and the description comes back with examples
that name what is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from satcom.app.api_examples import (
    A_LEASE,
    A_POOL,
    A_PURCHASE,
    A_SERVICE,
    AN_AWAITED,
    AN_INSTALLED,
    AN_ORDER,
    LINK,
    SITE,
    example_bodies,
)
from satcom.core.clock import now
from satcom.core.loading import loaded_id
from satcom.core.values import Json, instant_text
from tests.scenarios.a_running_operator import ORDERS, RESOURCES, SERVICES, TMF, Body, RunningOperator, characteristics
from tests.scenarios.an_installed_order import APPOINTMENTS, a_free_visit, an_installed_order

LEASE: Final = "transponder_lease_order.yaml"
OWN: Final = "/satcom-api"
APPROVALS, RULES = f"{OWN}/market/v1/orderApproval", f"{OWN}/market/v1/approvalRule"
SWAPS, SUPPLY = f"{OWN}/service/v1/terminalSwap", f"{OWN}/supplyChain/v1"
POOLS: Final = f"{TMF}/resourcePoolManagement/v4/resourcePool"
PASSES: Final = f"{OWN}/resource/v1/passPlan"
PRODUCTS: Final = f"{TMF}/productInventory/v4/product"
HUB: Final = f"{TMF}/party/v4/hub"
SERIALS: Final = {"SN-0001": "SN-1001", "SN-0002": "SN-1002"}  # those in the examples are taken once they were sent
IN_QUERY: Final[Body] = {
    **SITE,
    **LINK,
    "satelliteId": loaded_id("Satellite", "sat-amos-17"),
    "transponderId": loaded_id("Transponder", "tp-amos-17-ku-1v"),
    "serialNumber": "STOCK-JOHANNESBURG-KU-120-0001",
    "bandwidthHz": 1_000_000,
    "days": 7,
    "hours": 1,
}
SAID_AGAIN: Final = ("billingAccount", "partnership", "partyAccount", "settlementAccount")
# What a PATCH may say where its own example names nothing that exists, by the name of the collection.
CHANGES: Final[Body] = {
    **{name: body for name, body in example_bodies().items() if name in SAID_AGAIN},
    "inServiceDateChange": {"state": "confirmed"},
    "listener": {"state": "parked"},
    "orderApproval": {"state": "approved"},
    "reservation": {"validFor": {"endDateTime": instant_text(now() + timedelta(days=3))}},
    "taskFlow": {"state": "active"},
    "terminalSwap": {"state": "undone"},
}
A_BEAM: Final[Body] = {
    "bandwidthHz": 216_000_000,
    "uplinkCenterHz": 28_400_000_000,
    "downlinkCenterHz": 18_600_000_000,
    "uplinkPolarisation": "lhcp",
    "downlinkPolarisation": "rhcp",
    "eirpSaturationDbw": 54,
    "gOverTDbPerK": 9,
    "sfdDbwPerM2": -86,
    "inputBackoffDb": 3,
    "outputBackoffDb": 2,
}


def _values(**given: Json) -> Json:
    return [{"name": name, "value": value} for name, value in given.items()]


A_CONSTELLATION: Final[Body] = {
    "@type": "Constellation",
    "name": "A ring",
    "resourceCharacteristic": _values(
        userBand="Ka", lowestElevationDeg=10, beamDiameterKm=500, forward=A_BEAM, returnLink=A_BEAM
    ),
}
AN_AWAITED_SATELLITE: Final[Body] = {
    "@type": "Satellite",
    "name": "An awaited satellite",
    "resourceCharacteristic": _values(
        noradId=99998,
        orbitalLongitudeDeg=12.5,
        state="planned",
        inServiceDate=f"{now() + timedelta(days=300):%Y-%m-%d}",
    ),
}


@dataclass(frozen=True)
class Existing:
    """The API description with ids as examples; those ids by their collection; the answers of each POST, by path."""

    description: Body
    ids: dict[str, list[str]]
    made: dict[str, httpx.Response]


def what_exists(operator: RunningOperator) -> Existing:
    """Make one of everything, and look what is there."""
    described: Body = operator.get("/openapi.json")
    examples = {path: content.get("example") or content["schema"]["example"] for path, content in _bodies(described)}
    making = _Making(operator, examples)
    swap = making.a_swap()  # first: orders take what is in stock
    words = making.words()
    instead = {APPOINTMENTS: a_free_visit(operator, words[AN_INSTALLED]), SWAPS: swap}
    for path, content in sorted(_bodies(described)):
        content["example"] = _said(examples[path], words) | instead.get(path, {})
        if path not in making.made:
            making.sent(path, content["example"])
        content["example"] = _said(content["example"], SERIALS)
    making.post(HUB, {"callback": "http://127.0.0.1:9/another"})  # the last of all listeners, not of its hub
    flow = operator.flow(words[AN_INSTALLED])["id"]
    paths = [path for path in described["paths"] if f"{path}/{{id}}" in described["paths"]]
    ids = {path: _ids(operator, path.format(processFlowId=flow), making.made.get(path)) for path in paths}
    in_query = {
        "constellation": making.post(RESOURCES, A_CONSTELLATION),
        "entityId": words[AN_ORDER],
        "processFlowId": flow,
        "productId": ids[PRODUCTS][0],
        "productOrderId": words[AN_ORDER],
        "serviceId": words[A_SERVICE],
    }
    _with_examples(described, ids, IN_QUERY | in_query)
    return Existing(described, ids, making.made)


@dataclass
class _Making:
    """`made` keeps the first answer to each POST that was taken."""

    operator: RunningOperator
    examples: Body
    made: dict[str, httpx.Response] = field(default_factory=dict)

    def sent(self, path: str, body: Json) -> httpx.Response:
        answer = self.operator.api().post(path, json=body)
        if answer.status_code == 201:
            self.made.setdefault(path, answer)
        return answer

    def post(self, path: str, body: Json) -> str:
        answer = self.sent(path, body)
        assert answer.status_code == 201, f"{path}: {answer.text}"
        return str(answer.json()["id"])

    def words(self) -> dict[str, str]:
        """What the words in the examples stand for."""
        later = self.examples[ORDERS] | {"requestedStartDate": instant_text(now() + timedelta(days=30))}
        self.an_approval(later)
        return {
            AN_ORDER: self.post(ORDERS, later),
            AN_INSTALLED: an_installed_order(self.operator),
            AN_AWAITED: self.post(RESOURCES, AN_AWAITED_SATELLITE),
            A_PURCHASE: self.post(f"{SUPPLY}/purchaseOrder", self.examples[f"{SUPPLY}/purchaseOrder"]),
            A_POOL: self.post(POOLS, self.examples[POOLS]),
            A_SERVICE: self.operator.get(SERVICES, state="active")[0]["id"],
            A_LEASE: self.a_lease(),
        }

    def an_approval(self, order: Body) -> None:
        """An order that waits for one."""
        rule = self.post(RULES, {"abovePerMonth": 1, "role": "finance"})
        self.post(ORDERS, order)
        self.operator.wait_for(lambda: bool(self.operator.get(APPROVALS)), "an order to wait for its approval")
        assert self.operator.api().delete(f"{RULES}/{rule}").status_code == 204
        del self.made[RULES]

    def a_lease(self) -> str:
        """The id of a service that waits for its access test."""
        order_id = self.operator.order(LEASE)
        self.operator.wait_for_task(order_id, "access_is_tested", "active")
        placed = self.operator.get(f"{TMF}/serviceOrdering/v4/serviceOrder", externalId=order_id)
        return str(placed[-1]["serviceOrderItem"][0]["service"]["id"])

    def a_swap(self) -> Body:
        """A swap under way, as it was asked for."""
        at_site = [characteristics(one) for one in self.operator.get(RESOURCES, **{"@type": "Terminal"})]
        kind = next(one["terminalTypeId"] for one in at_site if one["state"] == "inService")
        free = self.operator.get(f"{SUPPLY}/stockedTerminal", terminalTypeId=kind, state="inStock")
        service = self.operator.get(SERVICES, state="active")[0]["id"]
        body = {"serviceId": service, "serialNumber": free[0]["serialNumber"], "reason": "its BUC does not transmit"}
        self.post(SWAPS, body)
        return body


def _bodies(described: Body) -> Iterator[tuple[str, Body]]:
    """Every POST body of the description, by path."""
    for path, operations in described["paths"].items():
        if "post" in operations and "{" not in path:
            yield path, operations["post"]["requestBody"]["content"]["application/json"]


def _said(example: Any, words: dict[str, str]) -> Any:
    match example:
        case dict():
            return {name: _said(value, words) for name, value in example.items()}
        case list():
            return [_said(one, words) for one in example]
        case str():
            return words.get(example, example)
    return example


def _ids(operator: RunningOperator, path: str, made: httpx.Response | None) -> list[str]:
    """What was made comes last."""
    last = [made.json()["id"]] if made else []
    return [one["id"] for one in operator.get(path) if one["id"] not in last] + last


def _with_examples(described: Body, ids: dict[str, list[str]], in_query: Body) -> None:
    """Each path names the last of its collection, which was made for it and may go."""
    for path, operations in described["paths"].items():
        collection = path.partition("/{id}")[0]
        known = in_query | {"id": next(reversed(ids.get(collection, [])), None)}
        if path == PASSES:
            del known["constellation"]  # there it is a name, and no satellite has one
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                value = known.get(parameter["name"])
                if value is not None:
                    parameter["example"] = [value] if "'array'" in str(parameter["schema"]) else value
        change = CHANGES.get(collection.rsplit("/", 1)[1])
        if change is not None and "patch" in operations:
            operations["patch"]["requestBody"]["content"]["application/json"]["example"] = change
