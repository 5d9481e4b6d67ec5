"""`satcom elements`: keep element sets of satellites from files in any notation, and see how old the kept ones are."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import col, select

from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.app.text_file import text_of
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.values import Json, instant_text
from satcom.resource.physics.orbit import element_age_days
from satcom.resource.satellite import RecordedElements, Satellite, elements_at, record_elements

Opened = Callable[[], AbstractContextManager[Database]]
OLD_DAYS = 30.0  # are warned of: by then a geostationary satellite was manoeuvred
NAMED = 20  # bad lines, before they are only counted
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
console = screen()


def elements_commands(opened: Opened, by: Callable[[], str]) -> typer.Typer:
    """The commands, on the database that `opened` opens, signed by `by`."""
    elements = typer.Typer(no_args_is_help=True)
    elements.command("load")(_load_command(opened, by))
    elements.command("list")(_list_command(opened))
    return elements


def _load_command(opened: Opened, by: Callable[[], str]) -> Callable[..., None]:
    def command(
        file: Annotated[
            Path, typer.Argument(metavar="FILE", help="Two-line elements, or an OMM in KVN, XML, JSON or CSV.")
        ],
        source: Annotated[str, typer.Option(help="Whose they are; by default the file's name.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be kept, and keep nothing.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Keep the element sets of satellites that are known.

        A bad line is told with its reason, and the good sets are kept. Sets of other satellites do no harm; a set
        that is kept already is left, an older one becomes part of the history.
        """
        text = text_of("FILE", file)
        if len(source) > 200:
            raise Refused("--source", "it is too long", "tooLong", "up to 200 characters")
        with opened() as database, database.as_worker(by()) as session, session.begin_nested() as everything:
            recorded = record_elements(session, text, source or file.name[:200])
            if dry_run:
                everything.rollback()
        if as_json:
            typer.echo(json.dumps(_as_body(recorded)))
        else:
            _show(recorded, dry_run)

    return command


def _as_body(recorded: RecordedElements) -> dict[str, Json]:
    return {
        "added": len(recorded.added),
        "older": recorded.older,
        "alreadyThere": recorded.already_there,
        "ofUnknownSatellites": list(recorded.of_unknown_satellites),
        "badLines": [{"line": one.line_number, "reason": one.reason} for one in recorded.bad_lines],
    }


def _show(recorded: RecordedElements, dry_run: bool) -> None:
    for bad in recorded.bad_lines[:NAMED]:
        console.print(Text(f"line {bad.line_number}: {bad.reason}", "red"), soft_wrap=True)
    if len(recorded.bad_lines) > NAMED:
        console.print(f"and {len(recorded.bad_lines) - NAMED} more bad lines: --json names all", soft_wrap=True)
    done = "would be kept; nothing was" if dry_run else "kept"
    older = f", {recorded.older} of them older than another" if recorded.older else ""
    console.print(f"{len(recorded.added)} element sets {done}{older}", soft_wrap=True)
    if recorded.added:
        oldest_days = (now() - min(one.epoch for one in recorded.added)) / timedelta(days=1)
        if oldest_days > OLD_DAYS:
            console.print(Text(f"the oldest of these are {oldest_days:.0f} days old", "yellow"), soft_wrap=True)
    if recorded.already_there:
        console.print(f"{recorded.already_there} were there already", soft_wrap=True)
    if recorded.of_unknown_satellites:
        count = len(recorded.of_unknown_satellites)
        console.print(f"{count} satellites of the file are not in the inventory", soft_wrap=True)


def _list_command(opened: Opened) -> Callable[..., None]:
    def command(as_json: AsJson = False) -> None:
        """The element set in use of every satellite, and its age in days."""
        at = now()
        with opened() as database, database.as_worker() as session:
            satellites = session.exec(select(Satellite).order_by(col(Satellite.name))).all()
            kept = elements_at(session, at)
            rows: list[dict[str, Json]] = [{"satellite": one.name, "noradId": one.norad_id} for one in satellites]
            for row, satellite in zip(rows, satellites, strict=True):
                elements = kept.get(satellite.id)
                if elements is not None:
                    notation = "OMM" if elements.mean else "TLE"
                    age = round(element_age_days(elements, at), 2)
                    row |= {"epoch": instant_text(elements.epoch), "ageDays": age, "notation": notation}
        if as_json:
            typer.echo(json.dumps(rows))
            return
        listing = Listing("satellite", "number", "epoch", "days old", "from", whole={"satellite"}, right=("number",))
        for row in rows:
            days_old = f"{row['ageDays']:.1f}" if "ageDays" in row else "no elements"
            listing.add(
                str(row["satellite"]),
                str(row["noradId"] or ""),
                shown_instant(str(row.get("epoch", ""))),
                days_old,
                str(row.get("notation", "")),
            )
        listing.print_on(console, "there is no satellite")

    return command
