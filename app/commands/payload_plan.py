"""`satcom satellite plan`: channels, switch matrix and collisions of a payload, as tables and as a picture."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from satcom.app.as_typed import as_typed
from satcom.app.commands.api import HERE, Api, Body, Token, Url
from satcom.app.listing import Listing, screen
from satcom.app.payload_picture import drawn
from satcom.core.errors import Refused
from satcom.core.wrong_value import check_ranges
from satcom.resource.spectrum_pieces import megahertz

PLAN: Final = "/satcom-api/resource/v1/payloadPlan"
console = screen()


def plan(
    name: Annotated[str, typer.Argument(metavar="SATELLITE", help="Its name or its id.")],
    guard_mhz: Annotated[
        float, typer.Option(metavar="N", help="Gap that channels of a beam are to keep, up to 5000 MHz.")
    ] = 0.0,
    least_ci_db: Annotated[
        float, typer.Option(metavar="DB", help="C/I that reuse in another beam is to leave, up to 60 dB.")
    ] = 15.0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it, as SVG.", show_default=False)] = None,
    check: Annotated[bool, typer.Option("--check", help="End with 1 when channels collide.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    url: Url = HERE,
    token: Token = "",
) -> None:
    """The payload plan: channels up and down, how beams are connected, and which channels collide."""
    check_ranges([("--guard-mhz", guard_mhz, 0, 5000), ("--least-ci-db", least_ci_db, 0, 60)])
    asked = {"satelliteId": name, "guardHz": str(round(guard_mhz * 1e6)), "leastCiDb": f"{least_ci_db:g}"}
    options = {"satelliteId": "SATELLITE", "guardHz": "--guard-mhz", "leastCiDb": "--least-ci-db"}
    with Api(url, token) as api, as_typed(options):
        found: Body = api.get(PLAN, **asked)
    if out is not None:
        _write(out, drawn(found))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _show(found, out)
    if check and found["fault"]:
        raise typer.Exit(1)


def _write(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as wrong:
        raise Refused("--out", f"{path} cannot be written: {wrong.strerror}", "unwritable") from wrong


def _show(found: Body, out: Path | None) -> None:
    if not found["downlink"]:
        console.print(f"{found['satellite']['name']} has no transponder", soft_wrap=True)
        return
    _channels(found).print_on(console)
    console.print(
        f"spectrum is used {found['uplinkReuse']:g} times up, {found['downlinkReuse']:g} times down", soft_wrap=True
    )
    _matrix(found).print_on(console)
    for one in found["fault"]:
        console.print(Text(f"{one['side']}: {one['text']} ({one['code']})", "red"), soft_wrap=True)
    if not found["fault"]:
        console.print("no channels collide")
    if out is not None:
        console.print(f"drawn in {out}", soft_wrap=True)


def _channels(found: Body) -> Listing:
    """A transponder a row, by downlink frequency."""
    listing = Listing("transponder", "up MHz", "up beam", "down MHz", "down beam", whole={"transponder"})
    up = {one["transponder"]["id"]: one for one in found["uplink"]}
    for one in found["downlink"]:
        sides = [side for channel in (up[one["transponder"]["id"]], one) for side in (_edges(channel), _beam(channel))]
        listing.add(one["transponder"]["name"], *sides)
    return listing


def _edges(channel: Body) -> str:
    return f"{megahertz(channel['lowEdgeHz'])}-{megahertz(channel['highEdgeHz'])}"


def _beam(channel: Body) -> str:
    return f"{channel['beam']['name']} {channel['polarisation'][:1].upper()}"


def _matrix(found: Body) -> Listing:
    listing = Listing("from beam", "to beam", "MHz", "transponders", whole={"from beam", "to beam"}, right={"MHz"})
    for one in found["connection"]:
        names = ", ".join(transponder["name"] for transponder in one["transponder"])
        listing.add(one["uplinkBeam"]["name"], one["downlinkBeam"]["name"], megahertz(one["bandwidthHz"]), names)
    return listing
