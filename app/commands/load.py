"""`satcom load`: what loading an operator's files does, or would do, told kind by kind."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from satcom.app.loading.load import load
from satcom.app.loading.loading import Change, Outcome
from satcom.core.database import Database


def load_command(opened: Callable[[], AbstractContextManager[Database]], by: Callable[[], str]) -> Callable[..., None]:
    """The command, on the database that `opened` opens, signed by `by`."""

    def command(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="Files as in examples/operator.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    ) -> None:
        """Load an operator's network, offers and customers.

        All or nothing. Loaded again, it changes what the files say otherwise, and doubles nothing.
        """
        with opened() as database:
            changes = load(database, folder, dry_run, by())
        if as_json:
            typer.echo(json.dumps([as_body(one) for one in changes]))
        else:
            show_changes(Console(), changes, dry_run)

    return command


def as_body(change: Change) -> dict[str, str | list[str]]:
    return {
        "kind": change.kind,
        "id": change.slug,
        "name": change.name,
        "outcome": change.outcome.value,
        "fields": list(change.fields),
    }


def show_changes(console: Console, changes: Sequence[Change], dry_run: bool) -> None:
    """How many of each kind, and each one that is not as it was."""
    counts = Counter((one.kind, one.outcome) for one in changes)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("kind")
    for outcome in Outcome:
        table.add_column(outcome.value, justify="right")
    for kind in dict.fromkeys(one.kind for one in changes):
        table.add_row(kind, *(str(counts[kind, outcome] or "") for outcome in Outcome))
    console.print(table)
    for one in changes:
        if one.outcome is Outcome.CHANGED:
            console.print(Text(f"{one.kind} {one.slug}: {one.what}"))
    changed = sum(one.outcome is not Outcome.UNCHANGED for one in changes)
    done = "would be created or changed; nothing was" if dry_run else "created or changed"
    console.print(f"{changed} of {len(changes)} objects {done}")
