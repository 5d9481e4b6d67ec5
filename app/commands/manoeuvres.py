"""`satcom manoeuvres`: when satellites are manoeuvred, how large the burns are, and whom they concern."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from satcom.app.commands.planned_events import AsJson, Ics, Opened, write_calendar
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.app.text_file import text_of

if TYPE_CHECKING:  # the readers of messages are loaded by who asks, not by every command
    from satcom.service.planned_manoeuvre import PlannedManoeuvre

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="Orbit parameter messages (OPM) in KVN or XML; may be repeated."),
]
Satellite = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whose plan it is, if not of whom it names.", show_default=False),
]
Service = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Only what concerns it: its id, its name, or its order's reference.", show_default=False
    ),
]
SHOWN = 3  # services in a row, before they are only counted
console = screen()


def manoeuvres_command(opened: Opened) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        files: Files, satellite: Satellite = None, service: Service = None, ics: Ics = None, as_json: AsJson = False
    ) -> None:
        """Manoeuvres that flight dynamics plans, and the services that the satellites carry meanwhile.

        In plane and out of plane are told of plans in a frame of the orbit (RTN, RSW, TNW); the drift, in degrees a
        day to the East, of geostationary satellites. Nothing is kept.
        """
        from satcom.app.manoeuvre_plans import manoeuvres_in, plan_of  # noqa: PLC0415

        planned = manoeuvres_in({str(file): text_of("FILE", file) for file in files})
        with opened() as database, database.as_worker() as session:
            found = plan_of(session, planned, satellite, service)
        if ics is not None:
            write_calendar(ics, "Planned manoeuvres", [one.entry() for one in found])
        if as_json:
            typer.echo(json.dumps([one.body() for one in found]))
        else:
            whom = f" that concerns {service}" if service is not None else ""
            _listed(found).print_on(console, f"no manoeuvre is planned{whom}")

    return command


def _listed(found: "Sequence[PlannedManoeuvre]") -> Listing:
    numbers = ("s", "m/s", "in plane", "out of plane", "drift, deg/day")
    listing = Listing("ignition", "satellite", *numbers, "concerns", whole={"satellite"}, right=numbers)
    for one in found:
        body = one.body()
        parts = [("inPlaneMPerS", ".3f"), ("outOfPlaneMPerS", "+.3f"), ("driftChangeDegPerDay", "+.4f")]
        listing.add(
            shown_instant(one.manoeuvre.ignition, seconds=True),
            one.satellite.name,
            f"{one.manoeuvre.duration_s:.0f}",
            f"{one.manoeuvre.size_m_per_s:.3f}",
            *(format(body[name], how) if name in body else "" for name, how in parts),
            one.concerned(SHOWN) or "nobody",
        )
    return listing
