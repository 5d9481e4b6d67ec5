"""`satcom spectrum`: what lies on a transponder, what is free, and which moves would open a wider slot."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer
from rich.text import Text

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, Body, Token, Url
from satcom.app.lazy_group import Commands, LazyGroup
from satcom.app.listing import Listing, screen
from satcom.app.spectrum_picture import drawn
from satcom.core.wrong_value import check_ranges
from satcom.resource.repack.plan import MOST_MOVES
from satcom.resource.spectrum_pieces import megahertz as mhz


class WithImport(LazyGroup):
    """The one that works on the database, beside those that ask the API."""

    lazy: ClassVar[Commands] = {
        "import": (
            "on_database:spectrum_import",
            "Enter the carriers of a public list that lie in the fleet's transponders.",
        )
    }


spectrum = typer.Typer(cls=WithImport, no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]
On = Annotated[str, typer.Option(metavar="NAME", help="'Amos-17 Ku 1V', its id, or as loaded.", show_default=False)]
OnOne = Annotated[str | None, typer.Option("--transponder", metavar="NAME", help="Only this one.", show_default=False)]
Mhz = Annotated[float, typer.Option("--mhz", metavar="N", help="How wide a slot, up to 5000 MHz.", show_default=False)]
PowerMhz = Annotated[
    float | None,
    typer.Option(metavar="N", help="Its power as PEB, MHz; else as its width.", show_default=False),
]
SPECTRUM: Final = "/satcom-api/resource/v1/transponderSpectrum"
REPACK: Final = "/satcom-api/resource/v1/repackPlan"
OPTIONS: Final = {
    "transponderId": "--transponder",
    "bandwidthHz": "--mhz",
    "powerShareHz": "--power-mhz",
    "pinned": "--pin",
    "mostMoves": "--most-moves",
}
WIDEST_MHZ: Final = 5000
BAR: Final = 72  # characters of a band on the terminal
console = screen()


@spectrum.command("list")
def list_spectrum(transponder: OnOne = None, as_json: AsJson = False, url: Url = HERE, token: Token = "") -> None:
    """Every transponder: what is taken and free of it, the widest free piece, fragmentation."""
    with Api(url, token) as api, as_typed(OPTIONS):
        found: list[Body] = api.get(SPECTRUM, **_named(transponder))
    if as_json:
        typer.echo(json.dumps(found))
        return
    columns = ("MHz", "free", "widest", "scattered", "power free", "carriers")
    listing = Listing("transponder", *columns, whole={"transponder"}, right=columns)
    for one in found:
        widths = (mhz(one[name]) for name in ("bandwidthHz", "freeHz", "widestFreeHz"))
        listing.add(
            _name(one), *widths, f"{one['fragmentation']:.2f}", mhz(one["powerFreeHz"]), str(one["carrierCount"])
        )
    listing.print_on(console, "there is no transponder")


@spectrum.command()
def free(
    width: Mhz,
    power_mhz: PowerMhz = None,
    transponder: OnOne = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Where a slot with its guard bands and its power is free, from now on."""
    wanted = _wanted(width, power_mhz)
    with Api(url, token) as api, as_typed(OPTIONS):
        found: list[Body] = api.get(SPECTRUM, **_named(transponder), **wanted)
    if as_json:
        typer.echo(json.dumps(found))
        return
    columns = ("from MHz", "to MHz", "power free")
    listing = Listing("transponder", *columns, whole={"transponder"}, right=columns)
    for one in found:
        for slot in one["slot"]:
            listing.add(_name(one), mhz(slot["startHz"]), mhz(slot["stopHz"]), mhz(one["powerFreeHz"]))
    listing.print_on(console, f"{width:g} MHz are free nowhere; satcom spectrum repack tells whom to move")


@spectrum.command()
def show(
    transponder: On,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it, as SVG.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """Who lies where on a transponder, guard bands, holds, power, and what is free."""
    with Api(url, token) as api, as_typed(OPTIONS):
        (one,) = api.get(SPECTRUM, transponderId=transponder)
    if out is not None:
        out.write_text(drawn(one), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(one))
        return
    console.print(
        f"{_name(one)}, {one['polarisation']}, {mhz(one['lowEdgeHz'])} to {mhz(one['highEdgeHz'])} MHz;"
        f" guard band {mhz(one['guardBandHz'])} MHz",
        soft_wrap=True,
    )
    console.print(_bar(one), soft_wrap=True)
    console.print(
        f"free {mhz(one['freeHz'])} MHz, the widest piece {mhz(one['widestFreeHz'])}, fragmentation"
        f" {one['fragmentation']:.2f}; power free {mhz(one['powerFreeHz'])} of {mhz(one['bandwidthHz'])} MHz",
        soft_wrap=True,
    )
    _lying(one).print_on(console)
    if out is not None:
        console.print(f"drawn in {out}", soft_wrap=True)


@spectrum.command()
def repack(
    transponder: On,
    width: Mhz,
    power_mhz: PowerMhz = None,
    pin: Annotated[
        list[str] | None, typer.Option(metavar="CARRIER", help="One that is to stay; more than once.")
    ] = None,
    most_moves: Annotated[int, typer.Option(metavar="N", min=1, max=MOST_MOVES, help="Look no further.")] = MOST_MOVES,
    as_json: AsJson = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """The fewest moves that open a slot, each to a free place before the old one is left. It moves nobody."""
    asked = {"transponderId": transponder, "mostMoves": str(most_moves), **_wanted(width, power_mhz)}
    with Api(url, token) as api, as_typed(OPTIONS):
        plan: Body = api.get(REPACK, **asked, **({"pinned": pin} if pin else {}))
    if as_json:
        typer.echo(json.dumps(plan))
        return
    slot = f"{mhz(plan['slot']['startHz'])} to {mhz(plan['slot']['stopHz'])} MHz"
    if not plan["move"]:
        console.print(f"nobody has to move: {slot} is free", soft_wrap=True)
        return
    columns = ("from MHz", "to MHz", "MHz")
    listing = Listing("step", "who", "carrier", *columns, whole={"who", "carrier"}, right=columns)
    for one in plan["move"]:
        places = (mhz(one["fromHz"]), mhz(one["toHz"]), mhz(one["bandwidthHz"]))
        listing.add(str(one["step"]), one["who"], one["carrier"]["name"], *places)
    listing.print_on(console)
    console.print(
        f"{len(plan['move'])} moves of {mhz(plan['movedHz'])} MHz open {slot}; {_certain(plan)}",
        soft_wrap=True,
    )


def _certain(plan: Body) -> str:
    """How near a plan is to the shortest."""
    if not plan["isShortest"]:
        more = len(plan["move"]) - plan["atLeastMoves"]
        return f"at most {more} more than the shortest, which the search was too long to tell"
    if not plan["isLeast"]:
        return "no plan has fewer; whether one of as many moves less, the search was too long to tell"
    return "no plan has fewer, or moves less"


def _named(transponder: str | None) -> dict[str, str]:
    return {"transponderId": transponder} if transponder is not None else {}


def _wanted(width: float, power_mhz: float | None) -> dict[str, str]:
    """In the words of the API. Raises `Refused` with every number that is none, in the unit it was typed in."""
    typed = [("--mhz", width, 0.000001), ("--power-mhz", power_mhz, 0)]
    check_ranges([(option, value, least, WIDEST_MHZ) for option, value, least in typed if value is not None])
    asked = {"bandwidthHz": str(round(width * 1e6))}
    return asked | ({"powerShareHz": str(round(power_mhz * 1e6))} if power_mhz is not None else {})


def _name(one: Body) -> str:
    return f"{one['satellite']['name']} {one['transponder']['name']}"


def _bar(one: Body) -> Text:
    """The band in one line: `#` assigned, `+` held, `.` free, `-` free but for a guard band."""
    low_hz, width_hz = int(one["lowEdgeHz"]), int(one["bandwidthHz"])

    def at(hertz: int) -> int:
        return min(max(round((hertz - low_hz) / width_hz * BAR), 0), BAR)

    line = ["-"] * BAR
    pieces = [(piece, ".") for piece in one["free"]]
    pieces += [(carrier, "#" if carrier["state"] == "assigned" else "+") for carrier in one["carrier"]]
    for piece, mark in pieces:
        begin = min(at(piece["startHz"]), BAR - 1)
        line[begin : max(at(piece["stopHz"]), begin + 1)] = mark * max(at(piece["stopHz"]) - begin, 1)
    return Text("[" + "".join(line) + "]")


def _lying(one: Body) -> Listing:
    """Carriers and free pieces by frequency."""
    columns = ("from MHz", "to MHz", "MHz", "power")
    listing = Listing(*columns, "who", "state", right=columns)
    rows = [(piece["startHz"], piece["stopHz"], "", "", "free") for piece in one["free"]]
    for carrier in one["carrier"]:
        until = f" until {carrier['holdUntil'][:10]}" if "holdUntil" in carrier else ""
        state = f"{carrier['state']}{until}"
        who = carrier["who"] or carrier["name"]
        rows.append((carrier["startHz"], carrier["stopHz"], mhz(carrier["powerShareHz"]), who, state))
    for start_hz, stop_hz, power, who, state in sorted(rows):
        style = "dim" if state == "free" else ""
        listing.add(mhz(start_hz), mhz(stop_hz), mhz(stop_hz - start_hz), power, who, state, style=style)
    return listing
