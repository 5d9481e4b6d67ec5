"""`satcom order history`: everything that happened to an order, whoever did it and in whichever process."""

import json
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from satcom.app.commands.api import HERE, Api, Body, Token, Url, order_called
from satcom.app.commands.order import AsJson, Name
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen

CHANGES: Final = "/satcom-api/audit/v1/change"
PAGE: Final = 1000
NOT_TOLD: Final = frozenset({"TaskFlow", "ProcessFlow"})
console = screen()


def history(
    name: Name,
    every: Annotated[bool, typer.Option("--all", help="Also the tasks, and changes of attributes.")] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Tell what happened to an order: each object that came to be, each state, when and by whom.

    It is read from the change log, for NOC and finance. What a log says of the order carries the same reference.
    """
    with Api(url, token) as api:
        reference = order_called(api, name)["reference"]
        changes = list(_changes(api, reference))
    if as_json:
        typer.echo(json.dumps(changes))
        return
    told = changes if every else [one for one in changes if _matters(one)]
    _listed(told).print_on(console)
    if len(told) < len(changes):
        console.print(f"{len(changes) - len(told)} smaller changes are left out: --all shows them", style="dim")


def _changes(api: Api, reference: str) -> Iterator[Body]:
    offset = 0
    while page := api.get(CHANGES, orderReference=reference, offset=str(offset), limit=str(PAGE)):
        yield from page
        offset += len(page)
        if len(page) < PAGE:
            return


def _matters(change: Body) -> bool:
    """What came, went, or moved to another state."""
    moved = change.get("state") != change.get("stateBefore")
    return change["entityType"] not in NOT_TOLD and ("before" not in change or "after" not in change or moved)


def _listed(changes: list[Body]) -> Listing:
    listing = Listing("when", "what", "from", "to", "by")
    for one in changes:
        began = "" if "before" in one else "new"
        ended = "gone" if "after" not in one else str(one.get("state", "") if began or "state" in one else "changed")
        before = began or str(one.get("stateBefore", ""))
        listing.add(shown_instant(one["at"]), _what(one), before, ended, one["by"])
    return listing


def _what(change: Body) -> str:
    """Its kind, and the name where it is told."""
    values = {**change.get("before", {}), **change.get("after", {})}
    label = values.get("taskFlowSpecification") or values.get("name") or values.get("reference")
    return f"{change['entityType']} {label}" if label else str(change["entityType"])
