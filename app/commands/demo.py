"""`satcom demo`: an operator's first orders, delivered before your eyes."""

import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from satcom.app.demonstration import demonstrate
from satcom.app.listing import screen
from satcom.app.opened_database import database
from satcom.core.logs import set_up_logs
from satcom.core.settings import settings


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An operator's files, with a demo_order.yaml.")] = Path(
        "examples/operator"
    ),
    leave: Annotated[bool, typer.Option("--exit", help="End after the check, with its exit code.")] = False,
) -> None:
    """Load an operator and deliver its first orders before your eyes.

    demo_order.yaml comes first, then every other *_order.yaml beside it. The result is checked from outside; then it
    serves until Ctrl-C.
    """
    set_up_logs(settings().log_json)
    logging.getLogger().setLevel(logging.WARNING)  # the story is told, not logged
    logging.getLogger("satcom.orchestration").setLevel(logging.ERROR)  # it tells what is refused, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, it ends as with Ctrl-C
    with database() as opened:
        code = demonstrate(opened, folder, screen(), leave)
    raise typer.Exit(code)
