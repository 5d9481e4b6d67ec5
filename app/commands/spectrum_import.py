"""`satcom spectrum import`: carriers of a public list, told by transponder, and each one that is left out with why."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from satcom.app.commands.load import as_body, show_changes
from satcom.app.listing import screen
from satcom.app.loading.listed_carriers import Imported, import_carriers
from satcom.core.database import Database
from satcom.core.wrong_value import check_ranges
from satcom.resource.listed_carriers import LeftOut


def import_command(
    opened: Callable[[], AbstractContextManager[Database]], by: Callable[[], str]
) -> Callable[..., None]:
    """The command, on the database that `opened` opens, signed by `by`."""

    def command(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="A satellites.xml of enigma2 or tuxbox.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
        rolloff: Annotated[
            float, typer.Option(metavar="N", help="Of DVB-S2, which the list does not tell: 0.05 to 0.35.")
        ] = 0.2,
        power_percent: Annotated[
            float, typer.Option(metavar="N", help="Power share, in percent of the bandwidth's, up to 200.")
        ] = 100.0,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    ) -> None:
        """Enter the carriers of a public list that lie in the fleet's transponders.

        What fits nowhere, or lies across another carrier, is left out and told with its line. Imported again, it
        corrects what the list says otherwise, and doubles nothing.
        """
        check_ranges([("--rolloff", rolloff, 0.05, 0.35), ("--power-percent", power_percent, 0, 200)])
        with opened() as database:
            imported = import_carriers(database, file, dry_run, by(), rolloff, power_percent)
        if as_json:
            changes = [as_body(one) for one in imported.changes]
            left = [{"line": line, "code": "badValue", "reason": why} for line, why in imported.wrong]
            left += [_left_body(one) for one in imported.left_out]
            typer.echo(json.dumps({"carriers": changes, "leftOut": left}, ensure_ascii=False))
        else:
            _show(screen(), imported, file.name, dry_run)

    return command


def _left_body(one: LeftOut) -> dict[str, object]:
    carrier = one.carrier
    return {
        "line": carrier.line,
        "code": one.code,
        "reason": one.why,
        "position": carrier.place,
        "downlinkCenterHz": carrier.downlink_center_hz,
        "polarisation": carrier.polarisation.value,
        "symbolRateBaud": carrier.symbol_rate_baud,
    }


def _show(console: Console, imported: Imported, file: str, dry_run: bool) -> None:
    show_changes(console, imported.changes, dry_run, quiet=False)
    left = len(imported.left_out) + len(imported.wrong)
    if left:
        console.print(Text(f"{left} entries of {file} are left out:", "bold"), soft_wrap=True)
    for line in _left_lines(imported):
        console.print(Text(f"  {line}"), soft_wrap=True)


def _left_lines(imported: Imported) -> Iterator[str]:
    """A line for each; those of one place without a satellite of the fleet together, since a list is of the world."""
    yield from (f"line {line}: {why}" for line, why in imported.wrong)
    for (code, place), those in groupby(imported.left_out, key=lambda one: (one.code, one.carrier.place)):
        some = list(those)
        first, last = some[0].carrier.line, some[-1].carrier.line
        if code == "noSatellite" and len(some) > 1:
            yield f"lines {first} to {last}: {len(some)} carriers at {place}: {some[0].why}"
            continue
        for one in some:
            carrier = one.carrier
            what = f"{carrier.downlink_center_hz / 1e6:g} MHz {carrier.polarisation} at {place}"
            yield f"line {carrier.line}: {what}: {one.why}"
