"""What pictures of the network are drawn with: boxes, texts and a frequency axis as SVG."""

from collections.abc import Callable, Iterator
from html import escape
from math import ceil, log10
from typing import Final

from satcom.resource.spectrum_pieces import megahertz

GUARD, INK, PALE, RULE = "#c9ccd1", "#1d2530", "#6b7480", "#e3e6ea"
FONT: Final = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"
TICKS: Final = 12  # of an axis, or some more


def opened(width: int, height: float, title: str) -> str:
    size = f"viewBox='0 0 {width} {height:.0f}' width='{width}' {FONT}"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size}>\n<title>{escape(title)}</title>"


def box(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    place = f"x='{x:.2f}' y='{y:.1f}' width='{max(width, 0):.2f}' height='{height:.1f}'"
    return f"<rect {place} fill='{fill}' stroke='{stroke}'/>"


def text(
    x: float, y: float, said: str, anchor: str = "start", size: int = 14, fill: str = INK, weight: str = "normal"
) -> str:
    style = f"font-size='{size}' font-weight='{weight}' fill='{fill}' text-anchor='{anchor}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(said)}</text>"


def rule(x: float, end: float, y: float) -> str:
    return f"<line x1='{x:.1f}' x2='{end:.1f}' y1='{y:.1f}' y2='{y:.1f}' stroke='{RULE}'/>"


def hatched(name: str, color: str) -> str:
    lines = f"<rect width='6' height='6' fill='white'/><path d='M0 6L6 0' stroke='{color}' stroke-width='1.8'/>"
    return f"<pattern id='{name}' width='6' height='6' patternUnits='userSpaceOnUse'>{lines}</pattern>"


def frequency_axis(low_hz: int, high_hz: int, place: Callable[[float], float], y: float) -> Iterator[str]:
    """Marks at round frequencies, in MHz."""
    step_hz = _round_step((high_hz - low_hz) / TICKS)
    for tick in range(ceil(low_hz / step_hz), high_hz // step_hz + 1):
        x = place(tick * step_hz)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{y}' y2='{y + 6}' stroke='{INK}'/>"
        yield text(x, y + 21, megahertz(tick * step_hz), anchor="middle", size=12)


def _round_step(least_hz: float) -> int:
    power = 10 ** int(log10(max(least_hz, 1)))
    return next(int(power * one) for one in (1, 2, 5, 10) if power * one >= least_hz)


def shortened(said: str, most: int) -> str:
    return said if len(said) <= most else f"{said[: most - 1]}…"
