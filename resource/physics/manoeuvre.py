"""Manoeuvres: how large a burn is, how much of it turns the plane of the orbit, how a geostationary satellite drifts.

The velocity increment is that of the plan; the size of a vector is the same in every frame. What part of it lies in the
plane of the orbit, and what part along the track, only a frame of the orbit itself tells: RTN, which is RSW, and TNW.

Words: CCSDS 502.0-B-3 table 3-3; its SANA registry of orbit-relative reference frames.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import degrees, hypot
from typing import Final

GEOSTATIONARY_RADIUS_M: Final = 42_164_170.0
_DAY_S: Final = 86_400.0
_ALONG = {"RTN": 1, "RSW": 1, "TNW": 0}  # which component lies along the track; the third of each is along the momentum
_OF_THE_ORBIT = ("", "_ROTATING", "_INERTIAL")  # at ignition both are one


@dataclass(frozen=True)
class Manoeuvre:
    """A burn as flight dynamics plans it, of the satellite that the message names.

    It lasts no time when it is counted as an impulse. `mass_change_kg` is negative, `None` when it is not told.
    """

    object_name: str
    object_id: str
    ignition: datetime
    duration_s: float
    frame: str
    delta_v_m_per_s: tuple[float, float, float]
    mass_change_kg: float | None = None
    comment: str = ""

    @property
    def end(self) -> datetime:
        return self.ignition + timedelta(seconds=self.duration_s)

    @property
    def size_m_per_s(self) -> float:
        return hypot(*self.delta_v_m_per_s)


@dataclass(frozen=True)
class InTheOrbit:
    """What a burn does to its orbit: along the track, in the plane with that, and out of the plane.

    Along the track it is positive forwards, out of the plane along the angular momentum, which is North of a
    geostationary orbit; in the plane it has no sign.
    """

    along_track_m_per_s: float
    in_plane_m_per_s: float
    out_of_plane_m_per_s: float

    @property
    def geostationary_drift_change_deg_per_day(self) -> float:
        """By how much more a geostationary satellite drifts to the East afterwards: forwards it falls behind.

        Source: vis-viva equation and Kepler's third law to the first order in the burn, -3 dv / r; E. M. Soop, Handbook
        of Geostationary Orbits, has it as -3 dv / v of a turn in each.
        """
        return degrees(-3 * self.along_track_m_per_s / GEOSTATIONARY_RADIUS_M) * _DAY_S


def in_the_orbit(one: Manoeuvre) -> InTheOrbit | None:
    """`None` where the frame of the plan is none of the orbit's own: without the orbit nothing tells the parts."""
    frame = next((name for name in _ALONG for end in _OF_THE_ORBIT if one.frame.upper() == name + end), None)
    if frame is None:
        return None
    first, second, out_of_plane = one.delta_v_m_per_s
    return InTheOrbit(one.delta_v_m_per_s[_ALONG[frame]], hypot(first, second), out_of_plane)
