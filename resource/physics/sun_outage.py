"""Sun outages: when the Sun stands behind a satellite as a station sees it, and how much that costs.

An outage is the time in which C/N falls by more than the link can bear. Station and satellite may both move: it is the
same question for a teleport and a geostationary satellite as for a ship and a constellation.
The antenna points at the satellite without error. Refraction lifts both alike and is left out.

Source: ITU-R S.1525-1 (noise), ERFA (Sun).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from satcom.resource.physics.checked import Accepted, check
from satcom.resource.physics.event_search import intervals_below, lowest_s
from satcom.resource.physics.orbit import Array
from satcom.resource.physics.sun import (
    Track,
    elevation_deg,
    instant,
    instant_s,
    separation_deg,
    sun_position_km,
)
from satcom.resource.physics.sun_noise import offset_of_degradation_deg, sun_degradation_db, sun_noise_k

_MU_KM3_PER_S2 = 398600.4418  # WGS 84
_SAMPLES_OF_ORBIT, _SHORTEST_STEP_S, _LONGEST_STEP_S = 144, 10.0, 600.0
_ALL_OF_THE_SKY_DEG = -90.0


RECEIVER_RANGES: Final = {
    "diameter_m": (0.1, 70.0),
    "efficiency": (0.01, 1.0),
    "freq_hz": (1e9, 30e9),
    "system_temperature_k": (1.0, 100_000.0),
    "brightness_k": (1.0, 1e9),
}
THRESHOLDS_DB: Final = (0.1, 60.0)
MASKS_DEG: Final = Accepted(-90.0, 90.0)


@dataclass(frozen=True)
class SunPass:
    """The Sun comes nearer to a satellite in the sky than a limit."""

    start: datetime
    peak: datetime
    end: datetime
    separation_deg: float  # at the peak, between the middle of the Sun and the satellite
    elevation_deg: float  # at the peak


@dataclass(frozen=True)
class SunOutage(SunPass):
    """A pass of the Sun that costs more than the link can bear."""

    noise_k: float
    degradation_db: float


@dataclass(frozen=True)
class Receiver:
    """What the noise of the Sun enters. `system_temperature_k` is without it; `brightness_k` `None`: the quiet Sun."""

    diameter_m: float
    efficiency: float
    freq_hz: float
    system_temperature_k: float
    brightness_k: float | None = None

    def __post_init__(self) -> None:
        check({name: (getattr(self, name), Accepted(*limits)) for name, limits in RECEIVER_RANGES.items()})


@dataclass(frozen=True)
class Turn:
    """A satellite is the one that a station points at from `start` to `stop`."""

    satellite: Track
    start: datetime
    stop: datetime


def sun_passes(
    satellite: Track, station: Track, limit_deg: float, start: datetime, stop: datetime, mask_deg: float = 0.0
) -> list[SunPass]:
    """When the Sun's middle is within `limit_deg` of the satellite and the satellite above `mask_deg`.

    Raises `ValueError` on an instant without time zone, a period that does not end after it starts, and a limit that is
    not above zero.
    """
    check({"limit_deg": (limit_deg, Accepted(0.0, 180.0, above=True)), "mask_deg": (mask_deg, MASKS_DEG)})

    def apart_deg(at_s: Array) -> Array:
        seen_from = station(at_s)
        return separation_deg(satellite(at_s) - seen_from, sun_position_km(at_s) - seen_from)

    def height_deg(at_s: Array) -> Array:
        return elevation_deg(station(at_s), satellite(at_s))

    def too_far_deg(at_s: Array) -> Array:
        return np.maximum(apart_deg(at_s) - limit_deg, mask_deg - height_deg(at_s))

    begin_s, end_s = instant_s(start), instant_s(stop)
    found = intervals_below(too_far_deg, begin_s, end_s, search_step_s(satellite, begin_s))
    edges = np.array([[one.start_s, one.stop_s] for one in found]).reshape(-1, 2)
    peaks_s = lowest_s(apart_deg, edges[:, 0], edges[:, 1])
    apart, height = (quantity(peaks_s) if len(found) else peaks_s for quantity in (apart_deg, height_deg))
    return [
        SunPass(instant(one.start_s), instant(peak_s), instant(one.stop_s), float(near), float(above))
        for one, peak_s, near, above in zip(found, peaks_s, apart, height, strict=True)
    ]


def sun_outages(
    satellite: Track,
    station: Track,
    receiver: Receiver,
    threshold_db: float,
    start: datetime,
    stop: datetime,
    mask_deg: float = 0.0,
) -> list[SunOutage]:
    """When C/N falls by more than `threshold_db`, the margin of the link in clear sky.

    Raises `ValueError` as `sun_passes`, and on a threshold outside 0.1 to 60 dB.
    """
    limit_deg = _limit_deg(receiver, threshold_db)
    if limit_deg is None:
        return []
    return _costing(receiver, sun_passes(satellite, station, limit_deg, start, stop, mask_deg))


def sun_outages_in_turn(
    turns: Sequence[Turn], station: Track, receiver: Receiver, threshold_db: float
) -> list[tuple[int, SunOutage]]:
    """As `sun_outages`, of satellites that a station follows one after the other: the number of the turn, the outage.

    An outage that reaches over an end of its turn is cut there. The station sees the satellite all its turn.
    """
    limit_deg = _limit_deg(receiver, threshold_db)
    if limit_deg is None:
        return []
    found: list[tuple[int, SunOutage]] = []
    for number, turn in enumerate(turns):
        if _meets_the_sun(turn, station, limit_deg):
            passes = sun_passes(turn.satellite, station, limit_deg, turn.start, turn.stop, _ALL_OF_THE_SKY_DEG)
            found += [(number, one) for one in _costing(receiver, passes)]
    return found


def _meets_the_sun(turn: Turn, station: Track, limit_deg: float) -> bool:
    """Whether it may come so near: no nearer than at a sample, less the way across the sky between two of them."""
    begin_s, end_s = instant_s(turn.start), instant_s(turn.stop)
    samples = max(int(np.ceil((end_s - begin_s) / search_step_s(turn.satellite, begin_s))), 2) + 1
    at_s = np.linspace(begin_s, end_s, samples)
    seen_from = station(at_s)
    sight = turn.satellite(at_s) - seen_from
    apart_deg = separation_deg(sight, sun_position_km(at_s) - seen_from)
    return bool(np.nanmin(apart_deg - limit_deg, initial=np.inf) < np.nanmax(separation_deg(sight[1:], sight[:-1])))


def _limit_deg(receiver: Receiver, threshold_db: float) -> float | None:
    """How near the Sun may come; `None` where it never costs so much. Raises `ValueError` on the threshold."""
    check({"threshold_db": (threshold_db, Accepted(*THRESHOLDS_DB))})
    dish = (receiver.diameter_m, receiver.efficiency, receiver.freq_hz, receiver.brightness_k)
    limit_deg = float(offset_of_degradation_deg.or_nan(threshold_db, receiver.system_temperature_k, *dish))
    return None if np.isnan(limit_deg) or limit_deg == 0 else limit_deg


def _costing(receiver: Receiver, passes: Sequence[SunPass]) -> list[SunOutage]:
    """What each costs at its peak."""
    dish = (receiver.diameter_m, receiver.efficiency, receiver.freq_hz, receiver.brightness_k)
    noise_k = sun_noise_k.or_nan(np.array([one.separation_deg for one in passes]), *dish)
    costs_db = sun_degradation_db.or_nan(noise_k, receiver.system_temperature_k)
    return [
        SunOutage(one.start, one.peak, one.end, one.separation_deg, one.elevation_deg, float(noise), float(cost_db))
        for one, noise, cost_db in zip(passes, noise_k, costs_db, strict=True)
    ]


def bearable_degradation_db(es_n0_db: float, downlink_es_n0_db: float, required_db: float) -> float:
    """By how much the down link alone may fall until the whole link meets what it requires; all under clear sky.

    `downlink_es_n0_db` is what the down link would give without any other noise. nan where the link does not meet it.
    """
    whole, down, required = (10 ** (-one / 10) for one in (es_n0_db, downlink_es_n0_db, required_db))
    growth = (required - whole + down) / down
    return float(10 * np.log10(growth)) if growth >= 1 else float("nan")


def highest_elevation_deg(satellite: Track, station: Track, start: datetime, stop: datetime) -> float:
    """How high the satellite is seen at most, to the step of the search; negative below the horizon. nan is unknown."""
    begin_s, end_s = instant_s(start), instant_s(stop)
    step_s = search_step_s(satellite, begin_s)
    highest, days = float("nan"), np.arange(begin_s, end_s, 86_400.0)
    for day_s in days:  # a year of a low satellite at once would be millions of places
        at_s = np.arange(day_s, min(day_s + 86_400.0, end_s), step_s)
        highest = float(np.fmax(highest, np.fmax.reduce(elevation_deg(station(at_s), satellite(at_s)))))
    return highest


def search_step_s(satellite: Track, at_s: float) -> float:
    """Fine enough that nothing of an orbit as high as this dips twice between two samples."""
    radius_km = float(np.linalg.norm(satellite(np.array([at_s]))))
    if not np.isfinite(radius_km):
        return _SHORTEST_STEP_S
    period_s = 2 * np.pi * np.sqrt(radius_km**3 / _MU_KM3_PER_S2)
    return float(np.clip(period_s / _SAMPLES_OF_ORBIT, _SHORTEST_STEP_S, _LONGEST_STEP_S))
