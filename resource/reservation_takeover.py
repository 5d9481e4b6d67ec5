"""Taking up a reservation: what was held for a customer by hand becomes what his order holds, in one step.

Nobody else can get in between: what is held is given back and held anew under the locks of both.
"""

from datetime import datetime

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.security import Principal
from satcom.resource.locked_network import lock_network
from satcom.resource.reservation import (
    Held,
    Reservation,
    ReservationState,
    Wanted,
    held_by_reservation,
    release,
    reserve,
)


def is_held(reservation: Reservation) -> bool:
    """It holds something still, for no order."""
    runs = reservation.hold_until is None or reservation.hold_until > now()
    return reservation.state is ReservationState.HELD and runs and reservation.order_id is None


def take_up(
    session: Session, reservation: Reservation, wanted: Wanted, until: datetime, by: Principal, because: str
) -> Reservation:
    """Hold `wanted` in place of what a reservation holds, which is given back; or leave all as it is.

    Raises as `reserve` does.
    """
    with session.begin_nested():
        find_for_update(session, Reservation, reservation.id)
        _lock_both(session, held_by_reservation(session, reservation), wanted)
        release(session, reservation, because)
        return reserve(session, wanted, until, by)


def _lock_both(session: Session, held: Held, wanted: Wanted) -> None:
    passage = [wanted.passage.constellation_id] if wanted.passage is not None else []
    lock_network(
        session,
        [one.transponder_id for one in held.slots] + [one.transponder_id for one in wanted.slots],
        [*(one.hub_id for one in held.ports), *wanted.hub_ids],
        [one.carrier_pool_id for one in held.shares] + [one.pool_id for one in wanted.shares],
        [*(one.constellation_id for one in held.passages), *passage],
    )


def uses(wanted: Wanted, held: Held) -> bool:
    """What is wanted takes something of where this is held."""
    passage = {wanted.passage.constellation_id} if wanted.passage is not None else set()
    where = {one.transponder_id for one in wanted.slots} | {one.pool_id for one in wanted.shares} | passage
    slots, shares = {one.transponder_id for one in held.slots}, {one.carrier_pool_id for one in held.shares}
    return bool(where & (slots | shares | {one.constellation_id for one in held.passages}))
