"""`satcom operator`: the operator's settings: name, currency, time zone, tax rate, and for how long orders wait."""

import json
import re
from typing import Annotated, Final
from uuid import uuid4

import typer

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, OPERATOR, Api, ApiRefused, Body, Token, Url
from satcom.app.listing import Listing, screen
from satcom.core.values import Json

operator = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
MEANING: Final = {
    "name": "its trading name",
    "currency": "of prices, accounts and bills",
    "timeZone": "for the first and last moment of a day or month",
    "taxRatePercent": "on what is charged from now on",
    "paymentTermDays": "of new accounts that say none",
    "approvalDays": "then an order that nobody approves is rejected",
    "terminalPatienceDays": "a terminal is waited for, after its day",
    "installationPatienceDays": "an installation is waited for, after its terminal and its satellite came",
    "satellitePatienceDays": "a satellite is waited for, after its day",
    "availabilityConfidencePercent": "that a year keeps the availability sold; 50: the average",
    "elementsLimitDays": "older element sets are refused; 0: none are",
}
# each setting as it is typed: --tax-rate for taxRatePercent
OPTIONS: Final = {f"/{one}": "--" + re.sub("(?=[A-Z])", "-", one.removesuffix("Percent")).lower() for one in MEANING}
Days = Annotated[int | None, typer.Option(show_default=False)]
console = screen()


@operator.command()
def show(as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Every setting, and what it is for."""
    with Api(url, token) as api:
        found = _the_operator(api)
    _say(found, as_json)


@operator.command("set")
def set_settings(
    name: Annotated[str | None, typer.Option(help="Its trading name.", show_default=False)] = None,
    currency: Annotated[
        str | None, typer.Option(help="While there are no prices and accounts: KES.", show_default=False)
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Africa/Nairobi.", show_default=False)] = None,
    tax_rate: Annotated[float | None, typer.Option(help="In percent: 16.", show_default=False)] = None,
    payment_term_days: Days = None,
    approval_days: Days = None,
    terminal_patience_days: Days = None,
    installation_patience_days: Days = None,
    satellite_patience_days: Days = None,
    availability_confidence: Annotated[
        float | None, typer.Option(help="That a year keeps what is sold, in percent: 90.", show_default=False)
    ] = None,
    elements_limit_days: Days = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Change settings; what is not named stays. For administrators. The change log keeps who changed what.

    Loading operator.yaml again sets name, time zone and tax rate to what stands there, and the confidence
    where it stands there.
    """
    given: dict[str, Json] = {
        "name": name,
        "currency": currency,
        "timeZone": time_zone,
        "taxRatePercent": tax_rate,
        "paymentTermDays": payment_term_days,
        "approvalDays": approval_days,
        "terminalPatienceDays": terminal_patience_days,
        "installationPatienceDays": installation_patience_days,
        "satellitePatienceDays": satellite_patience_days,
        "availabilityConfidencePercent": availability_confidence,
        "elementsLimitDays": elements_limit_days,
    }
    patch: dict[str, Json] = {setting: value for setting, value in given.items() if value is not None}
    if not patch:
        raise ApiRefused(400, ["satcom operator set: it names no setting (accepted: --tax-rate 16, or another option)"])
    with Api(url, token) as api, as_typed(OPTIONS):
        changed = api.patch(f"{OPERATOR}/{_the_operator(api)['id']}", patch, str(uuid4()))
    _say(changed, as_json)


def _the_operator(api: Api) -> Body:
    found: list[Body] = api.get(OPERATOR)
    if not found:
        raise ApiRefused(404, ["there is no operator yet (accepted: satcom load DIR)"])
    return found[0]


def _say(found: Body, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found))
        return
    listing = Listing("setting", "value", "what it is", whole={"value"})
    for setting, meaning in MEANING.items():
        value = found[setting]
        listing.add(setting, f"{value:g}" if isinstance(value, float) else str(value), meaning)
    listing.print_on(console)
