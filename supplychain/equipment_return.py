"""Returns: how a terminal comes back from a site, is inspected, and goes to the shelf, to its supplier or to scrap.

A return begins by itself when an order gives its terminal back, at the end of a service or when the order is undone;
or by hand, for a terminal that was found faulty. It ends with the inspection. Who still needs the terminal at its site
is known above: whoever does refuses `TerminalToBeReturned`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import Sequence as NumberSequence
from sqlmodel import Field, Session, SQLModel

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.entity import INSTANT, Entity, change, id_type, own, state_type
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference, reference
from satcom.enterprise.numbering import next_reference
from satcom.enterprise.party import operator_of
from satcom.supplychain.stock import StockedTerminal, StockState, note_terminal, terminal_numbered, terminal_of

RETURN_NUMBERS = NumberSequence("equipment_return_number", metadata=SQLModel.metadata)


class ReturnState(StrEnum):
    EXPECTED = "expected"
    ON_ITS_WAY = "onItsWay"
    RECEIVED = "received"
    AT_SUPPLIER = "atSupplier"
    RESTOCKED = "restocked"
    SCRAPPED = "scrapped"
    LOST = "lost"


# What an inspection may find, or the wait for a terminal end with, and where the terminal is then.
DECIDED: Final = {
    ReturnState.RESTOCKED: StockState.IN_STOCK,
    ReturnState.AT_SUPPLIER: StockState.AT_SUPPLIER,
    ReturnState.SCRAPPED: StockState.SCRAPPED,
    ReturnState.LOST: StockState.LOST,
}
BY_HAND: Final = frozenset({"carrier", "trackingNumber", "expectedDate", "state", "finding", "@type"})


class EquipmentReturn(Entity, table=True):
    """One terminal on its way back, until it was inspected. `finding` is what the inspection found."""

    __tablename__ = "equipment_return"

    reference: str = Field(unique=True, max_length=40)
    state: ReturnState = Field(default=ReturnState.EXPECTED, sa_type=state_type(ReturnState))
    stocked_terminal_id: str = Field(foreign_key="stocked_terminal.id", index=True, sa_type=id_type())
    serial_number: str = Field(index=True, max_length=100)
    terminal_type_name: str = Field(max_length=200)
    depot_id: str = Field(foreign_key="depot.id", sa_type=id_type())
    order_id: str | None = Field(default=None, index=True, sa_type=id_type())
    reason: str = Field(min_length=1, max_length=1000)
    carrier: str | None = Field(default=None, min_length=1, max_length=200)
    tracking_number: str | None = Field(default=None, min_length=1, max_length=100)
    expected_date: date | None = None
    return_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    finding: str | None = Field(default=None, min_length=1, max_length=1000)
    decided_by: str | None = Field(default=None, max_length=200)

    api: ClassVar = own("supplyChain/v1", "equipmentReturn", Capability.READ_SUPPLY)
    life_cycle: ClassVar = LifeCycle[ReturnState](
        ReturnState,
        ("expected", "onItsWay", "a carrier has it"),
        ("expected", "received", "it came to the depot"),
        ("expected", "lost", "it never came back"),
        ("onItsWay", "received", "it came to the depot"),
        ("onItsWay", "lost", "the carrier lost it"),
        ("received", "restocked", "it was inspected and is good"),
        ("received", "atSupplier", "it was inspected and is faulty"),
        ("received", "scrapped", "it was inspected and is not worth mending"),
        ("atSupplier", "received", "it came back from the supplier"),
        ("atSupplier", "scrapped", "the supplier kept it"),
        start=("expected", "atSupplier"),
    )


class NewReturn(OwnBody):
    """What a client sends to begin a return by hand."""

    serial_number: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=1000)


@dataclass(frozen=True)
class TerminalToBeReturned:
    """Whoever needs it at its site raises `RuleRefused`."""

    serial_number: str


def release_terminal(session: Session, order_id: str, because: str) -> None:
    """Take back what an order has: a held terminal is free again, an issued one is to come back.

    Nothing happens when it has none.
    """
    terminal = terminal_of(session, order_id)
    if terminal is None:
        return
    terminal.held_until = None
    terminal.held_for_party_id = None
    if terminal.state is StockState.ISSUED:
        _begin(session, terminal, because, ReturnState.EXPECTED)
        return
    move(terminal, StockState.IN_STOCK)
    terminal.order_id = None
    session.add(terminal)
    session.flush()


def begin_return(session: Session, wanted: NewReturn, by: Principal) -> EquipmentReturn:
    """Have a faulty terminal go from the depot to its supplier, or fetch one that no site needs any more.

    Raises `Refused` on a serial number that is not in the books, `WrongState` when the terminal is neither in stock nor
    at a site, `RuleRefused` when a site needs it.
    """
    terminal = terminal_numbered(session, wanted.serial_number)
    if terminal is None:
        why = f"no terminal {wanted.serial_number!r} is in the books"
        raise Refused("/serialNumber", why, "notFound", "the serial number of a terminal")
    if terminal.state is StockState.IN_STOCK:
        return _begin(session, terminal, wanted.reason, ReturnState.AT_SUPPLIER)
    if terminal.state is not StockState.ISSUED:
        why = f"{terminal.serial_number} is {terminal.state}"
        raise WrongState("/serialNumber", why, terminal.state, "a terminal that is inStock or issued")
    announce(session, TerminalToBeReturned(terminal.serial_number))
    return _begin(session, terminal, wanted.reason, ReturnState.EXPECTED)


def _begin(session: Session, terminal: StockedTerminal, reason: str, state: ReturnState) -> EquipmentReturn:
    begun = EquipmentReturn(
        reference=next_reference(session, RETURN_NUMBERS, "RT"),
        state=state,
        stocked_terminal_id=terminal.id,
        serial_number=terminal.serial_number,
        terminal_type_name=terminal.terminal_type_name,
        depot_id=terminal.depot_id,
        order_id=terminal.order_id,
        reason=reason[:1000],
        party_id=operator_of(session).organization_id,
    )
    session.add(begun)
    session.flush()
    where = StockState.IN_RETURN if state is ReturnState.EXPECTED else StockState.AT_SUPPLIER
    note_terminal(session, terminal, where, named_return(begun))
    return begun


def follow_return(
    session: Session, returned: EquipmentReturn, patch: dict[str, Json], by: Principal
) -> EquipmentReturn:
    """Note the carrier, or what the inspection found: `state` becomes restocked, atSupplier, scrapped or lost.

    Raises `RuleRefused` on what is not noted by hand, on a decision without its finding; `WrongState`.
    """
    for name in sorted(patch.keys() - BY_HAND):
        raise RuleRefused(f"/{name}", "it is not changed by hand", "fixed", ", ".join(sorted(BY_HAND - {"@type"})))
    before = returned.state
    decided = patch.get("state", before)
    if decided not in (before, *DECIDED):
        accepted = ", ".join(DECIDED)
        raise WrongState(
            "/state", f"{decided!r} is not noted by hand; what comes has a goods receipt", "byHand", accepted
        )
    change(returned, {name: value for name, value in patch.items() if name != "state"})
    if decided == before:
        if before is ReturnState.EXPECTED and returned.carrier is not None:
            move(returned, ReturnState.ON_ITS_WAY)
        session.flush()
        return returned
    to = ReturnState(str(decided))
    if "finding" not in patch or returned.finding is None:
        raise RuleRefused("/finding", f"what was found is not said, and it is to be {to}", "missing", "a sentence")
    move(returned, to)
    returned.decided_by = by.name
    terminal = find_for_update(session, StockedTerminal, returned.stocked_terminal_id)
    terminal.order_id = None
    note_terminal(session, terminal, DECIDED[to], named_return(returned))
    return returned


def receive_return(session: Session, returned: EquipmentReturn, serial_numbers: list[str], receipt: Reference) -> None:
    """It came to the depot, from its site or from its supplier, and is to be inspected.

    Raises `RuleRefused` on another serial number, `WrongState` when it is not to come.
    """
    if serial_numbers != [returned.serial_number]:
        why = f"{returned.reference} is the return of {returned.serial_number}"
        raise RuleRefused("/serialNumber/0", why, "notOnReturn", returned.serial_number)
    if returned.state is ReturnState.RECEIVED:
        raise WrongState("/equipmentReturn/id", f"{returned.reference} was received before", returned.state)
    move(returned, ReturnState.RECEIVED)
    session.add(returned)
    terminal = find_for_update(session, StockedTerminal, returned.stocked_terminal_id)
    terminal.order_id = None
    note_terminal(session, terminal, StockState.RETURNED, receipt)


def named_return(returned: EquipmentReturn) -> Reference:
    return reference(returned.id, "EquipmentReturn", returned.href, returned.reference)


routes = TmfRoutes(EquipmentReturn)
routes.patch(follow_return, may=Capability.SUPPLY)
routes.post(begin_return, may=Capability.SUPPLY, reads=NewReturn)
