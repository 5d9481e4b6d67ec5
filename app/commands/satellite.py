"""`satcom satellite`: when satellites enter service, whom another day touches, and what they have reached."""

import json
from datetime import datetime
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, ApiRefused, Body, Token, Url, is_id, told
from satcom.app.commands.payload_plan import plan
from satcom.app.listing import Listing, screen
from satcom.app.parameter_names import offered
from satcom.core.values import Json

satellite = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Name = Annotated[str, typer.Argument(metavar="SATELLITE", help="Its name or its id.")]
ChangeId = Annotated[str, typer.Argument(metavar="CHANGE", help="Its id, as satellite redate tells it.")]
STATES: Final = (
    "underConstruction",
    "launched",
    "inOrbitTest",
    "inService",
    "inclined",
    "degraded",
    "endOfLife",
    "deorbited",
)
RESOURCES: Final = "/tmf-api/resourceInventoryManagement/v4/resource"
CHANGES: Final = "/satcom-api/planning/v1/inServiceDateChange"
MILESTONES: Final = "/satcom-api/resource/v1/satelliteMilestone"
console = screen()


@satellite.command("list")
def list_satellites(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Every satellite, and when it carries traffic."""
    with Api(url, token) as api:
        found = _satellites(api)
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("satellite", "state", "in service", "end of life", "id", whole={"satellite"})
    for one in found:
        values = told(one, "resourceCharacteristic")
        dates = (str(values.get(name) or "") for name in ("inServiceDate", "endOfLifeDate"))
        listing.add(one["name"], str(values.get("state", "")), *dates, one["id"])
    listing.print_on(console, "there is no satellite")


satellite.command()(plan)


@satellite.command()
def redate(
    name: Name,
    day: Annotated[datetime, typer.Argument(metavar="DAY", formats=["%Y-%m-%d"], help="2027-03-31.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the change.", show_default=False)],
    confirm: Annotated[bool, typer.Option("--confirm", help="Carry it out at once, having shown it.")] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Show whom another in-service date touches; confirmed, everything moves at once and customers are told."""
    with Api(url, token) as api:
        body: Json = {"satellite": {"id": _called(api, name)}, "inServiceDate": f"{day:%Y-%m-%d}", "reason": reason}
        with as_typed({"/satellite": "SATELLITE", "/inServiceDate": "DAY", "/reason": "--reason"}):
            change = api.post(CHANGES, body, str(uuid4()))
        if not as_json:
            _show(change)
        if confirm:
            change = api.patch(f"{CHANGES}/{change['id']}", {"state": "confirmed"}, str(uuid4()))
    _end(change, as_json)


@satellite.command()
def confirm(change: ChangeId, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Carry out a change that was shown. It is refused when it touches others by now."""
    _decide(change, "confirmed", as_json, url, token)


@satellite.command()
def withdraw(change: ChangeId, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Leave everything as it is."""
    _decide(change, "withdrawn", as_json, url, token)


def _decide(change: str, state: str, as_json: bool, url: str, token: str) -> None:
    with Api(url, token) as api, as_typed({"id": "CHANGE", "/state": "CHANGE"}):
        _end(api.patch(f"{CHANGES}/{change}", {"state": state}, str(uuid4())), as_json)


@satellite.command()
def reach(
    name: Name,
    state: Annotated[
        str, typer.Argument(metavar="STATE", help=f"{', '.join(STATES)}.", autocompletion=offered(STATES))
    ],
    reason: Annotated[str | None, typer.Option(help="It is kept with the milestone.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Record what a satellite has reached; inService releases the orders that wait for it."""
    with Api(url, token) as api:
        body: dict[str, Json] = {"satellite": {"id": _called(api, name)}, "state": state}
        if reason is not None:
            body["reason"] = reason
        with as_typed({"/satellite": "SATELLITE", "/state": "STATE", "/reason": "--reason"}):
            milestone = api.post(MILESTONES, body, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(milestone))
    else:
        console.print(f"{milestone['satellite']['name']} is {milestone['state']} since {milestone['reachedOn']}")


def _satellites(api: Api) -> list[Body]:
    found: list[Body] = api.get(RESOURCES, **{"@type": "Satellite", "limit": "1000"})
    return sorted(found, key=lambda one: str(one["name"]))


def _called(api: Api, name: str) -> str:
    """The id of the satellite. Raises `ApiRefused` naming those there are."""
    if is_id(name):
        return name
    found = _satellites(api)
    ids = [str(one["id"]) for one in found if one["name"].lower() == name.lower()]
    if len(ids) != 1:
        names = ", ".join(str(one["name"]) for one in found)
        raise ApiRefused(404, [f"SATELLITE: there is no satellite {name!r} (accepted: an id, {names})"])
    return ids[0]


def _show(change: Body) -> None:
    """Whom it touches, with the dates before and after."""
    moved = f"{change['satellite']['name']}: in service on {change['inServiceDate']}"
    console.print(f"{moved}, not on {change['inServiceDateBefore']}")
    if not change["touched"]:
        console.print("it touches nobody")
        return
    listing = Listing(
        "order", "customer", "product", "service", "starts", "promised", "charged from", "cannot", whole={"customer"}
    )
    for one in change["touched"]:
        listing.add(
            one.get("order", {}).get("name", "held by hand"),
            one.get("customer", {}).get("name", ""),
            one.get("product", ""),
            one.get("service", {}).get("name", ""),
            *(_days(one, name) for name in ("starts", "promised", "billedFrom")),
            "; ".join(why["reason"] for why in one["cannotBear"]),
        )
    listing.print_on(console)


def _days(one: Body, name: str) -> str:
    before, after = (str(one.get(f"{name}{when}", ""))[:10] for when in ("Before", "After"))
    return f"{before} -> {after}" if before != after else before


def _end(change: Body, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(change))
    elif change["state"] == "proposed":
        console.print(f"nothing is moved yet: satcom satellite confirm {change['id']}", soft_wrap=True)
    else:
        console.print(f"the change is {change['state']}; {len(change['touched'])} are touched by it")
