"""The level diagram of a chain of hops: what each sends and what arrives, the noise there, where bits are decided.

What arrives is told as an isotropic antenna gathers it, for of a receiver only its G/T is known; so is the noise, with
the interference: the distance of both is the hop's C/(N+I). Each hop is faded by itself, while the others are clear.
"""

from pathlib import Path
from typing import Any, NamedTuple

from satcom.app.level_diagram import (
    BEHIND_TEXT,
    SMALL,
    STYLES,
    empty_figure,
    round_ends_dbw,
    rule_levels,
    save,
    written,
)
from satcom.resource.physics.hop import HopBudget
from satcom.resource.physics.hop_chain import ChainDesign, ChainedHop, Stretch

CLEAR, RAIN = STYLES["clear sky"], STYLES["faded up"]
DECISION, NOISE, STEP = "#3b8a3e", "#777777", "#666666"
NAME_LENGTH = 18  # of a hop's name in a line below the axis
HOP_IN, LEAST_IN, ENDS_IN, HEIGHT_IN = 2.5, 7.5, 1.5, 6.0


class Levels(NamedTuple):
    """A hop in one weather, dBW: its EIRP; carrier, and noise in the symbol rate, at an isotropic antenna."""

    sent_dbw: float
    arrives_dbw: float
    noise_dbw: float


def hop_levels(hop: ChainedHop, symbol_rate_baud: float) -> tuple[Levels, Levels | None]:
    """Under clear sky, and in the rain of its availability where it goes through air."""

    def of(budget: HopBudget) -> Levels:
        arrives_dbw = float(budget.isotropic_level_dbw)
        return Levels(float(budget.eirp_dbw), arrives_dbw, arrives_dbw - float(budget.es_n0_db(symbol_rate_baud)))

    return of(hop.clear_sky), of(hop.faded) if hop.faded is not None else None


def draw_chain(design: ChainDesign, file: Path) -> None:
    """Draw the chain from left to right. Raises `Refused` as `level_diagram.draw_levels`."""
    number = sum(len(one.hops) for one in design.stretches)
    figure = empty_figure(file, max(HOP_IN * number + ENDS_IN, LEAST_IN), HEIGHT_IN)
    panel = figure.subplots()
    told = [
        (hop, one, *hop_levels(hop, one.carrier.symbol_rate_mbaud * 1e6))
        for one in design.stretches
        for hop in one.hops
    ]
    every = [level for _, _, *weathers in told for levels in weathers if levels is not None for level in levels]
    low_db, high_db = round_ends_dbw(every)
    rule_levels(panel, low_db, high_db)
    before_dbw = None
    for at, (hop, stretch, clear, rain) in enumerate(told):
        if before_dbw is not None:
            _draw_satellite(panel, 2 * at - 1, before_dbw, clear.sent_dbw, regenerates=hop is stretch.hops[0])
        _draw_hop(panel, 2 * at, clear, rain)
        if hop is stretch.hops[-1]:
            _write_decision(panel, 2 * at + 1, high_db, stretch)
        before_dbw = clear.arrives_dbw
    panel.set_xticks(range(2 * number), [_place(hop, end) for hop, *_ in told for end in ("EIRP", "arrives")])
    panel.set_xlim(-0.5, 2 * number - 0.4)
    panel.tick_params(axis="x", labelsize=SMALL)
    title = f"{design.bit_rate_bps / 1e6:.2f} Mbit/s over {number} hops, margin {written(design.margin_db)} dB"
    panel.set_title(
        title if design.closes else f"It does not close: {title}", loc="left", fontsize=11, fontweight="bold", pad=10
    )
    lines, names = panel.get_legend_handles_labels()
    first = dict(zip(names, lines, strict=True))  # each hop has its own
    figure.legend(first.values(), first.keys(), loc="outside lower center", ncols=len(first), frameon=False)
    save(figure, file)


def _place(hop: ChainedHop, end: str) -> str:
    """What stands below the axis: which end of the hop, and its name on lines that are not too long."""
    lines = [end, ""]
    for word in hop.asked.name.split():
        if lines[-1] and len(lines[-1]) + len(word) >= NAME_LENGTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _draw_hop(panel: Any, at: int, clear: Levels, rain: Levels | None) -> None:
    """From what is sent at `at` to what arrives beside it, in both weathers. `panel` is an Axes of matplotlib."""
    if rain is not None:
        _draw_line(panel, at, rain, RAIN, "rain on this hop")
    _draw_line(panel, at, clear, CLEAR, "clear sky")
    _write(panel, (at, clear.sent_dbw), written(clear.sent_dbw), (0, 9), "#222222", "center")
    _write(panel, (at + 0.5, (clear.sent_dbw + clear.arrives_dbw) / 2),
           f"path\n{written(clear.arrives_dbw - clear.sent_dbw)} dB", (12, 0), STEP, "left")  # fmt: skip
    weathers = [(clear, CLEAR[0])] + ([(rain, RAIN[0])] if rain is not None else [])
    panel.hlines([clear.noise_dbw], at + 0.75, at + 1.25, color=NOISE, linestyle="--",
                 label="noise and interference")  # fmt: skip
    below_dbw = min(min(one.arrives_dbw, one.noise_dbw) for one, _ in weathers)
    text = [(f"C {written(one.arrives_dbw)}, N {written(one.noise_dbw)}", colour) for one, colour in weathers]
    text += [(f"C/N {written(one.arrives_dbw - one.noise_dbw)} dB", colour) for one, colour in weathers]
    for row, (line, colour) in enumerate(text):
        _write(panel, (at + 1, below_dbw), line, (0, -14 - 12 * row), colour, "center")


def _draw_line(panel: Any, at: int, levels: Levels, style: tuple[str, str], name: str) -> None:
    colour, line = style
    both = [levels.sent_dbw, levels.arrives_dbw]
    panel.plot([at, at + 1], both, marker="o", markersize=4, color=colour, linestyle=line, label=name)


def _draw_satellite(panel: Any, at: int, arrives_dbw: float, sent_dbw: float, regenerates: bool) -> None:
    """From what arrives to what is sent on: a new carrier where bits were decided, else the old one amplified."""
    panel.plot([at, at + 1], [arrives_dbw, sent_dbw], color=NOISE, linestyle=":" if regenerates else "-", linewidth=1)
    step = "a new\ncarrier" if regenerates else f"amplified\n+{written(sent_dbw - arrives_dbw)} dB"
    _write(panel, (at + 0.75, arrives_dbw + 0.75 * (sent_dbw - arrives_dbw)), step, (-8, 0), STEP, "right")


def _write_decision(panel: Any, at: int, high_db: float, stretch: Stretch) -> None:
    """Above the place where bits are decided: with what, how well, and what is needed."""
    carrier = stretch.carrier
    in_rain = f", in rain {written(stretch.es_n0_faded_db)}" if any(one.faded for one in stretch.hops) else ""
    panel.axvline(at, color=DECISION, linewidth=0.8, linestyle="-.", alpha=0.6, label="bits are decided", zorder=0)
    text = (
        f"{carrier.modcod}, {carrier.symbol_rate_mbaud:g} MBd\n"
        f"Es/N0 {written(stretch.es_n0_clear_db)} dB{in_rain}\n"
        f"required {written(stretch.required_es_n0_db)}, margin {written(stretch.margin_db)} dB"
    )
    _write(panel, (at, high_db), text, (0, -18), DECISION, "center")


def _write(
    panel: Any, place: tuple[float, float], text: str, offset: tuple[float, float], colour: str, side: str
) -> None:
    panel.annotate(
        text,
        place,
        textcoords="offset points",
        xytext=offset,
        ha=side,
        va="center",
        fontsize=SMALL,
        color=colour,
        bbox=BEHIND_TEXT,
    )
