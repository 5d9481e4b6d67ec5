"""Leasing: which transponders can give up spectrum with its power. Pure: the same facts, the same answer.

The customer brings his own earth stations, so neither licence nor link budget is ours: what counts is that the
satellite serves in the whole period, that its beams reach the places he names, that the density of his power keeps the
limits on the down link (`service.design.limits`), and that a contiguous slot and its power are free. Of a satellite's
transponders in a band the one with the tightest fitting piece comes first: what stays free stays wide. The limits of
the lease follow from its share of power.
Words: ITU Handbook on Satellite Communications, 3rd ed. (transponder lease, power-equivalent bandwidth).
"""

from math import ceil, log10

import numpy as np
from numpy.typing import NDArray

from satcom.core.loading import loaded_id
from satcom.resource.free_spectrum import FreeCapacity
from satcom.resource.hold import Period
from satcom.resource.physics.coverage import relative_gain_db
from satcom.service.demand import LeaseDemand
from satcom.service.design.facts import Assumptions, Fleet, Occupancy, SatelliteFacts, TransponderFacts
from satcom.service.design.lanes import free_of_fleet
from satcom.service.design.limits import breach_told, lease_breaches
from satcom.service.design.lost_ways import bands_lost
from satcom.service.design.payloads import Payload, payloads, transponder_arrays
from satcom.service.design.room import Room
from satcom.service.design.sky import beam_shapes
from satcom.service.design.survey import LostPart, Setback, keep_furthest, not_in_service, without_transponder
from satcom.service.solution import LeaseSolution
from satcom.service.way import PathPart, Reason

Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


def candidates(fleet: Fleet, demand: LeaseDemand) -> Indices:
    """The transponders that could be leased if they were free; rows of the fleet."""
    covered = _covered(fleet, demand)
    rows = [
        payload.transponders[covered[payload.transponders]]
        for payload in payloads(fleet)
        if _refusal(fleet, payload, demand, covered) is None
    ]
    return np.concatenate([np.empty(0, dtype=np.intp), *rows])


def lease(
    fleet: Fleet, demand: LeaseDemand, occupancy: Occupancy, assumed: Assumptions
) -> tuple[tuple[LeaseSolution, ...], dict[int, Setback], list[LostPart]]:
    """The transponders that can be leased, best first; why the other satellites, and transponders, can give nothing."""
    period = Period(demand.start_at, demand.stop_at)
    free, covered = free_of_fleet(fleet, occupancy, period), _covered(fleet, demand)
    room = Room(fleet, occupancy, period)
    too_dense = _too_dense(fleet, demand, assumed.over_footprint) if assumed.within_limits else {}
    ways: list[tuple[int, int, LeaseSolution]] = []
    setbacks: dict[int, Setback] = {}
    lost: list[LostPart] = []
    for payload in payloads(fleet):
        refused = _refusal(fleet, payload, demand, covered)
        if refused is not None:
            keep_furthest(setbacks, payload.satellite, refused)
            continue
        rows = [int(row) for row in payload.transponders[covered[payload.transponders]]]
        cannot = {row: too_dense.get(row) or _no_room(fleet, payload, row, demand, free, room) for row in rows}
        found = [row for row, why in cannot.items() if why is None]
        ways += [
            (int(free.widest_hz[row]), row, _solution(fleet, payload, fleet.transponders[row], demand)) for row in found
        ]
        told = {row: why for row, why in cannot.items() if why is not None}
        if found:
            name = {row: fleet.transponders[row].name for row in told}
            lost += [LostPart(payload.satellite, PathPart.TRANSPONDER, name[row], why) for row, why in told.items()]
        else:
            keep_furthest(setbacks, payload.satellite, max(told.values(), key=lambda one: one.progress))
    for row in set(range(len(fleet.satellites))) - {one.satellite for one in payloads(fleet)}:
        setbacks[row] = without_transponder(fleet.satellites[row])
    giving = {fleet.satellites[one.satellite].id: one.satellite for one in payloads(fleet)}
    feasible = {giving[way.satellite_id] for _, _, way in ways}
    ranked = sorted(ways, key=lambda one: (one[2].charged_bandwidth_hz, one[0], one[1]))
    losers = {row: one for row, one in setbacks.items() if row not in feasible}
    return tuple(way for _, _, way in ranked), losers, bands_lost(setbacks, feasible) + lost


def power_share_hz(transponder: TransponderFacts, demand: LeaseDemand) -> int:
    """The power of the lease as power-equivalent bandwidth; where none is asked for it goes with bandwidth."""
    if demand.power_share_percent is None:
        return demand.bandwidth_hz
    return ceil(transponder.bandwidth_hz * demand.power_share_percent / 100)


def _too_dense(fleet: Fleet, demand: LeaseDemand, over_footprint: bool) -> dict[int, Setback]:
    power_hz = np.array([power_share_hz(one, demand) for one in fleet.transponders], dtype=np.float64)
    names = {one.id: one.name for one in fleet.satellites}
    return {
        row: breach_told(breach, fleet.transponders[row].name, f"{names[of.satellite_id]} {of.band}")
        for row, breach in lease_breaches(fleet, demand, power_hz, over_footprint).items()
        for of in (fleet.transponders[row],)
    }


def _refusal(fleet: Fleet, payload: Payload, demand: LeaseDemand, covered: Flags) -> Setback | None:
    """Why nothing of this payload can be leased, whatever is free."""
    satellite = fleet.satellites[payload.satellite]
    subject = f"{satellite.name} {payload.band}"
    if not satellite.in_service_throughout(demand.start_at, demand.served_until):
        return not_in_service(satellite, demand)
    if demand.satellites is not None and not _is_among(satellite, demand.satellites):
        return Setback(
            Reason.OUTSIDE_CONTOUR,
            subject,
            "this satellite was not asked for",
            0,
            1,
            "satellites asked for",
            asked_for=False,
        )
    if demand.bands is not None and payload.band not in demand.bands:
        return Setback(
            Reason.OUTSIDE_CONTOUR,
            subject,
            f"{payload.band} band was not asked for",
            0,
            1,
            "bands asked for",
            asked_for=False,
        )
    if not covered[payload.transponders].any():
        asked = f" and comes down {demand.polarisation}" if demand.polarisation is not None else ""
        text = f"no transponder reaches the places that were named{asked}"
        return Setback(Reason.OUTSIDE_CONTOUR, subject, text, 0, 1, "transponders")
    return None


def _covered(fleet: Fleet, demand: LeaseDemand) -> Flags:
    """Whether the beams of each transponder of the fleet reach the places, with the asked polarisation."""
    arrays = transponder_arrays(fleet)
    reached = np.ones(len(fleet.transponders), dtype=np.bool_)
    places = (
        (demand.uplink_latitude_deg, demand.uplink_longitude_deg, arrays.up_beam),
        (demand.downlink_latitude_deg, demand.downlink_longitude_deg, arrays.down_beam),
    )
    for latitude_deg, longitude_deg, beam in places:
        if latitude_deg is not None and longitude_deg is not None:
            gain_db = relative_gain_db.or_nan(beam_shapes(fleet), np.array([latitude_deg]), np.array([longitude_deg]))[
                :, 0
            ]
            reached &= np.isfinite(gain_db[beam])
    if demand.polarisation is not None:
        reached &= arrays.down_polarisation == demand.polarisation
    return reached


def _no_room(
    fleet: Fleet, payload: Payload, row: int, demand: LeaseDemand, free: FreeCapacity, room: Room
) -> Setback | None:
    """What a transponder lacks, and from when on it would have it; `None` where it has room."""
    transponder, wanted_hz = fleet.transponders[row], demand.bandwidth_hz
    needed_hz, left_hz = power_share_hz(transponder, demand), int(free.power_hz[row])
    widest_hz = int(free.widest_hz[row])
    if widest_hz >= wanted_hz and left_hz >= needed_hz:
        return None
    subject = f"{fleet.satellites[payload.satellite].name} {payload.band}"
    if widest_hz < wanted_hz:
        reason, lacking = Reason.NO_CONTIGUOUS_SLOT, (widest_hz, wanted_hz)
        text = f"the widest free piece of {transponder.name} is {widest_hz / 1e6:.3f} MHz"
        text += f", {wanted_hz / 1e6:.3f} MHz are asked for"
    else:
        reason, lacking = Reason.NO_POWER, (left_hz, needed_hz)
        text = f"power for {left_hz / 1e6:.3f} MHz is left on {transponder.name}, {needed_hz / 1e6:.3f} needed"
    value, limit = lacking
    missed_by = (limit - value) / limit
    found = Setback(reason, subject, text, value, limit, "Hz", missed_by=missed_by)
    return found.free_from(room.free_at(row, (wanted_hz,), needed_hz))


def _solution(fleet: Fleet, payload: Payload, transponder: TransponderFacts, demand: LeaseDemand) -> LeaseSolution:
    satellite = fleet.satellites[payload.satellite]
    power_hz = power_share_hz(transponder, demand)
    share_db = 10 * log10(power_hz / transponder.bandwidth_hz)
    beams = [fleet.beams[fleet.beam_index[one]] for one in (transponder.uplink_beam_id, transponder.downlink_beam_id)]
    return LeaseSolution(
        capacity="leasedSpectrum",
        satellite_id=satellite.id,
        satellite_name=satellite.name,
        band=payload.band,
        transponder_id=transponder.id,
        transponder_name=transponder.name,
        uplink_polarisation=transponder.uplink_polarisation,
        downlink_polarisation=transponder.downlink_polarisation,
        bandwidth_hz=demand.bandwidth_hz,
        power_share_hz=power_hz,
        eirp_limit_dbw=transponder.eirp_saturation_dbw - transponder.output_backoff_db + share_db,
        flux_density_limit_dbw_per_m2=transponder.sfd_dbw_per_m2 - transponder.input_backoff_db + share_db,
        charged_bandwidth_hz=max(demand.bandwidth_hz, power_hz),
        duration_minutes=demand.duration_minutes,
        illustrative=satellite.illustrative or transponder.illustrative or any(one.illustrative for one in beams),
    )


def _is_among(satellite: SatelliteFacts, names: tuple[str, ...]) -> bool:
    return any(name in (satellite.id, satellite.name) or loaded_id("Satellite", name) == satellite.id for name in names)
