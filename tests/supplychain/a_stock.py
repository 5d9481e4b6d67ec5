"""A supplier with a depot, as tests need them."""

from sqlmodel import Session

from satcom.core.entity import checked, new_id
from satcom.core.security import WORKER
from satcom.supplychain.partner import Supplier, engage_supplier
from satcom.supplychain.stock import Depot, StockItem, list_item, open_depot, opening_stock
from tests.enterprise.an_operator import an_organization


def a_supplier(session: Session, name: str = "Highveld Terminals") -> Supplier:
    """Needs an operator."""
    values = {"organization_id": an_organization(session, name).id, "country": "ZA", "currency": "USD"}
    return engage_supplier(session, checked(Supplier, values), WORKER)


def a_depot(session: Session, supplier: Supplier | None = None, name: str = "Johannesburg") -> Depot:
    seller = supplier or a_supplier(session)
    values = {"name": name, "supplier_id": seller.id, "country": "ZA", "latitude_deg": -26.1, "longitude_deg": 28.2}
    return open_depot(session, checked(Depot, values), WORKER)


def a_stock_item(
    session: Session, quantity: int = 0, depot: Depot | None = None, lead_time_days: int = 28, type_id: str = ""
) -> StockItem:
    """A terminal type in a depot, with terminals numbered KU-0001 and up."""
    values = {
        "depot_id": (depot or a_depot(session)).id,
        "terminal_type_id": type_id or new_id(),
        "terminal_type_name": "Ku 1.80 m, 8 W",
        "lead_time_days": lead_time_days,
    }
    item = list_item(session, checked(StockItem, values), WORKER)
    opening_stock(session, item, quantity, "KU")
    return item
