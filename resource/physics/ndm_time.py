"""Instants of navigation data messages: as CCSDS writes them, in the time system of the message, to UTC.

Words: CCSDS 502.0-B-3 section 7.5.10 and annex A on time systems.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from satcom.resource.physics.earth_rotation import timescale

TIME_SYSTEMS: Final = "UTC, TAI, TT and GPS"
_AHEAD_OF_TAI_S = {"TAI": 0.0, "GPS": -19.0, "TT": 32.184}
_INSTANT = re.compile(r"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))T(\d\d):(\d\d):(\d\d)(\.\d+)?Z?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1957, 2199  # of anything in orbit, and of any plan


def ndm_instant(text: str) -> datetime:
    """An instant as CCSDS writes it, in UTC, to the microsecond: 2026-08-22T13:33:35.99 or 2026-234T...

    Raises `ValueError`.
    """
    found = _INSTANT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:40]!r} is no instant as 2026-08-22T13:33:35.99")
    year, month, day, day_of_year, hour, minute, second, fraction = found.groups()
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        raise ValueError(f"{text[:40]!r} is not within the years {_FIRST_YEAR} to {_LAST_YEAR}")
    begin = (
        datetime(int(year), 1, 1, tzinfo=UTC) if day_of_year else datetime(int(year), int(month), int(day), tzinfo=UTC)
    )
    day_begins = begin + timedelta(days=int(day_of_year) - 1 if day_of_year else 0)
    if day_begins.year != begin.year:
        raise ValueError(f"day {day_of_year} is not in {year}")
    leap_second = (hour, minute, second) == ("23", "59", "60")
    if not (int(hour) < 24 and int(minute) < 60 and (int(second) < 60 or leap_second)):
        raise ValueError(f"{text[:40]!r} is no time of day")
    seconds = int(second) + float(fraction or 0)
    return day_begins + timedelta(hours=int(hour), minutes=int(minute), seconds=seconds)


def is_time_system(said: str) -> bool:
    """Whether `ndm_instant_s` reads instants of this time system."""
    return said == "UTC" or said in _AHEAD_OF_TAI_S


def ndm_instant_s(text: str, time_system: str) -> float:
    """Seconds since 1970 UTC of an instant in a time system that `is_time_system`. Raises `ValueError`."""
    at = ndm_instant(text)
    if time_system == "UTC":
        return at.timestamp()
    tai_s = at.timestamp() - _AHEAD_OF_TAI_S[time_system]
    nearly_utc = at - timedelta(seconds=at.timestamp() - tai_s + _tai_minus_utc_s(_midnight(at)))
    return tai_s - _tai_minus_utc_s(_midnight(nearly_utc))  # of the day before, in the first seconds after a leap


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


@lru_cache(maxsize=1024)
def _tai_minus_utc_s(day: datetime) -> float:
    return float(timescale().from_datetime(day)._leap_seconds())
