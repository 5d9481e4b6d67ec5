"""The driver of the hub NMS over its REST API: one HTTP request per action, repeated until it is answered.

Time-outs, lost connections, 5xx and 429 are repeated with growing, jittered pauses and the same idempotency key; so a
request whose answer was lost is not done twice. Any other 4xx is the hub's decision: `DriverRefused`. Thread-safe.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Literal, NoReturn, Self, TypeVar
from urllib.parse import quote

import httpx
import structlog
from pydantic import TypeAdapter, ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from satcom.core.tls import trusted_authorities
from satcom.core.traces import tell_callee
from satcom.core.values import Json
from satcom.resource.drivers.port import (
    CarrierConfiguration,
    CarrierMeasurement,
    Difference,
    DriverRefused,
    DriverUnavailable,
    HubConfiguration,
    Measurement,
    PlannedRequest,
    PortTaken,
    RatePlan,
    TerminalConfiguration,
)

Configured = CarrierConfiguration | TerminalConfiguration | RatePlan
Kind = Literal["carrier", "terminal", "plan"]
Body = dict[str, Json]
C = TypeVar("C", CarrierConfiguration, TerminalConfiguration, RatePlan)

NEW = frozenset({"transmit_power_dbw", "power_share", "handover_carriers"})
CARRIER = TypeAdapter(CarrierConfiguration)
TERMINAL = TypeAdapter(TerminalConfiguration)
PLAN = TypeAdapter(RatePlan)
WRITTEN: TypeAdapter[Configured] = TypeAdapter(Configured)
READING = TypeAdapter(CarrierMeasurement)
PATH = TypeAdapter(tuple[str | None, str | None])
MAPPING = TypeAdapter(dict[str, object])
PORT_TAKEN = "port_taken"
log = structlog.get_logger()


@dataclass(frozen=True)
class Page:
    """A page of what the hub holds of a kind; `next` asks for the one after it."""

    items: list[dict[str, object]]
    next: str | None


PAGE = TypeAdapter(Page)


class _Transient(Exception):
    """Worth asking again, not before `after_s`."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class HubNmsDriver:
    """A `HubDriver` for one NMS. Keeps connections open; close it, or use it in a `with`.

    `timeout_s` limits connecting and each wait for data; `attempts` counts all tries of one request; pauses between
    them grow from `first_pause_s` by doubling, with as much jitter, to at most `longest_pause_s`. `transport` puts
    something else in the place of the network.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 5.0,
        attempts: int = 6,
        first_pause_s: float = 0.1,
        longest_pause_s: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
            trust_env=False,  # a proxy for the web is no way to a hub
            verify=trusted_authorities(),
            transport=transport,
        )
        self._attempts, self._longest_pause_s = attempts, longest_pause_s
        self._pause = wait_exponential(multiplier=first_pause_s, max=longest_pause_s) + wait_random(0, first_pause_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def configure_carrier(self, carrier: CarrierConfiguration, key: str, cancels: str | None = None) -> None:
        self._put(carrier, key, cancels)

    def configure_terminal(self, terminal: TerminalConfiguration, key: str, cancels: str | None = None) -> None:
        self._put(terminal, key, cancels)

    def apply_plan(self, plan: RatePlan, key: str, cancels: str | None = None) -> None:
        self._put(plan, key, cancels)

    def remove_carrier(self, carrier_id: str, key: str, cancels: str | None = None) -> None:
        self._remove("carrier", carrier_id, key, cancels)

    def remove_terminal(self, terminal_id: str, key: str, cancels: str | None = None) -> None:
        self._remove("terminal", terminal_id, key, cancels)

    def remove_plan(self, plan_id: str, key: str, cancels: str | None = None) -> None:
        self._remove("plan", plan_id, key, cancels)

    def measure(self, terminal_id: str, key: str) -> Measurement:
        answer = self._ask("POST", f"{_path('terminal', terminal_id)}/measurement", key=key)
        try:
            told = MAPPING.validate_json(answer.content)
            back, latency_s = told.get("return"), told.get("round_trip_latency_s")
            path = PATH.validate_python((told.get("satellite_id"), told.get("hub_id")))
            return Measurement(
                terminal_id=terminal_id,
                forward=READING.validate_python(told.get("forward")),
                return_link=None if back is None else READING.validate_python(back),
                round_trip_latency_s=None if latency_s is None else float(str(latency_s)),
                satellite_id=path[0],
                hub_id=path[1],
            )
        except ValueError as fault:
            _not_understood(answer, fault)

    def read_back(self, asked: HubConfiguration) -> HubConfiguration:
        return HubConfiguration(
            carriers=self._held(asked.carriers, CARRIER),
            terminals=self._held(asked.terminals, TERMINAL),
            plans=self._held(asked.plans, PLAN),
        )

    def holds(self, wanted: Callable[[str], bool]) -> HubConfiguration:
        return HubConfiguration(
            carriers=tuple(self._listed("carrier", CARRIER, wanted)),
            terminals=tuple(self._listed("terminal", TERMINAL, wanted)),
            plans=tuple(self._listed("plan", PLAN, wanted)),
        )

    def plan_of_changes(self, desired: HubConfiguration) -> list[PlannedRequest]:
        planned = []
        actual = self._by_id(desired)
        for wanted in _in_order(desired):
            kind, held_id = _name(wanted)
            differences = _differences(wanted, actual.get((kind, held_id)))
            if differences:
                planned.append(PlannedRequest("PUT", _path(kind, held_id), _sent(wanted), differences))
        return planned

    def drift(self, desired: HubConfiguration) -> list[Difference]:
        actual = self._by_id(desired)
        return [
            difference
            for wanted in _in_order(desired)
            for difference in _differences(wanted, actual.get(_name(wanted)))
        ]

    def _by_id(self, asked: HubConfiguration) -> dict[tuple[Kind, str], Configured]:
        return {_name(held): held for held in _in_order(self.read_back(asked))}

    def _held(self, asked: tuple[C, ...], adapter: TypeAdapter[C]) -> tuple[C, ...]:
        held = []
        for wanted in asked:
            kind, held_id = _name(wanted)
            answer = self._find(_path(kind, held_id))
            if answer is None:
                continue
            try:
                told = MAPPING.validate_json(answer.content)
                held.append(adapter.validate_python({**told, f"{kind}_id": held_id}))
            except ValidationError as fault:
                _not_understood(answer, fault)
        return tuple(held)

    def _listed(self, kind: Kind, adapter: TypeAdapter[C], wanted: Callable[[str], bool]) -> Iterator[C]:
        """Page by page."""
        after: str | None = ""
        while after is not None:
            answer = self._ask("GET", f"/v1/{kind}s?after={quote(after, safe='')}")
            try:
                page = PAGE.validate_json(answer.content)
                for told in page.items:
                    if wanted(held_id := str(told["id"])):
                        yield adapter.validate_python({**told, f"{kind}_id": held_id})
            except (ValidationError, KeyError) as fault:
                _not_understood(answer, ValueError(fault))
            after = page.next

    def _find(self, path: str) -> httpx.Response | None:
        try:
            return self._ask("GET", path)
        except DriverRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    def _put(self, wanted: Configured, key: str, cancels: str | None) -> None:
        self._ask("PUT", _path(*_name(wanted)), key=key, cancels=cancels, body=_sent(wanted))

    def _remove(self, kind: Kind, held_id: str, key: str, cancels: str | None) -> None:
        self._ask("DELETE", _path(kind, held_id), key=key, cancels=cancels)

    def _ask(
        self, method: str, path: str, *, key: str | None = None, cancels: str | None = None, body: Body | None = None
    ) -> httpx.Response:
        """Send until answered."""
        headers = {}
        if key is not None:
            headers["Idempotency-Key"] = key
        if cancels is not None:
            headers["Cancels-Key"] = cancels
        tell_callee(headers)
        again = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._pause_before_next,
            retry=retry_if_exception_type(_Transient),
            reraise=True,
        )
        began, about = time.perf_counter(), log.bind(method=method, path=path)
        try:
            answer = again(self._send_once, method, path, headers, body)
        except _Transient as last:
            about.warning("hub away", tries=self._attempts, last=str(last))
            raise DriverUnavailable(f"{method} {path}: no answer in {self._attempts} attempts, last: {last}") from last
        except DriverRefused as refusal:
            about.info("hub refused", status=refusal.status, why=str(refusal)[:200])
            raise
        seconds = round(time.perf_counter() - began, 4)
        about.info("hub answered", status=answer.status_code, tries=again.statistics["attempt_number"], seconds=seconds)
        return answer

    def _send_once(self, method: str, path: str, headers: dict[str, str], body: Body | None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, headers=headers, json=body)
        except httpx.RequestError as fault:
            raise _Transient(f"{type(fault).__name__} {fault}".strip()) from fault
        if answer.status_code >= 500 or answer.status_code == 429:
            raise _Transient(f"the hub answered {answer.status_code}", _retry_after_s(answer))
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    def _pause_before_next(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked_for_s = fault.after_s if isinstance(fault, _Transient) else 0.0
        return max(self._pause(state), min(asked_for_s, self._longest_pause_s))


def _in_order(configuration: HubConfiguration) -> tuple[Configured, ...]:
    """What others rest on comes first."""
    return (*configuration.carriers, *configuration.terminals, *configuration.plans)


def _name(configured: Configured) -> tuple[Kind, str]:
    match configured:
        case CarrierConfiguration():
            return "carrier", configured.carrier_id
        case TerminalConfiguration():
            return "terminal", configured.terminal_id
        case RatePlan():
            return "plan", configured.plan_id


def _path(kind: Kind, held_id: str) -> str:
    return f"/v1/{kind}s/{quote(held_id, safe='')}"


def _sent(configured: Configured) -> Body:
    """As the hub wants it: the id stands in the path.

    What is new since 0.1.0 is left out while empty: a call repeated after an upgrade is the same request.
    """
    kind, _ = _name(configured)
    body: Body = WRITTEN.dump_python(configured, mode="json")
    del body[f"{kind}_id"]
    return {name: value for name, value in body.items() if name not in NEW or value not in (None, [])}


def _differences(wanted: Configured, actual: Configured | None) -> tuple[Difference, ...]:
    kind, held_id = _name(wanted)
    if actual is None:
        return (Difference(kind, held_id, "exists", True, False),)
    pairs = [(field.name, _told(wanted, field.name), _told(actual, field.name)) for field in fields(wanted)]
    return tuple(Difference(kind, held_id, name, mine, theirs) for name, mine, theirs in pairs if mine != theirs)


def _told(configured: Configured, name: str) -> str | float | bool | None:
    """The field's value as a person compares it."""
    if isinstance(configured, TerminalConfiguration) and name == "handover_carriers":
        return ", ".join(f"{one.carrier_id} and {one.return_carrier_id}" for one in configured.handover_carriers)
    value: str | float | bool | None = getattr(configured, name)
    return value


def _refusal(answer: httpx.Response) -> DriverRefused:
    """The hub's own words, or what it sent when those are not in their place."""
    try:
        error = MAPPING.validate_python(MAPPING.validate_json(answer.content).get("error"))
    except ValidationError:
        return DriverRefused(answer.status_code, "unknown", answer.text[:200] or answer.reason_phrase)
    kind = PortTaken if error.get("code") == PORT_TAKEN else DriverRefused
    return kind(answer.status_code, str(error.get("code")), str(error.get("message")))


def _retry_after_s(answer: httpx.Response) -> float:
    """`Retry-After` in seconds; its other form, a date, is not used by this hub."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else 0.0


def _not_understood(answer: httpx.Response, fault: ValueError) -> NoReturn:
    raise DriverUnavailable(f"the hub's answer to {answer.request.url.path} is not understood: {fault}") from fault
