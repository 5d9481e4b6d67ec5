"""`satcom approval`: which orders a person has to release, and the answers."""

import json
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, ApiRefused, Body, Token, Url, order_called
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.app.parameter_names import offered
from satcom.core.security import Role
from satcom.core.values import Json

approval = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Order = Annotated[str, typer.Argument(metavar="ORDER", help="Its reference, as PO-2026-000001, or its id.")]
APPROVALS: Final = "/satcom-api/market/v1/orderApproval"
STATES: Final = ("asked", "approved", "refused", "withdrawn")
RULES: Final = "/satcom-api/market/v1/approvalRule"
console = screen()


@approval.command("list")
def list_approvals(
    state: Annotated[
        str, typer.Option(help="asked, approved, refused or withdrawn.", autocompletion=offered(STATES))
    ] = "asked",
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """The orders that wait for an answer, or have one."""
    with Api(url, token) as api:
        found: list[Body] = api.get(APPROVALS, state=state, limit="1000")
    if as_json:
        typer.echo(json.dumps(found))
        return
    columns = ("order", "per month", "asked", "since", "state", "by", "reason")
    listing = Listing(*columns, whole={"per month"}, right=("per month",))
    for one in found:
        price = f"{one['pricePerMonth']['value']:,.2f} {one['pricePerMonth']['unit']}"
        answer = (one["state"], one.get("decidedBy", ""), one.get("reason", ""))
        listing.add(one["productOrder"]["name"], price, one["role"], shown_instant(one["askedAt"]), *answer)
    listing.print_on(console, f"no order is {state}")


@approval.command()
def approve(
    name: Order,
    reason: Annotated[str | None, typer.Option(help="It is kept with the answer.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Release an order; its delivery begins."""
    _answer(name, {"state": "approved"} | ({"reason": reason} if reason else {}), as_json, url, token)


@approval.command()
def refuse(
    name: Order,
    reason: Annotated[str, typer.Option(help="Why; the customer is told.", show_default=False)],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Refuse an order; it is rejected, and what was held for it is free."""
    _answer(name, {"state": "refused", "reason": reason}, as_json, url, token)


def _answer(name: str, body: dict[str, str], as_json: bool, url: str, token: str) -> None:
    with Api(url, token) as api:
        found = order_called(api, name)
        asked: list[Body] = api.get(APPROVALS, **{"productOrder.id": str(found["id"])})
        if not asked:
            raise ApiRefused(404, [f"ORDER: nobody was asked for {name} (accepted: one of satcom approval list)"])
        answer: Json = dict(body)
        with as_typed({"/reason": "--reason", "/state": "ORDER"}):
            decided = api.patch(f"{APPROVALS}/{asked[0]['id']}", answer, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(decided))
    else:
        console.print(f"{found['reference']} is {decided['state']}")


@approval.command()
def rules(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Above which price per month who is asked."""
    with Api(url, token) as api:
        found: list[Body] = api.get(RULES, limit="1000")
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("above, per month", "asked", right=("above, per month",))
    for one in sorted(found, key=lambda one: float(one["abovePerMonth"])):
        listing.add(f"{one['abovePerMonth']:,.2f}", one["role"])
    listing.print_on(console, "nobody is asked")


@approval.command("add-rule")
def add_rule(
    above: Annotated[float, typer.Argument(metavar="PRICE", min=0, help="Per month, in the operator's currency.")],
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help="Who is asked: sales, finance.", autocompletion=offered(Role))
    ],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Have orders above a price released by a role. Orders that are placed already are not asked for."""
    with Api(url, token) as api, as_typed({"/abovePerMonth": "PRICE", "/role": "ROLE"}):
        rule = api.post(RULES, {"abovePerMonth": above, "role": role}, str(uuid4()))
    if as_json:
        typer.echo(json.dumps(rule))
    else:
        console.print(f"orders above {above:,.2f} a month are released by {role}")


@approval.command("remove-rule")
def remove_rule(
    above: Annotated[float, typer.Argument(metavar="PRICE", min=0, help="The price of the rule.")],
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Ask nobody by this rule any more."""
    with Api(url, token) as api:
        found: list[Body] = api.get(RULES, limit="1000")
        same = [one for one in found if float(one["abovePerMonth"]) == above]
        if not same:
            known = ", ".join(f"{one['abovePerMonth']:g}" for one in found) or "there is none"
            raise ApiRefused(404, [f"PRICE: there is no rule for {above:g} (accepted: {known})"])
        api.delete(f"{RULES}/{same[0]['id']}")
    console.print(f"nobody is asked above {above:,.2f} any more")
