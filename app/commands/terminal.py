"""`satcom terminal`: where a terminal has been, what is on its way to the depots or to come back, and swaps."""

import json
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, ApiRefused, Body, Token, Url
from satcom.app.instants import shown_day, shown_instant
from satcom.app.listing import Listing, screen
from satcom.core.values import Json

terminal = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
SWAPS: Final = "/satcom-api/service/v1/terminalSwap"
SUPPLY: Final = "/satcom-api/supplyChain/v1"
UNDER_WAY: Final = "shipped,partlyReceived"
TO_COME: Final = "expected,onItsWay,received,atSupplier"
MOST: Final = "1000"
console = screen()


@terminal.command()
def history(
    serial_number: Annotated[str, typer.Argument(metavar="SERIAL", help="Its serial number.")],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Every place and state of a terminal from the supplier's dock to the site and back, with its document."""
    with Api(url, token) as api:
        found: Body = api.get(f"{SUPPLY}/terminalHistory", serialNumber=serial_number)
    if as_json:
        typer.echo(json.dumps(found))
        return
    console.print(f"{found['serialNumber']}, {found['terminalType']}")
    listing = Listing("when", "state", "place", "document", "by")
    for one in found["history"]:
        document = one.get("document", {})
        listing.add(
            shown_instant(one["at"]),
            one["state"],
            one.get("place", {}).get("name", ""),
            document.get("name") or document.get("id", ""),
            one["by"],
        )
    listing.print_on(console)


@terminal.command()
def shipments(
    late: Annotated[bool, typer.Option("--late", help="Only those whose day is over.")] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """What suppliers have shipped and is not all here, soonest first."""
    with Api(url, token) as api:
        asked = {"state": UNDER_WAY, "sort": "expectedDate", "limit": MOST}
        overdue: list[Body] = api.get(f"{SUPPLY}/shipment", **asked, **{"expectedDate.lt": "today"})
        found = overdue if late else api.get(f"{SUPPLY}/shipment", **asked)
        depots = names(api, "depot")
    too_late = {one["id"] for one in overdue}
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("shipment", "expected", "carrier", "tracking", "to", "not here", whole={"expected"})
    for one in found:
        expected = f"{one['expectedDate']}{' late' if one['id'] in too_late else ''}"
        missing = [number for number in one["serialNumber"] if number not in one["received"]]
        to = depots.get(one["depotId"], "")
        listing.add(one["reference"], expected, one["carrier"], one["trackingNumber"], to, ", ".join(missing))
    listing.print_on(console, f"no shipment is {'late' if late else 'on its way'}")


@terminal.command()
def returns(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """What is to come back or to be inspected, oldest first."""
    with Api(url, token) as api:
        found: list[Body] = api.get(f"{SUPPLY}/equipmentReturn", state=TO_COME, sort="returnDate", limit=MOST)
        depots = names(api, "depot")
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("return", "serial number", "state", "since", "to", "why")
    for one in found:
        to = depots.get(one["depotId"], "")
        since = shown_day(one["returnDate"])
        listing.add(one["reference"], one["serialNumber"], one["state"], since, to, one["reason"])
    listing.print_on(console, "nothing is to come back")


@terminal.command()
def swap(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its id or name, or the reference of its order.")],
    serial_number: Annotated[str, typer.Argument(metavar="SERIAL", help="Of the terminal that takes its place.")],
    reason: Annotated[str, typer.Option(help="What is wrong with the one at the site.", show_default=False)],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Put another terminal of its type in the place of a faulty one, which comes back to the depot."""
    body: Json = {"serviceId": service, "serialNumber": serial_number, "reason": reason}
    options = {"/serviceId": "SERVICE", "/serialNumber": "SERIAL", "/reason": "--reason"}
    with Api(url, token) as api, as_typed(options):
        begun = api.post(SWAPS, body, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(begun))
    else:
        console.print(f"{begun['reference']}: {begun['oldSerialNumber']} is swapped by {begun['serialNumber']}")


@terminal.command("call-off-swap")
def call_off_swap(
    name: Annotated[str, typer.Argument(metavar="SWAP", help="Its reference, as TS-2026-000001.")],
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Let the service keep the terminal that it has; the other one goes back."""
    with Api(url, token) as api:
        found: list[Body] = api.get(SWAPS, reference=name)
        if not found:
            raise ApiRefused(404, [f"SWAP: there is no swap {name!r} (accepted: one of satcom terminal swaps)"])
        with as_typed({"/state": "SWAP"}):
            api.patch(f"{SWAPS}/{found[0]['id']}", {"state": "undone"}, str(uuid4()))
    console.print(f"{name} is being undone")


@terminal.command()
def swaps(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Every swap, the newest first, and what came of it."""
    with Api(url, token) as api:
        found: list[Body] = api.get(SWAPS, sort="-askedAt", limit=MOST)
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("swap", "state", "old", "new", "since", "why")
    for one in found:
        numbers = (one["oldSerialNumber"], one["serialNumber"])
        listing.add(one["reference"], one["state"], *numbers, shown_day(one["askedAt"]), one["reason"])
    listing.print_on(console, "no terminal was swapped")


def names(api: Api, kind: str) -> dict[str, str]:
    listed: list[Body] = api.get(f"{SUPPLY}/{kind}", limit=MOST)
    return {one["id"]: one["name"] for one in listed}
