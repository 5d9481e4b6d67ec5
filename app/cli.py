"""The command line `satcom`: starting the parts of the system, keeping its database and its access tokens.

What is asked of the API, and what loads, qualifies and simulates, is in `app.commands` and `app.qualify`.
"""

import asyncio
import errno
import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import OperationalError

from satcom.app import declarations
from satcom.app.commands.api import ApiAway, ApiRefused
from satcom.app.commands.appointment import appointment
from satcom.app.commands.approval import approval
from satcom.app.commands.change_order import modify, terminate
from satcom.app.commands.coverage import coverage_command
from satcom.app.commands.elements import elements_commands
from satcom.app.commands.link_budget import link_budget
from satcom.app.commands.listener import listener
from satcom.app.commands.load import load_command
from satcom.app.commands.operator import operator
from satcom.app.commands.order import order
from satcom.app.commands.order_history import history
from satcom.app.commands.planned_events import eclipses_command, sun_outages_command
from satcom.app.commands.satellite import satellite
from satcom.app.commands.service import service
from satcom.app.commands.simulate_hub import simulate_hub_command
from satcom.app.commands.simulate_partner import simulate_partner
from satcom.app.commands.spectrum import spectrum
from satcom.app.commands.spectrum_import import import_command
from satcom.app.commands.terminal import terminal
from satcom.app.commands.waits import escalation, waits
from satcom.app.demonstration import demonstrate, is_free
from satcom.app.qualify import qualify_command
from satcom.app.qualify_lease import qualify_lease_command
from satcom.app.serving import WorkersBroke, ask_whether_it_serves, server_of, work
from satcom.app.serving import serve as serve_and_deliver
from satcom.core import backup, embedded_postgres, migration
from satcom.core.access import create_token, list_tokens, revoke_token
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.logs import set_up_logs
from satcom.core.settings import Settings, settings
from satcom.core.traces import set_up_traces
from satcom.resource.drivers.hub_nms import HubNmsDriver

app = typer.Typer(name="satcom", no_args_is_help=True)
db = typer.Typer(help="The database: upgrade, back up, restore.", no_args_is_help=True)
token = typer.Typer(help="Access tokens of people and programs.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(token, name="token")
order.command()(modify)
order.command()(terminate)
order.command()(history)
app.add_typer(order, name="order")
app.add_typer(listener, name="listener")
app.add_typer(service, name="service")
app.add_typer(satellite, name="satellite")
app.add_typer(terminal, name="terminal")
app.add_typer(spectrum, name="spectrum")
app.add_typer(escalation, name="escalation")
app.add_typer(operator, name="operator")
app.add_typer(approval, name="approval")
app.add_typer(appointment, name="appointment")
order.command("waits")(waits)
console = Console()
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]


@contextmanager
def database_url() -> Iterator[str]:
    """The configured database, or the embedded server for as long as the block lasts."""
    configured = settings().database_url
    if configured:
        yield configured
    else:
        with embedded_postgres.kept_alive(settings().data_dir) as server:
            yield server.url


@contextmanager
def database() -> Iterator[Database]:
    """The database at the schema of this release."""
    with database_url() as url:
        migration.upgrade(url)
        opened = Database(url, settings().database_connections)
        try:
            yield opened
        finally:
            opened.close()


def hub_driver() -> HubNmsDriver:
    """The driver of the configured hub. Raises `Refused` on what is not configured."""
    url, secret = settings().hub_nms_url, settings().hub_nms_token
    if url is None or secret is None:
        raise Refused("SATCOM_HUB_NMS_URL", "set it and SATCOM_HUB_NMS_TOKEN to reach the hub", "missing")
    return HubNmsDriver(url, secret)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(declarations.version())
        raise typer.Exit


@app.callback()
def top(
    version_asked: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="The installed version.")
    ] = False,
) -> None:
    """OSS/BSS for satellite communications operators."""
    clock.offset = timedelta(hours=settings().clock_ahead_hours)


@app.command()
def version() -> None:
    """The installed version."""
    typer.echo(declarations.version())


@app.command()
def serve(
    leave: Annotated[bool, typer.Option("--exit", help="Ask it whether it serves, and end.")] = False,
) -> None:
    """Serve the API, and deliver orders when a hub is configured."""
    set_up_logs(settings().log_json, settings().log_level)
    set_up_traces("satcom-serve")
    check_port(settings().host, settings().port)
    with database() as opened:
        asyncio.run(_serve(opened, leave))


def check_port(host: str, port: int) -> None:
    """Raises `Refused` when somebody serves there already; port 0 is whichever is free."""
    if port and not is_free(host, port):
        raise Refused("SATCOM_PORT", f"port {port} of {host} is taken", "taken", "another port, or 0 for any")


async def _serve(opened: Database, leave: bool) -> None:
    with hub_driver() if settings().hub_nms_url is not None else nullcontext() as hub:
        server = server_of(opened, hub, settings().port)
        if leave:
            await ask_whether_it_serves(server)
        else:
            await serve_and_deliver(server, opened, hub, settings().workers)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An operator with a demo_order.yaml.")] = Path(
        "examples/operator"
    ),
    leave: Annotated[bool, typer.Option("--exit", help="End after the check, with its exit code.")] = False,
) -> None:
    """Load an operator and deliver its first order before your eyes.

    The result is checked from outside; then it serves until Ctrl-C.
    """
    set_up_logs(settings().log_json)
    logging.getLogger().setLevel(logging.WARNING)  # the story is told, not logged
    logging.getLogger("satcom.orchestration").setLevel(logging.ERROR)  # it tells what is refused, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, it ends as with Ctrl-C
    with database() as opened:
        code = demonstrate(opened, folder, console, leave)
    raise typer.Exit(code)


@app.command()
def worker() -> None:
    """Deliver orders and events on this host, until Ctrl-C."""
    set_up_logs(settings().log_json, settings().log_level)
    set_up_traces("satcom-worker")
    with database() as opened, hub_driver() as hub:
        asyncio.run(work(opened, hub, max(settings().workers, 1)))


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the schema of this release."""
    with database_url() as url:
        console.print(f"the database is at revision {migration.upgrade(url)}")


@db.command("backup")
def db_backup(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write the whole database to FILE, while it is in use."""
    with database_url() as url:
        backup.backup(url, file)
    console.print(f"{file}: {file.stat().st_size} bytes")


@db.command("restore")
def db_restore(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Fill an empty database from FILE."""
    with database_url() as url:
        migration.prepare(url)
        backup.restore(url, file)
    console.print(f"restored from {file}")


@token.command("create")
def token_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    role: Annotated[list[str], typer.Option(help="A role; may be given more than once.")],
    party: Annotated[str | None, typer.Option(help="The party of a customer or partner, by id.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once and kept nowhere."""
    with database() as opened, opened.as_worker(_operator()) as session:
        made, secret = create_token(session, name, role, party, timedelta(days=days))
    if as_json:
        typer.echo(json.dumps({"id": made.id, "name": made.name, "token": secret}))
    else:
        console.print(f"{secret}\n[dim]valid until {made.expires_at:%Y-%m-%d %H:%M} UTC, roles {', '.join(role)}[/dim]")


@token.command("list")
def token_list(as_json: AsJson = False) -> None:
    """Every token that was made: never the token itself."""
    with database() as opened, opened.as_worker(_operator()) as session:
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
    table = Table("name", "roles", "expires", "state", "id", box=None, header_style="dim")
    for identifier, *others in rows:
        table.add_row(*others, identifier)
    table.columns[-1].overflow = "fold"
    console.print(table if rows else "no token yet: satcom token create NAME --role administrator")


@token.command("revoke")
def token_revoke(identifier: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id or its name.")]) -> None:
    """Make a token useless at once."""
    with database() as opened, opened.as_worker(_operator()) as session:
        revoked = revoke_token(session, identifier)
    console.print(f"{revoked.name} is revoked")


def _operator() -> str:
    return f"{os.environ.get('USER', 'somebody')} at the command line"


spectrum.command("import")(import_command(database, _operator))
app.command("load")(load_command(database, _operator))
app.add_typer(elements_commands(database, _operator), name="elements")
app.command("coverage")(coverage_command(database))
app.command("qualify")(qualify_command(database))
app.command("link-budget")(link_budget)
app.command("qualify-lease")(qualify_lease_command(database))
app.command("sun-outages")(sun_outages_command(database))
app.command("eclipses")(eclipses_command(database))
app.command("simulate-hub")(simulate_hub_command(database))
app.command("simulate-partner")(simulate_partner)


def main() -> None:
    """The entry point: a refusal is a line for each fault, and exit status 1."""
    try:
        app()
    except Refused as refused:
        lines = [
            f"{one.field}: {one.why}" + (f" (accepted: {one.accepted})" if one.accepted else "")
            for one in refused.faults
        ]
        _say("\n".join(lines), refused)
    except (ApiRefused, ApiAway, WorkersBroke, embedded_postgres.PostgresUnavailable, backup.BackupFailed) as refused:
        _say(str(refused), refused)
    except ValidationError as wrong:
        lines = [f"SATCOM_{str(one['loc'][0]).upper()}: {one['msg']}, not {one['input']!r}" for one in wrong.errors()]
        if wrong.title != Settings.__name__:
            raise
        _say("\n".join(lines), wrong)
    except OperationalError as lost:
        _say(f"The database cannot be reached: {lost.orig}", lost)
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise
        _say(f"There is no room to write: {full}", full)


def _say(why: str, refused: Exception) -> NoReturn:
    Console(stderr=True).print(Text(why, "red"), soft_wrap=True)
    raise SystemExit(1) from refused
