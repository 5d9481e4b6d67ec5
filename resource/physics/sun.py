"""Sun and Moon, and what else moves above the Earth, in one Earth-fixed frame at many instants.

Instants are seconds since 1970-01-01 00:00 UTC without leap seconds, as `datetime.timestamp` gives them; positions are
ITRS without polar motion, as in `orbit`. A `Track` is anything that tells where something is at given instants: a
satellite by its elements, a slot, a station, a ship.

Source: ERFA's `epv00` (Sun: VSOP2000, 11 km) and `moon98` (Moon: Meeus after ELP-2000/82, 6 km RMS and 32 km at worst
in 1950 to 2100). The light time of the Sun is counted.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

import erfa
import numpy as np
from scipy.interpolate import CubicSpline
from sgp4.api import Satrec
from skyfield.timelib import Time

from satcom.resource.physics.checked import LATITUDES, LONGITUDES, Accepted, checked
from satcom.resource.physics.earth_rotation import timescale
from satcom.resource.physics.orbit import (
    EARTH_FLATTENING,
    GEOSTATIONARY_ALTITUDE_KM,
    Array,
    Elements,
    earth_fixed_km,
    sgp4_record,
)

Track: TypeAlias = Callable[[Array], Array]  # instants, shape (n,), to positions in km, shape (n, 3)

SUN_RADIUS_KM = 695_700.0  # IAU 2015 Resolution B3, nominal
MOON_RADIUS_KM = 1737.4  # IAU 2015, mean
ASTRONOMICAL_UNIT_KM = 149_597_870.7
PLACES_KM = Accepted(-1.0, 100.0)  # metres given for kilometres are refused
_LIGHT_TIME_OF_AU_DAYS = 499.004784 / 86400
_UNIX_EPOCH_JD = 2440587.5
_SUN_STEP_S, _MOON_STEP_S, _DAY_S = 21_600.0, 3600.0, 86_400.0  # between nodes; the splines err by metres
_CHUNK_S = 32 * _DAY_S  # what is computed at once and kept


def instant_s(at: datetime) -> float:
    """Seconds since 1970. Raises `ValueError` without time zone."""
    if at.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {at.isoformat()} has none")
    return at.timestamp()


def instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def sun_position_km(at_s: Array) -> Array:
    """Where the Sun is seen: apparent place as to light time and aberration; shape (n, 3)."""
    return earth_fixed_from_teme(_interpolated(_sun_in_equator_of_date_km, _SUN_STEP_S, at_s), at_s)


def moon_position_km(at_s: Array) -> Array:
    """Where the Moon is, geometrically; shape (n, 3)."""
    return earth_fixed_from_teme(_interpolated(_moon_in_equator_of_date_km, _MOON_STEP_S, at_s), at_s)


def track_of_elements(elements: Elements) -> Track:
    """A satellite by SGP4; nan where it reports an error."""
    record: Satrec = sgp4_record(elements)

    def position_km(at_s: Array) -> Array:
        whole, fraction = _julian_day(at_s)
        errors, teme_km, _ = record.sgp4_array(whole, fraction)
        teme_km[errors != 0] = np.nan
        return earth_fixed_from_teme(teme_km, at_s)

    return position_km


@checked(latitude_deg=LATITUDES, longitude_deg=LONGITUDES, altitude_km=PLACES_KM)
def track_of_place(latitude_deg: float, longitude_deg: float, altitude_km: float = 0.0) -> Track:
    """What stands still on the Earth or in its air, from -1 to 100 km."""
    return _standing_still(latitude_deg, longitude_deg, altitude_km)


@checked(longitude_deg=LONGITUDES)
def track_of_slot(longitude_deg: float) -> Track:
    """A geostationary satellite in the middle of its box."""
    return _standing_still(0.0, longitude_deg, GEOSTATIONARY_ALTITUDE_KM)


def _standing_still(latitude_deg: float, longitude_deg: float, altitude_km: float) -> Track:
    place_km = earth_fixed_km(latitude_deg, longitude_deg, altitude_km)
    return lambda at_s: np.broadcast_to(place_km, (len(at_s), 3))


def separation_deg(one_km: Array, other_km: Array) -> Array:
    """Angle between directions; shape (n, 3) and (n, 3) to (n,). Exact also for small angles."""
    across = np.linalg.norm(np.cross(one_km, other_km), axis=-1)
    angle_deg: Array = np.degrees(np.arctan2(across, np.einsum("...i,...i->...", one_km, other_km)))
    return angle_deg


def elevation_deg(from_km: Array, to_km: Array) -> Array:
    """Geometric elevation above the ellipsoid's horizon; from (n, 3) to (n, 3), result (n,)."""
    up = from_km / [1.0, 1.0, (1 - EARTH_FLATTENING) ** 2]
    above_deg: Array = 90.0 - separation_deg(to_km - from_km, up)
    return above_deg


def _sun_in_equator_of_date_km(at_s: Array) -> Array:
    tt = _terrestrial_days(at_s)
    heliocentric, _ = erfa.epv00(_UNIX_EPOCH_JD, tt)
    distance_au = np.linalg.norm(heliocentric["p"], axis=-1)
    # the Sun hardly moves while its light comes; the Earth does, and that is the aberration
    heliocentric, _ = erfa.epv00(_UNIX_EPOCH_JD, tt - distance_au * _LIGHT_TIME_OF_AU_DAYS)
    return _equator_of_date(-heliocentric["p"] * ASTRONOMICAL_UNIT_KM, tt)


def _moon_in_equator_of_date_km(at_s: Array) -> Array:
    tt = _terrestrial_days(at_s)
    return _equator_of_date(erfa.moon98(_UNIX_EPOCH_JD, tt)["p"] * ASTRONOMICAL_UNIT_KM, tt)


def _equator_of_date(gcrs_km: Array, tt: Array) -> Array:
    """From GCRS to the frame of SGP4: true equator, with the mean equinox that sidereal time of 1982 counts from."""
    to_true = erfa.pnm06a(_UNIX_EPOCH_JD, tt)
    x, y, z = np.einsum("nij,nj->in", to_true, gcrs_km)
    turn = erfa.ee06a(_UNIX_EPOCH_JD, tt)  # equation of the equinoxes
    return np.stack([x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn), z], axis=-1)


def earth_fixed_from_gcrs(gcrs_km: Array, at_s: Array) -> Array:
    """From the celestial frame GCRF to the Earth's, (n, 3) at instants (n,), by precession and nutation of 2006."""
    tt, (whole, ut1) = _terrestrial_days(at_s), _universal_days(at_s)
    to_true = erfa.pnm06a(_UNIX_EPOCH_JD, tt)
    return _turned(np.einsum("nij,nj->ni", to_true, gcrs_km), erfa.gst06a(whole, ut1, _UNIX_EPOCH_JD, tt))


def earth_fixed_from_teme(of_date_km: Array, at_s: Array) -> Array:
    """Turn with the Earth, by Greenwich mean sidereal time of 1982, as TEME wants; (n, 3) at instants (n,)."""
    return _turned(of_date_km, erfa.gmst82(*_universal_days(at_s)))


def _turned(of_date_km: Array, sidereal_rad: Array) -> Array:
    x, y, z = of_date_km.T
    cosine, sine = np.cos(sidereal_rad), np.sin(sidereal_rad)
    return np.stack([x * cosine + y * sine, y * cosine - x * sine, z], axis=-1)


def _universal_days(at_s: Array) -> tuple[Array, Array]:
    """UT1 as a Julian day in two parts."""
    whole, fraction = _julian_day(at_s)
    return whole, fraction + _interpolated(_ut1_ahead_s, _DAY_S, at_s)[:, 0] / _DAY_S


def _ut1_ahead_s(at_s: Array) -> Array:
    """UT1 less UTC, shape (n, 1). On a day with a leap second, of which none is announced, it errs by up to that."""
    times = _times(at_s)
    ahead_s: Array = ((times.whole - _UNIX_EPOCH_JD - at_s / _DAY_S) + times.ut1_fraction) * _DAY_S
    return ahead_s[:, None]


def _interpolated(quantity: Track, step_s: float, at_s: Array) -> Array:
    """By splines through regular nodes: the series cost a hundred times more."""
    at_s = np.asarray(at_s, dtype=np.float64)
    chunks = np.floor(at_s / _CHUNK_S).astype(np.int64)
    different = np.unique(chunks)
    if len(different) == 1:
        whole: Array = _spline(quantity, step_s, int(different[0]))(at_s)
        return whole
    parts = {int(chunk): chunks == chunk for chunk in different}
    values = {chunk: _spline(quantity, step_s, chunk)(at_s[inside]) for chunk, inside in parts.items()}
    found = np.empty((len(at_s), next((one.shape[1] for one in values.values()), 3)))
    for chunk, inside in parts.items():
        found[inside] = values[chunk]
    return found


@lru_cache(maxsize=256)
def _spline(quantity: Track, step_s: float, chunk: int) -> CubicSpline:
    """Over one chunk of time, with nodes beside it: at its ends a spline is less exact."""
    nodes_s = np.arange(chunk * _CHUNK_S - 8 * step_s, (chunk + 1) * _CHUNK_S + 9 * step_s, step_s)
    return CubicSpline(nodes_s, quantity(nodes_s))


def _julian_day(at_s: Array) -> tuple[Array, Array]:
    days = np.asarray(at_s) / _DAY_S
    whole = np.floor(days)
    return whole + _UNIX_EPOCH_JD, days - whole


def _terrestrial_days(at_s: Array) -> Array:
    """Days of terrestrial time since the epoch of `at_s`."""
    times = _times(at_s)
    days: Array = (times.whole - _UNIX_EPOCH_JD) + times.tt_fraction
    return days


def _times(at_s: Array) -> Time:
    days = np.floor(np.asarray(at_s) / _DAY_S)
    return timescale().utc(1970, 1, 1 + days.astype(np.int64), 0, 0, at_s - days * _DAY_S)
