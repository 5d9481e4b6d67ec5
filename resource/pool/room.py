"""Room: how much of a resource could be reserved in a period, and how much it has in all.

Of a transponder it is bandwidth in Hz, of a hub its ports, of a carrier pool the symbol rate that may still be
committed. What is told agrees with what a reservation would find; nothing is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.resource.carrier_pool import CarrierPool, PoolFill, fills_of
from satcom.resource.hold import Period
from satcom.resource.hub import Hub, free_ports
from satcom.resource.payload import Transponder
from satcom.resource.resource import Resource
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import SpectrumAssignment, Taken, peak_power_hz
from satcom.resource.spectrum_pieces import free_pieces


class Measured(StrEnum):
    """What capacity is counted in, as reservations name it."""

    BANDWIDTH = "bandwidthHz"
    PORTS = "hubPorts"
    SYMBOL_RATE = "symbolRateBaud"


MEASURED: dict[type[Resource], Measured] = {
    Transponder: Measured.BANDWIDTH,
    Hub: Measured.PORTS,
    CarrierPool: Measured.SYMBOL_RATE,
}


@dataclass(frozen=True)
class Room:
    """Of one resource in one period: all of it, what is left, and the most that one reservation could take."""

    resource: Resource
    total: int
    left: int
    at_once: int


def rooms_of(session: Session, kind: type[Resource], identifiers: Sequence[str], period: Period) -> list[Room]:
    """The room in each resource that is there, in the order of the ids asked for."""
    found: dict[str, Room] = {}
    if kind is Transponder:
        found = {one.resource.id: one for one in _of_transponders(session, identifiers, period)}
    elif kind is Hub:
        hubs = session.exec(select(Hub).where(col(Hub.id).in_(identifiers))).all()
        free = free_ports(session, [one.id for one in hubs], period)
        found = {one.id: Room(one, one.ports, int(left), int(left)) for one, left in zip(hubs, free, strict=True)}
    else:
        found = {one.resource.id: one for one in _of_pools(session, identifiers, period)}
    return [found[one] for one in identifiers if one in found]


def _of_transponders(session: Session, identifiers: Sequence[str], period: Period) -> list[Room]:
    query = (
        select(Transponder, Satellite)
        .join(Satellite, col(Satellite.id) == col(Transponder.satellite_id))
        .where(col(Transponder.id).in_(identifiers))
    )
    in_force = SpectrumAssignment.in_force(period, now()) & col(SpectrumAssignment.transponder_id).in_(identifiers)
    assigned: dict[str, list[Taken]] = {}
    for one in session.exec(select(SpectrumAssignment).where(in_force)):
        assigned.setdefault(one.transponder_id, []).append(one.taken)
    rooms = []
    for transponder, satellite in session.exec(query):
        taken = assigned.get(transponder.id, [])
        pieces = free_pieces(
            transponder.low_edge_hz,
            transponder.high_edge_hz,
            transponder.guard_band_hz,
            [one.piece for one in taken],
        )
        power_hz = max(transponder.bandwidth_hz - peak_power_hz(taken, period), 0)
        serves = satellite.in_service_throughout(period.start_at, period.stop_at)
        widths = [one.width_hz for one in pieces] if serves else []
        left, widest = min(sum(widths), power_hz), min(max(widths, default=0), power_hz)
        rooms.append(Room(transponder, transponder.bandwidth_hz, left, widest))
    return rooms


def _of_pools(session: Session, identifiers: Sequence[str], period: Period) -> list[Room]:
    query = (
        select(CarrierPool, Satellite)
        .join(SpectrumAssignment, col(SpectrumAssignment.id) == col(CarrierPool.spectrum_assignment_id))
        .join(Transponder, col(Transponder.id) == col(SpectrumAssignment.transponder_id))
        .join(Satellite, col(Satellite.id) == col(Transponder.satellite_id))
        .where(col(CarrierPool.id).in_(identifiers))
    )
    fills = fills_of(session, identifiers, period)
    rooms = []
    for pool, satellite in session.exec(query):
        fill = fills.get(pool.id, PoolFill(0, 0))
        serves = satellite.in_service_throughout(period.start_at, period.stop_at)
        left = max(pool.committable_baud - fill.committed_baud, 0) if serves else 0
        rooms.append(Room(pool, pool.committable_baud, left, left))
    return rooms
