"""Faults on demand: what the network and a real NMS do to a careless client.

Stands before the application and decides, by the rules set with `PUT /v1/faults`, what happens to a request on
/v1/carriers, /v1/terminals and /v1/plans: `slow` waits and then does it; `error500` answers 500 and does nothing;
`effect_done_answer_lost` does it and closes the connection without a byte; `duplicate` does it twice, as a network
that repeats; `out_of_order` holds it until the next write is done; `restart` forgets what is in memory and answers
503 for `delay_s`. A retry that meets the same rule again meets it again, so give a `count`.
"""

import asyncio
import random
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from satcom.simulators.hub_nms.configuration import FaultKind, FaultRule

FAULTY_PATHS = ("/v1/carriers", "/v1/terminals", "/v1/plans")
WRITES = ("PUT", "DELETE", "POST")


@dataclass
class RuleInForce:
    """A rule with how often it matched and struck since it was set."""

    rule: FaultRule
    matched: int = 0
    struck: int = 0

    def strikes(self, method: str, path: str, terminal: str) -> bool:
        """Whether this request meets the fault. Draws from the rule's own seed, so a run can be repeated."""
        rule = self.rule
        if not (fnmatchcase(method, rule.method) and fnmatchcase(path, rule.path)):
            return False
        if rule.terminal != "*" and not fnmatchcase(terminal, rule.terminal):
            return False
        if rule.count is not None and self.struck >= rule.count:
            return False
        self.matched += 1
        if random.Random(f"{rule.seed}:{self.matched}").random() >= rule.probability:
            return False
        self.struck += 1
        return True


@dataclass
class FaultsInForce:
    """All rules, the moment until which the NMS is restarting, and who waits for the next write."""

    rules: list[RuleInForce] = field(default_factory=list)
    away_until: float = 0.0
    write_done: asyncio.Event = field(default_factory=asyncio.Event)

    def replace(self, rules: tuple[FaultRule, ...]) -> None:
        self.rules = [RuleInForce(rule) for rule in rules]

    def met_by(self, method: str, path: str, terminal: str) -> FaultRule | None:
        return next((rule.rule for rule in self.rules if rule.strikes(method, path, terminal)), None)


class FaultInjection:
    """ASGI middleware. `restart` drops the memory of the NMS; `hang_up` closes a client's connection."""

    def __init__(
        self,
        app: ASGIApp,
        faults: FaultsInForce,
        restart: Callable[[], None],
        hang_up: Callable[[tuple[str, int]], None],
    ) -> None:
        self.app, self.faults, self.restart, self.hang_up = app, faults, restart, hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif time.monotonic() < self.faults.away_until:
            await _answer_error(send, 503, "restarting", "the NMS is starting")
        elif scope["path"].startswith(FAULTY_PATHS):
            await self._with_faults(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _with_faults(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        body = await _whole_body(receive)
        fault = self.faults.met_by(method, path, _terminal_of(path, body)) if self.faults.rules else None
        kind = fault.kind if fault else None
        if kind is FaultKind.ERROR_500:
            await _answer_error(send, 500, "internal_error", "a fault on demand; nothing was done")
            return
        if fault and kind is FaultKind.RESTART:
            self.restart()
            self.faults.away_until = time.monotonic() + fault.delay_s
            await _answer_error(send, 503, "restarting", "the NMS is starting; nothing was done")
            return
        if fault and kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_s)
        if fault and kind is FaultKind.OUT_OF_ORDER:
            await self._wait_for_the_next_write(fault.delay_s)
        answer = await self._run(scope, body)
        if kind is FaultKind.DUPLICATE:
            answer = await self._run(scope, body)
        if method in WRITES:
            self.faults.write_done.set()
        if kind is FaultKind.ANSWER_LOST:
            self.hang_up(scope["client"])
            await asyncio.sleep(0.01)  # lets the server notice that there is nobody to answer
            return
        for message in answer:
            await send(message)

    async def _wait_for_the_next_write(self, at_most_s: float) -> None:
        self.faults.write_done.clear()
        try:
            await asyncio.wait_for(self.faults.write_done.wait(), at_most_s)
        except TimeoutError:
            return  # nothing came to overtake it

    async def _run(self, scope: Scope, body: bytes) -> list[Message]:
        """The application's whole answer to this request."""
        answer: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: MutableMapping[str, Any]) -> None:
            answer.append(message)

        await self.app(dict(scope), receive, keep)
        return answer


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _terminal_of(path: str, body: bytes) -> str:
    """The terminal a request is about: from its path, or named in its body."""
    steps = path.split("/")
    if steps[2] == "terminals" and len(steps) > 3:
        return steps[3]
    try:
        named = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return ""
    return str(named.get("terminal_id", "")) if isinstance(named, dict) else ""


async def _answer_error(send: Send, status: int, code: str, message: str) -> None:
    body = orjson.dumps({"error": {"code": code, "message": message}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
