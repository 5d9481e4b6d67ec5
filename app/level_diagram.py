"""The level diagram of a link budget: how strong the carrier is at each place from one amplifier to the other.

Drawn by matplotlib, which comes with the extra `maps`; no screen is needed.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from satcom.core.errors import Refused
from satcom.resource.physics.link_budget import BOLTZMANN_DBW_PER_K_HZ
from satcom.resource.physics.link_design import DirectionDesign

PLACES = (
    "Station's\namplifier",
    "Station\nEIRP",
    "At the\nsatellite",
    "Satellite\nEIRP",
    "At the\nstation",
    "Behind its\nantenna",
)
BETWEEN = ("antenna, feed", "free space, air", "satellite", "free space, air", "antenna")
MAJOR_DB, ENDS_DB, MINOR_DB = 50, 25, 10
ROOM_DB = 48  # above the highest and below the lowest level, for what is written there
STEEP_DB = 100
STYLES = {  # colour and line, by weather
    "clear sky": ("#1b6ca8", "-"),
    "faded up": ("#c7542b", "--"),
    "faded down": ("#3b8a3e", ":"),
}
BEHIND_TEXT = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
SMALL = 8.5
KINDS = (".png", ".svg")


def levels_dbw(design: DirectionDesign) -> dict[str, list[float]]:
    """Level in dBW at each of `PLACES`, by weather."""
    budget, gain_dbi = design.budget, float(design.link.receive.antenna.gain_dbi)
    control_db = float(budget.uplink_power_control_db)
    left_db = max(
        float(budget.uplink_faded_attenuation_db) - float(budget.uplink_clear_attenuation_db) - control_db, 0.0
    )
    rain_up_db, clear_up_db = float(budget.uplink_faded_attenuation_db), float(budget.uplink_clear_attenuation_db)
    rain_down_db, clear_down_db = (
        float(budget.downlink_faded_attenuation_db),
        float(budget.downlink_clear_attenuation_db),
    )
    told = {}
    for weather, more_db, up_db, less_db, down_db in (
        ("clear sky", 0.0, clear_up_db, 0.0, clear_down_db),
        ("faded up", control_db, max(rain_up_db, clear_up_db), left_db, clear_down_db),
        ("faded down", 0.0, clear_up_db, 0.0, max(rain_down_db, clear_down_db)),
    ):
        amplifier = float(budget.hpa_power_dbw) - control_db + more_db
        station = float(budget.uplink_eirp_dbw) + more_db
        at_satellite = station - float(budget.uplink_pointing_loss_db + budget.uplink_free_space_loss_db) - up_db
        satellite = float(budget.satellite_eirp_dbw) - less_db
        at_station = satellite - float(budget.downlink_free_space_loss_db + budget.downlink_pointing_loss_db) - down_db
        told[weather] = [amplifier, station, at_satellite, satellite, at_station, at_station + gain_dbi]
    return told


def noise_dbw(design: DirectionDesign) -> tuple[float, float]:
    """Noise in the symbol rate behind the receiving antenna, under clear sky and in rain."""
    budget, gain_dbi = design.budget, float(design.link.receive.antenna.gain_dbi)
    width_db = 10 * np.log10(float(budget.symbol_rate_baud)) + BOLTZMANN_DBW_PER_K_HZ
    return (
        float(gain_dbi - budget.figure_of_merit_clear_db_per_k + width_db),
        float(gain_dbi - budget.figure_of_merit_rain_db_per_k + width_db),
    )


def draw_levels(designs: Sequence[tuple[str, DirectionDesign]], file: Path) -> None:
    """Draw one panel for each direction. Raises `Refused` without matplotlib, and on a kind of file that is none."""
    figure = empty_figure(file, 9, 4.6 * len(designs) + 0.4)
    panels = figure.subplots(len(designs), squeeze=False)[:, 0]
    low_db, high_db = level_range_dbw([design for _, design in designs])
    for panel, (title, design) in zip(panels, designs, strict=True):
        _draw(panel, title, design)
        rule_levels(panel, low_db, high_db)
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), frameon=False)
    save(figure, file)


def empty_figure(file: Path, width_in: float, height_in: float) -> Any:
    """A Figure of matplotlib. Raises `Refused` where that is not installed, and on a kind of file that is none."""
    if file.suffix not in KINDS:
        raise Refused("--diagram", f"{file.name} is no picture", "invalid", "a name that ends in .png or .svg")
    try:
        figures = import_module("matplotlib.figure")
    except ModuleNotFoundError as missing:
        raise Refused("--diagram", "matplotlib is not installed", "missing", "pip install 'satcom[maps]'") from missing
    return figures.Figure(figsize=(width_in, height_in), layout="constrained")


def save(figure: Any, file: Path) -> None:
    """Write the picture. Raises `Refused` where that cannot be."""
    try:
        figure.savefig(file, dpi=130)
    except OSError as wrong:
        raise Refused("--diagram", str(wrong), "invalid", "a file in a folder that may be written to") from wrong


def rule_levels(panel: Any, low_db: int, high_db: int) -> None:
    """The axis of the levels, with its lines; no frame but at the left and below."""
    panel.set_ylim(low_db, high_db)
    panel.set_yticks(np.arange(-(-low_db // MAJOR_DB) * MAJOR_DB, high_db + 1, MAJOR_DB))
    panel.set_yticks(np.arange(-(-low_db // MINOR_DB) * MINOR_DB, high_db + 1, MINOR_DB), minor=True)
    panel.set_ylabel("Level (dBW)")
    panel.grid(visible=True, axis="y", which="major", alpha=0.35)
    panel.grid(visible=True, axis="y", which="minor", alpha=0.12)
    panel.tick_params(axis="x", length=0)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def level_range_dbw(designs: Sequence[DirectionDesign]) -> tuple[int, int]:
    """Lowest and highest level of the axis, the same for all panels."""
    every = [one for design in designs for weather in levels_dbw(design).values() for one in weather]
    every += [one for design in designs for one in noise_dbw(design)]
    return round_ends_dbw(every)


def round_ends_dbw(levels_dbw: Sequence[float]) -> tuple[int, int]:
    """Round numbers below and above all levels, with room for what is written there."""
    return (
        int(np.floor((min(levels_dbw) - ROOM_DB) / ENDS_DB) * ENDS_DB),
        int(np.ceil((max(levels_dbw) + ROOM_DB) / ENDS_DB) * ENDS_DB),
    )


def written(value_db: float) -> str:
    """With the minus sign of the axis."""
    return f"{value_db:.1f}".replace("-", "\N{MINUS SIGN}")


def _draw(panel: Any, title: str, design: DirectionDesign) -> None:
    """`panel` is an Axes of matplotlib, which is not installed everywhere and so has no type here."""
    told = levels_dbw(design)
    at = np.arange(len(PLACES))
    for weather, (colour, line) in STYLES.items():
        panel.plot(at, told[weather], marker="o", markersize=4, color=colour, linestyle=line, label=weather)
    for place in at:
        _write_levels(panel, told, int(place))
    _write_steps(panel, told["clear sky"])
    _write_noise(panel, told["clear sky"][-1], *noise_dbw(design))
    last = len(PLACES) - 1
    panel.set_xticks(at, PLACES)
    panel.set_xlim(-0.5, last + 0.8)
    panel.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=10)


def _write_levels(panel: Any, told: dict[str, list[float]], place: int) -> None:
    """Beside the point: one number where the weather makes no difference, else one for each weather."""
    values = {weather: written(levels[place]) for weather, levels in told.items()}
    texts = [(values["clear sky"], "#222222")] if len(set(values.values())) == 1 else [
        (values[weather], colour) for weather, (colour, _) in STYLES.items()
    ]  # fmt: skip
    clear = told["clear sky"]
    trough = 0 < place < len(PLACES) - 1 and clear[place] < clear[place - 1]
    for row, (text, colour) in enumerate(texts):
        panel.annotate(
            text,
            (place, clear[place]),
            textcoords="offset points",
            xytext=(0, -16 - 11 * row if trough else 8 + 11 * (len(texts) - 1 - row)),
            ha="center",
            fontsize=SMALL,
            color=colour,
            bbox=BEHIND_TEXT,
        )


def _write_steps(panel: Any, clear: list[float]) -> None:
    """What each stretch adds or takes under clear sky, beside its middle."""
    for place, name in enumerate(BETWEEN):
        step_db = clear[place + 1] - clear[place]
        if abs(step_db) > STEEP_DB:
            offset, side = (13 if step_db > 0 else 9, 0), "left"
        elif place == 0:
            offset, side = (6, -16), "left"
        else:
            offset, side = (-8, 14), "right"
        panel.annotate(
            f"{name}\n{'+' if step_db > 0 else ''}{written(step_db)} dB",
            (place + 0.5, (clear[place] + clear[place + 1]) / 2),
            textcoords="offset points",
            xytext=offset,
            ha=side,
            va="center",
            fontsize=7.5,
            color="#666666",
        )


def _write_noise(panel: Any, carrier_dbw: float, clear_dbw: float, rain_dbw: float) -> None:
    """The noise beside the last level, with how far the carrier stands above it."""
    last = len(PLACES) - 1
    panel.hlines([clear_dbw], last - 0.25, last + 0.25, color="#777777", linestyle="--")
    panel.annotate("", (last, clear_dbw), (last, carrier_dbw), arrowprops={"arrowstyle": "<->", "color": "#777777"})
    for text, place, offset in (
        (f"downlink\nC/N {written(carrier_dbw - clear_dbw)} dB", (last, (carrier_dbw + clear_dbw) / 2), (8, -8)),
        (f"noise {written(clear_dbw)}\nin rain {written(rain_dbw)}", (last, clear_dbw), (-26, -27)),
    ):
        panel.annotate(
            text,
            place,
            textcoords="offset points",
            xytext=offset,
            fontsize=SMALL,
            color="#555555",
            bbox=BEHIND_TEXT,
        )
