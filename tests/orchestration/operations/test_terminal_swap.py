"""A faulty terminal is swapped by another of its type; until that works, the service stays with the one it has."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from satcom.core.database import Database, find
from satcom.core.errors import Refused
from satcom.core.security import WORKER
from satcom.orchestration.operations.service_in_place import told_to_hub
from satcom.orchestration.operations.terminal_swap import NewSwap, SwapState, TerminalSwap, call_off, swap_terminal
from satcom.orchestration.plan import FlowState
from satcom.resource.ground import Terminal, TerminalState, terminal_at_site
from satcom.resource.terminal_history import terminal_history
from satcom.service.inventory import Service, ServiceState, service_of_order
from satcom.supplychain.equipment_return import EquipmentReturn
from satcom.supplychain.stock import StockedTerminal, StockState, terminal_of
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.test_kinds_of_change import change

FAULTY = "its BUC does not transmit"


@pytest.fixture
def operation(database: Database, tmp_path: Path) -> Iterator[Operation]:
    with an_operation(database, tmp_path) as running:
        yield running


@pytest.fixture
def sold(operation: Operation) -> str:
    """The order of a service that is in use."""
    order_id = operation.order()
    assert operation.advance(order_id)[0].state is FlowState.COMPLETED
    return order_id


def service_of(session: Session, order_id: str) -> Service:
    service = service_of_order(session, order_id)
    assert service is not None
    return service


def others_in_stock(session: Session, order_id: str) -> list[str]:
    """Of the type that stands at the site."""
    standing = terminal_of(session, order_id)
    assert standing is not None
    same = select(StockedTerminal).where(StockedTerminal.terminal_type_id == standing.terminal_type_id)
    return [one.serial_number for one in session.exec(same) if one.state is StockState.IN_STOCK]


def a_swap(operation: Operation, order_id: str) -> TerminalSwap:
    with operation.database.as_worker() as session:
        service = service_of(session, order_id)
        wanted = NewSwap(service_id=service.id, serial_number=others_in_stock(session, order_id)[0], reason=FAULTY)
        return swap_terminal(session, wanted, WORKER)


def at_hub(operation: Operation) -> list[str]:
    with operation.hub.client() as hub:
        return [one["serial_number"] for one in hub.get("/v1/terminals").json()["items"]]


def test_the_new_terminal_serves_the_site_and_the_old_one_comes_back(operation: Operation, sold: str) -> None:
    swap = a_swap(operation, sold)
    assert at_hub(operation) == [swap.old_serial_number]
    flow, tasks = operation.advance(swap.id)
    assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
    assert flow.state is FlowState.COMPLETED
    assert at_hub(operation) == [swap.serial_number]
    with operation.database.as_worker() as session:
        assert find(session, TerminalSwap, swap.id).state is SwapState.DONE
        site, service, device = terminal_at_site(session, sold), service_of(session, sold), terminal_of(session, sold)
        assert site is not None
        assert device is not None
        assert (site.serial_number, site.state, service.state) == (
            swap.serial_number,
            TerminalState.IN_SERVICE,
            ServiceState.ACTIVE,
        )
        assert site.id in {one.id for one in service.supporting_resource}
        assert (device.serial_number, device.state) == (swap.serial_number, StockState.ISSUED)
        returned = session.exec(select(EquipmentReturn)).one()
        assert (returned.serial_number, FAULTY in returned.reason) == (swap.old_serial_number, True)
        assert told_to_hub(session, service).terminals[0].serial_number == swap.serial_number
        told: Any = terminal_history(session, swap.old_serial_number)["history"]
        assert [one["state"] for one in told][-2:] == ["removed", "inReturn"]
    again = a_swap(operation, sold)
    assert operation.advance(again.id)[0].state is FlowState.COMPLETED
    more = change(operation, sold, downlinkRateBps=12_000_000)
    assert operation.advance(more)[0].state is FlowState.COMPLETED
    assert at_hub(operation) == [again.serial_number]
    assert operation.advance(change(operation, sold, action="delete"))[0].state is FlowState.COMPLETED
    assert at_hub(operation) == []


def test_a_swap_that_is_called_off_leaves_the_service_with_the_old_one(operation: Operation, sold: str) -> None:
    swap = a_swap(operation, sold)
    operation.hub.set_faults({"kind": "error500", "method": "PUT", "path": "/v1/plans/*"})
    _, tasks = operation.advance(swap.id)
    assert tasks["reconfigure_hub"].attempts == 1
    assert at_hub(operation) == [swap.serial_number]
    with operation.database.as_worker() as session:
        with pytest.raises(Refused, match="called off"), session.begin_nested():
            call_off(session, find(session, TerminalSwap, swap.id), {"state": "done"}, WORKER)
        call_off(session, find(session, TerminalSwap, swap.id), {"state": "undone"}, WORKER)
    operation.hub.set_faults()
    while operation.advance(swap.id)[0].state is not FlowState.CANCELLED:
        time.sleep(0.2)
    assert at_hub(operation) == [swap.old_serial_number]
    with operation.database.as_worker() as session:
        assert find(session, TerminalSwap, swap.id).state is SwapState.UNDONE
        standing = terminal_of(session, sold)
        assert standing is not None
        assert standing.serial_number == swap.old_serial_number
        [site] = session.exec(select(Terminal)).all()
        assert (site.serial_number, site.state) == (swap.old_serial_number, TerminalState.IN_SERVICE)
        assert terminal_of(session, swap.id) is None
    assert a_swap(operation, sold).serial_number != swap.serial_number


def test_only_one_of_its_type_in_stock_takes_its_place_and_nothing_else_happens_meanwhile(
    operation: Operation, sold: str
) -> None:
    with operation.database.as_worker() as session:
        service, standing = service_of(session, sold), terminal_of(session, sold)
        assert standing is not None
        other = session.exec(
            select(StockedTerminal).where(StockedTerminal.terminal_type_id != standing.terminal_type_id)
        ).first()
        assert other is not None
        for number, code in (
            ("NOWHERE-1", "notFound"),
            (other.serial_number, "otherType"),
            (standing.serial_number, "issued"),
        ):
            wanted = NewSwap(service_id=service.id, serial_number=number, reason=FAULTY)
            with pytest.raises(Refused) as refused, session.begin_nested():
                swap_terminal(session, wanted, WORKER)
            assert (refused.value.faults[0].field, refused.value.faults[0].code) == ("/serialNumber", code)
    a_swap(operation, sold)
    with pytest.raises(Refused, match="is under way"):
        a_swap(operation, sold)
    with pytest.raises(Refused, match="its terminal is being swapped"):
        change(operation, sold, downlinkRateBps=12_000_000)
