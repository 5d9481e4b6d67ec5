"""Stock: which terminals lie in which depot of which supplier, one row for each serial number.

A terminal is held for an order and issued to its site. The lowest free serial number goes first. Many orders may ask at
once: each takes another row or none, and none waits. A hold that ran out counts as free.
What a terminal type is, the layer above knows; here are its id and its name. What is on order is
`supplychain.procurement`, what is on its way `supplychain.shipment`, what comes back `supplychain.equipment_return`.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeVar

from pydantic import FiniteFloat
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, and_, or_, text
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Field, Session, col, func, select

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, own, state_type
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused, WrongState
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference
from satcom.enterprise.party import operator_of
from satcom.supplychain.partner import Supplier, country_faults

MAX_SERIAL_NUMBERS = 1000
MAX_LEAD_TIME_DAYS = 1000
Kept = TypeVar("Kept", bound=Entity)


class Depot(Entity, table=True):
    """A place where a supplier keeps terminals."""

    __tablename__ = "depot"

    name: str = Field(min_length=1, max_length=200)
    supplier_id: str = Field(foreign_key="supplier.id", index=True, sa_type=id_type())
    country: str = Field(max_length=2)
    latitude_deg: FiniteFloat = Field(ge=-90, le=90)
    longitude_deg: FiniteFloat = Field(ge=-180, le=180)
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = own("supplyChain/v1", "depot", Capability.READ_SUPPLY)


class StockItem(Entity, table=True):
    """A terminal type that a depot keeps, and how long it takes to come when none is left."""

    __tablename__ = "stock_item"
    __table_args__ = (UniqueConstraint("depot_id", "terminal_type_id", name="depot_lists_a_type_once"),)

    depot_id: str = Field(foreign_key="depot.id", index=True, sa_type=id_type())
    terminal_type_id: str = Field(index=True, sa_type=id_type())
    terminal_type_name: str = Field(min_length=1, max_length=200)
    lead_time_days: int = Field(ge=0, le=MAX_LEAD_TIME_DAYS)
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = own("supplyChain/v1", "stockItem", Capability.READ_SUPPLY)


class StockState(StrEnum):
    SHIPPED = "shipped"
    IN_STOCK = "inStock"
    HELD = "held"
    ISSUED = "issued"
    IN_RETURN = "inReturn"
    RETURNED = "returned"
    AT_SUPPLIER = "atSupplier"
    SCRAPPED = "scrapped"
    LOST = "lost"


class StockedTerminal(Entity, table=True):
    """One terminal. A hold without `held_until` has no end: the terminal was bought for that order.

    `document` is what last moved it: a shipment, a goods receipt, a return; none where that was the order. Where it was
    before, the change log knows.
    """

    __tablename__ = "stocked_terminal"
    __table_args__ = (
        CheckConstraint("state NOT IN ('held', 'issued') OR order_id IS NOT NULL", name="taken_for_an_order"),
        Index(
            "one_terminal_of_a_type_per_order",
            "order_id",
            "terminal_type_id",
            unique=True,
            postgresql_where=text("state IN ('held', 'issued')"),
        ),
        Index("free_terminals", "terminal_type_id", "serial_number", postgresql_where=text("state <> 'issued'")),
    )

    serial_number: str = Field(unique=True, min_length=1, max_length=100)
    stock_item_id: str = Field(foreign_key="stock_item.id", index=True, sa_type=id_type())
    depot_id: str = Field(foreign_key="depot.id", index=True, sa_type=id_type())
    terminal_type_id: str = Field(sa_type=id_type())
    terminal_type_name: str = Field(max_length=200)
    state: StockState = Field(default=StockState.IN_STOCK, sa_type=state_type(StockState))
    order_id: str | None = Field(default=None, index=True, sa_type=id_type())
    held_for_party_id: str | None = Field(default=None, sa_type=id_type())
    held_until: datetime | None = Field(default=None, sa_type=INSTANT)
    document: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    illustrative: bool = Field(default=False)

    api: ClassVar = own("supplyChain/v1", "stockedTerminal", Capability.READ_SUPPLY)
    life_cycle: ClassVar = LifeCycle[StockState](
        StockState,
        ("shipped", "inStock", "it came to the depot"),
        ("shipped", "lost", "it never came"),
        ("inStock", "held", "an order wants it"),
        ("held", "inStock", "the order was refused or cancelled, or the hold ran out"),
        ("held", "issued", "it left for the site"),
        ("issued", "inReturn", "it is to come back from the site"),
        ("inReturn", "returned", "it lies in a depot again and is to be inspected"),
        ("inReturn", "lost", "it never came back"),
        ("returned", "inStock", "it was inspected and is good"),
        ("returned", "atSupplier", "it is faulty and went to the supplier"),
        ("returned", "scrapped", "it is not worth mending"),
        ("inStock", "atSupplier", "it was found faulty in the depot"),
        ("atSupplier", "returned", "it came back from the supplier"),
        ("atSupplier", "scrapped", "the supplier kept it"),
        start=("inStock", "shipped"),
    )


def open_depot(session: Session, depot: Depot, by: Principal) -> Depot:
    """Note where a supplier keeps terminals. Raises `Refused` on a supplier or country that does not exist."""
    faults = country_faults(depot.country)
    if not _is_there(session, Supplier, depot.supplier_id):
        faults.append(Fault("/supplierId", f"there is no supplier {depot.supplier_id[:80]!r}", "notFound"))
    if faults:
        raise Refused.all(faults)
    return _kept_by_operator(session, depot)


def correct_depot(session: Session, depot: Depot, patch: dict[str, Json], by: Principal) -> Depot:
    """Correct it. Raises `Refused` on a country that does not exist, `RuleRefused` on another supplier."""
    supplier_id = depot.supplier_id
    change(depot, patch)
    if depot.supplier_id != supplier_id:
        raise RuleRefused("/supplierId", "a depot stays with its supplier; open another", "fixed", supplier_id)
    faults = country_faults(depot.country)
    if faults:
        raise Refused.all(faults)
    session.flush()
    return depot


def list_item(session: Session, item: StockItem, by: Principal) -> StockItem:
    """Note that a depot keeps a terminal type.

    Raises `Refused` on a depot that does not exist, `RuleRefused` when the depot lists the type already.
    """
    if not _is_there(session, Depot, item.depot_id):
        raise Refused("/depotId", f"there is no depot {item.depot_id[:80]!r}", "notFound", "the id of a depot")
    where = (col(StockItem.depot_id) == item.depot_id) & (col(StockItem.terminal_type_id) == item.terminal_type_id)
    known = session.exec(select(StockItem).where(where)).first()
    if known is not None:
        why = f"the depot lists {known.terminal_type_name} already"
        raise RuleRefused("/terminalTypeId", why, "listed", known.id)
    return _kept_by_operator(session, item)


def correct_item(session: Session, item: StockItem, patch: dict[str, Json], by: Principal) -> StockItem:
    """Correct its lead time or remarks. Raises `RuleRefused` on what its terminals rest on: depot and type."""
    before = {"depotId": item.depot_id, "terminalTypeId": item.terminal_type_id}
    change(item, patch)
    after = {"depotId": item.depot_id, "terminalTypeId": item.terminal_type_id}
    for name, value in before.items():
        if after[name] != value:
            raise RuleRefused(f"/{name}", "its terminals lie there as they are; list another item", "fixed", value)
    session.flush()
    return item


def receive_stock(
    session: Session, item: StockItem, serial_numbers: Sequence[str], document: Reference | None = None
) -> list[StockedTerminal]:
    """Put new terminals on the shelf. Raises `Refused` with every serial number that is wrong or known already."""
    check_serial_numbers(session, serial_numbers)
    received = [new_terminal(item, number, document) for number in serial_numbers]
    session.add_all(received)
    session.flush()
    return received


def opening_stock(session: Session, item: StockItem, quantity: int, prefix: str) -> list[StockedTerminal]:
    """As many terminals as a depot begins with, numbered `PREFIX-0001` and up; those that are there stay.

    Doing it again does nothing; it never takes terminals away.
    """
    if not 0 <= quantity <= MAX_SERIAL_NUMBERS:
        raise Refused("/quantity", f"{quantity} is out of range", "outOfRange", f"0 to {MAX_SERIAL_NUMBERS}")
    wanted = [f"{prefix}-{number:04d}" for number in range(1, quantity + 1)]
    known = set(_known_serial_numbers(session, wanted))
    added = [new_terminal(item, number) for number in wanted if number not in known]
    session.add_all(added)
    session.flush()
    return added


def new_terminal(
    item: StockItem, serial_number: str, document: Reference | None = None, state: StockState = StockState.IN_STOCK
) -> StockedTerminal:
    """A terminal of the item's type, in its depot or on its way there. The caller adds it to the session."""
    return StockedTerminal(
        serial_number=serial_number,
        state=state,
        document=document,
        stock_item_id=item.id,
        depot_id=item.depot_id,
        terminal_type_id=item.terminal_type_id,
        terminal_type_name=item.terminal_type_name,
        illustrative=item.illustrative,
        party_id=item.party_id,
    )


def check_serial_numbers(session: Session, serial_numbers: Sequence[str]) -> None:
    """Raises as `check_written`, and `RuleRefused` with each that is known already."""
    check_written(serial_numbers)
    known = set(_known_serial_numbers(session, serial_numbers))
    faults = [
        Fault(f"/serialNumber/{index}", f"a terminal {number!r} is in the books already", "serialKnown")
        for index, number in enumerate(serial_numbers)
        if number in known
    ]
    if faults:
        raise RuleRefused.all(faults)


def check_written(serial_numbers: Sequence[str]) -> None:
    """Raises `Refused` when there is none, with each that is no serial number or twice there."""
    if not 1 <= len(serial_numbers) <= MAX_SERIAL_NUMBERS:
        why = f"{len(serial_numbers)} serial numbers"
        raise Refused("/serialNumber", why, "cardinality", f"1 to {MAX_SERIAL_NUMBERS}")
    faults = []
    for index, number in enumerate(serial_numbers):
        if not 1 <= len(number) <= 100 or not number.isprintable() or number != number.strip():
            why = "it is no serial number"
            faults.append(Fault(f"/serialNumber/{index}", why, "invalid", "1 to 100 printable characters"))
        elif number in serial_numbers[:index]:
            faults.append(Fault(f"/serialNumber/{index}", f"{number!r} is there twice", "duplicate"))
    if faults:
        raise Refused.all(faults)


def hold_terminal(
    session: Session, terminal_type_id: str, order_id: str, party_id: str | None, until: datetime | None
) -> StockedTerminal | None:
    """Hold the free terminal with the lowest serial number for an order; `None` when there is none.

    Asked again for the same order, it gives the same terminal and extends its hold to `until`; what was bought for the
    order keeps its hold without end. Raises `RuleRefused` on `holdUntil` when it is over.
    """
    if until is not None and until <= now():
        raise RuleRefused("holdUntil", f"{until.isoformat()} is over", "holdInPast", f"after {now().isoformat()}")
    taken = terminal_of(session, order_id, terminal_type_id)
    if taken is not None:
        if taken.state is StockState.HELD and taken.held_until is not None:
            taken.held_until = until
            session.add(taken)
            session.flush()
        return taken
    of_type = col(StockedTerminal.terminal_type_id) == terminal_type_id
    query = select(StockedTerminal).where(of_type, is_free(now())).order_by(col(StockedTerminal.serial_number)).limit(1)
    free = session.exec(
        query.with_for_update(skip_locked=True).execution_options(
            populate_existing=True
        )  # nobody waits for a neighbour
    ).first()
    if free is None:
        return None
    return _hold(session, free, order_id, party_id, until)


def hold_received(session: Session, terminal: StockedTerminal, order_id: str, party_id: str | None) -> StockedTerminal:
    """Keep a terminal that was bought for an order, without end."""
    return _hold(session, terminal, order_id, party_id, None)


def hold_numbered(
    session: Session, serial_number: str, terminal_type_id: str, order_id: str, party_id: str | None
) -> StockedTerminal:
    """Keep this one terminal, without end.

    Raises `Refused` on `/serialNumber` when it is not in the books, `RuleRefused` when it is of another type,
    `WrongState` when it is not free.
    """
    terminal = terminal_numbered(session, serial_number)
    if terminal is None:
        why = f"no terminal {serial_number[:80]!r} is in the books"
        raise Refused("/serialNumber", why, "notFound", "the serial number of a terminal in stock")
    if terminal.terminal_type_id != terminal_type_id:
        why = f"{serial_number} is a {terminal.terminal_type_name}"
        raise RuleRefused("/serialNumber", why, "otherType", "one of the type that stands at the site")
    ran_out = terminal.held_until is not None and terminal.held_until <= now()
    if terminal.state is not StockState.IN_STOCK and not (terminal.state is StockState.HELD and ran_out):
        raise WrongState("/serialNumber", f"{serial_number} is {terminal.state}", terminal.state, StockState.IN_STOCK)
    return _hold(session, terminal, order_id, party_id, None)


def is_free(at: datetime) -> ColumnElement[bool]:
    """The terminals that an order may have at `at`."""
    held, until = col(StockedTerminal.state) == StockState.HELD, col(StockedTerminal.held_until)
    return or_(col(StockedTerminal.state) == StockState.IN_STOCK, and_(held, until <= at))


def free_terminals(session: Session, terminal_type_ids: Sequence[str]) -> dict[str, int]:
    """How many terminals of each type are free now. One statement; types without any are 0."""
    wanted = col(StockedTerminal.terminal_type_id).in_(terminal_type_ids)
    query = (
        select(StockedTerminal.terminal_type_id, func.count())
        .where(wanted, is_free(now()))
        .group_by(col(StockedTerminal.terminal_type_id))
    )
    return dict.fromkeys(terminal_type_ids, 0) | dict(session.exec(query).all())


def terminal_of(session: Session, order_id: str, terminal_type_id: str | None = None) -> StockedTerminal | None:
    """The terminal that is held for or issued to an order, locked; `None` when there is none."""
    taken = col(StockedTerminal.state).in_([StockState.HELD, StockState.ISSUED])
    query = select(StockedTerminal).where(taken, StockedTerminal.order_id == order_id)
    if terminal_type_id is not None:
        query = query.where(StockedTerminal.terminal_type_id == terminal_type_id)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()


def issue_terminal(session: Session, order_id: str) -> StockedTerminal:
    """The order's terminal leaves for its site. Again, it gives the same one.

    Raises `RuleRefused` on `terminal` when none is held for the order.
    """
    terminal = terminal_of(session, order_id)
    if terminal is None:
        raise RuleRefused("terminal", f"no terminal is held for order {order_id}", "noTerminal", "hold one first")
    move(terminal, StockState.ISSUED)
    terminal.held_until = None
    session.add(terminal)
    session.flush()
    return terminal


def pass_on_terminal(session: Session, from_order: str, to_order: str) -> StockedTerminal | None:
    """A terminal that stays where it is when another order takes over what it serves. Again, it does nothing."""
    terminal = terminal_of(session, from_order)
    if terminal is not None:
        terminal.order_id = to_order
        session.add(terminal)
        session.flush()
    return terminal


def note_terminal(
    session: Session, terminal: StockedTerminal, state: StockState, document: Reference
) -> StockedTerminal:
    """Note where a terminal is now and by which document. Raises `WrongState`."""
    move(terminal, state)
    terminal.document = document
    session.add(terminal)
    session.flush()
    return terminal


def terminal_numbered(session: Session, serial_number: str) -> StockedTerminal | None:
    """The terminal of this serial number, locked."""
    query = select(StockedTerminal).where(StockedTerminal.serial_number == serial_number)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()


def _hold(
    session: Session, terminal: StockedTerminal, order_id: str, party_id: str | None, until: datetime | None
) -> StockedTerminal:
    move(terminal, StockState.HELD)
    terminal.order_id, terminal.held_for_party_id, terminal.held_until = order_id, party_id, until
    terminal.document = None  # it is the order
    session.add(terminal)
    session.flush()
    return terminal


def _known_serial_numbers(session: Session, serial_numbers: Sequence[str]) -> Sequence[str]:
    known = col(StockedTerminal.serial_number).in_(serial_numbers)
    return session.exec(select(StockedTerminal.serial_number).where(known)).all()


def _is_there(session: Session, kind: type[Entity], identifier: str) -> bool:
    try:
        find(session, kind, identifier)
    except NotFound:
        return False
    return True


def _kept_by_operator(session: Session, entity: Kept) -> Kept:
    entity.party_id = operator_of(session).organization_id
    session.add(entity)
    session.flush()
    return entity


depot_routes = TmfRoutes(Depot)
stock_item_routes = TmfRoutes(StockItem)
stocked_terminal_routes = TmfRoutes(StockedTerminal)
