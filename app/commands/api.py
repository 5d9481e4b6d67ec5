"""The API as the commands use it: where it is, who asks, and its refusals as lines that a person can act on."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Self, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import typer

from satcom.app.as_typed import as_typed
from satcom.core.errors import Fault, Unable
from satcom.core.values import Json

Body: TypeAlias = dict[str, Any]  # JSON of the API
Url = Annotated[str, typer.Option("--url", envvar="SATCOM_URL", help="Where the API is.")]
Token = Annotated[
    str, typer.Option("--token", envvar="SATCOM_TOKEN", help="Who asks: satcom token create.", show_default=False)
]
HERE: Final = "http://127.0.0.1:8000"
TMF: Final = "/tmf-api"
ORDERS: Final = f"{TMF}/productOrderingManagement/v4/productOrder"
CANCELLATIONS: Final = f"{TMF}/productOrderingManagement/v4/cancelProductOrder"
FLOWS: Final = f"{TMF}/processFlowManagement/v4/processFlow"
OPERATOR: Final = "/satcom-api/enterprise/v1/operator"
TIMEOUT_S: Final = 30.0
MOST_AT_ONCE: Final = 1000
TRIES, PAUSE_S = 3, 0.5
LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class ApiRefused(Unable):
    """The API said no; one line for each fault, with its field and what would be accepted."""

    def __init__(self, status: int, lines: list[str], faults: Sequence[Fault] = ()) -> None:
        self.status = status
        super().__init__("\n".join(lines))
        self.faults = tuple(faults)


class ApiAway(Unable):
    """Nobody answers, or not just now; it may be asked again."""


class Api:
    """The API for one caller. Use it in a `with`."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        if not token:
            raise ApiRefused(401, ["--token: it is missing (accepted: an access token, here or as SATCOM_TOKEN)"])
        if not token.isascii() or not token.isprintable():
            raise ApiRefused(401, ["--token: it is no access token; satcom token create makes one"])
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ApiRefused(400, [f"--url: {url!r} is no address (accepted: {HERE}, or another http or https one)"])
        self.client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=parts.hostname not in LOCAL,  # a proxy for the web is no way to this machine
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str, **query: str | list[str]) -> Any:
        """Raises `ApiRefused`, `ApiAway`."""
        return self._ask("GET", path, query=query).json()

    def get_all(self, path: str, **query: str | list[str]) -> list[Body]:
        """The whole of a list, page by page; `sort` names what tells every entry from every other."""
        found: list[Body] = []
        while True:
            page: list[Body] = self.get(path, limit=str(MOST_AT_ONCE), offset=str(len(found)), **query)
            found += page
            if len(page) < MOST_AT_ONCE:
                return found

    def get_file(self, path: str, media_type: str, **query: str | list[str]) -> bytes:
        """The answer in another form than JSON. Raises `ApiRefused`, `ApiAway`."""
        return self._ask("GET", path, query=query, headers={"Accept": media_type}).content

    def post(self, path: str, body: Json, key: str) -> Body:
        """Carried out once, however often it is asked: `key` is the same each time."""
        return self._written("POST", path, body, key)

    def patch(self, path: str, body: Json, key: str) -> Body:
        return self._written("PATCH", path, body, key)

    def delete(self, path: str) -> None:
        """Raises `ApiRefused`, `ApiAway`."""
        self._ask("DELETE", path)

    def _written(self, method: str, path: str, body: Json, key: str) -> Body:
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        for tried in range(1, TRIES + 1):
            try:
                answer: Body = self._ask(method, path, content=json.dumps(body), headers=headers).json()
            except ApiAway:
                if tried == TRIES:
                    raise
                time.sleep(PAUSE_S)
            else:
                return answer
        raise AssertionError("the loop above ends otherwise")

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | list[str]] | None = None,
        content: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self.client.request(method, path, params=query, content=content, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as lost:
            how = "start it with satcom serve, or say where it is with --url or SATCOM_URL"
            raise ApiAway(f"{self.url} does not answer ({str(lost)[:100]}); {how}") from lost
        if answer.status_code in (502, 503, 504):
            raise ApiAway(f"{self.url}: " + "; ".join(str(refusal_in(answer)).splitlines()))
        if answer.is_error:
            raise refusal_in(answer)
        return answer


def refusal_in(answer: httpx.Response) -> ApiRefused:
    """What the answer says is wrong: `field: why (accepted: what)`, a line for each fault."""
    status = answer.status_code
    try:
        body = answer.json()
    except ValueError:
        return ApiRefused(status, [f"HTTP {status} from {answer.url}: this is not the API of satcom"])
    faults = body.get("fault") if isinstance(body, dict) else None
    if not isinstance(faults, list) or not faults:
        return ApiRefused(status, [f"HTTP {status}: {str(body)[:300]}"])
    told = (("field", ""), ("reason", ""), ("code", ""), ("accepted", None))
    return ApiRefused(status, [], [Fault(*(one.get(name, missing) for name, missing in told)) for one in faults])


def order_called(api: Api, name: str) -> Body:
    """The order of this reference or id. Raises `ApiRefused` when there is none that may be seen."""
    if is_id(name):
        with as_typed({"id": "ORDER"}):
            found: Body = api.get(f"{ORDERS}/{name}")
        return found
    orders: list[Body] = api.get(ORDERS, reference=name)
    if len(orders) != 1:
        raise ApiRefused(
            404, [f"ORDER: there is no order {name!r} (accepted: a reference as PO-2026-000001, or an id)"]
        )
    return orders[0]


def flow_of(api: Api, order: Body) -> Body | None:
    """The newest plan of the order, or `None` while it has none."""
    flows: list[Body] = api.get(FLOWS, **{"relatedEntity.id": order["id"]})
    return max(flows, key=lambda one: str(one["id"]), default=None)


def tasks_of(api: Api, flow: Body) -> list[Body]:
    """Its tasks in the order of the plan."""
    tasks: list[Body] = api.get(f"{FLOWS}/{flow['id']}/taskFlow", limit="1000")
    return tasks


def operator_zone(api: Api) -> ZoneInfo:
    """The time zone in which the operator does business. Raises `ApiRefused` while none is loaded."""
    found: list[Body] = api.get(OPERATOR, fields="timeZone")
    if not found:
        raise ApiRefused(404, ["there is no operator yet, so no time zone (accepted: a date with its offset)"])
    return ZoneInfo(found[0]["timeZone"])


def told(body: Body, listed: str = "characteristic") -> dict[str, Any]:
    """Its characteristics by name."""
    return {one["name"]: one.get("value") for one in body.get(listed, [])}


def is_id(name: str) -> bool:
    """Whether it is written as ids are."""
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False
