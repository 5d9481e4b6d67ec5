"""`satcom demo`: an operator's first orders, delivered before your eyes."""

import logging
import os
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from satcom.app.demonstration import demonstrate
from satcom.app.listing import screen
from satcom.app.opened_database import database
from satcom.core.errors import Refused
from satcom.core.logs import set_up_logs
from satcom.core.settings import settings


class Orbit(StrEnum):
    """Where the satellites of the demonstration fly."""

    GEO = "geo"
    MEO = "meo"
    LEO = "leo"


FOLDERS = {
    Orbit.GEO: Path("examples/operator"),
    Orbit.MEO: Path("examples/meo_operator"),
    Orbit.LEO: Path("examples/leo_operator"),
}


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="An operator's files, with a demo_order.yaml; by default examples/operator.",
            show_default=False,
        ),
    ] = None,
    orbit: Annotated[
        Orbit | None,
        typer.Option(
            metavar="ORBIT", help="geo, meo or leo: the operator of that orbit in examples.", show_default=False
        ),
    ] = None,
    leave: Annotated[bool, typer.Option("--exit", help="End after the check, with its exit code.")] = False,
) -> None:
    """Load an operator and deliver its first orders before your eyes.

    demo_order.yaml comes first, then every other *_order.yaml beside it. The result is checked from outside; then it
    serves until Ctrl-C. The operators of meo and leo have an embedded database of their own.
    """
    if folder is not None and orbit is not None:
        raise Refused("--orbit", "a folder is given, too", "invalid", "one of both")
    if orbit in (Orbit.MEO, Orbit.LEO):
        _in_a_database_of_its_own(orbit)
    folder = folder or FOLDERS[orbit or Orbit.GEO]
    set_up_logs(settings().log_json)
    logging.getLogger().setLevel(logging.WARNING)  # the story is told, not logged
    logging.getLogger("satcom.orchestration").setLevel(logging.ERROR)  # it tells what is refused, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, it ends as with Ctrl-C
    with database() as opened:
        code = demonstrate(opened, folder, screen(), leave)
    raise typer.Exit(code)


def _in_a_database_of_its_own(orbit: Orbit) -> None:
    """A database has one operator. Raises `Refused` where the database is configured, and so not ours to choose."""
    if settings().database_url:
        accepted = f"satcom demo {FOLDERS[orbit]}, where that database has no other operator"
        raise Refused("--orbit", "SATCOM_DATABASE_URL says which database it is", "invalid", accepted)
    os.environ["SATCOM_DATA_DIR"] = str(settings().data_dir / f"{orbit}_demonstration")
    settings.cache_clear()
