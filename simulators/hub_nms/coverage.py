"""How much weaker than at its peak a satellite's beam is at a place, as the simulated sky has it.

Own code, as all of the simulator's sky. Inside a contour its level holds, outside the widest one nothing arrives; a
beam of one feed falls off as the square of the angle, 3 dB at half its width, and ends 20 dB below its peak.
"""

import math
from collections.abc import Sequence

from satcom.simulators.hub_nms.configuration import Beam, Boresight, Satellite
from satcom.simulators.hub_nms.sky import position_m, standing_m

LOBE_ENDS_DB = -20.0
Ring = tuple[tuple[float, float], ...]


def beam_gain_db(beam: Beam | None, latitude_deg: float, longitude_deg: float, satellite: Satellite) -> float:
    """Relative to the peak, so 0 or less; 0 everywhere for a transponder without a beam, `-inf` out of coverage."""
    if beam is None:
        return 0.0
    if beam.boresight is None:
        levels_db = [one.level_db for one in beam.contours if _inside(one.polygon, latitude_deg, longitude_deg)]
        return max(levels_db, default=-math.inf)
    spot = beam.boresight
    along_deg, across_deg = _from_boresight_deg(satellite, spot, (latitude_deg, longitude_deg))
    minor_deg = spot.half_power_width_deg if spot.minor_width_deg is None else spot.minor_width_deg
    level_db = -12 * ((along_deg / spot.half_power_width_deg) ** 2 + (across_deg / minor_deg) ** 2)
    return level_db if level_db >= LOBE_ENDS_DB else -math.inf


def _from_boresight_deg(satellite: Satellite, spot: Boresight, place: tuple[float, float]) -> tuple[float, float]:
    """How far off the boresight the satellite sees a place, along the beam's longer axis and across it."""
    here = standing_m(satellite)
    to_spot, to_place = (
        [there - own for there, own in zip(position_m(latitude, longitude_, 0.0), here, strict=True)]
        for latitude, longitude_ in ((spot.latitude_deg, spot.longitude_deg), place)
    )
    level = math.hypot(to_spot[0], to_spot[1])
    east = (to_spot[1] / level, -to_spot[0] / level, 0.0)
    length = math.hypot(*to_spot)
    ahead = [one / length for one in to_spot]
    north = (east[1] * ahead[2], -east[0] * ahead[2], east[0] * ahead[1] - east[1] * ahead[0])
    eastwards, northwards, forwards = (_dot(to_place, axis) for axis in (east, north, ahead))
    off_axis_deg = math.degrees(math.atan2(math.hypot(eastwards, northwards), forwards))
    turned = math.atan2(northwards, eastwards) - math.radians(spot.rotation_deg)
    return off_axis_deg * math.cos(turned), off_axis_deg * math.sin(turned)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(mine * theirs for mine, theirs in zip(one, other, strict=True))


def _inside(ring: Ring, latitude_deg: float, longitude_deg: float) -> bool:
    """Whether a ray to the North leaves the ring an odd number of times. Edges go the shorter way round the Earth."""
    crossings = 0
    # longitudes as seen from the place, so that a ring over the date line is like any other
    seen = [((east - longitude_deg + 180) % 360 - 180, north) for east, north in ring]
    for (east, north), (next_east, next_north) in zip(seen, seen[1:] + seen[:1], strict=True):
        if abs(next_east - east) < 180 and (east > 0) != (next_east > 0):
            crossings += north + (next_north - north) * east / (east - next_east) > latitude_deg
    return crossings % 2 == 1
