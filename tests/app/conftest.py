"""The application on a database with four parties that each have a row in every table."""

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import event
from structlog.testing import capture_logs

from satcom.app.business_metrics import Scrapes
from satcom.app.http import create_app
from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.core.values import Json
from tests.app.every_table import Party, a_party_with_everything, row_counts
from tests.enterprise.an_operator import an_operator
from tests.market.a_market import Market, an_offering, an_order_body
from tests.postgres_server import drop_database, new_database, renewed_database


@dataclass(frozen=True)
class Filled:
    """A database to copy, and what is in it: a reseller with two customers, and a stranger."""

    url: str
    reseller: Party
    mine: Party
    neighbour: Party
    stranger: Party
    markets: dict[str, Market]

    @property
    def parties(self) -> tuple[Party, ...]:
        return self.reseller, self.mine, self.neighbour, self.stranger


class Http:
    """A client that calls the application in this thread: a test asks thousands of times."""

    def __init__(self, app: FastAPI) -> None:
        self._loop = asyncio.Runner()
        transport = ASGITransport(app, raise_app_exceptions=False)
        self._client = AsyncClient(transport=transport, base_url="http://satcom.test")

    def request(self, method: str, url: str, **what: Any) -> Response:  # httpx's own arguments
        return self._loop.run(self._client.request(method, url, **what))

    def get(self, url: str, headers: dict[str, str]) -> Response:
        return self.request("GET", url, headers=headers)

    def post(self, url: str, body: Json, headers: dict[str, str]) -> Response:
        return self.request("POST", url, json=body, headers=headers)

    def patch(self, url: str, body: Json, headers: dict[str, str]) -> Response:
        return self.request("PATCH", url, json=body, headers=headers)

    def close(self) -> None:
        self._loop.run(self._client.aclose())
        self._loop.close()


@dataclass(frozen=True)
class House:
    """The application, served from a fresh copy."""

    filled: Filled
    database: Database
    app: FastAPI
    http: Http
    logged: list[MutableMapping[str, Any]]

    def token(self, *roles: str, party: Party | None = None, name: str = "walker") -> dict[str, str]:
        """The header that lets in whoever has `roles`, for `party`."""
        with self.database.as_worker() as session:
            secret = create_token(session, name, list(roles), party.id if party else None, timedelta(days=1))[1]
        return {"Authorization": f"Bearer {secret}"}

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What requests send to the database within."""
        sent: list[str] = []

        def note(_: object, __: object, statement: str, *___: object) -> None:
            sent.append(statement)

        event.listen(self.database.app, "before_cursor_execute", note)
        yield sent
        event.remove(self.database.app, "before_cursor_execute", note)

    def counted(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.database.as_worker() as session:
            return row_counts(session.connection())

    def an_order(self, party: Party, **characteristics: Json) -> dict[str, Json]:
        """The body of an order that the party may place."""
        return an_order_body(self.filled.markets[party.name], **characteristics)


@pytest.fixture(scope="session")
def filled(template: str) -> Iterator[Filled]:
    url = new_database(template)
    database = Database(url, connections=4)
    with database.as_worker() as session:
        an_operator(session)
        offering = an_offering(session)
        reseller = a_party_with_everything(session, "Reseller")
        mine, neighbour = (a_party_with_everything(session, name, reseller) for name in ("Mine", "Neighbour"))
        parties = (reseller, mine, neighbour, a_party_with_everything(session, "Stranger"))
        markets = {one.name: Market(offering.id, one.id, one.rows["BillingAccount"], "", "") for one in parties}
    database.close()
    yield Filled(url, *parties, markets)
    drop_database(url)


@pytest.fixture(scope="session")
def standing(filled: Filled) -> Iterator[tuple[Database, FastAPI]]:
    """The application, made once: the routes and statements that one test has made ready serve the next."""
    database = Database(new_database(filled.url), connections=4)
    yield database, create_app(database)
    drop_database(database.url)


@pytest.fixture
def house(filled: Filled, standing: tuple[Database, FastAPI]) -> Iterator[House]:
    database, app = standing
    renewed_database(database.url, filled.url)
    app.state.scrapes = Scrapes(database)
    http = Http(app)
    with capture_logs() as logged:
        yield House(filled, database, app, http, logged)
    http.close()
    database.close()  # its connections; it opens others when it is asked again
