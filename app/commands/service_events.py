"""`satcom service events`: when the Sun takes a service away, and when its satellite is dark, also as a calendar."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, Body, Token, Url
from satcom.app.instants import shown_clock, shown_instant
from satcom.app.listing import Listing, screen
from satcom.core.errors import Refused
from satcom.core.values import instant_text

EVENTS: Final = "/satcom-api/service/v1/plannedEvent"
console = screen()


def events(
    name: Annotated[
        str,
        typer.Argument(metavar="SERVICE", help="Its id or name, or the reference of its order, as PO-2026-000001."),
    ],
    start: Annotated[
        datetime | None,
        typer.Option(metavar="DAY", formats=["%Y-%m-%d"], help="In UTC; by default now.", show_default=False),
    ] = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=366, help="From there on.")] = 92,
    ics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a calendar (iCalendar).", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Sun outages at both ends of a service, and eclipses of its satellite.

    An outage is when the Sun costs more than the carriers of the service can bear, by the budget that was sold.
    """
    asked = {"serviceId": name, "days": str(days)}
    if start is not None:
        asked["startAt"] = instant_text(start.replace(tzinfo=UTC))
    typed = {"serviceId": "SERVICE", "startAt": "--start", "days": "--days"}
    with Api(url, token) as api, as_typed(typed):
        found: list[Body] = api.get(EVENTS, **asked)
        calendar = api.get_file(EVENTS, "text/calendar", **asked) if ics is not None else b""
    if ics is not None:
        _write(ics, calendar)
    if as_json:
        typer.echo(json.dumps(found))
        return
    _listed(found).print_on(console, f"no event within {days} days")


def _write(path: Path, calendar: bytes) -> None:
    try:
        path.write_bytes(calendar)
    except OSError as wrong:
        raise Refused("--ics", f"{path} cannot be written: {wrong.strerror}", "unwritable") from wrong


def _listed(found: list[Body]) -> Listing:
    listing = Listing("from", "to", "what", "where", "costs", whole={"costs"})
    for one in found:
        sun = one["kind"] == "sunOutage"
        what = "sun outage" if sun else f"eclipse by the {one['body'].title()}"
        costs = (
            f"{one['degradationDb']:.1f} of {one['bearsDb']:.1f} dB" if sun else f"{one['hiddenPercent']:.0f} % dark"
        )
        start, end = shown_instant(one["start"], seconds=True), shown_clock(datetime.fromisoformat(one["end"]))
        listing.add(start, end, what, one["at"], costs)
    return listing
