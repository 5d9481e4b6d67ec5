"""The command line `satcom`: every command, where it is, and how it ends.

A command is imported when it is typed: most only ask the API, and need neither the database's tables nor its routes.
"""

import atexit
import errno
import gc
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from satcom.app.lazy_group import Commands, LazyGroup
from satcom.core.clock import clock
from satcom.core.errors import Refused, Unable
from satcom.core.settings import Settings, settings
from satcom.core.settings import version as installed


class Satcom(LazyGroup):
    """What starts the system comes first, then what asks and changes its database, then what asks the API."""

    lazy: ClassVar[Commands] = {
        "serve": ("serve:serve", "Serve the API, and deliver orders when a hub is configured."),
        "demo": ("demo:demo", "Load an operator and deliver its first orders before your eyes."),
        "worker": ("worker:worker", "Deliver orders and events on this host, until Ctrl-C."),
        "load": ("on_database:load", "Load an operator's network, offers and customers."),
        "constellation-coverage": (
            "on_database:constellation_coverage",
            "From where satellites that move are seen: share of time, gaps, how many.",
        ),
        "coverage": ("on_database:coverage", "Map EIRP, G/T, SFD, PFD, elevation, rate or availability of beams."),
        "qualify": (
            "on_database:qualify",
            "Whether a link can be delivered at a place, how, and why not otherwise. Nothing is reserved.",
        ),
        "link-budget": (
            "link_budget:link_budget",
            "Work out a link budget in both directions, clear sky beside rain; or that of a chain of hops.",
        ),
        "qualify-lease": (
            "on_database:qualify_lease",
            "Whether spectrum can be leased, on which transponders, and why not on others. Nothing is reserved.",
        ),
        "sun-outages": ("on_database:sun_outages", "Sun outages of a satellite at a station in a year."),
        "eclipses": ("on_database:eclipses", "Eclipses of a satellite by Earth and Moon in a year, in UTC."),
        "manoeuvres": (
            "on_database:manoeuvres",
            "Manoeuvres that flight dynamics plans, and the services that the satellites carry meanwhile.",
        ),
        "passes": ("on_database:passes", "When satellites are seen from a site, who serves it, handovers, and gaps."),
        "simulate-hub": ("on_database:simulate_hub", "Simulate the hubs of the loaded operator, until Ctrl-C."),
        "simulate-partner": (
            "simulate_partner:simulate_partner",
            "Simulate a partner who leases capacity, until Ctrl-C.",
        ),
        "db": ("db:db", "The database: upgrade, back up, restore."),
        "token": ("token:token", "Access tokens of people and programs."),
        "order": ("orders:order", "Product orders: place, see, watch, cancel and repair them."),
        "listener": ("listener:listener", "Listeners of events: see, park, resume, replay and remove them."),
        "service": (
            "service:service",
            "Services: what the hub holds of them; the access test and the carriers of a lease.",
        ),
        "hub": ("hub:hub", "Hubs: what they hold that no book has, as after a restore, and to clear them of it."),
        "satellite": (
            "satellite:satellite",
            "Satellites: see them, move their in-service date, record what they have reached.",
        ),
        "terminal": (
            "terminals:terminal",
            "Terminals: buy, ship, receive and return them; where one has been; swap one at a site.",
        ),
        "licence": ("licence:licence", "Licences: what each lets terminals do, and when it ends."),
        "spectrum": ("spectrum:spectrum", "Spectrum: what lies on a transponder, what is free, how to re-pack it."),
        "escalation": ("waits:escalation", "To whom overdue waits go, and after how long."),
        "operator": ("operator:operator", "The operator's settings."),
        "approval": ("approval:approval", "Orders above a price: who releases them, and the answers."),
        "appointment": ("appointment:appointment", "The visits of installers: free times, and what is agreed."),
        "elements": ("on_database:elements", "Element sets: keep those of a file, see how old they are."),
    }

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What is imported stays, so garbage is not looked for among it. Whoever has that off keeps it off."""
        looked_for = gc.isenabled()
        gc.disable()
        try:
            return super().get_command(ctx, cmd_name)
        finally:
            if looked_for:
                gc.enable()


INTERRUPTED: Final = 130  # as shells say it
GARBAGE_AFTER: Final = 20_000, 10, 50  # objects: most end without it; to look as often as Python does costs a tenth
app = typer.Typer(name="satcom", cls=Satcom, no_args_is_help=True)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(installed())
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
    typer.echo(installed())


def main() -> None:
    """The entry point: a refusal is a line for each fault, and exit status 1."""
    gc.set_threshold(*GARBAGE_AFTER)
    atexit.register(gc.freeze)  # the system takes all memory back at once; looking through it again takes a second
    try:
        app()
    except Refused as refused:
        _say("\n".join(one.line for one in refused.faults), refused)
    except Unable as away:
        _say(str(away), away)
    except ValidationError as wrong:
        lines = [f"SATCOM_{str(one['loc'][0]).upper()}: {one['msg']}, not {one['input']!r}" for one in wrong.errors()]
        if wrong.title != Settings.__name__:
            raise
        _say("\n".join(lines), wrong)
    except OSError as full:
        if full.errno != errno.ENOSPC:
            raise
        _say(f"There is no room to write: {full}", full)
    except KeyboardInterrupt:  # while a command was still being imported: nothing has begun
        raise SystemExit(INTERRUPTED) from None


def _say(why: str, refused: Exception) -> NoReturn:
    Console(stderr=True).print(Text(why, "red"), soft_wrap=True)
    raise SystemExit(1) from refused


if __name__ == "__main__":
    main()
