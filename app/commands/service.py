"""`satcom service`: what the network says of a service in use. All over the HTTP API."""

import json
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from satcom.app.commands.api import HERE, Api, Body, Token, Url

HUB_STATE: Final = "/satcom-api/service/v1/hubState"
service = typer.Typer(help="Services in use: what the hub holds of them.", no_args_is_help=True)
Name = Annotated[
    str,
    typer.Argument(metavar="SERVICE", help="Its id or name, or the reference of its order, as PO-2026-000001."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
console = Console()


@service.callback()
def group() -> None:
    """Services in use: what the hub holds of them."""


@service.command("hub-state")
def hub_state(name: Name, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Where the hub differs from what it was told, and what would be sent to mend it.

    It reads only. To send it again, have the task of the order tried again.
    """
    with Api(url, token) as api:
        state: Body = api.get(HUB_STATE, serviceId=name)
    if as_json:
        typer.echo(json.dumps(state))
        return
    console.print(f"service {state['serviceId']}", highlight=False)
    if not state["differences"]:
        console.print("the hub holds what it was told", style="green")
        return
    console.print(differing(state["differences"]))
    for one in state["wouldSend"]:
        console.print(Text(f"would be sent: {one['method']} {one['path']}", "dim"), soft_wrap=True)


def differing(differences: Sequence[Body]) -> Table:
    """A line for each field that differs."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("at the hub")
    table.add_column("field")
    table.add_column("told", overflow="fold")
    table.add_column("found", overflow="fold", style="bold red")
    for one in differences:
        table.add_row(one["kind"], one["field"], _text(one["desired"]), _text(one["actual"]))
    return table


def _text(value: object) -> Text:
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    return Text("nothing" if value is None else str(value))
