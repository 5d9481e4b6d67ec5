"""`satcom coverage`: what the beams of satellites bring where, as a picture, as GeoJSON and as numbers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from satcom.app.coverage_files import as_geojson, as_grid
from satcom.app.coverage_query import CoverageMap, MapAsked, Quantity, coverage_of
from satcom.app.listing import screen
from satcom.app.parameter_names import offered
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.resource import Band
from satcom.service.design.reading import read_fleet

PICTURES: Final = (".png", ".svg", ".pdf")
WRITTEN: Final = {".geojson": as_geojson, ".json": as_grid}


def coverage_command(opened: Callable[[], AbstractContextManager[Database]]) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        quantity: Annotated[Quantity, typer.Option(help=f"What is mapped: {', '.join(Quantity)}.")] = Quantity.EIRP,
        satellite: Annotated[list[str] | None, typer.Option(help="Its name or id; may be repeated. Else all.")] = None,
        beam: Annotated[list[str] | None, typer.Option(help="Its name or id; may be repeated. Else all.")] = None,
        band: Annotated[
            str | None,
            typer.Option(help=f"{', '.join(Band)}; needed where beams are of several.", autocompletion=offered(Band)),
        ] = None,
        out: Annotated[
            Path | None, typer.Option(metavar="FILE", help="A picture (.png .svg .pdf), .geojson or .json.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="The grid, for a program to read.")] = False,
        geojson: Annotated[bool, typer.Option("--geojson", help="The areas of each level, for a program.")] = False,
        dish_m: Annotated[float, typer.Option(help="Dish of the terminal, m (rate, availability).")] = 1.2,
        dish_efficiency: Annotated[float, typer.Option(help="Its efficiency, 0 to 1.")] = 0.65,
        lnb_noise_figure: Annotated[float, typer.Option(help="Noise figure of its LNB, dB.")] = 0.8,
        availability: Annotated[float, typer.Option(help="For a map of the rate, percent of the year.")] = 99.5,
        modcod: Annotated[str, typer.Option(help="For a map of the availability.")] = "QPSK 1/2",
        points: Annotated[int, typer.Option(help="Of the grid, along its longer side.")] = 600,
    ) -> None:
        """Map EIRP, G/T, SFD, PFD, elevation, rate or availability of beams.

        A picture is drawn on coast lines around the coverage. Of several beams the best counts at each place.
        """
        check_kind(out)
        asked = MapAsked(
            quantity=quantity,
            satellites=tuple(satellite or ()),
            beams=tuple(beam or ()),
            band=band,
            dish_m=dish_m,
            dish_efficiency=dish_efficiency,
            lnb_noise_figure_db=lnb_noise_figure,
            availability_percent=availability,
            modcod=modcod,
            points=points,
        )
        with opened() as database, database.as_worker() as session:
            answer = coverage_of(read_fleet(session, now()), asked, now())
        tell_or_write(answer, out, as_json, geojson)

    return command


def check_kind(out: Path | None) -> None:
    """Before anything is computed. Raises `Refused` on `--out`."""
    if out is not None and out.suffix.lower() not in (*PICTURES, *WRITTEN):
        raise Refused("--out", f"{out.name} is no kind of map", "invalid", ", ".join((*PICTURES, *WRITTEN)))


def tell_or_write(answer: CoverageMap, out: Path | None, as_json: bool, geojson: bool) -> None:
    """The map as it was asked for: for a program, in a file, or in a few lines."""
    if as_json or geojson:
        typer.echo(as_geojson(answer) if geojson else as_grid(answer))
    if out is not None:
        write(answer, out)
    if not as_json and not geojson:
        _tell(screen(), answer, out)


def write(answer: CoverageMap, out: Path) -> None:
    """Write the file of its kind. Raises `Refused` on `--out` where that cannot be."""
    try:
        if out.suffix.lower() in WRITTEN:
            out.write_text(WRITTEN[out.suffix.lower()](answer), encoding="utf-8")
        else:
            import_module("satcom.app.coverage_picture").draw(answer, out, now())
    except ImportError as missing:
        why = f"a picture needs {missing.name}, which is not installed"
        raise Refused("--out", why, "missing", "satcom[maps], or .geojson and .json") from missing
    except OSError as error:
        raise Refused("--out", f"{out} cannot be written: {error.strerror}", "unwritable") from error


def _tell(console: Console, answer: CoverageMap, out: Path | None) -> None:
    known = answer.values[answer.values == answer.values]  # not nan
    if not known.size:
        console.print(f"{answer.title}: nowhere")
        return
    grid = answer.grid
    console.print(
        f"{answer.title} of {answer.who}: {known.min():.6g} to {known.max():.6g} {answer.unit}", soft_wrap=True
    )
    if answer.beams:
        console.print(f"beams: {', '.join(answer.beams)}", soft_wrap=True)
    if answer.conditions:
        console.print(answer.conditions, soft_wrap=True)
    area = f"{grid.latitude_deg[0]:.1f} to {grid.latitude_deg[-1]:.1f}, {grid.longitude_deg[0]:.1f} to"
    console.print(f"latitude and longitude: {area} {grid.longitude_deg[-1]:.1f} deg", soft_wrap=True)
    if answer.illustrative:
        console.print("[dim]Illustrative values: see the notes of beams and transponders.[/dim]")
    console.print(f"written to {out}" if out is not None else "[dim]--out map.png draws it[/dim]", soft_wrap=True)
