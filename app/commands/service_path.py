"""`satcom service path`: which satellite, beam and gateway carry a service at an instant."""

import json
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, Body, Token, Url
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.core.values import instant_text

PATH_AT: Final = "/satcom-api/service/v1/servicePathAt"
console = screen()


def path(
    name: Annotated[
        str,
        typer.Argument(metavar="SERVICE", help="Its id or name, or the reference of its order, as PO-2026-000001."),
    ],
    at: Annotated[
        datetime | None,
        typer.Option(
            metavar="INSTANT",
            formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"],
            help="In UTC, as 2027-01-31T14:05Z; by default now.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Who carries a service at an instant of the past or the future: satellite, beam and gateway.

    Over satellites that pass it is planned for that day, with the newest elements of before the instant.
    """
    asked = {"serviceId": name}
    if at is not None:
        asked["at"] = instant_text(at.replace(tzinfo=UTC))
    with Api(url, token) as api, as_typed({"serviceId": "SERVICE", "at": "--at"}):
        found: Body = api.get(PATH_AT, **asked)
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("what", "which", whole={"what", "which"}, headed=False)
    listing.add("at", shown_instant(found["at"]))
    for what, key in (("constellation", "constellation"), ("satellite", "satellite"), ("gateway", "earthStation")):
        if key in found:
            listing.add(what, found[key]["name"])
    for beam in found.get("beam", []):
        listing.add("beam", beam.get("name") or f"the one that lights cell {beam['cell']}")
    if "hub" in found:
        listing.add("hub", found["hub"]["name"])
    if "elevationDeg" in found:
        listing.add("seen at", f"{found['azimuthDeg']:.1f} deg from north, {found['elevationDeg']:.1f} deg high")
        listing.add("distance", f"{found['rangeKm']:,.0f} km")
        listing.add("since", shown_instant(found["startAt"]))
        age_days = found["elementsAgeDays"]
        listing.add("elements", f"{abs(age_days):.1f} days {'old then' if age_days >= 0 else 'younger than that'}")
    if not found["carried"]:
        listing.add("carried", f"by nobody: {found['reason']}", style="bold red")
    if "until" in found:
        listing.add("until", shown_instant(found["until"]))
    listing.print_on(console)
