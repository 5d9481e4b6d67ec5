"""For contributors: write the revision that brings the migrated schema to what the entities declare.

    python deploy/new_revision.py "Terminals know their colour"

Starts a throw-away PostgreSQL, upgrades it, compares, and writes `core/migrations/versions/NNNN_....py`. Read it:
exclusion constraints, row-level security and data are for you to add.
"""

import sys
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parents[1]))

from satcom.app import declarations
from satcom.core import migration
from satcom.core.schema import create_roles
from satcom.core.settings import version
from satcom.core.tenancy import OWNER
from tests.postgres_server import chosen_server


def main(message: str) -> None:
    assert declarations.ROUTES  # importing it declared every table
    number = len(list((migration.FOLDER / "versions").glob("[0-9]*.py"))) + 1
    with chosen_server() as url:
        if number > 1:
            migration.upgrade(url)
        engine = create_engine(url)
        with engine.begin() as connection:
            create_roles(connection)
            connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
            config = migration.config_for(connection)
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()
    print(f"for satcom {version()}: read it before you commit it")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
