"""Another period for what is held: a reservation follows when what it was made for begins later, or earlier.

Its slots, ports and shares keep their place. Later always fits; earlier only where nobody else was given the time
between. One after the other, so that what was refused can be named.
"""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from satcom.core.errors import Fault, RuleRefused
from satcom.core.values import TimePeriod
from satcom.resource.carrier_pool import CarrierPool, PoolShare
from satcom.resource.hold import Period, clashing
from satcom.resource.hub import HubPortAssignment
from satcom.resource.locked_network import lock_network
from satcom.resource.payload import Transponder
from satcom.resource.reservation import Reservation, ReservationState, lock_with_holds
from satcom.resource.spectrum import SpectrumAssignment


def reservations_on(session: Session, satellite_id: str) -> Sequence[Reservation]:
    """What is held of a satellite, by id: slots of its transponders, and shares of the pools that lie there."""
    transponders = select(Transponder.id).where(Transponder.satellite_id == satellite_id)
    slots = select(SpectrumAssignment.id).where(col(SpectrumAssignment.transponder_id).in_(transponders))
    of_slots = select(SpectrumAssignment.reservation_id).where(
        col(SpectrumAssignment.transponder_id).in_(transponders), col(SpectrumAssignment.reservation_id).is_not(None)
    )
    of_shares = (
        select(PoolShare.reservation_id)
        .join(CarrierPool, col(CarrierPool.id) == col(PoolShare.carrier_pool_id))
        .where(col(CarrierPool.spectrum_assignment_id).in_(slots), col(PoolShare.reservation_id).is_not(None))
    )
    query = (
        select(Reservation)
        .where(col(Reservation.state).in_([ReservationState.HELD, ReservationState.COMPLETED]))
        .where(col(Reservation.id).in_(of_slots.union(of_shares)))
        .order_by(col(Reservation.id))
    )
    return session.exec(query.execution_options(populate_existing=True)).all()


def lock_reserved(session: Session, satellite_id: str) -> Sequence[Reservation]:
    """Lock all that is held of a satellite, in the order of `resource.hold`: nobody sells of it meanwhile."""
    ids = [one.id for one in reservations_on(session, satellite_id)]
    session.exec(
        select(Reservation).where(col(Reservation.id).in_(ids)).order_by(col(Reservation.id)).with_for_update()
    )
    transponders = session.exec(select(Transponder.id).where(Transponder.satellite_id == satellite_id)).all()
    ports = select(HubPortAssignment.hub_id).where(col(HubPortAssignment.reservation_id).in_(ids))
    slots = select(SpectrumAssignment.id).where(col(SpectrumAssignment.transponder_id).in_(transponders))
    pools = select(CarrierPool.id).where(col(CarrierPool.spectrum_assignment_id).in_(slots))
    lock_network(session, transponders, session.exec(ports).all(), session.exec(pools).all())
    return reservations_on(session, satellite_id)


def move_start(session: Session, reservation: Reservation, period: Period) -> None:
    """Hold the same from `period.start_at` on. `period.stop_at` is the end of the term, where there is one.

    Raises `RuleRefused` on `reservationPeriod`, moving nothing, when a part of it cannot be had before; it names the
    part, and the code is that of its kind: `slotTaken`, `noPower`, `noHubPort`, `noCommittedRate`, `noBeamBandwidth`.
    """
    held = lock_with_holds(session, reservation)
    before = min((one.start_at for one in held.holds), default=period.start_at)
    whose, faults = reservation.order_reference or f"reservation {reservation.id}", dict[str, Fault]()
    try:
        with session.begin_nested():
            for one in held.holds:
                one.start_at = period.start_at
                faults = one.clashes  # now: what the database refused cannot be read any more
                session.add(one)
                session.flush()
    except IntegrityError as error:
        clashes = clashing(error, faults.items())
        if not clashes:
            raise
        why = f"{whose} cannot begin on {period.start_at:%Y-%m-%d}: {clashes[0].why}"
        accepted = f"{before.isoformat()} or later"
        raise RuleRefused("/reservationPeriod", why, clashes[0].code, accepted) from error
    reservation.reservation_period = TimePeriod(start_date_time=period.start_at, end_date_time=period.stop_at)
    session.add(reservation)
    session.flush()
