"""Routes as a module declares them. The router is built when it is asked for: a worker declares all and serves none."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from fastapi import APIRouter, Depends
from starlette.routing import Match
from starlette.types import Scope

Endpoint: TypeAlias = Callable[..., Any]
E = TypeVar("E", bound=Endpoint)


class _Branch(APIRouter):
    """Looks only at requests for what one of its `paths` begins with: of hundreds of routes few are compared."""

    def __init__(self, tag: str, paths: Sequence[str]) -> None:
        super().__init__(tags=[tag])
        self._beginnings = tuple({path.partition("{")[0] for path in paths})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not scope["path"].removeprefix(scope.get("root_path", "")).startswith(self._beginnings):
            return Match.NONE, {}
        return super().matches(scope)


class Routes:
    """The routes of one tag. What is said of each goes to FastAPI under the same name."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._paths: list[str] = []
        self._declared: list[Callable[[APIRouter], None]] = []

    def add(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        name: str,
        status_code: int | None = None,
        openapi_extra: dict[str, Any] | None = None,
        first: Endpoint | None = None,
    ) -> None:
        def build(router: APIRouter) -> None:
            router.add_api_route(
                path,
                endpoint,
                methods=[method],
                name=name,
                status_code=status_code,
                openapi_extra=openapi_extra,
                dependencies=[Depends(first)] if first is not None else None,
            )

        self._paths.append(path)
        self._declared.append(build)

    def on(
        self,
        method: str,
        path: str,
        name: str,
        status_code: int | None = None,
        openapi_extra: dict[str, Any] | None = None,
        first: Endpoint | None = None,
    ) -> Callable[[E], E]:
        """The decorated function answers. What `first` raises is told before what is wrong with the parameters."""

        def declare(endpoint: E) -> E:
            self.add(method, path, endpoint, name, status_code, openapi_extra, first)
            return endpoint

        return declare

    @cached_property
    def router(self) -> APIRouter:
        router = _Branch(self.tag, self._paths)
        for build in self._declared:
            build(router)
        return router
