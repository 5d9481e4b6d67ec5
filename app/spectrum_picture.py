"""A transponder's spectrum as a picture (SVG): carriers, guard bands, holds and free pieces; its power; and who is who.

A carrier stands as high as its power is dense: at the level of the whole transponder it takes as much of the power as
of the bandwidth. Carriers are numbered by frequency, and the numbers explained below, so that narrow ones can be told.
What is drawn is what `GET transponderSpectrum` answers for one transponder.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from satcom.app.svg import GUARD, INK, PALE, box, frequency_axis, hatched, opened, rule, shortened, text
from satcom.resource.spectrum_pieces import megahertz

Body: TypeAlias = dict[str, Any]  # JSON of the API
WIDTH, MARGIN = 1200, 56
TOP, FULL, BASE = 118, 190, 330  # of the band: its roof, the level of even power, its floor
ASSIGNED, HELD, FREE = "#2f6db3", "#e0992f", "#e8f3e6"
ROW: Final = 24
LEVELS: Final = 4  # of numbers above each other


def drawn(spectrum: Body) -> str:
    """The picture as the text of an SVG file."""
    rows = max(len(spectrum["carrier"]), 1)
    height = BASE + 150 + ROW * (rows + 1) + 30
    parts = [
        opened(WIDTH, height, _name(spectrum)),
        f"<defs>{hatched('guard', GUARD)}{hatched('held', HELD)}</defs>",
        box(0, 0, WIDTH, height, "white"),
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
    yield text(MARGIN, 40, _name(one), size=24, weight="bold")
    until = f" until {one['stopAt'][:10]}" if "stopAt" in one else ""
    edges = f"{megahertz(one['lowEdgeHz'])} to {megahertz(one['highEdgeHz'])} MHz downlink, {one['polarisation']}"
    made_up = "; values are illustrative" if one.get("illustrative") else ""
    yield text(MARGIN, 64, f"{edges}, from {one['startAt'][:10]}{until}{made_up}", fill=PALE)
    yield text(
        MARGIN,
        86,
        f"free {megahertz(one['freeHz'])} of {megahertz(one['bandwidthHz'])} MHz,"
        f" widest piece {megahertz(one['widestFreeHz'])} MHz,"
        f" fragmentation {one['fragmentation']:.2f}; guard band {megahertz(one['guardBandHz'])} MHz",
        fill=PALE,
    )
    x = WIDTH - MARGIN - 402
    for label, fill in (("assigned", ASSIGNED), ("held", "url(#held)"), ("free", FREE), ("guard band", "url(#guard)")):
        yield box(x, 28, 16, 14, fill, stroke=PALE)
        yield text(x + 22, 40, label)
        x += 104


def _x(one: Body, hertz: float) -> float:
    share = float((hertz - one["lowEdgeHz"]) / one["bandwidthHz"])
    return MARGIN + min(max(share, 0.0), 1.0) * (WIDTH - 2 * MARGIN)


def _band(one: Body) -> Iterator[str]:
    """The floor is hatched as guard band; what is free and who is there lies on it."""
    yield box(MARGIN, TOP, WIDTH - 2 * MARGIN, BASE - TOP, "url(#guard)", stroke=PALE)
    for piece in one["free"]:
        x, end = _x(one, piece["startHz"]), _x(one, piece["stopHz"])
        yield box(x, TOP, end - x, BASE - TOP, FREE)
        if end - x > 34:
            width = f"{(piece['stopHz'] - piece['startHz']) / 1e6:.3g}"
            yield text((x + end) / 2, BASE - 10, width, anchor="middle", size=12, fill=PALE)
    yield text(WIDTH - MARGIN - 4, TOP - 6, "dashed: even share of the power", anchor="end", size=11, fill=PALE)
    taken: list[tuple[float, float]] = []
    for carrier in one["carrier"]:
        x = _x(one, carrier["startHz"])
        yield box(x, TOP, _x(one, carrier["stopHz"]) - x, BASE - TOP, "white")
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
    yield text(x, y, str(number), anchor="middle", size=12, weight="bold")


def _axis(one: Body) -> Iterator[str]:
    yield from frequency_axis(one["lowEdgeHz"], one["highEdgeHz"], lambda hertz: _x(one, hertz), BASE)
    yield text(WIDTH - MARGIN, BASE + 40, "MHz", anchor="end", size=12, fill=PALE)


def _power(one: Body, y: float) -> Iterator[str]:
    """Whose power it is, side by side, and what is left; the whole bar is the transponder's."""
    whole, length = one["bandwidthHz"], WIDTH - 2 * MARGIN
    yield text(MARGIN, y - 10, "Power, as power-equivalent bandwidth", size=13, weight="bold")
    told = f"taken {_exactly(one['powerTakenHz'])}, free {_exactly(one['powerFreeHz'])} MHz"
    yield text(WIDTH - MARGIN, y - 10, told, anchor="end", size=13)
    yield box(MARGIN, y, length, 24, FREE, stroke=PALE)
    x: float = MARGIN
    for number, carrier in enumerate(one["carrier"], start=1):
        width = min(carrier["powerShareHz"] / whole * length, MARGIN + length - x)
        held = carrier["state"] != "assigned"
        yield box(x, y, width, 24, "url(#held)" if held else ASSIGNED, stroke="white")
        if width > 20:
            yield text(x + width / 2, y + 17, str(number), anchor="middle", size=12, fill=INK if held else "white")
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
        who = shortened(carrier["who"] or carrier["name"], 66)
        yield rule(MARGIN, WIDTH - MARGIN, y + 7)
        y += ROW
        yield from _cells(y, (str(number), who, *map(_exactly, figures), f"{carrier['state']}{until}{ends}"))
    if not one["carrier"]:
        yield text(MARGIN, y + ROW, "nobody is on it", fill=PALE)


def _cells(y: float, texts: Sequence[str], fill: str = INK, weight: str = "normal") -> Iterator[str]:
    for (x, anchor), said in zip(COLUMNS.values(), texts, strict=True):
        yield text(x, y, said, anchor=anchor, size=13, fill=fill, weight=weight)


def _exactly(hertz: float) -> str:
    return f"{hertz / 1e6:.3f}"
