"""Placement: which resource of a pool a reservation takes.

Who reserves from a pool names no transponder and no hub; it is the one in which the least room is left over, and for a
second item another one where there is another.
"""

from collections.abc import Sequence

from sqlmodel import Session

from satcom.core.errors import RuleRefused
from satcom.core.values import Reference, reference
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.hold import Period
from satcom.resource.pool.availability_check import amount_asked, tightest_first
from satcom.resource.pool.resource_pool import ResourcePool, pool_named, pool_rooms
from satcom.resource.pool.room import MEASURED, Measured, Room
from satcom.resource.reservation_item import Amount, Capacity, ReservationItem

ONE = Capacity(capacity_amount=Amount(capacity_amount="1"))


def from_pool(item: ReservationItem) -> Reference | None:
    """The pool that an item is reserved from."""
    named = item.related_entity[0] if len(item.related_entity) == 1 else None
    return named if named is not None and named.referred_type == ResourcePool.__name__ else None


def placed(session: Session, items: Sequence[ReservationItem], period: Period) -> list[ReservationItem]:
    """The items with the resource that each is reserved from. Raises `Refused`, or `RuleRefused` without room."""
    used: set[str] = set()
    found = []
    for index, item in enumerate(items):
        named, where = from_pool(item), f"/reservationItem/{index}"
        if named is None:
            found.append(item)
            continue
        pool = pool_named(session, named.id, f"{where}/relatedEntity/0/id")
        room = _chosen(session, pool, item, period, used, where)
        used.add(room.resource.id)
        kind = type(room.resource).__name__
        taken = reference(room.resource.id, kind, room.resource.href, room.resource.name)
        found.append(item.model_copy(update={"related_entity": [taken.model_copy(update={"role": "of"})]}))
    return found


def _chosen(
    session: Session, pool: ResourcePool, item: ReservationItem, period: Period, used: set[str], where: str
) -> Room:
    if pool.kind is None or pool.kind is CarrierPool:
        why = "is empty" if pool.kind is None else "holds carriers, whose shares only orders take"
        raise RuleRefused(f"{where}/relatedEntity/0/id", f"{pool.called} {why}", "nothingToReserve")
    ports = MEASURED[pool.kind] is Measured.PORTS
    demand = item.capacity_demand or (ONE if ports else Capacity())
    amount = amount_asked(demand, pool.kind, f"{where}/capacityDemand")
    if ports and amount > 1:
        raise RuleRefused(f"{where}/capacityDemand", "a reservation holds one port", "cardinality", "1")
    rooms = pool_rooms(session, pool, period)
    enough = tightest_first(rooms, amount)
    if not enough:
        most = max((one.at_once for one in rooms), default=0)
        why = f"{amount} at once are not free in {pool.called}, {period}"
        raise RuleRefused(f"{where}/capacityDemand", why, "noRoomInPool", f"at most {most}")
    return next((one for one in enough if one.resource.id not in used), enough[0])
