"""Numbers that people read out on the telephone: `PO-2026-000123` for an order, `B-2026-000123` for a bill.

The number comes from a sequence of the database, so that nobody waits for anybody; it goes on over the new year, and
what is refused leaves a gap. The year is that of the operator's time zone.
"""

from sqlalchemy import Sequence
from sqlmodel import Session

from satcom.core.clock import now
from satcom.enterprise.party import operator_of


def next_reference(session: Session, sequence: Sequence, prefix: str) -> str:
    """A reference that was never given before: six digits, more when they are needed.

    Raises `RuleRefused` before an operator is loaded.
    """
    number: int = session.connection().scalar(sequence)
    return f"{prefix}-{now().astimezone(operator_of(session).zone).year}-{number:06d}"
