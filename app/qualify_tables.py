"""The tables of a qualification on the terminal that hold for every kind of way: link budgets, and who cannot."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from satcom.app.qualify_terms import Terms
from satcom.core.clock import now
from satcom.market.pricing import PricedOffer
from satcom.service.solution import AnyLoser, Solution
from satcom.service.way import BudgetLine, LostWay, PathPart, TerminalWay
from satcom.supplychain.procurement import Supply

# How the units of the program are shown: factor, unit, digits after the point.
SHOWN = {
    "Hz": (1e-6, "MHz", 3),
    "baud": (1e-6, "MBd", 3),
    "km": (1.0, "km", 0),
    "days": (1.0, "days", 0),
    "ports": (1.0, "ports", 0),
    "licences": (1.0, "licences", 0),
    "terminal types": (1.0, "types", 0),
    "bands asked for": (1.0, "bands asked for", 0),
    "satellites asked for": (1.0, "asked for", 0),
    "satellites in service": (1.0, "in service", 0),
    "dates of service": (1.0, "dates", 0),
    "element sets": (1.0, "element sets", 0),
    "pools": (1.0, "pools", 0),
    "transponders": (1.0, "transponders", 0),
    "dB over the limit": (1.0, "dB", 2),
    "deg": (1.0, "deg", 1),
    "none": (1.0, "", 0),
    "": (100.0, "%", 1),
}
# Where a link budget is cut into its parts, by the label that each begins with.
PARTS = frozenset(
    {
        "Uplink EIRP",
        "Satellite G/T",
        "Saturation EIRP to the receiver",
        "C/I intermodulation, clear sky",
        "C/(N+I) = Es/(N0+I0)",
        "Share of the transponder's power",
    }
)
RESULTS = frozenset({"C/(N+I) = Es/(N0+I0)", "Margin"})
NARROWEST, WIDTH = 80, 100
Cells = tuple[str, ...]


def reasons_table(losers: Sequence[AnyLoser], title: str) -> Table:
    """One line for each reason and number, with the satellites, or constellations, that it holds for."""
    table = table_titled(title)
    table.add_column("reason", no_wrap=True)
    table.add_column("satellites", ratio=1)
    _number_columns(table)
    alike: dict[tuple[str, Cells], list[str]] = {}
    for one in losers:
        alike.setdefault((one.reason.value, _numbers(one)), []).append(one.space_segment_name)
    for reason in dict.fromkeys(reason for reason, _ in alike):
        for (also, numbers), names in alike.items():
            if also == reason:
                table.add_row(f"[red]{reason}[/red]", escape(", ".join(dict.fromkeys(names))), *numbers)
    return table


def lost_ways_table(lost: Sequence[LostWay], brief: bool) -> Table:
    """Over satellites that serve: what of a path does not, one line each; unless it is to be brief, why in words."""
    table = table_titled("What else of these satellites cannot")
    table.add_column("part of the path", ratio=1)
    table.add_column("reason", no_wrap=True)
    _number_columns(table)
    for one in lost:
        named = one.part_name if one.part is PathPart.BAND else f"{one.satellite_name}, {one.part_name}"
        text = "" if brief else f"\n[dim]{escape(one.text)}[/dim]"
        table.add_row(f"{escape(named)}{text}", f"[red]{one.reason.value}[/red]", *_numbers(one))
    return table


def _number_columns(table: Table) -> None:
    for name in ("number", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)


def _numbers(loser: AnyLoser) -> Cells:
    factor, unit, digits = SHOWN.get(loser.unit or "none", (1.0, loser.unit or "", 2))
    return number_shown(loser.value, factor, digits), number_shown(loser.limit, factor, digits), unit


def losers_table(losers: Sequence[AnyLoser], title: str) -> Table:
    table = table_titled(title)
    table.add_column("satellite and what was tried", ratio=1)
    table.add_column("reason", no_wrap=True)
    _number_columns(table)
    alike_losers: dict[tuple[str, str, float | None, float | None, str], list[AnyLoser]] = {}
    for one in losers:
        alike_losers.setdefault(_why(one), []).append(one)
    for (reason, text, *_), alike in alike_losers.items():
        subjects = [one.subject.partition(", ") for one in alike]
        tried = ", ".join(escape(first) for first, _, _ in subjects)
        how = f"{subjects[0][2]}: {text}" if len(subjects) == 1 and subjects[0][2] else text
        table.add_row(f"{tried}\n[dim]{escape(how)}[/dim]", f"[red]{reason}[/red]", *_numbers(alike[0]))
    return table


def _why(loser: AnyLoser) -> tuple[str, str, float | None, float | None, str]:
    return loser.reason, loser.text, loser.value, loser.limit, loser.unit or "none"


def budget_shown(title: str, lines: Sequence[BudgetLine]) -> Table:
    """A link budget as engineers read it: clear sky beside rain on either link."""
    table = table_titled(title)
    table.add_column("", ratio=1)
    for name in ("clear sky", "faded up", "faded down"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for line in lines:
        if line.label in PARTS:
            table.add_section()
        _, unit, _ = SHOWN.get(line.unit, (1.0, line.unit, 2))
        part_of_it = line.label.startswith("of it ")
        style = "bold" if line.label in RESULTS else "dim" if part_of_it else ""
        table.add_row(f"{'  ' if part_of_it else ''}{line.label}", *_values(line), unit, style=style)
        if line.source is not None:
            table.add_row(f"  {escape(line.source)}", style="dim")
    return table


def _values(line: BudgetLine) -> Cells:
    factor, _, digits = SHOWN.get(line.unit, (1.0, line.unit, 2))
    return tuple(number_shown(one, factor, digits) for one in (line.clear_sky, line.faded_up, line.faded_down))


def number_shown(value: float | None, factor: float, digits: int) -> str:
    return "" if value is None else f"{value * factor:,.{digits}f}"


def table_titled(title: str) -> Table:
    """An empty table as all of them look."""
    return Table(
        title=f"[bold]{escape(title)}[/bold]",
        title_justify="left",
        title_style="",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        expand=True,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def print_table(console: Console, table: Table) -> None:
    """Print a table, with a line after it."""
    window = console.width
    console.width = max(NARROWEST, window)  # narrower, columns would be left out; the terminal breaks the lines instead
    console.print(table, width=min(WIDTH, console.width))
    console.width = window
    console.print()


def by_list(terms: Terms) -> str:
    return f"Prices before tax, by the list of {now():%Y-%m-%d}: {escape(terms.offering or '')}"


def until_shown(terms: Terms, way: Solution, apart: str = "\n") -> str:
    """Where no end was asked for: when the satellite's life ends."""
    end = terms.ends.get(way.space_segment_id)
    return "" if end is None else f"{apart}until {end}"


def supply_shown(terms: Terms, way: TerminalWay) -> str:
    """How many are there; else how long one takes, and until when."""
    supply: Supply = terms.supplies[way.terminal_type_id]
    there = supply.expected(now())
    if supply.free or there is None:
        return f"{supply.free} in stock" if supply.free else "nobody sells it"
    return f"{supply.lead_time_days} days, {there:%Y-%m-%d}"


def price_shown(offer: PricedOffer | None) -> Cells:
    return ("no price",) if offer is None else (f"{offer.one_time.value:,.2f}", f"{offer.per_month.value:,.2f}")
