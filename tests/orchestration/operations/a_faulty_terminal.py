"""A service in use at a site, and another terminal of the type that stands there."""

from sqlmodel import Session

from satcom.core.entity import checked, new_id
from satcom.core.life_cycle import move
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.resource.ground import Terminal, TerminalState, install_terminal, move_terminal, plan_terminal
from satcom.service.inventory import ServiceState
from satcom.supplychain.stock import receive_stock
from tests.resource.a_network import a_terminal_type
from tests.service.a_service import a_service
from tests.supplychain.a_stock import a_stock_item


def a_swap_body(session: Session) -> dict[str, Json]:
    """What a field engineer sends who has the other one with him."""
    service, kind = a_service(session), a_terminal_type(session)
    for state in (ServiceState.RESERVED, ServiceState.INACTIVE, ServiceState.ACTIVE):
        move(service, state)
    values = {
        "name": "Terminal of the mine",
        "terminal_type_id": kind.id,
        "order_id": service.order_id,
        "latitude_deg": -10.7,
        "longitude_deg": 25.4,
    }
    site = plan_terminal(session, checked(Terminal, values), WORKER)
    install_terminal(session, site, f"SN-{new_id()}", WORKER)
    move_terminal(session, site, TerminalState.IN_SERVICE, WORKER)
    [other] = receive_stock(session, a_stock_item(session, type_id=kind.id), [f"SN-{new_id()}"])
    session.flush()
    return {"serviceId": service.id, "serialNumber": other.serial_number, "reason": "its BUC does not transmit"}
