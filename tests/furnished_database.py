"""Databases that many tests begin with, filled once: what a test asks for is a copy."""

import pickle
from collections.abc import Callable, Hashable
from typing import TypeVar

from sqlalchemy import make_url
from sqlmodel import Session

from satcom.core.database import Database
from tests.postgres_server import COPIED, new_database, renewed_database

T = TypeVar("T")
_kept: dict[tuple[Hashable, ...], tuple[str, bytes]] = {}


def furnished(database: Database, furnish: Callable[[Session], T], *what: Hashable) -> T:
    """Leaves `database`, which is empty, as `furnish` fills it. What it answers; `what` tells one filling from another.

    The first time it runs and its work is kept, after that the database becomes a copy of it. A server of its own,
    which ends with its test, keeps nothing.
    """
    place = make_url(database.url)
    key = (place.query.get("host"), furnish.__module__, furnish.__qualname__, *what)
    if key in _kept:
        database.close()  # it opens others when it is asked again
        renewed_database(database.url, _kept[key][0])
    else:
        with database.as_worker() as session:
            made = furnish(session)
        if COPIED not in str(place.database):
            return made
        database.close()
        _kept[key] = new_database(database.url), pickle.dumps(made)
    kept: T = pickle.loads(_kept[key][1])
    return kept
