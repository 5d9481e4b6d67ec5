"""Planned events of the inventory: sun outages at a station, eclipses of a satellite, as values and as a calendar.

It asks the local network and writes nothing. A satellite stands in the middle of its box, or where its elements see it;
elements know nothing of the manoeuvres that keep it there, so their age at the end of the period is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isnan
from statistics import median
from zoneinfo import ZoneInfo

from sqlmodel import Session, select
from tzfpy import get_tz

from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.values import Json, instant_text
from satcom.core.wrong_value import out_of_range
from satcom.resource.element_age import check_ages, limit_days
from satcom.resource.ground import Antenna, EarthStation
from satcom.resource.naming import resources_called
from satcom.resource.payload import Transponder
from satcom.resource.physics.eclipse import EclipseSeason
from satcom.resource.physics.oem import EphemerisSegment, holes_s, read_oem, track_of_ephemeris
from satcom.resource.physics.orbit import element_age_days
from satcom.resource.physics.sun import Track, instant, track_of_elements, track_of_place, track_of_slot
from satcom.resource.physics.sun_outage import (
    RECEIVER_RANGES,
    THRESHOLDS_DB,
    Receiver,
    SunOutage,
    highest_elevation_deg,
    sun_outages,
)
from satcom.resource.planned_event import outage_body
from satcom.resource.satellite import Satellite, elements_at

Period = tuple[datetime, datetime]
FIRST_YEAR, LAST_YEAR = 1960, 2099
MISSING = "it is missing, as no --station is named"
OPTIONS = {  # of a receiver, and how many of its unit one of the option is
    "--diameter-m": ("diameter_m", 1.0),
    "--efficiency": ("efficiency", 1.0),
    "--freq-ghz": ("freq_hz", 1e9),
    "--noise-temperature-k": ("system_temperature_k", 1.0),
    "--sun-temperature-k": ("brightness_k", 1.0),
}
LOWEST_ELEVATION_DEG = 5.0  # of a place of which no mask is known


@dataclass(frozen=True)
class Place:
    """Where a receiving antenna stands, and what it sees."""

    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    mask_deg: float

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(get_tz(self.longitude_deg, self.latitude_deg) or "UTC")


@dataclass(frozen=True)
class Followed:
    """What tells where a satellite is, if not the middle of its box: its elements, or the text of an ephemeris."""

    by_elements: bool = False
    ephemeris: str | None = None


@dataclass(frozen=True)
class Asked:
    """One link over one year, as it was asked for. `element_age_days` is at the end of the year."""

    satellite: str
    place: Place
    receiver: Receiver
    track: Track
    element_age_days: float | None
    period: Period

    def outages(self, threshold_db: float) -> list[SunOutage]:
        """Raises `RuleRefused` on `--satellite` when the place never sees it: no Sun behind it tells of a link."""
        place = self.place
        ground = track_of_place(place.latitude_deg, place.longitude_deg, place.altitude_m / 1000)
        found = sun_outages(self.track, ground, self.receiver, threshold_db, *self.period, place.mask_deg)
        if not found:
            highest_deg = highest_elevation_deg(self.track, ground, *self.period)
            if isnan(highest_deg):
                raise RuleRefused("--satellite", f"nothing tells where {self.satellite} is then", "unknownPlace")
            if highest_deg < place.mask_deg:
                why = f"{self.satellite} is below the horizon of {place.name}: it stands {highest_deg:.1f} degrees high"
                accepted = f"a place that sees it above {place.mask_deg:g} degrees"
                raise RuleRefused("--satellite", why, "belowHorizon", accepted)
        return found


def link_asked(
    session: Session,
    satellite: str,
    station: str | None,
    antenna: str | None,
    place: tuple[float | None, float | None, float],
    typed: dict[str, float | None],
    year: int,
    path: Followed,
) -> Asked:
    """At an earth station, or at a place (latitude, longitude, altitude) with a receiver that is typed.

    Raises `Refused` with every option that is missing or makes no sense.
    """
    period = period_of(year)
    there = satellite_called(session, satellite)
    faults = wrong_values(typed)
    if station is None:
        faults += place_faults(*place) + missing_values(typed)
    if faults:
        raise Refused.all(faults)
    if station is None:
        where, receiver = place_typed(*place), with_values(None, typed)
    else:
        earth = station_called(session, station)
        receiver = with_values(receiver_at(session, earth, there, antenna), typed)
        at = (earth.latitude_deg, earth.longitude_deg, earth.altitude_m, earth.horizon_mask_deg)
        where = Place(earth.name, *at)
    track, age_days, period = track_of(session, there, period, path)
    return Asked(there.name, where, receiver, track, age_days, period)


def period_of(year: int) -> Period:
    """The year in UTC. Raises `Refused` on `--year`."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Refused("--year", f"{year} is not computed", "outOfRange", f"{FIRST_YEAR} to {LAST_YEAR}")
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def place_faults(latitude_deg: float | None, longitude_deg: float | None, altitude_m: float) -> list[Fault]:
    """What is wrong with a place that is typed, by option."""
    limits = {"--latitude": (latitude_deg, 90.0), "--longitude": (longitude_deg, 180.0)}
    faults = []
    for option, (value, most) in limits.items():
        if value is None:
            faults.append(Fault(option, MISSING, "missing"))
        elif not abs(value) <= most:
            faults.append(Fault(option, f"{value:g} deg is no place", "outOfRange", f"-{most:g} to {most:g} deg"))
    high = out_of_range("--altitude-m", altitude_m, -500, 20_000)
    return faults if high is None else [*faults, high]


def place_typed(latitude_deg: float | None, longitude_deg: float | None, altitude_m: float) -> Place:
    """A place without a station. Raises `Refused` with every fault."""
    faults = place_faults(latitude_deg, longitude_deg, altitude_m)
    if faults or latitude_deg is None or longitude_deg is None:
        raise Refused.all(faults)
    return Place(f"{latitude_deg:g}, {longitude_deg:g}", latitude_deg, longitude_deg, altitude_m, LOWEST_ELEVATION_DEG)


def satellite_called(session: Session, name: str) -> Satellite:
    """Raises `Refused` on `--satellite`, naming those there are."""
    return resources_called(session, Satellite, [name], "--satellite")[0]


def station_called(session: Session, name: str) -> EarthStation:
    """Raises `Refused` on `--station`, naming those there are."""
    return resources_called(session, EarthStation, [name], "--station")[0]


def track_of(
    session: Session, satellite: Satellite, period: Period, path: Followed
) -> tuple[Track, float | None, Period]:
    """Where the satellite will be, how old its elements are at the end, and what of the period is known.

    One that moves is where its elements see it, asked for or not. Raises `Refused` when nothing tells where it is, and
    `RuleRefused` when its elements are older at the end than the operator takes.
    """
    if path.ephemeris is not None:
        segments = segments_of(path.ephemeris)
        return track_of_ephemeris(segments), None, within(segments, period)
    if not path.by_elements and satellite.orbital_longitude_deg is not None:
        return track_of_slot(satellite.orbital_longitude_deg), None, period
    elements = elements_at(session, period[1], [satellite.id]).get(satellite.id)
    if elements is None:
        raise Refused("--by-elements", f"{satellite.name} has no elements", "notFound", "satcom elements load FILE")
    check_ages("--by-elements", [elements], period[1], limit_days(session))
    return track_of_elements(elements), element_age_days(elements, period[1]), period


def segments_of(text: str) -> tuple[EphemerisSegment, ...]:
    """Of one satellite, without a hole. Raises `Refused` on `--ephemeris` with every line that is wrong."""
    file = read_oem(text)
    faults = [f"line {one.line_number}: {one.reason}" for one in file.bad_lines[:20]]
    objects = sorted({one.object_name for one in file.segments})
    if len(objects) > 1:
        faults.append(f"it is of several satellites: {', '.join(objects)}")
    faults += [f"it says nothing from {instant(one):%Y-%m-%d %H:%M:%S} on" for one, _ in holes_s(file.segments)]
    if faults:
        raise Refused.all([Fault("--ephemeris", why, "invalid") for why in faults])
    return file.segments


def within(segments: Sequence[EphemerisSegment], period: Period) -> Period:
    """What of the period the ephemeris tells. Raises `Refused`."""
    first, last = instant(segments[0].from_s), instant(max(one.until_s for one in segments))
    known = max(first, period[0]), min(last, period[1])
    if known[0] >= known[1]:
        told = f"it runs from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        raise Refused("--ephemeris", told, "outOfRange", f"days of {period[0]:%Y}")
    return known


def receiver_at(session: Session, station: EarthStation, satellite: Satellite, antenna_id: str | None) -> Receiver:
    """The antenna that points at the satellite, in the middle of what it receives.

    Raises `Refused` when there is none, or more than one and none is named.
    """
    pointing = [one for one in station.antennas if satellite.id in one.satellite_ids]
    if antenna_id is not None:
        pointing = [one for one in station.antennas if one.id == antenna_id]
    if len(pointing) != 1:
        ids = ", ".join(one.id for one in (pointing or station.antennas)) or "none"
        why = f"{len(pointing)} antennas of {station.name} point at {satellite.name}; say which one receives"
        raise Refused("--antenna", why, "notFound", ids)
    antenna: Antenna = pointing[0]
    query = select(Transponder.downlink_center_hz).where(
        Transponder.satellite_id == satellite.id, Transponder.band == antenna.band
    )
    centres_hz = session.exec(query).all()
    if not centres_hz:
        why = f"{satellite.name} has no transponder in {antenna.band}; say the frequency"
        raise Refused("--freq-ghz", why, "missing", "1 to 30 GHz")
    return Receiver(antenna.diameter_m, antenna.efficiency, float(median(centres_hz)), antenna.noise_temperature_k)


def wrong_values(typed: Mapping[str, float | None]) -> list[Fault]:
    """What is out of range of the numbers that are typed, each in the unit of its option."""
    limits = {option: (*RECEIVER_RANGES[name], unit) for option, (name, unit) in OPTIONS.items()}
    limits["--threshold-db"] = (*THRESHOLDS_DB, 1.0)
    given = [(option, value, *limits[option]) for option, value in typed.items() if value is not None]
    faults = [out_of_range(option, value, least / unit, most / unit) for option, value, least, most, unit in given]
    return [fault for fault in faults if fault is not None]


def missing_values(typed: Mapping[str, float | None]) -> list[Fault]:
    """What a receiver lacks that is not one of a station."""
    needed = ("--diameter-m", "--freq-ghz", "--noise-temperature-k")
    return [Fault(name, MISSING, "missing") for name in needed if typed.get(name) is None]


def with_values(receiver: Receiver | None, typed: Mapping[str, float | None]) -> Receiver:
    """The receiver with what was typed, by option; nothing of it is wrong or lacks any more."""
    chosen = {option: value for option, value in typed.items() if option in OPTIONS and value is not None}
    values = {OPTIONS[option][0]: value * OPTIONS[option][1] for option, value in chosen.items()}
    return replace(receiver, **values) if receiver is not None else Receiver(**({"efficiency": 0.65} | values))


def outages_body(asked: Asked, found: Sequence[SunOutage], threshold_db: float) -> dict[str, Json]:
    zone = asked.place.zone
    return {
        "satellite": asked.satellite,
        "station": asked.place.name,
        "timeZone": str(zone),
        "elementAgeDays": asked.element_age_days,
        "thresholdDb": threshold_db,
        "outages": [outage_body(one, zone) for one in found],
    }


def season_body(one: EclipseSeason) -> dict[str, Json]:
    return {
        "first": instant_text(one.first),
        "last": instant_text(one.last),
        "eclipses": one.eclipses,
        "longestUmbraS": round(one.longest.umbra.total_seconds(), 1),
        "longestOn": instant_text(one.longest.deepest),
    }
