"""A terminal that comes back is inspected before anybody gets it again."""

import pytest
from sqlmodel import Session, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json, Reference
from satcom.supplychain.equipment_return import (
    EquipmentReturn,
    NewReturn,
    ReturnState,
    begin_return,
    follow_return,
    release_terminal,
)
from satcom.supplychain.goods_receipt import ReceivedGoods, record_receipt
from satcom.supplychain.stock import (
    StockedTerminal,
    StockItem,
    StockState,
    free_terminals,
    hold_terminal,
    issue_terminal,
)
from tests.enterprise.an_operator import an_operator
from tests.supplychain.a_stock import a_stock_item


def at_site(session: Session) -> tuple[StockItem, str]:
    """A terminal that was issued to an order."""
    an_operator(session)
    item, order_id = a_stock_item(session, quantity=1), new_id()
    hold_terminal(session, item.terminal_type_id, order_id, None, None)
    issue_terminal(session, order_id)
    return item, order_id


def given_back(session: Session) -> tuple[StockItem, StockedTerminal, EquipmentReturn]:
    item, order_id = at_site(session)
    release_terminal(session, order_id, "ended by PO-2026-000007")
    return item, session.exec(select(StockedTerminal)).one(), session.exec(select(EquipmentReturn)).one()


def came(session: Session, returned: EquipmentReturn, serial_number: str = "KU-0001") -> None:
    goods = ReceivedGoods(equipment_return=Reference(id=returned.id), serial_number=[serial_number])
    record_receipt(session, goods, WORKER)


def free(session: Session, item: StockItem) -> int:
    return free_terminals(session, [item.terminal_type_id])[item.terminal_type_id]


def test_what_an_order_gives_back_comes_by_carrier_is_received_inspected_and_free_again(database: Database) -> None:
    with database.as_worker() as session:
        item, terminal, returned = given_back(session)
        assert (terminal.state, returned.state) == (StockState.IN_RETURN, ReturnState.EXPECTED)
        assert returned.reason == "ended by PO-2026-000007"
        assert returned.reference == f"RT-{now().year}-000001"
        follow_return(session, returned, {"carrier": "DHL", "trackingNumber": "JD-1"}, WORKER)
        assert returned.state is ReturnState.ON_ITS_WAY
        came(session, returned)
        assert (terminal.state, terminal.order_id, free(session, item)) == (StockState.RETURNED, None, 0)
        follow_return(session, returned, {"state": "restocked", "finding": "as new"}, WORKER)
        assert (terminal.state, free(session, item)) == (StockState.IN_STOCK, 1)
        assert (returned.state, returned.decided_by) == (ReturnState.RESTOCKED, "worker")


def test_a_faulty_terminal_goes_from_the_depot_to_its_supplier_and_comes_back_or_not(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item = a_stock_item(session, quantity=1)
        returned = begin_return(session, NewReturn(serial_number="KU-0001", reason="no transmit"), WORKER)
        terminal = session.exec(select(StockedTerminal)).one()
        assert (terminal.state, returned.state, free(session, item)) == (
            StockState.AT_SUPPLIER,
            ReturnState.AT_SUPPLIER,
            0,
        )
        came(session, returned)
        follow_return(session, returned, {"state": "atSupplier", "finding": "still no transmit"}, WORKER)
        follow_return(session, returned, {"state": "scrapped", "finding": "not worth mending"}, WORKER)
        assert (terminal.state, returned.state) == (StockState.SCRAPPED, ReturnState.SCRAPPED)
        with pytest.raises(WrongState):
            follow_return(session, returned, {"state": "restocked", "finding": "mended after all"}, WORKER)


def test_what_never_comes_back_is_lost(database: Database) -> None:
    with database.as_worker() as session:
        item, terminal, returned = given_back(session)
        follow_return(session, returned, {"state": "lost", "finding": "the mine was flooded"}, WORKER)
        assert (terminal.state, free(session, item)) == (StockState.LOST, 0)
        with pytest.raises(WrongState):
            came(session, returned)


def test_another_terminal_than_the_one_that_was_to_come_is_refused(database: Database) -> None:
    with database.as_worker() as session:
        _, terminal, returned = given_back(session)
        with pytest.raises(RuleRefused) as refused:
            came(session, returned, "KU-0002")
        assert (refused.value.faults[0].field, refused.value.faults[0].code) == ("/serialNumber/0", "notOnReturn")
        came(session, returned)
        with pytest.raises(WrongState, match="received before"):
            came(session, returned)
        assert terminal.state is StockState.RETURNED


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"serialNumber": "X"}, "/serialNumber"),
        ({"state": "received"}, "/state"),
        ({"state": {}}, "/state"),
        ({"state": "restocked", "finding": "as new"}, "state"),  # it is not here yet
        ({"state": "lost"}, "/finding"),
        ({"expectedDate": "soon"}, "/expectedDate"),
    ],
)
def test_of_a_return_only_its_way_and_its_finding_are_noted(
    database: Database, patch: dict[str, Json], field: str
) -> None:
    with database.as_worker() as session:
        _, _, returned = given_back(session)
        with pytest.raises(Refused) as refused, session.begin_nested():
            follow_return(session, returned, patch, WORKER)
        assert refused.value.faults[0].field == field


def test_only_what_is_in_stock_or_at_a_site_is_returned_by_hand(database: Database) -> None:
    with database.as_worker() as session:
        at_site(session)
        with pytest.raises(Refused) as unknown:
            begin_return(session, NewReturn(serial_number="NONE", reason="faulty"), WORKER)
        assert unknown.value.faults[0].code == "notFound"
        wanted = NewReturn(serial_number="KU-0001", reason="nobody needs it there")
        assert begin_return(session, wanted, WORKER).state is ReturnState.EXPECTED
        with pytest.raises(WrongState) as again:
            begin_return(session, wanted, WORKER)
        assert again.value.faults[0].field == "/serialNumber"
