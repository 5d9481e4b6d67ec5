"""Which transponder of the fleet a carrier of a public list lies in, and which carriers lie in none, with the reason.

A carrier belongs to a transponder of a satellite at its position, of its polarisation, whose band holds its occupied
bandwidth: symbol rate times (1 + roll-off). Where several do, nobody can tell, and none is taken. Of carriers that lie
across each other the first of the list stays. Neighbours nearer than the transponder's guard band are on the air all
the same: they keep the guard band that is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from satcom.resource.resource import Polarisation
from satcom.resource.satellites_xml import ListedCarrier
from satcom.resource.spectrum_pieces import megahertz

TOLERANCE_DEG = 0.2  # a position is a box, and lists part one by a tenth of a degree between bands


@dataclass(frozen=True)
class OfFleet:
    """A transponder of the fleet, by its downlink."""

    id: str
    name: str
    satellite: str
    orbital_longitude_deg: float
    low_edge_hz: int
    high_edge_hz: int
    polarisation: Polarisation
    guard_band_hz: int


@dataclass(frozen=True)
class Placed:
    """A carrier in its transponder: its edges, the guard band that it keeps, the roll-off that they rest on."""

    carrier: ListedCarrier
    transponder: OfFleet
    start_hz: int
    stop_hz: int
    guard_band_hz: int
    rolloff: float


@dataclass(frozen=True)
class LeftOut:
    """A carrier that is not taken, by a code and in words."""

    carrier: ListedCarrier
    code: str
    why: str


def place_carriers(
    carriers: Sequence[ListedCarrier],
    fleet: Sequence[OfFleet],
    dvb_s2_rolloff: float,
    tolerance_deg: float = TOLERANCE_DEG,
) -> tuple[list[Placed], list[LeftOut]]:
    """Every carrier is in one of the two lists, each in the order of the list given."""
    placed: list[Placed] = []
    left: list[LeftOut] = []
    for carrier in carriers:
        found = _placed(carrier, fleet, dvb_s2_rolloff, tolerance_deg)
        if isinstance(found, Placed):
            found = _beside(found, placed)
        if isinstance(found, Placed):
            placed.append(found)
        else:
            left.append(found)
    return [replace(one, guard_band_hz=_guard_band_hz(one, placed)) for one in placed], left


def _placed(
    carrier: ListedCarrier, fleet: Sequence[OfFleet], dvb_s2_rolloff: float, tolerance_deg: float
) -> Placed | LeftOut:
    here = [one for one in fleet if _apart_deg(one, carrier) <= tolerance_deg + 1e-9]
    if not here:
        return LeftOut(carrier, "noSatellite", f"no satellite of the fleet stands within {tolerance_deg:g} degrees")
    satellites = ", ".join(dict.fromkeys(one.satellite for one in here))
    center_hz = carrier.downlink_center_hz
    holding = [
        one
        for one in here
        if one.polarisation == carrier.polarisation and one.low_edge_hz <= center_hz < one.high_edge_hz
    ]
    if not holding:
        what = f"{megahertz(center_hz)} MHz {carrier.polarisation}"
        return LeftOut(carrier, "noTransponder", f"no transponder of {satellites} comes down at {what}")
    rolloff = dvb_s2_rolloff if carrier.rolloff is None else carrier.rolloff
    width_hz = round(carrier.symbol_rate_baud * (1 + rolloff))
    start_hz = center_hz - width_hz // 2
    stop_hz = start_hz + width_hz
    inside = [one for one in holding if one.low_edge_hz <= start_hz and stop_hz <= one.high_edge_hz]
    if not inside:
        beyond_hz = min(max(one.low_edge_hz - start_hz, stop_hz - one.high_edge_hz) for one in holding)
        why = f"its {megahertz(width_hz)} MHz reach {megahertz(beyond_hz)} MHz beyond {_names(holding)}"
        return LeftOut(carrier, "outsideTransponder", why)
    if len(inside) > 1:
        return LeftOut(carrier, "severalTransponders", f"it may lie in {_names(inside)}; the list does not tell")
    return Placed(carrier, inside[0], start_hz, stop_hz, inside[0].guard_band_hz, rolloff)


def _beside(one: Placed, placed: Sequence[Placed]) -> Placed | LeftOut:
    """The carrier, unless another one of the list has its place already."""
    for other in placed:
        across = one.start_hz < other.stop_hz and other.start_hz < one.stop_hz
        if one.transponder.id != other.transponder.id or not across:
            continue
        mine, its = one.carrier, other.carrier
        if (mine.downlink_center_hz, mine.symbol_rate_baud) == (its.downlink_center_hz, its.symbol_rate_baud):
            return LeftOut(mine, "sameCarrier", f"it is another stream of the carrier in line {its.line}")
        its_mhz, rate = megahertz(its.downlink_center_hz), its.symbol_rate_baud
        why = f"it lies across {its_mhz} MHz with {rate} symbols/s in line {its.line}, which stays"
        return LeftOut(mine, "clash", why)
    return one


def _guard_band_hz(one: Placed, placed: Sequence[Placed]) -> int:
    """The transponder's, or as much as there is to the nearest neighbour."""
    gaps = (
        max(one.start_hz, other.start_hz) - min(one.stop_hz, other.stop_hz)
        for other in placed
        if other is not one and other.transponder.id == one.transponder.id
    )
    return min(one.transponder.guard_band_hz, *gaps, one.transponder.guard_band_hz)


def _apart_deg(one: OfFleet, carrier: ListedCarrier) -> float:
    """Along the arc, also across the date line."""
    apart_deg = abs(one.orbital_longitude_deg - carrier.orbital_longitude_deg) % 360
    return min(apart_deg, 360 - apart_deg)


def _names(those: Sequence[OfFleet]) -> str:
    return ", ".join(f"{one.satellite} {one.name}" for one in those)
