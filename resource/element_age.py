"""The age of element sets: from when on they are old, and which the operator takes no more.

A low satellite is off by kilometres after days, a geostationary one after weeks; elements know of no manoeuvre. Whoever
computes with them tells their age. With the operator's `elementsLimitDays` older ones are refused: when they are
loaded, and when satellites that move are planned with them. Geostationary ones are kept in their box, and known to be
there without elements.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, select

from satcom.core.errors import RuleRefused
from satcom.enterprise.party import Operator
from satcom.resource.physics.orbit import Elements, element_age_days


def limit_days(session: Session) -> int | None:
    """What the operator takes; nothing where it takes any."""
    return session.exec(select(Operator.elements_limit_days)).first() or None


def why_too_old(elements: Elements, at: datetime, limit: int | None) -> str | None:
    """Why a set is refused at `at`; nothing when it is not."""
    age_days = element_age_days(elements, at)
    if limit is None or age_days <= limit:
        return None
    return f"the elements of {elements.name} are {age_days:.1f} days old, the operator takes up to {limit}"


def check_ages(field: str, flown: Iterable[Elements], at: datetime, limit: int | None) -> None:
    """Raises `RuleRefused` on `field` when a set is too old at `at`, naming the oldest."""
    oldest = min(flown, key=lambda one: one.epoch, default=None)
    why = why_too_old(oldest, at, limit) if oldest is not None else None
    if why is not None:
        raise RuleRefused(field, why, "elementsTooOld", "satcom elements load FILE, or an earlier time")
