"""A transponder's spectrum as a picture (SVG): carriers, guard bands, holds and free pieces; its power; and who is who.

A carrier stands as high as its power is dense: at the level of the whole transponder it takes as much of the power as
of the bandwidth. Carriers are numbered by frequency, and the numbers explained below, so that narrow ones can be told.
What is drawn is what `GET transponderSpectrum` answers for one transponder.
"""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, log10
from typing import Any, Final, TypeAlias

Body: TypeAlias = dict[str, Any]  # JSON of the API
WIDTH, MARGIN = 1200, 56
TOP, FULL, BASE = 118, 190, 330  # of the band: its roof, the level of even power, its floor
ASSIGNED, HELD, FREE, GUARD, INK, PALE = "#2f6db3", "#e0992f", "#e8f3e6", "#c9ccd1", "#1d2530", "#6b7480"
ROW: Final = 24
LEVELS: Final = 4  # of numbers above each other
FONT: Final = "font-family='DejaVu Sans, Helvetica, Arial, sans-serif'"


def drawn(spectrum: Body) -> str:
    """The picture as the text of an SVG file."""
    rows = max(len(spectrum["carrier"]), 1)
    height = BASE + 150 + ROW * (rows + 1) + 30
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' {FONT}>",
        f"<title>{escape(_name(spectrum))}</title>",
        f"<defs>{_hatched('guard', GUARD)}{_hatched('held', HELD)}</defs>",
        _box(0, 0, WIDTH, height, "white"),
        *_heading(spectrum),
        *_band(spectrum),
        *_axis(spectrum),
        *_power(spectrum, BASE + 78),
        *_table(spectrum, BASE + 150),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _name(spectrum: Body) -> str:
    return f"{spectrum['satellite']['name']} {spectrum['transponder']['name']}"


def _heading(one: Body) -> Iterator[str]:
    yield _text(MARGIN, 40, _name(one), size=24, weight="bold")
    until = f" until {one['stopAt'][:10]}" if "stopAt" in one else ""
    edges = f"{_mhz(one['lowEdgeHz'])} to {_mhz(one['highEdgeHz'])} MHz downlink, {one['polarisation']}"
    made_up = "; values are illustrative" if one.get("illustrative") else ""
    yield _text(MARGIN, 64, f"{edges}, from {one['startAt'][:10]}{until}{made_up}", fill=PALE)
    yield _text(
        MARGIN,
        86,
        f"free {_mhz(one['freeHz'])} of {_mhz(one['bandwidthHz'])} MHz, widest piece {_mhz(one['widestFreeHz'])} MHz,"
        f" fragmentation {one['fragmentation']:.2f}; guard band {_mhz(one['guardBandHz'])} MHz",
        fill=PALE,
    )
    x = WIDTH - MARGIN - 402
    for label, fill in (("assigned", ASSIGNED), ("held", "url(#held)"), ("free", FREE), ("guard band", "url(#guard)")):
        yield _box(x, 28, 16, 14, fill, stroke=PALE)
        yield _text(x + 22, 40, label)
        x += 104


def _x(one: Body, hertz: float) -> float:
    share = float((hertz - one["lowEdgeHz"]) / one["bandwidthHz"])
    return MARGIN + min(max(share, 0.0), 1.0) * (WIDTH - 2 * MARGIN)


def _band(one: Body) -> Iterator[str]:
    """The floor is hatched as guard band; what is free and who is there lies on it."""
    yield _box(MARGIN, TOP, WIDTH - 2 * MARGIN, BASE - TOP, "url(#guard)", stroke=PALE)
    for piece in one["free"]:
        x, end = _x(one, piece["startHz"]), _x(one, piece["stopHz"])
        yield _box(x, TOP, end - x, BASE - TOP, FREE)
        if end - x > 34:
            width = f"{(piece['stopHz'] - piece['startHz']) / 1e6:.3g}"
            yield _text((x + end) / 2, BASE - 10, width, anchor="middle", size=12, fill=PALE)
    yield _text(WIDTH - MARGIN - 4, TOP - 6, "dashed: even share of the power", anchor="end", size=11, fill=PALE)
    taken: list[tuple[float, float]] = []
    for carrier in one["carrier"]:
        x = _x(one, carrier["startHz"])
        yield _box(x, TOP, _x(one, carrier["stopHz"]) - x, BASE - TOP, "white")
    yield f"<line x1='{MARGIN}' x2='{WIDTH - MARGIN}' y1='{FULL}' y2='{FULL}' stroke='{PALE}' stroke-dasharray='5 4'/>"
    for number, carrier in enumerate(one["carrier"], start=1):
        yield _carrier(one, carrier)
        yield from _number(one, carrier, number, taken)


def _roof(carrier: Body) -> float:
    density = float(carrier["powerShareHz"] / (carrier["stopHz"] - carrier["startHz"]))
    return BASE - min(max(density, 0.08), (BASE - TOP - 4) / (BASE - FULL)) * (BASE - FULL)


def _carrier(one: Body, carrier: Body) -> str:
    x, end, y = _x(one, carrier["startHz"]), _x(one, carrier["stopHz"]), _roof(carrier)
    slope = min((end - x) * 0.08, 6)
    corners = f"{x:.2f},{BASE} {x + slope:.2f},{y:.1f} {end - slope:.2f},{y:.1f} {end:.2f},{BASE}"
    held = carrier["state"] != "assigned"
    line = f"stroke='{HELD}' stroke-dasharray='4 3'" if held else f"stroke='{INK}' stroke-width='0.7'"
    return f"<polygon points='{corners}' fill='{'url(#held)' if held else ASSIGNED}' {line}/>"


def _number(one: Body, carrier: Body, number: int, taken: list[tuple[float, float]]) -> Iterator[str]:
    """Above its carrier, as low as no other number is in the way."""
    x = (_x(one, carrier["startHz"]) + _x(one, carrier["stopHz"])) / 2
    apart, roof = 10 + 8 * len(str(number)), _roof(carrier) - 5
    heights = [roof - 14 * up for up in range(LEVELS)]
    y = next((y for y in heights if all(abs(x - at) > apart or abs(y - on) >= 13 for at, on in taken)), roof)
    taken.append((x, y))
    if y < roof:
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{y + 3:.1f}' y2='{roof + 5:.1f}' stroke='{PALE}'/>"
    yield _text(x, y, str(number), anchor="middle", size=12, weight="bold")


def _axis(one: Body) -> Iterator[str]:
    """Marks at round frequencies, about twelve of them."""
    step_hz = _round_step(one["bandwidthHz"] / 12)
    for tick in range(ceil(one["lowEdgeHz"] / step_hz), one["highEdgeHz"] // step_hz + 1):
        x = _x(one, tick * step_hz)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{BASE}' y2='{BASE + 6}' stroke='{INK}'/>"
        yield _text(x, BASE + 21, _mhz(tick * step_hz), anchor="middle", size=12)
    yield _text(WIDTH - MARGIN, BASE + 40, "MHz", anchor="end", size=12, fill=PALE)


def _round_step(least_hz: float) -> int:
    power = 10 ** int(log10(max(least_hz, 1)))
    return next(int(power * one) for one in (1, 2, 5, 10) if power * one >= least_hz)


def _power(one: Body, y: float) -> Iterator[str]:
    """Whose power it is, side by side, and what is left; the whole bar is the transponder's."""
    whole, length = one["bandwidthHz"], WIDTH - 2 * MARGIN
    yield _text(MARGIN, y - 10, "Power, as power-equivalent bandwidth", size=13, weight="bold")
    told = f"taken {_exactly(one['powerTakenHz'])}, free {_exactly(one['powerFreeHz'])} MHz"
    yield _text(WIDTH - MARGIN, y - 10, told, anchor="end", size=13)
    yield _box(MARGIN, y, length, 24, FREE, stroke=PALE)
    x: float = MARGIN
    for number, carrier in enumerate(one["carrier"], start=1):
        width = min(carrier["powerShareHz"] / whole * length, MARGIN + length - x)
        held = carrier["state"] != "assigned"
        yield _box(x, y, width, 24, "url(#held)" if held else ASSIGNED, stroke="white")
        if width > 20:
            yield _text(x + width / 2, y + 17, str(number), anchor="middle", size=12, fill=INK if held else "white")
        x += width


COLUMNS: Final = {
    "": (MARGIN, "start"),
    "who": (MARGIN + 34, "start"),
    "from MHz": (690, "end"),
    "to MHz": (800, "end"),
    "MHz": (880, "end"),
    "power MHz": (970, "end"),
    "state": (996, "start"),
}


def _table(one: Body, y: float) -> Iterator[str]:
    yield from _cells(y, tuple(COLUMNS), fill=PALE, weight="bold")
    for number, carrier in enumerate(one["carrier"], start=1):
        until = f" until {carrier['holdUntil'][:10]}" if "holdUntil" in carrier else ""
        ends = f" until {carrier['stopAt'][:10]}" if "stopAt" in carrier and not until else ""
        start_hz, stop_hz = carrier["startHz"], carrier["stopHz"]
        figures = (start_hz, stop_hz, stop_hz - start_hz, carrier["powerShareHz"])
        who = _shortened(carrier["who"] or carrier["name"], 66)
        yield f"<line x1='{MARGIN}' x2='{WIDTH - MARGIN}' y1='{y + 7}' y2='{y + 7}' stroke='#e3e6ea'/>"
        y += ROW
        yield from _cells(y, (str(number), who, *map(_exactly, figures), f"{carrier['state']}{until}{ends}"))
    if not one["carrier"]:
        yield _text(MARGIN, y + ROW, "nobody is on it", fill=PALE)


def _cells(y: float, texts: Sequence[str], fill: str = INK, weight: str = "normal") -> Iterator[str]:
    for (x, anchor), text in zip(COLUMNS.values(), texts, strict=True):
        yield _text(x, y, text, anchor=anchor, size=13, fill=fill, weight=weight)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _mhz(hertz: float) -> str:
    return f"{hertz / 1e6:.6f}".rstrip("0").rstrip(".")


def _exactly(hertz: float) -> str:
    return f"{hertz / 1e6:.3f}"


def _hatched(name: str, color: str) -> str:
    lines = f"<rect width='6' height='6' fill='white'/><path d='M0 6L6 0' stroke='{color}' stroke-width='1.8'/>"
    return f"<pattern id='{name}' width='6' height='6' patternUnits='userSpaceOnUse'>{lines}</pattern>"


def _box(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> str:
    place = f"x='{x:.2f}' y='{y:.1f}' width='{max(width, 0):.2f}' height='{height:.1f}'"
    return f"<rect {place} fill='{fill}' stroke='{stroke}'/>"


def _text(
    x: float, y: float, text: str, anchor: str = "start", size: int = 14, fill: str = INK, weight: str = "normal"
) -> str:
    style = f"font-size='{size}' font-weight='{weight}' fill='{fill}' text-anchor='{anchor}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(text)}</text>"
