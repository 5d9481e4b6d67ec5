"""One thing held for itself, as a reservation holds it together with others: locked first, all or nothing."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from satcom.resource.carrier_pool import PoolShare, WantedShare, admit, lock_pools
from satcom.resource.constellation_holding import WantedPassage, lock_constellations, share_beams
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import Owner, Period
from satcom.resource.hub import HubPortAssignment, lock_hubs, reserve_port
from satcom.resource.spectrum import SpectrumAssignment, WantedSlot, lock_transponders, reserve_slot


def hold_slot(
    session: Session,
    wanted: WantedSlot,
    period: Period,
    owner: Owner,
    until: datetime,
    instead_of: Sequence[SpectrumAssignment] = (),
) -> SpectrumAssignment:
    with session.begin_nested():
        transponder = lock_transponders(session, [wanted.transponder_id])[wanted.transponder_id]
        return reserve_slot(session, transponder, wanted, period, owner, until, None, instead_of)


def hold_port(session: Session, hub_id: str, period: Period, owner: Owner, until: datetime) -> HubPortAssignment:
    with session.begin_nested():
        return reserve_port(session, lock_hubs(session, [hub_id])[hub_id], period, owner, until)


def hold_share(
    session: Session,
    wanted: WantedShare,
    period: Period,
    owner: Owner,
    until: datetime,
    instead_of: PoolShare | None = None,
) -> PoolShare:
    with session.begin_nested():
        pool = lock_pools(session, [wanted.pool_id])[wanted.pool_id]
        return admit(session, pool, wanted, period, owner, until, None, instead_of)


def hold_passage(
    session: Session,
    wanted: WantedPassage,
    period: Period,
    owner: Owner,
    until: datetime,
    instead_of: Sequence[ConstellationShare] = (),
) -> list[ConstellationShare]:
    with session.begin_nested():
        constellation = lock_constellations(session, [wanted.constellation_id])[wanted.constellation_id]
        return share_beams(session, constellation, wanted, period, owner, until, None, instead_of)
