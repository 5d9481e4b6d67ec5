"""`satcom passes`: when satellites stand above a site, who serves it from when to when, and when nobody does."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from satcom.app.as_typed import as_typed
from satcom.app.instants import shown_clock, shown_instant
from satcom.app.listing import Listing, screen
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Refused

if TYPE_CHECKING:  # the search is loaded by who asks for passes, not by every command
    from satcom.resource.passes import Fleet, PassPlan

Opened = Callable[[], AbstractContextManager[Database]]
OLD_DAYS = 3.0  # a low satellite is off by some kilometres then
SHOWN = 40  # passes, before they are only counted
Latitude = Annotated[float, typer.Option(metavar="N", help="Degrees North.", show_default=False)]
Longitude = Annotated[float, typer.Option(metavar="N", help="Degrees East.", show_default=False)]
Satellites = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Its name or id; may be repeated.")]
Constellation = Annotated[str | None, typer.Option(metavar="NAME", help="All of its satellites.", show_default=False)]
ElementsOf = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Those of a file, not of the inventory.", show_default=False)
]
Gateways = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="An earth station that must see the satellite, too.")
]
Start = Annotated[
    datetime | None,
    typer.Option(
        metavar="INSTANT",
        formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"],
        help="In UTC: 2027-01-31T06:00Z. By default now.",
        show_default=False,
    ),
]
Ics = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write who serves, handovers and gaps as a calendar (iCalendar).")
]
FALLEN: Final = "its elements lead below the ground, or nowhere, at that time"
OPTIONS: Final = {
    "latitudeDeg": "--latitude",
    "longitudeDeg": "--longitude",
    "altitudeM": "--altitude-m",
    "elevationDeg": "--elevation",
    "satelliteId": "--satellite",
    "constellation": "--constellation",
    "earthStationId": "--gateway",
    "startAt": "--start",
    "hours": "--hours",
}
console = screen()


def passes_command(opened: Opened) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        latitude: Latitude,
        longitude: Longitude,
        satellite: Satellites = None,
        constellation: Constellation = None,
        elements: ElementsOf = None,
        max_age_days: Annotated[
            int | None, typer.Option(metavar="N", min=0, help="Refuse older elements of a file.", show_default=False)
        ] = None,
        gateway: Gateways = None,
        altitude_m: Annotated[float, typer.Option(metavar="N", help="Of the site, m.")] = 0.0,
        elevation: Annotated[float, typer.Option(metavar="N", help="Nothing is used below, degrees.")] = 10.0,
        start: Start = None,
        hours: Annotated[int, typer.Option(metavar="N", help="Up to 168.")] = 24,
        highest: Annotated[bool, typer.Option("--highest", help="Always the highest, not the longest stay.")] = False,
        ics: Ics = None,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    ) -> None:
        """When satellites are seen from a site, who serves it, handovers, and gaps.

        With earth stations named, a satellite serves while one of them sees it, too: a bent pipe.
        """
        from satcom.resource import passes  # noqa: PLC0415
        from satcom.resource.physics.passes import HandoverRule  # noqa: PLC0415

        rule = HandoverRule.HIGHEST if highest else HandoverRule.LONGEST_STAY
        place = passes.AskedPlace(latitude, longitude, altitude_m, elevation)
        with as_typed(OPTIONS):
            start_at = passes.instant_of(start.replace(tzinfo=UTC) if start is not None else None)
            fleet = fleet_asked(opened, elements, satellite or [], constellation, gateway or [], start_at, max_age_days)
            found = passes.plan_of(fleet, place, start_at, hours, rule)
        if ics is not None:
            _write(ics, found)
        if as_json:
            typer.echo(json.dumps(passes.plan_body(found)))
        else:
            _show(found)

    return command


def fleet_asked(
    opened: Opened,
    file: Path | None,
    satellites: Sequence[str],
    constellation: str | None,
    stations: Sequence[str],
    at: datetime,
    max_age_days: int | None = None,
) -> "Fleet":
    """The satellites of a file, else those named of the inventory. Raises `Refused`, on both, too."""
    from satcom.resource import passes  # noqa: PLC0415

    if file is None:
        if max_age_days is not None:
            why = "it is for --elements; for the inventory the operator sets it"
            raise Refused("--max-age-days", why, "invalid", "satcom operator set --elements-limit-days")
        with opened() as database, database.as_worker() as session:
            return passes.fleet_called(session, satellites, constellation, stations, at)
    if satellites or constellation is not None:
        raise Refused("--elements", "satellites are those of the file", "invalid", "without --satellite")
    return _of_file(opened, file, stations, at, max_age_days)


def _of_file(opened: Opened, file: Path, stations: Sequence[str], at: datetime, max_age_days: int | None) -> "Fleet":
    """The database is opened only for earth stations. Who lies below the ground at the start is left out."""
    from satcom.app.element_file import age_warnings, elements_of, fallen, too_old  # noqa: PLC0415
    from satcom.resource import passes  # noqa: PLC0415

    sets, bad_lines = elements_of("--elements", file)
    for line in [*bad_lines, *age_warnings(sets, at)]:
        typer.echo(line, err=True)
    why = None if max_age_days is None else too_old(sets, at, max_age_days)
    if why is not None:
        raise Refused("--elements", why, "tooOld", "newer elements, or a higher --max-age-days")
    every = [
        (one, passes.Named(one.name or str(one.norad_id), {"name": one.name, "noradId": one.norad_id})) for one in sets
    ]
    down = fallen(sets, at)
    flown = tuple(passes.Flown(name, one) for one, name in every if one.norad_id not in down)
    left_out = tuple(passes.LeftOut(name, FALLEN) for one, name in every if one.norad_id in down)
    if not flown:
        raise Refused("--elements", f"{left_out[0].satellite.name}, {left_out[0].reason}", "noElements")
    gateways: tuple[passes.Gateway, ...] = ()
    if stations:
        with opened() as database, database.as_worker() as session:
            gateways = passes.gateways_called(session, stations)
    return passes.Fleet(flown, gateways, left_out)


def _write(path: Path, found: "PassPlan") -> None:
    from satcom.resource.event_calendar import event_calendar  # noqa: PLC0415
    from satcom.resource.planned_handover import plan_entries  # noqa: PLC0415

    place = f"{found.place.latitude_deg:g}, {found.place.longitude_deg:g}"
    try:
        path.write_bytes(event_calendar(f"Passes over {place}", plan_entries(found, place), now()))
    except OSError as wrong:
        raise Refused("--ics", f"{path} cannot be written: {wrong.strerror}", "unwritable") from wrong


def _show(found: "PassPlan") -> None:
    plan = found.plan
    days = found.oldest_elements_days
    style = "yellow" if days > OLD_DAYS else "dim"
    console.print(Text(f"the oldest elements are {days:.1f} days old at the end", style), soft_wrap=True)
    for one in found.fleet.left_out:
        console.print(f"left out: {one.satellite.name}, {one.reason}", soft_wrap=True)
    if len(plan.passes) <= SHOWN:
        _passes(found).print_on(console)
    else:
        console.print(f"{len(plan.passes)} passes: --json lists them")
    if len(plan.legs):
        _legs(found).print_on(console)
    for number, reason in enumerate(plan.reasons):
        begin, end = (found.at(float(at[number])) for at in (plan.gaps.begin_s, plan.gaps.end_s))
        period = f"{shown_instant(begin, seconds=True)} to {shown_instant(end, seconds=True)}"
        console.print(f"nobody from {period}: {_told(reason.value)}", soft_wrap=True)
    served, longest = f"{plan.served_percent:.2f} % of the time is served", f"{plan.longest_gap_s:.0f} s"
    console.print(f"{served}, {plan.handovers} handovers, longest gap {longest}", soft_wrap=True)


def _told(reason: str) -> str:
    return {
        "noSatellite": "no satellite is seen",
        "noGateway": "a satellite is seen, but from no gateway",
        "shortView": "no satellite stays in view for a step",
    }[reason]


def _passes(found: "PassPlan") -> Listing:
    seen = found.plan.passes
    columns = ("satellite", "rises", "from", "highest", "at", "sets", "to")
    listing = Listing(*columns, whole={"satellite"}, right=("from", "highest", "to"))
    for number in range(len(seen)):
        rise, peak, ends = (found.at(float(at[number])) for at in (seen.rise_s, seen.peak_s, seen.set_s))
        listing.add(
            found.satellite(int(seen.satellite[number])).name,
            shown_instant(rise, seconds=True),
            f"{seen.rise_azimuth_deg[number]:.0f}°",
            f"{seen.peak_elevation_deg[number]:.1f}°",
            shown_clock(peak),
            shown_clock(ends),
            f"{seen.set_azimuth_deg[number]:.0f}°",
        )
    return listing


def _legs(found: "PassPlan") -> Listing:
    legs = found.plan.legs
    listing = Listing("served by", "through", "from", "to", "elevation", whole={"served by", "elevation"})
    for number in range(len(legs)):
        gateway = found.gateway(int(legs.gateway[number]))
        begin, end = (found.at(float(at[number])) for at in (legs.begin_s, legs.end_s))
        low, high = legs.lowest_elevation_deg[number], legs.highest_elevation_deg[number]
        listing.add(
            found.satellite(int(legs.satellite[number])).name,
            gateway.name if gateway is not None else "",
            shown_instant(begin, seconds=True),
            shown_clock(end),
            f"{low:.1f} to {high:.1f}°",
        )
    return listing
