"""Neighbours of a satellite on the arc from a file of element sets, for the link budget.

Elements tell where a satellite stands, not in which bands it works: who knows it leaves out those of other bands.
"""

from collections.abc import Sequence
from pathlib import Path

from satcom.app.element_file import ages_told, elements_of
from satcom.core.clock import now
from satcom.core.errors import Refused
from satcom.resource.physics.adjacent_slots import adjacent_slots, geo_satellites
from satcom.resource.physics.link_input import LinkInput, Neighbour


def with_neighbours(given: LinkInput, file: Path, leave_out: Sequence[str]) -> tuple[LinkInput, list[str]]:
    """The same link, disturbed by the nearest slot on each side, as of the newest set of the file; and who they are.

    What is told says also how old the sets are, and what of the file is left out.

    Raises `Refused` for a file without sets, for neighbours that are given already, and for a name that nobody has.
    """
    if given.satellite.neighbours:
        raise Refused("--neighbours", "satellite.neighbours are given already: leave one of them out")
    sets, left_out = elements_of("--neighbours", file)
    unknown = [text for text in leave_out if not any(text.lower() in one.name.lower() for one in sets)]
    if unknown:
        raise Refused("--leave-out", f"no satellite of {file} has {unknown[0]!r} in its name")
    in_band = [one for one in sets if not any(text.lower() in one.name.lower() for text in leave_out)]
    stand = geo_satellites(in_band, max(one.epoch for one in sets))
    west, east = adjacent_slots(given.satellite.longitude_deg, stand)
    told = [*left_out, ages_told(sets, now())]
    told += [
        f"{side}: {', '.join(one.names)} at {one.longitude_deg:.2f} deg, {abs(one.separation_deg):.2f} away"
        for side, slots in (("West", west), ("East", east))
        for one in slots
    ]
    found = tuple(Neighbour(longitude_deg=one.longitude_deg) for one in (*west, *east))
    satellite = given.satellite.model_copy(update={"neighbours": found})
    return given.model_copy(update={"satellite": satellite}), told
