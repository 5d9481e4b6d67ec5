"""`satcom order modify` and `satcom order terminate`: change or end what a customer has."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import (
    HERE,
    ORDERS,
    TMF,
    Api,
    ApiRefused,
    Body,
    Token,
    Url,
    is_id,
    operator_zone,
    order_called,
)
from satcom.app.commands.order import DATES, AsJson, instant_meant, told_billing
from satcom.app.instants import shown_instant
from satcom.app.listing import screen
from satcom.core.values import Json, instant_text

PRODUCTS = f"{TMF}/productInventory/v4/product"
ENDINGS: Final = "/satcom-api/market/v1/productEnding"
ITEM: Final = "/productOrderItem/0/product"
CHARACTERISTICS: Final = f"{ITEM}/productCharacteristic"
Product = Annotated[
    str, typer.Argument(metavar="PRODUCT", help="Its id, or the reference of the order that delivered it.")
]
# of an order for a product as they are typed
ENDING: Final = {ITEM: "PRODUCT", "productId": "PRODUCT", "on": "--on", "/requestedCompletionDate": "--on"}
Key = Annotated[
    str | None, typer.Option(help="Of an earlier try: the order is then not placed twice.", show_default=False)
]
console = screen()


def modify(
    product: Product,
    wanted: Annotated[
        list[str], typer.Option("--set", metavar="NAME=VALUE", help="What changes, as downlinkRateBps=20000000.")
    ],
    key: Key = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Order a change of a product; what is not named stays. Delivery goes on by itself."""
    characteristics = [characteristic_meant(one) for one in wanted]
    options = {CHARACTERISTICS: "--set"}
    options |= {f"{CHARACTERISTICS}/{index}": f"--set {one['name']}" for index, one in enumerate(characteristics)}
    with Api(url, token) as api:
        placed = _placed(api, product_called(api, product), "modify", characteristics, {}, key, options)
    typer.echo(json.dumps(placed) if as_json else placed["reference"])


def characteristic_meant(text: str) -> dict[str, Json]:
    """The characteristic that a person wrote: a JSON value, or else text. Raises `ApiRefused`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ApiRefused(400, [f"--set: {text[:80]!r} names no characteristic (accepted: NAME=VALUE)"])
    try:
        return {"name": name, "value": json.loads(value)}
    except ValueError:
        return {"name": name, "value": value}


def terminate(
    product: Product,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help=f"Its last day, by default the first that notice allows: {DATES}.", show_default=False
        ),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would end when, and the cost.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for programs.")] = False,
    key: Key = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Give notice of a product: tells its last day and what early termination costs, and asks before it does so.

    Where no notice period was agreed, and no day is asked for, it ends at once.
    """
    if not (yes or preview) and (as_json or not sys.stdin.isatty()):
        why = "it is missing, and nobody is at a terminal to be asked"
        raise ApiRefused(400, [f"--yes: {why} (accepted: --yes, or --preview, which only tells when and the cost)"])
    with Api(url, token) as api:
        found, further, asked = product_called(api, product), {}, {}
        if on is not None:
            last_day = instant_text(instant_meant(on, lambda: operator_zone(api), "--on"))
            further, asked = {"requestedCompletionDate": last_day}, {"on": last_day}
        if not yes:
            with as_typed(ENDING):
                ending: Body = api.get(ENDINGS, productId=found["id"], **asked)
            if preview and as_json:
                typer.echo(json.dumps(ending))
            else:
                _say_ending(ending)
            if preview:
                return
            if not typer.confirm("Give notice?"):
                console.print("no notice is given")
                raise typer.Exit(1)
        placed = _placed(api, found, "delete", [], further, key, {})
    if as_json:
        typer.echo(json.dumps(placed))
        return
    typer.echo(placed["reference"])
    console.print(f"[dim]ends {shown_instant(placed['expectedCompletionDate'])}[/dim]")
    for one in placed["productOrderItem"][0].get("itemPrice", []):
        console.print(f"[dim]{one['name']}: {one['description']}[/dim]", highlight=False)


def _say_ending(ending: Body) -> None:
    """When the product would end, by the operator's clock, and what that would cost."""
    when = shown_instant(ending["terminationDate"], ZoneInfo(ending["timeZone"]))
    told = "at once: no notice period was agreed" if ending["atOnce"] else f"on {when}"
    console.print(f"{ending['product']['name']} ends {told}", markup=False, highlight=False, soft_wrap=True)
    if not ending["itemPrice"]:
        console.print("early termination costs nothing")
    charges = [f"{one['name']}: {one['description']}" for one in ending["itemPrice"]]
    for line in (*charges, *told_billing(ending)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _placed(
    api: Api,
    found: Body,
    action: str,
    characteristics: Sequence[Json],
    further: Mapping[str, Json],
    key: str | None,
    options: Mapping[str, str],
) -> Body:
    """The order for one product, with its party as the customer. `options` are what was typed beside it."""
    item: Json = {
        "id": "1",
        "action": action,
        "product": {"id": found["id"], "productCharacteristic": list(characteristics)},
    }
    body: Json = {"relatedParty": found["relatedParty"], "productOrderItem": [item], **further}
    with as_typed({**ENDING, **options}):
        return api.post(ORDERS, body, key or str(uuid4()))


def product_called(api: Api, name: str) -> Body:
    """The product of this id, or of the order of this reference. Raises `ApiRefused` when there is none."""
    try:
        item: dict[str, Any] = order_called(api, name)["productOrderItem"][0]
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        if not is_id(name):
            raise _nothing_called(name) from refused
        product_id = name
    else:
        product_id = (item.get("product") or {}).get("id") or ""
        if not product_id:
            why = f"order {name!r} has delivered no product yet"
            raise ApiRefused(404, [f"PRODUCT: {why} (accepted: one that is completed)"])
    try:
        found: Body = api.get(f"{PRODUCTS}/{product_id}")
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        raise _nothing_called(name) from refused
    return found


def _nothing_called(name: str) -> ApiRefused:
    accepted = "the reference of the order that delivered it, as PO-2026-000001, or its id"
    return ApiRefused(404, [f"PRODUCT: there is no product {name!r} (accepted: {accepted})"])
