"""The routes of the application as they are served, however the framework nests them."""

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Mount, Route

from satcom.app.declarations import ROUTES
from satcom.core.entity import Entity
from satcom.core.schema import entities

OPEN = frozenset({"/", "/health", "/openapi.json", "/docs", "/docs/oauth2-redirect"})  # to everybody, without a token


def guarded(app: FastAPI) -> list[Route]:
    """Every route that wants a token."""
    found = [route for route in _flat(app.routes) if route.path not in OPEN]
    assert len(found) > 50, "the routes are nested in a new way"
    return found


def _flat(routes: list[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif not isinstance(route, Mount):  # files, the same for everybody
            nested: APIRouter = getattr(route, "original_router")  # noqa: B009 (the framework names it in no type)
            yield from _flat(nested.routes)


def asked_in_query(route: Route) -> list[str]:
    """The parameters that must stand in the query."""
    dependant = getattr(route, "dependant", None)
    return [one.alias for one in dependant.query_params if one.field_info.is_required()] if dependant else []


def left_out_of_query(route: Route) -> list[str]:
    """Those that may be left out, where the route declares them."""
    dependant = getattr(route, "dependant", None)
    return [one.alias for one in dependant.query_params if not one.field_info.is_required()] if dependant else []


def methods_of(route: Route) -> list[str]:
    return sorted(set(route.methods or ()) - {"HEAD"})


def kinds_called(collection: str, path: str = "") -> list[type[Entity]]:
    """The kinds of one collection, also where they stand a second time.

    Where several APIs have one of that name, those of the API that `path` is of.
    """
    named = [kind for kind in entities() if kind.api.collection == collection and kind.__module__.startswith("satcom.")]
    own = [kind for kind in named if f"{path}/".startswith(f"{kind.api.path}/")] or named
    return own or [kind for routes in ROUTES if routes.name == collection for kind in routes.kinds]


def kinds_at(path: str) -> list[list[type[Entity]]]:
    """Per parameter of the path the kinds whose ids can stand there: those of the collection before it."""
    steps = path.split("/")
    return [kinds_called(steps[place - 1], path) for place, step in enumerate(steps) if step.startswith("{")]


def kinds_in_query(route: Route) -> list[list[type[Entity]]]:
    """The same per parameter of the query: `serviceId` takes the id of a `service`."""
    return [kinds_called(name.removesuffix("Id")) for name in asked_in_query(route)]


def kinds_of(route: Route) -> list[type[Entity]]:
    """The kinds that the route is about: those of the last collection in its path, below the name of its API."""
    steps = reversed(route.path.split("/")[4:])
    return next((found for step in steps if (found := kinds_called(step, route.path))), [])
