"""What `satcom link-budget` shows: the table engineers know, how long each MODCOD holds, and the same for programs."""

from math import isnan
from typing import Final

from rich.console import Console
from rich.table import Table

from satcom.app.qualify_tables import budget_shown, print_table, table_titled
from satcom.core.values import Json
from satcom.resource.physics.carrier_sizing import Limit
from satcom.resource.physics.link_confidence import ConfidentLink
from satcom.resource.physics.link_design import DirectionDesign
from satcom.service.design.budget_table import budget_table

LIMITS: Final = {
    Limit.OUT_OF_RANGE: "an input is out of range of the models",
    Limit.INTERFERENCE: "interference leaves no room, whatever the power",
    Limit.TRANSPONDER_POWER: "the transponder has not the power",
    Limit.STATION_POWER: "the station's amplifier is too weak",
    Limit.POWER_DENSITY: "its power density is limited",
    Limit.BANDWIDTH: "the most efficient MODCOD is wider than the transponder",
}
CODES: Final = {
    Limit.NONE: None,
    Limit.OUT_OF_RANGE: "outOfRange",
    Limit.INTERFERENCE: "interference",
    Limit.TRANSPONDER_POWER: "transponderPower",
    Limit.STATION_POWER: "stationPower",
    Limit.POWER_DENSITY: "powerDensity",
    Limit.BANDWIDTH: "bandwidth",
}


def show_direction(console: Console, title: str, design: DirectionDesign, sure: ConfidentLink | None) -> None:
    """Print one direction, and where asked what of it may be sold with a confidence."""
    asked, budget = design.asked, design.budget
    if design.limit is not Limit.NONE:
        console.print(f"[bold red]It does not close: {LIMITS[design.limit]}.[/bold red]")
    print_table(
        console,
        budget_shown(
            f"{title}: {asked.rate_mbps:g} Mbit/s, {budget.modcod} ({asked.waveform})", budget_table(budget, 0)
        ),
    )
    point = design.operating_point
    driver = "power" if budget.is_power_limited else "bandwidth"
    leased_mhz = float(budget.leased_bandwidth_hz) / 1e6
    console.print(
        f"Transponder at {float(point.input_backoff_db):.1f} dB input back-off,"
        f" {float(point.output_backoff_db):.1f} dB output. Cost is driven by {driver}: {leased_mhz:.3f} MHz.\n"
        f"{_availability(design)}",
        highlight=False,
    )
    if sure is not None:
        told = ", ".join(f"{c:.0%} {margin_db:.1f} dB" for c, margin_db in sure.margin_db_by_confidence)
        console.print(
            f"With {100 * sure.confidence:.4g} % confidence: availability {sure.availability_percent:.3f} %,"
            f" margin {sure.margin_db:.1f} dB. Margin kept with a confidence of {told}.",
            highlight=False,
        )
        if not sure.meets:
            console.print("[yellow]With that confidence the availability asked is not reached.[/yellow]")
    print_table(console, _modcods(design))
    for one in design.breaches:
        where = f" {one.where}" if one.where else ""
        console.print(
            f"[yellow]{one.source} is not kept ({one.gate}), {one.over_db:.1f} dB over:"
            f" {one.value:.1f} {one.unit}, allowed {one.limit:.1f}{where}.[/yellow]"
        )


def _availability(design: DirectionDesign) -> str:
    """Of the rate asked; what lower MODCODs bring is told as less than that where the link does not close."""
    asked, mean_mbps = design.asked, float(design.modcod_availability.mean_bps) / 1e6
    if design.limit is not Limit.NONE:
        return (
            f"It does not close: {asked.rate_mbps:g} Mbit/s are not carried for {asked.availability_percent:g} % of the"
            f" year. With ACM the same symbol rate brings {mean_mbps:.2f} Mbit/s on average, by the MODCODs below."
        )
    return (
        f"Availability with rain on both links {design.joint_availability_percent:.3f} %,"
        f" asked {asked.availability_percent:g} %. Mean rate with ACM {mean_mbps:.2f} Mbit/s."
    )


def _modcods(design: DirectionDesign) -> Table:
    """Those in use for a hundredth of a percent of the year or more."""
    table = table_titled("MODCODs over the year")
    table.add_column("", ratio=1)
    for name in ("in use %", "it or better %"):
        table.add_column(name, justify="right", no_wrap=True)
    held = design.modcod_availability
    for row, name in enumerate(design.modcods.name):
        if held.percent[row] >= 0.01:
            table.add_row(str(name), f"{held.percent[row]:.3f}", f"{held.at_least_percent[row]:.3f}")
    return table


def for_a_program(design: DirectionDesign, sure: ConfidentLink | None) -> dict[str, Json]:
    """Every line with its source, the columns of the table, the MODCODs over the year, and what is sold safely."""
    held = design.modcod_availability
    lines = [*design.budget.as_table(), *design.extra_lines()]
    return {
        "closes": design.limit is Limit.NONE,
        "limit": CODES[design.limit],
        "marginDb": float(design.budget.margin_db),
        "availabilityPercent": design.joint_availability_percent,
        "confident": None if sure is None else _confident(sure),
        "breaches": [
            {
                "code": str(one.gate),
                "value": one.value,
                "limit": one.limit,
                "unit": one.unit,
                "excessDb": one.over_db,
                "source": one.source,
                "latitudeDeg": one.latitude_deg,
                "longitudeDeg": one.longitude_deg,
                "arrivalDeg": one.arrival_deg,
            }
            for one in design.breaches
        ],
        "lines": [{"label": one.label, "value": one.value, "unit": one.unit, "source": one.source} for one in lines],
        "columns": [
            {
                "label": one.label,
                "unit": one.unit,
                "clearSky": one.clear_sky,
                "fadedUp": one.faded_up,
                "fadedDown": one.faded_down,
            }
            for one in budget_table(design.budget, 0)
        ],
        "modcods": [
            {"name": str(name), "percent": float(percent), "atLeastPercent": float(at_least)}
            for name, percent, at_least in zip(design.modcods.name, held.percent, held.at_least_percent, strict=True)
        ],
    }


def _confident(sure: ConfidentLink) -> Json:
    return {
        "confidencePercent": round(100 * sure.confidence, 9),
        "availabilityPercent": sure.availability_percent,
        "marginDb": _known(sure.margin_db),
        "meetsAvailability": sure.meets,
        "marginDbByConfidence": [
            {"confidencePercent": round(100 * c, 9), "marginDb": _known(margin_db)}
            for c, margin_db in sure.margin_db_by_confidence
        ],
    }


def _known(margin_db: float) -> float | None:
    """JSON has no nan."""
    return None if isnan(margin_db) else margin_db
