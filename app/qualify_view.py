"""What can be delivered, on the terminal: the ways, why the others cannot, and the link budget of the best way.

In brief: two lines for each way, and a line for each reason. Nothing that an answer leaves out goes unsaid.
"""

from collections.abc import Iterable, Sequence

import pycountry
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from satcom.app.qualify_passing import passing_ways, show_passing
from satcom.app.qualify_tables import (
    WIDTH,
    budget_shown,
    by_list,
    losers_table,
    lost_ways_table,
    price_shown,
    print_table,
    reasons_table,
    supply_shown,
    table_titled,
    until_shown,
)
from satcom.app.qualify_terms import Terms
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.demand import AccessDemand, LeaseDemand
from satcom.service.solution import AccessSolution, LeaseSolution, Qualification, SiteSolution, Solution
from satcom.service.way import AVERAGE_YEAR_PERCENT, CarrierPlan

ILLUSTRATIVE = (
    "Illustrative: EIRP, G/T or contours behind these numbers are made up or estimated, not the satellite operator's."
)


def show_qualification(console: Console, answer: Qualification, terms: Terms, brief: bool = False) -> None:
    """Print the alternatives, the losers, and, unless it is to be brief, the link budget of the best way."""
    console.print(_asked(answer), highlight=False)
    if answer.solutions:
        print_table(console, _ways(answer, terms, brief))
        for line in (*_left_out(answer), *(f"No price: {one}." for one in terms.without_price)):
            console.print(escape(line), highlight=False, width=min(WIDTH, console.width))
        console.print()
    elif answer.partner_solutions:
        console.print("[bold]No satellite of ours can deliver it there.[/bold]\n")
    elif answer.losers:
        console.print("[bold red]It cannot be delivered there.[/bold red]\n")
    else:
        console.print("[bold red]There is no satellite in this database:[/bold red] satcom load DIR brings a network.")
    if answer.losers:
        title = "Why the others cannot" if answer.solutions else "Why none can"
        print_table(console, (reasons_table if brief else losers_table)(answer.losers, title))
    if answer.lost_ways:
        print_table(console, lost_ways_table(answer.lost_ways, brief))
    if answer.lost_left_out:
        console.print(f"{answer.lost_left_out} more came less far and are left out.", highlight=False)
    best = answer.solutions[0] if answer.solutions else None
    if isinstance(best, ConstellationSolution) and not brief:
        show_passing(console, best)
    elif answer.to_sites and not brief:
        show_link_budget(console, answer.to_sites[0])
    if any(one.illustrative for one in answer.solutions) or any(one.illustrative for one in answer.losers):
        console.print(f"[yellow]{ILLUSTRATIVE}[/yellow]")


def _ways(answer: Qualification, terms: Terms, brief: bool) -> Table:
    leases = [one for one in answer.solutions if isinstance(one, LeaseSolution)]
    if leases:
        return _leases(leases, terms)
    passing = [one for one in answer.solutions if isinstance(one, ConstellationSolution)]
    return passing_ways(passing, terms) if passing else (_in_brief if brief else _alternatives)(answer.to_sites, terms)


def show_link_budget(console: Console, way: SiteSolution) -> None:
    """Print the budget of both directions as engineers read it, and what it rests on."""
    gateway, terminal = way.earth_station_name, way.terminal_type_name
    print_table(console, _budget(f"Link budget to the site: {gateway} to {terminal}", way.satellite_name, way.forward))
    print_table(
        console, _budget(f"Link budget from the site: {terminal} to {gateway}", way.satellite_name, way.return_link)
    )
    console.print(
        f"Antenna at the site: azimuth {way.azimuth_deg:.1f} deg from north, elevation {way.elevation_deg:.1f} deg."
        f" Orbital elements: {way.element_age_days:.0f} days old. Hub: {escape(way.hub_name)}."
        f" Licence: {escape(way.licence_reference)}. {_sold(way)}",
        highlight=False,
    )


def _sold(way: SiteSolution) -> str:
    if way.confidence_percent == AVERAGE_YEAR_PERCENT:
        return f"Availability {way.availability_percent:g} % is that of the average year."
    return f"A year keeps {way.availability_percent:g} % availability with {way.confidence_percent:g} % confidence."


def _asked(answer: Qualification) -> str:
    demand = answer.demand
    if isinstance(demand, LeaseDemand):
        until = f"to {demand.stop_at:%Y-%m-%d}" if demand.stop_at else "without end"
        return f"[bold]{demand.bandwidth_hz / 1e6:g} MHz[/bold], from {demand.start_at:%Y-%m-%d} {until}\n"
    north, east = "S" if demand.latitude_deg < 0 else "N", "W" if demand.longitude_deg < 0 else "E"
    place = f"{abs(demand.latitude_deg):.4f} {north} {abs(demand.longitude_deg):.4f} {east}"
    where = place if answer.country is None else f"{place}, {_country(answer.country)}"
    if demand.country is None and answer.country is not None:
        where += " by the map"
    until = f"to {demand.stop_at:%Y-%m-%d}" if demand.stop_at else "without end"
    rates = f"{demand.downlink_rate_bps / 1e6:g} Mbit/s to the site, {demand.uplink_rate_bps / 1e6:g} Mbit/s from it"
    if isinstance(demand, AccessDemand):
        down_mbps, up_mbps = demand.downlink_committed_rate_bps / 1e6, demand.uplink_committed_rate_bps / 1e6
        rates += f" at most, {down_mbps:g} and {up_mbps:g} Mbit/s committed"
    return (
        f"[bold]{rates}, {demand.availability_percent:g} %[/bold]\n{where}, from {demand.start_at:%Y-%m-%d} {until}\n"
    )


def _country(code: str) -> str:
    known = pycountry.countries.get(alpha_2=code)
    return code if known is None else f"{known.name} ({code})"


def _left_out(answer: Qualification) -> Iterable[str]:
    """That there are more ways, and why they need not be looked at."""
    if answer.left_out:
        one = answer.left_out == 1
        ways, each = ("1 more way is", "it takes") if one else (f"{answer.left_out} more ways are", "each takes")
        yield (
            f"{ways} left out: {each} as much capacity as one above, of the same band with the same terminal, or more,"
            " so that it costs no less. --all shows every way."
        )


def _counted(ways: Sequence[Solution]) -> str:
    return f"{'1 way' if len(ways) == 1 else f'{len(ways)} ways'} to deliver it, least capacity first"


def _alternatives(ways: Sequence[SiteSolution], terms: Terms) -> Table:
    """A few lines for each way: the return direction and what is monthly in the second, the terminal's supply last."""
    table = table_titled(_counted(ways))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(
        "satellite, band\nelevation", overflow="fold", min_width=len("until 2027-12-31") if terms.ends else None
    )
    table.add_column("terminal\ngateway, hub\nin stock, or takes", overflow="fold", min_width=14)
    table.add_column("MODCOD\nto, from site", no_wrap=True)
    for name in ("MHz\ncharged", "margin\ndB"):
        table.add_column(name, justify="right", no_wrap=True)
    if terms.currency is not None:
        table.add_column(f"{terms.currency} once\na month", justify="right", no_wrap=True)
        table.caption = by_list(terms)
    for rank, way in enumerate(ways, 1):
        offer = terms.offers[rank - 1]
        table.add_row(
            str(rank),
            f"{escape(way.satellite_name)} {way.band}\n[dim]{way.elevation_deg:.1f} deg{until_shown(terms, way)}[/dim]",
            f"{escape(way.terminal_type_name)}\n[dim]{escape(_over(way))}\n{supply_shown(terms, way)}[/dim]",
            f"{way.forward.modcod}\n{way.return_link.modcod}",
            f"{way.charged_bandwidth_hz / 1e6:.3f}\n[dim]{_each(way)}[/dim]",
            f"{way.forward.margin_db:.2f}\n{way.return_link.margin_db:.2f}",
            *(() if terms.currency is None else ("\n".join(price_shown(offer)),)),
            style="bold" if rank == 1 else "",
        )
    return table


def _in_brief(ways: Sequence[SiteSolution], terms: Terms) -> Table:
    """One line for each way, and one below it for where it leads."""
    table = table_titled(_counted(ways))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("satellite, band\ngateway, hub", overflow="fold")
    table.add_column("terminal", overflow="fold")
    table.add_column("in stock, or takes", overflow="fold")
    for name in ("MHz", "margin dB"):
        table.add_column(name, justify="right", no_wrap=True)
    if terms.currency is not None:
        for name in (f"{terms.currency} once", "a month"):
            table.add_column(name, justify="right", no_wrap=True)
        table.caption = by_list(terms)
    for rank, way in enumerate(ways, 1):
        table.add_row(
            str(rank),
            f"{escape(way.satellite_name)} {way.band}{until_shown(terms, way, ', ')}\n[dim]{escape(_over(way))}[/dim]",
            escape(way.terminal_type_name),
            supply_shown(terms, way),
            f"{way.charged_bandwidth_hz / 1e6:.3f}",
            f"{way.margin_db:.2f}",
            *(() if terms.currency is None else price_shown(terms.offers[rank - 1])),
            style="bold" if rank == 1 else "",
        )
    return table


def _leases(ways: Sequence[LeaseSolution], terms: Terms) -> Table:
    """A line for each piece of spectrum, with what the customer may do in it."""
    table = table_titled(_counted(ways))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("satellite, band\ntransponder", overflow="fold")
    table.add_column("polarisation\nup, down", overflow="fold")
    for name in ("MHz\nof power", "EIRP at most\ndBW", "flux at most\ndBW/m2"):
        table.add_column(name, justify="right", no_wrap=True)
    if terms.currency is not None:
        table.add_column(f"{terms.currency} once\na month", justify="right", no_wrap=True)
        table.caption = by_list(terms)
    for rank, way in enumerate(ways, 1):
        table.add_row(
            str(rank),
            f"{escape(way.satellite_name)} {way.band}\n[dim]{escape(way.transponder_name)}"
            f"{until_shown(terms, way)}[/dim]",
            f"{way.uplink_polarisation}\n[dim]{way.downlink_polarisation}[/dim]",
            f"{way.bandwidth_hz / 1e6:.3f}\n[dim]{way.power_share_hz / 1e6:.3f}[/dim]",
            f"{way.eirp_limit_dbw:.1f}",
            f"{way.flux_density_limit_dbw_per_m2:.1f}",
            *(() if terms.currency is None else ("\n".join(price_shown(terms.offers[rank - 1])),)),
            style="bold" if rank == 1 else "",
        )
    return table


def _over(way: SiteSolution) -> str:
    """The gateway with its hub; of shared carriers the pools instead of the hub, which is theirs."""
    if isinstance(way, AccessSolution):
        pools = dict.fromkeys((way.forward_pool.pool_name, way.return_pool.pool_name))
        return f"{way.earth_station_name}, {', '.join(pools)}"
    return f"{way.earth_station_name}, {way.hub_name}"


def _each(way: SiteSolution) -> str:
    """What each direction is charged for; on shared carriers, what is committed of it and what at most."""
    if isinstance(way, AccessSolution):
        shares = (way.forward_pool, way.return_pool)
        return "\n".join(f"{one.cir_baud / 1e6:.2f} of {one.mir_baud / 1e6:.2f} MBd" for one in shares)
    return "+".join(f"{one.charged_bandwidth_hz / 1e6:.2f}" for one in (way.forward, way.return_link))


def _budget(title: str, satellite: str, carrier: CarrierPlan) -> Table:
    polarisations = f"{carrier.uplink_polarisation} up, {carrier.downlink_polarisation} down"
    rate = f"{carrier.bit_rate_bps / 1e6:g} Mbit/s, {carrier.modcod}"
    return budget_shown(f"{title}\n{satellite} {carrier.transponder_name}, {polarisations}, {rate}", carrier.budget)
