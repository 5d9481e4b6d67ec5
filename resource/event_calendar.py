"""Planned events as a calendar: what the NOC subscribes to, a sun outage or an eclipse an entry.

An event keeps its identity when it is computed again, so that a calendar which imports the file twice changes the entry
and does not double it.

Words: RFC 5545 (iCalendar).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event

PRODUCT = "-//satcom//planned events//EN"


@dataclass(frozen=True)
class CalendarEntry:
    """One event. `subject` and the hour of `day` are its identity; of several in an hour, their order as well."""

    subject: str
    summary: str
    description: str
    start: datetime
    end: datetime
    day: datetime  # the middle, which does not cross midnight as edges may


def event_calendar(name: str, entries: Sequence[CalendarEntry], made_at: datetime) -> bytes:
    """The file. `made_at` is when the events were computed."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    of_the_hour: Counter[str] = Counter()
    for one in entries:
        identity = _identity(one)
        of_the_hour[identity] += 1
        again = f"-{of_the_hour[identity]}" if of_the_hour[identity] > 1 else ""
        event = Event()
        event.add("uid", f"{identity}{again}@satcom")
        event.add("dtstamp", made_at)
        event.add("dtstart", _whole(one.start))
        event.add("dtend", _whole(one.end + timedelta(seconds=1)))  # never shorter than the event
        event.add("summary", one.summary)
        event.add("description", one.description)
        event.add("transp", "TRANSPARENT")  # nobody is busy with it
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _identity(one: CalendarEntry) -> str:
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in one.subject.lower())
    return f"{plain}-{one.day:%Y%m%dT%H}"


def _whole(at: datetime) -> datetime:
    """iCalendar has no fractions of a second."""
    return at.replace(microsecond=0)
