"""Routes as a module declares them. The router is built when it is asked for: a worker declares all and serves none."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from fastapi import APIRouter, Depends

Endpoint: TypeAlias = Callable[..., Any]
E = TypeVar("E", bound=Endpoint)


class Routes:
    """The routes of one tag. What is said of each goes to FastAPI under the same name."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
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
        router = APIRouter(tags=[self.tag])
        for build in self._declared:
            build(router)
        return router
