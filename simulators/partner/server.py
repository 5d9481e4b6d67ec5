"""The API of a simulated partner who leases capacity, and the program that serves it.

In TM Forum's words: `productOfferingQualification` (TMF679) asks what it offers at which price, `reservation` (TMF685)
holds that, `productOrder` and `cancelProductOrder` (TMF622) order, renew and cancel it. A write carries
`Idempotency-Key`: the same key and request have one effect and one answer. Of whoever sets up the world: `/v1/world`,
`/v1/faults`, `/v1/journal` (every effect in order). Everything but `/health` and `/docs` wants `Authorization: Bearer
TOKEN`.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Body as FromBody
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.params import Depends as DependsOn
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from satcom.simulators.partner.desk import Desk, World, is_renewal
from satcom.simulators.partner.store import Body, Refusal, Store

QUALIFICATIONS = "/tmf-api/productOfferingQualification/v4/productOfferingQualification"
RESERVATIONS = "/tmf-api/resourcePoolManagement/v4/reservation"
ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
Given = Annotated[Body, FromBody()]


class FaultKind(StrEnum):
    """`slow` waits, then does it; `down` answers 503 and does nothing; `answerLost` does it and hangs up."""

    SLOW = "slow"
    DOWN = "down"
    ANSWER_LOST = "answerLost"
    REFUSED = "refused"


class Action(StrEnum):
    SEARCH = "search"
    HOLD = "hold"
    EXTEND = "extend"
    RELEASE = "release"
    ORDER = "order"
    RENEW = "renew"
    READ = "read"
    CANCEL = "cancel"


class Fault(BaseModel):
    """What befalls the next `count` requests of this action; without a count each of them."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    kind: FaultKind
    count: int | None = Field(default=None, ge=1)
    delay_s: float = Field(default=1.0, ge=0, le=60)
    reason: str = "we do not want to"


class Faults(BaseModel):
    """The faults in force, instead of those before."""

    model_config = ConfigDict(extra="forbid")

    rules: list[Fault] = []


class Partner:
    """The desk with its faults. `hang_up` closes a client's connection."""

    def __init__(self, desk: Desk, hang_up: Callable[[tuple[str, int]], None]) -> None:
        self.desk, self.hang_up = desk, hang_up
        self.faults: list[Fault] = []

    def _met(self, action: Action) -> Fault | None:
        fault = next((one for one in self.faults if one.action is action and one.count != 0), None)
        if fault is not None and fault.count is not None:
            fault.count -= 1
        return fault

    async def answer(
        self, request: Request, action: Action, body: Body, key: str | None, effect: Callable[[], tuple[int, Body]]
    ) -> Response:
        """Do it once for its key, unless a fault is in the way."""
        fault = self._met(action)
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.DOWN:
            raise Refusal(503, "down", "the partner is away")
        if fault is not None and kind is FaultKind.REFUSED:
            raise Refusal(422, "refused", fault.reason)
        if fault is not None and kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_s)
        written = json.dumps(body, sort_keys=True)
        fingerprint = sha256(f"{request.method} {request.url.path} {written}".encode()).hexdigest()
        status, told = self.desk.store.once(key, fingerprint, effect)
        if kind is FaultKind.ANSWER_LOST and request.client is not None:
            self.hang_up((request.client.host, request.client.port))
            await asyncio.sleep(0.01)  # lets the server notice that there is nobody to answer
        return _json(status, told)


def build_app(partner: Partner, token: str) -> FastAPI:
    """The application of one partner."""
    app = FastAPI(title="Partner simulator", version="1", description=__doc__ or "")

    async def authorised(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> None:
        if bearer is None or not secrets.compare_digest(bearer.credentials.encode(), token.encode()):
            raise Refusal(401, "unauthenticated", "a valid bearer token is needed")

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> Response:
        body = {"code": refusal.code, "reason": refusal.reason, "status": str(refusal.status)}
        return _json(refusal.status, body)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "up"}

    guarded = [Depends(authorised)]
    _business(app, partner, guarded)
    _world(app, partner, guarded)
    return app


def _business(app: FastAPI, partner: Partner, guarded: list[DependsOn]) -> None:
    desk = partner.desk

    @app.post(QUALIFICATIONS, status_code=201, dependencies=guarded)
    async def qualify(request: Request, body: Given, key: Key = None) -> Response:
        return await partner.answer(request, Action.SEARCH, body, key, lambda: desk.qualify(body))

    @app.post(RESERVATIONS, status_code=201, dependencies=guarded)
    async def reserve(request: Request, body: Given, key: Key = None) -> Response:
        return await partner.answer(request, Action.HOLD, body, key, lambda: desk.reserve(body))

    @app.get(RESERVATIONS, dependencies=guarded)
    async def reservations() -> list[Body]:
        return desk.reservations()

    @app.patch(f"{RESERVATIONS}/{{reservation_id}}", dependencies=guarded)
    async def change(request: Request, reservation_id: str, body: Given, key: Key = None) -> Response:
        action = Action.EXTEND if "validFor" in body else Action.RELEASE
        return await partner.answer(request, action, body, key, lambda: desk.change_hold(reservation_id, body))

    @app.post(ORDERS, status_code=201, dependencies=guarded)
    async def order(request: Request, body: Given, key: Key = None) -> Response:
        action = Action.RENEW if is_renewal(body) else Action.ORDER
        return await partner.answer(request, action, body, key, lambda: desk.order(body))

    @app.get(ORDERS, dependencies=guarded)
    async def orders(externalId: str | None = None) -> list[Body]:  # noqa: N803 (the name on the wire)
        return desk.orders(externalId)

    @app.get(f"{ORDERS}/{{order_id}}", dependencies=guarded)
    async def one_order(request: Request, order_id: str) -> Response:
        return await partner.answer(request, Action.READ, {}, None, lambda: (200, desk.find_order(order_id)))

    @app.post(CANCELLATIONS, status_code=201, dependencies=guarded)
    async def cancel(request: Request, body: Given, key: Key = None) -> Response:
        return await partner.answer(request, Action.CANCEL, body, key, lambda: desk.cancel(body))


def _world(app: FastAPI, partner: Partner, guarded: list[DependsOn]) -> None:
    @app.get("/v1/world", dependencies=guarded)
    async def world() -> World:
        return partner.desk.world

    @app.put("/v1/world", dependencies=guarded)
    async def put_world(body: World) -> World:
        partner.desk.set_world(body)
        return body

    @app.put("/v1/faults", dependencies=guarded)
    async def put_faults(body: Faults) -> Faults:
        partner.faults = body.rules
        return body

    @app.get("/v1/journal", dependencies=guarded)
    async def journal() -> list[Body]:
        return partner.desk.store.journal()


def _json(status: int, content: object) -> Response:
    return Response(json.dumps(content), status, media_type="application/json")


def token_in(state_dir: Path) -> str:
    """The token of this state directory, made on first use and readable by its owner only."""
    path = state_dir / "token"
    if not path.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii").strip()


def main(port: int, state_dir: Path, host: str = "127.0.0.1") -> None:
    """Serve until SIGTERM or SIGINT; prints the URL first. Port 0 takes a free one."""
    token = token_in(state_dir)
    store = Store(state_dir / "partner.sqlite")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)

    def hang_up(client: tuple[str, int]) -> None:
        for connection in list(server.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.close()

    app = build_app(Partner(Desk(store), hang_up), token)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", http="h11", loop="asyncio")
    server = uvicorn.Server(config)
    sys.stdout.write(f"http://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listener])
    store.close()
