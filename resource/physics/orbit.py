"""Orbits: where a satellite stands, and where an antenna must point.

Positions come from published elements, two lines or a message (OMM), by SGP4; a fleet seen from many sites is one call.
Time scales and the rotation from TEME to the Earth are Skyfield's own, with its built-in tables: nothing is downloaded.
Angles are geometric: refraction is left to who needs it.

Words: CelesTrak and AIAA 2006-6753 (element sets, TEME), ITRS and WGS 84 (places on the Earth).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sgp4.api import Satrec, SatrecArray
from skyfield.framelib import itrs
from skyfield.sgp4lib import TEME

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, Accepted, checked
from satcom.resource.physics.earth_rotation import in_utc, timescale
from satcom.resource.physics.mean_elements import MeanElements, element_fault, mean_elements_of, satellite_record

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

EARTH_RADIUS_KM = 6378.137  # WGS 84, equatorial
SITES_M = Accepted(-500.0)
GEOSTATIONARY_ALTITUDE_KM = 35_786.0
EARTH_FLATTENING = 1 / 298.257223563  # WGS 84
_ECCENTRICITY_SQUARED = EARTH_FLATTENING * (2 - EARTH_FLATTENING)
_LINE_LENGTH = 69
_JULIAN_DAY_OF_2000 = 2451544.5  # 2000-01-01 00:00 UTC
# SGP4's own reader takes any text for a zero
_COLUMNS = {
    "1": re.compile(
        r"1 [ 0-9A-HJ-NP-Z][ 0-9]{3}[0-9][A-Z ] [ -~]{8} [0-9]{2}[ 0-9]{3}\.[0-9]{8}"
        r" [ +-]\.[0-9]{8}( [ +-][0-9]{5}[+-][0-9]){2} [ -~] [ 0-9]{5}"
    ),
    "2": re.compile(
        r"2 [ 0-9A-HJ-NP-Z][ 0-9]{3}[0-9]( [ 0-9]{3}\.[0-9]{4}){2} [0-9]{7}( [ 0-9]{3}\.[0-9]{4}){2}"
        r" [ 0-9]{2}\.[0-9]{8}[ 0-9]{6}"
    ),
}


@dataclass(frozen=True)
class Elements:
    """One element set as published: mean elements of SGP4, valid around `epoch` (UTC).

    They are two lines, or `mean` of an orbit mean-elements message, and then the lines are empty.
    """

    norad_id: int
    name: str
    epoch: datetime
    line1: str = ""
    line2: str = ""
    mean: MeanElements | None = None


@dataclass(frozen=True)
class BadLine:
    """A line that was left out, counted from 1, and why."""

    line_number: int
    reason: str


@dataclass(frozen=True)
class ElementFile:
    """What a file of element sets held: the good sets with the line where each begins, and the lines not used.

    `doubles` are good sets that stood in it once more.
    """

    elements: tuple[Elements, ...]
    bad_lines: tuple[BadLine, ...]
    line_numbers: tuple[int, ...] = ()
    doubles: int = 0


@dataclass(frozen=True)
class LookAngles:
    """From each site to each satellite; arrays of shape (satellites, sites).

    Azimuth runs from true North over East. A negative elevation is below the horizon.
    """

    azimuth_deg: Array
    elevation_deg: Array
    range_km: Array


@dataclass(frozen=True)
class SubSatellitePoint:
    """The place straight below each satellite, and its height above the ellipsoid; arrays of shape (satellites,)."""

    latitude_deg: Array
    longitude_deg: Array
    altitude_km: Array


def read_tle(text: str) -> ElementFile:
    """Read two- or three-line element sets; one bad set does not lose the others.

    A set without a name line is named by its catalogue number. Every data line that is not used is reported.
    """
    elements: list[Elements] = []
    line_numbers: list[int] = []
    bad_lines: list[BadLine] = []
    name = ""
    first: tuple[int, str] | None = None  # a good line 1 that waits for its line 2
    for number, line in enumerate((raw.rstrip() for raw in text.splitlines()), start=1):
        is_second = line.startswith("2 ")
        if first and line and not is_second:
            bad_lines.append(BadLine(first[0], "line 1 without a line 2"))
            first = None
        if line.startswith(("1 ", "2 ")):
            fault = _fault(line, first[1] if first else None) or (first and _absurd(first[1], line))
            if fault:
                bad_lines.append(BadLine(number, fault))
            elif first:
                elements.append(_elements(name, first[1], line))
                line_numbers.append(first[0])
            else:
                first = (number, line)
            if fault and first:
                bad_lines.append(BadLine(first[0], "line 1 without a good line 2"))
            if is_second:
                name, first = "", None
        elif line:
            name = line.removeprefix("0 ").strip()
    if first:
        bad_lines.append(BadLine(first[0], "line 1 without a line 2"))
    return ElementFile(tuple(elements), tuple(bad_lines), tuple(line_numbers))


def mean_elements(elements: Elements) -> MeanElements:
    """The mean elements, whichever way they were published."""
    return elements.mean or mean_elements_of(_satellite(elements.line1, elements.line2))


def sgp4_record(elements: Elements) -> Satrec:
    """What SGP4 propagates, whichever way the elements were published."""
    if elements.mean is None:
        return _satellite(elements.line1, elements.line2)
    return _satellite_of_message(elements.mean, elements.epoch, elements.norad_id)


def element_age_days(elements: Elements, at: datetime) -> float:
    """Days from the epoch to `at`; negative when the elements are of later. Raises `ValueError` without time zone."""
    return (in_utc(at) - elements.epoch) / timedelta(days=1)


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, altitude_m=SITES_M)
def look_angles(
    elements: Sequence[Elements], latitude_deg: Values, longitude_deg: Values, altitude_m: Values, at: datetime
) -> LookAngles:
    """Point every site at every satellite. The three site arrays broadcast to (sites,).

    A satellite that SGP4 cannot propagate, and a site with |latitude| above 90, give nan. Latitude is geodetic
    (WGS 84), longitude positive to the East. Raises `ValueError` when `at` has no time zone.
    """
    latitude, longitude, altitude = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (latitude_deg, longitude_deg, altitude_m))
    )
    return _seen_from(satellite_positions_km(elements, at), latitude, longitude, altitude)


@checked(apart=["slot_deg"], slot_deg=LONGITUDES, latitude_deg=LATITUDES, longitude_deg=LONGITUDES, altitude_m=SITES_M)
def slot_angles(slot_deg: Values, latitude_deg: Values, longitude_deg: Values, altitude_m: Values = 0.0) -> LookAngles:
    """Point every site at every geostationary slot, given by its longitude: where a satellite will stand.

    The three site arrays broadcast to (sites,); the result is of shape (slots, sites).
    """
    latitude, longitude, altitude = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (latitude_deg, longitude_deg, altitude_m))
    )
    slots = np.atleast_1d(np.asarray(slot_deg, dtype=np.float64))
    slots_km = earth_fixed_km(np.zeros_like(slots), slots, np.full_like(slots, GEOSTATIONARY_ALTITUDE_KM))
    return _seen_from(slots_km, latitude, longitude, altitude)


def _seen_from(satellites_km: Array, latitude: Array, longitude: Array, altitude_m: Array) -> LookAngles:
    sites_km = earth_fixed_km(latitude, longitude, altitude_m / 1000)
    line_of_sight_km = satellites_km[:, None, :] - sites_km[None, :, :]
    range_km: Array = np.sqrt(np.einsum("abi,abi->ab", line_of_sight_km, line_of_sight_km))
    east, north, up = np.einsum("bki,abi->kab", horizon_axes(latitude, longitude), line_of_sight_km)
    return LookAngles(
        azimuth_deg=np.degrees(np.arctan2(east, north)) % 360,
        # atan2 and not asin(up / range): asin loses digits near the zenith
        elevation_deg=np.degrees(np.arctan2(up, np.hypot(east, north))),
        range_km=range_km,
    )


def sub_satellite_point(elements: Sequence[Elements], at: datetime) -> SubSatellitePoint:
    """Where each satellite stands over the Earth; nan when SGP4 cannot propagate it."""
    return geodetic(satellite_positions_km(elements, at))


def geodetic(position_km: Array) -> SubSatellitePoint:
    """Latitude, longitude and altitude on WGS 84 of Earth-fixed positions, shape (..., 3); the results' is (...)."""
    x, y, z = np.moveaxis(position_km, -1, 0)
    distance_to_axis = np.hypot(x, y)
    latitude = np.arctan2(z, distance_to_axis * (1 - _ECCENTRICITY_SQUARED))
    for _ in range(5):  # each round gains three digits; five leave less than a micrometre
        normal_km = EARTH_RADIUS_KM / np.sqrt(1 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
        latitude = np.arctan2(z + normal_km * _ECCENTRICITY_SQUARED * np.sin(latitude), distance_to_axis)
    foot_km = EARTH_RADIUS_KM * np.sqrt(1 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    return SubSatellitePoint(
        latitude_deg=np.degrees(latitude),
        longitude_deg=np.degrees(np.arctan2(y, x)),
        altitude_km=distance_to_axis * np.cos(latitude) + z * np.sin(latitude) - foot_km,
    )


def satellite_positions_km(elements: Sequence[Elements], at: datetime) -> Array:
    """Earth-fixed (ITRS) positions, shape (satellites, 3); nan where SGP4 reports an error."""
    if not elements:
        return np.empty((0, 3))
    whole_day, day_fraction, teme_to_itrs = _instant(in_utc(at))
    errors, positions_km, _ = _fleet(tuple(elements)).sgp4(np.array([whole_day]), np.array([day_fraction]))
    positions_km[errors != 0] = np.nan
    earth_fixed: Array = positions_km[:, 0, :] @ teme_to_itrs.T
    return earth_fixed


def earth_fixed_km(latitude_deg: Values, longitude_deg: Values, altitude_km: Values) -> Array:
    """Earth-fixed position of places given on WGS 84; the arguments broadcast, the result has one more axis of 3."""
    latitude = np.radians(np.where(np.abs(latitude_deg) <= 90, latitude_deg, np.nan))
    longitude = np.radians(longitude_deg)
    normal_km = EARTH_RADIUS_KM / np.sqrt(1 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    to_axis_km = (normal_km + altitude_km) * np.cos(latitude)
    above_equator_km = (normal_km * (1 - _ECCENTRICITY_SQUARED) + altitude_km) * np.sin(latitude)
    coordinates = np.broadcast_arrays(to_axis_km * np.cos(longitude), to_axis_km * np.sin(longitude), above_equator_km)
    return np.stack(coordinates, axis=-1)


def _fault(line: str, first: str | None) -> str | None:
    if len(line) != _LINE_LENGTH:
        return f"{len(line)} characters, a line of elements has {_LINE_LENGTH}"
    expected = sum(int(sign) if sign in "0123456789" else sign == "-" for sign in line[:-1]) % 10
    if line[-1] != str(expected):
        return f"checksum {line[-1]}, the line adds up to {expected}"
    if not _COLUMNS[line[0]].fullmatch(line):
        return "the columns do not hold numbers as a line of elements does"
    if line[0] == "1":
        return None
    if first is None:
        return "line 2 without a good line 1"
    if first[2:7] != line[2:7]:
        return f"line 2 is of satellite {line[2:7]}, line 1 of {first[2:7]}"
    return None


def _absurd(line1: str, line2: str) -> str | None:
    one = _elements("", line1, line2)
    fault = element_fault(mean_elements(one), one.epoch)
    return fault[1] if fault else None


def _elements(name: str, line1: str, line2: str) -> Elements:
    satellite = _satellite(line1, line2)
    since_midnight = timedelta(days=satellite.jdsatepoch - _JULIAN_DAY_OF_2000 + satellite.jdsatepochF)
    return Elements(
        norad_id=satellite.satnum,
        name=name or str(satellite.satnum),
        epoch=datetime(2000, 1, 1, tzinfo=UTC) + since_midnight,
        line1=line1,
        line2=line2,
    )


def horizon_axes(latitude_deg: Array, longitude_deg: Array) -> Array:
    """Unit vectors East, North and up of each site, shape (sites, 3, 3)."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(latitude), np.cos(latitude), np.sin(longitude), np.cos(longitude)
    axes: Array = np.array(
        [
            [-sin_lon, cos_lon, np.zeros_like(latitude)],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    )
    return np.moveaxis(axes, -1, 0)


@lru_cache(maxsize=1024)
def _instant(at: datetime) -> tuple[float, float, Array]:
    """Julian day (UTC) in two parts as SGP4 wants it, and the rotation from TEME to ITRS."""
    time = timescale().from_datetime(at)
    rotation: Array = itrs.rotation_at(time) @ TEME.rotation_at(time).T
    rotation.setflags(write=False)
    return time.whole, time.tai_fraction - time._leap_seconds() / 86400, rotation


@lru_cache(maxsize=32768)
def _satellite(line1: str, line2: str) -> Satrec:
    return Satrec.twoline2rv(line1, line2)


@lru_cache(maxsize=32768)
def _satellite_of_message(mean: MeanElements, epoch: datetime, norad_id: int) -> Satrec:
    return satellite_record(mean, epoch, norad_id)


@lru_cache(maxsize=64)
def _fleet(elements: tuple[Elements, ...]) -> SatrecArray:
    return SatrecArray([sgp4_record(one) for one in elements])
