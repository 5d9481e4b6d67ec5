"""`satcom db`: upgrade, back up and restore the database."""

from pathlib import Path
from typing import Annotated

import typer

from satcom.app.listing import screen
from satcom.app.opened_database import database_url
from satcom.core import backup, migration

db = typer.Typer(no_args_is_help=True)
console = screen()


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the schema of this release."""
    with database_url() as url:
        console.print(f"the database is at revision {migration.upgrade(url)}")


@db.command("backup")
def db_backup(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write the whole database to FILE, while it is in use."""
    with database_url() as url:
        backup.backup(url, file)
    console.print(f"{file}: {file.stat().st_size} bytes")


@db.command("restore")
def db_restore(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Fill an empty database from FILE."""
    with database_url() as url:
        migration.prepare(url)
        backup.restore(url, file)
    console.print(f"restored from {file}")
