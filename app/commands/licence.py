"""`satcom licence`: what the operator is licensed for, what each licence sets, and when it ends."""

import json
from datetime import date, datetime, timedelta
from typing import Annotated, Final

import typer

from satcom.app.commands.api import HERE, Api, Token, Url
from satcom.app.listing import Listing, screen
from satcom.core.clock import now
from satcom.core.errors import Refused

LICENCES: Final = "/satcom-api/resource/v1/licence"
UNITS: Final = (
    ("eirpLimitDbw", "{:g} dBW"),
    ("eirpDensityLimitDbwPerHz", "{:g} dBW/Hz"),
    ("leastAntennaDiameterM", "from {:g} m"),
)
licence = typer.Typer(no_args_is_help=True)
console = screen()


@licence.callback()
def top() -> None:
    """What the operator is licensed for."""


@licence.command("list")
def list_licences(
    country: Annotated[str, typer.Option(metavar="CODE", help="Of one country, such as CD.", show_default=False)] = "",
    ends_by: Annotated[
        datetime | None,
        typer.Option(metavar="DAY", formats=["%Y-%m-%d"], help="Those that end by a day.", show_default=False),
    ] = None,
    days: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Those that end within so many days.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Licences by the day they end, with the most that a terminal may send and its smallest antenna."""
    last = _last_day(ends_by, days)
    asked = {"country": country} if country else {}
    with Api(url, token) as api:
        found = api.get_all(LICENCES, sort="validUntil,country,band,id", **asked)
    kept = sorted(
        (one for one in found if last is None or date.fromisoformat(one["validUntil"]) <= last),
        key=lambda one: (one["validUntil"], one["country"], one["band"]),
    )
    if as_json:
        typer.echo(json.dumps(kept))
        return
    listing = Listing("country", "band", "class", "from", "until", "sets", "call sign", "reference", "id")
    for one in kept:
        sets = ", ".join(how.format(one[name]) for name, how in UNITS if one.get(name) is not None)
        listing.add(
            one["country"],
            one["band"],
            one["terminalClass"],
            one["validFrom"],
            one["validUntil"],
            sets,
            str(one.get("callSign") or ""),
            one["reference"],
            one["id"],
        )
    listing.print_on(console, "there is no such licence")


def _last_day(ends_by: datetime | None, days: int | None) -> date | None:
    if ends_by is not None and days is not None:
        raise Refused("--days", "--ends-by is given, too", "invalid", "one of the two")
    if days is None:
        return None if ends_by is None else ends_by.date()
    if not 0 <= days <= 36_500:
        raise Refused("--days", f"{days} is out of range", "outOfRange", "0 to 36500 days")
    return now().date() + timedelta(days=days)
