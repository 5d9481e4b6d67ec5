"""Reservations: everything an order needs of the network, held together: all or none.

A reservation takes slots with their power, shares of pools and constellations, hub ports and a terminal in stock until
an instant. By then it is assigned, extended by who has the right, or it ends and everything is free. What ended counts
as free at once; the sweep writes it down and announces it. A terminal that is not in stock does not refuse the
reservation: it is bought.
Held by hand, capacity takes power in proportion to its bandwidth, as leases do.
Words: TMF685 (`held`, `completed` when assigned, `cancelled` when given back, `failed` when it ran out).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import ClassVar

from sqlalchemy import Index, bindparam, or_, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, new_id, state_type, tmf
from satcom.core.errors import NotAllowed, Refused, RuleRefused
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal, Role
from satcom.core.values import RelatedParty, TimePeriod
from satcom.resource import hold
from satcom.resource.carrier_pool import CarrierPool, PoolShare, WantedShare, find_share
from satcom.resource.constellation_holding import WantedPassage, find_beams, plan_passage
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import EXPIRED, Hold, Owner, Period, check_until
from satcom.resource.hub import HubPortAssignment, find_port
from satcom.resource.locked_network import LockedNetwork, lock_held, lock_network
from satcom.resource.payload import Transponder
from satcom.resource.reservation_item import ReservationItem, items_held
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import SlotReserved, SpectrumAssignment, WantedSlot, find_slot, taken_of
from satcom.supplychain.equipment_return import release_terminal
from satcom.supplychain.stock import StockedTerminal, StockState, hold_terminal, terminal_of

MAY_EXTEND = frozenset({Role.NOC, Role.PROVISIONING, Role.ADMINISTRATOR})


class ReservationState(StrEnum):
    """The states of TMF685 `ReservationStateType` that a reservation here can have."""

    HELD = "held"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Reservation(Entity, table=True):
    """What is held of the network for one order. It belongs to the party that the order is for."""

    __tablename__ = "reservation"
    __table_args__ = (
        Index("reservations_to_expire", "hold_until", postgresql_where=text("state = 'held'")),
        Index(
            "reserved_once_for_an_order",
            "order_id",
            unique=True,
            postgresql_where=text("state IN ('held', 'completed')"),
        ),
    )

    state: ReservationState = Field(default=ReservationState.HELD, sa_type=state_type(ReservationState))
    reservation_item: list[ReservationItem] = Field(default_factory=list, sa_type=JsonOf(list[ReservationItem]))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    reservation_period: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))
    valid_for: TimePeriod | None = Field(default=None, sa_type=JsonOf(TimePeriod))
    creation_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    state_change_date: datetime | None = Field(default=None, sa_type=INSTANT)
    state_change_reason: str | None = Field(default=None, max_length=1000)
    order_id: str | None = Field(default=None, index=True, sa_type=id_type())
    order_reference: str | None = Field(default=None, max_length=100)
    held_by: str | None = None
    hold_until: datetime | None = Field(default=None, sa_type=INSTANT)

    api: ClassVar = tmf("TMF685", "Reservation", Capability.READ_RESERVATIONS)
    private: ClassVar[frozenset[str]] = frozenset({"hold_until"})  # it goes out as validFor
    life_cycle: ClassVar = LifeCycle[ReservationState](
        ReservationState,
        ("held", "completed", "the order goes ahead: everything is assigned"),
        ("held", "cancelled", "given back"),
        ("held", "failed", "the hold ran out"),
        ("completed", "cancelled", "the order was undone, or the service ended"),
    )


@dataclass(frozen=True)
class Wanted:
    """What an order needs of the network in a period: slots, shares, a port of each of the hubs, a terminal.

    `passage`: its shares of a constellation.

    `until_ended`: it is held past the period, until somebody gives it back; a service does not end with its term.
    `instead_of`: what the service has, and will let go of when it has this; only the difference has to be free.
    """

    owner: Owner
    period: Period
    slots: tuple[WantedSlot, ...] = ()
    hub_ids: tuple[str, ...] = ()
    terminal_type_id: str | None = None
    until_ended: bool = False
    shares: tuple[WantedShare, ...] = ()
    instead_of: "Held | None" = None
    passage: WantedPassage | None = None

    @property
    def held_period(self) -> Period:
        return Period(self.period.start_at) if self.until_ended else self.period


@dataclass(frozen=True)
class ReservationExpired:
    """Told to the layers above when a reservation ended by itself."""

    reservation_id: str
    order_id: str | None


@dataclass(frozen=True)
class Held:
    """What a reservation holds."""

    slots: Sequence[SpectrumAssignment]
    ports: Sequence[HubPortAssignment]
    shares: Sequence[PoolShare]
    terminal: StockedTerminal | None
    passages: Sequence[ConstellationShare] = ()

    @property
    def holds(self) -> list[Hold]:
        return [*self.slots, *self.ports, *self.shares, *self.passages]


def reserve(session: Session, wanted: Wanted, until: datetime, by: Principal) -> Reservation:
    """Hold everything in `wanted` until `until`, or nothing.

    Raises `RuleRefused` with `satelliteNotInService`, `noContiguousSlot`, `noPower`, `noHubPort`, `noCommittedRate`,
    `poolContended`, `noBeamBandwidth` or `noGatewayBandwidth`, and what is left; with `alreadyReserved` when the order
    has a reservation.
    """
    asked_at = now()
    check_until(until)
    if not wanted.slots and not wanted.shares and not wanted.hub_ids and wanted.passage is None:
        raise Refused("/reservationItem", "nothing of the network is asked for", "missing", "a slot or a hub port")
    if wanted.passage is not None:
        plan_passage(session, wanted.passage)
    with _once_for_an_order(wanted.owner), session.begin_nested():
        reservation = _new(wanted, until, by, asked_at)
        # whoever moves a satellite's date waits, or we do
        locked = lock_network(
            session,
            [one.transponder_id for one in wanted.slots],
            wanted.hub_ids,
            [one.pool_id for one in wanted.shares],
            [wanted.passage.constellation_id] if wanted.passage is not None else [],
        )
        _check_in_service(session, wanted)
        found, owner = _find_room(session, locked, wanted, until, reservation.id), wanted.owner
        terminal = None
        if wanted.terminal_type_id is not None and owner.order_id is not None:
            terminal = hold_terminal(session, wanted.terminal_type_id, owner.order_id, owner.party_id, until)
        reservation.reservation_item = items_held(
            found.slots, found.ports, found.shares, found.passages, wanted.terminal_type_id, terminal
        )
        session.add(reservation)
        hold.keep(session, found.holds)
        for slot in found.slots:
            announce(session, SlotReserved(slot.id, owner.order_id))
    return reservation


def _find_room(session: Session, locked: LockedNetwork, wanted: Wanted, until: datetime, reservation_id: str) -> Held:
    """What is to be held; nothing is written yet."""
    period, old = wanted.held_period, wanted.instead_of or Held([], [], [], None)
    whose = (period, wanted.owner, until, reservation_id)
    there = {one: taken_of(session, one, period) for one in locked.transponders}
    slots: list[SpectrumAssignment] = []
    # the wider first: then two slots find room on one transponder whenever there is room for both
    for one in sorted(wanted.slots, key=lambda one: -one.bandwidth_hz):
        taken = there[one.transponder_id]
        slots.append(find_slot(locked.transponders[one.transponder_id], taken, one, *whose, old.slots))
        # whatever place it takes: what is held together never stands aside for each other
        taken.append(replace(slots[-1].taken, line=None))
    old_port = {one.hub_id: one for one in old.ports}
    ports = [find_port(session, hub, *whose, old_port.get(hub.id)) for hub in locked.hubs.values()]
    old_share = {one.carrier_pool_id: one for one in old.shares}
    in_order = sorted(wanted.shares, key=lambda one: one.pool_id)
    shares = [
        find_share(session, locked.pools[one.pool_id], one, *whose, old_share.get(one.pool_id)) for one in in_order
    ]
    passages: list[ConstellationShare] = []
    if wanted.passage is not None:
        whole = locked.constellations[wanted.passage.constellation_id]
        passages = find_beams(session, whole, wanted.passage, *whose, old.passages)
    return Held(slots, ports, shares, None, passages)


def held_by_reservation(session: Session, reservation: Reservation) -> Held:
    """What a reservation holds, or held until it was released; slots forward before return."""
    of_slot = select(SpectrumAssignment).where(SpectrumAssignment.reservation_id == reservation.id)
    of_port = select(HubPortAssignment).where(HubPortAssignment.reservation_id == reservation.id)
    slots = session.exec(of_slot.order_by(col(SpectrumAssignment.direction), col(SpectrumAssignment.start_hz))).all()
    terminal = terminal_of(session, reservation.order_id) if reservation.order_id else None
    of_share = select(PoolShare).where(PoolShare.reservation_id == reservation.id).order_by(col(PoolShare.id))
    of_passage = select(ConstellationShare).where(ConstellationShare.reservation_id == reservation.id)
    passages = session.exec(of_passage.order_by(col(ConstellationShare.cell), col(ConstellationShare.id))).all()
    return Held(slots, session.exec(of_port).all(), session.exec(of_share).all(), terminal, passages)


def reservation_of(session: Session, order_id: str) -> Reservation | None:
    """What is held of the network for an order; `None` before, and after it was given back."""
    in_force = col(Reservation.state).in_([ReservationState.HELD, ReservationState.COMPLETED])
    return session.exec(select(Reservation).where(Reservation.order_id == order_id, in_force)).first()


def extend(session: Session, reservation: Reservation, until: datetime, by: Principal) -> Reservation:
    """Hold longer. Only who holds it, the NOC and provisioning may; not after it ended.

    Raises `NotAllowed`; `RuleRefused` on `validFor` when the reservation ended or `until` is over.
    """
    check_right(reservation, by)
    held = lock_with_holds(session, reservation)
    _check_alive(reservation, "extended")
    check_until(until)
    for one in held.holds:
        one.hold_until = until
        session.add(one)
    if held.terminal is not None and held.terminal.state is StockState.HELD and reservation.order_id is not None:
        hold_terminal(
            session, held.terminal.terminal_type_id, reservation.order_id, held.terminal.held_for_party_id, until
        )
    _note_until(reservation, until)
    session.add(reservation)
    session.flush()
    return reservation


def check_right(reservation: Reservation, by: Principal) -> None:
    """Who holds a reservation may extend it and give it back; so may NOC and provisioning. Else `NotAllowed`."""
    if by.name != reservation.held_by and not MAY_EXTEND & by.roles:
        raise NotAllowed(f"{by.name} does not hold this reservation; {reservation.held_by}, NOC or provisioning may")


def assign(session: Session, reservation: Reservation) -> Held:
    """The order goes ahead: every hold becomes an assignment without end of hold. Doing it again does nothing.

    Raises `RuleRefused` when the reservation ended before, `WrongState` when it was given back.
    """
    held = lock_with_holds(session, reservation)
    if reservation.state is ReservationState.COMPLETED:
        return held
    if reservation.state is not ReservationState.CANCELLED:
        _check_alive(reservation, "assigned")
    _move(reservation, ReservationState.COMPLETED, "the order goes ahead")
    hold.assign(session, held.holds)
    if held.terminal is not None and held.terminal.state is StockState.HELD and reservation.order_id is not None:
        hold_terminal(
            session, held.terminal.terminal_type_id, reservation.order_id, held.terminal.held_for_party_id, None
        )
    _note_until(reservation, None)
    session.add(reservation)
    session.flush()
    return held


def release(session: Session, reservation: Reservation, because: str) -> None:
    """Give everything back. Doing it again does nothing."""
    held = lock_with_holds(session, reservation)
    if reservation.state in (ReservationState.HELD, ReservationState.COMPLETED):
        _give_back(session, reservation, held, ReservationState.CANCELLED, because)


def expire_due(session: Session, at: datetime | None = None, limit: int = 100) -> list[str]:
    """End the reservations whose time is over, and announce each. Gives their ids; fewer than `limit`: none is left."""
    due = (
        select(Reservation)
        .where(Reservation.state == ReservationState.HELD, col(Reservation.hold_until) <= (at or now()))
        .order_by(col(Reservation.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ended = session.exec(due.execution_options(populate_existing=True)).all()
    ids = [one.id for one in ended]
    if not ids:
        return []
    lock_held(session, ids)
    for reservation in ended:
        held = held_by_reservation(session, reservation)
        _give_back(session, reservation, held, ReservationState.FAILED, EXPIRED)
        announce(session, ReservationExpired(reservation.id, reservation.order_id))
    return ids


@contextmanager
def _once_for_an_order(owner: Owner) -> Iterator[None]:
    """Two that reserve for one order at the same time: the database lets one of them."""
    try:
        yield
    except IntegrityError as error:
        if "reserved_once_for_an_order" not in str(error.orig):
            raise
        why = f"order {owner.order_reference or owner.order_id} has a reservation already"
        raise RuleRefused("/relatedEntity", why, "alreadyReserved", "give the other one back first") from error


def _new(wanted: Wanted, until: datetime, by: Principal, asked_at: datetime) -> Reservation:
    owner = wanted.owner
    reservation = Reservation(
        id=new_id(),
        party_id=owner.party_id,
        order_id=owner.order_id,
        order_reference=owner.order_reference,
        held_by=by.name,
        related_party=owner.related_party(),
        reservation_period=TimePeriod(start_date_time=wanted.period.start_at, end_date_time=wanted.period.stop_at),
        creation_date=asked_at,
        state_change_date=asked_at,
    )
    _note_until(reservation, until)
    return reservation


def _note_until(reservation: Reservation, until: datetime | None) -> None:
    reservation.hold_until = until
    began = reservation.creation_date
    reservation.valid_for = TimePeriod(start_date_time=began, end_date_time=until)


def _check_in_service(session: Session, wanted: Wanted) -> None:
    """Capacity is sold only while its satellite carries traffic."""
    asked = {
        "transponders": [one.transponder_id for one in wanted.slots],
        "pools": [one.pool_id for one in wanted.shares],
    }
    for satellite in session.exec(_satellites_of(), params=asked):
        if not satellite.in_service_throughout(wanted.period.start_at, wanted.period.stop_at):
            life = f"{satellite.state}, in service {satellite.in_service_date} to {satellite.end_of_life_date}"
            raise RuleRefused(
                "/reservationPeriod",
                f"{satellite.name} does not carry traffic all the time {wanted.period}: {life}",
                "satelliteNotInService",
            )


@cache
def _satellites_of() -> SelectOfScalar[Satellite]:
    """That carry these transponders and pools, read afresh."""
    of_pools = (
        select(SpectrumAssignment.transponder_id)
        .join(CarrierPool, col(CarrierPool.spectrum_assignment_id) == col(SpectrumAssignment.id))
        .where(col(CarrierPool.id).in_(bindparam("pools", expanding=True)))
    )
    over = or_(col(Transponder.id).in_(bindparam("transponders", expanding=True)), col(Transponder.id).in_(of_pools))
    query = select(Satellite).join(Transponder, col(Transponder.satellite_id) == col(Satellite.id))
    return query.where(over).distinct().execution_options(populate_existing=True)


def lock_with_holds(session: Session, reservation: Reservation) -> Held:
    """Lock the reservation, then what it touches, in the order of `resource.hold`."""
    find_for_update(session, Reservation, reservation.id)
    lock_held(session, [reservation.id])
    return held_by_reservation(session, reservation)


def _check_alive(reservation: Reservation, what: str) -> None:
    ended = reservation.state is not ReservationState.HELD or (
        reservation.hold_until is not None and reservation.hold_until <= now()
    )
    if ended:
        why = f"it is {reservation.state}" if reservation.state is not ReservationState.HELD else EXPIRED
        raise RuleRefused("/validFor/endDateTime", f"cannot be {what}: {why}", "reservationEnded", "a new reservation")


def _give_back(session: Session, reservation: Reservation, held: Held, state: ReservationState, because: str) -> None:
    hold.release(session, held.holds, because)
    if reservation.order_id is not None and held.terminal is not None:
        release_terminal(session, reservation.order_id, because)
    _move(reservation, state, because)
    session.add(reservation)
    session.flush()


def _move(reservation: Reservation, state: ReservationState, because: str) -> None:
    move(reservation, state)
    reservation.state_change_date, reservation.state_change_reason = now(), because
    # what was to be bought stays pending
    reservation.reservation_item = [
        one if one.state == "pending" else one.model_copy(update={"state": state.value})
        for one in reservation.reservation_item
    ]
