"""The level diagram of a link budget: how strong the carrier is at each place from one amplifier to the other.

Drawn by matplotlib, which comes with the extra `maps`; no screen is needed.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from satcom.core.errors import Refused
from satcom.resource.physics.link_budget import BOLTZMANN_DBW_PER_K_HZ
from satcom.resource.physics.link_design import DirectionDesign

PLACES = (
    "amplifier",
    "station\nEIRP",
    "at the\nsatellite",
    "satellite\nEIRP",
    "at the\nstation",
    "behind its\nantenna",
)
STYLES = {  # colour and line, by weather
    "clear sky": ("#1b6ca8", "-"),
    "faded up": ("#c7542b", "--"),
    "faded down": ("#3b8a3e", ":"),
}
BEHIND_TEXT = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
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
    if file.suffix not in KINDS:
        raise Refused("--diagram", f"{file.name} is no picture", "invalid", "a name that ends in .png or .svg")
    try:
        figures = import_module("matplotlib.figure")
    except ModuleNotFoundError as missing:
        raise Refused("--diagram", "matplotlib is not installed", "missing", "pip install 'satcom[maps]'") from missing
    figure = figures.Figure(figsize=(9, 5 * len(designs)), layout="constrained")
    panels = figure.subplots(len(designs), squeeze=False)[:, 0]
    for panel, (title, design) in zip(panels, designs, strict=True):
        _draw(panel, title, design)
    try:
        figure.savefig(file, dpi=130)
    except OSError as wrong:
        raise Refused("--diagram", str(wrong), "invalid", "a file in a folder that may be written to") from wrong


def _draw(panel: object, title: str, design: DirectionDesign) -> None:
    """`panel` is an Axes of matplotlib, which is not installed everywhere and so has no name here."""
    axes = panel
    told = levels_dbw(design)
    at = np.arange(len(PLACES))
    for weather, style in STYLES.items():
        colour, line = style
        axes.plot(at, told[weather], marker="o", markersize=4, color=colour, linestyle=line, label=weather)  # type: ignore[attr-defined]
    for place in at:
        trough = 0 < place < len(PLACES) - 1 and told["clear sky"][place] < told["clear sky"][place - 1]
        for row, (weather, (colour, _)) in enumerate(STYLES.items()):
            axes.annotate(  # type: ignore[attr-defined]
                f"{told[weather][place]:.1f}",
                (place, told["clear sky"][place]),
                textcoords="offset points",
                xytext=(0, (-14 if trough else 32) - 11 * row),
                ha="center",
                fontsize=8.5,
                color=colour,
                bbox=BEHIND_TEXT,
            )
    clear_dbw, rain_dbw = noise_dbw(design)
    last = len(PLACES) - 1
    axes.hlines([clear_dbw], last - 0.3, last + 0.3, color="#777777", linestyle="--")  # type: ignore[attr-defined]
    axes.annotate(  # type: ignore[attr-defined]
        f"noise {clear_dbw:.1f}\nin rain {rain_dbw:.1f}",
        (last, clear_dbw),
        textcoords="offset points",
        xytext=(0, -26),
        ha="center",
        fontsize=8.5,
        color="#555555",
        bbox=BEHIND_TEXT,
    )
    axes.margins(y=0.2)  # type: ignore[attr-defined]
    axes.set_xticks(at, PLACES)  # type: ignore[attr-defined]
    axes.set_xlim(-0.4, last + 0.6)  # type: ignore[attr-defined]
    axes.set_ylabel("level in dBW")  # type: ignore[attr-defined]
    axes.set_title(title, loc="left", fontsize=11)  # type: ignore[attr-defined]
    axes.grid(visible=True, alpha=0.3)  # type: ignore[attr-defined]
    axes.legend(loc="upper right", frameon=False)  # type: ignore[attr-defined]
