"""No terminal is given to two orders, and what an order gives back is there for the next."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.supplychain.equipment_return import release_terminal
from satcom.supplychain.stock import (
    Depot,
    StockedTerminal,
    StockItem,
    StockState,
    correct_depot,
    correct_item,
    free_terminals,
    hold_terminal,
    issue_terminal,
    list_item,
    new_terminal,
    open_depot,
    opening_stock,
    receive_stock,
    terminal_of,
)
from tests.enterprise.an_operator import an_operator
from tests.supplychain.a_stock import a_depot, a_stock_item, a_supplier

HOUR = timedelta(hours=1)


def held(session: Session, item: StockItem, order_id: str) -> StockedTerminal:
    terminal = hold_terminal(session, item.terminal_type_id, order_id, None, now() + HOUR)
    assert terminal is not None
    return terminal


def free(session: Session, item: StockItem) -> int:
    return free_terminals(session, [item.terminal_type_id])[item.terminal_type_id]


def test_the_lowest_serial_number_goes_first_until_none_is_left(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item = a_stock_item(session, quantity=2)
        assert [held(session, item, new_id()).serial_number for _ in range(2)] == ["KU-0001", "KU-0002"]
        assert hold_terminal(session, item.terminal_type_id, new_id(), None, now() + HOUR) is None
        assert free(session, item) == 0


def test_64_orders_at_once_for_5_terminals_get_exactly_5_different_ones(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        type_id = a_stock_item(session, quantity=5).terminal_type_id

    def want(_: int) -> str | None:
        with database.as_worker() as session:
            terminal = hold_terminal(session, type_id, new_id(), None, now() + HOUR)
            return terminal.serial_number if terminal else None

    with ThreadPoolExecutor(16) as orders:
        got = [serial for serial in orders.map(want, range(64)) if serial is not None]
    assert sorted(got) == [f"KU-{number:04d}" for number in range(1, 6)]


def test_an_order_that_asks_again_keeps_its_terminal_for_longer(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item, order_id = a_stock_item(session, quantity=2), new_id()
        first = held(session, item, order_id)
        later = now() + 5 * HOUR
        again = hold_terminal(session, item.terminal_type_id, order_id, None, later)
        assert again is first
        assert first.held_until == later
        assert free(session, item) == 1


def test_a_hold_that_ran_out_is_free_for_the_next_order(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item, late, next_order = a_stock_item(session, quantity=1), new_id(), new_id()
        held(session, item, late)
        with clock.at(now() + 2 * HOUR):
            assert free(session, item) == 1
            assert held(session, item, next_order).order_id == next_order
            assert terminal_of(session, late) is None


def test_a_hold_does_not_end_in_the_past(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item = a_stock_item(session, quantity=1)
        with pytest.raises(RuleRefused) as refused:
            hold_terminal(session, item.terminal_type_id, new_id(), None, now() - HOUR)
        assert refused.value.faults[0].code == "holdInPast"


def test_what_is_given_back_is_free_again_and_giving_back_twice_does_nothing(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item, order_id = a_stock_item(session, quantity=1), new_id()
        terminal = held(session, item, order_id)
        for _ in range(2):
            release_terminal(session, order_id, "undone")
            assert (terminal.state, terminal.order_id, free(session, item)) == (StockState.IN_STOCK, None, 1)


def test_only_a_held_terminal_is_issued_and_issuing_it_twice_does_nothing(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item, order_id = a_stock_item(session, quantity=1), new_id()
        with pytest.raises(RuleRefused) as refused:
            issue_terminal(session, order_id)
        assert refused.value.faults[0].code == "noTerminal"
        terminal = held(session, item, order_id)
        assert issue_terminal(session, order_id) is issue_terminal(session, order_id) is terminal
        assert terminal_of(session, order_id) is terminal


def test_the_database_itself_gives_no_order_two_terminals_of_a_type(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item, order_id = a_stock_item(session, quantity=1), new_id()
        held(session, item, order_id)
        second = new_terminal(item, "KU-9999")
        second.state, second.order_id = StockState.HELD, order_id
        session.add(second)
        with pytest.raises(IntegrityError, match="one_terminal_of_a_type_per_order"), session.begin_nested():
            session.flush()


def test_every_serial_number_that_cannot_be_is_named(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item = a_stock_item(session, quantity=1)
        for numbers, faults in (
            ([], [("/serialNumber", "cardinality")]),
            (["A", "A", " B"], [("/serialNumber/1", "duplicate"), ("/serialNumber/2", "invalid")]),
            (["NEW", "KU-0001"], [("/serialNumber/1", "serialKnown")]),
        ):
            with pytest.raises(Refused) as refused:
                receive_stock(session, item, numbers)
            assert [(fault.field, fault.code) for fault in refused.value.faults] == faults
        assert free(session, item) == 1
        with pytest.raises(RuleRefused):
            receive_stock(session, item, ["KU-0001"])


def test_opening_stock_loaded_twice_doubles_nothing(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        item = a_stock_item(session, quantity=3)
        held(session, item, new_id())
        assert opening_stock(session, item, 3, "KU") == []
        assert [one.serial_number for one in opening_stock(session, item, 4, "KU")] == ["KU-0004"]
        with pytest.raises(Refused, match="out of range"):
            opening_stock(session, item, -1, "KU")


def test_a_depot_has_a_supplier_and_a_country(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        values = {"name": "D", "supplier_id": new_id(), "country": "XX", "latitude_deg": 0.0, "longitude_deg": 0.0}
        with pytest.raises(Refused) as refused:
            open_depot(session, checked(Depot, values), WORKER)
    assert {fault.field for fault in refused.value.faults} == {"/supplierId", "/country"}


def test_a_depot_lists_a_type_once(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        depot = a_depot(session, a_supplier(session))
        item = a_stock_item(session, depot=depot)
        values = item.model_dump() | {"id": new_id()}
        with pytest.raises(RuleRefused) as refused:
            list_item(session, checked(StockItem, values), WORKER)
        assert refused.value.faults[0].code == "listed"
        with pytest.raises(Refused) as refused_depot:
            list_item(session, checked(StockItem, values | {"depot_id": new_id()}), WORKER)
        assert refused_depot.value.faults[0].field == "/depotId"


def test_a_depot_and_its_list_are_corrected_but_the_terminals_stay_where_they_lie(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        depot = a_depot(session)
        item = a_stock_item(session, quantity=1, depot=depot)
        assert correct_depot(session, depot, {"latitudeDeg": -26.2}, WORKER).latitude_deg == -26.2
        assert correct_item(session, item, {"leadTimeDays": 40}, WORKER).lead_time_days == 40
        with pytest.raises(Refused, match="'QQ' is no country"), session.begin_nested():
            correct_depot(session, depot, {"country": "QQ"}, WORKER)
        with pytest.raises(RuleRefused, match="a depot stays with its supplier"), session.begin_nested():
            correct_depot(session, depot, {"supplierId": new_id()}, WORKER)
        for name in ("depotId", "terminalTypeId"):
            with pytest.raises(RuleRefused, match="its terminals lie there as they are"), session.begin_nested():
                correct_item(session, item, {name: new_id()}, WORKER)
