"""Migrations: brings a database to the schema of this release, and back.

Alembic's revisions run as `satcom_owner` in one transaction, behind a lock so that two hosts that start at once upgrade
once. Roles and grants, which stand outside the revisions, are put right each time.
"""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from satcom.core.schema import create_roles, grants
from satcom.core.tenancy import OWNER

FOLDER = Path(__file__).parent / "migrations"


def upgrade(url: str, to: str = "head") -> str | None:
    """Bring the database to revision `to`; gives the revision it is at."""
    return _run(url, lambda config: command.upgrade(config, to))


def prepare(url: str) -> None:
    """Make the roles that a backup names but does not hold."""
    engine = create_engine(url)
    with engine.begin() as connection:
        create_roles(connection)
    engine.dispose()


def downgrade(url: str, to: str) -> str | None:
    """Take the database back to revision `to` ("base": nothing)."""
    return _run(url, lambda config: command.downgrade(config, to))


def head() -> str | None:
    """The newest revision of this release."""
    return ScriptDirectory.from_config(config_for()).get_current_head()


def current(url: str) -> str | None:
    """The revision the database is at, `None` for an empty one."""
    engine = create_engine(url)
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return revision


def config_for(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _run(url: str, what: Callable[[Config], None]) -> str | None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('satcom migration', 0))"))
        create_roles(connection)
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        # the owner is under row-level security, too: without this a revision would change nobody's rows
        connection.execute(text("SET LOCAL satcom.all_parties = 'on'"))
        what(config_for(connection))
        revision = MigrationContext.configure(connection).get_current_revision()
        for statement in grants() if revision else []:
            connection.execute(text(statement))
    engine.dispose()
    return revision
