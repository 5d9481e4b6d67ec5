"""`satcom token`: the access tokens of people and programs."""

import json
from datetime import timedelta
from typing import Annotated

import typer
from sqlmodel import Session

from satcom.app.as_typed import as_typed
from satcom.app.instants import shown_instant
from satcom.app.listing import Listing, screen
from satcom.app.opened_database import database, whoever_types
from satcom.app.parameter_names import offered
from satcom.core.access import create_token, list_tokens, revoke_token
from satcom.core.loading import loaded_id
from satcom.core.security import Role
from satcom.core.tmf_filter import is_uuid
from satcom.enterprise.party import find_party

token = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
console = screen()


@token.command("create")
def token_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    role: Annotated[
        list[str],
        typer.Option(help=f"{', '.join(Role)}; may be given more than once.", autocompletion=offered(Role)),
    ],
    party: Annotated[
        str | None, typer.Option(help="The party of a customer or partner: its id, or as it was loaded.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once and kept nowhere."""
    options = {"role": "--role", "party": "--party", "validFor": "--days", "name": "NAME"}
    with as_typed(options), database() as opened, opened.as_worker(whoever_types()) as session:
        made, secret = create_token(session, name, role, _party_of(session, party), timedelta(days=days))
    if as_json:
        typer.echo(json.dumps({"id": made.id, "name": made.name, "token": secret}))
    else:
        until = f"valid until {shown_instant(made.expires_at)}, roles {', '.join(role)}"
        console.print(f"{secret}\n[dim]{until}[/dim]", soft_wrap=True)


def _party_of(session: Session, named: str | None) -> str | None:
    """By its id, or the id it was loaded under. Raises `Refused` on one that is not there."""
    if named is None:
        return None
    return find_party(session, named if is_uuid(named) else loaded_id("Organization", named), "party").id


@token.command("list")
def token_list(as_json: AsJson = False) -> None:
    """Every token that was made: never the token itself."""
    with database() as opened, opened.as_worker(whoever_types()) as session:
        tokens = list_tokens(session)
    rows = [
        (one.id, one.name, ", ".join(one.roles), f"{one.expires_at:%Y-%m-%d}", "revoked" if one.revoked_at else "")
        for one in tokens
    ]
    if as_json:
        typer.echo(
            json.dumps([dict(zip(("id", "name", "roles", "expires", "state"), row, strict=True)) for row in rows])
        )
        return
    listing = Listing("name", "roles", "expires", "state", "id", whole={"name"})
    for identifier, *others in rows:
        listing.add(*others, identifier)
    listing.print_on(console, "no token yet: satcom token create NAME --role administrator")


@token.command("revoke")
def token_revoke(identifier: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or its name.")]) -> None:
    """Make a token useless at once."""
    with as_typed({"id": "TOKEN"}), database() as opened, opened.as_worker(whoever_types()) as session:
        revoked = revoke_token(session, identifier)
    console.print(f"{revoked.name} is revoked")
