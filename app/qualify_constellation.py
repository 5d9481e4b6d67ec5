"""What can be delivered over a constellation, on the terminal: the path, the ways, why there is none, the budget."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from satcom.app.qualify_passing import passing_ways, show_budgets, show_feeders, show_path
from satcom.app.qualify_tables import losers_table, print_table, table_titled
from satcom.app.qualify_view import ILLUSTRATIVE
from satcom.service.constellation_solution import (
    ConstellationQualification,
    PathPlan,
)

SHOWN_LEGS = 12


def show_constellation(console: Console, answer: ConstellationQualification, brief: bool = False) -> None:
    """Print the path, the ways, and, unless it is to be brief, who serves first and the budget of the best way."""
    demand = answer.demand
    rates = f"{demand.downlink_rate_bps / 1e6:g} Mbit/s to the site, {demand.uplink_rate_bps / 1e6:g} Mbit/s from it"
    console.print(f"[bold]{rates}, {demand.availability_percent:g} %[/bold]\n", highlight=False)
    if answer.path is not None:
        show_path(console, answer.path)
        _show_gaps(console, answer.path)
        if not brief and answer.path.legs:
            print_table(console, _legs(answer.path))
    if answer.solutions:
        print_table(console, passing_ways(answer.solutions))
    if answer.loser is not None:
        console.print("[bold red]It cannot be delivered there.[/bold red]\n")
        print_table(console, losers_table([answer.loser], "Why not"))
    if answer.solutions and not brief:
        show_feeders(console, answer.solutions[0].gateways)
        show_budgets(console, answer.solutions[0])
    if any(one.illustrative for one in answer.solutions) or (answer.loser is not None and answer.loser.illustrative):
        console.print(f"[yellow]{ILLUSTRATIVE}[/yellow]")


def _legs(path: PathPlan) -> Table:
    count = f"the first {SHOWN_LEGS} of {len(path.legs)}" if len(path.legs) > SHOWN_LEGS else f"{len(path.legs)}"
    table = table_titled(f"Who serves: {count}")
    for name in ("satellite", "through", "from", "to"):
        table.add_column(name, overflow="fold")
    table.add_column("elevation, deg", justify="right", no_wrap=True)
    for one in path.legs[:SHOWN_LEGS]:
        table.add_row(
            escape(one.satellite_name),
            escape(one.earth_station_name),
            f"{one.start_at:%m-%d %H:%M:%S}",
            f"{one.stop_at:%H:%M:%S}",
            f"{one.lowest_elevation_deg:.1f} to {one.highest_elevation_deg:.1f}",
        )
    return table


def _show_gaps(console: Console, path: PathPlan) -> None:
    if path.gaps:
        console.print(f"{len(path.gaps)} gaps in all\n", highlight=False)
