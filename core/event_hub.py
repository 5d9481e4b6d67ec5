"""The hub of each API, also of our own, where listeners are registered as TM Forum says it; and how they fare.

POST, GET, DELETE  <base path of the API>/hub      register, see and remove listeners for the events of that API
GET, PATCH, DELETE /satcom-api/event/v1/listener   their state and position; park, resume, replay, remove
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import true
from sqlmodel import Session, col, select

from satcom.core.database import find_for_update
from satcom.core.entity import wire
from satcom.core.errors import Fault, NotFound, Refused
from satcom.core.event_api import EventApi, event_api_of
from satcom.core.idempotency import Answer, claim, remember
from satcom.core.listener import Listener, ListenerState, check_may_keep, park, register, replay, resume
from satcom.core.listener_standing import standing
from satcom.core.routes import Routes
from satcom.core.security import Capability, Principal
from satcom.core.tenancy import changeable
from satcom.core.tmf_api import Body, TmfRoutes, database_of, json_response, match_version, once, read_json, token_of
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Instant, Json

PREFIX = "whsec_"  # as the Standard Webhooks libraries take it
CHANGEABLE = frozenset({"state", "deliverFrom"})
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def hubs(routes: Sequence[TmfRoutes]) -> list[Routes]:
    """A hub for every API that the routes are of."""
    apis = dict.fromkeys(event_api_of(kind) for one in routes for kind in one.kinds)
    return [Hub(api).routes for api in apis]


class Hub:
    """The listeners of one API."""

    def __init__(self, api: EventApi) -> None:
        self.api = api
        self.path = f"{api.base_path}/hub"
        self.routes = Routes(f"{api.name} {api.title}" if api.document else "Own")
        described = _descriptions()
        for method, path, endpoint, status in (
            ("POST", self.path, self.create, 201),
            ("GET", self.path, self.list, 200),
            ("GET", f"{self.path}/{{id}}", self.get, 200),
            ("DELETE", f"{self.path}/{{id}}", self.delete, 204),
        ):
            name = endpoint.__name__
            self.routes.add(method, path, endpoint, f"{name} {api.name} hub", status, described[name])

    def create(self, request: Request, body: Body) -> Response:
        """Register a listener. Its secret is told now and never again, not even to the same request sent twice."""
        key = request.headers.get("idempotency-key")
        with database_of(request).request(token_of(request)) as (session, principal):
            principal.need(Capability.LISTEN)
            asked = f"POST {self.path}\n".encode() + body
            answer = claim(session, principal.identity, key, asked) if key is not None else None
            shown: dict[str, Json] = {}
            if answer is None:
                listener, secret = register(session, self.api, read_json(body), principal)
                told = self._shown(listener)
                answer = Answer(201, {"Location": str(told["href"])}, told)
                shown = {"secret": PREFIX + base64.b64encode(secret).decode()}
                if key is not None:
                    remember(session, principal.identity, key, answer)
        return json_response((answer.body or {}) | shown, answer.status, answer.headers)

    def list(self, request: Request) -> Response:
        """The caller's listeners of this API."""
        with database_of(request).request(token_of(request)) as (session, principal):
            principal.need(Capability.LISTEN)
            mine = _kept_by(principal)
            found = session.exec(select(Listener).where(col(Listener.document) == self.api.name, mine))
            shown: list[Json] = [self._shown(one) for one in sorted(found, key=lambda one: one.id)]
        return json_response(shown, headers={"X-Total-Count": str(len(shown)), "X-Result-Count": str(len(shown))})

    def get(self, request: Request, id: str) -> Response:
        with database_of(request).request(token_of(request)) as (session, principal):
            principal.need(Capability.LISTEN)
            wanted = (col(Listener.id) == id, col(Listener.document) == self.api.name, _kept_by(principal))
            found = session.exec(select(Listener).where(*wanted)).first() if is_uuid(id) else None
            if found is None:
                raise NotFound("listener", id)
            return json_response(self._shown(found))

    def delete(self, request: Request, id: str) -> Response:
        """Nothing more is sent after the answer, but for what is under way."""

        def act(session: Session, principal: Principal) -> Answer:
            listener = find_for_update(session, Listener, id)
            if listener.document != self.api.name:
                raise NotFound(Listener.__name__, id)
            check_may_keep(listener, principal)
            session.delete(listener)
            session.flush()
            return Answer(204, {}, None)

        return once(request, b"", Capability.LISTEN, act)

    def _shown(self, listener: Listener) -> dict[str, Json]:
        told: dict[str, Json] = {"id": listener.id, "href": f"{self.path}/{listener.id}", "callback": listener.callback}
        return told | ({"query": listener.query} if listener.query else {})


def _kept_by(principal: Principal) -> Any:
    """A party keeps its listeners; the operator's people keep those that each of them registered."""
    everybodys = not principal.all_parties or principal.may(Capability.KEEP_LISTENERS)
    own = true() if everybodys else col(Listener.registered_by) == principal.identity
    return changeable(Listener, principal) & own


def _descriptions() -> dict[str, dict[str, Any]]:
    subscription: dict[str, Any] = {
        "type": "object",
        "required": ["id", "callback"],
        "properties": {name: {"type": "string"} for name in ("id", "href", "callback", "query")},
    }
    secret = {"secret": {"type": "string", "description": "signs the events; told this once"}}
    created = subscription | {"properties": subscription["properties"] | secret}
    wanted: dict[str, Any] = {
        "type": "object",
        "required": ["callback"],
        "properties": {"callback": {"type": "string"}, "query": {"type": "string"}},
        "example": {"callback": "https://example.org/listener"},
    }

    def answer(status: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {status: {"description": "Done", "content": {"application/json": {"schema": schema}}}}

    body = {"required": True, "content": {"application/json": {"schema": wanted}}}
    return {
        "create": {"requestBody": body, "responses": answer("201", created)},
        "list": {"responses": answer("200", {"type": "array", "items": subscription})},
        "get": {"responses": answer("200", subscription)},
        "delete": {"responses": {"204": {"description": "Removed"}}},
    }


def _change() -> dict[str, Any]:
    """What a PATCH of a listener takes, and what it answers."""
    state = {"type": "string", "enum": list(ListenerState)}
    instant = {"type": "string", "format": "date-time", "description": "everything since then is told again"}
    wanted = {"type": "object", "properties": {"state": state, "deliverFrom": instant}, "example": {"state": "parked"}}
    answered = {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}}
    return {
        "parameters": [{"name": "If-Match", "in": "header", "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
        "responses": {"200": answered},
    }


routes = TmfRoutes(Listener)
ONE = f"{Listener.api.path}/{{id}}"


@routes.own.on("GET", f"{ONE}/standing", name="get standing of a listener")
def get_standing(request: Request, id: str) -> Response:
    """How far the listener has come, what waits for it, and its last failure."""
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(Capability.LISTEN)
        found = select(Listener).where(col(Listener.id) == id, changeable(Listener, principal))
        listener = session.exec(found).first() if is_uuid(id) else None
        if listener is None:
            raise NotFound(Listener.__name__, id)
        return json_response(wire(listener) | standing(session, listener))


@routes.own.on("PATCH", ONE, name="park, resume or replay a listener", openapi_extra=_change())
def patch_listener(request: Request, id: str, body: Body) -> Response:
    """`state` parks and resumes; `deliverFrom` tells again of everything since a moment."""

    def act(session: Session, principal: Principal) -> Answer:
        listener = find_for_update(session, Listener, id)
        check_may_keep(listener, principal)
        state, since = _read_change(read_json(body))
        match_version(request, listener)
        if since is not None:
            replay(session, listener, since)
        if state == ListenerState.ACTIVE:
            resume(session, listener)
        elif state == ListenerState.PARKED:
            park(session, listener)
        return Answer(200, {"ETag": f'"{listener.version}"'}, wire(listener) | standing(session, listener))

    return once(request, body, Capability.LISTEN, act)


@routes.own.on("DELETE", ONE, name="remove a listener", status_code=204)
def delete_listener(request: Request, id: str) -> Response:
    def act(session: Session, principal: Principal) -> Answer:
        listener = find_for_update(session, Listener, id)
        check_may_keep(listener, principal)
        match_version(request, listener)
        session.delete(listener)
        session.flush()
        return Answer(204, {}, None)

    return once(request, b"", Capability.LISTEN, act)


def _read_change(patch: dict[str, Json]) -> tuple[ListenerState | None, datetime | None]:
    """Raises `Refused` with every fault."""
    faults = [
        Fault(f"/{name}", "it is not changed", "fixed", ", ".join(sorted(CHANGEABLE)))
        for name in sorted(patch.keys() - CHANGEABLE)
    ]
    state, since = patch.get("state"), None
    if "state" in patch and state not in list(ListenerState):
        faults.append(Fault("/state", "is no state of a listener", "notInEnumeration", ", ".join(ListenerState)))
    if "deliverFrom" in patch:
        try:
            since = INSTANT.validate_python(patch["deliverFrom"])
        except ValidationError:
            accepted = "a date and time with its offset, as in 2027-03-31T12:00:00Z"
            faults.append(Fault("/deliverFrom", "is no instant", "wrongFormat", accepted))
    if not patch:
        faults.append(Fault("/", "it asks for nothing", "empty", ", ".join(sorted(CHANGEABLE))))
    if faults:
        raise Refused.all(faults)
    return (ListenerState(str(state)) if "state" in patch else None), since
