"""`satcom order graph`: an order as a picture, from the product down to the network, with its tasks."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from satcom.app.commands.api import HERE, Api, Token, Url, flow_of, order_called, tasks_of
from satcom.app.commands.delivery import delivery_of
from satcom.app.commands.order import Name
from satcom.app.commands.order_view import progress
from satcom.app.listing import screen
from satcom.core.errors import Refused

console = screen()


def graph(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A name that ends in .svg; by default that of the order.", show_default=False
        ),
    ] = None,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Draw an order: product, service, what carries it, and its tasks with what each needs.

    Tasks that may be done at the same time stand above each other; the critical path is bold.
    """
    if out is not None and out.suffix != ".svg":
        raise Refused("--out", f"{out.name} is no picture", "invalid", "a name that ends in .svg")
    with Api(url, token) as api:
        found = order_called(api, name)
        flow = flow_of(api, found)
        tasks = tasks_of(api, flow) if flow is not None else []
        picture: str = import_module("satcom.app.order_graph").order_graph(
            found, progress(found, flow, tasks), flow, tasks, delivery_of(api, found)
        )
    path = out or Path(f"{found['reference']}.svg")
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as wrong:
        raise Refused("--out", f"{path} cannot be written: {wrong.strerror}", "unwritable") from wrong
    console.print(f"drawn in {path}", soft_wrap=True)
