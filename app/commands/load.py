"""`satcom load`: what loading an operator's files does, or would do, told kind by kind and by name."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.text import Text

from satcom.app.listing import screen
from satcom.app.loading.files import LISTS
from satcom.app.loading.load import load
from satcom.app.loading.loading import Change, FieldChange, Outcome
from satcom.app.loading.loading import Progress as Told
from satcom.app.parameter_names import offered
from satcom.core.database import Database
from satcom.core.values import Json

NAMED = 20  # of a kind, before it is only counted
LONG = 500  # entries of a list, from which on it is shown how far it is


def load_command(opened: Callable[[], AbstractContextManager[Database]], by: Callable[[], str]) -> Callable[..., None]:
    """The command, on the database that `opened` opens, signed by `by`."""

    def command(
        path: Annotated[
            Path, typer.Argument(metavar="PATH", help="A folder as examples/operator, or one list as customers.csv.")
        ],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
        kind: Annotated[
            str | None,
            typer.Option(
                "--as",
                metavar="LIST",
                help=f"Of what the file is a list: {', '.join(LISTS)}.",
                autocompletion=offered(LISTS),
            ),
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet", help="Only how many.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    ) -> None:
        """Load an operator's network, offers and customers.

        All or nothing. Loaded again, it changes what the files say otherwise, and doubles nothing.
        """
        with opened() as database, _shown_progress() as progress:
            changes = load(database, path, dry_run, by(), kind, progress)
        if as_json:
            typer.echo(json.dumps([as_body(one) for one in changes], ensure_ascii=False))
        else:
            show_changes(screen(), changes, dry_run, quiet)

    return command


def as_body(change: Change) -> dict[str, Json]:
    return {
        "kind": change.kind,
        "id": change.slug,
        "name": change.name,
        "outcome": change.outcome.value,
        "fields": [{"key": one.key, "old": one.old, "new": one.new} for one in change.fields],
    }


def show_changes(console: Console, changes: Sequence[Change], dry_run: bool, quiet: bool) -> None:
    """Each kind with what becomes of it by name, a changed one with its values; last how many in all."""
    for kind, its in groupby(sorted(changes, key=_place(changes)), key=lambda one: one.kind):
        if not quiet:
            _show_kind(console, kind, list(its))
    changed = sum(one.outcome is not Outcome.UNCHANGED for one in changes)
    done = "would be created or changed; nothing was" if dry_run else "created or changed"
    console.print(f"{changed} of {len(changes)} objects {done}")


def _place(changes: Sequence[Change]) -> Callable[[Change], int]:
    """The kinds in the order in which they were loaded first."""
    places = {kind: place for place, kind in enumerate(dict.fromkeys(one.kind for one in changes))}
    return lambda one: places[one.kind]


def _show_kind(console: Console, kind: str, changes: list[Change]) -> None:
    by_outcome = {outcome: [one for one in changes if one.outcome is outcome] for outcome in Outcome}
    counts = ", ".join(f"{len(those)} {outcome}" for outcome, those in by_outcome.items() if those)
    console.print(Text(f"{kind}: {counts}", "bold"), soft_wrap=True)
    for outcome in (Outcome.CREATED, Outcome.CHANGED):
        those = by_outcome[outcome]
        for one in those[:NAMED]:
            console.print(Text(f"  {outcome} {one.slug} ({one.name})"), soft_wrap=True)
            for field in one.fields:
                console.print(Text(f"    {_told(field)}"), soft_wrap=True)
        if len(those) > NAMED:
            console.print(f"  and {len(those) - NAMED} more {outcome}: --json names all", soft_wrap=True)


def _told(field: FieldChange) -> str:
    return f"{field.key}: {_text(field.old)} -> {_text(field.new)}"


def _text(value: Json) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def _shown_progress() -> Iterator[Told]:
    """How far a long list is, for whoever looks at it: a pipe and a short list leave no line of it."""
    progress = Progress(console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def told(name: str, done: int, total: int) -> None:
        if total < LONG or not progress.console.is_interactive:
            return
        if name not in tasks:
            progress.start()
            tasks[name] = progress.add_task(name, total=total)
        progress.update(tasks[name], completed=done)

    try:
        yield told
    finally:
        if tasks:
            progress.stop()
