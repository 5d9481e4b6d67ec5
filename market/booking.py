"""Bookings: what is sold for minutes or hours, and ends by itself.

A product is a booking when its service asks for `durationMinutes`. The customer pays for the time that he booked,
whether he used it or not; he is bound for no months, gives no notice, and takes more by another booking.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from satcom.core.clock import now
from satcom.core.errors import Fault, RuleRefused
from satcom.core.values import Characteristic, instant_text
from satcom.service.catalog import DURATION
from satcom.service.demand import LONGEST_BOOKING_MINUTES


def booked_for(characteristics: Sequence[Characteristic]) -> timedelta | None:
    """For how long; `None` for what goes on until notice is given, and where it is no such number."""
    minutes = next((one.value for one in characteristics if one.name == DURATION), None)
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        return None
    whole = float(minutes).is_integer() and 0 < minutes <= LONGEST_BOOKING_MINUTES
    return timedelta(minutes=minutes) if whole else None


def check_booking(
    characteristics: Sequence[Characteristic], start: datetime | None, months: int | None, starts: str, bound: str
) -> None:
    """Nothing is said of what is no booking. `starts` and `bound` are where the start and the term were written.

    Raises `RuleRefused` on a time that is over, or a term beside it.
    """
    duration, faults = booked_for(characteristics), []
    if duration is None:
        return
    if start is not None and start <= now() - duration:
        why = f"what is booked would be over since {instant_text(start + duration)}"
        faults.append(Fault(starts, why, "outOfRange", f"after {instant_text(now() - duration)}"))
    if months is not None:
        why = f"it is booked for {duration / timedelta(minutes=1):g} minutes, not for {months} months"
        faults.append(Fault(bound, why, "booked", "nothing"))
    if faults:
        raise RuleRefused.all(faults)
