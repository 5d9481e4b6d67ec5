"""`satcom listener`: who is told of events, how far each has come, and what to do about one that is not."""

import json
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, Body, Token, Url
from satcom.app.listing import Listing, screen
from satcom.app.parameter_names import offered
from satcom.core.values import Json, instant_text

listener = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Id = Annotated[str, typer.Argument(metavar="LISTENER", help="Its id, as listener list shows it.")]
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
OPTIONS = {"id": "LISTENER", "/state": "LISTENER", "/deliverFrom": "SINCE"}
STATES = ("active", "parked")
LISTENERS = "/satcom-api/event/v1/listener"
console = screen()


@listener.command("list")
def list_listeners(
    state: Annotated[
        str | None,
        typer.Option(help="Only these: active or parked.", show_default=False, autocompletion=offered(STATES)),
    ] = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Every listener, and what waits for it."""
    asked = {"limit": "1000"} | ({"state": state} if state else {})
    with Api(url, token) as api:
        found = [api.get(f"{LISTENERS}/{one['id']}/standing") for one in api.get(LISTENERS, **asked)]
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("api", "state", "waiting", "id", "callback", "last failure")
    for one in found:
        waiting = str(one.get("backlog", ""))
        listing.add(one["document"], one["state"], waiting, one["id"], one["callback"], one.get("lastError", ""))
    listing.print_on(console, "nobody listens")


@listener.command()
def show(name: Id, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """How one listener fares."""
    with Api(url, token) as api, as_typed(OPTIONS):
        _told(api.get(f"{LISTENERS}/{name}/standing"), as_json)


@listener.command()
def park(name: Id, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Tell it nothing for now; it misses nothing."""
    _changed(name, {"state": "parked"}, as_json, url, token)


@listener.command()
def resume(name: Id, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Go on with a parked or failing listener, at once and from where it stopped."""
    _changed(name, {"state": "active"}, as_json, url, token)


@listener.command()
def replay(
    name: Id,
    since: Annotated[
        datetime,
        typer.Argument(
            metavar="SINCE", formats=MOMENTS, help="2027-03-31T12:00 in UTC, or with its offset 2027-03-31T12:00+03:00."
        ),
    ],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Tell it again of everything since a moment, or leave out what was before it."""
    at = instant_text(since if since.tzinfo else since.replace(tzinfo=UTC))
    _changed(name, {"deliverFrom": at}, as_json, url, token)


@listener.command()
def remove(name: Id, url: Url = HERE, token: Token = "") -> None:
    """Forget it, and what waits for it."""
    with Api(url, token) as api, as_typed(OPTIONS):
        api.delete(f"{LISTENERS}/{name}")
    console.print(f"{name} is removed")


def _changed(name: str, body: Json, as_json: bool, url: str, token: str) -> None:
    with Api(url, token) as api, as_typed(OPTIONS):
        _told(api.patch(f"{LISTENERS}/{name}", body, str(uuid4())), as_json)


def _told(body: Body, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(body))
        return
    listing = Listing("name", "value", headed=False)
    for name, value in body.items():
        if not name.startswith("@") and name != "href":
            listing.add(name, ", ".join(value) if isinstance(value, list) else str(value))
    listing.print_on(console)
