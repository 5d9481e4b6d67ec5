"""How much weaker than at its peak a satellite's beam is at a place, as the simulated sky has it.

Own code, as all of the simulator's sky. Inside a contour its level holds, outside the widest one nothing arrives; a
round beam falls off as the square of the angle, 3 dB at half its width, and ends 20 dB below its peak.
"""

import math

from satcom.simulators.hub_nms.configuration import Beam, Satellite
from satcom.simulators.hub_nms.sky import GEO_RADIUS_M, position_m

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
    off_axis_deg = _angle_at_satellite_deg(
        satellite, (spot.latitude_deg, spot.longitude_deg), (latitude_deg, longitude_deg)
    )
    level_db = -12 * (off_axis_deg / spot.half_power_width_deg) ** 2
    return level_db if level_db >= LOBE_ENDS_DB else -math.inf


def _angle_at_satellite_deg(satellite: Satellite, one: tuple[float, float], other: tuple[float, float]) -> float:
    longitude = math.radians(satellite.longitude_deg)
    here = (GEO_RADIUS_M * math.cos(longitude), GEO_RADIUS_M * math.sin(longitude), 0.0)
    to_one, to_other = (
        [place - own for place, own in zip(position_m(latitude, longitude_, 0.0), here, strict=True)]
        for latitude, longitude_ in (one, other)
    )
    along = sum(one_m * other_m for one_m, other_m in zip(to_one, to_other, strict=True))
    cosine = along / (math.hypot(*to_one) * math.hypot(*to_other))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _inside(ring: Ring, latitude_deg: float, longitude_deg: float) -> bool:
    """Whether a ray to the North leaves the ring an odd number of times. Edges go the shorter way round the Earth."""
    crossings = 0
    # longitudes as seen from the place, so that a ring over the date line is like any other
    seen = [((east - longitude_deg + 180) % 360 - 180, north) for east, north in ring]
    for (east, north), (next_east, next_north) in zip(seen, seen[1:] + seen[:1], strict=True):
        if abs(next_east - east) < 180 and (east > 0) != (next_east > 0):
            crossings += north + (next_north - north) * east / (east - next_east) > latitude_deg
    return crossings % 2 == 1
