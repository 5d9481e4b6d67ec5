"""`satcom terminal`: where a terminal has been, what is on its way to the depots, and what is to come back."""

import json
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from satcom.app.commands.api import HERE, Api, Body, Token, Url

terminal = typer.Typer(
    help="Terminals: the history of one, what is on its way to a depot, what is to come back.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
SUPPLY: Final = "/satcom-api/supplyChain/v1"
UNDER_WAY: Final = "shipped,partlyReceived"
TO_COME: Final = "expected,onItsWay,received,atSupplier"
MOST: Final = "1000"
console = Console()


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
    table = _table(("when", "state"), ("place", "document", "by"))
    for one in found["history"]:
        document = one.get("document", {})
        table.add_row(
            one["at"][:16].replace("T", " "),
            one["state"],
            one.get("place", {}).get("name", ""),
            document.get("name") or document.get("id", ""),
            one["by"],
        )
    console.print(table)


@terminal.command()
def shipments(
    late: Annotated[bool, typer.Option("--late", help="Only those whose day is over.")] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """What suppliers have shipped and is not all here, soonest first."""
    with Api(url, token) as api:
        found: list[Body] = api.get(f"{SUPPLY}/shipment", state=UNDER_WAY, sort="expectedDate", limit=MOST)
        depots = _names(api, "depot")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    found = [one for one in found if not late or one["expectedDate"] < today]
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = _table(("shipment",), ("expected", "carrier", "tracking", "to", "not here"))
    for one in found:
        expected = f"{one['expectedDate']}{' late' if one['expectedDate'] < today else ''}"
        missing = [number for number in one["serialNumber"] if number not in one["received"]]
        to = depots.get(one["depotId"], "")
        table.add_row(one["reference"], expected, one["carrier"], one["trackingNumber"], to, ", ".join(missing))
    console.print(table if found else f"no shipment is {'late' if late else 'on its way'}")


@terminal.command()
def returns(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """What is to come back or to be inspected, oldest first."""
    with Api(url, token) as api:
        found: list[Body] = api.get(f"{SUPPLY}/equipmentReturn", state=TO_COME, sort="returnDate", limit=MOST)
        depots = _names(api, "depot")
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = _table(("return",), ("serial number", "state", "since", "to", "why"))
    for one in found:
        to = depots.get(one["depotId"], "")
        table.add_row(one["reference"], one["serialNumber"], one["state"], one["returnDate"][:10], to, one["reason"])
    console.print(table if found else "nothing is to come back")


def _table(whole: tuple[str, ...], folded: tuple[str, ...]) -> Table:
    """A narrow window folds the latter columns and cuts nothing off."""
    table = Table(box=None, header_style="dim")
    for name in whole:
        table.add_column(name, no_wrap=True)
    for name in folded:
        table.add_column(name, overflow="fold")
    return table


def _names(api: Api, kind: str) -> dict[str, str]:
    listed: list[Body] = api.get(f"{SUPPLY}/{kind}", limit=MOST)
    return {one["id"]: one["name"] for one in listed}
