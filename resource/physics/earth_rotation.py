"""The turning Earth, for arrays of instants: sidereal time, and from SGP4's frame (TEME) to one fixed to the ground.

Instants are an array of seconds after one `start`. Days are UTC days of 86,400 s: a leap second inside the span would
shift what follows it by a second, and none has been announced. UT1 is that of Skyfield's built-in IERS table and
prediction; polar motion, below 15 m at the surface, is left out, as Skyfield does without its table.

Source: AIAA 2006-6753, appendix C (sidereal time of 1982, TEME to the pseudo Earth-fixed frame).
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from skyfield.api import load
from skyfield.timelib import Timescale

Array = NDArray[np.float64]

DAY_S = 86_400.0
_JULIAN_DAY_OF_2000 = 2451544.5  # 2000-01-01 00:00 UTC
_JULIAN_DAY_OF_J2000 = 2451545.0
_JULIAN_CENTURY_DAYS = 36525.0
_TT_MINUS_TAI_S = 32.184
_MIDNIGHT_OF_2000 = datetime(2000, 1, 1, tzinfo=UTC)
EARTH_ROTATION_RAD_PER_S = 7.2921158553e-5  # of mean sidereal time, which is what turns TEME


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises `ValueError` when `at` has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {at.isoformat()} has none")
    return at.astimezone(UTC)


@lru_cache(maxsize=1)
def timescale() -> Timescale:
    """Skyfield's time scales from its built-in tables: nothing is downloaded."""
    return load.timescale(builtin=True)


def julian_days(start: datetime, offset_s: Array) -> tuple[Array, Array]:
    """UTC Julian days of `start` + `offset_s`, in two parts as SGP4 wants them; each of the shape of `offset_s`."""
    since = in_utc(start) - _MIDNIGHT_OF_2000
    fraction = (since.seconds + since.microseconds / 1e6 + np.asarray(offset_s, float)) / DAY_S
    whole = np.floor(fraction)
    return _JULIAN_DAY_OF_2000 + since.days + whole, fraction - whole


def ut1_minus_utc_s(start: datetime, offset_s: Array) -> Array:
    """UT1 - UTC at each instant, linear between midnights: it changes by a millisecond a day."""
    at = in_utc(start)
    midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
    since_midnight_s = (at - midnight).total_seconds() + np.asarray(offset_s, float)
    if since_midnight_s.size == 0:
        return since_midnight_s
    days = np.arange(np.floor(np.min(since_midnight_s) / DAY_S), np.floor(np.max(since_midnight_s) / DAY_S) + 2)
    tt_minus_ut1_s = [_tt_minus_ut1_s(midnight + timedelta(days=float(day))) for day in days]
    tt_minus_utc_s = _TT_MINUS_TAI_S + float(timescale().from_datetime(at)._leap_seconds())
    difference_s: Array = tt_minus_utc_s - np.interp(since_midnight_s, days * DAY_S, tt_minus_ut1_s)
    return difference_s


@lru_cache(maxsize=4096)
def _tt_minus_ut1_s(at: datetime) -> float:
    """What Skyfield calls delta T: unlike UT1 - UTC it does not jump at a leap second."""
    return float(timescale().from_datetime(at).delta_t)


def sidereal_angle_rad(start: datetime, offset_s: Array) -> Array:
    """Greenwich mean sidereal time of 1982, by which TEME and the Earth-fixed frame differ. Shape of `offset_s`.

    Source: AIAA 2006-6753, equation C-5 (IAU 1982).
    """
    whole, fraction = julian_days(start, offset_s)
    fraction = fraction + ut1_minus_utc_s(start, offset_s) / DAY_S
    centuries = (whole - _JULIAN_DAY_OF_J2000 + fraction) / _JULIAN_CENTURY_DAYS
    seconds = 67310.54841 + (8640184.812866 + (0.093104 - 6.2e-6 * centuries) * centuries) * centuries
    turns = (whole % 1 + fraction + seconds / DAY_S % 1) % 1
    return turns * 2 * np.pi


def earth_fixed_from_teme(position_km: Array, velocity_km_per_s: Array, sidereal_rad: Array) -> tuple[Array, Array]:
    """Turn vectors of shape (..., times, 3) by the angle of each time; the velocity becomes that over the ground.

    Source: AIAA 2006-6753, equations C-1 to C-4, without polar motion.
    """
    cosine, sine = np.cos(sidereal_rad), np.sin(sidereal_rad)
    position = np.empty_like(position_km)
    velocity = np.empty_like(velocity_km_per_s)
    for fixed, inertial in ((position, position_km), (velocity, velocity_km_per_s)):
        fixed[..., 0] = cosine * inertial[..., 0] + sine * inertial[..., 1]
        fixed[..., 1] = cosine * inertial[..., 1] - sine * inertial[..., 0]
        fixed[..., 2] = inertial[..., 2]
    velocity[..., 0] += EARTH_ROTATION_RAD_PER_S * position[..., 1]
    velocity[..., 1] -= EARTH_ROTATION_RAD_PER_S * position[..., 0]
    return position, velocity
