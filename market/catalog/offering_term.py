"""Terms: for how long a customer is bound, how notice is given, and what it costs to leave earlier.

An offering lists them; a product keeps those that it was sold under, so that a later offer changes nobody's contract.
Who leaves before the minimum term is over is charged the months that are left, at most as many as the term "Early
termination" names. Words: TMF620 `ProductOfferingTerm`, TMF637 `ProductTerm`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, PlainSerializer

from satcom.core.clock import months_later
from satcom.core.errors import Fault
from satcom.core.values import Amount, TimePeriod, Value

MINIMUM_TERM: Final = "Minimum term"
NOTICE_PERIOD: Final = "Notice period"
EARLY_TERMINATION: Final = "Early termination"
MONTH, DAY = "month", "day"
LONGEST: Final = {MONTH: 180, DAY: 3660}
UNITS: Final = {MINIMUM_TERM: (MONTH,), NOTICE_PERIOD: (MONTH, DAY), EARLY_TERMINATION: (MONTH,)}


def _as_integer(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)


class Duration(Value):
    """TMF622 `Quantity`, of time. TMF620 has an integer for its amount, which 12.0 is not to every reader."""

    amount: Annotated[Amount, PlainSerializer(_as_integer, when_used="json")] | None = None
    units: str | None = None

    def after(self, moment: datetime) -> datetime:
        """The end of a duration that begins at `moment`; what is no duration ends at once."""
        amount = int(self.amount or 0)
        return moment + timedelta(days=amount) if self.units == DAY else months_later(moment, amount)


class Term(Value):
    """One term. `valid_for` is there once the product is handed over."""

    name: str | None = Field(default=None, max_length=200)
    description: str | None = None
    duration: Duration | None = None
    valid_for: TimePeriod | None = None


def term_called(terms: Sequence[Term], name: str) -> Term | None:
    return next((one for one in terms if one.name == name and one.duration is not None), None)


def agreed_terms(offered: Sequence[Term], bound_months: int | None) -> list[Term]:
    """The terms of a product: those of its offering; who binds itself for longer is bound for longer."""
    terms = [one.model_copy(update={"valid_for": None}) for one in offered]
    least = term_called(terms, MINIMUM_TERM)
    if bound_months is None or (least is not None and months_of(least) >= bound_months):
        return terms
    longer = (least or Term(name=MINIMUM_TERM)).model_copy(
        update={"duration": Duration(amount=Decimal(bound_months), units=MONTH)}
    )
    return [*(one for one in terms if one is not least), longer]


def begun(terms: Sequence[Term], start: datetime) -> list[Term]:
    """The terms of a product that is handed over at `start`: the minimum term runs."""
    return [
        one.model_copy(update={"valid_for": TimePeriod(start_date_time=start, end_date_time=one.duration.after(start))})
        if one.name == MINIMUM_TERM and one.duration is not None and one.duration.amount
        else one
        for one in terms
    ]


def offering_term_faults(terms: Sequence[Term]) -> list[Fault]:
    """What is wrong with the terms that an offering lists. Only those that are reckoned with are looked at."""
    faults = []
    for index, term in enumerate(terms):
        at = f"/productOfferingTerm/{index}"
        if term.name not in UNITS:
            continue
        if any(one.name == term.name for one in terms[:index]):
            faults.append(Fault(at, f"{term.name!r} is there twice", "duplicate", "one of them"))
        units = UNITS[term.name]
        duration = term.duration or Duration()
        if duration.units not in units:
            why = f"{term.name!r} is not in {str(duration.units)[:40]!r}"
            faults.append(Fault(f"{at}/duration/units", why, "invalid", " or ".join(units)))
        longest, amount = LONGEST.get(str(duration.units), LONGEST[MONTH]), duration.amount
        if amount is None or amount != amount.to_integral_value() or not 0 <= amount <= longest:
            why = f"{term.name!r} lasts a whole number of {units[-1]}s"
            faults.append(Fault(f"{at}/duration/amount", why, "outOfRange", f"0 to {longest}"))
    return faults


def months_of(term: Term) -> int:
    """How many months it lasts."""
    return int(term.duration.amount or 0) if term.duration is not None else 0
