"""Neighbours of a satellite on the arc from a file of element sets, for the link budget.

Elements tell where a satellite stands, not in which bands it works. A list of carriers on the air tells who transmits
in the band of the link; without one, the names of series that are known to work in others do.
"""

from collections.abc import Sequence
from pathlib import Path

from satcom.app.element_file import age_warnings, ages_told, elements_of
from satcom.app.text_file import text_of
from satcom.core.clock import now
from satcom.core.errors import Refused
from satcom.resource.physics.adjacent_slots import (
    SAME_SLOT_DEG,
    GeoSatellite,
    Slot,
    adjacent_slots,
    geo_satellites,
)
from satcom.resource.physics.link_input import LinkInput, Neighbour
from satcom.resource.physics.satellite_bands import band_of, works_in
from satcom.resource.satellites_xml import read_satellites_xml


def with_neighbours(
    given: LinkInput, file: Path, leave_out: Sequence[str], carriers: Path | None = None
) -> tuple[LinkInput, list[str]]:
    """The same link, disturbed by the nearest slot on each side, as of the newest set of the file; and who they are.

    Only who works in the band of the downlink counts, by the list of `carriers` where one is given. What is told says
    also how old the sets are, what of the file is left out, and who stands nearer but in another band.

    Raises `Refused` for a file without sets, for neighbours that are given already, and for a name that nobody has.
    """
    if given.satellite.neighbours:
        raise Refused("--neighbours", "satellite.neighbours are given already: leave one of them out")
    sets, left_out = elements_of("--neighbours", file)
    unknown = [text for text in leave_out if not any(text.lower() in one.name.lower() for one in sets)]
    if unknown:
        raise Refused("--leave-out", f"no satellite of {file} has {unknown[0]!r} in its name")
    wanted = [one for one in sets if not any(text.lower() in one.name.lower() for text in leave_out)]
    band = band_of(given.satellite.downlink_ghz * 1e9)
    stand = geo_satellites(wanted, max(one.epoch for one in sets))
    on_the_air = None if carriers is None else _places_on_the_air(carriers, band)
    in_band = [one for one in stand if _works(one, band, on_the_air)]
    west, east = adjacent_slots(given.satellite.longitude_deg, in_band)
    told = [*left_out, ages_told(sets, now()), *age_warnings(sets, now())]
    told += [
        f"{side}: {', '.join(one.names)} at {one.longitude_deg:.2f} deg, {abs(one.separation_deg):.2f} away"
        for side, slots in (("West", west), ("East", east))
        for one in slots
    ]
    nearer = _nearer(given.satellite.longitude_deg, west, east, [one for one in stand if one not in in_band])
    if nearer:
        told.append(f"nearer, but not in {band} band: {', '.join(nearer)}")
    found = tuple(Neighbour(longitude_deg=one.longitude_deg) for one in (*west, *east))
    satellite = given.satellite.model_copy(update={"neighbours": found})
    return given.model_copy(update={"satellite": satellite}), told


def _places_on_the_air(file: Path, band: str) -> list[float]:
    """Longitudes from where a list of carriers has one in the band."""
    listed = read_satellites_xml(text_of("--carriers", file).encode(), str(file)).carriers
    return sorted({one.orbital_longitude_deg for one in listed if band_of(one.downlink_center_hz) == band})


def _works(one: GeoSatellite, band: str, on_the_air: Sequence[float] | None) -> bool:
    if works_in(one.name, band) is False:
        return False
    return on_the_air is None or any(abs(_apart_deg(place, one.longitude_deg)) < SAME_SLOT_DEG for place in on_the_air)


def _nearer(
    longitude_deg: float, west: Sequence[Slot], east: Sequence[Slot], others: Sequence[GeoSatellite]
) -> list[str]:
    """Who of the others stands between us and the nearest slots, nearest first."""
    first = min((one.separation_deg for one in west), default=-180.0)
    last = max((one.separation_deg for one in east), default=180.0)
    between = [(_apart_deg(one.longitude_deg, longitude_deg), one.name) for one in others]
    return [
        name
        for apart_deg, name in sorted(between, key=lambda one: abs(one[0]))
        if first < apart_deg < last and abs(apart_deg) >= SAME_SLOT_DEG
    ]


def _apart_deg(one_deg: float, other_deg: float) -> float:
    return (one_deg - other_deg + 180) % 360 - 180
