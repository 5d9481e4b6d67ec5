"""`satcom terminal buy` to `inspect`: how terminals come to a depot and go back, over the HTTP API.

A document is named by its reference: `PU-` a purchase, `SH-` a shipment, `RT-` a return. The order that waits for a
terminal, `PO-`, stands for the purchase that was made for it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, ORDERS, Api, ApiRefused, Body, Token, Url, order_called
from satcom.app.commands.terminal import MOST, SUPPLY, UNDER_WAY, AsJson, console, names
from satcom.app.instants import shown_day
from satcom.app.listing import Listing
from satcom.app.parameter_names import offered
from satcom.core.loading import loaded_id
from satcom.core.values import Json

AWAITED: Final = "ordered,partlyDelivered"
FOUND: Final = ("restocked", "atSupplier", "scrapped", "lost")
LISTS: Final = {"PU": "purchases", "SH": "shipments", "RT": "returns"}
KINDS: Final = {"PU": "purchaseOrder", "SH": "shipment", "RT": "equipmentReturn"}
PURCHASED: Final = "the reference of a purchase, as PU-2026-000001, or of the order that waits, as PO-2026-000001"
Depot = Annotated[str, typer.Argument(metavar="DEPOT", help="Its name, or as the files call it.")]
Type = Annotated[str, typer.Argument(metavar="TYPE", help="The terminal type: its name, or as the files call it.")]
Serials = Annotated[list[str], typer.Argument(metavar="SERIAL", help="Serial numbers, one after the other.")]
Purchase = Annotated[str, typer.Argument(metavar="PURCHASE", help=f"{PURCHASED[0].upper()}{PURCHASED[1:]}.")]
Return = Annotated[str, typer.Argument(metavar="RETURN", help="Its reference, as RT-2026-000001.")]
Carrier = Annotated[str, typer.Option(help="Who brings it.", show_default=False)]
Tracking = Annotated[str, typer.Option(help="The carrier's number of it.", show_default=False)]
Day = Annotated[str, typer.Option(metavar="DAY", help="When it is to be here: 2027-03-31.", show_default=False)]


def buy(
    terminal_type: Type,
    depot: Depot,
    quantity: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Buy terminals for the shelf of a depot. What an order waits for is bought already: see purchases."""
    with Api(url, token) as api:
        body: Json = {"stockItem": {"id": _kept_there(api, terminal_type, depot)["id"]}, "quantity": quantity}
        with as_typed({"/quantity": "--quantity", "/stockItem": "TYPE"}):
            bought = api.post(f"{SUPPLY}/purchaseOrder", body, str(uuid4()))
    day = shown_day(bought["expectedDeliveryDate"])
    _say(bought, f"{bought['reference']}: {quantity} of {bought['terminalTypeName']}, expected {day}", as_json)


def purchases(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """What was bought and is not all here, soonest first; for which order, or for the shelf."""
    with Api(url, token) as api:
        asked = {"state": AWAITED, "sort": "expectedDeliveryDate", "limit": MOST}
        found: list[Body] = api.get(f"{SUPPLY}/purchaseOrder", **asked)
        depots = names(api, "depot")
        orders = {one["orderId"]: order_called(api, one["orderId"])["reference"] for one in found if "orderId" in one}
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("purchase", "expected", "terminal type", "to", "here", "for", whole={"expected"})
    for one in found:
        here = f"{one['receivedQuantity']} of {one['quantity']}"
        whom = orders.get(one.get("orderId", ""), "the shelf")
        day, to = shown_day(one["expectedDeliveryDate"]), depots.get(one["depotId"], "")
        listing.add(one["reference"], day, one["terminalTypeName"], to, here, whom)
    listing.print_on(console, "nothing that was bought is still to come")


def ship(
    purchase: Purchase,
    serial_numbers: Serials,
    carrier: Carrier,
    tracking_number: Tracking,
    expected: Day,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Note what a supplier has sent for a purchase. The order that waits is told the day."""
    typed = {
        "/purchaseOrder": "PURCHASE",
        "/serialNumber": "SERIAL",
        "/carrier": "--carrier",
        "/trackingNumber": "--tracking-number",
        "/expectedDate": "--expected",
    }
    with Api(url, token) as api:
        bought = _purchase(api, purchase, "PURCHASE")
        body: Json = {
            "purchaseOrder": {"id": bought["id"]},
            "serialNumber": list(serial_numbers),
            "carrier": carrier,
            "trackingNumber": tracking_number,
            "expectedDate": expected,
        }
        with as_typed(typed):
            sent = api.post(f"{SUPPLY}/shipment", body, str(uuid4()))
    on_its_way = f"{sent['reference']}: {', '.join(sent['serialNumber'])} for {bought['reference']}"
    _say(sent, f"{on_its_way}, expected {sent['expectedDate']}", as_json)


def follow(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="A shipment, SH-..., or a return, RT-....")],
    expected: Annotated[str | None, typer.Option(metavar="DAY", help="Another day.", show_default=False)] = None,
    carrier: Annotated[str | None, typer.Option(help="Who brings it now.", show_default=False)] = None,
    tracking_number: Annotated[str | None, typer.Option(help="Its number there.", show_default=False)] = None,
    lost: Annotated[bool, typer.Option("--lost", help="Of a shipment: the rest never comes.")] = False,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Note who brings a shipment or a return, another day, or that a shipment was lost and is to be sent again."""
    given: dict[str, Json] = {"expectedDate": expected, "carrier": carrier, "trackingNumber": tracking_number}
    patch: dict[str, Json] = {name: value for name, value in given.items() if value is not None}
    if lost:
        patch["state"] = "lost"
    if not patch:
        options = "--expected, --carrier, --tracking-number, --lost"
        raise ApiRefused(400, [f"DOCUMENT: nothing is noted of it (accepted: {options})"])
    typed = {"/expectedDate": "--expected", "/carrier": "--carrier", "/trackingNumber": "--tracking-number"}
    with Api(url, token) as api, as_typed(typed | {"/state": "DOCUMENT", "state": "DOCUMENT"}):
        kind, found = _document(api, document, "DOCUMENT", ("SH", "RT"))
        if lost and kind == KINDS["RT"]:
            instead = f"satcom terminal inspect {document} lost --finding ..."
            raise ApiRefused(400, [f"--lost: {document} is no shipment (accepted: {instead})"])
        noted = api.patch(f"{SUPPLY}/{kind}/{found['id']}", patch, str(uuid4()))
    day = f", expected {noted['expectedDate']}" if "expectedDate" in noted and not lost else ""
    _say(noted, f"{document} is {noted['state']}{day}", as_json)


def receive(
    document: Annotated[
        str,
        typer.Argument(metavar="DOCUMENT", help="A shipment SH-..., a return RT-..., a purchase PU-... or its order."),
    ],
    serial_numbers: Serials,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Note what was unpacked in a depot. The order that waits for it goes on."""
    typed = {"/serialNumber": "SERIAL", "state": "DOCUMENT"} | {f"/{kind}": "DOCUMENT" for kind in KINDS.values()}
    with Api(url, token) as api:
        kind, found = _document(api, document, "DOCUMENT", ("SH", "RT", "PU"))
        body: Json = {kind: {"id": found["id"]}, "serialNumber": list(serial_numbers)}
        with as_typed(typed), _pointing_to_shipments(api, kind, found):
            received = api.post(f"{SUPPLY}/goodsReceipt", body, str(uuid4()))
    _say(received, f"{', '.join(serial_numbers)}: received for {found['reference']}", as_json)


def shelve(
    terminal_type: Type,
    depot: Depot,
    serial_numbers: Serials,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Put terminals on the shelf of a depot that were not bought here."""
    with Api(url, token) as api:
        body: Json = {
            "stockItem": {"id": _kept_there(api, terminal_type, depot)["id"]},
            "serialNumber": list(serial_numbers),
        }
        with as_typed({"/serialNumber": "SERIAL", "/stockItem": "TYPE"}):
            received = api.post(f"{SUPPLY}/goodsReceipt", body, str(uuid4()))
    _say(received, f"{', '.join(serial_numbers)}: on the shelf", as_json)


def send_back(
    serial_number: Annotated[
        str, typer.Argument(metavar="SERIAL", help="Of a terminal in a depot, or left at a site.")
    ],
    reason: Annotated[str, typer.Option(help="What is wrong with it.", show_default=False)],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Send a faulty terminal from its depot to its supplier, or fetch one that no site needs any more."""
    body: Json = {"serialNumber": serial_number, "reason": reason}
    with Api(url, token) as api, as_typed({"/serialNumber": "SERIAL", "/reason": "--reason"}):
        begun = api.post(f"{SUPPLY}/equipmentReturn", body, str(uuid4()))
    _say(begun, f"{begun['reference']}: {serial_number} is {begun['state']}", as_json)


def inspect(
    returned: Return,
    found: Annotated[str, typer.Argument(metavar="STATE", help=f"{', '.join(FOUND)}.", autocompletion=offered(FOUND))],
    finding: Annotated[str, typer.Option(help="What was found.", show_default=False)],
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Note what the inspection of a returned terminal found, and where it goes."""
    with Api(url, token) as api, as_typed({"/state": "STATE", "state": "STATE", "/finding": "--finding"}):
        kind, known = _document(api, returned, "RETURN", ("RT",))
        patch: Json = {"state": found, "finding": finding}
        decided = api.patch(f"{SUPPLY}/{kind}/{known['id']}", patch, str(uuid4()))
    _say(decided, f"{returned}: {decided['serialNumber']} is {decided['state']}", as_json)


def _say(made: Body, told: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(made))
    else:
        console.print(told, markup=False, highlight=False)


def _kept_there(api: Api, terminal_type: str, depot: str) -> Body:
    """The terminal type on the list of the depot. Raises `ApiRefused` with the depots or types that there are."""
    depots = names(api, "depot")
    where = [one for one, name in depots.items() if depot in (one, name) or one == loaded_id("Depot", depot)]
    if len(where) != 1:
        why = f"{len(where)} depots are called {depot!r}; say which by its id" if where else f"there is no {depot!r}"
        known = ", ".join(where or sorted(depots.values())) or "there is none"
        raise ApiRefused(404, [f"DEPOT: {why} (accepted: {known})"])
    listed: list[Body] = api.get(f"{SUPPLY}/stockItem", depotId=where[0], limit=MOST)
    called = (terminal_type, loaded_id("TerminalType", terminal_type))
    for one in listed:
        if one["terminalTypeId"] in called or one["terminalTypeName"] == terminal_type:
            return one
    known = ", ".join(sorted(one["terminalTypeName"] for one in listed)) or "there is none"
    raise ApiRefused(404, [f"TYPE: {depots[where[0]]} does not list {terminal_type!r} (accepted: {known})"])


def _document(api: Api, name: str, typed: str, kinds: tuple[str, ...]) -> tuple[str, Body]:
    """What a reference names, one of `kinds`. Raises `ApiRefused` where there is none."""
    begins = name.partition("-")[0]
    if "PU" in kinds and begins not in ("SH", "RT"):
        return KINDS["PU"], _purchase(api, name, typed)
    found: list[Body] = api.get(f"{SUPPLY}/{KINDS[begins]}", reference=name) if begins in kinds else []
    if not found:
        accepted = " or ".join(f"{one}-2026-000001, see satcom terminal {LISTS[one]}" for one in kinds)
        raise ApiRefused(404, [f"{typed}: there is no {name[:80]!r} (accepted: {accepted})"])
    return KINDS[begins], found[0]


def _purchase(api: Api, name: str, typed: str) -> Body:
    """The purchase of this reference, or the newest that was made for the customer's order of it."""
    if name.startswith("PU-"):
        found: list[Body] = api.get(f"{SUPPLY}/purchaseOrder", reference=name)
    else:
        orders: list[Body] = api.get(ORDERS, reference=name)
        found = [
            bought
            for order in orders
            for bought in api.get(f"{SUPPLY}/purchaseOrder", orderId=order["id"], sort="-orderDate")
        ]
    if not found:
        why = f"nothing was bought as {name[:80]!r}, nor for an order of that reference"
        raise ApiRefused(404, [f"{typed}: {why} (accepted: one of satcom terminal purchases)"])
    return found[0]


@contextmanager
def _pointing_to_shipments(api: Api, kind: str, found: Body) -> Iterator[None]:
    """What was announced is received for its shipment, not for the purchase: names it."""
    try:
        yield
    except ApiRefused as refused:
        if kind == KINDS["PU"] and any(one.code == "wrongQuantity" for one in refused.faults):
            sent: list[Body] = api.get(f"{SUPPLY}/shipment", purchaseOrderId=found["id"], state=UNDER_WAY)
            if sent:
                instead = f"its shipment {', '.join(one['reference'] for one in sent)}"
                refused.faults = tuple(
                    replace(one, field="DOCUMENT", accepted=instead) if one.code == "wrongQuantity" else one
                    for one in refused.faults
                )
        raise
