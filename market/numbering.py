"""Numbers that people read out on the telephone: `PO-2026-000123` for an order, `B-2026-000123` for a bill.

The number comes from a sequence of the database, so that nobody waits for anybody; it goes on over the new year, and a
refused order leaves a gap. The year is that of the operator's time zone.
"""

from datetime import datetime

from sqlalchemy import Sequence
from sqlmodel import Session, SQLModel

from satcom.core.clock import now
from satcom.enterprise.party import operator_of

PRODUCT_ORDERS = Sequence("product_order_number", metadata=SQLModel.metadata)
CUSTOMER_BILLS = Sequence("customer_bill_number", metadata=SQLModel.metadata)


def next_reference(session: Session, sequence: Sequence, prefix: str) -> str:
    """A reference that was never given before. Raises `RuleRefused` before an operator is loaded."""
    number: int = session.connection().scalar(sequence)
    return written(prefix, now().astimezone(operator_of(session).zone), number)


def written(prefix: str, day: datetime, number: int) -> str:
    """Six digits, more when they are needed."""
    return f"{prefix}-{day.year}-{number:06d}"
