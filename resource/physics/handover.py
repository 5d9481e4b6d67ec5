"""Which satellite serves a site when, and when it hands over to the next: two rules, stay long or point high.

Both take the windows in which satellites may serve: those of a search, or those in which a gateway is seen as well
(`joint_visibility.served_windows`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.fleet_path import fleet_path, step_s
from satcom.resource.physics.horizon_mask import Sites
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class HandoverSchedule:
    """Who serves, one entry a stay, in order of time, in seconds after the start. Between stays nobody does."""

    satellite: IntArray
    begin_s: Array
    end_s: Array

    @property
    def handovers(self) -> int:
        """Changes from one satellite to another without a break."""
        return int(np.sum((self.begin_s[1:] == self.end_s[:-1]) & (self.satellite[1:] != self.satellite[:-1])))

    @property
    def served_s(self) -> float:
        return float(np.sum(self.end_s - self.begin_s))


def longest_stay(windows: Windows, site: int) -> HandoverSchedule:
    """Change only when the satellite sets, and then to the one that stays longest: no schedule that serves as long
    has fewer stays."""
    mine = windows.where(windows.site == site)
    mine = mine.where(np.argsort(mine.rise_s, kind="stable"))
    satellites, begins, ends = [], [], []
    next_one, best, now_s = 0, -1, 0.0
    while True:
        # of all that have risen, the one that sets last
        while next_one < len(mine) and mine.rise_s[next_one] <= now_s:
            if best < 0 or mine.set_s[next_one] > mine.set_s[best]:
                best = next_one
            next_one += 1
        if best >= 0 and mine.set_s[best] > now_s:
            satellites.append(mine.satellite[best])
            begins.append(now_s)
            now_s = float(mine.set_s[best])
            ends.append(now_s)
        elif next_one < len(mine):
            now_s = float(mine.rise_s[next_one])
        else:
            break
    return HandoverSchedule(np.array(satellites, np.int64), np.array(begins, float), np.array(ends, float))


def highest_satellite(
    elements: Sequence[Elements],
    sites: Sites,
    site: int,
    windows: Windows,
    start: datetime,
    span_s: float,
    step_s: float = 15.0,
) -> HandoverSchedule:
    """Every `step_s` choose the satellite with the greatest elevation among those whose window holds the whole step.

    A step for which there is none is not served. Raises `ValueError` when the step is not positive.
    """
    if not step_s > 0:
        raise ValueError(f"step_s: {step_s:g} s between two choices")
    steps = int(span_s // step_s)
    mine = windows.where(windows.site == site)
    first = np.ceil(mine.rise_s / step_s - 1e-9).astype(np.int64)
    behind = np.minimum(np.floor(mine.set_s / step_s + 1e-9).astype(np.int64), steps)
    count = np.maximum(behind - first, 0)
    owner = np.repeat(np.arange(len(mine)), count)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    satellite = mine.satellite[owner]
    sine = _sine_of_elevation(elements, sites, site, satellite, (step + 0.5) * step_s, start, span_s)
    # the highest of every step comes last among its own
    order = np.lexsort((sine, step))
    step, satellite = step[order], satellite[order]
    best = np.flatnonzero(np.concatenate([step[1:] != step[:-1], [True]])) if len(step) else np.empty(0, np.int64)
    return _stays(step[best], satellite[best], step_s)


def _stays(step: IntArray, satellite: IntArray, step_s: float) -> HandoverSchedule:
    if not len(step):
        return HandoverSchedule(satellite, np.empty(0), np.empty(0))
    begins = np.concatenate([[True], (np.diff(step) != 1) | (np.diff(satellite) != 0)])
    ends = np.concatenate([begins[1:], [True]])
    return HandoverSchedule(satellite[begins], step[begins] * step_s, (step[ends] + 1) * step_s)


def _sine_of_elevation(
    elements: Sequence[Elements],
    sites: Sites,
    site: int,
    satellite: IntArray,
    at_s: Array,
    start: datetime,
    span_s: float,
) -> Array:
    """One value for one satellite at one instant each; satellites of the same step are propagated together."""
    alike: dict[float, list[int]] = defaultdict(list)
    for number in np.unique(satellite).tolist():
        alike[step_s(elements[number])].append(number)
    sine = np.empty(len(satellite))
    for step, numbers in alike.items():
        path = fleet_path([elements[number] for number in numbers], start, 0.0, span_s, step)
        chosen = np.flatnonzero(np.isin(satellite, numbers))
        sight_km = path.at(np.searchsorted(numbers, satellite[chosen]), at_s[chosen]) - sites.position_km[site]
        sine[chosen] = (sight_km @ sites.up[site]) / np.sqrt(np.einsum("ik,ik->i", sight_km, sight_km))
    return sine
