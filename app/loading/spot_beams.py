"""Spot beams by the honeycomb: one entry of `beams.yaml` with a `lattice` lays out all its beams.

They are called after the entry, numbered from the middle outwards, so that one more ring leaves those that are there as
they are. Each is a beam like any other from then on: a transponder names it, a boresight and a width are kept of it.
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any

from pydantic import Field

from satcom.app.loading.entries import Keys, within
from satcom.app.loading.files import Entry, Values, Written
from satcom.app.loading.loading import Kind, Load
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.resource.payload import Beam
from satcom.resource.physics.satellite_view import SatelliteView
from satcom.resource.physics.spot_lattice import COLOURS, CROSSING_AT_3_DB, SpotLattice, hexagonal_lattice
from satcom.resource.satellite import Satellite

LATTICE, BEAMS, TRANSPONDERS = "lattice", "beams", "transponders"
OTHER_SHAPES = ("boresight", "contours", "gxt", "gxt_directions", "grid")
MAX_RINGS = 20  # 1,261 beams


class Lattice(Keys):
    """Where the middle is, how wide each beam, and how many around it."""

    latitude_deg: Annotated[float, Field(ge=-90, le=90)]
    longitude_deg: Annotated[float, Field(ge=-180, le=180)]
    half_power_width_deg: Annotated[float, Field(gt=0, le=20)]
    rings: Annotated[int, Field(ge=0, le=MAX_RINGS)]
    colours: int = 4
    spacing_widths: Annotated[float, Field(gt=0, le=20)] = float(CROSSING_AT_3_DB)


def lay_out_lattices(load: Load, kind: Kind[Beam]) -> None:
    """Put the beams of every lattice in its place. One at fault is told, and lays out none."""
    written = load.files.entries(BEAMS)
    if not any(LATTICE in one.values for one in written):
        return
    slugs = {one.slug for one in written}
    laid_out: list[Entry] = []
    for entry in written:
        if LATTICE not in entry.values:
            laid_out.append(entry)
            continue
        with load.checking(kind, entry):
            laid_out += _beams(load, entry, slugs)
        if (kind.name, entry.slug) in load.broken:
            load.broken.update((kind.name, one) for one in _named_by_transponders(load, entry))
    load.files.lists[BEAMS] = laid_out


def _beams(load: Load, entry: Entry, taken: Collection[str]) -> list[Entry]:
    """Raises `Refused` on what is at fault."""
    other = [key for key in OTHER_SHAPES if key in entry.values]
    if other:
        raise Refused(LATTICE, f"a lattice has no {other[0]}", "impossible", "one of both")
    wanted = within(Lattice, entry.values[LATTICE], LATTICE)
    lattice = _laid_out(wanted, _orbital_longitude_deg(load, entry.values.get("satellite")))
    found = []
    for number, (latitude, longitude, colour) in enumerate(
        zip(lattice.latitude_deg, lattice.longitude_deg, lattice.colour, strict=True), start=1
    ):
        slug = f"{entry.slug}-{number}"
        if slug in taken:
            raise Refused("id", f"its beam {number} would be called {slug}, as another entry is", "duplicate")
        values = _copy_of(entry.values)
        values["name"] = f"{entry.values.get('name', entry.slug)} {number}"
        values["boresight"] = {
            "latitude_deg": round(float(latitude), 4),
            "longitude_deg": round(float(longitude), 4),
            "half_power_width_deg": wanted.half_power_width_deg,
        }
        notes = (entry.values.get("note"), f"Colour {colour + 1} of {wanted.colours}.")
        values["note"] = " ".join(str(one) for one in notes if one)
        found.append(Entry(entry.file, slug, values))
    return found


def _copy_of(values: Values) -> Values:
    """Without the lattice; it keeps the lines of the file."""
    copy: Values = Written(values.line, values.columns) if isinstance(values, Written) else {}
    if isinstance(copy, Written) and isinstance(values, Written):
        copy.lines = values.lines
    copy.update((key, value) for key, value in values.items() if key != LATTICE)
    return copy


def _laid_out(wanted: Lattice, orbital_longitude_deg: float) -> SpotLattice:
    if wanted.colours not in COLOURS:
        accepted = ", ".join(map(str, COLOURS))
        raise Refused(f"{LATTICE}.colours", f"no honeycomb has {wanted.colours} colours", "outOfRange", accepted)
    try:
        return hexagonal_lattice(
            SatelliteView(orbital_longitude_deg),
            wanted.latitude_deg,
            wanted.longitude_deg,
            wanted.half_power_width_deg,
            wanted.rings,
            wanted.colours,
            wanted.spacing_widths,
        )
    except ValueError as unseen:
        place = "a place that the satellite sees"
        raise Refused(f"{LATTICE}.longitude_deg", str(unseen), "belowHorizon", place) from unseen


def _orbital_longitude_deg(load: Load, satellite: object) -> float:
    """Where its satellite stands: as it is kept, or as its entry says while there is no operator to keep it for.

    Raises `Refused` for one that is not known or does not stand.
    """
    kept = load.present(Satellite, loaded_id(Satellite.__name__, str(satellite)))
    longitude: Any = kept.orbital_longitude_deg if kept is not None else None
    for one in load.files.entries("satellites"):
        if kept is None and one.slug == satellite:
            longitude = one.values.get("orbital_longitude_deg")
    try:
        return float(longitude)
    except (TypeError, ValueError) as unknown:
        why = f"where {str(satellite)[:80]!r} stands is not known, and a lattice is laid out as its satellite sees it"
        raise Refused("satellite", why, "notFound", "a satellite with an orbital_longitude_deg") from unknown


def _named_by_transponders(load: Load, entry: Entry) -> Iterator[str]:
    """Beams of a lattice at fault that transponders name: that these are missing is its fault, not theirs."""
    for transponder in load.files.entries(TRANSPONDERS):
        for key in ("uplink_beam", "downlink_beam"):
            name = str(transponder.values.get(key))
            if name.startswith(f"{entry.slug}-"):
                yield name
