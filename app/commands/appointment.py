"""`satcom appointment`: when the installer of an order comes: what is free, what is agreed, and what came of it.

Times are those of the clock at the site.
"""

import json
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, TMF, Api, ApiRefused, Body, Token, Url, order_called
from satcom.app.commands.order import instant_meant
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.core.values import Json, instant_text

appointment = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
Order = Annotated[str, typer.Argument(metavar="ORDER", help="Its reference, as PO-2026-000001, or its id.")]
Start = Annotated[str, typer.Argument(metavar="START", help="As slots shows it: 2027-03-31T08:00, at the site.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept, and the customer is told.", show_default=False)]
APPOINTMENTS: Final = f"{TMF}/appointment/v4/appointment"
SEARCHES: Final = f"{TMF}/appointment/v4/searchTimeSlot"
INSTALLATIONS: Final = "/satcom-api/service/v1/installation"
VISIT: Final = {"/relatedEntity": "ORDER", "/status": "ORDER", "/validFor": "START", "/note": "--reason"}
OPEN: Final = frozenset({"initialized", "confirmed"})
console = screen()


@appointment.command()
def slots(
    name: Order,
    since: Annotated[str | None, typer.Option("--from", help="From when on: 2027-03-31.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=1, max=120, help="How many days from then.")] = 14,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """When an installer could come."""
    with Api(url, token) as api:
        order, zone = _order_and_zone(api, name)
        asked: dict[str, Json] = {"relatedEntity": _named(order)}
        if since is not None:
            start = instant_meant(since, lambda: zone, "--from")
            period: Json = {"startDateTime": instant_text(start), "endDateTime": _later(start, days)}
            asked["requestedTimeSlot"] = [{"validFor": period}]
        with as_typed({"/relatedEntity": "ORDER", "/requestedTimeSlot": "--from"}):
            found = api.post(SEARCHES, asked, str(uuid4()))["availableTimeSlot"]
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("start", "end", "installer", whole={"installer"})
    for one in found:
        listing.add(*_times(one, zone), one["relatedParty"]["name"])
    listing.print_on(console, "nothing is free then")


@appointment.command()
def book(name: Order, start: Start, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Agree when the installer comes."""
    with Api(url, token) as api:
        order, zone = _order_and_zone(api, name)
        body: Json = {"relatedEntity": _named(order), "validFor": _slot_at(api, order, start, zone)}
        with as_typed(VISIT):
            agreed = api.post(APPOINTMENTS, body, str(uuid4()))
    _say(agreed, order, zone, as_json)


@appointment.command()
def move(name: Order, start: Start, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Agree on another time."""
    with Api(url, token) as api:
        order, zone = _order_and_zone(api, name)
        agreed = _agreed(api, order)
        patch: Json = {"validFor": _slot_at(api, order, start, zone)}
        with as_typed(VISIT):
            agreed = api.patch(f"{APPOINTMENTS}/{agreed['id']}", patch, str(uuid4()))
    _say(agreed, order, zone, as_json)


@appointment.command()
def cancel(
    name: Order,
    reason: Annotated[str | None, typer.Option(help="It is kept with the appointment.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Call the visit off; the order waits for another appointment."""
    _end(name, "cancelled", reason, as_json, url, token)


@appointment.command()
def attended(name: Order, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """The installer was there and has installed: the order goes on."""
    _end(name, "completed", None, as_json, url, token)


@appointment.command()
def missed(name: Order, reason: Reason, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """The visit came to nothing; another one may be booked."""
    _end(name, "failed", reason, as_json, url, token)


@appointment.command()
def show(name: Order, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """The visits that were agreed for an order, and what came of them."""
    with Api(url, token) as api:
        order, zone = _order_and_zone(api, name)
        found = _appointments(api, order)
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("start", "end", "installer", "status", "notes", whole={"installer"})
    for one in found:
        comes = [party["name"] for party in one["relatedParty"] if party.get("role") == "installer"]
        said = "; ".join(note["text"] for note in one.get("note", []) if note.get("text"))
        listing.add(*_times(one, zone), ", ".join(comes), one["status"], said)
    listing.print_on(console, f"{order['reference']} has no appointment yet")


def _end(name: str, status: str, reason: str | None, as_json: bool, url: str, token: str) -> None:
    with Api(url, token) as api:
        order, zone = _order_and_zone(api, name)
        agreed = _agreed(api, order)
        patch: dict[str, Json] = {"status": status}
        if reason is not None:
            patch["note"] = [*agreed.get("note", []), {"text": reason}]
        with as_typed(VISIT):
            ended = api.patch(f"{APPOINTMENTS}/{agreed['id']}", patch, str(uuid4()))
    _say(ended, order, zone, as_json)


def _order_and_zone(api: Api, name: str) -> tuple[Body, ZoneInfo]:
    """The order, and the time zone of its site. Raises `ApiRefused` when nobody is to come there."""
    order = order_called(api, name)
    planned: list[Body] = api.get(INSTALLATIONS, **{"productOrder.id": order["id"]})
    if not planned:
        why = f"{order['reference']} is not installed by us"
        raise ApiRefused(404, [f"ORDER: {why} (accepted: an order whose offering has an installation on site)"])
    return order, ZoneInfo(planned[0]["timeZone"])


def _named(order: Body) -> Json:
    return [{"id": order["id"], "role": "installed order", "@referredType": "ProductOrder"}]


def _slot_at(api: Api, order: Body, start: str, zone: ZoneInfo) -> Json:
    """The visit that begins then. Raises `ApiRefused` with those of the following days."""
    wanted = instant_meant(start, lambda: zone, "START")
    period: Json = {"startDateTime": instant_text(wanted), "endDateTime": _later(wanted, 7)}
    asked: Json = {"relatedEntity": _named(order), "requestedTimeSlot": [{"validFor": period}]}
    free: list[Body] = api.post(SEARCHES, asked, str(uuid4()))["availableTimeSlot"]
    for one in free:
        if datetime.fromisoformat(one["validFor"]["startDateTime"]) == wanted:
            found: Json = one["validFor"]
            return found
    next_ones = ", ".join(_times(one, zone)[0] for one in free[:5]) or "a later day"
    raise ApiRefused(422, [f"START: no visit that begins at {start} is free (accepted: {next_ones})"])


def _later(start: datetime, days: int) -> str:
    return instant_text(start + timedelta(days=days))


def _appointments(api: Api, order: Body) -> list[Body]:
    found: list[Body] = api.get(APPOINTMENTS, **{"relatedEntity.id": order["id"], "sort": "creationDate"})
    return found


def _agreed(api: Api, order: Body) -> Body:
    agreed = [one for one in _appointments(api, order) if one["status"] in OPEN]
    if not agreed:
        raise ApiRefused(404, [f"ORDER: {order['reference']} has no appointment (accepted: satcom appointment book)"])
    return agreed[-1]


def _times(one: Body, zone: ZoneInfo) -> tuple[str, str]:
    start, stop = (shown_instant(one["validFor"][name], zone) for name in ("startDateTime", "endDateTime"))
    return start, stop


def _say(agreed: Body, order: Body, zone: ZoneInfo, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(agreed))
        return
    start, stop = _times(agreed, zone)
    console.print(f"{order['reference']}: the visit of {start} to {stop} is {agreed['status']}")
