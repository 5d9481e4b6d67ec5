"""`satcom constellation-coverage`: from where satellites that move are seen, as a map of the world or by latitude."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress

from satcom.app.as_typed import as_typed
from satcom.app.commands.coverage import check_kind, tell_or_write
from satcom.app.commands.passes import Constellation, ElementsOf, Gateways, Opened, Satellites, Start, fleet_asked
from satcom.app.coverage_in_time import (
    USUAL_POINTS,
    TimeAsked,
    TimeQuantity,
    coverage_in_time,
    latitudes_in_time,
)
from satcom.app.listing import Listing, screen
from satcom.core.errors import Refused

if TYPE_CHECKING:
    from satcom.resource.passes import Fleet
    from satcom.resource.physics.latitude_coverage import LatitudeCoverage

OPTIONS: Final = {
    "elevationDeg": "--elevation",
    "satelliteId": "--satellite",
    "constellation": "--constellation",
    "earthStationId": "--gateway",
    "startAt": "--start",
    "hours": "--hours",
    "points": "--points",
}


def constellation_coverage_command(opened: Opened) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        quantity: Annotated[
            TimeQuantity, typer.Option(help=f"What is mapped: {', '.join(TimeQuantity)}.")
        ] = TimeQuantity.SERVED,
        satellite: Satellites = None,
        constellation: Constellation = None,
        elements: ElementsOf = None,
        gateway: Gateways = None,
        elevation: Annotated[float, typer.Option(metavar="N", help="Nothing is used below, degrees.")] = 10.0,
        start: Start = None,
        hours: Annotated[int, typer.Option(metavar="N", help="Up to 168.")] = 24,
        points: Annotated[int, typer.Option(help="Along the equator.")] = USUAL_POINTS,
        by_latitude: Annotated[bool, typer.Option("--by-latitude", help="A table instead of a map.")] = False,
        out: Annotated[
            Path | None, typer.Option(metavar="FILE", help="A picture (.png .svg .pdf), .geojson or .json.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
        geojson: Annotated[bool, typer.Option("--geojson", help="The areas of each level, for a program.")] = False,
    ) -> None:
        """From where satellites that move are seen: share of time, gaps, how many.

        With earth stations named, a satellite serves while one of them sees it, too: a bent pipe.
        """
        from satcom.resource import passes  # noqa: PLC0415

        check_kind(out)
        if by_latitude and (out is not None or geojson):
            raise Refused("--by-latitude", "a table is no map", "invalid", "without --out and --geojson")
        with as_typed(OPTIONS):
            start_at = passes.instant_of(start.replace(tzinfo=UTC) if start is not None else None)
            fleet = fleet_asked(opened, elements, satellite or [], constellation, gateway or [], start_at)
            asked = TimeAsked(quantity, start_at, hours, elevation, points)
            _answer(fleet, _who(satellite, constellation, elements), asked, by_latitude, out, as_json, geojson)

    return command


def _answer(
    fleet: "Fleet", who: str, asked: TimeAsked, by_latitude: bool, out: Path | None, as_json: bool, geojson: bool
) -> None:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("latitudes", total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if not by_latitude:
            answer = coverage_in_time(fleet, who, asked, told)
        else:
            table = latitudes_in_time(fleet, asked, told)
    if not by_latitude:
        tell_or_write(answer, out, as_json, geojson)
    elif as_json:
        typer.echo(json.dumps({name: values.tolist() for name, values in asdict(table).items()}))
    else:
        _listing(table).print_on(screen())


def _who(satellites: Sequence[str] | None, constellation: str | None, elements: Path | None) -> str:
    if elements is not None:
        return elements.stem
    return ", ".join([*([constellation] if constellation is not None else []), *(satellites or [])])


def _listing(table: "LatitudeCoverage") -> Listing:
    columns = ("latitude", "time served", "worst place", "longest gap", "in view", "at least", "at most")
    listing = Listing(*columns, right=columns)
    for number in reversed(range(len(table.latitude_deg))):  # North is up
        listing.add(
            f"{table.latitude_deg[number]:.1f}°",
            f"{table.covered_percent[number]:.2f} %",
            f"{table.worst_covered_percent[number]:.2f} %",
            f"{table.longest_gap_s[number] / 60:.1f} min",
            f"{table.mean_in_view[number]:.2f}",
            str(table.least_in_view[number]),
            str(table.most_in_view[number]),
        )
    return listing
