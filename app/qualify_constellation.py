"""What can be delivered over a constellation, on the terminal: the path, the ways, why there is none, the budget."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from satcom.app.qualify_view import ILLUSTRATIVE, budget_shown, print_table, table_titled
from satcom.service.constellation_solution import (
    ConstellationLoser,
    ConstellationQualification,
    ConstellationSolution,
    MarginOverPasses,
    PassingCarrier,
    PathPlan,
)

OLD_DAYS = 3.0  # a low satellite is off by some kilometres then
SHOWN_LEGS = 12


def show_constellation(console: Console, answer: ConstellationQualification, brief: bool = False) -> None:
    """Print the path, the ways, and, unless it is to be brief, who serves first and the budget of the best way."""
    demand = answer.demand
    rates = f"{demand.downlink_rate_bps / 1e6:g} Mbit/s to the site, {demand.uplink_rate_bps / 1e6:g} Mbit/s from it"
    console.print(f"[bold]{rates}, {demand.availability_percent:g} %[/bold]\n", highlight=False)
    if answer.path is not None:
        _show_path(console, answer.path)
        if not brief and answer.path.legs:
            print_table(console, _legs(answer.path))
    if answer.solutions:
        print_table(console, _ways(answer.solutions))
    if answer.loser is not None:
        _show_loser(console, answer.loser)
    if answer.solutions and not brief:
        best = answer.solutions[0]
        print_table(console, _margins(best))
        for carrier in (best.forward, best.return_link):
            title = f"Link budget at the worst instant, {carrier.direction}: {carrier.worst_at:%Y-%m-%d %H:%M:%S}Z"
            print_table(console, budget_shown(title, carrier.budget))
        console.print(f"Licence: {escape(best.licence_reference)}. Doppler is not counted.", highlight=False)
    if any(one.illustrative for one in answer.solutions) or (answer.loser is not None and answer.loser.illustrative):
        console.print(f"[yellow]{ILLUSTRATIVE}[/yellow]")


def _show_path(console: Console, path: PathPlan) -> None:
    span = f"{path.start_at:%Y-%m-%d %H:%M}Z to {path.stop_at:%Y-%m-%d %H:%M}Z"
    console.print(f"Path from {span}: {path.availability_percent:.3f} % of the time", highlight=False)
    if path.longest_gap_at is not None:
        when = f"{path.longest_gap_s:.0f} s from {path.longest_gap_at:%Y-%m-%d %H:%M:%S}Z on"
        console.print(f"Longest gap: {when}; {len(path.gaps)} gaps", highlight=False)
    if path.lowest_elevation_deg is not None:
        console.print(
            f"Elevation {path.lowest_elevation_deg:.1f} to {path.highest_elevation_deg:.1f} deg,"
            f" {path.handovers_per_day:.0f} handovers a day, {path.satellite_count} satellites",
            highlight=False,
        )
    style = "yellow" if path.oldest_elements_days > OLD_DAYS else "dim"
    age = f"the oldest elements are {path.oldest_elements_days:.1f} days old at the end"
    console.print(f"[{style}]{age}[/{style}]\n", highlight=False)


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


def _ways(ways: Sequence[ConstellationSolution]) -> Table:
    count = "1 way" if len(ways) == 1 else f"{len(ways)} ways"
    table = table_titled(f"{count} to deliver it, least capacity first")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("constellation, band", overflow="fold")
    table.add_column("terminal", overflow="fold")
    table.add_column("MODCOD\nto, from site", no_wrap=True)
    for name in ("MHz of a\nuser beam", "margin\ndB", "promised\n%"):
        table.add_column(name, justify="right", no_wrap=True)
    for rank, way in enumerate(ways, 1):
        both = way.forward, way.return_link
        each = "+".join(f"{one.charged_bandwidth_hz / 1e6:.2f}" for one in both)
        table.add_row(
            str(rank),
            f"{escape(way.constellation_name)} {way.band}",
            escape(way.terminal_type_name),
            "\n".join(one.modcod for one in both),
            f"{way.charged_bandwidth_hz / 1e6:.3f}\n[dim]{each}[/dim]",
            "\n".join(f"{one.margin_db:.2f}" for one in both),
            f"{way.availability_percent:.3f}",
            style="bold" if rank == 1 else "",
        )
    return table


def _margins(way: ConstellationSolution) -> Table:
    table = table_titled(f"Margin over the passes, {way.terminal_type_name}")
    table.add_column("", ratio=1)
    for name in ("worst", "1 %", "50 %", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for carrier in (way.forward, way.return_link):
        for weather, margin in _weathers(carrier):
            values = (margin.worst_db, margin.one_percent_db, margin.median_db, margin.best_db)
            table.add_row(f"{carrier.direction}, {weather}", *(f"{one:.2f}" for one in values), "dB")
    return table


def _weathers(carrier: PassingCarrier) -> tuple[tuple[str, MarginOverPasses], ...]:
    return ("clear sky", carrier.clear_sky_margin), ("in the rain that it is sized for", carrier.faded_margin)


def _show_loser(console: Console, loser: ConstellationLoser) -> None:
    console.print("[bold red]It cannot be delivered there.[/bold red]\n")
    table = table_titled("Why not")
    table.add_column("what was tried", ratio=1)
    table.add_column("reason", no_wrap=True)
    for name in ("number", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    hertz = loser.unit == "Hz"
    numbers = ("" if one is None else f"{one / 1e6:.3f}" if hertz else f"{one:g}" for one in (loser.value, loser.limit))
    table.add_row(
        f"{escape(loser.subject)}\n[dim]{escape(loser.text)}[/dim]",
        f"[red]{loser.reason.value}[/red]",
        *numbers,
        "MHz" if hertz else loser.unit or "",
    )
    print_table(console, table)
