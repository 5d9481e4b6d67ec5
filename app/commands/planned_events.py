"""`satcom sun-outages` and `satcom eclipses`: when the Sun takes a link away, or power from a satellite."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from satcom.app.instants import shown_clock, shown_instant
from satcom.app.listing import Listing, screen
from satcom.app.text_file import text_of
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.values import Json

if TYPE_CHECKING:  # ERFA and SciPy are loaded by who asks for events, not by every command
    from datetime import datetime

    from satcom.resource.event_calendar import CalendarEntry
    from satcom.resource.physics.eclipse import Eclipse, EclipseSeason
    from satcom.resource.physics.sun_outage import SunOutage

Opened = Callable[[], AbstractContextManager[Database]]
OLD_DAYS = 30.0  # elements of this age at the end of the period are warned of
Satellite = Annotated[str, typer.Option(metavar="NAME", help="Its name or its id.", show_default=False)]
Year = Annotated[int, typer.Option(metavar="YEAR", help="In UTC: 2027.", show_default=False)]
ByElements = Annotated[
    bool, typer.Option("--by-elements", help="Where its elements see it, not in the middle of its box.")
]
Ephemeris = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where its ephemeris (OEM) plans it, as far as that goes.", show_default=False),
]
Ics = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a calendar (iCalendar).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Number = Annotated[float | None, typer.Option(show_default=False)]
Station = Annotated[str | None, typer.Option(metavar="NAME", help="An earth station, or a place:", show_default=False)]
AntennaId = Annotated[str | None, typer.Option(metavar="ID", help="The station's that receives.", show_default=False)]
Latitude = Annotated[float | None, typer.Option(help="Degrees North.", show_default=False)]
Longitude = Annotated[float | None, typer.Option(help="Degrees East.", show_default=False)]
Efficiency = Annotated[float | None, typer.Option(help="Of a place: 0.65.", show_default=False)]
Noise = Annotated[float | None, typer.Option(help="Of the receiving system, without the Sun.", show_default=False)]
Sun = Annotated[float | None, typer.Option(help="By default that of the quiet Sun.", show_default=False)]
console = screen()


def sun_outages_command(opened: Opened) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        satellite: Satellite,
        year: Year,
        station: Station = None,
        latitude: Latitude = None,
        longitude: Longitude = None,
        altitude_m: Annotated[float, typer.Option(help="Of the place.")] = 0.0,
        antenna: AntennaId = None,
        diameter_m: Number = None,
        efficiency: Efficiency = None,
        freq_ghz: Number = None,
        noise_temperature_k: Noise = None,
        sun_temperature_k: Sun = None,
        threshold_db: Annotated[float, typer.Option(help="What the link can bear.")] = 3.0,
        by_elements: ByElements = False,
        ephemeris: Ephemeris = None,
        ics: Ics = None,
        as_json: AsJson = False,
    ) -> None:
        """Sun outages of a satellite at a station in a year.

        An outage is when the noise of the Sun costs more C/N than the threshold.
        """
        from satcom.app import sky_events as events  # noqa: PLC0415
        from satcom.resource.planned_event import outage_entry  # noqa: PLC0415

        typed = {
            "--diameter-m": diameter_m,
            "--efficiency": efficiency,
            "--freq-ghz": freq_ghz,
            "--noise-temperature-k": noise_temperature_k,
            "--sun-temperature-k": sun_temperature_k,
            "--threshold-db": threshold_db,
        }
        place = (latitude, longitude, altitude_m)
        with opened() as database, database.as_worker() as session:
            path = events.Followed(by_elements, text_of("--ephemeris", ephemeris) if ephemeris else None)
            asked = events.link_asked(session, satellite, station, antenna, place, typed, year, path)
        found = asked.outages(threshold_db)
        name, at = asked.satellite, asked.place.name
        if ics is not None:
            write_calendar(ics, f"Sun outages of {name} at {at}", [outage_entry(one, name, at) for one in found])
        if as_json:
            typer.echo(json.dumps(events.outages_body(asked, found, threshold_db)))
        else:
            _warn(asked.element_age_days)
            _tell_period(asked.period, year)
            none = f"the Sun costs less than {threshold_db:g} dB all the time"
            _outages(found, asked.place.zone).print_on(console, none)

    return command


def eclipses_command(opened: Opened) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        satellite: Satellite,
        year: Year,
        seasons: Annotated[bool, typer.Option("--seasons", help="Only the table of seasons.")] = False,
        by_elements: ByElements = False,
        ephemeris: Ephemeris = None,
        ics: Ics = None,
        as_json: AsJson = False,
    ) -> None:
        """Eclipses of a satellite by Earth and Moon in a year, in UTC."""
        from satcom.app import sky_events as events  # noqa: PLC0415
        from satcom.resource.physics.eclipse import eclipse_seasons, eclipses  # noqa: PLC0415
        from satcom.resource.planned_event import eclipse_body, eclipse_entry  # noqa: PLC0415

        period = events.period_of(year)
        with opened() as database, database.as_worker() as session:
            there = events.satellite_called(session, satellite)
            name = there.name
            path = events.Followed(by_elements, text_of("--ephemeris", ephemeris) if ephemeris else None)
            track, age_days, period = events.track_of(session, there, period, path)
        found = eclipses(track, *period)
        kept = eclipse_seasons(found)
        if ics is not None:
            write_calendar(ics, f"Eclipses of {name}", [eclipse_entry(one, name) for one in found])
        if as_json:
            body: dict[str, Json] = {"satellite": name, "elementAgeDays": age_days}
            body["seasons"] = [events.season_body(one) for one in kept]
            if not seasons:
                body["eclipses"] = [eclipse_body(one) for one in found]
            typer.echo(json.dumps(body))
            return
        _warn(age_days)
        _tell_period(period, year)
        _seasons(kept).print_on(console, "there is no season of eclipses by the Earth")
        if not seasons:
            _eclipses(found).print_on(console)

    return command


def _outages(found: "Sequence[SunOutage]", zone: ZoneInfo) -> Listing:
    listing = Listing("start", "peak", "end", "min", "dB", f"peak, {zone}", right=("min", "dB"))
    for one in found:
        minutes = (one.end - one.start).total_seconds() / 60
        listing.add(
            shown_instant(one.start, seconds=True),
            shown_clock(one.peak),
            shown_clock(one.end),
            f"{minutes:.1f}",
            f"{one.degradation_db:.1f}",
            shown_instant(one.peak, zone),
        )
    return listing


def _seasons(kept: "Sequence[EclipseSeason]") -> Listing:
    listing = Listing("season", "until", "eclipses", "longest umbra, min", "on")
    for one in kept:
        days = [f"{at:%Y-%m-%d}" for at in (one.first, one.last)]
        longest = f"{one.longest.umbra.total_seconds() / 60:.1f}"
        listing.add(*days, str(one.eclipses), longest, f"{one.longest.deepest:%Y-%m-%d}")
    return listing


def _eclipses(found: "Sequence[Eclipse]") -> Listing:
    listing = Listing("by", "start", "umbra", "umbra ends", "end", "hidden %", right=("hidden %",))
    for one in found:
        umbra = [shown_clock(at) if at else "" for at in (one.umbra_start, one.umbra_end)]
        hidden = f"{100 * one.hidden:.0f}"
        listing.add(one.body, shown_instant(one.start, seconds=True), *umbra, shown_clock(one.end), hidden)
    return listing


def write_calendar(path: Path, name: str, entries: "Sequence[CalendarEntry]") -> None:
    from satcom.resource.event_calendar import event_calendar  # noqa: PLC0415

    try:
        path.write_bytes(event_calendar(name, entries, now()))
    except OSError as wrong:
        raise Refused("--ics", f"{path} cannot be written: {wrong.strerror}", "unwritable") from wrong


def _tell_period(period: "tuple[datetime, datetime]", year: int) -> None:
    start, stop = period
    if (start.year, stop.year) != (year, year + 1):
        console.print(Text(f"from {shown_instant(start)} to {shown_instant(stop)}", "dim"), soft_wrap=True)


def _warn(age_days: float | None) -> None:
    if age_days is not None:
        text = f"the elements are {age_days:.0f} days old at the end of the period"
        console.print(Text(text, "yellow" if age_days > OLD_DAYS else "dim"), soft_wrap=True)
