"""Planned manoeuvres of satellites of the inventory: of which one a plan speaks, and how a burn is told.

A plan names its satellite by a name and by an international (COSPAR) or a catalogue number. The inventory keeps names
and catalogue numbers; international ones stand in the two-line elements that are kept.
"""

import re
from collections.abc import Iterable

from sqlmodel import Session, col, func, or_, select

from satcom.core.errors import Refused
from satcom.core.values import Json, instant_text
from satcom.resource.event_calendar import CalendarEntry
from satcom.resource.physics.manoeuvre import InTheOrbit, Manoeuvre, in_the_orbit
from satcom.resource.satellite import ElementSet, Satellite

_COSPAR = re.compile(r"(?:19|20)(\d\d)-?(\d{3})([A-Z]{1,3})")
_NUMBER = re.compile(r"0*(\d{1,9})")
Told = tuple[str, str]  # name and id of an object, as a plan has them


def satellites_told(session: Session, told: Iterable[Told], field: str) -> dict[Told, Satellite]:
    """Of each object the satellite, by its name or its number. Case does not count.

    Raises `Refused` on `field` where none is meant, or where name and number are those of several.
    """
    return {one: _satellite_told(session, *one, field) for one in dict.fromkeys(told)}


def _satellite_told(session: Session, name: str, object_id: str, field: str) -> Satellite:
    wanted = [func.lower(col(Satellite.name)) == name.lower()]
    number, cospar = _NUMBER.fullmatch(object_id), _COSPAR.fullmatch(object_id.upper())
    if number:
        wanted.append(col(Satellite.norad_id) == int(number[1]))
    if cospar:
        in_two_lines = func.rtrim(func.substr(col(ElementSet.line1), 10, 8)) == "".join(cospar.groups())
        wanted.append(col(Satellite.id).in_(select(ElementSet.satellite_id).where(in_two_lines)))
    meant = session.exec(select(Satellite).where(or_(*wanted)).order_by(col(Satellite.name))).all()
    if len(meant) != 1:
        names = ", ".join(one.name for one in meant)
        why = f"OBJECT_NAME {name[:80]!r} and OBJECT_ID {object_id[:80]!r} are of "
        why += f"several satellites: {names}" if meant else "no satellite of the inventory"
        raise Refused(field, why, "severalCalledSo" if meant else "notFound", "--satellite NAME, if they are of one")
    return meant[0]


def manoeuvre_body(one: Manoeuvre, satellite: Satellite) -> dict[str, Json]:
    """What nothing tells is not said: the parts in another frame than the orbit's, the drift of one that moves."""
    found: dict[str, Json] = {
        "start": instant_text(one.ignition),
        "end": instant_text(one.end),
        "durationS": round(one.duration_s, 3),
        "deltaVMPerS": round(one.size_m_per_s, 6),
        "frame": one.frame,
        "componentsMPerS": [round(each, 6) for each in one.delta_v_m_per_s],
    }
    parts = in_the_orbit(one)
    if parts is not None:
        found["alongTrackMPerS"] = round(parts.along_track_m_per_s, 6)
        found["inPlaneMPerS"] = round(parts.in_plane_m_per_s, 6)
        found["outOfPlaneMPerS"] = round(parts.out_of_plane_m_per_s, 6)
        if satellite.orbital_longitude_deg is not None:
            found["driftChangeDegPerDay"] = round(parts.geostationary_drift_change_deg_per_day, 6)
    if one.mass_change_kg is not None:
        found["massChangeKg"] = one.mass_change_kg
    return found | ({"comment": one.comment} if one.comment else {})


def manoeuvre_entry(one: Manoeuvre, satellite: Satellite, concerned: str) -> CalendarEntry:
    """`concerned` says whom it concerns."""
    parts = in_the_orbit(one)
    told = [f"{one.size_m_per_s:.3f} m/s in {one.duration_s:.0f} s{_parts(parts) if parts else ''}"]
    if parts and satellite.orbital_longitude_deg is not None:
        told.append(f"the drift changes by {parts.geostationary_drift_change_deg_per_day:+.4f} deg a day")
    told += [each for each in (concerned, one.comment) if each]
    return CalendarEntry(
        subject=f"manoeuvre {satellite.name}",
        summary=f"Manoeuvre: {satellite.name}, {one.size_m_per_s:.3f} m/s",
        description=f"{'; '.join(told)}.",
        start=one.ignition,
        end=one.end,
        day=one.ignition,
    )


def _parts(parts: InTheOrbit) -> str:
    return f", {parts.in_plane_m_per_s:.3f} in and {parts.out_of_plane_m_per_s:+.3f} out of the plane"
