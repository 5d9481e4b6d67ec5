"""The business clock: what day it is for the business.

Business dates (order dates, expiry of holds, billing periods, deadlines) come from here, so that a test or a what-if
runs a year in seconds. Leases, heartbeats and the expiry of access tokens are machinery and use the wall clock.
"""

from calendar import monthrange
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class BusinessClock:
    """The wall clock moved by an offset. One per process; workers of one system share the offset by its settings."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, by: timedelta) -> None:
        self.offset += by

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Stand at `moment` for a while; time goes on from there."""
        before = self.offset
        self.offset = moment - datetime.now(UTC)
        try:
            yield
        finally:
            self.offset = before


clock = BusinessClock()


def now() -> datetime:
    """The business's present, UTC."""
    return clock.now()


def wall_now() -> datetime:
    """The machine's present, UTC: only for leases, heartbeats and token expiry."""
    return datetime.now(UTC)


def by_wall(moment: datetime) -> datetime:
    """When a moment of the business comes by the machine's clock, for whoever compares it with that."""
    return moment - clock.offset


def has_come(moment: datetime | None, longest: timedelta) -> bool:
    """Whether a moment of machinery, at most `longest` ahead when it was written, has come.

    One that lies further ahead was written before the wall clock was set back: nobody waits for it.
    """
    return moment is None or not wall_now() < moment <= wall_now() + longest


def months_later(moment: datetime, months: int) -> datetime:
    """The same day `months` later, or the last day of that month."""
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
