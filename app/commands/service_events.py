"""`satcom service events`: when the Sun takes a service away, its satellite is dark or another takes over."""

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
_NONE: Final = "no sun outage, eclipse, handover or gap"
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
    days: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=366,
            help="From there on; by default 92, and 7 over satellites that pass.",
            show_default=False,
        ),
    ] = None,
    ics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a calendar (iCalendar).", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Sun outages at the ends of a service, eclipses of its satellite, handovers.

    An outage is when the Sun costs more than the carriers of the service can bear, by the budget that was sold.
    Handovers and gaps are of a service over satellites that pass.
    """
    asked = {"serviceId": name}
    if days is not None:
        asked["days"] = str(days)
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
    _listed(found).print_on(console, _NONE if days is None else f"{_NONE} within {days} days")


def _write(path: Path, calendar: bytes) -> None:
    try:
        path.write_bytes(calendar)
    except OSError as wrong:
        raise Refused("--ics", f"{path} cannot be written: {wrong.strerror}", "unwritable") from wrong


def _listed(found: list[Body]) -> Listing:
    listing = Listing("from", "to", "what", "where", "costs", whole={"where", "costs"})
    for one in found:
        what, costs = _told(one)
        start, end = shown_instant(one["start"], seconds=True), shown_clock(datetime.fromisoformat(one["end"]))
        listing.add(start, end, what, one["at"], costs)
    return listing


def _told(one: Body) -> tuple[str, str]:
    """What it is, and what it costs or who takes over."""
    if one["kind"] == "handover":
        return "handover", f"{_carrier(one['from'])} to {_carrier(one['to'])}"
    if one["kind"] == "gap":
        return "gap", f"{one['durationS']:.0f} s, {one['reason']}"
    if one["kind"] == "sunOutage":
        behind = f"sun outage by {one['satellite']['name']}" if "satellite" in one else "sun outage"
        return behind, f"{one['degradationDb']:.1f} of {one['bearsDb']:.1f} dB"
    return f"eclipse by the {one['body'].title()}", f"{one['hiddenPercent']:.0f} % dark"


def _carrier(one: Body) -> str:
    return f"{one['satellite']['name']} by {one['earthStation']['name']}"
