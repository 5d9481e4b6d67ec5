"""The payload plan of a satellite as a picture (SVG): channels up and down, the switch matrix, and what collides.

Each band has a panel on each side, and in it a row for each beam and polarisation. Channels of one uplink beam have one
colour on both sides, so that the eye finds where a beam comes down; what collides has a red edge, and is said below.
What is drawn is what `GET payloadPlan` answers.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from satcom.app.svg import INK, PALE, box, frequency_axis, opened, rule, shortened, text
from satcom.resource.spectrum_pieces import megahertz

Body: TypeAlias = dict[str, Any]  # JSON of the API
WIDTH, MARGIN, LABELS = 1200, 56, 230  # `LABELS` is where the rows begin, right of their names
ROW, GAP, HEAD = 30, 6, 34
WRONG: Final = "#c62f2f"
COLOURS: Final = ("#2f6db3", "#e0992f", "#3f8f5b", "#8a5fb0", "#b3563f", "#3f9aa3", "#a08a2f", "#c2669a")
CELL: Final = 200  # of the matrix
LETTER: Final = 7.2  # of a name of 12 points


def drawn(plan: Body) -> str:
    """The picture as the text of an SVG file."""
    parts: list[str] = []
    y: float = 108
    colours = _colours(plan)
    for side in ("uplink", "downlink"):
        for band in _bands(plan):
            channels = [one for one in plan[side] if _band_of(plan, one) == band]
            if channels:
                panel = list(_panel(plan, side, band, channels, colours, y))
                parts += panel
                y += HEAD + len(_rows(channels)) * (ROW + GAP) + 44
    parts += _matrix(plan, colours, y)
    y += HEAD + (len({one["uplinkBeam"]["id"] for one in plan["connection"]}) + 1) * ROW + 20
    parts += _faults(plan, y)
    height = y + HEAD + 22 * max(len(plan["fault"]), 1) + 20
    head = [opened(WIDTH, height, f"{plan['satellite']['name']} payload plan"), box(0, 0, WIDTH, height, "white")]
    return "\n".join([*head, *_heading(plan), *parts, "</svg>"]) + "\n"


def _heading(plan: Body) -> Iterator[str]:
    yield text(MARGIN, 40, f"{plan['satellite']['name']}: payload plan", size=24, weight="bold")
    made_up = "; values are illustrative" if plan["illustrative"] else ""
    told = f"{len(plan['downlink'])} transponders in {len(plan['beam'])} beams; spectrum is used"
    yield text(MARGIN, 66, f"{told} {plan['uplinkReuse']:g} times up, {plan['downlinkReuse']:g} times down", fill=PALE)
    asked = f"gap to be kept {megahertz(plan['guardHz'])} MHz, least C/I of reuse {plan['leastCiDb']:g} dB{made_up}"
    yield text(MARGIN, 86, asked, fill=PALE)


def _bands(plan: Body) -> list[str]:
    return list(dict.fromkeys(one["band"] for one in plan["beam"]))


def _band_of(plan: Body, channel: Body) -> str:
    return next(str(one["band"]) for one in plan["beam"] if one["id"] == channel["beam"]["id"])


def _colours(plan: Body) -> dict[str, str]:
    """By transponder, that of its uplink beam."""
    beams = list(dict.fromkeys(one["beam"]["id"] for one in plan["uplink"]))
    return {one["transponder"]["id"]: COLOURS[beams.index(one["beam"]["id"]) % len(COLOURS)] for one in plan["uplink"]}


def _rows(channels: Sequence[Body]) -> list[tuple[str, str]]:
    """Beam and polarisation, each once."""
    return sorted({(str(one["beam"]["name"]), str(one["polarisation"])) for one in channels})


def _panel(
    plan: Body, side: str, band: str, channels: Sequence[Body], colours: dict[str, str], y: float
) -> Iterator[str]:
    low_hz, high_hz = min(one["lowEdgeHz"] for one in channels), max(one["highEdgeHz"] for one in channels)

    def place(hertz: float) -> float:
        return LABELS + float((hertz - low_hz) / (high_hz - low_hz)) * (WIDTH - MARGIN - LABELS)

    title = f"{side.capitalize()} {band}, {megahertz(low_hz)} to {megahertz(high_hz)} MHz"
    yield text(MARGIN, y + 18, title, size=15, weight="bold")
    wrong = {one["id"] for fault in plan["fault"] if fault["side"] == side for one in fault["transponder"]}
    top = y + HEAD
    for number, row in enumerate(_rows(channels)):
        middle = top + number * (ROW + GAP)
        yield text(MARGIN, middle + 20, f"{shortened(row[0], 18)} {row[1][:1].upper()}", size=13)
        yield box(LABELS, middle, WIDTH - MARGIN - LABELS, ROW, "#f5f6f8")
        for one in channels:
            if (one["beam"]["name"], one["polarisation"]) == row:
                edges = place(one["lowEdgeHz"]), place(one["highEdgeHz"])
                transponder = one["transponder"]
                yield from _channel(*edges, middle, transponder, colours, transponder["id"] in wrong)
    base = top + len(_rows(channels)) * (ROW + GAP)
    yield from frequency_axis(low_hz, high_hz, place, base)


def _channel(x: float, end: float, y: float, transponder: Body, colours: dict[str, str], wrong: bool) -> Iterator[str]:
    edge = f"stroke='{WRONG}' stroke-width='2.5'" if wrong else "stroke='white' stroke-width='1'"
    place = f"x='{x:.2f}' y='{y + 2:.1f}' width='{max(end - x, 1):.2f}' height='{ROW - 4}'"
    yield f"<rect {place} rx='3' fill='{colours[transponder['id']]}' fill-opacity='0.85' {edge}/>"
    letters = int((end - x - 6) / LETTER)
    if letters >= 2:
        name = shortened(transponder["name"], letters)
        yield text((x + end) / 2, y + 20, name, anchor="middle", size=12, fill="white")


def _matrix(plan: Body, colours: dict[str, str], y: float) -> Iterator[str]:
    """Rows are uplink beams, columns downlink beams."""
    ups = list({one["uplinkBeam"]["id"]: one["uplinkBeam"]["name"] for one in plan["connection"]}.items())
    downs = list({one["downlinkBeam"]["id"]: one["downlinkBeam"]["name"] for one in plan["connection"]}.items())
    yield text(MARGIN, y + 18, "From uplink beam (rows) to downlink beam (columns)", size=15, weight="bold")
    width = min(CELL, (WIDTH - MARGIN - LABELS) / max(len(downs), 1))
    letters = max(int(width / LETTER) - 1, 2)
    top = y + HEAD
    for column, (_, name) in enumerate(downs):
        yield text(LABELS + column * width, top + 18, shortened(name, letters), size=12, fill=PALE)
    for row, (up, name) in enumerate(ups):
        line = top + (row + 1) * ROW
        yield rule(MARGIN, WIDTH - MARGIN, line)
        yield text(MARGIN, line + 20, shortened(name, 22), size=13)
        for one in plan["connection"]:
            if one["uplinkBeam"]["id"] == up:
                x = LABELS + [down for down, _ in downs].index(one["downlinkBeam"]["id"]) * width
                told = f"{len(one['transponder'])}: {megahertz(one['bandwidthHz'])} MHz"
                yield box(x, line + 8, 10, 14, colours[one["transponder"][0]["id"]])
                yield text(x + 16, line + 20, shortened(told, letters - 2), size=12)


def _faults(plan: Body, y: float) -> Iterator[str]:
    yield text(MARGIN, y + 18, "What collides", size=15, weight="bold")
    if not plan["fault"]:
        yield text(MARGIN, y + HEAD + 12, "nothing", fill=PALE)
    for number, one in enumerate(plan["fault"]):
        line = y + HEAD + 12 + 22 * number
        yield text(MARGIN, line, one["side"], size=13, fill=WRONG, weight="bold")
        yield text(MARGIN + 90, line, f"{one['text']} ({one['code']})", size=13, fill=INK)
