"""Listeners registered by the command, and organizations to be told of."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import change
from satcom.core.event_api import event_api
from satcom.core.listener import Listener, register
from satcom.core.security import WORKER, Principal
from satcom.core.settings import settings
from satcom.core.values import Json
from satcom.enterprise.party import Organization


@contextmanager
def networks(allowed: str) -> Iterator[None]:
    """The operator lets events into these networks."""
    with patch.dict(os.environ, {"SATCOM_EVENT_NETWORKS": allowed}):
        settings.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()


def a_listener(
    database: Database, callback: str, query: str | None = None, document: str = "TMF632", by: Principal = WORKER
) -> tuple[Listener, bytes]:
    body: dict[str, Json] = {"callback": callback}
    if query:
        body["query"] = query
    with database.as_worker() as session:
        return register(session, event_api(document), body, by)


def renamed(session: Session, identifier: str, name: str) -> None:
    """One more change of an organization, which is locked as every command locks it."""
    found = session.get_one(Organization, identifier, with_for_update=True, populate_existing=True)
    change(found, {"tradingName": name})
    session.flush()
