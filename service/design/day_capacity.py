"""Capacity by time: what gateways and satellites have left when a service would need them, on the capacity day.

Without such a day a gateway has what it has left at its fullest instant, all the time. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from satcom.resource.capacity_day import (
    SLOT_MINUTES,
    CapacityDay,
    DayTimes,
    GatewayPlace,
    least_of,
    slot_shown,
    slots_through,
    times_of,
)
from satcom.service.constellation_solution import ConstellationSolution, PathReason
from satcom.service.demand import ConstellationDemand
from satcom.service.design.constellation_facts import GatewayFacts, PassingInputs
from satcom.service.design.constellation_path import Lost


@dataclass(frozen=True)
class GatewayLeft:
    """What others have left of a gateway's feeder each way in the slots in which a service goes through it.

    `None`: it does not limit; `slot`: the fullest, `None` where nothing is counted by time.
    """

    gateway: GatewayFacts
    forward_hz: int | None
    return_hz: int | None
    slot: int | None

    def lacks(self, way: ConstellationSolution) -> bool:
        """It has too little for a way."""
        return any(
            left_hz is not None and carrier.charged_bandwidth_hz > left_hz
            for left_hz, carrier in ((self.forward_hz, way.forward), (self.return_hz, way.return_link))
        )


def times_on_day(
    inputs: PassingInputs, demand: ConstellationDemand, gateways: Sequence[GatewayFacts]
) -> DayTimes | None:
    """When the site would be served through which of the gateways, and by whom, on the capacity day."""
    if inputs.day is None:
        return None
    places = tuple(
        GatewayPlace(one.station_id, one.latitude_deg, one.longitude_deg, one.altitude_m, one.mask_deg)
        for one in gateways
    )
    return times_of(inputs.day, demand.latitude_deg, demand.longitude_deg, places)


def left_of(gateway: GatewayFacts, times: DayTimes | None) -> GatewayLeft:
    """What is left of a gateway for a service of these times."""
    if times is None or not gateway.forward_by_slot_hz:
        return GatewayLeft(gateway, gateway.forward_room_hz, gateway.return_room_hz, None)
    slots = slots_through(times, gateway.station_id)
    forward_hz, forward_at = least_of(gateway.forward_by_slot_hz, slots)
    return_hz, return_at = least_of(gateway.return_by_slot_hz, slots)
    return GatewayLeft(gateway, forward_hz, return_hz, forward_at if forward_hz <= return_hz else return_at)


def check_beams(inputs: PassingInputs, times: DayTimes | None) -> None:
    """Every satellite that would light the site's cell has a beam for it then. Raises `Lost` with the first instant."""
    limit, day = inputs.beams_per_satellite, inputs.day
    if limit is None:
        return
    if times is None or day is None:
        text = "its capacity day cannot be planned: of somebody who flies then no elements are near"
        raise Lost(PathReason.NO_ELEMENTS, text, 0, 1, "satellites")
    lit = {one.satellite_id: one.cells for one in inputs.cells_lit}
    full = [
        (slot, satellite_id)
        for satellite_id, slots in times.carried_by.items()
        for slot in slots
        if satellite_id in lit and lit[satellite_id][slot] >= limit
    ]
    if full:
        slot, satellite_id = min(full)
        name = next(one.name for one in day.satellites if one.id == satellite_id)
        text = f"{name} lights {limit} other cells at {slot_shown(slot)} of the capacity day {day.start_at:%Y-%m-%d}"
        raise Lost(PathReason.NO_BEAM, f"{text}: all beams that it has", 0, 1, "beams", begin(day, slot), name)


def begin(day: CapacityDay, slot: int) -> datetime:
    """When a slot of the day begins."""
    return day.start_at + timedelta(minutes=slot * SLOT_MINUTES)


def too_full(inputs: PassingInputs, full: Sequence[GatewayLeft], way: ConstellationSolution) -> Lost:
    """That without the gateways which have too little for a way it is not served often enough."""
    left = "; ".join(f"{one.gateway.name} has {_left_shown(one, inputs.day)}" for one in full)
    forward_hz, return_hz = way.forward.charged_bandwidth_hz, way.return_link.charged_bandwidth_hz
    text = f"{forward_hz / 1e6:.3f} MHz forward and {return_hz / 1e6:.3f} return are needed at every gateway, {left}"
    text += "; without them it is not served often enough"
    rooms = [
        (left_hz, needed_hz, one.slot)
        for one in full
        for left_hz, needed_hz in ((one.forward_hz, forward_hz), (one.return_hz, return_hz))
        if left_hz is not None and left_hz < needed_hz
    ]
    left_hz, needed_hz, slot = min(rooms, key=lambda one: one[:2])
    when = None if slot is None or inputs.day is None else begin(inputs.day, slot)
    return Lost(PathReason.NO_FEEDER, text, left_hz, needed_hz, "Hz", when)


def _left_shown(one: GatewayLeft, day: CapacityDay | None) -> str:
    rooms = " and ".join(
        "no limit" if room is None else f"{room / 1e6:.3f} MHz" for room in (one.forward_hz, one.return_hz)
    )
    when = "" if one.slot is None or day is None else f" at {slot_shown(one.slot)} of the capacity day"
    return f"{rooms} left{when}"
