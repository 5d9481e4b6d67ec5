"""`satcom hub`: what the hubs hold that no book has, as after a restore, and to clear them of it. Over the API."""

import json
from collections.abc import Sequence
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, ApiRefused, Body, Token, Url
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen

ORPHANS: Final = "/satcom-api/service/v1/hubOrphan"
CLEARANCES: Final = "/satcom-api/service/v1/hubClearance"
hub = typer.Typer(no_args_is_help=True)
Name = Annotated[str | None, typer.Argument(metavar="HUB", help="Its name or id; else all hubs.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
console = screen()


@hub.callback()
def group() -> None:
    """Hubs: what they hold for services that the books do not have, as after a restore; and to clear them of it."""


@hub.command()
def orphans(name: Name = None, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """What a hub holds for services that the books do not have. It reads only."""
    with Api(url, token) as api:
        found = _orphans(api, name)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _list(found)


@hub.command()
def clear(
    name: Name = None,
    service: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this one of those shown; again for more.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Take orphans out of the hub, once it is confirmed: whoever is still on the air by them is off then.

    Orders that were held because a port was taken are tried again.
    """
    with Api(url, token) as api:
        found = _orphans(api, name)
        ids = [one["serviceId"] for one in found]
        wrong = [one for one in service or [] if one not in ids]
        if wrong:
            accepted = ", ".join(ids) or "there is none"
            raise ApiRefused(404, [f"--service: {one} is no orphan (accepted: {accepted})" for one in wrong])
        chosen = [one for one in found if not service or one["serviceId"] in service]
        if not as_json:
            _list(chosen)
        elif not chosen:
            typer.echo("null")
        if not chosen:
            return
        if not yes and not typer.confirm(f"Take all of this ({len(chosen)}) off the air?", err=as_json):
            raise typer.Exit(1)
        with as_typed({"/serviceIds": "HUB"}):
            asked = api.post(CLEARANCES, {"serviceIds": [one["serviceId"] for one in chosen]}, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(asked))
    else:
        console.print(f"{asked['reference']} is under way; satcom hub clearances tells when it is done", soft_wrap=True)


@hub.command()
def clearances(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """What hubs were cleared of, by whom and when, the latest first."""
    with Api(url, token) as api:
        found: list[Body] = api.get(CLEARANCES, sort="-askedAt", limit="1000")
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("clearance", "state", "asked by", "at", "services")
    for one in found:
        at = shown_instant(one["askedAt"])
        listing.add(one["reference"], one["state"], one["askedBy"], at, str(len(one["serviceIds"])))
    listing.print_on(console, "no hub was cleared of anything")


def _orphans(api: Api, name: str | None) -> list[Body]:
    with as_typed({"hubId": "HUB"}):
        found: list[Body] = api.get(ORPHANS) if name is None else api.get(ORPHANS, hubId=name)
    return found


def _list(found: Sequence[Body]) -> None:
    """Where each is, and whose: a service that no book has is known by its terminal and its site."""
    listing = Listing("service", "hub", "ports", "terminal", "latitude", "longitude", "down kbit/s", "up kbit/s")
    for one in found:
        held = one["holds"]
        ports = sorted({carrier["port"] for carrier in held["carriers"]})
        terminal: Body = next(iter(held["terminals"]), {})
        rates: Body = next(iter(held["plans"]), {})
        listing.add(
            one["serviceId"],
            ", ".join(hub["name"] for hub in one["hub"]),
            ", ".join(map(str, ports)),
            terminal.get("serial_number", ""),
            _shown(terminal.get("latitude_deg")),
            _shown(terminal.get("longitude_deg")),
            _shown(rates.get("forward_mir_bps"), 1000),
            _shown(rates.get("return_mir_bps"), 1000),
        )
    listing.print_on(console, "the hubs hold nothing that the books do not have")


def _shown(value: float | None, per: int = 1) -> str:
    return "" if value is None else f"{value / per:.10g}"
