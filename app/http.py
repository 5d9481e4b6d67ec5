"""The HTTP application: every layer's routes, one error body, one description, health and metrics."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi_offline import FastAPIOffline
from opentelemetry.trace import SpanKind
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg.errors import InsufficientPrivilege, UniqueViolation
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from satcom.app.api_examples import with_examples
from satcom.app.business_metrics import Scrapes
from satcom.app.declarations import QUESTIONS, ROUTES
from satcom.core import metrics
from satcom.core.database import Database
from satcom.core.entity import Api, Entity
from satcom.core.errors import Fault, Refused
from satcom.core.settings import settings, version
from satcom.core.tmf_api import database_of, json_response, token_of
from satcom.core.tmf_openapi import components, with_errors
from satcom.core.traces import failed, of_caller, span
from satcom.core.values import Json
from satcom.core.wrong_value import wrong_value
from satcom.orchestration.plan import TaskFlow
from satcom.resource.drivers.port import HubDriver

log = structlog.get_logger()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
DOCS_FILES = "/docs-files"


def create_app(database: Database, hub: HubDriver | None = None) -> FastAPI:
    """The application on `database`. It opens no connection before the first request, and asks `hub` when asked to."""
    app = FastAPIOffline(title="satcom", version=version(), docs_url="/docs", redoc_url=None, static_url=DOCS_FILES)
    app.state.database, app.state.hub, app.state.scrapes = database, hub, Scrapes(database)
    for routes in (*(one.own for one in ROUTES), *QUESTIONS):
        app.include_router(routes.router)
    app.add_api_route("/", start_page, methods=["GET"], include_in_schema=False)
    app.add_api_route("/health", health, methods=["GET"], tags=["Operation"])
    app.add_api_route("/metrics", prometheus, methods=["GET"], tags=["Operation"], include_in_schema=False)
    app.add_api_route("/metrics/services", each_service, methods=["GET"], tags=["Operation"], include_in_schema=False)
    app.middleware("http")(observed)
    if settings().root_path:
        app.add_middleware(Below, settings().root_path)
    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(HTTPException, not_routed)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(IntegrityError, against_the_database)
    app.add_exception_handler(DataError, against_the_database)
    app.add_exception_handler(ProgrammingError, of_another_party)
    app.add_exception_handler(OperationalError, database_lost)
    app.add_exception_handler(NoConnectionFree, database_lost)
    app.add_exception_handler(Exception, broken)
    setattr(app, "openapi", lambda: description(app))  # noqa: B010 (FastAPI's documented way to extend the description)
    return app


class Below:
    """Tells every request the path that a proxy has us below. The proxy leaves it in front; without it works, too."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app, self.root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "root_path": self.root}, receive, send)


def description(app: FastAPI) -> dict[str, Any]:
    """The API description, with the schemas of the official documents."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, routes=app.routes)
        offered: list[tuple[Api, type[Entity]]] = [(TaskFlow.api, TaskFlow)]
        offered += [(routes.api, kind) for routes in ROUTES for kind in routes.kinds]
        described.setdefault("components", {}).setdefault("schemas", {}).update(components(offered))
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"token": []}]
        app.openapi_schema = with_errors(with_examples(described))
    return app.openapi_schema


def start_page(request: Request) -> Response:
    """Who comes with a browser is shown what is offered."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


def health(request: Request) -> Response:
    """Whether requests can be served: 200, or 503 while the database is away."""
    database_of(request).ready()
    return json_response({"status": "ok", "version": version()})


def prometheus(request: Request) -> Response:
    scrapes: Scrapes = request.app.state.scrapes
    return PlainTextResponse(scrapes.exposition(token_of(request)), media_type=CONTENT_TYPE_LATEST)


def each_service(request: Request) -> Response:
    """Metrics whose labels name services and customers: many, so a page of their own."""
    scrapes: Scrapes = request.app.state.scrapes
    return PlainTextResponse(scrapes.services(token_of(request)), media_type=CONTENT_TYPE_LATEST)


async def observed(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count and time every request under its route, not its path: the label set stays small. Its log lines name it."""
    began, status = time.perf_counter(), 500  # what raises here is answered further out, by `broken`
    try:
        with (
            bound_contextvars(request=f"{request.method} {request.url.path}"[:200]),
            span("request", SpanKind.SERVER, of_caller(request.headers)) as served,
        ):
            response = await answer(request)
            status = response.status_code
            served.update_name(f"{request.method} {route_of(request)}"[:200])
            if status >= 500:
                failed(served, f"answered {status}")
    finally:
        route = route_of(request)
        method = request.method if request.method in METHODS else "other"  # a caller may invent one
        metrics.http_requests.labels(method, route, str(status)).inc()
        metrics.http_seconds.labels(method, route).observe(time.perf_counter() - began)
    return response


def route_of(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "unrouted"))


def error_body(faults: tuple[Fault, ...], status: int) -> Response:
    """TMF630's error, with every fault that was found."""
    first = faults[0]
    listed: list[Json] = []
    for fault in faults:
        one: dict[str, Json] = {"code": fault.code, "field": fault.field, "reason": fault.why}
        listed.append(one | ({"accepted": fault.accepted} if fault.accepted else {}))
    body: dict[str, Json] = {
        "code": first.code,
        "reason": f"{first.field}: {first.why}",
        "status": str(status),
        "field": first.field,
        "fault": listed,
        "@type": "Error",
    }
    if first.accepted:
        body["message"] = f"accepted: {first.accepted}"
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return json_response(body, status, headers)


def refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error_body(error.faults, error.status)


def not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    why = {404: "there is no such path", 405: f"{request.method} is not offered here"}.get(
        error.status_code, str(error.detail)
    )
    code = {404: "notFound", 405: "notOffered"}.get(error.status_code, "http")
    response = error_body((Fault("path", why, code),), error.status_code)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def unreadable(request: Request, error: Exception) -> Response:
    """Parameters that are missing or of another type. Who has no token is told only that."""
    assert isinstance(error, RequestValidationError)
    try:
        with database_of(request).request(token_of(request)):
            pass
    except Refused as unknown:
        return refused(request, unknown)
    faults = [wrong_value(one, "/".join(map(str, one["loc"][1:])) or str(one["loc"][0])) for one in error.errors()]
    return error_body(tuple(faults), 400)


def against_the_database(request: Request, error: Exception) -> Response:
    """What the database itself refused: the last guarantee, behind every rule in the code."""
    assert isinstance(error, IntegrityError | DataError)
    log.warning("refused by the database", path=request.url.path, error=str(error.orig)[:300])
    named = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "value"
    if isinstance(error.orig, UniqueViolation):
        return error_body((Fault(named, "there is one already", "exists"),), 409)
    status = 409 if isinstance(error, IntegrityError) else 400
    return error_body((Fault(named, "the database does not accept this", "impossible"),), status)


def of_another_party(request: Request, error: Exception) -> Response:
    """Row-level security refused to write a row that is not the caller's own."""
    if not isinstance(getattr(error, "orig", None), InsufficientPrivilege):
        raise error
    log.warning("refused by row-level security", path=request.url.path, error=str(error)[:300])
    return error_body((Fault("party", "what you may not see you may not write", "notAllowed"),), 403)


def database_lost(request: Request, error: Exception) -> Response:
    log.error("database away", path=request.url.path, error=str(error)[:300])
    response = error_body((Fault("database", "it cannot be reached just now; try again", "unavailable"),), 503)
    response.headers["Retry-After"] = "1"
    return response


def broken(request: Request, error: Exception) -> Response:
    """A bug of ours: logged whole, told without detail."""
    log.error("request broke", path=request.url.path, exc_info=error)
    return error_body((Fault("server", "something broke here; it is logged", "bug"),), 500)
