"""Locks of several things at once: what a command is about to sell of, or to give back.

They are taken in the order of `resource.hold`, all of them before the first change; then what ran out there is
released. One statement tells whether anything did, for mostly nothing has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, bindparam, exists, literal_column, select, union_all
from sqlmodel import Session, col

from satcom.core.clock import now
from satcom.resource.carrier_pool import CarrierPool, PoolShare
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import Hold, lock_for_holding, release_run_out
from satcom.resource.hub import Hub, HubPortAssignment
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment

PARTS: tuple[tuple[type[Hold], str], ...] = (
    (SpectrumAssignment, "transponder_id"),
    (HubPortAssignment, "hub_id"),
    (PoolShare, "carrier_pool_id"),
    (ConstellationShare, "constellation_id"),
)


@dataclass(frozen=True)
class LockedNetwork:
    """What is locked until the transaction ends, by id."""

    transponders: dict[str, Transponder]
    hubs: dict[str, Hub]
    pools: dict[str, CarrierPool]
    constellations: dict[str, Constellation]


def lock_network(
    session: Session,
    transponder_ids: Iterable[str],
    hub_ids: Iterable[str],
    pool_ids: Iterable[str],
    constellation_ids: Iterable[str] = (),
) -> LockedNetwork:
    """Lock all of them, and release what ran out there. Raises `NotFound`."""
    locked = LockedNetwork(
        lock_for_holding(session, Transponder, transponder_ids),
        lock_for_holding(session, Hub, hub_ids),
        lock_for_holding(session, CarrierPool, pool_ids),
        lock_for_holding(session, Constellation, constellation_ids),
    )
    wholes: tuple[Iterable[str], ...] = (locked.transponders, locked.hubs, locked.pools, locked.constellations)
    asked = {of: list(whole) for (_, of), whole in zip(PARTS, wholes, strict=True)}
    ran_out = session.connection().execute(_ran_out(), {"at": now(), **asked}).one()
    for (holds, of), any_did in zip(PARTS, ran_out, strict=True):
        if any_did:
            release_run_out(session, holds, of, asked[of])
    return locked


def lock_held(session: Session, reservation_ids: Sequence[str]) -> LockedNetwork:
    """As `lock_network`, all that the reservations hold or held. They are locked already."""
    wholes: dict[str, list[str]] = {of: [] for _, of in PARTS}
    for of, identifier in session.connection().execute(_held(), {"reservations": list(reservation_ids)}):
        wholes[of].append(identifier)
    return lock_network(session, *wholes.values())


@cache
def _held() -> CompoundSelect[Any]:
    """Of which transponders, hubs, pools and constellations they hold a part."""
    reservations: BindParameter[str] = bindparam("reservations", expanding=True)
    return union_all(
        *(
            select(literal_column(f"'{of}'"), col(getattr(holds, of))).where(
                col(holds.reservation_id).in_(reservations)
            )
            for holds, of in PARTS
        )
    )


@cache
def _ran_out() -> Any:
    """Whether anything did, of each kind."""
    at: BindParameter[datetime] = bindparam("at")
    return select(
        *(
            exists().where(holds.run_out(at), col(getattr(holds, of)).in_(bindparam(of, expanding=True)))
            for holds, of in PARTS
        )
    )
