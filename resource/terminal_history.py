"""The history of a terminal: every place and state from the supplier's dock to the site and back, by its serial number.

Nothing is kept for it: the change log says what happened to the terminal in the depots and at the sites, when, by whom
and by which document. Times are those of the business clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import Request, Response
from sqlmodel import Session, col, select

from satcom.core.change_log import Change
from satcom.core.database import find
from satcom.core.errors import NotFound, Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json, instant_text, reference
from satcom.resource.ground import Terminal
from satcom.supplychain.partner import Supplier
from satcom.supplychain.stock import Depot, StockedTerminal, StockState

PATH = "/satcom-api/supplyChain/v1/terminalHistory"
# States in which a terminal lies in no depot.
NOWHERE: Final = (
    StockState.SHIPPED,
    StockState.ISSUED,
    StockState.IN_RETURN,
    StockState.SCRAPPED,
    StockState.LOST,
)
routes = Routes("terminalHistory")


class NoSuchTerminal(Refused):
    status = 404


@dataclass(frozen=True)
class Occurrence:
    """What happened to a terminal once. `place` is empty for what is on its way, lost or scrapped."""

    sequence: int
    at: datetime
    state: str
    what: str
    by: str
    place: dict[str, Json] | None
    document: dict[str, Json] | None

    def wire(self) -> dict[str, Json]:
        told: dict[str, Json] = {"at": instant_text(self.at), "state": self.state, "what": self.what, "by": self.by}
        if self.place is not None:
            told["place"] = self.place
        if self.document is not None:
            told["document"] = self.document
        return told


def terminal_history(session: Session, serial_number: str) -> dict[str, Json]:
    """Where the terminal is, and all it went through, oldest first. Raises `NoSuchTerminal`."""
    known = select(StockedTerminal.id).where(StockedTerminal.serial_number == serial_number)
    terminal_id = session.exec(known).first() if serial_number.isprintable() else None
    try:
        terminal = find(session, StockedTerminal, terminal_id or "")
    except NotFound as error:
        why = f"no terminal {serial_number[:80]!r} is in the books"
        raise NoSuchTerminal("serialNumber", why, "notFound", "the serial number of a terminal") from error
    sites = session.exec(select(Terminal).where(Terminal.serial_number == serial_number)).all()
    found = [*_in_depots(session, terminal), *(one for site in sites for one in _at_site(session, site))]
    history: list[Json] = [one.wire() for one in sorted(found, key=lambda one: one.sequence)]
    return {
        "serialNumber": terminal.serial_number,
        "terminalType": terminal.terminal_type_name,
        "stockedTerminal": reference(terminal.id, "StockedTerminal", terminal.href).wire(),
        "history": history,
    }


def _in_depots(session: Session, terminal: StockedTerminal) -> Iterator[Occurrence]:
    depot = find(session, Depot, terminal.depot_id)
    supplier = find(session, Supplier, depot.supplier_id)
    shelf = reference(depot.id, "Depot", depot.href, depot.name).wire() | _at(depot)
    places = dict.fromkeys(StockState, shelf) | dict.fromkeys(NOWHERE)
    places[StockState.AT_SUPPLIER] = reference(supplier.id, "Supplier", supplier.href, supplier.name).wire()
    for change, values in _moves(session, terminal):
        order_id = values.get("orderId") or (change.before or {}).get("orderId")
        document = values.get("document") or _order(change, order_id)
        yield _occurrence(change, terminal, values["state"], places[StockState(values["state"])], document)


def _at_site(session: Session, site: Terminal) -> Iterator[Occurrence]:
    """From the change on in which the terminal was mounted there."""
    place = reference(site.id, "Terminal", site.href, site.name).wire() | _at(site)
    for change, values in _moves(session, site):
        if values.get("serialNumber") == site.serial_number:
            yield _occurrence(change, site, values["state"], place, _order(change, values.get("orderId")))


def _moves(session: Session, entity: StockedTerminal | Terminal) -> Iterator[tuple[Change, dict[str, Any]]]:
    """The changes of its state, each with the values that it had right after."""
    of_it = select(Change).where(Change.entity_id == entity.id).order_by(col(Change.sequence))
    values: dict[str, Any] = {}
    for change in session.exec(of_it):
        after = change.after or {}
        listed = after.get(entity.characteristic_field or "", [])  # a new row is logged as its body
        values |= after | {one["name"]: one.get("value") for one in listed}
        if change.before is None or "state" in after:
            yield change, values


def _occurrence(
    change: Change,
    entity: StockedTerminal | Terminal,
    state: str,
    place: dict[str, Json] | None,
    document: dict[str, Json] | None,
) -> Occurrence:
    before, cycle = (change.before or {}).get("state"), entity.life_cycle
    what = "it was entered in the books" if before is None else cycle.why(cycle.states(before), cycle.states(state))
    return Occurrence(change.sequence, change.business_at, state, what, change.by, place, document)


def _order(change: Change, order_id: str | None) -> dict[str, Json] | None:
    if order_id is None:
        return None
    return reference(order_id, "ProductOrder", name=change.order_reference).wire()


def _at(place: Depot | Terminal) -> dict[str, Json]:
    return {"latitudeDeg": place.latitude_deg, "longitudeDeg": place.longitude_deg}


@routes.on(
    "GET",
    PATH,
    name="read terminalHistory",
    openapi_extra={"responses": refusals("404")},
    first=who_may(Capability.READ_SUPPLY),
)
def read_terminal_history(request: Request, serialNumber: str) -> Response:  # noqa: N803 (the name on the wire)
    """Every place and state of a terminal, oldest first, with the instant and the document."""
    with database_of(request).request(token_of(request)) as (session, _):
        return json_response(terminal_history(session, serialNumber))
