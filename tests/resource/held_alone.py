"""One thing held for itself, as a reservation holds it together with others: locked first, all or nothing."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from satcom.resource.carrier_pool import PoolShare, WantedShare, find_share, lock_pools
from satcom.resource.constellation_holding import WantedPassage, find_beams, lock_constellations
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import Owner, Period, keep
from satcom.resource.hub import HubPortAssignment, find_port, lock_hubs
from satcom.resource.spectrum import SpectrumAssignment, WantedSlot, find_slot, lock_transponders, taken_of


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
        there = taken_of(session, transponder.id, period)
        slot = find_slot(transponder, there, wanted, period, owner, until, None, instead_of)
        keep(session, [slot])
        return slot


def hold_port(session: Session, hub_id: str, period: Period, owner: Owner, until: datetime) -> HubPortAssignment:
    with session.begin_nested():
        port = find_port(session, lock_hubs(session, [hub_id])[hub_id], period, owner, until)
        keep(session, [port])
        return port


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
        share = find_share(session, pool, wanted, period, owner, until, None, instead_of)
        keep(session, [share])
        return share


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
        shares = find_beams(session, constellation, wanted, period, owner, until, None, instead_of)
        keep(session, shares)
        return shares
