"""What `satcom link-budget` shows of a chain of hops: a table for each hop, each decision of bits, and the whole."""

from rich.console import Console

from satcom.app.qualify_tables import SHOWN, number_shown, print_table, table_titled
from satcom.core.values import Json
from satcom.resource.physics.hop_chain import ChainDesign, ChainedHop, ChainLine, Stretch


def show_chain(console: Console, design: ChainDesign) -> None:
    """Print the chain hop by hop."""
    for stretch in design.stretches:
        for hop in stretch.hops:
            _show_hop(console, hop)
        _show_decision(console, stretch)
    if design.closes:
        console.print(
            f"The chain carries {design.bit_rate_bps / 1e6:.2f} Mbit/s with a margin of {design.margin_db:.1f} dB,"
            f" {design.availability_percent:.4f} % of the year: outages of the hops through air add up.",
            highlight=False,
        )
        return
    weakest = min(design.stretches, key=lambda one: one.margin_db - one.carrier.required_margin_db)
    console.print(
        f"[bold red]It does not close: {weakest.hops[-1].asked.name} ends with a margin of"
        f" {weakest.margin_db:.1f} dB, {weakest.carrier.required_margin_db:g} dB are asked.[/bold red]\n"
    )


def _show_hop(console: Console, hop: ChainedHop) -> None:
    table = table_titled(f"{hop.asked.name}: {hop.asked.freq_ghz:g} GHz")
    table.add_column("", ratio=1)
    for name in ("clear sky", "rain") if hop.faded is not None else ("",):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for row in hop.lines():
        values = (row.clear_sky, row.faded) if hop.faded is not None else (row.clear_sky,)
        part_of_it = row.label.startswith("of it ")
        label = f"  {row.label}" if part_of_it else row.label
        shown = (_shown(row, value) for value in values)
        table.add_row(label, *shown, row.unit, style="dim" if part_of_it else "")
    print_table(console, table)


def _shown(row: ChainLine, value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    factor, _, digits = SHOWN.get(row.unit, (1.0, row.unit, 2))
    return number_shown(value, factor, digits)


def _show_decision(console: Console, stretch: Stretch) -> None:
    over = " and ".join(one.asked.name for one in stretch.hops)
    carrier = stretch.carrier
    console.print(
        f"{carrier.modcod} ({carrier.waveform}) over {over}: {stretch.bit_rate_bps / 1e6:.2f} Mbit/s in"
        f" {stretch.occupied_bandwidth_hz / 1e6:.2f} MHz.\n"
        f"Es/N0 {stretch.es_n0_clear_db:.1f} dB clear, {stretch.es_n0_faded_db:.1f} dB in rain,"
        f" {stretch.required_es_n0_db:.1f} dB required: margin {stretch.margin_db:.1f} dB.\n",
        highlight=False,
    )


def chain_for_a_program(design: ChainDesign) -> dict[str, Json]:
    """Every line of every hop with its source, and what each decision of bits ends with."""
    return {
        "closes": design.closes,
        "marginDb": design.margin_db,
        "bitRateBps": design.bit_rate_bps,
        "availabilityPercent": design.availability_percent,
        "stretches": [
            {
                "modcod": one.carrier.modcod,
                "waveform": one.carrier.waveform,
                "bitRateBps": one.bit_rate_bps,
                "occupiedBandwidthHz": one.occupied_bandwidth_hz,
                "requiredEsN0Db": one.required_es_n0_db,
                "requiredMarginDb": one.carrier.required_margin_db,
                "esN0ClearDb": one.es_n0_clear_db,
                "esN0FadedDb": one.es_n0_faded_db,
                "marginDb": one.margin_db,
                "closes": one.closes,
                "hops": [
                    {
                        "name": hop.asked.name,
                        "lines": [
                            {
                                "label": row.label,
                                "unit": row.unit,
                                "source": row.source,
                                "clearSky": row.clear_sky,
                                "faded": row.faded,
                            }
                            for row in hop.lines()
                        ],
                    }
                    for hop in one.hops
                ],
            }
            for one in design.stretches
        ],
    }
