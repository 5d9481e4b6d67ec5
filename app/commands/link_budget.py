"""`satcom link-budget`: the budget of a link from numbers in a file or on the command line. No server is asked."""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError
from rich.console import Console

from satcom.app.text_file import text_of
from satcom.core.errors import Fault, Refused
from satcom.core.values import Json

TITLES = {"forward": "Gateway to terminal", "return": "Terminal to gateway"}
UNITS = (
    ("_db_per_k", "dB/K"), ("_dbw_per_m2", "dBW/m2"), ("_dbw", "dBW"), ("_db", "dB"), ("_deg", "deg"), ("_ghz", "GHz"),
    ("_mhz", "MHz"), ("_mbps", "Mbit/s"), ("_percent", "%"), ("_m", "m"), ("_w", "W"), ("_k", "K"),
)  # fmt: skip
console = Console()


def link_budget(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="YAML: satellite, gateway, terminal, forward, return; or hops."),
    ] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="One number, such as terminal.diameter_m=1.2; may be given often."
        ),
    ] = None,
    neighbours: Annotated[
        Path | None,
        typer.Option(metavar="ELEMENTS", help="Element sets: the nearest slot in the band on each side disturbs."),
    ] = None,
    carriers: Annotated[
        Path | None,
        typer.Option(metavar="LIST", help="A satellites.xml: it tells which neighbours transmit in the band."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Part of the name of a neighbour in another band; may be given often."),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(metavar="PERCENT", help="Also what may be sold with this confidence, such as 90."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    diagram: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Draw the level diagram: a .png or .svg.")
    ] = None,
) -> None:
    """Work out a link budget in both directions, clear sky beside rain; or that of a chain of hops.

    Hops are those of regenerative payloads, of links between satellites, of a moment of a pass. Numbers come from
    FILE, from --set, or both; --set counts. All are named and explained in docs/link-budget.md.
    """
    given = _read(file) if file is not None else {}
    for one in changed or ():
        _put(given, one)
    if "hops" not in given:
        _bent_pipe(given, (neighbours, carriers, leave_out or []), confidence, as_json, diagram)
        return
    options: list[tuple[str, object]] = [("--neighbours", neighbours), ("--carriers", carriers)]
    options += [("--leave-out", leave_out), ("--confidence", confidence)]
    _chain(given, [name for name, value in options if value is not None], as_json, diagram)


def _bent_pipe(
    given: dict[str, Any],
    of_the_arc: tuple[Path | None, Path | None, list[str]],
    confidence: float | None,
    as_json: bool,
    diagram: Path | None,
) -> None:
    """The budget of both directions through one satellite."""
    # SciPy, which the statistics of rain need, would slow the start of every other command
    design = import_module("satcom.resource.physics.link_design")
    try:
        asked_for = design.LinkInput.model_validate(given)
        asked_for, told = _on_the_arc(asked_for, *of_the_arc)
        made = design.design_link(asked_for)
        directions = {"forward": made.forward, "return": made.return_link}
        asked = {name: one for name, one in directions.items() if one is not None}
        sure = _sold_with(confidence, asked_for, asked)
    except ValidationError as wrong:
        raise Refused.all(list(_faults(wrong))) from wrong
    except design.ImpossibleLink as impossible:
        raise Refused(impossible.field, impossible.why) from impossible
    if diagram is not None:
        drawing = import_module("satcom.app.level_diagram")
        drawing.draw_levels([(TITLES[name], one) for name, one in asked.items()], diagram)
    _tell(asked, sure, told, as_json)


def _chain(given: dict[str, Any], of_a_bent_pipe: list[str], as_json: bool, diagram: Path | None) -> None:
    """The budget of the hops; options of a geostationary bent pipe are refused."""
    if of_a_bent_pipe:
        faults = [Fault(option, "it is for a link through one satellite, FILE has hops") for option in of_a_bent_pipe]
        raise Refused.all(faults)
    chain, view = import_module("satcom.resource.physics.hop_chain"), import_module("satcom.app.hop_chain_view")
    try:
        made = chain.design_chain(chain.ChainInput.model_validate(given))
    except ValidationError as wrong:
        raise Refused.all(list(_faults(wrong))) from wrong
    except chain.ImpossibleLink as impossible:
        raise Refused(impossible.field, impossible.why) from impossible
    if diagram is not None:
        import_module("satcom.app.chain_level_diagram").draw_chain(made, diagram)
    if as_json:
        typer.echo(json.dumps(view.chain_for_a_program(made)))
    else:
        view.show_chain(console, made)


def _tell(asked: Mapping[str, Any], sure: Mapping[str, Any], told: list[str], as_json: bool) -> None:
    """Each direction, after what is told of the neighbours."""
    view = import_module("satcom.app.link_budget_view")
    if as_json:
        for line in told:
            typer.echo(line, err=True)
        typer.echo(json.dumps({name: view.for_a_program(one, sure.get(name)) for name, one in asked.items()}))
        return
    for line in told:
        console.print(line, highlight=False)
    for name, one in asked.items():
        view.show_direction(console, TITLES[name], one, sure.get(name))


def _sold_with(confidence: float | None, given: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What of each direction may be sold with the confidence, where one is asked."""
    if confidence is None:
        return {}
    told = import_module("satcom.resource.physics.link_confidence")
    least, most = told.LEAST_CONFIDENCE_PERCENT, told.MOST_CONFIDENCE_PERCENT
    if not least <= confidence <= most:
        bounds = f"{least:g} to {most:g} %"
        raise Refused("--confidence", f"{confidence:g} % is out of range", "outOfRange", bounds)
    return {name: told.at_confidence(given, one, confidence) for name, one in asked.items()}


def _on_the_arc(
    asked: Any, neighbours: Path | None, carriers: Path | None, leave_out: list[str]
) -> tuple[Any, list[str]]:
    """The link with the neighbours that element sets tell, and who they are."""
    if neighbours is None:
        for option, given in (("--leave-out", bool(leave_out)), ("--carriers", carriers is not None)):
            if given:
                raise Refused(option, "it chooses among the satellites of --neighbours, which is not given")
        return asked, []
    with_neighbours = import_module("satcom.app.arc_neighbours").with_neighbours
    found: tuple[Any, list[str]] = with_neighbours(asked, neighbours, leave_out, carriers)
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(text_of("FILE", file))
    except yaml.YAMLError as wrong:
        raise Refused("FILE", f"{file} cannot be read: {wrong}") from wrong
    if not isinstance(read, dict):
        raise Refused("FILE", f"{file} holds no names with values", "invalid", "satellite, gateway, terminal and so on")
    return read


def _put(given: dict[str, Any], text: str) -> None:
    """Set one value of many levels: `a.b=1`."""
    name, equals, value = text.partition("=")
    *path, last = name.split(".")
    place: Json = given
    for part in path:
        if isinstance(place, list):
            place = place[int(part)] if part.isdecimal() and int(part) < len(place) else None
        else:
            place = place.setdefault(part, {}) if isinstance(place, dict) else None
    if not equals or not path or not isinstance(place, dict):
        raise Refused("--set", f"{text!r} names no number", "invalid", "such as terminal.diameter_m=1.2")
    try:
        place[last] = yaml.safe_load(value)
    except yaml.YAMLError as wrong:
        raise Refused("--set", f"{text!r} has no value that can be read: {wrong}") from wrong


def _faults(wrong: ValidationError) -> Iterator[Fault]:
    """Each fault under the name it was given by, with its unit."""
    for one in wrong.errors():
        name = ".".join(str(part) for part in one["loc"]) or "FILE"
        value = one["input"]
        said = f", not {value!r}{_unit(name)}" if not isinstance(value, Mapping) else ""
        yield Fault(name, f"{one['msg'][0].lower()}{one['msg'][1:]}{said}")


def _unit(name: str) -> str:
    return next((f" {unit}" for ending, unit in UNITS if name.endswith(ending)), "")
