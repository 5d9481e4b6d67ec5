"""`satcom demo`: an operator's first order, delivered before your eyes."""

import logging
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from satcom.app.demonstration import demonstrate
from satcom.app.opened_database import database
from satcom.core.logs import set_up_logs
from satcom.core.settings import settings


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An operator with a demo_order.yaml.")] = Path(
        "examples/operator"
    ),
    leave: Annotated[bool, typer.Option("--exit", help="End after the check, with its exit code.")] = False,
) -> None:
    """Load an operator and deliver its first order before your eyes.

    The result is checked from outside; then it serves until Ctrl-C.
    """
    set_up_logs(settings().log_json)
    logging.getLogger().setLevel(logging.WARNING)  # the story is told, not logged
    logging.getLogger("satcom.orchestration").setLevel(logging.ERROR)  # it tells what is refused, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, it ends as with Ctrl-C
    with database() as opened:
        code = demonstrate(opened, folder, Console(), leave)
    raise typer.Exit(code)
