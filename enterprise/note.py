"""Notes: who wrote one, and when. Words: TMF622 `Note`, which several APIs share."""

from collections.abc import Sequence
from datetime import datetime

from satcom.core.clock import now
from satcom.core.errors import Fault, RuleRefused
from satcom.core.security import OUTSIDE, Principal
from satcom.core.values import Note, instant_text

OPERATOR = "operator"


def operators_note(text: str) -> Note:
    """What the operator has to say, now."""
    return Note(text=text, author=OPERATOR, date=_this_second())


def signed(notes: Sequence[Note], before: Sequence[Note], by: Principal, pointer: str = "/note") -> list[Note]:
    """Notes with author and date. Those from `before` stay; a new one from outside is signed and dated here.

    Staff may write down on Monday what a customer said on Friday. Raises `RuleRefused` on other dates.
    """
    earlier, outside = list(before), bool(by.roles & OUTSIDE)
    kept: list[Note] = []
    faults: list[Fault] = []
    for index, one in enumerate(notes):
        if one in earlier:
            earlier.remove(one)
            kept.append(one)
            continue
        faults += _date_faults(one.date, f"{pointer}/{index}/date", outside)
        author = by.name if outside else one.author or by.name
        kept.append(one.model_copy(update={"author": author, "date": one.date or _this_second()}))
    if faults:
        raise RuleRefused.all(faults)
    return kept


def _date_faults(date: datetime | None, pointer: str, outside: bool) -> list[Fault]:
    if date is None:
        return []
    if outside:
        return [Fault(pointer, "a note is dated when it is received", "derived", "nothing")]
    if date > now():
        return [Fault(pointer, "a note is not written in the future", "inFuture", f"at most {instant_text(now())}")]
    return []


def _this_second() -> datetime:
    return now().replace(microsecond=0)
