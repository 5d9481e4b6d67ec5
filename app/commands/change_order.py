"""`satcom order modify` and `satcom order terminate`: change or end what a customer has."""

import json
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from satcom.app.commands.api import HERE, ORDERS, TMF, Api, ApiRefused, Body, Token, Url, operator_zone, order_called
from satcom.app.commands.order import DATES, AsJson, instant_meant
from satcom.core.values import Json, instant_text

PRODUCTS = f"{TMF}/productInventory/v4/product"
Product = Annotated[
    str, typer.Argument(metavar="PRODUCT", help="Its id, or the reference of the order that delivered it.")
]
Key = Annotated[
    str | None, typer.Option(help="Of an earlier try: the order is then not placed twice.", show_default=False)
]
console = Console()


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
    with Api(url, token) as api:
        placed = _placed(api, product, "modify", characteristics, {}, key)
    typer.echo(json.dumps(placed) if as_json else placed["reference"])


def characteristic_meant(text: str) -> Json:
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
    key: Key = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Give notice of a product. Tells its last day, and what early termination costs."""
    with Api(url, token) as api:
        further: dict[str, Json] = {}
        if on is not None:
            further["requestedCompletionDate"] = instant_text(instant_meant(on, lambda: operator_zone(api)))
        placed = _placed(api, product, "delete", [], further, key)
    if as_json:
        typer.echo(json.dumps(placed))
        return
    typer.echo(placed["reference"])
    console.print(f"[dim]ends {placed['expectedCompletionDate']}[/dim]")
    for one in placed["productOrderItem"][0].get("itemPrice", []):
        console.print(f"[dim]{one['name']}: {one['description']}[/dim]", highlight=False)


def _placed(
    api: Api, product: str, action: str, characteristics: list[Json], further: dict[str, Json], key: str | None
) -> Body:
    """The order for one product, with its party as the customer."""
    found = product_called(api, product)
    item: Json = {
        "id": "1",
        "action": action,
        "product": {"id": found["id"], "productCharacteristic": characteristics},
    }
    body: Json = {"relatedParty": found["relatedParty"], "productOrderItem": [item], **further}
    return api.post(ORDERS, body, key or str(uuid4()))


def product_called(api: Api, name: str) -> Body:
    """The product of this id, or of the order of this reference. Raises `ApiRefused` when there is none."""
    try:
        item: dict[str, Any] = order_called(api, name)["productOrderItem"][0]
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        product_id = name
    else:
        product_id = (item.get("product") or {}).get("id") or ""
        if not product_id:
            raise ApiRefused(404, [f"order {name!r} has delivered no product yet (accepted: one that is completed)"])
    found: Body = api.get(f"{PRODUCTS}/{product_id}")
    return found
