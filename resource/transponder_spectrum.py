"""The spectrum of transponders as people look at it: who lies where, what is free, and how scattered it is.

Fragmentation is one less the widest free piece over all that is free: 0 where all of it is one piece, towards 1 where
it lies in many. It is 0, too, where nothing is free. Free pieces are those in which a carrier may lie, with its guard
bands taken off, as `resource.spectrum` sells them; what is free is free for the whole of the period that is asked for.
Whoever does not see a carrier is told of it only that its piece is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import network_view, principal_in
from satcom.core.tenancy import visible
from satcom.core.values import Json, instant_text, reference
from satcom.enterprise.party import Individual, Organization, party_name
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.hold import Period
from satcom.resource.naming import resources_called
from satcom.resource.payload import Transponder
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import SpectrumAssignment, WantedSlot, peak_power_hz
from satcom.resource.spectrum_pieces import Piece, free_pieces


@dataclass(frozen=True)
class TransponderSpectrum:
    """What lies on a transponder in a period. `carriers` are those that the caller may see, by frequency."""

    transponder: Transponder
    satellite: Satellite
    period: Period
    carriers: Sequence[SpectrumAssignment]
    hidden: int
    taken_hz: int
    free: Sequence[Piece]
    power_taken_hz: int

    @property
    def free_hz(self) -> int:
        return sum(piece.width_hz for piece in self.free)

    @property
    def widest_hz(self) -> int:
        return max((piece.width_hz for piece in self.free), default=0)

    @property
    def power_free_hz(self) -> int:
        return max(self.transponder.bandwidth_hz - self.power_taken_hz, 0)

    def wire(self) -> dict[str, Json]:
        one, satellite = self.transponder, self.satellite
        body: dict[str, Json] = {
            "transponder": reference(one.id, "Transponder", one.href, one.name).wire(),
            "satellite": reference(satellite.id, "Satellite", satellite.href, satellite.name).wire(),
            "startAt": instant_text(self.period.start_at),
            "lowEdgeHz": one.low_edge_hz,
            "highEdgeHz": one.high_edge_hz,
            "bandwidthHz": one.bandwidth_hz,
            "guardBandHz": one.guard_band_hz,
            "polarisation": one.downlink_polarisation.value,
            "takenHz": self.taken_hz,
            "freeHz": self.free_hz,
            "widestFreeHz": self.widest_hz,
            "powerTakenHz": self.power_taken_hz,
            "powerFreeHz": self.power_free_hz,
            "fragmentation": round(fragmentation(self.free), 4),
            "carrierCount": len(self.carriers) + self.hidden,
            "illustrative": one.illustrative,
        }
        if self.period.stop_at is not None:
            body["stopAt"] = instant_text(self.period.stop_at)
        return body


def fragmentation(free: Iterable[Piece]) -> float:
    """How scattered the free spectrum is: 0 in one piece, towards 1 in many."""
    widths_hz = [piece.width_hz for piece in free]
    return 1 - max(widths_hz) / sum(widths_hz) if sum(widths_hz) else 0.0


def transponder_called(session: Session, name: str) -> Transponder:
    """By its id, its name, or with its satellite as "Amos-17 Ku 1V". Raises what `resources_called` raises."""
    of_satellite = select(Satellite.name + " " + Transponder.name).where(col(Satellite.id) == Transponder.satellite_id)
    full_name = of_satellite.correlate(Transponder).scalar_subquery()
    return resources_called(session, Transponder, [name], "transponderId", full_name)[0]


def spectra(
    session: Session, period: Period, transponder_ids: Sequence[str] | None = None
) -> list[TransponderSpectrum]:
    """The spectrum of these transponders, or of all that may be seen, by satellite and frequency. Few statements."""
    principal = principal_in(session)
    query = select(Transponder, Satellite).join(Satellite).where(visible(Transponder, principal))
    if transponder_ids is not None:
        query = query.where(col(Transponder.id).in_(transponder_ids))
    listed = session.exec(query.order_by(col(Satellite.name), col(Transponder.downlink_center_hz))).all()
    ids = [one.id for one, _ in listed]
    in_force = SpectrumAssignment.in_force(period, now()) & col(SpectrumAssignment.transponder_id).in_(ids)
    there = select(SpectrumAssignment).where(in_force).order_by(col(SpectrumAssignment.start_hz))
    mine = set(session.exec(select(SpectrumAssignment.id).where(in_force, visible(SpectrumAssignment, principal))))
    on: dict[str, list[SpectrumAssignment]] = {identifier: [] for identifier in ids}
    with network_view(session) as network:
        for carrier in network.exec(there):
            on[carrier.transponder_id].append(carrier)
    return [_spectrum(one, satellite, period, on[one.id], mine) for one, satellite in listed]


def _spectrum(
    transponder: Transponder,
    satellite: Satellite,
    period: Period,
    there: Sequence[SpectrumAssignment],
    seen: set[str],
) -> TransponderSpectrum:
    taken = [one.taken for one in there]
    edges = (transponder.low_edge_hz, transponder.high_edge_hz)
    free = free_pieces(*edges, transponder.guard_band_hz, [one.piece for one in taken])
    carriers = [one for one in there if one.id in seen]
    covered_hz, reached_hz = 0, edges[0]
    for piece in sorted((one.piece for one in taken), key=lambda one: one.start_hz):
        covered_hz += max(min(piece.stop_hz, edges[1]) - max(piece.start_hz, reached_hz), 0)
        reached_hz = max(reached_hz, piece.stop_hz)
    peak_hz = peak_power_hz(taken, period)
    hidden = len(there) - len(carriers)
    return TransponderSpectrum(transponder, satellite, period, carriers, hidden, covered_hz, free, peak_hz)


def slots_for(spectrum: TransponderSpectrum, bandwidth_hz: int, power_share_hz: int) -> list[Piece]:
    """Where a carrier of this width and power may be put: the lowest place of each free piece that is wide enough.

    Raises `Refused` on what is no width or no power.
    """
    wanted = WantedSlot(spectrum.transponder.id, bandwidth_hz, power_share_hz)
    if wanted.power_share_hz > spectrum.power_free_hz:
        return []
    wide = [piece for piece in spectrum.free if piece.width_hz >= wanted.bandwidth_hz]
    return [Piece(piece.start_hz, piece.start_hz + wanted.bandwidth_hz) for piece in wide]


def carrier_bodies(session: Session, carriers: Sequence[SpectrumAssignment]) -> list[dict[str, Json]]:
    """Each carrier with whom it carries: its customer by name, or what the pool on it is called."""
    names = _party_names(session, {one.party_id for one in carriers if one.party_id is not None})
    of_carriers = col(CarrierPool.spectrum_assignment_id).in_([one.id for one in carriers])
    pools = {one.spectrum_assignment_id: one.name for one in session.exec(select(CarrierPool).where(of_carriers))}
    return [_carrier_body(one, names, pools.get(one.id)) for one in carriers]


def _carrier_body(one: SpectrumAssignment, names: dict[str, str], pool: str | None) -> dict[str, Json]:
    who = one.customer_note or pool or names.get(one.party_id or "", "")
    body: dict[str, Json] = {
        **reference(one.id, "SpectrumAssignment", one.href, one.name).wire(),
        "state": one.state.value,
        "startHz": one.start_hz,
        "stopHz": one.stop_hz,
        "guardBandHz": one.guard_band_hz,
        "powerShareHz": one.power_share_hz,
        "who": who,
        "startAt": instant_text(one.start_at),
    }
    instants: dict[str, datetime | None] = {"stopAt": one.stop_at, "holdUntil": one.hold_until}
    body |= {name: instant_text(at) for name, at in instants.items() if at is not None}
    further: dict[str, Json] = {
        "orderReference": one.order_reference,
        "direction": one.direction.value if one.direction else None,
        "carrierPool": pool,
    }
    return body | {name: value for name, value in further.items() if value is not None}


def _party_names(session: Session, ids: set[str]) -> dict[str, str]:
    principal = principal_in(session)
    companies = select(Organization).where(col(Organization.id).in_(ids), visible(Organization, principal))
    people = select(Individual).where(col(Individual.id).in_(ids), visible(Individual, principal))
    return {one.id: party_name(one) for one in (*session.exec(companies), *session.exec(people))}


def period_of(start_at: datetime | None, stop_at: datetime | None) -> Period:
    """From now, without an end, where nothing is said. Raises `Refused`."""
    return Period(start_at or now(), stop_at)
