"""A wait that is overdue: it stays overdue, and changes hands by the operator's rules."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.security import WORKER, Role
from satcom.orchestration.escalation import NewEscalation, add_rule, escalate_due
from satcom.orchestration.plan import TaskFlow
from satcom.orchestration.sweep import wake_due
from tests.orchestration.operations.an_order_to_service import Operation, an_operation


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    yield
    clock.offset = timedelta(0)


def pass_days(operation: Operation, order_id: str, days: float) -> TaskFlow:
    """Days go by, the sweep looks, and so does the flow; the wait for the terminal after that."""
    clock.advance(timedelta(days=days))
    with operation.database.as_worker() as session:
        wake_due(session)
    operation.advance(order_id)
    with operation.database.as_worker() as session:
        escalate_due(session)
    return operation.flow(order_id)[1]["terminal_is_here"]


def test_an_overdue_wait_goes_from_owner_to_owner_each_after_his_time(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, in_stock=0) as operation:
        with database.as_worker() as session:
            add_rule(session, NewEscalation(owner=Role.SUPPLY, next_owner=Role.NOC, after_hours=48), WORKER)
            add_rule(session, NewEscalation(owner=Role.NOC, next_owner=Role.SALES, after_hours=24), WORKER)
        order_id = operation.order()
        operation.advance(order_id)
        begun = operation.flow(order_id)[1]["terminal_is_here"]
        assert begun.due_at == begun.expected_at
        assert begun.due_at is not None
        late = pass_days(operation, order_id, 31)  # it was expected after 30
        assert (late.owner, late.expected_at, late.due_at) == ("supply", None, begun.due_at)
        assert late.due_at is not None
        assert late.due_at < now()
        escalated = pass_days(operation, order_id, 1.5)
        assert (escalated.owner, escalated.escalated_from, escalated.deadline) == ("noc", "supply", begun.deadline)
        assert pass_days(operation, order_id, 0.5).owner == "noc"
        assert pass_days(operation, order_id, 1).owner == "sales"
        assert pass_days(operation, order_id, 20).owner == "sales"


def test_without_a_rule_an_overdue_wait_stays_with_its_owner(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, in_stock=0) as operation:
        order_id = operation.order()
        operation.advance(order_id)
        late = pass_days(operation, order_id, 45)
        assert (late.owner, late.escalated_at) == ("supply", None)
