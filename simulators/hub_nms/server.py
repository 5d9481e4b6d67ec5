"""The REST API of the simulated hub NMS, and the program that serves it.

Configuration: `/v1/carriers/{id}`, `/v1/terminals/{id}`, `/v1/plans/{id}` (PUT, GET, DELETE; GET of the collection by
pages), `/v1/hubs`, `POST /v1/terminals/{id}/measurement`, `/v1/journal` (every effect in order). Of whoever sets up the
world: `/v1/fleet`, `/v1/sky/terminals/{id}`, `/v1/sky/instant`, `/v1/faults`. A write carries `Idempotency-Key`: the
same key and request have one effect and one answer, another request under it is refused 422. A DELETE may carry
`Cancels-Key`, the key of a PUT that may still be on its way and will then be refused. Errors: `{"error": {"code",
"message"}}`. The full description is served at `/docs`. Everything but `/health` and the description wants
`Authorization: Bearer TOKEN`.
"""

import os
import secrets
import socket
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import orjson
import uvicorn
import yaml
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from satcom.simulators.hub_nms.configuration import (
    Carrier,
    Faults,
    Fleet,
    Identifier,
    Instant,
    Plan,
    Terminal,
    Weather,
)
from satcom.simulators.hub_nms.faults import FaultInjection
from satcom.simulators.hub_nms.measurement import Measurement, Truth
from satcom.simulators.hub_nms.nms import Nms, shown
from satcom.simulators.hub_nms.store import Answer, Refusal

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
CancelsKey = Annotated[str | None, Header(alias="Cancels-Key", min_length=1, max_length=200)]
After = Annotated[str, Query(description="the `next` of the page before", max_length=100)]
Limit = Annotated[int, Query(ge=1, le=1000)]
KINDS: tuple[tuple[str, str], ...] = (("carriers", "carrier"), ("terminals", "terminal"), ("plans", "plan"))

LATER = {"transmit_power_dbw", "power_share", "handover_carriers"}
"""Fields since 0.1.0: a request without them is the same request as it was then."""


def build_app(nms: Nms, token: str, hang_up: Callable[[tuple[str, int]], None]) -> FastAPI:
    """The application over one NMS. `hang_up` closes a client's connection, for the fault of that name."""
    app = FastAPI(title="Hub NMS simulator", version="1", description=__doc__ or "")
    app.add_middleware(FaultInjection, faults=nms.faults, restart=nms.restart, hang_up=hang_up)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _no_route)

    async def authorised(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> None:
        if bearer is None or not secrets.compare_digest(bearer.credentials.encode(), token.encode()):
            raise Refusal(401, "unauthorised", "a valid bearer token is needed")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "up"}

    for routes in (_writes(nms), _world(nms), _reads(nms)):
        app.include_router(routes, dependencies=[Depends(authorised)])
    return app


def _writes(nms: Nms) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["configuration"])

    def once(request: Request, body: BaseModel | None, key: str | None, effect: Callable[[], Answer]) -> Response:
        text = body.model_dump_json(exclude=LATER - body.model_fields_set) if body else ""
        fingerprint = sha256(f"{request.method} {request.url.path} {text}".encode()).hexdigest()
        return _response(nms.store.once(key, fingerprint, effect))

    @api.put("/carriers/{carrier_id}")
    async def put_carrier(
        request: Request, carrier_id: Identifier, body: Carrier, key: Key = None, cancels: CancelsKey = None
    ) -> Response:
        return once(request, body, key, lambda: nms.put_carrier(carrier_id, body, key, cancels))

    @api.put("/terminals/{terminal_id}")
    async def put_terminal(
        request: Request, terminal_id: Identifier, body: Terminal, key: Key = None, cancels: CancelsKey = None
    ) -> Response:
        return once(request, body, key, lambda: nms.put_terminal(terminal_id, body, key, cancels))

    @api.put("/plans/{plan_id}")
    async def put_plan(
        request: Request, plan_id: Identifier, body: Plan, key: Key = None, cancels: CancelsKey = None
    ) -> Response:
        return once(request, body, key, lambda: nms.put_plan(plan_id, body, key, cancels))

    @api.delete("/carriers/{carrier_id}", status_code=204)
    async def remove_carrier(
        request: Request, carrier_id: Identifier, key: Key = None, cancels: CancelsKey = None
    ) -> Response:
        return once(request, None, key, lambda: nms.remove("carrier", carrier_id, key, cancels))

    @api.delete("/terminals/{terminal_id}", status_code=204)
    async def remove_terminal(
        request: Request, terminal_id: Identifier, key: Key = None, cancels: CancelsKey = None
    ) -> Response:
        return once(request, None, key, lambda: nms.remove("terminal", terminal_id, key, cancels))

    @api.delete("/plans/{plan_id}", status_code=204)
    async def remove_plan(
        request: Request, plan_id: Identifier, key: Key = None, cancels: CancelsKey = None
    ) -> Response:
        return once(request, None, key, lambda: nms.remove("plan", plan_id, key, cancels))

    @api.post("/terminals/{terminal_id}/measurement", response_model=Measurement)
    async def measure(request: Request, terminal_id: Identifier, key: Key = None) -> Response:
        return once(request, None, key, lambda: nms.measure(terminal_id, key))

    return api


def _reads(nms: Nms) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["configuration"])

    def one(kind: str, held_id: str) -> Response:
        held = nms.store.get(kind, held_id)
        if held is None:
            raise Refusal(404, f"no_such_{kind}", f"there is no {kind} {held_id}")
        return _json(shown(held))

    def page(kind: str, after: str, limit: int) -> Response:
        items = nms.store.page(kind, after, limit)
        return _json({"items": [shown(held) for held in items], "next": items[-1].id if len(items) == limit else None})

    @api.get("/{kinds}/{held_id}")
    async def get_one(kinds: Literal["carriers", "terminals", "plans"], held_id: Identifier) -> Response:
        return one(dict(KINDS)[kinds], held_id)

    @api.get("/hubs")
    async def list_hubs() -> Response:
        hubs = [
            {
                **hub.model_dump(mode="json"),
                "ports_taken": [
                    {"port": port, "direction": direction, "carrier_id": carrier_id}
                    for port, direction, carrier_id in nms.store.ports_taken(hub.id)
                ],
            }
            for hub in nms.fleet.hubs
        ]
        return _json({"items": hubs, "next": None})

    @api.get("/journal")
    async def journal(
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Limit = 1000,
        idempotency_key: Annotated[str | None, Query(max_length=200)] = None,
        id: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Response:
        lines = nms.store.journal(after, limit, idempotency_key, id)
        return _json(
            {
                "items": [line._asdict() for line in lines],
                "next": lines[-1].sequence if len(lines) == limit else None,
            }
        )

    # last, so that the fixed paths above are not taken for a kind
    @api.get("/{kinds}")
    async def get_page(
        kinds: Literal["carriers", "terminals", "plans"], after: After = "", limit: Limit = 1000
    ) -> Response:
        return page(dict(KINDS)[kinds], after, limit)

    return api


def _world(nms: Nms) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["simulated world"])

    @api.get("/fleet")
    async def fleet() -> Fleet:
        return nms.fleet

    @api.put("/fleet")
    async def put_fleet(body: Fleet) -> Fleet:
        nms.set_fleet(body)
        return body

    @api.get("/sky/terminals/{terminal_id}")
    async def truth(terminal_id: Identifier) -> Truth:
        return nms.truth(terminal_id)

    @api.put("/sky/terminals/{terminal_id}/weather")
    async def put_weather(terminal_id: Identifier, body: Weather) -> Weather:
        nms.set_weather(terminal_id, body)
        return body

    @api.put("/sky/instant")
    async def put_instant(body: Instant) -> Instant:
        nms.set_instant(body)
        return body

    @api.get("/faults")
    async def faults() -> Response:
        rules = [
            {**rule.rule.model_dump(mode="json"), "matched": rule.matched, "struck": rule.struck}
            for rule in nms.faults.rules
        ]
        return _json({"rules": rules})

    @api.put("/faults")
    async def put_faults(body: Faults) -> Faults:
        nms.set_faults(body)
        return body

    return api


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def _response(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, media_type="application/json" if answer.body else None)


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message}}, status)


def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return _error(refusal.status, refusal.code, str(refusal))


def _malformed(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    faults = [f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in fault.errors()]
    return _error(422, "malformed", "; ".join(faults))


def _no_route(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    return _error(fault.status_code, "no_such_path", str(fault.detail))


def token_in(state_dir: Path) -> str:
    """The token of this state directory, made on first use and readable by its owner only."""
    path = state_dir / "token"
    if not path.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        new.rename(path)
    return path.read_text(encoding="ascii").strip()


def read_fleet(path: Path) -> Fleet:
    """A fleet file, YAML or JSON (which is YAML too). Raises pydantic's error naming what is wrong."""
    return Fleet.model_validate(yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader))


def main(
    port: int,
    state_dir: Path,
    seed: int,
    *,
    token: str | None = None,
    fleet: Path | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Serve until SIGTERM or SIGINT; prints the URL first. Port 0 takes a free one.

    `fleet` is read when the state directory holds none yet: what `PUT /v1/fleet` set is not undone by a restart.
    """
    nms = Nms(state_dir, seed)
    if fleet is not None and not nms.fleet.hubs:
        nms.set_fleet(read_fleet(fleet))
    # with the protocol named, asyncio sets TCP_NODELAY; without it each answer waits 40 ms for a delayed ACK
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)

    def hang_up(client: tuple[str, int]) -> None:
        for connection in list(server.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.close()

    app = build_app(nms, token or token_in(state_dir), hang_up)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", http="h11", loop="asyncio")
    server = uvicorn.Server(config)
    sys.stdout.write(f"http://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listener])
    nms.store.close()
