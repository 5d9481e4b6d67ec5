"""Instants as commands print them: ISO 8601 with the zone, so that what is read can be typed again.

`2027-03-31T12:00Z` in UTC, `2027-03-31T15:00+03:00` where it is the clock at a site that counts.
"""

from datetime import UTC, datetime, tzinfo


def shown_instant(when: datetime | str | None, zone: tzinfo = UTC, seconds: bool = False) -> str:
    """An instant, of the API or of ours, to the minute; empty when there is none."""
    if not when:
        return ""
    at = datetime.fromisoformat(when) if isinstance(when, str) else when
    return _written(at.astimezone(zone).isoformat(timespec="seconds" if seconds else "minutes"))


def shown_clock(when: datetime, zone: tzinfo = UTC) -> str:
    """The time of the day to the second, beside an instant of the same day: `12:00:05Z`."""
    return _written(when.astimezone(zone).timetz().isoformat(timespec="seconds"))


def shown_day(when: str | None) -> str:
    """The day of an instant of the API, in UTC."""
    return shown_instant(when)[:10]


def _written(text: str) -> str:
    return text.replace("+00:00", "Z")
