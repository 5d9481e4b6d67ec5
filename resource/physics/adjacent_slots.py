"""Adjacent slots: who stands beside us on the geostationary arc, and what gets through a station's side lobes.

Satellites that share a slot count as one neighbour: what they carry together is one satellite's band. Where each
stands is its mean longitude over a day, from its elements; one that drifts holds no slot.

Words: ITU-R S.465 and S.580 (side lobes), S.1432 (allowances). The ratios themselves: `interference`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.checked import FINITE, LATITUDES, LONGITUDES, POSITIVE, SHARE, checked
from satcom.resource.physics.geosynchronous_motion import daily_motion
from satcom.resource.physics.interference import Values, side_lobe_gain_dbi, topocentric_separation_deg
from satcom.resource.physics.orbit import Elements

Array = NDArray[np.float64]

SAME_SLOT_DEG = 0.25  # boxes are a tenth of a degree to either side; separate slots half a degree and more apart
DRIFTS_DEG_PER_DAY = 0.1


@dataclass(frozen=True)
class GeoSatellite:
    """A satellite at its place on the arc."""

    name: str
    longitude_deg: float


@dataclass(frozen=True)
class Slot:
    """A place on the arc with who stands there; `separation_deg` from ours is positive to the East."""

    names: tuple[str, ...]
    longitude_deg: float
    separation_deg: float


def geo_satellites(elements: Sequence[Elements], at: datetime) -> tuple[GeoSatellite, ...]:
    """Where satellites stand at an instant; those that drift, or that SGP4 cannot propagate, are left out.

    Raises `ValueError` when `at` has no time zone.
    """
    motion = daily_motion(elements, at)
    return tuple(
        GeoSatellite(one.name, float(longitude_deg))
        for one, longitude_deg, drift in zip(elements, motion.mean_longitude_deg, motion.drift_deg_per_day, strict=True)
        if abs(drift) <= DRIFTS_DEG_PER_DAY
    )


def adjacent_slots(
    longitude_deg: float, satellites: Sequence[GeoSatellite], each_side: int = 1
) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """The nearest slots to the West and to the East of ours, nearest first; fewer where there are no more.

    What stands within `SAME_SLOT_DEG` of us is ours. Half the arc is West, half is East.
    """
    offsets = sorted(((one.longitude_deg - longitude_deg + 180) % 360 - 180, one.name) for one in satellites)
    west = _slots([one for one in reversed(offsets) if one[0] <= -SAME_SLOT_DEG], longitude_deg)
    east = _slots([one for one in offsets if one[0] >= SAME_SLOT_DEG], longitude_deg)
    return west[:each_side], east[:each_side]


def _slots(outward: list[tuple[float, str]], longitude_deg: float) -> tuple[Slot, ...]:
    """Satellites by their distance from ours, put together where they share a slot."""
    groups: list[list[tuple[float, str]]] = []
    for offset, name in outward:
        if groups and abs(offset - groups[-1][0][0]) < SAME_SLOT_DEG:
            groups[-1].append((offset, name))
        else:
            groups.append([(offset, name)])
    slots = []
    for group in groups:
        separation = float(np.mean([offset for offset, _ in group]))
        place = (longitude_deg + separation + 180) % 360 - 180
        slots.append(Slot(tuple(name for _, name in group), place, separation))
    return tuple(slots)


@checked(
    longitude_deg=LONGITUDES,
    neighbour_longitude_deg=LONGITUDES,
    station_latitude_deg=LATITUDES,
    station_longitude_deg=LONGITUDES,
    diameter_m=POSITIVE,
    efficiency=SHARE,
    freq_hz=POSITIVE,
    excess_db=FINITE,
)
def adjacent_satellite_ci_db(
    longitude_deg: Values,
    neighbour_longitude_deg: Values,
    station_latitude_deg: Values,
    station_longitude_deg: Values,
    diameter_m: Values,
    efficiency: Values,
    freq_hz: Values,
    excess_db: Values = 0.0,
) -> Array:
    """C/I of each neighbour through the side lobes of a station that points at us. Arguments broadcast.

    Up and down alike: neighbours' stations are taken to be as large as this one, and carriers to be as dense but for
    `excess_db`. `inf` for a neighbour below the horizon, nan where the station does not see us.

    Source: ITU-R S.580-6, S.465-6; Radio Regulations, Appendix 8, Annex III near the axis.
    """
    place = station_latitude_deg, station_longitude_deg
    apart_deg = topocentric_separation_deg.or_nan(*place, longitude_deg, neighbour_longitude_deg)
    sees_us = np.isfinite(topocentric_separation_deg.or_nan(*place, longitude_deg, longitude_deg))
    lobe_dbi = side_lobe_gain_dbi.or_nan(apart_deg, diameter_m, efficiency, freq_hz)
    ratio_db = parabola_gain_dbi.or_nan(diameter_m, efficiency, freq_hz) - lobe_dbi - excess_db
    return np.where(np.isnan(apart_deg) & sees_us, np.inf, ratio_db)


@checked(
    apart=["density_db"],
    longitude_deg=LONGITUDES,
    station_latitude_deg=LATITUDES,
    station_longitude_deg=LONGITUDES,
    diameter_m=POSITIVE,
    efficiency=SHARE,
    freq_hz=POSITIVE,
    density_db=FINITE,
)
def heard_beside_dbi(
    longitude_deg: Values,
    neighbour_longitude_deg: Array,
    station_latitude_deg: Values,
    station_longitude_deg: Values,
    diameter_m: Values,
    efficiency: Values,
    freq_hz: Values,
    density_db: Values = 0.0,
) -> Array:
    """Gain of a station's side lobes towards all neighbours together, each weighed by its `density_db`.

    Neighbours and their densities have shape (..., neighbours), all else (...). Who is nan, or below the horizon, is
    not heard; `-inf` where nobody is. Less the gain on axis it is the interference of neighbours of those densities,
    over a carrier of 0 dB; the same up and down, see `adjacent_satellite_ci_db`.
    """
    own, latitude, longitude, diameter, share, freq = (
        np.asarray(one, dtype=np.float64)[..., None]
        for one in (longitude_deg, station_latitude_deg, station_longitude_deg, diameter_m, efficiency, freq_hz)
    )
    apart_deg = topocentric_separation_deg.or_nan(latitude, longitude, own, neighbour_longitude_deg)
    each_dbi = side_lobe_gain_dbi.or_nan(apart_deg, diameter, share, freq) + density_db
    with np.errstate(divide="ignore"):
        heard_dbi: Array = 10 * np.log10(np.sum(np.where(np.isnan(each_dbi), 0.0, 10 ** (each_dbi / 10)), axis=-1))
    return heard_dbi
