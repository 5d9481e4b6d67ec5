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
_INSTANT = re.compile(r"(\d{4})-(?:(\d\d)-(\d\d)|(\d{3}))T(\d\d):(\d\d):(\d\d)(\.\d+)?Z?")


def ndm_instant(text: str) -> datetime:
    """An instant as CCSDS writes it, in UTC, to the microsecond: 2026-08-22T13:33:35.99 or 2026-234T...

    Raises `ValueError`.
    """
    found = _INSTANT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:40]!r} is no instant as 2026-08-22T13:33:35.99")
    year, month, day, day_of_year, hour, minute, second, fraction = found.groups()
    begin = (
        datetime(int(year), 1, 1, tzinfo=UTC) if day_of_year else datetime(int(year), int(month), int(day), tzinfo=UTC)
    )
    if day_of_year and not 1 <= int(day_of_year) <= 366:
        raise ValueError(f"day {day_of_year} is in no year")
    if not (int(hour) < 24 and int(minute) < 60 and int(second) < 61):
        raise ValueError(f"{text[:40]!r} is no time of day")
    seconds = int(second) + float(fraction or 0)
    days = int(day_of_year) - 1 if day_of_year else 0
    return begin + timedelta(days=days, hours=int(hour), minutes=int(minute), seconds=seconds)


def is_time_system(said: str) -> bool:
    """Whether `ndm_instant_s` reads instants of this time system."""
    return said == "UTC" or said in _AHEAD_OF_TAI_S


def ndm_instant_s(text: str, time_system: str) -> float:
    """Seconds since 1970 UTC of an instant in a time system that `is_time_system`. Raises `ValueError`."""
    at = ndm_instant(text)
    if time_system == "UTC":
        return at.timestamp()
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.timestamp() - _AHEAD_OF_TAI_S[time_system] - _tai_minus_utc_s(midnight)


@lru_cache(maxsize=1024)
def _tai_minus_utc_s(day: datetime) -> float:
    return float(timescale().from_datetime(day)._leap_seconds())
