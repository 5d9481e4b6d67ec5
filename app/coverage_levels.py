"""The levels at which a map is divided: round numbers, or the very levels where a beam has only a few of them."""

from enum import StrEnum

import numpy as np

from satcom.app.coverage_in_time import TimeQuantity
from satcom.app.coverage_query import CoverageMap, Quantity

FEW = 12  # levels of a beam of contours
MANY_STEPS = 9
BELOW_PEAK_DB = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
ROUND_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
BEAM_LEVELS: frozenset[StrEnum] = frozenset({Quantity.EIRP, Quantity.G_OVER_T, Quantity.SFD, Quantity.PFD})
EVERYWHERE: frozenset[StrEnum] = frozenset(TimeQuantity)  # what lies below the first round number counts, too
AVAILABILITIES = (90.0, 95.0, 98.0, 99.0, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95, 99.97, 99.99, 99.997)


def is_stepped(answer: CoverageMap) -> bool:
    """Whether the map has only a few levels, as beams of contours have."""
    known = answer.values[np.isfinite(answer.values)]
    return len(np.unique(np.round(known, 3))) <= (1 if answer.quantity in EVERYWHERE else FEW)


def levels_of(answer: CoverageMap) -> list[float]:
    """Rising; empty where the map covers nothing."""
    known = answer.values[np.isfinite(answer.values)]
    if not known.size:
        return []
    if is_stepped(answer):
        return [float(one) for one in np.unique(np.round(known, 3))]
    low, high = float(known.min()), float(known.max())
    if answer.quantity is Quantity.AVAILABILITY:
        inside = [one for one in AVAILABILITIES if low <= one <= high]
        return inside[-8:] or [round(low, 3)]
    if answer.quantity in BEAM_LEVELS:
        flux = answer.quantity is Quantity.SFD
        peak = np.ceil(low + 0.2) if flux else np.floor(high - 0.2)
        below = [float(peak + one if flux else peak - one) for one in BELOW_PEAK_DB]
        return sorted(one for one in below if low <= one <= high)
    step = next((one for one in ROUND_STEPS if (high - low) / one <= MANY_STEPS), ROUND_STEPS[-1])
    first = np.floor(low / step) if answer.quantity in EVERYWHERE else np.ceil(low / step)
    return [round(float(one), 6) for one in np.arange(first * step, high + step / 1e6, step)]


def is_below_all(answer: CoverageMap, level: float) -> bool:
    """Whether every place has more than this level: it colours what lies below the first, and has no name."""
    return answer.quantity in EVERYWHERE and not is_stepped(answer) and level < float(np.nanmin(answer.values))
