"""TMF630 over HTTP: reading routes from a declaration, write routes from a command.

    routes = TmfRoutes(ProductOrder)                    list and get, with filters, fields, sort, paging, ETag
    routes.post(place_order, may=Capability.ORDER)      POST: checked body, idempotency key, 201 with Location
    routes.post(ship, may=Capability.SUPPLY, reads=NewShipment)   a body of our own, when it is not the entity itself
    routes.patch(amend_order, may=Capability.ORDER)     merge patch on the locked entity, If-Match honoured

A command is `(session, entity, by)` or, for a patch, `(session, entity, patch, by)`; it opens and closes nothing.
"""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from satcom.core.database import Database, find_for_update
from satcom.core.entity import Api, Entity, from_body, wire
from satcom.core.errors import Fault, Outdated, Refused
from satcom.core.idempotency import Answer, claim, remember
from satcom.core.own_body import OwnBody, own_body
from satcom.core.root_path import rooted, rooted_path
from satcom.core.routes import Routes
from satcom.core.security import MAY, Capability, Principal
from satcom.core.settings import settings
from satcom.core.tmf_document import body_faults
from satcom.core.tmf_openapi import list_operation, one_operation, write_operation
from satcom.core.tmf_query import Page, chosen, get_row, list_rows, read_query
from satcom.core.values import Json

JSON = "application/json;charset=utf-8"
TAKEN = ("application/json", "application/merge-patch+json")
MAX_DEPTH = 32

Create = Callable[[Session, Any, Principal], Entity]
Patch = Callable[[Session, Any, dict[str, Json], Principal], Entity]
Delete = Callable[[Session, Any, Principal], None]
Derived = Callable[[Session, Sequence[dict[str, Json]]], None]
Asking = Callable[[Session, Any, Principal], Callable[[], object]]
ASKED = "asked"  # in `session.info`: what the outside answered


async def request_body(request: Request) -> bytes:
    """The body, up to the limit. Raises `TooLarge` before reading more, `NotTaken` when it is said to be no JSON."""
    kind = request.headers.get("content-type", TAKEN[0]).partition(";")[0].strip().lower()
    if kind not in TAKEN:
        raise NotTaken("Content-Type", f"{kind[:80]!r} is not read here", "notTaken", ", ".join(TAKEN))
    limit = settings().body_limit_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge("/", f"the body is longer than {limit} bytes", "tooLarge", f"at most {limit} bytes")
    return bytes(body)


class TooLarge(Refused):
    status = 413


class NotTaken(Refused):
    status = 415


Body = Annotated[bytes, Depends(request_body)]


def token_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def who_may(may: Capability) -> Callable[[Request], None]:
    """What `Routes.on` checks first: who may not ask is told that, and nothing of his question."""

    def check(request: Request) -> None:
        with database_of(request).request(token_of(request)) as (_, principal):
            principal.need(may)

    return check


def read_json(body: bytes) -> dict[str, Json]:
    """The body as a JSON object. Raises `Refused` on anything PostgreSQL or a reader would choke on."""
    try:
        value: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused("/", f"not JSON: {str(error)[:120]}", "notJson", "a JSON object") from error
    if not isinstance(value, dict):
        raise Refused("/", "the body is not a JSON object", "wrongType", "object")
    _check_text(value, "", 0)
    json.loads(body, object_pairs_hook=_named_once, parse_int=str, parse_float=str)
    return value


def _named_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object whose names differ: of two values nobody knows which was meant."""
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"/{twice[:80]}", "is named twice in one object", "duplicate", "each name once")
    return named


def _check_text(value: Json, pointer: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused(pointer[:80], f"nested deeper than {MAX_DEPTH}", "tooDeep")
    if isinstance(value, str) and "\x00" in value:
        raise Refused(pointer or "/", "a text cannot hold the character U+0000", "invalid")
    if isinstance(value, dict):
        for key, one in value.items():
            _check_text(key, pointer, depth)
            _check_text(one, f"{pointer}/{key}", depth + 1)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            _check_text(one, f"{pointer}/{index}", depth + 1)


def json_response(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    root = settings().root_path
    if root:
        body = rooted(body, root)
        headers = {name: rooted_path(value, root) for name, value in (headers or {}).items()}
    return Response(orjson.dumps(body), status, headers, media_type=JSON)


class TmfRoutes:
    """The routes of one collection. Several kinds make a family that shares it, told apart by `@type`.

    `derived` completes bodies with what no column holds. `api` is where some kinds of a family stand a second time.
    """

    def __init__(self, *kinds: type[Entity], derived: Derived | None = None, api: Api | None = None) -> None:
        self.kinds: Sequence[type[Entity]] = kinds
        self.derived = derived
        self.api = api or kinds[0].api
        self.name = self.api.collection
        self.tag = f"{self.api.document.name} {self.api.document.title}" if self.api.document else "Own"
        self.own = Routes(self.tag)  # further ones are declared on it
        self._read()

    def _read(self) -> None:
        def list_collection(request: Request) -> Response:
            query = read_query(request.query_params.multi_items())
            with database_of(request).request(token_of(request)) as (session, principal):
                principal.need(self.api.reads)
                page = list_rows(session, self.kinds, query, principal)
                self._complete(session, page.rows)
            return page_response(Page([chosen(one, query.fields) for one in page.rows], page.total))

        def get_one(request: Request, id: str) -> Response:
            fields = read_query(request.query_params.multi_items()).fields
            with database_of(request).request(token_of(request)) as (session, principal):
                principal.need(self.api.reads)
                body, version = get_row(session, self.kinds, id, principal)
                self._complete(session, [body])
            return json_response(chosen(body, fields), headers={"ETag": f'"{version}"'})

        path, name = self.api.path, self.name
        self.own.add("GET", path, list_collection, f"list {name}", openapi_extra=list_operation(self.api))
        self.own.add("GET", f"{path}/{{id}}", get_one, f"get {name}", openapi_extra=one_operation(self.api))

    @property
    def router(self) -> APIRouter:
        return self.own.router

    def _complete(self, session: Session, bodies: Sequence[dict[str, Json]]) -> None:
        """What no column holds, and where the rows stand here."""
        if self.derived is not None:
            self.derived(session, bodies)
        if self.api.path != self.kinds[0].api.path:
            for body in bodies:
                body["href"] = f"{self.api.path}/{body['id']}"

    def _told(self, session: Session, entity: Entity) -> dict[str, Json]:
        """What is answered to whoever wrote it."""
        body = wire(entity)
        self._complete(session, [body])
        return body

    def kind_of(self, body: dict[str, Json]) -> type[Entity]:
        """The kind that a new object is: of a family the one that `@type` names. Raises `Refused` with those it has."""
        if len(self.kinds) == 1:
            return self.kinds[0]
        kind = next((kind for kind in self.kinds if kind.__name__ == body.get("@type")), None)
        if kind is None:
            names = ", ".join(kind.__name__ for kind in self.kinds)
            raise Refused("/@type", f"says of which kind the {self.name} is", "invalid", names)
        return kind

    def post(
        self,
        command: Create,
        may: Capability,
        status: int = 201,
        asking: Asking | None = None,
        reads: type[OwnBody] | None = None,
    ) -> None:
        """POST creates through `command`, which is given the new entity, or the body as `reads`.

        `asking` says, in a transaction of its own that writes nothing, what has to be asked outside; it is asked when
        that transaction is over, and `command` finds the answer in `session.info[ASKED]`.
        """
        self._reads_what_it_writes(may)

        def create(request: Request, body: Body) -> Response:
            answer = None if asking is None else self._asked(request, body, may, asking)

            def act(session: Session, principal: Principal) -> Answer:
                session.info[ASKED] = answer
                wanted = self._read_body(body) if reads is None else own_body(reads, read_json(body))
                entity = command(session, wanted, principal)
                session.flush()
                told = self._told(session, entity)
                return Answer(status, {"Location": str(told["href"]), "ETag": f'"{entity.version}"'}, told)

            return once(request, body, may, act)

        extra = write_operation(self.api, "create")
        self.own.add("POST", self.api.path, create, f"create {self.name}", status, extra)

    def patch(self, command: Patch, may: Capability) -> None:
        """PATCH changes the locked entity through `command`."""
        self._reads_what_it_writes(may)

        def amend(request: Request, id: str, body: Body) -> Response:
            def act(session: Session, principal: Principal) -> Answer:
                patch = read_json(body)
                _, entity = self._locked(session, id)
                check_patch(self.api, patch, type(entity).extensions)
                match_version(request, entity)
                changed = command(session, entity, patch, principal)
                session.flush()
                return Answer(200, {"ETag": f'"{changed.version}"'}, self._told(session, changed))

            return once(request, body, may, act)

        extra = write_operation(self.api, "update")
        self.own.add("PATCH", f"{self.api.path}/{{id}}", amend, f"change {self.name}", openapi_extra=extra)

    def delete(self, command: Delete, may: Capability) -> None:
        """DELETE through `command`, which may refuse."""
        self._reads_what_it_writes(may)

        def remove(request: Request, id: str) -> Response:
            def act(session: Session, principal: Principal) -> Answer:
                _, entity = self._locked(session, id)
                match_version(request, entity)
                command(session, entity, principal)
                session.flush()
                return Answer(204, {}, None)

            return once(request, b"", may, act)

        self.own.add("DELETE", f"{self.api.path}/{{id}}", remove, f"delete {self.name}", 204)

    def _reads_what_it_writes(self, may: Capability) -> None:
        """Raises `ValueError` when a role could write here what it may not read: a fault of the access table."""
        blind = MAY[may] - MAY[self.api.reads]
        if blind:
            raise ValueError(f"{', '.join(sorted(blind))} may write {self.name} but not read it")

    def _locked(self, session: Session, identifier: str) -> tuple[type[Entity], Entity]:
        if len(self.kinds) == 1:
            return self.kinds[0], find_for_update(session, self.kinds[0], identifier)
        principal: Principal = session.info["principal"]
        body, _ = get_row(session, self.kinds, identifier, principal)
        kind = next(kind for kind in self.kinds if kind.__name__ == body["@type"])
        return kind, find_for_update(session, kind, identifier)

    def _read_body(self, body: bytes) -> Entity:
        read = read_json(body)
        return from_body(self.kind_of(read), read, self.api)

    def _asked(self, request: Request, body: bytes, may: Capability, asking: Asking) -> object:
        """What the outside answers, asked while no transaction is open."""
        with database_of(request).request(token_of(request)) as (session, principal):
            principal.need(may)
            ask = asking(session, self._read_body(body), principal)
        return ask()


def check_patch(api: Api, patch: dict[str, Json], extensions: frozenset[str]) -> None:
    """Whether the document knows what a patch names; what it does not name it may leave out, mandatory or not.

    Raises `Refused` with every fault.
    """
    if api.document is None or api.definition is None:
        return
    definition = api.document.update_definition(api.definition)
    given: Json = {key: value for key, value in patch.items() if value is not None}
    faults: list[Fault] = [
        fault for fault in body_faults(api.document, definition, given, extensions) if fault.code != "missing"
    ]
    known = api.document.attributes(definition) | extensions
    faults += [
        Fault(f"/{key}", f"there is no attribute {key!r} here", "unknownAttribute")
        for key, value in patch.items()
        if value is None and key not in known
    ]
    if faults:
        raise Refused.all(faults)


def once(request: Request, body: bytes, may: Capability, act: Callable[[Session, Principal], Answer]) -> Response:
    """Carry out `act` in one transaction, once per idempotency key."""
    key = request.headers.get("idempotency-key")
    with database_of(request).request(token_of(request)) as (session, principal):
        principal.need(may)
        asked = f"{request.method} {request.url.path}\n".encode() + body
        earlier = claim(session, principal.identity, key, asked) if key is not None else None
        if earlier is None:
            answer = act(session, principal)
            if key is not None:
                remember(session, principal.identity, key, answer)
        else:
            answer = earlier
    if answer.body is None:
        return Response(status_code=answer.status)
    return json_response(answer.body, answer.status, answer.headers)


def match_version(request: Request, entity: Entity) -> None:
    """Honour `If-Match`."""
    wanted = request.headers.get("if-match")
    if wanted is not None and wanted.strip() != "*":
        tags = {tag.strip().removeprefix("W/").strip('"') for tag in wanted.split(",")}
        if str(entity.version) not in tags:
            raise Outdated("If-Match", "it was changed since you read it", "outdated", f'"{entity.version}"')


def page_response(page: Page) -> Response:
    shown = len(page.rows)
    headers = {"X-Result-Count": str(shown)} | ({} if page.total is None else {"X-Total-Count": str(page.total)})
    return json_response(page.rows, 200 if shown == page.total else 206, headers)  # type: ignore[arg-type]
