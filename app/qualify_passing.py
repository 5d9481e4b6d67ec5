"""Ways over satellites that pass, on the terminal: the path, the carriers, the margin over the passes, the budgets."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from satcom.app.qualify_tables import budget_shown, by_list, price_shown, print_table, supply_shown, table_titled
from satcom.app.qualify_terms import Terms
from satcom.resource.physics.regulatory_limits import OVER_THE_LIMIT
from satcom.service.constellation_solution import (
    ConstellationSolution,
    GatewayUse,
    MarginOverPasses,
    PassingCarrier,
    Path,
)

OLD_DAYS = 3.0  # a low satellite is off by some kilometres then


def show_passing(console: Console, way: ConstellationSolution) -> None:
    """Print what the best way rests on: the path, the gateways, and the budgets."""
    show_path(console, way.path)
    through = ", ".join(f"{escape(one.earth_station_name)} {one.share_percent:.0f} %" for one in way.gateways)
    console.print(f"Through {through} of the time.", highlight=False)
    show_feeders(console, way.gateways)
    show_budgets(console, way)


def show_feeders(console: Console, gateways: Sequence[GatewayUse]) -> None:
    """Print what others have left of the gateways that limit, when the service would go through them."""
    for one in gateways:
        if one.forward_left_hz is not None and one.return_left_hz is not None:
            left = f"{one.forward_left_hz / 1e6:.3f} MHz forward and {one.return_left_hz / 1e6:.3f} return are left"
            when = (
                "" if one.fullest_at is None else f" when it is fullest, at {one.fullest_at:%H:%M}Z of the capacity day"
            )
            console.print(f"At {escape(one.earth_station_name)} {left}{when}.", highlight=False)
    console.print()


def show_path(console: Console, path: Path) -> None:
    """Print how often there is a path, and how it looks."""
    span = f"{path.start_at:%Y-%m-%d %H:%M}Z to {path.stop_at:%Y-%m-%d %H:%M}Z"
    console.print(f"Path from {span}: {path.availability_percent:.3f} % of the time", highlight=False)
    if path.longest_gap_at is not None:
        when = f"{path.longest_gap_s:.0f} s from {path.longest_gap_at:%Y-%m-%d %H:%M:%S}Z on"
        console.print(f"Longest gap: {when}", highlight=False)
    if path.lowest_elevation_deg is not None:
        console.print(
            f"Elevation {path.lowest_elevation_deg:.1f} to {path.highest_elevation_deg:.1f} deg,"
            f" {path.handovers_per_day:.0f} handovers a day, {path.satellite_count} satellites",
            highlight=False,
        )
    style = "yellow" if path.oldest_elements_days > OLD_DAYS else "dim"
    age = f"the oldest elements are {path.oldest_elements_days:.1f} days old at the end"
    console.print(f"[{style}]{age}[/{style}]\n", highlight=False)


def show_budgets(console: Console, way: ConstellationSolution) -> None:
    """Print the margin over the passes, and the budget of the worst instant each way."""
    print_table(console, _margins(way))
    for carrier in (way.forward, way.return_link):
        title = f"Link budget at the worst instant, {carrier.direction}: {carrier.worst_at:%Y-%m-%d %H:%M:%S}Z"
        print_table(console, budget_shown(title, carrier.budget))
    if way.forward.limits_kept or way.return_link.limits_kept:
        print_table(console, _limits(way))
    console.print(f"Licence: {escape(way.licence_reference)}. Doppler is not counted.", highlight=False)


def passing_ways(ways: Sequence[ConstellationSolution], terms: Terms | None = None) -> Table:
    """A line for each way; with prices where there are terms."""
    count = "1 way" if len(ways) == 1 else f"{len(ways)} ways"
    table = table_titled(f"{count} to deliver it, least capacity first")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("constellation, band", overflow="fold")
    table.add_column("terminal", overflow="fold")
    table.add_column("MODCOD\nto, from site", no_wrap=True)
    for name in ("MHz of a\nuser beam", "margin\ndB", "promised\n%"):
        table.add_column(name, justify="right", no_wrap=True)
    priced = terms is not None and terms.currency is not None
    if terms is not None and terms.currency is not None:
        table.add_column(f"{terms.currency} once\na month", justify="right", no_wrap=True)
        table.caption = by_list(terms)
    for rank, way in enumerate(ways, 1):
        both = way.forward, way.return_link
        each = "+".join(f"{one.charged_bandwidth_hz / 1e6:.2f}" for one in both)
        table.add_row(
            str(rank),
            f"{escape(way.constellation_name)} {way.band}",
            escape(way.terminal_type_name) + ("" if terms is None else f"\n[dim]{supply_shown(terms, way)}[/dim]"),
            "\n".join(one.modcod for one in both),
            f"{way.charged_bandwidth_hz / 1e6:.3f}\n[dim]{each}[/dim]",
            "\n".join(f"{one.margin_db:.2f}" for one in both),
            f"{way.availability_percent:.3f}",
            *(("\n".join(price_shown(terms.offers[rank - 1])),) if terms is not None and priced else ()),
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


def _limits(way: ConstellationSolution) -> Table:
    table = table_titled("Limits on power density, when least is left of them")
    table.add_column("", ratio=1, overflow="fold")
    for name in ("reached", "allowed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("at", no_wrap=True)
    for carrier in (way.forward, way.return_link):
        for one in carrier.limits_kept:
            what = f"{carrier.direction}, {one.reason}\n[dim]{escape(one.source)}[/dim]"
            if one.arrival_deg is not None and one.away_km is not None:
                what += f"\n[dim]{abs(one.away_km):.0f} km off the site, {one.arrival_deg:.1f} deg high[/dim]"
            unit = "dB" if one.unit == OVER_THE_LIMIT else one.unit
            table.add_row(what, f"{one.value:.2f}", f"{one.limit:.2f}", unit, f"{one.at:%Y-%m-%d\n%H:%M:%S}Z")
    return table


def _weathers(carrier: PassingCarrier) -> tuple[tuple[str, MarginOverPasses], ...]:
    return ("clear sky", carrier.clear_sky_margin), ("in the rain that it is sized for", carrier.faded_margin)
