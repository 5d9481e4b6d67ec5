"""The database as the commands open it: the configured one, or the embedded server while the command runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from satcom.app import declarations
from satcom.core import embedded_postgres, migration
from satcom.core.database import Database
from satcom.core.errors import Unable
from satcom.core.settings import settings


class DatabaseAway(Unable):
    """It was lost, or never there."""


@contextmanager
def database_url() -> Iterator[str]:
    """The configured database, or the embedded server for as long as the block lasts. Raises `DatabaseAway`."""
    configured = settings().database_url
    try:
        if configured:
            yield configured
        else:
            with embedded_postgres.kept_alive(settings().data_dir) as server:
                yield server.url
    except OperationalError as lost:
        raise DatabaseAway(f"The database cannot be reached: {lost.orig}") from lost


@contextmanager
def database() -> Iterator[Database]:
    """The database at the schema of this release."""
    assert declarations.ROUTES  # importing it declared every table
    with database_url() as url:
        migration.upgrade(url)
        opened = Database(url, settings().database_connections)
        try:
            yield opened
        finally:
            opened.close()


def whoever_types() -> str:
    """Who signs what a command changes."""
    return f"{os.environ.get('USER', 'somebody')} at the command line"
