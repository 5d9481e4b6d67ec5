"""What `satcom qualify` asks and shows: the ways to deliver a link, why the others cannot, and the link budget.

It asks the local network and writes nothing; prices are those of an offering that is on sale. Where an answer rests on
illustrative payload data it says so.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.loading import loaded_id
from satcom.core.values import Json
from satcom.market.catalog.product_offering import ProductOffering, list_prices, sellable
from satcom.market.pricing import ListPrice, PricedOffer
from satcom.market.solution_price import price_by_list
from satcom.resource.ground import TerminalType
from satcom.resource.resource import Band
from satcom.service.qualification import qualify
from satcom.service.solution import BudgetLine, CarrierPlan, Demand, Loser, Qualification, Solution

WIDTH = 100
ILLUSTRATIVE = (
    "Illustrative: EIRP, G/T or contours behind these numbers are made up or estimated, not the satellite operator's."
)
# How the units of the program are shown: factor, unit, digits after the point.
SHOWN = {
    "Hz": (1e-6, "MHz", 3),
    "baud": (1e-6, "MBd", 3),
    "km": (1.0, "km", 0),
    "days": (1.0, "days", 0),
    "ports": (1.0, "ports", 0),
    "licences": (1.0, "licences", 0),
    "terminal types": (1.0, "types", 0),
    "transponders": (1.0, "transponders", 0),
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
OPTIONS = {
    "/latitudeDeg": "--latitude",
    "/longitudeDeg": "--longitude",
    "/altitudeM": "--altitude",
    "/downlinkRateBps": "--down-mbps",
    "/uplinkRateBps": "--up-mbps",
    "/availabilityPercent": "--availability",
    "/country": "--country",
    "/startAt": "--start",
    "/stopAt": "--stop",
}
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Priced:
    """What the ways cost by the list of one offering, in their order; `None` where the list has no price."""

    offering: str
    offers: tuple[PricedOffer | None, ...]

    @property
    def known(self) -> int:
        """How many of the ways have a price."""
        return sum(one is not None for one in self.offers)


def qualify_at(database: Database, demand: Demand) -> Qualification:
    """The network's answer. Raises `Refused` with every fault, each under its option."""
    with database.as_worker() as session:
        _check_terminals(session, demand.terminal_types or ())
        try:
            return qualify(session, demand)
        except Refused as refused:
            raise Refused.all([_of_option(fault) for fault in refused.faults]) from refused


def prices_at(database: Database, answer: Qualification) -> Priced | None:
    """The prices of the offering on sale that has one for most of the ways; `None` when no offering has any."""
    found: list[Priced] = []
    with database.as_worker() as session:
        for offering in session.exec(select(ProductOffering).order_by(col(ProductOffering.name))):
            if _on_sale(offering):
                prices = list_prices(session, offering)
                found.append(Priced(offering.name, tuple(_offer(prices, way) for way in answer.solutions)))
    best = max(found, key=lambda one: one.known, default=None)
    return best if best is not None and best.known else None


def demand_asked(
    place: tuple[float, float],
    rates_mbps: tuple[float, float],
    availability_percent: float,
    start: datetime | None,
    stop: datetime | None,
    country: str | None = None,
    bands: Sequence[str] = (),
    terminals: Sequence[str] = (),
) -> Demand:
    """The demand as it was typed: rates down and up, days in UTC, by default from now on and without end.

    Raises `Refused` on a rate that is no number, and on a band that there is not.
    """
    wrong = [
        Fault(option, f"{rate} is no rate", "invalid", "a number of Mbit/s")
        for option, rate in zip(("--down-mbps", "--up-mbps"), rates_mbps, strict=True)
        if not math.isfinite(rate)
    ]
    known = {one.value.lower(): one.value for one in Band}
    accepted = ", ".join(known.values())
    unknown = [one for one in bands if one.lower() not in known]
    wrong += [Fault("--band", f"there is no band {one!r}", "notFound", accepted) for one in unknown]
    if wrong:
        raise Refused.all(wrong)
    return Demand(
        downlink_rate_bps=round(rates_mbps[0] * 1e6),
        uplink_rate_bps=round(rates_mbps[1] * 1e6),
        availability_percent=availability_percent,
        latitude_deg=place[0],
        longitude_deg=place[1],
        country=country.upper() if country else None,
        bands=tuple(known[one.lower()] for one in bands) or None,
        terminal_types=tuple(terminals) or None,
        start_at=start.replace(tzinfo=UTC) if start else now(),
        stop_at=stop.replace(tzinfo=UTC) if stop else None,
    )


def _check_terminals(session: Session, asked: Sequence[str]) -> None:
    """Raises `Refused` on a terminal type that nobody has by this id, name, or name it was loaded under."""
    if not asked:
        return
    types = session.exec(select(TerminalType).order_by(col(TerminalType.name))).all()
    known = {name for one in types for name in (one.id, one.name)}
    unknown = [one for one in asked if not {one, loaded_id(TerminalType.__name__, one)} & known]
    if unknown:
        accepted = "; ".join(one.name for one in types)
        raise Refused.all(
            [Fault("--terminal", f"there is no terminal {one!r}", "notFound", accepted) for one in unknown]
        )


def qualify_command(opened: Callable[[], AbstractContextManager[Database]]) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        latitude: Annotated[float, typer.Option(help="Of the site, in degrees; north is positive.")],
        longitude: Annotated[float, typer.Option(help="Of the site, in degrees; east is positive.")],
        down_mbps: Annotated[float, typer.Option(help="Rate to the site, Mbit/s.")] = 10.0,
        up_mbps: Annotated[float, typer.Option(help="Rate from the site, Mbit/s.")] = 4.0,
        availability: Annotated[float, typer.Option(help="Share of an average year, in percent.")] = 99.5,
        country: Annotated[str | None, typer.Option(help="ISO 3166 letters; left out: from the map.")] = None,
        band: Annotated[list[str] | None, typer.Option(help="C, Ku or Ka; may be given more than once.")] = None,
        terminal: Annotated[
            list[str] | None, typer.Option(help="A terminal type; may be given more than once.")
        ] = None,
        start: Annotated[
            datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Left out: now.")
        ] = None,
        stop: Annotated[
            datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Left out: without end.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    ) -> None:
        """Whether a link can be delivered at a place, how, and why not otherwise. Nothing is reserved."""
        rates = (down_mbps, up_mbps)
        demand = demand_asked(
            (latitude, longitude), rates, availability, start, stop, country, band or (), terminal or ()
        )
        with opened() as database:
            answer = qualify_at(database, demand)
            priced = prices_at(database, answer)
        if as_json:
            typer.echo(json.dumps(as_body(answer, priced)))
        else:
            show_qualification(Console(), answer, priced)

    return command


def as_body(answer: Qualification, priced: Priced | None) -> dict[str, Json]:
    """The answer for a program; `prices` are in the order of `solutions`."""
    if priced is None:
        return answer.wire()
    prices: list[Json] = [
        {"oneTime": one.one_time.wire(), "perMonth": one.per_month.wire()} if one else None for one in priced.offers
    ]
    return answer.wire() | {"priceList": priced.offering, "prices": prices}


def show_qualification(console: Console, answer: Qualification, priced: Priced | None = None) -> None:
    """Print the alternatives, the losers, and the link budget of the best way."""
    console.print(_asked(answer.demand), highlight=False)
    if answer.solutions:
        _print(console, _alternatives(answer.solutions, priced))
    elif answer.losers:
        console.print("[bold red]It cannot be delivered there.[/bold red]\n")
    else:
        console.print("[bold red]There is no satellite in this database:[/bold red] satcom load DIR brings a network.")
    if answer.losers:
        _print(console, _losers(answer.losers, others=bool(answer.solutions)))
    if answer.solutions:
        show_link_budget(console, answer.solutions[0])
    if any(one.illustrative for one in answer.solutions) or any(one.illustrative for one in answer.losers):
        console.print(f"[yellow]{ILLUSTRATIVE}[/yellow]")


def show_link_budget(console: Console, way: Solution) -> None:
    """Print the budget of both directions as engineers read it, and what it rests on."""
    gateway, terminal = way.earth_station_name, way.terminal_type_name
    _print(console, _budget(f"Link budget to the site: {gateway} to {terminal}", way.satellite_name, way.forward))
    _print(console, _budget(f"Link budget from the site: {terminal} to {gateway}", way.satellite_name, way.return_link))
    console.print(
        f"Antenna at the site: azimuth {way.azimuth_deg:.1f} deg from north, elevation {way.elevation_deg:.1f} deg."
        f" Orbital elements: {way.element_age_days:.0f} days old. Hub: {escape(way.hub_name)}."
        f" Licence: {escape(way.licence_reference)}.",
        highlight=False,
    )


def _asked(demand: Demand) -> str:
    north, east = "S" if demand.latitude_deg < 0 else "N", "W" if demand.longitude_deg < 0 else "E"
    place = f"{abs(demand.latitude_deg):.4f} {north} {abs(demand.longitude_deg):.4f} {east}"
    where = place if demand.country is None else f"{place}, {demand.country}"
    until = f"to {demand.stop_at:%Y-%m-%d}" if demand.stop_at else "without end"
    rates = f"{demand.downlink_rate_bps / 1e6:g} Mbit/s to the site, {demand.uplink_rate_bps / 1e6:g} Mbit/s from it"
    return (
        f"[bold]{rates}, {demand.availability_percent:g} %[/bold]\n{where}, from {demand.start_at:%Y-%m-%d} {until}\n"
    )


def _alternatives(ways: Sequence[Solution], priced: Priced | None) -> Table:
    """Two lines for each way, the second for the return direction and what is monthly."""
    counted = "1 way" if len(ways) == 1 else f"{len(ways)} ways"
    table = _table(f"{counted} to deliver it, least capacity first")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("satellite, band\nelevation")
    table.add_column("terminal\ngateway", min_width=14)
    table.add_column("MODCOD\nto, from site", no_wrap=True)
    for name in ("MHz\ncharged", "margin\ndB"):
        table.add_column(name, justify="right", no_wrap=True)
    if priced is not None:
        currency = next(one.one_time.unit for one in priced.offers if one)
        table.add_column(f"{currency} once\na month", justify="right", no_wrap=True)
        table.caption = f"Prices before tax, by the list of {now():%Y-%m-%d}: {priced.offering}"
    for rank, way in enumerate(ways, 1):
        prices: Cells = () if priced is None else (_price(priced.offers[rank - 1]),)
        table.add_row(
            str(rank),
            f"{escape(way.satellite_name)} {way.band}\n[dim]{way.elevation_deg:.1f} deg[/dim]",
            f"{escape(way.terminal_type_name)}\n[dim]{escape(way.earth_station_name)}[/dim]",
            f"{way.forward.modcod}\n{way.return_link.modcod}",
            f"{way.charged_bandwidth_hz / 1e6:.3f}\n[dim]{_each(way)}[/dim]",
            f"{way.forward.margin_db:.2f}\n{way.return_link.margin_db:.2f}",
            *prices,
            style="bold" if rank == 1 else "",
        )
    return table


def _each(way: Solution) -> str:
    """What each direction is charged for."""
    return "+".join(f"{one.charged_bandwidth_hz / 1e6:.2f}" for one in (way.forward, way.return_link))


def _price(offer: PricedOffer | None) -> str:
    return "no price" if offer is None else f"{offer.one_time.value:,.2f}\n{offer.per_month.value:,.2f}"


def _losers(losers: Sequence[Loser], others: bool) -> Table:
    table = _table("Why the others cannot" if others else "Why none can")
    table.add_column("satellite and what was tried", ratio=1)
    table.add_column("reason", no_wrap=True)
    for name in ("number", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    alike_losers: dict[tuple[str, str, float | None, float | None, str], list[Loser]] = {}
    for one in losers:
        alike_losers.setdefault(_why(one), []).append(one)
    for (reason, text, value, limit, unit), alike in alike_losers.items():
        subjects = [one.subject.partition(", ") for one in alike]
        tried = ", ".join(escape(first) for first, _, _ in subjects)
        how = f"{subjects[0][2]}: {text}" if len(subjects) == 1 and subjects[0][2] else text
        factor, shown_unit, digits = SHOWN.get(unit, (1.0, unit, 2))
        table.add_row(
            f"{tried}\n[dim]{escape(how)}[/dim]",
            f"[red]{reason}[/red]",
            _number(value, factor, digits),
            _number(limit, factor, digits),
            shown_unit,
        )
    return table


def _why(loser: Loser) -> tuple[str, str, float | None, float | None, str]:
    return loser.reason, loser.text, loser.value, loser.limit, loser.unit or "none"


def _budget(title: str, satellite: str, carrier: CarrierPlan) -> Table:
    polarisations = f"{carrier.uplink_polarisation} up, {carrier.downlink_polarisation} down"
    rate = f"{carrier.bit_rate_bps / 1e6:g} Mbit/s, {carrier.modcod}"
    table = _table(f"{title}\n{satellite} {carrier.transponder_name}, {polarisations}, {rate}")
    table.add_column("", ratio=1)
    for name in ("clear sky", "faded up", "faded down"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for line in carrier.budget:
        if line.label in PARTS:
            table.add_section()
        _, unit, _ = SHOWN.get(line.unit, (1.0, line.unit, 2))
        part_of_it = line.label.startswith("of it ")
        style = "bold" if line.label in RESULTS else "dim" if part_of_it else ""
        table.add_row(f"{'  ' if part_of_it else ''}{line.label}", *_values(line), unit, style=style)
    return table


def _values(line: BudgetLine) -> Cells:
    factor, _, digits = SHOWN.get(line.unit, (1.0, line.unit, 2))
    return tuple(_number(one, factor, digits) for one in (line.clear_sky, line.faded_up, line.faded_down))


def _number(value: float | None, factor: float, digits: int) -> str:
    return "" if value is None else f"{value * factor:,.{digits}f}"


def _table(title: str) -> Table:
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


def _print(console: Console, table: Table) -> None:
    console.print(table, width=min(WIDTH, console.width))
    console.print()


def _on_sale(offering: ProductOffering) -> bool:
    try:
        sellable(offering, now())
    except RuleRefused:
        return False
    return True


def _offer(prices: Sequence[ListPrice], way: Solution) -> PricedOffer | None:
    """The price of a way, `None` where the list has a gap."""
    try:
        return price_by_list(prices, way, now())
    except RuleRefused:
        return None


def _of_option(fault: Fault) -> Fault:
    return replace(fault, field=OPTIONS.get(fault.field, fault.field))
