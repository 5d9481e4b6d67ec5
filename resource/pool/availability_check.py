"""Availability checks: whether an amount of capacity is free in a period, in a pool or in one resource (TMF685).

The answer names every resource with enough room, the tightest first, so that what stays free stays wide. It holds
nothing: whoever relies on it reserves, and may still be told that somebody was faster.
"""

from typing import ClassVar

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, tmf
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Instant, Reference, TimePeriod, Value, reference
from satcom.enterprise.party import operator_of
from satcom.resource.hold import Period
from satcom.resource.payload import MAX_BANDWIDTH_HZ, Transponder
from satcom.resource.pool.resource_pool import POOLABLE, capacities, pool_named, pool_rooms, resource_named
from satcom.resource.pool.room import MEASURED, Room, rooms_of
from satcom.resource.reservation_item import Capacity
from satcom.resource.resource import Resource

MOST = 10**12


class Available(Value):
    """A resource in which there is room, and how much."""

    resource: Reference
    capacity: list[Capacity]


class AvailabilityCheck(Entity, table=True):
    """One question with its answer, as it was at that instant. The document leaves to us what is said."""

    __tablename__ = "availability_check"

    resource_pool: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    resource: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    capacity_demand: Capacity = Field(sa_type=JsonOf(Capacity))
    requested_period: TimePeriod = Field(sa_type=JsonOf(TimePeriod))
    checked_at: Instant = Field(default_factory=now, sa_type=INSTANT)
    available: bool = False
    available_resource: list[Available] = Field(default_factory=list, sa_type=JsonOf(list[Available]))
    capacity: list[Capacity] = Field(default_factory=list, sa_type=JsonOf(list[Capacity]))

    api: ClassVar = tmf("TMF685", "AvailabilityCheck", Capability.READ_RESERVATIONS)
    extensions: ClassVar[frozenset[str]] = frozenset({"resourcePool", "resource", "capacityDemand", "requestedPeriod"})


def check_availability(session: Session, asked: AvailabilityCheck, by: Principal) -> AvailabilityCheck:
    """Answer whether the amount is free all the time. Raises `Refused` with what is wrong in the question."""
    if (asked.resource_pool is None) == (asked.resource is None):
        raise Refused("/resourcePool", "of what is asked", "missing", "a resourcePool or a resource")
    period = asked_period(asked.requested_period, "/requestedPeriod")
    if asked.resource_pool is not None:
        pool = pool_named(session, asked.resource_pool.id, "/resourcePool/id")
        if pool.kind is None:
            raise RuleRefused("/resourcePool/id", f"{pool.called} is empty", "emptyPool", "a pool of resources")
        asked.resource_pool = reference(pool.id, "ResourcePool", pool.href, pool.description)
        kind, rooms = pool.kind, pool_rooms(session, pool, period)
    else:
        resource = resource_named(session, asked.resource or Reference(id=""), "/resource")
        asked.resource = reference(resource.id, type(resource).__name__, resource.href, resource.name)
        kind = POOLABLE[type(resource).__name__]
        rooms = rooms_of(session, kind, [resource.id], period)
    amount = amount_asked(asked.capacity_demand, kind, "/capacityDemand")
    enough = tightest_first(rooms, amount)
    asked.available = bool(enough)
    asked.available_resource = [_told(kind, one) for one in enough]
    asked.capacity = capacities(kind, rooms)
    asked.checked_at, asked.party_id = now(), by.party_id or operator_of(session).party_id
    session.add(asked)
    session.flush()
    return asked


def tightest_first(rooms: list[Room], amount: int) -> list[Room]:
    """Those in which one reservation finds the amount; the least room left over first."""
    return sorted((one for one in rooms if one.at_once >= amount), key=lambda one: (one.at_once, one.resource.id))


def amount_asked(demand: Capacity, kind: type[Resource], where: str) -> int:
    """How much is wanted, in what the kind is counted in. Raises `Refused` with both when they are wrong."""
    measured = MEASURED[kind].value
    faults: list[Fault] = []
    spec = demand.capacity_spec
    if spec is not None and spec.id != measured:
        why = f"a {kind.__name__} is counted in {measured}, not in {spec.id[:40]!r}"
        faults.append(Fault(f"{where}/capacitySpec/id", why, "invalid", measured))
    text = (demand.capacity_amount.capacity_amount if demand.capacity_amount else None) or ""
    amount = int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0
    most = MAX_BANDWIDTH_HZ if kind is Transponder else MOST
    if not 1 <= amount <= most:
        pointer = f"{where}/capacityAmount/capacityAmount"
        faults.append(Fault(pointer, f"is no amount of {measured}", "invalid", f"1 to {most}, as text"))
    if faults:
        raise Refused.all(faults)
    return amount


def asked_period(asked: TimePeriod | None, where: str) -> Period:
    """The period that capacity is wanted in. Raises `Refused`, or `RuleRefused` when it is over."""
    if asked is None or asked.start_date_time is None:
        raise Refused(f"{where}/startDateTime", "from when the capacity is wanted is mandatory", "missing")
    if asked.end_date_time is not None and asked.end_date_time <= now():
        raise RuleRefused(f"{where}/endDateTime", "is over", "periodInPast")
    return Period(asked.start_date_time, asked.end_date_time)


def _told(kind: type[Resource], room: Room) -> Available:
    resource = room.resource
    named = reference(resource.id, type(resource).__name__, resource.href, resource.name)
    return Available(resource=named, capacity=capacities(kind, [room]))


routes = TmfRoutes(AvailabilityCheck)
routes.post(check_availability, may=Capability.READ_RESERVATIONS)
