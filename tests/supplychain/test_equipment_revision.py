"""What was on its way back, and what had come, before returns and shipments were kept is found by them."""

from sqlmodel import select

from satcom.core import migration
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.supplychain.equipment_return import EquipmentReturn, ReturnState, release_terminal
from satcom.supplychain.procurement import PurchaseOrder, order_terminal, receive
from satcom.supplychain.stock import StockedTerminal, StockState, issue_terminal
from tests.enterprise.an_operator import an_operator
from tests.postgres_server import drop_database, new_database
from tests.supplychain.a_stock import a_stock_item

BEFORE_RETURNS = "0006"


def test_a_terminal_on_its_way_back_has_a_return_after_the_upgrade(postgres: str) -> None:
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, connections=2)
    with database.as_worker() as session:
        an_operator(session)
        order_id = new_id()
        purchase = order_terminal(session, order_id, a_stock_item(session).terminal_type_id)
        receive(session, purchase, ["SN-1"])
        issue_terminal(session, order_id)
        release_terminal(session, order_id, "ended by its order")
    database.close()
    migration.downgrade(url, BEFORE_RETURNS)
    migration.upgrade(url)
    database = Database(url, connections=2)
    with database.as_worker() as session:
        terminal, returned = session.exec(select(StockedTerminal)).one(), session.exec(select(EquipmentReturn)).one()
        assert (terminal.state, terminal.serial_number) == (StockState.IN_RETURN, "SN-1")
        assert (returned.state, returned.serial_number, returned.stocked_terminal_id, returned.order_id) == (
            ReturnState.EXPECTED,
            "SN-1",
            terminal.id,
            order_id,
        )
        assert session.exec(select(PurchaseOrder)).one().received_quantity == 1
    database.close()
    drop_database(url)
