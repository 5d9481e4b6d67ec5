"""Orders that wait for a satellite: how they wait, and how they follow when its in-service date moves.

What a move would do to whom is worked out once, as `Touched`; the list that is shown beforehand and the change itself
both come from it. The change is one transaction with that of the satellite: reservation, orders of the layers below,
wait, promised date and a note for the customer move together or not at all.
Locks: the plans by id, then what is held (`resource.hold`).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from pydantic import Field
from sqlmodel import Session, col, select

from satcom.core.clock import months_later, now
from satcom.core.database import find
from satcom.core.errors import RuleRefused, WrongState
from satcom.core.events import on
from satcom.core.values import Instant, Json, Reference, Value, reference
from satcom.enterprise.party import find_party, operator_of, party_name
from satcom.market.order_delivery import expect_finish, hold_for, tell_customer
from satcom.market.ordering import ENDED, ProductOrder
from satcom.orchestration.operations.ordered_installation import wait_longer_for_installation
from satcom.orchestration.operations.ordered_network import booked_until, own_solution_in, starts_at
from satcom.orchestration.plan import FlowState, Later, ProcessFlow, TaskFlow, TaskState, tasks_of
from satcom.orchestration.queue import enqueue_all
from satcom.orchestration.schedule import expected_ends
from satcom.resource.hold import Period
from satcom.resource.ordering import redate_resource_order
from satcom.resource.reservation import Reservation, ReservationState
from satcom.resource.reservation_period import lock_reserved, move_start, reservations_on
from satcom.resource.satellite import BEFORE_SERVICE, CARRIES_TRAFFIC, Satellite
from satcom.resource.satellite_life import InServiceDateMoved, SatelliteEnteredService, SatelliteLost
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.inventory import service_of_order
from satcom.service.ordering import redate_service_order

HANDED_OVER: Final = "hand_over"  # the task at whose end the customer begins to pay
Dates: TypeAlias = tuple[datetime | None, datetime | None]  # before and after


class CannotBear(Value):
    """Why somebody whom a move touches cannot live with it."""

    code: str
    reason: str


class Touched(Value):
    """Somebody whose capacity begins on another day, with every date before and after."""

    order: Reference | None = None
    customer: Reference | None = None
    product: str | None = None
    service: Reference | None = None
    reservation: Reference
    starts_before: Instant
    starts_after: Instant
    term_ends_before: Instant | None = None
    term_ends_after: Instant | None = None
    promised_before: Instant | None = None
    promised_after: Instant | None = None
    billed_from_before: Instant | None = None
    billed_from_after: Instant | None = None
    cannot_bear: list[CannotBear] = Field(default_factory=list)

    @property
    def decided_by(self) -> tuple[str, datetime, tuple[str, ...]]:
        """What a person decides upon: whom it is about, when he begins, and whether he can bear it."""
        return self.reservation.id, self.starts_after, tuple(one.code for one in self.cannot_bear)

    @property
    def called(self) -> str:
        """What people call him by: his order, or what is held for him."""
        return (self.order.name if self.order is not None else None) or f"reservation {self.reservation.id}"


# The wait


def satellite_is_in_service(session: Session, order_id: str, reserved: dict[str, Json]) -> Json | Later:
    """Nothing is activated before the satellite carries traffic. Raises `RuleRefused` when it never will.

    Over a constellation those carry it that carry traffic already.
    """
    solution = own_solution_in(reserved)
    if isinstance(solution, ConstellationSolution):
        return solution.constellation_name
    satellite = find(session, Satellite, solution.satellite_id)
    if satellite.state in CARRIES_TRAFFIC:
        return satellite.name
    if satellite.state not in BEFORE_SERVICE or satellite.in_service_date is None:
        why = f"{satellite.name} is {satellite.state} and will carry no traffic"
        raise RuleRefused("satellite", why, "satelliteNotInService")
    hold_for(session, order_id, f"the satellite {satellite.name} to enter service")
    due = first_moment(satellite.in_service_date)
    over = booked_until(find(session, ProductOrder, order_id))
    if over is not None and over <= due:
        why = f"{satellite.name} enters service on {satellite.in_service_date}, when what is booked is over"
        raise RuleRefused("satellite", why, "satelliteNotInService")
    return Later(due, deadline=_latest(session, due))


def _latest(session: Session, due: datetime) -> datetime:
    """Then an order no longer waits for its satellite."""
    return due + timedelta(days=operator_of(session).satellite_patience_days)


def first_moment(day: date) -> datetime:
    """Satellites enter service by UTC."""
    return datetime.combine(day, time(), UTC)


# Whom a move touches


def touched_by(session: Session, satellite: Satellite, to: date) -> list[Touched]:
    """Everybody whose capacity on the satellite would begin on another day, by reservation.

    Who is to begin earlier is moved, so that the next one finds what is left by then; all is taken back.
    """
    attempt = session.begin_nested()
    try:
        found = [_touched(session, satellite, one, to) for one in reservations_on(session, satellite.id)]
    finally:
        attempt.rollback()
    return [one for one in found if one is not None]


def _touched(session: Session, satellite: Satellite, reservation: Reservation, to: date) -> Touched | None:
    """`None` for who begins later anyway, and for what is being given back."""
    period = reservation.reservation_period
    if period is None or period.start_date_time is None:
        return None
    order = session.get(ProductOrder, reservation.order_id) if reservation.order_id else None
    flow = _flow_of(session, order) if order is not None else None
    if order is not None and (flow is None or order.state in ENDED):
        return None
    before, first = period.start_date_time, first_moment(to)
    if order is not None:
        start = max(starts_at(order), first)
        months, until = order.item.term_months, booked_until(order)
        stop = months_later(start, months) if months is not None else until
    else:
        start, stop = max(before, first), period.end_date_time
    if start == before:
        return None
    cannot = _cannot_bear(session, satellite, reservation, start, stop)
    if order is not None and until is not None:
        why = f"it is booked until {until:%Y-%m-%d %H:%M} UTC, and no booking moves"
        cannot.append(CannotBear(code="booked", reason=why))
    stays = any(one.code in STAYS for one in cannot)
    if start < before and not stays:
        taken = _taken_before(session, reservation, Period(start, stop))
        cannot, stays = cannot + taken, bool(taken)
    if stays:
        start, stop = before, period.end_date_time
    promised: Dates = (None, None)
    billed: Dates = (None, None)
    if flow is not None and order is not None:
        tasks = tasks_of(session, flow)
        promised, billed = _promises(tasks, order, start if start > first else first)
        cannot += _late_for(order, promised[1])
    return Touched(
        order=reference(order.id, "ProductOrder", order.href, order.reference) if order is not None else None,
        customer=_customer(session, reservation),
        product=order.item.product_offering.name if order is not None and order.item.product_offering else None,
        service=_service(session, order),
        reservation=reference(reservation.id, "Reservation", reservation.href),
        starts_before=before,
        starts_after=start,
        term_ends_before=period.end_date_time,
        term_ends_after=stop,
        promised_before=promised[0],
        promised_after=promised[1],
        billed_from_before=billed[0],
        billed_from_after=billed[1],
        cannot_bear=cannot,
    )


STAYS: Final = frozenset({"periodOver", "booked"})  # it cannot be moved, and is left as it is


def _taken_before(session: Session, reservation: Reservation, period: Period) -> list[CannotBear]:
    """What of it others have in the time before; where they have nothing, it is moved."""
    try:
        move_start(session, reservation, period)
    except RuleRefused as refused:
        return [CannotBear(code=one.code, reason=one.why) for one in refused.faults]
    return []


def _cannot_bear(
    session: Session, satellite: Satellite, reservation: Reservation, start: datetime, stop: datetime | None
) -> list[CannotBear]:
    found = []
    end, until = satellite.end_of_life_date, reservation.hold_until
    if stop is not None and stop <= start:
        why = f"what is held ends on {stop:%Y-%m-%d}, before the satellite is there"
        return [CannotBear(code="periodOver", reason=why)]
    if end is not None and stop is not None and stop > first_moment(end):
        why = f"the term ends on {stop:%Y-%m-%d}, after the satellite's end of life on {end}"
        found.append(CannotBear(code="beyondEndOfLife", reason=why))
    if reservation.state is ReservationState.HELD and until is not None and until < start:
        found.append(CannotBear(code="holdRunsOut", reason=f"the hold runs out on {until:%Y-%m-%d}"))
    return found


def _late_for(order: ProductOrder, promised: datetime | None) -> list[CannotBear]:
    wanted = order.requested_completion_date
    if wanted is None or promised is None or promised <= wanted:
        return []
    why = f"the customer wants it by {wanted:%Y-%m-%d}, and it is promised for {promised:%Y-%m-%d}"
    return [CannotBear(code="lateForCustomer", reason=why)]


def _promises(tasks: list[TaskFlow], order: ProductOrder, then: datetime) -> tuple[Dates, Dates]:
    """When the order ends and is charged from, before and after."""
    today = expected_ends(tasks)
    moved = expected_ends(tasks, {satellite_is_in_service.__name__: then})
    promised = order.expected_completion_date, max(moved.values())
    return promised, (today.get(HANDED_OVER), moved.get(HANDED_OVER))


def _flow_of(session: Session, order: ProductOrder) -> ProcessFlow | None:
    """The plan by which the order is being delivered."""
    query = select(ProcessFlow).where(ProcessFlow.subject_id == order.id, ProcessFlow.state == FlowState.ACTIVE)
    return session.exec(query.order_by(col(ProcessFlow.id).desc())).first()


def _customer(session: Session, reservation: Reservation) -> Reference | None:
    if reservation.party_id is None:
        return None
    party = find_party(session, reservation.party_id)
    return reference(party.id, type(party).__name__, party.href, party_name(party))


def _service(session: Session, order: ProductOrder | None) -> Reference | None:
    service = service_of_order(session, order.id) if order is not None else None
    return reference(service.id, "Service", service.href, service.name) if service is not None else None


# How they follow


def lock_sold(session: Session, satellite: Satellite) -> list[str]:
    """Lock the plans that capacity of the satellite is held for, and what is held; the ids of the plans.

    Raises `WrongState` when more was sold meanwhile: a plan is never locked after what it holds.
    """
    orders = {one.order_id for one in reservations_on(session, satellite.id) if one.order_id is not None}
    plans = (
        select(ProcessFlow)
        .where(col(ProcessFlow.subject_id).in_(orders), ProcessFlow.state == FlowState.ACTIVE)
        .order_by(col(ProcessFlow.id))
        .with_for_update()
    )
    flows = [one.id for one in session.exec(plans.execution_options(populate_existing=True))]
    sold = {one.order_id for one in lock_reserved(session, satellite.id)} - orders - {None}
    if sold:
        why = f"capacity of {satellite.name} was sold at the same moment"
        raise WrongState("/satellite/id", why, "soldMeanwhile", "the same request again")
    return flows


@on(InServiceDateMoved)
def follow_the_satellite(session: Session, event: InServiceDateMoved) -> None:
    """Everybody whom the move touches begins on his new day, and is told."""
    satellite, to = event.satellite, event.satellite.in_service_date
    if to is None:
        return
    flows = lock_sold(session, satellite)
    for one in touched_by(session, satellite, to):
        _redate(session, satellite, event.before, one)
    for flow_id in flows:
        _await_from(session, flow_id, first_moment(to))
    enqueue_all(session, flows)


@on(SatelliteEnteredService)
def release_orders(session: Session, event: SatelliteEnteredService) -> None:
    """What waited for the satellite looks again."""
    enqueue_all(session, lock_sold(session, event.satellite))


@on(SatelliteLost)
def end_orders(session: Session, event: SatelliteLost) -> None:
    """What waited for the satellite looks again, and finds that it will not come."""
    enqueue_all(session, lock_sold(session, event.satellite))


def _redate(session: Session, satellite: Satellite, before: date, one: Touched) -> None:
    session.info["order_reference"] = one.order.name if one.order is not None else None
    if one.starts_after != one.starts_before:
        reservation = find(session, Reservation, one.reservation.id)
        move_start(session, reservation, Period(one.starts_after, one.term_ends_after))
    if one.order is None:
        return
    redate_service_order(session, one.order.id, one.starts_after)
    redate_resource_order(session, one.order.id, one.starts_after)
    if one.promised_after is not None:
        expect_finish(session, one.order.id, one.promised_after)
    tell_customer(session, one.order.id, notice(satellite, before, one))


def notice(satellite: Satellite, before: date, one: Touched) -> str:
    """What the customer is told."""
    moved = f"{satellite.name} enters service on {satellite.in_service_date}, not on {before}."
    starts = f" Your service starts, and is charged, on {one.starts_after:%Y-%m-%d} at the earliest, "
    starts += f"not on {one.starts_before:%Y-%m-%d}." if one.starts_after != one.starts_before else "as before."
    return moved + starts + "".join(f" Please note: {why.reason}." for why in one.cannot_bear)


def _await_from(session: Session, flow_id: str, due: datetime) -> None:
    """The wait itself, and the finish that follows from it."""
    flow = find(session, ProcessFlow, flow_id)
    tasks = tasks_of(session, flow)
    session.info["order_reference"] = flow.reference
    for task in tasks:
        if task.handler == satellite_is_in_service.__name__ and task.state is TaskState.ACTIVE:
            task.expected_at, task.due_at = due if due > now() else None, due
            task.deadline = max(task.deadline or due, _latest(session, due))
    wait_longer_for_installation(session, flow.subject_id, tasks)
    flow.expected_finish = max(expected_ends(tasks).values())
    session.flush()
