"""`satcom order waits` and `satcom escalation`: what orders wait for, whose it is, and who comes next."""

import json
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, ApiRefused, Body, Token, Url, told
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.core.values import Json

escalation = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
WAITS: Final = "/satcom-api/orchestration/v1/wait"
RULES: Final = "/satcom-api/orchestration/v1/escalationRule"
console = screen()


def waits(
    owner: Annotated[str | None, typer.Option(help="Only those of this owner: supply.", show_default=False)] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that should have come.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the longest overdue first.")] = 100,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """What orders wait for: since when, whose it is, when it is due, and until when it is waited for."""
    asked = {"limit": str(limit)} | ({"owner": owner} if owner else {})
    if overdue:
        asked["dueAt.lt"] = "now"
    with Api(url, token) as api:
        found: list[Body] = api.get(WAITS, **asked)
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("order", "waits for", "owner", "since", "due", "deadline")
    for one in found:
        values = told(one)
        before = values.get("escalatedFrom")
        whose = f"{values.get('owner', '')} (from {before})" if before else str(values.get("owner", ""))
        days = (shown_instant(values.get(name)) for name in ("startedAt", "dueAt", "deadline"))
        listing.add(one.get("orderReference", ""), one["taskFlowSpecification"], whose, *days)
    listing.print_on(console, "nothing is waited for")


@escalation.command("list")
def list_rules(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Every rule."""
    with Api(url, token) as api:
        found: list[Body] = api.get(RULES, limit="1000")
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("overdue waits of", "go to", "after")
    for one in found:
        listing.add(one["owner"], one["nextOwner"], f"{one['afterHours']:g} h")
    listing.print_on(console, "overdue waits stay with their owners")


@escalation.command()
def add(
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Whose waits: supply, planning, noc, ...")],
    next_owner: Annotated[str, typer.Argument(metavar="NEXT", help="Who gets them then.")],
    after_hours: Annotated[float, typer.Option(min=0, help="Hours after the day on which it was due.")] = 24,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Have overdue waits of an owner go to another."""
    body: Json = {"owner": owner, "nextOwner": next_owner, "afterHours": after_hours}
    options = {"/owner": "OWNER", "/nextOwner": "NEXT", "/afterHours": "--after-hours"}
    with Api(url, token) as api, as_typed(options):
        rule = api.post(RULES, body, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(rule))
    else:
        console.print(f"waits of {owner} go to {next_owner} when they are overdue for {after_hours:g} hours")


@escalation.command()
def remove(
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Whose rule.")], url: Url = HERE, token: Token = ""
) -> None:
    """Leave overdue waits with their owner."""
    with Api(url, token) as api:
        found: list[Body] = api.get(RULES, limit="1000")
        rules = [one for one in found if one["owner"] == owner]
        if not rules:
            known = ", ".join(str(one["owner"]) for one in found) or "there is none"
            raise ApiRefused(404, [f"OWNER: there is no rule for {owner!r} (accepted: {known})"])
        api.delete(f"{RULES}/{rules[0]['id']}")
    console.print(f"overdue waits of {owner} stay with {owner}")
